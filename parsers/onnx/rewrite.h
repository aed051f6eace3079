/* Rewrites: operators that an older opset says differently, or that are made of others. */
#ifndef TDNN_PARSERS_ONNX_REWRITE_H
#define TDNN_PARSERS_ONNX_REWRITE_H

#include "parsers/onnx/import.h"

/* rewrite_attr.c: what was an attribute is an input now. */
tdnn_status onnx_rewrite_axes(onnx_call *call,
                              tdnn_error *err); /* Squeeze, Unsqueeze, Reduce... */
tdnn_status onnx_rewrite_clip(onnx_call *call, tdnn_error *err);    /* below 11 */
tdnn_status onnx_rewrite_dft(onnx_call *call, tdnn_error *err);     /* below 20 */
tdnn_status onnx_rewrite_dropout(onnx_call *call, tdnn_error *err); /* below 12 */
tdnn_status onnx_rewrite_pad(onnx_call *call, tdnn_error *err);     /* below 11 */
tdnn_status onnx_rewrite_reshape(onnx_call *call, tdnn_error *err); /* below 5  */
tdnn_status onnx_rewrite_slice(onnx_call *call, tdnn_error *err);   /* below 10 */
tdnn_status onnx_rewrite_split(onnx_call *call, tdnn_error *err);   /* below 18 */
tdnn_status onnx_rewrite_topk(onnx_call *call, tdnn_error *err);    /* below 10 */

/* rewrite_meaning.c: the same name, another meaning. */
tdnn_status onnx_rewrite_batch_norm(onnx_call *call, tdnn_error *err);  /* below 14 */
tdnn_status onnx_rewrite_broadcast(onnx_call *call, tdnn_error *err);   /* Add ... below 7 */
tdnn_status onnx_rewrite_cast(onnx_call *call, tdnn_error *err);        /* below 6  */
tdnn_status onnx_rewrite_concat(onnx_call *call, tdnn_error *err);      /* below 4  */
tdnn_status onnx_rewrite_gemm(onnx_call *call, tdnn_error *err);        /* below 7  */
tdnn_status onnx_rewrite_grid_sample(onnx_call *call, tdnn_error *err); /* below 20 */
tdnn_status onnx_rewrite_group_norm(onnx_call *call, tdnn_error *err);  /* below 21 */
tdnn_status onnx_rewrite_lp_pool(onnx_call *call, tdnn_error *err);     /* below 2  */
tdnn_status onnx_rewrite_prelu(onnx_call *call, tdnn_error *err);       /* below 7  */
tdnn_status onnx_rewrite_recurrent(onnx_call *call, tdnn_error *err);   /* below 7  */
tdnn_status onnx_rewrite_resize_10(onnx_call *call, tdnn_error *err);
tdnn_status onnx_rewrite_resize(onnx_call *call, tdnn_error *err); /* from 11 on */
tdnn_status onnx_rewrite_roi_align(onnx_call *call, tdnn_error *err); /* below 16 */
tdnn_status onnx_rewrite_scan_8(onnx_call *call, tdnn_error *err);
tdnn_status onnx_rewrite_scatter(onnx_call *call, tdnn_error *err);
tdnn_status onnx_rewrite_selu(onnx_call *call, tdnn_error *err);    /* below 6  */
tdnn_status onnx_rewrite_softmax(onnx_call *call, tdnn_error *err); /* below 13 */
tdnn_status onnx_rewrite_upsample(onnx_call *call, tdnn_error *err);

#endif
