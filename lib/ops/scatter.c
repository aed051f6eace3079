/* ScatterElements, ScatterND, TensorScatter: a copy of the data with elements or slices
 * replaced, or combined with what is there. Updates are applied one after another, so that
 * those that meet in one place give the same result with any number of threads.
 */
#include "lib/ops/convert.h"
#include "lib/ops/index.h"
#include "lib/ops/move.h"

#include <math.h>
#include <string.h>

enum { COMBINE_NONE, COMBINE_ADD, COMBINE_MUL, COMBINE_MIN, COMBINE_MAX };

static const char *const combine_names[] = {"none", "add", "mul", "min", "max", NULL};

static double combine_f64(double a, double b, int64_t how)
{
    switch (how) {
    case COMBINE_ADD: return a + b;
    case COMBINE_MUL: return a * b;
    case COMBINE_MIN: return a < b || isnan(a) ? a : b;
    default: return a > b || isnan(a) ? a : b;
    }
}

/* 64-bit integers in two's complement: sums and products are the same with and without sign. */
static int64_t combine_i64(int64_t a, int64_t b, int64_t how, bool is_unsigned)
{
    const bool less = is_unsigned ? (uint64_t)a < (uint64_t)b : a < b;
    switch (how) {
    case COMBINE_ADD: return (int64_t)((uint64_t)a + (uint64_t)b);
    case COMBINE_MUL: return (int64_t)((uint64_t)a * (uint64_t)b);
    case COMBINE_MIN: return less ? a : b;
    default: return less ? b : a;
    }
}

/* Elements to .. to + n - 1 of `out` become those from .. of `updates`, or a combination of
 * both. */
static void combine(const tdnn_tensor *out, size_t to, const tdnn_tensor *updates, size_t from,
                    size_t n, int64_t how)
{
    enum { CHUNK = 64 };
    const size_t size = (size_t)tdnn_dtype_bits(out->dtype) / 8;
    if (how == COMBINE_NONE) {
        memcpy((char *)out->data + to * size, (const char *)updates->data + from * size,
               n * size);
        return;
    }
    if (how == COMBINE_ADD && out->dtype == TDNN_F32) {
        float *y = (float *)out->data + to;
        const float *x = (const float *)updates->data + from;
        for (size_t i = 0; i < n; i++) y[i] += x[i];
        return;
    }
    for (size_t i = 0; i < n; i += CHUNK) {
        const size_t part = n - i < CHUNK ? n - i : CHUNK;
        const tdnn_run a = {out->data, out->dtype, to + i, 1};
        const tdnn_run b = {updates->data, out->dtype, from + i, 1};
        if (tdnn_dtype_is_integral(out->dtype)) {
            int64_t x[CHUNK], y[CHUNK];
            tdnn_load_i64(x, a, part);
            tdnn_load_i64(y, b, part);
            for (size_t k = 0; k < part; k++)
                x[k] = combine_i64(x[k], y[k], how, out->dtype == TDNN_U64);
            tdnn_store_i64(a, x, part);
        } else {
            double x[CHUNK], y[CHUNK];
            tdnn_load_f64(x, a, part);
            tdnn_load_f64(y, b, part);
            for (size_t k = 0; k < part; k++) x[k] = combine_f64(x[k], y[k], how);
            tdnn_store_f64(a, x, part);
        }
    }
}

/* Output 0 takes over the memory of input 0, or starts as a copy of it. */
static void copy_data(const tdnn_step *step)
{
    const tdnn_tensor *in = step->in[0], *out = step->out[0];
    if (in->data != out->data) memcpy(out->data, in->data, out->bytes);
}

static tdnn_status scatter_infer(tdnn_infer *ctx, int64_t how)
{
    const tdnn_dtype type = ctx->in[0]->dtype;
    TDNN_TRY(tdnn_infer_indices(ctx, 1));
    if (ctx->in[2]->dtype != type)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "updates of type %s for data of type %s",
                         tdnn_dtype_name(ctx->in[2]->dtype), tdnn_dtype_name(type));
    if (how != COMBINE_NONE && !tdnn_dtype_is_real(type))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "reduction '%s' of type %s",
                         combine_names[how], tdnn_dtype_name(type));
    tdnn_infer_set(ctx, 0, type, &ctx->in[0]->shape);
    return TDNN_OK;
}

