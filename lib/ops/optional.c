/* Optionals: a value that may be missing. */
#include "lib/ops/pieces.h"

static tdnn_status optional_exec(tdnn_exec *ctx)
{
    tdnn_tensor *item = NULL;
    tdnn_tensor *in = ctx->input_count ? ctx->in[0] : NULL;
    if (in) TDNN_TRY(tdnn_exec_keep(ctx, in, &item));
    const tdnn_status status =
        tdnn_tensor_create_list(TDNN_KIND_OPTIONAL, in ? in->dtype : TDNN_NONE, &item,
                                in != NULL, &ctx->out[0], ctx->err);
    tdnn_tensor_release(item);
    return status;
}

static const tdnn_attr optional_attrs[] = {TDNN_IGNORED("type"), {0}};

const tdnn_op tdnn_op_Optional = {
    .schema = {.kind = TDNN_OP_Optional,
               .name = "Optional",
               .max_inputs = 1,
               .min_outputs = 1,
               .max_outputs = 1,
               .attrs = optional_attrs},
    .flags = TDNN_OP_LISTS,
    .exec = optional_exec,
};

/* Tensors and sequences count as optionals that are not empty. */
static tdnn_status get_exec(tdnn_exec *ctx)
{
    if (ctx->in[0]->kind != TDNN_KIND_OPTIONAL)
        return tdnn_exec_keep(ctx, ctx->in[0], &ctx->out[0]);
    tdnn_tensor *item = tdnn_tensor_retain(tdnn_tensor_item(ctx->in[0], 0));
    if (!item) return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "the optional is empty");
    const tdnn_status status = tdnn_exec_keep(ctx, item, &ctx->out[0]);
    tdnn_tensor_release(item);
    return status;
}

const tdnn_op tdnn_op_OptionalGetElement = {
    .schema = {TDNN_SCHEMA_PLAIN(OptionalGetElement, 1, 1, 1, 1)},
    .flags = TDNN_OP_LISTS,
    .exec = get_exec,
};

static tdnn_status has_exec(tdnn_exec *ctx)
{
    const tdnn_tensor *in = ctx->input_count ? ctx->in[0] : NULL;
    const bool has = in && (in->kind != TDNN_KIND_OPTIONAL || in->shape.dim[0] > 0);
    return tdnn_piece_bool(has, &ctx->out[0], ctx->err);
}

const tdnn_op tdnn_op_OptionalHasElement = {
    .schema = {TDNN_SCHEMA_PLAIN(OptionalHasElement, 0, 1, 1, 1)},
    .flags = TDNN_OP_LISTS,
    .exec = has_exec,
};
