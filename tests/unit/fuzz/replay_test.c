/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Replays the seeds and the past findings of each fuzz target, and a few generated inputs. */
#include "fuzz/targets.h"
#include "unit/test.h"

#include <stdio.h>

static void replay(const FuzzTarget *t)
{
    static const char *const folders[] = {"corpus", "regress"};
    for (u32 i = 0; i < ARRAY_LEN(folders); i++) {
        char path[256];
        snprintf(path, sizeof path, "tests/fuzz/%s/%s", folders[i], t->name);
        u32 n = fuzz_replay(t, path);
        printf("%s: %u\n", path, n);
    }
    for (u64 seed = 0; seed < t->seeds; seed++)
        t->run((const u8 *)&seed, sizeof seed);
}

#define TARGET(name, seeds)                                                                        \
    TEST(fuzz_replay_##name)                                                                       \
    {                                                                                              \
        replay(fuzz_find(#name));                                                                  \
    }
#include "fuzz/targets.def"
#undef TARGET
