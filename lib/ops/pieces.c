/* Taking tensors apart and putting them together. */
#include "lib/ops/pieces.h"

#include <string.h>

tdnn_status tdnn_piece_copy(const tdnn_tensor *from, size_t from_at, tdnn_tensor *to,
                            size_t to_at, size_t count, tdnn_error *err)
{
    const size_t bits = (size_t)tdnn_dtype_bits(from->dtype);
    if (bits >= 8) {
        const size_t size = bits / 8;
        if (count)
            memcpy((char *)to->data + to_at * size, (const char *)from->data + from_at * size,
                   count * size);
        return TDNN_OK;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t f = from_at + i, t = to_at + i;
        if (from->dtype == TDNN_STRING) {
            TDNN_TRY(tdnn_tensor_set_string(to, t, tdnn_tensor_string(from, f), err));
            continue;
        }
        const size_t per_byte = 8 / bits, shift = t % per_byte * bits;
        const unsigned mask = (1u << bits) - 1;
        const unsigned code =
            ((const unsigned char *)from->data)[f / per_byte] >> (f % per_byte * bits);
        unsigned char *byte = (unsigned char *)to->data + t / per_byte;
        *byte = (unsigned char)((*byte & ~(mask << shift)) | (code & mask) << shift);
    }
    return TDNN_OK;
}

static size_t product(const tdnn_shape *shape, int begin, int end)
{
    size_t n = 1;
    for (int d = begin; d < end; d++) n *= (size_t)shape->dim[d];
    return n;
}

tdnn_status tdnn_piece_take(const tdnn_tensor *from, int axis, int64_t begin, int64_t length,
                            bool keep_axis, tdnn_tensor **out, tdnn_error *err)
{
    tdnn_shape shape = from->shape;
    const size_t before = product(&shape, 0, axis),
                 after = product(&shape, axis + 1, shape.ndim);
    const size_t whole = (size_t)shape.dim[axis] * after, part = (size_t)length * after;
    shape.dim[axis] = length;
    if (!keep_axis) {
        shape.ndim--;
        for (int d = axis; d < shape.ndim; d++) shape.dim[d] = shape.dim[d + 1];
    }
    TDNN_TRY(tdnn_tensor_create(from->dtype, &shape, out, err));
    tdnn_status status = TDNN_OK;
    for (size_t i = 0; i < before && !status; i++)
        status =
            tdnn_piece_copy(from, i * whole + (size_t)begin * after, *out, i * part, part, err);
    if (status) {
        tdnn_tensor_release(*out);
        *out = NULL;
    }
    return status;
}

/* The shape of the whole, and that all pieces fit. */
static tdnn_status joined_shape(tdnn_tensor *const *pieces, size_t count, int axis,
                                bool new_axis, tdnn_shape *out, tdnn_error *err)
{
    const tdnn_tensor *first = pieces[0];
    char a[TDNN_SHAPE_TEXT], b[TDNN_SHAPE_TEXT];
    int64_t total = new_axis ? (int64_t)count : 0;
    if (first->shape.ndim + new_axis > TDNN_MAX_DIMS)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT, "%d dimensions, the limit is %d",
                         first->shape.ndim + 1, TDNN_MAX_DIMS);
    for (size_t i = 0; i < count; i++) {
        const tdnn_tensor *t = pieces[i];
        bool fits = t->kind == TDNN_KIND_TENSOR && t->dtype == first->dtype &&
                    t->shape.ndim == first->shape.ndim;
        for (int d = 0; fits && d < t->shape.ndim; d++)
            fits = t->shape.dim[d] == first->shape.dim[d] || (d == axis && !new_axis);
        if (!fits || (!new_axis && __builtin_add_overflow(total, t->shape.dim[axis], &total)))
            return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                             "%s %s and %s %s cannot be joined along axis %d",
                             tdnn_dtype_name(first->dtype), tdnn_shape_text(&first->shape, a),
                             tdnn_dtype_name(t->dtype), tdnn_shape_text(&t->shape, b), axis);
    }
    *out = first->shape;
    if (new_axis) {
        for (int d = out->ndim++; d > axis; d--) out->dim[d] = out->dim[d - 1];
    }
    out->dim[axis] = total;
    return TDNN_OK;
}

tdnn_status tdnn_piece_join(tdnn_tensor *const *pieces, size_t count, int axis, bool new_axis,
                            tdnn_tensor **out, tdnn_error *err)
{
    tdnn_shape shape;
    *out = NULL;
    TDNN_TRY(joined_shape(pieces, count, axis, new_axis, &shape, err));
    TDNN_TRY(tdnn_tensor_create(pieces[0]->dtype, &shape, out, err));
    const size_t before = product(&shape, 0, axis),
                 after = product(&shape, axis + 1, shape.ndim);
    const size_t whole = (size_t)shape.dim[axis] * after;
    tdnn_status status = TDNN_OK;
    size_t at = 0;
    for (size_t k = 0; k < count; k++) {
        const size_t part = new_axis ? after : (size_t)pieces[k]->shape.dim[axis] * after;
        for (size_t i = 0; i < before && !status; i++)
            status = tdnn_piece_copy(pieces[k], i * part, *out, i * whole + at, part, err);
        at += part;
    }
    if (status) {
        tdnn_tensor_release(*out);
        *out = NULL;
    }
    return status;
}

tdnn_status tdnn_piece_i64(int64_t value, tdnn_tensor **out, tdnn_error *err)
{
    const tdnn_shape scalar = {0};
    TDNN_TRY(tdnn_tensor_create(TDNN_I64, &scalar, out, err));
    *(int64_t *)(*out)->data = value;
    return TDNN_OK;
}

tdnn_status tdnn_piece_bool(bool value, tdnn_tensor **out, tdnn_error *err)
{
    const tdnn_shape scalar = {0};
    TDNN_TRY(tdnn_tensor_create(TDNN_BOOL, &scalar, out, err));
    *(unsigned char *)(*out)->data = value;
    return TDNN_OK;
}

tdnn_status tdnn_pieces_add(tdnn_pieces *list, tdnn_tensor *piece, tdnn_error *err)
{
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity ? 2 * list->capacity : 8;
        tdnn_tensor **at =
            tdnn_realloc(list->at, list->count * sizeof *list->at, capacity, sizeof *list->at);
        if (!at) {
            tdnn_tensor_release(piece);
            return TDNN_NO_MEMORY(err);
        }
        list->at = at;
        list->capacity = capacity;
    }
    list->at[list->count++] = piece;
    return TDNN_OK;
}

void tdnn_pieces_free(tdnn_pieces *list)
{
    for (size_t i = 0; i < list->count; i++) tdnn_tensor_release(list->at[i]);
    tdnn_free(list->at);
    *list = (tdnn_pieces){0};
}
