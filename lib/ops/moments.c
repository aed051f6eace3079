/* Sums over runs: f32 by the kernels, other types chunk by chunk in f64. */
#include "lib/ops/moments.h"

enum { CHUNK = 256 };

/* The sum of the elements, or of their squared distances from `center`. */
static double total(const tdnn_kernels *k, const void *data, tdnn_dtype type, size_t first,
                    size_t n, bool squares, double center)
{
    if (type == TDNN_F32) {
        const float *x = (const float *)data + first;
        return (double)(squares ? k->row_spread_f32(x, n, (float)center)
                                : k->row_sum_f32(x, n));
    }
    double part[CHUNK], sum = 0;
    for (size_t done = 0; done < n; done += CHUNK) {
        const size_t count = n - done < CHUNK ? n - done : CHUNK;
        tdnn_load_f64(part, tdnn_run_of(data, type, first + done, 1), count);
        for (size_t i = 0; i < count; i++)
            sum += squares ? (part[i] - center) * (part[i] - center) : part[i];
    }
    return sum;
}

tdnn_moments tdnn_moments_of(const tdnn_kernels *k, const void *data, tdnn_dtype type,
                             size_t first, size_t n)
{
    const double mean = total(k, data, type, first, n, false, 0) / (double)n;
    return (tdnn_moments){mean, total(k, data, type, first, n, true, mean) / (double)n};
}

double tdnn_mean_square(const tdnn_kernels *k, const void *data, tdnn_dtype type, size_t first,
                        size_t n)
{
    return total(k, data, type, first, n, true, 0) / (double)n;
}
