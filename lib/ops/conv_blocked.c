/* Convolution in channel-blocked layout: which kernel, its packed weights, its tasks. */
#include "lib/ops/conv.h"

#include <stdio.h>

/* Groups that do not come out even are two convolutions, of some blocks of channels each. */
typedef struct blocked_part {
    tdnn_conv conv;
    tdnn_conv_fn *kernel;
    size_t channel;     /* of the output, its first                       */
    size_t x_at, y_at;  /* floats from the image's start                  */
    size_t packed_at;   /* floats from the start of the packed weights    */
} blocked_part;

typedef struct blocked_plan {
    blocked_part parts[2];
    size_t part_count, tasks; /* tasks: of an image, or of all if there is one part */
    size_t x_image, y_image;  /* floats                                             */
    size_t packed_count;
    const float *packed; /* NULL: packed in each run, into the step's shared scratch */
} blocked_plan;

typedef struct pack_context {
    const blocked_plan *plan;
    const tdnn_kernels *kernels;
} pack_context;

static void pack_parts(const blocked_plan *p, const float *w, size_t depth, const float *bias,
                       float *out, const tdnn_kernels *k)
{
    for (const blocked_part *part = p->parts; part < p->parts + p->part_count; part++)
        tdnn_conv_pack(&part->conv, w + part->channel * depth, bias ? bias + part->channel : NULL,
                       out + part->packed_at, k);
}

/* Weights of an output channel. */
static size_t depth_of(const tdnn_tensor *w)
{
    return (size_t)(w->shape.dim[1] * w->shape.dim[2] * w->shape.dim[3]);
}

static tdnn_status pack_weights(void *context, const tdnn_tensor *const *source, void *out,
                                tdnn_error *err)
{
    (void)err;
    const pack_context *c = context;
    pack_parts(c->plan, source[0]->data, depth_of(source[0]),
               source[1] ? source[1]->data : NULL, out, c->kernels);
    return TDNN_OK;
}

static void pack_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    pack_parts(step->data, tdnn_step_floats(step, CONV_W), depth_of(step->in[CONV_W]),
               tdnn_step_floats(step, CONV_B), (float *)(void *)step->shared, step->kernels);
}

static void blocked_run(const tdnn_step *step, size_t task, size_t worker)
{
    const blocked_plan *p = step->data;
    const blocked_part *part = p->parts;
    const size_t image = task / p->tasks;
    task %= p->tasks;
    if (task >= part->conv.task_count) {
        task -= part->conv.task_count;
        part++;
    }
    const size_t y_at = image * p->y_image + part->y_at;
    const float *packed = p->packed ? p->packed : (const float *)(const void *)step->shared;
    const float *residual = tdnn_step_floats(step, CONV_RESIDUAL);
    const tdnn_conv_io io = {
        .x = tdnn_step_floats(step, CONV_X) + image * p->x_image + part->x_at,
        .weights = packed + part->packed_at,
        .residual = residual ? residual + y_at : NULL,
        .y = (float *)step->out[0]->data + y_at,
    };
    part->kernel(&part->conv, &io, task, step->scratch + worker * step->scratch_stride);
}

/* Winograd's weights are four times as many and are read once for each few tiles. Measured by
 * `tests/kernels/check --bench -t conv` on one core, against direct: 56x56, 64 channels 2.8
 * times as fast; 28x28, 128 channels 2.9; 20x20, 128 channels 3.3; 14x14, 256 channels (16
 * tiles, 9 MiB) 1.6; 7x7, 512 channels (4 tiles, 36 MiB) 0.4. */
static bool winograd_pays(const tdnn_conv *c, size_t tiles)
{
    const size_t weights = TDNN_WINOGRAD_POINTS * c->ic * c->oc * sizeof(float);
    return tiles >= 25 || (tiles >= 12 && weights <= (size_t)16 << 20);
}

/* Each kernel position costs the pixels it reaches, a row of them never less than LINE, and
 * LINE_MORE. */
static size_t by_tap_cost(const tdnn_conv *c)
{
    enum { LINE = 6, LINE_MORE = 2 };
    size_t rows = 0, lines = 0;
    for (size_t k = 0; k < c->kh; k++) {
        const tdnn_conv_stretch reached =
            tdnn_conv_reached(c->oh, c->ih, k * c->dilation_h, c->pad_top);
        if (reached.end > reached.begin) rows += reached.end - reached.begin;
    }
    for (size_t k = 0; k < c->kw; k++) {
        const tdnn_conv_stretch reached =
            tdnn_conv_reached(c->ow, c->iw, k * c->dilation_w, c->pad_left);
        const size_t count = reached.end > reached.begin ? reached.end - reached.begin : 0;
        if (count) lines += (count < LINE ? LINE : count) + LINE_MORE;
    }
    return rows * lines;
}

