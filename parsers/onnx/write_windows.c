/* What older opsets, and engines, want otherwise of operators on images: Resize and windows. */
#include "parsers/onnx/write.h"

#include <string.h>

/* ---- Resize ---- */

static bool says(const onnx_item *item, const char *name, const char *value)
{
    const onnx_item_attr *attr = onnx_item_attr_of(item, name);
    return attr && !strcmp(attr->u.s, value);
}

/* Opsets 11 and 12 had a way of TensorFlow's that is half_pixel, rounded half up. */
tdnn_status onnx_newer_resize(onnx_item *item, tdnn_error *err)
{
    if (!says(item, "coordinate_transformation_mode", "tf_half_pixel_for_nn")) return TDNN_OK;
    if (onnx_item_attr_of(item, "mode") || !says(item, "nearest_mode", "floor"))
        return onnx_item_refuse(item, 0, err, "Resize with tf_half_pixel_for_nn");
    onnx_item_drop(item, "coordinate_transformation_mode");
    return onnx_item_give_text(item, "nearest_mode", "round_prefer_ceil", err);
}

tdnn_status onnx_older_resize_18(onnx_item *item, tdnn_error *err)
{
    if (says(item, "coordinate_transformation_mode", "half_pixel_symmetric"))
        return onnx_item_refuse(item, 19, err, "Resize with half_pixel_symmetric");
    return TDNN_OK;
}

/* All inputs but the sizes had to be there; empty ones said nothing. */
tdnn_status onnx_older_resize_12(onnx_item *item, tdnn_error *err)
{
    for (size_t i = 1; i < 3; i++) {
        tdnn_shape none = {.ndim = 1};
        tdnn_tensor *empty;
        if (onnx_item_has_input(item, i)) continue;
        TDNN_TRY(tdnn_tensor_create(TDNN_F32, &none, &empty, err));
        TDNN_TRY(onnx_item_put_constant(item, i, empty, err));
    }
    return TDNN_OK;
}

/* Input `from` takes the place of input `to`, the last one then. */
static tdnn_status move_input(onnx_item *item, size_t from, size_t to, tdnn_error *err)
{
    tdnn_id *inputs = tdnn_zone_alloc(item->level->writer->zone, to + 1, sizeof *inputs);
    if (!inputs) return TDNN_NO_MEMORY(err);
    memcpy(inputs, item->inputs, to * sizeof *inputs);
    inputs[to] = item->inputs[from];
    item->names[to] = item->names[from];
    item->inputs = inputs;
    onnx_item_cut(item, to + 1);
    return TDNN_OK;
}

static tdnn_status scales_to_attr(onnx_item *item, tdnn_error *err)
{
    const tdnn_tensor *scales = onnx_item_constant_at(item, 1);
    if (!scales || scales->dtype != TDNN_F32)
        return onnx_item_refuse(item, 9, err, "Resize by scales that are no constant");
    onnx_item_attr attr = {.name = "scales", .type = TDNN_ATTR_FLOATS};
    attr.u.floats = (tdnn_floats){scales->data, (size_t)tdnn_shape_count(&scales->shape), true};
    onnx_item_cut(item, 1);
    return onnx_item_give(item, attr, err);
}

/* Scales alone, and what later was called asymmetric and floor; before opset 10, as Upsample.
 */
tdnn_status onnx_older_resize_10(onnx_item *item, tdnn_error *err)
{
    bool linear = says(item, "mode", "linear");
    bool nearest = !onnx_item_attr_of(item, "mode") && says(item, "nearest_mode", "floor");
    if (!says(item, "coordinate_transformation_mode", "asymmetric") || !(nearest || linear) ||
        onnx_item_has_input(item, 3) || !onnx_item_has_input(item, 2))
        return onnx_item_refuse(item, 11, err, "Resize as it is used here");
    onnx_item_drop(item, "coordinate_transformation_mode");
    onnx_item_drop(item, "nearest_mode");
    TDNN_TRY(move_input(item, 2, 1, err));
    if (item->level->writer->opset < 10) item->op = "Upsample";
    return item->level->writer->opset < 9 ? scales_to_attr(item, err) : TDNN_OK;
}

/* ---- Windows ---- */

/* SAME padding is none where a window is left over, since strides step over it; ONNX Runtime
 * refuses that as negative, so that known sizes are written as pads. */
tdnn_status onnx_write_pads(onnx_item *item, tdnn_error *err)
{
    const onnx_item_attr *same = onnx_item_attr_of(item, "auto_pad");
    const onnx_item_attr *kernel = onnx_item_attr_of(item, "kernel_shape");
    const onnx_item_attr *strides = onnx_item_attr_of(item, "strides");
    const tdnn_shape *x = &item->level->graph->values[item->inputs[0]].shape;
    if (!same || strncmp(same->u.s, "SAME", 4) || !kernel || !strides) return TDNN_OK;
    const size_t axes = kernel->u.ints.count;
    if (onnx_item_attr_of(item, "dilations") || x->ndim != (int)axes + 2 ||
        strides->u.ints.count != axes)
        return TDNN_OK;
    int64_t *pads = tdnn_zone_alloc(item->level->writer->zone, 2 * axes, sizeof *pads);
    bool steps_over = false;
    if (!pads) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < axes; i++) {
        const int64_t in = x->dim[i + 2], k = kernel->u.ints.at[i], s = strides->u.ints.at[i];
        if (in < 1) return TDNN_OK;
        const int64_t missing = (in - 1) / s * s + k - in, before = missing / 2;
        const bool upper = !strcmp(same->u.s, "SAME_UPPER");
        steps_over = steps_over || missing < 0;
        if (missing > 0) pads[i] = upper ? before : missing - before;
        if (missing > 0) pads[axes + i] = missing - pads[i];
    }
    if (!steps_over) return TDNN_OK;
    onnx_item_drop(item, "auto_pad");
    const onnx_item_attr given = {
        .name = "pads", .type = TDNN_ATTR_INTS, .u.ints = {pads, 2 * axes, true}};
    return onnx_item_give(item, given, err);
}
