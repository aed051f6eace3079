/* Functions of the graph's library: called, as branches, and as the two parts of a loop. A call
 * is put in its place; a branch that is not known while loading, and a loop's body, become
 * subgraphs. */
#include "parsers/tensorflow/ops.h"

#include <string.h>

enum { MOST_DEPTH = 32 };

const Tensorflow__FunctionDef *tf_find_function(const tf_model *model, const char *name)
{
    for (size_t i = 0; model->library && i < model->library->n_function; i++) {
        const Tensorflow__FunctionDef *f = model->library->function[i];
        if (f->signature && f->signature->name && !strcmp(f->signature->name, name)) return f;
    }
    return NULL;
}

/* In a function an output has a name and a number among those of that name: which it is of all.
 */
size_t tf_first_port(const tf_scope *scope, const tf_node *node, const char *text)
{
    static const struct {
        const char *op, *output; /* the beginning of the operator's name */
        size_t port;
    } rows[] = {
        {"BlockLSTM", "cs", 1},
        {"BlockLSTM", "f", 2},
        {"BlockLSTM", "o", 3},
        {"BlockLSTM", "ci", 4},
        {"BlockLSTM", "co", 5},
        {"BlockLSTM", "h", 6},
        {"CombinedNonMaxSuppression", "nmsed_scores", 1},
        {"CombinedNonMaxSuppression", "nmsed_classes", 2},
        {"CombinedNonMaxSuppression", "valid_detections", 3},
        {"GRUBlockCell", "u", 1},
        {"GRUBlockCell", "c", 2},
        {"GRUBlockCell", "h", 3},
        {"LSTMBlockCell", "cs", 1},
        {"LSTMBlockCell", "f", 2},
        {"LSTMBlockCell", "o", 3},
        {"LSTMBlockCell", "ci", 4},
        {"LSTMBlockCell", "co", 5},
        {"LSTMBlockCell", "h", 6},
        {"ListDiff", "idx", 1},
        {"MaxPoolWithArgmax", "argmax", 1},
        {"Merge", "value_index", 1},
        {"NonMaxSuppressionV4", "valid_outputs", 1},
        {"NonMaxSuppressionV5", "selected_scores", 1},
        {"NonMaxSuppressionV5", "valid_outputs", 2},
        {"Switch", "output_true", 1},
        {"TensorArrayV", "flow", 1},
        {"TensorListConcat", "lengths", 1},
        {"TensorListPopBack", "tensor", 1},
        {"TopK", "indices", 1},
        {"Unique", "idx", 1},
        {"Unique", "count", 2},
    };
    const char *output = strchr(text, ':'), *end = output ? strchr(output + 1, ':') : NULL;
    if (!node || !end) return 0;
    const size_t length = (size_t)(end - ++output);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strncmp(node->proto->op, rows[i].op, strlen(rows[i].op)) &&
            strlen(rows[i].output) == length && !strncmp(rows[i].output, output, length))
            return rows[i].port;
    const Tensorflow__FunctionDef *f = tf_find_function(scope->model, node->proto->op);
    for (size_t i = 0; f && i < f->signature->n_output_arg; i++) {
        const char *name = f->signature->output_arg[i]->name;
        if (name && strlen(name) == length && !strncmp(name, output, length)) return i;
    }
    return 0;
}

static tdnn_status function_of(const tf_call *c, const char *attr,
                               const Tensorflow__FunctionDef **out, tdnn_error *err)
{
    const Tensorflow__AttrValue *a = tf_attr(c->node, attr);
    if (!a || !a->func || !a->func->name)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "no attribute \"%s\" with a function", attr);
    *out = tf_find_function(c->scope->model, a->func->name);
    if (!*out)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "the graph has no function \"%s\"",
                         a->func->name);
    return TDNN_OK;
}

/* ---- A function in a graph ---- */

