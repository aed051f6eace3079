/* Products of f32 matrices by the kernels: constants are packed once for the net, the rest in a
 * phase before the product; then C is cut into tasks at the borders of panels. Rows of A that one
 * task alone needs are packed by that task, into its own scratch. */
#include "lib/ops/product.h"

typedef struct side {
    const float *packed;  /* of a constant; NULL: packed in each run             */
    size_t shared;        /* else: offset in the step's shared scratch, in floats */
    size_t count;         /* floats of one packed matrix                          */
    bool in_place;        /* a single row needs no packing                        */
} side;

typedef struct product_plan {
    tdnn_product p;
    tdnn_gemm gemm;
    side a, b;
    size_t row_step, row_tasks, column_step, column_tasks;
    size_t b_pieces; /* that the packing of one B is cut into */
    bool own_rows;   /* a task packs the rows it needs        */
    bool bf16;       /* a changing A by a constant B, in bf16 */
} product_plan;

/* Bytes of A that one task runs over for each panel of B. Of longer rows, which come in pieces,
 * no more than MOST_DEPTH columns count: to read B, which comes from far away, once is worth
 * more. */
enum { A_BYTES = 1024 * 1024, MOST_DEPTH = 768 };
/* A B that stays in the second-level cache leaves room for this much of A beside it. */
enum { NEAR_B_BYTES = 768 * 1024, NEAR_A_BYTES = 128 * 1024 };

/* `rows` rows from `a` on, as a matrix of their own. */
static void pack_rows(const product_plan *plan, const tdnn_kernels *k, const float *a,
                      float *to, size_t rows)
{
    const tdnn_product *p = &plan->p;
    if (plan->bf16)
        k->gemm_pack_a_bf16(to, a, p->a_row, p->a_column, rows, p->k, TDNN_GEMM_BF16_ROWS, k);
    else
        k->gemm_pack_a_f32(to, a, p->a_row, p->a_column, rows, p->k,
                           tdnn_gemm_panel_rows(k, rows), k);
}

static void pack_a(const product_plan *plan, const tdnn_kernels *k, const float *a, float *to)
{
    pack_rows(plan, k, a, to, plan->p.m);
}

/* Columns begin .. end-1, which is whole panels. */
static void pack_b(const tdnn_product *p, const tdnn_kernels *k, const float *b, float *to,
                   size_t begin, size_t end)
{
    k->gemm_pack_b_f32(to + begin * p->k, b + begin * p->b_column, p->b_row, p->b_column, p->k,
                       end - begin, k->gemm_columns, k);
}

typedef struct pack_context {
    const product_plan *plan;
    const tdnn_kernels *kernels;
} pack_context;

static tdnn_status pack_constant_a(void *context, const tdnn_tensor *const *source, void *out,
                                   tdnn_error *err)
{
    (void)err;
    const pack_context *c = context;
    const tdnn_product *p = &c->plan->p;
    for (size_t i = 0; i < p->a_matrices; i++)
        pack_a(c->plan, c->kernels, (const float *)source[0]->data + i * p->m * p->k,
               (float *)out + i * c->plan->a.count);
    return TDNN_OK;
}

static tdnn_status pack_constant_b(void *context, const tdnn_tensor *const *source, void *out,
                                   tdnn_error *err)
{
    (void)err;
    const pack_context *c = context;
    const tdnn_product *p = &c->plan->p;
    for (size_t i = 0; i < p->b_matrices; i++) {
        const float *from = (const float *)source[0]->data + i * p->k * p->n;
        float *to = (float *)out + i * c->plan->b.count;
        if (c->plan->bf16)
            c->kernels->gemm_pack_b_bf16(to, from, p->b_row, p->b_column, p->k, p->n,
                                         TDNN_GEMM_BF16_COLUMNS, c->kernels);
        else
            pack_b(p, c->kernels, from, to, 0, p->n);
    }
    return TDNN_OK;
}

static const float *input(const tdnn_step *step, size_t i) { return step->in[i]->data; }
static float *shared(const tdnn_step *step) { return (float *)(void *)step->shared; }

static void run_pack_a(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const product_plan *plan = step->data;
    const tdnn_product *p = &plan->p;
    pack_a(plan, step->kernels, input(step, 0) + task * p->m * p->k,
           shared(step) + plan->a.shared + task * plan->a.count);
}

static void run_pack_b(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const product_plan *plan = step->data;
    const tdnn_product *p = &plan->p;
    const size_t matrix = task / plan->b_pieces, wide = step->kernels->gemm_columns;
    size_t begin, end;
    tdnn_task_range((p->n + wide - 1) / wide, plan->b_pieces, task % plan->b_pieces, &begin,
                    &end);
    pack_b(p, step->kernels, input(step, 1) + matrix * p->k * p->n,
           shared(step) + plan->b.shared + matrix * plan->b.count, begin * wide,
           end * wide < p->n ? end * wide : p->n);
}

