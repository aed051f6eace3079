/* JPEG through libjpeg-turbo.
 *
 * libjpeg reports errors by a callback that must not return, hence setjmp: what lives across it
 * is in one struct. Damage inside the compressed data is only a warning to libjpeg, which fills
 * up with grey; here it is an error, since an answer about grey pixels is no answer about the
 * picture. */
#include "lib/vision/image.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

/* A file of many tiny scans costs a pass over all pixels each; cameras and encoders use
 * about 10. */
enum { MAX_SCANS = 500 };

typedef struct codec {
    struct jpeg_error_mgr errors; /* first, since libjpeg hands out its address */
    jmp_buf escape;
    int code;                   /* libjpeg's number of the error or damage */
    char text[JMSG_LENGTH_MAX]; /* and its message */
    struct jpeg_decompress_struct in;
    struct jpeg_compress_struct out;
    struct jpeg_progress_mgr progress;
    struct jpeg_destination_mgr destination;
    JOCTET chunk[1 << 14]; /* what the encoder wrote last */
    tdnn_buffer *file;
    tdnn_image *image;
    unsigned char *line; /* one row of CMYK */
} codec;

static codec *codec_of(j_common_ptr info) { return (codec *)(void *)info->err; }

static void on_error(j_common_ptr info)
{
    codec *c = codec_of(info);
    c->code = info->err->msg_code;
    info->err->format_message(info, c->text);
    longjmp(c->escape, 1);
}

static void on_message(j_common_ptr info, int level)
{
    int code = info->err->msg_code;
    if (level < 0 && (code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE ||
                      code == JWRN_ARITH_BAD_CODE || code == JWRN_MUST_RESYNC))
        on_error(info);
}

static void on_output(j_common_ptr info) { (void)info; }

static void on_progress(j_common_ptr info)
{
    codec *c = codec_of(info);
    if (c->in.input_scan_number <= MAX_SCANS) return;
    c->code = JERR_BAD_PROGRESSION;
    snprintf(c->text, sizeof c->text, "more than %d scans", MAX_SCANS);
    longjmp(c->escape, 1);
}

static codec *codec_create(void)
{
    codec *c = tdnn_calloc(1, sizeof *c);
    if (!c) return NULL;
    jpeg_std_error(&c->errors);
    c->errors.error_exit = on_error;
    c->errors.emit_message = on_message;
    c->errors.output_message = on_output;
    c->in.err = c->out.err = &c->errors;
    c->progress.progress_monitor = on_progress;
    return c;
}

static void codec_free(codec *c)
{
    if (!c) return;
    jpeg_destroy_decompress(&c->in);
    jpeg_destroy_compress(&c->out);
    tdnn_image_free(c->image);
    tdnn_free(c->line);
    tdnn_free(c);
}

static tdnn_status codec_fail(const codec *c, tdnn_error *err)
{
    tdnn_status status = TDNN_ERR_FORMAT;
    if (c->code == JERR_OUT_OF_MEMORY) status = TDNN_ERR_MEMORY;
    if (c->code == JERR_SOF_UNSUPPORTED || c->code == JERR_BAD_PRECISION ||
        c->code == JERR_CONVERSION_NOTIMPL || c->code == JERR_NOT_COMPILED)
        status = TDNN_ERR_UNSUPPORTED;
    return TDNN_FAIL(err, status, "damaged or unreadable JPEG: %s", c->text);
}

bool tdnn_jpeg_is(tdnn_bytes bytes)
{
    return bytes.size >= 3 && memcmp(bytes.data, "\xff\xd8\xff", 3) == 0;
}

/* ---- Decoding ---- */

static int exif_orientation(const struct jpeg_decompress_struct *in)
{
    for (jpeg_saved_marker_ptr m = in->marker_list; m; m = m->next)
        if (m->data_length > 6 && memcmp(m->data, "Exif\0\0", 6) == 0)
            return tdnn_exif_orientation(m->data + 6, m->data_length - 6);
    return 1;
}

static J_COLOR_SPACE color_space(tdnn_pixels pixels)
{
    switch (pixels) {
    case TDNN_GRAY8: return JCS_GRAYSCALE;
    case TDNN_BGR8: return JCS_EXT_BGR;
    case TDNN_BGRA8: return JCS_EXT_BGRA;
    case TDNN_RGBA8: return JCS_EXT_RGBA;
    default: return JCS_EXT_RGB;
    }
}

/* Four components are inverted CMYK (or YCCK, which libjpeg turns into it): Adobe's way. The
 * integer arithmetic, towards black and then to grey, is what imread's results show. */
static void convert_cmyk(const unsigned char *from, int count, tdnn_pixels pixels,
                         unsigned char *to)
{
    int channels = tdnn_pixels_channels(pixels);
    bool blue_first = pixels == TDNN_BGR8 || pixels == TDNN_BGRA8;
    for (int x = 0; x < count; x++, from += 4, to += channels) {
        int k = from[3];
        int r = k - ((255 - from[0]) * k >> 8);
        int g = k - ((255 - from[1]) * k >> 8);
        int b = k - ((255 - from[2]) * k >> 8);
        if (channels == 1) {
            to[0] = (unsigned char)((4899 * r + 9617 * g + 1868 * b + 8192) >> 14);
            continue;
        }
        to[blue_first ? 2 : 0] = (unsigned char)r;
        to[1] = (unsigned char)g;
        to[blue_first ? 0 : 2] = (unsigned char)b;
        if (channels == 4) to[3] = 255;
    }
}

