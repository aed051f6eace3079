/* DFT along an axis, and STFT: of overlapping frames of a signal. */
#include "lib/ops/convert.h"
#include "lib/ops/fourier.h"
#include "lib/ops/move.h"

/* What both have planned. */
typedef struct dft_plan {
    tdnn_fourier fourier;
    size_t axis_in, axis_out, parts_in, parts_out; /* parts: 1 real, 2 complex */
    size_t before, after, frames, frame_step;
    size_t tasks;
} dft_plan;

static tdnn_status plan_fourier(tdnn_plan_ctx *ctx, dft_plan *p, size_t length)
{
    size_t tables, scratch, bytes;
    if (!tdnn_fourier_sizes(length, &tables, &scratch) ||
        !tdnn_size_add(scratch, length, &bytes) ||
        !tdnn_size_mul(bytes, sizeof(tdnn_complex), &bytes))
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "a transform of length %zu", length);
    tdnn_complex *memory = tdnn_plan_alloc(ctx, tables, sizeof *memory);
    if (!memory) return TDNN_NO_MEMORY(ctx->err);
    tdnn_fourier_init(&p->fourier, length, memory);
    tdnn_plan_scratch(ctx, bytes);
    return TDNN_OK;
}

static tdnn_complex load_complex(const tdnn_tensor *t, size_t at, size_t parts)
{
    double x[2] = {0, 0};
    tdnn_load_f64(x, (tdnn_run){t->data, t->dtype, at * parts, 1}, parts);
    return (tdnn_complex){x[0], x[1]};
}

static void store_complex(const tdnn_tensor *t, size_t at, size_t parts, tdnn_complex c)
{
    const double x[2] = {c.re, c.im};
    tdnn_store_f64((tdnn_run){t->data, t->dtype, at * parts, 1}, x, parts);
}

/* ---- DFT ---- */

typedef struct dft_params {
    int64_t inverse, onesided;
} dft_params;

/* The axis, and the length that is transformed. A one-sided inverse starts from half of a
 * spectrum. */
static tdnn_status dft_resolve(const dft_params *p, const tdnn_shape *in,
                               const tdnn_few *length, const tdnn_few *axis, int *axis_out,
                               int64_t *length_out, tdnn_error *err)
{
    char text[TDNN_SHAPE_TEXT];
    const int64_t parts = in->ndim ? in->dim[in->ndim - 1] : 0;
    if (in->ndim < 2 || (parts != 1 && parts != 2) || (axis->given && axis->count != 1) ||
        (length->given && length->count != 1))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "a signal of shape %s, expected a last dimension of 1 or 2",
                         tdnn_shape_text(in, text));
    TDNN_TRY(tdnn_axis_resolve(axis->given ? axis->at[0] : -2, in->ndim, axis_out, err));
    if (*axis_out == in->ndim - 1)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "the last axis holds real and imaginary parts");
    const bool half = p->onesided && p->inverse;
    const int64_t own = in->dim[*axis_out];
    *length_out = length->given ? length->at[0] : half ? 2 * (own - 1) : own;
    if (*length_out < 0 || *length_out > INT64_C(1) << 40)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "a transform of length %lld",
                         (long long)*length_out);
    if (p->onesided && parts != (half ? 2 : 1))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "a one-sided transform of %s numbers",
                         half ? "real" : "complex");
    return TDNN_OK;
}

static tdnn_status dft_infer(tdnn_infer *ctx)
{
    const dft_params *p = ctx->params;
    tdnn_shape out = ctx->in[0]->shape;
    tdnn_few length, axis;
    int at;
    int64_t n;
    TDNN_TRY(tdnn_infer_few(ctx, 1, &length));
    TDNN_TRY(tdnn_infer_few(ctx, 2, &axis));
    TDNN_TRY(dft_resolve(p, &out, &length, &axis, &at, &n, ctx->err));
    if (!tdnn_dtype_is_float(ctx->in[0]->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "a signal of type %s",
                         tdnn_dtype_name(ctx->in[0]->dtype));
    out.dim[at] = p->onesided && !p->inverse ? n / 2 + 1 : n;
    out.dim[out.ndim - 1] = p->onesided && p->inverse ? 1 : 2;
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &out);
    return TDNN_OK;
}

