/*
 * The words of a view's enums, the same in metrics and JSON.
 */
#include <assert.h>

#include "stats/view.h"

const char *
view_state_word(enum view_state state)
{
	static const char *const words[VIEW_STATES] = {
		[VIEW_HEALTHY] = "healthy",
		[VIEW_UNHEALTHY] = "unhealthy",
		[VIEW_DRAINING] = "draining",
		[VIEW_UNRESOLVED] = "unresolved",
	};

	assert(state < VIEW_STATES);
	return words[state];
}
