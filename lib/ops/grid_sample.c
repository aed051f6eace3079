/* GridSample: an image (or volume) read at given places between its elements; and AffineGrid,
 * which makes such places from an affine transformation.
 */
#include "lib/ops/convert.h"
#include "lib/ops/grid_sample.h"
#include "lib/ops/move.h"

#include <math.h>

/* ---- GridSample ---- */

static tdnn_status sample_infer(tdnn_infer *ctx)
{
    const tdnn_shape *in = &ctx->in[0]->shape, *grid = &ctx->in[1]->shape;
    const int axes = in->ndim - 2;
    char a[TDNN_SHAPE_TEXT], b[TDNN_SHAPE_TEXT];
    if (axes < 1 || axes > TDNN_SAMPLE_AXES || grid->ndim != in->ndim ||
        grid->dim[in->ndim - 1] != axes || grid->dim[0] != in->dim[0])
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "data of shape %s and a grid of shape %s do not fit together",
                         tdnn_shape_text(in, a), tdnn_shape_text(grid, b));
    if (!tdnn_dtype_is_real(ctx->in[0]->dtype) || !tdnn_dtype_is_float(ctx->in[1]->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "data of type %s, a grid of type %s",
                         tdnn_dtype_name(ctx->in[0]->dtype),
                         tdnn_dtype_name(ctx->in[1]->dtype));
    tdnn_shape out = *in;
    for (int d = 0; d < axes; d++) out.dim[d + 2] = grid->dim[d + 1];
    for (int d = 0; d < axes; d++)
        if (in->dim[d + 2] == 0 && tdnn_shape_count(&out) != 0)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "there is nothing to sample in shape %s",
                             tdnn_shape_text(in, a));
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &out);
    return TDNN_OK;
}

static double reflect(double x, double low, double high)
{
    const double range = high - low;
    if (!(range > 0)) return low;
    double way = fmod(fabs(x - low), 2 * range);
    if (way > range) way = 2 * range - way;
    return low + way;
}

/* Index k of an axis, which may lie outside; -1: 0 stands there. */
static int64_t inside(const tdnn_sample_params *p, double k, int64_t length)
{
    if (k >= 0 && k < (double)length) return (int64_t)k;
    if (p->padding_mode == PAD_ZEROS || isnan(k)) return -1;
    if (p->padding_mode == PAD_BORDER) return k < 0 ? 0 : length - 1;
    const double edge = p->align_corners ? 0 : -0.5;
    const int64_t at = (int64_t)reflect(k, edge, (double)(length - 1) - edge);
    return at < 0 ? 0 : at >= length ? length - 1 : at;
}

