/* The first stage of planning: types and shapes, node by node, until one must wait; and what
 * can be worked out right now (Shape -> Gather -> Concat and the like) is, so that it costs
 * nothing at run time. */
#include "lib/runtime/plan.h"

#include <string.h>

/* Results up to this size are computed while planning where all inputs are known. */
enum { MOST_KNOWN_BYTES = 1 << 20 };

tdnn_status tdnn_planner_add_value(tdnn_planner *p, const tdnn_info *info, tdnn_id id,
                                   int32_t *out)
{
    tdnn_plan *plan = p->plan;
    if (plan->value_count >= INT32_MAX ||
        !TDNN_ZONE_PUSH(plan->zone, plan->values, plan->value_count, plan->value_capacity))
        return TDNN_NO_MEMORY(p->err);
    int32_t index = *out = (int32_t)plan->value_count++;
    plan->values[index] = (tdnn_plan_value){.info = *info, .id = id, .root = index, .other = -1};
    return TDNN_OK;
}

tdnn_status tdnn_planner_add_node(tdnn_planner *p, const tdnn_node *node, size_t in_count,
                                  size_t out_count, tdnn_plan_node **out)
{
    tdnn_plan *plan = p->plan;
    if (!TDNN_ZONE_PUSH(plan->zone, plan->nodes, plan->node_count, plan->node_capacity))
        return TDNN_NO_MEMORY(p->err);
    tdnn_plan_node *n = *out = &plan->nodes[plan->node_count];
    *n = (tdnn_plan_node){.node = node, .in_count = in_count, .out_count = out_count};
    n->in = tdnn_zone_alloc(plan->zone, in_count + 1, sizeof *n->in);
    n->out = tdnn_zone_alloc(plan->zone, out_count + 1, sizeof *n->out);
    if (!n->in || !n->out) return TDNN_NO_MEMORY(p->err);
    for (size_t i = 0; i < in_count; i++) n->in[i] = -1;
    for (size_t i = 0; i < out_count; i++) n->out[i] = -1;
    plan->node_count++;
    return TDNN_OK;
}

static tdnn_status hold(tdnn_planner *p, tdnn_tensor *tensor)
{
    tdnn_plan *plan = p->plan;
    if (!TDNN_ZONE_PUSH(plan->zone, plan->held, plan->held_count, plan->held_capacity)) {
        tdnn_tensor_release(tensor);
        return TDNN_NO_MEMORY(p->err);
    }
    plan->held[plan->held_count++] = tensor;
    return TDNN_OK;
}

/* ---- what operators ask for ---- */

static tdnn_plan_value *input_of(tdnn_infer *ctx, size_t index)
{
    tdnn_planner *p = ctx->planner;
    return &p->plan->values[p->current->in[index]];
}

tdnn_status tdnn_infer_contents(tdnn_infer *ctx, size_t index, const tdnn_tensor **out)
{
    tdnn_planner *p = ctx->planner;
    *out = NULL;
    tdnn_plan_value *value = input_of(ctx, index);
    if (value->info.contents) {
        *out = value->info.contents;
        return TDNN_OK;
    }
    if (value->place != TDNN_PLACE_LIVE) return TDNN_WAIT;
    const tdnn_tensor *live = p->segment->values[value->id];
    if (!live->data && tdnn_shape_count(&live->shape) > 0) return TDNN_WAIT; /* a shape only */
    value->asked = true;
    *out = live;
    return TDNN_OK;
}

