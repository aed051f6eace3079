/* Pow, whose exponents may be of another type than the bases, and Mod. */
#include "lib/ops/elementwise.h"
#include "lib/ops/loops.h"
#include "lib/ops/types.h"

#include <math.h>

/* ---- Pow ---- */

typedef struct pow_types {
    tdnn_dtype base, exponent;
} pow_types;

static void pow_f32(void *y_, const void *const *x, const size_t *step, size_t n,
                    const tdnn_formula_args *args)
{
    float *y = y_;
    const float *a = x[0], *b = x[1];
    if (!step[1] && step[0] && (*b == 3 || *b == 2 || *b == 0.5f || *b == 1)) {
        if (*b == 3)
            TDNN_EACH (n) y[i] = a[i] * a[i] * a[i];
        else if (*b == 2)
            args->kernels->mul_f32(y, a, 1, a, 1, n);
        else if (*b == 0.5f)
            args->kernels->sqrt_f32(y, a, n);
        else if (y != a)
            memcpy(y, a, n * sizeof *y);
        return;
    }
    for (size_t i = 0; i < n; i++) y[i] = powf(a[i * step[0]], b[i * step[1]]);
}

/* Wraps around; a negative exponent leaves the whole part of the reciprocal. */
static int64_t power_i64(int64_t base, int64_t exponent)
{
    uint64_t result = 1, square = (uint64_t)base;
    if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
    for (uint64_t e = (uint64_t)exponent; e; e >>= 1, square *= square)
        if (e & 1) result *= square;
    return (int64_t)result;
}

enum { PART = 64 };

static void pow_ints(tdnn_run y, tdnn_run a, tdnn_run b, size_t n)
{
    int64_t p[PART], q[PART];
    tdnn_load_i64(p, a, n);
    tdnn_load_i64(q, b, n);
    for (size_t i = 0; i < n; i++) p[i] = power_i64(p[i], q[i]);
    tdnn_store_i64(y, p, n);
}

static void pow_floats(tdnn_run y, tdnn_run a, tdnn_run b, size_t n)
{
    double p[PART], q[PART];
    tdnn_load_f64(p, a, n);
    tdnn_load_f64(q, b, n);
    for (size_t i = 0; i < n; i++) p[i] = pow(p[i], q[i]);
    tdnn_store_f64(y, p, n);
}

static void pow_any(void *y, const void *const *x, const size_t *step, size_t n,
                    const tdnn_formula_args *args)
{
    const pow_types *types = args->params;
    const bool ints = tdnn_dtype_is_int(types->base) && tdnn_dtype_is_int(types->exponent);
    for (size_t i = 0; i < n; i += PART) {
        const size_t count = n - i < PART ? n - i : PART;
        const tdnn_run a = tdnn_run_of(x[0], types->base, i * step[0], step[0]);
        const tdnn_run b = tdnn_run_of(x[1], types->exponent, i * step[1], step[1]);
        const tdnn_run to = {y, types->base, i, 1};
        if (ints)
            pow_ints(to, a, b, count);
        else
            pow_floats(to, a, b, count);
    }
}

static tdnn_status infer_pow(tdnn_infer *ctx)
{
    tdnn_shape shape;
    TDNN_TRY(tdnn_broadcast_shapes(&ctx->in[0]->shape, &ctx->in[1]->shape, &shape, ctx->err));
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &shape);
    return TDNN_OK;
}

static bool fits_f32(tdnn_dtype type) { return type == TDNN_F32 || tdnn_dtype_is_half(type); }

