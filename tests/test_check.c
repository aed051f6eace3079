/* What of a model stands in the way of running it: all of it in one pass, for each format, and nothing
 * else; also what hangs on something that is missing. */
#include "tests/test.h"

#include "lib/base/file.h"
#include "tests/caffe_model.h"
#include "tests/onnx_build.h"
#include "tests/tensorflow_model.h"

static tdnn_error err;

typedef struct listing {
    char text[8192];
    size_t lines;
} listing;

static void note(void *user, const tdnn_finding *f)
{
    listing *l = user;
    size_t used = strlen(l->text);
    snprintf(l->text + used, sizeof l->text - used, "%s of %s (%s): %s @ %s\n",
             tdnn_finding_kind_name(f->kind), f->node, f->op, f->what, f->where);
    l->lines++;
}

static tdnn_load_options telling(listing *l)
{
    tdnn_load_options options;
    *l = (listing){.lines = 0};
    tdnn_load_options_init(&options);
    options.found = note;
    options.user = l;
    return options;
}

/* Each of `wanted` up to a NULL, once, and nothing else. */
static void must_be(const listing *found, const char *const *wanted)
{
    size_t count = 0;
    for (; wanted[count]; count++) {
        const char *at = strstr(found->text, wanted[count]);
        if (!at) fail_msg("\"%s\" is not in:\n%s", wanted[count], found->text);
        if (strstr(at + 1, wanted[count])) fail_msg("\"%s\" twice in:\n%s", wanted[count], found->text);
    }
    if (found->lines != count)
        fail_msg("%zu findings, expected %zu:\n%s", found->lines, count, found->text);
}

static void must_list(tdnn_bytes model, tdnn_bytes config, const char *const *wanted)
{
    tdnn_net *net = NULL;
    listing found;
    tdnn_load_options options = telling(&found);
    assert_true(tdnn_net_load_memory(model, config, &options, &net, &err) != TDNN_OK);
    assert_null(net);
    must_be(&found, wanted);
}

static void must_list_text(const char *text, const char *const *wanted)
{
    must_list((tdnn_bytes){text, strlen(text)}, (tdnn_bytes){0}, wanted);
}

/* ---- Caffe ---- */

static const char caffe_text[] =
    "layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }\n"
    "layer { name: 'u' type: 'Foo' bottom: 'x' top: 'u' }\n"
    "layer { name: 'v' type: 'Bar' bottom: 'u' top: 'v' }\n"
    "layer { name: 'n' type: 'LRN' bottom: 'v' top: 'n'\n"
    "  lrn_param { local_size: 4\n"
    "              norm_region: SIDEWAYS } }\n"
    "layer { name: 'p' type: 'Pooling' bottom: 'x' top: 'p' pooling_param { pool: WEIRD\n"
    "  kernel_size: 0\n"
    "  wibble: 1 } }\n"
    "layer { name: 'w' type: 'InnerProduct' bottom: 'n' top: 'w' inner_product_param { num_output: 2 bias_term: false } }\n"
    "layer { name: 'q' type: 'Pooling' bottom: 'x' top: 'q' pooling_param { kernel_size: 2 stride: 2 } }\n"
    "layer { name: 'e' type: 'Eltwise' bottom: 'x' bottom: 'q' top: 'e' }\n"
    "layer { name: 'd' type: 'DetectionOutput' bottom: 'u' bottom: 'v' bottom: 'w' top: 'd'\n"
    "  detection_output_param { num_classes: 2 code_type: ROUND } }\n"
    "layer { name: 'c' type: 'Concat' bottom: 'n' bottom: 'e' top: 'c' concat_param { axis: 3 } }\n"
    "layer { name: 'r' type: 'Reshape' bottom: 'c' top: 'r' reshape_param { shape { dim: 0 dim: -1 } } }\n";

