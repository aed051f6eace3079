/* How a blocked convolution is cut into tasks. */
#include "kernels/kernels.h"

/* Bytes of copied input a task should not exceed, so that they stay in the second-level cache
 * beside the weights. */
enum { COPY_BYTES = 384 * 1024, DIRECT_BYTES = 256 * 1024 };

/* The same beside weights that take more than MANY_WEIGHTS bytes: 1024->512 at 14x14 1336 ->
 * 1228 us, 3x3 448->384 at 8x8 1577 -> 1309. */
enum { WIDE_BYTES = 1024 * 1024, MANY_WEIGHTS = 512 * 1024 };

/* Bytes of results that a depthwise task should not exceed: they are activated in the first
 * cache. */
enum { DEPTHWISE_BYTES = 16 * 1024 };

/* Bytes of transformed input that a Winograd task keeps in the second-level cache: beside few
 * weights, which stay there from task to task (128 channels at 56x56 1.87 -> 1.66 ms, 96 at
 * 80x80 2.23 -> 2.06 with half of what follows), and beside many, which each task reads anew.
 */
enum {
    WINOGRAD_BYTES = 512 * 1024,
    WINOGRAD_WIDE_BYTES = 1024 * 1024,
    WINOGRAD_WEIGHTS = 4 * 1024 * 1024
};

/* Where less than this many tiles are that much, input and sums had better come from further
 * away than the weights for each few tiles, in as much scratch as this: 2048->512 at 40x40 364
 * -> 60 ms (50 tiles: 64). */
enum { WINOGRAD_TILES = 12, WINOGRAD_SCRATCH = 40 * 1024 * 1024 };

/* Four times the products in the blocked kernel take less time than the plain way. */
enum { MERGE_GROUPS = 4 };

/* A copied row that is longer than this is mostly padding. */
enum { ROW_BYTES = 16 * 1024 * 1024 };

/* The same for copies in bf16; 256 KiB and 1 MiB measure up to 7 % slower. */
enum { BF16_BYTES = 512 * 1024 };

/* Rows shorter than this are joined: tiles of few pixels would read the weights too often. */
enum { MERGE_BELOW = 12 };

static size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }
static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* The copy's shape: what one task reads, for `rows` output rows. */
static void plan_copy(tdnn_conv *c)
{
    const size_t reach_h = (c->kh - 1) * c->dilation_h, reach_w = (c->kw - 1) * c->dilation_w;
    c->merged = (c->ow < MERGE_BELOW || c->kw == 1) && !tdnn_conv_is_bf16(c->method);
    c->phases = least(c->stride_h, reach_h + 1);
    c->extra_rows = reach_h / c->stride_h;
    c->views = c->merged ? c->kw : least(c->stride_w, reach_w + 1);
    c->copy_columns = c->merged ? c->ow : c->ow + reach_w / c->stride_w;
}

static size_t copy_bytes(const tdnn_conv *c, size_t rows)
{
    const size_t parts = c->method == TDNN_CONV_BF16X3 ? 2 : 1;
    if (c->method == TDNN_CONV_BF16_FIRST)
        return c->phases * (rows + c->extra_rows) * c->copy_columns * c->stride_w *
               TDNN_BF16_FIRST_BYTES;
    return parts * c->planes * c->phases * c->views * (rows + c->extra_rows) * c->copy_columns *
           c->unit * sizeof(float);
}

static void plan_channels(tdnn_conv *c)
{
    const size_t b = c->block, group_ic = c->ic / c->groups;
    if (c->method == TDNN_CONV_DEPTHWISE) {
        c->planes = c->pairs = c->last_lanes = 1;
        c->pair_count = tdnn_conv_blocks(c->oc, b);
        return;
    }
    const size_t plane = tdnn_conv_is_bf16(c->method) ? TDNN_BF16_PLANE : c->unit;
    c->planes = tdnn_conv_blocks(group_ic, plane);
    c->last_lanes = group_ic - (c->planes - 1) * plane;
    c->pairs = ceil_div(tdnn_conv_blocks(c->oc / c->groups, b), 2);
    c->pair_count = c->pairs * c->groups;
}

/* Groups to join so that each has whole blocks of input and output channels; 0: that costs too
 * many products with zeros. */
static size_t whole_merge(const tdnn_conv *c, size_t block)
{
    const size_t ic = c->ic / c->groups, oc = c->oc / c->groups;
    size_t merge = 1;
    while (ic * merge % block || oc * merge % block) merge++;
    return merge <= MERGE_GROUPS || ic * merge <= 2 * block ? merge : 0;
}

