/* SparseTensorProto: some elements with their places. Made dense when read: the operators know
 * nothing else. */
#include "parsers/onnx/tensor.h"

#include <inttypes.h>
#include <string.h>

/* A dense tensor may be this much larger than the sparse one: without a bound, a few bytes
 * could ask for gigabytes. */
enum { MOST_SPREAD = 4096, ALWAYS_FINE = 16 << 20 /* bytes */ };

/* The element that row `row` of the indices means; -1 if there is none. Either [count] linear
 * ones, or [count, ndim] coordinates. */
static int64_t element_of(const tdnn_tensor *indices, size_t row, const tdnn_shape *shape)
{
    const int64_t *at = indices->data;
    int64_t count = tdnn_shape_count(shape), linear = 0;
    if (indices->shape.ndim == 1) {
        linear = at[row];
        return linear >= 0 && linear < count ? linear : -1;
    }
    for (int d = 0; d < shape->ndim; d++) {
        int64_t i = at[row * (size_t)shape->ndim + (size_t)d];
        if (i < 0 || i >= shape->dim[d]) return -1;
        linear = linear * shape->dim[d] + i;
    }
    return linear;
}

static tdnn_status check_parts(const tdnn_tensor *values, const tdnn_tensor *indices,
                               const tdnn_shape *shape, tdnn_error *err)
{
    const tdnn_shape *at = &indices->shape;
    int64_t count = tdnn_shape_count(&values->shape);
    if (values->shape.ndim != 1)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "values have %d dimensions, expected 1",
                         values->shape.ndim);
    if (indices->dtype != TDNN_I64)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "indices are %s, expected i64",
                         tdnn_dtype_name(indices->dtype));
    if (at->ndim < 1 || at->ndim > 2 || at->dim[0] != count ||
        (at->ndim == 2 && at->dim[1] != shape->ndim)) {
        char text[TDNN_SHAPE_TEXT];
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "indices are %s, expected %" PRId64 " or %" PRId64 "x%d",
                         tdnn_shape_text(at, text), count, count, shape->ndim);
    }
    if (values->dtype == TDNN_STRING || tdnn_dtype_bits(values->dtype) < 8)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a sparse tensor of %s",
                         tdnn_dtype_name(values->dtype));
    return TDNN_OK;
}

static tdnn_status spread(const tdnn_tensor *values, const tdnn_tensor *indices,
                          const tdnn_shape *shape, size_t bytes, tdnn_tensor **out,
                          tdnn_error *err)
{
    TDNN_TRY(check_parts(values, indices, shape, err));
    if (bytes > ALWAYS_FINE && bytes / MOST_SPREAD > values->bytes + indices->bytes)
        return TDNN_FAIL(
            err, TDNN_ERR_LIMIT,
            "%zu bytes once dense, from %zu bytes of values; the limit is %d times as many",
            bytes, values->bytes, MOST_SPREAD);
    TDNN_TRY(tdnn_tensor_create(values->dtype, shape, out, err));
    size_t unit = (size_t)tdnn_dtype_bits(values->dtype) / 8;
    const unsigned char *from = values->data;
    unsigned char *to = (*out)->data;
    for (size_t i = 0; i < (size_t)values->shape.dim[0]; i++) {
        int64_t element = element_of(indices, i, shape);
        if (element < 0)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "index %zu is beyond the shape", i);
        memcpy(to + (size_t)element * unit, from + i * unit, unit);
    }
    return TDNN_OK;
}

tdnn_status tdnn_onnx_sparse_import(const tdnn_source *source,
                                    const Onnx__SparseTensorProto *proto, tdnn_tensor **out,
                                    tdnn_error *err)
{
    *out = NULL;
    if (!proto->values || !proto->indices)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a sparse tensor without values or indices");
    tdnn_tensor *values = NULL, *indices = NULL;
    tdnn_shape shape;
    size_t bytes;
    tdnn_status status = tdnn_onnx_tensor_extent(source, proto->values->data_type, proto->dims,
                                                 proto->n_dims, &shape, &bytes, err);
    if (!status) status = tdnn_onnx_tensor_import(source, proto->values, &values, err);
    if (!status) status = tdnn_onnx_tensor_import(source, proto->indices, &indices, err);
    if (!status) status = tdnn_tensor_ready(indices, err);
    if (!status) status = spread(values, indices, &shape, bytes, out, err);
    if (status) {
        tdnn_tensor_release(*out);
        *out = NULL;
    }
    tdnn_tensor_release(values);
    tdnn_tensor_release(indices);
    return status;
}
