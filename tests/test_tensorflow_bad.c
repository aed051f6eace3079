/* TensorFlow graphs that are wrong: each is an error that says where and what; and graphs that are cut
 * off, or have bytes changed, fail cleanly or run. */
#include "tests/test.h"

#include "lib/base/mem.h"
#include "tests/tensorflow_model.h"

#define STRIDES(numbers) TF_ATTR("strides", "list { i: " numbers " }")
#define PADDING(text) TF_ATTR("padding", "s: '" text "'")
#define WEIGHTS(h, w, in, count)                                                               \
    TF_FLOATS("w", "dim { size: " h " } dim { size: " w " } dim { size: " in " } dim { size: " count " }", "")
#define ONE(op, rest) TF_PICTURE TF_NODE("y", op, TF_IN("x") rest)
#define TWO(op, second, rest) TF_PICTURE second TF_NODE("y", op, TF_IN("x") TF_IN("w") rest)
#define VECTOR(numbers, count) TF_INTS("w", "dim { size: " count " }", "int_val: " numbers)
#define NUMBER(n) TF_INTS("w", "", "int_val: " n)

static tdnn_error err;
static float out[1024];
static tdnn_shape result;
static const tdnn_shape picture = {4, {1, 2, 3, 3}}, as_graph = {4, {1, 3, 3, 2}};
static const tdnn_bytes none;

typedef struct bad {
    const char *text;
    const char *what; /* a part of the error */
} bad;

static void run_all(const bad *list, size_t count)
{
    tdnn_load_options options;
    tdnn_load_options_init(&options);
    options.io_layout = TDNN_IO_AS_GRAPH;
    for (size_t i = 0; i < count; i++) {
        const bad *b = &list[i];
        tdnn_status status =
            tf_model_run(tf_model_text(b->text), none, &options, &as_graph, out, 1024, &result, &err);
        if (!status) fail_msg("loads and runs: %s", b->text);
        if (status == TDNN_ERR_INTERNAL || status == TDNN_ERR_MEMORY)
            fail_msg("%s: %s: %s", tdnn_status_name(status), err.message, b->text);
        if (!strstr(err.message, b->what) && !strstr(err.where, b->what))
            fail_msg("\"%s: %s\" does not say \"%s\"", err.where, err.message, b->what);
        if (strstr(b->text, "name: 'y'") && !strstr(b->text, "name: 'z'") && !strstr(err.message, "node y") && !strstr(err.where, "node y"))
            fail_msg("\"%s: %s\" does not name node y", err.where, err.message);
    }
}
#define RUN_ALL(list) run_all(list, sizeof(list) / sizeof *(list))

static void malformed_graph(void **state)
{
    (void)state;
    static const bad list[] = {
        {"node { name: 'a' op: 'Neg' input: 'b' }", "nothing makes its input \"b\""},
        {"node { name: 'a' op: 'Neg' input: 'b' } node { name: 'b' op: 'Neg' input: 'a' }", "no outputs"},
        {"node { name: 'a' op: 'Neg' input: 'b' } node { name: 'b' op: 'Neg' input: 'a' } "
         "node { name: 'c' op: 'Neg' input: 'a' }",
         "cycle"},
        {TF_PICTURE TF_PICTURE, "two nodes are named \"x\""},
        {"node { op: 'Neg' }", "node 0 has no name"},
        {"node { name: 'a' }", "node 0 has no operator"},
        {"node { name: 'a' operator: 'Neg' }", "line 1: NodeDef has no field \"operator\""},
        {"node { name: 'a'\nop: 'Neg'\ninput: { } }", "line 3"},
        {"node { name: 'a' op: 'Neg' ", "line 1"},
        {"versions { producer: 27 }", "has no node"},
        {TF_PICTURE TF_NODE("z", "Neg", TF_IN("x:3")), "node x has no output 3"},
        {TF_PICTURE, "no outputs"},
        {ONE("Enter", TF_ATTR("is_constant", "b: true")) TF_NODE("z", "Neg", TF_IN("y")), "has no frame_name"},
        {ONE("Enter", TF_ATTR("frame_name", "s: 'loop'")) TF_NODE("z", "Neg", TF_IN("y")), "outside of its loop \"loop\""},
        {ONE("Exit", ""), "leaves no loop"},
        {ONE("NextIteration", "") TF_NODE("z", "Neg", TF_IN("y")), "is not part of a loop"},
    };
    RUN_ALL(list);
}

