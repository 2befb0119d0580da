#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "conf/grammar.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct example {
	const char *text;
	bool good;
};

static void
check(bool (*grammar)(struct text, const char **), const char *what,
    const struct example *examples, size_t n)
{
	const char *hint;
	size_t i;

	for (i = 0; i < n; i++) {
		hint = NULL;
		cr_expect_eq(grammar(text_of(examples[i].text), &hint),
		    examples[i].good, "%s '%s'", what, examples[i].text);
		cr_expect(!examples[i].good || hint == NULL, "%s '%s': %s",
		    what, examples[i].text, hint);
	}
}

Test(grammar, names_are_plain)
{
	static const struct example examples[] = {
		{ "a", true },
		{ "A-z_0.9", true },
		{ "", false },
		{ "a b", false },
		{ "a/b", false },
		{ "a:b", false },
		{ "\xc3\xbc", false },
	};

	check(grammar_name, "name", examples, COUNT(examples));
}

Test(grammar, names_and_labels_have_at_most_128_bytes)
{
	char long_name[130];
	const char *hint;

	memset(long_name, 'a', sizeof(long_name));
	cr_assert(grammar_name((struct text){ long_name, 128 }, &hint));
	cr_assert(!grammar_name((struct text){ long_name, 129 }, &hint));
	cr_assert(grammar_label((struct text){ long_name, 128 }, &hint));
	cr_assert(!grammar_label((struct text){ long_name, 129 }, &hint));
}

Test(grammar, labels_are_printable)
{
	static const struct example examples[] = {
		{ "/api/*", true },
		{ "a b", true },
		{ "\xc3\xbc", true },
		{ "", false },
		{ "a\tb", false },
		{ "a\n", false },
		{ "\x7f", false },
		{ "\x1f", false },
	};

	check(grammar_label, "label", examples, COUNT(examples));
}

Test(grammar, texts_hold_no_nul)
{
	const char *hint = NULL;

	cr_assert(grammar_text(TEXT(""), &hint));
	cr_assert(grammar_text(TEXT("a\n\x01"), &hint));
	cr_assert(!grammar_text(TEXT("a\0b"), &hint));
}

Test(grammar, hosts_are_exact_or_one_wildcard_label)
{
	static const struct example examples[] = {
		{ "a", true },
		{ "a.example.com", true },
		{ "A_b-c.d", true },
		{ "*.example.com", true },
		{ "*.a", true },
		{ "127.0.0.1", true },
		{ "[::1]", true },
		{ "[1::]", true },
		{ "*", false },
		{ "*.", false },
		{ "", false },
		{ ".", false },
		{ "a.", false },
		{ ".a", false },
		{ "a..b", false },
		{ "a:80", false },
		{ "[::1]:80", false },
		{ "[1.2.3.4]", false },
		{ "[]", false },
		{ "[::1", false },
		{ "::1", false },
		{ "a.*.b", false },
		{ "*a.b", false },
		{ "*.*.b", false },
		{ "http://a", false },
		{ "a/b", false },
		{ "a b", false },
		{ "\xc3\xbc.de", false },
	};

	check(grammar_host, "host", examples, COUNT(examples));
}

Test(grammar, host_labels_have_at_most_63_bytes_and_hosts_253)
{
	char host[256];
	const char *hint;
	size_t i;

	memset(host, 'a', sizeof(host));
	cr_assert(grammar_host((struct text){ host, 63 }, &hint));
	cr_assert(!grammar_host((struct text){ host, 64 }, &hint));
	for (i = 1; i < sizeof(host); i += 2)
		host[i] = '.';
	cr_assert(grammar_host((struct text){ host, 253 }, &hint));
	cr_assert(!grammar_host((struct text){ host, 255 }, &hint));
}

Test(grammar, authorities_may_have_a_port)
{
	static const struct example examples[] = {
		{ "a.example", true },
		{ "a.example:80", true },
		{ "a:1", true },
		{ "a:65535", true },
		{ "[::1]", true },
		{ "[::1]:443", true },
		{ "1.2.3.4:5", true },
		{ "a:", false },
		{ "a:0", false },
		{ "a:65536", false },
		{ "a:x", false },
		{ ":80", false },
		{ "::1", false },
		{ "a/b", false },
		{ "*.a", false },
		{ "", false },
		{ "u@a", false },
	};

	check(grammar_authority, "authority", examples, COUNT(examples));
}

Test(grammar, patterns_have_a_star_only_after_the_last_slash)
{
	static const struct example examples[] = {
		{ "/", true },
		{ "/*", true },
		{ "/a", true },
		{ "/a/*", true },
		{ "/a/b.c/d%20e", true },
		{ "/~a!$&'()+,;=:@", true },
		{ "", false },
		{ "a", false },
		{ "*", false },
		{ "/a*", false },
		{ "/*/a", false },
		{ "/a/**", false },
		{ "/a?b", false },
		{ "/a#b", false },
		{ "/a b", false },
		{ "/\x7f", false },
		{ "/{a}", false },
		{ "/a\\b", false },
		{ "/\xc3\xbc", false },
		{ "/a\"", false },
		{ "/<", false },
	};

	check(grammar_pattern, "pattern", examples, COUNT(examples));
}

Test(grammar, paths_may_have_a_query)
{
	static const struct example examples[] = {
		{ "/", true },
		{ "/a?b=c&d", true },
		{ "/a?b?c", true },
		{ "/a?", true },
		{ "?a", false },
		{ "a?b", false },
		{ "/a?b c", false },
		{ "/a?b#c", false },
		{ "/a b?c", false },
	};

	check(grammar_path, "path", examples, COUNT(examples));
}

Test(grammar, prefixes_are_whole_segments)
{
	static const struct example examples[] = {
		{ "/a", true },
		{ "/a/b", true },
		{ "/", false },
		{ "/a/", false },
		{ "/a/*", false },
		{ "a", false },
		{ "/*", false },
		{ "/a?b", false },
	};

	check(grammar_prefix, "prefix", examples, COUNT(examples));
}

Test(grammar, methods_are_upper_case_tokens)
{
	static const struct example examples[] = {
		{ "GET", true },
		{ "M-SEARCH", true },
		{ "X1", true },
		{ "get", false },
		{ "GETx", false },
		{ "", false },
		{ "G T", false },
		{ "G(", false },
		{ "CONNECT", false },
		{ "CONNECTED", true },
	};

	check(grammar_method, "method", examples, COUNT(examples));
}

Test(grammar, fields_are_tokens_that_the_proxy_does_not_own)
{
	static const struct example examples[] = {
		{ "X-Team", true },
		{ "a!#$%&'*+-.^_`|~9", true },
		{ "Server", true },
		{ "Te-a", true },
		{ "", false },
		{ "a b", false },
		{ "a:", false },
		{ "\xc3", false },
		{ "Connection", false },
		{ "content-LENGTH", false },
		{ "Host", false },
		{ "Keep-Alive", false },
		{ "Proxy-Connection", false },
		{ "TE", false },
		{ "Trailer", false },
		{ "Transfer-Encoding", false },
		{ "Upgrade", false },
	};

	check(grammar_field, "field", examples, COUNT(examples));
}

Test(grammar, values_are_printable_and_no_templates)
{
	static const struct example examples[] = {
		{ "", true },
		{ "a\tb c", true },
		{ "\xc3\xbc\xff", true },
		{ "$ ( $a", true },
		{ "a\r", false },
		{ "a\n", false },
		{ "\x7f", false },
		{ "\x01", false },
		{ "$(client_ip)", false },
		{ "a $(", false },
	};

	check(grammar_value, "value", examples, COUNT(examples));
}
