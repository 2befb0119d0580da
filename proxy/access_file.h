#ifndef PROXY_ACCESS_FILE_H
#define PROXY_ACCESS_FILE_H

#include <stdint.h>

struct conf;
struct conf_errors;
struct control;
struct ring;

/*
 * The access log's files by path, each with a flusher and a ring for every
 * worker; kept once opened, so a reload may come back to one.  Control thread.
 */

/* Open what the configuration names; -1 with the error. */
int		 access_file_prepare(struct control *, const struct conf *,
		    struct conf_errors *);
/* Its rings, by worker; NULLs when path is NULL: no log. */
struct ring	**access_file_rings(struct control *, const char *path);
void		 access_files_reopen(struct control *);
uint64_t	 access_files_dropped(const struct control *);
void		 access_files_free(struct control *);

#endif
