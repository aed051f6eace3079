/* BatchNormalization, InstanceNormalization and GroupNormalization: first a factor and an
 * offset for each channel (of each image), then y = act(x * factor + offset).
 */
#include "lib/ops/activation.h"
#include "lib/ops/moments.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 512 };

typedef struct norm_data {
    size_t batch, channels, pixels, groups;
    size_t images; /* with factors of their own: batch, or 1 for all alike */
    size_t lanes;  /* 1: plain */
    size_t rows;   /* of phase 2: (image, channel) or (image, block) */
    size_t stat_tasks, row_tasks;
    double epsilon, momentum;
    tdnn_act act;            /* of f32 only                                            */
    const double *constants; /* factors and offsets of constant statistics; or NULL    */
} norm_data;

static double number(const tdnn_tensor *t, size_t i)
{
    double v;
    tdnn_load_f64(&v, tdnn_run_of(t->data, t->dtype, i, 1), 1);
    return v;
}

static const double *factors(const tdnn_step *s)
{
    const norm_data *d = s->data;
    return d->constants ? d->constants : (const double *)(const void *)s->shared;
}
static const double *offsets(const tdnn_step *s)
{
    const norm_data *d = s->data;
    return factors(s) + d->images * d->channels;
}

/* out: all factors, then all offsets; `at`: image and channel. */
static void set_channel(const norm_data *d, double *out, size_t at, double scale, double bias,
                        tdnn_moments m)
{
    const double factor = scale / sqrt(m.variance + d->epsilon);
    out[at] = factor;
    out[d->images * d->channels + at] = bias - m.mean * factor;
}

/* ---- phase 1: factors and offsets ---- */

static void set_all(const norm_data *d, const tdnn_tensor *const *statistics, double *out)
{
    for (size_t c = 0; c < d->channels; c++)
        set_channel(d, out, c, number(statistics[0], c), number(statistics[1], c),
                    (tdnn_moments){number(statistics[2], c), number(statistics[3], c)});
}

static void batch_given(const tdnn_step *s, size_t task, size_t worker)
{
    (void)task, (void)worker;
    set_all(s->data, (const tdnn_tensor *const *)s->in + 1, (double *)(void *)s->shared);
}

static tdnn_status pack_statistics(void *context, const tdnn_tensor *const *source, void *out,
                                   tdnn_error *err)
{
    (void)err;
    set_all(context, source, out);
    return TDNN_OK;
}

/* Those of a channel in all images, which are put behind one another: the same sums as those of
 * an InstanceNormalization of a single image. */
static tdnn_moments moments_of_batch(const tdnn_step *s, size_t c, size_t worker)
{
    const norm_data *d = s->data;
    const tdnn_tensor *x = s->in[0];
    const size_t bytes = d->pixels * (size_t)tdnn_dtype_bits(x->dtype) / 8;
    char *all = (char *)(s->scratch + worker * s->scratch_stride);
    if (d->batch == 1)
        return tdnn_moments_of(s->kernels, x->data, x->dtype, c * d->pixels, d->pixels);
    for (size_t n = 0; n < d->batch; n++)
        memcpy(all + n * bytes, (const char *)x->data + (n * d->channels + c) * bytes, bytes);
    return tdnn_moments_of(s->kernels, all, x->dtype, 0, d->batch * d->pixels);
}

/* Training: the batch's own moments, and running ones that are moved towards them. */
static void batch_measured(const tdnn_step *s, size_t task, size_t worker)
{
    const norm_data *d = s->data;
    size_t c, end;
    tdnn_task_range(d->channels, d->stat_tasks, task, &c, &end);
    for (; c < end; c++) {
        const tdnn_moments m = moments_of_batch(s, c, worker);
        set_channel(d, (double *)(void *)s->shared, c, number(s->in[1], c), number(s->in[2], c),
                    m);
        const double now[] = {m.mean, m.variance};
        for (size_t k = 0; k < 2; k++) {
            if (k + 1 >= s->output_count || !s->out[k + 1]) continue;
            const double v = number(s->in[k + 3], c) * d->momentum + now[k] * (1 - d->momentum);
            tdnn_store_f64((tdnn_run){s->out[k + 1]->data, s->out[k + 1]->dtype, c, 1}, &v, 1);
        }
    }
}

