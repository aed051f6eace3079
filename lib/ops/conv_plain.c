/* Convolution in plain layout: windows become the columns of a matrix, some pixels at a time,
 * and the weights of each group multiply it. One to three spatial axes. */
#include "lib/ops/conv.h"

typedef struct plain_plan {
    tdnn_unfold unfold;
    tdnn_gemm gemm;           /* of one group: output channels x pixels x depth */
    size_t batch, groups, pixels, chunk, chunks;
    size_t a_count;           /* floats of one group's packed weights */
    tdnn_act act;             /* applied here if there is a residual  */
    bool residual_after;
    const float *packed;      /* NULL: packed in each run, into the step's shared scratch */
} plain_plan;

/* Bytes of columns that a task unfolds at once: they are read again for each panel of weights. */
enum { COLUMN_BYTES = 512 * 1024 };

typedef struct pack_context {
    const plain_plan *plan;
    const tdnn_kernels *kernels;
} pack_context;

static void pack_groups(const plain_plan *p, const tdnn_kernels *k, const float *w, float *out)
{
    const size_t m = p->gemm.m, depth = p->gemm.k, panel = tdnn_gemm_panel_rows(k, m);
    for (size_t g = 0; g < p->groups; g++)
        k->gemm_pack_a_f32(out + g * p->a_count, w + g * m * depth, depth, 1, m, depth, panel, k);
}

static tdnn_status pack_weights(void *context, const tdnn_tensor *const *source, void *out,
                                tdnn_error *err)
{
    (void)err;
    const pack_context *c = context;
    pack_groups(c->plan, c->kernels, source[0]->data, out);
    return TDNN_OK;
}

static void pack_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    pack_groups(step->data, step->kernels, tdnn_step_floats(step, CONV_W),
                (float *)(void *)step->shared);
}

static void add_residual(const plain_plan *p, const tdnn_kernels *k, float *y, const float *r,
                         size_t n)
{
    if (p->residual_after) k->activate_f32(y, y, n, &p->act);
    k->add_f32(y, y, 1, r, 1, n);
    if (!p->residual_after) k->activate_f32(y, y, n, &p->act);
}

static void plain_run(const tdnn_step *step, size_t task, size_t worker)
{
    const plain_plan *p = step->data;
    const tdnn_kernels *k = step->kernels;
    const size_t chunk = task % p->chunks, group = task / p->chunks % p->groups;
    const size_t image_group = task / p->chunks, m = p->gemm.m;
    const size_t begin = chunk * p->chunk, left = p->pixels - begin;
    const size_t count = left < p->chunk ? left : p->chunk;
    const size_t volume = p->unfold.in[0] * p->unfold.in[1] * p->unfold.in[2];
    const size_t offset = image_group * m * p->pixels + begin;
    const float *x = tdnn_step_floats(step, CONV_X) + image_group * p->unfold.channels * volume;
    const float *bias = tdnn_step_floats(step, CONV_B);
    const float *residual = tdnn_step_floats(step, CONV_RESIDUAL);
    const float *weights = p->packed ? p->packed : (const float *)(const void *)step->shared;
    float *columns = (float *)(void *)(step->scratch + worker * step->scratch_stride);
    float *y = (float *)step->out[0]->data + offset;
    k->unfold_f32(columns, x, &p->unfold, begin, begin + count, k->gemm_columns);
    tdnn_gemm gemm = p->gemm;
    gemm.n = count;
    const tdnn_gemm_io io = {.a = weights + group * p->a_count, .b = columns,
                             .d = bias ? bias + group * m : NULL, .c = y};
    const tdnn_gemm_part all = {0, m, 0, count};
    k->gemm_f32(&gemm, &io, &all, k);
    for (size_t row = 0; residual && row < m; row++)
        add_residual(p, k, y + row * p->pixels, residual + offset + row * p->pixels, count);
}

