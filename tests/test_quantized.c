/* Convolutions of bytes with random shapes, in the ways in which models write them, against integer sums and
 * double precision: at every level, for one and for three threads; and what passes made of them, taken
 * apart again into ONNX's operators.
 */
#include "tests/onnx_build.h"

#include "lib/base/mem.h"
#include "lib/passes/pass.h"
#include "lib/runtime/net.h"
#include "tinydnn.h"

#include <math.h>

enum { ROUNDS = 60 };

static tdnn_error err;
static uint64_t state = 7;

static int64_t pick(int64_t low, int64_t high)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return low + (int64_t)((state >> 33) % (uint64_t)(high - low + 1));
}

typedef enum kind { INTEGER, LINEAR, DYNAMIC, FIXED, PAIRS, KINDS } kind;

typedef struct problem {
    kind kind;
    int rank;
    int64_t batch, group, ic, oc; /* channels of a group */
    int64_t in[3], out[3], kernel[3], stride[3], dilation[3], pads[6];
    tdnn_dtype x_type, w_type;
    int x_zero, y_zero;
    bool w_zeros, each, bias, relu; /* each: scales and zero points for each channel */
    float x_scale, y_scale, *w_scale;
    int *w_zero;
    int32_t *b;
    uint8_t *w, *x;
    float *fx;
    size_t x_count, w_count, y_count;
} problem;

static int value(tdnn_dtype type, uint8_t byte) { return type == TDNN_U8 ? byte : (int8_t)byte; }

static void *room(size_t count, size_t size)
{
    void *p = calloc(count + 1, size);
    assert_non_null(p);
    return p;
}

/* ---- problems ---- */

static void choose_sizes(problem *p)
{
    const bool depthwise = pick(0, 3) == 0;
    p->batch = pick(1, 2);
    p->group = depthwise ? pick(2, 70) : pick(0, 3) ? 1 : pick(2, 3);
    p->ic = depthwise ? 1 : pick(1, pick(0, 1) ? 40 : 6);
    p->oc = depthwise ? 1 : pick(1, pick(0, 2) ? 40 : 90);
    p->rank = pick(0, 4) ? 2 : pick(1, 3) == 1 ? 1 : 3;
    p->x_count = p->w_count = p->y_count = 1;
    for (int i = 0; i < p->rank; i++) {
        p->kernel[i] = pick(0, 2) ? pick(1, 4) : 1;
        p->stride[i] = pick(1, 2);
        p->dilation[i] = pick(0, 3) ? 1 : 2;
        p->pads[i] = pick(0, 2), p->pads[p->rank + i] = pick(0, 2);
        const int64_t reach = (p->kernel[i] - 1) * p->dilation[i] + 1;
        p->in[i] = pick(reach, reach + (p->rank < 3 ? 12 : 4));
        p->out[i] = (p->in[i] + p->pads[i] + p->pads[p->rank + i] - reach) / p->stride[i] + 1;
        p->x_count *= (size_t)p->in[i];
        p->w_count *= (size_t)p->kernel[i];
        p->y_count *= (size_t)p->out[i];
    }
    p->x_count *= (size_t)(p->batch * p->group * p->ic);
    p->w_count *= (size_t)(p->group * p->ic * p->oc);
    p->y_count *= (size_t)(p->batch * p->group * p->oc);
}

static void fill_numbers(problem *p)
{
    const size_t channels = (size_t)(p->group * p->oc);
    const bool extreme = pick(0, 4) == 0;
    p->w = room(p->w_count, 1), p->x = room(p->x_count, 1);
    p->fx = room(p->x_count, sizeof *p->fx);
    p->w_scale = room(channels, sizeof *p->w_scale);
    p->w_zero = room(channels, sizeof *p->w_zero);
    p->b = room(channels, sizeof *p->b);
    for (size_t i = 0; i < p->w_count; i++) p->w[i] = (uint8_t)(extreme ? 128 : pick(0, 255));
    for (size_t i = 0; i < p->x_count; i++) {
        p->x[i] = (uint8_t)(extreme ? 255 * pick(0, 1) : pick(0, 255));
        p->fx[i] = (float)pick(-1000, 1500) / 700;
    }
    for (size_t c = 0; c < channels; c++) {
        const bool first = c == 0 || p->each;
        p->w_scale[c] = first ? (float)pick(1, 50) / 7000 : p->w_scale[0];
        p->w_zero[c] = !p->w_zeros ? 0 : !first ? p->w_zero[0]
                                       : (int)pick(0, 255) - (p->w_type == TDNN_I8 ? 128 : 0);
        p->b[c] = (int32_t)pick(-20000, 20000);
    }
}

