/* Sessions by the rules of tinydnn.h, on the models of examples/models: what must be refused,
 * the same bits from any number of threads, one net in several sessions at once, cancellation,
 * and memory refused at every single allocation. */
#include "tests/test.h"

#include "lib/base/tensor.h"

#include <pthread.h>

#define DIGITS_CNN "examples/models/digits-cnn/digits-cnn.onnx"
#define YOLO_CFG "examples/models/digits-yolo/digits-yolo.cfg"
#define YOLO_WEIGHTS "examples/models/digits-yolo/digits-yolo.weights"

enum { CLASSES = 10, PIXELS = 28 * 28 };

static tdnn_error err;
static tdnn_net *net;

static int load(void **state)
{
    (void)state;
    return tdnn_net_load(DIGITS_CNN, NULL, NULL, &net, &err) != TDNN_OK;
}

static int unload(void **state)
{
    (void)state;
    tdnn_net_release(net);
    return 0;
}

/* Pictures of numbers that differ from place to place; the same for the same seed. */
static tdnn_tensor *pictures(int64_t count, unsigned seed)
{
    tdnn_shape shape = tdnn_shape_make(4, (int64_t[]){count, 1, 28, 28});
    tdnn_tensor *t = NULL;
    assert_ok(tdnn_tensor_create(TDNN_F32, &shape, &t, &err), err);
    float *pixel = tdnn_tensor_data(t);
    for (int64_t i = 0; i < count * PIXELS; i++) {
        seed = seed * 1664525u + 1013904223u;
        pixel[i] = (float)(seed >> 8) / (float)(1 << 24);
    }
    return t;
}

static tdnn_session *session_with(int threads, const char *cpu, tdnn_precision precision)
{
    tdnn_session_options options;
    tdnn_session_options_init(&options);
    options.threads = threads;
    options.cpu = cpu;
    options.precision = precision;
    tdnn_session *s = NULL;
    assert_ok(tdnn_session_create(net, &options, &s, &err), err);
    return s;
}

static void run(tdnn_session *s, const tdnn_tensor *input, float *scores)
{
    const tdnn_tensor *out = NULL;
    assert_ok(tdnn_session_set_input(s, NULL, input, &err), err);
    assert_ok(tdnn_session_run(s, &err), err);
    assert_ok(tdnn_session_output(s, NULL, &out, &err), err);
    assert_int_equal(tdnn_tensor_dtype(out), TDNN_F32);
    memcpy(scores, tdnn_tensor_const_data(out), tdnn_tensor_bytes(out));
}

static void net_says_what_it_is(void **state)
{
    (void)state;
    assert_int_equal(tdnn_net_format(net), TDNN_FORMAT_ONNX);
    assert_int_equal(tdnn_net_input_count(net), 1);
    assert_int_equal(tdnn_net_output_count(net), 1);
    assert_string_equal(tdnn_net_input(net, 0)->name, "image");
    assert_int_equal(tdnn_net_input(net, 0)->shape.dim[0], -1);
    assert_int_equal(tdnn_net_input(net, 0)->shape.dim[2], 28);
    assert_null(tdnn_net_input(net, 1));
    assert_string_equal(tdnn_net_output(net, 0)->name, "logits");
    assert_null(tdnn_net_output(net, 1));
    tdnn_node_info info;
    assert_true(tdnn_net_node_count(net) > 0);
    assert_ok(tdnn_net_node(net, 0, &info, &err), err);
    assert_status(tdnn_net_node(net, tdnn_net_node_count(net), &info, &err), TDNN_ERR_ARGUMENT);
}

static void loading_fails_clearly(void **state)
{
    (void)state;
    tdnn_net *none = net;
    assert_status(tdnn_net_load("no-such-file", NULL, NULL, &none, &err), TDNN_ERR_IO);
    assert_null(none);
    assert_status(tdnn_net_load(NULL, NULL, NULL, &none, &err), TDNN_ERR_ARGUMENT);
    assert_status(tdnn_net_load("README.md", NULL, NULL, &none, &err), TDNN_ERR_FORMAT);
    assert_int_not_equal(tdnn_net_load(YOLO_WEIGHTS, NULL, NULL, &none, &err), TDNN_OK);
    tdnn_load_options options;
    tdnn_load_options_init(&options);
    options.max_bytes = 1000;
    assert_status(tdnn_net_load(DIGITS_CNN, NULL, &options, &none, &err), TDNN_ERR_LIMIT);
    tdnn_load_options_init(&options);
    options.max_nodes = 3;
    assert_status(tdnn_net_load(DIGITS_CNN, NULL, &options, &none, &err), TDNN_ERR_LIMIT);
    tdnn_load_options_init(&options);
    options.format = TDNN_FORMAT_CAFFE;
    assert_int_not_equal(tdnn_net_load(DIGITS_CNN, NULL, &options, &none, &err), TDNN_OK);
    assert_null(none);
}

