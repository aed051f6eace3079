/* LinearAttention: a matrix for each head instead of a growing list of keys, and
 * CausalConvWithState, the short convolution that goes with it. In f32, whatever the type.
 */
#include "lib/ops/convert.h"
#include "lib/ops/op.h"

#include <math.h>

/* ---- LinearAttention ---- */

enum { Q, K, V, PAST, DECAY, BETA };
enum { GATED_DELTA, LINEAR, GATED, DELTA };

typedef struct linear_params {
    int64_t q_num_heads, kv_num_heads, update_rule;
    float scale;
} linear_params;

typedef struct linear_data {
    size_t batch, steps, q_heads, kv_heads, key, value; /* key, value: sizes of a head */
    size_t decays, betas;                               /* per step: of all heads */
    float scale;
} linear_data;

static const tdnn_tensor *given(const tdnn_step *s, size_t i)
{
    return i < s->input_count ? s->in[i] : NULL;
}

/* One step of a head: state = decay * state + k (v'), with v' what the rule makes of v. */
static void update(const tdnn_step *s, const linear_data *d, size_t row, size_t head,
                   float *state, float *k, float *v, float *decay)
{
    const linear_params *p = s->params;
    tdnn_get_f32(s->kernels, k, s->in[K], (row * d->kv_heads + head) * d->key, d->key);
    tdnn_get_f32(s->kernels, v, s->in[V], (row * d->kv_heads + head) * d->value, d->value);
    if (p->update_rule == GATED || p->update_rule == GATED_DELTA) {
        const size_t each = d->decays / d->kv_heads;
        tdnn_get_f32(s->kernels, decay, s->in[DECAY], row * d->decays + head * each, each);
        s->kernels->exp_f32(decay, decay, each);
        for (size_t i = 0; i < d->key; i++)
            s->kernels->affine_f32(state + i * d->value, state + i * d->value, d->value,
                                   decay[each == 1 ? 0 : i], 0);
    }
    if (p->update_rule == DELTA || p->update_rule == GATED_DELTA) {
        float beta;
        tdnn_get_f32(s->kernels, &beta, s->in[BETA],
                     row * d->betas + (d->betas == 1 ? 0 : head), 1);
        for (size_t j = 0; j < d->value; j++) {
            float retrieved = 0;
            for (size_t i = 0; i < d->key; i++) retrieved += state[i * d->value + j] * k[i];
            v[j] = beta * (v[j] - retrieved);
        }
    }
    for (size_t i = 0; i < d->key; i++)
        for (size_t j = 0; j < d->value; j++) state[i * d->value + j] += k[i] * v[j];
}

/* What one query reads from the state. */
static void read_out(const tdnn_step *s, const linear_data *d, size_t row, size_t head,
                     const float *state, float *q, float *y)
{
    tdnn_get_f32(s->kernels, q, s->in[Q], (row * d->q_heads + head) * d->key, d->key);
    memset(y, 0, d->value * sizeof *y);
    for (size_t i = 0; i < d->key; i++)
        for (size_t j = 0; j < d->value; j++) y[j] += q[i] * state[i * d->value + j];
    s->kernels->affine_f32(y, y, d->value, d->scale, 0);
    tdnn_put_f32(s->kernels, s->out[0], (row * d->q_heads + head) * d->value, y, d->value);
}

static void run_linear(const tdnn_step *s, size_t task, size_t worker)
{
    const linear_data *d = s->data;
    const size_t image = task / d->kv_heads, head = task % d->kv_heads, n = d->key * d->value;
    const size_t shared = d->q_heads / d->kv_heads;
    float *state = (float *)(void *)(s->scratch + worker * s->scratch_stride);
    float *k = state + n, *q = k + d->key, *decay = q + d->key, *v = decay + d->key,
          *y = v + d->value;
    if (given(s, PAST))
        tdnn_get_f32(s->kernels, state, s->in[PAST], task * n, n);
    else
        memset(state, 0, n * sizeof *state);
    for (size_t t = 0; t < d->steps; t++) {
        const size_t row = image * d->steps + t;
        update(s, d, row, head, state, k, v, decay);
        for (size_t i = 0; i < shared; i++) read_out(s, d, row, head * shared + i, state, q, y);
    }
    if (s->output_count > 1 && s->out[1])
        tdnn_put_f32(s->kernels, s->out[1], task * n, state, n);
}