tdnn_status tdnn_infer_ints(tdnn_infer *ctx, size_t index, tdnn_ints *out)
{
    tdnn_planner *p = ctx->planner;
    const tdnn_tensor *t;
    *out = (tdnn_ints){0};
    TDNN_TRY(tdnn_infer_contents(ctx, index, &t));
    if (t->kind != TDNN_KIND_TENSOR || (!tdnn_dtype_is_int(t->dtype) && t->dtype != TDNN_BOOL))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is %s, expected integers", index,
                         tdnn_dtype_name(t->dtype));
    size_t count = (size_t)tdnn_shape_count(&t->shape);
    int64_t *at = tdnn_zone_alloc(p->plan->zone, count + 1, sizeof *at);
    if (!at) return TDNN_NO_MEMORY(ctx->err);
    for (size_t i = 0; i < count; i++) at[i] = tdnn_tensor_get_i64(t, i);
    *out = (tdnn_ints){at, count, true};
    return TDNN_OK;
}

void tdnn_infer_set_contents(tdnn_infer *ctx, size_t index, tdnn_tensor *contents)
{
    if (index >= ctx->output_count) {
        tdnn_tensor_release(contents);
        return;
    }
    tdnn_tensor_release(ctx->out[index].contents);
    ctx->out[index].contents = contents;
}

/* ---- one node ---- */

/* The plan's value for a value of the graph: a constant, or computed before this stretch,
 * unless the stretch itself makes it. */
static tdnn_status use_value(tdnn_planner *p, tdnn_id id, int32_t *out)
{
    *out = -1;
    if (id == TDNN_ABSENT) return TDNN_OK;
    if (p->index[id] >= 0) {
        *out = p->index[id];
        return TDNN_OK;
    }
    tdnn_tensor *constant = p->segment->graph->values[id].constant;
    tdnn_tensor *tensor = constant ? constant : p->segment->values[id];
    if (!tensor)
        return TDNN_FAIL(p->err, TDNN_ERR_INTERNAL, "\"%s\" is not computed yet",
                         p->segment->graph->values[id].name);
    tdnn_info info = {.kind = tensor->kind, .dtype = tensor->dtype, .shape = tensor->shape,
                      .contents = constant};
    TDNN_TRY(tdnn_planner_add_value(p, &info, id, out));
    tdnn_plan_value *value = &p->plan->values[*out];
    value->place = constant ? TDNN_PLACE_CONSTANT : TDNN_PLACE_LIVE;
    value->forever = constant != NULL;
    p->index[id] = *out;
    return TDNN_OK;
}

bool tdnn_op_needs_exec(const tdnn_op *op, bool odd_input)
{
    return op->exec && (!op->plan || odd_input);
}

static bool is_list_or_string(const tdnn_info *info)
{
    return info->kind != TDNN_KIND_TENSOR || info->dtype == TDNN_STRING;
}

static tdnn_status check_output(tdnn_planner *p, const tdnn_info *info)
{
    size_t bytes;
    if (info->kind != TDNN_KIND_TENSOR || info->dtype <= TDNN_NONE ||
        info->dtype >= TDNN_DTYPE_COUNT)
        return TDNN_FAIL(p->err, TDNN_ERR_INTERNAL, "the type of an output was not inferred");
    for (int i = 0; i < info->shape.ndim; i++)
        if (info->shape.dim[i] < 0)
            return TDNN_FAIL(p->err, TDNN_ERR_SHAPE,
                             "dimension %d of the output would be %lld, expected 0 or more", i,
                             (long long)info->shape.dim[i]);
    if (!tdnn_tensor_size(info->dtype, &info->shape, &bytes))
        return TDNN_FAIL(p->err, TDNN_ERR_LIMIT, "the output is too large");
    return TDNN_OK;
}

/* Computes a node whose inputs are all known; its outputs then are. */
static tdnn_status work_out(tdnn_planner *p, const tdnn_plan_node *n, tdnn_info *out)
{
    size_t in_count = n->in_count, out_count = n->out_count;
    tdnn_tensor **in = tdnn_zone_alloc(p->plan->zone, in_count + 1, sizeof *in);
    tdnn_tensor **made = tdnn_zone_alloc(p->plan->zone, out_count + 1, sizeof *made);
    if (!in || !made) return TDNN_NO_MEMORY(p->err);
    for (size_t i = 0; i < in_count; i++)
        in[i] = n->in[i] < 0 ? NULL : p->plan->values[n->in[i]].info.contents;
    TDNN_TRY(tdnn_evaluate(p->env, n->node, in, made, p->err));
    for (size_t i = 0; i < out_count; i++) out[i].contents = made[i];
    return TDNN_OK;
}