static void bad_constants(void **state)
{
    (void)state;
    static const bad list[] = {
        {TF_NODE("w", "Const", "") TF_NODE("z", "Neg", TF_IN("w")), "no attribute \"value\""},
        {TF_FLOATS("w", "dim { size: 2 }", "tensor_content: 'abc'") TF_NODE("z", "Neg", TF_IN("w")),
         "3 bytes of elements, expected 8"},
        {TF_FLOATS("w", "dim { size: 2 }", "float_val: [1, 2, 3]") TF_NODE("z", "Neg", TF_IN("w")), "more elements"},
        {TF_FLOATS("w", "dim { size: -2 }", "") TF_NODE("z", "Neg", TF_IN("w")), "negative dimension"},
        {TF_FLOATS("w", "dim { size: 4611686018427387904 } dim { size: 4 }", "") TF_NODE("z", "Neg", TF_IN("w")), "limit"},
        {TF_FLOATS("w", "dim { size: 1000000000 }", "float_val: 1") TF_NODE("z", "Neg", TF_IN("w")), "one repeated element"},
        {TF_CONST("w", "DT_COMPLEX64", "", "") TF_NODE("z", "Neg", TF_IN("w")), "DT_COMPLEX64"},
        {TF_CONST("w", "77", "", "") TF_NODE("z", "Neg", TF_IN("w")), "unknown type"},
        {TF_FLOATS("w", "dim { size: 1 } dim { size: 1 } dim { size: 1 } dim { size: 1 } dim { size: 1 } dim { size: 1 } "
                        "dim { size: 1 } dim { size: 1 } dim { size: 1 }", "")
             TF_NODE("z", "Neg", TF_IN("w")), "more than 8 dimensions"},
        {TF_NODE("w", "VariableV2", "") TF_NODE("z", "Neg", TF_IN("w")), "freeze the graph first"},
    };
    RUN_ALL(list);
}

