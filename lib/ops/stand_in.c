/* Strings, and elements smaller than a byte, in operators that only move elements. Their plans
 * run on numbers that stand for the elements, which are put back afterwards: strings are
 * numbered through all inputs, smaller elements get a byte each.
 */
#include "lib/ops/move.h"

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
        wide[i] = (unsigned char)((unsigned)packed[i / per_byte] >> (i % per_byte * bits) & mask);
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

/* The stand-in of `from`; strings are numbered from *next on, and 0 stands for the empty
 * string. */
static tdnn_status make_stand_in(const tdnn_tensor *from, int64_t *next, tdnn_tensor **out,
                                 tdnn_error *err)
{
    const bool strings = from->dtype == TDNN_STRING;
    TDNN_TRY(tdnn_tensor_create(strings ? TDNN_I64 : TDNN_U8, &from->shape, out, err));
    if (!strings) {
        widen(from, *out);
        return TDNN_OK;
    }
    const int64_t count = tdnn_shape_count(&from->shape);
    for (int64_t i = 0; i < count; i++) ((int64_t *)(*out)->data)[i] = (*next)++;
    return TDNN_OK;
}

/* String number `id` of the inputs. */
static const char *find_string(const tdnn_exec *ctx, int64_t id)
{
    for (size_t i = 0; id > 0 && i < ctx->input_count; i++) {
        if (!ctx->in[i] || ctx->in[i]->dtype != TDNN_STRING) continue;
        const int64_t count = tdnn_shape_count(&ctx->in[i]->shape);
        if (id <= count) return tdnn_tensor_string(ctx->in[i], (size_t)(id - 1));
        id -= count;
    }
    return "";
}

static tdnn_status put_back(const tdnn_exec *ctx, const tdnn_tensor *from, tdnn_dtype type,
                            tdnn_tensor **out)
{
    TDNN_TRY(tdnn_tensor_create(type, &from->shape, out, ctx->err));
    if (type != TDNN_STRING) {
        narrow(from, *out);
        return TDNN_OK;
    }
    const int64_t count = tdnn_shape_count(&from->shape);
    for (int64_t i = 0; i < count; i++) {
        const char *text = find_string(ctx, ((const int64_t *)from->data)[i]);
        TDNN_TRY(tdnn_tensor_set_string(*out, (size_t)i, text, ctx->err));
    }
    return TDNN_OK;
}

tdnn_status tdnn_exec_stand_ins(tdnn_exec *ctx)
{
    const size_t count = ctx->input_count + ctx->output_count;
    tdnn_tensor **in = tdnn_calloc(count, sizeof *in), **out = in + ctx->input_count;
    tdnn_status status = TDNN_OK;
    tdnn_dtype type = TDNN_NONE;
    int64_t next = 1;
    if (!in) return TDNN_NO_MEMORY(ctx->err);
    for (size_t i = 0; i < ctx->input_count; i++) {
        if (!needs_stand_in(ctx->in[i])) {
            in[i] = tdnn_tensor_retain(ctx->in[i]);
            continue;
        }
        if (type == TDNN_NONE) type = ctx->in[i]->dtype;
        if (ctx->in[i]->dtype != type) {
            status = TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is %s, expected %s", i,
                               tdnn_dtype_name(ctx->in[i]->dtype), tdnn_dtype_name(type));
            goto fail;
        }
        TDNN_GOTO(make_stand_in(ctx->in[i], &next, &in[i], ctx->err));
    }
    TDNN_GOTO(tdnn_exec_op(ctx, ctx->node->op->kind, ctx->params, in, ctx->input_count, out,
                           ctx->output_count));
    for (size_t i = 0; i < ctx->output_count; i++)
        if (out[i] && type != TDNN_NONE)
            TDNN_GOTO(put_back(ctx, out[i], type, &ctx->out[i]));
        else
            ctx->out[i] = tdnn_tensor_retain(out[i]);
fail:
    for (size_t i = 0; i < count; i++) tdnn_tensor_release(in[i]);
    tdnn_free(in);
    return status;
}
