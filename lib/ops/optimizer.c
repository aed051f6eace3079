/* Adagrad, Adam, Momentum: one step of training (ONNX's preview.training domain). Several
 * tensors may be given at once: first all of them, then all gradients, then all states of each
 * kind.
 */
#include "lib/ops/convert.h"
#include "lib/ops/op.h"

#include <math.h>

typedef struct optimizer_params {
    int64_t mode; /* of Momentum: standard 0, nesterov 1 */
    float alpha, beta, epsilon, norm_coefficient, norm_coefficient_post, decay_factor;
} optimizer_params;

/* What a step knows beside the tensors. */
typedef struct rate {
    const optimizer_params *p;
    double r, t;
} rate;

/* From x, its gradient and its states, in place, for one element. */
typedef void step_fn(const rate *k, double *x, double g, double *state);

static void adagrad(const rate *k, double *x, double g, double *h)
{
    const double r = k->r / (1 + k->t * (double)k->p->decay_factor);
    g += (double)k->p->norm_coefficient * *x;
    *h += g * g;
    *x -= r * g / (sqrt(*h) + (double)k->p->epsilon);
}

static void adam(const rate *k, double *x, double g, double *state)
{
    const double alpha = (double)k->p->alpha, beta = (double)k->p->beta;
    const double r =
        k->t > 0 ? k->r * sqrt(1 - pow(beta, k->t)) / (1 - pow(alpha, k->t)) : k->r;
    g += (double)k->p->norm_coefficient * *x;
    state[0] = alpha * state[0] + (1 - alpha) * g;
    state[1] = beta * state[1] + (1 - beta) * g * g;
    *x -= r * state[0] / (sqrt(state[1]) + (double)k->p->epsilon);
    *x *= 1 - (double)k->p->norm_coefficient_post;
}

static void momentum(const rate *k, double *x, double g, double *v)
{
    const double alpha = (double)k->p->alpha;
    g += (double)k->p->norm_coefficient * *x;
    *v = alpha * *v + (k->t > 0 ? (double)k->p->beta : 1) * g;
    *x -= k->r * (k->p->mode ? g + alpha * *v : *v);
}

/* Inputs: rate, count, then 2 + states lists; outputs: 1 + states lists. */
static tdnn_status infer_lists(tdnn_infer *ctx, size_t states)
{
    const size_t count = (ctx->input_count - 2) / (2 + states);
    if (count == 0 || ctx->input_count != 2 + count * (2 + states) ||
        ctx->output_count != count * (1 + states))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "%zu inputs and %zu outputs",
                         ctx->input_count, ctx->output_count);
    for (size_t i = 0; i < 2; i++)
        if (tdnn_shape_count(&ctx->in[i]->shape) != 1)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is no single number", i);
    for (size_t i = 2; i < ctx->input_count; i++) {
        const tdnn_info *x = ctx->in[2 + (i - 2) % count];
        if (!ctx->in[i] || !tdnn_shape_equal(&ctx->in[i]->shape, &x->shape) ||
            ctx->in[i]->dtype != x->dtype || !tdnn_dtype_is_float(x->dtype))
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                             "input %zu is not like the tensor it belongs to", i);
    }
    for (size_t i = 0; i < ctx->output_count; i++)
        tdnn_infer_set(ctx, i, ctx->in[2 + i % count]->dtype, &ctx->in[2 + i % count]->shape);
    return TDNN_OK;
}

static double load(const tdnn_tensor *t, size_t i)
{
    double x;
    tdnn_load_f64(&x, (tdnn_run){t->data, t->dtype, i, 1}, 1);
    return x;
}

static void run_lists(const tdnn_step *step, size_t states, step_fn *fn)
{
    const size_t count = (step->input_count - 2) / (2 + states);
    const rate k = {step->params, tdnn_tensor_get_f64(step->in[0], 0),
                    tdnn_tensor_get_f64(step->in[1], 0)};
    for (size_t n = 0; n < count; n++) {
        const size_t size = (size_t)tdnn_shape_count(&step->in[2 + n]->shape);
        for (size_t i = 0; i < size; i++) {
            double value[3] = {load(step->in[2 + n], i)}; /* x, then its states */
            for (size_t s = 0; s < states; s++)
                value[1 + s] = load(step->in[2 + (2 + s) * count + n], i);
            fn(&k, value, load(step->in[2 + count + n], i), value + 1);
            for (size_t s = 0; s < 1 + states; s++) {
                const tdnn_tensor *out = step->out[s * count + n];
                if (out) tdnn_store_f64((tdnn_run){out->data, out->dtype, i, 1}, &value[s], 1);
            }
        }
    }
}

#define OPTIMIZER(Op, name, states, ...)                                                       \
    static tdnn_status name##_infer(tdnn_infer *ctx) { return infer_lists(ctx, states); }      \
    static void name##_run(const tdnn_step *step, size_t task, size_t worker)                  \
    {                                                                                          \
        (void)task, (void)worker;                                                              \
        run_lists(step, states, name);                                                         \
    }                                                                                          \
    static tdnn_status name##_plan(tdnn_plan_ctx *ctx)                                         \
    {                                                                                          \
        tdnn_plan_phase(ctx, name##_run, 1);                                                   \
        return TDNN_OK;                                                                        \
    }                                                                                          \
    static const tdnn_attr name##_attrs[] = {                                                  \
        TDNN_FLOAT(optimizer_params, norm_coefficient, 0), __VA_ARGS__, {0}};                  \
    const tdnn_op tdnn_op_##Op = {                                                             \
        .schema = {TDNN_SCHEMA(Op, 3, -1, 1, -1, name##_attrs, optimizer_params),              \
                   .domain = "ai.onnx.preview.training"},                                      \
        .infer = name##_infer,                                                                 \
        .plan = name##_plan,                                                                   \
    };

static const char *const momentum_modes[] = {"standard", "nesterov", NULL};

OPTIMIZER(Adagrad, adagrad, 1, TDNN_FLOAT(optimizer_params, decay_factor, 0),
          TDNN_FLOAT(optimizer_params, epsilon, 1e-6f))
OPTIMIZER(Adam, adam, 2, TDNN_FLOAT(optimizer_params, alpha, 0.9f),
          TDNN_FLOAT(optimizer_params, beta, 0.999f),
          TDNN_FLOAT(optimizer_params, epsilon, 1e-6f),
          TDNN_FLOAT(optimizer_params, norm_coefficient_post, 0))
OPTIMIZER(Momentum, momentum, 1, TDNN_FLOAT(optimizer_params, alpha, 0),
          TDNN_FLOAT(optimizer_params, beta, 0),
          TDNN_ENUM(optimizer_params, mode, momentum_modes, 0))
