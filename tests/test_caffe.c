/* Caffe models: how the two files are told apart, names, phases, older forms, weights. What the
 * layers compute is judged elsewhere, against OpenCV. */
#include "tests/test.h"

#include "tests/caffe_model.h"

#include <stdlib.h>

#define INPUT                                                                                  \
    "layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: 1 dim: 2 dim: " \
    "3 dim: 3 } } }\n"
#define CONV                                                                                   \
    "layer { name: 'conv' type: 'Convolution' bottom: 'data' top: 'conv'\n"                    \
    "  convolution_param { num_output: 1 kernel_size: 3 weight_filler { type: 'xavier' } } "   \
    "}\n"

static tdnn_error err;
static tdnn_wire_buffer model;
static const tdnn_shape picture = {4, {1, 2, 3, 3}};

static float ones(size_t i) { return (void)i, 1.0F; }
static float numbers(size_t i) { return (float)i; }

/* A convolution of 2 channels with 3 x 3 ones, and a bias of 1. */
static int set_up(void **state)
{
    (void)state;
    caffe_model_begin(&model);
    caffe_model_layer(&model, CAFFE_NEWEST, "conv", (const int64_t[]){18, 1, 0}, ones);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tdnn_free(model.data);
    return 0;
}

static float run_one(const char *prototxt, const tdnn_wire_buffer *weights)
{
    float out[64];
    size_t count = 0;
    assert_ok(caffe_run(prototxt, weights, &picture, out, 64, &count, &err), err);
    assert_true(count >= 1);
    return out[0];
}

enum { SUM = 17 * 18 / 2 }; /* of the input */

