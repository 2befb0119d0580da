/*
 * The one table of the language.  Rows stand in the order in which they are
 * decoded and documented: a parent before its children, listeners before the
 * routes that name them.  Adding a key is adding a row here and reading the
 * field where it is used.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "conf/schema.h"
#include "conf/units.h"
#include "limit/options.h"

#define DAY (24 * 3600 * CLOCK_S)
#define HOUR (3600 * CLOCK_S)
#define KIB 1024ull
#define MIB (1024 * KIB)

#define WIDTH(record, field) sizeof(((struct record *)0)->field)
#define IN(record, field) \
	.offset = offsetof(struct record, field), .width = WIDTH(record, field)
#define LIST(record, field, n) \
	IN(record, field), .count = offsetof(struct record, n), \
			   .element = sizeof(*((struct record *)0)->field)
#define PLACE(record, field) .place = offsetof(struct record, field)
#define FROM(low, high) .least = (low), .most = (high)

#define UP "upstreams.NAME"
#define DISCOVER UP ".discover"
#define CONSUL "discovery.consul"
#define PROBE UP ".health_check"
#define BREAKER UP ".circuit_breaker"
#define LISTEN "listeners.NAME"

/* clang-format off */
const struct key schema[] = {
{ "include", KEY_TEXT, KEY_MANY | KEY_SUGAR,
	.help = "Further files, as shell patterns relative to this file. "
	    "Maps merge, lists append; a name that is defined twice and a "
	    "pattern that matches nothing are errors." },
{ "listen", KEY_ADDRESS, KEY_MANY | KEY_SUGAR,
	.help = "Short for a listener named default with these addresses." },
{ "to", KEY_RECORDS, KEY_MANY | KEY_SUGAR, .brief = "upstream", .like = "routes[].to",
	.help = "Short for a route named default that takes every request." },
{ "workers", KEY_COUNT, KEY_AUTO | KEY_RESTART | KEY_PLACED, "auto",
	IN(conf, workers), PLACE(conf, workers_place), FROM(1, 256),
	.help = "Threads that serve; auto is one for each core." },
{ "defaults", KEY_BLOCK, KEY_SUGAR,
	.help = "Laid under every upstream and route: maps merge key by key, "
	    "but a block with its own type or policy replaces the default "
	    "block; lists replace; off removes." },
{ "defaults.upstream", KEY_SAME, .like = UP,
	.help = "Under every upstream." },
{ "defaults.route", KEY_SAME, .like = "routes[]",
	.help = "Under every route." },

{ "listeners", KEY_NAMED, KEY_PLACED, LIST(conf, listeners, nlisteners),
	.name = offsetof(struct conf_listener, name),
	PLACE(conf_listener, place),
	.help = "Where requests come from, by name." },
{ LISTEN ".address", KEY_ADDRESS, KEY_MANY | KEY_REQUIRED,
	LIST(conf_listener, addresses, naddresses),
	.help = "Where to listen: host:port, :port (IPv4 and IPv6), "
	    "[::1]:port or unix:/path. Port 0 takes a free one." },
{ LISTEN ".protocols", KEY_WORDS, KEY_MANY, "http/1.1", .words = "http/1.1",
	.help = "What to speak." },
{ LISTEN ".redirect", KEY_WORD, .fallback = "off", .words = "off|https",
	IN(conf_listener, redirect_https),
	.help = "https answers every request with a redirect (308) to https." },
{ LISTEN ".trusted_proxies", KEY_NETWORK, KEY_MANY,
	LIST(conf_listener, trusted_proxies, ntrusted_proxies),
	.help = "Networks whose X-Forwarded fields and request ids are "
	    "believed and kept; those of all others are replaced." },
{ LISTEN ".path", KEY_BLOCK,
	.help = "What paths may hold. All are brought to one form before "
	    "anything looks at them." },
{ LISTEN ".path.allow", KEY_WORDS, KEY_MANY,
	.words = "encoded_slash|encoded_backslash|parameters",
	IN(conf_listener, path_grants),
	.help = "Take what is refused otherwise, since servers disagree about "
	    "it: encoded_slash is %2F, encoded_backslash %5C, parameters ; and "
	    "%3B. It is an octet like others then: routes see it as it "
	    "is, and a server that decodes it sees another path than the route "
	    "did." },
{ LISTEN ".tls", KEY_BLOCK, .fallback = "off", IN(conf_listener, tls),
	.help = "Speak TLS." },
{ LISTEN ".tls.certificates", KEY_RECORDS, KEY_REQUIRED,
	LIST(conf_listener, certificates, ncertificates),
	.help = "Chosen by the name the client asks for; the first serves "
	    "whoever asks for none. Read again at each reload." },
{ LISTEN ".tls.certificates[].cert", KEY_FILE, KEY_REQUIRED | KEY_PLACED,
	IN(conf_certificate, cert), PLACE(conf_certificate, cert_place),
	.help = "The certificate and its chain, PEM." },
{ LISTEN ".tls.certificates[].key", KEY_FILE, KEY_REQUIRED | KEY_PLACED,
	IN(conf_certificate, key), PLACE(conf_certificate, key_place),
	.help = "Its private key, PEM." },
{ LISTEN ".tls.min_version", KEY_WORD, .fallback = "1.2", .words = "1.2|1.3",
	IN(conf_listener, tls_options.min_version),
	.help = "The oldest version of TLS to accept." },
{ LISTEN ".tls.ciphers", KEY_TEXT, IN(conf_listener, tls_options.ciphers),
	.help = "Cipher list for TLS 1.2, in OpenSSL's words." },
{ LISTEN ".tls.ciphersuites", KEY_TEXT,
	IN(conf_listener, tls_options.ciphersuites),
	.help = "Cipher suites for TLS 1.3, in OpenSSL's words." },
{ LISTEN ".tls.curves", KEY_TEXT, IN(conf_listener, tls_options.curves),
	.help = "Groups for the key exchange, in OpenSSL's words." },
{ LISTEN ".tls.session_tickets", KEY_BOOL, .fallback = "true",
	IN(conf_listener, tls_options.session_tickets),
	.help = "Let clients resume sessions." },
{ LISTEN ".timeouts", KEY_BLOCK,
	.help = "How long to wait for a client." },
{ LISTEN ".timeouts.handshake", KEY_DURATION, .fallback = "5s",
	IN(conf_listener, handshake_ns), FROM(CLOCK_MS, HOUR),
	.help = "For the whole TLS handshake." },
{ LISTEN ".timeouts.header", KEY_DURATION, .fallback = "10s",
	IN(conf_listener, header_ns), FROM(CLOCK_MS, HOUR),
	.help = "For a whole request head, from its first byte; then 408." },
{ LISTEN ".timeouts.body", KEY_DURATION, .fallback = "30s",
	IN(conf_listener, body_ns), FROM(CLOCK_MS, DAY),
	.help = "How long a client may send less of a body, or take less of a "
	    "response, than limits.min_rate; then 408, or the response is "
	    "cut. Each byte gives back its time and no more." },
{ LISTEN ".timeouts.idle", KEY_DURATION, .fallback = "75s",
	IN(conf_listener, idle_ns), FROM(CLOCK_MS, DAY),
	.help = "For the next request on a connection." },
{ LISTEN ".limits", KEY_BLOCK,
	.help = "How much to take from clients." },
{ LISTEN ".limits.max_connections", KEY_COUNT, .fallback = "10000",
	IN(conf_listener, max_connections), FROM(1, 10000000),
	.help = "Connections at a time; more are refused and counted." },
{ LISTEN ".limits.per_ip", KEY_COUNT, KEY_OFF, "off",
	IN(conf_listener, per_ip), FROM(1, PER_IP_MOST),
	.help = "Connections at a time from one address, for IPv6 from one "
	    "/64, over all workers; more are refused and counted. Those of "
	    "trusted_proxies, of unix sockets, and those that were open when "
	    "this was turned on are not counted." },
{ LISTEN ".limits.header_size", KEY_SIZE, .fallback = "32KiB",
	IN(conf_listener, header_size), FROM(KIB, MIB),
	.help = "Bytes of a request head; more is 431." },
{ LISTEN ".limits.headers", KEY_COUNT, .fallback = "100",
	IN(conf_listener, max_headers), FROM(1, 10000),
	.help = "Fields in a request head; more is 431." },
{ LISTEN ".limits.uri_size", KEY_SIZE, .fallback = "8KiB",
	IN(conf_listener, uri_size), FROM(64, MIB),
	.help = "Bytes of the request target; more is 414." },
{ LISTEN ".limits.body_size", KEY_SIZE, KEY_OFF, "off",
	IN(conf_listener, body_size), FROM(0, INT64_MAX),
	.help = "Bytes of a request body; more is 413." },
{ LISTEN ".limits.min_rate", KEY_SIZE, KEY_OFF, "240B",
	IN(conf_listener, min_rate), FROM(1, 1024 * MIB),
	.help = "Bytes a second that a client must send of a body and take "
	    "of a response, but for timeouts.body; off: any byte will do." },
{ LISTEN ".limits.requests_per_connection", KEY_COUNT, KEY_OFF, "off",
	IN(conf_listener, requests_per_connection), FROM(1, 1000000000),
	.help = "Requests after which a connection is closed." },

{ "upstreams", KEY_NAMED, KEY_PLACED | KEY_LABELS,
	LIST(conf, upstreams, nupstreams),
	.brief = "servers", .name = offsetof(struct conf_upstream, name),
	PLACE(conf_upstream, place),
	.help = "Groups of servers, by name. A plain list is the list of "
	    "servers." },
{ UP ".servers", KEY_RECORDS, KEY_NO_DEFAULT,
	LIST(conf_upstream, servers, nservers), .brief = "address",
	.help = "The servers. A plain address needs no braces. An upstream has "
	    "either these or discover." },
{ UP ".servers[].address", KEY_ADDRESS, KEY_REQUIRED | KEY_PEER,
	IN(conf_server, address),
	.help = "host:port, [::1]:port or unix:/path. A host name is looked "
	    "up in the background, by its time to live; each of its "
	    "addresses is a server." },
{ UP ".servers[].weight", KEY_COUNT, .fallback = "1",
	IN(conf_server, weight), FROM(0, 256),
	.help = "Its share; 0 sends it no new requests." },
{ UP ".servers[].backup", KEY_BOOL, .fallback = "false",
	IN(conf_server, backup),
	.help = "Used only when no other server may serve." },
{ UP ".servers[].name", KEY_LABEL, IN(conf_server, name),
	.help = "Its name in metrics and logs; the address if not given." },
{ DISCOVER, KEY_BLOCK, KEY_OFF | KEY_NO_DEFAULT, "off",
	IN(conf_upstream, discover.on),
	.help = "Learn the servers, in place of servers, and follow them as "
	    "they come and go. A new one waits for its first good probe while "
	    "others serve; one that returns within ten minutes finds its "
	    "health and counters again." },
{ DISCOVER ".file", KEY_FILE, KEY_LATER, IN(conf_upstream, discover.file),
	.help = "A file with a list as of servers, in YAML or JSON, of IP "
	    "addresses with ports. It is read again whenever it changes, "
	    "also by renaming or by a symbolic link on the way to it. One "
	    "that cannot be read or is faulty changes nothing, and the log "
	    "says its line; while there was no good one yet, the upstream "
	    "has no servers and a request is 503. Most 4096 servers, 4 MiB." },
{ DISCOVER ".consul", KEY_BLOCK, KEY_OFF, "off",
	.help = "The instances of a service, as the agent of discovery.consul "
	    "knows them, in place of a file. A query waits there for news, so "
	    "these come at once, but no more than one a second each when there "
	    "are many. An instance has the address of its service, else of its "
	    "node, which must be an IP address, and the weight of ServiceWeights "
	    "as its checks are. While there was no good answer yet, the "
	    "upstream has no servers and a request is 503. Most 4096 "
	    "instances, 4 MiB. Each upstream waits on a connection of its own, "
	    "unless Consul speaks HTTP/2: its http_max_conns_per_client must "
	    "allow for that." },
{ DISCOVER ".consul.service", KEY_TEXT, KEY_REQUIRED,
	IN(conf_upstream, discover.consul.service),
	.help = "Its name in Consul." },
{ DISCOVER ".consul.tag", KEY_TEXT, IN(conf_upstream, discover.consul.tag),
	.help = "Only those with this tag." },
{ DISCOVER ".consul.passing", KEY_BOOL, .fallback = "true",
	IN(conf_upstream, discover.consul.passing),
	.help = "Only those whose checks all pass; else also those that Consul "
	    "knows to be ill." },
{ DISCOVER ".consul.datacenter", KEY_TEXT,
	IN(conf_upstream, discover.consul.datacenter),
	.help = "The agent's own if not given." },
{ DISCOVER ".consul.near", KEY_TEXT,
	IN(conf_upstream, discover.consul.near),
	.help = "A node, or _agent, from which Consul looks: it goes with the "
	    "query, but the order of the answer means nothing here." },
{ DISCOVER ".consul.filter", KEY_TEXT,
	IN(conf_upstream, discover.consul.filter),
	.help = "An expression of Consul's, as 'Service.Meta.zone == \"a\"'." },
{ DISCOVER ".dns", KEY_BLOCK, KEY_OFF, "off", IN(conf_upstream, discover.dns.on),
	.help = "A name in the DNS, in place of file. It is asked for again "
	    "when its time to live is over. An error, or that there is no such "
	    "name or record, changes nothing. Records of a server that cuts "
	    "answers without saying so, as Consul's without enable_truncate, "
	    "are not all." },
{ DISCOVER ".dns.name", KEY_NAME, KEY_REQUIRED,
	IN(conf_upstream, discover.dns.name),
	.help = "The whole name: no search list and no hosts file is used." },
{ DISCOVER ".dns.type", KEY_WORD, .fallback = "SRV", .words = "A|AAAA|SRV",
	IN(conf_upstream, discover.dns.type),
	.help = "The records that are servers. Those SRV of the lowest "
	    "priority are used first, all others are backups; weight is the "
	    "share among their like, 0 the least there is; the target '.' "
	    "means that there is none. Each address of a target is a server." },
{ DISCOVER ".dns.port", KEY_COUNT, IN(conf_upstream, discover.dns.port),
	FROM(1, 65535),
	.help = "The servers' port, which A and AAAA do not say and SRV does." },
{ DISCOVER ".on_empty", KEY_WORD, .fallback = "keep", .words = "keep|apply",
	IN(conf_upstream, discover.on_empty),
	.help = "What to make of a sudden list without servers, as [] is: "
	    "keep holds it back, apply believes it." },
{ DISCOVER ".on_error", KEY_WORD, .fallback = "keep", .words = "keep",
	.help = "What to do when there is no good answer: keep the last good "
	    "one." },
{ DISCOVER ".max_loss", KEY_PERCENT, KEY_OFF, "50%",
	IN(conf_upstream, discover.max_loss_percent), FROM(1, 100),
	.help = "An answer that makes the servers fewer by more than this "
	    "share at once is held back." },
{ DISCOVER ".hold", KEY_DURATION, KEY_OFF, "1m",
	IN(conf_upstream, discover.hold_ns), FROM(CLOCK_MS, DAY),
	.help = "How long an answer is held back before it is believed; off "
	    "is until it is confirmed. To confirm one is to say it again: "
	    "write the file once more. What Consul and the DNS say is "
	    "confirmed by time alone." },
{ DISCOVER ".drain", KEY_DURATION, .fallback = "30s",
	IN(conf_upstream, discover.drain_ns), FROM(0, DAY),
	.help = "How long requests in flight at a server that went may take "
	    "to finish. It gets no new ones, and its idle connections are "
	    "closed at once." },
{ DISCOVER ".allow", KEY_NETWORK, KEY_MANY,
	LIST(conf_upstream, discover.allow, discover.nallow),
	.help = "Networks to take servers from though nobody else should be "
	    "able to send requests there: loopback, link-local and other "
	    "addresses that are no host's own. A listener of fairlead itself "
	    "must be named by its very address, and unix sockets are never "
	    "taken. What is refused is left out and logged." },
{ UP ".balance", KEY_BLOCK, .help = "Which server gets a request." },
{ UP ".balance.policy", KEY_WORD, .fallback = "least_connections",
	.words = "round_robin|least_connections",
	IN(conf_upstream, policy),
	.help = "By turns, or to the one with the fewest requests in flight "
	    "for its weight." },
{ PROBE, KEY_BLOCK, KEY_OFF, "off", IN(conf_upstream, probe.on),
	.help = "Ask each server whether it is well." },
{ PROBE ".type", KEY_WORD, .fallback = "http", .words = "http|tcp",
	IN(conf_upstream, probe.type),
	.help = "A request, or only a connection." },
{ PROBE ".path", KEY_PATH, .fallback = "/", IN(conf_upstream, probe.path),
	.when = "http",
	.help = "What to ask for." },
{ PROBE ".port", KEY_COUNT, IN(conf_upstream, probe.port), FROM(1, 65535),
	.help = "Another port than the server's own." },
{ PROBE ".host", KEY_AUTHORITY, IN(conf_upstream, probe.host),
	.when = "http",
	.help = "The Host field; the server's address if not given." },
{ PROBE ".interval", KEY_DURATION, .fallback = "5s",
	IN(conf_upstream, probe.interval_ns), FROM(10 * CLOCK_MS, DAY),
	.help = "From one probe to the next; shorter while the verdict is "
	    "changing." },
{ PROBE ".timeout", KEY_DURATION, .fallback = "2s",
	IN(conf_upstream, probe.timeout_ns), FROM(CLOCK_MS, HOUR),
	.help = "For a whole probe." },
{ PROBE ".jitter", KEY_PERCENT, .fallback = "10%",
	IN(conf_upstream, probe.jitter_percent), FROM(0, 100),
	.help = "How far an interval may stray, so that probes do not "
	    "gather." },
{ PROBE ".healthy_threshold", KEY_COUNT, .fallback = "2",
	IN(conf_upstream, probe.healthy_threshold), FROM(1, 100),
	.help = "Good answers in a row before a server is up again." },
{ PROBE ".unhealthy_threshold", KEY_COUNT, .fallback = "3",
	IN(conf_upstream, probe.unhealthy_threshold), FROM(1, 100),
	.help = "Failures in a row before a server is down." },
{ PROBE ".expect", KEY_BLOCK, .when = "http", .help = "What a good answer is." },
{ PROBE ".expect.status", KEY_STATUS, KEY_MANY, "200-399",
	LIST(conf_upstream, probe.expect_status, probe.expect_statuses),
	.help = "Codes and ranges: 204, 200-399, 2xx." },
{ PROBE ".expect.body", KEY_TEXT, IN(conf_upstream, probe.expect_body),
	.help = "Text that the first 8 KiB of the body hold." },
{ BREAKER, KEY_BLOCK, KEY_OFF, "off", IN(conf_upstream, breaker.on),
	.help = "Refuse requests for a while, with 503 and Retry-After, when "
	    "too many fail. What fairlead refused itself and what the client "
	    "caused never count." },
{ BREAKER ".failure_rate", KEY_PERCENT, KEY_OFF, "50%",
	IN(conf_upstream, breaker.failure_percent), FROM(1, 100),
	.help = "Open at this share of failures in the window." },
{ BREAKER ".consecutive_failures", KEY_COUNT, KEY_OFF, "off",
	IN(conf_upstream, breaker.consecutive_failures), FROM(1, 1000000),
	.help = "Open after so many failures in a row." },
{ BREAKER ".min_requests", KEY_COUNT, .fallback = "20",
	IN(conf_upstream, breaker.min_requests), FROM(1, 1000000),
	.help = "Requests in the window before the rate counts." },
{ BREAKER ".window", KEY_DURATION, .fallback = "10s",
	IN(conf_upstream, breaker.window_ns), FROM(CLOCK_S, HOUR),
	.help = "How far back the rate looks." },
{ BREAKER ".open_for", KEY_DURATION, .fallback = "5s",
	IN(conf_upstream, breaker.open_for_ns), FROM(10 * CLOCK_MS, HOUR),
	.help = "How long it stays open the first time; doubles each time it "
	    "opens again." },
{ BREAKER ".max_open_for", KEY_DURATION, .fallback = "1m",
	IN(conf_upstream, breaker.max_open_for_ns), FROM(10 * CLOCK_MS, DAY),
	.help = "How long it stays open at most." },
{ BREAKER ".half_open_requests", KEY_COUNT, .fallback = "5",
	IN(conf_upstream, breaker.half_open_requests), FROM(1, 1000),
	.help = "Trials, over all workers, that must succeed before it "
	    "closes." },
{ BREAKER ".failure_on", KEY_WORDS, KEY_MANY,
	"connect_failure, timeout, reset, gateway_error",
	.words = "connect_failure|timeout|reset|gateway_error|5xx",
	IN(conf_upstream, breaker.failure_on),
	.help = "What counts as a failure; gateway_error is 502, 503 and "
	    "504." },
{ UP ".timeouts", KEY_BLOCK, .help = "How long to wait for a server." },
{ UP ".timeouts.connect", KEY_DURATION, .fallback = "2s",
	IN(conf_upstream, connect_ns), FROM(CLOCK_MS, HOUR),
	.help = "For a connection." },
{ UP ".timeouts.response", KEY_DURATION, .fallback = "30s",
	IN(conf_upstream, response_ns), FROM(CLOCK_MS, DAY),
	.help = "From the last byte of the request to the response head." },
{ UP ".timeouts.idle", KEY_DURATION, .fallback = "60s",
	IN(conf_upstream, idle_ns), FROM(CLOCK_MS, DAY),
	.help = "Between two pieces of the response body." },
{ UP ".pool", KEY_BLOCK, .help = "Connections kept for later requests." },
{ UP ".pool.max_idle", KEY_COUNT, .fallback = "64",
	IN(conf_upstream, pool_max_idle), FROM(0, 100000),
	.help = "Idle connections for each server and worker." },
{ UP ".pool.idle_timeout", KEY_DURATION, .fallback = "55s",
	IN(conf_upstream, pool_idle_ns), FROM(CLOCK_MS, DAY),
	.help = "How long one may stay idle; less, if the server says so: a "
	    "second less than its Keep-Alive: timeout." },

{ "routes", KEY_RECORDS, KEY_PLACED, LIST(conf, routes, nroutes),
	PLACE(conf_route, place),
	.help = "What to do with a request. The most specific route wins: "
	    "exact host, then wildcard; exact path, then longest prefix; "
	    "then more conditions; then the order of the file." },
{ "routes[].name", KEY_LABEL, KEY_NO_DEFAULT, IN(conf_route, name),
	.help = "Its name in metrics and logs; host and path if not given." },
{ "routes[].listeners", KEY_NAME, KEY_MANY,
	.help = "Where it applies; on all listeners if not given." },
{ "routes[].host", KEY_HOST, KEY_MANY, LIST(conf_route, hosts, nhosts),
	.help = "Hosts without port; *.example.com is one or more labels "
	    "more." },
{ "routes[].path", KEY_PATTERN, KEY_MANY, LIST(conf_route, paths, npaths),
	.help = "/a is exact; /a/* is /a and all below it." },
{ "routes[].methods", KEY_METHOD, KEY_MANY,
	LIST(conf_route, methods, nmethods),
	.help = "GET includes HEAD. A path that matches with another method "
	    "is 405." },
{ "routes[].to", KEY_RECORDS, KEY_MANY | KEY_NO_DEFAULT,
	LIST(conf_route, targets, ntargets), .brief = "upstream",
	.help = "Pass it on: the name of an upstream, a list of upstreams "
	    "with weights, or a list of addresses." },
{ "routes[].to[].upstream", KEY_LABEL, KEY_REQUIRED,
	.help = "Name of an upstream." },
{ "routes[].to[].weight", KEY_COUNT, .fallback = "1",
	IN(conf_target, weight), FROM(0, 65535),
	.help = "Its share of the requests." },
{ "routes[].respond", KEY_BLOCK, KEY_NO_DEFAULT, "off",
	.help = "Answer it here." },
{ "routes[].respond.status", KEY_COUNT, .fallback = "200",
	IN(conf_route, respond_status), FROM(200, 599),
	.help = "The status code." },
{ "routes[].respond.body", KEY_TEXT, IN(conf_route, respond_body),
	.help = "The body." },
{ "routes[].respond.headers", KEY_FIELDS,
	LIST(conf_route, respond_headers.set, respond_headers.nset),
	.help = "Header fields of the answer." },
{ "routes[].redirect", KEY_BLOCK, KEY_NO_DEFAULT, "off",
	.help = "Send the client elsewhere; what is not given stays." },
{ "routes[].redirect.scheme", KEY_TEXT, .words = "http|https",
	IN(conf_route, redirect_scheme), .help = "http or https." },
{ "routes[].redirect.host", KEY_AUTHORITY, IN(conf_route, redirect_host),
	.help = "Host, with or without port." },
{ "routes[].redirect.path", KEY_PATH, IN(conf_route, redirect_path),
	.help = "Path." },
{ "routes[].redirect.status", KEY_COUNT, .fallback = "308",
	.words = "301|302|303|307|308",
	IN(conf_route, redirect_status), FROM(301, 308),
	.help = "The status code." },
{ "routes[].rewrite", KEY_BLOCK,
	.help = "The path that the server sees." },
{ "routes[].rewrite.strip_prefix", KEY_PREFIX,
	IN(conf_route, strip_prefix),
	.help = "Taken off the front, by whole segments." },
{ "routes[].rewrite.add_prefix", KEY_PREFIX, IN(conf_route, add_prefix),
	.help = "Put before it, after strip_prefix." },
{ "routes[].request_headers", KEY_BLOCK,
	.help = "Changes to the request's header fields." },
{ "routes[].request_headers.set", KEY_FIELDS,
	LIST(conf_route, request_headers.set, request_headers.nset),
	.help = "Replace or add." },
{ "routes[].request_headers.add", KEY_FIELDS,
	LIST(conf_route, request_headers.add, request_headers.nadd),
	.help = "Add, whatever is there." },
{ "routes[].request_headers.remove", KEY_FIELD, KEY_MANY,
	LIST(conf_route, request_headers.remove, request_headers.nremove),
	.help = "Remove." },
{ "routes[].response_headers", KEY_BLOCK,
	.help = "Changes to the response's header fields." },
{ "routes[].response_headers.set", KEY_FIELDS,
	LIST(conf_route, response_headers.set, response_headers.nset),
	.help = "Replace or add." },
{ "routes[].response_headers.add", KEY_FIELDS,
	LIST(conf_route, response_headers.add, response_headers.nadd),
	.help = "Add, whatever is there." },
{ "routes[].response_headers.remove", KEY_FIELD, KEY_MANY,
	LIST(conf_route, response_headers.remove, response_headers.nremove),
	.help = "Remove." },
{ "routes[].limits", KEY_BLOCK, .help = "How much to take." },
{ "routes[].limits.body_size", KEY_SIZE, KEY_OFF,
	IN(conf_route, body_size), FROM(1, INT64_MAX),
	.help = "Bytes of a request body; the listener's if not given." },
{ "routes[].timeouts", KEY_BLOCK,
	.help = "The upstream's if not given." },
{ "routes[].timeouts.connect", KEY_DURATION, IN(conf_route, connect_ns),
	FROM(CLOCK_MS, HOUR), .help = "For a connection." },
{ "routes[].timeouts.response", KEY_DURATION, IN(conf_route, response_ns),
	FROM(CLOCK_MS, DAY),
	.help = "From the last byte of the request to the response head." },
{ "routes[].timeouts.idle", KEY_DURATION, IN(conf_route, idle_ns),
	FROM(CLOCK_MS, DAY),
	.help = "Between two pieces of the response body." },
{ "routes[].timeouts.tunnel_idle", KEY_DURATION, .fallback = "1h",
	IN(conf_route, tunnel_idle_ns), FROM(CLOCK_MS, 30 * DAY),
	.help = "Without a byte either way in a tunnel, such as a WebSocket, "
	    "before it is cut." },
{ "routes[].upgrade", KEY_UPGRADE, KEY_MANY | KEY_OFF, "websocket",
	LIST(conf_route, upgrades, nupgrades),
	.help = "What a request may ask to switch its connection to, and a "
	    "server may agree to. Asked for anything else, fairlead passes "
	    "the request on without it. Another HTTP, as h2c, never." },
{ "routes[].connect", KEY_BOOL, KEY_NO_DEFAULT, "false",
	IN(conf_route, connect),
	.help = "Pass CONNECT on to the server, and open a tunnel when it "
	    "agrees. Everywhere else it is 405. A CONNECT has a host, but no "
	    "path." },
{ "routes[].access_log", KEY_BOOL, KEY_OFF, "true",
	IN(conf_route, access_log),
	.help = "off keeps its requests out of the access log." },

{ "discovery", KEY_BLOCK, .help = "Whom discovery asks." },
{ CONSUL, KEY_BLOCK, .help = "Consul's agent, for discover.consul." },
{ CONSUL ".url", KEY_URL, .fallback = "http://127.0.0.1:8500",
	IN(conf, consul.url),
	.help = "Its HTTP API. A host name is looked up in the background." },
{ CONSUL ".token", KEY_TEXT, IN(conf, consul.token),
	.help = "An ACL token, as from ${CONSUL_HTTP_TOKEN}." },
{ CONSUL ".token_file", KEY_FILE, IN(conf, consul.token_file),
	.help = "A file that holds it. Read again at each reload." },
{ CONSUL ".wait", KEY_DURATION, .fallback = "5m", IN(conf, consul.wait_ns),
	FROM(CLOCK_S, 600 * CLOCK_S),
	.help = "How long a query waits there for news." },
{ CONSUL ".stale", KEY_BOOL, .fallback = "true", IN(conf, consul.stale),
	.help = "Any of Consul's servers may answer, not its leader only." },
{ CONSUL ".ca", KEY_FILE, IN(conf, consul.ca),
	.help = "Authorities that sign the agent's certificate, PEM; those of "
	    "the system if not given." },
{ CONSUL ".cert", KEY_FILE, IN(conf, consul.cert),
	.help = "A certificate to show it, PEM." },
{ CONSUL ".key", KEY_FILE, IN(conf, consul.key),
	.help = "The private key of cert, PEM." },
{ "discovery.dns", KEY_BLOCK, .help = "For discover.dns." },
{ "discovery.dns.servers", KEY_ADDRESS, KEY_MANY | KEY_PEER,
	LIST(conf, dns_servers, ndns_servers),
	.help = "DNS servers by IP address and port, over UDP and, for what "
	    "does not fit, TCP. Those of /etc/resolv.conf if not given." },
{ "discovery.dns.min_ttl", KEY_DURATION, .fallback = "5s",
	IN(conf, dns_min_ttl_ns), FROM(100 * CLOCK_MS, HOUR),
	.help = "A name is not asked for more often, whatever its time to "
	    "live; nor less often than each five minutes, if this is less." },

{ "shutdown", KEY_BLOCK, .help = "How to end." },
{ "shutdown.delay", KEY_DURATION, .fallback = "0s",
	IN(conf, shutdown_delay_ns), FROM(0, HOUR),
	.help = "How long to go on serving, new connections too, while "
	    "/readyz already says 503; a second signal ends it at once." },
{ "shutdown.timeout", KEY_DURATION, .fallback = "25s",
	IN(conf, shutdown_timeout_ns), FROM(0, HOUR),
	.help = "How long requests in flight may take to finish." },
{ "admin", KEY_BLOCK, KEY_OFF, "on", IN(conf, admin_on),
	.help = "The stats endpoint." },
{ "admin.address", KEY_ADDRESS, .fallback = "127.0.0.1:9900",
	IN(conf, admin_address),
	.help = "Where it listens. That the default cannot be bound is only "
	    "a warning." },
{ "access_log", KEY_BLOCK, KEY_OFF, "on",
	.help = "One line for each request." },
{ "access_log.output", KEY_OUTPUT, KEY_PLACED, "stdout",
	IN(conf, access_log), PLACE(conf, access_log_place), .help = "stdout or a file." },
{ "access_log.format", KEY_WORD, .fallback = "json", .words = "json",
	.help = "How a line looks." },
{ "log", KEY_BLOCK, .help = "The program's own log, on stderr." },
{ "log.level", KEY_WORD, .fallback = "info", .words = "error|warn|info|debug",
	IN(conf, log_level), .help = "What is worth a line." },
{ "log.format", KEY_WORD, .fallback = "auto", .words = "auto|text|json",
	IN(conf, log_format),
	.help = "auto is text on a terminal and JSON elsewhere." },
};
/* clang-format on */

