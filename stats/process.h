#ifndef STATS_PROCESS_H
#define STATS_PROCESS_H

struct view_process;

/*
 * Fill it for this process, from /proc and getrusage; what cannot be read is
 * 0.  Control thread.
 */
void	process_read(struct view_process *);

#endif
