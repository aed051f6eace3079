/* Chains of operators that planning puts together: the same numbers as a loop in double precision gives,
 * in as few steps as they should take, at every level and for any number of threads. */
#include "tests/onnx_build.h"

#include "lib/base/mem.h"
#include "tinydnn.h"

#include <math.h>

static uint64_t state = 1;

static float random_float(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(state >> 32) * 0x1p-31f;
}

static float *random_floats(size_t count)
{
    float *x = malloc(count * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < count; i++) x[i] = random_float();
    return x;
}

static void set_input(tdnn_session *s, const char *name, float *data, tdnn_shape shape)
{
    tdnn_tensor *t = NULL;
    tdnn_error err;
    const size_t bytes = (size_t)tdnn_shape_count(&shape) * sizeof *data;
    assert_ok(tdnn_tensor_wrap(data, bytes, TDNN_F32, &shape, &t, &err), err);
    assert_ok(tdnn_session_set_input(s, name, t, &err), err);
    tdnn_tensor_release(t);
}

typedef struct feed {
    const char *name;
    float *data;
    tdnn_shape shape;
} feed;

/* Runs the model with 1 and 3 threads at each level; counts the steps of the last run. */
static size_t check_model(tdnn_bytes model, const feed *feeds, size_t feed_count, const double *want,
                          size_t count, double allowed)
{
    static const char *const levels[] = {"generic", "avx2", "avx512"};
    size_t steps = 0;
    for (size_t run = 0; run < 6; run++) {
        tdnn_session_options options;
        tdnn_net *net = NULL;
        tdnn_session *session = NULL;
        const tdnn_tensor *y = NULL;
        tdnn_error err;
        tdnn_session_options_init(&options);
        options.cpu = levels[run / 2];
        options.threads = run % 2 ? 3 : 1;
        assert_ok(tdnn_net_load_memory(model, (tdnn_bytes){NULL, 0}, NULL, &net, &err), err);
        assert_ok(tdnn_session_create(net, &options, &session, &err), err);
        for (size_t i = 0; i < feed_count; i++)
            set_input(session, feeds[i].name, feeds[i].data, feeds[i].shape);
        assert_ok(tdnn_session_run(session, &err), err);
        assert_ok(tdnn_session_output(session, NULL, &y, &err), err);
        assert_int_equal(tdnn_tensor_bytes(y), count * sizeof(float));
        const float *got = tdnn_tensor_const_data(y);
        for (size_t i = 0; i < count; i++)
            if (!(fabs(got[i] - want[i]) <= allowed * fmax(1, fabs(want[i]))))
                fail_msg("%s, %d threads, at %zu: got %.9g, expected %.9g", options.cpu,
                         options.threads, i, (double)got[i], want[i]);
        steps = tdnn_session_step_count(session);
        tdnn_session_free(session);
        tdnn_net_release(net);
    }
    return steps;
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(products)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
