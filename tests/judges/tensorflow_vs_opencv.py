"""Small random TensorFlow graphs, operator by operator, in OpenCV and in tinydnn.

Each generator makes the nodes of one GraphDef, its inputs, and, where OpenCV lacks the operator or
TensorFlow's layout of it, what a formula in numpy says after TensorFlow's definition. Graphs are
written by a protocol buffer writer of a few lines, in binary or as text; constants as raw bytes, as
typed lists, and as one number that stands for all. Images pass through a pooling of one pixel now and
then, so that what follows meets them with their channels first.

    tensorflow_vs_opencv.py [OP...]     these operators only; $CONFIGS graphs of each, default 20
"""
import ctypes as C
import math
import os
import struct
import sys
import zlib

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
import tdnn
from tdnn import cv2, np

CONFIGS = int(os.environ.get("CONFIGS", "20"))
F32, F64, I32, U8, I64, BOOL, QUINT8 = 1, 2, 3, 4, 9, 10, 12
TYPES_OF = {"float32": F32, "float64": F64, "int32": I32, "uint8": U8, "int64": I64, "bool": BOOL}
NAMES = {F32: "DT_FLOAT", F64: "DT_DOUBLE", I32: "DT_INT32", U8: "DT_UINT8", I64: "DT_INT64",
         BOOL: "DT_BOOL", QUINT8: "DT_QUINT8"}

# ---- writing GraphDefs -----------------------------------------------------------------------


def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, payload):
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    return varint(number << 3 | 2) + varint(len(payload)) + payload


class Type(int):
    """A DataType, as an attribute."""


class Dims(tuple):
    """A shape, as an attribute; -1: any."""


class Quint8(np.ndarray):
    """Bytes that are DT_QUINT8."""


def type_of(a):
    return QUINT8 if isinstance(a, Quint8) else TYPES_OF[str(a.dtype)]


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
    if isinstance(v, bool):
        return field(5, int(v))
    if isinstance(v, int):
        return field(3, v)
    if isinstance(v, float):
        return varint(4 << 3 | 5) + struct.pack("<f", v)
    if isinstance(v, str):
        return field(2, v.encode())
    return field(1, field(3, b"".join(varint(i) for i in v)))


def binary(nodes, way):
    out = b""
    for name, op, inputs, attrs in nodes:
        body = field(1, name.encode()) + field(2, op.encode())
        body += b"".join(field(3, i.encode()) for i in inputs)
        for k, v in attrs.items():
            body += field(5, field(1, k.encode()) + field(2, attr_value(v, way)))
        out += field(1, body)
    return out


def text_value(v):
    if isinstance(v, np.ndarray):
        dims = " ".join("dim { size: %d }" % d for d in v.shape)
        raw = "".join("\\%03o" % b for b in np.ascontiguousarray(v).tobytes())
        return 'tensor { dtype: %s tensor_shape { %s } tensor_content: "%s" }' % (NAMES[type_of(v)], dims, raw)
    if isinstance(v, Type):
        return "type: %s" % NAMES[int(v)]
    if isinstance(v, Dims):
        return "shape { %s }" % " ".join("dim { size: %d }" % d for d in v)
    if isinstance(v, bool):
        return "b: %s" % str(v).lower()
    if isinstance(v, int):
        return "i: %d" % v
    if isinstance(v, float):
        return "f: %r" % v
    if isinstance(v, str):
        return 's: "%s"' % v
    return "list { %s }" % " ".join("i: %d" % i for i in v)


def text(nodes):
    out = ""
    for name, op, inputs, attrs in nodes:
        out += 'node {\n  name: "%s"\n  op: "%s"\n' % (name, op)
        out += "".join('  input: "%s"\n' % i for i in inputs)
        for k, v in attrs.items():
            out += '  attr {\n    key: "%s"\n    value { %s }\n  }\n' % (k, text_value(v))
        out += "}\n"
    return out.encode()


# ---- random things ---------------------------------------------------------------------------


class Random:
    def __init__(self, seed):
        self.g = np.random.default_rng(seed)

    def int(self, a, b):
        return int(self.g.integers(a, b + 1))

    def flag(self):
        return bool(self.g.integers(2))

    def one(self, *of):
        return of[self.int(0, len(of) - 1)]

    def array(self, *shape, low=-2.0, high=2.0):
        return (self.g.random(shape) * (high - low) + low).astype(np.float32)

    def ints(self, *shape, low=-9, high=9):
        return self.g.integers(low, high + 1, shape).astype(np.int32)

    def shape(self, ndim=None):
        ndim = self.int(1, 4) if ndim is None else ndim
        return tuple(self.int(1, 5) for _ in range(ndim))


class Net:
    """Nodes; inputs by name; `want`: outputs as TensorFlow has them, or None: ask OpenCV."""

    def __init__(self, r):
        self.r, self.nodes, self.inputs, self.want = r, [], {}, None

    def add(self, op, inputs=(), name=None, **attrs):
        name = name or "%s_%d" % (op, len(self.nodes))
        self.nodes.append((name, op, list(inputs), attrs))
        return name

    def const(self, a):
        a = np.asarray(a)
        if a.dtype == np.int64 and not isinstance(a, Quint8):
            a = a.astype(np.int32)
        return self.add("Const", value=a, dtype=Type(type_of(a)))

    def image(self, name):
        """The same, with its channels first inside of tinydnn."""
        return self.add("MaxPool", [name], ksize=[1, 1, 1, 1], strides=[1, 1, 1, 1], padding="VALID", T=Type(F32))

    def input(self, a, mixed=True):
        name = "in%d" % len(self.inputs)
        dims = [-1 if self.r.int(0, 3) == 0 else d for d in a.shape]
        self.add("Placeholder", name=name, dtype=Type(type_of(a)), shape=Dims(dims if mixed else a.shape))
        self.inputs[name] = a
        return self.image(name) if mixed and a.ndim == 4 and self.r.flag() else name

    def value(self, a):
        """An input or a constant."""
        return self.input(a) if self.r.flag() else self.const(a)


