/* Caffe models that are wrong: each is an error that says where and what; and models that are
 * cut off, or have bytes changed, fail cleanly or run. */
#include "tests/test.h"

#include "tests/caffe_model.h"

#define INPUT                                                                                  \
    "layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: 1 dim: 2 dim: " \
    "4 dim: 4 } } }\n"
#define LAYER(type, rest)                                                                      \
    INPUT "layer { name: 'x' type: '" type "' bottom: 'data' top: 'x' " rest " }"
#define TWO(type, rest)                                                                        \
    INPUT "layer { name: 'x' type: '" type "' bottom: 'data' bottom: 'data' top: 'x' " rest " }"
#define CONV(rest) LAYER("Convolution", "convolution_param { " rest " }")
#define PRIOR(rest) TWO("PriorBox", "prior_box_param { " rest " }")

static tdnn_error err;
static const tdnn_shape picture = {4, {1, 2, 4, 4}};

static float ones(size_t i) { return (void)i, 1.0F; }

typedef struct bad {
    const char *prototxt;
    const char *where, *what; /* parts of the error */
} bad;

/* The layer x has blobs of 18, 1 and 1 numbers. */
static void run_bad(const bad *b)
{
    tdnn_wire_buffer model;
    float out[64];
    size_t count;
    caffe_model_begin(&model);
    caffe_model_layer(&model, CAFFE_NEWEST, "x", (const int64_t[]){18, 1, 1, 0}, ones);
    tdnn_status status = caffe_run(b->prototxt, &model, &picture, out, 64, &count, &err);
    tdnn_free(model.data);
    if (!status) fail_msg("loads and runs: %s", b->prototxt);
    if (status == TDNN_ERR_INTERNAL || status == TDNN_ERR_MEMORY)
        fail_msg("%s: %s: %s", tdnn_status_name(status), err.message, b->prototxt);
    if (!strstr(err.where, b->where) || !strstr(err.message, b->what))
        fail_msg("\"%s: %s\" says neither \"%s\" nor \"%s\"", err.where, err.message, b->where,
                 b->what);
}

