/* Reorder: between the plain and the channel-blocked layouts of a 4-dimensional f32 value. The
 * planner inserts it at the borders of blocked regions. */
#include "lib/ops/op.h"

typedef struct reorder_plan {
    size_t channels, pixels, blocks; /* of one image: C, H * W, ceil(C / b) */
    size_t b;
    size_t chunks;                   /* that the pixels of one block are cut into */
} reorder_plan;

/* One task: some pixels of one block of channels of one image. */
typedef struct part {
    size_t lanes;        /* channels in the block, b but for the last */
    size_t begin, count; /* pixels */
    size_t plain, blocked; /* offsets of the first element */
} part;

static part find_part(const reorder_plan *p, size_t task)
{
    size_t chunk = task % p->chunks, image_block = task / p->chunks;
    size_t n = image_block / p->blocks, c0 = image_block % p->blocks * p->b, end;
    part at = {.lanes = p->channels - c0 < p->b ? p->channels - c0 : p->b};
    tdnn_task_range(p->pixels, p->chunks, chunk, &at.begin, &end);
    at.count = end - at.begin;
    at.plain = (n * p->channels + c0) * p->pixels + at.begin;
    at.blocked = (image_block * p->pixels + at.begin) * p->b;
    return at;
}

static void to_blocked(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const reorder_plan *p = step->data;
    part at = find_part(p, task);
    const float *in = (const float *)step->in[0]->data + at.plain;
    float *out = (float *)step->out[0]->data + at.blocked;
    step->kernels->transpose_x32(out, p->b * sizeof *out, in, p->pixels * sizeof *in, at.lanes,
                                 at.count);
    for (size_t i = 0; at.lanes < p->b && i < at.count; i++)
        for (size_t c = at.lanes; c < p->b; c++) out[i * p->b + c] = 0.0f;
}

static void to_plain(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const reorder_plan *p = step->data;
    part at = find_part(p, task);
    const float *in = (const float *)step->in[0]->data + at.blocked;
    float *out = (float *)step->out[0]->data + at.plain;
    step->kernels->transpose_x32(out, p->pixels * sizeof *out, in, p->b * sizeof *in, at.count,
                                 at.lanes);
}

/* Pixels of one block that are worth a task of their own: 64 KiB of 16 lanes. */
enum { CHUNK_PIXELS = 1024 };

static tdnn_status reorder_plan_step(tdnn_plan_ctx *ctx)
{
    const tdnn_tensor *in = ctx->step->in[0], *out = ctx->step->out[0];
    bool blocking = out->layout != TDNN_LAYOUT_PLAIN;
    reorder_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    p->b = (size_t)(blocking ? out->layout : in->layout);
    p->channels = (size_t)in->shape.dim[1];
    p->pixels = (size_t)(in->shape.dim[2] * in->shape.dim[3]);
    p->blocks = (p->channels + p->b - 1) / p->b;
    p->chunks = (p->pixels + CHUNK_PIXELS - 1) / CHUNK_PIXELS;
    ctx->step->kernel = blocking ? "to blocked" : "to plain";
    tdnn_plan_phase(ctx, blocking ? to_blocked : to_plain,
                    (size_t)in->shape.dim[0] * p->blocks * p->chunks);
    return TDNN_OK;
}

const tdnn_op tdnn_op_Reorder = {
    .schema = {TDNN_SCHEMA_PLAIN(Reorder, 1, 1, 1, 1), .domain = "tinydnn"},
    .infer = tdnn_infer_same,
    .plan = reorder_plan_step,
};
