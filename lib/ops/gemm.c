/* Gemm and MatMul: shapes, and what product they ask for. */
#include "lib/ops/product.h"

/* ---- Gemm ---- */

static const tdnn_attr gemm_attrs[] = {
    TDNN_FLOAT(tdnn_gemm_params, alpha, 1),
    TDNN_FLOAT(tdnn_gemm_params, beta, 1),
    TDNN_INT(tdnn_gemm_params, transA, 0),
    TDNN_INT(tdnn_gemm_params, transB, 0),
    {.name = "broadcast", .type = TDNN_ATTR_IGNORED}, /* to opset 6 */
    {0}};

static tdnn_status same_types(tdnn_infer *ctx)
{
    for (size_t i = 1; i < ctx->input_count; i++)
        if (ctx->in[i] && ctx->in[i]->dtype != ctx->in[0]->dtype)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is %s, input 0 is %s", i,
                             tdnn_dtype_name(ctx->in[i]->dtype),
                             tdnn_dtype_name(ctx->in[0]->dtype));
    return TDNN_OK;
}

/* Size `i` of a matrix that may be stored transposed. */
static int64_t matrix_dim(const tdnn_shape *s, bool transposed, int i)
{
    return s->dim[transposed ? 1 - i : i];
}

static tdnn_status gemm_infer(tdnn_infer *ctx)
{
    const tdnn_gemm_params *p = ctx->params;
    const tdnn_shape *a = &ctx->in[0]->shape, *b = &ctx->in[1]->shape;
    char ta[TDNN_SHAPE_TEXT], tb[TDNN_SHAPE_TEXT];
    TDNN_TRY(same_types(ctx));
    if (a->ndim != 2 || b->ndim != 2 ||
        matrix_dim(a, p->transA, 1) != matrix_dim(b, p->transB, 0))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "%s%s times %s%s, expected two matrices that fit",
                         tdnn_shape_text(a, ta), p->transA ? " transposed" : "",
                         tdnn_shape_text(b, tb), p->transB ? " transposed" : "");
    const tdnn_shape y = {2, {matrix_dim(a, p->transA, 0), matrix_dim(b, p->transB, 1)}};
    if (tdnn_infer_has(ctx, 2)) {
        tdnn_shape all;
        const tdnn_shape *d = &ctx->in[2]->shape;
        if (tdnn_broadcast_shapes(d, &y, &all, NULL) || !tdnn_shape_equal(&all, &y))
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "C of shape %s does not broadcast to %s",
                             tdnn_shape_text(d, ta), tdnn_shape_text(&y, tb));
    }
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &y);
    return TDNN_OK;
}

static tdnn_status gemm_plan(tdnn_plan_ctx *ctx)
{
    const tdnn_gemm_params *p = ctx->step->params;
    const tdnn_shape *a = &ctx->step->in[0]->shape, *b = &ctx->step->in[1]->shape;
    tdnn_product g = {.m = (size_t)matrix_dim(a, p->transA, 0),
                      .n = (size_t)matrix_dim(b, p->transB, 1),
                      .k = (size_t)matrix_dim(a, p->transA, 1),
                      .batch = 1,
                      .a_matrices = 1,
                      .b_matrices = 1,
                      .alpha = p->alpha,
                      .beta = p->beta,
                      .act = tdnn_act_make(&p->activation)};
    g.a_row = p->transA ? 1 : g.k, g.a_column = p->transA ? g.m : 1;
    g.b_row = p->transB ? 1 : g.n, g.b_column = p->transB ? g.k : 1;
    if (ctx->step->input_count > 2 && ctx->step->in[2]) {
        const tdnn_shape *d = &ctx->step->in[2]->shape;
        const int64_t columns = d->ndim ? d->dim[d->ndim - 1] : 1,
                      rows = d->ndim > 1 ? d->dim[d->ndim - 2] : 1;
        g.has_d = true;
        g.d_column = columns > 1;
        g.d_row = rows > 1 ? (size_t)columns : 0;
    }
    return tdnn_product_plan(ctx, &g);
}

const tdnn_op tdnn_op_Gemm = {
    .schema = {TDNN_SCHEMA(Gemm, 2, 3, 1, 1, gemm_attrs, tdnn_gemm_params)},
    .later = 1u << 0 | 1u << 1,
    .infer = gemm_infer,
    .plan = gemm_plan,
};

/* ---- MatMul ---- */

/* Vectors as matrices: a row on the left, a column on the right. */
static tdnn_shape as_matrix(const tdnn_shape *s, bool left)
{
    if (s->ndim > 1) return *s;
    return left ? (tdnn_shape){2, {1, s->dim[0]}} : (tdnn_shape){2, {s->dim[0], 1}};
}

/* The dimensions before the last two. */
static tdnn_shape batch_of(const tdnn_shape *s)
{
    tdnn_shape b = *s;
    b.ndim -= 2;
    return b;
}

