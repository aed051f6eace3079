/* Layers that read data: they become inputs of the graph. */
#include "parsers/caffe/layers.h"

static void add(caffe_call *c, size_t top, const tdnn_shape *usual, bool optional)
{
    if (!c->status)
        caffe_try(c, caffe_net_add_input(c->net, c->layer->tops[top], usual, optional, c->err));
}

static tdnn_shape open_shape(int ndim)
{
    tdnn_shape shape = {.ndim = ndim};
    for (int i = 0; i < ndim; i++) shape.dim[i] = -1;
    return shape;
}

/* One shape for each top, or one for all; or num, channels, height and width. */
static void from_shapes(caffe_call *c)
{
    const tdnn_text *shape = tdnn_text_find(c->param, "shape");
    size_t given = 0;
    for (const tdnn_text *f = shape; f; f = tdnn_text_again(f)) given++;
    if (given > 1 && given != c->layer->top_count)
        caffe_fail(c, TDNN_ERR_FORMAT, "%zu shapes for %zu tops", given, c->layer->top_count);
    caffe_ignore(c, "shape");
    for (size_t i = 0; i < c->layer->top_count && !c->status; i++) {
        tdnn_shape usual = open_shape(4);
        if (shape) {
            const tdnn_ints dims = caffe_dims_of(c, shape, 1);
            usual = tdnn_shape_make((int)dims.count, dims.at);
        }
        add(c, i, &usual, false);
        if (given > 1) shape = tdnn_text_again(shape);
    }
}

void caffe_import_input(caffe_call *c) { from_shapes(c); }

static tdnn_shape four(caffe_call *c, const char *first)
{
    tdnn_shape shape = open_shape(4);
    shape.dim[0] = caffe_int(c, first, -1, 1, INT32_MAX);
    shape.dim[1] = caffe_int(c, "channels", -1, 1, INT32_MAX);
    shape.dim[2] = caffe_int(c, "height", -1, 1, INT32_MAX);
    shape.dim[3] = caffe_int(c, "width", -1, 1, INT32_MAX);
    return shape;
}

/* The second top holds labels. */
void caffe_import_memory_data(caffe_call *c)
{
    const tdnn_shape data = four(c, "batch_size"), labels = {1, {data.dim[0]}};
    add(c, 0, &data, false);
    if (c->layer->top_count > 1) add(c, 1, &labels, true);
}

void caffe_import_dummy_data(caffe_call *c)
{
    caffe_ignore(c, "data_filler");
    if (caffe_has(c, "shape")) {
        from_shapes(c);
        return;
    }
    const tdnn_shape shape = four(c, "num");
    for (size_t i = 0; i < c->layer->top_count; i++) add(c, i, &shape, false);
}

/* From a data base: its pictures' size is not known, unless they are cropped. */
void caffe_import_data(caffe_call *c)
{
    tdnn_shape data = open_shape(4), labels = open_shape(1);
    const tdnn_text *transform = tdnn_text_find(c->layer->text, "transform_param");
    const tdnn_text *crop = tdnn_text_find(transform, "crop_size");
    int64_t size;
    for (tdnn_text *f = c->param ? c->param->first : NULL; f; f = f->next) f->used = true;
    if (!crop) crop = tdnn_text_find(c->param, "crop_size");
    if (crop && !tdnn_text_int(crop, &size, NULL) && size > 0 && size < INT32_MAX)
        data.dim[2] = data.dim[3] = size;
    data.dim[0] = labels.dim[0] = caffe_int(c, "batch_size", -1, 1, INT32_MAX);
    add(c, 0, &data, true);
    for (size_t i = 1; i < c->layer->top_count; i++) add(c, i, &labels, true);
}

/* A blob of weights as a top. */
void caffe_import_parameter(caffe_call *c)
{
    const tdnn_text *shape = caffe_message(c, "shape");
    const tdnn_ints dims = caffe_dims_of(c, shape, 0);
    if (c->status) return;
    const tdnn_shape wanted = tdnn_shape_make((int)dims.count, dims.at);
    c->out[0].id = caffe_weight(c, 0, &wanted);
    c->out[0].shape = wanted;
}
