/* Errors, checked sizes, memory, zones, shapes, element types. */
#include "tests/test.h"

#include "lib/base/bytes.h"
#include "lib/base/tensor.h"

#include <math.h>

static void error_says_what_and_where(void **state)
{
    (void)state;
    tdnn_error err;
    assert_int_equal(TDNN_FAIL(&err, TDNN_ERR_SHAPE, "axis %d, expected %s", 3, "0"),
                     TDNN_ERR_SHAPE);
    assert_int_equal(err.status, TDNN_ERR_SHAPE);
    assert_string_equal(err.message, "axis 3, expected 0");
    assert_string_equal(err.where, "");
    assert_non_null(strstr(err.origin, "test_base.c:"));
    assert_int_equal(tdnn_error_at(&err, TDNN_ERR_SHAPE, "node %s", "a"), TDNN_ERR_SHAPE);
    tdnn_error_at(&err, TDNN_ERR_SHAPE, "node %s", "b"); /* the deepest place stays */
    assert_string_equal(err.where, "node a");
    assert_int_equal(TDNN_FAIL(NULL, TDNN_ERR_IO, "nobody listens"), TDNN_ERR_IO);
    tdnn_error_clear(&err);
    assert_int_equal(err.status, TDNN_OK);
}

static void error_cuts_long_text(void **state)
{
    (void)state;
    tdnn_error err;
    char text[2000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    TDNN_FAIL(&err, TDNN_ERR_IO, "%s", text);
    tdnn_error_at(&err, TDNN_ERR_IO, "%s", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_int_equal(strlen(err.where), sizeof err.where - 1);
}

static void statuses_have_names(void **state)
{
    (void)state;
    for (int s = TDNN_OK; s <= TDNN_ERR_INTERNAL; s++)
        assert_string_not_equal(tdnn_status_name((tdnn_status)s), "?");
    assert_string_equal(tdnn_status_name((tdnn_status)(TDNN_ERR_INTERNAL + 1)), "?");
    assert_string_equal(tdnn_status_name((tdnn_status)-1), "?");
    assert_string_equal(tdnn_status_name(TDNN_ERR_NOT_FOUND), "not found");
}

static void sizes_do_not_wrap(void **state)
{
    (void)state;
    size_t r = 7;
    assert_false(tdnn_size_mul(SIZE_MAX / 2, 3, &r));
    assert_false(tdnn_size_add(SIZE_MAX, 1, &r));
    assert_int_equal(r, 7);
    assert_true(tdnn_size_mul(6, 7, &r));
    assert_int_equal(r, 42);
    assert_true(tdnn_size_add(SIZE_MAX - 1, 1, &r));
    assert_true(r == SIZE_MAX);
    assert_int_equal(tdnn_round_up(65, 64), 128);
    assert_int_equal(tdnn_round_up(64, 64), 64);
}

static void allocations_are_aligned_and_checked(void **state)
{
    (void)state;
    assert_null(tdnn_alloc(SIZE_MAX / 2, 3));
    assert_null(tdnn_calloc(SIZE_MAX, 1));
    for (size_t n = 0; n < 300; n += 37) {
        unsigned char *p = tdnn_calloc(n, 1);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % TDNN_ALIGN, 0);
        for (size_t i = 0; i < n; i++) assert_int_equal(p[i], 0);
        tdnn_free(p);
    }
    char *text = tdnn_alloc(4, 1);
    assert_non_null(text);
    memcpy(text, "abc", 4);
    assert_null(tdnn_realloc(text, 4, SIZE_MAX, 2)); /* and `text` stays */
    text = tdnn_realloc(text, 4, 1000, 1);
    assert_non_null(text);
    assert_string_equal(text, "abc");
    tdnn_free(text);
}

static void zone_keeps_what_it_gave(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    tdnn_zone *zone = tdnn_zone_create();
    assert_non_null(zone);
    unsigned char *block[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = i * 7 % 900 + 1;
        block[i] = tdnn_zone_alloc(zone, size, 1);
        assert_non_null(block[i]);
        assert_int_equal((uintptr_t)block[i] % (size >= 256 ? TDNN_ALIGN : 16), 0);
        for (size_t j = 0; j < size; j++) assert_int_equal(block[i][j], 0);
        memset(block[i], (int)(i & 0xff), size);
    }
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < i * 7 % 900 + 1; j++) assert_int_equal(block[i][j], i & 0xff);
    assert_true(tdnn_zone_bytes(zone) >= COUNT);
    assert_null(tdnn_zone_alloc(zone, SIZE_MAX / 2, 4));
    assert_non_null(tdnn_zone_alloc(zone, 5 << 20, 1)); /* larger than any chunk */
    assert_string_equal(tdnn_zone_strdup(zone, "conv"), "conv");
    assert_string_equal(tdnn_zone_strndup(zone, "convolution", 4), "conv");
    assert_string_equal(tdnn_zone_printf(zone, "%s_%d", "conv", 12), "conv_12");
    tdnn_zone_free(zone);
    tdnn_zone_free(NULL);
}

