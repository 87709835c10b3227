# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#   make                 the programs, in build/
#   make demo            from nothing to a running program, step by step
#   make demo-containerd the same to a container that serves HTTP
#   make test            everything that is tested
#   make check           format, layers, headers, banned functions
#   make MODE=asan ...   asan, ubsan, tsan, cov: a build of its own in build/<mode>/
#   make install PREFIX=/usr/local DESTDIR=

MODE    ?= release
CC      ?= cc
PREFIX  ?= /usr/local
DESTDIR ?=

O := build$(if $(filter release,$(MODE)),,/$(MODE))$(if $(filter clang%,$(notdir $(CC))),/clang)
OBJ := $(O)/obj

WARN := -Wall -Wextra -Wshadow -Wvla -Wundef -Wstrict-prototypes -Wmissing-prototypes \
        -Wwrite-strings -Wformat=2 -Wimplicit-fallthrough -Werror=switch -Wconversion \
        -Wno-sign-conversion
OPT_release := -O2
OPT_asan    := -O1 -fsanitize=address -fno-omit-frame-pointer
OPT_ubsan   := -O1 -fsanitize=undefined -fno-sanitize-recover=all
OPT_tsan    := -O1 -fsanitize=thread
OPT_cov     := -O0 --coverage
OPT_debug   := -O0
OPT_fuzz    := -O1 -fsanitize=address,fuzzer-no-link -fno-omit-frame-pointer

CPPFLAGS += -Isrc -Itests -I$(O)/gen -D_GNU_SOURCE
CFLAGS   ?= -g
CFLAGS   += -std=gnu17 $(WARN) $(if $(WERROR),-Werror) $(OPT_$(MODE)) -fno-strict-aliasing \
            -fstack-protector-strong -pthread
LDFLAGS  += -pthread $(filter -fsanitize=% --coverage,$(OPT_$(MODE)))
# JSON and protocol buffers of container images and of the container shim.
LDLIBS   += -l:libjansson.a -l:libprotobuf-c.a
# Event loop, names and TLS: static, as all of the command.
LDLIBS   += -l:libuv_a.a -l:libcares.a -l:libssl.a -l:libcrypto.a -lm
# What a static program must not ask glibc for: see src/http/tls.c.
LDFLAGS  += $(patsubst %,-Xlinker --wrap=%,dlopen getaddrinfo getnameinfo gethostbyname)
# It has no shared form, and reads the names of C++ functions in backtraces; nothing else of C++ is there.
LDLIBS   += -lsupc++
ifeq ($(MODE),release)
LDFLAGS  += -static-pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,pack-relative-relocs
CFLAGS   += -fPIE
CPPFLAGS += -D_FORTIFY_SOURCE=2
endif

