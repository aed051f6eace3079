/* Shapes. One that came from outside may hold anything: each function bears a wrong `ndim`. */
#include "lib/base/tensor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

tdnn_shape tdnn_shape_make(int ndim, const int64_t *dims)
{
    tdnn_shape shape = {.ndim = ndim};
    for (int i = 0; i < ndim && i < TDNN_MAX_DIMS; i++) shape.dim[i] = dims[i];
    return shape;
}

static bool ndim_is_valid(const tdnn_shape *shape)
{
    return shape->ndim >= 0 && shape->ndim <= TDNN_MAX_DIMS;
}

bool tdnn_shape_known(const tdnn_shape *shape)
{
    if (!ndim_is_valid(shape)) return false;
    for (int i = 0; i < shape->ndim; i++)
        if (shape->dim[i] < 0) return false;
    return true;
}

int64_t tdnn_shape_count(const tdnn_shape *shape)
{
    if (!shape || !tdnn_shape_known(shape)) return -1;
    int64_t count = 1;
    bool fits = true;
    for (int i = 0; i < shape->ndim; i++) {
        if (shape->dim[i] == 0) return 0; /* whatever the others are */
        if (fits && __builtin_mul_overflow(count, shape->dim[i], &count)) fits = false;
    }
    return fits ? count : -1;
}

bool tdnn_shape_equal(const tdnn_shape *a, const tdnn_shape *b)
{
    if (a->ndim != b->ndim) return false;
    for (int i = 0; i < a->ndim && i < TDNN_MAX_DIMS; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

const char *tdnn_shape_text(const tdnn_shape *shape, char text[TDNN_SHAPE_TEXT])
{
    if (shape->ndim < 0) return strcpy(text, "any");
    if (shape->ndim == 0) return strcpy(text, "scalar");
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < shape->ndim && i < TDNN_MAX_DIMS && used < TDNN_SHAPE_TEXT; i++) {
        const char *cross = i ? "x" : "";
        size_t room = TDNN_SHAPE_TEXT - used;
        int length = shape->dim[i] < 0
                         ? snprintf(text + used, room, "%s?", cross)
                         : snprintf(text + used, room, "%s%" PRId64, cross, shape->dim[i]);
        used += (size_t)length;
    }
    return text;
}

bool tdnn_tensor_size(tdnn_dtype dtype, const tdnn_shape *shape, size_t *bytes)
{
    int64_t count = tdnn_shape_count(shape);
    if (count < 0 || (uint64_t)count > SIZE_MAX) return false;
    if (dtype == TDNN_STRING) return tdnn_size_mul((size_t)count, sizeof(char *), bytes);
    size_t bits = (size_t)tdnn_dtype_bits(dtype);
    if (bits == 0) return false;
    if (bits >= 8) return tdnn_size_mul((size_t)count, bits / 8, bytes);
    size_t per_byte = 8 / bits;
    *bytes = (size_t)count / per_byte + ((size_t)count % per_byte != 0);
    return true;
}

bool tdnn_layout_size(tdnn_dtype dtype, const tdnn_shape *shape, tdnn_layout layout,
                      size_t *bytes)
{
    if (layout == TDNN_LAYOUT_PLAIN) return tdnn_tensor_size(dtype, shape, bytes);
    if (shape->ndim != 4 || tdnn_dtype_bits(dtype) < 8) return false;
    int64_t block = layout, channels = shape->dim[1];
    if (channels > INT64_MAX - block) return false;
    tdnn_shape padded = *shape;
    padded.dim[1] = channels < 0 ? channels : (channels + block - 1) / block * block;
    return tdnn_tensor_size(dtype, &padded, bytes);
}
