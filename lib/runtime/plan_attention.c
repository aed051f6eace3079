/* Attention as exporters write it out becomes one step, ScaledAttention:
 *
 *     MatMul(q, k') -> [* or / a number, + mask, Where(mask, ., number)] -> Softmax ->
 * MatMul(., v)
 *
 * with the transpositions, slices and scalings of q, k and v, and the transposition behind it,
 * as strides. Reshapes between these may join or part the dimensions of the batch. It takes
 * known shapes.
 */
#include "lib/runtime/plan_view.h"

#include <string.h>

/* Fewer queries are products of few rows, which need no packing; longer rows of scores fill the
 * cache. */
enum { LEAST_QUERIES = 5, MOST_KEYS = 16384, MOST_BATCH = 1 << 20, MOST_LINKS = 8 };

typedef struct seeker {
    tdnn_planner *p;
    tdnn_plan_uses of;
    const tdnn_strided_view *views;
} seeker;

typedef struct found {
    tdnn_plan_node *scores, *softmax, *product, *last; /* last: in whose place the step comes */
    int32_t mask[TDNN_ATTENTION_MASKS];                /* the one nearest to the softmax first */
    tdnn_shape masked[TDNN_ATTENTION_MASKS];           /* shapes of the scores there           */
    int32_t input[3 + TDNN_ATTENTION_MASKS];
    tdnn_scaled_attention_params a;
} found;

static const tdnn_info *info(const seeker *s, int32_t value)
{
    return &s->p->plan->values[value].info;
}
static const tdnn_shape *shape_of(const seeker *s, int32_t value)
{
    return &info(s, value)->shape;
}
static tdnn_op_kind kind_of(const tdnn_plan_node *n) { return n->node->op->kind; }

/* What makes `value`, for one use only; NULL if it is none such. */
static tdnn_plan_node *lone_maker(const seeker *s, int32_t value)
{
    if (value < 0 || s->of.producer[value] < 0 || s->of.uses[value] != 1) return NULL;
    tdnn_plan_node *n = &s->p->plan->nodes[s->of.producer[value]];
    return n->dead ? NULL : n;
}

static tdnn_plan_node *lone_user(const seeker *s, int32_t value)
{
    if (value < 0 || s->of.uses[value] != 1 || s->of.consumer[value] < 0) return NULL;
    tdnn_plan_node *n = &s->p->plan->nodes[s->of.consumer[value]];
    return n->dead ? NULL : n;
}

static bool is_reshape(tdnn_op_kind kind)
{
    return kind == TDNN_OP_Reshape || kind == TDNN_OP_Flatten || kind == TDNN_OP_Squeeze ||
           kind == TDNN_OP_Unsqueeze;
}

/* A reshape that leaves the matrices as they are. */
static bool joins_batch(const seeker *s, const tdnn_plan_node *n)
{
    if (!is_reshape(kind_of(n)) || n->in[0] < 0) return false;
    const tdnn_shape *a = shape_of(s, n->in[0]), *b = shape_of(s, n->out[0]);
    return a->ndim >= 2 && b->ndim >= 2 && a->dim[a->ndim - 1] == b->dim[b->ndim - 1] &&
           a->dim[a->ndim - 2] == b->dim[b->ndim - 2];
}

/* ---- from the softmax back to the first product ---- */

/* Which input of a node the scores come from, going by what lies before it; -1: none. */
static int score_side(const seeker *s, const tdnn_plan_node *n, int depth);

static bool leads_to_scores(const seeker *s, int32_t value, int depth)
{
    const tdnn_plan_node *n = lone_maker(s, value);
    return n && depth > 0 && (kind_of(n) == TDNN_OP_MatMul || score_side(s, n, depth - 1) >= 0);
}

static int score_side(const seeker *s, const tdnn_plan_node *n, int depth)
{
    float number;
    const tdnn_op_kind kind = kind_of(n);
    if (joins_batch(s, n)) return leads_to_scores(s, n->in[0], depth) ? 0 : -1;
    if (kind != TDNN_OP_Mul && kind != TDNN_OP_Div && kind != TDNN_OP_Add &&
        kind != TDNN_OP_Where)
        return -1;
    const size_t first = kind == TDNN_OP_Where, end = kind == TDNN_OP_Div ? 1 : first + 2;
    for (size_t i = first; i < end; i++) {
        const size_t other = kind == TDNN_OP_Where ? 3 - i : 1 - i;
        if (n->in[i] < 0 || n->in[other] < 0 ||
            !tdnn_shape_equal(shape_of(s, n->in[i]), shape_of(s, n->out[0])))
            continue;
        if (kind != TDNN_OP_Add && !tdnn_plan_scalar(s->p, n, other, &number)) continue;
        if (leads_to_scores(s, n->in[i], depth)) return (int)i;
    }
    return -1;
}

