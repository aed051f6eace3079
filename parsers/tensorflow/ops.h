/* The importers of TensorFlow's operators, file by file. */
#ifndef TDNN_PARSERS_TENSORFLOW_OPS_H
#define TDNN_PARSERS_TENSORFLOW_OPS_H

#include "parsers/tensorflow/import.h"

#define TF_IMPORTER(name) tdnn_status tf_import_##name(tf_call *call, tdnn_error *err);

/* op_math.c */
TF_IMPORTER(unary)
TF_IMPORTER(identity)
TF_IMPORTER(identity_first)
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

/* op_rare.c */
TF_IMPORTER(atan2)
TF_IMPORTER(zero_times)
TF_IMPORTER(is_finite)
TF_IMPORTER(erfc)
TF_IMPORTER(approximate_equal)
TF_IMPORTER(prelu)
TF_IMPORTER(euclidean_norm)
TF_IMPORTER(bucketize)
TF_IMPORTER(contrast)

/* op_conv.c, op_pool.c, op_fused.c, op_blocks.c */
TF_IMPORTER(conv)
TF_IMPORTER(depthwise)
TF_IMPORTER(conv_transpose)
TF_IMPORTER(pool)
TF_IMPORTER(pool_v2)
TF_IMPORTER(pool_argmax)
TF_IMPORTER(pool_grad)
TF_IMPORTER(patches)
TF_IMPORTER(fused)
TF_IMPORTER(fused_batch_norm)
TF_IMPORTER(pad_conv)
TF_IMPORTER(space_to_batch)
TF_IMPORTER(batch_to_space)
TF_IMPORTER(square_blocks)

/* op_norm.c */
TF_IMPORTER(batch_norm)
TF_IMPORTER(global_norm)
TF_IMPORTER(lrn)
TF_IMPORTER(softmax)
TF_IMPORTER(l2_loss)
TF_IMPORTER(reduce)
TF_IMPORTER(arg)

/* op_matrix.c */
TF_IMPORTER(matmul)
TF_IMPORTER(batch_matmul)
TF_IMPORTER(einsum)
TF_IMPORTER(band)
TF_IMPORTER(diagonal)

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

/* op_pick.c */
TF_IMPORTER(gather)
TF_IMPORTER(gather_nd)
TF_IMPORTER(reverse)
TF_IMPORTER(one_hot)
TF_IMPORTER(top_k)
TF_IMPORTER(where)
TF_IMPORTER(unique)
TF_IMPORTER(list_diff)

/* op_scatter.c */
TF_IMPORTER(scatter_nd)
TF_IMPORTER(tensor_scatter)
TF_IMPORTER(sparse_to_dense)
TF_IMPORTER(segments)
TF_IMPORTER(bincount)
TF_IMPORTER(stitch)

/* op_scan.c */
TF_IMPORTER(cumulate)
TF_IMPORTER(reverse_sequence)
TF_IMPORTER(invert_permutation)
TF_IMPORTER(lin_space)
TF_IMPORTER(roll)

/* op_slice.c */
TF_IMPORTER(slice)
TF_IMPORTER(strided_slice)

/* op_image.c, op_nms.c, op_crop.c */
TF_IMPORTER(resize)
TF_IMPORTER(resize_area)
TF_IMPORTER(depth_to_space)
TF_IMPORTER(nms)
TF_IMPORTER(combined_nms)
TF_IMPORTER(crop_and_resize)
/* op_soft_nms.c: boxes [B, 4], scores [B]; the boxes that are taken, and what their scores are
 * then. */
tdnn_status tf_soft_nms(const tf_call *c, tdnn_id boxes, tdnn_id scores, tdnn_id most,
                        tdnn_id least, double sigma, tdnn_id *chosen, tdnn_id *found,
                        tdnn_error *err);

/* op_spectral.c */
TF_IMPORTER(complex)
TF_IMPORTER(complex_part)
TF_IMPORTER(complex_abs)
TF_IMPORTER(fft)
TF_IMPORTER(real_fft)

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

/* op_function.c, op_list.c */
TF_IMPORTER(call)
TF_IMPORTER(if)
TF_IMPORTER(while)
TF_IMPORTER(list_reserve)
TF_IMPORTER(list_from_tensor)
TF_IMPORTER(list_get)
TF_IMPORTER(list_set)
TF_IMPORTER(list_stack)
TF_IMPORTER(list_length)
TF_IMPORTER(list_empty)
TF_IMPORTER(list_push)
TF_IMPORTER(list_pop)
TF_IMPORTER(list_concat)
TF_IMPORTER(list_split)
TF_IMPORTER(list_gather)
TF_IMPORTER(list_scatter)
/* The list as a sequence of the IR, whatever it is so far. */
tdnn_status tf_list_sequence(const tf_call *c, const tf_value *list, tdnn_id *out,
                             tdnn_error *err);
/* Gives output `port` such a list. */
tdnn_status tf_give_list(const tf_call *c, size_t port, tdnn_id sequence, const tf_value *like,
                         tdnn_error *err);

/* op_rnn.c */
TF_IMPORTER(lstm_cell)
TF_IMPORTER(block_lstm)
TF_IMPORTER(gru_cell)

/* op_detect.c */
TF_IMPORTER(prior_box)
TF_IMPORTER(detection_output)
TF_IMPORTER(l2_normalize)
bool tf_locations_transposed(const tf_node *conv); /* NULL: false */
/* Swaps each y with the x behind it in a tensor's first dimension, of `count`. */
tdnn_status tf_swap_locations(const tf_call *c, tdnn_id *id, int64_t count, tdnn_error *err);

/* tensorflow.c */
TF_IMPORTER(placeholder)

#undef TF_IMPORTER

#endif
