/* net/fetch against scripted origins. */
#include <criterion/criterion.h>

#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/fetch.h"

#include "base/clock.h"
#include "base/text.h"
#include "net/loop.h"
#include "tests/lib/descriptors.h"
#include "tests/lib/drive.h"
#include "tests/lib/origin.h"

#define AGENT "fairlead/test (probe)"

struct got {
	unsigned count;
	bool ok, local;
	unsigned status;
	size_t n;
	char body[16384];
	char error[200];
	uint64_t connect_ns, total_ns;
};

static struct loop *loop;
static struct fetcher *fetcher;
static struct got got;

static void
set_up(void)
{
	loop = loop_new();
	fetcher = fetcher_new(loop, AGENT);
	memset(&got, 0, sizeof(got));
}

static void
tear_down(void)
{
	fetcher_free(fetcher);
	loop_free(loop);
}

TestSuite(fetch, .init = set_up, .fini = tear_down, .timeout = 60);

static void
note(void *arg, const struct fetch_result *r)
{
	struct got *g = arg;

	g->count++;
	g->ok = r->ok;
	g->local = r->local;
	g->status = r->status;
	g->n = r->n;
	g->connect_ns = r->connect_ns;
	g->total_ns = r->total_ns;
	if (r->ok) {
		cr_assert_null(r->error);
		cr_assert_lt(r->n, sizeof(g->body));
		memcpy(g->body, r->body, r->n + 1);
	} else
		snprintf(g->error, sizeof(g->error), "%s", r->error);
}

static struct fetch_request
request_to(int port, const char *path)
{
	struct fetch_request q = {
		.path = path,
		.timeout_ns = 5 * CLOCK_S,
		.body_most = 8192,
	};

	cr_assert(addr_from_ip(TEXT("127.0.0.1"), (uint16_t)port, &q.to));
	return q;
}

static void
fetch_and_wait(const struct fetch_request *q)
{
	unsigned before = got.count;

	fetch_start(fetcher, q, note, &got);
	cr_assert_eq(got.count, before, "never before it returns");
	cr_assert(DRIVE_UNTIL(loop, got.count > before));
	cr_assert_eq(got.count, before + 1);
}

static void
fetch_path(struct origin *o, const char *path)
{
	struct fetch_request q = request_to(origin_port(o), path);

	fetch_and_wait(&q);
}

Test(fetch, an_answer_comes_with_status_and_body)
{
	struct origin *o = origin_new("a");

	origin_reply(o, (struct reply){ .path = "/ok", .text = "fine" });
	origin_reply(
	    o, (struct reply){ .path = "/busy", .status = 503, .text = "no" });
	origin_reply(o, (struct reply){ .path = "/none", .status = 204 });
	fetch_path(o, "/ok");
	cr_assert(got.ok && got.status == 200);
	cr_assert_str_eq(got.body, "fine");
	cr_assert_eq(got.n, 4);
	cr_assert_gt(got.connect_ns, 0);
	cr_assert_geq(got.total_ns, got.connect_ns);
	fetch_path(o, "/busy");
	cr_assert(got.ok && got.status == 503);
	cr_assert_str_eq(got.body, "no");
	fetch_path(o, "/none");
	cr_assert(got.ok && got.status == 204);
	cr_assert_str_eq(got.body, "", "an empty body is a string too");
}

Test(fetch, the_request_is_a_plain_get_for_exactly_that_path)
{
	struct origin *o = origin_new("a");
	struct fetch_request q = request_to(origin_port(o), "/a/../b?x=1");
	char host[64];
	struct seen *s;

	fetch_and_wait(&q);
	s = origin_seen(o, 0);
	snprintf(host, sizeof(host), "127.0.0.1:%d", origin_port(o));
	cr_assert_eq(strncmp(s->head.p, "GET /a/../b?x=1 HTTP/1.1\r\n", 26), 0);
	cr_assert_str_eq(origin_field(&s->head, "Host", 0), host);
	cr_assert_str_eq(origin_field(&s->head, "User-Agent", 0), AGENT);
	q.host = "www.example.org";
	fetch_and_wait(&q);
	s = origin_seen(o, 1);
	cr_assert_str_eq(origin_field(&s->head, "Host", 0), "www.example.org");
	cr_assert_null(origin_field(&s->head, "Host", 1));
}

