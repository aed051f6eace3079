/* MatMulInteger and QLinearMatMul: both factors become 16-bit numbers without their zero
 * points, whose products are summed exactly.
 */
#include "lib/ops/integer.h"

#include <string.h>

enum { ROWS = 32 }; /* of A at a time */

typedef struct matmul_data {
    size_t m, n, k, pairs, wide;  /* wide: columns of packed B */
    size_t batches, *a_at, *b_at; /* matrices of the output; which of A and B make each */
    size_t b_matrices;
    size_t row_blocks, tasks, pack_tasks;
    const int16_t *packed; /* NULL: packed at run time, into the shared scratch */
    bool quantized;        /* QLinearMatMul */
} matmul_data;

/* Where the inputs of either operator stand. */
enum { A, B };
static const tdnn_tensor *input(const tdnn_step *s, bool quantized, size_t which, size_t part)
{
    /* MatMulInteger: a, b, a_zero, b_zero. QLinearMatMul: a, a_scale, a_zero, b, b_scale,
     * b_zero ... */
    const size_t at = quantized ? which * 3 + part : part == 0 ? which : 2 + which;
    return at < s->input_count ? s->in[at] : NULL;
}

/* ---- packing B: pairs of rows, columns side by side ---- */

static void pack_matrix(int16_t *to, const tdnn_tensor *b, const tdnn_tensor *zero,
                        size_t matrix, size_t k, size_t n, size_t wide)
{
    const size_t pairs = (k + 1) / 2;
    memset(to, 0, pairs * wide * 2 * sizeof *to);
    for (size_t r = 0; r < k; r++) {
        const uint8_t *row = (const uint8_t *)b->data + (matrix * k + r) * n;
        int16_t *line = to + r / 2 * wide * 2 + r % 2;
        for (size_t j = 0; j < n; j++) {
            const int v = b->dtype == TDNN_U8 ? row[j] : (int8_t)row[j];
            line[2 * j] = (int16_t)(v - tdnn_zero_at(zero, j));
        }
    }
}

typedef struct pack_context {
    const tdnn_tensor *b, *zero;
    size_t k, n, wide, matrices;
} pack_context;

static tdnn_status pack_all(void *context, const tdnn_tensor *const *source, void *out,
                            tdnn_error *err)
{
    (void)source, (void)err;
    const pack_context *c = context;
    const size_t each = (c->k + 1) / 2 * c->wide * 2;
    for (size_t i = 0; i < c->matrices; i++)
        pack_matrix((int16_t *)out + i * each, c->b, c->zero, i, c->k, c->n, c->wide);
    return TDNN_OK;
}

static void run_pack(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const matmul_data *d = s->data;
    size_t i, end;
    tdnn_task_range(d->b_matrices, d->pack_tasks, task, &i, &end);
    for (; i < end; i++)
        pack_matrix((int16_t *)(void *)s->shared + i * d->pairs * d->wide * 2,
                    input(s, d->quantized, B, 0),
                    input(s, d->quantized, B, d->quantized ? 2 : 1), i, d->k, d->n, d->wide);
}

/* ---- products ---- */

static void finish_row(const tdnn_step *s, const matmul_data *d, size_t row, size_t line,
                       const int32_t *sum)
{
    if (!d->quantized) {
        memcpy((int32_t *)s->out[0]->data + row * d->n, sum, d->n * sizeof *sum);
        return;
    }
    const tdnn_tensor *a_scale = s->in[1], *b_scale = s->in[4], *y_scale = s->in[6];
    uint8_t *y = (uint8_t *)s->out[0]->data + row * d->n;
    const bool by_column = tdnn_shape_count(&b_scale->shape) > 1;
    const float left = tdnn_scale_at(a_scale, line) / tdnn_scale_at(y_scale, 0);
    const int zero = tdnn_zero_at(s->in[7], 0);
    const size_t step = by_column ? 1 : d->n;
    for (size_t j = 0; j < d->n; j += step)
        tdnn_requantize_row(y + j, s->out[0]->dtype, sum + j, step, 0,
                            left * tdnn_scale_at(b_scale, j), zero);
}

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    const matmul_data *d = s->data;
    const tdnn_tensor *a = input(s, d->quantized, A, 0);
    const tdnn_tensor *zero = input(s, d->quantized, A, d->quantized ? 2 : 1);
    const int16_t *packed = d->packed ? d->packed : (const int16_t *)(const void *)s->shared;
    int16_t *rows = (int16_t *)(void *)(s->scratch + worker * s->scratch_stride);
    int32_t *sums =
        (int32_t *)(void *)((unsigned char *)rows +
                            tdnn_round_up(ROWS * d->pairs * 2 * sizeof *rows, TDNN_ALIGN));
    size_t unit, end;
    tdnn_task_range(d->batches * d->row_blocks, d->tasks, task, &unit, &end);
    for (; unit < end; unit++) {
        const size_t batch = unit / d->row_blocks, first = unit % d->row_blocks * ROWS;
        const size_t count = d->m - first < ROWS ? d->m - first : ROWS;
        for (size_t i = 0; i < count; i++) {
            const size_t at = (d->a_at[batch] * d->m + first + i) * d->k;
            rows[i * d->pairs * 2 + d->pairs * 2 - 1] = 0; /* behind an odd number of columns */
            tdnn_widen_i16(rows + i * d->pairs * 2, 1, (const uint8_t *)a->data + at, a->dtype,
                           1, tdnn_zero_at(zero, first + i), d->k);
        }
        s->kernels->gemm_i16(sums, d->wide, rows, d->pairs * 2,
                             packed + d->b_at[batch] * d->pairs * d->wide * 2, d->wide, count,
                             d->wide, d->pairs);
        for (size_t i = 0; i < count; i++)
            finish_row(s, d, batch * d->m + first + i, first + i, sums + i * d->wide);
    }
}