/* A blob of bytes whose type no Caffe has. */
static tdnn_bytes caffe_weights(tdnn_wire_buffer *out)
{
    size_t layer, blob;
    caffe_model_begin(out);
    assert_true(tdnn_wire_begin(out, 100, &layer) && tdnn_wire_put_bytes(out, 1, "w", 1) &&
                tdnn_wire_begin(out, 7, &blob) && tdnn_wire_put_int(out, 10, 7) &&
                tdnn_wire_put_bytes(out, 12, "12345678", 8) && tdnn_wire_end(out, blob) &&
                tdnn_wire_end(out, layer));
    return (tdnn_bytes){out->data, out->size};
}

static void lists_all_of_caffe(void **state)
{
    (void)state;
    tdnn_wire_buffer weights;
    must_list((tdnn_bytes){caffe_text, strlen(caffe_text)}, caffe_weights(&weights),
              (const char *const[]){
                  "operator of u (Foo): layer type Foo @ layer \"u\" (Foo), line 2",
                  "operator of v (Bar): layer type Bar @ layer \"v\" (Bar), line 3",
                  "attribute of n (LRN): norm_region is SIDEWAYS, expected one of ACROSS_CHANNELS, "
                  "WITHIN_CHANNEL @ layer \"n\" (LRN), line 6",
                  "use of n (LRN): local_size is 4, expected an odd number @ layer \"n\" (LRN), line 4",
                  "attribute of p (Pooling): pool is WEIRD",
                  "attribute of p (Pooling): kernel_size is 0",
                  "attribute of p (Pooling): pooling_param.wibble @ layer \"p\" (Pooling), line 9",
                  "element type of w (InnerProduct): blob 0: raw_data_type is 7",
                  "shape of e (Eltwise): shapes 1x3x8x8 and 1x3x4x4 do not broadcast: 8 against 4 @ "
                  "layer \"e\" (Eltwise), line 12",
                  "attribute of d (DetectionOutput): code_type is ROUND", NULL});
    tdnn_free(weights.data);
}

/* ---- TensorFlow ---- */

static void lists_all_of_tensorflow(void **state)
{
    (void)state;
    must_list_text(
        "node { name: 'x' op: 'Placeholder' attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'shape' value { shape { dim { size: 1 } dim { size: 8 } dim { size: 8 } dim { size: 3 } } } } }\n"
        "node { name: 'c' op: 'Placeholder' attr { key: 'dtype' value { type: DT_COMPLEX64 } } }\n"
        "node { name: 'y' op: 'Placeholder' attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'shape' value { shape { dim { size: 5 } dim { size: 7 } } } } }\n"
        "node { name: 'u' op: 'Foo' input: 'x' }\n"
        "node { name: 'v' op: 'Bar' input: 'u' }\n"
        "node { name: 'p' op: 'MaxPool' input: 'v' attr { key: 'padding' value { s: 'WEIRD' } } attr { key: 'data_format' value { s: 'HCWN' } } }\n"
        "node { name: 'k' op: 'Cast' input: 'p' attr { key: 'DstT' value { type: DT_COMPLEX128 } } }\n"
        "node { name: 'a' op: 'MatMul' input: 'y' input: 'y' }\n"
        "node { name: 't' op: 'Tile' input: 'x' input: 'u' }\n"
        "node { name: 'g' op: 'Transpose' input: 'y' input: 'i' }\n"
        "node { name: 'i' op: 'Placeholder' attr { key: 'dtype' value { type: DT_INT32 } } attr { key: 'shape' value { shape { dim { size: 2 } } } } }\n"
        "node { name: 'm' op: 'MirrorPad' input: 'v' input: 'v' attr { key: 'mode' value { s: 'FOLD' } } }\n"
        "node { name: 'o' op: 'Neg' input: 'c' }\n",
        (const char *const[]){
            "operator of u (Foo): operator Foo @ node u (Foo), line 4",
            "operator of v (Bar): operator Bar @ node v (Bar), line 5",
            "element type of c (Placeholder): element type DT_COMPLEX64 (dtype) @ node c (Placeholder), line 2",
            "attribute of p (MaxPool): padding \"WEIRD\", expected SAME, VALID, EXPLICIT @ node p (MaxPool), line 6",
            "attribute of p (MaxPool): data_format \"HCWN\"",
            "element type of k (Cast): element type DT_COMPLEX128 (DstT) @ node k (Cast), line 7",
            "shape of a (MatMul): 5x7 times 5x7, expected two matrices that fit @ node a (MatMul), line 8",
            "shape of g (Transpose): ", "attribute of m (MirrorPad): mode \"FOLD\"", NULL});
}

