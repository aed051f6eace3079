/* TensorLists, which TensorFlow 2 has in place of TensorArrays: a list is its elements,
 * stacked; or a sequence, once it is written here and there, or enters a function. One that is
 * reserved has none until a loop has written it (op_loop.c). */
#include "parsers/tensorflow/ops.h"

#include <string.h>

/* ---- As sequences ---- */

/* Behind the elements' number, what is known of input `index`, their shape. */
static void element_shape(const tf_call *c, size_t index, tdnn_shape *out)
{
    const tf_value *v = index < c->input_count ? c->inputs[index] : NULL;
    *out = tf_unknown_shape(-1);
    if (!v || !v->known || v->shape.ndim != 1 || v->known_count >= TDNN_MAX_DIMS) return;
    *out = tf_unknown_shape((int)v->known_count + 1);
    for (size_t i = 0; i < v->known_count; i++)
        out->dim[i + 1] = v->known[i] < 0 ? -1 : v->known[i];
}

tdnn_status tf_give_list(const tf_call *c, size_t port, tdnn_id sequence, const tf_value *like,
                         tdnn_error *err)
{
    tdnn_shape shape = like->shape;
    tf_value *v;
    if (shape.ndim > 0) shape.dim[0] = -1;
    c->scope->graph->values[sequence].kind = TDNN_KIND_SEQUENCE;
    TDNN_TRY(tf_give_new(c, port, sequence, like->dtype, &shape, &v, err));
    v->flow = v->sequence = true;
    return TDNN_OK;
}

/* As many zeros as were reserved; empty ones where nobody knows how large. */
static tdnn_status make_reserved(const tf_call *c, const tf_value *list, tdnn_id *out,
                                 tdnn_error *err)
{
    static const int64_t flat = -1;
    const size_t ndim = list->shape.ndim > 0 ? (size_t)list->shape.ndim - 1 : 1;
    int64_t sizes[TDNN_MAX_DIMS] = {0};
    tdnn_id count, dims, zero;
    for (size_t i = 0; list->shape.ndim > 0 && i < ndim; i++)
        sizes[i] = list->shape.dim[i + 1] < 0 ? 0 : list->shape.dim[i + 1];
    TDNN_TRY(tf_cast(c, list->reserved, TDNN_I64, &count, err));
    TDNN_TRY(tf_reshape(c, count, &flat, 1, &count, err));
    TDNN_TRY(tf_const_ints(c, sizes, ndim, &dims, err));
    TDNN_TRY(tf_concat(c, (tdnn_id[2]){count, dims}, 2, 0, &dims, err));
    TDNN_TRY(tf_const_scalar(c, list->dtype, 0, &zero, err));
    return tf_two(c, TDNN_OP_Expand, zero, dims, out, err);
}

tdnn_status tf_list_sequence(const tf_call *c, const tf_value *list, tdnn_id *out,
                             tdnn_error *err)
{
    tdnn_id stacked = list->id;
    tdnn_node *node;
    *out = list->id;
    if (list->sequence) return TDNN_OK;
    if (stacked == TDNN_ABSENT && list->reserved == TDNN_ABSENT)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a list is read that nothing has filled");
    if (stacked == TDNN_ABSENT) TDNN_TRY(make_reserved(c, list, &stacked, err));
    TDNN_TRY(tf_inner(c, TDNN_OP_SplitToSequence, &stacked, 1, &node, out, err));
    c->scope->graph->values[*out].kind = TDNN_KIND_SEQUENCE;
    return tf_set_int(c, node, "keepdims", 0, err);
}

static tdnn_status list_input(const tf_call *c, tf_value **list, tdnn_error *err)
{
    TDNN_TRY(tf_input(c, 0, list, err));
    return (*list)->flow ? TDNN_OK : TDNN_FAIL(err, TDNN_ERR_FORMAT, "input 0 is no list");
}

