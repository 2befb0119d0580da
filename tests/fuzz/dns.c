/*
 * Any bytes as what a DNS server answers.  They are refused with a reason, or
 * what is found in them is within its bounds, ends in a set of servers, and is
 * the same set whatever the order of the records.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "discovery/srv.h"
#include "discovery/trust.h"
#include "net/dns_query.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void check_record(const struct dns_record *);
static void check_name(const char *);
static void check_srv(struct dns_message *, const char *name);
static struct found_set *servers(struct dns_message *, struct dns_records *);
static void check_found(const struct found *);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *why = NULL;
	struct dns_message m;

	if (n > UINT16_MAX)
		return 0;
	if (!dns_message_read(&m, data, n, &why)) {
		assert(why != NULL);
		dns_message_fini(&m);
		return 0;
	}
	assert(m.n <= DNS_RECORDS_MOST);
	for (unsigned i = 0; i < m.n; i++)
		check_record(&m.v[i]);
	for (unsigned i = 0; i < m.n && i < 4; i++)
		check_srv(&m, m.v[i].name);
	dns_message_fini(&m);
	return 0;
}

static void
check_record(const struct dns_record *r)
{
	check_name(r->name);
	assert(r->ttl_s <= INT32_MAX);
	assert((r->addr.len > 0) == (r->type == DNS_A || r->type == DNS_AAAA));
	if (r->type == DNS_SRV || r->type == DNS_CNAME)
		check_name(r->target);
	else
		assert(r->target == NULL);
}

static void
check_name(const char *name)
{
	assert(strlen(name) <= DNS_NAME_MOST);
	for (; *name != '\0'; name++)
		assert(*name < 'A' || *name > 'Z');
}

static void
check_srv(struct dns_message *m, const char *name)
{
	struct dns_records found;
	struct found_set *a, *b;

	dns_message_find(m, name, DNS_SRV, &found);
	a = servers(m, &found);
	for (unsigned i = 0; i < found.n / 2; i++) {
		const struct dns_record *r = found.v[i];

		found.v[i] = found.v[found.n - 1 - i];
		found.v[found.n - 1 - i] = r;
	}
	b = servers(m, &found);
	assert(found_set_equal(a, b));
	found_set_free(a);
	found_set_free(b);
}

static struct found_set *
servers(struct dns_message *m, struct dns_records *records)
{
	const struct dns_reply reply = { .message = m, .records = *records };
	struct srv *srv = srv_new(&reply);
	struct found_set *set;
	struct found *found;
	unsigned n;

	assert(srv->n <= records->n);
	found = srv_found(srv, &n);
	assert(n <= TRUST_SERVERS_MOST + 1);
	for (unsigned i = 0; i < n; i++)
		check_found(&found[i]);
	set = found_set_new(found, n);
	free(found);
	srv_free(srv);
	return set;
}

static void
check_found(const struct found *found)
{
	assert(found->addr.len > 0);
	assert(found->weight > 0 && found->weight <= 256);
	check_name(found->place);
}
