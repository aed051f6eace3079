/* Convolution in channel-blocked layout: what is asked, how it is cut into tasks, how weights
 * are packed.
 *
 * Input rows that a task needs are first copied to its scratch, with the padding in place and
 * the columns sorted so that neighbouring output pixels read neighbouring input pixels whatever
 * the stride. The inner kernel then adds, for a tile of pixels by one or two blocks of output
 * channels, one product after another in a fixed order: no sum depends on the tasks. A 1x1
 * convolution of stride 1 reads its input in place.
 */
#ifndef TDNN_KERNELS_CONV_H
#define TDNN_KERNELS_CONV_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/types.h"

typedef enum tdnn_conv_method {
    TDNN_CONV_BLOCK, /* blocked to blocked; with groups: whole blocks in each                 */
    TDNN_CONV_FIRST, /* plain to blocked, for few input channels; no groups                   */
    TDNN_CONV_DEPTHWISE, /* blocked to blocked, one input and one output channel a group */
    TDNN_CONV_WINOGRAD,  /* blocked to blocked, 3x3, stride 1, any dilation, no groups  */
    TDNN_CONV_BF16, /* blocked to blocked, blocks of 16: bf16 products, f32 sums             */
    TDNN_CONV_BF16X3,     /* the same with each factor the sum of two bf16: nearly f32     */
    TDNN_CONV_BF16_FIRST, /* plain to blocked of 16: up to 4 input channels, windows 8 wide */
    TDNN_CONV_BY_TAP /* blocked to blocked, stride 1, no groups: each kernel position in turn,
                        where it lies within the image */
} tdnn_conv_method;

/* Winograd's F(4x4, 3x3) computes 4x4 outputs from a tile of 6x6 inputs with 36 multiplications
 * in place of 144: Y = At [(G g Gt) * (Bt d B)] A (Lavin and Gray, Fast Algorithms for
 * Convolutional Neural Networks). The points are 0, +-1/sqrt 2, +-sqrt 2 and infinity: measured
 * against the usual 0, +-1, +-2, half the mean error and a fifth of the greatest. */
#define TDNN_WINOGRAD_A 0.70710678118654752 /* a; the other points are +-b = +-2a */
enum { TDNN_WINOGRAD_OUT = 4, TDNN_WINOGRAD_IN = 6, TDNN_WINOGRAD_POINTS = 36 };
/* Input planes of which products are summed at a time. */
enum { TDNN_WINOGRAD_PLANES = 32 };

/* Products of bf16: the copy has planes of 32 channels, and a step of the inner loop is one
 * plane under one kernel position. Weights of a step and an output block are 16 rows, one for
 * two input channels, of 16 output channels by these two: what a tile of AMX and a vector of
 * AVX512-BF16 want alike. BF16X3 has a = a1 + a2 and b = b1 + b2, and takes a1 b1 + a2 b1 + a1
 * b2: all steps three times, the second time on a2, the third time with weights b2; an error of
 * about 2^-17 in place of 2^-8. BF16_FIRST's copy has pixels of 4 channels, and a step is 8
 * pixels in a row under one kernel row; the weights of those that the kernel does not cover are
 * 0. */
enum {
    TDNN_BF16_PLANE = 32,
    TDNN_BF16_FIRST_CHANNELS = 4,
    TDNN_BF16_FIRST_BYTES = 8, /* of a pixel with them         */
    TDNN_BF16_STEP = 512,  /* weights, for one output block             */
    TDNN_BF16_SUMS = 4096  /* bytes: 32 pixels of two blocks of outputs */
};

typedef enum tdnn_residual {
    TDNN_RESIDUAL_NONE,
    TDNN_RESIDUAL_BEFORE, /* y = act(conv + residual) */
    TDNN_RESIDUAL_AFTER   /* y = act(conv) + residual */
} tdnn_residual;