static problem random_problem(kind k)
{
    problem p = {.kind = k};
    choose_sizes(&p);
    p.x_type = k == DYNAMIC || pick(0, 1) ? TDNN_U8 : TDNN_I8;
    p.w_type = pick(0, 1) ? TDNN_U8 : TDNN_I8;
    p.w_zeros = pick(0, 1), p.each = pick(0, 1), p.bias = pick(0, 1), p.relu = pick(0, 1);
    p.x_zero = (int)pick(0, 255) - (p.x_type == TDNN_I8 ? 128 : 0);
    p.y_zero = (int)pick(0, 255) - (p.x_type == TDNN_I8 ? 128 : 0);
    p.x_scale = (float)pick(1, 40) / 2000;
    p.y_scale = (float)pick(1, 40) / 100;
    fill_numbers(&p);
    return p;
}

static void free_problem(problem *p)
{
    free(p->w), free(p->x), free(p->fx), free(p->w_scale), free(p->w_zero), free(p->b);
}

/* ---- the answer ---- */

static int quantized(float x, float scale, int zero, tdnn_dtype type)
{
    const float q = rintf(x / scale) + (float)zero;
    const int low = type == TDNN_I8 ? -128 : 0;
    return q < (float)low ? low : q > (float)(low + 255) ? low + 255 : (int)q;
}

static void choose_dynamic(problem *p)
{
    float low = 0, high = 0;
    for (size_t i = 0; i < p->x_count; i++) low = fminf(low, p->fx[i]), high = fmaxf(high, p->fx[i]);
    p->x_scale = (high - low) / 255;
    p->x_zero = (int)rintf(fminf(fmaxf(-low / p->x_scale, 0), 255));
}

static int input_at(const problem *p, size_t i)
{
    const bool floats = p->kind != INTEGER && p->kind != LINEAR;
    return (floats ? quantized(p->fx[i], p->x_scale, p->x_zero, p->x_type) : value(p->x_type, p->x[i])) -
           p->x_zero;
}

/* The sum for one output channel and pixel. */
static int64_t sum_at(const problem *p, int64_t image, int64_t channel, const int64_t *pixel)
{
    int64_t places = 1, plane = 1, sum = 0;
    for (int i = 0; i < p->rank; i++) places *= p->kernel[i], plane *= p->in[i];
    for (int64_t c = 0; c < p->ic; c++)
        for (int64_t t = 0; t < places; t++) {
            int64_t at = 0, rest = t, tap[3];
            bool inside = true;
            for (int i = p->rank; i-- > 0; rest /= p->kernel[i]) tap[i] = rest % p->kernel[i];
            for (int i = 0; i < p->rank; i++) {
                const int64_t z = pixel[i] * p->stride[i] + tap[i] * p->dilation[i] - p->pads[i];
                inside = inside && z >= 0 && z < p->in[i];
                at = at * p->in[i] + z;
            }
            if (!inside) continue;
            const int64_t from = (image * p->group + channel / p->oc) * p->ic + c;
            sum += (int64_t)input_at(p, (size_t)(from * plane + at)) *
                   (value(p->w_type, p->w[(channel * p->ic + c) * places + t]) - p->w_zero[channel]);
        }
    return sum;
}

/* Sums and, of those that are scaled, values in double precision. */
static void solve(const problem *p, int64_t *sums, double *y)
{
    const int64_t channels = p->group * p->oc;
    int64_t pixels = 1;
    for (int i = 0; i < p->rank; i++) pixels *= p->out[i];
    for (int64_t i = 0; i < (int64_t)p->y_count; i++) {
        const int64_t c = i / pixels % channels;
        int64_t pixel[3], rest = i % pixels;
        for (int k = p->rank; k-- > 0; rest /= p->out[k]) pixel[k] = rest % p->out[k];
        sums[i] = sum_at(p, i / pixels / channels, c, pixel);
        if (p->bias && p->kind != INTEGER) sums[i] += p->kind == DYNAMIC || p->kind == FIXED ? 0 : p->b[c];
        y[i] = (double)sums[i] * (double)p->x_scale * (double)p->w_scale[c];
        if (p->bias && (p->kind == DYNAMIC || p->kind == FIXED)) y[i] += p->b[c] * 1e-3;
        if (p->relu && (p->kind == DYNAMIC || p->kind == FIXED)) y[i] = fmax(y[i], 0);
    }
}

