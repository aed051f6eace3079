/* The tensor, as the library itself sees it.
 *
 * Dense and row-major, or, between a plan's steps, channel-blocked. Reference-counted, since
 * constants are shared by sessions and items by sequences.
 */
#ifndef TDNN_BASE_TENSOR_H
#define TDNN_BASE_TENSOR_H

#include "lib/base/file.h"

#include <stdatomic.h>

/* Order of a 4-dimensional N,C,H,W value in memory. Blocked: [N][ceil(C/b)][H][W][b]; the lanes
 * beyond C in the last block hold finite numbers of no meaning (convolution's weights for them
 * are zero). The enumerator is b, or 0. */
typedef enum tdnn_layout {
    TDNN_LAYOUT_PLAIN = 0,
    TDNN_LAYOUT_C8 = 8,
    TDNN_LAYOUT_C16 = 16
} tdnn_layout;

struct tdnn_tensor {
    tdnn_kind kind;
    tdnn_dtype dtype; /* lists: of the items */
    tdnn_shape shape; /* logical, N,C,H,W whatever the layout; lists: {item_count} */
    tdnn_layout layout;
    void *data;       /* strings: char *[], NULL: empty; sequence, optional: tdnn_tensor *[] */
    size_t bytes;     /* of data */
    atomic_int refs;
    void (*release_data)(void *owner); /* NULL: data is borrowed */
    void *owner;      /* what release_data gets */
    tdnn_file
        *file; /* whose mapped bytes `data` are; NULL: others. Not a reference of its own */
    /* Not NULL: a constant whose data are not there yet; this writes them to `to`. `data` is
     * NULL then, or where they lie in a file at an address that their type does not allow. */
    tdnn_status (*fill)(const tdnn_tensor *tensor, void *to, tdnn_error *err);
};

/* Bytes of a plain tensor; false if it does not fit. Sub-byte types round up. */
bool tdnn_tensor_size(tdnn_dtype dtype, const tdnn_shape *shape, size_t *bytes);
/* Bytes in the given layout. */
bool tdnn_layout_size(tdnn_dtype dtype, const tdnn_shape *shape, tdnn_layout layout,
                      size_t *bytes);

/* As tdnn_tensor_create, but numbers are whatever they are: for those who write all of them. */
tdnn_status tdnn_tensor_create_raw(tdnn_dtype dtype, const tdnn_shape *shape, tdnn_tensor **out,
                                   tdnn_error *err);
/* A tensor over `data`, which release_data(owner) frees when the last reference goes (NULL:
 * borrowed). `data` is aligned as its type wants. On failure nothing is released. */
tdnn_status tdnn_tensor_adopt(void *data, size_t bytes, tdnn_dtype dtype, const tdnn_shape *shape,
                              void (*release_data)(void *), void *owner, tdnn_tensor **out,
                              tdnn_error *err);
/* A tensor over bytes of a file, which it keeps open; with `fill` if they do not lie aligned. */
tdnn_status tdnn_tensor_of_file(tdnn_file *file, const void *data, size_t bytes, tdnn_dtype dtype,
                                const tdnn_shape *shape, tdnn_tensor **out, tdnn_error *err);
/* A constant that is made when somebody needs it. */
tdnn_status tdnn_tensor_defer(tdnn_dtype dtype, const tdnn_shape *shape,
                              tdnn_status (*fill)(const tdnn_tensor *, void *, tdnn_error *),
                              void *owner, void (*release)(void *), tdnn_tensor **out,
                              tdnn_error *err);
/* Writes the data to `to`, wherever they are. */
tdnn_status tdnn_tensor_fill(const tdnn_tensor *tensor, void *to, tdnn_error *err);
/* Makes data that are not there. Not while others read the tensor. */
tdnn_status tdnn_tensor_ready(tdnn_tensor *tensor, tdnn_error *err);
/* The data will not be read for some time: memory that only mirrors a file goes back. */
void tdnn_tensor_discard(const tdnn_tensor *tensor);
/* The same contents under another shape with as many elements; shares the data. */
tdnn_status tdnn_tensor_reshaped(tdnn_tensor *tensor, const tdnn_shape *shape, tdnn_tensor **out,
                                 tdnn_error *err);
/* A deep copy. */
tdnn_status tdnn_tensor_copy(const tdnn_tensor *tensor, tdnn_tensor **out, tdnn_error *err);
/* Copies elements between tensors of equal type and count (strings are duplicated). */
tdnn_status tdnn_tensor_copy_into(const tdnn_tensor *from, tdnn_tensor *to, tdnn_error *err);
/* Equal kind, type, shape and bits. */
bool tdnn_tensor_equal(const tdnn_tensor *a, const tdnn_tensor *b);

tdnn_status tdnn_tensor_i64_vector(const int64_t *values, size_t count, tdnn_tensor **out,
                                   tdnn_error *err);
tdnn_status tdnn_tensor_f32_scalar(float value, tdnn_tensor **out, tdnn_error *err);

const char *tdnn_kind_name(tdnn_kind kind); /* "tensor", "sequence", "optional" */
bool tdnn_shape_equal(const tdnn_shape *a, const tdnn_shape *b);
bool tdnn_shape_known(const tdnn_shape *shape); /* no -1 anywhere */
/* "1x3x224x224", "scalar", "?x3"; returns text. */
#define TDNN_SHAPE_TEXT 128
const char *tdnn_shape_text(const tdnn_shape *shape, char text[TDNN_SHAPE_TEXT]);

/* Element `index` of an integer (or bool) tensor, widened; of any real type for _f64. */
int64_t tdnn_tensor_get_i64(const tdnn_tensor *tensor, size_t index);
double tdnn_tensor_get_f64(const tdnn_tensor *tensor, size_t index);

static inline bool tdnn_dtype_is_float(tdnn_dtype t)
{
    return t == TDNN_F32 || t == TDNN_F64 || t == TDNN_F16 || t == TDNN_BF16 ||
           (t >= TDNN_F8E4M3FN && t <= TDNN_F8E5M2FNUZ) || t == TDNN_F4E2M1 || t == TDNN_F8E8M0;
}
static inline bool tdnn_dtype_is_int(tdnn_dtype t)
{
    return (t >= TDNN_U8 && t <= TDNN_I64) || t == TDNN_U32 || t == TDNN_U64 || t == TDNN_U4 ||
           t == TDNN_I4 || t == TDNN_U2 || t == TDNN_I2;
}

#endif
