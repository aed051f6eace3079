/* Attention: softmax(scale Q K' + masks) V, head by head, with grouped queries, past keys and
 * values, and what lies between on demand. In f32, whatever the type.
 *
 * Phase 1 brings keys and values of each head together with their past and packs them as right
 * factors; phase 2 takes some queries of a head at a time: two matrix products with a softmax
 * between them.
 */
#include "lib/ops/convert.h"
#include "lib/ops/op.h"

#include <math.h>

enum { IN_Q, IN_K, IN_V, IN_MASK, IN_PAST_KEY, IN_PAST_VALUE, IN_LENGTHS };
enum { OUT_Y, OUT_KEY, OUT_VALUE, OUT_QK };
enum { RAW, CAPPED, MASKED, SOFTMAX }; /* what OUT_QK shows */
enum { ROWS = 32 };                    /* queries at a time */

typedef struct attention_params {
    int64_t is_causal, q_num_heads, kv_num_heads, qk_matmul_output_mode, softmax_precision;
    float scale, softcap;
    bool has_scale;
} attention_params;

typedef struct attention_data {
    bool packed_heads; /* inputs of three dimensions: heads side by side in the last one */
    size_t batch, q_heads, kv_heads, queries, keys, past,
        total;         /* total: keys with the past ones */
    size_t key, value; /* sizes of a head */
    float scale;
    size_t k_count, v_count; /* floats of a packed head */
    size_t row_blocks, tasks;
    size_t mask_stride[4],
        mask_keys; /* of the mask: batch, head, query, key; keys that it has */
} attention_data;

static const tdnn_tensor *given(const tdnn_step *s, size_t i)
{
    return i < s->input_count ? s->in[i] : NULL;
}
static tdnn_tensor *wanted(const tdnn_step *s, size_t i)
{
    return i < s->output_count ? s->out[i] : NULL;
}

/* First element of row `i` of a head, in an input or output with `rows` rows of `size`. */
static size_t row_at(const attention_data *d, size_t batch, size_t head, size_t i, size_t heads,
                     size_t rows, size_t size)
{
    return d->packed_heads ? ((batch * rows + i) * heads + head) * size
                           : ((batch * heads + head) * rows + i) * size;
}

/* ---- phase 1 ---- */

/* The head's past and new rows, one behind the other; they are an output too. */
static void gather(const tdnn_step *s, const attention_data *d, size_t task,
                   const tdnn_tensor *past, const tdnn_tensor *now, tdnn_tensor *out,
                   size_t size, float *to)
{
    const size_t batch = task / d->kv_heads, head = task % d->kv_heads;
    if (past) tdnn_get_f32(s->kernels, to, past, task * d->past * size, d->past * size);
    for (size_t i = 0; i < d->keys; i++)
        tdnn_get_f32(s->kernels, to + (d->past + i) * size, now,
                     row_at(d, batch, head, i, d->kv_heads, d->keys, size), size);
    if (out) tdnn_put_f32(s->kernels, out, task * d->total * size, to, d->total * size);
}

static void run_pack(const tdnn_step *s, size_t task, size_t worker)
{
    const attention_data *d = s->data;
    const tdnn_kernels *k = s->kernels;
    float *rows = (float *)(void *)(s->scratch + worker * s->scratch_stride);
    float *packed = (float *)(void *)s->shared + task * (d->k_count + d->v_count);
    gather(s, d, task, given(s, IN_PAST_KEY), s->in[IN_K], wanted(s, OUT_KEY), d->key, rows);
    k->gemm_pack_b_f32(packed, rows, 1, d->key, d->key, d->total, k->gemm_columns, k);
    gather(s, d, task, given(s, IN_PAST_VALUE), s->in[IN_V], wanted(s, OUT_VALUE), d->value,
           rows);
    k->gemm_pack_b_f32(packed + d->k_count, rows, d->value, 1, d->total, d->value,
                       k->gemm_columns, k);
}

/* ---- phase 2 ---- */

static void multiply(const tdnn_kernels *k, const float *a, const float *b, float *c, size_t m,
                     size_t n, size_t inner, float alpha, float *packed)
{
    const tdnn_gemm gemm = {.m = m, .n = n, .k = inner, .c_stride = n, .alpha = alpha};
    const tdnn_gemm_io io = {.a = packed, .b = b, .c = c};
    const tdnn_gemm_part all = {0, m, 0, n};
    k->gemm_pack_a_f32(packed, a, inner, 1, m, inner, tdnn_gemm_panel_rows(k, m), k);
    k->gemm_f32(&gemm, &io, &all, k);
}

