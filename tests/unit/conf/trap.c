/* conf/trap: where a byte is that libyaml cannot read. */
#include <criterion/criterion.h>

#include "conf/trap.h"

Test(trap, a_byte_is_found_by_lines_and_characters)
{
	static const char yaml[] = "\na\n\n\xc3\xa9x\ny";
	static const struct {
		size_t offset;
		unsigned line, column;
	} cases[] = {
		{ 0, 1, 1 },
		{ 1, 2, 1 },
		{ 2, 2, 2 },
		{ 3, 3, 1 },
		{ 4, 4, 1 },
		{ 6, 4, 2 },
		{ 7, 4, 3 },
		{ 8, 5, 1 },
		{ 9, 5, 2 },
		{ 100, 5, 2 },
	};
	struct trap t = { .yaml = TEXT(yaml) };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		trap_byte(&t, cases[i].offset);
		cr_expect(t.at.line == cases[i].line &&
			t.at.column == cases[i].column,
		    "byte %zu is at %u:%u", cases[i].offset, t.at.line,
		    t.at.column);
	}
}
