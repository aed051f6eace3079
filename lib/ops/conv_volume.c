/* Convolution along one or three axes by the kernels for two: slices of the input are made
 * channel-blocked in shared scratch, each output slice is a two-dimensional convolution, and is
 * made plain again. The positions of a window along the depth are so many more input channels,
 * since slices lie one behind another; with groups, where they cannot be, they are added in
 * turn.
 */
#include "lib/ops/conv.h"

#include "lib/base/mem.h"

#include <stdio.h>
#include <string.h>

typedef struct volume_plan {
    tdnn_conv conv, more;     /* of a slice; `more` adds to what is there                     */
    tdnn_conv_fn *kernel;
    const float *packed;
    size_t packed_count;      /* of one position along the depth, or of all if they are stacked */
    bool stacked;
    size_t batch, ic, oc, block, unit; /* unit: 1 if slices stay plain                         */
    size_t kernel_area, in_area, out_area; /* of a slice                                       */
    size_t depth_in, depth_out, kd, stride, pad; /* along the depth, of positions that matter  */
    size_t weights_kd, first_kd;                 /* all positions, the first that matters      */
    size_t slices; /* of an image in scratch: if stacked, with zeros before and behind */
    size_t in_slice, out_slice, y_at; /* floats; where the output begins                       */
    tdnn_act act;
} volume_plan;

/* ---- Weights ---- */

typedef struct pack_context {
    const volume_plan *plan;
    const tdnn_kernels *kernels;
} pack_context;

/* Weights of an output channel for positions begin .. end-1 of the depth:
 * [position][channel][kernel], where channels of whole blocks are expected up to `channels`. */
static void gather_channel(const volume_plan *p, const float *w, size_t group_ic, size_t begin,
                           size_t end, size_t channels, float *to)
{
    const size_t area = p->kernel_area;
    memset(to, 0, (end - begin) * channels * area * sizeof *to);
    for (size_t k = begin; k < end; k++, to += channels * area)
        for (size_t i = 0; i < group_ic; i++)
            memcpy(to + i * area, w + (i * p->weights_kd + p->first_kd + k) * area,
                   area * sizeof *to);
}

static tdnn_status pack_weights(void *context, const tdnn_tensor *const *source, void *out,
                                tdnn_error *err)
{
    const pack_context *c = context;
    const volume_plan *p = c->plan;
    const float *w = source[0]->data;
    const size_t group_ic = (size_t)source[0]->shape.dim[1];
    const size_t depth = group_ic * p->weights_kd * p->kernel_area;
    const size_t rounds = p->stacked ? 1 : p->kd, positions = p->stacked ? p->kd : 1;
    const size_t channels = p->stacked ? p->conv.ic / p->kd : group_ic;
    float *all = tdnn_alloc(p->oc * positions * channels * p->kernel_area, sizeof *all);
    if (!all) return TDNN_NO_MEMORY(err);
    for (size_t k = 0; k < rounds; k++) {
        for (size_t o = 0; o < p->oc; o++)
            gather_channel(p, w + o * depth, group_ic, k, k + positions, channels,
                           all + o * positions * channels * p->kernel_area);
        tdnn_conv_pack(&p->conv, all, NULL, (float *)out + k * p->packed_count, c->kernels);
    }
    tdnn_free(all);
    return TDNN_OK;
}

/* ---- Running ---- */

static float *shared(const tdnn_step *step) { return (float *)(void *)step->shared; }

/* One task: a slice of the input. */
static void slice_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const volume_plan *p = step->data;
    const size_t image = task / p->slices, z = task % p->slices - (p->stacked ? p->pad : 0);
    const size_t u = p->unit, blocks = (p->ic + u - 1) / u;
    float *to = shared(step) + task * p->in_slice;
    if (z >= p->depth_in) { /* or before the first */
        memset(to, 0, p->in_slice * sizeof *to);
        return;
    }
    for (size_t block = 0; block < blocks; block++, to += p->in_area * u) {
        const size_t lanes = p->ic - block * u < u ? p->ic - block * u : u;
        const size_t plane = (image * p->ic + block * u) * p->depth_in + z;
        const float *from = tdnn_step_floats(step, CONV_X) + plane * p->in_area;
        if (u == 1) {
            memcpy(to, from, p->in_area * sizeof *to);
            continue;
        }
        step->kernels->transpose_x32(to, u * sizeof *to, from,
                                     p->depth_in * p->in_area * sizeof *from, lanes,
                                     p->in_area);
        for (size_t i = 0; lanes < u && i < p->in_area; i++)
            memset(to + i * u + lanes, 0, (u - lanes) * sizeof *to);
    }
}

