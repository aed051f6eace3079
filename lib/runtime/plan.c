/* Plans: making, matching, running. */
#include "lib/runtime/plan.h"

#include <string.h>

void tdnn_plan_free(tdnn_plan *plan)
{
    if (!plan) return;
    for (size_t i = 0; i < plan->held_count; i++) tdnn_tensor_release(plan->held[i]);
    tdnn_zone_free(plan->zone);
}

/* The contents that decided something become part of the key: the plan keeps a copy. */
static tdnn_status keep_key(tdnn_planner *p)
{
    tdnn_plan *plan = p->plan;
    for (size_t i = 0; i < plan->live_count; i++) {
        tdnn_plan_value *value = &plan->values[plan->live[i]];
        if (!value->asked) continue;
        tdnn_tensor *copy;
        TDNN_TRY(tdnn_tensor_copy(p->segment->values[value->id], &copy, p->err));
        if (!TDNN_ZONE_PUSH(plan->zone, plan->held, plan->held_count, plan->held_capacity)) {
            tdnn_tensor_release(copy);
            return TDNN_NO_MEMORY(p->err);
        }
        plan->held[plan->held_count++] = copy;
        value->info.contents = copy;
    }
    return TDNN_OK;
}

static tdnn_status build(tdnn_planner *p)
{
    size_t count = p->segment->graph->value_count;
    p->index = tdnn_zone_alloc(p->plan->zone, count + 1, sizeof *p->index);
    if (!p->index) return TDNN_NO_MEMORY(p->err);
    for (size_t i = 0; i < count; i++) p->index[i] = -1;
    TDNN_TRY(tdnn_planner_infer(p));
    TDNN_TRY(tdnn_planner_einsum(p));
    TDNN_TRY(tdnn_planner_attention(p));
    TDNN_TRY(tdnn_planner_fuse(p));
    TDNN_TRY(tdnn_planner_product(p));
    TDNN_TRY(tdnn_planner_shuffle(p));
    TDNN_TRY(tdnn_planner_chain(p));
    TDNN_TRY(tdnn_planner_layout(p));
    TDNN_TRY(tdnn_planner_steps(p));
    TDNN_TRY(tdnn_planner_memory(p));
    return keep_key(p);
}

tdnn_status tdnn_plan_build(const tdnn_plan_env *env, const tdnn_segment *segment,
                            tdnn_plan **out, tdnn_error *err)
{
    *out = NULL;
    tdnn_zone *zone = tdnn_zone_create();
    tdnn_plan *plan = zone ? tdnn_zone_alloc(zone, 1, sizeof *plan) : NULL;
    if (!plan) {
        tdnn_zone_free(zone);
        return TDNN_NO_MEMORY(err);
    }
    plan->zone = zone;
    plan->graph = segment->graph;
    plan->begin = segment->begin;
    tdnn_planner planner = {.env = env, .segment = segment, .plan = plan, .err = err};
    tdnn_status status = build(&planner);
    if (status)
        tdnn_plan_free(plan);
    else
        *out = plan;
    return status;
}

bool tdnn_plan_matches(const tdnn_plan *plan, tdnn_tensor *const *values)
{
    for (size_t i = 0; i < plan->live_count; i++) {
        const tdnn_plan_value *value = &plan->values[plan->live[i]];
        const tdnn_tensor *t = values[value->id];
        if (!t || t->kind != value->info.kind || t->dtype != value->info.dtype ||
            !tdnn_shape_equal(&t->shape, &value->info.shape))
            return false;
        if (value->asked && !tdnn_tensor_equal(t, value->info.contents)) return false;
    }
    return true;
}

/* ---- running ---- */

static void set_data(tdnn_plan *plan, int32_t index)
{
    size_t offset;
    tdnn_plan_value *value = &plan->values[index];
    const tdnn_plan_value *root = &plan->values[tdnn_plan_root(plan, index, &offset)];
    unsigned char *data =
        root->place == TDNN_PLACE_ARENA ? plan->base + root->at : root->view.data;
    value->view.data = data ? data + offset : NULL;
}

static void bind(tdnn_plan *plan, unsigned char *base)
{
    plan->base = base;
    for (size_t v = 0; v < plan->value_count; v++)
        if (plan->values[v].root != (int32_t)v || plan->values[v].place == TDNN_PLACE_ARENA)
            set_data(plan, (int32_t)v);
    for (size_t i = 0; i < plan->step_count; i++) {
        tdnn_step *step = &plan->steps[i];
        step->shared = base + step->scratch_at;
        step->scratch = step->shared + step->shared_bytes;
    }
}

typedef struct phase {
    const tdnn_step *step;
    tdnn_run_fn run;
} phase;

static void run_task(void *context, size_t task, size_t worker)
{
    const phase *ph = context;
    if (worker) tdnn_float_mode_fast(); /* a thread of ours: nobody misses its mode of before */
    ph->run(ph->step, task, worker);
}

static void run_step(const tdnn_step *step, tdnn_workers *workers)
{
    const unsigned mode = tdnn_float_mode_fast();
    for (size_t i = 0; i < step->phase_count; i++) {
        size_t tasks = step->phases[i].task_count;
        if (workers && tasks > 1) {
            phase ph = {step, step->phases[i].run};
            tdnn_workers_run(workers, run_task, &ph, tasks);
        } else {
            for (size_t task = 0; task < tasks; task++) step->phases[i].run(step, task, 0);
        }
    }
    tdnn_float_mode_restore(mode);
}

static void run_timed(const tdnn_step *step, tdnn_workers *workers, tdnn_step_times *times)
{
    uint64_t start = tdnn_now_ns();
    run_step(step, workers);
    uint64_t ns = tdnn_now_ns() - start;
    if (times->runs++ == 0 || ns < times->min_ns) times->min_ns = ns;
    times->total_ns += ns;
}

tdnn_status tdnn_plan_run(tdnn_plan *plan, unsigned char *base, const tdnn_run_hooks *hooks,
                          tdnn_tensor **values, tdnn_error *err)
{
    if (plan->base != base || !base) bind(plan, base);
    for (size_t i = 0; i < plan->live_count; i++) {
        tdnn_plan_value *value = &plan->values[plan->live[i]];
        value->view.data = values[value->id]->data;
    }
    for (size_t i = 0; i < plan->moving_count; i++) set_data(plan, plan->moving[i]);
    for (size_t i = 0; i < plan->step_count; i++) {
        if (hooks->progress && hooks->progress(hooks->user, i, plan->step_count))
            return TDNN_FAIL(err, TDNN_ERR_CANCELLED, "stopped before step %zu of %zu", i,
                             plan->step_count);
        if (hooks->profile)
            run_timed(&plan->steps[i], hooks->workers, &plan->times[i]);
        else
            run_step(&plan->steps[i], hooks->workers);
    }
    for (size_t i = 0; i < plan->escaping_count; i++) {
        tdnn_plan_value *value = &plan->values[plan->escaping[i]];
        values[value->id] =
            value->place == TDNN_PLACE_CONSTANT ? value->info.contents : &value->view;
    }
    return TDNN_OK;
}