static void zone_array_grows(void **state)
{
    (void)state;
    tdnn_zone *zone = tdnn_zone_create();
    int *list = NULL;
    size_t count = 0, capacity = 0;
    for (int i = 0; i < 1000; i++) {
        assert_true(TDNN_ZONE_PUSH(zone, list, count, capacity));
        list[count++] = i;
    }
    for (int i = 0; i < 1000; i++) assert_int_equal(list[i], i);
    tdnn_zone_free(zone);
}

static void allocation_fails_at_every_n(void **state)
{
    (void)state;
    size_t n = 1;
    for (;; n++) {
        tdnn_alloc_fail_after(n);
        tdnn_zone *zone = tdnn_zone_create();
        bool done = zone && tdnn_zone_alloc(zone, 8000, 1) && tdnn_zone_alloc(zone, 80000, 1) &&
                    tdnn_zone_strdup(zone, "x");
        tdnn_zone_free(zone);
        tdnn_alloc_fail_after(0);
        if (done) break;
    }
    assert_int_equal(n, 4); /* zone, two chunks; the string has room */
}

static void cursor_stops_at_the_end(void **state)
{
    (void)state;
    tdnn_cursor c = tdnn_cursor_make("abcdef", 6);
    char two[2];
    volatile size_t endless = SIZE_MAX; /* not known to the compiler, which would object */
    assert_true(tdnn_cursor_read(&c, two, 2));
    assert_memory_equal(two, "ab", 2);
    assert_null(tdnn_cursor_take(&c, 5));
    assert_false(tdnn_cursor_read(&c, two, endless));
    assert_int_equal(tdnn_cursor_offset(&c), 2);
    assert_memory_equal(tdnn_cursor_take(&c, 4), "cdef", 4);
    assert_int_equal(tdnn_cursor_left(&c), 0);
}

static void dtypes_have_names_and_bits(void **state)
{
    (void)state;
    static const int bits[TDNN_DTYPE_COUNT] = {0, 32, 8,  8,  16, 16, 32,  64, 0,
                                               8, 16, 64, 32, 64, 64, 128, 16, 8,
                                               8, 8,  8,  4,  4,  4,  8,   2,  2};
    for (int t = 0; t < TDNN_DTYPE_COUNT; t++) {
        assert_int_equal(tdnn_dtype_bits((tdnn_dtype)t), bits[t]);
        assert_string_not_equal(tdnn_dtype_name((tdnn_dtype)t), "?");
        for (int u = 0; u < t; u++)
            assert_string_not_equal(tdnn_dtype_name((tdnn_dtype)t),
                                    tdnn_dtype_name((tdnn_dtype)u));
    }
    assert_string_equal(tdnn_dtype_name(TDNN_I64), "i64");
    assert_string_equal(tdnn_dtype_name((tdnn_dtype)-1), "?");
    assert_string_equal(tdnn_dtype_name(TDNN_DTYPE_COUNT), "?");
    assert_int_equal(tdnn_dtype_bits((tdnn_dtype)99), 0);
}

