# fairlead: the one makefile.  `make' builds ./fairlead, `make check' is what
# CI runs, `make help' lists the rest.  Every folder below is globbed, so a new
# source file needs no line here.

FOLDERS = base balancer limit health net tls http discovery conf stats proxy
BUILD   = build
CFLAGS  = -O2 -g
LDFLAGS =
WERROR  = -Werror
FUZZ_QUIET = 600
FUZZ_MOST = 14400
SOAK_SECONDS = 600
CHURN_SECONDS = 300
NODE_SECONDS = 600
SEED    = 1

prefix  = /usr/local
bindir  = $(prefix)/bin
mandir  = $(prefix)/share/man
datadir = $(prefix)/share/fairlead

# ---- compiler and libraries -------------------------------------------------

WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wconversion -Wcast-qual -Wpointer-arith -Wwrite-strings -Wundef \
	-Wvla $(WERROR)
LANGUAGE = -std=c17 -D_GNU_SOURCE -iquote .

# SAN=address|thread|undefined builds beside the plain build.
san_address   = -fsanitize=address,undefined
san_undefined = -fsanitize=undefined
san_thread    = -fsanitize=thread
ifdef SAN
ifeq ($(san_$(SAN)),)
$(error SAN is address, thread or undefined, not "$(SAN)")
endif
SANITIZE = $(san_$(SAN)) -fno-sanitize-recover=all -fno-omit-frame-pointer
OUT = $(BUILD)/san-$(SAN)
else
OUT = $(BUILD)
endif
ifeq ($(OUT),build)
BIN = fairlead
else
BIN = $(OUT)/fairlead
endif

# module:Debian package
LIBRARIES = libevent_core:libevent-dev libssl:libssl-dev \
	libcrypto:libssl-dev yaml-0.1:libyaml-dev \
	libcurl:libcurl4-openssl-dev libcares:libc-ares-dev \
	libxxhash:libxxhash-dev jansson:libjansson-dev
TEST_LIBRARIES = criterion:libcriterion-dev

module  = $(firstword $(subst :, ,$(1)))
package = $(lastword $(subst :, ,$(1)))
found   = $(shell pkg-config --exists $(1) && echo yes)
need    = $(if $(call found,$(call module,$(1))),,$(error \
	$(call module,$(1)) is missing: apt-get install $(call package,$(1)) \
	(tools/deps installs all that is needed)))
modules = $(foreach l,$(1),$(call module,$(l)))

# Goals that compile nothing in this make; the others want their libraries.
LIGHT = help clean uninstall check demo lint layers mutants \
	bench bench-quick instructions fuzz fuzz-coverage fuzz-merge \
	style format man deps soak soak-node soak-websocket soak-idle soak-slow \
	soak-discovery
GOALS = $(or $(MAKECMDGOALS),all)
ifneq ($(filter-out $(LIGHT),$(GOALS)),)
ifeq ($(shell command -v pkg-config),)
$(error pkg-config is missing: apt-get install pkg-config \
	(tools/deps installs all that is needed))
endif
$(foreach l,$(LIBRARIES),$(call need,$(l)))
LIB_CFLAGS := $(shell pkg-config --cflags $(call modules,$(LIBRARIES)))
LIB_LDLIBS := $(shell pkg-config --libs $(call modules,$(LIBRARIES))) \
	-lpthread -lm
endif
ifneq ($(filter tests fuzzers,$(GOALS))$(findstring /tests/,$(GOALS)),)
$(foreach l,$(TEST_LIBRARIES),$(call need,$(l)))
endif
TEST_CFLAGS = $(shell pkg-config --cflags $(call modules,$(TEST_LIBRARIES)) \
	2> /dev/null)
TEST_LDLIBS = $(shell pkg-config --libs $(call modules,$(TEST_LIBRARIES)))

COMPILE = $(CC) $(LANGUAGE) $(WARNINGS) $(LIB_CFLAGS) $(SANITIZE) $(CFLAGS) \
	-MMD -MP
LINK = $(CC) $(SANITIZE) $(CFLAGS) $(LDFLAGS) -Wl,--as-needed

