/* SpaceToBatchND and back. Around a convolution of images they are how TensorFlow 1 wrote
 * dilation: there the blocks stay pending (tf_value.block). Of other ranks each place of a
 * block is taken by a slice with steps. */
#include "parsers/tensorflow/ops.h"

#include <string.h>

enum { MOST_DIMS = 4, MOST_PLACES = 64, MOST_BLOCK = 4096 };

typedef struct blocks {
    const int64_t *block, *edges; /* of each dimension; two for each dimension */
    size_t count;
    size_t places; /* in a block */
} blocks;

static tdnn_status read_blocks(const tf_call *c, blocks *b, tdnn_error *err)
{
    size_t edge_count;
    TDNN_TRY(tf_input_ints(c, 1, "block_shape", &b->block, &b->count, err));
    TDNN_TRY(tf_input_ints(c, 2, "paddings or crops", &b->edges, &edge_count, err));
    if (!b->count || b->count > MOST_DIMS || edge_count != 2 * b->count)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "blocks of %zu dimensions with %zu edges",
                         b->count, edge_count);
    b->places = 1;
    for (size_t i = 0; i < b->count; i++) {
        if (b->block[i] < 1 || b->block[i] > MOST_BLOCK)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a block of %lld, expected 1 or more",
                             (long long)b->block[i]);
        if (b->places <= MOST_PLACES) b->places *= (size_t)b->block[i];
    }
    for (size_t i = 0; i < edge_count; i++)
        if (b->edges[i] < 0 || b->edges[i] > INT32_MAX)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a padding or crop of %lld",
                             (long long)b->edges[i]);
    return TDNN_OK;
}

static bool is_image(const blocks *b, const tf_value *x)
{
    return b->count == 2 && (x->shape.ndim == 4 || x->shape.ndim < 0);
}

/* Of other ranks: what must be known of them. */
static tdnn_status check_rank(const blocks *b, const tf_value *x, tdnn_error *err)
{
    if (b->places > MOST_PLACES)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "blocks of more than %d places",
                         MOST_PLACES);
    if (x->shape.ndim <= (int)b->count)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "an input of %d dimensions for blocks of %zu", x->shape.ndim,
                         b->count);
    return TDNN_OK;
}

/* ---- Space to batch ---- */

static tdnn_status pad_edges(const tf_call *c, const blocks *b, int ndim, int64_t first,
                             tdnn_id in, bool last, tdnn_id *out, tdnn_error *err)
{
    int64_t pads[2 * TDNN_MAX_DIMS] = {0};
    tdnn_id ids[2] = {in};
    for (size_t i = 0; i < b->count; i++) {
        pads[(size_t)first + i] = b->edges[2 * i];
        pads[(size_t)(ndim + first) + i] = b->edges[2 * i + 1];
    }
    TDNN_TRY(tf_const_ints(c, pads, 2 * (size_t)ndim, &ids[1], err));
    return last ? tf_last(c, TDNN_OP_Pad, ids, 2, NULL, out, err)
                : tf_inner(c, TDNN_OP_Pad, ids, 2, NULL, out, err);
}

/* One place of each block, of all dimensions. */
static tdnn_status take_place(const tf_call *c, const blocks *b, tdnn_id in, size_t place,
                              tdnn_id *out, tdnn_error *err)
{
    int64_t begins[MOST_DIMS], ends[MOST_DIMS], axes[MOST_DIMS];
    tdnn_id ids[5] = {in};
    for (size_t i = b->count; i-- > 0;) {
        begins[i] = (int64_t)(place % (size_t)b->block[i]);
        place /= (size_t)b->block[i];
        ends[i] = INT64_MAX;
        axes[i] = (int64_t)i + 1;
    }
    TDNN_TRY(tf_const_ints(c, begins, b->count, &ids[1], err));
    TDNN_TRY(tf_const_ints(c, ends, b->count, &ids[2], err));
    TDNN_TRY(tf_const_ints(c, axes, b->count, &ids[3], err));
    TDNN_TRY(tf_const_ints(c, b->block, b->count, &ids[4], err));
    return tf_inner(c, TDNN_OP_Slice, ids, 5, NULL, out, err);
}

