/* Putting elements to their places, by indices: into zeros, into a tensor, into segments,
 * together. */
#include "parsers/tensorflow/ops.h"

#include <string.h>

/* A tensor of `shape` (a vector of i64) all of the scalar. */
static tdnn_status filled(const tf_call *c, tdnn_dtype type, double value, tdnn_id shape,
                          tdnn_id *out, tdnn_error *err)
{
    tdnn_id scalar;
    TDNN_TRY(tf_const_scalar(c, type, value, &scalar, err));
    return tf_two(c, TDNN_OP_Expand, scalar, shape, out, err);
}

static tdnn_status scatter(const tf_call *c, const tdnn_id ids[3], const char *reduction,
                           tdnn_id *out, tdnn_error *err)
{
    tdnn_node *node;
    TDNN_TRY(tf_inner(c, TDNN_OP_ScatterND, ids, 3, &node, out, err));
    return reduction ? tf_set_text(c, node, "reduction", reduction, err) : TDNN_OK;
}

/* What a vector of dimensions says. */
static tdnn_shape shape_of(const tf_value *dims)
{
    if (dims->known && dims->known_count <= TDNN_MAX_DIMS)
        return tdnn_shape_make((int)dims->known_count, dims->known);
    return tf_unknown_shape(-1);
}

/* indices, updates, shape; what falls on one place is added. */
tdnn_status tf_import_scatter_nd(tf_call *c, tdnn_error *err)
{
    tf_value *shape, *x;
    tdnn_id ids[3], id;
    TDNN_TRY(tf_input_plain(c, 0, &ids[1], err));
    TDNN_TRY(tf_input(c, 1, &x, err));
    TDNN_TRY(tf_plain(c->scope, x, &ids[2], err));
    TDNN_TRY(tf_input(c, 2, &shape, err));
    TDNN_TRY(tf_cast(c, ids[1], TDNN_I64, &ids[1], err));
    TDNN_TRY(tf_cast(c, shape->id, TDNN_I64, &id, err));
    TDNN_TRY(filled(c, x->dtype, 0, id, &ids[0], err));
    TDNN_TRY(scatter(c, ids, "add", &id, err));
    tdnn_shape known = shape_of(shape);
    return tf_give_new(c, 0, id, x->dtype, &known, NULL, err);
}

/* TensorScatterUpdate, -Add, -Sub, -Max, -Min: tensor, indices, updates. */
tdnn_status tf_import_tensor_scatter(tf_call *c, tdnn_error *err)
{
    static const struct {
        const char *op, *reduction;
    } rows[] = {
        {"TensorScatterUpdate", NULL}, {"TensorScatterAdd", "add"}, {"TensorScatterSub", "add"},
        {"TensorScatterMax", "max"},   {"TensorScatterMin", "min"},
    };
    const char *reduction = NULL;
    tdnn_id ids[3], id;
    for (size_t i = 0; i < 3; i++) TDNN_TRY(tf_input_plain(c, i, &ids[i], err));
    TDNN_TRY(tf_cast(c, ids[1], TDNN_I64, &ids[1], err));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (tf_is(c->node, rows[i].op)) reduction = rows[i].reduction;
    if (tf_is(c->node, "TensorScatterSub"))
        TDNN_TRY(tf_one(c, TDNN_OP_Neg, ids[2], &ids[2], err));
    TDNN_TRY(scatter(c, ids, reduction, &id, err));
    return tf_give_new(c, 0, id, c->inputs[0]->dtype, &c->inputs[0]->shape, NULL, err);
}

/* indices, shape, values, what stands elsewhere. One index may be a scalar, several of one
 * dimension a vector; a scalar value serves all. */
tdnn_status tf_import_sparse_to_dense(tf_call *c, tdnn_error *err)
{
    static const int64_t column[2] = {-1, 1};
    tf_value *at, *shape, *x;
    tdnn_id ids[3], dims, count;
    const int64_t first = 0;
    TDNN_TRY(tf_input(c, 0, &at, err));
    TDNN_TRY(tf_input(c, 1, &shape, err));
    TDNN_TRY(tf_input(c, 2, &x, err));
    if (at->shape.ndim < 0)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "indices whose number of dimensions is not known");
    TDNN_TRY(tf_cast(c, shape->id, TDNN_I64, &dims, err));
    TDNN_TRY(tf_cast(c, at->id, TDNN_I64, &ids[1], err));
    if (at->shape.ndim < 2) TDNN_TRY(tf_reshape(c, ids[1], column, 2, &ids[1], err));
    TDNN_TRY(tf_dims(c, ids[1], &first, 1, &count, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Expand, x->id, count, &ids[2], err));
    if (c->input_count > 3) {
        TDNN_TRY(tf_input_plain(c, 3, &ids[0], err));
        TDNN_TRY(tf_two(c, TDNN_OP_Expand, ids[0], dims, &ids[0], err));
    } else {
        TDNN_TRY(filled(c, x->dtype, 0, dims, &ids[0], err));
    }
    TDNN_TRY(scatter(c, ids, NULL, &ids[0], err));
    tdnn_shape known = shape_of(shape);
    return tf_give_new(c, 0, ids[0], x->dtype, &known, NULL, err);
}

