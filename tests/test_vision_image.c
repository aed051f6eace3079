/* Image files: round trips, orientation, and what happens when bytes are missing or wrong. That
 * pixels are imread's is judged by judges/imread_vs_opencv.py. */
#include "tests/test.h"

#include "lib/base/file.h"
#include "lib/vision/image.h"

#include <stdlib.h>
#include <unistd.h>

static tdnn_image *make_image(int width, int height, tdnn_pixels pixels)
{
    tdnn_error err;
    tdnn_image *image;
    assert_ok(tdnn_image_create(width, height, pixels, &image, &err), err);
    for (int y = 0; y < height; y++) {
        unsigned char *row = tdnn_image_row(image, y);
        for (ptrdiff_t i = 0; i < image->stride; i++)
            row[i] = (unsigned char)(y * 37 + i * 11 + y * i % 7 * 40);
    }
    return image;
}

static tdnn_buffer encode_png(const tdnn_image *image)
{
    tdnn_error err;
    tdnn_buffer file = {0};
    assert_ok(tdnn_png_encode(image, &file, &err), err);
    return file;
}

static tdnn_buffer encode_jpeg(const tdnn_image *image)
{
    tdnn_error err;
    tdnn_buffer file = {0};
    assert_ok(tdnn_jpeg_encode(image, 95, &file, &err), err);
    return file;
}

static tdnn_image *decode(const tdnn_buffer *file, tdnn_pixels pixels)
{
    tdnn_error err;
    tdnn_image *image;
    assert_ok(tdnn_image_decode((tdnn_bytes){file->data, file->size}, pixels, &image, &err),
              err);
    return image;
}

/* A new buffer with `extra` put in at `at`. */
static tdnn_buffer insert(const tdnn_buffer *file, size_t at, const void *extra, size_t size)
{
    tdnn_buffer out = {0};
    assert_true(tdnn_buffer_append(&out, file->data, at));
    assert_true(tdnn_buffer_append(&out, extra, size));
    assert_true(tdnn_buffer_append(&out, file->data + at, file->size - at));
    return out;
}

static void png_keeps_every_pixel(void **state)
{
    (void)state;
    const tdnn_pixels all[] = {TDNN_GRAY8, TDNN_BGR8, TDNN_RGB8, TDNN_BGRA8, TDNN_RGBA8};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tdnn_image *image = make_image(19, 7, all[i]);
        tdnn_buffer file = encode_png(image);
        tdnn_image *again = decode(&file, all[i]);
        assert_int_equal(again->width, 19);
        assert_int_equal(again->height, 7);
        assert_memory_equal(again->data, image->data, (size_t)image->stride * 7);
        tdnn_image_free(again);
        tdnn_image_free(image);
        tdnn_free(file.data);
    }
}

static void channels_are_in_the_order_asked_for(void **state)
{
    (void)state;
    tdnn_image *red;
    tdnn_error err;
    assert_ok(tdnn_image_create(16, 16, TDNN_RGB8, &red, &err), err);
    for (int i = 0; i < 256; i++) ((unsigned char *)red->data)[3 * i] = 254;
    tdnn_buffer files[] = {encode_png(red), encode_jpeg(red)};
    for (int i = 0; i < 2; i++) {
        tdnn_image *bgra = decode(&files[i], TDNN_BGRA8), *gray = decode(&files[i], TDNN_GRAY8);
        const unsigned char *p = bgra->data;
        assert_in_range(p[0], 0, 2);
        assert_in_range(p[1], 0, 2);
        assert_in_range(p[2], 252, 255);
        assert_int_equal(p[3], 255);
        assert_in_range(*(unsigned char *)gray->data, 75, 77); /* 0.299 * 254 = 75.9 */
        tdnn_image_free(bgra);
        tdnn_image_free(gray);
        tdnn_free(files[i].data);
    }
    tdnn_image_free(red);
}

