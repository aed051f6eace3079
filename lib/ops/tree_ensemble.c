/* TreeEnsemble: decision trees, whose leaves add to the targets (ai.onnx.ml, version 5). */
#include "lib/ops/convert.h"
#include "lib/ops/op.h"

#include <math.h>
#include <string.h>

enum { LESS_OR_EQUAL, LESS, GREATER_OR_EQUAL, GREATER, EQUAL, NOT_EQUAL, MEMBER, MODES };
enum { AVERAGE, SUM, MIN, MAX };
enum { POST_NONE, POST_SOFTMAX, POST_LOGISTIC, POST_SOFTMAX_ZERO, POST_PROBIT };

typedef struct tree_params {
    int64_t aggregate_function, post_transform, n_targets;
    tdnn_ints tree_roots, nodes_featureids, nodes_truenodeids, nodes_falsenodeids,
        nodes_trueleafs, nodes_falseleafs, nodes_missing_value_tracks_true, leaf_targetids;
    tdnn_tensor *nodes_modes, *nodes_splits, *leaf_weights, *membership_values;
} tree_params;

typedef struct tree_node {
    int64_t mode;
    size_t feature, yes, no;
    bool yes_is_leaf, no_is_leaf, missing_is_yes;
    double split;
    size_t first_member, member_count;
} tree_node;

typedef struct tree_plan {
    tree_node *nodes;
    double *members, *weights;
    size_t *targets, *roots;
    size_t node_count, leaf_count, root_count, tasks;
} tree_plan;

/* ---- planning: every number checked, so that running needs no checks ---- */

static tdnn_status tree_infer(tdnn_infer *ctx)
{
    const tree_params *p = ctx->params;
    const tdnn_shape *in = &ctx->in[0]->shape;
    if (in->ndim != 2 || !tdnn_dtype_is_float(ctx->in[0]->dtype) || p->n_targets < 1)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "%s with %d dimensions and %lld targets, expected floats with 2",
                         tdnn_dtype_name(ctx->in[0]->dtype), in->ndim, (long long)p->n_targets);
    const tdnn_shape out = {2, {in->dim[0], p->n_targets}};
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &out);
    return TDNN_OK;
}

static bool has_count(const tdnn_tensor *t, size_t count)
{
    return t && (size_t)tdnn_shape_count(&t->shape) == count && tdnn_dtype_is_real(t->dtype);
}

static tdnn_status check_counts(const tree_params *p, tree_plan *t, tdnn_error *err)
{
    const size_t n = t->node_count = p->nodes_featureids.count;
    t->leaf_count = p->leaf_targetids.count;
    t->root_count = p->tree_roots.count;
    const tdnn_ints *missing = &p->nodes_missing_value_tracks_true;
    if (p->nodes_truenodeids.count != n || p->nodes_falsenodeids.count != n ||
        p->nodes_trueleafs.count != n || p->nodes_falseleafs.count != n ||
        !has_count(p->nodes_modes, n) || !has_count(p->nodes_splits, n) ||
        (missing->given && missing->count != n))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "the lists of %zu nodes are not all as long", n);
    if (!has_count(p->leaf_weights, t->leaf_count))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu leaves with another number of weights",
                         t->leaf_count);
    return TDNN_OK;
}

static tdnn_status get_index(int64_t value, size_t count, const char *what, size_t *out,
                             tdnn_error *err)
{
    if (value < 0 || (uint64_t)value >= count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%s %lld, expected 0 to %zu", what,
                         (long long)value, count - 1);
    *out = (size_t)value;
    return TDNN_OK;
}

/* Members of all nodes that ask for membership stand one behind the other, each list closed by
 * a NaN. */
