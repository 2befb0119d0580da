/*
 * Some threads, begun and ended together.
 */
#include <pthread.h>
#include <stdlib.h>

#include "tests/lib/bytes.h"
#include "tests/lib/team.h"

struct team {
	unsigned n;
	pthread_t threads[];
};

struct team *
team_start(unsigned n, void *(*run)(void *), void *arguments, size_t size)
{
	struct team *t = keep(sizeof *t + n * sizeof *t->threads);
	char *argument = arguments;

	for (; t->n < n; t->n++, argument += size)
		if (pthread_create(&t->threads[t->n], NULL, run, argument) != 0)
			abort();
	return t;
}

void
team_wait(struct team *t)
{
	unsigned i;

	for (i = 0; i < t->n; i++)
		pthread_join(t->threads[i], NULL);
}
