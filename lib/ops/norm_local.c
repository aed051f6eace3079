/* LRN across channels, LpNormalization along an axis, MeanVarianceNormalization over axes. */
#include "lib/ops/axis.h"
#include "lib/ops/convert.h"
#include "lib/ops/reduction.h"

#include <math.h>

enum { CHUNK = 256 };

static tdnn_status infer_floats(tdnn_infer *ctx)
{
    if (!tdnn_dtype_is_float(ctx->in[0]->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "element type %s, expected floats",
                         tdnn_dtype_name(ctx->in[0]->dtype));
    return tdnn_infer_same(ctx);
}

/* ---- LRN: y = x / (bias + alpha / size * sum of squares of `size` channels around) ^ beta
 * ---- */

typedef struct lrn_data {
    size_t channels, pixels, groups; /* groups of CHUNK pixels */
    size_t below, above;             /* channels on either side */
    size_t units, tasks;
    double factor, bias, beta;
} lrn_data;

/* One group of pixels: the squares of all channels lie in the scratch, then sums slide over
 * them. */
static void lrn_group(const tdnn_step *s, const lrn_data *d, size_t first, size_t n,
                      double *square)
{
    const tdnn_tensor *x = s->in[0];
    double part[CHUNK];
    for (size_t c = 0; c < d->channels; c++) {
        double *to = square + c * CHUNK;
        tdnn_load_f64(to, tdnn_run_of(x->data, x->dtype, first + c * d->pixels, 1), n);
        for (size_t i = 0; i < n; i++) to[i] *= to[i];
    }
    for (size_t c = 0; c < d->channels; c++) {
        const size_t low = c < d->below ? 0 : c - d->below;
        const size_t high = d->channels - c > d->above ? c + d->above + 1 : d->channels;
        double sum[CHUNK] = {0};
        for (size_t k = low; k < high; k++)
            for (size_t i = 0; i < n; i++) sum[i] += square[k * CHUNK + i];
        tdnn_load_f64(part, tdnn_run_of(x->data, x->dtype, first + c * d->pixels, 1), n);
        for (size_t i = 0; i < n; i++) {
            const double base = d->bias + d->factor * sum[i];
            /* 3/4, the usual exponent, without pow */
            part[i] /= d->beta == 0.75 ? sqrt(base) * sqrt(sqrt(base)) : pow(base, d->beta);
        }
        tdnn_store_f64((tdnn_run){s->out[0]->data, x->dtype, first + c * d->pixels, 1}, part,
                       n);
    }
}

static void run_lrn(const tdnn_step *s, size_t task, size_t worker)
{
    const lrn_data *d = s->data;
    size_t unit, end;
    tdnn_task_range(d->units, d->tasks, task, &unit, &end);
    for (; unit < end; unit++) {
        const size_t pixel = unit % d->groups * CHUNK;
        const size_t n = d->pixels - pixel < CHUNK ? d->pixels - pixel : CHUNK;
        lrn_group(s, d, unit / d->groups * d->channels * d->pixels + pixel, n,
                  (double *)(void *)(s->scratch + worker * s->scratch_stride));
    }
}

static tdnn_status infer_lrn(tdnn_infer *ctx)
{
    const tdnn_lrn_params *p = ctx->params;
    if (p->size < 1)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "size is %lld, expected 1 or more",
                         (long long)p->size);
    if (ctx->in[0]->shape.ndim < 2)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "input has %d dimensions, expected 2 or more", ctx->in[0]->shape.ndim);
    return infer_floats(ctx);
}

static tdnn_status plan_lrn(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    const tdnn_lrn_params *p = s->params;
    lrn_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    const tdnn_along a = tdnn_along_axis(&s->in[0]->shape, 1);
    const double total = (double)a.outer * (double)a.length * (double)a.inner;
    if (total == 0) return TDNN_OK;
    size_t bytes;
    if (!tdnn_size_mul(a.length, CHUNK * sizeof(double), &bytes))
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "too many channels");
    d->channels = a.length;
    d->pixels = a.inner;
    d->groups = (a.inner + CHUNK - 1) / CHUNK;
    d->below = (size_t)(p->size - 1) / 2;
    d->above = (size_t)p->size / 2;
    d->factor = (double)p->alpha / (double)p->size;
    d->bias = (double)p->bias;
    d->beta = (double)p->beta;
    d->units = a.outer * d->groups;
    tdnn_plan_scratch(ctx, bytes);
    s->flops = (uint64_t)((double)(p->size + 8) * total);
    d->tasks = tdnn_plan_split(ctx, (double)s->flops, d->units);
    tdnn_plan_phase(ctx, run_lrn, d->tasks);
    return TDNN_OK;
}

