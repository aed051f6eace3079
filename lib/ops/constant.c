/* Tensors made from next to nothing: ConstantOfShape, Range, EyeLike. */
#include "lib/ops/convert.h"
#include "lib/ops/move.h"

#include <math.h>
#include <string.h>

/* ---- ConstantOfShape ---- */

typedef struct constant_params {
    tdnn_tensor *value; /* one element; NULL: 0 as f32 */
} constant_params;

static tdnn_status constant_infer(tdnn_infer *ctx)
{
    const constant_params *p = ctx->params;
    tdnn_shape shape = {0};
    tdnn_few wanted;
    TDNN_TRY(tdnn_infer_few(ctx, 0, &wanted));
    if (wanted.count > TDNN_MAX_DIMS)
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "%zu dimensions, the limit is %d",
                         wanted.count, TDNN_MAX_DIMS);
    if (p->value && (tdnn_shape_count(&p->value->shape) != 1 || p->value->dtype == TDNN_STRING))
        return TDNN_FAIL(
            ctx->err, TDNN_ERR_SHAPE, "the value is %lld elements of %s, expected one number",
            (long long)tdnn_shape_count(&p->value->shape), tdnn_dtype_name(p->value->dtype));
    shape.ndim = (int)wanted.count;
    memcpy(shape.dim, wanted.at, sizeof shape.dim);
    tdnn_infer_set(ctx, 0, p->value ? p->value->dtype : TDNN_F32, &shape);
    return TDNN_OK;
}

typedef struct fill_plan {
    size_t size, tasks;
    unsigned char element[16];
} fill_plan;

static void fill_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const fill_plan *p = step->data;
    size_t begin, end;
    tdnn_task_range(step->out[0]->bytes / p->size, p->tasks, task, &begin, &end);
    const tdnn_copy fill = {p->size, 1, {end - begin}, {(ptrdiff_t)p->size}, {0}};
    step->kernels->copy((char *)step->out[0]->data + begin * p->size, p->element, &fill);
}

/* Elements smaller than a byte: as many as a byte holds. */
static void repeat_in_byte(unsigned char *byte, unsigned bits)
{
    unsigned one = *byte & ((1u << bits) - 1), all = 0;
    for (unsigned shift = 0; shift < 8; shift += bits) all |= one << shift;
    *byte = (unsigned char)all;
}

static tdnn_status constant_plan(tdnn_plan_ctx *ctx)
{
    const constant_params *params = ctx->step->params;
    fill_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    const int bits = tdnn_dtype_bits(ctx->step->out[0]->dtype);
    p->size = bits < 8 ? 1 : (size_t)bits / 8;
    if (params->value) memcpy(p->element, params->value->data, p->size);
    if (bits < 8) repeat_in_byte(p->element, (unsigned)bits);
    if (ctx->step->out[0]->bytes == 0) return TDNN_OK;
    p->tasks = tdnn_plan_split(ctx, (double)ctx->step->out[0]->bytes / 4, SIZE_MAX);
    ctx->step->kernel = "fill";
    tdnn_plan_phase(ctx, fill_run, p->tasks);
    return TDNN_OK;
}

static const tdnn_attr constant_attrs[] = {TDNN_TENSOR(constant_params, value), {0}};

const tdnn_op tdnn_op_ConstantOfShape = {
    .schema = {TDNN_SCHEMA(ConstantOfShape, 1, 1, 1, 1, constant_attrs, constant_params)},
    .flags = TDNN_OP_NO_FOLD,
    .infer = constant_infer,
    .plan = constant_plan,
};

/* ---- Range ---- */

static tdnn_status range_count(tdnn_infer *ctx, const tdnn_tensor *const in[3], int64_t *count)
{
    const bool whole = tdnn_dtype_is_int(in[0]->dtype);
    if (whole) {
        const int64_t start = tdnn_tensor_get_i64(in[0], 0),
                      limit = tdnn_tensor_get_i64(in[1], 0);
        const int64_t delta = tdnn_tensor_get_i64(in[2], 0);
        if (delta == 0) return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "a range with steps of 0");
        /* Distances as unsigned numbers: they may be larger than any signed one. */
        const uint64_t way =
            delta > 0 ? (uint64_t)limit - (uint64_t)start : (uint64_t)start - (uint64_t)limit;
        const uint64_t step = delta > 0 ? (uint64_t)delta : -(uint64_t)delta;
        const bool empty = delta > 0 ? limit <= start : limit >= start;
        const uint64_t n = empty ? 0 : (way - 1) / step + 1;
        *count = n > INT64_MAX ? INT64_MAX : (int64_t)n;
    } else {
        const double start = tdnn_tensor_get_f64(in[0], 0),
                     limit = tdnn_tensor_get_f64(in[1], 0);
        const double n = ceil((limit - start) / tdnn_tensor_get_f64(in[2], 0));
        if (!(n < 0x1p48))
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "a range of %g elements", n);
        *count = n > 0 ? (int64_t)n : 0;
    }
    return TDNN_OK;
}

static tdnn_status range_infer(tdnn_infer *ctx)
{
    const tdnn_tensor *in[3];
    tdnn_shape shape = {.ndim = 1};
    for (size_t i = 0; i < 3; i++) {
        const tdnn_dtype type = ctx->in[i]->dtype;
        const bool fits =
            tdnn_dtype_is_real(type) && type != TDNN_BOOL && tdnn_dtype_bits(type) >= 8;
        if (!fits || type != ctx->in[0]->dtype || tdnn_shape_count(&ctx->in[i]->shape) != 1)
            return TDNN_FAIL(
                ctx->err, TDNN_ERR_SHAPE,
                "input %zu is %lld elements of %s, expected one number, of one type for all", i,
                (long long)tdnn_shape_count(&ctx->in[i]->shape), tdnn_dtype_name(type));
        TDNN_TRY(tdnn_infer_contents(ctx, i, &in[i]));
    }
    TDNN_TRY(range_count(ctx, in, &shape.dim[0]));
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &shape);
    return TDNN_OK;
}

