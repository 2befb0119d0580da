/*
 * The command line.  fairlead runs in the foreground and logs to stderr;
 * everything else is in the configuration file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "net/descriptors.h"
#include "net/loop.h"
#include "proxy/control.h"
#include "proxy/snapshot.h"
#include "proxy/version.h"
#include "tls/context.h"

#define DEFAULT_FILE "/etc/fairlead/fairlead.yaml"
#define EXIT_USAGE 2
#define EXIT_CONFIG 78

static int run(int, char **);
static int check(int, char **);
static int schema(int, char **);
static int version(int, char **);
static int help(int, char **);
static int usage(const char *, const char *);
static const char *suggestion(const char *);
static const char *default_file(void);
static void raise_descriptors(void);
static void put(struct buf *);

static const struct {
	const char *word, *option, *letter;
	int (*run)(int, char **);
} commands[] = {
	{ "run", "--config", "-c", run },
	{ "check", "--test", "-t", check },
	{ "schema", NULL, NULL, schema },
	{ "version", "--version", "-V", version },
	{ "help", "--help", "-h", help },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

int
main(int argc, char **argv)
{
	if (argc < 2)
		return run(0, NULL);
	if (strcmp(argv[1], "-c") == 0 && argc == 4 &&
	    strcmp(argv[3], "-t") == 0)
		return check(1, argv + 2);
	if (strcmp(argv[1], "-t") == 0 && argc == 4 &&
	    strcmp(argv[2], "-c") == 0)
		return check(1, argv + 3);
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].word) == 0 ||
		    (commands[i].option != NULL &&
			(strcmp(argv[1], commands[i].option) == 0 ||
			    strcmp(argv[1], commands[i].letter) == 0)))
			return commands[i].run(argc - 2, argv + 2);
	return usage("unknown command or option", argv[1]);
}

static int
run(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[0], "-c") == 0) {
		argc--;
		argv++;
	}
	if (argc > 1)
		return usage("too many arguments", argv[1]);
	raise_descriptors();
	umask(027);
	return control_run(argc == 1 ? argv[0] : default_file());
}

/* Files only: no network, no privilege. */
static int
check(int argc, char **argv)
{
	int status = 0;

	for (int i = 0; i < (argc == 0 ? 1 : argc); i++) {
		const char *path = argc == 0 ? default_file() : argv[i];
		struct conf_errors errors = { 0 };
		struct plan *plan = plan_load(path, NULL, &errors);

		conf_errors_print(&errors, stderr);
		if (plan == NULL)
			status = EXIT_CONFIG;
		else
			printf("%s: good\n", path);
		plan_unref(plan);
		conf_errors_fini(&errors);
	}
	return status;
}

static int
schema(int argc, char **argv)
{
	struct buf out = { 0 };

	if (argc == 1 && strcmp(argv[0], "--mdoc") == 0)
		conf_reference(&out);
	else if (argc == 0)
		conf_schema(&out);
	else
		return usage("unknown option of schema", argv[0]);
	put(&out);
	return 0;
}

static int
version(int argc, char **argv)
{
	printf("fairlead %s (%s)\n", VERSION, REVISION);
	if (argc == 1 && strcmp(argv[0], "--verbose") == 0)
		printf("libevent %s\n%s\n%s\n", loop_library(), tls_library(),
		    BUILD_FLAGS);
	return 0;
}

static int
help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts(
	    "fairlead -c edge.yaml          serve\n"
	    "fairlead -t edge.yaml          check a configuration, all errors\n"
	    "kill -HUP PID                  read it again\n"
	    "\n"
	    "fairlead [run] [-c FILE]       serve, in the foreground\n"
	    "fairlead check FILE...         check only; 78 when invalid\n"
	    "fairlead schema                JSON Schema of the configuration\n"
	    "fairlead version [--verbose]\n"
	    "\n"
	    "The file is $FAIRLEAD_CONFIG or " DEFAULT_FILE " if none is "
	    "given.\n"
	    "Signals: HUP reload, USR1 reopen logs, TERM INT QUIT end "
	    "gracefully\n"
	    "(a second one at once).  See fairlead(8) and fairlead.yaml(5).");
	return 0;
}

static int
usage(const char *what, const char *arg)
{
	const char *near = suggestion(arg);

	fprintf(stderr, "fairlead: %s '%s'%s%s%s; see fairlead --help\n", what,
	    arg, near != NULL ? "; did you mean '" : "",
	    near != NULL ? near : "", near != NULL ? "'?" : "");
	return EXIT_USAGE;
}

static const char *
suggestion(const char *arg)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		const char *tries[] = { commands[i].word, commands[i].option };

		for (size_t k = 0; k < 2; k++)
			if (tries[k] != NULL &&
			    text_distance(text_of(arg), text_of(tries[k]), 2) <=
				2)
				return tries[k];
	}
	return NULL;
}

static const char *
default_file(void)
{
	const char *file = getenv("FAIRLEAD_CONFIG");

	return file != NULL && file[0] != '\0' ? file : DEFAULT_FILE;
}

static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	descriptors_init();
}

static void
put(struct buf *out)
{
	while (out->n > 0) {
		struct text front = buf_front(out);

		fwrite(front.p, 1, front.n, stdout);
		buf_drop(out, front.n);
	}
}
