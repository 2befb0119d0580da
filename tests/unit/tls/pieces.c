/* Which bytes make a record. */
#include <sys/uio.h>

#include <criterion/criterion.h>
#include <string.h>

#include "tls/pieces.h"

#define GAP 64

static char source[4 * TLS_RECORD_BYTES];
static char memory[sizeof(source) + 8 * GAP];
static char scratch[TLS_RECORD_BYTES];

/* `source' in pieces of these sizes, each in a place of its own. */
static struct tls_pieces
pieces_of(struct iovec *iov, const size_t *sizes, int n)
{
	char *to = memory;
	size_t at = 0;

	for (size_t i = 0; i < sizeof(source); i++)
		source[i] = (char)(i * 31 + i / 256);
	iov[n] = (struct iovec){ source, 1 }; /* not theirs */
	for (int i = 0; i < n; i++) {
		iov[i] = (struct iovec){ to, sizes[i] };
		memcpy(to, source + at, sizes[i]);
		at += sizes[i];
		to += sizes[i] + GAP;
	}
	return (struct tls_pieces){ iov, n, 0 };
}

static const struct {
	size_t sizes[4];
	int n;
	size_t at, refused;
	size_t record;
	bool copied;
} cases[] = {
	{ { 100 }, 1, 0, 0, 100, false },
	{ { 100 }, 1, 60, 0, 40, false },
	{ { 100, 200 }, 2, 0, 0, 300, true },
	{ { 100, 200 }, 2, 30, 0, 270, true },
	{ { 100, 50 }, 2, 60, 0, 90, true },
	{ { 100, 0, 200 }, 3, 0, 0, 300, true },
	{ { 384, 16000 }, 2, 0, 0, 16384, true },
	{ { 385, 16000 }, 2, 0, 0, 385, false },
	{ { 385, 16000 }, 2, 1, 0, 16384, true },
	{ { 200, 100, 16320 }, 3, 0, 0, 300, true },
	{ { 16384, 10 }, 2, 0, 0, 16384, false },
	{ { 16385, 10 }, 2, 0, 0, 16384, false },
	{ { 40000 }, 1, 0, 0, 16384, false },
	{ { 40000 }, 1, 30000, 0, 10000, false },
	/* refused: what was sealed, however the pieces grew */
	{ { 9000 }, 1, 0, 7000, 7000, false },
	{ { 7000, 12000 }, 2, 0, 12000, 12000, true },
	{ { 7000, 12000 }, 2, 0, 7000, 7000, false },
	{ { 7000, 12000 }, 2, 0, 7001, 7001, true },
	{ { 10, 20, 30 }, 3, 0, 25, 25, true },
	{ { 10, 20, 0, 0 }, 2, 0, 50, 30, true },
};

Test(pieces, that_fit_share_a_record_and_a_refused_one_is_repeated)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct iovec iov[5];
		struct tls_pieces p =
		    pieces_of(iov, cases[i].sizes, cases[i].n);
		struct text record;

		p.at = cases[i].at;
		record = tls_pieces_record(&p, cases[i].refused, scratch);
		cr_assert_eq(record.n, cases[i].record, "case %zu", i);
		cr_assert_eq(
		    record.p == scratch, cases[i].copied, "case %zu", i);
		cr_assert_eq(memcmp(record.p, source + cases[i].at, record.n),
		    0, "case %zu", i);
	}
}

Test(pieces, are_skipped_bytewise_and_empty_ones_at_once)
{
	struct iovec iov[5];
	const size_t sizes[] = { 0, 10, 0, 5 };
	struct tls_pieces p = pieces_of(iov, sizes, 4);

	tls_pieces_skip(&p, 0);
	cr_assert_eq(p.n, 3);
	tls_pieces_skip(&p, 9);
	cr_assert_eq(p.n, 3);
	cr_assert_eq(p.at, 9);
	tls_pieces_skip(&p, 1);
	cr_assert_eq(p.n, 1);
	cr_assert_eq(p.at, 0);
	tls_pieces_skip(&p, 5);
	cr_assert_eq(p.n, 0);
}

Test(pieces, are_skipped_across_several_at_once)
{
	struct iovec iov[4];
	const size_t sizes[] = { 4, 4, 4 };
	struct tls_pieces p = pieces_of(iov, sizes, 3);

	tls_pieces_skip(&p, 9);
	cr_assert_eq(p.n, 1);
	cr_assert_eq(p.at, 1);
}
