/* Fusions that need shapes: a residual addition, and the activation behind it, go into the
 * convolution that made one of its operands; a Relu goes into the BatchNormalization before it.
 * (Passes do the fusions that need no shapes.) */
#include "lib/runtime/plan.h"

#include <string.h>

typedef struct fuser {
    tdnn_planner *p;
    tdnn_plan_uses of;
} fuser;

/* The live convolution without residual that makes `value` for one use only; NULL if it is none
 * such. */
static tdnn_plan_node *lone_conv(const fuser *f, int32_t value)
{
    if (value < 0 || f->of.producer[value] < 0 || f->of.uses[value] != 1) return NULL;
    tdnn_plan_node *n = &f->p->plan->nodes[f->of.producer[value]];
    if (n->dead || n->node->op->kind != TDNN_OP_Conv || n->in_count > 3) return NULL;
    return n;
}

/* The convolution as it was, with `residual` as fourth input and its own copy of the
 * parameters. */
static tdnn_status add_residual(fuser *f, tdnn_plan_node *add, tdnn_plan_node *conv,
                                int32_t residual)
{
    tdnn_zone *zone = f->p->plan->zone;
    const tdnn_conv_params *old = conv->node->params;
    tdnn_node *node = tdnn_zone_alloc(zone, 1, sizeof *node);
    tdnn_conv_params *params = tdnn_zone_alloc(zone, 1, sizeof *params);
    int32_t *in = tdnn_zone_alloc(zone, 5, sizeof *in);
    if (!node || !params || !in) return TDNN_NO_MEMORY(f->p->err);
    *node = *conv->node;
    *params = *old;
    params->residual_after = old->activation.kind != TDNN_ACT_NONE;
    node->params = params;
    for (size_t i = 0; i < 3; i++) in[i] = i < conv->in_count ? conv->in[i] : -1;
    in[3] = residual;
    node->input_count = 4;
    /* It takes the place of the addition, where both operands are made. */
    conv->dead = true;
    add->node = node;
    add->in = in;
    add->in_count = 4;
    return TDNN_OK;
}

static tdnn_status fuse_add(fuser *f, tdnn_plan_node *add)
{
    tdnn_plan_value *values = f->p->plan->values;
    if (add->in_count != 2 || add->in[0] < 0 || add->in[1] < 0 || add->in[0] == add->in[1])
        return TDNN_OK;
    const tdnn_info *a = &values[add->in[0]].info, *b = &values[add->in[1]].info;
    if (a->dtype != TDNN_F32 || a->shape.ndim != 4 || !tdnn_shape_equal(&a->shape, &b->shape))
        return TDNN_OK;
    tdnn_plan_node *first = lone_conv(f, add->in[0]), *second = lone_conv(f, add->in[1]);
    /* Of two, the later one: the other's result is there by then. */
    bool use_second = second && (!first || second > first);
    tdnn_plan_node *conv = use_second ? second : first;
    if (!conv) return TDNN_OK;
    return add_residual(f, add, conv, add->in[use_second ? 0 : 1]);
}

/* A Relu whose input is made by such a fused convolution alone. */
static void fuse_relu(tdnn_plan_node *conv, tdnn_plan_node *relu)
{
    tdnn_conv_params *params = conv->node->params;
    if (conv->in_count != 4 || params->activation.kind != TDNN_ACT_NONE ||
        params->residual_after)
        return;
    params->activation.kind = TDNN_ACT_RELU;
    conv->out[0] = relu->out[0];
    relu->dead = true;
}

/* The normalisation, with its own copy of the parameters, takes the place of the Relu. */
static tdnn_status fuse_norm(fuser *f, tdnn_plan_node *norm, tdnn_plan_node *relu)
{
    tdnn_zone *zone = f->p->plan->zone;
    const tdnn_batch_norm_params *old = norm->node->params;
    tdnn_node *node = tdnn_zone_alloc(zone, 1, sizeof *node);
    tdnn_batch_norm_params *params = tdnn_zone_alloc(zone, 1, sizeof *params);
    if (!node || !params) return TDNN_NO_MEMORY(f->p->err);
    if (old->training_mode) return TDNN_OK;
    *node = *norm->node;
    *params = *old;
    params->activation.kind = TDNN_ACT_RELU;
    node->params = params;
    norm->node = node;
    norm->out[0] = relu->out[0];
    relu->dead = true;
    return TDNN_OK;
}

static tdnn_status fuse_into_maker(fuser *f, tdnn_plan_node *relu)
{
    int32_t value = relu->in[0];
    if (value < 0 || f->of.producer[value] < 0 || f->of.uses[value] != 1) return TDNN_OK;
    tdnn_plan_node *maker = &f->p->plan->nodes[f->of.producer[value]];
    if (maker->dead) return TDNN_OK;
    if (maker->node->op->kind == TDNN_OP_Conv) fuse_relu(maker, relu);
    if (maker->node->op->kind == TDNN_OP_BatchNormalization) return fuse_norm(f, maker, relu);
    return TDNN_OK;
}

tdnn_status tdnn_planner_fuse(tdnn_planner *p)
{
    fuser f = {.p = p};
    tdnn_plan *plan = p->plan;
    TDNN_TRY(tdnn_planner_uses(p, &f.of));
    for (size_t i = 0; i < plan->node_count; i++) {
        tdnn_plan_node *n = &plan->nodes[i];
        if (n->dead || plan->values[n->out[0]].info.dtype != TDNN_F32) continue;
        if (n->node->op->kind == TDNN_OP_Add) TDNN_TRY(fuse_add(&f, n));
        if (n->node->op->kind == TDNN_OP_Relu) TDNN_TRY(fuse_into_maker(&f, n));
    }
    return TDNN_OK;
}