typedef struct tdnn_conv {
    /* What is asked; set by the caller. */
    size_t batch, groups;
    size_t ic, ih, iw;
    size_t oc, oh, ow;
    size_t kh, kw, stride_h, stride_w, dilation_h, dilation_w;
    size_t pad_top, pad_left; /* those at the other ends follow from oh and ow */
    tdnn_act act;
    tdnn_residual residual;

    /* How it is done; set by tdnn_conv_plan. */
    tdnn_conv_method method;
    size_t block; /* channels of a block: 8 or 16                                           */
    size_t merge; /* groups computed as one, with zeros between, to make whole blocks; or 1 */
    size_t asked_oc; /* oc before they were merged, which may fill up the last block */
    size_t unit;   /* floats of a pixel in one input plane: block, or 1 where input is plain */
    size_t planes; /* input planes of a group                                                */
    size_t last_lanes; /* channels in a group's last plane */
    size_t pairs; /* of output blocks, in a group; the last one may be a single block       */
    size_t pair_count; /* in all groups; depthwise: blocks */
    bool direct;   /* input read in place: then oh is 1 and ow all pixels                    */
    bool merged;   /* the copy has a view per kernel column, so that lines join without gaps */
    size_t views;  /* column-shifted copies of each row                                      */
    size_t phases; /* row classes modulo stride_h that the kernel touches                    */
    size_t copy_columns;     /* of a view     */
    size_t extra_rows;       /* of a phase, beyond the task's output rows       */
    size_t x_plane, y_plane; /* floats from a plane of the input or output to the next */
    size_t row_count;        /* output rows (direct: pixels; Winograd: tiles) of an image        */
    size_t row_step;         /* of a task         */
    size_t pair_step;        /* pairs of a task        */
    size_t row_tasks, pair_tasks, task_count;
    bool by_point; /* Winograd: sums of all pairs of the task are kept, point by point       */
    size_t scratch_bytes; /* of one worker */
    void (*activate)(float *y, const float *x, size_t n, const tdnn_act *act);
} tdnn_conv;

typedef struct tdnn_conv_io {
    const float *x;
    const float *weights; /* as tdnn_conv_pack made them */
    const float *residual; /* laid out as y; NULL if there is none */
    float *y;
    size_t x_block,
        y_block; /* of the image, at x and y: a band's buffers hold a few blocks only */
} tdnn_conv_io;

struct tdnn_kernels;

/* Whether `method` can do what is asked, with blocks of `block` channels. */
bool tdnn_conv_can(const tdnn_conv *c, tdnn_conv_method method, size_t block);
/* Groups that do not come out even when they are joined to whole blocks: the first ones, which
 * do, and the others. False if no method takes both, or one takes all. */
bool tdnn_conv_split(const tdnn_conv *c, size_t block, tdnn_conv parts[2]);
/* Fills the second half of *c. Only the number and size of tasks depend on `threads`. */
void tdnn_conv_plan(tdnn_conv *c, tdnn_conv_method method, const struct tdnn_kernels *table,
                    size_t threads);
/* Output rows begin .. end-1 of one image as a convolution of its own, whose input begins with
 * the first row that they read, *first. For the methods BLOCK, FIRST and DEPTHWISE; io then
 * says which blocks lie at x and y, and the caller sets x_plane and y_plane where those are
 * buffers. Task i computes pair i % pair_tasks. In place (`direct`) rows are pixels. */
void tdnn_conv_band(const tdnn_conv *whole, size_t begin, size_t end, tdnn_conv *band,
                    size_t *first);
/* Floats of the packed weights with bias; both depend only on method, block, channels, kernel
 * size. */
size_t tdnn_conv_packed_count(const tdnn_conv *c);
/* weights: OC, IC/groups, KH, KW; bias: OC, or NULL. */
void tdnn_conv_pack(const tdnn_conv *c, const float *weights, const float *bias, float *packed,
                    const struct tdnn_kernels *table);

/* Whether it takes weights that are not aligned as floats. */
bool tdnn_conv_packs_anywhere(const tdnn_conv *c);

/* ---- For the kernels ---- */

static inline size_t tdnn_conv_blocks(size_t channels, size_t block)
{
    return (channels + block - 1) / block;
}
/* Products that each output channel sums. */
static inline size_t tdnn_conv_depth(const tdnn_conv *c)
{
    return c->ic / c->groups * c->kh * c->kw;
}
static inline bool tdnn_conv_is_bf16(tdnn_conv_method method)
{
    return method == TDNN_CONV_BF16 || method == TDNN_CONV_BF16X3 ||
           method == TDNN_CONV_BF16_FIRST;
}
/* Steps of the inner loop of bf16 products. */
static inline size_t tdnn_conv_bf16_steps(const tdnn_conv *c)
{
    if (c->method == TDNN_CONV_BF16_FIRST) return c->kh;
    return (c->method == TDNN_CONV_BF16X3 ? 3 : 1) * c->planes * c->kh * c->kw;
}
/* bf16 weights of a packed convolution. */
size_t tdnn_conv_bf16_count(const tdnn_conv *c);
void tdnn_conv_bf16_pack(const tdnn_conv *c, const float *weights, void *packed);

/* Floats of the bias in front of the packed weights. */
static inline size_t tdnn_conv_bias_count(const tdnn_conv *c)
{
    return tdnn_conv_blocks(c->oc, c->block) * c->block;
}
/* What one task computes: rows (as row_count counts them) of one image, of some pairs. */
typedef struct tdnn_conv_part {
    size_t image, row_begin, row_end, pair_begin, pair_end;
} tdnn_conv_part;