/* Of two steps the one that a rounding of floats may choose. */
static bool near_tie(double x) { return fabs(fabs(x - rint(x)) - 0.5) < 1e-3; }

static bool right(const problem *p, const tdnn_tensor *got, size_t i, int64_t sum, double y)
{
    const double q = y / (double)p->y_scale, low = p->x_type == TDNN_I8 ? -128 : 0;
    const double byte = fmin(fmax(rint(q) + p->y_zero, low), low + 255);
    if (p->kind == INTEGER) return ((const int32_t *)tdnn_tensor_const_data(got))[i] == sum;
    if (p->kind == LINEAR) {
        const int have = value(p->x_type, ((const uint8_t *)tdnn_tensor_const_data(got))[i]);
        return fabs(have - byte) <= near_tie(q);
    }
    const double have = (double)((const float *)tdnn_tensor_const_data(got))[i];
    if (p->kind != PAIRS) return fabs(have - y) <= 1e-6 * (1 + fabs(y) + 20 * p->bias); /* a bias is up to 20 */
    const double stepped = (byte - p->y_zero) * (double)p->y_scale;
    const double wanted = p->relu ? fmax(stepped, 0) : stepped;
    return fabs(have - wanted) <= 1e-5 * fmax(1, fabs(wanted)) + near_tie(q) * (double)p->y_scale;
}

/* ---- models ---- */

static size_t list(char *text, const char *name, const int64_t *values, int count)
{
    size_t at = (size_t)sprintf(text, "%s=[", name);
    for (int i = 0; i < count; i++) at += (size_t)sprintf(text + at, i ? ",%lld" : "%lld", (long long)values[i]);
    return at + (size_t)sprintf(text + at, "];");
}

static void window_text(const problem *p, char *text)
{
    text += list(text, "strides", p->stride, p->rank);
    text += list(text, "dilations", p->dilation, p->rank);
    text += list(text, "pads", p->pads, 2 * p->rank);
    sprintf(text, "group=%lld", (long long)p->group);
}

static void byte_constant(onnx_build *m, const char *name, tdnn_dtype type, const int *values, size_t count,
                          bool scalar)
{
    const int64_t dim = (int64_t)count;
    uint8_t bytes[512];
    assert_true(count <= sizeof bytes);
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)values[i];
    onnx_constant(m, name, type, scalar ? 0 : 1, &dim, bytes, count);
}

static void write_constants(const problem *p, onnx_build *m)
{
    const int64_t channels = p->group * p->oc, some = p->each ? channels : 1;
    int64_t dims[5] = {channels, p->ic}, column[4] = {some, 1, 1, 1};
    for (int i = 0; i < p->rank; i++) dims[i + 2] = p->kernel[i];
    onnx_constant(m, "w", p->w_type, p->rank + 2, dims, p->w, p->w_count);
    byte_constant(m, "wz", p->w_type, p->w_zero, (size_t)some, !p->each);
    byte_constant(m, "xz", p->x_type, &p->x_zero, 1, true);
    byte_constant(m, "yz", p->x_type, &p->y_zero, 1, true);
    onnx_floats(m, "sx", 0, NULL, &p->x_scale);
    onnx_floats(m, "sy", 0, NULL, &p->y_scale);
    onnx_floats(m, "sw", p->each ? 1 : 0, &some, p->w_scale);
    onnx_floats(m, "column", p->rank + 1, column, p->w_scale); /* over pixels */
    float *bias = room((size_t)channels, sizeof *bias), *factor = room((size_t)some, sizeof *factor),
          *scale = room((size_t)channels, sizeof *scale);
    for (int64_t c = 0; c < channels; c++) bias[c] = (float)p->b[c] * 1e-3f, scale[c] = p->x_scale * p->w_scale[c];
    for (int64_t c = 0; c < some; c++) factor[c] = scale[c];
    column[0] = channels;
    onnx_floats(m, "row", p->rank + 1, column, bias);
    column[0] = some;
    onnx_floats(m, "factor", p->rank + 1, column, factor);
    onnx_constant(m, "b", TDNN_I32, 1, &channels, p->b, (size_t)channels * sizeof *p->b);
    onnx_floats(m, "sb", 1, &channels, scale);
    free(bias), free(factor), free(scale);
}

