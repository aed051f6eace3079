/* Images: making, reading and writing them. Which file format it is, the bytes say; which to
 * write, the path. */
#include "lib/vision/image.h"

#include "lib/base/file.h"

#include <string.h>
#include <strings.h>

enum { JPEG_QUALITY = 95 };
#define MAX_FILE_BYTES ((uint64_t)4 << 30)

static const struct {
    tdnn_pixels pixels;
    const char *name;
} formats[] = {
    {TDNN_GRAY8, "GRAY8"}, {TDNN_BGR8, "BGR8"},   {TDNN_RGB8, "RGB8"}, {TDNN_BGRA8, "BGRA8"},
    {TDNN_RGBA8, "RGBA8"}, {TDNN_GRAYF, "GRAYF"}, {TDNN_BGRF, "BGRF"}, {TDNN_BGRAF, "BGRAF"},
};

const char *tdnn_pixels_name(tdnn_pixels pixels)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i].pixels == pixels) return formats[i].name;
    return "?";
}

bool tdnn_pixels_valid(tdnn_pixels pixels) { return tdnn_pixels_name(pixels)[0] != '?'; }

tdnn_status tdnn_image_check(const tdnn_image *image, tdnn_error *err)
{
    if (!image || !image->data) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "the image is NULL");
    if (!tdnn_pixels_valid(image->pixels))
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "0x%x is no pixel format",
                         (unsigned)image->pixels);
    if (image->width <= 0 || image->height <= 0)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "the image is %dx%d, expected at least 1x1",
                         image->width, image->height);
    size_t row = (size_t)image->width * tdnn_pixels_bytes(image->pixels);
    size_t stride = image->stride < 0 ? 0 - (size_t)image->stride : (size_t)image->stride;
    if (stride < row && image->height > 1)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "stride of %td bytes, but a row has %zu",
                         image->stride, row);
    bool aligned = (uintptr_t)image->data % sizeof(float) == 0 && stride % sizeof(float) == 0;
    if (tdnn_pixels_float(image->pixels) && !aligned)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT,
                         "float pixels that are not aligned to 4 bytes");
    return TDNN_OK;
}

tdnn_status tdnn_image_size_check(uint64_t width, uint64_t height, tdnn_error *err)
{
    if (!width || !height) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "the picture has no pixels");
    if (width > TDNN_MAX_SIDE || height > TDNN_MAX_SIDE || width * height > TDNN_MAX_PIXELS)
        return TDNN_FAIL(
            err, TDNN_ERR_LIMIT,
            "the picture says it is %llux%llu; the limit is 2^20 a side, 2^30 pixels",
            (unsigned long long)width, (unsigned long long)height);
    return TDNN_OK;
}

tdnn_status tdnn_image_create(int width, int height, tdnn_pixels pixels, tdnn_image **out,
                              tdnn_error *err)
{
    if (!out) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "`out` is NULL");
    *out = NULL;
    if (!tdnn_pixels_valid(pixels))
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "0x%x is no pixel format", (unsigned)pixels);
    if (width <= 0 || height <= 0)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "an image of %dx%d, expected at least 1x1",
                         width, height);
    TDNN_TRY(tdnn_image_size_check((uint64_t)width, (uint64_t)height, err));
    size_t row = (size_t)width * tdnn_pixels_bytes(pixels);
    tdnn_image *image = tdnn_calloc(1, sizeof *image);
    void *data = image ? tdnn_calloc((size_t)height, row) : NULL;
    if (!data) {
        tdnn_free(image);
        return TDNN_NO_MEMORY(err);
    }
    *image = (tdnn_image){data, width, height, (ptrdiff_t)row, pixels};
    *out = image;
    return TDNN_OK;
}

void tdnn_image_free(tdnn_image *image)
{
    if (!image) return;
    tdnn_free(image->data);
    tdnn_free(image);
}

bool tdnn_buffer_append(tdnn_buffer *buffer, const void *data, size_t size)
{
    size_t wanted;
    if (!tdnn_size_add(buffer->size, size, &wanted)) return false;
    if (wanted > buffer->capacity) {
        size_t capacity = wanted < SIZE_MAX / 4 ? wanted * 2 : wanted;
        unsigned char *grown = tdnn_realloc(buffer->data, buffer->size, capacity, 1);
        if (!grown) return false;
        buffer->data = grown;
        buffer->capacity = capacity;
    }
    if (size) memcpy(buffer->data + buffer->size, data, size);
    buffer->size = wanted;
    return true;
}

tdnn_status tdnn_image_decode(tdnn_bytes bytes, tdnn_pixels pixels, tdnn_image **out,
                              tdnn_error *err)
{
    if (!out) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "`out` is NULL");
    *out = NULL;
    if (!bytes.data && bytes.size)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "the bytes are NULL");
    if (!tdnn_pixels_valid(pixels) || tdnn_pixels_float(pixels))
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT,
                         "pixel format %s, expected one of 8 bits a sample",
                         tdnn_pixels_name(pixels));
    tdnn_image *image = NULL;
    int orientation = 1;
    if (tdnn_jpeg_is(bytes))
        TDNN_TRY(tdnn_jpeg_decode(bytes, pixels, &image, &orientation, err));
    else if (tdnn_png_is(bytes))
        TDNN_TRY(tdnn_png_decode(bytes, pixels, &image, &orientation, err));
    else if (!bytes.size)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "the file is empty, expected JPEG or PNG");
    else
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "neither JPEG nor PNG, going by the first bytes");
    tdnn_status status = tdnn_image_orient(&image, orientation, err);
    if (status)
        tdnn_image_free(image);
    else
        *out = image;
    return status;
}

tdnn_status tdnn_image_read(const char *path, tdnn_pixels pixels, tdnn_image **out,
                            tdnn_error *err)
{
    if (!out) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "`out` is NULL");
    *out = NULL;
    if (!path) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "the path is NULL");
    tdnn_file *file;
    TDNN_TRY(tdnn_file_open(path, MAX_FILE_BYTES, &file, err));
    tdnn_status status = tdnn_image_decode(tdnn_file_bytes(file), pixels, out, err);
    tdnn_file_release(file);
    return status ? tdnn_error_at(err, status, "%s", path) : TDNN_OK;
}

static bool ends_in(const char *path, const char *ending)
{
    size_t length = strlen(path), end = strlen(ending);
    return length >= end && strcasecmp(path + length - end, ending) == 0;
}

static tdnn_status encode(const tdnn_image *image, const char *path, tdnn_buffer *out,
                          tdnn_error *err)
{
    if (tdnn_pixels_float(image->pixels))
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "image files hold 8-bit pixels, not %s",
                         tdnn_pixels_name(image->pixels));
    if (ends_in(path, ".png")) return tdnn_png_encode(image, out, err);
    if (ends_in(path, ".jpg") || ends_in(path, ".jpeg"))
        return tdnn_jpeg_encode(image, JPEG_QUALITY, out, err);
    return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "the path ends in none of .png, .jpg, .jpeg");
}

tdnn_status tdnn_image_write(const tdnn_image *image, const char *path, tdnn_error *err)
{
    if (!path) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "the path is NULL");
    TDNN_TRY(tdnn_image_check(image, err));
    tdnn_buffer bytes = {0};
    tdnn_status status = encode(image, path, &bytes, err);
    if (!status) status = tdnn_file_write(path, bytes.data, bytes.size, err);
    tdnn_free(bytes.data);
    return status ? tdnn_error_at(err, status, "%s", path) : TDNN_OK;
}
