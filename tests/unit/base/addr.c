/* base/addr: addresses and networks as people write them. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct addr
ip(const char *s, uint16_t port)
{
	struct addr a;

	cr_assert(addr_from_ip(text_of(s), port, &a), "%s", s);
	return a;
}

static struct addr
unix_socket(const char *path)
{
	struct endpoint e;
	const char *why;
	char s[200];

	snprintf(s, sizeof(s), "unix:%s", path);
	cr_assert_eq(endpoint_parse(text_of(s), &e, &why), 0);
	return e.addr;
}

Test(addr, prints_as_it_is_written)
{
	static const struct {
		const char *ip;
		const char *with_port, *alone;
	} cases[] = {
		{ "1.2.3.4", "1.2.3.4:80", "1.2.3.4" },
		{ "0.0.0.0", "0.0.0.0:80", "0.0.0.0" },
		{ "::1", "[::1]:80", "::1" },
		{ "::", "[::]:80", "::" },
		{ "2001:DB8::1", "[2001:db8::1]:80", "2001:db8::1" },
		{ "::ffff:1.2.3.4", "1.2.3.4:80", "1.2.3.4" },
	};
	char s[ADDR_TEXT_MAX];

	for (size_t i = 0; i < N(cases); i++) {
		struct addr a = ip(cases[i].ip, 80);

		cr_assert_eq(addr_print(&a, s), strlen(cases[i].with_port));
		cr_assert_str_eq(s, cases[i].with_port);
		cr_assert_eq(addr_print_ip(&a, s), strlen(cases[i].alone));
		cr_assert_str_eq(s, cases[i].alone);
	}
}

Test(addr, prints_unix_sockets_and_nothing)
{
	struct addr a = unix_socket("/run/x.sock"), none = { 0 };
	char s[ADDR_TEXT_MAX];

	addr_print(&a, s);
	cr_assert_str_eq(s, "unix:/run/x.sock");
	addr_print_ip(&a, s);
	cr_assert_str_eq(s, "unix");
	a.len = offsetof(struct sockaddr_un, sun_path);
	addr_print(&a, s);
	cr_assert_str_eq(s, "unix");
	memcpy(a.u.un.sun_path, "\0abc", 4);
	a.len = offsetof(struct sockaddr_un, sun_path) + 4;
	addr_print(&a, s);
	cr_assert_str_eq(s, "unix:@abc");
	memset(a.u.un.sun_path, 'p', sizeof(a.u.un.sun_path));
	a.len = sizeof(a.u.un);
	cr_assert_eq(addr_print(&a, s), 5 + sizeof(a.u.un.sun_path));
	addr_print(&none, s);
	cr_assert_str_eq(s, "none");
	addr_print_ip(&none, s);
	cr_assert_str_eq(s, "none");
}

Test(addr, from_ip_takes_numbers_alone)
{
	static const char *const bad[] = { "", "localhost", "1.2.3",
		"1.2.3.256", "1.2.3.4:80", "[::1]", "::1%lo", "1.2.3.4 ", "::g",
		"1111:1111:1111:1111:1111:1111:111.111.111.1111" };
	struct addr a;

	for (size_t i = 0; i < N(bad); i++)
		cr_assert_not(
		    addr_from_ip(text_of(bad[i]), 1, &a), "%s", bad[i]);
	cr_assert_not(addr_from_ip((struct text){ "1.2.3.4\0x", 9 }, 1, &a));
	a = ip("1.2.3.4", 65535);
	cr_assert_eq(a.len, sizeof(struct sockaddr_in));
	cr_assert_eq(a.u.sa.sa_family, AF_INET);
	cr_assert_eq(a.u.in.sin_port, htons(65535));
	a = ip("fe80::1", 256);
	cr_assert_eq(a.len, sizeof(struct sockaddr_in6));
	cr_assert_eq(a.u.sa.sa_family, AF_INET6);
	cr_assert_eq(a.u.in6.sin6_port, htons(256));
}

Test(addr, port_is_read_and_set)
{
	struct addr four = ip("1.2.3.4", 80), six = ip("::1", 81);
	struct addr path = unix_socket("/x"), none = { 0 };

	cr_assert_eq(addr_port(&four), 80);
	cr_assert_eq(addr_port(&six), 81);
	cr_assert_eq(addr_port(&path), 0);
	cr_assert_eq(addr_port(&none), 0);
	addr_set_port(&four, 443);
	addr_set_port(&six, 444);
	addr_set_port(&path, 445);
	cr_assert_eq(addr_port(&four), 443);
	cr_assert_eq(addr_port(&six), 444);
	cr_assert_str_eq(path.u.un.sun_path, "/x");
	cr_assert(addr_is_unix(&path));
	cr_assert_not(addr_is_unix(&four));
	cr_assert_not(addr_is_unix(&none));
}

Test(addr, equal_means_family_address_and_port)
{
	struct addr all[] = { ip("1.2.3.4", 80), ip("1.2.3.5", 80),
		ip("1.2.3.4", 81), ip("::1", 80), ip("::2", 80), ip("::1", 81),
		ip("::ffff:1.2.3.4", 80), unix_socket("/a"), unix_socket("/b"),
		unix_socket("/ab"), { 0 }, ip("fe80::1", 80),
		ip("fe80::1", 80) };

	all[12].u.in6.sin6_scope_id = 2;
	for (size_t i = 0; i < N(all); i++)
		for (size_t j = 0; j < N(all); j++)
			cr_assert_eq(addr_equal(&all[i], &all[j]), i == j,
			    "%zu %zu", i, j);
}

Test(addr, equal_and_hash_look_past_padding)
{
	struct addr a = ip("1.2.3.4", 80), b = a;
	struct addr six = ip("::1", 80), flow = six;

	memset(b.u.in.sin_zero, 0xff, sizeof(b.u.in.sin_zero));
	flow.u.in6.sin6_flowinfo = 5;
	cr_assert(addr_equal(&a, &b));
	cr_assert_eq(addr_hash(&a), addr_hash(&b));
	cr_assert(addr_equal(&six, &flow));
	cr_assert_eq(addr_hash(&six), addr_hash(&flow));
}

Test(addr, hash_tells_addresses_and_ports_apart)
{
	struct addr a = ip("1.2.3.4", 80), b = ip("1.2.3.4", 81);
	struct addr c = ip("1.2.3.5", 80), d = unix_socket("/a");
	struct addr e = unix_socket("/b");

	cr_assert_neq(addr_hash(&a), addr_hash(&b));
	cr_assert_neq(addr_hash(&a), addr_hash(&c));
	cr_assert_neq(addr_hash(&d), addr_hash(&e));
}

Test(endpoint, says_what_was_written)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
		bool is_name, is_any;
		const char *printed;
	} cases[] = {
		{ "10.0.0.1:8080", "10.0.0.1", 8080, false, false,
		    "10.0.0.1:8080" },
		{ ":8080", "", 8080, false, true, "[::]:8080" },
		{ ":0", "", 0, false, true, "[::]:0" },
		{ "[::1]:80", "::1", 80, false, false, "[::1]:80" },
		{ "[2001:db8::1]:65535", "2001:db8::1", 65535, false, false,
		    "[2001:db8::1]:65535" },
		{ "localhost:80", "localhost", 80, true, false, "none" },
		{ "a-b_c.Example.com.:1", "a-b_c.Example.com.", 1, true, false,
		    "none" },
		{ "4u.example:1", "4u.example", 1, true, false, "none" },
		{ "1.2.3.4a:1", "1.2.3.4a", 1, true, false, "none" },
		{ "zZaA09.zZ:1", "zZaA09.zZ", 1, true, false, "none" },
		{ "unix:/run/a b.sock", "", 0, false, false,
		    "unix:/run/a b.sock" },
		{ "unix:8080", NULL, 0, false, false, NULL },
	};

	for (size_t i = 0; i + 1 < N(cases); i++) {
		struct endpoint e;
		const char *why = "?";
		char s[ADDR_TEXT_MAX];

		cr_assert_eq(endpoint_parse(text_of(cases[i].text), &e, &why),
		    0, "%s: %s", cases[i].text, why);
		cr_assert_null(why);
		cr_assert(text_equal(e.host, text_of(cases[i].host)), "%s",
		    cases[i].text);
		cr_assert_eq(e.port, cases[i].port);
		cr_assert_eq(e.is_name, cases[i].is_name, "%s", cases[i].text);
		cr_assert_eq(e.is_any, cases[i].is_any);
		addr_print(&e.addr, s);
		cr_assert_str_eq(s, cases[i].printed);
	}
}

Test(endpoint, says_what_is_wrong_and_how_to_write_it)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "empty" },
		{ "10.0.0.1", "the port is missing: write host:port" },
		{ "localhost", "the port is missing: write host:port" },
		{ "localhost:", "the port is missing after the colon" },
		{ "localhost:http", "not a number of 0 to 65535" },
		{ "localhost:65536", "not a number of 0 to 65535" },
		{ "localhost:-1", "not a number of 0 to 65535" },
		{ "localhost:80/x", "not a number of 0 to 65535" },
		{ "::1:80", "brackets: write \"[::1]:80\"" },
		{ "fe80::1", "brackets: write \"[::1]:80\"" },
		{ "[::1]", "the port is missing: write \"[::1]:80\"" },
		{ "[::1]80", "the port is missing: write \"[::1]:80\"" },
		{ "[::1]:", "the port is missing after the colon" },
		{ "[::1:80", "the ] is missing" },
		{ "[1.2.3.4]:80", "no IPv6 address between the brackets" },
		{ "[]:80", "no IPv6 address between the brackets" },
		{ "[::g]:80", "no IPv6 address between the brackets" },
		{ "*:80", "write the port alone, as in \":80\"" },
		{ "http://a:80", "no URL" },
		{ "https://a", "no URL" },
		{ "unix:", "begins with /" },
		{ "unix:run/x", "begins with /" },
		{ "10.0.0.256:80", "four numbers of 0 to 255" },
		{ "10.0.1:80", "four numbers of 0 to 255" },
		{ "12:80", "four numbers of 0 to 255" },
		{ "10.0.0.1.:80", "four numbers of 0 to 255" },
		{ "a..b:80", "labels of 1 to 63" },
		{ ".:80", "labels of 1 to 63" },
		{ ".a:80", "labels of 1 to 63" },
		{ "a b:80", "letters, digits" },
		{ "a@b:80", "letters, digits" },
		{ "a[b:80", "letters, digits" },
		{ "a`b:80", "letters, digits" },
		{ "a{b:80", "letters, digits" },
		{ "a/b:80", "letters, digits" },
		{ "caf\xc3\xa9:80", "letters, digits" },
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct endpoint e;
		const char *why = NULL;

		cr_assert_eq(endpoint_parse(text_of(cases[i].text), &e, &why),
		    -1, "%s", cases[i].text);
		cr_assert_not_null(
		    strstr(why, cases[i].why), "%s: %s", cases[i].text, why);
	}
}

Test(endpoint, names_have_their_longest)
{
	char s[300];
	struct endpoint e;
	const char *why;

	memset(s, 'a', sizeof(s));
	snprintf(s + 63, sizeof(s) - 63, ":1");
	cr_assert_eq(endpoint_parse(text_of(s), &e, &why), 0);
	memset(s, 'a', sizeof(s));
	snprintf(s + 64, sizeof(s) - 64, ":1");
	cr_assert_eq(endpoint_parse(text_of(s), &e, &why), -1);
	for (int i = 0; i < 254; i++)
		s[i] = i % 60 == 59 ? '.' : 'a';
	snprintf(s + 253, sizeof(s) - 253, ":1");
	cr_assert_eq(endpoint_parse(text_of(s), &e, &why), 0);
	s[253] = 'a';
	snprintf(s + 254, sizeof(s) - 254, ":1");
	cr_assert_eq(endpoint_parse(text_of(s), &e, &why), -1);
	cr_assert_not_null(strstr(why, "253"));
}

Test(endpoint, unix_paths_have_their_longest)
{
	char s[200] = "unix:/";
	struct endpoint e;
	const char *why;

	memset(s + 6, 'p', 107);
	cr_assert_eq(endpoint_parse((struct text){ s, 5 + 107 }, &e, &why), 0);
	cr_assert_eq(strlen(e.addr.u.un.sun_path), 107);
	cr_assert_eq(e.addr.len, sizeof(struct sockaddr_un));
	cr_assert_eq(endpoint_parse((struct text){ s, 5 + 108 }, &e, &why), -1);
	cr_assert_not_null(strstr(why, "107"));
	cr_assert_eq(
	    endpoint_parse((struct text){ "unix:/a\0b", 9 }, &e, &why), -1);
	cr_assert_not_null(strstr(why, "NUL"));
}

static struct cidr
network(const char *s)
{
	struct cidr c;
	const char *why = "?";

	cr_assert_eq(cidr_parse(text_of(s), &c, &why), 0, "%s", s);
	cr_assert_null(why);
	return c;
}

Test(cidr, contains_its_own)
{
	static const struct {
		const char *network, *address;
		bool inside;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.0/8", "9.255.255.255", false },
		{ "10.0.0.0/8", "::ffff:10.1.2.3", true },
		{ "10.0.0.0/8", "a00::", false },
		{ "10.1.2.3/8", "10.9.9.9", true },
		{ "192.168.1.0/25", "192.168.1.127", true },
		{ "192.168.1.0/25", "192.168.1.128", false },
		{ "192.168.1.128/25", "192.168.1.128", true },
		{ "192.168.1.128/31", "192.168.1.129", true },
		{ "192.168.1.128/31", "192.168.1.130", false },
		{ "192.168.1.7", "192.168.1.7", true },
		{ "192.168.1.7", "192.168.1.6", false },
		{ "192.168.1.7/32", "192.168.1.6", false },
		{ "0.0.0.0/0", "255.1.2.3", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "fd00::/8", "fdff::1", true },
		{ "fd00::/8", "fe00::1", false },
		{ "fd00::/9", "fd7f::1", true },
		{ "fd00::/9", "fd80::1", false },
		{ "::1", "::1", true },
		{ "::1", "::2", false },
		{ "::1/128", "::", false },
		{ "::/0", "2001:db8::1", true },
		{ "::ffff:10.0.0.0/104", "10.2.3.4", true },
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct cidr c = network(cases[i].network);
		struct addr a = ip(cases[i].address, 80);

		cr_assert_eq(cidr_contains(&c, &a), cases[i].inside, "%s %s",
		    cases[i].network, cases[i].address);
	}
}

Test(cidr, a_unix_peer_is_in_none)
{
	struct cidr all = network("::/0");
	struct addr a = unix_socket("/x"), none = { 0 };

	cr_assert_not(cidr_contains(&all, &a));
	cr_assert_not(cidr_contains(&all, &none));
}

Test(cidr, bits_are_of_the_ipv6_form)
{
	cr_assert_eq(network("10.0.0.0/8").bits, 104);
	cr_assert_eq(network("10.0.0.0").bits, 128);
	cr_assert_eq(network("fd00::/8").bits, 8);
	cr_assert_eq(network("10.255.0.0/12").bytes[13], 0xf0);
	cr_assert_eq(network("10.255.0.0/16").bytes[13], 0xff);
}

Test(cidr, says_what_is_wrong)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "no network" },
		{ "10.0.0/8", "no network" },
		{ "localhost", "no network" },
		{ "/8", "no network" },
		{ "10.0.0.0/33", "0 to 32" },
		{ "10.0.0.0/", "0 to 32" },
		{ "10.0.0.0/x", "0 to 32" },
		{ "fd00::/129", "0 to 128" },
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct cidr c;
		const char *why = NULL;

		cr_assert_eq(cidr_parse(text_of(cases[i].text), &c, &why), -1);
		cr_assert_not_null(
		    strstr(why, cases[i].why), "%s: %s", cases[i].text, why);
	}
}

Test(addr, an_ip_as_bytes_is_printed_as_it_was)
{
	static const char *const ips[] = { "1.2.3.4", "0.0.0.0", "10.99.100.9",
		"255.255.255.255", "::1", "2001:db8::7" };
	struct addr local = { .len = sizeof(sa_family_t),
		.u.sa.sa_family = AF_UNIX };
	char text[ADDR_IP_MAX];
	uint8_t bytes[16];

	for (unsigned i = 0; i < sizeof(ips) / sizeof(ips[0]); i++) {
		struct addr a = ip(ips[i], 80);

		cr_assert(addr_bytes(&a, bytes));
		cr_assert_eq(addr_print_bytes(bytes, text), strlen(ips[i]));
		cr_assert_str_eq(text, ips[i]);
	}
	cr_assert_not(addr_bytes(&local, bytes));
	cr_assert_eq(addr_print_bytes(bytes, text), 4);
	cr_assert_str_eq(text, "unix");
}
