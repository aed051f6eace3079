/* ImageDecoder: an image file as a tensor of pixels, H x W x C. */
#include "lib/ops/op.h"

#include <string.h>

typedef struct decoder_params {
    int64_t pixel_format;
} decoder_params;

enum { AS_RGB, AS_BGR, AS_GRAY };

/* Luma of ITU-R BT.601 from decoded colours: what a file's own luma is differs by rounding. */
static void put_row(unsigned char *to, const unsigned char *from, size_t width, bool gray)
{
    if (!gray) {
        memcpy(to, from, 3 * width);
        return;
    }
    for (size_t x = 0; x < width; x++, from += 3)
        to[x] = (unsigned char)((from[0] * 19595 + from[1] * 38470 + from[2] * 7471 + 0x8000) >>
                                16);
}

static tdnn_status decoder_exec(tdnn_exec *ctx)
{
    const decoder_params *p = ctx->params;
    const tdnn_tensor *in = ctx->in[0];
    tdnn_image *image;
    if (in->kind != TDNN_KIND_TENSOR || in->dtype != TDNN_U8 || in->shape.ndim != 1)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "a file as %s with %d dimensions, expected u8 with 1",
                         tdnn_dtype_name(in->dtype), in->shape.ndim);
    const tdnn_bytes file = {in->data, in->bytes};
    const bool gray = p->pixel_format == AS_GRAY;
    TDNN_TRY(tdnn_image_decode(file, p->pixel_format == AS_BGR ? TDNN_BGR8 : TDNN_RGB8, &image,
                               ctx->err));
    const size_t width = (size_t)image->width, row = gray ? width : 3 * width;
    const tdnn_shape shape = {3, {image->height, image->width, gray ? 1 : 3}};
    const tdnn_status status = tdnn_tensor_create(TDNN_U8, &shape, &ctx->out[0], ctx->err);
    for (int y = 0; y < image->height && !status; y++)
        put_row((unsigned char *)ctx->out[0]->data + (size_t)y * row,
                (const unsigned char *)image->data + y * image->stride, width, gray);
    tdnn_image_free(image);
    return status;
}

static const char *const pixel_formats[] = {"RGB", "BGR", "Grayscale", NULL};

static const tdnn_attr decoder_attrs[] = {
    TDNN_ENUM(decoder_params, pixel_format, pixel_formats, 0), {0}};

const tdnn_op tdnn_op_ImageDecoder = {
    .schema = {TDNN_SCHEMA(ImageDecoder, 1, 1, 1, 1, decoder_attrs, decoder_params)},
    .exec = decoder_exec,
};
