/*
 * Just enough of RFC 1035: a question is copied back with its answers behind,
 * each naming the question by a pointer.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/bytes.h"
#include "tests/lib/names.h"

enum { HEADER = 12, TYPE_A = 1, TYPE_AAAA = 28, PACKET = 512 };

struct names {
	int fd;
	char *address;
	pthread_t thread;
	pthread_mutex_t lock; /* below */
	struct names_answer answer;
	unsigned asked;
};

static void *names_run(void *);
static size_t question_end(const unsigned char *, size_t n);
static size_t reply_to(unsigned char *, size_t n, struct names_answer);
static size_t put_address(unsigned char *, unsigned type, uint32_t ttl);

struct names *
names_start(struct names_answer answer)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct names *s = keep(sizeof *s);
	socklen_t n = sizeof in;

	s->answer = answer;
	pthread_mutex_init(&s->lock, NULL);
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s->fd == -1 || bind(s->fd, (struct sockaddr *)&in, n) == -1 ||
	    getsockname(s->fd, (struct sockaddr *)&in, &n) == -1 ||
	    pthread_create(&s->thread, NULL, names_run, s) != 0)
		abort();
	s->address = keep_printf("127.0.0.1:%d", ntohs(in.sin_port));
	return s;
}

const char *
names_address(const struct names *s)
{
	return s->address;
}

void
names_answer(struct names *s, struct names_answer answer)
{
	pthread_mutex_lock(&s->lock);
	s->answer = answer;
	pthread_mutex_unlock(&s->lock);
}

unsigned
names_asked(struct names *s)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = s->asked;
	pthread_mutex_unlock(&s->lock);
	return n;
}

static void *
names_run(void *arg)
{
	struct names *s = arg;
	unsigned char packet[PACKET];
	struct sockaddr_storage from;
	struct names_answer answer;
	socklen_t from_n;
	ssize_t n;

	for (;;) {
		from_n = sizeof from;
		n = recvfrom(s->fd, packet, PACKET / 2, 0,
		    (struct sockaddr *)&from, &from_n);
		if (n < HEADER || question_end(packet, (size_t)n) == 0)
			continue;
		pthread_mutex_lock(&s->lock);
		s->asked++;
		answer = s->answer;
		pthread_mutex_unlock(&s->lock);
		if (answer.dead)
			continue;
		sendto(s->fd, packet, reply_to(packet, (size_t)n, answer), 0,
		    (struct sockaddr *)&from, from_n);
	}
	return NULL;
}

/* Behind the only question; 0 when there is none. */
static size_t
question_end(const unsigned char *p, size_t n)
{
	size_t at = HEADER;

	while (at < n && p[at] != 0)
		at += p[at] + 1u;
	return at + 5 <= n ? at + 5 : 0;
}

static size_t
reply_to(unsigned char *p, size_t n, struct names_answer answer)
{
	size_t end = question_end(p, n);
	unsigned type = p[end - 4] * 256u + p[end - 3];
	bool has = !answer.fails &&
	    ((type == TYPE_A && answer.v4) || (type == TYPE_AAAA && answer.v6));

	p[2] = 0x81;
	p[3] = answer.fails ? 0x82 : 0x80;
	memset(p + 4, 0, HEADER - 4);
	p[5] = 1;
	p[7] = has;
	return has ? end + put_address(p + end, type, answer.ttl) : end;
}

static size_t
put_address(unsigned char *p, unsigned type, uint32_t ttl)
{
	static const unsigned char v4[4] = { 127, 0, 0, 1 };
	static const unsigned char v6[16] = { [15] = 1 };
	unsigned char n = type == TYPE_A ? 4 : 16;
	unsigned char head[12] = { 0xc0, HEADER, 0, (unsigned char)type, 0, 1,
		0, 0, (unsigned char)(ttl >> 8), (unsigned char)ttl, 0, n };

	memcpy(p, head, sizeof head);
	memcpy(p + sizeof head, type == TYPE_A ? v4 : v6, n);
	return sizeof head + n;
}
