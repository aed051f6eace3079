/* ArgMax, ArgMin, CumSum and CumProd: along one axis, of any real type. */
#include "lib/ops/axis.h"
#include "lib/ops/convert.h"
#include "lib/ops/loops.h"
#include "lib/ops/move.h"
#include "lib/ops/order.h"

#include <math.h>

enum { CHUNK = 1024 };

typedef struct arg_data {
    tdnn_along along;
    size_t groups, units, tasks; /* groups of CHUNK neighbouring lines */
    bool smallest, last;         /* ArgMin; the last of equals */
    bool exclusive, reverse, product;
} arg_data;

/* ---- which element is the greatest ---- */

/* Elements as numbers in order: integers of 64 bits do not fit f64. */
static void load_ordered(int64_t *to, tdnn_run from, size_t n)
{
    double wide[CHUNK];
    if (tdnn_dtype_is_integral(from.type)) {
        tdnn_load_i64(to, from, n);
        if (from.type == TDNN_U64)
            for (size_t i = 0; i < n; i++)
                to[i] = (int64_t)((uint64_t)to[i] ^ (uint64_t)1 << 63);
        return;
    }
    tdnn_load_f64(wide, from, n);
    for (size_t i = 0; i < n;
         i++) { /* the bits of positive floats are in order; NaN is above all */
        int64_t bits;
        if (wide[i] == 0) wide[i] = 0; /* no negative zero */
        memcpy(&bits, &wide[i], sizeof bits);
        to[i] = isnan(wide[i]) ? INT64_MAX
                : bits < 0     ? (int64_t)(~(uint64_t)bits ^ (uint64_t)1 << 63)
                               : bits;
    }
}

static bool better(const arg_data *d, int64_t x, int64_t best)
{
    if (d->last && x == best) return true;
    return d->smallest ? x < best : x > best;
}

/* One line whose elements are neighbours. */
static int64_t arg_row(const arg_data *d, tdnn_run from)
{
    int64_t part[CHUNK], best = 0, where = 0;
    for (size_t done = 0; done < d->along.length; done += CHUNK, from.first += CHUNK) {
        const size_t n = d->along.length - done < CHUNK ? d->along.length - done : CHUNK;
        load_ordered(part, from, n);
        if (done == 0) best = part[0];
        for (size_t i = 0; i < n; i++)
            if (better(d, part[i], best)) best = part[i], where = (int64_t)(done + i);
    }
    return where;
}

/* n neighbouring lines. */
static void arg_columns(const arg_data *d, int64_t *where, tdnn_run from, size_t n)
{
    int64_t part[CHUNK], best[CHUNK];
    load_ordered(best, from, n);
    memset(where, 0, n * sizeof *where);
    for (size_t i = 1; i < d->along.length; i++) {
        from.first += d->along.inner;
        load_ordered(part, from, n);
        for (size_t k = 0; k < n; k++)
            if (better(d, part[k], best[k])) best[k] = part[k], where[k] = (int64_t)i;
    }
}

/* ---- the same for f32 ---- */

/* False: there is a NaN among those that the least is sought of. */
static bool arg_row_f32(const arg_data *d, const tdnn_kernels *k, const float *x, int64_t *out)
{
    const size_t n = d->along.length;
    const float best = d->smallest ? k->row_min_f32(x, n) : k->row_max_f32(x, n);
    if (best != best) return false;
    size_t at = n - 1;
    if (d->last)
        while (at > 0 && x[at] != best) at--;
    else
        at = tdnn_find_f32(x, n, best);
    *out = (int64_t)at;
    return true;
}

/* Columns: NaN is above all numbers. */
#define BEST_COLUMNS(name, better_)                                                            \
    static void name(float *best, int32_t *where, const float *x, int32_t at, size_t n)        \
    {                                                                                          \
        TDNN_EACH (n) {                                                                        \
            const float v = x[i], b = best[i];                                                 \
            const int32_t is = -(int32_t)(better_);                                            \
            best[i] = is ? v : b;                                                              \
            where[i] = (where[i] & ~is) | (at & is);                                           \
        }                                                                                      \
    }
