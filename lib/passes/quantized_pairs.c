/* Quantised networks that are written as floats: Conv between pairs of QuantizeLinear and
 * DequantizeLinear, by DequantizeLinear of constant weights, becomes ConvQuantized; and the
 * pair behind one goes into it.
 *
 * The sums are exact then, where those of floats are rounded: a number that lies next to the
 * middle between two steps of a quantisation behind it may go to the other side.
 */
#include "lib/passes/quantized.h"

/* One number of f32, or one for each of `count` along `axis`, and zero points of the same kind.
 */
static bool scales_of(const tdnn_match *m, const tdnn_node *dq, int64_t axis, int64_t count)
{
    const tdnn_quantize_params *p = dq->params;
    const tdnn_tensor *scale = tdnn_quantized_constant(m, tdnn_input_of(dq, 1));
    const tdnn_id zero = tdnn_input_of(dq, 2);
    if (!scale || scale->dtype != TDNN_F32 || (p->output_dtype && p->output_dtype != TDNN_F32))
        return false;
    const int64_t have = tdnn_shape_count(&scale->shape);
    if (have != 1 &&
        (have != count || scale->shape.ndim != 1 || p->axis != axis || p->block_size))
        return false;
    const tdnn_tensor *t = tdnn_quantized_constant(m, zero);
    return zero == TDNN_ABSENT || (t && tdnn_shape_count(&t->shape) == have);
}

/* A DequantizeLinear that makes input `index` from bytes, or NULL. */
static const tdnn_node *from_bytes(const tdnn_match *m, const tdnn_node *node, size_t index)
{
    const tdnn_node *dq = tdnn_match_made_by(m, node, index, TDNN_OP_DequantizeLinear);
    if (!dq || !tdnn_quantized_one_scale(m, dq) || !scales_of(m, dq, 0, 1)) return NULL;
    return dq;
}

static bool bias_fits(const tdnn_match *m, const tdnn_node *conv, int64_t channels)
{
    const tdnn_id id = tdnn_input_of(conv, 2);
    if (id == TDNN_ABSENT) return true;
    const tdnn_tensor *t = tdnn_quantized_constant(m, id);
    if (t) return t->dtype == TDNN_F32 && tdnn_shape_count(&t->shape) == channels;
    const tdnn_node *dq =
        tdnn_match_made_by(m, conv, 2, TDNN_OP_DequantizeLinear); /* to be folded */
    t = dq ? tdnn_quantized_constant(m, dq->inputs[0]) : NULL;
    return t && tdnn_shape_count(&t->shape) == channels && scales_of(m, dq, 0, channels);
}

static tdnn_status make_factor(tdnn_match *m, tdnn_id x_scale, tdnn_id w_scale, tdnn_id *out)
{
    const tdnn_tensor *x = tdnn_quantized_constant(m, x_scale),
                      *w = tdnn_quantized_constant(m, w_scale);
    tdnn_tensor *made;
    TDNN_TRY(tdnn_tensor_create(TDNN_F32, &w->shape, &made, m->err));
    for (int64_t i = 0; i < tdnn_shape_count(&w->shape); i++)
        ((float *)made->data)[i] = *(const float *)x->data * ((const float *)w->data)[i];
    return tdnn_match_add_constant(m, made, out);
}

/* The bytes may come from f32, which then is what the convolution takes. */
static void find_input(const tdnn_match *m, const tdnn_node *dq, tdnn_quantized *f)
{
    const tdnn_node *q = tdnn_match_made_by(m, dq, 0, TDNN_OP_QuantizeLinear);
    f->in[TDNN_CONVQ_X] = dq->inputs[0];
    f->in[TDNN_CONVQ_X_SCALE] = dq->inputs[1];
    f->in[TDNN_CONVQ_X_ZERO] = tdnn_input_of(dq, 2);
    if (q && tdnn_quantized_one_scale(m, q) && tdnn_input_of(q, 2) != TDNN_ABSENT &&
        tdnn_quantized_same(m, q->inputs[1], dq->inputs[1]) &&
        tdnn_quantized_same(m, tdnn_input_of(q, 2), tdnn_input_of(dq, 2)))
        f->in[TDNN_CONVQ_X] = q->inputs[0];
}

