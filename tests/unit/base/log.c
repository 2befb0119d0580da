/* base/log: what reaches stderr. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static int reading, real_stderr;
static char said[65536];

/* From here stderr is a pipe that `heard' reads. */
static void
listen_in(void)
{
	int ends[2];

	cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	real_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	reading = ends[0];
}

static char *
heard(void)
{
	ssize_t n = read(reading, said, sizeof(said) - 1);

	said[n < 0 ? 0 : n] = '\0';
	cr_assert(n <= 0 || strlen(said) == (size_t)n, "no NUL is written");
	return said;
}

static void
stop_listening(void)
{
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(reading);
}

TestSuite(log, .init = listen_in, .fini = stop_listening);

static unsigned
count_lines(const char *s)
{
	unsigned n = 0;

	for (; *s != '\0'; s++)
		n += *s == '\n';
	return n;
}

Test(log, text_is_date_level_sentence)
{
	char level[8], rest[64];
	unsigned y, mo, d, h, mi, s, ms;

	log_setup(LOG_INFO, LOG_TEXT);
	log_warn("upstream %s: is down", "api");
	cr_assert_eq(sscanf(heard(), "%u-%u-%uT%u:%u:%u.%3uZ %7s %63[^\n]", &y,
			 &mo, &d, &h, &mi, &s, &ms, level, rest),
	    9);
	cr_assert_geq(y, 2020);
	cr_assert_str_eq(level, "warn");
	cr_assert_str_eq(rest, "upstream api: is down");
	cr_assert_eq(count_lines(said), 1);
}

Test(log, level_decides_what_is_said)
{
	log_setup(LOG_WARN, LOG_TEXT);
	cr_assert(log_wants(LOG_ERROR) && log_wants(LOG_WARN));
	cr_assert_not(log_wants(LOG_INFO) || log_wants(LOG_DEBUG));
	log_error("one");
	log_warn("two");
	log_info("three");
	log_debug("four");
	cr_assert_eq(count_lines(heard()), 2);
	cr_assert_not_null(strstr(said, "error one"));
	cr_assert_not_null(strstr(said, "warn  two"));
	log_setup(LOG_DEBUG, LOG_TEXT);
	log_info("three");
	log_debug("four");
	cr_assert_not_null(strstr(heard(), "info  three"));
	cr_assert_not_null(strstr(said, "debug four"));
}

Test(log, json_is_one_object_a_line)
{
	json_t *read;
	json_error_t error;

	log_setup(LOG_INFO, LOG_JSON);
	log_info("path \"%s\"", "\xff\n\x1b[0m");
	heard();
	cr_assert_eq(count_lines(said), 1);
	read = json_loads(said, 0, &error);
	cr_assert_not_null(read, "%s", error.text);
	cr_assert_str_eq(
	    json_string_value(json_object_get(read, "level")), "info");
	cr_assert_str_eq(json_string_value(json_object_get(read, "message")),
	    "path \"\xef\xbf\xbd\n\x1b[0m\"");
	cr_assert_eq(
	    strlen(json_string_value(json_object_get(read, "ts"))), 24);
	json_decref(read);
}

Test(log, auto_is_json_when_stderr_is_no_terminal)
{
	log_setup(LOG_INFO, LOG_AUTO);
	log_info("x");
	cr_assert_eq(heard()[0], '{');
}

Test(log, control_bytes_do_not_reach_a_terminal)
{
	log_setup(LOG_INFO, LOG_TEXT);
	log_info("a\nb\x1b[31mc\x7f~ d");
	cr_assert_not_null(strstr(heard(), "a?b?[31mc?~ d\n"));
	cr_assert_eq(count_lines(said), 1);
}

Test(log, a_long_line_is_cut_and_still_ends)
{
	static char text[5000];

	memset(text, '\1', sizeof(text) - 1);
	log_setup(LOG_INFO, LOG_JSON);
	log_info("%s", text);
	cr_assert_eq(count_lines(heard()), 1);
	cr_assert_not_null(strstr(said, "\\u0001\"}\n"));
	log_setup(LOG_INFO, LOG_TEXT);
	memset(text, 'x', sizeof(text) - 1);
	log_info("%s", text);
	cr_assert_eq(count_lines(heard()), 1);
	cr_assert_eq(strspn(strchr(said, 'x'), "x"), 1023);
}

Test(log, an_empty_message_is_a_line_too)
{
	log_setup(LOG_INFO, LOG_TEXT);
	log_info("%s", "");
	cr_assert_not_null(strstr(heard(), " info  \n"));
}

/* 1015 bytes and a note of which 8 still fit. */
Test(log, what_was_held_back_is_said_as_far_as_there_is_room)
{
	struct log_site site = { .held = 7 };
	static char text[1016];

	log_setup(LOG_INFO, LOG_TEXT);
	memset(text, 'x', sizeof(text) - 1);
	log_at(&site, LOG_INFO, "%s", text);
	cr_assert_not_null(strstr(heard(), "x (7 more\n"));
	cr_assert_eq(count_lines(said), 1);
}

static void
chatter(void)
{
	log_info("chatter");
}

/* The second may turn while it talks: then up to twice as many come. */
Test(log, a_site_says_20_lines_a_second_and_how_many_it_held)
{
	uint64_t began = clock_now() / CLOCK_S;
	unsigned lines, held = 0;

	log_setup(LOG_INFO, LOG_TEXT);
	while (clock_now() / CLOCK_S == began)
		continue;
	for (int i = 0; i < 50; i++)
		chatter();
	cr_assert_eq(clock_now() / CLOCK_S, began + 1, "this took a second");
	lines = count_lines(heard());
	cr_assert_eq(lines, 20);
	cr_assert_null(strstr(said, "held"));
	log_info("another site");
	cr_assert_eq(count_lines(heard()), 1);
	while (clock_now() / CLOCK_S == began + 1)
		continue;
	chatter();
	cr_assert_eq(sscanf(strstr(heard(), "chatter"),
			 "chatter (%u more like this were held back)", &held),
	    1);
	cr_assert_eq(held, 30);
	chatter();
	cr_assert_null(strstr(heard(), "held"));
}

Test(log, errno_is_saved_and_may_be_said)
{
	log_setup(LOG_INFO, LOG_TEXT);
	close(STDERR_FILENO);
	errno = ENOENT;
	log_info("x");
	cr_assert_eq(errno, ENOENT);
	dup2(real_stderr, STDERR_FILENO);
	stop_listening();
	listen_in();
	errno = ENOENT;
	log_info("open: %m");
	cr_assert_eq(errno, ENOENT);
	cr_assert_not_null(strstr(heard(), "No such file"));
}

Test(log, fatal_ends_with_1, .exit_code = 1)
{
	stop_listening();
	log_setup(LOG_ERROR, LOG_TEXT);
	log_fatal("no %s", "way");
}
