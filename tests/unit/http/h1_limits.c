/* Heads from bytes: how long they may be, and how slow. */
#include "http/h1_parse.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "guard.h"
#include "tests/unit/http/parsed.h"

static ssize_t
try(parse *how, const char *in, struct h1_limits limits, enum end *why)
{
	struct text all = text_of(in);
	struct head head = { .status = 0 };
	struct h1_parser parser;

	h1_parser_init(&parser);
	*why = END_NONE;
	return how(
	    &parser, &head, &arena, guarded_copy(all), all.n, &limits, why);
}

/* One byte fewer allowed than the head has. */
static void
head_limit_is_exact(parse *how, const char *in, enum end end)
{
	uint32_t n = (uint32_t)strlen(in);
	enum end why;

	cr_assert_eq(try(how, in, (struct h1_limits){ n, 99, 9 }, &why), n);
	cr_assert_eq(try(how, in, (struct h1_limits){ n + 1, 99, 9 }, &why), n);
	cr_assert_eq(
	    try(how, in, (struct h1_limits){ n - 1, 99, 9 }, &why), -1);
	cr_assert_eq(why, end);
}

Test(h1_limits, a_head_is_as_long_as_it_may_be)
{
	head_limit_is_exact(h1_parse_request, "GET / HTTP/1.1\r\nA: b\r\n\r\n",
	    END_HEADER_TOO_LARGE);
	head_limit_is_exact(h1_parse_request, "\r\nGET / HTTP/1.1\r\n\r\n",
	    END_HEADER_TOO_LARGE);
	head_limit_is_exact(h1_parse_response, "HTTP/1.1 200 OK\r\n\r\n",
	    END_UPSTREAM_HEADER_TOO_LARGE);
	head_limit_is_exact(
	    parse_trailers, "A: b\r\n\r\n", END_HEADER_TOO_LARGE);
}

Test(h1_limits, bytes_after_a_head_do_not_count_into_it)
{
	enum end why;

	cr_assert_eq(try(h1_parse_request, "GET / HTTP/1.1\r\n\r\nmore",
			 (struct h1_limits){ 18, 9, 9 }, &why),
	    18);
}

/* Nobody waits for the rest of what can only be too long. */
Test(h1_limits, a_head_that_cannot_end_in_time_is_refused_at_its_limit)
{
	enum end why;

	cr_assert_eq(try(h1_parse_request, "GET / HTTP/1.1\r\nAaaa",
			 (struct h1_limits){ 20, 9, 9 }, &why),
	    -1);
	cr_assert_eq(why, END_HEADER_TOO_LARGE);
	cr_assert_eq(try(h1_parse_request, "GET / HTTP/1.1\r\nAaa",
			 (struct h1_limits){ 20, 9, 9 }, &why),
	    0);
}

Test(h1_limits, a_fault_below_the_limit_is_named_before_the_limit)
{
	enum end why;

	cr_assert_eq(try(h1_parse_request, "GET / HTTP/1.1\r\n A: bbbbb\r\n",
			 (struct h1_limits){ 20, 9, 9 }, &why),
	    -1);
	cr_assert_eq(why, END_BAD_REQUEST);
}

Test(h1_limits, a_target_is_as_long_as_it_may_be)
{
	struct h1_limits limits = { 1000, 4, 9 };
	enum end why;

	cr_assert_eq(
	    try(h1_parse_request, "GET /abc HTTP/1.1\r\n\r\n", limits, &why),
	    21);
	cr_assert_eq(try(h1_parse_request, "GET /abc", limits, &why), 0);
	cr_assert_eq(try(h1_parse_request, "GET /abcd", limits, &why), -1);
	cr_assert_eq(why, END_URI_TOO_LARGE);
	cr_assert_eq(
	    try(h1_parse_request, "GET /abcd HTTP/1.1\r\n\r\n", limits, &why),
	    -1);
	cr_assert_eq(why, END_URI_TOO_LARGE);
}

