/* Who watches a run from outside the proxy; see witness.h. */
#include "tests/fuzz/lib/witness.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "http/h1_private.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "tests/fuzz/lib/kernel.h"

#define CONNECTIONS KERNEL_SOCKETS

void __real_exchange_new(
    struct client *, struct stream *, struct head *, bool, enum end);
void __wrap_exchange_new(
    struct client *, struct stream *, struct head *, bool, enum end);
void __real_exchange_end(struct exchange *);
void __wrap_exchange_end(struct exchange *);
void __real_h1_open_tunnel(struct h1 *);
void __wrap_h1_open_tunnel(struct h1 *);

static char key[10]; /* of this run's tags, so that no input can know it */
static struct errand errands[WITNESS_TAGS];
static unsigned nerrands;
static struct down downs[CONNECTIONS];
static struct up ups[CONNECTIONS];
static unsigned ndowns, nups;

/* ---- tags ------------------------------------------------------------------ */

static size_t
print_tag(char to[WITNESS_TAG], char who, unsigned tag)
{
	int n = snprintf(to, WITNESS_TAG, "%c%s-%04u", who, key, tag);

	assert(n == WITNESS_TAG - 1);
	return (size_t)n;
}

/* The number in a tag that `t' begins with; -1: it is none. */
static int
read_tag(struct text t, char who)
{
	uint64_t number;

	if (t.n < WITNESS_TAG - 1 || t.p[0] != who ||
	    memcmp(t.p + 1, key, strlen(key)) != 0 ||
	    t.p[1 + strlen(key)] != '-')
		return -1;
	t = (struct text){ t.p + WITNESS_TAG - 5, 4 };
	return text_to_u64(t, FIRST_WORD, &number) ? (int)number : -1;
}

static unsigned
tag_of_field(struct text value)
{
	int tag = value.n == WITNESS_TAG - 1 ? read_tag(value, 'c') : -1;

	return tag > 0 && (unsigned)tag <= nerrands ? (unsigned)tag : 0;
}

size_t
witness_new_tag(char to[WITNESS_TAG])
{
	if (nerrands + 1 == WITNESS_TAGS)
		return 0;
	return print_tag(to, 'c', ++nerrands);
}

size_t
witness_last_tag(char to[WITNESS_TAG])
{
	return print_tag(to, 'c', nerrands);
}

size_t
witness_tag(const struct up *u, char to[WITNESS_TAG])
{
	return print_tag(
	    to, 's', u->nturns == 0 ? FIRST_WORD : u->turns[u->nturns - 1].tag);
}

/* ---- bodies ---------------------------------------------------------------- */

static void
body_add(struct body *b, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		b->hash = (b->hash ^ (unsigned char)p[i]) * 0x100000001b3;
	b->n += n;
}

static bool
is_same(const struct body *a, const struct body *b)
{
	return a->whole && b->whole && a->n == b->n && a->hash == b->hash;
}

static const struct body begun = { .known = true };

/* ---- a client: what it says -------------------------------------------------- */

static enum strict_body
down_says_head(struct strict *s)
{
	struct down *d = s->arg;

	d->saying = tag_of_field(strict_field(s->head, TEXT("Tag")));
	if (d->saying != 0)
		errands[d->saying].sent = begun;
	return STRICT_AS_SAID;
}

static void
down_says_body(struct strict *s, const char *p, size_t n)
{
	const struct down *d = s->arg;

	body_add(&errands[d->saying].sent, p, n);
}

static void
down_says_end(struct strict *s)
{
	const struct down *d = s->arg;

	errands[d->saying].sent.whole = true;
	errands[d->saying].sent_to = s->fed;
}

static const struct strict_ops down_says = {
	.head = down_says_head,
	.body = down_says_body,
	.end = down_says_end,
};

void
witness_down_says(struct down *d, const char *p, size_t n)
{
	strict_feed(&d->says, p, n);
	if (d->says.state == STRICT_LOST && !errands[d->saying].sent.whole)
		errands[d->saying].sent.known = false;
}

static bool
opens_tunnel(const struct strict *s, const struct turn *turn)
{
	return s->status == 101 || (turn->connect && s->status / 100 == 2);
}

/* ---- a client: what it hears ------------------------------------------------- */

