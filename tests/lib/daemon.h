#ifndef TESTS_LIB_DAEMON_H
#define TESTS_LIB_DAEMON_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * The real program under test: started with a configuration in a directory of
 * its own, driven by signals, watched through its log, its exit and /stats.
 * It dies with the test's process, however that ends.  All functions assert;
 * only for the test's own thread.
 */
struct daemon {
	pid_t		 pid;		/* 0: ended */
	char		*directory;	/* its own; tests may put files there */
	char		*config;	/* path of the configuration */
	char		*log;		/* path of what it wrote to stderr */
	char		*out;		/* and to stdout */
	int		 exit_status;	/* as of waitpid, once ended */
};

/* A fresh directory, in memory where there is any; removed at exit. */
char		*daemon_directory(void);

/* Write the YAML, start, and wait until it listens everywhere. */
struct daemon	*daemon_start(const char *yaml, ...)
		    __attribute__((format(printf, 1, 2)));
/* The same with a directory made before and environment pairs, or NULLs. */
struct daemon	*daemon_start_in(char *directory, const char *const env[],
		    const char *yaml, ...)
		    __attribute__((format(printf, 3, 4)));
/* Start without waiting for anything: it may refuse. */
struct daemon	*daemon_try(char *directory, const char *const env[],
		    const char *yaml, ...)
		    __attribute__((format(printf, 3, 4)));

/* The real port of a listener; waits for its line. */
int		 daemon_port(struct daemon *, const char *listener);
/* Whether that text comes up in its log in time, after the first `from' bytes. */
bool		 daemon_says(struct daemon *, size_t from, const char *text);
/* What it wrote to stderr so far, and how much. */
char		*daemon_log(struct daemon *);
size_t		 daemon_log_size(struct daemon *);

void		 daemon_write_config(struct daemon *, const char *yaml, ...)
		    __attribute__((format(printf, 2, 3)));
void		 daemon_signal(struct daemon *, int);
/* Write the YAML, HUP, and wait until it is in force. */
void		 daemon_reload(struct daemon *, const char *yaml, ...)
		    __attribute__((format(printf, 2, 3)));
/* The same, but it must be refused; what it said about it. */
char		*daemon_reload_refused(struct daemon *, const char *yaml, ...)
		    __attribute__((format(printf, 2, 3)));

/* Wait for its end; waitpid's status. */
int		 daemon_wait(struct daemon *, int ms);
/* TERM; it must exit 0, with no sanitizer's report and no leak. */
void		 daemon_stop(struct daemon *);
/* Built with a sanitizer: its memory is not the program's. */
bool		 daemon_is_sanitized(void);
/* Resident memory now, KiB. */
long		 daemon_rss(const struct daemon *);

/* ---- through the admin listener ---- */

/* The body of that path, which must answer 200. */
char		*daemon_admin(struct daemon *, const char *path);
/* Whether /readyz answers 200. */
bool		 daemon_is_ready(struct daemon *);
/* /stats, parsed. */
json_t		*daemon_stats(struct daemon *);
/* A number by path: "routes/all/requests"; it must be there. */
double		 daemon_stat(struct daemon *, const char *path);
/* A string by path, or NULL. */
const char	*daemon_stat_text(struct daemon *, const char *path);
/* A sample of /metrics, its labels as written, or -1: `name{a="b"}'. */
double		 daemon_metric(struct daemon *, const char *sample);
/*
 * Wait for a sample of /metrics, or a number of /stats, to be that: a request is
 * counted when its last byte is out, and a client may be faster.
 */
void		 must_count(struct daemon *, const char *sample, double);
void		 must_tell(struct daemon *, const char *path, double);
/* A server's entry in /stats, by name. */
json_t		*daemon_server(struct daemon *, const char *upstream,
		    const char *server);
/* Whether it is up in the program's own opinion. */
bool		 daemon_server_up(struct daemon *, const char *upstream,
		    const char *server);

#endif
