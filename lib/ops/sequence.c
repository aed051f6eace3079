/* Sequences of tensors: made, read, changed (into new ones), cut from and joined to tensors,
 * mapped. */
#include "lib/ops/pieces.h"

static tdnn_status make_list(tdnn_exec *ctx, tdnn_dtype dtype, tdnn_tensor *const *items,
                             size_t count)
{
    return tdnn_tensor_create_list(TDNN_KIND_SEQUENCE, dtype, items, count, &ctx->out[0],
                                   ctx->err);
}

static tdnn_status check_list(const tdnn_exec *ctx, size_t index)
{
    if (ctx->in[index] && ctx->in[index]->kind == TDNN_KIND_SEQUENCE) return TDNN_OK;
    return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is no sequence", index);
}

static size_t item_count(const tdnn_tensor *list) { return (size_t)list->shape.dim[0]; }

/* A reference to item `index`, valid after this run. */
static tdnn_status keep_item(tdnn_exec *ctx, const tdnn_tensor *list, size_t index,
                             tdnn_tensor **out)
{
    tdnn_tensor *item = tdnn_tensor_retain(tdnn_tensor_item(list, index));
    const tdnn_status status = tdnn_exec_keep(ctx, item, out);
    tdnn_tensor_release(item);
    return status;
}

/* All items of the sequence, and room for one more. */
static tdnn_status keep_items(tdnn_exec *ctx, const tdnn_tensor *list, tdnn_pieces *out)
{
    for (size_t i = 0; i < item_count(list); i++) {
        tdnn_tensor *item;
        TDNN_TRY(keep_item(ctx, list, i, &item));
        TDNN_TRY(tdnn_pieces_add(out, item, ctx->err));
    }
    return TDNN_OK;
}

/* Input `index` as a place in 0 .. count-1, negative ones from the end; absent: `otherwise`. */
static tdnn_status get_position(const tdnn_exec *ctx, size_t index, size_t count,
                                size_t otherwise, size_t *out)
{
    *out = otherwise;
    const tdnn_tensor *t = index < ctx->input_count ? ctx->in[index] : NULL;
    if (!t) return TDNN_OK;
    if (t->kind != TDNN_KIND_TENSOR || !tdnn_dtype_is_int(t->dtype) ||
        tdnn_shape_count(&t->shape) != 1)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "the position is no single integer");
    const int64_t at = tdnn_tensor_get_i64(t, 0), n = (int64_t)count;
    if (at < -n || at >= n)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "position %lld, expected %lld to %lld",
                         (long long)at, (long long)-n, (long long)n - 1);
    *out = (size_t)(at < 0 ? at + n : at);
    return TDNN_OK;
}

/* ---- SequenceConstruct, SequenceEmpty ---- */

static tdnn_status construct_exec(tdnn_exec *ctx)
{
    tdnn_pieces items = {0};
    tdnn_status status = TDNN_OK;
    for (size_t i = 0; i < ctx->input_count; i++) {
        tdnn_tensor *item;
        if (!ctx->in[i] || ctx->in[i]->kind != TDNN_KIND_TENSOR) {
            status = TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is no tensor", i);
            goto fail;
        }
        TDNN_GOTO(tdnn_exec_keep(ctx, ctx->in[i], &item));
        TDNN_GOTO(tdnn_pieces_add(&items, item, ctx->err));
    }
    status = make_list(ctx, TDNN_NONE, items.at, items.count);
fail:
    tdnn_pieces_free(&items);
    return status;
}

const tdnn_op tdnn_op_SequenceConstruct = {
    .schema = {TDNN_SCHEMA_PLAIN(SequenceConstruct, 1, -1, 1, 1)},
    .flags = TDNN_OP_LISTS,
    .exec = construct_exec,
};

typedef struct empty_params {
    int64_t dtype;
} empty_params;

