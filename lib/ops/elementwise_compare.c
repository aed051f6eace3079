/* Comparison, logic, bitwise operators and shifts: integers or truth values come out. */
#include "lib/ops/elementwise.h"
#include "lib/ops/loops.h"
#include "lib/ops/move.h"
#include "lib/ops/types.h"

#define LOOP(E, suffix, T, W, op, R, formula)                                                  \
    static void op##_##suffix(void *y_, const void *const *x, const size_t *step, size_t n,    \
                              const tdnn_formula_args *args)                                   \
    {                                                                                          \
        (void)args;                                                                            \
        R *y = y_;                                                                             \
        const T *a = x[0], *b = x[1];                                                          \
        TDNN_EACH_PAIR(y, R, T, W, a, step[0], b, step[1], n, formula);                        \
    }
#define LOOP_SAME(E, suffix, T, W, op, formula) LOOP(E, suffix, T, W, op, T, formula)
#define LOOP_BOOL(E, suffix, T, W, op, formula) LOOP(E, suffix, T, W, op, uint8_t, formula)
#define ROW(E, suffix, T, W, op) [E] = op##_##suffix,

#define LESS(T, W, p, q) ((p) < (q))
#define LESS_EQUAL(T, W, p, q) ((p) <= (q))
#define GREATER(T, W, p, q) ((p) > (q))
#define GREATER_EQUAL(T, W, p, q) ((p) >= (q))
#define EQUAL(T, W, p, q) ((p) == (q))
#define AND(T, W, p, q) (((p) != 0) & ((q) != 0))
#define OR(T, W, p, q) (((p) | (q)) != 0)
#define XOR(T, W, p, q) (!(p) != !(q))
#define BITS_AND(T, W, p, q) ((W)(p) & (W)(q))
#define BITS_OR(T, W, p, q) ((W)(p) | (W)(q))
#define BITS_XOR(T, W, p, q) ((W)(p) ^ (W)(q))
/* beyond the width nothing is left */
#define SHIFT_LEFT(T, W, p, q) ((q) < sizeof(T) * 8 ? (W)(p) << (q) : 0)
#define SHIFT_RIGHT(T, W, p, q) ((q) < sizeof(T) * 8 ? (W)(p) >> (q) : 0)

#define COMPARISON(op, formula)                                                                \
    LOOP_BOOL(TDNN_F32, f32, float, float, op, formula)                                        \
    LOOP_BOOL(TDNN_F64, f64, double, double, op, formula)                                      \
    TDNN_INT_TYPES(LOOP_BOOL, op, formula)
#define COMPARISON_ROWS(op)                                                                    \
    [TDNN_F32] = op##_f32, [TDNN_F64] = op##_f64, TDNN_INT_TYPES(ROW, op)

COMPARISON(less, LESS)
COMPARISON(less_equal, LESS_EQUAL)
COMPARISON(greater, GREATER)
COMPARISON(greater_equal, GREATER_EQUAL)
COMPARISON(equal, EQUAL)
#define SAME_TRUTH(T, W, p, q) (!(p) == !(q))
LOOP_BOOL(TDNN_BOOL, truth, uint8_t, uint8_t, equal, SAME_TRUTH)
LOOP_BOOL(TDNN_BOOL, truth, uint8_t, uint8_t, and, AND)
LOOP_BOOL(TDNN_BOOL, truth, uint8_t, uint8_t, or, OR)
LOOP_BOOL(TDNN_BOOL, truth, uint8_t, uint8_t, xor, XOR)
TDNN_INT_TYPES(LOOP_SAME, bits_and, BITS_AND)
TDNN_INT_TYPES(LOOP_SAME, bits_or, BITS_OR)
TDNN_INT_TYPES(LOOP_SAME, bits_xor, BITS_XOR)
TDNN_UNSIGNED_TYPES(LOOP_SAME, shift_left, SHIFT_LEFT)
TDNN_UNSIGNED_TYPES(LOOP_SAME, shift_right, SHIFT_RIGHT)

static tdnn_status infer_bool(tdnn_infer *ctx)
{
    TDNN_TRY(tdnn_infer_broadcast(ctx));
    ctx->out[0].dtype = TDNN_BOOL;
    return TDNN_OK;
}

#define BINARY(Op, name, infer_, exec_, ...)                                                   \
    static const tdnn_formulas name##_map = {{__VA_ARGS__}};                                   \
    static tdnn_status plan_##name(tdnn_plan_ctx *ctx)                                         \
    {                                                                                          \
        const tdnn_elementwise_spec spec = {.formulas = &name##_map, .cost = 1};               \
        return tdnn_elementwise_plan(ctx, &spec);                                              \
    }                                                                                          \
    const tdnn_op tdnn_op_##Op = {.schema = {TDNN_SCHEMA_PLAIN(Op, 2, 2, 1, 1)},               \
                                  .infer = infer_,                                             \
                                  .plan = plan_##name,                                         \
                                  .exec = exec_};

BINARY(Less, less, infer_bool, NULL, COMPARISON_ROWS(less))
BINARY(LessOrEqual, less_equal, infer_bool, NULL, COMPARISON_ROWS(less_equal))
BINARY(Greater, greater, infer_bool, NULL, COMPARISON_ROWS(greater))
BINARY(GreaterOrEqual, greater_equal, infer_bool, NULL, COMPARISON_ROWS(greater_equal))
BINARY(Equal, equal, infer_bool, tdnn_exec_stand_ins,
       COMPARISON_ROWS(equal)[TDNN_BOOL] = equal_truth)
BINARY(And, and, infer_bool, NULL, [TDNN_BOOL] = and_truth)
BINARY(Or, or, infer_bool, NULL, [TDNN_BOOL] = or_truth)
BINARY(Xor, xor, infer_bool, NULL, [TDNN_BOOL] = xor_truth)
BINARY(BitwiseAnd, bits_and, tdnn_infer_broadcast, NULL, TDNN_INT_TYPES(ROW, bits_and))
BINARY(BitwiseOr, bits_or, tdnn_infer_broadcast, NULL, TDNN_INT_TYPES(ROW, bits_or))
BINARY(BitwiseXor, bits_xor, tdnn_infer_broadcast, NULL, TDNN_INT_TYPES(ROW, bits_xor))

/* ---- BitShift ---- */

typedef struct shift_params {
    int64_t direction;
} shift_params;

static const char *const directions[] = {"LEFT", "RIGHT", NULL};
static const tdnn_attr shift_attrs[] = {TDNN_ENUM(shift_params, direction, directions, 0), {0}};
static const tdnn_formulas shift_left_map = {{TDNN_UNSIGNED_TYPES(ROW, shift_left)}};
static const tdnn_formulas shift_right_map = {{TDNN_UNSIGNED_TYPES(ROW, shift_right)}};

static tdnn_status plan_shift(tdnn_plan_ctx *ctx)
{
    const shift_params *params = ctx->step->params;
    const tdnn_elementwise_spec spec = {
        .formulas = params->direction ? &shift_right_map : &shift_left_map, .cost = 1};
    return tdnn_elementwise_plan(ctx, &spec);
}

const tdnn_op tdnn_op_BitShift = {
    .schema = {TDNN_SCHEMA(BitShift, 2, 2, 1, 1, shift_attrs, shift_params)},
    .infer = tdnn_infer_broadcast,
    .plan = plan_shift,
};
