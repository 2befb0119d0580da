/*
 * The scripted server as a program of its own, for `make demo' and for tests
 * that kill a process: answers every path with its name, and the health path
 * always well.
 *
 *	origin PORT NAME [--delay-ms N] [--fail-percent N] [--health PATH]
 *	    [--much KIB] [--echo] [--any]
 *
 * Three paths are for the scripts in tests/soak: /much answers with so many
 * KiB, /stuck takes no byte of a body, and /greedy neither, but answers all the
 * same, with as much, in small pieces.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/origin.h"

struct wish {
	struct origin_options options;
	struct reply reply;
	const char *health;
	uint64_t much;
	bool echo;
};

static bool read_arguments(int, char *[], struct wish *);
static bool read_number(const char *, long most, long *);

int
main(int argc, char *argv[])
{
	struct wish wish = { .health = "/healthz", .options.forget = true };
	struct origin *o;

	if (!read_arguments(argc, argv, &wish)) {
		fprintf(stderr,
		    "usage: origin PORT NAME [--delay-ms N] "
		    "[--fail-percent N] [--health PATH] [--much KIB] "
		    "[--echo] [--any]\n");
		return 2;
	}
	o = origin_start(&wish.options);
	if (o == NULL) {
		fprintf(stderr, "origin: port %d: %s\n", wish.options.port,
		    strerror(errno));
		return 1;
	}
	if (!wish.echo)
		wish.reply.text =
		    keep_printf("Hello from %s.\n", wish.options.name);
	origin_reply(o, wish.reply);
	origin_reply(o, (struct reply){ .path = wish.health, .text = "ok\n" });
	origin_reply(o,
	    (struct reply){
		.path = "/much", .sized = true, .size = wish.much });
	origin_reply(o, (struct reply){ .path = "/stuck", .unread = true });
	origin_reply(o,
	    (struct reply){ .path = "/greedy",
		.unread = true,
		.early = true,
		.sized = true,
		.size = wish.much,
		.piece = 8192,
		.pace_ms = 5 });
	printf("%s listening on port %d\n", wish.options.name, origin_port(o));
	fflush(stdout);
	for (;;)
		pause();
}

static bool
read_arguments(int argc, char *argv[], struct wish *w)
{
	long n;
	int i;

	if (argc < 3 || !read_number(argv[1], 65535, &n))
		return false;
	w->options.port = (int)n;
	w->options.name = argv[2];
	for (i = 3; i < argc; i++) {
		if (strcmp(argv[i], "--echo") == 0)
			w->echo = true;
		else if (strcmp(argv[i], "--any") == 0)
			w->options.any = true;
		else if (i + 1 == argc)
			return false;
		else if (strcmp(argv[i], "--health") == 0)
			w->health = argv[++i];
		else if (!read_number(argv[i + 1], 100000, &n))
			return false;
		else if (strcmp(argv[i], "--much") == 0 && ++i)
			w->much = (uint64_t)n * 1024;
		else if (strcmp(argv[i], "--delay-ms") == 0 && ++i)
			w->reply.delay_ms = (int)n;
		else if (strcmp(argv[i], "--fail-percent") == 0 && ++i)
			w->reply.fail_percent = (unsigned)n;
		else
			return false;
	}
	return true;
}

static bool
read_number(const char *text, long most, long *n)
{
	char *end;

	errno = 0;
	*n = strtol(text, &end, 10);
	return errno == 0 && *text != '\0' && *end == '\0' && *n >= 0 &&
	    *n <= most;
}
