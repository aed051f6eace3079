/* Products with few rows: the second factor is read once, so it is used where it lies, even in
 * a file that nobody else has read. */
#include "lib/ops/product.h"

#include <string.h>

typedef struct thin_plan {
    tdnn_product p;
    tdnn_gemm gemm;
    tdnn_gemv_fn *kernel;
    const float *b; /* constant, at any address; NULL: input 1 */
    size_t step, tasks; /* columns of one task, tasks of one product */
} thin_plan;

/* Rows of A up to which the packed product is not faster; measured on 4096 x 4096, all of it in
 * memory beyond the caches: with 4 rows both are as fast, and packing costs three times the
 * product. */
enum { MOST_ROWS = 4 };
/* Columns of one task: 8 streams of 8 KiB are read side by side. */
enum { MOST_COLUMNS = 2048 };

static void thin_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const thin_plan *plan = step->data;
    const tdnn_product *p = &plan->p;
    const size_t i = task / plan->tasks, begin = task % plan->tasks * plan->step;
    const size_t end = p->n - begin < plan->step ? p->n : begin + plan->step;
    const float *a = step->in[0]->data, *b = plan->b ? plan->b : step->in[1]->data;
    const tdnn_gemm_io io = {
        .a = a + (p->a_index ? p->a_index[i] : 0) * p->m * p->k,
        .b = b + (p->b_index ? p->b_index[i] : 0) * p->k * p->n,
        .d = p->has_d ? step->in[2]->data : NULL,
        .c = (float *)step->out[0]->data + i * p->m * p->n,
    };
    plan->kernel(&plan->gemm, &io, begin, end, step->kernels);
    const float *r = p->has_r ? (const float *)step->in[3]->data + i * p->m * p->n : NULL;
    for (size_t at = begin; r && at < p->m * p->n; at += p->n)
        step->kernels->add_f32(io.c + at, io.c + at, 1, r + at, 1, end - begin);
}

/* What loading left to be made is made once per net, and stays as it is: the kernel that reads
 * a model file's weights gives the same bits for weights that were folded. */
static tdnn_status make_b(void *context, const tdnn_tensor *const *source, void *out,
                          tdnn_error *err)
{
    (void)err;
    memcpy(out, source[0]->data, *(const size_t *)context);
    return TDNN_OK;
}

static tdnn_status find_b(tdnn_plan_ctx *ctx, thin_plan *plan)
{
    const tdnn_tensor *b = ctx->constants[1];
    const void *made = b ? b->data : NULL;
    if (b && !made) {
        const tdnn_pack_key key = {.what = "gemv b", .source = {b}};
        size_t bytes = plan->p.k * plan->p.n * plan->p.b_matrices * sizeof(float);
        TDNN_TRY(tdnn_plan_pack(ctx, &key, bytes, make_b, &bytes, sizeof bytes, &made));
    }
    plan->b = made;
    return TDNN_OK;
}

bool tdnn_product_is_thin(const tdnn_plan_ctx *ctx, const tdnn_product *p)
{
    return p->m <= MOST_ROWS && p->a_column == 1 && !ctx->constants[0] &&
           (p->b_column == 1 || p->b_row == 1);
}

tdnn_status tdnn_product_plan_thin(tdnn_plan_ctx *ctx, const tdnn_product *p)
{
    const bool transposed = p->b_row == 1;
    thin_plan *plan = tdnn_plan_alloc(ctx, 1, sizeof *plan);
    if (!plan) return TDNN_NO_MEMORY(ctx->err);
    ctx->step->data = plan;
    plan->p = *p;
    plan->gemm =
        (tdnn_gemm){p->m, p->n, p->k, p->n, p->alpha, p->beta, p->d_row, p->d_column, p->act};
    plan->kernel = transposed ? ctx->kernels->gemv_rows_f32 : ctx->kernels->gemv_columns_f32;
    TDNN_TRY(find_b(ctx, plan));
    const double bytes = 4.0 * (double)(p->n * p->k);
    size_t tasks = tdnn_plan_split(ctx, 4 * bytes * (double)p->batch, p->n);
    tasks = (tasks + p->batch - 1) / p->batch;
    if (!transposed && tasks * MOST_COLUMNS < p->n)
        tasks = (p->n + MOST_COLUMNS - 1) / MOST_COLUMNS;
    plan->step = tdnn_round_up((p->n + tasks - 1) / tasks, 16);
    plan->tasks = (p->n + plan->step - 1) / plan->step;
    tdnn_plan_phase(ctx, thin_run, p->batch * plan->tasks);
    ctx->step->kernel = transposed ? "gemv rows" : "gemv columns";
    return TDNN_OK;
}