static void write_sums(const problem *p, onnx_build *m, const char *attrs)
{
    const char *at = "scaled";
    char inputs[32];
    if (p->kind == DYNAMIC) {
        onnx_node(m, "DynamicQuantizeLinear", "x", "q,s,z", "");
        onnx_node(m, "Mul", "s,column", "scales", "");
    } else {
        onnx_node(m, "QuantizeLinear", "x,sx,xz", "q", "");
    }
    snprintf(inputs, sizeof inputs, "q,w,%s%s", p->kind == DYNAMIC ? "z" : "xz", p->w_zeros ? ",wz" : "");
    onnx_node(m, "ConvInteger", inputs, "sum", attrs);
    onnx_node(m, "Cast", "sum", "float", "to=1");
    onnx_node(m, "Mul", p->kind == DYNAMIC ? "float,scales" : "factor,float", "scaled", "");
    if (p->bias) onnx_node(m, "Add", "scaled,row", "shifted", ""), at = "shifted";
    onnx_node(m, p->relu ? "Relu" : "Identity", at, "y", "");
}

static void write_pairs(const problem *p, onnx_build *m, const char *attrs)
{
    onnx_node(m, "QuantizeLinear", "x,sx,xz", "q", "");
    onnx_node(m, "DequantizeLinear", "q,sx,xz", "d", "");
    onnx_node(m, "DequantizeLinear", p->w_zeros ? "w,sw,wz" : "w,sw", "dw", "axis=0");
    if (p->bias) onnx_node(m, "DequantizeLinear", "b,sb", "db", "axis=0");
    onnx_node(m, "Conv", p->bias ? "d,dw,db" : "d,dw", "c", attrs);
    onnx_node(m, "QuantizeLinear", "c,sy,yz", "cq", "");
    onnx_node(m, "DequantizeLinear", "cq,sy,yz", "cd", "");
    onnx_node(m, p->relu ? "Relu" : "Identity", "cd", "y", "");
}

static tdnn_bytes write_model(const problem *p)
{
    onnx_build m = onnx_begin(8, 13);
    char attrs[256], inputs[64];
    int64_t any[5] = {-1, -1, -1, -1, -1};
    const bool floats = p->kind != INTEGER && p->kind != LINEAR;
    window_text(p, attrs);
    write_constants(p, &m);
    onnx_input(&m, "x", floats ? TDNN_F32 : p->x_type, p->rank + 2, any);
    if (p->kind == INTEGER)
        onnx_node(&m, "ConvInteger", p->w_zeros ? "x,w,xz,wz" : "x,w,xz", "y", attrs);
    snprintf(inputs, sizeof inputs, "x,sx,xz,w,sw,wz,sy,yz%s", p->bias ? ",b" : "");
    if (p->kind == LINEAR) onnx_node(&m, "QLinearConv", inputs, "y", attrs);
    if (p->kind == DYNAMIC || p->kind == FIXED) write_sums(p, &m, attrs);
    if (p->kind == PAIRS) write_pairs(p, &m, attrs);
    onnx_output(&m, "y");
    return onnx_end(&m);
}

/* ---- checks ---- */

static tdnn_tensor *make_input(const problem *p)
{
    const bool floats = p->kind != INTEGER && p->kind != LINEAR;
    tdnn_shape shape = {.ndim = p->rank + 2, .dim = {p->batch, p->group * p->ic}};
    tdnn_tensor *t = NULL;
    for (int i = 0; i < p->rank; i++) shape.dim[i + 2] = p->in[i];
    assert_ok(tdnn_tensor_create(floats ? TDNN_F32 : p->x_type, &shape, &t, &err), err);
    memcpy(tdnn_tensor_data(t), floats ? (const void *)p->fx : p->x, tdnn_tensor_bytes(t));
    return t;
}

