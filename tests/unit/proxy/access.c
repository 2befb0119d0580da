/*
 * The access log's line: every key, in its form, and JSON whatever a peer
 * sends.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/writer.h"
#include "proxy/access.h"

static char line[ACCESS_LINE_MAX];

static const struct access_attempt attempts[] = {
	{ TEXT("10.0.0.1:80"), END_CONNECT_FAILURE, 2500 * CLOCK_US },
	{ TEXT("10.0.0.2:80"), END_NONE, 3 * CLOCK_MS },
};

static const struct access_entry full = {
	.wall_ns = 1763985600 * CLOCK_S + 7 * CLOCK_MS + 999999,
	.request_id = TEXT("0af7"),
	.client_ip = TEXT("192.0.2.7"),
	.listener = TEXT("https"),
	.protocol = TEXT("HTTP/1.1"),
	.tls_version = TEXT("TLSv1.3"),
	.sni = TEXT("shop.example"),
	.method = TEXT("GET"),
	.host = TEXT("shop.example:8443"),
	.path = TEXT("/a/b"),
	.query = TEXT("x=1&y"),
	.has_query = true,
	.status = 200,
	.reason = END_UPSTREAM_TRUNCATED,
	.route = TEXT("catalog"),
	.upstream = TEXT("cat"),
	.server = TEXT("10.0.0.2:80"),
	.attempts = attempts,
	.nattempts = 2,
	.bytes_in = 310,
	.bytes_out = 18446744073709551615u,
	.duration_ns = 12345678,
	.wait_ns = 0,
	.connect_ns = 1001 * CLOCK_US,
	.ttfb_ns = 59 * CLOCK_S,
	.user_agent = TEXT("curl/7"),
	.referer = TEXT("https://a.example/"),
	.config_generation = 4,
};

static const struct access_entry bare = {
	.wait_ns = ACCESS_UNKNOWN,
	.connect_ns = ACCESS_UNKNOWN,
	.ttfb_ns = ACCESS_UNKNOWN,
};

static json_t *
parse(const struct access_entry *e)
{
	json_error_t error;
	json_t *doc;
	size_t n = access_format(e, line);

	cr_assert_leq(n, ACCESS_LINE_MAX);
	cr_assert_eq(memchr(line, '\n', n), line + n - 1);
	doc = json_loadb(line, n,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
	    &error);
	cr_assert_not_null(doc, "%s in %.*s", error.text, (int)n, line);
	return doc;
}

Test(access, line_has_every_key_in_its_form)
{
	static const char expected[] =
	    "{\"ts\":\"2025-11-24T12:00:00.007Z\",\"request_id\":\"0af7\","
	    "\"client_ip\":\"192.0.2.7\",\"listener\":\"https\","
	    "\"protocol\":\"HTTP/1.1\",\"tls_version\":\"TLSv1.3\","
	    "\"sni\":\"shop.example\",\"method\":\"GET\","
	    "\"host\":\"shop.example:8443\",\"path\":\"/a/b\","
	    "\"query\":\"x=1&y\",\"status\":200,"
	    "\"reason\":\"upstream_truncated\",\"route\":\"catalog\","
	    "\"upstream\":\"cat\",\"server\":\"10.0.0.2:80\","
	    "\"bytes_in\":310,\"bytes_out\":18446744073709551615,"
	    "\"duration_ms\":12.345,\"wait_ms\":0.000,\"connect_ms\":1.001,"
	    "\"ttfb_ms\":59000.000,\"user_agent\":\"curl/7\","
	    "\"referer\":\"https://a.example/\",\"config_generation\":4,"
	    "\"attempts\":[{\"ms\":2.500,\"server\":\"10.0.0.1:80\","
	    "\"reason\":\"connect_failure\"},"
	    "{\"ms\":3.000,\"server\":\"10.0.0.2:80\"}]}\n";
	size_t n = access_format(&full, line);

	cr_assert_eq(n, sizeof(expected) - 1);
	cr_assert_eq(memcmp(line, expected, n), 0, "%.*s", (int)n, line);
}

Test(access, what_is_not_known_is_absent)
{
	static const char expected[] =
	    "{\"ts\":\"1970-01-01T00:00:00.000Z\",\"bytes_in\":0,"
	    "\"bytes_out\":0,\"duration_ms\":0.000,"
	    "\"config_generation\":0}\n";
	size_t n = access_format(&bare, line);

	cr_assert_eq(n, sizeof(expected) - 1);
	cr_assert_eq(memcmp(line, expected, n), 0, "%.*s", (int)n, line);
}

Test(access, bare_question_mark_is_an_empty_query)
{
	struct access_entry e = bare;
	json_t *doc;

	e.has_query = true;
	doc = parse(&e);
	cr_assert_str_eq(json_string_value(json_object_get(doc, "query")), "");
	json_decref(doc);
}

Test(access, one_attempt_is_no_list)
{
	struct access_entry e = full;
	json_t *doc;

	e.nattempts = 1;
	doc = parse(&e);
	cr_assert_null(json_object_get(doc, "attempts"));
	json_decref(doc);
}

Test(access, time_follows_the_clock_also_backwards)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 1763985600 * CLOCK_S, "2025-11-24T12:00:00.000Z" },
		{ 1763985600 * CLOCK_S + 999 * CLOCK_MS,
		    "2025-11-24T12:00:00.999Z" },
		{ 1763985601 * CLOCK_S + 120 * CLOCK_MS,
		    "2025-11-24T12:00:01.120Z" },
		{ 1763985599 * CLOCK_S, "2025-11-24T11:59:59.000Z" },
		{ 0, "1970-01-01T00:00:00.000Z" },
	};
	struct access_entry e = bare;
	json_t *doc;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		e.wall_ns = cases[i].ns;
		doc = parse(&e);
		cr_assert_str_eq(json_string_value(json_object_get(doc, "ts")),
		    cases[i].text);
		json_decref(doc);
	}
}

/* The texts that come from outside or the configuration. */
static struct text *
text_at(struct access_entry *e, unsigned i)
{
	struct text *const all[] = { &e->request_id, &e->client_ip,
		&e->listener, &e->protocol, &e->tls_version, &e->sni,
		&e->method, &e->host, &e->path, &e->query, &e->route,
		&e->upstream, &e->server, &e->user_agent, &e->referer };

	return i < sizeof(all) / sizeof(*all) ? all[i] : NULL;
}

