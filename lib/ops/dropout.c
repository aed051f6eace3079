/* Dropout: nothing, but in training mode, where it drops elements at random. */
#include "lib/ops/convert.h"
#include "lib/ops/random.h"

#include <string.h>

typedef struct dropout_params {
    int64_t seed;
    bool has_seed;
} dropout_params;

static tdnn_status dropout_infer(tdnn_infer *ctx)
{
    for (size_t i = 1; i < 3; i++)
        if (tdnn_infer_has(ctx, i) && tdnn_shape_count(&ctx->in[i]->shape) != 1)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is no single number", i);
    if (tdnn_infer_has(ctx, 1) && !tdnn_dtype_is_float(ctx->in[1]->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "ratio is %s, expected a floating-point type",
                         tdnn_dtype_name(ctx->in[1]->dtype));
    if (tdnn_infer_has(ctx, 2) && ctx->in[2]->dtype != TDNN_BOOL)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "training_mode is %s, expected bool",
                         tdnn_dtype_name(ctx->in[2]->dtype));
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &ctx->in[0]->shape);
    tdnn_infer_set(ctx, 1, TDNN_BOOL, &ctx->in[0]->shape);
    return TDNN_OK;
}

static void dropout_layout(tdnn_layout_query *q)
{
    const bool training = q->input_count > 2 && q->in[2];
    if (q->output_count == 1 && !training) tdnn_layout_follow(q);
}

static void keep_all_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    memset(step->out[1]->data, 1, step->out[1]->bytes);
}

enum { CHUNK = 256 };

/* Elements first .. first+n-1 of the output and of the mask, either of which may be NULL. */
static void drop_some(const tdnn_step *step, const bool *keep, double scale, size_t first,
                      size_t n)
{
    const tdnn_tensor *in = step->in[0], *out = step->out[0];
    double x[CHUNK];
    if (step->output_count > 1 && step->out[1])
        memcpy((unsigned char *)step->out[1]->data + first, keep, n);
    if (!out) return;
    tdnn_load_f64(x, (tdnn_run){in->data, in->dtype, first, 1}, n);
    for (size_t i = 0; i < n; i++) x[i] = keep[i] ? x[i] * scale : 0;
    tdnn_store_f64((tdnn_run){out->data, out->dtype, first, 1}, x, n);
}

static void dropout_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const dropout_params *p = step->params;
    const size_t count = (size_t)tdnn_shape_count(&step->in[0]->shape);
    const bool training = tdnn_tensor_get_i64(step->in[2], 0) != 0;
    const double ratio = !training     ? 0
                         : step->in[1] ? tdnn_tensor_get_f64(step->in[1], 0)
                                       : 0.5;
    tdnn_random *r = (tdnn_random *)(void *)step->shared;
    if (ratio != 0) tdnn_random_seed(r, p->has_seed, (double)p->seed);
    for (size_t first = 0; first < count; first += CHUNK) {
        const size_t n = count - first < CHUNK ? count - first : CHUNK;
        bool keep[CHUNK];
        for (size_t i = 0; i < n; i++) keep[i] = ratio == 0 || tdnn_random_uniform(r) >= ratio;
        drop_some(step, keep, 1 / (1 - ratio), first, n);
    }
}

static bool is_zero(const tdnn_tensor *known)
{
    return known && tdnn_tensor_get_f64(known, 0) == 0;
}

static tdnn_status dropout_plan(tdnn_plan_ctx *ctx)
{
    const tdnn_step *step = ctx->step;
    const tdnn_tensor *training = step->input_count > 2 ? ctx->known[2] : NULL;
    const bool absent = step->input_count < 3 || !step->in[2];
    const bool trains = !absent && !(training && tdnn_tensor_get_i64(training, 0) == 0);
    if (trains && !(step->in[1] && is_zero(ctx->known[1]))) {
        ctx->step->kernel = "random";
        tdnn_plan_shared(ctx, sizeof(tdnn_random));
        tdnn_plan_phase(ctx, dropout_run, 1);
        return TDNN_OK;
    }
    if (step->out[0]) TDNN_TRY(tdnn_plan_view(ctx));
    if (step->output_count > 1 && step->out[1]) tdnn_plan_phase(ctx, keep_all_run, 1);
    return TDNN_OK;
}

static const tdnn_attr dropout_attrs[] = {
    {.name = "seed",
     .type = TDNN_ATTR_INT,
     .offset = offsetof(dropout_params, seed),
     .given = offsetof(dropout_params, has_seed)},
    {0},
};

const tdnn_op tdnn_op_Dropout = {
    .schema = {TDNN_SCHEMA(Dropout, 1, 3, 1, 2, dropout_attrs, dropout_params)},
    .flags = TDNN_OP_RANDOM,
    .infer = dropout_infer,
    .layout = dropout_layout,
    .plan = dropout_plan,
};