#define ATTR(key, value) " attr { key: '" key "' value { " value " } }"

/* Behind an operator that is unknown, where no shape is. */
static void tells_of_attributes_of_the_wrong_kind(void **state)
{
    (void)state;
    must_list_text(
        "node { name: 'x' op: 'Placeholder'" ATTR("dtype", "type: DT_FLOAT") " }\n"
        "node { name: 'u' op: 'Foo' input: 'x' }\n"
        "node { name: 'a' op: 'Conv2D' input: 'u' input: 'u'" ATTR("padding", "s: 'SAME'")
            ATTR("strides", "list { i: 2 i: 1 i: 1 i: 1 }")
            ATTR("dilations", "list { i: 1 i: 1 i: 1 i: 3 }") " }\n"
        "node { name: 'b' op: 'MaxPool' input: 'u'" ATTR("padding", "s: 'SAME'")
            ATTR("strides", "list { i: 1 i: 2 i: 1 }")
            ATTR("ksize", "list { i: 1 i: -2 i: 2 i: 1 }") " }\n"
        "node { name: 'c' op: 'AvgPool' input: 'u'" ATTR("padding", "s: 'VALID'")
            ATTR("strides", "s: 'two'") ATTR("ksize", "list { f: 2 }") " }\n"
        "node { name: 'd' op: 'MatMul' input: 'u' input: 'u'" ATTR("transpose_a", "i: 1")
            ATTR("transpose_b", "b: true") " }\n"
        "node { name: 'e' op: 'DepthToSpace' input: 'u'" ATTR("block_size", "i: 0") " }\n"
        "node { name: 'f' op: 'Conv2D' input: 'u' input: 'u'" ATTR("padding", "s: 'EXPLICIT'")
            ATTR("strides", "list { i: 1 i: 1 i: 1 i: 1 }")
            ATTR("explicit_paddings", "list { i: 1 i: 0 i: 1 i: 1 i: 1 i: 1 i: 0 i: 0 }") " }\n"
        "node { name: 'g' op: 'Conv2D' input: 'u' input: 'u'" ATTR("padding", "s: 'SAME'")
            ATTR("data_format", "s: 'NCHW'") ATTR("strides", "list { i: 1 i: 1 i: 2 i: 2 }") " }\n"
        "node { name: 'h' op: 'Squeeze' input: 'u'" ATTR("squeeze_dims", "list { s: 'a' }") " }\n"
        "node { name: 'i' op: 'Cast' input: 'u'" ATTR("DstT", "f: 1") " }\n"
        "node { name: 'j' op: 'Conv3D' input: 'u' input: 'u'" ATTR("padding", "s: 'SAME'")
            ATTR("strides", "list { i: 1 i: 1 i: 1 i: 1 }") " }\n",
        (const char *const[]){
            "operator of u (Foo): operator Foo @ node u (Foo), line 2",
            "attribute of a (Conv2D): strides over batch or channels @ node a (Conv2D), line 3",
            "attribute of a (Conv2D): dilations over batch or channels",
            "attribute of b (MaxPool): strides has 3 numbers, expected 4",
            "attribute of b (MaxPool): ksize has -2, expected 1 or more",
            "attribute of c (AvgPool): attribute \"strides\" is a text, expected a list of ints",
            "attribute of c (AvgPool): attribute \"ksize\" is another list, expected a list of ints",
            "attribute of d (MatMul): attribute \"transpose_a\" is an int, expected a bool",
            "attribute of e (DepthToSpace): block_size 0, expected 1 to 4096",
            "attribute of f (Conv2D): explicit_paddings over batch or channels",
            "attribute of h (Squeeze): attribute \"squeeze_dims\" is another list, expected a list of ints",
            "attribute of i (Cast): attribute \"DstT\" is a float, expected a type",
            "attribute of j (Conv3D): strides has 4 numbers, expected 5", NULL});
}

