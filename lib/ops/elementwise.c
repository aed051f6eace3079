/* Loops of element-wise operators.
 *
 * Dimensions over which all operands move alike are merged first, so that the innermost run is
 * long and each operand either moves through it or stands still. Where it stays short all the
 * same (a vector of few lanes against many rows) several runs are gathered into one.
 */
#include "lib/ops/elementwise.h"

enum {
    DIMS = TDNN_MAX_DIMS + 1, /* a blocked value has five */
    SHORT = 128,              /* runs below this many elements are gathered */
    GRAIN = 64 /* tasks end at multiples of this: no two share a byte or a cache line */
};

typedef struct operand {
    bool present, widen;
    bool by_channel;     /* one number a channel, to be put into the blocked order first */
    size_t size;         /* bytes of an element */
    size_t step;         /* in the innermost run: 0 or 1 */
    size_t stride[DIMS]; /* of the outer dimensions, in elements */
    size_t gather, wide; /* offsets in the worker's scratch */
    size_t shared;       /* offset in the shared scratch, if by_channel */
} operand;

typedef struct elementwise_data {
    tdnn_formula_fn *fn, *finish;
    tdnn_formula_args args;
    bool chain, narrow;
    size_t tasks;
    size_t total, inner, rows,
        chunk; /* rows: runs gathered at a time; chunk: elements at a time */
    size_t ndim, extent[DIMS];
    size_t out_size, out_wide;
    operand *operands;
} elementwise_data;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* ---- run ---- */

static size_t operand_offset(const elementwise_data *m, const operand *o, size_t row)
{
    size_t offset = 0;
    for (size_t d = m->ndim; d-- > 0 && row;) {
        offset += row % m->extent[d] * o->stride[d];
        row /= m->extent[d];
    }
    return offset;
}

#define FILL(T)                                                                                \
    do {                                                                                       \
        T v;                                                                                   \
        memcpy(&v, from, sizeof v);                                                            \
        for (size_t i = 0; i < n; i++) memcpy(to + i * sizeof v, &v, sizeof v);                \
    } while (0)
static void fill(char *to, const char *from, size_t n, size_t size)
{
    switch (size) {
    case 1: memset(to, *from, n); break;
    case 2: FILL(uint16_t); break;
    case 4: FILL(uint32_t); break;
    case 8: FILL(uint64_t); break;
    default:
        for (size_t i = 0; i < n; i++) memcpy(to + i * size, from, size);
    }
}

/* Copies `rows` runs, `stride` elements apart, one behind the other. */
static void gather(void *to_, const void *from_, const operand *o, size_t rows, size_t inner,
                   size_t stride)
{
    char *to = to_;
    const char *from = from_;
    for (size_t r = 0; r < rows; r++, from += stride * o->size) {
        if (o->step) {
            memcpy(to, from, inner * o->size);
            to += inner * o->size;
        } else {
            fill(to, from, inner, o->size);
            to += inner * o->size;
        }
    }
}

/* The operand's elements for `rows` runs (or, rows 1, n elements from `skip` on), ready for the
 * formula. */
static const void *fetch(const tdnn_step *s, const elementwise_data *m, size_t k,
                         unsigned char *scratch, size_t row, size_t rows, size_t skip, size_t n,
                         size_t *step)
{
    const operand *o = &m->operands[k];
    *step = o->step;
    if (!o->present) return NULL;
    const unsigned char *base = o->by_channel ? s->shared + o->shared : s->in[k]->data;
    const size_t first = operand_offset(m, o, row) + skip * o->step;
    const unsigned char *x = base + first * o->size;
    if (rows > 1) {
        const size_t stride = o->stride[m->ndim - 1];
        if (stride != m->inner * o->step) {
            gather(scratch + o->gather, x, o, rows, m->inner, stride);
            x = scratch + o->gather;
            *step = 1;
        }
    }
    if (!o->widen) return x;
    float *wide = (float *)(void *)(scratch + o->wide);
    tdnn_widen_f32(m->args.kernels, wide, x, s->in[k]->dtype, 0, *step ? n : 1);
    return wide;
}

