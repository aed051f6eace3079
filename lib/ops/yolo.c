/* Yolo: the rows of Darknet's region, yolo and Gaussian_yolo layers (see tdnn_yolo_params).
 *
 * Redmon and Farhadi, "YOLO9000", 2016, and "YOLOv3", 2018; scale_x_y and new_coords:
 * Bochkovskiy et al., "Scaled-YOLOv4", 2020; Gaussian: Choi et al., 2019.
 */
#include "lib/ops/op.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const tdnn_attr yolo_attrs[] = {
    TDNN_INT(tdnn_yolo_params, classes, 20),
    TDNN_INT(tdnn_yolo_params, region, 0),
    TDNN_FLOATS(tdnn_yolo_params, anchors),
    TDNN_INT(tdnn_yolo_params, net_width, 1),
    TDNN_INT(tdnn_yolo_params, net_height, 1),
    TDNN_FLOAT(tdnn_yolo_params, scale_x_y, 1),
    TDNN_FLOAT(tdnn_yolo_params, thresh, 0),
    TDNN_FLOAT(tdnn_yolo_params, nms_threshold, 0),
    TDNN_INT(tdnn_yolo_params, new_coords, 0),
    TDNN_INT(tdnn_yolo_params, softmax, 0),
    TDNN_INT(tdnn_yolo_params, classfix, 0),
    TDNN_INT(tdnn_yolo_params, coords, 4),
    TDNN_INT(tdnn_yolo_params, background, 0),
    TDNN_INT(tdnn_yolo_params, gaussian, 0),
    TDNN_INT(tdnn_yolo_params, point, 0),
    {0},
};

typedef struct yolo {
    tdnn_yolo_params params;
    size_t anchors, classes, height, width, cells;
    float net_width, net_height;
    size_t stride; /* planes of the input from one coordinate to the next: 2 with uncertainties */
} yolo;

/* Of one anchor. */
static size_t planes_of(const yolo *y) { return 5 + y->classes + (y->params.gaussian ? 4 : 0); }

static tdnn_status yolo_infer(tdnn_infer *ctx)
{
    const tdnn_yolo_params *p = ctx->params;
    const tdnn_shape *x = &ctx->in[0]->shape;
    int64_t anchors = (int64_t)(p->anchors.count / 2),
            columns = 5 + p->classes + (p->gaussian ? 4 : 0);
    if (ctx->in[0]->dtype != TDNN_F32 || x->ndim != 4 || p->classes < 0 || anchors < 1 ||
        x->dim[1] != anchors * columns) {
        char text[TDNN_SHAPE_TEXT];
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "an input of shape %s, expected N x %lld x H x W of f32",
                         tdnn_shape_text(x, text), (long long)(anchors * columns));
    }
    if (tdnn_infer_has(ctx, 1) && ctx->in[1]->shape.ndim != 4)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "a net input of %d dimensions, expected 4",
                         ctx->in[1]->shape.ndim);
    int64_t rows = x->dim[2] * x->dim[3] * anchors;
    tdnn_shape one = {2, {rows, 5 + p->classes}}, many = {3, {x->dim[0], rows, 5 + p->classes}};
    tdnn_infer_set(ctx, 0, TDNN_F32, x->dim[0] == 1 ? &one : &many);
    return TDNN_OK;
}

/* ---- one row of cells ---- */

/* One plane's row, bent as its meaning wants; `plane`: of those of one anchor. The kernels are
 * those of the operators Sigmoid and Exp: a model that says the same in pieces gives the same
 * bits. */
static void bend(const yolo *y, const tdnn_kernels *k, size_t plane, const float *in, float *out)
{
    static const tdnn_act sigmoid = {TDNN_ACTIVATE_SIGMOID, 0, 0};
    const tdnn_yolo_params *p = &y->params;
    size_t numbers = 4 * y->stride, extent = 2 * y->stride;
    bool uncertain = p->gaussian && plane < numbers && plane % 2;
    bool size = plane >= extent && plane < numbers && !uncertain;
    bool raw = !uncertain && (p->new_coords || (p->region && plane > numbers));
    if (raw)
        memcpy(out, in, y->width * sizeof *out);
    else if (size)
        k->exp_f32(out, in, y->width);
    else
        k->activate_f32(out, in, y->width, &sigmoid);
}

