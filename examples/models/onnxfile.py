# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Reads what an ONNX file of ours says: its constants as arrays, its nodes in order."""
import numpy as np

import protobuf


def tensor(data):
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


def node(data):
    fields = list(protobuf.read(data))
    return {"input": [value.decode() for number, value in fields if number == 1],
            "output": [value.decode() for number, value in fields if number == 2],
            "op_type": next(value.decode() for number, value in fields if number == 4)}


def read(path):
    """The initializers by name, the nodes as dictionaries of input, output and op_type."""
    model = dict(protobuf.read(open(path, "rb").read()))
    graph = list(protobuf.read(model[7]))
    return (dict(tensor(value) for number, value in graph if number == 5),
            [node(value) for number, value in graph if number == 1])
