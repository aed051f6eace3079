/* Reshape -> Transpose -> Reshape that deals out the channels of an image in turn becomes one
 * ChannelShuffle, which can stay in the blocked layout; a Concat before it and a Split behind
 * it become parts of it. It takes known shapes to see that.
 */
#include "lib/runtime/plan.h"

#include <string.h>

typedef struct seeker {
    tdnn_planner *p;
    tdnn_plan_uses of;
} seeker;

/* The node of this kind that makes input 0 of `n`, for nobody else; NULL if it is none such. */
static tdnn_plan_node *lone_producer(const seeker *s, const tdnn_plan_node *n,
                                     tdnn_op_kind kind)
{
    const int32_t value = n->in[0];
    if (value < 0 || s->of.producer[value] < 0 || s->of.uses[value] != 1) return NULL;
    tdnn_plan_node *made = &s->p->plan->nodes[s->of.producer[value]];
    return made->node->op->kind == kind ? made : NULL;
}

static const tdnn_shape *shape_of(const seeker *s, int32_t value)
{
    return &s->p->plan->values[value].info.shape;
}

static bool swaps_groups(const tdnn_node *node)
{
    static const int64_t perm[] = {0, 2, 1, 3, 4};
    const tdnn_transpose_params *p = node->params;
    bool same = p->perm.given && p->perm.count == 5;
    for (size_t i = 0; same && i < 5; i++) same = p->perm.at[i] == perm[i];
    return same;
}

/* N, C, H, W -> N, g, C/g, H, W -> N, C/g, g, H, W -> N, C, H, W */
static int64_t groups_of(const tdnn_shape *whole, const tdnn_shape *cut, const tdnn_shape *end)
{
    const bool fits = whole->ndim == 4 && cut->ndim == 5 && tdnn_shape_equal(whole, end) &&
                      cut->dim[0] == whole->dim[0] &&
                      cut->dim[1] * cut->dim[2] == whole->dim[1] &&
                      cut->dim[3] == whole->dim[2] && cut->dim[4] == whole->dim[3];
    return fits ? cut->dim[1] : 0;
}

static int64_t axis_of(const tdnn_node *node)
{
    for (const tdnn_attr *a = node->op->attrs; a && a->type != TDNN_ATTR_END; a++)
        if (strcmp(a->name, "axis") == 0)
            return *(const int64_t *)(const void *)((const char *)node->params + a->offset);
    return INT64_MIN;
}

/* Whether the node cuts or joins 4 dimensions along the channels, and nothing is absent. */
static bool along_channels(const tdnn_plan_node *n, const tdnn_shape *whole)
{
    const int64_t axis = axis_of(n->node);
    bool complete = whole->ndim == 4 && (axis == 1 || axis == -3);
    for (size_t i = 0; i < n->out_count; i++) complete = complete && n->out[i] >= 0;
    return complete;
}

static tdnn_plan_node *lone_split(const seeker *s, const tdnn_plan_node *last)
{
    const int32_t value = last->out[0];
    if (s->of.uses[value] != 1 || s->of.consumer[value] < 0) return NULL;
    tdnn_plan_node *n = &s->p->plan->nodes[s->of.consumer[value]];
    const bool fits =
        n->node->op->kind == TDNN_OP_Split && along_channels(n, shape_of(s, value));
    return fits ? n : NULL;
}

static tdnn_status visit(seeker *s, tdnn_plan_node *last)
{
    tdnn_zone *zone = s->p->plan->zone;
    if (last->dead || last->node->op->kind != TDNN_OP_Reshape) return TDNN_OK;
    tdnn_plan_node *turn = lone_producer(s, last, TDNN_OP_Transpose);
    tdnn_plan_node *cut =
        turn && swaps_groups(turn->node) ? lone_producer(s, turn, TDNN_OP_Reshape) : NULL;
    if (!cut || cut->in[0] < 0) return TDNN_OK;
    const tdnn_shape *whole = shape_of(s, cut->in[0]);
    const int64_t group = groups_of(whole, shape_of(s, cut->out[0]), shape_of(s, last->out[0]));
    if (group < 1) return TDNN_OK;
    tdnn_node *node = tdnn_zone_alloc(zone, 1, sizeof *node);
    tdnn_shuffle_params *params = tdnn_zone_alloc(zone, 1, sizeof *params);
    if (!node || !params) return TDNN_NO_MEMORY(s->p->err);
    params->group = group;
    *node = *last->node;
    node->op = &tdnn_op_ChannelShuffle.schema;
    node->params = params;
    tdnn_plan_node *join = lone_producer(s, cut, TDNN_OP_Concat), *split = lone_split(s, last);
    if (join && !along_channels(join, whole)) join = NULL;
    tdnn_plan_node *made = split ? split : last; /* in whose place the shuffle comes */
    turn->dead = cut->dead = last->dead = true;
    made->dead = false;
    made->node = node;
    made->in = join ? join->in : cut->in;
    made->in_count = join ? join->in_count : 1;
    if (join) join->dead = true;
    return TDNN_OK;
}

tdnn_status tdnn_planner_shuffle(tdnn_planner *p)
{
    seeker s = {.p = p};
    if (p->env->kernels->block == 0) return TDNN_OK;
    TDNN_TRY(tdnn_planner_uses(p, &s.of));
    for (size_t i = 0; i < p->plan->node_count; i++) TDNN_TRY(visit(&s, &p->plan->nodes[i]));
    return TDNN_OK;
}