static const tdnn_attr lrn_attrs[] = {TDNN_FLOAT(tdnn_lrn_params, alpha, 0.0001f),
                                      TDNN_FLOAT(tdnn_lrn_params, beta, 0.75f),
                                      TDNN_FLOAT(tdnn_lrn_params, bias, 1.0f),
                                      {.name = "size",
                                       .type = TDNN_ATTR_INT,
                                       .required = true,
                                       .offset = offsetof(tdnn_lrn_params, size)},
                                      {0}};
const tdnn_op tdnn_op_LRN = {
    .schema = {TDNN_SCHEMA(LRN, 1, 1, 1, 1, lrn_attrs, tdnn_lrn_params)},
    .infer = infer_lrn,
    .plan = plan_lrn,
};

/* ---- LpNormalization: lines divided by their norm; a line of zeros stays ---- */

typedef struct lp_data {
    tdnn_along along;
    bool squares;
    size_t groups; /* of CHUNK columns */
    size_t units, tasks;
} lp_data;

/* n neighbouring lines at once, so that memory is read in order. */
static void lp_columns(const tdnn_step *s, const lp_data *d, size_t first, size_t n)
{
    double norm[CHUNK] = {0}, part[CHUNK];
    const tdnn_tensor *x = s->in[0];
    for (size_t i = 0; i < d->along.length; i++) {
        tdnn_load_f64(part, tdnn_run_of(x->data, x->dtype, first + i * d->along.inner, 1), n);
        for (size_t k = 0; k < n; k++)
            norm[k] += d->squares ? part[k] * part[k] : fabs(part[k]);
    }
    for (size_t k = 0; k < n; k++) {
        if (d->squares) norm[k] = sqrt(norm[k]);
        if (norm[k] == 0) norm[k] = 1;
    }
    for (size_t i = 0; i < d->along.length; i++) {
        const size_t at = first + i * d->along.inner;
        tdnn_load_f64(part, tdnn_run_of(x->data, x->dtype, at, 1), n);
        for (size_t k = 0; k < n; k++) part[k] /= norm[k];
        tdnn_store_f64((tdnn_run){s->out[0]->data, x->dtype, at, 1}, part, n);
    }
}

static void lp_row_f32(const tdnn_step *s, const lp_data *d, size_t first)
{
    const size_t n = d->along.length;
    const float *x = (const float *)s->in[0]->data + first;
    float norm = d->squares ? sqrtf(s->kernels->row_spread_f32(x, n, 0))
                            : s->kernels->row_abs_sum_f32(x, n);
    if (norm == 0) norm = 1;
    s->kernels->div_f32((float *)s->out[0]->data + first, x, 1, &norm, 0, n);
}

static void run_lp(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const lp_data *d = s->data;
    size_t unit, end;
    tdnn_task_range(d->units, d->tasks, task, &unit, &end);
    for (; unit < end; unit++) {
        const size_t column = unit % d->groups * CHUNK, left = d->along.inner - column;
        if (d->along.inner == 1 && s->in[0]->dtype == TDNN_F32) {
            lp_row_f32(s, d, unit * d->along.length);
            continue;
        }
        lp_columns(s, d, unit / d->groups * d->along.length * d->along.inner + column,
                   left < CHUNK ? left : CHUNK);
    }
}

static tdnn_status infer_lp(tdnn_infer *ctx)
{
    const tdnn_lp_normalization_params *p = ctx->params;
    int axis;
    TDNN_TRY(tdnn_axis_resolve(p->axis, ctx->in[0]->shape.ndim, &axis, ctx->err));
    if (p->p != 1 && p->p != 2)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "p is %lld, expected 1 or 2",
                         (long long)p->p);
    return infer_floats(ctx);
}

static tdnn_status plan_lp(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    const tdnn_lp_normalization_params *p = s->params;
    lp_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    int axis;
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(tdnn_axis_resolve(p->axis, s->in[0]->shape.ndim, &axis, ctx->err));
    const tdnn_along a = d->along = tdnn_along_axis(&s->in[0]->shape, axis);
    const double total = (double)a.outer * (double)a.length * (double)a.inner;
    if (total == 0) return TDNN_OK;
    d->squares = p->p == 2;
    d->groups = (a.inner + CHUNK - 1) / CHUNK;
    d->units = a.outer * d->groups;
    s->flops = (uint64_t)(3 * total);
    d->tasks = tdnn_plan_split(ctx, 3 * total, d->units);
    tdnn_plan_phase(ctx, run_lp, d->tasks);
    tdnn_plan_inplace(ctx, 0, 0);
    return TDNN_OK;
}

