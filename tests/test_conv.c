/* Conv, ConvTranspose and MatMul of random shapes, at every CPU level and with several threads,
 * against plain loops in double precision; the same bits from any number of threads. */
#include "tests/onnx_writer.h"
#include "tests/test.h"

#include <math.h>

static tdnn_error err;
static uint32_t seed = 1;

static uint32_t random_bits(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}
static int64_t between(int64_t low, int64_t high) { return low + random_bits() % (high - low + 1); }

static tdnn_tensor *random_tensor(tdnn_dtype type, int ndim, const int64_t *dims)
{
    const tdnn_shape shape = tdnn_shape_make(ndim, dims);
    tdnn_tensor *t = NULL;
    assert_ok(tdnn_tensor_create(type, &shape, &t, &err), err);
    for (int64_t i = 0; i < tdnn_shape_count(&shape); i++) {
        const double x = (double)random_bits() / (1 << 23) - 1;
        if (type == TDNN_F32)
            ((float *)tdnn_tensor_data(t))[i] = (float)x;
        else
            ((double *)tdnn_tensor_data(t))[i] = x;
    }
    return t;
}

static double at(const tdnn_tensor *t, int64_t i)
{
    return tdnn_tensor_dtype(t) == TDNN_F32 ? (double)((const float *)tdnn_tensor_const_data(t))[i]
                                            : ((const double *)tdnn_tensor_const_data(t))[i];
}
static int64_t dim(const tdnn_tensor *t, int i) { return tdnn_tensor_shape(t)->dim[i]; }

typedef struct problem {
    bool transposed;
    int rank;
    int64_t group, kernel[3], stride[3], dilation[3], pads[6];
    tdnn_tensor *in[3]; /* X, W, B */
    unsigned constants;
} problem;

/* ---- The answer ---- */

static int64_t out_size(const problem *p, int i)
{
    const int64_t in = dim(p->in[0], i + 2), reach = (p->kernel[i] - 1) * p->dilation[i] + 1;
    const int64_t pads = p->pads[i] + p->pads[p->rank + i];
    return p->transposed ? (in - 1) * p->stride[i] + reach - pads : (in + pads - reach) / p->stride[i] + 1;
}

/* Both kinds meet the same triples (smaller map's pixel, kernel position, larger map's pixel). */
static void expected(const problem *p, double *y)
{
    const tdnn_tensor *x = p->in[0], *w = p->in[1], *b = p->in[2];
    int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1}, k[3] = {1, 1, 1}, s[3] = {1, 1, 1}, d[3] = {1, 1, 1}, pad[3] = {0};
    for (int i = 0; i < p->rank; i++) {
        const int to = i + 3 - p->rank;
        in[to] = dim(x, i + 2), out[to] = out_size(p, i), k[to] = p->kernel[i];
        s[to] = p->stride[i], d[to] = p->dilation[i], pad[to] = p->pads[i];
    }
    const int64_t *small = p->transposed ? in : out, *large = p->transposed ? out : in;
    const int64_t ic = dim(x, 1), oc = p->transposed ? dim(w, 1) * p->group : dim(w, 0);
    const int64_t gi = ic / p->group, go = oc / p->group, ni = in[0] * in[1] * in[2], no = out[0] * out[1] * out[2];
    const int64_t area = k[0] * k[1] * k[2];
    for (int64_t i = 0; i < dim(x, 0) * oc * no; i++) y[i] = b ? at(b, i / no % oc) : 0;
    for (int64_t n = 0; n < dim(x, 0); n++)
        for (int64_t q = 0; q < small[0] * small[1] * small[2] * area; q++) {
            const int64_t e = q / area, t = q % area;
            const int64_t where[3] = {e / small[2] / small[1], e / small[2] % small[1], e % small[2]};
            const int64_t tap[3] = {t / k[2] / k[1], t / k[2] % k[1], t % k[2]};
            int64_t big = 0;
            bool inside = true;
            for (int i = 0; i < 3; i++) {
                const int64_t z = where[i] * s[i] + tap[i] * d[i] - pad[i];
                inside = inside && z >= 0 && z < large[i];
                big = big * large[i] + z;
            }
            if (!inside) continue;
            for (int64_t o = 0; o < oc; o++)
                for (int64_t i = 0; i < gi; i++) {
                    const int64_t channel = o / go * gi + i;
                    const int64_t wi = p->transposed ? (channel * go + o % go) * area + t : (o * gi + i) * area + t;
                    const int64_t xi = p->transposed ? e : big, yi = p->transposed ? big : e;
                    y[(n * oc + o) * no + yi] += at(x, (n * ic + channel) * ni + xi) * at(w, wi);
                }
        }
}

/* ---- Running ---- */

