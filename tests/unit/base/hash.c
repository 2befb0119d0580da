/* base/hash. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/hash.h"

/* XXH3_64bits of nothing with seed 0, from its reference. */
Test(hash, is_xxh3)
{
	cr_assert_eq(hash_text(TEXT_NONE, 0), 0x2d06800538d394c2);
	cr_assert_eq(hash_text(text_of(""), 0), 0x2d06800538d394c2);
	cr_assert_neq(hash_text(text_of("a"), 0), hash_text(text_of("b"), 0));
	cr_assert_neq(hash_text(text_of("a"), 0), hash_text(text_of("a"), 1));
	cr_assert_neq(hash_text(text_of("a"), 0), hash_text(text_of("aa"), 0));
}

Test(hash, fold_ignores_case_and_nothing_else)
{
	struct text a = text_of("www.EXAMPLE.org"),
		    b = text_of("WWW.example.org");

	cr_assert_eq(hash_text_fold(a, 7), hash_text_fold(b, 7));
	cr_assert_neq(hash_text_fold(a, 7), hash_text_fold(a, 8));
	cr_assert_neq(hash_text_fold(a, 7),
	    hash_text_fold(text_of("www.example.orh"), 7));
}

/* Each byte of a name of several pieces counts, also at the seams. */
Test(hash, fold_reads_long_names_to_the_end)
{
	char s[600];
	uint64_t before;

	memset(s, 'A', sizeof(s));
	before = hash_text_fold((struct text){ s, sizeof(s) }, 1);
	for (size_t i = 0; i < sizeof(s); i++) {
		s[i] = 'b';
		cr_assert_neq(hash_text_fold((struct text){ s, sizeof(s) }, 1),
		    before, "%zu", i);
		s[i] = 'a';
		cr_assert_eq(hash_text_fold((struct text){ s, sizeof(s) }, 1),
		    before, "%zu", i);
	}
}

/* Every input bit flips about half of the output bits. */
Test(hash, mix_spreads_each_bit)
{
	cr_assert_eq(hash_mix(0), 0);
	cr_assert_eq(hash_mix(1), 0xb456bcfc34c2cb2c);
	for (int bit = 0; bit < 64; bit++) {
		int changed = 0;

		for (uint64_t x = 1; x <= 64; x++)
			changed += __builtin_popcountll(hash_mix(x * 77) ^
			    hash_mix((x * 77) ^ (1ull << bit)));
		cr_assert(changed > 28 * 64 && changed < 36 * 64, "bit %d: %d",
		    bit, changed);
	}
}
