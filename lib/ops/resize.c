/* Resize. Three ways to do it: nearest neighbours of any type are read through a table per
 * axis; rows and columns of f32 planes, plain or blocked, are interpolated row by row;
 * everything else goes axis by axis in double precision.
 */
#include "lib/ops/convert.h"
#include "lib/ops/resize.h"

#include <string.h>

static tdnn_status resize_infer(tdnn_infer *ctx)
{
    const tdnn_tensor *inputs[4] = {0};
    tdnn_resize_axis axes[TDNN_MAX_DIMS];
    tdnn_shape shape = ctx->in[0]->shape;
    for (size_t i = 1; i < 4; i++)
        if (tdnn_infer_has(ctx, i)) TDNN_TRY(tdnn_infer_contents(ctx, i, &inputs[i]));
    for (size_t i = 1; i < 4; i++)
        if (inputs[i] && !(i == 3 ? tdnn_dtype_is_int : tdnn_dtype_is_float)(inputs[i]->dtype))
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is %s, expected %s", i,
                             tdnn_dtype_name(inputs[i]->dtype), i == 3 ? "integers" : "floats");
    TDNN_TRY(
        tdnn_resize_axes(ctx->params, &shape, inputs[1], inputs[2], inputs[3], axes, ctx->err));
    for (int d = 0; d < shape.ndim; d++) shape.dim[d] = axes[d].out;
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &shape);
    return TDNN_OK;
}

/* Images can stay blocked; their number and channels cannot change then. */
static void resize_layout(tdnn_layout_query *q)
{
    const tdnn_resize_params *p = q->params;
    const tdnn_shape *in = &q->in[0]->shape, *out = &q->out[0].shape;
    if (q->in[0]->layout == TDNN_LAYOUT_PLAIN || in->dim[0] != out->dim[0] ||
        in->dim[1] != out->dim[1])
        return;
    if (p->coordinate_transformation_mode == TDNN_COORDS_TF_CROP_AND_RESIZE || p->antialias)
        return;
    if (in->dim[2] > INT32_MAX || in->dim[3] > INT32_MAX) return;
    q->want[0] = q->give[0] = q->in[0]->layout;
}

/* ---- nearest: tables ---- */

typedef struct nearest_plan {
    tdnn_lookup lookup;
    size_t rows, tasks;
} nearest_plan;

static void nearest_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const nearest_plan *p = step->data;
    size_t begin, end;
    tdnn_task_range(p->rows, p->tasks, task, &begin, &end);
    step->kernels->lookup(step->out[0]->data, step->in[0]->data, &p->lookup, begin, end);
}

static tdnn_status plan_nearest(tdnn_plan_ctx *ctx, const tdnn_resize_axis *axes)
{
    tdnn_view in = tdnn_view_of(ctx->step->in[0]), out = tdnn_view_of(ctx->step->out[0]);
    nearest_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    p->lookup.size = in.size;
    if (in.ndim > ctx->step->in[0]->shape.ndim) /* blocked: all lanes move together */
        p->lookup.size *= (size_t)in.dim[--in.ndim];
    p->lookup.ndim = in.ndim;
    p->rows = 1;
    for (int d = 0; d < in.ndim; d++) {
        const int64_t count = out.dim[d];
        const tdnn_resize_axis whole = {in.dim[d], count, 1, 0, 1, false};
        const tdnn_resize_axis *axis = axes[d].resized ? &axes[d] : &whole;
        ptrdiff_t *table = tdnn_plan_alloc(ctx, (size_t)count, sizeof *table);
        if (!table) return TDNN_NO_MEMORY(ctx->err);
        for (int64_t i = 0; i < count; i++) {
            int64_t index;
            double weight;
            tdnn_resize_taps(ctx->step->params, axis, i, 1, &index, &weight);
            table[i] = (ptrdiff_t)index * in.stride[d];
        }
        p->lookup.count[d] = (size_t)count;
        p->lookup.table[d] = table;
        if (d < in.ndim - 1) p->rows *= (size_t)count;
    }
    p->tasks = tdnn_plan_split(ctx, (double)ctx->step->out[0]->bytes / 2, p->rows);
    ctx->step->kernel = "resize nearest";
    tdnn_plan_phase(ctx, nearest_run, p->tasks);
    return TDNN_OK;
}

/* ---- planes of f32 ---- */

