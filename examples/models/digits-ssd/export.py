#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Writes digits-ssd as Caffe and as TensorFlow files.

    python3 export.py [FOLDER]

reads the weights of digits-ssd.caffemodel, which train.py wrote, and writes all files again:
digits-ssd.prototxt and .caffemodel as SSD's fork of Caffe has them, for pictures with blue, green,
red in -1..1; digits-ssd.pb as TensorFlow's object detection API freezes a graph, for pictures with
red, green, blue in 0..255, up to the raw offsets and scores; and digits-ssd.pbtxt, OpenCV's view of
it: the same nodes, then PriorBox and DetectionOutput. Needs numpy only.
"""
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.dirname(HERE)
sys.path.insert(0, MODELS)
import caffe  # noqa: E402
import graphdef  # noqa: E402
from darknet import fold, read_cfg, sources  # noqa: E402
from graphdef import FLOAT, INT, constant, node  # noqa: E402
from shape import (ASPECTS, CLASSES, FEATURES, SIZES, STRIDES, VARIANCE,  # noqa: E402
                   prior_shapes)

NET, *BODY = read_cfg(os.path.join(MODELS, "digits-yolo", "digits-yolo.cfg"))
BODY = BODY[:max(FEATURES) + 1]
WIDTH, HEIGHT = int(NET["width"]), int(NET["height"])
OVERLAP, CONFIDENCE, CANDIDATES, KEPT = 0.45, 0.01, 400, 200


def weights_of(net):
    """Kernel and bias of each convolution of a trained Ssd, normalization folded in."""
    def array(tensor):
        return np.ascontiguousarray(tensor.detach().numpy())

    weights = {}
    for index, layer in enumerate(net.body.layers[:len(BODY)]):
        if BODY[index]["type"] == "convolutional" and "batch_normalize" in BODY[index]:
            norm = layer[1]
            weights["conv%d" % index] = fold(*map(array, (
                layer[0].weight, norm.bias, norm.weight, norm.running_mean, norm.running_var)))
    for number in range(len(FEATURES)):
        for kind, heads in (("boxes", net.boxes), ("scores", net.scores)):
            weights["%s%d" % (kind, number)] = (array(heads[number].weight),
                                                array(heads[number].bias))
    return weights


def body():
    """The layers below the heads: name, section, names of its inputs. The heads of digits-yolo are
    left out, and so is a [route] that takes one layer only: it is that layer."""
    names = []
    for index, section in enumerate(BODY):
        kind = section["type"]
        taken = [names[i] for i in sources(section, index)] if kind == "route" else names[-1:]
        if kind == "route" and len(taken) == 1:
            names += taken
            continue
        names.append({"convolutional": "conv%d", "maxpool": "pool%d", "upsample": "up%d",
                      "route": "join%d", "yolo": "yolo%d"}[kind] % index)
        if kind != "yolo" and section.get("activation") != "linear":
            yield names[-1], section, taken


def reversed_channels(kernel):
    return np.ascontiguousarray(kernel[:, ::-1])


# ---- Caffe -----------------------------------------------------------------------------------


def caffe_body(weights):
    for name, section, inputs in body():
        bottoms = inputs or ["data"]
        if section["type"] == "convolutional":
            kernel = weights[name][0]
            yield caffe.layer(name, "Convolution", bottoms, convolution_param={
                "num_output": len(kernel), "pad": kernel.shape[2] // 2,
                "kernel_size": kernel.shape[2], "stride": int(section["stride"])})
            yield caffe.layer(name + "_relu", "ReLU", [name], name,
                              relu_param={"negative_slope": 0.1})
        elif section["type"] == "maxpool":
            yield caffe.layer(name, "Pooling", bottoms, pooling_param={
                "pool": "MAX", "kernel_size": 2, "stride": 2})
        elif section["type"] == "upsample":     # each pixel four times: weights of one
            channels = len(weights[inputs[0]][0])
            weights[name] = [np.ones((channels, 1, 2, 2), np.float32)]
            yield caffe.layer(name, "Deconvolution", bottoms, convolution_param={
                "num_output": channels, "bias_term": False, "kernel_size": 2, "group": channels,
                "stride": 2})
        else:
            yield caffe.layer(name, "Concat", bottoms, concat_param={"axis": 1})


def caffe_heads(weights):
    for number, (index, size) in enumerate(zip(FEATURES, SIZES)):
        feature = "conv%d" % index
        for kind in ("boxes", "scores"):
            name = "%s%d" % (kind, number)
            yield caffe.layer(name, "Convolution", [feature], convolution_param={
                "num_output": len(weights[name][0]), "kernel_size": 1})
            yield caffe.layer(name + "_perm", "Permute", [name],
                              permute_param={"order": (0, 2, 3, 1)})
            yield caffe.layer(name + "_flat", "Flatten", [name + "_perm"],
                              flatten_param={"axis": 1})
        yield caffe.layer("priors%d" % number, "PriorBox", [feature, "data"], prior_box_param={
            "min_size": float(size[0]), "max_size": float(size[1]), "aspect_ratio": ASPECTS,
            "flip": False, "clip": False, "variance": VARIANCE,
            "step": float(STRIDES[number]), "offset": 0.5})


def caffe_end():
    for kind, suffix, axis in (("boxes", "_flat", 1), ("scores", "_flat", 1), ("priors", "", 2)):
        parts = ["%s%d%s" % (kind, number, suffix) for number in range(len(FEATURES))]
        yield caffe.layer(kind, "Concat", parts, concat_param={"axis": axis})
    yield caffe.layer("scores_rows", "Reshape", ["scores"],
                      reshape_param={"shape": {"dim": (0, -1, CLASSES)}})
    yield caffe.layer("scores_softmax", "Softmax", ["scores_rows"], softmax_param={"axis": 2})
    yield caffe.layer("scores_flat", "Flatten", ["scores_softmax"], flatten_param={"axis": 1})
    yield caffe.layer(
        "detections", "DetectionOutput", ["boxes", "scores_flat", "priors"],
        detection_output_param={
            "num_classes": CLASSES, "share_location": True, "background_label_id": 0,
            "nms_param": {"nms_threshold": OVERLAP, "top_k": CANDIDATES},
            "code_type": "CENTER_SIZE", "keep_top_k": KEPT, "confidence_threshold": CONFIDENCE})


def write_caffe(path, weights):
    weights = dict(weights, conv0=(reversed_channels(weights["conv0"][0]), weights["conv0"][1]))
    data = caffe.layer("data", "Input", input_param={"shape": {"dim": (1, 3, HEIGHT, WIDTH)}})
    layers = [data, *caffe_body(weights), *caffe_heads(weights), *caffe_end()]
    return caffe.write(path, "digits-ssd", layers, weights)


def read_caffe(path):
    weights = caffe.read_weights(path)
    kernel, bias = weights["conv0"]
    weights["conv0"] = (reversed_channels(kernel), bias)
    return {name: blobs for name, blobs in weights.items() if len(blobs) == 2}


# ---- TensorFlow ------------------------------------------------------------------------------


def tensorflow_body(weights):
    """The nodes, and the name of each layer's last one."""
    nodes = [graphdef.placeholder("image_tensor", (-1, HEIGHT, WIDTH, 3)),
             constant("Preprocessor/mul/x", np.float32(2 / 255)),
             node("Preprocessor/mul", "Mul", ["image_tensor", "Preprocessor/mul/x"], T=FLOAT),
             constant("Preprocessor/sub/y", np.float32(1)),
             node("Preprocessor/sub", "Sub", ["Preprocessor/mul", "Preprocessor/sub/y"], T=FLOAT)]
    last = {}
    for name, section, inputs in body():
        x = [last[one] for one in inputs] or ["Preprocessor/sub"]
        last[name] = name
        if section["type"] == "convolutional":
            stride = int(section["stride"])
            if stride == 2:     # SAME would pad behind only
                nodes += [constant(name + "/pads", np.array([[0, 0], [1, 1], [1, 1], [0, 0]])),
                          node(name + "/Pad", "Pad", [x[0], name + "/pads"], T=FLOAT,
                               Tpaddings=INT)]
                x = [name + "/Pad"]
            added, last[name] = graphdef.conv2d(
                name, x[0], *weights[name], stride=stride, activation="LeakyRelu",
                padding="SAME" if stride == 1 else "VALID")
            nodes += added
        elif section["type"] == "maxpool":
            nodes.append(graphdef.max_pool(name, x[0]))
        elif section["type"] == "upsample":
            stride = STRIDES[FEATURES.index(max(FEATURES))]
            nodes += [constant(name + "/size", np.array([HEIGHT // stride, WIDTH // stride])),
                      node(name, "ResizeNearestNeighbor", [x[0], name + "/size"], T=FLOAT,
                           align_corners=False)]
        else:
            nodes += graphdef.concat(name, x, 3)
    return nodes, last


def tensorflow_heads(weights, last):
    """TensorFlow's boxes are y, x, height, width where Caffe's are x, y, width, height."""
    nodes, flip = [], [1, 0, 3, 2]
    for number, index in enumerate(FEATURES):
        for kind, label in (("boxes", "BoxEncodingPredictor"), ("scores", "ClassPredictor")):
            kernel, bias = weights["%s%d" % (kind, number)]
            if kind == "boxes":
                kernel = kernel.reshape(-1, 4, *kernel.shape[1:])[:, flip].reshape(kernel.shape)
                bias = bias.reshape(-1, 4)[:, flip].ravel()
            nodes += graphdef.conv2d("BoxPredictor_%d/%s" % (number, label),
                                     last["conv%d" % index], kernel, bias)[0]
    return nodes


def predictors(label):
    return ["BoxPredictor_%d/%s/BiasAdd" % (number, label) for number in range(len(FEATURES))]


def frozen_end():
    """What a frozen graph ends in here: offsets N x priors x 4, scores N x priors x 11."""
    nodes = []
    for label, columns, out in (("BoxEncodingPredictor", 4, "raw_detection_boxes"),
                                ("ClassPredictor", CLASSES, "raw_detection_logits")):
        rows = []
        for number, name in enumerate(predictors(label)):
            here = "BoxPredictor_%d/%s/" % (number, label)
            count = len(prior_shapes(SIZES[number])) * WIDTH * HEIGHT // STRIDES[number] ** 2
            nodes += [constant(here + "shape", np.array([-1, count, columns])),
                      node(here + "Reshape", "Reshape", [name, here + "shape"], T=FLOAT,
                           Tshape=INT)]
            rows.append(here + "Reshape")
        nodes += graphdef.concat(out, rows, 1)
    return nodes + [node("raw_detection_scores", "Softmax", ["raw_detection_logits"], T=FLOAT)]


def opencv_end():
    """What OpenCV's texts put in its place: nodes of its own kind, constants among them."""
    nodes = []
    for label in ("ClassPredictor", "BoxEncodingPredictor"):
        flat = [name + "/Flatten" for name in predictors(label)]
        nodes += [node(name + "/Flatten", "Flatten", [name]) for name in predictors(label)]
        nodes += graphdef.concat(label + "/concat", flat, -1)
    for number, size in enumerate(SIZES):
        widths, heights = zip(*prior_shapes(size))
        nodes.append(node("PriorBox_%d" % number, "PriorBox",
                          [predictors("BoxEncodingPredictor")[number], "image_tensor"],
                          flip=False, clip=False, width=floats(widths), height=floats(heights),
                          variance=floats(VARIANCE)))
        nodes.append(node("PriorBox_%d/4d" % number, "Reshape",
                          ["PriorBox_%d" % number, "PriorBox/shape"]))
    nodes.insert(0, constant("PriorBox/shape", np.array([1, 2, -1, 1])))
    nodes += graphdef.concat("PriorBox/concat",
                             ["PriorBox_%d/4d" % number for number in range(len(SIZES))], -2)
    nodes += [
        constant("ClassPredictor/shape", np.array([0, -1, CLASSES])),
        node("ClassPredictor/rows", "Reshape", ["ClassPredictor/concat", "ClassPredictor/shape"]),
        node("ClassPredictor/softmax", "Softmax", ["ClassPredictor/rows"], axis=-1),
        node("ClassPredictor/flat", "Flatten", ["ClassPredictor/softmax"]),
        node("detection_out", "DetectionOutput",
             ["BoxEncodingPredictor/concat", "ClassPredictor/flat", "PriorBox/concat"],
             num_classes=CLASSES, share_location=True, background_label_id=0,
             nms_threshold=OVERLAP, top_k=CANDIDATES, code_type="CENTER_SIZE", keep_top_k=KEPT,
             confidence_threshold=CONFIDENCE)]
    return nodes


def floats(values):
    """A list of numbers as OpenCV's texts write it: a tensor."""
    return {"tensor": {"dtype": "DT_FLOAT", "tensor_shape": graphdef.shape([len(values)]),
                       "float_val": values}}


def write_tensorflow(path, weights):
    nodes, last = tensorflow_body(weights)
    nodes += tensorflow_heads(weights, last)
    view = []
    for one in nodes:       # OpenCV is told that these boxes begin with y
        swapped = one["name"].endswith("BoxEncodingPredictor/Conv2D")
        mark = node("", "", loc_pred_transposed=True)["attr"] if swapped else []
        view.append(dict(one, attr=one["attr"] + mark))
    return graphdef.write(path, nodes + frozen_end(), view + opencv_end())


def write(weights, folder=HERE):
    for one in (write_caffe, write_tensorflow):
        names = one(os.path.join(folder, "digits-ssd"), weights)
        print("wrote " + ", ".join("%s (%d bytes)" % (
            name, os.path.getsize(os.path.join(folder, name))) for name in names))


if __name__ == "__main__":
    write(read_caffe(os.path.join(HERE, "digits-ssd.caffemodel")),
          sys.argv[1] if len(sys.argv) > 1 else HERE)