static void shapes_count_and_print(void **state)
{
    (void)state;
    char text[TDNN_SHAPE_TEXT];
    tdnn_shape image = tdnn_shape_make(4, (int64_t[]){1, 3, 224, 224});
    assert_int_equal(tdnn_shape_count(&image), 150528);
    assert_string_equal(tdnn_shape_text(&image, text), "1x3x224x224");
    tdnn_shape scalar = tdnn_shape_make(0, NULL);
    assert_int_equal(tdnn_shape_count(&scalar), 1);
    assert_string_equal(tdnn_shape_text(&scalar, text), "scalar");
    tdnn_shape open = tdnn_shape_make(2, (int64_t[]){-1, 3});
    assert_int_equal(tdnn_shape_count(&open), -1);
    assert_false(tdnn_shape_known(&open));
    assert_string_equal(tdnn_shape_text(&open, text), "?x3");
    tdnn_shape any = {.ndim = -1};
    assert_int_equal(tdnn_shape_count(&any), -1);
    assert_string_equal(tdnn_shape_text(&any, text), "any");
    tdnn_shape huge = tdnn_shape_make(3, (int64_t[]){INT64_MAX, 2, 2});
    assert_int_equal(tdnn_shape_count(&huge), -1);
    huge.dim[2] = 0;
    assert_int_equal(tdnn_shape_count(&huge), 0);
    int64_t wide[8];
    for (int i = 0; i < 8; i++) wide[i] = INT64_MAX;
    tdnn_shape widest = tdnn_shape_make(8, wide);
    assert_int_equal(strlen(tdnn_shape_text(&widest, text)), TDNN_SHAPE_TEXT - 1);
    assert_true(tdnn_shape_equal(&image, &image));
    assert_false(tdnn_shape_equal(&image, &open));
    assert_int_equal(tdnn_shape_count(NULL), -1);
    tdnn_shape nine = tdnn_shape_make(9, (int64_t[]){1, 1, 1, 1, 1, 1, 1, 1, 1});
    assert_int_equal(tdnn_shape_count(&nine), -1);
}

static void sizes_of_types_and_layouts(void **state)
{
    (void)state;
    size_t bytes;
    tdnn_shape shape = tdnn_shape_make(4, (int64_t[]){2, 3, 5, 7});
    assert_true(tdnn_tensor_size(TDNN_F32, &shape, &bytes));
    assert_int_equal(bytes, 840);
    assert_true(tdnn_tensor_size(TDNN_C128, &shape, &bytes));
    assert_int_equal(bytes, 3360);
    assert_true(tdnn_layout_size(TDNN_F32, &shape, TDNN_LAYOUT_C8, &bytes));
    assert_int_equal(bytes, 2 * 8 * 5 * 7 * 4);
    assert_true(tdnn_layout_size(TDNN_U8, &shape, TDNN_LAYOUT_C16, &bytes));
    assert_int_equal(bytes, 2 * 16 * 5 * 7);
    assert_false(tdnn_layout_size(TDNN_U4, &shape, TDNN_LAYOUT_C16, &bytes));
    tdnn_shape five = tdnn_shape_make(1, (int64_t[]){5});
    assert_true(tdnn_tensor_size(TDNN_I4, &five, &bytes));
    assert_int_equal(bytes, 3);
    assert_true(tdnn_tensor_size(TDNN_U2, &five, &bytes));
    assert_int_equal(bytes, 2);
    assert_false(tdnn_layout_size(TDNN_F32, &five, TDNN_LAYOUT_C8, &bytes));
    tdnn_shape huge = tdnn_shape_make(4, (int64_t[]){1, INT64_MAX, 1, 1});
    assert_false(tdnn_tensor_size(TDNN_F32, &huge, &bytes));
    assert_false(tdnn_layout_size(TDNN_U8, &huge, TDNN_LAYOUT_C8, &bytes));
    assert_false(tdnn_tensor_size(TDNN_NONE, &five, &bytes));
}

typedef struct decoded {
    tdnn_dtype dtype;
    uint64_t bits;
    double value; /* NAN: not a number */
} decoded;

