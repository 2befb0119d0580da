/*
 * Real servers as oracles: whatever a client sends, what fairlead forwards is
 * read by nginx, Apache, Node, Python and Go as the same messages.  Every entry
 * of the corpus of requests goes through fairlead twice: to a strict server of
 * the test's, which sees the bytes and holds them to the one canonical form,
 * and to a real one, which says what it understood; after each entry comes a
 * plain request that marks its end.  Both must have read the same messages, in
 * number, order and content, and of what fairlead refuses neither saw anything.
 * Then the entries are pipelined on one connection, several at a time.
 *
 * nginx and Apache say what they understood by forwarding it themselves to
 * another server of the test's; Node, Python and Go by JSON (tests/oracles/).
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/client.h"
#include "tests/lib/daemon.h"
#include "tests/lib/message.h"
#include "tests/lib/origin.h"
#include "tests/lib/peer.h"
#include "tests/lib/wait.h"

enum { ENTRIES_MOST = 4096, AT_ONCE = 6, COMPLAINTS_SHOWN = 12 };

/* The bytes of one connection. */
struct entry {
	const char *name;
	struct bytes bytes;
};

/*
 * Messages that a server does not take, whoever sends them: it may leave them
 * out, but not read them as others.
 */
static const struct {
	const char *oracle, *entry;
} left_out[] = {
	/* Proxies do not count further than to nought; Apache is one here. */
	{ "apache", "forwards_get" },
	{ "apache", "forwards_trace" },
	/* OPTIONS *: Apache and Go answer by themselves, nginx refuses. */
	{ "apache", "absolute_options" },
	{ "apache", "plain_options_star" },
	{ "go", "absolute_options" },
	{ "go", "plain_options_star" },
	{ "nginx", "absolute_options" },
	{ "nginx", "plain_options_star" },
	/* Methods in small letters or with other signs, and TRACE, are refused. */
	{ "nginx", "forwards_trace" },
	{ "nginx", "plain_lower_method" },
	{ "nginx", "plain_token_method" },
	{ "nginx", "trace_plain" },
	/* Only the methods of its list are known. */
	{ "node", "pipeline_length_too_short" },
	{ "node", "plain_lower_method" },
	{ "node", "plain_token_method" },
	{ "node", "plain_unknown_method" },
};

/* Messages that a server read, in their order. */
struct reading {
	char **texts;
	unsigned n, at;
};

static struct entry entries[ENTRIES_MOST];
static unsigned nentries;
static struct daemon *d;
static struct origin *reference, *sink;
static struct peer *oracle;
static struct bytes complaints;
static unsigned ncomplaints, nmessages;

TestSuite(oracles, .timeout = 600);

/* ---- entries ---- */

static void
add_entry(const char *name, const char *p, size_t n)
{
	cr_assert_lt(nentries, ENTRIES_MOST);
	entries[nentries].name = name;
	bytes_add(&entries[nentries++].bytes, p, n);
}

static int
compare_names(const void *p, const void *q)
{
	const struct entry *a = p, *b = q;

	return strcmp(a->name, b->name);
}

static void
read_corpus(void)
{
	const char *root = getenv("FAIRLEAD_ROOT");
	char *folder =
	    keep_printf("%s/tests/corpus/requests", root == NULL ? "." : root);
	DIR *dir = opendir(folder);
	struct dirent *file;
	char piece[65536];
	FILE *f;

	cr_assert_not_null(dir, "%s: %s", folder, strerror(errno));
	while ((file = readdir(dir)) != NULL) {
		if (*file->d_name == '.')
			continue;
		f = fopen(keep_printf("%s/%s", folder, file->d_name), "re");
		cr_assert_not_null(f);
		add_entry(keep_printf("%s", file->d_name), piece,
		    fread(piece, 1, sizeof piece, f));
		fclose(f);
	}
	closedir(dir);
	qsort(entries, nentries, sizeof *entries, compare_names);
}

/* What both read of each entry decides who may be pipelined with others. */
static void
add_pipelines(const bool *was_read)
{
	unsigned i, singles = nentries, inside = 0;
	struct bytes b = { 0 };

	for (i = 0; i < singles; i++) {
		if (!was_read[i])
			continue;
		bytes_add(&b, entries[i].bytes.p, entries[i].bytes.n);
		if (++inside < AT_ONCE)
			continue;
		add_entry(
		    keep_printf("%u entries up to %s", inside, entries[i].name),
		    b.p, b.n);
		bytes_free(&b);
		inside = 0;
	}
}

