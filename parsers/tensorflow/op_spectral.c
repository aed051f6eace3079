/* Fourier transforms, and the complex numbers that they make: pairs along one more dimension,
 * the last, that TensorFlow does not see. Few operators take such values. */
#include "parsers/tensorflow/ops.h"

static tdnn_status give_complex(const tf_call *c, tdnn_id id, const tdnn_shape *shape,
                                tdnn_error *err)
{
    tf_value *v;
    TDNN_TRY(tf_give_new(c, 0, id, TDNN_F32, shape, &v, err));
    v->complex = true;
    return TDNN_OK;
}

static tdnn_status complex_input(const tf_call *c, tf_value **out, tdnn_error *err)
{
    TDNN_TRY(tf_input(c, 0, out, err));
    if ((*out)->complex) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_FORMAT, "input 0 is not complex");
}

/* real, imaginary */
tdnn_status tf_import_complex(tf_call *c, tdnn_error *err)
{
    static const int64_t last = -1;
    tf_value like;
    tdnn_id parts[2], at, id;
    TDNN_TRY(tf_unify(c, 0, 2, parts, &like, err));
    if (like.first) /* pairs go behind TensorFlow's own order */
        for (size_t i = 0; i < 2; i++) TDNN_TRY(tf_input_plain(c, i, &parts[i], err));
    TDNN_TRY(tf_const_ints(c, &last, 1, &at, err));
    for (int i = 0; i < 2; i++)
        TDNN_TRY(tf_two(c, TDNN_OP_Unsqueeze, parts[i], at, &parts[i], err));
    TDNN_TRY(tf_concat(c, parts, 2, -1, &id, err));
    return give_complex(c, id, &like.shape, err);
}

/* Real, Imag */
tdnn_status tf_import_complex_part(tf_call *c, tdnn_error *err)
{
    tf_value *x;
    tdnn_id ids[2], id;
    tdnn_node *node;
    TDNN_TRY(complex_input(c, &x, err));
    ids[0] = x->id;
    TDNN_TRY(tf_const_int(c, tf_is(c->node, "Imag"), &ids[1], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Gather, ids, 2, &node, &id, err));
    ((tdnn_axis_params *)node->params)->axis = -1;
    return tf_give_new(c, 0, id, TDNN_F32, &x->shape, NULL, err);
}

tdnn_status tf_import_complex_abs(tf_call *c, tdnn_error *err)
{
    static const int64_t last = -1;
    tf_value *x;
    tdnn_id ids[2], id;
    tdnn_node *node;
    TDNN_TRY(complex_input(c, &x, err));
    ids[0] = x->id;
    TDNN_TRY(tf_const_ints(c, &last, 1, &ids[1], err));
    TDNN_TRY(tf_last(c, TDNN_OP_ReduceL2, ids, 2, &node, &id, err));
    TDNN_TRY(tf_set_int(c, node, "keepdims", 0, err));
    return tf_give_new(c, 0, id, TDNN_F32, &x->shape, NULL, err);
}

/* The IR's DFT wants something in front of the dimension that it works along. */
static tdnn_status transform(const tf_call *c, tdnn_id in, int ndim, int64_t length, bool back,
                             bool one_side, tdnn_id *out, tdnn_error *err)
{
    static const int64_t first = 0;
    tdnn_id ids[3] = {in, TDNN_ABSENT, TDNN_ABSENT}, at;
    tdnn_node *node;
    TDNN_TRY(tf_const_ints(c, &first, 1, &at, err));
    if (ndim == 1) TDNN_TRY(tf_two(c, TDNN_OP_Unsqueeze, in, at, &ids[0], err));
    if (length) TDNN_TRY(tf_const_int(c, length, &ids[1], err));
    TDNN_TRY(tf_const_int(c, -2, &ids[2], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_DFT, ids, 3, &node, out, err));
    TDNN_TRY(tf_set_int(c, node, "inverse", back, err));
    TDNN_TRY(tf_set_int(c, node, "onesided", one_side, err));
    return ndim == 1 ? tf_two(c, TDNN_OP_Squeeze, *out, at, out, err) : TDNN_OK;
}

/* FFT, IFFT */
tdnn_status tf_import_fft(tf_call *c, tdnn_error *err)
{
    tf_value *x;
    tdnn_id id;
    TDNN_TRY(complex_input(c, &x, err));
    TDNN_TRY(transform(c, x->id, x->shape.ndim, 0, tf_is(c->node, "IFFT"), false, &id, err));
    return give_complex(c, id, &x->shape, err);
}

/* RFFT, IRFFT: the input, and the length, to which it is cut or filled up with zeros. */
tdnn_status tf_import_real_fft(tf_call *c, tdnn_error *err)
{
    static const int64_t last = -1;
    const bool back = tf_is(c->node, "IRFFT");
    const int64_t *length;
    size_t count;
    tf_value *x;
    tdnn_id id, at;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_input_ints(c, 1, "fft_length", &length, &count, err));
    if (count != 1 || length[0] < 1 || length[0] > 1 << 28 || x->complex != back ||
        x->shape.ndim < 1)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "a length that is none, or an input of the wrong kind");
    tdnn_shape shape = x->shape;
    shape.dim[shape.ndim - 1] = back ? length[0] : length[0] / 2 + 1;
    TDNN_TRY(tf_plain(c->scope, x, &id, err));
    TDNN_TRY(tf_const_ints(c, &last, 1, &at, err));
    if (!back) TDNN_TRY(tf_two(c, TDNN_OP_Unsqueeze, id, at, &id, err));
    TDNN_TRY(transform(c, id, shape.ndim, length[0], back, true, &id, err));
    if (!back) return give_complex(c, id, &shape, err);
    TDNN_TRY(tf_two(c, TDNN_OP_Squeeze, id, at, &id, err));
    return tf_give_new(c, 0, id, TDNN_F32, &shape, NULL, err);
}
