/* Pooling, where its maxima came from, and back; patches of images. */
#include "parsers/tensorflow/ops.h"

#include <string.h>

static tdnn_status set_pool(const tf_call *c, int space, bool last, tdnn_pool_params *p,
                            tdnn_error *err)
{
    int64_t list[TF_MOST_SPACE];
    tdnn_graph *graph = c->scope->graph;
    TDNN_TRY(tf_spatial_list(c, "ksize", space, last, list, err));
    TDNN_TRY(tdnn_graph_ints(graph, list, (size_t)space, &p->window.kernel_shape, err));
    TDNN_TRY(tf_spatial_list(c, "strides", space, last, list, err));
    TDNN_TRY(tdnn_graph_ints(graph, list, (size_t)space, &p->window.strides, err));
    return tf_set_padding(c, space, last, &p->window, err);
}

tdnn_status tf_import_pool(tf_call *c, tdnn_error *err)
{
    const int space = c->node->op->flags & TF_VOLUME ? 3 : 2;
    bool last;
    tdnn_id in, id;
    tdnn_node *node;
    TDNN_TRY(tf_spatial(c, 0, space + 2, &in, &last, err));
    TDNN_TRY(tf_last(c, c->node->op->kind, &in, 1, &node, &id, err));
    TDNN_TRY(set_pool(c, space, last, node->params, err));
    return tf_give_spatial(c, id, space + 2, last, tf_channels(c->inputs[0], last), NULL, err);
}

/* MaxPoolV2: ksize and strides are inputs. */
tdnn_status tf_import_pool_v2(tf_call *c, tdnn_error *err)
{
    static const char *const names[2] = {"ksize", "strides"};
    Tensorflow__AttrValue__ListValue lists[2];
    tf_extra extra[2];
    tf_value *v;
    for (size_t i = 0; i < 2; i++) {
        const int64_t *at;
        TDNN_TRY(tf_input_ints(c, i + 1, names[i], &at, &lists[i].n_i, err));
        const size_t count = lists[i].n_i;
        tensorflow__attr_value__list_value__init(&lists[i]);
        lists[i].n_i = count;
        lists[i].i = (int64_t *)(uintptr_t)at; /* is only read */
        extra[i] = tf_extra_int(names[i], 0);
        extra[i].value.list = &lists[i];
    }
    TDNN_TRY(tf_delegate(c, "MaxPool", true, c->inputs, 1, extra, 2, &v, err));
    return tf_give(c, 0, v, err);
}

/* ---- Where maxima came from ---- */

static tdnn_status pool_indices(const tf_call *c, tdnn_id in, bool last, tdnn_node **node,
                                tdnn_error *err)
{
    TDNN_TRY(tf_many(c, TDNN_OP_MaxPool, &in, 1, 2, node, err));
    return set_pool(c, 2, last, (*node)->params, err);
}

/* The IR counts elements of all images with channels first; TensorFlow those of one image with
 * channels last, or of all. */
static tdnn_status turn_indices(const tf_call *c, tdnn_id in, tdnn_id indices, bool batch,
                                tdnn_id *out, tdnn_error *err)
{
    static const int64_t channel = 1, height = 2, width = 3;
    tdnn_id area, w, channels, place, at, image, whole;
    tdnn_node *node;
    TDNN_TRY(tf_dims(c, in, &channel, 1, &channels, err));
    TDNN_TRY(tf_dims(c, in, &height, 1, &area, err));
    TDNN_TRY(tf_dims(c, in, &width, 1, &w, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, area, w, &area, err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Mod, (tdnn_id[2]){indices, area}, 2, &node, &place, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Div, indices, area, &at, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Div, at, channels, &image, err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Mod, (tdnn_id[2]){at, channels}, 2, &node, &at, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, place, channels, &place, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Add, place, at, out, err));
    if (!batch) return TDNN_OK;
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, area, channels, &whole, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, image, whole, &image, err));
    return tf_two(c, TDNN_OP_Add, *out, image, out, err);
}

tdnn_status tf_import_pool_argmax(tf_call *c, tdnn_error *err)
{
    const tdnn_dtype type = tf_attr_type(c, "Targmax", TDNN_I64);
    bool last;
    tdnn_id in, id;
    tdnn_node *node;
    tf_value *v;
    TDNN_TRY(tf_spatial(c, 0, 4, &in, &last, err));
    if (!last) return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "channels first");
    TDNN_TRY(pool_indices(c, in, last, &node, err));
    TDNN_TRY(tf_give_spatial(c, node->outputs[0], 4, last, tf_channels(c->inputs[0], last), &v,
                             err));
    TDNN_TRY(turn_indices(c, in, node->outputs[1],
                          tf_attr_bool(c, "include_batch_in_index", false), &id, err));
    if (type != TDNN_I64) TDNN_TRY(tf_cast(c, id, type, &id, err));
    const tdnn_shape shape = v->shape;
    TDNN_TRY(tf_give_new(c, 1, id, type, &shape, &v, err));
    v->first = true;
    return TDNN_OK;
}

