/*
 * How an array of pieces becomes TLS records.  A record costs a write(2), a
 * header and a tag, so pieces that fit one together share it, at the price of
 * a copy; large ones go as they lie.  PURE.
 */
#include <sys/uio.h>

#include <string.h>

#include "tls/pieces.h"

static size_t whole_pieces(const struct tls_pieces *);
static struct text copy_pieces(const struct tls_pieces *, char *, size_t);

struct text
tls_pieces_record(const struct tls_pieces *rest, size_t refused, char *scratch)
{
	size_t n = refused > 0 ? refused : whole_pieces(rest);

	if (n > rest->iov->iov_len - rest->at)
		return copy_pieces(rest, scratch, n);
	return (struct text){ (char *)rest->iov->iov_base + rest->at, n };
}

void
tls_pieces_skip(struct tls_pieces *p, size_t n)
{
	p->at += n;
	while (p->n > 0 && p->at >= p->iov->iov_len) {
		p->at -= p->iov->iov_len;
		p->iov++;
		p->n--;
	}
}

/* Bytes of the pieces, from the first, that fit a record uncut. */
static size_t
whole_pieces(const struct tls_pieces *rest)
{
	size_t n = rest->iov->iov_len - rest->at;

	if (n > TLS_RECORD_BYTES)
		return TLS_RECORD_BYTES;
	for (int i = 1; i < rest->n; i++) {
		if (n + rest->iov[i].iov_len > TLS_RECORD_BYTES)
			break;
		n += rest->iov[i].iov_len;
	}
	return n;
}

static struct text
copy_pieces(const struct tls_pieces *rest, char *scratch, size_t n)
{
	struct tls_pieces p = *rest;
	size_t used = 0;

	while (used < n && p.n > 0) {
		size_t piece = p.iov->iov_len - p.at;

		if (piece > n - used)
			piece = n - used;
		memcpy(scratch + used, (char *)p.iov->iov_base + p.at, piece);
		used += piece;
		tls_pieces_skip(&p, piece);
	}
	return (struct text){ scratch, used };
}