/* The elements one upon the other. */
static tdnn_status stacked(const tf_call *c, const tf_value *list, tdnn_id *out,
                           tdnn_error *err)
{
    tdnn_id sequence;
    tdnn_node *node;
    *out = list->id;
    if (!list->sequence && list->id != TDNN_ABSENT) return TDNN_OK;
    TDNN_TRY(tf_list_sequence(c, list, &sequence, err));
    TDNN_TRY(tf_inner(c, TDNN_OP_ConcatFromSequence, &sequence, 1, &node, out, err));
    TDNN_TRY(tf_set_int(c, node, "axis", 0, err));
    return tf_set_int(c, node, "new_axis", 1, err);
}

static tdnn_shape shape_of_element(const tf_value *list)
{
    tdnn_shape shape = tf_unknown_shape(list->shape.ndim > 0 ? list->shape.ndim - 1 : -1);
    for (int i = 0; i < shape.ndim; i++) shape.dim[i] = list->shape.dim[i + 1];
    return shape;
}

/* ---- Making ---- */

/* element shape, how many */
tdnn_status tf_import_list_reserve(tf_call *c, tdnn_error *err)
{
    tf_value *list;
    TDNN_TRY(tf_value_make(c->scope, TDNN_ABSENT, tf_attr_type(c, "element_dtype", TDNN_F32),
                           NULL, &list, err));
    list->flow = true;
    element_shape(c, 0, &list->shape);
    if (c->input_count > 1) TDNN_TRY(tf_input_plain(c, 1, &list->reserved, err));
    return tf_give(c, 0, list, err);
}

/* element shape, how many at most */
tdnn_status tf_import_list_empty(tf_call *c, tdnn_error *err)
{
    tf_value like = {.dtype = tf_attr_type(c, "element_dtype", TDNN_F32)};
    tdnn_id id;
    tdnn_node *node;
    element_shape(c, 0, &like.shape);
    TDNN_TRY(tf_inner(c, TDNN_OP_SequenceEmpty, NULL, 0, &node, &id, err));
    TDNN_TRY(tf_set_int(c, node, "dtype", like.dtype, err));
    return tf_give_list(c, 0, id, &like, err);
}

/* tensor, element shape */
tdnn_status tf_import_list_from_tensor(tf_call *c, tdnn_error *err)
{
    tf_value *x, *list;
    tdnn_id id;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_plain(c->scope, x, &id, err));
    TDNN_TRY(tf_give_new(c, 0, id, x->dtype, &x->shape, &list, err));
    list->flow = true;
    return TDNN_OK;
}

/* tensor, element shape, lengths */
tdnn_status tf_import_list_split(tf_call *c, tdnn_error *err)
{
    tf_value *x;
    tdnn_id ids[2], id;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_plain(c->scope, x, &ids[0], err));
    TDNN_TRY(tf_input_plain(c, 2, &ids[1], err));
    TDNN_TRY(tf_cast(c, ids[1], TDNN_I64, &ids[1], err));
    tf_value like = {.dtype = x->dtype, .shape = tf_unknown_shape(-1)};
    TDNN_TRY(tf_inner(c, TDNN_OP_SplitToSequence, ids, 2, NULL, &id, err));
    return tf_give_list(c, 0, id, &like, err);
}

