/* TensorFlow graphs: the forms that they come in, orders of dimensions, inner inputs, constants, control
 * flow that is decided while loading. What the operators compute is judged elsewhere, against
 * TensorFlow.js and OpenCV. */
#include "tests/test.h"

#include "lib/base/mem.h"
#include "tests/tensorflow_model.h"

static tdnn_error err;
static float out[256];
static tdnn_shape result;
static const tdnn_shape nchw = {4, {1, 2, 3, 3}}, nhwc = {4, {1, 3, 3, 2}};
static const tdnn_bytes none;

/* Sums 3 x 3 pixels of 2 channels, into 1 channel. */
#define WEIGHTS                                                                                \
    TF_FLOATS("conv/weights", "dim { size: 3 } dim { size: 3 } dim { size: 2 } dim { size: 1 }", \
              "float_val: 1")
#define CONV                                                                                   \
    TF_NODE("conv", "Conv2D",                                                                  \
            TF_IN("x") TF_IN("conv/weights") TF_ATTR("strides", "list { i: [1, 1, 1, 1] }")    \
                TF_ATTR("padding", "s: 'VALID'"))
#define NET TF_PICTURE WEIGHTS CONV

static void run_text(const char *text, const tdnn_shape *shape)
{
    assert_ok(tf_model_run(tf_model_text(text), none, NULL, shape, out, 256, &result, &err), err);
}

static void expect(const float *want, size_t count)
{
    assert_int_equal(tdnn_shape_count(&result), count);
    for (size_t i = 0; i < count; i++)
        if (out[i] != want[i])
            fail_msg("number %zu is %g, expected %g", i, (double)out[i], (double)want[i]);
}

enum { SUM = 17 * 18 / 2 }; /* of 0 .. 17 */

/* ---- Files ---- */

static void binary_and_text(void **state)
{
    (void)state;
    tdnn_bytes binary = tf_model_binary(NET);
    assert_int_equal(tdnn_format_detect(binary), TDNN_FORMAT_TENSORFLOW);
    assert_int_equal(tdnn_format_detect(tf_model_text(NET)), TDNN_FORMAT_TENSORFLOW);
    assert_ok(tf_model_run(binary, none, NULL, &nchw, out, 256, &result, &err), err);
    expect((float[]){SUM}, 1);
    run_text(NET, &nchw);
    expect((float[]){SUM}, 1);
    tdnn_free((void *)(uintptr_t)binary.data);
}

/* The text has the topology, the model has the weights by name; in either order. */
static void text_made_for_opencv(void **state)
{
    (void)state;
    tdnn_bytes binary = tf_model_binary(NET TF_NODE("more", "NoSuchOperator", TF_IN("conv")));
    tdnn_bytes text = tf_model_text(TF_PICTURE CONV);
    for (int swap = 0; swap < 2; swap++) {
        assert_ok(tf_model_run(swap ? text : binary, swap ? binary : text, NULL, &nchw, out, 256, &result, &err),
                  err);
        expect((float[]){SUM}, 1);
    }
    tdnn_free((void *)(uintptr_t)binary.data);
}

static void text_of_something_else(void **state)
{
    (void)state;
    static const struct {
        const char *text, *what;
    } list[] = {
        {"item { name: 'cat' id: 1 }", "looks like an object detection label map"},
        {"model { ssd { num_classes: 90 } }", "pipeline configuration of the Object Detection API"},
        {"saved_model_schema_version: 1 meta_graphs { }", "looks like a SavedModel"},
        {"graph_def { node { name: 'x' } }", "looks like a MetaGraphDef"},
        {"versions { producer: 1 }", "has no node { ... }"},
    };
    tdnn_bytes binary = tf_model_binary(NET);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        tdnn_status status = tf_model_run(binary, tf_model_text(list[i].text), NULL, &nchw, out, 256, &result, &err);
        assert_status(status, TDNN_ERR_FORMAT);
        if (!strstr(err.message, list[i].what))
            fail_msg("\"%s\" does not say \"%s\"", err.message, list[i].what);
    }
    tdnn_free((void *)(uintptr_t)binary.data);
}

/* ---- Orders of dimensions ---- */

