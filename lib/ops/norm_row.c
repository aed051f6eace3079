/* LayerNormalization and RMSNormalization: over all axes from one on, row by row. */
#include "lib/ops/moments.h"
#include "lib/ops/op.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 256 };

typedef struct row_data {
    size_t rows, length, tasks;
    double epsilon;
    bool center;      /* LayerNormalization */
    bool scale, bias; /* spread over a row, in the shared scratch: floats, then floats */
    bool scale_is_row, bias_is_row; /* f32, a row as it is: read where it lies         */
} row_data;

/* ---- run ---- */

static const float *spread_scale(const tdnn_step *s)
{
    const row_data *d = s->data;
    if (d->scale_is_row) return s->in[1]->data;
    return d->scale ? (const float *)(const void *)s->shared : NULL;
}
static const float *spread_bias(const tdnn_step *s)
{
    const row_data *d = s->data;
    if (d->bias_is_row) return s->in[2]->data;
    return d->bias ? (const float *)(const void *)s->shared + d->length : NULL;
}

/* Broadcasts scale and bias, which may have fewer dimensions than a row, over one. */
static void spread(const tdnn_step *s, const tdnn_tensor *t, float *to)
{
    const row_data *d = s->data;
    const tdnn_shape *x = &s->in[0]->shape, *own = &t->shape;
    if (t->dtype == TDNN_F32 && tdnn_shape_count(own) == (int64_t)d->length) {
        memcpy(to, t->data, d->length * sizeof *to);
        return;
    }
    for (size_t i = 0; i < d->length; i++) {
        size_t rest = i, at = 0, stride = 1;
        for (int k = 1; k <= own->ndim; k++) {
            const size_t extent = (size_t)x->dim[x->ndim - k],
                         mine = (size_t)own->dim[own->ndim - k];
            if (mine > 1) at += rest % extent * stride;
            stride *= mine;
            rest /= extent;
        }
        double v;
        tdnn_load_f64(&v, tdnn_run_of(t->data, t->dtype, at, 1), 1);
        to[i] = (float)v;
    }
}

static void spread_all(const tdnn_step *s, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const row_data *d = s->data;
    float *to = (float *)(void *)s->shared;
    if (d->scale && !d->scale_is_row) spread(s, s->in[1], to);
    if (d->bias && !d->bias_is_row) spread(s, s->in[2], to + d->length);
}

static void row_f64(const tdnn_step *s, size_t first, size_t n, double center, double factor)
{
    const float *scale = spread_scale(s), *bias = spread_bias(s);
    double part[CHUNK];
    for (size_t done = 0; done < n; done += CHUNK) {
        const size_t count = n - done < CHUNK ? n - done : CHUNK;
        tdnn_load_f64(part, tdnn_run_of(s->in[0]->data, s->in[0]->dtype, first + done, 1),
                      count);
        for (size_t i = 0; i < count; i++) {
            part[i] = (part[i] - center) * factor;
            if (scale) part[i] *= (double)scale[done + i];
            if (bias) part[i] += (double)bias[done + i];
        }
        tdnn_store_f64((tdnn_run){s->out[0]->data, s->out[0]->dtype, first + done, 1}, part,
                       count);
    }
}

static void keep(const tdnn_step *s, size_t output, size_t row, double v)
{
    if (output < s->output_count && s->out[output])
        tdnn_store_f64((tdnn_run){s->out[output]->data, s->out[output]->dtype, row, 1}, &v, 1);
}

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const row_data *d = s->data;
    const tdnn_tensor *x = s->in[0];
    const size_t n = d->length;
    size_t row, end;
    tdnn_task_range(d->rows, d->tasks, task, &row, &end);
    for (; row < end; row++) {
        tdnn_moments m = {0, 0};
        if (d->center)
            m = tdnn_moments_of(s->kernels, x->data, x->dtype, row * n, n);
        else
            m.variance = tdnn_mean_square(s->kernels, x->data, x->dtype, row * n, n);
        const double factor = 1 / sqrt(m.variance + d->epsilon);
        if (x->dtype == TDNN_F32)
            s->kernels->normalize_f32((float *)s->out[0]->data + row * n,
                                      (const float *)x->data + row * n, spread_scale(s),
                                      spread_bias(s), n, (float)m.mean, (float)factor);
        else
            row_f64(s, row * n, n, m.mean, factor);
        keep(s, 1, row, m.mean);
        keep(s, 2, row, factor);
    }
}

