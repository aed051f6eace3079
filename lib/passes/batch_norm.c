/* Folds what scales and shifts each channel of a convolution's result into its weights and
 * bias: batch normalisation, and Mul, Div, Add, Sub with constants. */
#include "lib/passes/match.h"

#include <math.h>
#include <string.h>

/* y = scale x + shift, per channel. */
typedef struct affine {
    double *scale, *shift;
    size_t channels;
} affine;

/* ---- the operator in front ---- */

/* Where the output channels are in the weights: w[outer][channel][inner], `groups` times over. */
typedef struct weights {
    size_t groups, outer, channels, inner; /* channels: of one group */
} weights;

static bool f32_constant(const tdnn_tensor *t)
{
    return t && t->kind == TDNN_KIND_TENSOR && t->dtype == TDNN_F32;
}

static bool describe(const tdnn_match *m, const tdnn_node *node, weights *out)
{
    const tdnn_tensor *w = tdnn_match_weights(m, node, 1);
    if (!f32_constant(w) || w->shape.ndim < 2) return false;
    size_t inner = 1;
    for (int i = 2; i < w->shape.ndim; i++) inner *= (size_t)w->shape.dim[i];
    size_t d0 = (size_t)w->shape.dim[0], d1 = (size_t)w->shape.dim[1];
    if (node->op->kind == TDNN_OP_Conv) {
        const tdnn_conv_params *p = node->params;
        if (node->input_count > 3 || p->activation.kind != TDNN_ACT_NONE) return false;
        *out = (weights){1, 1, d0, d1 * inner};
    } else if (node->op->kind == TDNN_OP_ConvTranspose) {
        const tdnn_conv_transpose_params *p = node->params;
        if (p->activation.kind != TDNN_ACT_NONE || p->group < 1 || d0 % (size_t)p->group)
            return false;
        *out = (weights){(size_t)p->group, d0 / (size_t)p->group, d1, inner};
    } else {
        const tdnn_gemm_params *p = node->params;
        if (w->shape.ndim != 2 || p->activation.kind != TDNN_ACT_NONE || p->beta != 1)
            return false;
        *out = p->transB ? (weights){1, 1, d0, d1} : (weights){1, d0, d1, 1};
    }
    return out->channels && out->groups && out->outer && out->inner;
}

static tdnn_node *front_of(const tdnn_match *m, const tdnn_node *node, size_t index, weights *out)
{
    static const tdnn_op_kind kinds[] = {TDNN_OP_Conv, TDNN_OP_ConvTranspose, TDNN_OP_Gemm};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        tdnn_node *front = tdnn_match_lone(m, node, index, kinds[i]);
        if (front) return describe(m, front, out) ? front : NULL;
    }
    return NULL;
}

/* Weights that are scaled when they are needed: most are packed then, and never stand in
 * memory. */
typedef struct scaling {
    const tdnn_tensor *from;
    weights w;
    const double *scale;
} scaling;

static tdnn_status fill_scaled(const tdnn_tensor *t, void *to, tdnn_error *err)
{
    const scaling *s = t->owner;
    const weights *w = &s->w;
    TDNN_TRY(tdnn_tensor_fill(s->from, to, err));
    tdnn_tensor_discard(s->from);
    float *x = to;
    for (size_t i = 0; i < w->groups * w->outer; i++) {
        const double *scale = s->scale + i / w->outer * w->channels;
        if (w->inner == 1)
            for (size_t c = 0; c < w->channels; c++) x[c] = (float)(x[c] * scale[c]);
        for (size_t c = 0; w->inner > 1 && c < w->channels; c++)
            for (size_t k = 0; k < w->inner; k++)
                x[c * w->inner + k] = (float)(x[c * w->inner + k] * scale[c]);
        x += w->channels * w->inner;
    }
    return TDNN_OK;
}

