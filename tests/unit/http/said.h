#ifndef TESTS_HTTP_SAID_H
#define TESTS_HTTP_SAID_H

#include "http/head.h"

/* What a head means, in words that a table can hold; begins empty. */
extern char	 said[8192];

void		 say(const char *format, ...)
		    __attribute__((format(printf, 1, 2)));
/* "|name=value" for each field that is left. */
void		 say_fields(const struct fields *);
/* " length:5 keep:9" and the like. */
void		 say_framing(const struct head *);

#endif
