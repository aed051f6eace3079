/* Convolution and transposed convolution of floats other than f32, element by element in f64:
 * correct for every type and any number of axes, not fast. */
#include "lib/ops/conv.h"
#include "lib/ops/convert.h"

typedef struct wide_plan {
    tdnn_windows windows; /* of the convolution; transposed: in and out change places */
    bool transposed;
    size_t groups, group_ic, group_oc, area, pixels_in, pixels_out;
    size_t w, b;          /* offsets of weights and bias in the shared f64 numbers    */
    tdnn_act act;
} wide_plan;

static double *shared(const tdnn_step *step) { return (double *)(void *)step->shared; }

/* Everything widened once: X, W and B in a row. */
static void widen_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const wide_plan *p = step->data;
    const tdnn_tensor *t = tdnn_step_input(step, task);
    const size_t offset = task == CONV_X ? 0 : task == CONV_W ? p->w : p->b;
    if (!t) return;
    tdnn_load_f64(shared(step) + offset, tdnn_run_of(t->data, t->dtype, 0, 1),
                  (size_t)tdnn_shape_count(&t->shape));
}

/* The input pixel that output pixel `at` meets at kernel position `k`; SIZE_MAX if there is
 * none. */
static size_t meet(const wide_plan *p, size_t at, size_t k)
{
    int64_t index = 0, scale = 1;
    for (int i = p->windows.rank - 1; i >= 0; i--) {
        const tdnn_window_axis *a = &p->windows.axis[i];
        const int64_t o = (int64_t)at % a->out, tap = (int64_t)k % a->kernel * a->dilation;
        at /= (size_t)a->out, k /= (size_t)a->kernel;
        int64_t x = p->transposed ? o + a->pad - tap : o * a->stride + tap - a->pad;
        if (p->transposed && x % a->stride) return SIZE_MAX;
        if (p->transposed) x /= a->stride;
        if (x < 0 || x >= a->in) return SIZE_MAX;
        index += x * scale;
        scale *= a->in;
    }
    return (size_t)index;
}

/* Weight of input channel `i` (of the group) for output channel `o`. */
static size_t weight_at(const wide_plan *p, size_t o, size_t i)
{
    if (!p->transposed) return (o * p->group_ic + i) * p->area;
    return ((o / p->group_oc * p->group_ic + i) * p->group_oc + o % p->group_oc) * p->area;
}

static double sum_at(const tdnn_step *step, const wide_plan *p, size_t image, size_t o, size_t at)
{
    const double *x = shared(step), *w = x + p->w;
    const size_t first = (image * p->groups + o / p->group_oc) * p->group_ic;
    double sum = tdnn_step_input(step, CONV_B) ? x[p->b + o] : 0;
    for (size_t k = 0; k < p->area; k++) {
        const size_t pixel = meet(p, at, k);
        if (pixel == SIZE_MAX) continue;
        for (size_t i = 0; i < p->group_ic; i++)
            sum += x[(first + i) * p->pixels_in + pixel] * w[weight_at(p, o, i) + k];
    }
    return sum;
}

static double activated(const tdnn_step *step, const wide_plan *p, double x)
{
    if (p->act.kind == TDNN_ACTIVATE_NONE) return x;
    float y = (float)x;
    step->kernels->activate_f32(&y, &y, 1, &p->act);
    return (double)y;
}

/* One output channel of one image. */
static void wide_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const wide_plan *p = step->data;
    const size_t channels = p->groups * p->group_oc;
    const tdnn_tensor *y = step->out[0], *residual = tdnn_step_input(step, CONV_RESIDUAL);
    const bool after = residual && ((const tdnn_conv_params *)step->params)->residual_after;
    for (size_t at = 0; at < p->pixels_out; at++) {
        double sum = sum_at(step, p, task / channels, task % channels, at), add = 0;
        const size_t to = task * p->pixels_out + at;
        if (residual) tdnn_load_f64(&add, tdnn_run_of(residual->data, y->dtype, to, 1), 1);
        sum = after ? activated(step, p, sum) + add : activated(step, p, sum + add);
        tdnn_store_f64(tdnn_run_of(y->data, y->dtype, to, 1), &sum, 1);
    }
}

tdnn_status tdnn_conv_plan_wide(tdnn_plan_ctx *ctx, const tdnn_windows *windows, size_t groups,
                                bool transposed, const tdnn_activation *activation)
{
    const tdnn_step *step = ctx->step;
    const tdnn_shape *x = &step->in[CONV_X]->shape, *w = &step->in[CONV_W]->shape;
    const tdnn_shape *y = &step->out[0]->shape;
    if (!tdnn_dtype_is_float(step->out[0]->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "convolution of %s, expected floats",
                         tdnn_dtype_name(step->out[0]->dtype));
    wide_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    *p = (wide_plan){.windows = *windows,
                     .transposed = transposed,
                     .groups = groups,
                     .group_ic = (size_t)x->dim[1] / groups,
                     .group_oc = (size_t)y->dim[1] / groups,
                     .area = 1,
                     .pixels_in = 1,
                     .pixels_out = 1,
                     .act = tdnn_act_make(activation)};
    for (int i = 0; i < windows->rank; i++) {
        p->area *= (size_t)windows->axis[i].kernel;
        p->pixels_in *= (size_t)windows->axis[i].in;
        p->pixels_out *= (size_t)windows->axis[i].out;
    }
    p->w = (size_t)tdnn_shape_count(x);
    p->b = p->w + (size_t)tdnn_shape_count(w);
    size_t bytes;
    if (!tdnn_size_mul(p->b + (size_t)y->dim[1], sizeof(double), &bytes))
        return TDNN_NO_MEMORY(ctx->err);
    tdnn_plan_shared(ctx, bytes);
    tdnn_plan_phase(ctx, widen_run, 3);
    tdnn_plan_phase(ctx, wide_run, (size_t)(y->dim[0] * y->dim[1]));
    ctx->step->kernel = "conv element-wise";
    return TDNN_OK;
}
