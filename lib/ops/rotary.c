/* RotaryEmbedding: pairs of elements of a head turned by an angle that their place tells; and
 * SwiGLU. */
#include "lib/ops/elementwise.h"

#include <math.h>

enum { IN_X, IN_COS, IN_SIN, IN_PLACES };

typedef struct rotary_params {
    int64_t interleaved, num_heads, rotary_embedding_dim;
} rotary_params;

typedef struct rotary_data {
    size_t batch, heads, places, size; /* size: of a head */
    size_t half;                       /* pairs that turn */
    bool packed_heads;                 /* three dimensions: heads side by side */
    size_t table;                      /* rows of the tables of cosines and sines */
    size_t tasks;
} rotary_data;

static tdnn_status read_shapes(const rotary_params *p, const tdnn_shape *x, rotary_data *d,
                               tdnn_error *err)
{
    char text[TDNN_SHAPE_TEXT];
    if ((x->ndim != 4 && (x->ndim != 3 || p->num_heads < 1 || x->dim[2] % p->num_heads)))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "input of shape %s for %lld heads",
                         tdnn_shape_text(x, text), (long long)p->num_heads);
    d->packed_heads = x->ndim == 3;
    d->batch = (size_t)x->dim[0];
    d->heads = (size_t)(d->packed_heads ? p->num_heads : x->dim[1]);
    d->places = (size_t)(d->packed_heads ? x->dim[1] : x->dim[2]);
    d->size = d->packed_heads ? (size_t)x->dim[2] / d->heads : (size_t)x->dim[3];
    const size_t turning = p->rotary_embedding_dim ? (size_t)p->rotary_embedding_dim : d->size;
    if (p->rotary_embedding_dim < 0 || turning > d->size || turning % 2)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%zu turning elements in heads of %zu", turning,
                         d->size);
    d->half = turning / 2;
    return TDNN_OK;
}

static tdnn_status infer_rotary(tdnn_infer *ctx)
{
    rotary_data d = {0};
    char text[TDNN_SHAPE_TEXT];
    TDNN_TRY(read_shapes(ctx->params, &ctx->in[IN_X]->shape, &d, ctx->err));
    for (size_t i = 0; i < 3; i++)
        if (!tdnn_dtype_is_plain_float(ctx->in[i]->dtype))
            return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "element type %s",
                             tdnn_dtype_name(ctx->in[i]->dtype));
    const bool places = tdnn_infer_has(ctx, IN_PLACES);
    for (size_t i = IN_COS; i <= IN_SIN; i++) {
        const tdnn_shape *t = &ctx->in[i]->shape;
        const bool fits = places ? t->ndim == 2 && t->dim[0] == ctx->in[IN_COS]->shape.dim[0]
                                 : t->ndim == 3 && t->dim[0] == (int64_t)d.batch &&
                                       t->dim[1] == (int64_t)d.places;
        if (!fits || t->dim[t->ndim - 1] != (int64_t)d.half)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "table of shape %s for %zu pairs",
                             tdnn_shape_text(t, text), d.half);
    }
    if (places &&
        (ctx->in[IN_PLACES]->dtype != TDNN_I64 ||
         tdnn_shape_count(&ctx->in[IN_PLACES]->shape) != (int64_t)(d.batch * d.places)))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "position_ids of shape %s, expected %zu x %zu of i64",
                         tdnn_shape_text(&ctx->in[IN_PLACES]->shape, text), d.batch, d.places);
    return tdnn_infer_same(ctx);
}

/* One head of one place. */
static void turn(const rotary_params *p, const rotary_data *d, float *x, const float *cosine,
                 const float *sine)
{
    const size_t step = p->interleaved ? 2 : 1, other = p->interleaved ? 1 : d->half;
    for (size_t i = 0; i < d->half; i++) {
        float *a = x + i * step, *b = a + other;
        const float real = *a * cosine[i] - *b * sine[i];
        *b = *a * sine[i] + *b * cosine[i];
        *a = real;
    }
}

