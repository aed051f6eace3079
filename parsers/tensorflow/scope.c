/* Names, and the order of import: backwards from what is wanted, so that what nobody needs is
 * never looked at. Depth first with a stack of its own: the depth of a graph is up to its
 * author. */
#include "parsers/tensorflow/import.h"

#include <string.h>

/* ---- Names ---- */

bool tf_is(const tf_node *node, const char *op) { return node && !strcmp(node->proto->op, op); }

tdnn_status tf_split_name(tf_model *model, const char *text, const char **name, size_t *port,
                          tdnn_error *err)
{
    const char *colon = strrchr(text, ':');
    *name = text;
    *port = 0;
    if (!colon || !colon[1]) return TDNN_OK;
    size_t number = 0;
    for (const char *p = colon + 1; *p; p++) {
        if (*p < '0' || *p > '9' || number > 1000000) return TDNN_OK;
        number = number * 10 + (size_t)(*p - '0');
    }
    *port = number;
    const char *first = strchr(text, ':'); /* in a function: "node:output:0" */
    *name = tdnn_zone_strndup(model->zone, text, (size_t)(first - text));
    return *name ? TDNN_OK : TDNN_NO_MEMORY(err);
}

/* As tf_split_name, for an input of a node in this scope. */
static tdnn_status resolve(const tf_scope *scope, const char *text, const char **name,
                           size_t *port, tdnn_error *err)
{
    TDNN_TRY(tf_split_name(scope->model, text, name, port, err));
    *port += tf_first_port(scope, tf_find_node(scope, *name), text);
    return TDNN_OK;
}

static tdnn_status add_enter(tf_model *model, tf_nodes *nodes, size_t index, tdnn_error *err)
{
    const tf_node *node = &nodes->at[index];
    const Tensorflow__AttrValue *a = tf_attr(node, "frame_name");
    if (!a || !a->has_s)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "node %s (Enter) has no frame_name",
                         node->proto->name);
    const char *name = tdnn_zone_strndup(model->zone, (const char *)a->s.data, a->s.len);
    if (!name) return TDNN_NO_MEMORY(err);
    tf_frame *frame = NULL;
    for (size_t i = 0; i < nodes->frame_count && !frame; i++)
        if (!strcmp(nodes->frames[i].name, name)) frame = &nodes->frames[i];
    if (!frame) {
        if (!TDNN_ZONE_PUSH(model->zone, nodes->frames, nodes->frame_count,
                            nodes->frame_capacity))
            return TDNN_NO_MEMORY(err);
        frame = &nodes->frames[nodes->frame_count++];
        *frame = (tf_frame){.name = name};
    }
    if (!TDNN_ZONE_PUSH(model->zone, frame->enters, frame->count, frame->capacity))
        return TDNN_NO_MEMORY(err);
    frame->enters[frame->count++] = node;
    return TDNN_OK;
}

tdnn_status tf_nodes_find_frames(tf_model *model, tf_nodes *nodes, tdnn_error *err)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (tf_is(&nodes->at[i], "Enter") || tf_is(&nodes->at[i], "RefEnter"))
            TDNN_TRY(add_enter(model, nodes, i, err));
    return TDNN_OK;
}

const tf_frame *tf_find_frame(const tf_nodes *nodes, const char *name)
{
    for (size_t i = 0; i < nodes->frame_count; i++)
        if (!strcmp(nodes->frames[i].name, name)) return &nodes->frames[i];
    return NULL;
}

tdnn_status tf_nodes_add(tf_model *model, tf_nodes *nodes, const Tensorflow__NodeDef *proto,
                         tdnn_bytes file, tdnn_error *err)
{
    if (!proto->name || !*proto->name || !proto->op || !*proto->op)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "node %zu has no %s", nodes->count,
                         proto->name && *proto->name ? "operator" : "name");
    if (tdnn_map_get(&nodes->names, proto->name) >= 0)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "two nodes are named \"%s\"", proto->name);
    if (!TDNN_ZONE_PUSH(model->zone, nodes->at, nodes->count, nodes->capacity))
        return TDNN_NO_MEMORY(err);
    int32_t op = tdnn_map_get(&model->ops, proto->op);
    if (!tdnn_map_put(&nodes->names, model->zone, proto->name, (int32_t)nodes->count))
        return TDNN_NO_MEMORY(err);
    nodes->at[nodes->count++] = (tf_node){proto, file, op < 0 ? NULL : &tf_ops[op]};
    return TDNN_OK;
}

const tf_node *tf_find_node(const tf_scope *scope, const char *name)
{
    int32_t index = tdnn_map_get(&scope->nodes->names, name);
    return index < 0 ? NULL : &scope->nodes->at[index];
}