static void bad_windows(void **state)
{
    (void)state;
    static const bad list[] = {
        {TWO("Conv2D", WEIGHTS("3", "3", "2", "1"), STRIDES("[1, 0, 1, 1]") PADDING("SAME")), "strides has 0"},
        {TWO("Conv2D", WEIGHTS("3", "3", "2", "1"), STRIDES("[1, 1]") PADDING("SAME")), "strides has 2 numbers"},
        {TWO("Conv2D", WEIGHTS("3", "3", "2", "1"), STRIDES("[2, 1, 1, 1]") PADDING("SAME")), "over batch or channels"},
        {TWO("Conv2D", WEIGHTS("3", "3", "2", "1"), TF_ATTR("strides", "i: 1") PADDING("SAME")), "expected a list of ints"},
        {TWO("Conv2D", WEIGHTS("3", "3", "2", "1"), STRIDES("[1, 1, 1, 1]") PADDING("MAYBE")), "padding \"MAYBE\""},
        {TWO("Conv2D", WEIGHTS("3", "3", "2", "1"), STRIDES("[1, 1, 1, 1]") PADDING("EXPLICIT")), "explicit_paddings has 0"},
        {TWO("Conv2D", WEIGHTS("3", "3", "2", "1"),
             STRIDES("[1, 1, 1, 1]") PADDING("EXPLICIT") TF_ATTR("explicit_paddings", "list { i: [0, 0, -1, 0, 0, 0, 0, 0] }")),
         "negative"},
        {TWO("Conv2D", WEIGHTS("3", "3", "2", "1"), STRIDES("[1, 1, 1, 1]") PADDING("SAME") TF_ATTR("dilations", "list { i: [1, -1, 1, 1] }")),
         "dilations has -1"},
        {TWO("Conv2D", WEIGHTS("0", "3", "2", "1"), STRIDES("[1, 1, 1, 1]") PADDING("SAME")), "filter without elements"},
        {TWO("Conv2D", WEIGHTS("3", "3", "3", "1"), STRIDES("[1, 1, 1, 1]") PADDING("SAME")), "multiple of the filter's 3"},
        {TWO("Conv2D", VECTOR("[1, 2]", "2"), STRIDES("[1, 1, 1, 1]") PADDING("SAME")), "a filter of 1 dimensions"},
        {TWO("Conv2D", WEIGHTS("3", "3", "2", "1"), STRIDES("[1, 1, 1, 1]") PADDING("SAME") TF_ATTR("data_format", "s: 'NWHC'")),
         "data_format \"NWHC\""},
        {ONE("Conv2D", STRIDES("[1, 1, 1, 1]") PADDING("SAME")), "1 inputs, expected 2"},
        {TWO("DepthwiseConv2dNative", WEIGHTS("1", "1", "3", "2"), STRIDES("[1, 1, 1, 1]") PADDING("SAME")), "y"},
        {ONE("MaxPool", TF_ATTR("ksize", "list { i: [1, 0, 1, 1] }") STRIDES("[1, 1, 1, 1]") PADDING("SAME")), "ksize has 0"},
        {ONE("MaxPool", TF_ATTR("ksize", "list { i: [1, 9, 9, 1] }") STRIDES("[1, 1, 1, 1]") PADDING("VALID")), "y"},
        {ONE("DepthToSpace", TF_ATTR("block_size", "i: 0")), "block_size 0"},
        {ONE("DepthToSpace", TF_ATTR("block_size", "i: 3")), "y"},
        {ONE("LRN", TF_ATTR("depth_radius", "i: -2")), "depth_radius -2"},
        {TWO("ResizeBilinear", VECTOR("[0, 4]", "2"), ""), "not two positive numbers"},
        {TF_PICTURE VECTOR("[0, 2]", "2") TF_INTS("p", "dim { size: 2 } dim { size: 2 }", "int_val: 0")
             TF_NODE("y", "SpaceToBatchND", TF_IN("x") TF_IN("w") TF_IN("p")), "a block of 0"},
        {TF_PICTURE VECTOR("[2, 2]", "2") TF_INTS("p", "dim { size: 2 } dim { size: 2 }", "int_val: -1")
             TF_NODE("y", "SpaceToBatchND", TF_IN("x") TF_IN("w") TF_IN("p")), "padding or crop of -1"},
        {ONE("_FusedConv2D", STRIDES("[1, 1, 1, 1]") PADDING("SAME")), "expected 2"},
        {TF_PICTURE WEIGHTS("1", "1", "2", "1") TF_FLOATS("b", "dim { size: 1 }", "")
             TF_NODE("y", "_FusedConv2D", TF_IN("x") TF_IN("w") TF_IN("b") STRIDES("[1, 1, 1, 1]") PADDING("SAME")
                 TF_ATTR("fused_ops", "list { s: ['BiasAdd', 'Snap'] }")), "fused operator Snap"},
    };
    RUN_ALL(list);
}

