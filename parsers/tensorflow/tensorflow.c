/* TensorFlow: from a GraphDef's bytes, and maybe a text's, to a graph. */
#include "parsers/message.h"
#include "parsers/tensorflow/ops.h"
#include "parsers/tensorflow/pbtxt.h"
#include "parsers/wire.h"

#include <string.h>

/* A message for every node, and this many for its attributes and tensors. */
enum { MESSAGES_PER_NODE = 64 };

/* ---- Is it TensorFlow? ---- */

/* A NodeDef begins with its name and says an operator; ONNX has a number in field 1, and Caffe
 * a text that is no message. */
static bool is_node(tdnn_bytes bytes)
{
    tdnn_cursor c = tdnn_cursor_make(bytes.data, bytes.size);
    tdnn_wire_field f;
    bool more, name = false, op = false;
    while (!tdnn_wire_next(&c, &f, &more, NULL) && more) {
        if (f.type != TDNN_WIRE_BYTES) return false;
        name |= f.number == 1;
        op |= f.number == 2;
        if (!name) return false;
    }
    return name && op;
}

static int sniff_model(tdnn_bytes bytes)
{
    tdnn_cursor c = tdnn_cursor_make(bytes.data, bytes.size);
    tdnn_wire_field f;
    bool more;
    if (!tdnn_wire_next(&c, &f, &more, NULL) && more && f.type == TDNN_WIRE_BYTES) {
        while (more && f.number != 1 && f.type == TDNN_WIRE_BYTES)
            if (tdnn_wire_next(&c, &f, &more, NULL)) return 0;
        if (more && f.number == 1 && f.type == TDNN_WIRE_BYTES && is_node(f.payload)) return 90;
    }
    return tf_pbtxt_sniff(bytes);
}

/* ---- Nodes ---- */

static tdnn_status add_nodes(tf_model *model, tdnn_bytes file, tdnn_error *err)
{
    ProtobufCMessage *message;
    size_t most =
        (size_t)(model->source->options ? model->source->options->max_nodes : 1000000);
    TDNN_TRY(tdnn_message_decode(file, &tensorflow__graph_def__descriptor,
                                 most * MESSAGES_PER_NODE, model->zone, &message, err));
    const Tensorflow__GraphDef *graph = (const Tensorflow__GraphDef *)message;
    const bool second = model->nodes.count > 0;
    for (size_t i = 0; i < graph->n_node; i++) {
        const Tensorflow__NodeDef *n = graph->node[i];
        const char *name = n->name ? n->name : "";
        int32_t known = second ? tdnn_map_get(&model->nodes.names, name) : -1;
        if (known < 0)
            TDNN_TRY(tf_nodes_add(model, &model->nodes, n, file, err));
        else if (!strncmp(model->nodes.at[known].proto->op, "Var", 3) && n->op &&
                 !strcmp(n->op, "Const"))
            model->nodes.at[known] = /* the text has a variable where the model has its value */
                (tf_node){n, file,
                          model->nodes.at[known].op
                              ? &tf_ops[tdnn_map_get(&model->ops, "Const")]
                              : NULL};
    }
    if (!second) model->nodes.own = model->nodes.count;
    if (!model->library) model->library = graph->library;
    return TDNN_OK;
}

/* ---- Inputs ---- */

static const tdnn_load_options *tf_options(const tf_model *model)
{
    static const tdnn_load_options none = {.max_nodes = 1000000};
    return model->source->options ? model->source->options : &none;
}

static bool is_input(const tf_node *n)
{
    return tf_is(n, "Placeholder") || tf_is(n, "PlaceholderV2");
}

static tdnn_status find_uses(const tf_scope *s, tf_uses *u, tdnn_error *err)
{
    const tf_nodes *nodes = s->nodes;
    tdnn_zone *zone = s->model->zone;
    u->begin = tdnn_zone_alloc(zone, nodes->count + 1, sizeof *u->begin);
    size_t *next = tdnn_zone_alloc(zone, nodes->count + 1, sizeof *next);
    if (!u->begin || !next) return TDNN_NO_MEMORY(err);
    for (size_t n = 0; n < nodes->count; n++)
        for (size_t i = 0; i < tf_data_inputs(nodes->at[n].proto); i++) {
            const tf_node *from = tf_input_node(s, &nodes->at[n], i);
            if (from) u->begin[from - nodes->at + 1]++;
        }
    for (size_t n = 0; n < nodes->count; n++) {
        next[n] = u->begin[n];
        u->begin[n + 1] += u->begin[n];
    }
    u->to = tdnn_zone_alloc(zone, u->begin[nodes->count] + 1, sizeof *u->to);
    if (!u->to) return TDNN_NO_MEMORY(err);
    for (size_t n = 0; n < nodes->count; n++)
        for (size_t i = 0; i < tf_data_inputs(nodes->at[n].proto); i++) {
            const tf_node *from = tf_input_node(s, &nodes->at[n], i);
            if (from) u->to[next[from - nodes->at]++] = (tf_use){(uint32_t)n, (uint32_t)i};
        }
    return TDNN_OK;
}

