/* ConvQuantized, taken apart into ONNX's operators. */
#include "lib/passes/lower.h"

/* A constant of one number for each channel, with axes behind them to multiply with. */
static tdnn_id spread(tdnn_lowering *l, tdnn_id id, int axes)
{
    int64_t dims[TDNN_MAX_DIMS] = {1, -1};
    for (int i = 2; i < axes; i++) dims[i] = 1;
    return lower_op(l, Reshape, id, lower_vector(l, dims, (size_t)axes));
}

/* The weights' zero points: none, one number, or one for each channel, which not every engine
 * takes. */
static tdnn_id weight_zero(tdnn_lowering *l)
{
    const tdnn_id id = lower_input(l, TDNN_CONVQ_W_ZERO);
    tdnn_tensor *t = id == TDNN_ABSENT ? NULL : l->graph->values[id].constant;
    if (!t || l->status || (l->status = tdnn_tensor_ready(t, l->err)) || !t->bytes) return id;
    const unsigned char *zero = t->data;
    for (size_t i = 1; i < t->bytes; i++)
        if (zero[i] != zero[0]) return id;
    if (zero[0] == 0) return TDNN_ABSENT;
    return t->bytes == 1 ? id : lower_slice(l, id, 0, 0, 1, 1);
}

static tdnn_id to_bytes_and_back(tdnn_lowering *l, tdnn_id y)
{
    const tdnn_id scale = lower_input(l, TDNN_CONVQ_Y_SCALE),
                  zero = lower_input(l, TDNN_CONVQ_Y_ZERO);
    if (scale == TDNN_ABSENT) return y;
    const tdnn_id one = lower_op(l, Reshape, scale, lower_vector(l, NULL, 0));
    const tdnn_id at =
        zero == TDNN_ABSENT ? zero : lower_op(l, Reshape, zero, lower_vector(l, NULL, 0));
    return lower_op(l, DequantizeLinear, lower_op(l, QuantizeLinear, y, one, at), one, at);
}

void tdnn_lower_conv_quantized(tdnn_lowering *l)
{
    const tdnn_conv_params p = *(const tdnn_conv_params *)l->node->params;
    const tdnn_tensor *w = l->graph->values[lower_input(l, TDNN_CONVQ_W)].constant;
    tdnn_id x = lower_input(l, TDNN_CONVQ_X), zero = lower_input(l, TDNN_CONVQ_X_ZERO);
    const tdnn_id scale = lower_input(l, TDNN_CONVQ_X_SCALE),
                  bias = lower_input(l, TDNN_CONVQ_BIAS);
    tdnn_id factor = lower_input(l, TDNN_CONVQ_FACTOR);
    if (!w) {
        lower_refuse(l, "weights that are no constant");
        return;
    }
    const tdnn_dtype type = l->graph->values[x].dtype;
    if (scale != TDNN_ABSENT && type != TDNN_U8 && type != TDNN_I8) {
        const tdnn_id one = lower_op(l, Reshape, scale, lower_vector(l, NULL, 0));
        if (zero != TDNN_ABSENT) zero = lower_op(l, Reshape, zero, lower_vector(l, NULL, 0));
        x = lower_op(l, QuantizeLinear, x, one, zero);
    } else if (type != TDNN_U8 && type != TDNN_I8) {
        x = lower_op(l, DynamicQuantizeLinear, x);
        const tdnn_id own = lower_more(l);
        zero = lower_more(l);
        factor = lower_op(l, Mul, own, factor);
    }
    tdnn_id y = lower_op(l, ConvInteger, x, lower_input(l, TDNN_CONVQ_W), zero,
                         weight_zero(l));
    if (!l->status)
        *(tdnn_conv_params *)l->last->params =
            (tdnn_conv_params){.window = p.window, .group = p.group};
    y = lower_op(l, Cast, y);
    lower_set_int(l, "to", TDNN_F32);
    y = lower_op(l, Mul, y, spread(l, factor, w->shape.ndim));
    if (bias != TDNN_ABSENT) y = lower_op(l, Add, y, spread(l, bias, w->shape.ndim));
    lower_result(l, 0,
                 lower_activate(l, &p.activation, to_bytes_and_back(l, y), TDNN_CONVQ_FACTOR));
}
