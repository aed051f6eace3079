/* Images to an input tensor, as cv2.dnn.blobFromImages makes it: resize in the pixels' own
 * type, then to float, minus mean, times scale; here also divided by std. */
#include "lib/vision/image.h"
#include "lib/vision/resize.h"

#include <limits.h>
#include <math.h>

void tdnn_blob_params_init(tdnn_blob_params *params)
{
    *params = (tdnn_blob_params){.dtype = TDNN_F32};
    for (int c = 0; c < 4; c++) params->scale[c] = params->std[c] = 1.f;
}

/* What the rows of one image go through on their way into the blob. */
typedef struct writer {
    const tdnn_blob_params *params;
    int channels;
    int source[4];       /* channel of the image that output channel c takes                 */
    int setting[4];      /* whose mean, scale and std it takes                               */
    float (*table)[256]; /* value of each byte in output channel c; NULL for float pixels    */
    size_t step;         /* elements from one pixel to the next: 1, or the channels in NHWC  */
    size_t plane;        /* elements from one channel to the next                            */
} writer;

static float convert(const writer *w, int channel, float pixel)
{
    const tdnn_blob_params *p = w->params;
    int c = w->setting[channel];
    return (pixel - p->mean[c]) * p->scale[c] / p->std[c];
}

/* OpenCV 4.6 exchanges the mean's components 0 and 2 and not the pixels' where there is only
 * one channel, so that a grey image with swap_rb is shifted by mean[2]: kept so. */
static void set_channels(writer *w)
{
    bool swap = w->params->swap_rb;
    for (int c = 0; c < w->channels; c++) {
        w->source[c] = swap && w->channels >= 3 && c != 1 && c != 3 ? 2 - c : c;
        w->setting[c] = swap && w->channels == 1 ? 2 : c;
    }
}

static void fill_table(writer *w)
{
    for (int c = 0; c < w->channels; c++)
        for (int v = 0; v < 256; v++) w->table[c][v] = convert(w, c, (float)v);
}

/* ---- Rows: from interleaved pixels to wherever the blob wants them ---- */

static void write_bytes_f32(const writer *w, const uint8_t *row, size_t count, float *to)
{
    size_t channels = (size_t)w->channels, step = w->step;
    for (size_t c = 0; c < channels; c++) {
        const uint8_t *from = row + w->source[c];
        const float *table = w->table[c];
        float *out = to + c * w->plane;
        for (size_t x = 0; x < count; x++) out[x * step] = table[from[x * channels]];
    }
}

static void write_floats(const writer *w, const float *row, size_t count, float *to)
{
    size_t channels = (size_t)w->channels, step = w->step;
    for (size_t c = 0; c < channels; c++) {
        const float *from = row + w->source[c];
        float *out = to + c * w->plane;
        for (size_t x = 0; x < count; x++)
            out[x * step] = convert(w, (int)c, from[x * channels]);
    }
}

static void write_bytes(const writer *w, const uint8_t *row, size_t count, uint8_t *to)
{
    size_t channels = (size_t)w->channels, step = w->step;
    for (size_t c = 0; c < channels; c++) {
        const uint8_t *from = row + w->source[c];
        uint8_t *out = to + c * w->plane;
        for (size_t x = 0; x < count; x++) out[x * step] = from[x * channels];
    }
}

static void write_row(const writer *w, const void *row, size_t count, void *blob, size_t at)
{
    if (w->params->dtype == TDNN_U8)
        write_bytes(w, row, count, (uint8_t *)blob + at);
    else if (w->table)
        write_bytes_f32(w, row, count, (float *)blob + at);
    else
        write_floats(w, row, count, (float *)blob + at);
}

/* Fills one image's part of the blob with the border's value. */
static void fill_border(const writer *w, size_t pixels, void *blob)
{
    for (int c = 0; c < w->channels; c++) {
        size_t at = (size_t)c * w->plane;
        float value = w->params->border;
        if (w->params->dtype == TDNN_U8) {
            uint8_t byte = (uint8_t)lrintf(fminf(fmaxf(value, 0.f), 255.f));
            for (size_t i = 0; i < pixels; i++) ((uint8_t *)blob)[at + i * w->step] = byte;
        } else {
            value = convert(w, c, value);
            for (size_t i = 0; i < pixels; i++) ((float *)blob)[at + i * w->step] = value;
        }
    }
}

