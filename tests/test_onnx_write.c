/* Writing ONNX models: what is written at each opset says the operators as that opset does, and
 * reads back to the same bits; names, subgraphs, constants; and what must be refused. */
#include "tests/onnx_build.h"
#include "tests/same_bits.h"

#include "lib/base/file.h"
#include "lib/base/tensor.h"
#include "parsers/message.h"
#include "parsers/proto/onnx.pb-c.h"
#include "tinydnn.h"

#include <unistd.h>

static tdnn_error err;
static char folder[] = "/tmp/tinydnn-test-XXXXXX", path[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

/* ---- helpers ---- */

static tdnn_net *load(tdnn_bytes bytes)
{
    tdnn_net *net = NULL;
    assert_ok(tdnn_net_load_memory(bytes, (tdnn_bytes){0}, NULL, &net, &err), err);
    return net;
}

static tdnn_net *load_built(onnx_build *m)
{
    tdnn_bytes bytes = onnx_end(m);
    tdnn_net *net = load(bytes);
    tdnn_free((void *)bytes.data);
    return net;
}

static tdnn_status write_at(tdnn_net *net, int opset)
{
    tdnn_onnx_options options;
    tdnn_onnx_options_init(&options);
    options.opset = opset;
    return tdnn_net_write_onnx(net, path, &options, &err);
}

/* The file as its messages. */
typedef struct written {
    tdnn_file *file;
    tdnn_zone *zone;
    const Onnx__ModelProto *model;
} written;

static written open_written(void)
{
    written w = {.zone = tdnn_zone_create()};
    ProtobufCMessage *message;
    assert_ok(tdnn_file_open(path, UINT64_MAX, &w.file, &err), err);
    assert_ok(tdnn_message_decode(tdnn_file_bytes(w.file), &onnx__model_proto__descriptor,
                                  100000, w.zone, &message, &err),
              err);
    w.model = (const Onnx__ModelProto *)message;
    return w;
}

static void close_written(written *w)
{
    tdnn_file_release(w->file);
    tdnn_zone_free(w->zone);
}

static const Onnx__AttributeProto *attr_of(const Onnx__NodeProto *node, const char *name)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (!strcmp(node->attribute[i]->name, name)) return node->attribute[i];
    return NULL;
}

static bool has_initializer(const Onnx__GraphProto *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (!strcmp(graph->initializer[i]->name, name)) return true;
    return false;
}

/* Reads back what was written, and compares. */
static void reads_back(tdnn_net *net)
{
    tdnn_net *back = NULL;
    assert_ok(tdnn_net_load(path, NULL, NULL, &back, &err), err);
    same_bits(net, back);
    tdnn_net_release(back);
}

static tdnn_net *net_of(const char *op, const char *inputs, const char *attrs, int ndim,
                        const int64_t *dims, void (*constants)(onnx_build *))
{
    onnx_build m = onnx_begin(10, 21);
    onnx_input(&m, "x", TDNN_F32, ndim, dims);
    if (constants) constants(&m);
    onnx_node(&m, op, inputs, "y", attrs);
    onnx_output(&m, "y");
    return load_built(&m);
}

/* ---- Older forms ---- */

static void two_axes(onnx_build *m) { onnx_ints(m, "a", 2, (int64_t[]){0, -1}); }
static void ones(onnx_build *m) { onnx_ints(m, "a", 2, (int64_t[]){0, 2}); }
static void ends(onnx_build *m)
{
    onnx_floats(m, "a", 0, NULL, (float[]){-0.5F});
    onnx_floats(m, "b", 0, NULL, (float[]){0.25F});
}
static void pads(onnx_build *m)
{
    onnx_ints(m, "a", 4, (int64_t[]){1, 0, 0, 2});
    onnx_floats(m, "b", 0, NULL, (float[]){0.5F});
}
static void slices(onnx_build *m)
{
    onnx_ints(m, "a", 1, (int64_t[]){1});
    onnx_ints(m, "b", 1, (int64_t[]){3});
    onnx_ints(m, "c", 1, (int64_t[]){-1});
}
static void k(onnx_build *m) { onnx_ints(m, "a", 1, (int64_t[]){2}); }
static void scales(onnx_build *m)
{
    onnx_floats(m, "a", 1, (int64_t[]){4}, (float[]){1, 1, 2, 3});
}
static void factors(onnx_build *m)
{
    onnx_floats(m, "a", 2, (int64_t[]){4, 2}, (float[]){1, 2, 3, 4, 5, 6, 7, 8});
}

/* What one operator is called at an opset, an attribute that it has then, and how many inputs.
 */
