#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

#include "base/text.h"

uint64_t	hash_text(struct text, uint64_t seed);		/* XXH3, for our own names */
uint64_t	hash_text_fold(struct text, uint64_t seed);	/* ASCII case folded */
uint64_t	hash_mix(uint64_t);				/* a 64-bit finaliser */

#endif