KINDS = {}


def kind(*names):
    def note(f):
        for n in names:
            KINDS[n] = (lambda name: lambda r: f(r, name))(n)
        return f
    return note


# ---- element-wise ----------------------------------------------------------------------------

sigmoid = lambda x: 1 / (1 + np.exp(-x))
UNARY = {
    "Abs": np.abs, "Neg": np.negative, "Exp": np.exp, "Log": np.log, "Sqrt": np.sqrt, "Square": np.square,
    "Rsqrt": lambda x: 1 / np.sqrt(x), "Sigmoid": sigmoid, "Tanh": np.tanh, "Relu": lambda x: np.maximum(x, 0),
    "Relu6": lambda x: np.clip(x * 3, 0, 6), "Elu": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
    "Selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * (np.exp(np.minimum(x, 0)) - 1)),
    "Softplus": lambda x: np.log1p(np.exp(x)), "Softsign": lambda x: x / (1 + np.abs(x)), "Floor": np.floor,
    "Ceil": np.ceil, "Round": np.round, "Rint": np.round, "Sign": np.sign, "Sin": np.sin, "Cos": np.cos,
    "Tan": np.tan, "Asin": np.arcsin, "Acos": np.arccos, "Atan": np.arctan, "Sinh": np.sinh, "Cosh": np.cosh,
    "Asinh": np.arcsinh, "Atanh": np.arctanh, "Acosh": np.arccosh,
    "Reciprocal": lambda x: 1 / x, "Log1p": np.log1p, "Expm1": np.expm1, "Inv": lambda x: 1 / x,
    "Erf": np.vectorize(math.erf), "Identity": lambda x: x, "StopGradient": lambda x: x,
    "ZerosLike": np.zeros_like, "OnesLike": np.ones_like,
    "IsNan": np.isnan,
}
POSITIVE = {"Log", "Sqrt", "Rsqrt", "Reciprocal", "Inv", "Log1p"}
SMALL = {"Asin", "Acos", "Atanh", "Tan"}


@kind(*UNARY)
def unary(r, name):
    n = Net(r)
    low, high = (0.1, 3) if name in POSITIVE else (-0.9, 0.9) if name in SMALL else (1.1, 3) if name == "Acosh" else (-3, 3)
    x = r.array(*r.shape(), low=low, high=high)
    at = n.input(x)
    if name == "Relu6":
        at = n.add("Mul", [at, n.const(np.float32(3))])
    out = n.add(name, [at], T=Type(F32))
    if name == "IsNan":
        n.add("Cast", [out], SrcT=Type(BOOL), DstT=Type(F32))
    n.want = [UNARY[name](x.astype(np.float64)).astype(np.float32)]
    return n


@kind("LeakyRelu")
def leaky(r, name):
    n, x = Net(r), r.array(*r.shape())
    alpha = r.one(0.2, 0.1, 0.3)
    n.add(name, [n.input(x)], alpha=alpha)
    n.want = [np.where(x > 0, x, alpha * x)]
    return n


BINARY = {
    "Add": np.add, "AddV2": np.add, "Sub": np.subtract, "Mul": np.multiply, "RealDiv": np.divide, "Div": np.divide,
    "Maximum": np.maximum, "Minimum": np.minimum, "Pow": np.power, "FloorDiv": np.floor_divide, "FloorMod": np.mod,
    "SquaredDifference": lambda a, b: (a - b) ** 2, "TruncateMod": np.fmod,
    "DivNoNan": lambda a, b: a / b,
    "Greater": np.greater, "GreaterEqual": np.greater_equal, "Less": np.less, "LessEqual": np.less_equal,
    "Equal": np.equal, "NotEqual": np.not_equal,
}


def broadcastable(r):
    full = list(r.shape(r.int(1, 4)))
    parts = []
    for _ in range(2):
        s = [1 if r.int(0, 3) == 0 else d for d in full]
        parts.append(tuple(s[r.int(0, len(s)) if r.int(0, 2) == 0 else 0:]))
    return parts


@kind(*BINARY)
def binary_op(r, name):
    n = Net(r)
    sa, sb = broadcastable(r)
    whole = name in ("Equal", "NotEqual") or r.flag() and name in ("FloorDiv", "FloorMod", "TruncateMod")
    if whole:
        a, b = r.ints(*sa).astype(np.float32), r.ints(*sb, low=1, high=4).astype(np.float32)
    else:
        a, b = r.array(*sa), r.array(*sb, low=0.3, high=2)
    if name == "Pow":
        a = np.abs(a) + np.float32(0.1)
    ins = [n.input(a), n.value(b)]
    if r.flag():
        a, b, ins = b, a, ins[::-1]
        if name in ("RealDiv", "Div", "DivNoNan", "FloorDiv", "FloorMod", "TruncateMod"):
            a, b, ins = b, a, ins[::-1]
    out = n.add(name, ins, T=Type(F32))
    want = BINARY[name](a, b)
    if want.dtype == bool:
        n.add("Cast", [out], SrcT=Type(BOOL), DstT=Type(F32))
    n.want = [want.astype(np.float32)]
    return n


@kind("LogicalAnd", "LogicalOr", "LogicalNot", "Select", "SelectV2")
def logical(r, name):
    n, s = Net(r), r.shape()
    x, y = r.array(*s), r.array(*s)
    at = n.input(x)
    bt = at if name == "LogicalNot" else n.input(y)
    p = n.add("Greater", [at, n.const(np.float32(0))])
    if name.startswith("Select"):
        n.add(name, [p, at, bt])
        n.want = [np.where(x > 0, x, y)]
        return n
    if name == "LogicalNot":
        out = n.add(name, [p])
    else:
        out = n.add(name, [p, n.add("Less", [bt, n.const(np.float32(0.5))])])
    want = {"LogicalAnd": (x > 0) & (y < 0.5), "LogicalOr": (x > 0) | (y < 0.5), "LogicalNot": ~(x > 0)}[name]
    n.add("Cast", [out], SrcT=Type(BOOL), DstT=Type(F32))
    n.want = [want.astype(np.float32)]
    return n