/* True if a node is channels-last and spatial, and takes an image from `input`. */
static bool takes_image(const tf_node *node, uint32_t input)
{
    if (!node->op || !(node->op->flags & TF_SPATIAL)) return false;
    const Tensorflow__AttrValue *a = tf_attr(node, "data_format");
    if (a && a->has_s && a->s.len >= 2 && !memcmp(a->s.data, "NC", 2)) return false;
    return input ==
           (tf_is(node, "Conv2DBackpropInput") || tf_is(node, "Conv3DBackpropInputV2") ? 2 : 0);
}

/* How many dimensions a value has that goes, perhaps through element-wise operators, into a
 * spatial one with channels last; 0: it does not. */
static tdnn_status image_rank(const tf_scope *s, const tf_uses *u, const tf_node *from,
                              int *out, tdnn_error *err)
{
    const tf_nodes *nodes = s->nodes;
    tdnn_zone *zone = tdnn_zone_create();
    unsigned char *seen = zone ? tdnn_zone_alloc(zone, nodes->count + 1, 1) : NULL;
    uint32_t *stack = zone ? tdnn_zone_alloc(zone, nodes->count + 1, sizeof *stack) : NULL;
    size_t depth = 0;
    *out = 0;
    if (!seen || !stack) {
        tdnn_zone_free(zone);
        return TDNN_NO_MEMORY(err);
    }
    stack[depth++] = (uint32_t)(from - nodes->at);
    while (depth && !*out) {
        const uint32_t n = stack[--depth];
        for (size_t i = u->begin[n]; i < u->begin[n + 1] && !*out; i++) {
            const tf_node *user = &nodes->at[u->to[i].node];
            if (takes_image(user, u->to[i].input)) *out = user->op->flags & TF_VOLUME ? 5 : 4;
            if (!user->op || !(user->op->flags & TF_POINTWISE) || seen[u->to[i].node]) continue;
            seen[u->to[i].node] = 1;
            stack[depth++] = u->to[i].node;
        }
    }
    tdnn_zone_free(zone);
    return TDNN_OK;
}

static void declared(const tf_node *node, tdnn_dtype *type, tdnn_shape *shape)
{
    const Tensorflow__AttrValue *a = tf_attr(node, "dtype");
    if (!a) a = tf_attr(node, "T");
    *type = a && a->has_type ? tf_dtype(a->type) : TDNN_F32;
    if (!is_input(node))
        a = tf_attr(node, "_output_shapes");
    else
        a = tf_attr(node, "shape");
    if (a && a->list && a->list->n_shape)
        tf_shape(a->list->shape[0], shape);
    else
        tf_shape(a ? a->shape : NULL, shape);
    /* Old exporters write a scalar where they mean that nothing is known. */
    if (shape->ndim == 0) shape->ndim = -1;
}

/* Makes the node's output an input of the graph. */
static tdnn_status bind_input(tf_scope *s, const tf_node *node, size_t port, const char *name,
                              tdnn_error *err)
{
    const tf_uses *u = &s->model->uses;
    tdnn_dtype type;
    tdnn_shape shape;
    tdnn_id id;
    tf_value *v;
    int rank = 0;
    declared(node, &type, &shape);
    if (!type) {
        const Tensorflow__AttrValue *a = tf_attr(node, "dtype");
        if (!s->model->told && s->model->origin.where)
            TDNN_TRY(tf_tell(s->model, TDNN_FINDING_TYPE, err, "element type %s (dtype)",
                             tf_dtype_text(a ? a->type : 0)));
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                         "input \"%s\" of a type that tinydnn does not have", name);
    }
    if (tf_options(s->model)->io_layout == TDNN_IO_NCHW)
        TDNN_TRY(image_rank(s, u, node, &rank, err));
    if (shape.ndim < 0 && rank) shape = tf_unknown_shape(rank);
    TDNN_TRY(tdnn_graph_add_value(s->graph, name, &id, err));
    TDNN_TRY(tdnn_graph_add_input(s->graph, id, err));
    TDNN_TRY(tf_value_make(s, id, type, &shape, &v, err));
    v->first = rank && shape.ndim == rank;
    tdnn_value *value = &s->graph->values[id];
    value->dtype = type;
    value->shape = shape;
    for (int i = 0; v->first && i < shape.ndim; i++)
        value->shape.dim[tf_axis_place(v, i)] = shape.dim[i];
    return tf_scope_set(s, node->proto->name, port, v, err);
}

