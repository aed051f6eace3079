/* The memory limit: what small models ask for too much of is refused, with the node's name, before it
 * is allocated: while loading, planning and running; and what fits is let through, however often. */
#include "tests/onnx_build.h"

enum { MIB = 1 << 20 };

static tdnn_error err;

static tdnn_status load(onnx_build *m, uint64_t limit, tdnn_net **net)
{
    tdnn_load_options options;
    tdnn_load_options_init(&options);
    options.memory_limit = limit;
    tdnn_bytes model = onnx_end(m);
    tdnn_status status = tdnn_net_load_memory(model, (tdnn_bytes){NULL, 0}, &options, net, &err);
    tdnn_free((void *)(uintptr_t)model.data);
    return status;
}

static tdnn_session *open_session(tdnn_net *net, uint64_t limit)
{
    tdnn_session_options options;
    tdnn_session *session = NULL;
    tdnn_session_options_init(&options);
    options.memory_limit = limit;
    assert_ok(tdnn_session_create(net, &options, &session, &err), err);
    return session;
}

static void must_name(const char *node, const char *bytes)
{
    assert_int_equal(err.status, TDNN_ERR_LIMIT);
    if (!strstr(err.where, node)) fail_msg("%s: %s", err.where, err.message);
    if (!strstr(err.message, bytes)) fail_msg("%s: %s", err.where, err.message);
}

static void put_i64(tdnn_session *session, const char *name, int64_t value)
{
    const tdnn_shape scalar = {0};
    tdnn_tensor *t = NULL;
    assert_ok(tdnn_tensor_wrap(&value, sizeof value, TDNN_I64, &scalar, &t, &err), err);
    assert_ok(tdnn_session_set_input(session, name, t, &err), err);
    tdnn_tensor_release(t);
}

/* 40 GB from one number: a planned step, refused before the arena is there. */
static void planned(void **state)
{
    (void)state;
    tdnn_net *net = NULL;
    onnx_build m = onnx_begin(8, 13);
    onnx_input(&m, "x", TDNN_F32, 2, (int64_t[]){1, 1});
    onnx_node(&m, "Constant", "", "shape", "value_ints=[100000, 100000]");
    onnx_node(&m, "Relu", "x", "small", "");
    onnx_node(&m, "Expand", "small, shape", "large", "");
    onnx_node(&m, "Neg", "large", "y", "");
    onnx_output(&m, "y");
    assert_ok(load(&m, 64 * MIB, &net), err);
    tdnn_session *session = open_session(net, 64 * MIB);
    assert_int_equal(tdnn_session_plan(session, NULL, NULL, 0, &err), TDNN_ERR_LIMIT);
    must_name("Expand", "the memory limit is 67108864");
    tdnn_session_free(session);
    tdnn_net_release(net);
}

/* Constants from constants: refused where they would be computed. */
static void folded(void **state)
{
    (void)state;
    tdnn_net *net = NULL;
    onnx_build m = onnx_begin(8, 13);
    onnx_input(&m, "x", TDNN_F32, 1, (int64_t[]){1});
    onnx_node(&m, "Constant", "", "shape", "value_ints=[60000, 60000]");
    onnx_node(&m, "ConstantOfShape", "shape", "zeros", "");
    onnx_node(&m, "Exp", "zeros", "ones", "");
    onnx_node(&m, "Add", "x, ones", "y", "");
    onnx_output(&m, "y");
    if (load(&m, 64 * MIB, &net) == TDNN_OK) {
        tdnn_session *session = open_session(net, 64 * MIB);
        assert_int_equal(tdnn_session_plan(session, NULL, NULL, 0, &err), TDNN_ERR_LIMIT);
        tdnn_session_free(session);
        tdnn_net_release(net);
    }
    must_name("", "the memory limit is 67108864");
}

static tdnn_net *range_net(void)
{
    tdnn_net *net = NULL;
    onnx_build m = onnx_begin(8, 13);
    onnx_input(&m, "limit", TDNN_I64, 0, NULL);
    onnx_node(&m, "Constant", "", "zero", "value_int=0");
    onnx_node(&m, "Constant", "", "one", "value_int=1");
    onnx_node(&m, "Range", "zero, limit, one", "all", "");
    onnx_node(&m, "NonZero", "all", "y", "");
    onnx_output(&m, "y");
    assert_ok(load(&m, 0, &net), err);
    return net;
}

/* What an input's value asks for, while running. */
static void running(void **state)
{
    (void)state;
    tdnn_net *net = range_net();
    tdnn_session *session = open_session(net, 64 * MIB);
    put_i64(session, "limit", 1000000000);
    assert_int_equal(tdnn_session_run(session, &err), TDNN_ERR_LIMIT);
    must_name("Range", "the memory limit is 67108864");
    put_i64(session, "limit", 1000); /* and nothing is lost */
    assert_ok(tdnn_session_run(session, &err), err);
    tdnn_session_free(session);
    tdnn_net_release(net);
}

/* A caller who keeps the last output over the next run, as often as he likes, uses no more and no more. */
static void outputs_that_are_kept(void **state)
{
    (void)state;
    enum { COUNT = 100000, RUNS = 60 };
    tdnn_net *net = range_net();
    tdnn_session *session = open_session(net, 16 * MIB);
    tdnn_tensor *kept = NULL;
    const tdnn_tensor *y = NULL;
    put_i64(session, "limit", COUNT);
    for (int i = 0; i < RUNS; i++) {
        assert_ok(tdnn_session_run(session, &err), err);
        assert_ok(tdnn_session_output(session, NULL, &y, &err), err);
        assert_int_equal(tdnn_tensor_bytes(y), (COUNT - 1) * sizeof(int64_t));
        tdnn_tensor_release(kept);
        kept = tdnn_tensor_retain(y);
    }
    tdnn_session_free(session);
    tdnn_tensor_release(kept);
    tdnn_net_release(net);
}

/* Loading by itself: the same model, with room for it and without. */
static void loading(void **state)
{
    (void)state;
    tdnn_load_options options;
    tdnn_net *net = NULL;
    tdnn_load_options_init(&options);
    options.memory_limit = 4096;
    assert_int_equal(tdnn_net_load("examples/models/digits-cnn/digits-cnn.onnx", NULL, &options, &net, &err),
                     TDNN_ERR_LIMIT);
    assert_null(net);
    must_name("", "the memory limit is 4096");
    options.memory_limit = 64 * MIB;
    assert_ok(tdnn_net_load("examples/models/digits-cnn/digits-cnn.onnx", NULL, &options, &net, &err), err);
    tdnn_net_release(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planned), cmocka_unit_test(folded), cmocka_unit_test(running),
        cmocka_unit_test(outputs_that_are_kept), cmocka_unit_test(loading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
