# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""TensorFlow's frozen GraphDef, as binary .pb and as text .pbtxt; nodes in the order they run."""
import os

import numpy as np

import protobuf

TYPES = {"DT_FLOAT": 1, "DT_INT32": 3}
SCHEMA = {
    "GraphDef": {"node": (1, "NodeDef"), "versions": (4, "VersionDef")},
    "VersionDef": {"producer": (1, "int32")},
    "NodeDef": {"name": (1, "string"), "op": (2, "string"), "input": (3, "string"),
                "attr": (5, "Entry")},
    "Entry": {"key": (1, "string"), "value": (2, "AttrValue")},
    "AttrValue": {"list": (1, "ListValue"), "s": (2, "string"), "i": (3, "int32"),
                  "f": (4, "float"), "b": (5, "bool"), "type": (6, TYPES),
                  "shape": (7, "TensorShapeProto"), "tensor": (8, "TensorProto")},
    "ListValue": {"i": (3, "ints"), "f": (4, "floats")},
    "TensorShapeProto": {"dim": (2, "Dim")},
    "Dim": {"size": (1, "int32")},
    "TensorProto": {"dtype": (1, TYPES), "tensor_shape": (2, "TensorShapeProto"),
                    "tensor_content": (4, "bytes"), "float_val": (5, "floats"),
                    "int_val": (7, "ints")},
}
FLOAT = {"type": "DT_FLOAT"}
INT = {"type": "DT_INT32"}


def shape(sizes):
    return {"dim": [{"size": size} for size in sizes]}


def attribute(value):
    """An AttrValue: as it is, or from a number, a string, a list of numbers."""
    if isinstance(value, dict):
        return value
    if isinstance(value, (list, tuple)):
        whole = all(isinstance(one, int) for one in value)
        return {"list": {"i" if whole else "f": tuple(value)}}
    kind = {bool: "b", int: "i", float: "f", str: "s"}[type(value)]
    return {kind: value}


def node(name, op, inputs=(), **attributes):
    return {"name": name, "op": op, "input": list(inputs),
            "attr": [{"key": key, "value": attribute(value)}
                     for key, value in attributes.items()]}


def placeholder(name, sizes):
    return node(name, "Placeholder", dtype=FLOAT, shape={"shape": shape(sizes)})


def constant(name, values):
    """A Const of float32 or int32: raw bytes, a single number as such, as TensorFlow does."""
    values = np.asarray(values)
    kind, order, single = ("DT_INT32", "<i4", "int_val") if values.dtype.kind == "i" \
        else ("DT_FLOAT", "<f4", "float_val")
    numbers = {"tensor_content": values.astype(order).tobytes()} if values.ndim \
        else {single: (values.item(),)}
    tensor = {"dtype": kind, "tensor_shape": shape(values.shape), **numbers}
    return node(name, "Const", dtype={"type": kind}, value={"tensor": tensor})


def conv2d(name, x, kernel, bias, stride=1, activation=None, padding="SAME"):
    """The nodes of a convolution with bias and activation, as TensorFlow's layers write them: kernel
    and bias (O, I, H, W as everybody else has them) become Consts beside it. Names the last one."""
    nodes = [constant(name + "/kernel", kernel.transpose(2, 3, 1, 0)),
             constant(name + "/bias", bias),
             node(name + "/Conv2D", "Conv2D", [x, name + "/kernel"], T=FLOAT,
                  padding=padding, data_format="NHWC", strides=[1, stride, stride, 1]),
             node(name + "/BiasAdd", "BiasAdd", [name + "/Conv2D", name + "/bias"], T=FLOAT,
                  data_format="NHWC")]
    if activation == "Relu":
        nodes.append(node(name + "/Relu", "Relu", [name + "/BiasAdd"], T=FLOAT))
    elif activation == "LeakyRelu":
        nodes.append(node(name + "/LeakyRelu", "LeakyRelu", [name + "/BiasAdd"], T=FLOAT,
                          alpha=0.1))
    return nodes, nodes[-1]["name"]


def max_pool(name, x):
    return node(name, "MaxPool", [x], T=FLOAT, data_format="NHWC", padding="VALID",
                ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1])


def concat(name, inputs, axis):
    return [constant(name + "/axis", np.int32(axis)),
            node(name, "ConcatV2", [*inputs, name + "/axis"], N=len(inputs), T=FLOAT, Tidx=INT)]


def write(path, nodes, topology=None):
    """Writes path.pb with the nodes, and path.pbtxt as OpenCV takes one beside it: the topology it
    shall run (by default the same nodes), the constants that are in the .pb left out."""
    graph = {"node": nodes, "versions": {"producer": 1087}}
    with open(path + ".pb", "wb") as file:
        file.write(protobuf.binary(SCHEMA, "GraphDef", graph))
    known = [one["name"] for one in nodes if one["op"] == "Const"]
    view = [one for one in topology or nodes if one["name"] not in known]
    with open(path + ".pbtxt", "w") as file:
        file.write(protobuf.text(SCHEMA, "GraphDef", {"node": view}))
    return [os.path.basename(path) + end for end in (".pb", ".pbtxt")]
