#ifndef TESTS_CONF_DECODED_H
#define TESTS_CONF_DECODED_H

#include "conf/conf.h"

#define S	1000000000ull
#define MS	1000000ull
#define COUNT(array)	(sizeof(array) / sizeof(*(array)))

/* As from t.yaml; it must be good. */
struct conf	*parse(const char *yaml);

void		 address_is(const struct conf_address *, const char *text,
		    unsigned line, unsigned column);
void		 places_are(struct conf_place, unsigned line, unsigned column);
void		 field_is(const struct conf_field *, const char *name,
		    const char *value);

#endif
