/* While loops, as TensorFlow 1 freezes them: Enter brings a value into the loop, Merge joins it
 * with the one that NextIteration brings back, Switch sends it into the body (1) or out (0), as
 * LoopCond says, and Exit takes it from there. The IR's Loop has its condition in the body's
 * end, so the condition is imported twice: for what enters, and for what comes back. */
#include "parsers/tensorflow/ops.h"

#include <string.h>

enum { MOST_NESTING = 16 };

/* What is carried from turn to turn. */
typedef struct variable {
    const tf_node *enter, *merge, *next, *branch; /* branch: the Switch; NULL: only tested */
    tf_value *before, *inside, *after;            /* the loop; a turn's begin, and end */
    bool written; /* a TensorArray: what each turn writes is collected */
} variable;

typedef struct loop {
    tf_scope *scope; /* around it */
    const tf_call *call;
    const tf_frame *frame;
    const tf_node *condition; /* what LoopCond gets */
    variable *variables;
    size_t count;
    tdnn_graph *body;
} loop;

/* ---- Finding the parts ---- */

static tdnn_status malformed(const loop *l, const char *what, tdnn_error *err)
{
    return TDNN_FAIL(err, TDNN_ERR_FORMAT, "loop \"%s\": %s", l->frame->name, what);
}

static bool is_next(const tf_node *n)
{
    return tf_is(n, "NextIteration") || tf_is(n, "RefNextIteration");
}

/* The Merge and Switch of a variable, and where they come from. */
static tdnn_status find_variable(loop *l, const tf_node *enter, const tf_node *merge,
                                 tdnn_error *err)
{
    const tf_scope *s = l->scope;
    const tf_uses *u = &s->model->uses;
    variable v = {.enter = enter, .merge = merge};
    for (size_t i = 0; i < tf_data_inputs(merge->proto); i++) {
        const tf_node *from = tf_input_node(s, merge, i);
        if (is_next(from)) v.next = from;
    }
    if (!v.next || !tf_data_inputs(v.next->proto))
        return malformed(l, "a Merge without NextIteration", err);
    const size_t at = (size_t)(merge - s->nodes->at);
    for (size_t i = u->begin[at]; i < u->begin[at + 1]; i++) {
        const tf_node *user = &s->nodes->at[u->to[i].node];
        if (u->to[i].input == 0 && (tf_is(user, "Switch") || tf_is(user, "RefSwitch")))
            v.branch = user;
    }
    const tf_node *condition = v.branch ? tf_input_node(s, v.branch, 1) : NULL;
    if (v.branch && !tf_is(condition, "LoopCond"))
        return malformed(l, "a Switch without LoopCond", err);
    if (condition && l->condition && l->condition != condition)
        return malformed(l, "two conditions", err);
    if (condition) l->condition = condition;
    l->variables[l->count++] = v;
    return TDNN_OK;
}

static tdnn_status find_variables(loop *l, tdnn_error *err)
{
    const tf_scope *s = l->scope;
    const tf_uses *u = &s->model->uses;
    if (s->nodes != &s->model->nodes)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a loop inside of a function");
    l->variables = tdnn_zone_alloc(s->model->zone, l->frame->count + 1, sizeof *l->variables);
    if (!l->variables) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < l->frame->count; i++) {
        const tf_node *enter = l->frame->enters[i], *merge = NULL;
        const size_t at = (size_t)(enter - s->nodes->at);
        for (size_t k = u->begin[at]; k < u->begin[at + 1]; k++)
            if (tf_is(&s->nodes->at[u->to[k].node], "Merge"))
                merge = &s->nodes->at[u->to[k].node];
        if (merge) TDNN_TRY(find_variable(l, enter, merge, err));
    }
    if (!l->condition || !tf_data_inputs(l->condition->proto))
        return malformed(l, "no condition", err);
    return TDNN_OK;
}

/* ---- Scopes ---- */

/* A scope of the loop's own: `graph` is that around it, or the body. */
static tf_scope inner_scope(const loop *l, tdnn_graph *graph)
{
    return (tf_scope){.model = l->scope->model,
                      .outer = l->scope,
                      .graph = graph,
                      .nodes = l->scope->nodes,
                      .prefix = l->scope->prefix,
                      .frame = l->frame,
                      .depth = l->scope->depth + 1};
}