BEST_COLUMNS(first_largest, (v > b) | ((v != v) & (b == b)))
BEST_COLUMNS(last_largest, (v >= b) | (v != v))
BEST_COLUMNS(first_smallest, (v < b) | ((b != b) & (v == v)))
BEST_COLUMNS(last_smallest, (v <= b) | (b != b))

static void arg_columns_f32(const arg_data *d, int64_t *out, const float *x, size_t n)
{
    float best[CHUNK];
    int32_t where[CHUNK] = {0};
    memcpy(best, x, n * sizeof *best);
    for (size_t i = 1; i < d->along.length; i++) {
        x += d->along.inner;
        if (d->smallest)
            (d->last ? last_smallest : first_smallest)(best, where, x, (int32_t)i, n);
        else
            (d->last ? last_largest : first_largest)(best, where, x, (int32_t)i, n);
    }
    for (size_t i = 0; i < n; i++) out[i] = where[i];
}

/* Whether there was a quick way. */
static bool arg_f32(const tdnn_step *s, const arg_data *d, int64_t *y, tdnn_run from, size_t n)
{
    if (from.type != TDNN_F32 || d->along.length > INT32_MAX) return false;
    const float *x = (const float *)from.data + from.first;
    if (d->along.inner == 1) return arg_row_f32(d, s->kernels, x, y);
    arg_columns_f32(d, y, x, n);
    return true;
}

static void run_arg(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const arg_data *d = s->data;
    const tdnn_along a = d->along;
    int64_t *y = s->out[0]->data;
    size_t unit, end;
    tdnn_task_range(d->units, d->tasks, task, &unit, &end);
    for (; unit < end; unit++) {
        const size_t outer = unit / d->groups, column = unit % d->groups * CHUNK;
        const tdnn_run from = tdnn_run_of(s->in[0]->data, s->in[0]->dtype,
                                          outer * a.length * a.inner + column, 1);
        if (arg_f32(s, d, y + outer * a.inner + column, from,
                    a.inner - column < CHUNK ? a.inner - column : CHUNK))
            continue;
        if (a.inner == 1)
            y[outer] = arg_row(d, from);
        else
            arg_columns(d, y + outer * a.inner + column, from,
                        a.inner - column < CHUNK ? a.inner - column : CHUNK);
    }
}

typedef struct arg_params {
    int64_t axis, keepdims, select_last_index;
} arg_params;

static tdnn_status infer_arg(tdnn_infer *ctx)
{
    const arg_params *p = ctx->params;
    const tdnn_shape *x = &ctx->in[0]->shape;
    tdnn_shape y = {0};
    int axis;
    TDNN_TRY(tdnn_axis_resolve(p->axis, x->ndim, &axis, ctx->err));
    if (x->dim[axis] == 0) return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "axis %d is empty", axis);
    for (int i = 0; i < x->ndim; i++)
        if (i != axis)
            y.dim[y.ndim++] = x->dim[i];
        else if (p->keepdims)
            y.dim[y.ndim++] = 1;
    tdnn_infer_set(ctx, 0, TDNN_I64, &y);
    return TDNN_OK;
}

/* What both families plan: groups of lines, shared out. */
static tdnn_status plan_lines(tdnn_plan_ctx *ctx, arg_data *d, int64_t axis_, tdnn_run_fn run)
{
    tdnn_step *s = ctx->step;
    int axis;
    if (!tdnn_dtype_is_real(s->in[0]->dtype) || tdnn_dtype_bits(s->in[0]->dtype) < 8)
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "element type %s",
                         tdnn_dtype_name(s->in[0]->dtype));
    TDNN_TRY(tdnn_axis_resolve(axis_, s->in[0]->shape.ndim, &axis, ctx->err));
    const tdnn_along a = d->along = tdnn_along_axis(&s->in[0]->shape, axis);
    const double total = (double)a.outer * (double)a.length * (double)a.inner;
    if (total == 0) return TDNN_OK;
    d->groups = (a.inner + CHUNK - 1) / CHUNK;
    d->units = a.outer * d->groups;
    d->tasks = tdnn_plan_split(ctx, 4 * total, d->units);
    tdnn_plan_phase(ctx, run, d->tasks);
    return TDNN_OK;
}

