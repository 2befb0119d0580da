#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/text.h"

/* A socket address as a value.  Pure: no look-ups, no I/O. */
struct addr {
	socklen_t	len;		/* 0: none */
	union {
		struct sockaddr		sa;
		struct sockaddr_in	in;
		struct sockaddr_in6	in6;
		struct sockaddr_un	un;
	} u;
};

#define ADDR_TEXT_MAX	128	/* enough for any printed address with its NUL */
#define ADDR_IP_MAX	48	/* for an IP alone */

/*
 * What an address in a configuration says, before any name is resolved:
 * "host:port", ":port" (any, dual-stack), "[::1]:80", "unix:/path".
 */
struct endpoint {
	struct text	host;		/* as written, without brackets; empty for ":port" and unix */
	uint16_t	port;
	bool		is_name;	/* host is a name to resolve, else addr is filled */
	bool		is_any;		/* ":port" */
	struct addr	addr;
};

/* 0, or -1 with a message that says what is wrong and how to write it. */
int	endpoint_parse(struct text, struct endpoint *, const char **why);

/* Numeric only: "1.2.3.4", "::1", without port. */
bool	addr_from_ip(struct text ip, uint16_t port, struct addr *);
size_t	addr_print(const struct addr *, char to[ADDR_TEXT_MAX]);	/* "1.2.3.4:80", "[::1]:80", "unix:/p" */
size_t	addr_print_ip(const struct addr *, char to[ADDR_TEXT_MAX]);	/* without port; v4-mapped as v4; "unix" */
/*
 * The IP alone as 16 bytes, IPv4 mapped; false, and zeros, when there is none.
 * Printed as addr_print_ip does; zeros are "unix".
 */
bool	addr_bytes(const struct addr *, uint8_t to[16]);
size_t	addr_print_bytes(const uint8_t ip[16], char to[ADDR_IP_MAX]);
bool	addr_equal(const struct addr *, const struct addr *);
uint64_t addr_hash(const struct addr *);
uint16_t addr_port(const struct addr *);	/* 0 for unix */
void	addr_set_port(struct addr *, uint16_t);
bool	addr_is_unix(const struct addr *);

/* A network such as 10.0.0.0/8 or fd00::/8; a bare address is a /32 or /128. */
struct cidr {
	uint8_t		bytes[16];	/* IPv6 form, v4 mapped */
	uint8_t		bits;		/* 0..128 */
};
int	cidr_parse(struct text, struct cidr *, const char **why);
/* v4-mapped IPv6 peers match v4 networks; a unix peer matches none. */
bool	cidr_contains(const struct cidr *, const struct addr *);

#endif
