/* base/json: what is written is read back by jansson. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/rng.h"

/* One value written into an array. */
#define WRITTEN(call) \
	do { \
		json_init_array(&j, out, sizeof(out)); \
		call; \
		out[j.n] = '\0'; \
	} while (0)

Test(json, values_are_written_plainly)
{
	char out[512];
	struct json j;

	WRITTEN(json_u64(&j, UINT64_MAX));
	cr_assert_str_eq(out, "18446744073709551615");
	WRITTEN(json_i64(&j, INT64_MIN));
	cr_assert_str_eq(out, "-9223372036854775808");
	WRITTEN(json_i64(&j, -1));
	cr_assert_str_eq(out, "-1");
	WRITTEN(json_i64(&j, 0));
	cr_assert_str_eq(out, "0");
	WRITTEN(json_fixed(&j, 1.0 / 3, 3));
	cr_assert_str_eq(out, "0.333");
	WRITTEN(json_fixed(&j, -2.5, 0));
	cr_assert_str_eq(out, "-2");
	WRITTEN(json_fixed(&j, (double)NAN, 2));
	cr_assert_str_eq(out, "null");
	WRITTEN(json_fixed(&j, -(double)INFINITY, 2));
	cr_assert_str_eq(out, "null");
	WRITTEN(json_fixed(&j, -1.7e308, 17));
	cr_assert_eq(strlen(out), 1 + 309 + 1 + 17);
	WRITTEN(json_bool(&j, true));
	cr_assert_str_eq(out, "true");
	WRITTEN(json_bool(&j, false));
	cr_assert_str_eq(out, "false");
	WRITTEN(json_none(&j));
	cr_assert_str_eq(out, "null");
	WRITTEN(json_cstring(&j, NULL));
	cr_assert_str_eq(out, "null");
	WRITTEN(json_cstring(&j, ""));
	cr_assert_str_eq(out, "\"\"");
	WRITTEN(json_text(&j, TEXT_NONE));
	cr_assert_str_eq(out, "\"\"");
	WRITTEN(json_raw(&j, TEXT("[1,2]")));
	cr_assert_str_eq(out, "[1,2]");
	cr_assert_not(j.full);
}

static void
write_tree(struct json *j)
{
	json_open(j);
	json_key(j, "a");
	json_u64(j, 1);
	json_key_text(j, TEXT("b\"x"));
	json_open_list(j);
	json_open_list(j);
	json_close_list(j);
	json_open(j);
	json_close(j);
	json_bool(j, true);
	json_cstring(j, "s");
	json_close_list(j);
	json_key(j, "c");
	json_open(j);
	json_key(j, "d");
	json_none(j);
	json_close(j);
	json_key(j, "e");
	json_raw(j, TEXT("{}"));
	json_close(j);
}

static const char tree[] = "{\"a\":1,\"b\\\"x\":[[],{},true,\"s\"],"
			   "\"c\":{\"d\":null},\"e\":{}}";

Test(json, commas_stand_between_and_nowhere_else)
{
	char out[200];
	struct json j;

	WRITTEN(write_tree(&j));
	cr_assert_str_eq(out, tree);
}

Test(json, each_byte_is_written_as_it_must)
{
	char out[64], want[16];
	struct json j;

	for (unsigned c = 0; c < 256; c++) {
		char byte = (char)c;

		snprintf(want, sizeof(want), "\"%c\"", (int)c);
		if (c < 0x20)
			snprintf(want, sizeof(want), "\"\\u%04x\"", c);
		if (c >= 0x80)
			strncpy(want, "\"\xef\xbf\xbd\"", sizeof(want));
		switch (c) {
		case '"':
			strncpy(want, "\"\\\"\"", sizeof(want));
			break;
		case '\\':
			strncpy(want, "\"\\\\\"", sizeof(want));
			break;
		case '\b':
			strncpy(want, "\"\\b\"", sizeof(want));
			break;
		case '\f':
			strncpy(want, "\"\\f\"", sizeof(want));
			break;
		case '\n':
			strncpy(want, "\"\\n\"", sizeof(want));
			break;
		case '\r':
			strncpy(want, "\"\\r\"", sizeof(want));
			break;
		case '\t':
			strncpy(want, "\"\\t\"", sizeof(want));
			break;
		default:
			break;
		}
		WRITTEN(json_text(&j, (struct text){ &byte, 1 }));
		cr_assert_str_eq(out, want, "byte %u", c);
	}
}