static void order_of_the_ports(void **state)
{
    (void)state;
    const char *text = TF_PICTURE TF_NODE("y", "MaxPool",
                                          TF_IN("x") TF_ATTR("ksize", "list { i: [1, 2, 1, 1] }")
                                              TF_ATTR("strides", "list { i: [1, 1, 1, 1] }")
                                                  TF_ATTR("padding", "s: 'VALID'"));
    tdnn_load_options options;
    tdnn_load_options_init(&options);
    assert_int_equal(options.io_layout, TDNN_IO_NCHW);
    assert_ok(tf_model_run(tf_model_text(text), none, &options, &nchw, out, 256, &result, &err), err);
    /* rows 1 and 2 of 3 columns, of each channel */
    expect((float[]){3, 4, 5, 6, 7, 8, 12, 13, 14, 15, 16, 17}, 12);
    assert_int_equal(result.dim[1], 2);
    options.io_layout = TDNN_IO_AS_GRAPH;
    assert_ok(tf_model_run(tf_model_text(text), none, &options, &nhwc, out, 256, &result, &err), err);
    expect((float[]){6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}, 12);
    assert_int_equal(result.dim[3], 2);
    assert_int_not_equal(
        tf_model_run(tf_model_text(text), none, &options, &nchw, out, 256, &result, &err), TDNN_OK);
}

/* What is read of an image in TensorFlow's order, is so whatever order it has inside. */
static void flattened_as_tensorflow_does(void **state)
{
    (void)state;
    run_text(TF_PICTURE TF_NODE("p", "AvgPool",
                                TF_IN("x") TF_ATTR("ksize", "list { i: [1, 1, 1, 1] }")
                                    TF_ATTR("strides", "list { i: [1, 1, 1, 1] }")
                                        TF_ATTR("padding", "s: 'SAME'"))
                 TF_INTS("s", "dim { size: 2 }", "int_val: [1, -1]")
                     TF_NODE("y", "Reshape", TF_IN("p") TF_IN("s")),
             &nchw);
    expect((float[]){0, 9, 1, 10, 2, 11, 3, 12, 4, 13, 5, 14, 6, 15, 7, 16, 8, 17}, 18);
}

/* ---- Inputs and outputs ---- */

static void inner_input(void **state)
{
    (void)state;
    static const char *const names[] = {"middle"};
    const char *text = TF_INPUT("wave", "dim { size: 5 }")
        TF_NODE("middle", "NobodyHasThis", TF_IN("wave") TF_ATTR("T", "type: DT_FLOAT")) TF_NODE("y", "Neg", TF_IN("middle"));
    const tdnn_shape three = {1, {3}};
    tdnn_load_options options;
    tdnn_load_options_init(&options);
    assert_status(tf_model_run(tf_model_text(text), none, &options, &three, out, 256, &result, &err),
                  TDNN_ERR_UNSUPPORTED);
    options.inputs = names;
    options.input_count = 1;
    assert_ok(tf_model_run(tf_model_text(text), none, &options, &three, out, 256, &result, &err), err);
    expect((float[]){0, -1, -2}, 3);
}

static void outputs_by_name(void **state)
{
    (void)state;
    static const char *const second[] = {"s:1"}, *const unknown[] = {"nobody"};
    const char *text = TF_PICTURE TF_INTS("axis", "", "int_val: 3")
        TF_NODE("s", "Split", TF_IN("axis") TF_IN("x") TF_ATTR("num_split", "i: 2")) TF_NODE("y", "Neg", TF_IN("s"));
    tdnn_load_options options;
    tdnn_load_options_init(&options);
    options.outputs = second;
    options.output_count = 1;
    assert_ok(tf_model_run(tf_model_text(text), none, &options, &nhwc, out, 256, &result, &err), err);
    expect((float[]){1, 3, 5, 7, 9, 11, 13, 15, 17}, 9);
    options.outputs = unknown;
    assert_status(tf_model_run(tf_model_text(text), none, &options, &nhwc, out, 256, &result, &err), TDNN_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "\"nobody\""));
}

static void everything_that_is_missing(void **state)
{
    (void)state;
    const char *text = TF_PICTURE TF_NODE("a", "FirstOfAll", TF_IN("x")) TF_NODE("b", "Neg", TF_IN("a"))
        TF_NODE("c", "AnotherOne", TF_IN("x")) TF_NODE("d", "Add", TF_IN("b") TF_IN("c"));
    assert_status(tf_model_run(tf_model_text(text), none, NULL, &nchw, out, 256, &result, &err), TDNN_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "FirstOfAll (node a (FirstOfAll), line "));
    assert_non_null(strstr(err.message, "AnotherOne (node c (AnotherOne), line "));
}

/* ---- Constants ---- */

