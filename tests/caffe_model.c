#include "tests/test.h"

#include "tests/caffe_model.h"

void caffe_model_begin(tdnn_wire_buffer *model)
{
    *model = (tdnn_wire_buffer){0};
    assert_true(tdnn_wire_put_bytes(model, 1, "model", 5));
}

/* BlobProto: its shape, one dimension, and packed floats. */
static void put_blob(tdnn_wire_buffer *model, uint32_t number, int64_t size,
                     float (*values)(size_t))
{
    size_t blob, shape;
    assert_true(tdnn_wire_begin(model, number, &blob));
    assert_true(tdnn_wire_begin(model, 7, &shape) && tdnn_wire_put_int(model, 1, size));
    assert_true(tdnn_wire_end(model, shape));
    float *numbers = tdnn_alloc((size_t)size, sizeof *numbers);
    assert_non_null(numbers);
    for (size_t i = 0; i < (size_t)size; i++) numbers[i] = values(i);
    assert_true(tdnn_wire_put_bytes(model, 5, numbers, (size_t)size * sizeof *numbers));
    tdnn_free(numbers);
    assert_true(tdnn_wire_end(model, blob));
}

/* Field numbers of a layer, its name and its blobs in the three forms. */
void caffe_model_layer(tdnn_wire_buffer *model, caffe_form form, const char *name,
                       const int64_t *sizes, float (*values)(size_t))
{
    static const uint32_t layers[] = {100, 2, 2}, names[] = {1, 4, 1}, blobs[] = {7, 6, 50};
    size_t layer, inner = 0;
    assert_true(tdnn_wire_begin(model, layers[form], &layer));
    if (form == CAFFE_V0) assert_true(tdnn_wire_begin(model, 1, &inner));
    assert_true(tdnn_wire_put_bytes(model, names[form], name, strlen(name)));
    for (; *sizes; sizes++) put_blob(model, blobs[form], *sizes, values);
    if (form == CAFFE_V0) assert_true(tdnn_wire_end(model, inner));
    assert_true(tdnn_wire_end(model, layer));
}

tdnn_bytes caffe_model_bytes(const tdnn_wire_buffer *model)
{
    return model ? (tdnn_bytes){model->data, model->size} : (tdnn_bytes){0};
}

tdnn_status caffe_load(const char *prototxt, const tdnn_wire_buffer *model, tdnn_net **net,
                       tdnn_error *err)
{
    tdnn_bytes text = {prototxt, strlen(prototxt)}, weights = caffe_model_bytes(model);
    if (!weights.size) return tdnn_net_load_memory(text, weights, NULL, net, err);
    return tdnn_net_load_memory(weights, text, NULL, net, err);
}

static tdnn_status run(tdnn_net *net, tdnn_session *session, const tdnn_shape *shape,
                       float *out, size_t most, size_t *count, tdnn_error *err)
{
    const tdnn_tensor *result;
    tdnn_tensor *input;
    tdnn_status status = tdnn_tensor_create(TDNN_F32, shape, &input, err);
    if (status) return status;
    float *f = tdnn_tensor_data(input);
    for (int64_t i = 0; i < tdnn_shape_count(shape); i++) f[i] = (float)i;
    if (tdnn_net_input_count(net)) status = tdnn_session_set_input(session, NULL, input, err);
    tdnn_tensor_release(input);
    if (!status) status = tdnn_session_run(session, err);
    if (!status) status = tdnn_session_output(session, NULL, &result, err);
    if (status) return status;
    *count = tdnn_tensor_bytes(result) / sizeof *out;
    memcpy(out, tdnn_tensor_const_data(result), (*count < most ? *count : most) * sizeof *out);
    return TDNN_OK;
}

tdnn_status caffe_run(const char *prototxt, const tdnn_wire_buffer *model,
                      const tdnn_shape *shape, float *out, size_t most, size_t *count,
                      tdnn_error *err)
{
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    tdnn_status status = caffe_load(prototxt, model, &net, err);
    if (!status) status = tdnn_session_create(net, NULL, &session, err);
    if (!status) status = run(net, session, shape, out, most, count, err);
    tdnn_session_free(session);
    tdnn_net_release(net);
    return status;
}
