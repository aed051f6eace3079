/* Constants whose data are not there yet: in a file, or to be made when somebody needs them. */
#include "lib/base/tensor_new.h"

#include <string.h>

/* In pieces, so that no more of the file is in memory at once. */
enum { COPY_PIECE = 4 << 20 };

static tdnn_status fill_from_file(const tdnn_tensor *t, void *to, tdnn_error *err)
{
    (void)err;
    for (size_t done = 0; done < t->bytes; done += COPY_PIECE) {
        const size_t left = t->bytes - done, count = left < COPY_PIECE ? left : COPY_PIECE;
        const unsigned char *from = (const unsigned char *)t->data + done;
        memcpy((unsigned char *)to + done, from, count);
        tdnn_file_discard(t->file, from, count);
    }
    return TDNN_OK;
}

tdnn_status tdnn_tensor_defer(tdnn_dtype dtype, const tdnn_shape *shape,
                              tdnn_status (*fill)(const tdnn_tensor *, void *, tdnn_error *),
                              void *owner, void (*release)(void *), tdnn_tensor **out,
                              tdnn_error *err)
{
    size_t bytes;
    *out = NULL;
    TDNN_TRY(tdnn_tensor_check(dtype, shape, &bytes, err));
    tdnn_tensor *t = tdnn_tensor_new(TDNN_KIND_TENSOR, dtype, shape);
    if (!t) return TDNN_NO_MEMORY(err);
    t->bytes = bytes;
    t->fill = fill;
    t->owner = owner;
    t->release_data = release;
    *out = t;
    return TDNN_OK;
}

tdnn_status tdnn_tensor_of_file(tdnn_file *file, const void *data, size_t bytes,
                                tdnn_dtype dtype, const tdnn_shape *shape, tdnn_tensor **out,
                                tdnn_error *err)
{
    TDNN_TRY(
        tdnn_tensor_defer(dtype, shape, fill_from_file, file, tdnn_file_release, out, err));
    tdnn_tensor *t = *out;
    if (t->bytes != bytes) {
        char text[TDNN_SHAPE_TEXT];
        TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu bytes for %s %s, expected %zu", bytes,
                  tdnn_dtype_name(dtype), tdnn_shape_text(shape, text), t->bytes);
        tdnn_free(t);
        *out = NULL;
        return TDNN_ERR_FORMAT;
    }
    tdnn_file_retain(file);
    t->data = (void *)(uintptr_t)data; /* tensors of a model are never written */
    t->file = file;
    if ((uintptr_t)data % tdnn_tensor_alignment(dtype) == 0) t->fill = NULL;
    return TDNN_OK;
}

tdnn_status tdnn_tensor_fill(const tdnn_tensor *t, void *to, tdnn_error *err)
{
    if (t->fill) return t->fill(t, to, err);
    if (t->bytes) memcpy(to, t->data, t->bytes);
    return TDNN_OK;
}

tdnn_status tdnn_tensor_ready(tdnn_tensor *t, tdnn_error *err)
{
    if (!t->fill) return TDNN_OK;
    void *data = tdnn_alloc(t->bytes, 1);
    if (!data) return TDNN_NO_MEMORY(err);
    tdnn_status status = t->fill(t, data, err);
    if (status) {
        tdnn_free(data);
        return status;
    }
    if (t->release_data) t->release_data(t->owner);
    t->data = t->owner = data;
    t->release_data = tdnn_free;
    t->file = NULL;
    t->fill = NULL;
    return TDNN_OK;
}

void tdnn_tensor_discard(const tdnn_tensor *t)
{
    if (t->file) tdnn_file_discard(t->file, t->data, t->bytes);
}
