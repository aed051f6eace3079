/* ReduceSum and its relatives, over any axes and types.
 *
 * f32 runs go through the table of kernels; everything else is folded in f64, or, integers, in
 * i64, where sums wrap around. The order of each sum is fixed by the shape alone.
 */
#include "lib/ops/convert.h"
#include "lib/ops/loops.h"
#include "lib/ops/reduction.h"

#include <math.h>

enum { CHUNK = 256 };

typedef enum fold { SUM, ABSOLUTE, SQUARES, PRODUCT, LARGEST, SMALLEST, EXPONENTS } fold;
typedef enum finish { NOTHING, MEAN, ROOT, LOGARITHM, LOG_SUM_EXP } finish;

typedef struct reduce_params {
    int64_t keepdims, noop_with_empty_axes;
} reduce_params;

typedef struct reduce_data {
    tdnn_reduction r;
    fold fold;
    finish finish;
    size_t count;        /* elements that each result is made of  */
    size_t units, tasks; /* results, or groups of columns         */
    size_t groups;       /* of columns, in each run that is kept  */
} reduce_data;

static void rule(tdnn_op_kind kind, fold *f, finish *end)
{
    *f = SUM, *end = NOTHING;
    switch (kind) {
    case TDNN_OP_ReduceMean: *end = MEAN; break;
    case TDNN_OP_ReduceL1: *f = ABSOLUTE; break;
    case TDNN_OP_ReduceL2: *f = SQUARES, *end = ROOT; break;
    case TDNN_OP_ReduceSumSquare: *f = SQUARES; break;
    case TDNN_OP_ReduceProd: *f = PRODUCT; break;
    case TDNN_OP_ReduceMax: *f = LARGEST; break;
    case TDNN_OP_ReduceMin: *f = SMALLEST; break;
    case TDNN_OP_ReduceLogSum: *end = LOGARITHM; break;
    case TDNN_OP_ReduceLogSumExp: *f = EXPONENTS, *end = LOG_SUM_EXP; break;
    default: break;
    }
}

/* ---- folding in f64 ---- */

static double start_f64(fold f)
{
    return f == PRODUCT ? 1 : f == LARGEST ? -INFINITY : f == SMALLEST ? INFINITY : 0;
}

/* `shift` is what exponents are taken relative to. */
static double fold_f64(fold f, double a, double x, double shift)
{
    switch (f) {
    case SUM: return a + x;
    case ABSOLUTE: return a + fabs(x);
    case SQUARES: return a + x * x;
    case PRODUCT: return a * x;
    case LARGEST: return a > x || isnan(a) ? a : x;
    case SMALLEST: return a < x || isnan(a) ? a : x;
    case EXPONENTS: return a + exp(x - shift);
    }
    return a;
}

static double finish_f64(const reduce_data *d, double a, double shift)
{
    switch (d->finish) {
    case NOTHING: return a;
    case MEAN: return a / (double)d->count;
    case ROOT: return sqrt(a);
    case LOGARITHM: return log(a);
    case LOG_SUM_EXP: return log(a) + shift;
    }
    return a;
}

static void fold_run_f64(fold f, double *a, tdnn_run x, size_t n, double shift)
{
    double part[CHUNK];
    for (size_t done = 0; done < n; done += CHUNK, x.first += CHUNK) {
        const size_t count = n - done < CHUNK ? n - done : CHUNK;
        tdnn_load_f64(part, x, count);
        for (size_t i = 0; i < count; i++) *a = fold_f64(f, *a, part[i], shift);
    }
}

static double fold_all_f64(const reduce_data *d, fold f, tdnn_run x, double shift)
{
    double a = start_f64(f);
    const size_t first = x.first;
    for (size_t i = 0; i < d->r.reduced; i++) {
        x.first = first + tdnn_reduction_offset(&d->r, i, true);
        fold_run_f64(f, &a, x, d->r.run, shift);
    }
    return a;
}

