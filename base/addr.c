/*
 * Socket addresses as values, and what an operator writes for one.  Nothing
 * here asks anybody: a name stays a name until net/resolve looks it up.  IPv4
 * and IPv4-mapped IPv6 are one and the same when printed or matched, since a
 * dual-stack socket reports IPv4 peers in the mapped form.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/hash.h"

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
	0xff };

bool
addr_bytes(const struct addr *a, uint8_t to[16])
{
	memset(to, 0, 16);
	if (a->len == 0)
		return false;
	if (a->u.sa.sa_family == AF_INET6) {
		memcpy(to, &a->u.in6.sin6_addr, 16);
		return true;
	}
	if (a->u.sa.sa_family != AF_INET)
		return false;
	memcpy(to, mapped_prefix, 12);
	memcpy(to + 12, &a->u.in.sin_addr, 4);
	return true;
}

/* As inet_ntop does at ten times the price, and this is for each request. */
static void
ipv4_print(const uint8_t ip[4], char *to)
{
	for (unsigned i = 0; i < 4; i++) {
		to += text_put_u64(to, ip[i]);
		*to++ = i < 3 ? '.' : '\0';
	}
}

/* IPv4 where it is one. */
static void
bytes_print(const uint8_t ip[16], char to[ADDR_IP_MAX])
{
	if (memcmp(ip, mapped_prefix, 12) == 0)
		ipv4_print(ip + 12, to);
	else
		inet_ntop(AF_INET6, ip, to, ADDR_IP_MAX);
}

size_t
addr_print_bytes(const uint8_t ip[16], char to[ADDR_IP_MAX])
{
	static const uint8_t none[16];

	if (memcmp(ip, none, 16) == 0)
		return (size_t)snprintf(to, ADDR_IP_MAX, "unix");
	bytes_print(ip, to);
	return strlen(to);
}

bool
addr_from_ip(struct text ip, uint16_t port, struct addr *a)
{
	char s[INET6_ADDRSTRLEN];

	if (ip.n == 0 || ip.n >= sizeof(s))
		return false;
	memcpy(s, ip.p, ip.n);
	s[ip.n] = '\0';
	if (strlen(s) != ip.n)
		return false;
	*a = (struct addr){ 0 };
	if (inet_pton(AF_INET, s, &a->u.in.sin_addr) == 1) {
		a->u.in.sin_family = AF_INET;
		a->len = sizeof(a->u.in);
	} else if (inet_pton(AF_INET6, s, &a->u.in6.sin6_addr) == 1) {
		a->u.in6.sin6_family = AF_INET6;
		a->len = sizeof(a->u.in6);
	} else
		return false;
	addr_set_port(a, port);
	return true;
}

static size_t
addr_print_unix(const struct addr *a, char to[ADDR_TEXT_MAX])
{
	const char *path = a->u.un.sun_path;
	size_t n = a->len - offsetof(struct sockaddr_un, sun_path);

	if (n == 0)
		return (size_t)snprintf(to, ADDR_TEXT_MAX, "unix");
	if (path[0] == '\0')
		return (size_t)snprintf(
		    to, ADDR_TEXT_MAX, "unix:@%.*s", (int)n - 1, path + 1);
	return (size_t)snprintf(to, ADDR_TEXT_MAX, "unix:%.*s", (int)n, path);
}

/* The IP alone; false when there is none. */
static bool
ip_print(const struct addr *a, char to[ADDR_IP_MAX])
{
	uint8_t bytes[16];

	if (!addr_bytes(a, bytes))
		return false;
	bytes_print(bytes, to);
	return true;
}

size_t
addr_print(const struct addr *a, char to[ADDR_TEXT_MAX])
{
	char ip[ADDR_IP_MAX];
	const char *format = "%s:%u";

	if (addr_is_unix(a))
		return addr_print_unix(a, to);
	if (!ip_print(a, ip))
		return (size_t)snprintf(to, ADDR_TEXT_MAX, "none");
	if (strchr(ip, ':') != NULL)
		format = "[%s]:%u";
	return (size_t)snprintf(to, ADDR_TEXT_MAX, format, ip, addr_port(a));
}