/* The cheapest way, each counted in products for each weight; transformed tiles cost a third
 * more. At 20x20 with 960->256 channels: dilation 12 18.6 ms direct, 24 29.1, 36 16.5 as a
 * matrix product. */
static tdnn_conv_method choose_f32(const tdnn_conv *c, size_t block, bool may_winograd)
{
    const bool direct = tdnn_conv_can(c, TDNN_CONV_BLOCK, block);
    size_t best = direct ? c->oh * c->ow * c->kh * c->kw : SIZE_MAX;
    tdnn_conv_method method = TDNN_CONV_BLOCK;
    const size_t tiles =
        tdnn_winograd_strips(c->oh, c->dilation_h) * tdnn_winograd_strips(c->ow, c->dilation_w);
    const size_t winograd = tiles * TDNN_WINOGRAD_POINTS * 4 / 3;
    if (may_winograd && tdnn_conv_can(c, TDNN_CONV_WINOGRAD, block) && winograd < best &&
        winograd_pays(c, tiles)) {
        best = winograd;
        method = TDNN_CONV_WINOGRAD;
    }
    if (tdnn_conv_can(c, TDNN_CONV_BY_TAP, block) && by_tap_cost(c) < best - best / 8)
        method = TDNN_CONV_BY_TAP;
    return method;
}

/* Smaller layers (counted for one image) take their few microseconds for other things than
 * products, and networks of them suffer most from rounding: MobileNet v1 0.25 has 27 dB with
 * single products, 24 behind its softmax. */
#define BF16X3_FLOPS 4e6

/* Output channels from which on a first layer is rounded: with 16, the text detector of PP-OCR
 * v4 has 24 dB in place of 31. */
enum { BF16_FIRST_OC = 32 };

tdnn_conv_method tdnn_conv_choose(const tdnn_plan_ctx *ctx, const tdnn_conv *c, tdnn_layout input)
{
    const size_t block = ctx->kernels->block;
    const bool bf16 = ctx->precision == TDNN_PRECISION_FAST && ctx->kernels->bf16;
    if (input == TDNN_LAYOUT_PLAIN)
        return bf16 && c->oc >= BF16_FIRST_OC && tdnn_conv_can(c, TDNN_CONV_BF16_FIRST, block)
                   ? TDNN_CONV_BF16_FIRST
                   : TDNN_CONV_FIRST;
    if (c->groups > 1 && tdnn_conv_can(c, TDNN_CONV_DEPTHWISE, block)) return TDNN_CONV_DEPTHWISE;
    if (bf16 && tdnn_conv_can(c, TDNN_CONV_BF16, block))
        return (double)ctx->step->flops < BF16X3_FLOPS * (double)c->batch ? TDNN_CONV_BF16X3
                                                                          : TDNN_CONV_BF16;
    return choose_f32(c, block, !ctx->no_winograd);
}

tdnn_conv_fn *tdnn_conv_kernel(const tdnn_kernels *k, tdnn_conv_method method)
{
    tdnn_conv_fn *const kernels[] = {k->conv_block_f32, k->conv_first_f32, k->conv_depthwise_f32,
                                     k->conv_winograd_f32, k->conv_bf16, k->conv_bf16,
                                     k->conv_bf16, k->conv_by_tap_f32};
    return kernels[method];
}

const char *tdnn_conv_method_name(tdnn_conv_method method)
{
    static const char *const names[] = {"",      " first",  " depthwise",  " winograd",
                                        " bf16", " bf16x3", " bf16 first", " by tap"};
    return names[method];
}

