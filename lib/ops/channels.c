/* Each block of an output is put together from the few blocks that its channels lie in; the
 * plan finds out which, and which lane goes where.
 */
#include "lib/ops/channels.h"

enum { MOST_LANES = 16, STRIP = 256 }; /* pixels: 16 KiB of a block */

typedef struct block_plan {
    size_t out, block; /* which block of which output */
    tdnn_lanes lanes;
    struct source {
        size_t in, block;
    } source[MOST_LANES];
} block_plan;

typedef struct channel_plan {
    size_t images, pixels, count, strips; /* strips of pixels of an image */
    block_plan blocks[];
} channel_plan;

static size_t block_count(const tdnn_tensor *t)
{
    const size_t b = (size_t)t->layout;
    return ((size_t)t->shape.dim[1] + b - 1) / b;
}

/* The first of `pixels` pixels in a block of an image. */
static float *block_at(const tdnn_tensor *t, size_t image, size_t block, size_t pixels)
{
    return (float *)t->data + (image * block_count(t) + block) * pixels * (size_t)t->layout;
}

static void channels_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const channel_plan *p = step->data;
    const size_t image = task / p->count / p->strips, strip = task / p->count % p->strips;
    const block_plan *b = &p->blocks[task % p->count];
    const float *from[MOST_LANES];
    size_t begin, end;
    tdnn_task_range(p->pixels, p->strips, strip, &begin, &end);
    const size_t skip = begin * b->lanes.block;
    for (size_t s = 0; s < b->lanes.sources; s++)
        from[s] =
            block_at(step->in[b->source[s].in], image, b->source[s].block, p->pixels) + skip;
    step->kernels->lanes_f32(block_at(step->out[b->out], image, b->block, p->pixels) + skip,
                             from, &b->lanes, end - begin);
}

/* The number of the source (in, block) in the list, which it joins if it is new. */
static size_t source_number(block_plan *b, size_t in, size_t block)
{
    size_t s = 0;
    while (s < b->lanes.sources && (b->source[s].in != in || b->source[s].block != block)) s++;
    if (s == b->lanes.sources) {
        b->source[s].in = in;
        b->source[s].block = block;
        b->lanes.sources++;
    }
    return s;
}

static void fill_block(block_plan *b, const tdnn_tensor *out, tdnn_channel_fn *where,
                       const void *context)
{
    const int64_t lanes = out->layout, first = (int64_t)b->block * lanes;
    b->lanes.block = (size_t)lanes;
    for (int64_t l = 0; l < lanes && first + l < out->shape.dim[1]; l++) {
        const tdnn_channel from = where(context, b->out, first + l);
        const size_t s = source_number(b, from.in, (size_t)(from.channel / lanes));
        b->lanes.index[l] = (int32_t)(from.channel % lanes);
        b->lanes.mask[s] = (uint16_t)(b->lanes.mask[s] | 1u << l);
    }
}

tdnn_status tdnn_plan_channels(tdnn_plan_ctx *ctx, tdnn_channel_fn *where, const void *context,
                               const bool *wanted)
{
    const tdnn_step *step = ctx->step;
    const tdnn_shape *shape = &step->in[0]->shape;
    size_t count = 0, bytes;
    for (size_t o = 0; o < step->output_count; o++)
        if (!wanted || wanted[o]) count += block_count(step->out[o]);
    channel_plan *p = NULL;
    if (tdnn_size_mul(count, sizeof *p->blocks, &bytes) &&
        tdnn_size_add(bytes, sizeof *p, &bytes))
        p = tdnn_plan_alloc(ctx, bytes, 1);
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    p->images = (size_t)shape->dim[0];
    p->pixels = (size_t)(shape->dim[2] * shape->dim[3]);
    for (size_t o = 0; o < step->output_count; o++) {
        const bool now = !wanted || wanted[o];
        for (size_t k = 0; now && k < block_count(step->out[o]); k++) {
            block_plan *b = &p->blocks[p->count++];
            b->out = o;
            b->block = k;
            fill_block(b, step->out[o], where, context);
        }
    }
    ctx->step->kernel = "channels";
    /* All blocks of a strip before the next strip: each source is read for several blocks. */
    p->strips = (p->pixels + STRIP - 1) / STRIP;
    tdnn_plan_phase(ctx, channels_run, p->images * p->strips * p->count);
    return TDNN_OK;
}