Test(fetch, a_redirect_is_an_answer_and_not_followed)
{
	struct origin *o = origin_new("a");

	origin_reply(o,
	    (struct reply){
		.path = "/", .status = 302, .fields = "Location: /next\r\n" });
	fetch_path(o, "/");
	cr_assert(got.ok && got.status == 302);
	cr_assert_eq(origin_requests(o), 1);
}

Test(fetch, the_environments_proxy_sees_nothing)
{
	struct origin *o = origin_new("a"), *trap = origin_new("trap");
	const char *names[] = { "http_proxy", "HTTP_PROXY", "all_proxy",
		"ALL_PROXY" };
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d", origin_port(trap));
	for (size_t i = 0; i < 4; i++)
		setenv(names[i], url, 1);
	fetch_path(o, "/");
	cr_assert(got.ok);
	cr_assert_eq(origin_requests(o), 1);
	cr_assert_eq(origin_accepted(trap), 0);
}

Test(fetch, every_connection_is_fresh_and_closed_at_once)
{
	struct origin *o = origin_new("a");

	fetch_path(o, "/");
	fetch_path(o, "/");
	cr_assert_eq(origin_accepted(o), 2);
	cr_assert(DRIVE_UNTIL(loop, origin_open(o) == 0));
}

Test(fetch, a_body_is_read_up_to_the_cap_and_no_further)
{
	static const struct {
		const char *text;
		const char *kept;
	} cases[] = {
		{ "abc", "abc" },
		{ "abcd", "abcd" },
		{ "abcde", "abcd" },
	};

	for (size_t i = 0; i < 3; i++) {
		struct origin *o = origin_new("a");
		struct fetch_request q = request_to(origin_port(o), "/");

		q.body_most = 4;
		origin_reply(o, (struct reply){ .text = cases[i].text });
		fetch_and_wait(&q);
		cr_assert(got.ok && got.status == 200);
		cr_assert_str_eq(got.body, cases[i].kept);
		cr_assert_eq(got.n, strlen(cases[i].kept));
	}
}

Test(fetch, the_cap_is_for_all_pieces_of_a_body_together)
{
	struct origin *o = origin_new("a");
	struct fetch_request q = request_to(origin_port(o), "/");

	q.body_most = 4;
	origin_reply(
	    o, (struct reply){ .text = "abcdefgh", .piece = 3, .pace_ms = 20 });
	fetch_and_wait(&q);
	cr_assert(got.ok && got.status == 200);
	cr_assert_str_eq(got.body, "abcd");
	cr_assert_eq(got.n, 4);
}

/* All that is wanted has come when there is more than that, not before. */
Test(fetch, an_answer_cut_behind_the_cap_is_whole_and_at_the_cap_is_not)
{
	struct origin *o = origin_new("a");
	struct fetch_request q = request_to(origin_port(o), "/behind");

	q.body_most = 4;
	origin_reply(o,
	    (struct reply){ .path = "/behind",
		.raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcde",
		.close = true });
	origin_reply(o,
	    (struct reply){ .path = "/at",
		.raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcd",
		.close = true });
	fetch_and_wait(&q);
	cr_assert(got.ok);
	cr_assert_str_eq(got.body, "abcd");
	q.path = "/at";
	fetch_and_wait(&q);
	cr_assert_not(got.ok);
	cr_assert_str_eq(got.error, "answer was cut");
}

Test(fetch, an_endless_body_is_cut_off_without_waiting)
{
	struct origin *o = origin_new("a");

	origin_reply(o,
	    (struct reply){
		.sized = true, .size = 1ull << 40, .chunked = true });
	fetch_path(o, "/");
	cr_assert(got.ok && got.status == 200);
	cr_assert_eq(got.n, 8192);
	cr_assert(DRIVE_UNTIL(loop, origin_open(o) == 0));
}

