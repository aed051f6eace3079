/* The generator, and the operators that draw from it: RandomNormal, RandomUniform, both also in
 * the shape of an input, Bernoulli, Multinomial.
 */
#include "lib/ops/random.h"
#include "lib/base/thread.h"
#include "lib/ops/convert.h"

#include <math.h>

/* ---- the generator ---- */

void tdnn_random_seed(tdnn_random *r, bool given, double seed)
{
    uint32_t s;
    if (given) {
        s = fabs(seed) < 0x1p63 ? (uint32_t)(int64_t)seed : 0;
    } else {
        const uint64_t now = tdnn_now_ns() * UINT64_C(0x9e3779b97f4a7c15);
        s = (uint32_t)(now >> 32);
    }
    for (uint32_t i = 0; i < 624; i++) {
        r->state[i] = s;
        s = 1812433253u * (s ^ s >> 30) + i + 1;
    }
    r->at = 624;
    r->has_spare = false;
}

static void twist(tdnn_random *r)
{
    for (size_t i = 0; i < 624; i++) {
        const uint32_t y =
            (r->state[i] & 0x80000000u) | (r->state[(i + 1) % 624] & 0x7fffffffu);
        r->state[i] = r->state[(i + 397) % 624] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    r->at = 0;
}

static uint32_t next_u32(tdnn_random *r)
{
    if (r->at == 624) twist(r);
    uint32_t y = r->state[r->at++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

double tdnn_random_uniform(tdnn_random *r)
{
    const uint32_t a = next_u32(r) >> 5, b = next_u32(r) >> 6;
    return ((double)a * 0x1p26 + (double)b) / 0x1p53;
}

/* G. Marsaglia's polar method. */
double tdnn_random_normal(tdnn_random *r)
{
    if (r->has_spare) {
        r->has_spare = false;
        return r->spare;
    }
    double x, y, square;
    do {
        x = 2 * tdnn_random_uniform(r) - 1;
        y = 2 * tdnn_random_uniform(r) - 1;
        square = x * x + y * y;
    } while (square >= 1 || square == 0);
    const double scale = sqrt(-2 * log(square) / square);
    r->spare = scale * x;
    r->has_spare = true;
    return scale * y;
}

/* ---- what the operators share ---- */

typedef struct random_params {
    int64_t dtype, sample_size;
    float mean, scale, low, high, seed, ratio;
    bool has_seed;
    tdnn_ints shape;
} random_params;

#define SEED_ATTR                                                                              \
    {                                                                                          \
        .name = "seed", .type = TDNN_ATTR_FLOAT, .offset = offsetof(random_params, seed),      \
        .given = offsetof(random_params, has_seed)                                             \
    }

typedef double draw_fn(tdnn_random *r, const random_params *p);

static double draw_normal(tdnn_random *r, const random_params *p)
{
    return (double)p->mean + (double)p->scale * tdnn_random_normal(r);
}

static double draw_uniform(tdnn_random *r, const random_params *p)
{
    return (double)p->low + ((double)p->high - (double)p->low) * tdnn_random_uniform(r);
}

static void draw(const tdnn_step *step, draw_fn *fn)
{
    enum { CHUNK = 256 };
    const tdnn_tensor *out = step->out[0];
    const random_params *p = step->params;
    const size_t count = (size_t)tdnn_shape_count(&out->shape);
    tdnn_random *r = (tdnn_random *)(void *)step->shared;
    double x[CHUNK];
    tdnn_random_seed(r, p->has_seed, (double)p->seed);
    for (size_t i = 0; i < count; i += CHUNK) {
        const size_t n = count - i < CHUNK ? count - i : CHUNK;
        for (size_t k = 0; k < n; k++) x[k] = fn(r, p);
        tdnn_store_f64((tdnn_run){out->data, out->dtype, i, 1}, x, n);
    }
}

static void normal_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    draw(step, draw_normal);
}

static void uniform_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    draw(step, draw_uniform);
}

/* The generator's state goes from draw to draw, so there is one task. */
static tdnn_status plan_draw(tdnn_plan_ctx *ctx, tdnn_run_fn run)
{
    ctx->step->kernel = "random";
    tdnn_plan_shared(ctx, sizeof(tdnn_random));
    tdnn_plan_phase(ctx, run, 1);
    return TDNN_OK;
}

static tdnn_status normal_plan(tdnn_plan_ctx *ctx) { return plan_draw(ctx, normal_run); }
static tdnn_status uniform_plan(tdnn_plan_ctx *ctx) { return plan_draw(ctx, uniform_run); }

static tdnn_status set_random(tdnn_infer *ctx, int64_t dtype, const tdnn_shape *shape)
{
    if (dtype <= TDNN_NONE || dtype >= TDNN_DTYPE_COUNT ||
        !tdnn_dtype_is_real((tdnn_dtype)dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "random numbers of type %lld",
                         (long long)dtype);
    tdnn_infer_set(ctx, 0, (tdnn_dtype)dtype, shape);
    return TDNN_OK;
}

static tdnn_status shaped_infer(tdnn_infer *ctx)
{
    const random_params *p = ctx->params;
    if (p->shape.count > TDNN_MAX_DIMS)
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "%zu dimensions, the limit is %d",
                         p->shape.count, TDNN_MAX_DIMS);
    const tdnn_shape shape = tdnn_shape_make((int)p->shape.count, p->shape.at);
    return set_random(ctx, p->dtype, &shape);
}

static tdnn_status like_infer(tdnn_infer *ctx)
{
    const random_params *p = ctx->params;
    return set_random(ctx, p->dtype ? p->dtype : (int64_t)ctx->in[0]->dtype,
                      &ctx->in[0]->shape);
}

/* ---- RandomNormal, RandomUniform, ...Like ---- */

#define SHAPE_ATTR                                                                             \
    {                                                                                          \
        .name = "shape", .type = TDNN_ATTR_INTS, .required = true,                             \
        .offset = offsetof(random_params, shape)                                               \
    }

static const tdnn_attr normal_attrs[] = {
    TDNN_INT(random_params, dtype, TDNN_F32),
    TDNN_FLOAT(random_params, mean, 0),
    TDNN_FLOAT(random_params, scale, 1),
    SEED_ATTR,
    SHAPE_ATTR,
    {0},
};

const tdnn_op tdnn_op_RandomNormal = {
    .schema = {TDNN_SCHEMA(RandomNormal, 0, 0, 1, 1, normal_attrs, random_params)},
    .flags = TDNN_OP_RANDOM,
    .infer = shaped_infer,
    .plan = normal_plan,
};

static const tdnn_attr uniform_attrs[] = {
    TDNN_INT(random_params, dtype, TDNN_F32),
    TDNN_FLOAT(random_params, low, 0),
    TDNN_FLOAT(random_params, high, 1),
    SEED_ATTR,
    SHAPE_ATTR,
    {0},
};

const tdnn_op tdnn_op_RandomUniform = {
    .schema = {TDNN_SCHEMA(RandomUniform, 0, 0, 1, 1, uniform_attrs, random_params)},
    .flags = TDNN_OP_RANDOM,
    .infer = shaped_infer,
    .plan = uniform_plan,
};

static const tdnn_attr normal_like_attrs[] = {
    TDNN_INT(random_params, dtype, 0),
    TDNN_FLOAT(random_params, mean, 0),
    TDNN_FLOAT(random_params, scale, 1),
    SEED_ATTR,
    {0},
};

const tdnn_op tdnn_op_RandomNormalLike = {
    .schema = {TDNN_SCHEMA(RandomNormalLike, 1, 1, 1, 1, normal_like_attrs, random_params)},
    .flags = TDNN_OP_RANDOM,
    .infer = like_infer,
    .plan = normal_plan,
};

static const tdnn_attr uniform_like_attrs[] = {
    TDNN_INT(random_params, dtype, 0),
    TDNN_FLOAT(random_params, low, 0),
    TDNN_FLOAT(random_params, high, 1),
    SEED_ATTR,
    {0},
};

const tdnn_op tdnn_op_RandomUniformLike = {
    .schema = {TDNN_SCHEMA(RandomUniformLike, 1, 1, 1, 1, uniform_like_attrs, random_params)},
    .flags = TDNN_OP_RANDOM,
    .infer = like_infer,
    .plan = uniform_plan,
};

/* ---- Bernoulli ---- */

static void bernoulli_run(const tdnn_step *step, size_t task, size_t worker)
{
    enum { CHUNK = 256 };
    (void)task, (void)worker;
    double x[CHUNK];
    const random_params *p = step->params;
    const tdnn_tensor *in = step->in[0], *out = step->out[0];
    const size_t count = (size_t)tdnn_shape_count(&out->shape);
    tdnn_random *r = (tdnn_random *)(void *)step->shared;
    tdnn_random_seed(r, p->has_seed, (double)p->seed);
    for (size_t i = 0; i < count; i += CHUNK) {
        const size_t n = count - i < CHUNK ? count - i : CHUNK;
        tdnn_load_f64(x, (tdnn_run){in->data, in->dtype, i, 1}, n);
        for (size_t k = 0; k < n; k++) x[k] = tdnn_random_uniform(r) < x[k];
        tdnn_store_f64((tdnn_run){out->data, out->dtype, i, 1}, x, n);
    }
}

static tdnn_status bernoulli_plan(tdnn_plan_ctx *ctx) { return plan_draw(ctx, bernoulli_run); }

static const tdnn_attr bernoulli_attrs[] = {TDNN_INT(random_params, dtype, 0), SEED_ATTR, {0}};

const tdnn_op tdnn_op_Bernoulli = {
    .schema = {TDNN_SCHEMA(Bernoulli, 1, 1, 1, 1, bernoulli_attrs, random_params)},
    .flags = TDNN_OP_RANDOM,
    .infer = like_infer,
    .plan = bernoulli_plan,
};

/* ---- Multinomial ---- */

static tdnn_status multinomial_infer(tdnn_infer *ctx)
{
    const random_params *p = ctx->params;
    const tdnn_shape *in = &ctx->in[0]->shape;
    if (in->ndim != 2 || in->dim[1] < 1 || p->sample_size < 0 ||
        !tdnn_dtype_is_float(ctx->in[0]->dtype))
        return TDNN_FAIL(
            ctx->err, TDNN_ERR_SHAPE, "%lld samples from %s with %d dimensions, expected 2",
            (long long)p->sample_size, tdnn_dtype_name(ctx->in[0]->dtype), in->ndim);
    if (p->dtype != TDNN_I32 && p->dtype != TDNN_I64)
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "samples of type %lld",
                         (long long)p->dtype);
    const tdnn_shape out = {2, {in->dim[0], p->sample_size}};
    tdnn_infer_set(ctx, 0, (tdnn_dtype)p->dtype, &out);
    return TDNN_OK;
}

