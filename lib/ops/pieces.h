/* Pieces of tensors of any type, as tensors of their own: for control flow and sequences, which
 * hand tensors about.
 */
#ifndef TDNN_OPS_PIECES_H
#define TDNN_OPS_PIECES_H

#include "lib/ops/op.h"

/* `count` elements between tensors of one type, whatever it is. */
tdnn_status tdnn_piece_copy(const tdnn_tensor *from, size_t from_at, tdnn_tensor *to,
                            size_t to_at, size_t count, tdnn_error *err);
/* Elements begin .. begin + length - 1 along `axis`; without keep_axis, length is 1 and the
 * axis goes. */
tdnn_status tdnn_piece_take(const tdnn_tensor *from, int axis, int64_t begin, int64_t length,
                            bool keep_axis, tdnn_tensor **out, tdnn_error *err);
/* The opposite: tensors of one type one behind the other along `axis`, or, with new_axis, along
 * an axis that they do not have yet; then all must have the same shape. At least one. */
tdnn_status tdnn_piece_join(tdnn_tensor *const *pieces, size_t count, int axis, bool new_axis,
                            tdnn_tensor **out, tdnn_error *err);

/* A scalar. */
tdnn_status tdnn_piece_i64(int64_t value, tdnn_tensor **out, tdnn_error *err);
tdnn_status tdnn_piece_bool(bool value, tdnn_tensor **out, tdnn_error *err);

/* A growing array of references, all released by _free. */
typedef struct tdnn_pieces {
    tdnn_tensor **at;
    size_t count, capacity;
} tdnn_pieces;

/* Takes over the reference, also on failure. */
tdnn_status tdnn_pieces_add(tdnn_pieces *list, tdnn_tensor *piece, tdnn_error *err);
void tdnn_pieces_free(tdnn_pieces *list);

#endif