/* The condition for given values of the variables. */
static tdnn_status import_condition(const loop *l, tdnn_graph *graph, bool after, tdnn_id *out,
                                    tdnn_error *err)
{
    tf_scope s = inner_scope(l, graph);
    tf_value *v;
    for (size_t i = 0; i < l->count; i++) {
        tf_value *now = after ? l->variables[i].after : l->variables[i].before;
        TDNN_TRY(tf_scope_set(&s, l->variables[i].merge->proto->name, 0, now, err));
    }
    const tf_node *from = tf_input_node(&s, l->condition, 0);
    if (!from) return malformed(l, "nothing makes the condition", err);
    TDNN_TRY(tf_scope_import(&s, from, err));
    TDNN_TRY(tf_scope_find(&s, l->condition->proto->input[0], &v, err));
    if (v->missing) return TDNN_OK;
    if (v->flow || v->dead) return malformed(l, "the condition is no truth value", err);
    return tf_plain(&s, v, out, err);
}

/* Enter: the value of the scope around the loop, taken inwards. */
tdnn_status tf_import_enter(tf_call *c, tdnn_error *err)
{
    tf_scope *s = c->scope, *outer = s->outer;
    tf_value *from, *v;
    tdnn_id plain;
    const char *frame = tf_attr_text(c, "frame_name", "");
    if (!s->frame || !outer || strcmp(frame, s->frame->name) != 0)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "is used outside of its loop \"%s\"", frame);
    if (!tf_data_inputs(c->node->proto))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "no input, expected one");
    TDNN_TRY(tf_scope_find(outer, c->node->proto->input[0], &from, err));
    if (from->missing || from->dead || s->graph == outer->graph)
        return tf_give(c, 0, from, err);
    if (from->block[0]) return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "blocks that enter a loop");
    TDNN_TRY(tf_value_make(outer, from->id, from->dtype, &from->shape, &v, err));
    *v = *from;
    if (from->id != TDNN_ABSENT) {
        TDNN_TRY(tf_plain(outer, from, &plain, err));
        v->id = plain;
        v->first = false;
        v->other = TDNN_ABSENT;
    }
    TDNN_TRY(tf_capture(s, v, &v, err));
    return tf_give(c, 0, v, err);
}

/* ---- TensorArrays that the body writes ---- */

/* Past operators that change nothing. */
static const tf_node *behind(const tf_scope *s, const tf_node *node)
{
    for (int i = 0; i < 64 && node && tf_is(node, "Identity"); i++)
        node = tf_input_node(s, node, 0);
    return node;
}

/* True if the node counts the turns: begins with 0 and grows by 1. */
static bool counts_turns(const loop *l, const tf_scope *s, const tf_node *index)
{
    index = behind(s, index);
    for (size_t i = 0; i < l->count; i++) {
        const variable *v = &l->variables[i];
        if (!v->branch || index != v->branch) continue;
        if (!v->before->known || v->before->known_count != 1 || v->before->known[0] != 0)
            return false;
        const tf_node *sum = behind(s, tf_input_node(s, v->next, 0));
        if (!tf_is(sum, "Add") && !tf_is(sum, "AddV2")) return false;
        for (size_t k = 0; k < 2; k++) {
            tf_value *one = NULL;
            if (behind(s, tf_input_node(s, sum, k)) != v->branch) continue;
            if (tf_data_inputs(sum->proto) != 2 ||
                tf_scope_find((tf_scope *)(uintptr_t)s, sum->proto->input[1 - k], &one, NULL))
                return false;
            return one->known && one->known_count == 1 && one->known[0] == 1;
        }
    }
    return false;
}

/* What a turn writes must be one element, at its own place. */
static tdnn_status check_write(const loop *l, const tf_scope *s, variable *v, tdnn_error *err)
{
    const tf_node *write = behind(s, tf_input_node(s, v->next, 0));
    if (v->after == v->inside) return TDNN_OK; /* only passed on */
    const bool list = tf_is(write, "TensorListSetItem");
    if (!write || (!list && strncmp(write->proto->op, "TensorArrayWrite", 16) != 0) ||
        behind(s, tf_input_node(s, write, list ? 0 : 3)) != v->branch ||
        v->before->id != TDNN_ABSENT)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                         "loop \"%s\": a TensorArray that is not written once in each turn",
                         l->frame->name);
    if (!counts_turns(l, s, tf_input_node(s, write, 1)))
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                         "loop \"%s\": a TensorArray that is not written in order",
                         l->frame->name);
    v->written = true;
    return TDNN_OK;
}

/* ---- The loop ---- */

