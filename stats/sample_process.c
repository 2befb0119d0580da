/*
 * Samples of the process as a whole: its configuration, certificates, workers
 * and what the kernel says of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/samples.h"

static void put_by_name(struct scrape *, const struct view_listener *);
static int certificate_order(const void *, const void *);
static void worker_label(const struct view_worker *, char[16]);
static const uint64_t *view_number(const struct scrape *);

void
sample_certificates(struct scrape *s)
{
	unsigned i;

	for (i = 0; i < s->view->nlisteners; i++)
		put_by_name(s, &s->view->listeners[i]);
}

/*
 * Several certificates may have one name (RSA beside ECDSA), and no sample may
 * appear twice: the first to expire speaks for its name.
 */
static void
put_by_name(struct scrape *s, const struct view_listener *l)
{
	size_t n = l->ncertificates;
	struct view_certificate *v = xcalloc(n + 1, sizeof(*v));
	const char *values[] = { l->name, NULL };
	size_t i;

	if (n > 0)
		memcpy(v, l->certificates, n * sizeof(*v));
	qsort(v, n, sizeof(*v), certificate_order);
	for (i = 0; i < n; i++) {
		values[1] = v[i].common_name;
		if (i == 0 || strcmp(v[i - 1].common_name, values[1]) != 0)
			exposition_real(
			    &s->out, values, (double)v[i].not_after_s);
	}
	free(v);
}

static int
certificate_order(const void *left, const void *right)
{
	const struct view_certificate *a = left, *b = right;
	int order = strcmp(a->common_name, b->common_name);

	if (order != 0)
		return order;
	return (a->not_after_s > b->not_after_s) -
	    (a->not_after_s < b->not_after_s);
}

void
sample_number(struct scrape *s)
{
	exposition_u64(&s->out, NULL, *view_number(s));
}

void
sample_time(struct scrape *s)
{
	exposition_real(&s->out, NULL, sample_seconds(*view_number(s)));
}

void
sample_reload_ok(struct scrape *s)
{
	exposition_u64(&s->out, NULL, s->view->config.reload_ok);
}

void
sample_hash(struct scrape *s)
{
	exposition_u64(&s->out, &s->view->config.hash, 1);
}

void
sample_reloads(struct scrape *s)
{
	const char *value = "success";

	exposition_u64(&s->out, &value, s->view->config.reloads_ok);
	value = "failure";
	exposition_u64(&s->out, &value, s->view->config.reloads_failed);
}

void
sample_ready(struct scrape *s)
{
	exposition_u64(&s->out, NULL, s->view->ready);
}

void
sample_build(struct scrape *s)
{
	const char *values[] = { s->view->version, s->view->revision,
		s->view->openssl };

	exposition_u64(&s->out, values, 1);
}

void
sample_loop_lag(struct scrape *s)
{
	struct histogram_sum sum;
	char id[16];
	const char *value = id;
	unsigned i;

	for (i = 0; i < s->view->nworkers; i++) {
		worker_label(&s->view->workers[i], id);
		memset(&sum, 0, sizeof(sum));
		histogram_sum_add(&sum, &s->view->workers[i].stats->loop_lag);
		exposition_histogram(&s->out, &value, &sum);
	}
}

void
sample_busy(struct scrape *s)
{
	const struct stats *stats;
	char id[16];
	const char *value = id;
	unsigned i;

	for (i = 0; i < s->view->nworkers; i++) {
		worker_label(&s->view->workers[i], id);
		stats = s->view->workers[i].stats;
		exposition_real(&s->out, &value,
		    sample_seconds(counter_get(&stats->busy_ns)));
	}
}

static void
worker_label(const struct view_worker *w, char to[16])
{
	if (w->control)
		(void)snprintf(to, 16, "control");
	else
		(void)snprintf(to, 16, "%u", w->id);
}

void
sample_dropped(struct scrape *s)
{
	const char *value = "access";

	exposition_u64(&s->out, &value, s->view->access_lines_dropped);
}

void
sample_cpu(struct scrape *s)
{
	exposition_real(&s->out, NULL, s->view->process.cpu_seconds);
}

static const uint64_t *
view_number(const struct scrape *s)
{
	return (const void *)((const char *)s->view + s->metric->at);
}
