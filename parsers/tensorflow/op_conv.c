/* Convolutions and pooling. TensorFlow's filters are height, width, in, out; its SAME padding puts the
 * odd pixel at the end. SpaceToBatchND around a convolution is how TensorFlow 1 wrote dilation. */
#include "parsers/tensorflow/ops.h"

#include <string.h>

enum { MOST_SPACE = 3 };

/* Height and width, and depth before them, out of a list over all dimensions. */
static tdnn_status spatial_list(const tf_call *c, const char *name, int space, bool last, int64_t *out,
                                tdnn_error *err)
{
    const int64_t *at;
    size_t count;
    for (int i = 0; i < space; i++) out[i] = 1;
    TDNN_TRY(tf_attr_ints(c, name, &at, &count, err));
    if (!count) return TDNN_OK;
    if (count == 1) {
        for (int i = 0; i < space; i++) out[i] = at[0];
    } else if (count == (size_t)space + 2) {
        if (at[0] != 1 || at[last ? space + 1 : 1] != 1)
            return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "%s over batch or channels", name);
        for (int i = 0; i < space; i++) out[i] = at[i + (last ? 1 : 2)];
    } else {
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%s has %zu numbers, expected %d", name, count, space + 2);
    }
    for (int i = 0; i < space; i++)
        if (out[i] < 1)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%s has %lld, expected 1 or more", name,
                             (long long)out[i]);
    return TDNN_OK;
}

static tdnn_status explicit_pads(const tf_call *c, int space, bool last, tdnn_window *w, tdnn_error *err)
{
    const int64_t *at;
    size_t count;
    int64_t pads[2 * MOST_SPACE];
    TDNN_TRY(tf_attr_ints(c, "explicit_paddings", &at, &count, err));
    if (count != (size_t)(2 * space + 4))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "explicit_paddings has %zu numbers, expected %d", count,
                         2 * space + 4);
    for (int i = 0; i < space; i++) {
        pads[i] = at[2 * (i + (last ? 1 : 2))];
        pads[space + i] = at[2 * (i + (last ? 1 : 2)) + 1];
        if (pads[i] < 0 || pads[space + i] < 0)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "explicit_paddings has a negative number");
    }
    return tdnn_graph_ints(c->scope->graph, pads, 2 * (size_t)space, &w->pads, err);
}

static tdnn_status set_padding(const tf_call *c, int space, bool last, tdnn_window *w, tdnn_error *err)
{
    const char *padding = tf_attr_text(c, "padding", "");
    if (!strcmp(padding, "SAME")) w->auto_pad = TDNN_PAD_SAME_UPPER;
    else if (!strcmp(padding, "VALID")) w->auto_pad = TDNN_PAD_VALID;
    else if (!strcmp(padding, "EXPLICIT")) return explicit_pads(c, space, last, w, err);
    else
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "padding \"%s\", expected SAME, VALID or EXPLICIT",
                         padding);
    return TDNN_OK;
}

static tdnn_status set_window(const tf_call *c, int space, bool last, tdnn_window *w, tdnn_error *err)
{
    int64_t list[MOST_SPACE];
    tdnn_graph *graph = c->scope->graph;
    TDNN_TRY(spatial_list(c, "strides", space, last, list, err));
    TDNN_TRY(tdnn_graph_ints(graph, list, (size_t)space, &w->strides, err));
    TDNN_TRY(spatial_list(c, "dilations", space, last, list, err));
    TDNN_TRY(tdnn_graph_ints(graph, list, (size_t)space, &w->dilations, err));
    return set_padding(c, space, last, w, err);
}

/* The result of a spatial call: N, outer dimensions not known, `channels`. */
static tdnn_status give_spatial(const tf_call *c, tdnn_id id, int ndim, bool last, int64_t channels,
                                tf_value **out, tdnn_error *err)
{
    tf_value *v;
    tdnn_shape shape = tf_unknown_shape(ndim);
    shape.dim[last ? ndim - 1 : 1] = channels;
    TDNN_TRY(tf_give_new(c, 0, id, c->inputs[0]->dtype, &shape, &v, err));
    v->first = last;
    if (out) *out = v;
    return TDNN_OK;
}

static int64_t channels_of(const tf_value *v, bool last)
{
    if (v->shape.ndim < 3) return -1;
    return v->shape.dim[last ? v->shape.ndim - 1 : 1];
}

