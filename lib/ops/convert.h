/* Elements of any type as one of few: for operators whose formula is written once for wide
 * numbers, and for storing float16 and bfloat16 narrow while computing in f32.
 *
 * Every real type fits exactly into f64 or, integers and bool, into i64 (u64 by its bits). All
 * offsets and steps count elements, also of 4- and 2-bit types.
 */
#ifndef TDNN_OPS_CONVERT_H
#define TDNN_OPS_CONVERT_H

#include "kernels/kernels.h"
#include "lib/base/narrow.h"
#include "lib/base/tensor.h"

/* A part of a tensor's elements: first, first + step, ... */
typedef struct tdnn_run {
    void *data;
    tdnn_dtype type;
    size_t first, step;
} tdnn_run;

static inline tdnn_run tdnn_run_of(const void *data, tdnn_dtype type, size_t first, size_t step)
{
    return (tdnn_run){(void *)(uintptr_t)data, type, first, step}; /* loads do not write */
}

/* Integers or bool; the rest of the real types are floats. */
static inline bool tdnn_dtype_is_integral(tdnn_dtype t)
{
    return t == TDNN_BOOL || tdnn_dtype_is_int(t);
}
static inline bool tdnn_dtype_is_real(tdnn_dtype t)
{
    return tdnn_dtype_is_integral(t) || tdnn_dtype_is_float(t);
}
/* Stored in 16 bits, computed in f32. */
static inline bool tdnn_dtype_is_half(tdnn_dtype t) { return t == TDNN_F16 || t == TDNN_BF16; }

/* Any real type. */
void tdnn_load_f64(double *to, tdnn_run from, size_t n);
/* To floats: nearest even, the too large saturated in 8 and 4 bits. To integers: towards zero,
 * saturated, NaN 0; those of 4 and 2 bits keep the lowest. To bool: not 0. */
void tdnn_store_f64(tdnn_run to, const double *from, size_t n);
/* The same for narrow floats only, with a choice of what happens to what is too large. */
void tdnn_store_narrow(tdnn_run to, const double *from, size_t n, bool saturate,
                       tdnn_rounding rounding);
/* Integers and bool. */
void tdnn_load_i64(int64_t *to, tdnn_run from, size_t n);
/* To integers: the lowest bits. To bool: not 0. */
void tdnn_store_i64(tdnn_run to, const int64_t *from, size_t n);

/* Contiguous elements of type f32, f16 or bf16, from element `first` on. */
void tdnn_widen_f32(const tdnn_kernels *k, float *to, const void *from, tdnn_dtype type,
                    size_t first, size_t n);
void tdnn_narrow_f32(const tdnn_kernels *k, void *to, tdnn_dtype type, size_t first,
                     const float *from, size_t n);

/* Elements first .. first+n-1 of a tensor of f32, f64, f16 or bf16, as f32, and back. */
void tdnn_get_f32(const tdnn_kernels *k, float *to, const tdnn_tensor *from, size_t first,
                  size_t n);
void tdnn_put_f32(const tdnn_kernels *k, tdnn_tensor *to, size_t first, const float *from,
                  size_t n);
/* The types that these two take. */
static inline bool tdnn_dtype_is_plain_float(tdnn_dtype t)
{
    return t == TDNN_F32 || t == TDNN_F64 || tdnn_dtype_is_half(t);
}

/* Truncated and saturated to low .. high; NaN: 0. */
static inline int64_t tdnn_i64_of_f64(double x, int64_t low, int64_t high)
{
    if (!(x > (double)low)) return x != x ? 0 : low;
    if (x >= (double)high) return high;
    return (int64_t)x;
}
static inline uint64_t tdnn_u64_of_f64(double x)
{
    if (!(x > 0)) return 0;
    return x >= 0x1p64 ? UINT64_MAX : (uint64_t)x;
}

#endif
