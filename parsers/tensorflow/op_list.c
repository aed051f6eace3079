/* TensorLists, which TensorFlow 2 has in place of TensorArrays: a list is its elements,
 * stacked. One that is reserved has none until a loop has written it (op_loop.c). */
#include "parsers/tensorflow/ops.h"

#include <string.h>

/* element shape, how many */
tdnn_status tf_import_list_reserve(tf_call *c, tdnn_error *err)
{
    tf_value *list;
    TDNN_TRY(tf_value_make(c->scope, TDNN_ABSENT, tf_attr_type(c, "element_dtype", TDNN_F32),
                           NULL, &list, err));
    list->flow = true;
    return tf_give(c, 0, list, err);
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

static tdnn_status list_input(const tf_call *c, bool filled, tf_value **out, tdnn_error *err)
{
    TDNN_TRY(tf_input(c, 0, out, err));
    if (!(*out)->flow) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "input 0 is no list");
    if (filled && (*out)->id == TDNN_ABSENT)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a list is read that nothing has filled");
    return TDNN_OK;
}

/* list, index, element shape */
tdnn_status tf_import_list_get(tf_call *c, tdnn_error *err)
{
    tf_value *list, *index;
    tdnn_id id;
    TDNN_TRY(list_input(c, true, &list, err));
    TDNN_TRY(tf_input(c, 1, &index, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Gather, list->id, index->id, &id, err));
    tdnn_shape shape = tf_unknown_shape(list->shape.ndim > 0 ? list->shape.ndim - 1 : -1);
    for (int i = 0; i < shape.ndim; i++) shape.dim[i] = list->shape.dim[i + 1];
    return tf_give_new(c, 0, id, list->dtype, &shape, NULL, err);
}

/* list, index, element: in a loop's body, whose importer checks the index. */
tdnn_status tf_import_list_set(tf_call *c, tdnn_error *err)
{
    tf_value *list, *x, *v;
    tdnn_id id;
    TDNN_TRY(list_input(c, false, &list, err));
    TDNN_TRY(tf_input(c, 2, &x, err));
    if (!c->scope->frame || list->id != TDNN_ABSENT)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                         "a list that is written outside of a loop, or twice");
    TDNN_TRY(tf_plain(c->scope, x, &id, err));
    TDNN_TRY(tf_give_new(c, 0, id, x->dtype, &x->shape, &v, err));
    v->flow = true;
    return TDNN_OK;
}

/* list, element shape */
tdnn_status tf_import_list_stack(tf_call *c, tdnn_error *err)
{
    tf_value *list;
    TDNN_TRY(list_input(c, true, &list, err));
    return tf_give_new(c, 0, list->id, list->dtype, &list->shape, NULL, err);
}

tdnn_status tf_import_list_length(tf_call *c, tdnn_error *err)
{
    static const tdnn_shape scalar = {.ndim = 0};
    static const int64_t first = 0;
    tf_value *list;
    tdnn_id id;
    TDNN_TRY(list_input(c, true, &list, err));
    TDNN_TRY(tf_dims(c, list->id, &first, 1, &id, err));
    TDNN_TRY(tf_cast(c, id, TDNN_I32, &id, err));
    TDNN_TRY(tf_reshape(c, id, NULL, 0, &id, err));
    return tf_give_new(c, 0, id, TDNN_I32, &scalar, NULL, err);
}
