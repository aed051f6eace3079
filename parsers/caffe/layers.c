/* Layer types: the field their parameters are in, how many bottoms and tops they have, and who
 * imports them. Types without an importer only matter while training.
 */
#include "parsers/caffe/layers.h"

#include <string.h>

static const caffe_type types[] = {
    /* inputs */
    {"Input", "input_param", 0, 0, 1, -1, caffe_import_input},
    {"MemoryData", "memory_data_param", 0, 0, 1, 2, caffe_import_memory_data},
    {"DummyData", "dummy_data_param", 0, 0, 1, -1, caffe_import_dummy_data},
    {"Data", "data_param", 0, 0, 1, -1, caffe_import_data},
    {"AnnotatedData", "annotated_data_param", 0, 0, 1, -1, caffe_import_data},
    {"ImageData", "image_data_param", 0, 0, 1, -1, caffe_import_data},
    {"HDF5Data", "hdf5_data_param", 0, 0, 1, -1, caffe_import_data},
    {"WindowData", "window_data_param", 0, 0, 1, -1, caffe_import_data},
    {"Parameter", "parameter_param", 0, 0, 1, 1, caffe_import_parameter},
    /* weights */
    {"Convolution", "convolution_param", 1, -1, 1, -1, caffe_import_convolution},
    {"ConvolutionDepthwise", "convolution_param", 1, 1, 1, 1, caffe_import_depthwise},
    {"DepthwiseConvolution", "convolution_param", 1, 1, 1, 1, caffe_import_depthwise},
    {"Deconvolution", "convolution_param", 1, -1, 1, -1, caffe_import_deconvolution},
    {"InnerProduct", "inner_product_param", 1, 1, 1, 1, caffe_import_inner_product},
    {"Embed", "embed_param", 1, 1, 1, 1, caffe_import_embed},
    /* pooling */
    {"Pooling", "pooling_param", 1, 1, 1, 2, caffe_import_pooling},
    {"SPP", "spp_param", 1, 1, 1, 1, caffe_import_spp},
    {"MaxUnpool", "pooling_param", 2, 2, 1, 1, caffe_import_max_unpool},
    {"Upsample", "upsample_param", 1, 2, 1, 1, caffe_import_upsample},
    /* number by number */
    {"AbsVal", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"BNLL", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Sigmoid", "sigmoid_param", 1, 1, 1, 1, caffe_import_unary},
    {"TanH", "tanh_param", 1, 1, 1, 1, caffe_import_unary},
    {"Sin", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Sinh", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Cos", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Cosh", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Tan", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Asin", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Asinh", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Acos", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Acosh", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Atan", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Atanh", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Ceil", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Erf", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Floor", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"HardSwish", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Identity", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Mish", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Reciprocal", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Round", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Selu", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Sign", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Softplus", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Softsign", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"Sqrt", NULL, 1, 1, 1, 1, caffe_import_unary},
    {"ReLU", "relu_param", 1, 1, 1, 1, caffe_import_relu},
    {"ReLU6", NULL, 1, 1, 1, 1, caffe_import_relu6},
    {"PReLU", "prelu_param", 1, 1, 1, 1, caffe_import_prelu},
    {"ELU", "elu_param", 1, 1, 1, 1, caffe_import_elu},
    {"Exp", "exp_param", 1, 1, 1, 1, caffe_import_exp},
    {"Log", "log_param", 1, 1, 1, 1, caffe_import_log},
    {"Power", "power_param", 1, 1, 1, 1, caffe_import_power},
    {"Swish", "swish_param", 1, 1, 1, 1, caffe_import_swish},
    {"Clip", "clip_param", 1, 1, 1, 1, caffe_import_clip},
    {"Threshold", "threshold_param", 1, 1, 1, 1, caffe_import_threshold},
    {"Dropout", "dropout_param", 1, 1, 1, 1, caffe_import_dropout},
    {"Softmax", "softmax_param", 1, 1, 1, 1, caffe_import_softmax},
    {"SoftMax", "softmax_param", 1, 1, 1, 1, caffe_import_softmax},
    /* normalisation */
    {"LRN", "lrn_param", 1, 1, 1, 1, caffe_import_lrn},
    {"BatchNorm", "batch_norm_param", 1, 1, 1, 1, caffe_import_batch_norm},
    {"BN", "bn_param", 1, 1, 1, 1, caffe_import_bn},
    {"MVN", "mvn_param", 1, 1, 1, 1, caffe_import_mvn},
    {"Normalize", "norm_param", 1, 1, 1, 1, caffe_import_normalize},
    {"NormalizeBBox", "norm_param", 1, 1, 1, 1, caffe_import_normalize},
    /* arithmetic */
    {"Scale", "scale_param", 1, 2, 1, 1, caffe_import_scale},
    {"Bias", "bias_param", 1, 2, 1, 1, caffe_import_bias},
    {"Eltwise", "eltwise_param", 1, -1, 1, 1, caffe_import_eltwise},
    {"Axpy", NULL, 3, 3, 1, 1, caffe_import_axpy},
    {"Reduction", "reduction_param", 1, 1, 1, 1, caffe_import_reduction},
    {"ArgMax", "argmax_param", 1, 1, 1, 1, caffe_import_arg_max},
    /* shape */
    {"Concat", "concat_param", 1, -1, 1, 1, caffe_import_concat},
    {"Slice", "slice_param", 1, 1, 1, -1, caffe_import_slice},
    {"Split", NULL, 1, 1, 1, -1, caffe_import_split},
    {"Flatten", "flatten_param", 1, 1, 1, 1, caffe_import_flatten},
    {"Reshape", "reshape_param", 1, 1, 1, 1, caffe_import_reshape},
    {"Permute", "permute_param", 1, 1, 1, 1, caffe_import_permute},
    {"Transpose", "transpose_param", 1, 1, 1, 1, caffe_import_transpose},
    {"Reverse", "reverse_param", 1, 1, 1, 1, caffe_import_reverse},
    {"Crop", "crop_param", 2, 2, 1, 1, caffe_import_crop},
    {"Tile", "tile_param", 1, 1, 1, 1, caffe_import_tile},
    {"BatchReindex", NULL, 2, 2, 1, 1, caffe_import_batch_reindex},
    {"Silence", NULL, 1, -1, 0, 0, caffe_import_silence},
    {"ShuffleChannel", "shuffle_channel_param", 1, 1, 1, 1, caffe_import_shuffle_channel},
    {"Reorg", "reorg_param", 1, 1, 1, 1, caffe_import_reorg},
    {"Interp", "interp_param", 1, 2, 1, 1, caffe_import_interp},
    {"Resample", "resample_param", 1, 2, 1, 1, caffe_import_resample},
    /* optical flow */
    {"Correlation", "correlation_param", 2, 2, 1, 1, caffe_import_correlation},
    {"FlowWarp", "flow_warp_param", 2, 2, 1, 1, caffe_import_flow_warp},
    {"ChannelNorm", NULL, 1, 1, 1, 1, caffe_import_channel_norm},
    {"Accum", "accum_param", 1, -1, 1, 1, caffe_import_accum},
    {"DataAugmentation", "augmentation_param", 1, 1, 1, 1, caffe_import_data_augmentation},
    /* recurrent */
    {"LSTM", "recurrent_param", 2, 5, 1, 3, caffe_import_lstm},
    {"RNN", "recurrent_param", 2, 4, 1, 2, caffe_import_rnn},
    /* detectors */
    {"PriorBox", "prior_box_param", 2, 2, 1, 1, caffe_import_prior_box},
    {"PriorBoxClustered", "prior_box_param", 2, 2, 1, 1, caffe_import_prior_box},
    {"DetectionOutput", "detection_output_param", 3, 5, 1, 1, caffe_import_detection_output},
    {"ROIPooling", "roi_pooling_param", 2, 2, 1, 1, caffe_import_roi_pooling},
    {"PSROIPooling", "psroi_pooling_param", 2, 2, 1, 1, caffe_import_psroi_pooling},
    {"Proposal", "proposal_param", 3, 3, 1, 2, caffe_import_proposal},
    {"Python", "python_param", 0, -1, 0, -1, caffe_import_python},
    {"Region", "region_param", 1, 1, 1, 1, caffe_import_region},
    /* training */
    {"Accuracy", "accuracy_param", 0, -1, 0, -1, NULL},
    {"ContrastiveLoss", "contrastive_loss_param", 0, -1, 0, -1, NULL},
    {"EuclideanLoss", NULL, 0, -1, 0, -1, NULL},
    {"HDF5Output", "hdf5_output_param", 0, -1, 0, -1, NULL},
    {"HingeLoss", "hinge_loss_param", 0, -1, 0, -1, NULL},
    {"InfogainLoss", "infogain_loss_param", 0, -1, 0, -1, NULL},
    {"MultiBoxLoss", "multibox_loss_param", 0, -1, 0, -1, NULL},
    {"MultinomialLogisticLoss", NULL, 0, -1, 0, -1, NULL},
    {"SigmoidCrossEntropyLoss", NULL, 0, -1, 0, -1, NULL},
    {"SmoothL1Loss", "smooth_l1_loss_param", 0, -1, 0, -1, NULL},
    {"SoftmaxWithLoss", "softmax_param", 0, -1, 0, -1, NULL},
    {"DetectionEvaluate", "detection_evaluate_param", 0, -1, 0, -1, NULL},
};

enum { TYPE_COUNT = sizeof types / sizeof *types };

const caffe_type *caffe_type_find(const char *name)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (!strcmp(types[i].name, name)) return &types[i];
    return NULL;
}

bool caffe_is_param(const char *field)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (types[i].param && !strcmp(types[i].param, field)) return true;
    return false;
}
