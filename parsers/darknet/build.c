/* Small steps of building: nodes, constants, shapes, keys. */
#include "parsers/darknet/net.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- Nodes ---- */

tdnn_status tdnn_dark_add(tdnn_dark_net *net, const char *op, const char *name,
                          const tdnn_id *inputs, size_t input_count, tdnn_node **node,
                          tdnn_id *out)
{
    const tdnn_schema *schema = tdnn_schema_find("", op);
    if (!schema) schema = tdnn_schema_find("tinydnn", op);
    if (!schema) return TDNN_DARK_FAIL(net, TDNN_ERR_UNSUPPORTED, "operator %s", op);
    char *full = NULL;
    if (name) {
        full = tdnn_zone_printf(net->zone, "%s_%zu", name, net->index);
        if (!full) return TDNN_NO_MEMORY(net->err);
    }
    return tdnn_graph_append(net->graph, schema->kind, full, inputs, input_count, node, out,
                             net->err);
}

static tdnn_status set_attr(tdnn_dark_net *net, tdnn_node *node, const char *name,
                            tdnn_attr_value value)
{
    return tdnn_node_set_attr(net->graph, node, name, &value, net->err);
}

tdnn_status tdnn_dark_set_int(tdnn_dark_net *net, tdnn_node *node, const char *name,
                              int64_t value)
{
    return set_attr(net, node, name, (tdnn_attr_value){.type = TDNN_ATTR_INT, .i = value});
}

tdnn_status tdnn_dark_set_float(tdnn_dark_net *net, tdnn_node *node, const char *name,
                                float value)
{
    return set_attr(net, node, name, (tdnn_attr_value){.type = TDNN_ATTR_FLOAT, .f = value});
}

tdnn_status tdnn_dark_set_text(tdnn_dark_net *net, tdnn_node *node, const char *name,
                               const char *value)
{
    return set_attr(
        net, node, name,
        (tdnn_attr_value){.type = TDNN_ATTR_STRING, .s = value, .s_length = strlen(value)});
}

tdnn_status tdnn_dark_set_ints(tdnn_dark_net *net, tdnn_node *node, const char *name,
                               const int64_t *values, size_t count)
{
    return set_attr(net, node, name,
                    (tdnn_attr_value){.type = TDNN_ATTR_INTS, .ints = values, .count = count});
}

tdnn_status tdnn_dark_ints(tdnn_dark_net *net, const int64_t *values, size_t count,
                           tdnn_id *out)
{
    tdnn_tensor *tensor;
    TDNN_TRY(tdnn_tensor_i64_vector(values, count, &tensor, net->err));
    return tdnn_graph_add_constant(net->graph, NULL, tensor, out, net->err);
}

tdnn_status tdnn_dark_scalar(tdnn_dark_net *net, float value, tdnn_id *out)
{
    tdnn_tensor *tensor;
    TDNN_TRY(tdnn_tensor_f32_scalar(value, &tensor, net->err));
    return tdnn_graph_add_constant(net->graph, NULL, tensor, out, net->err);
}

tdnn_status tdnn_dark_floats(tdnn_dark_net *net, int ndim, const int64_t *dims, float **data,
                             tdnn_id *out)
{
    tdnn_shape shape = tdnn_shape_make(ndim, dims);
    tdnn_tensor *tensor;
    TDNN_TRY(tdnn_tensor_create(TDNN_F32, &shape, &tensor, net->err));
    *data = tensor->data;
    return tdnn_graph_add_constant(net->graph, NULL, tensor, out, net->err);
}

tdnn_status tdnn_dark_op2(tdnn_dark_net *net, const char *op, tdnn_id a, tdnn_id b,
                          tdnn_id *out)
{
    return tdnn_dark_add(net, op, NULL, (tdnn_id[]){a, b}, 2, NULL, out);
}

tdnn_status tdnn_dark_op1(tdnn_dark_net *net, const char *op, tdnn_id a, float b, tdnn_id *out)
{
    tdnn_id number;
    TDNN_TRY(tdnn_dark_scalar(net, b, &number));
    return tdnn_dark_op2(net, op, a, number, out);
}

