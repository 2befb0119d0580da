/* base/buf against a plain array, by random operations. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/rng.h"
#include "tests/unit/base/buf_content.h"

#define BUFS 4
#define MODEL_MOST 300000

/* A buf and what should be in it. */
struct pair {
	struct buf buf;
	size_t n;
	unsigned char bytes[MODEL_MOST];
};

static void
model_drop(struct pair *p, size_t n)
{
	memmove(p->bytes, p->bytes + n, p->n - n);
	p->n -= n;
}

static void
model_add(struct pair *p, const void *bytes, size_t n)
{
	memcpy(p->bytes + p->n, bytes, n);
	p->n += n;
}

static size_t
some(struct rng *rng, size_t most)
{
	static const size_t scales[] = { 1, 10, 600, 20000, 70000 };
	size_t n = rng_below(rng, scales[rng_below(rng, 5)] + 1);

	return n < most ? n : most;
}

static void
op_append(struct rng *rng, struct pair *p)
{
	size_t n = some(rng, MODEL_MOST - p->n);

	if (n > sizeof(pattern))
		n = sizeof(pattern);
	buf_append(&p->buf, pattern, n);
	model_add(p, pattern, n);
}

static void
op_reserve(struct rng *rng, struct pair *p)
{
	size_t least = rng_below(rng, BUF_ROOM + 1), room, n;
	char *to = buf_reserve(&p->buf, least, &room);

	cr_assert_geq(room, least);
	cr_assert_gt(room, 0);
	n = some(rng, room);
	if (n > MODEL_MOST - p->n)
		n = 0;
	memcpy(to, pattern + 7, n);
	model_add(p, pattern + 7, n);
	buf_commit(&p->buf, n);
	if (rng_below(rng, 2))
		buf_release(&p->buf);
}

static void
op_move(struct rng *rng, struct pair *to, struct pair *from)
{
	size_t n = some(rng, from->n);

	if (to == from || n > MODEL_MOST - to->n)
		return;
	buf_move(&to->buf, &from->buf, n);
	model_add(to, from->bytes, n);
	model_drop(from, n);
}

static void
op_copy(struct rng *rng, struct pair *to, struct pair *from)
{
	size_t n = some(rng, from->n);

	if (to == from || n > MODEL_MOST - to->n)
		return;
	buf_copy(&to->buf, &from->buf, n);
	model_add(to, from->bytes, n);
}

static void
op_drop(struct rng *rng, struct pair *p)
{
	size_t n = rng_below(rng, 8) == 0 ? p->n : some(rng, p->n);

	buf_drop(&p->buf, n);
	model_drop(p, n);
}

static void
op_join(struct rng *rng, struct pair *p)
{
	size_t n = some(rng, p->n), room = some(rng, 40000);

	if (n == 0)
		return;
	cr_assert_eq(memcmp(buf_join(&p->buf, n, room), p->bytes, n), 0);
	cr_assert_geq(buf_front(&p->buf).n, n);
}

static void
run(uint64_t seed)
{
	static struct pair pairs[BUFS];
	struct rng rng;

	rng_seed(&rng, seed);
	for (int i = 0; i < 600; i++) {
		struct pair *p = &pairs[rng_below(&rng, BUFS)];
		struct pair *q = &pairs[rng_below(&rng, BUFS)];

		switch (rng_below(&rng, 8)) {
		case 0:
			op_append(&rng, p);
			break;
		case 1:
			op_reserve(&rng, p);
			break;
		case 2:
		case 3:
			op_move(&rng, p, q);
			break;
		case 4:
			op_copy(&rng, p, q);
			break;
		case 5:
		case 6:
			op_drop(&rng, p);
			break;
		default:
			op_join(&rng, p);
		}
		check_content(&p->buf, p->bytes, p->n);
		check_content(&q->buf, q->bytes, q->n);
	}
	for (int i = 0; i < BUFS; i++) {
		buf_clear(&pairs[i].buf);
		cr_assert_null(pairs[i].buf.first);
		cr_assert_null(pairs[i].buf.last);
		cr_assert_eq(pairs[i].buf.n, 0);
		pairs[i].n = 0;
	}
	cr_assert_eq(live(), 0, "seed %lu", (unsigned long)seed);
}

Test(buf_model, holds_what_a_plain_array_holds)
{
	fill_pattern();
	for (uint64_t seed = 1; seed <= 60; seed++)
		run(seed);
	block_pool_fini();
	cr_assert_eq(block_count().free_bytes, 0);
}
