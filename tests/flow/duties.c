/*
 * What the papers demand that needs a stage of its own: more than one message,
 * a setting, or a moment.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/front.h"
#include "tests/lib/wait.h"

static struct origin *o;
static struct front f;

static void
stage(void)
{
	o = origin_new("a");
}

static void
strike(void)
{
	daemon_stop(f.d);
}

TestSuite(duties, .init = stage, .fini = strike, .timeout = 60);

static void
begin(const struct front_settings *settings)
{
	f = front_of(settings, o, NULL);
}

/* RFC 9110 9.3.7, RFC 9112 3.2.4: it asks the server, not for a path. */
Test(duties, an_asterisk_is_routed_as_the_root_and_never_rewritten)
{
	struct client *c;

	begin(&(struct front_settings){
	    .route = ", rewrite: { add_prefix: /v1 }" });
	c = dial(f.port);
	cr_assert_eq(
	    ask(c, "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n")->status, 200);
	cr_assert(bytes_hold(&origin_seen(o, 0)->head, "OPTIONS * HTTP/1.1"));
}

Test(duties, an_asterisk_is_redirected_to_the_root)
{
	struct client *c;

	begin(&(struct front_settings){ .listener = ", redirect: https" });
	c = dial(f.port);
	cr_assert_str_eq(
	    response_field(ask(c, "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n"),
		"location"),
	    "https://a.test/");
}
