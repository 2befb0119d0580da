#ifndef TESTS_PROXY_EXCHANGED_H
#define TESTS_PROXY_EXCHANGED_H

#include "http/end.h"
#include "limit/breaker.h"
#include "tests/unit/proxy/rig.h"

#define ASK "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

/* Of the one test that runs: a rig with one worker, and its server. */
extern struct control	*control;
extern struct worker	*w;
extern struct origin	*o;

/* One upstream u with o's server and what else, a route r to it. */
void		 start(const char *servers, const char *upstream,
		    const char *route);
/* The same with a server that is silent, and one request that it has got. */
struct exchange	*wait_for_answer(const char *upstream, const char *route);

/* On a connection of its own, which is over. */
struct rig_answer ask(const char *request);
bool		 says(const char *head, const char *text);

struct stats_upstream *upstream_stats(void);
/* The upstream's, by its place in the roster. */
struct server	*server(unsigned i);
struct pool	*pool(unsigned i);
uint64_t	 failures(unsigned i, enum end why);

/* A circuit breaker that opens at the first of these. */
#define BREAKER(on) \
	", circuit_breaker: { consecutive_failures: 1, failure_on: [" on \
	"], open_for: 7s }"
/* The upstream's. */
struct breaker_look looked(void);

/* The last line of the access log, there when all is stopped. */
json_t		*last_line(void);
/* "" and -1 when there is none of that name. */
const char	*text(const json_t *doc, const char *key);
double		 number(const json_t *doc, const char *key);

#endif
