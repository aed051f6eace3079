/* The importers, by file. */
#ifndef TDNN_PARSERS_CAFFE_LAYERS_H
#define TDNN_PARSERS_CAFFE_LAYERS_H

#include "parsers/caffe/build.h"

/* layer_input.c */
void caffe_import_input(caffe_call *c);
void caffe_import_memory_data(caffe_call *c);
void caffe_import_dummy_data(caffe_call *c);
void caffe_import_data(caffe_call *c);
void caffe_import_parameter(caffe_call *c);

/* layer_window.c: `name` once or once for each of `spatial` axes, or stem_h and stem_w. No
 * default: one below `least`. */
enum { CAFFE_MOST_SPATIAL = TDNN_MAX_DIMS - 2 };
void caffe_sizes(caffe_call *c, const char *name, const char *stem, int spatial,
                 int64_t otherwise, int64_t least, int64_t *out);

/* layer_weighted.c */
void caffe_import_convolution(caffe_call *c);
void caffe_import_depthwise(caffe_call *c);
void caffe_import_deconvolution(caffe_call *c);
void caffe_import_inner_product(caffe_call *c);
void caffe_import_embed(caffe_call *c);

/* layer_pool.c */
void caffe_import_pooling(caffe_call *c);
void caffe_import_spp(caffe_call *c);
void caffe_import_max_unpool(caffe_call *c);
void caffe_import_upsample(caffe_call *c);

/* layer_activation.c */
void caffe_import_unary(caffe_call *c); /* AbsVal, TanH and others without parameters */
void caffe_import_relu(caffe_call *c);
void caffe_import_relu6(caffe_call *c);
void caffe_import_prelu(caffe_call *c);
void caffe_import_elu(caffe_call *c);
void caffe_import_exp(caffe_call *c);
void caffe_import_log(caffe_call *c);
void caffe_import_power(caffe_call *c);
void caffe_import_softmax(caffe_call *c);
void caffe_import_swish(caffe_call *c);
void caffe_import_clip(caffe_call *c);
void caffe_import_threshold(caffe_call *c);
void caffe_import_dropout(caffe_call *c);

/* layer_norm.c */
void caffe_import_lrn(caffe_call *c);
void caffe_import_batch_norm(caffe_call *c);
void caffe_import_bn(caffe_call *c);
void caffe_import_mvn(caffe_call *c);
void caffe_import_normalize(caffe_call *c);

/* layer_scale.c */
void caffe_import_scale(caffe_call *c);
void caffe_import_bias(caffe_call *c);
void caffe_import_eltwise(caffe_call *c);
void caffe_import_axpy(caffe_call *c);

/* layer_shape.c */
void caffe_import_concat(caffe_call *c);
void caffe_import_slice(caffe_call *c);
void caffe_import_split(caffe_call *c);
void caffe_import_flatten(caffe_call *c);
void caffe_import_reshape(caffe_call *c);
void caffe_import_permute(caffe_call *c);
void caffe_import_transpose(caffe_call *c);
void caffe_import_reverse(caffe_call *c);
void caffe_import_crop(caffe_call *c);
void caffe_import_tile(caffe_call *c);
void caffe_import_silence(caffe_call *c);
void caffe_import_shuffle_channel(caffe_call *c);
void caffe_import_reorg(caffe_call *c);
void caffe_import_batch_reindex(caffe_call *c);

/* layer_reduce.c */
void caffe_import_reduction(caffe_call *c);
void caffe_import_arg_max(caffe_call *c);

/* layer_resize.c */
void caffe_import_interp(caffe_call *c);
void caffe_import_resample(caffe_call *c);

/* layer_detect.c */
void caffe_import_prior_box(caffe_call *c);
void caffe_import_detection_output(caffe_call *c);
void caffe_import_roi_pooling(caffe_call *c);
void caffe_import_psroi_pooling(caffe_call *c);
void caffe_import_proposal(caffe_call *c);
void caffe_import_python(caffe_call *c); /* the one that Faster R-CNN has: ProposalLayer */
void caffe_import_region(caffe_call *c);

/* layer_refine.c: RefineDet's two more bottoms of DetectionOutput. Priors after the first
 * regression, and scores without those of boxes that are no objects. */
void caffe_refine(caffe_call *c, tdnn_id *scores, tdnn_id *priors);

/* layer_recurrent.c */
void caffe_import_lstm(caffe_call *c);
void caffe_import_rnn(caffe_call *c);

/* layer_flow.c */
void caffe_import_correlation(caffe_call *c);
void caffe_import_flow_warp(caffe_call *c);
void caffe_import_channel_norm(caffe_call *c);
void caffe_import_accum(caffe_call *c);
void caffe_import_data_augmentation(caffe_call *c);

#endif
