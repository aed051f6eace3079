/* Tensors over the bytes of a model: shared where the bytes outlive the parser, else copied. */
#include "parsers/parser.h"

#include <string.h>

static bool within(tdnn_bytes whole, const void *data, size_t bytes)
{
    uintptr_t begin = (uintptr_t)whole.data, at = (uintptr_t)data;
    return whole.size && at >= begin && bytes <= whole.size && at - begin <= whole.size - bytes;
}

/* The file that the bytes lie in; NULL: they are somebody's memory. */
static tdnn_file *file_of(const tdnn_source *source, const void *data, size_t bytes)
{
    if (source->model_file && within(source->model, data, bytes)) return source->model_file;
    if (source->config_file && within(source->config, data, bytes)) return source->config_file;
    const tdnn_external *e = source->external;
    return e && e->file_of ? e->file_of(e->context, data, bytes) : NULL;
}

/* Smaller ones that lie unaligned are copied at once, and so are integers: plans look into
 * indices. */
enum { LEAST_LATER = 16384 };

tdnn_status tdnn_source_tensor(const tdnn_source *source, const void *data, size_t bytes,
                               tdnn_dtype dtype, const tdnn_shape *shape, tdnn_tensor **out,
                               tdnn_error *err)
{
    *out = NULL;
    tdnn_file *file = bytes ? file_of(source, data, bytes) : NULL;
    if (file) {
        TDNN_TRY(tdnn_tensor_of_file(file, data, bytes, dtype, shape, out, err));
        if (!(*out)->fill || (bytes >= LEAST_LATER && tdnn_dtype_is_float(dtype))) return TDNN_OK;
        tdnn_status aligned = tdnn_tensor_ready(*out, err);
        if (!aligned) return TDNN_OK;
        tdnn_tensor_release(*out);
        *out = NULL;
        return aligned;
    }
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