static bool take_mask(const seeker *s, const tdnn_plan_node *n, size_t side, found *f)
{
    const bool where = kind_of(n) == TDNN_OP_Where;
    const size_t i = f->a.mask_count, in = where ? 0 : 1 - side;
    if (i == TDNN_ATTENTION_MASKS || f->a.scale != 1) return false;
    if (info(s, n->in[in])->dtype != (where ? TDNN_BOOL : TDNN_F32)) return false;
    tdnn_attention_mask *mask = &f->a.mask[i];
    if (where) {
        mask->kind = side == 1 ? TDNN_MASK_KEEP : TDNN_MASK_DROP;
        tdnn_plan_scalar(s->p, n, 3 - side, &mask->value);
    }
    f->mask[i] = n->in[in];
    f->masked[i] = *shape_of(s, n->out[0]);
    f->a.mask_count++;
    return true;
}

static bool find_scores(const seeker *s, found *f)
{
    int32_t value = f->softmax->in[0];
    f->a.scale = 1;
    for (int link = 0; link < MOST_LINKS; link++) {
        float number = 1;
        tdnn_plan_node *n = lone_maker(s, value);
        if (!n) return false;
        if (kind_of(n) == TDNN_OP_MatMul) {
            f->scores = n;
            return true;
        }
        const int side = score_side(s, n, MOST_LINKS);
        if (side < 0) return false;
        if (kind_of(n) == TDNN_OP_Add || kind_of(n) == TDNN_OP_Where) {
            if (!take_mask(s, n, (size_t)side, f)) return false;
        } else if (!is_reshape(kind_of(n))) {
            tdnn_plan_scalar(s->p, n, 1 - (size_t)side, &number);
            f->a.scale *= kind_of(n) == TDNN_OP_Div ? 1 / number : number;
        }
        value = n->in[side];
    }
    return false;
}

static bool find_product(const seeker *s, found *f)
{
    const tdnn_axis_params *params = f->softmax->node->params;
    const int ndim = shape_of(s, f->softmax->out[0])->ndim;
    if (params->axis != -1 && params->axis != ndim - 1) return false;
    int32_t value = f->softmax->out[0];
    for (int link = 0; link < MOST_LINKS; link++) {
        tdnn_plan_node *n = lone_user(s, value);
        if (!n) return false;
        if (kind_of(n) == TDNN_OP_MatMul) {
            f->product = f->last = n;
            return n->in[0] == value && n->in[1] != value;
        }
        if (!joins_batch(s, n)) return false;
        value = n->out[0];
    }
    return false;
}

/* ---- strides ---- */

/* Matrices of `view`, broadcast to those of `whole`; `turned`: each transposed. */
static tdnn_status stride_of(const seeker *s, const tdnn_strided_view *view,
                             const tdnn_shape *whole, bool turned, tdnn_strided *out)
{
    const int lead = whole->ndim - view->shape.ndim;
    int64_t step[TDNN_MAX_DIMS] = {0};
    size_t count = 1;
    for (int d = 0; d < view->shape.ndim; d++)
        if (view->shape.dim[d] > 1) step[lead + d] = view->stride[d];
    for (int d = 0; d < whole->ndim - 2; d++) count *= (size_t)whole->dim[d];
    size_t *at = tdnn_zone_alloc(s->p->plan->zone, count, sizeof *at);
    if (!at) return TDNN_NO_MEMORY(s->p->err);
    for (size_t i = 0; i < count; i++) {
        size_t rest = i;
        at[i] = view->offset;
        for (int d = whole->ndim - 3; d >= 0; d--) {
            at[i] += rest % (size_t)whole->dim[d] * (size_t)step[d];
            rest /= (size_t)whole->dim[d];
        }
    }
    const size_t row = (size_t)step[whole->ndim - 2], column = (size_t)step[whole->ndim - 1];
    *out = (tdnn_strided){at, turned ? column : row, turned ? row : column};
    return TDNN_OK;
}

/* Whether a tensor of this shape broadcasts to `whole` without making it larger. */
static bool fits(const tdnn_shape *own, const tdnn_shape *whole, int last)
{
    const int lead = whole->ndim - own->ndim;
    for (int d = 0; d < own->ndim - last; d++)
        if (lead < 0 || (own->dim[d] != 1 && own->dim[d] != whole->dim[lead + d])) return false;
    return lead >= 0;
}

