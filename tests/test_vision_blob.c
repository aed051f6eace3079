/* Blobs: values by hand. That they are blobFromImages' is judged by judges/blob_vs_opencv.py.
 */
#include "tests/test.h"

#include "lib/base/mem.h"

#include <math.h>

static tdnn_tensor *make(const tdnn_image *images, size_t count, const tdnn_blob_params *params,
                         tdnn_placement *placements, const int64_t dims[4])
{
    tdnn_error err;
    tdnn_tensor *blob;
    assert_ok(tdnn_blob_from_images(images, count, params, &blob, placements, &err), err);
    for (int i = 0; i < 4; i++) assert_int_equal(tdnn_tensor_shape(blob)->dim[i], dims[i]);
    return blob;
}

static void assert_values(tdnn_tensor *blob, const float *values, size_t count)
{
    const float *got = tdnn_tensor_const_data(blob);
    for (size_t i = 0; i < count; i++)
        if (fabsf(got[i] - values[i]) > 1e-6f * fabsf(values[i]))
            fail_msg("element %zu is %g, expected %g", i, (double)got[i], (double)values[i]);
    tdnn_tensor_release(blob);
}

static unsigned char two_pixels[] = {10, 20, 30, 40, 50, 60}; /* B G R, B G R */
static const tdnn_image two = {two_pixels, 2, 1, 6, TDNN_BGR8};

static void pixels_become_planes(void **state)
{
    (void)state;
    tdnn_blob_params p;
    tdnn_blob_params_init(&p);
    assert_values(make(&two, 1, &p, NULL, (int64_t[]){1, 3, 1, 2}),
                  (float[]){10, 40, 20, 50, 30, 60}, 6);
    p.nhwc = true;
    assert_values(make(&two, 1, &p, NULL, (int64_t[]){1, 1, 2, 3}),
                  (float[]){10, 20, 30, 40, 50, 60}, 6);
}

static void mean_scale_and_std_go_by_output_channel(void **state)
{
    (void)state;
    tdnn_blob_params p;
    tdnn_blob_params_init(&p);
    p.swap_rb = true; /* R G B */
    for (int c = 0; c < 3; c++) {
        p.mean[c] = (float)(c + 1);
        p.scale[c] = (float)(10 * (c + 1));
        p.std[c] = (float)(1 << c);
    }
    const float expected[] = {290, 590, 180, 480, 52.5f, 277.5f};
    assert_values(make(&two, 1, &p, NULL, (int64_t[]){1, 3, 1, 2}), expected, 6);
}

static void bytes_stay_bytes(void **state)
{
    (void)state;
    tdnn_blob_params p;
    tdnn_blob_params_init(&p);
    p.dtype = TDNN_U8;
    p.swap_rb = true;
    tdnn_tensor *blob = make(&two, 1, &p, NULL, (int64_t[]){1, 3, 1, 2});
    assert_memory_equal(tdnn_tensor_const_data(blob),
                        ((unsigned char[]){30, 60, 20, 50, 10, 40}), 6);
    tdnn_tensor_release(blob);
}

/* Centres at -0.25, 0.25, 0.75, 1.25 of the source: weights 0, 1/4, 3/4, 1; 63.75 and 191.25.
 */
static void stretching_is_bilinear(void **state)
{
    (void)state;
    unsigned char edge[] = {0, 255};
    tdnn_image image = {edge, 2, 1, 2, TDNN_GRAY8};
    tdnn_blob_params p;
    tdnn_placement place;
    tdnn_blob_params_init(&p);
    p.width = 4;
    p.height = 1;
    assert_values(make(&image, 1, &p, &place, (int64_t[]){1, 1, 1, 4}),
                  (float[]){0, 64, 191, 255}, 4);
    assert_true(place.scale_x == 2 && place.scale_y == 1 && place.offset_x == 0);
    float floats[] = {0, 1};
    tdnn_image of_floats = {floats, 2, 1, 8, TDNN_GRAYF};
    assert_values(make(&of_floats, 1, &p, NULL, (int64_t[]){1, 1, 1, 4}),
                  (float[]){0, 0.25f, 0.75f, 1}, 4);
}

