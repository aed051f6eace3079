/* The formats. */
#include "parsers/parser.h"

const tdnn_parser *const tdnn_parsers[] = {
    &tdnn_parser_onnx,
    &tdnn_parser_caffe,
    &tdnn_parser_darknet,
    &tdnn_parser_tensorflow,
    NULL,
};
