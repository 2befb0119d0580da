/*
 * Requests against compiled route tables: byte 0 is the configuration, byte 1
 * the listener, then lines: host, path, method.  The answer must be that of a
 * plain look at every route, its patterns taken apart here in another way:
 * hosts label by label from the right, prefixes segment by segment.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/route.h"

#define HEAD \
	"listeners: { a: { address: \":1\" }, b: { address: \":2\" } }\n" \
	"routes:\n"
#define R(name, conditions) \
	"- { name: " name ", " conditions " respond: { status: 200 } }\n"
#define T(name, conditions) \
	"- { name: " name ", " conditions " to: \"127.0.0.1:1\" }\n"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *const texts[] = {
	HEAD R("any", "") R("a", "host: a,") R("b", "host: \"*.b\",") R(
	    "ab", "host: a.b,") R("cb", "host: \"*.c.b\", path: /x/*,")
	    R("x", "path: /x,") R("p", "host: [a, \"*.a\"], path: [/, /p/*],"),
	HEAD R("root", "path: /*,") R("x", "path: /x/*,")
	    R("xy", "path: /x/y/*,") R("exact", "path: [/x, /x/y/z],")
		R("get", "path: /x/*, methods: [GET],")
		    R("put", "path: /x/y/*, methods: [PUT, PURGE],"),
	HEAD R("one", "path: /x, listeners: [a],")
	    R("two", "path: /x, listeners: [b], methods: [GET, POST],")
		R("three", "path: /x, methods: [HEAD],")
		    R("four", "host: \"*.b\", methods: [DELETE],")
			R("five", "host: a.b, path: /y/*, listeners: [b],"),
	HEAD R("1", "host: a.b.c.d,") R("2", "host: \"*.b.c.d\", path: /a,")
	    R("3", "host: \"*.c.d\", path: /a/*,") R("4", "host: \"*.d\",")
		R("5", "path: /a/b/c/*, methods: [OPTIONS],"),
	HEAD T("t", "host: a,") T("far", "connect: true,") T("get",
	    "host: a.b, methods: [GET], connect: true,") R("x", "path: /x/*,"),
};

#define NTEXTS (sizeof(texts) / sizeof(texts[0]))

static struct conf *confs[NTEXTS];
static struct route_table *tables[NTEXTS];

static void
compile(void)
{
	for (size_t i = 0; i < NTEXTS; i++) {
		struct conf_errors errors = { 0 };

		confs[i] = conf_parse("fuzz.yaml", text_of(texts[i]), &errors);
		conf_errors_print(&errors, stderr);
		assert(confs[i] != NULL);
		conf_errors_fini(&errors);
		tables[i] = route_compile(confs[i]);
	}
}

/* The last part behind `by' goes from `t' to `part'; false: none is left. */
static bool
cut_last(struct text *t, char by, struct text *part)
{
	size_t at = t->n;

	if (t->p == NULL)
		return false;
	while (at > 0 && t->p[at - 1] != by)
		at--;
	*part = (struct text){ t->p + at, t->n - at };
	*t = at == 0 ? TEXT_NONE : (struct text){ t->p, at - 1 };
	return true;
}

/* How well a pattern fits the host: 0 not at all, more is better. */
static unsigned
host_rank(struct text pattern, struct text host)
{
	struct text p, h;
	unsigned labels = 1;

	while (cut_last(&pattern, '.', &p)) {
		if (text_equal(p, TEXT("*")) && pattern.p == NULL)
			return host.p != NULL ? labels : 0;
		if (!cut_last(&host, '.', &h) || !text_equal(p, h))
			return 0;
		labels++;
	}
	return host.p == NULL ? 1000 : 0;
}

/* The same for a path: its length for a prefix, exact above all. */
static unsigned
path_rank(struct text pattern, struct text path)
{
	size_t n = pattern.n - 1;

	if (pattern.p[n] != '*')
		return text_equal(pattern, path) ? 1000 : 0;
	for (size_t i = 0; i + 1 < n; i++)
		if (i >= path.n || path.p[i] != pattern.p[i])
			return 0;
	if (path.n == n - 1)
		return n > 1 ? (unsigned)n : 0;
	return path.n >= n && path.p[n - 1] == '/' ? (unsigned)n : 0;
}

