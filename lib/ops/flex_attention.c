/* FlexAttention: attention with subgraphs of the model's own on the scores and on the
 * probabilities. */
#include "lib/ops/convert.h"
#include "lib/ops/op.h"

#include <math.h>

enum { IN_Q, IN_K, IN_V };

typedef struct flex_params {
    int64_t score_mod, prob_mod, softmax_precision;
    float scale;
    bool has_scale;
} flex_params;

typedef struct flex {
    const tdnn_tensor *q, *k, *v;
    size_t batch, heads, kv_heads, queries, keys, key, value;
} flex;

static tdnn_status read_shapes(const tdnn_exec *ctx, flex *f)
{
    const tdnn_tensor *const in[] = {ctx->in[IN_Q], ctx->in[IN_K], ctx->in[IN_V]};
    for (size_t i = 0; i < 3; i++)
        if (!in[i] || in[i]->kind != TDNN_KIND_TENSOR || in[i]->shape.ndim != 4 ||
            !tdnn_dtype_is_plain_float(in[i]->dtype))
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                             "input %zu is no tensor of floats of four dimensions", i);
    const int64_t *q = in[0]->shape.dim, *k = in[1]->shape.dim, *v = in[2]->shape.dim;
    if (q[0] != k[0] || q[0] != v[0] || k[1] != v[1] || k[1] < 1 || q[1] % k[1] ||
        q[3] != k[3] || k[2] != v[2])
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "Q, K and V do not fit");
    *f = (flex){in[0],        in[1],        in[2],        (size_t)q[0], (size_t)q[1],
                (size_t)k[1], (size_t)q[2], (size_t)k[2], (size_t)q[3], (size_t)v[3]};
    return TDNN_OK;
}

/* scores = scale Q K'. One head of keys at a time is widened to `room`. */
static void make_scores(const flex *f, double scale, double *room, tdnn_tensor *scores)
{
    double *keys = room, *query = keys + f->keys * f->key, *row = query + f->key;
    for (size_t head = 0; head < f->batch * f->heads; head++) {
        const size_t kv =
            head / f->heads * f->kv_heads + head % f->heads / (f->heads / f->kv_heads);
        tdnn_load_f64(keys, tdnn_run_of(f->k->data, f->k->dtype, kv * f->keys * f->key, 1),
                      f->keys * f->key);
        for (size_t i = 0; i < f->queries; i++) {
            const size_t at = head * f->queries + i;
            tdnn_load_f64(query, tdnn_run_of(f->q->data, f->q->dtype, at * f->key, 1), f->key);
            for (size_t j = 0; j < f->keys; j++) {
                row[j] = 0;
                for (size_t c = 0; c < f->key; c++) row[j] += query[c] * keys[j * f->key + c];
                row[j] *= scale;
            }
            tdnn_store_f64((tdnn_run){scores->data, scores->dtype, at * f->keys, 1}, row,
                           f->keys);
        }
    }
}

/* y = probabilities V */
static void mix_values(const flex *f, double *room, const tdnn_tensor *probabilities,
                       tdnn_tensor *y)
{
    double *values = room, *p = values + f->keys * f->value, *row = p + f->keys;
    for (size_t head = 0; head < f->batch * f->heads; head++) {
        const size_t kv =
            head / f->heads * f->kv_heads + head % f->heads / (f->heads / f->kv_heads);
        tdnn_load_f64(values, tdnn_run_of(f->v->data, f->v->dtype, kv * f->keys * f->value, 1),
                      f->keys * f->value);
        for (size_t i = 0; i < f->queries; i++) {
            const size_t at = head * f->queries + i;
            tdnn_load_f64(
                p, tdnn_run_of(probabilities->data, probabilities->dtype, at * f->keys, 1),
                f->keys);
            memset(row, 0, f->value * sizeof *row);
            for (size_t j = 0; j < f->keys; j++)
                for (size_t c = 0; c < f->value; c++) row[c] += p[j] * values[j * f->value + c];
            tdnn_store_f64((tdnn_run){y->data, y->dtype, at * f->value, 1}, row, f->value);
        }
    }
}

