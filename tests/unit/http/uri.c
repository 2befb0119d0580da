/*
 * Paths, queries and authorities: each row is what comes in and what it means,
 * or that it is refused.
 */
#include "http/uri.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "guard.h"

#define IN(s) \
	{ \
		(s), sizeof(s) - 1 \
	}
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct arena arena;

/* What is canonical stays where it is: no copy. */
static const char *const canonical_paths[] = {
	"/",
	"/a",
	"/a/",
	"/a/b.c/d",
	"/.well-known/acme",
	"/a.",
	"/a./b",
	"/a../b",
	"/...",
	"/.../a",
	"/a..b",
	"/.a",
	"/..a/b",
	"/a-_~!$&'()*+,=:@0",
	"/%20%2B%3F%23%25%5B%C3%A9%FF",
	"/%7C",
	"/%252e%252e/",
};

static const struct {
	const char *in, *out;
} paths[] = {
	/* RFC 3986 6.2.2.1 and 2.3 */
	{ "/%7euser", "/~user" },
	{ "/%41%61%30%2D%2E%5F%7E", "/Aa0-._~" },
	{ "/%c3%a9", "/%C3%A9" },
	{ "/%C3%a9", "/%C3%A9" },
	{ "/%c3%A9", "/%C3%A9" },
	{ "/%2b", "/%2B" },
	{ "/%cA", "/%CA" },
	{ "/%Ca", "/%CA" },
	{ "/%a9", "/%A9" },
	/* dot segments, RFC 3986 5.2.4 */
	{ "/.", "/" },
	{ "/./", "/" },
	{ "/a/.", "/a/" },
	{ "/a/./b", "/a/b" },
	{ "/a/..", "/" },
	{ "/a/../", "/" },
	{ "/a/../b", "/b" },
	{ "/a/b/..", "/a/" },
	{ "/a/b/../..", "/" },
	{ "/a/b/../../c", "/c" },
	{ "/a/b/c/./../../g", "/a/g" },
	{ "/a/%2e%2e/b", "/b" },
	{ "/a/%2E./b", "/b" },
	{ "/a/.%2e/b", "/b" },
	{ "/a/%2e/b", "/a/b" },
	{ "/%2e", "/" },
	{ "/public/%2e%2e/admin", "/admin" },
	/* repeated slashes */
	{ "//", "/" },
	{ "//a", "/a" },
	{ "/a//b", "/a/b" },
	{ "/a///", "/a/" },
	{ "/a//../b", "/b" },
	{ "/a/.//b", "/a/b" },
	{ "/a/../..//b", NULL },
	/* bytes that no path holds, as browsers send them */
	{ "/a[1]", "/a%5B1%5D" },
	{ "/{a}|b^`", "/%7Ba%7D%7Cb%5E%60" },
	{ "/\"<>", "/%22%3C%3E" },
	/* above the root */
	{ "/..", NULL },
	{ "/../", NULL },
	{ "/../a", NULL },
	{ "/a/../..", NULL },
	{ "/a/../../b", NULL },
	{ "/%2e%2e", NULL },
	{ "/./..", NULL },
	{ "//..", NULL },
	/* others may decode these */
	{ "/%2f", NULL },
	{ "/a%2Fb", NULL },
	{ "/..%2fb", NULL },
	{ "/%5c", NULL },
	{ "/a%5Cb", NULL },
	{ "/a\\b", NULL },
	{ "/..\\a", NULL },
	{ "/%00", NULL },
	{ "/a%0a", NULL },
	{ "/%1f", NULL },
	{ "/%7f", NULL },
	/* path parameters */
	{ "/a;b", NULL },
	{ "/..;/a", NULL },
	{ "/a/..;x=y/b", NULL },
	{ "/;/a", NULL },
	{ "/a%3bb", NULL },
	{ "/a%3Bb", NULL },
	/* not encoded well */
	{ "/%", NULL },
	{ "/%2", NULL },
	{ "/%zz", NULL },
	{ "/%4", NULL },
	{ "/%g0", NULL },
	{ "/%0g", NULL },
	{ "/%%41", NULL },
	{ "/%u0041", NULL },
	/* not in a path at all */
	{ "/a#b", NULL },
	{ "/a?b", NULL },
	{ "/a b", NULL },
	{ "/a\tb", NULL },
	{ "/a\x7f", NULL },
	{ "/a\x01", NULL },
	{ "/caf\xc3\xa9", NULL },
	{ "/\xff", NULL },
};

