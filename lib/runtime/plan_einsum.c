/* Einsum of f32 as matrix products: two operands at a time, those whose product is the smallest
 * first. Of the letters of two, some are in both and go on (the products of a batch), some are
 * in one only (rows, columns), and the others are summed: so each operand is transposed into
 * batch, rows or columns, and sum, and what comes out into the result. It takes known shapes,
 * since a dimension of 1 fits any other. What is left alone: letters that one operand alone has
 * and that are summed, diagonals, other types.
 */
#include "lib/graph/einsum.h"
#include "lib/runtime/plan.h"

#include <string.h>

typedef tdnn_einsum_term term;

/* An operand, or a product so far: dimensions of 1 have no label. */
typedef struct factor {
    int32_t value; /* of as many elements as the term says, whatever its shape */
    term t;
} factor;

typedef struct lowering {
    tdnn_planner *p;
    const tdnn_node *node; /* the Einsum: the parts have its name */
    tdnn_einsum e;
    factor factors[TDNN_EINSUM_OPERANDS];
    size_t count;
    term result;
} lowering;

static bool has(const term *t, int label)
{
    for (int i = 0; i < t->count; i++)
        if (t->label[i] == label) return true;
    return false;
}

static void push(term *t, int label) { t->label[t->count++] = label; }

static bool equal(const term *a, const term *b)
{
    return a->count == b->count &&
           memcmp(a->label, b->label, (size_t)a->count * sizeof *a->label) == 0;
}

static int64_t extent(const lowering *l, const term *t)
{
    int64_t count = 1;
    for (int i = 0; i < t->count; i++)
        if (__builtin_mul_overflow(count, l->e.extent[t->label[i]], &count)) return INT64_MAX;
    return count;
}

/* ---- adding nodes ---- */

static tdnn_status add(lowering *l, const tdnn_op *op, void *params, const int32_t *in,
                       size_t in_count, const tdnn_shape *shape, int32_t *out)
{
    tdnn_planner *p = l->p;
    tdnn_node *node = tdnn_zone_alloc(p->plan->zone, 1, sizeof *node);
    const tdnn_info info = {.kind = TDNN_KIND_TENSOR, .dtype = TDNN_F32, .shape = *shape};
    tdnn_plan_node *n;
    if (!node) return TDNN_NO_MEMORY(p->err);
    *node = (tdnn_node){.op = &op->schema, .name = l->node->name, .params = params};
    TDNN_TRY(tdnn_planner_add_value(p, &info, TDNN_ABSENT, out));
    TDNN_TRY(tdnn_planner_add_node(p, node, in_count, 1, &n));
    memcpy(n->in, in, in_count * sizeof *in);
    n->out[0] = *out;
    return TDNN_OK;
}

static tdnn_status reshape(lowering *l, int32_t *value, const tdnn_shape *shape)
{
    if (tdnn_shape_equal(&l->p->plan->values[*value].info.shape, shape)) return TDNN_OK;
    const int32_t in = *value;
    return add(l, &tdnn_op_Reshape, NULL, &in, 1, shape, value);
}

/* Brings the factor's dimensions into another order. */
static tdnn_status transpose(lowering *l, factor *f, const term *order)
{
    tdnn_zone *zone = l->p->plan->zone;
    tdnn_shape from = {.ndim = order->count}, to = from;
    tdnn_transpose_params *params = tdnn_zone_alloc(zone, 1, sizeof *params);
    int64_t *perm = tdnn_zone_alloc(zone, TDNN_MAX_DIMS, sizeof *perm);
    if (equal(&f->t, order)) return TDNN_OK;
    if (!params || !perm) return TDNN_NO_MEMORY(l->p->err);
    for (int i = 0; i < order->count; i++) {
        from.dim[i] = l->e.extent[f->t.label[i]];
        to.dim[i] = l->e.extent[order->label[i]];
        while (f->t.label[perm[i]] != order->label[i]) perm[i]++;
    }
    params->perm = (tdnn_ints){perm, (size_t)order->count, true};
    TDNN_TRY(reshape(l, &f->value, &from));
    const int32_t in = f->value;
    f->t = *order;
    return add(l, &tdnn_op_Transpose, params, &in, 1, &to, &f->value);
}

