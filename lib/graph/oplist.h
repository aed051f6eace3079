/* The list of operators: adding one means a row here and a descriptor `tdnn_op_NAME` in lib/ops.
 * Names are ONNX's; those behind the line "ours" are tinydnn's own. */
#ifndef TDNN_GRAPH_OPLIST_H
#define TDNN_GRAPH_OPLIST_H

#define TDNN_OP_LIST(X)                                                                          \
    X(Identity)                                                                                  \
    X(Reshape)                                                                                   \
    X(Shape)                                                                                     \
    /* ours */                                                                                   \
    X(Reorder)

#endif
