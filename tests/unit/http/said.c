/* Heads in words. */
#include "tests/unit/http/said.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

char said[8192];

void
say(const char *format, ...)
{
	size_t n = strlen(said);
	va_list args;

	va_start(args, format);
	vsnprintf(said + n, sizeof(said) - n, format, args);
	va_end(args);
}

void
say_fields(const struct fields *fields)
{
	unsigned i;

	for (i = 0; i < fields->n; i++)
		if (fields->v[i].token != TOKEN_NONE)
			say("|%.*s=%.*s", TEXT_ARG(fields->v[i].name),
			    TEXT_ARG(fields->v[i].value));
}

void
say_framing(const struct head *head)
{
	static const char *const names[] = { "none", "length", "chunked",
		"close" };

	say(" %s", names[head->framing]);
	if (head->framing == FRAMING_LENGTH || head->has_length)
		say(":%llu", (unsigned long long)head->length);
	say(head->keep_alive ? " keep" : " close");
	if (head->kept_s > 0)
		say(":%u", head->kept_s);
}
