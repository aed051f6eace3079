/* Matrix products on vectors: tiles of P rows by one or two vectors of columns, held in
 * registers. */
#ifndef TDNN_KERNELS_SIMD_GEMM_H
#define TDNN_KERNELS_SIMD_GEMM_H

#include "kernels/simd/tile.h"
#include "kernels/simd/vact.h"

/* Long sums are cut into pieces of DEEP: a piece of a panel of B then stays in the first-level
 * cache while all rows use it. What the sums are so far waits in C. */
enum { PANEL = 2 * V_LANES, DEEP = 512 };

typedef struct tile_work {
    const tdnn_gemm *g;
    const float *a, *b; /* the two panels, at the piece of the sum */
    const float *d, *r; /* at the tile; NULL: none                 */
    float *c;           /* at the tile                             */
    size_t k;           /* length of the piece                     */
    bool first, end;    /* piece of the sum                        */
    size_t last;        /* columns of the last vector              */
    const char *ahead;  /* what comes next of B                    */
    size_t ahead_step;  /* bytes of it for each k                  */
} tile_work;

typedef void tile_fn(const tile_work *t);

INLINE v_f32 tile_load(const float *row, size_t v, bool whole, size_t last)
{
    return whole ? v_load(row + v * V_LANES) : v_load_n(row + v * V_LANES, last);
}

/* What is added to a sum at its end, then the cheap activations. */
INLINE v_f32 tile_finish(v_f32 x, const tile_work *t, size_t p, size_t v, bool whole)
{
    const tdnn_gemm *g = t->g;
    x = v_mul(v_set1(g->alpha), x);
    if (t->d) {
        const float *d = t->d + p * g->d_row;
        x = v_fma(v_set1(g->beta), g->d_column ? tile_load(d, v, whole, t->last) : v_set1(*d), x);
    }
    if (g->act.kind == TDNN_ACTIVATE_CLIP)
        x = v_clip(x, v_set1(g->act.alpha), v_set1(g->act.beta));
    if (t->r) x = v_add(x, tile_load(t->r + p * g->c_stride, v, whole, t->last));
    return x;
}

INLINE void tile(const int P, const int V, const tile_work *t)
{
    v_f32 s[TILE][2];
    const float *a = t->a, *b = t->b;
    const char *ahead = t->ahead;
    const size_t stride = t->g->c_stride;
    V_UNROLL for (int p = 0; p < P; p++) {
        V_UNROLL for (int v = 0; v < V; v++) s[p][v] = v_set1(0);
    }
    if (!t->first) {
        V_UNROLL for (int p = 0; p < P; p++) {
            V_UNROLL for (int v = 0; v < V; v++)
                s[p][v] = tile_load(t->c + (size_t)p * stride, (size_t)v, v + 1 < V, t->last);
        }
    }
    for (size_t i = 0; i < t->k; i++, a += P, b += PANEL, ahead += t->ahead_step) {
        v_f32 bv[2];
        V_UNROLL for (int v = 0; v < V; v++) bv[v] = v_load(b + v * V_LANES);
        v_prefetch_far(ahead);
        V_UNROLL for (int p = 0; p < P; p++) {
            const v_f32 av = v_set1(a[p]);
            V_UNROLL for (int v = 0; v < V; v++) s[p][v] = v_fma(av, bv[v], s[p][v]);
        }
    }
    V_UNROLL for (int p = 0; p < P; p++) {
        float *c = t->c + (size_t)p * stride;
        V_UNROLL for (int v = 0; v < V; v++) {
            const bool whole = v + 1 < V || t->last == V_LANES;
            if (t->end) s[p][v] = tile_finish(s[p][v], t, (size_t)p, (size_t)v, whole);
            if (whole)
                v_store(c + v * V_LANES, s[p][v]);
            else
                v_store_n(c + v * V_LANES, s[p][v], t->last);
        }
    }
}

#define GEMM_TILE(P, V)                                                                          \
    static void tile_##P##_##V(const tile_work *t) { tile(P, V, t); }
