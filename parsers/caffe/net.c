/* The net: inputs, layers in their order, each top's present value, and what is left over as
 * outputs.
 */
#include "parsers/caffe/net.h"

#include "parsers/caffe/build.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NO_LAYER SIZE_MAX

/* ---- tops ---- */

static tdnn_status find_blob(caffe_net *net, const char *name, caffe_blob **out,
                             tdnn_error *err)
{
    int32_t index = tdnn_map_get(&net->blob_names, name);
    if (index < 0) {
        if (net->blob_count >= INT32_MAX ||
            !TDNN_ZONE_PUSH(net->zone, net->blobs, net->blob_count, net->blob_capacity) ||
            !tdnn_map_put(&net->blob_names, net->zone, name, (int32_t)net->blob_count))
            return TDNN_NO_MEMORY(err);
        index = (int32_t)net->blob_count++;
        net->blobs[index] =
            (caffe_blob){.name = name, .last_layer = NO_LAYER, .input = TDNN_ABSENT};
    }
    *out = &net->blobs[index];
    return TDNN_OK;
}

/* Inner values have made-up names; one that stands in the way gets another. */
static tdnn_status give_name(caffe_net *net, tdnn_id id, const char *name, tdnn_error *err)
{
    tdnn_graph *graph = net->graph;
    tdnn_id other = tdnn_graph_find_value(graph, name);
    if (other != TDNN_ABSENT && other != id && !strcmp(graph->values[other].name, name)) {
        const char *longer = tdnn_zone_printf(graph->zone, "%s (%" PRId32 ")", name, other);
        if (!longer) return TDNN_NO_MEMORY(err);
        TDNN_TRY(tdnn_graph_rename_value(graph, other, longer, err));
    }
    return tdnn_graph_rename_value(graph, id, name, err);
}

tdnn_status caffe_net_name(caffe_net *net, tdnn_id id, const char *top, const char *what,
                           tdnn_error *err)
{
    const char *name = tdnn_zone_printf(net->zone, "%s/%s", top, what);
    return name ? give_name(net, id, name, err) : TDNN_NO_MEMORY(err);
}

static tdnn_status declare(tdnn_graph *graph, const caffe_value *value, tdnn_error *err)
{
    tdnn_value *v = &graph->values[value->id];
    v->dtype = TDNN_F32;
    v->shape = value->shape;
    for (int i = 0; i < v->shape.ndim; i++) v->shape.dim[i] = -1;
    if (value->shape.ndim < 0) return TDNN_OK;
    tdnn_shape *usual = tdnn_zone_alloc(graph->zone, 1, sizeof *usual);
    if (!usual) return TDNN_NO_MEMORY(err);
    *usual = value->shape;
    v->usual = usual;
    return TDNN_OK;
}

tdnn_status caffe_net_add_input(caffe_net *net, const char *name, const tdnn_shape *usual,
                                bool optional, tdnn_error *err)
{
    caffe_blob *blob;
    TDNN_TRY(find_blob(net, name, &blob, err));
    if (blob->made)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "two inputs are named \"%.80s\"", name);
    blob->made = true;
    blob->optional = optional;
    blob->now = (caffe_value){TDNN_ABSENT, *usual};
    TDNN_TRY(tdnn_graph_add_value(net->graph, NULL, &blob->now.id, err));
    blob->input = blob->now.id;
    TDNN_TRY(declare(net->graph, &blob->now, err));
    TDNN_TRY(give_name(net, blob->input, name, err));
    /* Weights settle the channels; everything else may be of any size. */
    if (usual->ndim == 4) net->graph->values[blob->input].shape.dim[1] = usual->dim[1];
    return tdnn_graph_add_input(net->graph, blob->input, err);
}

/* The layer's result becomes what stands under the top's name. What is not the layer's own, a
 * bottom that is handed on, or a value that has a name already, gets a node. */
static tdnn_status set_top(caffe_call *c, size_t layer, size_t index, size_t first_new)
{
    caffe_net *net = c->net;
    caffe_value *value = &c->out[index];
    const char *name = c->layer->tops[index];
    caffe_blob *blob;
    TDNN_TRY(find_blob(net, name, &blob, c->err));
    bool own = (size_t)value->id >= first_new && !net->graph->values[value->id].constant;
    for (size_t i = 0; i < index; i++) own = own && c->out[i].id != value->id;
    if (!own) value->id = caffe_op(c, "Identity", value->id);
    if (c->status) return c->status;
    TDNN_TRY(declare(net->graph, value, c->err));
    blob->now = *value;
    blob->made = true;
    blob->consumed = blob->skipped = false;
    if (blob->last_layer == layer && blob->input == TDNN_ABSENT)
        return give_name(net, value->id, name, c->err);
    const char *passing = tdnn_zone_printf(net->zone, "%s@%s", name, c->layer->node_name);
    return passing ? give_name(net, value->id, passing, c->err) : TDNN_NO_MEMORY(c->err);
}

