/* Operators whose meaning has changed: what older opsets mean, said in the newest one's words.
 */
#include "parsers/onnx/rewrite.h"

#include <inttypes.h>
#include <string.h>

/* ---- Broadcasting up to opset 6 ----
 *
 * B was aligned with A's dimensions from `axis` on, not with the last ones, so it needs as many
 * dimensions of 1 behind it as A has left: shape(B) ++ ones(rank(A) - axis - rank(B)). Ranks
 * need not be known here: the planner computes shapes. */

static tdnn_status trailing_ones(onnx_call *call, tdnn_id a, tdnn_id shape_b, int64_t axis,
                                 tdnn_id *out, tdnn_error *err)
{
    tdnn_id shape_a, rank_b, first, start, end, rest, count, one;
    tdnn_node *node;
    tdnn_tensor *tensor;
    const int64_t far = INT64_MAX, unit = 1;
    TDNN_TRY(onnx_append(call, "Shape", &a, 1, NULL, &shape_a, err));
    TDNN_TRY(onnx_append(call, "Shape", &shape_b, 1, NULL, &rank_b, err));
    TDNN_TRY(onnx_constant_ints(call, &axis, 1, &first, err));
    TDNN_TRY(onnx_append(call, "Add", (tdnn_id[]){rank_b, first}, 2, NULL, &start, err));
    TDNN_TRY(onnx_constant_ints(call, &far, 1, &end, err));
    TDNN_TRY(onnx_append(call, "Slice", (tdnn_id[]){shape_a, start, end}, 3, NULL, &rest, err));
    TDNN_TRY(onnx_append(call, "Shape", &rest, 1, NULL, &count, err));
    TDNN_TRY(onnx_append(call, "ConstantOfShape", &count, 1, &node, &one, err));
    TDNN_TRY(tdnn_tensor_i64_vector(&unit, 1, &tensor, err));
    tdnn_attr_value value = {.type = TDNN_ATTR_TENSOR, .tensor = tensor};
    TDNN_TRY(tdnn_node_set_attr(call->scope->graph, node, "value", &value, err));
    *out = one;
    return TDNN_OK;
}

static tdnn_status align(onnx_call *call, int64_t axis, tdnn_error *err)
{
    tdnn_id a = onnx_input(call, 0), b = onnx_input(call, 1), shape_b, ones, shape, aligned;
    tdnn_node *node;
    if (a == TDNN_ABSENT || b == TDNN_ABSENT)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu inputs, expected 2", call->input_count);
    if (axis < 0)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "broadcasting along axis %" PRId64, axis);
    TDNN_TRY(onnx_append(call, "Shape", &b, 1, NULL, &shape_b, err));
    TDNN_TRY(trailing_ones(call, a, shape_b, axis, &ones, err));
    TDNN_TRY(onnx_append(call, "Concat", (tdnn_id[]){shape_b, ones}, 2, &node, &shape, err));
    TDNN_TRY(onnx_set_int(call, node, "axis", 0, err));
    TDNN_TRY(onnx_append(call, "Reshape", (tdnn_id[]){b, shape}, 2, NULL, &aligned, err));
    return onnx_set_input(call, 1, aligned, err);
}

tdnn_status onnx_rewrite_broadcast(onnx_call *call, tdnn_error *err)
{
    int64_t broadcast = 0, axis = 0;
    bool has_axis = onnx_attr(call, "axis") != NULL;
    TDNN_TRY(onnx_take_int(call, "broadcast", &broadcast, err));
    TDNN_TRY(onnx_take_int(call, "axis", &axis, err));
    if (broadcast && has_axis) TDNN_TRY(align(call, axis, err));
    return onnx_emit(call, err);
}

/* One slope for each channel, or one for all. */
tdnn_status onnx_rewrite_prelu(onnx_call *call, tdnn_error *err)
{
    const tdnn_tensor *slope = onnx_known(call, onnx_input(call, 1));
    bool one_for_all = slope && tdnn_shape_count(&slope->shape) == 1;
    bool per_channel = !slope || slope->shape.ndim == 1;
    if (per_channel && !one_for_all) TDNN_TRY(align(call, 1, err));
    return onnx_emit(call, err);
}

/* C was broadcast only if this said so. */
tdnn_status onnx_rewrite_gemm(onnx_call *call, tdnn_error *err)
{
    onnx_take(call, "broadcast");
    return onnx_emit(call, err);
}

/* ---- Softmax up to opset 12: over all dimensions from `axis` on together ---- */