#define GEMM_TILE_NAME(P, V) tile_##P##_##V,
TILES(GEMM_TILE, 1)
TILES(GEMM_TILE, 2)
static tile_fn *const tiles[2][TILE + 1] = {{NULL, TILES(GEMM_TILE_NAME, 1)},
                                            {NULL, TILES(GEMM_TILE_NAME, 2)}};

/* B most often comes from far away: weights of a whole network fit into no cache. So while the
 * rows use one piece of a panel, the next piece, which lies behind it, is fetched, a part of it
 * with each tile. (Measured on 197 x 3072 x 768: 165 GFLOP/s for 138.) */
static void look_ahead(tile_work *t, size_t index, size_t count)
{
    const size_t line = PANEL * sizeof(float);
    t->ahead_step = (line + count - 1) / count;
    t->ahead =
        (const char *)t->b + (count > 1 ? t->k * (line + index * t->ahead_step) : 16 * line);
}

/* Costly activations follow a tile, which is in the first-level cache: their constants and its
 * sums would not fit into the registers together. Gelu, the usual one, without a call for each
 * row. */
static void activate_tile(const tile_work *t, const tdnn_gemm_io *io, size_t rows, size_t columns,
                          const tdnn_kernels *table)
{
    const tdnn_gemm *g = t->g;
    const bool gelu = g->act.kind == TDNN_ACTIVATE_GELU && columns % V_LANES == 0;
    for (size_t r = 0; r < rows; r++) {
        float *c = t->c + r * g->c_stride;
        for (size_t i = 0; gelu && i < columns; i += V_LANES)
            v_store(c + i, v_gelu(v_load(c + i)));
        if (!gelu) table->activate_f32(c, c, columns, &g->act);
        if (io->r) table->add_f32(c, c, 1, io->r + (c - io->c), 1, columns);
    }
}

/* One panel of B, one piece of the sum, all rows. */
static void gemm_piece(const tile_work *piece, const tdnn_gemm_io *io, const tdnn_gemm_part *part,
                       size_t k, size_t column, const tdnn_kernels *table)
{
    const tdnn_gemm *g = piece->g;
    const size_t panel = tdnn_gemm_panel_rows(table, g->m);
    const size_t left = part->column_end - column, columns = left < PANEL ? left : PANEL;
    const size_t V = columns > V_LANES ? 2 : 1;
    const size_t count = (part->row_end - part->row_begin + panel - 1) / panel;
    const bool late = piece->end && g->act.kind > TDNN_ACTIVATE_CLIP;
    tile_work t = *piece;
    t.last = columns - (V - 1) * V_LANES;
    for (size_t i = 0, row = part->row_begin; row < part->row_end; i++, row += panel) {
        const size_t rows = part->row_end - row < panel ? part->row_end - row : panel;
        t.a = io->a + row * g->k + k * rows;
        t.c = io->c + row * g->c_stride + column;
        if (io->d) t.d = io->d + row * g->d_row + column * g->d_column;
        if (io->r && !late) t.r = io->r + row * g->c_stride + column;
        look_ahead(&t, i, count);
        tiles[V - 1][rows](&t);
        if (late) activate_tile(&t, io, rows, columns, table);
    }
}

static void gemm(const tdnn_gemm *g, const tdnn_gemm_io *io, const tdnn_gemm_part *part,
                 const tdnn_kernels *table)
{
    const size_t deep = g->k < 2 * DEEP ? g->k : DEEP;
    for (size_t column = part->column_begin; column < part->column_end; column += PANEL) {
        tile_work piece = {.g = g};
        for (size_t k = 0; !piece.end; k += deep) {
            piece.b = io->b + column * g->k + k * PANEL;
            piece.k = g->k - k < deep ? g->k - k : deep;
            piece.first = k == 0;
            piece.end = k + piece.k == g->k;
            gemm_piece(&piece, io, part, k, column, table);
        }
    }
}

#endif
