/* The ONNX parser: tensors in all their forms, names across graphs, functions, what is refused.
 */
#include "tests/onnx_build.h"

#include "lib/base/tensor.h"
#include "parsers/onnx/tensor.h"

#include <math.h>
#include <unistd.h>

static tdnn_error err;

/* ---- Tensors ---- */

/* Elements 1, 2, 3 of a 3-element tensor, as a typed field holds them. */
static void put_typed(onnx_build *m, tdnn_dtype dtype, bool packed)
{
    static const float floats[] = {1, 2, 3};
    static const double doubles[] = {1, 2, 3};
    uint32_t field = dtype == TDNN_I64 ? 7 : dtype == TDNN_U32 || dtype == TDNN_U64 ? 11 : 5;
    if (dtype == TDNN_F32)
        ONNX_MUST(tdnn_wire_put_bytes(&m->out, 4, floats, sizeof floats));
    else if (dtype == TDNN_F64)
        ONNX_MUST(tdnn_wire_put_bytes(&m->out, 10, doubles, sizeof doubles));
    else if (packed)
        ONNX_MUST(tdnn_wire_put_bytes(&m->out, field, "\1\2\3", 3));
    else
        for (int i = 1; i <= 3; i++) ONNX_MUST(tdnn_wire_put_int(&m->out, field, i));
}

static void put_header(onnx_build *m, tdnn_dtype dtype, int64_t count)
{
    ONNX_MUST(tdnn_wire_put_int(&m->out, 1, count) && tdnn_wire_put_int(&m->out, 2, dtype));
}

static tdnn_tensor *decode(onnx_build *m)
{
    tdnn_tensor *t = NULL;
    tdnn_bytes bytes = {m->out.data, m->out.size};
    assert_ok(tdnn_onnx_tensor_decode(bytes, TDNN_KIND_TENSOR, &t, &err), err);
    tdnn_free(m->out.data);
    *m = (onnx_build){0};
    return t;
}

/* Integers that are one byte of their own, where bits are few: 3 bytes hold 6 or 12 elements.
 */
static int64_t elements_of_three_units(tdnn_dtype dtype)
{
    int bits = tdnn_dtype_bits(dtype);
    return bits < 8 ? 3 * 8 / bits : 3;
}

static void raw_and_typed_tensors_are_the_same(void **state)
{
    (void)state;
    for (int d = TDNN_F32; d < TDNN_DTYPE_COUNT; d++) {
        tdnn_dtype dtype = (tdnn_dtype)d;
        if (dtype == TDNN_STRING || dtype == TDNN_C64 || dtype == TDNN_C128) continue;
        tdnn_tensor *forms[3];
        int64_t count = elements_of_three_units(dtype);
        onnx_build m = {0};
        for (int packed = 0; packed < 2; packed++) {
            put_header(&m, dtype, count);
            put_typed(&m, dtype, packed);
            forms[packed] = decode(&m);
        }
        put_header(&m, dtype, count);
        ONNX_MUST(tdnn_wire_put_bytes(&m.out, 9, forms[0]->data, forms[0]->bytes));
        forms[2] = decode(&m);
        size_t unit = forms[0]->bytes / 3;
        for (size_t i = 0; i < 3; i++) {
            const unsigned char *byte = (const unsigned char *)forms[0]->data + i * unit;
            if (dtype == TDNN_F32)
                assert_true(((float *)forms[0]->data)[i] == (float)(i + 1));
            else if (dtype == TDNN_F64)
                assert_true(((double *)forms[0]->data)[i] == (double)(i + 1));
            else
                assert_int_equal(*byte, dtype == TDNN_BOOL ? 1 : i + 1);
        }
        assert_true(tdnn_tensor_equal(forms[0], forms[1]));
        assert_true(tdnn_tensor_equal(forms[0], forms[2]));
        for (size_t i = 0; i < 3; i++) tdnn_tensor_release(forms[i]);
    }
}

