#ifndef HEALTH_PROBE_H
#define HEALTH_PROBE_H

#include <stdbool.h>
#include <stdint.h>

struct addr;
struct fetcher;
struct loop;
struct probe;
struct probe_options;
struct prober;

/*
 * Asks servers by themselves whether they are well, over and over; what the
 * answers mean is the verdict's business.  Control thread only.
 *
 * At most `most' probes are under way at a time, so that thousands of servers do
 * not eat the descriptors; the others wait their turn.
 */
struct prober	*prober_new(struct loop *, struct fetcher *, unsigned most);
void		 prober_free(struct prober *);	/* its probes must be gone */

/* Valid during the callback only. */
struct probe_result {
	bool		 ok;
	const char	*detail;	/* "200", "connect refused", "status 503, expected 200-399" */
	uint64_t	 duration_ns;
};

/*
 * Probe that address from now on, the first time at once (within half a second
 * when there are many).  Address and options are copied.  A probe that failed
 * by our own doing (a stall, no descriptor) is not reported but repeated soon.
 * The probe may be freed or configured from its on_result.
 */
struct probe	*probe_new(struct prober *, const struct addr *,
		    const struct probe_options *, void (*on_result)(void *arg,
		    const struct probe_result *), void *arg);
/* Other options: probe at once by them.  The same options: nothing changes. */
void		 probe_configure(struct probe *, const struct probe_options *);
/*
 * The state is about to change: probe each second until told otherwise (each
 * interval when that is shorter).
 */
void		 probe_hurry(struct probe *, bool);
void		 probe_now(struct probe *);	/* once more at once, if none is under way */
void		 probe_free(struct probe *);	/* NULL is allowed */

#endif