/* Byte by byte a line waits for its end, but not for ever. */
static size_t
refused_at(const char *first, struct h1_limits limits, enum end *why)
{
	struct head head = { .status = 0 };
	struct h1_parser parser;
	static char in[200];
	size_t n = 0;

	memset(in, 'a', sizeof(in));
	memcpy(in, first, strlen(first));
	h1_parser_init(&parser);
	*why = END_NONE;
	while (++n < sizeof(in))
		if (h1_parse_request(
			&parser, &head, &arena, in, n, &limits, why) != 0)
			break;
	return n;
}

Test(h1_limits, a_slow_target_that_is_too_long_is_refused_before_its_line_ends)
{
	enum end why;

	/* the longest method and target, two spaces, a version */
	cr_assert_eq(
	    refused_at("GET /", (struct h1_limits){ 32768, 4, 9 }, &why),
	    64 + 1 + 4 + 1 + 8 + 1);
	cr_assert_eq(why, END_URI_TOO_LARGE);
}

Test(h1_limits, a_slow_head_that_is_too_long_is_refused_at_its_limit)
{
	enum end why;

	cr_assert_eq(refused_at("GET / HTTP/1.1\r\nA",
			 (struct h1_limits){ 30, 9, 9 }, &why),
	    30);
	cr_assert_eq(why, END_HEADER_TOO_LARGE);
}

Test(h1_limits, a_method_has_at_most_64_bytes)
{
	static char in[100];
	enum end why;

	memset(in, 'M', 64);
	snprintf(in + 64, sizeof(in) - 64, " / HTTP/1.1\r\n\r\n");
	cr_assert_eq(try(h1_parse_request, in, wide, &why), 79);
	memset(in, 'M', 65);
	in[65] = '\0';
	cr_assert_eq(try(h1_parse_request, in, wide, &why), -1);
	cr_assert_eq(why, END_BAD_REQUEST);
	in[64] = '\0';
	cr_assert_eq(try(h1_parse_request, in, wide, &why), 0);
}

Test(h1_limits, fields_are_as_many_as_may_be)
{
	struct h1_limits limits = { 1000, 9, 2 };
	enum end why;

	cr_assert_eq(
	    try(h1_parse_request, "GET / HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n",
		limits, &why),
	    30);
	cr_assert_eq(try(h1_parse_request,
			 "GET / HTTP/1.1\r\nA: b\r\nC: d\r\nE", limits, &why),
	    -1);
	cr_assert_eq(why, END_HEADER_TOO_LARGE);
	cr_assert_eq(try(h1_parse_response,
			 "HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\nE", limits, &why),
	    -1);
	cr_assert_eq(why, END_UPSTREAM_HEADER_TOO_LARGE);
	cr_assert_eq(
	    try(parse_trailers, "A: b\r\nC: d\r\nE", limits, &why), -1);
	cr_assert_eq(why, END_HEADER_TOO_LARGE);
}

Test(h1_limits, no_bytes_are_no_head)
{
	enum end why;

	cr_assert_eq(try(h1_parse_request, "", wide, &why), 0);
	cr_assert_eq(try(h1_parse_response, "", wide, &why), 0);
	cr_assert_eq(try(parse_trailers, "", wide, &why), 0);
	cr_assert_eq(why, END_NONE);
}

static int64_t
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/*
 * A value of 2 MiB that comes byte by byte: looked at anew each time, that
 * would be 2^41 bytes, minutes; once, it is nothing.
 */
static void
slow_bytes_are_cheap(parse *how, const char *first)
{
	static char in[2 << 20];
	struct h1_limits limits = { sizeof(in) + 1, 9, 9 };
	struct head head = { .status = 0 };
	struct h1_parser parser;
	int64_t start = cpu_ms();
	enum end why;
	size_t n;

	memset(in, 'a', sizeof(in));
	memcpy(in, first, strlen(first));
	h1_parser_init(&parser);
	for (n = 1; n <= sizeof(in); n++)
		cr_assert_eq(
		    how(&parser, &head, &arena, in, n, &limits, &why), 0);
	cr_assert_lt(cpu_ms() - start, 5000);
}

Test(h1_limits, slow_bytes_cost_no_more_than_they_are)
{
	slow_bytes_are_cheap(h1_parse_request, "GET / HTTP/1.1\r\nA:");
	slow_bytes_are_cheap(h1_parse_response, "HTTP/1.1 200 OK\r\nA:");
	slow_bytes_are_cheap(parse_trailers, "A:");
}