tdnn_status onnx_rewrite_softmax(onnx_call *call, tdnn_error *err)
{
    int64_t axis = 1;
    tdnn_id x = onnx_input(call, 0), flat, soft, shape;
    tdnn_node *node;
    if (x == TDNN_ABSENT) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "no input, expected 1");
    TDNN_TRY(onnx_take_int(call, "axis", &axis, err));
    int ndim = call->scope->graph->values[x].shape.ndim;
    if (axis == -1 || axis == ndim - 1) {
        TDNN_TRY(onnx_give_int(call, "axis", -1, err));
        return onnx_emit(call, err);
    }
    TDNN_TRY(onnx_append(call, "Flatten", &x, 1, &node, &flat, err));
    TDNN_TRY(onnx_set_int(call, node, "axis", axis, err));
    TDNN_TRY(onnx_append(call, call->op, &flat, 1, &node, &soft, err));
    TDNN_TRY(onnx_set_int(call, node, "axis", 1, err));
    TDNN_TRY(onnx_append(call, "Shape", &x, 1, NULL, &shape, err));
    return onnx_finish(call, "Reshape", (tdnn_id[]){soft, shape}, 2, NULL, err);
}

/* ---- Normalisation ---- */

/* Before opset 14 a node with more than one output was one in training, and so was, before
 * opset 7, one that does not say is_test; the latter is not believed, since many exporters left
 * it out. */
tdnn_status onnx_rewrite_batch_norm(onnx_call *call, tdnn_error *err)
{
    int64_t spatial = 1, is_test = call->output_count == 1;
    TDNN_TRY(onnx_take_int(call, "spatial", &spatial, err));
    if (call->version < 7) TDNN_TRY(onnx_take_int(call, "is_test", &is_test, err));
    if (!spatial)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "batch normalisation with spatial = 0");
    if (is_test) call->output_count = 1;
    if (call->output_count > 1) TDNN_TRY(onnx_give_int(call, "training_mode", 1, err));
    return onnx_emit(call, err);
}

/* Scale and bias were one number for each group, which is what instance normalisation over
 * [N, groups, all the rest] has. */
tdnn_status onnx_rewrite_group_norm(onnx_call *call, tdnn_error *err)
{
    int64_t groups = 0;
    float epsilon = 1e-5f;
    tdnn_id x = onnx_input(call, 0), scale = onnx_input(call, 1), bias = onnx_input(call, 2);
    tdnn_id by_group, flat, normal, shape;
    tdnn_node *node;
    TDNN_TRY(onnx_take_int(call, "num_groups", &groups, err));
    TDNN_TRY(onnx_take_float(call, "epsilon", &epsilon, err));
    if (groups < 1 || bias == TDNN_ABSENT)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "%" PRId64 " groups and %zu inputs, expected 1 or more and 3", groups,
                         call->input_count);
    TDNN_TRY(onnx_constant_ints(call, (int64_t[]){0, groups, -1}, 3, &by_group, err));
    TDNN_TRY(onnx_append(call, "Reshape", (tdnn_id[]){x, by_group}, 2, NULL, &flat, err));
    TDNN_TRY(onnx_append(call, "InstanceNormalization", (tdnn_id[]){flat, scale, bias}, 3,
                         &node, &normal, err));
    TDNN_TRY(onnx_set_float(call, node, "epsilon", epsilon, err));
    TDNN_TRY(onnx_append(call, "Shape", &x, 1, NULL, &shape, err));
    return onnx_finish(call, "Reshape", (tdnn_id[]){normal, shape}, 2, NULL, err);
}

/* ---- Resize ---- */

static tdnn_status emit_asymmetric(onnx_call *call, tdnn_id scales, tdnn_error *err)
{
    const char *mode;
    call->op = "Resize";
    call->input_count = call->input_count ? 1 : 0;
    TDNN_TRY(onnx_set_input(call, 2, scales, err));
    TDNN_TRY(onnx_take_string(call, "mode", &mode, err));
    if (mode && !strcmp(mode, "bilinear")) mode = "linear";
    if (mode) TDNN_TRY(onnx_give_string(call, "mode", mode, err));
    TDNN_TRY(onnx_give_string(call, "coordinate_transformation_mode", "asymmetric", err));
    TDNN_TRY(onnx_give_string(call, "nearest_mode", "floor", err));
    return onnx_emit(call, err);
}

tdnn_status onnx_rewrite_resize_10(onnx_call *call, tdnn_error *err)
{
    return emit_asymmetric(call, onnx_input(call, 1), err);
}

