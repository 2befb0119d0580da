#ifndef NET_DESCRIPTORS_H
#define NET_DESCRIPTORS_H

#include <stdbool.h>

/*
 * Clients may not have all the descriptors of the process: a reserve stays for
 * what must go on when they have taken the rest.  Half of it is for connections
 * to servers, a quarter for admin's clients, and the rest for probes, log files
 * and a reload, which never ask.  Any thread.
 *
 * The kernel gives the lowest free number, so that a number tells how many are
 * in use at least: nothing is counted here.
 */
enum descriptor_use { FOR_CLIENTS, FOR_SERVERS, FOR_ADMIN };

/* At the start, with the limit as it will stay. */
void	descriptors_init(void);
/* This one, just made, is not for such use any more. */
bool	descriptors_short(int fd, enum descriptor_use);
/* Ask the kernel, by a copy of an open one, whether there are any again. */
bool	descriptors_left(int open_fd, enum descriptor_use);
/* Accepting stops for want of them, or goes on: said once for all that do. */
void	descriptors_tell(bool shortage);

#endif