static tdnn_status add_body_input(const loop *l, const char *name, tdnn_dtype type,
                                  const tdnn_shape *shape, tdnn_id *out, tdnn_error *err)
{
    TDNN_TRY(tdnn_graph_add_value(
        l->body, tdnn_graph_find_value(l->body, name) == TDNN_ABSENT ? name : NULL, out, err));
    l->body->values[*out].dtype = type;
    l->body->values[*out].shape = *shape;
    return tdnn_graph_add_input(l->body, *out, err);
}

/* Inputs of the body: the turn, the condition, the variables. */
static tdnn_status begin_body(loop *l, tf_scope *s, tdnn_error *err)
{
    static const tdnn_shape scalar = {.ndim = 0};
    tdnn_id id;
    TDNN_TRY(add_body_input(l, "turn", TDNN_I64, &scalar, &id, err));
    TDNN_TRY(add_body_input(l, "go_on", TDNN_BOOL, &scalar, &id, err));
    for (size_t i = 0; i < l->count; i++) {
        variable *v = &l->variables[i];
        tdnn_shape shape = tf_unknown_shape(v->before->shape.ndim);
        if (v->before->flow) {
            TDNN_TRY(tf_capture(s, v->before, &v->inside, err));
        } else {
            const char *name = v->merge->proto->name;
            TDNN_TRY(add_body_input(l, name, v->before->dtype, &shape, &id, err));
            TDNN_TRY(tf_value_make(s, id, v->before->dtype, &shape, &v->inside, err));
        }
        if (v->branch)
            TDNN_TRY(tf_scope_set(s, v->branch->proto->name, 1, v->inside, err));
        else
            TDNN_TRY(tf_scope_set(s, v->merge->proto->name, 0, v->inside, err));
    }
    return TDNN_OK;
}

static tdnn_status import_body(loop *l, tf_scope *s, bool *missing, tdnn_error *err)
{
    for (size_t i = 0; i < l->count; i++) {
        variable *v = &l->variables[i];
        const tf_node *from = tf_input_node(s, v->next, 0);
        if (!from) return malformed(l, "nothing comes back", err);
        TDNN_TRY(tf_scope_import(s, from, err));
        TDNN_TRY(tf_scope_find(s, v->next->proto->input[0], &v->after, err));
        *missing |= v->after->missing;
        if (v->after->missing) continue;
        if (v->after->dead || v->after->flow != v->before->flow)
            return malformed(l, "what comes back is not what entered", err);
    }
    for (size_t i = 0; i < l->count && !*missing; i++)
        if (l->variables[i].before->flow) TDNN_TRY(check_write(l, s, &l->variables[i], err));
    return TDNN_OK;
}

/* Outputs of the body: the condition, the variables, what is collected. */
static tdnn_status end_body(loop *l, tf_scope *s, bool *missing, tdnn_error *err)
{
    tdnn_id id = TDNN_ABSENT;
    TDNN_TRY(import_condition(l, l->body, true, &id, err));
    *missing |= id == TDNN_ABSENT;
    if (*missing) return TDNN_OK;
    TDNN_TRY(tdnn_graph_append(l->body, TDNN_OP_Identity, NULL, &id, 1, NULL, &id, err));
    TDNN_TRY(tdnn_graph_add_output(l->body, id, err));
    for (int collected = 0; collected < 2; collected++)
        for (size_t i = 0; i < l->count; i++) {
            variable *v = &l->variables[i];
            if (v->before->flow != (collected == 1) || (collected && !v->written)) continue;
            tf_value plain = *v->after;
            plain.flow = false;
            TDNN_TRY(tf_plain(s, &plain, &id, err));
            TDNN_TRY(
                tdnn_graph_append(l->body, TDNN_OP_Identity, NULL, &id, 1, NULL, &id, err));
            TDNN_TRY(tdnn_graph_add_output(l->body, id, err));
        }
    return TDNN_OK;
}

static tdnn_status add_loop(loop *l, tdnn_id go_on, tdnn_node **out, tdnn_error *err)
{
    tdnn_graph *g = l->scope->graph;
    size_t states = 0, collected = 0, at = 2;
    for (size_t i = 0; i < l->count; i++) {
        states += !l->variables[i].before->flow;
        collected += l->variables[i].written;
    }
    tdnn_node *node;
    TDNN_TRY(tdnn_graph_add_node(g, TDNN_OP_Loop, l->frame->name, states + 2,
                                 states + collected, &node, err));
    node->inputs[1] = go_on;
    for (size_t i = 0; i < l->count; i++)
        if (!l->variables[i].before->flow)
            TDNN_TRY(tf_plain(l->scope, l->variables[i].before, &node->inputs[at++], err));
    for (size_t i = 0; i < node->output_count; i++)
        TDNN_TRY(tdnn_graph_add_value(g, NULL, &node->outputs[i], err));
    tdnn_attr_value body = {.type = TDNN_ATTR_GRAPH, .i = 0};
    TDNN_TRY(tdnn_node_set_attr(g, node, "body", &body, err));
    *out = node;
    return tdnn_node_own(g, node, &l->body, 1, err);
}

