/* Cast and CastLike.
 *
 * Between floats the value is rounded once, to nearest even; floats become integers towards
 * zero, saturated, and NaN 0; integers keep their lowest bits. Text is read and written as
 * numpy does.
 */
#include "lib/ops/cast_loops.h"
#include "lib/ops/convert.h"
#include "lib/ops/op.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK = 1024, GRAIN = 64 }; /* tasks end at multiples of GRAIN: no two share a byte */

typedef struct cast_data {
    bool saturate;
    tdnn_rounding rounding;
    size_t total, tasks;
} cast_data;

/* ---- numbers to numbers ---- */

static void ints_to_floats(tdnn_run to, tdnn_run from, size_t n, double *wide)
{
    int64_t whole[CHUNK];
    tdnn_load_i64(whole, from, n);
    if (to.type == TDNN_F32 && from.type != TDNN_U64) { /* rounded once, not twice */
        float *y = (float *)to.data + to.first;
        for (size_t i = 0; i < n; i++) y[i] = (float)whole[i];
        return;
    }
    tdnn_load_f64(wide, from, n);
    tdnn_store_f64(to, wide, n);
}

static size_t bytes_of(tdnn_dtype type) { return (size_t)tdnn_dtype_bits(type) / 8; }

/* From f16 to all that f32 has a loop for; and from integers to f16, which holds none exactly
 * that f32 rounds. */
static bool by_f32(const tdnn_kernels *k, tdnn_run to, tdnn_run from, size_t n)
{
    float wide[CHUNK];
    tdnn_cast_fn *first = tdnn_cast_loop(from.type, TDNN_F32);
    tdnn_cast_fn *second = tdnn_cast_loop(TDNN_F32, to.type);
    if (from.type == TDNN_F16 && second) {
        k->widen_f16(wide, (const uint16_t *)from.data + from.first, n);
        second((char *)to.data + to.first * bytes_of(to.type), wide, n);
        return true;
    }
    if (to.type != TDNN_F16 || !first || from.type == TDNN_F64 || from.type == TDNN_F32)
        return false;
    first(wide, (const char *)from.data + from.first * bytes_of(from.type), n);
    k->narrow_f16((uint16_t *)to.data + to.first, wide, n);
    return true;
}

static void cast_chunk(const cast_data *d, const tdnn_kernels *k, tdnn_run to, tdnn_run from,
                       size_t n)
{
    double wide[CHUNK];
    int64_t whole[CHUNK];
    const bool float_in = tdnn_dtype_is_float(from.type),
               float_out = tdnn_dtype_is_float(to.type);
    tdnn_cast_fn *loop = tdnn_cast_loop(from.type, to.type);
    if (loop) {
        loop((char *)to.data + to.first * bytes_of(to.type),
             (const char *)from.data + from.first * bytes_of(from.type), n);
        return;
    }
    if (by_f32(k, to, from, n)) return;
    if (tdnn_dtype_is_half(from.type) && to.type == TDNN_F32) {
        tdnn_widen_f32(k, (float *)to.data + to.first, from.data, from.type, from.first, n);
    } else if (from.type == TDNN_F32 && tdnn_dtype_is_half(to.type)) {
        tdnn_narrow_f32(k, to.data, to.type, to.first, (const float *)from.data + from.first,
                        n);
    } else if (!float_in && !float_out) {
        tdnn_load_i64(whole, from, n);
        tdnn_store_i64(to, whole, n);
    } else if (!float_in && (to.type == TDNN_F32 || to.type == TDNN_F64)) {
        ints_to_floats(to, from, n, wide);
    } else {
        tdnn_load_f64(wide, from, n);
        if (float_out && to.type != TDNN_F32 && to.type != TDNN_F64)
            tdnn_store_narrow(to, wide, n, d->saturate, d->rounding);
        else
            tdnn_store_f64(to, wide, n);
    }
}