static struct text
guard(const char *s)
{
	return (struct text){ guarded_copy(text_of(s)), strlen(s) };
}

Test(uri, a_canonical_path_is_left_alone)
{
	size_t i;

	for (i = 0; i < COUNT(canonical_paths); i++) {
		struct text in = guard(canonical_paths[i]), out = in;

		cr_assert(uri_path(&out, 0, &arena), "%s", canonical_paths[i]);
		cr_assert_eq(out.p, in.p, "%s", canonical_paths[i]);
		cr_assert_eq(out.n, in.n, "%s", canonical_paths[i]);
	}
}

Test(uri, a_path_has_one_form_or_is_refused)
{
	size_t i;

	for (i = 0; i < COUNT(paths); i++) {
		struct text in = guard(paths[i].in), out = in, again;
		bool passed = uri_path(&out, 0, &arena);

		cr_assert_eq(passed, paths[i].out != NULL, "%s", paths[i].in);
		if (!passed) {
			cr_assert(out.p == in.p && out.n == in.n);
			continue;
		}
		cr_assert(text_equal(out, text_of(paths[i].out)), "%s: %.*s",
		    paths[i].in, TEXT_ARG(out));
		again = out;
		cr_assert(uri_path(&again, 0, &arena));
		cr_assert_eq(again.p, out.p, "%s", paths[i].out);
	}
}

#define ALL_ (URI_ENCODED_SLASH | URI_ENCODED_BACKSLASH | URI_PARAMETERS)

static const struct {
	unsigned allowed;
	const char *in, *out; /* NULL: refused */
} granted_paths[] = {
	{ URI_ENCODED_SLASH, "/a%2fb", "/a%2Fb" },
	{ URI_ENCODED_SLASH, "/a%2F/%2F/b", "/a%2F/%2F/b" },
	{ URI_ENCODED_SLASH, "/a%5cb", NULL },
	{ URI_ENCODED_SLASH, "/a;b", NULL },
	{ URI_ENCODED_BACKSLASH, "/a%5cb", "/a%5Cb" },
	{ URI_ENCODED_BACKSLASH, "/a%2fb", NULL },
	{ URI_ENCODED_BACKSLASH, "/a\\b", NULL },
	{ URI_PARAMETERS, "/a;b=c/;d", "/a;b=c/;d" },
	{ URI_PARAMETERS, "/a%3bb", "/a%3Bb" },
	{ URI_PARAMETERS, "/a%2fb", NULL },
	{ ALL_, "/a;b/../c", "/c" },
	{ ALL_, "/a/./b;c", "/a/b;c" },
	{ ALL_, "/...;a/..b;c/c..;", "/...;a/..b;c/c..;" },
	{ ALL_, "/a%00", NULL },
	{ ALL_, "/a%0d", NULL },
	/* dots that only some would see */
	{ ALL_, "/a/..;/b", NULL },
	{ ALL_, "/a/..;x", NULL },
	{ ALL_, "/a/.;x/b", NULL },
	{ ALL_, "/a/..%3bx/b", NULL },
	{ ALL_, "/a/..%2fb", NULL },
	{ ALL_, "/a/%2e%2e%2Fb", NULL },
	{ ALL_, "/a%2f..", NULL },
	{ ALL_, "/a%2f../b", NULL },
	{ ALL_, "/a%5c..%5cb", NULL },
	{ ALL_, "/a%2f.%2fb", NULL },
	{ ALL_, "/a;..", NULL },
};

