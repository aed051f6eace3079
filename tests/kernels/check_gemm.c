/* Matrix products and their packing, against plain loops in double precision. */
#include "tests/kernels/check.h"

#include <math.h>
#include <string.h>

/* Row i, column j of a packed A whose panels have `panel` rows. */
static float packed_a(const float *a, size_t m, size_t k, size_t panel, size_t i, size_t j)
{
    const size_t begin = i / panel * panel, rows = m - begin < panel ? m - begin : panel;
    return a[begin * k + j * rows + i % panel];
}

/* bf16 as f32; the nearest, even. */
static double narrowed(double x)
{
    int exponent;
    if (!isfinite(x) || x == 0) return x;
    frexp(x, &exponent);
    if (exponent < -125) exponent = -125;
    x = ldexp(rint(ldexp(x, 8 - exponent)), exponent - 8);
    return fabs(x) < 0x1p128 ? x : copysign(INFINITY, x);
}

static float widened(const float *packed, size_t at)
{
    const uint16_t *half = (const uint16_t *)(const void *)packed;
    const uint32_t bits = (uint32_t)half[at] << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The same in bf16, where columns come in planes of 32. */
static float packed_a_bf16(const float *a, size_t m, size_t k, size_t panel, size_t i, size_t j)
{
    const size_t begin = i / panel * panel, rows = m - begin < panel ? m - begin : panel;
    return widened(a, (begin * ((k + 31) / 32) + j / 32 * rows + i % panel) * 32 + j % 32);
}

static float packed_b_bf16(const float *b, size_t k, size_t i, size_t j)
{
    const size_t step = j / 32 * ((k + 31) / 32) + i / 32;
    return widened(b, step * 1024 + j % 32 / 16 * 512 + (i % 32 / 2 * 16 + j % 16) * 2 + i % 2);
}

static void check_pack_a_bf16(tdnn_check *c, tdnn_gemm_pack_a_fn *variant, const tdnn_kernels *table)
{
    for (size_t n = 0; n < 200; n++) {
        const size_t m = 1 + check_below(c, 70), k = 1 + check_below(c, 100);
        const bool transposed = check_below(c, 2);
        const size_t row = transposed ? 1 : k + check_below(c, 3), column = transposed ? m : 1;
        const float *a = check_input_f32(c, (m - 1) * row + (k - 1) * column + 1, CHECK_FILL_UNIT);
        float *to = check_output(c, m * ((k + 31) / 32) * 64);
        variant(to, a, row, column, m, k, 32, table);
        for (size_t i = 0; i < m * ((k + 31) / 32 * 32); i++) {
            const size_t r = i % m, j = i / m;
            const float got = packed_a_bf16(to, m, k, 32, r, j);
            const float want = j < k ? (float)narrowed(a[r * row + j * column]) : 0;
            if (!check_f32(c, &got, &want, 1, 0, "m %zu k %zu", m, k)) return;
        }
        check_reset(c);
    }
}

static void check_pack_b_bf16(tdnn_check *c, tdnn_gemm_pack_b_fn *variant, const tdnn_kernels *table)
{
    for (size_t i = 0; i < 100; i++) {
        const size_t n = 1 + check_below(c, 80), k = 1 + check_below(c, 70);
        const bool transposed = check_below(c, 2);
        const size_t row = transposed ? 1 : n + check_below(c, 3), column = transposed ? k + 1 : 1;
        const float *b = check_input_f32(c, (k - 1) * row + (n - 1) * column + 1, CHECK_FILL_WIDE);
        const size_t high = (k + 31) / 32 * 32, wide = (n + 31) / 32 * 32;
        float *to = check_output(c, tdnn_gemm_bf16_b_count(n, k) * sizeof *to);
        variant(to, b, row, column, k, n, 32, table);
        for (size_t at = 0; at < high * wide; at++) {
            const size_t r = at / wide, j = at % wide;
            const float got = packed_b_bf16(to, k, r, j);
            const float want = r < k && j < n ? (float)narrowed(b[r * row + j * column]) : 0;
            if (!check_f32(c, &got, &want, 1, 0, "n %zu k %zu, %zu %zu", n, k, r, j)) return;
        }
        check_reset(c);
    }
}

static float packed_b(const float *b, size_t k, size_t panel, size_t i, size_t j)
{
    return b[j / panel * panel * k + i * panel + j % panel];
}

void check_gemm_pack_a(tdnn_check *c, tdnn_gemm_pack_a_fn *variant, tdnn_gemm_pack_a_fn *generic,
                       const tdnn_kernels *table)
{
    (void)generic;
    if (variant == table->gemm_pack_a_bf16) {
        check_pack_a_bf16(c, variant, table);
        return;
    }
    for (size_t n = 0; n < 200; n++) {
        const size_t m = 1 + check_below(c, 40), k = check_below(c, 40), panel = 1 + check_below(c, 16);
        const bool transposed = check_below(c, 2);
        const size_t row = transposed ? 1 : k + check_below(c, 3), column = transposed ? m : 1;
        const float *a = check_input_f32(c, k ? (m - 1) * row + (k - 1) * column + 1 : 0, CHECK_FILL_WIDE);
        float *to = check_output(c, m * k * sizeof *to);
        variant(to, a, row, column, m, k, panel, table);
        for (size_t i = 0; i < m * k; i++) {
            const float got = packed_a(to, m, k, panel, i / k, i % k);
            const float want = a[i / k * row + i % k * column];
            if (!check_f32(c, &got, &want, 1, 0, "m %zu k %zu panel %zu", m, k, panel)) return;
        }
        check_reset(c);
    }
}

void bench_gemm_pack_a(tdnn_bench *b, tdnn_gemm_pack_a_fn *variant, const tdnn_kernels *table)
{
    const size_t m = 196, k = 512, panel = tdnn_gemm_panel_rows(table, m);
    const float *a = bench_floats(b, m * k);
    float *to = bench_floats(b, m * k + 1024);
    while (bench_go(b, 0, 8.0 * 196 * 512, "rows 196x512")) variant(to, a, k, 1, m, k, panel, table);
    while (bench_go(b, 0, 8.0 * 196 * 512, "columns 196x512")) variant(to, a, 1, m, m, k, panel, table);
}

void check_gemm_pack_b(tdnn_check *c, tdnn_gemm_pack_b_fn *variant, tdnn_gemm_pack_b_fn *generic,
                       const tdnn_kernels *table)
{
    (void)generic;
    if (variant == table->gemm_pack_b_bf16) {
        check_pack_b_bf16(c, variant, table);
        return;
    }
    for (size_t i = 0; i < 200; i++) {
        const size_t n = 1 + check_below(c, 80), k = check_below(c, 40), panel = 8u << check_below(c, 3);
        const bool transposed = check_below(c, 2);
        const size_t row = transposed ? 1 : n + check_below(c, 3), column = transposed ? k + 1 : 1;
        const float *b = check_input_f32(c, k ? (k - 1) * row + (n - 1) * column + 1 : 0, CHECK_FILL_WIDE);
        const size_t width = (n + panel - 1) / panel * panel;
        float *to = check_output(c, width * k * sizeof *to);
        variant(to, b, row, column, k, n, panel, table);
        for (size_t j = 0; j < width * k; j++) {
            const float got = packed_b(to, k, panel, j / width, j % width);
            const float want = j % width < n ? b[j / width * row + j % width * column] : 0;
            if (!check_f32(c, &got, &want, 1, 0, "n %zu k %zu panel %zu", n, k, panel)) return;
        }
        check_reset(c);
    }
}

void bench_gemm_pack_b(tdnn_bench *b, tdnn_gemm_pack_b_fn *variant, const tdnn_kernels *table)
{
    const size_t n = 196, k = 512;
    const float *x = bench_floats(b, n * k);
    float *to = bench_floats(b, tdnn_gemm_b_count(table, n, k));
    while (bench_go(b, 0, 8.0 * 196 * 512, "rows 512x196"))
        variant(to, x, n, 1, k, n, table->gemm_columns, table);
    while (bench_go(b, 0, 8.0 * 196 * 512, "columns 512x196"))
        variant(to, x, 1, k, k, n, table->gemm_columns, table);
}

typedef struct problem {
    tdnn_gemm g;
    bool bf16; /* factors are rounded */
    const float *a, *b, *d, *r;
} problem;

static double expected(const problem *p, size_t row, size_t column, double *scale)
{
    double sum = 0, size = 0;
    for (size_t i = 0; i < p->g.k; i++) {
        double product = (double)p->a[row * p->g.k + i] * p->b[i * p->g.n + column];
        if (p->bf16) product = narrowed(p->a[row * p->g.k + i]) * narrowed(p->b[i * p->g.n + column]);
        sum += product;
        size += fabs(product);
    }
    sum *= p->g.alpha;
    const double add = p->d ? p->d[row * p->g.d_row + column * p->g.d_column] : 0;
    sum += p->g.beta * add;
    *scale = fmax(1, size * fabs((double)p->g.alpha) + fabs(p->g.beta * add));
    const double residual = p->r ? p->r[row * p->g.c_stride + column] : 0;
    switch (p->g.act.kind) {
    case TDNN_ACTIVATE_CLIP: sum = fmin(fmax(sum, p->g.act.alpha), p->g.act.beta); break;
    case TDNN_ACTIVATE_SIGMOID: sum = 1 / (1 + exp(-sum)); break;
    case TDNN_ACTIVATE_GELU: sum = sum / 2 * (1 + erf(sum / sqrt(2))); break;
    default: break;
    }
    return sum + residual;
}

static problem random_problem(tdnn_check *c)
{
    static const tdnn_act acts[] = {{TDNN_ACTIVATE_NONE, 0, 0}, {TDNN_ACTIVATE_CLIP, -1, 1},
                                    {TDNN_ACTIVATE_SIGMOID, 0, 0}, {TDNN_ACTIVATE_GELU, 0, 0}};
    const size_t m = 1 + check_below(c, 50), n = 1 + check_below(c, 100);
    const size_t k = check_below(c, 10) ? check_below(c, 60) : 1000 + check_below(c, 800); /* in pieces */
    problem p = {.g = {.m = m, .n = n, .k = k, .c_stride = n + check_below(c, 3),
                       .alpha = check_below(c, 2) ? 1 : 0.7f, .beta = check_below(c, 2) ? 1 : -0.3f,
                       .d_row = check_below(c, 2) ? n : check_below(c, 2),
                       .d_column = check_below(c, 2), .act = acts[check_below(c, 4)]}};
    p.a = check_input_f32(c, m * p.g.k, CHECK_FILL_UNIT);
    p.b = check_input_f32(c, n * p.g.k, CHECK_FILL_UNIT);
    if (check_below(c, 3))
        p.d = check_input_f32(c, (m - 1) * p.g.d_row + (n - 1) * p.g.d_column + 1, CHECK_FILL_UNIT);
    if (check_below(c, 3) == 0)
        p.r = check_input_f32(c, (m - 1) * p.g.c_stride + n, CHECK_FILL_UNIT);
    return p;
}

/* C in some parts, last part first. */
static void run_parts(tdnn_check *c, tdnn_gemm_fn *variant, const tdnn_kernels *table,
                      const tdnn_gemm *g, const tdnn_gemm_io *io)
{
    const bool bf16 = variant == table->gemm_bf16;
    const size_t high = (bf16 ? TDNN_GEMM_BF16_ROWS : tdnn_gemm_panel_rows(table, g->m)) *
                        (1 + check_below(c, 3));
    const size_t wide = (bf16 ? TDNN_GEMM_BF16_COLUMNS : table->gemm_columns) * (1 + check_below(c, 3));
    for (size_t row = (g->m - 1) / high * high + high; row > 0; row -= high)
        for (size_t column = (g->n - 1) / wide * wide + wide; column > 0; column -= wide) {
            const tdnn_gemm_part part = {row - high, row < g->m ? row : g->m, column - wide,
                                         column < g->n ? column : g->n};
            variant(g, io, &part, table);
        }
}

static void pack_factors(tdnn_check *c, const problem *p, const tdnn_kernels *table, float **a, float **b)
{
    const tdnn_gemm *g = &p->g;
    if (p->bf16) {
        *a = check_input(c, tdnn_gemm_bf16_a_count(g->m, g->k) * sizeof **a);
        *b = check_input(c, tdnn_gemm_bf16_b_count(g->n, g->k) * sizeof **b);
        table->gemm_pack_a_bf16(*a, p->a, g->k, 1, g->m, g->k, TDNN_GEMM_BF16_ROWS, table);
        table->gemm_pack_b_bf16(*b, p->b, g->n, 1, g->k, g->n, TDNN_GEMM_BF16_COLUMNS, table);
        return;
    }
    *a = check_input(c, tdnn_gemm_a_count(table, g->m, g->k) * sizeof **a);
    *b = check_input(c, tdnn_gemm_b_count(table, g->n, g->k) * sizeof **b);
    table->gemm_pack_a_f32(*a, p->a, g->k, 1, g->m, g->k, tdnn_gemm_panel_rows(table, g->m), table);
    table->gemm_pack_b_f32(*b, p->b, g->n, 1, g->k, g->n, table->gemm_columns, table);
}

void check_gemm(tdnn_check *c, tdnn_gemm_fn *variant, tdnn_gemm_fn *generic,
                const tdnn_kernels *table)
{
    (void)generic;
    for (size_t i = 0; i < 300; i++) {
        problem p = random_problem(c);
        const tdnn_gemm *g = &p.g;
        p.bf16 = variant == table->gemm_bf16;
        float *a, *b;
        pack_factors(c, &p, table, &a, &b);
        float *out = check_output(c, ((g->m - 1) * g->c_stride + g->n) * sizeof *out);
        const tdnn_gemm_io io = {a, b, p.d, out, p.r};
        run_parts(c, variant, table, g, &io);
        for (size_t row = 0; row < g->m; row++)
            for (size_t column = 0; column < g->c_stride; column++) {
                const float got = column < g->n || row + 1 < g->m ? out[row * g->c_stride + column] : NAN;
                double scale = 1;
                const float want = column < g->n ? (float)expected(&p, row, column, &scale) : NAN;
                if (!check_f32(c, &got, &want, 1, scale, "%zux%zux%zu act %d, row %zu column %zu",
                               g->m, g->n, g->k, g->act.kind, row, column))
                    return;
            }
        check_reset(c);
    }
}

void bench_gemm(tdnn_bench *b, tdnn_gemm_fn *variant, const tdnn_kernels *table)
{
    static const size_t sizes[][3] = {{1, 1000, 1024}, {1, 4096, 4096}, {40, 6625, 120}, {64, 64, 64},
                                      {196, 512, 512}, {512, 512, 512}, {1024, 1024, 1024}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const size_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];
        const tdnn_gemm g = {m, n, k, n, 1, 0, 0, 0, {TDNN_ACTIVATE_NONE, 0, 0}};
        const tdnn_gemm_io io = {bench_floats(b, tdnn_gemm_a_count(table, m, k) + 1024),
                                 bench_floats(b, tdnn_gemm_b_count(table, n, k) + 1024 * 16), NULL,
                                 bench_floats(b, m * n), NULL};
        const tdnn_gemm_part all = {0, m, 0, n};
        while (bench_go(b, 2.0 * (double)(m * n * k), 4.0 * (double)(m * n + m * k + n * k),
                        "%zu x %zu x %zu", m, n, k))
            variant(&g, &io, &all, table);
        bench_release(b);
    }
}