/* The windows in a kernel's terms: three axes, of which the first may be idle. */
static tdnn_status describe(tdnn_plan_ctx *ctx, plain_plan *p)
{
    const tdnn_step *step = ctx->step;
    const tdnn_conv_params *params = step->params;
    tdnn_windows windows;
    TDNN_TRY(tdnn_windows_resolve(&params->window, &step->in[CONV_X]->shape,
                                  &step->in[CONV_W]->shape, false, &windows, ctx->err));
    tdnn_unfold *u = &p->unfold;
    for (int i = 0; i < 3; i++) {
        const int axis = i - (3 - windows.rank);
        const tdnn_window_axis idle = {
            .in = 1, .out = 1, .kernel = 1, .stride = 1, .dilation = 1};
        const tdnn_window_axis *a = axis < 0 ? &idle : &windows.axis[axis];
        u->in[i] = (size_t)a->in, u->out[i] = (size_t)a->out, u->kernel[i] = (size_t)a->kernel;
        u->stride[i] = (size_t)a->stride, u->dilation[i] = (size_t)a->dilation;
        u->pad[i] = (size_t)a->pad;
    }
    p->batch = (size_t)step->out[0]->shape.dim[0];
    p->groups = (size_t)params->group;
    u->channels = (size_t)step->in[CONV_W]->shape.dim[1];
    p->pixels = u->out[0] * u->out[1] * u->out[2];
    p->act = tdnn_act_make(&params->activation);
    p->residual_after = params->residual_after;
    p->gemm = (tdnn_gemm){.m = (size_t)step->out[0]->shape.dim[1] / p->groups,
                          .k = u->channels * u->kernel[0] * u->kernel[1] * u->kernel[2],
                          .c_stride = p->pixels, .alpha = 1, .beta = 1, .d_row = 1};
    if (!tdnn_step_input(step, CONV_RESIDUAL)) p->gemm.act = p->act;
    return TDNN_OK;
}

static tdnn_status plan_weights(tdnn_plan_ctx *ctx, plain_plan *p)
{
    const tdnn_kernels *k = ctx->kernels;
    const tdnn_tensor *w = ctx->constants[CONV_W];
    p->a_count = tdnn_gemm_a_count(k, p->gemm.m, p->gemm.k);
    const size_t bytes = p->groups * p->a_count * sizeof(float);
    if (!w) {
        tdnn_plan_shared(ctx, bytes);
        tdnn_plan_phase(ctx, pack_run, 1);
        return TDNN_OK;
    }
    const tdnn_pack_key key = {.what = "conv plain", .source = {w},
                               .number = {(int64_t)k->level, (int64_t)p->groups}};
    pack_context context = {p, k};
    const void *packed = NULL;
    TDNN_TRY(tdnn_plan_pack(ctx, &key, bytes, pack_weights, &context, sizeof context, &packed));
    p->packed = packed;
    return TDNN_OK;
}

/* Pixels of one task: a multiple of a panel's columns, however many threads there are. */
static void plan_chunks(plain_plan *p, const tdnn_kernels *k, size_t threads)
{
    const size_t wide = k->gemm_columns, depth = p->gemm.k ? p->gemm.k : 1;
    size_t panels = COLUMN_BYTES / sizeof(float) / depth / wide;
    const size_t all = (p->pixels + wide - 1) / wide, images = p->batch * p->groups;
    const size_t wanted = threads > 1 ? (4 * threads + images - 1) / images : 1;
    if (panels > (all + wanted - 1) / wanted) panels = (all + wanted - 1) / wanted;
    p->chunk = (panels ? panels : 1) * wide;
    p->chunks = (p->pixels + p->chunk - 1) / p->chunk;
}

tdnn_status tdnn_conv_plan_plain(tdnn_plan_ctx *ctx)
{
    plain_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(describe(ctx, p));
    TDNN_TRY(plan_weights(ctx, p));
    plan_chunks(p, ctx->kernels, (size_t)ctx->threads);
    size_t bytes;
    if (!tdnn_size_mul(p->chunk * sizeof(float), p->gemm.k, &bytes))
        return TDNN_NO_MEMORY(ctx->err);
    tdnn_plan_scratch(ctx, bytes);
    tdnn_plan_phase(ctx, plain_run, p->batch * p->groups * p->chunks);
    ctx->step->kernel = tdnn_plan_kernel_name(ctx, "conv unfold gemm", false);
    return ctx->step->kernel ? TDNN_OK : TDNN_NO_MEMORY(ctx->err);
}