/* Each tag of a server in what a client hears is that of its request. */
static void
look_for_tags(struct down *d, const char *p, size_t n)
{
	const struct turn *turn = &d->turns[d->answers];
	const char *at = p, *end = p + n;

	while ((at = memchr(at, 's', (size_t)(end - at))) != NULL) {
		int tag =
		    read_tag((struct text){ at, (size_t)(end - at) }, 's');

		assert(tag == -1 || tag == FIRST_WORD ||
		    (unsigned)tag == turn->tag);
		d->tagged = d->tagged || (tag != -1 && tag != FIRST_WORD);
		at++;
	}
}

/* The same over the seam between two pieces. */
static void
look_on(struct down *d, const char *p, size_t n)
{
	char seam[2 * WITNESS_TAG];
	size_t begin = n < WITNESS_TAG ? n : WITNESS_TAG;
	size_t all = d->ntail + begin;

	memcpy(seam, d->tail, d->ntail);
	memcpy(seam + d->ntail, p, begin);
	look_for_tags(d, seam, all);
	look_for_tags(d, p, n);
	d->ntail = all < WITNESS_TAG - 1 ? all : WITNESS_TAG - 1;
	if (n < d->ntail)
		memcpy(d->tail, seam + all - d->ntail, d->ntail);
	else
		memcpy(d->tail, p + n - d->ntail, d->ntail);
}

/* The next bytes of a tunnel are the next that its other end has said. */
static void
look_through(const struct sock *from, size_t *at, const char *p, size_t n)
{
	assert(*at + n <= from->in_n);
	assert(memcmp(from->in + *at, p, n) == 0);
	*at += n;
}

/* The server may hear of its tunnel before the client hears that it is one. */
static void
look_back(const struct up *u)
{
	struct body said = begun;
	const struct sock *from = u->tunnel->sock;
	size_t *at = &u->tunnel->tunnel_at;

	assert(*at + u->body.n <= from->in_n);
	body_add(&said, from->in + *at, u->body.n);
	assert(said.hash == u->body.hash);
	*at += u->body.n;
}

/* Which two ends the tunnel of that request has. */
static void
find_tunnel(struct down *d, unsigned tag)
{
	const struct errand *e = &errands[tag];

	for (unsigned i = 0; tag != 0 && i < nups; i++) {
		struct up *u = &ups[i];

		if (u->nturns == 0 || u->turns[u->nturns - 1].tag != tag ||
		    u->says.state != STRICT_TUNNEL)
			continue;
		d->tunnel = u;
		if (!e->sent.known || !e->sent.whole)
			continue;
		u->tunnel = d;
		d->tunnel_at = e->sent_to;
		look_back(u);
	}
}

static enum strict_body
down_hears_head(struct strict *s)
{
	struct down *d = s->arg;
	const struct turn *turn = &d->turns[d->answers];

	assert(d->answers < d->nturns);
	d->body = begun;
	d->tagged = false;
	d->ntail = 0;
	look_for_tags(d, s->head.p, s->head.n);
	if (opens_tunnel(s, turn)) {
		find_tunnel(d, turn->tag);
		return STRICT_UPGRADED;
	}
	return turn->head_request ? STRICT_NO_BODY : STRICT_AS_SAID;
}

static void
down_hears_body(struct strict *s, const char *p, size_t n)
{
	struct down *d = s->arg;

	body_add(&d->body, p, n);
	look_on(d, p, n);
	if (d->tunnel != NULL)
		look_through(d->tunnel->sock, &d->tunnel->tunnel_at, p, n);
}

/* Some server's answer to that request has this very body, or cannot be read. */
static bool
has_come_from_a_server(unsigned tag, const struct body *body)
{
	for (unsigned i = 0; i < nups; i++)
		for (unsigned k = 0; k < ups[i].nturns; k++) {
			const struct body *answer = &ups[i].answers[k];

			if (ups[i].turns[k].tag == tag &&
			    (!answer->known || is_same(answer, body)))
				return true;
		}
	return false;
}

static void
down_hears_end(struct strict *s)
{
	struct down *d = s->arg;
	unsigned tag = d->turns[d->answers].tag;

	if (s->status < 200)
		return;
	d->body.whole = true;
	if (d->tagged && tag != 0)
		assert(has_come_from_a_server(tag, &d->body));
	d->answers++;
}

static const struct strict_ops down_hears = {
	.head = down_hears_head,
	.body = down_hears_body,
	.end = down_hears_end,
};

