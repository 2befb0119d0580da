/*
 * The access log's line: one finished request as one JSON object.  Made on the
 * worker in one array on the stack: keys are written as they stand, numbers
 * without printf, and only values from outside go through the JSON writer.
 * Each of those has a share of the line and is cut to it, so that no request,
 * however hostile, makes a line that is too long or not JSON.
 */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/writer.h"
#include "proxy/access.h"

/* The bytes that a value may take, escapes and quotes included. */
enum share {
	SHARE_WORD = 128, /* ids, addresses, versions, methods */
	SHARE_NAME = 192, /* names of the configuration */
	SHARE_HOST = 384,
	SHARE_PATH = 1536, /* and query */
	SHARE_REFERER = 768,
	SHARE_AGENT = 512,
};
#define SHARES \
	(5 * SHARE_WORD + 4 * SHARE_NAME + 2 * SHARE_HOST + 2 * SHARE_PATH + \
	    SHARE_REFERER + SHARE_AGENT)
#define REST 800 /* keys, the time, numbers, the reason */
#define ATTEMPT_MOST (SHARE_NAME + 96) /* one of the list */
static_assert(SHARES + REST + ATTEMPT_MOST <= ACCESS_LINE_MAX,
    "a line holds the longest values and an attempt");

struct line {
	char *p;
	size_t n;
};

#define PUT(l, literal) put(l, TEXT(literal))

static void put_time(struct line *, uint64_t);
static void put_text(struct line *, struct text, struct text, enum share);
static void put_cut(struct json *, struct text, enum share);
static size_t before_character(struct text, size_t);
static void put_attempts(struct line *, const struct access_entry *);
static void put_reason(struct line *, enum end);
static void put_number(struct line *, struct text, uint64_t);
static void put_wait(struct line *, struct text, uint64_t);
static void put_ms(struct line *, struct text, uint64_t);
static void put_digits(struct line *, unsigned);
static void put(struct line *, struct text);

bool
access_write(struct ring *ring, const struct access_entry *e)
{
	char line[ACCESS_LINE_MAX];

	return ring_put(ring, line, access_format(e, line));
}

size_t
access_format(const struct access_entry *e, char to[ACCESS_LINE_MAX])
{
	struct line l = { .p = to };

	put_time(&l, e->wall_ns);
	put_text(&l, TEXT(",\"request_id\":"), e->request_id, SHARE_WORD);
	put_text(&l, TEXT(",\"client_ip\":"), e->client_ip, SHARE_WORD);
	put_text(&l, TEXT(",\"listener\":"), e->listener, SHARE_NAME);
	put_text(&l, TEXT(",\"protocol\":"), e->protocol, SHARE_WORD);
	put_text(&l, TEXT(",\"tls_version\":"), e->tls_version, SHARE_WORD);
	put_text(&l, TEXT(",\"sni\":"), e->sni, SHARE_HOST);
	put_text(&l, TEXT(",\"method\":"), e->method, SHARE_WORD);
	put_text(&l, TEXT(",\"host\":"), e->host, SHARE_HOST);
	put_text(&l, TEXT(",\"path\":"), e->path, SHARE_PATH);
	if (e->has_query && e->query.n == 0)
		PUT(&l, ",\"query\":\"\"");
	else
		put_text(&l, TEXT(",\"query\":"), e->query, SHARE_PATH);
	if (e->status != 0)
		put_number(&l, TEXT(",\"status\":"), e->status);
	put_reason(&l, e->reason);
	put_text(&l, TEXT(",\"route\":"), e->route, SHARE_NAME);
	put_text(&l, TEXT(",\"upstream\":"), e->upstream, SHARE_NAME);
	put_text(&l, TEXT(",\"server\":"), e->server, SHARE_NAME);
	put_number(&l, TEXT(",\"bytes_in\":"), e->bytes_in);
	put_number(&l, TEXT(",\"bytes_out\":"), e->bytes_out);
	put_ms(&l, TEXT(",\"duration_ms\":"), e->duration_ns);
	put_wait(&l, TEXT(",\"wait_ms\":"), e->wait_ns);
	put_wait(&l, TEXT(",\"connect_ms\":"), e->connect_ns);
	put_wait(&l, TEXT(",\"ttfb_ms\":"), e->ttfb_ns);
	put_text(&l, TEXT(",\"user_agent\":"), e->user_agent, SHARE_AGENT);
	put_text(&l, TEXT(",\"referer\":"), e->referer, SHARE_REFERER);
	put_number(&l, TEXT(",\"config_generation\":"), e->config_generation);
	if (e->nattempts > 1)
		put_attempts(&l, e);
	PUT(&l, "}\n");
	return l.n;
}

