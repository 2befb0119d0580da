/*
 * The text format alone: families that come or do not, labels, escapes,
 * numbers.
 */
#include <stdio.h>
#include <stdlib.h>

#include "stats/exposition.h"
#include "stats/histogram.h"
#include "tests/unit/stats/rich.h"

static struct buf out;
static struct exposition e = { .to = &out };

static void
end(void)
{
	buf_clear(&out);
	block_pool_fini();
}

TestSuite(exposition, .fini = end);

#define GIVES(expected) \
	do { \
		char *s_ = rich_string(&out); \
		cr_assert_str_eq(s_, expected); \
		free(s_); \
	} while (0)

static const struct family plain = { "a_total", FAMILY_COUNTER, "", "Help." };
static const struct family two = { "b", FAMILY_GAUGE, "x,y", "More." };

Test(exposition, family_without_samples_leaves_no_trace)
{
	exposition_begin(&e, &plain);
	exposition_begin(&e, &two);
	cr_assert_eq(out.n, 0);
}

Test(exposition, help_and_type_come_once_before_the_first_sample)
{
	const char *values[] = { "1", "2" };

	exposition_begin(&e, &plain);
	exposition_u64(&e, NULL, UINT64_MAX);
	exposition_begin(&e, &two);
	exposition_u64(&e, values, 1);
	values[1] = "";
	exposition_real(&e, values, 0.1);
	GIVES("# HELP a_total Help.\n"
	      "# TYPE a_total counter\n"
	      "a_total 18446744073709551615\n"
	      "# HELP b More.\n"
	      "# TYPE b gauge\n"
	      "b{x=\"1\",y=\"2\"} 1\n"
	      "b{x=\"1\",y=\"\"} 0.1\n");
}

static const struct {
	const char *in, *out;
} values[] = {
	{ "plain /~ ", "plain /~ " },
	{ "\"", "\\\"" },
	{ "\\", "\\\\" },
	{ "\n", "\\n" },
	{ "a\"b\\c\nd", "a\\\"b\\\\c\\nd" },
	{ "\x01\x1f\x7f", "\x01\x1f\x7f" },
	{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\xa2",
	    "\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\xa2" },
	{ "\xc2\x80\xdf\xbf", "\xc2\x80\xdf\xbf" },
	{ "\xe0\xa0\x80\xed\x9f\xbf", "\xe0\xa0\x80\xed\x9f\xbf" },
	{ "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
	    "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
	{ "\xff", "\xef\xbf\xbd" },
	{ "\x80", "\xef\xbf\xbd" },
	{ "\xc1\xbf", "\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xf5", "\xef\xbf\xbd" },
	{ "\xc3", "\xef\xbf\xbd" },
	{ "\xc3z", "\xef\xbf\xbdz" },
	{ "\xe0\x9f\xbf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xf0\x8f\xbf\xbf",
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xf4\x90\x80\x80",
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xe2\x82z", "\xef\xbf\xbd\xef\xbf\xbdz" },
	{ "\xf0\x9f\x9a\xc2",
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
	    "\xef\xbf\xbd" },
};

Test(exposition, values_are_escaped_and_utf8)
{
	static const struct family one = { "c", FAMILY_GAUGE, "v", "" };
	char expected[128], *s;

	for (unsigned i = 0; i < sizeof(values) / sizeof(*values); i++) {
		exposition_begin(&e, &one);
		exposition_u64(&e, &values[i].in, 0);
		(void)snprintf(expected, sizeof(expected),
		    "# HELP c \n# TYPE c gauge\nc{v=\"%s\"} 0\n",
		    values[i].out);
		s = rich_string(&out);
		cr_assert_str_eq(s, expected, "case %u", i);
		free(s);
	}
}

Test(exposition, real_numbers_keep_milliseconds_of_a_timestamp)
{
	exposition_begin(&e, &plain);
	exposition_real(&e, NULL, 1763985600.123);
	exposition_real(&e, NULL, 253402300799);
	exposition_real(&e, NULL, 0);
	GIVES("# HELP a_total Help.\n# TYPE a_total counter\n"
	      "a_total 1763985600.123\na_total 253402300799\na_total 0\n");
}

Test(exposition, histogram_is_written_whole)
{
	static const struct family h = { "d_seconds", FAMILY_HISTOGRAM, "",
		"H." };
	static struct histogram counted;
	static struct histogram_sum sum;

	histogram_note(&counted, CLOCK_MS);
	histogram_note(&counted, 61 * CLOCK_S);
	histogram_sum_add(&sum, &counted);
	exposition_begin(&e, &h);
	exposition_histogram(&e, NULL, &sum);
	GIVES("# HELP d_seconds H.\n# TYPE d_seconds histogram\n"
	      "d_seconds_bucket{le=\"0.001\"} 1\n"
	      "d_seconds_bucket{le=\"0.0025\"} 1\n"
	      "d_seconds_bucket{le=\"0.005\"} 1\n"
	      "d_seconds_bucket{le=\"0.01\"} 1\n"
	      "d_seconds_bucket{le=\"0.025\"} 1\n"
	      "d_seconds_bucket{le=\"0.05\"} 1\n"
	      "d_seconds_bucket{le=\"0.1\"} 1\n"
	      "d_seconds_bucket{le=\"0.25\"} 1\n"
	      "d_seconds_bucket{le=\"0.5\"} 1\n"
	      "d_seconds_bucket{le=\"1\"} 1\n"
	      "d_seconds_bucket{le=\"2.5\"} 1\n"
	      "d_seconds_bucket{le=\"5\"} 1\n"
	      "d_seconds_bucket{le=\"10\"} 1\n"
	      "d_seconds_bucket{le=\"30\"} 1\n"
	      "d_seconds_bucket{le=\"60\"} 1\n"
	      "d_seconds_bucket{le=\"+Inf\"} 2\n"
	      "d_seconds_sum 61.001\n"
	      "d_seconds_count 2\n");
}