static const float *matrix(const tdnn_step *step, const side *s, size_t i, size_t index)
{
    if (s->in_place) return input(step, i) + index * s->count;
    return (s->packed ? s->packed : shared(step) + s->shared) + index * s->count;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* The part's rows become a product of their own. */
static void run_own_rows(const tdnn_step *step, const tdnn_gemm_io *whole,
                         const tdnn_gemm_part *part, const float *a, size_t worker)
{
    const product_plan *plan = step->data;
    const tdnn_kernels *k = step->kernels;
    const size_t row = part->row_begin, rows = part->row_end - row;
    const tdnn_gemm_part own = {0, rows, part->column_begin, part->column_end};
    float *packed = (float *)(void *)(step->scratch + worker * step->scratch_stride);
    tdnn_gemm gemm = plan->gemm;
    tdnn_gemm_io io = *whole;
    gemm.m = rows;
    io.a = packed;
    io.c += row * gemm.c_stride;
    if (io.d) io.d += row * gemm.d_row;
    if (io.r) io.r += row * gemm.c_stride;
    pack_rows(plan, k, a + row * plan->p.a_row, packed, rows);
    (plan->bf16 ? k->gemm_bf16 : k->gemm_f32)(&gemm, &io, &own, k);
}

static void product_run(const tdnn_step *step, size_t task, size_t worker)
{
    const product_plan *plan = step->data;
    const tdnn_product *p = &plan->p;
    const size_t column = task % plan->column_tasks * plan->column_step;
    const size_t row = task / plan->column_tasks % plan->row_tasks * plan->row_step;
    const size_t i = task / plan->column_tasks / plan->row_tasks;
    const size_t a_index = p->a_index ? p->a_index[i] : 0;
    const tdnn_gemm_io io = {
        .a = plan->own_rows ? NULL : matrix(step, &plan->a, 0, a_index),
        .b = matrix(step, &plan->b, 1, p->b_index ? p->b_index[i] : 0),
        .d = p->has_d ? input(step, 2) : NULL,
        .c = (float *)step->out[0]->data + i * p->m * p->n,
        .r = p->has_r ? input(step, 3) + i * p->m * p->n : NULL,
    };
    const tdnn_gemm_part part = {row, least(p->m, row + plan->row_step), column,
                                 least(p->n, column + plan->column_step)};
    if (plan->own_rows)
        run_own_rows(step, &io, &part, input(step, 0) + a_index * p->m * p->k, worker);
    else
        (plan->bf16 ? step->kernels->gemm_bf16 : step->kernels->gemm_f32)(&plan->gemm, &io,
                                                                          &part, step->kernels);
}

/* Packed once if constant, else room for it in the shared scratch and a phase of `tasks`. */
static tdnn_status plan_side(tdnn_plan_ctx *ctx, product_plan *plan, side *s, size_t i,
                             size_t *shared_count, size_t tasks)
{
    const tdnn_product *p = &plan->p;
    const size_t count = s->count * (i == 0 ? p->a_matrices : p->b_matrices);
    if (ctx->constants[i]) {
        const size_t row = i == 0 ? p->a_row : p->b_row,
                     column = i == 0 ? p->a_column : p->b_column;
        const tdnn_pack_key key = {.what = i == 0       ? "gemm a"
                                           : plan->bf16 ? "gemm b bf16"
                                                        : "gemm b",
                                   .source = {ctx->constants[i]},
                                   .number = {(int64_t)ctx->kernels->level, (int64_t)row,
                                              (int64_t)column, (int64_t)p->k},
                                   .anywhere =
                                       i == 1 && !plan->bf16 && (row == 1 || column == 1)};
        pack_context context = {plan, ctx->kernels};
        const void *packed = NULL;
        TDNN_TRY(tdnn_plan_pack(ctx, &key, count * sizeof(float),
                                i == 0 ? pack_constant_a : pack_constant_b, &context,
                                sizeof context, &packed));
        s->packed = packed;
        return TDNN_OK;
    }
    s->shared = *shared_count;
    *shared_count += tdnn_round_up(count, TDNN_ALIGN / sizeof(float));
    tdnn_plan_phase(ctx, i == 0 ? run_pack_a : run_pack_b, tasks);
    return TDNN_OK;
}

/* Rows so that their part of A stays in the second-level cache; then columns for all threads. */
static void plan_tasks(tdnn_plan_ctx *ctx, product_plan *plan)
{
    const tdnn_product *p = &plan->p;
    const size_t high =
        plan->bf16 ? TDNN_GEMM_BF16_ROWS : tdnn_gemm_panel_rows(ctx->kernels, p->m);
    const size_t wide = plan->bf16 ? TDNN_GEMM_BF16_COLUMNS : ctx->kernels->gemm_columns;
    const size_t panels = (p->n + wide - 1) / wide;
    const size_t depth = p->k < MOST_DEPTH ? p->k + 1 : MOST_DEPTH;
    const bool near_b = !plan->bf16 && p->n * p->k * sizeof(float) <= NEAR_B_BYTES;
    size_t rows = (size_t)(near_b ? NEAR_A_BYTES : A_BYTES) / sizeof(float) / depth / high;
    const size_t row_panels = (p->m + high - 1) / high;
    rows = rows ? rows : 1;
    const size_t blocks = (row_panels + rows - 1) / rows;
    plan->row_step = (row_panels + blocks - 1) / blocks * high;
    plan->row_tasks = (p->m + plan->row_step - 1) / plan->row_step;
    const double flops = 2.0 * (double)(p->m * p->n) * (double)(p->k + 1) * (double)p->batch;
    const size_t wanted = tdnn_plan_split(ctx, flops, SIZE_MAX),
                 have = plan->row_tasks * p->batch;
    const size_t columns = least(panels, (wanted + have - 1) / have);
    plan->column_step = (panels + columns - 1) / columns * wide;
    plan->column_tasks = (p->n + plan->column_step - 1) / plan->column_step;
}

/* Small products take their time for other things. */
enum { BF16_DEPTH = 32, BF16_WEIGHTS = 32 * 1024 };

static bool in_bf16(const tdnn_plan_ctx *ctx, const tdnn_product *p)
{
    return ctx->precision == TDNN_PRECISION_FAST && ctx->kernels->bf16 && ctx->constants[1] &&
           !ctx->constants[0] && p->k >= BF16_DEPTH && p->k * p->n >= BF16_WEIGHTS &&
           p->a_column <= INT32_MAX / 16;
}

static tdnn_status plan_f32(tdnn_plan_ctx *ctx, const tdnn_product *p)
{
    const tdnn_kernels *k = ctx->kernels;
    product_plan *plan = tdnn_plan_alloc(ctx, 1, sizeof *plan);
    if (!plan) return TDNN_NO_MEMORY(ctx->err);
    ctx->step->data = plan;
    plan->p = *p;
    plan->gemm =
        (tdnn_gemm){p->m, p->n, p->k, p->n, p->alpha, p->beta, p->d_row, p->d_column, p->act};
    plan->bf16 = in_bf16(ctx, p);
    plan->a.count =
        plan->bf16 ? tdnn_gemm_bf16_a_count(p->m, p->k) : tdnn_gemm_a_count(k, p->m, p->k);
    plan->b.count =
        plan->bf16 ? tdnn_gemm_bf16_b_count(p->n, p->k) : tdnn_gemm_b_count(k, p->n, p->k);
    plan->a.in_place = !plan->bf16 && p->m == 1 && p->a_column == 1 && plan->a.count == p->k &&
                       !ctx->constants[0];
    plan->b_pieces = tdnn_plan_split(ctx, 4.0 * (double)(p->k * p->n),
                                     (p->n + k->gemm_columns - 1) / k->gemm_columns);
    size_t shared_count = 0;
    plan_tasks(ctx, plan);
    plan->own_rows = !plan->a.in_place && !ctx->constants[0] && plan->column_tasks == 1;
    if (plan->own_rows)
        tdnn_plan_scratch(ctx, (plan->bf16 ? tdnn_gemm_bf16_a_count(plan->row_step, p->k)
                                           : plan->row_step * p->k) * sizeof(float));
    else if (!plan->a.in_place)
        TDNN_TRY(plan_side(ctx, plan, &plan->a, 0, &shared_count, p->a_matrices));
    TDNN_TRY(plan_side(ctx, plan, &plan->b, 1, &shared_count, p->b_matrices * plan->b_pieces));
    if (shared_count) tdnn_plan_shared(ctx, shared_count * sizeof(float));
    tdnn_plan_phase(ctx, product_run, p->batch * plan->row_tasks * plan->column_tasks);
    ctx->step->kernel = plan->bf16 ? "gemm bf16" : "gemm packed";
    return TDNN_OK;
}

tdnn_status tdnn_product_plan(tdnn_plan_ctx *ctx, const tdnn_product *p)
{
    tdnn_step *step = ctx->step;
    if (p->m * p->n * p->batch == 0) return TDNN_OK;
    step->flops = (uint64_t)(2.0 * (double)p->batch * (double)(p->m * p->n) * (double)p->k);
    step->moved = step->in[0]->bytes + step->in[1]->bytes + step->out[0]->bytes;
    if (step->out[0]->dtype == TDNN_F32 && !in_bf16(ctx, p) && tdnn_product_is_thin(ctx, p))
        return tdnn_product_plan_thin(ctx, p);
    return step->out[0]->dtype == TDNN_F32 ? plan_f32(ctx, p) : tdnn_product_plan_wide(ctx, p);
}
