/*
 * The only file that knows libcurl: its multi interface as a guest of the
 * control thread's loop.  Each fetch has a connection to a given address and one
 * deadline of the house for the whole, so that a stall of our own is
 * seen as such (curl's own timeouts would call it the server's).  Nothing of
 * the environment is let in: no proxy, no name service, no redirects.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/fetch.h"

#include "base/clock.h"
#include "base/container.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/guest.h"
#include "net/loop.h"

#define ERROR_MAX 160
/* At rest; curl would go by the fetches under way, of which there may be none. */
#define KEPT_MOST 256L
/*
 * Who waits for an answer sends nothing, and would not notice a host that is
 * gone before its whole patience is: so the kernel asks, and gives up.
 */
#define ALIVE_IDLE_S 15L
#define ALIVE_EVERY_S 5L
#define DEAD_MS 30000

struct fetcher {
	struct loop *loop;
	struct guest *guest;
	CURLM *multi;
	char *user_agent;
	unsigned open; /* fetches under way */
};

struct fetch {
	struct fetcher *fetcher;
	CURL *easy;
	struct curl_slist *headers, *there;
	struct deadline deadline;
	uint64_t started, timeout_ns;
	void (*done)(void *, const struct fetch_result *);
	void *arg;
	char *wanted[FETCH_FIELDS], *fields[FETCH_FIELDS];
	char *body;
	size_t n, body_most;
	bool tcp_only, keep;
	bool capped; /* there was more than body_most */
	int open_errno; /* why no socket could be opened; 0: it could */
};

static int on_want(CURL *, curl_socket_t, int, void *, void *);
static int on_timer(CURLM *, long, void *);
static void on_ready(void *, int, bool, bool);
static void on_timeout(void *);
static void reap(struct fetcher *);
static void finish(struct fetch *, CURLcode);
static void fetch_free(struct fetch *);
static void on_deadline(struct deadline *, bool);
static void set_common(struct fetch *);
static void set_target(struct fetch *, const struct fetch_request *);
static char *target_url(const struct fetch_request *, const char *where);
static void set_fields(struct fetch *, const struct fetch_request *);
static void set_tls(struct fetch *, const struct fetch_request *);
static void set_keep(struct fetch *, bool keep);
static size_t on_body(char *, size_t, size_t, void *);
static curl_socket_t on_open(void *, curlsocktype, struct curl_sockaddr *);
static void *must(void *);
static void hear_fields(struct fetch *, struct fetch_result *);
static void measure(struct fetch *, struct fetch_result *);
static uint64_t connect_time(struct fetch *);
static int wire_errno(struct fetch *);
static bool is_local(int);
static void explain(struct fetch *, CURLcode, char[ERROR_MAX]);
static void explain_timeout(struct fetch *, char[ERROR_MAX]);
static void explain_connect(int, char[ERROR_MAX]);

static const struct guest_ops guest_ops = {
	.ready = on_ready,
	.timeout = on_timeout,
};

