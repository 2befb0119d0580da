#ifndef TESTS_HTTP_H1_SERVED_H
#define TESTS_HTTP_H1_SERVED_H

#include "tests/unit/http/h1_wired.h"

#define GET	"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
#define POST	"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"
#define CHUNKED \
		"POST /p HTTP/1.1\r\nHost: h\r\n" \
		"Transfer-Encoding: chunked\r\n\r\n"
#define OK_2	"HTTP/1.1 200 R\r\nContent-Length: 2\r\n"

/* For a suite's .init, with wired_down for its .fini; the test is the client. */
void	 served_up(void);
void	 served_up_tcp(void);
/* Answer the request that was heard, with its length told. */
void	 answer(unsigned status, const char *body);
/* Behind what was refused or broken no byte is read; the answer closes. */
void	 nothing_more_is_heard(void);

#endif