/* ---- stage ---- */

static void
start(const char *name)
{
	char *directory = daemon_directory();

	reference = origin_new("reference");
	sink = origin_new("sink");
	oracle = peer_new(name, directory);
	d = daemon_start_in(directory, NULL,
	    "workers: 1\n"
	    "listeners:\n"
	    "  reference: { address: \"127.0.0.1:0\" }\n"
	    "  oracle: { address: \"127.0.0.1:0\" }\n"
	    "access_log: off\n"
	    "routes:\n"
	    "  - { path: \"/*\", listeners: reference, to: reference }\n"
	    "  - { path: \"/*\", listeners: oracle, to: oracle }\n"
	    "upstreams:\n"
	    "  reference: { servers: [\"127.0.0.1:%d\"] }\n"
	    "  oracle: { servers: [\"127.0.0.1:%d\"] }\n",
	    origin_port(reference), oracle->port);
}

static char *
root_file(const char *path)
{
	const char *root = getenv("FAIRLEAD_ROOT");

	return keep_printf("%s/%s", root == NULL ? "." : root, path);
}

/* All of an entry, then the half-close, then until fairlead closes. */
static void
send_entry(int port, const struct entry *e)
{
	struct client *c = dial(port);

	(void)client_send(c, e->bytes.p, e->bytes.n);
	(void)shutdown(c->fd, SHUT_WR);
	while (client_more(c))
		bytes_drop(&c->in, c->in.n);
	cr_assert(c->eof || c->reset, "%s: %s", e->name, c->why);
	client_close(c);
}

static void
send_all(unsigned from)
{
	int ports[2] = { daemon_port(d, "reference"),
		daemon_port(d, "oracle") };
	unsigned i, k;

	for (i = from; i < nentries; i++)
		for (k = 0; k < 2; k++) {
			send_entry(ports[k], &entries[i]);
			cr_assert_eq(get(ports[k], "/end-of-entry", "")->status,
			    200, "after %s", entries[i].name);
		}
}

/* ---- what was read ---- */

static void
complain(const char *entry, const char *what, const char *p, const char *q)
{
	if (ncomplaints++ < COMPLAINTS_SHOWN)
		bytes_printf(&complaints, "%s: %s\n%s\n%s%s", entry, what, p, q,
		    *q == '\0' ? "" : "\n");
}

static void
add_text(struct reading *r, char *text)
{
	char **old = r->texts;

	if ((r->n & (r->n - 1)) == 0) {
		r->texts = keep((r->n * 2 + 1) * sizeof *r->texts);
		if (r->n > 0)
			memcpy(r->texts, old, r->n * sizeof *old);
	}
	r->texts[r->n++] = text;
}

/* By an origin of the test's; what did not come whole was not understood. */
static struct reading
read_origin(struct origin *o, int known_port)
{
	char *server = keep_printf("127.0.0.1:%d", known_port), *text;
	struct reading r = { 0 };
	unsigned i, n = origin_requests(o);
	const char *why;

	for (i = 0; i < n; i++) {
		struct seen *s = origin_seen(o, i);

		if (!s->whole)
			continue;
		text = message_of_bytes(&s->head, &s->body, server, &why);
		if (text == NULL)
			complain("what was forwarded", why, s->head.p,
			    s->body.n > 0 ? s->body.p : "");
		else
			add_text(&r, text);
	}
	return r;
}

static struct reading
read_json(const struct peer *p)
{
	char *server = keep_printf("127.0.0.1:%d", p->port), *line, *end;
	struct reading r = { 0 };
	json_error_t error;
	json_t *json;

	for (line = keep_file(p->out); (end = strchr(line, '\n')) != NULL;
	     line = end + 1) {
		*end = '\0';
		json = json_loads(line, 0, &error);
		cr_assert_not_null(json, "%s in %s", error.text, line);
		add_text(&r, message_of_json(json, server));
		json_decref(json);
	}
	return r;
}

