/* Col2Im: columns of sliding blocks put back to an image, where they overlap added up. */
#include "lib/ops/convert.h"
#include "lib/ops/move.h"

#include <string.h>

typedef struct col2im_params {
    tdnn_ints dilations, pads, strides;
} col2im_params;

/* Along each axis of the image. */
typedef struct block_grid {
    int axes;
    int64_t image[TDNN_MAX_DIMS], block[TDNN_MAX_DIMS], step[TDNN_MAX_DIMS], gap[TDNN_MAX_DIMS],
        pad[TDNN_MAX_DIMS], count[TDNN_MAX_DIMS]; /* count: of blocks */
    int64_t block_size, blocks;
} block_grid;

static int64_t entry(const tdnn_ints *list, size_t index, int64_t otherwise)
{
    return list->given && index < list->count ? list->at[index] : otherwise;
}

static tdnn_status make_grid(const col2im_params *p, const tdnn_few *image,
                             const tdnn_few *block, block_grid *g, tdnn_error *err)
{
    const int64_t limit = INT64_C(1) << 31;
    *g = (block_grid){.axes = (int)image->count, .block_size = 1, .blocks = 1};
    if (g->axes < 1 || g->axes > TDNN_MAX_DIMS - 2 || block->count != image->count)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "an image with %zu axes and blocks with %zu",
                         image->count, block->count);
    for (int d = 0; d < g->axes; d++) {
        const size_t i = (size_t)d;
        g->image[d] = image->at[d];
        g->block[d] = block->at[d];
        g->step[d] = entry(&p->strides, i, 1);
        g->gap[d] = entry(&p->dilations, i, 1);
        g->pad[d] = entry(&p->pads, i, 0);
        const int64_t end = entry(&p->pads, i + image->count, 0);
        const bool sane = g->image[d] >= 0 && g->image[d] < limit && g->block[d] > 0 &&
                          g->block[d] < limit && g->step[d] > 0 && g->step[d] < limit &&
                          g->gap[d] > 0 && g->gap[d] < limit && g->pad[d] >= 0 &&
                          g->pad[d] < limit && end >= 0 && end < limit;
        const int64_t room =
            sane ? g->image[d] + g->pad[d] + end - g->gap[d] * (g->block[d] - 1) - 1 : -1;
        if (room < 0)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                             "blocks of %lld do not fit an image of %lld along axis %d",
                             (long long)g->block[d], (long long)g->image[d], d);
        g->count[d] = room / g->step[d] + 1;
        if (__builtin_mul_overflow(g->block_size, g->block[d], &g->block_size) ||
            __builtin_mul_overflow(g->blocks, g->count[d], &g->blocks))
            return TDNN_FAIL(err, TDNN_ERR_LIMIT, "too many blocks");
    }
    return TDNN_OK;
}

static tdnn_status col2im_infer(tdnn_infer *ctx)
{
    const tdnn_shape *in = &ctx->in[0]->shape;
    char text[TDNN_SHAPE_TEXT];
    tdnn_few image, block;
    block_grid g;
    TDNN_TRY(tdnn_infer_few(ctx, 1, &image));
    TDNN_TRY(tdnn_infer_few(ctx, 2, &block));
    TDNN_TRY(make_grid(ctx->params, &image, &block, &g, ctx->err));
    if (in->ndim != 3 || in->dim[1] % g.block_size || in->dim[2] != g.blocks ||
        !tdnn_dtype_is_real(ctx->in[0]->dtype))
        return TDNN_FAIL(
            ctx->err, TDNN_ERR_SHAPE, "columns of shape %s, expected N x %lld C x %lld",
            tdnn_shape_text(in, text), (long long)g.block_size, (long long)g.blocks);
    tdnn_shape out = {.ndim = g.axes + 2, .dim = {in->dim[0], in->dim[1] / g.block_size}};
    for (int d = 0; d < g.axes; d++) out.dim[d + 2] = g.image[d];
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &out);
    return TDNN_OK;
}

/* Where element `inner` of block `number` lies in the image; -1: in the padding. */
static int64_t place_of(const block_grid *g, int64_t inner, int64_t number)
{
    int64_t at = 0, stride = 1;
    for (int d = g->axes - 1; d >= 0; d--) {
        const int64_t x =
            number % g->count[d] * g->step[d] + inner % g->block[d] * g->gap[d] - g->pad[d];
        if (x < 0 || x >= g->image[d]) return -1;
        at += x * stride;
        stride *= g->image[d];
        number /= g->count[d];
        inner /= g->block[d];
    }
    return at;
}

/* Blocks begin .. end-1 of those in a row along the last axis have their element `inner` in the
 * image, the first of them at the result. */
