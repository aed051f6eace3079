/* Tensor files: the format is found from the bytes, or, when writing, from the name. */
#include "lib/base/file.h"
#include "lib/base/npy.h"
#include "parsers/onnx/tensor.h"

#include <string.h>

tdnn_status tdnn_tensor_read(const char *path, tdnn_kind kind, tdnn_tensor **out,
                             tdnn_error *err)
{
    tdnn_error_clear(err);
    if (!out) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "out is NULL");
    *out = NULL;
    if (!path) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "path is NULL");
    if ((unsigned)kind > TDNN_KIND_OPTIONAL)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "kind %d, expected 0 to %d", (int)kind,
                         TDNN_KIND_OPTIONAL);
    tdnn_load_options limits;
    tdnn_load_options_init(&limits);
    tdnn_file *file;
    TDNN_TRY(tdnn_file_open(path, limits.max_bytes, &file, err));
    tdnn_bytes bytes = tdnn_file_bytes(file);
    tdnn_status status = tdnn_npy_looks_like(bytes)
                             ? tdnn_npy_decode(bytes, out, err)
                             : tdnn_onnx_tensor_decode(bytes, kind, out, err);
    tdnn_file_release(file);
    return tdnn_error_at(err, status, "%s", path);
}

tdnn_status tdnn_tensor_write(const tdnn_tensor *tensor, const char *path, tdnn_error *err)
{
    tdnn_error_clear(err);
    if (!tensor) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "tensor is NULL");
    if (!path) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "path is NULL");
    size_t length = strlen(path);
    if (length >= 4 && !strcmp(path + length - 4, ".npy"))
        return tdnn_npy_write(tensor, path, err);
    void *data;
    size_t size;
    TDNN_TRY(tdnn_onnx_tensor_encode(tensor, &data, &size, err));
    tdnn_status status = tdnn_file_write(path, data, size, err);
    tdnn_free(data);
    return status;
}
