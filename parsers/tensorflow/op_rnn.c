/* Recurrent cells that TensorFlow has as one operator: LSTMBlockCell and GRUBlockCell, and
 * BlockLSTM, which is the cell run over a sequence: a Scan. A cell's memory is clipped here
 * (cell_clip), which the IR's LSTM cannot say, and all of its gates may be asked for. */
#include "parsers/tensorflow/ops.h"

#include <string.h>

/* Outputs of a cell, in TensorFlow's order. */
enum { GATE_IN, MEMORY, FORGET, GATE_OUT, CANDIDATE, SQUASHED, RESULT, CELL_OUTPUTS };

typedef struct lstm_cell {
    tdnn_id x, memory, h, w, peep[3], b; /* peep: in, forget, out */
    double forget_bias, clip;            /* clip: not above 0: none */
    bool peephole;
    int candidate, forget; /* which quarter of the product they are */
    tdnn_dtype type;
} lstm_cell;

/* [x h] w + b */
static tdnn_status product(const tf_call *c, tdnn_id x, tdnn_id h, tdnn_id w, tdnn_id b,
                           tdnn_id *out, tdnn_error *err)
{
    TDNN_TRY(tf_concat(c, (tdnn_id[2]){x, h}, 2, 1, out, err));
    TDNN_TRY(tf_two(c, TDNN_OP_MatMul, *out, w, out, err));
    return tf_two(c, TDNN_OP_Add, *out, b, out, err);
}

/* Equal parts of the columns. */
static tdnn_status cut(const tf_call *c, tdnn_id in, size_t count, tdnn_id *parts,
                       tdnn_error *err)
{
    tdnn_graph *g = c->scope->graph;
    tdnn_node *node;
    TDNN_TRY(tdnn_graph_add_node(g, TDNN_OP_Split, c->name, 1, count, &node, err));
    node->inputs[0] = in;
    TDNN_TRY(tf_set_int(c, node, "axis", 1, err));
    TDNN_TRY(tf_set_int(c, node, "num_outputs", (int64_t)count, err));
    for (size_t i = 0; i < count; i++) {
        TDNN_TRY(tdnn_graph_add_value(g, NULL, &parts[i], err));
        node->outputs[i] = parts[i];
    }
    return TDNN_OK;
}

/* in + memory * weights, if there are peepholes. */
static tdnn_status peep(const tf_call *c, const lstm_cell *l, int which, tdnn_id memory,
                        tdnn_id *in, tdnn_error *err)
{
    tdnn_id seen;
    if (!l->peephole) return TDNN_OK;
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, memory, l->peep[which], &seen, err));
    return tf_two(c, TDNN_OP_Add, *in, seen, in, err);
}

static tdnn_status lstm_step(const tf_call *c, const lstm_cell *l, tdnn_id out[CELL_OUTPUTS],
                             tdnn_error *err)
{
    tdnn_id all, gates[4], kept, low, high;
    TDNN_TRY(product(c, l->x, l->h, l->w, l->b, &all, err));
    TDNN_TRY(cut(c, all, 4, gates, err));
    tdnn_id in = gates[0], forget = gates[l->forget], last = gates[3];
    if (l->forget_bias != 0)
        TDNN_TRY(tf_with(c, TDNN_OP_Add, forget, l->type, l->forget_bias, &forget, err));
    TDNN_TRY(peep(c, l, 0, l->memory, &in, err));
    TDNN_TRY(peep(c, l, 1, l->memory, &forget, err));
    TDNN_TRY(tf_one(c, TDNN_OP_Sigmoid, in, &out[GATE_IN], err));
    TDNN_TRY(tf_one(c, TDNN_OP_Sigmoid, forget, &out[FORGET], err));
    TDNN_TRY(tf_one(c, TDNN_OP_Tanh, gates[l->candidate], &out[CANDIDATE], err));
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, out[CANDIDATE], out[GATE_IN], &out[MEMORY], err));
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, l->memory, out[FORGET], &kept, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Add, out[MEMORY], kept, &out[MEMORY], err));
    if (l->clip > 0) {
        TDNN_TRY(tf_const_scalar(c, l->type, -l->clip, &low, err));
        TDNN_TRY(tf_const_scalar(c, l->type, l->clip, &high, err));
        TDNN_TRY(tf_three(c, TDNN_OP_Clip, out[MEMORY], low, high, &out[MEMORY], err));
    }
    TDNN_TRY(peep(c, l, 2, out[MEMORY], &last, err));
    TDNN_TRY(tf_one(c, TDNN_OP_Sigmoid, last, &out[GATE_OUT], err));
    TDNN_TRY(tf_one(c, TDNN_OP_Tanh, out[MEMORY], &out[SQUASHED], err));
    return tf_two(c, TDNN_OP_Mul, out[SQUASHED], out[GATE_OUT], &out[RESULT], err);
}