/* What leaves: each Exit has the value that its Switch sends out. */
static tdnn_status give_exits(const loop *l, const variable *v, tf_value *value,
                              tdnn_error *err)
{
    const tf_uses *u = &l->scope->model->uses;
    if (!v->branch) return TDNN_OK;
    const size_t at = (size_t)(v->branch - l->scope->nodes->at);
    for (size_t i = u->begin[at]; i < u->begin[at + 1]; i++) {
        const tf_node *user = &l->scope->nodes->at[u->to[i].node];
        if (tf_is(user, "Exit") || tf_is(user, "RefExit"))
            TDNN_TRY(tf_scope_set(l->scope, user->proto->name, 0, value, err));
    }
    return TDNN_OK;
}

static tdnn_status give_results(const loop *l, const tdnn_node *node, tdnn_error *err)
{
    size_t at = 0;
    for (int collected = 0; collected < 2; collected++)
        for (size_t i = 0; i < l->count; i++) {
            const variable *v = &l->variables[i];
            tf_value *value;
            if (v->before->flow != (collected == 1)) continue;
            if (collected && !v->written) {
                TDNN_TRY(give_exits(l, v, v->before, err));
                continue;
            }
            tdnn_shape shape = tf_unknown_shape(v->before->shape.ndim);
            if (collected)
                shape =
                    tf_unknown_shape(v->after->shape.ndim < 0 ? -1 : v->after->shape.ndim + 1);
            TDNN_TRY(tf_value_make(l->scope, node->outputs[at++],
                                   collected ? v->after->dtype : v->before->dtype, &shape,
                                   &value, err));
            value->flow = collected;
            TDNN_TRY(give_exits(l, v, value, err));
        }
    return TDNN_OK;
}

static tdnn_status give_missing(const loop *l, tdnn_error *err)
{
    tf_value *v;
    TDNN_TRY(tf_value_make(l->scope, TDNN_ABSENT, TDNN_NONE, NULL, &v, err));
    v->missing = true;
    for (size_t i = 0; i < l->count; i++) TDNN_TRY(give_exits(l, &l->variables[i], v, err));
    return TDNN_OK;
}

tdnn_status tf_import_exit(tf_call *c, tdnn_error *err)
{
    loop l = {.scope = c->scope, .call = c, .frame = tf_frame_left(c->scope, c->node)};
    bool missing = false;
    tdnn_id go_on = TDNN_ABSENT;
    tdnn_node *node;
    if (!l.frame) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "leaves no loop");
    if (c->scope->depth >= MOST_NESTING)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT, "loops nested deeper than %d", MOST_NESTING);
    TDNN_TRY(find_variables(&l, err));
    for (size_t i = 0; i < l.count; i++) {
        variable *v = &l.variables[i];
        TDNN_TRY(tf_scope_find(l.scope, v->enter->proto->input[0], &v->before, err));
        missing |= v->before->missing || v->before->dead;
        if (v->before->block[0])
            return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "blocks that enter a loop");
    }
    if (missing) return give_missing(&l, err);
    TDNN_TRY(import_condition(&l, l.scope->graph, false, &go_on, err));
    TDNN_TRY(tdnn_graph_create_sub(l.scope->graph, &l.body, err));
    tf_scope s = inner_scope(&l, l.body);
    TDNN_TRY(begin_body(&l, &s, err));
    TDNN_TRY(import_body(&l, &s, &missing, err));
    if (!missing) TDNN_TRY(end_body(&l, &s, &missing, err));
    if (missing || go_on == TDNN_ABSENT) return give_missing(&l, err);
    TDNN_TRY(add_loop(&l, go_on, &node, err));
    return give_results(&l, node, err);
}

/* NextIteration, LoopCond: are never met but in a graph that is no loop. */
tdnn_status tf_import_loop_only(tf_call *c, tdnn_error *err)
{
    (void)c;
    return TDNN_FAIL(err, TDNN_ERR_FORMAT, "is not part of a loop that tinydnn understands");
}