static void bad_shapes(void **state)
{
    (void)state;
    static const bad list[] = {
        {TWO("Reshape", VECTOR("[5, -1]", "2"), ""), "y"},
        {TWO("Reshape", VECTOR("[-2, 9]", "2"), ""), "dimension -2"},
        {TWO("Reshape", VECTOR("1", "9"), ""), "9 dimensions"},
        {TWO("Transpose", VECTOR("[0, 1, 1, 2]", "4"), ""), "a perm of 4 numbers"},
        {TWO("Transpose", VECTOR("[0, 1]", "2"), ""), "a perm of 2 numbers"},
        {TWO("Mean", VECTOR("[1, 4]", "2"), ""), "axis 4 of 4 dimensions"},
        {TWO("ArgMax", NUMBER("-5"), ""), "axis -5 of 4 dimensions"},
        {TWO("ExpandDims", NUMBER("7"), ""), "y"},
        {ONE("Squeeze", TF_ATTR("squeeze_dims", "list { i: [9] }")), "axis 9"},
        {ONE("Squeeze", TF_ATTR("squeeze_dims", "list { i: [1] }")), "y"},
        {TF_PICTURE NUMBER("3") TF_NODE("y", "Split", TF_IN("w") TF_IN("x") TF_ATTR("num_split", "i: 0")), "num_split 0"},
        {TF_PICTURE NUMBER("3") TF_NODE("y", "Split", TF_IN("w") TF_IN("x") TF_ATTR("num_split", "i: 99999999")), "num_split"},
        {TF_PICTURE NUMBER("1") TF_NODE("y", "Split", TF_IN("w") TF_IN("x") TF_ATTR("num_split", "i: 2")), "3 cannot be split"},
        {ONE("ConcatV2", ""), "1 inputs, expected 2"},
        {TWO("ConcatV2", NUMBER("4"), ""), "axis 4"},
        {ONE("Unpack", TF_ATTR("num", "i: -1")), "num -1"},
        {TWO("Pad", TF_INTS("w", "dim { size: 3 } dim { size: 2 }", "int_val: 1"), ""), "6 paddings"},
        {TWO("Pad", TF_INTS("w", "dim { size: 4 } dim { size: 2 }", "int_val: -1"), ""), "a padding of -1"},
        {TWO("MirrorPad", TF_INTS("w", "dim { size: 4 } dim { size: 2 }", "int_val: 1"), TF_ATTR("mode", "s: 'WRAP'")), "mode \"WRAP\""},
        {TF_PICTURE VECTOR("[0, 0, 0, 2]", "4") TF_INTS("s", "dim { size: 4 }", "int_val: [1, 1, 1, 5]")
             TF_NODE("y", "Slice", TF_IN("x") TF_IN("w") TF_IN("s")), "5 from 2 on, of 2"},
        {TF_PICTURE VECTOR("[0, 0]", "2") TF_INTS("s", "dim { size: 4 }", "int_val: 1")
             TF_NODE("y", "Slice", TF_IN("x") TF_IN("w") TF_IN("s")), "2 begins and 4 sizes"},
        {TF_PICTURE VECTOR("0", "5") TF_NODE("y", "StridedSlice", TF_IN("x") TF_IN("w") TF_IN("w") TF_IN("w")), "5 slices of 4"},
        {TF_PICTURE VECTOR("0", "2") TF_NODE("y", "StridedSlice", TF_IN("x") TF_IN("w") TF_IN("w") TF_IN("w")), "a stride of 0"},
        {TF_PICTURE VECTOR("1", "2") TF_NODE("y", "StridedSlice", TF_IN("x") TF_IN("w") TF_IN("w") TF_IN("w") TF_ATTR("ellipsis_mask", "i: 3")),
         "two ellipses"},
        {TWO("MatMul", NUMBER("1"), ""), "4 and 0 dimensions"},
        {TWO("Tile", VECTOR("-1", "4"), ""), "y"},
        {TF_INPUT("x", "dim { size: 9223372036854775807 }") TF_INTS("w", "dim { size: 1 } dim { size: 2 }", "int_val: 2")
             TF_NODE("y", "Pad", TF_IN("x") TF_IN("w")) TF_NODE("z", "ThisOne", TF_IN("y")), "ThisOne"},
        {TF_PICTURE TF_CONST("w", "DT_INT64", "dim { size: 2 }", "int64_val: [9223372036854775807, 9223372036854775807]")
             TF_INTS("a", "", "int_val: 1") TF_NODE("y", "SplitV", TF_IN("x") TF_IN("w") TF_IN("a") TF_ATTR("num_split", "i: 2")),
         "a size of 9223372036854775807"},
        {TWO("TopKV2", NUMBER("9"), ""), "y"},
        {TWO("Cumsum", NUMBER("4"), ""), "axis 4"},
        {ONE("ReverseSequence", TF_ATTR("seq_dim", "i: 1") TF_ATTR("batch_dim", "i: 1")), "are both 1"},
        {TWO("CropAndResize", NUMBER("1"), TF_IN("w") TF_IN("w")), "crop_size"},
        {TWO("GatherV2", NUMBER("1"), TF_IN("w") TF_ATTR("batch_dims", "i: 3")), "batch_dims 3"},
        {TWO("InvertPermutation", "", ""), "nothing makes its input"},
        {VECTOR("[0, 5]", "2") TF_NODE("y", "InvertPermutation", TF_IN("w")), "5 in a permutation"},
        {TWO("Cast", "", TF_ATTR("DstT", "type: DT_FLOAT")), "y"},
        {ONE("Cast", TF_ATTR("DstT", "type: DT_COMPLEX64")), "element type DT_COMPLEX64 (DstT)"},
        {ONE("Einsum", ""), "no equation"},
        {ONE("ParseExample", ""), "operator ParseExample"},
    };
    RUN_ALL(list);
}

