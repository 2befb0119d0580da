/*
 * The usual stage and its access log.
 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <string.h>

#include "tests/lib/front.h"
#include "tests/lib/wait.h"

enum { ORIGINS_MOST = 8, LINE_MS = 5000 };

static const char *or_empty(const char *);
static json_t *line_of(const struct front *, unsigned i);
static json_t *line_for(const struct front *, const char *path);

struct front
front_of(const struct front_settings *settings, struct origin *first, ...)
{
	struct origin *origins[ORIGINS_MOST + 1] = { first };
	char *directory = daemon_directory();
	struct front f;
	unsigned n = 0;
	va_list ap;

	va_start(ap, first);
	while (origins[n] != NULL) {
		cr_assert_lt(n, ORIGINS_MOST);
		origins[++n] = va_arg(ap, struct origin *);
	}
	va_end(ap);
	f.access_log = keep_printf("%s/access.json", directory);
	f.d = daemon_start_in(
	    directory, NULL, "%s", front_yaml(directory, settings, origins));
	f.port = daemon_port(f.d, "http");
	return f;
}

char *
front_yaml(const char *directory, const struct front_settings *s,
    struct origin *const *origins)
{
	struct bytes servers = { 0 };

	for (; *origins != NULL; origins++)
		bytes_printf(&servers, "%s{ address: \"127.0.0.1:%d\" }",
		    servers.n > 0 ? ", " : "", origin_port(*origins));
	return keep_printf("workers: %d\n"
			   "listeners:\n"
			   "  http: { address: \"127.0.0.1:0\"%s }\n"
			   "admin: { address: \"127.0.0.1:0\" }\n"
			   "access_log: { output: \"%s/access.json\" }\n"
			   "routes:\n"
			   "  - { name: all, path: \"/*\", to: up%s }\n"
			   "upstreams:\n"
			   "  up: { servers: [%s]%s }\n"
			   "%s",
	    s->workers > 0 ? s->workers : 1, or_empty(s->listener), directory,
	    or_empty(s->route), servers.p, or_empty(s->upstream),
	    or_empty(s->top));
}

json_t *
front_line(const struct front *f, unsigned i)
{
	json_t *line = NULL;

	(void)WAIT_FOR(LINE_MS, (line = line_of(f, i)) != NULL);
	return line;
}

const char *
front_line_text(const struct front *f, unsigned i, const char *key)
{
	json_t *line = front_line(f, i);
	const char *text;

	cr_assert_not_null(line, "no access-log line %u", i);
	text = json_string_value(json_object_get(line, key));
	return text == NULL ? "" : text;
}

void
front_must_log(const struct front *f, const char *path, const char *reason)
{
	const char *word;
	json_t *line = NULL;

	(void)WAIT_FOR(LINE_MS, (line = line_for(f, path)) != NULL);
	cr_assert_not_null(line, "no access-log line for %s", path);
	word = json_string_value(json_object_get(line, "reason"));
	cr_assert_str_eq(word == NULL ? "" : word, reason);
}

static const char *
or_empty(const char *text)
{
	return text == NULL ? "" : text;
}

/* NULL while it is not whole. */
static json_t *
line_of(const struct front *f, unsigned i)
{
	char *text = keep_file(f->access_log), *line = text, *end;
	json_t *parsed = NULL;
	json_error_t error;

	for (; (end = strchr(line, '\n')) != NULL; line = end + 1, i--) {
		if (i > 0)
			continue;
		*end = '\0';
		parsed = json_loads(line, JSON_REJECT_DUPLICATES, &error);
		cr_assert_not_null(
		    parsed, "access log: %s in %s", error.text, line);
		break;
	}
	keep_no_more(text);
	return parsed;
}

static json_t *
line_for(const struct front *f, const char *path)
{
	json_t *line;
	const char *at;
	unsigned i;

	for (i = 0; (line = line_of(f, i)) != NULL; i++) {
		at = json_string_value(json_object_get(line, "path"));
		if (at != NULL && strcmp(at, path) == 0)
			return line;
	}
	return NULL;
}
