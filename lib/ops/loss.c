/* NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss: scores N, C, D..., a class for each of
 * N, D... */
#include "lib/ops/axis.h"
#include "lib/ops/convert.h"

#include <math.h>

enum { CHUNK = 256 };
enum { MEAN, NONE, SUM };

typedef struct loss_params {
    int64_t reduction, ignore_index;
    bool has_ignore;
} loss_params;

typedef struct loss_data {
    tdnn_along along; /* N x C x D */
    bool cross;       /* SoftmaxCrossEntropyLoss: scores are no log-probabilities yet */
    size_t groups, units, tasks; /* groups of CHUNK places of D */
    size_t total;                /* places of N, D */
} loss_data;

static const tdnn_tensor *class_weights(const tdnn_step *s)
{
    return s->input_count > 2 ? s->in[2] : NULL;
}
static tdnn_tensor *log_probabilities(const tdnn_step *s)
{
    return s->output_count > 1 ? s->out[1] : NULL;
}

static double number(const tdnn_tensor *t, size_t i)
{
    double v;
    tdnn_load_f64(&v, tdnn_run_of(t->data, t->dtype, i, 1), 1);
    return v;
}

/* log of the sum of exponentials over the classes, for n neighbouring places. */
static void log_sums(const tdnn_step *s, tdnn_along a, size_t first, size_t n, double *sum)
{
    double part[CHUNK], largest[CHUNK];
    const tdnn_tensor *x = s->in[0];
    for (size_t k = 0; k < n; k++) largest[k] = -INFINITY, sum[k] = 0;
    for (size_t c = 0; c < a.length; c++) {
        tdnn_load_f64(part, tdnn_run_of(x->data, x->dtype, first + c * a.inner, 1), n);
        for (size_t k = 0; k < n; k++) largest[k] = fmax(largest[k], part[k]);
    }
    for (size_t c = 0; c < a.length; c++) {
        tdnn_load_f64(part, tdnn_run_of(x->data, x->dtype, first + c * a.inner, 1), n);
        for (size_t k = 0; k < n; k++) sum[k] += exp(part[k] - largest[k]);
    }
    for (size_t k = 0; k < n; k++) sum[k] = largest[k] + log(sum[k]);
}

static void store_log_probabilities(const tdnn_step *s, tdnn_along a, size_t first, size_t n,
                                    const double *sum)
{
    double part[CHUNK];
    const tdnn_tensor *x = s->in[0];
    tdnn_tensor *y = log_probabilities(s);
    for (size_t c = 0; y && c < a.length; c++) {
        const size_t at = first + c * a.inner;
        tdnn_load_f64(part, tdnn_run_of(x->data, x->dtype, at, 1), n);
        for (size_t k = 0; k < n; k++) part[k] -= sum[k];
        tdnn_store_f64((tdnn_run){y->data, y->dtype, at, 1}, part, n);
    }
}

/* Phase 1: the loss and the weight of every place, in the shared scratch. */
static void places(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const loss_data *d = s->data;
    const loss_params *p = s->params;
    const tdnn_along a = d->along;
    double *loss = (double *)(void *)s->shared, *weight = loss + d->total, sum[CHUNK] = {0};
    size_t unit, end;
    tdnn_task_range(d->units, d->tasks, task, &unit, &end);
    for (; unit < end; unit++) {
        const size_t image = unit / d->groups, place = unit % d->groups * CHUNK;
        const size_t n = a.inner - place < CHUNK ? a.inner - place : CHUNK;
        const size_t first = image * a.length * a.inner + place;
        if (d->cross) {
            log_sums(s, a, first, n, sum);
            store_log_probabilities(s, a, first, n, sum);
        }
        for (size_t k = 0; k < n; k++) {
            const size_t at = image * a.inner + place + k;
            const int64_t class = tdnn_tensor_get_i64(s->in[1], at);
            loss[at] = weight[at] = 0;
            if (p->has_ignore && class == p->ignore_index) continue;
            if (class < 0 || (size_t) class >= a.length) { /* no such class */
                loss[at] = NAN;
                continue;
            }
            weight[at] = class_weights(s) ? number(class_weights(s), (size_t) class) : 1;
            loss[at] =
                (sum[k] - number(s->in[0], first + k + (size_t) class * a.inner)) * weight[at];
        }
    }
}