#define FUNCTION(name, node)                                                                   \
    "library { function { signature { name: '" name "' input_arg { name: 'a' type: DT_FLOAT } " \
    "output_arg { name: 'r' type: DT_FLOAT } } node_def { " node " } "                          \
    "ret { key: 'r' value: 'n:y:0' } } }"
#define CALL(name) ONE("PartitionedCall", TF_ATTR("f", "func { name: '" name "' }"))

static void bad_functions(void **state)
{
    (void)state;
    static const bad list[] = {
        {ONE("PartitionedCall", ""), "no attribute \"f\""},
        {CALL("g") FUNCTION("f", "name: 'n' op: 'Neg' input: 'a'"), "no function \"g\""},
        {CALL("f") FUNCTION("f", "name: 'n' op: 'Neg' input: 'b'"), "nothing makes its input \"b\""},
        {CALL("f") FUNCTION("f", "name: 'm' op: 'Neg' input: 'a'"), "nothing makes \"n:y:0\""},
        {CALL("f") FUNCTION("f", "name: 'n' op: 'f' input: 'a'"), "nested deeper than 32"},
        {CALL("f") FUNCTION("f", "name: 'n' op: 'StrangeOne' input: 'a'"), "StrangeOne (node y/n (StrangeOne)"},
        {TF_PICTURE TF_NODE("y", "PartitionedCall", TF_IN("x") TF_IN("x") TF_ATTR("f", "func { name: 'f' }"))
             FUNCTION("f", "name: 'n' op: 'Neg' input: 'a'"), "2 inputs for function \"f\", which has 1"},
        {ONE("While", TF_ATTR("cond", "func { name: 'f' }") TF_ATTR("body", "func { name: 'h' }"))
             FUNCTION("f", "name: 'n' op: 'Neg' input: 'a'"), "no function \"h\""},
        {ONE("StatelessIf", TF_IN("x") TF_ATTR("then_branch", "func { name: 'f' }")) FUNCTION("f", "name: 'n' op: 'Neg' input: 'a'"),
         "no attribute \"else_branch\""},
    };
    RUN_ALL(list);
}

/* ---- Damage ---- */