static const struct older {
    const char *op, *inputs, *attrs;
    int ndim;
    int64_t dims[4];
    void (*constants)(onnx_build *);
    int opset;
    const char *called, *attr;
    size_t input_count;
} older[] = {
    {"ReduceMean", "x,a", "keepdims=0", 3, {2, 3, 4}, two_axes, 18, "ReduceMean", NULL, 2},
    {"ReduceMean", "x,a", "keepdims=0", 3, {2, 3, 4}, two_axes, 17, "ReduceMean", "axes", 1},
    {"ReduceMean", "x,a", "keepdims=0", 3, {2, 3, 4}, two_axes, 7, "ReduceMean", "axes", 1},
    {"ReduceSum", "x,a", "", 3, {2, 3, 4}, two_axes, 13, "ReduceSum", NULL, 2},
    {"ReduceSum", "x,a", "", 3, {2, 3, 4}, two_axes, 12, "ReduceSum", "axes", 1},
    {"Squeeze", "x,a", "", 3, {1, 3, 1}, ones, 13, "Squeeze", NULL, 2},
    {"Squeeze", "x,a", "", 3, {1, 3, 1}, ones, 12, "Squeeze", "axes", 1},
    {"Unsqueeze", "x,a", "", 1, {3}, ones, 13, "Unsqueeze", NULL, 2},
    {"Unsqueeze", "x,a", "", 1, {3}, ones, 11, "Unsqueeze", "axes", 1},
    {"Clip", "x,a,b", "", 2, {2, 5}, ends, 11, "Clip", NULL, 3},
    {"Clip", "x,a,b", "", 2, {2, 5}, ends, 10, "Clip", "max", 1},
    {"Pad", "x,a,b", "", 2, {2, 5}, pads, 11, "Pad", NULL, 3},
    {"Pad", "x,a,b", "", 2, {2, 5}, pads, 10, "Pad", "pads", 1},
    {"Slice", "x,a,b,c", "", 2, {2, 5}, slices, 10, "Slice", NULL, 4},
    {"Slice", "x,a,b,c", "", 2, {2, 5}, slices, 9, "Slice", "axes", 1},
    {"TopK", "x,a", "", 2, {2, 5}, k, 10, "TopK", NULL, 2},
    {"TopK", "x,a", "", 2, {2, 5}, k, 9, "TopK", "k", 1},
    {"Softmax", "x", "axis=-1", 3, {2, 3, 4}, NULL, 13, "Softmax", NULL, 1},
    {"Softmax", "x", "axis=-1", 3, {2, 3, 4}, NULL, 12, "Softmax", "axis", 1},
    {"Gemm", "x,a", "", 2, {3, 4}, factors, 11, "Gemm", NULL, 2},
    {"Gemm", "x,a", "", 2, {3, 4}, factors, 10, "Gemm", NULL, 3},
    {"Resize", "x,,a", "", 4, {1, 1, 3, 2}, scales, 13, "Resize", NULL, 3},
    {"Resize",
     "x,,a",
     "coordinate_transformation_mode='asymmetric'; nearest_mode='floor'",
     4,
     {1, 1, 3, 2},
     scales,
     11,
     "Resize",
     "nearest_mode",
     3},
    {"Resize",
     "x,,a",
     "coordinate_transformation_mode='asymmetric'; nearest_mode='floor'",
     4,
     {1, 1, 3, 2},
     scales,
     10,
     "Resize",
     NULL,
     2},
    {"Resize",
     "x,,a",
     "coordinate_transformation_mode='asymmetric'; mode='linear'",
     4,
     {1, 1, 3, 2},
     scales,
     9,
     "Upsample",
     "mode",
     2},
    {"Resize",
     "x,,a",
     "coordinate_transformation_mode='asymmetric'; nearest_mode='floor'",
     4,
     {1, 1, 3, 2},
     scales,
     7,
     "Upsample",
     "scales",
     1},
    {"Flatten", "x", "axis=-1", 3, {2, 3, 4}, NULL, 10, "Flatten", "axis", 1},
};

static void older_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof older / sizeof *older; i++) {
        const struct older *o = &older[i];
        tdnn_net *net = net_of(o->op, o->inputs, o->attrs, o->ndim, o->dims, o->constants);
        assert_ok(write_at(net, o->opset), err);
        written w = open_written();
        const Onnx__NodeProto *node = w.model->graph->node[0];
        assert_int_equal(w.model->opset_import[0]->version, o->opset);
        assert_string_equal(node->op_type, o->called);
        if (node->n_input != o->input_count)
            fail_msg("%s at %d: %zu inputs", o->op, o->opset, node->n_input);
        if (o->attr && !attr_of(node, o->attr))
            fail_msg("%s at %d: no attribute %s", o->op, o->opset, o->attr);
        if (!o->attr && (attr_of(node, "axes") || attr_of(node, "scales")))
            fail_msg("%s at %d: an attribute too many", o->op, o->opset);
        for (size_t n = 0; n < w.model->graph->n_initializer; n++)
            assert_true(o->input_count > 1); /* those that became attributes are gone */
        close_written(&w);
        reads_back(net);
        tdnn_net_release(net);
    }
}