typedef struct plane_plan {
    size_t planes, lanes, strips, tasks; /* a plane is cut in strips of rows       */
    size_t in_width, in_height, out_width, out_height;
    tdnn_taps columns;
    size_t row_taps;
    const int32_t *row_index; /* [out_height][row_taps] */
    const float *row_weight;
} plane_plan;

enum { MOST_ROW_TAPS = 64 };

/* Rows begin .. end-1 of one plane. Input rows are interpolated along themselves when first
 * needed, and kept as long as they are: row r in slot r % row_taps, `kept` says which row each
 * slot has. */
static void plane_rows(const tdnn_step *step, const plane_plan *p, const float *from, float *to,
                       size_t begin, size_t end, float *slots)
{
    const size_t width = p->out_width * p->lanes, taps = p->row_taps;
    int32_t kept[MOST_ROW_TAPS];
    const float *rows[MOST_ROW_TAPS];
    memset(kept, -1, sizeof kept);
    for (size_t y = begin; y < end; y++) {
        const int32_t *index = p->row_index + y * taps;
        for (size_t k = 0; k < taps; k++) {
            const size_t slot = (size_t)index[k] % taps;
            rows[k] = slots + slot * width;
            if (kept[slot] == index[k]) continue;
            kept[slot] = index[k];
            step->kernels->taps_f32(slots + slot * width,
                                    from + (size_t)index[k] * p->in_width * p->lanes,
                                    &p->columns, p->lanes);
        }
        step->kernels->mix_f32(to + y * width, rows, p->row_weight + y * taps, taps, width);
    }
}

static void plane_run(const tdnn_step *step, size_t task, size_t worker)
{
    const plane_plan *p = step->data;
    const size_t in_size = p->in_width * p->in_height * p->lanes;
    const size_t out_size = p->out_width * p->out_height * p->lanes;
    float *slots = (float *)(void *)(step->scratch + worker * step->scratch_stride);
    size_t first, last;
    tdnn_task_range(p->planes * p->strips, p->tasks, task, &first, &last);
    for (size_t i = first; i < last; i++) {
        const size_t plane = i / p->strips;
        size_t begin, end;
        tdnn_task_range(p->out_height, p->strips, i % p->strips, &begin, &end);
        plane_rows(step, p, (const float *)step->in[0]->data + plane * in_size,
                   (float *)step->out[0]->data + plane * out_size, begin, end, slots);
    }
}

/* Indices and weights of one axis; by tap first if `planar`, else by output index first. */
static tdnn_status make_taps(tdnn_plan_ctx *ctx, const tdnn_resize_axis *axis, size_t taps,
                             bool planar, const int32_t **index_out, const float **weight_out)
{
    const size_t count = (size_t)axis->out;
    int32_t *index = tdnn_plan_alloc(ctx, count * taps, sizeof *index);
    float *weight = tdnn_plan_alloc(ctx, count * taps, sizeof *weight);
    if (!index || !weight) return TDNN_NO_MEMORY(ctx->err);
    for (size_t i = 0; i < count; i++) {
        int64_t at[MOST_ROW_TAPS];
        double w[MOST_ROW_TAPS];
        tdnn_resize_taps(ctx->step->params, axis, (int64_t)i, taps, at, w);
        for (size_t k = 0; k < taps; k++) {
            const size_t slot = planar ? k * count + i : i * taps + k;
            index[slot] = (int32_t)at[k];
            weight[slot] = (float)w[k];
        }
    }
    *index_out = index;
    *weight_out = weight;
    return TDNN_OK;
}

