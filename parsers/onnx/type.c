/* Declared types of values. */
#include "parsers/onnx/import.h"

#include <inttypes.h>

/* An unset size, a name and -1 all say: any. */
static tdnn_status import_shape(const Onnx__TensorShapeProto *proto, tdnn_shape *shape,
                                tdnn_error *err)
{
    shape->ndim = -1;
    if (!proto) return TDNN_OK;
    if (proto->n_dim > TDNN_MAX_DIMS)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "%zu dimensions, expected at most %d",
                         proto->n_dim, TDNN_MAX_DIMS);
    shape->ndim = (int)proto->n_dim;
    for (size_t i = 0; i < proto->n_dim; i++) {
        const Onnx__TensorShapeProto__Dimension *dim = proto->dim[i];
        int64_t size = dim->has_dim_value ? dim->dim_value : -1;
        if (size < -1)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                             "dimension %zu is declared as %" PRId64 ", expected 0 or more", i,
                             size);
        shape->dim[i] = size;
    }
    return TDNN_OK;
}

static tdnn_status import_dtype(int32_t type, tdnn_dtype *out, tdnn_error *err)
{
    if (type < 0 || type >= TDNN_DTYPE_COUNT)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "element type %d, expected 1 to %d", type,
                         TDNN_DTYPE_COUNT - 1);
    *out = (tdnn_dtype)type;
    return TDNN_OK;
}

/* The element type of the tensors in a list, however deep they lie. */
static tdnn_status import_item(const Onnx__TypeProto *type, tdnn_dtype *out, tdnn_error *err)
{
    while (type && !type->tensor_type)
        type = type->sequence_type   ? type->sequence_type->elem_type
               : type->optional_type ? type->optional_type->elem_type
                                     : NULL;
    return type ? import_dtype(type->tensor_type->elem_type, out, err) : TDNN_OK;
}

tdnn_status onnx_type_import(const Onnx__TypeProto *type, tdnn_value *value, tdnn_error *err)
{
    if (!type) return TDNN_OK;
    if (type->tensor_type) {
        TDNN_TRY(import_dtype(type->tensor_type->elem_type, &value->dtype, err));
        return import_shape(type->tensor_type->shape, &value->shape, err);
    }
    if (type->sparse_tensor_type)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a sparse tensor at run time");
    if (type->map_type) return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a map");
    if (!type->sequence_type && !type->optional_type) return TDNN_OK;
    value->kind = type->sequence_type ? TDNN_KIND_SEQUENCE : TDNN_KIND_OPTIONAL;
    const Onnx__TypeProto *item = type->optional_type ? type->optional_type->elem_type : NULL;
    if (item && item->sequence_type) value->item = TDNN_KIND_SEQUENCE;
    return import_item(type, &value->dtype, err);
}
