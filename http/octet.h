#ifndef HTTP_OCTET_H
#define HTTP_OCTET_H

#include <stdbool.h>
#include <stdint.h>

/* What a byte may be part of, one look-up each. */
#define OCTET_TOKEN	0x01	/* tchar, RFC 9110 5.6.2 */
#define OCTET_VALUE	0x02	/* field value: HTAB, SP, VCHAR, obs-text */
#define OCTET_VCHAR	0x04	/* 0x21..0x7e */
#define OCTET_UNRESERVED 0x08	/* RFC 3986 2.3 */
#define OCTET_PLAIN	0x10	/* stands for itself in a path: pchar, not '%', ';' or '.' */
#define OCTET_QUERY	0x20	/* stands for itself in a query: pchar / "/" / "?", not '%' */
#define OCTET_HOST	0x40	/* in a host name: letters, digits, '-', '_', '.' */

extern const uint8_t	octet_class[256];
extern const char	octet_name[256];	/* letters in lower case, digits, else '-' */
extern const int8_t	octet_hex[256];		/* value of a hex digit, or -1 */

static inline bool
octet_is(char c, unsigned what)
{
	return (octet_class[(unsigned char)c] & what) != 0;
}

#endif
