/* Which operators are rewritten on their way in, and up to which opset. */
#include "parsers/onnx/rewrite.h"

#include <string.h>

typedef struct row {
    const char *domain, *op;
    int since, until; /* versions of the domain's operator set; until 0: for good */
    onnx_rewrite_fn rewrite;
} row;

static const row rows[] = {
    {"", "Add", 1, 6, onnx_rewrite_broadcast},
    {"", "And", 1, 6, onnx_rewrite_broadcast},
    {"", "BatchNormalization", 1, 13, onnx_rewrite_batch_norm},
    {"", "Cast", 1, 5, onnx_rewrite_cast},
    {"", "Clip", 1, 10, onnx_rewrite_clip},
    {"", "Concat", 1, 3, onnx_rewrite_concat},
    {"", "Constant", 1, 0, onnx_constant_import},
    {"", "DFT", 17, 19, onnx_rewrite_dft},
    {"", "Div", 1, 6, onnx_rewrite_broadcast},
    {"", "Dropout", 1, 11, onnx_rewrite_dropout},
    {"", "Equal", 1, 6, onnx_rewrite_broadcast},
    {"", "GRU", 1, 6, onnx_rewrite_recurrent},
    {"", "Gemm", 1, 6, onnx_rewrite_gemm},
    {"", "GlobalLpPool", 1, 1, onnx_rewrite_lp_pool},
    {"", "Greater", 1, 6, onnx_rewrite_broadcast},
    {"", "GridSample", 16, 19, onnx_rewrite_grid_sample},
    {"", "GroupNormalization", 18, 20, onnx_rewrite_group_norm},
    {"", "Hardmax", 1, 12, onnx_rewrite_softmax},
    {"", "LSTM", 1, 6, onnx_rewrite_recurrent},
    {"", "Less", 1, 6, onnx_rewrite_broadcast},
    {"", "LogSoftmax", 1, 12, onnx_rewrite_softmax},
    {"", "LpPool", 1, 1, onnx_rewrite_lp_pool},
    {"", "Mul", 1, 6, onnx_rewrite_broadcast},
    {"", "Or", 1, 6, onnx_rewrite_broadcast},
    {"", "PRelu", 1, 6, onnx_rewrite_prelu},
    {"", "Pad", 1, 10, onnx_rewrite_pad},
    {"", "Pow", 1, 6, onnx_rewrite_broadcast},
    {"", "RNN", 1, 6, onnx_rewrite_recurrent},
    {"", "ReduceL1", 1, 17, onnx_rewrite_axes},
    {"", "ReduceL2", 1, 17, onnx_rewrite_axes},
    {"", "ReduceLogSum", 1, 17, onnx_rewrite_axes},
    {"", "ReduceLogSumExp", 1, 17, onnx_rewrite_axes},
    {"", "ReduceMax", 1, 17, onnx_rewrite_axes},
    {"", "ReduceMean", 1, 17, onnx_rewrite_axes},
    {"", "ReduceMin", 1, 17, onnx_rewrite_axes},
    {"", "ReduceProd", 1, 17, onnx_rewrite_axes},
    {"", "ReduceSum", 1, 12, onnx_rewrite_axes},
    {"", "ReduceSumSquare", 1, 17, onnx_rewrite_axes},
    {"", "Reshape", 1, 4, onnx_rewrite_reshape},
    {"", "Resize", 10, 10, onnx_rewrite_resize_10},
    {"", "Resize", 11, 0, onnx_rewrite_resize},
    {"", "RoiAlign", 10, 15, onnx_rewrite_roi_align},
    {"", "Scan", 8, 8, onnx_rewrite_scan_8},
    {"", "Scatter", 9, 0, onnx_rewrite_scatter},
    {"", "Selu", 1, 5, onnx_rewrite_selu},
    {"", "Slice", 1, 9, onnx_rewrite_slice},
    {"", "Softmax", 1, 12, onnx_rewrite_softmax},
    {"", "Split", 1, 17, onnx_rewrite_split},
    {"", "Squeeze", 1, 12, onnx_rewrite_axes},
    {"", "Sub", 1, 6, onnx_rewrite_broadcast},
    {"", "TopK", 1, 9, onnx_rewrite_topk},
    {"", "Unsqueeze", 1, 12, onnx_rewrite_axes},
    {"", "Upsample", 1, 0, onnx_rewrite_upsample},
    {"", "Xor", 1, 6, onnx_rewrite_broadcast},
};

onnx_rewrite_fn onnx_rewrite_find(const char *domain, const char *op, int64_t version)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (version >= rows[i].since && (rows[i].until == 0 || version <= rows[i].until) &&
            !strcmp(rows[i].op, op) && !strcmp(rows[i].domain, domain))
            return rows[i].rewrite;
    return NULL;
}
