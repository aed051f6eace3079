/* Where each value lies: roots and their lifetimes, reuse in place, the arena. */
#include "lib/runtime/arena.h"
#include "lib/runtime/plan.h"

int32_t tdnn_plan_root(const tdnn_plan *plan, int32_t value, size_t *offset)
{
    *offset = 0;
    while (plan->values[value].root != value) {
        *offset += plan->values[value].offset;
        value = plan->values[value].root;
    }
    return value;
}

static void extend(tdnn_plan *plan, int32_t value, int32_t time)
{
    size_t offset;
    tdnn_plan_value *root = &plan->values[tdnn_plan_root(plan, value, &offset)];
    if (time < root->first) root->first = time;
    if (time > root->last) root->last = time;
}

static void measure_lifetimes(tdnn_plan *plan)
{
    for (size_t v = 0; v < plan->value_count; v++) {
        plan->values[v].first = INT32_MAX;
        plan->values[v].last = -1;
    }
    for (size_t i = 0; i < plan->node_count; i++) {
        const tdnn_plan_node *n = &plan->nodes[i];
        if (n->dead) continue;
        for (size_t k = 0; k < n->in_count; k++)
            if (n->in[k] >= 0) extend(plan, n->in[k], (int32_t)i);
        for (size_t k = 0; k < n->out_count; k++)
            if (n->out[k] >= 0) extend(plan, n->out[k], (int32_t)i);
    }
    for (size_t v = 0; v < plan->value_count; v++)
        if (plan->values[v].escapes) extend(plan, (int32_t)v, INT32_MAX);
}

/* How many inputs of the node lie in the memory of `root`. */
static size_t inputs_in(const tdnn_plan *plan, const tdnn_plan_node *n, int32_t root)
{
    size_t count = 0, offset;
    for (size_t k = 0; k < n->in_count; k++)
        count += n->in[k] >= 0 && tdnn_plan_root(plan, n->in[k], &offset) == root;
    return count;
}

/* An output takes over an input's memory where nobody needs that input any more, nor the node
 * itself as another of its inputs: a convolution's residual may be what it convolves. */
static void reuse_in_place(tdnn_plan *plan)
{
    for (size_t i = 0; i < plan->node_count; i++) {
        const tdnn_plan_node *n = &plan->nodes[i];
        for (size_t k = 0; !n->dead && k < n->inplace_count; k++) {
            size_t offset;
            tdnn_plan_value *out = &plan->values[n->inplace[k].out];
            int32_t index = tdnn_plan_root(plan, n->inplace[k].in, &offset);
            tdnn_plan_value *root = &plan->values[index];
            if (out->root != n->inplace[k].out || out->place != TDNN_PLACE_ARENA) continue;
            if (root->place != TDNN_PLACE_ARENA || root == out || root->last != (int32_t)i)
                continue;
            if (offset != 0 || root->view.bytes != out->view.bytes) continue;
            if (inputs_in(plan, n, index) != 1) continue;
            out->root = index;
            out->offset = 0;
            root->last = out->last;
            break;
        }
    }
}

static tdnn_status place_all(tdnn_planner *p)
{
    tdnn_plan *plan = p->plan;
    size_t most = plan->value_count + plan->node_count, count = 0;
    tdnn_lifetime *blocks = tdnn_zone_alloc(plan->zone, most + 1, sizeof *blocks);
    if (!blocks) return TDNN_NO_MEMORY(p->err);
    for (size_t v = 0; v < plan->value_count; v++) {
        const tdnn_plan_value *value = &plan->values[v];
        if (value->root == (int32_t)v && value->place == TDNN_PLACE_ARENA && value->last >= 0)
            blocks[count++] = (tdnn_lifetime){value->first, value->last, value->view.bytes, 0};
    }
    size_t value_blocks = count;
    for (size_t i = 0; i < plan->node_count; i++) {
        const tdnn_step *step = plan->nodes[i].step;
        if (!step) continue;
        size_t bytes;
        if (!tdnn_size_mul(step->scratch_stride, (size_t)p->env->threads, &bytes) ||
            !tdnn_size_add(bytes, step->shared_bytes, &bytes))
            return TDNN_FAIL(p->err, TDNN_ERR_LIMIT, "scratch is too large");
        blocks[count++] = (tdnn_lifetime){(int32_t)i, (int32_t)i, bytes, 0};
    }
    TDNN_TRY(tdnn_arena_plan(blocks, count, plan->zone, &plan->arena_bytes, p->err));
    plan->arena_bound = tdnn_arena_bound(blocks, count < 4096 ? count : 0);
    size_t b = 0;
    for (size_t v = 0; v < plan->value_count; v++) {
        tdnn_plan_value *value = &plan->values[v];
        if (value->root == (int32_t)v && value->place == TDNN_PLACE_ARENA && value->last >= 0)
            value->at = blocks[b++].offset;
    }
    b = value_blocks;
    for (size_t i = 0; i < plan->node_count; i++) {
        tdnn_step *step = plan->nodes[i].step;
        if (step) step->scratch_at = blocks[b++].offset;
    }
    return TDNN_OK;
}

/* Lists of the values that are touched at each run. */
static tdnn_status list_values(tdnn_planner *p)
{
    tdnn_plan *plan = p->plan;
    plan->live = tdnn_zone_alloc(plan->zone, plan->value_count + 1, sizeof *plan->live);
    plan->moving = tdnn_zone_alloc(plan->zone, plan->value_count + 1, sizeof *plan->moving);
    plan->escaping = tdnn_zone_alloc(plan->zone, plan->value_count + 1, sizeof *plan->escaping);
    if (!plan->live || !plan->moving || !plan->escaping) return TDNN_NO_MEMORY(p->err);
    for (size_t v = 0; v < plan->value_count; v++) {
        size_t offset;
        const tdnn_plan_value *value = &plan->values[v];
        if (value->place == TDNN_PLACE_LIVE) plan->live[plan->live_count++] = (int32_t)v;
        else if (plan->values[tdnn_plan_root(plan, (int32_t)v, &offset)].place == TDNN_PLACE_LIVE)
            plan->moving[plan->moving_count++] = (int32_t)v;
        if (value->escapes) plan->escaping[plan->escaping_count++] = (int32_t)v;
    }
    return TDNN_OK;
}

tdnn_status tdnn_planner_memory(tdnn_planner *p)
{
    measure_lifetimes(p->plan);
    reuse_in_place(p->plan);
    TDNN_TRY(place_all(p));
    return list_values(p);
}
