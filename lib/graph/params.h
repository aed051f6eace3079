/* Parameter structs that more than one file fills or reads: those of operators which the
 * parsers of Caffe, TensorFlow and Darknet build and the passes fuse. An operator that only
 * ONNX has keeps its struct in its own file. The meaning is ONNX's. Defaults are in the
 * operator's attribute list.
 */
#ifndef TDNN_GRAPH_PARAMS_H
#define TDNN_GRAPH_PARAMS_H

#include "lib/graph/schema.h"

/* Applied to a result before it is stored. */
typedef enum tdnn_activation_kind {
    TDNN_ACT_NONE,
    TDNN_ACT_RELU,
    TDNN_ACT_LEAKY,       /* x < 0: alpha x                     */
    TDNN_ACT_CLIP,        /* alpha .. beta                      */
    TDNN_ACT_SIGMOID,
    TDNN_ACT_TANH,
    TDNN_ACT_SILU,        /* x sigmoid(x)                       */
    TDNN_ACT_HARDSIGMOID, /* clip(alpha x + beta, 0, 1)         */
    TDNN_ACT_HARDSWISH,   /* x clip(x/6 + 1/2, 0, 1)            */
    TDNN_ACT_MISH,        /* x tanh(softplus(x))                */
    TDNN_ACT_GELU,        /* x/2 (1 + erf(x / sqrt 2))          */
    TDNN_ACT_GELU_TANH,   /* its approximation by tanh          */
    TDNN_ACT_ELU          /* x < 0: alpha (exp(x) - 1)          */
} tdnn_activation_kind;

typedef struct tdnn_activation {
    int64_t kind; /* tdnn_activation_kind */
    float alpha, beta;
} tdnn_activation;

typedef enum tdnn_auto_pad {
    TDNN_PAD_NOTSET,
    TDNN_PAD_SAME_UPPER,
    TDNN_PAD_SAME_LOWER,
    TDNN_PAD_VALID
} tdnn_auto_pad;
extern const char
    *const tdnn_auto_pad_names[]; /* "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID" */

/* Where a convolution or pooling window lies. Lists not given: ones (strides, dilations), zeros
 * (pads: all begins, then all ends), the weights' extent (kernel_shape). */
typedef struct tdnn_window {
    tdnn_ints kernel_shape, strides, dilations, pads;
    int64_t auto_pad; /* tdnn_auto_pad */
} tdnn_window;

/* Conv: inputs X, W, B?, residual?. y = activation(conv(x) + b + residual) */
typedef struct tdnn_conv_params {
    tdnn_window window;
    int64_t group;
    tdnn_activation activation; /* of fused operators; "none" in a model */
    int64_t residual_after;     /* 1: y = activation(conv(x) + b) + residual */
} tdnn_conv_params;

/* ConvChain: inputs X, then weights and bias of up to three convolutions one behind the other,
 * residual?. The second is depthwise; the others may be missing (NULL), with their inputs. */
typedef struct tdnn_conv_chain_params {
    const tdnn_conv_params *stage[3];
} tdnn_conv_chain_params;

/* QuantizeLinear, DequantizeLinear. */
typedef struct tdnn_quantize_params {
    int64_t axis, block_size, output_dtype, precision, saturate;
} tdnn_quantize_params;

/* ConvQuantized: inputs x, w, w_zero?, factor, bias?, x_scale?, x_zero?, y_scale?, y_zero?;
 * parameters as of Conv. A convolution of bytes: x as it is (u8, i8), or quantised, by x_scale
 * and x_zero, or, without x_scale, as DynamicQuantizeLinear does, whose scale then multiplies
 * `factor` (one number, or one for each output channel). y = activation(quantised(sum of (q -
 * x_zero) (w - w_zero) * factor + bias)) where quantised means to bytes by y_scale and y_zero
 * and back to f32, if they are there. */
enum {
    TDNN_CONVQ_X,
    TDNN_CONVQ_W,
    TDNN_CONVQ_W_ZERO,
    TDNN_CONVQ_FACTOR,
    TDNN_CONVQ_BIAS,
    TDNN_CONVQ_X_SCALE,
    TDNN_CONVQ_X_ZERO,
    TDNN_CONVQ_Y_SCALE,
    TDNN_CONVQ_Y_ZERO,
    TDNN_CONVQ_INPUTS
};

typedef struct tdnn_conv_transpose_params {
    tdnn_window window;
    int64_t group;
    tdnn_ints output_padding, output_shape;
    tdnn_activation activation;
} tdnn_conv_transpose_params;

/* MaxPool, AveragePool, LpPool. */
typedef struct tdnn_pool_params {
    tdnn_window window;
    int64_t ceil_mode, count_include_pad, storage_order, p;
} tdnn_pool_params;

typedef struct tdnn_gemm_params {
    float alpha, beta;
    int64_t transA, transB;
    tdnn_activation activation;
} tdnn_gemm_params;

