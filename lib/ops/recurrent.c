/* RNN, GRU and LSTM over a sequence, forwards, backwards or both, with state in and out.
 *
 * Phases: weights that are no constants are packed; one matrix product gives what all inputs of
 * all steps contribute to the gates; then each direction goes through its steps. All in f32.
 */
#include "lib/ops/recurrent.h"
#include "lib/ops/convert.h"

#include <math.h>

enum { IN_X, IN_W, IN_R, IN_B, IN_LENGTHS, IN_H, IN_C, IN_P };
enum { ROWS = 32 }; /* of the input's product, in one task */
enum { FORWARD, REVERSE, BIDIRECTIONAL };

typedef struct layer {
    tdnn_op_kind kind;
    size_t steps, batch, input, hidden, gates, directions;
    bool batch_first, reverse;
    const tdnn_recurrent_params *params;
    tdnn_cell_act acts[6];
    size_t w_count, r_count[2]; /* floats of a direction's packed weights            */
    const float *w, *r;         /* packed for the net; NULL: in the shared scratch   */
    size_t at_w, at_r, at_bias, at_x, at_gates,
        at_wide; /* offsets in the shared scratch, in floats */
    size_t row_blocks, row_tasks;
    size_t a_rows, a_count, room; /* floats of worker scratch                          */
} layer;

static const tdnn_tensor *given(const tdnn_step *s, size_t i)
{
    return i < s->input_count ? s->in[i] : NULL;
}
static float *shared(const tdnn_step *s, size_t at) { return (float *)(void *)s->shared + at; }

/* ---- weights ---- */

/* A direction's matrix [rows, columns], transposed, as the right factor of a product. */
static void pack(const tdnn_kernels *k, float *to, const float *matrix, size_t rows,
                 size_t columns)
{
    k->gemm_pack_b_f32(to, matrix, 1, columns, columns, rows, k->gemm_columns, k);
}

/* All directions; `wide` has room for one direction's matrix, unless that is f32 already. */
static void pack_all(const layer *l, const tdnn_kernels *k, const tdnn_tensor *t,
                     bool recurrent, float *wide, float *to)
{
    const size_t columns = recurrent ? l->hidden : l->input, rows = l->gates * l->hidden;
    for (size_t d = 0; d < l->directions; d++) {
        const float *from = (const float *)t->data + d * rows * columns;
        if (t->dtype != TDNN_F32) {
            tdnn_get_f32(k, wide, t, d * rows * columns, rows * columns);
            from = wide;
        }
        if (!recurrent) {
            pack(k, to + d * l->w_count, from, rows, columns);
            continue;
        }
        float *parts = to + d * (l->r_count[0] + l->r_count[1]);
        const size_t first = tdnn_cell_part(l->kind, 0) * l->hidden;
        pack(k, parts, from, first, columns);
        if (l->r_count[1])
            pack(k, parts + l->r_count[0], from + first * columns, rows - first, columns);
    }
}

typedef struct pack_context {
    const layer *layer;
    const tdnn_kernels *kernels;
    bool recurrent;
} pack_context;

static tdnn_status pack_constant(void *context, const tdnn_tensor *const *source, void *out,
                                 tdnn_error *err)
{
    const pack_context *c = context;
    const layer *l = c->layer;
    float *wide = NULL;
    if (source[0]->dtype != TDNN_F32) {
        wide = tdnn_alloc(l->gates * l->hidden * (c->recurrent ? l->hidden : l->input),
                          sizeof *wide);
        if (!wide) return TDNN_NO_MEMORY(err);
    }
    pack_all(l, c->kernels, source[0], c->recurrent, wide, out);
    tdnn_free(wide);
    return TDNN_OK;
}

/* ---- phase 1: weights that may change, biases, the input as f32 ---- */

