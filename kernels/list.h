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
    X(activate, void, (float *y, const float *x, size_t n, const tdnn_act *act))

#define TDNN_KERNEL_LIST(X)                                                                      \
    X(activate_f32, activate, 8)

#define TDNN_KERNEL_FILES_GENERIC(X)                                                             \
    X(generic, activation)

#define TDNN_KERNEL_FILES_AVX2(X)

#define TDNN_KERNEL_FILES_AVX512(X)
/* clang-format on */

#endif
