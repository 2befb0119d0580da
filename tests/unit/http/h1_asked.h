#ifndef TESTS_HTTP_H1_ASKED_H
#define TESTS_HTTP_H1_ASKED_H

#include "tests/unit/http/h1_wired.h"

#define OK	"HTTP/1.1 200 OK\r\n"
#define HELLO	OK "Content-Length: 5\r\n\r\nhello"
#define CHUNKED	OK "Transfer-Encoding: chunked\r\n\r\n"
#define ASKED	"GET /p HTTP/1.1\r\nHost: h\r\n\r\n"

/* A whole request of that method is on its way. */
void	 ask_for(enum method);
/* And it is a GET, and has come. */
void	 ask(void);
/* A request whose body is still to come. */
void	 begin(void);

#endif
