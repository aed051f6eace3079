/* Joining, cutting, padding. */
#include "parsers/tensorflow/ops.h"

#include <string.h>

/* ---- Joining ---- */

static tdnn_status know_concat(const tf_call *c, size_t from, size_t count, tf_value *v,
                               tdnn_error *err)
{
    int64_t numbers[TF_KNOWN_MOST];
    size_t total = 0;
    for (size_t i = from; i < from + count; i++) {
        const tf_value *x = c->inputs[i];
        if (!x->known || x->shape.ndim > 1 || total + x->known_count > TF_KNOWN_MOST)
            return TDNN_OK;
        memcpy(numbers + total, x->known, x->known_count * sizeof *numbers);
        total += x->known_count;
    }
    v->shape = tf_unknown_shape(1);
    v->shape.dim[0] = (int64_t)total;
    return tf_set_known(c->scope, v, numbers, total, err);
}

/* Concat has its axis in front, ConcatV2 at the end. */
tdnn_status tf_import_concat(tf_call *c, tdnn_error *err)
{
    const bool front = tf_is(c->node, "Concat");
    if (c->input_count < 2)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu inputs, expected 2 at least",
                         c->input_count);
    const size_t count = c->input_count - 1, from = front ? 1 : 0;
    int64_t axis, sum = 0;
    tf_value like, *v;
    tdnn_id id, *ids = tdnn_zone_alloc(c->scope->model->zone, count + 1, sizeof *ids);
    tdnn_node *node;
    if (!ids) return TDNN_NO_MEMORY(err);
    TDNN_TRY(tf_input_int(c, front ? 0 : count, "axis", &axis, err));
    TDNN_TRY(tf_unify(c, from, count, ids, &like, err));
    if (axis < 0 || like.first) {
        tf_value known = like;
        for (size_t i = from; known.shape.ndim < 0 && i < from + count; i++)
            known.shape = c->inputs[i]->shape;
        TDNN_TRY(tf_axis(&known, axis, &axis, err));
        like.shape = known.shape;
    }
    if (c->inputs[from]->boxes)
        axis = 2; /* OpenCV's texts mean the boxes, whatever number they say */
    if (like.block[0] && axis != like.shape.ndim - 1)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "joining blocks along %lld",
                         (long long)axis);
    TDNN_TRY(tf_last(c, TDNN_OP_Concat, ids, count, &node, &id, err));
    ((tdnn_axis_params *)node->params)->axis = tf_axis_place(&like, axis);
    for (size_t i = from; i < from + count; i++) {
        const tdnn_shape *s = &c->inputs[i]->shape;
        if (s->ndim <= axis || s->dim[axis] < 0 || s->dim[axis] > INT32_MAX) sum = -1;
        if (sum >= 0) sum += s->dim[axis];
    }
    TDNN_TRY(tf_value_like(c->scope, &like, id, &v, err));
    v->boxes = c->inputs[from]->boxes;
    if (axis < v->shape.ndim) v->shape.dim[axis] = sum;
    TDNN_TRY(tf_give(c, 0, v, err));
    return axis == 0 ? know_concat(c, from, count, v, err) : TDNN_OK;
}

