/* The shape of AMX tiles that all products here have: all eight of 16 rows of 64 bytes. */
#ifndef TDNN_KERNELS_X86_AMX_H
#define TDNN_KERNELS_X86_AMX_H

#include <immintrin.h>
#include <stdint.h>

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

#endif
