#ifndef PROXY_CONTROL_H
#define PROXY_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "net/loop.h"
#include "stats/stats.h"

struct consul_link;
struct door;
struct fetcher;
struct gate;
struct group;
struct lease;
struct plan;
struct prober;
struct resolver;
struct signals;
struct snapshot;
struct stats_rates;
struct tls_tickets;
struct worker;
struct timer;
struct notifier;
struct addr;
struct access_file;

LIST_HEAD(group_list, group);

/* What became of the last reload; the start counts as the first. */
struct reload_report {
	bool		 ok;
	uint64_t	 at;		/* wall ns */
	char		**errors;	/* "file:line:col: message" */
	unsigned	 nerrors;
	uint64_t	 succeeded, failed;
	uint64_t	 loaded_at;	/* wall ns, of what serves */
};

enum control_stage {
	STAGE_STARTING, STAGE_SERVING,
	STAGE_LEAVING,		/* serves as before, but is not ready any more */
	STAGE_DRAINING,		/* no new connections; what runs may finish */
	STAGE_STOPPING
};

/*
 * The control thread: signals, configuration, discovery, probes, admin.  All
 * of it belongs to that thread; workers reach it by letters (the functions
 * marked so) and read only nworkers and workers, which never change.
 */
struct control {
	const char		*path;		/* of the configuration */
	struct worker		*self;
	struct loop		*loop;
	struct worker		**workers;
	unsigned		 nworkers;
	/* what serves */
	struct plan		*plan;
	struct snapshot		*snapshot;
	uint64_t		 generation;
	unsigned		 generations;	/* snapshots alive */
	struct group_list	 groups;	/* upstreams, live */
	struct door		**doors;	/* listening sockets */
	unsigned		 ndoors;
	struct gate		**gates;
	unsigned		 ngates;
	struct access_file	**files;	/* access logs, by path */
	unsigned		 nfiles;
	/* tools */
	struct signals		*signals;
	struct resolver		*resolver;
	struct fetcher		*fetcher;
	struct prober		*prober;
	struct consul_link	*consul;	/* as the plan says */
	struct notifier		*notifier;	/* NULL: files are looked at */
	struct tls_tickets	*tickets;
	struct stats_names	 names;
	struct stats_rates	*rates;
	/* state */
	enum control_stage	 stage;
	struct reload_report	 report;
	bool			 loading;	/* a builder is at work */
	bool			 load_again;	/* another reload was asked for meanwhile */
	struct again		 publish;	/* rosters changed */
	struct timer		*publish_later;	/* the same, not too soon */
	bool			 publish_soon;	/* that is set */
	uint64_t		 published_at;	/* monotonic ns */
	uint64_t		 snapshots;	/* so far */
	struct addr		*own;		/* what we listen on */
	unsigned		 nown;
	struct deadline		 tick;
	struct deadline		 leave_at;	/* the end of leaving */
	struct deadline		 stop_at;	/* the end of draining */
	uint64_t		 started_at;	/* monotonic ns */
	uint64_t		 started_wall;
	unsigned		 workers_ready, workers_drained, workers_ended;
	bool			 over;		/* only a builder may be at work still */
	bool			 all_probed;
	uint64_t		 last_second, last_ticket_turn;
	int			 status;	/* the process's exit status */
};

/*
 * Run until a signal ends it: load, listen, serve.  The exit status of the
 * process: 0, 1, or 78 when the configuration is invalid.
 */
int	control_run(const char *path);

/* Workers, by letter. */
void	control_lease_home(struct control *, struct lease *);
void	control_worker_ready(struct control *, struct worker *);
void	control_worker_drained(struct control *, struct worker *);
void	control_worker_ended(struct control *, struct worker *);

/*
 * On the control thread: the members of some upstream changed.  A snapshot says
 * so, one for all that come together and at most five a second.  Not while
 * draining.
 */
void	control_members_changed(struct control *);
/*
 * All listeners listen; and discovery and the first probes have answered, or
 * had a second.
 */
bool	control_is_ready(const struct control *);

#endif