/* Replaces *tensor by what the subgraph makes of it, which must look the same. */
static tdnn_status modify(tdnn_exec *ctx, int64_t graph, tdnn_tensor **tensor)
{
    tdnn_tensor *out = NULL;
    if (graph < 0) return TDNN_OK;
    if ((size_t)graph >= ctx->node->subgraph_count)
        return TDNN_FAIL(ctx->err, TDNN_ERR_FORMAT, "a subgraph is missing");
    TDNN_TRY(tdnn_exec_subgraph(ctx, (size_t)graph, tensor, 1, &out, 1));
    const bool fits = out->kind == TDNN_KIND_TENSOR && tdnn_dtype_is_plain_float(out->dtype) &&
                      tdnn_shape_equal(&out->shape, &(*tensor)->shape);
    tdnn_tensor_release(*tensor);
    *tensor = out;
    return fits ? TDNN_OK
                : TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                            "a subgraph changes the scores' shape or type");
}

static tdnn_status softmax(tdnn_exec *ctx, tdnn_tensor **scores)
{
    const tdnn_axis_params last = {-1};
    tdnn_tensor *out = NULL;
    TDNN_TRY(tdnn_exec_op(ctx, TDNN_OP_Softmax, &last, scores, 1, &out, 1));
    tdnn_tensor_release(*scores);
    *scores = out;
    return TDNN_OK;
}

static tdnn_status exec_flex(tdnn_exec *ctx)
{
    const flex_params *p = ctx->params;
    tdnn_status status = TDNN_OK;
    tdnn_tensor *scores = NULL;
    double *room = NULL;
    flex f = {0};
    size_t count;
    TDNN_TRY(read_shapes(ctx, &f));
    const size_t widest = f.key > f.value ? f.key : f.value;
    const tdnn_dtype type = p->softmax_precision     ? (tdnn_dtype)p->softmax_precision
                            : f.q->dtype == TDNN_F64 ? TDNN_F64
                                                     : TDNN_F32;
    if (!tdnn_dtype_is_plain_float(type))
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "softmax in %s",
                         tdnn_dtype_name(type));
    const int64_t b = (int64_t)f.batch, h = (int64_t)f.heads, q = (int64_t)f.queries;
    const tdnn_shape score = {4, {b, h, q, (int64_t)f.keys}},
                     y = {4, {b, h, q, (int64_t)f.value}};
    if (!tdnn_size_mul(f.keys + 1, widest + 1, &count) ||
        !tdnn_size_add(count, f.keys + widest, &count))
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "too many keys");
    TDNN_GOTO(tdnn_tensor_create(type, &score, &scores, ctx->err));
    TDNN_GOTO(tdnn_tensor_create(f.q->dtype, &y, &ctx->out[0], ctx->err));
    room = tdnn_alloc(count, sizeof *room);
    if (!room) {
        status = TDNN_NO_MEMORY(ctx->err);
        goto fail;
    }
    make_scores(&f, p->has_scale ? (double)p->scale : 1 / sqrt((double)f.key), room, scores);
    TDNN_GOTO(modify(ctx, p->score_mod, &scores));
    TDNN_GOTO(softmax(ctx, &scores));
    TDNN_GOTO(modify(ctx, p->prob_mod, &scores));
    mix_values(&f, room, scores, ctx->out[0]);
fail:
    tdnn_tensor_release(scores);
    tdnn_free(room);
    return status;
}

static const tdnn_attr attrs[] = {TDNN_GRAPH(flex_params, score_mod),
                                  TDNN_GRAPH(flex_params, prob_mod),
                                  TDNN_INT(flex_params, softmax_precision, 0),
                                  {.name = "scale",
                                   .type = TDNN_ATTR_FLOAT,
                                   .offset = offsetof(flex_params, scale),
                                   .given = offsetof(flex_params, has_scale)},
                                  {0}};
const tdnn_op tdnn_op_FlexAttention = {
    .schema = {TDNN_SCHEMA(FlexAttention, 3, 3, 1, 1, attrs, flex_params),
               .domain = "ai.onnx.preview"},
    .exec = exec_flex,
};