static const tdnn_attr lp_attrs[] = {TDNN_INT(tdnn_lp_normalization_params, axis, -1),
                                     TDNN_INT(tdnn_lp_normalization_params, p, 2),
                                     {0}};
const tdnn_op tdnn_op_LpNormalization = {
    .schema = {TDNN_SCHEMA(LpNormalization, 1, 1, 1, 1, lp_attrs,
                           tdnn_lp_normalization_params)},
    .infer = infer_lp,
    .plan = plan_lp,
};

/* ---- MeanVarianceNormalization: (x - mean) / (deviation + 1e-9) ---- */

typedef struct mvn_params {
    tdnn_ints axes;
} mvn_params;

typedef struct mvn_data {
    tdnn_reduction r;
    size_t tasks;
} mvn_data;

static tdnn_status mvn_axes(const mvn_params *p, int ndim, unsigned *mask, tdnn_error *err)
{
    tdnn_few axes = {.given = true, .count = 3, .at = {0, 2, 3}};
    if (p->axes.given) {
        axes.count = p->axes.count;
        if (axes.count > (size_t)ndim)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%zu axes of a tensor with %d dimensions",
                             axes.count, ndim);
        for (size_t i = 0; i < axes.count; i++) axes.at[i] = p->axes.at[i];
    }
    return tdnn_axes_mask(&axes, ndim, mask, err);
}

/* The elements that are normalised together with column `column` of kept part `kept`: one by
 * one if the runs are kept, else whole runs. */
static void mvn_part(const tdnn_step *s, const mvn_data *d, size_t base)
{
    const tdnn_reduction *r = &d->r;
    const tdnn_tensor *x = s->in[0];
    const size_t n = r->run_reduced ? r->run : 1, count = n * r->reduced;
    double part[CHUNK], sum = 0, spread = 0;
    for (int pass = 0; pass < 3; pass++) {
        const double mean = sum / (double)count,
                     factor = 1 / (sqrt(spread / (double)count) + 1e-9);
        for (size_t i = 0; i < r->reduced; i++) {
            const size_t at = base + tdnn_reduction_offset(r, i, true);
            for (size_t done = 0; done < n; done += CHUNK) {
                const size_t m = n - done < CHUNK ? n - done : CHUNK;
                tdnn_load_f64(part, tdnn_run_of(x->data, x->dtype, at + done, 1), m);
                for (size_t k = 0; k < m; k++) {
                    if (pass == 0)
                        sum += part[k];
                    else if (pass == 1)
                        spread += (part[k] - mean) * (part[k] - mean);
                    else
                        part[k] = (part[k] - mean) * factor;
                }
                if (pass == 2)
                    tdnn_store_f64((tdnn_run){s->out[0]->data, x->dtype, at + done, 1}, part,
                                   m);
            }
        }
    }
}

static void run_mvn(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const mvn_data *d = s->data;
    const size_t columns = d->r.run_reduced ? 1 : d->r.run;
    size_t unit, end;
    tdnn_task_range(d->r.kept * columns, d->tasks, task, &unit, &end);
    for (; unit < end; unit++)
        mvn_part(s, d, tdnn_reduction_offset(&d->r, unit / columns, false) + unit % columns);
}

static tdnn_status infer_mvn(tdnn_infer *ctx)
{
    unsigned mask;
    TDNN_TRY(mvn_axes(ctx->params, ctx->in[0]->shape.ndim, &mask, ctx->err));
    return infer_floats(ctx);
}

static tdnn_status plan_mvn(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    const tdnn_shape *x = &s->in[0]->shape;
    mvn_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    unsigned mask;
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(mvn_axes(s->params, x->ndim, &mask, ctx->err));
    const double total = (double)tdnn_shape_count(x);
    if (total == 0) return TDNN_OK;
    d->r = tdnn_reduction_make(x, mask);
    const size_t units = d->r.kept * (d->r.run_reduced ? 1 : d->r.run);
    s->flops = (uint64_t)(6 * total);
    d->tasks = tdnn_plan_split(ctx, 6 * total, units);
    tdnn_plan_phase(ctx, run_mvn, d->tasks);
    return TDNN_OK;
}

static const tdnn_attr mvn_attrs[] = {TDNN_INTS(mvn_params, axes), {0}};
const tdnn_op tdnn_op_MeanVarianceNormalization = {
    .schema = {TDNN_SCHEMA(MeanVarianceNormalization, 1, 1, 1, 1, mvn_attrs, mvn_params)},
    .infer = infer_mvn,
    .plan = plan_mvn,
};