static bool can_work_out(const tdnn_planner *p, const tdnn_plan_node *n, const tdnn_info *out)
{
    const tdnn_op *op = tdnn_op_of(n->node);
    if ((op->flags & TDNN_OP_RANDOM) || !op->plan) return false;
    for (size_t i = 0; i < n->in_count; i++)
        if (n->in[i] >= 0 && !p->plan->values[n->in[i]].info.contents) return false;
    size_t total = 0;
    for (size_t i = 0; i < n->out_count; i++) {
        size_t bytes = 0;
        if (!tdnn_tensor_size(out[i].dtype, &out[i].shape, &bytes)) return false;
        if (!tdnn_size_add(total, bytes, &total)) return false;
    }
    return total <= MOST_KNOWN_BYTES;
}

static tdnn_status infer_outputs(tdnn_planner *p, tdnn_plan_node *n, tdnn_info *out)
{
    const tdnn_op *op = tdnn_op_of(n->node);
    const tdnn_info **in = tdnn_zone_alloc(p->plan->zone, n->in_count + 1, sizeof *in);
    if (!in) return TDNN_NO_MEMORY(p->err);
    for (size_t i = 0; i < n->in_count; i++)
        in[i] = n->in[i] < 0 ? NULL : &p->plan->values[n->in[i]].info;
    tdnn_infer ctx = {
        .node = n->node, .params = n->node->params, .input_count = n->in_count,
        .output_count = n->out_count, .in = in, .out = out, .err = p->err, .planner = p,
    };
    p->current = n;
    TDNN_TRY(op->infer(&ctx));
    bool known = true;
    for (size_t i = 0; i < n->out_count; i++) {
        TDNN_TRY(check_output(p, &out[i]));
        known = known && out[i].contents;
    }
    if (!known && can_work_out(p, n, out)) {
        tdnn_status status = work_out(p, n, out);
        if (status && status != TDNN_WAIT) return status;
    }
    return TDNN_OK;
}

/* Keeps what was inferred: a value for each output, and the node itself unless all is known
 * already. */
static tdnn_status keep_outputs(tdnn_planner *p, tdnn_plan_node *n, const tdnn_info *out)
{
    bool known = true;
    for (size_t i = 0; i < n->out_count; i++) {
        tdnn_id id = n->node->outputs[i];
        TDNN_TRY(tdnn_planner_add_value(p, &out[i], id, &n->out[i]));
        if (out[i].contents)
            p->plan->values[n->out[i]].place = TDNN_PLACE_CONSTANT;
        else
            known = false;
        if (id != TDNN_ABSENT) p->index[id] = n->out[i];
    }
    n->dead = known;
    return TDNN_OK;
}

static tdnn_status infer_node(tdnn_planner *p, const tdnn_node *node)
{
    const tdnn_op *op = tdnn_op_of(node);
    tdnn_plan_node *n;
    if (node->capture_count || !op->plan) return TDNN_WAIT;
    TDNN_TRY(tdnn_planner_add_node(p, node, node->input_count, node->output_count, &n));
    bool lists = false, small = false;
    for (size_t i = 0; i < n->in_count; i++) {
        TDNN_TRY(use_value(p, node->inputs[i], &n->in[i]));
        if (n->in[i] < 0) continue;
        const tdnn_info *info = &p->plan->values[n->in[i]].info;
        lists = lists || is_list_or_string(info);
        small = small || tdnn_dtype_bits(info->dtype) < 8;
    }
    if (tdnn_op_needs_exec(op, lists || small)) return TDNN_WAIT;
    if (lists)
        return TDNN_FAIL(p->err, TDNN_ERR_UNSUPPORTED,
                         "%s does not take strings, sequences or optionals", op->schema.name);
    tdnn_info *out = tdnn_zone_alloc(p->plan->zone, n->out_count + 1, sizeof *out);
    if (!out) return TDNN_NO_MEMORY(p->err);
    tdnn_status status = infer_outputs(p, n, out);
    tdnn_status held = TDNN_OK;
    for (size_t i = 0; i < n->out_count; i++)
        if (out[i].contents && !held) held = hold(p, out[i].contents);
    if (status) return status;
    TDNN_TRY(held);
    for (size_t i = 0; i < n->out_count; i++)
        if (is_list_or_string(&out[i]) && op->exec) return TDNN_WAIT;
    return keep_outputs(p, n, out);
}