/* ---- Darknet ---- */

static void lists_all_of_darknet(void **state)
{
    (void)state;
    must_list_text("[net]\nwidth=8\nheight=8\nchannels=3\n" /* 1 to 4 */
                   "[convolutional]\nfilters=4\nsize=3\nstride=2\n"
                   "[shortcut]\nfrom=-2\n"
                   "[foo]\n"
                   "[bar]\n"
                   "[convolutional]\nfilters=none\nactivation=wobble\nxnor=1\nwibble=1\n"
                   "[maxpool]\nsize=2\nstride=0\nwibble=2\n"
                   "[convolutional]\nfilters=5\ngroups=7\n"
                   "[route]\nlayers=0\ngroups=3\n"
                   "[convolutional]\nbinary=1\nactivation=wibble\n",
                   (const char *const[]){
                       "use of layer 1 (shortcut): from=-2 in layer 1", 
                       "operator of layer 2 (foo): section [foo] @ layer 2 [foo], line 11",
                       "operator of layer 3 (bar): section [bar] @ layer 3 [bar], line 12",
                       "attribute of layer 4 (convolutional): filters=none, expected a whole number from 1 to "
                       "16777216 @ layer 4 [convolutional], line 14",
                       "attribute of layer 4 (convolutional): activation=wobble @ layer 4 [convolutional], line 15",
                       "attribute of layer 4 (convolutional): xnor=1", 
                       "attribute of layer 4 (convolutional): key wibble",
                       "attribute of layer 5 (maxpool): stride=0", 
                       "attribute of layer 5 (maxpool): key wibble",
                       "shape of layer 7 (route): groups=3", 
                       "attribute of layer 8 (convolutional): binary=1",
                       "attribute of layer 8 (convolutional): activation=wibble", NULL});
}

/* ---- ONNX ---- */

static void lists_all_of_onnx(void **state)
{
    (void)state;
    onnx_build m = onnx_begin(8, 17);
    onnx_node(&m, "Foo", "x", "u", "");
    onnx_node(&m, "Bar", "u", "v", "");
    onnx_node(&m, "MaxPool", "v", "p", "kernel_shape=[2, 2];auto_pad='WEIRD';wibble=3");
    onnx_node(&m, "Conv", "v", "q", "auto_pad='ODD';strides=2");
    onnx_node(&m, "Add", "v", "r", "");
    onnx_node(&m, "Cast", "v", "s", "to=99");
    onnx_node(&m, "Add", "x,y", "t", "");
    onnx_node(&m, "Relu", "c", "z", "");
    onnx_node(&m, "Add", "k,x", "l", "");
    onnx_node(&m, "Concat", "v,v", "w", "");
    onnx_constant(&m, "k", (tdnn_dtype)77, 0, NULL, "1234", 4);
    onnx_input(&m, "x", TDNN_F32, 2, (int64_t[]){1, 3});
    onnx_input(&m, "y", TDNN_F32, 2, (int64_t[]){1, 4});
    onnx_input(&m, "c", (tdnn_dtype)55, 2, (int64_t[]){1, 4});
    onnx_output(&m, "t");
    tdnn_bytes model = onnx_end(&m);
    must_list(model, (tdnn_bytes){0},
              (const char *const[]){
                  "operator of  (Foo): operator Foo (version 17) @ node making u (Foo)",
                  "operator of  (Bar): operator Bar (version 17) @ node making v (Bar)",
                  "attribute of  (MaxPool): attribute \"auto_pad\" is \"WEIRD\", expected one of",
                  "attribute of  (MaxPool): attribute \"wibble\" of MaxPool @ node making p (MaxPool)",
                  "attribute of  (Conv): attribute \"auto_pad\" is \"ODD\"",
                  "attribute of  (Conv): attribute \"strides\" is an int, expected ints",
                  "use of  (Conv): 1 inputs, expected 2 to 4", "use of  (Add): 1 inputs, expected 2 to 2 @ node making r (Add)",
                  "element type of  (Cast): attribute \"to\" is element type 99",
                  "shape of  (Add): shapes 1x3 and 1x4 do not broadcast",
                  "element type of c (): element type 55", "element type of k (): element type 77",
                  "attribute of  (Concat): attribute \"axis\" is missing", NULL});
    tdnn_free((void *)(uintptr_t)model.data);
}

