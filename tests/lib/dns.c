/*
 * The DNS server double.  It reads one question, and writes the answer over it
 * in the same packet, as far as the script for its type tells.
 */
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/dns.h"

#include "base/clock.h"
#include "net/loop.h"

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28, TYPE_SRV = 33 };
enum { HEADER = 12, PACKET = 16384 };

/* A packet in the making. */
struct packet {
	unsigned char *p;
	size_t n; /* written so far */
	unsigned records, name_at;
};

static int bind_socket(int, uint16_t);
static uint16_t port_of(int);
static void on_udp(evutil_socket_t, short, void *);
static void on_tcp(evutil_socket_t, short, void *);
static void on_tcp_question(evutil_socket_t, short, void *);
static size_t answer(struct dns *, unsigned char *, bool);
static size_t read_name(struct dns *, const unsigned char *);
static struct dns_script *count_question(struct dns *, unsigned, bool);
static void
put_records(struct packet *, const struct dns *, const struct dns_script *);
static void put_alias(struct packet *, uint32_t);
static void put_address(
    struct packet *, const struct dns *, const struct dns_script *, unsigned);
static void put_srv(struct packet *, const struct dns_script *, unsigned);
static void put_record(struct packet *, unsigned, uint32_t, unsigned);
static void put16(unsigned char *, unsigned);
static void add16(struct packet *, unsigned);

void
dns_init(struct dns *dns, struct loop *loop)
{
	const struct dns_script two = { .first = 1, .count = 2, .ttl = 60 };

	memset(dns, 0, sizeof(*dns));
	dns->loop = loop;
	dns->a = dns->aaaa = two;
	dns->srv = two;
	dns->aaaa.count = dns->srv.count = 0;
	dns->udp = dns->tcp = -1;
}

void
dns_open(struct dns *dns)
{
	dns->tcp = bind_socket(SOCK_STREAM, dns->port);
	dns->port = port_of(dns->tcp);
	dns->udp = bind_socket(SOCK_DGRAM, dns->port);
	if (listen(dns->tcp, 10) == -1)
		abort();
	event_assign(&dns->udp_event, loop_base(dns->loop), dns->udp,
	    EV_READ | EV_PERSIST, on_udp, dns);
	event_assign(&dns->tcp_event, loop_base(dns->loop), dns->tcp,
	    EV_READ | EV_PERSIST, on_tcp, dns);
	event_add(&dns->udp_event, NULL);
	event_add(&dns->tcp_event, NULL);
}

void
dns_close(struct dns *dns)
{
	if (dns->udp == -1)
		return;
	event_del(&dns->udp_event);
	event_del(&dns->tcp_event);
	close(dns->udp);
	close(dns->tcp);
	dns->udp = dns->tcp = -1;
}

