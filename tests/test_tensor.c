/* Tensors of every type, strings, sequences, optionals: made, viewed, shared, copied, refused.
 */
#include "tests/test.h"

#include "lib/base/tensor.h"

static tdnn_error err;

static void every_type_starts_at_zero(void **state)
{
    (void)state;
    tdnn_shape shape = tdnn_shape_make(2, (int64_t[]){3, 5});
    for (int d = TDNN_NONE + 1; d < TDNN_DTYPE_COUNT; d++) {
        tdnn_dtype dtype = (tdnn_dtype)d;
        tdnn_tensor *t = NULL;
        assert_ok(tdnn_tensor_create(dtype, &shape, &t, &err), err);
        assert_int_equal(tdnn_tensor_dtype(t), dtype);
        assert_int_equal(tdnn_tensor_kind(t), TDNN_KIND_TENSOR);
        assert_true(tdnn_shape_equal(tdnn_tensor_shape(t), &shape));
        if (dtype == TDNN_STRING) {
            assert_null(tdnn_tensor_data(t));
            assert_string_equal(tdnn_tensor_string(t, 14), "");
            assert_null(tdnn_tensor_string(t, 15));
        } else {
            size_t bytes = ((size_t)tdnn_dtype_bits(dtype) * 15 + 7) / 8;
            assert_int_equal(tdnn_tensor_bytes(t), bytes);
            const unsigned char *data = tdnn_tensor_const_data(t);
            assert_int_equal((uintptr_t)data % TDNN_ALIGN, 0);
            for (size_t i = 0; i < bytes; i++) assert_int_equal(data[i], 0);
            memset(tdnn_tensor_data(t), 1, bytes);
        }
        tdnn_tensor *copy = NULL;
        assert_ok(tdnn_tensor_copy(t, &copy, &err), err);
        assert_true(tdnn_tensor_equal(t, copy));
        tdnn_tensor_release(copy);
        tdnn_tensor_release(t);
    }
}

static void scalars_and_empty_ones(void **state)
{
    (void)state;
    tdnn_tensor *scalar = NULL, *empty = NULL;
    assert_ok(tdnn_tensor_f32_scalar(2.5f, &scalar, &err), err);
    assert_int_equal(tdnn_tensor_shape(scalar)->ndim, 0);
    assert_true(tdnn_tensor_get_f64(scalar, 0) == 2.5);
    tdnn_shape none = tdnn_shape_make(3, (int64_t[]){2, 0, INT64_MAX});
    assert_ok(tdnn_tensor_create(TDNN_F64, &none, &empty, &err), err);
    assert_int_equal(tdnn_tensor_bytes(empty), 0);
    tdnn_tensor *copy = NULL;
    assert_ok(tdnn_tensor_copy(empty, &copy, &err), err);
    assert_true(tdnn_tensor_equal(empty, copy));
    assert_false(tdnn_tensor_equal(empty, scalar));
    tdnn_tensor_release(copy);
    tdnn_tensor_release(empty);
    tdnn_tensor_release(scalar);
}

static void bad_arguments_are_refused(void **state)
{
    (void)state;
    tdnn_tensor *t = (tdnn_tensor *)&err;
    tdnn_shape one = tdnn_shape_make(1, (int64_t[]){1});
    tdnn_shape negative = tdnn_shape_make(2, (int64_t[]){2, -1});
    tdnn_shape many = {.ndim = 9}, few = {.ndim = -1};
    tdnn_shape huge = tdnn_shape_make(2, (int64_t[]){INT64_MAX, 2});
    const struct {
        tdnn_dtype dtype;
        const tdnn_shape *shape;
    } bad[] = {{TDNN_F32, NULL},       {TDNN_F32, &negative},   {TDNN_F32, &many},
               {TDNN_F32, &few},       {TDNN_F32, &huge},       {TDNN_NONE, &one},
               {(tdnn_dtype)-1, &one}, {TDNN_DTYPE_COUNT, &one}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_status(tdnn_tensor_create(bad[i].dtype, bad[i].shape, &t, &err),
                      TDNN_ERR_ARGUMENT);
        assert_null(t);
        assert_status(tdnn_tensor_create(bad[i].dtype, bad[i].shape, &t, NULL),
                      TDNN_ERR_ARGUMENT);
    }
    assert_status(tdnn_tensor_create(TDNN_F32, &negative, &t, &err), TDNN_ERR_ARGUMENT);
    assert_string_equal(err.message, "dimension 1 is -1, expected 0 or more");
    assert_status(tdnn_tensor_create(TDNN_F32, &one, NULL, &err), TDNN_ERR_ARGUMENT);
    tdnn_shape large = tdnn_shape_make(1, (int64_t[]){INT64_MAX});
    assert_status(tdnn_tensor_create(TDNN_U8, &large, &t, &err), TDNN_ERR_MEMORY);
    tdnn_tensor_release(NULL);
    assert_null(tdnn_tensor_retain(NULL));
    assert_null(tdnn_tensor_data(NULL));
    assert_null(tdnn_tensor_shape(NULL));
    assert_null(tdnn_tensor_item(NULL, 0));
}

