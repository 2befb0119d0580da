/*
 * Any bytes as what a discovered file says.  They are refused with at least one
 * error that has a place, or give servers with all that discovery relies on.
 */
#include "conf/conf.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct conf_errors errors = { 0 };
	struct text bytes = { (const char *)data, n };
	struct conf *conf = conf_servers("fuzz.yaml", bytes, "u", &errors);
	const struct conf_upstream *u;
	unsigned i;

	assert((conf == NULL) == (errors.nerrors > 0));
	for (i = 0; i < errors.n; i++)
		assert(
		    errors.v[i].place.line > 0 && errors.v[i].place.column > 0);
	for (i = 0; conf != NULL && i < conf->upstreams->nservers; i++) {
		u = conf->upstreams;
		assert(u->servers[i].name != NULL);
		assert(u->servers[i].weight <= 256);
		assert(!u->servers[i].address.endpoint.is_name);
		assert(u->servers[i].address.endpoint.addr.len > 0);
		assert(u->servers[i].address.place.line > 0);
	}
	conf_free(conf);
	conf_errors_fini(&errors);
	return 0;
}