static void darknet_files_in_either_order(void **state)
{
    (void)state;
    const char *order[2][2] = {{YOLO_CFG, YOLO_WEIGHTS}, {YOLO_WEIGHTS, YOLO_CFG}};
    for (int i = 0; i < 2; i++) {
        tdnn_net *yolo = NULL;
        assert_ok(tdnn_net_load(order[i][0], order[i][1], NULL, &yolo, &err), err);
        assert_int_equal(tdnn_net_format(yolo), TDNN_FORMAT_DARKNET);
        assert_int_equal(tdnn_net_output_count(yolo), 2);
        tdnn_net_release(yolo);
    }
}

static void misuse_is_refused(void **state)
{
    (void)state;
    tdnn_session *s = session_with(1, NULL, TDNN_PRECISION_FP32);
    const tdnn_tensor *out = NULL;
    tdnn_tensor *right = pictures(1, 1), *wrong = NULL;
    assert_status(tdnn_session_run(s, &err), TDNN_ERR_STATE);
    assert_status(tdnn_session_output(s, NULL, &out, &err), TDNN_ERR_STATE);
    assert_status(tdnn_session_set_input(s, "picture", right, &err), TDNN_ERR_NOT_FOUND);
    assert_status(tdnn_session_set_input(s, NULL, NULL, &err), TDNN_ERR_ARGUMENT);
    tdnn_shape small = tdnn_shape_make(4, (int64_t[]){1, 1, 27, 28});
    assert_ok(tdnn_tensor_create(TDNN_F32, &small, &wrong, &err), err);
    assert_status(tdnn_session_set_input(s, NULL, wrong, &err), TDNN_ERR_SHAPE);
    tdnn_tensor_release(wrong);
    tdnn_shape shape = *tdnn_tensor_shape(right);
    assert_ok(tdnn_tensor_create(TDNN_I32, &shape, &wrong, &err), err);
    assert_status(tdnn_session_set_input(s, NULL, wrong, &err), TDNN_ERR_SHAPE);
    tdnn_tensor_release(wrong);
    assert_ok(tdnn_session_set_input(s, "image", right, &err), err);
    assert_ok(tdnn_session_run(s, &err), err);
    assert_status(tdnn_session_output(s, "nothing", &out, &err), TDNN_ERR_NOT_FOUND);
    assert_null(out);
    tdnn_tensor_release(right);
    tdnn_session_free(s);
    tdnn_session_free(NULL);
    tdnn_session_options options;
    tdnn_session_options_init(&options);
    options.threads = -1;
    assert_status(tdnn_session_create(net, &options, &s, &err), TDNN_ERR_ARGUMENT);
    tdnn_session_options_init(&options);
    options.cpu = "quantum";
    assert_int_not_equal(tdnn_session_create(net, &options, &s, &err), TDNN_OK);
    assert_null(s);
}

static void same_bits_from_any_number_of_threads(void **state)
{
    (void)state;
    tdnn_tensor *input = pictures(3, 7);
    for (size_t l = 0; l < TEST_ALL_LEVELS; l++) {
        const tdnn_precision precision = l < TEST_LEVELS ? TDNN_PRECISION_FP32 : TDNN_PRECISION_FAST;
        float first[3 * CLASSES], other[3 * CLASSES];
        for (int threads = 1; threads <= 4; threads++) {
            tdnn_session *s = session_with(threads, test_levels[l], precision);
            run(s, input, threads == 1 ? first : other);
            if (threads > 1) assert_memory_equal(first, other, sizeof first);
            tdnn_session_free(s);
        }
    }
    tdnn_tensor_release(input);
}

/* A batch gives what its pictures give one by one, whatever was run before. */
static void new_shapes_plan_again(void **state)
{
    (void)state;
    tdnn_session *s = session_with(2, NULL, TDNN_PRECISION_FP32);
    tdnn_tensor *batch = pictures(4, 3);
    float together[4 * CLASSES], again[4 * CLASSES], alone[CLASSES];
    run(s, batch, together);
    for (int64_t i = 0; i < 4; i++) {
        tdnn_shape one = tdnn_shape_make(4, (int64_t[]){1, 1, 28, 28});
        tdnn_tensor *view = NULL;
        float *pixels = (float *)tdnn_tensor_data(batch) + i * PIXELS;
        assert_ok(tdnn_tensor_wrap(pixels, PIXELS * 4, TDNN_F32, &one, &view, &err), err);
        run(s, view, alone);
        for (int c = 0; c < CLASSES; c++) {
            float difference = alone[c] - together[i * CLASSES + c];
            assert_true(difference < 1e-4f && difference > -1e-4f);
        }
        tdnn_tensor_release(view);
    }
    run(s, batch, again);
    assert_memory_equal(together, again, sizeof together);
    tdnn_tensor_release(batch);
    tdnn_session_free(s);
}