static void views_are_checked(void **state)
{
    (void)state;
    _Alignas(8) float data[7] = {0, 1, 2, 3, 4, 5, 6};
    tdnn_tensor *t = NULL;
    tdnn_shape shape = tdnn_shape_make(2, (int64_t[]){2, 3});
    assert_ok(tdnn_tensor_wrap(data, 24, TDNN_F32, &shape, &t, &err), err);
    assert_ptr_equal(tdnn_tensor_data(t), data);
    ((float *)tdnn_tensor_data(t))[5] = 9;
    tdnn_tensor_release(t);
    assert_true(data[5] == 9);
    assert_status(tdnn_tensor_wrap(data, 28, TDNN_F32, &shape, &t, &err), TDNN_ERR_ARGUMENT);
    assert_string_equal(err.message, "28 bytes for f32 2x3, expected 24");
    assert_status(tdnn_tensor_wrap(NULL, 24, TDNN_F32, &shape, &t, &err), TDNN_ERR_ARGUMENT);
    assert_status(tdnn_tensor_wrap((char *)data + 2, 24, TDNN_F32, &shape, &t, &err),
                  TDNN_ERR_ARGUMENT);
    assert_status(tdnn_tensor_wrap(data, 48, TDNN_STRING, &shape, &t, &err), TDNN_ERR_ARGUMENT);
    assert_null(t);
}

static void count_release(void *owner) { ++*(int *)owner; }

static void adopted_data_goes_with_the_last_reference(void **state)
{
    (void)state;
    int released = 0;
    float data[6] = {1, 2, 3, 4, 5, 6};
    tdnn_shape shape = tdnn_shape_make(2, (int64_t[]){2, 3}),
               flat = tdnn_shape_make(1, (int64_t[]){6});
    tdnn_tensor *t = NULL, *view = NULL, *again = NULL;
    assert_ok(tdnn_tensor_adopt(data, 24, TDNN_F32, &shape, count_release, &released, &t, &err),
              err);
    assert_ok(tdnn_tensor_reshaped(t, &flat, &view, &err), err);
    assert_ok(tdnn_tensor_reshaped(view, &shape, &again, &err), err);
    assert_true(tdnn_tensor_equal(t, again));
    assert_ptr_equal(tdnn_tensor_data(view), data);
    assert_ptr_equal(tdnn_tensor_retain(t), t);
    tdnn_tensor_release(t);
    tdnn_tensor_release(t);
    tdnn_tensor_release(view);
    assert_int_equal(released, 0);
    assert_true(tdnn_tensor_get_f64(again, 5) == 6);
    tdnn_tensor_release(again);
    assert_int_equal(released, 1);
}

static void reshaping_keeps_the_count(void **state)
{
    (void)state;
    tdnn_tensor *t = NULL, *out = NULL;
    assert_ok(tdnn_tensor_i64_vector((int64_t[]){1, 2, 3, 4}, 4, &t, &err), err);
    tdnn_shape five = tdnn_shape_make(1, (int64_t[]){5});
    assert_status(tdnn_tensor_reshaped(t, &five, &out, &err), TDNN_ERR_SHAPE);
    assert_null(out);
    tdnn_shape square = tdnn_shape_make(2, (int64_t[]){2, 2});
    assert_ok(tdnn_tensor_reshaped(t, &square, &out, &err), err);
    assert_int_equal(tdnn_tensor_get_i64(out, 3), 4);
    tdnn_tensor_release(out);
    tdnn_tensor_release(t);
}

