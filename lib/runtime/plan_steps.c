/* Steps: each operator chooses its kernel and says what it needs. */
#include "lib/runtime/plan.h"

#include <string.h>

static tdnn_planner *planner_of(tdnn_plan_ctx *ctx) { return ctx->planner; }

void *tdnn_plan_alloc(tdnn_plan_ctx *ctx, size_t count, size_t size)
{
    void *memory = tdnn_zone_alloc(planner_of(ctx)->plan->zone, count, size);
    if (!ctx->step->data) ctx->step->data = memory;
    return memory;
}

void tdnn_plan_phase(tdnn_plan_ctx *ctx, tdnn_run_fn run, size_t task_count)
{
    tdnn_step *step = ctx->step;
    if (step->phase_count == TDNN_MAX_PHASES) return;
    step->phases[step->phase_count].run = run;
    step->phases[step->phase_count++].task_count = task_count;
}

void tdnn_plan_scratch(tdnn_plan_ctx *ctx, size_t bytes_per_worker)
{
    size_t bytes = tdnn_round_up(bytes_per_worker, TDNN_ALIGN);
    if (bytes > ctx->step->scratch_stride) ctx->step->scratch_stride = bytes;
}

void tdnn_plan_shared(tdnn_plan_ctx *ctx, size_t bytes)
{
    size_t *have = &ctx->step->shared_bytes;
    if (bytes > *have) *have = tdnn_round_up(bytes, TDNN_ALIGN);
}

bool tdnn_plan_alias(tdnn_plan_ctx *ctx, size_t out, size_t in, size_t offset)
{
    tdnn_planner *p = planner_of(ctx);
    if (in >= p->current->in_count || p->current->in[in] < 0) return false;
    tdnn_plan_value *from = &p->plan->values[p->current->in[in]];
    tdnn_plan_value *to = &p->plan->values[p->current->out[out]];
    if (to->root != p->current->out[out]) return false;
    if (offset > from->view.bytes || to->view.bytes > from->view.bytes - offset) return false;
    to->root = p->current->in[in];
    to->offset = offset;
    return true;
}

/* Whether the inputs from `in` on are, one behind the other, all that lies in the memory of
 * `root`: what an earlier Concat put together, as the blocks of a DenseNet do with all they
 * have again and again. */
static bool makes_up(const tdnn_planner *p, size_t in, int32_t root)
{
    const tdnn_plan *plan = p->plan;
    size_t end = 0, at;
    for (; in < p->current->in_count && end < plan->values[root].view.bytes; in++) {
        const int32_t value = p->current->in[in];
        if (value < 0 || tdnn_plan_root(plan, value, &at) != root || at != end) return false;
        end += plan->values[value].view.bytes;
    }
    return end == plan->values[root].view.bytes;
}

bool tdnn_plan_embed(tdnn_plan_ctx *ctx, size_t in, size_t out, size_t offset)
{
    tdnn_planner *p = planner_of(ctx);
    tdnn_plan *plan = p->plan;
    if (p->current->in[in] < 0 || p->current->out[out] < 0) return false;
    size_t at, into;
    int32_t root = tdnn_plan_root(plan, p->current->in[in], &at);
    int32_t target = tdnn_plan_root(plan, p->current->out[out], &into);
    const tdnn_plan_value *from = &plan->values[root], *to = &plan->values[p->current->out[out]];
    if (root == target) return at == into + offset; /* there already, with those before it */
    if (from->place != TDNN_PLACE_ARENA || at != 0 || !makes_up(p, in, root)) return false;
    if (offset > to->view.bytes || from->view.bytes > to->view.bytes - offset) return false;
    plan->values[root].root = p->current->out[out];
    plan->values[root].offset = offset;
    return true;
}

void tdnn_plan_inplace(tdnn_plan_ctx *ctx, size_t out, size_t in)
{
    tdnn_plan_node *n = planner_of(ctx)->current;
    size_t most = sizeof n->inplace / sizeof *n->inplace;
    if (n->inplace_count == most || n->in[in] < 0 || n->out[out] < 0) return;
    n->inplace[n->inplace_count].out = n->out[out];
    n->inplace[n->inplace_count++].in = n->in[in];
}

tdnn_status tdnn_plan_pack(tdnn_plan_ctx *ctx, const tdnn_pack_key *key, size_t bytes,
                           tdnn_pack_fn build, const void *context, size_t context_bytes,
                           const void **out)
{
    tdnn_packs *packs = planner_of(ctx)->env->packs;
    *out = NULL;
    if (!packs)
        return TDNN_FAIL(ctx->err, TDNN_ERR_INTERNAL, "constants are packed only for a net");
    void *kept = tdnn_zone_alloc(planner_of(ctx)->plan->zone, context_bytes, 1);
    if (!kept) return TDNN_NO_MEMORY(ctx->err);
    memcpy(kept, context, context_bytes);
    return tdnn_packs_get(packs, key, bytes, build, kept, out, ctx->err);
}

