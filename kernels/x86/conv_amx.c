/* Convolution by tiles of AMX: one instruction multiplies 16 pixels by 32 input channels by 16
 * output channels. Four tiles of sums (32 pixels by two output blocks) need two loads of inputs
 * and two of weights for four products, which hides the loads behind the products. */
#include "kernels/x86/amx.h"
#include "kernels/x86/conv_bf16.h"

void tdnn_fill_conv_amx(tdnn_kernels *t);

enum { ROW = 64, TILE_BYTES = 1024 };

static void two_blocks(const bf16_work *t, const float *x, size_t count)
{
    const char *w = t->w;
    const char *ahead = t->ahead;
    const size_t lines = t->ahead_lines;
    float *sums = t->sums;
    const size_t pixel = t->pixel; /* 16 of them: 4 pixel floats */
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    if (count <= 16) {
        for (size_t i = 0; i < t->steps; i++, w += 2 * TILE_BYTES) {
            ahead = fetch_ahead(ahead, lines);
            _tile_loadd(4, x + t->taps[i], pixel);
            _tile_loadd(6, w, ROW);
            _tile_loadd(7, w + TILE_BYTES, ROW);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 4, 7);
        }
    } else {
        for (size_t i = 0; i < t->steps; i++, w += 2 * TILE_BYTES) {
            const float *at = x + t->taps[i];
            ahead = fetch_ahead(ahead, lines);
            _tile_loadd(4, at, pixel);
            _tile_loadd(6, w, ROW);
            _tile_loadd(7, w + TILE_BYTES, ROW);
            _tile_loadd(5, at + 4 * pixel, pixel);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 4, 7);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
        _tile_stored(2, sums + 16 * V_LANES, ROW);
        _tile_stored(3, sums + (PIXELS + 16) * V_LANES, ROW);
    }
    _tile_stored(0, sums, ROW);
    _tile_stored(1, sums + PIXELS * V_LANES, ROW);
}

static void one_block(const bf16_work *t, const float *x, size_t count)
{
    const char *w = t->w;
    const size_t pixel = t->pixel;
    (void)count;
    _tile_zero(0);
    _tile_zero(2);
    for (size_t i = 0; i < t->steps; i++, w += TILE_BYTES) {
        const float *at = x + t->taps[i];
        _tile_loadd(4, at, pixel);
        _tile_loadd(5, at + 4 * pixel, pixel);
        _tile_loadd(6, w, ROW);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(2, 5, 6);
    }
    _tile_stored(0, t->sums, ROW);
    _tile_stored(2, t->sums + 16 * V_LANES, ROW);
}

static void convolve(const tdnn_conv *c, const tdnn_conv_io *io, size_t task, void *scratch)
{
    amx_configure();
    convolve_bf16(c, io, task, scratch, one_block, two_blocks);
    _tile_release();
}

void tdnn_fill_conv_amx(tdnn_kernels *t) { t->conv_bf16 = convolve; }
