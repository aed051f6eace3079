/* A graph as an ONNX model in a file: the ModelProto, and which opset it is. */
#include "lib/base/file.h"
#include "parsers/onnx/write.h"
#include "parsers/parser.h"

#include <string.h>

/* Fields of ModelProto and OperatorSetIdProto. */
enum { IR_VERSION = 1, PRODUCER_NAME = 2, PRODUCER_VERSION = 3, GRAPH = 7, OPSET_IMPORT = 8 };
enum { DOMAIN = 1, VERSION = 2 };

/* Of the ONNX release that has this opset; from 4 on initializers need not be inputs. */
static int ir_version(int opset)
{
    static const struct {
        int opset, ir;
    } rows[] = {{25, 13}, {24, 12}, {23, 11}, {21, 10}, {19, 9},
                {15, 8},  {12, 7},  {11, 6},  {10, 5}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (opset >= rows[i].opset) return rows[i].ir;
    return 4;
}

static void put_opset(onnx_out *out, const char *domain, int version)
{
    if (!version) return;
    onnx_mark mark = onnx_begin(out, OPSET_IMPORT);
    onnx_put_text(out, DOMAIN, domain);
    onnx_put_int(out, VERSION, version);
    onnx_end(out, mark);
}

static tdnn_status put_model(onnx_writer *w, tdnn_graph *graph, tdnn_error *err)
{
    onnx_out *out = &w->out;
    onnx_put_int(out, IR_VERSION, ir_version(w->opset));
    onnx_put_text(out, PRODUCER_NAME, "tinydnn");
    onnx_put_text(out, PRODUCER_VERSION, tdnn_version());
    TDNN_TRY(onnx_graph_write(w, NULL, graph, NULL, GRAPH, err));
    put_opset(out, "", w->opset);
    put_opset(out, "ai.onnx.ml", w->ml);
    put_opset(out, "ai.onnx.preview.training", w->training);
    put_opset(out, "ai.onnx.preview", w->preview);
    return out->failed ? TDNN_NO_MEMORY(err) : TDNN_OK;
}

static void begin_anew(onnx_writer *w)
{
    tdnn_free(w->out.text.data);
    w->out = (onnx_out){.zone = w->zone};
}

/* Where the caller leaves the opset open and the usual one lacks something, the next one that
 * has it. */
static tdnn_status write_open(onnx_writer *w, tdnn_graph *graph, bool open, tdnn_error *err)
{
    for (;;) {
        w->needed = w->ml = w->training = w->preview = 0;
        tdnn_status status = put_model(w, graph, err);
        if (status != TDNN_ERR_UNSUPPORTED || !open || w->needed <= w->opset) return status;
        tdnn_error_clear(err);
        begin_anew(w);
        w->opset = w->needed;
    }
}

/* What is too large for one file gets a second one. */
static tdnn_status write_sized(onnx_writer *w, tdnn_graph *graph, const tdnn_onnx_options *how,
                               const char *path, tdnn_error *err)
{
    const uint64_t most = how->external_above && how->external_above < INT32_MAX
                              ? how->external_above
                              : INT32_MAX;
    TDNN_TRY(write_open(w, graph, how->opset == 0, err));
    if (onnx_out_size(&w->out) > most) {
        const char *slash = strrchr(path, '/');
        begin_anew(w);
        w->out.beside = tdnn_zone_printf(w->zone, "%s.data", slash ? slash + 1 : path);
        if (!w->out.beside) return TDNN_NO_MEMORY(err);
        TDNN_TRY(put_model(w, graph, err));
    }
    if (onnx_out_size(&w->out) <= INT32_MAX) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_LIMIT,
                     "the model would have %llu bytes; protocol buffers end at 2 GiB",
                     (unsigned long long)onnx_out_size(&w->out));
}

static tdnn_status save(const onnx_writer *w, const char *path, tdnn_error *err)
{
    if (!w->out.beside_count) return onnx_out_save(&w->out, path, err);
    const char *beside = tdnn_zone_printf(w->zone, "%s.data", path);
    if (!beside) return TDNN_NO_MEMORY(err);
    TDNN_TRY(onnx_out_save_beside(&w->out, beside, err));
    const tdnn_status status = onnx_out_save(&w->out, path, err);
    if (status) tdnn_file_remove(beside);
    return status;
}

tdnn_status tdnn_onnx_write(tdnn_graph *graph, const tdnn_onnx_options *options,
                            const char *path, tdnn_error *err)
{
    const int opset = options->opset;
    if (opset && (opset < ONNX_OLDEST || opset > ONNX_NEWEST))
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "opset %d, expected %d to %d", opset,
                         ONNX_OLDEST, ONNX_NEWEST);
    if (graph->incomplete)
        return TDNN_FAIL(err, TDNN_ERR_STATE, "the model cannot be written: %s",
                         graph->incomplete);
    tdnn_zone *zone = tdnn_zone_create();
    if (!zone) return TDNN_NO_MEMORY(err);
    onnx_writer w = {
        .zone = zone, .out.zone = zone, .opset = opset ? opset : TDNN_ONNX_USUAL_OPSET};
    tdnn_status status = write_sized(&w, graph, options, path, err);
    if (!status) status = save(&w, path, err);
    tdnn_free(w.out.text.data);
    tdnn_zone_free(zone);
    return status;
}
