/* The Constant operator: one of its attributes says the value. */
#include "parsers/onnx/import.h"

#include <string.h>

static tdnn_status copy_values(const void *values, size_t count, int ndim, tdnn_dtype dtype,
                               tdnn_tensor **out, tdnn_error *err)
{
    int64_t dim = (int64_t)count;
    tdnn_shape shape = tdnn_shape_make(ndim, &dim);
    TDNN_TRY(tdnn_tensor_create(dtype, &shape, out, err));
    if ((*out)->bytes) memcpy((*out)->data, values, (*out)->bytes);
    return TDNN_OK;
}

static tdnn_status copy_strings(const ProtobufCBinaryData *strings, size_t count, int ndim,
                                tdnn_zone *zone, tdnn_tensor **out, tdnn_error *err)
{
    int64_t dim = (int64_t)count;
    tdnn_shape shape = tdnn_shape_make(ndim, &dim);
    TDNN_TRY(tdnn_tensor_create(TDNN_STRING, &shape, out, err));
    for (size_t i = 0; i < count; i++) {
        const char *s = (const char *)strings[i].data;
        char *copy = tdnn_zone_strndup(zone, s ? s : "", strings[i].len);
        tdnn_status status =
            copy ? tdnn_tensor_set_string(*out, i, copy, err) : TDNN_NO_MEMORY(err);
        if (status) {
            tdnn_tensor_release(*out);
            *out = NULL;
            return status;
        }
    }
    return TDNN_OK;
}

static tdnn_status make_value(const onnx_call *call, const Onnx__AttributeProto *a,
                              tdnn_tensor **out, tdnn_error *err)
{
    const tdnn_source *source = call->scope->model->source;
    tdnn_zone *zone = call->scope->model->zone;
    const char *name = a->name ? a->name : "";
    if (!strcmp(name, "value") && a->t) return tdnn_onnx_tensor_import(source, a->t, out, err);
    if (!strcmp(name, "sparse_value") && a->sparse_tensor)
        return tdnn_onnx_sparse_import(source, a->sparse_tensor, out, err);
    if (!strcmp(name, "value_int")) return copy_values(&a->i, 1, 0, TDNN_I64, out, err);
    if (!strcmp(name, "value_float")) return copy_values(&a->f, 1, 0, TDNN_F32, out, err);
    if (!strcmp(name, "value_string")) return copy_strings(&a->s, 1, 0, zone, out, err);
    if (!strcmp(name, "value_ints"))
        return copy_values(a->ints, a->n_ints, 1, TDNN_I64, out, err);
    if (!strcmp(name, "value_floats"))
        return copy_values(a->floats, a->n_floats, 1, TDNN_F32, out, err);
    if (!strcmp(name, "value_strings"))
        return copy_strings(a->strings, a->n_strings, 1, zone, out, err);
    return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "attribute \"%s\" of Constant", name);
}

tdnn_status onnx_constant_import(onnx_call *call, tdnn_error *err)
{
    if (call->attr_count != 1 || call->output_count != 1)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "%zu values and %zu outputs, expected one of each", call->attr_count,
                         call->output_count);
    tdnn_graph *graph = call->scope->graph;
    tdnn_tensor *tensor;
    TDNN_TRY(make_value(call, call->attrs[0], &tensor, err));
    TDNN_TRY(tdnn_graph_hold(graph, tensor, err));
    tdnn_graph_set_constant(graph, call->outputs[0], tensor);
    return TDNN_OK;
}
