/* One step of a recurrent layer for a whole batch: the recurrent product, then row by row the
 * equations of ONNX. */
#include "lib/ops/recurrent.h"

#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

size_t tdnn_cell_gates(tdnn_op_kind kind)
{
    return kind == TDNN_OP_LSTM ? 4 : kind == TDNN_OP_GRU ? 3 : 1;
}

size_t tdnn_cell_part(tdnn_op_kind kind, size_t part)
{
    if (kind == TDNN_OP_GRU) return part == 0 ? 2 : 1;
    return part == 0 ? tdnn_cell_gates(kind) : 0;
}

/* product = state R^T, `n` columns. */
static void multiply(const tdnn_cell *s, const float *state, size_t part, size_t n)
{
    const tdnn_kernels *k = s->kernels;
    const tdnn_gemm gemm = {.m = s->batch, .n = n, .k = s->hidden, .c_stride = n, .alpha = 1};
    const tdnn_gemm_io io = {.a = s->packed, .b = s->r[part], .c = s->product};
    const tdnn_gemm_part all = {0, s->batch, 0, n};
    k->gemm_pack_a_f32(s->packed, state, s->hidden, 1, s->batch, s->hidden,
                       tdnn_gemm_panel_rows(k, s->batch), k);
    k->gemm_f32(&gemm, &io, &all, k);
}

static void activate(const tdnn_cell *s, size_t which, float *x, size_t n)
{
    if (s->clip < INFINITY) {
        const tdnn_act clip = {TDNN_ACTIVATE_CLIP, -s->clip, s->clip};
        s->kernels->activate_f32(x, x, n, &clip);
    }
    tdnn_cell_act_run(&s->acts[which], s->kernels, x, n);
}

static void add(const tdnn_cell *s, float *y, const float *x, size_t n)
{
    s->kernels->add_f32(y, y, 1, x, 1, n);
}

/* gate += peephole * state */
static void peep(const tdnn_cell *s, size_t which, float *gate, const float *state)
{
    if (!s->peepholes) return;
    const float *p = s->peepholes + which * s->hidden;
    for (size_t i = 0; i < s->hidden; i++) gate[i] += p[i] * state[i];
}

/* ---- LSTM: gates i, o, f, c ---- */

static void lstm_row(const tdnn_cell *s, size_t row)
{
    const size_t n = s->hidden;
    float *i = s->gates + row * 4 * n, *o = i + n, *f = i + 2 * n, *g = i + 3 * n;
    float *h = s->h + row * n, *c = s->c + row * n;
    add(s, i, s->product + row * 4 * n, 4 * n);
    peep(s, 0, i, c);
    peep(s, 2, f, c);
    activate(s, 0, i, n);
    activate(s, 0, f, n);
    activate(s, 1, g, n);
    if (s->input_forget)
        for (size_t k = 0; k < n; k++) f[k] = 1 - i[k];
    for (size_t k = 0; k < n; k++) c[k] = f[k] * c[k] + i[k] * g[k];
    peep(s, 1, o, c);
    activate(s, 0, o, n);
    memcpy(h, c, n * sizeof *h);
    tdnn_cell_act_run(&s->acts[2], s->kernels, h, n);
    s->kernels->mul_f32(h, h, 1, o, 1, n);
}

static void lstm(const tdnn_cell *s)
{
    multiply(s, s->h, 0, 4 * s->hidden);
    for (size_t row = 0; row < s->batch; row++)
        if (s->active[row]) lstm_row(s, row);
}

/* ---- GRU: gates z, r, h ---- */

/* z and r; and what the hidden gate's recurrent product is made from. */
static void gru_first(const tdnn_cell *s, size_t row)
{
    const size_t n = s->hidden;
    float *z = s->gates + row * 3 * n, *r = z + n;
    add(s, z, s->product + row * 2 * n, 2 * n);
    activate(s, 0, z, 2 * n);
    if (!s->linear_before_reset)
        s->kernels->mul_f32(s->reset + row * n, r, 1, s->h + row * n, 1, n);
}

static void gru_second(const tdnn_cell *s, size_t row)
{
    const size_t n = s->hidden;
    float *z = s->gates + row * 3 * n, *r = z + n, *g = z + 2 * n, *h = s->h + row * n;
    float *product = s->product + row * n;
    if (s->r_bias) add(s, product, s->r_bias, n);
    if (s->linear_before_reset) s->kernels->mul_f32(product, product, 1, r, 1, n);
    add(s, g, product, n);
    activate(s, 1, g, n);
    for (size_t k = 0; k < n; k++) h[k] = (1 - z[k]) * g[k] + z[k] * h[k];
}

static void gru(const tdnn_cell *s)
{
    multiply(s, s->h, 0, 2 * s->hidden);
    for (size_t row = 0; row < s->batch; row++) gru_first(s, row);
    multiply(s, s->linear_before_reset ? s->h : s->reset, 1, s->hidden);
    for (size_t row = 0; row < s->batch; row++)
        if (s->active[row]) gru_second(s, row);
}

/* ---- RNN ---- */

static void rnn(const tdnn_cell *s)
{
    const size_t n = s->hidden;
    multiply(s, s->h, 0, n);
    for (size_t row = 0; row < s->batch; row++) {
        if (!s->active[row]) continue;
        float *g = s->gates + row * n;
        add(s, g, s->product + row * n, n);
        activate(s, 0, g, n);
        memcpy(s->h + row * n, g, n * sizeof *g);
    }
}

void tdnn_cell_step(tdnn_op_kind kind, const tdnn_cell *cell)
{
    if (kind == TDNN_OP_LSTM)
        lstm(cell);
    else if (kind == TDNN_OP_GRU)
        gru(cell);
    else
        rnn(cell);
}
