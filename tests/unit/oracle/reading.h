#ifndef TESTS_ORACLE_READING_H
#define TESTS_ORACLE_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* What a reader makes of the first message in some bytes. */
enum verdict { READ_WHOLE, READ_PART, READ_REFUSED };

struct reading {
	enum verdict	 verdict;
	char		 why[96];	/* refused: in the reader's words */
	bool		 has_head;	/* head's facts are there, whole or part */
	char		 method[32];
	char		 target[4096];
	unsigned	 minor, status;
	size_t		 head_end;
	size_t		 end;		/* of the message; READ_WHOLE */
	size_t		 body;
	uint64_t	 body_hash;
	bool		 keep_alive;
	bool		 to_eof;	/* it has no end but the connection's */
};

enum reading_kind { READ_REQUEST, READ_RESPONSE, READ_RESPONSE_TO_HEAD };

void	read_by_fairlead(struct text, enum reading_kind, struct reading *);
void	read_by_llhttp(struct text, enum reading_kind, struct reading *);
void	reading_body(struct reading *, const char *, size_t);

#endif
