/* EXIF orientation: one tag of the first directory of a TIFF structure, and the eight ways to
 * turn a picture that it can ask for. */
#include "lib/vision/image.h"

#include <string.h>

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3 };

typedef struct tiff {
    const unsigned char *data;
    size_t size;
    bool big_endian;
} tiff;

static unsigned get16(const tiff *t, size_t at)
{
    unsigned a = t->data[at], b = t->data[at + 1];
    return t->big_endian ? a << 8 | b : b << 8 | a;
}

static size_t get32(const tiff *t, size_t at)
{
    size_t a = get16(t, at), b = get16(t, at + 2);
    return t->big_endian ? a << 16 | b : b << 16 | a;
}

int tdnn_exif_orientation(const unsigned char *data, size_t size)
{
    tiff t = {data, size, false};
    if (size < 8) return 1;
    if (memcmp(data, "MM\0*", 4) == 0)
        t.big_endian = true;
    else if (memcmp(data, "II*\0", 4) != 0)
        return 1;
    size_t directory = get32(&t, 4);
    if (directory > size || size - directory < 2) return 1;
    size_t entries = get16(&t, directory);
    for (size_t i = 0; i < entries; i++) {
        size_t at = directory + 2 + i * 12;
        if (at > size || size - at < 12) return 1;
        if (get16(&t, at) != TAG_ORIENTATION || get16(&t, at + 2) != TYPE_SHORT) continue;
        unsigned value = get16(&t, at + 8);
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

/* Copies one source row to where it goes: from `to`, pixel by pixel, `step` bytes apart. */
static void scatter_row(const unsigned char *from, int count, size_t pixel, unsigned char *to,
                        ptrdiff_t step)
{
    for (int x = 0; x < count; x++, from += pixel, to += step) memcpy(to, from, pixel);
}

/* Orientation says where the picture's first row and column lie: 1 top left, 2 top right, 3
 * bottom right, 4 bottom left; 5 left top, 6 right top, 7 right bottom, 8 left bottom (rows are
 * columns). */
tdnn_status tdnn_image_orient(tdnn_image **image, int orientation, tdnn_error *err)
{
    if (orientation <= 1 || orientation > 8) return TDNN_OK;
    tdnn_image *from = *image, *to;
    bool swapped = orientation >= 5;
    TDNN_TRY(tdnn_image_create(swapped ? from->height : from->width,
                               swapped ? from->width : from->height, from->pixels, &to, err));
    bool flip_x = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    bool flip_y = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    size_t pixel = tdnn_pixels_bytes(from->pixels);
    ptrdiff_t right = flip_x ? -(ptrdiff_t)pixel : (ptrdiff_t)pixel;
    ptrdiff_t down = flip_y ? -to->stride : to->stride;
    unsigned char *start = tdnn_image_row(to, flip_y ? to->height - 1 : 0);
    if (flip_x) start += (size_t)(to->width - 1) * pixel;
    for (int y = 0; y < from->height; y++)
        scatter_row(tdnn_image_row(from, y), from->width, pixel,
                    start + (ptrdiff_t)y * (swapped ? right : down), swapped ? down : right);
    tdnn_image_free(from);
    *image = to;
    return TDNN_OK;
}