/* Is called when a placeholder is met, so that those which nobody needs are no inputs. */
tdnn_status tf_import_placeholder(tf_call *c, tdnn_error *err)
{
    if (c->input_count) return tf_give(c, 0, c->inputs[0], err); /* PlaceholderWithDefault */
    if (c->scope->outer)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "an input inside of a loop or function");
    return bind_input(c->scope, c->node, 0, c->name, err);
}

/* The graph's inputs in the order in which the file has them. */
static void sort_inputs(tf_scope *s)
{
    size_t count = 0;
    for (size_t n = 0; n < s->nodes->count; n++) {
        const tf_value *v =
            is_input(&s->nodes->at[n]) ? tf_scope_get(s, s->nodes->at[n].proto->name, 0) : NULL;
        for (size_t i = count; v && i < s->graph->input_count; i++)
            if (s->graph->inputs[i] == v->id) {
                s->graph->inputs[i] = s->graph->inputs[count];
                s->graph->inputs[count++] = v->id;
                break;
            }
    }
}

static tdnn_status bind_inputs(tf_scope *s, tdnn_error *err)
{
    const tdnn_load_options *o = tf_options(s->model);
    for (size_t i = 0; i < o->input_count; i++) {
        const char *name;
        size_t port;
        TDNN_TRY(tf_split_name(s->model, o->inputs[i], &name, &port, err));
        const tf_node *node = tf_find_node(s, name);
        if (!node)
            return TDNN_FAIL(err, TDNN_ERR_NOT_FOUND, "the model has no tensor \"%s\"",
                             o->inputs[i]);
        if (!tf_scope_get(s, name, port))
            TDNN_TRY(bind_input(s, node, port, o->inputs[i], err));
    }
    return TDNN_OK;
}

/* ---- Outputs ---- */

static tdnn_status add_output(tf_scope *s, const char *text, tdnn_error *err)
{
    tf_value *v;
    tdnn_id id;
    tdnn_graph *g = s->graph;
    TDNN_TRY(tf_scope_find(s, text, &v, err));
    if (v->missing) return TDNN_OK; /* is reported in the end */
    if (v->dead)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "output \"%s\" is on a side that is never taken",
                         text);
    if (v->flow)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "output \"%s\" is a TensorArray", text);
    tf_call last = {.scope = s, .name = text, .inputs = &v, .input_count = 1};
    TDNN_TRY(tf_unblocked(&last, 0, &v, err));
    const bool nchw = tf_options(s->model)->io_layout == TDNN_IO_NCHW;
    if (!nchw || !v->first)
        TDNN_TRY(tf_plain(s, v, &id, err));
    else
        id = v->id;
    tdnn_id there = tdnn_graph_find_value(g, text);
    if (there != id || g->values[id].constant || tdnn_graph_is_output(g, id)) {
        if (there != TDNN_ABSENT) {
            const char *moved =
                tdnn_zone_printf(g->zone, "%s/%s", text, v->first ? "inner" : "made");
            if (!moved) return TDNN_NO_MEMORY(err);
            if (tdnn_graph_is_output(g, there)) return TDNN_OK; /* asked for twice */
            bool input = false;
            for (size_t i = 0; i < g->input_count; i++) input |= g->inputs[i] == there;
            if (input) return tdnn_graph_add_output(g, there, err);
            TDNN_TRY(tdnn_graph_rename_value(g, there, moved, err));
        }
        TDNN_TRY(tdnn_graph_append(g, TDNN_OP_Identity, text, &id, 1, NULL, &id, err));
    }
    tdnn_value *value = &g->values[id];
    value->dtype = v->dtype;
    for (int i = 0; i < v->shape.ndim; i++)
        value->shape.dim[nchw ? tf_axis_place(v, i) : i] = v->shape.dim[i];
    value->shape.ndim = v->shape.ndim;
    return tdnn_graph_add_output(g, id, err);
}

static tdnn_status give_outputs(tf_scope *s, const char *const *names, size_t count,
                                tdnn_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *name;
        size_t port;
        TDNN_TRY(tf_split_name(s->model, names[i], &name, &port, err));
        const tf_node *node = tf_find_node(s, name);
        if (!node)
            return TDNN_FAIL(err, TDNN_ERR_NOT_FOUND, "the model has no tensor \"%s\"",
                             names[i]);
        TDNN_TRY(tf_scope_import(s, node, err));
    }
    TDNN_TRY(tdnn_findings_report(&s->model->findings, s->graph, err));
    for (size_t i = 0; i < count; i++) TDNN_TRY(add_output(s, names[i], err));
    return TDNN_OK;
}