/* ---- Convolution ---- */

static tdnn_status filter_of(const tf_call *c, size_t index, int space, tf_value **w, tdnn_error *err)
{
    TDNN_TRY(tf_input(c, index, w, err));
    if ((*w)->shape.ndim != space + 2)
        return TDNN_FAIL(err, (*w)->shape.ndim < 0 ? TDNN_ERR_UNSUPPORTED : TDNN_ERR_SHAPE,
                         "a filter of %d dimensions, expected %d", (*w)->shape.ndim, space + 2);
    for (int i = 0; i < space + 2; i++)
        if ((*w)->shape.dim[i] == 0) return TDNN_FAIL(err, TDNN_ERR_SHAPE, "a filter without elements");
    return TDNN_OK;
}

static tdnn_status set_group(const tf_value *x, bool last, const tf_value *w, int space,
                             tdnn_conv_params *p, tdnn_error *err)
{
    const int64_t in = channels_of(x, last), each = w->shape.dim[space];
    if (in < 0 || each < 0 || in == each) return TDNN_OK;
    if (in % each != 0)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%lld channels, expected a multiple of the filter's %lld",
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
    const int64_t dilations[2] = {w->dilations.at[0] * x->block[0], w->dilations.at[1] * x->block[1]};
    return tdnn_graph_ints(c->scope->graph, dilations, 2, &w->dilations, err);
}