/* One result from runs that are reduced. */
static double row_f64(const reduce_data *d, tdnn_run x)
{
    double shift = 0;
    if (d->fold == EXPONENTS) {
        shift = fold_all_f64(d, LARGEST, x, 0);
        if (isinf(shift)) shift = shift < 0 ? 0 : shift;
        if (isinf(shift)) return shift;
    }
    return finish_f64(d, fold_all_f64(d, d->fold, x, shift), shift);
}

/* n neighbouring results. */
static void columns_f64(const reduce_data *d, double *y, tdnn_run x, size_t n)
{
    double part[CHUNK], shift[CHUNK] = {0};
    const size_t first = x.first;
    for (int pass = d->fold == EXPONENTS ? 0 : 1; pass < 2; pass++) {
        const fold f = pass ? d->fold : LARGEST;
        for (size_t j = 0; j < n; j++) y[j] = start_f64(f);
        for (size_t i = 0; i < d->r.reduced; i++) {
            x.first = first + tdnn_reduction_offset(&d->r, i, true);
            tdnn_load_f64(part, x, n);
            for (size_t j = 0; j < n; j++) y[j] = fold_f64(f, y[j], part[j], shift[j]);
        }
        if (pass == 0)
            for (size_t j = 0; j < n; j++) shift[j] = isinf(y[j]) ? 0 : y[j];
    }
    for (size_t j = 0; j < n; j++) y[j] = finish_f64(d, y[j], shift[j]);
}

/* ---- folding in i64: unsigned numbers of 64 bits compare by another rule ---- */

static int64_t start_i64(fold f, tdnn_dtype type)
{
    const bool wide = type == TDNN_U64;
    switch (f) {
    case PRODUCT: return 1;
    case LARGEST: return wide ? 0 : INT64_MIN;
    case SMALLEST: return wide ? -1 : INT64_MAX;
    default: return 0;
    }
}

static int64_t fold_i64(fold f, int64_t a, int64_t x, bool wide)
{
    const uint64_t u = (uint64_t)a, v = (uint64_t)x;
    const uint64_t flip = wide ? (uint64_t)1 << 63 : 0;
    const bool greater = (int64_t)(v ^ flip) > (int64_t)(u ^ flip);
    switch (f) {
    case ABSOLUTE: return (int64_t)(u + (!wide && x < 0 ? 0 - v : v));
    case SQUARES: return (int64_t)(u + v * v);
    case PRODUCT: return (int64_t)(u * v);
    case LARGEST: return greater ? x : a;
    case SMALLEST: return greater ? a : x;
    default: return (int64_t)(u + v);
    }
}

static int64_t finish_i64(const reduce_data *d, int64_t a, tdnn_dtype type)
{
    static const int8_t bits[] = {
        [TDNN_U8] = 8,   [TDNN_I8] = 8,   [TDNN_BOOL] = 1, [TDNN_U16] = 16,
        [TDNN_I16] = 16, [TDNN_I32] = 32, [TDNN_U32] = 32};
    const bool is_signed = type == TDNN_I8 || type == TDNN_I16 || type == TDNN_I32;
    if (d->finish == MEAN) {
        if (d->count == 0) return 0;
        return type == TDNN_U64 ? (int64_t)((uint64_t)a / d->count) : a / (int64_t)d->count;
    }
    if (d->count || (d->fold != LARGEST && d->fold != SMALLEST)) return a;
    if (type == TDNN_I64 || type == TDNN_U64) return a;
    /* nothing to compare: the type's own limits */
    const int64_t top = ((int64_t)1 << (bits[type] - is_signed)) - 1;
    if (d->fold == SMALLEST) return top;
    return is_signed ? -top - 1 : 0;
}

static int64_t row_i64(const reduce_data *d, tdnn_run x)
{
    int64_t part[CHUNK], a = start_i64(d->fold, x.type);
    const size_t first = x.first;
    for (size_t i = 0; i < d->r.reduced; i++) {
        x.first = first + tdnn_reduction_offset(&d->r, i, true);
        for (size_t done = 0; done < d->r.run; done += CHUNK, x.first += CHUNK) {
            const size_t n = d->r.run - done < CHUNK ? d->r.run - done : CHUNK;
            tdnn_load_i64(part, x, n);
            for (size_t j = 0; j < n; j++)
                a = fold_i64(d->fold, a, part[j], x.type == TDNN_U64);
        }
    }
    return finish_i64(d, a, x.type);
}