static bool
on_listener(const struct conf_route *r, unsigned listener)
{
	if (r->on_listener == NULL)
		return true;
	return listener < 2 && r->on_listener[listener];
}

static bool
takes_method(const struct conf_route *r, struct text method)
{
	bool takes = r->nmethods == 0;

	if (text_equal(method, TEXT("CONNECT")))
		return r->connect;
	for (unsigned i = 0; i < r->nmethods; i++) {
		struct text m = text_of(r->methods[i]);

		takes = takes || text_equal(m, method);
		takes = takes ||
		    (text_equal(m, TEXT("GET")) &&
			text_equal(method, TEXT("HEAD")));
	}
	return takes;
}

/* The best that any pair of the route's patterns says; 0: it does not fit. */
static uint64_t
rank(const struct conf_route *r, const struct route_query *q)
{
	uint64_t best = 0;
	uint64_t more =
	    (r->nmethods > 0 ? 1u : 0u) + (r->on_listener != NULL ? 1u : 0u);

	for (unsigned h = 0; h < r->nhosts + (r->nhosts == 0); h++)
		for (unsigned p = 0; p < r->npaths + (r->npaths == 0); p++) {
			uint64_t host = r->nhosts == 0
			    ? 1
			    : 1 + host_rank(text_of(r->hosts[h]), q->host);
			uint64_t path = r->npaths == 0
			    ? 1
			    : 1 + path_rank(text_of(r->paths[p]), q->path);
			uint64_t sum = host << 32 | path << 8 | more << 4 | 1;

			if ((r->nhosts > 0 && host == 1) ||
			    (r->npaths > 0 && path == 1))
				continue;
			best = sum > best ? sum : best;
		}
	return on_listener(r, q->listener) ? best : 0;
}

static struct route_answer
plain_look(const struct conf *conf, const struct route_query *q)
{
	struct route_answer answer = { .route = -1 };
	uint64_t best = 0;

	for (unsigned i = 0; i < conf->nroutes; i++) {
		uint64_t this = rank(&conf->routes[i], q);

		if (this == 0)
			continue;
		if (!takes_method(&conf->routes[i], q->method_name))
			answer.other_method = true;
		else if (this > best) {
			best = this;
			answer.route = (int)i;
		}
	}
	answer.other_method = answer.other_method && answer.route == -1;
	return answer;
}

/* What Allow says is what a request with that method would meet. */
static void
check_allow(size_t which, const struct route_query *q)
{
	struct route_query probe = *q;
	char allow[256];
	struct text left = { allow,
		route_allow(tables[which], q, allow, sizeof(allow)) };
	struct text word;

	assert(left.n < sizeof(allow));
	while (left.n > 0 && text_split(&left, ',', &word)) {
		if (word.n > 0 && word.p[0] == ' ')
			word = text_from(word, 1);
		probe.method_name = word;
		probe.method = method_find(word);
		assert(plain_look(confs[which], &probe).route != -1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct text in = { (const char *)bytes, n };
	struct route_query q = { 0 };
	struct route_answer answer, expected;
	size_t which;

	if (confs[0] == NULL)
		compile();
	if (n < 2)
		return 0;
	in = text_from(in, 2);
	if (!text_split(&in, '\n', &q.host) || !text_split(&in, '\n', &q.path))
		return 0;
	if (q.host.n == 0)
		q.host = TEXT_NONE;
	/* no host that a request can have begins with a wildcard */
	if (q.host.n > 253 || memchr(bytes, '*', q.host.n + 2) != NULL)
		return 0;
	which = bytes[0] % NTEXTS;
	q.listener = bytes[1] % 3 == 2 ? ROUTE_NO_LISTENER : bytes[1] % 3;
	q.method_name = in;
	q.method = method_find(in);
	answer = route_match(tables[which], &q);
	expected = plain_look(confs[which], &q);
	assert(answer.route == expected.route);
	assert(answer.other_method == expected.other_method);
	check_allow(which, &q);
	return 0;
}
