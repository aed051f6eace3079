/* Chains of operators that planning puts together: the same numbers as a loop in double precision gives,
 * in as few steps as they should take, at every level and for any number of threads. */
#include "tests/model_check.h"

/* ---- products ---- */

typedef struct chain {
    const char *act;      /* "": none                                     */
    bool row, residual;   /* which additions there are                    */
    bool row_first;       /* operand of its addition                      */
    bool residual_before; /* the activation                               */
    size_t steps;         /* that it should take                          */
} chain;

static double activate(const char *act, double x)
{
    if (!strcmp(act, "Relu")) return fmax(x, 0);
    if (!strcmp(act, "Sigmoid")) return 1 / (1 + exp(-x));
    if (!strcmp(act, "Tanh")) return tanh(x);
    if (!strcmp(act, "Gelu")) return x / 2 * (1 + erf(x / sqrt(2)));
    return x;
}

static void write_chain(onnx_build *m, const chain *c)
{
    const char *at = "p";
    onnx_node(m, "MatMul", "a,b", "p", "");
    if (c->row) onnx_node(m, "Add", c->row_first ? "row,p" : "p,row", "q", ""), at = "q";
    if (c->residual && c->residual_before) {
        char inputs[8];
        snprintf(inputs, sizeof inputs, "r,%s", at);
        onnx_node(m, "Add", inputs, "s", ""), at = "s";
    }
    if (*c->act) onnx_node(m, c->act, at, "t", ""), at = "t";
    if (c->residual && !c->residual_before) {
        char inputs[8];
        snprintf(inputs, sizeof inputs, "%s,r", at);
        onnx_node(m, "Add", inputs, "u", ""), at = "u";
    }
    onnx_node(m, "Identity", at, "y", "");
}

/* A [2, m, k] times B [k, n]; the row and B are constants. */
static void check_chain(const chain *c, size_t m, size_t n, size_t k)
{
    const int64_t rows = (int64_t)m, columns = (int64_t)n, depth = (int64_t)k;
    const size_t count = 2 * m * n;
    float *a = random_floats(2 * m * k), *b = random_floats(k * n), *row = random_floats(n);
    float *r = random_floats(count);
    double *want = malloc(count * sizeof *want);
    onnx_build model = onnx_begin(9, 20);
    onnx_constant(&model, "b", TDNN_F32, 2, (int64_t[]){depth, columns}, b, k * n * sizeof *b);
    onnx_constant(&model, "row", TDNN_F32, 1, &columns, row, n * sizeof *row);
    write_chain(&model, c);
    onnx_input(&model, "a", TDNN_F32, 3, (int64_t[]){2, rows, depth});
    if (c->residual) onnx_input(&model, "r", TDNN_F32, 3, (int64_t[]){2, rows, columns});
    onnx_output(&model, "y");
    assert_non_null(want);
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t j = 0; j < k; j++) sum += (double)a[i / n * k + j] * b[j * n + i % n];
        if (c->row) sum += row[i % n];
        if (c->residual && c->residual_before) sum += r[i];
        sum = activate(c->act, sum);
        if (c->residual && !c->residual_before) sum += r[i];
        want[i] = sum;
    }
    const feed feeds[] = {{"a", a, {3, {2, rows, depth}}}, {"r", r, {3, {2, rows, columns}}}};
    const tdnn_bytes bytes = onnx_end(&model);
    const size_t steps = check_model(bytes, feeds, c->residual ? 2 : 1, want, count, 1e-4);
    assert_int_equal(steps, c->steps);
    tdnn_free(model.out.data);
    free(a), free(b), free(row), free(r), free(want);
}

static void products(void **unused)
{
    (void)unused;
    static const chain chains[] = {
        {"", true, false, false, false, 1},    {"", true, true, true, false, 1},
        {"Gelu", true, false, false, false, 1}, {"Gelu", true, true, false, false, 1},
        {"Relu", false, true, false, false, 1}, {"Sigmoid", true, true, true, false, 1},
        /* an activation of the whole sum is not one of the product */
        {"Relu", true, true, false, true, 2},  {"Tanh", false, true, false, true, 2},
    };
    static const size_t sizes[][3] = {{1, 5, 7}, {9, 33, 20}, {30, 70, 40}, {3, 40, 1300}};
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            check_chain(&chains[i], sizes[s][0], sizes[s][1], sizes[s][2]);
}

