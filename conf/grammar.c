/*
 * The texts of a configuration that end up in HTTP: hosts, paths, methods,
 * header names and values.  What passes here can be written on a wire, and
 * matched against what the parser lets in, without a further look.
 */
#include <ctype.h>
#include <string.h>

#include "base/addr.h"
#include "conf/grammar.h"
#include "http/octet.h"
#include "http/upgrade.h"

#define HOST_MAX_BYTES 253
#define LABEL_MAX_BYTES 63

static bool only(struct text, bool (*)(char));
static bool is_name_byte(char);
static bool is_printable(char);
static bool is_token_byte(char);
static bool is_path_byte(char);
static bool is_value_byte(char);
static bool is_host_byte(char);
static bool is_dotted_host(struct text);
static bool is_address_host(struct text);
static bool is_plain_path(struct text, const char **hint);

/*
 * Fields that say how a message is framed and sent on: the proxy writes them
 * itself, and a route that could change them could smuggle requests.
 */
static const char *const own_fields[] = {
	"connection",
	"content-length",
	"host",
	"keep-alive",
	"proxy-connection",
	"te",
	"trailer",
	"transfer-encoding",
	"upgrade",
};

bool
grammar_name(struct text t, const char **hint)
{
	if (t.n > 0 && t.n <= LABEL_MAX && only(t, is_name_byte))
		return true;
	*hint = "letters, digits, '_', '-' and '.', at most 128 bytes";
	return false;
}

bool
grammar_label(struct text t, const char **hint)
{
	if (t.n > 0 && t.n <= LABEL_MAX && only(t, is_printable))
		return true;
	*hint = "printable characters, at most 128 bytes";
	return false;
}

bool
grammar_text(struct text t, const char **hint)
{
	(void)hint;
	return text_find(t, '\0') == -1;
}

bool
grammar_host(struct text t, const char **hint)
{
	struct text rest = t;

	if (text_equal(t, TEXT("*"))) {
		*hint = "leave host out to match any";
		return false;
	}
	if (memmem(t.p, t.n, "://", 3) != NULL) {
		*hint = "the host alone, without http://";
		return false;
	}
	if (is_address_host(t))
		return true;
	if (text_find(t, ':') != -1) {
		*hint = "without a port; that is the listener's";
		return false;
	}
	if (text_starts(t, TEXT("*.")))
		rest = text_from(t, 2);
	if (text_find(rest, '*') != -1) {
		*hint = "'*' only as the whole first label: *.example.com";
		return false;
	}
	if (!is_dotted_host(rest)) {
		*hint = "letters, digits, '-' and '.'; other letters as "
			"punycode (xn--...)";
		return false;
	}
	return true;
}

bool
grammar_authority(struct text t, const char **hint)
{
	ptrdiff_t colon = text_find_last(t, ':');
	struct text host = t;
	uint64_t port = 1;

	if (colon != -1 && t.p[t.n - 1] != ']') {
		host = text_first(t, (size_t)colon);
		if (!text_to_u64(
			text_from(t, (size_t)colon + 1), 65535, &port) ||
		    port == 0) {
			*hint = "a port is 1 to 65535";
			return false;
		}
	}
	if (is_address_host(host) || is_dotted_host(host))
		return true;
	*hint = "write host or host:port";
	return false;
}

bool
grammar_pattern(struct text t, const char **hint)
{
	ptrdiff_t star = text_find(t, '*');

	if (!is_plain_path(t, hint))
		return false;
	if (star == -1)
		return true;
	if ((size_t)star + 1 != t.n || t.p[star - 1] != '/') {
		*hint = "'*' only at the end, after '/': /api/*";
		return false;
	}
	return true;
}

bool
grammar_path(struct text t, const char **hint)
{
	ptrdiff_t question = text_find(t, '?');

	if (question == -1)
		return is_plain_path(t, hint);
	return is_plain_path(text_first(t, (size_t)question), hint) &&
	    only(text_from(t, (size_t)question + 1), is_path_byte);
}

