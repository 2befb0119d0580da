#ifndef TESTS_BASE_BUF_CONTENT_H
#define TESTS_BASE_BUF_CONTENT_H

#include <stddef.h>

#include "base/buf.h"

/* Bytes that differ, once they are filled in. */
extern char	 pattern[70000];
void		 fill_pattern(void);

/* It holds exactly those, in no empty pieces. */
void		 check_content(const struct buf *, const void *want, size_t n);
/* Bytes of all blocks in use. */
size_t		 live(void);

#endif
