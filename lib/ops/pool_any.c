/* Pooling of any rank and type: a plane at a time, widened to f64, window by window. */
#include "lib/ops/convert.h"
#include "lib/ops/pool.h"

#include <math.h>

enum { AXES = TDNN_MAX_DIMS };

typedef struct any_data {
    tdnn_pooling pooling;
    size_t planes, tasks, in_size, out_size; /* sizes of a plane */
    int rank;
} any_data;

/* Element of the input plane under position `k` of window `o`; -1: padding. */
static int64_t element(const any_data *d, const int64_t *o, const int64_t *k,
                       int64_t *by_column)
{
    int64_t index = 0, column = 0, step = 1;
    for (int i = 0; i < d->rank; i++) {
        const tdnn_window_axis *a = &d->pooling.windows.axis[i];
        const int64_t at = o[i] * a->stride + k[i] * a->dilation - a->pad;
        if (at < 0 || at >= a->in) return -1;
        index = index * a->in + at;
        column += at * step;
        step *= a->in;
    }
    *by_column = column;
    return index;
}

/* To the next position, the last axis fastest; false after the last one. */
static bool next(int64_t *at, const any_data *d, bool windows)
{
    for (int i = d->rank - 1; i >= 0; i--) {
        const tdnn_window_axis *a = &d->pooling.windows.axis[i];
        if (++at[i] < (windows ? a->out : a->kernel)) return true;
        at[i] = 0;
    }
    return false;
}

static double pool_one(const any_data *d, const double *x, const int64_t *o, int64_t *best)
{
    const tdnn_pooling *p = &d->pooling;
    int64_t k[AXES] = {0}, column = 0;
    double v = p->kind == TDNN_POOL_MAX ? -INFINITY : 0, count = 1;
    *best = 0;
    bool first = true;
    do {
        const int64_t index = element(d, o, k, &column);
        if (index < 0) continue;
        const double e = x[index];
        if (p->kind == TDNN_POOL_AVERAGE)
            v += e;
        else if (p->kind == TDNN_POOL_LP)
            v += p->p == 2 ? e * e : pow(fabs(e), p->p);
        else if (first || e > v || (isnan(e) && !isnan(v)))
            v = e, *best = p->column_major ? column : index;
        first = false;
    } while (next(k, d, false));
    if (p->kind == TDNN_POOL_LP) return p->p == 2 ? sqrt(v) : pow(v, 1 / p->p);
    if (p->kind == TDNN_POOL_MAX) return v;
    for (int i = 0; i < d->rank; i++)
        count *= (double)tdnn_pool_count(&p->windows.axis[i], o[i], p->count_pads);
    return v / count;
}

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    const any_data *d = s->data;
    double *x = (double *)(void *)(s->scratch + worker * s->scratch_stride),
           *y = x + d->in_size;
    size_t plane, end;
    tdnn_task_range(d->planes, d->tasks, task, &plane, &end);
    for (; plane < end; plane++) {
        int64_t o[AXES] = {0};
        int64_t *indices = s->output_count > 1 && s->out[1] ? s->out[1]->data : NULL;
        tdnn_load_f64(x, tdnn_run_of(s->in[0]->data, s->in[0]->dtype, plane * d->in_size, 1),
                      d->in_size);
        for (size_t i = 0; i < d->out_size; i++, next(o, d, true)) {
            int64_t best;
            y[i] = pool_one(d, x, o, &best);
            if (indices)
                indices[plane * d->out_size + i] = (int64_t)(plane * d->in_size) + best;
        }
        tdnn_store_f64(tdnn_run_of(s->out[0]->data, s->out[0]->dtype, plane * d->out_size, 1),
                       y, d->out_size);
    }
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
    tdnn_plan_scratch(ctx, bytes);
    s->kernel = "pool any";
    s->flops = (uint64_t)flops;
    d->tasks = tdnn_plan_split(ctx, flops, d->planes);
    tdnn_plan_phase(ctx, run, d->tasks);
    return TDNN_OK;
}
