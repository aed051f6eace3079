/* Bilinear resizing, row by row: whoever wants a resized picture pulls the rows of the window
 * it needs, and nothing larger than a row is ever stored. */
#ifndef TDNN_VISION_RESIZE_H
#define TDNN_VISION_RESIZE_H

#include "lib/base/mem.h"

/* A picture resized to width x height, of which only a window is wanted. */
typedef struct tdnn_resize_plan {
    int width, height;       /* of the whole resized picture                         */
    double scale_x, scale_y; /* source pixels per resized pixel                      */
    int x, y;                /* the window's upper left corner in the resized picture */
    int window_width, window_height;
} tdnn_resize_plan;

typedef struct tdnn_resizer tdnn_resizer;

tdnn_status tdnn_resizer_create(const tdnn_image *source, const tdnn_resize_plan *plan,
                                tdnn_resizer **out, tdnn_error *err);
void tdnn_resizer_free(tdnn_resizer *resizer);
/* Row y of the window, in the source's pixel format; valid until the next call. */
const void *tdnn_resizer_row(tdnn_resizer *resizer, int y);

#endif
