/* Images: other sizes, channels into space and back. */
#include "parsers/tensorflow/ops.h"

#include <math.h>
#include <string.h>

static void resize_how(const tf_call *c, tdnn_resize_params *p)
{
    const bool corners = tf_attr_bool(c, "align_corners", false);
    const bool half = tf_attr_bool(c, "half_pixel_centers", false);
    p->coordinate_transformation_mode = corners ? TDNN_COORD_ALIGN_CORNERS
                                        : half  ? TDNN_COORD_HALF_PIXEL
                                                : TDNN_COORD_ASYMMETRIC;
    p->mode = TDNN_RESIZE_LINEAR;
    if (tf_is(c->node, "ResizeNearestNeighbor")) {
        p->mode = TDNN_RESIZE_NEAREST;
        p->nearest_mode = corners ? TDNN_NEAREST_ROUND_PREFER_CEIL : TDNN_NEAREST_FLOOR;
        if (half && !corners)
            p->coordinate_transformation_mode = TDNN_COORD_TF_HALF_PIXEL_FOR_NN;
    } else if (tf_is(c->node, "ResizeBicubic")) {
        p->mode = TDNN_RESIZE_CUBIC;
        p->cubic_coeff_a = half ? -0.5f : -0.75f;
        p->exclude_outside = half;
    }
}

tdnn_status tf_import_resize(tf_call *c, tdnn_error *err)
{
    static const int64_t axes[2] = {2, 3};
    tf_value *x, *size, *v;
    tdnn_id ids[4] = {TDNN_ABSENT, TDNN_ABSENT, TDNN_ABSENT, TDNN_ABSENT}, id;
    tdnn_node *node;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_input(c, 1, &size, err));
    TDNN_TRY(tf_first(c->scope, x, 4, &ids[0], err));
    TDNN_TRY(tf_cast(c, size->id, TDNN_I64, &ids[3], err));
    tdnn_shape shape = tf_unknown_shape(4);
    if (x->shape.ndim == 4) shape.dim[0] = x->shape.dim[0], shape.dim[3] = x->shape.dim[3];
    if (size->known) {
        if (size->known_count != 2 || size->known[0] < 1 || size->known[1] < 1)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                             "a new size that is not two positive numbers");
        memcpy(shape.dim + 1, size->known, 2 * sizeof *shape.dim);
    }
    TDNN_TRY(tf_last(c, TDNN_OP_Resize, ids, 4, &node, &id, err));
    resize_how(c, node->params);
    TDNN_TRY(tf_set_ints(c, node, "axes", axes, 2, err));
    TDNN_TRY(tf_give_new(c, 0, id, TDNN_F32, &shape, &v, err));
    v->first = true;
    return TDNN_OK;
}

/* ---- ResizeArea ---- */

/* How much of each old pixel each new one covers: old x new, or new x old. */
static tdnn_status areas(const tf_call *c, int64_t from, int64_t to, bool old_first,
                         tdnn_id *out, tdnn_error *err)
{
    const tdnn_shape shape = {2, {old_first ? from : to, old_first ? to : from}};
    const double step = (double)from / (double)to;
    tdnn_tensor *t;
    TDNN_TRY(tdnn_tensor_create(TDNN_F32, &shape, &t, err));
    float *f = t->data;
    for (int64_t i = 0; i < to; i++)
        for (int64_t k = 0; k < from; k++) {
            const double begin = fmax((double)i * step, (double)k),
                         end = fmin((double)(i + 1) * step, (double)(k + 1));
            f[old_first ? k * to + i : i * from + k] =
                (float)(end > begin ? (end - begin) / step : 0);
        }
    return tdnn_graph_add_constant(c->scope->graph, NULL, t, out, err);
}

/* A new pixel is the mean of what it covers: two products with matrices. */
tdnn_status tf_import_resize_area(tf_call *c, tdnn_error *err)
{
    const int64_t *size;
    size_t count;
    tf_value *x, *v;
    tdnn_id rows, columns, id;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_input_ints(c, 1, "size", &size, &count, err));
    if (count != 2 || size[0] < 1 || size[1] < 1 || size[0] > 1 << 16 || size[1] > 1 << 16)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a new size that is not two positive numbers");
    if (x->shape.ndim != 4 || x->shape.dim[1] < 1 || x->shape.dim[2] < 1 ||
        x->shape.dim[1] > 1 << 16 || x->shape.dim[2] > 1 << 16 ||
        tf_attr_bool(c, "align_corners", false))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "an image whose size is not known while loading, or align_corners");
    TDNN_TRY(tf_first(c->scope, x, 4, &id, err));
    if (x->dtype != TDNN_F32) TDNN_TRY(tf_cast(c, id, TDNN_F32, &id, err));
    TDNN_TRY(areas(c, x->shape.dim[1], size[0], false, &rows, err));
    TDNN_TRY(areas(c, x->shape.dim[2], size[1], true, &columns, err));
    TDNN_TRY(tf_two(c, TDNN_OP_MatMul, id, columns, &id, err));
    TDNN_TRY(tf_last(c, TDNN_OP_MatMul, (tdnn_id[2]){rows, id}, 2, NULL, &id, err));
    tdnn_shape shape = {4, {x->shape.dim[0], size[0], size[1], x->shape.dim[3]}};
    TDNN_TRY(tf_give_new(c, 0, id, TDNN_F32, &shape, &v, err));
    v->first = true;
    return TDNN_OK;
}

/* DepthToSpace, SpaceToDepth */
tdnn_status tf_import_depth_to_space(tf_call *c, tdnn_error *err)
{
    const int64_t block = tf_attr_int(c, "block_size", 0);
    const bool up = c->node->op->kind == TDNN_OP_DepthToSpace;
    bool last;
    tdnn_id in, id;
    tdnn_node *node;
    tf_value *v;
    if (block < 1 || block > 4096)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "block_size %lld", (long long)block);
    TDNN_TRY(tf_spatial(c, 0, 4, &in, &last, err));
    TDNN_TRY(tf_last(c, c->node->op->kind, &in, 1, &node, &id, err));
    TDNN_TRY(tf_set_int(c, node, "blocksize", block, err));
    tdnn_shape shape = tf_unknown_shape(4);
    const tdnn_shape *from = &c->inputs[0]->shape;
    const int at = last ? 3 : 1;
    if (from->ndim == 4 && from->dim[at] >= 0 && from->dim[at] < INT32_MAX)
        shape.dim[at] = up ? from->dim[at] / (block * block) : from->dim[at] * block * block;
    TDNN_TRY(tf_give_new(c, 0, id, c->inputs[0]->dtype, &shape, &v, err));
    v->first = last;
    return TDNN_OK;
}