/* Phase 2: all of them, their sum, or their weighted mean. */
static void reduce(const tdnn_step *s, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const loss_data *d = s->data;
    const loss_params *p = s->params;
    const double *loss = (const double *)(const void *)s->shared, *weight = loss + d->total;
    const tdnn_run to = {s->out[0]->data, s->out[0]->dtype, 0, 1};
    double sum = 0, weights = 0;
    if (p->reduction == NONE) {
        tdnn_store_f64(to, loss, d->total);
        return;
    }
    for (size_t i = 0; i < d->total; i++) sum += loss[i], weights += weight[i];
    if (p->reduction == MEAN) sum /= weights;
    tdnn_store_f64(to, &sum, 1);
}

static tdnn_status infer_loss(tdnn_infer *ctx)
{
    const loss_params *p = ctx->params;
    const tdnn_shape *x = &ctx->in[0]->shape, *labels = &ctx->in[1]->shape;
    char a[TDNN_SHAPE_TEXT], b[TDNN_SHAPE_TEXT];
    if (x->ndim < 2 || !tdnn_dtype_is_float(ctx->in[0]->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "scores of shape %s and type %s",
                         tdnn_shape_text(x, a), tdnn_dtype_name(ctx->in[0]->dtype));
    tdnn_shape y = *x;
    y.ndim--;
    for (int i = 1; i < y.ndim; i++) y.dim[i] = x->dim[i + 1];
    if (!tdnn_shape_equal(&y, labels) || !tdnn_dtype_is_int(ctx->in[1]->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "labels of shape %s and type %s, expected %s integers",
                         tdnn_shape_text(labels, a), tdnn_dtype_name(ctx->in[1]->dtype),
                         tdnn_shape_text(&y, b));
    if (tdnn_infer_has(ctx, 2) && tdnn_shape_count(&ctx->in[2]->shape) != x->dim[1])
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "%lld weights for %lld classes",
                         (long long)tdnn_shape_count(&ctx->in[2]->shape), (long long)x->dim[1]);
    if (p->reduction != NONE) y.ndim = 0;
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &y);
    tdnn_infer_set(ctx, 1, ctx->in[0]->dtype, x);
    return TDNN_OK;
}

static tdnn_status plan_loss(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    loss_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    size_t bytes;
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    d->along = tdnn_along_axis(&s->in[0]->shape, 1);
    d->cross = s->node->op->kind == TDNN_OP_SoftmaxCrossEntropyLoss;
    d->total = d->along.outer * d->along.inner;
    d->groups = (d->along.inner + CHUNK - 1) / CHUNK;
    d->units = d->along.outer * d->groups;
    if (!tdnn_size_mul(d->total, 2 * sizeof(double), &bytes))
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "too many places");
    tdnn_plan_shared(ctx, bytes);
    d->tasks = tdnn_plan_split(ctx, 20 * (double)d->total * (double)d->along.length, d->units);
    if (d->total) tdnn_plan_phase(ctx, places, d->tasks);
    tdnn_plan_phase(ctx, reduce, 1);
    return TDNN_OK;
}

static const char *const reductions[] = {"mean", "none", "sum", NULL};
static const tdnn_attr attrs[] = {TDNN_ENUM(loss_params, reduction, reductions, MEAN),
                                  {.name = "ignore_index",
                                   .type = TDNN_ATTR_INT,
                                   .offset = offsetof(loss_params, ignore_index),
                                   .given = offsetof(loss_params, has_ignore)},
                                  {0}};
const tdnn_op tdnn_op_NegativeLogLikelihoodLoss = {
    .schema = {TDNN_SCHEMA(NegativeLogLikelihoodLoss, 2, 3, 1, 1, attrs, loss_params)},
    .infer = infer_loss,
    .plan = plan_loss,
};
const tdnn_op tdnn_op_SoftmaxCrossEntropyLoss = {
    .schema = {TDNN_SCHEMA(SoftmaxCrossEntropyLoss, 2, 3, 1, 2, attrs, loss_params)},
    .infer = infer_loss,
    .plan = plan_loss,
};