static inline tdnn_conv_part tdnn_conv_part_of(const tdnn_conv *c, size_t task)
{
    const size_t rows = c->row_count, pairs = c->pair_count;
    const size_t pair = task % c->pair_tasks * c->pair_step;
    const size_t row = task / c->pair_tasks % c->row_tasks * c->row_step;
    const size_t row_end = row + c->row_step, pair_end = pair + c->pair_step;
    return (tdnn_conv_part){task / c->pair_tasks / c->row_tasks, row,
                            row_end < rows ? row_end : rows, pair,
                            pair_end < pairs ? pair_end : pairs};
}

/* Outputs begin .. end - 1 of `out` from which a kernel position `shift` away lies on the `in`
 * inputs. */
typedef struct tdnn_conv_stretch {
    size_t begin, end;
} tdnn_conv_stretch;

static inline tdnn_conv_stretch tdnn_conv_reached(size_t out, size_t in, size_t shift, size_t pad)
{
    const size_t begin = pad > shift ? pad - shift : 0,
                 end = in + pad > shift ? in + pad - shift : 0;
    return (tdnn_conv_stretch){begin, end < out ? end : out};
}

/* Input planes that are summed for all pairs and kernel positions before the next are: in the
 * second-level cache, but enough of them that the sums are seldom loaded and stored. */
static inline size_t tdnn_conv_tap_planes(const tdnn_conv *c)
{
    const size_t planes = ((size_t)768 << 10) / (c->ih * c->iw * c->block * sizeof(float));
    return planes < 4 ? 4 : planes;
}

/* Where a Winograd tile lies. A dilated convolution is a dense one on each of dilation_h x
 * dilation_w lattices of pixels that far apart, so a tile's pixels are the dilation apart too.
 */
typedef struct tdnn_winograd_tile {
    size_t row, column; /* of the first output, and of the first input counted with padding */
    size_t rows, columns; /* of outputs: 4, or fewer at the end of the lattice                */
} tdnn_winograd_tile;

/* Strips of 4 that cover `size` outputs along an axis. */
static inline size_t tdnn_winograd_strips(size_t size, size_t dilation)
{
    const size_t least = size / dilation, more = size % dilation;
    const size_t out = TDNN_WINOGRAD_OUT;
    return more * ((least + out) / out) + (dilation - more) * ((least + out - 1) / out);
}

/* First output of a strip. */
static inline size_t tdnn_winograd_strip(size_t strip, size_t size, size_t dilation)
{
    const size_t least = size / dilation, more = size % dilation, out = TDNN_WINOGRAD_OUT;
    size_t each = (least + out) / out, lattice = strip / each;
    if (lattice >= more) { /* the lattices behind those that have one more */
        strip -= more * each;
        each = (least + out - 1) / out;
        lattice = more + strip / each;
    }
    return lattice + strip % each * out * dilation;
}

/* Where the weights of a pair of `width` blocks are for one point, as [input channel][lane]: as
 * they are read. */
static inline size_t tdnn_winograd_weights(const tdnn_conv *c, size_t pair, size_t point,
                                           size_t width)
{
    const size_t before = c->by_point ? point * tdnn_conv_blocks(c->oc, c->block) + 2 * pair
                                      : 2 * pair * TDNN_WINOGRAD_POINTS + point * width;
    return before * c->block * c->ic;
}

/* Bytes of a task's scratch in front of the transformed input: a tap a plane, and where tiles
 * lie. */
static inline size_t tdnn_winograd_head(const tdnn_conv *c)
{
    return (c->planes * sizeof(ptrdiff_t) + c->row_step * sizeof(tdnn_winograd_tile) + 63) /
           64 * 64;
}

static inline tdnn_winograd_tile tdnn_winograd_tile_at(const tdnn_conv *c, size_t tile)
{
    const size_t across = tdnn_winograd_strips(c->ow, c->dilation_w), out = TDNN_WINOGRAD_OUT;
    tdnn_winograd_tile t = {.row = tdnn_winograd_strip(tile / across, c->oh, c->dilation_h),
                            .column = tdnn_winograd_strip(tile % across, c->ow, c->dilation_w)};
    t.rows = (c->oh - t.row + c->dilation_h - 1) / c->dilation_h;
    t.columns = (c->ow - t.column + c->dilation_w - 1) / c->dilation_w;
    if (t.rows > out) t.rows = out;
    if (t.columns > out) t.columns = out;
    return t;
}

#endif
