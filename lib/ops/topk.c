/* TopK: the k largest or smallest along an axis, best first; of equal ones, the first. */
#include "lib/ops/op.h"
#include "lib/ops/order.h"
#include "lib/ops/move.h"

#include <string.h>

typedef struct topk_params {
    int64_t axis, largest, sorted;
} topk_params;

static tdnn_status topk_infer(tdnn_infer *ctx)
{
    const topk_params *p = ctx->params;
    tdnn_shape shape = ctx->in[0]->shape;
    tdnn_few k;
    int axis;
    TDNN_TRY(tdnn_axis_resolve(p->axis, shape.ndim, &axis, ctx->err));
    if (!tdnn_dtype_is_real(ctx->in[0]->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "elements of type %s",
                         tdnn_dtype_name(ctx->in[0]->dtype));
    TDNN_TRY(tdnn_infer_few(ctx, 1, &k));
    if (k.count != 1 || k.at[0] < 0 || k.at[0] > shape.dim[axis])
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "k is %lld, expected 0 to %lld",
                         k.count == 1 ? (long long)k.at[0] : -1, (long long)shape.dim[axis]);
    shape.dim[axis] = k.at[0];
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &shape);
    tdnn_infer_set(ctx, 1, TDNN_I64, &shape);
    return TDNN_OK;
}

typedef struct entry {
    uint64_t key; /* the greater, the better */
    size_t index;
} entry;

static bool better(const entry *a, const entry *b)
{
    return a->key > b->key || (a->key == b->key && a->index < b->index);
}

/* The worst is at the top of the heap; what lies at `at` may be too good for its place. */
static void sink(entry *heap, size_t count, size_t at)
{
    const entry moving = heap[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && better(&heap[child], &heap[child + 1])) child++;
        if (!better(&moving, &heap[child])) break;
        heap[at] = heap[child];
    }
    heap[at] = moving;
}

typedef struct topk_plan {
    size_t lines, after, length, k, size, tasks;
    uint64_t turn; /* makes the smallest the best */
} topk_plan;

static void select_line(const topk_plan *p, tdnn_run line, entry *heap)
{
    enum { CHUNK = 128 };
    uint64_t keys[CHUNK];
    size_t count = 0;
    for (size_t i = 0; i < p->length; i += CHUNK) {
        const size_t part = p->length - i < CHUNK ? p->length - i : CHUNK;
        tdnn_order_keys(keys,
                        (tdnn_run){line.data, line.type, line.first + i * line.step, line.step},
                        part);
        for (size_t j = 0; j < part; j++) {
            const entry e = {keys[j] ^ p->turn, i + j};
            if (count < p->k) {
                heap[count++] = e;
                for (size_t at = count / 2; count == p->k && at-- > 0;) sink(heap, count, at);
            } else if (better(&e, &heap[0])) {
                heap[0] = e;
                sink(heap, count, 0);
            }
        }
    }
    for (size_t last = count; last-- > 1;) { /* the worst to the end, again and again */
        const entry worst = heap[0];
        heap[0] = heap[last];
        heap[last] = worst;
        sink(heap, last, 0);
    }
}

/* ---- f32: where the k-th lies is found by its leading bits ---- */

enum { BITS = 11, BINS = 1 << BITS };

/* The least of the k greatest numbers below 2^32; `*equal` says how many like it are among
 * them. */
static uint32_t kth_greatest(const uint32_t *key, size_t n, size_t k, size_t *equal)
{
    uint32_t known = 0, mask = 0;
    for (int shift = 32 - BITS; mask != UINT32_MAX; shift = shift > BITS ? shift - BITS : 0) {
        uint32_t count[BINS] = {0};
        size_t bin = BINS - 1;
        for (size_t i = 0; i < n; i++)
            if ((key[i] & mask) == known) count[key[i] >> shift & (BINS - 1)]++;
        for (; count[bin] < k; bin--) k -= count[bin];
        mask |= (uint32_t)(BINS - 1) << shift;
        known = (known & ~((uint32_t)(BINS - 1) << shift)) | (uint32_t)bin << shift;
    }
    *equal = k;
    return known;
}

typedef struct quick_room {
    uint32_t *keys;
    uint64_t *best, *spare;
} quick_room;

/* The indices of the best, in order, as the lower half of room->best. */
static void select_f32(const topk_plan *p, const tdnn_kernels *kernels, const float *x,
                       const quick_room *room)
{
    if (p->k == 1 && p->after == 1) {
        const float best =
            p->turn ? kernels->row_min_f32(x, p->length) : kernels->row_max_f32(x, p->length);
        room->best[0] = tdnn_find_f32(x, p->length, best);
        if (best == best) return; /* else NaN decides, which has its place in the order */
    }
    const uint32_t turn = (uint32_t)p->turn;
    uint32_t *key = room->keys;
    size_t equal, count = 0;
    for (size_t i = 0; i < p->length; i++) key[i] = tdnn_order_key_f32(x[i * p->after]) ^ turn;
    if (p->k == 1) {
        uint32_t most = 0;
        for (size_t i = 0; i < p->length; i++) most = key[i] > most ? key[i] : most;
        size_t at = 0;
        while (key[at] != most) at++;
        room->best[0] = at;
        return;
    }
    const uint32_t least = kth_greatest(key, p->length, p->k, &equal);
    for (size_t i = 0; i < p->length && count < p->k; i++) {
        if (key[i] < least || (key[i] == least && equal == 0)) continue;
        equal -= key[i] == least;
        room->best[count++] = (uint64_t)~key[i] << 32 | i;
    }
    tdnn_order_radix(room->best, room->spare, p->k);
}

