/* Tensors over the bytes of a model: shared where the bytes outlive the parser, else copied. */
#include "parsers/parser.h"

#include <string.h>

/* Who keeps a shared tensor's bytes alive. */
typedef struct keeper {
    void *owner;
    void (*release)(void *owner);
} keeper;

static void release_keeper(void *data)
{
    keeper *k = data;
    k->release(k->owner);
    tdnn_free(k);
}

static bool within(tdnn_bytes whole, const void *data, size_t bytes)
{
    uintptr_t begin = (uintptr_t)whole.data, at = (uintptr_t)data;
    return whole.size && at >= begin && bytes <= whole.size && at - begin <= whole.size - bytes;
}

static bool aligned(const void *data, tdnn_dtype dtype)
{
    size_t align = (size_t)tdnn_dtype_bits(dtype) / 8;
    if (dtype == TDNN_C64 || dtype == TDNN_C128) align /= 2;
    return align < 2 || (uintptr_t)data % align == 0;
}

static tdnn_status share(const tdnn_source *source, const void *data, size_t bytes,
                         tdnn_dtype dtype, const tdnn_shape *shape, tdnn_tensor **out,
                         tdnn_error *err)
{
    keeper *k = tdnn_alloc(1, sizeof *k);
    if (!k) return TDNN_NO_MEMORY(err);
    *k = (keeper){source->owner_retain(source->owner), source->owner_release};
    /* The map is read-only; tensors of a model are never written. */
    void *writable = (void *)(uintptr_t)data;
    tdnn_status status =
        tdnn_tensor_adopt(writable, bytes, dtype, shape, release_keeper, k, out, err);
    if (status) release_keeper(k);
    return status;
}

tdnn_status tdnn_source_tensor(const tdnn_source *source, const void *data, size_t bytes,
                               tdnn_dtype dtype, const tdnn_shape *shape, tdnn_tensor **out,
                               tdnn_error *err)
{
    *out = NULL;
    if (bytes && source->owner && within(source->model, data, bytes) && aligned(data, dtype))
        return share(source, data, bytes, dtype, shape, out, err);
    TDNN_TRY(tdnn_tensor_create_raw(dtype, shape, out, err));
    if (bytes == (*out)->bytes) {
        if (bytes) memcpy((*out)->data, data, bytes);
        return TDNN_OK;
    }
    tdnn_status status = TDNN_FAIL(
        err, TDNN_ERR_FORMAT, "%zu bytes, expected %zu from its shape", bytes, (*out)->bytes);
    tdnn_tensor_release(*out);
    *out = NULL;
    return status;
}
