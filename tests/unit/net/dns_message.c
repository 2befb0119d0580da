/* net/dns_message: packets made by hand, whole and broken. */
#include <criterion/criterion.h>
#include <string.h>

#include "net/dns_message.h"

TestSuite(dns_message, .timeout = 60);

/* A packet in the making. */
static unsigned char packet[65536];
static size_t size;

static void
put(const void *bytes, size_t n)
{
	memcpy(packet + size, bytes, n);
	size += n;
}

#define PUT(literal) put(literal, sizeof(literal) - 1)

static void
put16(unsigned v)
{
	const unsigned char bytes[2] = { (unsigned char)(v >> 8),
		(unsigned char)v };

	put(bytes, 2);
}

/* With the question s.test SRV; its name is at 12. */
static void
begin(unsigned answers, unsigned authorities, unsigned additionals)
{
	size = 0;
	PUT("\0\1\x84\0\0\1");
	put16(answers);
	put16(authorities);
	put16(additionals);
	PUT("\1S\4test\0\0\x21\0\1");
}

/* All of a record but its data, for the question's name. */
static void
put_record(unsigned type, unsigned ttl, unsigned length)
{
	PUT("\xc0\x0c");
	put16(type);
	put16(1);
	put16(ttl >> 16);
	put16(ttl & 0xffff);
	put16(length);
}

/* To t.s.test. */
static void
put_srv(unsigned ttl, unsigned priority, unsigned weight, unsigned port)
{
	put_record(DNS_SRV, ttl, 10);
	put16(priority);
	put16(weight);
	put16(port);
	PUT("\1T\xc0\x0c");
}

static const char *
fault_of(const unsigned char *bytes, size_t n)
{
	struct dns_message m;
	const char *why = NULL;
	bool good = dns_message_read(&m, bytes, n, &why);

	dns_message_fini(&m);
	cr_assert_eq(good, why == NULL);
	return why;
}

Test(dns_message, srv_comes_with_all_its_fields_and_the_addresses_beside_it)
{
	struct dns_message m;
	struct dns_records found;
	const char *why = NULL;
	char printed[ADDR_TEXT_MAX];

	begin(2, 0, 1);
	put_srv(60, 10, 300, 8080);
	put_srv(30, 20, 0, 8081);
	PUT("\1t\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x0a\0\0\7");
	cr_assert(dns_message_read(&m, packet, size, &why), "%s", why);
	dns_message_find(&m, "s.test", DNS_SRV, &found);
	cr_assert_eq(found.n, 2);
	cr_assert_eq(found.ttl_s, 30);
	cr_assert_eq(found.v[0]->priority, 10);
	cr_assert_eq(found.v[0]->weight, 300);
	cr_assert_eq(found.v[0]->port, 8080);
	cr_assert_str_eq(found.v[0]->target, "t.s.test");
	cr_assert_eq(m.n, 3);
	cr_assert(m.v[2].additional);
	cr_assert_str_eq(m.v[2].name, "t.s.test");
	addr_print(&m.v[2].addr, printed);
	cr_assert_str_eq(printed, "10.0.0.7:0");
	dns_message_find(&m, "t.s.test", DNS_A, &found);
	cr_assert_eq(found.n, 0, "what comes beside is no answer");
	dns_message_fini(&m);
}

Test(dns_message, the_root_as_target_is_the_empty_name)
{
	struct dns_message m;
	const char *why;

	begin(1, 0, 0);
	put_record(DNS_SRV, 1, 7);
	PUT("\0\0\0\0\0\0\0");
	cr_assert(dns_message_read(&m, packet, size, &why));
	cr_assert_str_eq(m.v[0].target, "");
	dns_message_fini(&m);
}

Test(dns_message, aliases_are_followed_and_their_time_counts)
{
	struct dns_message m;
	struct dns_records found;
	const char *why;

	begin(2, 0, 0);
	PUT("\1b\xc0\x0c\0\1\0\1\0\0\0\x40\0\4\x0a\0\0\7");
	put_record(DNS_CNAME, 9, 4);
	PUT("\1b\xc0\x0c");
	cr_assert(dns_message_read(&m, packet, size, &why));
	dns_message_find(&m, "s.test", DNS_A, &found);
	cr_assert_eq(found.n, 1);
	cr_assert_eq(found.ttl_s, 9);
	dns_message_fini(&m);
}

