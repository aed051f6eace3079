/* Detector heads: yolo, Gaussian_yolo, region as the operator Yolo; detection (YOLOv1) in
 * ordinary nodes. */
#include "parsers/darknet/net.h"

#include "lib/graph/params.h"

#include <inttypes.h>
#include <string.h>

static tdnn_status head_error(tdnn_dark_net *net, const char *key, int64_t expected)
{
    return tdnn_cfg_error(net->section, key,
                          TDNN_DARK_FAIL(net, TDNN_ERR_SHAPE,
                                         "[%s] of %" PRId64 " channels, expected %" PRId64
                                         " from its classes and anchors",
                                         net->section->name, net->out.c, expected),
                          net->err);
}

/* ---- Anchors ---- */

/* Width and height of each anchor that `mask` names; half a pixel where the model says nothing.
 */
static tdnn_status read_anchors(tdnn_dark_net *net, int64_t num, const int64_t *mask,
                                size_t count, tdnn_floats *out)
{
    size_t given;
    float *all;
    TDNN_TRY(tdnn_dark_float_list(net, "anchors", &all, &given));
    float *list = tdnn_zone_alloc(net->graph->zone, 2 * count, sizeof *list);
    if (!list) return TDNN_NO_MEMORY(net->err);
    for (size_t i = 0; i < count; i++) {
        int64_t anchor = mask ? mask[i] : (int64_t)i;
        bool known = anchor >= 0 && anchor < num && (!given || (uint64_t)anchor < given / 2);
        if (!known)
            return tdnn_cfg_error(net->section, mask ? "mask" : "anchors",
                                  TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT,
                                                 "anchor %" PRId64 " of %" PRId64
                                                 " (num), with %zu "
                                                 "numbers in anchors",
                                                 anchor, num, given),
                                  net->err);
        list[2 * i] = given ? all[2 * anchor] : 0.5f;
        list[2 * i + 1] = given ? all[2 * anchor + 1] : 0.5f;
    }
    *out = (tdnn_floats){list, 2 * count, true};
    return TDNN_OK;
}

/* What OpenCV makes of a head: class scores not above `thresh` become 0, and boxes of a class
 * that overlap are suppressed within the layer. Yolo layers take a key for that, which Darknet
 * does not know, and do not suppress without it; region layers always do, and take `thresh`,
 * which is for training in Darknet. */
static tdnn_status read_opencv(tdnn_dark_net *net, tdnn_yolo_params *p)
{
    float thresh, nms;
    TDNN_TRY(tdnn_dark_float(net, "thresh", p->region ? 0.001 : 0.2, &thresh));
    TDNN_TRY(tdnn_dark_float(net, "nms_threshold", 0, &nms));
    if (!net->as_opencv) return TDNN_OK;
    p->thresh = thresh;
    p->nms_threshold = p->region ? 0.4f : nms;
    return TDNN_OK;
}

/* The head's own size decides what its numbers mean, the net's what they are relative to: the
 * node sees both. */
static tdnn_status add_head(tdnn_dark_net *net, const char *name, tdnn_yolo_params **params)
{
    const tdnn_schema *schema = tdnn_schema_find("tinydnn", "Yolo");
    tdnn_node *node;
    if (!schema) return TDNN_DARK_FAIL(net, TDNN_ERR_UNSUPPORTED, "operator Yolo");
    const tdnn_id inputs[] = {net->out.id, net->input.id};
    net->out.boxes = true;
    TDNN_TRY(tdnn_graph_append(net->graph, schema->kind, name, inputs, 2, &node, &net->out.id,
                               net->err));
    *params = node->params;
    return TDNN_OK;
}

/* ---- yolo, Gaussian_yolo ---- */