/* The image is only padded here; its consumers take blocks if they must. */
static tdnn_status image_to_blocks(const tf_call *c, const blocks *b, tf_value *x,
                                   tdnn_error *err)
{
    tdnn_id id;
    tf_value *v;
    TDNN_TRY(tf_first(c->scope, x, 4, &id, err));
    TDNN_TRY(pad_edges(c, b, 4, 2, id, true, &id, err));
    TDNN_TRY(tf_give_spatial(c, id, 4, true, tf_channels(x, true), &v, err));
    if (b->places > 1) memcpy(v->block, b->block, sizeof v->block);
    return TDNN_OK;
}

tdnn_status tf_import_space_to_batch(tf_call *c, tdnn_error *err)
{
    blocks b;
    tf_value *x;
    tdnn_id id, parts[MOST_PLACES];
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(read_blocks(c, &b, err));
    if (is_image(&b, x)) return image_to_blocks(c, &b, x, err);
    TDNN_TRY(check_rank(&b, x, err));
    TDNN_TRY(tf_plain(c->scope, x, &id, err));
    TDNN_TRY(pad_edges(c, &b, x->shape.ndim, 1, id, false, &id, err));
    for (size_t i = 0; i < b.places; i++) TDNN_TRY(take_place(c, &b, id, i, &parts[i], err));
    TDNN_TRY(tf_concat(c, parts, b.places, 0, &id, err));
    tdnn_shape shape = x->shape;
    for (size_t i = 0; i <= b.count; i++) shape.dim[i] = -1;
    return tf_give_new(c, 0, id, x->dtype, &shape, NULL, err);
}

/* ---- Batch to space ---- */

static tdnn_status crop(const tf_call *c, const blocks *b, tdnn_id in, int64_t first,
                        tdnn_id *out, tdnn_error *err)
{
    int64_t begins[MOST_DIMS], ends[MOST_DIMS], axes[MOST_DIMS];
    tdnn_id ids[4] = {in};
    for (size_t i = 0; i < b->count; i++) {
        begins[i] = b->edges[2 * i];
        ends[i] = b->edges[2 * i + 1] ? -b->edges[2 * i + 1] : INT64_MAX;
        axes[i] = (int64_t)i + first;
    }
    TDNN_TRY(tf_const_ints(c, begins, b->count, &ids[1], err));
    TDNN_TRY(tf_const_ints(c, ends, b->count, &ids[2], err));
    TDNN_TRY(tf_const_ints(c, axes, b->count, &ids[3], err));
    return tf_last(c, TDNN_OP_Slice, ids, 4, NULL, out, err);
}

/* Puts `count` tensors side by side, element by element of a dimension: in the last place it
 * can be merged with the one that tells them apart without knowing its size. */
static tdnn_status interleave(const tf_call *c, const tdnn_id *parts, size_t count, int ndim,
                              int64_t axis, tdnn_id *out, tdnn_error *err)
{
    int64_t perm[TDNN_MAX_DIMS], join[TDNN_MAX_DIMS] = {0};
    const int64_t behind = ndim;
    tdnn_id wide[MOST_PLACES], at;
    for (int64_t i = 0; i < ndim; i++) perm[i] = i;
    perm[axis] = ndim - 1, perm[ndim - 1] = axis;
    join[ndim - 1] = -1;
    TDNN_TRY(tf_const_ints(c, &behind, 1, &at, err));
    for (size_t i = 0; i < count; i++) {
        wide[i] = parts[i];
        if (axis != ndim - 1)
            TDNN_TRY(tf_transpose(c, wide[i], perm, (size_t)ndim, &wide[i], err));
        TDNN_TRY(tf_two(c, TDNN_OP_Unsqueeze, wide[i], at, &wide[i], err));
    }
    TDNN_TRY(tf_concat(c, wide, count, behind, out, err));
    TDNN_TRY(tf_reshape(c, *out, join, (size_t)ndim, out, err));
    return axis != ndim - 1 ? tf_transpose(c, *out, perm, (size_t)ndim, out, err) : TDNN_OK;
}

