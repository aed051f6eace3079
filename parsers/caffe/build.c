/* Making nodes: a layer's weights, operators with their attributes, and arithmetic on shapes.
 */
#include "parsers/caffe/build.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- weights ---- */

/* Weights that are not there share one block of zeros: only their shapes matter. */
enum { MOST_ABSENT_BYTES = 1 << 30 };

static void release_tensor(void *tensor) { tdnn_tensor_release(tensor); }

static tdnn_status absent_weight(caffe_net *net, const tdnn_shape *shape, tdnn_tensor **out,
                                 tdnn_error *err)
{
    size_t bytes;
    char text[TDNN_SHAPE_TEXT];
    *out = NULL;
    if (!tdnn_shape_known(shape))
        return TDNN_FAIL(
            err, TDNN_ERR_SHAPE,
            "the size of its weights depends on the input, whose size the model does not say");
    if (!tdnn_tensor_size(TDNN_F32, shape, &bytes) || bytes > MOST_ABSENT_BYTES)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT, "weights of %s without a .caffemodel",
                         tdnn_shape_text(shape, text));
    if (!net->zeros || net->zeros->bytes < bytes) {
        const int64_t count = (int64_t)(bytes / sizeof(float));
        const tdnn_shape flat = tdnn_shape_make(1, &count);
        tdnn_tensor *larger;
        TDNN_TRY(tdnn_tensor_create(TDNN_F32, &flat, &larger, err));
        tdnn_tensor_release(net->zeros);
        net->zeros = larger;
    }
    tdnn_tensor *owner = tdnn_tensor_retain(net->zeros);
    tdnn_status status =
        tdnn_tensor_adopt(owner->data, bytes, TDNN_F32, shape, release_tensor, owner, out, err);
    if (status) tdnn_tensor_release(owner);
    return status;
}

/* Puts what is left for the -1 in its place. */
static tdnn_status complete(tdnn_shape *shape, int64_t count, tdnn_error *err)
{
    char text[TDNN_SHAPE_TEXT];
    int64_t rest = 1;
    int open = -1;
    for (int i = 0; i < shape->ndim; i++) {
        if (shape->dim[i] < 0)
            open = i;
        else if (__builtin_mul_overflow(rest, shape->dim[i], &rest))
            rest = 0;
    }
    if (open < 0) return TDNN_OK;
    if (rest <= 0 || count <= 0 || count % rest)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%" PRId64 " numbers, which do not fit %s",
                         count, tdnn_shape_text(shape, text));
    shape->dim[open] = count / rest;
    return TDNN_OK;
}

static tdnn_status import_weight(caffe_call *c, size_t index, const tdnn_shape *shape,
                                 tdnn_tensor **out)
{
    tdnn_shape wanted = *shape;
    int64_t count;
    TDNN_TRY(caffe_blob_count(c->net, c->blobs[index], &count, c->err));
    TDNN_TRY(complete(&wanted, count, c->err));
    return caffe_blob_import(c->net, c->blobs[index], &wanted, out, c->err);
}

/* Of a layer that will not be: its shape may hang on what is not known. */
static tdnn_status stand_in_weight(const tdnn_shape *shape, tdnn_tensor **out, tdnn_error *err)
{
    const int64_t one = 1, count = shape->ndim == 1 && shape->dim[0] > 0 ? shape->dim[0] : one;
    const tdnn_shape flat = tdnn_shape_make(1, &count);
    return tdnn_tensor_create(TDNN_F32, &flat, out, err);
}

static tdnn_status get_weight(caffe_call *c, size_t index, const tdnn_shape *shape,
                              tdnn_tensor **out)
{
    char where[48];
    *out = NULL;
    if (c->doubtful) return stand_in_weight(shape, out, c->err);
    if (!c->net->weights) return absent_weight(c->net, shape, out, c->err);
    if (index >= c->blob_count)
        return TDNN_FAIL(c->err, TDNN_ERR_FORMAT,
                         "%zu blobs in the .caffemodel, expected %zu at least", c->blob_count,
                         index + 1);
    tdnn_status status = import_weight(c, index, shape, out);
    snprintf(where, sizeof where, "blob %zu of layer", index);
    return status ? tdnn_error_at(c->err, status, "%s \"%.80s\", line %d", where,
                                  c->layer->name, c->layer->line)
                  : TDNN_OK;
}

tdnn_id caffe_weight(caffe_call *c, size_t index, const tdnn_shape *shape)
{
    tdnn_tensor *tensor;
    tdnn_id id = TDNN_ABSENT;
    if (c->status || !caffe_try(c, get_weight(c, index, shape, &tensor))) return TDNN_ABSENT;
    char name[240];
    snprintf(name, sizeof name, "%.200s/blob %zu", c->layer->node_name, index);
    const bool taken = tdnn_graph_find_value(c->net->graph, name) != TDNN_ABSENT;
    caffe_try(c,
              tdnn_graph_add_constant(c->net->graph, taken ? NULL : name, tensor, &id, c->err));
    return id;
}

