/*
 * Answers of Consul.  Whatever the bytes, what is made of them can be sent to,
 * is within its limits, and is made of them the second time, too; what is no
 * answer says why and names nobody.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "discovery/consul_answer.h"

#define MOST 64

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_server(const struct consul_server *s)
{
	char printed[ADDR_TEXT_MAX];
	struct endpoint again;
	const char *why;
	struct text text = { printed, addr_print(&s->addr, printed) };

	assert(s->addr.len > 0 && !addr_is_unix(&s->addr));
	assert(addr_port(&s->addr) != 0);
	assert(s->weight <= CONSUL_WEIGHT_MOST);
	assert(endpoint_parse(text, &again, &why) == 0 && !again.is_name);
}

static void
check_same(const struct consul_answer *a, const struct consul_answer *b)
{
	assert(a->n == b->n && a->left_out == b->left_out);
	assert(strcmp(a->why, b->why) == 0);
	for (unsigned i = 0; i < a->n; i++) {
		assert(addr_equal(&a->v[i].addr, &b->v[i].addr));
		assert(a->v[i].weight == b->v[i].weight);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct text body = { (const char *)bytes, n };
	struct consul_answer a, b;
	bool ok = consul_answer_read(&a, body, MOST);

	assert(ok == consul_answer_read(&b, body, MOST));
	check_same(&a, &b);
	assert(a.n + a.left_out <= MOST);
	assert(memchr(a.why, '\0', sizeof(a.why)) != NULL);
	assert((*a.why != '\0') == (!ok || a.left_out > 0));
	assert(ok || (a.n == 0 && a.left_out == 0));
	for (unsigned i = 0; i < a.n; i++)
		check_server(&a.v[i]);
	consul_answer_fini(&a);
	consul_answer_fini(&b);
	return 0;
}