/* Dimension by dimension, the last one first; `first` is where the first of them lies. */
static tdnn_status join_blocks(const tf_call *c, const blocks *b, tdnn_id in, int ndim,
                               int64_t first, tdnn_id *out, tdnn_error *err)
{
    tdnn_id parts[MOST_PLACES];
    tdnn_node *node;
    size_t left = b->places;
    TDNN_TRY(tdnn_graph_add_node(c->scope->graph, TDNN_OP_Split, c->name, 1, left, &node, err));
    node->inputs[0] = in;
    TDNN_TRY(tf_set_int(c, node, "num_outputs", (int64_t)left, err));
    for (size_t i = 0; i < left; i++) {
        TDNN_TRY(tdnn_graph_add_value(c->scope->graph, NULL, &parts[i], err));
        node->outputs[i] = parts[i];
    }
    for (size_t d = b->count; d-- > 0;) {
        const size_t each = (size_t)b->block[d];
        left /= each;
        for (size_t i = 0; i < left && each > 1; i++)
            TDNN_TRY(interleave(c, parts + i * each, each, ndim, first + (int64_t)d, &parts[i],
                                err));
    }
    *out = parts[0];
    return TDNN_OK;
}

/* In a text made for OpenCV the two other inputs may be left out. */
tdnn_status tf_import_batch_to_space(tf_call *c, tdnn_error *err)
{
    static const int64_t nothing[4] = {0};
    tf_value *x = c->input_count ? c->inputs[0] : NULL, *v;
    tdnn_id id;
    if (!x) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "no input, expected 3");
    blocks b = {.block = x->block, .edges = nothing, .count = 2, .places = 1};
    if (c->input_count > 1) TDNN_TRY(read_blocks(c, &b, err));
    const bool image = is_image(&b, x);
    const bool pending =
        image && x->block[0] && x->first && !memcmp(x->block, b.block, sizeof x->block);
    if (!pending) {
        TDNN_TRY(tf_input(c, 0, &x, err));
        if (c->input_count == 1) return tf_give(c, 0, x, err);
        if (!image || b.places > MOST_PLACES) TDNN_TRY(check_rank(&b, x, err));
    }
    const int ndim = image ? 4 : x->shape.ndim;
    const int64_t first = image ? 2 : 1;
    id = x->id;
    if (!pending && image) TDNN_TRY(tf_first(c->scope, x, 4, &id, err));
    if (!image) TDNN_TRY(tf_plain(c->scope, x, &id, err));
    if (!pending && b.places > 1) TDNN_TRY(join_blocks(c, &b, id, ndim, first, &id, err));
    bool cut = false;
    for (size_t i = 0; i < 2 * b.count; i++) cut |= b.edges[i] != 0;
    if (cut) TDNN_TRY(crop(c, &b, id, first, &id, err));
    if (image) return tf_give_spatial(c, id, 4, true, tf_channels(x, true), &v, err);
    tdnn_shape shape = x->shape;
    for (size_t i = 0; i <= b.count; i++) shape.dim[i] = -1;
    return tf_give_new(c, 0, id, x->dtype, &shape, NULL, err);
}

/* ---- As TensorFlow had them first: with one number, of images ---- */

/* SpaceToBatch, BatchToSpace */
tdnn_status tf_import_square_blocks(tf_call *c, tdnn_error *err)
{
    const int64_t size = tf_attr_int(c, "block_size", 0), block[2] = {size, size};
    tf_value *in[3], *v;
    TDNN_TRY(tf_input(c, 1, &in[2], err));
    in[0] = c->inputs[0];
    TDNN_TRY(tf_value_ints(c, block, 2, 1, &in[1], err));
    const char *op = tf_is(c->node, "SpaceToBatch") ? "SpaceToBatchND" : "BatchToSpaceND";
    TDNN_TRY(tf_delegate(c, op, true, in, 3, NULL, 0, &v, err));
    return tf_give(c, 0, v, err);
}
