/*
 * Bytes in and out of a connection to Consul's double, and a request read from
 * them: as much of HTTP/1.1 as its clients use, with lengths known beforehand.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/consul_conn.h"

enum { PIECE = 16384, MOST = 1 << 20 };

static bool fill(struct consul_conn *);
static char *field_of(const char *head, const char *name);
static void read_target(struct consul_request *);
static void decode(char *);
static void find_token(struct consul_request *, const char *head);

bool
consul_request_read(struct consul_conn *c, struct consul_request *r)
{
	char *head, *length;
	long end;
	size_t n;

	*r = (struct consul_request){ .token_by = "" };
	while ((end = bytes_find(&c->in, 0, "\r\n\r\n")) < 0)
		if (c->in.n > MOST || !fill(c))
			return false;
	head = keep_text(c->in.p, (size_t)end + 2);
	bytes_drop(&c->in, (size_t)end + 4);
	length = field_of(head, "Content-Length");
	n = length == NULL ? 0 : strtoul(length, NULL, 10);
	while (n < MOST && c->in.n < n && fill(c))
		;
	if (c->in.n >= n) {
		bytes_add(&r->body, c->in.p, n);
		bytes_drop(&c->in, n);
		r->method = keep_text(head, strcspn(head, " "));
		r->target = head + strlen(r->method) + 1;
		r->target = keep_text(r->target, strcspn(r->target, " \r"));
		read_target(r);
		find_token(r, head);
		r->close = strstr(head, "onnection: close") != NULL;
	}
	keep_no_more(length);
	keep_no_more(head);
	return r->method != NULL;
}

void
consul_request_free(struct consul_request *r)
{
	keep_no_more(r->method);
	keep_no_more(r->target);
	keep_no_more(r->path);
	keep_no_more(r->token);
	bytes_free(&r->body);
}

const char *
consul_request_value(
    const struct consul_request *r, const char *name, unsigned nth)
{
	for (unsigned i = 0; i < r->nparameters; i++)
		if (strcmp(r->parameters[i].name, name) == 0 && nth-- == 0)
			return r->parameters[i].value;
	return NULL;
}

bool
consul_conn_send(struct consul_conn *c, const void *p, size_t n)
{
	const char *at = p;
	ssize_t sent;

	while (n > 0) {
		sent = c->ssl != NULL
		    ? SSL_write(c->ssl, at, n < PIECE ? (int)n : PIECE)
		    : send(c->fd, at, n, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		at += sent;
		n -= (size_t)sent;
	}
	return true;
}

static bool
fill(struct consul_conn *c)
{
	char piece[PIECE];
	ssize_t n = c->ssl != NULL ? SSL_read(c->ssl, piece, PIECE)
				   : recv(c->fd, piece, PIECE, 0);

	if (n <= 0)
		return false;
	bytes_add(&c->in, piece, (size_t)n);
	return true;
}

/* A copy of its value, or NULL. */
static char *
field_of(const char *head, const char *name)
{
	const char *line = head;
	size_t n = strlen(name);

	while ((line = strstr(line, "\r\n")) != NULL) {
		line += 2;
		if (strncasecmp(line, name, n) != 0 || line[n] != ':')
			continue;
		line += n + 1;
		line += strspn(line, " ");
		return keep_text(line, strcspn(line, "\r"));
	}
	return NULL;
}

/* Its path and parameters, which stand in one copy of it. */
static void
read_target(struct consul_request *r)
{
	char *query, *one, *value;

	r->path = keep_text(r->target, strlen(r->target));
	query = strchr(r->path, '?');
	if (query != NULL)
		*query++ = '\0';
	decode(r->path);
	while ((one = strsep(&query, "&")) != NULL &&
	    r->nparameters < REQUEST_PARAMETERS) {
		value = strchr(one, '=');
		if (value != NULL)
			*value++ = '\0';
		else
			value = one + strlen(one);
		decode(one);
		decode(value);
		r->parameters[r->nparameters].name = one;
		r->parameters[r->nparameters++].value = value;
	}
}

static void
decode(char *text)
{
	char *to = text, hex[3] = "";

	for (; *text != '\0'; text++, to++) {
		*to = *text == '+' ? ' ' : *text;
		if (*text != '%' || text[1] == '\0' || text[2] == '\0')
			continue;
		memcpy(hex, text + 1, 2);
		*to = (char)strtol(hex, NULL, 16);
		text += 2;
	}
	*to = '\0';
}

static void
find_token(struct consul_request *r, const char *head)
{
	const char *parameter = consul_request_value(r, "token", 0);
	char *bearer;

	r->token_by = "X-Consul-Token";
	r->token = field_of(head, "X-Consul-Token");
	if (r->token != NULL)
		return;
	bearer = field_of(head, "Authorization");
	if (bearer != NULL && strncasecmp(bearer, "Bearer ", 7) == 0) {
		r->token_by = "Bearer";
		r->token = keep_text(bearer + 7, strlen(bearer + 7));
	} else if (parameter != NULL) {
		r->token_by = "?token=";
		r->token = keep_text(parameter, strlen(parameter));
	} else
		r->token_by = "";
	keep_no_more(bearer);
}
