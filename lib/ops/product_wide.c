/* Products of matrices of any real type but f32: elements are widened to f64 or 64-bit
 * integers, in which sums are exact or as exact as the type's own, and stored again at the end.
 */
#include "lib/ops/convert.h"
#include "lib/ops/product.h"

typedef struct wide_plan {
    tdnn_product p;
    bool floats;
} wide_plan;

/* Both operands and one row of C, as 8-byte numbers, in the worker's scratch. */
static size_t scratch_count(const tdnn_product *p) { return 2 * p->k + p->n + 1; }

static double activated(const tdnn_kernels *k, const tdnn_act *act, double x)
{
    if (act->kind == TDNN_ACTIVATE_NONE) return x;
    float y = (float)x;
    k->activate_f32(&y, &y, 1, act);
    return (double)y;
}

static void row_f64(const tdnn_step *step, const tdnn_product *p, size_t a0, size_t b0,
                    size_t row, size_t c0, double *a)
{
    const tdnn_dtype type = step->out[0]->dtype;
    double *b = a + p->k, *c = b + p->k, *d = c + p->n;
    tdnn_load_f64(a, tdnn_run_of(step->in[0]->data, type, a0 + row * p->a_row, p->a_column),
                  p->k);
    for (size_t j = 0; j < p->n; j++) {
        tdnn_load_f64(b, tdnn_run_of(step->in[1]->data, type, b0 + j * p->b_column, p->b_row),
                      p->k);
        c[j] = 0;
        for (size_t i = 0; i < p->k; i++) c[j] += a[i] * b[i];
        c[j] *= (double)p->alpha;
        if (p->has_d) {
            const size_t at = row * p->d_row + j * p->d_column;
            tdnn_load_f64(d, tdnn_run_of(step->in[2]->data, type, at, 1), 1);
            c[j] += (double)p->beta * *d;
        }
        c[j] = activated(step->kernels, &p->act, c[j]);
    }
    tdnn_store_f64(tdnn_run_of(step->out[0]->data, type, c0, 1), c, p->n);
}

/* Unsigned arithmetic: the lowest bits are those of the signed result. Integral alpha and beta.
 */
static void row_i64(const tdnn_step *step, const tdnn_product *p, size_t a0, size_t b0,
                    size_t row, size_t c0, int64_t *a)
{
    const tdnn_dtype type = step->out[0]->dtype;
    int64_t *b = a + p->k, *c = b + p->k, *d = c + p->n;
    tdnn_load_i64(a, tdnn_run_of(step->in[0]->data, type, a0 + row * p->a_row, p->a_column),
                  p->k);
    for (size_t j = 0; j < p->n; j++) {
        tdnn_load_i64(b, tdnn_run_of(step->in[1]->data, type, b0 + j * p->b_column, p->b_row),
                      p->k);
        uint64_t sum = 0;
        for (size_t i = 0; i < p->k; i++) sum += (uint64_t)a[i] * (uint64_t)b[i];
        sum *= (uint64_t)(int64_t)p->alpha;
        if (p->has_d) {
            const size_t at = row * p->d_row + j * p->d_column;
            tdnn_load_i64(d, tdnn_run_of(step->in[2]->data, type, at, 1), 1);
            sum += (uint64_t)(int64_t)p->beta * (uint64_t)*d;
        }
        c[j] = (int64_t)sum;
    }
    tdnn_store_i64(tdnn_run_of(step->out[0]->data, type, c0, 1), c, p->n);
}

static void wide_run(const tdnn_step *step, size_t task, size_t worker)
{
    const wide_plan *plan = step->data;
    const tdnn_product *p = &plan->p;
    const size_t i = task / p->m, row = task % p->m;
    const size_t a0 = (p->a_index ? p->a_index[i] : 0) * p->m * p->k;
    const size_t b0 = (p->b_index ? p->b_index[i] : 0) * p->k * p->n, c0 = task * p->n;
    void *scratch = step->scratch + worker * step->scratch_stride;
    if (plan->floats)
        row_f64(step, p, a0, b0, row, c0, scratch);
    else
        row_i64(step, p, a0, b0, row, c0, scratch);
}

tdnn_status tdnn_product_plan_wide(tdnn_plan_ctx *ctx, const tdnn_product *p)
{
    const tdnn_dtype type = ctx->step->out[0]->dtype;
    if (!tdnn_dtype_is_real(type))
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "matrix product of %s",
                         tdnn_dtype_name(type));
    wide_plan *plan = tdnn_plan_alloc(ctx, 1, sizeof *plan);
    size_t bytes;
    if (!plan || !tdnn_size_mul(scratch_count(p), sizeof(double), &bytes))
        return TDNN_NO_MEMORY(ctx->err);
    ctx->step->data = plan;
    *plan = (wide_plan){*p, tdnn_dtype_is_float(type)};
    tdnn_plan_scratch(ctx, bytes);
    tdnn_plan_phase(ctx, wide_run, p->batch * p->m);
    ctx->step->kernel = "gemm element-wise";
    return TDNN_OK;
}