/* ---- Subgraphs ---- */

static size_t open_body(onnx_build *m, const char *attr, size_t *graph)
{
    size_t mark = onnx_open(m, 5);
    onnx_text(m, 1, attr);
    ONNX_MUST(tdnn_wire_put_int(&m->out, 20, 5));
    *graph = onnx_open(m, 6);
    return mark;
}

static void close_body(onnx_build *m, const char *const *outputs, size_t graph, size_t mark)
{
    for (; *outputs; outputs++) onnx_output(m, *outputs);
    onnx_close(m, graph);
    onnx_close(m, mark);
}

/* One of its branches adds what does not fit, to what it gets from outside. */
static void put_if(onnx_build *m, const char *condition, const char *out, const char *branches[2])
{
    size_t graph, node = onnx_node_open(m, "If", condition, out, "");
    for (int i = 0; i < 2; i++) {
        char name[16];
        size_t mark = open_body(m, i ? "else_branch" : "then_branch", &graph);
        snprintf(name, sizeof name, "%s%d", out, i);
        onnx_node(m, "Add", branches[i], name, "");
        close_body(m, (const char *const[]){name, NULL}, graph, mark);
    }
    onnx_close(m, node);
}

static void looks_into_bodies_of_onnx(void **state)
{
    (void)state;
    onnx_build m = onnx_begin(8, 17);
    size_t graph, node;
    const unsigned char no = 0;
    onnx_constant(&m, "no", TDNN_BOOL, 0, NULL, &no, 1);
    put_if(&m, "c", "p", (const char *[]){"x,y", "x,x"});
    put_if(&m, "no", "q", (const char *[]){"x,y", "x,x"}); /* never taken */
    node = onnx_node_open(&m, "Loop", "n,,x", "r,s", "");
    size_t mark = open_body(&m, "body", &graph);
    onnx_node(&m, "Identity", "b", "b2", "");
    onnx_node(&m, "MatMul", "v,y", "w", ""); /* 1x3 times 1x4 */
    onnx_node(&m, "Relu", "v", "v2", "");
    onnx_value(&m, 11, "i", TDNN_I64, 0, NULL);
    onnx_value(&m, 11, "b", TDNN_BOOL, 0, NULL);
    onnx_text(&m, 11, "\n\1v");
    close_body(&m, (const char *const[]){"b2", "v2", "w", NULL}, graph, mark);
    onnx_close(&m, node);
    node = onnx_node_open(&m, "Scan", "x,z", "t", "num_scan_inputs=1");
    mark = open_body(&m, "body", &graph);
    onnx_node(&m, "Add", "a,e", "d", ""); /* 1x3 and a row of 4 */
    onnx_text(&m, 11, "\n\1a");
    onnx_text(&m, 11, "\n\1e");
    close_body(&m, (const char *const[]){"d", NULL}, graph, mark);
    onnx_close(&m, node);
    onnx_input(&m, "x", TDNN_F32, 2, (int64_t[]){1, 3});
    onnx_input(&m, "y", TDNN_F32, 2, (int64_t[]){1, 4});
    onnx_input(&m, "z", TDNN_F32, 2, (int64_t[]){5, 4});
    onnx_input(&m, "c", TDNN_BOOL, 0, NULL);
    onnx_input(&m, "n", TDNN_I64, 0, NULL);
    for (const char *const *o = (const char *const[]){"p", "q", "r", "s", "t", NULL}; *o; o++)
        onnx_output(&m, *o);
    tdnn_bytes model = onnx_end(&m);
    must_list(model, (tdnn_bytes){0},
              (const char *const[]){
                  "shape of  (Add): shapes 1x3 and 1x4 do not broadcast: 3 against 4 @ node making p0 (Add)",
                  "shape of  (MatMul): ",
                  "shape of  (Add): shapes 1x3 and 4 do not broadcast: 3 against 4 @ node making d (Add)", NULL});
    tdnn_free((void *)(uintptr_t)model.data);
}

