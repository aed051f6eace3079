"""Element-wise operators, with what numpy says of each."""
import math

import numpy as np

from tf_kinds.graph import *

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
    n.few, n.tfjs = True, False # where it is the identity
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


@kind("Dequantize axis")
def dequantize_axis(r, name):
    n, s = Net(r), r.shape(r.int(1, 4))
    axis = r.int(0, len(s) - 1)
    q = r.g.integers(0, 256, s).astype(np.uint8).view(Quint8)
    low, high = r.array(s[axis], low=-3, high=-1), r.array(s[axis], low=0.5, high=3)
    d = n.add("Dequantize", [n.const(q), n.const(low), n.const(high)], mode="MIN_COMBINED", axis=axis, T=Type(QUINT8))
    x = r.array(*s)
    n.add("Add", [n.input(x), d])
    wide = [-1 if i == axis else 1 for i in range(len(s))]
    a, b = low.reshape(wide), high.reshape(wide)
    n.want = [(x + a + np.asarray(q).astype(np.float64) * (b.astype(np.float64) - a) / 255).astype(np.float32)]
    return n


@kind("Cast")
def cast(r, name):
    n, x = Net(r), r.array(*r.shape(), low=-9, high=9)
    i = n.add(name, [n.input(x)], SrcT=Type(F32), DstT=Type(I32))
    n.add(name, [i], SrcT=Type(I32), DstT=Type(F32))
    n.want = [np.trunc(x)]
    return n