static void check_round_trip(const tdnn_tensor *t)
{
    void *data;
    size_t size;
    tdnn_tensor *back = NULL;
    assert_ok(tdnn_onnx_tensor_encode(t, &data, &size, &err), err);
    assert_ok(tdnn_onnx_tensor_decode((tdnn_bytes){data, size}, t->kind, &back, &err), err);
    assert_true(tdnn_tensor_equal(t, back));
    tdnn_tensor_release(back);
    tdnn_free(data);
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    tdnn_tensor *items[3] = {NULL}, *list = NULL, *optional = NULL, *none = NULL;
    tdnn_shape shape = tdnn_shape_make(2, (int64_t[]){2, 3}), scalar = {0};
    assert_ok(tdnn_tensor_create(TDNN_STRING, &shape, &items[0], &err), err);
    assert_ok(tdnn_tensor_set_string(items[0], 4, "gr\xC3\xBC\xC3\x9F", &err), err);
    assert_ok(tdnn_tensor_create(TDNN_F16, &scalar, &items[1], &err), err);
    assert_ok(tdnn_tensor_i64_vector((int64_t[]){-1, INT64_MAX}, 2, &items[2], &err), err);
    for (size_t i = 0; i < 3; i++) check_round_trip(items[i]);
    assert_ok(tdnn_tensor_create_list(TDNN_KIND_SEQUENCE, TDNN_I64,
                                      (tdnn_tensor *[]){items[2], items[2]}, 2, &list, &err),
              err);
    assert_ok(tdnn_tensor_create_list(TDNN_KIND_OPTIONAL, TDNN_I64, &list, 1, &optional, &err),
              err);
    assert_ok(tdnn_tensor_create_list(TDNN_KIND_OPTIONAL, TDNN_NONE, NULL, 0, &none, &err),
              err);
    check_round_trip(list);
    check_round_trip(optional);
    check_round_trip(none);
    tdnn_tensor_release(none);
    tdnn_tensor_release(optional);
    tdnn_tensor_release(list);
    for (size_t i = 0; i < 3; i++) tdnn_tensor_release(items[i]);
}

#define BYTES(text)                                                                            \
    {                                                                                          \
        text, sizeof text - 1                                                                  \
    }

/* TensorProto: dims is field 1 (tag 010), data_type 2 (020), int32_data 5 (packed: 052),
 * raw_data 9 (112), name 8 (102). */