static tdnn_status scale_weights(tdnn_match *m, tdnn_node *front, const weights *w,
                                 const affine *a)
{
    const tdnn_tensor *old = m->graph->values[front->inputs[1]].constant;
    scaling *s = tdnn_zone_alloc(m->graph->zone, 1, sizeof *s);
    double *scale = tdnn_zone_alloc(m->graph->zone, a->channels, sizeof *scale);
    if (!s || !scale) return TDNN_NO_MEMORY(m->err);
    memcpy(scale, a->scale, a->channels * sizeof *scale);
    *s = (scaling){old, *w, scale};
    tdnn_tensor *made;
    TDNN_TRY(tdnn_tensor_defer(TDNN_F32, &old->shape, fill_scaled, s, NULL, &made, m->err));
    return tdnn_match_add_constant(m, made, &front->inputs[1]);
}

static tdnn_status scale_bias(tdnn_match *m, tdnn_node *front, const affine *a)
{
    const tdnn_tensor *old = tdnn_match_constant(m, front, 2);
    tdnn_shape shape = {1, {(int64_t)a->channels}};
    tdnn_tensor *made;
    TDNN_TRY(tdnn_tensor_create_raw(TDNN_F32, &shape, &made, m->err));
    float *to = made->data;
    size_t step =
        old && tdnn_shape_count(&old->shape) > 1 ? 1 : 0; /* Gemm broadcasts a single number */
    for (size_t c = 0; c < a->channels; c++) {
        double bias = old ? ((const float *)old->data)[c * step] : 0;
        to[c] = (float)(bias * a->scale[c] + a->shift[c]);
    }
    if (front->input_count < 3) {
        tdnn_id *grown = tdnn_zone_alloc(m->graph->zone, 3 + front->capture_count, sizeof *grown);
        if (!grown) {
            tdnn_tensor_release(made);
            return TDNN_NO_MEMORY(m->err);
        }
        memcpy(grown, front->inputs, front->input_count * sizeof *grown);
        front->inputs = grown;
        front->input_count = 3;
    }
    return tdnn_match_add_constant(m, made, &front->inputs[2]);
}

/* The bias must be missing, or a constant with one number for each channel (or one for all). */
static bool bias_fits(const tdnn_match *m, const tdnn_node *front, size_t channels)
{
    if (front->input_count < 3 || front->inputs[2] == TDNN_ABSENT) return true;
    const tdnn_tensor *b = tdnn_match_constant(m, front, 2);
    if (!f32_constant(b)) return false;
    size_t count = (size_t)tdnn_shape_count(&b->shape);
    bool last = b->shape.ndim == 0 || (size_t)b->shape.dim[b->shape.ndim - 1] == count;
    return last && (count == channels || (count == 1 && front->op->kind == TDNN_OP_Gemm));
}

static tdnn_status apply(tdnn_match *m, tdnn_node *front, tdnn_node *node, const weights *w,
                         const affine *a)
{
    bool scaled = false;
    for (size_t c = 0; c < a->channels; c++) scaled = scaled || a->scale[c] != 1;
    if (scaled) TDNN_TRY(scale_weights(m, front, w, a));
    TDNN_TRY(scale_bias(m, front, a));
    tdnn_match_take_over(m, front, node);
    return TDNN_OK;
}

static bool make_affine(tdnn_match *m, size_t channels, affine *out)
{
    out->channels = channels;
    out->scale = tdnn_zone_alloc(m->zone, channels + 1, sizeof(double));
    out->shift = tdnn_zone_alloc(m->zone, channels + 1, sizeof(double));
    for (size_t c = 0; out->scale && c < channels; c++) out->scale[c] = 1;
    return out->scale && out->shift;
}

/* ---- the operators behind ---- */

