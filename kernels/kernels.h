/* The table of compute kernels: the one door to all fast code.
 *
 * A kernel knows numbers only: pointers, counts, strides; no tensor, node or error. It
 * allocates nothing and cannot fail. kernels/list.h names every kernel once; function types,
 * table fields, checks and benchmarks (tests/kernels) all expand from it.
 *
 * Each level's table starts as a copy of the one below and overwrites what it has faster, so
 * every field of every table is set. Files ending in _avx2.c, _avx512.c and _neon.c are
 * compiled for that level.
 */
#ifndef TDNN_KERNELS_H
#define TDNN_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/types.h"
#include "kernels/conv.h"
#include "kernels/gemm.h"
#include "kernels/list.h"

typedef struct tdnn_kernels tdnn_kernels;

typedef enum tdnn_cpu {
    TDNN_CPU_GENERIC, /* portable C, the meaning of every kernel */
    TDNN_CPU_AVX2,    /* with FMA and F16C                       */
    TDNN_CPU_AVX512,  /* F, BW, DQ, VL                           */
    TDNN_CPU_VNNI,    /* with AVX512-VNNI                        */
    TDNN_CPU_BF16,    /* with AVX512-BF16                        */
    TDNN_CPU_AMX,     /* with AMX-BF16                           */
    TDNN_CPU_LEVELS,
    TDNN_CPU_NEON = TDNN_CPU_AVX2 /* on AArch64, where it is the only one above generic */
} tdnn_cpu;

#define TDNN_FAMILY(family, result, arguments) typedef result tdnn_##family##_fn arguments;
TDNN_KERNEL_FAMILIES(TDNN_FAMILY)
#undef TDNN_FAMILY

struct tdnn_kernels {
    tdnn_cpu level;
    bool bf16;    /* products of bf16 are faster here than those of f32              */
    size_t block; /* lanes of the channel-blocked layout that is best here; 0: plain */
    size_t gemm_rows, gemm_columns; /* of a panel, see kernels/gemm.h                */
#define TDNN_FIELD(slot, family, tolerance) tdnn_##family##_fn *slot;
    TDNN_KERNEL_LIST(TDNN_FIELD)
#undef TDNN_FIELD
};

/* The level's table; static, never changes. A level above the machine's best gives the best.
 * Asking for TDNN_CPU_AMX asks the kernel to let this process use its tiles; if it refuses, the
 * level below is given.
 */
const tdnn_kernels *tdnn_kernels_get(tdnn_cpu level);

/* The highest level that this CPU and its operating system support. */
tdnn_cpu tdnn_cpu_best(void);
/* The level for whoever takes bf16 products if they are faster. Without tiles: not on Intel's
 * CPUs, where dot products of bf16 measure 0.6 times as fast as f32's. */
tdnn_cpu tdnn_cpu_fast(void);

/* float_mode.c: this thread takes subnormal numbers as zeros from here on, until its mode of
 * before (which is returned) is restored. */
unsigned tdnn_float_mode_fast(void);
void tdnn_float_mode_restore(unsigned before);
/* "generic", "avx2", "avx512", "avx512vnni", "avx512bf16", "amx", "neon"; static. */
const char *tdnn_cpu_level_name(tdnn_cpu level);
/* false if no level has that name. */
bool tdnn_cpu_parse(const char *name, tdnn_cpu *out);

#endif