/* ---- making the steps ---- */

static bool make_views(tdnn_plan *plan)
{
    for (size_t v = 0; v < plan->value_count; v++) {
        tdnn_plan_value *value = &plan->values[v];
        value->view.kind = value->info.kind;
        value->view.dtype = value->info.dtype;
        value->view.shape = value->info.shape;
        value->view.layout = value->info.layout;
        atomic_init(&value->view.refs, 1);
        value->view.bytes = 0;
        if (value->info.kind != TDNN_KIND_TENSOR || value->info.dtype == TDNN_STRING) continue;
        if (!tdnn_layout_size(value->info.dtype, &value->info.shape, value->info.layout,
                              &value->view.bytes))
            return false;
        if (value->place == TDNN_PLACE_CONSTANT) value->view.data = value->info.contents->data;
    }
    return true;
}

static tdnn_status plan_node(tdnn_planner *p, tdnn_plan_node *n, tdnn_step *step)
{
    tdnn_plan *plan = p->plan;
    const tdnn_op *op = tdnn_op_of(n->node);
    tdnn_zone *zone = plan->zone;
    *step = (tdnn_step){.node = n->node, .params = n->node->params, .kernels = p->env->kernels,
                        .kernel = "", .input_count = n->in_count, .output_count = n->out_count};
    step->in = tdnn_zone_alloc(zone, n->in_count + 1, sizeof *step->in);
    step->out = tdnn_zone_alloc(zone, n->out_count + 1, sizeof *step->out);
    const tdnn_tensor **constants = tdnn_zone_alloc(zone, n->in_count + 1, sizeof *constants);
    const tdnn_tensor **known = tdnn_zone_alloc(zone, n->in_count + 1, sizeof *known);
    if (!step->in || !step->out || !constants || !known) return TDNN_NO_MEMORY(p->err);
    for (size_t i = 0; i < n->in_count; i++) {
        if (n->in[i] < 0) continue;
        tdnn_plan_value *value = &plan->values[n->in[i]];
        step->in[i] = &value->view;
        if (value->forever && p->env->packs) constants[i] = value->info.contents;
        known[i] = value->asked ? p->segment->values[value->id] : value->info.contents;
        step->moved += value->view.bytes;
    }
    for (size_t i = 0; i < n->out_count; i++) {
        if (n->out[i] < 0) continue;
        step->out[i] = &plan->values[n->out[i]].view;
        step->moved += step->out[i]->bytes;
    }
    tdnn_plan_ctx ctx = {.step = step,
                         .kernels = p->env->kernels,
                         .threads = p->env->threads,
                         .precision = p->env->precision,
                         .no_winograd = p->env->no_winograd,
                         .constants = constants,
                         .known = known,
                         .err = p->err,
                         .planner = p};
    p->current = n;
    return op->plan(&ctx);
}

static tdnn_status plan_nodes(tdnn_planner *p)
{
    tdnn_plan *plan = p->plan;
    for (size_t i = 0; i < plan->node_count; i++) {
        tdnn_plan_node *n = &plan->nodes[i];
        if (n->dead) continue;
        tdnn_step *step = &plan->steps[plan->step_count];
        tdnn_status status = plan_node(p, n, step);
        if (status) return tdnn_node_error(plan->graph, n->node, status, p->err);
        if (step->phase_count == 0) continue;
        n->step = step;
        plan->step_count++;
    }
    return TDNN_OK;
}

tdnn_status tdnn_planner_steps(tdnn_planner *p)
{
    tdnn_plan *plan = p->plan;
    tdnn_packs *packs = p->env->packs;
    plan->steps = tdnn_zone_alloc(plan->zone, plan->node_count + 1, sizeof *plan->steps);
    plan->times = tdnn_zone_alloc(plan->zone, plan->node_count + 1, sizeof *plan->times);
    if (!plan->steps || !plan->times) return TDNN_NO_MEMORY(p->err);
    if (!make_views(plan)) return TDNN_FAIL(p->err, TDNN_ERR_LIMIT, "a value is too large");
    if (!packs) return plan_nodes(p);
    tdnn_packs_begin(packs);
    return tdnn_packs_end(packs, p->env->workers, plan_nodes(p), p->err);
}