static tdnn_status read_point(tdnn_dark_net *net, int64_t *out)
{
    static const char *const points[] = {"center", "left_top", "right_bottom"};
    const char *text = tdnn_cfg_text(net->section, "yolo_point");
    for (*out = 0; *out < 3; ++*out)
        if (!strcmp(text ? text : points[0], points[*out])) return TDNN_OK;
    *out = 0;
    tdnn_status status =
        tdnn_cfg_error(net->section, "yolo_point",
                       TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT,
                                      "yolo_point=%.40s, expected center, left_top or "
                                      "right_bottom",
                                      text),
                       net->err);
    return tdnn_dark_take_key(net, status, false);
}

static tdnn_status add_yolo(tdnn_dark_net *net, bool gaussian)
{
    tdnn_yolo_params *p;
    int64_t classes, num, *mask, new_coords = 0, point = 0;
    size_t count;
    TDNN_TRY(tdnn_dark_image(net, &net->out));
    TDNN_TRY(tdnn_dark_int(net, "classes", 20, 0, 1 << 20, &classes));
    TDNN_TRY(tdnn_dark_int(net, "num", 1, 1, 1 << 12, &num));
    TDNN_TRY(tdnn_dark_list(net, "mask", &mask, &count));
    if (!tdnn_cfg_has(net->section, "mask")) count = (size_t)num;
    if (gaussian)
        TDNN_TRY(read_point(net, &point));
    else
        TDNN_TRY(tdnn_dark_int(net, "new_coords", 0, 0, 1, &new_coords));
    int64_t channels = (int64_t)count * (classes + (gaussian ? 9 : 5));
    if (!count || net->out.c != channels) return head_error(net, "classes", channels);
    char *name = tdnn_zone_printf(net->zone, "yolo_%zu", net->index);
    if (!name) return TDNN_NO_MEMORY(net->err);
    TDNN_TRY(add_head(net, name, &p));
    p->classes = classes;
    p->new_coords = new_coords;
    p->gaussian = gaussian;
    p->point = point;
    p->net_width = net->width;
    p->net_height = net->height;
    TDNN_TRY(read_anchors(net, num, mask, count, &p->anchors));
    TDNN_TRY(tdnn_dark_float(net, "scale_x_y", 1, &p->scale_x_y));
    return read_opencv(net, p);
}

tdnn_status tdnn_dark_yolo(tdnn_dark_net *net) { return add_yolo(net, false); }

tdnn_status tdnn_dark_gaussian_yolo(tdnn_dark_net *net) { return add_yolo(net, true); }

/* ---- region ---- */

tdnn_status tdnn_dark_region(tdnn_dark_net *net)
{
    tdnn_yolo_params *p;
    int64_t classes, num, coords, classfix, softmax;
    TDNN_TRY(tdnn_dark_image(net, &net->out));
    TDNN_TRY(tdnn_dark_int(net, "coords", 4, 4, 4, &coords));
    TDNN_TRY(tdnn_dark_int(net, "classes", 20, 0, 1 << 20, &classes));
    TDNN_TRY(tdnn_dark_int(net, "num", 1, 1, 1 << 12, &num));
    TDNN_TRY(tdnn_dark_int(net, "softmax", 0, 0, 1, &softmax));
    TDNN_TRY(tdnn_dark_int(net, "classfix", 0, -1, 1, &classfix));
    TDNN_TRY(tdnn_dark_refuse(net, "tree"));
    if (net->out.c != num * (classes + 5)) return head_error(net, "num", num * (classes + 5));
    TDNN_TRY(add_head(net, "detection_out", &p));
    p->region = 1;
    p->classes = classes;
    p->softmax = softmax;
    p->classfix = classfix;
    p->net_width = net->width;
    p->net_height = net->height;
    TDNN_TRY(read_anchors(net, num, NULL, (size_t)num, &p->anchors));
    return read_opencv(net, p);
}

/* ---- detection ---- */

typedef struct grid {
    int64_t cells, classes, boxes, side; /* boxes of a cell */
    bool sqrt, softmax;
} grid;

