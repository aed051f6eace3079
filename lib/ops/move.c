/* Plans and runs lists of strided copies. */
#include "lib/ops/move.h"

#include <string.h>

tdnn_view tdnn_view_of(const tdnn_tensor *tensor)
{
    const tdnn_shape *shape = &tensor->shape;
    tdnn_view v = {.size = (size_t)tdnn_dtype_bits(tensor->dtype) / 8, .ndim = shape->ndim};
    memcpy(v.dim, shape->dim, sizeof shape->dim);
    if (tensor->layout != TDNN_LAYOUT_PLAIN) {
        const int64_t b = tensor->layout;
        v.dim[1] = (v.dim[1] + b - 1) / b;
        v.dim[v.ndim++] = b;
    }
    ptrdiff_t stride = (ptrdiff_t)v.size;
    for (int d = v.ndim - 1; d >= 0; d--) {
        v.stride[d] = stride;
        stride *= (ptrdiff_t)v.dim[d];
    }
    return v;
}

tdnn_move tdnn_move_make(int in, const tdnn_view *from, int out, const tdnn_view *to,
                         const int64_t *count)
{
    tdnn_move m = {.in = in, .out = out};
    m.copy.size = to->size;
    m.copy.ndim = to->ndim;
    for (int d = 0; d < to->ndim; d++) {
        m.copy.count[d] = (size_t)count[d];
        m.copy.to[d] = to->stride[d];
        m.copy.from[d] = from->stride[d];
    }
    return m;
}

static void drop_dim(tdnn_copy *c, int d)
{
    c->ndim--;
    for (; d < c->ndim; d++) {
        c->count[d] = c->count[d + 1];
        c->to[d] = c->to[d + 1];
        c->from[d] = c->from[d + 1];
    }
}

/* Outermost first in the output, whose rows are then written one behind the other. */
static void sort_dims(tdnn_copy *c)
{
    for (int i = 1; i < c->ndim; i++) {
        for (int k = i; k > 0 && c->to[k - 1] < c->to[k]; k--) {
            const size_t count = c->count[k];
            const ptrdiff_t to = c->to[k], from = c->from[k];
            c->count[k] = c->count[k - 1], c->to[k] = c->to[k - 1], c->from[k] = c->from[k - 1];
            c->count[k - 1] = count, c->to[k - 1] = to, c->from[k - 1] = from;
        }
    }
}

void tdnn_copy_simplify(tdnn_copy *c)
{
    for (int d = c->ndim - 1; d >= 0; d--)
        if (c->count[d] == 1) drop_dim(c, d);
    sort_dims(c);
    for (int d = c->ndim - 2; d >= 0; d--) {
        const ptrdiff_t n = (ptrdiff_t)c->count[d + 1];
        if (c->to[d] != c->to[d + 1] * n || c->from[d] != c->from[d + 1] * n) continue;
        c->count[d + 1] *= c->count[d];
        drop_dim(c, d);
    }
    const int last = c->ndim - 1;
    const ptrdiff_t size = (ptrdiff_t)c->size;
    if (last >= 0 && c->to[last] == size && c->from[last] == size) {
        c->size *= c->count[last];
        c->ndim--;
    }
}

static size_t copy_bytes(const tdnn_copy *c)
{
    size_t bytes = c->size;
    for (int d = 0; d < c->ndim; d++) bytes *= c->count[d];
    return bytes;
}

/* ---- running ---- */

typedef struct planned_move {
    tdnn_move move;
    int cut; /* the dimension that is shared among tasks; -1: the bytes of a single element */
} planned_move;

typedef struct mover {
    size_t count, tasks;
    planned_move moves[];
} mover;

static const _Alignas(TDNN_ALIGN) unsigned char zeros[TDNN_ALIGN];

static void run_move(const tdnn_step *step, const planned_move *p, size_t tasks, size_t task)
{
    const tdnn_move *m = &p->move;
    tdnn_copy copy = m->copy;
    char *to = (char *)step->out[m->out]->data + m->to;
    const char *from = (const char *)zeros;
    if (m->in >= 0) from = (const char *)step->in[m->in]->data + m->from;
    size_t begin, end;
    tdnn_task_range(p->cut < 0 ? copy.size : copy.count[p->cut], tasks, task, &begin, &end);
    if (begin == end) return;
    if (p->cut < 0) {
        memcpy(to + begin, from + begin, end - begin);
        return;
    }
    copy.count[p->cut] = end - begin;
    to += copy.to[p->cut] * (ptrdiff_t)begin;
    from += copy.from[p->cut] * (ptrdiff_t)begin;
    step->kernels->copy(to, from, &copy);
}

