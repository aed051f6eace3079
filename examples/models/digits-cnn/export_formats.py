#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Writes digits-cnn.onnx again as Caffe, TensorFlow and Darknet files.

    python3 export_formats.py [FOLDER]

Each is written the way its own users would have it: TensorFlow's graph takes pictures N x 28 x 28
x 1 and keeps kernels as height, width, in, out; Caffe's Pooling rounds up, Darknet's [avgpool] and
[connected] have no size to state. FOLDER is where they go, by default beside this script.
Needs numpy only.
"""
import argparse
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import caffe  # noqa: E402
import darknet  # noqa: E402
import graphdef  # noqa: E402
import onnxfile  # noqa: E402

POOLED = (2, 4)         # a 2x2 MaxPool follows these convolutions


def read_weights(path):
    """Kernel and bias of the convolutions in order, then weights and bias of the last layer."""
    arrays, nodes = onnxfile.read(path)
    pairs = [[arrays[name] for name in node["input"][1:3]]
             for node in nodes if node["op_type"] in ("Conv", "Gemm")]
    assert [len(pair) for pair in pairs] == [2] * 7, "not the network of train.py"
    return pairs[:-1], pairs[-1]


def write_caffe(path, convolutions, dense):
    layers = [caffe.layer("image", "Input", input_param={"shape": {"dim": (1, 1, 28, 28)}})]
    weights, x = {}, "image"
    for number, (kernel, bias) in enumerate(convolutions, 1):
        name = "conv%d" % number
        layers += [
            caffe.layer(name, "Convolution", [x], convolution_param={
                "num_output": len(kernel), "pad": 1, "kernel_size": 3}),
            caffe.layer("relu%d" % number, "ReLU", [name], name)]
        weights[name], x = [kernel, bias], name
        if number in POOLED:
            x = "pool%d" % number
            layers.append(caffe.layer(x, "Pooling", [name], pooling_param={
                "pool": "MAX", "kernel_size": 2, "stride": 2}))
    layers += [
        caffe.layer("average", "Pooling", [x], pooling_param={
            "pool": "AVE", "global_pooling": True}),
        caffe.layer("logits", "InnerProduct", ["average"], inner_product_param={
            "num_output": len(dense[1])})]
    weights["logits"] = dense
    return caffe.write(path, "digits-cnn", layers, weights)


def write_tensorflow(path, convolutions, dense):
    graph, x = [graphdef.placeholder("image", (-1, 28, 28, 1))], "image"
    for number, (kernel, bias) in enumerate(convolutions, 1):
        nodes, x = graphdef.conv2d("conv%d" % number, x, kernel, bias, activation="Relu")
        graph += nodes
        if number in POOLED:
            graph.append(graphdef.max_pool("pool%d" % number, x))
            x = "pool%d" % number
    graph += [
        graphdef.constant("average/axes", np.array([1, 2], np.int32)),
        graphdef.node("average", "Mean", [x, "average/axes"], T=graphdef.FLOAT,
                      Tidx=graphdef.INT, keep_dims=False),
        graphdef.constant("dense/kernel", dense[0].T),
        graphdef.constant("dense/bias", dense[1]),
        graphdef.node("dense/MatMul", "MatMul", ["average", "dense/kernel"], T=graphdef.FLOAT,
                      transpose_a=False, transpose_b=False),
        graphdef.node("logits", "BiasAdd", ["dense/MatMul", "dense/bias"], T=graphdef.FLOAT,
                      data_format="NHWC")]
    return graphdef.write(path, graph)


def write_darknet(path, convolutions, dense):
    sections = ["[net]\nheight=28\nwidth=28\nchannels=1\n"]
    values = []
    for number, (kernel, bias) in enumerate(convolutions, 1):
        sections.append("[convolutional]\nfilters=%d\nsize=3\nstride=1\npad=1\nactivation=relu\n" %
                        len(kernel))
        values += [bias, kernel]
        if number in POOLED:
            sections.append("[maxpool]\nsize=2\nstride=2\npadding=0\n")
    sections += ["[avgpool]\n", "[connected]\noutput=%d\nactivation=linear\n" % len(dense[1])]
    values += [dense[1], dense[0]]
    with open(path + ".cfg", "w") as file:
        file.write("# digits-cnn: reads one handwritten digit; the logits, no softmax.\n" +
                   "\n".join(sections))
    darknet.write_weights(path + ".weights", values)
    return [os.path.basename(path) + end for end in (".cfg", ".weights")]


def main():
    parser = argparse.ArgumentParser(description="Writes digits-cnn in the other formats.")
    parser.add_argument("folder", nargs="?", default=HERE)
    folder = parser.parse_args().folder
    convolutions, dense = read_weights(os.path.join(HERE, "digits-cnn.onnx"))
    for write in (write_caffe, write_tensorflow, write_darknet):
        names = write(os.path.join(folder, "digits-cnn"), convolutions, dense)
        print("wrote " + ", ".join("%s (%d bytes)" % (
            name, os.path.getsize(os.path.join(folder, name))) for name in names))


if __name__ == "__main__":
    main()
