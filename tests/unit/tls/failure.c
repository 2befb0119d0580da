/* OpenSSL's reasons to words of ours. */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <criterion/criterion.h>

#include "tls/failure.h"

static const struct {
	int lib, reason;
	const char *word;
} cases[] = {
	{ ERR_LIB_SSL, SSL_R_UNSUPPORTED_PROTOCOL, "protocol" },
	{ ERR_LIB_SSL, SSL_R_VERSION_TOO_LOW, "protocol" },
	{ ERR_LIB_SSL, SSL_R_UNKNOWN_PROTOCOL, "protocol" },
	{ ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER, "protocol" },
	{ ERR_LIB_SSL, SSL_R_WRONG_SSL_VERSION, "protocol" },
	{ ERR_LIB_SSL, SSL_R_INAPPROPRIATE_FALLBACK, "protocol" },
	{ ERR_LIB_SSL, SSL_R_NO_SHARED_CIPHER, "no_shared_cipher" },
	{ ERR_LIB_SSL, SSL_R_NO_SHARED_GROUPS, "no_shared_cipher" },
	{ ERR_LIB_SSL, SSL_R_NO_SUITABLE_KEY_SHARE, "no_shared_cipher" },
	{ ERR_LIB_SSL, SSL_R_NO_SUITABLE_GROUPS, "no_shared_cipher" },
	{ ERR_LIB_SSL, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS,
	    "no_shared_cipher" },
	{ ERR_LIB_SSL, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
	    "no_shared_cipher" },
	{ ERR_LIB_SSL, SSL_R_NO_APPLICATION_PROTOCOL, "unknown_alpn" },
	{ ERR_LIB_SSL, SSL_R_HTTP_REQUEST, "plaintext_http" },
	{ ERR_LIB_SSL, SSL_R_HTTPS_PROXY_REQUEST, "plaintext_http" },
	{ ERR_LIB_SSL, SSL_R_UNEXPECTED_EOF_WHILE_READING, "closed" },
	{ ERR_LIB_SSL, SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "peer_alert" },
	{ ERR_LIB_SSL, SSL_R_TLSV1_ALERT_UNKNOWN_CA, "peer_alert" },
	{ ERR_LIB_SSL, SSL_AD_REASON_OFFSET, "other" },
	{ ERR_LIB_SSL, SSL_AD_REASON_OFFSET + 1, "peer_alert" },
	{ ERR_LIB_SSL, SSL_R_BAD_EXTENSION, "other" },
	{ ERR_LIB_EVP, SSL_R_NO_SHARED_CIPHER, "other" },
};

Test(failure, has_a_word_for_each_of_openssl_s_reasons)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_str_eq(tls_failure_word(tls_failure_of(ERR_PACK(
				     cases[i].lib, 0, cases[i].reason))),
		    cases[i].word, "case %zu", i);
}

Test(failure, of_the_system_or_without_a_reason_is_the_client_s_end)
{
	cr_assert_eq(tls_failure_of(0), TLS_FAILED_CLOSED);
	cr_assert_eq(tls_failure_of(ERR_SYSTEM_FLAG | 104), TLS_FAILED_CLOSED);
}

Test(failure, words_are_complete)
{
	cr_assert_str_eq(tls_failure_word(TLS_FAILED_NOT), "");
	cr_assert_str_eq(tls_failure_word(TLS_FAILED_TIMEOUT), "timeout");
	cr_assert_str_eq(tls_failure_word(TLS_FAILED_OTHER), "other");
}
