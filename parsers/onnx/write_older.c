/* What older opsets say otherwise: inputs that were attributes, values that came later, other
 * names. The opposite way of rewrite.c, which reads them. */
#include "parsers/onnx/write.h"

#include <string.h>

/* ---- Constant inputs that were attributes ---- */

static tdnn_status read_ints(const onnx_item *item, size_t index, int since, tdnn_ints *out,
                             tdnn_error *err)
{
    *out = (tdnn_ints){0};
    if (!onnx_item_has_input(item, index)) return TDNN_OK;
    const tdnn_tensor *t = onnx_item_constant_at(item, index);
    if (!t || !tdnn_dtype_is_int(t->dtype))
        return onnx_item_refuse(item, since, err, "input %zu of %s is no constant", index,
                                item->op);
    size_t count = (size_t)tdnn_shape_count(&t->shape);
    int64_t *at = tdnn_zone_alloc(item->level->writer->zone, count, sizeof *at);
    if (!at) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < count; i++) at[i] = tdnn_tensor_get_i64(t, i);
    *out = (tdnn_ints){at, count, true};
    return TDNN_OK;
}

/* Input `index` becomes the attribute `name`; `since` then it is an input. */
static tdnn_status ints_to_attr(onnx_item *item, size_t index, const char *name, int since,
                                tdnn_error *err)
{
    onnx_item_attr attr = {.name = name, .type = TDNN_ATTR_INTS};
    TDNN_TRY(read_ints(item, index, since, &attr.u.ints, err));
    return attr.u.ints.given ? onnx_item_give(item, attr, err) : TDNN_OK;
}

static tdnn_status float_to_attr(onnx_item *item, size_t index, const char *name, int since,
                                 tdnn_error *err)
{
    if (!onnx_item_has_input(item, index)) return TDNN_OK;
    const tdnn_tensor *t = onnx_item_constant_at(item, index);
    if (!t || tdnn_shape_count(&t->shape) != 1 || !tdnn_dtype_is_float(t->dtype))
        return onnx_item_refuse(item, since, err, "input %zu of %s is no constant number",
                                index, item->op);
    onnx_item_attr attr = {
        .name = name, .type = TDNN_ATTR_FLOAT, .u.f = (float)tdnn_tensor_get_f64(t, 0)};
    return onnx_item_give(item, attr, err);
}

static tdnn_status older_clip(onnx_item *item, tdnn_error *err)
{
    TDNN_TRY(float_to_attr(item, 1, "min", 11, err));
    TDNN_TRY(float_to_attr(item, 2, "max", 11, err));
    onnx_item_cut(item, 1);
    return TDNN_OK;
}

static tdnn_status older_dropout(onnx_item *item, tdnn_error *err)
{
    const tdnn_tensor *training = onnx_item_constant_at(item, 2);
    if (onnx_item_has_input(item, 2) && !(training && !tdnn_tensor_get_i64(training, 0)))
        return onnx_item_refuse(item, 12, err, "Dropout in training");
    TDNN_TRY(float_to_attr(item, 1, "ratio", 12, err));
    onnx_item_cut(item, 1);
    return TDNN_OK;
}

static tdnn_status older_pad(onnx_item *item, tdnn_error *err)
{
    TDNN_TRY(ints_to_attr(item, 1, "pads", 11, err));
    TDNN_TRY(float_to_attr(item, 2, "value", 11, err));
    onnx_item_cut(item, 1);
    return TDNN_OK;
}

static tdnn_status older_slice(onnx_item *item, tdnn_error *err)
{
    tdnn_ints steps;
    TDNN_TRY(read_ints(item, 4, 10, &steps, err));
    for (size_t i = 0; i < steps.count; i++)
        if (steps.at[i] != 1) return onnx_item_refuse(item, 10, err, "Slice with steps");
    TDNN_TRY(ints_to_attr(item, 1, "starts", 10, err));
    TDNN_TRY(ints_to_attr(item, 2, "ends", 10, err));
    TDNN_TRY(ints_to_attr(item, 3, "axes", 10, err));
    onnx_item_cut(item, 1);
    return TDNN_OK;
}

static tdnn_status older_topk(onnx_item *item, tdnn_error *err)
{
    tdnn_ints k;
    TDNN_TRY(read_ints(item, 1, 10, &k, err));
    onnx_item_cut(item, 1);
    return onnx_item_give_int(item, "k", k.count ? k.at[0] : 0, err);
}