/* (A B + row) * scale, with a number for each column; `turned`: to channels first before that. */
static void check_scale(bool turned, bool scale_first)
{
    enum { H = 3, W = 5, K = 12, N = 32, COUNT = H * W * N };
    float *a = random_floats(H * W * K), *b = random_floats(K * N), *row = random_floats(N);
    float *scale = random_floats(N);
    double *want = malloc(COUNT * sizeof *want);
    onnx_build model = onnx_begin(9, 20);
    assert_non_null(want);
    for (size_t pixel = 0; pixel < H * W; pixel++)
        for (size_t c = 0; c < N; c++) {
            double sum = row[c];
            for (size_t j = 0; j < K; j++) sum += (double)a[pixel * K + j] * b[j * N + c];
            want[turned ? c * H * W + pixel : pixel * N + c] = sum * scale[c];
        }
    onnx_constant(&model, "b", TDNN_F32, 2, (int64_t[]){K, N}, b, K * N * sizeof *b);
    onnx_constant(&model, "row", TDNN_F32, 1, (int64_t[]){N}, row, N * sizeof *row);
    onnx_constant(&model, "scale", TDNN_F32, turned ? 3 : 1, (int64_t[]){N, 1, 1}, scale, N * sizeof *scale);
    onnx_node(&model, "MatMul", "a,b", "p", "");
    onnx_node(&model, "Add", "row,p", "q", "");
    if (turned) onnx_node(&model, "Transpose", "q", "t", "perm=[0, 3, 1, 2]");
    const char *x = turned ? "t" : "q";
    char inputs[16];
    snprintf(inputs, sizeof inputs, "%s,%s", scale_first ? "scale" : x, scale_first ? x : "scale");
    onnx_node(&model, "Mul", inputs, "y", "");
    onnx_input(&model, "a", TDNN_F32, 4, (int64_t[]){1, H, W, K});
    onnx_output(&model, "y");
    const feed feeds[] = {{"a", a, {4, {1, H, W, K}}}};
    assert_int_equal(check_model(onnx_end(&model), feeds, 1, want, COUNT, 1e-5), turned ? 2 : 1);
    tdnn_free(model.out.data);
    free(a), free(b), free(row), free(scale), free(want);
}

static void scales(void **unused)
{
    (void)unused;
    for (int i = 0; i < 4; i++) check_scale(i / 2, i % 2);
}

/* ---- channels first, blocked, and channels last ---- */

/* Convolutions that leave everything as it is around a product with a number for each channel, in the
 * other order of axes. */
static void check_channels_last(size_t channels, size_t steps_at_most)
{
    enum { N = 2, H = 5, W = 7 };
    const int64_t c = (int64_t)channels;
    const size_t count = N * channels * H * W;
    float *x = random_floats(count), *scale = random_floats(channels);
    float *same = calloc(channels * channels, sizeof *same);
    double *want = malloc(count * sizeof *want);
    onnx_build model = onnx_begin(9, 20);
    assert_non_null(same), assert_non_null(want);
    for (size_t i = 0; i < channels; i++) same[i * channels + i] = 1;
    for (size_t i = 0; i < count; i++) want[i] = (double)x[i] * scale[i / (H * W) % channels];
    onnx_constant(&model, "w", TDNN_F32, 4, (int64_t[]){c, c, 1, 1}, same, channels * channels * sizeof *same);
    onnx_constant(&model, "scale", TDNN_F32, 1, &c, scale, channels * sizeof *scale);
    onnx_node(&model, "Conv", "x,w", "a", "");
    onnx_node(&model, "Transpose", "a", "b", "perm=[0, 2, 3, 1]");
    onnx_node(&model, "Mul", "b,scale", "d", "");
    onnx_node(&model, "Transpose", "d", "e", "perm=[0, 3, 1, 2]");
    onnx_node(&model, "Conv", "e,w", "y", "");
    onnx_input(&model, "x", TDNN_F32, 4, (int64_t[]){N, c, H, W});
    onnx_output(&model, "y");
    const feed feeds[] = {{"x", x, {4, {N, c, H, W}}}};
    const size_t steps = check_model(onnx_end(&model), feeds, 1, want, count, 1e-6);
    assert_true(steps <= steps_at_most);
    tdnn_free(model.out.data);
    free(x), free(scale), free(same), free(want);
}

