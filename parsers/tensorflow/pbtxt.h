/* GraphDef in protocol buffers' text format, turned into the binary one. */
#ifndef TDNN_PARSERS_TENSORFLOW_PBTXT_H
#define TDNN_PARSERS_TENSORFLOW_PBTXT_H

#include "lib/base/mem.h"

/* How sure the bytes are text of a GraphDef: 0 .. 100. A little for text of TensorFlow's that is
 * something else, so that its reader can say what it is. */
int tf_pbtxt_sniff(tdnn_bytes bytes);

/* *out is freed with tdnn_free(out->data). `lines`: each node says its line in the text, in a
 * field that only parsers/proto/tensorflow.proto has; else the bytes are those that TensorFlow
 * writes. */
tdnn_status tf_pbtxt_encode(tdnn_bytes bytes, bool lines, tdnn_bytes *out, tdnn_error *err);

#endif
