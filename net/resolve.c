/*
 * Host names to addresses over c-ares.  A name is looked for in the hosts file
 * first, by a channel that never opens a socket and so answers at once.  Then
 * come its A records, then the AAAA records of the very name that had them, so
 * that a search list cannot mix two hosts.  They are asked for apart because
 * then it is known when one of them failed: nobody shall mistake a lost packet
 * for servers that were removed.
 *
 * c-ares reads resolv.conf when a channel is made: when the file has changed,
 * a new channel takes the place of the old one, also with servers of our own,
 * since search and options come from there.  Control thread.
 */
#include <sys/stat.h>

#include <ares.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/resolve.h"

#include "base/addr.h"
#include "base/container.h"
#include "base/mem.h"
#include "net/dns_channel.h"
#include "net/loop.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define TTL_LEAST 1
#define TTL_MOST 3600
#define TTL_HOSTS 30 /* the hosts file has none, nor have addresses */
#define ERROR_MAX 80

struct resolver {
	struct loop *loop;
	char *servers; /* NULL: those of resolv_conf */
	char *resolv_conf;
	struct stat seen; /* resolv_conf when `dns' was made */
	struct dns_channel *hosts, *dns; /* dns NULL: not made yet */
};

struct ask {
	struct again ready;
	struct resolver *resolver;
	/* NULL: cancelled */
	void (*done)(void *, const struct resolve_answer *);
	void *arg;
	char *name;
	struct addr *addrs;
	size_t n;
	unsigned ttl_s;
	uint16_t port;
	bool asking; /* c-ares will call back */
	int v4, v6; /* ARES_...; what became of each question */
};

static bool same_file(const struct stat *, const struct stat *);
static void on_hosts(void *, int, int, struct ares_addrinfo *);
static void ask_dns(struct ask *);
static void on_v4(void *, int, int, struct ares_addrinfo *);
static void on_v6(void *, int, int, struct ares_addrinfo *);
static void ask_v6_of(struct ask *, const char *);
static void answered(struct ask *);
static void take(struct ask *, const struct ares_addrinfo *);
static void add(struct ask *, const struct sockaddr *, socklen_t);
static void take_ttl(struct ask *, int);
static void on_answered(struct again *);
static void sort_addrs(struct ask *);
static int compare_addrs(const void *, const void *);
static bool explain(const struct ask *, char[ERROR_MAX]);
static int ask_status(const struct ask *);
static void ask_free(struct ask *);

struct resolver *
resolver_new(struct loop *loop, const char *servers, const char *resolv_conf)
{
	struct resolver *r = xcalloc(1, sizeof(*r));
	struct dns_settings hosts = {
		.resolv_conf = "/dev/null",
		.lookups = "f",
	};

	ares_library_init(ARES_LIB_INIT_ALL);
	r->loop = loop;
	if (servers != NULL && *servers != '\0')
		hosts.servers = r->servers = xstrdup(servers);
	r->resolv_conf = xstrdup(resolv_conf ? resolv_conf : RESOLV_CONF);
	r->hosts = dns_channel_new(loop, &hosts);
	if (r->hosts == NULL) {
		resolver_free(r);
		errno = EINVAL;
		return NULL;
	}
	return r;
}

void
resolver_free(struct resolver *r)
{
	dns_channel_free(r->dns);
	dns_channel_free(r->hosts);
	ares_library_cleanup();
	free(r->servers);
	free(r->resolv_conf);
	free(r);
}

struct loop *
resolver_loop(const struct resolver *r)
{
	return r->loop;
}

struct ask *
resolve_start(struct resolver *r, const char *name, uint16_t port,
    void (*done)(void *, const struct resolve_answer *), void *arg)
{
	struct ask *a = xcalloc(1, sizeof(*a));
	struct addr ip;

	a->resolver = r;
	a->done = done;
	a->arg = arg;
	a->port = port;
	a->ttl_s = TTL_MOST;
	a->name = xstrdup(name);
	a->ready.run = on_answered;
	if (addr_from_ip(text_of(name), port, &ip)) {
		add(a, &ip.u.sa, ip.len);
		a->ttl_s = TTL_HOSTS;
		answered(a);
		return a;
	}
	dns_channel_ask(r->hosts, name, AF_UNSPEC, on_hosts, a);
	if (a->n == 0)
		ask_dns(a);
	return a;
}

void
resolve_cancel(struct ask *a)
{
	a->done = NULL;
	if (a->asking)
		return; /* c-ares cannot forget a query: freed at its end */
	loop_again_cancel(a->resolver->loop, &a->ready);
	ask_free(a);
}

