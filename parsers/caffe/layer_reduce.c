/* Layers that make few numbers of many: Reduction, ArgMax. */
#include "parsers/caffe/layers.h"

#include <inttypes.h>

/* Over all axes from `axis` on. */
void caffe_import_reduction(caffe_call *c)
{
    static const char *const words[] = {"", "SUM", "ASUM", "SUMSQ", "MEAN", NULL};
    static const char *const ops[] = {"", "ReduceSum", "ReduceL1", "ReduceSumSquare",
                                      "ReduceMean"};
    int64_t axes[TDNN_MAX_DIMS];
    const int rank = caffe_rank(c, 0, 1, TDNN_MAX_DIMS),
              axis = caffe_axis(c, "axis", 0, rank, 0);
    const int64_t operation = caffe_enum(c, "operation", words, 1);
    for (int i = axis; i < rank; i++) axes[i - axis] = i;
    tdnn_id y =
        caffe_op(c, ops[operation], c->in[0].id, caffe_vector(c, axes, (size_t)(rank - axis)));
    caffe_set_int(c, "keepdims", 0);
    c->out[0].id = caffe_times(c, y, caffe_float(c, "coeff", 1));
    c->out[0].shape.ndim = axis;
}

static tdnn_id as_float(caffe_call *c, tdnn_id x)
{
    tdnn_id y = caffe_op(c, "Cast", x);
    caffe_set_int(c, "to", TDNN_F32);
    return y;
}

/* The `count` largest along an axis, and where they are. */
static tdnn_id largest(caffe_call *c, tdnn_id x, int64_t axis, int64_t count, tdnn_id *where)
{
    tdnn_id values = caffe_op(c, "TopK", x, caffe_ints_of(c, count));
    caffe_set_int(c, "axis", axis);
    *where = caffe_more(c);
    return values;
}

/* Along an axis: positions, or values if those are asked for. Without one: of each picture as a
 * whole, N x 1 x top_k, or N x 2 x top_k with the values behind the positions. */
void caffe_import_arg_max(caffe_call *c)
{
    const int rank = caffe_rank(c, 0, 1, TDNN_MAX_DIMS);
    const bool values_too = caffe_bool(c, "out_max_val", false);
    const int64_t count = caffe_int(c, "top_k", 1, 1, INT32_MAX);
    tdnn_id where;
    if (caffe_has(c, "axis")) {
        const int axis = caffe_axis(c, "axis", 0, rank, 0);
        tdnn_id values = largest(c, c->in[0].id, axis, count, &where);
        c->out[0].id = values_too ? values : as_float(c, where);
        c->out[0].shape.dim[axis] = count;
        return;
    }
    tdnn_id flat = caffe_op(c, "Flatten", c->in[0].id);
    tdnn_id values = largest(c, flat, 1, count, &where);
    tdnn_id y = caffe_op(c, "Unsqueeze", as_float(c, where), caffe_ints_of(c, 1));
    if (values_too) {
        y = caffe_op(c, "Concat", y, caffe_op(c, "Unsqueeze", values, caffe_ints_of(c, 1)));
        caffe_set_int(c, "axis", 1);
    }
    if (rank > 3) { /* Caffe keeps as many axes, of length 1 */
        int64_t ones[TDNN_MAX_DIMS];
        for (int i = 3; i < rank; i++) ones[i - 3] = i;
        y = caffe_op(c, "Unsqueeze", y, caffe_vector(c, ones, (size_t)(rank - 3)));
    }
    tdnn_shape shape = {.ndim = rank > 3 ? rank : 3,
                        .dim = {caffe_dim(c, 0, 0), values_too ? 2 : 1, count}};
    for (int i = 3; i < rank; i++) shape.dim[i] = 1;
    c->out[0].id = y;
    c->out[0].shape = shape;
}