static void looks_into_bodies_of_tensorflow(void **state)
{
    (void)state;
    must_list_text(
        "node { name: 'x' op: 'Placeholder'" ATTR("dtype", "type: DT_FLOAT")
            ATTR("shape", "shape { dim { size: 5 } dim { size: 7 } }") " }\n"
        "node { name: 'n' op: 'Placeholder'" ATTR("dtype", "type: DT_BOOL") ATTR("shape", "shape { }") " }\n"
        "node { name: 'w' op: 'While' input: 'n' input: 'x'" ATTR("cond", "func { name: 'more' }")
            ATTR("body", "func { name: 'step' }") " }\n"
        "node { name: 'u' op: 'Foo' input: 'x' }\n"
        "library {\n"
        "  function { signature { name: 'more' input_arg { name: 'a' type: DT_BOOL } input_arg { name: 'b' type: DT_FLOAT }\n"
        "      output_arg { name: 'r' type: DT_BOOL } } ret { key: 'r' value: 'a' } }\n"
        "  function { signature { name: 'step' input_arg { name: 'a' type: DT_BOOL } input_arg { name: 'b' type: DT_FLOAT }\n"
        "      output_arg { name: 'r' type: DT_BOOL } output_arg { name: 's' type: DT_FLOAT } }\n"
        "    node_def { name: 'm' op: 'MatMul' input: 'b' input: 'b' }\n"
        "    node_def { name: 'k' op: 'Bar' input: 'b' }\n"
        "    node_def { name: 'g' op: 'MatMul' input: 'b' input: 'b' " ATTR("transpose_a", "s: 'yes'") " }\n"
        "    node_def { name: 'o' op: 'AddN' input: 'm:product:0' input: 'k:y:0' input: 'g:product:0' }\n"
        "    ret { key: 'r' value: 'a' } ret { key: 's' value: 'o:sum:0' } } }\n",
        (const char *const[]){"operator of u (Foo): operator Foo",
                              "operator of w/body/k (Bar): operator Bar",
                              "attribute of w/body/g (MatMul): attribute \"transpose_a\" is a text",
                              "shape of w/body/m (MatMul): 5x7 times 5x7", NULL});
}

/* ---- A part of a model ---- */

static void a_part_is_checked_alone(void **state)
{
    (void)state;
    static const char text[] =
        "node { name: 'x' op: 'Placeholder' }\nnode { name: 'u' op: 'Foo' input: 'x' }\n"
        "node { name: 'v' op: 'Neg' input: 'u' }\nnode { name: 'w' op: 'Bar' input: 'v' }\n";
    static const char *const from[] = {"u"}, *const to[] = {"v"};
    const tdnn_bytes model = {text, strlen(text)};
    tdnn_net *net = NULL;
    listing found;
    tdnn_load_options options = telling(&found);
    options.inputs = from;
    options.input_count = 1;
    assert_true(tdnn_net_load_memory(model, (tdnn_bytes){0}, &options, &net, &err) != TDNN_OK);
    must_be(&found, (const char *const[]){"operator of w (Bar)", NULL});
    options.outputs = to;
    options.output_count = 1;
    found = (listing){.lines = 0};
    assert_ok(tdnn_net_load_memory(model, (tdnn_bytes){0}, &options, &net, &err), err);
    must_be(&found, (const char *const[]){NULL});
    tdnn_net_release(net);
}

