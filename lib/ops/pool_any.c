/* Pooling of any rank and type: row by row of the output, each position of the window at once for
 * the whole row. f64 is computed as it is, all else in f32.
 */
#include "lib/ops/cast_loops.h"
#include "lib/ops/convert.h"
#include "lib/ops/loops.h"
#include "lib/ops/pool.h"

#include <math.h>

enum { AXES = TDNN_MAX_DIMS };

typedef struct any_data {
    tdnn_pooling pooling;
    size_t planes, tasks, in_size, out_size; /* sizes of a plane */
    size_t row;                              /* of the output    */
    int rank;
    bool wide, direct; /* f64; the input is read where it is */
    const double *counts; /* average: of the last axis */
} any_data;

/* The results of a row so far, and where they were found. */
typedef struct pool_row {
    void *value;
    int64_t *index; /* NULL: not asked for */
} pool_row;

/* Results begin .. end-1 of a row meet elements `stride` apart. */
typedef struct pool_reach {
    size_t begin, end, stride;
    int64_t index, index_step; /* of element 0, from one to the next */
} pool_reach;

#define ROWS(T)                                                                                \
    static void row_max_##T(T *y, const T *x, const pool_reach *r)                             \
    {                                                                                          \
        const size_t stride = r->stride, n = r->end - r->begin;                                \
        y += r->begin;                                                                         \
        if (stride == 1)                                                                       \
            TDNN_EACH(n) y[i] = x[i] > y[i] || x[i] != x[i] ? x[i] : y[i];                     \
        else if (stride == 2)                                                                  \
            TDNN_EACH(n) y[i] = x[2 * i] > y[i] || x[2 * i] != x[2 * i] ? x[2 * i] : y[i];     \
        else                                                                                   \
            for (size_t i = 0; i < n; i++) {                                                   \
                const T e = x[i * stride];                                                     \
                y[i] = e > y[i] || e != e ? e : y[i];                                          \
            }                                                                                  \
    }                                                                                          \
    static void row_where_##T(T *y, int64_t *at, const T *x, const pool_reach *r)              \
    {                                                                                          \
        int64_t index = r->index;                                                              \
        for (size_t i = r->begin; i < r->end; i++, x += r->stride, index += r->index_step) {   \
            if (at[i] >= 0 && !(*x > y[i]) && !(*x != *x && y[i] == y[i])) continue;           \
            y[i] = *x;                                                                         \
            at[i] = index;                                                                     \
        }                                                                                      \
    }                                                                                          \
    static void row_sum_##T(T *y, const T *x, const pool_reach *r)                             \
    {                                                                                          \
        const size_t stride = r->stride, n = r->end - r->begin;                                \
        y += r->begin;                                                                         \
        if (stride == 1)                                                                       \
            TDNN_EACH(n) y[i] += x[i];                                                         \
        else if (stride == 2)                                                                  \
            TDNN_EACH(n) y[i] += x[2 * i];                                                     \
        else                                                                                   \
            for (size_t i = 0; i < n; i++) y[i] += x[i * stride];                              \
    }                                                                                          \
    static void row_power_##T(T *y, const T *x, const pool_reach *r, double p)                 \
    {                                                                                          \
        for (size_t i = r->begin; i < r->end; i++, x += r->stride)                             \
            y[i] += p == 2 ? *x * *x : (T)pow(fabs((double)*x), p);                            \
    }                                                                                          \
    static void row_start_##T(const any_data *d, pool_row *y)                                  \
    {                                                                                          \
        const T start = d->pooling.kind == TDNN_POOL_MAX ? (T)-INFINITY : 0;                   \
        for (size_t i = 0; i < d->row; i++) ((T *)y->value)[i] = start;                        \
        for (size_t i = 0; y->index && i < d->row; i++) y->index[i] = -1;                      \
    }                                                                                          \
    static void row_add_##T(const any_data *d, pool_row *y, const T *x, const pool_reach *r)   \
    {                                                                                          \
        if (d->pooling.kind == TDNN_POOL_AVERAGE)                                              \
            row_sum_##T(y->value, x, r);                                                       \
        else if (d->pooling.kind == TDNN_POOL_LP)                                              \
            row_power_##T(y->value, x, r, d->pooling.p);                                       \
        else if (y->index)                                                                     \
            row_where_##T(y->value, y->index, x, r);                                           \
        else                                                                                   \
            row_max_##T(y->value, x, r);                                                       \
    }                                                                                          \
    static void row_end_##T(const any_data *d, T *y, double count)                             \
    {                                                                                          \
        const double p = d->pooling.p;                                                         \
        if (d->pooling.kind == TDNN_POOL_AVERAGE)                                              \
            for (size_t i = 0; i < d->row; i++)                                                \
                y[i] = (T)((double)y[i] / (count * d->counts[i]));                             \
        if (d->pooling.kind == TDNN_POOL_LP)                                                   \
            for (size_t i = 0; i < d->row; i++)                                                \
                y[i] = (T)(p == 2 ? sqrt((double)y[i]) : pow((double)y[i], 1 / p));            \
    }
