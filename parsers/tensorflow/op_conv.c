/* Convolutions. TensorFlow's filters are height, width, in, out. SpaceToBatchND around a
 * convolution is how TensorFlow 1 wrote dilation. */
#include "parsers/tensorflow/ops.h"

#include <string.h>

/* ---- Convolution ---- */

static tdnn_status filter_of(const tf_call *c, size_t index, int space, tf_value **w,
                             tdnn_error *err)
{
    TDNN_TRY(tf_input(c, index, w, err));
    if ((*w)->shape.ndim != space + 2)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "a filter of %d dimensions, expected %d", (*w)->shape.ndim, space + 2);
    for (int i = 0; i < space + 2; i++)
        if ((*w)->shape.dim[i] == 0)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "a filter without elements");
    return TDNN_OK;
}

static tdnn_status set_group(const tf_value *x, bool last, const tf_value *w, int space,
                             tdnn_conv_params *p, tdnn_error *err)
{
    const int64_t in = tf_channels(x, last), each = w->shape.dim[space];
    if (in < 0 || each < 0 || in == each) return TDNN_OK;
    if (in % each != 0)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "%lld channels, expected a multiple of the filter's %lld",
                         (long long)in, (long long)each);
    p->group = in / each;
    return TDNN_OK;
}

/* A convolution of blocks is a dilated one of the whole image. */
static tdnn_status dilate(const tf_call *c, const tf_value *x, tdnn_window *w, tdnn_error *err)
{
    for (int i = 0; i < 2; i++)
        if (w->strides.at[i] != 1 || w->auto_pad != TDNN_PAD_VALID)
            return TDNN_FAIL(err, TDNN_ERR_INTERNAL, "a convolution of blocks");
    const int64_t dilations[2] = {w->dilations.at[0] * x->block[0],
                                  w->dilations.at[1] * x->block[1]};
    return tdnn_graph_ints(c->scope->graph, dilations, 2, &w->dilations, err);
}

/* True if the call's input is in blocks and may stay so. */
static bool keeps_blocks(const tf_call *c)
{
    const tf_value *x = c->inputs[0];
    const int64_t *at;
    size_t count;
    if (!x->block[0] || !x->first || strcmp(tf_attr_text(c, "padding", ""), "VALID") != 0)
        return false;
    if (tf_attr_ints(c, "strides", &at, &count, NULL)) return false;
    for (size_t i = 0; i < count; i++)
        if (at[i] != 1) return false;
    return true;
}

static tdnn_status conv_input(const tf_call *c, int ndim, tdnn_id *id, bool *last, bool *blocks,
                              tdnn_error *err)
{
    if (!c->input_count) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "no input, expected 2");
    *blocks = ndim == 4 && keeps_blocks(c);
    if (!*blocks) return tf_spatial(c, 0, ndim, id, last, err);
    *last = true;
    *id = c->inputs[0]->id;
    return TDNN_OK;
}

static tdnn_status finish_conv(const tf_call *c, const tdnn_id ids[2], int space, bool last,
                               bool blocks, tdnn_node **node, tf_value **out, int64_t channels,
                               tdnn_error *err)
{
    tdnn_id id;
    TDNN_TRY(tf_last(c, TDNN_OP_Conv, ids, 2, node, &id, err));
    tdnn_conv_params *p = (*node)->params;
    TDNN_TRY(tf_set_window(c, space, last, &p->window, err));
    if (blocks) TDNN_TRY(dilate(c, c->inputs[0], &p->window, err));
    TDNN_TRY(tf_give_spatial(c, id, space + 2, last, channels, out, err));
    if (blocks) memcpy((*out)->block, c->inputs[0]->block, sizeof(*out)->block);
    return TDNN_OK;
}

/* Conv2D, Conv3D. */
tdnn_status tf_import_conv(tf_call *c, tdnn_error *err)
{
    static const int64_t flat[4] = {3, 2, 0, 1}, deep[5] = {4, 3, 0, 1, 2};
    const int space = c->node->op->flags & TF_VOLUME ? 3 : 2;
    bool last, blocks;
    tdnn_id ids[2];
    tf_value *w, *v;
    tdnn_node *node;
    TDNN_TRY(conv_input(c, space + 2, &ids[0], &last, &blocks, err));
    TDNN_TRY(filter_of(c, 1, space, &w, err));
    TDNN_TRY(tf_plain(c->scope, w, &ids[1], err));
    TDNN_TRY(
        tf_transpose(c, ids[1], space == 2 ? flat : deep, (size_t)space + 2, &ids[1], err));
    if (tf_locations_transposed(c->node))
        TDNN_TRY(tf_swap_locations(c, &ids[1], w->shape.dim[space + 1], err));
    TDNN_TRY(finish_conv(c, ids, space, last, blocks, &node, &v, w->shape.dim[space + 1], err));
    return set_group(c->inputs[0], last, w, space, node->params, err);
}

