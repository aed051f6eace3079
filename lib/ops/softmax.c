/* Softmax, LogSoftmax and Hardmax along an axis.
 *
 * f32: along the innermost axis row by row; along another one some columns at a time, so that
 * memory is read in order. Other types, and Hardmax: lines of f64.
 */
#include "lib/ops/axis.h"
#include "lib/ops/convert.h"

#include <math.h>

enum { COLUMNS = 256 };

typedef struct softmax_data {
    tdnn_along along;
    tdnn_op_kind kind;
    size_t units, tasks; /* units: lines, or groups of columns */
    size_t groups;       /* of columns, in each outer part */
} softmax_data;

/* ---- f32, innermost axis ---- */

static void logarithm_row(const tdnn_kernels *k, float *y, const float *x, size_t n)
{
    const float largest = k->row_max_f32(x, n);
    const float sum = k->exp_sum_f32(NULL, x, n, largest);
    k->normalize_f32(y, x, NULL, NULL, n, largest, 1);
    k->affine_f32(y, y, n, 1, -logf(sum));
}

static void run_rows(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const softmax_data *d = s->data;
    const size_t n = d->along.length;
    size_t begin, end;
    tdnn_task_range(d->units, d->tasks, task, &begin, &end);
    float *y = (float *)s->out[0]->data + begin * n;
    const float *x = (const float *)s->in[0]->data + begin * n;
    const tdnn_softmax_rows rows = {end - begin, n, n, n, 0};
    if (d->kind == TDNN_OP_Softmax) s->kernels->softmax_f32(y, x, NULL, &rows);
    for (; d->kind == TDNN_OP_LogSoftmax && begin < end; begin++, y += n, x += n)
        logarithm_row(s->kernels, y, x, n);
}

/* ---- f32, another axis ---- */

static void columns(const tdnn_kernels *k, bool logarithm, float *y, const float *x,
                    tdnn_along a, size_t n)
{
    float largest[COLUMNS], sum[COLUMNS], e[COLUMNS];
    memcpy(largest, x, n * sizeof *x);
    memset(sum, 0, sizeof sum);
    for (size_t i = 1; i < a.length; i++)
        k->max_f32(largest, largest, 1, x + i * a.inner, 1, n);
    for (size_t i = 0; i < a.length; i++) {
        float *to = logarithm ? e : y + i * a.inner;
        k->sub_f32(to, x + i * a.inner, 1, largest, 1, n);
        k->exp_f32(to, to, n);
        k->add_f32(sum, sum, 1, to, 1, n);
    }
    if (logarithm) k->log_f32(sum, sum, n);
    for (size_t i = 0; i < a.length; i++) {
        float *to = y + i * a.inner;
        if (logarithm) {
            k->sub_f32(to, x + i * a.inner, 1, largest, 1, n);
            k->sub_f32(to, to, 1, sum, 1, n);
        } else {
            k->div_f32(to, to, 1, sum, 1, n);
        }
    }
}

static void run_columns(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const softmax_data *d = s->data;
    const tdnn_along a = d->along;
    size_t i, end;
    tdnn_task_range(d->units, d->tasks, task, &i, &end);
    for (; i < end; i++) {
        const size_t first = i % d->groups * COLUMNS,
                     at = i / d->groups * a.length * a.inner + first;
        const size_t n = a.inner - first < COLUMNS ? a.inner - first : COLUMNS;
        columns(s->kernels, d->kind == TDNN_OP_LogSoftmax, (float *)s->out[0]->data + at,
                (const float *)s->in[0]->data + at, a, n);
    }
}

/* ---- any type ---- */

static void line(tdnn_op_kind kind, double *x, size_t n)
{
    size_t best = 0;
    double sum = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    if (kind == TDNN_OP_Hardmax) {
        memset(x, 0, n * sizeof *x);
        x[best] = 1;
        return;
    }
    const double largest = x[best];
    for (size_t i = 0; i < n; i++) sum += exp(x[i] - largest);
    for (size_t i = 0; i < n; i++)
        x[i] =
            kind == TDNN_OP_LogSoftmax ? x[i] - largest - log(sum) : exp(x[i] - largest) / sum;
}

static void run_lines(const tdnn_step *s, size_t task, size_t worker)
{
    const softmax_data *d = s->data;
    const tdnn_along a = d->along;
    double *x = (double *)(void *)(s->scratch + worker * s->scratch_stride);
    size_t i, end;
    tdnn_task_range(d->units, d->tasks, task, &i, &end);
    for (; i < end; i++) {
        const size_t first = i / a.inner * a.length * a.inner + i % a.inner;
        tdnn_load_f64(x, tdnn_run_of(s->in[0]->data, s->in[0]->dtype, first, a.inner),
                      a.length);
        line(d->kind, x, a.length);
        tdnn_store_f64(tdnn_run_of(s->out[0]->data, s->out[0]->dtype, first, a.inner), x,
                       a.length);
    }
}

/* ---- plan ---- */

static tdnn_status infer_softmax(tdnn_infer *ctx)
{
    const tdnn_axis_params *p = ctx->params;
    int axis;
    if (!tdnn_dtype_is_float(ctx->in[0]->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "element type %s, expected floats",
                         tdnn_dtype_name(ctx->in[0]->dtype));
    if (ctx->in[0]->shape.ndim > 0) /* a scalar has but itself */
        TDNN_TRY(tdnn_axis_resolve(p->axis, ctx->in[0]->shape.ndim, &axis, ctx->err));
    return tdnn_infer_same(ctx);
}

static tdnn_status plan_softmax(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    const tdnn_axis_params *p = s->params;
    const tdnn_tensor *x = s->in[0];
    softmax_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    int axis = 0;
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    const int64_t total = tdnn_shape_count(&x->shape);
    if (total == 0) return TDNN_OK;
    d->kind = s->node->op->kind;
    d->along = (tdnn_along){1, 1, 1};
    if (x->shape.ndim > 0) {
        TDNN_TRY(tdnn_axis_resolve(p->axis, x->shape.ndim, &axis, ctx->err));
        d->along = tdnn_along_axis(&x->shape, axis);
    }
    tdnn_run_fn run = run_lines;
    d->units = d->along.outer * d->along.inner;
    if (x->dtype == TDNN_F32 && d->kind != TDNN_OP_Hardmax) {
        run = d->along.inner == 1 ? run_rows : run_columns;
        d->groups = (d->along.inner + COLUMNS - 1) / COLUMNS;
        if (d->along.inner > 1) d->units = d->along.outer * d->groups;
    } else {
        size_t bytes;
        if (!tdnn_size_mul(d->along.length, sizeof(double), &bytes))
            return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "the axis is too long");
        tdnn_plan_scratch(ctx, bytes);
    }
    s->flops = 16 * (uint64_t)total;
    tdnn_plan_inplace(ctx, 0, 0);
    d->tasks = tdnn_plan_split(ctx, 16 * (double)total, d->units);
    tdnn_plan_phase(ctx, run, d->tasks);
    return TDNN_OK;
}

static const tdnn_attr attrs[] = {TDNN_INT(tdnn_axis_params, axis, -1), {0}};

#define SOFTMAX(Op)                                                                            \
    const tdnn_op tdnn_op_##Op = {                                                             \
        .schema = {TDNN_SCHEMA(Op, 1, 1, 1, 1, attrs, tdnn_axis_params)},                      \
        .infer = infer_softmax,                                                                \
        .plan = plan_softmax};
SOFTMAX(Softmax)
SOFTMAX(LogSoftmax)
SOFTMAX(Hardmax)