static void groups_measured(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const norm_data *d = s->data;
    const size_t each = d->channels / d->groups, scales = (size_t)s->in[1]->shape.dim[0];
    size_t unit, end;
    tdnn_task_range(d->batch * d->groups, d->stat_tasks, task, &unit, &end);
    for (; unit < end; unit++) {
        const size_t image = unit / d->groups, group = unit % d->groups, n = each * d->pixels;
        const tdnn_moments m =
            tdnn_moments_of(s->kernels, s->in[0]->data, s->in[0]->dtype, unit * n, n);
        for (size_t c = group * each; c < (group + 1) * each; c++) {
            const size_t at = scales == d->channels ? c : group;
            set_channel(d, (double *)(void *)s->shared, image * d->channels + c,
                        number(s->in[1], at), number(s->in[2], at), m);
        }
    }
}

/* ---- phase 2: y = x * factor + offset ---- */

static void row_f64(const tdnn_step *s, size_t first, size_t n, double factor, double offset)
{
    double part[CHUNK];
    for (size_t done = 0; done < n; done += CHUNK) {
        const size_t count = n - done < CHUNK ? n - done : CHUNK;
        tdnn_load_f64(part, tdnn_run_of(s->in[0]->data, s->in[0]->dtype, first + done, 1),
                      count);
        for (size_t i = 0; i < count; i++) part[i] = part[i] * factor + offset;
        tdnn_store_f64((tdnn_run){s->out[0]->data, s->out[0]->dtype, first + done, 1}, part,
                       count);
    }
}

/* A block of channels: the lanes' factors side by side, again and again. */
static void row_blocked(const tdnn_step *s, size_t row)
{
    const norm_data *d = s->data;
    const size_t blocks = (d->channels + d->lanes - 1) / d->lanes, n = d->pixels * d->lanes;
    float factor[CHUNK], offset[CHUNK];
    for (size_t i = 0; i < d->lanes; i++) {
        const size_t c = row % blocks * d->lanes + i;
        factor[i] = c < d->channels ? (float)factors(s)[c] : 0;
        offset[i] = c < d->channels ? (float)offsets(s)[c] : 0;
    }
    for (size_t have = d->lanes; have < CHUNK && have < n; have *= 2) {
        memcpy(factor + have, factor, have * sizeof *factor);
        memcpy(offset + have, offset, have * sizeof *offset);
    }
    const float *x = (const float *)s->in[0]->data + row * n;
    float *y = (float *)s->out[0]->data + row * n;
    for (size_t i = 0; i < n; i += CHUNK) {
        const size_t count = n - i < CHUNK ? n - i : CHUNK;
        s->kernels->normalize_f32(y + i, x + i, factor, offset, count, 0, 1);
        if (d->act.kind) s->kernels->activate_f32(y + i, y + i, count, &d->act);
    }
}

static void row_plain(const tdnn_step *s, size_t first, size_t n, float factor, float offset)
{
    const norm_data *d = s->data;
    float *y = (float *)s->out[0]->data + first;
    s->kernels->affine_f32(y, (const float *)s->in[0]->data + first, n, factor, offset);
    if (d->act.kind) s->kernels->activate_f32(y, y, n, &d->act);
}

static void apply(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const norm_data *d = s->data;
    size_t row, end;
    tdnn_task_range(d->rows, d->row_tasks, task, &row, &end);
    for (; row < end; row++) {
        if (d->lanes > 1) {
            row_blocked(s, row);
            continue;
        }
        const size_t at = d->images == 1 ? row % d->channels : row, first = row * d->pixels;
        const double factor = factors(s)[at], offset = offsets(s)[at];
        if (s->in[0]->dtype == TDNN_F32)
            row_plain(s, first, d->pixels, (float)factor, (float)offset);
        else
            row_f64(s, first, d->pixels, factor, offset);
    }
}

/* ---- plan ---- */

/* Constant statistics become factors and offsets once for all sessions of the net. */
static tdnn_status plan_constants(tdnn_plan_ctx *ctx, norm_data *d)
{
    tdnn_pack_key key = {.what = "batch norm"};
    for (size_t i = 0; i < 4; i++)
        if (!(key.source[i] = ctx->constants[i + 1])) return TDNN_OK;
    memcpy(&key.number[0], &d->epsilon, sizeof d->epsilon);
    const void *packed;
    TDNN_TRY(tdnn_plan_pack(ctx, &key, 2 * d->channels * sizeof(double), pack_statistics, d,
                            sizeof *d, &packed));
    d->constants = packed;
    return TDNN_OK;
}

