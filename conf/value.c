/*
 * Single values: from the text of a scalar to the bytes in the configuration.
 * The schema says what a text is; nothing is guessed from how it looks.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/decode.h"
#include "conf/grammar.h"
#include "conf/suggest.h"
#include "conf/units.h"
#include "http/uri.h"

struct value_type {
	const char *words; /* what it is */
	size_t size; /* of one in a list */
	bool (*read)(
	    struct decoder *, const struct key *, struct conf_node *, void *);
	bool (*grammar)(struct text, const char **hint);
	const char *example; /* how to write it */
};

static bool is_plain_word(const struct key *, struct text, uint64_t *);
static void store(const struct key *, void *, uint64_t);
static bool
read_bool(struct decoder *, const struct key *, struct conf_node *, void *);
static bool
read_number(struct decoder *, const struct key *, struct conf_node *, void *);
static enum unit_fault parse_number(enum key_type, struct text, uint64_t *);
static void number_fault(
    struct decoder *, const struct key *, struct conf_node *, enum unit_fault);
static bool
number_fits(struct decoder *, const struct key *, struct conf_node *, uint64_t);
static bool
read_word(struct decoder *, const struct key *, struct conf_node *, void *);
static bool
read_text(struct decoder *, const struct key *, struct conf_node *, void *);
static bool
read_host(struct decoder *, const struct key *, struct conf_node *, void *);
static bool
read_path(struct decoder *, const struct key *, struct conf_node *, void *);
static bool
read_address(struct decoder *, const struct key *, struct conf_node *, void *);
static const char *address_fault(const struct key *, const struct endpoint *);
static bool
read_network(struct decoder *, const struct key *, struct conf_node *, void *);
static bool
read_url(struct decoder *, const struct key *, struct conf_node *, void *);
static const char *url_fault(struct decoder *, struct text, struct conf_url *);
static bool has_port(struct text);
static bool
read_file(struct decoder *, const struct key *, struct conf_node *, void *);
static const char *read_fault(const char *path);
static bool
read_output(struct decoder *, const struct key *, struct conf_node *, void *);
static const char *beside(struct decoder *, const struct conf_node *);
static bool
read_status(struct decoder *, const struct key *, struct conf_node *, void *);

#define STRING sizeof(const char *)

static const struct value_type types[KEY_TYPES] = {
	[KEY_BOOL] = { "true or false", 0, read_bool, NULL, NULL },
	[KEY_COUNT] = { "a number", 0, read_number, NULL, NULL },
	[KEY_DURATION] = { "a duration", 0, read_number, NULL,
	    "write 250ms, 5s, 1m30s, 2h or 7d" },
	[KEY_SIZE] = { "a size", 0, read_number, NULL,
	    "write 512B, 64KiB or 10MB" },
	[KEY_PERCENT] = { "a percentage", 0, read_number, NULL, "write 50%" },
	[KEY_WORD] = { "a word", 0, read_word, NULL, NULL },
	[KEY_WORDS] = { "words", 0, read_word, NULL, NULL },
	[KEY_TEXT] = { "text", STRING, read_text, grammar_text, NULL },
	[KEY_NAME] = { "a name", STRING, read_text, grammar_name, NULL },
	[KEY_LABEL] = { "a name", STRING, read_text, grammar_label, NULL },
	[KEY_ADDRESS] = { "an address", sizeof(struct conf_address),
	    read_address, NULL, "write host:port" },
	[KEY_NETWORK] = { "a network", sizeof(struct cidr), read_network, NULL,
	    "write 10.0.0.0/8" },
	[KEY_URL] = { "a URL", sizeof(struct conf_url), read_url, NULL,
	    "write http://host:port or https://host:port" },
	[KEY_FILE] = { "a file", STRING, read_file, NULL, NULL },
	[KEY_OUTPUT] = { "stdout or a file", STRING, read_output, NULL, NULL },
	[KEY_HOST] = { "a host", STRING, read_host, grammar_host, NULL },
	[KEY_AUTHORITY] = { "a host", STRING, read_text, grammar_authority,
	    NULL },
	[KEY_PATTERN] = { "a path", STRING, read_path, grammar_pattern, NULL },
	[KEY_PATH] = { "a path", STRING, read_text, grammar_path, NULL },
	[KEY_PREFIX] = { "a path prefix", STRING, read_path, grammar_prefix,
	    NULL },
	[KEY_METHOD] = { "a method", STRING, read_text, grammar_method, NULL },
	[KEY_UPGRADE] = { "an upgrade token", STRING, read_text,
	    grammar_upgrade, NULL },
	[KEY_STATUS] = { "a status", sizeof(struct status_range), read_status,
	    NULL, "write 204, 200-399 or 2xx" },
	[KEY_FIELD] = { "a header that may be changed", STRING, read_text,
	    grammar_field, NULL },
};

