/* QuantizeLinear and DequantizeLinear: one scale for all, for each slice of an axis, or for
 * each block of elements along it; to and from every narrow type.
 */
#include "lib/ops/axis.h"
#include "lib/ops/convert.h"

#include <math.h>

enum {
    CHUNK = 256,
    GRAIN = 64,
    LONG = 16
}; /* runs of LONG elements or more go through kernels */

typedef struct quantize_data {
    tdnn_along along;
    size_t block;  /* elements along the axis that share a scale; 0: see `whole` */
    size_t blocks; /* along the axis */
    bool whole;    /* one scale for all */
    size_t run;    /* neighbouring elements that share a scale, counted from multiples of it */
    size_t total, scales, tasks;
    bool half; /* divide as float16 does */
    bool saturate;
} quantize_data;

/* ---- scales ---- */

static double *scales(const tdnn_step *s) { return (double *)(void *)s->shared; }
static double *zeros(const tdnn_step *s)
{
    return scales(s) + ((const quantize_data *)s->data)->scales;
}

/* Phase 1: scales and zero points as f64. */
static void widen_scales(const tdnn_step *s, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const quantize_data *d = s->data;
    tdnn_load_f64(scales(s), tdnn_run_of(s->in[1]->data, s->in[1]->dtype, 0, 1), d->scales);
    memset(zeros(s), 0, d->scales * sizeof(double));
    if (s->input_count > 2 && s->in[2])
        tdnn_load_f64(zeros(s), tdnn_run_of(s->in[2]->data, s->in[2]->dtype, 0, 1), d->scales);
}

static size_t scale_of(const quantize_data *d, size_t element)
{
    if (d->whole) return 0;
    const size_t inner = element % d->along.inner, line = element / d->along.inner;
    const size_t at = line % d->along.length, outer = line / d->along.length;
    return d->block ? (outer * d->blocks + at / d->block) * d->along.inner + inner : at;
}

/* ---- one chunk; at[i] is the scale of element i, or, with `same`, of all ---- */

static void quantize_chunk(const tdnn_step *s, size_t first, size_t n, const size_t *at,
                           bool same)
{
    const quantize_data *d = s->data;
    const tdnn_run to = {s->out[0]->data, s->out[0]->dtype, first, 1};
    const bool to_float = tdnn_dtype_is_float(to.type);
    double x[CHUNK];
    int64_t q[CHUNK];
    static const int64_t low[TDNN_DTYPE_COUNT] = {[TDNN_I8] = -128,
                                                  [TDNN_I16] = INT16_MIN,
                                                  [TDNN_I32] = INT32_MIN,
                                                  [TDNN_I4] = -8,
                                                  [TDNN_I2] = -2};
    const int64_t span = ((int64_t)1 << tdnn_dtype_bits(to.type)) - 1; /* highest less lowest */
    tdnn_load_f64(x, tdnn_run_of(s->in[0]->data, s->in[0]->dtype, first, 1), n);
    for (size_t i = 0; i < n; i++) {
        const size_t k = same ? at[0] : at[i];
        double v = (double)((float)x[i] / (float)scales(s)[k]);
        if (d->half) v = (double)tdnn_f16_to_f32(tdnn_f32_to_f16((float)v));
        if (to_float)
            x[i] = v + zeros(s)[k];
        else
            q[i] = tdnn_i64_of_f64(rint(v) + zeros(s)[k], low[to.type], low[to.type] + span);
    }
    if (to_float)
        tdnn_store_narrow(to, x, n, d->saturate, TDNN_ROUND_NEAREST);
    else
        tdnn_store_i64(to, q, n);
}

static void dequantize_chunk(const tdnn_step *s, size_t first, size_t n, const size_t *at,
                             bool same)
{
    double x[CHUNK];
    tdnn_load_f64(x, tdnn_run_of(s->in[0]->data, s->in[0]->dtype, first, 1), n);
    for (size_t i = 0; i < n; i++) {
        const size_t k = same ? at[0] : at[i];
        x[i] = (double)((float)(x[i] - zeros(s)[k]) * (float)scales(s)[k]);
    }
    tdnn_store_f64((tdnn_run){s->out[0]->data, s->out[0]->dtype, first, 1}, x, n);
}

/* ---- runs that the kernels have: f32 and bytes, one scale ---- */

