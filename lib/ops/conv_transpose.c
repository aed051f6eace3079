/* ConvTranspose: each input pixel times the weights gives a window of the output, and windows
 * that overlap add up. As a matrix product, some output channels at a time, whose columns are
 * then folded into the output. One to three spatial axes. */
#include "lib/ops/conv.h"

static const tdnn_attr transpose_attrs[] = {
    TDNN_WINDOW_ATTRS(tdnn_conv_transpose_params),
    TDNN_INT(tdnn_conv_transpose_params, group, 1),
    TDNN_INTS(tdnn_conv_transpose_params, output_padding),
    TDNN_INTS(tdnn_conv_transpose_params, output_shape),
    {0}};

/* ---- Shapes ---- */

static tdnn_status check_list(const tdnn_ints *list, const char *name, int rank, int64_t least,
                              tdnn_error *err)
{
    if (list->count && list->count != (size_t)rank)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%s has %zu entries, expected %d", name,
                         list->count, rank);
    for (size_t i = 0; i < list->count; i++)
        if (list->at[i] < least || list->at[i] > INT32_MAX)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%s has the entry %lld", name,
                             (long long)list->at[i]);
    return TDNN_OK;
}

/* The output's size, and from a wanted size the padding: ONNX puts the odd element in front
 * unless auto_pad is SAME_UPPER. Padding is not negative: what no window reaches stays empty.
 */
static tdnn_status place(tdnn_window_axis *a, const tdnn_conv_transpose_params *p, size_t i,
                         tdnn_error *err)
{
    const int64_t extra = p->output_padding.count ? p->output_padding.at[i] : 0;
    const int64_t full = a->in ? (a->in - 1) * a->stride + a->reach + extra : 0;
    const bool same =
        p->window.auto_pad == TDNN_PAD_SAME_UPPER || p->window.auto_pad == TDNN_PAD_SAME_LOWER;
    if (a->in > INT32_MAX / a->stride || a->pad > full || a->pad_end > full)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "an axis of %lld with padding %lld and %lld",
                         (long long)full, (long long)a->pad, (long long)a->pad_end);
    if (p->window.auto_pad == TDNN_PAD_VALID) a->pad = a->pad_end = 0;
    if (p->output_shape.count || same) {
        a->out = p->output_shape.count ? p->output_shape.at[i] : a->in * a->stride;
        const int64_t all = full > a->out ? full - a->out : 0;
        a->pad = p->window.auto_pad == TDNN_PAD_SAME_UPPER ? all / 2 : all - all / 2;
        return TDNN_OK;
    }
    a->out = full - a->pad - a->pad_end;
    if (a->out >= 0) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                     "padding takes away more than the %lld elements of an axis",
                     (long long)full);
}

static tdnn_status resolve(const tdnn_conv_transpose_params *p, const tdnn_shape *x,
                           const tdnn_shape *w, tdnn_windows *out, tdnn_error *err)
{
    TDNN_TRY(tdnn_windows_read(&p->window, x, w, out, err));
    TDNN_TRY(check_list(&p->output_padding, "output_padding", out->rank, 0, err));
    TDNN_TRY(check_list(&p->output_shape, "output_shape", out->rank, 0, err));
    for (int i = 0; i < out->rank; i++) TDNN_TRY(place(&out->axis[i], p, (size_t)i, err));
    return TDNN_OK;
}

static tdnn_status transpose_infer(tdnn_infer *ctx)
{
    const tdnn_conv_transpose_params *p = ctx->params;
    const tdnn_shape *x = &ctx->in[CONV_X]->shape, *w = &ctx->in[CONV_W]->shape;
    for (size_t i = 1; i < ctx->input_count; i++)
        if (ctx->in[i] && ctx->in[i]->dtype != ctx->in[0]->dtype)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is %s, input 0 is %s", i,
                             tdnn_dtype_name(ctx->in[i]->dtype),
                             tdnn_dtype_name(ctx->in[0]->dtype));
    tdnn_windows windows;
    for (size_t i = 1; i < ctx->input_count; i++)
        if (ctx->in[i] && ctx->in[i]->dtype != ctx->in[0]->dtype)
            return TDNN_FAIL(
                ctx->err, TDNN_ERR_SHAPE, "input %zu is %s, expected %s as input 0", i,
                tdnn_dtype_name(ctx->in[i]->dtype), tdnn_dtype_name(ctx->in[0]->dtype));
    TDNN_TRY(resolve(p, x, w, &windows, ctx->err));
    if (p->group < 1 || w->dim[0] != x->dim[1] || w->dim[0] % p->group || w->dim[1] > INT32_MAX)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "input has %lld channels, the weights are for %lld, in %lld groups",
                         (long long)x->dim[1], (long long)w->dim[0], (long long)p->group);
    tdnn_shape y = {.ndim = x->ndim, .dim = {x->dim[0], w->dim[1] * p->group}};
    for (int i = 0; i < windows.rank; i++) y.dim[i + 2] = windows.axis[i].out;
    if (tdnn_infer_has(ctx, CONV_B) && (ctx->in[CONV_B]->shape.ndim != 1 ||
                                        ctx->in[CONV_B]->shape.dim[0] != y.dim[1])) {
        char text[TDNN_SHAPE_TEXT];
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "bias has the shape %s, expected %lld",
                         tdnn_shape_text(&ctx->in[CONV_B]->shape, text), (long long)y.dim[1]);
    }
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &y);
    return TDNN_OK;
}

