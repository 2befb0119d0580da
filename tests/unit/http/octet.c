/*
 * The classes of bytes against the grammars, spelled out as strings.
 */
#include "http/octet.h"

#include <criterion/criterion.h>
#include <string.h>

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ALNUMS DIGITS LETTERS

static void
class_is(unsigned what, const char *members)
{
	unsigned c;

	for (c = 0; c < 256; c++)
		cr_assert_eq(octet_is((char)c, what),
		    c != 0 && strchr(members, (int)c) != NULL,
		    "class %02x, byte %02x", what, c);
}

/* RFC 9110 5.6.2 */
Test(octet, token_is_tchar)
{
	class_is(OCTET_TOKEN, ALNUMS "!#$%&'*+-.^_`|~");
}

/* RFC 9110 5.5 */
Test(octet, value_is_all_but_controls)
{
	unsigned c;

	for (c = 0; c < 256; c++)
		cr_assert_eq(octet_is((char)c, OCTET_VALUE),
		    c == '\t' || (c >= 0x20 && c != 0x7f), "%02x", c);
}

Test(octet, vchar_is_visible_ascii)
{
	unsigned c;

	for (c = 0; c < 256; c++)
		cr_assert_eq(octet_is((char)c, OCTET_VCHAR),
		    c > 0x20 && c < 0x7f, "%02x", c);
}

/* RFC 3986 2.3, 3.3 */
Test(octet, uri_classes_are_those_of_the_rfc)
{
	class_is(OCTET_ALNUM, ALNUMS);
	class_is(OCTET_UNRESERVED, ALNUMS "-._~");
	class_is(OCTET_PCHAR, ALNUMS "-._~!$&'()*+,;=:@");
	class_is(OCTET_PLAIN, ALNUMS "-_~!$&'()*+,=:@");
	class_is(OCTET_HOST, ALNUMS "-._");
}

Test(octet, name_maps_all_but_letters_and_digits_to_a_hyphen)
{
	cr_assert_eq(octet_name('A'), 'a');
	cr_assert_eq(octet_name('z'), 'z');
	cr_assert_eq(octet_name('0'), '0');
	cr_assert_eq(octet_name('9'), '9');
	cr_assert_eq(octet_name('_'), '-');
	cr_assert_eq(octet_name('-'), '-');
	cr_assert_eq(octet_name('.'), '-');
	cr_assert_eq(octet_name('~'), '-');
}

Test(octet, hex_is_hex)
{
	const char *digits = "0123456789abcdef", *upper = "ABCDEF";
	unsigned c;

	for (c = 0; c < 256; c++) {
		const char *at = c == 0 ? NULL : strchr(digits, (int)c);
		const char *up = c == 0 ? NULL : strchr(upper, (int)c);
		int value = at != NULL ? (int)(at - digits)
		    : up != NULL       ? (int)(up - upper) + 10
				       : -1;

		cr_assert_eq(octet_hex((char)c), value, "%02x", c);
	}
}
