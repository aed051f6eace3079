"""Operators that few models have: TensorFlow.js says what they do, and numpy where it is short."""
import numpy as np

from tf_kinds.graph import *


@kind("Atan2", "Xdivy", "Xlogy", "MulNoNan", "ApproximateEqual")
def two(r, name):
    n, s = Net(r), r.shape(r.int(1, 3))
    a, b = r.array(*s), r.array(*s, low=0.2, high=2)
    a[r.g.random(s) < 0.3] = 0
    if name in ("Atan2", "MulNoNan"):
        b = r.array(*s)
        b[r.g.random(s) < 0.3] = 0
    if name == "ApproximateEqual":
        b = (a + r.array(*s, low=-0.02, high=0.02)).astype(np.float32)
        out = n.add(name, [n.input(a), n.value(b)], tolerance=0.01)
        n.floats(out, BOOL)
        n.want = [(np.abs(a - b) < np.float32(0.01)).astype(np.float32)]
        return n
    n.add(name, [n.input(a), n.value(b)])
    with np.errstate(all="ignore"):
        n.want = [{"Atan2": np.arctan2, "Xdivy": lambda a, b: np.where(a == 0, 0, a / b),
                   "Xlogy": lambda a, b: np.where(a == 0, 0, a * np.log(b)),
                   "MulNoNan": lambda a, b: np.where(b == 0, 0, a * b)}[name](a, b).astype(np.float32)]
    return n


@kind("IsFinite", "IsInf")
def finite(r, name):
    n, x = Net(r), r.array(*r.shape(), low=0.5, high=2)
    x[r.g.random(x.shape) < 0.4] = 0
    out = n.add(name, [n.add("Reciprocal", [n.input(x)])])
    n.floats(out, BOOL)
    n.want = [((x == 0) == (name == "IsInf")).astype(np.float32)]
    return n


@kind("BitwiseAnd")
def bits(r, name):
    n, s = Net(r), r.shape()
    a, b = r.ints(*s, low=0, high=99), r.ints(*s, low=0, high=99)
    n.floats(n.add(name, [n.input(a), n.value(b)]))
    n.want = [(a & b).astype(np.float32)]
    return n


@kind("Prelu")
def prelu(r, name):
    n, x = Net(r), r.array(*r.shape(r.int(2, 4)))
    n.add(name, [n.input(x), n.const(r.array(x.shape[-1]))])
    return n


@kind("EuclideanNorm")
def norm(r, name):
    n, x = Net(r), r.array(*r.shape(r.int(1, 4)))
    axes = [a for a in range(x.ndim) if r.flag()] or [0]
    keep = r.flag()
    n.add(name, [n.input(x), n.const(np.array(axes))], keep_dims=keep)
    n.want = [np.sqrt((x ** 2).sum(tuple(axes), keepdims=keep))]
    return n


# ---- along an axis -----------------------------------------------------------------------------


@kind("Cumsum", "Cumprod")
def cumulate(r, name):
    n, x = Net(r), r.array(*r.shape())
    axis = r.int(-x.ndim, x.ndim - 1)
    exclusive, back = r.flag(), r.flag()
    n.add(name, [n.input(x), n.const(np.int32(axis))], exclusive=exclusive, reverse=back)
    y = np.moveaxis(x, axis, 0)[::-1 if back else 1]
    y = np.cumsum(y, 0) if name == "Cumsum" else np.cumprod(y, 0)
    if exclusive:
        y = np.concatenate([np.full_like(y[:1], name == "Cumprod"), y[:-1]])
    n.want = [np.moveaxis(y[::-1 if back else 1], 0, axis)]
    n.tfjs = axis >= 0 # a negative one leaves it without a shape
    return n


