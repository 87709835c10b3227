/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tables of handles: indices, types, lending, borrow scopes. */
#include "component/resource.h"

#include "unit/test.h"

static void expect_error(Error *e, const char *words)
{
    EXPECT(e);
    if (!strstr(e->message, words))
        test_fail(__FILE__, __LINE__, "\"%s\" is not in \"%s\"", words, e->message);
    error_free(e);
}

static u32 add(HandleTable *t, ResourceKey type, u32 rep)
{
    u32 index = 0;
    EXPECT(!handles_add(t, type, rep, NULL, &index));
    return index;
}

TEST(component_handles_are_found_and_used_again)
{
    HandleTable t = {0};
    ResourceType kind = {0}, *a = &kind, *b = &kind;
    u64 rep = 0;
    bool own = false;
    EXPECT_EQ(add(&t, &a, 10), 1);
    EXPECT_EQ(add(&t, &a, 20), 2);
    EXPECT_EQ(add(&t, &b, 30), 3);
    EXPECT(!handles_rep(&t, &a, 2, &rep));
    EXPECT_EQ(rep, 20);
    expect_error(handles_rep(&t, &a, 0, &rep), "unknown handle index 0");
    expect_error(handles_rep(&t, &a, 4, &rep), "unknown handle index 4");
    expect_error(handles_rep(&t, &a, UINT32_MAX, &rep), "unknown handle index 4294967295");
    expect_error(handles_rep(&t, &a, 3, &rep), "used with the wrong type");
    EXPECT(!handles_drop(&t, &a, 1, &own, &rep));
    EXPECT(own && rep == 10);
    expect_error(handles_drop(&t, &a, 1, &own, &rep), "unknown handle index 1");
    EXPECT(!handles_take_own(&t, &a, 2, &rep));
    EXPECT_EQ(add(&t, &a, 40), 2);
    EXPECT_EQ(add(&t, &a, 50), 1);
    EXPECT_EQ(add(&t, &a, 60), 4);
    handles_release(&t);
}

TEST(component_handles_that_are_lent_stay)
{
    HandleTable t = {0};
    ResourceType kind = {0}, *a = &kind;
    CallScope call = {0};
    u64 rep = 0;
    u32 index = add(&t, &a, 7);
    bool own = false;
    EXPECT(!handles_lend(&t, &a, index, &call, &rep));
    EXPECT(!handles_lend(&t, &a, index, &call, &rep));
    EXPECT_EQ(rep, 7);
    expect_error(handles_drop(&t, &a, index, &own, &rep), "while borrowed");
    expect_error(handles_take_own(&t, &a, index, &rep), "while borrowed");
    scope_end_lends(&call);
    EXPECT(!handles_take_own(&t, &a, index, &rep));
    handles_release(&t);
}

TEST(component_borrows_end_with_the_call)
{
    HandleTable t = {0};
    ResourceType kind = {0}, *a = &kind;
    CallScope call = {0}, inner = {0};
    u64 rep = 0;
    u32 index = 0;
    bool own = true;
    EXPECT(!handles_add(&t, &a, 9, &call, &index));
    expect_error(scope_check_borrows(&call), "borrow handles still remain");
    expect_error(handles_take_own(&t, &a, index, &rep), "from a borrow");
    EXPECT(!handles_lend(&t, &a, index, &inner, &rep));
    EXPECT_EQ(inner.nfirst, 0);
    EXPECT(!handles_drop(&t, &a, index, &own, &rep));
    EXPECT(!own);
    EXPECT(!scope_check_borrows(&call));
    handles_release(&t);
}