static tdnn_status read_nodes(tf_model *model, const Tensorflow__FunctionDef *f,
                              tdnn_bytes file, tf_nodes **out, tdnn_error *err)
{
    tf_nodes *nodes = *out = tdnn_zone_alloc(model->zone, 1, sizeof *nodes);
    if (!nodes) return TDNN_NO_MEMORY(err);
    model->calls += f->n_node_def; /* counts as if they stood in the graph */
    for (size_t i = 0; i < f->n_node_def; i++)
        TDNN_TRY(tf_nodes_add(model, nodes, f->node_def[i], file, err));
    nodes->own = nodes->count;
    return TDNN_OK;
}

/* What a result of the function stands for. */
static tdnn_status result_of(tf_scope *s, const Tensorflow__FunctionDef *f, size_t index,
                             tf_value **out, tdnn_error *err)
{
    const char *key = f->signature->output_arg[index]->name, *text = NULL, *name;
    size_t port;
    for (size_t i = 0; key && i < f->n_ret; i++)
        if (f->ret[i]->key && f->ret[i]->value && !strcmp(f->ret[i]->key, key))
            text = f->ret[i]->value;
    if (!text)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "function \"%s\" has no result \"%s\"",
                         f->signature->name, key ? key : "");
    TDNN_TRY(tf_split_name(s->model, text, &name, &port, err));
    const tf_node *node = tf_find_node(s, name);
    if (node) TDNN_TRY(tf_scope_import(s, node, err));
    return tf_scope_find(s, text, out, err);
}

/* Imports the function into `graph`, where the inputs are, too. */
static tdnn_status put_in_place(const tf_call *c, const Tensorflow__FunctionDef *f,
                                tdnn_graph *graph, const char *part, tf_value *const *inputs,
                                tf_value ***results, tdnn_error *err)
{
    tf_model *model = c->scope->model;
    const size_t count = f->signature->n_input_arg;
    tf_nodes *nodes;
    if (c->scope->depth >= MOST_DEPTH)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT, "functions nested deeper than %d", MOST_DEPTH);
    TDNN_TRY(read_nodes(model, f, c->node->file, &nodes, err));
    tf_scope s = {.model = model,
                  .outer = c->scope,
                  .graph = graph,
                  .nodes = nodes,
                  .depth = c->scope->depth + 1};
    s.prefix = tdnn_zone_printf(model->zone, "%s/%s", c->name, part);
    *results = tdnn_zone_alloc(model->zone, f->signature->n_output_arg + 1, sizeof **results);
    if (!s.prefix || !*results) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < count; i++) {
        const char *name = f->signature->input_arg[i]->name;
        if (!name)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "function \"%s\": an input without a name",
                             f->signature->name);
        TDNN_TRY(tf_scope_set(&s, name, 0, inputs[i], err));
    }
    for (size_t i = 0; i < f->signature->n_output_arg; i++)
        TDNN_TRY(result_of(&s, f, i, &(*results)[i], err));
    return TDNN_OK;
}

static tdnn_status check_arity(const Tensorflow__FunctionDef *f, size_t inputs, tdnn_error *err)
{
    if (f->signature->n_input_arg == inputs) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu inputs for function \"%s\", which has %zu",
                     inputs, f->signature->name, f->signature->n_input_arg);
}

static tdnn_status call(const tf_call *c, const Tensorflow__FunctionDef *f, size_t first,
                        tdnn_error *err)
{
    tf_value **results;
    TDNN_TRY(check_arity(f, c->input_count - first, err));
    TDNN_TRY(put_in_place(c, f, c->scope->graph, "", c->inputs + first, &results, err));
    for (size_t i = 0; i < f->signature->n_output_arg; i++)
        TDNN_TRY(tf_give(c, i, results[i], err));
    return TDNN_OK;
}

/* PartitionedCall, StatefulPartitionedCall; and an operator that is the name of a function. */
tdnn_status tf_import_call(tf_call *c, tdnn_error *err)
{
    const Tensorflow__FunctionDef *f = tf_find_function(c->scope->model, c->node->proto->op);
    if (!f) TDNN_TRY(function_of(c, "f", &f, err));
    return call(c, f, 0, err);
}

/* ---- Subgraphs ---- */