static const struct {
    tdnn_bytes bytes;
    tdnn_status status;
    const char *where, *message;
} broken[] = {
    {BYTES("\010"), TDNN_ERR_FORMAT, "byte 0", "cut off"},
    {BYTES("\010\200\200\200\200\200\200\200\200\200\200\1"), TDNN_ERR_FORMAT, "byte 0",
     "longer than 10"},
    {BYTES("\010\377\377\377\377\377\377\377\377\377\2"), TDNN_ERR_FORMAT, "byte 0",
     "longer than 10"},
    {BYTES("\020\1\0"), TDNN_ERR_FORMAT, "byte 2", "field number 0"},
    {BYTES("\020\1\013"), TDNN_ERR_FORMAT, "byte 2", "wire type 3"},
    {BYTES("\020\1\014"), TDNN_ERR_FORMAT, "byte 2", "wire type 4"},
    {BYTES("\020\1\016"), TDNN_ERR_FORMAT, "byte 2", "wire type 6"},
    {BYTES("\020\1\017"), TDNN_ERR_FORMAT, "byte 2", "wire type 7"},
    {BYTES("\020\1\112\5abcd"), TDNN_ERR_FORMAT, "byte 2", "5 bytes, but only 4 follow"},
    {BYTES("\020\1\112\377\377\377\377\377\377\377\377\177"), TDNN_ERR_FORMAT, "byte 2",
     "but only 0 follow"},
    {BYTES("\020\1\102\3a\0b"), TDNN_ERR_FORMAT, "byte 2", "zero byte"},
    {BYTES("\022\1a"), TDNN_ERR_FORMAT, "byte 0", "wire type 2, expected 0"},
    {BYTES("\020\143"), TDNN_ERR_UNSUPPORTED, "tensor at byte 0", "element type 99"},
    {BYTES("\020\0"), TDNN_ERR_UNSUPPORTED, "tensor at byte 0", "element type 0"},
    {BYTES("\010\2\020\1\112\4abcd"), TDNN_ERR_FORMAT, "tensor",
     "4 bytes of elements, expected 8"},
    {BYTES("\010\377\377\377\377\377\377\377\377\377\1\020\1"), TDNN_ERR_FORMAT, "tensor",
     "dimension 0 is -1"},
    {BYTES("\010\377\377\377\377\377\377\377\177\010\377\377\7\020\1"), TDNN_ERR_LIMIT,
     "tensor", "limit"},
    {BYTES("\010\377\377\377\7\020\2"), TDNN_ERR_FORMAT, "tensor",
     "expected 16777215 elements"},
    {BYTES("\010\2\020\3\052\2\1\200\102\1n"), TDNN_ERR_FORMAT, "byte 7", "cut off"},
    {BYTES("\010\2\020\3\052\1\1\102\1n"), TDNN_ERR_FORMAT, "tensor n", "1 elements fewer"},
    {BYTES("\010\1\020\3\052\2\1\2\102\1n"), TDNN_ERR_FORMAT, "byte", "more elements"},
    {BYTES("\010\1\020\3\052\2\200\2\102\1n"), TDNN_ERR_FORMAT, "byte",
     "number 256 does not fit i8"},
    {BYTES("\010\1\020\10\102\1n"), TDNN_ERR_FORMAT, "tensor n", "0 strings, expected 1"},
    {BYTES("\010\1\020\1\160\1\102\1n"), TDNN_ERR_FORMAT, "tensor n", "without a location"},
};

static void broken_tensors_are_refused_with_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        tdnn_tensor *t = NULL;
        tdnn_error_clear(&err);
        tdnn_status status =
            tdnn_onnx_tensor_decode(broken[i].bytes, TDNN_KIND_TENSOR, &t, &err);
        if (status != broken[i].status || !strstr(err.where, broken[i].where) ||
            !strstr(err.message, broken[i].message))
            fail_msg("%zu: %s \"%s: %s\", expected %s \"%s: %s\"", i, tdnn_status_name(status),
                     err.where, err.message, tdnn_status_name(broken[i].status),
                     broken[i].where, broken[i].message);
        assert_null(t);
    }
}

/* ---- Models ---- */

static const int64_t two[] = {2};

/* The first output of a model whose inputs are all vectors of two numbers: 1 and -3. */
static void expect(onnx_build *m, float y0, float y1)
{
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    tdnn_tensor *x = NULL;
    const tdnn_tensor *y;
    tdnn_shape shape = tdnn_shape_make(1, two);
    tdnn_bytes model = onnx_end(m);
    assert_ok(tdnn_net_load_memory(model, (tdnn_bytes){0}, NULL, &net, &err), err);
    assert_ok(tdnn_session_create(net, NULL, &session, &err), err);
    assert_ok(tdnn_tensor_create(TDNN_F32, &shape, &x, &err), err);
    memcpy(tdnn_tensor_data(x), (float[]){1, -3}, 8);
    for (size_t i = 0; i < tdnn_net_input_count(net); i++)
        assert_ok(tdnn_session_set_input(session, tdnn_net_input(net, i)->name, x, &err), err);
    assert_ok(tdnn_session_run(session, &err), err);
    assert_ok(tdnn_session_output(session, NULL, &y, &err), err);
    const float *got = tdnn_tensor_const_data(y);
    assert_int_equal(tdnn_tensor_bytes(y), 8);
    if (got[0] != y0 || got[1] != y1)
        fail_msg("%g %g, expected %g %g", (double)got[0], (double)got[1], (double)y0,
                 (double)y1);
    tdnn_tensor_release(x);
    tdnn_session_free(session);
    tdnn_net_release(net);
    tdnn_free(m->out.data);
}

