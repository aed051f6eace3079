/* Where the elements of a value lie in the value that a chain of transpositions, reshapes,
 * slices and the like, and products with a number, has made it from: for operators that read
 * through strides. */
#include "lib/runtime/plan_view.h"

#include <string.h>

static const tdnn_shape *shape_of(const tdnn_planner *p, int32_t value)
{
    return &p->plan->values[value].info.shape;
}

tdnn_strided_view tdnn_strided_view_whole(const tdnn_planner *p, int32_t value)
{
    tdnn_strided_view v = {.base = value, .factor = 1, .shape = *shape_of(p, value)};
    int64_t stride = 1;
    for (int d = v.shape.ndim - 1; d >= 0; d--) {
        v.stride[d] = stride;
        stride *= v.shape.dim[d];
    }
    return v;
}

/* ---- shapes ---- */

/* The dimension of `from` where a run of dimensions begins that can be seen as one: those of
 * size 1 fit anywhere, others must follow each other. */
static int run_begin(const tdnn_strided_view *from, int last)
{
    while (last > 0 && (from->shape.dim[last - 1] == 1 || from->shape.dim[last] == 1 ||
                        from->stride[last - 1] == from->stride[last] * from->shape.dim[last]))
        last--;
    return last;
}

/* Without the dimensions of 1. */
static tdnn_strided_view squeezed(const tdnn_strided_view *v)
{
    tdnn_strided_view s = *v;
    s.shape.ndim = 0;
    for (int d = 0; d < v->shape.ndim; d++) {
        if (v->shape.dim[d] == 1) continue;
        s.stride[s.shape.ndim] = v->stride[d];
        s.shape.dim[s.shape.ndim++] = v->shape.dim[d];
    }
    return s;
}

bool tdnn_strided_view_reshape(tdnn_strided_view *v, const tdnn_shape *to)
{
    const tdnn_strided_view from = squeezed(v);
    tdnn_strided_view out = *v;
    int d = to->ndim - 1;
    if (tdnn_shape_count(to) != tdnn_shape_count(&v->shape) || tdnn_shape_count(to) == 0)
        return false;
    out.shape = *to;
    for (int last = from.shape.ndim - 1; last >= 0;) {
        const int begin = run_begin(&from, last);
        int64_t left = 1, stride = from.stride[last];
        for (int i = begin; i <= last; i++) left *= from.shape.dim[i];
        for (; d >= 0 && left > 1; d--) {
            if (left % to->dim[d]) return false;
            out.stride[d] = stride;
            stride *= to->dim[d];
            left /= to->dim[d];
        }
        if (left > 1) return false;
        last = begin - 1;
    }
    for (; d >= 0; d--) out.stride[d] = 0; /* of size 1 */
    *v = out;
    return true;
}

/* ---- operators ---- */

static int64_t attr(const tdnn_node *node, const char *name, int64_t otherwise)
{
    for (const tdnn_attr *a = node->op->attrs; a && a->type != TDNN_ATTR_END; a++)
        if (a->type == TDNN_ATTR_INT && strcmp(a->name, name) == 0)
            return *(const int64_t *)(const void *)((const char *)node->params + a->offset);
    return otherwise;
}

static const tdnn_tensor *contents(const tdnn_planner *p, const tdnn_plan_node *n, size_t i)
{
    return i < n->in_count && n->in[i] >= 0 ? p->plan->values[n->in[i]].info.contents : NULL;
}

bool tdnn_plan_scalar(const tdnn_planner *p, const tdnn_plan_node *n, size_t i, float *out)
{
    const tdnn_tensor *t = contents(p, n, i);
    if (!t || t->dtype != TDNN_F32 || !t->data || tdnn_shape_count(&t->shape) != 1) return false;
    *out = (float)tdnn_tensor_get_f64(t, 0);
    return true;
}

static bool transpose(const tdnn_plan_node *n, tdnn_strided_view *v)
{
    const tdnn_transpose_params *params = n->node->params;
    const tdnn_strided_view from = *v;
    for (int d = 0; d < from.shape.ndim; d++) {
        int64_t of = params->perm.given ? params->perm.at[d] : from.shape.ndim - 1 - d;
        if (of < 0) of += from.shape.ndim;
        v->shape.dim[d] = from.shape.dim[of];
        v->stride[d] = from.stride[of];
    }
    return true;
}

/* One index along an axis. */
static bool gather(const tdnn_planner *p, const tdnn_plan_node *n, tdnn_strided_view *v)
{
    const tdnn_tensor *index = contents(p, n, 1);
    int64_t axis = attr(n->node, "axis", 0);
    if (!index || tdnn_shape_count(&index->shape) != 1 || !tdnn_dtype_is_int(index->dtype))
        return false;
    int64_t at = tdnn_tensor_get_i64(index, 0);
    if (axis < 0) axis += v->shape.ndim;
    if (at < 0) at += v->shape.dim[axis];
    if (at < 0 || at >= v->shape.dim[axis]) return false;
    v->offset += (size_t)(at * v->stride[axis]);
    v->shape.dim[axis] = 1;
    return tdnn_strided_view_reshape(v, shape_of(p, n->out[0]));
}