Test(json, utf8_passes_and_the_rest_is_replaced)
{
#define R "\xef\xbf\xbd"
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "a\xc3\xa9z", "a\xc3\xa9z" },
		{ "\xc2\x80", "\xc2\x80" },
		{ "\xdf\xbf", "\xdf\xbf" },
		{ "\xe0\xa0\x80", "\xe0\xa0\x80" },
		{ "\xe1\x80\x80", "\xe1\x80\x80" },
		{ "\xed\x9f\xbf", "\xed\x9f\xbf" },
		{ "\xee\x80\x80", "\xee\x80\x80" },
		{ "\xef\xbf\xbf", "\xef\xbf\xbf" },
		{ "\xf0\x90\x80\x80", "\xf0\x90\x80\x80" },
		{ "\xf1\x80\x80\x80", "\xf1\x80\x80\x80" },
		{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
		{ "\xc0\xaf", R R },
		{ "\xc1\xbf", R R },
		{ "\xe0\x9f\xbf", R R R },
		{ "\xed\xa0\x80", R R R },
		{ "\xf0\x8f\xbf\xbf", R R R R },
		{ "\xf4\x90\x80\x80", R R R R },
		{ "\xf5\x80\x80\x80", R R R R },
		{ "\xc3", R },
		{ "\xc3z", R "z" },
		{ "\xe1\x80z", R R "z" },
		{ "\xe1\x80", R R },
		{ "\xe1\xc0\x80", R R R },
		{ "\xf1\x80\x80", R R R },
		{ "\xf1\x80\x80\xc0", R R R R },
		{ "ab\x80"
		  "cd\xff",
		    "ab" R "cd" R },
	};
	char out[64], want[64];
	struct json j;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		WRITTEN(json_cstring(&j, cases[i].in));
		snprintf(want, sizeof(want), "\"%s\"", cases[i].out);
		cr_assert_str_eq(out, want, "case %zu", i);
	}
}

/* Hostile bytes always make a document that a strict reader takes. */
Test(json, any_bytes_are_read_back)
{
	char in[300], out[6 * 300 + 2];
	struct rng rng;
	struct json j;

	rng_seed(&rng, 9);
	for (int round = 0; round < 3000; round++) {
		size_t n = rng_below(&rng, sizeof(in));
		uint64_t narrow = rng_below(&rng, 3);
		json_error_t error;
		json_t *read;

		for (size_t i = 0; i < n; i++)
			in[i] = (char)(narrow == 0 ? 0xc0 + rng_below(&rng, 64)
				: narrow == 1	   ? 0x80 + rng_below(&rng, 128)
						   : rng_below(&rng, 256));
		json_init_array(&j, out, sizeof(out));
		json_text(&j, (struct text){ in, n });
		cr_assert_not(j.full);
		read = json_loadb(
		    out, j.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
		cr_assert_not_null(read, "%s", error.text);
		json_decref(read);
	}
}

Test(json, an_array_that_is_full_says_so_and_stays_in_bounds)
{
	char out[sizeof(tree) + 8];
	struct json j;

	for (size_t size = 0; size < sizeof(tree) - 1; size++) {
		memset(out, '#', sizeof(out));
		json_init_array(&j, out, size);
		write_tree(&j);
		cr_assert(j.full, "%zu", size);
		cr_assert_leq(j.n, size);
		for (size_t i = size; i < sizeof(out); i++)
			cr_assert_eq(out[i], '#');
	}
	json_init_array(&j, out, sizeof(tree) - 1);
	write_tree(&j);
	cr_assert_not(j.full);
	cr_assert_eq(j.n, sizeof(tree) - 1);
}

Test(json, what_comes_after_full_is_left_out)
{
	char out[8];
	struct json j;

	json_init_array(&j, out, 5);
	json_cstring(&j, "abcdefgh");
	cr_assert(j.full);
	cr_assert_eq(j.n, 1);
	json_none(&j);
	cr_assert_eq(j.n, 1);
}

Test(json, a_buf_takes_all_of_a_long_document)
{
	struct buf b = { 0 };
	struct json j;
	json_error_t error;
	json_t *read;
	char key[20];

	buf_append(&b, " ", 1);
	json_init_buf(&j, &b);
	json_open(&j);
	for (int i = 0; i < 9000; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		json_key(&j, key);
		json_u64(&j, (uint64_t)i);
	}
	json_close(&j);
	json_end(&j);
	cr_assert_gt(b.n, 100000);
	read = json_loadb(buf_join(&b, b.n, 0), b.n, 0, &error);
	cr_assert_not_null(read, "%s", error.text);
	cr_assert_eq(json_object_size(read), 9000);
	cr_assert_eq(
	    json_integer_value(json_object_get(read, "key8999")), 8999);
	json_decref(read);
	buf_clear(&b);
	cr_assert_eq(block_count().live_bytes, 0);
}

/* Every place of a block's end within a piece. */
Test(json, pieces_part_at_a_block_s_end)
{
	static char padding[BUF_ROOM];
	struct json j;

	memset(padding, ' ', sizeof(padding));
	for (size_t left = 0; left <= sizeof(tree); left++) {
		struct buf b = { 0 };

		buf_append(&b, padding, BUF_ROOM - left);
		json_init_buf(&j, &b);
		write_tree(&j);
		json_end(&j);
		buf_drop(&b, BUF_ROOM - left);
		cr_assert_eq(b.n, sizeof(tree) - 1);
		cr_assert_eq(memcmp(buf_join(&b, b.n, 0), tree, b.n), 0);
		buf_clear(&b);
	}
	cr_assert_eq(block_count().live_bytes, 0);
}

Test(json, nothing_written_leaves_an_empty_buf)
{
	struct buf b = { 0 };
	struct json j;

	json_init_buf(&j, &b);
	json_end(&j);
	cr_assert_null(b.first);
	cr_assert_eq(block_count().live_bytes, 0);
}

Test(json, end_of_an_array_changes_nothing)
{
	char out[8];
	struct json j;

	json_init_array(&j, out, sizeof(out));
	json_none(&j);
	json_end(&j);
	cr_assert_eq(j.n, 4);
}
