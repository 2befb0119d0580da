#ifndef TLS_PIECES_H
#define TLS_PIECES_H

#include <stddef.h>

#include "base/text.h"

#define TLS_RECORD_BYTES	16384	/* of plain text, RFC 8446 5.1 */

struct iovec;

/* What is left to write of an array of pieces. */
struct tls_pieces {
	const struct iovec	*iov;
	int			 n;
	size_t			 at;	/* in the first */
};

/*
 * The bytes of the next record: a part of the first piece, or as many whole
 * pieces as fit, copied to `scratch' (TLS_RECORD_BYTES).  When the one before
 * was refused after so many bytes, exactly those: OpenSSL has sealed them.
 * There must be bytes left.
 */
struct text	tls_pieces_record(const struct tls_pieces *, size_t refused,
		    char *scratch);
/* Bytes that were written; pieces without bytes are passed over, too. */
void		tls_pieces_skip(struct tls_pieces *, size_t);

#endif