/* ---- Which opset ---- */

static void chosen_opset(void **state)
{
    static const struct {
        const char *op, *attrs;
        int64_t wanted, ir;
    } cases[] = {{"Relu", "", 17, 8},
                 {"Gelu", "", 17, 8}, /* in pieces */
                 {"BitwiseNot", "", 0, 0},
                 {"AveragePool", "kernel_shape=[2,2]; dilations=[2,2]", 19, 9}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!cases[i].wanted) continue;
        tdnn_net *net =
            net_of(cases[i].op, "x", cases[i].attrs, 4, (int64_t[]){1, 2, 5, 5}, NULL);
        assert_ok(write_at(net, 0), err);
        written w = open_written();
        assert_int_equal(w.model->opset_import[0]->version, cases[i].wanted);
        assert_int_equal(w.model->ir_version, cases[i].ir);
        assert_string_equal(w.model->producer_name, "tinydnn");
        close_written(&w);
        reads_back(net);
        tdnn_net_release(net);
    }
}

static void refused(void **state)
{
    (void)state;
    tdnn_net *net = net_of("AveragePool", "x", "kernel_shape=[2,2]; dilations=[2,2]", 4,
                           (int64_t[]){1, 2, 5, 5}, NULL);
    unlink(path);
    assert_status(write_at(net, 18), TDNN_ERR_UNSUPPORTED);
    assert_string_equal(err.where, "node making y (AveragePool)");
    assert_non_null(strstr(err.message, "opset 19"));
    assert_int_not_equal(access(path, F_OK), 0); /* nothing is left behind */
    assert_status(write_at(net, 6), TDNN_ERR_ARGUMENT);
    assert_status(write_at(net, 29), TDNN_ERR_ARGUMENT);
    assert_status(tdnn_net_write_onnx(net, "", NULL, &err), TDNN_ERR_IO);
    assert_status(tdnn_net_write_onnx(net, "/no/such/folder/model.onnx", NULL, &err),
                  TDNN_ERR_IO);
    assert_non_null(strstr(err.where, "/no/such/folder"));
    assert_status(tdnn_net_write_onnx(net, folder, NULL, &err), TDNN_ERR_IO);
    assert_status(tdnn_net_write_onnx(net, "/dev/full", NULL, &err), TDNN_ERR_IO);
    assert_status(tdnn_net_write_onnx(NULL, path, NULL, &err), TDNN_ERR_ARGUMENT);
    assert_status(tdnn_net_write_onnx(net, NULL, NULL, &err), TDNN_ERR_ARGUMENT);
    tdnn_net_release(net);

    net = NULL; /* a net without its weights */
    assert_ok(
        tdnn_net_load("examples/models/digits-cnn/digits-cnn.cfg", NULL, NULL, &net, &err),
        err);
    assert_status(tdnn_net_write_onnx(net, path, NULL, &err), TDNN_ERR_STATE);
    tdnn_net_release(net);
}

/* ---- Graphs ---- */

/* Values of one element; what is captured, made inside, and constant, comes out of both
 * branches. */
static tdnn_net *branches(void)
{
    onnx_build m = onnx_begin(8, 17);
    onnx_input(&m, "c", TDNN_BOOL, 1, (int64_t[]){1});
    onnx_input(&m, "x", TDNN_F32, 1, (int64_t[]){3});
    onnx_floats(&m, "w", 1, (int64_t[]){3}, (float[]){1, 2, 3});
    onnx_node(&m, "Neg", "x", "n", "");
    size_t node = onnx_node_open(&m, "If", "c", "a,b", "");
    for (int branch = 0; branch < 2; branch++) {
        size_t attr = onnx_open(&m, 5);
        onnx_text(&m, 1, branch ? "else_branch" : "then_branch");
        ONNX_MUST(tdnn_wire_put_int(&m.out, 20, 5));
        size_t graph = onnx_open(&m, 6);
        onnx_text(&m, 2, "branch");
        onnx_node(&m, branch ? "Mul" : "Add", "n,w", "t", "");
        onnx_output(&m, "t");
        onnx_output(&m, branch ? "n" : "w");
        onnx_close(&m, graph);
        onnx_close(&m, attr);
    }
    onnx_close(&m, node);
    onnx_output(&m, "a");
    onnx_output(&m, "b");
    return load_built(&m);
}