size_t
addr_print_ip(const struct addr *a, char to[ADDR_TEXT_MAX])
{
	char ip[ADDR_IP_MAX];
	const char *said = ip;

	if (!ip_print(a, ip))
		said = addr_is_unix(a) ? "unix" : "none";
	return (size_t)snprintf(to, ADDR_TEXT_MAX, "%s", said);
}

/* Field by field: the structs have padding and flow labels. */
bool
addr_equal(const struct addr *a, const struct addr *b)
{
	uint8_t x[16], y[16];

	if (a->len == 0 || b->len == 0)
		return a->len == b->len;
	if (a->u.sa.sa_family != b->u.sa.sa_family)
		return false;
	if (!addr_bytes(a, x) || !addr_bytes(b, y))
		return a->len == b->len &&
		    memcmp(&a->u.un, &b->u.un, a->len) == 0;
	if (a->u.sa.sa_family == AF_INET6 &&
	    a->u.in6.sin6_scope_id != b->u.in6.sin6_scope_id)
		return false;
	return addr_port(a) == addr_port(b) && memcmp(x, y, 16) == 0;
}

uint64_t
addr_hash(const struct addr *a)
{
	uint8_t bytes[16];

	if (addr_bytes(a, bytes))
		return hash_text(
		    (struct text){ (const char *)bytes, 16 }, addr_port(a));
	return hash_text((struct text){ (const char *)&a->u.un, a->len }, 0);
}

uint16_t
addr_port(const struct addr *a)
{
	if (a->len == 0)
		return 0;
	if (a->u.sa.sa_family == AF_INET)
		return ntohs(a->u.in.sin_port);
	return a->u.sa.sa_family == AF_INET6 ? ntohs(a->u.in6.sin6_port) : 0;
}

void
addr_set_port(struct addr *a, uint16_t port)
{
	if (a->u.sa.sa_family == AF_INET)
		a->u.in.sin_port = htons(port);
	else if (a->u.sa.sa_family == AF_INET6)
		a->u.in6.sin6_port = htons(port);
}

bool
addr_is_unix(const struct addr *a)
{
	return a->len > 0 && a->u.sa.sa_family == AF_UNIX;
}

static const char *
unix_parse(struct text path, struct addr *a)
{
	if (path.n == 0 || path.p[0] != '/')
		return "the path of a unix socket begins with /: write "
		       "unix:/run/app.sock";
	if (path.n >= sizeof(a->u.un.sun_path))
		return "the path of a unix socket is at most 107 bytes long";
	if (text_find(path, '\0') != -1)
		return "the path of a unix socket holds a NUL byte";
	a->u.un.sun_family = AF_UNIX;
	memcpy(a->u.un.sun_path, path.p, path.n);
	a->len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n + 1);
	return NULL;
}

static bool
is_label_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* RFC 1123, and '_' which people use. */
static const char *
name_check(struct text name)
{
	struct text rest = name, label, last = TEXT_NONE;
	uint64_t number;

	if (name.n > 253)
		return "a host name is at most 253 bytes long";
	if (name.p[name.n - 1] == '.')
		rest.n--;
	while (text_split(&rest, '.', &label)) {
		if (label.n == 0 || label.n > 63)
			return "a host name has labels of 1 to 63 bytes "
			       "between its dots";
		for (size_t i = 0; i < label.n; i++)
			if (!is_label_byte(label.p[i]))
				return "a host name is made of letters, "
				       "digits, - and dots";
		last = label;
	}
	if (text_to_u64(last, UINT64_MAX, &number))
		return "this is neither a host name nor an IPv4 address: "
		       "write four numbers of 0 to 255";
	return NULL;
}

static const char *
port_parse(struct text digits, uint16_t *port)
{
	uint64_t number;

	if (digits.n == 0)
		return "the port is missing after the colon: write host:port";
	if (!text_to_u64(digits, 65535, &number))
		return "the port is not a number of 0 to 65535";
	*port = (uint16_t)number;
	return NULL;
}

