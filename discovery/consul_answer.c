/*
 * Consul's answer to who is well.  Jansson reads the JSON: strictly, with a
 * limit to its depth.  What it may build is limited before it begins, since a
 * few bytes of brackets become a hundred times as many of memory.
 *
 * An answer whose form is not Consul's is no answer.  An instance of the right
 * form that cannot be sent to, because it has no port or a name for an address,
 * is left out alone: others of its service are no worse for it.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "discovery/consul_answer.h"

/* Of an instance with three checks Consul writes some twenty. */
#define BRACKETS_FOR_EACH 64

static size_t brackets_in(struct text);
static bool read_entries(struct consul_answer *, const json_t *);
static bool read_entry(struct consul_answer *, const json_t *);
static bool refuse(struct consul_answer *, const char *why);
static void leave_out(struct consul_answer *, const char *id, const char *what);
static const char *
read_address(const json_t *node, const json_t *service, struct addr *);
static unsigned read_weight(const json_t *entry, const json_t *service);
static bool is_passing(const json_t *checks);
static void scale(struct consul_answer *);

bool
consul_answer_read(struct consul_answer *a, struct text body, unsigned most)
{
	json_error_t error;
	json_t *root;
	bool ok;

	memset(a, 0, sizeof(*a));
	if (brackets_in(body) > (size_t)BRACKETS_FOR_EACH * (most + 1))
		return refuse(a, "more than a list of servers needs");
	root = json_loadb(body.p == NULL ? "" : body.p, body.n,
	    JSON_REJECT_DUPLICATES, &error);
	if (root == NULL) {
		snprintf(a->why, sizeof(a->why), "no JSON: %s at %d:%d",
		    error.text, error.line, error.column);
		return false;
	}
	if (!json_is_array(root))
		ok = refuse(a, "no list");
	else if (json_array_size(root) > most)
		ok = refuse(a, "too many servers");
	else
		ok = read_entries(a, root);
	json_decref(root);
	return ok;
}

void
consul_answer_fini(struct consul_answer *a)
{
	arena_fini(&a->arena);
	memset(a, 0, sizeof(*a));
}

/* Those in strings are counted, too; there are few. */
static size_t
brackets_in(struct text body)
{
	size_t n = 0;

	for (size_t i = 0; i < body.n; i++)
		n += body.p[i] == '{' || body.p[i] == '[';
	return n;
}

static bool
read_entries(struct consul_answer *a, const json_t *root)
{
	size_t n = json_array_size(root);

	a->v = arena_zalloc(&a->arena, (n + 1) * sizeof(a->v[0]));
	for (size_t i = 0; i < n; i++)
		if (!read_entry(a, json_array_get(root, i)))
			return false;
	scale(a);
	return true;
}

static bool
read_entry(struct consul_answer *a, const json_t *entry)
{
	const json_t *node = json_object_get(entry, "Node");
	const json_t *service = json_object_get(entry, "Service");
	const json_t *id = json_object_get(service, "ID");
	struct consul_server *s = &a->v[a->n];
	const char *problem;

	if (!json_is_object(node) || !json_is_object(service) ||
	    !json_is_array(json_object_get(entry, "Checks")))
		return refuse(a, "no entry of Node, Service and Checks");
	problem = read_address(node, service, &s->addr);
	if (problem != NULL) {
		leave_out(a, json_string_value(id), problem);
		return true;
	}
	s->weight = read_weight(entry, service);
	a->n++;
	return true;
}

static bool
refuse(struct consul_answer *a, const char *why)
{
	a->n = a->left_out = 0;
	snprintf(a->why, sizeof(a->why), "%s", why);
	return false;
}

/* An ID is Consul's text: printed as far as it is plain. */
static void
leave_out(struct consul_answer *a, const char *id, const char *what)
{
	size_t n = 0;

	if (id == NULL)
		id = "";
	while (n < 64 && id[n] > ' ' && id[n] < 0x7f && id[n] != '"')
		n++;
	if (a->left_out++ == 0)
		snprintf(
		    a->why, sizeof(a->why), "\"%.*s\" %s", (int)n, id, what);
}

/* What is wrong with it, or NULL. */
static const char *
read_address(const json_t *node, const json_t *service, struct addr *to)
{
	const json_t *address = json_object_get(service, "Address");
	const json_t *port = json_object_get(service, "Port");
	struct text ip;

	if (!json_is_integer(port) || json_integer_value(port) < 1 ||
	    json_integer_value(port) > 65535)
		return "has no port";
	if (json_string_length(address) == 0)
		address = json_object_get(node, "Address");
	ip = text_of(json_string_value(address));
	if (ip.n != json_string_length(address) ||
	    !addr_from_ip(ip, (uint16_t)json_integer_value(port), to))
		return "has no IP address";
	return NULL;
}

/* As it is written, which may be more than we can have. */
static unsigned
read_weight(const json_t *entry, const json_t *service)
{
	bool passing = is_passing(json_object_get(entry, "Checks"));
	const json_t *weight =
	    json_object_get(json_object_get(service, "Weights"),
		passing ? "Passing" : "Warning");
	json_int_t n = json_integer_value(weight);

	if (!json_is_integer(weight) || n < 0)
		return 1;
	return n > UINT16_MAX ? UINT16_MAX : (unsigned)n;
}

static bool
is_passing(const json_t *checks)
{
	const char *status;

	for (size_t i = 0; i < json_array_size(checks); i++) {
		status = json_string_value(
		    json_object_get(json_array_get(checks, i), "Status"));
		if (status == NULL || strcmp(status, "passing") != 0)
			return false;
	}
	return true;
}

/* Nobody who had a weight loses it by this. */
static void
scale(struct consul_answer *a)
{
	unsigned largest = CONSUL_WEIGHT_MOST;

	for (unsigned i = 0; i < a->n; i++)
		if (a->v[i].weight > largest)
			largest = a->v[i].weight;
	if (largest == CONSUL_WEIGHT_MOST)
		return;
	for (unsigned i = 0; i < a->n; i++)
		if (a->v[i].weight > 0)
			a->v[i].weight = 1 +
			    (a->v[i].weight - 1) * (CONSUL_WEIGHT_MOST - 1) /
				(largest - 1);
}
