/* Which certificates serve which names. */
#include <criterion/criterion.h>

#include "tls/index.h"

#include "base/mem.h"
#include "tls/certificate.h"

static unsigned hidden_which, hidden_count;

static void
hide(void *arg, unsigned which, const struct tls_name *name)
{
	cr_assert_not_null(arg);
	cr_assert_gt(name->name.n, 0);
	hidden_which = which;
	hidden_count++;
}

/* Certificates with a kind and names, without OpenSSL. */
#define CERT(k, ...) \
	(struct tls_certificate) \
	{ \
		.facts = { .kind = (k) }, \
		.names = (struct tls_name[]){ __VA_ARGS__ }, \
		.nnames = sizeof((struct tls_name[]){ __VA_ARGS__ }) / \
		    sizeof(struct tls_name), \
	}
#define EXACT(n) \
	{ \
		TEXT(n), false, 0 \
	}
#define STAR(n) \
	{ \
		TEXT(n), true, 0 \
	}

static struct tls_index
build(struct arena *arena, struct tls_certificate **v, unsigned n)
{
	struct tls_index index;
	struct tls_hidden hidden = { hide, arena };

	hidden_count = 0;
	tls_index_build(&index, arena, v, n, &hidden);
	return index;
}

Test(index, gives_each_name_its_certificate)
{
	struct tls_certificate a = CERT("EC", EXACT("b.x"), STAR("w.x"));
	struct tls_certificate b = CERT("EC", EXACT("a.x"), EXACT("c.x"));
	struct tls_certificate *v[] = { &a, &b };
	struct arena arena = { 0 };
	struct tls_index index = build(&arena, v, 2);
	const struct {
		const char *name;
		struct tls_certificate *c;
	} want[] = {
		{ "a.x", &b },
		{ "b.x", &a },
		{ "c.x", &b },
		{ "C.X.", &b },
		{ "q.w.x", &a },
		{ "w.x", NULL },
		{ "d.x", NULL },
		{ "", NULL },
		{ "a..x", NULL },
	};

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const struct tls_set *set =
		    tls_index_find(&index, text_of(want[i].name));

		cr_assert_eq(
		    set != NULL, want[i].c != NULL, "%s", want[i].name);
		if (set == NULL)
			continue;
		cr_assert_eq(set->n, 1);
		cr_assert_eq(set->members[0], want[i].c);
	}
	cr_assert_eq(hidden_count, 0);
	arena_fini(&arena);
}

Test(index, keeps_kinds_side_by_side_and_the_first_of_a_kind)
{
	struct tls_certificate a = CERT("EC", EXACT("a.x"));
	struct tls_certificate b = CERT("RSA", EXACT("a.x"));
	struct tls_certificate c = CERT("EC", EXACT("a.x"), EXACT("c.x"));
	struct tls_certificate *v[] = { &a, &b, &c };
	struct arena arena = { 0 };
	struct tls_index index = build(&arena, v, 3);
	const struct tls_set *set = tls_index_find(&index, TEXT("a.x"));

	cr_assert_eq(set->n, 2);
	cr_assert_eq(set->members[0], &a);
	cr_assert_eq(set->members[1], &b);
	cr_assert_eq(hidden_count, 1);
	cr_assert_eq(hidden_which, 2);
	cr_assert_eq(tls_index_find(&index, TEXT("c.x"))->members[0], &c);
	arena_fini(&arena);
}

Test(index, hides_behind_any_of_a_kind_not_behind_the_first_alone)
{
	struct tls_certificate a = CERT("EC", EXACT("a.x"));
	struct tls_certificate b = CERT("RSA", EXACT("a.x"));
	struct tls_certificate c = CERT("RSA", EXACT("a.x"));
	struct tls_certificate *v[] = { &a, &b, &c };
	struct arena arena = { 0 };
	struct tls_index index = build(&arena, v, 3);
	const struct tls_set *set = tls_index_find(&index, TEXT("a.x"));

	cr_assert_eq(set->n, 2);
	cr_assert_eq(set->members[1], &b);
	cr_assert_eq(hidden_count, 1);
	cr_assert_eq(hidden_which, 2);
	arena_fini(&arena);
}

Test(index, takes_a_name_given_twice_once_and_in_silence)
{
	struct tls_certificate a = CERT("EC", EXACT("a.x"), EXACT("a.x"));
	struct tls_certificate *v[] = { &a };
	struct arena arena = { 0 };
	struct tls_index index = build(&arena, v, 1);

	cr_assert_eq(tls_index_find(&index, TEXT("a.x"))->n, 1);
	cr_assert_eq(index.names.n, 1);
	cr_assert_eq(hidden_count, 0);
	arena_fini(&arena);
}

Test(index, falls_back_to_the_first_with_its_siblings)
{
	struct tls_certificate a =
	    CERT("EC", EXACT("a.x"), EXACT("m.x"), EXACT("z.x"));
	struct tls_certificate b = CERT("RSA", EXACT("m.x"), EXACT("b.x"));
	struct tls_certificate c = CERT("RSA", EXACT("k.x"));
	struct tls_certificate d = CERT("EC", EXACT("k.x"));
	struct tls_certificate e = CERT("ED25519", EXACT("k.x"));
	struct tls_certificate *v[] = { &a, &b, &c, &d, &e };
	struct arena arena = { 0 };
	struct tls_index index = build(&arena, v, 5);

	cr_assert_eq(tls_index_find(&index, TEXT("k.x"))->n, 3);
	cr_assert_eq(index.fallback.n, 2);
	cr_assert_eq(index.fallback.members[0], &a);
	cr_assert_eq(index.fallback.members[1], &b);
	arena_fini(&arena);
}

Test(index, falls_back_to_a_first_without_names)
{
	struct tls_certificate a = { .facts = { .kind = "EC" } };
	struct tls_certificate b = CERT("RSA", EXACT("b.x"));
	struct tls_certificate *v[] = { &a, &b };
	struct arena arena = { 0 };
	struct tls_index index = build(&arena, v, 2);

	cr_assert_eq(index.fallback.n, 1);
	cr_assert_eq(index.fallback.members[0], &a);
	arena_fini(&arena);
}

Test(index, of_no_names_finds_none)
{
	struct tls_certificate a = { .facts = { .kind = "EC" } };
	struct tls_certificate *v[] = { &a };
	struct arena arena = { 0 };
	struct tls_index index = build(&arena, v, 1);

	cr_assert_null(tls_index_find(&index, TEXT("a.x")));
	cr_assert_eq(index.fallback.members[0], &a);
	arena_fini(&arena);
}

Test(index, finds_the_longest_name)
{
	char name[254];
	struct tls_certificate a = CERT("EC", { { name, 253 }, false, 0 });
	struct tls_certificate *v[] = { &a };
	struct arena arena = { 0 };
	struct tls_index index;

	for (int i = 0; i < 253; i++)
		name[i] = i % 50 == 49 ? '.' : 'a';
	index = build(&arena, v, 1);
	cr_assert_not_null(tls_index_find(&index, (struct text){ name, 253 }));
	arena_fini(&arena);
}