static void prepare(const tdnn_step *s, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const layer *l = s->data;
    const size_t n = l->gates * l->hidden, total = l->steps * l->batch * l->input;
    float *wide = shared(s, l->at_wide);
    if (!l->w) pack_all(l, s->kernels, s->in[IN_W], false, wide, shared(s, l->at_w));
    if (!l->r) pack_all(l, s->kernels, s->in[IN_R], true, wide, shared(s, l->at_r));
    if (s->in[IN_X]->dtype != TDNN_F32)
        tdnn_get_f32(s->kernels, shared(s, l->at_x), s->in[IN_X], 0, total);
    /* Of each direction: the bias of all gates, then that of a GRU's recurrent part. */
    for (size_t d = 0; d < l->directions; d++) {
        float *bias = shared(s, l->at_bias) + d * (n + l->hidden), *last = bias + n;
        memset(bias, 0, (n + l->hidden) * sizeof *bias);
        if (!given(s, IN_B)) continue;
        tdnn_get_f32(s->kernels, wide, s->in[IN_B], d * 2 * n, 2 * n);
        const bool apart = l->kind == TDNN_OP_GRU && l->params->linear_before_reset;
        const size_t common = apart ? n - l->hidden : n;
        for (size_t i = 0; i < n; i++) bias[i] = i < common ? wide[i] + wide[n + i] : wide[i];
        for (size_t i = common; i < n; i++) last[i - common] = wide[n + i];
    }
}

/* ---- phase 2: what the input contributes to the gates, step by step in the input's own order
 * ---- */

static void multiply_input(const tdnn_step *s, size_t task, size_t worker)
{
    const layer *l = s->data;
    const tdnn_kernels *k = s->kernels;
    const size_t n = l->gates * l->hidden, rows = l->steps * l->batch;
    const float *x = s->in[IN_X]->dtype == TDNN_F32 ? s->in[IN_X]->data : shared(s, l->at_x);
    const float *w = l->w ? l->w : shared(s, l->at_w);
    float *packed = (float *)(void *)(s->scratch + worker * s->scratch_stride);
    size_t unit, end;
    tdnn_task_range(l->directions * l->row_blocks, l->row_tasks, task, &unit, &end);
    for (; unit < end; unit++) {
        const size_t d = unit / l->row_blocks, first = unit % l->row_blocks * ROWS;
        const size_t m = rows - first < ROWS ? rows - first : ROWS;
        const tdnn_gemm gemm = {
            .m = m, .n = n, .k = l->input, .c_stride = n, .alpha = 1, .beta = 1, .d_column = 1};
        const tdnn_gemm_io io = {.a = packed,
                                 .b = w + d * l->w_count,
                                 .d = shared(s, l->at_bias) + d * (n + l->hidden),
                                 .c = shared(s, l->at_gates) + (d * rows + first) * n};
        const tdnn_gemm_part all = {0, m, 0, n};
        k->gemm_pack_a_f32(packed, x + first * l->input, l->input, 1, m, l->input,
                           tdnn_gemm_panel_rows(k, m), k);
        k->gemm_f32(&gemm, &io, &all, k);
    }
}

/* ---- phase 3: the steps of a direction ---- */

static size_t length_of(const tdnn_step *s, const layer *l, size_t b)
{
    const tdnn_tensor *lengths = given(s, IN_LENGTHS);
    if (!lengths) return l->steps;
    const int64_t n = tdnn_tensor_get_i64(lengths, b);
    return n < 0 ? 0 : (uint64_t)n > l->steps ? l->steps : (size_t)n;
}

/* Where a row of state, and of Y at step t, lies. */
static size_t state_row(const layer *l, size_t d, size_t b)
{
    return (l->batch_first ? b * l->directions + d : d * l->batch + b) * l->hidden;
}
static size_t y_row(const layer *l, size_t d, size_t b, size_t t)
{
    const size_t row = l->batch_first ? (b * l->steps + t) * l->directions + d
                                      : (t * l->directions + d) * l->batch + b;
    return row * l->hidden;
}