static void run_rotary(const tdnn_step *s, size_t task, size_t worker)
{
    const rotary_data *d = s->data;
    const tdnn_kernels *k = s->kernels;
    float *x = (float *)(void *)(s->scratch + worker * s->scratch_stride);
    float *cosine = x + d->size, *sine = cosine + d->half;
    size_t row, end;
    tdnn_task_range(d->batch * d->places, d->tasks, task, &row, &end);
    for (; row < end; row++) {
        size_t entry = row;
        if (s->input_count > IN_PLACES && s->in[IN_PLACES]) {
            const int64_t place = ((const int64_t *)s->in[IN_PLACES]->data)[row];
            entry = place < 0 ? 0 : (size_t)place < d->table ? (size_t)place : d->table - 1;
        }
        tdnn_get_f32(k, cosine, s->in[IN_COS], entry * d->half, d->half);
        tdnn_get_f32(k, sine, s->in[IN_SIN], entry * d->half, d->half);
        for (size_t h = 0; h < d->heads; h++) {
            const size_t line = d->packed_heads ? row * d->heads + h
                                                : (row / d->places * d->heads + h) * d->places +
                                                      row % d->places;
            tdnn_get_f32(k, x, s->in[IN_X], line * d->size, d->size);
            turn(s->params, d, x, cosine, sine);
            tdnn_put_f32(k, s->out[0], line * d->size, x, d->size);
        }
    }
}

static tdnn_status plan_rotary(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    rotary_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(read_shapes(s->params, &s->in[IN_X]->shape, d, ctx->err));
    const bool places = s->input_count > IN_PLACES && s->in[IN_PLACES];
    d->table = places ? (size_t)s->in[IN_COS]->shape.dim[0] : d->batch * d->places;
    if (tdnn_shape_count(&s->in[IN_X]->shape) == 0) return TDNN_OK;
    if (d->table == 0)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "empty tables of cosines and sines");
    tdnn_plan_scratch(ctx, (d->size + 2 * d->half) * sizeof(float));
    tdnn_plan_inplace(ctx, 0, IN_X);
    d->tasks = tdnn_plan_split(ctx, 8 * (double)tdnn_shape_count(&s->in[IN_X]->shape),
                               d->batch * d->places);
    tdnn_plan_phase(ctx, run_rotary, d->tasks);
    return TDNN_OK;
}

static const tdnn_attr rotary_attrs[] = {TDNN_INT(rotary_params, interleaved, 0),
                                         TDNN_INT(rotary_params, num_heads, 0),
                                         TDNN_INT(rotary_params, rotary_embedding_dim, 0),
                                         {0}};
const tdnn_op tdnn_op_RotaryEmbedding = {
    .schema = {TDNN_SCHEMA(RotaryEmbedding, 3, 4, 1, 1, rotary_attrs, rotary_params)},
    .infer = infer_rotary,
    .plan = plan_rotary,
};

/* ---- SwiGLU: swish(a) b ---- */

static void swiglu_f32(void *y_, const void *const *x, const size_t *step, size_t n,
                       const tdnn_formula_args *args)
{
    enum { PART = 256 };
    const tdnn_act act = {TDNN_ACTIVATE_SILU, ((const tdnn_alpha_params *)args->params)->alpha,
                          0};
    float gate[PART], *y = y_;
    const float *a = x[0], *b = x[1];
    for (size_t i = 0; i < n; i += PART) {
        const size_t m = n - i < PART ? n - i : PART;
        args->kernels->activate_f32(gate, a + i * step[0], step[0] ? m : 1, &act);
        args->kernels->mul_f32(y + i, gate, step[0], b + i * step[1], step[1], m);
    }
}

static void swiglu_f64(void *y_, const void *const *x, const size_t *step, size_t n,
                       const tdnn_formula_args *args)
{
    const double alpha = (double)((const tdnn_alpha_params *)args->params)->alpha;
    double *y = y_;
    const double *a = x[0], *b = x[1];
    for (size_t i = 0; i < n; i++) {
        const double v = a[i * step[0]];
        y[i] = v / (1 + exp(-alpha * v)) * b[i * step[1]];
    }
}

static tdnn_status plan_swiglu(tdnn_plan_ctx *ctx)
{
    static const tdnn_formulas formulas = {{[TDNN_F32] = swiglu_f32, [TDNN_F64] = swiglu_f64}};
    const tdnn_elementwise_spec spec = {.formulas = &formulas, .cost = 10};
    return tdnn_elementwise_plan(ctx, &spec);
}

static const tdnn_attr swiglu_attrs[] = {TDNN_FLOAT(tdnn_alpha_params, alpha, 1.0f), {0}};
const tdnn_op tdnn_op_SwiGLU = {
    .schema = {TDNN_SCHEMA(SwiGLU, 2, 2, 1, 1, swiglu_attrs, tdnn_alpha_params)},
    .infer = tdnn_infer_broadcast,
    .layout = tdnn_elementwise_layout,
    .plan = plan_swiglu,
};