/* True if the call's input is in blocks and may stay so. */
static bool keeps_blocks(const tf_call *c)
{
    const tf_value *x = c->inputs[0];
    const int64_t *at;
    size_t count;
    if (!x->block[0] || !x->first || strcmp(tf_attr_text(c, "padding", ""), "VALID") != 0) return false;
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

static tdnn_status finish_conv(const tf_call *c, const tdnn_id ids[2], int space, bool last, bool blocks,
                               tdnn_node **node, tf_value **out, int64_t channels, tdnn_error *err)
{
    tdnn_id id;
    TDNN_TRY(tf_last(c, TDNN_OP_Conv, ids, 2, node, &id, err));
    tdnn_conv_params *p = (*node)->params;
    TDNN_TRY(set_window(c, space, last, &p->window, err));
    if (blocks) TDNN_TRY(dilate(c, c->inputs[0], &p->window, err));
    TDNN_TRY(give_spatial(c, id, space + 2, last, channels, out, err));
    if (blocks) memcpy((*out)->block, c->inputs[0]->block, sizeof (*out)->block);
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
    TDNN_TRY(tf_transpose(c, ids[1], space == 2 ? flat : deep, (size_t)space + 2, &ids[1], err));
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
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a filter whose shape is not known while loading");
    int64_t out;
    if (__builtin_mul_overflow(d[2], d[3], &out)) return TDNN_FAIL(err, TDNN_ERR_LIMIT, "too many channels");
    const int64_t dims[4] = {out, 1, d[0], d[1]};
    TDNN_TRY(tf_plain(c->scope, w, &ids[1], err));
    TDNN_TRY(tf_transpose(c, ids[1], perm, 4, &ids[1], err));
    TDNN_TRY(tf_reshape(c, ids[1], dims, 4, &ids[1], err));
    TDNN_TRY(finish_conv(c, ids, 2, last, blocks, &node, &v, out, err));
    ((tdnn_conv_params *)node->params)->group = d[2];
    return TDNN_OK;
}

/* ---- Transposed convolution ---- */

/* How one dimension is cut or extended so that the result has the size that TensorFlow's forward
 * convolution would have come from. `out` -1: the size is not known, and is what Keras makes it. */
static void transpose_edges(int64_t out, int64_t extent, int64_t stride, bool same, int64_t *begin,
                            int64_t *end, int64_t *extra)
{
    *begin = *end = *extra = 0;
    int64_t surplus; /* of the whole product over what is wanted */
    if (out < 0) surplus = same ? extent - stride : extent > stride ? 0 : extent - stride;
    else if (same) surplus = ((out + stride - 1) / stride - 1) * stride + extent - out;
    else surplus = (out - extent) / stride * stride + extent - out;
    if (surplus < 0) *extra = -surplus;
    else {
        *begin = surplus / 2;
        *end = surplus - surplus / 2;
    }
}

static tdnn_status set_edges(const tf_call *c, const tf_value *w, int space, bool last,
                             tdnn_conv_transpose_params *p, tdnn_error *err)
{
    int64_t pads[2 * MOST_SPACE], extra[MOST_SPACE];
    const tf_value *size = c->inputs[0];
    const bool same = p->window.auto_pad == TDNN_PAD_SAME_UPPER;
    tdnn_graph *graph = c->scope->graph;
    const bool known = size->known && size->known_count == (size_t)space + 2;
    if (p->window.pads.count) return TDNN_OK; /* EXPLICIT */
    for (int i = 0; i < space; i++) {
        const int64_t dilated = (w->shape.dim[i] - 1) * p->window.dilations.at[i] + 1;
        int64_t out = known ? size->known[i + (last ? 1 : 2)] : -1;
        if (w->shape.dim[i] < 0 || w->shape.dim[i] > INT32_MAX || out > INT32_MAX)
            return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a filter or size that is not known while loading");
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
    TDNN_TRY(tf_transpose(c, ids[1], space == 2 ? flat : deep, (size_t)space + 2, &ids[1], err));
    TDNN_TRY(tf_last(c, TDNN_OP_ConvTranspose, ids, 2, &node, &id, err));
    tdnn_conv_transpose_params *p = node->params;
    TDNN_TRY(set_window(c, space, last, &p->window, err));
    TDNN_TRY(set_edges(c, w, space, last, p, err));
    TDNN_TRY(give_spatial(c, id, space + 2, last, w->shape.dim[space], &v, err));
    v->dtype = c->inputs[2]->dtype;
    return TDNN_OK;
}

/* ---- Pooling ---- */

tdnn_status tf_import_pool(tf_call *c, tdnn_error *err)
{
    const int space = c->node->op->flags & TF_VOLUME ? 3 : 2;
    int64_t list[MOST_SPACE];
    bool last;
    tdnn_id in, id;
    tdnn_node *node;
    TDNN_TRY(tf_spatial(c, 0, space + 2, &in, &last, err));
    TDNN_TRY(tf_last(c, c->node->op->kind, &in, 1, &node, &id, err));
    tdnn_pool_params *p = node->params;
    TDNN_TRY(spatial_list(c, "ksize", space, last, list, err));
    TDNN_TRY(tdnn_graph_ints(c->scope->graph, list, (size_t)space, &p->window.kernel_shape, err));
    TDNN_TRY(spatial_list(c, "strides", space, last, list, err));
    TDNN_TRY(tdnn_graph_ints(c->scope->graph, list, (size_t)space, &p->window.strides, err));
    TDNN_TRY(set_padding(c, space, last, &p->window, err));
    return give_spatial(c, id, space + 2, last, channels_of(c->inputs[0], last), NULL, err);
}

/* ---- Blocks ---- */

/* Numbers of a constant with two in each row. */
static tdnn_status block_arguments(const tf_call *c, const int64_t **block, const int64_t **edges,
                                   tdnn_error *err)
{
    size_t count, edge_count;
    TDNN_TRY(tf_input_ints(c, 1, "block_shape", block, &count, err));
    TDNN_TRY(tf_input_ints(c, 2, "paddings or crops", edges, &edge_count, err));
    if (count != 2 || edge_count != 4)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "blocks of %zu dimensions, expected 2", count);
    for (int i = 0; i < 2; i++)
        if ((*block)[i] < 1 || (*block)[i] > 4096)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a block of %lld, expected 1 or more",
                             (long long)(*block)[i]);
    for (int i = 0; i < 4; i++)
        if ((*edges)[i] < 0) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a negative padding or crop");
    return TDNN_OK;
}

/* The image is only padded here; its consumers take blocks if they must. */
tdnn_status tf_import_space_to_batch(tf_call *c, tdnn_error *err)
{
    const int64_t *block, *edges;
    tf_value *x, *v;
    tdnn_id ids[2], id;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(block_arguments(c, &block, &edges, err));
    TDNN_TRY(tf_first(c->scope, x, 4, &ids[0], err));
    const int64_t pads[8] = {0, 0, edges[0], edges[2], 0, 0, edges[1], edges[3]};
    TDNN_TRY(tf_const_ints(c, pads, 8, &ids[1], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Pad, ids, 2, NULL, &id, err));
    TDNN_TRY(give_spatial(c, id, 4, true, channels_of(x, true), &v, err));
    if (block[0] > 1 || block[1] > 1) memcpy(v->block, block, sizeof v->block);
    return TDNN_OK;
}