static void columns_i64(const reduce_data *d, int64_t *y, tdnn_run x, size_t n)
{
    int64_t part[CHUNK];
    const size_t first = x.first;
    for (size_t j = 0; j < n; j++) y[j] = start_i64(d->fold, x.type);
    for (size_t i = 0; i < d->r.reduced; i++) {
        x.first = first + tdnn_reduction_offset(&d->r, i, true);
        tdnn_load_i64(part, x, n);
        for (size_t j = 0; j < n; j++)
            y[j] = fold_i64(d->fold, y[j], part[j], x.type == TDNN_U64);
    }
    for (size_t j = 0; j < n; j++) y[j] = finish_i64(d, y[j], x.type);
}

/* ---- f32 through kernels ---- */

static float product_of(const float *x, size_t n)
{
    float part[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++) part[k] *= x[i + k];
    for (; i < n; i++) part[0] *= x[i];
    return ((part[0] * part[1]) * (part[2] * part[3])) *
           ((part[4] * part[5]) * (part[6] * part[7]));
}

static float run_f32(const tdnn_kernels *k, fold f, const float *x, size_t n)
{
    switch (f) {
    case ABSOLUTE: return k->row_abs_sum_f32(x, n);
    case SQUARES: return k->row_spread_f32(x, n, 0);
    case LARGEST: return k->row_max_f32(x, n);
    case SMALLEST: return k->row_min_f32(x, n);
    case PRODUCT: return product_of(x, n);
    default: return k->row_sum_f32(x, n);
    }
}

static float exponents_f32(const reduce_data *d, const tdnn_kernels *k, const float *x)
{
    float most = -INFINITY;
    double sum = 0;
    for (size_t i = 0; i < d->r.reduced; i++) {
        const float v = k->row_max_f32(x + tdnn_reduction_offset(&d->r, i, true), d->r.run);
        if (v != v) return v;
        most = v > most ? v : most;
    }
    if (isinf(most)) return most;
    for (size_t i = 0; i < d->r.reduced; i++)
        sum += (double)k->exp_sum_f32(NULL, x + tdnn_reduction_offset(&d->r, i, true), d->r.run,
                                      most);
    return (float)finish_f64(d, sum, (double)most);
}

static float row_f32(const reduce_data *d, const tdnn_kernels *k, const float *x)
{
    double a = start_f64(d->fold);
    const fold f =
        d->fold == ABSOLUTE || d->fold == SQUARES ? SUM : d->fold; /* of the runs' results */
    if (d->fold == EXPONENTS) return exponents_f32(d, k, x);
    for (size_t i = 0; i < d->r.reduced; i++) {
        const float v =
            run_f32(k, d->fold, x + tdnn_reduction_offset(&d->r, i, true), d->r.run);
        a = fold_f64(f, a, (double)v, 0);
    }
    return (float)finish_f64(d, a, 0);
}

/* Another row to the results so far of n columns. */
static void fold_columns(const tdnn_kernels *k, fold f, float *y, const float *x,
                         const float *shift, size_t n)
{
    float part[CHUNK];
    switch (f) {
    case SUM: k->add_f32(y, y, 1, x, 1, n); return;
    case LARGEST: k->max_f32(y, y, 1, x, 1, n); return;
    case SMALLEST: k->min_f32(y, y, 1, x, 1, n); return;
    case PRODUCT: k->mul_f32(y, y, 1, x, 1, n); return;
    case ABSOLUTE: TDNN_EACH (n) y[i] += fabsf(x[i]); return;
    case SQUARES: TDNN_EACH (n) y[i] += x[i] * x[i]; return;
    case EXPONENTS:
        k->sub_f32(part, x, 1, shift, 1, n);
        k->exp_f32(part, part, n);
        k->add_f32(y, y, 1, part, 1, n);
        return;
    }
}