static bool slice(const tdnn_planner *p, const tdnn_plan_node *n, tdnn_strided_view *v)
{
    const tdnn_tensor *starts = contents(p, n, 1), *axes = contents(p, n, 3),
                      *steps = contents(p, n, 4);
    const bool has_axes = n->in_count > 3 && n->in[3] >= 0,
               has_steps = n->in_count > 4 && n->in[4] >= 0;
    if (!starts || (has_axes && !axes) || (has_steps && !steps)) return false;
    const size_t count = (size_t)tdnn_shape_count(&starts->shape);
    for (size_t i = 0; i < count; i++) {
        int64_t axis = has_axes ? tdnn_tensor_get_i64(axes, i) : (int64_t)i;
        int64_t start = tdnn_tensor_get_i64(starts, i);
        if (axis < 0) axis += v->shape.ndim;
        if (has_steps && tdnn_tensor_get_i64(steps, i) != 1) return false;
        if (start < 0) start += v->shape.dim[axis];
        if (start < 0) start = 0;
        if (start > v->shape.dim[axis]) return false;
        v->offset += (size_t)(start * v->stride[axis]);
    }
    v->shape = *shape_of(p, n->out[0]);
    return true;
}

/* The pieces lie one behind the other. */
static bool split(const tdnn_planner *p, const tdnn_plan_node *n, size_t piece,
                  tdnn_strided_view *v)
{
    int64_t axis = attr(n->node, "axis", 0);
    if (axis < 0) axis += v->shape.ndim;
    for (size_t i = 0; i < piece; i++) {
        if (n->out[i] < 0) return false;
        v->offset += (size_t)(shape_of(p, n->out[i])->dim[axis] * v->stride[axis]);
    }
    v->shape = *shape_of(p, n->out[piece]);
    return true;
}

/* A product with a number, or a quotient by one; *side: the other operand. */
static bool scaling(const tdnn_planner *p, const tdnn_plan_node *n, size_t *side, float *factor)
{
    const bool div = n->node->op->kind == TDNN_OP_Div;
    for (*side = 0; *side < (div ? 1u : 2u); ++*side) {
        const int32_t in = n->in[*side];
        if (in < 0 || !tdnn_plan_scalar(p, n, 1 - *side, factor) ||
            !tdnn_shape_equal(shape_of(p, in), shape_of(p, n->out[0])))
            continue;
        if (div) *factor = 1 / *factor;
        return true;
    }
    return false;
}

/* The view of output `o` of the node in what input 0 is a view of; false: it is none. */
static bool follow(const tdnn_planner *p, const tdnn_strided_view *views,
                   const tdnn_plan_node *n, size_t o, tdnn_strided_view *v)
{
    size_t side = 0;
    float factor = 1;
    const tdnn_op_kind kind = n->node->op->kind;
    if ((kind == TDNN_OP_Mul || kind == TDNN_OP_Div) && !scaling(p, n, &side, &factor))
        return false;
    if (n->in_count == 0 || n->in[side] < 0) return false;
    *v = views[n->in[side]];
    v->factor *= factor;
    switch (kind) {
    case TDNN_OP_Mul:
    case TDNN_OP_Div:
    case TDNN_OP_Identity: return true;
    case TDNN_OP_Transpose: return transpose(n, v);
    case TDNN_OP_Reshape:
    case TDNN_OP_Flatten:
    case TDNN_OP_Squeeze:
    case TDNN_OP_Unsqueeze: return tdnn_strided_view_reshape(v, shape_of(p, n->out[0]));
    case TDNN_OP_Gather: return gather(p, n, v);
    case TDNN_OP_Slice: return slice(p, n, v);
    case TDNN_OP_Split: return split(p, n, o, v);
    default: return false;
    }
}

tdnn_status tdnn_planner_views(tdnn_planner *p, tdnn_strided_view **out)
{
    tdnn_plan *plan = p->plan;
    tdnn_strided_view *views = *out =
        tdnn_zone_alloc(plan->zone, plan->value_count + 1, sizeof *views);
    if (!views) return TDNN_NO_MEMORY(p->err);
    for (size_t i = 0; i < plan->value_count; i++)
        views[i] = tdnn_strided_view_whole(p, (int32_t)i);
    for (size_t i = 0; i < plan->node_count; i++) {
        const tdnn_plan_node *n = &plan->nodes[i];
        for (size_t o = 0; o < n->out_count && !n->dead; o++) {
            tdnn_strided_view v;
            if (n->out[o] < 0 || plan->values[n->out[o]].info.dtype != TDNN_F32) continue;
            if (follow(p, views, n, o, &v)) views[n->out[o]] = v;
        }
    }
    return TDNN_OK;
}