/* MatMulAdd: inputs A, B, row?, residual?. y = activation(A B + row) + residual */
typedef struct tdnn_matmul_add_params {
    tdnn_activation activation;
} tdnn_matmul_add_params;

/* ScaledAttention: y = softmax(scale q k' + masks) v for each of a batch of heads, each matrix
 * seen through strides (counted in elements). Inputs: q, k, v, then the masks. */
enum { TDNN_ATTENTION_MASKS = 3 };
typedef struct tdnn_strided {
    const size_t *at; /* of each of the batch: its first element */
    size_t row, column;
} tdnn_strided;
typedef enum tdnn_mask_kind { TDNN_MASK_ADD, TDNN_MASK_KEEP, TDNN_MASK_DROP } tdnn_mask_kind;
typedef struct tdnn_attention_mask {
    tdnn_strided where;
    tdnn_mask_kind kind; /* ADD: floats, to be added; KEEP, DROP: bools, false or true ones
                            stand for `value` */
    float value;
} tdnn_attention_mask;
typedef struct tdnn_scaled_attention_params {
    size_t batch, queries, keys, depth, width; /* depth: of q and k; width: of v and y */
    float scale, factor;                       /* factor: of v                         */
    tdnn_strided q, k, v, y; /* k: a row for each key; y: columns are adjacent */
    tdnn_attention_mask mask[TDNN_ATTENTION_MASKS];
    size_t mask_count;
} tdnn_scaled_attention_params;

typedef struct tdnn_einsum_params {
    const char *equation; /* lib/graph/einsum.h */
} tdnn_einsum_params;

typedef struct tdnn_axis_params { /* Concat, Softmax, LogSoftmax, Gather, Flatten, CumSum ... */
    int64_t axis;
} tdnn_axis_params;

typedef struct tdnn_transpose_params {
    tdnn_ints perm;
} tdnn_transpose_params;

typedef struct tdnn_batch_norm_params {
    float epsilon, momentum;
    int64_t training_mode;
    tdnn_activation activation; /* fused while planning; otherwise NONE */
} tdnn_batch_norm_params;

typedef struct tdnn_alpha_params { /* LeakyRelu, Elu, Celu, ThresholdedRelu */
    float alpha;
} tdnn_alpha_params;

typedef struct tdnn_hard_sigmoid_params {
    float alpha, beta;
} tdnn_hard_sigmoid_params;

typedef struct tdnn_cast_params {
    int64_t to, saturate;
    int64_t round_mode;
} tdnn_cast_params;

typedef struct tdnn_shuffle_params { /* ChannelShuffle */
    int64_t group;
} tdnn_shuffle_params;

typedef enum tdnn_resize_mode {
    TDNN_RESIZE_NEAREST,
    TDNN_RESIZE_LINEAR,
    TDNN_RESIZE_CUBIC
} tdnn_resize_mode;
/* In the order of the operator's attribute list. */
typedef enum tdnn_resize_coordinates {
    TDNN_COORD_HALF_PIXEL,
    TDNN_COORD_HALF_PIXEL_SYMMETRIC,
    TDNN_COORD_PYTORCH_HALF_PIXEL,
    TDNN_COORD_ALIGN_CORNERS,
    TDNN_COORD_ASYMMETRIC,
    TDNN_COORD_TF_HALF_PIXEL_FOR_NN,
    TDNN_COORD_TF_CROP_AND_RESIZE
} tdnn_resize_coordinates;
typedef enum tdnn_resize_nearest {
    TDNN_NEAREST_ROUND_PREFER_FLOOR,
    TDNN_NEAREST_ROUND_PREFER_CEIL,
    TDNN_NEAREST_FLOOR,
    TDNN_NEAREST_CEIL
} tdnn_resize_nearest;
/* Resize: inputs X, roi?, scales?, sizes?. Enumerations as in the operator's attribute list. */
typedef struct tdnn_resize_params {
    int64_t mode, coordinate_transformation_mode, nearest_mode, exclude_outside, antialias,
        keep_aspect_ratio_policy;
    float cubic_coeff_a, extrapolation_value;
    tdnn_ints axes;
} tdnn_resize_params;

typedef struct tdnn_lrn_params {
    float alpha, beta, bias;
    int64_t size;
} tdnn_lrn_params;

typedef struct tdnn_lp_normalization_params {
    int64_t axis, p;
} tdnn_lp_normalization_params;

typedef struct tdnn_layer_norm_params { /* LayerNormalization, RMSNormalization */
    int64_t axis, stash_type;
    float epsilon;
} tdnn_layer_norm_params;

typedef struct tdnn_gelu_params {
    int64_t approximate; /* 1: by tanh */
} tdnn_gelu_params;

typedef struct tdnn_reshape_params {
    int64_t allowzero;
} tdnn_reshape_params;