static void elements_of_constants(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        float want[4];
    } list[] = {
        {TF_FLOATS("c", "dim { size: 4 }", "float_val: [1, 2, 3, 4]"), {1, 2, 3, 4}},
        {TF_FLOATS("c", "dim { size: 4 }", "float_val: 7"), {7, 7, 7, 7}},
        {TF_FLOATS("c", "dim { size: 4 }", "float_val: [1, 2]"), {1, 2, 2, 2}}, /* the last one stands for the rest */
        {TF_FLOATS("c", "dim { size: 4 }", ""), {0, 0, 0, 0}},
        {TF_FLOATS("c", "dim { size: 4 }", "float_val: 1 float_val: -2 float_val: 0.5 float_val: 1e3"), {1, -2, 0.5F, 1000}},
        {TF_FLOATS("c", "dim { size: 2 } dim { size: 2 }",
                   "tensor_content: '\\000\\000\\200\\077\\000\\000\\000\\100\\000\\000\\100\\100\\000\\000\\200\\100'"),
         {1, 2, 3, 4}},
        {TF_CONST("h", "DT_HALF", "dim { size: 4 }", "half_val: [15360, 16384, 48128, 0]")
             TF_NODE("c", "Cast", TF_IN("h") TF_ATTR("DstT", "type: DT_FLOAT")),
         {1, 2, -1, 0}},
        {TF_CONST("b", "DT_BOOL", "dim { size: 4 }", "bool_val: [true, false, true, true]")
             TF_NODE("c", "Cast", TF_IN("b") TF_ATTR("DstT", "type: DT_FLOAT")),
         {1, 0, 1, 1}},
        {TF_CONST("l", "DT_INT64", "dim { size: 4 }", "int64_val: [-5, 6, 0, 1]")
             TF_NODE("c", "Cast", TF_IN("l") TF_ATTR("DstT", "type: DT_FLOAT")),
         {-5, 6, 0, 1}},
        {TF_CONST("q", "DT_QUINT8", "dim { size: 4 }", "int_val: [0, 255, 51, 102]") TF_FLOATS("lo", "", "float_val: -1")
             TF_FLOATS("hi", "", "float_val: 4")
                 TF_NODE("c", "Dequantize", TF_IN("q") TF_IN("lo") TF_IN("hi") TF_ATTR("mode", "s: 'MIN_COMBINED'")),
         {-1, 4, 0, 1}},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char text[2048];
        snprintf(text, sizeof text, "%s%s%s", list[i].text, TF_INTS("flat", "dim { size: 1 }", "int_val: -1"),
                 TF_NODE("y", "Reshape", TF_IN("c") TF_IN("flat")));
        run_text(text, NULL);
        expect(list[i].want, 4);
    }
}

/* ---- What is of no use, and what is decided while loading ---- */

static void of_no_use(void **state)
{
    (void)state;
    run_text(TF_PICTURE TF_NODE("nothing", "NoOp", "") TF_CONST("yes", "DT_BOOL", "", "bool_val: true")
                 TF_NODE("assert", "Assert", TF_IN("yes") TF_IN("x"))
                     TF_NODE("phase", "PlaceholderWithDefault", TF_IN("yes") TF_ATTR("dtype", "type: DT_BOOL"))
                         TF_NODE("i", "Identity", TF_IN("x") TF_IN("^assert") TF_IN("^nothing"))
                             TF_NODE("sw", "Switch", TF_IN("i") TF_IN("phase")) TF_NODE("a", "Neg", TF_IN("sw:1"))
                                 TF_NODE("b", "ThisIsNeverRun", TF_IN("sw:0"))
                                     TF_NODE("y", "Merge", TF_IN("b") TF_IN("a")),
             &nhwc);
    assert_int_equal(tdnn_shape_count(&result), 18);
    for (int i = 0; i < 18; i++) assert_true(out[i] == (float)-i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binary_and_text),       cmocka_unit_test(text_made_for_opencv),
        cmocka_unit_test(text_of_something_else), cmocka_unit_test(order_of_the_ports),
        cmocka_unit_test(flattened_as_tensorflow_does), cmocka_unit_test(inner_input),
        cmocka_unit_test(outputs_by_name),       cmocka_unit_test(everything_that_is_missing),
        cmocka_unit_test(elements_of_constants), cmocka_unit_test(of_no_use),
    };
    return cmocka_run_group_tests_name("tensorflow", tests, NULL, NULL);
}