static tdnn_net *net_of(message *model)
{
    tdnn_net *net = NULL;
    const tdnn_bytes bytes = {model->bytes, model->size}, none = {0};
    assert_ok(tdnn_net_load_memory(bytes, none, NULL, &net, &err), err);
    free(model->bytes);
    return net;
}

static bool no_winograd; /* of the sessions that `run` makes */

static tdnn_session *run(tdnn_net *net, tdnn_tensor *const *in, size_t count, unsigned constants,
                         const char *cpu, int threads, const tdnn_tensor **y)
{
    tdnn_session_options options;
    tdnn_session *s = NULL;
    tdnn_session_options_init(&options);
    options.cpu = cpu;
    options.threads = threads;
    options.no_winograd = no_winograd;
    assert_ok(tdnn_session_create(net, &options, &s, &err), err);
    char name[3] = "i0";
    for (size_t i = 0; i < count; i++) {
        name[1] = (char)('0' + i);
        if (in[i] && !(constants >> i & 1)) assert_ok(tdnn_session_set_input(s, name, in[i], &err), err);
    }
    assert_ok(tdnn_session_run(s, &err), err);
    assert_ok(tdnn_session_output(s, NULL, y, &err), err);
    return s;
}

/* At every level; with 3 threads the bits of 1. */
static void compare(message *model, tdnn_tensor *const *in, size_t count, unsigned constants,
                    const double *want, const char *text)
{
    tdnn_net *net = net_of(model);
    for (size_t level = 0; level < TEST_LEVELS; level++) {
        const tdnn_tensor *y, *again;
        tdnn_session *one = run(net, in, count, constants, test_levels[level], 1, &y);
        tdnn_session *three = run(net, in, count, constants, test_levels[level], 3, &again);
        const int64_t n = tdnn_shape_count(tdnn_tensor_shape(y));
        assert_memory_equal(tdnn_tensor_const_data(y), tdnn_tensor_const_data(again), tdnn_tensor_bytes(y));
        double largest = 1;
        for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(want[i]));
        for (int64_t i = 0; i < n; i++)
            if (!(fabs(at(y, i) - want[i]) <= 1e-5 * largest))
                fail_msg("%s %s: at %lld: %g, expected %g", text, test_levels[level], (long long)i, at(y, i), want[i]);
        tdnn_session_free(one);
        tdnn_session_free(three);
    }
    tdnn_net_release(net);
}

static void release(tdnn_tensor *const *in, size_t count)
{
    for (size_t i = 0; i < count; i++) tdnn_tensor_release(in[i]);
}

/* ---- Convolutions ---- */

static void random_window(problem *p, int i, int64_t size)
{
    do {
        p->kernel[i] = between(1, 4);
        p->stride[i] = between(1, 3);
        p->dilation[i] = between(1, 2);
        p->pads[i] = between(0, 2);
        p->pads[p->rank + i] = between(0, 2);
        const int64_t reach = (p->kernel[i] - 1) * p->dilation[i] + 1, pads = p->pads[i] + p->pads[p->rank + i];
        if (p->transposed ? (size - 1) * p->stride[i] + reach > pads : size + pads >= reach) return;
    } while (true);
}

static void random_channels(problem *p, int64_t *gi, int64_t *go)
{
    static const int64_t kinds[][3] = {{1, 3, 20}, {1, 40, 33}, {2, 16, 32}, {4, 8, 8}, {3, 5, 7}, {24, 1, 1}, {6, 1, 2},
                                       {5, 24, 24}, {7, 8, 8}, {32, 2, 2}, {8, 4, 8}, {3, 20, 10}, {9, 12, 12}};
    const int64_t *kind = kinds[between(0, 12)];
    p->group = kind[0], *gi = kind[1], *go = kind[2];
}

static void check_random(bool transposed, tdnn_dtype type, int rank)
{
    problem p = {.transposed = transposed, .rank = rank, .constants = random_bits() % 4 ? 6 : 0};
    int64_t gi, go, x[5] = {between(1, 2)}, w[5];
    random_channels(&p, &gi, &go);
    x[1] = gi * p.group;
    w[0] = transposed ? x[1] : go * p.group;
    w[1] = transposed ? go : gi;
    const bool dense = random_bits() % 4 == 0; /* as Winograd's form wants them */
    for (int i = 0; i < rank; i++) {
        x[i + 2] = dense && i ? between(10, 20) : between(1, i + 1 == rank ? 20 : 6);
        random_window(&p, i, x[i + 2]);
        if (dense) p.kernel[i] = 3, p.stride[i] = p.dilation[i] = p.pads[i] = p.pads[rank + i] = 1;
        w[i + 2] = p.kernel[i];
    }
    p.in[0] = random_tensor(type, rank + 2, x);
    p.in[1] = random_tensor(type, rank + 2, w);
    if (random_bits() % 2) p.in[2] = random_tensor(type, 1, (int64_t[]){go * p.group});
    message node = {0};
    put_attr_ints(&node, "strides", p.stride, (size_t)rank);
    put_attr_ints(&node, "dilations", p.dilation, (size_t)rank);
    put_attr_ints(&node, "pads", p.pads, 2 * (size_t)rank);
    put_attr_int(&node, "group", p.group);
    int64_t count = x[0] * go * p.group;
    for (int i = 0; i < rank; i++) count *= out_size(&p, i);
    double *want = calloc((size_t)count, sizeof *want);
    assert_non_null(want);
    expected(&p, want);
    char text[160];
    snprintf(text, sizeof text, "rank %d transposed %d group %lld of %lld to %lld", rank, transposed,
             (long long)p.group, (long long)gi, (long long)go);
    message model = write_model(&node, transposed ? "ConvTranspose" : "Conv", p.in, p.in[2] ? 3 : 2, p.constants);
    compare(&model, p.in, 3, p.constants, want, text);
    free(want);
    release(p.in, 3);
}

