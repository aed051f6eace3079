/* A net as an ONNX model. */
#ifndef TDNN_RUNTIME_WRITE_H
#define TDNN_RUNTIME_WRITE_H

#include "lib/runtime/net.h"

tdnn_status tdnn_net_write(tdnn_net *net, const tdnn_onnx_options *options, const char *path,
                           tdnn_error *err);

/* declare.c: gives values whose type or shape is not declared those that follow from the
 * inputs'. Sizes that depend on free sizes of inputs are free. Leaves alone what cannot be
 * known without running. */
tdnn_status tdnn_graph_declare(tdnn_graph *graph, tdnn_error *err);
/* declare.c: makes constants of what depends on nothing but sizes, where all inputs' sizes are
 * declared. */
tdnn_status tdnn_graph_settle(tdnn_graph *graph, tdnn_error *err);

#endif