/* Where the pixel at x, y of the file is seen, by the definition of the tag. */
static void seen_at(int orientation, int x, int y, int w, int h, int *sx, int *sy)
{
    const int at[9][2] = {{0, 0},         {x, y}, {w - 1 - x, y}, {w - 1 - x, h - 1 - y},
                          {x, h - 1 - y}, {y, x}, {h - 1 - y, x}, {h - 1 - y, w - 1 - x},
                          {y, w - 1 - x}};
    *sx = at[orientation][0];
    *sy = at[orientation][1];
}

static void exif_turns_the_picture(void **state)
{
    (void)state;
    tdnn_image *image = make_image(24, 10, TDNN_BGR8);
    tdnn_buffer plain = encode_jpeg(image);
    tdnn_image *lying = decode(&plain, TDNN_BGR8);
    for (int orientation = 0; orientation <= 9; orientation++) {
        unsigned char app1[] = "\xff\xe1\0\x22"
                               "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0?\0\0\0"
                               "\0\0\0\0";
        app1[28] = (unsigned char)orientation;
        tdnn_buffer file = insert(&plain, 2, app1, sizeof app1 - 1);
        tdnn_image *seen = decode(&file, TDNN_BGR8);
        int o = orientation >= 1 && orientation <= 8 ? orientation : 1;
        assert_int_equal(seen->width, o >= 5 ? 10 : 24);
        assert_int_equal(seen->height, o >= 5 ? 24 : 10);
        for (int y = 0; y < 10; y++)
            for (int x = 0; x < 24; x++) {
                int sx, sy;
                seen_at(o, x, y, 24, 10, &sx, &sy);
                const unsigned char *a = (unsigned char *)tdnn_image_row(lying, y) + 3 * x;
                const unsigned char *b = (unsigned char *)tdnn_image_row(seen, sy) + 3 * sx;
                assert_memory_equal(a, b, 3);
            }
        tdnn_image_free(seen);
        tdnn_free(file.data);
    }
    tdnn_image_free(lying);
    tdnn_image_free(image);
    tdnn_free(plain.data);
}

static void exif_with_wild_offsets_is_ignored(void **state)
{
    (void)state;
    assert_int_equal(tdnn_exif_orientation((const unsigned char *)"MM\0*\xff\xff\xff\xff", 8),
                     1);
    assert_int_equal(
        tdnn_exif_orientation((const unsigned char *)"MM\0*\0\0\0\x08\xff\xff", 10), 1);
    assert_int_equal(tdnn_exif_orientation((const unsigned char *)"II", 2), 1);
}

/* Every cut must fail and say so; a JPEG without its two last bytes, the end marker, is whole.
 */
static void every_cut_fails_cleanly(void **state)
{
    (void)state;
    tdnn_image *image = make_image(33, 21, TDNN_BGR8);
    tdnn_buffer files[] = {encode_png(image), encode_jpeg(image)};
    for (int i = 0; i < 2; i++) {
        size_t whole = i == 1 ? files[i].size - 2 : files[i].size;
        for (size_t size = 0; size < whole; size++) {
            tdnn_error err = {0};
            tdnn_image *out = image;
            unsigned char *cut = malloc(size + 1); /* so that a sanitizer sees reads beyond */
            memcpy(cut, files[i].data, size);
            cut = realloc(cut, size ? size : 1);
            tdnn_status status =
                tdnn_image_decode((tdnn_bytes){cut, size}, TDNN_BGR8, &out, &err);
            if (status != TDNN_ERR_FORMAT) fail_msg("cut at %zu: status %d", size, (int)status);
            assert_null(out);
            assert_true(strlen(err.message) > 10);
            free(cut);
        }
        tdnn_free(files[i].data);
    }
    tdnn_image_free(image);
}

static uint32_t next_random(uint32_t *state)
{
    return *state = *state * 1664525u + 1013904223u;
}

