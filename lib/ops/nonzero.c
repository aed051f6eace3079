/* Results whose length depends on what the data is: NonZero, Compress, Unique. */
#include "lib/ops/cast_loops.h"
#include "lib/ops/order.h"
#include "lib/ops/pieces.h"

#include <string.h>

static tdnn_status check_tensor(const tdnn_exec *ctx, size_t index)
{
    if (ctx->in[index]->kind == TDNN_KIND_TENSOR) return TDNN_OK;
    return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is no tensor", index);
}

static tdnn_status make_vector(tdnn_exec *ctx, size_t output, int64_t length)
{
    const tdnn_shape shape = {.ndim = 1, .dim = {length}};
    return tdnn_tensor_create(TDNN_I64, &shape, &ctx->out[output], ctx->err);
}

/* ---- NonZero ---- */

static size_t find_nonzero(const tdnn_tensor *in, size_t count, uint8_t *found)
{
    enum { CHUNK = 128 };
    const size_t size = (size_t)tdnn_dtype_bits(in->dtype) / 8;
    size_t total = 0;
    double x[CHUNK];
    int64_t k[CHUNK];
    tdnn_cast_fn *truth =
        tdnn_cast_loop(in->dtype == TDNN_BOOL ? TDNN_U8 : in->dtype, TDNN_BOOL);
    for (size_t i = 0; i < count; i += CHUNK) {
        const size_t part = count - i < CHUNK ? count - i : CHUNK;
        const tdnn_run run = {in->data, in->dtype, i, 1};
        if (truth) {
            truth(found + i, (const char *)in->data + i * size, part);
        } else if (tdnn_dtype_is_integral(in->dtype)) {
            tdnn_load_i64(k, run, part);
            for (size_t j = 0; j < part; j++) found[i + j] = k[j] != 0;
        } else {
            tdnn_load_f64(x, run, part);
            for (size_t j = 0; j < part; j++) found[i + j] = x[j] != 0; /* NaN is not zero */
        }
        uint32_t sum = 0;
        for (size_t j = 0; j < part; j++) sum += found[i + j];
        total += sum;
    }
    return total;
}

/* The indices j < n of those found, to out[0 .. room-1], which has room for as many as all rows
 * have left; returns how many. */
static size_t list_row(int64_t *out, size_t room, const uint8_t *found, size_t n)
{
    size_t at = 0, j = 0;
    while (j + 8 <= n && at + 8 <= room) { /* writes more than counts: no branch to foresee */
        uint64_t eight;
        memcpy(&eight, found + j, sizeof eight);
        for (size_t k = 0; eight && k < 8; k++) {
            out[at] = (int64_t)(j + k);
            at += found[j + k];
        }
        j += 8;
    }
    for (; j < n && at < room; j++)
        if (found[j]) out[at++] = (int64_t)j;
    return at;
}

/* Row by row: the last axis as list_row has it, the same number on all others. */
static void list_found(int64_t *out, size_t total, const tdnn_shape *shape,
                       const uint8_t *found)
{
    const int last = shape->ndim - 1;
    const size_t n = (size_t)shape->dim[last];
    int64_t row[TDNN_MAX_DIMS] = {0};
    for (size_t at = 0; at < total; found += n) {
        const size_t count = list_row(out + (size_t)last * total + at, total - at, found, n);
        for (int d = 0; d < last; d++)
            for (size_t i = 0; i < count; i++) out[(size_t)d * total + at + i] = row[d];
        at += count;
        for (int d = last - 1; d >= 0 && ++row[d] == shape->dim[d]; d--) row[d] = 0;
    }
}