/* n neighbouring results of f32: sums of PIECE rows each in f32, those in f64. */
static void columns_f32(const reduce_data *d, const tdnn_kernels *k, float *out, const float *x,
                        size_t n)
{
    enum { PIECE = 64 };
    float part[CHUNK], shift[CHUNK] = {0};
    double y[CHUNK];
    for (int pass = d->fold == EXPONENTS ? 0 : 1; pass < 2; pass++) {
        const fold f = pass ? d->fold : LARGEST;
        const bool sums = f != LARGEST && f != SMALLEST && f != PRODUCT;
        for (size_t j = 0; j < n; j++) y[j] = start_f64(f);
        for (size_t i = 0; i < d->r.reduced; i += PIECE) {
            const size_t end = d->r.reduced - i < PIECE ? d->r.reduced : i + PIECE;
            for (size_t j = 0; j < n; j++) part[j] = sums ? 0 : (float)y[j];
            for (size_t r = i; r < end; r++)
                fold_columns(k, f, part, x + tdnn_reduction_offset(&d->r, r, true), shift, n);
            for (size_t j = 0; j < n; j++) y[j] = (sums ? y[j] : 0) + (double)part[j];
        }
        for (size_t j = 0; pass == 0 && j < n; j++) shift[j] = isinf(y[j]) ? 0 : (float)y[j];
    }
    if (d->finish == NOTHING)
        for (size_t j = 0; j < n; j++) out[j] = (float)y[j];
    else
        for (size_t j = 0; j < n; j++) out[j] = (float)finish_f64(d, y[j], (double)shift[j]);
}

/* ---- tasks ---- */

static bool in_i64(tdnn_dtype type, finish end)
{
    return tdnn_dtype_is_integral(type) && (end == NOTHING || end == MEAN);
}

static void one_row(const tdnn_step *s, const reduce_data *d, size_t unit)
{
    const tdnn_tensor *x = s->in[0];
    const size_t offset = tdnn_reduction_offset(&d->r, unit, false);
    const tdnn_run to = {s->out[0]->data, x->dtype, unit, 1};
    const tdnn_run from = tdnn_run_of(x->data, x->dtype, offset, 1);
    if (x->dtype == TDNN_F32) {
        ((float *)s->out[0]->data)[unit] =
            row_f32(d, s->kernels, (const float *)x->data + offset);
    } else if (in_i64(x->dtype, d->finish)) {
        const int64_t v = row_i64(d, from);
        tdnn_store_i64(to, &v, 1);
    } else {
        const double v = row_f64(d, from);
        tdnn_store_f64(to, &v, 1);
    }
}

static void some_columns(const tdnn_step *s, const reduce_data *d, size_t unit)
{
    const tdnn_tensor *x = s->in[0];
    const size_t run = unit / d->groups, first = unit % d->groups * CHUNK;
    const size_t n = d->r.run - first < CHUNK ? d->r.run - first : CHUNK;
    const tdnn_run from =
        tdnn_run_of(x->data, x->dtype, tdnn_reduction_offset(&d->r, run, false) + first, 1);
    const tdnn_run to = {s->out[0]->data, x->dtype, run * d->r.run + first, 1};
    if (in_i64(x->dtype, d->finish)) {
        int64_t y[CHUNK];
        columns_i64(d, y, from, n);
        tdnn_store_i64(to, y, n);
    } else if (x->dtype == TDNN_F32) {
        columns_f32(d, s->kernels, (float *)to.data + to.first,
                    (const float *)x->data + from.first, n);
    } else {
        double y[CHUNK];
        columns_f64(d, y, from, n);
        tdnn_store_f64(to, y, n);
    }
}

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const reduce_data *d = s->data;
    size_t unit, end;
    tdnn_task_range(d->units, d->tasks, task, &unit, &end);
    for (; unit < end; unit++) {
        if (d->r.run_reduced)
            one_row(s, d, unit);
        else
            some_columns(s, d, unit);
    }
}

