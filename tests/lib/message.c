/*
 * Requests in a normal form, from bytes and from JSON.
 */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/lib/message.h"

enum { FIELDS_MOST = 512 };

struct field {
	char *name, *value; /* UTF-8 of what came, byte by byte */
	unsigned nth; /* sorting keeps the order of one name's */
};

struct message {
	char *method, *target, *host;
	struct field fields[FIELDS_MOST];
	unsigned nfields;
	struct bytes body;
};

static const char token[] =
    "!#$%&'*+-.^_`|~0123456789"
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static const char *parse_head(struct message *, const char *head);
static const char *parse_line(struct message *, const char *line, size_t n);
static const char *parse_field(struct message *, const char *line, size_t n);
static const char *
parse_body(struct message *, const struct bytes *, const char *framing);
static const char *parse_chunks(struct message *, const char *p);
static void add_field(struct message *, char *name, char *value);
static char *utf8_of(const char *, size_t);
static bool is_text(const char *, size_t);
static bool is_of_one_hop(const char *name);
static char *text_of_message(struct message *, const char *server);
static int compare_fields(const void *, const void *);
static void put_value(struct bytes *, const char *value, const char *server);

char *
message_of_bytes(const struct bytes *head, const struct bytes *body,
    const char *server, const char **why)
{
	struct message *m = keep(sizeof *m);
	const char *framing = "";
	size_t i;

	*why = "a NUL in the head";
	if (strlen(head->p) != head->n)
		return NULL;
	if ((*why = parse_head(m, head->p)) != NULL)
		return NULL;
	if (m->host == NULL) {
		*why = "no Host";
		return NULL;
	}
	for (i = 0; i < m->nfields; i++)
		if (strcmp(m->fields[i].name, "content-length") == 0 ||
		    strcmp(m->fields[i].name, "transfer-encoding") == 0) {
			*why = "two framings";
			if (*framing != '\0')
				return NULL;
			framing = m->fields[i].value;
		}
	if ((*why = parse_body(m, body, framing)) != NULL)
		return NULL;
	return text_of_message(m, server);
}

char *
message_of_json(const json_t *json, const char *server)
{
	struct message *m = keep(sizeof *m);
	json_t *fields = json_object_get(json, "fields"), *pair;
	const char *hex = json_string_value(json_object_get(json, "body"));
	const char *name, *value, *host;
	char byte[3] = { 0 };
	size_t i;

	m->method = keep_printf(
	    "%s", json_string_value(json_object_get(json, "method")));
	m->target = keep_printf(
	    "%s", json_string_value(json_object_get(json, "target")));
	host = json_string_value(json_object_get(json, "host"));
	m->host = host == NULL ? NULL : keep_printf("%s", host);
	json_array_foreach(fields, i, pair)
	{
		name = json_string_value(json_array_get(pair, 0));
		value = json_string_value(json_array_get(pair, 1));
		assert(name != NULL && value != NULL);
		if (strcasecmp(name, "host") != 0)
			add_field(m, keep_printf("%s", name),
			    keep_printf("%s", value));
	}
	for (; hex != NULL && *hex != '\0'; hex += 2) {
		memcpy(byte, hex, 2);
		byte[0] = (char)strtoul(byte, NULL, 16);
		bytes_add(&m->body, byte, 1);
	}
	return text_of_message(m, server);
}

static const char *
parse_head(struct message *m, const char *head)
{
	const char *line = head, *why;
	size_t n = strcspn(line, "\r");

	why = parse_line(m, line, n);
	for (line += n; why == NULL; line += n) {
		if (strncmp(line, "\r\n", 2) != 0)
			return "a line that does not end with CRLF";
		line += 2;
		if (strcmp(line, "\r\n") == 0)
			return NULL;
		n = strcspn(line, "\r");
		why = parse_field(m, line, n);
	}
	return why;
}

static const char *
parse_line(struct message *m, const char *line, size_t n)
{
	size_t method = strspn(line, token), target;

	if (method == 0 || line[method] != ' ')
		return "not a method";
	m->method = keep_text(line, method);
	line += method + 1;
	n -= method + 1;
	target = strcspn(line, " \r");
	m->target = utf8_of(line, target);
	if (target == 0 || !is_text(line, target) || target > n)
		return "not a target";
	if (n - target != 9 || strncmp(line + target, " HTTP/1.1", 9) != 0)
		return "not the version";
	return NULL;
}

