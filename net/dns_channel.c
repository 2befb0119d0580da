/*
 * One c-ares channel: its settings, its sockets and its timeout on our loop.
 * Two tries with short timeouts and EDNS, so that an answer of fifty addresses
 * needs no second way over TCP.  Control thread.
 */
#include <ares.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "net/dns_channel.h"

#include "base/clock.h"
#include "base/mem.h"
#include "net/guest.h"
#include "net/loop.h"

#define CLASS_IN 1
#define TIMEOUT_MS 2000 /* of the first try; twice that for the second */
#define TRIES 2
#define EDNS_BYTES 1232 /* what passes everywhere without fragments */

struct dns_channel {
	ares_channel ares; /* NULL: not open */
	struct guest *guest;
};

static bool
channel_open(struct dns_channel *, const struct dns_settings *, int);
static void channel_close(struct dns_channel *);
static bool has_one_server(ares_channel);
static void channel_pump(struct dns_channel *);
static void on_want(void *, ares_socket_t, int, int);
static void on_ready(void *, int, bool, bool);
static void on_timeout(void *);

static const struct guest_ops guest_ops = {
	.ready = on_ready,
	.timeout = on_timeout,
};

struct dns_channel *
dns_channel_new(struct loop *loop, const struct dns_settings *settings)
{
	struct dns_channel *ch = xcalloc(1, sizeof(*ch));
	int flags = ARES_FLAG_EDNS;

	ch->guest = guest_new(loop, &guest_ops, ch);
	if (!channel_open(ch, settings, flags))
		goto fail;
	if (!has_one_server(ch->ares))
		return ch;
	/* With no other to turn to, a server's failure is the answer. */
	channel_close(ch);
	flags |= ARES_FLAG_NOCHECKRESP;
	if (!channel_open(ch, settings, flags))
		goto fail;
	return ch;

fail:
	dns_channel_free(ch);
	return NULL;
}

void
dns_channel_free(struct dns_channel *ch)
{
	if (ch == NULL)
		return;
	channel_close(ch);
	guest_free(ch->guest);
	free(ch);
}

void
dns_channel_ask(struct dns_channel *ch, const char *name, int family,
    ares_addrinfo_callback done, void *arg)
{
	const struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT,
		.ai_family = family,
	};

	ares_getaddrinfo(ch->ares, name, NULL, &hints, done, arg);
	channel_pump(ch);
}

void
dns_channel_query(struct dns_channel *ch, const char *name, int type,
    ares_callback done, void *arg)
{
	ares_query(ch->ares, name, CLASS_IN, type, done, arg);
	channel_pump(ch);
}

const char *
dns_status_words(int status)
{
	switch (status) {
	case ARES_ENOTFOUND:
		return "no such name";
	case ARES_ENODATA:
		return "the name has no address";
	case ARES_ESERVFAIL:
		return "server failure";
	case ARES_EREFUSED:
		return "the DNS server refuses to answer";
	case ARES_ETIMEOUT:
		return "timed out";
	case ARES_ECONNREFUSED:
		return "no DNS server answered";
	case ARES_EBADNAME:
		return "not a valid name";
	case ARES_EBADRESP:
	case ARES_EFORMERR:
		return "the DNS server's answer makes no sense";
	case ARES_EDESTRUCTION:
		return "resolv.conf has changed";
	default:
		return ares_strerror(status);
	}
}

/* c-ares copies the strings; only its struct wants them writable. */
static bool
channel_open(
    struct dns_channel *ch, const struct dns_settings *settings, int flags)
{
	char *lookups = xstrdup(settings->lookups);
	char *resolv_conf = xstrdup(settings->resolv_conf);
	struct ares_options o = {
		.flags = flags | ARES_FLAG_NOALIASES,
		.ednspsz = EDNS_BYTES,
		.timeout = TIMEOUT_MS,
		.tries = TRIES,
		.lookups = lookups,
		.resolvconf_path = resolv_conf,
		.sock_state_cb = on_want,
		.sock_state_cb_data = ch,
	};
	int status = ares_init_options(&ch->ares, &o,
	    ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS |
		ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF |
		ARES_OPT_SOCK_STATE_CB);

	free(lookups);
	free(resolv_conf);
	if (status == ARES_SUCCESS && settings->servers != NULL)
		status =
		    ares_set_servers_ports_csv(ch->ares, settings->servers);
	return status == ARES_SUCCESS;
}

static void
channel_close(struct dns_channel *ch)
{
	if (ch->ares != NULL)
		ares_destroy(ch->ares);
	ch->ares = NULL;
}

static bool
has_one_server(ares_channel ares)
{
	struct ares_addr_port_node *list = NULL;
	bool one;

	ares_get_servers_ports(ares, &list);
	one = list != NULL && list->next == NULL;
	ares_free_data(list);
	return one;
}

/* After whatever c-ares was made to do: its next timeout may be another. */
static void
channel_pump(struct dns_channel *ch)
{
	struct timeval tv, *next = ares_timeout(ch->ares, NULL, &tv);

	if (next == NULL)
		guest_sleep(ch->guest);
	else
		guest_wake(ch->guest,
		    (uint64_t)next->tv_sec * CLOCK_S +
			(uint64_t)next->tv_usec * CLOCK_US);
}

static void
on_want(void *arg, ares_socket_t fd, int read, int write)
{
	struct dns_channel *ch = arg;

	guest_want(ch->guest, fd, read != 0, write != 0);
}

static void
on_ready(void *arg, int fd, bool can_read, bool can_write)
{
	struct dns_channel *ch = arg;

	ares_process_fd(ch->ares, can_read ? fd : ARES_SOCKET_BAD,
	    can_write ? fd : ARES_SOCKET_BAD);
	channel_pump(ch);
}

static void
on_timeout(void *arg)
{
	struct dns_channel *ch = arg;

	ares_process_fd(ch->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	channel_pump(ch);
}