/* ---- plan ---- */

static tdnn_status check_spread(const tdnn_info *in, const tdnn_shape *x, int axis,
                                const char *what, tdnn_error *err)
{
    const tdnn_shape *own = &in->shape;
    bool fits = own->ndim <= x->ndim;
    for (int k = 1; fits && k <= own->ndim; k++) {
        const int64_t mine = own->dim[own->ndim - k];
        fits = mine == 1 || (x->ndim - k >= axis && mine == x->dim[x->ndim - k]);
    }
    char a[TDNN_SHAPE_TEXT], b[TDNN_SHAPE_TEXT];
    if (fits) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                     "%s of shape %s does not broadcast to %s from axis %d on", what,
                     tdnn_shape_text(own, a), tdnn_shape_text(x, b), axis);
}

static tdnn_status infer_row(tdnn_infer *ctx)
{
    const tdnn_layer_norm_params *p = ctx->params;
    const tdnn_shape *x = &ctx->in[0]->shape;
    int axis;
    if (!tdnn_dtype_is_float(ctx->in[0]->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "element type %s, expected floats",
                         tdnn_dtype_name(ctx->in[0]->dtype));
    TDNN_TRY(tdnn_axis_resolve(p->axis, x->ndim, &axis, ctx->err));
    TDNN_TRY(check_spread(ctx->in[1], x, axis, "scale", ctx->err));
    if (tdnn_infer_has(ctx, 2)) TDNN_TRY(check_spread(ctx->in[2], x, axis, "bias", ctx->err));
    tdnn_shape rows = *x;
    for (int i = axis; i < rows.ndim; i++) rows.dim[i] = 1;
    const tdnn_dtype stash = p->stash_type == TDNN_BF16 ? TDNN_BF16 : TDNN_F32;
    tdnn_infer_set(ctx, 1, stash, &rows);
    tdnn_infer_set(ctx, 2, stash, &rows);
    return tdnn_infer_same(ctx);
}

static bool is_row(const tdnn_tensor *t, size_t length)
{
    return t->dtype == TDNN_F32 && (size_t)tdnn_shape_count(&t->shape) == length;
}

static tdnn_status plan_row(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    const tdnn_layer_norm_params *p = s->params;
    const tdnn_shape *x = &s->in[0]->shape;
    row_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    int axis;
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(tdnn_axis_resolve(p->axis, x->ndim, &axis, ctx->err));
    d->center = s->node->op->kind == TDNN_OP_LayerNormalization;
    d->epsilon = (double)p->epsilon;
    d->rows = d->length = 1;
    for (int i = 0; i < axis; i++) d->rows *= (size_t)x->dim[i];
    for (int i = axis; i < x->ndim; i++) d->length *= (size_t)x->dim[i];
    d->scale = true;
    d->bias = s->input_count > 2 && s->in[2];
    if (!d->rows || !d->length) return TDNN_OK;
    const double flops = 6 * (double)d->rows * (double)d->length;
    d->scale_is_row = is_row(s->in[1], d->length);
    d->bias_is_row = d->bias && is_row(s->in[2], d->length);
    if (!d->scale_is_row || d->bias_is_row != d->bias) {
        tdnn_plan_shared(ctx, 2 * d->length * sizeof(float));
        tdnn_plan_phase(ctx, spread_all, 1);
    }
    d->tasks = tdnn_plan_split(ctx, flops, d->rows);
    tdnn_plan_phase(ctx, run, d->tasks);
    tdnn_plan_inplace(ctx, 0, 0);
    s->flops = (uint64_t)flops;
    return TDNN_OK;
}

static const tdnn_attr attrs[] = {TDNN_INT(tdnn_layer_norm_params, axis, -1),
                                  TDNN_FLOAT(tdnn_layer_norm_params, epsilon, 1e-5f),
                                  TDNN_INT(tdnn_layer_norm_params, stash_type, 1),
                                  {0}};
const tdnn_op tdnn_op_LayerNormalization = {
    .schema = {TDNN_SCHEMA(LayerNormalization, 2, 3, 1, 3, attrs, tdnn_layer_norm_params)},
    .infer = infer_row,
    .plan = plan_row,
};
const tdnn_op tdnn_op_RMSNormalization = {
    .schema = {TDNN_SCHEMA(RMSNormalization, 2, 2, 1, 1, attrs, tdnn_layer_norm_params)},
    .infer = infer_row,
    .plan = plan_row,
};