static void check_net(const problem *p, const tdnn_net *net, const char *level, int threads, tdnn_tensor *x,
                      const int64_t *sums, const double *want)
{
    tdnn_session_options options;
    tdnn_session *session = NULL;
    const tdnn_tensor *y = NULL;
    tdnn_session_options_init(&options);
    options.cpu = level;
    options.threads = threads;
    assert_ok(tdnn_session_create((tdnn_net *)net, &options, &session, &err), err);
    assert_ok(tdnn_session_set_input(session, "x", x, &err), err);
    assert_ok(tdnn_session_run(session, &err), err);
    assert_ok(tdnn_session_output(session, "y", &y, &err), err);
    assert_int_equal(tdnn_shape_count(tdnn_tensor_shape(y)), p->y_count);
    for (size_t i = 0; i < p->y_count; i++)
        if (!right(p, y, i, sums[i], want[i]))
            fail_msg("kind %d, %s, %d threads, rank %d, %d groups of %d -> %d: element %zu, expected sum %lld, %.9g",
                     (int)p->kind, level, threads, p->rank, (int)p->group, (int)p->ic, (int)p->oc, i,
                     (long long)sums[i], want[i]);
    tdnn_session_free(session);
}

static void check_kind(kind k)
{
    for (int round = 0; round < ROUNDS; round++) {
        problem p = random_problem(k);
        const tdnn_bytes model = write_model(&p);
        tdnn_tensor *x = make_input(&p);
        int64_t *sums = room(p.y_count, sizeof *sums);
        double *want = room(p.y_count, sizeof *want);
        tdnn_net *net = NULL, *lowered = NULL;
        if (k == DYNAMIC) choose_dynamic(&p);
        solve(&p, sums, want);
        assert_ok(tdnn_net_load_memory(model, (tdnn_bytes){NULL, 0}, NULL, &net, &err), err);
        if (k >= DYNAMIC) assert_int_equal(net->graph->nodes[0]->op->kind, TDNN_OP_ConvQuantized);
        for (size_t run = 0; run < 2 * TEST_LEVELS; run++)
            check_net(&p, net, test_levels[run / 2], run % 2 ? 3 : 1, x, sums, want);
        assert_ok(tdnn_net_load_memory(model, (tdnn_bytes){NULL, 0}, NULL, &lowered, &err), err);
        assert_ok(tdnn_lower(lowered->graph, 17, &err), err);
        for (size_t n = 0; n < lowered->graph->node_count; n++)
            assert_null(lowered->graph->nodes[n]->op->domain);
        check_net(&p, lowered, NULL, 1, x, sums, want);
        tdnn_net_release(net);
        tdnn_net_release(lowered);
        tdnn_tensor_release(x);
        tdnn_free((void *)model.data);
        free(sums), free(want);
        free_problem(&p);
    }
}

/* ---- damaged models ---- */

static tdnn_status run_hostile(bool linear, const int64_t *x_dims, const int64_t *w_dims, const char *attrs)
{
    onnx_build m = onnx_begin(8, 13);
    const tdnn_shape shape = tdnn_shape_make(4, x_dims), weights = tdnn_shape_make(4, w_dims);
    const size_t count = (size_t)tdnn_shape_count(&weights);
    const float scale = 0.5f;
    const int zero = 3;
    uint8_t *w = room(count, 1);
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    tdnn_tensor *x = NULL;
    onnx_constant(&m, "w", TDNN_U8, 4, w_dims, w, count);
    onnx_floats(&m, "s", 0, NULL, &scale);
    byte_constant(&m, "z", TDNN_U8, &zero, 1, true);
    onnx_input(&m, "x", TDNN_U8, 4, x_dims);
    if (linear)
        onnx_node(&m, "QLinearConv", "x,s,z,w,s,z,s,z", "y", attrs);
    else
        onnx_node(&m, "ConvInteger", "x,w,z,z", "y", attrs);
    onnx_output(&m, "y");
    const tdnn_bytes model = onnx_end(&m);
    tdnn_status status = tdnn_net_load_memory(model, (tdnn_bytes){NULL, 0}, NULL, &net, &err);
    if (!status) status = tdnn_session_create(net, NULL, &session, &err);
    assert_ok(tdnn_tensor_create(TDNN_U8, &shape, &x, &err), err);
    if (!status) status = tdnn_session_set_input(session, "x", x, &err);
    if (!status) status = tdnn_session_run(session, &err);
    tdnn_session_free(session);
    tdnn_net_release(net);
    tdnn_tensor_release(x);
    tdnn_free((void *)model.data);
    free(w);
    return status;
}