static tdnn_status set_members(const tree_params *p, tree_plan *t, tree_node *n, size_t *next,
                               tdnn_error *err)
{
    const size_t count =
        p->membership_values ? (size_t)tdnn_shape_count(&p->membership_values->shape) : 0;
    n->first_member = *next;
    while (*next < count && !isnan(t->members[*next])) ++*next;
    n->member_count = *next - n->first_member;
    if (*next == count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a list of members without an end");
    ++*next;
    return TDNN_OK;
}

static tdnn_status set_nodes(const tree_params *p, tree_plan *t, size_t features,
                             tdnn_error *err)
{
    size_t next_member = 0;
    for (size_t i = 0; i < t->node_count; i++) {
        tree_node *n = &t->nodes[i];
        n->mode = tdnn_tensor_get_i64(p->nodes_modes, i);
        n->split = tdnn_tensor_get_f64(p->nodes_splits, i);
        n->yes_is_leaf = p->nodes_trueleafs.at[i] != 0;
        n->no_is_leaf = p->nodes_falseleafs.at[i] != 0;
        if (p->nodes_missing_value_tracks_true.given)
            n->missing_is_yes = p->nodes_missing_value_tracks_true.at[i] != 0;
        if (n->mode < 0 || n->mode >= MODES)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "node %zu has mode %lld", i,
                             (long long)n->mode);
        TDNN_TRY(get_index(p->nodes_featureids.at[i], features, "feature", &n->feature, err));
        TDNN_TRY(get_index(p->nodes_truenodeids.at[i],
                           n->yes_is_leaf ? t->leaf_count : t->node_count, "true branch",
                           &n->yes, err));
        TDNN_TRY(get_index(p->nodes_falsenodeids.at[i],
                           n->no_is_leaf ? t->leaf_count : t->node_count, "false branch",
                           &n->no, err));
        if (n->mode == MEMBER) TDNN_TRY(set_members(p, t, n, &next_member, err));
    }
    for (size_t i = 0; i < t->leaf_count; i++) {
        TDNN_TRY(get_index(p->leaf_targetids.at[i], (size_t)p->n_targets, "target",
                           &t->targets[i], err));
        t->weights[i] = tdnn_tensor_get_f64(p->leaf_weights, i);
    }
    for (size_t i = 0; i < t->root_count; i++)
        TDNN_TRY(get_index(p->tree_roots.at[i], t->node_count, "root", &t->roots[i], err));
    return TDNN_OK;
}

/* ---- running ---- */

static bool goes_yes(const tree_plan *t, const tree_node *n, double x)
{
    if (isnan(x)) return n->missing_is_yes;
    switch (n->mode) {
    case LESS_OR_EQUAL: return x <= n->split;
    case LESS: return x < n->split;
    case GREATER_OR_EQUAL: return x >= n->split;
    case GREATER: return x > n->split;
    case EQUAL: return x == n->split;
    case NOT_EQUAL: return x != n->split;
    default:
        for (size_t k = 0; k < n->member_count; k++)
            if (x == t->members[n->first_member + k]) return true;
        return false;
    }
}

/* The leaf that one tree leads to. Nodes that lead round in a circle end after as many steps as
 * there are nodes; then leaf_count comes back. */
static size_t find_leaf(const tree_plan *t, size_t root, const double *x)
{
    size_t at = root;
    for (size_t steps = 0; steps < t->node_count; steps++) {
        const tree_node *n = &t->nodes[at];
        const bool yes = goes_yes(t, n, x[n->feature]);
        at = yes ? n->yes : n->no;
        if (yes ? n->yes_is_leaf : n->no_is_leaf) return at;
    }
    return t->leaf_count;
}

static void softmax(double *y, size_t n, bool zeros_stay)
{
    double most = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) most = y[i] > most ? y[i] : most;
    for (size_t i = 0; i < n; i++) {
        y[i] = zeros_stay && y[i] == 0 ? 0 : exp(y[i] - most);
        sum += y[i];
    }
    for (size_t i = 0; i < n && sum > 0; i++) y[i] /= sum;
}

/* The inverse of the normal distribution, by Newton's method on erfc. */
static double probit(double p)
{
    if (!(p > 0 && p < 1)) return p > 0 ? INFINITY : -INFINITY;
    double x = 0;
    for (int i = 0; i < 60; i++) {
        const double e = 0.5 * erfc(-x * sqrt(0.5)) - p;
        const double step = e / (exp(-x * x / 2) * 0.3989422804014327);
        x -= step > 1 ? 1 : step < -1 ? -1 : step;
        if (fabs(step) < 1e-15) break;
    }
    return x;
}

static void finish_row(const tree_params *p, const tree_plan *t, double *y, const size_t *hits)
{
    const size_t n = (size_t)p->n_targets;
    for (size_t i = 0; i < n; i++) {
        if (p->aggregate_function == AVERAGE && t->root_count) y[i] /= (double)t->root_count;
        if (p->aggregate_function >= MIN && !hits[i]) y[i] = 0;
    }
    if (p->post_transform == POST_SOFTMAX || p->post_transform == POST_SOFTMAX_ZERO)
        softmax(y, n, p->post_transform == POST_SOFTMAX_ZERO);
    for (size_t i = 0; i < n; i++) {
        if (p->post_transform == POST_LOGISTIC) y[i] = 1 / (1 + exp(-y[i]));
        if (p->post_transform == POST_PROBIT) y[i] = probit(y[i]);
    }
}

