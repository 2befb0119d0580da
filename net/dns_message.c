/*
 * The answer of a DNS server, from bytes that anybody may have sent.  c-ares
 * expands names, which is where loops are; everything else is four counts and
 * lengths that must fit.  Its own parsers are not used: that of SRV has no
 * times to live.  Pure.
 */
#include <ares.h>

#include <stdlib.h>
#include <string.h>

#include "net/dns_message.h"

enum { HEADER = 12, FIXED = 10, QUESTION = 4, SRV_FIXED = 6, SOA_FIXED = 20 };
enum { CLASS_IN = 1, ALIASES_MOST = 16 };

/* A reading position; `why' is set as soon as something is wrong. */
struct reader {
	struct dns_message *message;
	const uint8_t *bytes;
	size_t n, at;
	const char *why;
};

/* What stands before the data of a record. */
struct prefix {
	const char *name;
	unsigned type, class;
	uint32_t ttl_s;
	size_t end; /* of its data */
};

static void read_records(struct reader *, unsigned, bool answer, bool more);
static bool read_prefix(struct reader *, struct prefix *);
static void read_data(struct reader *, const struct prefix *, bool additional);
static void read_address(struct reader *, struct dns_record *, size_t);
static void read_srv(struct reader *, struct dns_record *, size_t);
static void read_soa(struct reader *, const struct prefix *);
static const char *read_name(struct reader *);
static bool has(struct reader *, size_t);
static unsigned get16(struct reader *);
static uint32_t get32(struct reader *);
static void wrong(struct reader *, const char *);

bool
dns_message_read(
    struct dns_message *m, const uint8_t *bytes, size_t n, const char **why)
{
	struct reader r = { .message = m, .bytes = bytes, .n = n, .at = 4 };
	unsigned questions, answers, authorities, additionals;

	*m = (struct dns_message){ 0 };
	if (!has(&r, HEADER - r.at)) {
		*why = r.why;
		return false;
	}
	questions = get16(&r);
	answers = get16(&r);
	authorities = get16(&r);
	additionals = get16(&r);
	if (answers + authorities + additionals > DNS_RECORDS_MOST) {
		*why = "it has more records than are taken";
		return false;
	}
	m->v = arena_zalloc(
	    &m->arena, (answers + additionals + 1) * sizeof(*m->v));
	while (questions-- > 0 && read_name(&r) != NULL && has(&r, QUESTION))
		r.at += QUESTION;
	read_records(&r, answers, true, false);
	read_records(&r, authorities, false, false);
	read_records(&r, additionals, false, true);
	*why = r.why;
	return r.why == NULL;
}

void
dns_message_fini(struct dns_message *m)
{
	arena_fini(&m->arena);
}

/* An alias may stand before or after what it leads to. */
void
dns_message_find(struct dns_message *m, const char *name, enum dns_type type,
    struct dns_records *found)
{
	const struct dns_record *r, *alias = NULL;
	unsigned aliases = 0;

	*found = (struct dns_records){ .ttl_s = UINT32_MAX };
	found->v = arena_alloc(&m->arena, (m->n + 1) * sizeof(*found->v));
	do {
		alias = NULL;
		for (r = m->v; r < m->v + m->n; r++) {
			if (r->additional || strcmp(r->name, name) != 0)
				continue;
			if (r->type == type)
				found->v[found->n++] = r;
			else if (r->type == DNS_CNAME)
				alias = r;
			else
				continue;
			if (r->ttl_s < found->ttl_s)
				found->ttl_s = r->ttl_s;
		}
		name = alias != NULL ? alias->target : name;
	} while (found->n == 0 && alias != NULL && ++aliases < ALIASES_MOST);
}

/* Of authorities only the SOA counts, which tells how long there is nothing. */
static void
read_records(struct reader *r, unsigned n, bool answer, bool more)
{
	struct prefix p;

	while (n-- > 0 && r->why == NULL && read_prefix(r, &p)) {
		if (p.class == CLASS_IN && (answer || more))
			read_data(r, &p, more);
		else if (p.class == CLASS_IN && p.type == DNS_SOA)
			read_soa(r, &p);
		r->at = p.end;
	}
}

