/* Codecs kept for the next message, of conns that have none meanwhile. */
#include <criterion/criterion.h>

#include <sys/eventfd.h>

#include <malloc.h>

#include "http/h1.h"

#include "net/conn.h"
#include "net/loop.h"
#include "tests/lib/drive.h"

#define MOST 300
#define KEPT 256

static const struct h1_settings settings = { .limits = { 4096, 1024, 20 } };
static const struct h1_client_owner owner;
static const struct conn_ops idle;
static struct loop *loop;
static struct conn conns[MOST];

static void
set_up(void)
{
	loop = loop_new();
	for (unsigned i = 0; i < MOST; i++)
		cr_assert_eq(conn_open(&conns[i], loop, eventfd(0, EFD_CLOEXEC),
				 &idle, NULL),
		    0);
}

static void
tear_down(void)
{
	for (unsigned i = 0; i < MOST; i++)
		conn_close(&conns[i]);
	loop_free(loop);
}

TestSuite(h1_pool, .init = set_up, .fini = tear_down, .timeout = 60);

/* So many codecs at once, then none. */
static void
rise_and_fall(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		h1_ask(&conns[i], &settings, false, &owner, NULL);
	for (unsigned i = 0; i < n; i++)
		h1_drop(&conns[i]);
	drive_once(loop);
}

/* Bytes of heap that the pool holds after so many; 0 under ASan. */
static size_t
held_after(unsigned n)
{
	size_t before, after;

	h1_pool_fini();
	before = mallinfo2().uordblks;
	rise_and_fall(n);
	after = mallinfo2().uordblks;
	h1_pool_fini();
	return after > before ? after - before : 0;
}

/* A peak is not paid for ever. */
Test(h1_pool, keeps_no_more_than_its_most)
{
	rise_and_fall(MOST);
	cr_assert_leq(KEPT * held_after(MOST), (KEPT + 16) * held_after(KEPT));
}

Test(h1_pool, gives_all_back_at_its_end)
{
	size_t before;

	rise_and_fall(MOST);
	h1_pool_fini();
	before = mallinfo2().uordblks;
	for (unsigned i = 0; i < 4; i++) {
		rise_and_fall(MOST);
		h1_pool_fini();
	}
	cr_assert_leq(mallinfo2().uordblks, before + 16384);
}
