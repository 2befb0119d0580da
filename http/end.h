#ifndef HTTP_END_H
#define HTTP_END_H

#include <stdbool.h>

/* The table of ends as an enum and its columns; see ends.def. */
enum end {
	END_NONE,		/* it went well, or the server's own answer went through */
#define END(name, word, status, retry, blame, text)	END_##name,
#include "http/ends.def"
#undef END
	END_COUNT
};

enum end_retry { RETRY_NEVER, RETRY_UNSENT, RETRY_RESENDABLE };
enum end_blame { BLAME_NOBODY, BLAME_CLIENT, BLAME_SELF, BLAME_SERVER };

struct end_row {
	const char	*word;		/* log, metrics, X-Fairlead-Reason */
	const char	*text;		/* a sentence for people */
	unsigned	 status;	/* 0: nothing can be answered */
	enum end_retry	 retry;
	enum end_blame	 blame;
};

/* Always a row; END_NONE's word is "". */
const struct end_row	*end_row(enum end);

#endif