static tdnn_status empty_exec(tdnn_exec *ctx)
{
    const empty_params *p = ctx->params;
    return make_list(ctx, (tdnn_dtype)p->dtype, NULL, 0);
}

static const tdnn_attr empty_attrs[] = {TDNN_INT(empty_params, dtype, TDNN_F32), {0}};

const tdnn_op tdnn_op_SequenceEmpty = {
    .schema = {TDNN_SCHEMA(SequenceEmpty, 0, 0, 1, 1, empty_attrs, empty_params)},
    .flags = TDNN_OP_LISTS,
    .exec = empty_exec,
};

/* ---- SequenceAt, SequenceLength ---- */

static tdnn_status at_exec(tdnn_exec *ctx)
{
    size_t at;
    TDNN_TRY(check_list(ctx, 0));
    TDNN_TRY(get_position(ctx, 1, item_count(ctx->in[0]), 0, &at));
    return keep_item(ctx, ctx->in[0], at, &ctx->out[0]);
}

const tdnn_op tdnn_op_SequenceAt = {
    .schema = {TDNN_SCHEMA_PLAIN(SequenceAt, 2, 2, 1, 1)},
    .flags = TDNN_OP_LISTS,
    .exec = at_exec,
};

static tdnn_status length_exec(tdnn_exec *ctx)
{
    TDNN_TRY(check_list(ctx, 0));
    return tdnn_piece_i64(ctx->in[0]->shape.dim[0], &ctx->out[0], ctx->err);
}

const tdnn_op tdnn_op_SequenceLength = {
    .schema = {TDNN_SCHEMA_PLAIN(SequenceLength, 1, 1, 1, 1)},
    .flags = TDNN_OP_LISTS,
    .exec = length_exec,
};

/* ---- SequenceInsert, SequenceErase ---- */

static tdnn_status insert(tdnn_exec *ctx, tdnn_pieces *items)
{
    tdnn_tensor *item;
    size_t at;
    TDNN_TRY(keep_items(ctx, ctx->in[0], items));
    TDNN_TRY(get_position(ctx, 2, items->count + 1, items->count, &at));
    TDNN_TRY(tdnn_exec_keep(ctx, ctx->in[1], &item));
    TDNN_TRY(tdnn_pieces_add(items, item, ctx->err));
    for (size_t i = items->count - 1; i > at; i--) items->at[i] = items->at[i - 1];
    items->at[at] = item;
    return make_list(ctx, ctx->in[0]->dtype, items->at, items->count);
}

static tdnn_status insert_exec(tdnn_exec *ctx)
{
    tdnn_pieces items = {0};
    TDNN_TRY(check_list(ctx, 0));
    const tdnn_status status = insert(ctx, &items);
    tdnn_pieces_free(&items);
    return status;
}

const tdnn_op tdnn_op_SequenceInsert = {
    .schema = {TDNN_SCHEMA_PLAIN(SequenceInsert, 2, 3, 1, 1)},
    .flags = TDNN_OP_LISTS,
    .exec = insert_exec,
};

static tdnn_status erase(tdnn_exec *ctx, tdnn_pieces *items)
{
    size_t at;
    TDNN_TRY(keep_items(ctx, ctx->in[0], items));
    TDNN_TRY(get_position(ctx, 1, items->count, items->count - 1, &at));
    if (items->count == 0) return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "the sequence is empty");
    tdnn_tensor_release(items->at[at]);
    items->count--;
    for (size_t i = at; i < items->count; i++) items->at[i] = items->at[i + 1];
    return make_list(ctx, ctx->in[0]->dtype, items->at, items->count);
}

static tdnn_status erase_exec(tdnn_exec *ctx)
{
    tdnn_pieces items = {0};
    TDNN_TRY(check_list(ctx, 0));
    const tdnn_status status = erase(ctx, &items);
    tdnn_pieces_free(&items);
    return status;
}