tdnn_status tdnn_dark_reshape(tdnn_dark_net *net, tdnn_id from, const int64_t *dims,
                              size_t count, const char *name, tdnn_id *out)
{
    int64_t all[TDNN_MAX_DIMS] = {0}; /* 0: the batch stays */
    tdnn_id shape;
    memcpy(all + 1, dims, count * sizeof *dims);
    TDNN_TRY(tdnn_dark_ints(net, all, count + 1, &shape));
    return tdnn_dark_add(net, "Reshape", name, (tdnn_id[]){from, shape}, 2, NULL, out);
}

tdnn_status tdnn_dark_slice(tdnn_dark_net *net, tdnn_id from, int64_t axis, int64_t begin,
                            int64_t end, const char *name, tdnn_id *out)
{
    tdnn_id at[4] = {from};
    TDNN_TRY(tdnn_dark_ints(net, &begin, 1, &at[1]));
    TDNN_TRY(tdnn_dark_ints(net, &end, 1, &at[2]));
    TDNN_TRY(tdnn_dark_ints(net, &axis, 1, &at[3]));
    return tdnn_dark_add(net, "Slice", name, at, 4, NULL, out);
}

tdnn_status tdnn_dark_concat(tdnn_dark_net *net, const tdnn_id *from, size_t count,
                             int64_t axis, const char *name, tdnn_id *out)
{
    tdnn_node *node;
    TDNN_TRY(tdnn_dark_add(net, "Concat", name, from, count, &node, out));
    return tdnn_dark_set_int(net, node, "axis", axis);
}

tdnn_status tdnn_dark_pass(tdnn_dark_net *net, const tdnn_dark_value *value)
{
    net->out = *value;
    return tdnn_dark_add(net, "Identity", "identity", &value->id, 1, NULL, &net->out.id);
}

/* ---- Inputs of a layer ---- */

static tdnn_status usable(tdnn_dark_net *net, const tdnn_dark_value *value)
{
    if (!value->boxes) return TDNN_OK;
    return TDNN_DARK_FAIL(net, TDNN_ERR_UNSUPPORTED, "[%s] after the boxes of a detector",
                          net->section->name);
}

tdnn_status tdnn_dark_input(tdnn_dark_net *net, tdnn_dark_value *out)
{
    if (net->index) net->layers[net->index - 1].used = true;
    *out = net->index ? net->layers[net->index - 1].out : net->input;
    net->unsure |= out->doubtful;
    return usable(net, out);
}

tdnn_status tdnn_dark_layer_at(tdnn_dark_net *net, const char *key, int64_t index,
                               tdnn_dark_value *out)
{
    int64_t present = (int64_t)net->index, at = index < 0 ? present + index : index;
    if (at < 0 || at >= present)
        return tdnn_cfg_error(
            net->section, key,
            TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT,
                           "%s=%" PRId64 " in layer %zu, expected one of the layers before it",
                           key, index, net->index),
            net->err);
    net->layers[at].used = true;
    *out = net->layers[at].out;
    net->unsure |= out->doubtful;
    return usable(net, out);
}

tdnn_status tdnn_dark_to_image(tdnn_dark_net *net, tdnn_dark_value *value)
{
    if (!value->flat) return TDNN_OK;
    int64_t dims[] = {value->c, value->h, value->w};
    net->fixed_size = true;
    value->flat = false;
    return tdnn_dark_reshape(net, value->id, dims, 3, NULL, &value->id);
}

tdnn_status tdnn_dark_to_vector(tdnn_dark_net *net, tdnn_dark_value *value)
{
    if (value->flat) return TDNN_OK;
    if (value->h * value->w != 1) net->fixed_size = true;
    value->c *= value->h * value->w;
    value->h = value->w = 1;
    value->flat = true;
    return tdnn_dark_add(net, "Flatten", NULL, &value->id, 1, NULL, &value->id);
}

tdnn_status tdnn_dark_image(tdnn_dark_net *net, tdnn_dark_value *out)
{
    TDNN_TRY(tdnn_dark_input(net, out));
    return tdnn_dark_to_image(net, out);
}