/* Class probabilities of one box: `in` steps by rows. */
static void class_scores(const yolo *y, const tdnn_kernels *k, const float *in,
                         float objectness, float *out)
{
    const tdnn_yolo_params *p = &y->params;
    for (size_t c = 0; c < y->classes; c++) out[c] = in[c * y->width];
    if (p->region && p->softmax && y->classes) {
        float most = k->row_max_f32(out, y->classes);
        float sum = k->exp_sum_f32(out, out, y->classes, most);
        k->affine_f32(out, out, y->classes, 1 / sum, 0);
    }
    for (size_t c = 0; c < y->classes; c++) {
        out[c] *= objectness;
        if (p->thresh > 0 && !(out[c] > p->thresh)) out[c] = 0;
    }
}

/* From the bent rows of an anchor, at one column. */
static void box(const yolo *y, const tdnn_kernels *k, const float *in, size_t a, size_t row,
                size_t column, float *out)
{
    const tdnn_yolo_params *p = &y->params;
    size_t step = y->stride * y->width;
    float x = in[0], v = in[step], w = in[2 * step], h = in[3 * step];
    float scale = p->scale_x_y, grid_w = p->region ? (float)y->width : y->net_width;
    float grid_h = p->region ? (float)y->height : y->net_height;
    out[0] = ((float)column + (x - 0.5f) * scale + 0.5f) / (float)y->width;
    out[1] = ((float)row + (v - 0.5f) * scale + 0.5f) / (float)y->height;
    out[2] = (p->new_coords ? w * w * 4 : w) * p->anchors.at[2 * a] / grid_w;
    out[3] = (p->new_coords ? h * h * 4 : h) * p->anchors.at[2 * a + 1] / grid_h;
    if (p->point) {
        out[0] += (p->point == 1 ? 0.5f : -0.5f) * out[2];
        out[1] += (p->point == 1 ? 0.5f : -0.5f) * out[3];
    }
    out[4] = in[4 * step];
    if (p->classfix == -1 && out[4] < 0.5f) out[4] = 0;
    float certain = 1;
    if (p->gaussian) { /* the less certain the box, the less its classes count */
        for (size_t i = 0; i < 4; i++) certain -= in[(2 * i + 1) * y->width] / 4;
    }
    class_scores(y, k, in + (p->gaussian ? 9 : 5) * y->width, out[4] * certain, out + 5);
}

/* One task: one row of cells of one image. */
static void decode(const tdnn_step *step, size_t task, size_t worker)
{
    const yolo *y = step->data;
    size_t n = task / y->height, row = task % y->height, columns = 5 + y->classes;
    size_t each = planes_of(y), planes = y->anchors * each;
    const float *in = (const float *)step->in[0]->data + n * planes * y->cells + row * y->width;
    float *out = (float *)step->out[0]->data + task * y->width * y->anchors * columns;
    float *bent = (float *)(void *)(step->scratch + worker * step->scratch_stride);
    for (size_t a = 0; a < y->anchors; a++) {
        for (size_t i = 0; i < each; i++, in += y->cells)
            bend(y, step->kernels, i, in, bent + i * y->width);
        for (size_t column = 0; column < y->width; column++)
            box(y, step->kernels, bent + column, a, row, column,
                out + (column * y->anchors + a) * columns);
    }
}

/* ---- suppression within the layer, as OpenCV has it ---- */

typedef struct candidate {
    float score;
    uint32_t row;
} candidate;

static double overlap(const float *a, const float *b)
{
    double aw = a[2], ah = a[3], bw = b[2], bh = b[3];
    double ax = a[0] - aw / 2, ay = a[1] - ah / 2, bx = b[0] - bw / 2, by = b[1] - bh / 2;
    double areas = aw * ah + bw * bh;
    if (areas <= DBL_EPSILON) return 1; /* two empty boxes count as the same */
    double w = fmin(ax + aw, bx + bw) - fmax(ax, bx), h = fmin(ay + ah, by + bh) - fmax(ay, by);
    double both = w > 0 && h > 0 ? w * h : 0;
    return both / (areas - both);
}

