/* Attention as networks write it out, in one step: two products with a softmax between them,
 * for some rows of a head at a time, so that the scores stay in the cache (as in
 * FlashAttention, Dao et al. 2022, but for the sums: a row of scores is short enough to be
 * there as a whole). Queries, keys, values and results are read and written through strides: no
 * transposition, no slice of a joint projection is a step of its own.
 */
#include "lib/ops/op.h"

#include <string.h>

/* Bytes of scores at a time: with its packed copy, and the keys and values, in the second-level
 * cache. */
enum { SCORE_BYTES = 64 * 1024 };

typedef struct attention_data {
    size_t block, blocks, tasks;   /* queries at a time; such blocks of a head */
    size_t keys, values;           /* floats of a head, packed                 */
    size_t queries, score, packed; /* floats of a block                        */
} attention_data;

typedef struct worker_memory {
    float *keys, *values, *queries, *score, *packed;
} worker_memory;

static worker_memory memory_of(const tdnn_step *s, size_t worker)
{
    const attention_data *d = s->data;
    worker_memory m;
    m.keys = (float *)(void *)(s->scratch + worker * s->scratch_stride);
    m.values = m.keys + d->keys;
    m.queries = m.values + d->values;
    m.score = m.queries + d->queries;
    m.packed = m.score + d->score;
    return m;
}

static const float *floats(const tdnn_step *s, size_t in, const tdnn_strided *m, size_t i)
{
    return (const float *)s->in[in]->data + m->at[i];
}

static void pack_head(const tdnn_step *s, size_t i, const worker_memory *m)
{
    const tdnn_scaled_attention_params *p = s->params;
    const tdnn_kernels *k = s->kernels;
    k->gemm_pack_b_f32(m->keys, floats(s, 1, &p->k, i), p->k.column, p->k.row, p->depth, p->keys,
                       k->gemm_columns, k);
    k->gemm_pack_b_f32(m->values, floats(s, 2, &p->v, i), p->v.row, p->v.column, p->keys,
                       p->width, k->gemm_columns, k);
}

static void product(const tdnn_kernels *k, const float *a, const float *b, float *c, size_t rows,
                    size_t columns, size_t depth, size_t stride, float alpha)
{
    const tdnn_gemm gemm = {
        .m = rows, .n = columns, .k = depth, .c_stride = stride, .alpha = alpha};
    const tdnn_gemm_io io = {.a = a, .b = b, .c = c};
    const tdnn_gemm_part all = {0, rows, 0, columns};
    k->gemm_f32(&gemm, &io, &all, k);
}

/* A mask that is not simply added with the softmax. */
static void apply_mask(const tdnn_step *s, size_t index, size_t i, size_t first, size_t rows,
                       float *score)
{
    const tdnn_scaled_attention_params *p = s->params;
    const tdnn_attention_mask *mask = &p->mask[index];
    const tdnn_strided *w = &mask->where;
    for (size_t r = 0; r < rows; r++, score += p->keys) {
        const size_t at = w->at[i] + (first + r) * w->row;
        if (mask->kind == TDNN_MASK_ADD) {
            const float *x = (const float *)s->in[3 + index]->data + at;
            if (w->column <= 1)
                s->kernels->add_f32(score, score, 1, x, w->column, p->keys);
            else
                for (size_t n = 0; n < p->keys; n++) score[n] += x[n * w->column];
            continue;
        }
        const uint8_t *x = (const uint8_t *)s->in[3 + index]->data + at;
        const bool stays = mask->kind == TDNN_MASK_KEEP;
        for (size_t n = 0; n < p->keys; n++)
            if ((x[n * w->column] != 0) != stays) score[n] = mask->value;
    }
}

