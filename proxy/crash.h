#ifndef PROXY_CRASH_H
#define PROXY_CRASH_H

struct worker;

/*
 * A fatal signal writes which worker and exchange it met, and which build this
 * is, before the process dies of it (DESIGN 8.17).
 */
void	crash_install(void);
/* The calling thread is that worker's. */
void	crash_thread(struct worker *);

#endif