static void move_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const mover *m = step->data;
    for (size_t i = 0; i < m->count; i++) run_move(step, &m->moves[i], m->tasks, task);
}

/* ---- planning ---- */

/* The outermost dimension that gives every task something, else the longest. */
static int best_cut(const tdnn_copy *c, size_t tasks)
{
    int best = c->ndim ? 0 : -1;
    for (int d = 0; d < c->ndim; d++) {
        if (c->count[d] >= tasks) return d;
        if (c->count[d] > c->count[best]) best = d;
    }
    return best;
}

/* True if the move is done without copying: its output is a view into the input, or its input
 * is made right where the output wants it. */
static bool move_is_view(tdnn_plan_ctx *ctx, const tdnn_move *m)
{
    if (m->in < 0 || m->copy.ndim) return false;
    if (m->copy.size == ctx->step->out[m->out]->bytes)
        return tdnn_plan_alias(ctx, (size_t)m->out, (size_t)m->in, m->from);
    if (m->copy.size == ctx->step->in[m->in]->bytes)
        return tdnn_plan_embed(ctx, (size_t)m->in, (size_t)m->out, m->to);
    return false;
}

tdnn_status tdnn_plan_moves(tdnn_plan_ctx *ctx, const tdnn_move *moves, size_t count)
{
    size_t bytes;
    mover *m = NULL;
    if (tdnn_size_mul(count, sizeof *m->moves, &bytes) &&
        tdnn_size_add(bytes, sizeof *m, &bytes))
        m = tdnn_plan_alloc(ctx, bytes, 1);
    if (!m) return TDNN_NO_MEMORY(ctx->err);
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        planned_move *p = &m->moves[m->count];
        p->move = moves[i];
        if (p->move.in < 0) memset(p->move.copy.from, 0, sizeof p->move.copy.from);
        if (copy_bytes(&p->move.copy) == 0) continue;
        tdnn_copy_simplify(&p->move.copy);
        if (move_is_view(ctx, &p->move)) continue;
        total += copy_bytes(&p->move.copy);
        m->count++;
    }
    ctx->step->kernel = m->count ? "copy" : "view";
    ctx->step->moved = 2 * (uint64_t)total;
    if (!m->count) return TDNN_OK;
    m->tasks = tdnn_plan_split(ctx, (double)total / 2, SIZE_MAX);
    for (size_t i = 0; i < m->count; i++)
        m->moves[i].cut = best_cut(&m->moves[i].move.copy, m->tasks);
    tdnn_plan_phase(ctx, move_run, m->tasks);
    return TDNN_OK;
}

/* ---- small integer inputs ---- */

static tdnn_status few_from(const tdnn_tensor *contents, size_t index, tdnn_few *out,
                            tdnn_error *err)
{
    const size_t most = sizeof out->at / sizeof *out->at;
    const int64_t count = tdnn_shape_count(&contents->shape);
    if (contents->shape.ndim > 1 || !tdnn_dtype_is_int(contents->dtype))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "input %zu is %s with %d dimensions, expected a list of integers",
                         index, tdnn_dtype_name(contents->dtype), contents->shape.ndim);
    if (count < 0 || (size_t)count > most)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "input %zu has %lld numbers, expected at most %zu", index,
                         (long long)count, most);
    out->given = true;
    out->count = (size_t)count;
    for (size_t i = 0; i < out->count; i++) out->at[i] = tdnn_tensor_get_i64(contents, i);
    return TDNN_OK;
}

tdnn_status tdnn_infer_few(tdnn_infer *ctx, size_t index, tdnn_few *out)
{
    const tdnn_tensor *contents;
    *out = (tdnn_few){0};
    if (!tdnn_infer_has(ctx, index)) return TDNN_OK;
    TDNN_TRY(tdnn_infer_contents(ctx, index, &contents));
    return few_from(contents, index, out, ctx->err);
}

tdnn_status tdnn_plan_few(tdnn_plan_ctx *ctx, size_t index, tdnn_few *out)
{
    *out = (tdnn_few){0};
    if (index >= ctx->step->input_count || !ctx->step->in[index]) return TDNN_OK;
    if (!ctx->known[index])
        return TDNN_FAIL(ctx->err, TDNN_ERR_INTERNAL, "the contents of input %zu are not there",
                         index);
    return few_from(ctx->known[index], index, out, ctx->err);
}

bool tdnn_layout_few(const tdnn_layout_query *query, size_t index, tdnn_few *out)
{
    *out = (tdnn_few){0};
    if (index >= query->input_count || !query->in[index]) return true;
    const tdnn_tensor *contents = query->in[index]->contents;
    return contents && few_from(contents, index, out, NULL) == TDNN_OK;
}
