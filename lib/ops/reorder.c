/* Reorder: between the plain and the channel-blocked layouts of a 4-dimensional f32 value. The planner
 * inserts it at the borders of blocked regions. */
#include "lib/ops/op.h"

typedef struct reorder_plan {
    size_t channels, pixels, blocks; /* of one image: C, H * W, ceil(C / b) */
    size_t b;
} reorder_plan;

/* One task handles one block of channels of one image; both directions need only that. */
static void to_blocked(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const reorder_plan *p = step->data;
    size_t n = task / p->blocks, block = task % p->blocks, c0 = block * p->b;
    size_t lanes = p->channels - c0 < p->b ? p->channels - c0 : p->b;
    const float *in = (const float *)step->in[0]->data + (n * p->channels + c0) * p->pixels;
    float *out = (float *)step->out[0]->data + task * p->pixels * p->b;
    for (size_t i = 0; i < p->pixels; i++)
        for (size_t c = 0; c < p->b; c++) out[i * p->b + c] = c < lanes ? in[c * p->pixels + i] : 0.0f;
}

static void to_plain(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const reorder_plan *p = step->data;
    size_t n = task / p->blocks, block = task % p->blocks, c0 = block * p->b;
    size_t lanes = p->channels - c0 < p->b ? p->channels - c0 : p->b;
    const float *in = (const float *)step->in[0]->data + task * p->pixels * p->b;
    float *out = (float *)step->out[0]->data + (n * p->channels + c0) * p->pixels;
    for (size_t c = 0; c < lanes; c++)
        for (size_t i = 0; i < p->pixels; i++) out[c * p->pixels + i] = in[i * p->b + c];
}

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
    ctx->step->kernel = blocking ? "to blocked" : "to plain";
    tdnn_plan_phase(ctx, blocking ? to_blocked : to_plain, (size_t)in->shape.dim[0] * p->blocks);
    return TDNN_OK;
}

const tdnn_op tdnn_op_Reorder = {
    .schema = {TDNN_SCHEMA_PLAIN(Reorder, 1, 1, 1, 1), .domain = "tinydnn"},
    .infer = tdnn_infer_same,
    .plan = reorder_plan_step,
};
