/* Einsum: each letter is a loop; those of the result outside, those that are summed inside.
 *
 * Any number of operands, repeated letters (diagonals), an ellipsis, explicit and implicit
 * results. f32 is multiplied and added in f64, other floats too; integers wrap around.
 */
#include "lib/ops/convert.h"
#include "lib/ops/op.h"

#include <ctype.h>

enum {
    LETTERS = 52,                     /* then the ellipsis' dimensions, aligned at its end */
    LABELS = LETTERS + TDNN_MAX_DIMS, /* all that there can be */
    LOOPS = 32                        /* that one equation may have */
};

typedef struct einsum_params {
    const char *equation;
} einsum_params;

typedef struct term {
    int count, label[2 * TDNN_MAX_DIMS];
} term;

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

static int letter(char c) { return c >= 'a' ? c - 'a' + 26 : c - 'A'; }

/* One term, up to ',', '-' or the end; an ellipsis stands for `dots` dimensions, or, in
 * operands (ndim >= 0), for as many as are left over. */
static tdnn_status read_term(const char **text, int ndim, int dots, term *out, tdnn_error *err)
{
    const char *c = *text;
    int letters = 0, ellipses = 0;
    *out = (term){0};
    for (; *c && *c != ',' && *c != '-'; c++) {
        if (*c == '.')
            ellipses++;
        else if (isalpha((unsigned char)*c))
            letters++;
        else if (*c != ' ')
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "'%c' in the equation", *c);
    }
    if (ellipses != 0 && ellipses != 3)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%d dots in a term of the equation", ellipses);
    if (ndim >= 0) dots = ndim - letters;
    if (letters > 2 * TDNN_MAX_DIMS - (dots > 0 ? dots : 0) ||
        (ndim >= 0 && (dots < 0 || (dots > 0 && !ellipses))))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "a term of %d letters for %d dimensions", letters,
                         ndim);
    for (c = *text; *c && *c != ',' && *c != '-'; c++) {
        if (*c == ' ') continue;
        if (*c != '.') {
            out->label[out->count++] = letter(*c);
            continue;
        }
        for (int i = 0; i < dots; i++) out->label[out->count++] = LABELS - dots + i;
        while (c[1] == '.' || c[1] == ' ') c++;
    }
    *text = c;
    return TDNN_OK;
}

/* Without "->": the ellipsis, then the letters that occur once, in order. */
static term implicit_result(const int *uses, int dots)
{
    term out = {0};
    for (int i = 0; i < dots; i++) out.label[out.count++] = LABELS - dots + i;
    for (int i = 0; i < LETTERS && out.count < 2 * TDNN_MAX_DIMS; i++)
        if (uses[i] == 1) out.label[out.count++] = i;
    return out;
}

static tdnn_status take_extents(const term *t, const tdnn_shape *shape, int64_t *extent,
                                int *uses, tdnn_error *err)
{
    for (int i = 0; i < t->count; i++) {
        int64_t *have = &extent[t->label[i]];
        const int64_t more = shape->dim[i];
        if (uses[t->label[i]]++ == 0 || *have == 1)
            *have = more;
        else if (more != 1 && more != *have)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "one letter for dimensions of %lld and %lld",
                             (long long)*have, (long long)more);
    }
    return TDNN_OK;
}

static void take_strides(const term *t, const tdnn_shape *shape, const int *loop_of,
                         size_t *stride)
{
    size_t next = 1;
    for (int i = t->count - 1; i >= 0; i--) {
        if (shape->dim[i] > 1) stride[loop_of[t->label[i]]] += next;
        next *= (size_t)shape->dim[i];
    }
}

/* The loops of the equation for these shapes; strides only if loops->stride has room for them.
 */