/* PriorBox: the boxes that SSD's detections are relative to. Inputs: a map of features and the
 * net's input, N,C,H,W, of which only the sizes count. Output 1 x 2 x 4B: the B boxes' corners
 * x0, y0, x1, y1, relative to the input's size, cells row by row; then as many variances. The
 * boxes of a cell: for each min_size the square of that side, if there is a max_size the square
 * of sqrt(min max), and then one of the same area as the first for each aspect ratio other than
 * 1; or, if `width` is given, those of `width` and `height`. */
typedef struct tdnn_prior_box_params {
    tdnn_floats min_size, max_size; /* pixels of the input */
    tdnn_floats
        aspect_ratio; /* width / height; ratios within 1e-6 of an earlier one: dropped */
    tdnn_floats width, height; /* pixels of the input                                      */
    tdnn_floats variance;      /* 1 or 4; none: 0.1                                        */
    tdnn_floats scales;        /* each box's size is multiplied by; none: 1                */
    tdnn_floats offset_h,
        offset_w;       /* several centres in a cell, in cells, in place of `offset` */
    int64_t flip, clip; /* flip: with each ratio its reciprocal; clip: to 0 .. 1    */
    int64_t normalized; /* 0: corners in pixels                                     */
    int64_t image_height, image_width; /* in place of the input's; 0: the input's */
    float step_h, step_w; /* from cell to cell in pixels; 0: input size / map size    */
    float offset;         /* of a box's centre in its cell, in cells                  */
} tdnn_prior_box_params;

/* Proposal (lib/ops/proposal.c). */
typedef struct tdnn_proposal_params {
    int64_t feat_stride, base_size, min_size; /* min_size: pixels of the unscaled image */
    int64_t pre_nms_topn, post_nms_topn;
    float nms_thresh;
    tdnn_floats ratio, scale;
} tdnn_proposal_params;
/* The anchors of the first place, 4 numbers each: ratios, and for each of them scales. */
void tdnn_proposal_anchors(const tdnn_proposal_params *p, float *out);

/* Correlation (lib/ops/flow.c). */
typedef struct tdnn_correlation_params {
    int64_t kernel_size, max_displacement, pad, stride_1, stride_2;
} tdnn_correlation_params;

typedef enum tdnn_box_code {
    TDNN_BOX_CORNER,
    TDNN_BOX_CENTER_SIZE,
    TDNN_BOX_CORNER_SIZE
} tdnn_box_code;

/* DetectionOutput and DetectionRows: SSD's end. Inputs: locations N x 4BL (L is 1 if
 * share_location, else `num_classes`), scores N x B num_classes, boxes and variances 1 x 2 x 4B
 * as PriorBox makes them. Output: rows of 7: image, class, score, x0, y0, x1, y1; images in
 * order, best first. DetectionOutput has keep_top_k rows for each image, 1 x 1 x N keep_top_k x
 * 7, the used ones first and zeros behind them; DetectionRows has as many as there are. Output
 * 1, optional: their number, a scalar of i64. */
typedef struct tdnn_detection_output_params {
    int64_t num_classes, share_location, background_label_id; /* background: -1: none      */
    int64_t code_type;                                        /* tdnn_box_code             */
    int64_t keep_top_k; /* rows of an image; DetectionRows: -1: all                        */
    int64_t top_k;      /* candidates of a class that take part in the suppression; -1: all */
    float nms_threshold, eta; /* eta < 1: the threshold shrinks by it, as in tdnn_nms_params */
    float confidence_threshold; /* only scores above it                                    */
    int64_t variance_encoded_in_target; /* 1: locations are not to be multiplied by variances,
                                           which then may be left out                       */
    int64_t clip;                       /* boxes to 0 .. 1                                 */
    int64_t normalized_bbox;            /* 0: boxes in pixels, the last one included       */
    int64_t loc_pred_transposed;        /* locations are y0, x0, y1, x1                    */
} tdnn_detection_output_params;

/* Darknet's region and yolo layers: inputs N,C,H,W and, optional, the net's input, whose size
 * then counts in place of net_width and net_height; output rows of 5 + classes columns: cx, cy,
 * w, h relative to the net's input, objectness, objectness times class probability; cells row
 * by row, anchors fastest; [H W A, 5+C] for N = 1, else [N, H W A, 5+C], as OpenCV has it. */
typedef struct tdnn_yolo_params {
    int64_t classes, region; /* region: 1 for YOLOv2's layer: softmax, anchors in cells */
    tdnn_floats anchors;     /* width, height pairs of this layer's anchors, in input pixels
                                (region:     in cells) */
    int64_t net_width, net_height;
    float scale_x_y, thresh; /* thresh: class scores not above it become 0; 0: none */
    float nms_threshold;     /* > 0: suppression within the layer, as OpenCV has it  */
    int64_t new_coords, softmax, classfix, coords, background;
    int64_t gaussian; /* 1: each of x, y, w, h is followed by its uncertainty            */
    int64_t point;    /* of the box that x, y are: 0 centre, 1 left top, 2 right bottom  */
} tdnn_yolo_params;

#endif
