/*
 * Consul's double: its listener, its connections, and what the test does to
 * it.  One lock covers everything; the threads hold it only while they look or
 * write, and each write wakes all that wait for news.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/consul_conn.h"
#include "tests/lib/wait.h"

enum { BACKLOG = 1024, STACK = 1 << 19 };

static const char *const fault_names[CONSUL_FAULTS] = {
	[CONSUL_WELL] = "well",
	[CONSUL_ERROR] = "error",
	[CONSUL_BUSY] = "busy",
	[CONSUL_HANG] = "hang",
	[CONSUL_HALF] = "half",
	[CONSUL_RESET] = "reset",
	[CONSUL_GARBAGE] = "garbage",
	[CONSUL_EMPTY] = "empty",
	[CONSUL_INDEX_ZERO] = "index-zero",
	[CONSUL_NO_INDEX] = "no-index",
	[CONSUL_HUGE] = "huge",
};

static SSL_CTX *make_tls(const struct consul_options *);
static bool listen_on(struct consul *);
static int bind_to(const struct consul_options *, int port);
static void *consul_run(void *);
static void conn_new(struct consul *, int fd);
static void *conn_run(void *);
static void thread_start(pthread_t *, void *(*)(void *), void *);
static json_t *registration_of(const struct consul_service *);
static void set_text(json_t *, const char *, const char *);
static json_t *tags_of(const char *);

#define LOCKED(c, expression) \
	__extension__({ \
		pthread_mutex_lock(&(c)->lock); \
		__typeof__(expression) value_ = (expression); \
		pthread_mutex_unlock(&(c)->lock); \
		value_; \
	})

struct consul *
consul_start(const struct consul_options *options)
{
	struct consul *c = keep(sizeof *c);

	c->options = *options;
	c->random = (unsigned)wait_now();
	c->last = keep_printf("%s", "");
	catalog_init(&c->catalog);
	TAILQ_INIT(&c->conns);
	pthread_mutex_init(&c->lock, NULL);
	if (options->cert != NULL)
		c->tls = make_tls(options);
	if (!listen_on(c))
		return NULL;
	c->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	thread_start(&c->thread, consul_run, c);
	return c;
}

int
consul_port(const struct consul *c)
{
	return c->port;
}

void
consul_register(struct consul *c, const struct consul_service *s)
{
	json_t *registration = registration_of(s);

	pthread_mutex_lock(&c->lock);
	if (catalog_register(&c->catalog, registration, wait_now()) != NULL)
		abort();
	consul_wake(c);
	pthread_mutex_unlock(&c->lock);
	json_decref(registration);
}

bool
consul_deregister(struct consul *c, const char *id)
{
	bool found;

	pthread_mutex_lock(&c->lock);
	found = catalog_deregister(&c->catalog, id);
	consul_wake(c);
	pthread_mutex_unlock(&c->lock);
	return found;
}

bool
consul_check(struct consul *c, const char *id, const char *status)
{
	bool found;

	pthread_mutex_lock(&c->lock);
	found = catalog_set(&c->catalog, id, status, wait_now());
	consul_wake(c);
	pthread_mutex_unlock(&c->lock);
	return found;
}

void
consul_fail(struct consul *c, enum consul_fault fault)
{
	pthread_mutex_lock(&c->lock);
	c->fault = fault;
	consul_wake(c);
	pthread_mutex_unlock(&c->lock);
}

void
consul_touch(struct consul *c)
{
	pthread_mutex_lock(&c->lock);
	catalog_touch(&c->catalog);
	consul_wake(c);
	pthread_mutex_unlock(&c->lock);
}

void
consul_rewind(struct consul *c, uint64_t index)
{
	pthread_mutex_lock(&c->lock);
	catalog_rewind(&c->catalog, index);
	c->rewound++;
	consul_wake(c);
	pthread_mutex_unlock(&c->lock);
}

/* As origin_kill: the port stays ours. */
void
consul_kill(struct consul *c)
{
	static const struct linger at_once = { .l_onoff = 1 };
	const uint64_t one = 1;
	struct consul_conn *conn;

	pthread_mutex_lock(&c->lock);
	c->dead = true;
	shutdown(c->listener, SHUT_RD);
	TAILQ_FOREACH (conn, &c->conns, entry) {
		setsockopt(
		    conn->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
		shutdown(conn->fd, SHUT_RDWR);
	}
	consul_wake(c);
	pthread_mutex_unlock(&c->lock);
	(void)!write(c->wakeup, &one, sizeof one);
}

void
consul_revive(struct consul *c)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&c->lock);
	c->dead = false;
	if (listen(c->listener, BACKLOG) == -1)
		abort();
	pthread_mutex_unlock(&c->lock);
	(void)!write(c->wakeup, &one, sizeof one);
}

unsigned
consul_queries(struct consul *c)
{
	return LOCKED(c, c->queries);
}

unsigned
consul_waiting(struct consul *c)
{
	return LOCKED(c, c->waiting);
}

unsigned
consul_accepted(struct consul *c)
{
	return LOCKED(c, c->accepted);
}

unsigned
consul_open(struct consul *c)
{
	return LOCKED(c, c->open);
}

char *
consul_last(struct consul *c)
{
	return LOCKED(c, keep_printf("%s", c->last));
}

