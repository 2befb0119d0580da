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
static size_t plain_length(const unsigned char *);
static const char *escape(unsigned char);
static size_t utf8_length(const unsigned char *);
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
	const unsigned char *p = (const unsigned char *)value;
	size_t n, step;

	put(to, "=\"");
	for (;;) {
		for (n = 0; (step = plain_length(p + n)) > 0; n += step)
			continue;
		buf_append(to, p, n);
		p += n;
		if (*p == '\0')
			break;
		put(to, escape(*p));
		p++;
	}
	put(to, "\"");
}

/* The bytes of the character at p if it stands for itself; else 0. */
static size_t
plain_length(const unsigned char *p)
{
	if (*p == '\0' || *p == '"' || *p == '\\' || *p == '\n')
		return 0;
	return utf8_length(p);
}

static const char *
escape(unsigned char c)
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

/* The length of a well-formed sequence (RFC 3629, 4) in a string, or 0. */
static size_t
utf8_length(const unsigned char *p)
{
	unsigned low = *p == 0xe0 ? 0xa0 : *p == 0xf0 ? 0x90 : 0x80;
	unsigned high = *p == 0xed ? 0x9f : *p == 0xf4 ? 0x8f : 0xbf;
	size_t i, n = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;

	if (*p < 0x80)
		return 1;
	if (*p < 0xc2 || *p > 0xf4 || p[1] < low || p[1] > high)
		return 0;
	for (i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
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
