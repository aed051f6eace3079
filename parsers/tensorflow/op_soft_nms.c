/* Suppression that lowers scores (N. Bodla et al., 2017) in place of dropping boxes: a loop
 * that takes the best score there is, and multiplies all others by exp(-overlap^2 / (2 sigma)).
 * As in TensorFlow, the threshold of overlap plays no part then. */
#include "parsers/tensorflow/ops.h"

#include <math.h>

/* Corners y, x of boxes, the lesser ones first, each [boxes, 1]; and areas. */
typedef struct sides {
    tdnn_id low[2], high[2], area;
} sides;

static tdnn_status sides_of(const tf_call *c, tdnn_id boxes, sides *s, tdnn_error *err)
{
    tdnn_id a, b, length[2];
    for (int i = 0; i < 2; i++) {
        TDNN_TRY(tf_column(c, boxes, i, &a, err));
        TDNN_TRY(tf_column(c, boxes, i + 2, &b, err));
        TDNN_TRY(tf_two(c, TDNN_OP_Min, a, b, &s->low[i], err));
        TDNN_TRY(tf_two(c, TDNN_OP_Max, a, b, &s->high[i], err));
        TDNN_TRY(tf_two(c, TDNN_OP_Sub, s->high[i], s->low[i], &length[i], err));
    }
    return tf_two(c, TDNN_OP_Mul, length[0], length[1], &s->area, err);
}

/* Intersection over union, a vector; 0 where a box has no area. */
static tdnn_status overlaps(const tf_call *c, const sides *a, const sides *b, tdnn_id *out,
                            tdnn_error *err)
{
    static const int64_t flat = -1;
    tdnn_id low, high, length[2], common, whole, zero, any;
    TDNN_TRY(tf_const_scalar(c, TDNN_F32, 0, &zero, err));
    for (int i = 0; i < 2; i++) {
        TDNN_TRY(tf_two(c, TDNN_OP_Max, a->low[i], b->low[i], &low, err));
        TDNN_TRY(tf_two(c, TDNN_OP_Min, a->high[i], b->high[i], &high, err));
        TDNN_TRY(tf_two(c, TDNN_OP_Sub, high, low, &length[i], err));
        TDNN_TRY(tf_two(c, TDNN_OP_Max, length[i], zero, &length[i], err));
    }
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, length[0], length[1], &common, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Add, a->area, b->area, &whole, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Sub, whole, common, &whole, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Greater, common, zero, &any, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Div, common, whole, out, err));
    TDNN_TRY(tf_three(c, TDNN_OP_Where, any, *out, zero, out, err));
    return tf_reshape(c, *out, &flat, 1, out, err);
}

/* Whether any score is above the threshold. */
static tdnn_status any_above(const tf_call *c, tdnn_id scores, tdnn_id least, tdnn_id *out,
                             tdnn_error *err)
{
    tdnn_node *node;
    tdnn_id most;
    TDNN_TRY(tf_inner(c, TDNN_OP_ReduceMax, &scores, 1, &node, &most, err));
    TDNN_TRY(tf_set_int(c, node, "keepdims", 0, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Greater, most, least, out, err));
    return tf_reshape(c, *out, NULL, 0, out, err);
}

/* Scores after box `at` was taken, which gets -infinity and keeps it. */
static tdnn_status lowered(const tf_call *c, tdnn_id boxes, tdnn_id scores, tdnn_id at,
                           double sigma, tdnn_id *out, tdnn_error *err)
{
    static const int64_t first = 0;
    sides all, one;
    tdnn_id box, overlap, weight, never, gone, count, places, taken, zero, step;
    TDNN_TRY(sides_of(c, boxes, &all, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Gather, boxes, at, &box, err));
    TDNN_TRY(sides_of(c, box, &one, err));
    TDNN_TRY(overlaps(c, &all, &one, &overlap, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, overlap, overlap, &weight, err));
    TDNN_TRY(tf_with(c, TDNN_OP_Mul, weight, TDNN_F32, -0.5 / sigma, &weight, err));
    TDNN_TRY(tf_one(c, TDNN_OP_Exp, weight, &weight, err));
    TDNN_TRY(tf_const_scalar(c, TDNN_F32, -INFINITY, &never, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Equal, scores, never, &gone, err));
    TDNN_TRY(tf_dims(c, scores, &first, 1, &count, err));
    TDNN_TRY(tf_reshape(c, count, NULL, 0, &count, err));
    TDNN_TRY(tf_const_int(c, 0, &zero, err));
    TDNN_TRY(tf_const_int(c, 1, &step, err));
    TDNN_TRY(tf_three(c, TDNN_OP_Range, zero, count, step, &places, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Equal, places, at, &taken, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Or, gone, taken, &gone, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, scores, weight, out, err));
    return tf_three(c, TDNN_OP_Where, gone, never, *out, out, err);
}