static bool by_kernel(const tdnn_step *s, bool quantize, size_t first, size_t n, size_t at)
{
    const tdnn_tensor *wide = quantize ? s->in[0] : s->out[0];
    const tdnn_tensor *narrow = quantize ? s->out[0] : s->in[0];
    const bool is_signed = narrow->dtype == TDNN_I8;
    if (wide->dtype != TDNN_F32 || (!is_signed && narrow->dtype != TDNN_U8)) return false;
    if (((const quantize_data *)s->data)->half) return false;
    const float scale = (float)scales(s)[at];
    const int zero = (int)zeros(s)[at], low = is_signed ? -128 : 0;
    float *f = (float *)wide->data + first;
    uint8_t *q = (uint8_t *)narrow->data + first;
    if (quantize)
        s->kernels->quantize_x8(q, f, n, scale, zero, low, low + 255);
    else if (is_signed)
        s->kernels->dequantize_i8(f, q, n, scale, zero);
    else
        s->kernels->dequantize_u8(f, q, n, scale, zero);
    return true;
}

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const quantize_data *d = s->data;
    const bool quantize = s->node->op->kind == TDNN_OP_QuantizeLinear;
    void (*const chunk)(const tdnn_step *, size_t, size_t, const size_t *, bool) =
        quantize ? quantize_chunk : dequantize_chunk;
    size_t at, end, which[CHUNK];
    tdnn_task_range((d->total + GRAIN - 1) / GRAIN, d->tasks, task, &at, &end);
    at *= GRAIN;
    end = end * GRAIN < d->total ? end * GRAIN : d->total;
    while (at < end) {
        const bool same = d->run >= LONG;
        const size_t left = d->run - at % d->run;
        size_t n = end - at;
        if (same && n > left) n = left;
        which[0] = scale_of(d, at);
        if (same && by_kernel(s, quantize, at, n, which[0])) {
            at += n;
            continue;
        }
        if (n > CHUNK) n = CHUNK;
        if (!same)
            for (size_t i = 1; i < n; i++) which[i] = scale_of(d, at + i);
        chunk(s, at, n, which, same);
        at += n;
    }
}

/* ---- plan ---- */

static tdnn_status granularity(const tdnn_quantize_params *p, const tdnn_shape *x,
                               const tdnn_shape *scale, quantize_data *d, tdnn_error *err)
{
    char text[TDNN_SHAPE_TEXT];
    int axis = 0;
    d->total = (size_t)tdnn_shape_count(x);
    d->scales = (size_t)tdnn_shape_count(scale);
    d->along = (tdnn_along){1, 1, 1};
    d->run = d->total;
    d->whole = scale->ndim == 0 || (scale->ndim == 1 && d->scales == 1);
    if (d->whole) return TDNN_OK;
    TDNN_TRY(tdnn_axis_resolve(p->axis, x->ndim, &axis, err));
    d->along = tdnn_along_axis(x, axis);
    d->run = d->along.inner;
    if (scale->ndim == 1 && scale->dim[0] == x->dim[axis] && p->block_size == 0) return TDNN_OK;
    bool fits = p->block_size > 0 && scale->ndim == x->ndim;
    for (int i = 0; fits && i < x->ndim; i++) {
        const int64_t extent = x->dim[i], block = p->block_size;
        fits = scale->dim[i] == (i == axis ? extent / block + (extent % block != 0) : extent);
    }
    if (!fits)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "scale of shape %s, axis %d, block size %lld for %d dimensions",
                         tdnn_shape_text(scale, text), axis, (long long)p->block_size, x->ndim);
    d->block = (size_t)p->block_size;
    d->blocks = (size_t)scale->dim[axis];
    /* blocks at the end of a line may be shorter, and runs must not cross lines */
    const bool even = d->along.inner == 1 && d->along.length % d->block == 0;
    d->run = even ? d->block : 1;
    return TDNN_OK;
}

static tdnn_status check(const tdnn_infer *ctx)
{
    quantize_data d = {0};
    const tdnn_info *scale = ctx->in[1];
    if (!tdnn_dtype_is_float(scale->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "scale of type %s, expected floats",
                         tdnn_dtype_name(scale->dtype));
    if (tdnn_infer_has(ctx, 2) &&
        tdnn_shape_count(&ctx->in[2]->shape) != tdnn_shape_count(&scale->shape))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "%lld zero points for %lld scales",
                         (long long)tdnn_shape_count(&ctx->in[2]->shape),
                         (long long)tdnn_shape_count(&scale->shape));
    return granularity(ctx->params, &ctx->in[0]->shape, &scale->shape, &d, ctx->err);
}