static bool read_sizes(const seeker *s, found *f)
{
    const tdnn_shape *q = shape_of(s, f->scores->in[0]), *k = shape_of(s, f->scores->in[1]);
    const tdnn_shape *v = shape_of(s, f->product->in[1]), *qk = shape_of(s, f->scores->out[0]);
    const tdnn_shape *y = shape_of(s, f->product->out[0]);
    tdnn_scaled_attention_params *a = &f->a;
    if (q->ndim < 2 || k->ndim < 2 || v->ndim < 2 || qk->ndim < 2 || y->ndim < 2) return false;
    a->queries = (size_t)q->dim[q->ndim - 2];
    a->depth = (size_t)q->dim[q->ndim - 1];
    a->keys = (size_t)k->dim[k->ndim - 1];
    a->width = (size_t)v->dim[v->ndim - 1];
    const int64_t scores = tdnn_shape_count(qk), results = tdnn_shape_count(y);
    if (a->queries < LEAST_QUERIES || !a->keys || a->keys > MOST_KEYS || !a->depth || !a->width ||
        scores == 0 || info(s, f->product->out[0])->dtype != TDNN_F32)
        return false;
    a->batch = (size_t)scores / a->queries / a->keys;
    return (size_t)results == a->batch * a->queries * a->width && a->batch <= MOST_BATCH &&
           (size_t)v->dim[v->ndim - 2] == a->keys && (size_t)y->dim[y->ndim - 2] == a->queries;
}

static tdnn_status read_strides(const seeker *s, found *f, bool *ok)
{
    tdnn_scaled_attention_params *a = &f->a;
    const tdnn_strided_view *q = &s->views[f->scores->in[0]], *k = &s->views[f->scores->in[1]];
    const tdnn_strided_view *v = &s->views[f->product->in[1]];
    const tdnn_shape *qk = shape_of(s, f->scores->out[0]), *y = shape_of(s, f->product->out[0]);
    const int32_t base[] = {q->base, k->base, v->base};
    *ok = fits(&q->shape, qk, 2) && fits(&k->shape, qk, 2) && fits(&v->shape, y, 2);
    for (size_t i = 0; i < 3;
         i++) /* a constant's data may not be there: MatMul has them packed */
        *ok = *ok && s->p->plan->values[base[i]].place != TDNN_PLACE_CONSTANT;
    for (size_t i = 0; i < a->mask_count; i++)
        *ok = *ok && fits(shape_of(s, f->mask[i]), &f->masked[i], 0);
    if (!*ok) return TDNN_OK;
    memcpy(f->input, base, sizeof base);
    a->scale *= q->factor * k->factor;
    a->factor = v->factor;
    TDNN_TRY(stride_of(s, q, qk, false, &a->q));
    TDNN_TRY(stride_of(s, k, qk, true, &a->k));
    TDNN_TRY(stride_of(s, v, y, false, &a->v));
    for (size_t i = 0; i < a->mask_count; i++) {
        tdnn_strided_view mask = s->views[f->mask[i]];
        if (mask.factor != 1) mask = tdnn_strided_view_whole(s->p, f->mask[i]);
        TDNN_TRY(stride_of(s, &mask, &f->masked[i], false, &a->mask[i].where));
        f->mask[i] = mask.base;
    }
    for (size_t i = 0; i < a->mask_count / 2; i++) { /* the first to apply first */
        const size_t last = a->mask_count - 1 - i;
        const tdnn_attention_mask mask = a->mask[i];
        const int32_t value = f->mask[i];
        a->mask[i] = a->mask[last], a->mask[last] = mask;
        f->mask[i] = f->mask[last], f->mask[last] = value;
    }
    memcpy(f->input + 3, f->mask, sizeof f->mask);
    return TDNN_OK;
}

/* ---- the transposition behind it ---- */

/* From a view of a node's output to one of its input, of which it is a rearrangement. */
static bool undo(const seeker *s, const tdnn_plan_node *n, tdnn_strided_view *v)
{
    const tdnn_shape *in = shape_of(s, n->in[0]);
    if (kind_of(n) != TDNN_OP_Transpose) return tdnn_strided_view_reshape(v, in);
    const tdnn_transpose_params *params = n->node->params;
    const tdnn_strided_view out = *v;
    for (int d = 0; d < in->ndim; d++) {
        int64_t of = params->perm.given ? params->perm.at[d] : in->ndim - 1 - d;
        if (of < 0) of += in->ndim;
        v->stride[of] = out.stride[d];
    }
    v->shape = *in;
    return true;
}

