/* The weights of Winograd's F(4x4, 3x3), G g Gt, for some filters side by side. In double
 * precision: they are made once, and what is rounded here is missing in each product. Plain
 * loops over lanes, of which the compiler makes vectors; compiled at each level. */
#ifndef TDNN_KERNELS_GENERIC_WINOGRAD_WEIGHTS_H
#define TDNN_KERNELS_GENERIC_WINOGRAD_WEIGHTS_H

#include "kernels/kernels.h"

enum { WEIGHT_LANES = 8 };

/* What three weights become along one axis at the six points: G g. */
static inline void transform_weights(double g[3][WEIGHT_LANES], double out[6][WEIGHT_LANES])
{
    for (size_t l = 0; l < WEIGHT_LANES; l++) {
        const double odd = TDNN_WINOGRAD_A * g[1][l];
        const double near = (g[0][l] + 0.5 * g[2][l]) * (-1 / 1.5), near_odd = odd * (-1 / 1.5);
        const double far = (g[0][l] + 2 * g[2][l]) * (1 / 6.0), far_odd = odd * (2 / 6.0);
        out[0][l] = g[0][l];
        out[1][l] = near + near_odd;
        out[2][l] = near - near_odd;
        out[3][l] = far + far_odd;
        out[4][l] = far - far_odd;
        out[5][l] = g[2][l];
    }
}

static void winograd_weights(float *to, size_t step, const float *from, size_t lanes)
{
    for (size_t begin = 0; begin < lanes; begin += WEIGHT_LANES) {
        double taps[3][WEIGHT_LANES], rows[3][6][WEIGHT_LANES], all[6][WEIGHT_LANES];
        for (size_t r = 0; r < 3; r++) {
            for (size_t i = 0; i < 3; i++)
                for (size_t l = 0; l < WEIGHT_LANES; l++)
                    taps[i][l] = from[(r * 3 + i) * lanes + begin + l];
            transform_weights(taps, rows[r]);
        }
        for (size_t x = 0; x < 6; x++) {
            for (size_t r = 0; r < 3; r++)
                for (size_t l = 0; l < WEIGHT_LANES; l++) taps[r][l] = rows[r][x][l];
            transform_weights(taps, all);
            for (size_t y = 0; y < 6; y++)
                for (size_t l = 0; l < WEIGHT_LANES; l++)
                    to[(y * 6 + x) * step + begin + l] = (float)all[y][l];
        }
    }
}

#endif