size_t tf_data_inputs(const Tensorflow__NodeDef *proto)
{
    size_t count = 0;
    while (count < proto->n_input && proto->input[count][0] != '^') count++;
    return count;
}

const tf_node *tf_input_node(const tf_scope *scope, const tf_node *node, size_t index)
{
    const char *name;
    size_t port;
    if (index >= tf_data_inputs(node->proto) ||
        tf_split_name(scope->model, node->proto->input[index], &name, &port, NULL))
        return NULL;
    return tf_find_node(scope, name);
}

/* ---- Values ---- */

static tdnn_status outputs_of(tf_scope *scope, const char *name, tf_outputs **out,
                              tdnn_error *err)
{
    tdnn_zone *zone = scope->model->zone;
    int32_t index = tdnn_map_get(&scope->names, name);
    if (index >= 0) {
        *out = scope->outputs[index];
        return TDNN_OK;
    }
    *out = tdnn_zone_alloc(zone, 1, sizeof **out);
    if (!*out ||
        !TDNN_ZONE_PUSH(zone, scope->outputs, scope->output_count, scope->output_capacity) ||
        !tdnn_map_put(&scope->names, zone, name, (int32_t)scope->output_count))
        return TDNN_NO_MEMORY(err);
    scope->outputs[scope->output_count++] = *out;
    return TDNN_OK;
}

tdnn_status tf_scope_set(tf_scope *scope, const char *name, size_t port, tf_value *value,
                         tdnn_error *err)
{
    tf_outputs *o;
    TDNN_TRY(outputs_of(scope, name, &o, err));
    while (o->count <= port) {
        if (!TDNN_ZONE_PUSH(scope->model->zone, o->at, o->count, o->capacity))
            return TDNN_NO_MEMORY(err);
        o->at[o->count++] = NULL;
    }
    o->at[port] = value;
    return TDNN_OK;
}

tdnn_status tf_scope_set_all(tf_scope *scope, const char *name, tf_value *value,
                             tdnn_error *err)
{
    tf_outputs *o;
    TDNN_TRY(outputs_of(scope, name, &o, err));
    o->count = 0;
    o->all = value;
    return TDNN_OK;
}

tf_value *tf_scope_get(const tf_scope *scope, const char *name, size_t port)
{
    int32_t index = tdnn_map_get(&scope->names, name);
    if (index < 0) return NULL;
    const tf_outputs *o = scope->outputs[index];
    if (port < o->count && o->at[port]) return o->at[port];
    return o->all;
}

tdnn_status tf_scope_find(tf_scope *scope, const char *text, tf_value **out, tdnn_error *err)
{
    const char *name;
    size_t port;
    TDNN_TRY(resolve(scope, text, &name, &port, err));
    *out = tf_scope_get(scope, name, port);
    if (*out) return TDNN_OK;
    if (tdnn_map_get(&scope->names, name) >= 0)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "node %s has no output %zu", name, port);
    return TDNN_FAIL(err, TDNN_ERR_FORMAT, "nothing makes \"%s\": no node has that name", text);
}

/* ---- One node ---- */

static bool is_exit(const tf_node *n) { return tf_is(n, "Exit") || tf_is(n, "RefExit"); }
static bool is_enter(const tf_node *n) { return tf_is(n, "Enter") || tf_is(n, "RefEnter"); }

static tdnn_status collect_inputs(tf_call *c, bool *dead, bool *missing, tdnn_error *err)
{
    const Tensorflow__NodeDef *proto = c->node->proto;
    c->input_count = tf_data_inputs(proto);
    c->inputs = tdnn_zone_alloc(c->scope->model->zone, c->input_count + 1, sizeof *c->inputs);
    if (!c->inputs) return TDNN_NO_MEMORY(err);
    *dead = *missing = false;
    for (size_t i = 0; i < c->input_count; i++) {
        TDNN_TRY(tf_scope_find(c->scope, proto->input[i], &c->inputs[i], err));
        *dead |= c->inputs[i]->dead;
        *missing |= c->inputs[i]->missing;
    }
    return TDNN_OK;
}

static tdnn_status set_nothing(tf_scope *scope, const char *name, bool dead, tdnn_error *err)
{
    tf_value *v;
    TDNN_TRY(tf_value_make(scope, TDNN_ABSENT, TDNN_NONE, NULL, &v, err));
    v->dead = dead;
    v->missing = !dead;
    return tf_scope_set_all(scope, name, v, err);
}

/* Values of which nothing is known take the place of missing ones, so that a node behind them is
 * looked at. */
