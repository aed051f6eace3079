/* Switch and Merge outside of loops, and TensorArrays.
 *
 * A predicate that is known decides while loading; what lies on the other side is dead. One
 * that is not chooses between two values that are both computed.
 *
 * A TensorArray's handle is its size here, and its flow is its elements, stacked. */
#include "parsers/tensorflow/ops.h"

#include <string.h>

/* ---- Switch ---- */

tdnn_status tf_import_switch(tf_call *c, tdnn_error *err)
{
    if (c->input_count != 2)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu inputs, expected 2", c->input_count);
    const tf_value *p = c->inputs[1];
    tf_value *dead;
    TDNN_TRY(tf_value_make(c->scope, TDNN_ABSENT, TDNN_NONE, NULL, &dead, err));
    dead->dead = true;
    const bool known = p->known && p->known_count == 1;
    TDNN_TRY(tf_give(c, 0, known && p->known[0] ? dead : c->inputs[0], err));
    return tf_give(c, 1, known && !p->known[0] ? dead : c->inputs[0], err);
}

/* ---- Merge ---- */

/* Which outputs of the Switches of each predicate an input of the Merge depends on: 1, 2, or
 * both. */
static tdnn_status find_sides(const tf_call *c, size_t input, tdnn_zone *zone,
                              unsigned char **out, tdnn_error *err)
{
    const tf_nodes *nodes = c->scope->nodes;
    unsigned char *sides = tdnn_zone_alloc(zone, nodes->count + 1, 1);
    unsigned char *seen = tdnn_zone_alloc(zone, nodes->count + 1, 1);
    const char **stack = NULL;
    size_t depth = 0, capacity = 0;
    *out = sides;
    if (!sides || !seen || !TDNN_ZONE_PUSH(zone, stack, depth, capacity))
        return TDNN_NO_MEMORY(err);
    stack[depth++] = c->node->proto->input[input];
    while (depth) {
        const char *name;
        size_t port;
        TDNN_TRY(tf_split_name(c->scope->model, stack[--depth], &name, &port, err));
        const tf_node *node = tf_find_node(c->scope, name);
        if (!node) continue;
        if (tf_is(node, "Switch") || tf_is(node, "RefSwitch")) {
            const tf_node *predicate = tf_input_node(c->scope, node, 1);
            if (predicate) sides[predicate - nodes->at] |= port ? 2 : 1;
        }
        if (seen[node - nodes->at]) continue;
        seen[node - nodes->at] = 1;
        for (size_t i = 0; i < tf_data_inputs(node->proto); i++) {
            if (!TDNN_ZONE_PUSH(zone, stack, depth, capacity)) return TDNN_NO_MEMORY(err);
            stack[depth++] = node->proto->input[i];
        }
    }
    return TDNN_OK;
}

/* The predicate on which the two inputs differ; *first is true if input 0 is taken when it is
 * true. */
static tdnn_status find_predicate(const tf_call *c, tf_value **out, bool *first,
                                  tdnn_error *err)
{
    tdnn_zone *zone = tdnn_zone_create();
    unsigned char *a = NULL, *b = NULL;
    if (!zone) return TDNN_NO_MEMORY(err);
    tdnn_status status = find_sides(c, 0, zone, &a, err);
    if (!status) status = find_sides(c, 1, zone, &b, err);
    *out = NULL;
    for (size_t i = 0; !status && i < c->scope->nodes->count && !*out; i++)
        if ((a[i] == 1 && b[i] == 2) || (a[i] == 2 && b[i] == 1)) {
            *first = a[i] == 2;
            *out = tf_scope_get(c->scope, c->scope->nodes->at[i].proto->name, 0);
        }
    tdnn_zone_free(zone);
    if (!status && !*out)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                         "inputs that no single predicate chooses from");
    return status;
}

/* A branch that only hands on one value. */
static tdnn_status make_branch(const tf_call *c, tdnn_id from, tdnn_graph **out,
                               tdnn_error *err)
{
    tdnn_id id;
    TDNN_TRY(tdnn_graph_create_sub(c->scope->graph, out, err));
    TDNN_TRY(tdnn_graph_capture(*out, from, &id, err));
    TDNN_TRY(tdnn_graph_append(*out, TDNN_OP_Identity, NULL, &id, 1, NULL, &id, err));
    return tdnn_graph_add_output(*out, id, err);
}

