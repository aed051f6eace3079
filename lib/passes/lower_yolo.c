/* Yolo in standard operators: the same arithmetic as lib/ops/yolo.c, on whole columns at once.
 * Grids come from Shape and Range, so that any input size is right; where sizes are declared
 * they are constants after folding.
 */
#include "lib/passes/lower.h"

typedef struct parts {
    const tdnn_yolo_params *p;
    int64_t anchors, columns, step; /* step: from one coordinate's column to the next */
    tdnn_id x;                      /* the layer's input                              */
    tdnn_id cells;                  /* N, H W, A, columns                             */
} parts;

static tdnn_id sigmoid_unless(tdnn_lowering *l, bool raw, tdnn_id x)
{
    return raw ? x : lower_op(l, Sigmoid, x);
}

/* Width and height, as f32, in a vector of two. */
static tdnn_id size_of(tdnn_lowering *l, tdnn_id x)
{
    const tdnn_id size = lower_op(l, Gather, lower_op(l, Shape, x), lower_ints(l, 3, 2));
    return lower_cast(l, size, TDNN_F32);
}

/* Column and row of each cell: H W, 1, 2. */
static tdnn_id grid(tdnn_lowering *l, tdnn_id x)
{
    tdnn_id row, column;
    lower_cells(l, x, &row, &column);
    const tdnn_id both = lower_joined(l, -1, lower_reshape(l, column, -1, 1, 1),
                                      lower_reshape(l, row, -1, 1, 1));
    return lower_cast(l, both, TDNN_F32);
}

static tdnn_id pair(tdnn_lowering *l, const parts *c, int64_t first)
{
    return lower_slice(l, c->cells, 3, first * c->step, (first + 2) * c->step, c->step);
}

/* x, y: (cell + (sigmoid - 1/2) scale + 1/2) / size of the map */
static tdnn_id centres(tdnn_lowering *l, const parts *c)
{
    const tdnn_id half = lower_f32(l, 0.5F);
    tdnn_id t = sigmoid_unless(l, c->p->new_coords, pair(l, c, 0));
    t = lower_op(l, Sub, t, half);
    if (c->p->scale_x_y != 1) t = lower_op(l, Mul, t, lower_f32(l, c->p->scale_x_y));
    t = lower_op(l, Add, lower_op(l, Add, grid(l, c->x), t), half);
    return lower_op(l, Div, t, size_of(l, c->x));
}

/* w, h: exp times anchor, relative to the net's input, or to the map in a region layer */
static tdnn_id sizes(tdnn_lowering *l, const parts *c)
{
    const float net[] = {(float)c->p->net_width, (float)c->p->net_height};
    const tdnn_id image = lower_input(l, 1);
    const tdnn_id anchors = lower_floats(l, c->p->anchors.at, 2, (int64_t[]){c->anchors, 2});
    tdnn_id t = pair(l, c, 2), whole;
    if (c->p->new_coords)
        t = lower_op(l, Mul, lower_op(l, Mul, t, t), lower_f32(l, 4));
    else
        t = lower_op(l, Exp, t);
    if (c->p->region)
        whole = size_of(l, c->x);
    else
        whole =
            image == TDNN_ABSENT ? lower_floats(l, net, 1, (int64_t[]){2}) : size_of(l, image);
    return lower_op(l, Div, lower_op(l, Mul, t, anchors), whole);
}

static tdnn_id objectness(tdnn_lowering *l, const parts *c)
{
    const int64_t at = 4 * c->step;
    tdnn_id o = lower_slice(l, c->cells, 3, at, at + 1, 1);
    o = sigmoid_unless(l, c->p->new_coords, o);
    if (c->p->classfix != -1) return o;
    const tdnn_id weak = lower_op(l, Less, o, lower_f32(l, 0.5F));
    return lower_op(l, Where, weak, lower_f32(l, 0), o);
}

/* 1 less the mean of the four uncertainties. */
static tdnn_id certainty(tdnn_lowering *l, const parts *c)
{
    tdnn_id sure = lower_f32(l, 1);
    for (int64_t i = 0; i < 4; i++) {
        const tdnn_id column = lower_slice(l, c->cells, 3, 2 * i + 1, 2 * i + 2, 1);
        const tdnn_id quarter = lower_op(l, Div, lower_op(l, Sigmoid, column), lower_f32(l, 4));
        sure = lower_op(l, Sub, sure, quarter);
    }
    return sure;
}