static tdnn_status read_linear(const linear_params *p, const tdnn_shape *q, const tdnn_shape *k,
                               const tdnn_shape *v, linear_data *d, tdnn_error *err)
{
    const int64_t hq = p->q_num_heads, hk = p->kv_num_heads;
    if (q->ndim != 3 || k->ndim != 3 || v->ndim != 3 || hq < 1 || hk < 1 || hq % hk ||
        q->dim[2] % hq || k->dim[2] % hk || v->dim[2] % hk ||
        q->dim[2] / hq != k->dim[2] / hk || q->dim[0] != k->dim[0] || q->dim[0] != v->dim[0] ||
        q->dim[1] != k->dim[1] || q->dim[1] != v->dim[1])
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "query, key and value do not fit %lld and %lld heads", (long long)hq,
                         (long long)hk);
    *d = (linear_data){.batch = (size_t)q->dim[0],
                       .steps = (size_t)q->dim[1],
                       .q_heads = (size_t)hq,
                       .kv_heads = (size_t)hk,
                       .key = (size_t)(q->dim[2] / hq),
                       .value = (size_t)(v->dim[2] / hk)};
    d->scale = p->scale != 0 ? p->scale : (float)(1 / sqrt((double)d->key));
    return TDNN_OK;
}

/* An input of the gates: for each step, one number for all heads, for each, or `most` for each.
 */
static tdnn_status expect_gate(const tdnn_infer *ctx, size_t at, const char *name,
                               const linear_data *d, size_t most)
{
    if (!tdnn_infer_has(ctx, at))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "%s is missing", name);
    const tdnn_shape *x = &ctx->in[at]->shape;
    const bool rows =
        x->ndim == 3 && x->dim[0] == (int64_t)d->batch && x->dim[1] == (int64_t)d->steps;
    const int64_t last = x->ndim == 3 ? x->dim[2] : 0, heads = (int64_t)d->kv_heads;
    if (!rows || (last != heads && last != heads * (int64_t)most && (most > 1 || last != 1)))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "%s does not fit %zu steps and %zu heads",
                         name, d->steps, d->kv_heads);
    return TDNN_OK;
}

static tdnn_status infer_linear(tdnn_infer *ctx)
{
    const linear_params *p = ctx->params;
    linear_data d;
    for (size_t i = 0; i < ctx->input_count; i++)
        if (ctx->in[i] && !tdnn_dtype_is_plain_float(ctx->in[i]->dtype))
            return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "element type %s",
                             tdnn_dtype_name(ctx->in[i]->dtype));
    TDNN_TRY(read_linear(p, &ctx->in[Q]->shape, &ctx->in[K]->shape, &ctx->in[V]->shape, &d,
                         ctx->err));
    if (p->update_rule == GATED || p->update_rule == GATED_DELTA)
        TDNN_TRY(expect_gate(ctx, DECAY, "decay", &d, d.key));
    if (p->update_rule == DELTA || p->update_rule == GATED_DELTA)
        TDNN_TRY(expect_gate(ctx, BETA, "beta", &d, 1));
    const tdnn_shape state = {
        4, {(int64_t)d.batch, (int64_t)d.kv_heads, (int64_t)d.key, (int64_t)d.value}};
    const tdnn_shape y = {3,
                          {(int64_t)d.batch, (int64_t)d.steps, (int64_t)(d.q_heads * d.value)}};
    if (tdnn_infer_has(ctx, PAST) && !tdnn_shape_equal(&ctx->in[PAST]->shape, &state))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "past_state does not fit the heads");
    tdnn_infer_set(ctx, 0, ctx->in[Q]->dtype, &y);
    tdnn_infer_set(ctx, 1, tdnn_infer_has(ctx, PAST) ? ctx->in[PAST]->dtype : ctx->in[Q]->dtype,
                   &state);
    return TDNN_OK;
}

static tdnn_status plan_linear(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    linear_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(read_linear(s->params, &s->in[Q]->shape, &s->in[K]->shape, &s->in[V]->shape, d,
                         ctx->err));
    if (given(s, DECAY)) d->decays = (size_t)s->in[DECAY]->shape.dim[2];
    if (given(s, BETA)) d->betas = (size_t)s->in[BETA]->shape.dim[2];
    if (d->batch * d->kv_heads == 0) return TDNN_OK;
    tdnn_plan_scratch(ctx, (d->key * d->value + 3 * d->key + 2 * d->value) * sizeof(float));
    tdnn_plan_phase(ctx, run_linear, d->batch * d->kv_heads);
    return TDNN_OK;
}

static const char *const rules[] = {"gated_delta", "linear", "gated", "delta", NULL};
static const tdnn_attr linear_attrs[] = {
    {.name = "q_num_heads",
     .type = TDNN_ATTR_INT,
     .required = true,
     .offset = offsetof(linear_params, q_num_heads)},
    {.name = "kv_num_heads",
     .type = TDNN_ATTR_INT,
     .required = true,
     .offset = offsetof(linear_params, kv_num_heads)},
    TDNN_ENUM(linear_params, update_rule, rules, GATED_DELTA),
    TDNN_FLOAT(linear_params, scale, 0.0f),
    TDNN_IGNORED("chunk_size"), /* a hint */
    {0}};