/* How many keys a query may look at, going by its place and the sequence's length. */
static size_t visible(const tdnn_step *s, const attention_data *d, size_t batch, size_t query)
{
    const attention_params *p = s->params;
    int64_t end = (int64_t)d->total, offset = (int64_t)d->past;
    if (given(s, IN_LENGTHS)) {
        const int64_t length = tdnn_tensor_get_i64(s->in[IN_LENGTHS], batch);
        if (length < end) end = length;
        offset = length - (int64_t)d->queries;
    }
    if (p->is_causal && (int64_t)query + offset + 1 < end) end = (int64_t)query + offset + 1;
    return end < 0 ? 0 : (size_t)end;
}

/* Adds the masks to a query's scores; false if none may be looked at. */
static bool mask_row(const tdnn_step *s, const attention_data *d, size_t batch, size_t head,
                     size_t query, float *score)
{
    const tdnn_tensor *mask = given(s, IN_MASK);
    const size_t *stride = d->mask_stride;
    const size_t first = batch * stride[0] + head * stride[1] + query * stride[2];
    const size_t end = visible(s, d, batch, query);
    bool any = false;
    for (size_t i = 0; i < d->total; i++) {
        float bias = i < end && i < d->mask_keys ? 0 : -INFINITY;
        if (mask && i < d->mask_keys && mask->dtype == TDNN_BOOL) {
            if (!((const uint8_t *)mask->data)[first + i * stride[3]]) bias = -INFINITY;
        } else if (mask && i < d->mask_keys) {
            float more;
            tdnn_get_f32(s->kernels, &more, mask, first + i * stride[3], 1);
            bias += more;
        }
        any = any || !(bias == -INFINITY);
        score[i] += bias;
    }
    return any;
}

static void softcap(const tdnn_kernels *k, float cap, float *score, size_t n)
{
    const tdnn_act tangent = {.kind = TDNN_ACTIVATE_TANH};
    k->affine_f32(score, score, n, 1 / cap, 0);
    k->activate_f32(score, score, n, &tangent);
    k->affine_f32(score, score, n, cap, 0);
}

/* A row of scores to probabilities; of a query that may look at nothing, zeros. */
static void score_row(const tdnn_step *s, const attention_data *d, size_t batch, size_t head,
                      size_t query, float *score)
{
    const attention_params *p = s->params;
    tdnn_tensor *show = wanted(s, OUT_QK);
    const int64_t mode = p->qk_matmul_output_mode;
    const size_t n = d->total, at = ((batch * d->q_heads + head) * d->queries + query) * n;
    if (show && mode == RAW) tdnn_put_f32(s->kernels, show, at, score, n);
    if (p->softcap > 0) softcap(s->kernels, p->softcap, score, n);
    if (show && mode == CAPPED) tdnn_put_f32(s->kernels, show, at, score, n);
    const bool any = mask_row(s, d, batch, head, query, score);
    if (show && mode == MASKED) tdnn_put_f32(s->kernels, show, at, score, n);
    if (any) {
        const float sum =
            s->kernels->exp_sum_f32(score, score, n, s->kernels->row_max_f32(score, n));
        s->kernels->affine_f32(score, score, n, 1 / sum, 0);
    } else {
        memset(score, 0, n * sizeof *score);
    }
    if (show && mode == SOFTMAX) tdnn_put_f32(s->kernels, show, at, score, n);
}

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    const attention_data *d = s->data;
    const tdnn_kernels *k = s->kernels;
    const size_t widest = d->key > d->value ? d->key : d->value;
    float *rows = (float *)(void *)(s->scratch + worker * s->scratch_stride);
    float *score = rows + ROWS * widest, *packed = score + ROWS * d->total;
    size_t unit, end;
    tdnn_task_range(d->batch * d->q_heads * d->row_blocks, d->tasks, task, &unit, &end);
    for (; unit < end; unit++) {
        const size_t first = unit % d->row_blocks * ROWS,
                     head = unit / d->row_blocks % d->q_heads;
        const size_t batch = unit / d->row_blocks / d->q_heads;
        const size_t m = d->queries - first < ROWS ? d->queries - first : ROWS;
        const size_t kv = batch * d->kv_heads + head / (d->q_heads / d->kv_heads);
        const float *keys =
            (const float *)(const void *)s->shared + kv * (d->k_count + d->v_count);
        for (size_t i = 0; i < m; i++)
            tdnn_get_f32(k, rows + i * d->key, s->in[IN_Q],
                         row_at(d, batch, head, first + i, d->q_heads, d->queries, d->key),
                         d->key);
        if (d->total) multiply(k, rows, keys, score, m, d->total, d->key, d->scale, packed);
        for (size_t i = 0; i < m; i++)
            score_row(s, d, batch, head, first + i, score + i * d->total);
        if (d->total)
            multiply(k, score, keys + d->k_count, rows, m, d->value, d->total, 1, packed);
        else
            memset(rows, 0, m * d->value * sizeof *rows);
        for (size_t i = 0; i < m; i++)
            tdnn_put_f32(k, s->out[OUT_Y],
                         row_at(d, batch, head, first + i, d->q_heads, d->queries, d->value),
                         rows + i * d->value, d->value);
    }
}