/* The same where it comes out even, or all groups if they are few; else 0. */
static size_t groups_to_merge(const tdnn_conv *c, size_t block)
{
    const size_t ic = c->ic / c->groups, merge = c->groups == 1 ? 1 : whole_merge(c, block);
    if (merge && c->groups % merge == 0) return merge;
    if (merge && c->ic == c->oc && ic * merge == block)
        return merge; /* the last block is not full */
    return c->groups <= MERGE_GROUPS ? c->groups : 0;
}

static void merge_groups(tdnn_conv *c)
{
    const size_t ic = c->ic / c->groups * c->merge, oc = c->oc / c->groups * c->merge;
    c->groups = ceil_div(c->groups, c->merge);
    c->ic = c->groups * ic;
    c->oc = c->groups * oc;
}

static void take_groups(tdnn_conv *c, const tdnn_conv *from, size_t groups)
{
    *c = *from;
    c->groups = groups;
    c->ic = from->ic / from->groups * groups;
    c->oc = from->oc / from->groups * groups;
}

bool tdnn_conv_split(const tdnn_conv *c, size_t block, tdnn_conv parts[2])
{
    if (block == 0 || c->groups == 1 || c->ic == 0 || groups_to_merge(c, block)) return false;
    const size_t merge = whole_merge(c, block);
    if (merge == 0 || c->groups < merge) return false;
    take_groups(&parts[0], c, c->groups - c->groups % merge);
    take_groups(&parts[1], c, c->groups % merge);
    return tdnn_conv_can(&parts[0], TDNN_CONV_BLOCK, block) &&
           tdnn_conv_can(&parts[1], TDNN_CONV_BLOCK, block);
}

static void plan_shape(tdnn_conv *c, tdnn_conv_method method, size_t block)
{
    c->method = method;
    c->block = block;
    c->asked_oc = c->oc;
    const bool whole = method == TDNN_CONV_BLOCK ||
                       (tdnn_conv_is_bf16(method) && method != TDNN_CONV_BF16_FIRST);
    c->merge = whole ? groups_to_merge(c, block) : 1;
    if (c->merge > 1) merge_groups(c);
    c->unit = method == TDNN_CONV_FIRST || method == TDNN_CONV_BF16_FIRST ? 1 : block;
    plan_channels(c);
    plan_copy(c);
}

bool tdnn_conv_can(const tdnn_conv *asked, tdnn_conv_method method, size_t block)
{
    tdnn_conv c = *asked;
    if (block == 0 || c.batch * c.oc * c.oh * c.ow == 0 || c.ic * c.ih * c.iw == 0) return false;
    switch (method) {
    case TDNN_CONV_BF16:
    case TDNN_CONV_BF16X3:
        if (block != TDNN_BF16_PLANE / 2) return false; /* fallthrough */
    case TDNN_CONV_BLOCK:
        if (groups_to_merge(&c, block) == 0) return false;
        break;
    case TDNN_CONV_BF16_FIRST:
        if (block != TDNN_BF16_PLANE / 2 || c.groups > 1 || c.ic > TDNN_BF16_FIRST_CHANNELS)
            return false;
        if ((c.kw - 1) * c.dilation_w >= TDNN_BF16_PLANE / TDNN_BF16_FIRST_CHANNELS) return false;
        break;
    case TDNN_CONV_FIRST:
        if (c.groups > 1) return false;
        break;
    case TDNN_CONV_DEPTHWISE: return c.groups == c.ic && c.ic == c.oc;
    case TDNN_CONV_WINOGRAD:
        return c.groups == 1 && c.kh == 3 && c.kw == 3 && c.stride_h == 1 && c.stride_w == 1;
    case TDNN_CONV_BY_TAP: return c.groups == 1 && c.stride_h == 1 && c.stride_w == 1;
    }
    plan_shape(&c, method, block);
    return copy_bytes(&c, 1) <= ROW_BYTES;
}

/* Input of a task: many weights had better be read once than stay beside little input. */
static size_t input_bytes(const tdnn_conv *c, size_t few)
{
    return tdnn_conv_depth(c) * c->oc * sizeof(float) > MANY_WEIGHTS ? WIDE_BYTES : few;
}

/* Rows of which `most_bytes` of copies are made, all tasks nearly equal. */
static size_t copied_step(const tdnn_conv *c, size_t most_bytes)
{
    size_t tasks = 1;
    while (tasks < c->row_count && copy_bytes(c, ceil_div(c->row_count, tasks)) > most_bytes)
        tasks++;
    return ceil_div(c->row_count, tasks);
}