static void conv_2d(void **state)
{
    (void)state;
    for (int i = 0; i < 120; i++) check_random(false, TDNN_F32, 2);
}
static void conv_1d_3d(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) check_random(false, TDNN_F32, i % 2 ? 1 : 3);
}
/* The largest distance of its values from those of the other way, as a share of the largest. */
static double share_apart(const tdnn_tensor *a, const tdnn_tensor *b)
{
    double largest = 0, apart = 0;
    for (int64_t i = 0; i < tdnn_shape_count(tdnn_tensor_shape(a)); i++) {
        largest = fmax(largest, fabs(at(a, i)));
        apart = fmax(apart, fabs(at(a, i) - at(b, i)));
    }
    return apart / largest;
}
static void winograd_switched_off(void **state)
{
    (void)state;
    const int64_t pads[4] = {1, 1, 1, 1};
    tdnn_tensor *in[2] = {random_tensor(TDNN_F32, 4, (int64_t[]){1, 64, 40, 40}),
                          random_tensor(TDNN_F32, 4, (int64_t[]){64, 64, 3, 3})};
    message node = {0};
    put_attr_ints(&node, "pads", pads, 4);
    message model = write_model(&node, "Conv", in, 2, 2);
    tdnn_net *net = net_of(&model);
    for (size_t level = 0; level < TEST_LEVELS; level++) {
        const tdnn_tensor *y[2];
        tdnn_session *s[2];
        for (int off = 0; off < 2; off++) {
            no_winograd = off;
            s[off] = run(net, in, 2, 2, test_levels[level], 1, &y[off]);
            for (size_t i = 0; i < tdnn_session_step_count(s[off]); i++) {
                tdnn_step_info step;
                assert_ok(tdnn_session_step(s[off], i, &step, &err), err);
                assert_false(off && strstr(step.kernel, "winograd"));
            }
        }
        assert_true(share_apart(y[1], y[0]) < 1e-4);
        tdnn_session_free(s[0]);
        tdnn_session_free(s[1]);
    }
    no_winograd = false;
    tdnn_net_release(net);
    release(in, 2);
}
static void conv_f64(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) check_random(i % 2, TDNN_F64, 1 + i % 3);
}
static void conv_transpose(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) check_random(true, TDNN_F32, 1 + i % 3);
}

/* ---- Matrix products ---- */

/* Batches broadcast: a matrix of A for each row, one of B for each column of the batch. */
static void matmul(void **state)
{
    (void)state;
    for (int round = 0; round < 30; round++) {
        const int64_t m = between(1, 40), n = between(1, 70), k = between(1, 50), rows = between(1, 3);
        const int64_t columns = between(1, 3);
        const tdnn_dtype type = round % 5 ? TDNN_F32 : TDNN_F64;
        tdnn_tensor *in[2] = {random_tensor(type, 4, (int64_t[]){rows, 1, m, k}),
                              random_tensor(type, 3, (int64_t[]){columns, k, n})};
        double *want = calloc((size_t)(rows * columns * m * n), sizeof *want);
        assert_non_null(want);
        for (int64_t i = 0; i < rows * columns * m * n; i++) {
            const int64_t product = i / (m * n), row = i / n % m, column = i % n;
            for (int64_t t = 0; t < k; t++)
                want[i] += at(in[0], (product / columns * m + row) * k + t) *
                           at(in[1], (product % columns * k + t) * n + column);
        }
        message node = {0}, model = write_model(&node, "MatMul", in, 2, (unsigned)round % 4);
        if (round % 4 != 3) /* all constant: folded, nothing left to run */
            compare(&model, in, 2, (unsigned)round % 4, want, "MatMul");
        else
            free(model.bytes);
        free(want);
        release(in, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv_2d), cmocka_unit_test(conv_1d_3d), cmocka_unit_test(conv_f64),
        cmocka_unit_test(winograd_switched_off),
        cmocka_unit_test(conv_transpose), cmocka_unit_test(matmul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