Test(fetch, failures_are_told_in_words)
{
	static const struct {
		struct reply reply;
		const char *error;
	} cases[] = {
		{ { .raw = "", .close = true }, "closed without an answer" },
		{ { .raw = "hello world\r\n\r\n", .close = true },
		    "answer is not HTTP" },
		{ { .raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab",
		      .close = true },
		    "answer was cut" },
		{ { .sized = true, .size = 100, .cut = CUT_RST, .cut_at = 9 },
		    "connection reset" },
		{ { .silent = true }, "timed out after 150ms" },
		{ { .sized = true, .size = 100, .piece = 1, .pace_ms = 50 },
		    "timed out after 150ms" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct origin *o = origin_new("a");
		struct fetch_request q = request_to(origin_port(o), "/");

		q.timeout_ns = 150 * CLOCK_MS;
		origin_reply(o, cases[i].reply);
		fetch_and_wait(&q);
		cr_assert_not(got.ok);
		cr_assert_not(got.local);
		cr_assert_str_eq(got.error, cases[i].error);
	}
}

Test(fetch, whole_seconds_of_a_timeout_are_told_as_such)
{
	struct origin *o = origin_new("a");
	struct fetch_request q = request_to(origin_port(o), "/");

	q.timeout_ns = 1 * CLOCK_S;
	origin_reply(o, (struct reply){ .silent = true });
	fetch_and_wait(&q);
	cr_assert_str_eq(got.error, "timed out after 1s");
	cr_assert_geq(got.total_ns, 1 * CLOCK_S);
	cr_assert_lt(got.total_ns, 3 * CLOCK_S);
}

Test(fetch, a_refused_connect_is_the_servers)
{
	struct origin *o = origin_new("a");

	origin_kill(o);
	fetch_path(o, "/");
	cr_assert_not(got.ok);
	cr_assert_not(got.local);
	cr_assert_str_eq(got.error, "connect refused");
	cr_assert_eq(got.status, 0);
}

/* A listener with a full queue, so that the next connect hangs. */
static int
full_listener(struct sockaddr_in *sin)
{
	socklen_t len = sizeof(*sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*sin = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	cr_assert_eq(bind(fd, (struct sockaddr *)sin, sizeof(*sin)), 0);
	cr_assert_eq(listen(fd, 0), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)sin, &len), 0);
	for (int i = 0; i < 4; i++) {
		int c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		connect(c, (struct sockaddr *)sin, sizeof(*sin));
	}
	return fd;
}

Test(fetch, a_connect_that_hangs_is_told_from_an_answer_that_does)
{
	struct sockaddr_in sin;
	int fd = full_listener(&sin);
	struct fetch_request q = request_to(ntohs(sin.sin_port), "/");

	q.timeout_ns = 100 * CLOCK_MS;
	fetch_and_wait(&q);
	cr_assert_not(got.ok);
	cr_assert_not(got.local);
	cr_assert_str_eq(got.error, "connect timed out after 100ms");
	close(fd);
}

Test(fetch, tcp_only_connects_and_sends_nothing)
{
	struct origin *o = origin_new("a");
	struct fetch_request q = request_to(origin_port(o), NULL);

	q.tcp_only = true;
	fetch_and_wait(&q);
	cr_assert(got.ok);
	cr_assert_eq(got.status, 0);
	cr_assert(DRIVE_UNTIL(loop, origin_accepted(o) == 1));
	cr_assert(DRIVE_UNTIL(loop, origin_open(o) == 0));
	cr_assert_eq(origin_bytes(o), 0);
	origin_kill(o);
	fetch_and_wait(&q);
	cr_assert_not(got.ok);
	cr_assert_str_eq(got.error, "connect refused");
}

Test(fetch, unix_sockets_and_ipv6_are_reached_too)
{
	char dir[] = "/tmp/fetch-XXXXXX", path[64], text[80];
	struct fetch_request q = request_to(1, "/");
	struct endpoint e;
	const char *why;
	struct origin *o;

	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(text, sizeof(text), "unix:%s", path);
	cr_assert_eq(endpoint_parse(text_of(text), &e, &why), 0);
	q.to = e.addr;
	o = origin_start(&(struct origin_options){ .unix_path = path });
	fetch_and_wait(&q);
	cr_assert(got.ok && got.status == 200);
	cr_assert_eq(origin_requests(o), 1);
	unlink(path);
	fetch_and_wait(&q);
	cr_assert_str_eq(
	    got.error, "connect failed: No such file or directory");
	rmdir(dir);

	o = origin_start(&(struct origin_options){ .ipv6 = true });
	cr_assert(addr_from_ip(TEXT("::1"), (uint16_t)origin_port(o), &q.to));
	fetch_and_wait(&q);
	cr_assert(got.ok && got.status == 200);
}