static tdnn_status choose(const tf_call *c, tf_value *predicate, tf_value *yes, tf_value *no,
                          tdnn_error *err)
{
    tdnn_graph *g = c->scope->graph, *branches[2];
    tdnn_id ids[2], condition;
    tdnn_node *node;
    const bool first = yes->first && no->first;
    TDNN_TRY(tf_plain(c->scope, predicate, &condition, err));
    ids[0] = yes->id, ids[1] = no->id;
    if (!first) {
        TDNN_TRY(tf_plain(c->scope, yes, &ids[0], err));
        TDNN_TRY(tf_plain(c->scope, no, &ids[1], err));
    }
    for (int i = 0; i < 2; i++) TDNN_TRY(make_branch(c, ids[i], &branches[i], err));
    TDNN_TRY(tf_many(c, TDNN_OP_If, &condition, 1, 1, &node, err));
    for (int i = 0; i < 2; i++) {
        tdnn_attr_value v = {.type = TDNN_ATTR_GRAPH, .i = i};
        TDNN_TRY(tdnn_node_set_attr(g, node, i ? "else_branch" : "then_branch", &v, err));
    }
    TDNN_TRY(tdnn_node_own(g, node, branches, 2, err));
    tdnn_shape shape =
        tf_unknown_shape(yes->shape.ndim == no->shape.ndim ? yes->shape.ndim : -1);
    for (int i = 0; i < shape.ndim; i++)
        if (yes->shape.dim[i] == no->shape.dim[i]) shape.dim[i] = yes->shape.dim[i];
    tf_value *v;
    TDNN_TRY(tf_give_new(c, 0, node->outputs[0], yes->dtype, &shape, &v, err));
    v->first = first;
    return TDNN_OK;
}

tdnn_status tf_import_merge(tf_call *c, tdnn_error *err)
{
    static const tdnn_shape scalar = {.ndim = 0};
    size_t alive = 0, last = 0;
    for (size_t i = 0; i < c->input_count; i++)
        if (!c->inputs[i]->dead) alive++, last = i;
    if (!alive) { /* itself on a side that is never taken */
        tf_value *dead;
        TDNN_TRY(tf_value_make(c->scope, TDNN_ABSENT, TDNN_NONE, NULL, &dead, err));
        dead->dead = true;
        return tf_scope_set_all(c->scope, c->node->proto->name, dead, err);
    }
    if (alive == 1) {
        tdnn_id id;
        TDNN_TRY(tf_give(c, 0, c->inputs[last], err));
        TDNN_TRY(tf_const_scalar(c, TDNN_I32, (double)last, &id, err));
        return tf_give_new(c, 1, id, TDNN_I32, &scalar, NULL, err);
    }
    if (c->input_count != 2)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "%zu inputs, expected 2", c->input_count);
    tf_value *predicate, *in[2];
    bool first = false;
    TDNN_TRY(find_predicate(c, &predicate, &first, err));
    for (size_t i = 0; i < 2; i++) {
        TDNN_TRY(tf_input(c, i, &in[i], err));
        if (in[i]->flow)
            return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a choice between TensorArrays");
    }
    return choose(c, predicate, in[first ? 0 : 1], in[first ? 1 : 0], err);
}

/* ---- TensorArray ---- */

tdnn_status tf_import_array(tf_call *c, tdnn_error *err)
{
    tf_value *size, *flow;
    TDNN_TRY(tf_input(c, 0, &size, err));
    TDNN_TRY(tf_give(c, 0, size, err));
    TDNN_TRY(tf_value_make(c->scope, TDNN_ABSENT, tf_attr_type(c, "dtype", TDNN_F32), NULL,
                           &flow, err));
    flow->flow = true;
    return tf_give(c, 1, flow, err);
}

static tdnn_status flow_input(const tf_call *c, size_t index, bool filled, tf_value **out,
                              tdnn_error *err)
{
    TDNN_TRY(tf_input(c, index, out, err));
    if (!(*out)->flow)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "input %zu is no TensorArray's flow", index);
    if (filled && (*out)->id == TDNN_ABSENT)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                         "a TensorArray is read that nothing has filled");
    return TDNN_OK;
}

/* True if input `index` is 0, 1, 2 ... */
static bool counts_up(const tf_call *c, size_t index)
{
    const tf_value *v = c->inputs[index];
    for (size_t i = 0; v->known && i < v->known_count; i++)
        if (v->known[i] != (int64_t)i) return false;
    if (v->known) return true;
    const tf_node *range = tf_input_node(c->scope, c->node, index);
    if (!tf_is(range, "Range")) return false;
    for (size_t i = 0; i < 3; i += 2) {
        tf_value *in;
        if (tf_data_inputs(range->proto) != 3 ||
            tf_scope_find(c->scope, range->proto->input[i], &in, NULL) || !in->known ||
            in->known_count != 1 || in->known[0] != (i == 2))
            return false;
    }
    return true;
}

