#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/*
 * The language, one row for each key.  From these rows come decoder, defaults,
 * validation, did-you-mean, JSON Schema, the reference in fairlead.yaml(5) and
 * the printed configuration: what is not here does not exist, and what is here
 * exists everywhere.
 */
enum key_type {
	/* of structure */
	KEY_BLOCK,		/* fixed keys, in the same record */
	KEY_SAME,		/* the same keys as the record `like' */
	KEY_NAMED,		/* a map from names to records, path.NAME */
	KEY_RECORDS,		/* a list of records, path[] */
	KEY_FIELDS,		/* a map from header names to values */
	/* single values; with KEY_MANY also a list of them */
	KEY_BOOL, KEY_COUNT, KEY_DURATION, KEY_SIZE, KEY_PERCENT,
	KEY_WORD,		/* one of `words', stored as its index */
	KEY_WORDS,		/* some of `words', stored as a set of bits */
	KEY_TEXT,		/* any text; one of `words' if there are any */
	KEY_NAME,		/* letters, digits, '_', '-' and '.' */
	KEY_LABEL,		/* any printable text, for metrics and logs */
	KEY_ADDRESS, KEY_NETWORK,
	KEY_URL,		/* of an HTTP API: scheme, host and port */
	KEY_FILE,		/* readable, or KEY_LATER; relative to its YAML file */
	KEY_OUTPUT,		/* stdout or a path */
	KEY_HOST,		/* a host to match: exact or *.x */
	KEY_AUTHORITY,		/* a host, with or without port */
	KEY_PATTERN,		/* a path to match: exact or /x/ and a star */
	KEY_PATH, KEY_PREFIX,
	KEY_METHOD,
	KEY_UPGRADE,		/* a token of Upgrade */
	KEY_STATUS,		/* 204, 200-399, 2xx */
	KEY_FIELD,		/* a header name */
	KEY_TYPES
};

#define KEY_MANY	1u	/* a list; a single value need no brackets */
#define KEY_REQUIRED	2u
#define KEY_OFF		4u	/* `off' is allowed */
#define KEY_AUTO	8u	/* `auto' is allowed, and stored as 0 */
#define KEY_RESTART	16u	/* a change takes a restart, not a reload */
#define KEY_NO_DEFAULT	32u	/* not under defaults */
#define KEY_PLACED	64u	/* its place is stored at `place' */
#define KEY_PEER	128u	/* an address to connect to, not to listen on */
#define KEY_SUGAR	256u	/* another way to write something else */
#define KEY_LABELS	512u	/* KEY_NAMED: names are of KEY_LABEL's form */
#define KEY_LATER	1024u	/* KEY_FILE: it need not be there yet */

struct key {
	const char	*path;
	enum key_type	 type;
	unsigned	 flags;
	const char	*fallback;	/* the default as one would write it */
	const char	*help;
	uint64_t	 least, most;	/* in units of one, ns or bytes */
	const char	*words;		/* "a|b" */
	const char	*brief;		/* a record may be written as this key's value */
	const char	*like;		/* KEY_SAME: path of the record */
	const char	*when;		/* means something only with this `type' beside it */
	/* where it goes in the struct of its record; width 0: nowhere */
	size_t		 offset, width;
	size_t		 count;		/* offset of the unsigned that counts a list */
	size_t		 place;		/* KEY_PLACED: of the conf_place */
	size_t		 element;	/* of a list: size of an item */
	size_t		 name;		/* KEY_NAMED: of the name, in the item */
};

#define KEYS_MAX	160

extern const struct key schema[];
extern const unsigned	schema_keys;

const struct key *key_find(const char *path);
/* The key of that name in the block or record of that path; NULL: unknown. */
const struct key *key_child(const char *path, struct text name);
/* It stands directly under that path ("" is the top). */
bool		 key_is_under(const struct key *, const char *path);
const char	*key_name(const struct key *);	/* the last part of its path */
/* The path of what a list or map of records holds: "routes[]", "upstreams.NAME". */
size_t		 key_item_path(const struct key *, char *to, size_t room);
#define KEY_PATH_MAX	96

/* A block that is absent is off, or has keys with defaults. */
bool		 key_is_off(const struct key *);
bool		 key_has_defaults(const struct key *);
/* A bound of a number, as one would write it. */
void		 key_print_bound(const struct key *, uint64_t, char to[32]);

/* The n-th word of "a|b|c"; false: there are fewer. */
bool		 words_get(const char *words, unsigned n, struct text *);
/* Its index, or -1. */
int		 words_find(const char *words, struct text);

#endif
