/* A depthwise convolution with the convolution before it and the 1x1 convolution behind it
 * becomes a ConvChain, where what is between them is too large for the cache. */
#include "lib/runtime/plan.h"

enum { X, WEIGHTS, BIAS, RESIDUAL };

/* Bytes between two convolutions from which on a chain pays on one thread: MobileNet-v2
 * takes 4.84 ms in separate steps, 4.64 with all in chains, 4.58 with those from 0.5 or 1 MB
 * on; SCRFD 13.0, 12.4 and 12.2. On several threads one step in place of three pays for smaller
 * ones too (MobileNet-v2 2.43 to 2.35, ShuffleNet 1.73 to 1.54, MobileFaceNet 1.86 to 1.73),
 * but only chains of three: EfficientNet-B0 would lose 2 %. */
enum { BETWEEN_BYTES = 768 * 1024 };

typedef struct fuser {
    tdnn_planner *p;
    tdnn_plan_uses of;
} fuser;

static const tdnn_info *info(const fuser *f, int32_t value)
{
    return &f->p->plan->values[value].info;
}

/* A live convolution of images in f32 whose weights never change. */
static bool is_conv(const fuser *f, const tdnn_plan_node *n)
{
    if (n->dead || n->node->op->kind != TDNN_OP_Conv) return false;
    const bool bias = n->in_count > BIAS && n->in[BIAS] >= 0;
    const tdnn_plan_value *values = f->p->plan->values;
    return info(f, n->in[X])->dtype == TDNN_F32 && info(f, n->in[X])->shape.ndim == 4 &&
           tdnn_shape_count(&info(f, n->out[0])->shape) > 0 && values[n->in[WEIGHTS]].forever &&
           (!bias || values[n->in[BIAS]].forever);
}

static bool has_residual(const tdnn_plan_node *n)
{
    return n->in_count > RESIDUAL && n->in[RESIDUAL] >= 0;
}

static bool is_depthwise(const fuser *f, const tdnn_plan_node *n)
{
    const tdnn_conv_params *params = n->node->params;
    const tdnn_shape *w = &info(f, n->in[WEIGHTS])->shape;
    return params->group > 1 && w->dim[1] == 1 && w->dim[0] == params->group && !has_residual(n);
}

/* 1x1, one output pixel for each input pixel. */
static bool is_pointwise(const fuser *f, const tdnn_plan_node *n)
{
    const tdnn_conv_params *params = n->node->params;
    const tdnn_shape *w = &info(f, n->in[WEIGHTS])->shape, *x = &info(f, n->in[X])->shape,
                     *y = &info(f, n->out[0])->shape;
    return params->group == 1 && w->dim[2] == 1 && w->dim[3] == 1 && x->dim[2] == y->dim[2] &&
           x->dim[3] == y->dim[3];
}

/* One that reads a few plain channels. */
static bool is_first(const fuser *f, const tdnn_plan_node *n)
{
    const tdnn_conv_params *params = n->node->params;
    return params->group == 1 && info(f, n->in[X])->shape.dim[1] <= 4;
}

static bool is_large(const fuser *f, int32_t value)
{
    return tdnn_shape_count(&info(f, value)->shape) * (int64_t)sizeof(float) >= BETWEEN_BYTES;
}

/* The node that makes the value for one use only, or the only one that uses it; NULL: none
 * such. */
static tdnn_plan_node *neighbour(const fuser *f, const int32_t *which, int32_t value)
{
    return f->of.uses[value] == 1 && which[value] >= 0 ? &f->p->plan->nodes[which[value]] : NULL;
}

static tdnn_status make_chain(fuser *f, tdnn_plan_node *const *stages)
{
    tdnn_zone *zone = f->p->plan->zone;
    tdnn_plan_node *last = stages[2] ? stages[2] : stages[1];
    const tdnn_plan_node *first = stages[0] ? stages[0] : stages[1];
    tdnn_node *node = tdnn_zone_alloc(zone, 1, sizeof *node);
    tdnn_conv_chain_params *params = tdnn_zone_alloc(zone, 1, sizeof *params);
    int32_t *in = tdnn_zone_alloc(zone, 8, sizeof *in);
    if (!node || !params || !in) return TDNN_NO_MEMORY(f->p->err);
    *node = *stages[1]->node;
    node->op = &tdnn_op_ConvChain.schema;
    node->params = params;
    in[0] = first->in[X];
    for (size_t i = 0; i < 3; i++) {
        const tdnn_plan_node *s = stages[i];
        if (s) params->stage[i] = s->node->params;
        in[1 + 2 * i] = s ? s->in[WEIGHTS] : -1;
        in[2 + 2 * i] = s && s->in_count > BIAS ? s->in[BIAS] : -1;
    }
    in[7] = has_residual(last) ? last->in[RESIDUAL] : -1;
    node->input_count = last->in_count = 7 + (in[7] >= 0);
    last->node = node;
    last->in = in;
    for (size_t i = 0; i < 3; i++)
        if (stages[i] && stages[i] != last) stages[i]->dead = true;
    return TDNN_OK;
}

static tdnn_status fuse_depthwise(fuser *f, tdnn_plan_node *n)
{
    tdnn_plan_node *before = neighbour(f, f->of.producer, n->in[X]);
    tdnn_plan_node *behind = neighbour(f, f->of.consumer, n->out[0]);
    if (before && (!is_conv(f, before) || has_residual(before) ||
                   (!is_pointwise(f, before) && !is_first(f, before))))
        before = NULL;
    if (behind &&
        (!is_conv(f, behind) || behind->in[X] != n->out[0] || !is_pointwise(f, behind)))
        behind = NULL;
    const bool small_too = before && behind && f->p->env->threads > 1;
    if (!small_too && !is_large(f, n->in[X])) before = NULL;
    if (!small_too && !is_large(f, n->out[0])) behind = NULL;
    if (!before && !behind) return TDNN_OK;
    tdnn_plan_node *const stages[] = {before, n, behind};
    return make_chain(f, stages);
}

tdnn_status tdnn_planner_chain(tdnn_planner *p)
{
    fuser f = {.p = p};
    tdnn_plan *plan = p->plan;
    const bool bf16 = p->env->precision == TDNN_PRECISION_FAST && p->env->kernels->bf16;
    if (p->env->kernels->block == 0 || !p->env->packs || bf16) return TDNN_OK;
    TDNN_TRY(tdnn_planner_uses(p, &f.of));
    for (size_t i = 0; i < plan->node_count; i++)
        if (is_conv(&f, &plan->nodes[i]) && is_depthwise(&f, &plan->nodes[i]))
            TDNN_TRY(fuse_depthwise(&f, &plan->nodes[i]));
    return TDNN_OK;
}