/* handle, indices, value, flow */
tdnn_status tf_import_array_scatter(tf_call *c, tdnn_error *err)
{
    tf_value *x, *flow, *v;
    tdnn_id id;
    TDNN_TRY(flow_input(c, 3, false, &flow, err));
    TDNN_TRY(tf_input(c, 2, &x, err));
    if (flow->id != TDNN_ABSENT || !counts_up(c, 1))
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                         "a TensorArray that is filled in another order than 0, 1, 2 ...");
    TDNN_TRY(tf_plain(c->scope, x, &id, err));
    TDNN_TRY(tf_give_new(c, 0, id, x->dtype, &x->shape, &v, err));
    v->flow = true;
    return TDNN_OK;
}

/* handle, index, flow */
tdnn_status tf_import_array_read(tf_call *c, tdnn_error *err)
{
    tf_value *flow, *index;
    tdnn_id ids[2], id;
    TDNN_TRY(flow_input(c, 2, true, &flow, err));
    TDNN_TRY(tf_input(c, 1, &index, err));
    ids[0] = flow->id, ids[1] = index->id;
    TDNN_TRY(tf_last(c, TDNN_OP_Gather, ids, 2, NULL, &id, err));
    tdnn_shape shape = tf_unknown_shape(flow->shape.ndim > 0 ? flow->shape.ndim - 1 : -1);
    for (int i = 0; i < shape.ndim; i++) shape.dim[i] = flow->shape.dim[i + 1];
    return tf_give_new(c, 0, id, flow->dtype, &shape, NULL, err);
}

/* handle, index, value, flow: in a loop's body, whose importer checks the index. */
tdnn_status tf_import_array_write(tf_call *c, tdnn_error *err)
{
    tf_value *x, *flow, *v;
    tdnn_id id;
    TDNN_TRY(flow_input(c, 3, false, &flow, err));
    TDNN_TRY(tf_input(c, 2, &x, err));
    if (!c->scope->frame || flow->id != TDNN_ABSENT)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                         "a TensorArray that is written outside of a loop, or twice");
    TDNN_TRY(tf_plain(c->scope, x, &id, err));
    TDNN_TRY(tf_give_new(c, 0, id, x->dtype, &x->shape, &v, err));
    v->flow = true;
    return TDNN_OK;
}

/* handle, indices, flow */
tdnn_status tf_import_array_gather(tf_call *c, tdnn_error *err)
{
    tf_value *flow, *index;
    tdnn_id ids[2], id;
    const bool joins = !strncmp(c->node->proto->op, "TensorArrayConcat", 17);
    TDNN_TRY(flow_input(c, joins ? 1 : 2, true, &flow, err));
    tdnn_shape shape = flow->shape;
    if (joins) {
        if (shape.ndim < 2)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "elements of unknown rank");
        int64_t dims[TDNN_MAX_DIMS] = {-1};
        for (int i = 2; i < shape.ndim; i++) dims[i - 1] = shape.dim[i] < 0 ? 0 : shape.dim[i];
        for (int i = 2; i < shape.ndim; i++)
            if (shape.dim[i] < 0)
                return TDNN_FAIL(err, TDNN_ERR_SHAPE, "elements of unknown shape");
        TDNN_TRY(tf_reshape(c, flow->id, dims, (size_t)shape.ndim - 1, &id, err));
        shape = tdnn_shape_make(shape.ndim - 1, dims);
        return tf_give_new(c, 0, id, flow->dtype, &shape, NULL, err);
    }
    TDNN_TRY(tf_input(c, 1, &index, err));
    ids[0] = flow->id, ids[1] = index->id;
    TDNN_TRY(tf_last(c, TDNN_OP_Gather, ids, 2, NULL, &id, err));
    if (shape.ndim > 0) shape.dim[0] = -1;
    return tf_give_new(c, 0, id, flow->dtype, &shape, NULL, err);
}

tdnn_status tf_import_array_size(tf_call *c, tdnn_error *err)
{
    tf_value *size;
    TDNN_TRY(tf_input(c, 0, &size, err));
    return tf_give(c, 0, size, err);
}