static tdnn_status plan_pow(tdnn_plan_ctx *ctx)
{
    static const tdnn_formulas quick = {{[TDNN_F32] = pow_f32}};
    static const tdnn_formulas any = {{[TDNN_F32] = pow_any,
                                       [TDNN_F64] = pow_any,
                                       [TDNN_F16] = pow_any,
                                       [TDNN_BF16] = pow_any,
                                       [TDNN_I8] = pow_any,
                                       [TDNN_I16] = pow_any,
                                       [TDNN_I32] = pow_any,
                                       [TDNN_I64] = pow_any,
                                       [TDNN_U8] = pow_any,
                                       [TDNN_U16] = pow_any,
                                       [TDNN_U32] = pow_any,
                                       [TDNN_U64] = pow_any}};
    const tdnn_dtype base = ctx->step->in[0]->dtype, exponent = ctx->step->in[1]->dtype;
    pow_types *types = tdnn_plan_alloc(ctx, 1, sizeof *types);
    if (!types) return TDNN_NO_MEMORY(ctx->err);
    *types = (pow_types){base, exponent};
    if (!any.of[exponent])
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "exponents of type %s",
                         tdnn_dtype_name(exponent));
    const bool is_quick = fits_f32(base) && fits_f32(exponent);
    const tdnn_elementwise_spec spec = {
        .formulas = is_quick ? &quick : &any, .params = types, .cost = 20};
    return tdnn_elementwise_plan(ctx, &spec);
}

const tdnn_op tdnn_op_Pow = {
    .schema = {TDNN_SCHEMA_PLAIN(Pow, 2, 2, 1, 1)},
    .infer = infer_pow,
    .layout = tdnn_elementwise_layout_strict,
    .plan = plan_pow,
};

/* ---- Mod: the sign of the divisor, as in Python, or, with fmod, of the dividend, as in C ----
 */

typedef struct mod_params {
    int64_t fmod;
} mod_params;

static const tdnn_attr mod_attrs[] = {TDNN_INT(mod_params, fmod, 0), {0}};

#define MOD(E, suffix, T, W, formula)                                                          \
    static void mod_##suffix(void *y_, const void *const *x, const size_t *step, size_t n,     \
                             const tdnn_formula_args *args)                                    \
    {                                                                                          \
        const bool c_sign = ((const mod_params *)args->params)->fmod != 0;                     \
        T *y = y_;                                                                             \
        const T *a = x[0], *b = x[1];                                                          \
        for (size_t i = 0; i < n; i++) {                                                       \
            const T p = a[i * step[0]], q = b[i * step[1]];                                    \
            const T r = (T)(formula(p, q));                                                    \
            y[i] = (T)(!c_sign && r != 0 && (r < 0) != (q < 0) ? r + q : r);                   \
        }                                                                                      \
    }
/* nothing remains of a division by -1, and by 0 there is none */
#define REST_SIGNED(p, q) ((q) == 0 || (q) == -1 ? 0 : (p) % (q))
#define REST_F32(p, q) fmodf(p, q)
#define REST_F64(p, q) fmod(p, q)
#define MOD_ROW(E, suffix, T, W, op) [E] = mod_##suffix,
TDNN_SIGNED_TYPES(MOD, REST_SIGNED)
MOD(TDNN_F32, f32, float, float, REST_F32)
MOD(TDNN_F64, f64, double, double, REST_F64)

#define MOD_UNSIGNED(E, suffix, T, W, op)                                                      \
    static void mod_##suffix(void *y_, const void *const *x, const size_t *step, size_t n,     \
                             const tdnn_formula_args *args)                                    \
    {                                                                                          \
        (void)args;                                                                            \
        T *y = y_;                                                                             \
        const T *a = x[0], *b = x[1];                                                          \
        for (size_t i = 0; i < n; i++) {                                                       \
            const T p = a[i * step[0]], q = b[i * step[1]];                                    \
            y[i] = (T)(q == 0 ? 0 : p % q);                                                    \
        }                                                                                      \
    }
TDNN_UNSIGNED_TYPES(MOD_UNSIGNED, mod)

static tdnn_status plan_mod(tdnn_plan_ctx *ctx)
{
    static const tdnn_formulas formulas = {
        {[TDNN_F32] = mod_f32, [TDNN_F64] = mod_f64, TDNN_INT_TYPES(MOD_ROW, mod)}};
    const tdnn_elementwise_spec spec = {.formulas = &formulas, .cost = 4};
    return tdnn_elementwise_plan(ctx, &spec);
}

const tdnn_op tdnn_op_Mod = {
    .schema = {TDNN_SCHEMA(Mod, 2, 2, 1, 1, mod_attrs, mod_params)},
    .infer = tdnn_infer_broadcast,
    .plan = plan_mod,
};