typedef struct visitor {
    pthread_t thread;
    tdnn_session *session;
    tdnn_tensor *input;
    float scores[CLASSES];
    bool failed;
} visitor;

static void *visit(void *argument)
{
    visitor *v = argument;
    for (int round = 0; round < 20 && !v->failed; round++) {
        const tdnn_tensor *out = NULL;
        tdnn_error own;
        v->failed = tdnn_session_set_input(v->session, NULL, v->input, &own) ||
                    tdnn_session_run(v->session, &own) ||
                    tdnn_session_output(v->session, NULL, &out, &own);
        if (v->failed) break;
        const void *data = tdnn_tensor_const_data(out);
        if (round > 0 && memcmp(v->scores, data, sizeof v->scores) != 0) v->failed = true;
        memcpy(v->scores, data, sizeof v->scores);
    }
    tdnn_session_free(v->session);
    return NULL;
}

static void threads_share_a_net(void **state)
{
    (void)state;
    visitor visitors[3] = {0};
    for (unsigned i = 0; i < 3; i++) {
        visitors[i].session = session_with(2, NULL, TDNN_PRECISION_FP32);
        visitors[i].input = pictures(1, i);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&visitors[i].thread, NULL, visit, &visitors[i]), 0);
    for (int i = 0; i < 3; i++) pthread_join(visitors[i].thread, NULL);
    for (int i = 0; i < 3; i++) {
        float scores[CLASSES];
        tdnn_session *s = session_with(1, NULL, TDNN_PRECISION_FP32);
        run(s, visitors[i].input, scores);
        assert_false(visitors[i].failed);
        assert_memory_equal(scores, visitors[i].scores, sizeof scores);
        tdnn_tensor_release(visitors[i].input);
        tdnn_session_free(s);
    }
}

static void sessions_keep_the_net(void **state)
{
    (void)state;
    tdnn_net *own = NULL;
    tdnn_session *s = NULL;
    assert_ok(tdnn_net_load(DIGITS_CNN, NULL, NULL, &own, &err), err);
    assert_ok(tdnn_session_create(own, NULL, &s, &err), err);
    tdnn_net_release(own);
    tdnn_tensor *input = pictures(1, 5);
    float scores[CLASSES];
    run(s, input, scores);
    tdnn_tensor_release(input);
    tdnn_session_free(s);
}

static int stop_at_two(void *user, size_t step, size_t step_count)
{
    (void)step_count;
    *(size_t *)user = step;
    return step >= 2;
}

static void progress_can_stop_a_run(void **state)
{
    (void)state;
    size_t seen = 0;
    tdnn_session_options options;
    tdnn_session_options_init(&options);
    options.progress = stop_at_two;
    options.user = &seen;
    tdnn_session *s = NULL;
    tdnn_tensor *input = pictures(1, 5);
    assert_ok(tdnn_session_create(net, &options, &s, &err), err);
    assert_ok(tdnn_session_set_input(s, NULL, input, &err), err);
    assert_status(tdnn_session_run(s, &err), TDNN_ERR_CANCELLED);
    assert_int_equal(seen, 2);
    const tdnn_tensor *out = NULL;
    assert_status(tdnn_session_output(s, NULL, &out, &err), TDNN_ERR_STATE);
    tdnn_tensor_release(input);
    tdnn_session_free(s);
}

/* Runs a net of its own and keeps its output. */
static tdnn_tensor *run_with(const tdnn_load_options *options, const tdnn_tensor *input)
{
    tdnn_net *own = NULL;
    tdnn_session *s = NULL;
    const tdnn_tensor *out = NULL;
    assert_ok(tdnn_net_load(DIGITS_CNN, NULL, options, &own, &err), err);
    assert_ok(tdnn_session_create(own, NULL, &s, &err), err);
    tdnn_net_release(own);
    assert_ok(tdnn_session_set_input(s, NULL, input, &err), err);
    assert_ok(tdnn_session_run(s, &err), err);
    assert_ok(tdnn_session_output(s, NULL, &out, &err), err);
    tdnn_tensor *kept = NULL;
    assert_ok(tdnn_tensor_copy(out, &kept, &err), err);
    tdnn_session_free(s);
    return kept;
}