static void apply(const elementwise_data *m, void *y, const void **x, const size_t *step,
                  size_t n)
{
    if (!m->chain) {
        m->fn(y, x, step, n, &m->args);
        return;
    }
    const size_t size = m->narrow ? sizeof(float) : m->out_size;
    if (m->args.count > 1)
        m->fn(y, x, step, n, &m->args);
    else if (y != x[0])
        memcpy(y, x[0], n * size);
    for (size_t k = 2; k < m->args.count; k++) {
        const void *pair[2] = {y, x[k]};
        const size_t steps[2] = {1, step[k]};
        m->fn(y, pair, steps, n, &m->args);
    }
    if (m->finish) {
        const void *sum[1] = {y};
        const size_t steps[1] = {1};
        m->finish(y, sum, steps, n, &m->args);
    }
}

/* Computes from element `at` on, up to `end` at most; how many. */
static size_t piece(const tdnn_step *s, const elementwise_data *m, unsigned char *scratch,
                    size_t at, size_t end)
{
    const size_t row = at / m->inner, skip = at % m->inner;
    size_t rows = 1, n = smaller(m->inner - skip, end - at);
    if (m->rows > 1 && skip == 0 && end - at >= m->inner) {
        const size_t last = m->extent[m->ndim - 1];
        rows = smaller(smaller(m->rows, last - row % last), (end - at) / m->inner);
        n = rows * m->inner;
    } else if (n > m->chunk) {
        n = m->chunk;
    }
    const void **x = (const void **)(void *)scratch;
    size_t *step = (size_t *)(void *)(scratch + m->args.count * sizeof *x);
    for (size_t k = 0; k < m->args.count; k++)
        x[k] = fetch(s, m, k, scratch, row, rows, skip, n, &step[k]);
    unsigned char *y = (unsigned char *)s->out[0]->data + at * m->out_size;
    if (m->narrow) {
        float *wide = (float *)(void *)(scratch + m->out_wide);
        apply(m, wide, x, step, n);
        tdnn_narrow_f32(m->args.kernels, y, s->out[0]->dtype, 0, wide, n);
    } else {
        apply(m, y, x, step, n);
    }
    return n;
}

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    const elementwise_data *m = s->data;
    size_t at, end;
    tdnn_task_range((m->total + GRAIN - 1) / GRAIN, m->tasks, task, &at, &end);
    at *= GRAIN;
    end = smaller(end * GRAIN, m->total);
    unsigned char *scratch = s->scratch + worker * s->scratch_stride;
    while (at < end) at += piece(s, m, scratch, at, end);
}

static void block_channels(const tdnn_step *s, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const elementwise_data *m = s->data;
    const size_t block = (size_t)s->out[0]->layout;
    for (size_t k = 0; k < m->args.count; k++) {
        const operand *o = &m->operands[k];
        if (!o->by_channel) continue;
        const size_t channels = (size_t)s->out[0]->shape.dim[1];
        unsigned char *to = s->shared + o->shared;
        memset(to, 0, tdnn_round_up(channels, block) * o->size);
        memcpy(to, s->in[k]->data, channels * o->size);
    }
}

/* ---- plan ---- */

/* The channel dimension of an operand of fewer dimensions than the output's four. */
static int64_t channels_of(const tdnn_shape *s)
{
    return s->ndim >= 3 ? s->dim[s->ndim - 3] : 1;
}

/* One number a channel: [C,1,1] or [1,C,1,1]. */
static bool is_by_channel(const tdnn_shape *s, int64_t channels)
{
    return s->ndim >= 3 && tdnn_shape_count(s) == channels && channels_of(s) == channels;
}

/* A tensor's extents in memory, `ndim` of them, seen as part of an output with that many. */
static void extents(const tdnn_tensor *t, bool by_channel, size_t block, size_t ndim,
                    size_t *extent)
{
    const size_t own = (size_t)t->shape.ndim, logical = block ? 4 : ndim;
    for (size_t d = 0; d < ndim; d++) extent[d] = 1;
    for (size_t d = 0; d < own; d++) extent[logical - own + d] = (size_t)t->shape.dim[d];
    if (block && (by_channel || t->layout != TDNN_LAYOUT_PLAIN)) {
        extent[1] = (extent[1] + block - 1) / block;
        extent[4] = block;
    }
}