/* One task of the convolution of one output slice. */
static void volume_run(const tdnn_step *step, size_t task, size_t worker)
{
    const volume_plan *p = step->data;
    const size_t part = task % p->conv.task_count, slice = task / p->conv.task_count;
    const size_t image = slice / p->depth_out, first = slice % p->depth_out * p->stride;
    void *scratch = step->scratch + worker * step->scratch_stride;
    const float *x = shared(step) + image * p->slices * p->in_slice;
    float *y = shared(step) + p->y_at + slice * p->out_slice;
    if (p->stacked) {
        const tdnn_conv_io io = {.x = x + first * p->in_slice, .weights = p->packed, .y = y};
        p->kernel(&p->conv, &io, part, scratch);
        return;
    }
    const tdnn_conv *conv = &p->conv;
    for (size_t k = 0; k < p->kd; k++) {
        const size_t z = first + k - p->pad;
        if (z >= p->depth_in) continue;
        const tdnn_conv_io io = {.x = x + z * p->in_slice,
                                 .weights = p->packed + k * p->packed_count,
                                 .residual = y,
                                 .y = y};
        p->kernel(conv, &io, part, scratch);
        conv = &p->more;
    }
}

/* One task: a block of channels of an output slice, made plain. */
static void plain_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const volume_plan *p = step->data;
    const size_t b = p->block, blocks = (p->oc + b - 1) / b, block = task % blocks,
                 slice = task / blocks;
    const size_t image = slice / p->depth_out, z = slice % p->depth_out, n = p->out_area;
    const size_t lanes = p->oc - block * b < b ? p->oc - block * b : b;
    const float *from = shared(step) + p->y_at + slice * p->out_slice + block * n * b;
    const float *bias = tdnn_step_floats(step, CONV_B);
    const size_t step_floats = p->depth_out * n;
    float *y = (float *)step->out[0]->data + ((image * p->oc + block * b) * p->depth_out + z) * n;
    step->kernels->transpose_x32(y, step_floats * sizeof *y, from, b * sizeof *from, n, lanes);
    for (size_t i = 0; i < lanes; i++, y += step_floats) {
        if (bias) step->kernels->affine_f32(y, y, n, 1, bias[block * b + i]);
        if (p->act.kind != TDNN_ACTIVATE_NONE) step->kernels->activate_f32(y, y, n, &p->act);
    }
}

/* ---- Planning ---- */

/* Positions along the depth from the first to the last that reach an input slice; false if some
 * output slice has none of its own. */
static bool trim_depth(volume_plan *p)
{
    size_t begin = p->kd, end = 0;
    for (size_t z = 0; z < p->depth_out; z++) {
        bool any = false;
        for (size_t k = 0; k < p->kd; k++) {
            if (z * p->stride + k - p->pad >= p->depth_in) continue; /* or before the first */
            any = true;
            if (k < begin) begin = k;
            if (k + 1 > end) end = k + 1;
        }
        if (!any) return false;
    }
    if (begin > p->pad) begin = p->pad;
    p->weights_kd = p->kd;
    p->first_kd = begin;
    p->kd = end - begin;
    p->pad -= begin;
    return true;
}

static bool describe(const tdnn_plan_ctx *ctx, volume_plan *p)
{
    const tdnn_step *step = ctx->step;
    const tdnn_conv_params *params = step->params;
    const tdnn_shape *x = &step->in[CONV_X]->shape, *y = &step->out[0]->shape;
    tdnn_windows windows;
    if (tdnn_windows_resolve(&params->window, x, &step->in[CONV_W]->shape, false, &windows, NULL))
        return false;
    const tdnn_window_axis idle = {.in = 1, .out = 1, .kernel = 1, .stride = 1, .dilation = 1};
    const tdnn_window_axis *d = windows.rank == 3 ? &windows.axis[0] : &idle;
    const tdnn_window_axis *h = windows.rank == 3 ? &windows.axis[1] : &idle,
                           *v = &windows.axis[windows.rank - 1];
    if (d->dilation != 1 && d->kernel != 1) return false;
    p->batch = (size_t)x->dim[0], p->ic = (size_t)x->dim[1], p->oc = (size_t)y->dim[1];
    p->depth_in = (size_t)d->in, p->depth_out = (size_t)d->out, p->kd = (size_t)d->kernel;
    p->stride = (size_t)d->stride, p->pad = (size_t)d->pad;
    p->in_area = (size_t)(h->in * v->in), p->out_area = (size_t)(h->out * v->out);
    p->kernel_area = (size_t)(h->kernel * v->kernel);
    p->act = tdnn_act_make(&params->activation);
    p->conv = (tdnn_conv){
        .batch = 1,
        .groups = (size_t)params->group,
        .ic = p->ic,
        .oc = p->oc,
        .ih = (size_t)h->in,
        .iw = (size_t)v->in,
        .oh = (size_t)h->out,
        .ow = (size_t)v->out,
        .kh = (size_t)h->kernel,
        .kw = (size_t)v->kernel,
        .stride_h = (size_t)h->stride,
        .stride_w = (size_t)v->stride,
        .dilation_h = (size_t)h->dilation,
        .dilation_w = (size_t)v->dilation,
        .pad_top = (size_t)h->pad,
        .pad_left = (size_t)v->pad,
    };
    return trim_depth(p);
}

