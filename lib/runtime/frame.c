/* Running a graph: stretches by plans, and between them the nodes that cannot be planned. */
#include "lib/runtime/session.h"

#include <string.h>

static tdnn_status init_frame(tdnn_session *session, tdnn_frame *frame, tdnn_error *err)
{
    const tdnn_graph *g = frame->graph;
    tdnn_zone *zone = session->zone;
    frame->last_use = tdnn_zone_alloc(zone, g->value_count + 1, sizeof *frame->last_use);
    frame->values = tdnn_zone_alloc(zone, g->value_count + 1, sizeof *frame->values);
    frame->owned = tdnn_zone_alloc(zone, g->value_count + 1, sizeof *frame->owned);
    frame->sites = tdnn_zone_alloc(zone, g->node_count + 1, sizeof *frame->sites);
    frame->exec_times = tdnn_zone_alloc(zone, g->node_count + 1, sizeof *frame->exec_times);
    if (!frame->last_use || !frame->values || !frame->owned || !frame->sites ||
        !frame->exec_times)
        return TDNN_NO_MEMORY(err);
    for (size_t v = 0; v < g->value_count; v++) frame->last_use[v] = -1;
    for (size_t n = 0; n < g->node_count; n++) {
        const tdnn_node *node = g->nodes[n];
        for (size_t i = 0; i < node->input_count + node->capture_count; i++)
            if (node->inputs[i] != TDNN_ABSENT) frame->last_use[node->inputs[i]] = (int32_t)n;
    }
    for (size_t i = 0; i < g->output_count; i++) frame->last_use[g->outputs[i]] = INT32_MAX;
    return TDNN_OK;
}

tdnn_status tdnn_session_frame(tdnn_session *session, const tdnn_graph *graph, tdnn_frame **out,
                               tdnn_error *err)
{
    tdnn_frame **last = &session->frames;
    size_t order = 0;
    for (; *last; last = &(*last)->next, order++)
        if ((*last)->graph == graph) {
            *out = *last;
            return TDNN_OK;
        }
    tdnn_frame *frame = *out = tdnn_zone_alloc(session->zone, 1, sizeof *frame);
    if (!frame) return TDNN_NO_MEMORY(err);
    frame->graph = graph;
    frame->order = order;
    TDNN_TRY(init_frame(session, frame, err));
    *last = frame;
    return TDNN_OK;
}

void tdnn_frame_clear(tdnn_frame *frame)
{
    for (size_t v = 0; v < frame->graph->value_count; v++) {
        if (frame->owned[v]) tdnn_tensor_release(frame->values[v]);
        frame->owned[v] = false;
        frame->values[v] = NULL;
    }
}

void tdnn_frame_free_plans(tdnn_frame *frame)
{
    for (size_t n = 0; n <= frame->graph->node_count; n++) {
        tdnn_site *site = frame->sites[n];
        if (!site) continue;
        for (size_t i = 0; i < site->plan_count; i++) tdnn_plan_free(site->plans[i]);
        tdnn_free(site->arena);
    }
}

/* ---- plans ---- */

static tdnn_plan *find_plan(const tdnn_site *site, tdnn_tensor *const *values)
{
    if (site->current && tdnn_plan_matches(site->current, values)) return site->current;
    for (size_t i = 0; i < site->plan_count; i++)
        if (tdnn_plan_matches(site->plans[i], values)) return site->plans[i];
    return NULL;
}

/* Keeps a new plan, in place of the least recently used if there are too many. */
static void keep_plan(tdnn_site *site, tdnn_plan *plan)
{
    size_t at = site->plan_count;
    if (at == TDNN_KEPT_PLANS) {
        at = 0;
        for (size_t i = 1; i < TDNN_KEPT_PLANS; i++)
            if (site->plans[i]->used < site->plans[at]->used) at = i;
        if (site->current == site->plans[at]) site->current = NULL;
        tdnn_plan_free(site->plans[at]);
    } else {
        site->plan_count++;
    }
    site->plans[at] = plan;
}

/* Of too large an arena, the first node with the largest output is to blame. */
static tdnn_status no_arena(const tdnn_plan *plan, tdnn_error *err)
{
    const tdnn_step *most = NULL;
    size_t bytes = 0;
    for (size_t i = 0; i < plan->step_count; i++)
        for (size_t k = 0; k < plan->steps[i].output_count; k++) {
            const tdnn_tensor *out = plan->steps[i].out[k];
            if (!out || out->bytes <= bytes) continue;
            most = &plan->steps[i];
            bytes = out->bytes;
        }
    tdnn_status status = TDNN_FAIL(err, TDNN_ERR_MEMORY, "no memory for an arena of %zu bytes",
                                   plan->arena_bytes);
    return most ? tdnn_node_error(plan->graph, most->node, status, err) : status;
}

static tdnn_status grow_arena(tdnn_site *site, const tdnn_plan *plan, tdnn_error *err)
{
    const size_t bytes = plan->arena_bytes;
    if (bytes <= site->arena_bytes && site->arena) return TDNN_OK;
    unsigned char *arena = tdnn_alloc_huge(bytes);
    if (!arena) return no_arena(plan, err);
    tdnn_free(site->arena);
    site->arena = arena;
    site->arena_bytes = bytes;
    return TDNN_OK;
}

