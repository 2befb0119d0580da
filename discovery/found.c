/* Sets of servers as values: made, compared, freed.  Pure. */
#include <stdlib.h>
#include <string.h>

#include "discovery/found.h"

#include "base/map.h"
#include "base/mem.h"

static int by_address(const void *, const void *);
static bool found_equal(const struct found *, const struct found *);
static bool text_same(const char *, const char *);

struct found_set *
found_set_new(const struct found *found, unsigned n)
{
	struct found_set *set =
	    xcalloc(1, sizeof(*set) + n * sizeof(set->v[0]));
	struct map names = { 0 };
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++)
		set->v[i] = found[i];
	qsort(set->v, n, sizeof(set->v[0]), by_address);
	for (unsigned i = 0; i < n; i++) {
		struct found *f = &set->v[i];

		if (kept > 0 && addr_equal(&set->v[kept - 1].addr, &f->addr))
			continue;
		if (f->name != NULL && map_get(&names, text_of(f->name)))
			continue;
		f->name = f->name != NULL ? xstrdup(f->name) : NULL;
		f->place = NULL;
		set->v[kept] = *f;
		if (f->name != NULL)
			map_set(&names, text_of(f->name), set);
		kept++;
	}
	set->n = kept;
	map_fini(&names);
	return set;
}

void
found_set_free(struct found_set *set)
{
	if (set == NULL)
		return;
	for (unsigned i = 0; i < set->n; i++)
		free((void *)(uintptr_t)set->v[i].name);
	free(set);
}

bool
found_set_equal(const struct found_set *a, const struct found_set *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (!found_equal(&a->v[i], &b->v[i]))
			return false;
	return true;
}

unsigned
found_set_missing(const struct found_set *of, const struct found_set *in)
{
	unsigned missing = 0, k = 0;

	for (unsigned i = 0; of != NULL && i < of->n; i++) {
		while (in != NULL && k < in->n &&
		    by_address(&in->v[k], &of->v[i]) < 0)
			k++;
		if (in == NULL || k == in->n ||
		    by_address(&in->v[k], &of->v[i]) != 0)
			missing++;
	}
	return missing;
}

/* By IP, then port.  A unix path has neither and does not get here. */
static int
by_address(const void *a, const void *b)
{
	const struct found *f = a, *g = b;
	uint8_t x[16], y[16];
	int order;

	addr_bytes(&f->addr, x);
	addr_bytes(&g->addr, y);
	order = memcmp(x, y, sizeof(x));
	if (order != 0)
		return order;
	return (int)addr_port(&f->addr) - (int)addr_port(&g->addr);
}

static bool
found_equal(const struct found *f, const struct found *g)
{
	return by_address(f, g) == 0 && f->weight == g->weight &&
	    f->backup == g->backup && text_same(f->name, g->name);
}

static bool
text_same(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}