/* Weights that stand in the text: of the newest form and of the older one; and a bad number. */
static void weights_in_the_text(void **state)
{
    (void)state;
    static const char *const forms[] = {
        INPUT "layer { name: 'conv' type: 'Convolution' bottom: 'data' top: 'conv'\n"
              "  convolution_param { num_output: 1 kernel_size: 3 }\n"
              "  blobs { shape { dim: 1 dim: 2 dim: 3 dim: 3 }\n"
              "    data: [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2] }\n"
              "  blobs { shape { dim: 1 } data: 0.5 } }",
        "input: 'data' input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 3\n"
        "layers { name: 'conv' type: CONVOLUTION bottom: 'data' top: 'conv'\n"
        "  blobs { num: 1 channels: 2 height: 3 width: 3 double_data: [2, 2, 2, 2, 2, 2, 2, 2, 2]\n"
        "    double_data: [2, 2, 2, 2, 2, 2, 2, 2, 2] }\n"
        "  blobs { num: 1 channels: 1 height: 1 width: 1 data: 0.5 }\n"
        "  convolution_param { num_output: 1 kernel_size: 3 } }",
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        assert_float_equal(run_one(forms[i], NULL), 2 * SUM + 0.5F, 0);
    float out[4];
    size_t count;
    assert_status(caffe_run(INPUT "layer { name: 'conv' type: 'Convolution' bottom: 'data' top: 'conv'\n"
                                  "  convolution_param { num_output: 1 kernel_size: 3 }\n"
                                  "  blobs { data: 1 data: one } }",
                            NULL, &picture, out, 4, &count, &err),
                  TDNN_ERR_FORMAT);
    assert_non_null(strstr(err.where, "line 4"));
}

static void either_order(void **state)
{
    (void)state;
    const char *text = INPUT CONV;
    tdnn_bytes config = {text, strlen(text)}, weights = caffe_model_bytes(&model);
    for (int swap = 0; swap < 2; swap++) {
        tdnn_net *net = NULL;
        assert_ok(tdnn_net_load_memory(swap ? config : weights, swap ? weights : config, NULL,
                                       &net, &err),
                  err);
        assert_int_equal(tdnn_net_format(net), TDNN_FORMAT_CAFFE);
        tdnn_net_release(net);
    }
    assert_int_equal(tdnn_format_detect(config), TDNN_FORMAT_CAFFE);
    assert_int_equal(tdnn_format_detect(weights), TDNN_FORMAT_CAFFE);
    assert_true(run_one(text, &model) == SUM + 1);
}

static bool write_temporary(char *path, const void *data, size_t size)
{
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
    bool written = file && fwrite(data, 1, size, file) == size;
    return file && fclose(file) == 0 && written;
}

static void from_files(void **state)
{
    (void)state;
    char text_path[] = "/tmp/tinydnn-test-XXXXXX", weights_path[] = "/tmp/tinydnn-test-XXXXXX";
    /* names that say nothing, or the wrong thing */
    assert_true(write_temporary(text_path, INPUT CONV, strlen(INPUT CONV)));
    assert_true(write_temporary(weights_path, model.data, model.size));
    for (int swap = 0; swap < 2; swap++) {
        tdnn_net *net = NULL;
        assert_ok(tdnn_net_load(swap ? text_path : weights_path,
                                swap ? weights_path : text_path, NULL, &net, &err),
                  err);
        assert_int_equal(tdnn_net_weight_bytes(net), 19 * sizeof(float));
        tdnn_net_release(net);
    }
    remove(text_path);
    remove(weights_path);
}

static void without_its_partner(void **state)
{
    (void)state;
    tdnn_net *net = NULL;
    tdnn_bytes weights = caffe_model_bytes(&model), none = {0};
    assert_status(tdnn_net_load_memory(weights, none, NULL, &net, &err), TDNN_ERR_FORMAT);
    assert_non_null(strstr(err.message, ".prototxt, which is missing"));
    assert_status(tdnn_net_load_memory(weights, weights, NULL, &net, &err), TDNN_ERR_FORMAT);
    assert_non_null(strstr(err.message, "two .caffemodel files"));
    tdnn_bytes text = {INPUT CONV, strlen(INPUT CONV)};
    assert_status(tdnn_net_load_memory(text, text, NULL, &net, &err), TDNN_ERR_FORMAT);
    assert_non_null(strstr(err.message, "two .prototxt files"));
}

/* The layers and their shapes are known, but there is nothing to run. */
static void without_weights(void **state)
{
    (void)state;
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    float out[1];
    size_t count;
    assert_ok(caffe_load(INPUT CONV, NULL, &net, &err), err);
    const tdnn_shape one = {4, {1, 1, 1, 1}};
    assert_true(tdnn_net_output(net, 0)->usual.ndim == 4);
    assert_memory_equal(tdnn_net_output(net, 0)->usual.dim, one.dim, 4 * sizeof *one.dim);
    assert_ok(tdnn_session_create(net, NULL, &session, &err), err);
    assert_ok(tdnn_session_plan(session, NULL, NULL, 0, &err), err);
    tdnn_session_free(session);
    tdnn_net_release(net);
    assert_status(caffe_run(INPUT CONV, NULL, &picture, out, 1, &count, &err), TDNN_ERR_STATE);
    assert_non_null(strstr(err.message, "the model has no weights"));
    /* A net that has none runs. */
    assert_true(run_one(INPUT "layer { name: 'p' type: 'Power' bottom: 'data' top: 'p' "
                              "power_param { shift: 5 } }",
                        NULL) == 5);
}

static void any_size(void **state)
{
    (void)state;
    float out[16];
    size_t count;
    const tdnn_shape larger = {4, {2, 2, 4, 5}}, wrong = {4, {1, 3, 3, 3}};
    assert_ok(caffe_run(INPUT CONV, &model, &larger, out, 16, &count, &err), err);
    assert_int_equal(count, 2 * 2 * 3);
    assert_status(caffe_run(INPUT CONV, &model, &wrong, out, 16, &count, &err), TDNN_ERR_SHAPE);
}

/* ---- names ---- */

static void check_outputs(const char *prototxt, const char *const *names)
{
    tdnn_net *net = NULL;
    size_t count = 0;
    assert_ok(caffe_load(prototxt, &model, &net, &err), err);
    for (; names[count]; count++)
        assert_string_equal(tdnn_net_output(net, count)->name, names[count]);
    assert_int_equal(tdnn_net_output_count(net), count);
    tdnn_net_release(net);
}

/* Tops that nobody takes, in the order of the layers that make them for the last time. */
static void outputs_in_order(void **state)
{
    (void)state;
    check_outputs(INPUT CONV
                  "layer { name: 'a' type: 'AbsVal' bottom: 'conv' top: 'a' }\n"
                  "layer { name: 'b' type: 'TanH' bottom: 'conv' top: 'b' }\n"
                  "layer { name: 'c' type: 'ReLU' bottom: 'a' top: 'a' }\n"
                  "layer { name: 's' type: 'Split' bottom: 'data' top: 's0' top: 's1' }\n"
                  "layer { name: 'd' type: 'AbsVal' bottom: 's0' top: 'd' }\n",
                  (const char *const[]){"b", "a", "s1", "d", NULL});
}

static void in_place(void **state)
{
    (void)state;
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    const tdnn_tensor *by_top, *by_layer;
    const char *text = INPUT CONV "layer { name: 'minus' type: 'Power' bottom: 'conv' top: "
                                  "'conv' power_param { scale: -1 } }\n"
                                  "layer { name: 'relu' type: 'ReLU' bottom: 'conv' top: "
                                  "'conv' relu_param { negative_slope: 2 } }";
    check_outputs(text, (const char *const[]){"conv", NULL});
    assert_true(run_one(text, &model) == -2 * (SUM + 1));
    assert_ok(caffe_load(text, &model, &net, &err), err);
    assert_ok(tdnn_session_create(net, NULL, &session, &err), err);
    tdnn_tensor *input;
    assert_ok(tdnn_tensor_create(TDNN_F32, &picture, &input, &err), err);
    assert_ok(tdnn_session_set_input(session, "data", input, &err), err);
    assert_ok(tdnn_session_run(session, &err), err);
    assert_ok(tdnn_session_output(session, "conv", &by_top, &err), err);
    assert_ok(tdnn_session_output(session, "relu", &by_layer, &err), err);
    assert_ptr_equal(by_top, by_layer);
    assert_status(tdnn_session_output(session, "minus", &by_layer, &err), TDNN_ERR_NOT_FOUND);
    tdnn_tensor_release(input);
    tdnn_session_free(session);
    tdnn_net_release(net);
}

/* The input keeps its name; what overwrites it is found by its layer. */
static void in_place_on_the_input(void **state)
{
    (void)state;
    const char *text = INPUT "layer { name: 'plus' type: 'Power' bottom: 'data' top: 'data' "
                             "power_param { shift: 3 } }";
    assert_true(run_one(text, NULL) == 3);
    tdnn_net *net = NULL;
    assert_ok(caffe_load(text, NULL, &net, &err), err);
    assert_string_equal(tdnn_net_input(net, 0)->name, "data");
    assert_string_equal(tdnn_net_output(net, 0)->name, "data@plus");
    tdnn_net_release(net);
}

/* Both layers have the weights of that name. */
static void same_name_twice(void **state)
{
    (void)state;
    tdnn_net *net = NULL;
    tdnn_load_options options;
    const char *names[] = {"conv_1"};
    const char *text =
        INPUT CONV "layer { name: 'conv' type: 'Convolution' bottom: 'data' top: 'again' "
                   "convolution_param { num_output: 1 kernel_size: 3 } }";
    check_outputs(text, (const char *const[]){"conv", "again", NULL});
    tdnn_load_options_init(&options);
    options.outputs = names;
    options.output_count = 1;
    assert_ok(tdnn_net_load_memory(caffe_model_bytes(&model), (tdnn_bytes){text, strlen(text)},
                                   &options, &net, &err),
              err);
    assert_string_equal(tdnn_net_output(net, 0)->name, "again");
    tdnn_net_release(net);
}

/* ---- phases ---- */

static void phases(void **state)
{
    (void)state;
    const char *text =
        "name: 'n' state { level: 2 stage: 'deploy' }\n" INPUT
        "layer { name: 'a' type: 'NoSuchLayer' bottom: 'x' top: 'a' include { phase: TRAIN } "
        "}\n"
        "layer { name: 'b' type: 'NoSuchLayer' bottom: 'x' top: 'b' exclude { phase: TEST } }\n"
        "layer { name: 'c' type: 'NoSuchLayer' top: 'c' include { min_level: 3 } }\n"
        "layer { name: 'd' type: 'NoSuchLayer' top: 'd' include { max_level: 1 } }\n"
        "layer { name: 'e' type: 'NoSuchLayer' top: 'e' include { stage: 'deploy' stage: "
        "'other' } }\n"
        "layer { name: 'f' type: 'NoSuchLayer' top: 'f' include { not_stage: 'deploy' } }\n"
        "layer { name: 'g' type: 'NoSuchLayer' top: 'g' exclude { phase: TRAIN } exclude { "
        "stage: 'deploy' } }\n"
        "layer { name: 'h' type: 'AbsVal' bottom: 'data' top: 'h' include { phase: TRAIN } "
        "include { phase: TEST min_level: 2 } }\n"
        "layer { name: 'i' type: 'AbsVal' bottom: 'data' top: 'i' exclude { phase: TRAIN } "
        "exclude { not_stage: 'deploy' } }\n";
    check_outputs(text, (const char *const[]){"h", "i", NULL});
}

/* A file for training and testing, as people have it: the data base becomes an input, labels
 * and what reads them go. */
static void train_and_test_file(void **state)
{
    (void)state;
    tdnn_net *net = NULL;
    const char *text =
        "layer { name: 'mnist' type: 'Data' top: 'data' top: 'label' include { phase: TRAIN }\n"
        "  data_param { source: 'train_lmdb' batch_size: 64 backend: LMDB } }\n"
        "layer { name: 'mnist' type: 'Data' top: 'data' top: 'label' include { phase: TEST }\n"
        "  transform_param { crop_size: 3 scale: 0.0039 } data_param { source: 'test_lmdb' "
        "batch_size: 5 backend: LMDB } }\n" CONV
        "layer { name: 'accuracy' type: 'Accuracy' bottom: 'conv' bottom: 'label' top: "
        "'accuracy' include { phase: TEST } }\n"
        "layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'conv' bottom: 'label' top: "
        "'loss' }\n";
    assert_ok(caffe_load(text, &model, &net, &err), err);
    assert_int_equal(tdnn_net_input_count(net), 1);
    assert_string_equal(tdnn_net_input(net, 0)->name, "data");
    assert_int_equal(tdnn_net_input(net, 0)->usual.dim[0], 5);
    assert_int_equal(tdnn_net_input(net, 0)->usual.dim[2], 3);
    assert_int_equal(tdnn_net_output_count(net), 1);
    assert_string_equal(tdnn_net_output(net, 0)->name, "conv");
    tdnn_net_release(net);
}

/* ---- older forms ---- */

static void older_forms(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "input: 'data' input_shape { dim: 1 dim: 2 dim: 3 dim: 3 }"
        "layer { name: 'fc' type: 'InnerProduct' bottom: 'data' top: 'fc' inner_product_param "
        "{ num_output: 2 } }"
        "layer { name: 'pool' type: 'Power' bottom: 'fc' top: 'pool' power_param { scale: 2 } "
        "}",
        "input: 'data' input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 3\n"
        "layers { name: 'fc' type: INNER_PRODUCT bottom: 'data' top: 'fc' blobs_lr: 1 "
        "blobs_lr: 2 weight_decay: 1\n"
        "  inner_product_param { num_output: 2 } }\n"
        "layers { name: 'pool' type: POWER bottom: 'fc' top: 'pool' power_param { scale: 2 } "
        "}\n",
        "input: 'data' input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 3\n"
        "layers { layer { name: 'fc' type: 'innerproduct' num_output: 2 biasterm: true "
        "blobs_lr: 1.\n"
        "  weight_filler { type: 'gaussian' std: 0.01 } } bottom: 'data' top: 'fc' }\n"
        "layers { layer { name: 'drop' type: 'dropout' dropout_ratio: 0.5 } bottom: 'fc' top: "
        "'fc' }\n"
        "layers { name: 'pool' type: POWER bottom: 'fc' top: 'pool' power_param { scale: 2 } "
        "}\n",
    };
    static const caffe_form forms[] = {CAFFE_NEWEST, CAFFE_V1, CAFFE_V0};
    float want[2] = {0, 1}; /* the bias; weight k is k, input k is k */
    for (int k = 0; k < 18; k++) want[0] += (float)(k * k), want[1] += (float)(k * (k + 18));
    for (size_t text = 0; text < 3; text++)
        for (size_t form = 0; form < 3; form++) { /* any .caffemodel goes with any .prototxt */
            tdnn_wire_buffer weights;
            float out[2];
            size_t count;
            caffe_model_begin(&weights);
            caffe_model_layer(&weights, forms[form], "fc", (const int64_t[]){36, 2, 0},
                              numbers);
            assert_ok(caffe_run(texts[text], &weights, &picture, out, 2, &count, &err), err);
            assert_int_equal(count, 2);
            for (int i = 0; i < 2; i++) assert_true(out[i] == 2 * want[i]);
            tdnn_free(weights.data);
        }
}

