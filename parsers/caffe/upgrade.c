/* Layers in Caffe's newest form. There have been three:
 *
 *   layer { name type: "Convolution" bottom top convolution_param { kernel_size } }
 *   layers { name type: CONVOLUTION bottom top convolution_param { kernel_size } }
 *   layers { layer { name type: "conv" kernelsize } bottom top }
 */
#include "parsers/caffe/net.h"

#include <string.h>

/* ---- the second form: types are an enumeration ---- */

static const struct v1_type {
    const char *word, *type;
    int number;
} v1_types[] = {
    {"ABSVAL", "AbsVal", 35},
    {"ACCURACY", "Accuracy", 1},
    {"ARGMAX", "ArgMax", 30},
    {"BNLL", "BNLL", 2},
    {"CONCAT", "Concat", 3},
    {"CONTRASTIVE_LOSS", "ContrastiveLoss", 37},
    {"CONVOLUTION", "Convolution", 4},
    {"DATA", "Data", 5},
    {"DECONVOLUTION", "Deconvolution", 39},
    {"DROPOUT", "Dropout", 6},
    {"DUMMY_DATA", "DummyData", 32},
    {"EUCLIDEAN_LOSS", "EuclideanLoss", 7},
    {"ELTWISE", "Eltwise", 25},
    {"EXP", "Exp", 38},
    {"FLATTEN", "Flatten", 8},
    {"HDF5_DATA", "HDF5Data", 9},
    {"HDF5_OUTPUT", "HDF5Output", 10},
    {"HINGE_LOSS", "HingeLoss", 28},
    {"IM2COL", "Im2col", 11},
    {"IMAGE_DATA", "ImageData", 12},
    {"INFOGAIN_LOSS", "InfogainLoss", 13},
    {"INNER_PRODUCT", "InnerProduct", 14},
    {"LRN", "LRN", 15},
    {"MEMORY_DATA", "MemoryData", 29},
    {"MULTINOMIAL_LOGISTIC_LOSS", "MultinomialLogisticLoss", 16},
    {"MVN", "MVN", 34},
    {"POOLING", "Pooling", 17},
    {"POWER", "Power", 26},
    {"RELU", "ReLU", 18},
    {"SIGMOID", "Sigmoid", 19},
    {"SIGMOID_CROSS_ENTROPY_LOSS", "SigmoidCrossEntropyLoss", 27},
    {"SILENCE", "Silence", 36},
    {"SOFTMAX", "Softmax", 20},
    {"SOFTMAX_LOSS", "SoftmaxWithLoss", 21},
    {"SPLIT", "Split", 22},
    {"SLICE", "Slice", 33},
    {"TANH", "TanH", 23},
    {"WINDOW_DATA", "WindowData", 24},
    {"THRESHOLD", "Threshold", 31},
};

/* A word that is none of them is a type of a newer layer: forks have it both ways. */
static const char *v1_type_of(const tdnn_text *field)
{
    int64_t number = -1;
    if (field->kind == TDNN_TEXT_STRING) return field->value;
    tdnn_text_int(field, &number, NULL);
    for (size_t i = 0; i < sizeof v1_types / sizeof *v1_types; i++)
        if (!strcmp(v1_types[i].word, field->value) || v1_types[i].number == number)
            return v1_types[i].type;
    return field->value;
}

/* ---- the first form: parameters lie in the layer, without a message of their own ---- */

static const struct v0_type {
    const char *name, *type, *param;
} v0_types[] = {
    {"accuracy", "Accuracy", NULL},
    {"bnll", "BNLL", NULL},
    {"concat", "Concat", "concat_param"},
    {"conv", "Convolution", "convolution_param"},
    {"data", "Data", "data_param"},
    {"dropout", "Dropout", "dropout_param"},
    {"euclidean_loss", "EuclideanLoss", NULL},
    {"flatten", "Flatten", NULL},
    {"hdf5_data", "HDF5Data", "hdf5_data_param"},
    {"hdf5_output", "HDF5Output", "hdf5_output_param"},
    {"im2col", "Im2col", "convolution_param"},
    {"images", "ImageData", "image_data_param"},
    {"infogain_loss", "InfogainLoss", NULL},
    {"innerproduct", "InnerProduct", "inner_product_param"},
    {"lrn", "LRN", "lrn_param"},
    {"multinomial_logistic_loss", "MultinomialLogisticLoss", NULL},
    {"padding", "Padding", NULL},
    {"pool", "Pooling", "pooling_param"},
    {"relu", "ReLU", NULL},
    {"sigmoid", "Sigmoid", NULL},
    {"softmax", "Softmax", NULL},
    {"softmax_loss", "SoftmaxWithLoss", NULL},
    {"split", "Split", NULL},
    {"tanh", "TanH", NULL},
    {"window_data", "WindowData", "window_data_param"},
};

