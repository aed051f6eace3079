/* Bilinear resizing with the results of OpenCV 4.6's INTER_LINEAR, bit for bit.
 *
 * 8-bit pixels: weights in 1/2048; the horizontal pass is exact, the vertical one drops 4 bits
 * of each row and 16 of each product before it rounds. Float pixels: two products and a sum,
 * each rounded. A resize to exactly half in both directions is the mean of 2x2 pixels. */
#include "lib/vision/resize.h"

#include "lib/vision/image.h"

#include <float.h>
#include <math.h>

enum { WEIGHT_ONE = 2048, NO_ROW = -1 };

/* Where one output position takes its two samples from, and how much of each. */
typedef struct tap {
    int at, next;   /* sample index in a row; row index for the vertical direction */
    int32_t w0, w1; /* 8-bit pixels: in 1/2048 */
    float f0, f1;   /* float pixels */
} tap;

struct tdnn_resizer {
    tdnn_image source;
    tdnn_resize_plan plan;
    int channels;
    bool is_float;
    enum { COPY, HALVE, LINEAR } way;
    tap *columns, *rows;
    void *wide[2];   /* two source rows after the horizontal pass: int32_t or float */
    int wide_row[2]; /* which source rows they are */
    void *line;      /* the finished row */
};

static void set_weights(tap *t, float fraction)
{
    t->f0 = 1.f - fraction;
    t->f1 = fraction;
    t->w0 = (int32_t)lrintf((1.f - fraction) * WEIGHT_ONE);
    t->w1 = (int32_t)lrintf(fraction * WEIGHT_ONE);
}

static int clamp(int i, int count) { return i < 0 ? 0 : i >= count ? count - 1 : i; }

/* Columns beyond a border take the border pixel whole. Rows are only clamped, and keep their
 * weights: with the bits that the vertical pass drops this differs in the last place. */
static void fill_taps(tap *taps, int first, int count, double scale, int source, int step,
                      bool columns)
{
    for (int i = 0; i < count; i++) {
        float position = (float)((first + i + 0.5) * scale - 0.5);
        int at = (int)floorf(position);
        float fraction = position - (float)at;
        if (columns && (at < 0 || at >= source - 1)) fraction = 0.f;
        set_weights(&taps[i], fraction);
        taps[i].at = clamp(at, source) * step;
        taps[i].next = clamp(at + 1, source) * step;
        if (columns && fraction == 0.f) taps[i].next = taps[i].at;
    }
}

static bool exactly_two(double scale) { return fabs(scale - 2.0) < DBL_EPSILON; }

tdnn_status tdnn_resizer_create(const tdnn_image *source, const tdnn_resize_plan *plan,
                                tdnn_resizer **out, tdnn_error *err)
{
    *out = NULL;
    tdnn_resizer *r = tdnn_calloc(1, sizeof *r);
    if (!r) return TDNN_NO_MEMORY(err);
    r->source = *source;
    r->plan = *plan;
    r->channels = tdnn_pixels_channels(source->pixels);
    r->is_float = tdnn_pixels_float(source->pixels);
    r->wide_row[0] = r->wide_row[1] = NO_ROW;
    r->way = plan->width == source->width && plan->height == source->height ? COPY
             : exactly_two(plan->scale_x) && exactly_two(plan->scale_y)     ? HALVE
                                                                            : LINEAR;
    size_t columns = (size_t)plan->window_width, rows = (size_t)plan->window_height;
    size_t samples = columns * (size_t)r->channels;
    r->line = tdnn_alloc(samples, sizeof(float));
    r->wide[0] = tdnn_alloc(samples, sizeof(float));
    r->wide[1] = tdnn_alloc(samples, sizeof(float));
    r->columns = tdnn_alloc(columns, sizeof *r->columns);
    r->rows = tdnn_alloc(rows, sizeof *r->rows);
    if (!r->line || !r->wide[0] || !r->wide[1] || !r->columns || !r->rows) {
        tdnn_resizer_free(r);
        return TDNN_NO_MEMORY(err);
    }
    fill_taps(r->columns, plan->x, plan->window_width, plan->scale_x, source->width,
              r->channels, true);
    fill_taps(r->rows, plan->y, plan->window_height, plan->scale_y, source->height, 1, false);
    *out = r;
    return TDNN_OK;
}

void tdnn_resizer_free(tdnn_resizer *r)
{
    if (!r) return;
    tdnn_free(r->columns);
    tdnn_free(r->rows);
    tdnn_free(r->wide[0]);
    tdnn_free(r->wide[1]);
    tdnn_free(r->line);
    tdnn_free(r);
}

/* ---- Rows: pointers and counts only ---- */

static void widen_u8(const uint8_t *from, const tap *taps, int count, int channels, int32_t *to)
{
    for (int i = 0; i < count; i++) {
        const uint8_t *a = from + taps[i].at, *b = from + taps[i].next;
        for (int c = 0; c < channels; c++) *to++ = a[c] * taps[i].w0 + b[c] * taps[i].w1;
    }
}

static void widen_f32(const float *from, const tap *taps, int count, int channels, float *to)
{
    for (int i = 0; i < count; i++) {
        const float *a = from + taps[i].at, *b = from + taps[i].next;
        for (int c = 0; c < channels; c++) *to++ = a[c] * taps[i].f0 + b[c] * taps[i].f1;
    }
}