static struct access_entry
filled(struct text with, struct access_attempt *list, unsigned n)
{
	struct access_entry e = full;
	struct text *t;

	for (unsigned i = 0; (t = text_at(&e, i)) != NULL; i++)
		*t = with;
	for (unsigned i = 0; i < n; i++)
		list[i] =
		    (struct access_attempt){ with, END_VERSION, UINT64_MAX };
	e.attempts = list;
	e.nattempts = n;
	e.reason = END_VERSION;
	e.wall_ns = 1763985600 * CLOCK_S;
	e.status = UINT32_MAX;
	e.bytes_in = e.config_generation = UINT64_MAX;
	e.duration_ns = UINT64_MAX;
	e.wait_ns = e.connect_ns = e.ttfb_ns = UINT64_MAX - 1;
	return e;
}

Test(access, longest_line_is_whole_and_has_its_attempts)
{
	static const char *const kinds[] = { "a", "\"", "\x01", "\xff",
		"\xc3\xa4", "\xf0\x9f\x9a\xa2", "\x80" };
	static struct access_attempt list[100];
	static char big[20000];
	struct access_entry e;
	json_t *doc, *attempt;
	size_t shown;

	for (unsigned k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		for (size_t i = 0; i < sizeof(big); i++)
			big[i] = kinds[k][i % strlen(kinds[k])];
		e = filled((struct text){ big, sizeof(big) }, list, 100);
		doc = parse(&e);
		shown = json_array_size(json_object_get(doc, "attempts"));
		cr_assert_geq(shown, 1, "kind %u", k);
		cr_assert_lt(shown, 100);
		for (size_t i = 0; i < shown; i++) {
			attempt =
			    json_array_get(json_object_get(doc, "attempts"), i);
			cr_assert_eq(json_object_size(attempt), 3);
		}
		cr_assert_eq(json_object_size(doc), 26);
		json_decref(doc);
	}
}

