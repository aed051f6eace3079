/* The widest vectors of floats that the including file is compiled for, under one set of names:
 * kernels that need no more than this are written once, in this folder, and included by
 * NAME_avx2.c, NAME_avx512.c and NAME_neon.c. Masks come from comparisons; `n` of loads and
 * stores is 0 .. V_LANES.
 */
#ifndef TDNN_KERNELS_SIMD_H
#define TDNN_KERNELS_SIMD_H

#if defined(__AVX512F__)
#include "kernels/simd/simd_avx512.h"
#elif defined(__AVX2__)
#include "kernels/simd/simd_avx2.h"
#elif defined(__ARM_NEON)
#include "kernels/simd/simd_neon.h"
#else
#error "simd.h needs AVX2, AVX-512 or NEON"
#endif

/* Asks for a loop of constant count to be unrolled whole, so that arrays of vectors become
 * registers. */
#if defined(__clang__)
#define V_UNROLL _Pragma("clang loop unroll(full)")
#else
#define V_UNROLL _Pragma("GCC unroll 64")
#endif

#endif
