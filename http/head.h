#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "http/token.h"

struct arena;

/*
 * A message head in one form, whatever wire it came from.  Texts point into
 * the bytes it was read from or into the exchange's arena; whoever keeps a
 * head keeps those.
 */
struct field {
	struct text	name, value;
	enum token	token;		/* known names; TOKEN_NONE: removed, TOKEN_OTHER */
	bool		is_line;	/* it stands as "name: value\r\n" in one place */
};

/* Fields in order.  Memory is the arena's. */
struct fields {
	struct field	*v;
	unsigned	 n, cap;
	uint32_t	 met;		/* a bit for each token that is or was in it */
};

enum http_version { HTTP_1_0, HTTP_1_1 };

enum framing {
	FRAMING_NONE,		/* no body */
	FRAMING_LENGTH,		/* `length' bytes, may be 0 */
	FRAMING_CHUNKED,	/* length unknown until its end */
	FRAMING_CLOSE		/* a response that ends with the connection */
};

struct head {
	/* of a request */
	enum method	 method;
	struct text	 method_name;
	struct text	 target;	/* as received; the log's */
	struct text	 path;		/* normalised; what is routed and forwarded */
	struct text	 query;		/* after '?', without it */
	bool		 has_query;	/* a bare '?' is kept */
	struct text	 authority;	/* Host or the absolute target's, with port */
	struct text	 host;		/* the authority's host, without port, brackets kept */
	bool		 expect_continue;
	bool		 takes_trailers; /* the client says so in TE */
	bool		 max_forwards_zero; /* TRACE or OPTIONS that ends here */
	/* of a response */
	unsigned	 status;
	struct text	 reason;
	bool		 tunnel;	/* behind it is no message but a tunnel */
	/* of both */
	struct text	 upgrade;	/* tokens asked for; of a 101: the one agreed on */
	enum http_version version;
	struct fields	 fields;	/* after rules.h: those that go onward */
	enum framing	 framing;
	uint64_t	 length;	/* FRAMING_LENGTH, or announced */
	bool		 has_length;	/* FRAMING_NONE that announces `length': HEAD, 304 */
	bool		 keep_alive;	/* the peer allows another message after this one */
	unsigned	 kept_s;	/* a server keeps an idle connection so long; 0: it did not say */
};

/* Room for more fields. */
void		 fields_grow(struct fields *, struct arena *);
/* A new last field, to be filled in: fields_add for who writes it in place. */
static inline struct field *
fields_slot(struct fields *fields, struct arena *arena, enum token token)
{
	_Static_assert(TOKEN_PROTECTED < 32, "a bit for each token");
	if (fields->n == fields->cap)
		fields_grow(fields, arena);
	fields->met |= 1u << token;
	return &fields->v[fields->n++];
}
/* The usual phrase for a status (RFC 9110 15); empty: there is none. */
struct text	 status_reason(unsigned status);
/* Append; the texts are borrowed. */
void		 fields_add(struct fields *, struct arena *, enum token,
		    struct text name, struct text value);
/*
 * The same from a whole line, "name: value\r\n", whose name has name_n bytes:
 * it is copied as it is when the head is written.
 */
void		 fields_add_line(struct fields *, struct arena *, enum token,
		    struct text line, size_t name_n);
/* False: there is surely none. */
static inline bool
fields_may_have(const struct fields *fields, enum token token)
{
	return (fields->met & 1u << token) != 0;
}
/* The first one, or NULL. */
struct field	*fields_find(const struct fields *, enum token);
struct field	*fields_find_name(const struct fields *, struct text name);
/* Remove all of that name; count. */
unsigned	 fields_remove(struct fields *, enum token);
unsigned	 fields_remove_name(struct fields *, struct text name);

#endif