static void malformed_text(void **state)
{
    (void)state;
    static const bad list[] = {
        {"layer { name: 'x' type: 'ReLU' bottom: 'data' top: 'x'\n", "line 2",
         "the end of a message"},
        {"layer: 5", "line 1", "layer is 5, expected a message"},
        {"layer { name: 'x' }", "line 1", "has no type"},
        {INPUT "layer { name: 'x' type: 'ReLU' bottom { } top: 'x' }", "line 2",
         "expected a name"},
        {INPUT "\n\nlayer { name: 'x' type: 'ReLU' bottom: 'y' top: 'x' }",
         "layer \"x\" (ReLU), line 4", "no layer before it makes its bottom \"y\""},
        {"name: 'n' input: 'data'\nlayer { name: 'x' type: 'ReLU' bottom: 'x' top: 'x' }",
         "layer \"x\" (ReLU), line 2", "makes its bottom \"x\""},
        {INPUT, "", "no layer whose result is an output"},
        {"name: 'empty' layer { name: 'd' type: 'Input' top: 'a' top: 'a' }", "line 1",
         "two inputs are named"},
        {"input: 'data' input_dim: 1 input_dim: 2", "", "2 input_dim for 1 inputs"},
        {"input: 'data' input_dim: 1 input_dim: -3 input_dim: 4 input_dim: 4", "line 1",
         "input_dim is -3"},
        {"layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: 1\n dim: "
         "-2 } } }",
         "line 2", "dim is -2, expected 1"},
        {"layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: "
         "[1,1,1,1,1,1,1,1,1] } } }",
         "", "9 dimensions, expected at most 8 (layer \"data\" (Input), line 1)"},
        {LAYER("ReLU", "include { phase: TEST } exclude { phase: TRAIN }"),
         "layer \"x\" (ReLU), line 2", "both include and exclude"},
        {INPUT "layer { name: 'x' type: 'Eltwise' top: 'x' }", "layer \"x\"",
         "0 bottoms, expected 1 or more"},
        {LAYER("Softmax", "top: 'y'"), "layer \"x\"", "2 tops, expected 1 to 1"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) run_bad(&list[i]);
}

static void bad_parameters(void **state)
{
    (void)state;
    static const bad list[] = {
        {CONV("kernel_size: 3"), "layer \"x\" (", "num_output is missing"},
        {CONV("num_output: 0 kernel_size: 3"), "layer \"x\" (", "num_output is 0"},
        {CONV("num_output: 1"), "layer \"x\" (", "kernel_size is missing"},
        {CONV("num_output: 1 kernel_size: 0"), "layer \"x\" (", "kernel_size is 0"},
        {CONV("num_output: 1 kernel_size: -3"), "layer \"x\" (", "kernel_size is -3"},
        {CONV("num_output: 1 kernel_size: 3 stride: 0"), "layer \"x\" (", "stride is 0"},
        {CONV("num_output: 1 kernel_size: 3 dilation: 0"), "layer \"x\" (", "dilation is 0"},
        {CONV("num_output: 1 kernel_size: 3 group: 0"), "layer \"x\" (", "group is 0"},
        {CONV("num_output: 1 kernel_size: 3 group: 2"), "layer \"x\" (",
         "1 outputs in 2 groups"},
        {CONV("num_output: 3 kernel_size: 3 group: 3"), "layer \"x\" (",
         "2 channels in 3 groups"},
        {CONV("num_output: 1 kernel_size: 3 pad: 99999999999"), "layer \"x\" (",
         "pad is 99999999999"},
        {CONV("num_output: 1 kernel_size: three"), "layer \"x\" (",
         "kernel_size is three, expected an integer"},
        {CONV("num_output: 1 kernel_size: 3 kernel_size: 3 kernel_size: 3"), "layer \"x\" (",
         "given 3 times"},
        {CONV("num_output: 1 kernel_h: 3"), "layer \"x\" (", "kernel_h without kernel_w"},
        {CONV("num_output: 1 kernel_size: 3 kernel_h: 3 kernel_w: 3"), "layer \"x\" (",
         "without kernel_size"},
        {CONV("num_output: 1 num_output: 2 kernel_size: 3"), "layer \"x\" (",
         "num_output is given twice"},
        {CONV("num_output: 1 kernel_size: 9"), "blob 0", "18 numbers, expected 162"},
        {LAYER("Pooling", "pooling_param { kernel_size: 9 }"), "x", "a window of 9 elements"},
        {LAYER("Convolution", "convolution_param: 3"), "layer \"x\" (",
         "convolution_param is 3, expected a message"},
        {LAYER("Pooling", "pooling_param { kernel_size: 2 pad: 2 }"), "layer \"x\" (",
         "pad is 2, expected less"},
        {LAYER("Pooling", ""), "layer \"x\" (", "kernel_size is missing"},
        {LAYER("LRN", "lrn_param { local_size: 4 }"), "layer \"x\" (",
         "local_size is 4, expected an odd"},
        {LAYER("Softmax", "softmax_param { axis: 4 }"), "layer \"x\" (",
         "axis is 4, expected -4 to 3"},
        {LAYER("Permute", "permute_param { order: 0 order: 0 }"), "layer \"x\" (",
         "axis 0 twice"},
        {LAYER("Permute", "permute_param { order: 7 }"), "layer \"x\" (", "order is 7"},
        {LAYER("Flatten", "flatten_param { axis: 2 end_axis: 1 }"), "layer \"x\" (",
         "axis 2 behind end_axis 1"},
        {LAYER("Reshape", "reshape_param { shape { dim: -2 } }"), "layer \"x\" (", "dim is -2"},
        {LAYER("Reshape", "reshape_param { shape { dim: -1 dim: -1 } }"), "x", "one -1"},
        {LAYER("Reshape", "reshape_param { shape { dim: 5 } }"), "x", "cannot have shape 5"},
        {LAYER("Slice", "top: 'y' slice_param { slice_point: 100 }"), "layer \"x\" (",
         "slice_point 100"},
        {LAYER("Slice", "top: 'y' slice_param { slice_point: 0 }"), "layer \"x\" (",
         "slice_point 0"},
        {LAYER("Slice",
               "top: 'y' top: 'z' slice_param { axis: 2 slice_point: 2 slice_point: 1 }"),
         "layer \"x\" (", "slice_point 1"},
        {LAYER("Slice", "top: 'y' top: 'z'"), "layer \"x\" (",
         "2 along axis 1 in 3 equal slices"},
        {LAYER("ShuffleChannel", "shuffle_channel_param { group: 3 }"), "layer \"x\" (",
         "2 channels in 3 groups"},
        {LAYER("Exp", "exp_param { base: -2 }"), "layer \"x\" (", "base is -2"},
        {TWO("Eltwise", "eltwise_param { coeff: 1 }"), "layer \"x\" (", "1 coeff"},
        {TWO("Eltwise", "eltwise_param { operation: PROD coeff: 1 coeff: 2 }"), "layer \"x\" (",
         "of a sum"},
        {TWO("Crop", "crop_param { offset: 1 }"), "layer \"x\" (",
         "4 from 1 on of 4 along axis 2"},
        {LAYER("Tile", "tile_param { axis: 1 }"), "layer \"x\" (", "tiles is missing"},
        {LAYER("Interp", ""), "layer \"x\" (", "neither height and width nor a factor"},
        {PRIOR(""), "layer \"x\" (", "neither min_size nor width"},
        {PRIOR("min_size: 3 max_size: 2"), "layer \"x\" (",
         "max_size 2 is not above min_size 3"},
        {PRIOR("width: 3"), "layer \"x\" (", "1 width and 0 height"},
        {PRIOR("min_size: 3 aspect_ratio: 0"), "layer \"x\" (", "aspect_ratio 0"},
        {PRIOR("min_size: 3 step: -1"), "layer \"x\" (", "step is negative"},
        {PRIOR("min_size: 3 variance: 1 variance: 2"), "x", "2 variances"},
        {INPUT "layer { name: 'x' type: 'DetectionOutput' bottom: 'data' bottom: 'data' "
               "bottom: 'data' top: 'x'"
               " detection_output_param { } }",
         "layer \"x\" (", "num_classes is missing"},
        {INPUT "layer { name: 'x' type: 'DetectionOutput' bottom: 'data' bottom: 'data' "
               "bottom: 'data' top: 'x'"
               " detection_output_param { num_classes: 2 keep_top_k: -1 } }",
         "x", "do not fit together"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) run_bad(&list[i]);
}

static void bad_weights(void **state)
{
    (void)state;
    static const bad list[] = {
        {CONV("num_output: 2 kernel_size: 3"), "blob 0 of layer \"x\", line 2",
         "18 numbers, expected 36 (2x2x3x3)"},
        {CONV("num_output: 1 kernel_size: 2"), "blob 0 of layer \"x\", line 2",
         "18 numbers, expected 8"},
        {LAYER("InnerProduct", "inner_product_param { num_output: 5 }"), "blob 0",
         "18 numbers, expected 160"},
        {LAYER("PReLU", ""), "", "2"},
        {INPUT "layer { name: 'other' type: 'PReLU' bottom: 'data' top: 'x' }",
         "layer \"other\"", "0 blobs in the .caffemodel, expected 1 at least"},
        {INPUT "layer { name: 'other' type: 'BatchNorm' bottom: 'data' top: 'x' }",
         "layer \"other\"", "0 blobs"},
        {LAYER("BatchNorm", ""), "blob 1", "1 numbers, expected 18"},
        {INPUT "layer { name: 'x' type: 'LSTM' bottom: 'data' bottom: 'data' top: 'x' "
               "recurrent_param { num_output: 3 } }",
         "layer \"x\" (", "has 4 dimensions"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) run_bad(&list[i]);
    /* OpenCV 4.6 crashes here */
    float out[64];
    size_t count;
    assert_ok(caffe_run(LAYER("BatchNorm", "batch_norm_param { use_global_stats: false }"),
                        NULL, &picture, out, 64, &count, &err),
              err);
    assert_int_equal(count, 32);
}

/* One error names them all; what depends on them is not held against the model. */
static void unsupported(void **state)
{
    (void)state;
    const char *text = INPUT
        "layer { name: 'a' type: 'Fancy' bottom: 'data' top: 'a' }\n"
        "layer { name: 'b' type: 'ReLU' bottom: 'a' top: 'b' relu_param { negative_slope: 1 } "
        "}\n"
        "layer { name: 'c' type: 'ReLU' bottom: 'data' top: 'c' relu_param { depth: 3 } }\n"
        "layer { name: 'd' type: 'Pooling' bottom: 'data' top: 'd' odd: 1 pooling_param { "
        "pool: MEDIAN kernel_size: 2 } }\n"
        "layer { name: 'e' type: 'Fancy' bottom: 'b' top: 'e' }\n";
    static const char *const parts[] = {
        "not supported in 5 places",
        "layer type Fancy (layer \"a\" (Fancy), line 2 and others)",
        "relu_param.depth (layer \"c\" (ReLU), line 4)",
        "pool is MEDIAN, expected one of MAX, AVE, STOCHASTIC (layer \"d\" (Pooling), line 5)"};
    tdnn_net *net = NULL;
    assert_status(caffe_load(text, NULL, &net, &err), TDNN_ERR_UNSUPPORTED);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(err.message, parts[i]))
            fail_msg("\"%s\" does not say \"%s\"", err.message, parts[i]);
}

/* ---- damage ---- */

#define WHOLE                                                                                  \
    "name: 'whole' # with all sorts of things\n" INPUT                                         \
    "layer { name: 'conv' type: 'Convolution' bottom: 'data' top: 'conv' param { lr_mult: 1 "  \
    "}\n"                                                                                      \
    "  convolution_param { num_output: 2 kernel_size: 3 pad: 1 weight_filler { type: "         \
    "\"msra\" } } }\n"                                                                         \
    "layer { name: 'bn' type: 'BatchNorm' bottom: 'conv' top: 'conv' }\n"                      \
    "layers { name: 'relu' type: RELU bottom: 'conv' top: 'conv' }\n"                          \
    "layer { name: 'pool' type: 'Pooling' bottom: 'conv' top: 'pool' top: 'mask' "             \
    "pooling_param { kernel_size: 2 stride: 2 } }\n"                                           \
    "layer { name: 'up' type: 'Upsample' bottom: 'pool' bottom: 'mask' top: 'up' "             \
    "upsample_param { scale: 2 } }\n"                                                          \
    "layer { name: 'fc' type: 'InnerProduct' bottom: 'up' top: 'fc' inner_product_param { "    \
    "num_output: 3 } }\n"                                                                      \
    "layer { name: 'prob' type: 'Softmax' bottom: 'fc' top: 'prob' }\n"                        \
    "layer { name: 'prior' type: 'PriorBox' bottom: 'pool' bottom: 'data' top: 'prior' "       \
    "prior_box_param { min_size: 1 aspect_ratio: 2 } }\n"

static void make_whole(tdnn_wire_buffer *model)
{
    caffe_model_begin(model);
    caffe_model_layer(model, CAFFE_NEWEST, "conv", (const int64_t[]){36, 2, 0}, ones);
    caffe_model_layer(model, CAFFE_V1, "bn", (const int64_t[]){2, 2, 1, 0}, ones);
    caffe_model_layer(model, CAFFE_V0, "fc", (const int64_t[]){96, 3, 0}, ones);
}

/* The bytes lie in blocks of exactly their size: the address sanitizer sees every read beyond
 * them. */
static void must_be_clean(const void *text, size_t text_size, const void *weights,
                          size_t weights_size)
{
    char *t = tdnn_alloc(text_size, 1), *w = tdnn_alloc(weights_size, 1);
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    assert_true(t && w);
    if (text_size) memcpy(t, text, text_size);
    if (weights_size) memcpy(w, weights, weights_size);
    tdnn_bytes first = {w, weights_size}, second = {t, text_size};
    if (!weights_size) first = second, second = (tdnn_bytes){0};
    tdnn_load_options options;
    tdnn_load_options_init(&options);
    options.max_bytes = options.max_tensor_bytes = 1 << 24;
    tdnn_error_clear(&err);
    tdnn_status status = tdnn_net_load_memory(first, second, &options, &net, &err);
    if (!status) status = tdnn_session_create(net, NULL, &session, &err);
    if (!status && tdnn_net_input_count(net) == 1 && tdnn_net_input(net, 0)->usual.ndim == 4) {
        tdnn_shape shape = tdnn_net_input(net, 0)->usual;
        for (int i = 0; i < 4; i++)
            if (shape.dim[i] < 1 || shape.dim[i] > 9) shape.dim[i] = 1;
        tdnn_tensor *input;
        assert_ok(tdnn_tensor_create(TDNN_F32, &shape, &input, &err), err);
        status = tdnn_session_set_input(session, NULL, input, &err);
        tdnn_tensor_release(input);
        if (!status) status = tdnn_session_run(session, &err);
    }
    if (status && (status == TDNN_ERR_INTERNAL || !err.message[0]))
        fail_msg("status '%s', \"%s\"", tdnn_status_name(status), err.message);
    tdnn_session_free(session);
    tdnn_net_release(net);
    tdnn_free(t);
    tdnn_free(w);
}

static void whole_model_runs(void **state)
{
    (void)state;
    tdnn_wire_buffer model;
    float out[64];
    size_t count;
    make_whole(&model);
    assert_ok(caffe_run(WHOLE, &model, &picture, out, 64, &count, &err), err);
    tdnn_free(model.data);
}

static void cut_anywhere(void **state)
{
    (void)state;
    tdnn_wire_buffer model;
    make_whole(&model);
    for (size_t n = 0; n < strlen(WHOLE); n++) must_be_clean(WHOLE, n, model.data, model.size);
    for (size_t n = 0; n < strlen(WHOLE); n++) must_be_clean(WHOLE, n, NULL, 0);
    for (size_t n = 0; n < model.size; n++) must_be_clean(WHOLE, strlen(WHOLE), model.data, n);
    for (size_t n = 0; n < model.size; n++) must_be_clean(NULL, 0, model.data, n);
    tdnn_free(model.data);
}

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
    return *x;
}

static void changed_bytes(void **state)
{
    (void)state;
    static const char useful[] = "0123456789-{}:'\" \n.[]<>#ex";
    tdnn_wire_buffer model;
    uint64_t x = 88172645463325252u;
    char text[sizeof WHOLE];
    make_whole(&model);
    for (int round = 0; round < 4000; round++) {
        memcpy(text, WHOLE, sizeof WHOLE);
        unsigned char *copy = tdnn_alloc(model.size, 1);
        assert_non_null(copy);
        memcpy(copy, model.data, model.size);
        for (uint64_t k = next_random(&x) % 3 + 1; k > 0; k--)
            if (round % 2)
                text[next_random(&x) % (sizeof WHOLE - 1)] =
                    useful[next_random(&x) % (sizeof useful - 1)];
            else
                copy[next_random(&x) % model.size] = (unsigned char)next_random(&x);
        must_be_clean(text, strlen(text), copy, model.size);
        tdnn_free(copy);
    }
    tdnn_free(model.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_text),   cmocka_unit_test(bad_parameters),
        cmocka_unit_test(bad_weights),      cmocka_unit_test(unsupported),
        cmocka_unit_test(whole_model_runs), cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(changed_bytes),
    };
    return cmocka_run_group_tests_name("caffe, malformed", tests, NULL, NULL);
}
