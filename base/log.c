/*
 * The program's own log: each line is put together on the stack and given to
 * stderr in one write, so that lines of several threads never mix.  Control
 * bytes, which a peer may have sent, never reach a terminal.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

#define LINES_A_SECOND 20
#define MESSAGE_MOST 1024
#define LINE_MOST (MESSAGE_MOST * 6 + 128) /* all of it escaped */

static atomic_int chosen_level = LOG_INFO; /* any thread, relaxed */
static atomic_bool in_json; /* any thread, relaxed */

static const char *const level_words[] = { "error", "warn", "info", "debug" };

static size_t line_text(char *, enum log_level, const char *);
static size_t line_json(char *, enum log_level, const char *);

void
log_setup(enum log_level level, enum log_format format)
{
	bool json = format == LOG_JSON;

	if (format == LOG_AUTO)
		json = !isatty(STDERR_FILENO);
	atomic_store_explicit(&chosen_level, (int)level, memory_order_relaxed);
	atomic_store_explicit(&in_json, json, memory_order_relaxed);
}

bool
log_wants(enum log_level level)
{
	return (int)level <=
	    atomic_load_explicit(&chosen_level, memory_order_relaxed);
}

/* May this line go out?  *held: how many before it could not. */
static bool
site_admits(struct log_site *site, unsigned *held)
{
	unsigned long long now = clock_now() / CLOCK_S + 1;

	*held = 0;
	if (atomic_exchange_explicit(
		&site->second, now, memory_order_relaxed) != now) {
		atomic_store_explicit(&site->count, 0, memory_order_relaxed);
		*held = atomic_exchange_explicit(
		    &site->held, 0, memory_order_relaxed);
	}
	if (atomic_fetch_add_explicit(&site->count, 1, memory_order_relaxed) <
	    LINES_A_SECOND)
		return true;
	atomic_fetch_add_explicit(&site->held, 1, memory_order_relaxed);
	return false;
}

static void
log_line(enum log_level level, const char *message)
{
	char line[LINE_MOST];
	size_t n = atomic_load_explicit(&in_json, memory_order_relaxed)
	    ? line_json(line, level, message)
	    : line_text(line, level, message);

	/* There is nobody to tell when stderr fails. */
	ssize_t written = write(STDERR_FILENO, line, n);

	(void)written;
}

static void
log_write(enum log_level level, unsigned held, const char *format, va_list args)
{
	char message[MESSAGE_MOST];
	int n = vsnprintf(message, sizeof(message), format, args);

	if (n < 0)
		return;
	if (held > 0 && (size_t)n < sizeof(message))
		snprintf(message + n, sizeof(message) - (size_t)n,
		    " (%u more like this were held back)", held);
	log_line(level, message);
}

void
log_at(struct log_site *site, enum log_level level, const char *format, ...)
{
	int saved = errno;
	va_list args;
	unsigned held;

	if (site_admits(site, &held)) {
		errno = saved; /* for %m */
		va_start(args, format);
		log_write(level, held, format, args);
		va_end(args);
	}
	errno = saved;
}

void
log_fatal(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_write(LOG_ERROR, 0, format, args);
	va_end(args);
	exit(1);
}

static size_t
line_text(char *line, enum log_level level, const char *message)
{
	char date[32];
	size_t n;

	clock_rfc3339(date, clock_wall());
	n = (size_t)snprintf(
	    line, LINE_MOST, "%s %-5s %s", date, level_words[level], message);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[n] = '\n';
	return n + 1;
}

static size_t
line_json(char *line, enum log_level level, const char *message)
{
	char date[32];
	struct json j;

	clock_rfc3339(date, clock_wall());
	json_init_array(&j, line, LINE_MOST - 1);
	json_open(&j);
	json_key(&j, "ts");
	json_cstring(&j, date);
	json_key(&j, "level");
	json_cstring(&j, level_words[level]);
	json_key(&j, "message");
	json_cstring(&j, message);
	json_close(&j);
	line[j.n] = '\n';
	return j.n + 1;
}