static void random_changes_do_no_harm(void **state)
{
    (void)state;
    tdnn_image *image = make_image(33, 21, TDNN_BGR8);
    tdnn_buffer files[] = {encode_png(image), encode_jpeg(image)};
    uint32_t seed = 1;
    for (int round = 0; round < 4000; round++) {
        const tdnn_buffer *file = &files[round % 2];
        unsigned char *copy = malloc(file->size);
        memcpy(copy, file->data, file->size);
        for (int change = 0; change <= round % 5; change++)
            copy[next_random(&seed) % file->size] = (unsigned char)(next_random(&seed) >> 24);
        tdnn_image *out;
        tdnn_error err = {0};
        tdnn_pixels pixels = round % 3 ? TDNN_BGRA8 : TDNN_GRAY8;
        if (tdnn_image_decode((tdnn_bytes){copy, file->size}, pixels, &out, &err)) {
            assert_null(out);
            assert_true(err.message[0]);
        }
        tdnn_image_free(out);
        free(copy);
    }
    for (int i = 0; i < 2; i++) tdnn_free(files[i].data);
    tdnn_image_free(image);
}

static void small_files_of_large_pictures_are_refused(void **state)
{
    (void)state;
    tdnn_image *image = make_image(8, 8, TDNN_GRAY8), *out;
    tdnn_error err;
    tdnn_buffer jpeg = encode_jpeg(image);
    for (size_t i = 0; i + 9 < jpeg.size; i++)
        if (jpeg.data[i] == 0xff && jpeg.data[i + 1] == 0xc0)
            memcpy(jpeg.data + i + 5, "\x7f\xff\x7f\xff", 4); /* height and width 32767 */
    assert_status(tdnn_image_decode((tdnn_bytes){jpeg.data, jpeg.size}, TDNN_BGR8, &out, &err),
                  TDNN_ERR_FORMAT);
    assert_non_null(strstr(err.message, "32767x32767"));
    tdnn_free(jpeg.data);
    tdnn_image_free(image);
    /* 2^20 - 1 by 2^20 - 1 pixels: over the limit of pixels, not of sides */
    static const unsigned char png[] = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\x0f\xff\xff\0\x0f\xff"
                                       "\xff\x08\0\0\0\0\xf7\xbf\x57\x9a"
                                       "\0\0\0\0IDAT\x35\xaf\x06\x1e";
    tdnn_status status =
        tdnn_image_decode((tdnn_bytes){png, sizeof png - 1}, TDNN_GRAY8, &out, &err);
    assert_true(status == TDNN_ERR_LIMIT || status == TDNN_ERR_FORMAT);
    assert_null(out);
}

static void refused_memory_is_an_error(void **state)
{
    (void)state;
    tdnn_image *image = make_image(33, 21, TDNN_BGR8);
    tdnn_buffer files[] = {encode_png(image), encode_jpeg(image)};
    const unsigned char turned[] = "\xff\xe1\0\x22"
                                   "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06"
                                   "\0\0\0\0\0\0";
    tdnn_buffer jpeg = insert(&files[1], 2, turned, sizeof turned - 1);
    tdnn_free(files[1].data);
    files[1] = jpeg;
    for (int i = 0; i < 2; i++) {
        tdnn_status status = TDNN_ERR_MEMORY;
        for (size_t n = 1; status != TDNN_OK && n < 100; n++) {
            tdnn_error err;
            tdnn_image *out;
            tdnn_alloc_fail_after(n);
            status = tdnn_image_decode((tdnn_bytes){files[i].data, files[i].size}, TDNN_BGR8,
                                       &out, &err);
            tdnn_alloc_fail_after(0);
            if (status) assert_int_equal(status, TDNN_ERR_MEMORY);
            tdnn_image_free(out);
        }
        assert_int_equal(status, TDNN_OK);
        tdnn_free(files[i].data);
    }
    tdnn_image_free(image);
}