const unsigned schema_keys = sizeof(schema) / sizeof(*schema);

const struct key *
key_find(const char *path)
{
	unsigned i;

	for (i = 0; i < schema_keys; i++)
		if (strcmp(schema[i].path, path) == 0)
			return &schema[i];
	return NULL;
}

const struct key *
key_child(const char *path, struct text name)
{
	unsigned i;

	for (i = 0; i < schema_keys; i++)
		if (key_is_under(&schema[i], path) &&
		    text_equal(text_of(key_name(&schema[i])), name))
			return &schema[i];
	return NULL;
}

bool
key_is_under(const struct key *k, const char *path)
{
	size_t n = strlen(path);

	if (n == 0)
		return strchr(k->path, '.') == NULL;
	return strncmp(k->path, path, n) == 0 && k->path[n] == '.' &&
	    strchr(k->path + n + 1, '.') == NULL;
}

const char *
key_name(const struct key *k)
{
	const char *dot = strrchr(k->path, '.');

	return dot != NULL ? dot + 1 : k->path;
}

size_t
key_item_path(const struct key *k, char *to, size_t room)
{
	return (size_t)snprintf(to, room, "%s%s",
	    k->like != NULL ? k->like : k->path,
	    k->type == KEY_NAMED	 ? ".NAME"
		: k->type == KEY_RECORDS ? "[]"
					 : "");
}

