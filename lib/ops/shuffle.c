/* ChannelShuffle: channels of several groups are dealt out in turn, as in ShuffleNet (X. Zhang
 * et al., 2017). Models write it as Reshape, Transpose, Reshape, often behind a Concat and in
 * front of a Split; the planner recognises that, and makes it one step: inputs are one tensor,
 * cut along the channels, and so are outputs.
 */
#include "lib/ops/channels.h"

#include <string.h>

static tdnn_status shuffle_infer(tdnn_infer *ctx)
{
    const tdnn_shuffle_params *p = ctx->params;
    const tdnn_shape *in = &ctx->in[0]->shape;
    if (ctx->input_count != 1 || ctx->output_count != 1 || in->ndim != 4 || p->group < 1 ||
        in->dim[1] % p->group)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "%lld groups of the channels of %d dimensions", (long long)p->group,
                         in->ndim);
    return tdnn_infer_same(ctx);
}

static void shuffle_layout(tdnn_layout_query *q)
{
    bool blocked = false;
    for (size_t i = 0; i < q->input_count; i++)
        blocked = blocked || q->in[i]->layout == q->block;
    for (size_t i = 0; blocked && i < q->input_count; i++) q->want[i] = q->block;
    for (size_t i = 0; blocked && i < q->output_count; i++) q->give[i] = q->block;
}

typedef struct dealing {
    int64_t group, each; /* each: channels of a group */
    const tdnn_step *step;
} dealing;

static tdnn_channel dealt(const void *context, size_t out, int64_t channel)
{
    const dealing *d = context;
    for (size_t o = 0; o < out; o++) channel += d->step->out[o]->shape.dim[1];
    channel = channel % d->group * d->each + channel / d->group;
    size_t in = 0;
    for (; channel >= d->step->in[in]->shape.dim[1]; in++)
        channel -= d->step->in[in]->shape.dim[1];
    return (tdnn_channel){in, channel};
}

/* Plain: one image a task, plane by plane. */
static void planes_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const dealing *d = step->data;
    const tdnn_shape *shape = &step->in[0]->shape;
    const size_t plane = (size_t)(shape->dim[2] * shape->dim[3]) *
                         ((size_t)tdnn_dtype_bits(step->in[0]->dtype) / 8);
    for (size_t o = 0; o < step->output_count; o++) {
        const size_t channels = (size_t)step->out[o]->shape.dim[1];
        for (size_t c = 0; c < channels; c++) {
            const tdnn_channel from = dealt(d, o, (int64_t)c);
            const tdnn_tensor *in = step->in[from.in];
            const size_t at = task * (size_t)in->shape.dim[1] + (size_t)from.channel;
            memcpy((char *)step->out[o]->data + (task * channels + c) * plane,
                   (const char *)in->data + at * plane, plane);
        }
    }
}

static tdnn_status shuffle_plan(tdnn_plan_ctx *ctx)
{
    const tdnn_shuffle_params *p = ctx->step->params;
    const tdnn_step *step = ctx->step;
    dealing d = {.group = p->group, .step = step};
    for (size_t i = 0; i < step->input_count; i++) d.each += step->in[i]->shape.dim[1];
    d.each /= p->group;
    if (step->in[0]->layout != TDNN_LAYOUT_PLAIN)
        return tdnn_plan_channels(ctx, dealt, &d, NULL);
    dealing *kept = tdnn_plan_alloc(ctx, 1, sizeof *kept);
    if (!kept) return TDNN_NO_MEMORY(ctx->err);
    *kept = d;
    ctx->step->kernel = "planes";
    if (step->in[0]->bytes) tdnn_plan_phase(ctx, planes_run, (size_t)step->in[0]->shape.dim[0]);
    return TDNN_OK;
}

static const tdnn_attr shuffle_attrs[] = {TDNN_INT(tdnn_shuffle_params, group, 1), {0}};

const tdnn_op tdnn_op_ChannelShuffle = {
    .schema = {TDNN_SCHEMA(ChannelShuffle, 1, -1, 1, -1, shuffle_attrs, tdnn_shuffle_params),
               .domain = "tinydnn"},
    .infer = shuffle_infer,
    .layout = shuffle_layout,
    .plan = shuffle_plan,
};