static size_t winograd_bytes(const tdnn_conv *c, size_t tiles, size_t pairs)
{
    return TDNN_WINOGRAD_POINTS * (c->planes + 2 * pairs) * tiles * c->block * sizeof(float);
}

/* Tiles of a task, the last one no smaller than the others: it reads as many weights. */
static size_t winograd_step(tdnn_conv *c)
{
    const size_t weights = TDNN_WINOGRAD_POINTS * c->ic * c->oc * sizeof(float),
                 tile = winograd_bytes(c, 1, 0);
    const bool many = weights > WINOGRAD_WEIGHTS;
    size_t step = (many ? WINOGRAD_WIDE_BYTES : WINOGRAD_BYTES) / tile;
    c->by_point = many && step < c->row_count;
    if (c->by_point && step < WINOGRAD_TILES)
        step = WINOGRAD_SCRATCH / winograd_bytes(c, 1, c->pair_count);
    if (step == 0) step = 1;
    return ceil_div(c->row_count, ceil_div(c->row_count, step));
}

static size_t first_step(tdnn_conv *c)
{
    const bool bf16 = tdnn_conv_is_bf16(c->method);
    const size_t pixel = c->planes * c->unit * sizeof(float);
    size_t step = c->row_count;
    if (c->direct && bf16)
        step = BF16_BYTES / pixel / 32 * 32;
    else if (c->direct)
        step = input_bytes(c, DIRECT_BYTES) / pixel / 84 * 84;
    else if (c->method == TDNN_CONV_DEPTHWISE)
        step = DEPTHWISE_BYTES / (c->ow * c->block * sizeof(float));
    else if (c->method == TDNN_CONV_WINOGRAD)
        return winograd_step(c);
    else if (c->method == TDNN_CONV_BY_TAP)
        return c->row_count;
    else
        step = copied_step(c, bf16 ? BF16_BYTES : input_bytes(c, COPY_BYTES));
    if (step == 0) step = c->direct ? 84 : 1;
    return least(step, c->row_count);
}

/* ---- Tasks for several threads ---- */

/* What takes about as long as one of the others: one multiplication of two vectors by a
 * broadcast number. */
enum {
    COPY_BYTES_A_CYCLE = 24,
    WEIGHT_BYTES_A_CYCLE = 16,
    TRANSFORM_IN = 150, TRANSFORM_OUT = 100, /* Winograd: a tile of one block        */
    TASK_CYCLES = 500
};

/* Vectors of pixels: a tile costs its pixels, and what its weights take beside them. */
static size_t line_cycles(size_t pixels) { return pixels + ceil_div(pixels, 14); }

static size_t task_cycles(const tdnn_conv *c, size_t rows, size_t pairs)
{
    const size_t depth = tdnn_conv_depth(c), b = c->block;
    size_t cycles = TASK_CYCLES, each = c->direct || c->merged ? 0 : rows * line_cycles(c->ow);
    if (c->method == TDNN_CONV_DEPTHWISE)
        return cycles + pairs * rows * c->ow * (c->kh * c->kw / 2 + 2);
    size_t weights = pairs * depth * 2 * b * sizeof(float);
    if (c->direct) {
        each = line_cycles(rows);
    } else if (c->method == TDNN_CONV_WINOGRAD) {
        cycles += rows * c->planes * TRANSFORM_IN + pairs * rows * 2 * TRANSFORM_OUT;
        each = line_cycles(rows) * TDNN_WINOGRAD_POINTS / 9;
        weights *= TDNN_WINOGRAD_POINTS / 9;
    } else if (c->method != TDNN_CONV_BY_TAP) {
        cycles += copy_bytes(c, rows) / COPY_BYTES_A_CYCLE;
        if (c->merged) each = line_cycles(rows * c->ow);
    }
    return cycles + each * depth * pairs + weights / WEIGHT_BYTES_A_CYCLE;
}

/* The cut into rows and pairs that is done soonest, if all tasks are equal; `least_tasks` row
 * tasks at the least. Each task of a few pairs copies or transforms its input anew; each of a
 * few rows reads all weights. */
static void cut(tdnn_conv *c, size_t least_tasks, size_t threads)
{
    size_t best = SIZE_MAX;
    const size_t most_rows = least(least_tasks + 4 * threads, c->row_count);
    for (size_t rows = least_tasks; rows <= most_rows; rows++) {
        const size_t row_step = ceil_div(c->row_count, rows);
        for (size_t pairs = 1; pairs <= least(4 * threads, c->pair_count); pairs++) {
            const size_t pair_step = ceil_div(c->pair_count, pairs);
            const size_t tasks = c->batch * ceil_div(c->row_count, row_step) *
                                 ceil_div(c->pair_count, pair_step);
            size_t cycles = ceil_div(tasks, threads) * task_cycles(c, row_step, pair_step);
            cycles += cycles / (8 * tasks); /* many even out what disturbs one thread */
            if (cycles >= best) continue;
            best = cycles;
            c->row_step = row_step;
            c->pair_step = pair_step;
        }
    }
}