struct fetcher *
fetcher_new(struct loop *loop, const char *user_agent)
{
	struct fetcher *fr = xcalloc(1, sizeof(*fr));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	fr->loop = loop;
	fr->guest = guest_new(loop, &guest_ops, fr);
	fr->user_agent = xstrdup(user_agent);
	fr->multi = must(curl_multi_init());
	curl_multi_setopt(fr->multi, CURLMOPT_SOCKETFUNCTION, on_want);
	curl_multi_setopt(fr->multi, CURLMOPT_SOCKETDATA, fr);
	curl_multi_setopt(fr->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(fr->multi, CURLMOPT_TIMERDATA, fr);
	curl_multi_setopt(fr->multi, CURLMOPT_MAXCONNECTS, KEPT_MOST);
	return fr;
}

void
fetcher_free(struct fetcher *fr)
{
	assert(fr->open == 0);
	curl_multi_cleanup(fr->multi);
	curl_global_cleanup();
	guest_free(fr->guest);
	free(fr->user_agent);
	free(fr);
}

struct fetch *
fetch_start(struct fetcher *fr, const struct fetch_request *request,
    void (*done)(void *, const struct fetch_result *), void *arg)
{
	struct fetch *f = xcalloc(1, sizeof(*f));

	assert(request->timeout_ns > 0 && request->to.len > 0);
	f->fetcher = fr;
	f->done = done;
	f->arg = arg;
	f->body_most = request->body_most;
	f->tcp_only = request->tcp_only;
	f->keep = request->keep;
	f->timeout_ns = request->timeout_ns;
	f->started = loop_now(fr->loop);
	f->easy = must(curl_easy_init());
	set_common(f);
	set_keep(f, request->keep);
	set_target(f, request);
	set_fields(f, request);
	if (request->tls != NULL)
		set_tls(f, request);
	f->deadline.fire = on_deadline;
	deadline_set(fr->loop, &f->deadline, request->timeout_ns);
	fr->open++;
	curl_multi_add_handle(fr->multi, f->easy);
	return f;
}

void
fetch_cancel(struct fetch *f)
{
	fetch_free(f);
}

/* curl: what it waits for on one of its sockets; the values are bits. */
static int
on_want(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	struct fetcher *fr = arg;

	(void)easy;
	(void)unused;
	guest_want(fr->guest, fd, what & CURL_POLL_IN, what & CURL_POLL_OUT);
	return 0;
}

static int
on_timer(CURLM *multi, long ms, void *arg)
{
	struct fetcher *fr = arg;

	(void)multi;
	if (ms < 0)
		guest_sleep(fr->guest);
	else
		guest_wake(fr->guest, (uint64_t)ms * CLOCK_MS);
	return 0;
}

static void
on_ready(void *arg, int fd, bool can_read, bool can_write)
{
	struct fetcher *fr = arg;
	int what = (can_read ? CURL_CSELECT_IN : 0) |
	    (can_write ? CURL_CSELECT_OUT : 0);
	int running;

	curl_multi_socket_action(fr->multi, fd, what, &running);
	reap(fr);
}

static void
on_timeout(void *arg)
{
	struct fetcher *fr = arg;
	int running;

	curl_multi_socket_action(fr->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	reap(fr);
}

/* Outside of curl's callbacks, so that done() may start and cancel fetches. */
static void
reap(struct fetcher *fr)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(fr->multi, &left)) != NULL) {
		CURLcode code = msg->data.result;
		char *f;

		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &f);
		finish((struct fetch *)(void *)f, code);
	}
}

static void
finish(struct fetch *f, CURLcode code)
{
	void (*done)(void *, const struct fetch_result *) = f->done;
	void *arg = f->arg;
	struct fetch_result result = { 0 };
	char *body = f->body, *fields[FETCH_FIELDS];
	char error[ERROR_MAX];

	measure(f, &result);
	result.ok = code == CURLE_OK || f->capped;
	if (result.ok) {
		result.body = body != NULL ? body : "";
		result.n = f->n;
		result.capped = f->capped;
		hear_fields(f, &result);
	} else {
		explain(f, code, error);
		result.error = error;
		result.local = is_local(wire_errno(f)) ||
		    loop_was_away_since(f->fetcher->loop, f->started);
	}
	f->body = NULL;
	memcpy(fields, f->fields, sizeof(fields));
	memset(f->fields, 0, sizeof(f->fields));
	fetch_free(f);
	done(arg, &result);
	free(body);
	for (unsigned i = 0; i < FETCH_FIELDS; i++)
		free(fields[i]);
}

static void
fetch_free(struct fetch *f)
{
	deadline_clear(&f->deadline);
	curl_multi_remove_handle(f->fetcher->multi, f->easy);
	curl_easy_cleanup(f->easy);
	curl_slist_free_all(f->headers);
	curl_slist_free_all(f->there);
	f->fetcher->open--;
	for (unsigned i = 0; i < FETCH_FIELDS; i++) {
		free(f->wanted[i]);
		free(f->fields[i]);
	}
	free(f->body);
	free(f);
}

