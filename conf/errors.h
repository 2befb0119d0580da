#ifndef CONF_ERRORS_H
#define CONF_ERRORS_H

#include <stdarg.h>

#include "conf/conf.h"

/* A file as read, kept while loading so that an error can show its line. */
struct conf_source {
	const char		*name;
	struct text		 text;
	struct conf_source	*next;		/* in the order of reading */
};

/* Where a fault is and what the caret and the words under it are. */
struct fault {
	struct conf_place	 place;
	unsigned		 width;		/* 0 is 1 */
	bool			 warning;
	const char		*hint;		/* copied; NULL: none */
};

#define ERRORS_KEPT	1000	/* more are only counted */
#define ERRORS_PRINTED	20	/* of each kind */

/* Copies all it is given; control bytes in the message become '?'. */
void	errors_add(struct conf_errors *, const struct fault *, const char *, ...)
	    __attribute__((format(printf, 3, 4)));
void	errors_vadd(struct conf_errors *, const struct fault *, const char *,
	    va_list) __attribute__((format(printf, 3, 0)));
/* By file as read, line and column; equal places stay in order. */
void	errors_sort(struct conf_errors *);

#endif
