#ifndef TESTS_LIB_HERD_H
#define TESTS_LIB_HERD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The three servers of the chaos test, each a process of its own (bin/chaos.c),
 * and the one who kills, stops and revives them by a plan with chance in it.
 * What was done to whom and when is remembered, and so is what they logged.
 * All functions assert; only for the test's own thread.
 */
enum { HERD_SERVERS = 3, HERD_ANY = 0 };

enum herd_mood {
	HERD_WILD,	/* faults of every kind, sometimes all down at once */
	HERD_KILLER	/* well-behaved servers, of which one is killed again
			 * and again */
};

struct herd;

/* What the servers' logs say of one request. */
struct herd_fact {
	unsigned char	 seen, done;	/* how often */
	bool		 cut, closed, left, wrong;
};

/* Start them; `period_ms' from one fault's end to the next (killer: begin). */
struct herd	*herd_start(const char *directory, enum herd_mood,
		    unsigned period_ms);
int		 herd_port(const struct herd *, unsigned server);
/* Do what is due; to be called every few milliseconds. */
void		 herd_tick(struct herd *);
/* Everybody up and running, for good. */
void		 herd_settle(struct herd *);
/* End them all. */
void		 herd_stop(struct herd *);

/* How often somebody was killed, was stopped; how often all were down. */
unsigned	 herd_kills(const struct herd *);
unsigned	 herd_stops(const struct herd *);
unsigned	 herd_outages(const struct herd *);
/* Whether the server on that port, or any, was killed in that time. */
bool		 herd_was_killed(const struct herd *, int port, int64_t from,
		    int64_t until);
/* Whether there was a time in it when all were down. */
bool		 herd_was_gone(const struct herd *, int64_t from, int64_t until);
/* By id, for ids below n; after herd_stop(). */
struct herd_fact *herd_facts(const struct herd *, unsigned n);

#endif