static tdnn_status plan_norm(tdnn_plan_ctx *ctx, norm_data how, tdnn_run_fn statistics,
                             size_t stat_units)
{
    tdnn_step *s = ctx->step;
    const tdnn_shape *x = &s->in[0]->shape;
    norm_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    *d = how;
    d->batch = (size_t)x->dim[0];
    d->channels = x->ndim > 1 ? (size_t)x->dim[1] : 1;
    d->pixels = 1;
    for (int i = 2; i < x->ndim; i++) d->pixels *= (size_t)x->dim[i];
    d->lanes = s->in[0]->layout ? (size_t)s->in[0]->layout : 1;
    d->images = d->groups ? d->batch : 1;
    d->rows = d->batch * ((d->channels + d->lanes - 1) / d->lanes);
    const double total = (double)d->rows * (double)d->lanes * (double)d->pixels;
    if (total == 0) return TDNN_OK;
    if (statistics == batch_given) TDNN_TRY(plan_constants(ctx, d));
    if (!d->constants) {
        tdnn_plan_shared(ctx, 2 * d->images * d->channels * sizeof(double));
        d->stat_tasks = tdnn_plan_split(ctx, 4 * total, stat_units);
        tdnn_plan_phase(ctx, statistics, d->stat_tasks);
    }
    d->row_tasks = tdnn_plan_split(ctx, 2 * total, d->rows);
    tdnn_plan_phase(ctx, apply, d->row_tasks);
    tdnn_plan_inplace(ctx, 0, 0);
    s->flops = (uint64_t)(2 * total);
    return TDNN_OK;
}

static tdnn_status expect_channels(const tdnn_info *in, const char *what, int64_t expected,
                                   tdnn_error *err)
{
    char text[TDNN_SHAPE_TEXT];
    if (in->shape.ndim != 1 || in->shape.dim[0] != expected)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%s has the shape %s, expected %lld", what,
                         tdnn_shape_text(&in->shape, text), (long long)expected);
    return TDNN_OK;
}

static tdnn_status expect_floats(const tdnn_info *in, tdnn_error *err)
{
    if (tdnn_dtype_is_float(in->dtype)) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_SHAPE, "element type %s, expected floats",
                     tdnn_dtype_name(in->dtype));
}

/* ---- BatchNormalization ---- */

static tdnn_status infer_batch(tdnn_infer *ctx)
{
    static const char *const names[] = {"", "scale", "bias", "mean", "variance"};
    const tdnn_shape *x = &ctx->in[0]->shape;
    const int64_t channels = x->ndim > 1 ? x->dim[1] : 1;
    TDNN_TRY(expect_floats(ctx->in[0], ctx->err));
    for (size_t i = 1; i < 5; i++)
        TDNN_TRY(expect_channels(ctx->in[i], names[i], channels, ctx->err));
    tdnn_infer_set(ctx, 1, ctx->in[3]->dtype, &ctx->in[3]->shape);
    tdnn_infer_set(ctx, 2, ctx->in[4]->dtype, &ctx->in[4]->shape);
    return tdnn_infer_same(ctx);
}

static void layout_batch(tdnn_layout_query *q)
{
    const tdnn_batch_norm_params *p = q->params;
    if (p->training_mode || q->in[0]->dtype != TDNN_F32 || q->in[0]->shape.ndim != 4) return;
    if (q->in[0]->layout != TDNN_LAYOUT_PLAIN) q->want[0] = q->give[0] = q->block;
}

static tdnn_status plan_batch(tdnn_plan_ctx *ctx)
{
    const tdnn_batch_norm_params *p = ctx->step->params;
    const norm_data how = {.epsilon = (double)p->epsilon, .momentum = (double)p->momentum,
                           .act = tdnn_act_make(&p->activation)};
    if (!p->training_mode) return plan_norm(ctx, how, batch_given, 1);
    const tdnn_tensor *x = ctx->step->in[0];
    const size_t channels = x->shape.ndim > 1 ? (size_t)x->shape.dim[1] : 1;
    if (channels && x->shape.dim[0] > 1) tdnn_plan_scratch(ctx, x->bytes / channels);
    return plan_norm(ctx, how, batch_measured, channels);
}