/* ---- Faults in whole models ---- */

typedef enum change { WORD, QUOTED, SAME_LENGTH } change;

/* What stands in front of a value that is replaced, and in front of the first value of a node. */
static const struct faulty {
    const char *model, *config, *node;
    change how;
    const char *values[5];
} faulty[] = {
    {"digits-ssd/digits-ssd.prototxt", "digits-ssd/digits-ssd.caffemodel", "\nlayer {", WORD,
     {"  type: \"", " pool: ", "code_type: ", "num_output: ", "kernel_size: "}},
    {"digits-cnn/digits-cnn.prototxt", NULL, "\nlayer {", WORD, {"  type: \"", " pool: ", "kernel_size: "}},
    {"digits-ssd/digits-ssd.pbtxt", "digits-ssd/digits-ssd.pb", "\nnode {", QUOTED,
     {"  op: \"", "s: \"SAME", "s: \"VALID"}},
    {"digits-yolo/digits-yolo.cfg", "digits-yolo/digits-yolo.weights", "\n[", WORD,
     {"\n[", "activation=", "\nsize=", "\nstride=", "\npad="}},
    {"digits-cnn/digits-cnn.cfg", NULL, "\n[", WORD, {"\n[", "activation=", "\nsize="}},
    {"digits-yolo/digits-yolo.onnx", NULL, "\"\4Conv", SAME_LENGTH, {"\"\4", "\n\7", "\n\4"}},
};

typedef struct site {
    size_t at, node; /* where the value begins; of which node it is */
} site;

/* In a binary model, only these words of known length are values of nodes. */
static bool is_known_word(const char *word)
{
    static const char *const words[] = {"Conv", "Relu", "Clip", "strides", "pads"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!memcmp(word, words[i], strlen(words[i]))) return true;
    return false;
}

static size_t find_sites(const struct faulty *f, tdnn_bytes text, site *sites, size_t most)
{
    size_t count = 0, node = 0;
    const char *p = text.data;
    for (size_t i = 0; i < text.size; i++) {
        const tdnn_bytes rest = {p + i, text.size - i};
        if (strlen(f->node) <= rest.size && !memcmp(p + i, f->node, strlen(f->node))) node++;
        for (size_t k = 0; k < 5 && f->values[k]; k++) {
            const char *value = f->values[k];
            size_t length = strlen(value);
            if (length + 8 > rest.size || memcmp(p + i, value, length) != 0) continue;
            if (!memcmp(p + i, "\n[net", 5)) continue;
            if (f->how == SAME_LENGTH && !is_known_word(p + i + length)) continue;
            if (f->how == QUOTED && value[0] == 's') length = 4; /* the word itself goes */
            if (count < most) sites[count++] = (site){i + length, node};
        }
    }
    return count;
}

static uint32_t draw(uint32_t *state, size_t below)
{
    *state = *state * 1664525u + 1013904223u;
    return (uint32_t)((*state >> 8) % below);
}

