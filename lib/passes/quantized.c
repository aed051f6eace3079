/* Convolutions of bytes, as exporters write them, become ConvQuantized:
 *   dynamic   DynamicQuantizeLinear, ConvInteger, Cast, Mul by the product of the scales
 *   static    QuantizeLinear, ConvInteger, Cast, Mul by a constant
 * and then the addition of a bias. The sums are exact, so that the numbers are those of the
 * operators one by one.
 */
#include "lib/passes/quantized.h"

#include <string.h>

/* ---- constants ---- */

const tdnn_tensor *tdnn_quantized_constant(const tdnn_match *m, tdnn_id id)
{
    if (id == TDNN_ABSENT) return NULL;
    tdnn_tensor *t = m->graph->values[id].constant;
    return t && t->kind == TDNN_KIND_TENSOR && tdnn_tensor_ready(t, NULL) == TDNN_OK ? t : NULL;
}

bool tdnn_quantized_one_scale(const tdnn_match *m, const tdnn_node *node)
{
    const tdnn_tensor *scale = tdnn_quantized_constant(m, tdnn_input_of(node, 1));
    const tdnn_id zero = tdnn_input_of(node, 2);
    if (!scale || scale->dtype != TDNN_F32 || tdnn_shape_count(&scale->shape) != 1) return false;
    if (zero == TDNN_ABSENT) return true;
    const tdnn_tensor *t = tdnn_quantized_constant(m, zero);
    return tdnn_is_bytes(t) && tdnn_shape_count(&t->shape) == 1;
}

bool tdnn_quantized_same(const tdnn_match *m, tdnn_id a, tdnn_id b)
{
    if (a == b) return true;
    const tdnn_tensor *x = tdnn_quantized_constant(m, a), *y = tdnn_quantized_constant(m, b);
    return x && y && x->dtype == y->dtype && x->bytes == y->bytes &&
           memcmp(x->data, y->data, x->bytes) == 0;
}

/* One number, or one for each channel of an output with `rank` axes behind them. */
static bool by_channel(const tdnn_tensor *t, int64_t channels, int rank)
{
    const int64_t count = t ? tdnn_shape_count(&t->shape) : 0;
    if (!t || t->dtype != TDNN_F32) return false;
    if (count == 1) return t->shape.ndim <= rank + 2;
    const int axis = t->shape.ndim - 1 - rank;
    return count == channels && (axis == 0 || axis == 1) && t->shape.dim[axis] == channels;
}

tdnn_status tdnn_quantized_become(tdnn_match *m, tdnn_node *node, const tdnn_quantized *f)
{
    const tdnn_conv_params *from = f->conv->params;
    const tdnn_conv_params params = {.window = from->window, .group = from->group,
                                     .activation = from->activation};
    const char *name = f->conv->name;
    TDNN_TRY(tdnn_match_become(m, node, TDNN_OP_ConvQuantized, f->in, TDNN_CONVQ_INPUTS));
    *(tdnn_conv_params *)node->params = params;
    node->name = name;
    return TDNN_OK;
}

/* ---- sums of bytes, scaled ---- */

/* What gives the bytes of input 0: quantisation of f32, at run time or with constants. */
static bool find_source(const tdnn_match *m, const tdnn_node *conv, tdnn_quantized *f,
                        tdnn_id *scale)
{
    const tdnn_node *dynamic = tdnn_match_made_by(m, conv, 0, TDNN_OP_DynamicQuantizeLinear);
    const tdnn_node *fixed = tdnn_match_made_by(m, conv, 0, TDNN_OP_QuantizeLinear);
    *scale = TDNN_ABSENT;
    if (dynamic && tdnn_input_of(conv, 2) == dynamic->outputs[2] &&
        dynamic->outputs[2] != TDNN_ABSENT) {
        f->in[TDNN_CONVQ_X] = dynamic->inputs[0];
        *scale = dynamic->outputs[1];
        return *scale != TDNN_ABSENT;
    }
    if (!fixed || !tdnn_quantized_one_scale(m, fixed) ||
        tdnn_input_of(fixed, 2) == TDNN_ABSENT ||
        !tdnn_quantized_same(m, tdnn_input_of(fixed, 2), tdnn_input_of(conv, 2)))
        return false;
    f->in[TDNN_CONVQ_X] = fixed->inputs[0];
    f->in[TDNN_CONVQ_X_SCALE] = fixed->inputs[1];
    f->in[TDNN_CONVQ_X_ZERO] = fixed->inputs[2];
    return true;
}

