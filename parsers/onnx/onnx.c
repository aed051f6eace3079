/* ONNX: from a file's bytes to a graph. */
#include "parsers/message.h"
#include "parsers/onnx/import.h"
#include "parsers/wire.h"

#include <string.h>

/* A message for every node, and this many for its attributes, types and tensors. */
enum { MESSAGES_PER_NODE = 32 };

/* ---- Is it ONNX? ---- */

/* Fields of ModelProto. */
enum { IR_VERSION = 1, GRAPH = 7, OPSET_IMPORT = 8 };

/* The file as far as it goes, so that one that is cut off is still recognised as ONNX. Field 1
 * is a number here and nowhere else: TensorFlow's and Caffe's messages have bytes there. */
static int sniff_model(tdnn_bytes bytes)
{
    tdnn_cursor c = tdnn_cursor_make(bytes.data, bytes.size);
    bool ir_version = false, graph = false, opset = false, more = true;
    tdnn_status status = TDNN_OK;
    while (!status && more) {
        tdnn_wire_field f;
        status = tdnn_wire_next(&c, &f, &more, NULL);
        if (status || !more) break;
        bool is_number = f.type == TDNN_WIRE_VARINT;
        if (f.number == IR_VERSION && !is_number) return 0;
        if ((f.number == GRAPH || f.number == OPSET_IMPORT) && is_number) return 0;
        ir_version |= f.number == IR_VERSION;
        graph |= f.number == GRAPH;
        opset |= f.number == OPSET_IMPORT;
    }
    if (!ir_version) return graph && opset && !status ? 80 : 0;
    if (graph) return status ? 60 : 95;
    return status ? 40 : 20;
}

/* ---- Parsing ---- */

static tdnn_status import_model(onnx_model *model, tdnn_graph *graph, tdnn_error *err)
{
    const Onnx__ModelProto *proto = model->proto;
    if (!proto->graph) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "the model has no graph");
    TDNN_TRY(onnx_functions_collect(model, err));
    onnx_scope scope = {.model = model,
                        .graph = graph,
                        .prefix = "",
                        .opsets = proto->opset_import,
                        .opset_count = proto->n_opset_import};
    if (proto->graph->name) {
        graph->name = tdnn_zone_strdup(graph->zone, proto->graph->name);
        if (!graph->name) return TDNN_NO_MEMORY(err);
    }
    TDNN_TRY(onnx_graph_import(&scope, proto->graph, err));
    return tdnn_findings_report(&model->findings, graph, err);
}

static tdnn_status parse(const tdnn_source *source, tdnn_graph *graph, tdnn_error *err)
{
    if (source->config.size)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "an ONNX model is one file, not two");
    tdnn_zone *zone = tdnn_zone_create();
    if (!zone) return TDNN_NO_MEMORY(err);
    size_t most = (size_t)tdnn_graph_limits(graph)->max_nodes * MESSAGES_PER_NODE;
    onnx_model model = {
        .source = source, .zone = zone, .findings = {.source = source, .zone = zone}};
    ProtobufCMessage *message;
    tdnn_status status = tdnn_message_decode(source->model, &onnx__model_proto__descriptor,
                                             most, zone, &message, err);
    if (!status) {
        model.proto = (const Onnx__ModelProto *)message;
        status = import_model(&model, graph, err);
    }
    tdnn_zone_free(zone);
    return status;
}

const tdnn_parser tdnn_parser_onnx = {
    .format = TDNN_FORMAT_ONNX,
    .name = "ONNX",
    .sniff_model = sniff_model,
    .parse = parse,
};