static void quick_run(const tdnn_step *step, size_t task, size_t worker)
{
    const topk_plan *p = step->data;
    char *scratch = (char *)step->scratch + worker * step->scratch_stride;
    const quick_room room = {(uint32_t *)(void *)(scratch + 2 * p->k * sizeof(uint64_t)),
                             (uint64_t *)(void *)scratch, (uint64_t *)(void *)scratch + p->k};
    size_t i, end;
    tdnn_task_range(p->lines, p->tasks, task, &i, &end);
    for (; i < end; i++) {
        const float *x =
            (const float *)step->in[0]->data + i / p->after * p->length * p->after + i % p->after;
        const size_t to = i / p->after * p->k * p->after + i % p->after;
        select_f32(p, step->kernels, x, &room);
        for (size_t k = 0; k < p->k; k++) {
            const size_t at = (uint32_t)room.best[k];
            if (step->out[0])
                ((float *)step->out[0]->data)[to + k * p->after] = x[at * p->after];
            if (step->output_count > 1 && step->out[1])
                ((int64_t *)step->out[1]->data)[to + k * p->after] = (int64_t)at;
        }
    }
}

/* ---- any type ---- */

static void topk_run(const tdnn_step *step, size_t task, size_t worker)
{
    const topk_plan *p = step->data;
    const tdnn_tensor *in = step->in[0];
    entry *heap = (entry *)(void *)(step->scratch + worker * step->scratch_stride);
    size_t begin, end;
    tdnn_task_range(p->lines, p->tasks, task, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const size_t from = i / p->after * p->length * p->after + i % p->after;
        const size_t to = i / p->after * p->k * p->after + i % p->after;
        select_line(p, (tdnn_run){in->data, in->dtype, from, p->after}, heap);
        for (size_t k = 0; k < p->k; k++) {
            const size_t at = to + k * p->after;
            if (step->out[0])
                memcpy((char *)step->out[0]->data + at * p->size,
                       (const char *)in->data + (from + heap[k].index * p->after) * p->size,
                       p->size);
            if (step->output_count > 1 && step->out[1])
                ((int64_t *)step->out[1]->data)[at] = (int64_t)heap[k].index;
        }
    }
}

static tdnn_status topk_plan_step(tdnn_plan_ctx *ctx)
{
    const topk_params *params = ctx->step->params;
    const tdnn_shape *in = &ctx->step->in[0]->shape;
    topk_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    int axis;
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(tdnn_axis_resolve(params->axis, in->ndim, &axis, ctx->err));
    const tdnn_tensor *out = ctx->step->out[0] ? ctx->step->out[0] : ctx->step->out[1];
    ctx->step->kernel = "top k";
    if (tdnn_shape_count(&out->shape) == 0) return TDNN_OK;
    p->length = (size_t)in->dim[axis];
    p->k = (size_t)out->shape.dim[axis];
    p->size = (size_t)tdnn_dtype_bits(ctx->step->in[0]->dtype) / 8;
    p->turn = params->largest ? 0 : UINT64_MAX;
    p->after = 1;
    for (int d = axis + 1; d < in->ndim; d++) p->after *= (size_t)in->dim[d];
    p->lines = (size_t)tdnn_shape_count(&out->shape) / p->k;
    p->tasks = tdnn_plan_split(ctx, 8.0 * (double)(p->lines * p->length), p->lines);
    if (ctx->step->in[0]->dtype == TDNN_F32 && p->length < UINT32_MAX &&
        (p->k == 1 || p->length >= BINS)) {
        tdnn_plan_scratch(ctx, 2 * p->k * sizeof(uint64_t) + p->length * sizeof(uint32_t));
        tdnn_plan_phase(ctx, quick_run, p->tasks);
        return TDNN_OK;
    }
    tdnn_plan_scratch(ctx, p->k * sizeof(entry));
    tdnn_plan_phase(ctx, topk_run, p->tasks);
    return TDNN_OK;
}

static const tdnn_attr topk_attrs[] = {
    TDNN_INT(topk_params, axis, -1),
    TDNN_INT(topk_params, largest, 1),
    TDNN_INT(topk_params, sorted, 1),
    {0},
};

const tdnn_op tdnn_op_TopK = {
    .schema = {TDNN_SCHEMA(TopK, 2, 2, 1, 2, topk_attrs, topk_params)},
    .infer = topk_infer,
    .plan = topk_plan_step,
};