static void dft_line(const tdnn_step *step, const dft_plan *p, size_t line, tdnn_complex *x)
{
    const dft_params *params = step->params;
    const size_t n = p->fourier.length, before = line / p->after, after = line % p->after;
    const bool half = params->onesided && params->inverse;
    for (size_t k = 0; k < n; k++) {
        size_t from = k;
        if (half && k > n / 2) from = n - k; /* the other half is the mirror image */
        x[k] = (tdnn_complex){0, 0};
        if (from < p->axis_in)
            x[k] = load_complex(step->in[0], (before * p->axis_in + from) * p->after + after,
                                p->parts_in);
        if (from != k) x[k].im = -x[k].im;
    }
    tdnn_fourier_run(&p->fourier, x, params->inverse != 0, x + n);
    for (size_t k = 0; k < p->axis_out; k++)
        store_complex(step->out[0], (before * p->axis_out + k) * p->after + after, p->parts_out,
                      x[k]);
}

static void dft_run(const tdnn_step *step, size_t task, size_t worker)
{
    const dft_plan *p = step->data;
    tdnn_complex *x = (tdnn_complex *)(void *)(step->scratch + worker * step->scratch_stride);
    size_t begin, end;
    tdnn_task_range(p->before * p->after, p->tasks, task, &begin, &end);
    for (size_t i = begin; i < end; i++) dft_line(step, p, i, x);
}

static tdnn_status dft_plan_step(tdnn_plan_ctx *ctx)
{
    const tdnn_shape *in = &ctx->step->in[0]->shape, *out = &ctx->step->out[0]->shape;
    tdnn_few length, axis;
    int at;
    int64_t n;
    dft_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(tdnn_plan_few(ctx, 1, &length));
    TDNN_TRY(tdnn_plan_few(ctx, 2, &axis));
    TDNN_TRY(dft_resolve(ctx->step->params, in, &length, &axis, &at, &n, ctx->err));
    TDNN_TRY(plan_fourier(ctx, p, (size_t)n));
    p->axis_in = (size_t)in->dim[at], p->axis_out = (size_t)out->dim[at];
    p->parts_in = (size_t)in->dim[in->ndim - 1], p->parts_out = (size_t)out->dim[out->ndim - 1];
    p->before = p->after = 1;
    for (int d = 0; d < at; d++) p->before *= (size_t)in->dim[d];
    for (int d = at + 1; d < in->ndim - 1; d++) p->after *= (size_t)in->dim[d];
    ctx->step->kernel = "fourier";
    if (ctx->step->out[0]->bytes == 0) return TDNN_OK;
    p->tasks = tdnn_plan_split(ctx, 40.0 * (double)(p->before * p->after) * (double)n,
                               p->before * p->after);
    tdnn_plan_phase(ctx, dft_run, p->tasks);
    return TDNN_OK;
}

static const tdnn_attr dft_attrs[] = {
    TDNN_INT(dft_params, inverse, 0),
    TDNN_INT(dft_params, onesided, 0),
    {0},
};

const tdnn_op tdnn_op_DFT = {
    .schema = {TDNN_SCHEMA(DFT, 1, 3, 1, 1, dft_attrs, dft_params)},
    .infer = dft_infer,
    .plan = dft_plan_step,
};

/* ---- STFT ---- */