static int64_t row_of(const block_grid *g, int64_t inner, int64_t row, int64_t *begin,
                      int64_t *end)
{
    const int last = g->axes - 1;
    const int64_t shift = inner % g->block[last] * g->gap[last] - g->pad[last];
    const int64_t room = g->image[last] - 1 - shift;
    *begin = shift < 0 ? (-shift + g->step[last] - 1) / g->step[last] : 0;
    *end = room < 0 ? 0 : room / g->step[last] + 1;
    if (*end > g->count[last]) *end = g->count[last];
    if (*begin >= *end) return -1;
    return place_of(g, inner, row * g->count[last] + *begin);
}

/* The same for f32, row by row, in the output itself. */
static void col2im_run_f32(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const block_grid *g = step->data;
    const int last = g->axes - 1;
    const size_t planes = (size_t)(step->out[0]->shape.dim[0] * step->out[0]->shape.dim[1]);
    const size_t size = (size_t)tdnn_shape_count(&step->out[0]->shape) / planes;
    const size_t stride = (size_t)g->step[last];
    float *sum = (float *)step->out[0]->data + task * size;
    const float *x =
        (const float *)step->in[0]->data + task * (size_t)(g->block_size * g->blocks);
    memset(sum, 0, size * sizeof *sum);
    for (int64_t inner = 0; inner < g->block_size; inner++) {
        for (int64_t row = 0; row < g->blocks / g->count[last]; row++, x += g->count[last]) {
            int64_t begin, end;
            const int64_t at = row_of(g, inner, row, &begin, &end);
            if (at < 0) continue;
            const float *from = x + begin;
            float *to = sum + at;
            const size_t n = (size_t)(end - begin);
            if (stride == 1)
                for (size_t i = 0; i < n; i++) to[i] += from[i];
            else
                for (size_t i = 0; i < n; i++) to[i * stride] += from[i];
        }
    }
}

/* A plane of the image a task. */
static void col2im_run(const tdnn_step *step, size_t task, size_t worker)
{
    const block_grid *g = step->data;
    const tdnn_tensor *in = step->in[0], *out = step->out[0];
    const size_t planes = (size_t)(out->shape.dim[0] * out->shape.dim[1]);
    const size_t size = (size_t)tdnn_shape_count(&out->shape) / planes;
    double *sum = (double *)(void *)(step->scratch + worker * step->scratch_stride);
    memset(sum, 0, size * sizeof *sum);
    for (int64_t inner = 0; inner < g->block_size; inner++) {
        const size_t row = (task * (size_t)g->block_size + (size_t)inner) * (size_t)g->blocks;
        for (int64_t number = 0; number < g->blocks; number++) {
            const int64_t at = place_of(g, inner, number);
            double x;
            if (at < 0) continue;
            tdnn_load_f64(&x, (tdnn_run){in->data, in->dtype, row + (size_t)number, 1}, 1);
            sum[at] += x;
        }
    }
    tdnn_store_f64((tdnn_run){out->data, out->dtype, task * size, 1}, sum, size);
}

static tdnn_status col2im_plan(tdnn_plan_ctx *ctx)
{
    const tdnn_shape *out = &ctx->step->out[0]->shape;
    tdnn_few image, block;
    block_grid *g = tdnn_plan_alloc(ctx, 1, sizeof *g);
    if (!g) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(tdnn_plan_few(ctx, 1, &image));
    TDNN_TRY(tdnn_plan_few(ctx, 2, &block));
    TDNN_TRY(make_grid(ctx->step->params, &image, &block, g, ctx->err));
    ctx->step->kernel = "col2im";
    if (ctx->step->out[0]->bytes == 0) return TDNN_OK;
    const size_t planes = (size_t)(out->dim[0] * out->dim[1]);
    if (ctx->step->in[0]->dtype == TDNN_F32) {
        tdnn_plan_phase(ctx, col2im_run_f32, planes);
        return TDNN_OK;
    }
    tdnn_plan_scratch(ctx, (size_t)tdnn_shape_count(out) / planes * sizeof(double));
    tdnn_plan_phase(ctx, col2im_run, planes);
    return TDNN_OK;
}

static const tdnn_attr col2im_attrs[] = {
    TDNN_INTS(col2im_params, dilations),
    TDNN_INTS(col2im_params, pads),
    TDNN_INTS(col2im_params, strides),
    {0},
};

const tdnn_op tdnn_op_Col2Im = {
    .schema = {TDNN_SCHEMA(Col2Im, 3, 3, 1, 1, col2im_attrs, col2im_params)},
    .infer = col2im_infer,
    .plan = col2im_plan,
};