/* Filters are height, width, channels, multiplier. */
tdnn_status tf_import_depthwise(tf_call *c, tdnn_error *err)
{
    static const int64_t perm[4] = {2, 3, 0, 1};
    bool last, blocks;
    tdnn_id ids[2];
    tf_value *w, *v;
    tdnn_node *node;
    TDNN_TRY(conv_input(c, 4, &ids[0], &last, &blocks, err));
    TDNN_TRY(filter_of(c, 1, 2, &w, err));
    const int64_t *d = w->shape.dim;
    if (d[0] < 0 || d[1] < 0 || d[2] < 0 || d[3] < 0)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "a filter whose shape is not known while loading");
    int64_t out;
    if (__builtin_mul_overflow(d[2], d[3], &out))
        return TDNN_FAIL(err, TDNN_ERR_LIMIT, "too many channels");
    const int64_t dims[4] = {out, 1, d[0], d[1]};
    TDNN_TRY(tf_plain(c->scope, w, &ids[1], err));
    TDNN_TRY(tf_transpose(c, ids[1], perm, 4, &ids[1], err));
    TDNN_TRY(tf_reshape(c, ids[1], dims, 4, &ids[1], err));
    TDNN_TRY(finish_conv(c, ids, 2, last, blocks, &node, &v, out, err));
    ((tdnn_conv_params *)node->params)->group = d[2];
    return TDNN_OK;
}

/* ---- Transposed convolution ---- */

/* How one dimension is cut or extended so that the result has the size that TensorFlow's
 * forward convolution would have come from. `out` -1: the size is not known, and is what Keras
 * makes it. */
static void transpose_edges(int64_t out, int64_t extent, int64_t stride, bool same,
                            int64_t *begin, int64_t *end, int64_t *extra)
{
    *begin = *end = *extra = 0;
    int64_t surplus; /* of the whole product over what is wanted */
    if (out < 0)
        surplus = same ? extent - stride : extent > stride ? 0 : extent - stride;
    else if (same)
        surplus = ((out + stride - 1) / stride - 1) * stride + extent - out;
    else
        surplus = (out - extent) / stride * stride + extent - out;
    if (surplus < 0)
        *extra = -surplus;
    else {
        *begin = surplus / 2;
        *end = surplus - surplus / 2;
    }
}

static tdnn_status set_edges(const tf_call *c, const tf_value *w, int space, bool last,
                             tdnn_conv_transpose_params *p, tdnn_error *err)
{
    int64_t pads[2 * TF_MOST_SPACE], extra[TF_MOST_SPACE];
    const tf_value *size = c->inputs[0];
    const bool same = p->window.auto_pad == TDNN_PAD_SAME_UPPER;
    tdnn_graph *graph = c->scope->graph;
    const bool known = size->known && size->known_count == (size_t)space + 2;
    if (p->window.pads.count) return TDNN_OK; /* EXPLICIT */
    for (int i = 0; i < space; i++) {
        const int64_t dilated = (w->shape.dim[i] - 1) * p->window.dilations.at[i] + 1;
        int64_t out = known ? size->known[i + (last ? 1 : 2)] : -1;
        if (w->shape.dim[i] < 0 || w->shape.dim[i] > INT32_MAX || out > INT32_MAX)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                             "a filter or size that is not known while loading");
        transpose_edges(out, dilated, p->window.strides.at[i], same, &pads[i], &pads[space + i],
                        &extra[i]);
    }
    p->window.auto_pad = TDNN_PAD_NOTSET;
    TDNN_TRY(tdnn_graph_ints(graph, pads, 2 * (size_t)space, &p->window.pads, err));
    return tdnn_graph_ints(graph, extra, (size_t)space, &p->output_padding, err);
}

/* Conv2DBackpropInput, Conv3DBackpropInputV2: output size, filter, what is to be spread. */
tdnn_status tf_import_conv_transpose(tf_call *c, tdnn_error *err)
{
    static const int64_t flat[4] = {3, 2, 0, 1}, deep[5] = {4, 3, 0, 1, 2};
    const int space = c->node->op->flags & TF_VOLUME ? 3 : 2;
    bool last;
    tdnn_id ids[2], id;
    tf_value *w, *v;
    tdnn_node *node;
    TDNN_TRY(tf_spatial(c, 2, space + 2, &ids[0], &last, err));
    TDNN_TRY(filter_of(c, 1, space, &w, err));
    TDNN_TRY(tf_plain(c->scope, w, &ids[1], err));
    TDNN_TRY(
        tf_transpose(c, ids[1], space == 2 ? flat : deep, (size_t)space + 2, &ids[1], err));
    TDNN_TRY(tf_last(c, TDNN_OP_ConvTranspose, ids, 2, &node, &id, err));
    tdnn_conv_transpose_params *p = node->params;
    TDNN_TRY(tf_set_window(c, space, last, &p->window, err));
    TDNN_TRY(set_edges(c, w, space, last, p, err));
    TDNN_TRY(tf_give_spatial(c, id, space + 2, last, w->shape.dim[space], &v, err));
    v->dtype = c->inputs[2]->dtype;
    return TDNN_OK;
}
