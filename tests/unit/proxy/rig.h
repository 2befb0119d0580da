#ifndef TESTS_PROXY_RIG_H
#define TESTS_PROXY_RIG_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "proxy/control.h"
#include "tests/lib/wait.h"

struct histogram;

/* Pieces of configurations. */
#define ONE_WORKER	"workers: 1\n"
#define ON_HTTP		"listeners: { http: { address: \"127.0.0.1:0\" } }\n"
#define ON_ADMIN	"admin: { address: \"127.0.0.1:0\" }\n"
#define NO_LOG		"access_log: off\n"
#define TEAPOT		"routes: [{ name: pot, respond: { status: 418 } }]\n"
#define PLAIN		ON_HTTP ON_ADMIN NO_LOG TEAPOT

/*
 * A whole fairlead on the test's own thread: control as it starts itself, and
 * workers without threads, whose loops the test turns.  Between two turns
 * nothing moves, so everything may be looked at.  One for each test, since a
 * test is a process.  All functions assert.
 */

/* Start with that configuration; its log goes to a file, see rig_says. */
struct control	*rig_start(const char *yaml, ...)
		    __attribute__((format(printf, 1, 2)));
/* The same where something is wrong with it. */
struct control	*rig_refused(const char *yaml, ...)
		    __attribute__((format(printf, 1, 2)));
/* End gracefully, or at once, and free everything. */
void		 rig_stop(void);
void		 rig_stop_at_once(void);
/* What main would hear. */
void		 rig_signal(int signo);
/* Each loop once, in turn. */
void		 rig_turn(void);
/* One worker's alone: nworkers is control's. */
void		 rig_turn_one(unsigned worker);
/* A loop of the test's own is turned with the others. */
void		 rig_turn_also(struct loop *);
/* From here on the default address of admin has that port. */
void		 rig_default_admin(int port);
/* Write another configuration, reload, and wait for the outcome. */
void		 rig_reload(const char *yaml, ...)
		    __attribute__((format(printf, 1, 2)));
void		 rig_write(const char *yaml, ...)
		    __attribute__((format(printf, 1, 2)));
/* A directory of the test's own. */
const char	*rig_directory(void);
/* How often that is in what was logged so far. */
unsigned	 rig_says(const char *text);
/* That text as JSON; lives as long as the test. */
json_t		*rig_json(const char *text);
/* How many values were noted there. */
uint64_t	 rig_noted(const struct histogram *);

/* Turn until it is so. */
#define RIG_UNTIL(condition) do {					\
	int64_t rig_end_ = wait_deadline(20000);			\
									\
	while (!(condition)) {						\
		cr_assert_gt(wait_left(rig_end_), 0, "%s", #condition);	\
		rig_turn();						\
	}								\
} while (0)

/* A listener's real port. */
int		 rig_port(const char *listener);
/* A connection to 127.0.0.1, non-blocking. */
int		 rig_dial(int port);
void		 rig_send(int fd, const char *text);
/* An answer: turns until it is whole. */
struct rig_answer {
	int	 status;
	char	*head, *body;
};
struct rig_answer rig_answer(int fd);
/* Send and hear. */
struct rig_answer rig_ask(int fd, const char *text);
/* GET on a connection of its own. */
struct rig_answer rig_get(int port, const char *path);
/* Turns until the peer has ended the connection without a byte; closes it. */
void		 rig_must_end(int fd);

#endif
