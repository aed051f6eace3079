/* MaxPool, AveragePool, LpPool and their global forms: shapes, and the path for planes of f32,
 * plain or channel-blocked. A global pool is one whose window is the plane. */
#include "lib/ops/pool.h"

int64_t tdnn_pool_count(const tdnn_window_axis *a, int64_t out, bool count_pads)
{
    const int64_t low = count_pads ? -a->pad : 0, high = a->in + (count_pads ? a->pad_end : 0);
    int64_t count = 0;
    for (int64_t k = 0; k < a->kernel; k++) {
        const int64_t at = out * a->stride - a->pad + k * a->dilation;
        count += at >= low && at < high;
    }
    return count;
}

/* ---- what is asked ---- */

static tdnn_pool_kind kind_of(const tdnn_node *node)
{
    switch (node->op->kind) {
    case TDNN_OP_MaxPool:
    case TDNN_OP_GlobalMaxPool: return TDNN_POOL_MAX;
    case TDNN_OP_LpPool:
    case TDNN_OP_GlobalLpPool: return TDNN_POOL_LP;
    default: return TDNN_POOL_AVERAGE;
    }
}

static bool is_global(const tdnn_node *node)
{
    const tdnn_op_kind kind = node->op->kind;
    return kind == TDNN_OP_GlobalMaxPool || kind == TDNN_OP_GlobalAveragePool ||
           kind == TDNN_OP_GlobalLpPool;
}

static tdnn_status read_global(const tdnn_shape *x, tdnn_windows *w, tdnn_error *err)
{
    if (x->ndim < 3)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "input has %d dimensions, expected 3 or more",
                         x->ndim);
    *w = (tdnn_windows){.rank = x->ndim - 2};
    for (int i = 0; i < w->rank; i++)
        w->axis[i] = (tdnn_window_axis){.in = x->dim[i + 2],
                                        .out = 1,
                                        .kernel = x->dim[i + 2],
                                        .stride = 1,
                                        .dilation = 1,
                                        .reach = x->dim[i + 2]};
    return TDNN_OK;
}

static tdnn_status read_pooling(const tdnn_node *node, const void *params, const tdnn_shape *x,
                                tdnn_pooling *out, tdnn_error *err)
{
    const tdnn_pool_params *p = params;
    *out = (tdnn_pooling){.kind = kind_of(node), .p = 2};
    if (out->kind == TDNN_POOL_LP) {
        if (p->p < 1)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "p is %lld, expected 1 or more",
                             (long long)p->p);
        out->p = (double)p->p;
    }
    if (is_global(node)) return read_global(x, &out->windows, err);
    out->count_pads = p->count_include_pad != 0;
    out->column_major = p->storage_order != 0;
    return tdnn_windows_resolve(&p->window, x, NULL, p->ceil_mode != 0, &out->windows, err);
}

static tdnn_status infer_pool(tdnn_infer *ctx)
{
    tdnn_pooling p;
    tdnn_shape shape = ctx->in[0]->shape;
    TDNN_TRY(read_pooling(ctx->node, ctx->params, &shape, &p, ctx->err));
    for (int i = 0; i < p.windows.rank; i++) shape.dim[i + 2] = p.windows.axis[i].out;
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &shape);
    tdnn_infer_set(ctx, 1, TDNN_I64, &shape);
    return TDNN_OK;
}

/* Without indices, in two dimensions, as the input is. */
static void layout_pool(tdnn_layout_query *q)
{
    const tdnn_info *x = q->in[0];
    if (q->output_count > 1 && q->node->outputs[1] != TDNN_ABSENT) return;
    if (x->dtype != TDNN_F32 || x->shape.ndim != 4 || kind_of(q->node) == TDNN_POOL_LP) return;
    if (x->layout != TDNN_LAYOUT_PLAIN) q->want[0] = q->give[0] = q->block;
}

/* ---- planes of f32 ---- */

typedef struct pool_data {
    tdnn_pool pool;
    tdnn_pool_fn *fn;
    size_t rows, tasks; /* rows: of all planes */
} pool_data;

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    const pool_data *d = s->data;
    const tdnn_pool *p = &d->pool;
    float *line = (float *)(void *)(s->scratch + worker * s->scratch_stride);
    size_t row, end;
    tdnn_task_range(d->rows, d->tasks, task, &row, &end);
    while (row < end) {
        const size_t plane = row / p->oh, first = row % p->oh;
        const size_t last = end - row < p->oh - first ? first + end - row : p->oh;
        const float *x = (const float *)s->in[0]->data + plane * p->ih * p->iw * p->lanes;
        d->fn((float *)s->out[0]->data + plane * p->oh * p->ow * p->lanes, x, p, first, last,
              line);
        row += last - first;
    }
}

/* What sums are divided by, axis by axis. */
static const float *counts(tdnn_plan_ctx *ctx, const tdnn_window_axis *a, bool count_pads)
{
    float *count = tdnn_plan_alloc(ctx, (size_t)a->out, sizeof *count);
    for (int64_t o = 0; count && o < a->out; o++)
        count[o] = (float)tdnn_pool_count(a, o, count_pads);
    return count;
}

/* The spatial axes as rows and columns: one axis is a row; a global window takes any number. */
static void as_plane(const tdnn_windows *w, tdnn_window_axis *h, tdnn_window_axis *v)
{
    *h = (tdnn_window_axis){
        .in = 1, .out = 1, .kernel = 1, .stride = 1, .dilation = 1, .reach = 1};
    *v = w->axis[w->rank - 1];
    if (w->rank == 2) {
        *h = w->axis[0];
        return;
    }
    for (int i = 0; i < w->rank - 1; i++) h->in *= w->axis[i].in;
    h->kernel = h->reach = h->in;
}

