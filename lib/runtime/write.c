/* From a net to an ONNX file: a copy of its graph is taken apart into ONNX's own operators, and
 * written. */
#include "lib/runtime/write.h"

#include "lib/base/thread.h"
#include "lib/passes/pass.h"
#include "parsers/parser.h"

/* Sizes that are not declared otherwise, or left open, become those that the caller wants. */
static tdnn_status fix_inputs(tdnn_graph *graph, const tdnn_onnx_options *options,
                              tdnn_error *err)
{
    for (size_t i = 0; i < options->input_count; i++) {
        const char *name = options->input_names[i];
        const tdnn_shape *shape = &options->input_shapes[i];
        char is[TDNN_SHAPE_TEXT], wanted[TDNN_SHAPE_TEXT];
        tdnn_id id = tdnn_graph_find_value(graph, name);
        size_t k = 0;
        while (k < graph->input_count && graph->inputs[k] != id) k++;
        if (id == TDNN_ABSENT || k == graph->input_count)
            return TDNN_FAIL(err, TDNN_ERR_NOT_FOUND, "the net has no input \"%s\"", name);
        tdnn_value *value = &graph->values[id];
        bool fits = value->shape.ndim < 0 || value->shape.ndim == shape->ndim;
        for (int d = 0; fits && d < value->shape.ndim; d++)
            fits = value->shape.dim[d] < 0 || value->shape.dim[d] == shape->dim[d];
        if (!fits)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "input \"%s\" is %s, not %s", name,
                             tdnn_shape_text(&value->shape, is),
                             tdnn_shape_text(shape, wanted));
        value->shape = *shape;
        value->usual = NULL;
    }
    return TDNN_OK;
}

/* Numbers that decide something are looked at here and there; weights stay where they are until
 * they are written. */
static tdnn_status make_small_ready(tdnn_graph *graph, tdnn_error *err)
{
    enum { SMALL = 1 << 16 };
    for (size_t v = 0; v < graph->value_count; v++) {
        tdnn_tensor *t = graph->values[v].constant;
        if (t && t->fill && t->bytes <= SMALL) TDNN_TRY(tdnn_tensor_ready(t, err));
    }
    for (size_t n = 0; n < graph->node_count; n++)
        for (size_t s = 0; s < graph->nodes[n]->subgraph_count; s++)
            TDNN_TRY(
                make_small_ready(graph->nodes[n]->subgraphs[s], err)); /* nesting was bounded */
    return TDNN_OK;
}

static tdnn_status write_copy(const tdnn_net *net, const tdnn_onnx_options *options,
                              const char *path, tdnn_error *err)
{
    tdnn_graph *graph;
    size_t dropped = 0;
    int opset = options->opset ? options->opset : TDNN_ONNX_USUAL_OPSET;
    if (!net->ready)
        TDNN_TRY(make_small_ready(net->graph, err)); /* else sessions may read them */
    TDNN_TRY(tdnn_graph_copy(net->graph, &graph, err));
    tdnn_status status = fix_inputs(graph, options, err);
    if (!status) status = tdnn_graph_declare(graph, err);
    if (!status) status = tdnn_lower(graph, opset, err);
    if (!status) status = tdnn_graph_check(graph, err);
    if (!status) status = tdnn_graph_settle(graph, err);
    if (!status) status = tdnn_pass_dead(graph, NULL, &dropped, err);
    if (!status) status = tdnn_graph_declare(graph, err);
    if (!status) status = tdnn_onnx_write(graph, options, path, err);
    tdnn_graph_free(graph);
    return status;
}

/* Sessions that are created meanwhile wait: they would make constants ready. */
tdnn_status tdnn_net_write(tdnn_net *net, const tdnn_onnx_options *options, const char *path,
                           tdnn_error *err)
{
    tdnn_mutex_lock(net->mutex);
    tdnn_status status = write_copy(net, options, path, err);
    tdnn_mutex_unlock(net->mutex);
    return status;
}