/* Weights that never change are packed once for all sessions of the net. */
static tdnn_status plan_weights(tdnn_plan_ctx *ctx, blocked_plan *p)
{
    const tdnn_tensor *w = ctx->constants[CONV_W];
    const bool has_bias = tdnn_step_input(ctx->step, CONV_B) != NULL;
    const tdnn_tensor *bias = has_bias ? ctx->constants[CONV_B] : NULL;
    const size_t bytes = p->packed_count * sizeof(float);
    if (!w || (has_bias && !bias)) {
        tdnn_plan_shared(ctx, bytes);
        tdnn_plan_phase(ctx, pack_run, 1);
        return TDNN_OK;
    }
    const tdnn_conv *c = &p->parts[0].conv, *rest = p->part_count > 1 ? &p->parts[1].conv : NULL;
    const tdnn_pack_key key = {
        .what = "conv blocked",
        .source = {w, bias},
        .number = {(int64_t)c->method, (int64_t)c->block, (int64_t)c->groups, c->by_point,
                   rest ? (int64_t)rest->method : -1, rest && rest->by_point},
        .anywhere = !rest && tdnn_conv_packs_anywhere(c)};
    pack_context context = {p, ctx->kernels};
    const void *packed = NULL;
    TDNN_TRY(tdnn_plan_pack(ctx, &key, bytes, pack_weights, &context, sizeof context, &packed));
    p->packed = packed;
    return TDNN_OK;
}

/* One part, behind `before` if that is there. */
static void plan_part(tdnn_plan_ctx *ctx, blocked_plan *p, blocked_part *part,
                      const blocked_part *before)
{
    const size_t block = ctx->kernels->block;
    const tdnn_conv asked = part->conv;
    const tdnn_conv_method method = tdnn_conv_choose(ctx, &asked, ctx->step->in[CONV_X]->layout);
    tdnn_conv_plan(&part->conv, method, ctx->kernels, (size_t)ctx->threads);
    part->kernel = tdnn_conv_kernel(ctx->kernels, method);
    part->packed_at = p->packed_count;
    p->packed_count += (tdnn_conv_packed_count(&part->conv) + 15) / 16 * 16;
    p->tasks += part->conv.task_count;
    tdnn_plan_scratch(ctx, part->conv.scratch_bytes);
    if (before) { /* which has whole blocks */
        part->channel = before->conv.asked_oc;
        part->x_at = before->conv.ic * asked.ih * asked.iw;
        part->y_at = before->conv.oc * asked.oh * asked.ow;
        p->x_image = part->x_at + tdnn_conv_blocks(asked.ic, block) * block * asked.ih * asked.iw;
        p->y_image = part->y_at + tdnn_conv_blocks(asked.oc, block) * block * asked.oh * asked.ow;
    }
}

tdnn_status tdnn_conv_plan_blocked(tdnn_plan_ctx *ctx)
{
    tdnn_step *step = ctx->step;
    const size_t block = ctx->kernels->block;
    blocked_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    const bool residual = tdnn_step_input(step, CONV_RESIDUAL) != NULL;
    tdnn_conv asked, parts[2];
    if (!tdnn_conv_describe(step->params, &step->in[CONV_X]->shape, &step->in[CONV_W]->shape,
                            &step->out[0]->shape, residual, &asked))
        return TDNN_FAIL(ctx->err, TDNN_ERR_INTERNAL,
                         "a blocked convolution with other than 4 dimensions");
    p->part_count = step->in[CONV_X]->layout != TDNN_LAYOUT_PLAIN &&
                            !tdnn_conv_can(&asked, TDNN_CONV_DEPTHWISE, block) &&
                            tdnn_conv_split(&asked, block, parts)
                        ? 2
                        : 1;
    for (size_t i = 0; i < p->part_count; i++) {
        p->parts[i].conv = p->part_count == 1 ? asked : parts[i];
        if (p->part_count > 1) p->parts[i].conv.batch = 1;
        plan_part(ctx, p, &p->parts[i], i ? &p->parts[0] : NULL);
    }
    TDNN_TRY(plan_weights(ctx, p));
    /* each residual is read in the tile that overwrites it; behind an activation it is read
     * later */
    if (asked.residual == TDNN_RESIDUAL_BEFORE) tdnn_plan_inplace(ctx, 0, CONV_RESIDUAL);
    tdnn_plan_phase(ctx, blocked_run, p->part_count > 1 ? asked.batch * p->tasks : p->tasks);
    const tdnn_conv_method method = p->parts[0].conv.method;
    char name[48];
    snprintf(name, sizeof name, "conv%zux%zu%s c%zu", asked.kh, asked.kw,
             tdnn_conv_method_name(method), block);
    step->kernel = tdnn_plan_kernel_name(ctx, name, tdnn_conv_is_bf16(method));
    return step->kernel ? TDNN_OK : TDNN_NO_MEMORY(ctx->err);
}
