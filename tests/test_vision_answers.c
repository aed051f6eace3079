/* Top classes, softmax, label files, drawing. */
#include "tests/test.h"

#include "lib/base/file.h"
#include "lib/vision/font.h"
#include "lib/vision/image.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static void best_classes_come_first(void **state)
{
    (void)state;
    tdnn_error err;
    float scores[] = {0.1f, 0.7f, NAN, 0.7f, 0.2f, /* row 1 */ 5, 4, 3, 2, 1};
    tdnn_shape shape = tdnn_shape_make(4, (int64_t[]){2, 5, 1, 1});
    tdnn_tensor *tensor;
    assert_ok(tdnn_tensor_wrap(scores, sizeof scores, TDNN_F32, &shape, &tensor, &err), err);
    tdnn_class_score best[9];
    size_t count = 3;
    assert_ok(tdnn_top_classes(tensor, 0, best, &count, &err), err);
    assert_int_equal(count, 3);
    assert_int_equal(best[0].class_id, 1); /* of equal scores the lower class */
    assert_int_equal(best[1].class_id, 3);
    assert_int_equal(best[2].class_id, 4);
    count = 9;
    assert_ok(tdnn_top_classes(tensor, 0, best, &count, &err), err);
    assert_int_equal(count, 5);
    assert_int_equal(best[4].class_id, 2); /* NaN is worse than anything */
    assert_ok(tdnn_top_classes(tensor, 1, best, &count, &err), err);
    assert_true(best[0].score == 5 && best[4].class_id == 4);
    assert_status(tdnn_top_classes(tensor, 2, best, &count, &err), TDNN_ERR_ARGUMENT);
    assert_int_equal(count, 0);
    assert_status(tdnn_top_classes(NULL, 0, best, &count, &err), TDNN_ERR_ARGUMENT);
    tdnn_tensor_release(tensor);
}

static void integer_scores_are_read(void **state)
{
    (void)state;
    tdnn_error err;
    int8_t scores[] = {-128, 3, 127};
    tdnn_shape shape = tdnn_shape_make(1, (int64_t[]){3});
    tdnn_tensor *tensor;
    assert_ok(tdnn_tensor_wrap(scores, sizeof scores, TDNN_I8, &shape, &tensor, &err), err);
    tdnn_class_score best;
    size_t count = 1;
    assert_ok(tdnn_top_classes(tensor, 0, &best, &count, &err), err);
    assert_true(best.class_id == 2 && best.score == 127);
    tdnn_tensor_release(tensor);
}

static void softmax_sums_to_one(void **state)
{
    (void)state;
    float large[] = {1000, 1001, 1000};
    tdnn_softmax(large, 3);
    float e = expf(1);
    assert_true(fabsf(large[1] - e / (2 + e)) < 1e-6f);
    assert_true(fabsf(large[0] + large[1] + large[2] - 1) < 1e-6f);
    tdnn_softmax(large, 0);
    tdnn_softmax(NULL, 3);
}

static tdnn_status read_labels(const char *text, size_t size, tdnn_labels **out,
                               tdnn_error *err)
{
    char path[] = "/tmp/tdnn-labels-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_ok(tdnn_file_write(path, text, size, err), *err);
    tdnn_status status = tdnn_labels_read(path, out, err);
    if (status) assert_string_equal(err->where, path);
    unlink(path);
    return status;
}

static void labels_are_lines(void **state)
{
    (void)state;
    tdnn_error err;
    tdnn_labels *labels;
    const char text[] = "\xef\xbb\xbf"
                        "cat\r\n\r\nhot dog \nlast\n\n\n";
    assert_ok(read_labels(text, sizeof text - 1, &labels, &err), err);
    assert_int_equal(tdnn_labels_count(labels), 4);
    assert_string_equal(tdnn_labels_get(labels, 0), "cat");
    assert_string_equal(tdnn_labels_get(labels, 1), "");
    assert_string_equal(tdnn_labels_get(labels, 2), "hot dog ");
    assert_string_equal(tdnn_labels_get(labels, 3), "last");
    assert_null(tdnn_labels_get(labels, 4));
    assert_null(tdnn_labels_get(labels, -1));
    assert_null(tdnn_labels_get(NULL, 0));
    tdnn_labels_free(labels);
    assert_ok(read_labels("one", 3, &labels, &err), err); /* no newline at the end */
    assert_string_equal(tdnn_labels_get(labels, 0), "one");
    tdnn_labels_free(labels);
    tdnn_labels_free(NULL);
}

static void bad_label_files_are_refused(void **state)
{
    (void)state;
    tdnn_error err;
    tdnn_labels *labels;
    assert_status(read_labels("a\0b", 3, &labels, &err), TDNN_ERR_FORMAT);
    assert_null(labels);
    assert_status(read_labels("\n\n", 2, &labels, &err), TDNN_ERR_FORMAT);
    assert_status(read_labels("", 0, &labels, &err), TDNN_ERR_FORMAT);
    assert_status(tdnn_labels_read("/nonesuch/labels", &labels, &err), TDNN_ERR_IO);
    assert_status(tdnn_labels_read(NULL, &labels, &err), TDNN_ERR_ARGUMENT);
}

