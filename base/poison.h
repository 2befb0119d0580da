#ifndef BASE_POISON_H
#define BASE_POISON_H

/*
 * For the allocators of base/ alone: under AddressSanitizer bytes that nobody
 * was given, or that were given back, may not be touched.
 */
#if defined(__SANITIZE_ADDRESS__)
#define BASE_POISON	1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BASE_POISON	1
#endif
#endif

#ifdef BASE_POISON
#include <sanitizer/asan_interface.h>
#define POISON(p, n)	ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n)	ASAN_UNPOISON_MEMORY_REGION(p, n)
#define POISON_GAP	8	/* unused bytes after each piece of an arena */
#define POOL_MALLOC	1	/* pools hand every piece back to malloc */
#else
#define POISON(p, n)	((void)(p), (void)(n))
#define UNPOISON(p, n)	((void)(p), (void)(n))
#define POISON_GAP	0
#define POOL_MALLOC	0
#endif

#endif