/* Which kernel takes slices; false if none, or one of mostly idle lanes. */
static bool choose(const tdnn_plan_ctx *ctx, volume_plan *p)
{
    enum { FIRST_CHANNELS = 16 };
    const size_t block = ctx->kernels->block;
    p->block = block;
    p->stacked = p->conv.groups == 1;
    const bool plain = p->stacked && p->kd * p->ic <= FIRST_CHANNELS;
    p->unit = plain ? 1 : block;
    if (block == 0 || (p->stacked && p->oc * 2 < block)) return false;
    if (p->stacked)
        p->conv.ic = p->kd == 1 ? p->ic : p->kd * ((p->ic + p->unit - 1) / p->unit * p->unit);
    if (!tdnn_conv_can(&p->conv, plain ? TDNN_CONV_FIRST : TDNN_CONV_BLOCK, block) &&
        (plain || !tdnn_conv_can(&p->conv, TDNN_CONV_DEPTHWISE, block)))
        return false;
    const tdnn_conv_method method =
        tdnn_conv_choose(ctx, &p->conv, plain ? TDNN_LAYOUT_PLAIN : (tdnn_layout)block);
    const size_t slices = p->batch * p->depth_out, threads = (size_t)ctx->threads;
    p->more = p->conv;
    p->more.residual = TDNN_RESIDUAL_BEFORE;
    tdnn_conv_plan(&p->conv, method, ctx->kernels, slices < 2 * threads ? threads : 1);
    tdnn_conv_plan(&p->more, method, ctx->kernels, slices < 2 * threads ? threads : 1);
    p->kernel = tdnn_conv_kernel(ctx->kernels, method);
    return true;
}

static bool place(volume_plan *p, size_t *shared_bytes)
{
    const size_t u = p->unit, b = p->block, reach = (p->depth_out - 1) * p->stride + p->kd;
    p->slices = p->depth_in;
    if (p->stacked) p->slices = p->pad + p->depth_in > reach ? p->pad + p->depth_in : reach;
    p->in_slice = (p->ic + u - 1) / u * u * p->in_area;
    p->out_slice = (p->oc + b - 1) / b * b * p->out_area;
    p->packed_count = (tdnn_conv_packed_count(&p->conv) + 15) / 16 * 16;
    size_t in, out;
    if (!tdnn_size_mul(p->batch * p->slices, p->in_slice, &in) ||
        !tdnn_size_mul(p->batch * p->depth_out, p->out_slice, &out))
        return false;
    p->y_at = (in + 15) / 16 * 16;
    return tdnn_size_add(p->y_at, out, &out) && tdnn_size_mul(out, sizeof(float), shared_bytes);
}

tdnn_status tdnn_conv_plan_volume(tdnn_plan_ctx *ctx, bool *done)
{
    tdnn_step *step = ctx->step;
    const tdnn_tensor *w = ctx->constants[CONV_W];
    const int rank = step->out[0]->shape.ndim - 2;
    volume_plan p = {0}, *kept;
    size_t shared_bytes;
    *done = false;
    if (!w || (rank != 1 && rank != 3) || tdnn_step_input(step, CONV_RESIDUAL)) return TDNN_OK;
    if (!describe(ctx, &p) || !choose(ctx, &p) || !place(&p, &shared_bytes)) return TDNN_OK;
    kept = tdnn_plan_alloc(ctx, 1, sizeof *kept);
    if (!kept) return TDNN_NO_MEMORY(ctx->err);
    *kept = p;
    const tdnn_pack_key key = {.what = "conv volume",
                               .source = {w},
                               .number = {(int64_t)p.conv.method, (int64_t)p.block,
                                          (int64_t)p.conv.groups, p.conv.by_point,
                                          (int64_t)p.first_kd, (int64_t)p.kd}};
    const pack_context context = {kept, ctx->kernels};
    const void *packed = NULL;
    TDNN_TRY(tdnn_plan_pack(ctx, &key, (p.stacked ? 1 : p.kd) * p.packed_count * sizeof(float),
                            pack_weights, &context, sizeof context, &packed));
    kept->packed = packed;
    tdnn_plan_shared(ctx, shared_bytes);
    tdnn_plan_scratch(ctx, p.conv.scratch_bytes);
    tdnn_plan_phase(ctx, slice_run, p.batch * p.slices);
    tdnn_plan_phase(ctx, volume_run, p.batch * p.depth_out * p.conv.task_count);
    tdnn_plan_phase(ctx, plain_run, p.batch * p.depth_out * ((p.oc + p.block - 1) / p.block));
    char name[48];
    snprintf(name, sizeof name, "conv%zux%zux%zu slices%s c%zu", p.weights_kd, p.conv.kh,
             p.conv.kw, tdnn_conv_method_name(p.conv.method), p.block);
    step->kernel = tdnn_plan_kernel_name(ctx, name, tdnn_conv_is_bf16(p.conv.method));
    *done = true;
    return step->kernel ? TDNN_OK : TDNN_NO_MEMORY(ctx->err);
}