tdnn_status tf_import_pack(tf_call *c, tdnn_error *err)
{
    const int64_t axis = tf_attr_int(c, "axis", 0);
    tdnn_id axes, id,
        *ids = tdnn_zone_alloc(c->scope->model->zone, c->input_count + 1, sizeof *ids);
    tdnn_shape shape = tf_unknown_shape(-1);
    tdnn_node *node;
    tf_value *v;
    if (!ids) return TDNN_NO_MEMORY(err);
    if (!c->input_count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "no inputs, expected one at least");
    TDNN_TRY(tf_const_ints(c, &axis, 1, &axes, err));
    for (size_t i = 0; i < c->input_count; i++) {
        TDNN_TRY(tf_input_plain(c, i, &ids[i], err));
        TDNN_TRY(
            tf_inner(c, TDNN_OP_Unsqueeze, (tdnn_id[2]){ids[i], axes}, 2, NULL, &ids[i], err));
        if (shape.ndim < 0) shape = c->inputs[i]->shape;
    }
    TDNN_TRY(tf_last(c, TDNN_OP_Concat, ids, c->input_count, &node, &id, err));
    ((tdnn_axis_params *)node->params)->axis = axis;
    if (shape.ndim >= TDNN_MAX_DIMS)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "too many dimensions");
    const bool scalars = shape.ndim == 0;
    if (shape.ndim >= 0) shape = tf_unknown_shape(shape.ndim + 1);
    if (scalars) shape.dim[0] = (int64_t)c->input_count;
    TDNN_TRY(tf_give_new(c, 0, id, c->inputs[0]->dtype, &shape, &v, err));
    return scalars ? know_concat(c, 0, c->input_count, v, err) : TDNN_OK;
}

/* ---- Splitting ---- */

enum { MOST_PIECES = 1 << 16 };

static tdnn_status give_pieces(const tf_call *c, const tf_value *like, const tdnn_node *node,
                               tdnn_error *err)
{
    for (size_t i = 0; i < node->output_count; i++) {
        tf_value *v;
        TDNN_TRY(tf_value_like(c->scope, like, node->outputs[i], &v, err));
        TDNN_TRY(tf_give(c, i, v, err));
    }
    return TDNN_OK;
}

/* Split: axis, value. SplitV: value, sizes, axis. */
tdnn_status tf_import_split(tf_call *c, tdnn_error *err)
{
    const bool sizes_given = tf_is(c->node, "SplitV");
    const int64_t *sizes = NULL, count = tf_attr_int(c, "num_split", 0);
    size_t size_count = 0, inputs = 1;
    int64_t axis, plain;
    tf_value *x;
    tdnn_id ids[2];
    tdnn_node *node;
    if (count < 1 || count > MOST_PIECES)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "num_split %lld, expected 1 or more",
                         (long long)count);
    TDNN_TRY(tf_input(c, sizes_given ? 0 : 1, &x, err));
    TDNN_TRY(tf_input_int(c, sizes_given ? 2 : 0, "axis", &axis, err));
    if (sizes_given) TDNN_TRY(tf_input_ints(c, 1, "sizes", &sizes, &size_count, err));
    if (sizes_given && size_count != (size_t)count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu sizes, expected %lld", size_count,
                         (long long)count);
    plain = axis;
    if (x->first || x->shape.ndim >= 0) TDNN_TRY(tf_axis(x, axis, &plain, err));
    tf_value like = *x;
    int64_t *fixed = tdnn_zone_alloc(c->scope->model->zone, (size_t)count, sizeof *fixed);
    if (!fixed) return TDNN_NO_MEMORY(err);
    const int64_t whole = x->shape.ndim > plain && plain >= 0 ? x->shape.dim[plain] : -1;
    int64_t rest = whole, missing = -1;
    for (int64_t i = 0; sizes && i < count; i++) {
        if (sizes[i] < -1 || sizes[i] > INT32_MAX)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a size of %lld", (long long)sizes[i]);
        fixed[i] = sizes[i];
        if (sizes[i] < 0)
            missing = i;
        else
            rest -= sizes[i];
    }
    if (missing >= 0 && (whole < 0 || rest < 0))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "a size of -1 where the whole is not known");
    if (missing >= 0) fixed[missing] = rest;
    ids[0] = x->id;
    if (sizes) TDNN_TRY(tf_const_ints(c, fixed, (size_t)count, &ids[inputs++], err));
    TDNN_TRY(tf_many(c, TDNN_OP_Split, ids, inputs, (size_t)count, &node, err));
    TDNN_TRY(tf_set_int(c, node, "axis", tf_axis_place(x, plain), err));
    if (!sizes) TDNN_TRY(tf_set_int(c, node, "num_outputs", count, err));
    if (!sizes && whole >= 0 && whole % count)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%lld cannot be split into %lld equal parts",
                         (long long)whole, (long long)count);
    if (plain >= 0 && plain < like.shape.ndim)
        like.shape.dim[plain] = sizes ? -1 : whole < 0 ? -1 : whole / count;
    return give_pieces(c, &like, node, err);
}