static tdnn_status plan_arg(tdnn_plan_ctx *ctx)
{
    const arg_params *p = ctx->step->params;
    arg_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    d->smallest = ctx->step->node->op->kind == TDNN_OP_ArgMin;
    d->last = p->select_last_index != 0;
    return plan_lines(ctx, d, p->axis, run_arg);
}

static const tdnn_attr arg_attrs[] = {TDNN_INT(arg_params, axis, 0),
                                      TDNN_INT(arg_params, keepdims, 1),
                                      TDNN_INT(arg_params, select_last_index, 0),
                                      {0}};
const tdnn_op tdnn_op_ArgMax = {
    .schema = {TDNN_SCHEMA(ArgMax, 1, 1, 1, 1, arg_attrs, arg_params)},
    .infer = infer_arg,
    .plan = plan_arg};
const tdnn_op tdnn_op_ArgMin = {
    .schema = {TDNN_SCHEMA(ArgMin, 1, 1, 1, 1, arg_attrs, arg_params)},
    .infer = infer_arg,
    .plan = plan_arg};

/* ---- running sums and products ---- */

typedef struct scan_params {
    int64_t exclusive, reverse;
} scan_params;

#define SCAN(name, T, load, store, sum, product_)                                              \
    static void name(const arg_data *d, tdnn_run to, tdnn_run from, size_t n)                  \
    {                                                                                          \
        T part[CHUNK], total[CHUNK];                                                           \
        const size_t first = from.first;                                                       \
        for (size_t k = 0; k < n; k++) total[k] = d->product;                                  \
        for (size_t i = 0; i < d->along.length; i++) {                                         \
            const size_t at = d->reverse ? d->along.length - 1 - i : i;                        \
            from.first = to.first = first + at * d->along.inner;                               \
            load(part, from, n);                                                               \
            if (d->exclusive) store(to, total, n);                                             \
            for (size_t k = 0; k < n; k++)                                                     \
                total[k] = d->product ? product_(total[k], part[k]) : sum(total[k], part[k]);  \
            if (!d->exclusive) store(to, total, n);                                            \
        }                                                                                      \
    }
#define PLUS(a, b) ((a) + (b))
#define TIMES(a, b) ((a) * (b))
#define WRAPPING_PLUS(a, b) (int64_t)((uint64_t)(a) + (uint64_t)(b))
#define WRAPPING_TIMES(a, b) (int64_t)((uint64_t)(a) * (uint64_t)(b))
SCAN(scan_f64, double, tdnn_load_f64, tdnn_store_f64, PLUS, TIMES)
SCAN(scan_i64, int64_t, tdnn_load_i64, tdnn_store_i64, WRAPPING_PLUS, WRAPPING_TIMES)

/* One line of neighbours, added up. */
#define SCAN_LINE(name, T, A)                                                                  \
    static void name(const arg_data *d, T *y, const T *x)                                      \
    {                                                                                          \
        const size_t n = d->along.length;                                                      \
        A total = 0;                                                                           \
        for (size_t i = 0; i < n; i++) {                                                       \
            const size_t at = d->reverse ? n - 1 - i : i;                                      \
            const A v = (A)x[at];                                                              \
            y[at] = (T)(d->exclusive ? total : total + v);                                     \
            total += v;                                                                        \
        }                                                                                      \
    }
SCAN_LINE(scan_line_f32, float, double)
SCAN_LINE(scan_line_i64, int64_t, uint64_t)