/* The oldest form had padding as a layer. */
static void padding_layers(void **state)
{
    (void)state;
    float out[9];
    size_t count;
    assert_ok(caffe_run("input: 'data' input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 3\n"
                        "layers { layer { name: 'pad' type: 'padding' pad: 1 } bottom: 'data' "
                        "top: 'pad' }\n"
                        "layers { layer { name: 'conv' type: 'conv' num_output: 1 kernelsize: "
                        "3 stride: 1 group: 1 }\n"
                        "  bottom: 'pad' top: 'conv' }\n",
                        &model, &picture, out, 9, &count, &err),
              err);
    assert_int_equal(count, 9);
    assert_true(out[4] == SUM + 1);
    assert_true(out[0] == 1 + (0 + 1 + 3 + 4) + (9 + 10 + 12 + 13));
}

/* ---- detections ---- */

#define SSD                                                                                    \
    "layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: 1 dim: 2 dim: " \
    "3 dim: 3 } } }\n"                                                                         \
    "layer { name: 'loc' type: 'InnerProduct' bottom: 'data' top: 'loc' inner_product_param "  \
    "{ num_output: 36 bias_term: false } }\n"                                                  \
    "layer { name: 'conf' type: 'Flatten' bottom: 'data' top: 'conf' }\n"                      \
    "layer { name: 'prior' type: 'PriorBox' bottom: 'data' bottom: 'data' top: 'prior' "       \
    "prior_box_param { min_size: 0.5 } }\n"                                                    \
    "layer { name: 'out' type: 'DetectionOutput' bottom: 'loc' bottom: 'conf' bottom: "        \
    "'prior' top: 'out'\n"                                                                     \
    "  detection_output_param { num_classes: 2 nms_param { nms_threshold: 0.5 } code_type: "   \
    "CENTER_SIZE %s } }"