bool
value_decode(
    struct decoder *x, const struct key *k, struct conf_node *n, void *to)
{
	const struct value_type *type = &types[k->type];
	union {
		struct conf_address address;
		struct conf_url url;
	} room = { 0 }; /* the largest */
	uint64_t word;

	if (n->kind != NODE_SCALAR) {
		decode_fault(x, n, type->example, "%s is wanted, not a %s",
		    type->words, n->kind == NODE_LIST ? "list" : "map");
		return false;
	}
	if (node_is_empty(n)) {
		decode_fault(x, n, type->example,
		    "nothing here, where %s "
		    "is wanted",
		    type->words);
		return false;
	}
	if (to == NULL)
		to = &room;
	if (is_plain_word(k, n->text, &word)) {
		store(k, to, word);
		return true;
	}
	return type->read(x, k, n, to);
}

size_t
value_size(enum key_type type)
{
	return types[type].size;
}

const char *
value_words(enum key_type type)
{
	return types[type].words;
}

struct text
value_folded(struct arena *arena, struct text t)
{
	char *copy = arena_alloc(arena, t.n + 1);

	memcpy(copy, t.p, t.n);
	copy[t.n] = '\0';
	text_fold(copy, t.n);
	return (struct text){ copy, t.n };
}

/* `off' and `auto', where they are allowed, and what they are stored as. */
static bool
is_plain_word(const struct key *k, struct text t, uint64_t *value)
{
	*value = k->type == KEY_SIZE ? UINT64_MAX : 0;
	return ((k->flags & KEY_OFF) != 0 && text_equal(t, TEXT("off"))) ||
	    ((k->flags & KEY_AUTO) != 0 && text_equal(t, TEXT("auto")));
}

static void
store(const struct key *k, void *to, uint64_t value)
{
	uint32_t four = (uint32_t)value;
	uint16_t two = (uint16_t)value;
	uint8_t one = (uint8_t)value;

	if (k->width == 8)
		memcpy(to, &value, 8);
	else if (k->width == 4)
		memcpy(to, &four, 4);
	else if (k->width == 2)
		memcpy(to, &two, 2);
	else if (k->width == 1)
		memcpy(to, &one, 1);
}

static bool
read_bool(struct decoder *x, const struct key *k, struct conf_node *n, void *to)
{
	bool value = text_equal(n->text, TEXT("true"));

	if (!value && !text_equal(n->text, TEXT("false"))) {
		decode_fault(x, n, "write true or false",
		    "'%.60s' is neither true nor false", n->text.p);
		return false;
	}
	store(k, to, value);
	return true;
}

static bool
read_number(
    struct decoder *x, const struct key *k, struct conf_node *n, void *to)
{
	enum unit_fault fault;
	uint64_t value;

	fault = parse_number(k->type, n->text, &value);
	if (fault != UNIT_GOOD) {
		number_fault(x, k, n, fault);
		return false;
	}
	if (!number_fits(x, k, n, value))
		return false;
	store(k, to, value);
	return true;
}

static enum unit_fault
parse_number(enum key_type type, struct text t, uint64_t *value)
{
	enum unit_fault fault;
	unsigned percent;

	if (type == KEY_DURATION)
		return units_duration(t, value);
	if (type == KEY_SIZE)
		return units_size(t, value);
	if (type == KEY_COUNT)
		return units_count(t, value);
	if ((fault = units_percent(t, &percent)) == UNIT_GOOD)
		*value = percent;
	return fault;
}

static void
number_fault(struct decoder *x, const struct key *k, struct conf_node *n,
    enum unit_fault fault)
{
	const char *hint = types[k->type].example;
	char bare[96];