@kind("ReverseSequence")
def reverse_sequence(r, name):
    n, x = Net(r), r.array(*[r.int(2, 5) for _ in range(r.int(2, 4))])
    time, batch = r.g.permutation(x.ndim)[:2]
    lengths = r.ints(x.shape[batch], low=1, high=x.shape[time])
    n.add(name, [n.input(x), n.const(lengths)], seq_dim=int(time), batch_dim=int(batch))
    y = np.moveaxis(x, (batch, time), (0, 1)).copy()
    for i, k in enumerate(lengths):
        y[i, :k] = y[i, :k][::-1]
    n.want = [np.moveaxis(y, (0, 1), (batch, time))]
    return n


@kind("InvertPermutation", "LinSpace", "Roll")
def rows(r, name):
    n = Net(r)
    if name == "InvertPermutation":
        p = r.g.permutation(r.int(1, 6)).astype(np.int32)
        n.floats(n.add(name, [n.input(p)]))
        n.want = [np.argsort(p).astype(np.float32)]
    elif name == "LinSpace":
        a, b, k = np.float32(r.int(-5, 5)), np.float32(r.int(-5, 5) / 3), r.int(1, 7)
        n.add(name, [n.input(a), n.const(b), n.const(np.int32(k))])
        n.want = [np.linspace(a, b, k, dtype=np.float32)]
    else:
        x = r.array(*r.shape())
        axes = [a for a in range(x.ndim) if r.flag()] or [0]
        shifts = [r.int(-7, 7) for _ in axes]
        n.add(name, [n.input(x, False), n.const(np.array(shifts)), n.const(np.array(axes))])
        n.want = [np.roll(x, shifts, axes)]
    return n


# ---- places ------------------------------------------------------------------------------------


@kind("GatherV2 batch_dims")
def gather_batch(r, name):
    n = Net(r)
    b = r.int(1, 2)
    front = r.shape(b)
    x = r.array(*front, *[r.int(2, 4) for _ in range(r.int(1, 2))])
    axis = r.int(b, x.ndim - 1)
    i = r.ints(*front, *r.shape(r.int(0, 2)), low=0, high=x.shape[axis] - 1)
    n.add("GatherV2", [n.input(x), n.const(i), n.const(np.int32(axis))], batch_dims=b)
    rows = x.reshape((-1,) + x.shape[b:])
    ats = i.reshape((-1,) + i.shape[b:])
    y = np.stack([np.take(row, at, axis - b) for row, at in zip(rows, ats)])
    n.want = [y.reshape(front + y.shape[1:])]
    return n


@kind("GatherNd deep")
def gather_nd(r, name):
    n, x = Net(r), r.array(*[r.int(2, 4) for _ in range(r.int(2, 4))])
    k = r.int(1, x.ndim)
    front = r.shape(r.int(1, 2))
    i = np.stack([r.ints(*front, low=0, high=x.shape[d] - 1) for d in range(k)], -1)
    n.add("GatherNd", [n.input(x), n.const(i)])
    return n


@kind("ScatterNd", "TensorScatterUpdate", "SparseToDense")
def scatter(r, name):
    n, dims = Net(r), [r.int(2, 5) for _ in range(r.int(1, 3))]
    k = r.int(1, len(dims))
    all_places = [np.unravel_index(i, dims[:k]) for i in range(int(np.prod(dims[:k])))]
    r.g.shuffle(all_places)
    at = np.array(all_places[:r.int(1, len(all_places))], np.int32)
    if name == "ScatterNd" and r.flag():
        at = np.concatenate([at, at[:1]])
    updates = r.array(len(at), *dims[k:])
    if name == "ScatterNd":
        n.add(name, [n.const(at), n.input(updates), n.const(np.array(dims))])
    elif name == "TensorScatterUpdate":
        n.add(name, [n.input(r.array(*dims)), n.const(at), n.input(updates)])
    else:
        places = [np.unravel_index(i, dims) for i in sorted(set(r.g.integers(0, np.prod(dims), 3).tolist()))]
        at = np.array(places, np.int32)
        values = r.array(len(at))
        if len(dims) == 1 and r.flag():
            at = at[:, 0]
        n.add(name, [n.const(at), n.const(np.array(dims)), n.input(values), n.const(np.float32(0.5))])
        n.want = [np.full(dims, 0.5, np.float32)]
        n.want[0][tuple(np.array(places).T)] = values
        n.tfjs = False # wants its indices in order and two-dimensional
    return n


