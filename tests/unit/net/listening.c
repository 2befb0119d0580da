/* Sockets that listen, and what became of the attempt. */
#include "tests/unit/net/listening.h"

#include <sys/socket.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int fds[WORKERS];
struct addr real;
struct listen_error refusal;

struct endpoint
endpoint(const char *text)
{
	struct endpoint at;
	const char *why;

	cr_assert_eq(endpoint_parse(text_of(text), &at, &why), 0);
	return at;
}

int
prepare(const char *text, unsigned n)
{
	struct endpoint at = endpoint(text);

	memset(&refusal, 0, sizeof(refusal));
	return listen_prepare(&at, fds, n, &real, &refusal);
}

int
client(const struct addr *to)
{
	int fd = socket(to->u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, &to->u.sa, to->len) == 0)
		return fd;
	close(fd);
	return -1;
}

int
option(int fd, int name)
{
	int value = -1;
	socklen_t n = sizeof(value);

	getsockopt(fd, SOL_SOCKET, name, &value, &n);
	return value;
}

void
is_refused_with(const char *address, pid_t holder)
{
	char text[sizeof(refusal.text)];

	snprintf(text, sizeof(text),
	    "cannot listen on %s: in use by process %d", address, (int)holder);
	cr_assert_str_eq(refusal.text, text);
	for (unsigned i = 0; i < WORKERS; i++)
		cr_assert_eq(fds[i], -1);
}

int
again(const struct endpoint *at, unsigned n)
{
	return listen_again(at, fds, n, &real, &refusal);
}
