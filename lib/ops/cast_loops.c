/* Casts between the commonest types, each a loop that the compiler makes vectors of. */
#include "lib/ops/cast_loops.h"

#include "lib/ops/loops.h"

#include <stdint.h>

/* X(enumerator, suffix, type, ...); twice, since a macro does not expand within itself */
#define INTS(X, ...)                                                                           \
    X(TDNN_I8, i8, int8_t, __VA_ARGS__)                                                        \
    X(TDNN_U8, u8, uint8_t, __VA_ARGS__)                                                       \
    X(TDNN_I32, i32, int32_t, __VA_ARGS__)                                                     \
    X(TDNN_I64, i64, int64_t, __VA_ARGS__)
#define FLOATS(X, ...)                                                                         \
    X(TDNN_F32, f32, float, __VA_ARGS__)                                                       \
    X(TDNN_F64, f64, double, __VA_ARGS__)
#define TARGETS(X, ...)                                                                        \
    X(TDNN_I8, i8, int8_t, __VA_ARGS__)                                                        \
    X(TDNN_U8, u8, uint8_t, __VA_ARGS__)                                                       \
    X(TDNN_I32, i32, int32_t, __VA_ARGS__)                                                     \
    X(TDNN_I64, i64, int64_t, __VA_ARGS__)                                                     \
    FLOAT_TARGETS(X, __VA_ARGS__)
#define FLOAT_TARGETS(X, ...)                                                                  \
    X(TDNN_F32, f32, float, __VA_ARGS__)                                                       \
    X(TDNN_F64, f64, double, __VA_ARGS__)

#define LOOP(from, F, to, T, formula)                                                          \
    static void from##_to_##to(void *y_, const void *x_, size_t n)                             \
    {                                                                                          \
        T *restrict y = y_;                                                                    \
        const F *restrict x = x_;                                                              \
        TDNN_EACH (n) {                                                                        \
            const F v = x[i];                                                                  \
            y[i] = (T)(formula);                                                               \
        }                                                                                      \
    }

/* Towards zero, saturated; of NaN 0. `over` is the first number above what fits. */
#define SATURATED(v, F, T, low, over, high)                                                    \
    ((v) >= (over) ? (high) : (v) > (F)(low) ? (T)(v) : (v) <= (F)(low) ? (low) : 0)
/* Numbers of fewer bits go through 32, which vectors convert to. */
#define SMALL(v, F, low, high)                                                                 \
    (int32_t)((v) > (F)(high) ? (F)(high) : (v) > (F)(low) ? (v) : (v) <= (F)(low) ? (F)(low) : 0)

#define PLAIN(E, to, T, from, F) LOOP(from, F, to, T, v)
#define TRUTH(E, from, F, unused) LOOP(from, F, truth, uint8_t, v != 0)
#define OF_TRUTH(E, to, T, unused) LOOP(truth, uint8_t, to, T, v != 0)
#define FROM_INT(E, from, F, unused) TARGETS(PLAIN, from, F)
#define FROM_FLOAT(E, from, F, unused)                                                         \
    LOOP(from, F, i8, int8_t, SMALL(v, F, INT8_MIN, INT8_MAX))                                 \
    LOOP(from, F, u8, uint8_t, SMALL(v, F, 0, UINT8_MAX))                                      \
    LOOP(from, F, i32, int32_t, SATURATED(v, F, int32_t, INT32_MIN, (F)0x1p31, INT32_MAX))     \
    LOOP(from, F, i64, int64_t, SATURATED(v, F, int64_t, INT64_MIN, (F)0x1p63, INT64_MAX))     \
    FLOAT_TARGETS(PLAIN, from, F)
INTS(FROM_INT, )
FLOATS(FROM_FLOAT, )
INTS(TRUTH, )
FLOATS(TRUTH, )
INTS(OF_TRUTH, )
FLOATS(OF_TRUTH, )

#define CELL(E, to, T, from) [E] = from##_to_##to,
#define ROW(E, from, T, unused)                                                                \
    [E] = {TARGETS(CELL, from)[TDNN_BOOL] = from##_to_truth},

tdnn_cast_fn *tdnn_cast_loop(tdnn_dtype from, tdnn_dtype to)
{
    static tdnn_cast_fn *const loops[TDNN_DTYPE_COUNT][TDNN_DTYPE_COUNT] = {
        INTS(ROW, ) FLOATS(ROW, )[TDNN_BOOL] = {TARGETS(CELL, truth)}};
    return loops[from][to];
}
