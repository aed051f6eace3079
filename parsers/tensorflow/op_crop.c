/* CropAndResize: regions of images, each read at the points of a grid. The IR's GridSample does
 * that for one image, so the images are laid below each other, and a region's rows begin where
 * its image does. What is read outside of the image, from the next one maybe, counts for
 * nothing. */
#include "parsers/tensorflow/ops.h"

#include <string.h>

typedef struct side {
    int64_t axis;       /* of the image, channels first */
    int64_t count;      /* of points */
    int64_t begin, end; /* columns of the boxes */
} side;

typedef struct points {
    tdnn_id size;   /* of the image                       */
    tdnn_id at;     /* regions x points: places in the image */
    tdnn_id inside; /* whether they are in it              */
} points;

/* The size of a dimension, as f32. */
static tdnn_status size_of(const tf_call *c, tdnn_id image, int64_t axis, tdnn_id *out,
                           tdnn_error *err)
{
    TDNN_TRY(tf_dims(c, image, &axis, 1, out, err));
    return tf_cast(c, *out, TDNN_F32, out, err);
}

/* (2 p + 1) / size - 1 */
static tdnn_status relative(const tf_call *c, tdnn_id place, tdnn_id size, tdnn_id *out,
                            tdnn_error *err)
{
    TDNN_TRY(tf_with(c, TDNN_OP_Mul, place, TDNN_F32, 2, out, err));
    TDNN_TRY(tf_with(c, TDNN_OP_Add, *out, TDNN_F32, 1, out, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Div, *out, size, out, err));
    return tf_with(c, TDNN_OP_Sub, *out, TDNN_F32, 1, out, err);
}

/* From the first to the last point in equal steps; a single one lies in the middle. */
static tdnn_status lay_points(const tf_call *c, tdnn_id begin, tdnn_id end, tdnn_id most,
                              int64_t count, tdnn_id *out, tdnn_error *err)
{
    const tdnn_shape shape = {2, {1, count}};
    tdnn_tensor *t;
    tdnn_id steps, span, start;
    if (count == 1) {
        TDNN_TRY(tf_two(c, TDNN_OP_Add, begin, end, out, err));
        TDNN_TRY(tf_with(c, TDNN_OP_Mul, *out, TDNN_F32, 0.5, out, err));
        return tf_two(c, TDNN_OP_Mul, *out, most, out, err);
    }
    TDNN_TRY(tdnn_tensor_create(TDNN_F32, &shape, &t, err));
    for (int64_t i = 0; i < count; i++) ((float *)t->data)[i] = (float)i;
    TDNN_TRY(tdnn_graph_add_constant(c->scope->graph, NULL, t, &steps, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Sub, end, begin, &span, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, span, most, &span, err));
    TDNN_TRY(tf_with(c, TDNN_OP_Div, span, TDNN_F32, (double)(count - 1), &span, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, begin, most, &start, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, span, steps, out, err));
    return tf_two(c, TDNN_OP_Add, start, *out, out, err);
}

static tdnn_status points_of(const tf_call *c, tdnn_id image, tdnn_id boxes, const side *s,
                             bool nearest, points *out, tdnn_error *err)
{
    tdnn_id most, begin, end, low, high;
    TDNN_TRY(size_of(c, image, s->axis, &out->size, err));
    TDNN_TRY(tf_with(c, TDNN_OP_Sub, out->size, TDNN_F32, 1, &most, err));
    TDNN_TRY(tf_column(c, boxes, s->begin, &begin, err));
    TDNN_TRY(tf_column(c, boxes, s->end, &end, err));
    TDNN_TRY(lay_points(c, begin, end, most, s->count, &out->at, err));
    TDNN_TRY(tf_with(c, TDNN_OP_GreaterOrEqual, out->at, TDNN_F32, 0, &low, err));
    TDNN_TRY(tf_two(c, TDNN_OP_LessOrEqual, out->at, most, &high, err));
    TDNN_TRY(tf_two(c, TDNN_OP_And, low, high, &out->inside, err));
    if (!nearest) return TDNN_OK;
    TDNN_TRY(tf_with(c, TDNN_OP_Add, out->at, TDNN_F32, 0.5, &out->at, err));
    return tf_one(c, TDNN_OP_Floor, out->at, &out->at, err);
}