static onnx_build begin(void)
{
    onnx_build m = onnx_begin(8, 17);
    onnx_input(&m, "x", TDNN_F32, 1, two);
    onnx_output(&m, "y");
    return m;
}

static void nodes_may_come_in_any_order(void **state)
{
    (void)state;
    onnx_build m = begin();
    onnx_node(&m, "Neg", "b", "y", "");
    onnx_node(&m, "Add", "a,x", "b", "");
    onnx_node(&m, "Abs", "x", "a", "");
    expect(&m, -2, 0);
}

static void an_initializer_among_the_inputs_is_a_constant(void **state)
{
    (void)state;
    onnx_build m = onnx_begin(3, 8);
    onnx_input(&m, "x", TDNN_F32, 1, two);
    onnx_input(&m, "w", TDNN_F32, 1, two);
    onnx_output(&m, "y");
    onnx_floats(&m, "w", 1, two, (float[]){10, 20});
    onnx_node(&m, "Mul", "x,w", "y", "");
    expect(&m, 10, -60);
}

static void models_of_the_first_versions_have_no_opset(void **state)
{
    (void)state;
    onnx_build m = onnx_begin(2, 0);
    onnx_input(&m, "x", TDNN_F32, 1, two);
    onnx_output(&m, "y");
    onnx_node(&m, "Clip", "x", "y", "min=-1.0");
    expect(&m, 1, -1);
}

/* ---- Subgraphs ---- */

/* Opens the graph attribute of a node; its nodes follow. */
static size_t open_branch(onnx_build *m, const char *name, size_t *attr)
{
    *attr = onnx_open(m, 5);
    onnx_text(m, 1, name);
    ONNX_MUST(tdnn_wire_put_int(&m->out, 20, 5));
    return onnx_open(m, 6);
}

static void close_branch(onnx_build *m, const char *output, size_t graph, size_t attr)
{
    onnx_output(m, output);
    onnx_close(m, graph);
    onnx_close(m, attr);
}

/* A branch inside a branch uses values of the main graph, of the branch around it, and one that
 * is made behind the node that owns them. */
static void inner_graphs_see_the_outer_ones(void **state)
{
    (void)state;
    size_t attr[4], graph[4];
    onnx_build m = begin();
    onnx_constant(&m, "yes", TDNN_BOOL, 0, NULL, "\1", 1);
    size_t outer = onnx_node_open(&m, "If", "yes", "y", "");
    graph[0] = open_branch(&m, "then_branch", &attr[0]);
    onnx_node(&m, "Add", "x,late", "half", ""); /* 1 + 2, -3 - 6 */
    size_t inner = onnx_node_open(&m, "If", "yes", "deep", "");
    graph[1] = open_branch(&m, "then_branch", &attr[1]);
    onnx_node(&m, "Mul", "half,x", "z", "");
    close_branch(&m, "z", graph[1], attr[1]);
    graph[2] = open_branch(&m, "else_branch", &attr[2]);
    close_branch(&m, "x", graph[2], attr[2]);
    onnx_close(&m, inner);
    close_branch(&m, "deep", graph[0], attr[0]);
    graph[3] = open_branch(&m, "else_branch", &attr[3]);
    close_branch(&m, "late", graph[3], attr[3]);
    onnx_close(&m, outer);
    onnx_node(&m, "Add", "x,x", "late", "");
    expect(&m, 3, 27);
}

/* ---- Functions ---- */

/* Closes the graph and opens a function of the domain "local". */
static size_t open_function(onnx_build *m, const char *name, const char *inputs,
                            const char *outputs, const char *attributes)
{
    if (m->node_field == 1) onnx_close(m, m->graph);
    m->node_field = 7;
    size_t function = onnx_open(m, 25);
    onnx_text(m, 1, name);
    onnx_text(m, 10, "local");
    onnx_names(m, 4, inputs);
    onnx_names(m, 5, outputs);
    onnx_attrs(m, 11, attributes);
    onnx_opset(m, 9, "", 17);
    onnx_opset(m, 9, "local", 1);
    return function;
}