static tdnn_status fill_in(tf_call *c, tdnn_error *err)
{
    for (size_t i = 0; i < c->input_count; i++) {
        tdnn_id id;
        if (!c->inputs[i]->missing) continue;
        TDNN_TRY(tdnn_graph_add_value(c->scope->graph, NULL, &id, err));
        TDNN_TRY(tf_value_make(c->scope, id, TDNN_NONE, NULL, &c->inputs[i], err));
        c->inputs[i]->missing = true; /* still, for the body of a function that it goes into */
    }
    return TDNN_OK;
}

static bool is_flow(const tf_node *n)
{
    static const char *const ops[] = {
        "Merge",         "RefMerge",         "Switch",   "RefSwitch",
        "NextIteration", "RefNextIteration", "LoopCond", NULL};
    for (const char *const *op = ops; *op; op++)
        if (tf_is(n, *op)) return true;
    return false;
}

/* What of a node's failure is news goes into the list with all others. */
static tdnn_status take_finding(tf_model *model, bool missing, tdnn_finding_kind kind,
                                tdnn_error *why, tdnn_error *err)
{
    const tdnn_status status = why->status;
    if (!tdnn_findings_take(&model->findings, status) &&
        !((missing || model->told) && tdnn_is_doubtful(status))) {
        if (err) *err = *why;
        return status;
    }
    if (missing || model->told) return TDNN_OK;
    memcpy(why->where, model->origin.where,
           strnlen(model->origin.where, sizeof why->where - 1) + 1);
    why->where[sizeof why->where - 1] = '\0';
    return tdnn_findings_add_error(&model->findings, kind, model->origin.node, model->origin.op,
                                   why, err);
}

/* *known: not, if there is no such operator. */
static bool is_complex(const tf_call *c)
{
    for (size_t i = 0; i < c->input_count; i++)
        if (c->inputs[i]->complex) return true;
    return false;
}

static tdnn_status import_known(tf_call *c, bool *missing, bool *known, tdnn_error *err)
{
    bool dead = false;
    *missing = false;
    *known = true;
    if (is_enter(c->node) || is_exit(c->node)) return c->node->op->import(c, err);
    TDNN_TRY(collect_inputs(c, &dead, missing, err));
    if (dead && !tf_is(c->node, "Merge") && !tf_is(c->node, "RefMerge"))
        return set_nothing(c->scope, c->node->proto->name, true, err);
    const bool function = !c->node->op && tf_find_function(c->scope->model, c->node->proto->op);
    *known = c->node->op || function;
    if (!*known)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "operator %s", c->node->proto->op);
    if (c->node->op) TDNN_TRY(tf_check_attrs(c, err));
    if (*missing && is_flow(c->node)) return TDNN_OK;
    if (*missing) TDNN_TRY(fill_in(c, err));
    if (!function && is_complex(c) && !(c->node->op->flags & TF_COMPLEX))
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "%s of complex numbers", c->node->proto->op);
    return function ? tf_import_call(c, err) : c->node->op->import(c, err);
}

static tdnn_status call_importer(tf_call *c, tdnn_error *err)
{
    tf_model *model = c->scope->model;
    const size_t nodes = c->scope->graph->node_count;
    tdnn_error why = {0};
    bool missing = false, known = true;
    tdnn_status status = import_known(c, &missing, &known, &why);
    if (status && !known) missing = false; /* it is news all the same */
    if (!status && !missing && !model->told) return TDNN_OK;
    if (status)
        TDNN_TRY(take_finding(model, missing,
                              known ? tdnn_finding_kind_of(status) : TDNN_FINDING_OPERATOR, &why,
                              err));
    c->scope->graph->node_count = nodes;
    return set_nothing(c->scope, c->node->proto->name, false, err);
}

static tdnn_status find_origin(const tf_call *c, tdnn_origin *out, tdnn_error *err)
{
    const Tensorflow__NodeDef *proto = c->node->proto;
    tdnn_zone *zone = c->scope->model->zone;
    *out = (tdnn_origin){c->name, proto->op, NULL};
    out->where = proto->has_line ? tdnn_zone_printf(zone, "node %s (%s), line %d", c->name,
                                                    proto->op, (int)proto->line)
                                 : tdnn_zone_printf(zone, "node %s (%s)", c->name, proto->op);
    return out->where ? tdnn_graph_set_origin(c->scope->graph, out, err) : TDNN_NO_MEMORY(err);
}

static tdnn_status import_node(tf_scope *scope, const tf_node *node, tdnn_error *err)
{
    tf_model *model = scope->model;
    const char *name = node->proto->name;
    if (++model->calls > tdnn_graph_limits(scope->graph)->max_nodes)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT, "more nodes than the limit of %u",
                         tdnn_graph_limits(scope->graph)->max_nodes);
    tf_call c = {.scope = scope, .node = node, .name = name};
    if (*scope->prefix) c.name = tdnn_zone_printf(model->zone, "%s%s", scope->prefix, name);
    if (!c.name) return TDNN_NO_MEMORY(err);
    const tdnn_origin outer = model->origin; /* of the call of the function that this is in */
    const bool told = model->told;
    model->told = false;
    TDNN_TRY(find_origin(&c, &model->origin, err));
    tdnn_status status = call_importer(&c, err);
    model->origin = outer;
    model->told = told;
    return status ? tdnn_error_at(err, status, "node %s (%s)", c.name, node->proto->op)
                  : TDNN_OK;
}

