#ifndef BASE_CONTAINER_H
#define BASE_CONTAINER_H

#include <stddef.h>

/*
 * The struct whose member this points at: how a callback that is handed its
 * timer, its grave or its letter comes to the one who set it.
 */
#define CONTAINER_OF(at, record, member) \
	((record *)(void *)((char *)(at)-offsetof(record, member)))

#endif
