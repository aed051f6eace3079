/* rnn, crnn, gru, lstm: one step is a handful of connected layers (crnn: convolutions). */
#include "parsers/darknet/steps.h"

#include <string.h>

/* ---- Steps ---- */

static tdnn_status cut_step(tdnn_dark_net *net, const tdnn_dark_value *in, tdnn_id stacked,
                            int64_t step, tdnn_id *out)
{
    const int64_t dims[] = {-1, in->c, in->h, in->w};
    tdnn_id inputs[2];
    TDNN_TRY(tdnn_dark_slice(net, stacked, 0, step, step + 1, NULL, &inputs[0]));
    TDNN_TRY(tdnn_dark_ints(net, dims, in->flat ? 2 : 4, &inputs[1]));
    return tdnn_dark_add(net, "Reshape", NULL, inputs, 2, NULL, out);
}

tdnn_status tdnn_dark_steps_split(tdnn_dark_net *net, const tdnn_dark_value *in,
                                  tdnn_dark_steps *steps)
{
    net->fixed_size = true;
    size_t count = steps->count = (size_t)net->time_steps;
    steps->x = tdnn_zone_alloc(net->zone, count, sizeof *steps->x);
    steps->out = tdnn_zone_alloc(net->zone, count, sizeof *steps->out);
    if (!steps->x || !steps->out) return TDNN_NO_MEMORY(net->err);
    steps->x[0] = *in;
    if (count == 1) return TDNN_OK;
    const int64_t dims[] = {net->time_steps, -1, in->c, in->h, in->w};
    tdnn_id inputs[2] = {in->id}, stacked;
    TDNN_TRY(tdnn_dark_ints(net, dims, in->flat ? 3 : 5, &inputs[1]));
    TDNN_TRY(tdnn_dark_add(net, "Reshape", NULL, inputs, 2, NULL, &stacked));
    for (size_t t = 0; t < count; t++) {
        steps->x[t] = *in;
        TDNN_TRY(cut_step(net, in, stacked, (int64_t)t, &steps->x[t].id));
    }
    return TDNN_OK;
}

tdnn_status tdnn_dark_steps_join(tdnn_dark_net *net, const tdnn_dark_steps *steps,
                                 const tdnn_dark_value *one, const char *name)
{
    net->out = *one;
    return tdnn_dark_concat(net, steps->out, steps->count, 0, name, &net->out.id);
}

tdnn_status tdnn_dark_steps_zero(tdnn_dark_net *net, const tdnn_dark_value *like, tdnn_id *out)
{
    const int64_t dims[] = {1, like->c, like->h, like->w};
    float *data;
    return tdnn_dark_floats(net, like->flat ? 2 : 4, dims, &data, out);
}

/* ---- rnn and crnn ---- */

typedef struct cell {
    bool image;          /* convolutions in place of connected layers */
    tdnn_dark_conv conv; /* of images: all but the number of filters  */
    int64_t hidden, outputs;
    bool batch_normalize, shortcut;
    const char *activation, *self_activation;
    tdnn_dark_weights input, self, output;
} cell;

static tdnn_status take_part(tdnn_dark_net *net, cell *c, int64_t from, int64_t to,
                             tdnn_dark_weights *out)
{
    if (!c->image) return tdnn_dark_dense_take(net, from, to, c->batch_normalize, out);
    c->conv.filters = to;
    if (from % c->conv.groups || to % c->conv.groups)
        return tdnn_cfg_error(
            net->section, "groups",
            TDNN_DARK_FAIL(net, TDNN_ERR_SHAPE, "groups divide neither channels nor filters"),
            net->err);
    return tdnn_dark_conv_take(net, &c->conv, from, out);
}

static tdnn_status add_part(tdnn_dark_net *net, cell *c, const tdnn_dark_weights *w, int64_t to,
                            const char *activation, tdnn_dark_value *x)
{
    c->conv.filters = to;
    TDNN_TRY(c->image ? tdnn_dark_conv_add(net, &c->conv, w, false, x)
                      : tdnn_dark_dense_add(net, w, false, to, x));
    return tdnn_dark_activate(net, activation, false, &x->id);
}