# Bindings: wit/NAME/IFACE.wit becomes gen/bind/NAME_IFACE.{h,c}; the unit tests have some of their own.
bind_names = $(subst -,_,$(subst /,_,$(patsubst $(1)/%.wit,%,$(filter-out %/world.wit,$(wildcard $(1)/*/*.wit)))))
BIND     := $(O)/gen/bind
BIND_SRC := $(patsubst %,$(BIND)/%.c,$(call bind_names,wit) bind)
TEST_BIND_SRC := $(BIND)/glue_shapes.c $(BIND)/test_bind.c
BIND_FEATURES := network-error-code

# Every program has its main() in a file of this name.
MAIN_SRC := $(wildcard src/*/main.c)
LIB_SRC  := $(filter-out $(MAIN_SRC),$(wildcard src/*/*.c src/*/*/*.c)) $(BIND_SRC) $(O)/gen/builtin.c
# Messages of the container shim.
PROTO    := $(O)/gen/shim/shim.pb-c
LIB_SRC  += $(PROTO).c
LIB_ASM  := $(wildcard src/*/*/*.S)
LIB_OBJ  := $(LIB_SRC:%.c=$(OBJ)/%.o) $(LIB_ASM:%.S=$(OBJ)/%.o)
TEST_SRC := $(wildcard tests/unit/*.c tests/unit/*/*.c tests/unit/*/*/*.c tests/ref/*.c \
                        tests/security/*.c) \
            $(filter-out tests/fuzz/main.c,$(wildcard tests/fuzz/*.c)) $(TEST_BIND_SRC)
TEST_OBJ := $(TEST_SRC:%.c=$(OBJ)/%.o)

SAY := @$(if $(findstring s,$(firstword -$(MAKEFLAGS))),:,echo)

# Of objects and archives, with more flags if need be.
define link
$(SAY) "  LD $@"
@$(CC) $(LDFLAGS) $(1) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS)
endef
# The same with calls that the linker can wrap, and libraries that the sanitizers and fuzzers have.
define link_tests
$(SAY) "  LD $@"
@$(CC) $(filter-out -static-pie,$(LDFLAGS)) $(if $(filter release,$(MODE)),-pie) $(1) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS)
endef

PROGRAMS := $(O)/wasmtime $(O)/oci-tar-builder $(O)/containerd-shim-wasmtime-v1

all: $(PROGRAMS)

$(O)/libengine.a: $(LIB_OBJ)
	@rm -f $@
	@$(AR) rcs $@ $^

$(O)/wasmtime: $(OBJ)/src/cli/main.o
$(O)/containerd-shim-wasmtime-v1: $(OBJ)/src/shim/main.o
$(O)/oci-tar-builder: $(OBJ)/src/oci/main.o
$(PROGRAMS): $(O)/libengine.a
	$(call link)

# Calls that tests/security/failure_test.c lets fail.
WRAPPED := calloc realloc free mmap mremap munmap mprotect memfd_create pthread_create

$(O)/unit-tests: $(TEST_OBJ) $(O)/libengine.a
	$(call link_tests,$(WRAPPED:%=-Wl,--wrap=%))

$(PROTO).c: src/shim/shim.proto
	@mkdir -p $(@D)
	$(SAY) "  GEN $@"
	@protoc-c --c_out=$(@D) -I$(<D) $(<F)
$(PROTO).h: $(PROTO).c ;
$(patsubst %,$(OBJ)/%,$(patsubst %.c,%.o,$(wildcard src/shim/*.c tests/unit/shim/*.c) tests/fuzz/fuzz_ttrpc.c tests/fuzz/fuzz_shim.c)): | $(PROTO).c

# The machine's system calls by name, for filters of them.
SYSCALLS := $(O)/gen/os/syscalls.def
$(SYSCALLS):
	@mkdir -p $(@D)
	$(SAY) "  GEN $@"
	@echo '#include <sys/syscall.h>' | $(CC) -E -dM - | \
	    sed -n 's/^#define __NR_\([a-z0-9_]*\) .*/SYSCALL(\1)/p' | LC_ALL=C sort > $@
$(OBJ)/src/os/syscalls.o: $(SYSCALLS)

# What the bindings generator is made of comes first; all else may include what it writes.
WITGEN_OBJ := $(patsubst %.c,$(OBJ)/%.o,$(wildcard tools/witgen*.c) \
                $(filter src/base/% src/os/% src/wasm/% src/wit/%,$(LIB_SRC))) \
              $(filter $(OBJ)/src/os/%,$(LIB_ASM:%.S=$(OBJ)/%.o))

$(O)/witgen: $(WITGEN_OBJ)
	$(call link)

$(BIND)/.done: $(O)/witgen $(wildcard wit/*/*.wit tests/unit/component/*/*.wit)
	@mkdir -p $(@D)
	$(SAY) "  GEN $(@D)"
	@$(O)/witgen -o $(@D) $(BIND_FEATURES:%=-f %) $(sort $(dir $(wildcard wit/*/*.wit)))
	@$(O)/witgen -o $(@D) -n test_bind tests/unit/component/glue
	@touch $@

$(BIND_SRC) $(TEST_BIND_SRC) $(BIND_SRC:.c=.h) $(TEST_BIND_SRC:.c=.h): $(BIND)/.done ;
$(filter-out $(WITGEN_OBJ) $(OBJ)/src/bindgen/%,$(LIB_OBJ)) $(TEST_OBJ) $(MAIN_SRC:%.c=$(OBJ)/%.o): | $(BIND)/.done

$(OBJ)/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) "  CC $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(OBJ)/%.o: %.S
	@mkdir -p $(@D)
	$(SAY) "  CC $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The adapter of preview 1, a guest: a module for each of its worlds, empty where clang cannot make it.
GUEST_CC ?= clang
ADAPTER  := $(patsubst %,$(O)/gen/adapter/%.wasm,command reactor proxy)

EMBED_OBJ := $(OBJ)/tools/embed.o $(OBJ)/src/bindgen/bindgen_object.o \
             $(filter-out $(OBJ)/tools/witgen%,$(WITGEN_OBJ))
$(O)/embed: $(EMBED_OBJ)
	$(call link)

$(O)/gen/adapter/%.wasm: $(wildcard adapter/*) $(O)/embed $(wildcard wit/*/*.wit)
	@mkdir -p $(@D)
	$(SAY) "  GEN $@"
	@$(O)/embed -w $* -o $(@D)/$*.o $(sort $(dir $(wildcard wit/*/*.wit))) adapter
	@tools/build-adapter $* $(@D) $(GUEST_CC)

# What is part of the program: builtin.h.
BUILTIN := $(wildcard wit/*/*.wit) $(shell find templates -type f 2>/dev/null)
$(O)/gen/builtin.c: $(O)/embed $(ADAPTER) $(BUILTIN)
	$(SAY) "  GEN $@"
	@$(O)/embed -o $@ $(foreach f,$(ADAPTER),$(f:$(O)/gen/%=%)=$f) $(foreach f,$(BUILTIN),$f=$f)
$(OBJ)/$(O)/gen/builtin.o: $(O)/gen/builtin.c

unit: $(O)/unit-tests
	$(O)/unit-tests

# The wasi-testsuite, through the command; the runner knows nothing of the engine.
$(O)/wasi-runner: tests/wasi/runner.c
	@mkdir -p $(@D)
	$(SAY) "  LD $@"
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $<

# Parts of the tests: each is a command whose last line is "PART: N passed, N failed, N skipped".
TESTED := BUILD=$(abspath $(O)) WASMTIME=$(abspath $(O)/wasmtime) RUNNER=$(abspath $(O)/wasi-runner)
PARTS  ?= unit spec matrix component wasi cli serve sightglass programs oci bindgen adapter shim
UNIT   ?=
part_unit   = $(O)/unit-tests $(UNIT)
part_matrix = $(TESTED) tests/spec/matrix
part_of     = $(or $(part_$(1)),$(TESTED) tests/$(1)/run)

test:
	@tools/setup build test
	@$(MAKE) --no-print-directory tested
tested: $(PROGRAMS) $(O)/unit-tests $(O)/wasi-runner
	@tools/run-parts $(foreach p,$(PARTS),'$(p)=$(call part_of,$(p))')

demo demo-containerd:
	@tools/$@

FORMATTED = $(shell git ls-files '*.c' '*.h')
check: check-format check-layers check-banned check-headers check-warnings
check-format:
	clang-format --dry-run -Werror $(FORMATTED)
check-layers check-banned check-warnings:
	+@tools/$@
check-headers: $(BIND)/.done $(PROTO).c $(SYSCALLS)
	tools/check-headers $(CC) $(CPPFLAGS) $(filter-out -MMD -MP,$(CFLAGS)) -Werror
docs: $(O)/wasmtime
	$(O)/wasmtime help --markdown > docs/cli.md

install: $(PROGRAMS)
	@tools/install $(O) $(DESTDIR)$(PREFIX)

deb: $(O)/wasmtime
	tools/make-deb $(O)

$(O)/bench-micro: $(OBJ)/tests/bench/micro.o $(OBJ)/tests/bench/component.o
$(O)/bench-slots: $(OBJ)/tests/bench/slots.o
$(O)/bench-sandbox: $(OBJ)/tests/bench/sandbox.o
$(O)/bench-%: $(O)/libengine.a
	$(call link)

bench: $(O)/wasmtime $(O)/bench-micro $(O)/bench-slots
	tests/bench/run.py $(BENCH)

bench-serve: $(O)/wasmtime
	tests/bench/serve.py $(BENCH)
bench-shim: $(PROGRAMS)
	BUILD=$(abspath $(O)) tests/bench/shim.py $(BENCH)

# Fuzzing: the plain replayer, and one libFuzzer program a target (clang with address sanitizer).
SECONDS ?= 20
FUZZ := $(shell sed -n 's/^TARGET.\([a-z_]*\), .*/\1/p' tests/fuzz/targets.def)
FUZZ_OBJ := $(filter-out $(OBJ)/tests/unit/% $(OBJ)/tests/security/% $(OBJ)/$(BIND)/%,$(TEST_OBJ))

$(O)/fuzzer: $(OBJ)/tests/fuzz/main.o $(FUZZ_OBJ) $(O)/libengine.a
	$(call link_tests)

ifeq ($(MODE),fuzz)
$(O)/fuzz-%: tests/fuzz/main.c $(FUZZ_OBJ) $(O)/libengine.a
	$(SAY) "  LD $@"
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -DFUZZ_TARGET=$* -o $@ $^ $(LDLIBS)

fuzz-programs: $(FUZZ:%=$(O)/fuzz-%)
else
fuzz: ; tests/fuzz/run.sh $(SECONDS) $(or $(TARGET),$(FUZZ))
endif

clean:
	rm -rf build

.PHONY: all unit test tested demo demo-containerd check check-format check-layers check-banned check-headers \
        check-warnings docs install deb bench bench-serve bench-shim fuzz fuzz-programs clean
-include $(EMBED_OBJ:.o=.d) $(wildcard $(OBJ)/tests/bench/*.d) $(LIB_OBJ:.o=.d) $(TEST_OBJ:.o=.d) $(WITGEN_OBJ:.o=.d) $(MAIN_SRC:%.c=$(OBJ)/%.d)