static float zeros(size_t i) { return (void)i, 0.0F; }

/* Nine boxes with the scores 1, 3 ... 17 of class 1, that do not overlap. */
static void detection_rows(void **state)
{
    (void)state;
    tdnn_wire_buffer weights;
    char text[2000];
    float out[100];
    size_t count;
    caffe_model_begin(&weights);
    caffe_model_layer(&weights, CAFFE_NEWEST, "loc", (const int64_t[]){648, 0}, zeros);
    snprintf(text, sizeof text, SSD, "keep_top_k: 12 confidence_threshold: 6");
    assert_ok(caffe_run(text, &weights, &picture, out, 100, &count, &err), err);
    assert_int_equal(count, 12 * 7);
    for (int i = 0; i < 12; i++)
        assert_true(out[7 * i + 2] == (i < 6 ? (float)(17 - 2 * i) : 0));
    assert_true(out[1] == 1 && out[7 * 6 + 1] == 0);

    snprintf(text, sizeof text, SSD, "keep_top_k: -1 confidence_threshold: 6");
    assert_ok(caffe_run(text, &weights, &picture, out, 100, &count, &err), err);
    assert_int_equal(count, 6 * 7);
    assert_true(out[2] == 17 && out[7 * 5 + 2] == 7);

    snprintf(text, sizeof text, SSD, "keep_top_k: -1 confidence_threshold: 100");
    assert_ok(caffe_run(text, &weights, &picture, out, 100, &count, &err), err);
    assert_int_equal(count, 0);
    tdnn_free(weights.data);
}