static int
bind_socket(int type, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		abort();
	return fd;
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	if (getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		abort();
	return ntohs(sin.sin_port);
}

static void
on_udp(evutil_socket_t fd, short what, void *arg)
{
	unsigned char packet[PACKET];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(
	    fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &len);
	size_t out;

	(void)what;
	if (n > HEADER && (out = answer(arg, packet, false)) > 0)
		sendto(fd, packet, out, 0, (struct sockaddr *)&from, len);
}

static void
on_tcp(evutil_socket_t fd, short what, void *arg)
{
	struct dns *dns = arg;
	int conn = accept(fd, NULL, NULL);

	(void)what;
	event_base_once(
	    loop_base(dns->loop), conn, EV_READ, on_tcp_question, dns, NULL);
}

/* One question per connection. */
static void
on_tcp_question(evutil_socket_t fd, short what, void *arg)
{
	unsigned char packet[PACKET];
	ssize_t n = recv(fd, packet, sizeof(packet), 0);
	size_t out;

	(void)what;
	if (n > HEADER + 2 && (out = answer(arg, packet + 2, true)) > 0) {
		put16(packet, (unsigned)out);
		if (send(fd, packet, out + 2, 0) == -1)
			abort();
	}
	close(fd);
}

/* The length of the answer, 0 for none. */
static size_t
answer(struct dns *dns, unsigned char *question, bool tcp)
{
	static const unsigned rcode[] = { [DNS_ANSWER] = 0,
		[DNS_NXDOMAIN] = 3,
		[DNS_SERVFAIL] = 2,
		[DNS_REFUSED] = 5,
		[DNS_GARBAGE] = 0,
		[DNS_BY_TCP] = 0 };
	struct packet packet = { .p = question, .name_at = HEADER };
	struct dns_script *s;
	enum dns_how how;
	bool cut;

	packet.n = HEADER + read_name(dns, question + HEADER) + 4;
	s = count_question(dns, question[packet.n - 3], tcp);
	how = s->failures > 0 ? DNS_SERVFAIL : s->how;
	s->failures -= s->failures > 0;
	if (how == DNS_SILENT)
		return 0;
	cut = how == DNS_BY_TCP && !tcp;
	if (how == DNS_GARBAGE)
		put_record(&packet, TYPE_A, 60, 2000);
	if ((how == DNS_ANSWER || how == DNS_BY_TCP) && !cut)
		put_records(&packet, dns, s);
	put16(question + 2, 0x8180 | rcode[how] | (cut ? 0x200u : 0));
	put16(question + 6, packet.records);
	put16(question + 8, 0);
	put16(question + 10, 0);
	return packet.n;
}

/* Its length on the wire. */
static size_t
read_name(struct dns *dns, const unsigned char *wire)
{
	size_t n = 0;

	while (wire[n] != 0) {
		memcpy(dns->name + n, wire + n + 1, wire[n]);
		n += wire[n];
		dns->name[n++] = '.';
	}
	dns->name[n] = '\0';
	return n + 1;
}

static struct dns_script *
count_question(struct dns *dns, unsigned type, bool tcp)
{
	dns->asked_tcp += tcp;
	if (type == TYPE_SRV) {
		dns->asked_srv++;
		return &dns->srv;
	}
	if (type == TYPE_AAAA) {
		dns->asked_aaaa++;
		return &dns->aaaa;
	}
	if (dns->asked_a < 16)
		dns->asked_at[dns->asked_a] = clock_now();
	dns->asked_a++;
	return &dns->a;
}

static void
put_records(
    struct packet *packet, const struct dns *dns, const struct dns_script *s)
{
	if (dns->alias_ttl != 0)
		put_alias(packet, dns->alias_ttl);
	if (s->backwards && s->count > 0)
		put_address(packet, dns, s, s->count - 1);
	for (unsigned i = 0; s == &dns->srv && i < s->count; i++)
		put_srv(packet, s, i);
	if (s == &dns->srv)
		return;
	for (unsigned i = 0; i < s->count; i++)
		put_address(
		    packet, dns, s, s->backwards ? s->count - 1 - i : i);
}

/* To "z." and the question's name; the addresses are that name's. */
static void
put_alias(struct packet *packet, uint32_t ttl)
{
	put_record(packet, TYPE_CNAME, ttl, 4);
	packet->name_at = (unsigned)packet->n;
	memcpy(packet->p + packet->n, "\1z", 2);
	packet->n += 2;
	add16(packet, 0xc000 | HEADER);
}

static void
put_address(struct packet *packet, const struct dns *dns,
    const struct dns_script *s, unsigned i)
{
	static const unsigned char v4[4] = { 10, 9 }, v6[16] = { 0xfd };
	bool is_v4 = s == &dns->a;
	unsigned n = is_v4 ? sizeof(v4) : sizeof(v6);

	put_record(packet, is_v4 ? TYPE_A : TYPE_AAAA, s->ttl, n);
	memcpy(packet->p + packet->n, is_v4 ? v4 : v6, n);
	packet->n += n;
	packet->p[packet->n - 1] = (unsigned char)(s->first + i);
}

static void
put_srv(struct packet *packet, const struct dns_script *s, unsigned i)
{
	put_record(packet, TYPE_SRV, s->ttl, s->root ? 7 : 10);
	add16(packet, 0);
	add16(packet, 5);
	add16(packet, s->first + i);
	if (!s->root) {
		memcpy(packet->p + packet->n, "\1t", 2);
		packet->n += 2;
		add16(packet, 0xc000 | HEADER);
	} else
		packet->p[packet->n++] = 0;
}

static void
put_record(struct packet *packet, unsigned type, uint32_t ttl, unsigned n)
{
	packet->records++;
	add16(packet, 0xc000 | packet->name_at);
	add16(packet, type);
	add16(packet, 1);
	add16(packet, ttl >> 16);
	add16(packet, ttl & 0xffff);
	add16(packet, n);
}

static void
put16(unsigned char *p, unsigned v)
{
	p[0] = (unsigned char)(v >> 8);
	p[1] = (unsigned char)v;
}

static void
add16(struct packet *packet, unsigned v)
{
	put16(packet->p + packet->n, v);
	packet->n += 2;
}