static tdnn_status older_axes(onnx_item *item, tdnn_error *err)
{
    TDNN_TRY(ints_to_attr(item, 1, "axes", 13, err));
    onnx_item_cut(item, 1);
    return TDNN_OK;
}

/* No axes: all of them, if the newest form does not say the contrary. */
static tdnn_status reduce(onnx_item *item, int since, tdnn_error *err)
{
    tdnn_ints axes;
    TDNN_TRY(read_ints(item, 1, since, &axes, err));
    if (onnx_item_attr_of(item, "noop_with_empty_axes") && !axes.count)
        return onnx_item_refuse(item, since, err, "%s over no axis", item->op);
    onnx_item_drop(item, "noop_with_empty_axes");
    onnx_item_cut(item, 1);
    onnx_item_attr attr = {.name = "axes", .type = TDNN_ATTR_INTS, .u.ints = axes};
    return axes.count ? onnx_item_give(item, attr, err) : TDNN_OK;
}

static tdnn_status older_reduce(onnx_item *item, tdnn_error *err)
{
    return reduce(item, 18, err);
}

static tdnn_status older_reduce_sum(onnx_item *item, tdnn_error *err)
{
    return reduce(item, 13, err);
}

/* Equal parts, as many as there are outputs, needed no attribute. */
static tdnn_status older_split(onnx_item *item, tdnn_error *err)
{
    const onnx_item_attr *axis = onnx_item_attr_of(item, "axis");
    const onnx_item_attr *parts = onnx_item_attr_of(item, "num_outputs");
    const tdnn_shape *shape = &item->level->graph->values[item->inputs[0]].shape;
    int64_t along = axis ? axis->u.i : 0;
    if (along < 0) along += shape->ndim;
    if (parts && along >= 0 && along < shape->ndim && shape->dim[along] >= 0 &&
        shape->dim[along] % parts->u.i != 0)
        return onnx_item_refuse(item, 18, err, "Split into parts of unequal size");
    onnx_item_drop(item, "num_outputs");
    return TDNN_OK;
}

static tdnn_status older_split_attr(onnx_item *item, tdnn_error *err)
{
    TDNN_TRY(ints_to_attr(item, 1, "split", 13, err));
    onnx_item_cut(item, 1);
    return TDNN_OK;
}

static tdnn_status older_dft(onnx_item *item, tdnn_error *err)
{
    tdnn_ints axis;
    if (onnx_item_attr_of(item, "inverse") && onnx_item_attr_of(item, "onesided") &&
        item->level->writer->opset < 18)
        return onnx_item_refuse(item, 18, err, "DFT backwards from one side");
    TDNN_TRY(read_ints(item, 2, 20, &axis, err));
    onnx_item_cut(item, 2);
    return onnx_item_give_int(item, "axis", axis.count ? axis.at[0] : -2, err);
}

/* ---- The same name, another meaning ---- */

/* Over all dimensions from `axis` on together: the same for the last one. */
static tdnn_status older_softmax(onnx_item *item, tdnn_error *err)
{
    const onnx_item_attr *attr = onnx_item_attr_of(item, "axis");
    int64_t axis = attr ? attr->u.i : -1;
    int ndim = item->level->graph->values[item->inputs[0]].shape.ndim;
    if (axis < 0 && ndim > 0) axis += ndim;
    if (axis != -1 && axis != ndim - 1)
        return onnx_item_refuse(item, 13, err, "%s over an inner dimension", item->op);
    return onnx_item_give_int(item, "axis", axis, err);
}

static tdnn_status older_gemm(onnx_item *item, tdnn_error *err)
{
    if (onnx_item_has_input(item, 2)) return TDNN_OK;
    tdnn_dtype dtype = item->level->graph->values[item->inputs[0]].dtype;
    tdnn_shape one = {.ndim = 1, .dim = {1}};
    tdnn_tensor *zero;
    TDNN_TRY(tdnn_tensor_create(dtype ? dtype : TDNN_F32, &one, &zero, err));
    return onnx_item_put_constant(item, 2, zero, err);
}

static tdnn_status older_roi_align(onnx_item *item, tdnn_error *err)
{
    const onnx_item_attr *mode = onnx_item_attr_of(item, "coordinate_transformation_mode");
    if (!mode) return onnx_item_refuse(item, 16, err, "RoiAlign with half_pixel coordinates");
    onnx_item_drop(item, "coordinate_transformation_mode");
    return TDNN_OK;
}

