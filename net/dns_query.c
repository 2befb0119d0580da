/*
 * Questions that getaddrinfo knows nothing of.  c-ares asks, repeats, turns to
 * the next server and to TCP; what comes is read by net/dns_message.  Control
 * thread.
 */
#include <ares.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "net/dns_query.h"

#include "base/container.h"
#include "base/mem.h"
#include "net/dns_channel.h"
#include "net/loop.h"
#include "net/resolve.h"

struct dns_query {
	struct again ready;
	struct loop *loop;
	void (*done)(void *, struct dns_reply *); /* NULL: cancelled */
	void *arg;
	char *name; /* as records have it */
	enum dns_type type;
	bool asking; /* c-ares will call back */
	struct dns_message message;
	struct dns_reply reply;
};

static char *name_of(const char *);
static void
on_bytes(void *, int status, int timeouts, unsigned char *, int length);
static void take_failure(struct dns_query *, int status);
static void take_bytes(struct dns_query *, const uint8_t *, size_t);
static void on_answered(struct again *);
static void query_free(struct dns_query *);

struct dns_query *
dns_query_start(struct resolver *r, const char *name, enum dns_type type,
    void (*done)(void *, struct dns_reply *), void *arg)
{
	struct dns_query *q = xcalloc(1, sizeof(*q));
	struct dns_channel *ch = resolver_channel(r);

	q->loop = resolver_loop(r);
	q->done = done;
	q->arg = arg;
	q->name = name_of(name);
	q->type = type;
	q->ready.run = on_answered;
	q->asking = true;
	if (ch != NULL)
		dns_channel_query(ch, name, (int)type, on_bytes, q);
	else
		on_bytes(q, ARES_ENOTINITIALIZED, 0, NULL, 0);
	return q;
}

void
dns_query_cancel(struct dns_query *q)
{
	q->done = NULL;
	if (q->asking)
		return; /* c-ares cannot forget a query: freed at its end */
	loop_again_cancel(q->loop, &q->ready);
	query_free(q);
}

static char *
name_of(const char *name)
{
	size_t n = strlen(name);
	char *copy = xstrndup(name, n > 0 && name[n - 1] == '.' ? n - 1 : n);

	text_fold(copy, strlen(copy));
	return copy;
}

/* Nobody is called from under c-ares, nor before dns_query_start returned. */
static void
on_bytes(void *arg, int status, int timeouts, unsigned char *bytes, int n)
{
	struct dns_query *q = arg;

	(void)timeouts;
	q->asking = false;
	if (q->done == NULL) {
		query_free(q);
		return;
	}
	if (status != ARES_SUCCESS)
		take_failure(q, status);
	if (bytes != NULL && q->reply.outcome <= REPLY_NOTHING)
		take_bytes(q, bytes, (size_t)n);
	loop_again(q->loop, &q->ready);
}

static void
take_failure(struct dns_query *q, int status)
{
	q->reply.error = status == ARES_ENODATA ? "the name has no such record"
						: dns_status_words(status);
	switch (status) {
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
		q->reply.outcome = REPLY_NOTHING;
		break;
	case ARES_ESERVFAIL:
	case ARES_EREFUSED:
	case ARES_ENOTIMP:
		q->reply.outcome = REPLY_REFUSED;
		break;
	case ARES_EBADRESP:
	case ARES_EFORMERR:
	case ARES_EBADNAME:
		q->reply.outcome = REPLY_INVALID;
		break;
	default:
		q->reply.outcome = REPLY_SILENT;
	}
}

/* That there is nothing stays true if the rest of the message is broken. */
static void
take_bytes(struct dns_query *q, const uint8_t *bytes, size_t n)
{
	struct dns_reply *reply = &q->reply;
	const char *why;

	if (!dns_message_read(&q->message, bytes, n, &why)) {
		if (reply->outcome == REPLY_NOTHING)
			return;
		reply->outcome = REPLY_INVALID;
		reply->error = why;
		return;
	}
	reply->nothing_ttl_s = q->message.nothing_ttl_s;
	if (reply->outcome == REPLY_NOTHING)
		return;
	reply->message = &q->message;
	dns_message_find(&q->message, q->name, q->type, &reply->records);
	if (reply->records.n > 0)
		return;
	reply->outcome = REPLY_NOTHING;
	reply->error = "the name has no such record";
}

static void
on_answered(struct again *ready)
{
	struct dns_query *q = CONTAINER_OF(ready, struct dns_query, ready);

	q->done(q->arg, &q->reply);
	query_free(q);
}

static void
query_free(struct dns_query *q)
{
	dns_message_fini(&q->message);
	free(q->name);
	free(q);
}
