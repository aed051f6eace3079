/* TensorProto and ValueInfoProto, written. */
#include "parsers/onnx/write.h"

#include <inttypes.h>
#include <stdio.h>

/* Fields of TensorProto. */
enum {
    DIMS = 1,
    DATA_TYPE = 2,
    STRING_DATA = 6,
    NAME = 8,
    RAW_DATA = 9,
    EXTERNAL_DATA = 13,
    DATA_LOCATION = 14
};
enum { EXTERNAL = 1 };

static void put_entry(onnx_out *out, const char *key, const char *value)
{
    onnx_mark mark = onnx_begin(out, EXTERNAL_DATA);
    onnx_put_text(out, 1, key);
    onnx_put_text(out, 2, value);
    onnx_end(out, mark);
}

static void put_beside(onnx_out *out, const tdnn_tensor *tensor)
{
    char number[24];
    put_entry(out, "location", out->beside);
    snprintf(number, sizeof number, "%" PRIu64, onnx_put_beside(out, tensor));
    put_entry(out, "offset", number);
    snprintf(number, sizeof number, "%zu", tensor->bytes);
    put_entry(out, "length", number);
    onnx_put_int(out, DATA_LOCATION, EXTERNAL);
}

tdnn_status onnx_tensor_write(onnx_out *out, uint32_t field, const char *name,
                              const tdnn_tensor *tensor, tdnn_error *err)
{
    if (tensor->kind != TDNN_KIND_TENSOR)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a constant %s, expected a tensor",
                         tdnn_kind_name(tensor->kind));
    onnx_mark mark = onnx_begin(out, field);
    for (int i = 0; i < tensor->shape.ndim; i++) onnx_put_int(out, DIMS, tensor->shape.dim[i]);
    onnx_put_int(out, DATA_TYPE, tensor->dtype);
    if (tensor->dtype == TDNN_STRING) {
        size_t count = (size_t)tdnn_shape_count(&tensor->shape);
        for (size_t i = 0; i < count; i++)
            onnx_put_text(out, STRING_DATA, tdnn_tensor_string(tensor, i));
    }
    if (name) onnx_put_text(out, NAME, name);
    if (name &&
        onnx_goes_beside(out, tensor)) /* initializers; engines want attributes inside */
        put_beside(out, tensor);
    else if (tensor->dtype != TDNN_STRING)
        onnx_put_elements(out, RAW_DATA, tensor);
    onnx_end(out, mark);
    return TDNN_OK;
}

/* ---- Types ---- */

static void put_shape(onnx_out *out, const char *name, const tdnn_shape *shape)
{
    char param[160];
    if (shape->ndim < 0) return;
    onnx_mark mark = onnx_begin(out, 2);
    for (int i = 0; i < shape->ndim; i++) {
        onnx_mark dim = onnx_begin(out, 1);
        if (shape->dim[i] >= 0) {
            onnx_put_int(out, 1, shape->dim[i]);
        } else if (name) { /* dim_param: a name of its own for each free size */
            snprintf(param, sizeof param, "%.120s_d%d", name, i);
            onnx_put_text(out, 2, param);
        }
        onnx_end(out, dim);
    }
    onnx_end(out, mark);
}

/* A tensor's type as a TypeProto in `field`. */
static void put_tensor_type(onnx_out *out, uint32_t field, const char *name, tdnn_dtype dtype,
                            const tdnn_shape *shape)
{
    onnx_mark type = onnx_begin(out, field), tensor = onnx_begin(out, 1);
    onnx_put_int(out, 1, dtype);
    put_shape(out, name, shape);
    onnx_end(out, tensor);
    onnx_end(out, type);
}

/* TypeProto in `field`, of a list of tensors, or of lists of them. */
static void put_list_type(onnx_out *out, uint32_t field, const tdnn_value *value,
                          tdnn_kind kind)
{
    enum { SEQUENCE_TYPE = 4, OPTIONAL_TYPE = 9 };
    static const tdnn_shape any = {.ndim = -1};
    bool optional = kind == TDNN_KIND_OPTIONAL;
    onnx_mark type = onnx_begin(out, field);
    onnx_mark list = onnx_begin(out, optional ? OPTIONAL_TYPE : SEQUENCE_TYPE);
    if (optional && value->item == TDNN_KIND_SEQUENCE)
        put_list_type(out, 1, value, TDNN_KIND_SEQUENCE);
    else
        put_tensor_type(out, 1, NULL, value->dtype, &any);
    onnx_end(out, list);
    onnx_end(out, type);
}

void onnx_value_write(onnx_out *out, uint32_t field, const char *name, const tdnn_value *value)
{
    onnx_mark mark = onnx_begin(out, field);
    onnx_put_text(out, 1, name);
    if (value->dtype != TDNN_NONE && value->kind == TDNN_KIND_TENSOR)
        put_tensor_type(out, 2, name, value->dtype, &value->shape);
    else if (value->dtype != TDNN_NONE)
        put_list_type(out, 2, value, value->kind);
    onnx_end(out, mark);
}
