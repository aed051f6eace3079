/* Boxes and labels onto a picture: a colour for each class, lines with a dark rim, and text on
 * a plate of the box's colour, so that they are seen on any background. */
#include "lib/vision/font.h"
#include "lib/vision/image.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct color {
    unsigned char r, g, b;
} color;

typedef struct rect {
    int x0, y0, x1, y1; /* x1, y1: one past the last */
} rect;

/* ---- Colours ---- */

/* Hues a golden angle apart: neighbours in number are far apart in colour. */
static color color_of_class(int class_id)
{
    double turn = fmod(0.58 + 0.61803398875 * (unsigned)class_id, 1.0) * 6;
    double value = class_id % 3 == 1 ? 205 : 245, low = class_id % 2 ? 40 : 70;
    double part = low + (value - low) * (1 - fabs(fmod(turn, 2) - 1));
    unsigned char v = (unsigned char)value, p = (unsigned char)part, l = (unsigned char)low;
    switch ((int)turn) {
    case 0: return (color){v, p, l};
    case 1: return (color){p, v, l};
    case 2: return (color){l, v, p};
    case 3: return (color){l, p, v};
    case 4: return (color){p, l, v};
    default: return (color){v, l, p};
    }
}

static color contrast_to(color c)
{
    int luminance = (299 * c.r + 587 * c.g + 114 * c.b) / 1000;
    return luminance > 120 ? (color){0, 0, 0} : (color){255, 255, 255};
}

/* ---- Filling ---- */

static int clamp(int v, int low, int high) { return v < low ? low : v > high ? high : v; }

static void fill(tdnn_image *image, rect r, color c)
{
    int channels = tdnn_pixels_channels(image->pixels);
    bool blue_first = image->pixels == TDNN_BGR8 || image->pixels == TDNN_BGRA8;
    unsigned char pixel[4] = {blue_first ? c.b : c.r, c.g, blue_first ? c.r : c.b, 255};
    r.x0 = clamp(r.x0, 0, image->width);
    r.x1 = clamp(r.x1, 0, image->width);
    r.y0 = clamp(r.y0, 0, image->height);
    r.y1 = clamp(r.y1, 0, image->height);
    for (int y = r.y0; y < r.y1; y++) {
        unsigned char *at = (unsigned char *)tdnn_image_row(image, y) + r.x0 * channels;
        for (int x = r.x0; x < r.x1; x++, at += channels) memcpy(at, pixel, (size_t)channels);
    }
}

static void frame(tdnn_image *image, rect r, int thickness, color c)
{
    fill(image, (rect){r.x0, r.y0, r.x1, r.y0 + thickness}, c);
    fill(image, (rect){r.x0, r.y1 - thickness, r.x1, r.y1}, c);
    fill(image, (rect){r.x0, r.y0, r.x0 + thickness, r.y1}, c);
    fill(image, (rect){r.x1 - thickness, r.y0, r.x1, r.y1}, c);
}

/* ---- Text ---- */

static int text_width(const char *text, int scale)
{
    int count = 0;
    while (*text) {
        tdnn_font_next(&text);
        count++;
    }
    return count * TDNN_FONT_WIDTH * scale;
}

/* Strokes are half a dot wider than the dots, which makes them bold enough for a photograph. */
static void draw_text(tdnn_image *image, int x, int y, const char *text, int scale, color c)
{
    int dot = scale + scale / 2;
    for (; *text; x += TDNN_FONT_WIDTH * scale) {
        int glyph = tdnn_font_next(&text);
        for (int row = 0; row < TDNN_FONT_HEIGHT; row++) {
            const char *dots = tdnn_font_row(glyph, row);
            for (int i = 0; i < TDNN_FONT_WIDTH; i++) {
                int left = x + i * scale, top = y + row * scale;
                if (dots[i] != ' ') fill(image, (rect){left, top, left + dot, top + scale}, c);
            }
        }
    }
}

/* ---- Detections ---- */

typedef struct style {
    int line, scale; /* width of lines; pixels of a dot of the font */
} style;

static style style_for(const tdnn_image *image)
{
    int side = image->width < image->height ? image->width : image->height;
    return (style){clamp((side + 120) / 240, 1, 64), clamp((side + 300) / 600, 1, 64)};
}

/* The box in whole pixels, cut to where the picture and a rim around it can show it. */
static rect pixels_of(const tdnn_box *box, const tdnn_image *image)
{
    float right = box->x + box->width, bottom = box->y + box->height;
    float w = (float)image->width, h = (float)image->height;
    return (rect){
        (int)lrintf(fminf(fmaxf(box->x, 0.f), w)), (int)lrintf(fminf(fmaxf(box->y, 0.f), h)),
        (int)lrintf(fminf(fmaxf(right, 0.f), w)), (int)lrintf(fminf(fmaxf(bottom, 0.f), h))};
}

