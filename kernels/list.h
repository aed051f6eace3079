/* Every kernel, once.
 *
 * A family is a function type: X(family, result, (arguments)). A kernel is a field of the
 * table: X(slot, family, tolerance), where a result may be `tolerance` ulps of the check's
 * scale away from the reference (tests/kernels/check.h). The check program expects
 * check_<family>() and bench_<family>(), so a kernel that is not checked does not compile. A
 * file is a source that fills slots: X(level, name) stands for tdnn_fill_<name>_<level>().
 */
#ifndef TDNN_KERNELS_LIST_H
#define TDNN_KERNELS_LIST_H

/* clang-format off */
#define TDNN_KERNEL_FAMILIES(X)                                                                  \
    /* y = act(x), element by element; y may be x */                                             \
    X(activate, void, (float *y, const float *x, size_t n, const tdnn_act *act))                 \
    /* one task of a planned convolution (kernels/conv.h); scratch: 64-byte aligned */           \
    X(conv, void, (const tdnn_conv *conv, const tdnn_conv_io *io, size_t task, void *scratch))   \
    /* the 36 weights G g Gt of 3x3 filters (kernels/conv.h), `step` floats apart, from 9 rows of `lanes`   \
     * filters side by side, a multiple of 8 */                                                  \
    X(winograd_weights, void, (float *to, size_t step, const float *from, size_t lanes))         \
    /* y[i] = a[i * a_step] op b[i * b_step]; steps 0 or 1; y may be an operand of step 1 */     \
    X(binary, void, (float *y, const float *a, size_t a_step, const float *b, size_t b_step,     \
                     size_t n))                                                                  \
    /* y = f(x), element by element; y may be x */                                               \
    X(unary, void, (float *y, const float *x, size_t n))                                         \
    /* y = x * scale + shift; y may be x */                                                      \
    X(affine, void, (float *y, const float *x, size_t n, float scale, float shift))              \
    /* y[i] = (x[i] - center) * factor * scale[i] + shift[i]; scale, shift may be NULL */        \
    X(normalize, void, (float *y, const float *x, const float *scale, const float *shift,        \
                        size_t n, float center, float factor))                                   \
    /* a row to one number; of n 0: the neutral one */                                           \
    X(reduce, float, (const float *x, size_t n))                                                 \
    /* the sum of (x - center)^2 */                                                              \
    X(spread, float, (const float *x, size_t n, float center))                                   \
    /* y = e^(x - shift), and the sum of that; y may be x, or NULL: the sum only */              \
    X(exp_sum, float, (float *y, const float *x, size_t n, float shift))                         \
    /* y = e^(x + mask) / the sum of that over the row; y may be x; mask may be NULL */          \
    X(softmax, void, (float *y, const float *x, const float *mask, const tdnn_softmax_rows *rows))    \
    /* float16 to f32 and back, nearest even */                                                  \
    X(widen, void, (float *y, const uint16_t *x, size_t n))                                      \
    X(narrow, void, (uint16_t *y, const float *x, size_t n))                                     \
    /* an m x k matrix, element [i, j] at a + i row + j column, into panels of `panel` rows */   \
    X(gemm_pack_a, void, (float *to, const float *a, size_t row, size_t column, size_t m,        \
                          size_t k, size_t panel, const tdnn_kernels *table))                    \
    /* a k x n matrix into panels of `panel` columns */                                          \
    X(gemm_pack_b, void, (float *to, const float *b, size_t row, size_t column, size_t k,        \
                          size_t n, size_t panel, const tdnn_kernels *table))                    \
    /* a part of a matrix product (kernels/gemm.h) */                                            \
    X(gemm, void, (const tdnn_gemm *gemm, const tdnn_gemm_io *io, const tdnn_gemm_part *part,    \
                   const tdnn_kernels *table))                                                   \
    /* columns begin .. end-1 of the same for few rows and factors that are not packed: A is        \
     * m x k, B the transpose of n x k (gemv_rows) or k x n (gemv_columns), at any address */       \
    X(gemv, void, (const tdnn_gemm *gemm, const tdnn_gemm_io *io, size_t begin, size_t end,      \
                   const tdnn_kernels *table))                                                   \
    /* im2col: pixels begin .. end-1 as columns, in panels as gemm_pack_b makes them */          \
    X(unfold, void, (float *to, const float *x, const tdnn_unfold *windows, size_t begin,        \
                     size_t end, size_t panel))                                                  \
    /* col2im: adds columns, all pixels of a row of them together, to where they came from */    \
    X(fold, void, (float *to, const float *columns, const tdnn_unfold *windows))                 \
    /* output rows begin .. end-1 of a plane */                                                  \
    X(pool, void, (float *y, const float *x, const tdnn_pool *pool, size_t begin, size_t end,    \
                   float *scratch))                                                              \
    /* y = saturate(round(x / scale) + zero), bytes; low .. high is -128 .. 127 or 0 .. 255 */    \
    X(quantize, void, (void *y, const float *x, size_t n, float scale, int zero, int low,        \
                       int high))                                                                \
    /* y = (x - zero) * scale */                                                                 \
    X(dequantize, void, (float *y, const void *x, size_t n, float scale, int zero))              \
    /* C = A B exactly, or modulo 2^32. Element (k, j) of B is b[(k / 2 * ldb + j) * 2 + k % 2];  \
     * n, ldb and ldc are multiples of TDNN_I16_COLUMNS; A has 2 pairs columns */                \
    X(gemm_i16, void, (int32_t *c, size_t ldc, const int16_t *a, size_t lda, const int16_t *b,   \
                       size_t ldb, size_t m, size_t n, size_t pairs))                            \
    /* the same to bytes 0 .. 255, pixel by pixel: element (i, lane) from x[i * x_step + lane] */   \
    X(quantize_lanes, void, (uint8_t *y, size_t y_step, const float *x, size_t x_step,           \
                             size_t count, size_t lanes, float scale, int zero))                 \
    /* sums[(panel * count + i) * 16 + lane] of row i by bytes, modulo 2^32. dot_x8: weight e of quad q   \
     * of a tap at ((((panel * taps + tap) * quads + q) * 16 + lane) * 4 + e; depthwise_x8, lane by      \
     * lane: 16-bit weights at (panel * taps + tap) * 16 + lane */                                 \
    X(dot, void, (int32_t *sums, const uint8_t *const *rows, size_t count, const void *weights,  \
                  const tdnn_dot *dot))                                                          \
    /* sums[i * 16 + lane] -= rows[i * 16] * lanes[lane], modulo 2^32 */                            \
    X(outer, void, (int32_t *sums, const int32_t *rows, size_t count, const int32_t *lanes))      \
    /* sums of 16 lanes, of which `lanes` are wanted, to floats at y[i * y_step + lane] */         \
    X(rescale, void, (float *y, size_t y_step, const int32_t *sums, size_t count, size_t lanes,  \
                      const tdnn_rescale *how))                                                  \
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
                  size_t n))                                                                     \
    /* one block of channels from others, for `pixels` pixels; lanes: 8 or 16 */                 \
    X(lanes, void, (float *to, const float *const *from, const tdnn_lanes *lanes, size_t pixels)) \