	if (fault == UNIT_BARE) {
		snprintf(bare, sizeof(bare), "%.20s what? write %.20s%s",
		    n->text.p, n->text.p,
		    k->type == KEY_DURATION   ? "s"
			: k->type == KEY_SIZE ? "B"
					      : "%");
		hint = bare;
	} else if (fault == UNIT_FRACTION)
		hint = "no fractions: write 1500ms for 1.5s";
	else if (fault == UNIT_ORDER)
		hint = "large units first, each once: 1m30s";
	if (text_equal(n->text, TEXT("off")))
		hint = "this cannot be off";
	decode_fault(x, n, hint, "'%.60s' is %s %s", n->text.p,
	    fault == UNIT_HUGE ? "too large for" : "not", types[k->type].words);
}

static bool
number_fits(
    struct decoder *x, const struct key *k, struct conf_node *n, uint64_t value)
{
	char least[32], most[32], hint[96];

	if (k->words != NULL) {
		if (words_find(k->words, n->text) != -1)
			return true;
		decode_fault(x, n, suggest_word(x->arena, k->words, n->text),
		    "%.60s is not possible here", n->text.p);
		return false;
	}
	if (value >= k->least && value <= k->most)
		return true;
	key_print_bound(k, k->least, least);
	key_print_bound(k, k->most, most);
	snprintf(hint, sizeof(hint), "from %s to %s", least, most);
	decode_fault(x, n, hint, "%.60s is out of range", n->text.p);
	return false;
}

/* One word is stored as its index, several as a set. */
static bool
read_word(struct decoder *x, const struct key *k, struct conf_node *n, void *to)
{
	int index = words_find(k->words, n->text);
	unsigned set;

	if (index == -1) {
		decode_fault(x, n, suggest_word(x->arena, k->words, n->text),
		    "'%.60s' is not possible here", n->text.p);
		return false;
	}
	if (k->type == KEY_WORD) {
		store(k, to, (uint64_t)index);
		return true;
	}
	memcpy(&set, to, sizeof(set));
	set |= 1u << index;
	store(k, to, set);
	return true;
}

static bool
read_text(struct decoder *x, const struct key *k, struct conf_node *n, void *to)
{
	const char *hint = NULL;

	if (k->words != NULL && words_find(k->words, n->text) == -1) {
		decode_fault(x, n, suggest_word(x->arena, k->words, n->text),
		    "'%.60s' is not possible here", n->text.p);
		return false;
	}
	if (!n->made && !types[k->type].grammar(n->text, &hint)) {
		decode_fault(x, n, hint, "'%.60s' is not %s", n->text.p,
		    types[k->type].words);
		return false;
	}
	memcpy(to, &n->text.p, sizeof(n->text.p));
	return true;
}

static bool
read_host(struct decoder *x, const struct key *k, struct conf_node *n, void *to)
{
	struct text folded;

	if (!read_text(x, k, n, to))
		return false;
	folded = value_folded(x->arena, n->text);
	memcpy(to, &folded.p, sizeof(folded.p));
	return true;
}

/* In the form that requests' paths are brought to before they are compared. */
static bool
read_path(struct decoder *x, const struct key *k, struct conf_node *n, void *to)
{
	const unsigned all =
	    URI_ENCODED_SLASH | URI_ENCODED_BACKSLASH | URI_PARAMETERS;
	struct text path = n->text;
	const char *hint = "no request has such a path";

	if (!read_text(x, k, n, to))
		return false;
	if (!uri_path(&path, all, x->arena) ||
	    !types[k->type].grammar(path, &hint)) {
		decode_fault(x, n, hint, "'%.60s' is not %s", n->text.p,
		    types[k->type].words);
		return false;
	}
	path = arena_copy(x->arena, path);
	memcpy(to, &path.p, sizeof(path.p));
	return true;
}

static bool
read_address(
    struct decoder *x, const struct key *k, struct conf_node *n, void *to)
{
	struct conf_address a = { .text = n->text.p, .place = n->place };
	const char *why;

	if (endpoint_parse(n->text, &a.endpoint, &why) == -1 ||
	    (why = address_fault(k, &a.endpoint)) != NULL) {
		decode_fault(x, n, NULL, "'%.60s': %s", n->text.p, why);
		return false;
	}
	memcpy(to, &a, sizeof(a));
	return true;
}