static const char *
parse_field(struct message *m, const char *line, size_t n)
{
	size_t name = strspn(line, token), i;
	char *lower = keep_text(line, name);
	const char *value = line + name + 2;

	for (i = 0; i < name; i++)
		lower[i] = (char)tolower((unsigned char)lower[i]);
	if (name == 0 || line[name] != ':')
		return "not a field's name";
	if (line[name + 1] != ' ' || !is_text(line, n))
		return "not a field's value";
	n -= name + 2;
	if (n > 0 &&
	    (isblank((unsigned char)*value) ||
		isblank((unsigned char)value[n - 1])))
		return "spaces around a value";
	if (strcmp(lower, "host") != 0) {
		if (m->nfields == FIELDS_MOST)
			return "too many fields";
		add_field(m, lower, utf8_of(value, n));
		return NULL;
	}
	if (m->host != NULL)
		return "two Host fields";
	m->host = utf8_of(value, n);
	return NULL;
}

/* `framing' is the value of the one field that says how it is framed. */
static const char *
parse_body(struct message *m, const struct bytes *body, const char *framing)
{
	size_t digits = strspn(framing, "0123456789");

	if (*framing == '\0')
		return body->n == 0 ? NULL : "a body without framing";
	if (strcmp(framing, "chunked") == 0)
		return parse_chunks(m, body->p);
	if (digits == 0 || framing[digits] != '\0')
		return "a length that is no number";
	if (strtoull(framing, NULL, 10) != body->n)
		return "a body of another length";
	bytes_add(&m->body, body->p, body->n);
	return NULL;
}

static const char *
parse_chunks(struct message *m, const char *p)
{
	size_t digits, n;

	for (;;) {
		digits = strspn(p, "0123456789abcdefABCDEF");
		if (digits == 0 || strncmp(p + digits, "\r\n", 2) != 0)
			return "not a chunk's size";
		n = strtoull(p, NULL, 16);
		p += digits + 2;
		if (n == 0)
			break;
		bytes_add(&m->body, p, n);
		p += n;
		if (strncmp(p, "\r\n", 2) != 0)
			return "no CRLF after a chunk";
		p += 2;
	}
	for (; strncmp(p, "\r\n", 2) != 0; p += n + 2) {
		digits = strspn(p, token);
		n = strcspn(p, "\r");
		if (digits == 0 || p[digits] != ':' || !is_text(p, n) ||
		    p[n + 1] != '\n')
			return "not a trailer";
	}
	return p[2] == '\0' ? NULL : "bytes after the body";
}

static void
add_field(struct message *m, char *name, char *value)
{
	char *p;

	assert(m->nfields < FIELDS_MOST);
	for (p = name; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	m->fields[m->nfields] =
	    (struct field){ .name = name, .value = value, .nth = m->nfields };
	m->nfields++;
}

/* Each byte as the character of its number. */
static char *
utf8_of(const char *p, size_t n)
{
	struct bytes b = { 0 };
	unsigned char c;
	char two[2];
	size_t i;

	bytes_add(&b, "", 0);
	for (i = 0; i < n; i++) {
		c = (unsigned char)p[i];
		two[0] = (char)(0xc0 | c >> 6);
		two[1] = (char)(0x80 | (c & 0x3f));
		if (c < 0x80)
			bytes_add(&b, p + i, 1);
		else
			bytes_add(&b, two, 2);
	}
	return b.p;
}

/* No control character but a tab. */
static bool
is_text(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (((unsigned char)p[i] < ' ' && p[i] != '\t') || p[i] == 127)
			return false;
	return true;
}

static bool
is_of_one_hop(const char *name)
{
	static const char *const names[] = { "connection", "content-length",
		"expect", "keep-alive", "max-forwards", "te", "trailer",
		"transfer-encoding", "upgrade", "x-request-id" };
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static char *
text_of_message(struct message *m, const char *server)
{
	struct bytes b = { 0 };
	const char *last = "";
	size_t i;

	bytes_printf(&b, "%s %s\nhost: ", m->method, m->target);
	put_value(&b, m->host == NULL ? "(none)" : m->host, server);
	qsort(m->fields, m->nfields, sizeof *m->fields, compare_fields);
	for (i = 0; i < m->nfields; i++) {
		const struct field *f = &m->fields[i];

		if (is_of_one_hop(f->name))
			continue;
		if (strcmp(f->name, last) == 0)
			bytes_printf(&b, ", ");
		else
			bytes_printf(&b, "\n%s: ", f->name);
		put_value(&b, f->value, server);
		last = f->name;
	}
	bytes_printf(&b, "\n\n");
	for (i = 0; i < m->body.n; i++)
		bytes_printf(&b, "%02x", (unsigned char)m->body.p[i]);
	return b.p;
}

static int
compare_fields(const void *p, const void *q)
{
	const struct field *a = p, *b = q;
	int order = strcmp(a->name, b->name);

	return order != 0 ? order : (a->nth > b->nth) - (a->nth < b->nth);
}

static void
put_value(struct bytes *b, const char *value, const char *server)
{
	bytes_printf(b, "%s", strcmp(value, server) == 0 ? "(server)" : value);
}