static void channels_last(void **unused)
{
    (void)unused;
    check_channels_last(32, 7); /* no reorder but at the ends */
    check_channels_last(16, 7);
    check_channels_last(20, 9); /* blocks with gaps become plain first */
}

/* ---- the dense block ---- */

enum { DENSE_PIXELS = 5 * 7 };

/* y[out][pixel] = the sum over in of w[out][in] * max(0, x[in][pixel] * scale[in] + shift[in]); scale NULL: of
 * w * x. */
static void mix(double *y, const double *x, const float *w, const float *scale, const float *shift, size_t out,
                size_t in)
{
    for (size_t i = 0; i < out * DENSE_PIXELS; i++) {
        y[i] = 0;
        for (size_t k = 0; k < in; k++) {
            const double v = x[k * DENSE_PIXELS + i % DENSE_PIXELS];
            y[i] += w[i / DENSE_PIXELS * in + k] * (scale ? fmax(0, v * scale[k] + shift[k]) : v);
        }
    }
}

static void conv_constant(onnx_build *m, const char *name, size_t out, size_t in, const float *w)
{
    onnx_constant(m, name, TDNN_F32, 4, (int64_t[]){(int64_t)out, (int64_t)in, 1, 1}, w, out * in * sizeof *w);
}

/* Three parts of `g` channels, each made from those before; joined again and again in the same order, and
 * once in another. */
static void check_dense(size_t g, size_t steps_at_most)
{
    const size_t part = g * DENSE_PIXELS, count = 6 * part;
    const int64_t c = (int64_t)g, both = 2 * c;
    float *x = random_floats(part), *w0 = random_floats(g * g), *w1 = random_floats(g * g);
    float *w2 = random_floats(2 * g * g), *scale = random_floats(2 * g), *shift = random_floats(2 * g);
    float *zeros = calloc(2 * g, sizeof *zeros), *ones = malloc(2 * g * sizeof *ones);
    double *wide = malloc(part * sizeof *wide), *want = malloc(count * sizeof *want);
    assert_true(zeros && ones && wide && want);
    for (size_t i = 0; i < 2 * g; i++) ones[i] = 1;
    for (size_t i = 0; i < part; i++) wide[i] = (double)x[i];
    mix(want, wide, w0, NULL, NULL, g, g);
    mix(want + part, wide, w1, NULL, NULL, g, g);
    mix(want + 2 * part, want, w2, scale, shift, g, 2 * g);
    memcpy(want + 3 * part, want + 2 * part, part * sizeof *want);
    memcpy(want + 4 * part, want, 2 * part * sizeof *want);
    onnx_build m = onnx_begin(9, 20);
    conv_constant(&m, "w0", g, g, w0), conv_constant(&m, "w1", g, g, w1), conv_constant(&m, "w2", g, 2 * g, w2);
    onnx_constant(&m, "scale", TDNN_F32, 1, &both, scale, 2 * g * sizeof *scale);
    onnx_constant(&m, "shift", TDNN_F32, 1, &both, shift, 2 * g * sizeof *shift);
    onnx_constant(&m, "mean", TDNN_F32, 1, &both, zeros, 2 * g * sizeof *zeros);
    onnx_constant(&m, "variance", TDNN_F32, 1, &both, ones, 2 * g * sizeof *ones);
    onnx_node(&m, "Conv", "x,w0", "a", "");
    onnx_node(&m, "Conv", "x,w1", "b", "");
    onnx_node(&m, "Concat", "a,b", "ab", "axis=1");
    onnx_node(&m, "BatchNormalization", "ab,scale,shift,mean,variance", "n", "epsilon=0.0");
    onnx_node(&m, "Relu", "n", "r", "");
    onnx_node(&m, "Conv", "r,w2", "d", "");
    onnx_node(&m, "Concat", "a,b,d", "abd", "axis=1");
    onnx_node(&m, "Concat", "d,a,b", "dab", "axis=1");
    onnx_node(&m, "Concat", "abd,dab", "y", "axis=1");
    onnx_input(&m, "x", TDNN_F32, 4, (int64_t[]){1, c, 5, 7});
    onnx_output(&m, "y");
    const feed feeds[] = {{"x", x, {4, {1, c, 5, 7}}}};
    const size_t steps = check_model(onnx_end(&m), feeds, 1, want, count, 1e-4);
    assert_true(steps <= steps_at_most);
    tdnn_free(m.out.data);
    free(x), free(w0), free(w1), free(w2), free(scale), free(shift), free(zeros), free(ones);
    free(wide), free(want);
}