/* ---- one product ---- */

typedef struct roles {
    term batch, rows, columns, sum, product;
} roles;

static void append(term *t, const term *more)
{
    for (int i = 0; i < more->count; i++) push(t, more->label[i]);
}

/* `rest`: what is still needed behind the product. */
static roles roles_of(const term *left, const term *right, const term *rest)
{
    roles r = {0};
    for (int i = 0; i < left->count; i++) {
        const int label = left->label[i];
        push(!has(right, label) ? &r.rows : has(rest, label) ? &r.batch : &r.sum, label);
    }
    for (int i = 0; i < right->count; i++)
        if (!has(left, right->label[i])) push(&r.columns, right->label[i]);
    append(&r.product, &r.batch), append(&r.product, &r.rows), append(&r.product, &r.columns);
    return r;
}

/* The labels of the result and of all factors but two. */
static term needed(const lowering *l, size_t a, size_t b)
{
    bool in[TDNN_EINSUM_LABELS] = {false};
    term t = {0};
    for (int i = 0; i < l->result.count; i++) in[l->result.label[i]] = true;
    for (size_t k = 0; k < l->count; k++)
        for (int i = 0; k != a && k != b && i < l->factors[k].t.count; i++)
            in[l->factors[k].t.label[i]] = true;
    for (int i = 0; i < TDNN_EINSUM_LABELS && t.count < 2 * TDNN_MAX_DIMS; i++)
        if (in[i]) push(&t, i);
    return t;
}

/* `left` becomes the product. */
static tdnn_status multiply(lowering *l, factor *left, factor *right, const roles *r)
{
    term a = r->batch, b = r->batch;
    append(&a, &r->rows), append(&a, &r->sum);
    append(&b, &r->sum), append(&b, &r->columns);
    TDNN_TRY(transpose(l, left, &a));
    TDNN_TRY(transpose(l, right, &b));
    const int64_t batch = extent(l, &r->batch), rows = extent(l, &r->rows);
    const int64_t columns = extent(l, &r->columns), sum = extent(l, &r->sum);
    TDNN_TRY(reshape(l, &left->value, &(tdnn_shape){3, {batch, rows, sum}}));
    TDNN_TRY(reshape(l, &right->value, &(tdnn_shape){3, {batch, sum, columns}}));
    left->t = r->product;
    return add(l, &tdnn_op_MatMul, NULL, (int32_t[]){left->value, right->value}, 2,
               &(tdnn_shape){3, {batch, rows, columns}}, &left->value);
}

/* The pair whose product is the smallest. */
static void choose(const lowering *l, size_t *a, size_t *b)
{
    int64_t least = INT64_MAX;
    *a = 0, *b = 1;
    for (size_t i = 0; l->count > 2 && i < l->count; i++)
        for (size_t k = i + 1; k < l->count; k++) {
            const term rest = needed(l, i, k);
            const roles r = roles_of(&l->factors[i].t, &l->factors[k].t, &rest);
            if (extent(l, &r.product) < least) least = extent(l, &r.product), *a = i, *b = k;
        }
}

static tdnn_status multiply_all(lowering *l)
{
    while (l->count > 1) {
        size_t a, b;
        choose(l, &a, &b);
        const term rest = needed(l, a, b);
        factor *left = &l->factors[a], *right = &l->factors[b];
        roles r = roles_of(&left->t, &right->t, &rest);
        if (l->count == 2 && !equal(&r.product, &l->result)) { /* perhaps the other way round */
            const roles turned = roles_of(&right->t, &left->t, &rest);
            if (equal(&turned.product, &l->result)) {
                factor swapped = *left;
                *left = *right, *right = swapped;
                r = turned;
            }
        }
        TDNN_TRY(multiply(l, left, right, &r));
        *right = l->factors[--l->count];
    }
    return TDNN_OK;
}

/* ---- the whole ---- */

/* Intermediate products larger than all operands and the result together, by this, are left
 * alone. */
enum { MOST_GROWTH = 4 };