/* ---- Order ---- */

typedef struct visit {
    const tf_node *node;
    const tf_frame *frame; /* of an Exit: all that enters the loop is needed */
    size_t next, count;
} visit;

typedef struct walk {
    tf_scope *scope;
    tdnn_zone *zone;
    unsigned char *open; /* per node: on the stack */
    visit *stack;
    size_t depth, capacity;
} walk;

/* The loop that an Exit leaves: Exit <- Switch <- Merge <- Enter. */
const tf_frame *tf_frame_left(const tf_scope *scope, const tf_node *exit)
{
    const tf_node *node = exit;
    for (int i = 0; i < 2 && node; i++) node = tf_input_node(scope, node, 0);
    for (size_t i = 0; node && i < tf_data_inputs(node->proto); i++) {
        const tf_node *enter = tf_input_node(scope, node, i);
        const Tensorflow__AttrValue *a = enter ? tf_attr(enter, "frame_name") : NULL;
        if (!a || !a->has_s) continue;
        char *name = tdnn_zone_strndup(scope->model->zone, (const char *)a->s.data, a->s.len);
        return name ? tf_find_frame(scope->nodes, name) : NULL;
    }
    return NULL;
}

static tdnn_status push(walk *w, const tf_node *node, tdnn_error *err)
{
    const tf_scope *s = w->scope;
    size_t index = (size_t)(node - s->nodes->at);
    if (w->open[index])
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "node %s (%s) needs its own result: the graph has a cycle",
                         node->proto->name, node->proto->op);
    visit v = {node, NULL, 0, tf_data_inputs(node->proto)};
    if (is_enter(node)) v.count = 0; /* comes from outside */
    if (is_exit(node)) {
        v.frame = tf_frame_left(s, node);
        if (!v.frame)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "node %s (Exit) leaves no loop",
                             node->proto->name);
        v.count = v.frame->count;
    }
    if (!TDNN_ZONE_PUSH(w->zone, w->stack, w->depth, w->capacity)) return TDNN_NO_MEMORY(err);
    w->open[index] = 1;
    w->stack[w->depth++] = v;
    return TDNN_OK;
}

static tdnn_status push_input(walk *w, const tf_node *node, const char *text, tdnn_error *err)
{
    const char *name;
    size_t port;
    TDNN_TRY(resolve(w->scope, text, &name, &port, err));
    if (tf_scope_get(w->scope, name, port)) return TDNN_OK;
    if (tdnn_map_get(&w->scope->names, name) >= 0)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "node %s (%s): node %s has no output %zu",
                         node->proto->name, node->proto->op, name, port);
    const tf_node *from = tf_find_node(w->scope, name);
    if (!from)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "node %s (%s): nothing makes its input \"%s\"",
                         node->proto->name, node->proto->op, text);
    return push(w, from, err);
}

static tdnn_status walk_all(walk *w, tdnn_error *err)
{
    while (w->depth) {
        visit *v = &w->stack[w->depth - 1];
        const tf_node *node = v->node;
        if (v->next < v->count) {
            size_t i = v->next++;
            const tf_node *from = v->frame ? v->frame->enters[i] : node;
            if (v->frame && !tf_data_inputs(from->proto)) continue;
            TDNN_TRY(push_input(w, from, from->proto->input[v->frame ? 0 : i], err));
            continue;
        }
        w->depth--;
        w->open[node - w->scope->nodes->at] = 0;
        if (tdnn_map_get(&w->scope->names, node->proto->name) < 0)
            TDNN_TRY(import_node(w->scope, node, err));
    }
    return TDNN_OK;
}

tdnn_status tf_scope_import(tf_scope *scope, const tf_node *node, tdnn_error *err)
{
    if (tdnn_map_get(&scope->names, node->proto->name) >= 0) return TDNN_OK;
    walk w = {.scope = scope, .zone = tdnn_zone_create()};
    if (!w.zone) return TDNN_NO_MEMORY(err);
    w.open = tdnn_zone_alloc(w.zone, scope->nodes->count + 1, 1);
    tdnn_status status = w.open ? push(&w, node, err) : TDNN_NO_MEMORY(err);
    if (!status) status = walk_all(&w, err);
    tdnn_zone_free(w.zone);
    return status;
}
