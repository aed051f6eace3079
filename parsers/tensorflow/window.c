/* Where the windows of convolutions and pooling lie: TensorFlow lists a number for every
 * dimension, and its SAME padding puts the odd pixel at the end. */
#include "parsers/tensorflow/import.h"

#include <string.h>

/* Height and width, and depth before them, out of a list over all dimensions. */
tdnn_status tf_spatial_list(const tf_call *c, const char *name, int space, bool last,
                            int64_t *out, tdnn_error *err)
{
    const int64_t *at;
    size_t count;
    for (int i = 0; i < space; i++) out[i] = 1;
    TDNN_TRY(tf_attr_ints(c, name, &at, &count, err));
    if (!count) return TDNN_OK;
    if (count == 1) {
        for (int i = 0; i < space; i++) out[i] = at[0];
    } else if (count == (size_t)space + 2) {
        if (at[0] != 1 || at[last ? space + 1 : 1] != 1)
            return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "%s over batch or channels", name);
        for (int i = 0; i < space; i++) out[i] = at[i + (last ? 1 : 2)];
    } else {
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%s has %zu numbers, expected %d", name, count,
                         space + 2);
    }
    for (int i = 0; i < space; i++)
        if (out[i] < 1 || out[i] > INT32_MAX)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%s has %lld, expected 1 or more", name,
                             (long long)out[i]);
    return TDNN_OK;
}

tdnn_status tf_explicit_pads(const tf_call *c, int space, bool last, int64_t *out,
                             tdnn_error *err)
{
    const int64_t *at;
    size_t count;
    const int first = last ? 1 : 2;
    TDNN_TRY(tf_attr_ints(c, "explicit_paddings", &at, &count, err));
    if (count != (size_t)(2 * space + 4))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "explicit_paddings has %zu numbers, expected %d",
                         count, 2 * space + 4);
    for (int i = 0; i < space + 2; i++) {
        const int64_t begin = at[2 * i], end = at[2 * i + 1];
        const bool inner = i >= first && i < first + space;
        if (!inner && (begin || end))
            return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                             "explicit_paddings over batch or channels");
        if (begin < 0 || end < 0)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "explicit_paddings has a negative number");
        if (begin > INT32_MAX || end > INT32_MAX)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "explicit_paddings has a number above %d",
                             INT32_MAX);
        if (!inner) continue;
        out[i - first] = begin;
        out[space + i - first] = end;
    }
    return TDNN_OK;
}

static tdnn_status explicit_pads(const tf_call *c, int space, bool last, tdnn_window *w,
                                 tdnn_error *err)
{
    int64_t pads[2 * TF_MOST_SPACE];
    TDNN_TRY(tf_explicit_pads(c, space, last, pads, err));
    return tdnn_graph_ints(c->scope->graph, pads, 2 * (size_t)space, &w->pads, err);
}

tdnn_status tf_set_padding(const tf_call *c, int space, bool last, tdnn_window *w,
                           tdnn_error *err)
{
    const char *padding = tf_attr_text(c, "padding", "");
    if (!strcmp(padding, "SAME"))
        w->auto_pad = TDNN_PAD_SAME_UPPER;
    else if (!strcmp(padding, "VALID"))
        w->auto_pad = TDNN_PAD_VALID;
    else if (!strcmp(padding, "EXPLICIT"))
        return explicit_pads(c, space, last, w, err);
    else
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                         "padding \"%s\", expected SAME, VALID or EXPLICIT", padding);
    return TDNN_OK;
}

tdnn_status tf_set_window(const tf_call *c, int space, bool last, tdnn_window *w,
                          tdnn_error *err)
{
    int64_t list[TF_MOST_SPACE];
    tdnn_graph *graph = c->scope->graph;
    TDNN_TRY(tf_spatial_list(c, "strides", space, last, list, err));
    TDNN_TRY(tdnn_graph_ints(graph, list, (size_t)space, &w->strides, err));
    TDNN_TRY(tf_spatial_list(c, "dilations", space, last, list, err));
    TDNN_TRY(tdnn_graph_ints(graph, list, (size_t)space, &w->dilations, err));
    return tf_set_padding(c, space, last, w, err);
}

/* The result of a spatial call: N, outer dimensions not known, `channels`. */
tdnn_status tf_give_spatial(const tf_call *c, tdnn_id id, int ndim, bool last, int64_t channels,
                            tf_value **out, tdnn_error *err)
{
    tf_value *v;
    tdnn_shape shape = tf_unknown_shape(ndim);
    shape.dim[last ? ndim - 1 : 1] = channels;
    TDNN_TRY(tf_give_new(c, 0, id, c->inputs[0]->dtype, &shape, &v, err));
    v->first = last;
    if (out) *out = v;
    return TDNN_OK;
}

int64_t tf_channels(const tf_value *v, bool last)
{
    if (v->shape.ndim < 3) return -1;
    return v->shape.dim[last ? v->shape.ndim - 1 : 1];
}
