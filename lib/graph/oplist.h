/* The list of operators: adding one means a row here and a descriptor `tdnn_op_NAME` in lib/ops.
 * Names are ONNX's; those behind the line "ours" are tinydnn's own. */
#ifndef TDNN_GRAPH_OPLIST_H
#define TDNN_GRAPH_OPLIST_H

#define TDNN_OP_LIST(X)                                                                          \
    /* compute */                                                                                \
    X(Abs)                                                                                       \
    X(Acos)                                                                                      \
    X(Acosh)                                                                                     \
    X(Add)                                                                                       \
    X(And)                                                                                       \
    X(Asin)                                                                                      \
    X(Asinh)                                                                                     \
    X(Atan)                                                                                      \
    X(Atanh)                                                                                     \
    X(BitShift)                                                                                  \
    X(BitwiseAnd)                                                                                \
    X(BitwiseNot)                                                                                \
    X(BitwiseOr)                                                                                 \
    X(BitwiseXor)                                                                                \
    X(Ceil)                                                                                      \
    X(Celu)                                                                                      \
    X(Clip)                                                                                      \
    X(Cos)                                                                                       \
    X(Cosh)                                                                                      \
    X(Div)                                                                                       \
    X(Elu)                                                                                       \
    X(Equal)                                                                                     \
    X(Erf)                                                                                       \
    X(Exp)                                                                                       \
    X(Floor)                                                                                     \
    X(Gelu)                                                                                      \
    X(Greater)                                                                                   \
    X(GreaterOrEqual)                                                                            \
    X(HardSigmoid)                                                                               \
    X(HardSwish)                                                                                 \
    X(IsInf)                                                                                     \
    X(IsNaN)                                                                                     \
    X(LeakyRelu)                                                                                 \
    X(Less)                                                                                      \
    X(LessOrEqual)                                                                               \
    X(Log)                                                                                       \
    X(Max)                                                                                       \
    X(Mean)                                                                                      \
    X(Min)                                                                                       \
    X(Mish)                                                                                      \
    X(Mod)                                                                                       \
    X(Mul)                                                                                       \
    X(Neg)                                                                                       \
    X(Not)                                                                                       \
    X(Or)                                                                                        \
    X(PRelu)                                                                                     \
    X(Pow)                                                                                       \
    X(Reciprocal)                                                                                \
    X(Relu)                                                                                      \
    X(Round)                                                                                     \
    X(Selu)                                                                                      \
    X(Shrink)                                                                                    \
    X(Sigmoid)                                                                                   \
    X(Sign)                                                                                      \
    X(Sin)                                                                                       \
    X(Sinh)                                                                                      \
    X(Softplus)                                                                                  \
    X(Softsign)                                                                                  \
    X(Sqrt)                                                                                      \
    X(Sub)                                                                                       \
    X(Sum)                                                                                       \
    X(Swish)                                                                                     \
    X(Tan)                                                                                       \
    X(Tanh)                                                                                      \
    X(ThresholdedRelu)                                                                           \
    X(Where)                                                                                     \
    X(Xor)                                                                                       \
    /* the rest */                                                                               \
    X(Identity)                                                                                  \
    X(Reshape)                                                                                   \
    X(Shape)                                                                                     \
    /* data, control flow, sequences, strings */                                                 \
    X(CenterCropPad)                                                                             \
    X(Concat)                                                                                    \
    X(ConcatFromSequence)                                                                        \
    X(ConstantOfShape)                                                                           \
    X(DepthToSpace)                                                                              \
    X(Expand)                                                                                    \
    X(EyeLike)                                                                                   \
    X(Flatten)                                                                                   \
    X(Gather)                                                                                    \
    X(GatherElements)                                                                            \
    X(GatherND)                                                                                  \
    X(If)                                                                                        \
    X(Loop)                                                                                      \
    X(Optional)                                                                                  \
    X(OptionalGetElement)                                                                        \
    X(OptionalHasElement)                                                                        \
    X(Pad)                                                                                       \
    X(Range)                                                                                     \
    X(Resize)                                                                                    \
    X(Scan)                                                                                      \
    X(ScatterElements)                                                                           \
    X(ScatterND)                                                                                 \
    X(SequenceAt)                                                                                \
    X(SequenceConstruct)                                                                         \
    X(SequenceEmpty)                                                                             \
    X(SequenceErase)                                                                             \
    X(SequenceInsert)                                                                            \
    X(SequenceLength)                                                                            \
    X(SequenceMap)                                                                               \
    X(Size)                                                                                      \
    X(Slice)                                                                                     \
    X(SpaceToDepth)                                                                              \
    X(Split)                                                                                     \
    X(SplitToSequence)                                                                           \
    X(Squeeze)                                                                                   \
    X(TensorScatter)                                                                             \
    X(Tile)                                                                                      \
    X(Transpose)                                                                                 \
    X(Unsqueeze)                                                                                 \
    /* convolutions and matrix products */                                                       \
    X(Conv)                                                                                      \
    /* ours */                                                                                   \
    X(Reorder)

#endif
