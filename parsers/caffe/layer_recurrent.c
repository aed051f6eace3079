/* LSTM and RNN: a Scan over time steps, since Caffe starts sequences anew wherever `cont`, the
 * second bottom, is 0.
 *
 * Bottoms: x, T x N x ...; cont, T x N; and, optional, an input that is the same for all steps;
 * with expose_hidden the states before the first step follow. What does not depend on the
 * states is multiplied for all steps at once.
 */
#include "parsers/caffe/layers.h"

#include <string.h>

enum { MOST_STATES = 2 };

typedef struct recurrent {
    int64_t size;  /* of a state */
    size_t states; /* 2: output and cell; 1: hidden */
    bool exposed, constant_input;
    tdnn_id projected;  /* T x N x gates: all but the states' part   */
    tdnn_id weights[3]; /* of the states, and for an RNN of its output, with its bias */
} recurrent;

/* ---- in front of the loop ---- */

/* x[..., K] times the transposed blob [outputs, K]. */
static tdnn_id product(caffe_call *c, tdnn_id x, size_t blob, int64_t outputs, int64_t inputs)
{
    const tdnn_shape shape = {2, {outputs, inputs}};
    return caffe_op(
        c, "MatMul", x,
        caffe_transpose(c, caffe_weight(c, blob, &shape), (const int64_t[]){1, 0}, 2));
}

static tdnn_id bias(caffe_call *c, tdnn_id x, size_t blob, int64_t outputs)
{
    const tdnn_shape shape = {1, {outputs}};
    return caffe_op(c, "Add", x, caffe_weight(c, blob, &shape));
}

/* Reads blobs 0, 1 and, if there is a constant input, 2. */
static void project(caffe_call *c, recurrent *r, int64_t outputs)
{
    const int rank = caffe_rank(c, 0, 3, TDNN_MAX_DIMS);
    tdnn_id x = caffe_reshape(c, c->in[0].id, caffe_ints_of(c, 0, 0, -1));
    x = product(c, x, 0, outputs,
                c->net->weights ? -1 : caffe_dim_product(&c->in[0].shape, 2, rank));
    r->projected = bias(c, x, 1, outputs);
    if (!r->constant_input) return;
    const int constant_rank = caffe_rank(c, 2, 2, TDNN_MAX_DIMS);
    x = constant_rank > 2 ? caffe_op(c, "Flatten", c->in[2].id) : c->in[2].id;
    x = product(c, x, 2, outputs,
                c->net->weights ? -1 : caffe_dim_product(&c->in[2].shape, 1, constant_rank));
    r->projected = caffe_op(c, "Add", r->projected, x);
}

/* ---- a step ---- */

typedef struct step {
    tdnn_graph *outer, *body;
    tdnn_id states[MOST_STATES], gates, cont; /* inputs */
} step;

static tdnn_id body_input(caffe_call *c)
{
    tdnn_id id = TDNN_ABSENT;
    tdnn_graph *body = c->net->graph;
    if (c->status || !caffe_try(c, tdnn_graph_add_value(body, NULL, &id, c->err)))
        return TDNN_ABSENT;
    body->values[id].dtype = TDNN_F32;
    caffe_try(c, tdnn_graph_add_input(body, id, c->err));
    return id;
}

/* From here on nodes go into the body. */
static step step_begin(caffe_call *c, const recurrent *r)
{
    step s = {.outer = c->net->graph};
    if (c->status || !caffe_try(c, tdnn_graph_create_sub(s.outer, &s.body, c->err))) return s;
    c->net->graph = s.body;
    for (size_t i = 0; i < r->states; i++) s.states[i] = body_input(c);
    s.gates = body_input(c);
    s.cont = caffe_op(c, "Unsqueeze", body_input(c), caffe_ints_of(c, 1));
    return s;
}

static void step_output(caffe_call *c, tdnn_id id)
{
    if (!c->status) caffe_try(c, tdnn_graph_add_output(c->net->graph, id, c->err));
}

/* The value of the graph around the body. */
static tdnn_id from_outside(caffe_call *c, tdnn_id outer)
{
    tdnn_id id = TDNN_ABSENT;
    if (!c->status) caffe_try(c, tdnn_graph_capture(c->net->graph, outer, &id, c->err));
    return id;
}

/* gates + weights * state, where the state counts only if the sequence goes on. */
static tdnn_id with_state(caffe_call *c, const step *s, tdnn_id weights)
{
    tdnn_id state = caffe_op(c, "Mul", s->states[0], s->cont);
    return caffe_op(c, "Add", s->gates, caffe_op(c, "MatMul", state, from_outside(c, weights)));
}

static void lstm_step(caffe_call *c, const step *s, const recurrent *r)
{
    tdnn_id gates = with_state(c, s, r->weights[0]), gate[4];
    for (int k = 0; k < 4; k++) { /* input, forget, output, candidate */
        tdnn_id part = caffe_slice(c, gates, 1, k * r->size, (k + 1) * r->size);
        gate[k] = caffe_op(c, k < 3 ? "Sigmoid" : "Tanh", part);
    }
    tdnn_id kept = caffe_op(c, "Mul", caffe_op(c, "Mul", gate[1], s->cont), s->states[1]);
    tdnn_id cell = caffe_op(c, "Add", kept, caffe_op(c, "Mul", gate[0], gate[3]));
    tdnn_id hidden = caffe_op(c, "Mul", gate[2], caffe_op(c, "Tanh", cell));
    step_output(c, hidden);
    step_output(c, cell);
    step_output(c, caffe_op(c, "Identity", hidden));
}