static void dense_blocks(void **unused)
{
    (void)unused;
    check_dense(32, 7); /* x and y reordered, three convolutions, the normalisation, the last order copied */
    check_dense(16, 7);
    check_dense(20, 12); /* blocks with gaps are put together anew */
}

/* ---- what does nothing ---- */

/* Dropout in training mode that drops none, as exporters write it; `asked`: its mask is used as well. */
static void check_dropout(bool asked, size_t expected_steps)
{
    enum { COUNT = 300 };
    static const int64_t dim[] = {COUNT};
    const uint8_t training = 1;
    const float ratio = 0;
    float *x = random_floats(COUNT);
    double *want = malloc(COUNT * sizeof *want);
    onnx_build m = onnx_begin(9, 20);
    assert_non_null(want);
    for (size_t i = 0; i < COUNT; i++) want[i] = fabs((double)x[i]) + asked;
    onnx_constant(&m, "ratio", TDNN_F32, 0, NULL, &ratio, sizeof ratio);
    onnx_constant(&m, "training", TDNN_BOOL, 0, NULL, &training, sizeof training);
    onnx_node(&m, "Dropout", "x,ratio,training", asked ? "d,mask" : "d", "");
    onnx_node(&m, "Abs", "d", asked ? "a" : "y", "");
    if (asked) onnx_node(&m, "Cast", "mask", "c", "to=1");
    if (asked) onnx_node(&m, "Add", "a,c", "y", "");
    onnx_input(&m, "x", TDNN_F32, 1, dim);
    onnx_output(&m, "y");
    const feed feeds[] = {{"x", x, {1, {COUNT}}}};
    assert_int_equal(check_model(onnx_end(&m), feeds, 1, want, COUNT, 1e-6), expected_steps);
    tdnn_free(m.out.data);
    free(x), free(want);
}

static void dropouts(void **unused)
{
    (void)unused;
    check_dropout(false, 1);
    check_dropout(true, 4);
}

