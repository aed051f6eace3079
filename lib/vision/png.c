/* PNG through libpng's ordinary interface (its simplified one has had overflows).
 *
 * The order of transformations is the one that gives imread's pixels: 16 bits are cut, not
 * rounded; transparency becomes alpha only where alpha is asked for; grey is 0.299 R + 0.587 G
 * + 0.114 B. */
#include "lib/vision/image.h"

#include "lib/base/bytes.h"

#include <setjmp.h>
#include <stdio.h>

#include <png.h>

#define MAX_TEXT_CHUNK ((png_alloc_size_t)8 << 20)
enum { MAX_INFLATION = 1040 }; /* deflate's best is 1032 bytes out of one */

typedef struct codec {
    png_structp png;
    png_infop info, end;
    tdnn_cursor from;
    tdnn_buffer *to;
    tdnn_image *image;
    png_bytepp rows;
    bool no_memory;
    char text[200];
} codec;

static void on_error(png_structp png, png_const_charp text)
{
    codec *c = png_get_error_ptr(png);
    snprintf(c->text, sizeof c->text, "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static png_voidp on_alloc(png_structp png, png_alloc_size_t size)
{
    codec *c = png_get_mem_ptr(png);
    void *block = tdnn_alloc(size, 1);
    if (!block) c->no_memory = true;
    return block;
}

static void on_free(png_structp png, png_voidp block)
{
    (void)png;
    tdnn_free(block);
}

static void on_read(png_structp png, png_bytep data, size_t size)
{
    codec *c = png_get_io_ptr(png);
    size_t at = tdnn_cursor_offset(&c->from), left = tdnn_cursor_left(&c->from);
    if (tdnn_cursor_read(&c->from, data, size)) return;
    snprintf(c->text, sizeof c->text, "the file ends at byte %zu, where %zu more are needed",
             at + left, size - left);
    png_longjmp(png, 1);
}

static void on_write(png_structp png, png_bytep data, size_t size)
{
    codec *c = png_get_io_ptr(png);
    if (tdnn_buffer_append(c->to, data, size)) return;
    c->no_memory = true;
    png_longjmp(png, 1);
}

static void on_flush(png_structp png) { (void)png; }

static tdnn_status codec_fail(const codec *c, tdnn_error *err)
{
    if (c->no_memory) return TDNN_NO_MEMORY(err);
    return TDNN_FAIL(err, TDNN_ERR_FORMAT, "damaged or unreadable PNG: %s", c->text);
}

bool tdnn_png_is(tdnn_bytes bytes)
{
    return bytes.size >= 8 && png_sig_cmp(bytes.data, 0, 8) == 0;
}

/* ---- Decoding ---- */

static void set_transformations(codec *c, tdnn_pixels pixels)
{
    png_structp png = c->png;
    int color = png_get_color_type(png, c->info), depth = png_get_bit_depth(png, c->info);
    bool colored = color & PNG_COLOR_MASK_COLOR;
    bool transparent =
        color & PNG_COLOR_MASK_ALPHA || png_get_valid(png, c->info, PNG_INFO_tRNS);
    if (depth == 16) png_set_strip_16(png);
    if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (!colored && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
    if (!tdnn_pixels_alpha(pixels))
        png_set_strip_alpha(png);
    else if (transparent)
        png_set_tRNS_to_alpha(png);
    else
        png_set_add_alpha(png, 255, PNG_FILLER_AFTER);
    if (pixels == TDNN_GRAY8) {
        if (colored) png_set_rgb_to_gray(png, PNG_ERROR_ACTION_NONE, 0.299, 0.587);
        return;
    }
    if (!colored) png_set_gray_to_rgb(png);
    if (pixels == TDNN_BGR8 || pixels == TDNN_BGRA8) png_set_bgr(png);
}

static int exif_orientation(codec *c)
{
    png_bytep block = NULL;
    png_uint_32 size = 0;
    if (!png_get_eXIf_1(c->png, c->info, &size, &block) &&
        !png_get_eXIf_1(c->png, c->end, &size, &block))
        return 1;
    return tdnn_exif_orientation(block, size);
}

static tdnn_status make_image(codec *c, tdnn_pixels pixels, tdnn_error *err)
{
    png_uint_32 width = png_get_image_width(c->png, c->info);
    png_uint_32 height = png_get_image_height(c->png, c->info);
    TDNN_TRY(tdnn_image_size_check(width, height, err));
    uint64_t packed = (uint64_t)png_get_rowbytes(c->png, c->info) * height;
    uint64_t most = (uint64_t)(c->from.end - c->from.start) * MAX_INFLATION;
    if (packed > most)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "damaged PNG: %td bytes cannot hold the %ux%u pixels it announces",
                         c->from.end - c->from.start, width, height);
    TDNN_TRY(tdnn_image_create((int)width, (int)height, pixels, &c->image, err));
    c->rows = tdnn_alloc(height, sizeof *c->rows);
    if (!c->rows) return TDNN_NO_MEMORY(err);
    for (png_uint_32 y = 0; y < height; y++) c->rows[y] = tdnn_image_row(c->image, (int)y);
    return TDNN_OK;
}

static tdnn_status decode(codec *c, tdnn_pixels pixels, int *orientation, tdnn_error *err)
{
    if (setjmp(png_jmpbuf(c->png))) return codec_fail(c, err);
    png_set_read_fn(c->png, c, on_read);
    png_set_user_limits(c->png, TDNN_MAX_SIDE, TDNN_MAX_SIDE);
    png_set_chunk_malloc_max(c->png, MAX_TEXT_CHUNK);
    png_read_info(c->png, c->info);
    TDNN_TRY(make_image(c, pixels, err));

    if (setjmp(png_jmpbuf(c->png))) return codec_fail(c, err);
    set_transformations(c, pixels);
    png_set_interlace_handling(c->png);
    png_read_update_info(c->png, c->info);
    if (png_get_rowbytes(c->png, c->info) != (size_t)c->image->stride)
        return TDNN_FAIL(err, TDNN_ERR_INTERNAL, "a row of %zu bytes, expected %td",
                         png_get_rowbytes(c->png, c->info), c->image->stride);
    png_read_image(c->png, c->rows);
    png_read_end(c->png, c->end);
    *orientation = exif_orientation(c);
    return TDNN_OK;
}

tdnn_status tdnn_png_decode(tdnn_bytes bytes, tdnn_pixels pixels, tdnn_image **out,
                            int *orientation, tdnn_error *err)
{
    codec c = {.from = tdnn_cursor_make(bytes.data, bytes.size)};
    *out = NULL;
    c.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &c, on_error, on_warning, &c,
                                     on_alloc, on_free);
    c.info = c.png ? png_create_info_struct(c.png) : NULL;
    c.end = c.info ? png_create_info_struct(c.png) : NULL;
    tdnn_status status = c.end ? decode(&c, pixels, orientation, err) : TDNN_NO_MEMORY(err);
    png_destroy_read_struct(&c.png, &c.info, &c.end);
    tdnn_free(c.rows);
    if (status)
        tdnn_image_free(c.image);
    else
        *out = c.image;
    return status;
}

/* ---- Encoding ---- */

static tdnn_status encode(codec *c, const tdnn_image *image, tdnn_error *err)
{
    static const int color_types[] = {0, PNG_COLOR_TYPE_GRAY, 0, PNG_COLOR_TYPE_RGB,
                                      PNG_COLOR_TYPE_RGB_ALPHA};
    if (setjmp(png_jmpbuf(c->png))) return codec_fail(c, err);
    png_set_write_fn(c->png, c, on_write, on_flush);
    png_set_user_limits(c->png, TDNN_MAX_SIDE, TDNN_MAX_SIDE);
    png_set_IHDR(c->png, c->info, (png_uint_32)image->width, (png_uint_32)image->height, 8,
                 color_types[tdnn_pixels_channels(image->pixels)], PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(c->png, c->info);
    if (image->pixels == TDNN_BGR8 || image->pixels == TDNN_BGRA8) png_set_bgr(c->png);
    for (int y = 0; y < image->height; y++) png_write_row(c->png, tdnn_image_row(image, y));
    png_write_end(c->png, NULL);
    return TDNN_OK;
}

tdnn_status tdnn_png_encode(const tdnn_image *image, tdnn_buffer *out, tdnn_error *err)
{
    codec c = {.to = out};
    c.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &c, on_error, on_warning, &c,
                                      on_alloc, on_free);
    c.info = c.png ? png_create_info_struct(c.png) : NULL;
    tdnn_status status = c.info ? encode(&c, image, err) : TDNN_NO_MEMORY(err);
    png_destroy_write_struct(&c.png, &c.info);
    return status;
}