/* What an axis gives for the grid's number: 1, 2 or 4 indices with weights. */
static int axis_taps(const tdnn_sample_params *p, float number, int64_t length, int64_t index[4],
                     float weight[4])
{
    const float n = (float)length, a = -0.75f;
    double x = p->align_corners ? (number + 1) / 2 * (n - 1) : ((number + 1) * n - 1) / 2;
    const double edge = p->align_corners ? 0 : -0.5;
    if (p->mode == SAMPLE_NEAREST) x = nearbyint(x);
    if (x < edge || x > (double)(length - 1) - edge) {
        if (p->padding_mode == PAD_BORDER) x = x < 0 ? 0 : (double)(length - 1);
        if (p->padding_mode == PAD_REFLECTION)
            x = (float)reflect(x, edge, (double)(length - 1) - edge);
    }
    const double low = floor(x);
    const float t = (float)(x - low), u = 1 - t;
    if (p->mode == SAMPLE_NEAREST) {
        index[0] = inside(p, trunc(x), length);
        weight[0] = 1;
        return 1;
    }
    if (p->mode == SAMPLE_LINEAR) {
        weight[0] = u;
        weight[1] = t;
        for (int k = 0; k < 2; k++) index[k] = inside(p, low + k, length);
        return 2;
    }
    weight[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
    weight[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
    weight[2] = ((a + 2) * u - (a + 3)) * u * u + 1;
    weight[3] = ((a * (u + 1) - 5 * a) * (u + 1) + 8 * a) * (u + 1) - 4 * a;
    for (int k = 0; k < 4; k++) index[k] = inside(p, low - 1 + k, length);
    return 4;
}

size_t tdnn_sample_place(const tdnn_sample_params *p, const tdnn_shape *in, const float *place,
                         size_t offset[TDNN_SAMPLE_TAPS], float weight[TDNN_SAMPLE_TAPS])
{
    size_t count = 1;
    offset[0] = 0;
    weight[0] = 1;
    for (int d = 2; d < in->ndim; d++) {
        const int64_t length = in->dim[d];
        int64_t index[4];
        float w[4];
        const int taps = axis_taps(p, place[in->ndim - 1 - d], length, index, w);
        size_t old_offset[TDNN_SAMPLE_TAPS], made = 0;
        float old_weight[TDNN_SAMPLE_TAPS];
        for (size_t i = 0; i < count; i++) old_offset[i] = offset[i], old_weight[i] = weight[i];
        for (size_t i = 0; i < count; i++) {
            for (int k = 0; k < taps; k++) {
                if (index[k] < 0) continue;
                offset[made] = old_offset[i] * (size_t)length + (size_t)index[k];
                weight[made++] = old_weight[i] * w[k];
            }
        }
        count = made;
    }
    return count;
}

typedef struct sample_plan {
    size_t places, tasks; /* places of one image */
    size_t in_size, channels;
} sample_plan;

static void sample_place(const tdnn_step *step, const sample_plan *p, size_t image, size_t at)
{
    const tdnn_tensor *in = step->in[0], *grid = step->in[1], *out = step->out[0];
    const size_t axes = (size_t)in->shape.ndim - 2;
    size_t offset[TDNN_SAMPLE_TAPS];
    float weight[TDNN_SAMPLE_TAPS], place[TDNN_SAMPLE_AXES];
    double wide[TDNN_SAMPLE_AXES];
    tdnn_load_f64(wide, (tdnn_run){grid->data, grid->dtype, (image * p->places + at) * axes, 1},
                  axes);
    for (size_t d = 0; d < axes; d++) place[d] = (float)wide[d];
    const size_t taps = tdnn_sample_place(step->params, &in->shape, place, offset, weight);
    for (size_t c = 0; c < p->channels; c++) {
        const size_t plane = image * p->channels + c, to = plane * p->places + at;
        double sum = 0, x;
        for (size_t k = 0; k < taps; k++) {
            tdnn_load_f64(
                &x, (tdnn_run){in->data, in->dtype, plane * p->in_size + offset[k], 1}, 1);
            sum += (double)weight[k] * x;
        }
        tdnn_store_f64((tdnn_run){out->data, out->dtype, to, 1}, &sum, 1);
    }
}

static void sample_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const sample_plan *p = step->data;
    size_t begin, end;
    tdnn_task_range((size_t)step->in[0]->shape.dim[0] * p->places, p->tasks, task, &begin,
                    &end);
    for (size_t i = begin; i < end; i++) sample_place(step, p, i / p->places, i % p->places);
}

static tdnn_status sample_plan_step(tdnn_plan_ctx *ctx)
{
    const tdnn_shape *in = &ctx->step->in[0]->shape, *out = &ctx->step->out[0]->shape;
    sample_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    ctx->step->kernel = "grid sample";
    const size_t count = (size_t)tdnn_shape_count(out);
    if (count == 0) return TDNN_OK;
    if (ctx->step->in[0]->dtype == TDNN_F32 && ctx->step->in[1]->dtype == TDNN_F32 &&
        tdnn_shape_count(in) < INT32_MAX)
        return tdnn_sample_plan_f32(ctx);
    p->channels = (size_t)in->dim[1];
    p->places = count / (size_t)(in->dim[0] * in->dim[1]);
    p->in_size = (size_t)tdnn_shape_count(in) / (size_t)(in->dim[0] * in->dim[1]);
    p->tasks = tdnn_plan_split(ctx, 16.0 * (double)count, (size_t)in->dim[0] * p->places);
    tdnn_plan_phase(ctx, sample_run, p->tasks);
    return TDNN_OK;
}

static const char *const sample_modes[] = {"linear", "nearest", "cubic", NULL};
static const char *const sample_paddings[] = {"zeros", "border", "reflection", NULL};

static const tdnn_attr sample_attrs[] = {
    TDNN_ENUM(tdnn_sample_params, mode, sample_modes, SAMPLE_LINEAR),
    TDNN_ENUM(tdnn_sample_params, padding_mode, sample_paddings, PAD_ZEROS),
    TDNN_INT(tdnn_sample_params, align_corners, 0),
    {0},
};

const tdnn_op tdnn_op_GridSample = {
    .schema = {TDNN_SCHEMA(GridSample, 2, 2, 1, 1, sample_attrs, tdnn_sample_params)},
    .infer = sample_infer,
    .plan = sample_plan_step,
};

/* ---- AffineGrid ---- */

typedef struct grid_params {
    int64_t align_corners;
} grid_params;

static tdnn_status grid_infer(tdnn_infer *ctx)
{
    const tdnn_shape *theta = &ctx->in[0]->shape;
    tdnn_few size;
    char text[TDNN_SHAPE_TEXT];
    TDNN_TRY(tdnn_infer_few(ctx, 1, &size));
    const int axes = (int)size.count - 2;
    if ((axes != 2 && axes != 3) || theta->ndim != 3 || theta->dim[0] != size.at[0] ||
        theta->dim[1] != axes || theta->dim[2] != axes + 1 ||
        !tdnn_dtype_is_float(ctx->in[0]->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "%s transformations of shape %s for a size of %zu numbers",
                         tdnn_dtype_name(ctx->in[0]->dtype), tdnn_shape_text(theta, text),
                         size.count);
    tdnn_shape out = {.ndim = axes + 2, .dim = {size.at[0]}};
    for (int d = 0; d < axes; d++) out.dim[d + 1] = size.at[d + 2];
    out.dim[axes + 1] = axes;
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &out);
    return TDNN_OK;
}

/* Index i of `length` in -1 .. 1. */
static double normalized(const grid_params *p, int64_t i, int64_t length)
{
    if (p->align_corners) return length > 1 ? (double)(2 * i) / (double)(length - 1) - 1 : -1;
    return (double)(2 * i + 1) / (double)length - 1;
}

/* A row of places a task: what its other axes add is the same for all of them. */
static void grid_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    enum { CHUNK = 64 };
    const tdnn_tensor *theta = step->in[0], *out = step->out[0];
    const int64_t *size = out->shape.dim + 1;
    const size_t axes = (size_t)out->shape.ndim - 2, row = axes + 1, last = axes - 1;
    const size_t width = (size_t)size[last];
    double matrix[12], base[3], part[3 * CHUNK];
    size_t rest = task;
    double place[3] = {0};
    for (size_t d = last; d-- > 0;) {
        place[last - d] = normalized(step->params, (int64_t)(rest % (size_t)size[d]), size[d]);
        rest /= (size_t)size[d];
    }
    tdnn_load_f64(matrix, (tdnn_run){theta->data, theta->dtype, rest * axes * row, 1},
                  axes * row);
    for (size_t d = 0; d < axes; d++) {
        base[d] = matrix[d * row + axes];
        for (size_t k = 1; k < axes; k++) base[d] += matrix[d * row + k] * place[k];
    }
    for (size_t i = 0; i < width; i += CHUNK) {
        const size_t n = width - i < CHUNK ? width - i : CHUNK;
        for (size_t k = 0; k < n; k++) {
            const double x = normalized(step->params, (int64_t)(i + k), size[last]);
            for (size_t d = 0; d < axes; d++) part[k * axes + d] = base[d] + matrix[d * row] * x;
        }
        tdnn_store_f64((tdnn_run){out->data, out->dtype, (task * width + i) * axes, 1}, part,
                       n * axes);
    }
}

static tdnn_status grid_plan(tdnn_plan_ctx *ctx)
{
    ctx->step->kernel = "affine grid";
    const tdnn_shape *out = &ctx->step->out[0]->shape;
    const int axes = out->ndim - 2;
    if (ctx->step->out[0]->bytes)
        tdnn_plan_phase(ctx, grid_run, (size_t)(tdnn_shape_count(out) / axes / out->dim[axes]));
    return TDNN_OK;
}

static const tdnn_attr grid_attrs[] = {TDNN_INT(grid_params, align_corners, 0), {0}};

const tdnn_op tdnn_op_AffineGrid = {
    .schema = {TDNN_SCHEMA(AffineGrid, 2, 2, 1, 1, grid_attrs, grid_params)},
    .infer = grid_infer,
    .plan = grid_plan,
};