/* A time to live with its highest bit set is none (RFC 2181, 8). */
static bool
read_prefix(struct reader *r, struct prefix *p)
{
	unsigned length;

	p->name = read_name(r);
	if (p->name == NULL || !has(r, FIXED))
		return false;
	p->type = get16(r);
	p->class = get16(r);
	p->ttl_s = get32(r);
	if (p->ttl_s > INT32_MAX)
		p->ttl_s = 0;
	length = get16(r);
	p->end = r->at + length;
	return has(r, length);
}

static void
read_data(struct reader *r, const struct prefix *p, bool additional)
{
	struct dns_record *to = &r->message->v[r->message->n];

	*to = (struct dns_record){
		.name = p->name,
		.type = p->type,
		.additional = additional,
		.ttl_s = p->ttl_s,
	};
	if (p->type == DNS_A || p->type == DNS_AAAA)
		read_address(r, to, p->end - r->at);
	else if (p->type == DNS_SRV)
		read_srv(r, to, p->end);
	else if (p->type == DNS_CNAME) {
		to->target = read_name(r);
		if (r->at != p->end)
			wrong(r, "an alias has another length than it says");
	} else
		return;
	if (r->why == NULL)
		r->message->n++;
}

/* Unused bytes are zero: addresses are compared byte by byte. */
static void
read_address(struct reader *r, struct dns_record *to, size_t length)
{
	struct addr *a = &to->addr;
	const uint8_t *bytes = r->bytes + r->at;

	if (to->type == DNS_A && length == sizeof(a->u.in.sin_addr)) {
		a->len = sizeof(a->u.in);
		a->u.in.sin_family = AF_INET;
		memcpy(&a->u.in.sin_addr, bytes, length);
	} else if (to->type == DNS_AAAA &&
	    length == sizeof(a->u.in6.sin6_addr)) {
		a->len = sizeof(a->u.in6);
		a->u.in6.sin6_family = AF_INET6;
		memcpy(&a->u.in6.sin6_addr, bytes, length);
	} else
		wrong(r, "an address has another length than it should");
}

static void
read_srv(struct reader *r, struct dns_record *to, size_t end)
{
	if (end - r->at < SRV_FIXED) {
		wrong(r, "an SRV record is too short");
		return;
	}
	to->priority = (uint16_t)get16(r);
	to->weight = (uint16_t)get16(r);
	to->port = (uint16_t)get16(r);
	to->target = read_name(r);
	if (r->at != end)
		wrong(r, "an SRV record has another length than it says");
}

/* The lesser of its own time and of its last field (RFC 2308, 5). */
static void
read_soa(struct reader *r, const struct prefix *p)
{
	uint32_t least;

	read_name(r);
	read_name(r);
	if (r->why != NULL)
		return;
	if (r->at + SOA_FIXED != p->end) {
		wrong(r, "an SOA record has another length than it should");
		return;
	}
	r->at = p->end - sizeof(least);
	least = get32(r);
	r->message->nothing_ttl_s = least < p->ttl_s ? least : p->ttl_s;
}

/* NULL: wrong. */
static const char *
read_name(struct reader *r)
{
	char *expanded = NULL, *name = NULL;
	long length;
	size_t n;

	if (!has(r, 1))
		return NULL;
	if (ares_expand_name(r->bytes + r->at, r->bytes, (int)r->n, &expanded,
		&length) != ARES_SUCCESS) {
		wrong(r, "a name in it is broken");
		return NULL;
	}
	r->at += (size_t)length;
	n = strlen(expanded);
	if (n > DNS_NAME_MOST)
		wrong(r, "a name in it is too long");
	else {
		name = arena_strdup(&r->message->arena, expanded);
		text_fold(name, n);
	}
	ares_free_string(expanded);
	return name;
}

static bool
has(struct reader *r, size_t n)
{
	if (r->why == NULL && r->n >= r->at && r->n - r->at >= n)
		return true;
	wrong(r, "it is cut short");
	return false;
}

static unsigned
get16(struct reader *r)
{
	const uint8_t *p = r->bytes + r->at;

	r->at += 2;
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t
get32(struct reader *r)
{
	uint32_t high = get16(r);

	return high << 16 | get16(r);
}

/* The first fault is the one to tell. */
static void
wrong(struct reader *r, const char *why)
{
	if (r->why == NULL)
		r->why = why;
}