/* "[address]:port" */
static const char *
bracketed_parse(struct text t, struct endpoint *e)
{
	ptrdiff_t end = text_find(t, ']');
	const char *why;

	if (end == -1)
		return "the ] is missing: write \"[::1]:80\"";
	e->host = text_first(text_from(t, 1), (size_t)end - 1);
	t = text_from(t, (size_t)end + 1);
	if (t.n == 0 || t.p[0] != ':')
		return "the port is missing: write \"[::1]:80\"";
	why = port_parse(text_from(t, 1), &e->port);
	if (why != NULL)
		return why;
	if (!addr_from_ip(e->host, e->port, &e->addr) ||
	    e->addr.u.sa.sa_family != AF_INET6)
		return "there is no IPv6 address between the brackets";
	return NULL;
}

/* "host:port" and ":port" */
static const char *
host_parse(struct text t, struct endpoint *e)
{
	ptrdiff_t colon = text_find(t, ':');
	const char *why;

	if (colon == -1)
		return "the port is missing: write host:port, as in "
		       "10.0.0.1:80";
	if (colon != text_find_last(t, ':'))
		return "an IPv6 address stands in brackets: write "
		       "\"[::1]:80\"";
	e->host = text_first(t, (size_t)colon);
	why = port_parse(text_from(t, (size_t)colon + 1), &e->port);
	if (why != NULL)
		return why;
	if (text_equal(e->host, TEXT("*")))
		return "to mean every address write the port alone, as in "
		       "\":80\"";
	if (e->host.n == 0) {
		e->is_any = true;
		addr_from_ip(TEXT("::"), e->port, &e->addr);
		return NULL;
	}
	if (addr_from_ip(e->host, e->port, &e->addr))
		return NULL;
	e->is_name = true;
	return name_check(e->host);
}

static const char *
endpoint_fill(struct text t, struct endpoint *e)
{
	if (t.n == 0)
		return "the address is empty: write host:port";
	if (text_starts(t, TEXT("unix:")))
		return unix_parse(text_from(t, 5), &e->addr);
	if (text_starts(t, TEXT("http://")) || text_starts(t, TEXT("https://")))
		return "an address is no URL: write host:port alone";
	if (t.p[0] == '[')
		return bracketed_parse(t, e);
	return host_parse(t, e);
}

int
endpoint_parse(struct text t, struct endpoint *e, const char **why)
{
	assert(e != NULL && why != NULL);
	*e = (struct endpoint){ 0 };
	*why = endpoint_fill(t, e);
	return *why == NULL ? 0 : -1;
}

/* Bits behind the prefix do not count, and are cleared. */
int
cidr_parse(struct text t, struct cidr *c, const char **why)
{
	ptrdiff_t slash = text_find(t, '/');
	struct text ip = slash == -1 ? t : text_first(t, (size_t)slash);
	uint64_t most, bits;
	struct addr a;

	assert(c != NULL && why != NULL);
	*why = "this is no network: write 10.0.0.0/8, fd00::/8 or one address";
	if (!addr_from_ip(ip, 0, &a))
		return -1;
	bits = most = a.u.sa.sa_family == AF_INET ? 32 : 128;
	*why = most == 32 ? "an IPv4 network's prefix is a number of 0 to 32"
			  : "an IPv6 network's prefix is a number of 0 to 128";
	if (slash != -1 &&
	    !text_to_u64(text_from(t, (size_t)slash + 1), most, &bits))
		return -1;
	addr_bytes(&a, c->bytes);
	c->bits = (uint8_t)(bits + 128 - most);
	for (unsigned bit = c->bits; bit < 128; bit++)
		c->bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	*why = NULL;
	return 0;
}

bool
cidr_contains(const struct cidr *c, const struct addr *a)
{
	unsigned whole = c->bits / 8, rest = c->bits % 8;
	uint8_t bytes[16];

	if (!addr_bytes(a, bytes) || memcmp(bytes, c->bytes, whole) != 0)
		return false;
	return rest == 0 || (bytes[whole] ^ c->bytes[whole]) >> (8 - rest) == 0;
}