static tdnn_status stft_infer(tdnn_infer *ctx)
{
    const dft_params *p = ctx->params;
    const tdnn_shape *in = &ctx->in[0]->shape;
    tdnn_few step, length;
    char text[TDNN_SHAPE_TEXT];
    TDNN_TRY(tdnn_infer_few(ctx, 1, &step));
    TDNN_TRY(tdnn_infer_few(ctx, 3, &length));
    const bool windowed = tdnn_infer_has(ctx, 2);
    const int64_t parts = in->ndim == 3 ? in->dim[2] : 1;
    if ((in->ndim != 2 && in->ndim != 3) || (parts != 1 && parts != 2) || step.count != 1 ||
        step.at[0] < 1 || (p->onesided && parts == 2) ||
        !tdnn_dtype_is_float(ctx->in[0]->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "a signal of shape %s in %s frames",
                         tdnn_shape_text(in, text), p->onesided ? "one-sided" : "two-sided");
    const int64_t window = windowed ? tdnn_shape_count(&ctx->in[2]->shape) : -1;
    const int64_t n = length.given && length.count == 1 ? length.at[0] : window;
    if (n < 1 || n > in->dim[1] || (windowed && window != n))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "frames of length %lld with a window of %lld from a signal of %lld",
                         (long long)n, (long long)window, (long long)in->dim[1]);
    const tdnn_shape out = {
        4, {in->dim[0], (in->dim[1] - n) / step.at[0] + 1, p->onesided ? n / 2 + 1 : n, 2}};
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &out);
    return TDNN_OK;
}

static void stft_run(const tdnn_step *step, size_t task, size_t worker)
{
    const dft_plan *p = step->data;
    tdnn_complex *x = (tdnn_complex *)(void *)(step->scratch + worker * step->scratch_stride);
    const tdnn_tensor *window = step->in[2];
    const size_t n = p->fourier.length;
    size_t begin, end;
    tdnn_task_range(p->before * p->frames, p->tasks, task, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const size_t first = i / p->frames * p->axis_in + i % p->frames * p->frame_step;
        for (size_t k = 0; k < n; k++) {
            double w = 1;
            if (window) tdnn_load_f64(&w, (tdnn_run){window->data, window->dtype, k, 1}, 1);
            x[k] = load_complex(step->in[0], first + k, p->parts_in);
            x[k] = (tdnn_complex){x[k].re * w, x[k].im * w};
        }
        tdnn_fourier_run(&p->fourier, x, false, x + n);
        for (size_t k = 0; k < p->axis_out; k++)
            store_complex(step->out[0], i * p->axis_out + k, 2, x[k]);
    }
}

static tdnn_status stft_plan_step(tdnn_plan_ctx *ctx)
{
    const tdnn_step *step = ctx->step;
    const tdnn_shape *in = &step->in[0]->shape, *out = &step->out[0]->shape;
    tdnn_few frame_step, length;
    dft_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(tdnn_plan_few(ctx, 1, &frame_step));
    TDNN_TRY(tdnn_plan_few(ctx, 3, &length));
    const int64_t n = length.given ? length.at[0] : tdnn_shape_count(&step->in[2]->shape);
    TDNN_TRY(plan_fourier(ctx, p, (size_t)n));
    p->before = (size_t)in->dim[0];
    p->axis_in = (size_t)in->dim[1];
    p->parts_in = in->ndim == 3 ? (size_t)in->dim[2] : 1;
    p->frames = (size_t)out->dim[1];
    p->frame_step = (size_t)frame_step.at[0];
    p->axis_out = (size_t)out->dim[2];
    ctx->step->kernel = "fourier";
    if (ctx->step->out[0]->bytes == 0) return TDNN_OK;
    p->tasks = tdnn_plan_split(ctx, 40.0 * (double)(p->before * p->frames) * (double)n,
                               p->before * p->frames);
    tdnn_plan_phase(ctx, stft_run, p->tasks);
    return TDNN_OK;
}

static const tdnn_attr stft_attrs[] = {TDNN_INT(dft_params, onesided, 1), {0}};

const tdnn_op tdnn_op_STFT = {
    .schema = {TDNN_SCHEMA(STFT, 2, 4, 1, 1, stft_attrs, dft_params)},
    .infer = stft_infer,
    .plan = stft_plan_step,
};
