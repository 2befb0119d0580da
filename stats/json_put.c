/*
 * The pieces that the JSON of /stats is made of: one unit and one form for
 * each kind of value.
 */
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "stats/json_put.h"
#include "stats/rates.h"
#include "stats/sum.h"
#include "stats/view.h"

void
json_put_number(struct json *j, const char *key, uint64_t n)
{
	json_key(j, key);
	json_u64(j, n);
}

void
json_put_bool(struct json *j, const char *key, bool b)
{
	json_key(j, key);
	json_bool(j, b);
}

void
json_put_string(struct json *j, const char *key, const char *s)
{
	json_key(j, key);
	json_cstring(j, s);
}

void
json_put_strings(
    struct json *j, const char *key, const char *const *v, unsigned n)
{
	unsigned i;

	json_key(j, key);
	json_open_list(j);
	for (i = 0; i < n; i++)
		json_cstring(j, v[i]);
	json_close_list(j);
}

void
json_put_ms(struct json *j, const char *key, uint64_t ns)
{
	json_key(j, key);
	json_fixed(j, (double)ns / (double)CLOCK_MS, 3);
}

void
json_put_moment(struct json *j, const char *key, uint64_t seconds)
{
	time_t at = (time_t)seconds;
	char text[48];
	struct tm tm;

	json_key(j, key);
	if (seconds == 0 || gmtime_r(&at, &tm) == NULL) {
		json_none(j);
		return;
	}
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_cstring(j, text);
}

void
json_put_rate(struct json *j, const struct stats_view *view,
    enum stats_kind kind, unsigned slot)
{
	json_key(j, "rate");
	json_fixed(j, stats_rate(view->rates, kind, slot), 1);
}

void
json_put_latency(struct json *j, const struct stats_view *view,
    enum stats_kind kind, unsigned slot, size_t at)
{
	struct histogram_sum sum;

	sum_histogram(view, kind, slot, at, &sum);
	json_key(j, "latency_ms");
	json_open(j);
	json_put_ms(j, "p50", histogram_sum_quantile(&sum, 0.5));
	json_put_ms(j, "p90", histogram_sum_quantile(&sum, 0.9));
	json_put_ms(j, "p99", histogram_sum_quantile(&sum, 0.99));
	json_close(j);
}

void
json_put_ends(struct json *j, const char *key, const struct stats_view *view,
    enum stats_kind kind, unsigned slot, size_t at)
{
	uint64_t n;
	unsigned i;

	json_key(j, key);
	json_open(j);
	for (i = 0; i < END_COUNT; i++) {
		n = sum_counter(
		    view, kind, slot, at + i * sizeof(struct counter));
		if (n > 0)
			json_put_number(j, end_row((enum end)i)->word, n);
	}
	json_close(j);
}