Test(dns_message, aliases_in_a_ring_lead_nowhere)
{
	struct dns_message m;
	struct dns_records found;
	const char *why;

	begin(1, 0, 0);
	put_record(DNS_CNAME, 9, 2);
	PUT("\xc0\x0c");
	cr_assert(dns_message_read(&m, packet, size, &why));
	dns_message_find(&m, "s.test", DNS_A, &found);
	cr_assert_eq(found.n, 0);
	dns_message_fini(&m);
}

Test(dns_message, that_there_is_nothing_lives_for_the_lesser_time_of_the_soa)
{
	static const struct {
		unsigned ttl, least, want;
	} cases[] = { { 900, 30, 30 }, { 20, 30, 20 }, { 0x80000000, 30, 0 } };
	struct dns_message m;
	const char *why;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin(0, 1, 0);
		put_record(DNS_SOA, cases[i].ttl, 24);
		PUT("\xc0\x0c\xc0\x0c\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0");
		put16(cases[i].least);
		cr_assert(dns_message_read(&m, packet, size, &why), "%s", why);
		cr_assert_eq(m.nothing_ttl_s, cases[i].want);
		dns_message_fini(&m);
	}
}

Test(dns_message, a_time_with_its_highest_bit_is_none)
{
	struct dns_message m;
	const char *why;

	begin(1, 0, 0);
	put_srv(0x80000001, 1, 1, 1);
	cr_assert(dns_message_read(&m, packet, size, &why));
	cr_assert_eq(m.v[0].ttl_s, 0);
	dns_message_fini(&m);
}

Test(dns_message, other_types_and_classes_are_left_out)
{
	struct dns_message m;
	const char *why;

	begin(2, 0, 1);
	put_record(16, 1, 2);
	PUT("\1x");
	PUT("\xc0\x0c\0\1\0\3\0\0\0\1\0\4\x0a\0\0\7");
	PUT("\0\0\x29\x04\xd0\0\0\0\0\0\0");
	cr_assert(dns_message_read(&m, packet, size, &why), "%s", why);
	cr_assert_eq(m.n, 0);
	dns_message_fini(&m);
}

Test(dns_message, a_message_cut_anywhere_is_none)
{
	begin(1, 1, 1);
	put_srv(60, 10, 5, 8080);
	put_record(DNS_SOA, 9, 24);
	PUT("\xc0\x0c\xc0\x0c\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1");
	put_record(DNS_AAAA, 9, 16);
	PUT("\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1");
	cr_assert_null(fault_of(packet, size));
	for (size_t n = 0; n < size; n++)
		cr_assert_not_null(fault_of(packet, n), "%zu bytes", n);
}

Test(dns_message, lengths_that_do_not_fit_are_faults)
{
	begin(1, 0, 0);
	put_record(DNS_A, 1, 5);
	PUT("\1\2\3\4\5");
	cr_assert_not_null(fault_of(packet, size));
	begin(1, 0, 0);
	put_record(DNS_AAAA, 1, 4);
	PUT("\1\2\3\4");
	cr_assert_not_null(fault_of(packet, size));
	begin(1, 0, 0);
	put_record(DNS_SRV, 1, 5);
	PUT("\0\0\0\0\0");
	cr_assert_not_null(fault_of(packet, size));
	begin(1, 0, 0);
	put_record(DNS_SRV, 1, 9);
	PUT("\0\0\0\0\0\0\0\0\0");
	cr_assert_not_null(fault_of(packet, size), "bytes after the target");
	begin(1, 0, 0);
	put_record(DNS_CNAME, 1, 1);
	PUT("\xc0\x0c");
	cr_assert_not_null(fault_of(packet, size), "longer than it says");
}

Test(dns_message, a_name_that_leads_to_itself_is_a_fault)
{
	begin(1, 0, 0);
	put_record(DNS_CNAME, 1, 2);
	put16(0xc000 | (unsigned)size);
	cr_assert_not_null(fault_of(packet, size));
}

Test(dns_message, a_name_of_many_labels_is_too_long)
{
	begin(1, 0, 0);
	put_record(DNS_CNAME, 1, 32 * 64 + 1);
	for (unsigned i = 0; i < 32; i++) {
		PUT("\77");
		memset(packet + size, 'x', 63);
		size += 63;
	}
	PUT("\0");
	cr_assert_str_eq(fault_of(packet, size), "a name in it is too long");
}

Test(dns_message, more_records_than_are_taken_are_a_fault)
{
	begin(DNS_RECORDS_MOST + 1, 0, 0);
	cr_assert_str_eq(
	    fault_of(packet, size), "it has more records than are taken");
}