/* Running sums of e^logit. */
static void sum_classes(tdnn_run logits, size_t classes, double *sums)
{
    double most = -INFINITY, sum = 0;
    tdnn_load_f64(sums, logits, classes);
    for (size_t c = 0; c < classes; c++) most = sums[c] > most ? sums[c] : most;
    for (size_t c = 0; c < classes; c++) {
        sum += exp(sums[c] - most);
        sums[c] = sum;
    }
}

/* The first class whose sum is above `share`; the last if none is. */
static size_t pick_class(const double *sums, size_t classes, double share)
{
    size_t low = 0, high = classes - 1;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (sums[middle] > share)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void multinomial_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const random_params *p = step->params;
    const tdnn_tensor *in = step->in[0], *out = step->out[0];
    const size_t classes = (size_t)in->shape.dim[1], samples = (size_t)out->shape.dim[1];
    const size_t count = (size_t)out->shape.dim[0] * samples;
    tdnn_random *r = (tdnn_random *)(void *)step->shared;
    double *sums = (double *)(void *)(step->shared + tdnn_round_up(sizeof *r, TDNN_ALIGN));
    tdnn_random_seed(r, p->has_seed, (double)p->seed);
    for (size_t i = 0; i < count; i++) {
        if (i % samples == 0)
            sum_classes((tdnn_run){in->data, in->dtype, i / samples * classes, 1}, classes, sums);
        const int64_t c = (int64_t)pick_class(
            sums, classes, tdnn_random_uniform(r) * sums[classes - 1]);
        tdnn_store_i64((tdnn_run){out->data, out->dtype, i, 1}, &c, 1);
    }
}

static tdnn_status multinomial_plan(tdnn_plan_ctx *ctx)
{
    const size_t classes = (size_t)ctx->step->in[0]->shape.dim[1];
    tdnn_plan_shared(ctx, tdnn_round_up(sizeof(tdnn_random), TDNN_ALIGN) +
                              classes * sizeof(double));
    return plan_draw(ctx, multinomial_run);
}

static const tdnn_attr multinomial_attrs[] = {
    TDNN_INT(random_params, dtype, TDNN_I32),
    TDNN_INT(random_params, sample_size, 1),
    SEED_ATTR,
    {0},
};

const tdnn_op tdnn_op_Multinomial = {
    .schema = {TDNN_SCHEMA(Multinomial, 1, 1, 1, 1, multinomial_attrs, random_params)},
    .flags = TDNN_OP_RANDOM,
    .infer = multinomial_infer,
    .plan = multinomial_plan,
};
