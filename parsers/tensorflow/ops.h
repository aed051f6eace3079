/* The importers of TensorFlow's operators, file by file. */
#ifndef TDNN_PARSERS_TENSORFLOW_OPS_H
#define TDNN_PARSERS_TENSORFLOW_OPS_H

#include "parsers/tensorflow/import.h"

#define TF_IMPORTER(name) tdnn_status tf_import_##name(tf_call *call, tdnn_error *err);

/* op_math.c */
TF_IMPORTER(unary)
TF_IMPORTER(identity)
TF_IMPORTER(binary)
TF_IMPORTER(nary)
TF_IMPORTER(rsqrt)
TF_IMPORTER(not_equal)
TF_IMPORTER(square)
TF_IMPORTER(squared_difference)
TF_IMPORTER(relu6)
TF_IMPORTER(clip_by_value)
TF_IMPORTER(leaky_relu)
TF_IMPORTER(log1p)
TF_IMPORTER(expm1)
TF_IMPORTER(floor_div)
TF_IMPORTER(mod)
TF_IMPORTER(div_no_nan)
TF_IMPORTER(select)
TF_IMPORTER(cast)
TF_IMPORTER(bias_add)

/* op_conv.c */
TF_IMPORTER(conv)
TF_IMPORTER(depthwise)
TF_IMPORTER(conv_transpose)
TF_IMPORTER(pool)
TF_IMPORTER(space_to_batch)
TF_IMPORTER(batch_to_space)

/* op_norm.c */
TF_IMPORTER(batch_norm)
TF_IMPORTER(lrn)
TF_IMPORTER(softmax)
TF_IMPORTER(l2_loss)
TF_IMPORTER(reduce)
TF_IMPORTER(arg)
TF_IMPORTER(matmul)
TF_IMPORTER(batch_matmul)

/* op_shape.c */
TF_IMPORTER(variable)
TF_IMPORTER(const)
TF_IMPORTER(shape)
TF_IMPORTER(rank)
TF_IMPORTER(size)
TF_IMPORTER(reshape)
TF_IMPORTER(flatten)
TF_IMPORTER(expand_dims)
TF_IMPORTER(squeeze)
TF_IMPORTER(transpose)
TF_IMPORTER(fill)
TF_IMPORTER(like)
TF_IMPORTER(range)
TF_IMPORTER(broadcast_to)
TF_IMPORTER(tile)

/* op_pieces.c */
TF_IMPORTER(concat)
TF_IMPORTER(pack)
TF_IMPORTER(unpack)
TF_IMPORTER(split)
TF_IMPORTER(pad)
TF_IMPORTER(symmetric_pad)
TF_IMPORTER(gather)
TF_IMPORTER(gather_nd)
TF_IMPORTER(reverse)
TF_IMPORTER(one_hot)
TF_IMPORTER(top_k)

/* op_slice.c */
TF_IMPORTER(slice)
TF_IMPORTER(strided_slice)

/* op_image.c */
TF_IMPORTER(resize)
TF_IMPORTER(depth_to_space)

/* op_quant.c */
TF_IMPORTER(dequantize)
TF_IMPORTER(fake_quant)

/* op_flow.c, op_loop.c */
TF_IMPORTER(switch)
TF_IMPORTER(merge)
TF_IMPORTER(enter)
TF_IMPORTER(exit)
TF_IMPORTER(loop_only)
TF_IMPORTER(array)
TF_IMPORTER(array_scatter)
TF_IMPORTER(array_read)
TF_IMPORTER(array_write)
TF_IMPORTER(array_gather)
TF_IMPORTER(array_size)

/* op_rnn.c */

/* op_detect.c */
TF_IMPORTER(prior_box)
TF_IMPORTER(detection_output)
TF_IMPORTER(l2_normalize)

/* tensorflow.c */
TF_IMPORTER(placeholder)

#undef TF_IMPORTER

#endif