/* x and y of each point, as GridSample wants them: 1, regions height, width, 2. */
static tdnn_status make_grid(const tf_call *c, tdnn_id image, const points *y, const points *x,
                             const int64_t crop[2], tdnn_id *out, tdnn_error *err)
{
    static const int64_t first = 0, deep[2] = {-1, 1};
    const int64_t wide[3] = {-1, 1, crop[1]}, high[3] = {-1, crop[0], 1},
                  rows[4] = {1, -1, crop[1], 1};
    tdnn_id number, images, top, row, all, count, shape, parts[2];
    TDNN_TRY(tf_input_plain(c, 2, &number, err));
    TDNN_TRY(tf_cast(c, number, TDNN_F32, &number, err));
    TDNN_TRY(tf_reshape(c, number, deep, 2, &number, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, number, y->size, &top, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Add, y->at, top, &row, err));
    TDNN_TRY(size_of(c, image, 0, &images, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, images, y->size, &all, err));
    TDNN_TRY(relative(c, x->at, x->size, &parts[0], err));
    TDNN_TRY(relative(c, row, all, &parts[1], err));
    TDNN_TRY(tf_dims(c, y->at, &first, 1, &count, err));
    TDNN_TRY(tf_const_ints(c, crop, 2, &shape, err));
    TDNN_TRY(tf_concat(c, (tdnn_id[2]){count, shape}, 2, 0, &shape, err));
    for (int i = 0; i < 2; i++) {
        TDNN_TRY(tf_reshape(c, parts[i], i ? high : wide, 3, &parts[i], err));
        TDNN_TRY(tf_two(c, TDNN_OP_Expand, parts[i], shape, &parts[i], err));
        TDNN_TRY(tf_reshape(c, parts[i], rows, 4, &parts[i], err));
    }
    return tf_concat(c, parts, 2, 3, out, err);
}

/* Regions, channels, height, width. */
static tdnn_status read_grid(const tf_call *c, tdnn_id image, tdnn_id grid,
                             const int64_t crop[2], tdnn_id *out, tdnn_error *err)
{
    static const int64_t swap[4] = {1, 0, 2, 3}, second = 1, last = 3, one = 1, rest = -1;
    const int64_t tail[3] = {-1, crop[0], crop[1]};
    tdnn_id parts[4], shape;
    tdnn_node *node;
    TDNN_TRY(tf_const_ints(c, &one, 1, &parts[0], err));
    TDNN_TRY(tf_dims(c, image, &second, 1, &parts[1], err));
    TDNN_TRY(tf_const_ints(c, &rest, 1, &parts[2], err));
    TDNN_TRY(tf_dims(c, image, &last, 1, &parts[3], err));
    TDNN_TRY(tf_concat(c, parts, 4, 0, &shape, err));
    TDNN_TRY(tf_transpose(c, image, swap, 4, &image, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Reshape, image, shape, &image, err));
    TDNN_TRY(tf_inner(c, TDNN_OP_GridSample, (tdnn_id[2]){image, grid}, 2, &node, out, err));
    TDNN_TRY(tf_set_text(c, node, "mode", "linear", err));
    TDNN_TRY(tf_set_text(c, node, "padding_mode", "border", err));
    TDNN_TRY(tf_const_ints(c, tail, 3, &parts[2], err));
    TDNN_TRY(tf_concat(c, &parts[1], 2, 0, &shape, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Reshape, *out, shape, out, err));
    return tf_transpose(c, *out, swap, 4, out, err);
}

/* image, boxes (y0, x0, y1, x1, of the image's size less one), the image of each, the size of a
 * crop. */
tdnn_status tf_import_crop_and_resize(tf_call *c, tdnn_error *err)
{
    const char *method = tf_attr_text(c, "method", "bilinear");
    const int64_t *crop;
    size_t count;
    bool last;
    tf_value *v;
    tdnn_id image, boxes, grid, id, inside[2], mask, outer;
    points y, x;
    const bool nearest = !strcmp(method, "nearest");
    if (!nearest && strcmp(method, "bilinear") != 0)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "method \"%s\"", method);
    TDNN_TRY(tf_spatial(c, 0, 4, &image, &last, err));
    TDNN_TRY(tf_input_plain(c, 1, &boxes, err));
    TDNN_TRY(tf_input_ints(c, 3, "crop_size", &crop, &count, err));
    if (count != 2 || crop[0] < 1 || crop[1] < 1 || crop[0] > 1 << 20 || crop[1] > 1 << 20)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "crop_size is not two positive numbers");
    if (c->inputs[0]->dtype != TDNN_F32) TDNN_TRY(tf_cast(c, image, TDNN_F32, &image, err));
    TDNN_TRY(points_of(c, image, boxes, &(side){2, crop[0], 0, 2}, nearest, &y, err));
    TDNN_TRY(points_of(c, image, boxes, &(side){3, crop[1], 1, 3}, nearest, &x, err));
    TDNN_TRY(make_grid(c, image, &y, &x, crop, &grid, err));
    TDNN_TRY(read_grid(c, image, grid, crop, &id, err));
    TDNN_TRY(tf_reshape(c, y.inside, (int64_t[4]){-1, 1, crop[0], 1}, 4, &inside[0], err));
    TDNN_TRY(tf_reshape(c, x.inside, (int64_t[4]){-1, 1, 1, crop[1]}, 4, &inside[1], err));
    TDNN_TRY(tf_two(c, TDNN_OP_And, inside[0], inside[1], &mask, err));
    TDNN_TRY(tf_const_scalar(c, TDNN_F32, (double)tf_attr_float(c, "extrapolation_value", 0),
                             &outer, err));
    TDNN_TRY(tf_three(c, TDNN_OP_Where, mask, id, outer, &id, err));
    tdnn_shape shape = {4, {-1, crop[0], crop[1], tf_channels(c->inputs[0], true)}};
    TDNN_TRY(tf_give_new(c, 0, id, TDNN_F32, &shape, &v, err));
    v->first = true;
    return TDNN_OK;
}
