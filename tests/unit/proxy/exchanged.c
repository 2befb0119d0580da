/* One upstream, one route to it, and what a request leaves behind. */
#include <string.h>
#include <unistd.h>

#include "tests/unit/proxy/exchanged.h"

#include "balancer/roster.h"
#include "balancer/server.h"
#include "limit/breaker.h"
#include "proxy/lease.h"
#include "proxy/pool.h"
#include "proxy/snapshot.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"
#include "stats/stats.h"
#include "tests/lib/bytes.h"
#include "tests/lib/origin.h"

struct control *control;
struct worker *w;
struct origin *o;

void
start(const char *servers, const char *upstream, const char *route)
{
	o = origin_new("a");
	control = rig_start(ONE_WORKER ON_HTTP ON_ADMIN
	    "access_log: { output: %s/access }\n"
	    "upstreams: { u: { servers: [{ address: \"127.0.0.1:%d\", name: "
	    "good }%s]%s } }\n"
	    "routes: [{ name: r, path: /*, to: u%s }]\n",
	    rig_directory(), origin_port(o), servers, upstream, route);
	w = control->workers[0];
}

struct stats_upstream *
upstream_stats(void)
{
	return w->lease->upstreams[0].stats;
}

struct server *
server(unsigned i)
{
	return w->lease->snapshot->upstreams[0].roster->members[i].server;
}

struct pool *
pool(unsigned i)
{
	return w->lease->upstreams[0].pools[i];
}

uint64_t
failures(unsigned i, enum end why)
{
	return atomic_load(&server(i)->failures[why]);
}

struct rig_answer
ask(const char *request)
{
	int fd = rig_dial(rig_port("http"));
	struct rig_answer a = rig_ask(fd, request);

	close(fd);
	RIG_UNTIL(TAILQ_EMPTY(&w->clients));
	return a;
}

bool
says(const char *head, const char *text)
{
	return strstr(head, text) != NULL;
}

json_t *
last_line(void)
{
	char *all = keep_file(keep_printf("%s/access", rig_directory()));
	char *line = all, *next;

	while ((next = strchr(line, '\n')) != NULL && next[1] != '\0')
		line = next + 1;
	return rig_json(line);
}

const char *
text(const json_t *doc, const char *key)
{
	const char *value = json_string_value(json_object_get(doc, key));

	return value != NULL ? value : "";
}

double
number(const json_t *doc, const char *key)
{
	const json_t *value = json_object_get(doc, key);

	return json_is_number(value) ? json_number_value(value) : -1;
}

struct breaker_look
looked(void)
{
	struct breaker_look look;

	breaker_look(
	    w->lease->snapshot->upstreams[0].breaker, loop_now(w->loop), &look);
	return look;
}

struct exchange *
wait_for_answer(const char *upstream, const char *route)
{
	start("", upstream, route);
	origin_reply(o, (struct reply){ .silent = true });
	rig_send(rig_dial(rig_port("http")), ASK);
	RIG_UNTIL(origin_requests(o) == 1);
	return TAILQ_FIRST(&w->exchanges);
}