static void halving_is_the_mean_of_four(void **state)
{
    (void)state;
    unsigned char four[] = {1, 2, 5, 6}; /* 3.5, rounded up */
    tdnn_image image = {four, 2, 2, 2, TDNN_GRAY8};
    tdnn_blob_params p;
    tdnn_blob_params_init(&p);
    p.width = p.height = 1;
    assert_values(make(&image, 1, &p, NULL, (int64_t[]){1, 1, 1, 1}), (float[]){4}, 1);
}

static void letterbox_leaves_a_border(void **state)
{
    (void)state;
    tdnn_blob_params p;
    tdnn_placement place;
    tdnn_blob_params_init(&p);
    p.width = 2;
    p.height = 4;
    p.fit = TDNN_FIT_LETTERBOX;
    p.border = 7;
    p.mean[0] = 5;
    tdnn_tensor *blob = make(&two, 1, &p, &place, (int64_t[]){1, 3, 4, 2});
    const float expected[] = {2, 2, 5, 35, 2, 2, 2, 2, 7, 7, 20, 50, 7, 7, 7, 7};
    assert_values(blob, expected, 16);
    assert_true(place.offset_y == 1 && place.offset_x == 0 && place.scale_y == 1);
    assert_int_equal(place.image_width, 2);
    assert_int_equal(place.blob_height, 4);
}

static void crop_takes_the_middle(void **state)
{
    (void)state;
    unsigned char row[] = {1, 2, 3, 4, 5, 6, 7};
    tdnn_image image = {row, 7, 1, 7, TDNN_GRAY8};
    tdnn_blob_params p;
    tdnn_placement place;
    tdnn_blob_params_init(&p);
    p.width = 3;
    p.height = 1;
    p.fit = TDNN_FIT_CROP;
    assert_values(make(&image, 1, &p, &place, (int64_t[]){1, 1, 1, 3}), (float[]){3, 4, 5}, 3);
    assert_true(place.offset_x == -2 && place.scale_x == 1);
}

static void images_of_a_batch_may_differ_in_size(void **state)
{
    (void)state;
    unsigned char flat[5 * 9 * 3];
    memset(flat, 9, sizeof flat);
    const tdnn_image both[] = {two, {flat, 5, 9, 15, TDNN_BGR8}};
    tdnn_blob_params p;
    tdnn_placement places[2];
    tdnn_blob_params_init(&p);
    tdnn_tensor *blob = make(both, 2, &p, places, (int64_t[]){2, 3, 1, 2});
    const float expected[] = {10, 40, 20, 50, 30, 60, 9, 9, 9, 9, 9, 9};
    assert_values(blob, expected, 12);
    assert_int_equal(places[1].image_height, 9);
}

static void every_preset_makes_a_blob(void **state)
{
    (void)state;
    tdnn_error err;
    const char *name;
    size_t count = 0;
    for (; (name = tdnn_blob_preset_name(count)); count++) {
        tdnn_blob_params p;
        assert_ok(tdnn_blob_preset(name, &p, &err), err);
        tdnn_tensor_release(make(&two, 1, &p, NULL, (int64_t[]){1, 3, p.height, p.width}));
    }
    assert_true(count > 10);
    tdnn_blob_params p;
    assert_status(tdnn_blob_preset("nonesuch", &p, &err), TDNN_ERR_NOT_FOUND);
    assert_status(tdnn_blob_preset(NULL, &p, &err), TDNN_ERR_NOT_FOUND);
    assert_ok(tdnn_blob_preset("imagenet", &p, &err), err); /* red: (40 - 123.675) / 58.395 */
    p.width = p.height = 1;
    unsigned char pixel[] = {0, 0, 40};
    tdnn_image image = {pixel, 1, 1, 3, TDNN_BGR8};
    const float expected[] = {-1.43291377f, -2.03571429f, -1.80444444f};
    assert_values(make(&image, 1, &p, NULL, (int64_t[]){1, 3, 1, 1}), expected, 3);
}

