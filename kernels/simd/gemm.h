/* Matrix products on vectors: tiles of P rows by one or two vectors of columns, held in registers. */
#ifndef TDNN_KERNELS_SIMD_GEMM_H
#define TDNN_KERNELS_SIMD_GEMM_H

#include "kernels/simd/tile.h"
#include "kernels/simd/vact.h"

enum { PANEL = 2 * V_LANES };

typedef struct tile_work {
    const tdnn_gemm *g;
    const float *a, *b; /* the two panels                   */
    const float *d;     /* at the tile; NULL: none          */
    float *c;           /* at the tile                      */
    size_t last;        /* columns of the last vector       */
    const char *ahead;  /* of the next panel of B           */
    size_t ahead_step;  /* bytes of it for each k           */
} tile_work;

typedef void tile_fn(const tile_work *t);

INLINE v_f32 tile_load_d(const tile_work *t, size_t p, size_t v, bool whole)
{
    const tdnn_gemm *g = t->g;
    const float *d = t->d + p * g->d_row;
    if (g->d_column == 0) return v_set1(*d);
    return whole ? v_load(d + v * V_LANES) : v_load_n(d + v * V_LANES, t->last);
}

/* alpha, beta D and the cheap activations; then into C. */
INLINE void tile_end(v_f32 (*s)[2], const int P, const int V, const tile_work *t)
{
    const tdnn_gemm *g = t->g;
    const v_f32 alpha = v_set1(g->alpha), beta = v_set1(g->beta);
    const v_f32 low = v_set1(g->act.alpha), high = v_set1(g->act.beta);
    V_UNROLL for (int p = 0; p < P; p++) {
        float *c = t->c + (size_t)p * g->c_stride;
        V_UNROLL for (int v = 0; v < V; v++) {
            const bool whole = v + 1 < V || t->last == V_LANES;
            v_f32 x = v_mul(alpha, s[p][v]);
            if (t->d) x = v_fma(beta, tile_load_d(t, (size_t)p, (size_t)v, whole), x);
            if (g->act.kind == TDNN_ACTIVATE_CLIP) x = v_clip(x, low, high);
            if (whole)
                v_store(c + v * V_LANES, x);
            else
                v_store_n(c + v * V_LANES, x, t->last);
        }
    }
}

INLINE void tile(const int P, const int V, const tile_work *t)
{
    v_f32 s[TILE][2];
    V_UNROLL for (int p = 0; p < P; p++) {
        V_UNROLL for (int v = 0; v < V; v++) s[p][v] = v_set1(0);
    }
    const float *a = t->a, *b = t->b;
    const char *ahead = t->ahead;
    for (size_t i = 0; i < t->g->k; i++, a += P, b += PANEL, ahead += t->ahead_step) {
        v_f32 bv[2];
        V_UNROLL for (int v = 0; v < V; v++) bv[v] = v_load(b + v * V_LANES);
        v_prefetch_far(ahead);
        V_UNROLL for (int p = 0; p < P; p++) {
            const v_f32 av = v_set1(a[p]);
            V_UNROLL for (int v = 0; v < V; v++) s[p][v] = v_fma(av, bv[v], s[p][v]);
        }
    }
    tile_end(s, P, V, t);
}

#define GEMM_TILE(P, V)                                                                          \
    static void tile_##P##_##V(const tile_work *t) { tile(P, V, t); }
#define GEMM_TILE_NAME(P, V) tile_##P##_##V,
TILES(GEMM_TILE, 1)
TILES(GEMM_TILE, 2)
static tile_fn *const tiles[2][TILE + 1] = {{NULL, TILES(GEMM_TILE_NAME, 1)},
                                            {NULL, TILES(GEMM_TILE_NAME, 2)}};

/* B most often comes from far away: weights of a whole network fit into no cache. So while the rows of
 * one of its panels are computed, the next panel is fetched, a part of it with each of the row's
 * tiles. (Measured on 197 x 3072 x 768: 170 GFLOP/s for 105.) A single tile fetches its own. */
static void look_ahead(tile_work *t, size_t index, size_t count, bool more)
{
    const size_t panel = PANEL * sizeof(float);
    t->ahead_step = (panel + count - 1) / count;
    t->ahead = (const char *)t->b + (more ? t->g->k * (panel + index * t->ahead_step) : 0);
    if (count == 1) t->ahead = (const char *)t->b + 16 * panel;
}

static void gemm(const tdnn_gemm *g, const tdnn_gemm_io *io, const tdnn_gemm_part *part,
                 const tdnn_kernels *table)
{
    const size_t panel = tdnn_gemm_panel_rows(table, g->m);
    const bool late = g->act.kind > TDNN_ACTIVATE_CLIP;
    const size_t row_tiles = (part->row_end - part->row_begin + panel - 1) / panel;
    for (size_t column = part->column_begin; column < part->column_end; column += PANEL) {
        const size_t left = part->column_end - column, columns = left < PANEL ? left : PANEL;
        const size_t V = columns > V_LANES ? 2 : 1;
        for (size_t row = part->row_begin; row < part->row_end; row += panel) {
            const size_t rows = part->row_end - row < panel ? part->row_end - row : panel;
            tile_work t = {g, io->a + row * g->k, io->b + column * g->k, NULL,
                           io->c + row * g->c_stride + column, columns - (V - 1) * V_LANES, NULL, 0};
            look_ahead(&t, (row - part->row_begin) / panel, row_tiles,
                       column + PANEL < part->column_end);
            if (io->d) t.d = io->d + row * g->d_row + column * g->d_column;
            tiles[V - 1][rows](&t);
            for (size_t r = 0; late && r < rows; r++)
                table->activate_f32(t.c + r * g->c_stride, t.c + r * g->c_stride, columns, &g->act);
        }
    }
}

#endif