static const char *const v0_renamed[][2] = {
    {"biasterm", "bias_term"}, {"kernelsize", "kernel_size"}, {"batchsize", "batch_size"},
    {"cropsize", "crop_size"}, {"meanfile", "mean_file"},
};

static tdnn_text *add(tdnn_zone *zone, tdnn_text *message, const char *name,
                      const tdnn_text *like)
{
    tdnn_text *field = tdnn_zone_alloc(zone, 1, sizeof *field);
    if (!field) return NULL;
    *field = *like;
    field->name = name;
    field->next = NULL;
    if (message->last)
        message->last->next = field;
    else
        message->first = field;
    message->last = field;
    message->count++;
    return field;
}

static const char *v0_param_name(const char *name)
{
    for (size_t i = 0; i < sizeof v0_renamed / sizeof *v0_renamed; i++)
        if (!strcmp(name, v0_renamed[i][0])) return v0_renamed[i][1];
    return name;
}

static bool stays_with_layer(const char *name)
{
    return !strcmp(name, "name") || !strcmp(name, "blobs") || !strcmp(name, "blobs_lr") ||
           !strcmp(name, "weight_decay");
}

/* Fields of the inner layer become those of a message of the newer kind, the outer ones stay.
 */
static tdnn_status upgrade_v0(caffe_net *net, const tdnn_text *outer, const tdnn_text *inner,
                              tdnn_text **out, tdnn_error *err)
{
    const tdnn_text empty = {.kind = TDNN_TEXT_MESSAGE, .line = outer->line, .name = "layer"};
    const tdnn_text *type = tdnn_text_find(inner, "type");
    const struct v0_type *known = NULL;
    for (size_t i = 0; type && i < sizeof v0_types / sizeof *v0_types; i++)
        if (type->kind != TDNN_TEXT_MESSAGE && !strcmp(type->value, v0_types[i].name))
            known = &v0_types[i];
    tdnn_text *layer = *out = tdnn_zone_alloc(net->zone, 1, sizeof *layer), *param = NULL;
    if (!layer) return TDNN_NO_MEMORY(err);
    *layer = empty;
    if (known && known->param && !(param = add(net->zone, layer, known->param, &empty)))
        return TDNN_NO_MEMORY(err);
    for (const tdnn_text *f = outer->first; f; f = f->next)
        if (f != inner && !add(net->zone, layer, f->name, f)) return TDNN_NO_MEMORY(err);
    for (const tdnn_text *f = inner->first; f; f = f->next) {
        bool to_layer = !param || f == type || stays_with_layer(f->name);
        tdnn_text *field = add(net->zone, to_layer ? layer : param, v0_param_name(f->name), f);
        if (!field) return TDNN_NO_MEMORY(err);
        if (f == type && known) {
            field->kind = TDNN_TEXT_STRING;
            field->value = known->type;
        }
    }
    return TDNN_OK;
}

/* ---- one layer ---- */

static tdnn_status read_names(caffe_net *net, const tdnn_text *layer, const char *field,
                              const char ***out, size_t *count, tdnn_error *err)
{
    *count = 0;
    for (tdnn_text *f = tdnn_text_find(layer, field); f; f = tdnn_text_again(f)) (*count)++;
    const char **names = *out = tdnn_zone_alloc(net->zone, *count + 1, sizeof *names);
    if (!names) return TDNN_NO_MEMORY(err);
    for (tdnn_text *f = tdnn_text_find(layer, field); f; f = tdnn_text_again(f)) {
        if (f->kind == TDNN_TEXT_MESSAGE)
            return caffe_at_line(
                f->line,
                TDNN_FAIL(err, TDNN_ERR_FORMAT, "%s is a message, expected a name", field),
                err);
        *names++ = f->value;
    }
    return TDNN_OK;
}