/* onnx_end closes the graph, which open_function has done already. */
static void end_functions(onnx_build *m)
{
    m->node_field = 1;
    m->graph = onnx_open(m, 30); /* a field that nobody knows */
}

static void functions_are_expanded(void **state)
{
    (void)state;
    onnx_build m = begin();
    onnx_node(&m, "local.Outer", "x", "a", "slope=0.5");
    onnx_node(&m, "local.Outer", "a", "y", "");
    size_t f = open_function(&m, "Outer", "v", "w", "slope=0.25");
    onnx_node(&m, "local.Leaky", "v,", "t", "alpha=@slope");
    onnx_node(&m, "Add", "t,t", "w", "");
    onnx_close(&m, f);
    f = open_function(&m, "Leaky", "v,not_given", "t,second", "");
    onnx_node(&m, "LeakyRelu", "v", "t", "alpha=@alpha");
    onnx_node(&m, "Identity", "t", "second", "");
    onnx_close(&m, f);
    end_functions(&m);
    expect(&m, 4, -1.5f); /* 1 -> 2 -> 4; -3 -> -1.5 * 2 -> -3 * 0.25 * 2 */
}

static void a_function_may_hand_its_input_on(void **state)
{
    (void)state;
    onnx_build m = begin();
    onnx_node(&m, "local.Same", "x", "y", "");
    size_t f = open_function(&m, "Same", "v", "v", "");
    onnx_close(&m, f);
    end_functions(&m);
    expect(&m, 1, -3);
}

/* ---- Refused ---- */

static void refuse(onnx_build *m, tdnn_status status, const char *where, const char *message)
{
    tdnn_net *net = NULL;
    tdnn_bytes model = onnx_end(m);
    tdnn_status got = tdnn_net_load_memory(model, (tdnn_bytes){0}, NULL, &net, &err);
    if (got != status || !strstr(err.where, where) || !strstr(err.message, message))
        fail_msg("%s \"%s: %s\", expected %s \"%s: %s\"", tdnn_status_name(got), err.where,
                 err.message, tdnn_status_name(status), where, message);
    assert_null(net);
    tdnn_free(m->out.data);
}

static void functions_that_call_each_other_are_refused(void **state)
{
    (void)state;
    onnx_build m = begin();
    onnx_node(&m, "local.A", "x", "y", "");
    size_t f = open_function(&m, "A", "v", "w", "");
    onnx_node(&m, "local.B", "v", "w", "");
    onnx_close(&m, f);
    f = open_function(&m, "B", "v", "w", "");
    onnx_node(&m, "local.A", "v", "w", "");
    onnx_close(&m, f);
    end_functions(&m);
    refuse(&m, TDNN_ERR_FORMAT, "", "calls itself");
}

/* Each calls the one before it twice: 2^24 nodes, of 30 lines. */
static void functions_that_grow_without_end_are_stopped(void **state)
{
    (void)state;
    char name[24], last[24];
    onnx_build m = begin();
    onnx_node(&m, "local.F24", "x", "y", "");
    for (int i = 0; i <= 24; i++) {
        snprintf(name, sizeof name, "F%d", i);
        snprintf(last, sizeof last, i ? "local.F%d" : "Neg", i - 1);
        size_t f = open_function(&m, name, "v", "w", "");
        onnx_node(&m, last, "v", "u", "");
        onnx_node(&m, last, "u", "w", "");
        onnx_close(&m, f);
    }
    end_functions(&m);
    refuse(&m, TDNN_ERR_LIMIT, "", "more than 1000000 nodes");
}