static void blend_u8(const int32_t *above, const int32_t *below, int32_t w0, int32_t w1,
                     size_t count, uint8_t *to)
{
    for (size_t i = 0; i < count; i++) {
        int32_t v = ((w0 * (above[i] >> 4) >> 16) + (w1 * (below[i] >> 4) >> 16) + 2) >> 2;
        to[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

static void blend_f32(const float *above, const float *below, float f0, float f1, size_t count,
                      float *to)
{
    for (size_t i = 0; i < count; i++) to[i] = above[i] * f0 + below[i] * f1;
}

static void halve_u8(const uint8_t *above, const uint8_t *below, int count, int channels,
                     uint8_t *to)
{
    for (int i = 0; i < count; i++, above += channels, below += channels)
        for (int c = 0; c < channels; c++, above++, below++)
            *to++ =
                (uint8_t)((above[0] + above[channels] + below[0] + below[channels] + 2) >> 2);
}

/* The order of the sums is seen in the last bit: OpenCV's vector code, which takes the first
 * `paired` pixels, adds the pairs of each row first. */
static void halve_f32(const float *above, const float *below, int count, int paired,
                      int channels, float *to)
{
    for (int i = 0; i < count; i++, above += channels, below += channels)
        for (int c = 0; c < channels; c++, above++, below++) {
            float a = above[0], b = above[channels], d = below[0], e = below[channels];
            *to++ = (i < paired ? (a + b) + (d + e) : a + b + d + e) * 0.25f;
        }
}

/* ---- The three ways ---- */

static const void *window_start(const tdnn_resizer *r, int source_row, int source_column)
{
    const unsigned char *row = tdnn_image_row(&r->source, source_row);
    return row + (size_t)source_column * tdnn_pixels_bytes(r->source.pixels);
}

/* A picture with an odd side has a last column or row of which only a half exists (a crop may
 * round its size up): the mean of those pixels that do. */
static void halve_at_edge(const tdnn_resizer *r, int x, int y)
{
    int columns = r->source.width - 2 * x < 2 ? 1 : 2,
        rows = r->source.height - 2 * y < 2 ? 1 : 2;
    size_t to = (size_t)(x - r->plan.x) * (size_t)r->channels;
    for (int c = 0; c < r->channels; c++, to++) {
        float sum = 0.f;
        for (int i = 0; i < rows * columns; i++) {
            const void *pixel = window_start(r, 2 * y + i / columns, 2 * x + i % columns);
            sum += r->is_float ? ((const float *)pixel)[c] : (float)((const uint8_t *)pixel)[c];
        }
        sum /= (float)(rows * columns);
        if (r->is_float)
            ((float *)r->line)[to] = sum;
        else
            ((uint8_t *)r->line)[to] = (uint8_t)lrintf(sum);
    }
}

static const void *halved_row(tdnn_resizer *r, int y)
{
    int x = r->plan.x, end = x + r->plan.window_width, whole = r->source.width / 2;
    y += r->plan.y;
    if (y >= r->source.height / 2) whole = x;
    if (whole > end) whole = end;
    if (whole > x) {
        const void *above = window_start(r, 2 * y, 2 * x),
                   *below = window_start(r, 2 * y + 1, 2 * x);
        int paired = r->channels == 4   ? whole
                     : r->channels == 1 ? r->source.width / 2 / 4 * 4
                                        : x;
        if (r->is_float)
            halve_f32(above, below, whole - x, paired - x, r->channels, r->line);
        else
            halve_u8(above, below, whole - x, r->channels, r->line);
    }
    for (x = whole; x < end; x++) halve_at_edge(r, x, y);
    return r->line;
}

/* The source row after the horizontal pass, in the slot that does not hold row `keep`. */
static const void *widened_row(tdnn_resizer *r, int row, int keep)
{
    for (int slot = 0; slot < 2; slot++)
        if (r->wide_row[slot] == row) return r->wide[slot];
    int slot = r->wide_row[0] == keep;
    const void *from = tdnn_image_row(&r->source, row);
    if (r->is_float)
        widen_f32(from, r->columns, r->plan.window_width, r->channels, r->wide[slot]);
    else
        widen_u8(from, r->columns, r->plan.window_width, r->channels, r->wide[slot]);
    r->wide_row[slot] = row;
    return r->wide[slot];
}

static const void *linear_row(tdnn_resizer *r, int y)
{
    const tap *t = &r->rows[y];
    const void *above = widened_row(r, t->at, t->next);
    const void *below = widened_row(r, t->next, t->at);
    size_t count = (size_t)r->plan.window_width * (size_t)r->channels;
    if (r->is_float)
        blend_f32(above, below, t->f0, t->f1, count, r->line);
    else
        blend_u8(above, below, t->w0, t->w1, count, r->line);
    return r->line;
}

const void *tdnn_resizer_row(tdnn_resizer *r, int y)
{
    switch (r->way) {
    case COPY: return window_start(r, r->plan.y + y, r->plan.x);
    case HALVE: return halved_row(r, y);
    default: return linear_row(r, y);
    }
}
