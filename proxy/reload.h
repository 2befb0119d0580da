#ifndef PROXY_RELOAD_H
#define PROXY_RELOAD_H

#include <stdbool.h>

struct conf_errors;
struct control;
struct plan;
struct reload_report;

/*
 * A new configuration: read and checked in a builder thread, then prepared and
 * published on the control thread; any error leaves everything as it was.
 */
void	reload_start(struct control *);
/*
 * Prepare and publish.  False with the errors, nothing changed and the plan
 * not taken; else the plan's reference is control's.
 */
bool	reload_commit(struct control *, struct plan *, struct conf_errors *);
/* A snapshot from the current plan and the members as they are now. */
void	reload_publish(struct control *);
void	reload_report_clear(struct reload_report *);

#endif
