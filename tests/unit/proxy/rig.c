/*
 * Control itself with one thing changed: the thread of a worker does nothing,
 * and the test turns the worker's loop instead.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/worker.h"

static int start_without_thread(struct worker *);

#define worker_start start_without_thread
#include "proxy/control.c"
#undef worker_start

#include "base/addr.h"
#include "tests/lib/bytes.h"
#include "tests/lib/daemon.h"
#include "tests/lib/drive.h"
#include "tests/unit/proxy/rig.h"

static struct control rig;
static struct loop *other;
static struct bytes received[1024]; /* by descriptor */
static unsigned started;
static int default_admin; /* its port; 0: the usual one */
static char *directory, *path, *log_path;

static void *
nothing(void *arg)
{
	return arg;
}

static int
start_without_thread(struct worker *w)
{
	started++;
	return pthread_create(&w->thread, NULL, nothing, NULL) == 0 ? 0 : -1;
}

static void
turn_worker(struct worker *w)
{
	if (w->lease == NULL && w->draining)
		return;
	drive_once(w->loop);
	if (w->lease != NULL || !w->draining)
		return;
	exchange_spares_fini(w);
	control_worker_ended(&rig, w);
}

void
rig_turn_one(unsigned worker)
{
	if (worker < rig.nworkers)
		turn_worker(rig.workers[worker]);
	else
		drive_once(rig.loop);
}

void
rig_turn(void)
{
	for (unsigned i = 0; i <= rig.nworkers; i++)
		rig_turn_one(i);
	if (other != NULL)
		drive_once(other);
}

void
rig_turn_also(struct loop *loop)
{
	other = loop;
}

void
rig_default_admin(int port)
{
	default_admin = port;
}

const char *
rig_directory(void)
{
	if (directory == NULL) {
		directory = daemon_directory();
		path = keep_printf("%s/test.yaml", directory);
		log_path = keep_printf("%s/log", directory);
	}
	return directory;
}

static void
write_config(const char *yaml, va_list list)
{
	FILE *f;

	rig_directory();
	f = fopen(path, "w");
	cr_assert_not_null(f);
	vfprintf(f, yaml, list);
	fclose(f);
}

void
rig_write(const char *yaml, ...)
{
	va_list list;

	va_start(list, yaml);
	write_config(yaml, list);
	va_end(list);
}

/* As control_run does it. */
static struct control *
try_start(const char *yaml, va_list list, bool good)
{
	struct conf_errors errors = { 0 };
	struct plan *plan;
	int log;

	write_config(yaml, list);
	log = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	cr_assert_neq(log, -1);
	dup2(log, STDERR_FILENO);
	close(log);
	plan = plan_load(path, NULL, &errors);
	conf_errors_print(&errors, stderr);
	cr_assert_not_null(plan, "%s", keep_file(log_path));
	if (default_admin != 0 && plan->conf->admin_is_default)
		addr_set_port(&plan->conf->admin_address.endpoint.addr,
		    (uint16_t)default_admin);
	rig.path = path;
	cr_assert_eq(start(&rig, plan, &errors), good ? 0 : -1, "%s",
	    keep_file(log_path));
	conf_errors_fini(&errors);
	return &rig;
}

struct control *
rig_start(const char *yaml, ...)
{
	struct control *control;
	va_list list;

	va_start(list, yaml);
	control = try_start(yaml, list, true);
	va_end(list);
	cr_assert_eq(started, rig.nworkers);
	RIG_UNTIL(rig.workers_ready == rig.nworkers);
	return control;
}

struct control *
rig_refused(const char *yaml, ...)
{
	struct control *control;
	va_list list;

	va_start(list, yaml);
	control = try_start(yaml, list, false);
	va_end(list);
	return control;
}

void
rig_signal(int signo)
{
	on_signal(&rig, signo);
}

void
rig_stop(void)
{
	if (rig.stage == STAGE_SERVING)
		rig_signal(SIGTERM);
	RIG_UNTIL(rig.over && !rig.loading);
	finish(&rig);
}

void
rig_stop_at_once(void)
{
	while (rig.stage < STAGE_STOPPING)
		rig_signal(SIGTERM);
	rig_stop();
}

