#ifndef TESTS_FUZZ_WORLD_H
#define TESTS_FUZZ_WORLD_H

#include <stdint.h>

struct worker;

/*
 * One worker of the proxy, with its ports, routes and upstreams, in the memory
 * kernel, and as much of control as it needs: real but for the listening
 * sockets.  Made anew for each run.
 */
struct worker	*world_begin(uint64_t seed);
/* Turn the loop until nothing is left to do without another event. */
void		 world_settle(void);
/* A connection of that client has been accepted. */
void		 world_accept(int fd);
/* The same configuration once more, as a new snapshot. */
void		 world_reload(void);
void		 world_drain(void);
/* End the worker; asserts that nothing of the run is left. */
void		 world_end(void);

#endif