/* Gelu by Tanh as GPT-2 writes it, behind a product: one step. */
static void check_bent_gelu(bool by_power)
{
    enum { M = 6, N = 33, K = 20 };
    float *a = random_floats(M * K), *b = random_floats(K * N);
    double *want = malloc(M * N * sizeof *want);
    onnx_build m = onnx_begin(9, 20);
    assert_non_null(want);
    for (size_t i = 0; i < M * N; i++) {
        double x = 0;
        for (size_t k = 0; k < K; k++) x += (double)a[i / N * K + k] * b[k * N + i % N];
        want[i] = 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
    }
    onnx_constant(&m, "b", TDNN_F32, 2, (int64_t[]){K, N}, b, K * N * sizeof *b);
    onnx_constant(&m, "three", TDNN_F32, 0, NULL, &(float){3}, 4);
    onnx_constant(&m, "half", TDNN_F32, 0, NULL, &(float){0.5f}, 4);
    onnx_constant(&m, "one", TDNN_F32, 0, NULL, &(float){1}, 4);
    onnx_constant(&m, "small", TDNN_F32, 0, NULL, &(float){0.044715f}, 4);
    onnx_constant(&m, "root", TDNN_F32, 0, NULL, &(float){0.7978846f}, 4);
    onnx_node(&m, "MatMul", "a,b", "x", "");
    if (!by_power) onnx_node(&m, "Mul", "x,x", "xx", "");
    onnx_node(&m, by_power ? "Pow" : "Mul", by_power ? "x,three" : "xx,x", "cube", "");
    onnx_node(&m, "Mul", by_power ? "cube,small" : "small,cube", "part", "");
    onnx_node(&m, "Add", by_power ? "x,part" : "part,x", "sum", "");
    onnx_node(&m, "Mul", "sum,root", "bent", "");
    onnx_node(&m, "Tanh", "bent", "t", "");
    onnx_node(&m, "Add", "t,one", "gate", "");
    onnx_node(&m, "Mul", by_power ? "x,half" : "x,gate", "inner", "");
    onnx_node(&m, "Mul", by_power ? "inner,gate" : "half,inner", "y", "");
    onnx_input(&m, "a", TDNN_F32, 2, (int64_t[]){M, K});
    onnx_output(&m, "y");
    const feed feeds[] = {{"a", a, {2, {M, K}}}};
    assert_int_equal(check_model(onnx_end(&m), feeds, 1, want, M * N, 1e-5), 1);
    tdnn_free(m.out.data);
    free(a), free(b), free(want);
}

static void bent_gelus(void **unused)
{
    (void)unused;
    check_bent_gelu(true);
    check_bent_gelu(false);
}

/* ---- convolutions in a row ---- */

typedef struct layer {
    int64_t in, out, kernel, stride, group; /* padded by half the kernel */
    bool relu;
} layer;

typedef struct conv_row {
    int64_t batch, height, width;
    layer layers[3];
    bool residual; /* the input is added to the output */
    size_t steps;  /* of three threads, on a level with blocked layout */
} conv_row;

static int64_t out_size(const layer *l, int64_t in) { return (in + l->kernel / 2 * 2 - l->kernel) / l->stride + 1; }

/* One channel of one image. */
static void convolve_channel(const layer *l, const double *x, int64_t h, int64_t w, const float *weights, int64_t o,
                             double *y)
{
    const int64_t each = l->in / l->group, first = o / (l->out / l->group) * each, half = l->kernel / 2;
    const int64_t oh = out_size(l, h), ow = out_size(l, w), area = l->kernel * l->kernel;
    for (int64_t p = 0; p < oh * ow; p++) {
        double sum = 0;
        for (int64_t i = 0; i < each; i++)
            for (int64_t k = 0; k < area; k++) {
                const int64_t row = p / ow * l->stride + k / l->kernel - half, column = p % ow * l->stride + k % l->kernel - half;
                if (row < 0 || row >= h || column < 0 || column >= w) continue;
                sum += x[((first + i) * h + row) * w + column] * (double)weights[(o * each + i) * area + k];
            }
        y[p] = l->relu ? fmax(sum, 0) : sum;
    }
}

/* *h and *w become those of the result, which is the caller's. */
static double *convolve_all(const layer *l, int64_t batch, const double *x, int64_t *h, int64_t *w, const float *weights)
{
    const int64_t oh = out_size(l, *h), ow = out_size(l, *w);
    double *y = malloc((size_t)(batch * l->out * oh * ow) * sizeof *y);
    assert_non_null(y);
    for (int64_t n = 0; n < batch; n++)
        for (int64_t o = 0; o < l->out; o++)
            convolve_channel(l, x + n * l->in * *h * *w, *h, *w, weights, o, y + (n * l->out + o) * oh * ow);
    *h = oh;
    *w = ow;
    return y;
}

