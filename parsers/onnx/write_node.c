/* One node: its attributes as the schema says where they are, what older opsets say otherwise,
 * and the NodeProto. */
#include "lib/graph/params.h"
#include "parsers/onnx/write.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- From the parameter struct to attributes ---- */

/* The attribute's value; false if it is the default's or there is none. */
static bool read_attr(const tdnn_node *node, const tdnn_attr *a, onnx_item_attr *out)
{
    const unsigned char *params = node->params, *at = params + a->offset;
    bool always = onnx_attr_needed(node->op, a) || (a->given && params[a->given]);
    if (a->given && !params[a->given]) return false;
    *out = (onnx_item_attr){.name = a->name, .type = a->type};
    switch (a->type) {
    case TDNN_ATTR_INT:
        memcpy(&out->u.i, at, sizeof out->u.i);
        return always || out->u.i != a->i;
    case TDNN_ATTR_ENUM: {
        int64_t index;
        memcpy(&index, at, sizeof index);
        out->u.s = a->choices[index];
        return always || index != a->i;
    }
    case TDNN_ATTR_FLOAT:
        memcpy(&out->u.f, at, sizeof out->u.f);
        return always || memcmp(&out->u.f, &a->f, sizeof a->f) != 0;
    case TDNN_ATTR_STRING:
        memcpy(&out->u.s, at, sizeof out->u.s);
        return out->u.s && (always || !a->s || strcmp(out->u.s, a->s) != 0);
    case TDNN_ATTR_TENSOR:
        memcpy(&out->u.tensor, at, sizeof out->u.tensor);
        return out->u.tensor != NULL;
    case TDNN_ATTR_GRAPH: {
        int64_t index;
        memcpy(&index, at, sizeof index);
        if (index >= 0) out->u.graph = node->subgraphs[index];
        return index >= 0;
    }
    case TDNN_ATTR_INTS: memcpy(&out->u.ints, at, sizeof out->u.ints); return out->u.ints.given;
    case TDNN_ATTR_FLOATS:
        memcpy(&out->u.floats, at, sizeof out->u.floats);
        return out->u.floats.given;
    case TDNN_ATTR_STRINGS:
        memcpy(&out->u.strings, at, sizeof out->u.strings);
        return out->u.strings.given;
    default: return false;
    }
}

static tdnn_status read_attrs(onnx_item *item, tdnn_error *err)
{
    enum { MOST_ADDED = 4 }; /* by rewriting */
    const tdnn_attr *attrs = item->node->op->attrs;
    size_t count = 0;
    while (attrs && attrs[count].type != TDNN_ATTR_END) count++;
    item->attrs =
        tdnn_zone_alloc(item->level->writer->zone, count + MOST_ADDED, sizeof *item->attrs);
    if (!item->attrs) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < count; i++)
        if (read_attr(item->node, &attrs[i], &item->attrs[item->attr_count]))
            item->attr_count++;
    return TDNN_OK;
}

/* ---- For rewriting ---- */

const onnx_item_attr *onnx_item_attr_of(const onnx_item *item, const char *name)
{
    for (size_t i = 0; i < item->attr_count; i++)
        if (!strcmp(item->attrs[i].name, name)) return &item->attrs[i];
    return NULL;
}

void onnx_item_drop(onnx_item *item, const char *name)
{
    size_t kept = 0;
    for (size_t i = 0; i < item->attr_count; i++)
        if (strcmp(item->attrs[i].name, name) != 0) item->attrs[kept++] = item->attrs[i];
    item->attr_count = kept;
}

tdnn_status onnx_item_give(onnx_item *item, onnx_item_attr attr, tdnn_error *err)
{
    onnx_item_drop(item, attr.name);
    onnx_item_attr *grown =
        tdnn_zone_alloc(item->level->writer->zone, item->attr_count + 1, sizeof *grown);
    if (!grown) return TDNN_NO_MEMORY(err);
    if (item->attr_count) memcpy(grown, item->attrs, item->attr_count * sizeof *grown);
    grown[item->attr_count++] = attr;
    item->attrs = grown;
    return TDNN_OK;
}

tdnn_status onnx_item_give_int(onnx_item *item, const char *name, int64_t value,
                               tdnn_error *err)
{
    onnx_item_attr attr = {.name = name, .type = TDNN_ATTR_INT, .u.i = value};
    return onnx_item_give(item, attr, err);
}

tdnn_status onnx_item_give_text(onnx_item *item, const char *name, const char *value,
                                tdnn_error *err)
{
    onnx_item_attr attr = {.name = name, .type = TDNN_ATTR_STRING, .u.s = value};
    return onnx_item_give(item, attr, err);
}

bool onnx_item_has_input(const onnx_item *item, size_t index)
{
    return index < item->input_count &&
           (item->names[index] || item->inputs[index] != TDNN_ABSENT);
}

const tdnn_tensor *onnx_item_constant_at(const onnx_item *item, size_t index)
{
    if (!onnx_item_has_input(item, index) || item->names[index]) return NULL;
    return item->level->graph->values[item->inputs[index]].constant;
}