/* The constant factor at input `side`, which with a scale of the input is a product with that. */
static tdnn_id find_factor(const tdnn_match *m, const tdnn_node *mul, size_t side, tdnn_id scale)
{
    if (scale == TDNN_ABSENT) return mul->inputs[side];
    const tdnn_node *scales = tdnn_match_lone(m, mul, side, TDNN_OP_Mul);
    const int other = scales ? tdnn_match_other(scales, scale) : -1;
    return other < 0 ? TDNN_ABSENT : scales->inputs[other];
}

static tdnn_status visit_integer(tdnn_match *m, tdnn_node *mul)
{
    for (size_t side = 0; side < 2; side++) {
        const tdnn_node *cast = tdnn_match_lone(m, mul, side, TDNN_OP_Cast);
        const tdnn_node *conv = cast ? tdnn_match_lone(m, cast, 0, TDNN_OP_ConvInteger) : NULL;
        if (!conv || ((const tdnn_cast_params *)cast->params)->to != TDNN_F32) continue;
        const tdnn_tensor *w = tdnn_quantized_constant(m, tdnn_input_of(conv, 1)),
                          *zero = tdnn_quantized_constant(m, tdnn_input_of(conv, 3));
        tdnn_quantized f = {.conv = conv};
        tdnn_id scale;
        for (size_t i = 0; i < TDNN_CONVQ_INPUTS; i++) f.in[i] = TDNN_ABSENT;
        if (!tdnn_is_bytes(w) || w->shape.ndim > 5 ||
            (tdnn_input_of(conv, 3) != TDNN_ABSENT && (!zero || zero->dtype != w->dtype)) ||
            !find_source(m, conv, &f, &scale))
            continue;
        f.in[TDNN_CONVQ_W] = conv->inputs[1];
        f.in[TDNN_CONVQ_W_ZERO] = tdnn_input_of(conv, 3);
        f.in[TDNN_CONVQ_FACTOR] = find_factor(m, mul, 1 - side, scale);
        if (by_channel(tdnn_quantized_constant(m, f.in[TDNN_CONVQ_FACTOR]), w->shape.dim[0],
                       w->shape.ndim - 2))
            return tdnn_quantized_become(m, mul, &f);
    }
    return TDNN_OK;
}

/* ---- a bias ---- */

static tdnn_status visit_add(tdnn_match *m, tdnn_node *add)
{
    for (size_t side = 0; side < 2; side++) {
        tdnn_node *conv = tdnn_match_lone(m, add, side, TDNN_OP_ConvQuantized);
        const tdnn_tensor *bias = tdnn_quantized_constant(m, add->inputs[1 - side]);
        if (!conv || !bias) continue;
        const tdnn_tensor *w = tdnn_quantized_constant(m, conv->inputs[TDNN_CONVQ_W]);
        if (conv->inputs[TDNN_CONVQ_BIAS] != TDNN_ABSENT ||
            conv->inputs[TDNN_CONVQ_Y_SCALE] != TDNN_ABSENT ||
            ((const tdnn_conv_params *)conv->params)->activation.kind != TDNN_ACT_NONE ||
            !by_channel(bias, w->shape.dim[0], w->shape.ndim - 2))
            continue;
        conv->inputs[TDNN_CONVQ_BIAS] = add->inputs[1 - side];
        m->uses[add->inputs[1 - side]]++;
        tdnn_match_take_over(m, conv, add);
        return TDNN_OK;
    }
    return TDNN_OK;
}

static tdnn_status visit(tdnn_match *m, tdnn_node *node)
{
    if (node->op->kind == TDNN_OP_Mul && node->input_count == 2) return visit_integer(m, node);
    if (node->op->kind == TDNN_OP_Add && node->input_count == 2) return visit_add(m, node);
    return TDNN_OK;
}

tdnn_status tdnn_pass_quantized(tdnn_graph *graph, const tdnn_pass_context *context,
                                size_t *changes, tdnn_error *err)
{
    (void)context;
    return tdnn_match_run(graph, visit, changes, err);
}
