/*
 * The table of what each flow proves, held to the truth.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/lib/bytes.h"

Test(table, every_end_and_every_flow_is_in_it)
{
	const char *root = getenv("FAIRLEAD_ROOT");

	cr_assert_eq(system(keep_printf("%s/tests/flow/table.sh >&2",
			 root == NULL ? "." : root)),
	    0);
}
