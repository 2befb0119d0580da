/*
 * One origin and the usual front, of the one test that runs.
 */
#include <stddef.h>

#include "tests/lib/stage.h"

struct origin *o;
struct front f;

void
stage_set(const struct front_settings *settings)
{
	o = origin_new("a");
	f = front_of(settings, o, NULL);
}

void
stage_plain(void)
{
	stage_set(&(struct front_settings){ 0 });
}

void
stage_strike(void)
{
	daemon_stop(f.d);
}