static bool products_are_small(const lowering *l, int64_t most)
{
    lowering try = *l;
    while (try.count > 1) {
        size_t a, b;
        choose(&try, &a, &b);
        const term rest = needed(&try, a, b);
        try.factors[a].t = roles_of(&try.factors[a].t, &try.factors[b].t, &rest).product;
        if (try.factors[a].t.count > TDNN_MAX_DIMS || extent(&try, &try.factors[a].t) > most)
            return false;
        try.factors[b] = try.factors[--try.count];
    }
    return true;
}

/* Labels without the dimensions of 1; false if one occurs twice. */
static bool take_term(const term *from, const tdnn_shape *shape, term *to)
{
    *to = (term){0};
    for (int i = 0; i < from->count; i++) {
        if (shape->dim[i] == 1) continue;
        if (shape->dim[i] < 1 || has(to, from->label[i])) return false;
        push(to, from->label[i]);
    }
    return to->count <= TDNN_MAX_DIMS;
}

static bool take_node(lowering *l, const tdnn_plan_node *n)
{
    const tdnn_plan_value *values = l->p->plan->values;
    const tdnn_shape *shapes[TDNN_EINSUM_OPERANDS], *y = &values[n->out[0]].info.shape;
    int64_t most = tdnn_shape_count(y);
    int users[TDNN_EINSUM_LABELS] = {0};
    if (n->in_count < 2 || n->in_count > TDNN_EINSUM_OPERANDS) return false;
    for (size_t i = 0; i < n->in_count; i++) {
        const tdnn_info *info = &values[n->in[i]].info;
        shapes[i] = &info->shape;
        if (info->dtype != TDNN_F32) return false;
        most += tdnn_shape_count(&info->shape);
    }
    const tdnn_einsum_params *params = n->node->params;
    if (tdnn_einsum_read(params->equation, shapes, n->in_count, &l->e, NULL)) return false;
    l->count = n->in_count;
    for (size_t i = 0; i < l->count; i++) {
        l->factors[i].value = n->in[i];
        if (!take_term(&l->e.term[i], shapes[i], &l->factors[i].t)) return false;
        for (int k = 0; k < l->factors[i].t.count; k++) users[l->factors[i].t.label[k]]++;
    }
    if (!take_term(&l->e.result, y, &l->result)) return false;
    for (int i = 0; i < TDNN_EINSUM_LABELS; i++)
        if (users[i] == 1 && !has(&l->result, i)) return false;
    return most < INT64_MAX / MOST_GROWTH && products_are_small(l, MOST_GROWTH * most);
}

/* The last node that was added makes what the Einsum made. */
static tdnn_status lower(lowering *l, const tdnn_plan_node *n)
{
    tdnn_plan *plan = l->p->plan;
    const tdnn_shape *y = &plan->values[n->out[0]].info.shape;
    const tdnn_shape shape = *y;
    TDNN_TRY(multiply_all(l));
    TDNN_TRY(transpose(l, &l->factors[0], &l->result));
    TDNN_TRY(reshape(l, &l->factors[0].value, &shape));
    plan->nodes[plan->node_count - 1].out[0] = n->out[0];
    return TDNN_OK;
}

tdnn_status tdnn_planner_einsum(tdnn_planner *p)
{
    tdnn_plan *plan = p->plan;
    const tdnn_plan_node *before = plan->nodes;
    const size_t count = plan->node_count;
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any = any || (!before[i].dead && before[i].node->op->kind == TDNN_OP_Einsum);
    if (!any) return TDNN_OK;
    lowering *l = tdnn_zone_alloc(plan->zone, 1, sizeof *l);
    if (!l) return TDNN_NO_MEMORY(p->err);
    plan->nodes = NULL;
    plan->node_count = plan->node_capacity = 0;
    for (size_t i = 0; i < count; i++) {
        if (before[i].dead) continue;
        *l = (lowering){.p = p, .node = before[i].node};
        if (before[i].node->op->kind == TDNN_OP_Einsum && take_node(l, &before[i])) {
            TDNN_TRY(lower(l, &before[i]));
            continue;
        }
        tdnn_plan_node *n;
        TDNN_TRY(tdnn_planner_add_node(p, before[i].node, 0, 0, &n));
        *n = before[i];
    }
    return TDNN_OK;
}