/* The next message of this entry, or NULL. */
static const char *
next_text(struct reading *r)
{
	const char *text;

	if (r->at == r->n)
		return NULL;
	text = r->texts[r->at++];
	return strncmp(text, "GET /end-of-entry\n", 18) == 0 ? NULL : text;
}

static bool
may_leave_out(const char *entry)
{
	size_t i;

	for (i = 0; i < sizeof left_out / sizeof *left_out; i++)
		if (strcmp(left_out[i].oracle, oracle->name) == 0 &&
		    strcmp(left_out[i].entry, entry) == 0)
			return true;
	return false;
}

/* How many messages both read of it; 0 when not all. */
static unsigned
compare_entry(const char *name, struct reading *ours, struct reading *theirs)
{
	const char *a, *b = next_text(theirs);
	unsigned n = 0;
	bool all = true;

	while ((a = next_text(ours)) != NULL) {
		if (b != NULL && strcmp(a, b) == 0) {
			n++;
			b = next_text(theirs);
			continue;
		}
		all = false;
		if (!may_leave_out(name))
			complain(name, "sent, and not read so", a,
			    b == NULL ? "(nothing)" : b);
	}
	for (; b != NULL; b = next_text(theirs), all = false)
		complain(name, "read, and not sent so", b, "");
	return all ? n : 0;
}

/* All entries so far; those from `from' on are new. */
static void
compare(unsigned from, bool *was_read)
{
	struct reading ours = read_origin(reference, origin_port(reference));
	struct reading theirs = origin_requests(sink) > 0
	    ? read_origin(sink, oracle->port)
	    : read_json(oracle);
	unsigned i, n;

	for (i = 0; i < nentries; i++) {
		n = compare_entry(entries[i].name, &ours, &theirs);
		nmessages += i >= from ? n : 0;
		was_read[i] = n > 0;
	}
}

static void
must_agree(void)
{
	bool was_read[ENTRIES_MOST] = { false };
	unsigned singles;

	read_corpus();
	singles = nentries;
	send_all(0);
	compare(0, was_read);
	cr_assert_eq(
	    ncomplaints, 0, "%u differences:\n%s", ncomplaints, complaints.p);
	cr_assert_gt(nmessages, 100);
	add_pipelines(was_read);
	send_all(singles);
	compare(singles, was_read);
	cr_assert_eq(
	    ncomplaints, 0, "%u differences:\n%s", ncomplaints, complaints.p);
	peer_stop(oracle);
	daemon_stop(d);
}

Test(oracles, nginx_reads_what_was_meant)
{
	char *conf;

	start("nginx");
	conf = peer_file(oracle, "tests/oracles/nginx.conf", "DIRECTORY@",
	    oracle->directory, "PORT@", keep_printf("%d", oracle->port),
	    "SINK@", keep_printf("%d", origin_port(sink)), NULL);
	peer_run(oracle, "/usr/sbin/nginx", "-p", oracle->directory, "-c", conf,
	    "-e", "stderr", NULL);
	must_agree();
}

Test(oracles, apache_reads_what_was_meant)
{
	char *conf;

	start("apache");
	conf = peer_file(oracle, "tests/oracles/apache.conf", "DIRECTORY@",
	    oracle->directory, "PORT@", keep_printf("%d", oracle->port),
	    "SINK@", keep_printf("%d", origin_port(sink)), "MODULES@",
	    "/usr/lib/apache2/modules", NULL);
	peer_run(oracle, "/usr/sbin/apache2", "-X", "-f", conf, NULL);
	must_agree();
}

Test(oracles, node_reads_what_was_meant)
{
	start("node");
	peer_run(oracle, "node", root_file("tests/oracles/node.js"),
	    keep_printf("%d", oracle->port), NULL);
	must_agree();
}

Test(oracles, python_reads_what_was_meant)
{
	start("python");
	peer_run(oracle, "python3", root_file("tests/oracles/python.py"),
	    keep_printf("%d", oracle->port), NULL);
	must_agree();
}

Test(oracles, go_reads_what_was_meant)
{
	const char *folder = getenv("FAIRLEAD_TESTS");

	start("go");
	peer_run(oracle,
	    keep_printf(
		"%s/oracle-go", folder == NULL ? "build/tests" : folder),
	    keep_printf("%d", oracle->port), NULL);
	must_agree();
}