static void cast_range(const cast_data *d, const tdnn_kernels *k, const tdnn_tensor *x,
                       tdnn_tensor *y, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i += CHUNK) {
        const tdnn_run to = {y->data, y->dtype, i, 1};
        cast_chunk(d, k, to, tdnn_run_of(x->data, x->dtype, i, 1),
                   end - i < CHUNK ? end - i : CHUNK);
    }
}

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const cast_data *d = s->data;
    size_t begin, end;
    tdnn_task_range((d->total + GRAIN - 1) / GRAIN, d->tasks, task, &begin, &end);
    end = end * GRAIN < d->total ? end * GRAIN : d->total;
    cast_range(d, s->kernels, s->in[0], s->out[0], begin * GRAIN, end);
}

/* ---- text ---- */

/* The shortest digits that read back as the same number, as numpy prints them. */
static void print_float(char *text, size_t size, double x, bool single)
{
    if (isnan(x) || isinf(x)) {
        snprintf(text, size, isnan(x) ? "NaN" : x < 0 ? "-INF" : "INF");
        return;
    }
    const double a = fabs(x);
    for (int digits = 1; digits <= 17; digits++) {
        const int exponent = a == 0 ? 0
                                    : (snprintf(text, size, "%.*e", digits - 1, x),
                                       (int)strtol(strchr(text, 'e') + 1, NULL, 10));
        if (exponent < -4 || exponent >= 16)
            snprintf(text, size, "%.*e", digits - 1, x);
        else
            snprintf(text, size, "%.*f", digits - 1 > exponent ? digits - 1 - exponent : 1, x);
        const double back = strtod(text, NULL);
        if (single ? (float)back == (float)x : back == x) return;
    }
}

static tdnn_status print_all(const tdnn_tensor *x, tdnn_tensor *y, tdnn_error *err)
{
    const size_t n = (size_t)tdnn_shape_count(&x->shape);
    char text[64];
    for (size_t i = 0; i < n; i++) {
        if (tdnn_dtype_is_float(x->dtype)) {
            print_float(text, sizeof text, tdnn_tensor_get_f64(x, i), x->dtype != TDNN_F64);
        } else if (x->dtype == TDNN_BOOL) {
            snprintf(text, sizeof text, "%s", tdnn_tensor_get_i64(x, i) ? "True" : "False");
        } else {
            const long long v = (long long)tdnn_tensor_get_i64(x, i);
            if (x->dtype == TDNN_U64)
                snprintf(text, sizeof text, "%llu", (unsigned long long)v);
            else
                snprintf(text, sizeof text, "%lld", v);
        }
        TDNN_TRY(tdnn_tensor_set_string(y, i, text, err));
    }
    return TDNN_OK;
}

static tdnn_status read_all(const cast_data *d, const tdnn_tensor *x, tdnn_tensor *y,
                            tdnn_error *err)
{
    const size_t n = (size_t)tdnn_shape_count(&x->shape);
    for (size_t i = 0; i < n; i++) {
        const char *text = tdnn_tensor_string(x, i);
        char *end;
        const tdnn_run to = {y->data, y->dtype, i, 1};
        if (tdnn_dtype_is_integral(y->dtype)) {
            const long long whole = strtoll(text, &end, 10);
            const int64_t v = whole;
            if (*text && !*end) {
                tdnn_store_i64(to, &v, 1);
                continue;
            }
        }
        const double v = strtod(text, &end);
        if (!*text || *end)
            return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "\"%.40s\" is no number", text);
        if (tdnn_dtype_is_float(y->dtype) && y->dtype != TDNN_F32 && y->dtype != TDNN_F64)
            tdnn_store_narrow(to, &v, 1, d->saturate, d->rounding);
        else
            tdnn_store_f64(to, &v, 1);
    }
    return TDNN_OK;
}

/* ---- the operators ---- */

static const char *const rounding_names[] = {"up", "down", "nearest", NULL};
static const tdnn_attr cast_attrs[] = {
    {.name = "to",
     .type = TDNN_ATTR_INT,
     .required = true,
     .offset = offsetof(tdnn_cast_params, to)},
    TDNN_INT(tdnn_cast_params, saturate, 1),
    TDNN_ENUM(tdnn_cast_params, round_mode, rounding_names, 0),
    {0}};
