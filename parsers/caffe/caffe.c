/* Caffe: from a .prototxt and a .caffemodel to a graph; and how to tell that files are these.
 */
#include "parsers/caffe/net.h"

#include "parsers/wire.h"

#include <string.h>

/* ---- .caffemodel ---- */

/* Fields of NetParameter, and of the layers in it. */
enum { NAME = 1, LAYERS = 2, LAYER = 100 };
enum { LAYER_NAME = 1, V1_LAYER = 1, V1_NAME = 4 };

/* Whether the message has the field as bytes, before anything goes wrong. */
static bool has_bytes(tdnn_bytes message, uint32_t number)
{
    tdnn_cursor c = tdnn_cursor_make(message.data, message.size);
    tdnn_wire_field f;
    for (bool more = true; more && !tdnn_wire_next(&c, &f, &more, NULL);)
        if (more && f.number == number && f.type == TDNN_WIRE_BYTES) return true;
    return false;
}

static bool is_printable(tdnn_bytes text)
{
    const unsigned char *p = text.data;
    for (size_t i = 0; i < text.size; i++)
        if (p[i] < ' ') return false;
    return text.size > 0;
}

/* Field 1 is one name here, many nodes in TensorFlow's GraphDef (whose field 2 is a library of
 * functions), and a number in ONNX. The file as far as it goes, so that one that is cut off is
 * still recognised. */
static int sniff_binary(tdnn_bytes bytes)
{
    tdnn_cursor c = tdnn_cursor_make(bytes.data, bytes.size);
    tdnn_wire_field f;
    int names = 0, sure = 0;
    for (;;) {
        bool more;
        if (tdnn_wire_next(&c, &f, &more, NULL)) return sure;
        if (!more) return sure > 5 ? sure : 0;
        if (f.number == NAME && (f.type != TDNN_WIRE_BYTES || ++names > 1)) return 0;
        if (f.number == NAME && is_printable(f.payload))
            sure = 5; /* if it is cut off behind it */
        if (f.number != LAYERS && f.number != LAYER) continue;
        if (f.type != TDNN_WIRE_BYTES) return 0;
        if (f.number == LAYER && has_bytes(f.payload, LAYER_NAME)) return 95;
        if (f.number == LAYERS && has_bytes(f.payload, V1_NAME)) return 90;
        if (f.number == LAYERS && has_bytes(f.payload, V1_LAYER)) sure = 40;
    }
}

/* ---- .prototxt ---- */

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_';
}

/* Behind a string or a comment that starts here; else the next character. */
static const char *step(const char *p, const char *end)
{
    char stop = *p == '#' ? '\n' : *p;
    if (*p != '#' && *p != '"' && *p != '\'') return p + 1;
    for (p++; p < end && *p != stop && *p != '\n'; p++)
        if (*p == '\\' && stop != '\n' && p + 1 < end) p++;
    return p < end ? p + 1 : end;
}

static bool is_word(const char *begin, const char *end, const char *word)
{
    size_t length = (size_t)(end - begin);
    return strlen(word) == length && !memcmp(begin, word, length);
}

/* A field's name is followed by ':' or by its message; Darknet's keys are not. */
static bool opens_field(const char *p, const char *end)
{
    while (p < end && is_space(*p)) p++;
    return p < end && (*p == ':' || *p == '{' || *p == '<');
}

/* Looks for the names of fields that only Caffe's nets have, outside of all messages. */
static int sniff_text(tdnn_bytes bytes)
{
    static const char *const ours[] = {"layer", "layers", "input", "input_dim", "input_shape"};
    const char *p = bytes.data, *end = p + bytes.size;
    int depth = 0, sure = 0;
    while (p < end) {
        if (*p == '\0' || (*p > 0 && *p < ' ' && !is_space(*p))) return sure;
        if (*p == '{' || *p == '<') depth++;
        if (*p == '}' || *p == '>') depth--;
        if (depth || !is_letter(*p)) {
            p = step(p, end);
            continue;
        }
        const char *word = p;
        while (p < end && is_letter(*p)) p++;
        if (is_word(word, p, "node")) return 0; /* TensorFlow's */
        for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
            if (is_word(word, p, ours[i]) && opens_field(p, end)) return 90;
        if (is_word(word, p, "name")) sure = 10;
        while (p < end && (is_space(*p) || *p == ':')) p++;
        if (p < end && is_letter(*p)) /* a value */
            while (p < end && is_letter(*p)) p++;
    }
    return sure;
}

static int sniff_model(tdnn_bytes bytes)
{
    int binary = sniff_binary(bytes);
    if (binary) return binary;
    return sniff_text(bytes) / 2; /* alone, without its weights */
}

/* A second .caffemodel is a mistake, which deserves an error that says so. */
static int sniff_config(tdnn_bytes bytes)
{
    int text = sniff_text(bytes);
    if (text) return text;
    return sniff_binary(bytes) ? 1 : 0;
}

/* ---- parsing ---- */

static tdnn_status place(const tdnn_source *source, caffe_net *net, tdnn_bytes *text,
                         tdnn_error *err)
{
    bool binary = sniff_binary(source->model) > 0, second = source->config.size > 0;
    if (binary && !second)
        return TDNN_FAIL(
            err, TDNN_ERR_FORMAT,
            "a .caffemodel alone: the layers are read from its .prototxt, which is missing");
    if (binary && sniff_binary(source->config))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "two .caffemodel files, expected one and its .prototxt");
    if (!binary && second && !sniff_binary(source->config))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "two .prototxt files, expected one and its .caffemodel");
    *text = binary ? source->config : source->model;
    if (binary) net->weights_file = source->model;
    return TDNN_OK;
}

static tdnn_status import(caffe_net *net, tdnn_error *err)
{
    const tdnn_source *source = net->source;
    tdnn_bytes text;
    TDNN_TRY(place(source, net, &text, err));
    TDNN_TRY(tdnn_text_parse(text, net->zone, &net->text, err));
    if (!net->weights_file.size) TDNN_TRY(caffe_text_weights(net, err));
    if (net->weights_file.size) {
        tdnn_status status = caffe_weights_decode(net, err);
        if (status)
            return tdnn_error_at(err, status, "%s",
                                 source->model_name ? source->model_name : "");
    }
    return caffe_net_import(net, err);
}

static tdnn_status parse(const tdnn_source *source, tdnn_graph *graph, tdnn_error *err)
{
    tdnn_zone *zone = tdnn_zone_create();
    if (!zone) return TDNN_NO_MEMORY(err);
    caffe_net net = {.source = source,
                     .graph = graph,
                     .zone = zone,
                     .findings = {.source = source, .zone = zone}};
    tdnn_status status = import(&net, err);
    tdnn_tensor_release(net.zeros);
    tdnn_zone_free(zone);
    return status;
}

const tdnn_parser tdnn_parser_caffe = {
    .format = TDNN_FORMAT_CAFFE,
    .name = "Caffe",
    .sniff_model = sniff_model,
    .sniff_config = sniff_config,
    .parse = parse,
};
