/*
 * The query for health of Consul's double: it blocks as Consul does, and goes
 * wrong as the test told it to.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/consul_conn.h"
#include "tests/lib/wait.h"

enum { WAIT_DEFAULT_MS = 300000, WAIT_MOST_MS = 600000 };
enum { HUGE_PIECE = 1 << 16, HUGE_PIECES = 1024 };

static const char garbage[] = "[{\"Node\":<html>it works!</html>}]";

static bool read_query(
    const struct consul_request *, struct catalog_query *, const char **error);
static bool is_wanted(const char *value);
static bool wait_for_news(
    struct consul_conn *, const struct consul_request *, const char *name);
static int64_t wait_asked(struct consul *, const struct consul_request *);
static bool sleep_until(struct consul_conn *, int64_t moment);
static bool answer_well(struct consul_conn *, const struct consul_request *,
    struct catalog_query *);
static bool answer_badly(struct consul_conn *, enum consul_fault,
    const char *fields, const char *body);
static bool answer_half(struct consul_conn *, const char *, bool reset);
static bool answer_huge(struct consul_conn *, const char *fields);
static bool hang(struct consul_conn *);
static char *make_fields(struct consul *, const struct consul_request *,
    const char *name, bool hidden);

bool
consul_health(struct consul_conn *conn, const struct consul_request *r)
{
	struct catalog_query q = { .name = strrchr(r->path, '/') + 1 };
	struct consul *c = conn->consul;
	const char *error = NULL;
	bool there;

	pthread_mutex_lock(&c->lock);
	c->queries++;
	keep_no_more(c->last);
	c->last = keep_printf("%s %s", r->target, r->token_by);
	pthread_mutex_unlock(&c->lock);
	if (!read_query(r, &q, &error))
		return consul_answer(conn, 400, "", error);
	pthread_mutex_lock(&c->lock);
	c->waiting++;
	there = wait_for_news(conn, r, q.name);
	c->waiting--;
	pthread_mutex_unlock(&c->lock);
	return there && answer_well(conn, r, &q);
}

static bool
read_query(
    const struct consul_request *r, struct catalog_query *q, const char **error)
{
	const char *passing = consul_request_value(r, "passing", 0);
	const char *wait = consul_request_value(r, "wait", 0);
	const char *index = consul_request_value(r, "index", 0);
	char *end = NULL;

	for (unsigned i = 0; i + 1 < sizeof q->tags / sizeof *q->tags; i++)
		q->tags[i] = consul_request_value(r, "tag", i);
	q->passing = passing != NULL && is_wanted(passing);
	q->dc = consul_request_value(r, "dc", 0);
	q->near = consul_request_value(r, "near", 0);
	q->filter = consul_request_value(r, "filter", 0);
	if (consul_request_value(r, "stale", 0) != NULL &&
	    consul_request_value(r, "consistent", 0) != NULL)
		*error = "Cannot specify ?stale with ?consistent, conflicting "
			 "semantics.";
	if (wait != NULL && catalog_duration(wait) < 0)
		*error = "Invalid wait time";
	if (index != NULL && (strtoull(index, &end, 10), *end != '\0'))
		*error = "Invalid index";
	return *error == NULL;
}

/* ?passing alone is a yes. */
static bool
is_wanted(const char *value)
{
	return strcmp(value, "0") != 0 && strcasecmp(value, "false") != 0;
}

/*
 * Locked, but not while it sleeps.  An index beyond ours is waited for, too:
 * that is why a client has to begin anew after a lower one.  False when the
 * client went away.
 */
static bool
wait_for_news(
    struct consul_conn *conn, const struct consul_request *r, const char *name)
{
	const char *index = consul_request_value(r, "index", 0);
	struct consul *c = conn->consul;
	int64_t end = wait_now() + wait_asked(c, r), next;
	bool there = true;

	conn->service = name;
	conn->known = index == NULL ? 0 : strtoull(index, NULL, 10);
	conn->rewound = c->rewound;
	next = catalog_age(&c->catalog, wait_now());
	while (there && conn->known > 0 && !consul_has_news(conn) &&
	    wait_now() < end) {
		there = sleep_until(conn, next == 0 || next > end ? end : next);
		next = catalog_age(&c->catalog, wait_now());
	}
	conn->service = NULL;
	return there && !c->dead;
}

bool
consul_has_news(const struct consul_conn *conn)
{
	const struct consul *c = conn->consul;

	return conn->service == NULL || c->fault != CONSUL_WELL ||
	    conn->rewound != c->rewound || c->dead ||
	    catalog_index(&c->catalog, conn->service) > conn->known;
}

/* With up to a sixteenth more, so that not all come back at once. */
static int64_t
wait_asked(struct consul *c, const struct consul_request *r)
{
	const char *asked = consul_request_value(r, "wait", 0);
	int64_t ms = asked == NULL ? 0 : catalog_duration(asked);

	if (ms == 0)
		ms = WAIT_DEFAULT_MS;
	if (ms > WAIT_MOST_MS)
		ms = WAIT_MOST_MS;
	c->random = c->random * 1103515245u + 12345u;
	return ms + (int64_t)(c->random >> 16) % (ms / 16 + 1);
}

