/*
 * The routes in the order in which they are matched, as JSON.
 */
#include "proxy/routes_json.h"

#include "base/buf.h"
#include "base/json.h"
#include "conf/conf.h"
#include "proxy/route.h"
#include "proxy/snapshot.h"

static void
render_route(struct json *, const struct conf *, const struct conf_route *);
static void render_list(struct json *, const char *, const char **, unsigned);
static void
render_action(struct json *, const struct conf *, const struct conf_route *);

void
routes_render(const struct plan *plan, struct buf *to)
{
	const struct conf *conf = plan->conf;
	struct json j;
	int last = -1, i;

	json_init_buf(&j, to);
	json_open(&j);
	json_key(&j, "routes");
	json_open_list(&j);
	for (unsigned at = 0; (i = route_in_order(plan->routes, at)) != -1;
	     at++) {
		if (i != last)
			render_route(&j, conf, &conf->routes[i]);
		last = i;
	}
	json_close_list(&j);
	json_close(&j);
	json_end(&j);
	buf_append_text(to, TEXT("\n"));
}

static void
render_route(
    struct json *j, const struct conf *conf, const struct conf_route *r)
{
	json_open(j);
	json_key(j, "name");
	json_cstring(j, r->name);
	render_list(j, "host", r->hosts, r->nhosts);
	render_list(j, "path", r->paths, r->npaths);
	render_list(j, "methods", r->methods, r->nmethods);
	render_action(j, conf, r);
	json_key(j, "at");
	json_cstring(j, r->place.file);
	json_key(j, "line");
	json_u64(j, r->place.line);
	json_close(j);
}

static void
render_list(struct json *j, const char *key, const char **v, unsigned n)
{
	if (n == 0)
		return;
	json_key(j, key);
	json_open_list(j);
	for (unsigned i = 0; i < n; i++)
		json_cstring(j, v[i]);
	json_close_list(j);
}

static void
render_action(
    struct json *j, const struct conf *conf, const struct conf_route *r)
{
	if (r->action == ACTION_RESPOND) {
		json_key(j, "respond");
		json_u64(j, r->respond_status);
		return;
	}
	if (r->action == ACTION_REDIRECT) {
		json_key(j, "redirect");
		json_u64(j, r->redirect_status);
		return;
	}
	json_key(j, "to");
	json_open_list(j);
	for (unsigned i = 0; i < r->ntargets; i++) {
		json_open(j);
		json_key(j, "upstream");
		json_cstring(j, conf->upstreams[r->targets[i].upstream].name);
		json_key(j, "weight");
		json_u64(j, r->targets[i].weight);
		json_close(j);
	}
	json_close_list(j);
}
