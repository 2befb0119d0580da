/*
 * How near the process is to its limit of descriptors.
 */
#include <sys/resource.h>

#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <unistd.h>

#include "net/descriptors.h"

#include "base/log.h"

#define PART 16 /* the reserve, of all */
#define LEAST 16
#define MOST 512

static atomic_bool told; /* any thread */

/* Written once, before there are threads. */
static int ends[] = { INT_MAX, INT_MAX, INT_MAX };

void
descriptors_init(void)
{
	struct rlimit limit;
	rlim_t reserve;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur > INT_MAX)
		return;
	reserve = limit.rlim_cur / PART;
	if (reserve < LEAST)
		reserve = LEAST;
	if (reserve > MOST)
		reserve = MOST;
	if (reserve > limit.rlim_cur / 2)
		reserve = limit.rlim_cur / 2;
	ends[FOR_CLIENTS] = (int)(limit.rlim_cur - reserve);
	ends[FOR_SERVERS] = (int)(limit.rlim_cur - reserve / 2);
	ends[FOR_ADMIN] = (int)(limit.rlim_cur - reserve / 4);
}

bool
descriptors_short(int fd, enum descriptor_use use)
{
	return fd >= ends[use];
}

bool
descriptors_left(int open_fd, enum descriptor_use use)
{
	int fd = fcntl(open_fd, F_DUPFD_CLOEXEC, 0);

	if (fd == -1)
		return false;
	close(fd);
	return !descriptors_short(fd, use);
}

void
descriptors_tell(bool shortage)
{
	if (atomic_exchange(&told, shortage) == shortage)
		return;
	if (shortage)
		log_warn("file descriptors: none left for new connections; "
			 "accepting pauses; raise the limit (LimitNOFILE=)");
	else
		log_info("file descriptors: accepting again");
}
