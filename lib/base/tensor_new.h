/* How tensors are made: what tensor.c, tensor_list.c and tensor_later.c share. */
#ifndef TDNN_BASE_TENSOR_NEW_H
#define TDNN_BASE_TENSOR_NEW_H

#include "lib/base/tensor.h"

/* Whether there can be such a tensor, and how many bytes its elements have. */
tdnn_status tdnn_tensor_check(tdnn_dtype dtype, const tdnn_shape *shape, size_t *bytes,
                              tdnn_error *err);
/* Without elements; NULL: memory is refused. */
tdnn_tensor *tdnn_tensor_new(tdnn_kind kind, tdnn_dtype dtype, const tdnn_shape *shape);
/* Of elements, in bytes. */
size_t tdnn_tensor_alignment(tdnn_dtype dtype);
/* A deep copy of a sequence or optional. */
tdnn_status tdnn_tensor_copy_list(const tdnn_tensor *list, tdnn_tensor **out, tdnn_error *err);

#endif