bool
key_is_off(const struct key *k)
{
	return k->fallback != NULL && strcmp(k->fallback, "off") == 0;
}

bool
key_has_defaults(const struct key *k)
{
	unsigned i;

	for (i = 0; i < schema_keys; i++) {
		if (!key_is_under(&schema[i], k->path))
			continue;
		if (schema[i].type == KEY_BLOCK ? !key_is_off(&schema[i]) &&
			    key_has_defaults(&schema[i])
						: schema[i].fallback != NULL)
			return true;
	}
	return false;
}

void
key_print_bound(const struct key *k, uint64_t value, char to[32])
{
	if (k->type == KEY_DURATION)
		units_print_duration(to, value);
	else if (k->type == KEY_SIZE)
		units_print_size(to, value);
	else
		snprintf(to, 32, "%llu%s", (unsigned long long)value,
		    k->type == KEY_PERCENT ? "%" : "");
}

bool
words_get(const char *words, unsigned n, struct text *word)
{
	struct text rest = text_of(words);

	while (text_split(&rest, '|', word))
		if (n-- == 0)
			return true;
	return false;
}

int
words_find(const char *words, struct text word)
{
	struct text one;
	unsigned i;

	for (i = 0; words_get(words, i, &one); i++)
		if (text_equal(one, word))
			return (int)i;
	return -1;
}
