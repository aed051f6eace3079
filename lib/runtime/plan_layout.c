/* Layouts: each operator says what it would take and give; where neighbours differ, a Reorder
 * goes between them. Blocked regions so grow from the convolutions through whatever can follow
 * them. */
#include "lib/runtime/plan.h"

#include <string.h>

static const tdnn_node reorder_node = {.op = &tdnn_op_Reorder.schema, .name = "reorder"};

typedef struct relayout {
    tdnn_planner *planner;
    tdnn_plan_node *before; /* the nodes as they were, */
    size_t before_count;    /* without reorders        */
    bool *wanted;           /* per value: an operator with layouts uses it */
} relayout;

/* The plan value that is `value` in `layout`; adds a Reorder if there is none yet. */
static tdnn_status in_layout(tdnn_planner *p, int32_t value, tdnn_layout layout, int32_t *out)
{
    tdnn_plan *plan = p->plan;
    *out = value;
    if (plan->values[value].info.layout == layout) return TDNN_OK;
    int32_t other = plan->values[value].other;
    if (other >= 0 && plan->values[other].info.layout == layout) {
        *out = other;
        return TDNN_OK;
    }
    tdnn_info info = plan->values[value].info;
    info.layout = layout;
    info.contents = NULL;
    tdnn_plan_node *n;
    TDNN_TRY(tdnn_planner_add_value(p, &info, TDNN_ABSENT, out));
    TDNN_TRY(tdnn_planner_add_node(p, &reorder_node, 1, 1, &n));
    n->in[0] = value;
    n->out[0] = *out;
    plan->values[value].other = *out;
    return TDNN_OK;
}

static tdnn_status ask_operator(const relayout *r, const tdnn_plan_node *n, tdnn_layout *want,
                                tdnn_layout *give)
{
    const tdnn_planner *p = r->planner;
    tdnn_plan *plan = p->plan;
    const tdnn_op *op = tdnn_op_of(n->node);
    const tdnn_info **in = tdnn_zone_alloc(plan->zone, n->in_count + 1, sizeof *in);
    tdnn_info *out = tdnn_zone_alloc(plan->zone, n->out_count + 1, sizeof *out);
    if (!in || !out) return TDNN_NO_MEMORY(p->err);
    for (size_t i = 0; i < n->in_count; i++)
        in[i] = n->in[i] < 0 ? NULL : &plan->values[n->in[i]].info;
    for (size_t i = 0; i < n->out_count; i++)
        if (n->out[i] >= 0) out[i] = plan->values[n->out[i]].info;
    tdnn_layout_query query = {
        .node = n->node, .params = n->node->params, .input_count = n->in_count,
        .output_count = n->out_count, .in = in, .out = out,
        .blocked_users = n->out_count > 0 && n->out[0] >= 0 && r->wanted[n->out[0]],
        .block = (tdnn_layout)p->env->kernels->block, .want = want, .give = give,
    };
    op->layout(&query);
    return TDNN_OK;
}

static tdnn_status place_node(const relayout *r, const tdnn_plan_node *old)
{
    tdnn_planner *p = r->planner;
    tdnn_plan *plan = p->plan;
    tdnn_layout *want = tdnn_zone_alloc(plan->zone, old->in_count + 1, sizeof *want);
    tdnn_layout *give = tdnn_zone_alloc(plan->zone, old->out_count + 1, sizeof *give);
    if (!want || !give) return TDNN_NO_MEMORY(p->err);
    if (tdnn_op_of(old->node)->layout) TDNN_TRY(ask_operator(r, old, want, give));
    for (size_t i = 0; i < old->in_count; i++)
        if (old->in[i] >= 0) TDNN_TRY(in_layout(p, old->in[i], want[i], &old->in[i]));
    tdnn_plan_node *n;
    TDNN_TRY(tdnn_planner_add_node(p, old->node, 0, 0, &n));
    *n = *old;
    for (size_t i = 0; i < n->out_count; i++)
        if (n->out[i] >= 0) plan->values[n->out[i]].info.layout = give[i];
    return TDNN_OK;
}

tdnn_status tdnn_planner_layout(tdnn_planner *p)
{
    tdnn_plan *plan = p->plan;
    if (p->env->kernels->block == 0) return TDNN_OK;
    relayout r = {p, plan->nodes, plan->node_count, NULL};
    r.wanted = tdnn_zone_alloc(plan->zone, plan->value_count + 1, sizeof *r.wanted);
    if (!r.wanted) return TDNN_NO_MEMORY(p->err);
    for (size_t i = 0; i < r.before_count; i++) {
        const tdnn_plan_node *n = &r.before[i];
        if (n->dead || !tdnn_op_of(n->node)->layout) continue;
        for (size_t k = 0; k < n->in_count; k++)
            if (n->in[k] >= 0) r.wanted[n->in[k]] = true;
    }
    plan->nodes = NULL;
    plan->node_count = plan->node_capacity = 0;
    for (size_t i = 0; i < r.before_count; i++)
        if (!r.before[i].dead) TDNN_TRY(place_node(&r, &r.before[i]));
    /* What leaves the stretch leaves it plain. */
    for (size_t v = 0, count = plan->value_count; v < count; v++) {
        if (!plan->values[v].escapes || plan->values[v].info.layout == TDNN_LAYOUT_PLAIN)
            continue;
        int32_t plain;
        TDNN_TRY(in_layout(p, (int32_t)v, TDNN_LAYOUT_PLAIN, &plain));
        plan->values[v].escapes = false;
        plan->values[plain].escapes = true;
        plan->values[plain].id = plan->values[v].id;
    }
    return TDNN_OK;
}