static tdnn_tensor *output(const tdnn_step *s, size_t i)
{
    return i < s->output_count ? s->out[i] : NULL;
}

static tdnn_cell make_cell(const tdnn_step *s, const layer *l, size_t d, float *room)
{
    const size_t state = l->batch * l->hidden, n = l->gates * l->hidden;
    const float *r = (l->r ? l->r : shared(s, l->at_r)) + d * (l->r_count[0] + l->r_count[1]);
    const bool apart = l->kind == TDNN_OP_GRU && l->params->linear_before_reset;
    tdnn_cell c = {.kernels = s->kernels,
                   .batch = l->batch,
                   .hidden = l->hidden,
                   .acts = l->acts + d * (l->kind == TDNN_OP_LSTM  ? 3
                                          : l->kind == TDNN_OP_GRU ? 2
                                                                   : 1),
                   .clip = l->params->has_clip ? l->params->clip : INFINITY,
                   .input_forget = l->params->input_forget != 0,
                   .linear_before_reset = apart,
                   .r = {r, r + l->r_count[0]}};
    if (apart) c.r_bias = shared(s, l->at_bias) + d * (n + l->hidden) + n;
    c.h = room, c.c = c.h + state, c.reset = c.c + state;
    c.gates = c.reset + state;
    c.product = c.gates + l->batch * n;
    c.packed = c.product + l->batch * n;
    float *peepholes = c.packed + l->a_count;
    c.active = (unsigned char *)(peepholes + 3 * l->hidden);
    if (l->kind == TDNN_OP_LSTM && given(s, IN_P)) {
        tdnn_get_f32(s->kernels, peepholes, s->in[IN_P], d * 3 * l->hidden, 3 * l->hidden);
        c.peepholes = peepholes;
    }
    memset(room, 0, 3 * state * sizeof *room);
    for (size_t b = 0; b < l->batch; b++) {
        if (given(s, IN_H))
            tdnn_get_f32(s->kernels, c.h + b * l->hidden, s->in[IN_H], state_row(l, d, b),
                         l->hidden);
        if (l->kind == TDNN_OP_LSTM && given(s, IN_C))
            tdnn_get_f32(s->kernels, c.c + b * l->hidden, s->in[IN_C], state_row(l, d, b),
                         l->hidden);
    }
    return c;
}

/* The row of the input that sequence b reads at step i; false: it has ended. */
static bool reads(const tdnn_step *s, const layer *l, size_t d, size_t b, size_t i, size_t *t)
{
    const size_t length = length_of(s, l, b);
    *t = i;
    if (i >= length) return false;
    if (l->reverse || d == 1) *t = length - 1 - i;
    return true;
}

static void step(const tdnn_step *s, const layer *l, size_t d, const tdnn_cell *c, size_t i)
{
    const size_t n = l->gates * l->hidden;
    unsigned char *active =
        (unsigned char *)(uintptr_t)c->active; /* in this worker's scratch */
    size_t t;
    for (size_t b = 0; b < l->batch; b++) {
        active[b] = reads(s, l, d, b, i, &t);
        const size_t row = l->batch_first ? b * l->steps + t : t * l->batch + b;
        memcpy(c->gates + b * n, shared(s, l->at_gates) + (d * l->steps * l->batch + row) * n,
               n * sizeof(float));
    }
    tdnn_cell_step(l->kind, c);
    if (!output(s, 0)) return;
    memset(c->product, 0, l->hidden * sizeof(float)); /* no longer needed: a row of zeros */
    for (size_t b = 0; b < l->batch; b++) {
        const bool goes_on = reads(s, l, d, b, i, &t);
        tdnn_put_f32(s->kernels, output(s, 0), y_row(l, d, b, t),
                     goes_on ? c->h + b * l->hidden : c->product, l->hidden);
    }
}