void onnx_item_cut(onnx_item *item, size_t index)
{
    if (item->input_count > index) item->input_count = index;
}

tdnn_status onnx_item_put_constant(onnx_item *item, size_t index, tdnn_tensor *tensor,
                                   tdnn_error *err)
{
    onnx_level *level = item->level;
    tdnn_zone *zone = level->writer->zone;
    size_t count = index < item->input_count ? item->input_count : index + 1;
    tdnn_id *inputs = tdnn_zone_alloc(zone, count, sizeof *inputs);
    const char **names = tdnn_zone_alloc(zone, count, sizeof *names);
    const char *name = onnx_name_fresh(level, "constant");
    TDNN_TRY(tdnn_graph_hold(level->graph, tensor, err));
    if (!inputs || !names || !name ||
        !TDNN_ZONE_PUSH(zone, level->made, level->made_count, level->made_capacity))
        return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < count; i++) {
        inputs[i] = i < item->input_count ? item->inputs[i] : TDNN_ABSENT;
        names[i] = i < item->input_count ? item->names[i] : NULL;
    }
    names[index] = name;
    item->inputs = inputs;
    item->names = names;
    item->input_count = count;
    level->made[level->made_count++] = (struct onnx_made){name, tensor};
    return TDNN_OK;
}

tdnn_status onnx_item_refuse(const onnx_item *item, int needed, tdnn_error *err,
                             const char *format, ...)
{
    char what[200];
    onnx_writer *w = item->level->writer;
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    w->needed = needed;
    if (needed)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                         "%s, which needs opset %d or later; written is %d", what, needed,
                         w->opset);
    return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "%s, which no opset has", what);
}

/* ---- The message ---- */

/* Fields of AttributeProto, and its types. */
enum {
    A_NAME = 1,
    A_F = 2,
    A_I = 3,
    A_S = 4,
    A_T = 5,
    A_G = 6,
    A_FLOATS = 7,
    A_INTS = 8,
    A_STRINGS = 9,
    A_TYPE = 20
};
enum { T_FLOAT = 1, T_INT, T_STRING, T_TENSOR, T_GRAPH, T_FLOATS, T_INTS, T_STRINGS };

static tdnn_status put_value(onnx_item *item, const onnx_item_attr *a, int *type,
                             tdnn_error *err)
{
    onnx_writer *w = item->level->writer;
    onnx_out *out = &w->out;
    switch (a->type) {
    case TDNN_ATTR_INT:
        *type = T_INT;
        onnx_put_int(out, A_I, a->u.i);
        break;
    case TDNN_ATTR_FLOAT:
        *type = T_FLOAT;
        onnx_put_float(out, A_F, a->u.f);
        break;
    case TDNN_ATTR_ENUM:
    case TDNN_ATTR_STRING:
        *type = T_STRING;
        onnx_put_text(out, A_S, a->u.s);
        break;
    case TDNN_ATTR_TENSOR:
        *type = T_TENSOR;
        return onnx_tensor_write(out, A_T, NULL, a->u.tensor, err);
    case TDNN_ATTR_GRAPH:
        *type = T_GRAPH;
        return onnx_graph_write(w, item->level, a->u.graph, item->node, A_G, err);
    case TDNN_ATTR_INTS:
        *type = T_INTS;
        for (size_t i = 0; i < a->u.ints.count; i++) onnx_put_int(out, A_INTS, a->u.ints.at[i]);
        break;
    case TDNN_ATTR_FLOATS:
        *type = T_FLOATS;
        for (size_t i = 0; i < a->u.floats.count; i++)
            onnx_put_float(out, A_FLOATS, a->u.floats.at[i]);
        break;
    case TDNN_ATTR_STRINGS:
        *type = T_STRINGS;
        for (size_t i = 0; i < a->u.strings.count; i++)
            onnx_put_text(out, A_STRINGS, a->u.strings.at[i]);
        break;
    default: return TDNN_FAIL(err, TDNN_ERR_INTERNAL, "attribute \"%s\" has no type", a->name);
    }
    return TDNN_OK;
}

static tdnn_status put_attrs(onnx_item *item, tdnn_error *err)
{
    enum { ATTRIBUTE = 5 };
    onnx_out *out = &item->level->writer->out;
    for (size_t i = 0; i < item->attr_count; i++) {
        int type = 0;
        onnx_mark mark = onnx_begin(out, ATTRIBUTE);
        onnx_put_text(out, A_NAME, item->attrs[i].name);
        TDNN_TRY(put_value(item, &item->attrs[i], &type, err));
        onnx_put_int(out, A_TYPE, type);
        onnx_end(out, mark);
    }
    return TDNN_OK;
}

