/* Two nets on the same numbers. */
#include "tests/same_bits.h"

#include "lib/base/tensor.h"
#include "tests/test.h"

static tdnn_error err;

/* On numbers of the sizes that `like` usually has. */
static tdnn_session *run(tdnn_net *net, const tdnn_net *like)
{
    tdnn_session *session = NULL;
    uint32_t seed = 1;
    assert_ok(tdnn_session_create(net, NULL, &session, &err), err);
    for (size_t i = 0; i < tdnn_net_input_count(net); i++) {
        const tdnn_port *port = tdnn_net_input(like, i);
        tdnn_tensor *value = NULL;
        tdnn_shape shape = port->usual;
        for (int d = 0; d < shape.ndim; d++)
            if (shape.dim[d] < 0) shape.dim[d] = 2;
        assert_ok(tdnn_tensor_create(port->dtype, &shape, &value, &err), err);
        for (size_t k = 0; k < (size_t)tdnn_shape_count(&shape); k++) {
            seed = seed * 1664525 + 1013904223;
            if (port->dtype == TDNN_F32)
                ((float *)value->data)[k] = (float)(seed >> 8) / (1 << 23) - 1;
            if (port->dtype == TDNN_BOOL) ((uint8_t *)value->data)[k] = (uint8_t)(seed >> 31);
        }
        assert_ok(tdnn_session_set_input(session, port->name, value, &err), err);
        tdnn_tensor_release(value);
    }
    assert_ok(tdnn_session_run(session, &err), err);
    return session;
}

void same_bits(tdnn_net *one, tdnn_net *other)
{
    tdnn_session *a = run(one, one), *b = run(other, one);
    assert_int_equal(tdnn_net_output_count(one), tdnn_net_output_count(other));
    for (size_t i = 0; i < tdnn_net_output_count(one); i++) {
        const tdnn_tensor *x, *y;
        assert_ok(tdnn_session_output(a, tdnn_net_output(one, i)->name, &x, &err), err);
        assert_ok(tdnn_session_output(b, tdnn_net_output(other, i)->name, &y, &err), err);
        if (!tdnn_tensor_equal(x, y)) fail_msg("output %zu reads back otherwise", i);
    }
    tdnn_session_free(a);
    tdnn_session_free(b);
}