tdnn_status tdnn_dark_vector(tdnn_dark_net *net, tdnn_dark_value *out)
{
    TDNN_TRY(tdnn_dark_input(net, out));
    return tdnn_dark_to_vector(net, out);
}

/* ---- Keys ---- */

tdnn_status tdnn_dark_tell(tdnn_dark_net *net, tdnn_finding_kind kind)
{
    tdnn_error why = *net->err;
    const char *section = net->section->name, *node = "";
    char line[32];
    snprintf(line, sizeof line, "line %zu", net->section->line);
    if (!strncmp(why.where, "line ", 5)) snprintf(line, sizeof line, "%.31s", why.where);
    if (net->layers) {
        node = tdnn_zone_printf(net->zone, "layer %zu", net->index);
        if (!node) return TDNN_NO_MEMORY(net->err);
    }
    snprintf(why.where, sizeof why.where, "%s%s[%.60s], %s", node, *node ? " " : "", section,
             line);
    tdnn_error_clear(net->err);
    return tdnn_findings_add_error(&net->findings, kind, node, section, &why, net->err);
}

tdnn_status tdnn_dark_take_key(tdnn_dark_net *net, tdnn_status status, bool doubt)
{
    if (!status || !tdnn_findings_take(&net->findings, status)) return status;
    net->told |= doubt;
    return tdnn_dark_tell(net, TDNN_FINDING_ATTRIBUTE);
}

tdnn_status tdnn_dark_int(tdnn_dark_net *net, const char *key, int64_t missing, int64_t least,
                          int64_t most, int64_t *out)
{
    tdnn_status status = tdnn_cfg_int(net->section, key, missing, least, most, out, net->err);
    if (status) *out = missing < least ? least : missing;
    return tdnn_dark_take_key(net, status, true);
}

tdnn_status tdnn_dark_flag(tdnn_dark_net *net, const char *key, bool *out)
{
    int64_t value;
    TDNN_TRY(tdnn_dark_int(net, key, 0, -INT32_MAX, INT32_MAX, &value));
    *out = value != 0;
    return TDNN_OK;
}

tdnn_status tdnn_dark_float(tdnn_dark_net *net, const char *key, double missing, float *out)
{
    return tdnn_dark_take_key(
        net, tdnn_cfg_float(net->section, key, missing, out, net->err), false);
}

tdnn_status tdnn_dark_list(tdnn_dark_net *net, const char *key, int64_t **out, size_t *count)
{
    tdnn_status status = tdnn_cfg_ints(net->section, key, net->zone, out, count, net->err);
    if (status) *count = 0;
    return tdnn_dark_take_key(net, status, true);
}

tdnn_status tdnn_dark_float_list(tdnn_dark_net *net, const char *key, float **out, size_t *count)
{
    tdnn_status status = tdnn_cfg_floats(net->section, key, net->zone, out, count, net->err);
    if (status) *count = 0;
    return tdnn_dark_take_key(net, status, true);
}

tdnn_status tdnn_dark_refuse(tdnn_dark_net *net, const char *key)
{
    const char *text = tdnn_cfg_text(net->section, key);
    float value = 1;
    if (!text || (!tdnn_cfg_float(net->section, key, 0, &value, NULL) && value == 0))
        return TDNN_OK;
    tdnn_status status =
        tdnn_cfg_error(net->section, key,
                       TDNN_DARK_FAIL(net, TDNN_ERR_UNSUPPORTED, "%s=%.40s in [%s]", key, text,
                                      net->section->name),
                       net->err);
    return tdnn_dark_take_key(net, status, false);
}

tdnn_status tdnn_dark_check_size(tdnn_dark_net *net, const tdnn_dark_value *value)
{
    int64_t all;
    if (value->c > 0 && value->h > 0 && value->w > 0 &&
        !__builtin_mul_overflow(value->c, value->h, &all) &&
        !__builtin_mul_overflow(all, value->w, &all) && all <= INT32_MAX)
        return TDNN_OK;
    return TDNN_DARK_FAIL(net, TDNN_ERR_SHAPE,
                          "layer %zu would give %" PRId64 " x %" PRId64 " x %" PRId64
                          " numbers, expected 1 to %d",
                          net->index, value->c, value->h, value->w, INT32_MAX);
}