/* Inputs from `from` on: x, memory, h, w, three peepholes, b. */
static tdnn_status read_cell(const tf_call *c, size_t from, lstm_cell *l, tdnn_error *err)
{
    tdnn_id *const to[8] = {&l->x,       &l->memory,  &l->h,       &l->w,
                            &l->peep[0], &l->peep[1], &l->peep[2], &l->b};
    const bool second = tf_is(c->node, "BlockLSTMV2");
    for (size_t i = 0; i < 8; i++) TDNN_TRY(tf_input_plain(c, from + i, to[i], err));
    l->type = c->inputs[from]->dtype;
    l->peephole = tf_attr_bool(c, "use_peephole", false);
    l->clip = (double)tf_attr_float(c, "cell_clip", second ? 0 : 3);
    l->forget_bias = second ? 0 : (double)tf_attr_float(c, "forget_bias", 1);
    l->candidate = second ? 2 : 1; /* i f c o there, i c f o before */
    l->forget = second ? 1 : 2;
    return TDNN_OK;
}

/* Columns of the state: what has no other source of its size. */
static int64_t width_of(const tf_value *state)
{
    return state->shape.ndim == 2 ? state->shape.dim[1] : -1;
}

tdnn_status tf_import_lstm_cell(tf_call *c, tdnn_error *err)
{
    lstm_cell l;
    tdnn_id out[CELL_OUTPUTS];
    TDNN_TRY(read_cell(c, 0, &l, err));
    TDNN_TRY(lstm_step(c, &l, out, err));
    tdnn_shape shape = tf_unknown_shape(2);
    shape.dim[1] = width_of(c->inputs[1]);
    for (size_t i = 0; i < CELL_OUTPUTS; i++)
        TDNN_TRY(tf_give_new(c, i, out[i], l.type, &shape, NULL, err));
    return TDNN_OK;
}

/* ---- Over a sequence ---- */

static tdnn_status body_input(tdnn_graph *body, const tdnn_value *like, tdnn_id *out,
                              tdnn_error *err)
{
    TDNN_TRY(tdnn_graph_add_value(body, NULL, out, err));
    body->values[*out].dtype = like->dtype;
    return tdnn_graph_add_input(body, *out, err);
}

/* The body: memory, h and a row of x; memory, h and all outputs. */
static tdnn_status make_body(const tf_call *c, const lstm_cell *around, tdnn_graph *body,
                             tdnn_error *err)
{
    tf_scope scope = {.model = c->scope->model,
                      .outer = c->scope,
                      .graph = body,
                      .nodes = c->scope->nodes,
                      .prefix = c->scope->prefix,
                      .depth = c->scope->depth + 1};
    tf_call inner = *c;
    lstm_cell l = *around;
    tdnn_id out[CELL_OUTPUTS];
    const tdnn_value *values = c->scope->graph->values;
    inner.scope = &scope;
    TDNN_TRY(body_input(body, &values[around->memory], &l.memory, err));
    TDNN_TRY(body_input(body, &values[around->h], &l.h, err));
    TDNN_TRY(body_input(body, &values[around->x], &l.x, err));
    TDNN_TRY(tdnn_graph_capture(body, around->w, &l.w, err));
    TDNN_TRY(tdnn_graph_capture(body, around->b, &l.b, err));
    for (int i = 0; i < 3 && l.peephole; i++)
        TDNN_TRY(tdnn_graph_capture(body, around->peep[i], &l.peep[i], err));
    TDNN_TRY(lstm_step(&inner, &l, out, err));
    const tdnn_id results[2 + CELL_OUTPUTS] = {out[MEMORY], out[RESULT], out[0], out[1], out[2],
                                               out[3],      out[4],      out[5], out[6]};
    for (size_t i = 0; i < 2 + CELL_OUTPUTS; i++) {
        tdnn_id id;
        TDNN_TRY(
            tdnn_graph_append(body, TDNN_OP_Identity, NULL, &results[i], 1, NULL, &id, err));
        TDNN_TRY(tdnn_graph_add_output(body, id, err));
    }
    return TDNN_OK;
}