static tdnn_status bad_shapes(tdnn_infer *ctx)
{
    char a[TDNN_SHAPE_TEXT], b[TDNN_SHAPE_TEXT], c[TDNN_SHAPE_TEXT];
    return TDNN_FAIL(
        ctx->err, TDNN_ERR_SHAPE, "data %s, indices %s and updates %s do not fit together",
        tdnn_shape_text(&ctx->in[0]->shape, a), tdnn_shape_text(&ctx->in[1]->shape, b),
        tdnn_shape_text(&ctx->in[2]->shape, c));
}

/* ---- ScatterElements ---- */

typedef struct elements_params {
    int64_t axis, reduction;
} elements_params;

static tdnn_status elements_infer(tdnn_infer *ctx)
{
    const elements_params *p = ctx->params;
    const tdnn_shape *in = &ctx->in[0]->shape, *list = &ctx->in[1]->shape;
    int axis;
    TDNN_TRY(scatter_infer(ctx, p->reduction));
    TDNN_TRY(tdnn_axis_resolve(p->axis, in->ndim, &axis, ctx->err));
    if (!tdnn_shape_equal(list, &ctx->in[2]->shape) || list->ndim != in->ndim)
        return bad_shapes(ctx);
    for (int d = 0; d < in->ndim; d++)
        if (d != axis && list->dim[d] > in->dim[d]) return bad_shapes(ctx);
    return TDNN_OK;
}

/* A row of indices, and where its first element would go by index 0. */
typedef struct element_rows {
    tdnn_indices indices;
    size_t width, first, to;
    size_t along, next; /* elements from one index to the next, from one column to the next */
    int64_t length;
} element_rows;

#define PLACE(r, i)                                                                            \
    ((r)->to + (i) * (r)->next +                                                               \
     (size_t)tdnn_index_at((r)->indices, (r)->first + (i), (r)->length) * (r)->along)
#define REPLACE(T)                                                                             \
    for (size_t i = 0; i < r->width; i++)                                                      \
    memcpy((T *)out->data + PLACE(r, i), (const T *)updates->data + r->first + i, sizeof(T))

static void scatter_row(const tdnn_step *step, const element_rows *r, int64_t how)
{
    const tdnn_tensor *out = step->out[0], *updates = step->in[2];
    const int bits = tdnn_dtype_bits(out->dtype);
    if (how == COMBINE_NONE && bits == 32) {
        REPLACE(uint32_t);
    } else if (how == COMBINE_NONE && bits == 64) {
        REPLACE(uint64_t);
    } else if (how == COMBINE_ADD && out->dtype == TDNN_F32) {
        for (size_t i = 0; i < r->width; i++)
            ((float *)out->data)[PLACE(r, i)] += ((const float *)updates->data)[r->first + i];
    } else {
        for (size_t i = 0; i < r->width; i++)
            combine(out, PLACE(r, i), updates, r->first + i, 1, how);
    }
}

static void elements_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const elements_params *p = step->params;
    const tdnn_shape *in = &step->in[0]->shape, *list = &step->in[1]->shape;
    const int axis = (int)(p->axis < 0 ? p->axis + in->ndim : p->axis);
    const size_t count = (size_t)tdnn_shape_count(list);
    const int last = in->ndim - 1;
    element_rows r = {.indices = tdnn_indices_of(step->in[1]),
                      .width = last < 0 ? 1 : (size_t)list->dim[last],
                      .length = last < 0 ? 1 : in->dim[axis],
                      .along = 1,
                      .next = axis == last ? 0 : 1};
    for (int d = axis + 1; d <= last; d++) r.along *= (size_t)in->dim[d];
    copy_data(step);
    for (size_t i = 0; i < count; i += r.width) {
        size_t rest = i / r.width, stride = last < 0 ? 1 : (size_t)in->dim[last];
        r.to = 0;
        r.first = i;
        for (int d = last - 1; d >= 0; d--) {
            const size_t n = (size_t)list->dim[d];
            if (d != axis) r.to += rest % n * stride;
            stride *= (size_t)in->dim[d];
            rest /= n;
        }
        scatter_row(step, &r, p->reduction);
    }
}

