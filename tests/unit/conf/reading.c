/* Trees from YAML. */
#include "tests/unit/conf/reading.h"

struct conf_node *
read_yaml(struct reading *r, const char *yaml)
{
	*r = (struct reading){ 0 };
	r->reader.arena = &r->arena;
	r->reader.errors = &r->errors;
	return node_read(&r->reader, "t.yaml", text_of(yaml));
}

void
done(struct reading *r)
{
	conf_errors_fini(&r->errors);
	arena_fini(&r->arena);
}