/* The result may go right to where transpositions behind it put it. */
static tdnn_status place_result(const seeker *s, found *f)
{
    tdnn_plan_node *chain[MOST_LINKS];
    int count = 0;
    const int32_t y = f->product->out[0];
    for (int32_t value = y; count < MOST_LINKS; value = chain[count++]->out[0]) {
        tdnn_plan_node *n = lone_user(s, value);
        if (!n || (kind_of(n) != TDNN_OP_Transpose && !is_reshape(kind_of(n)))) break;
        chain[count] = n;
    }
    tdnn_strided_view v = s->views[y];
    for (; count > 0; count--) {
        const int32_t end = chain[count - 1]->out[0];
        if (kind_of(chain[count - 1]) != TDNN_OP_Transpose) continue;
        v = tdnn_strided_view_whole(s->p, end);
        bool ok = true;
        for (int i = count; ok && i-- > 0;) ok = undo(s, chain[i], &v);
        if (ok && (v.stride[v.shape.ndim - 1] == 1 || v.shape.dim[v.shape.ndim - 1] == 1)) break;
    }
    for (int i = 0; i < count; i++) chain[i]->dead = true;
    f->last = count > 0 ? chain[count - 1] : f->product;
    if (count == 0) v = s->views[y];
    const tdnn_shape whole = *shape_of(s, y);
    return stride_of(s, &v, &whole, false, &f->a.y);
}

/* ---- the step ---- */

static tdnn_status replace(const seeker *s, found *f)
{
    tdnn_zone *zone = s->p->plan->zone;
    const size_t in_count = 3 + f->a.mask_count;
    tdnn_node *node = tdnn_zone_alloc(zone, 1, sizeof *node);
    tdnn_scaled_attention_params *params = tdnn_zone_alloc(zone, 1, sizeof *params);
    int32_t *in = tdnn_zone_alloc(zone, in_count, sizeof *in);
    if (!node || !params || !in) return TDNN_NO_MEMORY(s->p->err);
    *params = f->a;
    memcpy(in, f->input, in_count * sizeof *in);
    *node = (tdnn_node){.op = &tdnn_op_ScaledAttention.schema,
                        .name = f->softmax->node->name,
                        .params = params};
    f->softmax->dead = f->product->dead = true;
    f->last->dead = false;
    f->last->node = node;
    f->last->in = in;
    f->last->in_count = in_count;
    return TDNN_OK;
}

static tdnn_status visit(const seeker *s, tdnn_plan_node *softmax)
{
    bool ok = false;
    found f = {.softmax = softmax};
    if (softmax->dead || kind_of(softmax) != TDNN_OP_Softmax || !find_product(s, &f) ||
        !find_scores(s, &f) || !read_sizes(s, &f))
        return TDNN_OK;
    TDNN_TRY(read_strides(s, &f, &ok));
    if (!ok) return TDNN_OK;
    TDNN_TRY(place_result(s, &f));
    return replace(s, &f);
}

/* What nobody uses any more. */
static tdnn_status drop_unused(tdnn_planner *p)
{
    tdnn_plan_uses of;
    TDNN_TRY(tdnn_planner_uses(p, &of));
    for (size_t i = p->plan->node_count; i-- > 0;) {
        tdnn_plan_node *n = &p->plan->nodes[i];
        bool used = n->dead;
        for (size_t o = 0; o < n->out_count; o++)
            used = used || (n->out[o] >= 0 && of.uses[n->out[o]]);
        if (used) continue;
        n->dead = true;
        for (size_t k = 0; k < n->in_count; k++)
            if (n->in[k] >= 0) of.uses[n->in[k]]--;
    }
    return TDNN_OK;
}

tdnn_status tdnn_planner_attention(tdnn_planner *p)
{
    seeker s = {.p = p};
    tdnn_strided_view *views;
    bool any = false;
    for (size_t i = 0; i < p->plan->node_count; i++)
        any = any || kind_of(&p->plan->nodes[i]) == TDNN_OP_Softmax;
    if (!any) return TDNN_OK;
    TDNN_TRY(tdnn_planner_views(p, &views));
    TDNN_TRY(tdnn_planner_uses(p, &s.of));
    s.views = views;
    for (size_t i = 0; i < p->plan->node_count; i++) TDNN_TRY(visit(&s, &p->plan->nodes[i]));
    return drop_unused(p);
}
