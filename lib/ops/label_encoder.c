/* LabelEncoder: a dictionary from one type to another; ArrayFeatureExtractor and Binarizer, its
 * neighbours in ONNX's domain of classical machine learning.
 */
#include "lib/ops/convert.h"
#include "lib/ops/index.h"
#include "lib/ops/move.h"
#include "lib/ops/order.h"

#include <string.h>

/* ---- LabelEncoder ---- */

typedef struct label_params {
    tdnn_ints keys_int64s, values_int64s;
    tdnn_floats keys_floats, values_floats;
    tdnn_strings keys_strings, values_strings;
    tdnn_tensor *keys_tensor, *values_tensor, *default_tensor;
    float default_float;
    int64_t default_int64;
    const char *default_string;
} label_params;

/* A list of either numbers or strings. */
typedef struct label_list {
    tdnn_dtype dtype;
    size_t count;
    const void *data; /* strings: const char *const *, with NULL for an empty one */
} label_list;

static label_list list_of(const tdnn_ints *ints, const tdnn_floats *floats,
                          const tdnn_strings *strings, const tdnn_tensor *tensor)
{
    if (tensor)
        return (label_list){tensor->dtype, (size_t)tdnn_shape_count(&tensor->shape),
                            tensor->data};
    if (ints->given) return (label_list){TDNN_I64, ints->count, ints->at};
    if (floats->given) return (label_list){TDNN_F32, floats->count, floats->at};
    return (label_list){TDNN_STRING, strings->count, strings->at};
}

static const char *text_at(const label_list *list, size_t index)
{
    const char *text = ((const char *const *)list->data)[index];
    return text ? text : "";
}

static uint64_t key_at(const label_list *list, size_t index)
{
    uint64_t key;
    union {
        const void *in;
        void *out;
    } constless = {.in = list->data}; /* loading only reads */
    tdnn_order_keys(&key, (tdnn_run){constless.out, list->dtype, index, 1}, 1);
    return key;
}

static bool label_less(const void *context, size_t a, size_t b)
{
    const label_list *list = context;
    if (list->dtype == TDNN_STRING) return strcmp(text_at(list, a), text_at(list, b)) < 0;
    return key_at(list, a) < key_at(list, b);
}

static int compare_label(const label_list *keys, size_t k, const label_list *in, size_t i)
{
    if (keys->dtype == TDNN_STRING) return strcmp(text_at(keys, k), text_at(in, i));
    const uint64_t a = key_at(keys, k), b = key_at(in, i);
    return (a > b) - (a < b);
}

/* Which key input element i is; keys->count if none. Of equal keys, the last counts. */
static size_t find_label(const label_list *keys, const size_t *order, const label_list *in,
                         size_t i)
{
    size_t low = 0, high = keys->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare_label(keys, order[middle], in, i) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && compare_label(keys, order[low - 1], in, i) == 0 ? order[low - 1]
                                                                      : keys->count;
}

static tdnn_status put_default(const label_params *p, tdnn_tensor *out, size_t i,
                               tdnn_error *err)
{
    const tdnn_tensor *given = p->default_tensor;
    const bool fits =
        given && given->dtype == out->dtype && tdnn_shape_count(&given->shape) == 1;
    const tdnn_run to = {out->data, out->dtype, i, 1};
    if (out->dtype == TDNN_STRING)
        return tdnn_tensor_set_string(
            out, i, fits ? tdnn_tensor_string(given, 0) : p->default_string, err);
    if (tdnn_dtype_is_integral(out->dtype)) {
        const int64_t x = fits ? tdnn_tensor_get_i64(given, 0) : p->default_int64;
        tdnn_store_i64(to, &x, 1);
    } else {
        const double x = fits ? tdnn_tensor_get_f64(given, 0) : (double)p->default_float;
        tdnn_store_f64(to, &x, 1);
    }
    return TDNN_OK;
}

static tdnn_status encode(tdnn_exec *ctx, const label_list *keys, const label_list *values,
                          const size_t *order)
{
    const tdnn_tensor *in = ctx->in[0];
    tdnn_tensor *out = ctx->out[0];
    const label_list list = {in->dtype, (size_t)tdnn_shape_count(&in->shape), in->data};
    const size_t size = (size_t)tdnn_dtype_bits(out->dtype) / 8;
    for (size_t i = 0; i < list.count; i++) {
        const size_t k = find_label(keys, order, &list, i);
        if (k == keys->count)
            TDNN_TRY(put_default(ctx->params, out, i, ctx->err));
        else if (out->dtype == TDNN_STRING)
            TDNN_TRY(tdnn_tensor_set_string(out, i, text_at(values, k), ctx->err));
        else
            memcpy((char *)out->data + i * size, (const char *)values->data + k * size, size);
    }
    return TDNN_OK;
}

static bool is_label_type(tdnn_dtype type)
{
    return type == TDNN_STRING || (tdnn_dtype_is_real(type) && tdnn_dtype_bits(type) >= 8);
}