/* ---- shapes ---- */

/* Heads, rows and the size of a head, of an input of three or four dimensions. */
static tdnn_status read_heads(const tdnn_shape *x, int64_t heads_, size_t *heads, size_t *rows,
                              size_t *size, tdnn_error *err)
{
    char text[TDNN_SHAPE_TEXT];
    if (x->ndim == 4) {
        *heads = (size_t)x->dim[1], *rows = (size_t)x->dim[2], *size = (size_t)x->dim[3];
        return TDNN_OK;
    }
    if (x->ndim != 3 || heads_ < 1 || x->dim[2] % heads_)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "input of shape %s for %lld heads",
                         tdnn_shape_text(x, text), (long long)heads_);
    *heads = (size_t)heads_, *rows = (size_t)x->dim[1], *size = (size_t)(x->dim[2] / heads_);
    return TDNN_OK;
}

static tdnn_status read_mask(const tdnn_shape *mask, attention_data *d, tdnn_error *err)
{
    const size_t extent[4] = {d->batch, d->q_heads, d->queries, d->total};
    char text[TDNN_SHAPE_TEXT];
    size_t stride = 1;
    d->mask_keys = d->total;
    if (!mask) return TDNN_OK;
    bool fits = mask->ndim <= 4;
    for (int i = 1; fits && i <= mask->ndim; i++) {
        const size_t own = (size_t)mask->dim[mask->ndim - i];
        if (own > 1 || (i == 1 && d->total > 1)) d->mask_stride[4 - i] = stride;
        stride *= own;
        if (i == 1) d->mask_keys = own; /* fewer: the rest is masked */
        fits = own == extent[4 - i] || (i == 1 ? own < d->total : own == 1);
    }
    if (fits) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_SHAPE, "attn_mask of shape %s for %zu queries and %zu keys",
                     tdnn_shape_text(mask, text), d->queries, d->total);
}

static tdnn_status read_shapes(const attention_params *p, const tdnn_shape *const *in,
                               attention_data *d, tdnn_error *err)
{
    size_t kv_heads, keys, key;
    *d = (attention_data){.batch = (size_t)in[IN_Q]->dim[0],
                          .packed_heads = in[IN_Q]->ndim == 3};
    TDNN_TRY(read_heads(in[IN_Q], p->q_num_heads, &d->q_heads, &d->queries, &d->key, err));
    TDNN_TRY(read_heads(in[IN_K], p->kv_num_heads, &d->kv_heads, &d->keys, &key, err));
    TDNN_TRY(read_heads(in[IN_V], p->kv_num_heads, &kv_heads, &keys, &d->value, err));
    if (in[IN_K]->ndim != in[IN_Q]->ndim || in[IN_V]->ndim != in[IN_Q]->ndim || key != d->key ||
        kv_heads != d->kv_heads || keys != d->keys || in[IN_K]->dim[0] != in[IN_Q]->dim[0] ||
        in[IN_V]->dim[0] != in[IN_Q]->dim[0] || !kv_heads || d->q_heads % kv_heads)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "Q, K and V do not fit: %zu heads of %zu, %zu of %zu", d->q_heads,
                         d->key, d->kv_heads, key);
    for (int i = IN_PAST_KEY; i <= IN_PAST_VALUE; i++) {
        const size_t size = i == IN_PAST_KEY ? d->key : d->value;
        if (!in[i]) continue;
        if (in[i]->ndim != 4 || in[i]->dim[0] != (int64_t)d->batch ||
            in[i]->dim[1] != (int64_t)kv_heads || in[i]->dim[3] != (int64_t)size ||
            (i == IN_PAST_VALUE && in[i]->dim[2] != (int64_t)d->past))
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "past keys or values do not fit the heads");
        d->past = (size_t)in[i]->dim[2];
    }
    if (!in[IN_PAST_KEY] != !in[IN_PAST_VALUE])
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "past keys without values, or the other way round");
    d->total = d->past + d->keys;
    d->scale = p->has_scale ? p->scale : (float)(1 / sqrt((double)d->key));
    if (in[IN_LENGTHS] && tdnn_shape_count(in[IN_LENGTHS]) != (int64_t)d->batch)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "nonpad_kv_seqlen does not have one number for each of the batch");
    return read_mask(in[IN_MASK], d, err);
}