static const tdnn_attr batch_attrs[] = {TDNN_FLOAT(tdnn_batch_norm_params, epsilon, 1e-5f),
                                        TDNN_FLOAT(tdnn_batch_norm_params, momentum, 0.9f),
                                        TDNN_INT(tdnn_batch_norm_params, training_mode, 0),
                                        {0}};
const tdnn_op tdnn_op_BatchNormalization = {
    .schema = {TDNN_SCHEMA(BatchNormalization, 5, 5, 1, 3, batch_attrs,
                           tdnn_batch_norm_params)},
    .infer = infer_batch,
    .layout = layout_batch,
    .plan = plan_batch,
};

/* ---- InstanceNormalization, GroupNormalization ---- */

typedef struct group_params {
    float epsilon;
    int64_t num_groups, stash_type;
} group_params;

static tdnn_status infer_instance(tdnn_infer *ctx)
{
    const tdnn_shape *x = &ctx->in[0]->shape;
    TDNN_TRY(expect_floats(ctx->in[0], ctx->err));
    if (x->ndim < 2)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input has %d dimensions", x->ndim);
    TDNN_TRY(expect_channels(ctx->in[1], "scale", x->dim[1], ctx->err));
    TDNN_TRY(expect_channels(ctx->in[2], "bias", x->dim[1], ctx->err));
    return tdnn_infer_same(ctx);
}

static tdnn_status plan_instance(tdnn_plan_ctx *ctx)
{
    const group_params *p = ctx->step->params;
    const tdnn_shape *x = &ctx->step->in[0]->shape;
    const norm_data how = {.epsilon = (double)p->epsilon, .groups = (size_t)x->dim[1]};
    return plan_norm(ctx, how, groups_measured, (size_t)(x->dim[0] * x->dim[1]));
}

/* Scales for each channel or, before opset 21, for each group. */
static tdnn_status infer_group(tdnn_infer *ctx)
{
    const group_params *p = ctx->params;
    const tdnn_shape *x = &ctx->in[0]->shape;
    TDNN_TRY(expect_floats(ctx->in[0], ctx->err));
    if (x->ndim < 2)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input has %d dimensions", x->ndim);
    if (p->num_groups < 1 || x->dim[1] % p->num_groups)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "%lld channels in %lld groups",
                         (long long)x->dim[1], (long long)p->num_groups);
    const bool by_group =
        ctx->in[1]->shape.ndim == 1 && ctx->in[1]->shape.dim[0] == p->num_groups;
    const int64_t expected = by_group ? p->num_groups : x->dim[1];
    TDNN_TRY(expect_channels(ctx->in[1], "scale", expected, ctx->err));
    TDNN_TRY(expect_channels(ctx->in[2], "bias", expected, ctx->err));
    return tdnn_infer_same(ctx);
}

static tdnn_status plan_group(tdnn_plan_ctx *ctx)
{
    const group_params *p = ctx->step->params;
    const norm_data how = {.epsilon = (double)p->epsilon, .groups = (size_t)p->num_groups};
    return plan_norm(ctx, how, groups_measured,
                     (size_t)(ctx->step->in[0]->shape.dim[0] * p->num_groups));
}

static const tdnn_attr instance_attrs[] = {TDNN_FLOAT(group_params, epsilon, 1e-5f), {0}};
static const tdnn_attr group_attrs[] = {TDNN_FLOAT(group_params, epsilon, 1e-5f),
                                        {.name = "num_groups",
                                         .type = TDNN_ATTR_INT,
                                         .required = true,
                                         .offset = offsetof(group_params, num_groups)},
                                        TDNN_INT(group_params, stash_type, 1),
                                        {0}};
const tdnn_op tdnn_op_InstanceNormalization = {
    .schema = {TDNN_SCHEMA(InstanceNormalization, 3, 3, 1, 1, instance_attrs, group_params)},
    .infer = infer_instance,
    .plan = plan_instance,
};
const tdnn_op tdnn_op_GroupNormalization = {
    .schema = {TDNN_SCHEMA(GroupNormalization, 3, 3, 1, 1, group_attrs, group_params)},
    .infer = infer_group,
    .plan = plan_group,
};