static void files_are_written_and_read(void **state)
{
    (void)state;
    tdnn_error err;
    tdnn_image *image = make_image(40, 30, TDNN_BGRA8), *again;
    char folder[] = "/tmp/tdnn-image-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.PNG", folder);
    assert_ok(tdnn_image_write(image, path, &err), err);
    assert_ok(tdnn_image_read(path, TDNN_BGRA8, &again, &err), err);
    assert_memory_equal(again->data, image->data, 40 * 30 * 4);
    tdnn_image_free(again);
    unlink(path);
    snprintf(path, sizeof path, "%s/a.jpeg", folder);
    assert_ok(tdnn_image_write(image, path, &err), err);
    assert_ok(tdnn_image_read(path, TDNN_BGR8, &again, &err), err);
    assert_int_equal(again->width, 40);
    tdnn_image_free(again);
    unlink(path);
    snprintf(path, sizeof path, "%s/a.bmp", folder);
    assert_status(tdnn_image_write(image, path, &err), TDNN_ERR_ARGUMENT);
    assert_string_equal(err.where, path);
    snprintf(path, sizeof path, "%s/none/a.png", folder);
    assert_status(tdnn_image_write(image, path, &err), TDNN_ERR_IO);
    assert_status(tdnn_image_read(path, TDNN_BGR8, &again, &err), TDNN_ERR_IO);
    assert_null(again);
    rmdir(folder);
    tdnn_image_free(image);
}

static void rows_may_be_apart_or_upside_down(void **state)
{
    (void)state;
    tdnn_image *image = make_image(9, 5, TDNN_BGR8);
    tdnn_image flipped = *image;
    flipped.data = tdnn_image_row(image, 4);
    flipped.stride = -image->stride;
    tdnn_buffer file = encode_png(&flipped);
    tdnn_image *again = decode(&file, TDNN_BGR8);
    for (int y = 0; y < 5; y++)
        assert_memory_equal(tdnn_image_row(again, y), tdnn_image_row(image, 4 - y), 27);
    tdnn_image_free(again);
    tdnn_image_free(image);
    tdnn_free(file.data);
}

static void arguments_are_checked(void **state)
{
    (void)state;
    tdnn_error err;
    tdnn_image *out, bad = {&out, 10, 10, 29, TDNN_BGR8};
    float numbers[4] = {0};
    tdnn_image floats = {numbers, 1, 1, 12, TDNN_BGRF};
    assert_status(tdnn_image_create(0, 5, TDNN_BGR8, &out, &err), TDNN_ERR_ARGUMENT);
    assert_status(tdnn_image_create(5, 5, (tdnn_pixels)2, &out, &err), TDNN_ERR_ARGUMENT);
    assert_status(tdnn_image_create(1 << 20, 1 << 20, TDNN_BGR8, &out, &err), TDNN_ERR_LIMIT);
    assert_status(tdnn_image_create(5, 5, TDNN_BGR8, NULL, &err), TDNN_ERR_ARGUMENT);
    assert_status(tdnn_image_read(NULL, TDNN_BGR8, &out, &err), TDNN_ERR_ARGUMENT);
    assert_status(tdnn_image_decode((tdnn_bytes){NULL, 0}, TDNN_BGR8, &out, &err),
                  TDNN_ERR_FORMAT);
    assert_status(tdnn_image_decode((tdnn_bytes){"GIF89a", 6}, TDNN_BGR8, &out, &err),
                  TDNN_ERR_FORMAT);
    assert_status(tdnn_image_decode((tdnn_bytes){"x", 1}, TDNN_BGRF, &out, &err),
                  TDNN_ERR_ARGUMENT);
    assert_status(tdnn_image_write(NULL, "a.png", &err), TDNN_ERR_ARGUMENT);
    assert_status(tdnn_image_write(&bad, "a.png", &err), TDNN_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "29"));
    assert_status(tdnn_image_write(&floats, "a.png", &err), TDNN_ERR_UNSUPPORTED);
    tdnn_image_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_keeps_every_pixel),
        cmocka_unit_test(channels_are_in_the_order_asked_for),
        cmocka_unit_test(exif_turns_the_picture),
        cmocka_unit_test(exif_with_wild_offsets_is_ignored),
        cmocka_unit_test(every_cut_fails_cleanly),
        cmocka_unit_test(random_changes_do_no_harm),
        cmocka_unit_test(small_files_of_large_pictures_are_refused),
        cmocka_unit_test(refused_memory_is_an_error),
        cmocka_unit_test(files_are_written_and_read),
        cmocka_unit_test(rows_may_be_apart_or_upside_down),
        cmocka_unit_test(arguments_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