static tdnn_status visit_conv(tdnn_match *m, tdnn_node *conv)
{
    const tdnn_node *x = from_bytes(m, conv, 0);
    const tdnn_node *w = tdnn_match_made_by(m, conv, 1, TDNN_OP_DequantizeLinear);
    const tdnn_tensor *weights = w ? tdnn_quantized_constant(m, w->inputs[0]) : NULL;
    if (!x || !tdnn_is_bytes(weights) || weights->shape.ndim < 3 || weights->shape.ndim > 5 ||
        conv->input_count > 3)
        return TDNN_OK;
    const int64_t channels = weights->shape.dim[0];
    if (!scales_of(m, w, 0, channels) || !bias_fits(m, conv, channels)) return TDNN_OK;
    tdnn_quantized f = {.conv = conv};
    for (size_t i = 0; i < TDNN_CONVQ_INPUTS; i++) f.in[i] = TDNN_ABSENT;
    find_input(m, x, &f);
    f.in[TDNN_CONVQ_W] = w->inputs[0];
    f.in[TDNN_CONVQ_W_ZERO] = tdnn_input_of(w, 2);
    f.in[TDNN_CONVQ_BIAS] = tdnn_input_of(conv, 2);
    TDNN_TRY(make_factor(m, x->inputs[1], w->inputs[1], &f.in[TDNN_CONVQ_FACTOR]));
    return tdnn_quantized_become(m, conv, &f);
}

static tdnn_status visit_input(tdnn_match *m, tdnn_node *node)
{
    return node->op->kind == TDNN_OP_Conv ? visit_conv(m, node) : TDNN_OK;
}

tdnn_status tdnn_pass_quantized_pairs(tdnn_graph *graph, const tdnn_pass_context *context,
                                      size_t *changes, tdnn_error *err)
{
    (void)context;
    return tdnn_match_run(graph, visit_input, changes, err);
}

/* ---- the pair behind ---- */

static tdnn_status visit_output(tdnn_match *m, tdnn_node *dq)
{
    const tdnn_node *q = dq->op->kind == TDNN_OP_DequantizeLinear
                             ? tdnn_match_lone(m, dq, 0, TDNN_OP_QuantizeLinear) : NULL;
    tdnn_node *conv = q ? tdnn_match_lone(m, q, 0, TDNN_OP_ConvQuantized) : NULL;
    if (!conv || conv->inputs[TDNN_CONVQ_Y_SCALE] != TDNN_ABSENT ||
        ((const tdnn_conv_params *)conv->params)->activation.kind != TDNN_ACT_NONE)
        return TDNN_OK;
    const tdnn_id zero = tdnn_input_of(q, 2);
    if (!tdnn_quantized_one_scale(m, q) || !scales_of(m, dq, 0, 1) || zero == TDNN_ABSENT ||
        !tdnn_quantized_same(m, q->inputs[1], dq->inputs[1]) ||
        !tdnn_quantized_same(m, zero, tdnn_input_of(dq, 2)))
        return TDNN_OK;
    conv->inputs[TDNN_CONVQ_Y_SCALE] = q->inputs[1];
    conv->inputs[TDNN_CONVQ_Y_ZERO] = zero;
    m->uses[q->inputs[1]]++;
    m->uses[zero]++;
    tdnn_match_remove(m, m->producer[dq->inputs[0]]);
    tdnn_match_take_over(m, conv, dq);
    return TDNN_OK;
}

tdnn_status tdnn_pass_quantized_output(tdnn_graph *graph, const tdnn_pass_context *context,
                                       size_t *changes, tdnn_error *err)
{
    (void)context;
    return tdnn_match_run(graph, visit_output, changes, err);
}
