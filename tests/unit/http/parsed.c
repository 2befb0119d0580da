/* Heads from texts. */
#include "tests/unit/http/parsed.h"

#include <criterion/criterion.h>
#include <string.h>

const struct h1_limits wide = { 1 << 20, 1 << 20, 1000 };
struct arena arena;

ssize_t
parse_trailers(struct h1_parser *parser, struct head *head,
    struct arena *memory, const char *p, size_t n,
    const struct h1_limits *limits, enum end *why)
{
	return h1_parse_trailers(
	    parser, &head->fields, memory, p, n, limits, why);
}

static struct head
parsed(parse *how, const char *in)
{
	struct head head = { .status = 0 };
	struct h1_parser parser;
	enum end why;

	h1_parser_init(&parser);
	cr_assert_eq(how(&parser, &head, &arena, in, strlen(in), &wide, &why),
	    (ssize_t)strlen(in), "%s", in);
	return head;
}

struct head
parsed_request(const char *in)
{
	return parsed(h1_parse_request, in);
}

struct head
parsed_response(const char *in)
{
	return parsed(h1_parse_response, in);
}