Test(fetch, a_cancelled_fetch_says_nothing_in_whatever_phase)
{
	struct origin *o = origin_new("a");
	struct fetch_request q = request_to(origin_port(o), "/slow");
	struct fetch *f;

	origin_reply(o,
	    (struct reply){ .path = "/slow",
		.sized = true,
		.size = 100,
		.piece = 1,
		.pace_ms = 20 });
	origin_reply(o, (struct reply){ .path = "/hangs", .silent = true });
	fetch_cancel(fetch_start(fetcher, &q, note, &got));
	f = fetch_start(fetcher, &q, note, &got);
	drive(loop, 0);
	fetch_cancel(f);
	q.path = "/hangs";
	f = fetch_start(fetcher, &q, note, &got);
	cr_assert(DRIVE_UNTIL(loop, origin_count(o, "/hangs") == 1));
	fetch_cancel(f);
	q.path = "/slow";
	f = fetch_start(fetcher, &q, note, &got);
	cr_assert(DRIVE_UNTIL(loop, origin_count(o, "/slow") > 0));
	drive(loop, 50);
	fetch_cancel(f);
	cr_assert(DRIVE_UNTIL(loop, origin_open(o) == 0));
	cr_assert_eq(got.count, 0);
}

static struct fetch *other;

static void
cancel_other(void *arg, const struct fetch_result *r)
{
	note(arg, r);
	fetch_cancel(other);
}

static void
start_another(void *arg, const struct fetch_result *r)
{
	(void)r;
	fetch_start(fetcher, arg, note, &got);
}

Test(fetch, a_callback_may_start_and_cancel_fetches)
{
	struct origin *o = origin_new("a");
	struct fetch_request q = request_to(origin_port(o), "/");
	struct fetch_request hangs = request_to(origin_port(o), "/hangs");

	origin_reply(o, (struct reply){ .path = "/hangs", .silent = true });
	other = fetch_start(fetcher, &hangs, note, &got);
	fetch_start(fetcher, &q, cancel_other, &got);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	fetch_start(fetcher, &q, start_another, &q);
	cr_assert(DRIVE_UNTIL(loop, got.count == 2));
	cr_assert(got.ok);
}

static unsigned
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

Test(fetch, many_at_once_all_end_and_leave_no_descriptor)
{
	struct origin *o = origin_new("a");
	struct fetch_request q = request_to(origin_port(o), "/");
	unsigned before, after;

	origin_reply(o, (struct reply){ .delay_ms = 50, .text = "x" });
	fetch_and_wait(&q);
	cr_assert(DRIVE_UNTIL(loop, origin_open(o) == 0));
	before = open_descriptors();
	for (int i = 0; i < 100; i++)
		fetch_start(fetcher, &q, note, &got);
	cr_assert(DRIVE_UNTIL(loop, got.count == 101));
	cr_assert(got.ok);
	cr_assert_gt(origin_peak(o), 50, "they ran at the same time");
	cr_assert(DRIVE_UNTIL(loop, origin_open(o) == 0));
	after = open_descriptors();
	cr_assert_eq(before, after);
}

Test(fetch, no_descriptor_left_is_our_own_failure)
{
	struct origin *o = origin_new("a");
	struct fetch_request q = request_to(origin_port(o), "/");

	descriptors_end_at(0);
	fetch_start(fetcher, &q, note, &got);
	drive(loop, 20);
	descriptors_again();
	cr_assert_eq(got.count, 1);
	cr_assert_not(got.ok);
	cr_assert(got.local);
	cr_assert_str_eq(got.error, "connect failed: Too many open files");
}

/* As a stopped process: nothing runs in this thread. */
static void
stand_still(int ms)
{
	wait_till(wait_now() + ms);
}

Test(fetch, what_runs_out_while_the_loop_stood_still_is_our_own)
{
	struct origin *o = origin_new("a");
	struct fetch_request q = request_to(origin_port(o), "/");

	origin_reply(o, (struct reply){ .silent = true });
	q.timeout_ns = 100 * CLOCK_MS;
	fetch_start(fetcher, &q, note, &got);
	cr_assert(DRIVE_UNTIL(loop, origin_requests(o) == 1));
	stand_still(600);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	cr_assert_not(got.ok);
	cr_assert(got.local);
	cr_assert_str_eq(got.error, "timed out after 100ms");
}

Test(fetch, an_answer_that_came_while_the_loop_stood_still_counts)
{
	struct origin *o = origin_new("a");
	struct fetch_request q = request_to(origin_port(o), "/");

	origin_reply(o, (struct reply){ .delay_ms = 50, .text = "fine" });
	q.timeout_ns = 200 * CLOCK_MS;
	fetch_start(fetcher, &q, note, &got);
	cr_assert(DRIVE_UNTIL(loop, origin_requests(o) == 1));
	stand_still(700);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	cr_assert(got.ok);
	cr_assert_not(got.local);
	cr_assert_str_eq(got.body, "fine");
}
