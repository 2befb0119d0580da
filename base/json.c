/*
 * The JSON writer behind log lines, /stats and friends.  What it is given may
 * come from a hostile peer, so validity is made here and nowhere else: every
 * byte is either known to be clean, part of a well-formed UTF-8 sequence, or
 * replaced.  Clean bytes are passed on by the run.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static void put_escaped(struct json *, unsigned char);
static size_t plain_length(struct text, size_t at);

void
json_init_array(struct json *j, char *to, size_t size)
{
	*j = (struct json){ .p = to, .cap = size };
}

void
json_init_buf(struct json *j, struct buf *to)
{
	*j = (struct json){ .to = to };
	j->p = buf_reserve(to, 1, &j->cap);
}

void
json_end(struct json *j)
{
	if (j->to == NULL)
		return;
	buf_commit(j->to, j->n);
	buf_release(j->to);
	*j = (struct json){ .full = j->full };
}

/* An array takes a piece whole or not at all; a buf takes everything. */
static void
put(struct json *j, const char *p, size_t n)
{
	if (j->to == NULL && (j->full || j->cap - j->n < n)) {
		j->full = true;
		return;
	}
	while (j->cap - j->n < n) {
		size_t part = j->cap - j->n;

		memcpy(j->p + j->n, p, part);
		buf_commit(j->to, j->cap);
		p += part;
		n -= part;
		j->n = 0;
		j->p = buf_reserve(j->to, 1, &j->cap);
	}
	memcpy(j->p + j->n, p, n);
	j->n += n;
}

/* What stands before each key and each value of a list. */
static void
separate(struct json *j)
{
	if (j->comma)
		put(j, ",", 1);
	j->comma = true;
}

static void
put_value(struct json *j, const char *p, size_t n)
{
	separate(j);
	put(j, p, n);
}

static void
open_with(struct json *j, const char *bracket)
{
	put_value(j, bracket, 1);
	j->comma = false;
}

static void
close_with(struct json *j, const char *bracket)
{
	put(j, bracket, 1);
	j->comma = true;
}

void
json_open(struct json *j)
{
	open_with(j, "{");
}

void
json_close(struct json *j)
{
	close_with(j, "}");
}

void
json_open_list(struct json *j)
{
	open_with(j, "[");
}

void
json_close_list(struct json *j)
{
	close_with(j, "]");
}

void
json_key(struct json *j, const char *key)
{
	json_key_text(j, text_of(key));
}

void
json_key_text(struct json *j, struct text key)
{
	json_text(j, key);
	put(j, ":", 1);
	j->comma = false;
}

void
json_text(struct json *j, struct text t)
{
	size_t n = 0, length;

	put_value(j, "\"", 1);
	while (n < t.n) {
		length = plain_length(t, n);
		if (length > 0) {
			n += length;
			continue;
		}
		put(j, t.p, n);
		put_escaped(j, (unsigned char)t.p[n]);
		t = text_from(t, n + 1);
		n = 0;
	}
	if (n > 0)
		put(j, t.p, n);
	put(j, "\"", 1);
}

/* Bytes of the character there if it may stand as it is, or 0. */
static size_t
plain_length(struct text t, size_t at)
{
	unsigned char c = (unsigned char)t.p[at];

	if (c >= 0x80)
		return text_utf8(text_from(t, at));
	return c >= 0x20 && c != '"' && c != '\\';
}

static void
put_escaped(struct json *j, unsigned char c)
{
	static const char letters[] = "\"\\\b\f\n\r\t", escapes[] = "\"\\bfnrt";
	const char *letter = memchr(letters, c, sizeof(letters) - 1);
	char s[8] = "\\u00";

	if (c >= 0x80) {
		put(j, REPLACEMENT, 3);
		return;
	}
	if (letter != NULL) {
		s[1] = escapes[letter - letters];
		put(j, s, 2);
		return;
	}
	s[4] = "0123456789abcdef"[c >> 4];
	s[5] = "0123456789abcdef"[c & 15];
	put(j, s, 6);
}

void
json_cstring(struct json *j, const char *s)
{
	if (s == NULL)
		json_none(j);
	else
		json_text(j, text_of(s));
}

void
json_u64(struct json *j, uint64_t value)
{
	char digits[20];

	put_value(j, digits, text_put_u64(digits, value));
}

void
json_i64(struct json *j, int64_t value)
{
	char digits[21] = "-";

	if (value >= 0)
		json_u64(j, (uint64_t)value);
	else
		put_value(
		    j, digits, 1 + text_put_u64(digits + 1, -(uint64_t)value));
}

/* JSON has no word for what is not a number. */
void
json_fixed(struct json *j, double value, int decimals)
{
	char digits[352];
	int n;

	assert(decimals >= 0 && decimals <= 17);
	if (!isfinite(value)) {
		json_none(j);
		return;
	}
	n = snprintf(digits, sizeof(digits), "%.*f", decimals, value);
	put_value(j, digits, (size_t)n);
}

void
json_bool(struct json *j, bool value)
{
	json_raw(j, value ? TEXT("true") : TEXT("false"));
}

void
json_none(struct json *j)
{
	json_raw(j, TEXT("null"));
}

void
json_raw(struct json *j, struct text value)
{
	put_value(j, value.p, value.n);
}