/* An absence of the loop is seen again in finish(), by the same clock. */
static void
on_deadline(struct deadline *d, bool stalled)
{
	struct fetch *f = CONTAINER_OF(d, struct fetch, deadline);

	(void)stalled;
	finish(f, CURLE_OPERATION_TIMEDOUT);
}

static void
set_common(struct fetch *f)
{
	CURL *easy = f->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, f);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, f->fetcher->user_agent);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, f);
}

static void
set_keep(struct fetch *f, bool keep)
{
	curl_easy_setopt(f->easy, CURLOPT_FRESH_CONNECT, keep ? 0L : 1L);
	curl_easy_setopt(f->easy, CURLOPT_FORBID_REUSE, keep ? 0L : 1L);
	/* Queries that wait share a connection where the server has HTTP/2. */
	curl_easy_setopt(f->easy, CURLOPT_PIPEWAIT, keep ? 1L : 0L);
	curl_easy_setopt(f->easy, CURLOPT_TCP_KEEPALIVE, keep ? 1L : 0L);
	curl_easy_setopt(f->easy, CURLOPT_TCP_KEEPIDLE, ALIVE_IDLE_S);
	curl_easy_setopt(f->easy, CURLOPT_TCP_KEEPINTVL, ALIVE_EVERY_S);
}

static void
set_target(struct fetch *f, const struct fetch_request *request)
{
	char where[ADDR_TEXT_MAX];
	char *url;

	addr_print(&request->to, where);
	url = target_url(request, where);
	curl_easy_setopt(f->easy, CURLOPT_URL, url);
	free(url);
	if (addr_is_unix(&request->to))
		curl_easy_setopt(f->easy, CURLOPT_UNIX_SOCKET_PATH,
		    request->to.u.un.sun_path);
	if (request->tcp_only)
		curl_easy_setopt(f->easy, CURLOPT_CONNECT_ONLY, 1L);
}

static char *
target_url(const struct fetch_request *request, const char *where)
{
	const char *path = request->tcp_only ? "/" : request->path;

	if (addr_is_unix(&request->to))
		return xasprintf("http://localhost%s", path);
	if (request->tls != NULL)
		return xasprintf("https://%s:%u%s", request->tls->name,
		    addr_port(&request->to), path);
	return xasprintf("http://%s%s", where, path);
}

static void
set_fields(struct fetch *f, const struct fetch_request *request)
{
	if (request->host != NULL) {
		char *host = xasprintf("Host: %s", request->host);

		f->headers = must(curl_slist_append(NULL, host));
		free(host);
	}
	if (request->field != NULL)
		f->headers =
		    must(curl_slist_append(f->headers, request->field));
	curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, f->headers);
	for (unsigned i = 0; i < FETCH_FIELDS; i++)
		if (request->wanted[i] != NULL)
			f->wanted[i] = xstrdup(request->wanted[i]);
}

/* The name is for SNI and its proof alone: we know where to go. */
static void
set_tls(struct fetch *f, const struct fetch_request *request)
{
	const struct fetch_tls *tls = request->tls;
	char where[ADDR_TEXT_MAX];
	char *to;

	addr_print(&request->to, where);
	to = xasprintf("::%s", where);
	f->there = must(curl_slist_append(NULL, to));
	free(to);
	curl_easy_setopt(f->easy, CURLOPT_CONNECT_TO, f->there);
	if (tls->ca != NULL)
		curl_easy_setopt(f->easy, CURLOPT_CAINFO, tls->ca);
	if (tls->cert != NULL) {
		curl_easy_setopt(f->easy, CURLOPT_SSLCERT, tls->cert);
		curl_easy_setopt(f->easy, CURLOPT_SSLKEY, tls->key);
	}
}