tdnn_status tf_import_unpack(tf_call *c, tdnn_error *err)
{
    const int64_t count = tf_attr_int(c, "num", 0), axis = tf_attr_int(c, "axis", 0);
    tf_value *x;
    tdnn_id ids[2], piece;
    tdnn_node *node;
    if (count < 1 || count > MOST_PIECES)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "num %lld, expected 1 or more",
                         (long long)count);
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_plain(c->scope, x, &ids[0], err));
    TDNN_TRY(tdnn_graph_add_node(c->scope->graph, TDNN_OP_Split, c->name, 1, (size_t)count,
                                 &node, err));
    node->inputs[0] = ids[0];
    TDNN_TRY(tf_set_int(c, node, "axis", axis, err));
    TDNN_TRY(tf_set_int(c, node, "num_outputs", count, err));
    TDNN_TRY(tf_const_ints(c, &axis, 1, &ids[1], err));
    tdnn_shape shape = tf_unknown_shape(x->shape.ndim > 0 ? x->shape.ndim - 1 : -1);
    for (size_t i = 0; i < (size_t)count; i++) {
        tf_value *v;
        const char *name =
            i ? tdnn_zone_printf(c->scope->model->zone, "%s:%zu", c->name, i) : c->name;
        if (!name) return TDNN_NO_MEMORY(err);
        TDNN_TRY(tdnn_graph_add_value(c->scope->graph, NULL, &node->outputs[i], err));
        ids[0] = node->outputs[i];
        TDNN_TRY(tdnn_graph_append(c->scope->graph, TDNN_OP_Squeeze, name, ids, 2, NULL, &piece,
                                   err));
        TDNN_TRY(tf_give_new(c, i, piece, x->dtype, &shape, &v, err));
        if (x->known && x->shape.ndim == 1 && i < x->known_count)
            TDNN_TRY(tf_set_known(c->scope, v, &x->known[i], 1, err));
    }
    return TDNN_OK;
}

/* ---- Padding ---- */

static tdnn_status pad_list(const tf_call *c, const tf_value *x, const tf_value *pads,
                            tdnn_id *out, tf_value *like, tdnn_error *err)
{
    static const int64_t perm[2] = {1, 0}, flat[1] = {-1};
    int64_t list[2 * TDNN_MAX_DIMS];
    const size_t n = pads->known_count / 2;
    if (!pads->known) {
        TDNN_TRY(tf_cast(c, pads->id, TDNN_I64, out, err));
        TDNN_TRY(tf_transpose(c, *out, perm, 2, out, err));
        return tf_reshape(c, *out, flat, 1, out, err);
    }
    if (pads->known_count % 2 || n > TDNN_MAX_DIMS ||
        (x->shape.ndim >= 0 && n != (size_t)x->shape.ndim))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "%zu paddings, expected two for each of %d dimensions",
                         pads->known_count, x->shape.ndim);
    for (size_t i = 0; i < n; i++) {
        const int64_t a = pads->known[2 * i], b = pads->known[2 * i + 1],
                      at = tf_axis_place(like, (int64_t)i);
        if (a < 0 || b < 0 || a > INT32_MAX || b > INT32_MAX)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a padding of %lld",
                             (long long)(a < 0 ? a : b));
        list[at] = a;
        list[n + (size_t)at] = b;
        if (like->shape.ndim >= 0 && like->shape.dim[i] >= 0)
            like->shape.dim[i] = like->shape.dim[i] > INT32_MAX ? -1 : like->shape.dim[i] + a + b;
    }
    return tf_const_ints(c, list, 2 * n, out, err);
}

