/* MaxUnpool: maxima back to where MaxPool found them, zeros elsewhere. */
#include "lib/ops/move.h"
#include "lib/ops/window.h"

#include <string.h>

typedef struct unpool_params {
    tdnn_window window;
} unpool_params;

/* Indices count the elements of the pooled input as a whole, batch and channels too. `natural`
 * is the size that the windows tell; an output_shape may be larger. */
static tdnn_status natural_shape(const unpool_params *p, const tdnn_shape *x, tdnn_shape *out,
                                 tdnn_error *err)
{
    tdnn_windows w;
    TDNN_TRY(tdnn_windows_read(&p->window, x, NULL, &w, err));
    *out = *x;
    for (int i = 0; i < w.rank; i++)
        out->dim[i + 2] = (x->dim[i + 2] - 1) * w.axis[i].stride - w.axis[i].pad -
                          w.axis[i].pad_end + w.axis[i].kernel;
    return TDNN_OK;
}

static tdnn_status infer_unpool(tdnn_infer *ctx)
{
    const tdnn_shape *x = &ctx->in[0]->shape;
    tdnn_shape y;
    char a[TDNN_SHAPE_TEXT], b[TDNN_SHAPE_TEXT];
    TDNN_TRY(natural_shape(ctx->params, x, &y, ctx->err));
    if (ctx->in[1]->dtype != TDNN_I64 || !tdnn_shape_equal(x, &ctx->in[1]->shape))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "indices of shape %s for values of shape %s",
                         tdnn_shape_text(&ctx->in[1]->shape, a), tdnn_shape_text(x, b));
    if (tdnn_infer_has(ctx, 2)) {
        tdnn_few few;
        TDNN_TRY(tdnn_infer_few(ctx, 2, &few));
        if (few.count != (size_t)x->ndim)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                             "output_shape has %zu entries, expected %d", few.count, x->ndim);
        y = tdnn_shape_make(x->ndim, few.at);
    }
    for (int i = 0; i < y.ndim; i++)
        if (y.dim[i] < 0)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "output of shape %s",
                             tdnn_shape_text(&y, a));
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &y);
    return TDNN_OK;
}

/* The index that a larger output gives to the element that is `index` in one of the natural
 * size. */
static int64_t moved(const tdnn_shape *natural, const tdnn_shape *out, int64_t index)
{
    int64_t at = 0, step = 1;
    for (int i = out->ndim - 1; i >= 0; i--) {
        at += index % natural->dim[i] * step;
        index /= natural->dim[i];
        step *= out->dim[i];
    }
    return at;
}

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const tdnn_shape *natural = s->data, *out = &s->out[0]->shape;
    const size_t size = (size_t)tdnn_dtype_bits(s->in[0]->dtype) / 8;
    const int64_t *index = s->in[1]->data;
    const int64_t count = tdnn_shape_count(&s->in[0]->shape), total = tdnn_shape_count(out);
    const int64_t inside = tdnn_shape_count(natural);
    const bool same = tdnn_shape_equal(natural, out);
    memset(s->out[0]->data, 0, (size_t)total * size);
    for (int64_t i = 0; i < count; i++) {
        if (index[i] < 0 || index[i] >= inside) continue; /* points nowhere */
        const int64_t at = same ? index[i] : moved(natural, out, index[i]);
        if (at < total)
            memcpy((char *)s->out[0]->data + (size_t)at * size,
                   (const char *)s->in[0]->data + (size_t)i * size, size);
    }
}

static tdnn_status plan_unpool(tdnn_plan_ctx *ctx)
{
    tdnn_shape *natural = tdnn_plan_alloc(ctx, 1, sizeof *natural);
    if (!natural) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(natural_shape(ctx->step->params, &ctx->step->in[0]->shape, natural, ctx->err));
    if (tdnn_shape_count(&ctx->step->out[0]->shape) > 0) tdnn_plan_phase(ctx, run, 1);
    return TDNN_OK;
}

static const tdnn_attr attrs[] = {{.name = "kernel_shape",
                                   .type = TDNN_ATTR_INTS,
                                   .required = true,
                                   .offset = offsetof(unpool_params, window.kernel_shape)},
                                  TDNN_WINDOW_INTS(unpool_params, strides),
                                  TDNN_WINDOW_INTS(unpool_params, pads),
                                  {0}};
const tdnn_op tdnn_op_MaxUnpool = {
    .schema = {TDNN_SCHEMA(MaxUnpool, 2, 3, 1, 1, attrs, unpool_params)},
    .infer = infer_unpool,
    .plan = plan_unpool,
};
