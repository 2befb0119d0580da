/*
 * The table of ends as rows; the facts are in ends.def.
 */
#include "http/end.h"

#include <assert.h>

static const struct end_row rows[END_COUNT] = {
	[END_NONE] = { "", "", 0, RETRY_NEVER, BLAME_NOBODY },
#define END(name, word, status, retry, blame, text) \
	[END_##name] = { #word, text, status, RETRY_##retry, BLAME_##blame },
#include "http/ends.def"
#undef END
};

const struct end_row *
end_row(enum end end)
{
	assert(end < END_COUNT);
	return &rows[end];
}