static void detection_count(void **state)
{
    (void)state;
    static const char *const which[] = {"keep_top_k: 12 confidence_threshold: 6",
                                        "keep_top_k: -1 confidence_threshold: 6"};
    const char *names[] = {"out", "out/count"};
    tdnn_wire_buffer weights;
    caffe_model_begin(&weights);
    caffe_model_layer(&weights, CAFFE_NEWEST, "loc", (const int64_t[]){648, 0}, zeros);
    for (size_t i = 0; i < 2; i++) {
        char text[2000];
        tdnn_net *net = NULL;
        tdnn_session *session = NULL;
        tdnn_tensor *input;
        const tdnn_tensor *rows;
        tdnn_load_options options;
        snprintf(text, sizeof text, SSD, which[i]);
        tdnn_load_options_init(&options);
        options.outputs = names;
        options.output_count = 2;
        assert_ok(tdnn_net_load_memory(caffe_model_bytes(&weights),
                                       (tdnn_bytes){text, strlen(text)}, &options, &net, &err),
                  err);
        assert_ok(tdnn_session_create(net, NULL, &session, &err), err);
        assert_ok(tdnn_tensor_create(TDNN_F32, &picture, &input, &err), err);
        float *f = tdnn_tensor_data(input);
        for (int k = 0; k < 18; k++) f[k] = (float)k;
        assert_ok(tdnn_session_set_input(session, NULL, input, &err), err);
        assert_ok(tdnn_session_run(session, &err), err);
        assert_ok(tdnn_session_output(session, "out/count", &rows, &err), err);
        assert_int_equal(tdnn_tensor_dtype(rows), TDNN_I64);
        assert_int_equal(*(const int64_t *)tdnn_tensor_const_data(rows), 6);
        tdnn_tensor_release(input);
        tdnn_session_free(session);
        tdnn_net_release(net);
    }
    tdnn_free(weights.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_in_the_text),
        cmocka_unit_test_setup_teardown(either_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(from_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_its_partner, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_weights, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(outputs_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(in_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(in_place_on_the_input, set_up, tear_down),
        cmocka_unit_test_setup_teardown(same_name_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(phases, set_up, tear_down),
        cmocka_unit_test_setup_teardown(train_and_test_file, set_up, tear_down),
        cmocka_unit_test(older_forms),
        cmocka_unit_test_setup_teardown(padding_layers, set_up, tear_down),
        cmocka_unit_test(detection_rows),
        cmocka_unit_test(detection_count),
    };
    return cmocka_run_group_tests_name("caffe", tests, NULL, NULL);
}