#define TDNN_KERNEL_LIST(X)                                                                      \
    X(activate_f32, activate, 8)                                                                 \
    X(conv_block_f32, conv, 32)                                                                  \
    X(conv_first_f32, conv, 32)                                                                  \
    X(conv_depthwise_f32, conv, 32)                                                              \
    X(conv_winograd_f32, conv, 64)                                                               \
    X(conv_by_tap_f32, conv, 32)                                                                 \
    X(winograd_weights_f32, winograd_weights, 1)                                                 \
    X(conv_bf16, conv, 32)                                                                       \
    X(add_f32, binary, 0)                                                                        \
    X(sub_f32, binary, 0)                                                                        \
    X(mul_f32, binary, 0)                                                                        \
    X(div_f32, binary, 0)                                                                        \
    X(max_f32, binary, 0)                                                                        \
    X(min_f32, binary, 0)                                                                        \
    X(exp_f32, unary, 4)                                                                         \
    X(log_f32, unary, 4)                                                                         \
    X(erf_f32, unary, 4)                                                                         \
    X(sqrt_f32, unary, 1)                                                                        \
    X(floor_f32, unary, 0)                                                                       \
    X(ceil_f32, unary, 0)                                                                        \
    X(round_f32, unary, 0)                                                                       \
    X(sin_f32, unary, 4)                                                                         \
    X(cos_f32, unary, 4)                                                                         \
    X(atan_f32, unary, 4)                                                                        \
    X(asin_f32, unary, 4)                                                                        \
    X(acos_f32, unary, 4)                                                                        \
    X(affine_f32, affine, 1)                                                                     \
    X(normalize_f32, normalize, 3)                                                               \
    X(row_sum_f32, reduce, 4)                                                                    \
    X(row_abs_sum_f32, reduce, 4)                                                                \
    X(row_max_f32, reduce, 0)                                                                    \
    X(row_min_f32, reduce, 0)                                                                    \
    X(row_spread_f32, spread, 8)                                                                 \
    X(exp_sum_f32, exp_sum, 4)                                                                   \
    X(softmax_f32, softmax, 8)                                                                   \
    X(max_pool_f32, pool, 0)                                                                     \
    X(average_pool_f32, pool, 4)                                                                 \
    X(quantize_x8, quantize, 0)                                                                  \
    X(dequantize_u8, dequantize, 0)                                                              \
    X(dequantize_i8, dequantize, 0)                                                              \
    X(gemm_i16, gemm_i16, 0)                                                                     \
    X(quantize_lanes, quantize_lanes, 0)                                                         \
    X(dot_x8, dot, 0)                                                                            \
    X(depthwise_x8, dot, 0)                                                                      \
    X(subtract_outer_x32, outer, 0)                                                              \
    X(rescale_x32, rescale, 0)                                                                   \
    X(widen_f16, widen, 0)                                                                       \
    X(narrow_f16, narrow, 0)                                                                     \
    X(gemm_pack_a_f32, gemm_pack_a, 0)                                                           \
    X(gemm_pack_b_f32, gemm_pack_b, 0)                                                           \
    X(gemm_f32, gemm, 32)                                                                        \
    X(gemm_pack_a_bf16, gemm_pack_a, 0)                                                          \
    X(gemm_pack_b_bf16, gemm_pack_b, 0)                                                          \
    X(gemm_bf16, gemm, 32)                                                                       \
    X(gemv_rows_f32, gemv, 32)                                                                   \
    X(gemv_columns_f32, gemv, 32)                                                                \
    X(unfold_f32, unfold, 0)                                                                     \
    X(fold_f32, fold, 4)                                                                         \
    X(copy, copy, 0)                                                                             \
    X(lookup, lookup, 0)                                                                         \
    X(transpose_x32, transpose, 0)                                                               \
    X(taps_f32, taps, 4)                                                                         \
    X(mix_f32, mix, 4)                                                                           \
    X(lanes_f32, lanes, 0)                                                                       \

