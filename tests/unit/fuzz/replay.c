/*
 * What the fuzzers have learnt, as plain tests: each input of
 * tests/fuzz/corpus goes through its fuzzer once more, built by the compiler
 * of the program.  FUZZERS comes from the Makefile: F(name) for each.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

typedef int fuzzer(const uint8_t *, size_t);

static char *input; /* the one at hand */

static void
tell_input(void)
{
	if (input != NULL)
		dprintf(STDERR_FILENO, "the input is %s\n", input);
}

static void
on_abort(int signo)
{
	tell_input();
	signal(signo, SIG_DFL);
	raise(signo);
}

/* Exactly as long as the input, so that reading on is seen. */
static void
run(fuzzer *one)
{
	FILE *f = fopen(input, "rb");
	uint8_t *bytes;
	long n;

	cr_assert_not_null(f, "%s", input);
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	bytes = xmalloc((size_t)n + (n == 0));
	cr_assert_eq(fread(bytes, 1, (size_t)n, f), n);
	fclose(f);
	one(bytes, (size_t)n);
	free(bytes);
}

static void
replay(const char *name, fuzzer *one)
{
	const char *root = getenv("FAIRLEAD_ROOT");
	char *path = xasprintf(
	    "%s/tests/fuzz/corpus/%s", root != NULL ? root : ".", name);
	DIR *dir = opendir(path);
	const struct dirent *entry;
	unsigned n = 0;

	cr_assert_not_null(dir, "%s: no corpus", path);
	signal(SIGABRT, on_abort);
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_set_death_callback(tell_input);
#endif
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_type != DT_REG)
			continue;
		input = xasprintf("%s/%s", path, entry->d_name);
		run(one);
		free(input);
		input = NULL;
		n++;
	}
	closedir(dir);
	free(path);
	cr_assert_gt(n, 0, "%s has no inputs", name);
}

#define F(name) \
	fuzzer fuzz_##name; \
	Test(corpus, name##_holds_its_claims, .timeout = 600) \
	{ \
		replay(#name, fuzz_##name); \
	}

FUZZERS