int64_t caffe_weight_count(caffe_call *c, size_t index)
{
    int64_t count = -1;
    if (c->status || index >= c->blob_count) return -1;
    caffe_try(c, caffe_blob_count(c->net, c->blobs[index], &count, c->err));
    return c->status ? -1 : count;
}

tdnn_shape caffe_weight_shape(caffe_call *c, size_t index)
{
    tdnn_shape shape = {.ndim = -1};
    if (!c->status && index < c->blob_count)
        caffe_try(c, caffe_blob_shape(c->blobs[index], &shape, c->err));
    return shape;
}

const float *caffe_weight_values(caffe_call *c, size_t index, int64_t count)
{
    const tdnn_shape shape = tdnn_shape_make(1, &count);
    tdnn_tensor *tensor;
    if (c->status || !caffe_try(c, get_weight(c, index, &shape, &tensor))) return NULL;
    if (!caffe_try(c, tdnn_graph_hold(c->net->graph, tensor, c->err))) return NULL;
    return caffe_try(c, tdnn_tensor_ready(tensor, c->err)) ? tensor->data : NULL;
}

/* ---- nodes ---- */

static tdnn_status append(caffe_call *c, const char *op, const tdnn_id *inputs, size_t count,
                          tdnn_id *out)
{
    tdnn_graph *graph = c->net->graph;
    const tdnn_schema *schema = tdnn_schema_find(NULL, op);
    if (!schema) schema = tdnn_schema_find("tinydnn", op);
    if (!schema) return TDNN_FAIL(c->err, TDNN_ERR_UNSUPPORTED, "operator %s", op);
    while (count && inputs[count - 1] == TDNN_ABSENT) count--;
    TDNN_TRY(tdnn_graph_add_node(graph, schema->kind, c->layer->node_name, count, 1, &c->node,
                                 c->err));
    if (count) memcpy(c->node->inputs, inputs, count * sizeof *inputs);
    TDNN_TRY(tdnn_graph_add_value(graph, NULL, out, c->err));
    c->node->outputs[0] = *out;
    return TDNN_OK;
}

tdnn_id caffe_append(caffe_call *c, const char *op, const tdnn_id *inputs, size_t count)
{
    tdnn_id out = TDNN_ABSENT;
    if (c->status) return TDNN_ABSENT;
    caffe_try(c, append(c, op, inputs, count, &out));
    return c->status ? TDNN_ABSENT : out;
}

tdnn_id caffe_more(caffe_call *c)
{
    tdnn_id id = TDNN_ABSENT;
    if (c->status) return TDNN_ABSENT;
    const size_t count = c->node->output_count;
    tdnn_id *outputs = tdnn_zone_alloc(c->net->graph->zone, count + 1, sizeof *outputs);
    if (!outputs)
        caffe_fail(c, TDNN_ERR_MEMORY, "out of memory");
    else if (caffe_try(c, tdnn_graph_add_value(c->net->graph, NULL, &id, c->err))) {
        memcpy(outputs, c->node->outputs, count * sizeof *outputs);
        outputs[count] = id;
        c->node->outputs = outputs;
        c->node->output_count++;
    }
    return id;
}

static void set(caffe_call *c, const char *name, const tdnn_attr_value *value)
{
    if (!c->status)
        caffe_try(c, tdnn_node_set_attr(c->net->graph, c->node, name, value, c->err));
}

void caffe_set_int(caffe_call *c, const char *name, int64_t value)
{
    set(c, name, &(tdnn_attr_value){.type = TDNN_ATTR_INT, .i = value});
}

void caffe_set_float(caffe_call *c, const char *name, float value)
{
    set(c, name, &(tdnn_attr_value){.type = TDNN_ATTR_FLOAT, .f = value});
}

void caffe_set_string(caffe_call *c, const char *name, const char *value)
{
    set(c, name,
        &(tdnn_attr_value){.type = TDNN_ATTR_STRING, .s = value, .s_length = strlen(value)});
}

void caffe_set_ints(caffe_call *c, const char *name, const int64_t *values, size_t count)
{
    set(c, name, &(tdnn_attr_value){.type = TDNN_ATTR_INTS, .ints = values, .count = count});
}

void caffe_set_floats(caffe_call *c, const char *name, const float *values, size_t count)
{
    set(c, name,
        &(tdnn_attr_value){.type = TDNN_ATTR_FLOATS, .floats = values, .count = count});
}

