/*
 * Prometheus' text format, version 0.0.4.  A scraper throws the whole answer
 * away for one bad byte, so label values are escaped and made UTF-8 here, for
 * whoever they come from.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "stats/exposition.h"
#include "stats/histogram.h"

#define NUMBER_MAX 32

static void sample(struct exposition *, const char *, const char *const *,
    const char *, struct text);
static void put_family(struct exposition *);
static void put_labels(struct exposition *, const char *const *, const char *);
static void put_value(struct buf *, const char *);
static size_t plain_length(struct text);
static const char *escape(char);
static void put(struct buf *, const char *);
static struct text real_text(double, char[NUMBER_MAX]);
static struct text u64_text(uint64_t, char[NUMBER_MAX]);

void
exposition_begin(struct exposition *e, const struct family *family)
{
	e->family = family;
	e->begun = false;
}

void
exposition_u64(struct exposition *e, const char *const *values, uint64_t value)
{
	char number[NUMBER_MAX];

	sample(e, "", values, NULL, u64_text(value, number));
}

void
exposition_real(struct exposition *e, const char *const *values, double value)
{
	char number[NUMBER_MAX];

	sample(e, "", values, NULL, real_text(value, number));
}

void
exposition_histogram(struct exposition *e, const char *const *values,
    const struct histogram_sum *h)
{
	char le[NUMBER_MAX], number[NUMBER_MAX];
	unsigned i;

	for (i = 0; i < HISTOGRAM_LES; i++) {
		(void)real_text(
		    (double)histogram_le_ns[i] / (double)CLOCK_S, le);
		sample(e, "_bucket", values, le,
		    u64_text(
			histogram_sum_upto(h, histogram_le_ns[i]), number));
	}
	sample(e, "_bucket", values, "+Inf", u64_text(h->total, number));
	sample(e, "_sum", values, NULL,
	    real_text((double)h->sum_ns / (double)CLOCK_S, number));
	sample(e, "_count", values, NULL, u64_text(h->total, number));
}

/* le is the label of a histogram's bucket; NULL: not one. */
static void
sample(struct exposition *e, const char *suffix, const char *const *values,
    const char *le, struct text number)
{
	if (!e->begun)
		put_family(e);
	put(e->to, e->family->name);
	put(e->to, suffix);
	put_labels(e, values, le);
	put(e->to, " ");
	buf_append_text(e->to, number);
	put(e->to, "\n");
}

static void
put_family(struct exposition *e)
{
	static const char *const type[] = {
		[FAMILY_COUNTER] = "counter",
		[FAMILY_GAUGE] = "gauge",
		[FAMILY_HISTOGRAM] = "histogram",
	};

	put(e->to, "# HELP ");
	put(e->to, e->family->name);
	put(e->to, " ");
	put(e->to, e->family->help);
	put(e->to, "\n# TYPE ");
	put(e->to, e->family->name);
	put(e->to, " ");
	put(e->to, type[e->family->type]);
	put(e->to, "\n");
	e->begun = true;
}

static void
put_labels(struct exposition *e, const char *const *values, const char *le)
{
	struct text rest = text_of(e->family->labels), name;
	const char *before = "{";

	while (rest.n > 0 && text_split(&rest, ',', &name)) {
		put(e->to, before);
		buf_append_text(e->to, name);
		put_value(e->to, *values++);
		before = ",";
	}
	if (le != NULL) {
		put(e->to, before);
		put(e->to, "le");
		put_value(e->to, le);
		before = ",";
	}
	if (*before == ',')
		put(e->to, "}");
}

static void
put_value(struct buf *to, const char *value)
{
	struct text rest = text_of(value);
	size_t n;

	put(to, "=\"");
	while ((n = plain_length(rest)) < rest.n) {
		buf_append(to, rest.p, n);
		put(to, escape(rest.p[n]));
		rest = text_from(rest, n + 1);
	}
	buf_append_text(to, rest);
	put(to, "\"");
}

/* How many bytes at the front stand for themselves. */
static size_t
plain_length(struct text t)
{
	size_t n = 0;

	while (n < t.n && strchr("\"\\\n", t.p[n]) == NULL) {
		size_t character = text_utf8(text_from(t, n));

		if (character == 0)
			break;
		n += character;
	}
	return n;
}

static const char *
escape(char c)
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	default:
		return "\xef\xbf\xbd"; /* not UTF-8: U+FFFD */
	}
}

static void
put(struct buf *to, const char *string)
{
	buf_append(to, string, strlen(string));
}

static struct text
real_text(double value, char to[NUMBER_MAX])
{
	int n = snprintf(to, NUMBER_MAX, "%.15g", value);

	return (struct text){ to, (size_t)n };
}

static struct text
u64_text(uint64_t value, char to[NUMBER_MAX])
{
	return (struct text){ to, text_put_u64(to, value) };
}
