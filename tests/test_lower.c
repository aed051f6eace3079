/* Lowering of what passes fuse, of what opsets and engines lack, and of flow. */
#include "tests/lower_model.h"

/* ---- flow ---- */

static void correlation(void **state)
{
    (void)state;
    size_t used = 0;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        lower_model m = lower_begin(n);
        const int64_t kernel = 2 * random_pick(0, 1) + 1, most = random_pick(0, 4);
        const int64_t room = 2 * (most + kernel / 2);
        const int64_t dims[] = {random_pick(1, 2), random_pick(1, 5), room + random_pick(1, 6),
                                room + random_pick(1, 6)};
        attr_int(&m, "kernel_size", kernel);
        attr_int(&m, "max_displacement", most);
        attr_int(&m, "pad", random_pick(0, 4));
        attr_int(&m, "stride_1", random_pick(1, 3));
        attr_int(&m, "stride_2", random_pick(1, 3));
        lower_feed(&m, "a", 4, dims, -1, 1);
        lower_feed(&m, "b", 4, dims, -1, 1);
        onnx_node(&m.build, "tinydnn.Correlation", "a, b", "y", m.attrs);
        onnx_output(&m.build, "y");
        used += lower_same(&m, 1e-5);
    }
    assert_true(used > 1000);
}

static void flow_warp(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        lower_model m = lower_begin(n);
        const int64_t dims[] = {random_pick(1, 2), random_pick(1, 4), random_pick(1, 7),
                                random_pick(1, 7)};
        attr_float(&m, "fill", random_chance() ? 0 : random_uniform(-2, 2));
        lower_feed(&m, "x", 4, dims, -1, 1);
        float *flow =
            lower_feed(&m, "flow", 4, (int64_t[]){dims[0], 2, dims[2], dims[3]}, -4, 4);
        if (random_chance()) flow[0] = (float)random_pick(-2, 2); /* whole pixels too */
        onnx_node(&m.build, "tinydnn.FlowWarp", "x, flow", "y", m.attrs);
        onnx_output(&m.build, "y");
        lower_same(&m, 0);
    }
}

/* ---- what the passes fuse ---- */

static void activations(void **state)
{
    static const char *const kinds[] = {"Relu",  "LeakyRelu",   "Elu",       "Sigmoid",
                                        "Tanh",  "HardSigmoid", "HardSwish", "Mish",
                                        "Swish", "Gelu",        "Clip"};
    static const char *const attrs[] = {
        "", "alpha=0.2", "alpha=0.7", "", "", "alpha=0.3; beta=0.4",
        "", "",          "alpha=1.0", "", ""};
    static const char *const ops[] = {"Conv", "ConvTranspose", "Gemm"};
    (void)state;
    for (uint64_t n = 0; n < 3 * 11 * 2; n++) {
        const size_t kind = (n / 3) % 11;
        const bool gemm = n % 3 == 2, alone = n >= 33;
        lower_model m = lower_begin(n);
        m.build.opset = 24;
        const int64_t in = random_pick(1, 5), out = random_pick(1, 5), size = random_pick(1, 3);
        const int64_t weight[] = {n % 3 == 0 ? out : in, n % 3 == 0 ? in : out, size, size};
        float w[512],
            bound[2] = {(float)random_uniform(-0.5, 0), (float)random_uniform(0, 0.5)};
        for (size_t i = 0; i < 512; i++) w[i] = (float)random_uniform(-1, 1);
        lower_feed(&m, "x", gemm ? 2 : 4, (int64_t[]){2, in, 6, 6}, -1, 1);
        onnx_floats(&m.build, "w", gemm ? 2 : 4, weight, w);
        onnx_floats(&m.build, "low", 0, NULL, &bound[0]);
        onnx_floats(&m.build, "high", 0, NULL, &bound[1]);
        onnx_node(&m.build, ops[n % 3], "x, w", "y", "");
        onnx_node(&m.build, kinds[kind], kind == 10 ? "y, low, high" : "y", "z", attrs[kind]);
        onnx_output(&m.build, "z");
        if (alone) onnx_output(&m.build, "y"); /* then nothing is fused */
        snprintf(m.attrs, sizeof m.attrs, "%s, %s", ops[n % 3], kinds[kind]);
        assert_true(lower_same(&m, 1e-6) > 0);
    }
}

static void shuffle(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        lower_model m = lower_begin(n);
        const int64_t group = random_pick(1, 4);
        attr_int(&m, "group", group);
        lower_feed(&m, "x", 4,
                   (int64_t[]){random_pick(1, 2), group * random_pick(1, 4), random_pick(1, 4),
                               random_pick(1, 4)},
                   -1, 1);
        onnx_node(&m.build, "tinydnn.ChannelShuffle", "x", "y", m.attrs);
        onnx_output(&m.build, "y");
        assert_true(lower_same(&m, 0) > 0);
    }
}

/* ---- what opset 17 or other engines lack ---- */