@kind("UnsortedSegmentSum", "UnsortedSegmentMax")
def segments(r, name):
    n, x, k = Net(r), r.array(r.int(2, 6), *r.shape(r.int(0, 2))), r.int(1, 3)
    at = r.ints(x.shape[0], low=0, high=k - 1)
    at[:k] = np.arange(k)[:len(at)]
    k = int(at.max()) + 1
    n.add(name, [n.input(x), n.const(at), n.const(np.int32(k))])
    n.want = [np.stack([(np.sum if name[-1] == "m" else np.max)(x[at == i], 0) for i in range(k)])]
    return n


@kind("Where", "Unique", "ListDiff", "Bincount", "DenseBincount")
def found(r, name):
    n = Net(r)
    if name == "Where":
        x = r.array(*r.shape(r.int(1, 3)))
        x.flat[0] = 1
        n.floats(n.add(name, [n.add("Greater", [n.input(x), n.const(np.float32(0))])]), I64)
        n.want = [np.argwhere(x > 0).astype(np.float32)]
    elif name == "Unique":
        x = r.ints(r.int(1, 9), low=0, high=4).astype(np.float32)
        at = n.add(name, [n.input(x)], out_idx=Type(I32))
        n.add("Neg", [at])
        n.floats(at + ":1")
    elif name == "ListDiff":
        x, y = r.ints(r.int(2, 9), low=0, high=9), r.ints(r.int(1, 5), low=0, high=9)
        x[0], y[y == x[0]] = 10, 11
        at = n.add(name, [n.input(x), n.const(y)], out_idx=Type(I32))
        n.floats(at)
        n.floats(at + ":1")
    else:
        x, size = r.ints(r.int(1, 9), low=0, high=5), r.int(3, 8)
        weights = r.array(len(x)) if r.flag() else np.zeros(0, np.float32)
        n.add(name, [n.input(x), n.const(np.int32(size)), n.const(weights)], T=Type(F32), binary_output=False)
        n.want = [np.bincount(x, weights if weights.size else None, 9)[:size].astype(np.float32)]
    return n


@kind("DynamicStitch")
def stitch(r, name):
    n, k, rest = Net(r), r.int(2, 6), r.shape(r.int(0, 2))
    cut = r.int(1, k - 1)
    p = r.g.permutation(k).astype(np.int32)
    x = r.array(k, *rest)
    n.add(name, [n.const(p[:cut]), n.const(p[cut:]), n.input(x[:cut], False), n.input(x[cut:], False)], N=2)
    n.want = [x[np.argsort(p)]]
    return n


# ---- matrices ----------------------------------------------------------------------------------