enum consul_fault
consul_fault_of(const char *name)
{
	unsigned i = 0;

	while (i < CONSUL_FAULTS && strcmp(fault_names[i], name) != 0)
		i++;
	return (enum consul_fault)i;
}

static SSL_CTX *
make_tls(const struct consul_options *o)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	/* OpenSSL writes without MSG_NOSIGNAL. */
	signal(SIGPIPE, SIG_IGN);
	if (SSL_CTX_use_certificate_chain_file(tls, o->cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, o->key, SSL_FILETYPE_PEM) != 1)
		abort();
	if (o->client_ca == NULL)
		return tls;
	if (SSL_CTX_load_verify_locations(tls, o->client_ca, NULL) != 1)
		abort();
	SSL_CTX_set_verify(
	    tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return tls;
}

/* As origin.c: choose a port first, then ask for it, and shutdown keeps it. */
static bool
listen_on(struct consul *c)
{
	struct sockaddr_in in;
	socklen_t n = sizeof in;
	int temporary;

	do {
		c->port = c->options.port;
		if (c->port == 0) {
			temporary = bind_to(&c->options, 0);
			if (temporary == -1)
				return false;
			getsockname(temporary, (struct sockaddr *)&in, &n);
			c->port = ntohs(in.sin_port);
			close(temporary);
		}
		c->listener = bind_to(&c->options, c->port);
	} while (
	    c->listener == -1 && c->options.port == 0 && errno == EADDRINUSE);
	return c->listener != -1 && listen(c->listener, BACKLOG) == 0;
}

static int
bind_to(const struct consul_options *options, int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr =
		    htonl(options->any ? INADDR_ANY : INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&in, sizeof in) == 0)
		return fd;
	close(fd);
	return -1;
}

static void *
consul_run(void *arg)
{
	struct consul *c = arg;
	struct pollfd fds[2] = { { .events = POLLIN },
		{ .fd = c->wakeup, .events = POLLIN } };
	uint64_t rung;
	int fd;

	for (;;) {
		fds[0].fd = LOCKED(c, c->dead ? -1 : c->listener);
		poll(fds, 2, -1);
		(void)!read(c->wakeup, &rung, sizeof rung);
		while (
		    (fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC)) != -1)
			conn_new(c, fd);
	}
	return NULL;
}

static void
conn_new(struct consul *c, int fd)
{
	struct consul_conn *conn = keep(sizeof *conn);
	pthread_t thread;
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	conn->consul = c;
	conn->fd = fd;
	conn->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->tls != NULL) {
		conn->ssl = SSL_new(c->tls);
		SSL_set_fd(conn->ssl, fd);
	}
	pthread_mutex_lock(&c->lock);
	c->accepted++;
	c->open++;
	TAILQ_INSERT_TAIL(&c->conns, conn, entry);
	if (c->dead)
		shutdown(fd, SHUT_RDWR);
	pthread_mutex_unlock(&c->lock);
	thread_start(&thread, conn_run, conn);
}

static void *
conn_run(void *arg)
{
	struct consul_conn *conn = arg;
	struct consul *c = conn->consul;

	pthread_detach(pthread_self());
	consul_conn_serve(conn);
	pthread_mutex_lock(&c->lock);
	TAILQ_REMOVE(&c->conns, conn, entry);
	c->open--;
	SSL_free(conn->ssl);
	close(conn->fd);
	close(conn->wakeup);
	pthread_mutex_unlock(&c->lock);
	bytes_free(&conn->in);
	keep_no_more(conn);
	return NULL;
}

/* With little stack: there may be a thousand. */
static void
thread_start(pthread_t *thread, void *(*run)(void *), void *arg)
{
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	if (pthread_create(thread, &attributes, run, arg) != 0)
		abort();
	pthread_attr_destroy(&attributes);
}

static json_t *
registration_of(const struct consul_service *s)
{
	json_t *check = json_object();
	json_t *r = json_pack("{s:s, s:i, s:o, s:{s:i, s:i}}", "Name", s->name,
	    "Port", s->port, "Tags", tags_of(s->tags), "Weights", "Passing",
	    s->passing, "Warning", s->warning);

	set_text(r, "ID", s->id);
	set_text(r, "Address", s->address);
	set_text(r, "DoubleNode", s->node);
	set_text(r, "DoubleAddress", s->node_address);
	set_text(r, "DoubleDC", s->dc);
	if (s->zone != NULL)
		json_object_set_new(
		    r, "Meta", json_pack("{s:s}", "zone", s->zone));
	set_text(check, "Status", s->status == NULL ? "passing" : s->status);
	set_text(check, "TTL", s->ttl);
	set_text(check, "DeregisterCriticalServiceAfter", s->dead_after);
	json_object_set_new(r, "Check", check);
	return r;
}

static void
set_text(json_t *object, const char *name, const char *text)
{
	if (text != NULL)
		json_object_set_new(object, name, json_string(text));
}

static json_t *
tags_of(const char *list)
{
	json_t *tags = json_array();
	size_t n;

	while (list != NULL && *list != '\0') {
		n = strcspn(list, ",");
		json_array_append_new(tags, json_stringn(list, n));
		list += n + (list[n] == ',');
	}
	return tags;
}