bool
grammar_prefix(struct text t, const char **hint)
{
	if (!is_plain_path(t, hint))
		return false;
	if (text_find(t, '*') == -1 && t.n > 1 && t.p[t.n - 1] != '/')
		return true;
	*hint = "whole segments, without '/' or '*' at the end: /api";
	return false;
}

bool
grammar_method(struct text t, const char **hint)
{
	size_t i;

	if (t.n == 0 || !only(t, is_token_byte))
		return false;
	for (i = 0; i < t.n; i++)
		if (islower((unsigned char)t.p[i])) {
			*hint = "methods are upper case: GET";
			return false;
		}
	if (text_equal(t, TEXT("CONNECT"))) {
		*hint = "write connect: true in the route";
		return false;
	}
	return true;
}

bool
grammar_upgrade(struct text t, const char **hint)
{
	if (upgrade_is_http(t)) {
		*hint = "HTTP is never switched to another HTTP";
		return false;
	}
	return upgrade_is_token(t);
}

bool
grammar_field(struct text t, const char **hint)
{
	size_t i;

	if (t.n == 0 || !only(t, is_token_byte))
		return false;
	for (i = 0; i < sizeof(own_fields) / sizeof(*own_fields); i++)
		if (text_equal_fold(t, text_of(own_fields[i]))) {
			*hint = "fairlead writes this field itself";
			return false;
		}
	return true;
}

bool
grammar_value(struct text t, const char **hint)
{
	if (!only(t, is_value_byte)) {
		*hint = "no control characters";
		return false;
	}
	if (memmem(t.p, t.n, "$(", 2) != NULL) {
		*hint = "templates, $(...), are not available in this "
			"version";
		return false;
	}
	return true;
}

static bool
only(struct text t, bool (*is)(char))
{
	size_t i;

	for (i = 0; i < t.n; i++)
		if (!is(t.p[i]))
			return false;
	return true;
}

static bool
is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static bool
is_printable(char c)
{
	return (unsigned char)c >= ' ' && c != 0x7f;
}

static bool
is_token_byte(char c)
{
	return octet_is(c, OCTET_TOKEN);
}

/* Visible ASCII; RFC 3986 leaves these out of a path and query. */
static bool
is_path_byte(char c)
{
	return c > ' ' && c < 0x7f && strchr("\"#<>\\^`{|}", c) == NULL;
}

static bool
is_value_byte(char c)
{
	return is_printable(c) || c == '\t';
}

static bool
is_host_byte(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

static bool
is_dotted_host(struct text t)
{
	struct text label;
	ptrdiff_t dot;

	if (t.n == 0 || t.n > HOST_MAX_BYTES)
		return false;
	do {
		dot = text_find(t, '.');
		label = dot == -1 ? t : text_first(t, (size_t)dot);
		if (label.n == 0 || label.n > LABEL_MAX_BYTES ||
		    !only(label, is_host_byte))
			return false;
		t = text_from(t, label.n + 1);
	} while (dot != -1);
	return true;
}

/* [::1]; an IPv4 address looks like a dotted host. */
static bool
is_address_host(struct text t)
{
	struct addr a;

	return t.n > 2 && t.p[0] == '[' && t.p[t.n - 1] == ']' &&
	    addr_from_ip((struct text){ t.p + 1, t.n - 2 }, 0, &a) &&
	    a.u.sa.sa_family == AF_INET6;
}

static bool
is_plain_path(struct text t, const char **hint)
{
	if (t.n == 0 || t.p[0] != '/') {
		*hint = "a path begins with '/'";
		return false;
	}
	if (only(t, is_path_byte) && text_find(t, '?') == -1)
		return true;
	*hint = "no '?', '#', space or control character; percent-encode "
		"what is not ASCII";
	return false;
}
