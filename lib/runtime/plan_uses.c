/* Who makes and who uses each value of a plan. */
#include "lib/runtime/plan.h"

tdnn_status tdnn_planner_uses(tdnn_planner *p, tdnn_plan_uses *out)
{
    tdnn_plan *plan = p->plan;
    out->uses = tdnn_zone_alloc(plan->zone, plan->value_count + 1, sizeof *out->uses);
    out->producer = tdnn_zone_alloc(plan->zone, plan->value_count + 1, sizeof *out->producer);
    out->consumer = tdnn_zone_alloc(plan->zone, plan->value_count + 1, sizeof *out->consumer);
    if (!out->uses || !out->producer || !out->consumer) return TDNN_NO_MEMORY(p->err);
    for (size_t v = 0; v < plan->value_count; v++) {
        out->producer[v] = out->consumer[v] = -1;
        out->uses[v] = plan->values[v].escapes;
    }
    for (size_t i = 0; i < plan->node_count; i++) {
        const tdnn_plan_node *n = &plan->nodes[i];
        if (n->dead) continue;
        for (size_t k = 0; k < n->in_count; k++) {
            if (n->in[k] < 0) continue;
            out->uses[n->in[k]]++;
            out->consumer[n->in[k]] = (int32_t)i;
        }
        for (size_t k = 0; k < n->out_count; k++)
            if (n->out[k] >= 0) out->producer[n->out[k]] = (int32_t)i;
    }
    return TDNN_OK;
}