const tdnn_op tdnn_op_LinearAttention = {
    .schema = {TDNN_SCHEMA(LinearAttention, 3, 6, 1, 2, linear_attrs, linear_params)},
    .infer = infer_linear,
    .plan = plan_linear,
};

/* ---- CausalConvWithState: input, weight, bias?, past_state? ---- */

typedef struct causal_params {
    int64_t activation;
} causal_params;

static void run_causal(const tdnn_step *s, size_t task, size_t worker)
{
    const causal_params *p = s->params;
    const tdnn_shape *x = &s->in[0]->shape;
    const size_t n = (size_t)x->dim[2], k = (size_t)s->in[1]->shape.dim[2],
                 channel = task % (size_t)x->dim[1];
    float *line = (float *)(void *)(s->scratch + worker * s->scratch_stride),
          *w = line + k - 1 + n;
    float *y = w + k, bias = 0;
    memset(line, 0, (k - 1) * sizeof *line);
    if (given(s, 3)) tdnn_get_f32(s->kernels, line, s->in[3], task * (k - 1), k - 1);
    tdnn_get_f32(s->kernels, line + k - 1, s->in[0], task * n, n);
    tdnn_get_f32(s->kernels, w, s->in[1], channel * k, k);
    if (given(s, 2)) tdnn_get_f32(s->kernels, &bias, s->in[2], channel, 1);
    for (size_t i = 0; i < n; i++) {
        y[i] = bias;
        for (size_t j = 0; j < k; j++) y[i] += line[i + j] * w[j];
    }
    if (p->activation) {
        const tdnn_act act = {TDNN_ACTIVATE_SILU, 1, 0};
        s->kernels->activate_f32(y, y, n, &act);
    }
    tdnn_put_f32(s->kernels, s->out[0], task * n, y, n);
    if (s->output_count > 1 && s->out[1])
        tdnn_put_f32(s->kernels, s->out[1], task * (k - 1), line + n, k - 1);
}

static tdnn_status infer_causal(tdnn_infer *ctx)
{
    const tdnn_shape *x = &ctx->in[0]->shape, *w = &ctx->in[1]->shape;
    char a[TDNN_SHAPE_TEXT], b[TDNN_SHAPE_TEXT];
    for (size_t i = 0; i < ctx->input_count; i++)
        if (ctx->in[i] && !tdnn_dtype_is_plain_float(ctx->in[i]->dtype))
            return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "element type %s",
                             tdnn_dtype_name(ctx->in[i]->dtype));
    if (x->ndim != 3 || w->ndim != 3 || w->dim[0] != x->dim[1] || w->dim[1] != 1 ||
        w->dim[2] < 1)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "weight of shape %s for an input of shape %s", tdnn_shape_text(w, a),
                         tdnn_shape_text(x, b));
    const tdnn_shape state = {3, {x->dim[0], x->dim[1], w->dim[2] - 1}};
    if (tdnn_infer_has(ctx, 2) && tdnn_shape_count(&ctx->in[2]->shape) != x->dim[1])
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "bias of shape %s",
                         tdnn_shape_text(&ctx->in[2]->shape, a));
    if (tdnn_infer_has(ctx, 3) && !tdnn_shape_equal(&ctx->in[3]->shape, &state))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "past_state of shape %s, expected %s",
                         tdnn_shape_text(&ctx->in[3]->shape, a), tdnn_shape_text(&state, b));
    tdnn_infer_set(ctx, 1, ctx->in[0]->dtype, &state);
    return tdnn_infer_same(ctx);
}

static tdnn_status plan_causal(tdnn_plan_ctx *ctx)
{
    const tdnn_shape *x = &ctx->step->in[0]->shape;
    const size_t rows = (size_t)(x->dim[0] * x->dim[1]),
                 k = (size_t)ctx->step->in[1]->shape.dim[2];
    tdnn_plan_scratch(ctx, (2 * (size_t)x->dim[2] + 2 * k) * sizeof(float));
    if (rows) tdnn_plan_phase(ctx, run_causal, rows);
    return TDNN_OK;
}

static const char *const causal_activations[] = {"none", "silu", "swish", NULL};
static const tdnn_attr causal_attrs[] = {
    TDNN_ENUM(causal_params, activation, causal_activations, 0), {0}};
const tdnn_op tdnn_op_CausalConvWithState = {
    .schema = {TDNN_SCHEMA(CausalConvWithState, 2, 4, 1, 2, causal_attrs, causal_params)},
    .infer = infer_causal,
    .plan = plan_causal,
};