static tdnn_status plan_planes(tdnn_plan_ctx *ctx, const tdnn_pooling *pooling)
{
    tdnn_step *s = ctx->step;
    pool_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    s->data = d;
    const tdnn_tensor *x = s->in[0];
    tdnn_window_axis h, w;
    as_plane(&pooling->windows, &h, &w);
    tdnn_pool *p = &d->pool;
    *p = (tdnn_pool){.lanes = x->layout ? (size_t)x->layout : 1,
                     .ih = (size_t)h.in,
                     .iw = (size_t)w.in,
                     .oh = (size_t)h.out,
                     .ow = (size_t)w.out,
                     .kh = (size_t)h.kernel,
                     .kw = (size_t)w.kernel,
                     .stride_h = (size_t)h.stride,
                     .stride_w = (size_t)w.stride,
                     .dilation_h = (size_t)h.dilation,
                     .dilation_w = (size_t)w.dilation,
                     .pad_top = (size_t)h.pad,
                     .pad_left = (size_t)w.pad};
    const size_t span = (p->ow - 1) * p->stride_w + (size_t)w.reach, row = p->iw + p->pad_left;
    p->line = span > row ? span : row;
    d->fn = ctx->kernels->max_pool_f32;
    if (pooling->kind == TDNN_POOL_AVERAGE) {
        d->fn = ctx->kernels->average_pool_f32;
        p->count_h = counts(ctx, &h, pooling->count_pads);
        p->count_w = counts(ctx, &w, pooling->count_pads);
        if (!p->count_h || !p->count_w) return TDNN_NO_MEMORY(ctx->err);
    }
    const size_t channels = (size_t)x->shape.dim[1];
    d->rows = (size_t)x->shape.dim[0] * ((channels + p->lanes - 1) / p->lanes) * p->oh;
    if (p->lanes == 1) tdnn_plan_scratch(ctx, p->line * sizeof(float));
    const double flops = (double)d->rows * (double)(p->ow * p->lanes * p->kh * p->kw);
    s->flops = (uint64_t)flops;
    s->kernel = p->lanes == 1 ? "pool" : "pool blocked";
    d->tasks = tdnn_plan_split(ctx, flops, d->rows);
    tdnn_plan_phase(ctx, run, d->tasks);
    return TDNN_OK;
}

static tdnn_status plan_pool(tdnn_plan_ctx *ctx)
{
    const tdnn_step *s = ctx->step;
    const tdnn_tensor *x = s->in[0];
    tdnn_pooling p;
    TDNN_TRY(read_pooling(s->node, s->params, &x->shape, &p, ctx->err));
    if (!tdnn_dtype_is_float(x->dtype) && x->dtype != TDNN_I8 && x->dtype != TDNN_U8)
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "element type %s",
                         tdnn_dtype_name(x->dtype));
    const bool indices = s->output_count > 1 && s->out[1];
    const bool plane = p.windows.rank <= 2 || is_global(s->node);
    if (x->dtype != TDNN_F32 || p.kind == TDNN_POOL_LP || indices || !plane ||
        tdnn_shape_count(&x->shape) == 0)
        return tdnn_pool_plan_any(ctx, &p);
    return plan_planes(ctx, &p);
}

/* ---- descriptors ---- */

#define REQUIRED_KERNEL                                                                        \
    {                                                                                          \
        .name = "kernel_shape", .type = TDNN_ATTR_INTS, .required = true,                      \
        .offset = offsetof(tdnn_pool_params, window.kernel_shape)                              \
    }
#define WINDOW                                                                                 \
    REQUIRED_KERNEL, TDNN_WINDOW_INTS(tdnn_pool_params, strides),                              \
        TDNN_WINDOW_INTS(tdnn_pool_params, dilations),                                         \
        TDNN_WINDOW_INTS(tdnn_pool_params, pads), TDNN_INT(tdnn_pool_params, ceil_mode, 0),    \
    {                                                                                          \
        .name = "auto_pad", .type = TDNN_ATTR_ENUM,                                            \
        .offset = offsetof(tdnn_pool_params, window.auto_pad), .choices = tdnn_auto_pad_names  \
    }

static const tdnn_attr max_attrs[] = {
    WINDOW, TDNN_INT(tdnn_pool_params, storage_order, 0), {0}};
static const tdnn_attr average_attrs[] = {
    WINDOW, TDNN_INT(tdnn_pool_params, count_include_pad, 0), {0}};
static const tdnn_attr lp_attrs[] = {WINDOW, TDNN_INT(tdnn_pool_params, p, 2), {0}};
static const tdnn_attr global_lp_attrs[] = {TDNN_INT(tdnn_pool_params, p, 2), {0}};

#define POOL(Op, outputs, attrs)                                                               \
    const tdnn_op tdnn_op_##Op = {                                                             \
        .schema = {TDNN_SCHEMA(Op, 1, 1, 1, outputs, attrs, tdnn_pool_params)},                \
        .infer = infer_pool,                                                                   \
        .layout = layout_pool,                                                                 \
        .plan = plan_pool};
POOL(MaxPool, 2, max_attrs)
POOL(AveragePool, 1, average_attrs)
POOL(LpPool, 1, lp_attrs)
POOL(GlobalLpPool, 1, global_lp_attrs)
POOL(GlobalMaxPool, 1, NULL)
POOL(GlobalAveragePool, 1, NULL)
