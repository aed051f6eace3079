/* Products of a few rows with a matrix at any address, against plain loops in double precision. */
#include "tests/kernels/check.h"

#include <math.h>
#include <string.h>

typedef struct problem {
    tdnn_gemm g;
    const float *a, *b, *d; /* b: aligned */
    bool rows;
} problem;

static problem random_problem(tdnn_check *c, bool rows)
{
    static const tdnn_act acts[] = {{TDNN_ACTIVATE_NONE, 0, 0}, {TDNN_ACTIVATE_CLIP, -1, 1}};
    const size_t m = 1 + check_below(c, 6), n = 1 + check_below(c, 90), k = check_below(c, 90);
    problem p = {.rows = rows,
                 .g = {.m = m, .n = n, .k = k, .c_stride = n + check_below(c, 3),
                       .alpha = check_below(c, 2) ? 1 : 0.7f, .beta = check_below(c, 2) ? 1 : -0.3f,
                       .d_row = check_below(c, 2) ? n : 0, .d_column = check_below(c, 2),
                       .act = acts[check_below(c, 2)]}};
    p.a = check_input_f32(c, m * k, CHECK_FILL_UNIT);
    p.b = check_input_f32(c, n * k, CHECK_FILL_UNIT);
    if (check_below(c, 3))
        p.d = check_input_f32(c, (m - 1) * p.g.d_row + (n - 1) * p.g.d_column + 1, CHECK_FILL_UNIT);
    return p;
}

static double expected(const problem *p, size_t row, size_t column, double *scale)
{
    const tdnn_gemm *g = &p->g;
    double sum = 0, size = 0;
    for (size_t i = 0; i < g->k; i++) {
        const double b = p->b[p->rows ? column * g->k + i : i * g->n + column];
        sum += p->a[row * g->k + i] * b;
        size += fabs(p->a[row * g->k + i] * b);
    }
    const double add = p->d ? (double)g->beta * p->d[row * g->d_row + column * g->d_column] : 0;
    sum = g->alpha * sum + add;
    *scale = fmax(1, size + fabs(add));
    return g->act.kind == TDNN_ACTIVATE_CLIP ? fmin(fmax(sum, g->act.alpha), g->act.beta) : sum;
}

void check_gemv(tdnn_check *c, tdnn_gemv_fn *variant, tdnn_gemv_fn *generic, const tdnn_kernels *table)
{
    (void)generic;
    for (size_t i = 0; i < 300; i++) {
        const problem p = random_problem(c, variant == table->gemv_rows_f32);
        const tdnn_gemm *g = &p.g;
        const size_t shift = check_below(c, 4), bytes = g->n * g->k * sizeof(float);
        unsigned char *b = check_input(c, bytes + shift); /* ends at the page: starts anywhere */
        memcpy(b + shift, p.b, bytes);
        float *out = check_output(c, ((g->m - 1) * g->c_stride + g->n) * sizeof *out);
        const tdnn_gemm_io io = {p.a, (const float *)(const void *)(b + shift), p.d, out, NULL};
        const size_t cut = check_below(c, g->n + 1);
        variant(g, &io, cut, g->n, table);
        variant(g, &io, 0, cut, table);
        for (size_t row = 0; row < g->m; row++)
            for (size_t column = 0; column < g->n; column++) {
                double scale;
                const float want = (float)expected(&p, row, column, &scale);
                if (!check_f32(c, &out[row * g->c_stride + column], &want, 1, scale,
                               "%zux%zux%zu shift %zu, row %zu column %zu", g->m, g->n, g->k, shift,
                               row, column))
                    return;
            }
        float *again = check_output(c, ((g->m - 1) * g->c_stride + g->n) * sizeof *out);
        const tdnn_gemm_io whole = {p.a, io.b, p.d, again, NULL};
        variant(g, &whole, 0, g->n, table);
        for (size_t row = 0; row < g->m; row++)
            if (!check_bytes(c, again + row * g->c_stride, out + row * g->c_stride, g->n * sizeof *out,
                             "%zux%zux%zu whole and cut at %zu", g->m, g->n, g->k, cut))
                return;
        check_reset(c);
    }
}

void bench_gemv(tdnn_bench *b, tdnn_gemv_fn *variant, const tdnn_kernels *table)
{
    static const size_t sizes[][3] = {{1, 100, 128}, {1, 1000, 1024}, {1, 4096, 4096}, {4, 4096, 4096},
                                      {1, 4096, 25088}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const size_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];
        const tdnn_gemm g = {m, n, k, n, 1, 0, 0, 0, {TDNN_ACTIVATE_NONE, 0, 0}};
        const tdnn_gemm_io io = {bench_floats(b, m * k), bench_floats(b, n * k), NULL,
                                 bench_floats(b, m * n), NULL};
        while (bench_go(b, 2.0 * (double)(m * n * k), 4.0 * (double)(m * n + m * k + n * k),
                        "%zu x %zu x %zu", m, n, k))
            variant(&g, &io, 0, n, table);
        bench_release(b);
    }
}