static tdnn_status plan_planes(tdnn_plan_ctx *ctx, const tdnn_resize_axis *axes, int ndim)
{
    const tdnn_resize_params *params = ctx->step->params;
    const tdnn_resize_axis *rows = &axes[ndim - 2], *columns = &axes[ndim - 1];
    plane_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    p->lanes = ctx->step->in[0]->layout ? (size_t)ctx->step->in[0]->layout : 1;
    p->in_height = (size_t)rows->in, p->in_width = (size_t)columns->in;
    p->out_height = (size_t)rows->out, p->out_width = (size_t)columns->out;
    p->planes =
        ctx->step->out[0]->bytes / sizeof(float) / (p->out_height * p->out_width * p->lanes);
    p->row_taps = tdnn_resize_tap_count(params, rows);
    p->columns.taps = tdnn_resize_tap_count(params, columns);
    p->columns.count = p->out_width;
    TDNN_TRY(make_taps(ctx, rows, p->row_taps, false, &p->row_index, &p->row_weight));
    TDNN_TRY(
        make_taps(ctx, columns, p->columns.taps, true, &p->columns.index, &p->columns.weight));
    const size_t threads = (size_t)ctx->threads;
    p->strips = threads > 1 && p->planes < 4 * threads ? 4 * threads : 1;
    if (p->strips > p->out_height) p->strips = p->out_height;
    const double work = (double)(ctx->step->out[0]->bytes / 4) * (double)(2 * p->row_taps);
    p->tasks = tdnn_plan_split(ctx, work, p->planes * p->strips);
    tdnn_plan_scratch(ctx, p->row_taps * p->out_width * p->lanes * sizeof(float));
    ctx->step->kernel = params->mode == TDNN_RESIZE_CUBIC ? "resize cubic" : "resize linear";
    ctx->step->flops = 2 * (uint64_t)work;
    tdnn_plan_phase(ctx, plane_run, p->tasks);
    return TDNN_OK;
}

static bool fits_planes(const tdnn_plan_ctx *ctx, const tdnn_resize_axis *axes, int ndim)
{
    const tdnn_resize_params *p = ctx->step->params;
    if (ctx->step->in[0]->dtype != TDNN_F32 || ndim < 2) return false;
    if (p->coordinate_transformation_mode == TDNN_COORDS_TF_CROP_AND_RESIZE) return false;
    for (int d = 0; d < ndim; d++) {
        if (d < ndim - 2 && axes[d].resized) return false;
        if (axes[d].in > INT32_MAX || tdnn_resize_tap_count(p, &axes[d]) > MOST_ROW_TAPS)
            return false;
    }
    return true;
}

/* ---- axis by axis ---- */

typedef struct axis_pass {
    size_t before, in, out, after, taps;
    const int64_t *index; /* [out][taps]; -1: the extrapolation value */
    const double *weight;
} axis_pass;

typedef struct general_plan {
    size_t passes, in_count, out_count;
    size_t half; /* doubles of each of the two buffers */
    axis_pass pass[TDNN_MAX_DIMS];
} general_plan;

static void run_pass(const axis_pass *p, const double *from, double *to, double outside)
{
    for (size_t b = 0; b < p->before; b++) {
        for (size_t i = 0; i < p->out; i++, to += p->after) {
            const int64_t *index = p->index + i * p->taps;
            const double *weight = p->weight + i * p->taps;
            for (size_t a = 0; a < p->after; a++) to[a] = index[0] < 0 ? outside : 0;
            for (size_t k = 0; k < p->taps && index[0] >= 0; k++) {
                const double *f = from + (b * p->in + (size_t)index[k]) * p->after;
                for (size_t a = 0; a < p->after; a++) to[a] += weight[k] * f[a];
            }
        }
    }
}

static void general_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const general_plan *g = step->data;
    const tdnn_resize_params *p = step->params;
    double *a = (double *)(void *)step->shared, *b = a + g->half;
    tdnn_load_f64(a, (tdnn_run){step->in[0]->data, step->in[0]->dtype, 0, 1}, g->in_count);
    for (size_t i = 0; i < g->passes; i++) {
        run_pass(&g->pass[i], a, b, (double)p->extrapolation_value);
        double *t = a;
        a = b, b = t;
    }
    tdnn_store_f64((tdnn_run){step->out[0]->data, step->out[0]->dtype, 0, 1}, a, g->out_count);
}

static tdnn_status make_pass(tdnn_plan_ctx *ctx, const tdnn_resize_axis *axis, axis_pass *pass)
{
    pass->in = (size_t)axis->in;
    pass->out = (size_t)axis->out;
    pass->taps = tdnn_resize_tap_count(ctx->step->params, axis);
    size_t count;
    if (!tdnn_size_mul(pass->out, pass->taps, &count))
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "an axis is scaled too much");
    int64_t *index = tdnn_plan_alloc(ctx, count, sizeof *index);
    double *weight = tdnn_plan_alloc(ctx, count, sizeof *weight);
    if (!index || !weight) return TDNN_NO_MEMORY(ctx->err);
    for (size_t i = 0; i < pass->out; i++)
        if (!tdnn_resize_taps(ctx->step->params, axis, (int64_t)i, pass->taps,
                              index + i * pass->taps, weight + i * pass->taps))
            index[i * pass->taps] = -1;
    pass->index = index;
    pass->weight = weight;
    return TDNN_OK;
}