static tdnn_status older_grid_sample(onnx_item *item, tdnn_error *err)
{
    const onnx_item_attr *mode = onnx_item_attr_of(item, "mode");
    if (item->level->graph->values[item->inputs[0]].shape.ndim != 4)
        return onnx_item_refuse(item, 20, err,
                                "GridSample of what is not known to have two dimensions");
    if (!mode || strcmp(mode->u.s, "cubic") != 0) return TDNN_OK;
    return onnx_item_give_text(item, "mode", "bicubic", err);
}

static tdnn_status older_scatter(onnx_item *item, tdnn_error *err)
{
    (void)err;
    item->op = "Scatter";
    return TDNN_OK;
}

static tdnn_status older_reduction(onnx_item *item, tdnn_error *err)
{
    const onnx_item_attr *how = onnx_item_attr_of(item, "reduction");
    if (how && (!strcmp(how->u.s, "max") || !strcmp(how->u.s, "min")))
        return onnx_item_refuse(item, 18, err, "%s by %s", item->op, how->u.s);
    return TDNN_OK;
}

static tdnn_status older_pad_mode(onnx_item *item, tdnn_error *err)
{
    const onnx_item_attr *mode = onnx_item_attr_of(item, "mode");
    if (mode && !strcmp(mode->u.s, "wrap"))
        return onnx_item_refuse(item, 19, err, "Pad that wraps around");
    return TDNN_OK;
}

static tdnn_status older_pad_axes(onnx_item *item, tdnn_error *err)
{
    if (onnx_item_has_input(item, 3)) return onnx_item_refuse(item, 18, err, "Pad with axes");
    return TDNN_OK;
}

static tdnn_status older_attention(onnx_item *item, tdnn_error *err)
{
    if (onnx_item_has_input(item, 6))
        return onnx_item_refuse(item, 24, err, "Attention with lengths of keys");
    return TDNN_OK;
}

static tdnn_status older_optional(onnx_item *item, tdnn_error *err)
{
    const tdnn_id input = item->input_count ? item->inputs[0] : TDNN_ABSENT;
    if (input == TDNN_ABSENT || item->level->graph->values[input].kind != TDNN_KIND_OPTIONAL)
        return onnx_item_refuse(item, 18, err, "%s of what is no optional", item->op);
    return TDNN_OK;
}

static tdnn_status older_qlinear(onnx_item *item, tdnn_error *err)
{
    const tdnn_value *scale = &item->level->graph->values[item->inputs[1]];
    if (scale->dtype != TDNN_F32 && scale->dtype != TDNN_NONE)
        return onnx_item_refuse(item, 21, err, "%s with scales of %s", item->op,
                                tdnn_dtype_name(scale->dtype));
    return TDNN_OK;
}

/* ---- Axes counted from the end, up to opset 10 ---- */

static int64_t from_front(int64_t axis, int ndim)
{
    return axis < 0 && ndim > 0 ? axis + ndim : axis;
}

/* Where the number of dimensions is known. Those of Unsqueeze are the output's. */
static tdnn_status positive_axes(onnx_item *item, tdnn_error *err)
{
    const tdnn_node *node = item->node;
    bool adds = node->op->kind == TDNN_OP_Unsqueeze || node->op->kind == TDNN_OP_OneHot;
    const tdnn_id id = adds ? node->outputs[0] : node->inputs[0];
    int ndim = id == TDNN_ABSENT ? -1 : item->level->graph->values[id].shape.ndim;
    for (size_t i = 0; i < item->attr_count; i++) {
        onnx_item_attr *a = &item->attrs[i];
        if (a->type == TDNN_ATTR_INT && !strcmp(a->name, "axis"))
            a->u.i = from_front(a->u.i, ndim);
        if (a->type != TDNN_ATTR_INTS || strcmp(a->name, "axes") != 0) continue;
        int64_t *axes =
            tdnn_zone_alloc(item->level->writer->zone, a->u.ints.count, sizeof *axes);
        if (!axes) return TDNN_NO_MEMORY(err);
        for (size_t k = 0; k < a->u.ints.count; k++)
            axes[k] = from_front(a->u.ints.at[k], ndim);
        a->u.ints.at = axes;
    }
    return TDNN_OK;
}

static tdnn_status older_max_pool(onnx_item *item, tdnn_error *err)
{
    const tdnn_node *node = item->node;
    if (node->output_count > 1 && node->outputs[1] != TDNN_ABSENT)
        return onnx_item_refuse(item, 8, err, "MaxPool that says where");
    return TDNN_OK;
}

