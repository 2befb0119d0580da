/*
 * Which certificates serve a name.  The names of all certificates are sorted
 * once; equal ones become one entry with a set of certificates, of which
 * OpenSSL takes the one that the client can verify.
 */
#include <stdlib.h>
#include <string.h>

#include "tls/index.h"

#include "base/mem.h"
#include "tls/certificate.h"

static size_t count_names(struct tls_certificate **, unsigned);
static void collect(struct tls_name *, struct tls_certificate **, unsigned);
static int by_name_and_file(const void *, const void *);
static struct tls_set *set_for(struct tls_index *, const struct tls_name *);
static bool join(struct tls_set *, struct tls_certificate *);
static void choose_fallback(struct tls_index *, struct tls_certificate **);

void
tls_index_build(struct tls_index *index, struct arena *arena,
    struct tls_certificate **certificates, unsigned n,
    const struct tls_hidden *hidden)
{
	size_t total = count_names(certificates, n);
	size_t room = total > 0 ? total : 1;
	struct tls_name *v = arena_alloc(arena, room * sizeof(*v));

	collect(v, certificates, n);
	qsort(v, total, sizeof(*v), by_name_and_file);
	index->names = (struct tls_names){ v, 0 };
	index->sets = arena_alloc(arena, room * sizeof(*index->sets));
	index->members = arena_alloc(arena, room * sizeof(*index->members));
	for (size_t i = 0; i < total; i++) {
		struct tls_name name = v[i]; /* names grow over v */

		if (!join(set_for(index, &name), certificates[name.value]))
			hidden->hidden(hidden->arg, name.value, &name);
	}
	choose_fallback(index, certificates);
}

const struct tls_set *
tls_index_find(const struct tls_index *index, struct text wire)
{
	char folded[TLS_NAME_MAX + 1];
	const struct tls_name *found;
	struct text name;

	if (!tls_name_fold(wire, folded, &name))
		return NULL;
	found = tls_names_find(&index->names, name);
	return found != NULL ? &index->sets[found->value] : NULL;
}

static size_t
count_names(struct tls_certificate **certificates, unsigned n)
{
	size_t total = 0;

	for (unsigned i = 0; i < n; i++)
		total += certificates[i]->nnames;
	return total;
}

static void
collect(struct tls_name *v, struct tls_certificate **certificates, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < certificates[i]->nnames; j++) {
			*v = certificates[i]->names[j];
			v++->value = i;
		}
}

static int
by_name_and_file(const void *a, const void *b)
{
	const struct tls_name *x = a, *y = b;
	int order = tls_name_order(x, y);

	if (order != 0)
		return order;
	return (int)x->value - (int)y->value;
}

/* The last set if it is this name's, else a new one behind its members. */
static struct tls_set *
set_for(struct tls_index *index, const struct tls_name *name)
{
	struct tls_names *names = &index->names;
	struct tls_certificate **end = index->members;
	struct tls_set *last;

	if (names->n > 0) {
		last = &index->sets[names->n - 1];
		if (tls_name_order(name, &names->v[names->n - 1]) == 0)
			return last;
		end = last->members + last->n;
	}
	index->sets[names->n] = (struct tls_set){ end, 0 };
	names->v[names->n] = *name;
	names->v[names->n].value = (unsigned)names->n;
	return &index->sets[names->n++];
}

/* False when the set has another certificate of that kind. */
static bool
join(struct tls_set *set, struct tls_certificate *c)
{
	for (unsigned i = 0; i < set->n; i++) {
		if (set->members[i] == c)
			return true;
		if (strcmp(set->members[i]->facts.kind, c->facts.kind) == 0)
			return false;
	}
	set->members[set->n++] = c;
	return true;
}

/* The first certificate stands first in each set it is in. */
static void
choose_fallback(struct tls_index *index, struct tls_certificate **first)
{
	index->fallback = (struct tls_set){ first, 1 };
	for (size_t i = 0; i < index->names.n; i++)
		if (index->sets[i].members[0] == *first &&
		    index->sets[i].n > index->fallback.n)
			index->fallback = index->sets[i];
}