static void strides(const size_t *extent, size_t ndim, size_t *stride)
{
    size_t next = 1;
    for (size_t d = ndim; d-- > 0; next *= extent[d]) stride[d] = extent[d] == 1 ? 0 : next;
}

/* Whether all operands go through dimensions d and d+1 as through one. */
static bool mergeable(const elementwise_data *m, const size_t *extent, size_t d, size_t inner)
{
    for (size_t k = 0; k < m->args.count; k++) {
        const operand *o = &m->operands[k];
        if (o->stride[d] != o->stride[inner] * extent[inner]) return false;
    }
    return true;
}

/* Merges dimensions; the innermost becomes the run. Strides are moved to where they belong. */
static void merge(elementwise_data *m, size_t *extent, size_t ndim)
{
    size_t top = DIMS; /* kept dimensions are extent[top ..] */
    for (size_t d = ndim; d-- > 0;) {
        if (extent[d] == 1) continue;
        if (top < DIMS && mergeable(m, extent, d, top)) {
            extent[top] *= extent[d];
            continue;
        }
        top--;
        extent[top] = extent[d];
        for (size_t k = 0; k < m->args.count; k++)
            m->operands[k].stride[top] = m->operands[k].stride[d];
    }
    m->inner = top == DIMS ? 1 : extent[DIMS - 1];
    m->ndim = top == DIMS ? 0 : DIMS - 1 - top;
    for (size_t d = 0; d < m->ndim; d++) m->extent[d] = extent[top + d];
    for (size_t k = 0; k < m->args.count; k++) {
        operand *o = &m->operands[k];
        o->step = top == DIMS ? 0 : o->stride[DIMS - 1];
        memmove(o->stride, o->stride + (top == DIMS ? 0 : top), m->ndim * sizeof *o->stride);
    }
}

static void plan_shape(tdnn_plan_ctx *ctx, elementwise_data *m)
{
    const tdnn_tensor *out = ctx->step->out[0];
    const size_t block = (size_t)out->layout;
    const size_t ndim = block ? 5 : (size_t)out->shape.ndim;
    size_t extent[DIMS], own[DIMS], shared = 0;
    extents(out, false, block, ndim, extent);
    m->total = 1;
    for (size_t d = 0; d < ndim; d++) m->total *= extent[d];
    for (size_t k = 0; k < m->args.count; k++) {
        operand *o = &m->operands[k];
        const tdnn_tensor *t = ctx->step->in[k];
        memset(o->stride, 0, sizeof o->stride);
        if (!o->present) continue;
        o->by_channel = block && t->layout == TDNN_LAYOUT_PLAIN && channels_of(&t->shape) > 1 &&
                        is_by_channel(&t->shape, out->shape.dim[1]);
        if (o->by_channel) {
            o->shared = shared;
            shared += tdnn_round_up((size_t)out->shape.dim[1] * o->size + block * o->size,
                                    TDNN_ALIGN);
        }
        extents(t, o->by_channel, block, ndim, own);
        strides(own, ndim, o->stride);
        if (memcmp(own, extent, ndim * sizeof *own) == 0 && o->size == m->out_size &&
            !o->by_channel && !(m->chain && k > 1))
            tdnn_plan_inplace(ctx, 0, k);
    }
    if (shared) {
        tdnn_plan_shared(ctx, shared);
        tdnn_plan_phase(ctx, block_channels, 1);
    }
    merge(m, extent, ndim);
}

static void plan_scratch(tdnn_plan_ctx *ctx, elementwise_data *m)
{
    bool chunked = m->chain && m->args.count > 2;
    m->rows = m->ndim && m->inner < SHORT ? TDNN_ELEMENTWISE_CHUNK / m->inner : 1;
    size_t bytes = tdnn_round_up(m->args.count * (sizeof(void *) + sizeof(size_t)), TDNN_ALIGN);
    for (size_t k = 0; k < m->args.count; k++) {
        operand *o = &m->operands[k];
        o->gather = bytes;
        if (m->rows > 1) bytes += TDNN_ELEMENTWISE_CHUNK * o->size;
        o->wide = bytes;
        if (o->widen) bytes += TDNN_ELEMENTWISE_CHUNK * sizeof(float);
        chunked = chunked || o->widen;
    }
    m->out_wide = bytes;
    if (m->narrow) bytes += TDNN_ELEMENTWISE_CHUNK * sizeof(float);
    m->chunk = chunked || m->narrow ? TDNN_ELEMENTWISE_CHUNK : SIZE_MAX;
    tdnn_plan_scratch(ctx, bytes);
}

