/* The register tile of convolutions and matrix products: P rows (pixels) by two vectors of
 * columns (output channels). 14 x 2 of 32 registers with AVX-512 and 6 x 2 of 16 with AVX2
 * leave room for two vectors of weights and one broadcast. TILES(X, ...) expands X(P, ...) for
 * each P that occurs. */
#ifndef TDNN_KERNELS_SIMD_TILE_H
#define TDNN_KERNELS_SIMD_TILE_H

#include "kernels/simd/simd.h"

#if V_LANES == 16
#define TILE 14
#define TILES(X, ...)                                                                            \
    X(1, __VA_ARGS__) X(2, __VA_ARGS__) X(3, __VA_ARGS__) X(4, __VA_ARGS__) X(5, __VA_ARGS__)    \
    X(6, __VA_ARGS__) X(7, __VA_ARGS__) X(8, __VA_ARGS__) X(9, __VA_ARGS__) X(10, __VA_ARGS__)   \
    X(11, __VA_ARGS__) X(12, __VA_ARGS__) X(13, __VA_ARGS__) X(14, __VA_ARGS__)
#else
#define TILE 6
#define TILES(X, ...)                                                                            \
    X(1, __VA_ARGS__) X(2, __VA_ARGS__) X(3, __VA_ARGS__) X(4, __VA_ARGS__) X(5, __VA_ARGS__)    \
    X(6, __VA_ARGS__)
#endif

#define INLINE static inline __attribute__((always_inline))

#endif
