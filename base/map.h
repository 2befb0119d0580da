#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/text.h"

/*
 * Text to pointer, open addressing.  Keys are borrowed: they must outlive the
 * map.  Seeded per process, so that names from outside cannot aim at one chain.
 * All zero is a valid empty map.
 */
struct map_slot;
struct map {
	struct map_slot	*slots;
	size_t		 n, cap;
};

void	*map_get(const struct map *, struct text key);
void	 map_set(struct map *, struct text key, void *value);	/* replaces */
void	 map_fini(struct map *);

#endif
