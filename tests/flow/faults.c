/*
 * A server that ends, is reset or hangs at each phase of its answer: before the
 * head is whole the client hears 502 or 504 with the reason, after it a body
 * that visibly breaks off (BEHAVIOURS C.2 19, C.3 10, 15; RFC 9112 8).
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/stage.h"
#include "tests/lib/wait.h"

static void
stage(void)
{
	stage_set(&(struct front_settings){
	    .upstream = ", timeouts: { response: 500ms, idle: 500ms }" });
}

TestSuite(faults, .init = stage, .fini = stage_strike, .timeout = 120);

#define OK_ "HTTP/1.1 200 OK\r\n"
#define CHUNKED_ OK_ "Transfer-Encoding: chunked\r\n\r\n"

/* Up to where an answer comes. */
static const struct {
	const char *bytes;
	bool head; /* it is whole by then */
	bool until_close;
} phases[] = {
	{ "", false, false },
	{ "HTTP/1.1 2", false, false },
	{ OK_, false, false },
	{ OK_ "Content-Le", false, false },
	{ OK_ "Content-Length: 0\r\n", false, false },
	{ OK_ "Content-Length: 0\r\n\r", false, false },
	{ "HTTP/1.1 103 Hint\r\n\r\n", false, false },
	{ OK_ "Content-Length: 9\r\n\r\n", true, false },
	{ OK_ "Content-Length: 9\r\n\r\nhello", true, false },
	{ CHUNKED_, true, false },
	{ CHUNKED_ "5", true, false },
	{ CHUNKED_ "5\r\nhe", true, false },
	{ CHUNKED_ "5\r\nhello", true, false },
	{ CHUNKED_ "5\r\nhello\r\n", true, false },
	{ CHUNKED_ "5\r\nhello\r\n0\r\n", true, false },
	{ CHUNKED_ "5\r\nhello\r\n0\r\nX-Sum: 1\r\n", true, false },
	{ OK_ "\r\nhello", true, true },
};

enum { PHASES = sizeof phases / sizeof *phases };

/* What is done at each of them, and what comes of it. */
struct fault {
	enum cut cut;
	const char *how;
	int status;
	const char *silent; /* the reason when no byte came */
	const char *before; /* when the head is not whole */
	const char *behind; /* and when it is */
};

static void
begin(unsigned i, enum cut cut)
{
	origin_reply(o,
	    (struct reply){ .raw = phases[i].bytes,
		.silent = cut == CUT_NOT && *phases[i].bytes == '\0',
		.cut = cut });
}

static void
must_fail(const char *path, int status, const char *reason)
{
	must_refuse(get(f.port, path, ""), status, reason);
	front_must_log(&f, path, reason);
}

/* Also to a client that reads to the end of the connection, and no further. */
static void
must_break_off(const char *path, const char *version, const char *reason)
{
	struct client *c = dial(f.port);
	struct response r = { 0 };

	cr_assert(
	    client_print(c, "GET %s %s\r\nHost: t\r\n\r\n", path, version));
	if (client_head(c, &r)) {
		cr_assert_eq(r.status, 200, "%s: %s", path, r.head.p);
		cr_assert_not(client_body(c, &r, "GET"), "%s", path);
	}
	cr_assert(c->reset, "%s: a clean end", path);
	front_must_log(&f, path, reason);
	client_close(c);
}

static void
must_show(unsigned i, const struct fault *fault)
{
	char *path = keep_printf("/%s/%u", fault->how, i);

	if (!phases[i].head)
		must_fail(path, fault->status,
		    i == 0 ? fault->silent : fault->before);
	else {
		must_break_off(path, "HTTP/1.1", fault->behind);
		must_break_off(
		    keep_printf("%s/old", path), "HTTP/1.0", fault->behind);
	}
}

static void
must_show_at_each_phase(const struct fault *fault)
{
	unsigned i;

	for (i = 0; i < PHASES; i++) {
		if (phases[i].until_close && fault->cut == CUT_FIN)
			continue; /* that is its good end */
		begin(i, fault->cut);
		must_show(i, fault);
	}
}

Test(faults, a_server_that_ends_its_answer_early_is_seen_to)
{
	must_show_at_each_phase(&(struct fault){ CUT_FIN, "fin", 502,
	    .silent = "upstream_reset", .before = "upstream_truncated",
	    .behind = "upstream_truncated" });
}

Test(faults, a_server_that_resets_its_answer_is_seen_to)
{
	must_show_at_each_phase(&(struct fault){ CUT_RST, "rst", 502,
	    .silent = "upstream_reset", .before = "upstream_truncated",
	    .behind = "upstream_truncated" });
}

Test(faults, a_server_that_hangs_in_its_answer_is_seen_to)
{
	must_show_at_each_phase(
	    &(struct fault){ CUT_NOT, "hang", 504, .silent = "response_timeout",
		.before = "response_timeout", .behind = "upstream_idle" });
}