static void resize(void **state)
{
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    static const char *const places[] = {"half_pixel", "align_corners", "asymmetric",
                                         "pytorch_half_pixel"};
    (void)state;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        lower_model m = lower_begin(n);
        m.build.opset = 18;
        const bool nhwc = random_chance(), sized = random_chance();
        const int64_t axis = nhwc ? 1 : 2, sizes[] = {random_pick(1, 9), random_pick(1, 9)},
                      two = 2;
        const float scales[] = {(float)random_uniform(0.7, 3), (float)random_uniform(0.7, 3)};
        attr_text(&m, "mode", modes[random_pick(0, 2)]);
        attr_text(&m, "coordinate_transformation_mode", places[random_pick(0, 3)]);
        attr_int(&m, "exclude_outside", random_chance());
        snprintf(m.attrs + strlen(m.attrs), 64, "; axes=[%d, %d]", (int)axis, (int)axis + 1);
        lower_feed(&m, "x", 4,
                   (int64_t[]){random_pick(1, 2), random_pick(2, 5), random_pick(2, 5),
                               random_pick(2, 5)},
                   -1, 1);
        onnx_ints(&m.build, "sizes", 2, sizes);
        onnx_floats(&m.build, "scales", 1, &two, scales);
        onnx_node(&m.build, "Resize", sized ? "x, , , sizes" : "x, , scales", "y", m.attrs);
        onnx_output(&m.build, "y");
        assert_true(lower_same(&m, 1e-6) > 0);
    }
}

static void shape(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        lower_model m = lower_begin(n);
        m.build.opset = 15;
        m.opset = 13;
        const int64_t dims[] = {random_pick(1, 3), random_pick(1, 3), random_pick(1, 3),
                                random_pick(1, 3)};
        attr_int(&m, "start", random_pick(-6, 5));
        if (random_chance()) attr_int(&m, "end", random_pick(-6, 6));
        lower_feed(&m, "x", (int)random_pick(1, 4), dims, -1, 1);
        onnx_node(&m.build, "Shape", "x", "y", m.attrs);
        onnx_output(&m.build, "y");
        lower_same(&m, 0);
    }
}

static void batch_norm(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        lower_model m = lower_begin(n);
        const int ndim = (int)random_pick(3, 5);
        const int64_t channels = random_pick(1, 5);
        const int64_t dims[] = {random_pick(1, 3), channels, random_pick(2, 9),
                                random_pick(2, 9), random_pick(1, 3)};
        attr_int(&m, "training_mode", 1);
        attr_float(&m, "momentum", random_uniform(0.1, 0.9));
        attr_float(&m, "epsilon", random_uniform(0.01, 0.1));
        lower_feed(&m, "x", ndim, dims, -3, 5);
        static const char *const names[] = {"scale", "bias", "mean", "variance"};
        float values[4][8];
        for (int i = 0; i < 4; i++) {
            for (int k = 0; k < 8; k++) values[i][k] = (float)random_uniform(0.5, 2);
            onnx_floats(&m.build, names[i], 1, &channels, values[i]);
        }
        onnx_node(&m.build, "BatchNormalization", "x, scale, bias, mean, variance",
                  "y, mean2, variance2", m.attrs);
        onnx_output(&m.build, "y");
        const bool mean = random_chance(), variance = random_chance();
        if (mean) onnx_output(&m.build, "mean2");
        if (variance) onnx_output(&m.build, "variance2");
        assert_true(lower_same(&m, mean || variance ? 1e-5 : 0) > 0);
    }
}

/* Up to opset 12 the last dimension only. */
static void softmax(void **state)
{
    static const char *const kinds[] = {"Softmax", "LogSoftmax", "Hardmax"};
    (void)state;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        lower_model m = lower_begin(n);
        m.opset = 12;
        const int ndim = (int)random_pick(1, 5);
        int64_t dims[5];
        for (int i = 0; i < ndim; i++) dims[i] = random_pick(1, 6);
        attr_int(&m, "axis", random_pick(-ndim, ndim - 1));
        lower_feed(&m, "x", ndim, dims, -5, 5);
        onnx_node(&m.build, kinds[n % 3], "x", "y", m.attrs);
        onnx_output(&m.build, "y");
        lower_same(&m, 1e-6);
    }
}

static void layer_norm(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < CONFIGURATIONS; n++) {
        lower_model m = lower_begin(n);
        m.opset = 16;
        const int ndim = (int)random_pick(1, 4);
        const int64_t axis = random_pick(0, ndim - 1);
        int64_t dims[4];
        for (int i = 0; i < ndim; i++) dims[i] = random_pick(i == ndim - 1 ? 4 : 1, 9);
        attr_int(&m, "axis", random_chance() ? axis : axis - ndim);
        attr_float(&m, "epsilon", random_uniform(0.001, 0.1));
        lower_feed(&m, "x", ndim, dims, -3, 5);
        lower_feed(&m, "scale", (int)(ndim - axis), dims + axis, 0.5, 2);
        if (random_chance()) lower_feed(&m, "bias", (int)(ndim - axis), dims + axis, -1, 1);
        onnx_node(&m.build, "LayerNormalization",
                  m.input_count > 2 ? "x, scale, bias" : "x, scale", "y, mean, inverse",
                  m.attrs);
        onnx_output(&m.build, "y");
        if (random_chance()) onnx_output(&m.build, "mean");
        if (random_chance()) onnx_output(&m.build, "inverse");
        lower_same(&m, 1e-5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations), cmocka_unit_test(shuffle),
        cmocka_unit_test(resize),      cmocka_unit_test(shape),
        cmocka_unit_test(batch_norm),  cmocka_unit_test(correlation),
        cmocka_unit_test(flow_warp),   cmocka_unit_test(softmax),
        cmocka_unit_test(layer_norm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