@kind("AddN")
def add_n(r, name):
    n, s = Net(r), r.shape()
    arrays = [r.array(*s) for _ in range(r.int(1, 4))]
    n.add(name, [n.input(a) for a in arrays], N=len(arrays))
    n.want = [sum(arrays)]
    return n


@kind("BiasAdd")
def bias_add(r, name):
    n, s = Net(r), r.shape(r.int(2, 4))
    x, b = r.array(*s), r.array(s[-1])
    n.add(name, [n.input(x), n.const(b)], data_format="NHWC")
    n.want = [x + b]
    return n


@kind("ClipByValue")
def clip(r, name):
    n, x = Net(r), r.array(*r.shape())
    n.add(name, [n.input(x), n.const(np.float32(-0.5)), n.const(np.float32(1))])
    n.want = [np.clip(x, -0.5, 1)]
    return n


@kind("FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxArgs")
def fake_quant(r, name):
    n, x = Net(r), r.array(*r.shape(), low=-4, high=4)
    low, high, bits, narrow = -r.int(1, 30) / 10, r.int(1, 30) / 10, r.one(8, 8, 4), r.flag()
    attrs = dict(num_bits=bits, narrow_range=narrow)
    if name.endswith("Vars"):
        n.add(name, [n.input(x), n.const(np.float32(low)), n.const(np.float32(high))], **attrs)
    else:
        n.add(name, [n.input(x)], min=float(low), max=float(high), **attrs)
    steps = 2 ** bits - (2 if narrow else 1)
    low, high = np.float32(low), np.float32(high)
    scale = (high - low) / np.float32(steps)
    zero = np.clip(np.floor(-low / scale + np.float32(0.5)), 0, steps)
    lo, hi = -zero * scale, (steps - zero) * scale
    n.want = [(np.floor((np.clip(x, lo, hi) - lo) / scale + 0.5) * scale + lo).astype(np.float32)]
    n.tolerance = float(scale) * 1.01 # a number on the border of two steps may go either way
    n.few = True
    return n


@kind("Dequantize")
def dequantize(r, name):
    n, s = Net(r), r.shape(4)
    q = r.g.integers(0, 256, s).astype(np.uint8).view(Quint8)
    low, high, mode = -r.int(0, 30) / 10, r.int(1, 30) / 10, r.one("MIN_FIRST", "MIN_COMBINED", "SCALED")
    d = n.add(name, [n.const(q), n.const(np.float32(low)), n.const(np.float32(high))], mode=mode, T=Type(QUINT8))
    x = r.array(*s)
    n.add("Add", [n.input(x), d])
    a = np.asarray(q).astype(np.float64)
    scale = float(np.float32(high) - np.float32(low)) / 255
    if mode == "MIN_COMBINED":
        y = a * scale + low
    elif mode == "MIN_FIRST":
        y = a * scale - math.floor(float(np.float32(-low) / np.float32(scale)) + 0.5) * scale # half: away from 0
    else:
        y = a * high / 255
    n.want = [(x + y).astype(np.float32)]
    return n


@kind("Cast")
def cast(r, name):
    n, x = Net(r), r.array(*r.shape(), low=-9, high=9)
    i = n.add(name, [n.input(x)], SrcT=Type(F32), DstT=Type(I32))
    n.add(name, [i], SrcT=Type(I32), DstT=Type(F32))
    n.want = [np.trunc(x)]
    return n


# ---- convolutions and pooling: OpenCV ----------------------------------------------------------


def window(r, x):
    k = (r.int(1, min(3, x.shape[1])), r.int(1, min(3, x.shape[2])))
    s = r.one([1, 1, 1, 1], [1, 2, 2, 1])
    return k, s, r.one("SAME", "VALID")


@kind("Conv2D", "DepthwiseConv2dNative")
def conv(r, name):
    n, x = Net(r), r.array(r.int(1, 2), r.int(4, 9), r.int(4, 9), r.int(1, 4))
    k, s, padding = window(r, x)
    w = r.array(*k, x.shape[3], r.int(1, 3) if name[0] == "D" else r.int(1, 5))
    at = n.add(name, [n.input(x, False), n.const(w)], strides=s, padding=padding, data_format="NHWC", T=Type(F32))
    if r.flag():
        at = n.add("BiasAdd", [at, n.const(r.array(w.shape[3] * (x.shape[3] if name[0] == "D" else 1)))])
    if r.flag():
        n.add("Relu", [at], T=Type(F32))
    return n


def dilated_pixels(x, w, d):
    """Convolution VALID with stride 1, NHWC, by sums."""
    kh, kw, _, m = w.shape
    h, v = x.shape[1] - (kh - 1) * d[0], x.shape[2] - (kw - 1) * d[1]
    y = np.zeros((x.shape[0], h, v, m))
    for i in range(kh):
        for j in range(kw):
            y += x[:, i * d[0]:i * d[0] + h, j * d[1]:j * d[1] + v].astype(np.float64) @ w[i, j]
    return y.astype(np.float32)


