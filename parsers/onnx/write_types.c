/* Element types that operators, or ONNX itself, took only later. */
#include "parsers/onnx/write.h"

#include <string.h>

#define BIT(type) (UINT32_C(1) << TDNN_##type)

/* By bits of no type. */
#define SEQUENCES (UINT32_C(1) << 31)
#define OPTIONALS (UINT32_C(1) << 30)
#define SMALL (BIT(I8) | BIT(U8) | BIT(I16) | BIT(U16))
#define LARGE (BIT(I32) | BIT(U32) | BIT(I64) | BIT(U64))
#define REALS (BIT(F16) | BIT(F32) | BIT(F64))

/* The type of the first input or of the first output, whichever it is; of Pow, of all. */
static const struct row {
    const char *op;
    uint32_t types;
    int since;
} rows[] = {
    {"Add", SMALL, 14},
    {"Cast", BIT(STRING), 9},
    {"Celu", BIT(BF16) | BIT(F16) | BIT(F64), 28},
    {"Clip", SMALL | LARGE, 12},
    {"CumSum", BIT(F16), 14},
    {"DequantizeLinear", BIT(I16) | BIT(U16), 21},
    {"DequantizeLinear", BIT(F16), 19},
    {"Div", SMALL, 14},
    {"Equal", REALS | SMALL | BIT(U32) | BIT(U64), 11},
    {"Equal", BIT(STRING), 19},
    {"Flatten", SMALL | LARGE | BIT(BOOL) | BIT(STRING), 9},
    {"Gemm", LARGE, 9},
    {"Greater", SMALL | LARGE, 9},
    {"Identity", SEQUENCES, 14},
    {"Identity", OPTIONALS, 16},
    {"If", SEQUENCES, 13},
    {"If", OPTIONALS, 16},
    {"IsInf", BIT(F16), 20},
    {"Less", SMALL | LARGE, 9},
    {"Loop", SEQUENCES, 13},
    {"Loop", OPTIONALS, 16},
    {"MatMul", LARGE, 9},
    {"Max", SMALL | LARGE, 12},
    {"MaxPool", BIT(I8) | BIT(U8), 12},
    {"Min", SMALL | LARGE, 12},
    {"Mul", SMALL, 14},
    {"PRelu", LARGE, 9},
    {"Pad", SMALL | LARGE, 11},
    {"Pad", BIT(BOOL) | BIT(STRING), 13},
    {"Pow", SMALL | LARGE, 12},
    {"QuantizeLinear", BIT(I16) | BIT(U16), 21},
    {"QuantizeLinear", BIT(F16), 19},
    {"Range", BIT(BF16), 27},
    {"ReduceMax", BIT(I8) | BIT(U8), 12},
    {"ReduceMax", BIT(BOOL), 20},
    {"ReduceMin", BIT(I8) | BIT(U8), 12},
    {"ReduceMin", BIT(BOOL), 20},
    {"Relu", SMALL | LARGE, 14},
    {"Sub", SMALL, 14},
    {"TopK", SMALL | LARGE, 11},
};

/* Took bf16 in opset 22. */
static const char *const late_bf16[] = {
    "Acos",
    "Acosh",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "Conv",
    "AveragePool",
    "Bernoulli",
    "ConvTranspose",
    "Cos",
    "Cosh",
    "DeformConv",
    "Det",
    "Dropout",
    "Elu",
    "EyeLike",
    "GRU",
    "GridSample",
    "GlobalAveragePool",
    "LSTM",
    "LpPool",
    "HardSwish",
    "HardSigmoid",
    "GlobalLpPool",
    "MaxPool",
    "Mish",
    "MaxRoiPool",
    "MaxUnpool",
    "GlobalMaxPool",
    "RNN",
    "RoiAlign",
    "Multinomial",
    "RandomNormal",
    "InstanceNormalization",
    "Round",
    "Selu",
    "RandomUniform",
    "RandomNormalLike",
    "LpNormalization",
    "Sin",
    "Sinh",
    "RandomUniformLike",
    "Softplus",
    "NegativeLogLikelihoodLoss",
    "Softsign",
    "Tan",
    "ThresholdedRelu",
};

/* Since when ONNX has the type at all. */
static int type_since(const tdnn_value *value)
{
    switch (value->dtype) {
    case TDNN_BF16: return 13;
    case TDNN_F8E4M3FN:
    case TDNN_F8E4M3FNUZ:
    case TDNN_F8E5M2:
    case TDNN_F8E5M2FNUZ: return 19;
    case TDNN_U4:
    case TDNN_I4: return 21;
    case TDNN_F4E2M1: return 23;
    case TDNN_F8E8M0: return 24;
    case TDNN_U2:
    case TDNN_I2: return 25;
    default: break;
    }
    return value->kind == TDNN_KIND_SEQUENCE ? 11 : value->kind == TDNN_KIND_OPTIONAL ? 15 : 1;
}

static int op_since(const onnx_item *item, const tdnn_value *value)
{
    const uint32_t is = value->kind == TDNN_KIND_SEQUENCE   ? SEQUENCES
                        : value->kind == TDNN_KIND_OPTIONAL ? OPTIONALS
                                                            : UINT32_C(1) << value->dtype;
    int since = 1;
    for (size_t i = 0; value->dtype != TDNN_NONE && i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].op, item->op) && (rows[i].types & is) && since < rows[i].since)
            since = rows[i].since;
    for (size_t i = 0; value->dtype == TDNN_BF16 && i < sizeof late_bf16 / sizeof *late_bf16;
         i++)
        if (!strcmp(late_bf16[i], item->op) && since < 22) since = 22;
    return since;
}

static int values_since(const onnx_item *item, const tdnn_id *ids, size_t count)
{
    int since = 1;
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == TDNN_ABSENT) continue;
        const tdnn_value *value = &item->level->graph->values[ids[i]];
        bool counts = i == 0 || item->node->op->kind == TDNN_OP_Pow;
        int whole = type_since(value), here = counts ? op_since(item, value) : 1;
        if (since < whole) since = whole;
        if (since < here) since = here;
    }
    return since;
}

int onnx_since_types(const onnx_item *item)
{
    const tdnn_node *node = item->node;
    int in = values_since(item, item->inputs, item->input_count);
    int out = values_since(item, node->outputs, node->output_count);
    return in > out ? in : out;
}