/* The call's inputs from `first` on, as the subgraph sees them, in TensorFlow's order. */
static tdnn_status take_inside(const tf_call *c, size_t first, tdnn_graph *graph,
                               tf_value ***out, tdnn_error *err)
{
    tf_scope inside = {.model = c->scope->model, .outer = c->scope, .graph = graph};
    *out = tdnn_zone_alloc(c->scope->model->zone, c->input_count + 1, sizeof **out);
    if (!*out) return TDNN_NO_MEMORY(err);
    for (size_t i = first; i < c->input_count; i++) {
        tf_value *v, *plain;
        TDNN_TRY(tf_input(c, i, &v, err));
        TDNN_TRY(tf_value_make(c->scope, TDNN_ABSENT, v->dtype, &v->shape, &plain, err));
        plain->flow = plain->sequence = v->flow;
        TDNN_TRY(v->flow ? tf_list_sequence(c, v, &plain->id, err)
                         : tf_plain(c->scope, v, &plain->id, err));
        plain->known = v->known;
        plain->known_count = v->known_count;
        TDNN_TRY(tf_capture(&inside, plain, &(*out)[i - first], err));
        (*out)[i - first]->missing = v->missing;
    }
    return TDNN_OK;
}

/* What is missing becomes a value that nothing makes, so that the rest of the subgraph is
 * looked at. */
static tdnn_status add_result(const tf_call *c, tdnn_graph *graph, tf_value *v, tdnn_error *err)
{
    tf_scope inside = {.model = c->scope->model, .outer = c->scope, .graph = graph};
    tf_call there = *c;
    tdnn_id id;
    there.scope = &inside;
    if (v->missing) {
        TDNN_TRY(tdnn_graph_add_value(graph, NULL, &id, err));
        return tdnn_graph_add_output(graph, id, err);
    }
    if (v->dead || v->block[0])
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a result that is no tensor");
    TDNN_TRY(v->flow ? tf_list_sequence(&there, v, &id, err) : tf_plain(&inside, v, &id, err));
    TDNN_TRY(tdnn_graph_append(graph, TDNN_OP_Identity, NULL, &id, 1, NULL, &id, err));
    return tdnn_graph_add_output(graph, id, err);
}

static bool any_missing(tf_value *const *v, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (v[i]->missing) return true;
    return false;
}

/* All outputs are missing: what is lacking has been noted. */
static tdnn_status give_missing(const tf_call *c, tdnn_error *err)
{
    tf_value *v;
    TDNN_TRY(tf_value_make(c->scope, TDNN_ABSENT, TDNN_NONE, NULL, &v, err));
    v->missing = true;
    return tf_scope_set_all(c->scope, c->node->proto->name, v, err);
}

/* What both branches, or a loop's begin and end, have in common. */
static tdnn_shape common_shape(const tf_value *a, const tf_value *b)
{
    tdnn_shape shape = tf_unknown_shape(a->shape.ndim == b->shape.ndim ? a->shape.ndim : -1);
    for (int i = 0; i < shape.ndim; i++)
        if (a->shape.dim[i] == b->shape.dim[i]) shape.dim[i] = a->shape.dim[i];
    return shape;
}

/* A truth value; numbers are true if they are not 0. */
static tdnn_status truth(const tf_call *c, tdnn_graph *graph, tf_value *v, tdnn_id *out,
                         tdnn_error *err)
{
    tf_scope scope = *c->scope;
    tf_call there = *c;
    scope.graph = graph;
    there.scope = &scope;
    TDNN_TRY(tf_plain(&scope, v, out, err));
    return v->dtype == TDNN_BOOL ? TDNN_OK : tf_cast(&there, *out, TDNN_BOOL, out, err);
}

/* ---- If ---- */