/* ---- a layer ---- */

/* Adds the layer to a place that is nothing, or a line in it. */
static tdnn_status at_layer(const caffe_layer *layer, tdnn_status status, tdnn_error *err)
{
    char line[32] = "";
    snprintf(line, sizeof line, "line %d", layer->line);
    if (err && !strncmp(err->where, "line ", 5)) {
        memcpy(line, err->where, sizeof line - 1);
        err->where[0] = '\0';
    }
    return tdnn_error_at(err, status, "layer \"%.80s\" (%.40s), %s", layer->name, layer->type,
                         line);
}

static tdnn_status count_fits(const char *what, size_t count, int least, int most,
                              tdnn_error *err)
{
    if (count >= (size_t)least && (most < 0 || count <= (size_t)most)) return TDNN_OK;
    if (most < 0)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu %s, expected %d or more", count, what,
                         least);
    return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu %s, expected %d to %d", count, what, least,
                     most);
}

static tdnn_status find_bottoms(caffe_call *c, bool skipped)
{
    const caffe_layer *layer = c->layer;
    c->in = tdnn_zone_alloc(c->net->zone, layer->bottom_count + 1, sizeof *c->in);
    if (!c->in) return TDNN_NO_MEMORY(c->err);
    for (size_t i = 0; i < layer->bottom_count; i++) {
        caffe_blob *blob;
        TDNN_TRY(find_blob(c->net, layer->bottoms[i], &blob, c->err));
        if (!blob->made) {
            if (skipped) continue;
            return TDNN_FAIL(c->err, TDNN_ERR_FORMAT,
                             "no layer before it makes its bottom \"%.80s\"",
                             layer->bottoms[i]);
        }
        if (skipped)
            blob->skipped = true;
        else
            blob->consumed = true;
        caffe_value *in = &c->in[c->in_count++];
        *in = blob->now;
        if (in->id != TDNN_ABSENT || skipped) continue;
        c->doubtful = true;
        TDNN_TRY(tdnn_graph_add_value(c->net->graph, NULL, &in->id, c->err));
    }
    return TDNN_OK;
}

static tdnn_status prepare_tops(caffe_call *c)
{
    c->out_count = c->layer->top_count;
    c->out = tdnn_zone_alloc(c->net->zone, c->out_count + 1, sizeof *c->out);
    if (!c->out) return TDNN_NO_MEMORY(c->err);
    for (size_t i = 0; i < c->out_count; i++) {
        c->out[i] = (caffe_value){.id = TDNN_ABSENT, .shape = {.ndim = -1}};
        if (c->in_count) c->out[i].shape = c->in[0].shape;
    }
    return TDNN_OK;
}

/* Its tops are unknown from here on. */
static tdnn_status leave_out(caffe_call *c)
{
    for (size_t i = 0; i < c->layer->top_count; i++) {
        caffe_blob *blob;
        TDNN_TRY(find_blob(c->net, c->layer->tops[i], &blob, c->err));
        blob->now = (caffe_value){.id = TDNN_ABSENT, .shape = {.ndim = -1}};
        blob->made = true;
    }
    return TDNN_OK;
}

/* The element types of its weights are looked at whatever becomes of the layer. */
static tdnn_status check_types(caffe_call *c)
{
    for (size_t i = 0; i < c->blob_count; i++) {
        tdnn_error why = {0};
        if (!caffe_blob_check_type(c->net, c->blobs[i], &why)) continue;
        if (why.status != TDNN_ERR_UNSUPPORTED) continue; /* who reads the numbers says so */
        const char *what = tdnn_zone_printf(c->net->zone, "blob %zu: %s", i, why.message);
        if (!what) return TDNN_NO_MEMORY(c->err);
        at_layer(c->layer, why.status, &why);
        const tdnn_finding finding = {TDNN_FINDING_TYPE, c->layer->name, c->layer->type,
                                      why.where, what};
        c->told = true;
        TDNN_TRY(tdnn_findings_add(&c->net->findings, &finding, c->err));
    }
    return TDNN_OK;
}

static tdnn_status build(caffe_call *c, const caffe_type *type, size_t index)
{
    size_t first_new = c->net->graph->value_count;
    c->param = c->layer->text;
    c->param = type->param ? caffe_message(c, type->param) : NULL;
    caffe_weights_find(c->net, c->layer->name, &c->blobs, &c->blob_count);
    TDNN_TRY(check_types(c));
    TDNN_TRY(prepare_tops(c));
    if (!c->status) type->import(c);
    TDNN_TRY(c->status);
    TDNN_TRY(caffe_params_check(c));
    if (c->doubtful || c->told) return TDNN_OK;
    for (size_t i = 0; i < c->out_count; i++)
        if (c->out[i].id != TDNN_ABSENT) TDNN_TRY(set_top(c, index, i, first_new));
    return TDNN_OK;
}

