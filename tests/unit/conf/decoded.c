/* A file that is good, and what was read from it. */
#include "tests/unit/conf/decoded.h"

#include <criterion/criterion.h>
#include <stdio.h>

struct conf *
parse(const char *yaml)
{
	struct conf_errors errors = { 0 };
	struct conf *conf = conf_parse("t.yaml", text_of(yaml), &errors);

	if (conf == NULL)
		conf_errors_print(&errors, stderr);
	conf_errors_fini(&errors);
	cr_assert_not_null(conf);
	return conf;
}

void
address_is(const struct conf_address *a, const char *text, unsigned line,
    unsigned column)
{
	cr_expect_str_eq(a->text, text);
	cr_expect_str_eq(a->place.file, "t.yaml");
	cr_expect(a->place.line == line && a->place.column == column,
	    "%s at %u:%u", text, a->place.line, a->place.column);
}

void
places_are(struct conf_place place, unsigned line, unsigned column)
{
	cr_expect(place.line == line && place.column == column,
	    "at %u:%u, not %u:%u", place.line, place.column, line, column);
}

void
field_is(const struct conf_field *f, const char *name, const char *value)
{
	cr_expect_str_eq(f->name, name);
	cr_expect_str_eq(f->value, value);
}