#define TDNN_KERNEL_FILES_GENERIC(X)                                                             \
    X(generic, conv)                                                                             \
    X(generic, winograd)                                                                         \
    X(generic, conv_bf16)                                                                        \
    X(generic, gemm_bf16)                                                                        \
    X(generic, gemm)                                                                             \
    X(generic, gemv)                                                                             \
    X(generic, unfold)                                                                           \
    X(generic, activation)                                                                       \
    X(generic, copy)                                                                             \
    X(generic, resize)                                                                           \
    X(generic, elementwise)                                                                      \
    X(generic, rows)                                                                             \
    X(generic, pool)                                                                             \
    X(generic, integer)                                                                          \
    X(generic, dot)                                                                              \

#if defined(TDNN_BLAS_OPENBLAS)
#define TDNN_KERNEL_FILES_BLAS(X) X(generic, blas)
#else
#define TDNN_KERNEL_FILES_BLAS(X)
#endif

#define TDNN_KERNEL_FILES_AVX2(X)                                                                \
    X(avx2, elementwise)                                                                         \
    X(avx2, rows)                                                                                \
    X(avx2, pool)                                                                                \
    X(avx2, integer)                                                                             \
    X(avx2, dot)                                                                                 \
    X(avx2, copy)                                                                                \
    X(avx2, gemm)                                                                                \
    X(avx2, gemv)                                                                                \
    X(avx2, depthwise)                                                                           \
    X(avx2, conv)                                                                                \
    X(avx2, activation)                                                                          \
    X(avx2, resize)                                                                              \

#define TDNN_KERNEL_FILES_AVX512(X)                                                              \
    X(avx512, depthwise)                                                                         \
    X(avx512, conv)                                                                              \
    X(avx512, gemm)                                                                              \
    X(avx512, gemv)                                                                              \
    X(avx512, activation)                                                                        \
    X(avx512, copy)                                                                              \
    X(avx512, resize)                                                                            \
    X(avx512, elementwise)                                                                       \
    X(avx512, rows)                                                                              \
    X(avx512, pool)                                                                              \
    X(avx512, integer)                                                                           \
    X(avx512, dot)                                                                               \

#define TDNN_KERNEL_FILES_VNNI(X)                                                                \
    X(avx512vnni, dot)                                                                           \

#define TDNN_KERNEL_FILES_BF16(X)                                                                \
    X(avx512bf16, conv)                                                                          \
    X(avx512bf16, gemm)                                                                          \

#define TDNN_KERNEL_FILES_AMX(X)                                                                 \
    X(amx, conv)                                                                                 \
    X(amx, gemm)                                                                                 \

#define TDNN_KERNEL_FILES_NEON(X)                                                                \
    X(neon, elementwise)                                                                         \
    X(neon, rows)                                                                                \
    X(neon, pool)                                                                                \
    X(neon, integer)                                                                             \
    X(neon, dot)                                                                                 \
    X(neon, copy)                                                                                \
    X(neon, gemm)                                                                                \
    X(neon, gemv)                                                                                \
    X(neon, depthwise)                                                                           \
    X(neon, conv)                                                                                \
    X(neon, activation)                                                                          \
    X(neon, resize)                                                                              \

/* clang-format on */

#endif
