/* ConvChain: [any convolution ->] depthwise [-> 1x1 convolution] as one step, in bands of rows.
 *
 * A band's share of what is between them stays in the second-level cache: of the first one's
 * results two blocks of channels at a time, which the depthwise one reads at once, and of the
 * depthwise one's results the rows of the band. Rows that two bands need are computed twice.
 * Each number is the same sum as in separate steps, whatever the bands.
 */
#include "lib/ops/conv.h"

#include <stdio.h>

/* Bytes between the convolutions of one band: half of a second-level cache of 2 MiB; input,
 * weights and output take the rest. */
enum { BAND_BYTES = 1024 * 1024 };

enum { EXPAND, DEPTHWISE, PROJECT, STAGES };

typedef struct stage {
    tdnn_conv conv;
    tdnn_conv_fn *kernel; /* NULL: there is no such stage */
    const float *packed;
} stage;

typedef struct chain_plan {
    stage stages[STAGES];
    size_t band_rows, bands; /* of the depthwise convolution's output, of an image */
    size_t pairs, pair_step, pair_tasks; /* pairs of its blocks                    */
    size_t kernel_bytes,
        between_bytes; /* of a worker's scratch: the kernels', then the first buffer */
} chain_plan;

static size_t chain_weights(size_t which) { return 1 + 2 * which; }

/* One pair of blocks of a band. */
static void run_pair(const stage *s, const tdnn_conv *band, const tdnn_conv_io *io, size_t pair,
                     void *scratch)
{
    for (size_t task = pair; task < band->task_count; task += band->pair_tasks)
        s->kernel(band, io, task, scratch);
}

/* From the start of a tensor to `row` of an image, in a plane of `row_size` a row. */
static size_t place(size_t image, size_t planes, size_t plane, size_t row, size_t row_size)
{
    return image * planes * plane + row * row_size;
}

static void project(const tdnn_step *step, size_t image, size_t begin, size_t end,
                    const float *x, void *scratch)
{
    const chain_plan *p = step->data;
    const stage *s = &p->stages[PROJECT];
    const size_t width = p->stages[DEPTHWISE].conv.ow;
    tdnn_conv band;
    size_t first;
    tdnn_conv_band(&s->conv, begin * width, end * width, &band, &first);
    band.x_plane = (end - begin) * width * band.block;
    const size_t blocks = tdnn_conv_blocks(band.oc, band.block);
    const size_t at = place(image, blocks, band.y_plane, first, band.block);
    const float *residual = tdnn_step_floats(step, chain_weights(STAGES));
    const tdnn_conv_io io = {.x = x,
                             .weights = s->packed,
                             .residual = residual ? residual + at : NULL,
                             .y = (float *)step->out[0]->data + at};
    for (size_t pair = 0; pair < band.pair_count; pair++) run_pair(s, &band, &io, pair, scratch);
}

/* What the depthwise convolution reads of a band, of one pair after the other. */
typedef struct expansion {
    tdnn_conv band;
    tdnn_conv_io io;
} expansion;

static expansion expansion_of(const chain_plan *p, const float *x, size_t first, size_t rows,
                              float *y)
{
    const stage *s = &p->stages[EXPAND];
    const tdnn_conv *c = &s->conv;
    const size_t row = p->stages[DEPTHWISE].conv.iw,
                 unit = c->direct ? row : 1; /* of rows, in the stage's terms */
    expansion e;
    size_t from;
    tdnn_conv_band(c, first * unit, (first + rows) * unit, &e.band, &from);
    e.band.y_plane = rows * row * c->block;
    e.io = (tdnn_conv_io){
        .x = x + from * c->unit * (c->direct ? 1 : c->iw), .weights = s->packed, .y = y};
    return e;
}

/* A band of the depthwise convolution, of pairs begin .. end-1, and before it of what it reads.
 */