/* ---- Computing ---- */

typedef struct transpose_plan {
    tdnn_unfold fold;         /* `in` is the output here, `out` the input             */
    size_t batch, groups, group_ic, group_oc, area, pixels, volume;
    size_t chunk, chunks;     /* output channels of a task; tasks of a group          */
    size_t b_count;           /* floats of one group's packed input                   */
    size_t a_shared;          /* offset of packed weights in the shared scratch       */
    const float *packed;      /* NULL: they are there                                 */
    tdnn_act act;
} transpose_plan;

/* Bytes of columns that a task makes before it folds them. */
enum { COLUMN_BYTES = 512 * 1024 };

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Of each group and chunk of output channels: rows are channel and kernel position. */
static void pack_groups(const transpose_plan *p, const tdnn_kernels *k, const float *w, float *to)
{
    for (size_t g = 0; g < p->groups; g++)
        for (size_t first = 0; first < p->group_oc; first += p->chunk) {
            const size_t m = least(p->chunk, p->group_oc - first) * p->area;
            const float *from = w + (g * p->group_ic * p->group_oc + first) * p->area;
            k->gemm_pack_a_f32(to, from, 1, p->group_oc * p->area, m, p->group_ic,
                               tdnn_gemm_panel_rows(k, m), k);
            to += tdnn_gemm_a_count(k, m, p->group_ic);
        }
}

typedef struct pack_context {
    const transpose_plan *plan;
    const tdnn_kernels *kernels;
} pack_context;

static tdnn_status pack_weights(void *context, const tdnn_tensor *const *source, void *out,
                                tdnn_error *err)
{
    (void)err;
    const pack_context *c = context;
    pack_groups(c->plan, c->kernels, source[0]->data, out);
    return TDNN_OK;
}

static float *shared(const tdnn_step *step) { return (float *)(void *)step->shared; }

static void run_pack_weights(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const transpose_plan *p = step->data;
    pack_groups(p, step->kernels, tdnn_step_floats(step, CONV_W), shared(step) + p->a_shared);
}

static void run_pack_input(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const transpose_plan *p = step->data;
    step->kernels->gemm_pack_b_f32(
        shared(step) + task * p->b_count,
        tdnn_step_floats(step, CONV_X) + task * p->group_ic * p->pixels, p->pixels, 1,
        p->group_ic, p->pixels, step->kernels->gemm_columns, step->kernels);
}

static void transpose_run(const tdnn_step *step, size_t task, size_t worker)
{
    const transpose_plan *p = step->data;
    const tdnn_kernels *k = step->kernels;
    const size_t image_group = task / p->chunks, group = image_group % p->groups;
    const size_t first = task % p->chunks * p->chunk,
                 count = least(p->chunk, p->group_oc - first);
    const size_t channel = group * p->group_oc + first, m = count * p->area;
    const float *bias = tdnn_step_floats(step, CONV_B);
    float *columns = (float *)(void *)(step->scratch + worker * step->scratch_stride);
    float *y = (float *)step->out[0]->data + (image_group * p->group_oc + first) * p->volume;
    const tdnn_gemm gemm = {
        .m = m, .n = p->pixels, .k = p->group_ic, .c_stride = p->pixels, .alpha = 1};
    const tdnn_gemm_io io = {
        .a = (p->packed ? p->packed : shared(step) + p->a_shared) +
             channel * p->area * p->group_ic,
        .b = shared(step) + image_group * p->b_count,
        .c = columns,
    };
    const tdnn_gemm_part all = {0, m, 0, p->pixels};
    k->gemm_f32(&gemm, &io, &all, k);
    for (size_t c = 0; c < count; c++)
        for (size_t i = 0; i < p->volume; i++)
            y[c * p->volume + i] = bias ? bias[channel + c] : 0;
    tdnn_unfold fold = p->fold;
    fold.channels = count;
    k->fold_f32(y, columns, &fold);
    if (p->act.kind != TDNN_ACTIVATE_NONE) k->activate_f32(y, y, count * p->volume, &p->act);
}