/* Names of nodes are unique in a graph too: ONNX Runtime insists. */
static const char *node_name(onnx_level *level, const tdnn_node *node)
{
    if (!*node->name) return "";
    const char *key = tdnn_zone_printf(level->writer->zone, "node %s", node->name);
    if (!key) return NULL;
    if (tdnn_map_get(&level->taken, key) < 0)
        return tdnn_map_put(&level->taken, level->writer->zone, key, 0) ? node->name : NULL;
    key = onnx_name_fresh(level, key);
    return key ? key + strlen("node ") : NULL;
}

static tdnn_status put_node(onnx_item *item, tdnn_error *err)
{
    enum { NODE = 1, INPUT = 1, OUTPUT = 2, NAME = 3, OP_TYPE = 4, DOMAIN = 7 };
    onnx_level *level = item->level;
    onnx_out *out = &level->writer->out;
    const tdnn_node *node = item->node;
    size_t inputs = item->input_count, outputs = node->output_count;
    const char *name = node_name(level, node);
    if (!name) return TDNN_NO_MEMORY(err);
    while (inputs && !onnx_item_has_input(item, inputs - 1)) inputs--;
    while (outputs && node->outputs[outputs - 1] == TDNN_ABSENT) outputs--;
    onnx_mark mark = onnx_begin(out, NODE);
    for (size_t i = 0; i < inputs; i++)
        onnx_put_text(out, INPUT,
                      item->names[i]                   ? item->names[i]
                      : item->inputs[i] == TDNN_ABSENT ? ""
                                                       : onnx_name_use(level, item->inputs[i]));
    for (size_t i = 0; i < outputs; i++)
        onnx_put_text(out, OUTPUT,
                      node->outputs[i] == TDNN_ABSENT ? "" : level->names[node->outputs[i]]);
    if (*name) onnx_put_text(out, NAME, name);
    onnx_put_text(out, OP_TYPE, item->op);
    TDNN_TRY(put_attrs(item, err));
    if (node->op->domain) onnx_put_text(out, DOMAIN, node->op->domain);
    onnx_end(out, mark);
    return TDNN_OK;
}

/* ---- Does the opset have it? ---- */

static void at_least(int *version, int wanted)
{
    if (*version < wanted) *version = wanted;
}

static tdnn_status check_domain(onnx_item *item, tdnn_error *err)
{
    const tdnn_schema *op = item->node->op;
    onnx_writer *w = item->level->writer;
    int since = onnx_since_op(op);
    for (size_t i = 0; i < item->attr_count; i++) {
        int attr = onnx_since_attr(op, item->attrs[i].name);
        if (since < attr) since = attr;
    }
    if (!op->domain) {
        int types = onnx_since_types(item);
        if (w->opset < since)
            return onnx_item_refuse(item, since, err, "%s as it is used here", op->name);
        if (w->opset < types)
            return onnx_item_refuse(item, types, err, "%s of elements of these types",
                                    op->name);
    } else if (!strcmp(op->domain, "ai.onnx.ml")) {
        at_least(&w->ml, since);
    } else if (!strcmp(op->domain, "ai.onnx.preview.training")) {
        at_least(&w->training, since);
    } else if (!strcmp(op->domain, "ai.onnx.preview")) {
        at_least(&w->preview, since);
    } else {
        return onnx_item_refuse(item, 0, err, "%s of tinydnn's own operators", op->name);
    }
    return TDNN_OK;
}

/* What fusion may have put into an operator, beyond ONNX. */
static tdnn_status check_fused(const onnx_item *item, tdnn_error *err)
{
    const tdnn_node *node = item->node;
    int64_t kind = TDNN_ACT_NONE;
    switch (node->op->kind) {
    case TDNN_OP_Conv: kind = ((const tdnn_conv_params *)node->params)->activation.kind; break;
    case TDNN_OP_ConvTranspose:
        kind = ((const tdnn_conv_transpose_params *)node->params)->activation.kind;
        break;
    case TDNN_OP_Gemm: kind = ((const tdnn_gemm_params *)node->params)->activation.kind; break;
    default: return TDNN_OK;
    }
    if (kind != TDNN_ACT_NONE || onnx_item_has_input(item, 3))
        return onnx_item_refuse(item, 0, err, "%s with an activation or a residual inside",
                                node->op->name);
    return TDNN_OK;
}

static tdnn_status write_item(onnx_item *item, tdnn_error *err)
{
    TDNN_TRY(read_attrs(item, err));
    TDNN_TRY(check_fused(item, err));
    TDNN_TRY(onnx_older(item, err));
    TDNN_TRY(check_domain(item, err));
    return put_node(item, err);
}

tdnn_status onnx_node_write(onnx_level *level, const tdnn_node *node, tdnn_error *err)
{
    onnx_item item = {.level = level,
                      .node = node,
                      .op = node->op->name,
                      .inputs = node->inputs,
                      .input_count = node->input_count};
    item.names = tdnn_zone_alloc(level->writer->zone, node->input_count, sizeof *item.names);
    if (!item.names) return TDNN_NO_MEMORY(err);
    tdnn_status status = write_item(&item, err);
    return status ? tdnn_node_error(level->graph, node, status, err) : TDNN_OK;
}
