/* Lists of element types, to expand a formula over. X(enumerator, suffix, type, wrap, ...):
 * `wrap` is the unsigned type in which sums and products of the type overflow without harm. */
#ifndef TDNN_OPS_TYPES_H
#define TDNN_OPS_TYPES_H

#include <stdint.h>

#define TDNN_SIGNED_TYPES(X, ...)                                                              \
    X(TDNN_I8, i8, int8_t, uint32_t, __VA_ARGS__)                                              \
    X(TDNN_I16, i16, int16_t, uint32_t, __VA_ARGS__)                                           \
    X(TDNN_I32, i32, int32_t, uint32_t, __VA_ARGS__)                                           \
    X(TDNN_I64, i64, int64_t, uint64_t, __VA_ARGS__)
#define TDNN_UNSIGNED_TYPES(X, ...)                                                            \
    X(TDNN_U8, u8, uint8_t, uint32_t, __VA_ARGS__)                                             \
    X(TDNN_U16, u16, uint16_t, uint32_t, __VA_ARGS__)                                          \
    X(TDNN_U32, u32, uint32_t, uint32_t, __VA_ARGS__)                                          \
    X(TDNN_U64, u64, uint64_t, uint64_t, __VA_ARGS__)
#define TDNN_INT_TYPES(X, ...)                                                                 \
    TDNN_SIGNED_TYPES(X, __VA_ARGS__)                                                          \
    TDNN_UNSIGNED_TYPES(X, __VA_ARGS__)

#endif
