/* Subnormal numbers count as zeros while steps run: x86 takes over a hundred cycles for each
 * product with one. Trained weights have them where training has driven channels to nothing. */
#include "kernels/kernels.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

unsigned tdnn_float_mode_fast(void)
{
    const unsigned inputs_as_zeros = 1u << 6, results_as_zeros = 1u << 15;
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | inputs_as_zeros | results_as_zeros);
    return before;
}

void tdnn_float_mode_restore(unsigned before)
{
    _mm_setcsr(before);
}

#else

unsigned tdnn_float_mode_fast(void)
{
    return 0;
}

void tdnn_float_mode_restore(unsigned before)
{
    (void)before;
}

#endif