static const tdnn_attr cast_like_attrs[] = {
    TDNN_INT(tdnn_cast_params, saturate, 1),
    TDNN_ENUM(tdnn_cast_params, round_mode, rounding_names, 0),
    {0}};

static bool castable(tdnn_dtype t) { return tdnn_dtype_is_real(t) || t == TDNN_STRING; }

static tdnn_status target(const tdnn_node *node, const void *params, tdnn_dtype from,
                          tdnn_dtype like, tdnn_dtype *to, tdnn_error *err)
{
    const tdnn_cast_params *p = params;
    *to = node->op->kind == TDNN_OP_CastLike ? like : (tdnn_dtype)p->to;
    if (p->to < 0 || p->to >= TDNN_DTYPE_COUNT || !castable(*to) || !castable(from))
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a cast from %s to %s",
                         tdnn_dtype_name(from), tdnn_dtype_name(*to));
    return TDNN_OK;
}

static tdnn_status infer_cast(tdnn_infer *ctx)
{
    tdnn_dtype to;
    const tdnn_dtype like = ctx->input_count > 1 && ctx->in[1] ? ctx->in[1]->dtype : TDNN_NONE;
    TDNN_TRY(target(ctx->node, ctx->params, ctx->in[0]->dtype, like, &to, ctx->err));
    tdnn_infer_set(ctx, 0, to, &ctx->in[0]->shape);
    return TDNN_OK;
}

static cast_data how(const tdnn_cast_params *p)
{
    return (cast_data){.saturate = p->saturate != 0, .rounding = (tdnn_rounding)p->round_mode};
}

static tdnn_status plan_cast(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    if (s->in[0]->dtype == s->out[0]->dtype) return tdnn_plan_view(ctx);
    cast_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    *d = how(s->params);
    d->total = (size_t)tdnn_shape_count(&s->in[0]->shape);
    if (d->total == 0) return TDNN_OK;
    d->tasks = tdnn_plan_split(ctx, 2 * (double)d->total, (d->total + GRAIN - 1) / GRAIN);
    tdnn_plan_phase(ctx, run, d->tasks);
    return TDNN_OK;
}

/* Text, and elements smaller than a byte. */
static tdnn_status exec_cast(tdnn_exec *ctx)
{
    const tdnn_tensor *x = ctx->in[0];
    tdnn_dtype to;
    const tdnn_dtype like = ctx->input_count > 1 && ctx->in[1] ? ctx->in[1]->dtype : TDNN_NONE;
    const cast_data d = how(ctx->params);
    TDNN_TRY(target(ctx->node, ctx->params, x->dtype, like, &to, ctx->err));
    if (to == x->dtype) return tdnn_exec_keep(ctx, ctx->in[0], &ctx->out[0]);
    TDNN_TRY(tdnn_tensor_create(to, &x->shape, &ctx->out[0], ctx->err));
    if (to == TDNN_STRING) return print_all(x, ctx->out[0], ctx->err);
    if (x->dtype == TDNN_STRING) return read_all(&d, x, ctx->out[0], ctx->err);
    cast_range(&d, ctx->kernels, x, ctx->out[0], 0, (size_t)tdnn_shape_count(&x->shape));
    return TDNN_OK;
}

const tdnn_op tdnn_op_Cast = {
    .schema = {TDNN_SCHEMA(Cast, 1, 1, 1, 1, cast_attrs, tdnn_cast_params)},
    .infer = infer_cast,
    .plan = plan_cast,
    .exec = exec_cast,
};
const tdnn_op tdnn_op_CastLike = {
    .schema = {TDNN_SCHEMA(CastLike, 2, 2, 1, 1, cast_like_attrs, tdnn_cast_params)},
    .infer = infer_cast,
    .plan = plan_cast,
    .exec = exec_cast,
};
