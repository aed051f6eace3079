/* Since when there is what the newest opset has: operators, and attributes that came later than
 * their operator. An attribute whose value is the default is not written, and older opsets
 * behave as the default says, unless write_older.c knows better. */
#include "parsers/onnx/write.h"

#include <string.h>

/* Those that are not listed are older than any opset that is written. */
static const struct op_row {
    const char *op;
    int since;
} op_rows[] = {
    {"Acosh", 9},
    {"AffineGrid", 20},
    {"Asinh", 9},
    {"Atanh", 9},
    {"Attention", 23},
    {"Bernoulli", 15},
    {"BitCast", 26},
    {"BitShift", 11},
    {"BitwiseAnd", 18},
    {"BitwiseNot", 18},
    {"BitwiseOr", 18},
    {"BitwiseXor", 18},
    {"BlackmanWindow", 17},
    {"CastLike", 15},
    {"CausalConvWithState", 27},
    {"Celu", 12},
    {"CenterCropPad", 18},
    {"Col2Im", 18},
    {"Compress", 9},
    {"ConcatFromSequence", 11},
    {"ConstantOfShape", 9},
    {"ConvInteger", 10},
    {"Cosh", 9},
    {"CumProd", 26},
    {"CumSum", 11},
    {"DFT", 17},
    {"DeformConv", 19},
    {"DequantizeLinear", 10},
    {"Det", 11},
    {"DynamicQuantizeLinear", 11},
    {"Einsum", 12},
    {"Erf", 9},
    {"Expand", 8},
    {"EyeLike", 9},
    {"GatherElements", 11},
    {"GatherND", 11},
    {"Gelu", 20},
    {"GreaterOrEqual", 12},
    {"GridSample", 16},
    {"GroupNormalization", 21},
    {"HammingWindow", 17},
    {"HannWindow", 17},
    {"HardSwish", 14},
    {"ImageDecoder", 20},
    {"IsInf", 10},
    {"IsNaN", 9},
    {"LayerNormalization", 17},
    {"LessOrEqual", 12},
    {"LinearAttention", 27},
    {"MatMulInteger", 10},
    {"MaxUnpool", 9},
    {"MeanVarianceNormalization", 9},
    {"MelWeightMatrix", 17},
    {"Mish", 18},
    {"Mod", 10},
    {"NegativeLogLikelihoodLoss", 12},
    {"NonMaxSuppression", 10},
    {"NonZero", 9},
    {"OneHot", 9},
    {"Optional", 15},
    {"OptionalGetElement", 15},
    {"OptionalHasElement", 15},
    {"QLinearConv", 10},
    {"QLinearMatMul", 10},
    {"QuantizeLinear", 10},
    {"RMSNormalization", 23},
    {"Range", 11},
    {"RegexFullMatch", 20},
    {"ReverseSequence", 10},
    {"RoiAlign", 10},
    {"RotaryEmbedding", 23},
    {"Round", 11},
    {"STFT", 17},
    {"Scan", 8},
    {"ScatterElements", 9},
    {"ScatterND", 11},
    {"SequenceAt", 11},
    {"SequenceConstruct", 11},
    {"SequenceEmpty", 11},
    {"SequenceErase", 11},
    {"SequenceInsert", 11},
    {"SequenceLength", 11},
    {"SequenceMap", 17},
    {"Shrink", 9},
    {"Sign", 9},
    {"Sinh", 9},
    {"SoftmaxCrossEntropyLoss", 12},
    {"SplitToSequence", 11},
    {"StringConcat", 20},
    {"StringNormalizer", 10},
    {"StringSplit", 20},
    {"SwiGLU", 28},
    {"Swish", 24},
    {"TensorScatter", 24},
    {"TfIdfVectorizer", 9},
    {"ThresholdedRelu", 10},
    {"Trilu", 14},
    {"Unique", 11},
    {"Where", 9},
    /* of ai.onnx.ml */
    {"LabelEncoder", 2},
    {"TreeEnsemble", 5},
};

static const struct attr_row {
    const char *op, *attr;
    int since;
} attr_rows[] = {
    {"ArgMax", "select_last_index", 12},
    {"ArgMin", "select_last_index", 12},
    {"AveragePool", "ceil_mode", 10},
    {"AveragePool", "dilations", 19},
    {"BatchNormalization", "training_mode", 14},
    {"Cast", "round_mode", 24},
    {"Cast", "saturate", 19},
    {"CastLike", "round_mode", 24},
    {"CastLike", "saturate", 19},
    {"DepthToSpace", "mode", 11},
    {"DequantizeLinear", "axis", 13},
    {"DequantizeLinear", "block_size", 21},
    {"DequantizeLinear", "output_dtype", 23},
    {"Dropout", "seed", 12},
    {"GRU", "layout", 14},
    {"GatherND", "batch_dims", 12},
    {"LSTM", "layout", 14},
    {"LpPool", "ceil_mode", 18},
    {"LpPool", "dilations", 18},
    {"MaxPool", "ceil_mode", 10},
    {"MaxPool", "dilations", 10},
    {"MaxPool", "storage_order", 8},
    {"QuantizeLinear", "axis", 13},
    {"QuantizeLinear", "block_size", 21},
    {"QuantizeLinear", "output_dtype", 21},
    {"QuantizeLinear", "precision", 23},
    {"QuantizeLinear", "saturate", 19},
    {"RNN", "layout", 14},
    {"Reshape", "allowzero", 14},
    {"Resize", "antialias", 18},
    {"Resize", "axes", 18},
    {"Resize", "keep_aspect_ratio_policy", 18},
    {"ScatterElements", "reduction", 16},
    {"ScatterND", "reduction", 16},
    {"Shape", "end", 15},
    {"Shape", "start", 15},
    {"Split", "num_outputs", 18},
    {"TopK", "largest", 11},
    {"TopK", "sorted", 11},
    /* of ai.onnx.ml */
    {"LabelEncoder", "default_tensor", 4},
    {"LabelEncoder", "keys_tensor", 4},
    {"LabelEncoder", "values_tensor", 4},
};

/* What ONNX gives no default, though tinydnn does. */
static const struct needed_row {
    const char *op, *attr;
} needed_rows[] = {
    {"BitShift", "direction"},
    {"Momentum", "alpha"},
    {"Momentum", "beta"},
    {"Momentum", "mode"},
    {"Momentum", "norm_coefficient"},
    {"TfIdfVectorizer", "max_gram_length"},
    {"TfIdfVectorizer", "max_skip_count"},
    {"TfIdfVectorizer", "min_gram_length"},
    {"TfIdfVectorizer", "mode"},
};

bool onnx_attr_needed(const tdnn_schema *op, const tdnn_attr *attr)
{
    for (size_t i = 0; i < sizeof needed_rows / sizeof *needed_rows; i++)
        if (!strcmp(needed_rows[i].op, op->name) && !strcmp(needed_rows[i].attr, attr->name))
            return true;
    return attr->required;
}

int onnx_since_op(const tdnn_schema *op)
{
    for (size_t i = 0; i < sizeof op_rows / sizeof *op_rows; i++)
        if (!strcmp(op_rows[i].op, op->name)) return op_rows[i].since;
    return 1;
}

int onnx_since_attr(const tdnn_schema *op, const char *attr)
{
    for (size_t i = 0; i < sizeof attr_rows / sizeof *attr_rows; i++)
        if (!strcmp(attr_rows[i].op, op->name) && !strcmp(attr_rows[i].attr, attr))
            return attr_rows[i].since;
    return 1;
}
