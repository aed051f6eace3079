/* What products by AMX share: the shape of tiles, and weights that are fetched ahead. */
#ifndef TDNN_KERNELS_X86_AMX_H
#define TDNN_KERNELS_X86_AMX_H

#include "kernels/simd/tile.h"

/* All eight tiles have 16 rows of 64 bytes. */
static inline void amx_configure(void)
{
    static const struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } __attribute__((aligned(64))) config = {
        .palette = 1,
        .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
        .rows = {16, 16, 16, 16, 16, 16, 16, 16},
    };
    _tile_loadconfig(&config);
}

/* Lines of the next panel of weights into the second-level cache; gives where the next ones
 * are. */
INLINE const char *fetch_ahead(const char *at, size_t lines)
{
    for (size_t i = 0; i < lines; i++, at += 64) v_prefetch_far(at);
    return at;
}

#endif
