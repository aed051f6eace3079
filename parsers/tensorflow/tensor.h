/* TensorProto: a tensor of TensorFlow's, over the bytes of the file that it was decoded from. */
#ifndef TDNN_PARSERS_TENSORFLOW_TENSOR_H
#define TDNN_PARSERS_TENSORFLOW_TENSOR_H

#include "parsers/parser.h"
#include "parsers/proto/tensorflow.pb-c.h"

/* TensorFlow's DataType to ours; TDNN_NONE if we have none. Quantised types are plain integers,
 * types of references (numbers from 100 on) are what they refer to. */
tdnn_dtype tf_dtype(int64_t type);
const char *tf_dtype_text(int64_t type); /* "DT_FLOAT" */
int64_t tf_dtype_find(const char *text); /* -1: no such type */

/* False: unknown rank. */
bool tf_shape(const Tensorflow__TensorShapeProto *proto, tdnn_shape *out);

/* `file` is what the message was decoded from; elements are shared with it where it is
 * source->model. */
tdnn_status tf_tensor_import(const tdnn_source *source, tdnn_bytes file,
                             const Tensorflow__TensorProto *proto, tdnn_tensor **out,
                             tdnn_error *err);

#endif