/* UnsortedSegmentSum and its like: data, the segment of each row, their number. */
tdnn_status tf_import_segments(tf_call *c, tdnn_error *err)
{
    static const int64_t flat[1] = {-1}, column[2] = {-1, 1};
    static const struct {
        const char *op, *reduction;
        double start;
    } rows[] = {{"UnsortedSegmentSum", "add", 0},
                {"SegmentSum", "add", 0},
                {"UnsortedSegmentProd", "mul", 1},
                {"UnsortedSegmentMax", "max", -3.40282346638528859812e38},
                {"UnsortedSegmentMin", "min", 3.40282346638528859812e38}};
    size_t row = 0;
    int64_t axes[TDNN_MAX_DIMS];
    tf_value *x, *at, *number = NULL;
    tdnn_id ids[3], parts[2], shape, id, data;
    const bool sorted = tf_is(c->node, "SegmentSum"); /* as many as the last one says */
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_input(c, 1, &at, err));
    if (!sorted) TDNN_TRY(tf_input(c, 2, &number, err));
    if (at->shape.ndim != 1 || x->shape.ndim < 1 ||
        (tdnn_dtype_is_int(x->dtype) && !sorted && !tf_is(c->node, rows[0].op)))
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "segments of %d dimensions, of %s",
                         at->shape.ndim, tdnn_dtype_name(x->dtype));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (tf_is(c->node, rows[i].op)) row = i;
    TDNN_TRY(tf_plain(c->scope, x, &data, err));
    TDNN_TRY(sorted ? tf_one(c, TDNN_OP_ReduceMax, at->id, &id, err)
                    : tf_input_plain(c, 2, &id, err));
    TDNN_TRY(tf_cast(c, id, TDNN_I64, &id, err));
    if (sorted) TDNN_TRY(tf_with(c, TDNN_OP_Add, id, TDNN_I64, 1, &id, err));
    TDNN_TRY(tf_reshape(c, id, flat, 1, &parts[0], err));
    for (int i = 1; i < x->shape.ndim; i++) axes[i - 1] = i;
    TDNN_TRY(tf_dims(c, data, axes, (size_t)x->shape.ndim - 1, &parts[1], err));
    TDNN_TRY(tf_concat(c, parts, 2, 0, &shape, err));
    TDNN_TRY(filled(c, x->dtype, rows[row].start, shape, &ids[0], err));
    TDNN_TRY(tf_cast(c, at->id, TDNN_I64, &ids[1], err));
    TDNN_TRY(tf_reshape(c, ids[1], column, 2, &ids[1], err));
    ids[2] = data;
    TDNN_TRY(scatter(c, ids, rows[row].reduction, &id, err));
    tdnn_shape known = x->shape;
    known.dim[0] = number && number->known && number->known_count == 1 ? number->known[0] : -1;
    return tf_give_new(c, 0, id, x->dtype, &known, NULL, err);
}

/* ---- Bincount ---- */

/* How often each number from 0 to `size` stands in the input, or the sum of its weights. What
 * is larger falls on one more place, which is cut off. */
