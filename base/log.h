#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

/*
 * The program's own log, to stderr: sentences with the object first, one line
 * per change of fact.  Any thread.  Saves errno.  Never blocks a worker for
 * longer than one write(2) to stderr; each call site is limited to 20 lines a
 * second and says how many it held back.
 */
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_AUTO, LOG_TEXT, LOG_JSON };	/* auto: text on a tty */

struct log_site;			/* one per call site, for the rate limit */

void	log_setup(enum log_level, enum log_format);
bool	log_wants(enum log_level);
void	log_at(struct log_site *, enum log_level, const char *, ...)
	    __attribute__((format(printf, 3, 4)));
/* Start-up only: log and exit(1). */
_Noreturn void	log_fatal(const char *, ...)
	    __attribute__((format(printf, 1, 2)));

struct log_site {
	_Atomic unsigned long long	second;		/* any thread, relaxed */
	_Atomic unsigned		count, held;	/* any thread, relaxed */
};

#define LOG_(level, ...) do {						\
	static struct log_site log_site_;				\
	if (log_wants(level))						\
		log_at(&log_site_, level, __VA_ARGS__);			\
} while (0)
#define log_error(...)	LOG_(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)	LOG_(LOG_WARN, __VA_ARGS__)
#define log_info(...)	LOG_(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	LOG_(LOG_DEBUG, __VA_ARGS__)

#endif