static void run_direction(const tdnn_step *s, size_t task, size_t worker)
{
    const layer *l = s->data;
    const tdnn_cell c =
        make_cell(s, l, task, (float *)(void *)(s->scratch + worker * s->scratch_stride));
    for (size_t i = 0; i < l->steps; i++) step(s, l, task, &c, i);
    for (size_t b = 0; b < l->batch; b++) {
        const size_t row = state_row(l, task, b);
        if (output(s, 1))
            tdnn_put_f32(s->kernels, output(s, 1), row, c.h + b * l->hidden, l->hidden);
        if (l->kind == TDNN_OP_LSTM && output(s, 2))
            tdnn_put_f32(s->kernels, output(s, 2), row, c.c + b * l->hidden, l->hidden);
    }
}

/* ---- shapes ---- */

static tdnn_status expect(const tdnn_info *in, const char *name, int ndim, int64_t a, int64_t b,
                          int64_t c, tdnn_error *err)
{
    const tdnn_shape shape = {.ndim = ndim, .dim = {a, b, c}};
    char have[TDNN_SHAPE_TEXT], want[TDNN_SHAPE_TEXT];
    if (!in || tdnn_shape_equal(&in->shape, &shape)) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%s has the shape %s, expected %s", name,
                     tdnn_shape_text(&in->shape, have), tdnn_shape_text(&shape, want));
}

static tdnn_status read_layer(tdnn_op_kind kind, const tdnn_recurrent_params *p,
                              const tdnn_shape *x, const tdnn_shape *r, layer *l,
                              tdnn_error *err)
{
    char text[TDNN_SHAPE_TEXT];
    *l = (layer){.kind = kind,
                 .params = p,
                 .batch_first = p->layout != 0,
                 .reverse = p->direction == REVERSE,
                 .gates = tdnn_cell_gates(kind),
                 .directions = p->direction == BIDIRECTIONAL ? 2 : 1};
    if (x->ndim != 3 || r->ndim != 3)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "input of shape %s, expected three dimensions",
                         tdnn_shape_text(x, text));
    l->steps = (size_t)x->dim[l->batch_first ? 1 : 0];
    l->batch = (size_t)x->dim[l->batch_first ? 0 : 1];
    l->input = (size_t)x->dim[2];
    l->hidden = (size_t)r->dim[2];
    if (p->hidden_size && (size_t)p->hidden_size != l->hidden)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "hidden_size is %lld, the recurrent weights have %zu",
                         (long long)p->hidden_size, l->hidden);
    return tdnn_cell_acts(p, l->directions,
                          kind == TDNN_OP_LSTM  ? 3
                          : kind == TDNN_OP_GRU ? 2
                                                : 1,
                          l->acts, err);
}