static void font_has_all_of_ascii(void **state)
{
    (void)state;
    for (int c = '!'; c < 0x7f; c++) {
        char text[] = {(char)c, '\0'};
        const char *at = text;
        int glyph = tdnn_font_next(&at), dots = 0;
        assert_ptr_equal(at, text + 1);
        for (int y = 0; y < TDNN_FONT_HEIGHT; y++)
            for (int x = 0; x < TDNN_FONT_WIDTH; x++) dots += tdnn_font_row(glyph, y)[x] == '#';
        if (dots < 2) fail_msg("'%c' has %d dots", c, dots);
    }
    const char *umlaut = "\xc3\xa4x";
    tdnn_font_next(&umlaut);
    assert_string_equal(umlaut, "x");
    const char *broken = "\xe2";
    tdnn_font_next(&broken);
    assert_string_equal(broken, "");
}

static const unsigned char *pixel(const tdnn_image *image, int x, int y)
{
    return (const unsigned char *)tdnn_image_row(image, y) + x * 3;
}

static void boxes_and_plates_are_drawn(void **state)
{
    (void)state;
    tdnn_error err;
    tdnn_image *image;
    assert_ok(tdnn_image_create(400, 300, TDNN_BGR8, &image, &err), err);
    tdnn_detection both[] = {{{100, 100, 200, 100}, 0.9f, 0, 0, 0, {0}},
                             {{10, 10, 50, 50}, 0.9f, 1, 1, 0, {0}}};
    tdnn_detections list = {both, 2, 2};
    assert_ok(tdnn_draw_detections(image, &list, 0, NULL, &err), err);
    const unsigned char none[3] = {0};
    assert_memory_not_equal(pixel(image, 100, 150), none, 3); /* sides */
    assert_memory_not_equal(pixel(image, 299, 150), none, 3);
    assert_memory_not_equal(pixel(image, 200, 199), none, 3);
    assert_memory_equal(pixel(image, 200, 150), none, 3);    /* nothing inside */
    assert_memory_not_equal(pixel(image, 101, 90), none, 3); /* the plate above */
    assert_memory_equal(pixel(image, 30, 10), none, 3);      /* the other image's box */
    int text = 0, plate = 0;
    for (int y = 87; y < 98; y++)
        for (int x = 100; x < 150; x++) {
            text += !memcmp(pixel(image, x, y), none, 3);
            plate += !memcmp(pixel(image, x, y), pixel(image, 100, 150), 3);
        }
    assert_true(text > 30 && plate > 200); /* black letters on the class's colour */
    tdnn_image_free(image);
}

static void wild_boxes_stay_in_the_picture(void **state)
{
    (void)state;
    tdnn_error err;
    float far = 1e30f;
    const tdnn_pixels formats[] = {TDNN_BGR8, TDNN_RGBA8};
    tdnn_detection wild[] = {{{-far, -far, 2 * far, 2 * far}, 0.5f, 3, 0, 0, {0}},
                             {{NAN, 5, INFINITY, 5}, NAN, -7, 0, 5, {NAN, far, -far, 3}},
                             {{5, 5, -20, -20}, 0.5f, 2147483647, 0, 0, {0}},
                             {{0, 0, 0, 0}, 0.5f, 0, 0, 5, {0}}};
    tdnn_detections list = {wild, 4, 4};
    for (int side = 1; side < 40; side += 6)
        for (int i = 0; i < 2; i++) {
            tdnn_image *image;
            assert_ok(tdnn_image_create(side, 41 - side, formats[i], &image, &err), err);
            assert_ok(tdnn_draw_detections(image, &list, 0, NULL, &err), err);
            tdnn_image_free(image);
        }
}

static void only_colour_bytes_are_drawn_on(void **state)
{
    (void)state;
    tdnn_error err;
    tdnn_image *gray;
    tdnn_detections list = TDNN_DETECTIONS_INIT;
    assert_ok(tdnn_image_create(4, 4, TDNN_GRAY8, &gray, &err), err);
    assert_status(tdnn_draw_detections(gray, &list, 0, NULL, &err), TDNN_ERR_ARGUMENT);
    assert_status(tdnn_draw_detections(NULL, &list, 0, NULL, &err), TDNN_ERR_ARGUMENT);
    tdnn_image_free(gray);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(best_classes_come_first),
        cmocka_unit_test(integer_scores_are_read),
        cmocka_unit_test(softmax_sums_to_one),
        cmocka_unit_test(labels_are_lines),
        cmocka_unit_test(bad_label_files_are_refused),
        cmocka_unit_test(font_has_all_of_ascii),
        cmocka_unit_test(boxes_and_plates_are_drawn),
        cmocka_unit_test(wild_boxes_stay_in_the_picture),
        cmocka_unit_test(only_colour_bytes_are_drawn_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