static tdnn_status newer_scan(onnx_item *item, tdnn_error *err)
{
    if (!onnx_item_attr_of(item, "batched")) return TDNN_OK;
    return onnx_item_refuse(item, 0, err, "Scan over batches, but for opset 8");
}

/* Each input had a batch, which the graph says by an attribute of its own. */
static tdnn_status older_scan(onnx_item *item, tdnn_error *err)
{
    const onnx_item_attr *directions = onnx_item_attr_of(item, "scan_input_directions");
    if (!onnx_item_attr_of(item, "batched"))
        return onnx_item_refuse(item, 9, err, "Scan without a batch");
    onnx_item_drop(item, "batched");
    if (!directions) return TDNN_OK;
    onnx_item_attr renamed = *directions;
    renamed.name = "directions";
    onnx_item_drop(item, "scan_input_directions");
    return onnx_item_give(item, renamed, err);
}

/* ---- Which, and up to which opset ---- */

static const struct row {
    const char *op;
    int since, until; /* the opsets that say it so; until 0: the newest too */
    tdnn_status (*rewrite)(onnx_item *, tdnn_error *);
} rows[] = {
    {"Attention", 23, 23, older_attention},
    {"AveragePool", 1, 0, onnx_write_pads},
    {"Clip", 1, 10, older_clip},
    {"DFT", 1, 19, older_dft},
    {"Dropout", 1, 11, older_dropout},
    {"Gemm", 1, 10, older_gemm},
    {"GridSample", 1, 19, older_grid_sample},
    {"Hardmax", 1, 12, older_softmax},
    {"LogSoftmax", 1, 12, older_softmax},
    {"MaxPool", 1, 0, onnx_write_pads},
    {"MaxPool", 1, 7, older_max_pool},
    {"OptionalGetElement", 1, 17, older_optional},
    {"OptionalHasElement", 1, 17, older_optional},
    {"Pad", 1, 18, older_pad_mode},
    {"Pad", 1, 17, older_pad_axes},
    {"Pad", 1, 10, older_pad},
    {"QLinearMatMul", 1, 20, older_qlinear},
    {"ReduceL1", 1, 17, older_reduce},
    {"ReduceL2", 1, 17, older_reduce},
    {"ReduceLogSum", 1, 17, older_reduce},
    {"ReduceLogSumExp", 1, 17, older_reduce},
    {"ReduceMax", 1, 17, older_reduce},
    {"ReduceMean", 1, 17, older_reduce},
    {"ReduceMin", 1, 17, older_reduce},
    {"ReduceProd", 1, 17, older_reduce},
    {"ReduceSum", 1, 12, older_reduce_sum},
    {"ReduceSumSquare", 1, 17, older_reduce},
    {"Resize", 13, 0, onnx_newer_resize},
    {"Resize", 1, 18, onnx_older_resize_18},
    {"Resize", 11, 12, onnx_older_resize_12},
    {"Resize", 1, 10, onnx_older_resize_10},
    {"RoiAlign", 1, 15, older_roi_align},
    {"Scan", 9, 0, newer_scan},
    {"Scan", 8, 8, older_scan},
    {"ScatterElements", 1, 17, older_reduction},
    {"ScatterElements", 1, 10, older_scatter},
    {"ScatterND", 1, 17, older_reduction},
    {"Slice", 1, 9, older_slice},
    {"Softmax", 1, 12, older_softmax},
    {"Split", 1, 17, older_split},
    {"Split", 1, 12, older_split_attr},
    {"Squeeze", 1, 12, older_axes},
    {"TopK", 1, 9, older_topk},
    {"Unsqueeze", 1, 12, older_axes},
};

/* Windows without gaps need not say so. */
static void drop_ones(onnx_item *item, const char *name)
{
    const onnx_item_attr *attr = onnx_item_attr_of(item, name);
    for (size_t i = 0; attr && i < attr->u.ints.count; i++)
        if (attr->u.ints.at[i] != 1) return;
    if (attr) onnx_item_drop(item, name);
}

tdnn_status onnx_older(onnx_item *item, tdnn_error *err)
{
    const tdnn_schema *op = item->node->op;
    int opset = item->level->writer->opset;
    if (op->domain) return TDNN_OK;
    if (strstr(op->name, "Pool")) drop_ones(item, "dilations");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (opset >= rows[i].since && (!rows[i].until || opset <= rows[i].until) &&
            !strcmp(rows[i].op, op->name))
            TDNN_TRY(rows[i].rewrite(item, err));
    return opset < 11 ? positive_axes(item, err) : TDNN_OK;
}