static void run_depthwise(const chain_plan *p, const float *x, tdnn_conv *band, size_t first,
                          float *y, size_t begin, size_t end, unsigned char *scratch)
{
    const stage *s = &p->stages[DEPTHWISE];
    const bool wide = p->stages[EXPAND].kernel;
    float *between = (float *)(void *)(scratch + p->kernel_bytes);
    tdnn_conv_io io = {.x = x + first * band->iw * band->block, .weights = s->packed, .y = y};
    expansion e;
    if (wide) {
        e = expansion_of(p, x, first, band->ih, between);
        band->x_plane = e.band.y_plane;
        io.x = between;
    }
    for (size_t pair = begin; pair < end; pair++) {
        if (wide) {
            e.io.y_block = io.x_block = 2 * pair;
            run_pair(&p->stages[EXPAND], &e.band, &e.io, pair, scratch);
        }
        for (size_t block = 2 * pair; block < band->pair_count && block < 2 * pair + 2; block++)
            run_pair(s, band, &io, block, scratch);
    }
}

static void chain_run(const tdnn_step *step, size_t task, size_t worker)
{
    const chain_plan *p = step->data;
    const tdnn_conv *d = &p->stages[DEPTHWISE].conv, *e = &p->stages[EXPAND].conv;
    unsigned char *scratch = step->scratch + worker * step->scratch_stride;
    const size_t image = task / p->pair_tasks / p->bands,
                 begin = task / p->pair_tasks % p->bands * p->band_rows;
    const size_t end = begin + p->band_rows < d->oh ? begin + p->band_rows : d->oh;
    const size_t pair = task % p->pair_tasks * p->pair_step, line = d->ow * d->block;
    const size_t pair_end = pair + p->pair_step < p->pairs ? pair + p->pair_step : p->pairs;
    const size_t plane =
        p->stages[EXPAND].kernel ? e->planes * e->x_plane : d->pair_count * d->x_plane;
    const float *x = tdnn_step_floats(step, CONV_X) + image * plane;
    float *y = (float *)step->out[0]->data + image * d->pair_count * d->y_plane + begin * line;
    tdnn_conv band;
    size_t first;
    tdnn_conv_band(d, begin, end, &band, &first);
    if (p->stages[PROJECT].kernel) {
        y = (float *)(void *)(scratch + p->kernel_bytes + p->between_bytes);
        band.y_plane = (end - begin) * line;
    }
    run_depthwise(p, x, &band, first, y, pair, pair_end, scratch);
    if (p->stages[PROJECT].kernel) project(step, image, begin, end, y, scratch);
}

/* ---- planning ---- */

/* Rows of the depthwise convolution's input that `rows` of its output see. */
static size_t rows_seen(const tdnn_conv *d, size_t rows)
{
    const size_t seen = (rows - 1) * d->stride_h + (d->kh - 1) * d->dilation_h + 1;
    return seen < d->ih ? seen : d->ih;
}

static size_t expand_bytes(const chain_plan *p, size_t rows)
{
    const tdnn_conv *d = &p->stages[DEPTHWISE].conv;
    return p->stages[EXPAND].kernel ? 2 * rows_seen(d, rows) * d->iw * d->block * sizeof(float)
                                    : 0;
}

static size_t depth_bytes(const chain_plan *p, size_t rows)
{
    const tdnn_conv *d = &p->stages[DEPTHWISE].conv;
    return p->stages[PROJECT].kernel ? d->pair_count * rows * d->ow * d->block * sizeof(float)
                                     : 0;
}

/* As few bands as fit the cache, for several threads as many as come out even; without a
 * projection the channels are cut too. */
static void cut(chain_plan *p, size_t batch, size_t threads)
{
    const size_t rows = p->stages[DEPTHWISE].conv.oh;
    size_t bands = 1;
    while (bands < rows && expand_bytes(p, (rows + bands - 1) / bands) +
                                   depth_bytes(p, (rows + bands - 1) / bands) > BAND_BYTES)
        bands++;
    p->pairs = (p->stages[DEPTHWISE].conv.pair_count + 1) / 2;
    p->pair_step = p->pairs;
    if (p->stages[PROJECT].kernel) {
        while (bands * batch % threads && bands < rows) bands++;
    } else if (threads > 1) {
        const size_t wanted = (4 * threads + bands * batch - 1) / (bands * batch);
        p->pair_step = (p->pairs + wanted - 1) / wanted;
    }
    p->pair_tasks = (p->pairs + p->pair_step - 1) / p->pair_step;
    p->band_rows = (rows + bands - 1) / bands;
    p->bands = (rows + p->band_rows - 1) / p->band_rows;
}

