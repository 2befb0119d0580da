/*
 * Checks of what Consul's agent is asked with.  The token's file is read here,
 * so that a reload finds a faulty one before it changes anything, and no
 * thread that serves has to read it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "conf/check.h"

#define TOKEN_BYTES_MOST 4096

static void
check_token(struct check *, struct conf_consul *, struct conf_node *);
static const char *read_token(struct check *, struct conf_consul *);
static bool is_token(const char *);
static void
check_tls(struct check *, const struct conf_consul *, const struct conf_node *);

void
check_consul(struct check *x, struct conf_consul *c, struct conf_node *n)
{
	if (n == NULL || n->kind != NODE_MAP)
		return;
	check_token(x, c, n);
	check_tls(x, c, n);
}

static void
check_token(struct check *x, struct conf_consul *c, struct conf_node *n)
{
	struct conf_node *file = node_get(n, "token_file");
	const char *why;

	if (c->token != NULL && c->token_file != NULL)
		check_fault(x, file, "leave one of them out",
		    "discovery.consul has both token and token_file");
	else if (c->token_file != NULL && (why = read_token(x, c)) != NULL)
		check_fault(x, file, NULL,
		    "discovery.consul.token_file: cannot read '%.200s': %s",
		    c->token_file, why);
	else if (c->token != NULL && !is_token(c->token))
		check_fault(x, file != NULL ? file : node_get(n, "token"),
		    "a token has no spaces and no line ends",
		    "discovery.consul.token%s: this is no token",
		    file != NULL ? "_file" : "");
}

/* What is wrong, or NULL with the token. */
static const char *
read_token(struct check *x, struct conf_consul *c)
{
	char bytes[TOKEN_BYTES_MOST + 1];
	ssize_t n;
	int fd;

	fd = open(c->token_file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return strerror(errno);
	n = read(fd, bytes, sizeof(bytes));
	if (n == (ssize_t)sizeof(bytes)) {
		n = -1;
		errno = EFBIG;
	}
	close(fd);
	if (n == -1)
		return strerror(errno);
	while (n > 0 && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r'))
		n--;
	c->token =
	    arena_copy(&x->conf->arena, (struct text){ bytes, (size_t)n }).p;
	return strlen(c->token) == (size_t)n ? NULL : "there is a NUL in it";
}

static bool
is_token(const char *token)
{
	const char *p = token;

	while (*p > ' ' && *p < 0x7f)
		p++;
	return p > token && *p == '\0';
}

static void
check_tls(
    struct check *x, const struct conf_consul *c, const struct conf_node *n)
{
	static const char *const names[] = { "ca", "cert", "key" };
	const char *const paths[] = { c->ca, c->cert, c->key };

	for (unsigned i = 0; i < 3; i++)
		if (paths[i] != NULL && c->url.text != NULL && !c->url.tls)
			check_fault(x, node_get(n, names[i]),
			    "write url: https://...",
			    "discovery.consul.%s: this means nothing without "
			    "https",
			    names[i]);
	if (c->cert != NULL && node_get(n, "key") == NULL)
		check_fault(x, node_get(n, "cert"), "name its key as well",
		    "discovery.consul.cert has no key");
	if (c->key != NULL && node_get(n, "cert") == NULL)
		check_fault(x, node_get(n, "key"), "name its cert as well",
		    "discovery.consul.key has no cert");
}
