/*
 * The limits on a listener's connections: of all, and of one source.  What is
 * shared are atomics and the table of sources; no worker waits for another.
 */
#include <stdlib.h>
#include <string.h>

#include "proxy/gate.h"

#include "base/addr.h"
#include "base/mem.h"
#include "base/rng.h"
#include "conf/conf.h"
#include "limit/sources.h"
#include "net/loop.h"
#include "proxy/control.h"
#include "proxy/port.h"

static struct gate *find(const struct control *, const char *);
static struct gate *gate_new(struct control *, const char *);
static enum stats_reject
enter_source(const struct port *, const struct addr *, uint64_t *);

struct gate *
gate_of(struct control *control, const struct conf_listener *conf)
{
	struct gate *gate = find(control, conf->name);

	if (gate == NULL)
		gate = gate_new(control, conf->name);
	if (conf->per_ip != 0 && gate->sources == NULL)
		gate->sources = sources_new(
		    conf->max_connections, rng_next(loop_rng(control->loop)));
	return gate;
}

void
gates_free(struct control *control)
{
	for (unsigned i = 0; i < control->ngates; i++) {
		sources_free(control->gates[i]->sources);
		free(control->gates[i]->name);
		free(control->gates[i]);
	}
	free(control->gates);
}

enum stats_reject
gate_enter(const struct port *p, const struct addr *peer, uint64_t *source)
{
	enum stats_reject why = REJECT_MAX_CONNECTIONS;

	*source = 0;
	if (atomic_fetch_add_explicit(&p->gate->connections, 1,
		memory_order_relaxed) < p->max_connections)
		why = enter_source(p, peer, source);
	if (why != REJECT_COUNT)
		atomic_fetch_sub_explicit(
		    &p->gate->connections, 1, memory_order_relaxed);
	return why;
}

void
gate_leave(struct gate *gate, uint64_t source)
{
	atomic_fetch_sub_explicit(&gate->connections, 1, memory_order_relaxed);
	if (source != 0)
		sources_leave(gate->sources, source);
}

static struct gate *
find(const struct control *control, const char *name)
{
	for (unsigned i = 0; i < control->ngates; i++)
		if (strcmp(control->gates[i]->name, name) == 0)
			return control->gates[i];
	return NULL;
}

static struct gate *
gate_new(struct control *control, const char *name)
{
	struct gate *gate = xcalloc(1, sizeof(*gate));

	gate->name = xstrdup(name);
	control->gates = xrealloc(
	    control->gates, (control->ngates + 1) * sizeof(*control->gates));
	control->gates[control->ngates++] = gate;
	return gate;
}

/* Behind a trusted proxy are many: its address says nothing of them. */
static enum stats_reject
enter_source(const struct port *p, const struct addr *peer, uint64_t *source)
{
	uint8_t ip[16];
	uint64_t from;

	if (p->per_ip == 0 || p->sources == NULL || port_trusts(p, peer))
		return REJECT_COUNT;
	if (!addr_bytes(peer, ip))
		return REJECT_COUNT;
	from = source_of(ip);
	switch (sources_enter(p->sources, from, p->per_ip)) {
	case SOURCES_IN:
		*source = from;
		return REJECT_COUNT;
	case SOURCES_OVER:
		return REJECT_PER_IP;
	default:
		return REJECT_LOCAL_RESOURCE;
	}
}
