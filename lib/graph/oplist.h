/* The list of operators: adding one means a row here and a descriptor `tdnn_op_NAME` in lib/ops.
 * Names are ONNX's; those behind the line "ours" are tinydnn's own. */
#ifndef TDNN_GRAPH_OPLIST_H
#define TDNN_GRAPH_OPLIST_H

#define TDNN_OP_LIST(X)                                                                          \
    /* compute */                                                                                \
    X(Add)                                                                                       \
    X(And)                                                                                       \
    X(BitShift)                                                                                  \
    X(BitwiseAnd)                                                                                \
    X(BitwiseOr)                                                                                 \
    X(BitwiseXor)                                                                                \
    X(Div)                                                                                       \
    X(Equal)                                                                                     \
    X(Greater)                                                                                   \
    X(GreaterOrEqual)                                                                            \
    X(Less)                                                                                      \
    X(LessOrEqual)                                                                               \
    X(Max)                                                                                       \
    X(Mean)                                                                                      \
    X(Min)                                                                                       \
    X(Mul)                                                                                       \
    X(Or)                                                                                        \
    X(Sub)                                                                                       \
    X(Sum)                                                                                       \
    X(Xor)                                                                                       \
    /* the rest */                                                                               \
    X(Identity)                                                                                  \
    X(Reshape)                                                                                   \
    X(Shape)                                                                                     \
    /* data, control flow, sequences, strings */                                                 \
    X(CenterCropPad)                                                                             \
    X(Concat)                                                                                    \
    X(ConstantOfShape)                                                                           \
    X(DepthToSpace)                                                                              \
    X(Expand)                                                                                    \
    X(EyeLike)                                                                                   \
    X(Flatten)                                                                                   \
    X(Gather)                                                                                    \
    X(GatherElements)                                                                            \
    X(GatherND)                                                                                  \
    X(Pad)                                                                                       \
    X(Range)                                                                                     \
    X(Resize)                                                                                    \
    X(ScatterElements)                                                                           \
    X(ScatterND)                                                                                 \
    X(Size)                                                                                      \
    X(Slice)                                                                                     \
    X(SpaceToDepth)                                                                              \
    X(Split)                                                                                     \
    X(Squeeze)                                                                                   \
    X(TensorScatter)                                                                             \
    X(Tile)                                                                                      \
    X(Transpose)                                                                                 \
    X(Unsqueeze)                                                                                 \
    /* ours */                                                                                   \
    X(Reorder)

#endif