/* The text with the values at `sites` replaced by names of their own. */
static tdnn_bytes inject(const struct faulty *f, tdnn_bytes text, const site *const *sites, size_t count)
{
    tdnn_wire_buffer out = {0};
    const char *p = text.data;
    size_t done = 0;
    for (size_t at = 0; at < text.size; at++)
        for (size_t i = 0; i < count; i++) {
            char name[16];
            if (sites[i]->at != at) continue;
            size_t length = strcspn(p + at, "\"]\n"), end = at + (f->how == SAME_LENGTH ? 2 : length);
            snprintf(name, sizeof name, f->how == SAME_LENGTH ? "%02u" : "zork%02u", (unsigned)i);
            assert_true(tdnn_wire_put(&out, p + done, at - done) &&
                        tdnn_wire_put(&out, name, strlen(name)));
            done = end;
        }
    assert_true(tdnn_wire_put(&out, p + done, text.size - done));
    return (tdnn_bytes){out.data, out.size};
}

/* Each fault is told of once, under its name; and nothing else is. */
static void must_tell_of(const struct faulty *f, tdnn_bytes model, tdnn_bytes config, size_t count)
{
    static const char *const before[] = {"operator ", "attribute \""};
    tdnn_net *net = NULL;
    listing found;
    tdnn_load_options options = telling(&found);
    assert_true(tdnn_net_load_memory(model, config, &options, &net, &err) != TDNN_OK);
    for (unsigned i = 0; i < count; i++) {
        char name[40];
        bool there = false;
        for (size_t k = 0; k < 2; k++) {
            snprintf(name, sizeof name, f->how == SAME_LENGTH ? "%s%02u" : "%.0szork%02u", before[k], i);
            there = there || strstr(found.text, name);
        }
        if (!there) fail_msg("%s: fault %u of %zu is not in:\n%s", f->model, i, count, found.text);
    }
    if (found.lines != count)
        fail_msg("%s: %zu findings, expected %zu:\n%s", f->model, found.lines, count, found.text);
}

static tdnn_file *open_model(const char *name)
{
    char path[200];
    tdnn_file *file;
    snprintf(path, sizeof path, "examples/models/%s", name);
    assert_ok(tdnn_file_open(path, 1 << 26, &file, &err), err);
    return file;
}

/* One fault a node, so that an operator that is unknown does not hide what is wrong with it. */
static void some_faults(const struct faulty *f, tdnn_bytes model, tdnn_bytes config, uint32_t *state)
{
    enum { MOST = 4096, FAULTS = 12 };
    static site sites[MOST];
    const site *chosen[FAULTS];
    size_t all = find_sites(f, model, sites, MOST), count = 0, wanted = 1 + draw(state, FAULTS);
    assert_true(all > 5);
    for (size_t tries = 0; tries < 100 && count < wanted; tries++) {
        const site *s = &sites[draw(state, all)];
        bool taken = false;
        for (size_t i = 0; i < count; i++) taken = taken || chosen[i]->node == s->node;
        if (!taken) chosen[count++] = s;
    }
    tdnn_bytes changed = inject(f, model, chosen, count);
    must_tell_of(f, changed, config, count);
    tdnn_free((void *)(uintptr_t)changed.data);
}

static void any_faults_are_all_found(void **state)
{
    (void)state;
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof faulty / sizeof *faulty; i++) {
        tdnn_file *model = open_model(faulty[i].model);
        tdnn_file *config = faulty[i].config ? open_model(faulty[i].config) : NULL;
        for (int round = 0; round < 60; round++)
            some_faults(&faulty[i], tdnn_file_bytes(model),
                        config ? tdnn_file_bytes(config) : (tdnn_bytes){0}, &random);
        tdnn_file_release(model);
        tdnn_file_release(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_all_of_caffe),
        cmocka_unit_test(lists_all_of_darknet),
        cmocka_unit_test(lists_all_of_tensorflow),
        cmocka_unit_test(tells_of_attributes_of_the_wrong_kind),
        cmocka_unit_test(lists_all_of_onnx),
        cmocka_unit_test(a_part_is_checked_alone),
        cmocka_unit_test(looks_into_bodies_of_onnx),
        cmocka_unit_test(looks_into_bodies_of_tensorflow),
        cmocka_unit_test(any_faults_are_all_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
