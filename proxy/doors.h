#ifndef PROXY_DOORS_H
#define PROXY_DOORS_H

struct conf_address;
struct conf_errors;
struct conf_listener;
struct control;
struct door;
struct plan;

/*
 * The listening sockets of all snapshots, by address: one that stays is never
 * touched.  Control thread.
 */

/*
 * Bind and listen on every address of the configuration that is not open yet.
 * -1 with the errors at their places; nothing has changed then.
 */
int	doors_prepare(struct control *, const struct plan *,
	    struct conf_errors *);
/* The open door of an address of that listener; NULL: could not be (admin). */
struct door	*door_find(struct control *, const struct conf_listener *,
		    const struct conf_address *);
void	door_unref(struct control *, struct door *);
/*
 * That worker does not turn: take its TCP sockets out of their groups, so that
 * new connections go to the others.  It can close none of them meanwhile.
 */
void	doors_shut(struct control *, unsigned worker);
/*
 * A snapshot is published: the doors that it does not have are given up, even
 * while an older one is in use.  Who comes back to such an address gets a new
 * door.
 */
void	doors_leave(struct control *);
/* Say once where the new doors are. */
void	doors_announce(struct control *, const struct plan *);

#endif
