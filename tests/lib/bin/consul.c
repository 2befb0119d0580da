/*
 * The double of Consul as a program of its own, for `make demo', for scripts,
 * and for tests that kill a process.
 *
 *	consul PORT [--token TOKEN] [--tls CERT KEY] [--client-ca CA] [--any]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/consul.h"

static bool read_arguments(int, char *[], struct consul_options *);

int
main(int argc, char *argv[])
{
	struct consul_options options = { 0 };
	struct consul *c;

	if (!read_arguments(argc, argv, &options)) {
		fprintf(stderr,
		    "usage: consul PORT [--token TOKEN] [--tls CERT KEY] "
		    "[--client-ca CA] [--any]\n");
		return 2;
	}
	c = consul_start(&options);
	if (c == NULL) {
		fprintf(stderr, "consul: port %d: %s\n", options.port,
		    strerror(errno));
		return 1;
	}
	printf("consul listening on port %d\n", consul_port(c));
	fflush(stdout);
	for (;;)
		pause();
}

static bool
read_arguments(int argc, char *argv[], struct consul_options *o)
{
	char *end;
	long port;

	if (argc < 2)
		return false;
	port = strtol(argv[1], &end, 10);
	if (end == argv[1] || *end != '\0' || port < 0 || port > 65535)
		return false;
	o->port = (int)port;
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--any") == 0)
			o->any = true;
		else if (strcmp(argv[i], "--token") == 0 && i + 1 < argc)
			o->token = argv[++i];
		else if (strcmp(argv[i], "--client-ca") == 0 && i + 1 < argc)
			o->client_ca = argv[++i];
		else if (strcmp(argv[i], "--tls") == 0 && i + 2 < argc) {
			o->cert = argv[++i];
			o->key = argv[++i];
		} else
			return false;
	}
	return true;
}