/* As many rows as fit the cache, or fewer where there are several threads. */
static void plan_tasks(tdnn_conv *c, size_t threads)
{
    c->row_step = first_step(c);
    c->pair_step = c->pair_count;
    if (threads > 1) cut(c, ceil_div(c->row_count, c->row_step), threads);
    c->row_tasks = ceil_div(c->row_count, c->row_step);
    c->pair_tasks = ceil_div(c->pair_count, c->pair_step);
    c->task_count = c->batch * c->row_tasks * c->pair_tasks;
}

static size_t scratch_bytes(const tdnn_conv *c)
{
    if (c->method == TDNN_CONV_DEPTHWISE) return 0;
    const size_t taps =
        tdnn_conv_is_bf16(c->method) ? tdnn_conv_bf16_steps(c) : c->planes * c->kh * c->kw;
    const size_t head = (taps * sizeof(ptrdiff_t) + 63) / 64 * 64;
    if (c->method == TDNN_CONV_WINOGRAD)
        return tdnn_winograd_head(c) +
               winograd_bytes(c, c->row_step, c->by_point ? c->pair_step : 1);
    if (tdnn_conv_is_bf16(
            c->method)) { /* sums of a tile, the copy, and what the last tile reads too far */
        const size_t parts = c->method == TDNN_CONV_BF16X3 ? 2 : 1;
        const size_t direct = parts * c->planes * c->row_step * c->unit * sizeof(float);
        return head + 2 * TDNN_BF16_SUMS + (c->direct ? direct : copy_bytes(c, c->row_step));
    }
    return c->direct || c->method == TDNN_CONV_BY_TAP ? head : head + copy_bytes(c, c->row_step);
}

void tdnn_conv_plan(tdnn_conv *c, tdnn_conv_method method, const tdnn_kernels *table,
                    size_t threads)
{
    c->activate = table->activate_f32;
    c->direct =
        (method == TDNN_CONV_BLOCK || method == TDNN_CONV_BF16 || method == TDNN_CONV_BF16X3) &&
        c->kh == 1 && c->kw == 1 && c->stride_h == 1 && c->stride_w == 1 && c->pad_top == 0 &&
        c->pad_left == 0 && c->oh == c->ih && c->ow == c->iw;
    if (c->direct) {
        c->ow = c->iw = c->oh * c->ow;
        c->oh = c->ih = 1;
    }
    plan_shape(c, method, table->block);
    c->row_count = c->direct ? c->ow : c->oh;
    c->x_plane = c->ih * c->iw * c->unit;
    c->y_plane = c->oh * c->ow * c->block;
    if (method == TDNN_CONV_WINOGRAD)
        c->row_count = tdnn_winograd_strips(c->oh, c->dilation_h) *
                       tdnn_winograd_strips(c->ow, c->dilation_w);
    plan_tasks(c, threads);
    c->scratch_bytes = scratch_bytes(c);
}

void tdnn_conv_band(const tdnn_conv *whole, size_t begin, size_t end, tdnn_conv *band,
                    size_t *first)
{
    *band = *whole;
    band->batch = 1;
    *first =
        begin * whole->stride_h > whole->pad_top ? begin * whole->stride_h - whole->pad_top : 0;
    if (whole->direct) {
        band->iw = band->ow = band->row_count = end - begin;
    } else {
        const size_t last = (end - 1) * whole->stride_h + (whole->kh - 1) * whole->dilation_h;
        const size_t behind =
            least(last + 1 > whole->pad_top ? last + 1 - whole->pad_top : 0, whole->ih);
        band->ih = behind > *first ? behind - *first : 0;
        band->pad_top = whole->pad_top + *first - begin * whole->stride_h;
        band->oh = band->row_count = end - begin;
    }
    band->row_step = whole->method == TDNN_CONV_DEPTHWISE
                         ? least(whole->row_step, band->row_count)
                         : band->row_count;
    band->pair_step = 1;
    band->pair_tasks = band->pair_count;
    band->row_tasks = ceil_div(band->row_count, band->row_step);
    band->task_count = band->row_tasks * band->pair_tasks;
    band->scratch_bytes = scratch_bytes(band);
}
