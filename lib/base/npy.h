/* numpy's .npy files (versions 1 to 3): one array of a type that numpy has. */
#ifndef TDNN_BASE_NPY_H
#define TDNN_BASE_NPY_H

#include "lib/base/tensor.h"

bool tdnn_npy_looks_like(tdnn_bytes bytes);
/* Either byte order, either array order; the tensor is row-major. */
tdnn_status tdnn_npy_decode(tdnn_bytes bytes, tdnn_tensor **out, tdnn_error *err);
/* Version 1.0, little-endian, row-major. */
tdnn_status tdnn_npy_write(const tdnn_tensor *tensor, const char *path, tdnn_error *err);

#endif