/* Stable, so that equal scores keep the order of the rows. Merge sort through `spare`. */
static void sort_by_score(candidate *list, candidate *spare, size_t count)
{
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t begin = 0; begin < count; begin += 2 * run) {
            size_t middle = begin + run < count ? begin + run : count;
            size_t end = middle + run < count ? middle + run : count, i = begin, j = middle;
            for (size_t k = begin; k < end; k++) {
                bool right = i == middle || (j < end && list[j].score > list[i].score);
                spare[k] = right ? list[j++] : list[i++];
            }
        }
        for (size_t k = 0; k < count; k++) list[k] = spare[k];
    }
}

/* One task: one class of one image. Scores of suppressed boxes become 0. */
static void suppress(const tdnn_step *step, size_t task, size_t worker)
{
    const yolo *y = step->data;
    size_t columns = 5 + y->classes, rows = y->cells * y->anchors;
    size_t n = task / y->classes, class = task % y->classes, count = 0, kept = 0;
    float *out = (float *)step->out[0]->data + n * rows * columns;
    candidate *list = (candidate *)(void *)(step->scratch + worker * step->scratch_stride);
    for (size_t r = 0; r < rows; r++) {
        float *score = &out[r * columns + 5 + class];
        if (*score > y->params.thresh) list[count++] = (candidate){*score, (uint32_t)r};
        *score = 0;
    }
    sort_by_score(list, list + rows, count);
    for (size_t i = 0; i < count; i++) {
        bool keep = true;
        for (size_t k = 0; keep && k < kept; k++)
            keep = (float)overlap(out + list[i].row * columns, out + list[k].row * columns) <=
                   y->params.nms_threshold;
        if (keep) list[kept++] = list[i];
    }
    for (size_t k = 0; k < kept; k++) out[list[k].row * columns + 5 + class] = list[k].score;
}

static tdnn_status yolo_plan(tdnn_plan_ctx *ctx)
{
    const tdnn_shape *x = &ctx->step->in[0]->shape;
    yolo *y = tdnn_plan_alloc(ctx, 1, sizeof *y);
    if (!y) return TDNN_NO_MEMORY(ctx->err);
    y->params = *(const tdnn_yolo_params *)ctx->step->params;
    y->anchors = y->params.anchors.count / 2;
    y->classes = (size_t)y->params.classes;
    y->height = (size_t)x->dim[2];
    y->width = (size_t)x->dim[3];
    y->cells = y->height * y->width;
    y->stride = y->params.gaussian ? 2 : 1;
    const tdnn_tensor *net = ctx->step->input_count > 1 ? ctx->step->in[1] : NULL;
    y->net_width = (float)(net ? net->shape.dim[3] : y->params.net_width);
    y->net_height = (float)(net ? net->shape.dim[2] : y->params.net_height);
    ctx->step->kernel = y->params.region ? "region" : "yolo";
    tdnn_plan_scratch(ctx, planes_of(y) * y->width * sizeof(float));
    tdnn_plan_phase(ctx, decode, (size_t)x->dim[0] * y->height);
    size_t rows = y->cells * y->anchors;
    if (y->params.nms_threshold <= 0 || rows > UINT32_MAX) return TDNN_OK;
    tdnn_plan_scratch(ctx, 2 * rows * sizeof(candidate));
    tdnn_plan_phase(ctx, suppress, (size_t)x->dim[0] * y->classes);
    return TDNN_OK;
}

const tdnn_op tdnn_op_Yolo = {
    .schema = {TDNN_SCHEMA(Yolo, 1, 2, 1, 1, yolo_attrs, tdnn_yolo_params), .domain = "tinydnn"},
    .infer = yolo_infer,
    .plan = yolo_plan,
};