static tdnn_status label_exec(tdnn_exec *ctx)
{
    const label_params *p = ctx->params;
    const tdnn_tensor *in = ctx->in[0];
    const label_list keys =
        list_of(&p->keys_int64s, &p->keys_floats, &p->keys_strings, p->keys_tensor);
    const label_list values =
        list_of(&p->values_int64s, &p->values_floats, &p->values_strings, p->values_tensor);
    const bool same_class = (keys.dtype == TDNN_STRING) == (in->dtype == TDNN_STRING) &&
                            tdnn_dtype_is_float(keys.dtype) == tdnn_dtype_is_float(in->dtype);
    if (keys.count != values.count || in->kind != TDNN_KIND_TENSOR || !same_class ||
        !is_label_type(keys.dtype) || !is_label_type(values.dtype) || !is_label_type(in->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "%zu keys of type %s and %zu values of type %s for labels of type %s",
                         keys.count, tdnn_dtype_name(keys.dtype), values.count,
                         tdnn_dtype_name(values.dtype), tdnn_dtype_name(in->dtype));
    size_t *order = tdnn_alloc(keys.count, sizeof *order);
    if (!order) return TDNN_NO_MEMORY(ctx->err);
    tdnn_status status = tdnn_order_sort(order, keys.count, label_less, &keys, ctx->err);
    if (!status) status = tdnn_tensor_create(values.dtype, &in->shape, &ctx->out[0], ctx->err);
    if (!status) status = encode(ctx, &keys, &values, order);
    tdnn_free(order);
    return status;
}

static const tdnn_attr label_attrs[] = {
    TDNN_INTS(label_params, keys_int64s),
    TDNN_INTS(label_params, values_int64s),
    TDNN_FLOATS(label_params, keys_floats),
    TDNN_FLOATS(label_params, values_floats),
    TDNN_STRINGS(label_params, keys_strings),
    TDNN_STRINGS(label_params, values_strings),
    TDNN_TENSOR(label_params, keys_tensor),
    TDNN_TENSOR(label_params, values_tensor),
    TDNN_TENSOR(label_params, default_tensor),
    TDNN_FLOAT(label_params, default_float, -0.0f),
    TDNN_INT(label_params, default_int64, -1),
    TDNN_TEXT(label_params, default_string, "_Unused"),
    {0},
};

const tdnn_op tdnn_op_LabelEncoder = {
    .schema = {TDNN_SCHEMA(LabelEncoder, 1, 1, 1, 1, label_attrs, label_params),
               .domain = "ai.onnx.ml"},
    .exec = label_exec,
};

/* ---- ArrayFeatureExtractor: Gather along the last axis ---- */

static tdnn_status extract_infer(tdnn_infer *ctx)
{
    tdnn_shape out = ctx->in[0]->shape;
    TDNN_TRY(tdnn_infer_indices(ctx, 1));
    if (out.ndim < 1) return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "a scalar has no features");
    if (out.ndim == 1) out = (tdnn_shape){.ndim = 2, .dim = {1, out.dim[0]}};
    out.dim[out.ndim - 1] = tdnn_shape_count(&ctx->in[1]->shape);
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &out);
    return TDNN_OK;
}

static tdnn_status extract_plan(tdnn_plan_ctx *ctx) { return tdnn_plan_gather(ctx, -1); }

const tdnn_op tdnn_op_ArrayFeatureExtractor = {
    .schema = {TDNN_SCHEMA_PLAIN(ArrayFeatureExtractor, 2, 2, 1, 1), .domain = "ai.onnx.ml"},
    .infer = extract_infer,
    .plan = extract_plan,
    .exec = tdnn_exec_stand_ins,
};

/* ---- Binarizer ---- */

typedef struct binarizer_params {
    float threshold;
} binarizer_params;

static tdnn_status binarizer_infer(tdnn_infer *ctx)
{
    if (!tdnn_dtype_is_real(ctx->in[0]->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "features of type %s",
                         tdnn_dtype_name(ctx->in[0]->dtype));
    return tdnn_infer_same(ctx);
}

static void binarizer_run(const tdnn_step *step, size_t task, size_t worker)
{
    enum { CHUNK = 256 };
    (void)task, (void)worker;
    const binarizer_params *p = step->params;
    const tdnn_tensor *in = step->in[0], *out = step->out[0];
    const size_t count = (size_t)tdnn_shape_count(&in->shape);
    double x[CHUNK];
    for (size_t i = 0; i < count; i += CHUNK) {
        const size_t n = count - i < CHUNK ? count - i : CHUNK;
        tdnn_load_f64(x, (tdnn_run){in->data, in->dtype, i, 1}, n);
        for (size_t k = 0; k < n; k++) x[k] = x[k] > (double)p->threshold;
        tdnn_store_f64((tdnn_run){out->data, out->dtype, i, 1}, x, n);
    }
}

static tdnn_status binarizer_plan(tdnn_plan_ctx *ctx)
{
    ctx->step->kernel = "binarize";
    tdnn_plan_phase(ctx, binarizer_run, 1);
    return TDNN_OK;
}

static const tdnn_attr binarizer_attrs[] = {TDNN_FLOAT(binarizer_params, threshold, 0), {0}};

const tdnn_op tdnn_op_Binarizer = {
    .schema = {TDNN_SCHEMA(Binarizer, 1, 1, 1, 1, binarizer_attrs, binarizer_params),
               .domain = "ai.onnx.ml"},
    .infer = binarizer_infer,
    .plan = binarizer_plan,
};