/* Worked out by hand from the definitions of the formats. */
static const decoded known[] = {
    {TDNN_F16, 0x3c00, 1.0},
    {TDNN_F16, 0xc000, -2.0},
    {TDNN_F16, 0x7bff, 65504.0},
    {TDNN_F16, 0x0001, 0x1p-24},
    {TDNN_F16, 0x7c00, HUGE_VAL},
    {TDNN_F16, 0xfe00, NAN},
    {TDNN_BF16, 0x3f80, 1.0},
    {TDNN_BF16, 0xc049, -3.140625},
    {TDNN_BF16, 0xff80, -HUGE_VAL},
    {TDNN_F8E4M3FN, 0x38, 1.0},
    {TDNN_F8E4M3FN, 0x7e, 448.0},
    {TDNN_F8E4M3FN, 0x7f, NAN},
    {TDNN_F8E4M3FN, 0x01, 0x1p-9},
    {TDNN_F8E4M3FNUZ, 0x40, 1.0},
    {TDNN_F8E4M3FNUZ, 0x7f, 240.0},
    {TDNN_F8E4M3FNUZ, 0x80, NAN},
    {TDNN_F8E5M2, 0x3c, 1.0},
    {TDNN_F8E5M2, 0x7b, 57344.0},
    {TDNN_F8E5M2, 0xfc, -HUGE_VAL},
    {TDNN_F8E5M2FNUZ, 0x40, 1.0},
    {TDNN_F8E5M2FNUZ, 0x7f, 57344.0},
    {TDNN_F4E2M1, 0x7, 6.0},
    {TDNN_F4E2M1, 0x9, -0.5},
    {TDNN_F4E2M1, 0x3, 1.5},
    {TDNN_F8E8M0, 127, 1.0},
    {TDNN_F8E8M0, 0, 0x1p-127},
    {TDNN_F8E8M0, 255, NAN},
    {TDNN_U64, UINT64_MAX, 0x1p64},
    {TDNN_I64, UINT64_MAX, -1.0},
    {TDNN_U32, 0xffffffff, 4294967295.0},
    {TDNN_I32, 0x80000000, -2147483648.0},
    {TDNN_U16, 0xffff, 65535.0},
    {TDNN_I16, 0xffff, -1.0},
    {TDNN_U8, 0xff, 255.0},
    {TDNN_I8, 0x80, -128.0},
    {TDNN_BOOL, 1, 1.0},
    {TDNN_I4, 0x8, -8.0},
    {TDNN_I4, 0x7, 7.0},
    {TDNN_U4, 0xf, 15.0},
    {TDNN_I2, 0x2, -2.0},
    {TDNN_I2, 0x1, 1.0},
    {TDNN_U2, 0x3, 3.0},
};

static void elements_decode(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const decoded *k = &known[i];
        int width = tdnn_dtype_bits(k->dtype);
        /* The element at index 1, behind a zero one. */
        uint64_t words[2] = {0, 0};
        if (width < 8)
            words[0] = k->bits << width;
        else
            memcpy((char *)words + width / 8, &k->bits, (size_t)width / 8);
        tdnn_tensor t = {.dtype = k->dtype, .data = words};
        double got = tdnn_tensor_get_f64(&t, 1);
        if (isnan(k->value) ? !isnan(got) : got != k->value)
            fail_msg("%s 0x%llx is %g, expected %g", tdnn_dtype_name(k->dtype),
                     (unsigned long long)k->bits, got, k->value);
        double zero = k->dtype == TDNN_F8E8M0 ? 0x1p-127 : 0;
        assert_true(tdnn_tensor_get_f64(&t, 0) == zero);
        if (!tdnn_dtype_is_float(k->dtype) && k->dtype != TDNN_U64)
            assert_true((double)tdnn_tensor_get_i64(&t, 1) == k->value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_says_what_and_where),
        cmocka_unit_test(error_cuts_long_text),
        cmocka_unit_test(statuses_have_names),
        cmocka_unit_test(sizes_do_not_wrap),
        cmocka_unit_test(allocations_are_aligned_and_checked),
        cmocka_unit_test(zone_keeps_what_it_gave),
        cmocka_unit_test(zone_array_grows),
        cmocka_unit_test(allocation_fails_at_every_n),
        cmocka_unit_test(cursor_stops_at_the_end),
        cmocka_unit_test(dtypes_have_names_and_bits),
        cmocka_unit_test(shapes_count_and_print),
        cmocka_unit_test(sizes_of_types_and_layouts),
        cmocka_unit_test(elements_decode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