/* state = input(x) + self(state) (+ state); out = output(state) */
static tdnn_status add_step(tdnn_dark_net *net, cell *c, tdnn_dark_value x,
                            tdnn_dark_value *state, tdnn_dark_value *out)
{
    tdnn_dark_value self = *state;
    TDNN_TRY(add_part(net, c, &c->input, c->hidden, c->activation, &x));
    TDNN_TRY(add_part(net, c, &c->self, c->hidden, c->self_activation, &self));
    if (self.h != x.h || self.w != x.w || self.h != state->h || self.w != state->w)
        return TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT,
                              "[%s] whose convolutions change the size of the image",
                              net->section->name);
    TDNN_TRY(tdnn_dark_op2(net, "Add", x.id, self.id, &x.id));
    if (c->shortcut) TDNN_TRY(tdnn_dark_op2(net, "Add", x.id, state->id, &x.id));
    *state = x;
    *out = x;
    return add_part(net, c, &c->output, c->outputs, c->activation, out);
}

static tdnn_status run_cell(tdnn_dark_net *net, cell *c, const tdnn_dark_value *in)
{
    tdnn_dark_steps steps;
    tdnn_dark_value state = *in, out = {0};
    TDNN_TRY(tdnn_dark_int(net, "output", 1, 1, 1 << 24, &c->outputs));
    TDNN_TRY(tdnn_dark_int(net, "hidden", 1, 1, 1 << 24, &c->hidden));
    TDNN_TRY(tdnn_dark_flag(net, "shortcut", &c->shortcut));
    TDNN_TRY(take_part(net, c, in->c, c->hidden, &c->input));
    TDNN_TRY(take_part(net, c, c->hidden, c->hidden, &c->self));
    TDNN_TRY(take_part(net, c, c->hidden, c->outputs, &c->output));
    state.c = c->hidden;
    TDNN_TRY(tdnn_dark_steps_zero(net, &state, &state.id));
    TDNN_TRY(tdnn_dark_steps_split(net, in, &steps));
    for (size_t t = 0; t < steps.count; t++) {
        TDNN_TRY(add_step(net, c, steps.x[t], &state, &out));
        steps.out[t] = out.id;
    }
    return tdnn_dark_steps_join(net, &steps, &out, net->section->name);
}

tdnn_status tdnn_dark_rnn(tdnn_dark_net *net)
{
    cell c = {.image = false};
    tdnn_dark_value in;
    int64_t logistic;
    TDNN_TRY(tdnn_dark_vector(net, &in));
    TDNN_TRY(tdnn_dark_activation(net, "activation", "logistic", &c.activation));
    TDNN_TRY(tdnn_dark_int(net, "logistic", 0, -INT32_MAX, INT32_MAX, &logistic));
    TDNN_TRY(tdnn_dark_flag(net, "batch_normalize", &c.batch_normalize));
    c.self_activation = logistic == 2 ? "loggy" : logistic == 1 ? "logistic" : c.activation;
    return run_cell(net, &c, &in);
}

tdnn_status tdnn_dark_crnn(tdnn_dark_net *net)
{
    cell c = {.image = true};
    tdnn_dark_value in;
    TDNN_TRY(tdnn_dark_image(net, &in));
    TDNN_TRY(tdnn_dark_activation(net, "activation", "logistic", &c.activation));
    TDNN_TRY(tdnn_dark_cell_conv(net, &c.conv));
    c.self_activation = c.activation;
    return run_cell(net, &c, &in);
}

/* ---- gru ---- */

enum { GRU_Z, GRU_R, GRU_H, GRU_PARTS };

static tdnn_status dense(tdnn_dark_net *net, const tdnn_dark_weights *w, int64_t outputs,
                         tdnn_dark_value x, tdnn_id *out)
{
    TDNN_TRY(tdnn_dark_dense_add(net, w, false, outputs, &x));
    *out = x.id;
    return TDNN_OK;
}

/* f(w(x) + u(state)) */
static tdnn_status gate(tdnn_dark_net *net, const tdnn_dark_weights *w,
                        const tdnn_dark_weights *u, const tdnn_dark_value *x,
                        const tdnn_dark_value *state, const char *activation, tdnn_id *out)
{
    tdnn_id a, b;
    TDNN_TRY(dense(net, w, state->c, *x, &a));
    TDNN_TRY(dense(net, u, state->c, *state, &b));
    TDNN_TRY(tdnn_dark_op2(net, "Add", a, b, out));
    return tdnn_dark_activate(net, activation, false, out);
}

/* h = logistic(input_h(x) + state_h(r * state)); state = z * state + (1 - z) * h. That h goes
 * through logistic, not tanh, is Darknet's own. */