/* Rows of f32 on each other, where they are few enough for sums in f32. */
static void scan_rows_f32(const arg_data *d, const tdnn_kernels *k, float *y, const float *x,
                          size_t n)
{
    const size_t length = d->along.length, inner = d->along.inner;
    for (size_t i = 0; i < length; i++) {
        const size_t at = d->reverse ? length - 1 - i : i;
        const size_t before = d->reverse ? at + 1 : at - 1;
        if (i == 0 && d->exclusive)
            memset(y + at * inner, 0, n * sizeof *y);
        else if (i == 0)
            memcpy(y + at * inner, x + at * inner, n * sizeof *y);
        else
            k->add_f32(y + at * inner, y + before * inner, 1,
                       x + (d->exclusive ? before : at) * inner, 1, n);
    }
}

/* Whether there was a quick way. */
static bool scan_quickly(const tdnn_step *s, const arg_data *d, size_t first, size_t n)
{
    enum { FEW = 1024 };
    const tdnn_dtype type = s->in[0]->dtype;
    const float *x = (const float *)s->in[0]->data + first;
    float *y = (float *)s->out[0]->data + first;
    if (d->product) return false;
    if (d->along.inner == 1 && type == TDNN_I64)
        scan_line_i64(d, (int64_t *)s->out[0]->data + first,
                      (const int64_t *)s->in[0]->data + first);
    else if (d->along.inner == 1 && type == TDNN_F32)
        scan_line_f32(d, y, x);
    else if (type == TDNN_F32 && d->along.length <= FEW)
        scan_rows_f32(d, s->kernels, y, x, n);
    else
        return false;
    return true;
}

static void run_scan(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const arg_data *d = s->data;
    const tdnn_along a = d->along;
    size_t unit, end;
    tdnn_task_range(d->units, d->tasks, task, &unit, &end);
    for (; unit < end; unit++) {
        const size_t column = unit % d->groups * CHUNK;
        const size_t first = unit / d->groups * a.length * a.inner + column;
        const size_t n = a.inner - column < CHUNK ? a.inner - column : CHUNK;
        const tdnn_dtype type = s->in[0]->dtype;
        if (scan_quickly(s, d, first, n)) continue;
        const tdnn_run from = tdnn_run_of(s->in[0]->data, type, first, 1);
        const tdnn_run to = {s->out[0]->data, type, first, 1};
        if (tdnn_dtype_is_integral(type))
            scan_i64(d, to, from, n);
        else
            scan_f64(d, to, from, n);
    }
}

static tdnn_status one_axis(const tdnn_few *few, int ndim, int *axis, tdnn_error *err)
{
    if (few->count != 1)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%zu numbers for the axis, expected one",
                         few->count);
    return tdnn_axis_resolve(few->at[0], ndim, axis, err);
}

static tdnn_status infer_scan(tdnn_infer *ctx)
{
    tdnn_few few;
    int axis;
    TDNN_TRY(tdnn_infer_few(ctx, 1, &few));
    TDNN_TRY(one_axis(&few, ctx->in[0]->shape.ndim, &axis, ctx->err));
    return tdnn_infer_same(ctx);
}

static tdnn_status plan_scan(tdnn_plan_ctx *ctx)
{
    const scan_params *p = ctx->step->params;
    arg_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    tdnn_few few;
    int axis;
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(tdnn_plan_few(ctx, 1, &few));
    TDNN_TRY(one_axis(&few, ctx->step->in[0]->shape.ndim, &axis, ctx->err));
    d->exclusive = p->exclusive != 0;
    d->reverse = p->reverse != 0;
    d->product = ctx->step->node->op->kind == TDNN_OP_CumProd;
    return plan_lines(ctx, d, axis, run_scan);
}

static const tdnn_attr scan_attrs[] = {
    TDNN_INT(scan_params, exclusive, 0), TDNN_INT(scan_params, reverse, 0), {0}};
const tdnn_op tdnn_op_CumSum = {
    .schema = {TDNN_SCHEMA(CumSum, 2, 2, 1, 1, scan_attrs, scan_params)},
    .infer = infer_scan,
    .plan = plan_scan};
const tdnn_op tdnn_op_CumProd = {
    .schema = {TDNN_SCHEMA(CumProd, 2, 2, 1, 1, scan_attrs, scan_params)},
    .infer = infer_scan,
    .plan = plan_scan};
