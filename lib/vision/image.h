/* Images inside the library: what a pixel format says, and the two file formats. */
#ifndef TDNN_VISION_IMAGE_H
#define TDNN_VISION_IMAGE_H

#include "lib/base/mem.h"

#define TDNN_MAX_PIXELS ((uint64_t)1 << 30)
#define TDNN_MAX_SIDE (1 << 20)

static inline int tdnn_pixels_channels(tdnn_pixels pixels) { return (int)pixels & 0x0f; }
static inline bool tdnn_pixels_float(tdnn_pixels pixels) { return ((int)pixels & 0x20) != 0; }
static inline bool tdnn_pixels_alpha(tdnn_pixels pixels)
{
    return tdnn_pixels_channels(pixels) == 4;
}
/* Bytes of one pixel. */
static inline size_t tdnn_pixels_bytes(tdnn_pixels pixels)
{
    return (size_t)tdnn_pixels_channels(pixels) *
           (tdnn_pixels_float(pixels) ? sizeof(float) : 1);
}
bool tdnn_pixels_valid(tdnn_pixels pixels);
const char *tdnn_pixels_name(tdnn_pixels pixels);

static inline void *tdnn_image_row(const tdnn_image *image, int y)
{
    return (unsigned char *)image->data + (ptrdiff_t)y * image->stride;
}

/* Is this a description of readable pixels? */
tdnn_status tdnn_image_check(const tdnn_image *image, tdnn_error *err);
/* Is this a size that we are willing to decode? */
tdnn_status tdnn_image_size_check(uint64_t width, uint64_t height, tdnn_error *err);

/* Bytes that a writer produced; freed with tdnn_free. */
typedef struct tdnn_buffer {
    unsigned char *data;
    size_t size, capacity;
} tdnn_buffer;
bool tdnn_buffer_append(tdnn_buffer *buffer, const void *data, size_t size);

bool tdnn_jpeg_is(tdnn_bytes bytes);
bool tdnn_png_is(tdnn_bytes bytes);
/* Both make a new 8-bit image, and report the EXIF orientation (1 to 8) without applying it. */
tdnn_status tdnn_jpeg_decode(tdnn_bytes bytes, tdnn_pixels pixels, tdnn_image **out,
                             int *orientation, tdnn_error *err);
tdnn_status tdnn_png_decode(tdnn_bytes bytes, tdnn_pixels pixels, tdnn_image **out,
                            int *orientation, tdnn_error *err);
/* Both append the file to `out`, which the caller frees whatever comes back. */
tdnn_status tdnn_jpeg_encode(const tdnn_image *image, int quality, tdnn_buffer *out,
                             tdnn_error *err);
tdnn_status tdnn_png_encode(const tdnn_image *image, tdnn_buffer *out, tdnn_error *err);

/* The orientation that a TIFF-structured EXIF block asks for; 1 (as it lies) when it says
 * nothing or nothing sensible. */
int tdnn_exif_orientation(const unsigned char *tiff, size_t size);
/* Turns or mirrors *image as the orientation says; may replace it. */
tdnn_status tdnn_image_orient(tdnn_image **image, int orientation, tdnn_error *err);

#endif