/* Of a layer whose bottoms are unknown: it is about their shape, which is a stand-in's. */
static bool says_nothing(tdnn_status status)
{
    return status == TDNN_ERR_SHAPE || status == TDNN_ERR_INTERNAL;
}

static tdnn_status import_known(caffe_call *c, const caffe_type *type, size_t index)
{
    bool skipped = !type->import;
    TDNN_TRY(find_bottoms(c, skipped));
    if (skipped) return TDNN_OK;
    TDNN_TRY(count_fits("bottoms", c->layer->bottom_count, type->min_bottoms, type->max_bottoms,
                        c->err));
    TDNN_TRY(count_fits("tops", c->layer->top_count, type->min_tops, type->max_tops, c->err));
    const tdnn_status status = build(c, type, index);
    if (c->told && !c->failed_first && tdnn_is_doubtful(status)) return TDNN_OK;
    if (!c->doubtful) return status;
    return says_nothing(status) ||
                   (tdnn_is_doubtful(status) && !tdnn_findings_take(&c->net->findings, status))
               ? TDNN_OK
               : status;
}

static tdnn_status set_origin(caffe_net *net, const caffe_layer *layer, tdnn_error *err)
{
    tdnn_error place = {0};
    at_layer(layer, TDNN_ERR_UNSUPPORTED, &place);
    const tdnn_origin origin = {layer->name, layer->type, place.where};
    return tdnn_graph_set_origin(net->graph, &origin, err);
}

/* What is left of a layer that cannot be goes. */
static tdnn_status drop(caffe_call *c, size_t nodes)
{
    c->net->graph->node_count = nodes;
    return leave_out(c);
}

static tdnn_status import_layer(caffe_net *net, size_t index, tdnn_error *err)
{
    const caffe_layer *layer = &net->layers[index];
    const caffe_type *type = caffe_type_find(layer->type);
    const size_t nodes = net->graph->node_count;
    tdnn_error here = {0};
    caffe_call c = {.net = net, .layer = layer, .err = &here};
    tdnn_status status;
    TDNN_TRY(set_origin(net, layer, err));
    if (type)
        status = import_known(&c, type, index);
    else
        status = TDNN_FAIL(&here, TDNN_ERR_UNSUPPORTED, "layer type %.80s", layer->type);
    c.err = err;
    if (!status) return c.doubtful || c.told ? drop(&c, nodes) : TDNN_OK;
    at_layer(layer, status, &here);
    if (tdnn_findings_take(&net->findings, status)) {
        TDNN_TRY(tdnn_findings_add_error(
            &net->findings, type ? tdnn_finding_kind_of(status) : TDNN_FINDING_OPERATOR,
            layer->name, layer->type, &here, err));
        return drop(&c, nodes);
    }
    if (err) *err = here;
    return status;
}

/* ---- inputs that the net itself names ---- */

static tdnn_status input_shapes(caffe_call *c, size_t count, tdnn_shape *shapes)
{
    tdnn_ints flat = caffe_ints(c, "input_dim", 1, INT32_MAX);
    const tdnn_text *shape = tdnn_text_find(c->param, "input_shape");
    if (c->status) return c->status;
    if (flat.count && flat.count != 4 * count)
        return TDNN_FAIL(c->err, TDNN_ERR_FORMAT,
                         "%zu input_dim for %zu inputs, expected 4 for each", flat.count,
                         count);
    for (size_t i = 0; i < count; i++) {
        shapes[i] = (tdnn_shape){.ndim = 4, .dim = {-1, -1, -1, -1}};
        if (flat.count) shapes[i] = tdnn_shape_make(4, flat.at + 4 * i);
        if (!shape) continue;
        tdnn_ints dims = caffe_dims_of(c, shape, 1);
        TDNN_TRY(c->status);
        shapes[i] = tdnn_shape_make((int)dims.count, dims.at);
        shape = tdnn_text_again(shape);
    }
    return TDNN_OK;
}

