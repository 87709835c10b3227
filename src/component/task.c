/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Tasks: what a call of a component's function keeps for the builtins of its instance, and
 * functions lifted with the asynchronous ABI, as long as they end without having to wait. What
 * would have to wait is refused by name.
 */
#include "component/instance_priv.h"

/* What a callback, or an asynchronous core function, answers: the low four bits. */
typedef enum CallbackCode { CALLBACK_EXIT, CALLBACK_YIELD, CALLBACK_WAIT } CallbackCode;
enum { BACKPRESSURE_MAX = 0xffff };

void task_begin(Task *t, ComponentInstance *i, const CanonEnv *env, AbiSide *side,
                ComponentVal *ret_result)
{
    *t = (Task){.outer = i->task, .env = env, .side = side, .result = ret_result};
    i->task = t;
}

void task_end(Task *t, ComponentInstance *i)
{
    i->task = t->outer;
}

/* --- functions lifted with the asynchronous ABI --- */

static Error *refuse_beside(void)
{
    return error_new("tasks that run beside their callers are not supported by this build yet");
}

/*
 * A task that yields goes on at once: its caller waits for its result, and nobody else is there. If
 * the caller does not wait, it would have to run now.
 */
MUST_CHECK static Error *run_callback(const Task *t, u32 packed)
{
    const CanonEnv *env = t->env;
    while ((packed & 0xf) == CALLBACK_YIELD) {
        if (env->inst->root->beside || t->returned)
            return refuse_beside();
        VmVal vals[3] = {0}; /* no event */
        Error *e = func_call(env->inst->root->store, env->callback, vals);
        if (e)
            return e;
        packed = (u32)vals[0].i32;
    }
    u32 code = packed & 0xf;
    if (code == CALLBACK_WAIT)
        return error_new("waiting for events is not supported by this build yet");
    return code == CALLBACK_EXIT ? NULL : trap_error(TRAP_UNSUPPORTED_CALLBACK);
}

Error *task_start(const CanonEnv *env)
{
    if (env->type->is_async && env->inst->backpressure)
        return error_new("waiting for backpressure to end is not supported by this build yet");
    return NULL;
}

Error *task_finish(Task *t, const VmVal *results)
{
    Error *e = t->env->callback ? run_callback(t, (u32)results[0].i32) : NULL;
    if (!e && !t->returned)
        e = trap_error(TRAP_NO_ASYNC_RESULT);
    return e;
}

/* --- builtins --- */

typedef struct TaskEnv {
    ComponentInstance *inst;
    const Canon *canon;
    CType func;   /* task.return: a function with the result for its parameter */
    CField field; /* its parameter */
    CanonEnv env; /* of that function */
    bool wide;    /* context.set: 64 bits */
} TaskEnv;

MUST_CHECK static Error *task_return(TaskEnv *b, const VmVal *vals)
{
    Task *t = b->inst->task;
    const CanonEnv *env = t->env;
    if (!env || !env->is_async)
        return error_new("`task.return` called in a function that is not lifted with `async`");
    if (t->returned)
        return trap_error(TRAP_TASK_RETURN_TWICE);
    if (!ctype_equal(b->inst->component->types, b->canon->type, env->type->result) ||
        (b->env.memory && b->env.memory != env->memory) || b->env.encoding != env->encoding)
        return trap_error(TRAP_TASK_RETURN_INVALID);
    u64 flat[ABI_FLAT] = {0};
    abi_from_vals(b->env.sig.params, b->env.sig.nparams, vals, flat);
    AbiTuple tuple = {b->func.fields, b->func.n, b->env.sig.params_spilled};
    Error *e = abi_lift(t->side, &tuple, flat, t->result);
    if (!e)
        e = scope_check_borrows(t->side->scope);
    t->returned = !e;
    return e;
}

MUST_CHECK static Error *change_backpressure(ComponentInstance *i, i32 by)
{
    if (by > 0 ? i->backpressure == BACKPRESSURE_MAX : i->backpressure == 0)
        return trap_error(TRAP_BACKPRESSURE_OVERFLOW);
    i->backpressure += (u32)by;
    return NULL;
}

/* Carries a builtin out. Those that need waitables, streams or threads are refused. */
MUST_CHECK static Error *run_builtin(TaskEnv *b, VmVal *vals)
{
    ComponentInstance *i = b->inst;
    const Canon *c = b->canon;
    if (c->kind == CANON_context_get) {
        vals[0] = (VmVal){.pair = {i->task->context[c->slot]}};
        return NULL;
    }
    if (c->kind == CANON_context_set) {
        i->task->context[c->slot] = b->wide ? vals[0].pair[0] : (u32)vals[0].i32;
        return NULL;
    }
    if (c->kind == CANON_backpressure_inc)
        return change_backpressure(i, 1);
    if (c->kind == CANON_backpressure_dec)
        return change_backpressure(i, -1);
    if (!*i->may_leave)
        return trap_error(TRAP_CANNOT_LEAVE_COMPONENT);
    if (c->kind == CANON_task_return)
        return task_return(b, vals);
    if (c->kind == CANON_thread_yield) { /* no other thread waits, nobody cancels */
        if (i->root->beside && task_may_block(i->task))
            return refuse_beside();
        vals[0] = (VmVal){0};
        return NULL;
    }
    if (c->kind == CANON_task_cancel)
        return trap_error(TRAP_TASK_NOT_CANCELLED);
    return error_new("the builtin `%s` is not supported by this build yet",
                     canon_name((CanonKind)c->kind));
}

static void builtin_entry(void *arg, VmCtx *caller, VmVal *vals)
{
    (void)caller;
    TaskEnv *b = arg;
    Error *e = run_builtin(b, vals);
    if (e)
        host_fail(b->inst->root->store, e);
}

Error *task_builtin(ComponentInstance *i, const Canon *c, VmFuncRef **ret_func)
{
    TaskEnv *b = arena_new(&i->root->arena, TaskEnv);
    *b = (TaskEnv){.inst = i, .canon = c};
    if (c->kind == CANON_task_return) {
        b->field.type = c->type;
        b->func = (CType){
            .kind = CT_FUNC, .n = c->type != CTYPE_NONE, .fields = &b->field, .result = CTYPE_NONE};
        canon_env_init(i, c, &b->func, FLAT_LOWER, &b->env);
    }
    if (c->kind == CANON_context_set)
        b->wide =
            types_func_type(store_registry(i->root->store), c->core_type)->params[0] == VT_I64;
    return store_host_func(i->root->store, c->core_type, false, (void *)builtin_entry, b, ret_func);
}

void task_hide_context(ComponentInstance *inst, u64 ret_context[2])
{
    if (!inst)
        return;
    memcpy(ret_context, inst->task->context, sizeof inst->task->context);
    memset(inst->task->context, 0, sizeof inst->task->context);
}

void task_show_context(ComponentInstance *inst, const u64 context[2])
{
    if (inst)
        memcpy(inst->task->context, context, sizeof inst->task->context);
}

bool component_has_tasks(const Component *c)
{
    for (u32 n = 0; n < c->ndefs; n++) {
        const ComponentDef *d = &c->defs[n];
        if (d->kind == DEF_CANON && d->canon.kind != CANON_lift && d->canon.kind != CANON_lower &&
            !canon_is_resource(&d->canon))
            return true;
    }
    return false;
}