@kind("Einsum", "MatrixBandPart", "MatrixDiag", "_FusedMatMul", "BatchMatMulV3")
def matrices(r, name):
    n = Net(r)
    if name == "Einsum":
        equation = r.one("ab,bc->ac", "abc,cd->abd", "abc,adc->abd", "ab,ab->a", "abcd,de->abce", "ab->ba", "bfnh,btnh->bnft")
        size = {c: r.int(1, 4) for c in "abcdefhnt"}
        parts = [r.array(*[size[c] for c in p]) for p in equation.split("->")[0].split(",")]
        n.add(name, [n.input(p) if i == 0 else n.value(p) for i, p in enumerate(parts)], equation=equation, N=len(parts))
        n.want = [np.einsum(equation, *parts)]
    elif name == "MatrixBandPart":
        x = r.array(*r.shape(r.int(2, 3)))
        below, above = r.int(-1, 3), r.int(-1, 3)
        n.add(name, [n.input(x), n.const(np.int32(below)), n.const(np.int32(above))])
        y = np.tril(x, above) if above >= 0 else x
        n.want = [np.triu(y, -below) if below >= 0 else y]
        n.tfjs = False # takes no constant of less than int64
    elif name == "MatrixDiag":
        x = r.array(*r.shape(r.int(1, 3)))
        n.add(name, [n.input(x)])
        n.want = [x[..., None] * np.eye(x.shape[-1], dtype=np.float32)]
    elif name == "BatchMatMulV3":
        a, b = r.array(2, 1, 3, 4), r.array(r.int(1, 3), 4, r.int(1, 3))
        n.add(name, [n.input(a), n.value(b)], adj_x=False, adj_y=False)
        n.want = [a @ b]
    else:
        a, b = r.array(r.int(1, 4), 3), r.array(3, r.int(1, 4))
        last = r.one((), ("Relu",), ("Relu6",), ("Elu",), ("Tanh",))
        bias = r.array(b.shape[1])
        tb = r.flag()
        n.add(name, [n.input(a), n.const(b.T.copy() if tb else b), n.const(bias)], fused_ops=Strings(("BiasAdd",) + last),
              num_args=1, transpose_a=False, transpose_b=tb, epsilon=0.0)
        y = a @ b + bias
        n.want = [{(): y, "Relu": np.maximum(y, 0), "Relu6": np.clip(y, 0, 6), "Tanh": np.tanh(y),
                   "Elu": np.where(y > 0, y, np.exp(y) - 1)}[last[0] if last else ()].astype(np.float32)]
        n.tfjs = not last or last[0] in ("Relu", "Relu6", "Elu")
    return n


# ---- complex numbers ---------------------------------------------------------------------------


@kind("RFFT", "IRFFT", "FFT", "IFFT", "Complex")
def spectral(r, name):
    n = Net(r)
    x = r.array(3, r.int(2, 9))
    x = x if r.flag() else x[0]
    y = r.array(*x.shape)
    if name == "RFFT":
        size = r.one(x.shape[-1], r.int(1, 9))
        z, at = np.fft.rfft(x, size), n.add(name, [n.input(x, False), n.const(np.array([size]))])
        n.tfjs = size == x.shape[-1] # it takes no other length
    else:
        z = x + 1j * y
        if name == "IRFFT":
            z.imag[..., 0] = 0 # as it is of real numbers: judges differ in what they do else
        at = n.add("Complex", [n.input(z.real.astype(np.float32), False), n.input(z.imag.astype(np.float32), False)])
    if name == "IRFFT":
        size = 2 * x.shape[-1] - 1 # uses all that there is
        n.add("Neg", [n.add(name, [at, n.const(np.array([size]))])])
        n.want, n.tfjs = [-np.fft.irfft(z, size).astype(np.float32)], False
        return n
    if name in ("FFT", "IFFT"):
        z, at = (np.fft.fft if name == "FFT" else np.fft.ifft)(z), n.add(name, [at])
    for part in ("Real", "Imag", "ComplexAbs"):
        n.add("Neg", [n.add(part, [at])])
    n.want = [-z.real.astype(np.float32), -z.imag.astype(np.float32), -np.abs(z).astype(np.float32)]
    return n


@kind("Bucketize", "AdjustContrastv2", "SegmentSum")
def single(r, name):
    n, x = Net(r), r.array(*r.shape(4))
    if name == "Bucketize":
        bounds = np.sort(r.array(r.int(1, 6)))
        x.flat[0] = bounds[0]
        n.floats(n.add(name, [n.input(x)], boundaries=[float(b) for b in bounds]))
        n.want = [np.searchsorted(bounds, x, side="right").astype(np.float32)]
    elif name == "AdjustContrastv2":
        factor = np.float32(r.int(1, 30) / 10)
        n.add(name, [n.input(x), n.const(factor)])
        mean = x.mean((1, 2), keepdims=True)
        n.want = [(x - mean) * factor + mean]
    else:
        x = r.array(r.int(1, 8), *r.shape(r.int(0, 2)))
        at = np.sort(r.ints(len(x), low=0, high=4))
        y = np.zeros((at[-1] + 1,) + x.shape[1:], np.float32)
        np.add.at(y, at, x)
        n.add(name, [n.input(x), n.const(at)])
        n.want = [y]
    n.tfjs = False
    return n
