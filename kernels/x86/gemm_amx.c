/* Matrix products by tiles of AMX: 32 rows by 32 columns, as in conv_amx.c. */
#include "kernels/x86/amx.h"
#include "kernels/x86/gemm_bf16.h"

void tdnn_fill_gemm_amx(tdnn_kernels *t);

static void tile(float *sums, const char *a, const char *b, size_t rows, size_t planes,
                 const ahead *next)
{
    const char *at = next->at;
    const size_t lines = next->lines;
    const size_t step = rows * 64;
    if (rows <= 4) {
        few_rows(sums, a, b, rows, planes);
        return;
    }
    _tile_zero(0);
    _tile_zero(1);
    if (rows <= 16) {
        for (size_t i = 0; i < planes; i++, a += step, b += STEP_BYTES) {
            at = fetch_ahead(at, lines);
            _tile_loadd(4, a, 64);
            _tile_loadd(6, b, 64);
            _tile_loadd(7, b + 1024, 64);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 4, 7);
        }
    } else {
        _tile_zero(2);
        _tile_zero(3);
        for (size_t i = 0; i < planes; i++, a += step, b += STEP_BYTES) {
            at = fetch_ahead(at, lines);
            _tile_loadd(4, a, 64);
            _tile_loadd(6, b, 64);
            _tile_loadd(7, b + 1024, 64);
            _tile_loadd(5, a + 1024, 64);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 4, 7);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
        _tile_stored(2, sums + 16 * V_LANES, 64);
        _tile_stored(3, sums + (ROWS + 16) * V_LANES, 64);
    }
    _tile_stored(0, sums, 64);
    _tile_stored(1, sums + ROWS * V_LANES, 64);
}

static void gemm(const tdnn_gemm *g, const tdnn_gemm_io *io, const tdnn_gemm_part *part,
                 const tdnn_kernels *table)
{
    amx_configure();
    gemm_bf16(g, io, part, table, tile);
    _tile_release();
}

void tdnn_fill_gemm_amx(tdnn_kernels *t) { t->gemm_bf16 = gemm; }