static tdnn_status infer_recurrent(tdnn_infer *ctx)
{
    const tdnn_recurrent_params *p = ctx->params;
    const tdnn_op_kind kind = ctx->node->op->kind;
    const tdnn_info *in[8] = {NULL};
    layer l;
    for (size_t i = 0; i < ctx->input_count && i < 8; i++) in[i] = ctx->in[i];
    const tdnn_dtype type = in[IN_X]->dtype;
    if (!tdnn_dtype_is_plain_float(type))
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "element type %s",
                         tdnn_dtype_name(type));
    TDNN_TRY(read_layer(kind, p, &in[IN_X]->shape, &in[IN_R]->shape, &l, ctx->err));
    const int64_t d = (int64_t)l.directions, h = (int64_t)l.hidden, g = (int64_t)l.gates * h;
    const int64_t b = (int64_t)l.batch;
    TDNN_TRY(expect(in[IN_W], "W", 3, d, g, (int64_t)l.input, ctx->err));
    TDNN_TRY(expect(in[IN_R], "R", 3, d, g, h, ctx->err));
    TDNN_TRY(expect(in[IN_B], "B", 2, d, 2 * g, 0, ctx->err));
    TDNN_TRY(expect(in[IN_LENGTHS], "sequence_lens", 1, b, 0, 0, ctx->err));
    TDNN_TRY(expect(in[IN_H], "initial_h", 3, l.batch_first ? b : d, l.batch_first ? d : b, h,
                    ctx->err));
    TDNN_TRY(expect(in[IN_C], "initial_c", 3, l.batch_first ? b : d, l.batch_first ? d : b, h,
                    ctx->err));
    TDNN_TRY(expect(in[IN_P], "P", 2, d, 3 * h, 0, ctx->err));
    for (size_t i = 0; i < 8; i++)
        if (in[i] && i != IN_LENGTHS && in[i]->dtype != type)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is %s, input 0 is %s", i,
                             tdnn_dtype_name(in[i]->dtype), tdnn_dtype_name(type));
    if (in[IN_LENGTHS] && in[IN_LENGTHS]->dtype != TDNN_I32)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "sequence_lens of type %s, expected i32",
                         tdnn_dtype_name(in[IN_LENGTHS]->dtype));
    const int64_t t = (int64_t)l.steps;
    const tdnn_shape y =
        l.batch_first ? (tdnn_shape){4, {b, t, d, h}} : (tdnn_shape){4, {t, d, b, h}};
    const tdnn_shape state =
        l.batch_first ? (tdnn_shape){3, {b, d, h}} : (tdnn_shape){3, {d, b, h}};
    tdnn_infer_set(ctx, 0, type, &y);
    tdnn_infer_set(ctx, 1, type, &state);
    tdnn_infer_set(ctx, 2, type, &state);
    return TDNN_OK;
}

/* ---- plan ---- */

static tdnn_status plan_weights(tdnn_plan_ctx *ctx, layer *l, bool recurrent, const float **out)
{
    const tdnn_tensor *from = ctx->constants[recurrent ? IN_R : IN_W];
    if (!from) return TDNN_OK;
    pack_context context = {l, ctx->kernels, recurrent};
    const tdnn_pack_key key = {.what = recurrent ? "recurrent r" : "recurrent w",
                               .source = {from},
                               .number = {(int64_t)ctx->kernels->level, (int64_t)l->kind}};
    const size_t each = recurrent ? l->r_count[0] + l->r_count[1] : l->w_count;
    const void *packed;
    TDNN_TRY(tdnn_plan_pack(ctx, &key, l->directions * each * sizeof(float), pack_constant,
                            &context, sizeof context, &packed));
    *out = packed;
    return TDNN_OK;
}

/* Offsets in the shared scratch, one part behind the other. */
static void plan_shared(tdnn_plan_ctx *ctx, layer *l)
{
    const size_t n = l->gates * l->hidden, rows = l->steps * l->batch;
    const size_t widest = n * (l->input > l->hidden ? l->input : l->hidden);
    size_t at = 0;
    const bool wide = ctx->step->in[IN_X]->dtype != TDNN_F32;
    struct {
        size_t *offset, count;
    } parts[] = {
        {&l->at_w, l->w ? 0 : l->directions * l->w_count},
        {&l->at_r, l->r ? 0 : l->directions * (l->r_count[0] + l->r_count[1])},
        {&l->at_bias, l->directions * (n + l->hidden)},
        {&l->at_x, wide ? rows * l->input : 0},
        {&l->at_gates, l->directions * rows * n},
        {&l->at_wide, wide && widest > 2 * n ? widest : 2 * n},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *parts[i].offset = at;
        at += tdnn_round_up(parts[i].count, TDNN_ALIGN / sizeof(float));
    }
    tdnn_plan_shared(ctx, at * sizeof(float));
}

