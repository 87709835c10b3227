# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#   make                 the programs, in build/
#   make demo            from nothing to a running program, step by step
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
LDLIBS   += -lm
ifeq ($(MODE),release)
LDFLAGS  += -static-pie
CFLAGS   += -fPIE
endif

LIB_SRC  := $(filter-out src/cli/main.c,$(wildcard src/*/*.c src/*/*/*.c))
LIB_ASM  := $(wildcard src/*/*/*.S)
LIB_OBJ  := $(LIB_SRC:%.c=$(OBJ)/%.o) $(LIB_ASM:%.S=$(OBJ)/%.o)
TEST_SRC := $(wildcard tests/unit/*.c tests/unit/*/*.c tests/unit/*/*/*.c tests/ref/*.c) \
            $(filter-out tests/fuzz/main.c,$(wildcard tests/fuzz/*.c))
TEST_OBJ := $(TEST_SRC:%.c=$(OBJ)/%.o)

all: $(O)/wasmtime

$(O)/libengine.a: $(LIB_OBJ)
	@rm -f $@
	@$(AR) rcs $@ $^

$(O)/wasmtime: $(OBJ)/src/cli/main.o $(O)/libengine.a
	@echo "  LD $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(O)/unit-tests: $(TEST_OBJ) $(O)/libengine.a
	@echo "  LD $@"
	@$(CC) $(filter-out -static-pie,$(LDFLAGS)) $(if $(filter release,$(MODE)),-pie) -o $@ $^ $(LDLIBS)

$(OBJ)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(OBJ)/%.o: %.S
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

unit: $(O)/unit-tests
	$(O)/unit-tests

$(O)/bench-micro: $(OBJ)/tests/bench/micro.o $(O)/libengine.a
	@echo "  LD $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

bench: $(O)/wasmtime $(O)/bench-micro
	tests/bench/run.py $(BENCH)

# Fuzzing: the plain replayer, and one libFuzzer program a target (clang with address sanitizer).
SECONDS ?= 20
FUZZ := $(shell sed -n 's/^TARGET(\([a-z_]*\)).*/\1/p' tests/fuzz/targets.def)
FUZZ_OBJ := $(filter-out $(OBJ)/tests/unit/%,$(TEST_OBJ))

$(O)/fuzzer: $(OBJ)/tests/fuzz/main.o $(FUZZ_OBJ) $(O)/libengine.a
	@echo "  LD $@"
	@$(CC) $(filter-out -static-pie,$(LDFLAGS)) $(if $(filter release,$(MODE)),-pie) -o $@ $^ $(LDLIBS)

ifeq ($(MODE),fuzz)
$(O)/fuzz-%: tests/fuzz/main.c $(FUZZ_OBJ) $(O)/libengine.a
	@echo "  LD $@"
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -DFUZZ_TARGET=$* -o $@ $^ $(LDLIBS)

fuzz-programs: $(FUZZ:%=$(O)/fuzz-%)
else
fuzz: ; tests/fuzz/run.sh $(SECONDS) $(or $(TARGET),$(FUZZ))
endif

clean:
	rm -rf build

.PHONY: all unit bench fuzz fuzz-programs clean
-include $(LIB_OBJ:.o=.d) $(TEST_OBJ:.o=.d) $(OBJ)/src/cli/main.d