static tdnn_status read_equation(const char *text, const tdnn_shape *const *shapes,
                                 size_t count, einsum_loops *loops, tdnn_shape *result,
                                 tdnn_error *err)
{
    int64_t extent[LABELS] = {0};
    int uses[LABELS] = {0}, loop_of[LABELS], dots = 0;
    const char *start = text;
    term t, out;
    for (size_t i = 0; i < count; i++) {
        if (i && *text++ != ',')
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "an equation of %zu terms for %zu inputs", i,
                             count);
        TDNN_TRY(read_term(&text, shapes[i]->ndim, 0, &t, err));
        TDNN_TRY(take_extents(&t, shapes[i], extent, uses, err));
    }
    for (int i = LETTERS; i < LABELS; i++) dots += uses[i] > 0;
    if (*text == '-' && text[1] == '>') {
        text += 2;
        TDNN_TRY(read_term(&text, -1, dots, &out, err));
    } else {
        out = implicit_result(uses, dots);
    }
    if (*text || out.count > TDNN_MAX_DIMS)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "an equation that does not fit its %zu inputs",
                         count);
    *result = (tdnn_shape){.ndim = out.count};
    loops->outer = loops->inner = 0;
    loops->total = loops->sums = 1;
    for (int i = 0; i < LABELS; i++) loop_of[i] = -1;
    for (int i = 0; i < out.count; i++) {
        if (!uses[out.label[i]] || loop_of[out.label[i]] >= 0)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                             "a letter of the result that no input has, or twice");
        result->dim[i] = extent[out.label[i]];
        loop_of[out.label[i]] = loops->outer;
        loops->total *= loops->extent[loops->outer++] = (size_t)extent[out.label[i]];
    }
    for (int i = 0; i < LABELS; i++) {
        if (!uses[i] || loop_of[i] >= 0) continue;
        if (loops->outer + loops->inner == LOOPS)
            return TDNN_FAIL(err, TDNN_ERR_LIMIT, "more than %d letters", LOOPS);
        loop_of[i] = loops->outer + loops->inner++;
        loops->sums *= loops->extent[loop_of[i]] = (size_t)extent[i];
    }
    for (size_t i = 0; loops->stride && i < count; i++) {
        if (i) start++;
        TDNN_TRY(read_term(&start, shapes[i]->ndim, 0, &t, err));
        take_strides(&t, shapes[i], loop_of, loops->stride[i]);
    }
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
    const einsum_params *p = ctx->params;
    const tdnn_shape *shapes[64];
    einsum_loops loops = {0};
    tdnn_shape y;
    if (ctx->input_count > 64)
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "more than 64 inputs");
    for (size_t i = 0; i < ctx->input_count; i++) {
        if (ctx->in[i]->dtype != ctx->in[0]->dtype || !tdnn_dtype_is_real(ctx->in[i]->dtype))
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is %s, input 0 is %s", i,
                             tdnn_dtype_name(ctx->in[i]->dtype),
                             tdnn_dtype_name(ctx->in[0]->dtype));
        shapes[i] = &ctx->in[i]->shape;
    }
    TDNN_TRY(read_equation(p->equation, shapes, ctx->input_count, &loops, &y, ctx->err));
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &y);
    return TDNN_OK;
}

static tdnn_status plan_einsum(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    const einsum_params *p = s->params;
    einsum_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    const size_t n = s->input_count;
    const tdnn_shape *shapes[64];
    tdnn_shape y;
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    d->operands = n;
    d->wide = tdnn_plan_alloc(ctx, n, sizeof *d->wide);
    d->counts = tdnn_plan_alloc(ctx, n, sizeof *d->counts);
    d->loops.stride = tdnn_plan_alloc(ctx, n, sizeof *d->loops.stride);
    if (!d->wide || !d->counts || !d->loops.stride) return TDNN_NO_MEMORY(ctx->err);
    for (size_t i = 0; i < n; i++) {
        shapes[i] = &s->in[i]->shape;
        d->wide[i] = d->room;
        d->counts[i] = (size_t)tdnn_shape_count(shapes[i]);
        d->room += d->counts[i];
    }
    TDNN_TRY(read_equation(p->equation, shapes, n, &d->loops, &y, ctx->err));
    if (d->loops.total == 0) return TDNN_OK;
    tdnn_plan_shared(ctx, d->room * sizeof(double));
    tdnn_plan_scratch(ctx, n * sizeof(size_t));
    tdnn_plan_phase(ctx, widen, n);
    const double flops = (double)n * (double)d->loops.total * (double)d->loops.sums;
    s->flops = (uint64_t)flops;
    d->tasks = tdnn_plan_split(ctx, 4 * flops, d->loops.total);
    tdnn_plan_phase(ctx, run, d->tasks);
    return TDNN_OK;
}

static const tdnn_attr attrs[] = {{.name = "equation",
                                   .type = TDNN_ATTR_STRING,
                                   .required = true,
                                   .offset = offsetof(einsum_params, equation)},
                                  {0}};
const tdnn_op tdnn_op_Einsum = {
    .schema = {TDNN_SCHEMA(Einsum, 1, -1, 1, 1, attrs, einsum_params)},
    .infer = infer_einsum,
    .plan = plan_einsum,
};