/* BlockLSTM, BlockLSTMV2: how many steps, then as the cell; x is time, batch, columns. */
tdnn_status tf_import_block_lstm(tf_call *c, tdnn_error *err)
{
    tdnn_graph *g = c->scope->graph, *body;
    lstm_cell l;
    tdnn_node *node;
    tf_value *steps, *x;
    TDNN_TRY(tf_input(c, 0, &steps, err));
    TDNN_TRY(tf_input(c, 1, &x, err));
    const int64_t rows = x->shape.ndim == 3 ? x->shape.dim[0] : -1;
    if (steps->known && steps->known_count == 1 && rows >= 0 && steps->known[0] < rows)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "%lld of %lld steps",
                         (long long)steps->known[0], (long long)rows);
    TDNN_TRY(read_cell(c, 1, &l, err));
    TDNN_TRY(tdnn_graph_create_sub(g, &body, err));
    TDNN_TRY(make_body(c, &l, body, err));
    const tdnn_id ids[3] = {l.memory, l.h, l.x};
    TDNN_TRY(tdnn_graph_add_node(g, TDNN_OP_Scan, c->name, 3, 2 + CELL_OUTPUTS, &node, err));
    memcpy(node->inputs, ids, sizeof ids);
    TDNN_TRY(tf_set_int(c, node, "num_scan_inputs", 1, err));
    for (size_t i = 0; i < 2 + CELL_OUTPUTS; i++)
        TDNN_TRY(tdnn_graph_add_value(g, NULL, &node->outputs[i], err));
    tdnn_attr_value attr = {.type = TDNN_ATTR_GRAPH, .i = 0};
    TDNN_TRY(tdnn_node_set_attr(g, node, "body", &attr, err));
    TDNN_TRY(tdnn_node_own(g, node, &body, 1, err));
    tdnn_shape shape = tf_unknown_shape(3);
    shape.dim[0] = rows;
    shape.dim[2] = width_of(c->inputs[2]);
    for (size_t i = 0; i < CELL_OUTPUTS; i++)
        TDNN_TRY(tf_give_new(c, i, node->outputs[2 + i], l.type, &shape, NULL, err));
    return TDNN_OK;
}

/* ---- GRU ---- */

/* x, h, w of both gates, w of the candidate, their biases; reset, update, candidate, h. */
tdnn_status tf_import_gru_cell(tf_call *c, tdnn_error *err)
{
    tdnn_id in[6], gates[2], candidate, kept, fresh, h;
    for (size_t i = 0; i < 6; i++) TDNN_TRY(tf_input_plain(c, i, &in[i], err));
    const tdnn_dtype type = c->inputs[0]->dtype;
    TDNN_TRY(product(c, in[0], in[1], in[2], in[4], &h, err));
    TDNN_TRY(tf_one(c, TDNN_OP_Sigmoid, h, &h, err));
    TDNN_TRY(cut(c, h, 2, gates, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, in[1], gates[0], &kept, err));
    TDNN_TRY(product(c, in[0], kept, in[3], in[5], &candidate, err));
    TDNN_TRY(tf_one(c, TDNN_OP_Tanh, candidate, &candidate, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Sub, in[1], candidate, &fresh,
                    err)); /* u h + (1 - u) c = c + u (h - c) */
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, fresh, gates[1], &fresh, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Add, candidate, fresh, &h, err));
    tdnn_shape shape = tf_unknown_shape(2);
    shape.dim[1] = width_of(c->inputs[1]);
    const tdnn_id out[4] = {gates[0], gates[1], candidate, h};
    for (size_t i = 0; i < 4; i++) TDNN_TRY(tf_give_new(c, i, out[i], type, &shape, NULL, err));
    return TDNN_OK;
}
