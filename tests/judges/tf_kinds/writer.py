"""GraphDefs: in binary, as text, and as the JSON that TensorFlow.js reads, by a few lines each.

A node is (name, operator, inputs, attributes); a function (name, inputs, outputs, nodes, results), where
inputs and outputs are [(name, type)] and results {output: "node:port:0"}.
"""
import base64
import os
import struct
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "examples", "models"))
from wire import field, varint

F32, F64, I32, U8, STRING, I64, BOOL, QUINT8, RESOURCE, VARIANT = 1, 2, 3, 4, 7, 9, 10, 12, 20, 21
TYPES_OF = {"float32": F32, "float64": F64, "int32": I32, "uint8": U8, "int64": I64, "bool": BOOL}
NAMES = {F32: "DT_FLOAT", F64: "DT_DOUBLE", I32: "DT_INT32", U8: "DT_UINT8", STRING: "DT_STRING", I64: "DT_INT64",
         BOOL: "DT_BOOL", QUINT8: "DT_QUINT8", RESOURCE: "DT_RESOURCE", VARIANT: "DT_VARIANT"}


class Type(int):
    """A DataType, as an attribute."""


class Types(tuple):
    """A list of DataTypes."""


class Dims(tuple):
    """A shape, as an attribute; -1: any."""


class Strings(tuple):
    """A list of texts."""


class Func(str):
    """A function's name."""


class Quint8(np.ndarray):
    """Bytes that are DT_QUINT8."""


def type_of(a):
    return QUINT8 if isinstance(a, Quint8) else TYPES_OF[str(a.dtype)]


# ---- binary ----------------------------------------------------------------------------------


def shape_proto(dims):
    return b"".join(field(2, field(1, int(d))) for d in dims)


LISTS = {F32: 5, F64: 6, I32: 7, U8: 7, QUINT8: 7, I64: 10, BOOL: 11}


def tensor_proto(a, way):
    head = field(1, type_of(a)) + field(2, shape_proto(a.shape))
    flat = np.asarray(a).ravel()
    if way == "one" and flat.size and np.all(flat == flat[0]):
        flat = flat[:1]
    elif way == "content" or way == "one":
        return head + field(4, np.ascontiguousarray(a).tobytes())
    number = LISTS[type_of(a)]
    if number in (5, 6):
        return head + field(number, flat.astype("<f4" if number == 5 else "<f8").tobytes())
    return head + field(number, b"".join(varint(int(v)) for v in flat))


def attr_value(v, way):
    if isinstance(v, np.ndarray):
        return field(8, tensor_proto(v, way))
    if isinstance(v, Type):
        return field(6, int(v))
    if isinstance(v, Dims):
        return field(7, shape_proto(v))
    if isinstance(v, Func):
        return field(10, field(1, str(v)))
    if isinstance(v, Strings):
        return field(1, b"".join(field(2, s) for s in v))
    if isinstance(v, Types):
        return field(1, field(6, b"".join(varint(t) for t in v)))
    if isinstance(v, bool):
        return field(5, int(v))
    if isinstance(v, int):
        return field(3, v)
    if isinstance(v, float):
        return varint(4 << 3 | 5) + struct.pack("<f", v)
    if isinstance(v, str):
        return field(2, v)
    if v and isinstance(v[0], float):
        return field(1, field(4, struct.pack("<%df" % len(v), *v)))
    return field(1, field(3, b"".join(varint(i) for i in v)))


def node_proto(node, way):
    name, op, inputs, attrs = node
    body = field(1, name) + field(2, op)
    body += b"".join(field(3, i) for i in inputs)
    for k, v in attrs.items():
        body += field(5, field(1, k) + field(2, attr_value(v, way)))
    return body


def function_proto(function, way):
    name, inputs, outputs, nodes, results = function
    arguments = b"".join(field(2, field(1, n) + field(3, t)) for n, t in inputs)
    arguments += b"".join(field(3, field(1, n) + field(3, t)) for n, t in outputs)
    body = field(1, field(1, name) + arguments)
    body += b"".join(field(3, node_proto(n, way)) for n in nodes)
    return body + b"".join(field(4, field(1, k) + field(2, v)) for k, v in results.items())


def binary(nodes, way, functions=()):
    out = b"".join(field(1, node_proto(n, way)) for n in nodes)
    if functions:
        out += field(2, b"".join(field(1, function_proto(f, way)) for f in functions))
    return out


# ---- text ------------------------------------------------------------------------------------