const tdnn_op tdnn_op_SequenceErase = {
    .schema = {TDNN_SCHEMA_PLAIN(SequenceErase, 1, 2, 1, 1)},
    .flags = TDNN_OP_LISTS,
    .exec = erase_exec,
};

/* ---- SplitToSequence, ConcatFromSequence ---- */

typedef struct split_params {
    int64_t axis, keepdims;
} split_params;

/* Piece `index` is `length` long: 1, the scalar that is given, or entry `index` of the list. */
static tdnn_status piece_length(const tdnn_exec *ctx, const tdnn_tensor *split, size_t index,
                                int64_t rest, int64_t *length)
{
    *length = 1;
    if (split && split->shape.ndim == 0) {
        *length = tdnn_tensor_get_i64(split, 0);
        if (*length > rest) *length = rest;
    } else if (split) {
        if (index >= (size_t)split->shape.dim[0])
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "the pieces leave %lld",
                             (long long)rest);
        *length = tdnn_tensor_get_i64(split, index);
    }
    const bool stuck = *length == 0 && (!split || split->shape.ndim == 0);
    if (*length < 0 || *length > rest || stuck)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "piece %zu is %lld long, %lld are left",
                         index, (long long)*length, (long long)rest);
    return TDNN_OK;
}

static tdnn_status split(tdnn_exec *ctx, tdnn_pieces *items)
{
    const split_params *p = ctx->params;
    const tdnn_tensor *in = ctx->in[0], *lengths = ctx->input_count > 1 ? ctx->in[1] : NULL;
    int axis;
    if (in->kind != TDNN_KIND_TENSOR)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input 0 is no tensor");
    TDNN_TRY(tdnn_axis_resolve(p->axis, in->shape.ndim, &axis, ctx->err));
    if (lengths && (lengths->shape.ndim > 1 || !tdnn_dtype_is_int(lengths->dtype)))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "the lengths are neither an integer nor a list of them");
    const int64_t whole = in->shape.dim[axis];
    const size_t listed = lengths && lengths->shape.ndim ? (size_t)lengths->shape.dim[0] : 0;
    for (int64_t at = 0; at < whole || items->count < listed;) {
        int64_t length;
        tdnn_tensor *piece;
        TDNN_TRY(piece_length(ctx, lengths, items->count, whole - at, &length));
        TDNN_TRY(
            tdnn_piece_take(in, axis, at, length, lengths || p->keepdims, &piece, ctx->err));
        TDNN_TRY(tdnn_pieces_add(items, piece, ctx->err));
        at += length;
    }
    return make_list(ctx, in->dtype, items->at, items->count);
}

static tdnn_status split_exec(tdnn_exec *ctx)
{
    tdnn_pieces items = {0};
    const tdnn_status status = split(ctx, &items);
    tdnn_pieces_free(&items);
    return status;
}

static const tdnn_attr split_attrs[] = {
    TDNN_INT(split_params, axis, 0),
    TDNN_INT(split_params, keepdims, 1),
    {0},
};

const tdnn_op tdnn_op_SplitToSequence = {
    .schema = {TDNN_SCHEMA(SplitToSequence, 1, 2, 1, 1, split_attrs, split_params)},
    .flags = TDNN_OP_LISTS,
    .exec = split_exec,
};

typedef struct join_params {
    int64_t axis, new_axis;
} join_params;

static tdnn_status join_exec(tdnn_exec *ctx)
{
    const join_params *p = ctx->params;
    int axis;
    TDNN_TRY(check_list(ctx, 0));
    const tdnn_tensor *list = ctx->in[0], *first = tdnn_tensor_item(list, 0);
    if (!first) return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "the sequence is empty");
    TDNN_TRY(
        tdnn_axis_resolve(p->axis, first->shape.ndim + (p->new_axis != 0), &axis, ctx->err));
    return tdnn_piece_join((tdnn_tensor *const *)list->data, item_count(list), axis,
                           p->new_axis != 0, &ctx->out[0], ctx->err);
}

