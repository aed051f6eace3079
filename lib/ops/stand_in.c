/* Strings, and elements smaller than a byte, in operators that only move elements or ask
 * whether they are equal. Their plans run on numbers that stand for the elements, which are put
 * back afterwards: strings are numbered through all inputs, smaller elements get a byte each.
 */
#include "lib/ops/move.h"
#include "lib/ops/order.h"

#include <string.h>

static bool needs_stand_in(const tdnn_tensor *t)
{
    return t && t->kind == TDNN_KIND_TENSOR && tdnn_dtype_bits(t->dtype) < 8;
}

static void widen(const tdnn_tensor *from, tdnn_tensor *to)
{
    const size_t bits = (size_t)tdnn_dtype_bits(from->dtype), per_byte = 8 / bits;
    const unsigned mask = (1u << bits) - 1;
    const unsigned char *packed = from->data;
    unsigned char *wide = to->data;
    for (size_t i = 0; i < to->bytes; i++)
        wide[i] =
            (unsigned char)((unsigned)packed[i / per_byte] >> (i % per_byte * bits) & mask);
}

static void narrow(const tdnn_tensor *from, tdnn_tensor *to)
{
    const size_t bits = (size_t)tdnn_dtype_bits(to->dtype), per_byte = 8 / bits;
    const unsigned char *wide = from->data;
    unsigned char *packed = to->data; /* zeros so far */
    for (size_t i = 0; i < from->bytes; i++)
        packed[i / per_byte] =
            (unsigned char)(packed[i / per_byte] | wide[i] << (i % per_byte * bits));
}

/* All strings of the inputs. Equal ones get the same number, so that they can be compared by
 * it. */
typedef struct string_list {
    const char **text;
    size_t *order, count;
} string_list;

static bool text_less(const void *context, size_t a, size_t b)
{
    const string_list *list = context;
    return strcmp(list->text[a], list->text[b]) < 0;
}

static tdnn_status list_strings(const tdnn_exec *ctx, string_list *list)
{
    for (size_t i = 0; i < ctx->input_count; i++)
        if (ctx->in[i] && ctx->in[i]->dtype == TDNN_STRING)
            list->count += (size_t)tdnn_shape_count(&ctx->in[i]->shape);
    list->text = tdnn_alloc(list->count, sizeof *list->text);
    list->order = tdnn_alloc(list->count, sizeof *list->order);
    if (!list->text || !list->order) return TDNN_NO_MEMORY(ctx->err);
    for (size_t i = 0, at = 0; i < ctx->input_count; i++) {
        if (!ctx->in[i] || ctx->in[i]->dtype != TDNN_STRING) continue;
        const size_t count = (size_t)tdnn_shape_count(&ctx->in[i]->shape);
        for (size_t k = 0; k < count; k++) list->text[at++] = tdnn_tensor_string(ctx->in[i], k);
    }
    return tdnn_order_sort(list->order, list->count, text_less, list, ctx->err);
}

/* In place of string `order[k]` comes 1 + the first of those that equal it; 0 is the empty
 * string. */
static void number_strings(const string_list *list, size_t first, size_t count, int64_t *out)
{
    for (size_t k = 0, same = 0; k < list->count; k++) {
        if (strcmp(list->text[list->order[same]], list->text[list->order[k]]) != 0) same = k;
        const size_t at = list->order[k];
        if (at < first || at - first >= count) continue;
        out[at - first] = *list->text[at] ? 1 + (int64_t)list->order[same] : 0;
    }
}

static tdnn_status put_back(const tdnn_exec *ctx, const string_list *list,
                            const tdnn_tensor *from, tdnn_dtype type, tdnn_tensor **out)
{
    const tdnn_dtype number = type == TDNN_STRING ? TDNN_I64 : TDNN_U8;
    if (from->dtype != number) /* it was not the elements that were moved */
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "an input of %s, expected numbers",
                         tdnn_dtype_name(type));
    TDNN_TRY(tdnn_tensor_create(type, &from->shape, out, ctx->err));
    if (type != TDNN_STRING) {
        narrow(from, *out);
        return TDNN_OK;
    }
    const int64_t count = tdnn_shape_count(&from->shape);
    for (int64_t i = 0; i < count; i++) {
        const int64_t id = ((const int64_t *)from->data)[i];
        const char *text = id > 0 && (uint64_t)id <= list->count ? list->text[id - 1] : "";
        TDNN_TRY(tdnn_tensor_set_string(*out, (size_t)i, text, ctx->err));
    }
    return TDNN_OK;
}

/* Stand-ins of the inputs; the others as they are. *type: what they stand for. */
static tdnn_status replace_inputs(const tdnn_exec *ctx, const string_list *list,
                                  tdnn_tensor **in, tdnn_dtype *type)
{
    size_t next = 0;
    *type = TDNN_NONE;
    for (size_t i = 0; i < ctx->input_count; i++) {
        const tdnn_tensor *t = ctx->in[i];
        if (!needs_stand_in(t)) {
            in[i] = tdnn_tensor_retain(t);
            continue;
        }
        if (*type == TDNN_NONE) *type = t->dtype;
        if (t->dtype != *type)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is %s, expected %s", i,
                             tdnn_dtype_name(t->dtype), tdnn_dtype_name(*type));
        const bool strings = *type == TDNN_STRING;
        TDNN_TRY(tdnn_tensor_create(strings ? TDNN_I64 : TDNN_U8, &t->shape, &in[i], ctx->err));
        const size_t count = (size_t)tdnn_shape_count(&t->shape);
        if (strings)
            number_strings(list, next, count, in[i]->data);
        else
            widen(t, in[i]);
        next += strings ? count : 0;
    }
    return TDNN_OK;
}

tdnn_status tdnn_exec_stand_ins(tdnn_exec *ctx)
{
    const size_t count = ctx->input_count + ctx->output_count;
    tdnn_tensor **in = tdnn_calloc(count, sizeof *in), **out = in + ctx->input_count;
    string_list list = {0};
    tdnn_status status = TDNN_OK;
    tdnn_dtype type;
    if (!in) return TDNN_NO_MEMORY(ctx->err);
    TDNN_GOTO(list_strings(ctx, &list));
    TDNN_GOTO(replace_inputs(ctx, &list, in, &type));
    TDNN_GOTO(tdnn_exec_op(ctx, ctx->node->op->kind, ctx->params, in, ctx->input_count, out,
                           ctx->output_count));
    for (size_t i = 0; i < ctx->output_count; i++) {
        const tdnn_dtype stand_in = type == TDNN_STRING ? TDNN_I64 : TDNN_U8;
        if (out[i] && type != TDNN_NONE && out[i]->dtype == stand_in)
            TDNN_GOTO(put_back(ctx, &list, out[i], type, &ctx->out[i]));
        else
            ctx->out[i] = tdnn_tensor_retain(out[i]);
    }
fail:
    for (size_t i = 0; i < count; i++) tdnn_tensor_release(in[i]);
    tdnn_free(in);
    tdnn_free(list.text);
    tdnn_free(list.order);
    return status;
}