static void broken_graphs_are_refused(void **state)
{
    (void)state;
    onnx_build m = begin();
    onnx_node(&m, "Neg", "nowhere", "y", "");
    refuse(&m, TDNN_ERR_FORMAT, "node making y (Neg)", "nothing makes \"nowhere\"");
    m = begin();
    onnx_node(&m, "Neg", "x", "z", "");
    refuse(&m, TDNN_ERR_FORMAT, "output y", "nothing makes \"y\"");
    m = begin();
    onnx_node(&m, "Neg", "x", "y", "");
    onnx_node(&m, "Abs", "x", "y", "");
    refuse(&m, TDNN_ERR_FORMAT, "(Abs)", "\"y\" has two producers");
    m = begin();
    onnx_node(&m, "Add", "x,b", "a", "");
    onnx_node(&m, "Add", "x,a", "b", "");
    onnx_node(&m, "Neg", "b", "y", "");
    refuse(&m, TDNN_ERR_FORMAT, "", "cycle");
    m = begin();
    onnx_node(&m, "Neg", "x,x", "y", "");
    refuse(&m, TDNN_ERR_FORMAT, "(Neg)", "2 inputs, expected 1");
    m = begin();
    onnx_node(&m, "LeakyRelu", "x", "y", "alpha=0.5; alpha=0.25");
    refuse(&m, TDNN_ERR_FORMAT, "(LeakyRelu)", "\"alpha\" is given twice");
    m = begin();
    onnx_node(&m, "LeakyRelu", "x", "y", "alpha='high'");
    refuse(&m, TDNN_ERR_FORMAT, "(LeakyRelu)", "\"alpha\" is a string, expected a float");
    m = begin();
    onnx_node(&m, "LeakyRelu", "x", "y", "alpha=@alpha");
    refuse(&m, TDNN_ERR_FORMAT, "(LeakyRelu)", "but is in none");
    m = begin();
    onnx_node(&m, "Concat", "x,x", "y", "");
    refuse(&m, TDNN_ERR_FORMAT, "(Concat)", "\"axis\" is missing");
    m = begin();
    m.opset = 0;
    onnx_node(&m, "Neg", "x", "y", "");
    refuse(&m, TDNN_ERR_FORMAT, "", "no version of ONNX's operator set");
}

static void note(void *user, const tdnn_finding *f)
{
    char *all = user;
    snprintf(all + strlen(all), 400 - strlen(all), "[%s: %s]", f->where, f->what);
}

static void all_that_is_missing_is_named_at_once(void **state)
{
    (void)state;
    size_t attr, graph;
    char all[400] = "";
    tdnn_net *net = NULL;
    onnx_build m = begin();
    onnx_node(&m, "Frobnicate", "x", "a", "");
    onnx_node(&m, "Frobnicate", "a", "b", "");
    onnx_node(&m, "Neg", "b", "c", "sharpness=3");
    onnx_constant(&m, "yes", TDNN_BOOL, 0, NULL, "\1", 1);
    size_t node = onnx_node_open(&m, "vendor.Maybe", "yes", "y", "");
    graph = open_branch(&m, "body", &attr);
    onnx_node(&m, "Twiddle", "x", "t", "");
    close_branch(&m, "t", graph, attr);
    onnx_close(&m, node);
    tdnn_bytes model = onnx_end(&m);
    tdnn_load_options options;
    tdnn_load_options_init(&options);
    options.found = note;
    options.user = all;
    assert_status(tdnn_net_load_memory(model, (tdnn_bytes){0}, &options, &net, &err),
                  TDNN_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "5 places: operator Frobnicate (version 17)"));
    assert_non_null(strstr(err.message, "and others"));
    assert_string_equal(all, "[node making a (Frobnicate): operator Frobnicate (version 17)]"
                             "[node making b (Frobnicate): operator Frobnicate (version 17)]"
                             "[node making c (Neg): attribute \"sharpness\" of Neg]"
                             "[node making t (Twiddle): operator Twiddle (version 17)]"
                             "[node making y (Maybe): operator vendor.Maybe (version 1)]");
    tdnn_free(m.out.data);
}