/* Pad, PadV2, MirrorPad: SYMMETRIC repeats the edge, REFLECT does not. */
tdnn_status tf_import_pad(tf_call *c, tdnn_error *err)
{
    tf_value *x, *pads, *v;
    tdnn_id ids[3], id;
    tdnn_node *node;
    size_t inputs = 2;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_input(c, 1, &pads, err));
    tf_value like = *x;
    ids[0] = x->id;
    if (!pads->known) {
        TDNN_TRY(tf_plain(c->scope, x, &ids[0], err));
        like.first = false;
        like.shape = tf_unknown_shape(x->shape.ndim);
    }
    TDNN_TRY(pad_list(c, x, pads, &ids[1], &like, err));
    const bool mirror = tf_is(c->node, "MirrorPad");
    if (tf_is(c->node, "PadV2")) TDNN_TRY(tf_input_plain(c, 2, &ids[inputs++], err));
    const char *mode = tf_attr_text(c, "mode", "");
    const bool symmetric = mirror && !strcmp(mode, "SYMMETRIC");
    if (mirror && !symmetric && strcmp(mode, "REFLECT") != 0)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                         "mode \"%s\", expected REFLECT or SYMMETRIC", mode);
    if (symmetric) { /* the IR has no such mode: edges are joined on, dimension by dimension */
        return tf_import_symmetric_pad(c, err);
    }
    TDNN_TRY(tf_last(c, TDNN_OP_Pad, ids, inputs, &node, &id, err));
    if (mirror) TDNN_TRY(tf_set_text(c, node, "mode", "reflect", err));
    TDNN_TRY(tf_value_like(c->scope, &like, id, &v, err));
    return tf_give(c, 0, v, err);
}

/* The first (or last) `count` along a dimension, backwards. */
static tdnn_status mirrored(const tf_call *c, tdnn_id in, int64_t axis, int64_t count,
                            bool first, tdnn_id *out, tdnn_error *err)
{
    const int64_t step = -1, begin = first ? count - 1 : INT64_MAX,
                  end = first ? -INT64_MAX : -count - 1;
    tdnn_id ids[5] = {in};
    TDNN_TRY(tf_const_ints(c, &begin, 1, &ids[1], err));
    TDNN_TRY(tf_const_ints(c, &end, 1, &ids[2], err));
    TDNN_TRY(tf_const_ints(c, &axis, 1, &ids[3], err));
    TDNN_TRY(tf_const_ints(c, &step, 1, &ids[4], err));
    return tf_inner(c, TDNN_OP_Slice, ids, 5, NULL, out, err);
}

tdnn_status tf_import_symmetric_pad(tf_call *c, tdnn_error *err)
{
    tf_value *x, *v;
    const int64_t *pads;
    size_t count;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_input_ints(c, 1, "paddings", &pads, &count, err));
    tf_value like = *x;
    tdnn_id id = x->id, unused;
    TDNN_TRY(pad_list(c, x, c->inputs[1], &unused, &like, err));
    for (size_t i = 0; i < count / 2; i++) {
        tdnn_id parts[3];
        size_t n = 0;
        tdnn_node *node;
        const int64_t axis = tf_axis_place(x, (int64_t)i);
        if (!pads[2 * i] && !pads[2 * i + 1]) continue;
        if (pads[2 * i]) TDNN_TRY(mirrored(c, id, axis, pads[2 * i], true, &parts[n++], err));
        parts[n++] = id;
        if (pads[2 * i + 1])
            TDNN_TRY(mirrored(c, id, axis, pads[2 * i + 1], false, &parts[n++], err));
        TDNN_TRY(tf_last(c, TDNN_OP_Concat, parts, n, &node, &id, err));
        ((tdnn_axis_params *)node->params)->axis = axis;
    }
    TDNN_TRY(tf_value_like(c->scope, &like, id, &v, err));
    return tf_give(c, 0, v, err);
}