static tdnn_status matmul_infer(tdnn_infer *ctx)
{
    const tdnn_shape *left = &ctx->in[0]->shape, *right = &ctx->in[1]->shape;
    char ta[TDNN_SHAPE_TEXT], tb[TDNN_SHAPE_TEXT];
    TDNN_TRY(same_types(ctx));
    if (left->ndim == 0 || right->ndim == 0)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "product with a scalar, expected matrices");
    const tdnn_shape a = as_matrix(left, true), b = as_matrix(right, false);
    const tdnn_shape a_batch = batch_of(&a), b_batch = batch_of(&b);
    if (a.dim[a.ndim - 1] != b.dim[b.ndim - 2])
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "%s times %s: %lld columns against %lld rows",
                         tdnn_shape_text(left, ta), tdnn_shape_text(right, tb),
                         (long long)a.dim[a.ndim - 1], (long long)b.dim[b.ndim - 2]);
    tdnn_shape y;
    TDNN_TRY(tdnn_broadcast_shapes(&a_batch, &b_batch, &y, ctx->err));
    if (left->ndim > 1) y.dim[y.ndim++] = a.dim[a.ndim - 2];
    if (right->ndim > 1) y.dim[y.ndim++] = b.dim[b.ndim - 1];
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &y);
    return TDNN_OK;
}

/* For each product of the batch, which matrix of one side it takes. */
static uint32_t *matrix_index(tdnn_plan_ctx *ctx, const tdnn_shape *batch, const tdnn_shape *side,
                              size_t count)
{
    uint32_t *index = tdnn_plan_alloc(ctx, count, sizeof *index);
    for (size_t i = 0; index && i < count; i++) {
        size_t rest = i, stride = 1, at = 0;
        for (int d = batch->ndim - 1; d >= 0; d--) {
            const int own = d - (batch->ndim - side->ndim);
            const size_t digit = rest % (size_t)batch->dim[d];
            rest /= (size_t)batch->dim[d];
            if (own < 0) continue;
            if (side->dim[own] > 1) at += digit * stride;
            stride *= (size_t)side->dim[own];
        }
        index[i] = (uint32_t)at;
    }
    return index;
}

static tdnn_status plan_matmul(tdnn_plan_ctx *ctx, const tdnn_matmul_add_params *more)
{
    const tdnn_shape a = as_matrix(&ctx->step->in[0]->shape, true);
    const tdnn_shape b = as_matrix(&ctx->step->in[1]->shape, false);
    const tdnn_shape a_batch = batch_of(&a), b_batch = batch_of(&b);
    tdnn_shape batch;
    TDNN_TRY(tdnn_broadcast_shapes(&a_batch, &b_batch, &batch, ctx->err));
    tdnn_product g = {.m = (size_t)a.dim[a.ndim - 2], .n = (size_t)b.dim[b.ndim - 1],
                      .k = (size_t)a.dim[a.ndim - 1], .batch = (size_t)tdnn_shape_count(&batch),
                      .a_matrices = (size_t)tdnn_shape_count(&a_batch),
                      .b_matrices = (size_t)tdnn_shape_count(&b_batch), .alpha = 1};
    g.a_row = g.k, g.a_column = 1, g.b_row = g.n, g.b_column = 1;
    if (g.b_matrices == 1 && g.batch == g.a_matrices) { /* one tall matrix on the left */
        g.m *= g.batch;
        g.batch = g.a_matrices = 1;
    }
    if (more) {
        g.has_d = ctx->step->in[2], g.beta = 1, g.d_column = 1;
        g.has_r = ctx->step->in[3];
        g.act = tdnn_act_make(&more->activation);
    }
    if (g.batch > UINT32_MAX)
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "%zu matrix products", g.batch);
    if (g.batch > 1) {
        g.a_index = matrix_index(ctx, &batch, &a_batch, g.batch);
        g.b_index = matrix_index(ctx, &batch, &b_batch, g.batch);
        if (!g.a_index || !g.b_index) return TDNN_NO_MEMORY(ctx->err);
    }
    return tdnn_product_plan(ctx, &g);
}

static tdnn_status matmul_plan(tdnn_plan_ctx *ctx) { return plan_matmul(ctx, NULL); }
static tdnn_status matmul_add_plan(tdnn_plan_ctx *ctx)
{
    return plan_matmul(ctx, ctx->step->params);
}

const tdnn_op tdnn_op_MatMul = {
    .schema = {TDNN_SCHEMA_PLAIN(MatMul, 2, 2, 1, 1)},
    .later = 1u << 0 | 1u << 1,
    .infer = matmul_infer,
    .plan = matmul_plan,
};

/* Made by the planner from a MatMul and what follows it. */
const tdnn_op tdnn_op_MatMulAdd = {
    .schema = {TDNN_SCHEMA(MatMulAdd, 2, 4, 1, 1, NULL, tdnn_matmul_add_params),
               .domain = "tinydnn"},
    .later = 1u << 0 | 1u << 1,
    .infer = matmul_infer,
    .plan = matmul_add_plan,
};