static tdnn_id class_scores(tdnn_lowering *l, const parts *c, tdnn_id objects)
{
    const tdnn_yolo_params *p = c->p;
    tdnn_id s = lower_slice(l, c->cells, 3, c->columns - p->classes, INT64_MAX, 1);
    s = sigmoid_unless(l, p->region || p->new_coords, s);
    if (p->region && p->softmax) {
        s = lower_op(l, Softmax, s);
        lower_set_int(l, "axis", -1);
    }
    if (p->gaussian) objects = lower_op(l, Mul, objects, certainty(l, c));
    s = lower_op(l, Mul, s, objects);
    if (!(p->thresh > 0)) return s;
    const tdnn_id good = lower_op(l, Greater, s, lower_f32(l, p->thresh));
    return lower_op(l, Where, good, s, lower_f32(l, 0));
}

/* N, rows, columns -> the same without scores that NonMaxSuppression does not select. */
static tdnn_id suppress(tdnn_lowering *l, const tdnn_yolo_params *p, tdnn_id rows)
{
    const tdnn_id boxes = lower_slice(l, rows, 2, 0, 4, 1),
                  head = lower_slice(l, rows, 2, 0, 5, 1);
    const tdnn_id scores =
        lower_transpose(l, lower_slice(l, rows, 2, 5, INT64_MAX, 1), 0, 2, 1);
    const float overlap = p->nms_threshold < 1 ? p->nms_threshold : 1;
    const tdnn_id chosen =
        lower_op(l, NonMaxSuppression, boxes, scores, lower_ints(l, INT32_MAX),
                 lower_one(l, overlap), lower_one(l, p->thresh));
    lower_set_int(l, "center_point_box", 1);
    const tdnn_id none = lower_full(l, lower_op(l, Shape, scores), 0);
    const tdnn_id ones = lower_full(l, lower_dim(l, chosen, 0), 1);
    const tdnn_id kept = lower_op(l, ScatterND, none, chosen, ones);
    const tdnn_id left = lower_transpose(l, lower_op(l, Mul, scores, kept), 0, 2, 1);
    return lower_joined(l, 2, head, left);
}

/* N, rows, columns -> rows, columns if N is 1, which is known when running only: Reshape gets
 * the last two or all three sizes. */
static tdnn_id drop_single_image(tdnn_lowering *l, tdnn_id rows)
{
    const tdnn_id shape = lower_op(l, Shape, rows), images = lower_slice(l, shape, 0, 0, 1, 1);
    const tdnn_id single = lower_op(l, Equal, images, lower_i64(l, 1));
    const tdnn_id begin = lower_cast(l, single, TDNN_I64);
    return lower_op(l, Reshape, rows, lower_op(l, Slice, shape, begin, lower_ints(l, 3)));
}

void tdnn_lower_yolo(tdnn_lowering *l)
{
    const tdnn_yolo_params *p = l->node->params;
    parts c = {.p = p, .anchors = (int64_t)(p->anchors.count / 2), .x = lower_input(l, 0)};
    c.columns = 5 + p->classes + (p->gaussian ? 4 : 0);
    c.step = p->gaussian ? 2 : 1;
    const tdnn_id planes = lower_reshape(l, c.x, 0, c.anchors, c.columns, -1);
    c.cells = lower_transpose(l, planes, 0, 3, 1, 2);
    tdnn_id centre = centres(l, &c);
    const tdnn_id size = sizes(l, &c), objects = objectness(l, &c);
    if (p->point) {
        const tdnn_id half = lower_f32(l, p->point == 1 ? 0.5F : -0.5F);
        centre = lower_op(l, Add, centre, lower_op(l, Mul, half, size));
    }
    const tdnn_id scores = p->classes ? class_scores(l, &c, objects) : objects;
    tdnn_id rows = p->classes ? lower_joined(l, 3, centre, size, objects, scores)
                              : lower_joined(l, 3, centre, size, objects);
    rows = lower_reshape(l, rows, 0, -1, 5 + p->classes);
    if (p->nms_threshold > 0 && p->classes) rows = suppress(l, p, rows);
    lower_result(l, 0, drop_single_image(l, rows));
}
