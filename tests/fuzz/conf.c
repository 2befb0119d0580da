/*
 * Any bytes as a configuration.  They are refused with at least one error, or
 * give a configuration that holds together and that, printed and read again,
 * prints the same.  Includes are left out: they would read this machine's
 * files.
 */
#include "conf/conf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_routes(const struct conf *conf)
{
	const struct conf_route *r;
	unsigned i, t;

	assert(conf->nlisteners > 0 && conf->nroutes > 0);
	for (i = 0; i < conf->nroutes; i++) {
		r = &conf->routes[i];
		assert(r->name != NULL && r->place.line > 0);
		assert((r->action == ACTION_PROXY) == (r->ntargets > 0));
		for (t = 0; t < r->ntargets; t++)
			assert(r->targets[t].upstream < conf->nupstreams);
		for (t = 0; t < r->nhosts; t++)
			assert(r->hosts[t][0] != '\0');
		for (t = 0; t < r->npaths; t++)
			assert(r->paths[t][0] == '/');
	}
}

static void
check_upstreams(const struct conf *conf)
{
	const struct conf_upstream *u;
	unsigned i, s;

	for (i = 0; i < conf->nupstreams; i++) {
		u = &conf->upstreams[i];
		assert(u->name != NULL && u->nservers > 0);
		assert(u->connect_ns > 0 && u->response_ns > 0);
		assert(u->idle_ns > 0 && u->pool_idle_ns > 0);
		for (s = 0; s < u->nservers; s++)
			assert(u->servers[s].name != NULL &&
			    u->servers[s].weight <= 256);
	}
}

/* The part that is itself a configuration; what it holds is the caller's. */
static struct text
print(const struct conf *conf)
{
	struct buf b = { 0 };
	struct text t;
	char *end;
	size_t n;

	conf_print(conf, &b);
	n = b.n;
	t.p = memcpy(malloc(n), buf_join(&b, n, 0), n);
	buf_clear(&b);
	end = memmem(t.p, n, ",\"origins\":{", 12);
	assert(end != NULL && strncmp(t.p, "{\"config\":", 10) == 0);
	t.n = (size_t)(end - t.p);
	return t;
}

/* YAML refuses some characters that JSON does not escape. */
static bool
is_ascii(struct text t)
{
	size_t i;

	for (i = 0; i < t.n; i++)
		if (t.p[i] < ' ' || t.p[i] > '~')
			return false;
	return true;
}

static void
check_print(const struct conf *conf)
{
	struct conf_errors errors = { 0 };
	struct text first = print(conf), second;
	struct conf *again;

	if (is_ascii(first)) {
		again = conf_parse("print.yaml", text_from(first, 10), &errors);
		if (again == NULL)
			conf_errors_print(&errors, stderr);
		assert(again != NULL);
		second = print(again);
		assert(text_equal(first, second));
		free((void *)(uintptr_t)second.p);
		conf_free(again);
		conf_errors_fini(&errors);
	}
	free((void *)(uintptr_t)first.p);
}

static void
check_errors(const struct conf_errors *errors)
{
	static FILE *nowhere;
	unsigned i;

	if (nowhere == NULL)
		nowhere = fopen("/dev/null", "w");
	conf_errors_print(errors, nowhere);
	for (i = 0; i < errors->n; i++)
		assert(errors->v[i].place.line > 0 &&
		    errors->v[i].place.column > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct conf_errors errors = { 0 };
	struct text yaml = { (const char *)data, n };
	struct conf *conf;

	if (memmem(data, n, "include", 7) != NULL)
		return 0;
	conf = conf_parse("fuzz.yaml", yaml, &errors);
	assert((conf == NULL) == (errors.nerrors > 0));
	check_errors(&errors);
	if (conf != NULL) {
		check_routes(conf);
		check_upstreams(conf);
		check_print(conf);
	}
	conf_free(conf);
	conf_errors_fini(&errors);
	return 0;
}