static tdnn_status nonzero_exec(tdnn_exec *ctx)
{
    const tdnn_tensor *in = ctx->in[0];
    TDNN_TRY(check_tensor(ctx, 0));
    if (!tdnn_dtype_is_real(in->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "elements of type %s",
                         tdnn_dtype_name(in->dtype));
    const size_t count = (size_t)tdnn_shape_count(&in->shape);
    uint8_t *found = tdnn_alloc(count, sizeof *found);
    if (!found) return TDNN_NO_MEMORY(ctx->err);
    const size_t total = find_nonzero(in, count, found);
    const tdnn_shape shape = {.ndim = 2, .dim = {in->shape.ndim, (int64_t)total}};
    const tdnn_status status = tdnn_tensor_create(TDNN_I64, &shape, &ctx->out[0], ctx->err);
    if (!status && in->shape.ndim) list_found(ctx->out[0]->data, total, &in->shape, found);
    tdnn_free(found);
    return status;
}

const tdnn_op tdnn_op_NonZero = {
    .schema = {TDNN_SCHEMA_PLAIN(NonZero, 1, 1, 1, 1)},
    .exec = nonzero_exec,
};

/* ---- slices along an axis, or, without one, of the tensor as a list of elements ---- */

typedef struct slicing {
    const tdnn_tensor *in;
    size_t before, length, after; /* the axis has `length`; flat: 1, all, 1 */
    tdnn_shape shape;             /* of the input, flat: one dimension      */
    int axis;
} slicing;

static tdnn_status slice_along(const tdnn_exec *ctx, bool flat, int64_t axis, slicing *s)
{
    *s = (slicing){.in = ctx->in[0], .before = 1, .after = 1, .shape = ctx->in[0]->shape};
    if (flat)
        s->shape = (tdnn_shape){.ndim = 1, .dim = {tdnn_shape_count(&s->in->shape)}};
    else
        TDNN_TRY(tdnn_axis_resolve(axis, s->shape.ndim, &s->axis, ctx->err));
    s->length = (size_t)s->shape.dim[s->axis];
    for (int d = 0; d < s->axis; d++) s->before *= (size_t)s->shape.dim[d];
    for (int d = s->axis + 1; d < s->shape.ndim; d++) s->after *= (size_t)s->shape.dim[d];
    return TDNN_OK;
}

/* Output 0: the slices with these numbers, in this order. */
static tdnn_status pick_slices(tdnn_exec *ctx, const slicing *s, const size_t *numbers,
                               size_t count)
{
    tdnn_shape shape = s->shape;
    shape.dim[s->axis] = (int64_t)count;
    TDNN_TRY(tdnn_tensor_create(s->in->dtype, &shape, &ctx->out[0], ctx->err));
    for (size_t b = 0; b < s->before; b++)
        for (size_t i = 0; i < count; i++)
            TDNN_TRY(tdnn_piece_copy(s->in, (b * s->length + numbers[i]) * s->after,
                                     ctx->out[0], (b * count + i) * s->after, s->after,
                                     ctx->err));
    return TDNN_OK;
}

/* ---- Compress ---- */

typedef struct axis_params {
    int64_t axis, sorted;
    bool has_axis;
} axis_params;

static tdnn_status compress_exec(tdnn_exec *ctx)
{
    const axis_params *p = ctx->params;
    const tdnn_tensor *condition = ctx->in[1];
    slicing s;
    TDNN_TRY(check_tensor(ctx, 0));
    TDNN_TRY(check_tensor(ctx, 1));
    TDNN_TRY(slice_along(ctx, !p->has_axis, p->axis, &s));
    size_t given = (size_t)tdnn_shape_count(&condition->shape), count = 0;
    if (condition->dtype != TDNN_BOOL || condition->shape.ndim != 1 || given > s.length)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "a condition of %zu elements of %s, expected at most %zu of bool",
                         given, tdnn_dtype_name(condition->dtype), s.length);
    size_t *numbers = tdnn_alloc(given, sizeof *numbers);
    if (!numbers) return TDNN_NO_MEMORY(ctx->err);
    for (size_t i = 0; i < given; i++)
        if (((const unsigned char *)condition->data)[i]) numbers[count++] = i;
    const tdnn_status status = pick_slices(ctx, &s, numbers, count);
    tdnn_free(numbers);
    return status;
}

static const tdnn_attr compress_attrs[] = {
    {.name = "axis",
     .type = TDNN_ATTR_INT,
     .offset = offsetof(axis_params, axis),
     .given = offsetof(axis_params, has_axis)},
    {0},
};

const tdnn_op tdnn_op_Compress = {
    .schema = {TDNN_SCHEMA(Compress, 2, 2, 1, 1, compress_attrs, axis_params)},
    .exec = compress_exec,
};

/* ---- Unique ---- */

typedef struct unique_work {
    const slicing *s;
    uint64_t *keys; /* of all elements; NULL: strings         */
    size_t *order;  /* the slices, sorted                     */
    size_t *first;  /* of each different slice: where it first is */
    size_t *rank;   /* per slice: which of the different ones it is */
    size_t *count;  /* per different slice                    */
} unique_work;

static int compare_slices(const unique_work *w, size_t a, size_t b)
{
    const slicing *s = w->s;
    for (size_t k = 0; k < s->before; k++) {
        for (size_t i = 0; i < s->after; i++) {
            const size_t x = (k * s->length + a) * s->after + i,
                         y = (k * s->length + b) * s->after + i;
            int order;
            if (w->keys)
                order = (w->keys[x] > w->keys[y]) - (w->keys[x] < w->keys[y]);
            else
                order = strcmp(tdnn_tensor_string(s->in, x), tdnn_tensor_string(s->in, y));
            if (order) return order;
        }
    }
    return 0;
}

