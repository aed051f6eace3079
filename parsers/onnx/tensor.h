/* ONNX's tensors: TensorProto, SparseTensorProto, SequenceProto, OptionalProto. */
#ifndef TDNN_PARSERS_ONNX_TENSOR_H
#define TDNN_PARSERS_ONNX_TENSOR_H

#include "parsers/parser.h"
#include "parsers/proto/onnx.pb-c.h"

/* `proto` was decoded from source->model. Elements are shared with it where that can be. */
tdnn_status tdnn_onnx_tensor_import(const tdnn_source *source, const Onnx__TensorProto *proto,
                                    tdnn_tensor **out, tdnn_error *err);
/* A dense tensor, zeros where nothing is said. */
tdnn_status tdnn_onnx_sparse_import(const tdnn_source *source,
                                    const Onnx__SparseTensorProto *proto, tdnn_tensor **out,
                                    tdnn_error *err);
/* dims as a shape, and the size that its elements have. */
tdnn_status tdnn_onnx_tensor_extent(const tdnn_source *source, int32_t data_type,
                                    const int64_t *dims, size_t ndim, tdnn_shape *shape,
                                    size_t *bytes, tdnn_error *err);

/* A file that is one such message. */
tdnn_status tdnn_onnx_tensor_decode(tdnn_bytes bytes, tdnn_kind kind, tdnn_tensor **out,
                                    tdnn_error *err);
/* The bytes of such a file; freed with tdnn_free. */
tdnn_status tdnn_onnx_tensor_encode(const tdnn_tensor *tensor, void **data, size_t *size,
                                    tdnn_error *err);

#endif
