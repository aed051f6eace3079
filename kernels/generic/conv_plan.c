/* How a blocked convolution is cut into tasks, and how its weights are packed. */
#include "kernels/kernels.h"

#include <string.h>

/* Bytes of copied input a task should not exceed, so that they stay in the second-level cache
 * beside the weights. */
enum { COPY_BYTES = 384 * 1024, DIRECT_BYTES = 256 * 1024 };

/* Bytes of results that a depthwise task should not exceed: they are activated in the first cache. */
enum { DEPTHWISE_BYTES = 16 * 1024 };

/* Rows shorter than this are joined: tiles of few pixels would read the weights too often. */
enum { MERGE_BELOW = 12 };

static size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }
static size_t least(size_t a, size_t b) { return a < b ? a : b; }

bool tdnn_conv_can(const tdnn_conv *c, tdnn_conv_method method, size_t block)
{
    if (block == 0 || c->batch * c->oc * c->oh * c->ow == 0 || c->ic * c->ih * c->iw == 0) return false;
    switch (method) {
    case TDNN_CONV_BLOCK:
        return c->groups == 1 || (c->ic / c->groups % block == 0 && c->oc / c->groups % block == 0);
    case TDNN_CONV_FIRST: return c->groups == 1;
    case TDNN_CONV_DEPTHWISE: return c->groups == c->ic && c->ic == c->oc;
    }
    return false;
}

/* The copy's shape: what one task reads, for `rows` output rows. */
static void plan_copy(tdnn_conv *c)
{
    const size_t reach_h = (c->kh - 1) * c->dilation_h, reach_w = (c->kw - 1) * c->dilation_w;
    c->merged = c->ow < MERGE_BELOW && c->kw > 1;
    c->phases = least(c->stride_h, reach_h + 1);
    c->extra_rows = reach_h / c->stride_h;
    c->views = c->merged ? c->kw : least(c->stride_w, reach_w + 1);
    c->copy_columns = c->merged ? c->ow : c->ow + reach_w / c->stride_w;
}

static size_t copy_bytes(const tdnn_conv *c, size_t rows)
{
    return c->planes * c->phases * c->views * (rows + c->extra_rows) * c->copy_columns * c->unit *
           sizeof(float);
}

/* As many rows as fit the cache; then cut further until every thread has a few tasks. */
static void plan_tasks(tdnn_conv *c, size_t threads)
{
    const size_t rows = c->direct ? c->ow : c->oh;
    size_t step = rows;
    if (c->direct) {
        step = DIRECT_BYTES / (c->planes * c->unit * sizeof(float)) / 84 * 84;
        step = step ? least(step, rows) : least(84, rows);
    } else if (c->method == TDNN_CONV_DEPTHWISE) {
        step = DEPTHWISE_BYTES / (c->ow * c->block * sizeof(float));
        step = step ? least(step, rows) : 1;
    } else {
        while (step > 1 && copy_bytes(c, step) > COPY_BYTES) step = ceil_div(step, 2);
    }
    const size_t wanted = threads > 1 ? 4 * threads : 1;
    c->pair_step = c->pair_count;
    const size_t weights = tdnn_conv_depth(c) * c->oc;
    const bool many_weights = weights > c->batch * c->planes * c->groups * c->ih * c->iw * c->unit;
    size_t tasks = c->batch * ceil_div(rows, step);
    if (tasks < wanted && (many_weights || c->method == TDNN_CONV_DEPTHWISE)) {
        c->pair_step = ceil_div(c->pair_count, ceil_div(wanted, tasks));
        tasks *= ceil_div(c->pair_count, c->pair_step);
    }
    if (tasks < wanted) {
        const size_t least_step = c->direct ? 28 : 2;
        step = ceil_div(step, ceil_div(wanted, tasks));
        if (step < least_step) step = least(least_step, rows);
    }
    c->row_step = step;
    c->row_tasks = ceil_div(rows, step);
    c->pair_tasks = ceil_div(c->pair_count, c->pair_step);
    c->task_count = c->batch * c->row_tasks * c->pair_tasks;
}