/* tensor, places, element shape, how many (-1: as the places want) */
tdnn_status tf_import_list_scatter(tf_call *c, tdnn_error *err)
{
    static const int64_t column[2] = {-1, 1};
    tf_value *x, *list;
    tdnn_id places, count, shape, sizes, zero, at[3], rest, one, many, open;
    tdnn_node *node;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_plain(c->scope, x, &at[2], err));
    TDNN_TRY(tf_input_plain(c, 1, &places, err));
    TDNN_TRY(tf_cast(c, places, TDNN_I64, &places, err));
    TDNN_TRY(tf_inner(c, TDNN_OP_ReduceMax, &places, 1, &node, &count, err));
    TDNN_TRY(tf_with(c, TDNN_OP_Add, count, TDNN_I64, 1, &count, err));
    if (c->input_count > 3) {
        TDNN_TRY(tf_input_plain(c, 3, &many, err));
        TDNN_TRY(tf_cast(c, many, TDNN_I64, &many, err));
        TDNN_TRY(tf_two(c, TDNN_OP_Max, count, many, &count, err));
    }
    TDNN_TRY(tf_reshape(c, count, column, 1, &count, err));
    TDNN_TRY(tf_one(c, TDNN_OP_Shape, at[2], &shape, err));
    TDNN_TRY(tf_const_ints(c, (int64_t[1]){1}, 1, &one, err));
    TDNN_TRY(tf_const_ints(c, (int64_t[1]){TDNN_MAX_DIMS}, 1, &open, err));
    TDNN_TRY(tf_three(c, TDNN_OP_Slice, shape, one, open, &rest, err));
    TDNN_TRY(tf_concat(c, (tdnn_id[2]){count, rest}, 2, 0, &sizes, err));
    TDNN_TRY(tf_const_scalar(c, x->dtype, 0, &zero, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Expand, zero, sizes, &at[0], err));
    TDNN_TRY(tf_reshape(c, places, column, 2, &at[1], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_ScatterND, at, 3, NULL, &at[0], err));
    tdnn_shape known = x->shape;
    if (known.ndim > 0) known.dim[0] = -1;
    TDNN_TRY(tf_give_new(c, 0, at[0], x->dtype, &known, &list, err));
    list->flow = true;
    return TDNN_OK;
}

/* ---- Changing ---- */

/* list, index, element: in a loop's body, whose importer checks the index; or anywhere. */
tdnn_status tf_import_list_set(tf_call *c, tdnn_error *err)
{
    tf_value *list, *x, *index, *v;
    tdnn_id id;
    TDNN_TRY(list_input(c, &list, err));
    TDNN_TRY(tf_input(c, 1, &index, err));
    TDNN_TRY(tf_input(c, 2, &x, err));
    TDNN_TRY(tf_plain(c->scope, x, &id, err));
    if (!c->scope->frame) {
        tf_value like = {.dtype = x->dtype, .shape = list->shape};
        tdnn_id sequence, at;
        TDNN_TRY(tf_list_sequence(c, list, &sequence, err));
        TDNN_TRY(tf_plain(c->scope, index, &at, err));
        TDNN_TRY(tf_two(c, TDNN_OP_SequenceErase, sequence, at, &sequence, err));
        TDNN_TRY(tf_three(c, TDNN_OP_SequenceInsert, sequence, id, at, &sequence, err));
        return tf_give_list(c, 0, sequence, &like, err);
    }
    if (list->id != TDNN_ABSENT)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a list that is written twice");
    TDNN_TRY(tf_give_new(c, 0, id, x->dtype, &x->shape, &v, err));
    v->flow = true;
    return TDNN_OK;
}

/* list, element */
tdnn_status tf_import_list_push(tf_call *c, tdnn_error *err)
{
    tf_value *list;
    tdnn_id ids[2], id;
    TDNN_TRY(list_input(c, &list, err));
    TDNN_TRY(tf_list_sequence(c, list, &ids[0], err));
    TDNN_TRY(tf_input_plain(c, 1, &ids[1], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_SequenceInsert, ids, 2, NULL, &id, err));
    return tf_give_list(c, 0, id, list, err);
}

/* list, element shape; the rest of the list, and its last element. */
tdnn_status tf_import_list_pop(tf_call *c, tdnn_error *err)
{
    tf_value *list;
    tdnn_id sequence, last, rest, id;
    TDNN_TRY(list_input(c, &list, err));
    TDNN_TRY(tf_list_sequence(c, list, &sequence, err));
    TDNN_TRY(tf_const_int(c, -1, &last, err));
    TDNN_TRY(tf_two(c, TDNN_OP_SequenceErase, sequence, last, &rest, err));
    TDNN_TRY(tf_two(c, TDNN_OP_SequenceAt, sequence, last, &id, err));
    tdnn_shape shape = shape_of_element(list);
    TDNN_TRY(tf_give_list(c, 0, rest, list, err));
    return tf_give_new(c, 1, id, list->dtype, &shape, NULL, err);
}