struct dns_channel *
resolver_channel(struct resolver *r)
{
	const struct dns_settings settings = {
		.servers = r->servers,
		.resolv_conf = r->resolv_conf,
		.lookups = "b",
	};
	struct stat now;

	if (stat(r->resolv_conf, &now) == -1)
		memset(&now, 0, sizeof(now));
	if (r->dns != NULL && same_file(&now, &r->seen))
		return r->dns;
	dns_channel_free(r->dns);
	r->seen = now;
	r->dns = dns_channel_new(r->loop, &settings);
	return r->dns;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Also for localhost, which needs no line in the file. */
static void
on_hosts(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
	struct ask *a = arg;

	(void)timeouts;
	if (status != ARES_SUCCESS)
		return;
	take(a, found);
	ares_freeaddrinfo(found);
	a->ttl_s = TTL_HOSTS;
	answered(a);
}

static void
ask_dns(struct ask *a)
{
	struct dns_channel *ch = resolver_channel(a->resolver);

	if (ch == NULL) {
		a->v4 = ARES_ENOTINITIALIZED;
		answered(a);
		return;
	}
	a->asking = true;
	dns_channel_ask(ch, a->name, AF_INET, on_v4, a);
}

/* A name that has no address of this kind may still have one of the other. */
static void
on_v4(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
	struct ask *a = arg;

	(void)timeouts;
	a->v4 = status;
	if (status == ARES_SUCCESS) {
		take(a, found);
		ask_v6_of(a, found->name);
		ares_freeaddrinfo(found);
	} else if (status == ARES_ENODATA)
		dns_channel_ask(a->resolver->dns, a->name, AF_INET6, on_v6, a);
	else
		answered(a);
}

/* The name as it was found: its dot at the end keeps the search list out. */
static void
ask_v6_of(struct ask *a, const char *found)
{
	char *name = xasprintf("%s.", found);

	dns_channel_ask(a->resolver->dns, name, AF_INET6, on_v6, a);
	free(name);
}

static void
on_v6(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
	struct ask *a = arg;

	(void)timeouts;
	a->v6 = status;
	if (status == ARES_SUCCESS) {
		take(a, found);
		ares_freeaddrinfo(found);
	}
	answered(a);
}

/* Nobody is called from under c-ares, nor before resolve_start returned. */
static void
answered(struct ask *a)
{
	a->asking = false;
	if (a->done == NULL)
		ask_free(a);
	else
		loop_again(a->resolver->loop, &a->ready);
}

/* An alias on the way may be shorter-lived than the address. */
static void
take(struct ask *a, const struct ares_addrinfo *found)
{
	const struct ares_addrinfo_node *node;
	const struct ares_addrinfo_cname *alias;

	for (alias = found->cnames; alias != NULL; alias = alias->next)
		take_ttl(a, alias->ttl);
	for (node = found->nodes; node != NULL; node = node->ai_next) {
		add(a, node->ai_addr, node->ai_addrlen);
		take_ttl(a, node->ai_ttl);
	}
}

/* Unused bytes are zero: addresses are compared byte by byte. */
static void
add(struct ask *a, const struct sockaddr *sa, socklen_t len)
{
	struct addr *to;

	a->addrs = xrealloc(a->addrs, (a->n + 1) * sizeof(*a->addrs));
	to = &a->addrs[a->n++];
	memset(to, 0, sizeof(*to));
	to->len = len;
	memcpy(&to->u, sa, len);
	addr_set_port(to, a->port);
}

static void
take_ttl(struct ask *a, int ttl)
{
	unsigned ttl_s = ttl > TTL_LEAST ? (unsigned)ttl : TTL_LEAST;

	if (ttl_s < a->ttl_s)
		a->ttl_s = ttl_s;
}

static void
on_answered(struct again *ready)
{
	struct ask *a = CONTAINER_OF(ready, struct ask, ready);
	struct resolve_answer answer;
	char error[ERROR_MAX];

	sort_addrs(a);
	answer = (struct resolve_answer){
		.addrs = a->addrs,
		.n = a->n,
		.ttl_s = a->ttl_s,
		.error = explain(a, error) ? error : NULL,
	};
	a->done(a->arg, &answer);
	ask_free(a);
}

/* Sorted and each once, whatever order the server shuffled them into. */
static void
sort_addrs(struct ask *a)
{
	size_t n = 0;

	if (a->n == 0)
		return;
	qsort(a->addrs, a->n, sizeof(*a->addrs), compare_addrs);
	for (size_t i = 1; i < a->n; i++) {
		if (compare_addrs(&a->addrs[n], &a->addrs[i]) != 0)
			a->addrs[++n] = a->addrs[i];
	}
	a->n = n + 1;
}

static int
compare_addrs(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct addr));
}

/* False: nothing is missing. */
static bool
explain(const struct ask *a, char error[ERROR_MAX])
{
	int status = ask_status(a);

	if (status == ARES_SUCCESS)
		return false;
	snprintf(error, ERROR_MAX, "%s%s", a->n > 0 ? "AAAA: " : "",
	    dns_status_words(status));
	return true;
}

/* One status for both questions. */
static int
ask_status(const struct ask *a)
{
	if (a->v4 != ARES_SUCCESS && a->v4 != ARES_ENODATA)
		return a->v4;
	if (a->v6 != ARES_SUCCESS && a->v6 != ARES_ENODATA &&
	    a->v6 != ARES_ENOTFOUND)
		return a->v6;
	return a->n > 0 ? ARES_SUCCESS : ARES_ENODATA;
}

static void
ask_free(struct ask *a)
{
	free(a->addrs);
	free(a->name);
	free(a);
}