static tdnn_status infer_attention(tdnn_infer *ctx)
{
    const tdnn_shape *in[7] = {NULL};
    attention_data d;
    for (size_t i = 0; i < ctx->input_count; i++) {
        if (!ctx->in[i]) continue;
        const tdnn_dtype type = ctx->in[i]->dtype;
        const bool fits = i == IN_LENGTHS ? type == TDNN_I64 || type == TDNN_I32
                                          : tdnn_dtype_is_plain_float(type) ||
                                                (i == IN_MASK && type == TDNN_BOOL);
        if (!fits)
            return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "input %zu of type %s", i,
                             tdnn_dtype_name(type));
        in[i] = &ctx->in[i]->shape;
    }
    TDNN_TRY(read_shapes(ctx->params, in, &d, ctx->err));
    const int64_t b = (int64_t)d.batch, h = (int64_t)d.q_heads, q = (int64_t)d.queries,
                  v = (int64_t)d.value;
    const int64_t kv = (int64_t)d.kv_heads, t = (int64_t)d.total;
    const tdnn_shape y =
        d.packed_heads ? (tdnn_shape){3, {b, q, h * v}} : (tdnn_shape){4, {b, h, q, v}};
    const tdnn_shape keys = {4, {b, kv, t, (int64_t)d.key}}, values = {4, {b, kv, t, v}},
                     qk = {4, {b, h, q, t}};
    tdnn_infer_set(ctx, OUT_Y, ctx->in[IN_Q]->dtype, &y);
    tdnn_infer_set(ctx, OUT_KEY, ctx->in[IN_K]->dtype, &keys);
    tdnn_infer_set(ctx, OUT_VALUE, ctx->in[IN_V]->dtype, &values);
    tdnn_infer_set(ctx, OUT_QK, ctx->in[IN_Q]->dtype, &qk);
    return TDNN_OK;
}

static tdnn_status plan_attention(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    const tdnn_kernels *k = ctx->kernels;
    const tdnn_shape *in[7] = {NULL};
    attention_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    for (size_t i = 0; i < s->input_count; i++) in[i] = s->in[i] ? &s->in[i]->shape : NULL;
    TDNN_TRY(read_shapes(s->params, in, d, ctx->err));
    const size_t heads = d->batch * d->kv_heads, widest = d->key > d->value ? d->key : d->value;
    if (heads == 0) return TDNN_OK;
    d->k_count =
        tdnn_round_up(tdnn_gemm_b_count(k, d->total, d->key), TDNN_ALIGN / sizeof(float));
    d->v_count =
        tdnn_round_up(tdnn_gemm_b_count(k, d->value, d->total), TDNN_ALIGN / sizeof(float));
    tdnn_plan_shared(ctx, heads * (d->k_count + d->v_count) * sizeof(float));
    const size_t a = tdnn_gemm_a_count(k, ROWS, widest > d->total ? widest : d->total);
    const size_t scores = ROWS * (widest + d->total) + a, rows = d->total * widest;
    tdnn_plan_scratch(ctx, (scores > rows ? scores : rows) * sizeof(float));
    tdnn_plan_phase(ctx, run_pack, heads);
    d->row_blocks = (d->queries + ROWS - 1) / ROWS;
    if (d->row_blocks == 0) return TDNN_OK;
    const double flops = 2 * (double)(d->batch * d->q_heads * d->queries) * (double)d->total *
                         (double)(d->key + d->value + 8);
    s->flops = (uint64_t)flops;
    d->tasks = tdnn_plan_split(ctx, flops, d->batch * d->q_heads * d->row_blocks);
    tdnn_plan_phase(ctx, run, d->tasks);
    return TDNN_OK;
}

static const tdnn_attr attrs[] = {TDNN_INT(attention_params, is_causal, 0),
                                  TDNN_INT(attention_params, q_num_heads, 0),
                                  TDNN_INT(attention_params, kv_num_heads, 0),
                                  TDNN_INT(attention_params, qk_matmul_output_mode, 0),
                                  TDNN_INT(attention_params, softmax_precision, 0),
                                  {.name = "scale",
                                   .type = TDNN_ATTR_FLOAT,
                                   .offset = offsetof(attention_params, scale),
                                   .given = offsetof(attention_params, has_scale)},
                                  TDNN_FLOAT(attention_params, softcap, 0.0f),
                                  {0}};
const tdnn_op tdnn_op_Attention = {
    .schema = {TDNN_SCHEMA(Attention, 3, 7, 1, 4, attrs, attention_params)},
    .infer = infer_attention,
    .plan = plan_attention,
};