struct down *
witness_down(void)
{
	struct down *d;
	int fd;

	if (ndowns == CONNECTIONS)
		return NULL;
	d = &downs[ndowns];
	fd = kernel_accepted(d);
	if (fd == -1)
		return NULL;
	ndowns++;
	*d = (struct down){ .sock = kernel_sock(fd) };
	strict_init(&d->says, false, &down_says, d);
	strict_init(&d->hears, true, &down_hears, d);
	return d;
}

/* ---- a server ---------------------------------------------------------------- */

static struct body *
answer_of(struct up *u)
{
	return &u->answers[u->nturns - 1];
}

static enum strict_body
up_hears_head(struct strict *s)
{
	struct up *u = s->arg;
	unsigned tag = tag_of_field(strict_field(s->head, TEXT("Tag")));

	assert(tag == 0 || (errands[tag].accepted && !errands[tag].refused));
	assert(u->nturns < UP_TURNS && !u->spoilt);
	assert(u->nturns == 0 || !answer_of(u)->known || answer_of(u)->whole);
	u->turns[u->nturns++] = (struct turn){
		.tag = tag,
		.head_request = text_starts(s->head, TEXT("HEAD ")),
		.connect = text_starts(s->head, TEXT("CONNECT ")),
	};
	u->body = begun;
	u->answered = false;
	return STRICT_AS_SAID;
}

static void
up_hears_body(struct strict *s, const char *p, size_t n)
{
	struct up *u = s->arg;

	body_add(&u->body, p, n);
	if (s->state == STRICT_TUNNEL && u->tunnel != NULL)
		look_through(u->tunnel->sock, &u->tunnel->tunnel_at, p, n);
}

static void
up_hears_end(struct strict *s)
{
	struct up *u = s->arg;
	struct errand *e = &errands[u->turns[u->nturns - 1].tag];

	u->body.whole = true;
	if (e == &errands[0])
		return;
	assert(!e->sent.known || is_same(&e->sent, &u->body));
	assert(!e->over || e->read_whole);
	e->arrived_whole = true;
}

static const struct strict_ops up_hears = {
	.head = up_hears_head,
	.body = up_hears_body,
	.end = up_hears_end,
};

/* Its request is whole: what it hears from here on is no message. */
static void
becomes_tunnel(struct up *u)
{
	assert(
	    u->nturns > 0 && u->hears.state == STRICT_HEAD && u->hears.n == 0);
	u->hears.state = STRICT_TUNNEL;
	u->body = begun;
}

/* Only the first final answer to a request is one. */
static enum strict_body
up_says_head(struct strict *s)
{
	struct up *u = s->arg;

	if (u->nturns == 0 || u->answered)
		return STRICT_UNWANTED;
	if (opens_tunnel(s, &u->turns[u->nturns - 1])) {
		if (u->hears.state == STRICT_HEAD && u->hears.n == 0)
			becomes_tunnel(u);
		u->tunnel_at = s->fed;
		return STRICT_UPGRADED;
	}
	if (s->status >= 200) {
		u->answered = true;
		*answer_of(u) = begun;
		/* whatever it holds is not passed on */
		answer_of(u)->known = s->status != 205;
		if (u->turns[u->nturns - 1].head_request)
			return STRICT_NO_BODY;
	}
	return STRICT_AS_SAID;
}

static void
up_says_body(struct strict *s, const char *p, size_t n)
{
	if (s->state == STRICT_TUNNEL)
		return;
	body_add(answer_of(s->arg), p, n);
}

static void
up_says_end(struct strict *s)
{
	if (s->status >= 200)
		answer_of(s->arg)->whole = true;
}

static const struct strict_ops up_says = {
	.head = up_says_head,
	.body = up_says_body,
	.end = up_says_end,
};

void
witness_up_says(struct up *u, const char *p, size_t n)
{
	bool was_lost = u->says.state == STRICT_LOST;

	u->spoilt = u->spoilt || (witness_is_idle(u) && n > 0);
	strict_feed(&u->says, p, n);
	/* What is left behind the answer, whatever it is. */
	if (!was_lost && u->answered && answer_of(u)->whole &&
	    (u->says.n > 0 || u->says.state != STRICT_HEAD))
		u->spoilt = true;
	if (u->says.state == STRICT_LOST && u->nturns > 0 &&
	    !answer_of(u)->whole)
		answer_of(u)->known = false;
}