/* ---- How an image fits ---- */

typedef struct fitting {
    tdnn_resize_plan plan;
    int left, top; /* of the window in the blob */
} fitting;

static fitting fit_stretch(const tdnn_image *image, int width, int height)
{
    return (fitting){.plan = {width, height, 1.0 / ((double)width / image->width),
                              1.0 / ((double)height / image->height), 0, 0, width, height}};
}

/* The shorter side fills the blob, what is over is cut off on both ends. The resize goes by the
 * factor in float, not by the ratio of the rounded sizes. */
static fitting fit_crop(const tdnn_image *image, int width, int height)
{
    float fx = (float)width / (float)image->width, fy = (float)height / (float)image->height;
    double factor = fx > fy ? fx : fy;
    int whole_width = (int)lrint(image->width * factor);
    int whole_height = (int)lrint(image->height * factor);
    int x = (int)(0.5 * (whole_width - width)), y = (int)(0.5 * (whole_height - height));
    return (fitting){
        .plan = {whole_width, whole_height, 1.0 / factor, 1.0 / factor, x, y, width, height}};
}

/* The longer side fills the blob; the rest, shared between both ends, is border. */
static fitting fit_letterbox(const tdnn_image *image, int width, int height)
{
    float fx = (float)width / (float)image->width, fy = (float)height / (float)image->height;
    float factor = fx < fy ? fx : fy;
    int inner_width = (int)((float)image->width * factor);
    int inner_height = (int)((float)image->height * factor);
    if (inner_width < 1) inner_width = 1;
    if (inner_height < 1) inner_height = 1;
    fitting f = fit_stretch(image, inner_width, inner_height);
    f.left = (width - inner_width) / 2;
    f.top = (height - inner_height) / 2;
    return f;
}

static fitting fit_image(const tdnn_image *image, const tdnn_blob_params *params, int width,
                         int height)
{
    if (image->width == width && image->height == height)
        return fit_stretch(image, width, height);
    switch (params->fit) {
    case TDNN_FIT_CROP: return fit_crop(image, width, height);
    case TDNN_FIT_LETTERBOX: return fit_letterbox(image, width, height);
    default: return fit_stretch(image, width, height);
    }
}

static tdnn_placement placement_of(const fitting *f, const tdnn_image *image, int width,
                                   int height)
{
    return (tdnn_placement){(float)(1.0 / f->plan.scale_x),
                            (float)(1.0 / f->plan.scale_y),
                            (float)(f->left - f->plan.x),
                            (float)(f->top - f->plan.y),
                            image->width,
                            image->height,
                            width,
                            height};
}

/* ---- The blob ---- */

static tdnn_status write_image(writer *w, const tdnn_image *image, int width, int height,
                               void *blob, tdnn_placement *placement, tdnn_error *err)
{
    double aspect = (double)image->width / image->height;
    if (aspect * height > INT_MAX / 2 || width / aspect > INT_MAX / 2)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT, "a %dx%d image for a blob of %dx%d", image->width,
                         image->height, width, height);
    fitting f = fit_image(image, w->params, width, height);
    if (placement) *placement = placement_of(&f, image, width, height);
    tdnn_resizer *resizer;
    TDNN_TRY(tdnn_resizer_create(image, &f.plan, &resizer, err));
    if (f.plan.window_width < width || f.plan.window_height < height)
        fill_border(w, (size_t)width * (size_t)height, blob);
    for (int y = 0; y < f.plan.window_height; y++) {
        size_t at = (size_t)(f.top + y) * (size_t)width + (size_t)f.left;
        write_row(w, tdnn_resizer_row(resizer, y), (size_t)f.plan.window_width, blob,
                  at * w->step);
    }
    tdnn_resizer_free(resizer);
    return TDNN_OK;
}