/* The calendar is asked once a second and thread. */
static void
put_time(struct line *l, uint64_t wall_ns)
{
	static _Thread_local struct {
		char text[32]; /* of that second */
		uint64_t second;
	} last;

	if (last.text[0] == '\0' || last.second != wall_ns / CLOCK_S) {
		last.second = wall_ns / CLOCK_S;
		(void)clock_rfc3339(last.text, last.second * CLOCK_S);
	}
	PUT(l, "{\"ts\":\"");
	put(l, (struct text){ last.text, sizeof("2026-11-22T21:00:00") - 1 });
	PUT(l, ".");
	put_digits(l, (unsigned)(wall_ns / CLOCK_MS % 1000));
	PUT(l, "Z\"");
}

static void
put_text(struct line *l, struct text key, struct text value, enum share most)
{
	struct json j;

	if (value.n == 0)
		return;
	put(l, key);
	json_init_array(&j, l->p + l->n, most);
	json_text(&j, value);
	if (j.full)
		put_cut(&j, value, most);
	l->n += j.n;
}

/* As much of the value's beginning as fits, and "..." for the rest. */
static void
put_cut(struct json *j, struct text value, enum share most)
{
	static const struct text dots = TEXT("...");
	char cut[SHARE_PATH];
	size_t n = most - dots.n - 2;

	if (n >= value.n)
		n = value.n / 2;
	do {
		value.n = before_character(value, n);
		memcpy(cut, value.p, value.n);
		memcpy(cut + value.n, dots.p, dots.n);
		json_init_array(j, j->p, most);
		json_text(j, (struct text){ cut, value.n + dots.n });
		n = value.n / 2;
	} while (j->full);
}

/* The place n, or the nearest one before that does not split UTF-8. */
static size_t
before_character(struct text t, size_t n)
{
	size_t back;

	for (back = 0; back < 4 && back <= n; back++)
		if (!text_utf8_goes_on(t.p[n - back]))
			return n - back;
	return n;
}

/* Those that the line has room for. */
static void
put_attempts(struct line *l, const struct access_entry *e)
{
	const struct access_attempt *a;
	unsigned i;

	PUT(l, ",\"attempts\":[");
	for (i = 0; i < e->nattempts; i++) {
		if (l->n + ATTEMPT_MOST > ACCESS_LINE_MAX)
			break;
		a = &e->attempts[i];
		put_ms(l, i == 0 ? TEXT("{\"ms\":") : TEXT(",{\"ms\":"),
		    a->duration_ns);
		put_text(l, TEXT(",\"server\":"), a->server, SHARE_NAME);
		put_reason(l, a->reason);
		PUT(l, "}");
	}
	PUT(l, "]");
}

/* Absent when all went well. */
static void
put_reason(struct line *l, enum end reason)
{
	if (reason == END_NONE)
		return;
	PUT(l, ",\"reason\":\"");
	put(l, text_of(end_row(reason)->word));
	PUT(l, "\"");
}

static void
put_number(struct line *l, struct text key, uint64_t n)
{
	put(l, key);
	l->n += text_put_u64(l->p + l->n, n);
}

/* Absent when not known. */
static void
put_wait(struct line *l, struct text key, uint64_t ns)
{
	if (ns != ACCESS_UNKNOWN)
		put_ms(l, key, ns);
}

/* Milliseconds, to the microsecond. */
static void
put_ms(struct line *l, struct text key, uint64_t ns)
{
	put_number(l, key, ns / CLOCK_MS);
	PUT(l, ".");
	put_digits(l, (unsigned)(ns / CLOCK_US % 1000));
}

/* Three of them. */
static void
put_digits(struct line *l, unsigned n)
{
	char digits[] = { (char)('0' + n / 100), (char)('0' + n / 10 % 10),
		(char)('0' + n % 10) };

	put(l, (struct text){ digits, sizeof(digits) });
}

static void
put(struct line *l, struct text t)
{
	assert(t.n <= ACCESS_LINE_MAX - l->n);
	memcpy(l->p + l->n, t.p, t.n);
	l->n += t.n;
}
