/* What is done to each element of a matrix product becomes a part of it, in a MatMulAdd: the
 * addition of a row, an activation, and the addition of another tensor of its shape, each at
 * most once and in this order. It takes known shapes to tell a row from the rest. */
#include "lib/runtime/plan.h"

enum { PRODUCT_A, PRODUCT_B, PRODUCT_ROW, PRODUCT_RESIDUAL, PRODUCT_INPUTS };

typedef struct fuser {
    tdnn_planner *p;
    tdnn_plan_uses of;
} fuser;

static const tdnn_info *info(const fuser *f, int32_t value)
{
    return &f->p->plan->values[value].info;
}

/* The product that makes `value` for one use only; NULL if it is none such. */
static tdnn_plan_node *lone_product(const fuser *f, int32_t value)
{
    if (value < 0 || f->of.producer[value] < 0 || f->of.uses[value] != 1) return NULL;
    tdnn_plan_node *n = &f->p->plan->nodes[f->of.producer[value]];
    const tdnn_op_kind kind = n->node->op->kind;
    return !n->dead && (kind == TDNN_OP_MatMul || kind == TDNN_OP_MatMulAdd) ? n : NULL;
}

/* `last` becomes the product with what it was itself as a part, in its place, where all
 * operands are made; *params and *in are its own. */
static tdnn_status take_over(fuser *f, tdnn_plan_node *product, tdnn_plan_node *last,
                             tdnn_matmul_add_params **params, int32_t **in)
{
    tdnn_zone *zone = f->p->plan->zone;
    tdnn_node *node = tdnn_zone_alloc(zone, 1, sizeof *node);
    *params = tdnn_zone_alloc(zone, 1, sizeof **params);
    *in = tdnn_zone_alloc(zone, PRODUCT_INPUTS, sizeof **in);
    if (!node || !*params || !*in) return TDNN_NO_MEMORY(f->p->err);
    if (product->node->op->kind == TDNN_OP_MatMulAdd)
        **params = *(const tdnn_matmul_add_params *)product->node->params;
    *node = *product->node;
    node->op = &tdnn_op_MatMulAdd.schema;
    node->params = *params;
    node->input_count = PRODUCT_INPUTS;
    for (size_t i = 0; i < PRODUCT_INPUTS; i++)
        (*in)[i] = i < product->in_count ? product->in[i] : -1;
    product->dead = true;
    last->node = node;
    last->in = *in;
    last->in_count = PRODUCT_INPUTS;
    return TDNN_OK;
}

static bool has(const tdnn_plan_node *n, size_t i) { return i < n->in_count && n->in[i] >= 0; }

static bool has_activation(const tdnn_plan_node *n)
{
    return n->node->op->kind == TDNN_OP_MatMulAdd &&
           ((const tdnn_matmul_add_params *)n->node->params)->activation.kind != TDNN_ACT_NONE;
}

/* One row for all rows of a result. */
static bool is_row(const tdnn_info *row, const tdnn_shape *of)
{
    const int last = row->shape.ndim - 1;
    return last >= 0 && of->ndim > 0 && row->shape.ndim <= of->ndim &&
           row->shape.dim[last] == of->dim[of->ndim - 1] &&
           tdnn_shape_count(&row->shape) == row->shape.dim[last];
}

static tdnn_status fuse_add(fuser *f, tdnn_plan_node *add, size_t side)
{
    const int32_t other = add->in[1 - side];
    tdnn_plan_node *product = lone_product(f, add->in[side]);
    if (!product || other < 0 || other == add->in[side] || has(product, PRODUCT_RESIDUAL))
        return TDNN_OK;
    const tdnn_shape *shape = &info(f, add->in[side])->shape;
    tdnn_matmul_add_params *params;
    int32_t *in;
    if (info(f, other)->dtype != TDNN_F32) return TDNN_OK;
    const bool row = is_row(info(f, other), shape) && shape->ndim > 1;
    if (row && !has(product, PRODUCT_ROW) && !has_activation(product)) {
        TDNN_TRY(take_over(f, product, add, &params, &in));
        in[PRODUCT_ROW] = other;
    } else if (tdnn_shape_equal(&info(f, other)->shape, shape)) {
        TDNN_TRY(take_over(f, product, add, &params, &in));
        in[PRODUCT_RESIDUAL] = other;
    }
    return TDNN_OK;
}

static bool activation_of(const tdnn_node *node, tdnn_activation *out)
{
    const tdnn_alpha_params *alpha = node->params;
    switch (node->op->kind) {
    case TDNN_OP_Relu: *out = (tdnn_activation){TDNN_ACT_RELU, 0, 0}; return true;
    case TDNN_OP_LeakyRelu:
        *out = (tdnn_activation){TDNN_ACT_LEAKY, alpha->alpha, 0};
        return true;
    case TDNN_OP_Sigmoid: *out = (tdnn_activation){TDNN_ACT_SIGMOID, 0, 0}; return true;
    case TDNN_OP_Tanh: *out = (tdnn_activation){TDNN_ACT_TANH, 0, 0}; return true;
    case TDNN_OP_HardSwish: *out = (tdnn_activation){TDNN_ACT_HARDSWISH, 0, 0}; return true;
    case TDNN_OP_Mish: *out = (tdnn_activation){TDNN_ACT_MISH, 0, 0}; return true;
    case TDNN_OP_Swish: *out = (tdnn_activation){TDNN_ACT_SILU, 0, 0}; return alpha->alpha == 1;
    case TDNN_OP_Gelu: {
        const tdnn_gelu_params *gelu = node->params;
        *out = (tdnn_activation){gelu->approximate ? TDNN_ACT_GELU_TANH : TDNN_ACT_GELU, 0, 0};
        return true;
    }
    default: return false;
    }
}

static tdnn_status fuse_activation(fuser *f, tdnn_plan_node *n, const tdnn_activation *found)
{
    tdnn_plan_node *product = lone_product(f, n->in[0]);
    tdnn_matmul_add_params *params;
    int32_t *in;
    if (!product || has_activation(product) || has(product, PRODUCT_RESIDUAL)) return TDNN_OK;
    TDNN_TRY(take_over(f, product, n, &params, &in));
    params->activation = *found;
    return TDNN_OK;
}

tdnn_status tdnn_planner_product(tdnn_planner *p)
{
    fuser f = {.p = p};
    tdnn_plan *plan = p->plan;
    TDNN_TRY(tdnn_planner_uses(p, &f.of));
    for (size_t i = 0; i < plan->node_count; i++) {
        tdnn_plan_node *n = &plan->nodes[i];
        tdnn_activation found;
        if (n->dead || n->out_count != 1 || n->out[0] < 0 ||
            info(&f, n->out[0])->dtype != TDNN_F32)
            continue;
        if (n->node->op->kind == TDNN_OP_Add && n->in_count == 2) {
            TDNN_TRY(fuse_add(&f, n, 0));
            if (n->node->op->kind == TDNN_OP_Add) TDNN_TRY(fuse_add(&f, n, 1));
        } else if (activation_of(n->node, &found)) {
            TDNN_TRY(fuse_activation(&f, n, &found));
        }
    }
    return TDNN_OK;
}