static void draw_box(tdnn_image *image, const tdnn_detection *d, style s)
{
    color c = color_of_class(d->class_id), rim = {0, 0, 0};
    rect r = pixels_of(&d->box, image);
    int edge = s.line > 2 ? s.line / 3 : 1;
    if (s.line > 1) {
        rect outer = {r.x0 - edge, r.y0 - edge, r.x1 + edge, r.y1 + edge};
        frame(image, outer, s.line + 2 * edge, rim);
    }
    frame(image, r, s.line, c);
    for (int i = 0; i < d->point_count && i < 5; i++) {
        int x = (int)lrintf(fminf(fmaxf(d->points[2 * i], -1e6f), 1e6f));
        int y = (int)lrintf(fminf(fmaxf(d->points[2 * i + 1], -1e6f), 1e6f));
        fill(image,
             (rect){x - s.line - edge, y - s.line - edge, x + s.line + edge, y + s.line + edge},
             rim);
        fill(image, (rect){x - s.line, y - s.line, x + s.line, y + s.line}, c);
    }
}

static bool meet(rect a, rect b)
{
    return a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;
}

static bool is_free(rect r, const rect *taken, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (meet(r, taken[i])) return false;
    return true;
}

/* A plate sits on its box's upper edge, else inside below it, else under the box: the first
 * place that is in the picture and not yet taken. */
static rect place_plate(const tdnn_image *image, rect box, int width, int height,
                        const rect *taken, size_t count)
{
    int x = clamp(box.x0, 0, image->width > width ? image->width - width : 0);
    int tops[] = {box.y0 - height, box.y0, box.y1, box.y1 - height, box.y0 + height};
    rect first = {x, 0, x + width, height};
    bool have_first = false;
    for (size_t i = 0; i < sizeof tops / sizeof *tops; i++) {
        rect r = {x, tops[i], x + width, tops[i] + height};
        if (r.y0 < 0 || r.y1 > image->height) continue;
        if (is_free(r, taken, count)) return r;
        if (!have_first) first = r;
        have_first = true;
    }
    return first;
}

static void draw_label(tdnn_image *image, const tdnn_detection *d, const tdnn_labels *labels,
                       style s, rect *taken, size_t *count)
{
    char text[128];
    const char *label = tdnn_labels_get(labels, d->class_id);
    if (label)
        snprintf(text, sizeof text, "%.100s %.2f", label, (double)d->score);
    else
        snprintf(text, sizeof text, "#%d %.2f", d->class_id, (double)d->score);
    int width = text_width(text, s.scale) + 2 * s.scale, height = TDNN_FONT_HEIGHT * s.scale;
    rect plate = place_plate(image, pixels_of(&d->box, image), width, height, taken, *count);
    taken[(*count)++] = plate;
    color c = color_of_class(d->class_id);
    fill(image, plate, c);
    draw_text(image, plate.x0 + s.scale, plate.y0, text, s.scale, contrast_to(c));
}

static tdnn_status check_arguments(const tdnn_image *image, const tdnn_detections *detections,
                                   tdnn_error *err)
{
    TDNN_TRY(tdnn_image_check(image, err));
    if (tdnn_pixels_float(image->pixels) || tdnn_pixels_channels(image->pixels) < 3)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT,
                         "pixels are %s, expected 8 bits and 3 or 4 channels",
                         tdnn_pixels_name(image->pixels));
    if (!detections || (detections->count && !detections->list))
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "the detections are NULL");
    return TDNN_OK;
}

tdnn_status tdnn_draw_detections(tdnn_image *image, const tdnn_detections *detections,
                                 int image_index, const tdnn_labels *labels, tdnn_error *err)
{
    TDNN_TRY(check_arguments(image, detections, err));
    rect *taken = tdnn_alloc(detections->count, sizeof *taken);
    if (!taken) return TDNN_NO_MEMORY(err);
    style s = style_for(image);
    /* the best last, and so on top; its plate first, and so in the best place */
    for (size_t i = detections->count; i-- > 0;)
        if (detections->list[i].image == image_index) draw_box(image, &detections->list[i], s);
    size_t count = 0;
    for (size_t i = 0; i < detections->count; i++)
        if (detections->list[i].image == image_index)
            draw_label(image, &detections->list[i], labels, s, taken, &count);
    tdnn_free(taken);
    return TDNN_OK;
}
