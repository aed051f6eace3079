/* Attributes of older opsets that are inputs now: they become constants. */
#include "parsers/onnx/rewrite.h"

/* The attribute, if it is given and nothing is connected there yet, as input `index`. */
static tdnn_status ints_to_input(onnx_call *call, const char *name, size_t index,
                                 tdnn_error *err)
{
    tdnn_ints ints = {0};
    tdnn_id id;
    TDNN_TRY(onnx_take_ints(call, name, &ints, err));
    if (!ints.given) return TDNN_OK;
    if (onnx_input(call, index) != TDNN_ABSENT)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "\"%s\" is given as an attribute and as input %zu", name, index);
    TDNN_TRY(onnx_constant_ints(call, ints.at, ints.count, &id, err));
    return onnx_set_input(call, index, id, err);
}

static tdnn_status float_to_input(onnx_call *call, const char *name, size_t index,
                                  tdnn_error *err)
{
    float value;
    tdnn_id id;
    if (!onnx_attr(call, name)) return TDNN_OK;
    TDNN_TRY(onnx_take_float(call, name, &value, err));
    TDNN_TRY(onnx_constant_floats(call, &value, 1, 0, onnx_input(call, 0), &id, err));
    return onnx_set_input(call, index, id, err);
}

static tdnn_status require(const onnx_call *call, const char *name, tdnn_error *err)
{
    if (onnx_attr(call, name)) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_FORMAT, "attribute \"%s\" is missing", name);
}

tdnn_status onnx_rewrite_axes(onnx_call *call, tdnn_error *err)
{
    TDNN_TRY(ints_to_input(call, "axes", 1, err));
    return onnx_emit(call, err);
}

tdnn_status onnx_rewrite_reshape(onnx_call *call, tdnn_error *err)
{
    TDNN_TRY(require(call, "shape", err));
    TDNN_TRY(ints_to_input(call, "shape", 1, err));
    return onnx_emit(call, err);
}

tdnn_status onnx_rewrite_slice(onnx_call *call, tdnn_error *err)
{
    TDNN_TRY(require(call, "starts", err));
    TDNN_TRY(require(call, "ends", err));
    TDNN_TRY(ints_to_input(call, "starts", 1, err));
    TDNN_TRY(ints_to_input(call, "ends", 2, err));
    TDNN_TRY(ints_to_input(call, "axes", 3, err));
    return onnx_emit(call, err);
}

/* Without sizes the parts are equal, as many as there are outputs. */
tdnn_status onnx_rewrite_split(onnx_call *call, tdnn_error *err)
{
    TDNN_TRY(ints_to_input(call, "split", 1, err));
    if (onnx_input(call, 1) == TDNN_ABSENT)
        TDNN_TRY(onnx_give_int(call, "num_outputs", (int64_t)call->output_count, err));
    return onnx_emit(call, err);
}

tdnn_status onnx_rewrite_topk(onnx_call *call, tdnn_error *err)
{
    int64_t k = 0;
    tdnn_id id;
    TDNN_TRY(require(call, "k", err));
    TDNN_TRY(onnx_take_int(call, "k", &k, err));
    TDNN_TRY(onnx_constant_ints(call, &k, 1, &id, err));
    TDNN_TRY(onnx_set_input(call, 1, id, err));
    return onnx_emit(call, err);
}

tdnn_status onnx_rewrite_clip(onnx_call *call, tdnn_error *err)
{
    TDNN_TRY(float_to_input(call, "min", 1, err));
    TDNN_TRY(float_to_input(call, "max", 2, err));
    return onnx_emit(call, err);
}

/* Version 1 calls them paddings. */
tdnn_status onnx_rewrite_pad(onnx_call *call, tdnn_error *err)
{
    const char *name = call->version < 2 ? "paddings" : "pads";
    TDNN_TRY(require(call, name, err));
    TDNN_TRY(ints_to_input(call, name, 1, err));
    TDNN_TRY(float_to_input(call, "value", 2, err));
    return onnx_emit(call, err);
}

/* The share of elements to drop is of no meaning once a network is trained. */
tdnn_status onnx_rewrite_dropout(onnx_call *call, tdnn_error *err)
{
    onnx_take(call, "ratio");
    onnx_take(call, "is_test");
    return onnx_emit(call, err);
}

tdnn_status onnx_rewrite_dft(onnx_call *call, tdnn_error *err)
{
    int64_t axis = 1;
    tdnn_id id;
    TDNN_TRY(onnx_take_int(call, "axis", &axis, err));
    TDNN_TRY(onnx_constant_int(call, axis, &id, err));
    TDNN_TRY(onnx_set_input(call, 2, id, err));
    return onnx_emit(call, err);
}