static const tdnn_attr join_attrs[] = {
    {.name = "axis",
     .type = TDNN_ATTR_INT,
     .required = true,
     .offset = offsetof(join_params, axis)},
    TDNN_INT(join_params, new_axis, 0),
    {0},
};

const tdnn_op tdnn_op_ConcatFromSequence = {
    .schema = {TDNN_SCHEMA(ConcatFromSequence, 1, 1, 1, 1, join_attrs, join_params)},
    .flags = TDNN_OP_LISTS,
    .exec = join_exec,
};

/* ---- SequenceMap ---- */

typedef struct map_params {
    int64_t body;
} map_params;

/* Items number `index` of the sequences among the inputs, and the tensors as they are. */
static tdnn_status map_inputs(tdnn_exec *ctx, size_t index, tdnn_tensor **in)
{
    for (size_t i = 0; i < ctx->input_count; i++) {
        const tdnn_tensor *t = ctx->in[i];
        if (t && t->kind == TDNN_KIND_SEQUENCE) t = tdnn_tensor_item(t, index);
        if (!t)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "sequence %zu has no item %zu", i,
                             index);
        in[i] = tdnn_tensor_retain(t);
    }
    return TDNN_OK;
}

static tdnn_status map_items(tdnn_exec *ctx, size_t body, tdnn_tensor **in, tdnn_tensor **out,
                             tdnn_pieces *results)
{
    const size_t count = item_count(ctx->in[0]);
    for (size_t k = 0; k < count; k++) {
        tdnn_status status = map_inputs(ctx, k, in);
        if (!status)
            status =
                tdnn_exec_subgraph(ctx, body, in, ctx->input_count, out, ctx->output_count);
        for (size_t i = 0; i < ctx->input_count; i++) {
            tdnn_tensor_release(in[i]);
            in[i] = NULL;
        }
        TDNN_TRY(status);
        for (size_t i = 0; i < ctx->output_count; i++) {
            tdnn_tensor *item = out[i];
            out[i] = NULL;
            if (!status)
                status = tdnn_pieces_add(&results[i], item, ctx->err);
            else
                tdnn_tensor_release(item);
        }
        TDNN_TRY(status);
    }
    for (size_t i = 0; i < ctx->output_count; i++)
        TDNN_TRY(tdnn_tensor_create_list(TDNN_KIND_SEQUENCE, TDNN_NONE, results[i].at,
                                         results[i].count, &ctx->out[i], ctx->err));
    return TDNN_OK;
}

static tdnn_status map_exec(tdnn_exec *ctx)
{
    const map_params *p = ctx->params;
    TDNN_TRY(check_list(ctx, 0));
    if (p->body < 0 || (size_t)p->body >= ctx->node->subgraph_count)
        return TDNN_FAIL(ctx->err, TDNN_ERR_FORMAT, "the body is missing");
    tdnn_tensor **in = tdnn_calloc(ctx->input_count, sizeof *in);
    tdnn_tensor **out = tdnn_calloc(ctx->output_count, sizeof *out);
    tdnn_pieces *results = tdnn_calloc(ctx->output_count, sizeof *results);
    tdnn_status status = in && out && results ? TDNN_OK : TDNN_NO_MEMORY(ctx->err);
    if (!status) status = map_items(ctx, (size_t)p->body, in, out, results);
    for (size_t i = 0; results && i < ctx->output_count; i++) tdnn_pieces_free(&results[i]);
    tdnn_free(in);
    tdnn_free(out);
    tdnn_free(results);
    return status;
}

static const tdnn_attr map_attrs[] = {TDNN_GRAPH(map_params, body), {0}};

const tdnn_op tdnn_op_SequenceMap = {
    .schema = {TDNN_SCHEMA(SequenceMap, 1, -1, 1, -1, map_attrs, map_params)},
    .flags = TDNN_OP_LISTS,
    .exec = map_exec,
};
