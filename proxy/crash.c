/*
 * Last words.  Only async-signal-safe calls, no allocation: the line is built
 * on the stack and written to descriptor 2.
 */
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "proxy/crash.h"

#include "base/text.h"
#include "proxy/version.h"
#include "proxy/worker.h"

static void die_with_words(int);
static size_t put(char *, size_t, const char *);
static size_t put_number(char *, size_t, uint64_t);

static _Thread_local struct worker *here;

void
crash_install(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	struct sigaction action = {
		.sa_handler = die_with_words,
		.sa_flags = (int)SA_RESETHAND | SA_NODEFER,
	};

	sigemptyset(&action.sa_mask);
	for (unsigned i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		sigaction(fatal[i], &action, NULL);
}

void
crash_thread(struct worker *w)
{
	here = w;
}

static void
die_with_words(int signo)
{
	char line[256];
	size_t n =
	    put(line, 0, "fairlead " VERSION " (" REVISION "): fatal signal ");

	n = put_number(line, n, (uint64_t)signo);
	if (here != NULL) {
		n = put(
		    line, n, here->is_control ? " in control" : " in worker ");
		if (!here->is_control)
			n = put_number(line, n, here->id);
		n = put(line, n, ", exchange ");
		n = put_number(line, n,
		    atomic_load_explicit(
			&here->at_exchange, memory_order_relaxed));
	}
	line[n++] = '\n';
	if (write(2, line, n) == -1)
		_exit(128 + signo);
	raise(signo);
}

static size_t
put(char *line, size_t n, const char *words)
{
	size_t more = strlen(words);

	memcpy(line + n, words, more);
	return n + more;
}

static size_t
put_number(char *line, size_t n, uint64_t value)
{
	return n + text_put_u64(line + n, value);
}