static void strings_are_owned(void **state)
{
    (void)state;
    tdnn_shape two = tdnn_shape_make(1, (int64_t[]){2});
    tdnn_tensor *t = NULL, *copy = NULL, *flat = NULL;
    assert_ok(tdnn_tensor_create(TDNN_STRING, &two, &t, &err), err);
    char text[] = "gr\xc3\xbc\xc3\x9f";
    assert_ok(tdnn_tensor_set_string(t, 1, text, &err), err);
    text[0] = 'x';
    assert_string_equal(tdnn_tensor_string(t, 1), "gr\xc3\xbc\xc3\x9f");
    assert_ok(tdnn_tensor_copy(t, &copy, &err), err);
    assert_true(tdnn_tensor_equal(t, copy));
    assert_ok(tdnn_tensor_set_string(copy, 1, "", &err), err);
    assert_false(tdnn_tensor_equal(t, copy));
    assert_string_equal(tdnn_tensor_string(copy, 1), "");
    assert_ok(tdnn_tensor_reshaped(t, &two, &flat, &err), err);
    assert_status(tdnn_tensor_set_string(t, 2, "x", &err), TDNN_ERR_ARGUMENT);
    assert_status(tdnn_tensor_set_string(t, 0, NULL, &err), TDNN_ERR_ARGUMENT);
    tdnn_tensor_release(t);
    assert_string_equal(tdnn_tensor_string(flat, 0), "");
    assert_string_equal(tdnn_tensor_string(flat, 1), "gr\xc3\xbc\xc3\x9f");
    tdnn_tensor_release(flat);
    tdnn_tensor_release(copy);
}

static void lists_retain_their_items(void **state)
{
    (void)state;
    tdnn_tensor *items[2] = {0}, *list = NULL, *copy = NULL, *optional = NULL, *none = NULL;
    assert_ok(tdnn_tensor_i64_vector((int64_t[]){1, 2}, 2, &items[0], &err), err);
    assert_ok(tdnn_tensor_i64_vector((int64_t[]){3}, 1, &items[1], &err), err);
    assert_ok(tdnn_tensor_create_list(TDNN_KIND_SEQUENCE, TDNN_NONE, items, 2, &list, &err),
              err);
    tdnn_tensor_release(items[0]);
    tdnn_tensor_release(items[1]);
    assert_int_equal(tdnn_tensor_dtype(list), TDNN_I64);
    assert_int_equal(tdnn_tensor_shape(list)->dim[0], 2);
    assert_int_equal(tdnn_tensor_get_i64(tdnn_tensor_item(list, 0), 1), 2);
    assert_null(tdnn_tensor_item(list, 2));
    assert_null(tdnn_tensor_data(list));
    assert_ok(tdnn_tensor_copy(list, &copy, &err), err);
    assert_true(tdnn_tensor_equal(list, copy));
    assert_ptr_not_equal(tdnn_tensor_item(list, 0), tdnn_tensor_item(copy, 0));
    assert_ok(tdnn_tensor_create_list(TDNN_KIND_OPTIONAL, TDNN_I64, &list, 1, &optional, &err),
              err);
    assert_ok(tdnn_tensor_create_list(TDNN_KIND_OPTIONAL, TDNN_F32, NULL, 0, &none, &err), err);
    assert_int_equal(tdnn_tensor_shape(none)->dim[0], 0);
    assert_false(tdnn_tensor_equal(none, optional));
    tdnn_tensor_release(none);
    tdnn_tensor_release(copy);
    tdnn_tensor_release(list);
    assert_int_equal(tdnn_tensor_shape(tdnn_tensor_item(optional, 0))->dim[0], 2);
    tdnn_tensor_release(optional);
}

static void bad_lists_are_refused(void **state)
{
    (void)state;
    tdnn_tensor *items[2] = {0}, *list = NULL;
    assert_ok(tdnn_tensor_i64_vector(NULL, 0, &items[0], &err), err);
    assert_ok(tdnn_tensor_f32_scalar(1, &items[1], &err), err);
    assert_status(tdnn_tensor_create_list(TDNN_KIND_SEQUENCE, TDNN_I64, items, 2, &list, &err),
                  TDNN_ERR_ARGUMENT);
    assert_string_equal(err.message, "item 1 is of type f32, expected i64");
    assert_status(tdnn_tensor_create_list(TDNN_KIND_OPTIONAL, TDNN_NONE, items, 2, &list, &err),
                  TDNN_ERR_ARGUMENT);
    assert_status(tdnn_tensor_create_list(TDNN_KIND_TENSOR, TDNN_NONE, items, 1, &list, &err),
                  TDNN_ERR_ARGUMENT);
    assert_status(tdnn_tensor_create_list(TDNN_KIND_SEQUENCE, TDNN_NONE, NULL, 1, &list, &err),
                  TDNN_ERR_ARGUMENT);
    assert_status(
        tdnn_tensor_create_list(TDNN_KIND_SEQUENCE, TDNN_NONE, NULL, SIZE_MAX, &list, &err),
        TDNN_ERR_ARGUMENT);
    assert_null(list);
    tdnn_tensor_release(items[1]);
    tdnn_tensor *inner = items[0];
    int depth = 0;
    while (tdnn_tensor_create_list(TDNN_KIND_SEQUENCE, TDNN_NONE, &inner, 1, &list, &err) ==
           TDNN_OK) {
        tdnn_tensor_release(inner);
        inner = list;
        assert_true(++depth < 100);
    }
    assert_int_equal(depth, 8);
    tdnn_tensor_release(inner);
}

