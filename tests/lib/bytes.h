#ifndef TESTS_LIB_BYTES_H
#define TESTS_LIB_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes for tests: a growing buffer, text made by printf, and the pattern,
 * an endless fixed sequence of bytes in which every place looks different, so
 * that a body that was cut, shifted or mixed with another one is noticed.
 * Memory lives as long as the process: a test is one.  Any thread, one at a
 * time for each buffer.
 */
struct bytes {
	char	*p;		/* a NUL follows; NULL when never filled */
	size_t	 n, cap;
};

void	 bytes_add(struct bytes *, const void *, size_t);
void	 bytes_printf(struct bytes *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
/* Remove from the front. */
void	 bytes_drop(struct bytes *, size_t);
/* Give the memory back early: for who fills many. */
void	 bytes_free(struct bytes *);
/* Where `needle' begins at or after `from', or -1. */
long	 bytes_find(const struct bytes *, size_t from, const char *needle);
bool	 bytes_hold(const struct bytes *, const char *needle);

/* Zeroed memory and text that nobody frees. */
void	*keep(size_t);
char	*keep_printf(const char *, ...) __attribute__((format(printf, 1, 2)));
char	*keep_text(const char *, size_t);
/* Not any longer; NULL is fine. */
void	 keep_no_more(void *);
/* The whole file, empty when there is none. */
char	*keep_file(const char *path);

/* The pattern's bytes from `offset' on. */
void	 pattern_fill(char *, size_t, uint64_t offset);
bool	 pattern_is(const char *, size_t, uint64_t offset);
/* SHA-256 in hex of the pattern's first n bytes. */
char	*pattern_digest(uint64_t n);

/* SHA-256 in steps. */
struct digest;
struct digest	*digest_new(void);
void		 digest_add(struct digest *, const void *, size_t);
/* In hex; the digest is gone after it. */
char		*digest_end(struct digest *);

#endif
