/* Every kernel, once.
 *
 * A family is a function type: X(family, result, (arguments)). A kernel is a field of the table:
 * X(slot, family, tolerance), where a result may be `tolerance` ulps of the check's scale away from
 * the reference (tests/kernels/check.h). The check program expects check_<family>() and
 * bench_<family>(), so a kernel that is not checked does not compile.
 * A file is a source that fills slots: X(level, name) stands for tdnn_fill_<name>_<level>().
 */
#ifndef TDNN_KERNELS_LIST_H
#define TDNN_KERNELS_LIST_H

/* clang-format off */
#define TDNN_KERNEL_FAMILIES(X)                                                                  \
    /* y = act(x), element by element; y may be x */                                             \
    X(activate, void, (float *y, const float *x, size_t n, const tdnn_act *act))                 \
    /* one task of a planned convolution (kernels/conv.h); scratch: 64-byte aligned */           \
    X(conv, void, (const tdnn_conv *conv, const tdnn_conv_io *io, size_t task, void *scratch))   \
    /* a strided copy of elements of any size; no overlap */                                     \
    X(copy, void, (void *to, const void *from, const tdnn_copy *copy))                           \
    /* rows begin .. end-1 of an output that is read through a table for each axis */            \
    X(lookup, void, (void *to, const void *from, const tdnn_lookup *lookup, size_t begin,        \
                     size_t end))                                                                \
    /* to[c][r] = from[r][c], elements of 4 bytes, strides of rows in bytes */                   \
    X(transpose, void, (void *to, size_t to_stride, const void *from, size_t from_stride,        \
                        size_t rows, size_t columns))                                            \
    /* to[i][lane] = sum over k of weight[k][i] * from[index[k][i]][lane]; lanes: 1, 8, 16 */    \
    X(taps, void, (float *to, const float *from, const tdnn_taps *taps, size_t lanes))           \
    /* to[i] = the sum over k of weight[k] * rows[k][i] */                                       \
    X(mix, void, (float *to, const float *const *rows, const float *weight, size_t count,        \
                  size_t n))

#define TDNN_KERNEL_LIST(X)                                                                      \
    X(activate_f32, activate, 8)                                                                 \
    X(conv_block_f32, conv, 32)                                                                  \
    X(conv_first_f32, conv, 32)                                                                  \
    X(conv_depthwise_f32, conv, 32)                                                              \
    X(copy, copy, 0)                                                                             \
    X(lookup, lookup, 0)                                                                         \
    X(transpose_x32, transpose, 0)                                                               \
    X(taps_f32, taps, 4)                                                                         \
    X(mix_f32, mix, 4)

#define TDNN_KERNEL_FILES_GENERIC(X)                                                             \
    X(generic, conv)                                                                             \
    X(generic, activation)                                                                       \
    X(generic, copy)                                                                             \
    X(generic, resize)

#define TDNN_KERNEL_FILES_AVX2(X)                                                                \
    X(avx2, copy)                                                                                \
    X(avx2, conv)                                                                                \
    X(avx2, activation)                                                                          \
    X(avx2, resize)

#define TDNN_KERNEL_FILES_AVX512(X)                                                              \
    X(avx512, conv)                                                                              \
    X(avx512, activation)                                                                        \
    X(avx512, resize)
/* clang-format on */

#endif