static void subgraphs(void **state)
{
    (void)state;
    tdnn_net *net = branches();
    assert_ok(write_at(net, 0), err);
    written w = open_written();
    const Onnx__GraphProto *graph = w.model->graph;
    assert_true(has_initializer(graph, "w"));
    const Onnx__NodeProto *node = graph->node[graph->n_node - 1];
    for (size_t i = 0; i < node->n_attribute; i++) {
        const Onnx__GraphProto *branch = node->attribute[i]->g;
        assert_int_equal(branch->n_initializer, 0); /* the constant is the outer graph's */
        assert_int_equal(branch->n_output, 2);
        /* what stands outside comes out under a name of the branch's own */
        assert_string_equal(branch->node[branch->n_node - 1]->op_type, "Identity");
        assert_string_equal(branch->node[0]->input[0], "n");
        assert_string_equal(branch->node[0]->input[1], "w");
    }
    close_written(&w);
    reads_back(net);
    tdnn_net_release(net);
}

/* One value given out twice, one that is constant, one large enough to be written on its own.
 */
static void outputs_and_constants(void **state)
{
    enum { LARGE = 3000 };
    static float large[LARGE];
    (void)state;
    for (size_t i = 0; i < LARGE; i++) large[i] = (float)i / 7;
    onnx_build m = onnx_begin(8, 17);
    onnx_input(&m, "x", TDNN_F32, 2, (int64_t[]){-1, LARGE});
    onnx_floats(&m, "w", 1, (int64_t[]){LARGE}, large);
    onnx_constant(&m, "none", TDNN_F32, 2, (int64_t[]){0, LARGE}, NULL, 0);
    onnx_node(&m, "Add", "x,w", "s", "");
    onnx_node(&m, "Concat", "s,none", "y", "axis=0");
    onnx_output(&m, "y");
    onnx_output(&m, "w");
    onnx_output(&m, "y");
    tdnn_net *net = load_built(&m);
    assert_ok(write_at(net, 0), err);
    written w = open_written();
    assert_int_equal(w.model->graph->n_output, 3);
    assert_string_equal(w.model->graph->output[0]->name, "y");
    assert_string_not_equal(w.model->graph->output[2]->name, "y");
    const Onnx__TypeProto__Tensor *type = w.model->graph->output[0]->type->tensor_type;
    assert_int_equal(type->elem_type, TDNN_F32);
    assert_int_equal(type->shape->n_dim, 2);
    assert_false(type->shape->dim[0]->has_dim_value); /* as free as the input's */
    assert_int_equal(type->shape->dim[1]->dim_value, LARGE);
    close_written(&w);
    reads_back(net);
    tdnn_net_release(net);
}

static void fixed_sizes(void **state)
{
    const char *names[] = {"x"};
    tdnn_shape shape = {2, {5, 4}};
    tdnn_onnx_options options;
    (void)state;
    tdnn_net *net = net_of("Relu", "x", "", 2, (int64_t[]){-1, 4}, NULL), *back = NULL;
    tdnn_onnx_options_init(&options);
    options.input_names = names;
    options.input_shapes = &shape;
    options.input_count = 1;
    assert_ok(tdnn_net_write_onnx(net, path, &options, &err), err);
    assert_ok(tdnn_net_load(path, NULL, NULL, &back, &err), err);
    assert_int_equal(tdnn_net_input(back, 0)->shape.dim[0], 5);
    assert_int_equal(tdnn_net_output(back, 0)->shape.dim[0], 5);
    tdnn_net_release(back);
    assert_int_equal(tdnn_net_input(net, 0)->shape.dim[0],
                     -1); /* the net itself is as it was */
    shape.dim[1] = 3;
    assert_status(tdnn_net_write_onnx(net, path, &options, &err), TDNN_ERR_SHAPE);
    names[0] = "z";
    assert_status(tdnn_net_write_onnx(net, path, &options, &err), TDNN_ERR_NOT_FOUND);
    options.input_names = NULL;
    assert_status(tdnn_net_write_onnx(net, path, &options, &err), TDNN_ERR_ARGUMENT);
    tdnn_net_release(net);
}

static void refused_memory(void **state)
{
    (void)state;
    tdnn_net *net = branches();
    tdnn_status status = TDNN_ERR_MEMORY;
    for (size_t n = 1; status; n++) {
        tdnn_alloc_fail_after(n);
        status = write_at(net, 0);
        tdnn_alloc_fail_after(0);
        if (status && status != TDNN_ERR_MEMORY)
            fail_msg("allocation %zu: %s: %s", n, err.where, err.message);
        assert_true(n < 100000);
    }
    reads_back(net);
    tdnn_net_release(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(older_forms),           cmocka_unit_test(refused),
        cmocka_unit_test(chosen_opset),          cmocka_unit_test(subgraphs),
        cmocka_unit_test(outputs_and_constants), cmocka_unit_test(fixed_sizes),
        cmocka_unit_test(refused_memory),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