/* ---- shapes ---- */

typedef struct matmul_shape {
    tdnn_shape a, b;  /* with at least two dimensions */
    tdnn_shape batch; /* of the output */
    tdnn_shape out;
} matmul_shape;

static tdnn_status match(const tdnn_shape *a_, const tdnn_shape *b_, matmul_shape *m,
                         tdnn_error *err)
{
    tdnn_shape a = *a_, b = *b_;
    char ta[TDNN_SHAPE_TEXT], tb[TDNN_SHAPE_TEXT];
    const bool row = a.ndim == 1, column = b.ndim == 1;
    if (a.ndim < 1 || b.ndim < 1) return TDNN_FAIL(err, TDNN_ERR_SHAPE, "a factor is a scalar");
    if (row) a = (tdnn_shape){.ndim = 2, .dim = {1, a.dim[0]}};
    if (column) b = (tdnn_shape){.ndim = 2, .dim = {b.dim[0], 1}};
    if (a.dim[a.ndim - 1] != b.dim[b.ndim - 2])
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "factors of shapes %s and %s do not fit",
                         tdnn_shape_text(a_, ta), tdnn_shape_text(b_, tb));
    m->a = a, m->b = b;
    a.ndim -= 2, b.ndim -= 2;
    TDNN_TRY(tdnn_broadcast_shapes(&a, &b, &m->batch, err));
    m->out = m->batch;
    if (!row) m->out.dim[m->out.ndim++] = m->a.dim[m->a.ndim - 2];
    if (!column) m->out.dim[m->out.ndim++] = m->b.dim[m->b.ndim - 1];
    return TDNN_OK;
}

/* Which matrix of an input with these leading dimensions makes matrix `index` of the output. */
static size_t source(const tdnn_shape *batch, const tdnn_shape *own, size_t index)
{
    size_t at = 0, stride = 1;
    for (int i = 1; i <= own->ndim - 2; i++) {
        const size_t extent = (size_t)batch->dim[batch->ndim - i];
        const size_t mine = (size_t)own->dim[own->ndim - 2 - i];
        if (mine > 1) at += index % extent * stride;
        stride *= mine;
        index /= extent;
    }
    return at;
}

static tdnn_status infer_any(tdnn_infer *ctx, size_t a, size_t b, size_t a_zero, size_t b_zero,
                             tdnn_dtype out)
{
    matmul_shape m;
    TDNN_TRY(tdnn_expect_bytes(ctx->in[a], "the first factor", ctx->err));
    TDNN_TRY(tdnn_expect_bytes(ctx->in[b], "the second factor", ctx->err));
    TDNN_TRY(match(&ctx->in[a]->shape, &ctx->in[b]->shape, &m, ctx->err));
    const int64_t rows = m.a.dim[m.a.ndim - 2], columns = m.b.dim[m.b.ndim - 1];
    const tdnn_info *za = tdnn_infer_has(ctx, a_zero) ? ctx->in[a_zero] : NULL;
    const tdnn_info *zb = tdnn_infer_has(ctx, b_zero) ? ctx->in[b_zero] : NULL;
    TDNN_TRY(tdnn_expect_one_or(za, rows, "the first zero point", ctx->err));
    TDNN_TRY(tdnn_expect_one_or(zb, columns, "the second zero point", ctx->err));
    tdnn_infer_set(ctx, 0, out, &m.out);
    return TDNN_OK;
}

static tdnn_status infer_integer(tdnn_infer *ctx)
{
    return infer_any(ctx, 0, 1, 2, 3, TDNN_I32);
}