/* ---- Reading ---- */

/* list, index, element shape */
tdnn_status tf_import_list_get(tf_call *c, tdnn_error *err)
{
    tf_value *list, *index;
    tdnn_id sequence, at, id;
    TDNN_TRY(list_input(c, &list, err));
    TDNN_TRY(tf_input(c, 1, &index, err));
    TDNN_TRY(tf_plain(c->scope, index, &at, err));
    if (!list->sequence && list->id != TDNN_ABSENT) {
        TDNN_TRY(tf_two(c, TDNN_OP_Gather, list->id, at, &id, err));
    } else {
        TDNN_TRY(tf_list_sequence(c, list, &sequence, err));
        TDNN_TRY(tf_two(c, TDNN_OP_SequenceAt, sequence, at, &id, err));
    }
    tdnn_shape shape = shape_of_element(list);
    return tf_give_new(c, 0, id, list->dtype, &shape, NULL, err);
}

/* list, element shape */
tdnn_status tf_import_list_stack(tf_call *c, tdnn_error *err)
{
    tf_value *list;
    tdnn_shape shape;
    tdnn_id id;
    TDNN_TRY(list_input(c, &list, err));
    TDNN_TRY(stacked(c, list, &id, err));
    element_shape(c, 1, &shape);
    return tf_give_new(c, 0, id, list->dtype, list->shape.ndim < 0 ? &shape : &list->shape,
                       NULL, err);
}

/* list, places, element shape */
tdnn_status tf_import_list_gather(tf_call *c, tdnn_error *err)
{
    tf_value *list;
    tdnn_id ids[2], id;
    TDNN_TRY(list_input(c, &list, err));
    TDNN_TRY(stacked(c, list, &ids[0], err));
    TDNN_TRY(tf_input_plain(c, 1, &ids[1], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Gather, ids, 2, NULL, &id, err));
    tdnn_shape shape = list->shape;
    if (shape.ndim > 0) shape.dim[0] = -1;
    return tf_give_new(c, 0, id, list->dtype, &shape, NULL, err);
}

/* list, ...: the elements one behind the other, of any lengths */
tdnn_status tf_import_list_concat(tf_call *c, tdnn_error *err)
{
    tf_value *list;
    tdnn_id sequence, id;
    tdnn_node *node;
    TDNN_TRY(list_input(c, &list, err));
    TDNN_TRY(tf_list_sequence(c, list, &sequence, err));
    TDNN_TRY(tf_inner(c, TDNN_OP_ConcatFromSequence, &sequence, 1, &node, &id, err));
    TDNN_TRY(tf_set_int(c, node, "axis", 0, err));
    tdnn_shape shape = shape_of_element(list);
    if (shape.ndim > 0) shape.dim[0] = -1;
    return tf_give_new(c, 0, id, list->dtype, &shape, NULL, err);
}

tdnn_status tf_import_list_length(tf_call *c, tdnn_error *err)
{
    static const tdnn_shape scalar = {.ndim = 0};
    static const int64_t first = 0;
    tf_value *list;
    tdnn_id id = TDNN_ABSENT;
    TDNN_TRY(list_input(c, &list, err));
    if (list->sequence)
        TDNN_TRY(tf_one(c, TDNN_OP_SequenceLength, list->id, &id, err));
    else if (list->id != TDNN_ABSENT)
        TDNN_TRY(tf_dims(c, list->id, &first, 1, &id, err));
    else if (list->reserved != TDNN_ABSENT)
        id = list->reserved;
    else
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a list is read that nothing has filled");
    TDNN_TRY(tf_cast(c, id, TDNN_I32, &id, err));
    TDNN_TRY(tf_reshape(c, id, NULL, 0, &id, err));
    return tf_give_new(c, 0, id, TDNN_I32, &scalar, NULL, err);
}