ROWS(float)
ROWS(double)

/* To the next position of all axes but the last; false after the last one. */
static bool next(int64_t *at, const any_data *d, bool windows)
{
    for (int i = d->rank - 2; i >= 0; i--) {
        const tdnn_window_axis *a = &d->pooling.windows.axis[i];
        if (++at[i] < (windows ? a->out : a->kernel)) return true;
        at[i] = 0;
    }
    return false;
}

/* Where the input's row under row `o`, position `k` begins, in elements and, the first axis
 * fastest, in indices by column; false: in the padding. */
static bool input_row(const any_data *d, const int64_t *o, const int64_t *k, int64_t *first,
                      int64_t *by_column, int64_t *column_step)
{
    *first = *by_column = 0;
    *column_step = 1;
    for (int i = 0; i < d->rank - 1; i++) {
        const tdnn_window_axis *a = &d->pooling.windows.axis[i];
        const int64_t at = o[i] * a->stride + k[i] * a->dilation - a->pad;
        if (at < 0 || at >= a->in) return false;
        *first = *first * a->in + at;
        *by_column += at * *column_step;
        *column_step *= a->in;
    }
    *first *= d->pooling.windows.axis[d->rank - 1].in;
    return true;
}

static void window_row(const any_data *d, pool_row *y, const void *x, const int64_t *o,
                       const int64_t *k)
{
    const tdnn_window_axis *a = &d->pooling.windows.axis[d->rank - 1];
    int64_t first, by_column, column_step;
    if (!input_row(d, o, k, &first, &by_column, &column_step)) return;
    for (int64_t kx = 0; kx < a->kernel; kx++) {
        const int64_t shift = kx * a->dilation - a->pad; /* of the element of result 0 */
        const int64_t begin = shift < 0 ? (-shift + a->stride - 1) / a->stride : 0;
        const int64_t room = a->in - 1 - shift;
        const int64_t end = room < 0 ? 0 : room / a->stride + 1;
        pool_reach r = {(size_t)begin, (size_t)(end < a->out ? end : a->out),
                        (size_t)a->stride, 0, a->stride};
        if (end <= begin || begin >= a->out) continue;
        const int64_t at = begin * a->stride + shift;
        r.index = first + at;
        if (d->pooling.column_major) {
            r.index = by_column + at * column_step;
            r.index_step = a->stride * column_step;
        }
        if (d->wide)
            row_add_double(d, y, (const double *)x + first + at, &r);
        else
            row_add_float(d, y, (const float *)x + first + at, &r);
    }
}

static void one_row(const any_data *d, pool_row *y, const void *x, const int64_t *o,
                    int64_t plane)
{
    int64_t k[AXES] = {0};
    double count = 1;
    if (d->wide)
        row_start_double(d, y);
    else
        row_start_float(d, y);
    do window_row(d, y, x, o, k);
    while (next(k, d, false));
    for (int i = 0; i < d->rank - 1; i++)
        count *= (double)tdnn_pool_count(&d->pooling.windows.axis[i], o[i],
                                         d->pooling.count_pads);
    if (d->wide)
        row_end_double(d, y->value, count);
    else
        row_end_float(d, y->value, count);
    for (size_t i = 0; y->index && i < d->row; i++)
        y->index[i] = plane + (y->index[i] < 0 ? 0 : y->index[i]);
}