/* ---- constants ---- */

tdnn_id caffe_constant(caffe_call *c, tdnn_tensor *tensor)
{
    tdnn_id id = TDNN_ABSENT;
    if (c->status)
        tdnn_tensor_release(tensor);
    else
        caffe_try(c, tdnn_graph_add_constant(c->net->graph, NULL, tensor, &id, c->err));
    return id;
}

tdnn_id caffe_vector(caffe_call *c, const int64_t *values, size_t count)
{
    tdnn_tensor *tensor;
    if (c->status || !caffe_try(c, tdnn_tensor_i64_vector(values, count, &tensor, c->err)))
        return TDNN_ABSENT;
    return caffe_constant(c, tensor);
}

tdnn_id caffe_scalar(caffe_call *c, float value)
{
    tdnn_tensor *tensor;
    if (c->status || !caffe_try(c, tdnn_tensor_f32_scalar(value, &tensor, c->err)))
        return TDNN_ABSENT;
    return caffe_constant(c, tensor);
}

tdnn_id caffe_times(caffe_call *c, tdnn_id x, float factor)
{
    return factor == 1 ? x : caffe_op(c, "Mul", x, caffe_scalar(c, factor));
}

tdnn_id caffe_plus(caffe_call *c, tdnn_id x, float term)
{
    return term == 0 ? x : caffe_op(c, "Add", x, caffe_scalar(c, term));
}

/* ---- arithmetic on shapes ---- */

tdnn_id caffe_dims(caffe_call *c, tdnn_id x, int begin, int end)
{
    if (begin >= end) return TDNN_ABSENT;
    tdnn_id dims = caffe_op(c, "Shape", x);
    caffe_set_int(c, "start", begin);
    caffe_set_int(c, "end", end);
    return dims;
}

tdnn_id caffe_join(caffe_call *c, const tdnn_id *pieces, size_t count)
{
    tdnn_id there[TDNN_MAX_DIMS + 2];
    size_t n = 0;
    for (size_t i = 0; i < count && n < TDNN_MAX_DIMS + 2; i++)
        if (pieces[i] != TDNN_ABSENT) there[n++] = pieces[i];
    if (n == 1) return there[0];
    tdnn_id all = caffe_append(c, "Concat", there, n);
    caffe_set_int(c, "axis", 0);
    return all;
}

tdnn_id caffe_reshape(caffe_call *c, tdnn_id x, tdnn_id shape)
{
    return caffe_op(c, "Reshape", x, shape);
}

tdnn_id caffe_transpose(caffe_call *c, tdnn_id x, const int64_t *perm, size_t count)
{
    tdnn_id y = caffe_op(c, "Transpose", x);
    caffe_set_ints(c, "perm", perm, count);
    return y;
}

tdnn_id caffe_slice(caffe_call *c, tdnn_id x, int64_t axis, int64_t from, int64_t to)
{
    return caffe_op(c, "Slice", x, caffe_ints_of(c, from), caffe_ints_of(c, to),
                    caffe_ints_of(c, axis));
}

/* ---- usual shapes ---- */

static tdnn_shape unknown_shape(int ndim)
{
    tdnn_shape shape = {.ndim = ndim};
    for (int i = 0; i < ndim; i++) shape.dim[i] = -1;
    return shape;
}

int caffe_rank(caffe_call *c, size_t index, int least, int most)
{
    char text[TDNN_SHAPE_TEXT];
    if (c->status) return least;
    tdnn_shape *shape = &c->in[index].shape;
    if (c->doubtful && shape->ndim < 0) {
        *shape = unknown_shape(least > 4 ? least : most < 4 ? most : 4);
        for (size_t i = 0; i < c->out_count; i++)
            if (c->out[i].shape.ndim < 0) c->out[i].shape = *shape;
    }
    if (shape->ndim >= least && shape->ndim <= most) return shape->ndim;
    caffe_fail(c, TDNN_ERR_SHAPE, "bottom \"%.60s\" has %d dimensions (%s), expected %d to %d",
               c->layer->bottoms[index], shape->ndim, tdnn_shape_text(shape, text), least,
               most);
    return least;
}

int64_t caffe_dim(const caffe_call *c, size_t index, int axis)
{
    const tdnn_shape *shape = &c->in[index].shape;
    return axis < shape->ndim ? shape->dim[axis] : -1;
}

int64_t caffe_dim_product(const tdnn_shape *shape, int begin, int end)
{
    int64_t product = 1;
    for (int i = begin; i < end; i++)
        if (shape->dim[i] < 0 || __builtin_mul_overflow(product, shape->dim[i], &product))
            return -1;
    return product;
}
