# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""ONNX files: reads the constants and nodes of one, writes a model of float32 tensors."""
import numpy as np

import protobuf

KINDS = {"FLOAT": 1, "INT": 2, "STRING": 3, "INTS": 7}
TYPES = {"<f4": 1, "<i8": 7}
SCHEMA = {
    "ModelProto": {"ir_version": (1, "int32"), "producer_name": (2, "string"),
                   "graph": (7, "GraphProto"), "opset_import": (8, "OperatorSet")},
    "OperatorSet": {"domain": (1, "string"), "version": (2, "int32")},
    "GraphProto": {"node": (1, "NodeProto"), "name": (2, "string"), "initializer": (5, "TensorProto"),
                   "input": (11, "ValueInfo"), "output": (12, "ValueInfo")},
    "NodeProto": {"input": (1, "string"), "output": (2, "string"), "name": (3, "string"),
                  "op_type": (4, "string"), "attribute": (5, "Attribute")},
    "Attribute": {"name": (1, "string"), "f": (2, "float"), "i": (3, "int32"), "s": (4, "string"),
                  "ints": (8, "ints"), "type": (20, KINDS)},
    "TensorProto": {"dims": (1, "ints"), "data_type": (2, "int32"), "name": (8, "string"),
                    "raw_data": (9, "bytes")},
    "ValueInfo": {"name": (1, "string"), "type": (2, "Type")},
    "Type": {"tensor_type": (1, "TensorType")},
    "TensorType": {"elem_type": (1, "int32"), "shape": (2, "Shape")},
    "Shape": {"dim": (1, "Dim")},
    "Dim": {"dim_value": (1, "int32"), "dim_param": (2, "string")},
}


def attribute(name, value):
    field = {int: "i", float: "f", str: "s"}.get(type(value), "ints")
    kind = {"i": "INT", "f": "FLOAT", "s": "STRING", "ints": "INTS"}[field]
    return {"name": name, field: value, "type": kind}


def node(op, inputs, output, **attributes):
    """A node; `output` names it too, and may be a list."""
    outputs = [output] if isinstance(output, str) else output
    return {"input": list(inputs), "output": outputs, "name": outputs[0], "op_type": op,
            "attribute": [attribute(*pair) for pair in attributes.items()]}


def constant(name, values):
    values = np.asarray(values)
    order = "<i8" if values.dtype.kind == "i" else "<f4"
    return {"dims": values.shape, "data_type": TYPES[order], "name": name,
            "raw_data": values.astype(order).tobytes()}


def value_info(name, sizes):
    """A float32 input or output; a size may be a name."""
    dims = [{"dim_param" if isinstance(size, str) else "dim_value": size} for size in sizes]
    return {"name": name, "type": {"tensor_type": {"elem_type": 1, "shape": {"dim": dims}}}}


def write(path, name, nodes, constants, inputs, outputs, opset):
    """Constants as a dictionary of arrays; inputs and outputs as pairs of name and sizes."""
    graph = {"node": nodes, "name": name,
             "initializer": [constant(*pair) for pair in constants.items()],
             "input": [value_info(*pair) for pair in inputs],
             "output": [value_info(*pair) for pair in outputs]}
    model = {"ir_version": 7, "producer_name": "tinydnn", "graph": graph,
             "opset_import": {"domain": "", "version": opset}}
    with open(path, "wb") as file:
        file.write(protobuf.binary(SCHEMA, "ModelProto", model))


def read_tensor(data):
    """Name and array of a float32 TensorProto that has its numbers as raw bytes."""
    dims, name, raw = [], "", b""
    for number, value in protobuf.read(data):
        if number == 1:
            dims += protobuf.packed(value) if isinstance(value, bytes) else [value]
        elif number == 8:
            name = value.decode()
        elif number == 9:
            raw = value
    return name, np.frombuffer(raw, "<f4").reshape(dims)


def read_node(data):
    fields = list(protobuf.read(data))
    return {"input": [value.decode() for number, value in fields if number == 1],
            "output": [value.decode() for number, value in fields if number == 2],
            "op_type": next(value.decode() for number, value in fields if number == 4)}


def read(path):
    """The initializers by name, the nodes as dictionaries of input, output and op_type."""
    model = dict(protobuf.read(open(path, "rb").read()))
    graph = list(protobuf.read(model[7]))
    return (dict(read_tensor(value) for number, value in graph if number == 5),
            [read_node(value) for number, value in graph if number == 1])