static tdnn_status describe(tdnn_plan_ctx *ctx, transpose_plan *p)
{
    const tdnn_step *step = ctx->step;
    const tdnn_conv_transpose_params *params = step->params;
    const tdnn_shape *x = &step->in[CONV_X]->shape, *w = &step->in[CONV_W]->shape;
    tdnn_windows windows;
    TDNN_TRY(resolve(params, x, w, &windows, ctx->err));
    p->area = p->pixels = p->volume = 1;
    for (int i = 0; i < 3; i++) {
        const int axis = i - (3 - windows.rank);
        const tdnn_window_axis idle = {
            .in = 1, .out = 1, .kernel = 1, .stride = 1, .dilation = 1};
        const tdnn_window_axis *a = axis < 0 ? &idle : &windows.axis[axis];
        p->fold.in[i] = (size_t)a->out, p->fold.out[i] = (size_t)a->in;
        p->fold.kernel[i] = (size_t)a->kernel, p->fold.stride[i] = (size_t)a->stride;
        p->fold.dilation[i] = (size_t)a->dilation, p->fold.pad[i] = (size_t)a->pad;
        p->area *= (size_t)a->kernel, p->pixels *= (size_t)a->in, p->volume *= (size_t)a->out;
    }
    p->batch = (size_t)x->dim[0];
    p->groups = (size_t)params->group;
    p->group_ic = (size_t)w->dim[0] / p->groups;
    p->group_oc = (size_t)w->dim[1];
    p->act = tdnn_act_make(&params->activation);
    return TDNN_OK;
}

static tdnn_status plan_weights(tdnn_plan_ctx *ctx, transpose_plan *p)
{
    const size_t count = p->groups * p->group_oc * p->area * p->group_ic;
    size_t shared_count =
        tdnn_round_up(p->batch * p->groups * p->b_count, TDNN_ALIGN / sizeof(float));
    p->a_shared = shared_count;
    if (ctx->constants[CONV_W]) {
        const tdnn_pack_key key = {.what = "conv transpose", .source = {ctx->constants[CONV_W]},
                                   .number = {(int64_t)ctx->kernels->level, (int64_t)p->groups,
                                              (int64_t)p->chunk}};
        pack_context context = {p, ctx->kernels};
        const void *packed = NULL;
        TDNN_TRY(tdnn_plan_pack(ctx, &key, count * sizeof(float), pack_weights, &context,
                                sizeof context, &packed));
        p->packed = packed;
    } else {
        shared_count += count;
        tdnn_plan_phase(ctx, run_pack_weights, 1);
    }
    tdnn_plan_shared(ctx, shared_count * sizeof(float));
    return TDNN_OK;
}

static tdnn_status plan_wide(tdnn_plan_ctx *ctx)
{
    const tdnn_conv_transpose_params *params = ctx->step->params;
    tdnn_windows windows;
    TDNN_TRY(resolve(params, &ctx->step->in[CONV_X]->shape, &ctx->step->in[CONV_W]->shape,
                     &windows, ctx->err));
    return tdnn_conv_plan_wide(ctx, &windows, (size_t)params->group, true, &params->activation);
}

static tdnn_status transpose_plan_step(tdnn_plan_ctx *ctx)
{
    const tdnn_tensor *y = ctx->step->out[0];
    if (tdnn_shape_count(&y->shape) == 0) return TDNN_OK;
    if (y->dtype != TDNN_F32 || y->shape.ndim > 5) return plan_wide(ctx);
    transpose_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(describe(ctx, p));
    const size_t tasks = ctx->threads > 1 ? 4 * (size_t)ctx->threads : 1;
    const size_t column = p->area * p->pixels * sizeof(float), images = p->batch * p->groups;
    p->chunk = COLUMN_BYTES / (column ? column : 1);
    p->chunk = least(p->chunk, (p->group_oc * images + tasks - 1) / tasks);
    p->chunk = p->chunk ? least(p->chunk, p->group_oc) : 1;
    p->chunks = (p->group_oc + p->chunk - 1) / p->chunk;
    p->b_count = tdnn_gemm_b_count(ctx->kernels, p->pixels, p->group_ic);
    TDNN_TRY(plan_weights(ctx, p));
    tdnn_plan_phase(ctx, run_pack_input, images);
    tdnn_plan_scratch(ctx, p->chunk * column);
    tdnn_plan_phase(ctx, transpose_run, images * p->chunks);
    ctx->step->flops = (uint64_t)(2.0 * (double)(images * p->group_oc * p->area) *
                                  (double)(p->group_ic * p->pixels));
    ctx->step->moved = ctx->step->in[CONV_X]->bytes + ctx->step->in[CONV_W]->bytes + y->bytes;
    ctx->step->kernel = tdnn_plan_kernel_name(ctx, "gemm fold", false);
    return ctx->step->kernel ? TDNN_OK : TDNN_NO_MEMORY(ctx->err);
}

const tdnn_op tdnn_op_ConvTranspose = {
    .schema = {TDNN_SCHEMA(ConvTranspose, 2, 3, 1, 1, transpose_attrs,
                           tdnn_conv_transpose_params)},
    .later = 1u << CONV_W,
    .infer = transpose_infer,
    .plan = transpose_plan_step,
};
