/* What operators with `exec` can ask of the session that runs them. */
#include "lib/runtime/session.h"

tdnn_status tdnn_exec_keep(tdnn_exec *ctx, tdnn_tensor *tensor, tdnn_tensor **out)
{
    *out = NULL;
    if (!tensor) return TDNN_OK;
    /* Memory that is lent, by an arena or by the caller, may change after this run. */
    if (!tensor->release_data) return tdnn_tensor_copy(tensor, out, ctx->err);
    *out = tdnn_tensor_retain(tensor);
    return TDNN_OK;
}

static tdnn_status keep_results(tdnn_exec *ctx, tdnn_frame *frame, tdnn_tensor **outputs,
                                size_t count)
{
    tdnn_status status = TDNN_OK;
    for (size_t i = 0; !status && i < count; i++)
        status = tdnn_exec_keep(ctx, frame->values[frame->graph->outputs[i]], &outputs[i]);
    for (size_t i = 0; status && i < count; i++) {
        tdnn_tensor_release(outputs[i]);
        outputs[i] = NULL;
    }
    return status;
}

tdnn_status tdnn_exec_subgraph(tdnn_exec *ctx, size_t index, tdnn_tensor *const *inputs,
                               size_t input_count, tdnn_tensor **outputs, size_t output_count)
{
    tdnn_session *session = ctx->runner;
    const tdnn_graph *graph = ctx->node->subgraphs[index];
    for (size_t i = 0; i < output_count; i++) outputs[i] = NULL;
    if (input_count != graph->input_count || output_count != graph->output_count)
        return TDNN_FAIL(ctx->err, TDNN_ERR_FORMAT,
                         "the subgraph has %zu inputs and %zu outputs, expected %zu and %zu",
                         graph->input_count, graph->output_count, input_count, output_count);
    tdnn_frame *frame;
    TDNN_TRY(tdnn_session_frame(session, graph, &frame, ctx->err));
    tdnn_frame_clear(frame);
    for (size_t i = 0; i < input_count; i++) frame->values[graph->inputs[i]] = inputs[i];
    for (size_t i = 0; i < graph->capture_count; i++)
        frame->values[graph->captures[i].inner] =
            ctx->in[ctx->input_count + graph->captures[i].slot];
    tdnn_status status = tdnn_frame_run(session, frame, ctx->err);
    if (!status) status = keep_results(ctx, frame, outputs, output_count);
    tdnn_frame_clear(frame);
    return status;
}

tdnn_status tdnn_exec_op(tdnn_exec *ctx, tdnn_op_kind kind, const void *params,
                         tdnn_tensor *const *inputs, size_t input_count, tdnn_tensor **outputs,
                         size_t output_count)
{
    tdnn_session *session = ctx->runner;
    union {
        const void *in;
        void *out;
    } constless = {.in = params}; /* operators only read their parameters */
    tdnn_node node = {.op = tdnn_schema_of(kind),
                      .name = ctx->node->name,
                      .input_count = input_count,
                      .output_count = output_count,
                      .params = constless.out};
    tdnn_status status = tdnn_evaluate(&session->env, &node, inputs, outputs, ctx->err);
    return status == TDNN_WAIT
               ? TDNN_FAIL(ctx->err, TDNN_ERR_INTERNAL, "%s cannot be planned", node.op->name)
               : status;
}
