/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Memories with and without guard regions, explicit checks, CPUs old and new, lazy and eager. */
#include "security/modes.h"

#include "backend/x64/cpu.h"

#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>

typedef struct Mode {
    const char *name;
    const char *cpu; /* change of the CPU's features */
    bool no_reservation, explicit_traps, eager, direct;
} Mode;

static const Mode modes[] = {
    {.name = "default"},
    {.name = "no reservation", .no_reservation = true},
    {.name = "explicit checks", .explicit_traps = true},
    {.name = "no AVX", .cpu = "-avx"},
    {.name = "SSE4.1 only", .cpu = "base"},
    {.name = "eager", .eager = true},
    {.name = "direct calls", .eager = true, .direct = true},
    {.name = "no reservation, SSE4.1 only, eager",
     .no_reservation = true,
     .cpu = "base",
     .eager = true},
};

static void configure(EngineConfig *c, const Mode *m)
{
    engine_config_init(c);
    if (m->no_reservation)
        c->tunables.memory_reservation = c->tunables.memory_guard = 0;
    c->tunables.signal_traps &= !m->explicit_traps;
    if (m->cpu)
        ALWAYS(!x64_cpu_parse(str_of(m->cpu), &c->tunables.cpu));
    c->lazy = !m->eager;
    c->tunables.direct_calls = m->direct;
}

void each_mode(const char *wat, void (*attack)(Harness *h))
{
    for (usize i = 0; i < ARRAY_LEN(modes); i++) {
        EngineConfig c;
        configure(&c, &modes[i]);
        printf("mode: %s\n", modes[i].name);
        Harness h = harness_new(wat, &c);
        attack(&h);
        harness_free(&h);
        __fpurge(stdout); /* modes that hold are not worth a line */
    }
}

u32 race_seconds(u32 usual)
{
    const char *text = getenv("SECURITY_SECONDS");
    unsigned long n = text ? strtoul(text, NULL, 10) : 0;
    return n ? (u32)MIN(n, 50) : usual;
}
