#ifndef HTTP_OCTET_H
#define HTTP_OCTET_H

#include <stdbool.h>
#include <stdint.h>

/* What a byte may be part of: one look-up for each question. */
#define OCTET_TOKEN	0x01	/* tchar (RFC 9110 5.6.2) */
#define OCTET_VALUE	0x02	/* field value: HTAB, SP, VCHAR, obs-text */
#define OCTET_VCHAR	0x04	/* visible ASCII */
#define OCTET_ALNUM	0x08
#define OCTET_UNRESERVED 0x10	/* RFC 3986 2.3 */
#define OCTET_PCHAR	0x20	/* RFC 3986 3.3, without '%' */
#define OCTET_HOST	0x40	/* a host name: letter, digit, '-', '_', '.' */
#define OCTET_PLAIN	0x80	/* in a path, and never more than itself */

extern const uint8_t	octet_class[256];

static inline bool
octet_is(char c, unsigned what)
{
	return (octet_class[(unsigned char)c] & what) != 0;
}

/* How a name looks to who maps it to a variable: lower case, digits, '-'. */
static inline char
octet_name(char c)
{
	return octet_is(c, OCTET_ALNUM) ? (char)(c | 0x20) : '-';
}

/* The value of a hex digit, or -1. */
static inline int
octet_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
