/* What signal processing needs besides the Fourier transform: HannWindow, HammingWindow,
 * BlackmanWindow, MelWeightMatrix.
 */
#include "lib/ops/convert.h"
#include "lib/ops/move.h"

#include <math.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

typedef struct window_params {
    int64_t output_datatype, periodic;
} window_params;

static tdnn_status set_typed(tdnn_infer *ctx, int64_t type, const tdnn_shape *shape)
{
    if (type <= TDNN_NONE || type >= TDNN_DTYPE_COUNT || !tdnn_dtype_is_real((tdnn_dtype)type))
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "output type %lld", (long long)type);
    tdnn_infer_set(ctx, 0, (tdnn_dtype)type, shape);
    return TDNN_OK;
}

/* ---- windows ---- */

static tdnn_status window_infer(tdnn_infer *ctx)
{
    const window_params *p = ctx->params;
    tdnn_few size;
    TDNN_TRY(tdnn_infer_few(ctx, 0, &size));
    if (size.count != 1 || size.at[0] < 0)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "the size is no single number from 0 on");
    const tdnn_shape shape = {1, {size.at[0]}};
    return set_typed(ctx, p->output_datatype, &shape);
}

/* a + b cos(t) + c cos(2 t) over one turn; a symmetric window ends where a periodic one would
 * begin again. */
static void cosines(const tdnn_step *step, double a, double b, double c)
{
    const window_params *p = step->params;
    const tdnn_tensor *out = step->out[0];
    const size_t count = (size_t)out->shape.dim[0];
    const double turn = p->periodic ? (double)count : (double)count - 1;
    for (size_t i = 0; i < count; i++) {
        const double t = turn > 0 ? 2 * pi * (double)i / turn : 0;
        const double x = a + b * cos(t) + c * cos(2 * t);
        tdnn_store_f64((tdnn_run){out->data, out->dtype, i, 1}, &x, 1);
    }
}

static void hann_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    cosines(step, 0.5, -0.5, 0);
}

static void hamming_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    cosines(step, 25.0 / 46, -21.0 / 46, 0);
}

static void blackman_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    cosines(step, 0.42, -0.5, 0.08);
}

static tdnn_status plan_one(tdnn_plan_ctx *ctx, tdnn_run_fn run)
{
    ctx->step->kernel = "window";
    if (ctx->step->out[0]->bytes) tdnn_plan_phase(ctx, run, 1);
    return TDNN_OK;
}

static tdnn_status hann_plan(tdnn_plan_ctx *ctx) { return plan_one(ctx, hann_run); }
static tdnn_status hamming_plan(tdnn_plan_ctx *ctx) { return plan_one(ctx, hamming_run); }
static tdnn_status blackman_plan(tdnn_plan_ctx *ctx) { return plan_one(ctx, blackman_run); }

static const tdnn_attr window_attrs[] = {
    TDNN_INT(window_params, output_datatype, TDNN_F32),
    TDNN_INT(window_params, periodic, 1),
    {0},
};

const tdnn_op tdnn_op_HannWindow = {
    .schema = {TDNN_SCHEMA(HannWindow, 1, 1, 1, 1, window_attrs, window_params)},
    .infer = window_infer,
    .plan = hann_plan,
};

const tdnn_op tdnn_op_HammingWindow = {
    .schema = {TDNN_SCHEMA(HammingWindow, 1, 1, 1, 1, window_attrs, window_params)},
    .infer = window_infer,
    .plan = hamming_plan,
};

const tdnn_op tdnn_op_BlackmanWindow = {
    .schema = {TDNN_SCHEMA(BlackmanWindow, 1, 1, 1, 1, window_attrs, window_params)},
    .infer = window_infer,
    .plan = blackman_plan,
};

/* ---- MelWeightMatrix ---- */

typedef struct mel_params {
    int64_t output_datatype;
} mel_params;

static tdnn_status mel_infer(tdnn_infer *ctx)
{
    const mel_params *p = ctx->params;
    tdnn_few bins, length;
    TDNN_TRY(tdnn_infer_few(ctx, 0, &bins));
    TDNN_TRY(tdnn_infer_few(ctx, 1, &length));
    for (size_t i = 0; i < 5; i++)
        if (tdnn_shape_count(&ctx->in[i]->shape) != 1 || !tdnn_dtype_is_real(ctx->in[i]->dtype))
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is no single number", i);
    if (bins.at[0] < 0 || length.at[0] < 0)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "%lld bands of a transform of length %lld",
                         (long long)bins.at[0], (long long)length.at[0]);
    const tdnn_shape shape = {2, {length.at[0] / 2 + 1, bins.at[0]}};
    return set_typed(ctx, p->output_datatype, &shape);
}

static double mel_of(double hertz) { return 2595 * log10(1 + hertz / 700); }

typedef struct mel_scale {
    double low, step, length, rate;
} mel_scale;

/* The bin in which band edge i lies. */
static double edge_bin(const mel_scale *s, int64_t i)
{
    const double hertz = 700 * (pow(10, (s->low + (double)i * s->step) / 2595) - 1);
    return floor((s->length + 1) * hertz / s->rate);
}

/* A triangle from one edge through the next to the one behind it. */
static double triangle(double bin, double low, double center, double high)
{
    if (center == low ? bin == center : bin >= low && bin <= center) {
        if (bin < center || high <= center)
            return center == low ? 1 : (bin - low) / (center - low);
        return 1;
    }
    return bin > center && bin < high ? (high - bin) / (high - center) : 0;
}

static void mel_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const tdnn_tensor *out = step->out[0];
    const int64_t rows = out->shape.dim[0], bands = out->shape.dim[1];
    const double low = mel_of(tdnn_tensor_get_f64(step->in[3], 0));
    const double high = mel_of(tdnn_tensor_get_f64(step->in[4], 0));
    const mel_scale scale = {low, (high - low) / (double)(bands + 2),
                             tdnn_tensor_get_f64(step->in[1], 0),
                             tdnn_tensor_get_f64(step->in[2], 0)};
    for (int64_t b = 0; b < bands; b++) {
        const double begin = edge_bin(&scale, b), center = edge_bin(&scale, b + 1);
        const double end = edge_bin(&scale, b + 2);
        for (int64_t r = 0; r < rows; r++) {
            const double x = triangle((double)r, begin, center, end);
            tdnn_store_f64((tdnn_run){out->data, out->dtype, (size_t)(r * bands + b), 1}, &x,
                           1);
        }
    }
}

static tdnn_status mel_plan(tdnn_plan_ctx *ctx) { return plan_one(ctx, mel_run); }

static const tdnn_attr mel_attrs[] = {TDNN_INT(mel_params, output_datatype, TDNN_F32), {0}};

const tdnn_op tdnn_op_MelWeightMatrix = {
    .schema = {TDNN_SCHEMA(MelWeightMatrix, 5, 5, 1, 1, mel_attrs, mel_params)},
    .infer = mel_infer,
    .plan = mel_plan,
};
