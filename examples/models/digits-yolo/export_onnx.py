#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Writes digits-yolo as ONNX, from its .cfg and .weights, with ordinary operators only.

    python3 export_onnx.py [FILE]

Each [yolo] layer becomes the operators that decode it, and an output N x boxes x 15 with Darknet's
rows: centre x, y, width, height as parts of the picture, objectness, objectness times each class's
score; cell by cell, in a cell anchor by anchor. Normalization is folded into the convolutions.
Needs numpy only.
"""
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import onnxfile  # noqa: E402
from darknet import numbers, read_cfg, read_weights, sources  # noqa: E402
from onnxfile import node  # noqa: E402


def decode(name, x, section, size, cells, constants):
    """The nodes that turn the raw output x of a head into Darknet's rows. `size` is that of the
    net's input, `cells` that of the map, each width and height."""
    anchors = np.array(numbers(section["anchors"]), np.float32).reshape(-1, 2)
    anchors = anchors[numbers(section["mask"])] / size
    count, classes = len(anchors), int(section["classes"])
    boxes = cells[0] * cells[1] * count
    column, row = np.meshgrid(np.arange(cells[0]), np.arange(cells[1]))
    corner = np.stack([column, row], -1).reshape(-1, 1, 2) / np.array(cells)
    own = {
        "split": np.array([count, 5 + classes, cells[0] * cells[1]]),
        "rows": np.array([boxes, 5 + classes]),
        "corner": np.tile(corner, (1, count, 1)).reshape(1, boxes, 2),
        "cell": np.tile([1 / cells[0], 1 / cells[1]], (1, boxes, 1)),
        "anchor": np.tile(anchors, (cells[0] * cells[1], 1)).reshape(1, boxes, 2)}
    for key in ("split", "rows"):
        own[key] = np.concatenate([[0], own[key]])
    constants.update((name + "/" + key, value) for key, value in own.items())

    def at(*keys):
        return [name + "/" + key for key in keys]
    return boxes, [
        node("Reshape", [x, *at("split")], *at("by_anchor")),
        node("Transpose", at("by_anchor"), *at("by_cell"), perm=(0, 3, 1, 2)),
        node("Reshape", at("by_cell", "rows"), *at("raw")),
        node("Split", at("raw"), at("xy", "wh", "object", "classes"), axis=2,
             split=(2, 2, 1, classes)),
        node("Sigmoid", at("xy"), *at("xy/sigmoid")),
        node("Mul", at("xy/sigmoid", "cell"), *at("xy/scaled")),
        node("Add", at("xy/scaled", "corner"), *at("centre")),
        node("Exp", at("wh"), *at("wh/exp")),
        node("Mul", at("wh/exp", "anchor"), *at("extent")),
        node("Sigmoid", at("object"), *at("objectness")),
        node("Sigmoid", at("classes"), *at("classes/sigmoid")),
        node("Mul", at("classes/sigmoid", "objectness"), *at("scores")),
        node("Concat", at("centre", "extent", "objectness", "scores"), name, axis=2)]


def layer(name, section, x, constants):
    """The nodes of one layer whose inputs are x; the last one has the layer's name."""
    if section["type"] == "convolutional":
        size, stride, leaky = (int(section["size"]), int(section["stride"]),
                               section["activation"] == "leaky")
        out = name + "/conv" if leaky else name
        nodes = [node("Conv", x + [name + "/kernel", name + "/bias"], out,
                      kernel_shape=(size, size), strides=(stride, stride), pads=(size // 2,) * 4)]
        return nodes + [node("LeakyRelu", [out], name, alpha=0.1)] if leaky else nodes
    if section["type"] == "maxpool":
        size = (int(section["size"]),) * 2
        return [node("MaxPool", x, name, kernel_shape=size, strides=size)]
    if section["type"] == "upsample":
        scale = float(section["stride"])
        constants[name + "/roi"] = np.array([], np.float32)
        constants[name + "/scales"] = np.array([1, 1, scale, scale])
        return [node("Resize", x + [name + "/roi", name + "/scales"], name, mode="nearest",
                     coordinate_transformation_mode="asymmetric", nearest_mode="floor")]
    return [node("Concat", x, name, axis=1)]


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "digits-yolo.onnx")
    cfg = os.path.join(HERE, "digits-yolo.cfg")
    net, *sections = read_cfg(cfg)
    size = np.array([int(net["width"]), int(net["height"])])
    constants, nodes, outputs, names, strides = {}, [], [], [], []
    for index, (kernel, bias) in read_weights(cfg, os.path.join(HERE, "digits-yolo.weights")).items():
        constants["convolutional_%d/kernel" % index] = kernel
        constants["convolutional_%d/bias" % index] = bias
    for index, section in enumerate(sections):
        kind, name = section["type"], "%s_%d" % (section["type"], index)
        taken = sources(section, index) if kind == "route" else [index - 1]
        x = [names[i] for i in taken] if index else ["image"]
        stride = strides[taken[0]] if index else 1
        if kind == "yolo":
            boxes, added = decode(name, x[0], section, size, size // stride, constants)
            outputs.append((name, ("N", boxes, 5 + int(section["classes"]))))
        elif kind == "route" and len(x) == 1:       # another name for what there is
            added, name = [], x[0]
        else:
            added = layer(name, section, x, constants)
            stride = stride / int(section["stride"]) if kind == "upsample" \
                else stride * int(section.get("stride", 1))
        nodes += added
        names.append(name)
        strides.append(int(stride))
    onnxfile.write(path, "digits-yolo", nodes, constants, [("image", ("N", 3, size[1], size[0]))],
                   outputs, opset=12)
    print("wrote %s (%d bytes)" % (os.path.basename(path), os.path.getsize(path)))


if __name__ == "__main__":
    main()