static void unused_bits_do_not_count(void **state)
{
    (void)state;
    tdnn_shape three = tdnn_shape_make(1, (int64_t[]){3});
    unsigned char first[2] = {0x21, 0x03}, second[2] = {0x21, 0xf3}, third[2] = {0x21, 0x04};
    tdnn_tensor *a = NULL, *b = NULL, *c = NULL;
    assert_ok(tdnn_tensor_wrap(first, 2, TDNN_U4, &three, &a, &err), err);
    assert_ok(tdnn_tensor_wrap(second, 2, TDNN_U4, &three, &b, &err), err);
    assert_ok(tdnn_tensor_wrap(third, 2, TDNN_U4, &three, &c, &err), err);
    assert_true(tdnn_tensor_equal(a, b));
    assert_false(tdnn_tensor_equal(a, c));
    tdnn_tensor_release(a);
    tdnn_tensor_release(b);
    tdnn_tensor_release(c);
}

static void copies_want_the_same_type_and_count(void **state)
{
    (void)state;
    tdnn_shape two = tdnn_shape_make(1, (int64_t[]){2});
    tdnn_tensor *a = NULL, *b = NULL, *c = NULL;
    assert_ok(tdnn_tensor_i64_vector((int64_t[]){5, 6}, 2, &a, &err), err);
    assert_ok(tdnn_tensor_create(TDNN_U64, &two, &b, &err), err);
    assert_ok(tdnn_tensor_create(TDNN_I64, &two, &c, &err), err);
    assert_status(tdnn_tensor_copy_into(a, b, &err), TDNN_ERR_SHAPE);
    assert_ok(tdnn_tensor_copy_into(a, c, &err), err);
    assert_true(tdnn_tensor_equal(a, c));
    tdnn_tensor_release(a);
    tdnn_tensor_release(b);
    tdnn_tensor_release(c);
}

/* Everything that allocates, in a row; true if none was refused. */
static bool make_all(void)
{
    tdnn_shape two = tdnn_shape_make(1, (int64_t[]){2});
    tdnn_tensor *text = NULL, *copy = NULL, *view = NULL, *list = NULL, *lists = NULL;
    bool ok =
        tdnn_tensor_create(TDNN_STRING, &two, &text, &err) == TDNN_OK &&
        tdnn_tensor_set_string(text, 0, "first", &err) == TDNN_OK &&
        tdnn_tensor_set_string(text, 1, "second", &err) == TDNN_OK &&
        tdnn_tensor_copy(text, &copy, &err) == TDNN_OK &&
        tdnn_tensor_reshaped(copy, &two, &view, &err) == TDNN_OK &&
        tdnn_tensor_create_list(TDNN_KIND_SEQUENCE, TDNN_NONE, (tdnn_tensor *[]){view, text}, 2,
                                &list, &err) == TDNN_OK &&
        tdnn_tensor_copy(list, &lists, &err) == TDNN_OK;
    tdnn_tensor_release(text);
    tdnn_tensor_release(copy);
    tdnn_tensor_release(view);
    tdnn_tensor_release(list);
    tdnn_tensor_release(lists);
    return ok;
}

static void refused_memory_is_an_error(void **state)
{
    (void)state;
    size_t n = 1;
    for (bool done = false; !done; n++) {
        tdnn_alloc_fail_after(n);
        done = make_all();
        tdnn_alloc_fail_after(0);
        if (!done) assert_int_equal(err.status, TDNN_ERR_MEMORY);
    }
    assert_true(n > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_starts_at_zero),
        cmocka_unit_test(scalars_and_empty_ones),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(views_are_checked),
        cmocka_unit_test(adopted_data_goes_with_the_last_reference),
        cmocka_unit_test(reshaping_keeps_the_count),
        cmocka_unit_test(strings_are_owned),
        cmocka_unit_test(lists_retain_their_items),
        cmocka_unit_test(bad_lists_are_refused),
        cmocka_unit_test(unused_bits_do_not_count),
        cmocka_unit_test(copies_want_the_same_type_and_count),
        cmocka_unit_test(refused_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
