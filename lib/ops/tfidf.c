/* TfIdfVectorizer: how often each n-gram of a list occurs in a row of tokens, also with tokens
 * skipped between its members.
 */
#include "lib/ops/op.h"
#include "lib/ops/order.h"

#include <string.h>

enum { MODE_TF, MODE_IDF, MODE_TFIDF };

typedef struct tfidf_params {
    int64_t max_gram_length, min_gram_length, max_skip_count, mode;
    tdnn_ints ngram_counts, ngram_indexes, pool_int64s;
    tdnn_strings pool_strings;
    tdnn_floats weights;
} tfidf_params;

/* The n-grams of one length, sorted, so that they can be found by bisection. */
typedef struct gram_list {
    const tfidf_params *p;
    size_t length, first, count; /* of the pool: where they begin; how many there are */
    size_t id;                   /* of the first one among all n-grams               */
    size_t *order;
} gram_list;

/* Where a row's n-gram has its tokens. */
typedef struct gram {
    const tdnn_tensor *tokens;
    size_t first, step;
} gram;

static int compare_token(const gram_list *g, size_t pool, const gram *x, size_t k)
{
    const size_t at = x->first + k * x->step;
    if (g->p->pool_strings.given)
        return strcmp(g->p->pool_strings.at[pool], tdnn_tensor_string(x->tokens, at));
    const int64_t a = g->p->pool_int64s.at[pool], b = tdnn_tensor_get_i64(x->tokens, at);
    return (a > b) - (a < b);
}

static int compare_gram(const gram_list *g, size_t number, const gram *x)
{
    int order = 0;
    for (size_t k = 0; k < g->length && !order; k++)
        order = compare_token(g, g->first + number * g->length + k, x, k);
    return order;
}

static bool gram_less(const void *context, size_t a, size_t b)
{
    const gram_list *g = context;
    for (size_t k = 0; k < g->length; k++) {
        const size_t x = g->first + a * g->length + k, y = g->first + b * g->length + k;
        if (g->p->pool_strings.given) {
            const int order = strcmp(g->p->pool_strings.at[x], g->p->pool_strings.at[y]);
            if (order) return order < 0;
        } else if (g->p->pool_int64s.at[x] != g->p->pool_int64s.at[y]) {
            return g->p->pool_int64s.at[x] < g->p->pool_int64s.at[y];
        }
    }
    return false;
}

/* The n-gram's id, SIZE_MAX if it is not in the list. */
static size_t find_gram(const gram_list *g, const gram *x)
{
    size_t low = 0, high = g->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare_gram(g, g->order[middle], x);
        if (order == 0) return g->id + g->order[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SIZE_MAX;
}

static void count_row(const gram_list *g, const tdnn_tensor *tokens, size_t first,
                      size_t length, float *out)
{
    const tfidf_params *p = g->p;
    /* A single token has nothing to skip. */
    const size_t skips = g->length == 1 ? 0 : (size_t)p->max_skip_count;
    for (size_t step = 1; step <= skips + 1; step++) {
        const size_t reach = (g->length - 1) * step;
        for (size_t i = 0; i + reach < length; i++) {
            const gram x = {tokens, first + i, step};
            const size_t id = find_gram(g, &x);
            if (id != SIZE_MAX) out[p->ngram_indexes.at[id]] += 1;
        }
        if (reach >= length) break;
    }
}

static void weigh_row(const tfidf_params *p, float *out)
{
    for (size_t i = 0; p->mode != MODE_TF && i < p->ngram_indexes.count; i++) {
        float *y = &out[p->ngram_indexes.at[i]];
        const float weight = p->weights.given ? p->weights.at[i] : 1;
        if (*y > 0) *y = (p->mode == MODE_IDF ? 1 : *y) * weight;
    }
}

/* The lists of all lengths, checked against each other. */
static tdnn_status check_pool(const tfidf_params *p, size_t *pool, int64_t *width,
                              tdnn_error *err)
{
    const tdnn_ints *starts = &p->ngram_counts;
    size_t ids = 0;
    *pool = p->pool_strings.given ? p->pool_strings.count : p->pool_int64s.count;
    *width = 0;
    for (size_t n = 1; n <= starts->count; n++) {
        const int64_t begin = starts->at[n - 1],
                      end = n < starts->count ? starts->at[n] : (int64_t)*pool;
        if (begin < 0 || end < begin || end > (int64_t)*pool || (size_t)(end - begin) % n)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                             "%zu-grams from %lld to %lld of a pool of %zu", n,
                             (long long)begin, (long long)end, *pool);
        ids += (size_t)(end - begin) / n;
    }
    if (ids > p->ngram_indexes.count ||
        (p->weights.given && p->weights.count < p->ngram_indexes.count))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu n-grams, %zu indices and %zu weights", ids,
                         p->ngram_indexes.count, p->weights.count);
    for (size_t i = 0; i < p->ngram_indexes.count; i++) {
        const int64_t at = p->ngram_indexes.at[i];
        if (at < 0 || at > INT32_MAX)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "index %lld of an n-gram", (long long)at);
        if (at >= *width) *width = at + 1;
    }
    if (p->min_gram_length < 1 || p->max_gram_length < p->min_gram_length ||
        p->max_skip_count < 0 || p->max_gram_length > 1 << 16 || p->max_skip_count > 1 << 24)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "n-grams of %lld to %lld tokens with %lld skipped",
                         (long long)p->min_gram_length, (long long)p->max_gram_length,
                         (long long)p->max_skip_count);
    return TDNN_OK;
}