Test(uri, what_is_granted_stays_as_it_is_and_hides_no_dots)
{
	size_t i;

	for (i = 0; i < COUNT(granted_paths); i++) {
		struct text in = guard(granted_paths[i].in), out = in;
		const char *want = granted_paths[i].out;
		bool passed = uri_path(&out, granted_paths[i].allowed, &arena);

		cr_assert_eq(passed, want != NULL, "%s", granted_paths[i].in);
		cr_assert(text_equal(out, want == NULL ? in : text_of(want)),
		    "%s: %.*s", granted_paths[i].in, TEXT_ARG(out));
	}
}

Test(uri, a_path_with_nul_is_refused)
{
	struct text in = IN("/a\0b");

	cr_assert_not(uri_path(&in, 0, &arena));
}

/* Every byte, plain and encoded: nothing falls between the classes. */
Test(uri, every_encoded_byte_is_decoded_kept_or_refused)
{
	unsigned c;

	for (c = 0; c < 256; c++) {
		bool unreserved = (c >= '0' && c <= '9') ||
		    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c != 0 && strchr("-._~", (int)c) != NULL);
		bool refused =
		    c < 0x20 || c == 0x7f || c == '/' || c == '\\' || c == ';';
		char in[16];
		struct text path = { in, 5 };

		snprintf(in, sizeof(in), "/x%%%02X", c);
		cr_assert_eq(uri_path(&path, 0, &arena), !refused, "%s", in);
		if (refused)
			continue;
		if (unreserved)
			cr_assert(path.n == 3 && path.p[2] == (char)c);
		else
			cr_assert_eq(path.p, in);
	}
}

static const struct {
	const char *in, *out;
} queries[] = {
	{ "", "" },
	{ "a=b&c=d", "a=b&c=d" },
	{ "a=/../?;:@!$'()*+,", "a=/../?;:@!$'()*+," },
	{ "%2f%00%0d%41", "%2f%00%0d%41" },
	{ "a[]=1", "a%5B%5D=1" },
	{ "{\"a\":<b>|^`\\}", "%7B%22a%22:%3Cb%3E%7C%5E%60%5C%7D" },
	{ "%41[]", "%41%5B%5D" },
	{ "[%41]", "%5B%41%5D" },
	{ "100%", NULL },
	{ "%zz", NULL },
	{ "%4", NULL },
	{ "[%", NULL },
	{ "[%4", NULL },
	{ "[%4g", NULL },
	{ "a#b", NULL },
	{ "[#", NULL },
	{ "a b", NULL },
	{ "\x7f", NULL },
	{ "\x80", NULL },
};

Test(uri, a_query_keeps_its_bytes_where_it_may)
{
	size_t i;

	for (i = 0; i < COUNT(queries); i++) {
		struct text in = guard(queries[i].in), out = in;
		bool passed = uri_query(&out, &arena);

		cr_assert_eq(
		    passed, queries[i].out != NULL, "%s", queries[i].in);
		if (!passed) {
			cr_assert(out.p == in.p && out.n == in.n);
			continue;
		}
		cr_assert(text_equal(out, text_of(queries[i].out)), "%s: %.*s",
		    queries[i].in, TEXT_ARG(out));
		if (strcmp(queries[i].in, queries[i].out) == 0)
			cr_assert_eq(out.p, in.p);
	}
}