static void hostile(void **s)
{
    static const struct {
        int64_t x[4], w[4];
        const char *attrs;
        bool works;
    } cases[] = {
        {{1, 4, 8, 8}, {2, 4, 3, 3}, "group=1", true},
        {{1, 4, 8, 8}, {2, 4, 3, 3}, "pads=[2147483648,0,0,0]", false},
        {{1, 4, 8, 8}, {2, 4, 3, 3}, "pads=[0,0,4611686018427387904,4611686018427387904]", false},
        {{1, 4, 8, 8}, {2, 4, 3, 3}, "pads=[-1,0,0,0]", false},
        {{1, 4, 8, 8}, {2, 4, 3, 3}, "pads=[1073741824,1073741824,1073741824,1073741824]", false},
        {{1, 4, 8, 8}, {2, 4, 3, 3},
         "pads=[1073741824,1073741824,1073741824,1073741824]; strides=[1073741824,1073741824]", false},
        {{1, 4, 8, 8}, {2, 4, 3, 3}, "pads=[1073741824,0,1073741824,0]; strides=[1073741824,1]", false},
        {{1, 4, 8, 8}, {2, 4, 1, 1}, "strides=[1073741824,1073741824]", true},
        {{1, 4, 8, 8}, {2, 4, 3, 3}, "strides=[4611686018427387904,1]", false},
        {{1, 4, 8, 8}, {2, 4, 3, 3}, "strides=[0,1]", false},
        {{1, 4, 8, 8}, {2, 4, 3, 3}, "dilations=[2147483648,1]", false},
        {{1, 4, 8, 8}, {2, 4, 3, 3}, "dilations=[4611686018427387904,4611686018427387904]", false},
        {{1, 4, 8, 8}, {2, 4, 3, 3},
         "dilations=[1,357913941]; pads=[0,536870912,0,536870912]", false},
        {{1, 4, 8, 8}, {2, 4, 3, 3}, "group=0", false},
        {{1, 4, 8, 8}, {2, 4, 3, 3}, "group=3", false},
        {{1, 4, 8, 8}, {2, 4, 3, 3}, "group=-2", false},
        {{1, 4, 8, 8}, {2, 4, 3, 3}, "group=4611686018427387904", false},
        {{1, 0, 8, 8}, {2, 0, 3, 3}, "group=1", true},
        {{1, 0, 8, 8}, {2, 0, 3, 3}, "group=2", true},
        {{1, 4, 8, 8}, {0, 4, 3, 3}, "group=4611686018427387904", false},
        {{1, 4, 8, 8}, {0, 4, 3, 3}, "group=1", true},
        {{0, 4, 8, 8}, {2, 4, 3, 3}, "group=1", true},
        {{1, 4, 0, 8}, {2, 4, 1, 1}, "pads=[1,0,0,0]", true},
    };
    (void)s;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int linear = 0; linear < 2; linear++) {
            const tdnn_status status = run_hostile(linear, cases[i].x, cases[i].w, cases[i].attrs);
            if ((status == TDNN_OK) != cases[i].works)
                fail_msg("case %zu, %s: '%s' %s", i, cases[i].attrs, tdnn_status_name(status), err.message);
            if (status) assert_int_not_equal(status, TDNN_ERR_INTERNAL);
        }
}

static void integer(void **s)
{
    (void)s;
    check_kind(INTEGER);
}
static void linear(void **s)
{
    (void)s;
    check_kind(LINEAR);
}
static void dynamic(void **s)
{
    (void)s;
    check_kind(DYNAMIC);
}
static void fixed(void **s)
{
    (void)s;
    check_kind(FIXED);
}
static void pairs(void **s)
{
    (void)s;
    check_kind(PAIRS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(integer), cmocka_unit_test(linear),
                                       cmocka_unit_test(dynamic), cmocka_unit_test(fixed),
                                       cmocka_unit_test(pairs), cmocka_unit_test(hostile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