static tdnn_status count_all(tdnn_exec *ctx, size_t pool, size_t rows, size_t length,
                             size_t width)
{
    const tfidf_params *p = ctx->params;
    size_t id = 0;
    float *out = ctx->out[0]->data;
    for (size_t n = 1; n <= p->ngram_counts.count; n++) {
        const int64_t *starts = p->ngram_counts.at;
        gram_list g = {.p = p, .length = n, .first = (size_t)starts[n - 1], .id = id};
        const size_t end = n < p->ngram_counts.count ? (size_t)starts[n] : pool;
        g.count = (end - g.first) / n;
        id += g.count;
        if ((int64_t)n < p->min_gram_length || (int64_t)n > p->max_gram_length) continue;
        g.order = tdnn_alloc(g.count, sizeof *g.order);
        tdnn_status status = g.order
                                 ? tdnn_order_sort(g.order, g.count, gram_less, &g, ctx->err)
                                 : TDNN_NO_MEMORY(ctx->err);
        for (size_t r = 0; r < rows && !status; r++)
            count_row(&g, ctx->in[0], r * length, length, out + r * width);
        tdnn_free(g.order);
        TDNN_TRY(status);
    }
    for (size_t r = 0; r < rows; r++) weigh_row(p, out + r * width);
    return TDNN_OK;
}

static tdnn_status tfidf_exec(tdnn_exec *ctx)
{
    const tfidf_params *p = ctx->params;
    const tdnn_tensor *in = ctx->in[0];
    const bool words = p->pool_strings.given;
    size_t pool;
    int64_t width;
    TDNN_TRY(check_pool(p, &pool, &width, ctx->err));
    if (in->kind != TDNN_KIND_TENSOR || in->shape.ndim < 1 || in->shape.ndim > 2 ||
        (words ? in->dtype != TDNN_STRING : !tdnn_dtype_is_int(in->dtype)))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "tokens of type %s with %d dimensions, expected %s with 1 or 2",
                         tdnn_dtype_name(in->dtype), in->shape.ndim,
                         words ? "strings" : "integers");
    tdnn_shape shape = in->shape;
    const size_t length = (size_t)shape.dim[shape.ndim - 1];
    const size_t rows = shape.ndim == 2 ? (size_t)shape.dim[0] : 1;
    shape.dim[shape.ndim - 1] = width;
    TDNN_TRY(tdnn_tensor_create(TDNN_F32, &shape, &ctx->out[0], ctx->err));
    return count_all(ctx, pool, rows, length, (size_t)width);
}

static const char *const tfidf_modes[] = {"TF", "IDF", "TFIDF", NULL};

static const tdnn_attr tfidf_attrs[] = {
    TDNN_INT(tfidf_params, max_gram_length, 1),
    TDNN_INT(tfidf_params, min_gram_length, 1),
    TDNN_INT(tfidf_params, max_skip_count, 0),
    TDNN_ENUM(tfidf_params, mode, tfidf_modes, MODE_TF),
    TDNN_INTS(tfidf_params, ngram_counts),
    TDNN_INTS(tfidf_params, ngram_indexes),
    TDNN_INTS(tfidf_params, pool_int64s),
    TDNN_STRINGS(tfidf_params, pool_strings),
    TDNN_FLOATS(tfidf_params, weights),
    {0},
};

const tdnn_op tdnn_op_TfIdfVectorizer = {
    .schema = {TDNN_SCHEMA(TfIdfVectorizer, 1, 1, 1, 1, tfidf_attrs, tfidf_params)},
    .exec = tfidf_exec,
};