void
witness_up_ends(struct up *u)
{
	if (u->says.state == STRICT_CLOSE)
		strict_finish(&u->says);
}

struct up *
witness_up(unsigned n)
{
	for (unsigned i = 0; i < nups; i++)
		if (ups[i].sock->is_open && n-- == 0)
			return &ups[i];
	return NULL;
}

bool
witness_is_idle(const struct up *u)
{
	return u->nturns == 0 ||
	    (u->answered && u->answers[u->nturns - 1].whole);
}

/* ---- the kernel tells --------------------------------------------------------- */

static void
on_opened(struct sock *sock)
{
	struct up *u = &ups[nups++];

	assert(nups <= CONNECTIONS);
	*u = (struct up){ .sock = sock };
	strict_init(&u->says, true, &up_says, u);
	strict_init(&u->hears, false, &up_hears, u);
	sock->peer = u;
}

static void
on_sent(struct sock *sock, const char *p, size_t n)
{
	struct down *d = sock->peer;
	struct up *u = sock->peer;
	struct strict *s = sock->accepted ? &d->hears : &u->hears;

	strict_feed(s, p, n);
	if (s->state == STRICT_LOST)
		fprintf(stderr, "not canonical, %s: %.*s\n", s->why, (int)s->n,
		    s->line);
	assert(s->state != STRICT_LOST);
}

/* A FIN says that all is there, an RST does not. */
static void
on_ended(struct sock *sock, bool reset)
{
	struct down *d = sock->peer;

	if (sock->accepted && !reset)
		strict_finish(&d->hears);
}

const struct kernel_ops witness_ops = {
	.opened = on_opened,
	.sent = on_sent,
	.ended = on_ended,
};

/* ---- the proxy tells ----------------------------------------------------------- */

static struct down *
down_of(const struct client *c)
{
	return kernel_sock(c->conn.fd)->peer;
}

/* Which request comes next on which connection. */
void
__wrap_exchange_new(struct client *c, struct stream *s, struct head *head,
    bool last, enum end why)
{
	struct down *d = down_of(c);
	const struct field *f = fields_find_name(&head->fields, TEXT("Tag"));
	unsigned tag =
	    f == NULL || f->token == TOKEN_NONE ? 0 : tag_of_field(f->value);

	assert(d->nturns < DOWN_TURNS && d->answers == d->nturns);
	d->client = c;
	d->turns[d->nturns++] = (struct turn){
		.tag = why == END_NONE ? tag : 0,
		.head_request = head->method == METHOD_HEAD,
		.connect = head->method == METHOD_CONNECT,
	};
	errands[tag].accepted |= why == END_NONE;
	errands[tag].refused |= why != END_NONE;
	__real_exchange_new(c, s, head, last, why);
}

void
__wrap_exchange_end(struct exchange *x)
{
	struct down *d = NULL;
	struct errand *e;

	for (unsigned i = 0; i < ndowns; i++)
		if (downs[i].client == x->client)
			d = &downs[i];
	assert(d != NULL && d->nturns > 0);
	e = &errands[d->turns[d->nturns - 1].tag];
	e->over = true;
	e->read_whole = x->request_done;
	if (e != &errands[0] && x->phase != PHASE_TUNNEL)
		assert(e->read_whole || !e->arrived_whole);
	__real_exchange_end(x);
}

/* The witness cannot tell when the answer that opens it is not canonical. */
void
__wrap_h1_open_tunnel(struct h1 *h)
{
	struct up *u = kernel_sock(h->conn->fd)->peer;

	if (h->client != NULL && u->hears.state != STRICT_TUNNEL)
		becomes_tunnel(u);
	__real_h1_open_tunnel(h);
}

/* ---- a run ---------------------------------------------------------------------- */

void
witness_begin(uint64_t seed)
{
	snprintf(key, sizeof(key), "%09llx",
	    (unsigned long long)(hash_mix(seed) & 0xfffffffffull));
	memset(errands, 0, sizeof(errands));
	nerrands = ndowns = nups = 0;
}

void
witness_end(void)
{
	for (unsigned i = 0; i < ndowns; i++) {
		strict_fini(&downs[i].says);
		strict_fini(&downs[i].hears);
	}
	for (unsigned i = 0; i < nups; i++) {
		strict_fini(&ups[i].says);
		strict_fini(&ups[i].hears);
	}
}
