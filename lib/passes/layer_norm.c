/* Layer normalisation written out in pieces, over the last axis:
 *
 *     d = x - ReduceMean(x);  y = d / Sqrt(ReduceMean(d^2) + epsilon) * scale + bias
 */
#include "lib/passes/match.h"

#include <string.h>

/* The value of an integer attribute, by name. */
static bool int_attr(const tdnn_node *node, const char *name, int64_t *out)
{
    for (const tdnn_attr *a = node->op->attrs; a && a->type != TDNN_ATTR_END; a++)
        if (a->type == TDNN_ATTR_INT && strcmp(a->name, name) == 0) {
            memcpy(out, (const unsigned char *)node->params + a->offset, sizeof *out);
            return true;
        }
    return false;
}

/* A mean over the last axis alone, which stays as a 1. */
static bool is_row_mean(const tdnn_match *m, const tdnn_node *node)
{
    int64_t keep;
    const tdnn_tensor *axes = tdnn_match_constant(m, node, 1);
    return int_attr(node, "keepdims", &keep) && keep && axes && tdnn_dtype_is_int(axes->dtype) &&
           tdnn_shape_count(&axes->shape) == 1 && tdnn_tensor_get_i64(axes, 0) == -1;
}

/* The x of x - ReduceMean(x). */
static tdnn_id centred(const tdnn_match *m, const tdnn_node *sub)
{
    const tdnn_node *mean = tdnn_match_lone(m, sub, 1, TDNN_OP_ReduceMean);
    return mean && is_row_mean(m, mean) && mean->inputs[0] == sub->inputs[0] ? sub->inputs[0]
                                                                             : TDNN_ABSENT;
}

/* d^2, as a power or a product. */
static bool is_square(const tdnn_match *m, const tdnn_node *mean, tdnn_id d)
{
    const tdnn_node *square = tdnn_match_lone(m, mean, 0, TDNN_OP_Pow);
    if (square) return square->inputs[0] == d && tdnn_match_scalar_is(m, square, 1, 2);
    square = tdnn_match_lone(m, mean, 0, TDNN_OP_Mul);
    return square && square->inputs[0] == d && square->inputs[1] == d;
}

/* Whether node is d / Sqrt(ReduceMean(d^2) + epsilon), with d = x - ReduceMean(x). */
static bool match_quotient(const tdnn_match *m, const tdnn_node *node, tdnn_id *x,
                           double *epsilon)
{
    const tdnn_node *sub = tdnn_match_made_by(m, node, 0, TDNN_OP_Sub);
    const tdnn_node *root = tdnn_match_lone(m, node, 1, TDNN_OP_Sqrt);
    const tdnn_node *add = root ? tdnn_match_lone(m, root, 0, TDNN_OP_Add) : NULL;
    if (!sub || !add || m->uses[node->inputs[0]] > 3) return false;
    *x = centred(m, sub);
    for (size_t side = 0; *x != TDNN_ABSENT && side < 2; side++) {
        const tdnn_node *mean = tdnn_match_lone(m, add, side, TDNN_OP_ReduceMean);
        if (mean && is_row_mean(m, mean) && is_square(m, mean, node->inputs[0]) &&
            tdnn_match_scalar(m, add, 1 - side, epsilon))
            return true;
    }
    return false;
}

static bool is_row(const tdnn_tensor *t, int64_t count)
{
    return t && t->dtype == TDNN_F32 && t->shape.ndim == 1 &&
           (count < 0 || t->shape.dim[0] == count);
}

/* node is (quotient * scale) + bias. */
static tdnn_status visit(tdnn_match *m, tdnn_node *node)
{
    if (node->op->kind != TDNN_OP_Add || node->input_count != 2) return TDNN_OK;
    for (size_t a = 0; a < 2; a++) {
        const tdnn_tensor *bias = tdnn_match_constant(m, node, 1 - a);
        const tdnn_node *mul = is_row(bias, -1) ? tdnn_match_lone(m, node, a, TDNN_OP_Mul) : NULL;
        for (size_t b = 0; mul && b < 2; b++) {
            tdnn_id inputs[3] = {0, mul->inputs[1 - b], node->inputs[1 - a]};
            const tdnn_node *div = tdnn_match_lone(m, mul, b, TDNN_OP_Div);
            double epsilon;
            if (!div || !is_row(tdnn_match_constant(m, mul, 1 - b), bias->shape.dim[0]) ||
                !match_quotient(m, div, &inputs[0], &epsilon))
                continue;
            TDNN_TRY(tdnn_match_become(m, node, TDNN_OP_LayerNormalization, inputs, 3));
            tdnn_layer_norm_params *p = node->params;
            p->axis = -1;
            p->epsilon = (float)epsilon;
            return TDNN_OK;
        }
    }
    return TDNN_OK;
}

tdnn_status tdnn_pass_layer_norm(tdnn_graph *graph, const tdnn_pass_context *context,
                                 size_t *changes, tdnn_error *err)
{
    (void)context;
    return tdnn_match_run(graph, visit, changes, err);
}
