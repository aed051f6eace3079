/* Values that were made of bytes (Dequantize), or look as if (FakeQuant). */
#include "parsers/tensorflow/ops.h"

#include <math.h>
#include <string.h>

/* The number behind a constant of one element. */
static tdnn_status number(const tf_call *c, size_t index, const char *what, double *out,
                          tdnn_error *err)
{
    tf_value *v;
    TDNN_TRY(tf_input(c, index, &v, err));
    const tdnn_tensor *t = tf_constant(c->scope, v);
    if (!t || tdnn_shape_count(&t->shape) != 1 || t->dtype == TDNN_STRING)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "input %zu, %s, is not one known number",
                         index, what);
    *out = tdnn_tensor_get_f64(t, 0);
    if (!isfinite(*out))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "input %zu, %s, is not finite", index, what);
    return TDNN_OK;
}

/* Of the quantised type: the least and the greatest number. */
static tdnn_status limits(tdnn_dtype type, double *least, double *most, tdnn_error *err)
{
    switch (type) {
    case TDNN_U8: *least = 0, *most = 255; return TDNN_OK;
    case TDNN_I8: *least = -128, *most = 127; return TDNN_OK;
    case TDNN_U16: *least = 0, *most = 65535; return TDNN_OK;
    case TDNN_I16: *least = -32768, *most = 32767; return TDNN_OK;
    case TDNN_I32: *least = INT32_MIN, *most = INT32_MAX; return TDNN_OK;
    default:
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "values of type %s", tdnn_dtype_name(type));
    }
}

/* y = x scale + offset, as TensorFlow's three modes have it. */
static tdnn_status mapping(const tf_call *c, const char *mode, tdnn_dtype type, double min,
                           double max, double *scale, double *offset, tdnn_error *err)
{
    double least, most;
    TDNN_TRY(limits(type, &least, &most, err));
    const double span = (max - min) / (most - least);
    *scale = span;
    if (!strcmp(mode, "MIN_COMBINED")) {
        *offset = min + (least < 0 ? (most - least + 1) / 2 * span : 0);
    } else if (!strcmp(mode, "MIN_FIRST")) {
        /* the least value is moved so that 0 is met exactly */
        const double rounded =
            span > 0 ? (double)(roundf((float)min / (float)span) * (float)span) : min;
        *offset = rounded - least * span;
    } else if (!strcmp(mode, "SCALED")) {
        if (least < 0 && tf_attr_bool(c, "narrow_range", false)) least++;
        *scale = least < 0 ? fmax(min / least, max / most) : max / most;
        *offset = 0;
    } else {
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "mode \"%s\"", mode);
    }
    return TDNN_OK;
}

/* One range for all, or one for each place along an axis: scales and offsets, to be broadcast.
 */
static tdnn_status ranges(const tf_call *c, const tf_value *x, int64_t axis, tdnn_id *scales,
                          tdnn_id *offsets, tdnn_error *err)
{
    const tdnn_tensor *t[2];
    tdnn_tensor *made[2];
    for (size_t i = 0; i < 2; i++) {
        tf_value *v;
        TDNN_TRY(tf_input(c, i + 1, &v, err));
        t[i] = tf_constant(c->scope, v);
        if (!t[i] || t[i]->dtype == TDNN_STRING)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                             "input %zu, a range, is not known while loading", i + 1);
    }
    const int64_t count = tdnn_shape_count(&t[0]->shape);
    if (count != tdnn_shape_count(&t[1]->shape) || (axis < 0 && count != 1) ||
        (axis >= 0 && x->shape.dim[axis] >= 0 && x->shape.dim[axis] != count))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%lld ranges for %s", (long long)count,
                         axis < 0 ? "all" : "the axis");
    tdnn_shape shape = {.ndim = 0};
    for (int i = 0; axis >= 0 && i < x->shape.ndim; i++)
        shape.dim[shape.ndim++] = i == axis ? count : 1;
    for (size_t i = 0; i < 2; i++)
        if (tdnn_tensor_create(TDNN_F32, &shape, &made[i], err)) {
            if (i) tdnn_tensor_release(made[0]);
            return TDNN_NO_MEMORY(err);
        }
    tdnn_status status = TDNN_OK;
    for (int64_t k = 0; k < count && !status; k++) {
        double scale = 1, offset = 0;
        const double min = tdnn_tensor_get_f64(t[0], (size_t)k),
                     max = tdnn_tensor_get_f64(t[1], (size_t)k);
        status = isfinite(min) && isfinite(max)
                     ? mapping(c, tf_attr_text(c, "mode", "MIN_COMBINED"), x->dtype, min, max,
                               &scale, &offset, err)
                     : TDNN_FAIL(err, TDNN_ERR_FORMAT, "a range that is not finite");
        ((float *)made[0]->data)[k] = (float)scale;
        ((float *)made[1]->data)[k] = (float)offset;
    }
    if (status) {
        tdnn_tensor_release(made[0]);
        tdnn_tensor_release(made[1]);
        return status;
    }
    status = tdnn_graph_add_constant(c->scope->graph, NULL, made[0], scales, err);
    if (status) {
        tdnn_tensor_release(made[1]);
        return status;
    }
    return tdnn_graph_add_constant(c->scope->graph, NULL, made[1], offsets, err);
}