/* No sequence of symbols says less than one bit for each 64 pixels (arithmetic coding aside),
 * so that a small file cannot make us allocate for a large picture. */
static tdnn_status check_size(const struct jpeg_decompress_struct *in, size_t file_size,
                              tdnn_error *err)
{
    TDNN_TRY(tdnn_image_size_check(in->image_width, in->image_height, err));
    uint64_t count = (uint64_t)in->image_width * in->image_height;
    if (!in->arith_code && count / 512 > file_size)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "damaged JPEG: %zu bytes cannot hold the %ux%u pixels it announces",
                         file_size, in->image_width, in->image_height);
    return TDNN_OK;
}

static void read_rows(codec *c)
{
    struct jpeg_decompress_struct *in = &c->in;
    while (in->output_scanline < in->output_height) {
        int y = (int)in->output_scanline;
        JSAMPROW row = c->line ? c->line : tdnn_image_row(c->image, y);
        jpeg_read_scanlines(in, &row, 1);
        if (c->line)
            convert_cmyk(c->line, c->image->width, c->image->pixels,
                         tdnn_image_row(c->image, y));
    }
}

/* Between the two setjmp blocks nothing of libjpeg runs, so that our own failures need no
 * escape. */
static tdnn_status decode(codec *c, tdnn_bytes bytes, tdnn_pixels pixels, int *orientation,
                          tdnn_error *err)
{
    struct jpeg_decompress_struct *in = &c->in;
    if (setjmp(c->escape)) return codec_fail(c, err);
    jpeg_create_decompress(in);
    in->progress = &c->progress;
    jpeg_mem_src(in, bytes.data, (unsigned long)bytes.size);
    jpeg_save_markers(in, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(in, TRUE);
    *orientation = exif_orientation(in);
    TDNN_TRY(check_size(in, bytes.size, err));
    TDNN_TRY(
        tdnn_image_create((int)in->image_width, (int)in->image_height, pixels, &c->image, err));
    bool cmyk = in->num_components == 4;
    if (cmyk && !(c->line = tdnn_alloc(in->image_width, 4))) return TDNN_NO_MEMORY(err);

    if (setjmp(c->escape)) return codec_fail(c, err);
    in->out_color_space = cmyk ? JCS_CMYK : color_space(pixels);
    jpeg_start_decompress(in);
    read_rows(c);
    jpeg_finish_decompress(in);
    return TDNN_OK;
}

tdnn_status tdnn_jpeg_decode(tdnn_bytes bytes, tdnn_pixels pixels, tdnn_image **out,
                             int *orientation, tdnn_error *err)
{
    *out = NULL;
    codec *c = codec_create();
    if (!c) return TDNN_NO_MEMORY(err);
    tdnn_status status = decode(c, bytes, pixels, orientation, err);
    if (!status) {
        *out = c->image;
        c->image = NULL;
    }
    codec_free(c);
    return status;
}

/* ---- Encoding ---- */

static void start_output(j_compress_ptr out)
{
    codec *c = codec_of((j_common_ptr)out);
    c->destination.next_output_byte = c->chunk;
    c->destination.free_in_buffer = sizeof c->chunk;
}

static void flush_output(codec *c, size_t size)
{
    if (tdnn_buffer_append(c->file, c->chunk, size)) return;
    c->code = JERR_OUT_OF_MEMORY;
    snprintf(c->text, sizeof c->text, "out of memory");
    longjmp(c->escape, 1);
}

static boolean next_output(j_compress_ptr out)
{
    flush_output(codec_of((j_common_ptr)out), sizeof codec_of((j_common_ptr)out)->chunk);
    start_output(out);
    return TRUE;
}

static void end_output(j_compress_ptr out)
{
    codec *c = codec_of((j_common_ptr)out);
    flush_output(c, sizeof c->chunk - c->destination.free_in_buffer);
}

static tdnn_status encode(codec *c, const tdnn_image *image, int quality, tdnn_error *err)
{
    struct jpeg_compress_struct *out = &c->out;
    if (setjmp(c->escape)) return codec_fail(c, err);
    jpeg_create_compress(out);
    c->destination.init_destination = start_output;
    c->destination.empty_output_buffer = next_output;
    c->destination.term_destination = end_output;
    out->dest = &c->destination;
    out->image_width = (JDIMENSION)image->width;
    out->image_height = (JDIMENSION)image->height;
    out->input_components = tdnn_pixels_channels(image->pixels);
    out->in_color_space = color_space(image->pixels); /* alpha is left out */
    jpeg_set_defaults(out);
    jpeg_set_quality(out, quality, TRUE);
    jpeg_start_compress(out, TRUE);
    for (int y = 0; y < image->height; y++) {
        JSAMPROW row = tdnn_image_row(image, y);
        jpeg_write_scanlines(out, &row, 1);
    }
    jpeg_finish_compress(out);
    return TDNN_OK;
}

tdnn_status tdnn_jpeg_encode(const tdnn_image *image, int quality, tdnn_buffer *out,
                             tdnn_error *err)
{
    if (image->width > JPEG_MAX_DIMENSION || image->height > JPEG_MAX_DIMENSION)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                         "JPEG holds at most %ldx%ld pixels, not %dx%d", JPEG_MAX_DIMENSION,
                         JPEG_MAX_DIMENSION, image->width, image->height);
    codec *c = codec_create();
    if (!c) return TDNN_NO_MEMORY(err);
    c->file = out;
    tdnn_status status = encode(c, image, quality, err);
    codec_free(c);
    return status;
}