/* Taking less than offered ends the transfer: that is how the cap works. */
static size_t
on_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct fetch *f = arg;
	size_t n = size * count, room = f->body_most - f->n;

	f->capped = n > room;
	if (f->capped)
		n = room;
	if (f->body == NULL)
		f->body = xmalloc(f->body_most + 1);
	memcpy(f->body + f->n, bytes, n);
	f->n += n;
	f->body[f->n] = '\0';
	return f->capped ? CURL_WRITEFUNC_ERROR : n;
}

/*
 * Ours to keep errno (no descriptor left is not the server's failure), and for
 * what curl has no word for; a Unix socket refuses that, and needs it not.
 */
static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	static const unsigned dead_ms = DEAD_MS;
	struct fetch *f = arg;
	int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);

	(void)purpose;
	if (fd == -1)
		f->open_errno = errno;
	else if (f->keep)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms,
		    sizeof(dead_ms));
	return fd;
}

static void *
must(void *p)
{
	if (p == NULL) {
		log_error("out of memory in libcurl");
		abort();
	}
	return p;
}

static void
hear_fields(struct fetch *f, struct fetch_result *result)
{
	struct curl_header *h;

	for (unsigned i = 0; i < FETCH_FIELDS; i++) {
		if (f->wanted[i] == NULL ||
		    curl_easy_header(f->easy, f->wanted[i], 0, CURLH_HEADER, -1,
			&h) != CURLHE_OK)
			continue;
		f->fields[i] = xstrdup(h->value);
		result->fields[i] = f->fields[i];
	}
}

static void
measure(struct fetch *f, struct fetch_result *result)
{
	long status = 0;

	curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
	result->connect_ns = connect_time(f);
	result->total_ns = loop_now(f->fetcher->loop) - f->started;
	result->status = (unsigned)status;
}

static uint64_t
connect_time(struct fetch *f)
{
	curl_off_t us = 0;

	curl_easy_getinfo(f->easy, CURLINFO_CONNECT_TIME_T, &us);
	return (uint64_t)us * CLOCK_US;
}

static int
wire_errno(struct fetch *f)
{
	long error = 0;

	if (f->open_errno != 0)
		return f->open_errno;
	curl_easy_getinfo(f->easy, CURLINFO_OS_ERRNO, &error);
	return (int)error;
}

/* Failures that say nothing of the server (DESIGN 8.15). */
static bool
is_local(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
	    error == ENOMEM || error == EADDRNOTAVAIL;
}

static void
explain(struct fetch *f, CURLcode code, char to[ERROR_MAX])
{
	const char *words;

	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		explain_timeout(f, to);
		return;
	case CURLE_COULDNT_CONNECT:
		explain_connect(wire_errno(f), to);
		return;
	case CURLE_GOT_NOTHING:
		words = "closed without an answer";
		break;
	case CURLE_PARTIAL_FILE:
		words = "answer was cut";
		break;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		words = "connection reset";
		break;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
		words = "answer is not HTTP";
		break;
	default:
		words = curl_easy_strerror(code);
	}
	snprintf(to, ERROR_MAX, "%s", words);
}

static void
explain_timeout(struct fetch *f, char to[ERROR_MAX])
{
	const char *what = connect_time(f) > 0 ? "" : "connect ";
	unsigned long long ms = f->timeout_ns / CLOCK_MS;

	if (ms % 1000 == 0)
		snprintf(
		    to, ERROR_MAX, "%stimed out after %llus", what, ms / 1000);
	else
		snprintf(to, ERROR_MAX, "%stimed out after %llums", what, ms);
}

static void
explain_connect(int error, char to[ERROR_MAX])
{
	if (error == ECONNREFUSED)
		snprintf(to, ERROR_MAX, "connect refused");
	else if (error == 0)
		snprintf(to, ERROR_MAX, "connect failed");
	else
		snprintf(to, ERROR_MAX, "connect failed: %s",
		    strerrordesc_np(error));
}
