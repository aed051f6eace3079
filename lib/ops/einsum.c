/* Einsum: each letter is a loop; those of the result outside, those that are summed inside.
 * Floats are multiplied and added in f64; integers wrap around.
 *
 * What of f32 is a chain of matrix products the planner has made into these
 * (lib/runtime/plan_einsum.c): here come the rest.
 */
#include "lib/graph/einsum.h"
#include "lib/ops/convert.h"
#include "lib/ops/move.h"

enum { LOOPS = 32 }; /* that one equation may have */

typedef struct einsum_loops {
    int outer, inner; /* loops of the result, and summed ones behind them */
    size_t extent[LOOPS];
    size_t (*stride)[LOOPS]; /* of each operand, in elements */
    size_t total, sums;      /* products of the extents */
} einsum_loops;

typedef struct einsum_data {
    einsum_loops loops;
    size_t operands, tasks;
    size_t *wide;   /* offsets of operands in the shared scratch, in elements of 8 bytes */
    size_t *counts; /* elements of operands */
    size_t room;    /* all of them */
} einsum_data;

/* ---- the equation ---- */

static void take_strides(const tdnn_einsum_term *t, const tdnn_shape *shape, const int *loop_of,
                         size_t *stride)
{
    size_t next = 1;
    for (int i = t->count - 1; i >= 0; i--) {
        if (shape->dim[i] > 1) stride[loop_of[t->label[i]]] += next;
        next *= (size_t)shape->dim[i];
    }
}

/* The loops of the equation; strides only if loops->stride has room for them. */
static tdnn_status make_loops(const tdnn_einsum *e, const tdnn_shape *const *shapes,
                              einsum_loops *loops, tdnn_error *err)
{
    int loop_of[TDNN_EINSUM_LABELS];
    loops->outer = loops->inner = 0;
    loops->total = loops->sums = 1;
    for (int i = 0; i < TDNN_EINSUM_LABELS; i++) loop_of[i] = -1;
    for (int i = 0; i < e->result.count; i++) {
        const int label = e->result.label[i];
        loop_of[label] = loops->outer;
        loops->total *= loops->extent[loops->outer++] = (size_t)e->extent[label];
    }
    for (int i = 0; i < TDNN_EINSUM_LABELS; i++) {
        if (!e->uses[i] || loop_of[i] >= 0) continue;
        if (loops->outer + loops->inner == LOOPS)
            return TDNN_FAIL(err, TDNN_ERR_LIMIT, "more than %d letters", LOOPS);
        loop_of[i] = loops->outer + loops->inner++;
        loops->sums *= loops->extent[loop_of[i]] = (size_t)e->extent[i];
    }
    for (size_t i = 0; loops->stride && i < e->operands; i++)
        take_strides(&e->term[i], shapes[i], loop_of, loops->stride[i]);
    return TDNN_OK;
}

/* ---- run ---- */

static void widen(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const einsum_data *d = s->data;
    const tdnn_tensor *x = s->in[task];
    unsigned char *to = s->shared + d->wide[task] * sizeof(double);
    if (tdnn_dtype_is_float(x->dtype))
        tdnn_load_f64((double *)(void *)to, tdnn_run_of(x->data, x->dtype, 0, 1),
                      d->counts[task]);
    else
        tdnn_load_i64((int64_t *)(void *)to, tdnn_run_of(x->data, x->dtype, 0, 1),
                      d->counts[task]);
}

/* Where each operand's first factor for result `index` is. */
static void begin(const einsum_data *d, size_t index, size_t *offset)
{
    const einsum_loops *l = &d->loops;
    for (size_t k = 0; k < d->operands; k++) offset[k] = d->wide[k];
    for (int i = l->outer - 1; i >= 0; i--) {
        const size_t digit = index % l->extent[i];
        index /= l->extent[i];
        for (size_t k = 0; k < d->operands; k++) offset[k] += digit * l->stride[k][i];
    }
}

/* To the next summed combination, the innermost loop excepted. */
static bool advance(const einsum_data *d, size_t *digit, size_t *offset)
{
    const einsum_loops *l = &d->loops;
    for (int i = l->outer + l->inner - 2; i >= l->outer; i--) {
        for (size_t k = 0; k < d->operands; k++) offset[k] += l->stride[k][i];
        if (++digit[i] < l->extent[i]) return true;
        for (size_t k = 0; k < d->operands; k++) offset[k] -= l->extent[i] * l->stride[k][i];
        digit[i] = 0;
    }
    return false;
}

/* One result: the sum over the inner loops of products. T is the type of the factors, S of
 * sums. */
#define SUM_OF(name, T, S)                                                                     \
    static S name(const einsum_data *d, const T *x, size_t index, size_t *offset)              \
    {                                                                                          \
        const einsum_loops *l = &d->loops;                                                     \
        const int last = l->outer + l->inner - 1;                                              \
        const size_t n = l->inner ? l->extent[last] : 1;                                       \
        size_t digit[LOOPS] = {0};                                                             \
        S sum = 0;                                                                             \
        begin(d, index, offset);                                                               \
        do {                                                                                   \
            for (size_t i = 0; i < n; i++) {                                                   \
                S product = 1;                                                                 \
                for (size_t k = 0; k < d->operands; k++)                                       \
                    product *= (S)x[offset[k] + (l->inner ? i * l->stride[k][last] : 0)];      \
                sum += product;                                                                \
            }                                                                                  \
        } while (advance(d, digit, offset));                                                   \
        return sum;                                                                            \
    }