static tdnn_status import_inputs(caffe_net *net, tdnn_error *err)
{
    caffe_call c = {.net = net, .param = net->text, .err = err};
    size_t count = 0;
    for (const tdnn_text *f = tdnn_text_find(net->text, "input"); f; f = tdnn_text_again(f))
        count++;
    if (!count) return TDNN_OK;
    tdnn_shape *shapes = tdnn_zone_alloc(net->zone, count, sizeof *shapes);
    if (!shapes) return TDNN_NO_MEMORY(err);
    TDNN_TRY(input_shapes(&c, count, shapes));
    for (const tdnn_text *f = tdnn_text_find(net->text, "input"); f; f = tdnn_text_again(f)) {
        if (f->kind == TDNN_TEXT_MESSAGE)
            return caffe_at_line(f->line, TDNN_FAIL(err, TDNN_ERR_FORMAT, "input is a message"),
                                 err);
        tdnn_status status = caffe_net_add_input(net, f->value, shapes++, false, err);
        if (status) return caffe_at_line(f->line, status, err);
    }
    return TDNN_OK;
}

/* ---- the whole ---- */

static tdnn_status keep_included(caffe_net *net, tdnn_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < net->layer_count; i++) {
        bool included;
        const caffe_layer *layer = &net->layers[i];
        tdnn_status status = caffe_layer_included(net, layer, &included, err);
        if (status) return at_layer(layer, status, err);
        if (included) net->layers[kept++] = *layer;
    }
    net->layer_count = kept;
    return TDNN_OK;
}

/* As OpenCV does it: the second `relu` is `relu_1`. */
static tdnn_status name_nodes(caffe_net *net, tdnn_error *err)
{
    tdnn_map seen = {0};
    for (size_t i = 0; i < net->layer_count; i++) {
        caffe_layer *layer = &net->layers[i];
        int32_t times = tdnn_map_get(&seen, layer->name) + 1;
        if (times)
            layer->node_name = tdnn_zone_printf(net->zone, "%s_%" PRId32, layer->name, times);
        if (!layer->node_name || !tdnn_map_put(&seen, net->zone, layer->name, times))
            return TDNN_NO_MEMORY(err);
    }
    return TDNN_OK;
}

static tdnn_status find_last_makers(caffe_net *net, tdnn_error *err)
{
    for (size_t i = 0; i < net->layer_count; i++) {
        const caffe_type *type = caffe_type_find(net->layers[i].type);
        if (type && !type->import) continue;
        for (size_t k = 0; k < net->layers[i].top_count; k++) {
            caffe_blob *blob;
            TDNN_TRY(find_blob(net, net->layers[i].tops[k], &blob, err));
            blob->last_layer = i;
        }
    }
    return TDNN_OK;
}

static bool is_dropped(const caffe_net *net, tdnn_id input)
{
    for (size_t i = 0; i < net->blob_count; i++) {
        const caffe_blob *b = &net->blobs[i];
        if (b->input == input && b->now.id == input)
            return !b->consumed && (b->optional || b->skipped);
    }
    return false;
}

/* Labels and the like, which only layers for training would read, go; tops that nobody reads
 * are the outputs, in the order of their layers. */
static tdnn_status finish(caffe_net *net, tdnn_error *err)
{
    tdnn_graph *graph = net->graph;
    size_t kept = 0;
    for (size_t i = 0; i < graph->input_count; i++)
        if (!is_dropped(net, graph->inputs[i])) graph->inputs[kept++] = graph->inputs[i];
    graph->input_count = kept;
    for (size_t i = 0; i < net->layer_count; i++)
        for (size_t k = 0; k < net->layers[i].top_count; k++) {
            caffe_blob *blob;
            TDNN_TRY(find_blob(net, net->layers[i].tops[k], &blob, err));
            bool made = blob->now.id != TDNN_ABSENT && blob->now.id != blob->input;
            if (blob->last_layer != i || blob->consumed || !made) continue;
            TDNN_TRY(tdnn_graph_add_output(graph, blob->now.id, err));
            blob->consumed = true; /* once, if a layer names it twice */
        }
    if (!graph->output_count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "the model has no layer whose result is an output");
    if (!net->weights && net->zeros)
        graph->incomplete =
            "the model has no weights: load its .prototxt together with the .caffemodel";
    return TDNN_OK;
}

tdnn_status caffe_net_import(caffe_net *net, tdnn_error *err)
{
    const tdnn_text *name = tdnn_text_find(net->text, "name");
    if (name && name->kind == TDNN_TEXT_STRING) {
        net->graph->name = tdnn_zone_strdup(net->graph->zone, name->value);
        if (!net->graph->name) return TDNN_NO_MEMORY(err);
    }
    TDNN_TRY(caffe_layers_collect(net, err));
    TDNN_TRY(keep_included(net, err));
    TDNN_TRY(name_nodes(net, err));
    TDNN_TRY(find_last_makers(net, err));
    TDNN_TRY(import_inputs(net, err));
    for (size_t i = 0; i < net->layer_count; i++) TDNN_TRY(import_layer(net, i, err));
    TDNN_TRY(tdnn_findings_report(&net->findings, net->graph, err));
    return finish(net, err);
}
