/*
 * What may become of a connection: the tokens of Upgrade, asked for, allowed
 * and agreed on.
 */
#include "http/upgrade.h"

#include <string.h>

#include "base/mem.h"
#include "http/octet.h"

static bool is_allowed(struct text, enum method, const char *const *, unsigned);
static bool is_word(struct text);

struct text
upgrade_select(struct text asked, enum method method,
    const char *const *allowed, unsigned nallowed, struct arena *arena)
{
	struct text token, some = TEXT_NONE;

	while (text_split(&asked, ',', &token)) {
		if (!is_allowed(token, method, allowed, nallowed) ||
		    text_lists(some, token))
			continue;
		some = some.n == 0 ? token
				   : arena_printf(arena, "%.*s, %.*s",
					 TEXT_ARG(some), TEXT_ARG(token));
	}
	return some;
}

bool
upgrade_is_token(struct text t)
{
	ptrdiff_t slash = text_find(t, '/');

	if (slash == -1)
		return is_word(t);
	return is_word(text_first(t, (size_t)slash)) &&
	    is_word(text_from(t, (size_t)slash + 1));
}

bool
upgrade_is_websocket(struct text token)
{
	return text_equal_fold(token, TEXT("websocket"));
}

bool
upgrade_is_http(struct text token)
{
	static const char *const names[] = { "h2c", "h2", "h3", "http" };
	ptrdiff_t slash = text_find(token, '/');

	if (slash != -1)
		token.n = (size_t)slash;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (text_equal_fold(token, text_of(names[i])))
			return true;
	return false;
}

static bool
is_allowed(struct text token, enum method method, const char *const *allowed,
    unsigned nallowed)
{
	if (!upgrade_is_token(token) || upgrade_is_http(token) ||
	    (upgrade_is_websocket(token) && method != METHOD_GET))
		return false;
	for (unsigned i = 0; i < nallowed; i++)
		if (text_equal_fold(token, text_of(allowed[i])))
			return true;
	return false;
}

static bool
is_word(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (!octet_is(t.p[i], OCTET_TOKEN))
			return false;
	return t.n > 0;
}