static tdnn_status elements_plan(tdnn_plan_ctx *ctx)
{
    const elements_params *p = ctx->step->params;
    const tdnn_shape *in = &ctx->step->in[0]->shape;
    int axis;
    TDNN_TRY(tdnn_axis_resolve(p->axis, in->ndim, &axis, ctx->err));
    TDNN_TRY(tdnn_plan_indices(ctx, 1, in->dim[axis]));
    tdnn_plan_inplace(ctx, 0, 0);
    ctx->step->kernel = "scatter";
    tdnn_plan_phase(ctx, elements_run, 1);
    return TDNN_OK;
}

static const tdnn_attr elements_attrs[] = {
    TDNN_INT(elements_params, axis, 0),
    TDNN_ENUM(elements_params, reduction, combine_names, COMBINE_NONE),
    {0},
};

const tdnn_op tdnn_op_ScatterElements = {
    .schema = {TDNN_SCHEMA(ScatterElements, 3, 3, 1, 1, elements_attrs, elements_params)},
    .infer = elements_infer,
    .plan = elements_plan,
    .exec = tdnn_exec_stand_ins,
};

/* ---- ScatterND ---- */

typedef struct nd_params {
    int64_t reduction;
} nd_params;

static tdnn_status nd_infer(tdnn_infer *ctx)
{
    const nd_params *p = ctx->params;
    const tdnn_shape *in = &ctx->in[0]->shape, *list = &ctx->in[1]->shape,
                     *up = &ctx->in[2]->shape;
    TDNN_TRY(scatter_infer(ctx, p->reduction));
    const int tuples = list->ndim - 1;
    const int64_t tuple = tuples >= 0 ? list->dim[tuples] : -1;
    if (tuple < 0 || tuple > in->ndim) return bad_shapes(ctx);
    if (up->ndim != tuples + in->ndim - tuple) return bad_shapes(ctx);
    for (int d = 0; d < up->ndim; d++)
        if (up->dim[d] != (d < tuples ? list->dim[d] : in->dim[d - tuples + tuple]))
            return bad_shapes(ctx);
    return TDNN_OK;
}

static void nd_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const nd_params *p = step->params;
    const tdnn_shape *in = &step->in[0]->shape, *list = &step->in[1]->shape;
    const tdnn_indices indices = tdnn_indices_of(step->in[1]);
    const size_t tuple = (size_t)list->dim[list->ndim - 1];
    size_t count = 1, block = 1;
    for (int d = 0; d < list->ndim - 1; d++) count *= (size_t)list->dim[d];
    for (int d = (int)tuple; d < in->ndim; d++) block *= (size_t)in->dim[d];
    copy_data(step);
    if (block == 0) return;
    for (size_t i = 0; i < count; i++) {
        size_t to = 0;
        for (size_t k = 0; k < tuple; k++)
            to = to * (size_t)in->dim[k] +
                 (size_t)tdnn_index_at(indices, i * tuple + k, in->dim[k]);
        combine(step->out[0], to * block, step->in[2], i * block, block, p->reduction);
    }
}

static tdnn_status nd_plan(tdnn_plan_ctx *ctx)
{
    const tdnn_shape *in = &ctx->step->in[0]->shape, *list = &ctx->step->in[1]->shape;
    const int64_t count = tdnn_shape_count(list), tuple = list->dim[list->ndim - 1];
    for (int64_t k = 0; count > 0 && k < tuple; k++)
        if (in->dim[k] == 0)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "indices into an empty axis");
    for (int64_t i = 0; ctx->known[1] && i < count; i++) {
        const int64_t k = tdnn_tensor_get_i64(ctx->known[1], (size_t)i), n = in->dim[i % tuple];
        if (k < -n || k >= n)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                             "index %lld is %lld, expected %lld to %lld", (long long)i,
                             (long long)k, (long long)-n, (long long)n - 1);
    }
    tdnn_plan_inplace(ctx, 0, 0);
    ctx->step->kernel = "scatter";
    tdnn_plan_phase(ctx, nd_run, 1);
    return TDNN_OK;
}

static const tdnn_attr nd_attrs[] = {
    TDNN_ENUM(nd_params, reduction, combine_names, COMBINE_NONE),
    {0},
};

