/* Operators that only move elements: Transpose, Slice, Concat, Split, Pad, Expand, Tile ...
 * Each says which rectangles go where, as strided copies; the rest is the same for all: views
 * where a piece is contiguous, merging of dimensions, sharing among threads.
 */
#ifndef TDNN_OPS_MOVE_H
#define TDNN_OPS_MOVE_H

#include "lib/ops/op.h"

/* How a tensor lies in memory: dimensions 0 .. ndim-1 as its shape has them; channel-blocked
 * ones count dimension 1 in blocks and have the lanes as one more dimension, the last. */
typedef struct tdnn_view {
    size_t size; /* bytes of an element */
    int ndim;
    int64_t dim[TDNN_MAX_DIMS + 1];
    ptrdiff_t stride[TDNN_MAX_DIMS + 1]; /* bytes */
} tdnn_view;

tdnn_view tdnn_view_of(const tdnn_tensor *tensor);

/* A rectangle of one input to one output. */
typedef struct tdnn_move {
    int in, out;     /* indices; in -1: zeros, whatever `from` and its strides say */
    size_t from, to; /* where the first element is, in bytes */
    tdnn_copy copy;
} tdnn_move;

/* `count` elements along each dimension of the view `to` of output `out`, from its beginning,
 * filled from input `in` seen through `from`; both views have the same number of dimensions. */
tdnn_move tdnn_move_make(int in, const tdnn_view *from, int out, const tdnn_view *to,
                         const int64_t *count);
/* Plans the whole step. Each output element must be written by one move exactly. The array is
 * copied. */
tdnn_status tdnn_plan_moves(tdnn_plan_ctx *ctx, const tdnn_move *moves, size_t count);

/* Merges dimensions that lie behind each other in both places, and drops those of size 1. */
void tdnn_copy_simplify(tdnn_copy *copy);

/* A few integers that an input contains: axes, starts, pads, repeats ... */
typedef struct tdnn_few {
    bool given; /* false: the input is absent */
    size_t count;
    int64_t at[2 * TDNN_MAX_DIMS];
} tdnn_few;

tdnn_status tdnn_infer_few(tdnn_infer *ctx, size_t index, tdnn_few *out);
tdnn_status tdnn_plan_few(tdnn_plan_ctx *ctx, size_t index, tdnn_few *out);
/* False if the contents are not known (an absent input is known: not given). */
bool tdnn_layout_few(const tdnn_layout_query *query, size_t index, tdnn_few *out);

/* exec of operators that only move elements, for strings and elements smaller than a byte:
 * their plan runs on numbers in their place. */
tdnn_status tdnn_exec_stand_ins(tdnn_exec *ctx);

#endif