void
rig_reload(const char *yaml, ...)
{
	uint64_t outcomes = rig.report.succeeded + rig.report.failed;
	va_list list;

	va_start(list, yaml);
	write_config(yaml, list);
	va_end(list);
	rig_signal(SIGHUP);
	RIG_UNTIL(rig.report.succeeded + rig.report.failed > outcomes);
	rig_turn();
}

unsigned
rig_says(const char *text)
{
	const char *at = keep_file(log_path);
	unsigned n = 0;

	while ((at = strstr(at, text)) != NULL) {
		at++;
		n++;
	}
	return n;
}

json_t *
rig_json(const char *text)
{
	static json_t *all; /* what is read is borrowed from here */
	json_error_t why;
	json_t *doc = json_loads(text, JSON_REJECT_DUPLICATES, &why);

	cr_assert_not_null(doc, "%s: %s", why.text, text);
	if (all == NULL)
		all = json_array();
	json_array_append_new(all, doc);
	return doc;
}

uint64_t
rig_noted(const struct histogram *h)
{
	struct histogram_sum sum = { 0 };

	histogram_sum_add(&sum, h);
	return histogram_sum_upto(&sum, UINT64_MAX);
}

int
rig_port(const char *listener)
{
	const struct snapshot *s = rig.snapshot;

	for (unsigned i = 0; i < s->nlisteners; i++)
		if (strcmp(s->listeners[i].conf->name, listener) == 0) {
			cr_assert_geq(s->listeners[i].ndoors, 1);
			return addr_port(&s->listeners[i].doors[0]->real);
		}
	cr_assert_fail("no listener %s", listener);
	return 0;
}

int
rig_dial(int port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	received[fd] = (struct bytes){ 0 };
	return fd;
}

void
rig_send(int fd, const char *text)
{
	size_t n = strlen(text);

	cr_assert_eq(write(fd, text, n), (ssize_t)n);
}

/* Turn, and read on; 0: the peer's end. */
static ssize_t
more(int fd)
{
	char some[65536];
	ssize_t n;

	rig_turn();
	n = read(fd, some, sizeof(some));
	if (n > 0)
		bytes_add(&received[fd], some, (size_t)n);
	return n;
}

/* How long its body is; -1: to the end of the connection. */
static long
body_length(const struct rig_answer *a, bool to_head)
{
	const char *field = strcasestr(a->head, "\r\nContent-Length: ");

	if (to_head || a->status < 200 || a->status == 204 || a->status == 304)
		return 0;
	return field != NULL ? strtol(field + 18, NULL, 10) : -1;
}

static struct rig_answer
answer(int fd, bool to_head)
{
	struct rig_answer a = { 0 };
	struct bytes *in = &received[fd];
	int64_t end = wait_deadline(20000);
	long head, body;
	ssize_t n = -1;

	while ((head = bytes_find(in, 0, "\r\n\r\n")) == -1) {
		cr_assert_gt(wait_left(end), 0);
		cr_assert_neq(n = more(fd), 0, "%s", in->p);
	}
	a.head = keep_text(in->p, (size_t)head + 4);
	bytes_drop(in, (size_t)head + 4);
	a.status = (int)strtol(a.head + 9, NULL, 10);
	body = body_length(&a, to_head);
	while (n != 0 && (body == -1 || (long)in->n < body)) {
		cr_assert_gt(wait_left(end), 0);
		n = more(fd);
	}
	if (body == -1)
		body = (long)in->n;
	cr_assert_geq((long)in->n, body, "%s", in->p);
	a.body = keep_text(in->p, (size_t)body);
	bytes_drop(in, (size_t)body);
	return a;
}

struct rig_answer
rig_answer(int fd)
{
	return answer(fd, false);
}

struct rig_answer
rig_ask(int fd, const char *text)
{
	rig_send(fd, text);
	return answer(fd, strncmp(text, "HEAD ", 5) == 0);
}

struct rig_answer
rig_get(int port, const char *where)
{
	int fd = rig_dial(port);
	struct rig_answer a = rig_ask(fd,
	    keep_printf("GET %s HTTP/1.1\r\nHost: localhost\r\n"
			"Connection: close\r\n\r\n",
		where));

	close(fd);
	return a;
}

void
rig_must_end(int fd)
{
	int64_t end = wait_deadline(20000);

	do {
		cr_assert_eq(received[fd].n, 0, "%s", received[fd].p);
		cr_assert_gt(wait_left(end), 0);
	} while (more(fd) != 0);
	close(fd);
}
