#ifndef TLS_FAILURE_H
#define TLS_FAILURE_H

/* Why a handshake failed: the label of tls_handshake_failures_total. */
enum tls_failure {
	TLS_FAILED_NOT,
	TLS_FAILED_PROTOCOL,		/* no common version, or not TLS */
	TLS_FAILED_NO_SHARED_CIPHER,	/* nor group or signature algorithm */
	TLS_FAILED_UNKNOWN_ALPN,
	TLS_FAILED_PEER_ALERT,		/* the client refused us */
	TLS_FAILED_PLAINTEXT_HTTP,
	TLS_FAILED_CLOSED,		/* the client went away */
	TLS_FAILED_TIMEOUT,		/* the owner's deadline: not set here */
	TLS_FAILED_OTHER
};

const char	*tls_failure_word(enum tls_failure);
/* From OpenSSL's error code; 0, no error of its own, is the peer's end. */
enum tls_failure tls_failure_of(unsigned long error);

#endif
