#ifndef TESTS_FUZZ_WITNESS_H
#define TESTS_FUZZ_WITNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/fuzz/lib/strict.h"

struct client;
struct kernel_ops;
struct sock;

/*
 * Who watches a run from outside the proxy: each peer reads what it gets with
 * the strict reader, and requests are told apart by a number in their field
 * `Tag'.  Servers write that number of the request at hand into what they
 * answer.  The claims, asserted as they can be:
 *
 * - what the proxy writes is canonical, both ways;
 * - an answer carries no other number than that of its request;
 * - an answer ends cleanly only if its server's did, with the same body, and a
 *   server gets a request's end only if the client sent it, likewise;
 * - of a refused request nothing reaches a server, and no server is asked
 *   again before it has answered, or when it said more than was asked;
 * - a tunnel's bytes come as they were sent, to the end of its own peer.
 */

#define WITNESS_TAG	16	/* bytes a tag takes in text */
#define WITNESS_TAGS	256	/* requests of a run that have a number */
#define DOWN_TURNS	16	/* more requests than a client's connection may */
#define UP_TURNS	1024	/* or all of them together */
#define FIRST_WORD	9999	/* of a server on a new connection: it may be busy */

struct body {
	uint64_t	hash, n;
	bool		known;		/* its message was canonical as yet */
	bool		whole;
};

/* A request the script gave a number. */
struct errand {
	bool		accepted, refused;
	bool		over, read_whole;	/* by the proxy */
	bool		arrived_whole;
	struct body	sent;
	size_t		sent_to;	/* where it ends in what its client says */
};

struct turn {
	unsigned	tag;		/* 0: it has none */
	bool		head_request, connect;
};

/* A client's connection. */
struct up;
struct down {
	struct sock	*sock;
	struct strict	 says, hears;
	unsigned	 saying;	/* the number of its last canonical head */
	const struct client *client;	/* once there was a request */
	struct turn	 turns[DOWN_TURNS];	/* requests as the proxy took them */
	unsigned	 nturns, answers;
	bool		 tagged;	/* the answer at hand is a server's */
	struct body	 body;		/* its own */
	struct up	*tunnel;	/* NULL: none, or nobody can tell */
	size_t		 tunnel_at;	/* of its own bytes: heard at the other end */
	char		 tail[WITNESS_TAG];	/* to find what is cut in two */
	size_t		 ntail;
};

/* A server's. */
struct up {
	struct sock	*sock;
	struct strict	 says, hears;
	struct turn	 turns[UP_TURNS];
	struct body	 answers[UP_TURNS];
	unsigned	 nturns;
	struct body	 body;		/* of the request at hand */
	struct down	*tunnel;
	size_t		 tunnel_at;
	bool		 answered;	/* it has had its final head */
	bool		 spoilt;	/* and more: never to be asked again */
};

void	 witness_begin(uint64_t key);
void	 witness_end(void);
/* The text of a tag: what a client writes, or a server; none is left: 0. */
size_t	 witness_new_tag(char to[WITNESS_TAG]);
size_t	 witness_last_tag(char to[WITNESS_TAG]);
size_t	 witness_tag(const struct up *, char to[WITNESS_TAG]);

struct down *witness_down(void);
/* Bytes, and the end, that the script sends. */
void	 witness_down_says(struct down *, const char *, size_t);
void	 witness_up_says(struct up *, const char *, size_t);
void	 witness_up_ends(struct up *);
/* A live connection to a server, oldest first; NULL: there are not so many. */
struct up *witness_up(unsigned n);
/* Nothing is asked of it: what it says now nobody wants. */
bool	 witness_is_idle(const struct up *);

extern const struct kernel_ops witness_ops;

#endif
