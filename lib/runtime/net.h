/* A net: the optimised graph, its constants and what is packed of them. Never changes after
 * loading, but for the packs, which are behind a mutex. */
#ifndef TDNN_RUNTIME_NET_H
#define TDNN_RUNTIME_NET_H

#include "lib/runtime/pack.h"

#include <stdatomic.h>

struct tdnn_net {
    atomic_int refs;
    tdnn_format format;
    tdnn_graph *graph;
    tdnn_packs *packs;
    tdnn_port *inputs, *outputs;
    const char *
        *output_nodes; /* names of the nodes that made the outputs in the model; "": none */
    uint64_t weight_bytes;
    uint64_t allocated; /* bytes, by loading */
    struct tdnn_mutex
        *mutex; /* of `ready`: all data of constants are there that must be for running */
    bool ready;
};

/* From bytes; `names` are for messages, `dir` is where external data may lie (NULL: refused).
 * The files as in tdnn_source. */
typedef struct tdnn_load_request {
    tdnn_bytes model, config;
    const char *model_name, *config_name, *dir;
    tdnn_file *model_file, *config_file; /* NULL: bytes are copied */
    const tdnn_load_options *options;
} tdnn_load_request;
tdnn_status tdnn_net_build(const tdnn_load_request *request, tdnn_net **out, tdnn_error *err);
/* Makes the data of constants that loading left for later. Before the first session runs. */
tdnn_status tdnn_net_ready(tdnn_net *net, tdnn_error *err);
void tdnn_net_destroy(tdnn_net *net);

/* cut.c: makes the options' inner inputs and outputs those of the graph. */
tdnn_status tdnn_graph_cut(tdnn_graph *graph, const tdnn_load_options *options, tdnn_error *err);

/* survey.c: tells `found` of each node whose types or shapes do not work out, for the sizes in
 * the options, and then fails. The second: of a graph that has parts left out. */
tdnn_status tdnn_graph_survey(const tdnn_graph *graph, const tdnn_load_options *options,
                              tdnn_error *err);
tdnn_status tdnn_graph_survey_rest(tdnn_graph *graph, const tdnn_load_options *options,
                                   tdnn_error *err);

/* dot.c */
tdnn_status tdnn_graph_write_dot(const tdnn_graph *graph, const char *path, tdnn_error *err);

#endif