tdnn_status tf_import_bincount(tf_call *c, tdnn_error *err)
{
    static const int64_t flat[1] = {-1}, column[2] = {-1, 1}, first = 0;
    tf_value *at, *weights;
    int64_t size;
    tdnn_id ids[3], count, cut[4], id;
    TDNN_TRY(tf_input(c, 0, &at, err));
    TDNN_TRY(tf_input_int(c, 1, "size", &size, err));
    TDNN_TRY(tf_input(c, 2, &weights, err));
    if (size < 0 || size > INT32_MAX)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "size %lld", (long long)size);
    if (tf_attr_bool(c, "binary_output", false) ||
        (tf_is(c->node, "DenseBincount") && at->shape.ndim != 1))
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "binary_output, or rows");
    const bool given = weights->shape.ndim >= 0 && tdnn_shape_known(&weights->shape) &&
                       tdnn_shape_count(&weights->shape) > 0;
    const tdnn_dtype type = tf_attr_type(c, "T", weights->dtype);
    const int64_t more = size + 1;
    TDNN_TRY(tf_cast(c, at->id, TDNN_I64, &id, err));
    TDNN_TRY(tf_with(c, TDNN_OP_Min, id, TDNN_I64, (double)size, &id, err));
    TDNN_TRY(tf_reshape(c, id, column, 2, &ids[1], err));
    TDNN_TRY(tf_const_ints(c, &more, 1, &id, err));
    TDNN_TRY(filled(c, type, 0, id, &ids[0], err));
    TDNN_TRY(tf_dims(c, ids[1], &first, 1, &count, err));
    if (given)
        TDNN_TRY(tf_reshape(c, weights->id, flat, 1, &ids[2], err));
    else
        TDNN_TRY(filled(c, type, 1, count, &ids[2], err));
    TDNN_TRY(scatter(c, ids, "add", &cut[0], err));
    TDNN_TRY(tf_const_ints(c, &first, 1, &cut[1], err));
    TDNN_TRY(tf_const_ints(c, &size, 1, &cut[2], err));
    cut[3] = cut[1];
    TDNN_TRY(tf_inner(c, TDNN_OP_Slice, cut, 4, NULL, &id, err));
    tdnn_shape shape = tdnn_shape_make(1, &size);
    return tf_give_new(c, 0, id, type, &shape, NULL, err);
}

/* ---- DynamicStitch ---- */

/* One part: its rows' places, and its data as rows. */
static tdnn_status stitch_part(const tf_call *c, size_t part, int64_t *places, size_t *count,
                               tdnn_id *out, tdnn_error *err)
{
    int64_t dims[TDNN_MAX_DIMS + 1] = {-1};
    tf_value *index, *x;
    TDNN_TRY(tf_input(c, part, &index, err));
    TDNN_TRY(tf_input(c, c->input_count / 2 + part, &x, err));
    const int rest = x->shape.ndim - index->shape.ndim;
    if (!index->known || *count + index->known_count > TF_KNOWN_MOST || x->shape.ndim < 0)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "indices that are not known while loading");
    if (rest < 0)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "data of %d dimensions for indices of %d",
                         x->shape.ndim, index->shape.ndim);
    for (size_t k = 0; k < index->known_count; k++) places[(*count)++] = index->known[k];
    for (int k = 0; k < rest; k++) {
        dims[k + 1] = x->shape.dim[index->shape.ndim + k];
        if (dims[k + 1] < 0) return TDNN_FAIL(err, TDNN_ERR_SHAPE, "data of unknown shape");
    }
    TDNN_TRY(tf_plain(c->scope, x, out, err));
    return tf_reshape(c, *out, dims, (size_t)rest + 1, out, err);
}

/* Indices, then data: row i of the result is the last that index i stands for. */
tdnn_status tf_import_stitch(tf_call *c, tdnn_error *err)
{
    const size_t parts = c->input_count / 2;
    int64_t places[TF_KNOWN_MOST], from[TF_KNOWN_MOST], rows = 0;
    size_t count = 0;
    tdnn_id at, id, *ids = tdnn_zone_alloc(c->scope->model->zone, parts + 1, sizeof *ids);
    if (!ids) return TDNN_NO_MEMORY(err);
    if (!parts || c->input_count % 2)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu inputs, expected indices and as many data",
                         c->input_count);
    for (size_t i = 0; i < parts; i++)
        TDNN_TRY(stitch_part(c, i, places, &count, &ids[i], err));
    for (size_t i = 0; i < TF_KNOWN_MOST; i++) from[i] = -1;
    for (size_t i = 0; i < count; i++) {
        if (places[i] < 0 || places[i] >= TF_KNOWN_MOST)
            return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "index %lld", (long long)places[i]);
        from[places[i]] = (int64_t)i;
        if (places[i] >= rows) rows = places[i] + 1;
    }
    for (int64_t i = 0; i < rows; i++)
        if (from[i] < 0)
            return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "no data for index %lld", (long long)i);
    TDNN_TRY(tf_concat(c, ids, parts, 0, &id, err));
    TDNN_TRY(tf_const_ints(c, from, (size_t)rows, &at, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Gather, id, at, &id, err));
    tdnn_shape shape = c->inputs[parts]->shape;
    const int index = c->inputs[0]->shape.ndim;
    tdnn_shape out = tf_unknown_shape(shape.ndim - index + 1);
    out.dim[0] = rows;
    for (int i = 1; i < out.ndim; i++) out.dim[i] = shape.dim[index + i - 1];
    return tf_give_new(c, 0, id, c->inputs[parts]->dtype, &out, NULL, err);
}