tdnn_status tf_import_dequantize(tf_call *c, tdnn_error *err)
{
    int64_t axis = tf_attr_int(c, "axis", -1);
    tf_value *x, *v;
    tdnn_id ids[2], offsets;
    TDNN_TRY(tf_input(c, 0, &x, err));
    if (axis != -1) TDNN_TRY(tf_axis(x, axis, &axis, err));
    ids[0] = x->id;
    if (axis >= 0) TDNN_TRY(tf_plain(c->scope, x, &ids[0], err));
    TDNN_TRY(ranges(c, x, axis, &ids[1], &offsets, err));
    TDNN_TRY(tf_cast(c, ids[0], TDNN_F32, &ids[0], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Mul, ids, 2, NULL, &ids[0], err));
    ids[1] = offsets;
    TDNN_TRY(tf_last(c, TDNN_OP_Add, ids, 2, NULL, &ids[0], err));
    TDNN_TRY(tf_value_like(c->scope, x, ids[0], &v, err));
    v->dtype = TDNN_F32;
    v->first = x->first && axis < 0;
    return tf_give(c, 0, v, err);
}

/* ---- FakeQuant ---- */

/* The range is moved until 0 is one of the steps; in single precision, as TensorFlow does it,
 * since a half is rounded. */
static void nudge(float min, float max, float steps, double *low, double *high, double *scale)
{
    const float step = (max - min) / steps, zero = -min / step;
    const float nudged = zero < 0 ? 0 : zero > steps ? steps : roundf(zero);
    *scale = (double)step;
    *low = (double)(-nudged * step);
    *high = (double)((steps - nudged) * step);
}

tdnn_status tf_import_fake_quant(tf_call *c, tdnn_error *err)
{
    double min = (double)tf_attr_float(c, "min", -6), max = (double)tf_attr_float(c, "max", 6),
           low, high, scale;
    const int64_t bits = tf_attr_int(c, "num_bits", 8);
    tf_value like, *v;
    tdnn_id ids[3], pair[2], id;
    if (bits < 2 || bits > 16)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "num_bits %lld, expected 2 to 16",
                         (long long)bits);
    if (tf_is(c->node, "FakeQuantWithMinMaxVars")) {
        TDNN_TRY(number(c, 1, "min", &min, err));
        TDNN_TRY(number(c, 2, "max", &max, err));
    }
    TDNN_TRY(tf_unify(c, 0, 1, ids, &like, err));
    const double steps =
        (double)((1 << bits) - (tf_attr_bool(c, "narrow_range", false) ? 2 : 1));
    if (!(max > min)) { /* TensorFlow's answer to an empty range */
        TDNN_TRY(tf_const_scalar(c, TDNN_F32, 0, &ids[1], err));
        TDNN_TRY(tf_last(c, TDNN_OP_Mul, ids, 2, NULL, &id, err));
    } else { /* floor((clip(x) - low) / scale + 1/2) scale + low */
        nudge((float)min, (float)max, (float)steps, &low, &high, &scale);
        TDNN_TRY(tf_const_scalar(c, TDNN_F32, low, &ids[1], err));
        TDNN_TRY(tf_const_scalar(c, TDNN_F32, high, &ids[2], err));
        const tdnn_id least = ids[1];
        TDNN_TRY(tf_inner(c, TDNN_OP_Clip, ids, 3, NULL, &pair[0], err));
        pair[1] = least;
        TDNN_TRY(tf_inner(c, TDNN_OP_Sub, pair, 2, NULL, &pair[0], err));
        TDNN_TRY(tf_const_scalar(c, TDNN_F32, 1 / (float)scale, &pair[1], err));
        TDNN_TRY(tf_inner(c, TDNN_OP_Mul, pair, 2, NULL, &pair[0], err));
        TDNN_TRY(tf_const_scalar(c, TDNN_F32, 0.5, &pair[1], err));
        TDNN_TRY(tf_inner(c, TDNN_OP_Add, pair, 2, NULL, &id, err));
        TDNN_TRY(tf_inner(c, TDNN_OP_Floor, &id, 1, NULL, &pair[0], err));
        TDNN_TRY(tf_const_scalar(c, TDNN_F32, scale, &pair[1], err));
        TDNN_TRY(tf_inner(c, TDNN_OP_Mul, pair, 2, NULL, &pair[0], err));
        pair[1] = least;
        TDNN_TRY(tf_last(c, TDNN_OP_Add, pair, 2, NULL, &id, err));
    }
    TDNN_TRY(tf_value_like(c->scope, &like, id, &v, err));
    return tf_give(c, 0, v, err);
}