/* Or until a write; false when the client went away. */
static bool
sleep_until(struct consul_conn *conn, int64_t moment)
{
	struct pollfd fds[2] = { { .fd = conn->fd, .events = POLLRDHUP },
		{ .fd = conn->wakeup, .events = POLLIN } };
	uint64_t rung;

	pthread_mutex_unlock(&conn->consul->lock);
	poll(fds, 2, wait_left(moment));
	if (fds[1].revents != 0)
		(void)!read(conn->wakeup, &rung, sizeof rung);
	pthread_mutex_lock(&conn->consul->lock);
	return fds[0].revents == 0;
}

static bool
answer_well(struct consul_conn *conn, const struct consul_request *r,
    struct catalog_query *q)
{
	struct consul *c = conn->consul;
	enum consul_fault fault;
	char *fields, *body;
	json_t *found;
	bool hidden, ok;

	pthread_mutex_lock(&c->lock);
	/* Without a token one sees what everyone may see: nothing. */
	hidden = c->options.token != NULL && r->token == NULL;
	found = catalog_find(&c->catalog, q);
	fields = make_fields(c, r, q->name, hidden);
	fault = c->fault;
	if (found != NULL && (hidden || fault == CONSUL_EMPTY))
		json_array_clear(found);
	body = found == NULL ? NULL : json_dumps(found, JSON_COMPACT);
	json_decref(found);
	pthread_mutex_unlock(&c->lock);
	if (body == NULL)
		ok = consul_answer(conn, q->status, "", q->error);
	else
		ok = answer_badly(conn, fault, fields, body);
	keep_no_more(fields);
	free(body);
	return ok;
}

static bool
answer_badly(struct consul_conn *conn, enum consul_fault fault,
    const char *fields, const char *body)
{
	switch (fault) {
	case CONSUL_ERROR:
		return consul_answer(
		    conn, 500, "", "rpc error: No cluster leader");
	case CONSUL_BUSY:
		return consul_answer(conn, 429, "", "rate limit exceeded");
	case CONSUL_HANG:
		return hang(conn);
	case CONSUL_HALF:
	case CONSUL_RESET:
		return answer_half(conn, body, fault == CONSUL_RESET);
	case CONSUL_GARBAGE:
		return consul_answer(conn, 200, fields, garbage);
	case CONSUL_HUGE:
		return answer_huge(conn, fields);
	default:
		return consul_answer(conn, 200, fields, body);
	}
}

static bool
answer_half(struct consul_conn *conn, const char *body, bool reset)
{
	static const struct linger at_once = { .l_onoff = 1 };
	char *half = keep_printf("HTTP/1.1 200 OK\r\n"
				 "Content-Type: application/json\r\n"
				 "X-Consul-Index: 99\r\n"
				 "Content-Length: %zu\r\n\r\n%.*s",
	    strlen(body), (int)strlen(body) / 2, body);

	(void)consul_conn_send(conn, half, strlen(half));
	keep_no_more(half);
	if (reset)
		setsockopt(
		    conn->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	return false;
}

/* JSON, an empty list in the end, but much of it. */
static bool
answer_huge(struct consul_conn *conn, const char *fields)
{
	char piece[HUGE_PIECE];
	char *head = keep_printf("HTTP/1.1 200 OK\r\n"
				 "Content-Type: application/json\r\n%s"
				 "Content-Length: %zu\r\n\r\n[",
	    fields, 2 + sizeof piece * HUGE_PIECES);
	bool ok = consul_conn_send(conn, head, strlen(head));

	keep_no_more(head);
	memset(piece, ' ', sizeof piece);
	for (unsigned i = 0; i < HUGE_PIECES && ok; i++)
		ok = consul_conn_send(conn, piece, sizeof piece);
	return ok && consul_conn_send(conn, "]", 1);
}

/* For as long as the fault lasts. */
static bool
hang(struct consul_conn *conn)
{
	struct consul *c = conn->consul;

	pthread_mutex_lock(&c->lock);
	while (c->fault == CONSUL_HANG && !c->dead &&
	    sleep_until(conn, wait_now() + WAIT_MOST_MS))
		;
	pthread_mutex_unlock(&c->lock);
	return false;
}

static char *
make_fields(struct consul *c, const struct consul_request *r, const char *name,
    bool hidden)
{
	bool stale = consul_request_value(r, "stale", 0) != NULL;
	bool consistent = consul_request_value(r, "consistent", 0) != NULL;
	uint64_t index = catalog_index(&c->catalog, name);
	char *line = c->fault == CONSUL_NO_INDEX
	    ? keep_printf("%s", "")
	    : keep_printf("X-Consul-Index: %llu\r\n",
		  c->fault == CONSUL_INDEX_ZERO ? 0ull
						: (unsigned long long)index);
	char *fields = keep_printf(
	    "%sX-Consul-Knownleader: true\r\nX-Consul-Lastcontact: %d\r\n"
	    "X-Consul-Effective-Consistency: %s\r\n"
	    "X-Consul-Query-Backend: blocking-query\r\n%s",
	    line, stale ? 7 : 0,
	    stale	     ? "stale"
		: consistent ? "consistent"
			     : "leader",
	    hidden ? "X-Consul-Results-Filtered-By-Acls: true\r\n" : "");

	keep_no_more(line);
	return fields;
}