/* Scales were two attributes, then one, then an input. */
tdnn_status onnx_rewrite_upsample(onnx_call *call, tdnn_error *err)
{
    float pair[4] = {1, 1, 1, 1};
    tdnn_floats scales = {pair, 4, false};
    tdnn_id id = onnx_input(call, 1);
    if (call->version < 7) {
        TDNN_TRY(onnx_take_float(call, "height_scale", &pair[2], err));
        TDNN_TRY(onnx_take_float(call, "width_scale", &pair[3], err));
    } else if (call->version < 9) {
        TDNN_TRY(onnx_take_floats(call, "scales", &scales, err));
    }
    if (call->version < 9)
        TDNN_TRY(onnx_constant_floats(call, scales.at, scales.count, 1, TDNN_ABSENT, &id, err));
    return emit_asymmetric(call, id, err);
}

/* Inputs that opset 11 could not leave out were given without elements. */
tdnn_status onnx_rewrite_resize(onnx_call *call, tdnn_error *err)
{
    for (size_t i = 1; i < call->input_count; i++) {
        const tdnn_tensor *t = onnx_known(call, call->inputs[i]);
        if (t && tdnn_shape_count(&t->shape) == 0)
            TDNN_TRY(onnx_set_input(call, i, TDNN_ABSENT, err));
    }
    return onnx_emit(call, err);
}

tdnn_status onnx_rewrite_grid_sample(onnx_call *call, tdnn_error *err)
{
    const char *mode;
    TDNN_TRY(onnx_take_string(call, "mode", &mode, err));
    if (mode && !strcmp(mode, "bilinear")) mode = "linear";
    if (mode && !strcmp(mode, "bicubic")) mode = "cubic";
    if (mode) TDNN_TRY(onnx_give_string(call, "mode", mode, err));
    return onnx_emit(call, err);
}

/* ---- Small ones ---- */

/* The type was a word. */
tdnn_status onnx_rewrite_cast(onnx_call *call, tdnn_error *err)
{
    static const char *const words[] = {
        "UNDEFINED", "FLOAT",  "UINT8", "INT8",    "UINT16", "INT16",  "INT32",
        "INT64",     "STRING", "BOOL",  "FLOAT16", "DOUBLE", "UINT32", "UINT64",
    };
    const char *to;
    TDNN_TRY(onnx_take_string(call, "to", &to, err));
    for (int64_t i = 1; to && i < (int64_t)(sizeof words / sizeof *words); i++)
        if (!strcmp(to, words[i])) {
            TDNN_TRY(onnx_give_int(call, "to", i, err));
            return onnx_emit(call, err);
        }
    return TDNN_FAIL(err, TDNN_ERR_FORMAT, "to = \"%.40s\", expected a type such as FLOAT",
                     to ? to : "");
}

tdnn_status onnx_rewrite_concat(onnx_call *call, tdnn_error *err)
{
    if (!onnx_attr(call, "axis")) TDNN_TRY(onnx_give_int(call, "axis", 1, err));
    return onnx_emit(call, err);
}

tdnn_status onnx_rewrite_lp_pool(onnx_call *call, tdnn_error *err)
{
    float p = 2;
    TDNN_TRY(onnx_take_float(call, "p", &p, err));
    if (!(p >= 1 && p <= 1000) || p != (float)(int)p)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "p = %g, expected a whole number",
                         (double)p);
    TDNN_TRY(onnx_give_int(call, "p", (int64_t)p, err));
    return onnx_emit(call, err);
}

tdnn_status onnx_rewrite_recurrent(onnx_call *call, tdnn_error *err)
{
    onnx_take(call, "output_sequence"); /* what is asked for says the list of outputs */
    return onnx_emit(call, err);
}

/* Boxes were not moved by half a pixel. */
tdnn_status onnx_rewrite_roi_align(onnx_call *call, tdnn_error *err)
{
    TDNN_TRY(onnx_give_string(call, "coordinate_transformation_mode", "output_half_pixel", err));
    return onnx_emit(call, err);
}

/* Each input had a batch, and the first one the lengths of its samples. */
tdnn_status onnx_rewrite_scan_8(onnx_call *call, tdnn_error *err)
{
    TDNN_TRY(onnx_rename(call, "directions", "scan_input_directions", err));
    TDNN_TRY(onnx_give_int(call, "batched", 1, err));
    return onnx_emit(call, err);
}

tdnn_status onnx_rewrite_scatter(onnx_call *call, tdnn_error *err)
{
    call->op = "ScatterElements";
    return onnx_emit(call, err);
}

tdnn_status onnx_rewrite_selu(onnx_call *call, tdnn_error *err)
{
    if (!onnx_attr(call, "alpha")) TDNN_TRY(onnx_give_float(call, "alpha", 1.6732f, err));
    if (!onnx_attr(call, "gamma")) TDNN_TRY(onnx_give_float(call, "gamma", 1.0507f, err));
    return onnx_emit(call, err);
}