/* The path that is logged for this one. */
static const char *
path_of(const char *path, size_t n)
{
	static char copy[ACCESS_LINE_MAX];
	struct access_entry e = bare;
	json_t *doc;

	e.path = (struct text){ path, n };
	doc = parse(&e);
	(void)snprintf(copy, sizeof(copy), "%s",
	    json_string_value(json_object_get(doc, "path")));
	json_decref(doc);
	return copy;
}

#define PATH_MOST 1534 /* without its quotes */

Test(access, value_is_cut_only_when_it_is_too_long)
{
	static char big[PATH_MOST + 1];
	const char *path;

	memset(big, 'p', sizeof(big));
	cr_assert_eq(strlen(path_of(big, PATH_MOST)), PATH_MOST);
	cr_assert_null(strchr(path_of(big, PATH_MOST), '.'));
	path = path_of(big, PATH_MOST + 1);
	cr_assert_eq(strlen(path), PATH_MOST);
	cr_assert_str_eq(path + PATH_MOST - 4, "p...");
}

Test(access, value_is_cut_between_characters)
{
	static char big[3 * 1000];
	const char *path;

	for (size_t lead = 0; lead < 3; lead++) {
		memset(big, 'p', lead);
		for (size_t i = lead; i + 3 <= sizeof(big); i += 3)
			memcpy(big + i, "\xe2\x82\xac", 3);
		path = path_of(big, sizeof(big));
		cr_assert_null(strstr(path, "\xef\xbf\xbd"));
		cr_assert_geq(strlen(path), PATH_MOST - 3);
		cr_assert_str_eq(path + strlen(path) - 6, "\xe2\x82\xac...");
	}
}

Test(access, value_of_escapes_keeps_a_good_part)
{
	static char big[1000];
	size_t n;

	memset(big, 1, sizeof(big));
	n = strspn(path_of(big, sizeof(big)), "\x01");
	cr_assert_eq(n, 250);
	n = strspn(path_of(big, 256), "\x01");
	cr_assert_eq(n, 128);
	n = strspn(path_of(big, 255), "\x01");
	cr_assert_eq(n, 255);
}

Test(access, hostile_bytes_make_valid_json)
{
	static struct access_attempt list[4];
	static char noise[4096];
	struct access_entry e;
	struct rng rng;
	struct text *t;

	rng_seed(&rng, 5);
	for (unsigned round = 0; round < 3000; round++) {
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (char)(rng_below(&rng, 4) == 0
				? 0x20 + rng_below(&rng, 95)
				: rng_below(&rng, 256));
		e = filled((struct text){ noise, rng_below(&rng, 300) }, list,
		    (unsigned)rng_below(&rng, 5));
		for (unsigned i = 0; (t = text_at(&e, i)) != NULL; i++)
			*t = (struct text){ noise + rng_below(&rng, 2000),
				rng_below(&rng, 1ull << rng_below(&rng, 12)) };
		json_decref(parse(&e));
	}
}

Test(access, line_reaches_the_file)
{
	char path[] = "/tmp/fairlead-access-XXXXXX";
	char got[ACCESS_LINE_MAX];
	size_t n = access_format(&full, line);
	struct writer *w;
	int fd = mkstemp(path);

	cr_assert_neq(fd, -1);
	w = writer_new(path);
	cr_assert_not_null(w);
	cr_assert(access_write(writer_ring(w), &full));
	writer_free(w);
	cr_assert_eq(read(fd, got, sizeof(got)), (ssize_t)n);
	cr_assert_eq(memcmp(got, line, n), 0);
	(void)close(fd);
	(void)unlink(path);
}