static tdnn_status crop(const tf_call *c, tdnn_id in, const int64_t edges[4], tdnn_id *out,
                        tdnn_error *err)
{
    static const int64_t axes[2] = {2, 3};
    const int64_t begins[2] = {edges[0], edges[2]};
    const int64_t ends[2] = {edges[1] ? -edges[1] : INT64_MAX, edges[3] ? -edges[3] : INT64_MAX};
    tdnn_id ids[4] = {in};
    TDNN_TRY(tf_const_ints(c, begins, 2, &ids[1], err));
    TDNN_TRY(tf_const_ints(c, ends, 2, &ids[2], err));
    TDNN_TRY(tf_const_ints(c, axes, 2, &ids[3], err));
    return tf_last(c, TDNN_OP_Slice, ids, 4, NULL, out, err);
}

/* Puts `count` images side by side, column by column: NCHW and their number, to NCH(W count). */
static tdnn_status interleave(const tf_call *c, const tdnn_id *parts, size_t count, tdnn_id *out,
                              tdnn_error *err)
{
    static const int64_t join[4] = {0, 0, 0, -1};
    tdnn_id wide[64], axis;
    const int64_t behind = 4;
    tdnn_node *node;
    TDNN_TRY(tf_const_ints(c, &behind, 1, &axis, err));
    for (size_t i = 0; i < count; i++)
        TDNN_TRY(tf_inner(c, TDNN_OP_Unsqueeze, (tdnn_id[2]){parts[i], axis}, 2, NULL, &wide[i], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Concat, wide, count, &node, out, err));
    ((tdnn_axis_params *)node->params)->axis = 4;
    return tf_reshape(c, *out, join, 4, out, err);
}

static tdnn_status join_blocks(const tf_call *c, tdnn_id in, const int64_t block[2], tdnn_id *out,
                               tdnn_error *err)
{
    static const int64_t swap[4] = {0, 1, 3, 2};
    const size_t rows = (size_t)block[0], columns = (size_t)block[1];
    tdnn_id lines[64];
    tdnn_node *node;
    if (rows * columns > 64) return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "blocks of more than 64 pixels");
    TDNN_TRY(tdnn_graph_add_node(c->scope->graph, TDNN_OP_Split, c->name, 1, rows * columns, &node, err));
    node->inputs[0] = in;
    TDNN_TRY(tf_set_int(c, node, "num_outputs", (int64_t)(rows * columns), err));
    for (size_t i = 0; i < rows * columns; i++)
        TDNN_TRY(tdnn_graph_add_value(c->scope->graph, NULL, &node->outputs[i], err));
    for (size_t y = 0; y < rows; y++) {
        TDNN_TRY(interleave(c, node->outputs + y * columns, columns, &lines[y], err));
        TDNN_TRY(tf_transpose(c, lines[y], swap, 4, &lines[y], err));
    }
    TDNN_TRY(interleave(c, lines, rows, out, err));
    return tf_transpose(c, *out, swap, 4, out, err);
}

tdnn_status tf_import_batch_to_space(tf_call *c, tdnn_error *err)
{
    static const int64_t whole[4] = {0};
    const int64_t *block = c->input_count ? c->inputs[0]->block : NULL, *edges = whole;
    tf_value *x = c->input_count ? c->inputs[0] : NULL, *v;
    tdnn_id id;
    if (!x) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "no input, expected 3");
    /* In a text made for OpenCV the two other inputs may be left out. */
    if (c->input_count > 1) TDNN_TRY(block_arguments(c, &block, &edges, err));
    if (x->block[0] && x->first && !memcmp(x->block, block, sizeof x->block)) {
        id = x->id;
    } else {
        TDNN_TRY(tf_input(c, 0, &x, err));
        if (c->input_count == 1) return tf_give(c, 0, x, err);
        TDNN_TRY(tf_first(c->scope, x, 4, &id, err));
        if (block[0] > 1 || block[1] > 1) TDNN_TRY(join_blocks(c, id, block, &id, err));
    }
    if (edges[0] || edges[1] || edges[2] || edges[3]) TDNN_TRY(crop(c, id, edges, &id, err));
    return give_spatial(c, id, 4, true, channels_of(x, true), &v, err);
}