static tdnn_status check_params(const tdnn_blob_params *p, tdnn_error *err)
{
    if (p->width < 0 || p->height < 0 || (p->width == 0) != (p->height == 0))
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT,
                         "a blob of %dx%d, expected two positive numbers, or 0 and 0", p->width,
                         p->height);
    if (p->dtype != TDNN_F32 && p->dtype != TDNN_U8)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "a blob of type %s, expected f32 or u8",
                         tdnn_dtype_name(p->dtype));
    if (p->fit != TDNN_FIT_STRETCH && p->fit != TDNN_FIT_CROP && p->fit != TDNN_FIT_LETTERBOX)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "%d is no way to fit an image", (int)p->fit);
    for (int c = 0; c < 4; c++) {
        if (!(p->std[c] != 0.f))
            return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "std[%d] is %g, it divides", c,
                             (double)p->std[c]);
        if (p->dtype == TDNN_U8 &&
            (p->mean[c] != 0.f || p->scale[c] != 1.f || p->std[c] != 1.f))
            return TDNN_FAIL(err, TDNN_ERR_ARGUMENT,
                             "a u8 blob takes pixels as they are: no mean, scale or std");
    }
    return TDNN_OK;
}

static tdnn_status check_images(const tdnn_image *images, size_t count, tdnn_dtype dtype,
                                tdnn_error *err)
{
    if (!images || !count) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "there are no images");
    for (size_t i = 0; i < count; i++) {
        tdnn_status status = tdnn_image_check(&images[i], err);
        if (!status && images[i].pixels != images[0].pixels)
            status = TDNN_FAIL(
                err, TDNN_ERR_ARGUMENT, "pixels are %s, those of the first are %s",
                tdnn_pixels_name(images[i].pixels), tdnn_pixels_name(images[0].pixels));
        if (!status && dtype == TDNN_U8 && tdnn_pixels_float(images[i].pixels))
            status = TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "float pixels cannot make a u8 blob");
        if (status) return tdnn_error_at(err, status, "image %zu", i);
    }
    return TDNN_OK;
}

static tdnn_status write_images(writer *w, const tdnn_image *images, size_t count, int width,
                                int height, tdnn_tensor *blob, tdnn_placement *placements,
                                tdnn_error *err)
{
    size_t size = tdnn_tensor_bytes(blob) / count;
    float table[4][256];
    if (!tdnn_pixels_float(images[0].pixels)) w->table = table;
    w->plane = w->params->nhwc ? 1 : (size_t)width * (size_t)height;
    w->step = w->params->nhwc ? (size_t)w->channels : 1;
    set_channels(w);
    if (w->table) fill_table(w);
    for (size_t i = 0; i < count; i++) {
        void *part = (unsigned char *)tdnn_tensor_data(blob) + i * size;
        TDNN_TRY(write_image(w, &images[i], width, height, part,
                             placements ? &placements[i] : NULL, err));
    }
    return TDNN_OK;
}

tdnn_status tdnn_blob_from_images(const tdnn_image *images, size_t count,
                                  const tdnn_blob_params *params, tdnn_tensor **out,
                                  tdnn_placement *placements, tdnn_error *err)
{
    if (!out) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "`out` is NULL");
    *out = NULL;
    if (!params) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "`params` is NULL");
    TDNN_TRY(check_params(params, err));
    TDNN_TRY(check_images(images, count, params->dtype, err));
    int width = params->width ? params->width : images[0].width;
    int height = params->height ? params->height : images[0].height;
    int channels = tdnn_pixels_channels(images[0].pixels);
    TDNN_TRY(tdnn_image_size_check((uint64_t)width, (uint64_t)height, err));
    int64_t n = (int64_t)count;
    tdnn_shape shape = params->nhwc
                           ? tdnn_shape_make(4, (int64_t[]){n, height, width, channels})
                           : tdnn_shape_make(4, (int64_t[]){n, channels, height, width});
    tdnn_tensor *blob;
    TDNN_TRY(tdnn_tensor_create(params->dtype, &shape, &blob, err));
    writer w = {.params = params, .channels = channels};
    tdnn_status status = write_images(&w, images, count, width, height, blob, placements, err);
    if (status)
        tdnn_tensor_release(blob);
    else
        *out = blob;
    return status;
}
