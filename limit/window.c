/*
 * Each bucket is one word {epoch, total, failed}: whoever finds the word of an
 * older epoch starts it anew in the same swap that counts, so no timer rolls
 * the window and no count falls between two epochs.
 */
#include <stdatomic.h>

#include "limit/window.h"

#define COUNT_BITS 20
#define COUNT_MAX ((UINT64_C(1) << COUNT_BITS) - 1)
#define EPOCH_MAX ((UINT64_C(1) << (64 - 2 * COUNT_BITS)) - 1)

struct bucket {
	uint64_t epoch, total, failed;
};

static bool bucket_roll(struct bucket *, uint64_t epoch);
static void bucket_count(struct bucket *, bool failed);
static bool bucket_is_recent(const struct bucket *, uint64_t epoch);
static struct bucket bucket_unpack(uint64_t);
static uint64_t bucket_pack(struct bucket);

void
window_add(struct window *window, uint64_t width_ns, uint64_t now, bool failed)
{
	uint64_t epoch = now / width_ns;
	_Atomic uint64_t *word = &window->buckets[epoch % WINDOW_BUCKETS];
	uint64_t seen = *word;
	struct bucket bucket;

	do {
		bucket = bucket_unpack(seen);
		if (!bucket_roll(&bucket, epoch & EPOCH_MAX))
			return;
		bucket_count(&bucket, failed);
	} while (
	    !atomic_compare_exchange_weak(word, &seen, bucket_pack(bucket)));
}

struct window_sum
window_sum(const struct window *window, uint64_t width_ns, uint64_t now)
{
	struct window_sum sum = { 0 };
	struct bucket bucket;

	for (unsigned i = 0; i < WINDOW_BUCKETS; i++) {
		bucket = bucket_unpack(window->buckets[i]);
		if (!bucket_is_recent(&bucket, now / width_ns))
			continue;
		sum.total += (unsigned)bucket.total;
		sum.failed += (unsigned)bucket.failed;
	}
	return sum;
}

void
window_clear(struct window *window)
{
	for (unsigned i = 0; i < WINDOW_BUCKETS; i++)
		window->buckets[i] = 0;
}

/* Make it a bucket of that epoch; false when it is one of a newer already. */
static bool
bucket_roll(struct bucket *bucket, uint64_t epoch)
{
	uint64_t ahead = (epoch - bucket->epoch) & EPOCH_MAX;

	if (ahead == 0)
		return true;
	if (bucket->total != 0 && ahead > EPOCH_MAX / 2)
		return false;
	*bucket = (struct bucket){ .epoch = epoch };
	return true;
}

/* A full bucket forgets half of what it has and keeps the rate. */
static void
bucket_count(struct bucket *bucket, bool failed)
{
	if (bucket->total == COUNT_MAX) {
		bucket->total /= 2;
		bucket->failed /= 2;
	}
	bucket->total++;
	bucket->failed += failed;
}

/* Other threads' clocks may have run a little ahead of this one's. */
static bool
bucket_is_recent(const struct bucket *bucket, uint64_t epoch)
{
	return ((epoch - bucket->epoch) & EPOCH_MAX) < WINDOW_BUCKETS ||
	    ((bucket->epoch - epoch) & EPOCH_MAX) < WINDOW_BUCKETS;
}

static struct bucket
bucket_unpack(uint64_t word)
{
	return (struct bucket){
		.epoch = word >> 2 * COUNT_BITS,
		.total = word >> COUNT_BITS & COUNT_MAX,
		.failed = word & COUNT_MAX,
	};
}

static uint64_t
bucket_pack(struct bucket bucket)
{
	return bucket.epoch << 2 * COUNT_BITS | bucket.total << COUNT_BITS |
	    bucket.failed;
}