static const char *
address_fault(const struct key *k, const struct endpoint *e)
{
	if ((k->flags & KEY_PEER) == 0)
		return e->is_name ? "to listen takes an address, not a name: "
				    "write 127.0.0.1:8080 or :8080"
				  : NULL;
	if (e->is_any)
		return "a server needs a host: write 127.0.0.1:8080";
	if (e->port == 0 && (e->is_name || !addr_is_unix(&e->addr)))
		return "a server needs a port of 1 to 65535";
	return NULL;
}

static bool
read_network(
    struct decoder *x, const struct key *k, struct conf_node *n, void *to)
{
	const char *why;

	(void)k;
	if (cidr_parse(n->text, to, &why) == 0)
		return true;
	decode_fault(x, n, NULL, "'%.60s': %s", n->text.p, why);
	return false;
}

static bool
read_url(struct decoder *x, const struct key *k, struct conf_node *n, void *to)
{
	struct conf_url url = { 0 };
	const char *why = url_fault(x, n->text, &url);

	if (why != NULL) {
		decode_fault(x, n, types[k->type].example, "'%.60s': %s",
		    n->text.p, why);
		return false;
	}
	memcpy(to, &url, sizeof(url));
	return true;
}

/* What is wrong with it, or NULL with all of it read. */
static const char *
url_fault(struct decoder *x, struct text t, struct conf_url *url)
{
	const struct text http = TEXT("http://"), https = TEXT("https://");
	struct endpoint *e = &url->endpoint;
	const char *why;

	url->tls = text_starts(t, https);
	if (!url->tls && !text_starts(t, http))
		return "this is no URL of http or https";
	t = text_from(t, url->tls ? https.n : http.n);
	if (t.n > 0 && t.p[t.n - 1] == '/')
		t = text_first(t, t.n - 1);
	if (text_find(t, '/') != -1)
		return "a path cannot be given";
	if (!has_port(t))
		t = arena_printf(
		    x->arena, "%.*s:%s", TEXT_ARG(t), url->tls ? "443" : "80");
	t = arena_copy(x->arena, t);
	url->text = t.p;
	if (endpoint_parse(t, e, &why) == -1)
		return why;
	return e->is_any || e->port == 0 ? "it needs a host and a port" : NULL;
}

static bool
has_port(struct text t)
{
	ptrdiff_t colon = text_find_last(t, ':');

	return colon != -1 && text_find_last(t, ']') < colon;
}

static bool
read_file(struct decoder *x, const struct key *k, struct conf_node *n, void *to)
{
	const char *path = beside(x, n), *why;

	if ((k->flags & KEY_LATER) == 0 && (why = read_fault(path)) != NULL) {
		decode_fault(x, n, NULL, "cannot read '%.200s': %s", path, why);
		return false;
	}
	memcpy(to, &path, sizeof(path));
	return true;
}

static const char *
read_fault(const char *path)
{
	struct stat st;
	int fd;

	if ((fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) == -1)
		return strerror(errno);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		errno = EISDIR;
	else
		errno = 0;
	close(fd);
	return errno != 0 ? strerror(errno) : NULL;
}

static bool
read_output(
    struct decoder *x, const struct key *k, struct conf_node *n, void *to)
{
	const char *path = n->text.p;

	(void)k;
	if (n->text.n == 0 || text_starts(n->text, TEXT("syslog:"))) {
		decode_fault(x, n, "write stdout or the path of a file",
		    "'%.60s' is neither stdout nor a file", n->text.p);
		return false;
	}
	if (!text_equal(n->text, TEXT("stdout")))
		path = beside(x, n);
	memcpy(to, &path, sizeof(path));
	return true;
}

/* A relative path is relative to the file that holds it. */
static const char *
beside(struct decoder *x, const struct conf_node *n)
{
	struct text file = text_of(n->place.file);
	ptrdiff_t slash = text_find_last(file, '/');

	if (text_starts(n->text, TEXT("/")) || slash == -1)
		return n->text.p;
	return arena_printf(x->arena, "%.*s%s",
	    TEXT_ARG(text_first(file, (size_t)slash + 1)), n->text.p)
	    .p;
}

static bool
read_status(
    struct decoder *x, const struct key *k, struct conf_node *n, void *to)
{
	struct status_range range;

	if (units_status(n->text, &range.from, &range.to) != UNIT_GOOD) {
		decode_fault(x, n, types[k->type].example,
		    "'%.60s' is not a status from 100 to 599", n->text.p);
		return false;
	}
	memcpy(to, &range, sizeof(range));
	return true;
}
