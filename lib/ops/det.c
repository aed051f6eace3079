/* Det: determinants by elimination with the largest pivot of each column, in f64. */
#include "lib/ops/convert.h"
#include "lib/ops/op.h"

#include <math.h>

static tdnn_status infer_det(tdnn_infer *ctx)
{
    tdnn_shape y = ctx->in[0]->shape;
    char text[TDNN_SHAPE_TEXT];
    if (y.ndim < 2 || y.dim[y.ndim - 1] != y.dim[y.ndim - 2])
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "input of shape %s, expected square matrices",
                         tdnn_shape_text(&y, text));
    if (!tdnn_dtype_is_float(ctx->in[0]->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "element type %s, expected floats",
                         tdnn_dtype_name(ctx->in[0]->dtype));
    y.ndim -= 2;
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &y);
    return TDNN_OK;
}

static double determinant(double *a, size_t n)
{
    double det = 1;
    for (size_t c = 0; c < n; c++) {
        size_t pivot = c;
        for (size_t r = c + 1; r < n; r++)
            if (fabs(a[r * n + c]) > fabs(a[pivot * n + c])) pivot = r;
        if (a[pivot * n + c] == 0) return 0;
        if (pivot != c) det = -det;
        for (size_t k = 0; pivot != c && k < n; k++) {
            const double t = a[c * n + k];
            a[c * n + k] = a[pivot * n + k];
            a[pivot * n + k] = t;
        }
        det *= a[c * n + c];
        for (size_t r = c + 1; r < n; r++) {
            const double f = a[r * n + c] / a[c * n + c];
            for (size_t k = c; k < n; k++) a[r * n + k] -= f * a[c * n + k];
        }
    }
    return det;
}

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    const tdnn_tensor *x = s->in[0];
    const size_t n = (size_t)x->shape.dim[x->shape.ndim - 1];
    double *a = (double *)(void *)(s->scratch + worker * s->scratch_stride);
    tdnn_load_f64(a, tdnn_run_of(x->data, x->dtype, task * n * n, 1), n * n);
    const double det = determinant(a, n);
    tdnn_store_f64((tdnn_run){s->out[0]->data, x->dtype, task, 1}, &det, 1);
}

static tdnn_status plan_det(tdnn_plan_ctx *ctx)
{
    const tdnn_shape *x = &ctx->step->in[0]->shape;
    const size_t n = (size_t)x->dim[x->ndim - 1];
    size_t bytes;
    if (!tdnn_size_mul(n, n, &bytes) || !tdnn_size_mul(bytes, sizeof(double), &bytes))
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "a matrix of %zu rows", n);
    tdnn_plan_scratch(ctx, bytes);
    const size_t count = (size_t)tdnn_shape_count(&ctx->step->out[0]->shape);
    if (count) tdnn_plan_phase(ctx, run, count);
    return TDNN_OK;
}

const tdnn_op tdnn_op_Det = {
    .schema = {TDNN_SCHEMA_PLAIN(Det, 1, 1, 1, 1)},
    .infer = infer_det,
    .plan = plan_det,
};