# The program is compiled as a whole, across files: ARCHITECTURE.md has the gain.
# Objects have plain code as well, and what tests link is that.
LTO = $(if $(SANITIZE)$(findstring clang,$(CC)),,yes)
LTO_COMPILE = $(if $(LTO),-flto -ffat-lto-objects)
LTO_LINK = $(if $(LTO),-flto=auto)
NO_LTO = $(if $(LTO),-fno-lto)

# One short line per step; V=1 shows the commands.
step = @$(if $(V),set -x,echo "  $(1) $@");

# ---- what there is ----------------------------------------------------------

MAIN    = proxy/main.c
SOURCES = $(filter-out $(MAIN),$(wildcard $(addsuffix /*.c,$(FOLDERS))))
OBJECTS = $(SOURCES:%.c=$(OUT)/obj/%.o)
LIBRARY = $(OUT)/libfairlead.a

UNIT_FOLDERS = $(patsubst tests/unit/%/,%,$(sort \
	$(dir $(wildcard tests/unit/*/*.c))))
UNITS   = $(UNIT_FOLDERS:%=$(OUT)/tests/unit-%)
FLOW    = $(if $(wildcard tests/flow/*.c),$(OUT)/tests/flow)
HELPERS = $(patsubst tests/lib/bin/%.c,$(OUT)/tests/%,\
	$(wildcard tests/lib/bin/*.c))
TESTLIB = $(OUT)/libtest.a
TEST_SOURCES = $(wildcard tests/unit/*/*.c tests/flow/*.c tests/lib/*.c \
	tests/lib/bin/*.c tests/fuzz/*.c tests/fuzz/lib/*.c \
	tests/bench/*.c tests/bench/lib/*.c)
objects_in = $(patsubst %.c,$(OUT)/obj/%.o,$(wildcard $(1)/*.c))

FUZZERS = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*.c))
PAGES   = $(wildcard man/*.[1-9])

.PHONY: all help tests flows helpers fuzzers check layers pure lint style \
	soak soak-node soak-websocket soak-idle soak-slow soak-discovery \
	format man fuzz mutants demo deps bench bench-quick bench-programs \
	instructions install uninstall clean compile_commands FORCE
.SECONDARY:
.DELETE_ON_ERROR:

# ---- the program ------------------------------------------------------------

all: $(BIN)

help:
	@sed -n 's/^#: //p' Makefile

#: make                     build ./fairlead
#: make SAN=address         build build/san-address/fairlead (thread, undefined)
#: make check [SAN=...]     all tests; SAN=thread runs the flows only
#: make check ONLY=unit-net one test binary; ONLY=flow
#: make layers pure lint    the law of the house
#: make man                 write the manual pages from man/*.in
#: make format              let clang-format decide spacing
#: make fuzz                every fuzzer until FUZZ_QUIET=600 seconds bring no
#:                          new edge, at most FUZZ_MOST=14400
#: make fuzz FUZZ_TIME=60   every fuzzer for so many seconds
#: make fuzz-merge          keep what a run has learnt in tests/fuzz/corpus
#: make fuzz-coverage       the lines of the parser that its corpus reaches
#: make soak                chaos, SOAK_SECONDS=600: a table of what came of it
#: make soak-node           POSTs before Node at random gaps, NODE_SECONDS=600
#: make soak-websocket      node-ws: 1 GiB each way, 1000 sessions, 500 reloads
#: make soak-discovery      100 services, 50 changes a second, CHURN_SECONDS=300
#:                          and as many quiet ones; 500 servers come and go;
#:                          Consul is dead for a minute: 13 minutes
#: make soak-idle           memory of a connection: 9,000 idle ones beside nginx's
#:                          and HAProxy's, and those that want most of it
#: make soak-slow           slowhttptest with 1000 connections, 4,000 hostile ones
#:                          in 512 MiB; as root
#: make bench               fairlead, its peers and the limit: 45 minutes,
#:                          on a quiet machine; ONLY=S1,S9 PEERS=nginx ROUNDS=5
#: make bench-quick         a look at it, under 3 minutes
#: make instructions        record what make check holds a request's cost to
#: make mutants SEED=1      30 one-line mutations against the tests
#: make demo                try it: backends, proxy, load, live figures
#: make V=1                 show the commands
#: make install uninstall   DESTDIR= prefix=/usr/local

$(BIN): $(OUT)/obj/proxy/main.o $(LIBRARY)
	$(call step,LINK)$(LINK) $(LTO_LINK) -o $@ $^ $(LIB_LDLIBS)

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	$(call step,AR  )ar rcs $@ $^

$(OUT)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call step,CC  )$(COMPILE) $(LTO_COMPILE) -c -o $@ $<

# What the program says of itself; written anew only when it is another.
REVISION = $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
$(OUT)/build.h: FORCE
	@mkdir -p $(@D)
	@printf '#define REVISION "%s"\n#define BUILD_FLAGS "%s"\n' \
	    '$(REVISION)' '$(CC) $(strip $(CFLAGS) $(LTO_LINK) $(SANITIZE))' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
FORCE:
SELF = $(addprefix $(OUT)/obj/proxy/,main.o view.o crash.o control.o)
$(SELF): $(OUT)/build.h
$(SELF): LANGUAGE += -include $(OUT)/build.h

-include $(patsubst %.c,$(OUT)/obj/%.d,$(MAIN) $(SOURCES) $(TEST_SOURCES))

# ---- tests ------------------------------------------------------------------

$(OUT)/obj/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(call step,CC  )$(COMPILE) $(TEST_CFLAGS) -c -o $@ $<

$(TESTLIB): $(call objects_in,tests/lib)
	@rm -f $@
	$(call step,AR  )ar rcs $@ $^

.SECONDEXPANSION:
$(OUT)/tests/unit-%: $$(call objects_in,tests/unit/%) $(TESTLIB) $(LIBRARY)
	@mkdir -p $(@D)
	$(call step,LINK)$(LINK) $(NO_LTO) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
	    $(TEST_LDLIBS) $(LIB_LDLIBS)

# What the memory kernel of tests/fuzz/lib puts itself in the place of.
KERNEL_WRAP = socket connect close shutdown setsockopt getsockopt recv \
	recvmsg send sendmsg pipe2 splice event_add event_del \
	event_base_loop mailbox_post clock_now clock_wall \
	control_lease_home control_worker_ready control_worker_drained \
	exchange_new exchange_end h1_open_tunnel
WRAPPED = $(KERNEL_WRAP:%=-Wl,--wrap=%)

# The corpus once more, without libFuzzer: each fuzzer under a name of its own.
FUZZ_NAMES = $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
$(OUT)/tests/unit-fuzz: $(call objects_in,tests/fuzz) \
	$(call objects_in,tests/fuzz/lib)
$(OUT)/tests/unit-fuzz: LDFLAGS += $(WRAPPED)
$(OUT)/obj/tests/fuzz/%.o: LANGUAGE += \
	-DLLVMFuzzerTestOneInput=fuzz_$(basename $(@F))
$(OUT)/obj/tests/unit/fuzz/replay.o: $(wildcard tests/fuzz/*.c)
$(OUT)/obj/tests/unit/fuzz/replay.o: LANGUAGE += \
	'-DFUZZERS=${FUZZ_NAMES:%=F(%)}'

# Node's parser, from Debian's node-llhttp: read in its place, never copied.
LLHTTP = /usr/share/llhttp
$(OUT)/tests/unit-oracle: $(patsubst %,$(OUT)/obj/llhttp/%.o,api http llhttp)
$(OUT)/obj/llhttp/%.o: $(LLHTTP)/%.c
	@mkdir -p $(@D)
	$(call step,CC  )$(CC) -w $(LLHTTP_CFLAGS) $(SANITIZE) -O1 -c -o $@ $<
$(LLHTTP)/%.c:
	@echo "llhttp is missing: apt-get install node-llhttp"; exit 1
LLHTTP_CFLAGS = -isystem /usr/share/include/llhttp -DLLHTTP_STRICT_MODE=1
$(OUT)/obj/tests/unit/oracle/%.o: LANGUAGE += $(LLHTTP_CFLAGS)

$(OUT)/tests/flow: $(call objects_in,tests/flow) $(TESTLIB) $(LIBRARY)
	@mkdir -p $(@D)
	$(call step,LINK)$(LINK) $(NO_LTO) -o $@ $^ $(TEST_LDLIBS) $(LIB_LDLIBS)

# Helpers are plain programs: they need no test library, and so has `make demo'.
$(HELPERS): $(OUT)/tests/%: $(addprefix $(OUT)/obj/tests/lib/,bin/%.o \
		origin.o origin_conn.o client.o response.o bytes.o wait.o)
	@mkdir -p $(@D)
	$(call step,LINK)$(LINK) $(NO_LTO) -o $@ $^ $(LIB_LDLIBS)
$(OUT)/tests/consul: $(patsubst %.c,$(OUT)/obj/%.o,\
		$(wildcard tests/lib/consul*.c))

# A server in Go for the flows: the standard library alone, nothing is fetched.
ORACLES = $(BUILD)/tests/oracle-go
$(ORACLES): $(BUILD)/tests/oracle-%: tests/oracles/%.go
	@mkdir -p $(@D)
	$(call step,GO  )GOFLAGS=-mod=mod GOPROXY=off GOCACHE=$(abspath $(BUILD)/go) \
	    go build -o $@ $<

# What the benchmark measures with: its origin, its relay and its load.
BENCH = $(patsubst tests/bench/%.c,$(OUT)/tests/bench/%,\
	$(wildcard tests/bench/*.c))
$(BENCH): $(OUT)/tests/bench/%: $(OUT)/obj/tests/bench/%.o \
		$(call objects_in,tests/bench/lib) $(OUT)/obj/tests/lib/bytes.o
	@mkdir -p $(@D)
	$(call step,LINK)$(LINK) -o $@ $^ $(LIB_LDLIBS)

bench-programs: $(BENCH)
helpers: $(HELPERS)
flows: $(FLOW) $(HELPERS) $(ORACLES) $(BENCH)
tests: $(UNITS) flows

# The program that the flows drive is the one that SAN asks for; what drives it
# is always a plain build, since its own sloppiness is not the question.  The
# unit tests stay out of SAN=thread: Criterion does not start under TSan, and
# what they test has no threads.
RUN = $(if $(filter thread,$(SAN)),,$(UNITS)) $(FLOW:$(OUT)/%=$(BUILD)/%)
WANTED = $(if $(ONLY),$(filter %/$(ONLY),$(RUN)),$(RUN))
WANTED_UNITS = $(filter $(UNITS),$(WANTED))

check:
	@tools/deps check
	@$(if $(WANTED_UNITS),$(MAKE) $(PARALLEL) --no-print-directory $(WANTED_UNITS))
ifeq ($(filter unit-%,$(ONLY)),)
	@$(MAKE) $(PARALLEL) --no-print-directory all
	@$(MAKE) $(PARALLEL) --no-print-directory flows SAN=
endif
	@FAIRLEAD_BIN=$(abspath $(BIN)) FAIRLEAD_SAN=$(SAN) \
	    FAIRLEAD_TESTS=$(abspath $(BUILD)/tests) \
	    FAIRLEAD_ROOT=$(CURDIR) tools/check $(WANTED)

# Flows for as long as one likes; the last lines are what came of it.
soak: LONG = SOAK_SECONDS=$(SOAK_SECONDS)
soak: SUITE = chaos
soak-node: LONG = NODE_SECONDS=$(NODE_SECONDS)
soak-node: SUITE = node
soak-websocket: LONG = WEBSOCKET_LONG=1
soak-websocket: SUITE = websocket
soak-discovery: LONG = CHURN_SECONDS=$(CHURN_SECONDS) CONSUL_DEAD_SECONDS=60
soak-discovery: SUITE = discovery_*
# Nothing beside it: its p99 is held to that of quiet windows.
soak-discovery: JOBS = --jobs 1
soak soak-node soak-websocket soak-discovery:
	@tools/deps check
	@$(MAKE) $(PARALLEL) --no-print-directory all
	@$(MAKE) $(PARALLEL) --no-print-directory flows SAN=
	@$(LONG) FAIRLEAD_BIN=$(abspath $(BIN)) FAIRLEAD_SAN=$(SAN) \
	    FAIRLEAD_TESTS=$(abspath $(BUILD)/tests) FAIRLEAD_ROOT=$(CURDIR) \
	    $(BUILD)/tests/flow $(JOBS) --filter '$(SUITE)/*'

# Scripts, each of which prints a table and fails if it is not as it must be;
# without the others to compare with it says so.
soak-idle: SCRIPTS = idle worst
soak-slow: SCRIPTS = slow
soak-idle soak-slow:
	@tools/deps soak || :
	@$(MAKE) $(PARALLEL) --no-print-directory all
	@$(MAKE) $(PARALLEL) --no-print-directory helpers SAN=
	@for s in $(SCRIPTS); do FAIRLEAD_BIN=$(abspath $(BIN)) \
	    FAIRLEAD_TESTS=$(abspath $(BUILD)/tests) tests/soak/$$s || exit; done

# ---- the law ----------------------------------------------------------------

layers:
	@tests/layers.sh $(FOLDERS)

PURE = $(wildcard $(shell sed -n 's/^file//p' tests/pure.txt))

pure: $(PURE:%.c=$(OUT)/obj/%.o)
	@tests/pure.sh $^

C_FILES = $(wildcard $(addsuffix /*.c,$(FOLDERS))) $(TEST_SOURCES)

lint: style
	@tools/deps lint
	@$(MAKE) -s --no-print-directory all
	tools/man check $(BIN)
	$(LINT_PAGES)
	clang-format --dry-run -Werror $(C_FILES)
	@tools/tidy $(MAIN) $(SOURCES) -- $(LANGUAGE)

style:
	@tests/style.sh $(FOLDERS)

format:
	clang-format -i $(C_FILES)

LINT_PAGES = mandoc -T lint -W warning $(PAGES)

# Writes the pages that are committed, from man/*.in and the program's tables.
man:
	@tools/deps lint
	@$(MAKE) -s --no-print-directory all
	tools/man $(BIN)
	$(LINT_PAGES)

# ---- fuzzing: the library once more, for clang's libFuzzer -------------------

FUZZ_CC = clang
FUZZ_SAN = address,undefined
FUZZ_COMPILE = $(FUZZ_CC) $(LANGUAGE) $(WARNINGS) $(LIB_CFLAGS) -O1 -g -MMD -MP \
	-fsanitize=$(FUZZ_SAN) -fno-sanitize-recover=all $(FUZZ_COUNT)
FUZZ_OBJECTS = $(SOURCES:%.c=$(BUILD)/fuzz/obj/%.o)
FUZZ_LIB = $(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$(wildcard tests/fuzz/lib/*.c))

fuzz:
	@tools/deps fuzz
	@$(MAKE) --no-print-directory fuzzers
	@tools/fuzz $(if $(FUZZ_TIME),time $(FUZZ_TIME),quiet $(FUZZ_QUIET) \
	    $(FUZZ_MOST)) -- $(FUZZERS)

fuzzers: $(FUZZERS)

# After a run: what it has learnt becomes the corpus that make check replays.
fuzz-merge:
	@tools/fuzz-merge $(FUZZERS)

# The same fuzzers over their committed corpora, with each line counted.
PARSER_FUZZERS = chunk h1_request h1_response connection
fuzz-coverage:
	@tools/deps fuzz
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/coverage \
	    FUZZ_SAN=address FUZZ_COUNT='-fprofile-instr-generate \
	    -fcoverage-mapping' $(PARSER_FUZZERS:%=$(BUILD)/coverage/fuzz/%)
	@tools/fuzz-coverage 95 tests/fuzz/unreached.txt \
	    $(PARSER_FUZZERS:%=$(BUILD)/coverage/fuzz/%)

$(BUILD)/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call step,FUZZ)$(FUZZ_COMPILE) $(FUZZ_EDGES) -c -o $@ $<

# The edges that count are the program's, not those of its judges.
$(FUZZ_OBJECTS): FUZZ_EDGES = -fsanitize=fuzzer-no-link

$(BUILD)/fuzz/libfairlead.a: $(FUZZ_OBJECTS)
	@rm -f $@
	$(call step,AR  )ar rcs $@ $^

$(BUILD)/fuzz/libfuzz.a: $(FUZZ_LIB)
	@rm -f $@
	$(call step,AR  )ar rcs $@ $^

$(FUZZERS): $(BUILD)/fuzz/%: $(BUILD)/fuzz/obj/tests/fuzz/%.o \
		$(BUILD)/fuzz/libfuzz.a $(BUILD)/fuzz/libfairlead.a
	$(call step,FUZZ)$(FUZZ_CC) -g -fsanitize=fuzzer,$(FUZZ_SAN) \
	    $(FUZZ_COUNT) $(FUZZ_WRAP) -o $@ $^ $(LIB_LDLIBS)

$(BUILD)/fuzz/connection: FUZZ_WRAP = $(WRAPPED)

-include $(patsubst %.c,$(BUILD)/fuzz/obj/%.d,$(SOURCES) \
	$(wildcard tests/fuzz/*.c tests/fuzz/lib/*.c))

# ---- the rest ---------------------------------------------------------------

mutants:
	@tools/deps check
	@tools/mutants $(SEED)

# The tables that are kept are those of a whole run.
bench bench-quick:
	@tools/deps bench
	@$(MAKE) $(PARALLEL) -s --no-print-directory all bench-programs
	@env --default-signal=INT python3 -B tests/bench/bench.py \
	    $(if $(filter bench-quick,$@),--quick) $(if $(ONLY),--only $(ONLY)) \
	    $(if $(PEERS),--peers $(PEERS)) \
	    $(if $(ROUNDS),--rounds $(ROUNDS)) --into $(if \
	    $(filter bench-quick,$@)$(ONLY)$(PEERS),$(BUILD)/bench,tests/bench/results)

# A plain build under valgrind: tests/bench/instructions.txt.
instructions:
	@tools/deps check
	@$(MAKE) $(PARALLEL) -s --no-print-directory all bench-programs SAN=
	@python3 -B tests/bench/instructions.py record

# All cores, unless the caller said how many.
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

demo:
	@tools/deps demo
	@$(MAKE) -s --no-print-directory $(PARALLEL) all helpers
	@env --default-signal=INT FAIRLEAD_BIN=$(BIN) \
	    FAIRLEAD_TESTS=$(OUT)/tests demo/run

deps:
	@tools/deps all

install: all
	install -d $(DESTDIR)$(bindir) $(DESTDIR)$(datadir)/examples
	install -m 755 $(BIN) $(DESTDIR)$(bindir)/fairlead
	$(foreach p,$(PAGES),install -D -m 644 $(p) \
	    $(DESTDIR)$(mandir)/man$(subst .,,$(suffix $(p)))/$(notdir $(p)) &&) :
	install -m 644 $(wildcard conf/*.yaml) $(DESTDIR)$(datadir)/examples
	$(abspath $(BIN)) schema > $(OUT)/fairlead.schema.json
	install -m 644 $(OUT)/fairlead.schema.json $(DESTDIR)$(datadir)

uninstall:
	rm -f $(DESTDIR)$(bindir)/fairlead
	$(foreach p,$(PAGES),rm -f \
	    $(DESTDIR)$(mandir)/man$(subst .,,$(suffix $(p)))/$(notdir $(p)) &&) :
	rm -rf $(DESTDIR)$(datadir)

compile_commands:
	@for f in $(MAIN) $(SOURCES) $(TEST_SOURCES); do \
	    printf '%s {"directory":"%s","file":"%s","command":"%s -c %s"}' \
	    "$${comma-[}" "$(CURDIR)" "$$f" '$(COMPILE)' "$$f"; comma=,; \
	done > compile_commands.json; echo ']' >> compile_commands.json

clean:
	rm -rf $(BUILD) fairlead compile_commands.json