static bool slice_less(const void *context, size_t a, size_t b)
{
    return compare_slices(context, a, b) < 0;
}

static bool first_less(const void *context, size_t a, size_t b)
{
    const size_t *first = context;
    return first[a] < first[b];
}

/* The different slices in ascending order; returns how many. The sort is stable, so the first
 * slice of a kind is the one that comes first. */
static size_t number_slices(unique_work *w)
{
    size_t different = 0;
    for (size_t i = 0; i < w->s->length; i++) {
        if (i == 0 || compare_slices(w, w->order[i - 1], w->order[i]) != 0) {
            w->first[different] = w->order[i];
            w->count[different++] = 0;
        }
        w->rank[w->order[i]] = different - 1;
        w->count[different - 1]++;
    }
    return different;
}

/* Outputs; place[u] is where the different slice u goes, by_place[p] the one that is there. */
static tdnn_status unique_outputs(tdnn_exec *ctx, const unique_work *w, size_t different,
                                  bool sorted)
{
    tdnn_status status = TDNN_OK;
    size_t *by_place = tdnn_alloc(different, sizeof *by_place);
    size_t *place = tdnn_alloc(different, sizeof *place);
    size_t *numbers = tdnn_alloc(different, sizeof *numbers);
    if (!by_place || !place || !numbers) {
        status = TDNN_NO_MEMORY(ctx->err);
        goto fail;
    }
    for (size_t u = 0; u < different; u++) by_place[u] = u;
    if (!sorted)
        TDNN_GOTO(tdnn_order_sort(by_place, different, first_less, w->first, ctx->err));
    for (size_t p = 0; p < different; p++) {
        place[by_place[p]] = p;
        numbers[p] = w->first[by_place[p]];
    }
    TDNN_GOTO(pick_slices(ctx, w->s, numbers, different));
    for (size_t o = 1; o < ctx->output_count; o++) {
        const size_t n = o == 2 ? w->s->length : different;
        TDNN_GOTO(make_vector(ctx, o, (int64_t)n));
        int64_t *out = ctx->out[o]->data;
        for (size_t i = 0; i < n; i++)
            out[i] = (int64_t)(o == 1   ? numbers[i]
                               : o == 2 ? place[w->rank[i]]
                                        : w->count[by_place[i]]);
    }
fail:
    tdnn_free(by_place);
    tdnn_free(place);
    tdnn_free(numbers);
    return status;
}

static tdnn_status unique_exec(tdnn_exec *ctx)
{
    const axis_params *p = ctx->params;
    const tdnn_tensor *in = ctx->in[0];
    slicing s;
    TDNN_TRY(check_tensor(ctx, 0));
    TDNN_TRY(slice_along(ctx, !p->has_axis, p->axis, &s));
    if (in->dtype != TDNN_STRING && !tdnn_dtype_is_real(in->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "elements of type %s",
                         tdnn_dtype_name(in->dtype));
    tdnn_status status = TDNN_OK;
    const size_t total = (size_t)tdnn_shape_count(&in->shape);
    unique_work w = {.s = &s};
    size_t *arrays = tdnn_alloc(s.length, 4 * sizeof *arrays);
    if (in->dtype != TDNN_STRING) w.keys = tdnn_alloc(total, sizeof *w.keys);
    if (!arrays || (in->dtype != TDNN_STRING && !w.keys)) {
        status = TDNN_NO_MEMORY(ctx->err);
        goto fail;
    }
    w.order = arrays, w.first = arrays + s.length, w.rank = w.first + s.length,
    w.count = w.rank + s.length;
    if (w.keys) tdnn_order_keys(w.keys, (tdnn_run){in->data, in->dtype, 0, 1}, total);
    TDNN_GOTO(tdnn_order_sort(w.order, s.length, slice_less, &w, ctx->err));
    status = unique_outputs(ctx, &w, number_slices(&w), p->sorted != 0);
fail:
    tdnn_free(arrays);
    tdnn_free(w.keys);
    return status;
}

static const tdnn_attr unique_attrs[] = {
    {.name = "axis",
     .type = TDNN_ATTR_INT,
     .offset = offsetof(axis_params, axis),
     .given = offsetof(axis_params, has_axis)},
    TDNN_INT(axis_params, sorted, 1),
    {0},
};

const tdnn_op tdnn_op_Unique = {
    .schema = {TDNN_SCHEMA(Unique, 1, 1, 1, 4, unique_attrs, axis_params)},
    .exec = unique_exec,
};