SUM_OF(sum_f64, double, double)
SUM_OF(sum_u64, int64_t, uint64_t)

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    const einsum_data *d = s->data;
    const tdnn_dtype type = s->out[0]->dtype;
    size_t *offset = (size_t *)(void *)(s->scratch + worker * s->scratch_stride);
    size_t i, end;
    tdnn_task_range(d->loops.total, d->tasks, task, &i, &end);
    for (; i < end; i++) {
        const tdnn_run to = {s->out[0]->data, type, i, 1};
        const bool none = d->loops.sums == 0;
        if (tdnn_dtype_is_float(type)) {
            const double v =
                none ? 0 : sum_f64(d, (const double *)(const void *)s->shared, i, offset);
            tdnn_store_f64(to, &v, 1);
        } else {
            const int64_t v =
                none ? 0
                     : (int64_t)sum_u64(d, (const int64_t *)(const void *)s->shared, i, offset);
            tdnn_store_i64(to, &v, 1);
        }
    }
}

/* ---- plan ---- */

static tdnn_status infer_einsum(tdnn_infer *ctx)
{
    const tdnn_einsum_params *p = ctx->params;
    const tdnn_shape *shapes[TDNN_EINSUM_OPERANDS];
    einsum_loops loops = {0};
    tdnn_einsum e;
    for (size_t i = 0; i < ctx->input_count && i < TDNN_EINSUM_OPERANDS; i++) {
        if (ctx->in[i]->dtype != ctx->in[0]->dtype || !tdnn_dtype_is_real(ctx->in[i]->dtype))
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is %s, input 0 is %s", i,
                             tdnn_dtype_name(ctx->in[i]->dtype),
                             tdnn_dtype_name(ctx->in[0]->dtype));
        shapes[i] = &ctx->in[i]->shape;
    }
    TDNN_TRY(tdnn_einsum_read(p->equation, shapes, ctx->input_count, &e, ctx->err));
    TDNN_TRY(make_loops(&e, shapes, &loops, ctx->err));
    tdnn_shape y = {.ndim = e.result.count};
    for (int i = 0; i < y.ndim; i++) y.dim[i] = e.extent[e.result.label[i]];
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &y);
    return TDNN_OK;
}

/* A single operand of which nothing is summed is moved: a transposition, a diagonal. */
static tdnn_status plan_move(tdnn_plan_ctx *ctx, const einsum_loops *loops)
{
    const tdnn_view to = tdnn_view_of(ctx->step->out[0]);
    tdnn_view from = to;
    for (int i = 0; i < loops->outer; i++)
        from.stride[i] = (ptrdiff_t)(loops->stride[0][i] * to.size);
    const tdnn_move move = tdnn_move_make(0, &from, 0, &to, to.dim);
    return tdnn_plan_moves(ctx, &move, 1);
}

static tdnn_status plan_loops(tdnn_plan_ctx *ctx, einsum_data *d)
{
    tdnn_step *s = ctx->step;
    const size_t n = s->input_count;
    d->operands = n;
    d->wide = tdnn_plan_alloc(ctx, n, sizeof *d->wide);
    d->counts = tdnn_plan_alloc(ctx, n, sizeof *d->counts);
    if (!d->wide || !d->counts) return TDNN_NO_MEMORY(ctx->err);
    for (size_t i = 0; i < n; i++) {
        d->wide[i] = d->room;
        d->counts[i] = (size_t)tdnn_shape_count(&s->in[i]->shape);
        d->room += d->counts[i];
    }
    tdnn_plan_shared(ctx, d->room * sizeof(double));
    tdnn_plan_scratch(ctx, n * sizeof(size_t));
    tdnn_plan_phase(ctx, widen, n);
    const double flops = (double)n * (double)d->loops.total * (double)d->loops.sums;
    s->flops = (uint64_t)flops;
    d->tasks = tdnn_plan_split(ctx, 4 * flops, d->loops.total);
    tdnn_plan_phase(ctx, run, d->tasks);
    return TDNN_OK;
}

static tdnn_status plan_einsum(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    const tdnn_einsum_params *p = s->params;
    einsum_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    const tdnn_shape *shapes[TDNN_EINSUM_OPERANDS];
    tdnn_einsum e;
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    for (size_t i = 0; i < s->input_count; i++) shapes[i] = &s->in[i]->shape;
    TDNN_TRY(tdnn_einsum_read(p->equation, shapes, s->input_count, &e, ctx->err));
    d->loops.stride = tdnn_plan_alloc(ctx, s->input_count, sizeof *d->loops.stride);
    if (!d->loops.stride) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(make_loops(&e, shapes, &d->loops, ctx->err));
    if (d->loops.total == 0) return TDNN_OK;
    if (s->input_count == 1 && d->loops.inner == 0 && tdnn_dtype_bits(s->in[0]->dtype) >= 8) {
        s->data = NULL;
        return plan_move(ctx, &d->loops);
    }
    return plan_loops(ctx, d);
}

static const tdnn_attr attrs[] = {{.name = "equation",
                                   .type = TDNN_ATTR_STRING,
                                   .required = true,
                                   .offset = offsetof(tdnn_einsum_params, equation)},
                                  {0}};
const tdnn_op tdnn_op_Einsum = {
    .schema = {TDNN_SCHEMA(Einsum, 1, -1, 1, 1, attrs, tdnn_einsum_params)},
    .infer = infer_einsum,
    .plan = plan_einsum,
};
