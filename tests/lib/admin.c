/*
 * What the program under test says about itself: its admin listener's paths,
 * /stats by jansson and samples of /metrics.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/bytes.h"
#include "tests/lib/client.h"
#include "tests/lib/daemon.h"
#include "tests/lib/wait.h"

enum { COUNT_MS = 5000 };

static struct response *ask_admin(struct daemon *, const char *path);
static json_t *stat_at(struct daemon *, const char *path);

char *
daemon_admin(struct daemon *d, const char *path)
{
	struct response *r = ask_admin(d, path);

	cr_assert_eq(r->status, 200, "%s: %d", path, r->status);
	return r->body.n == 0 ? keep_text("", 0) : r->body.p;
}

bool
daemon_is_ready(struct daemon *d)
{
	return ask_admin(d, "/readyz")->status == 200;
}

json_t *
daemon_stats(struct daemon *d)
{
	char *text = daemon_admin(d, "/stats");
	json_error_t error;
	json_t *stats = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	cr_assert_not_null(stats, "/stats: %s in %s", error.text, text);
	return stats;
}

double
daemon_stat(struct daemon *d, const char *path)
{
	json_t *value = stat_at(d, path);

	cr_assert(json_is_number(value), "/stats has no number %s: %s", path,
	    daemon_admin(d, "/stats"));
	return json_number_value(value);
}

const char *
daemon_stat_text(struct daemon *d, const char *path)
{
	return json_string_value(stat_at(d, path));
}

double
daemon_metric(struct daemon *d, const char *sample)
{
	char *text = keep_printf("\n%s", daemon_admin(d, "/metrics"));
	char *line = keep_printf("\n%s ", sample);
	const char *at = strstr(text, line);

	return at == NULL ? -1 : strtod(at + strlen(line), NULL);
}

void
must_count(struct daemon *d, const char *sample, double value)
{
	double is = -1;

	cr_assert(WAIT_FOR(COUNT_MS,
		      (is = daemon_metric(d, sample)) >= value && is <= value),
	    "%s is %g, not %g", sample, is, value);
}

void
must_tell(struct daemon *d, const char *path, double value)
{
	double is = -1;

	cr_assert(WAIT_FOR(COUNT_MS,
		      (is = daemon_stat(d, path)) >= value && is <= value),
	    "%s is %g, not %g", path, is, value);
}

json_t *
daemon_server(struct daemon *d, const char *upstream, const char *server)
{
	json_t *servers, *each;
	size_t i;

	servers = stat_at(d, keep_printf("upstreams/%s/servers", upstream));
	json_array_foreach(servers, i,
	    each) if (strcmp(json_string_value(json_object_get(each, "name")),
			  server) == 0) return each;
	cr_assert_fail("/stats has no server %s", server);
	return NULL;
}

bool
daemon_server_up(struct daemon *d, const char *upstream, const char *server)
{
	return json_is_true(
	    json_object_get(daemon_server(d, upstream, server), "up"));
}

/* It knows itself by address and as localhost only. */
static struct response *
ask_admin(struct daemon *d, const char *path)
{
	struct client *c = dial(daemon_port(d, "admin"));
	struct response *r;

	r = ask(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
	client_close(c);
	return r;
}

static json_t *
stat_at(struct daemon *d, const char *path)
{
	json_t *at = daemon_stats(d);
	char *part = keep_text(path, strlen(path)), *next;

	for (; part != NULL && at != NULL; part = next) {
		next = strchr(part, '/');
		if (next != NULL)
			*next++ = '\0';
		at = json_object_get(at, part);
	}
	return at;
}
