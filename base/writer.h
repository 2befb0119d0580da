#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The flusher: one thread that writes lines to one file, so that no worker
 * ever waits for a disk or a pipe.  Each producer thread has its own
 * single-producer byte ring; the flusher looks each 100 ms or when a ring is
 * half full, never per line.  A full ring drops the line and counts it; a full
 * disk or a blocked pipe stops only the flusher, and the next line starts
 * clean.
 */
struct writer;
struct ring;

/* path "stdout" is descriptor 1; a file is opened 0640, append, O_NOFOLLOW. NULL with errno on failure. */
struct writer	*writer_new(const char *path);
void		 writer_free(struct writer *);		/* flushes what it can within 1 s, joins the thread */
void		 writer_reopen(struct writer *);	/* any thread; the file is opened anew at the next turn */
struct ring	*writer_ring(struct writer *);		/* one for each producer thread; owned by the writer */
/* The producer of that ring only. Whole lines with their newline. False: dropped. */
bool		 ring_put(struct ring *, const char *line, size_t n);
uint64_t	 writer_dropped(const struct writer *);	/* lines, all rings; any thread */

#endif
