#ifndef TLS_OPTIONS_H
#define TLS_OPTIONS_H

#include <stdbool.h>

enum tls_version { TLS_1_2, TLS_1_3 };

/* Strings belong to the configuration; NULL: OpenSSL's default. */
struct tls_options {
	enum tls_version  min_version;
	const char	 *ciphers;		/* TLS 1.2 */
	const char	 *ciphersuites;		/* TLS 1.3 */
	const char	 *curves;
	bool		  session_tickets;
};

#endif