/* The most that a kernel needs for a band. */
static void measure_scratch(chain_plan *p)
{
    const tdnn_conv *d = &p->stages[DEPTHWISE].conv, *e = &p->stages[EXPAND].conv;
    tdnn_conv band, wide;
    size_t first;
    for (size_t begin = 0; begin < d->oh; begin += p->band_rows) {
        const size_t end = begin + p->band_rows < d->oh ? begin + p->band_rows : d->oh;
        tdnn_conv_band(d, begin, end, &band, &first);
        if (p->stages[EXPAND].kernel) {
            const size_t unit = e->direct ? d->iw : 1;
            tdnn_conv_band(e, first * unit, (first + band.ih) * unit, &wide, &first);
            if (wide.scratch_bytes > p->kernel_bytes) p->kernel_bytes = wide.scratch_bytes;
        }
        if (!p->stages[PROJECT].kernel) continue;
        tdnn_conv_band(&p->stages[PROJECT].conv, begin * d->ow, end * d->ow, &band, &first);
        if (band.scratch_bytes > p->kernel_bytes) p->kernel_bytes = band.scratch_bytes;
    }
}

typedef struct pack_context {
    const tdnn_conv *conv;
    const tdnn_kernels *kernels;
} pack_context;

static tdnn_status pack_weights(void *context, const tdnn_tensor *const *source, void *out,
                                tdnn_error *err)
{
    (void)err;
    const pack_context *c = context;
    tdnn_conv_pack(c->conv, source[0]->data, source[1] ? source[1]->data : NULL, out, c->kernels);
    return TDNN_OK;
}

/* Weights and bias, inputs `index` and the one behind it: packed once for all sessions of the
 * net. */
static tdnn_status plan_weights(tdnn_plan_ctx *ctx, stage *s, size_t index)
{
    const tdnn_conv *c = &s->conv;
    const tdnn_tensor *bias =
        tdnn_step_input(ctx->step, index + 1) ? ctx->constants[index + 1] : NULL;
    const tdnn_pack_key key = {
        .what = "conv chain",
        .source = {ctx->constants[index], bias},
        .number = {(int64_t)c->method, (int64_t)c->block, (int64_t)c->groups},
        .anywhere = tdnn_conv_packs_anywhere(c)};
    pack_context context = {c, ctx->kernels};
    const size_t bytes = tdnn_conv_packed_count(c) * sizeof(float);
    const void *packed = NULL;
    TDNN_TRY(tdnn_plan_pack(ctx, &key, bytes, pack_weights, &context, sizeof context, &packed));
    s->packed = packed;
    return TDNN_OK;
}

/* The stages one after another, each of the shape that the one before gives: *x. */
static tdnn_status plan_stage(tdnn_plan_ctx *ctx, size_t which, tdnn_shape *x, stage *s)
{
    static const tdnn_conv_method methods[] = {TDNN_CONV_BLOCK, TDNN_CONV_DEPTHWISE,
                                               TDNN_CONV_BLOCK};
    const tdnn_conv_chain_params *params = ctx->step->params;
    const tdnn_conv_params *conv = params->stage[which];
    const tdnn_kernels *k = ctx->kernels;
    const size_t weights = chain_weights(which);
    if (!conv) return TDNN_OK;
    tdnn_shape y;
    const bool residual = which == PROJECT && tdnn_step_input(ctx->step, chain_weights(STAGES));
    TDNN_TRY(tdnn_conv_shape(conv, x, &ctx->step->in[weights]->shape, &y, ctx->err));
    if (!tdnn_conv_describe(conv, x, &ctx->step->in[weights]->shape, &y, residual, &s->conv))
        return TDNN_FAIL(ctx->err, TDNN_ERR_INTERNAL,
                         "a chain of convolutions with other than 4 dimensions");
    const bool first = which == EXPAND && ctx->step->in[CONV_X]->layout == TDNN_LAYOUT_PLAIN;
    const tdnn_conv_method method = first ? TDNN_CONV_FIRST : methods[which];
    tdnn_conv_plan(&s->conv, method, k, (size_t)ctx->threads);
    s->kernel = first                ? k->conv_first_f32
                : which == DEPTHWISE ? k->conv_depthwise_f32
                                     : k->conv_block_f32;
    const double products =
        (double)tdnn_shape_count(&y) * (double)tdnn_shape_count(&ctx->step->in[weights]->shape);
    ctx->step->flops += (uint64_t)(2 * products / (double)y.dim[1]);
    *x = y;
    return plan_weights(ctx, s, weights);
}

