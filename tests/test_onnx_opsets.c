/* Operators as older opsets say them, against the same in the newest opset's words: both models
 * must give the same numbers. What the newest form means is for ONNX's own cases to test. */
#include "tests/onnx_build.h"

#include "lib/base/tensor.h"

#include <math.h>

enum { NEWEST = 21, MOST_CONSTANTS = 4 };

typedef struct constant {
    const char *name;
    int ndim; /* -1: 64-bit integers, dims[0] of them, in `values`; else f32 */
    int64_t dims[4];
    float values[8]; /* repeated until there are enough */
} constant;

typedef struct form {
    const char *op, *inputs, *outputs, *attrs;
    constant constants[MOST_CONSTANTS];
} form;

typedef struct comparison {
    const char *name;
    int64_t opset;
    int ndim;
    int64_t x[4];
    form old, newest;
} comparison;

#define INTS(name, n, ...)                                                                     \
    {                                                                                          \
        name, -1, {n}, { __VA_ARGS__ }                                                         \
    }

static const comparison comparisons[] = {
    {"Add, axis 1",
     6,
     4,
     {2, 3, 2, 2},
     {"Add", "x,b", "y", "broadcast=1; axis=1", {{"b", 1, {3}, {1, 2, 3}}}},
     {"Add", "x,b", "y", "", {{"b", 3, {3, 1, 1}, {1, 2, 3}}}}},
    {"Mul, axis 1, two dimensions",
     1,
     4,
     {2, 3, 2, 2},
     {"Mul",
      "x,b",
      "y",
      "broadcast=1; axis=1; consumed_inputs=[0,0]",
      {{"b", 2, {3, 2}, {1, 2, 3, 4, 5, 6}}}},
     {"Mul", "x,b", "y", "", {{"b", 3, {3, 2, 1}, {1, 2, 3, 4, 5, 6}}}}},
    {"Sub, last dimensions",
     6,
     3,
     {2, 3, 4},
     {"Sub", "x,b", "y", "broadcast=1", {{"b", 2, {3, 4}, {1, 2, 3, 5}}}},
     {"Sub", "x,b", "y", "", {{"b", 2, {3, 4}, {1, 2, 3, 5}}}}},
    {"Pow, scalar",
     6,
     2,
     {2, 3},
     {"Pow", "x,b", "y", "broadcast=1; axis=0", {{"b", 0, {0}, {2}}}},
     {"Pow", "x,b", "y", "", {{"b", 0, {0}, {2}}}}},
    {"BatchNormalization, one output of five",
     6,
     3,
     {2, 3, 4},
     {"BatchNormalization",
      "x,s,b,m,v",
      "y,,,,",
      "is_test=1; epsilon=0.01; spatial=1",
      {{"s", 1, {3}, {1, 2, 3}},
       {"b", 1, {3}, {3, 1, 2}},
       {"m", 1, {3}, {0.5f, 1, 0}},
       {"v", 1, {3}, {1, 2, 4}}}},
     {"BatchNormalization",
      "x,s,b,m,v",
      "y",
      "epsilon=0.01",
      {{"s", 1, {3}, {1, 2, 3}},
       {"b", 1, {3}, {3, 1, 2}},
       {"m", 1, {3}, {0.5f, 1, 0}},
       {"v", 1, {3}, {1, 2, 4}}}}},
    {"Cast by word",
     5,
     2,
     {2, 3},
     {"Cast", "x", "y", "to='INT32'", {{0}}},
     {"Cast", "x", "y", "to=6", {{0}}}},
    {"Clip",
     6,
     2,
     {2, 8},
     {"Clip", "x", "y", "min=-0.5; max=1.5", {{0}}},
     {"Clip", "x,a,b", "y", "", {{"a", 0, {0}, {-0.5f}}, {"b", 0, {0}, {1.5f}}}}},
    {"Clip, one end",
     10,
     2,
     {2, 8},
     {"Clip", "x", "y", "max=0.25", {{0}}},
     {"Clip", "x,,b", "y", "", {{"b", 0, {0}, {0.25f}}}}},
    {"Concat without axis",
     1,
     3,
     {2, 3, 2},
     {"Concat", "x,x", "y", "", {{0}}},
     {"Concat", "x,x", "y", "axis=1", {{0}}}},
    {"Dropout",
     6,
     2,
     {2, 3},
     {"Dropout", "x", "y,", "ratio=0.7; is_test=1", {{0}}},
     {"Identity", "x", "y", "", {{0}}}},
    {"Gemm",
     6,
     2,
     {3, 4},
     {"Gemm",
      "x,w,c",
      "y",
      "broadcast=1; alpha=0.5; transB=1",
      {{"w", 2, {2, 4}, {1, 2, 3, 4, 5}}, {"c", 1, {2}, {1, 2}}}},
     {"Gemm",
      "x,w,c",
      "y",
      "alpha=0.5; transB=1",
      {{"w", 2, {2, 4}, {1, 2, 3, 4, 5}}, {"c", 1, {2}, {1, 2}}}}},
    {"GroupNormalization by groups",
     18,
     3,
     {2, 4, 3},
     {"GroupNormalization",
      "x,s,b",
      "y",
      "num_groups=2; epsilon=0.01",
      {{"s", 1, {2}, {1, 2}}, {"b", 1, {2}, {3, 4}}}},
     {"GroupNormalization",
      "x,s,b",
      "y",
      "num_groups=2; epsilon=0.01",
      {{"s", 1, {4}, {1, 1, 2, 2}}, {"b", 1, {4}, {3, 3, 4, 4}}}}},
    {"GridSample, linear",
     16,
     4,
     {1, 1, 3, 3},
     {"GridSample",
      "x,g",
      "y",
      "mode='bilinear'",
      {{"g", 4, {1, 2, 2, 2}, {0.5f, -0.25f, 0.1f, 0.9f}}}},
     {"GridSample",
      "x,g",
      "y",
      "mode='linear'",
      {{"g", 4, {1, 2, 2, 2}, {0.5f, -0.25f, 0.1f, 0.9f}}}}},
    {"Hardmax",
     11,
     3,
     {2, 3, 4},
     {"Hardmax", "x", "y", "axis=2", {{0}}},
     {"Hardmax", "x", "y", "axis=-1", {{0}}}},
    {"LpPool",
     1,
     4,
     {1, 1, 4, 4},
     {"LpPool", "x", "y", "kernel_shape=[2,2]; p=3.0", {{0}}},
     {"LpPool", "x", "y", "kernel_shape=[2,2]; p=3", {{0}}}},
    {"PRelu for each channel",
     6,
     4,
     {2, 3, 2, 2},
     {"PRelu", "x,s", "y", "", {{"s", 1, {3}, {0.1f, 0.2f, 0.3f}}}},
     {"PRelu", "x,s", "y", "", {{"s", 3, {3, 1, 1}, {0.1f, 0.2f, 0.3f}}}}},
    {"PRelu, one slope",
     6,
     4,
     {2, 3, 2, 2},
     {"PRelu", "x,s", "y", "", {{"s", 1, {1}, {0.1f}}}},
     {"PRelu", "x,s", "y", "", {{"s", 1, {1}, {0.1f}}}}},
    {"Pad, first words",
     1,
     2,
     {2, 3},
     {"Pad", "x", "y", "paddings=[1,0,0,2]; value=0.5", {{0}}},
     {"Pad", "x,p,v", "y", "", {INTS("p", 4, 1, 0, 0, 2), {"v", 0, {0}, {0.5f}}}}},
    {"Pad, reflected",
     10,
     2,
     {3, 4},
     {"Pad", "x", "y", "pads=[1,2,1,0]; mode='reflect'", {{0}}},
     {"Pad", "x,p", "y", "mode='reflect'", {INTS("p", 4, 1, 2, 1, 0)}}},
    {"ReduceMean",
     11,
     3,
     {2, 3, 4},
     {"ReduceMean", "x", "y", "axes=[0,2]; keepdims=0", {{0}}},
     {"ReduceMean", "x,a", "y", "keepdims=0", {INTS("a", 2, 0, 2)}}},
    {"ReduceSum of all",
     11,
     3,
     {2, 3, 4},
     {"ReduceSum", "x", "y", "", {{0}}},
     {"ReduceSum", "x", "y", "", {{0}}}},
    {"Reshape",
     4,
     3,
     {2, 3, 4},
     {"Reshape", "x", "y", "shape=[0,-1]; consumed_inputs=[0]", {{0}}},
     {"Reshape", "x,s", "y", "", {INTS("s", 2, 0, -1)}}},
    {"Resize, nearest",
     10,
     4,
     {1, 1, 2, 3},
     {"Resize", "x,s", "y", "mode='nearest'", {{"s", 1, {4}, {1, 1, 2, 1.5f}}}},
     {"Resize",
      "x,,s",
      "y",
      "mode='nearest'; coordinate_transformation_mode='asymmetric'; nearest_mode='floor'",
      {{"s", 1, {4}, {1, 1, 2, 1.5f}}}}},
    {"Resize with empty inputs",
     11,
     4,
     {1, 1, 2, 3},
     {"Resize",
      "x,e,e,n",
      "y",
      "mode='linear'",
      {{"e", 1, {0}, {0}}, INTS("n", 4, 1, 1, 4, 6)}},
     {"Resize", "x,,,n", "y", "mode='linear'", {INTS("n", 4, 1, 1, 4, 6)}}},
    {"Selu",
     5,
     2,
     {2, 4},
     {"Selu", "x", "y", "", {{0}}},
     {"Selu", "x", "y", "alpha=1.6732; gamma=1.0507", {{0}}}},
    {"Slice",
     9,
     3,
     {4, 5, 6},
     {"Slice", "x", "y", "starts=[1,-3]; ends=[3,100]; axes=[0,2]", {{0}}},
     {"Slice",
      "x,s,e,a",
      "y",
      "",
      {INTS("s", 2, 1, -3), INTS("e", 2, 3, 100), INTS("a", 2, 0, 2)}}},
    {"Softmax over the last dimension",
     11,
     2,
     {2, 5},
     {"Softmax", "x", "y", "", {{0}}},
     {"Softmax", "x", "y", "axis=1", {{0}}}},
    {"Split by sizes",
     11,
     2,
     {2, 6},
     {"Split", "x", "y,z", "axis=1; split=[2,4]", {{0}}},
     {"Split", "x,s", "y,z", "axis=1", {INTS("s", 2, 2, 4)}}},
    {"Split into equal parts",
     13,
     2,
     {2, 6},
     {"Split", "x", "z,y", "axis=1", {{0}}},
     {"Split", "x", "z,y", "axis=1; num_outputs=2", {{0}}}},
    {"Squeeze",
     11,
     4,
     {1, 3, 1, 2},
     {"Squeeze", "x", "y", "axes=[0,2]", {{0}}},
     {"Squeeze", "x,a", "y", "", {INTS("a", 2, 0, 2)}}},
    {"Unsqueeze",
     11,
     2,
     {3, 2},
     {"Unsqueeze", "x", "y", "axes=[0,3]", {{0}}},
     {"Unsqueeze", "x,a", "y", "", {INTS("a", 2, 0, 3)}}},
    {"TopK",
     9,
     2,
     {2, 5},
     {"TopK", "x", "y,i", "k=3; axis=1", {{0}}},
     {"TopK", "x,k", "y,i", "axis=1", {INTS("k", 1, 3)}}},
    {"Upsample by attributes",
     1,
     4,
     {1, 2, 2, 3},
     {"Upsample", "x", "y", "height_scale=2.0; width_scale=3.0; mode='nearest'", {{0}}},
     {"Resize",
      "x,,s",
      "y",
      "mode='nearest'; coordinate_transformation_mode='asymmetric'; nearest_mode='floor'",
      {{"s", 1, {4}, {1, 1, 2, 3}}}}},
    {"Upsample by a list",
     7,
     4,
     {1, 2, 2, 3},
     {"Upsample", "x", "y", "scales=[1.0,1.0,2.0,2.0]; mode='linear'", {{0}}},
     {"Resize",
      "x,,s",
      "y",
      "mode='linear'; coordinate_transformation_mode='asymmetric'",
      {{"s", 1, {4}, {1, 1, 2, 2}}}}},
    {"Upsample by an input",
     9,
     4,
     {1, 2, 2, 3},
     {"Upsample", "x,s", "y", "", {{"s", 1, {4}, {1, 1, 2, 2}}}},
     {"Resize",
      "x,,s",
      "y",
      "coordinate_transformation_mode='asymmetric'; nearest_mode='floor'",
      {{"s", 1, {4}, {1, 1, 2, 2}}}}},
};

