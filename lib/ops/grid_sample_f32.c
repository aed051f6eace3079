/* GridSample of f32: where a few hundred places read and with which weights is worked out once,
 * for all channels.
 */
#include "lib/ops/grid_sample.h"

enum { PLACES = 256 }; /* at a time */

typedef struct sampler {
    size_t places, tasks, groups; /* places of one image, in groups of PLACES */
    size_t in_size, channels, axes, taps;
    bool linear; /* in two dimensions, without reflection */
} sampler;

/* The two neighbours on one axis, for n places `step` numbers apart. Weights of those outside
 * are 0, and their indices somewhere inside. */
typedef struct neighbours {
    int32_t at[2][PLACES];
    float weight[2][PLACES];
} neighbours;

static void find_neighbours(const tdnn_sample_params *p, const float *number, size_t step,
                            size_t n, int64_t length, neighbours *to)
{
    const float l = (float)length, last = l - 1, edge = p->align_corners ? 0 : -0.5f;
    const float slope = p->align_corners ? last / 2 : l / 2;
    const float shift = p->align_corners ? slope : slope - 0.5f;
    const bool border = p->padding_mode == PAD_BORDER;
    const int32_t most = (int32_t)length - 1;
    for (size_t i = 0; i < n; i++) {
        float x = number[i * step] * slope + shift;
        if (border && !(x >= edge && x <= last - edge)) x = x < 0 ? 0 : last;
        x = x > -2 ? x : -2; /* outside is outside, and NaN too */
        x = x < l + 1 ? x : l + 1;
        const int32_t a = (int32_t)(x + 2) - 2, b = a + 1;
        const float t = x - (float)a;
        const bool has_a = border || (a >= 0 && a <= most);
        const bool has_b = border || (b >= 0 && b <= most);
        to->at[0][i] = a < 0 ? 0 : a > most ? most : a;
        to->at[1][i] = b < 0 ? 0 : b > most ? most : b;
        to->weight[0][i] = has_a ? 1 - t : 0;
        to->weight[1][i] = has_b ? t : 0;
    }
}

static void linear_taps(const tdnn_step *step, const float *grid, size_t n, int32_t *index,
                        float *weight)
{
    const int64_t *dim = step->in[0]->shape.dim;
    const int32_t width = (int32_t)dim[3];
    neighbours x, y;
    find_neighbours(step->params, grid, 2, n, dim[3], &x);
    find_neighbours(step->params, grid + 1, 2, n, dim[2], &y);
    for (size_t k = 0; k < 4; k++, index += n, weight += n) {
        for (size_t i = 0; i < n; i++) {
            index[i] = y.at[k / 2][i] * width + x.at[k % 2][i];
            weight[i] = y.weight[k / 2][i] * x.weight[k % 2][i];
        }
    }
}

static void any_taps(const tdnn_step *step, const sampler *p, const float *grid, size_t n,
                     int32_t *index, float *weight)
{
    size_t offset[TDNN_SAMPLE_TAPS];
    float w[TDNN_SAMPLE_TAPS];
    for (size_t i = 0; i < n; i++) {
        const size_t count = tdnn_sample_place(step->params, &step->in[0]->shape,
                                               grid + i * p->axes, offset, w);
        for (size_t k = 0; k < p->taps; k++) {
            index[k * n + i] = k < count ? (int32_t)offset[k] : count ? (int32_t)offset[0] : 0;
            weight[k * n + i] = k < count ? w[k] : 0;
        }
    }
}

static void run(const tdnn_step *step, size_t task, size_t worker)
{
    const sampler *p = step->data;
    int32_t *index = (int32_t *)(void *)(step->scratch + worker * step->scratch_stride);
    float *weight = (float *)(void *)(index + p->taps * PLACES);
    size_t group, end;
    tdnn_task_range((size_t)step->in[0]->shape.dim[0] * p->groups, p->tasks, task, &group,
                    &end);
    for (; group < end; group++) {
        const size_t image = group / p->groups, first = group % p->groups * PLACES;
        const size_t n = p->places - first < PLACES ? p->places - first : PLACES;
        const float *grid =
            (const float *)step->in[1]->data + (image * p->places + first) * p->axes;
        const tdnn_taps taps = {n, p->taps, index, weight};
        if (p->linear)
            linear_taps(step, grid, n, index, weight);
        else
            any_taps(step, p, grid, n, index, weight);
        for (size_t c = image * p->channels; c < (image + 1) * p->channels; c++)
            step->kernels->taps_f32((float *)step->out[0]->data + c * p->places + first,
                                    (const float *)step->in[0]->data + c * p->in_size, &taps,
                                    1);
    }
}

tdnn_status tdnn_sample_plan_f32(tdnn_plan_ctx *ctx)
{
    const tdnn_sample_params *params = ctx->step->params;
    const tdnn_shape *in = &ctx->step->in[0]->shape, *out = &ctx->step->out[0]->shape;
    const size_t each = params->mode == SAMPLE_LINEAR ? 2 : params->mode == SAMPLE_CUBIC ? 4 : 1;
    const size_t planes = (size_t)(in->dim[0] * in->dim[1]);
    sampler *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    p->axes = (size_t)in->ndim - 2;
    p->taps = 1;
    for (size_t d = 0; d < p->axes; d++) p->taps *= each;
    p->linear = params->mode == SAMPLE_LINEAR && p->axes == 2 &&
                params->padding_mode != PAD_REFLECTION;
    p->channels = (size_t)in->dim[1];
    p->places = (size_t)tdnn_shape_count(out) / planes;
    p->in_size = (size_t)tdnn_shape_count(in) / planes;
    p->groups = (p->places + PLACES - 1) / PLACES;
    ctx->step->data = p;
    tdnn_plan_scratch(ctx, p->taps * PLACES * (sizeof(float) + sizeof(int32_t)));
    p->tasks = tdnn_plan_split(ctx, 4.0 * (double)p->taps * (double)tdnn_shape_count(out),
                               (size_t)in->dim[0] * p->groups);
    tdnn_plan_phase(ctx, run, p->tasks);
    return TDNN_OK;
}