tdnn_status tf_import_if(tf_call *c, tdnn_error *err)
{
    static const char *const names[2] = {"then_branch", "else_branch"};
    const Tensorflow__FunctionDef *f[2];
    tdnn_graph *branches[2];
    tf_value *predicate, **inputs, **results[2];
    tdnn_id condition;
    tdnn_node *node;
    TDNN_TRY(tf_input(c, 0, &predicate, err));
    for (int i = 0; i < 2; i++) {
        TDNN_TRY(function_of(c, names[i], &f[i], err));
        TDNN_TRY(check_arity(f[i], c->input_count - 1, err));
    }
    if (predicate->known && predicate->known_count == 1)
        return call(c, f[predicate->known[0] ? 0 : 1], 1, err);
    const size_t count = f[0]->signature->n_output_arg;
    if (f[1]->signature->n_output_arg != count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "branches with %zu and %zu results", count,
                         f[1]->signature->n_output_arg);
    for (int i = 0; i < 2; i++) {
        TDNN_TRY(tdnn_graph_create_sub(c->scope->graph, &branches[i], err));
        TDNN_TRY(take_inside(c, 1, branches[i], &inputs, err));
        TDNN_TRY(put_in_place(c, f[i], branches[i], i ? "else/" : "then/", inputs, &results[i],
                              err));
    }
    const bool missing = any_missing(results[0], count) || any_missing(results[1], count);
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < count; k++)
            TDNN_TRY(add_result(c, branches[i], results[i][k], err));
    TDNN_TRY(truth(c, c->scope->graph, predicate, &condition, err));
    TDNN_TRY(tf_many(c, TDNN_OP_If, &condition, 1, count, &node, err));
    for (int i = 0; i < 2; i++) {
        tdnn_attr_value v = {.type = TDNN_ATTR_GRAPH, .i = i};
        TDNN_TRY(tdnn_node_set_attr(c->scope->graph, node, names[i], &v, err));
    }
    TDNN_TRY(tdnn_node_own(c->scope->graph, node, branches, 2, err));
    if (missing) return give_missing(c, err);
    for (size_t k = 0; k < count; k++) {
        tdnn_shape shape = common_shape(results[0][k], results[1][k]);
        if (results[0][k]->flow != results[1][k]->flow)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a list in one branch only");
        if (results[0][k]->flow)
            TDNN_TRY(tf_give_list(c, k, node->outputs[k], results[0][k], err));
        else
            TDNN_TRY(
                tf_give_new(c, k, node->outputs[k], results[0][k]->dtype, &shape, NULL, err));
    }
    return TDNN_OK;
}

/* ---- While ---- */

static tdnn_status add_body_input(tdnn_graph *body, tdnn_dtype type, const tdnn_shape *shape,
                                  tdnn_id *out, tdnn_error *err)
{
    TDNN_TRY(tdnn_graph_add_value(body, NULL, out, err));
    body->values[*out].dtype = type;
    body->values[*out].shape = *shape;
    return tdnn_graph_add_input(body, *out, err);
}

/* The condition for given variables; TDNN_ABSENT: something is missing. */
static tdnn_status condition_of(const tf_call *c, const Tensorflow__FunctionDef *f,
                                tdnn_graph *graph, const char *part, tf_value *const *variables,
                                tdnn_id *out, tdnn_error *err)
{
    tf_value **results;
    *out = TDNN_ABSENT;
    if (f->signature->n_output_arg != 1)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a condition with %zu results",
                         f->signature->n_output_arg);
    TDNN_TRY(put_in_place(c, f, graph, part, variables, &results, err));
    return results[0]->missing ? TDNN_OK : truth(c, graph, results[0], out, err);
}

/* The body's inputs: the turn, the condition, the variables; its outputs: the condition, the
 * variables. */
