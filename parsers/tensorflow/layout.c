/* Orders of dimensions: which one a spatial operator has, and one order for all inputs of an
 * element-wise one; and blocks, into which TensorFlow cuts its images to dilate a convolution.
 */
#include "parsers/tensorflow/import.h"

#include <string.h>

bool tf_channels_last(const tf_call *c, bool *known)
{
    const char *format = tf_attr_text(c, "data_format", "NHWC");
    bool last =
        !strcmp(format, "NHWC") || !strcmp(format, "NDHWC") || !strcmp(format, "channels_last");
    *known = last || !strcmp(format, "NCHW") || !strcmp(format, "NCDHW") ||
             !strcmp(format, "channels_first");
    return last;
}

tdnn_status tf_spatial(const tf_call *c, size_t index, int ndim, tdnn_id *id, bool *last,
                       tdnn_error *err)
{
    bool known;
    tf_value *v;
    *last = tf_channels_last(c, &known);
    if (!known)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "data_format \"%s\"",
                         tf_attr_text(c, "data_format", ""));
    TDNN_TRY(tf_input(c, index, &v, err));
    if (*last) return tf_first(c->scope, v, ndim, id, err);
    if (v->shape.ndim >= 0 && v->shape.ndim != ndim)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "an input of %d dimensions, expected %d",
                         v->shape.ndim, ndim);
    return tf_plain(c->scope, v, id, err);
}

/* ---- Blocks ---- */

/* One of the block's pixels, of every block. */
static tdnn_status take_pixels(const tf_call *c, tdnn_id whole, const int64_t block[2],
                               const int64_t at[2], tdnn_id *out, tdnn_error *err)
{
    static const int64_t axes[2] = {2, 3}, ends[2] = {INT64_MAX, INT64_MAX};
    tdnn_id ids[5] = {whole};
    TDNN_TRY(tf_const_ints(c, at, 2, &ids[1], err));
    TDNN_TRY(tf_const_ints(c, ends, 2, &ids[2], err));
    TDNN_TRY(tf_const_ints(c, axes, 2, &ids[3], err));
    TDNN_TRY(tf_const_ints(c, block, 2, &ids[4], err));
    return tf_inner(c, TDNN_OP_Slice, ids, 5, NULL, out, err);
}

enum { MOST_BLOCK = 64 };

tdnn_status tf_unblocked(const tf_call *c, size_t index, tf_value **out, tdnn_error *err)
{
    tf_value *v = *out = c->inputs[index];
    if (!v->block[0]) return TDNN_OK;
    tdnn_id whole, parts[MOST_BLOCK], id;
    size_t count = 0;
    if (v->block[0] * v->block[1] > MOST_BLOCK)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "blocks of more than %d pixels",
                         MOST_BLOCK);
    TDNN_TRY(tf_first(c->scope, v, 4, &whole, err));
    for (int64_t y = 0; y < v->block[0]; y++)
        for (int64_t x = 0; x < v->block[1]; x++, count++)
            TDNN_TRY(take_pixels(c, whole, v->block, (int64_t[2]){y, x}, &parts[count], err));
    tdnn_node *node;
    TDNN_TRY(tf_inner(c, TDNN_OP_Concat, parts, count, &node, &id, err));
    ((tdnn_axis_params *)node->params)->axis = 0;
    tdnn_shape shape = tf_unknown_shape(4);
    shape.dim[3] = v->shape.ndim == 4 ? v->shape.dim[3] : -1;
    TDNN_TRY(tf_value_make(c->scope, id, v->dtype, &shape, out, err));
    (*out)->first = true;
    return TDNN_OK;
}

/* ---- Element-wise ---- */

static bool small(const tf_value *v) { return v->shape.ndim == 0 || v->shape.ndim == 1; }

static bool same_blocks(tf_value *const *v, size_t count)
{
    const tf_value *blocked = NULL;
    for (size_t i = 0; i < count; i++)
        if (v[i]->block[0] && !blocked) blocked = v[i];
    if (!blocked || !blocked->first) return false;
    for (size_t i = 0; i < count; i++)
        if (memcmp(v[i]->block, blocked->block, sizeof blocked->block) != 0 && !small(v[i]))
            return false;
    return true;
}

/* A vector goes along the last dimension, which lies second; what has fewer dimensions gets
 * ones in front. */
static tdnn_status widen(const tf_call *c, tf_value *v, int ndim, tdnn_id *out, tdnn_error *err)
{
    const int r = v->shape.ndim;
    if (r == 0 || v->first) {
        *out = v->id;
        return TDNN_OK;
    }
    if (r == ndim) return tf_first(c->scope, v, ndim, out, err);
    if (r == 1) {
        const int64_t dims[4] = {-1, 1, 1, 1};
        return tf_reshape(c, v->id, dims, (size_t)(ndim - 1), out, err);
    }
    int64_t axes[TDNN_MAX_DIMS], perm[TDNN_MAX_DIMS];
    for (int i = 0; i < ndim; i++) axes[i] = i;
    for (int i = 0; i < ndim; i++) perm[i] = i == 0 ? 0 : i == 1 ? ndim - 1 : i - 1;
    tdnn_id ids[2] = {v->id};
    TDNN_TRY(tf_const_ints(c, axes, (size_t)(ndim - r), &ids[1], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Unsqueeze, ids, 2, NULL, &ids[0], err));
    return tf_transpose(c, ids[0], perm, (size_t)ndim, out, err);
}

/* How many dimensions all have with channels first; 0 if they cannot or need not. */
static int first_rank(tf_value *const *v, size_t count)
{
    int ndim = 0;
    for (size_t i = 0; i < count; i++)
        if (v[i]->first) ndim = v[i]->shape.ndim;
    for (size_t i = 0; i < count; i++)
        if (v[i]->shape.ndim < 0 || v[i]->shape.ndim > ndim) return 0;
    return ndim;
}

tdnn_status tf_unify(const tf_call *c, size_t from, size_t count, tdnn_id *ids, tf_value *like,
                     tdnn_error *err)
{
    if (from + count > c->input_count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu inputs, expected %zu at least",
                         c->input_count, from + count);
    tf_value **v = tdnn_zone_alloc(c->scope->model->zone, count + 1, sizeof *v);
    if (!v) return TDNN_NO_MEMORY(err);
    const bool blocks = same_blocks(c->inputs + from, count);
    *like = (tf_value){.other = TDNN_ABSENT, .id = TDNN_ABSENT};
    for (size_t i = 0; i < count; i++) {
        v[i] = c->inputs[from + i];
        if (!blocks) TDNN_TRY(tf_unblocked(c, from + i, &v[i], err));
        like->shape = i ? tf_shape_broadcast(&like->shape, &v[i]->shape) : v[i]->shape;
        if (!like->dtype) like->dtype = v[i]->dtype;
        if (blocks && v[i]->block[0]) memcpy(like->block, v[i]->block, sizeof like->block);
    }
    const int ndim = first_rank(v, count);
    like->first = ndim > 0;
    for (size_t i = 0; i < count; i++)
        TDNN_TRY(ndim ? widen(c, v[i], ndim, &ids[i], err)
                      : tf_plain(c->scope, v[i], &ids[i], err));
    return TDNN_OK;
}