static void check_conv_row(const conv_row *c)
{
    static const char *const names[][3] = {{"w0", "c0", "r0"}, {"w1", "c1", "r1"}, {"w2", "c2", "r2"}};
    const tdnn_shape shape = {4, {c->batch, c->layers[0].in, c->height, c->width}};
    const size_t count = (size_t)tdnn_shape_count(&shape);
    float *x = random_floats(count), *weights[3] = {NULL};
    double *want = malloc(count * sizeof *want);
    onnx_build m = onnx_begin(8, 13);
    int64_t h = c->height, w = c->width;
    char at[8] = "x";
    assert_non_null(want);
    for (size_t i = 0; i < count; i++) want[i] = x[i];
    for (size_t i = 0; i < 3; i++) {
        const layer *l = &c->layers[i];
        if (!l->out) continue;
        const int64_t dim[] = {l->out, l->in / l->group, l->kernel, l->kernel};
        const size_t size = (size_t)(dim[0] * dim[1] * dim[2] * dim[3]);
        const int pad = (int)(l->kernel / 2), stride = (int)l->stride;
        char inputs[16], attributes[96];
        weights[i] = random_floats(size);
        double *y = convolve_all(l, c->batch, want, &h, &w, weights[i]);
        free(want), want = y;
        onnx_constant(&m, names[i][0], TDNN_F32, 4, dim, weights[i], size * sizeof(float));
        snprintf(inputs, sizeof inputs, "%s,%s", at, names[i][0]);
        snprintf(attributes, sizeof attributes, "pads=[%d,%d,%d,%d];strides=[%d,%d];group=%d", pad, pad, pad, pad, stride,
                 stride, (int)l->group);
        onnx_node(&m, "Conv", inputs, names[i][1], attributes);
        if (l->relu) onnx_node(&m, "Relu", names[i][1], names[i][2], "");
        snprintf(at, sizeof at, "%s", names[i][l->relu ? 2 : 1]);
    }
    const int64_t channels = c->layers[2].out ? c->layers[2].out : c->layers[1].out;
    const size_t out_count = (size_t)(c->batch * channels * h * w);
    for (size_t i = 0; c->residual && i < out_count; i++) want[i] += x[i];
    onnx_node(&m, c->residual ? "Add" : "Identity", c->residual ? (snprintf(at + 2, 3, ",x"), at) : at, "y", "");
    onnx_input(&m, "x", TDNN_F32, 4, shape.dim);
    onnx_output(&m, "y");
    const feed feeds[] = {{"x", x, shape}};
    assert_int_equal(check_model(onnx_end(&m), feeds, 1, want, out_count, 1e-4), c->steps);
    tdnn_free(m.out.data);
    for (size_t i = 0; i < 3; i++) free(weights[i]);
    free(x), free(want);
}

/* The first three are in one step where several threads share it; what lies between those that follow is large
 * enough for one with any number, but in the last. Reorders stand before and behind. */
static void conv_rows(void **unused)
{
    (void)unused;
    static const conv_row rows[] = {
        {2, 13, 17, {{20, 72, 1, 1, 1, true}, {72, 72, 3, 1, 72, true}, {72, 20, 1, 1, 1, false}}, true, 3},
        {1, 14, 9, {{24, 40, 1, 1, 1, true}, {40, 40, 5, 2, 40, false}, {40, 33, 1, 1, 1, true}}, false, 3},
        {1, 12, 12, {{3, 24, 3, 2, 1, true}, {24, 24, 3, 1, 24, true}, {24, 8, 1, 1, 1, false}}, false, 2},
        {2, 97, 130, {{18, 18, 3, 1, 18, true}, {18, 9, 1, 1, 1, true}, {0}}, false, 3},
        {1, 97, 130, {{4, 24, 3, 1, 1, true}, {24, 24, 3, 1, 24, true}, {24, 17, 1, 1, 1, true}}, false, 2},
        {1, 97, 130, {{17, 24, 1, 1, 1, true}, {24, 24, 5, 2, 24, true}, {0}}, false, 3},
        {2, 97, 130, {{17, 17, 1, 2, 1, true}, {17, 17, 7, 1, 17, true}, {17, 17, 1, 1, 1, true}}, false, 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check_conv_row(&rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(products), cmocka_unit_test(scales), cmocka_unit_test(channels_last),
                                       cmocka_unit_test(dense_blocks), cmocka_unit_test(dropouts),
                                       cmocka_unit_test(bent_gelus), cmocka_unit_test(conv_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