/* ---- plan ---- */

static tdnn_status read_axes(const reduce_params *p, const tdnn_few *axes, int ndim,
                             unsigned *mask, tdnn_error *err)
{
    *mask = 0;
    if (axes->count == 0 && p->noop_with_empty_axes) return TDNN_OK;
    return tdnn_axes_mask(axes, ndim, mask, err);
}

static tdnn_status infer_reduce(tdnn_infer *ctx)
{
    const reduce_params *p = ctx->params;
    const tdnn_shape *x = &ctx->in[0]->shape;
    tdnn_few axes;
    unsigned mask;
    TDNN_TRY(tdnn_infer_few(ctx, 1, &axes));
    TDNN_TRY(read_axes(p, &axes, x->ndim, &mask, ctx->err));
    const tdnn_shape y = tdnn_reduced_shape(x, mask, p->keepdims != 0);
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &y);
    return TDNN_OK;
}

/* Results of nothing: each what the fold begins with. */
static void run_empty(const tdnn_step *s, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const reduce_data *d = s->data;
    const tdnn_dtype type = s->in[0]->dtype;
    const int64_t whole = finish_i64(d, start_i64(d->fold, type), type);
    const double real = d->fold == EXPONENTS ? -INFINITY : finish_f64(d, start_f64(d->fold), 0);
    for (size_t i = 0; i < d->units; i++) {
        const tdnn_run to = {s->out[0]->data, type, i, 1};
        if (in_i64(type, d->finish))
            tdnn_store_i64(to, &whole, 1);
        else
            tdnn_store_f64(to, &real, 1);
    }
}

static tdnn_status plan_reduce(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    const tdnn_tensor *x = s->in[0];
    reduce_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    tdnn_few axes;
    unsigned mask;
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    if (!tdnn_dtype_is_real(x->dtype) || tdnn_dtype_bits(x->dtype) < 8)
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "element type %s",
                         tdnn_dtype_name(x->dtype));
    TDNN_TRY(tdnn_plan_few(ctx, 1, &axes));
    TDNN_TRY(read_axes(s->params, &axes, x->shape.ndim, &mask, ctx->err));
    rule(s->node->op->kind, &d->fold, &d->finish);
    const size_t total = (size_t)tdnn_shape_count(&x->shape);
    d->units = (size_t)tdnn_shape_count(&s->out[0]->shape);
    if (d->units == 0) return TDNN_OK;
    d->count = total / d->units;
    if (total == 0) {
        tdnn_plan_phase(ctx, run_empty, 1);
        return TDNN_OK;
    }
    d->r = tdnn_reduction_make(&x->shape, mask);
    d->groups = (d->r.run + CHUNK - 1) / CHUNK;
    if (!d->r.run_reduced) d->units = d->r.kept * d->groups;
    s->flops = total;
    d->tasks = tdnn_plan_split(ctx, 2 * (double)total, d->units);
    tdnn_plan_phase(ctx, run, d->tasks);
    return TDNN_OK;
}

static const tdnn_attr attrs[] = {TDNN_INT(reduce_params, keepdims, 1),
                                  TDNN_INT(reduce_params, noop_with_empty_axes, 0),
                                  {0}};

#define REDUCE(Op)                                                                             \
    const tdnn_op tdnn_op_##Op = {                                                             \
        .schema = {TDNN_SCHEMA(Op, 1, 2, 1, 1, attrs, reduce_params)},                         \
        .infer = infer_reduce,                                                                 \
        .plan = plan_reduce};
REDUCE(ReduceSum)
REDUCE(ReduceMean)
REDUCE(ReduceL1)
REDUCE(ReduceL2)
REDUCE(ReduceSumSquare)
REDUCE(ReduceProd)
REDUCE(ReduceMax)
REDUCE(ReduceMin)
REDUCE(ReduceLogSum)
REDUCE(ReduceLogSumExp)