static const char *string_of(const tdnn_text *layer, const char *name)
{
    const tdnn_text *field = tdnn_text_find(layer, name);
    return field && field->kind != TDNN_TEXT_MESSAGE ? field->value : "";
}

static tdnn_status add_layer(caffe_net *net, tdnn_text *text, bool newest, tdnn_error *err)
{
    const tdnn_text *inner = newest ? NULL : tdnn_text_find(text, "layer");
    int line = text->line;
    if (text->kind != TDNN_TEXT_MESSAGE)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%s is %s, expected a message", text->name,
                         text->value);
    if (inner && inner->kind == TDNN_TEXT_MESSAGE)
        TDNN_TRY(upgrade_v0(net, text, inner, &text, err));
    const tdnn_text *type = tdnn_text_find(text, "type");
    if (!TDNN_ZONE_PUSH(net->zone, net->layers, net->layer_count, net->layer_capacity))
        return TDNN_NO_MEMORY(err);
    caffe_layer *layer = &net->layers[net->layer_count++];
    *layer = (caffe_layer){.name = string_of(text, "name"), .line = line, .text = text};
    layer->node_name = layer->name;
    if (!type || type->kind == TDNN_TEXT_MESSAGE)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "layer \"%.80s\" has no type", layer->name);
    layer->type = newest || inner ? type->value : v1_type_of(type);
    TDNN_TRY(read_names(net, text, "bottom", &layer->bottoms, &layer->bottom_count, err));
    return read_names(net, text, "top", &layer->tops, &layer->top_count, err);
}

/* ---- padding layers of the first form go into the convolution that follows ---- */

static tdnn_status absorb_padding(caffe_net *net, tdnn_error *err)
{
    tdnn_map makers = {0}; /* of tops: indices of layers */
    size_t kept = 0;
    for (size_t i = 0; i < net->layer_count && i < INT32_MAX; i++) {
        caffe_layer *layer = &net->layers[i];
        int32_t maker =
            layer->bottom_count == 1 ? tdnn_map_get(&makers, layer->bottoms[0]) : -1;
        const caffe_layer *from = maker < 0 ? NULL : &net->layers[maker];
        tdnn_text *param = tdnn_text_find(layer->text, "convolution_param");
        if (from && !strcmp(from->type, "Padding") && from->bottom_count == 1 && param) {
            const tdnn_text *pad = tdnn_text_find(from->text, "pad");
            if (pad && !add(net->zone, param, "pad", pad)) return TDNN_NO_MEMORY(err);
            layer->bottoms[0] = from->bottoms[0];
        }
        for (size_t k = 0; k < layer->top_count; k++)
            if (!tdnn_map_put(&makers, net->zone, layer->tops[k], (int32_t)i))
                return TDNN_NO_MEMORY(err);
    }
    for (size_t i = 0; i < net->layer_count; i++) {
        bool gone = !strcmp(net->layers[i].type, "Padding") &&
                    tdnn_text_find(net->layers[i].text, "pad");
        if (!gone) net->layers[kept++] = net->layers[i];
    }
    net->layer_count = kept;
    return TDNN_OK;
}

tdnn_status caffe_layers_collect(caffe_net *net, tdnn_error *err)
{
    bool padding = false;
    for (tdnn_text *f = net->text->first; f; f = f->next) {
        bool newest = !strcmp(f->name, "layer");
        if (!newest && strcmp(f->name, "layers") != 0) continue;
        tdnn_status status = add_layer(net, f, newest, err);
        if (status) return caffe_at_line(f->line, status, err);
        padding = padding || !strcmp(net->layers[net->layer_count - 1].type, "Padding");
    }
    return padding ? absorb_padding(net, err) : TDNN_OK;
}