/* A second file has only weights: who uses a node there does not count. */
static bool is_used(const tf_scope *s, size_t node)
{
    const tf_uses *u = &s->model->uses;
    for (size_t i = u->begin[node]; i < u->begin[node + 1]; i++)
        if (u->to[i].node < s->nodes->own) return true;
    return false;
}

/* What nobody uses. */
static tdnn_status find_outputs(tf_scope *s, const char ***out, size_t *count, tdnn_error *err)
{
    const char **list = tdnn_zone_alloc(s->model->zone, s->nodes->own + 1, sizeof *list);
    if (!list) return TDNN_NO_MEMORY(err);
    *count = 0;
    for (size_t n = 0; n < s->nodes->own; n++) {
        const tf_node *node = &s->nodes->at[n];
        if (is_used(s, n) || is_input(node)) continue;
        if (node->op && node->op->flags & TF_QUIET) continue;
        if (tdnn_map_get(&s->names, node->proto->name) >= 0) continue;
        list[(*count)++] = node->proto->name;
    }
    *out = list;
    return TDNN_OK;
}

/* ---- All together ---- */

static tdnn_status import_graph(tf_model *model, tdnn_graph *graph, tdnn_error *err)
{
    tf_scope s = {.model = model, .graph = graph, .nodes = &model->nodes, .prefix = ""};
    const tdnn_load_options *o = tf_options(model);
    const char **names = NULL;
    size_t count = 0;
    TDNN_TRY(tf_nodes_find_frames(model, &model->nodes, err));
    TDNN_TRY(find_uses(&s, &model->uses, err));
    TDNN_TRY(bind_inputs(&s, err));
    if (!o->output_count) TDNN_TRY(find_outputs(&s, &names, &count, err));
    if (!o->output_count && !count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "the graph has no outputs");
    const char *const *wanted = o->output_count ? o->outputs : names;
    if (o->output_count) count = o->output_count;
    TDNN_TRY(give_outputs(&s, wanted, count, err));
    sort_inputs(&s);
    return TDNN_OK;
}

static tdnn_status fill_ops(tf_model *model, tdnn_error *err)
{
    for (int32_t i = 0; tf_ops[i].name; i++)
        if (!tdnn_map_put(&model->ops, model->zone, tf_ops[i].name, i))
            return TDNN_NO_MEMORY(err);
    return TDNN_OK;
}

/* A file that is text becomes binary; *owned is to be freed. */
static tdnn_status to_binary(tdnn_bytes bytes, const char *name, tdnn_bytes *out, void **owned,
                             tdnn_error *err)
{
    *out = bytes;
    if (!tf_pbtxt_sniff(bytes)) return TDNN_OK;
    tdnn_status status = tf_pbtxt_encode(bytes, true, out, err);
    *owned = (void *)(uintptr_t)out->data;
    return status ? tdnn_error_at(err, status, "%s", name ? name : "text") : TDNN_OK;
}

static tdnn_status parse(const tdnn_source *source, tdnn_graph *graph, tdnn_error *err)
{
    tf_model model = {.source = source, .zone = tdnn_zone_create()};
    void *owned[2] = {NULL, NULL};
    tdnn_bytes files[2] = {{0}, {0}};
    if (!model.zone) return TDNN_NO_MEMORY(err);
    model.findings = (tdnn_findings){.source = source, .zone = model.zone};
    tdnn_status status = fill_ops(&model, err);
    if (!status && source->config.size)
        status = to_binary(source->config, source->config_name, &files[0], &owned[0], err);
    if (!status)
        status = to_binary(source->model, source->model_name, &files[1], &owned[1], err);
    for (int i = 0; i < 2 && !status; i++)
        if (files[i].size) status = add_nodes(&model, files[i], err);
    if (!status && !model.nodes.count)
        status = TDNN_FAIL(err, TDNN_ERR_FORMAT, "the graph has no nodes");
    if (!status) status = import_graph(&model, graph, err);
    tdnn_free(owned[0]);
    tdnn_free(owned[1]);
    tdnn_zone_free(model.zone);
    return status;
}

const tdnn_parser tdnn_parser_tensorflow = {
    .format = TDNN_FORMAT_TENSORFLOW,
    .name = "TensorFlow",
    .sniff_model = sniff_model,
    .sniff_config = tf_pbtxt_sniff,
    .parse = parse,
};
