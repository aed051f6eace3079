/* Building the standard operators that stand for one node: what the files of the lowering
 * share.
 *
 * The first failure is kept in `status`; everything after it does nothing and gives
 * TDNN_ABSENT, so an expansion reads like arithmetic and is checked once, at its end.
 */
#ifndef TDNN_PASSES_LOWER_H
#define TDNN_PASSES_LOWER_H

#include "lib/graph/params.h"
#include "lib/passes/pass.h"

typedef struct tdnn_lowering {
    tdnn_graph *graph;
    tdnn_node *node; /* what is being replaced              */
    tdnn_node *last; /* the node made last                  */
    size_t begin;    /* the first node of the expansion     */
    int64_t opset;   /* of ONNX's own operators             */
    tdnn_status status;
    tdnn_error *err;
} tdnn_lowering;

/* ---- nodes ---- */

/* A node with one output, which comes back. */
tdnn_id lower_append(tdnn_lowering *l, tdnn_op_kind kind, const tdnn_id *inputs, size_t count);
#define lower_op(l, op, ...)                                                                   \
    lower_append((l), TDNN_OP_##op, (const tdnn_id[]){__VA_ARGS__},                            \
                 sizeof((const tdnn_id[]){__VA_ARGS__}) / sizeof(tdnn_id))
/* Another output of the node made last. */
tdnn_id lower_more(tdnn_lowering *l);
/* Attributes of the node made last. */
void lower_set_int(tdnn_lowering *l, const char *name, int64_t value);
void lower_set_float(tdnn_lowering *l, const char *name, float value);
void lower_set_ints(tdnn_lowering *l, const char *name, const int64_t *values, size_t count);
/* Reads a parameter of a node by the name of its attribute. */
void lower_read(const tdnn_node *node, const char *name, void *out, size_t size);
/* Input `index` of the node that is replaced; TDNN_ABSENT if it has none. */
tdnn_id lower_input(const tdnn_lowering *l, size_t index);
bool lower_wants(const tdnn_lowering *l, size_t output);
/* What was built becomes output `index` of the node that is replaced. */
void lower_result(tdnn_lowering *l, size_t index, tdnn_id value);
/* The node cannot be said in standard operators. */
void lower_refuse(tdnn_lowering *l, const char *why);
/* The node itself stays, under its own outputs. */
void lower_keep(tdnn_lowering *l);

/* ---- constants ---- */

tdnn_id lower_vector(tdnn_lowering *l, const int64_t *values, size_t count);
#define lower_ints(l, ...)                                                                     \
    lower_vector((l), (const int64_t[]){__VA_ARGS__},                                          \
                 sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))
tdnn_id lower_i64(tdnn_lowering *l, int64_t value); /* a scalar          */
tdnn_id lower_f32(tdnn_lowering *l, float value);   /* a scalar          */
tdnn_id lower_one(tdnn_lowering *l, float value);   /* a vector of one */
tdnn_id lower_f64(tdnn_lowering *l, double value);  /* a scalar          */
tdnn_id lower_floats(tdnn_lowering *l, const float *values, int ndim, const int64_t *dims);
tdnn_id lower_doubles(tdnn_lowering *l, const double *values, int64_t count);
/* A scalar of the type that input `index` of the node has, f32 if that is not known. */
tdnn_id lower_number(tdnn_lowering *l, size_t index, double value);

/* ---- shapes ---- */

tdnn_id lower_dim(tdnn_lowering *l, tdnn_id x, int axis); /* a vector of one */
tdnn_id lower_cast(tdnn_lowering *l, tdnn_id x, tdnn_dtype to);
tdnn_id lower_concat(tdnn_lowering *l, int64_t axis, const tdnn_id *pieces, size_t count);
#define lower_joined(l, axis, ...)                                                             \
    lower_concat((l), (axis), (const tdnn_id[]){__VA_ARGS__},                                  \
                 sizeof((const tdnn_id[]){__VA_ARGS__}) / sizeof(tdnn_id))
/* dims as Reshape has them: 0 keeps a size, -1 is the rest. */
#define lower_reshape(l, x, ...) lower_op((l), Reshape, (x), lower_ints((l), __VA_ARGS__))
tdnn_id lower_permute(tdnn_lowering *l, tdnn_id x, const int64_t *perm, size_t count);
#define lower_transpose(l, x, ...)                                                             \
    lower_permute((l), (x), (const int64_t[]){__VA_ARGS__},                                    \
                  sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))
/* Elements begin, begin + step ... before end along an axis; INT64_MAX: up to its end. */
tdnn_id lower_slice(tdnn_lowering *l, tdnn_id x, int64_t axis, int64_t begin, int64_t end,
                    int64_t step);
/* The first `count` (a vector of one) along an axis. */
tdnn_id lower_head(tdnn_lowering *l, tdnn_id x, int64_t axis, tdnn_id count);
tdnn_id lower_gather(tdnn_lowering *l, tdnn_id x, tdnn_id indices, int64_t axis);
tdnn_id lower_squeeze(tdnn_lowering *l, tdnn_id x, int64_t axis);
tdnn_id lower_unsqueeze(tdnn_lowering *l, tdnn_id x, int64_t axis);
tdnn_id lower_reduce(tdnn_lowering *l, tdnn_op_kind kind, tdnn_id x, int64_t axis, bool keep);
/* 0, 1 ... before `count`, a vector of one, as i64. */
tdnn_id lower_count_up(tdnn_lowering *l, tdnn_id count);
/* Row and column of each cell of N,C,H,W maps: vectors of i64. */
void lower_cells(tdnn_lowering *l, tdnn_id maps, tdnn_id *row, tdnn_id *column);
/* `shape` full of a number. */
tdnn_id lower_full(tdnn_lowering *l, tdnn_id shape, float value);

/* ---- the expansions ---- */

typedef void (*tdnn_lower_fn)(tdnn_lowering *l);

/* lower_activation.c */
/* The activation of x; constants have the type of input `type_of` of the node. */
tdnn_id lower_activate(tdnn_lowering *l, const tdnn_activation *a, tdnn_id x, size_t type_of);
void tdnn_lower_fused(tdnn_lowering *l); /* Conv, ConvTranspose, Gemm */
void tdnn_lower_swish(tdnn_lowering *l);
void tdnn_lower_mish(tdnn_lowering *l);
void tdnn_lower_gelu(tdnn_lowering *l);
void tdnn_lower_hard_swish(tdnn_lowering *l);
void tdnn_lower_shuffle(tdnn_lowering *l);
/* lower_quantized.c */
void tdnn_lower_conv_quantized(tdnn_lowering *l);
/* lower_yolo.c */
void tdnn_lower_yolo(tdnn_lowering *l);
/* lower_ssd.c */
void tdnn_lower_detections(tdnn_lowering *l);
/* lower_prior_box.c */
void tdnn_lower_prior_box(tdnn_lowering *l);
/* lower_roi.c */
void tdnn_lower_proposal(tdnn_lowering *l);
void tdnn_lower_ps_roi_pool(tdnn_lowering *l);
/* lower_flow.c */
void tdnn_lower_correlation(tdnn_lowering *l);
void tdnn_lower_flow_warp(tdnn_lowering *l);
/* lower_norm.c */
void tdnn_lower_softmax(tdnn_lowering *l);
void tdnn_lower_layer_norm(tdnn_lowering *l);
/* lower_newer.c */
void tdnn_lower_batch_norm(tdnn_lowering *l);
void tdnn_lower_resize(tdnn_lowering *l);
void tdnn_lower_shape(tdnn_lowering *l);

#endif