/* Each element from the first, so that errors do not add up. */
static void range_run(const tdnn_step *step, size_t task, size_t worker)
{
    enum { CHUNK = 256 };
    (void)task, (void)worker;
    const tdnn_tensor *out = step->out[0];
    const size_t count = (size_t)out->shape.dim[0];
    for (size_t first = 0; first < count; first += CHUNK) {
        const size_t n = count - first < CHUNK ? count - first : CHUNK;
        const tdnn_run to = {out->data, out->dtype, first, 1};
        if (tdnn_dtype_is_integral(out->dtype)) {
            const uint64_t start = (uint64_t)tdnn_tensor_get_i64(step->in[0], 0);
            const uint64_t delta = (uint64_t)tdnn_tensor_get_i64(step->in[2], 0);
            int64_t x[CHUNK];
            for (size_t i = 0; i < n; i++) x[i] = (int64_t)(start + (first + i) * delta);
            tdnn_store_i64(to, x, n);
        } else {
            const double start = tdnn_tensor_get_f64(step->in[0], 0);
            const double delta = tdnn_tensor_get_f64(step->in[2], 0);
            double x[CHUNK];
            for (size_t i = 0; i < n; i++) x[i] = start + (double)(first + i) * delta;
            tdnn_store_f64(to, x, n);
        }
    }
}

static tdnn_status range_plan(tdnn_plan_ctx *ctx)
{
    ctx->step->kernel = "range";
    tdnn_plan_phase(ctx, range_run, 1);
    return TDNN_OK;
}

const tdnn_op tdnn_op_Range = {
    .schema = {TDNN_SCHEMA_PLAIN(Range, 3, 3, 1, 1)},
    .flags = TDNN_OP_NO_FOLD,
    .infer = range_infer,
    .plan = range_plan,
};

/* ---- EyeLike ---- */

typedef struct eye_params {
    int64_t dtype, k; /* dtype 0: as the input's */
} eye_params;

static tdnn_status eye_infer(tdnn_infer *ctx)
{
    const eye_params *p = ctx->params;
    const tdnn_dtype type = p->dtype ? (tdnn_dtype)p->dtype : ctx->in[0]->dtype;
    if (ctx->in[0]->shape.ndim != 2)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "a tensor with %d dimensions, expected 2",
                         ctx->in[0]->shape.ndim);
    if (p->dtype < 0 || p->dtype >= TDNN_DTYPE_COUNT || tdnn_dtype_bits(type) < 8)
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "dtype %lld", (long long)p->dtype);
    tdnn_infer_set(ctx, 0, type, &ctx->in[0]->shape);
    return TDNN_OK;
}

/* The number 1 as the type has it; the number 0 is all zeros in every type. */
static void one_of(tdnn_dtype type, unsigned char out[16])
{
    const float f32 = 1;
    const double f64 = 1;
    const uint16_t f16 = 0x3c00, bf16 = 0x3f80;
    const uint64_t integer = 1;
    memset(out, 0, 16);
    switch (type) {
    case TDNN_F32:
    case TDNN_C64: memcpy(out, &f32, sizeof f32); break;
    case TDNN_F64:
    case TDNN_C128: memcpy(out, &f64, sizeof f64); break;
    case TDNN_F16: memcpy(out, &f16, sizeof f16); break;
    case TDNN_BF16: memcpy(out, &bf16, sizeof bf16); break;
    case TDNN_F8E4M3FN: out[0] = 0x38; break;
    case TDNN_F8E4M3FNUZ: out[0] = 0x40; break;
    case TDNN_F8E5M2: out[0] = 0x3c; break;
    case TDNN_F8E5M2FNUZ: out[0] = 0x40; break;
    default: memcpy(out, &integer, sizeof integer); break; /* the lowest byte comes first */
    }
}

static void eye_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const eye_params *p = step->params;
    const tdnn_tensor *out = step->out[0];
    const int64_t rows = out->shape.dim[0], columns = out->shape.dim[1];
    const size_t size = (size_t)tdnn_dtype_bits(out->dtype) / 8;
    unsigned char one[16];
    one_of(out->dtype, one);
    memset(out->data, 0, out->bytes);
    for (int64_t r = 0; r < rows; r++) {
        int64_t c;
        if (__builtin_add_overflow(r, p->k, &c) || c < 0 || c >= columns) continue;
        memcpy((char *)out->data + (size_t)(r * columns + c) * size, one, size);
    }
}

static tdnn_status eye_plan(tdnn_plan_ctx *ctx)
{
    ctx->step->kernel = "eye";
    tdnn_plan_phase(ctx, eye_run, 1);
    return TDNN_OK;
}

static const tdnn_attr eye_attrs[] = {
    TDNN_INT(eye_params, dtype, 0),
    TDNN_INT(eye_params, k, 0),
    {0},
};

const tdnn_op tdnn_op_EyeLike = {
    .schema = {TDNN_SCHEMA(EyeLike, 1, 1, 1, 1, eye_attrs, eye_params)},
    .infer = eye_infer,
    .plan = eye_plan,
};