static tdnn_status infer_quantize(tdnn_infer *ctx)
{
    const tdnn_quantize_params *p = ctx->params;
    tdnn_dtype type = TDNN_U8;
    TDNN_TRY(check(ctx));
    if (tdnn_infer_has(ctx, 2))
        type = ctx->in[2]->dtype;
    else if (p->output_dtype > 0 && p->output_dtype < TDNN_DTYPE_COUNT)
        type = (tdnn_dtype)p->output_dtype;
    if (!tdnn_dtype_is_real(type) || type == TDNN_BOOL || tdnn_dtype_bits(type) > 32 ||
        type == TDNN_F32)
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "quantisation to %s",
                         tdnn_dtype_name(type));
    tdnn_infer_set(ctx, 0, type, &ctx->in[0]->shape);
    return TDNN_OK;
}

static tdnn_status infer_dequantize(tdnn_infer *ctx)
{
    const tdnn_quantize_params *p = ctx->params;
    TDNN_TRY(check(ctx));
    tdnn_dtype type = ctx->in[1]->dtype;
    if (p->output_dtype > 0 && p->output_dtype < TDNN_DTYPE_COUNT)
        type = (tdnn_dtype)p->output_dtype;
    if (!tdnn_dtype_is_float(type) || !tdnn_dtype_is_real(ctx->in[0]->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "dequantisation of %s to %s",
                         tdnn_dtype_name(ctx->in[0]->dtype), tdnn_dtype_name(type));
    tdnn_infer_set(ctx, 0, type, &ctx->in[0]->shape);
    return TDNN_OK;
}

static tdnn_status plan_quantize(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    const tdnn_quantize_params *p = s->params;
    quantize_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    size_t bytes;
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(granularity(p, &s->in[0]->shape, &s->in[1]->shape, d, ctx->err));
    if (d->total == 0) return TDNN_OK;
    const tdnn_dtype precision = p->precision ? (tdnn_dtype)p->precision : s->in[1]->dtype;
    d->half = precision == TDNN_F16 && s->node->op->kind == TDNN_OP_QuantizeLinear;
    d->saturate = p->saturate != 0;
    if (!tdnn_size_mul(d->scales, 2 * sizeof(double), &bytes))
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "too many scales");
    tdnn_plan_shared(ctx, bytes);
    tdnn_plan_phase(ctx, widen_scales, 1);
    const double flops = (d->run < LONG ? 12.0 : 2.0) * (double)d->total;
    d->tasks = tdnn_plan_split(ctx, flops, (d->total + GRAIN - 1) / GRAIN);
    tdnn_plan_phase(ctx, run, d->tasks);
    return TDNN_OK;
}

static const tdnn_attr quantize_attrs[] = {TDNN_INT(tdnn_quantize_params, axis, 1),
                                           TDNN_INT(tdnn_quantize_params, block_size, 0),
                                           TDNN_INT(tdnn_quantize_params, output_dtype, 0),
                                           TDNN_INT(tdnn_quantize_params, precision, 0),
                                           TDNN_INT(tdnn_quantize_params, saturate, 1),
                                           {0}};
static const tdnn_attr dequantize_attrs[] = {TDNN_INT(tdnn_quantize_params, axis, 1),
                                             TDNN_INT(tdnn_quantize_params, block_size, 0),
                                             TDNN_INT(tdnn_quantize_params, output_dtype, 0),
                                             {0}};
const tdnn_op tdnn_op_QuantizeLinear = {
    .schema = {TDNN_SCHEMA(QuantizeLinear, 2, 3, 1, 1, quantize_attrs, tdnn_quantize_params)},
    .infer = infer_quantize,
    .plan = plan_quantize,
};
const tdnn_op tdnn_op_DequantizeLinear = {
    .schema = {TDNN_SCHEMA(DequantizeLinear, 2, 3, 1, 1, dequantize_attrs, tdnn_quantize_params)},
    .infer = infer_dequantize,
    .plan = plan_quantize,
};