static tdnn_status gru_step(tdnn_dark_net *net, const tdnn_dark_weights *w,
                            const tdnn_dark_weights *u, const tdnn_dark_value *x,
                            tdnn_dark_value *state)
{
    tdnn_id z, r, h, rest;
    tdnn_dark_value kept = *state;
    TDNN_TRY(gate(net, &w[GRU_Z], &u[GRU_Z], x, state, "logistic", &z));
    TDNN_TRY(gate(net, &w[GRU_R], &u[GRU_R], x, state, "logistic", &r));
    TDNN_TRY(tdnn_dark_op2(net, "Mul", state->id, r, &kept.id));
    TDNN_TRY(gate(net, &w[GRU_H], &u[GRU_H], x, &kept, "logistic", &h));
    TDNN_TRY(tdnn_dark_op2(net, "Sub", state->id, h, &rest));
    TDNN_TRY(tdnn_dark_op2(net, "Mul", z, rest, &rest));
    return tdnn_dark_op2(net, "Add", h, rest, &state->id);
}

tdnn_status tdnn_dark_gru(tdnn_dark_net *net)
{
    tdnn_dark_weights w[GRU_PARTS], u[GRU_PARTS];
    tdnn_dark_value in, state;
    tdnn_dark_steps steps;
    bool bn;
    TDNN_TRY(tdnn_dark_vector(net, &in));
    state = in;
    TDNN_TRY(tdnn_dark_int(net, "output", 1, 1, 1 << 24, &state.c));
    TDNN_TRY(tdnn_dark_flag(net, "batch_normalize", &bn));
    for (int i = 0; i < GRU_PARTS; i++)
        TDNN_TRY(tdnn_dark_dense_take(net, in.c, state.c, bn, &w[i]));
    for (int i = 0; i < GRU_PARTS; i++)
        TDNN_TRY(tdnn_dark_dense_take(net, state.c, state.c, bn, &u[i]));
    TDNN_TRY(tdnn_dark_steps_zero(net, &state, &state.id));
    TDNN_TRY(tdnn_dark_steps_split(net, &in, &steps));
    for (size_t t = 0; t < steps.count; t++) {
        TDNN_TRY(gru_step(net, w, u, &steps.x[t], &state));
        steps.out[t] = state.id;
    }
    return tdnn_dark_steps_join(net, &steps, &state, "gru");
}

/* ---- lstm ---- */

enum { LSTM_F, LSTM_I, LSTM_G, LSTM_O, LSTM_PARTS };

/* c = f * c + i * g; h = o * tanh(c). Darknet's w belongs to the state, its u to the input. */
static tdnn_status lstm_step(tdnn_dark_net *net, const tdnn_dark_weights *w,
                             const tdnn_dark_weights *u, const tdnn_dark_value *x,
                             tdnn_dark_value *h, tdnn_id *c)
{
    tdnn_id gates[LSTM_PARTS], kept, added, out;
    for (int i = 0; i < LSTM_PARTS; i++)
        TDNN_TRY(gate(net, &u[i], &w[i], x, h, i == LSTM_G ? "tanh" : "logistic", &gates[i]));
    TDNN_TRY(tdnn_dark_op2(net, "Mul", gates[LSTM_F], *c, &kept));
    TDNN_TRY(tdnn_dark_op2(net, "Mul", gates[LSTM_I], gates[LSTM_G], &added));
    TDNN_TRY(tdnn_dark_op2(net, "Add", kept, added, c));
    out = *c;
    TDNN_TRY(tdnn_dark_activate(net, "tanh", false, &out));
    return tdnn_dark_op2(net, "Mul", gates[LSTM_O], out, &h->id);
}

tdnn_status tdnn_dark_lstm(tdnn_dark_net *net)
{
    tdnn_dark_weights w[LSTM_PARTS], u[LSTM_PARTS];
    tdnn_dark_value in, h;
    tdnn_dark_steps steps;
    tdnn_id c;
    bool bn;
    TDNN_TRY(tdnn_dark_vector(net, &in));
    h = in;
    TDNN_TRY(tdnn_dark_int(net, "output", 1, 1, 1 << 24, &h.c));
    TDNN_TRY(tdnn_dark_flag(net, "batch_normalize", &bn));
    for (int i = 0; i < LSTM_PARTS; i++)
        TDNN_TRY(tdnn_dark_dense_take(net, h.c, h.c, bn, &w[i]));
    for (int i = 0; i < LSTM_PARTS; i++)
        TDNN_TRY(tdnn_dark_dense_take(net, in.c, h.c, bn, &u[i]));
    TDNN_TRY(tdnn_dark_steps_zero(net, &h, &h.id));
    c = h.id;
    TDNN_TRY(tdnn_dark_steps_split(net, &in, &steps));
    for (size_t t = 0; t < steps.count; t++) {
        TDNN_TRY(lstm_step(net, w, u, &steps.x[t], &h, &c));
        steps.out[t] = h.id;
    }
    return tdnn_dark_steps_join(net, &steps, &h, "lstm");
}