static void add_leaf(const tree_params *p, double *y, size_t *hits, double weight)
{
    if (p->aggregate_function == MIN)
        *y = *hits && *y < weight ? *y : weight;
    else if (p->aggregate_function == MAX)
        *y = *hits && *y > weight ? *y : weight;
    else
        *y += weight;
    ++*hits;
}

/* One row a task. */
static void tree_run(const tdnn_step *step, size_t task, size_t worker)
{
    const tree_params *p = step->params;
    const tree_plan *t = step->data;
    const tdnn_tensor *in = step->in[0], *out = step->out[0];
    const size_t features = (size_t)in->shape.dim[1], targets = (size_t)p->n_targets;
    double *x = (double *)(void *)(step->scratch + worker * step->scratch_stride),
           *y = x + features;
    size_t *hits = (size_t *)(void *)(y + targets);
    tdnn_load_f64(x, (tdnn_run){in->data, in->dtype, task * features, 1}, features);
    for (size_t i = 0; i < targets; i++) y[i] = 0, hits[i] = 0;
    for (size_t i = 0; i < t->root_count; i++) {
        const size_t leaf = find_leaf(t, t->roots[i], x);
        if (leaf < t->leaf_count)
            add_leaf(p, &y[t->targets[leaf]], &hits[t->targets[leaf]], t->weights[leaf]);
    }
    finish_row(p, t, y, hits);
    tdnn_store_f64((tdnn_run){out->data, out->dtype, task * targets, 1}, y, targets);
}

static tdnn_status tree_plan_step(tdnn_plan_ctx *ctx)
{
    const tree_params *p = ctx->step->params;
    const tdnn_tensor *in = ctx->step->in[0], *members = p->membership_values;
    const size_t features = (size_t)in->shape.dim[1];
    tree_plan *t = tdnn_plan_alloc(ctx, 1, sizeof *t);
    if (!t) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(check_counts(p, t, ctx->err));
    const size_t member_count = members ? (size_t)tdnn_shape_count(&members->shape) : 0;
    t->nodes = tdnn_plan_alloc(ctx, t->node_count, sizeof *t->nodes);
    t->targets = tdnn_plan_alloc(ctx, t->leaf_count, sizeof *t->targets);
    t->weights = tdnn_plan_alloc(ctx, t->leaf_count, sizeof *t->weights);
    t->roots = tdnn_plan_alloc(ctx, t->root_count, sizeof *t->roots);
    t->members = tdnn_plan_alloc(ctx, member_count, sizeof *t->members);
    if (!t->nodes || !t->targets || !t->weights || !t->roots || !t->members)
        return TDNN_NO_MEMORY(ctx->err);
    for (size_t i = 0; i < member_count; i++) t->members[i] = tdnn_tensor_get_f64(members, i);
    TDNN_TRY(set_nodes(p, t, features, ctx->err));
    size_t bytes;
    if (!tdnn_size_add(features, 2 * (size_t)p->n_targets, &bytes) ||
        !tdnn_size_mul(bytes, 8, &bytes))
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "too many targets");
    tdnn_plan_scratch(ctx, bytes);
    ctx->step->kernel = "trees";
    if (ctx->step->out[0]->bytes) tdnn_plan_phase(ctx, tree_run, (size_t)in->shape.dim[0]);
    return TDNN_OK;
}

static const tdnn_attr tree_attrs[] = {
    TDNN_INT(tree_params, aggregate_function, SUM),
    TDNN_INT(tree_params, post_transform, POST_NONE),
    TDNN_INT(tree_params, n_targets, 1),
    TDNN_INTS(tree_params, tree_roots),
    TDNN_INTS(tree_params, nodes_featureids),
    TDNN_INTS(tree_params, nodes_truenodeids),
    TDNN_INTS(tree_params, nodes_falsenodeids),
    TDNN_INTS(tree_params, nodes_trueleafs),
    TDNN_INTS(tree_params, nodes_falseleafs),
    TDNN_INTS(tree_params, nodes_missing_value_tracks_true),
    TDNN_INTS(tree_params, leaf_targetids),
    TDNN_TENSOR(tree_params, nodes_modes),
    TDNN_TENSOR(tree_params, nodes_splits),
    TDNN_TENSOR(tree_params, leaf_weights),
    TDNN_TENSOR(tree_params, membership_values),
    TDNN_IGNORED("nodes_hitrates"),
    {0},
};

const tdnn_op tdnn_op_TreeEnsemble = {
    .schema = {TDNN_SCHEMA(TreeEnsemble, 1, 1, 1, 1, tree_attrs, tree_params),
               .domain = "ai.onnx.ml"},
    .infer = tree_infer,
    .plan = tree_plan_step,
};