static tdnn_status chain_plan_it(tdnn_plan_ctx *ctx)
{
    tdnn_step *step = ctx->step;
    chain_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    tdnn_shape shape = step->in[CONV_X]->shape;
    for (size_t i = 0; i < STAGES; i++) TDNN_TRY(plan_stage(ctx, i, &shape, &p->stages[i]));
    const tdnn_conv *d = &p->stages[DEPTHWISE].conv;
    cut(p, d->batch, (size_t)ctx->threads);
    measure_scratch(p);
    p->kernel_bytes = tdnn_round_up(p->kernel_bytes, TDNN_ALIGN);
    p->between_bytes = tdnn_round_up(expand_bytes(p, p->band_rows), TDNN_ALIGN);
    tdnn_plan_scratch(ctx, p->kernel_bytes + p->between_bytes + depth_bytes(p, p->band_rows));
    tdnn_plan_phase(ctx, chain_run, d->batch * p->bands * p->pair_tasks);
    char name[48];
    snprintf(name, sizeof name, "%sdepthwise%zux%zu%s c%zu",
             p->stages[EXPAND].kernel ? "expand+" : "", d->kh, d->kw,
             p->stages[PROJECT].kernel ? "+project" : "", d->block);
    step->kernel = tdnn_plan_kernel_name(ctx, name, false);
    return step->kernel ? TDNN_OK : TDNN_NO_MEMORY(ctx->err);
}

static tdnn_status chain_infer(tdnn_infer *ctx)
{
    const tdnn_conv_chain_params *params = ctx->params;
    tdnn_shape x = ctx->in[CONV_X]->shape, y;
    if (!params->stage[DEPTHWISE])
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED,
                         "only the planner makes chains of convolutions");
    for (size_t i = 0; i < STAGES; i++) {
        if (!params->stage[i]) continue;
        TDNN_TRY(tdnn_conv_shape(params->stage[i], &x, &ctx->in[chain_weights(i)]->shape, &y,
                                 ctx->err));
        x = y;
    }
    tdnn_infer_set(ctx, 0, ctx->in[CONV_X]->dtype, &x);
    return TDNN_OK;
}

static void chain_layout(tdnn_layout_query *query)
{
    const tdnn_conv_chain_params *params = query->params;
    const tdnn_info *x = query->in[CONV_X];
    const bool first = params->stage[EXPAND] && x->layout == TDNN_LAYOUT_PLAIN &&
                       tdnn_conv_is_first(x->shape.dim[1]);
    query->give[0] = query->block;
    if (!first) query->want[CONV_X] = query->block;
    if (query->input_count > chain_weights(STAGES))
        query->want[chain_weights(STAGES)] = query->block;
}

/* Made by the planner from Convs. */
const tdnn_op tdnn_op_ConvChain = {
    .schema = {TDNN_SCHEMA(ConvChain, 3, 8, 1, 1, NULL, tdnn_conv_chain_params),
               .domain = "tinydnn"},
    .infer = chain_infer,
    .layout = chain_layout,
    .plan = chain_plan_it,
};