static void softmax(const tdnn_step *s, size_t i, size_t first, size_t rows, float *score)
{
    const tdnn_scaled_attention_params *p = s->params;
    const size_t last = p->mask_count - 1;
    tdnn_softmax_rows shape = {rows, p->keys, p->keys, p->keys, 0};
    const float *added = NULL;
    for (size_t k = 0; k < p->mask_count; k++) {
        const tdnn_strided *w = &p->mask[k].where;
        if (k == last && p->mask[k].kind == TDNN_MASK_ADD && w->column == 1) {
            added = floats(s, 3 + k, w, i) + first * w->row;
            shape.mask_stride = w->row;
        } else {
            apply_mask(s, k, i, first, rows, score);
        }
    }
    s->kernels->softmax_f32(score, score, added, &shape);
}

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    const attention_data *d = s->data;
    const tdnn_scaled_attention_params *p = s->params;
    const tdnn_kernels *k = s->kernels;
    const worker_memory m = memory_of(s, worker);
    size_t unit, end, packed = SIZE_MAX;
    tdnn_task_range(p->batch * d->blocks, d->tasks, task, &unit, &end);
    for (; unit < end; unit++) {
        const size_t i = unit / d->blocks, first = unit % d->blocks * d->block;
        const size_t rows = p->queries - first < d->block ? p->queries - first : d->block;
        const size_t panel = tdnn_gemm_panel_rows(k, rows);
        float *y = (float *)s->out[0]->data + p->y.at[i] + first * p->y.row;
        if (i != packed) pack_head(s, i, &m);
        packed = i;
        k->gemm_pack_a_f32(m.queries, floats(s, 0, &p->q, i) + first * p->q.row, p->q.row,
                           p->q.column, rows, p->depth, panel, k);
        product(k, m.queries, m.keys, m.score, rows, p->keys, p->depth, p->keys, p->scale);
        softmax(s, i, first, rows, m.score);
        k->gemm_pack_a_f32(m.packed, m.score, p->keys, 1, rows, p->keys, panel, k);
        product(k, m.packed, m.values, y, rows, p->width, p->keys, p->y.row, p->factor);
    }
}

/* A part of the scratch that begins on a line of the cache. */
static size_t rounded(size_t count) { return tdnn_round_up(count, TDNN_ALIGN / sizeof(float)); }

static tdnn_status plan_attention(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    const tdnn_scaled_attention_params *p = s->params;
    const tdnn_kernels *k = ctx->kernels;
    attention_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    const size_t fit = SCORE_BYTES / sizeof(float) / p->keys / k->gemm_rows * k->gemm_rows;
    const size_t most = fit ? fit : k->gemm_rows;
    d->blocks = (p->queries + most - 1) / most;
    const size_t each = (p->queries + d->blocks - 1) / d->blocks;
    d->block = (each + k->gemm_rows - 1) / k->gemm_rows * k->gemm_rows;
    d->blocks = (p->queries + d->block - 1) / d->block;
    d->keys = rounded(tdnn_gemm_b_count(k, p->keys, p->depth));
    d->values = rounded(tdnn_gemm_b_count(k, p->width, p->keys));
    d->queries = rounded(tdnn_gemm_a_count(k, d->block, p->depth));
    d->score = rounded(d->block * p->keys);
    d->packed = rounded(tdnn_gemm_a_count(k, d->block, p->keys));
    tdnn_plan_scratch(ctx, (d->keys + d->values + d->queries + d->score + d->packed) *
                               sizeof(float));
    const double flops = (double)p->batch * (double)p->queries * (double)p->keys *
                         (2 * (double)(p->depth + p->width) + 16);
    s->flops = (uint64_t)flops;
    s->kernel = "attention";
    d->tasks = tdnn_plan_split(ctx, flops, p->batch * d->blocks);
    tdnn_plan_phase(ctx, run, d->tasks);
    return TDNN_OK;
}

/* The planner, which makes it, has inferred all there is. */
static tdnn_status infer_attention(tdnn_infer *ctx) { return tdnn_infer_same(ctx); }

const tdnn_op tdnn_op_ScaledAttention = {
    .schema = {TDNN_SCHEMA(ScaledAttention, 3, 3 + TDNN_ATTENTION_MASKS, 1, 1, NULL,
                           tdnn_scaled_attention_params),
               .domain = "tinydnn"},
    .infer = infer_attention,
    .plan = plan_attention,
};