@kind("Conv2D dilations", "SpaceToBatchND Conv2D")
def dilated(r, name):
    d = (r.int(1, 3), r.int(1, 3))
    n, x = Net(r), r.array(r.int(1, 2), r.int(8, 9), r.int(8, 9), r.int(1, 3))
    w = r.array(2, 3, x.shape[3], r.int(1, 4))
    if name[0] == "C":
        n.add("Conv2D", [n.input(x), n.const(w)], strides=[1, 1, 1, 1], padding="VALID",
              dilations=[1, d[0], d[1], 1])
        n.want = [dilated_pixels(x, w, d)]
        return n
    pads = [[r.int(0, 2), r.int(0, 2)] for _ in range(2)]
    crops = [[0, 0], [0, 0]]
    for i in range(2):
        more = -(x.shape[1 + i] + sum(pads[i])) % d[i]
        pads[i][1] += more
        crops[i][1] = min(more, 1)
    at = n.add("SpaceToBatchND", [n.input(x), n.const(np.array(d)), n.const(np.array(pads))])
    at = n.add("Conv2D", [at, n.const(w)], strides=[1, 1, 1, 1], padding="VALID")
    bias = r.array(w.shape[3])
    if r.flag():
        at = n.add("BiasAdd", [at, n.const(bias)])
    else:
        bias = bias * 0
    at = n.add("Relu", [at]) if r.flag() else at
    relu = "Relu" in at
    n.add("BatchToSpaceND", [at, n.const(np.array(d)), n.const(np.array(crops))])
    y = dilated_pixels(np.pad(x, [(0, 0)] + [tuple(p) for p in pads] + [(0, 0)]), w, d) + bias
    y = y[:, crops[0][0]:y.shape[1] - crops[0][1], crops[1][0]:y.shape[2] - crops[1][1]]
    n.want = [np.maximum(y, 0) if relu else y]
    return n


