"""Small random graphs: what the files with the operators' generators share.

A generator makes the nodes of one GraphDef, its inputs and, where there is one, what a formula in numpy
says of its outputs. Images pass through a pooling of one pixel now and then, so that what follows meets
them with their channels first inside of tinydnn.
"""
import numpy as np

from tf_kinds.writer import (BOOL, F32, I32, I64, QUINT8, U8, Dims, Func, Quint8, Strings, Type, Types,
                             type_of)

__all__ = ["BOOL", "F32", "I32", "I64", "QUINT8", "U8", "Dims", "Func", "Quint8", "Strings", "Type", "Types",
           "Random", "Net", "kind", "KINDS", "sigmoid"]


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
    """Nodes; inputs by name; functions; `want`: outputs as numpy has them, or None. `opencv`, `tfjs`:
    whether they are asked; tinydnn is held to all that answer."""

    def __init__(self, r):
        self.r, self.nodes, self.inputs, self.want, self.functions = r, [], {}, None, []
        self.parts = None # the same in other words, for TensorFlow.js
        self.opencv, self.tfjs, self.few, self.tolerance = False, True, False, 0.0

    def add(self, op, inputs=(), name=None, **attrs):
        name = name or "%s_%d" % (op, len(self.nodes))
        self.nodes.append((name, op, list(inputs), attrs))
        return name

    def const(self, a, name=None):
        a = np.asarray(a)
        if a.dtype == np.int64 and not isinstance(a, Quint8):
            a = a.astype(np.int32)
        return self.add("Const", name=name, value=a, dtype=Type(type_of(a)))

    def image(self, name):
        """The same, with its channels first inside of tinydnn."""
        return self.add("MaxPool", [name], ksize=[1, 1, 1, 1], strides=[1, 1, 1, 1], padding="VALID", T=Type(F32))

    def input(self, a, mixed=True):
        name = "in%d" % len(self.inputs)
        dims = [-1 if self.r.int(0, 3) == 0 else d for d in a.shape]
        self.add("Placeholder", name=name, dtype=Type(type_of(a)), shape=Dims(dims if mixed else a.shape))
        self.inputs[name] = a
        return self.image(name) if mixed and a.ndim == 4 and a.dtype == np.float32 and self.r.flag() else name

    def value(self, a):
        """An input or a constant."""
        return self.input(a) if self.r.flag() else self.const(a)

    def floats(self, name, source=I32):
        """Numbers of another type, as f32."""
        return self.add("Cast", [name], SrcT=Type(source), DstT=Type(F32))

    def outputs(self):
        """What nobody uses, in order."""
        used = {i.split(":")[0] for _, _, inputs, _ in self.nodes for i in inputs}
        return [n for n, op, _, _ in self.nodes if n not in used and op not in ("Placeholder", "Const")]


KINDS = {}


def kind(*names):
    def note(f):
        for n in names:
            KINDS[n] = (lambda name: lambda r: f(r, name))(n)
        return f
    return note


def sigmoid(x):
    return 1 / (1 + np.exp(-x))