static tdnn_status infer_linear(tdnn_infer *ctx)
{
    TDNN_TRY(tdnn_expect_bytes(ctx->in[7], "the output's zero point", ctx->err));
    TDNN_TRY(infer_any(ctx, 0, 3, 2, 5, ctx->in[7]->dtype));
    const tdnn_shape *a = &ctx->in[0]->shape, *b = &ctx->in[3]->shape;
    const int64_t rows = a->ndim > 1 ? a->dim[a->ndim - 2] : 1;
    const int64_t columns = b->ndim > 1 ? b->dim[b->ndim - 1] : 1;
    TDNN_TRY(tdnn_expect_one_or(ctx->in[1], rows, "the first scale", ctx->err));
    TDNN_TRY(tdnn_expect_one_or(ctx->in[4], columns, "the second scale", ctx->err));
    TDNN_TRY(tdnn_expect_one_or(ctx->in[6], 1, "the output's scale", ctx->err));
    return tdnn_expect_one_or(ctx->in[7], 1, "the output's zero point", ctx->err);
}

/* ---- plan ---- */

static tdnn_status plan_b(tdnn_plan_ctx *ctx, matmul_data *d, size_t bytes)
{
    tdnn_step *s = ctx->step;
    const size_t b_at = d->quantized ? 3 : 1, zero_at = d->quantized ? 5 : 3;
    const tdnn_tensor *b = ctx->constants[b_at];
    const tdnn_tensor *zero = zero_at < s->input_count ? ctx->constants[zero_at] : NULL;
    const bool has_zero = zero_at < s->input_count && s->in[zero_at];
    if (b && (!has_zero || zero)) {
        pack_context context = {b, zero, d->k, d->n, d->wide, d->b_matrices};
        const tdnn_pack_key key = {
            .what = "matmul i16", .source = {b, zero}, .number = {(int64_t)d->wide}};
        const void *packed;
        TDNN_TRY(tdnn_plan_pack(ctx, &key, bytes, pack_all, &context, sizeof context, &packed));
        d->packed = packed;
        return TDNN_OK;
    }
    tdnn_plan_shared(ctx, bytes);
    d->pack_tasks = tdnn_plan_split(ctx, (double)bytes, d->b_matrices);
    tdnn_plan_phase(ctx, run_pack, d->pack_tasks);
    return TDNN_OK;
}

static tdnn_status plan_matmul(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    matmul_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    matmul_shape m;
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    d->quantized = s->node->op->kind == TDNN_OP_QLinearMatMul;
    TDNN_TRY(match(&s->in[0]->shape, &s->in[d->quantized ? 3 : 1]->shape, &m, ctx->err));
    d->m = (size_t)m.a.dim[m.a.ndim - 2], d->k = (size_t)m.a.dim[m.a.ndim - 1];
    d->n = (size_t)m.b.dim[m.b.ndim - 1];
    d->pairs = (d->k + 1) / 2;
    d->wide = tdnn_round_up(d->n, TDNN_I16_COLUMNS);
    d->batches = (size_t)tdnn_shape_count(&m.batch);
    if (d->batches * d->m * d->n == 0) return TDNN_OK;
    d->b_matrices = 1;
    for (int i = 0; i < m.b.ndim - 2; i++) d->b_matrices *= (size_t)m.b.dim[i];
    d->a_at = tdnn_plan_alloc(ctx, d->batches, sizeof *d->a_at);
    d->b_at = tdnn_plan_alloc(ctx, d->batches, sizeof *d->b_at);
    if (!d->a_at || !d->b_at) return TDNN_NO_MEMORY(ctx->err);
    for (size_t i = 0; i < d->batches; i++) {
        d->a_at[i] = source(&m.batch, &m.a, i);
        d->b_at[i] = source(&m.batch, &m.b, i);
    }
    size_t bytes, rows, sums;
    if (!tdnn_size_mul(d->pairs * d->wide, 4 * d->b_matrices, &bytes) ||
        !tdnn_size_mul(d->pairs, 4 * ROWS, &rows) || !tdnn_size_mul(d->wide, 4 * ROWS, &sums))
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "the factors are too large");
    TDNN_TRY(plan_b(ctx, d, bytes));
    tdnn_plan_scratch(ctx, tdnn_round_up(rows, TDNN_ALIGN) + sums);
    const double flops = 2 * (double)d->batches * (double)d->m * (double)d->n * (double)d->k;
    d->row_blocks = (d->m + ROWS - 1) / ROWS;
    s->flops = (uint64_t)flops;
    s->kernel = "matmul i16";
    d->tasks = tdnn_plan_split(ctx, flops, d->batches * d->row_blocks);
    tdnn_plan_phase(ctx, run, d->tasks);
    return TDNN_OK;
}

const tdnn_op tdnn_op_MatMulInteger = {
    .schema = {TDNN_SCHEMA_PLAIN(MatMulInteger, 2, 4, 1, 1)},
    .infer = infer_integer,
    .plan = plan_matmul,
};
const tdnn_op tdnn_op_QLinearMatMul = {
    .schema = {TDNN_SCHEMA_PLAIN(QLinearMatMul, 8, 8, 1, 1)},
    .infer = infer_linear,
    .plan = plan_matmul,
};