static tdnn_status make_body(const tf_call *c, const Tensorflow__FunctionDef *test,
                             const Tensorflow__FunctionDef *f, tdnn_graph *body, bool *missing,
                             tdnn_error *err)
{
    static const tdnn_shape scalar = {.ndim = 0};
    tf_scope inside = {.model = c->scope->model, .outer = c->scope, .graph = body};
    tf_value **before =
                 tdnn_zone_alloc(c->scope->model->zone, c->input_count + 1, sizeof *before),
             **after;
    tdnn_id id, go_on;
    if (!before) return TDNN_NO_MEMORY(err);
    TDNN_TRY(add_body_input(body, TDNN_I64, &scalar, &id, err));
    TDNN_TRY(add_body_input(body, TDNN_BOOL, &scalar, &id, err));
    for (size_t i = 0; i < c->input_count; i++) {
        const tf_value *v = c->inputs[i];
        tdnn_shape shape = tf_unknown_shape(v->flow ? -1 : v->shape.ndim);
        TDNN_TRY(add_body_input(body, v->dtype, &shape, &id, err));
        TDNN_TRY(tf_value_make(&inside, id, v->dtype, v->flow ? &v->shape : &shape, &before[i],
                               err));
        before[i]->flow = before[i]->sequence = v->flow;
        before[i]->missing = v->missing;
        if (v->flow) body->values[id].kind = TDNN_KIND_SEQUENCE;
    }
    TDNN_TRY(put_in_place(c, f, body, "body/", before, &after, err));
    *missing = any_missing(after, c->input_count);
    if (*missing)
        go_on = TDNN_ABSENT;
    else
        TDNN_TRY(condition_of(c, test, body, "next/", after, &go_on, err));
    *missing = go_on == TDNN_ABSENT;
    if (*missing) TDNN_TRY(tdnn_graph_add_value(body, NULL, &go_on, err));
    TDNN_TRY(tdnn_graph_append(body, TDNN_OP_Identity, NULL, &go_on, 1, NULL, &id, err));
    TDNN_TRY(tdnn_graph_add_output(body, id, err));
    for (size_t i = 0; i < c->input_count; i++) TDNN_TRY(add_result(c, body, after[i], err));
    return TDNN_OK;
}

tdnn_status tf_import_while(tf_call *c, tdnn_error *err)
{
    const Tensorflow__FunctionDef *test, *f;
    const size_t count = c->input_count;
    tdnn_graph *body;
    bool missing = false;
    tdnn_id go_on, *ids = tdnn_zone_alloc(c->scope->model->zone, count + 2, sizeof *ids);
    tdnn_node *node;
    if (!ids) return TDNN_NO_MEMORY(err);
    TDNN_TRY(function_of(c, "cond", &test, err));
    TDNN_TRY(function_of(c, "body", &f, err));
    TDNN_TRY(check_arity(test, count, err));
    TDNN_TRY(check_arity(f, count, err));
    if (f->signature->n_output_arg != count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu variables, of which %zu come back", count,
                         f->signature->n_output_arg);
    for (size_t i = 0; i < count; i++) {
        TDNN_TRY(c->inputs[i]->flow ? tf_list_sequence(c, c->inputs[i], &ids[i + 2], err)
                                    : tf_input_plain(c, i, &ids[i + 2], err));
    }
    TDNN_TRY(condition_of(c, test, c->scope->graph, "first/", c->inputs, &go_on, err));
    TDNN_TRY(tdnn_graph_create_sub(c->scope->graph, &body, err));
    TDNN_TRY(make_body(c, test, f, body, &missing, err));
    missing = missing || go_on == TDNN_ABSENT;
    ids[0] = TDNN_ABSENT, ids[1] = go_on;
    TDNN_TRY(tf_many(c, TDNN_OP_Loop, ids, count + 2, count, &node, err));
    tdnn_attr_value v = {.type = TDNN_ATTR_GRAPH, .i = 0};
    TDNN_TRY(tdnn_node_set_attr(c->scope->graph, node, "body", &v, err));
    TDNN_TRY(tdnn_node_own(c->scope->graph, node, &body, 1, err));
    if (missing) return give_missing(c, err);
    for (size_t i = 0; i < count; i++) {
        const tf_value *in = c->inputs[i];
        tdnn_shape shape = tf_unknown_shape(in->shape.ndim);
        TDNN_TRY(in->flow ? tf_give_list(c, i, node->outputs[i], in, err)
                         : tf_give_new(c, i, node->outputs[i], in->dtype, &shape, NULL, err));
    }
    return TDNN_OK;
}
