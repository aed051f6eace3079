"""Reductions, softmax, matrix products."""
import numpy as np

from tf_kinds.graph import *

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
