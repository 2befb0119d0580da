/* A list of servers by itself, as discovery reads it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"

TestSuite(servers, .timeout = 60);

static struct conf *
read_list(const char *yaml)
{
	struct conf_errors errors = { 0 };
	struct conf *conf = conf_servers("s.yaml", text_of(yaml), "u", &errors);

	if (conf == NULL)
		conf_errors_print(&errors, stderr);
	cr_assert_not_null(conf, "%s", yaml);
	cr_assert_eq(conf->nupstreams, 1);
	conf_errors_fini(&errors);
	return conf;
}

Test(servers, each_form_is_read)
{
	static const char *const forms[] = {
		"[10.0.0.1:80, {address: \"[::1]:81\", weight: 3, "
		"backup: true, name: x}]",
		"- 10.0.0.1:80\n- address: \"[::1]:81\"\n  weight: 3\n"
		"  backup: true\n  name: x\n",
		"[\"10.0.0.1:80\",\n {\"address\": \"[::1]:81\", "
		"\"weight\": 3, \"backup\": true, \"name\": \"x\"}]\n",
		"[\n\t\"10.0.0.1:80\",\n\t{\n\t\t\"address\": \"[::1]:81\",\n"
		"\t\t\"weight\": 3,\n\t\t\"backup\": true,\n"
		"\t\t\"name\": \"x\"\n\t}\n]\n",
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct conf *conf = read_list(forms[i]);
		const struct conf_upstream *u = conf->upstreams;

		cr_assert_str_eq(u->name, "u");
		cr_assert_eq(u->nservers, 2, "form %zu", i);
		cr_assert_str_eq(u->servers[0].name, "10.0.0.1:80");
		cr_assert_eq(u->servers[0].weight, 1);
		cr_assert_not(u->servers[0].backup);
		cr_assert_str_eq(u->servers[1].name, "x");
		cr_assert_eq(u->servers[1].weight, 3);
		cr_assert(u->servers[1].backup);
		cr_assert_eq(
		    addr_port(&u->servers[1].address.endpoint.addr), 81);
		conf_free(conf);
	}
}

Test(servers, a_list_may_be_empty)
{
	struct conf *conf = read_list("[]");

	cr_assert_eq(conf->upstreams[0].nservers, 0);
	conf_free(conf);
}

Test(servers, what_is_wrong_is_told_with_its_place)
{
	static const struct {
		const char *yaml;
		unsigned line, column;
		const char *message;
	} cases[] = {
		{ "", 1, 1, "the file is empty" },
		{ "# nobody\n", 1, 1, "the file is empty" },
		{ "a: 1\n", 1, 1, "servers: a list is wanted, not a map" },
		{ "[10.0.0.1:80", 1, 1, "" },
		{ "[10.0.0.1:80,\n app.test:80]", 2, 2,
		    "servers[1].address: 'app.test:80': a discovered server is "
		    "an IP address with a port" },
		{ "[10.0.0.1]", 1, 2, "servers[0].address: '10.0.0.1'" },
		{ "[10.0.0.1:80, 10.0.0.1:80]", 1, 15, "a second time" },
		{ "[{ address: 10.0.0.1:80, weight: 257 }]", 1, 34,
		    "servers[0].weight: 257 is out of range" },
		{ "[{ address: 10.0.0.1:80, wait: 2 }]", 1, 26,
		    "unknown key 'wait' in servers[0]" },
		{ "[{ weight: 2 }]", 1, 2, "servers[0].address is missing" },
		{ "[${HOME}:80]", 1, 2, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct conf_errors errors = { 0 };
		const struct conf_error *e;

		cr_assert_null(conf_servers("s.yaml", text_of(cases[i].yaml),
				   "u", &errors),
		    "%s", cases[i].yaml);
		cr_assert_geq(errors.nerrors, 1);
		e = errors.v;
		cr_assert_str_eq(e->place.file, "s.yaml");
		cr_assert_eq(e->place.line, cases[i].line, "%s: %u",
		    cases[i].yaml, e->place.line);
		cr_assert_eq(e->place.column, cases[i].column, "%s: %u",
		    cases[i].yaml, e->place.column);
		cr_assert_not_null(
		    strstr(e->message, cases[i].message), "%s", e->message);
		conf_errors_fini(&errors);
	}
}