static void wrong_arguments_are_named(void **state)
{
    (void)state;
    tdnn_error err;
    tdnn_tensor *out;
    tdnn_blob_params p;
    float number = 0;
    const tdnn_image mixed[] = {two, {two_pixels, 2, 1, 6, TDNN_RGB8}};
    const tdnn_image floats = {&number, 1, 1, 4, TDNN_GRAYF};
    tdnn_blob_params_init(&p);
    assert_status(tdnn_blob_from_images(&two, 0, &p, &out, NULL, &err), TDNN_ERR_ARGUMENT);
    assert_status(tdnn_blob_from_images(&two, 1, NULL, &out, NULL, &err), TDNN_ERR_ARGUMENT);
    assert_status(tdnn_blob_from_images(&two, 1, &p, NULL, NULL, &err), TDNN_ERR_ARGUMENT);
    assert_status(tdnn_blob_from_images(mixed, 2, &p, &out, NULL, &err), TDNN_ERR_ARGUMENT);
    assert_string_equal(err.where, "image 1");
    p.dtype = TDNN_U8;
    assert_status(tdnn_blob_from_images(&floats, 1, &p, &out, NULL, &err), TDNN_ERR_ARGUMENT);
    p.mean[2] = 1;
    assert_status(tdnn_blob_from_images(&two, 1, &p, &out, NULL, &err), TDNN_ERR_ARGUMENT);
    p.dtype = TDNN_I64;
    assert_status(tdnn_blob_from_images(&two, 1, &p, &out, NULL, &err), TDNN_ERR_ARGUMENT);
    tdnn_blob_params_init(&p);
    p.width = 5;
    assert_status(tdnn_blob_from_images(&two, 1, &p, &out, NULL, &err), TDNN_ERR_ARGUMENT);
    p.height = -5;
    assert_status(tdnn_blob_from_images(&two, 1, &p, &out, NULL, &err), TDNN_ERR_ARGUMENT);
    p.width = p.height = 1 << 20;
    assert_status(tdnn_blob_from_images(&two, 1, &p, &out, NULL, &err), TDNN_ERR_LIMIT);
    tdnn_blob_params_init(&p);
    p.std[1] = 0;
    assert_status(tdnn_blob_from_images(&two, 1, &p, &out, NULL, &err), TDNN_ERR_ARGUMENT);
    assert_null(out);
}

static void extreme_shapes_are_cropped_or_refused(void **state)
{
    (void)state;
    static unsigned char thin[100000];
    tdnn_image image = {thin, 100000, 1, 100000, TDNN_GRAY8};
    tdnn_blob_params p;
    tdnn_error err;
    tdnn_tensor *out;
    tdnn_blob_params_init(&p);
    p.width = p.height = 3;
    p.fit = TDNN_FIT_CROP;
    tdnn_tensor_release(make(&image, 1, &p, NULL, (int64_t[]){1, 1, 3, 3}));
    p.fit = TDNN_FIT_LETTERBOX;
    tdnn_tensor_release(make(&image, 1, &p, NULL, (int64_t[]){1, 1, 3, 3}));
    p.fit = TDNN_FIT_CROP;
    p.height = 1 << 20;
    assert_status(tdnn_blob_from_images(&image, 1, &p, &out, NULL, &err), TDNN_ERR_LIMIT);
    assert_null(out);
}

static void refused_memory_is_an_error(void **state)
{
    (void)state;
    tdnn_blob_params p;
    tdnn_blob_params_init(&p);
    p.width = p.height = 5;
    tdnn_status status = TDNN_ERR_MEMORY;
    for (size_t n = 1; status && n < 50; n++) {
        tdnn_error err;
        tdnn_tensor *out;
        tdnn_alloc_fail_after(n);
        status = tdnn_blob_from_images(&two, 1, &p, &out, NULL, &err);
        tdnn_alloc_fail_after(0);
        if (status) assert_int_equal(status, TDNN_ERR_MEMORY);
        tdnn_tensor_release(out);
    }
    assert_int_equal(status, TDNN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_become_planes),
        cmocka_unit_test(mean_scale_and_std_go_by_output_channel),
        cmocka_unit_test(bytes_stay_bytes),
        cmocka_unit_test(stretching_is_bilinear),
        cmocka_unit_test(halving_is_the_mean_of_four),
        cmocka_unit_test(letterbox_leaves_a_border),
        cmocka_unit_test(crop_takes_the_middle),
        cmocka_unit_test(images_of_a_batch_may_differ_in_size),
        cmocka_unit_test(every_preset_makes_a_blob),
        cmocka_unit_test(wrong_arguments_are_named),
        cmocka_unit_test(extreme_shapes_are_cropped_or_refused),
        cmocka_unit_test(refused_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
