/* Activations against their definitions in double precision. */
#include "tests/kernels/check.h"

#include <math.h>

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double clip(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static double meaning(double x, const tdnn_act *act)
{
    const double a = act->alpha, b = act->beta;
    switch (act->kind) {
    case TDNN_ACTIVATE_NONE: return x;
    case TDNN_ACTIVATE_CLIP: return clip(x, a, b);
    case TDNN_ACTIVATE_LEAKY: return x < 0 ? a * x : x;
    case TDNN_ACTIVATE_SIGMOID: return sigmoid(x);
    case TDNN_ACTIVATE_TANH: return tanh(x);
    case TDNN_ACTIVATE_SILU: return x * sigmoid(a * x);
    case TDNN_ACTIVATE_HARDSIGMOID: return clip(a * x + b, 0, 1);
    case TDNN_ACTIVATE_HARDSWISH: return x * clip(a * x + b, 0, 1);
    case TDNN_ACTIVATE_MISH: return x * tanh(softplus(x));
    case TDNN_ACTIVATE_GELU: return 0.5 * x * (1 + erf(x * sqrt(0.5)));
    case TDNN_ACTIVATE_GELU_TANH:
        return 0.5 * x * (1 + tanh(sqrt(2 / 3.14159265358979) * (x + 0.044715 * x * x * x)));
    case TDNN_ACTIVATE_ELU: return x < 0 ? a * expm1(x) : x;
    case TDNN_ACTIVATE_SELU: return b * (x < 0 ? a * expm1(x) : x);
    case TDNN_ACTIVATE_SOFTPLUS: return softplus(x);
    case TDNN_ACTIVATE_KINDS: break;
    }
    return NAN;
}

static tdnn_act parameters(tdnn_act_kind kind)
{
    switch (kind) {
    case TDNN_ACTIVATE_CLIP: return (tdnn_act){kind, -0.5f, 0.75f};
    case TDNN_ACTIVATE_HARDSIGMOID: return (tdnn_act){kind, 0.2f, 0.5f};
    case TDNN_ACTIVATE_HARDSWISH: return (tdnn_act){kind, 1.0f / 6, 0.5f};
    case TDNN_ACTIVATE_SILU: return (tdnn_act){kind, 1, 0};
    case TDNN_ACTIVATE_SELU: return (tdnn_act){kind, 1.6732632f, 1.0507009f};
    default: return (tdnn_act){kind, 0.1f, 0};
    }
}

/* What the definitions give for infinities is not always a limit (0 * inf), and each variant may
 * choose; everything finite and NaN must agree. */
static void fill(tdnn_check *c, float *x, size_t n, check_fill_kind kind)
{
    check_fill_f32(c, x, n, kind);
    for (size_t i = 0; i < n; i++) {
        if (kind == CHECK_FILL_UNIT) x[i] *= 12;
        if (isinf(x[i])) x[i] = NAN;
    }
}

void check_activate(tdnn_check *c, tdnn_activate_fn *variant, tdnn_activate_fn *generic,
                    const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (tdnn_act_kind kind = 0; kind < TDNN_ACTIVATE_KINDS; kind++) {
        const tdnn_act act = parameters(kind);
        for (size_t n = 0; n < 60; n++) {
            const check_fill_kind how = (check_fill_kind)(n % CHECK_FILL_KINDS);
            float *x = check_input(c, n * sizeof(float));
            float *y = check_output(c, n * sizeof(float));
            float want[60];
            fill(c, x, n, how);
            for (size_t i = 0; i < n; i++) want[i] = (float)meaning(x[i], &act);
            variant(y, x, n, &act);
            bool ok = check_f32(c, y, want, n, 1, "kind %d, n %zu, values %d", kind, n, how);
            variant(x, x, n, &act);
            ok = ok && check_f32(c, x, want, n, 1, "kind %d, n %zu, in place", kind, n);
            check_reset(c);
            if (!ok) return;
        }
    }
}

void bench_activate(tdnn_bench *b, tdnn_activate_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    static const char *const names[] = {"none", "clip", "leaky", "sigmoid", "tanh", "silu",
                                        "hardsigmoid", "hardswish", "mish", "gelu", "gelu_tanh",
                                        "elu", "selu", "softplus"};
    const size_t n = 8192;
    const float *x = bench_floats(b, n);
    float *y = bench_floats(b, n);
    for (tdnn_act_kind kind = 0; kind < TDNN_ACTIVATE_KINDS; kind++) {
        const tdnn_act act = parameters(kind);
        while (bench_go(b, 0, 8.0 * (double)n, "%s", names[kind])) variant(y, x, n, &act);
    }
}