/* The last axis first. */
static tdnn_status plan_general(tdnn_plan_ctx *ctx, const tdnn_resize_axis *axes, int ndim)
{
    general_plan *g = tdnn_plan_alloc(ctx, 1, sizeof *g);
    size_t now, bytes;
    if (!g) return TDNN_NO_MEMORY(ctx->err);
    g->in_count = now = (size_t)tdnn_shape_count(&ctx->step->in[0]->shape);
    g->out_count = (size_t)tdnn_shape_count(&ctx->step->out[0]->shape);
    g->half = g->in_count > g->out_count ? g->in_count : g->out_count;
    size_t after = 1;
    for (int d = ndim - 1; d >= 0; d--) {
        if (axes[d].resized) {
            axis_pass *pass = &g->pass[g->passes++];
            TDNN_TRY(make_pass(ctx, &axes[d], pass));
            pass->after = after;
            pass->before = now / (after * (size_t)axes[d].in);
            if (!tdnn_size_mul(now / (size_t)axes[d].in, (size_t)axes[d].out, &now))
                return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT,
                                 "an intermediate result is too large");
            if (now > g->half) g->half = now;
        }
        after *= (size_t)axes[d].out;
    }
    if (!tdnn_size_mul(g->half, 2 * sizeof(double), &bytes))
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "an intermediate result is too large");
    tdnn_plan_shared(ctx, bytes);
    ctx->step->kernel = "resize by axis";
    tdnn_plan_phase(ctx, general_run, 1);
    return TDNN_OK;
}

static tdnn_status resize_plan(tdnn_plan_ctx *ctx)
{
    const tdnn_resize_params *p = ctx->step->params;
    const tdnn_tensor *const *in = ctx->known, *x = ctx->step->in[0];
    const size_t count = ctx->step->input_count;
    tdnn_resize_axis axes[TDNN_MAX_DIMS];
    bool resized = false;
    TDNN_TRY(tdnn_resize_axes(p, &x->shape, count > 1 ? in[1] : NULL, count > 2 ? in[2] : NULL,
                              count > 3 ? in[3] : NULL, axes, ctx->err));
    for (int d = 0; d < x->shape.ndim; d++) resized = resized || axes[d].resized;
    if (!resized) return tdnn_plan_view(ctx);
    if (ctx->step->out[0]->bytes == 0) return TDNN_OK;
    const bool crop = p->coordinate_transformation_mode == TDNN_COORDS_TF_CROP_AND_RESIZE;
    if (p->mode == TDNN_RESIZE_NEAREST && !crop) return plan_nearest(ctx, axes);
    if (!tdnn_dtype_is_real(x->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "interpolation of type %s",
                         tdnn_dtype_name(x->dtype));
    if (fits_planes(ctx, axes, x->shape.ndim)) return plan_planes(ctx, axes, x->shape.ndim);
    return plan_general(ctx, axes, x->shape.ndim);
}

static const char *const modes[] = {"nearest", "linear", "cubic", NULL};
static const char *const coordinate_modes[] = {
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
    "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize", NULL};
static const char *const nearest_modes[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                            "ceil", NULL};
static const char *const policies[] = {"stretch", "not_larger", "not_smaller", NULL};

static const tdnn_attr resize_attrs[] = {
    TDNN_ENUM(tdnn_resize_params, mode, modes, TDNN_RESIZE_NEAREST),
    TDNN_ENUM(tdnn_resize_params, coordinate_transformation_mode, coordinate_modes,
              TDNN_COORDS_HALF_PIXEL),
    TDNN_ENUM(tdnn_resize_params, nearest_mode, nearest_modes, 0),
    TDNN_ENUM(tdnn_resize_params, keep_aspect_ratio_policy, policies, 0),
    TDNN_INT(tdnn_resize_params, exclude_outside, 0),
    TDNN_INT(tdnn_resize_params, antialias, 0),
    TDNN_FLOAT(tdnn_resize_params, cubic_coeff_a, -0.75f),
    TDNN_FLOAT(tdnn_resize_params, extrapolation_value, 0),
    TDNN_INTS(tdnn_resize_params, axes),
    {0},
};

const tdnn_op tdnn_op_Resize = {
    .schema = {TDNN_SCHEMA(Resize, 1, 4, 1, 1, resize_attrs, tdnn_resize_params)},
    .infer = resize_infer,
    .layout = resize_layout,
    .plan = resize_plan,
};
