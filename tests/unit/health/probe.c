/* health/probe against scripted origins: what it asks and what it expects. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/lib/drive.h"
#include "tests/unit/health/probing.h"

TestSuite(probe, .init = probing_up, .fini = probing_down, .timeout = 60);

/* One probe's verdict on that answer. */
static void
probe_once(struct reply reply, const struct probe_options *options)
{
	struct origin *o = origin_new("a");
	struct probe *p;
	unsigned before = got.count;

	origin_reply(o, reply);
	p = probe_origin(o, options);
	cr_assert_eq(got.count, before, "never before it returns");
	cr_assert(DRIVE_UNTIL(loop, got.count > before));
	probe_free(p);
}

Test(probe, the_usual_expectation_is_200_to_399)
{
	static const struct {
		int status;
		bool ok;
		const char *detail;
	} cases[] = {
		{ 200, true, "200" },
		{ 204, true, "204" },
		{ 302, true, "302" },
		{ 399, true, "399" },
		{ 400, false, "status 400, expected 200-399" },
		{ 503, false, "status 503, expected 200-399" },
	};
	struct probe_options options = http_options();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		probe_once(
		    (struct reply){ .status = cases[i].status }, &options);
		cr_assert_eq(got.ok, cases[i].ok);
		cr_assert_str_eq(got.detail, cases[i].detail);
	}
	cr_assert_gt(got.duration_ns, 0);
}

Test(probe, expected_statuses_are_ranges_with_both_ends)
{
	static const struct status_range ranges[] = { { 204, 204 },
		{ 300, 302 } };
	static const struct {
		int status;
		bool ok;
	} cases[] = { { 203, false }, { 204, true }, { 205, false },
		{ 299, false }, { 300, true }, { 302, true }, { 303, false } };
	struct probe_options options = http_options();

	options.expect_status = ranges;
	options.expect_statuses = 2;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		probe_once(
		    (struct reply){ .status = cases[i].status }, &options);
		cr_assert_eq(got.ok, cases[i].ok, "%d", cases[i].status);
	}
	cr_assert_str_eq(got.detail, "status 303, expected 204,300-302");
}

Test(probe, a_long_list_of_expectations_is_cut_in_the_detail)
{
	struct status_range ranges[100];
	struct probe_options options = http_options();

	for (uint16_t i = 0; i < 100; i++)
		ranges[i] = (struct status_range){ 200, 201 };
	options.expect_status = ranges;
	options.expect_statuses = 100;
	probe_once((struct reply){ .status = 500 }, &options);
	cr_assert_not(got.ok);
	cr_assert_eq(strlen(got.detail), 255);
}

Test(probe, the_body_must_contain_what_is_expected_in_its_first_8_kib)
{
	static char far[8192 + 3];
	struct probe_options options = http_options();

	options.expect_body = "ok";
	probe_once((struct reply){ .text = "all is ok here" }, &options);
	cr_assert(got.ok);
	cr_assert_str_eq(got.detail, "200");
	probe_once((struct reply){ .text = "o k" }, &options);
	cr_assert_not(got.ok);
	cr_assert_str_eq(got.detail, "body does not contain 'ok'");
	memset(far, '.', 8192 + 2);
	memcpy(far + 8190, "ok", 2);
	probe_once((struct reply){ .text = far }, &options);
	cr_assert(got.ok, "just inside");
	memcpy(far + 8190, ".ok", 3);
	probe_once((struct reply){ .text = far }, &options);
	cr_assert_not(got.ok, "just outside");
	probe_once((struct reply){ .status = 500, .text = "ok" }, &options);
	cr_assert_str_eq(got.detail, "status 500, expected 200-399");
}

Test(probe, failures_come_with_their_reason)
{
	struct probe_options options = http_options();
	struct origin *o = origin_new("a");
	struct probe *p;

	options.timeout_ns = 100 * CLOCK_MS;
	probe_once((struct reply){ .silent = true }, &options);
	cr_assert_not(got.ok);
	cr_assert_str_eq(got.detail, "timed out after 100ms");
	cr_assert_geq(got.duration_ns, 100 * CLOCK_MS);
	probe_once(
	    (struct reply){ .raw = "junk\r\n\r\n", .close = true }, &options);
	cr_assert_str_eq(got.detail, "answer is not HTTP");
	origin_kill(o);
	p = probe_origin(o, &options);
	cr_assert(DRIVE_UNTIL(loop, got.count == 3));
	cr_assert_not(got.ok);
	cr_assert_str_eq(got.detail, "connect refused");
	probe_free(p);
}

Test(probe, path_and_host_go_into_the_request)
{
	struct origin *o = origin_new("a");
	struct probe_options options = http_options();
	struct probe *p;
	struct seen *s;

	options.path = "/health?full=1";
	options.host = "api.example.org";
	p = probe_origin(o, &options);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	s = origin_seen(o, 0);
	cr_assert_eq(
	    strncmp(s->head.p, "GET /health?full=1 HTTP/1.1\r\n", 29), 0);
	cr_assert_str_eq(origin_field(&s->head, "Host", 0), "api.example.org");
	probe_free(p);
}

Test(probe, no_path_is_the_root)
{
	struct origin *o = origin_new("a");
	struct probe_options options = http_options();
	struct probe *p;

	options.path = NULL;
	p = probe_origin(o, &options);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	cr_assert_eq(origin_count(o, "/"), 1);
	probe_free(p);
}

Test(probe, a_port_of_its_own_is_asked_instead_of_the_servers)
{
	struct origin *serving = origin_new("a"), *health = origin_new("b");
	struct probe_options options = http_options();
	struct probe *p;

	options.port = (uint16_t)origin_port(health);
	p = probe_origin(serving, &options);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	cr_assert_eq(origin_requests(health), 1);
	cr_assert_eq(origin_accepted(serving), 0);
	probe_free(p);
}

Test(probe, a_tcp_probe_is_a_connect_and_no_more)
{
	struct origin *o = origin_new("a");
	struct probe_options options = http_options();
	struct probe *p;

	options.type = PROBE_TCP;
	p = probe_origin(o, &options);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	cr_assert(got.ok);
	cr_assert_str_eq(got.detail, "connected");
	cr_assert_eq(origin_bytes(o), 0);
	probe_free(p);
	origin_kill(o);
	p = probe_origin(o, &options);
	cr_assert(DRIVE_UNTIL(loop, got.count == 2));
	cr_assert_not(got.ok);
	cr_assert_str_eq(got.detail, "connect refused");
	probe_free(p);
}

Test(probe, a_unix_server_is_probed_on_its_path_whatever_the_port)
{
	char dir[] = "/tmp/probe-XXXXXX", path[64], text[80];
	struct probe_options options = http_options();
	struct endpoint e;
	struct probe *p;
	const char *why;

	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(text, sizeof(text), "unix:%s", path);
	cr_assert_eq(endpoint_parse(text_of(text), &e, &why), 0);
	origin_start(&(struct origin_options){ .unix_path = path });
	options.port = 1;
	p = probe_new(prober, &e.addr, &options, note, &got);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	cr_assert(got.ok);
	probe_free(p);
	remove(path);
	remove(dir);
}