static tdnn_status find_or_make(tdnn_session *session, tdnn_frame *frame, size_t begin,
                                tdnn_plan **out, tdnn_error *err)
{
    *out = NULL;
    tdnn_site *site = frame->sites[begin];
    if (!site) {
        site = frame->sites[begin] = tdnn_zone_alloc(session->zone, 1, sizeof *site);
        if (!site) return TDNN_NO_MEMORY(err);
    }
    tdnn_plan *plan = find_plan(site, frame->values);
    if (!plan) {
        tdnn_segment segment = {frame->graph, begin, frame->values, frame->last_use};
        TDNN_TRY(tdnn_plan_build(&session->env, &segment, &plan, err));
        if (plan->end ==
            begin) { /* nothing to keep: what it stumbled over may be otherwise next time */
            tdnn_plan_free(plan);
            return TDNN_OK;
        }
        keep_plan(site, plan);
    }
    TDNN_TRY(grow_arena(site, plan, err));
    plan->used = ++session->clock;
    site->current = plan;
    *out = plan;
    return TDNN_OK;
}

tdnn_status tdnn_frame_plan(tdnn_session *session, tdnn_frame *frame, size_t begin,
                            tdnn_plan **out, tdnn_error *err)
{
    const uint64_t used = session->budget.used;
    tdnn_status status = find_or_make(session, frame, begin, out, err);
    session->kept += session->budget.used - used; /* or less, modulo 2^64 */
    return status;
}

/* ---- running ---- */

static tdnn_tensor *value_of(const tdnn_frame *frame, tdnn_id id)
{
    if (id == TDNN_ABSENT) return NULL;
    tdnn_tensor *constant = frame->graph->values[id].constant;
    return constant ? constant : frame->values[id];
}

static bool must_exec(const tdnn_frame *frame, const tdnn_node *node)
{
    const tdnn_op *op = tdnn_op_of(node);
    bool odd = false;
    if (!op->exec) return false;
    for (size_t i = 0; i < node->input_count; i++) {
        const tdnn_tensor *t = value_of(frame, node->inputs[i]);
        if (t && (t->kind != TDNN_KIND_TENSOR || tdnn_dtype_bits(t->dtype) < 8)) odd = true;
    }
    return tdnn_op_needs_exec(op, odd) || node->capture_count;
}

static tdnn_status keep_outputs(tdnn_frame *frame, const tdnn_node *node, tdnn_tensor **out,
                                tdnn_status status, tdnn_error *err)
{
    for (size_t i = 0; i < node->output_count; i++) {
        tdnn_id id = node->outputs[i];
        if (status || id == TDNN_ABSENT) {
            tdnn_tensor_release(out[i]);
        } else if (!out[i]) {
            status = TDNN_FAIL(err, TDNN_ERR_INTERNAL, "output %zu was not made", i);
        } else {
            frame->values[id] = out[i];
            frame->owned[id] = true;
        }
    }
    return status;
}

tdnn_status tdnn_frame_exec(tdnn_session *session, tdnn_frame *frame, size_t index,
                            tdnn_error *err)
{
    const tdnn_node *node = frame->graph->nodes[index];
    const tdnn_op *op = tdnn_op_of(node);
    size_t in_count = node->input_count + node->capture_count;
    tdnn_tensor **in = tdnn_calloc(in_count + 1, sizeof *in);
    tdnn_tensor **out = tdnn_calloc(node->output_count + 1, sizeof *out);
    tdnn_status status = in && out ? TDNN_OK : TDNN_NO_MEMORY(err);
    if (!status) {
        for (size_t i = 0; i < in_count; i++) in[i] = value_of(frame, node->inputs[i]);
        tdnn_exec ctx = {.node = node, .params = node->params, .input_count = node->input_count,
                         .output_count = node->output_count, .in = in, .out = out,
                         .kernels = session->env.kernels, .err = err, .runner = session};
        uint64_t start = session->hooks.profile ? tdnn_now_ns() : 0;
        status = op->exec(&ctx);
        if (session->hooks.profile) {
            tdnn_step_times *times = &frame->exec_times[index];
            uint64_t ns = tdnn_now_ns() - start;
            if (times->runs++ == 0 || ns < times->min_ns) times->min_ns = ns;
            times->total_ns += ns;
        }
        status = keep_outputs(frame, node, out, status, err);
    }
    tdnn_free(in);
    tdnn_free(out);
    return status ? tdnn_node_error(frame->graph, node, status, err) : TDNN_OK;
}

static tdnn_status run_planned(tdnn_session *session, tdnn_frame *frame, size_t *next,
                               tdnn_error *err)
{
    tdnn_plan *plan;
    const tdnn_node *node = frame->graph->nodes[*next];
    TDNN_TRY(tdnn_frame_plan(session, frame, *next, &plan, err));
    if (!plan) {
        if (tdnn_op_of(node)->exec) {
            TDNN_TRY(tdnn_frame_exec(session, frame, *next, err));
            ++*next;
            return TDNN_OK;
        }
        return tdnn_node_error(
            frame->graph, node,
            TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "its output shape cannot be worked out"), err);
    }
    TDNN_TRY(
        tdnn_plan_run(plan, frame->sites[*next]->arena, &session->hooks, frame->values, err));
    *next = plan->end;
    return TDNN_OK;
}

tdnn_status tdnn_frame_run(tdnn_session *session, tdnn_frame *frame, tdnn_error *err)
{
    size_t next = 0;
    while (next < frame->graph->node_count) {
        if (must_exec(frame, frame->graph->nodes[next])) {
            TDNN_TRY(tdnn_frame_exec(session, frame, next, err));
            next++;
        } else {
            TDNN_TRY(run_planned(session, frame, &next, err));
        }
    }
    for (size_t i = 0; i < frame->graph->output_count; i++) {
        tdnn_id id = frame->graph->outputs[i];
        if (frame->graph->values[id].constant)
            frame->values[id] = frame->graph->values[id].constant;
    }
    return TDNN_OK;
}
