/*
 * The classes of bytes that the grammars of RFC 3986, 9110 and 9112 speak of,
 * in one table, so that every file draws the lines at the same place.
 */
#include "http/octet.h"

#define VISIBLE (OCTET_VALUE | OCTET_VCHAR)
#define PATH (VISIBLE | OCTET_PCHAR | OCTET_PLAIN)
#define MARK (PATH | OCTET_TOKEN | OCTET_UNRESERVED)
#define LETTER (MARK | OCTET_ALNUM | OCTET_HOST)

const uint8_t octet_class[256] = {
	['\t'] = OCTET_VALUE,
	[' '] = OCTET_VALUE,
	['0' ... '9'] = LETTER,
	['A' ... 'Z'] = LETTER,
	['a' ... 'z'] = LETTER,
	/* unreserved marks */
	['-'] = MARK | OCTET_HOST,
	['_'] = MARK | OCTET_HOST,
	['~'] = MARK,
	['.'] = (MARK | OCTET_HOST) & ~OCTET_PLAIN,
	/* sub-delims */
	['!'] = PATH | OCTET_TOKEN,
	['$'] = PATH | OCTET_TOKEN,
	['&'] = PATH | OCTET_TOKEN,
	['\''] = PATH | OCTET_TOKEN,
	['*'] = PATH | OCTET_TOKEN,
	['+'] = PATH | OCTET_TOKEN,
	['('] = PATH,
	[')'] = PATH,
	[','] = PATH,
	[';'] = VISIBLE | OCTET_PCHAR,
	['='] = PATH,
	/* gen-delims */
	[':'] = PATH,
	['@'] = PATH,
	['/'] = VISIBLE,
	['?'] = VISIBLE,
	['#'] = VISIBLE | OCTET_TOKEN,
	['['] = VISIBLE,
	[']'] = VISIBLE,
	/* what no URI holds */
	['%'] = VISIBLE | OCTET_TOKEN,
	['^'] = VISIBLE | OCTET_TOKEN,
	['`'] = VISIBLE | OCTET_TOKEN,
	['|'] = VISIBLE | OCTET_TOKEN,
	['"'] = VISIBLE,
	['<'] = VISIBLE,
	['>'] = VISIBLE,
	['\\'] = VISIBLE,
	['{'] = VISIBLE,
	['}'] = VISIBLE,
	/* obs-text */
	[0x80 ... 0xff] = OCTET_VALUE,
};
