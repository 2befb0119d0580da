#ifndef TESTS_HTTP_H1_WIRED_H
#define TESTS_HTTP_H1_WIRED_H

#include "http/end.h"
#include "tests/unit/http/h1_wire.h"

/* The wire of the one test that runs. */
extern struct wire w;

/* For a suite's .init and .fini; tcp as in wire_open(). */
void	 wired_up(void);
void	 wired_up_tcp(void);
void	 wired_down(void);
/* Reset the stream for that reason as soon as that word is heard. */
void	 wired_reset_at(const char *word, enum end why);

#endif
