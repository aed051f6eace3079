/* DynamicQuantizeLinear: f32 to u8 by the range that it has, which always takes in 0. */
#include "lib/ops/integer.h"

#include <math.h>

typedef struct dynamic_data {
    size_t total, tasks;
} dynamic_data;

enum { GRAIN = 4096 };

/* Phase 1: the range of each task's part. */
static void find_range(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const dynamic_data *d = s->data;
    size_t begin, end;
    tdnn_task_range(d->total, d->tasks, task, &begin, &end);
    const float *x = (const float *)s->in[0]->data + begin;
    float *range = (float *)(void *)s->shared + 2 * task;
    range[0] = s->kernels->row_min_f32(x, end - begin);
    range[1] = s->kernels->row_max_f32(x, end - begin);
}

/* Phase 2: scale and zero point. */
static void choose(const tdnn_step *s, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const dynamic_data *d = s->data;
    const float *range = (const float *)(const void *)s->shared;
    float low = 0, high = 0;
    for (size_t i = 0; i < d->tasks && d->total; i++) {
        low = fminf(low, range[2 * i]);
        high = fmaxf(high, range[2 * i + 1]);
    }
    int zero;
    tdnn_dynamic_scale(low, high, s->out[1]->data, &zero);
    *(uint8_t *)s->out[2]->data = (uint8_t)zero;
}

static void quantize(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const dynamic_data *d = s->data;
    size_t begin, end;
    tdnn_task_range(d->total, d->tasks, task, &begin, &end);
    s->kernels->quantize_x8(
        (uint8_t *)s->out[0]->data + begin, (const float *)s->in[0]->data + begin, end - begin,
        *(const float *)s->out[1]->data, *(const uint8_t *)s->out[2]->data, 0, 255);
}

static tdnn_status infer_dynamic(tdnn_infer *ctx)
{
    const tdnn_shape scalar = {0};
    if (ctx->in[0]->dtype != TDNN_F32)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "element type %s, expected f32",
                         tdnn_dtype_name(ctx->in[0]->dtype));
    tdnn_infer_set(ctx, 0, TDNN_U8, &ctx->in[0]->shape);
    tdnn_infer_set(ctx, 1, TDNN_F32, &scalar);
    tdnn_infer_set(ctx, 2, TDNN_U8, &scalar);
    return TDNN_OK;
}

static tdnn_status plan_dynamic(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    dynamic_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    d->total = (size_t)tdnn_shape_count(&s->in[0]->shape);
    d->tasks = tdnn_plan_split(ctx, 2 * (double)d->total, (d->total + GRAIN - 1) / GRAIN);
    tdnn_plan_shared(ctx, 2 * d->tasks * sizeof(float));
    tdnn_plan_phase(ctx, find_range, d->tasks);
    tdnn_plan_phase(ctx, choose, 1);
    tdnn_plan_phase(ctx, quantize, d->tasks);
    return TDNN_OK;
}

const tdnn_op tdnn_op_DynamicQuantizeLinear = {
    .schema = {TDNN_SCHEMA_PLAIN(DynamicQuantizeLinear, 1, 1, 3, 3)},
    .infer = infer_dynamic,
    .plan = plan_dynamic,
};