def space_to_batch(x, d, pads):
    x = np.pad(x, [(0, 0)] + [tuple(p) for p in pads] + [(0, 0)])
    b, h, w, c = x.shape
    y = x.reshape(b, h // d[0], d[0], w // d[1], d[1], c).transpose(2, 4, 0, 1, 3, 5)
    return y.reshape(-1, h // d[0], w // d[1], c)


@kind("SpaceToBatchND", "BatchToSpaceND")
def blocks(r, name):
    d = (r.int(1, 3), r.int(1, 3))
    n, x = Net(r), r.array(r.int(1, 2), 6, 6, r.int(1, 3))
    pads = [[d[i] * r.int(0, 1), d[i] * r.int(0, 1)] for i in range(2)]
    for i in range(2):
        pads[i][0] += -(6 + sum(pads[i])) % d[i]
    y = space_to_batch(x, d, pads)
    if name[0] == "S":
        at = n.add(name, [n.input(x), n.const(np.array(d)), n.const(np.array(pads))])
        n.add("Mean", [at, n.const(np.array([1]))]) if r.flag() else None
        n.want = [y.mean(1) if "Mean" in n.nodes[-1][1] else y]
    else:
        n.add(name, [n.input(np.ascontiguousarray(y)), n.const(np.array(d)), n.const(np.array(pads))])
        n.want = [x]
    return n


@kind("Conv2DBackpropInput")
def conv_transpose(r, name):
    n, x = Net(r), r.array(r.int(1, 2), r.int(2, 5), r.int(2, 5), r.int(1, 3))
    k, s, m = r.int(1, 4), r.int(1, 3), r.int(1, 3)
    padding = r.one("SAME", "VALID")
    w = r.array(k, k, m, x.shape[3])
    h, v = [(d * s if padding == "SAME" else (d - 1) * s + k) for d in x.shape[1:3]]
    if r.flag() and s > 1:
        h, v = (h - 1, v - 1) if padding == "SAME" else (h + 1, v + 1)
    full = np.zeros((x.shape[0], h + 3 * k + s, v + 3 * k + s, m))
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            full[:, i * s:i * s + k, j * s:j * s + k] += np.einsum("bc,hwmc->bhwm", x[:, i, j], w)
    cut = [max((-(-d // s) - 1) * s + k - d, 0) // 2 if padding == "SAME" else 0 for d in (h, v)]
    n.add(name, [n.const(np.array([x.shape[0], h, v, m])), n.const(w), n.input(x)], strides=[1, s, s, 1],
          padding=padding)
    n.want = [full[:, cut[0]:cut[0] + h, cut[1]:cut[1] + v].astype(np.float32)]
    return n


@kind("MaxPool", "AvgPool")
def pool(r, name):
    n, x = Net(r), r.array(r.int(1, 2), r.int(4, 9), r.int(4, 9), r.int(1, 4))
    k, s, padding = window(r, x)
    n.add(name, [n.input(x, False)], ksize=[1, k[0], k[1], 1], strides=s, padding=padding, T=Type(F32))
    return n


@kind("Conv3D", "MaxPool3D", "AvgPool3D")
def volume(r, name):
    n, x = Net(r), r.array(r.int(1, 2), r.int(2, 4), r.int(3, 5), r.int(3, 5), r.int(1, 3))
    k = [r.int(1, 2), r.int(1, 3), r.int(1, 3)]
    out = [x.shape[i + 1] - k[i] + 1 for i in range(3)]
    parts = [x[:, a:a + out[0], b:b + out[1], c:c + out[2]]
             for a in range(k[0]) for b in range(k[1]) for c in range(k[2])]
    if name == "Conv3D":
        w = r.array(*k, x.shape[4], r.int(1, 3))
        n.add(name, [n.input(x), n.const(w)], strides=[1] * 5, padding="VALID")
        n.want = [sum(p @ f for p, f in zip(parts, w.reshape((-1,) + w.shape[3:])))]
    else:
        n.add(name, [n.input(x)], ksize=[1] + k + [1], strides=[1] * 5, padding="VALID")
        n.want = [np.max(parts, 0) if name[0] == "M" else np.mean(parts, 0)]
    return n


@kind("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
def batch_norm(r, name):
    n, x = Net(r), r.array(r.int(1, 2), r.int(2, 5), r.int(2, 5), r.int(1, 4))
    c, eps, train = x.shape[3], r.one(1e-3, 1e-5), r.int(0, 2)
    g, b, m, v = r.array(c), r.array(c), r.array(c), r.array(c, low=0.2, high=2)
    e = np.zeros(0, np.float32)
    n.add(name, [n.input(x)] + [n.const(a) for a in (g, b, e if train == 1 else m, e if train == 1 else v)],
          epsilon=eps, is_training=train > 0)
    if train:
        m, v = x.mean((0, 1, 2)), x.var((0, 1, 2))
    n.want = [(x - m) / np.sqrt(v + eps) * g + b]
    return n


@kind("LRN")
def lrn(r, name):
    n, x = Net(r), r.array(1, 3, 4, r.int(3, 8))
    radius, bias, alpha, beta = r.int(1, 3), r.one(1.0, 2.0), r.one(0.1, 1.0), r.one(0.5, 0.75)
    n.add(name, [n.input(x)], depth_radius=radius, bias=bias, alpha=alpha, beta=beta)
    c = x.shape[3]
    s = np.stack([(x[..., max(i - radius, 0):i + radius + 1] ** 2).sum(-1) for i in range(c)], -1)
    n.want = [x / (bias + alpha * s) ** beta]
    return n


@kind("ResizeBilinear", "ResizeNearestNeighbor")
def resize(r, name):
    n, x = Net(r), r.array(r.int(1, 2), r.int(2, 6), r.int(2, 6), r.int(1, 3))
    size = [r.int(2, 12), r.int(2, 12)]
    how = r.one("", "align_corners", "half_pixel_centers")
    n.add(name, [n.input(x), n.const(np.array(size))], **({how: True} if how else {}))
    y = x.astype(np.float64)
    for axis in (1, 2):
        i, o = x.shape[axis], size[axis - 1]
        at = np.arange(o, dtype=np.float64)
        scale = np.float32((i - 1) / (o - 1)) if how[:1] == "a" else np.float32(i / o)
        nearest = name[6] == "N"
        at = (at + 0.5) * scale - (0 if nearest else 0.5) if how[:1] == "h" else at * scale
        if nearest:
            at = np.floor(np.float32(at) + (0.5 if how[:1] == "a" else 0))
            y = y.take(np.clip(at, 0, i - 1).astype(int), axis)
            continue
        a = np.clip(np.floor(at), 0, i - 1).astype(int)
        b = np.clip(np.floor(at) + 1, 0, i - 1).astype(int)
        t = np.clip(at - np.floor(at), 0, 1).reshape([-1 if d == axis else 1 for d in range(4)])
        y = y.take(a, axis) * (1 - t) + y.take(b, axis) * t
    n.want = [y.astype(np.float32)]
    return n


@kind("DepthToSpace", "SpaceToDepth")
def depth(r, name):
    b, n = r.int(2, 3), Net(r)
    big = r.array(r.int(1, 2), b * r.int(1, 3), b * r.int(1, 3), r.int(1, 3))
    m, h, w, c = big.shape
    deep = big.reshape(m, h // b, b, w // b, b, c).transpose(0, 1, 3, 2, 4, 5).reshape(m, h // b, w // b, -1)
    x, y = (deep, big) if name[0] == "D" else (big, deep)
    n.add(name, [n.input(np.ascontiguousarray(x))], block_size=b)
    n.want = [y]
    return n


# ---- along axes --------------------------------------------------------------------------------

REDUCE = {"Mean": np.mean, "Sum": np.sum, "Max": np.max, "Min": np.min, "Prod": np.prod}


@kind(*REDUCE)
def reduce(r, name):
    n, x = Net(r), r.array(*r.shape(r.int(2, 4)))
    axes = [a for a in range(x.ndim) if r.flag()] or [r.int(0, x.ndim - 1)]
    keep = r.flag()
    given = [a - x.ndim if r.flag() else a for a in axes]
    n.add(name, [n.input(x), n.const(np.array(given))], keep_dims=keep)
    n.want = [np.asarray(REDUCE[name](x, tuple(axes), keepdims=keep))]
    return n


@kind("ArgMax", "ArgMin")
def arg(r, name):
    n, x = Net(r), r.array(*r.shape(r.int(2, 4)))
    axis = r.int(-x.ndim, x.ndim - 1)
    out = n.add(name, [n.input(x), n.const(np.int32(axis))], output_type=Type(r.one(I32, I64)))
    n.add("Cast", [out], DstT=Type(F32))
    n.want = [(np.argmax if name == "ArgMax" else np.argmin)(x, axis).astype(np.float32)]
    return n


@kind("Softmax", "LogSoftmax")
def softmax(r, name):
    n, x = Net(r), r.array(*r.shape(r.int(2, 4)))
    n.add(name, [n.input(x)], T=Type(F32))
    e = np.exp(x - x.max(-1, keepdims=True))
    y = e / e.sum(-1, keepdims=True)
    n.want = [np.log(y) if name[0] == "L" else y]
    return n


@kind("MatMul", "BatchMatMul", "BatchMatMulV2")
def matmul(r, name):
    n, k = Net(r), r.int(1, 6)
    front = () if name == "MatMul" else r.shape(r.int(1, 2))
    a, b = r.array(*front, r.int(1, 5), k), r.array(*front, k, r.int(1, 5))
    want = a @ b
    ta, tb = r.flag(), r.flag()
    a = np.ascontiguousarray(np.swapaxes(a, -1, -2)) if ta else a
    b = np.ascontiguousarray(np.swapaxes(b, -1, -2)) if tb else b
    names = ("transpose_a", "transpose_b") if name == "MatMul" else ("adj_x", "adj_y")
    n.add(name, [n.input(a), n.value(b)], **{names[0]: ta, names[1]: tb})
    n.want = [want]
    return n


# ---- shapes and pieces -------------------------------------------------------------------------


@kind("Reshape", "Flatten Shape")
def reshape(r, name):
    n, x = Net(r), r.array(*r.shape(r.int(2, 4)))
    at = n.input(x)
    if name == "Reshape":
        dims = list(x.shape)
        r.g.shuffle(dims)
        i = r.int(0, len(dims))
        given = [-1 if j == i else d for j, d in enumerate(dims)]
        n.add(name, [at, n.const(np.array(given))])
        n.want = [x.reshape(dims)]
        return n
    s = n.add("Shape", [at])
    one = n.const(np.array([1]))
    b = n.add("StridedSlice", [s, n.const(np.array([0])), one, one], shrink_axis_mask=1)
    p = n.add("Pack", [b, n.const(np.int32(-1))], N=2)
    n.add("Reshape", [at, p])
    n.want = [x.reshape(x.shape[0], -1)]
    return n


@kind("ExpandDims", "Squeeze")
def dims(r, name):
    n, x = Net(r), r.array(*r.shape(r.int(1, 3)))
    a = r.int(-x.ndim - 1, x.ndim)
    y = np.expand_dims(x, a)
    if name == "ExpandDims":
        n.add(name, [n.input(x), n.const(np.int32(a))])
        n.want = [y]
    else:
        n.add(name, [n.input(y, False)], **({"squeeze_dims": [a]} if r.flag() or 1 in x.shape else {}))
        n.want = [x]
    return n


@kind("Transpose")
def transpose(r, name):
    n, x = Net(r), r.array(*r.shape(r.int(2, 4)))
    p = r.g.permutation(x.ndim)
    at = n.add(name, [n.input(x), n.const(p)])
    n.want = [x.transpose(p)]
    if r.flag():
        n.add("Exp", [at])
        n.want = [np.exp(x.transpose(p))]
    return n


@kind("Concat", "ConcatV2")
def concat(r, name):
    n, s = Net(r), r.shape(r.int(1, 4))
    axis = r.int(-len(s), len(s) - 1)
    arrays = []
    for _ in range(r.int(2, 3)):
        t = list(s)
        t[axis] = r.int(1, 3)
        arrays.append(r.array(*t))
    if name == "Concat":
        axis %= len(s)
    ins = [n.value(a) if i else n.input(a) for i, a in enumerate(arrays)]
    c = n.const(np.int32(axis))
    n.add(name, [c] + ins if name == "Concat" else ins + [c], N=len(ins))
    n.want = [np.concatenate(arrays, axis)]
    return n


@kind("Pack", "Unpack")
def pack(r, name):
    n, s, k = Net(r), r.shape(r.int(1, 3)), r.int(1, 3)
    arrays = [r.array(*s) for _ in range(k)]
    axis = r.int(-len(s) - 1, len(s))
    if name == "Pack":
        n.add(name, [n.input(a) for a in arrays], axis=axis, N=k)
        n.want = [np.stack(arrays, axis)]
    else:
        at = n.add(name, [n.input(np.stack(arrays, axis))], axis=axis, num=k)
        for i in range(k):
            n.add("Neg", ["%s:%d" % (at, i) if i else at])
        n.want = [-a for a in arrays]
    return n


@kind("Split", "SplitV")
def split(r, name):
    n, s, k = Net(r), list(r.shape(r.int(1, 4))), r.int(1, 3)
    axis = r.int(-len(s), len(s) - 1)
    sizes = [r.int(1, 3)] * k if name == "Split" else [r.int(1, 3) for _ in range(k)]
    s[axis] = sum(sizes)
    x = r.array(*s)
    at, a = n.input(x, name == "Split"), n.const(np.int32(axis))
    if name == "SplitV" and r.flag():
        given = list(sizes)
        given[r.int(0, k - 1)] = -1
    else:
        given = sizes
    at = n.add(name, [a, at] if name == "Split" else [at, n.const(np.array(given)), a], num_split=k)
    for i in range(k):
        n.add("Exp", ["%s:%d" % (at, i) if i else at])
    n.want = [np.exp(p) for p in np.split(x, np.cumsum(sizes)[:-1], axis)]
    return n


@kind("Slice")
def slice_op(r, name):
    n, x = Net(r), r.array(*r.shape())
    begin = [r.int(0, d - 1) for d in x.shape]
    size = [r.one(-1, r.int(1, d - b)) for b, d in zip(begin, x.shape)]
    n.add(name, [n.input(x), n.const(np.array(begin)), n.const(np.array(size))])
    n.want = [x[tuple(slice(b, None if s < 0 else b + s) for b, s in zip(begin, size))]]
    return n


@kind("StridedSlice")
def strided_slice(r, name):
    n, x = Net(r), r.array(*[r.int(2, 6) for _ in range(r.int(1, 4))])
    begin, end, step, index = [], [], [], []
    masks = dict(begin_mask=0, end_mask=0, ellipsis_mask=0, new_axis_mask=0, shrink_axis_mask=0)
    dim, ellipsis = 0, False
    while dim < x.ndim:
        i, d = len(begin), x.shape[dim]
        what = r.int(0, 6)
        b, e, s = r.int(-d, d - 1), r.int(-d, d), r.one(1, 1, 2, -1)
        if what == 0 and len(begin) < 6:
            masks["new_axis_mask"] |= 1 << i
            index.append(None)
        elif what == 1 and not ellipsis:
            ellipsis = True
            masks["ellipsis_mask"] |= 1 << i
            index.append(Ellipsis)
            dim = r.int(dim, x.ndim)
        elif what == 2:
            masks["shrink_axis_mask"] |= 1 << i
            index.append(b)
            e, s = b + 1, 1
            dim += 1
        else:
            # an empty result is no use for a comparison
            if len(range(d)[b:e:s]) == 0 or r.flag():
                masks["begin_mask"] |= 1 << i
                masks["end_mask"] |= 1 << i
            m = masks["begin_mask"] >> i & 1
            index.append(slice(None if m else b, None if m else e, s))
            dim += 1
        begin.append(b), end.append(e), step.append(s)
        if not ellipsis and r.int(0, 5) == 0:
            break
    if not begin:
        return strided_slice(r, name)
    y = x[tuple(index)]
    n.add(name, [n.input(x)] + [n.const(np.array(v)) for v in (begin, end, step)], **masks)
    n.want = [y]
    return n


@kind("Pad", "PadV2", "MirrorPad")
def pad(r, name):
    n, x = Net(r), r.array(*[r.int(2, 5) for _ in range(r.int(1, 4))])
    symmetric = r.flag()
    p = [(r.int(0, d - (0 if symmetric else 1)) if name[0] == "M" else r.int(0, 3),
          r.int(0, 1)) for d in x.shape]
    ins = [n.input(x), n.const(np.array(p))]
    if name == "PadV2":
        n.add(name, ins + [n.const(np.float32(1.5))])
        n.want = [np.pad(x, p, constant_values=1.5)]
    elif name == "Pad":
        n.add(name, ins)
        n.want = [np.pad(x, p)]
    else:
        n.add(name, ins, mode="SYMMETRIC" if symmetric else "REFLECT")
        n.want = [np.pad(x, p, "symmetric" if symmetric else "reflect")]
    return n


@kind("Tile", "Fill", "BroadcastTo")
def tile(r, name):
    n, x = Net(r), r.array(*r.shape())
    if name == "Tile":
        k = [r.int(1, 3) for _ in x.shape]
        n.add(name, [n.input(x), n.const(np.array(k))])
        n.want = [np.tile(x, k)]
    elif name == "Fill":
        f = n.add(name, [n.const(np.array(x.shape)), n.const(np.float32(2.5))])
        n.add("Add", [n.input(x), f])
        n.want = [x + 2.5]
    else:
        y = r.array(*[1 if r.flag() else d for d in x.shape])
        b = n.add(name, [n.input(y), n.const(np.array(x.shape))])
        n.add("Neg", [b])
        n.want = [-np.broadcast_to(y, x.shape)]
    return n


@kind("Gather", "GatherV2", "GatherNd", "ReverseV2", "OneHot", "TopKV2", "Range", "Rank Size")
def picking(r, name):
    n, x = Net(r), r.array(*r.shape())
    if name == "Gather":
        i = r.ints(r.int(1, 4), low=0, high=x.shape[0] - 1)
        n.add(name, [n.input(x), n.const(i)])
        n.want = [x[i]]
    elif name == "GatherV2":
        a = r.int(-x.ndim, x.ndim - 1)
        i = r.ints(*r.shape(r.int(0, 2)), low=0, high=x.shape[a] - 1)
        n.add(name, [n.input(x), n.const(i), n.const(np.int32(a))])
        n.want = [np.take(x, i, a)]
    elif name == "GatherNd":
        i = r.ints(4, 1, low=0, high=x.shape[0] - 1)
        n.add(name, [n.input(x), n.const(i)])
        n.want = [x[i[:, 0]]]
    elif name == "ReverseV2":
        a = r.int(-x.ndim, x.ndim - 1)
        n.add(name, [n.input(x), n.const(np.array([a]))])
        n.want = [np.flip(x, a)]
    elif name == "OneHot":
        i = r.ints(r.int(1, 5), low=0, high=4)
        cast_in = n.add("Cast", [n.input(i.astype(np.float32))], DstT=Type(I32))
        n.add(name, [cast_in, n.const(np.int32(5)), n.const(np.float32(2)), n.const(np.float32(-1))], axis=-1)
        n.want = [np.where(np.arange(5) == i[:, None], 2, -1).astype(np.float32)]
    elif name == "TopKV2":
        k = r.int(1, x.shape[-1])
        at = n.add(name, [n.input(x), n.const(np.int32(k))])
        n.add("Cast", [at + ":1"], DstT=Type(F32))
        n.add("Neg", [at])
        order = np.argsort(-x, -1, kind="stable")[..., :k]
        n.want = [order.astype(np.float32), -np.take_along_axis(x, order, -1)]
    elif name == "Range":
        v = n.add(name, [n.const(np.int32(2)), n.const(np.int32(2 + 3 * x.shape[-1])), n.const(np.int32(3))])
        n.add("Add", [n.input(x), n.add("Cast", [v], DstT=Type(F32))])
        n.want = [x + np.arange(2, 2 + 3 * x.shape[-1], 3, dtype=np.float32)]
    else:
        at = n.input(x)
        k, s = n.add("Rank", [at]), n.add("Size", [at])
        n.add("Cast", [n.add("Mul", [k, s])], DstT=Type(F32))
        n.want = [np.float32(x.ndim * x.size).reshape(())]
    return n


# ---- control flow ------------------------------------------------------------------------------


@kind("Switch Merge")
def branch(r, name):
    n, x = Net(r), r.array(*r.shape(4))
    at = n.input(x)
    truth = r.flag()
    if r.flag():
        p = n.const(np.array(truth))
    else:
        m = n.add("Max", [at, n.const(np.arange(4))])
        p = n.add("Greater" if truth else "Less", [m, n.const(np.float32(-100))])
    s = n.add("Switch", [at, p])
    a, b = n.add("Exp", [s]), n.add("Neg", [s + ":1"])
    n.add("Merge", [a, b] if r.flag() else [b, a])
    n.want = [-x if truth else np.exp(x)]
    return n


@kind("while TensorArray")
def loop(r, name):
    """s = tanh(s + x[t]); what is written: s."""
    n, t, k = Net(r), r.int(1, 5), r.int(1, 4)
    x, s = r.array(t, 2, k), r.array(2, k)
    size, zero, one = n.const(np.int32(t)), n.const(np.int32(0)), n.const(np.int32(1))
    steps = n.add("Range", [zero, size, one])
    a = n.add("TensorArrayV3", [size], dtype=Type(F32))
    f = n.add("TensorArrayScatterV3", [a, steps, n.input(x), a + ":1"])
    b = n.add("TensorArrayV3", [size], dtype=Type(F32))
    enter = lambda v, c: n.add("Enter", [v], frame_name="loop", is_constant=c)
    state = [zero, n.const(s), b + ":1"]
    merges = [n.add("Merge", [enter(v, False), "next%d" % i]) for i, v in enumerate(state)]
    cond = n.add("LoopCond", [n.add("Less", [merges[0], enter(size, True)])])
    switches = [n.add("Switch", [m, cond]) for m in merges]
    i, h, w = [n.add("Identity", [v + ":1"]) for v in switches]
    row = n.add("TensorArrayReadV3", [enter(a, True), i, enter(f, True)], dtype=Type(F32))
    h = n.add("Tanh", [n.add("Add", [h, row])])
    w = n.add("TensorArrayWriteV3", [enter(b, True), i, h, w])
    i = n.add("Add", [i, one])
    for j, v in enumerate((i, h, w)):
        n.add("NextIteration", [v], name="next%d" % j)
    n.add("Neg", [n.add("Exit", [switches[1]])])
    out = n.add("Exit", [switches[2]])
    n.add("TensorArrayGatherV3", [b, steps, out])
    rows = []
    for row in x:
        s = np.tanh(s + row)
        rows.append(s)
    n.want = [-s, np.stack(rows)]
    return n


# ---- judging -----------------------------------------------------------------------------------


class LoadOptions(C.Structure):
    _fields_ = [("format", C.c_int), ("darknet_as", C.c_int), ("io_layout", C.c_int), ("optimize", C.c_bool),
                ("max_bytes", C.c_uint64), ("max_tensor_bytes", C.c_uint64), ("max_nodes", C.c_uint32),
                ("inputs", C.c_void_p), ("input_count", C.c_size_t), ("outputs", C.c_void_p),
                ("output_count", C.c_size_t), ("found", C.c_void_p), ("user", C.c_void_p)]


def first(a):
    return np.ascontiguousarray(np.moveaxis(a, -1, 1)) if a.ndim >= 4 else a


def opencv(net):
    cv = cv2.dnn.readNetFromTensorflow(binary(net.nodes, "content"))
    for name, a in net.inputs.items():
        cv.setInput(first(a), name)
    return cv.forward(cv.getUnconnectedOutLayersNames())


def tinydnn(model, inputs, nchw):
    net, session, error = C.c_void_p(), C.c_void_p(), tdnn.Error()
    options = LoadOptions()
    tdnn.lib.tdnn_load_options_init(C.byref(options))
    options.io_layout = 0 if nchw else 1
    bytes_ = tdnn.Bytes(model, len(model)), tdnn.Bytes(b"", 0)
    tdnn.check(tdnn.lib.tdnn_net_load_memory(*bytes_, C.byref(options), C.byref(net), C.byref(error)), error)
    try:
        return run(net, session, inputs, error)
    finally:
        tdnn.lib.tdnn_session_free(session)
        tdnn.lib.tdnn_net_release(net)


def run(net, session, inputs, error):
    lib = tdnn.lib
    tdnn.check(lib.tdnn_session_create(net, None, C.byref(session), C.byref(error)), error)
    for name, a in inputs.items():
        a = np.array(a, order="C")
        shape, tensor = tdnn.Shape(a.ndim, (C.c_int64 * 8)(*a.shape)), C.c_void_p()
        dtype = {"float32": 1, "int32": 6}[str(a.dtype)]
        tdnn.check(lib.tdnn_tensor_wrap(C.c_void_p(a.ctypes.data), C.c_size_t(a.nbytes), dtype, C.byref(shape),
                                        C.byref(tensor), C.byref(error)), error)
        status = lib.tdnn_session_set_input(session, name.encode(), tensor, C.byref(error))
        lib.tdnn_tensor_release(tensor)
        tdnn.check(status, error)
    tdnn.check(lib.tdnn_session_run(session, C.byref(error)), error)
    results = []
    for i in range(lib.tdnn_net_output_count(net)):
        out = C.c_void_p()
        name = lib.tdnn_net_output(net, i).contents.name
        tdnn.check(lib.tdnn_session_output(session, name, C.byref(out), C.byref(error)), error)
        results.append(tdnn.tensor_array(out))
    return results


def difference(got, want, net):
    if len(got) != len(want):
        return "%d outputs, expected %d" % (len(got), len(want))
    for g, w in zip(got, want):
        w = np.asarray(w)
        if g.shape != w.shape:
            return "shape %s, expected %s" % (g.shape, w.shape)
        far = np.abs(g.astype(np.float64) - w)
        scale = max(1.0, float(np.abs(w).max(initial=0)))
        wrong = far > 1e-4 * scale
        if getattr(net, "few", False) and wrong.mean() < 0.02 and far.max(initial=0) < net.tolerance:
            continue
        if wrong.any() or np.isnan(far).any():
            return "differs by %g of %g" % (far.max(), scale)
    return ""


def judge(net, way):
    model = text(net.nodes) if way == "text" else binary(net.nodes, way)
    if net.want is not None:
        return difference(tinydnn(model, net.inputs, False), net.want, net)
    inputs = {k: first(a) for k, a in net.inputs.items()}
    got, want = tinydnn(model, inputs, True), opencv(net)
    plain = [first(a) for a in tinydnn(model, net.inputs, False)]
    return difference(got, want, net) or difference(plain, want, net)


def main():
    score, by_opencv = tdnn.Score("TensorFlow operators"), set()
    names = sys.argv[1:] or list(KINDS)
    for name in names:
        for config in range(CONFIGS):
            r = Random(zlib.crc32(("%s %d" % (name, config)).encode()))
            net = KINDS[name](r)
            way = r.one("content", "list", "one", "text")
            if net.want is None:
                by_opencv.add(name)
            try:
                wrong = judge(net, way)
            except (tdnn.Failure, cv2.error) as fault:
                wrong = " ".join(str(fault).split())
            score.add(not wrong, "%s %d (%s): %s" % (name, config, way, wrong))
            if wrong and os.environ.get("SHOW"):
                print(text(net.nodes).decode())
    print("%d graphs of each of %d operators; OpenCV judges %d, formulas the others" %
          (CONFIGS, len(names), len(by_opencv)))
    score.finish()


if __name__ == "__main__":
    main()