void tdnn_conv_plan(tdnn_conv *c, tdnn_conv_method method, const tdnn_kernels *table,
                    size_t threads)
{
    const size_t b = table->block, group_ic = c->ic / c->groups;
    c->method = method;
    c->block = b;
    c->activate = table->activate_f32;
    c->unit = method == TDNN_CONV_FIRST ? 1 : b;
    if (method == TDNN_CONV_DEPTHWISE) {
        c->planes = c->pairs = 1;
        c->last_lanes = 1;
        c->pair_count = tdnn_conv_blocks(c->oc, b);
    } else {
        c->planes = tdnn_conv_blocks(group_ic, c->unit);
        c->last_lanes = group_ic - (c->planes - 1) * c->unit;
        c->pairs = ceil_div(tdnn_conv_blocks(c->oc / c->groups, b), 2);
        c->pair_count = c->pairs * c->groups;
    }
    c->direct = method == TDNN_CONV_BLOCK && c->kh == 1 && c->kw == 1 && c->stride_h == 1 &&
                c->stride_w == 1 && c->pad_top == 0 && c->pad_left == 0 && c->oh == c->ih &&
                c->ow == c->iw;
    if (c->direct) {
        c->ow = c->iw = c->oh * c->ow;
        c->oh = c->ih = 1;
    }
    plan_copy(c);
    plan_tasks(c, threads);
    const size_t taps = c->planes * c->kh * c->kw;
    c->scratch_bytes = (taps * sizeof(ptrdiff_t) + 63) / 64 * 64;
    if (!c->direct && method != TDNN_CONV_DEPTHWISE) c->scratch_bytes += copy_bytes(c, c->row_step);
}

size_t tdnn_conv_packed_count(const tdnn_conv *c)
{
    const size_t bias = tdnn_conv_bias_count(c);
    if (c->method == TDNN_CONV_DEPTHWISE) return bias + bias * c->kh * c->kw;
    return bias + bias * tdnn_conv_depth(c);
}

static void pack_depthwise(const tdnn_conv *c, const float *weights, float *out)
{
    const size_t taps = c->kh * c->kw, b = c->block;
    for (size_t channel = 0; channel < c->oc; channel++)
        for (size_t k = 0; k < taps; k++)
            out[(channel / b * taps + k) * b + channel % b] = weights[channel * taps + k];
}

/* Output channel `o` of a group whose pair is `width` lanes wide: for each input plane, row and
 * column of the kernel and input lane, one weight in lane o of `width`. */
static void pack_channel(const tdnn_conv *c, const float *weights, float *out, size_t width)
{
    const size_t area = c->kh * c->kw;
    for (size_t plane = 0; plane < c->planes; plane++) {
        const size_t lanes = plane + 1 < c->planes ? c->unit : c->last_lanes;
        for (size_t k = 0; k < area; k++)
            for (size_t lane = 0; lane < lanes; lane++, out += width)
                *out = weights[(plane * c->unit + lane) * area + k];
    }
}

void tdnn_conv_pack(const tdnn_conv *c, const float *weights, const float *bias, float *packed)
{
    const size_t depth = tdnn_conv_depth(c), b = c->block;
    memset(packed, 0, tdnn_conv_packed_count(c) * sizeof *packed);
    if (bias) memcpy(packed, bias, c->oc * sizeof *bias);
    packed += tdnn_conv_bias_count(c);
    if (c->method == TDNN_CONV_DEPTHWISE) {
        pack_depthwise(c, weights, packed);
        return;
    }
    const size_t group_oc = c->oc / c->groups, blocks = tdnn_conv_blocks(group_oc, b);
    for (size_t channel = 0; channel < c->oc; channel++) {
        const size_t group = channel / group_oc, o = channel % group_oc;
        const size_t pair = o / (2 * b), width = 2 * pair + 1 < blocks ? 2 * b : b;
        float *out = packed + (group * blocks + 2 * pair) * b * depth + o % (2 * b);
        pack_channel(c, weights + channel * depth, out, width);
    }
}