def text_value(v):
    if isinstance(v, np.ndarray):
        dims = " ".join("dim { size: %d }" % d for d in v.shape)
        raw = "".join("\\%03o" % b for b in np.ascontiguousarray(v).tobytes())
        return 'tensor { dtype: %s tensor_shape { %s } tensor_content: "%s" }' % (NAMES[type_of(v)], dims, raw)
    if isinstance(v, Type):
        return "type: %s" % NAMES[int(v)]
    if isinstance(v, Dims):
        return "shape { %s }" % " ".join("dim { size: %d }" % d for d in v)
    if isinstance(v, Func):
        return 'func { name: "%s" }' % v
    if isinstance(v, Strings):
        return "list { %s }" % " ".join('s: "%s"' % s for s in v)
    if isinstance(v, Types):
        return "list { %s }" % " ".join("type: %s" % NAMES[t] for t in v)
    if isinstance(v, bool):
        return "b: %s" % str(v).lower()
    if isinstance(v, int):
        return "i: %d" % v
    if isinstance(v, float):
        return "f: %r" % v
    if isinstance(v, str):
        return 's: "%s"' % v
    return "list { %s }" % " ".join(("f: %r" if isinstance(i, float) else "i: %d") % i for i in v)


def text_node(node, field_name="node"):
    name, op, inputs, attrs = node
    out = '%s {\n  name: "%s"\n  op: "%s"\n' % (field_name, name, op)
    out += "".join('  input: "%s"\n' % i for i in inputs)
    for k, v in attrs.items():
        out += '  attr {\n    key: "%s"\n    value { %s }\n  }\n' % (k, text_value(v))
    return out + "}\n"


def text_function(function):
    name, inputs, outputs, nodes, results = function
    out = 'function {\n signature { name: "%s"\n' % name
    out += "".join('input_arg { name: "%s" type: %s }\n' % (n, NAMES[t]) for n, t in inputs)
    out += "".join('output_arg { name: "%s" type: %s }\n' % (n, NAMES[t]) for n, t in outputs)
    out += "}\n" + "".join(text_node(n, "node_def") for n in nodes)
    return out + "".join('ret { key: "%s" value: "%s" }\n' % i for i in results.items()) + "}\n"


def text(nodes, functions=()):
    out = "".join(text_node(n) for n in nodes)
    if functions:
        out += "library {\n%s}\n" % "".join(text_function(f) for f in functions)
    return out.encode()


# ---- JSON ------------------------------------------------------------------------------------


def coded(raw):
    return base64.b64encode(raw.encode() if isinstance(raw, str) else raw).decode()


def json_shape(dims):
    return {"dim": [{"size": str(int(d))} for d in dims]}


def json_value(v):
    if isinstance(v, np.ndarray):
        return {"tensor": {"dtype": NAMES[type_of(v)], "tensorShape": json_shape(v.shape)}}
    if isinstance(v, Type):
        return {"type": NAMES[int(v)]}
    if isinstance(v, Dims):
        return {"shape": json_shape(v)}
    if isinstance(v, Func):
        return {"func": {"name": str(v), "attr": {}}}
    if isinstance(v, Strings):
        return {"list": {"s": [coded(s) for s in v]}}
    if isinstance(v, Types):
        return {"list": {"type": [NAMES[t] for t in v]}}
    if isinstance(v, bool):
        return {"b": v}
    if isinstance(v, int):
        return {"i": str(v)}
    if isinstance(v, float):
        return {"f": v}
    if isinstance(v, str):
        return {"s": coded(v)}
    if v and isinstance(v[0], float):
        return {"list": {"f": list(v)}}
    return {"list": {"i": [str(i) for i in v]}}


def json_nodes(nodes):
    return [{"name": name, "op": op, "input": inputs, "attr": {k: json_value(v) for k, v in attrs.items()}}
            for name, op, inputs, attrs in nodes]


def json_function(function):
    name, inputs, outputs, nodes, results = function
    arguments = [[{"name": n, "type": NAMES[t]} for n, t in side] for side in (inputs, outputs)]
    return {"signature": {"name": name, "inputArg": arguments[0], "outputArg": arguments[1]},
            "nodeDef": json_nodes(nodes), "ret": results}


JSON_TYPES = {"float32": ("float32", "<f4"), "int32": ("int32", "<i4"), "int64": ("int32", "<i4"),
              "bool": ("bool", "u1"), "float64": ("float32", "<f4"), "uint8": ("int32", "<i4")}


def json_tensor(a):
    name, dtype = JSON_TYPES[str(a.dtype)]
    return {"shape": list(a.shape), "dtype": name, "data": coded(np.ascontiguousarray(a).astype(dtype).tobytes())}


def json_model(nodes, functions=()):
    """The topology, and the constants by name."""
    everywhere = list(nodes) + [n for f in functions for n in f[3]]
    weights = {name: json_tensor(np.asarray(attrs["value"])) for name, op, _, attrs in everywhere if op == "Const"}
    topology = {"node": json_nodes(nodes), "versions": {"producer": 1}}
    if functions:
        topology["library"] = {"function": [json_function(f) for f in functions]}
    return topology, weights
