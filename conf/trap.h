#ifndef CONF_TRAP_H
#define CONF_TRAP_H

#include "conf/conf.h"

/* What libyaml says about text it cannot read, and what it becomes. */
struct trap {
	struct text		 yaml;		/* the whole file */
	const char		*problem;	/* libyaml's words */
	const char		*context;	/* NULL: none */
	struct conf_place	 at;		/* in: where it stopped; out: where to look */
	struct conf_place	 begun;		/* where the context began */
	/* out */
	unsigned		 width;
	char			 message[160];
	char			 hint[160];	/* may be empty */
};

/* PURE.  Put `at' on the byte at that offset: libyaml gives no mark for bytes it cannot decode. */
void	trap_byte(struct trap *, size_t offset);
/* PURE.  Fill in message, hint and width, and move `at' to what has to be mended. */
void	trap_explain(struct trap *);

#endif