static tdnn_error err;

static void add_constant(onnx_build *m, const constant *c)
{
    float floats[64];
    int64_t ints[8], count = 1;
    if (c->ndim < 0) {
        for (int64_t i = 0; i < c->dims[0]; i++) ints[i] = (int64_t)c->values[i];
        onnx_ints(m, c->name, (int)c->dims[0], ints);
        return;
    }
    size_t given = 8;
    while (given > 1 && c->values[given - 1] == 0) given--;
    for (int i = 0; i < c->ndim; i++) count *= c->dims[i];
    for (int64_t i = 0; i < count; i++) floats[i] = c->values[(size_t)i % given];
    onnx_floats(m, c->name, c->ndim, c->dims, floats);
}

static tdnn_bytes build(const comparison *c, const form *f, int64_t opset)
{
    onnx_build m = onnx_begin(8, opset);
    onnx_node(&m, f->op, f->inputs, f->outputs, f->attrs);
    for (size_t i = 0; i < MOST_CONSTANTS && f->constants[i].name; i++)
        add_constant(&m, &f->constants[i]);
    onnx_input(&m, "x", TDNN_F32, c->ndim, c->x);
    onnx_output(&m, "y");
    return onnx_end(&m);
}

/* The output of a model for numbers from -2 to 2; a copy. */
static tdnn_tensor *run(const comparison *c, tdnn_bytes model)
{
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    tdnn_tensor *x = NULL, *copy = NULL;
    const tdnn_tensor *y;
    tdnn_shape shape = tdnn_shape_make(c->ndim, c->x);
    if (tdnn_net_load_memory(model, (tdnn_bytes){0}, NULL, &net, &err))
        fail_msg("%s: %s: %s", c->name, err.where, err.message);
    assert_ok(tdnn_session_create(net, NULL, &session, &err), err);
    assert_ok(tdnn_tensor_create(TDNN_F32, &shape, &x, &err), err);
    float *data = tdnn_tensor_data(x);
    int64_t count = tdnn_shape_count(&shape);
    for (int64_t i = 0; i < count; i++) data[i] = (float)((i * 37 + 11) % 41) / 10.0f - 2;
    assert_ok(tdnn_session_set_input(session, "x", x, &err), err);
    if (tdnn_session_run(session, &err))
        fail_msg("%s: %s: %s", c->name, err.where, err.message);
    assert_ok(tdnn_session_output(session, "y", &y, &err), err);
    assert_ok(tdnn_tensor_copy(y, &copy, &err), err);
    tdnn_tensor_release(x);
    tdnn_session_free(session);
    tdnn_net_release(net);
    return copy;
}

