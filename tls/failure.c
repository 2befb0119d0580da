/*
 * Why a handshake failed, in a few words that a metric can count.  OpenSSL
 * has some hundred reasons; an operator asks whether the client was too old,
 * wanted another protocol, refused the certificate or went away.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tls/failure.h"

static enum tls_failure of_reason(int);

const char *
tls_failure_word(enum tls_failure failure)
{
	static const char *const words[] = {
		[TLS_FAILED_NOT] = "",
		[TLS_FAILED_PROTOCOL] = "protocol",
		[TLS_FAILED_NO_SHARED_CIPHER] = "no_shared_cipher",
		[TLS_FAILED_UNKNOWN_ALPN] = "unknown_alpn",
		[TLS_FAILED_PEER_ALERT] = "peer_alert",
		[TLS_FAILED_PLAINTEXT_HTTP] = "plaintext_http",
		[TLS_FAILED_CLOSED] = "closed",
		[TLS_FAILED_TIMEOUT] = "timeout",
		[TLS_FAILED_OTHER] = "other",
	};

	return words[failure];
}

enum tls_failure
tls_failure_of(unsigned long error)
{
	if (error == 0 || ERR_SYSTEM_ERROR(error))
		return TLS_FAILED_CLOSED;
	if (ERR_GET_LIB(error) != ERR_LIB_SSL)
		return TLS_FAILED_OTHER;
	if (ERR_GET_REASON(error) > SSL_AD_REASON_OFFSET)
		return TLS_FAILED_PEER_ALERT;
	return of_reason(ERR_GET_REASON(error));
}

static enum tls_failure
of_reason(int reason)
{
	switch (reason) {
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_UNKNOWN_PROTOCOL:
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_WRONG_SSL_VERSION:
	case SSL_R_INAPPROPRIATE_FALLBACK:
		return TLS_FAILED_PROTOCOL;
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_SHARED_GROUPS:
	case SSL_R_NO_SUITABLE_KEY_SHARE:
	case SSL_R_NO_SUITABLE_GROUPS:
	case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
		return TLS_FAILED_NO_SHARED_CIPHER;
	case SSL_R_NO_APPLICATION_PROTOCOL:
		return TLS_FAILED_UNKNOWN_ALPN;
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
		return TLS_FAILED_PLAINTEXT_HTTP;
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return TLS_FAILED_CLOSED;
	default:
		return TLS_FAILED_OTHER;
	}
}