static tdnn_status body_input(tdnn_graph *body, tdnn_dtype type, int ndim, tdnn_id *out,
                              tdnn_error *err)
{
    TDNN_TRY(tdnn_graph_add_value(body, NULL, out, err));
    body->values[*out].dtype = type;
    body->values[*out].shape = tf_unknown_shape(ndim);
    return tdnn_graph_add_input(body, *out, err);
}

/* In: turn, condition, scores. Out: condition, scores; the box that is taken, its score. */
static tdnn_status make_body(const tf_call *c, tdnn_graph *body, tdnn_id boxes, tdnn_id least,
                             double sigma, tdnn_error *err)
{
    tf_scope scope = *c->scope;
    tf_call inside = *c;
    tdnn_id id, scores, at, score, out[4];
    tdnn_node *node;
    scope.graph = body;
    inside.scope = &scope;
    TDNN_TRY(body_input(body, TDNN_I64, 0, &id, err));
    TDNN_TRY(body_input(body, TDNN_BOOL, 0, &id, err));
    TDNN_TRY(body_input(body, TDNN_F32, 1, &scores, err));
    TDNN_TRY(tdnn_graph_capture(body, boxes, &boxes, err));
    TDNN_TRY(tdnn_graph_capture(body, least, &least, err));
    TDNN_TRY(tf_inner(&inside, TDNN_OP_ArgMax, &scores, 1, &node, &at, err));
    TDNN_TRY(tf_two(&inside, TDNN_OP_Gather, scores, at, &score, err));
    TDNN_TRY(lowered(&inside, boxes, scores, at, sigma, &out[1], err));
    TDNN_TRY(any_above(&inside, out[1], least, &out[0], err));
    TDNN_TRY(tf_reshape(&inside, at, NULL, 0, &out[2], err));
    TDNN_TRY(tf_reshape(&inside, score, NULL, 0, &out[3], err));
    for (int i = 0; i < 4; i++) TDNN_TRY(tdnn_graph_add_output(body, out[i], err));
    return TDNN_OK;
}

tdnn_status tf_soft_nms(const tf_call *c, tdnn_id boxes, tdnn_id scores, tdnn_id most,
                        tdnn_id least, double sigma, tdnn_id *chosen, tdnn_id *found,
                        tdnn_error *err)
{
    tdnn_graph *graph = c->scope->graph, *body;
    tf_call inner = *c;
    tdnn_node *node;
    tdnn_id ids[3] = {TDNN_ABSENT, TDNN_ABSENT, scores};
    const tdnn_attr_value own = {.type = TDNN_ATTR_GRAPH, .i = 0};
    TDNN_TRY(tf_reshape(c, most, NULL, 0, &ids[0], err));
    TDNN_TRY(any_above(c, scores, least, &ids[1], err));
    TDNN_TRY(tdnn_graph_create_sub(graph, &body, err));
    TDNN_TRY(make_body(c, body, boxes, least, sigma, err));
    inner.name = tdnn_zone_printf(c->scope->model->zone, "%s/loop", c->name);
    if (!inner.name) return TDNN_NO_MEMORY(err);
    TDNN_TRY(tf_many(&inner, TDNN_OP_Loop, ids, 3, 3, &node, err));
    TDNN_TRY(tdnn_node_set_attr(graph, node, "body", &own, err));
    *chosen = node->outputs[1], *found = node->outputs[2];
    return tdnn_node_own(graph, node, &body, 1, err);
}