/* Marks what the rest of the graph uses, and drops nodes that nobody needs. */
static void drop_unneeded(tdnn_planner *p)
{
    tdnn_plan *plan = p->plan;
    for (size_t v = 0; v < plan->value_count; v++) {
        tdnn_plan_value *value = &plan->values[v];
        if (value->id == TDNN_ABSENT || value->place == TDNN_PLACE_LIVE || value->forever)
            continue;
        value->escapes = p->segment->last_use[value->id] >= (int32_t)plan->end;
    }
    bool *needed = tdnn_zone_alloc(plan->zone, plan->value_count + 1, sizeof *needed);
    if (!needed) return; /* then all stay: slower, not wrong */
    for (size_t v = 0; v < plan->value_count; v++) needed[v] = plan->values[v].escapes;
    for (size_t i = plan->node_count; i-- > 0;) {
        tdnn_plan_node *n = &plan->nodes[i];
        bool wanted = false;
        for (size_t o = 0; o < n->out_count; o++)
            wanted = wanted || (n->out[o] >= 0 && needed[n->out[o]]);
        if (!wanted) n->dead = true;
        if (n->dead) continue;
        for (size_t k = 0; k < n->in_count; k++)
            if (n->in[k] >= 0) needed[n->in[k]] = true;
    }
}

/* Whether all that the node takes is known. */
static bool is_within_reach(const tdnn_planner *p, const tdnn_node *node)
{
    for (size_t i = 0; i < node->input_count + node->capture_count; i++) {
        const tdnn_id id = node->inputs[i];
        if (id != TDNN_ABSENT && p->index[id] < 0 && !p->segment->values[id] &&
            !p->segment->graph->values[id].constant)
            return false;
    }
    return true;
}

/* What a node that waits, or fails, has added. */
static void undo(tdnn_planner *p, size_t nodes, size_t values)
{
    tdnn_plan *plan = p->plan;
    for (size_t v = values; v < plan->value_count; v++)
        if (plan->values[v].id != TDNN_ABSENT) p->index[plan->values[v].id] = -1;
    plan->node_count = nodes;
    plan->value_count = values;
}

tdnn_status tdnn_planner_infer(tdnn_planner *p)
{
    const tdnn_graph *graph = p->segment->graph;
    tdnn_plan *plan = p->plan;
    size_t n = plan->begin;
    for (; n < graph->node_count; n++) {
        const tdnn_node *node = graph->nodes[n];
        size_t nodes = plan->node_count, values = plan->value_count;
        if (p->failed && !is_within_reach(p, node)) continue;
        tdnn_status status = infer_node(p, node);
        if (!status) continue;
        undo(p, nodes, values);
        if (status == TDNN_WAIT && !p->failed) break;
        if (status == TDNN_WAIT) continue;
        if (!p->failed || status == TDNN_ERR_MEMORY)
            return tdnn_node_error(graph, node, status, p->err);
        p->failed(p->context, node, p->err);
        tdnn_error_clear(p->err);
    }
    plan->end = n;
    drop_unneeded(p);
    return TDNN_OK;
}