static void rnn_step(caffe_call *c, const step *s, const recurrent *r)
{
    tdnn_id hidden = caffe_op(c, "Tanh", with_state(c, s, r->weights[0]));
    tdnn_id out = caffe_op(c, "MatMul", hidden, from_outside(c, r->weights[1]));
    step_output(c, hidden);
    step_output(c,
                caffe_op(c, "Tanh", caffe_op(c, "Add", out, from_outside(c, r->weights[2]))));
}

/* ---- the loop ---- */

/* Before the first step: the bottom, 1 x N x size, or zeros. */
static tdnn_id first_state(caffe_call *c, const recurrent *r, size_t index)
{
    const size_t bottom = 2 + r->constant_input + index;
    if (r->exposed) return caffe_op(c, "Squeeze", c->in[bottom].id, caffe_ints_of(c, 0));
    return caffe_op(
        c, "ConstantOfShape",
        caffe_joined(c, caffe_dims(c, c->in[0].id, 1, 2), caffe_ints_of(c, r->size)));
}

static void scan(caffe_call *c, const recurrent *r, const step *s)
{
    tdnn_id inputs[MOST_STATES + 2], last[MOST_STATES];
    for (size_t i = 0; i < r->states; i++) inputs[i] = first_state(c, r, i);
    inputs[r->states] = r->projected;
    inputs[r->states + 1] = c->in[1].id;
    last[0] = caffe_append(c, "Scan", inputs, r->states + 2);
    caffe_set_int(c, "num_scan_inputs", 2);
    if (c->status || !caffe_try(c, tdnn_node_own(c->net->graph, c->node, &s->body, 1, c->err)))
        return;
    const tdnn_attr_value body = {.type = TDNN_ATTR_GRAPH, .i = 0};
    caffe_try(c, tdnn_node_set_attr(c->net->graph, c->node, "body", &body, c->err));
    for (size_t i = 1; i < r->states; i++) last[i] = caffe_more(c);
    c->out[0].id = caffe_more(c);
    c->out[0].shape = (tdnn_shape){3, {caffe_dim(c, 0, 0), caffe_dim(c, 0, 1), r->size}};
    for (size_t i = 0; r->exposed && i < r->states; i++) {
        c->out[1 + i].id = caffe_op(c, "Unsqueeze", last[i], caffe_ints_of(c, 0));
        c->out[1 + i].shape = (tdnn_shape){3, {1, caffe_dim(c, 0, 1), r->size}};
    }
}

static recurrent begin(caffe_call *c, size_t states)
{
    recurrent r = {.states = states, .exposed = caffe_bool(c, "expose_hidden", false)};
    const size_t hidden = r.exposed ? states : 0;
    r.size = caffe_int(c, "num_output", 0, 1, 1 << 24);
    r.constant_input = c->in_count > 2 + hidden;
    if (!r.size) caffe_fail(c, TDNN_ERR_FORMAT, "num_output is missing");
    if (c->in_count < 2 + hidden || c->in_count > 3 + hidden || c->out_count != 1 + hidden)
        caffe_fail(c, TDNN_ERR_FORMAT,
                   "%zu bottoms and %zu tops, expected %zu or one more, and %zu", c->in_count,
                   c->out_count, 2 + hidden, 1 + hidden);
    caffe_rank(c, 1, 2, 2);
    return r;
}

/* The states' matrix, transposed. */
static tdnn_id state_weights(caffe_call *c, size_t blob, int64_t outputs, int64_t inputs)
{
    const tdnn_shape shape = {2, {outputs, inputs}};
    return caffe_transpose(c, caffe_weight(c, blob, &shape), (const int64_t[]){1, 0}, 2);
}

void caffe_import_lstm(caffe_call *c)
{
    recurrent r = begin(c, 2);
    project(c, &r, 4 * r.size);
    r.weights[0] = state_weights(c, 2 + r.constant_input, 4 * r.size, r.size);
    const step s = step_begin(c, &r);
    lstm_step(c, &s, &r);
    c->net->graph = s.outer;
    scan(c, &r, &s);
}

void caffe_import_rnn(caffe_call *c)
{
    recurrent r = begin(c, 1);
    const size_t first = 2 + (size_t)r.constant_input;
    project(c, &r, r.size);
    r.weights[0] = state_weights(c, first, r.size, r.size);
    r.weights[1] = state_weights(c, first + 1, r.size, r.size);
    r.weights[2] = caffe_weight(c, first + 2, &(tdnn_shape){1, {r.size}});
    const step s = step_begin(c, &r);
    rnn_step(c, &s, &r);
    c->net->graph = s.outer;
    scan(c, &r, &s);
}
