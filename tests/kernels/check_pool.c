/* Pooling against the definition, window by window, in double precision. */
#include "tests/kernels/check.h"

#include <math.h>
#include <stdlib.h>

enum { MOST = 24 };

static void random_pool(tdnn_check *c, tdnn_pool *p, size_t lanes)
{
    *p = (tdnn_pool){.lanes = lanes,
                     .ih = 1 + check_below(c, MOST),
                     .iw = 1 + check_below(c, MOST),
                     .kh = 1 + check_below(c, 4),
                     .kw = 1 + check_below(c, 4),
                     .stride_h = 1 + check_below(c, 3),
                     .stride_w = 1 + check_below(c, 3),
                     .dilation_h = 1 + check_below(c, 2),
                     .dilation_w = 1 + check_below(c, 2)};
    const size_t reach_h = (p->kh - 1) * p->dilation_h + 1,
                 reach_w = (p->kw - 1) * p->dilation_w + 1;
    p->pad_top = check_below(c, p->kh), p->pad_left = check_below(c, p->kw);
    const size_t high = p->ih + 2 * p->pad_top, wide = p->iw + 2 * p->pad_left;
    p->oh = high < reach_h ? 1 : (high - reach_h) / p->stride_h + 1;
    p->ow = wide < reach_w ? 1 : (wide - reach_w) / p->stride_w + 1;
    const size_t span = (p->ow - 1) * p->stride_w + reach_w;
    p->line = span > p->iw + p->pad_left ? span : p->iw + p->pad_left;
}

static float pooled(const float *x, const tdnn_pool *p, size_t oy, size_t ox, size_t lane,
                    bool mean)
{
    double v = mean ? 0 : -INFINITY;
    for (size_t ky = 0; ky < p->kh; ky++) {
        for (size_t kx = 0; kx < p->kw; kx++) {
            const long iy = (long)(oy * p->stride_h + ky * p->dilation_h) - (long)p->pad_top;
            const long ix = (long)(ox * p->stride_w + kx * p->dilation_w) - (long)p->pad_left;
            if (iy < 0 || ix < 0 || iy >= (long)p->ih || ix >= (long)p->iw) continue;
            const double e = (double)x[((size_t)iy * p->iw + (size_t)ix) * p->lanes + lane];
            v = mean ? v + e : fmax(v, e);
        }
    }
    return (float)(mean ? v / ((double)p->count_h[oy] * (double)p->count_w[ox]) : v);
}

void check_pool(tdnn_check *c, tdnn_pool_fn *variant, tdnn_pool_fn *generic,
                const tdnn_kernels *table)
{
    (void)generic;
    const bool mean = variant == table->average_pool_f32;
    for (int round = 0; round < 400; round++) {
        const size_t block = check_level(c) == TDNN_CPU_AVX512 ? 16 : 8;
        tdnn_pool p;
        random_pool(c, &p, round & 1 ? block : 1);
        const size_t n = p.ih * p.iw * p.lanes, out = p.oh * p.ow * p.lanes;
        const float *x = check_input_f32(c, n, CHECK_FILL_UNIT);
        float *y = check_output(c, out * sizeof *y), *want = malloc(out * sizeof *want);
        float *line = check_output(c, p.line * sizeof *line);
        float *count_h = check_input(c, p.oh * sizeof(float));
        float *count_w = check_input(c, p.ow * sizeof(float));
        for (size_t i = 0; i < p.oh; i++) count_h[i] = (float)(1 + check_below(c, 3));
        for (size_t i = 0; i < p.ow; i++) count_w[i] = (float)(1 + check_below(c, 3));
        p.count_h = count_h, p.count_w = count_w;
        for (size_t i = 0; i < out; i++)
            want[i] = pooled(x, &p, i / p.lanes / p.ow, i / p.lanes % p.ow, i % p.lanes, mean);
        const size_t half = p.oh / 2;
        variant(y, x, &p, 0, half, line);
        variant(y, x, &p, half, p.oh, line);
        const bool ok = check_f32(c, y, want, out, 4, "%zux%zu to %zux%zu, %zu lanes", p.ih,
                                  p.iw, p.oh, p.ow, p.lanes);
        free(want);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_pool(tdnn_bench *b, tdnn_pool_fn *variant, const tdnn_kernels *table)
{
    const size_t lanes[] = {1, table->block ? table->block : 8};
    for (size_t k = 0; k < 2; k++) {
        for (size_t stride = 1; stride <= 2; stride++) {
            tdnn_pool p = {.lanes = lanes[k],
                           .ih = 56,
                           .iw = 56,
                           .kh = 3,
                           .kw = 3,
                           .stride_h = stride,
                           .stride_w = stride,
                           .dilation_h = 1,
                           .dilation_w = 1,
                           .pad_top = 1,
                           .pad_left = 1,
                           .line = 58};
            p.oh = p.ow = 55 / stride + 1;
            const size_t n = 56 * 56 * lanes[k];
            const float *x = bench_floats(b, n);
            float *y = bench_floats(b, n), *line = bench_floats(b, 64);
            float *count = bench_floats(b, 64);
            p.count_h = p.count_w = count;
            const double bytes = 4.0 * (double)(n + p.oh * p.ow * lanes[k]);
            while (bench_go(b, 0, bytes, "56x56 3x3 stride %zu, %zu lanes", stride, lanes[k]))
                variant(y, x, &p, 0, p.oh, line);
        }
    }
}