/* Inner values can be asked for and can be fed: the two halves of a cut net give the whole. */
static void nets_can_be_cut(void **state)
{
    (void)state;
    static const char *const middle[] = {"/13/MaxPool_output_0"}, *const missing[] = {
                                                                      "nothing"};
    tdnn_tensor *input = pictures(2, 9);
    tdnn_load_options options;
    tdnn_load_options_init(&options);
    tdnn_tensor *whole = run_with(&options, input);
    options.outputs = middle;
    options.output_count = 1;
    tdnn_tensor *inner = run_with(&options, input);
    assert_int_equal(tdnn_tensor_shape(inner)->dim[1], 32);
    assert_int_equal(tdnn_tensor_shape(inner)->dim[3], 7);
    tdnn_load_options_init(&options);
    options.inputs = middle;
    options.input_count = 1;
    tdnn_tensor *halves = run_with(&options, inner);
    for (size_t i = 0; i < 2 * CLASSES; i++) {
        double difference = tdnn_tensor_get_f64(whole, i) - tdnn_tensor_get_f64(halves, i);
        assert_true(difference < 1e-4 && difference > -1e-4);
    }
    tdnn_tensor_release(input);
    tdnn_tensor_release(inner);
    tdnn_tensor_release(halves);
    tdnn_tensor_release(whole);
    tdnn_net *none = NULL;
    options.inputs = missing;
    assert_status(tdnn_net_load(DIGITS_CNN, NULL, &options, &none, &err), TDNN_ERR_NOT_FOUND);
    tdnn_load_options_init(&options);
    options.outputs = missing;
    options.output_count = 1;
    assert_status(tdnn_net_load(DIGITS_CNN, NULL, &options, &none, &err), TDNN_ERR_NOT_FOUND);
    assert_null(none);
}

/* Load, plan, run; the status of what failed. */
static tdnn_status whole_way(const char *model, const char *config, const tdnn_tensor *input)
{
    tdnn_net *n = NULL;
    tdnn_session *s = NULL;
    const tdnn_tensor *out = NULL;
    tdnn_status status = tdnn_net_load(model, config, NULL, &n, &err);
    if (!status) status = tdnn_session_create(n, NULL, &s, &err);
    if (!status) status = tdnn_session_set_input(s, NULL, input, &err);
    if (!status) status = tdnn_session_run(s, &err);
    if (!status) status = tdnn_session_output(s, NULL, &out, &err);
    tdnn_session_free(s);
    tdnn_net_release(n);
    return status;
}

static void refuse_memory_everywhere(const char *model, const char *config, tdnn_tensor *input)
{
    size_t n = 1;
    for (tdnn_status status = TDNN_ERR_MEMORY; status != TDNN_OK; n++) {
        tdnn_alloc_fail_after(n);
        status = whole_way(model, config, input);
        tdnn_alloc_fail_after(0);
        if (status != TDNN_OK && status != TDNN_ERR_MEMORY)
            fail_msg("allocation %zu refused: status '%s': %s: %s", n, tdnn_status_name(status),
                     err.where, err.message);
    }
    assert_true(n > 20);
    tdnn_tensor_release(input);
}

static void memory_is_refused_onnx(void **state)
{
    (void)state;
    refuse_memory_everywhere(DIGITS_CNN, NULL, pictures(1, 1));
}

static void memory_is_refused_darknet(void **state)
{
    (void)state;
    tdnn_shape shape = tdnn_shape_make(4, (int64_t[]){1, 3, 128, 192});
    tdnn_tensor *input = NULL;
    assert_ok(tdnn_tensor_create(TDNN_F32, &shape, &input, &err), err);
    refuse_memory_everywhere(YOLO_CFG, YOLO_WEIGHTS, input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(net_says_what_it_is),
        cmocka_unit_test(loading_fails_clearly),
        cmocka_unit_test(darknet_files_in_either_order),
        cmocka_unit_test(misuse_is_refused),
        cmocka_unit_test(same_bits_from_any_number_of_threads),
        cmocka_unit_test(new_shapes_plan_again),
        cmocka_unit_test(threads_share_a_net),
        cmocka_unit_test(sessions_keep_the_net),
        cmocka_unit_test(progress_can_stop_a_run),
        cmocka_unit_test(nets_can_be_cut),
        cmocka_unit_test(memory_is_refused_onnx),
        cmocka_unit_test(memory_is_refused_darknet),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