const tdnn_op tdnn_op_ScatterND = {
    .schema = {TDNN_SCHEMA(ScatterND, 3, 3, 1, 1, nd_attrs, nd_params)},
    .infer = nd_infer,
    .plan = nd_plan,
    .exec = tdnn_exec_stand_ins,
};

/* ---- TensorScatter: rows into a cache of keys or values ---- */

typedef struct cache_params {
    int64_t axis, mode; /* mode: linear 0, circular 1 */
} cache_params;

static tdnn_status cache_infer(tdnn_infer *ctx)
{
    const cache_params *p = ctx->params;
    const tdnn_shape *in = &ctx->in[0]->shape, *up = &ctx->in[1]->shape;
    char a[TDNN_SHAPE_TEXT], b[TDNN_SHAPE_TEXT];
    int axis;
    TDNN_TRY(tdnn_axis_resolve(p->axis, in->ndim, &axis, ctx->err));
    bool fits = in->ndim == up->ndim && axis > 0 && ctx->in[0]->dtype == ctx->in[1]->dtype;
    for (int d = 0; fits && d < in->ndim; d++)
        fits = d == axis ? up->dim[d] <= in->dim[d] : up->dim[d] == in->dim[d];
    if (!fits)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "an update of shape %s does not fit a cache of shape %s",
                         tdnn_shape_text(up, a), tdnn_shape_text(in, b));
    if (tdnn_infer_has(ctx, 2)) {
        TDNN_TRY(tdnn_infer_indices(ctx, 2));
        if (tdnn_shape_count(&ctx->in[2]->shape) != in->dim[0])
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                             "write indices of shape %s, expected %lld of them",
                             tdnn_shape_text(&ctx->in[2]->shape, a), (long long)in->dim[0]);
    }
    return tdnn_infer_same(ctx);
}

typedef struct cache_plan {
    size_t before, per_batch, length, rows, row; /* row: elements behind the axis */
} cache_plan;

static void cache_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const cache_params *params = step->params;
    const cache_plan *p = step->data;
    const bool given = step->input_count > 2 && step->in[2];
    copy_data(step);
    for (size_t i = 0; i < p->before; i++) {
        int64_t start = 0;
        const int64_t length = (int64_t)p->length;
        if (given) start = tdnn_tensor_get_i64(step->in[2], i / p->per_batch);
        if (params->mode) start = (start % length + length) % length;
        for (size_t r = 0; r < p->rows; r++) {
            int64_t at;
            if (__builtin_add_overflow(start, (int64_t)r, &at)) break;
            if (params->mode) at %= length;
            if (at < 0 || at >= length) continue;
            combine(step->out[0], (i * p->length + (size_t)at) * p->row, step->in[1],
                    (i * p->rows + r) * p->row, p->row, COMBINE_NONE);
        }
    }
}

static tdnn_status cache_plan_step(tdnn_plan_ctx *ctx)
{
    const cache_params *params = ctx->step->params;
    const tdnn_shape *in = &ctx->step->in[0]->shape;
    cache_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    int axis;
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(tdnn_axis_resolve(params->axis, in->ndim, &axis, ctx->err));
    if (tdnn_shape_count(in) == 0) return TDNN_OK;
    p->before = p->row = 1;
    for (int d = 0; d < axis; d++) p->before *= (size_t)in->dim[d];
    for (int d = axis + 1; d < in->ndim; d++) p->row *= (size_t)in->dim[d];
    p->per_batch = p->before / (size_t)in->dim[0];
    p->length = (size_t)in->dim[axis];
    p->rows = (size_t)ctx->step->in[1]->shape.dim[axis];
    tdnn_plan_inplace(ctx, 0, 0);
    ctx->step->kernel = "scatter";
    tdnn_plan_phase(ctx, cache_run, 1);
    return TDNN_OK;
}

static const char *const cache_modes[] = {"linear", "circular", NULL};

static const tdnn_attr cache_attrs[] = {
    TDNN_INT(cache_params, axis, -2),
    TDNN_ENUM(cache_params, mode, cache_modes, 0),
    {0},
};

const tdnn_op tdnn_op_TensorScatter = {
    .schema = {TDNN_SCHEMA(TensorScatter, 2, 3, 1, 1, cache_attrs, cache_params)},
    .infer = cache_infer,
    .plan = cache_plan_step,
};