/* A little of everything: a convolution of blocks, its bias, a branch, pieces, a loop. */
#define WHOLE                                                                                  \
    TF_PICTURE WEIGHTS("2", "2", "2", "3")                                                     \
    TF_NODE("c", "Conv2D", TF_IN("x") TF_IN("w") STRIDES("[1, 1, 1, 1]") PADDING("SAME"))      \
    TF_FLOATS("b", "dim { size: 3 }", "float_val: [1, 2, 3]")                                  \
    TF_NODE("a", "BiasAdd", TF_IN("c") TF_IN("b"))                                             \
    TF_CONST("t", "DT_BOOL", "", "bool_val: true")                                             \
    TF_NODE("sw", "Switch", TF_IN("a") TF_IN("t")) TF_NODE("re", "Relu", TF_IN("sw:1"))        \
    TF_NODE("m", "Merge", TF_IN("sw") TF_IN("re"))                                             \
    TF_INTS("axis", "", "int_val: 3")                                                          \
    TF_NODE("s", "Split", TF_IN("axis") TF_IN("m") TF_ATTR("num_split", "i: 3"))               \
    TF_NODE("j", "ConcatV2", TF_IN("s:2") TF_IN("s") TF_IN("axis"))                            \
    TF_INTS("zero", "", "int_val: 0") TF_INTS("one", "", "int_val: 1") TF_INTS("two", "", "int_val: 2")   \
    TF_NODE("e0", "Enter", TF_IN("zero") TF_ATTR("frame_name", "s: 'l'"))                      \
    TF_NODE("e1", "Enter", TF_IN("j") TF_ATTR("frame_name", "s: 'l'"))                         \
    TF_NODE("m0", "Merge", TF_IN("e0") TF_IN("n0")) TF_NODE("m1", "Merge", TF_IN("e1") TF_IN("n1"))       \
    TF_NODE("e2", "Enter", TF_IN("two") TF_ATTR("frame_name", "s: 'l'"))                       \
    TF_NODE("less", "Less", TF_IN("m0") TF_IN("e2")) TF_NODE("cond", "LoopCond", TF_IN("less"))           \
    TF_NODE("s0", "Switch", TF_IN("m0") TF_IN("cond")) TF_NODE("s1", "Switch", TF_IN("m1") TF_IN("cond")) \
    TF_NODE("i0", "Add", TF_IN("s0:1") TF_IN("one")) TF_NODE("i1", "Tanh", TF_IN("s1:1"))      \
    TF_NODE("n0", "NextIteration", TF_IN("i0")) TF_NODE("n1", "NextIteration", TF_IN("i1"))    \
    TF_NODE("y", "Exit", TF_IN("s1"))

static void must_be_clean(tdnn_bytes bytes)
{
    tdnn_load_options options;
    tdnn_load_options_init(&options);
    options.max_tensor_bytes = 1 << 20;
    tdnn_status status = tf_model_run(bytes, none, &options, &picture, out, 1024, &result, &err);
    if (status == TDNN_ERR_INTERNAL) fail_msg("%s: %s", err.where, err.message);
}

static void whole_graph_runs(void **state)
{
    (void)state;
    assert_ok(tf_model_run(tf_model_text(WHOLE), none, NULL, &picture, out, 1024, &result, &err), err);
    assert_int_equal(tdnn_shape_count(&result), 18);
}

static void cut_anywhere(void **state)
{
    (void)state;
    const char *text = WHOLE;
    tdnn_bytes binary = tf_model_binary(text);
    for (size_t n = 0; n < binary.size; n++) must_be_clean((tdnn_bytes){binary.data, n});
    for (size_t n = 0; n < strlen(text); n++) must_be_clean((tdnn_bytes){text, n});
    tdnn_free((void *)(uintptr_t)binary.data);
}

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
    return *x;
}

static void changed_bytes(void **state)
{
    (void)state;
    static const char useful[] = "0123456789-{}:'\" \n.[]<>#xyswmnei";
    tdnn_bytes from[2] = {tf_model_binary(WHOLE), tf_model_text(WHOLE)};
    uint64_t x = 88172645463325252u;
    for (int round = 0; round < 6000; round++) {
        const tdnn_bytes *f = &from[round % 2];
        unsigned char *copy = tdnn_alloc(f->size, 1);
        assert_non_null(copy);
        memcpy(copy, f->data, f->size);
        for (uint64_t k = next_random(&x) % 3 + 1; k > 0; k--)
            copy[next_random(&x) % f->size] =
                (unsigned char)(round % 2 ? (uint64_t)useful[next_random(&x) % (sizeof useful - 1)] : next_random(&x));
        must_be_clean((tdnn_bytes){copy, f->size});
        tdnn_free(copy);
    }
    tdnn_free((void *)(uintptr_t)from[0].data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_graph), cmocka_unit_test(bad_constants),    cmocka_unit_test(bad_windows),
        cmocka_unit_test(bad_shapes), cmocka_unit_test(bad_functions),      cmocka_unit_test(whole_graph_runs), cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(changed_bytes),
    };
    return cmocka_run_group_tests_name("tensorflow, malformed", tests, NULL, NULL);
}