/* MaxPoolGrad: what was pooled, the maxima, and values that go back to where the maxima were.
 * It stands in networks that unpool (SegNet). */
tdnn_status tf_import_pool_grad(tf_call *c, tdnn_error *err)
{
    static const int64_t flat[1] = {-1};
    bool last;
    tdnn_id in, values, shape, ids[3], zero, id;
    tdnn_node *node;
    tf_value *v;
    TDNN_TRY(tf_spatial(c, 0, 4, &in, &last, err));
    TDNN_TRY(tf_spatial(c, 2, 4, &values, &last, err));
    TDNN_TRY(pool_indices(c, in, last, &node, err));
    TDNN_TRY(tf_one(c, TDNN_OP_Shape, in, &shape, err));
    TDNN_TRY(tf_const_scalar(c, c->inputs[2]->dtype, 0, &zero, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Expand, zero, shape, &ids[0], err));
    TDNN_TRY(tf_reshape(c, ids[0], flat, 1, &ids[0], err));
    TDNN_TRY(tf_reshape(c, node->outputs[1], flat, 1, &ids[1], err));
    TDNN_TRY(tf_reshape(c, values, flat, 1, &ids[2], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_ScatterElements, ids, 3, &node, &id, err));
    TDNN_TRY(
        tf_set_text(c, node, "reduction", "add", err)); /* windows may share their maximum */
    TDNN_TRY(tf_two(c, TDNN_OP_Reshape, id, shape, &id, err));
    TDNN_TRY(tf_give_new(c, 0, id, c->inputs[2]->dtype, &c->inputs[0]->shape, &v, err));
    if (c->inputs[0]->shape.ndim < 0) v->shape = tf_unknown_shape(4);
    v->first = last;
    return TDNN_OK;
}

/* ---- Patches ---- */

/* A convolution with as many filters as a patch has numbers, each of which picks one. */
static tdnn_status picking_filter(const tf_call *c, const int64_t k[2], int64_t channels,
                                  tdnn_id *out, tdnn_error *err)
{
    enum { MOST_NUMBERS = 1 << 24 };
    const int64_t count = k[0] * k[1] * channels;
    const tdnn_shape shape = {4, {count, channels, k[0], k[1]}};
    tdnn_tensor *t;
    if (count > 1 << 14 || count * count > MOST_NUMBERS)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "patches of %lld numbers",
                         (long long)count);
    TDNN_TRY(tdnn_tensor_create(TDNN_F32, &shape, &t, err));
    float *f = t->data;
    memset(f, 0, t->bytes);
    for (int64_t place = 0; place < k[0] * k[1]; place++)
        for (int64_t i = 0; i < channels; i++)
            f[((place * channels + i) * channels + i) * k[0] * k[1] + place] = 1;
    return tdnn_graph_add_constant(c->scope->graph, NULL, t, out, err);
}

/* ExtractImagePatches: each window's numbers, height, width, channels, become channels. */
tdnn_status tf_import_patches(tf_call *c, tdnn_error *err)
{
    int64_t k[TF_MOST_SPACE], list[TF_MOST_SPACE];
    bool last;
    tdnn_id ids[2], id;
    tdnn_node *node;
    TDNN_TRY(tf_spatial(c, 0, 4, &ids[0], &last, err));
    TDNN_TRY(tf_spatial_list(c, "ksizes", 2, true, k, err));
    const int64_t channels = tf_channels(c->inputs[0], true);
    if (channels < 1 || channels > 4096 || k[0] > 4096 || k[1] > 4096)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "patches of unknown or very many channels");
    TDNN_TRY(picking_filter(c, k, channels, &ids[1], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Conv, ids, 2, &node, &id, err));
    tdnn_window *w = &((tdnn_conv_params *)node->params)->window;
    TDNN_TRY(tf_spatial_list(c, "strides", 2, true, list, err));
    TDNN_TRY(tdnn_graph_ints(c->scope->graph, list, 2, &w->strides, err));
    TDNN_TRY(tf_spatial_list(c, "rates", 2, true, list, err));
    TDNN_TRY(tdnn_graph_ints(c->scope->graph, list, 2, &w->dilations, err));
    TDNN_TRY(tf_set_padding(c, 2, true, w, err));
    return tf_give_spatial(c, id, 4, true, k[0] * k[1] * channels, NULL, err);
}
