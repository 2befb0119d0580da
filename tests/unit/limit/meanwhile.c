/*
 * The breaker itself with one thing added: a place where another thread may
 * have its turn, so that a test decides who comes between and need not hope.
 */
#include <stdatomic.h>
#include <stddef.h>

#include "tests/unit/limit/meanwhile.h"

static void another_turn(void);

#undef atomic_compare_exchange_strong
#define atomic_compare_exchange_strong(at, seen, next) \
	(another_turn(), \
	    atomic_compare_exchange_strong_explicit( \
		at, seen, next, memory_order_seq_cst, memory_order_seq_cst))
#include "limit/breaker.c"

static unsigned left;
static void (*to_do)(void *);
static void *to_whom;

void
meanwhile(unsigned nth, void (*deed)(void *), void *arg)
{
	left = nth;
	to_do = deed;
	to_whom = arg;
}

bool
meanwhile_was(void)
{
	return left == 0;
}

static void
another_turn(void)
{
	if (left > 0 && --left == 0)
		to_do(to_whom);
}