static tdnn_status read_grid(tdnn_dark_net *net, grid *g)
{
    int64_t coords;
    TDNN_TRY(tdnn_dark_int(net, "coords", 1, 4, 4, &coords));
    TDNN_TRY(tdnn_dark_int(net, "classes", 1, 0, 1 << 20, &g->classes));
    TDNN_TRY(tdnn_dark_int(net, "num", 1, 1, 1 << 12, &g->boxes));
    TDNN_TRY(tdnn_dark_int(net, "side", 7, 1, 1 << 10, &g->side));
    TDNN_TRY(tdnn_dark_flag(net, "sqrt", &g->sqrt));
    TDNN_TRY(tdnn_dark_flag(net, "softmax", &g->softmax));
    g->cells = g->side * g->side;
    return tdnn_dark_refuse(net, "reorg");
}

/* The next cells * count * columns numbers of the vector as [N, cells, count, columns]. */
static tdnn_status cut(tdnn_dark_net *net, const grid *g, int64_t *at, int64_t count,
                       int64_t columns, tdnn_id *out)
{
    int64_t size = g->cells * count * columns, dims[] = {g->cells, count, columns};
    TDNN_TRY(tdnn_dark_slice(net, net->out.id, 1, *at, *at + size, NULL, out));
    *at += size;
    return tdnn_dark_reshape(net, *out, dims, 3, NULL, out);
}

/* x and y of the cell added, then relative to the image; width and height squared if they are
 * roots. */
static tdnn_status place_boxes(tdnn_dark_net *net, const grid *g, tdnn_id *boxes)
{
    const int64_t dims[] = {1, g->cells, 1, 2};
    tdnn_id parts[2], offsets;
    float *data;
    TDNN_TRY(tdnn_dark_floats(net, 4, dims, &data, &offsets));
    for (int64_t i = 0; i < g->cells; i++) {
        data[2 * i] = (float)(i % g->side);
        data[2 * i + 1] = (float)(i / g->side);
    }
    TDNN_TRY(tdnn_dark_slice(net, *boxes, 3, 0, 2, NULL, &parts[0]));
    TDNN_TRY(tdnn_dark_slice(net, *boxes, 3, 2, 4, NULL, &parts[1]));
    TDNN_TRY(tdnn_dark_op2(net, "Add", parts[0], offsets, &parts[0]));
    TDNN_TRY(tdnn_dark_op1(net, "Div", parts[0], (float)g->side, &parts[0]));
    if (g->sqrt) TDNN_TRY(tdnn_dark_op2(net, "Mul", parts[1], parts[1], &parts[1]));
    return tdnn_dark_concat(net, parts, 2, 3, NULL, boxes);
}

/* YOLOv1: all class probabilities, one set for each cell, then all objectnesses, then all
 * boxes. As rows they look like those of the later heads. */
tdnn_status tdnn_dark_detection(tdnn_dark_net *net)
{
    grid g;
    tdnn_id classes, row[3];
    tdnn_node *node;
    int64_t at = 0;
    TDNN_TRY(tdnn_dark_vector(net, &net->out));
    TDNN_TRY(read_grid(net, &g));
    int64_t expected = g.cells * (g.classes + g.boxes * 5);
    if (net->out.c != expected) return head_error(net, "side", expected);
    net->fixed_size = true;
    TDNN_TRY(cut(net, &g, &at, 1, g.classes, &classes));
    TDNN_TRY(cut(net, &g, &at, g.boxes, 1, &row[1]));
    TDNN_TRY(cut(net, &g, &at, g.boxes, 4, &row[0]));
    if (g.softmax) {
        TDNN_TRY(tdnn_dark_add(net, "Softmax", NULL, &classes, 1, &node, &classes));
        TDNN_TRY(tdnn_dark_set_int(net, node, "axis", 3));
    }
    TDNN_TRY(place_boxes(net, &g, &row[0]));
    TDNN_TRY(tdnn_dark_op2(net, "Mul", row[1], classes, &row[2]));
    TDNN_TRY(tdnn_dark_concat(net, row, 3, 3, NULL, &row[0]));
    net->out.boxes = true;
    const int64_t dims[] = {g.cells * g.boxes, 5 + g.classes};
    return tdnn_dark_reshape(net, row[0], dims, 2, "detection", &net->out.id);
}
