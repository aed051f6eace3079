#include "tests/test.h"

#include "lib/base/mem.h"
#include "parsers/tensorflow/pbtxt.h"
#include "tests/tensorflow_model.h"

tdnn_bytes tf_model_text(const char *text) { return (tdnn_bytes){text, strlen(text)}; }

tdnn_bytes tf_model_binary(const char *text)
{
    tdnn_bytes binary;
    tdnn_error err;
    assert_ok(tf_pbtxt_encode(tf_model_text(text), false, &binary, &err), err);
    return binary;
}

static tdnn_status feed(tdnn_session *session, const tdnn_shape *shape, tdnn_error *err)
{
    tdnn_tensor *input;
    tdnn_status status = tdnn_tensor_create(TDNN_F32, shape, &input, err);
    if (status) return status;
    float *f = tdnn_tensor_data(input);
    for (int64_t i = 0; i < tdnn_shape_count(shape); i++) f[i] = (float)i;
    status = tdnn_session_set_input(session, NULL, input, err);
    tdnn_tensor_release(input);
    return status;
}

static tdnn_status run(tdnn_session *session, const tdnn_shape *shape, float *out, size_t most,
                       tdnn_shape *result, tdnn_error *err)
{
    const tdnn_tensor *output;
    tdnn_status status = shape ? feed(session, shape, err) : TDNN_OK;
    if (!status) status = tdnn_session_run(session, err);
    if (!status) status = tdnn_session_output(session, NULL, &output, err);
    if (status) return status;
    *result = *tdnn_tensor_shape(output);
    const size_t count = tdnn_tensor_bytes(output) / sizeof *out;
    if (count) memcpy(out, tdnn_tensor_const_data(output), (count < most ? count : most) * sizeof *out);
    return TDNN_OK;
}

tdnn_status tf_model_run(tdnn_bytes first, tdnn_bytes second, const tdnn_load_options *options,
                         const tdnn_shape *shape, float *out, size_t most, tdnn_shape *result,
                         tdnn_error *err)
{
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    tdnn_status status = tdnn_net_load_memory(first, second, options, &net, err);
    if (!status) status = tdnn_session_create(net, NULL, &session, err);
    if (!status) status = run(session, tdnn_net_input_count(net) ? shape : NULL, out, most, result, err);
    tdnn_session_free(session);
    tdnn_net_release(net);
    return status;
}