static const struct {
	const char *in, *authority, *host; /* NULL: refused */
} authorities[] = {
	{ "a", "a", "a" },
	{ "a.example:80", "a.example:80", "a.example" },
	{ "A", "A", "a" },
	{ "Z", "Z", "z" },
	{ "A.Example:8080", "A.Example:8080", "a.example" },
	{ "a_b-c.d", "a_b-c.d", "a_b-c.d" },
	{ "127.0.0.1", "127.0.0.1", "127.0.0.1" },
	{ "[::1]", "[::1]", "[::1]" },
	{ "[::1]:443", "[::1]:443", "[::1]" },
	{ "[2001:DB8::1]:1", "[2001:DB8::1]:1", "[2001:db8::1]" },
	{ "[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]" },
	{ "a:1", "a:1", "a" },
	{ "a:65535", "a:65535", "a" },
	/* an empty port is none; a last dot is not the host's */
	{ "a:", "a", "a" },
	{ "[::1]:", "[::1]", "[::1]" },
	{ "a.example.", "a.example.", "a.example" },
	{ "A.:80", "A.:80", "a" },
	/* RFC 9110 4.2: no host, no userinfo */
	{ "", NULL, NULL },
	{ ":80", NULL, NULL },
	{ "u@a", NULL, NULL },
	{ "u:p@a", NULL, NULL },
	{ "a:80@b", NULL, NULL },
	/* names that are none */
	{ ".", NULL, NULL },
	{ ".a", NULL, NULL },
	{ "a..b", NULL, NULL },
	{ "a..", NULL, NULL },
	{ "a b", NULL, NULL },
	{ "a,b", NULL, NULL },
	{ "a/b", NULL, NULL },
	{ "a?b", NULL, NULL },
	{ "a#b", NULL, NULL },
	{ "a\\b", NULL, NULL },
	{ "%61", NULL, NULL },
	{ "a%00", NULL, NULL },
	{ "a*b", NULL, NULL },
	{ "a~", NULL, NULL },
	{ "caf\xc3\xa9", NULL, NULL },
	{ "a\x7f", NULL, NULL },
	/* ports that are none */
	{ "a:0", NULL, NULL },
	{ "a:080", NULL, NULL },
	{ "a:65536", NULL, NULL },
	{ "a:99999999999999999999", NULL, NULL },
	{ "a:8x", NULL, NULL },
	{ "a:-1", NULL, NULL },
	{ "a:+80", NULL, NULL },
	{ "a:80:80", NULL, NULL },
	{ "a::", NULL, NULL },
	{ "::1", NULL, NULL },
	/* literals that are none */
	{ "[]", NULL, NULL },
	{ "[", NULL, NULL },
	{ "[::1", NULL, NULL },
	{ "[::1]x", NULL, NULL },
	{ "[::1]80", NULL, NULL },
	{ "[::1]]", NULL, NULL },
	{ "[::1].", NULL, NULL },
	{ "[127.0.0.1]", NULL, NULL },
	{ "[a]", NULL, NULL },
	{ "[::1%25lo]", NULL, NULL },
	{ "[::1%lo]", NULL, NULL },
	{ "[v1.x:y]", NULL, NULL },
	{ "[1:2:3:4:5:6:7:8:9]", NULL, NULL },
	{ "a[::1]", NULL, NULL },
};

Test(uri, an_authority_is_a_host_and_perhaps_a_port)
{
	size_t i;

	for (i = 0; i < COUNT(authorities); i++) {
		struct text authority = guard(authorities[i].in);
		struct text host = TEXT_NONE;
		bool passed = uri_authority(&authority, &host, &arena);

		cr_assert_eq(passed, authorities[i].host != NULL, "%s",
		    authorities[i].in);
		if (!passed)
			continue;
		cr_assert(
		    text_equal(authority, text_of(authorities[i].authority)),
		    "%s: %.*s", authorities[i].in, TEXT_ARG(authority));
		cr_assert(text_equal(host, text_of(authorities[i].host)),
		    "%s: %.*s", authorities[i].in, TEXT_ARG(host));
	}
}

Test(uri, a_host_in_lower_case_stays_where_it_lies)
{
	struct text authority = TEXT("www.example:80"), host;

	cr_assert(uri_authority(&authority, &host, &arena));
	cr_assert_eq(host.p, authority.p);
}

Test(uri, a_host_name_is_at_most_255_bytes)
{
	char name[256];
	struct text longest = { name, 255 }, longer = { name, 256 }, host;

	memset(name, 'a', sizeof(name));
	cr_assert(uri_authority(&longest, &host, &arena));
	cr_assert_eq(host.n, 255);
	cr_assert_not(uri_authority(&longer, &host, &arena));
}
