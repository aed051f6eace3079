/* A product with a number for each column of a matrix product goes into its constant factors,
 * as ConvNeXt and CaiT scale their branches, also behind a transposition to channels first:
 *
 *     (A W + b) * g  =  A (W * g) + b * g
 */
#include "lib/passes/match.h"

#include <string.h>

static bool f32(const tdnn_tensor *t)
{
    return t && t->kind == TDNN_KIND_TENSOR && t->dtype == TDNN_F32;
}

/* One number for each of `columns` along the only axis of more than one; `behind` axes of 1
 * follow it. */
static bool is_scale(const tdnn_tensor *t, int64_t columns, int behind)
{
    const int axis = t->shape.ndim - 1 - behind;
    return axis >= 0 && t->shape.dim[axis] == columns && tdnn_shape_count(&t->shape) == columns;
}

static bool to_channels_first(const tdnn_node *node)
{
    static const int64_t perm[] = {0, 3, 1, 2};
    const tdnn_transpose_params *p = node->params;
    return p->perm.given && p->perm.count == 4 && memcmp(p->perm.at, perm, sizeof perm) == 0;
}

/* ---- the new factors ---- */

typedef struct scaling {
    const tdnn_tensor *from;
    const float *scale; /* of each column */
} scaling;

static tdnn_status fill_scaled(const tdnn_tensor *t, void *to, tdnn_error *err)
{
    const scaling *s = t->owner;
    const size_t columns = (size_t)t->shape.dim[t->shape.ndim - 1];
    float *x = to;
    TDNN_TRY(tdnn_tensor_fill(s->from, to, err));
    tdnn_tensor_discard(s->from);
    for (int64_t row = 0; row < tdnn_shape_count(&t->shape) / (int64_t)columns;
         row++, x += columns)
        for (size_t c = 0; c < columns; c++) x[c] *= s->scale[c];
    return TDNN_OK;
}

static tdnn_status scale_constant(tdnn_match *m, tdnn_id *input, const float *scale)
{
    const tdnn_tensor *old = m->graph->values[*input].constant;
    scaling *s = tdnn_zone_alloc(m->graph->zone, 1, sizeof *s);
    tdnn_tensor *made;
    if (!s) return TDNN_NO_MEMORY(m->err);
    *s = (scaling){old, scale};
    TDNN_TRY(tdnn_tensor_defer(TDNN_F32, &old->shape, fill_scaled, s, NULL, &made, m->err));
    return tdnn_match_add_constant(m, made, input);
}

/* ---- the pattern ---- */

/* `add` is A W + b; the index of b in it, or -1. */
static int product_bias(const tdnn_match *m, const tdnn_node *add, tdnn_node **product)
{
    for (size_t side = 0; add->input_count == 2 && side < 2; side++) {
        const tdnn_tensor *bias = tdnn_match_constant(m, add, 1 - side);
        *product = tdnn_match_lone(m, add, side, TDNN_OP_MatMul);
        const tdnn_tensor *w = *product ? tdnn_match_weights(m, *product, 1) : NULL;
        if (f32(bias) && f32(w) && w->shape.ndim == 2 && bias->shape.ndim == 1 &&
            bias->shape.dim[0] == w->shape.dim[1])
            return (int)(1 - side);
    }
    return -1;
}

static tdnn_status visit_side(tdnn_match *m, tdnn_node *mul, size_t side)
{
    const tdnn_tensor *scale = tdnn_match_constant(m, mul, 1 - side);
    tdnn_node *turn = tdnn_match_lone(m, mul, side, TDNN_OP_Transpose), *product = NULL;
    if (!f32(scale) || (turn && !to_channels_first(turn))) return TDNN_OK;
    tdnn_node *add = turn ? tdnn_match_lone(m, turn, 0, TDNN_OP_Add)
                          : tdnn_match_lone(m, mul, side, TDNN_OP_Add);
    const int bias = add ? product_bias(m, add, &product) : -1;
    if (bias < 0) return TDNN_OK;
    const int64_t columns = tdnn_match_weights(m, product, 1)->shape.dim[1];
    if (!is_scale(scale, columns, turn ? 2 : 0) || scale->shape.ndim > (turn ? 4 : 1))
        return TDNN_OK;
    float *own = tdnn_zone_alloc(m->graph->zone, (size_t)columns, sizeof *own);
    if (!own) return TDNN_NO_MEMORY(m->err);
    memcpy(own, scale->data, (size_t)columns * sizeof *own);
    TDNN_TRY(scale_constant(m, &product->inputs[1], own));
    TDNN_TRY(scale_constant(m, &add->inputs[bias], own));
    tdnn_match_take_over(m, turn ? turn : add, mul);
    return TDNN_OK;
}

static tdnn_status visit(tdnn_match *m, tdnn_node *node)
{
    if (node->op->kind != TDNN_OP_Mul || node->input_count != 2) return TDNN_OK;
    const tdnn_id made = node->outputs[0];
    TDNN_TRY(visit_side(m, node, 0));
    return node->output_count && node->outputs[0] == made && m->producer[made] == node
               ? visit_side(m, node, 1)
               : TDNN_OK;
}

tdnn_status tdnn_pass_layer_scale(tdnn_graph *graph, const tdnn_pass_context *context,
                                  size_t *changes, tdnn_error *err)
{
    (void)context;
    return tdnn_match_run(graph, visit, changes, err);
}