/* ---- External data ---- */

static void put_entry(onnx_build *m, const char *key, const char *value)
{
    size_t mark = onnx_open(m, 13);
    onnx_text(m, 1, key);
    onnx_text(m, 2, value);
    onnx_close(m, mark);
}

static void write_model(const char *path, const char *location, const char *offset,
                        const char *length)
{
    onnx_build m = begin();
    size_t tensor = onnx_open(&m, 5);
    put_header(&m, TDNN_F32, 2);
    onnx_text(&m, 8, "w");
    put_entry(&m, "location", location);
    put_entry(&m, "offset", offset);
    put_entry(&m, "length", length);
    ONNX_MUST(tdnn_wire_put_int(&m.out, 14, 1));
    onnx_close(&m, tensor);
    onnx_node(&m, "Add", "x,w", "y", "");
    tdnn_bytes bytes = onnx_end(&m);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
    fclose(file);
    tdnn_free(m.out.data);
}

static void weights_may_lie_beside_the_model(void **state)
{
    (void)state;
    static const struct {
        const char *location, *offset, *length;
        tdnn_status status;
        const char *message;
    } cases[] = {
        {"w.bin", "4", "8", TDNN_OK, ""},
        {"w.bin", "8", "8", TDNN_ERR_FORMAT, "external data"},
        {"w.bin", "4", "4", TDNN_ERR_FORMAT, "4 bytes of external data, expected 8"},
        {"w.bin", "-4", "8", TDNN_ERR_FORMAT, "external offset \"-4\", expected a number"},
        {"w.bin", "18446744073709551616", "8", TDNN_ERR_FORMAT, "expected a number"},
        {"../w.bin", "4", "8", TDNN_ERR_FORMAT, ".."},
        {"/etc/passwd", "0", "8", TDNN_ERR_FORMAT, "absolute"},
        {"none.bin", "0", "8", TDNN_ERR_IO, "cannot open"},
    };
    char folder[] = "/tmp/tinydnn-XXXXXX", model[64], weights[64];
    assert_non_null(mkdtemp(folder));
    snprintf(model, sizeof model, "%s/m.onnx", folder);
    snprintf(weights, sizeof weights, "%s/w.bin", folder);
    FILE *file = fopen(weights, "wb");
    assert_non_null(file);
    fwrite((float[]){9, 100, 200}, 4, 3, file);
    fclose(file);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tdnn_net *net = NULL;
        tdnn_error_clear(&err);
        write_model(model, cases[i].location, cases[i].offset, cases[i].length);
        tdnn_status status = tdnn_net_load(model, NULL, NULL, &net, &err);
        if ((status == TDNN_OK) != (cases[i].status == TDNN_OK) ||
            !strstr(err.message, cases[i].message))
            fail_msg("%zu: %s \"%s: %s\", expected %s \"%s\"", i, tdnn_status_name(status),
                     err.where, err.message, tdnn_status_name(cases[i].status),
                     cases[i].message);
        tdnn_net_release(net);
    }
    unlink(model);
    unlink(weights);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_and_typed_tensors_are_the_same),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(broken_tensors_are_refused_with_their_place),
        cmocka_unit_test(nodes_may_come_in_any_order),
        cmocka_unit_test(an_initializer_among_the_inputs_is_a_constant),
        cmocka_unit_test(models_of_the_first_versions_have_no_opset),
        cmocka_unit_test(inner_graphs_see_the_outer_ones),
        cmocka_unit_test(functions_are_expanded),
        cmocka_unit_test(a_function_may_hand_its_input_on),
        cmocka_unit_test(functions_that_call_each_other_are_refused),
        cmocka_unit_test(functions_that_grow_without_end_are_stopped),
        cmocka_unit_test(broken_graphs_are_refused),
        cmocka_unit_test(all_that_is_missing_is_named_at_once),
        cmocka_unit_test(weights_may_lie_beside_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
