# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Caffe's files: .prototxt, the layers as text, and .caffemodel, the weights by layer name.

Layers are dictionaries as in a .prototxt; layer() makes one. The numbers of the fields are those
of caffe.proto, and of SSD's fork of it.
"""
import os

import numpy as np

import protobuf

SCHEMA = {
    "NetParameter": {"name": (1, "string"), "layer": (100, "LayerParameter")},
    "LayerParameter": {
        "name": (1, "string"), "type": (2, "string"), "bottom": (3, "string"),
        "top": (4, "string"), "blobs": (7, "BlobProto"), "concat_param": (104, "AxisParameter"),
        "convolution_param": (106, "ConvolutionParameter"),
        "inner_product_param": (117, "InnerProductParameter"),
        "pooling_param": (121, "PoolingParameter"), "relu_param": (123, "ReLUParameter"),
        "softmax_param": (125, "SoftmaxParameter"), "reshape_param": (133, "ReshapeParameter"),
        "flatten_param": (135, "FlattenParameter"), "input_param": (143, "InputParameter"),
        "permute_param": (202, "PermuteParameter"), "prior_box_param": (203, "PriorBoxParameter"),
        "detection_output_param": (204, "DetectionOutputParameter")},
    "BlobProto": {"shape": (7, "BlobShape"), "data": (5, "floats")},
    "BlobShape": {"dim": (1, "ints")},
    "InputParameter": {"shape": (1, "BlobShape")},
    "AxisParameter": {"axis": (2, "int32")},
    "FlattenParameter": {"axis": (1, "int32")},
    "SoftmaxParameter": {"axis": (2, "int32")},
    "PermuteParameter": {"order": (1, "ints")},
    "ReshapeParameter": {"shape": (1, "BlobShape")},
    "ReLUParameter": {"negative_slope": (1, "float")},
    "InnerProductParameter": {"num_output": (1, "int32")},
    "ConvolutionParameter": {
        "num_output": (1, "int32"), "bias_term": (2, "bool"), "pad": (3, "int32"),
        "kernel_size": (4, "int32"), "group": (5, "int32"), "stride": (6, "int32")},
    "PoolingParameter": {
        "pool": (1, {"MAX": 0, "AVE": 1}), "kernel_size": (2, "int32"), "stride": (3, "int32"),
        "global_pooling": (12, "bool")},
    "PriorBoxParameter": {
        "min_size": (1, "float"), "max_size": (2, "float"), "aspect_ratio": (3, "floats"),
        "flip": (4, "bool"), "clip": (5, "bool"), "variance": (6, "floats"),
        "step": (10, "float"), "offset": (13, "float")},
    "DetectionOutputParameter": {
        "num_classes": (1, "int32"), "share_location": (2, "bool"),
        "background_label_id": (3, "int32"), "nms_param": (4, "NonMaximumSuppressionParameter"),
        "code_type": (6, {"CORNER": 1, "CENTER_SIZE": 2}), "keep_top_k": (7, "int32"),
        "confidence_threshold": (8, "float")},
    "NonMaximumSuppressionParameter": {"nms_threshold": (1, "float"), "top_k": (2, "int32")},
}


def layer(name, kind, bottoms=(), top=None, **params):
    """A layer with one top, which has its name if no other is given."""
    return {"name": name, "type": kind, "bottom": list(bottoms), "top": top or name, **params}


def write(path, title, layers, weights):
    """Writes path.prototxt, and path.caffemodel with the arrays of weights: layer -> list."""
    with open(path + ".prototxt", "w") as file:
        file.write(protobuf.text(SCHEMA, "NetParameter", {"name": title, "layer": layers}))
    stored = [{"name": one["name"], "type": one["type"], "bottom": one["bottom"], "top": one["top"],
               "blobs": [{"shape": {"dim": blob.shape}, "data": blob}
                         for blob in weights[one["name"]]]}
              for one in layers if one["name"] in weights]
    assert len(stored) == len(weights), "weights of no layer"
    with open(path + ".caffemodel", "wb") as file:
        file.write(protobuf.binary(SCHEMA, "NetParameter", {"name": title, "layer": stored}))
    return [os.path.basename(path) + end for end in (".prototxt", ".caffemodel")]


def shape_of(blob):
    return protobuf.packed(dict(protobuf.read(blob[7]))[1])


def read_weights(path):
    """The arrays of a .caffemodel that write() wrote, by layer."""
    weights = {}
    for number, one in protobuf.read(open(path, "rb").read()):
        if number != 100:
            continue
        fields = list(protobuf.read(one))
        blobs = [dict(protobuf.read(value)) for number, value in fields if number == 7]
        name = next(value for number, value in fields if number == 1).decode()
        weights[name] = [np.frombuffer(blob[5], "<f4").reshape(shape_of(blob)) for blob in blobs]
    return weights