/* A plane as f32. */
static void widen(const tdnn_step *s, float *to, size_t first, size_t n)
{
    const tdnn_dtype type = s->in[0]->dtype;
    tdnn_cast_fn *cast = tdnn_cast_loop(type, TDNN_F32);
    if (cast)
        cast(to, (const char *)s->in[0]->data + first, n); /* elements of a byte */
    else
        tdnn_get_f32(s->kernels, to, s->in[0], first, n);
}

static void narrow(const tdnn_step *s, size_t first, const float *from, size_t n)
{
    const tdnn_dtype type = s->out[0]->dtype;
    tdnn_cast_fn *cast = tdnn_cast_loop(TDNN_F32, type);
    if (cast)
        cast((char *)s->out[0]->data + first, from, n);
    else
        tdnn_put_f32(s->kernels, s->out[0], first, from, n);
}

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    const any_data *d = s->data;
    const size_t size = d->wide ? sizeof(double) : sizeof(float);
    float *part = (float *)(void *)(s->scratch + worker * s->scratch_stride);
    int64_t *indices = s->output_count > 1 && s->out[1] ? s->out[1]->data : NULL;
    size_t plane, end;
    tdnn_task_range(d->planes, d->tasks, task, &plane, &end);
    for (; plane < end; plane++) {
        int64_t o[AXES] = {0};
        const void *x = (const char *)s->in[0]->data + plane * d->in_size * size;
        if (!d->direct) {
            widen(s, part, plane * d->in_size, d->in_size);
            x = part;
        }
        size_t at = plane * d->out_size;
        do {
            pool_row y = {d->direct ? (void *)((char *)s->out[0]->data + at * size)
                                    : (void *)(part + d->in_size),
                          indices ? indices + at : NULL};
            one_row(d, &y, x, o, (int64_t)(plane * d->in_size));
            if (!d->direct) narrow(s, at, y.value, d->row);
            at += d->row;
        } while (next(o, d, true));
    }
}

/* What sums of the last axis are divided by. */
static const double *counts(tdnn_plan_ctx *ctx, const tdnn_pooling *p)
{
    const tdnn_window_axis *a = &p->windows.axis[p->windows.rank - 1];
    double *count = tdnn_plan_alloc(ctx, (size_t)a->out, sizeof *count);
    for (int64_t o = 0; count && o < a->out; o++)
        count[o] = (double)tdnn_pool_count(a, o, p->count_pads);
    return count;
}

tdnn_status tdnn_pool_plan_any(tdnn_plan_ctx *ctx, const tdnn_pooling *pooling)
{
    tdnn_step *s = ctx->step;
    any_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    s->data = d;
    d->pooling = *pooling;
    d->rank = pooling->windows.rank;
    d->planes = (size_t)(s->in[0]->shape.dim[0] * s->in[0]->shape.dim[1]);
    d->in_size = d->out_size = 1;
    double window = 4;
    for (int i = 0; i < d->rank; i++) {
        d->in_size *= (size_t)pooling->windows.axis[i].in;
        d->out_size *= (size_t)pooling->windows.axis[i].out;
        window *= (double)pooling->windows.axis[i].kernel;
    }
    const double flops = window * (double)d->planes * (double)d->out_size;
    size_t bytes;
    if (!tdnn_size_add(d->in_size, d->out_size, &bytes) ||
        !tdnn_size_mul(bytes, sizeof(double), &bytes))
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "the input is too large");
    if (!d->planes || !d->out_size) return TDNN_OK;
    d->row = (size_t)pooling->windows.axis[d->rank - 1].out;
    d->wide = s->in[0]->dtype == TDNN_F64;
    d->direct = d->wide || s->in[0]->dtype == TDNN_F32;
    d->counts = counts(ctx, pooling);
    if (!d->counts) return TDNN_NO_MEMORY(ctx->err);
    if (!d->direct) tdnn_plan_scratch(ctx, (d->in_size + d->row) * sizeof(float));
    s->kernel = "pool any";
    s->flops = (uint64_t)flops;
    d->tasks = tdnn_plan_split(ctx, flops, d->planes);
    tdnn_plan_phase(ctx, run, d->tasks);
    return TDNN_OK;
}
