/* Convolutions of bytes, in up to three dimensions: the input lies pixel by pixel with its
 * padding in place, so that a window's bytes are a few stretches of memory, which kernels
 * multiply by packed weights.
 *
 * Inside, inputs are 0 .. 255 and weights -128 .. 127; numbers of the other kind, and their
 * zero points, are moved by 128. With w for weights less their zero point, sum (a - za) w  =
 * sum a w' - (zw') sum a - za sum w where w' and zw' are what weights and zero points became;
 * the middle term is there for zw' other than 0, and is had from weights of 1.
 */
#ifndef TDNN_OPS_CONV_X8_H
#define TDNN_OPS_CONV_X8_H

#include "lib/ops/integer.h"
#include "lib/ops/window.h"

typedef struct tdnn_conv_x8 {
    size_t batch, groups, ic, oc; /* channels of a group; channel by channel: one group */
    tdnn_window_axis axis[3];     /* depth, height, width */
    bool depthwise, ones;
    size_t in_pixels, out_pixels, places, k; /* places: of a kernel; k: times ic */
    size_t extent[3];             /* of an image with its padding                     */
    size_t pixel, line, image;    /* bytes of each                                    */
    size_t panels;                /* of a group                                       */
    size_t weights_at, sums_at, zeros_at, packed_bytes; /* what is packed             */
    tdnn_dot dot;
    size_t panel_bytes;
    size_t chunks, tasks, fill_tasks;
    const unsigned char *packed; /* NULL: in the shared scratch, behind the images    */
} tdnn_conv_x8;

/* Where the bytes come from: plain u8 or i8; or f32 in any layout or plain i32, which are
 * quantised. */
typedef struct tdnn_x8_source {
    const tdnn_tensor *x;
    float scale;
    int zero; /* 0 .. 255, also where x is i8 */
} tdnn_x8_source;

/* The sums of one panel for some pixels. */
typedef struct tdnn_x8_part {
    size_t image, channel, lanes; /* the first channel; lanes of the panel that are channels */
    size_t at;                    /* the panel's first lane among those of all panels */
    size_t first, count;          /* pixels */
    int32_t *sums;                /* count x 16 */
    const int32_t *weight_sums;   /* of 16 lanes: to subtract, times the input's zero point */
    void *scratch;                           /* 2 x TDNN_X8_PIXELS x 16 floats */
} tdnn_x8_part;

typedef void (*tdnn_x8_finish_fn)(const tdnn_step *s, const tdnn_x8_part *part);

enum { TDNN_X8_PIXELS = 48 }; /* of the output at a time, at most */

/* The problem; step->in[w_at] are the weights, in[zero_at] their zero points. Checks nothing that
 * `infer` should have. */
tdnn_status tdnn_conv_x8_plan(tdnn_plan_ctx *ctx, tdnn_conv_x8 *d, const tdnn_windows *windows,
                              size_t groups, size_t w_at, size_t zero_at);
/* Phases: weights, if they are not constant (pack: NULL if they are); the input's bytes;
 * products. `fill` and `run` are the operator's own and call the functions below. */
void tdnn_conv_x8_phases(tdnn_plan_ctx *ctx, tdnn_conv_x8 *d, tdnn_run_fn pack,
                         tdnn_run_fn fill, tdnn_run_fn run);
void tdnn_conv_x8_pack(const tdnn_step *s, const tdnn_conv_x8 *d, size_t w_at, size_t zero_at);
void tdnn_conv_x8_fill(const tdnn_step *s, const tdnn_conv_x8 *d, const tdnn_x8_source *from,
                       size_t task, size_t worker);
/* Of each lane of all panels. */
const int32_t *tdnn_conv_x8_weight_sums(const tdnn_step *s, const tdnn_conv_x8 *d);
void tdnn_conv_x8_run(const tdnn_step *s, const tdnn_conv_x8 *d, tdnn_x8_finish_fn finish,
                      size_t task, size_t worker);

#endif