static void old_forms_mean_what_new_ones_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++) {
        const comparison *c = &comparisons[i];
        tdnn_bytes old = build(c, &c->old, c->opset), newest = build(c, &c->newest, NEWEST);
        tdnn_tensor *a = run(c, old), *b = run(c, newest);
        bool same = a->dtype == b->dtype && tdnn_shape_equal(&a->shape, &b->shape);
        for (size_t k = 0; same && k < (size_t)tdnn_shape_count(&a->shape); k++) {
            double p = tdnn_tensor_get_f64(a, k), q = tdnn_tensor_get_f64(b, k);
            same = p == q || fabs(p - q) <= 1e-6 * fabs(q) || (p != p && q != q);
        }
        if (!same) fail_msg("%s of opset %d is another one", c->name, (int)c->opset);
        tdnn_tensor_release(a);
        tdnn_tensor_release(b);
        tdnn_free((void *)(uintptr_t)old.data);
        tdnn_free((void *)(uintptr_t)newest.data);
    }
}

/* Up to opset 12, a softmax over axis 1 of three dimensions is one over the last two together.
 */
static void softmax_took_all_dimensions_from_its_axis_on(void **state)
{
    (void)state;
    const comparison c = {"Softmax", 11, 3, {2, 3, 4}, {"Softmax", "x", "y", "axis=1", {{0}}},
                          {0}};
    tdnn_bytes model = build(&c, &c.old, c.opset);
    tdnn_tensor *y = run(&c, model);
    assert_int_equal(y->shape.ndim, 3);
    for (size_t n = 0; n < 2; n++) {
        double sum = 0, most = 0;
        for (size_t i = 0; i < 12; i++) sum += tdnn_tensor_get_f64(y, n * 12 + i);
        for (size_t i = 0; i < 12; i++) most = fmax(most, tdnn_tensor_get_f64(y, n * 12 + i));
        assert_true(fabs(sum - 1) < 1e-6);
        assert_true(most < 0.5);
    }
    tdnn_tensor_release(y);
    tdnn_free((void *)(uintptr_t)model.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_forms_mean_what_new_ones_say),
        cmocka_unit_test(softmax_took_all_dimensions_from_its_axis_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