static tdnn_status no_formula(tdnn_plan_ctx *ctx, tdnn_dtype type)
{
    return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "element type %s", tdnn_dtype_name(type));
}

tdnn_status tdnn_elementwise_plan(tdnn_plan_ctx *ctx, const tdnn_elementwise_spec *spec)
{
    tdnn_step *s = ctx->step;
    elementwise_data *m = tdnn_plan_alloc(ctx, 1, sizeof *m);
    if (!m) return TDNN_NO_MEMORY(ctx->err);
    s->data = m;
    const tdnn_dtype type = s->in[spec->typed]->dtype, out_type = s->out[0]->dtype;
    m->fn = spec->formulas->of[type];
    const bool by_f32 = !m->fn && tdnn_dtype_is_half(type);
    if (by_f32) m->fn = spec->formulas->of[TDNN_F32];
    if (!m->fn) return no_formula(ctx, type);
    if (spec->finish) m->finish = spec->finish->of[by_f32 ? TDNN_F32 : type];
    m->args.kernels = ctx->kernels;
    m->args.params = spec->params ? spec->params : s->params;
    m->args.count = spec->operands ? spec->operands : s->input_count;
    m->chain = spec->chain;
    m->out_size = (size_t)tdnn_dtype_bits(out_type) / 8;
    m->narrow = by_f32 && tdnn_dtype_is_half(out_type);
    m->operands = tdnn_plan_alloc(ctx, m->args.count, sizeof *m->operands);
    if (!m->operands) return TDNN_NO_MEMORY(ctx->err);
    for (size_t k = 0; k < m->args.count; k++) {
        operand *o = &m->operands[k];
        o->present = k < s->input_count && s->in[k];
        if (!o->present) continue;
        const tdnn_dtype t = s->in[k]->dtype;
        o->size = (size_t)tdnn_dtype_bits(t) / 8;
        o->widen = by_f32 && tdnn_dtype_is_half(t);
        if (!o->size && t != TDNN_STRING) return no_formula(ctx, t);
        if (t == TDNN_STRING) o->size = sizeof(char *);
    }
    plan_shape(ctx, m);
    if (!m->total) return TDNN_OK;
    plan_scratch(ctx, m);
    s->flops = (uint64_t)(spec->cost * (double)m->total);
    m->tasks =
        tdnn_plan_split(ctx, spec->cost * (double)m->total, (m->total + GRAIN - 1) / GRAIN);
    tdnn_plan_phase(ctx, run, m->tasks);
    return TDNN_OK;
}

/* ---- layout ---- */

static bool fits(const tdnn_info *in, const tdnn_info *out)
{
    const int64_t channels = out->shape.dim[1];
    if (in->dtype != TDNN_F32) return false;
    if (in->shape.ndim == 4 && in->shape.dim[1] == channels) return true;
    return channels_of(&in->shape) == 1 || is_by_channel(&in->shape, channels);
}

void tdnn_elementwise_layout(tdnn_layout_query *q)
{
    const tdnn_info *out = &q->out[0];
    bool blocked = false;
    if (out->shape.ndim != 4 || out->dtype != TDNN_F32) return;
    for (size_t k = 0; k < q->input_count; k++) {
        if (!q->in[k]) continue;
        if (!fits(q->in[k], out)) return;
        blocked = blocked || (q->in[k]->layout != TDNN_LAYOUT_PLAIN &&
                              tdnn_shape_equal(&q->in[k]->shape, &out->shape));
    }
    if (!blocked) return;
    for (size_t k = 0; k < q->input_count; k++)
        if (q->in[k] && q->in[k]->shape.ndim == 4 &&
            q->in[k]->shape.dim[1] == out->shape.dim[1])
            q->want[k] = q->block;
    q->give[0] = q->block;
}

void tdnn_elementwise_layout_strict(tdnn_layout_query *q)
{
    const tdnn_shape *shape = &q->out[0].shape;
    if (shape->ndim == 4 && shape->dim[1] % (int64_t)q->block == 0) tdnn_elementwise_layout(q);
}
