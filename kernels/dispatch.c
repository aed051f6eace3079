/* Finds out what the CPU can do, and fills the tables of kernels, each once. */
#include "kernels/kernels.h"

#include <stdatomic.h>
#include <string.h>

#define DECLARE(level, name) void tdnn_fill_##name##_##level(tdnn_kernels *t);
#define FILL(level, name) tdnn_fill_##name##_##level(t);

TDNN_KERNEL_FILES_GENERIC(DECLARE)
TDNN_KERNEL_FILES_BLAS(DECLARE)

static void fill_generic(tdnn_kernels *t)
{
    TDNN_KERNEL_FILES_GENERIC(FILL)
    TDNN_KERNEL_FILES_BLAS(FILL)
}

#if defined(__x86_64__)
#include <cpuid.h>

static const char *const level_names[TDNN_CPU_LEVELS] = {"generic", "avx2", "avx512",
                                                         "avx512vnni", "avx512bf16", "amx"};

TDNN_KERNEL_FILES_AVX2(DECLARE)
TDNN_KERNEL_FILES_AVX512(DECLARE)
TDNN_KERNEL_FILES_VNNI(DECLARE)
TDNN_KERNEL_FILES_BF16(DECLARE)
TDNN_KERNEL_FILES_AMX(DECLARE)

static void fill_avx2(tdnn_kernels *t)
{
    t->block = 8;
    TDNN_KERNEL_FILES_AVX2(FILL)
}

static void fill_avx512(tdnn_kernels *t)
{
    t->block = 16;
    TDNN_KERNEL_FILES_AVX512(FILL)
}

static void fill_vnni(tdnn_kernels *t) { TDNN_KERNEL_FILES_VNNI(FILL) }

static void fill_bf16(tdnn_kernels *t)
{
    t->bf16 = true;
    TDNN_KERNEL_FILES_BF16(FILL)
}

static void fill_amx(tdnn_kernels *t) { TDNN_KERNEL_FILES_AMX(FILL) }

static void (*const fill_level[TDNN_CPU_LEVELS])(tdnn_kernels *) = {
    fill_generic, fill_avx2, fill_avx512, fill_vnni, fill_bf16, fill_amx};

/* Which registers the operating system saves: bits 1-2 XMM and YMM, 5-7 the AVX-512 state,
 * 17-18 the tiles. */
static unsigned saved_registers(void)
{
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static tdnn_cpu detect(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return TDNN_CPU_GENERIC;
    const unsigned fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29;
    const unsigned need = fma | osxsave | avx | f16c;
    if ((c & need) != need || (saved_registers() & 0x6) != 0x6) return TDNN_CPU_GENERIC;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & (1u << 5))) return TDNN_CPU_GENERIC;
    const unsigned f = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31;
    const unsigned wide = f | dq | bw | vl;
    if ((b & wide) != wide || (saved_registers() & 0xe6) != 0xe6) return TDNN_CPU_AVX2;
    const unsigned tiles = 1u << 22 | 1u << 24, amx = d & tiles; /* AMX-BF16, AMX-TILE */
    if (!(c & (1u << 11))) return TDNN_CPU_AVX512;
    if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a & (1u << 5))) return TDNN_CPU_VNNI;
    return amx == tiles && (saved_registers() & 0x60000) == 0x60000 ? TDNN_CPU_AMX
                                                                    : TDNN_CPU_BF16;
}

/* Linux saves tiles only for processes that have asked: arch_prctl(ARCH_REQ_XCOMP_PERM, 18).
 * Asking twice does no harm. Asked for only by who uses them, since it makes signal frames
 * larger. */
static bool tiles_allowed(void)
{
#if defined(__linux__)
    long result = 158;
    __asm__ volatile("syscall" : "+a"(result) : "D"(0x1023L), "S"(18L) : "rcx", "r11", "memory");
    return result == 0;
#else
    return false;
#endif
}

static bool is_intel(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(0, &a, &b, &c, &d) && b == signature_INTEL_ebx && c == signature_INTEL_ecx;
}

#elif defined(__aarch64__)

static const char *const level_names[TDNN_CPU_LEVELS] = {"generic", "neon"};

TDNN_KERNEL_FILES_NEON(DECLARE)

static void fill_neon(tdnn_kernels *t)
{
    t->block = 8;
    TDNN_KERNEL_FILES_NEON(FILL)
}

static void (*const fill_level[TDNN_CPU_LEVELS])(tdnn_kernels *) = {fill_generic, fill_neon};

/* Every AArch64 processor has it. */
static tdnn_cpu detect(void) { return TDNN_CPU_NEON; }

#else

static const char *const level_names[TDNN_CPU_LEVELS] = {"generic"};

static void (*const fill_level[TDNN_CPU_LEVELS])(tdnn_kernels *) = {fill_generic};

static tdnn_cpu detect(void) { return TDNN_CPU_GENERIC; }

#endif

#if !defined(__x86_64__)
static bool tiles_allowed(void) { return false; }
static bool is_intel(void) { return false; }
#endif

static tdnn_kernels tables[TDNN_CPU_LEVELS];
static tdnn_cpu best;

/* The first caller fills everything; whoever comes meanwhile waits the microsecond. */
static void fill_tables(void)
{
    enum { EMPTY, FILLING, FULL };
    static atomic_int state = EMPTY;
    int expected = EMPTY;
    if (atomic_load_explicit(&state, memory_order_acquire) == FULL) return;
    if (!atomic_compare_exchange_strong(&state, &expected, FILLING)) {
        while (atomic_load_explicit(&state, memory_order_acquire) != FULL) continue;
        return;
    }
    best = detect();
    for (tdnn_cpu level = TDNN_CPU_GENERIC; level <= best; level++) {
        if (level > TDNN_CPU_GENERIC) tables[level] = tables[level - 1];
        tables[level].level = level;
        fill_level[level](&tables[level]);
    }
    atomic_store_explicit(&state, FULL, memory_order_release);
}

const tdnn_kernels *tdnn_kernels_get(tdnn_cpu level)
{
    fill_tables();
    if (level > best) level = best;
    if (level == TDNN_CPU_AMX && !tiles_allowed()) level = TDNN_CPU_BF16;
    return &tables[level];
}

tdnn_cpu tdnn_cpu_best(void)
{
    fill_tables();
    return best;
}

tdnn_cpu tdnn_cpu_fast(void)
{
    const tdnn_cpu level = tdnn_kernels_get(TDNN_CPU_AMX)->level;
    return level == TDNN_CPU_BF16 && is_intel() ? TDNN_CPU_VNNI : level;
}

const char *tdnn_cpu_level_name(tdnn_cpu level)
{
    return (unsigned)level < TDNN_CPU_LEVELS && level_names[level] ? level_names[level] : "?";
}

bool tdnn_cpu_parse(const char *name, tdnn_cpu *out)
{
    for (tdnn_cpu level = TDNN_CPU_GENERIC; level < TDNN_CPU_LEVELS; level++) {
        if (!level_names[level] || strcmp(name, level_names[level]) != 0) continue;
        *out = level;
        return true;
    }
    return false;
}