static tdnn_status visit_batch_norm(tdnn_match *m, tdnn_node *node)
{
    const tdnn_batch_norm_params *p = node->params;
    weights w;
    affine a;
    tdnn_node *front = front_of(m, node, 0, &w);
    if (!front || p->training_mode) return TDNN_OK;
    size_t channels = w.groups * w.channels;
    for (size_t i = 1; i < 5; i++) {
        const tdnn_tensor *t = tdnn_match_constant(m, node, i);
        if (!f32_constant(t) || tdnn_shape_count(&t->shape) != (int64_t)channels) return TDNN_OK;
    }
    if (!bias_fits(m, front, channels)) return TDNN_OK;
    if (!make_affine(m, channels, &a)) return TDNN_NO_MEMORY(m->err);
    const float *gamma = tdnn_match_constant(m, node, 1)->data,
                *beta = tdnn_match_constant(m, node, 2)->data;
    const float *mean = tdnn_match_constant(m, node, 3)->data;
    const float *variance = tdnn_match_constant(m, node, 4)->data;
    for (size_t c = 0; c < channels; c++) {
        a.scale[c] = gamma[c] / sqrt((double)variance[c] + p->epsilon);
        a.shift[c] = beta[c] - mean[c] * a.scale[c];
    }
    return apply(m, front, node, &w, &a);
}

/* Whether a constant has one number, or one for each channel, of a result with `rank`
 * dimensions (0: not known; the channels of convolutions are then the dimension that is not 1,
 * with at least one behind it). */
static bool per_channel(const tdnn_tensor *t, size_t channels, bool gemm)
{
    if (!f32_constant(t)) return false;
    if (tdnn_shape_count(&t->shape) == 1) return t->shape.ndim <= (gemm ? 2 : 4);
    if (tdnn_shape_count(&t->shape) != (int64_t)channels) return false;
    int n = t->shape.ndim;
    if (gemm) return n <= 2 && t->shape.dim[n - 1] == (int64_t)channels;
    /* [C,1,1] or [1,C,1,1]: of a result with two spatial axes */
    if (n == 3) return t->shape.dim[0] == (int64_t)channels;
    return n == 4 && t->shape.dim[1] == (int64_t)channels;
}

static bool two_spatial_axes(const tdnn_match *m, const tdnn_node *front)
{
    return front->op->kind == TDNN_OP_Gemm || tdnn_match_weights(m, front, 1)->shape.ndim == 4;
}

static tdnn_status visit_arithmetic(tdnn_match *m, tdnn_node *node)
{
    weights w;
    affine a;
    tdnn_op_kind kind = node->op->kind;
    bool commutes = kind == TDNN_OP_Mul || kind == TDNN_OP_Add;
    size_t x = commutes && tdnn_match_constant(m, node, 0) ? 1 : 0;
    if (node->input_count != 2) return TDNN_OK;
    tdnn_node *front = front_of(m, node, x, &w);
    const tdnn_tensor *t = tdnn_match_constant(m, node, 1 - x);
    if (!front || !t || !two_spatial_axes(m, front)) return TDNN_OK;
    size_t channels = w.groups * w.channels;
    if (!per_channel(t, channels, front->op->kind == TDNN_OP_Gemm) ||
        !bias_fits(m, front, channels))
        return TDNN_OK;
    if (!make_affine(m, channels, &a)) return TDNN_NO_MEMORY(m->err);
    size_t step = tdnn_shape_count(&t->shape) > 1 ? 1 : 0;
    for (size_t c = 0; c < channels; c++) {
        double v = ((const float *)t->data)[c * step];
        if (kind == TDNN_OP_Mul) a.scale[c] = v;
        if (kind == TDNN_OP_Div) a.scale[c] = 1 / v;
        if (kind == TDNN_OP_Add) a.shift[c] = v;
        if (kind == TDNN_OP_Sub) a.shift[c] = -v;
    }
    return apply(m, front, node, &w, &a);
}

static tdnn_status visit(tdnn_match *m, tdnn_node *node)
{
    switch (node->op->kind) {
    case TDNN_OP_BatchNormalization: return visit_batch_norm(m, node);
    case TDNN_OP_Mul:
    case TDNN_OP_Div:
    case TDNN_OP_Add:
    case TDNN_OP_Sub: return visit_arithmetic(m, node);
    default: return TDNN_OK;
    }
}

tdnn_status tdnn_pass_batch_norm(tdnn_graph *graph, const tdnn_pass_context *context,
                                 size_t *changes, tdnn_error *err)
{
    (void)context;
    return tdnn_match_run(graph, visit, changes, err);
}