static tdnn_status plan_recurrent(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    const tdnn_kernels *k = ctx->kernels;
    layer *l = tdnn_plan_alloc(ctx, 1, sizeof *l);
    if (!l) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(read_layer(s->node->op->kind, s->params, &s->in[IN_X]->shape, &s->in[IN_R]->shape,
                        l, ctx->err));
    const size_t n = l->gates * l->hidden, rows = l->steps * l->batch,
                 state = l->batch * l->hidden;
    if (state == 0) return TDNN_OK;
    l->w_count = tdnn_gemm_b_count(k, n, l->input);
    for (size_t i = 0; i < 2; i++)
        l->r_count[i] = tdnn_gemm_b_count(k, tdnn_cell_part(l->kind, i) * l->hidden, l->hidden);
    TDNN_TRY(plan_weights(ctx, l, false, &l->w));
    TDNN_TRY(plan_weights(ctx, l, true, &l->r));
    plan_shared(ctx, l);
    tdnn_plan_phase(ctx, prepare, 1);
    l->row_blocks = (rows + ROWS - 1) / ROWS;
    const double flops =
        2 * (double)l->directions * (double)rows * (double)n * (double)l->input;
    if (rows) {
        l->row_tasks = tdnn_plan_split(ctx, flops, l->directions * l->row_blocks);
        tdnn_plan_phase(ctx, multiply_input, l->row_tasks);
    }
    l->a_count = tdnn_gemm_a_count(k, l->batch, l->hidden);
    const size_t room = 3 * state + 2 * l->batch * n + l->a_count + 3 * l->hidden;
    const size_t product = tdnn_gemm_a_count(k, ROWS, l->input) * sizeof(float);
    const size_t steps = room * sizeof(float) + l->batch;
    tdnn_plan_scratch(ctx, product > steps ? product : steps);
    tdnn_plan_phase(ctx, run_direction, l->directions);
    s->flops = (uint64_t)(flops + 2 * (double)l->directions * (double)rows * (double)n *
                                      (double)l->hidden);
    return TDNN_OK;
}

/* ---- descriptors ---- */

static const char *const directions[] = {"forward", "reverse", "bidirectional", NULL};

#define COMMON                                                                                 \
    TDNN_STRINGS(tdnn_recurrent_params, activations),                                          \
        TDNN_FLOATS(tdnn_recurrent_params, activation_alpha),                                  \
        TDNN_FLOATS(tdnn_recurrent_params, activation_beta),                                   \
        {.name = "clip",                                                                       \
         .type = TDNN_ATTR_FLOAT,                                                              \
         .offset = offsetof(tdnn_recurrent_params, clip),                                      \
         .given = offsetof(tdnn_recurrent_params, has_clip)},                                  \
        TDNN_ENUM(tdnn_recurrent_params, direction, directions, FORWARD),                      \
        TDNN_INT(tdnn_recurrent_params, hidden_size, 0),                                       \
        TDNN_INT(tdnn_recurrent_params, layout, 0)

static const tdnn_attr rnn_attrs[] = {COMMON, {0}};
static const tdnn_attr gru_attrs[] = {
    COMMON, TDNN_INT(tdnn_recurrent_params, linear_before_reset, 0), {0}};
static const tdnn_attr lstm_attrs[] = {
    COMMON, TDNN_INT(tdnn_recurrent_params, input_forget, 0), {0}};

const tdnn_op tdnn_op_RNN = {
    .schema = {TDNN_SCHEMA(RNN, 3, 6, 0, 2, rnn_attrs, tdnn_recurrent_params)},
    .infer = infer_recurrent,
    .plan = plan_recurrent,
};
const tdnn_op tdnn_op_GRU = {
    .schema = {TDNN_SCHEMA(GRU, 3, 6, 0, 2, gru_attrs, tdnn_recurrent_params)},
    .infer = infer_recurrent,
    .plan = plan_recurrent,
};
const tdnn_op tdnn_op_LSTM = {
    .schema = {TDNN_SCHEMA(LSTM, 3, 8, 0, 3, lstm_attrs, tdnn_recurrent_params)},
    .infer = infer_recurrent,
    .plan = plan_recurrent,
};
