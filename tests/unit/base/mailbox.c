/* base/mailbox: order, wake-ups, many senders. */
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/mailbox.h"

#define SENDERS 4
#define LETTERS 20000

struct letter {
	struct mail mail;
	int sender, number;
};

static struct mailbox box;
static int seen[SENDERS], total;

static struct letter *
letter_of(struct mail *m)
{
	return (
	    struct letter *)(void *)((char *)m - offsetof(struct letter, mail));
}

/* Each sender's letters come in the order in which they were sent. */
static void
open_letter(struct mail *m)
{
	struct letter *l = letter_of(m);

	cr_assert_eq(l->number, seen[l->sender]);
	seen[l->sender]++;
	total++;
	free(l);
}

static void
post(int sender, int number)
{
	struct letter *l = malloc(sizeof(*l));

	*l = (struct letter){ { .open = open_letter }, sender, number };
	mailbox_post(&box, &l->mail);
}

static bool
rings(void)
{
	struct pollfd p = { .fd = box.fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void *
send_all(void *arg)
{
	for (int i = 0; i < LETTERS; i++)
		post((int)(long)arg, i);
	return NULL;
}

Test(mailbox, opens_the_oldest_first_and_rings_once)
{
	cr_assert_eq(mailbox_init(&box), 0);
	cr_assert_not(rings());
	mailbox_run(&box);
	for (int i = 0; i < 5; i++)
		post(0, i);
	cr_assert(rings());
	mailbox_run(&box);
	cr_assert_eq(total, 5);
	cr_assert_not(rings());
	post(0, 5);
	cr_assert(rings());
	mailbox_run(&box);
	cr_assert_eq(total, 6);
	mailbox_fini(&box);
	cr_assert_eq(box.fd, -1);
}

static void
open_and_answer(struct mail *m)
{
	(void)m;
	post(0, 0);
}

Test(mailbox, a_letter_may_bring_another)
{
	struct mail m = { .open = open_and_answer };

	mailbox_init(&box);
	mailbox_post(&box, &m);
	mailbox_run(&box);
	cr_assert_eq(total, 0, "it comes in the next round");
	cr_assert(rings());
	mailbox_run(&box);
	cr_assert_eq(total, 1);
	mailbox_fini(&box);
}

Test(mailbox, loses_nothing_from_four_threads, .timeout = 60)
{
	pthread_t threads[SENDERS];
	struct pollfd p;

	mailbox_init(&box);
	p = (struct pollfd){ .fd = box.fd, .events = POLLIN };
	for (long i = 0; i < SENDERS; i++)
		pthread_create(&threads[i], NULL, send_all, (void *)i);
	while (total < SENDERS * LETTERS) {
		cr_assert_eq(poll(&p, 1, 20000), 1, "a letter lies unheard");
		mailbox_run(&box);
	}
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(threads[i], NULL);
		cr_assert_eq(seen[i], LETTERS);
	}
	mailbox_fini(&box);
}
