/* Layers that multiply and add: Scale, Bias, Eltwise, Axpy. What is multiplied by has the axes
 * of the input from `axis` on; ONNX's operators line axes up from the last one, so ones follow.
 */
#include "parsers/caffe/layers.h"

#include <inttypes.h>

/* ---- Scale and Bias ---- */

/* The shape that a blob has to have beside an input of rank `rank`. */
static tdnn_shape blob_shape(caffe_call *c, size_t index, int axis, int rank)
{
    const int64_t axes = caffe_int(c, "num_axes", 1, -1, rank - axis);
    const int covered = axes < 0 ? rank - axis : (int)axes;
    const tdnn_shape own = caffe_weight_shape(c, index);
    tdnn_shape shape = {.ndim = covered ? rank - axis : 0};
    for (int i = 0; i < shape.ndim; i++) {
        shape.dim[i] = 1;
        if (i >= covered) continue;
        shape.dim[i] = own.ndim == covered ? own.dim[i] : caffe_dim(c, 0, axis + i);
        if (covered == 1 && c->net->weights) shape.dim[i] = -1;
    }
    return shape;
}

/* The second bottom with ones behind its axes. */
static tdnn_id bottom_beside(caffe_call *c, int axis, int rank)
{
    const int own = caffe_rank(c, 1, 0, rank), ones = rank - axis - own;
    int64_t axes[TDNN_MAX_DIMS];
    if (ones < 0)
        caffe_fail(c, TDNN_ERR_SHAPE,
                   "its second bottom has %d dimensions, expected %d at most", own,
                   rank - axis);
    if (own == 0 || ones <= 0) return c->in[1].id;
    for (int i = 0; i < ones; i++) axes[i] = own + i;
    return caffe_op(c, "Unsqueeze", c->in[1].id, caffe_vector(c, axes, (size_t)ones));
}

void caffe_import_scale(caffe_call *c)
{
    const int rank = caffe_rank(c, 0, 1, TDNN_MAX_DIMS),
              axis = caffe_axis(c, "axis", rank > 1, rank, 0);
    const bool learned = c->in_count == 1;
    const tdnn_shape shape = blob_shape(c, 0, axis, rank);
    tdnn_id factor = learned ? caffe_weight(c, 0, &shape) : bottom_beside(c, axis, rank);
    tdnn_id y = caffe_op(c, "Mul", c->in[0].id, factor);
    if (caffe_bool(c, "bias_term", false)) {
        const tdnn_shape added = blob_shape(c, learned, axis, rank);
        y = caffe_op(c, "Add", y, caffe_weight(c, learned, &added));
    }
    c->out[0].id = y;
}

void caffe_import_bias(caffe_call *c)
{
    const int rank = caffe_rank(c, 0, 1, TDNN_MAX_DIMS),
              axis = caffe_axis(c, "axis", rank > 1, rank, 0);
    const tdnn_shape shape = blob_shape(c, 0, axis, rank);
    tdnn_id term = c->in_count == 1 ? caffe_weight(c, 0, &shape) : bottom_beside(c, axis, rank);
    c->out[0].id = caffe_op(c, "Add", c->in[0].id, term);
}

/* ---- Eltwise ---- */

void caffe_import_eltwise(caffe_call *c)
{
    static const char *const operations[] = {"PROD", "SUM", "MAX", "DIV", NULL};
    static const char *const ops[] = {"Mul", "Add", "Max", "Div"};
    const int64_t operation = caffe_enum(c, "operation", operations, 1);
    const tdnn_floats factors = caffe_floats(c, "coeff");
    if (factors.count && (operation != 1 || factors.count != c->in_count))
        caffe_fail(c, TDNN_ERR_FORMAT,
                   "%zu coeff, expected one for each of %zu bottoms of a sum", factors.count,
                   c->in_count);
    if (c->status) return;
    tdnn_id y = TDNN_ABSENT;
    for (size_t i = 0; i < c->in_count; i++) {
        tdnn_id x = caffe_times(c, c->in[i].id, factors.count ? factors.at[i] : 1);
        y = i ? caffe_op(c, ops[operation], y, x) : x;
    }
    c->out[0].id = y;
}

/* ---- Axpy: a x + y with a number a for each channel ---- */

void caffe_import_axpy(caffe_call *c)
{
    const int rank = caffe_rank(c, 1, 2, TDNN_MAX_DIMS), own = caffe_rank(c, 0, 2, rank);
    int64_t axes[TDNN_MAX_DIMS];
    tdnn_id a = c->in[0].id;
    for (int i = own; i < rank; i++) axes[i - own] = i;
    if (own < rank)
        a = caffe_op(c, "Unsqueeze", a, caffe_vector(c, axes, (size_t)(rank - own)));
    c->out[0].id = caffe_op(c, "Add", caffe_op(c, "Mul", a, c->in[1].id), c->in[2].id);
    c->out[0].shape = c->in[1].shape;
}
