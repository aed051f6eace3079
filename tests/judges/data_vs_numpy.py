"""Operators that move elements against numpy, on random shapes, types and parameters: written as
ONNX test cases and run by `tinydnn verify`, at every CPU level and with 1 and 2 threads.

    data_vs_numpy.py [--cases 600] [--seed 1] [--program build/tinydnn] [--keep DIR]

A third of the cases has the operator between convolutions, where values are channel-blocked.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

TYPES = [np.float32] * 4 + [np.float64, np.float16, np.int8, np.uint8, np.int16, np.int32, np.int64,
                           np.uint32, np.uint64, np.bool_, np.complex64, np.object_]


def shape_of(rng, ndim, most=7, zeros=True):
    return tuple(0 if zeros and rng.random() < 0.02 else int(rng.integers(1, most + 1))
                 for _ in range(ndim))


def values(rng, shape, dtype):
    if dtype == np.object_:
        return np.array([f"s{v}" for v in rng.integers(0, 99, int(np.prod(shape)))],
                        dtype=object).reshape(shape)
    if dtype == np.bool_:
        return rng.integers(0, 2, shape).astype(dtype)
    if np.issubdtype(dtype, np.integer):
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype, endpoint=True)
    if np.issubdtype(dtype, np.complexfloating):
        return (rng.random(shape) + 1j * rng.random(shape)).astype(dtype)
    return rng.random(shape).astype(dtype)


def ints(*v):
    return np.array(v, np.int64)


class Case:
    """A node, its inputs beside the data, and what numpy makes of the data."""

    def __init__(self, op, more, answer, dtype=None, outputs=1, **attrs):
        self.op, self.more, self.attrs = op, more, attrs
        self.answer = [a if hasattr(a, "dtype") else np.array(a, object) for a in answer]
        self.outputs = outputs


# ---- one function for each operator: (rng, data) -> Case ----

def transpose(rng, x):
    perm = [int(p) for p in rng.permutation(x.ndim)]
    return Case("Transpose", [], [x.transpose(perm)], perm=perm)


def slice_(rng, x):
    axes = [int(a) for a in rng.permutation(x.ndim)[:rng.integers(1, x.ndim + 1)]]
    index, starts, ends, steps = [slice(None)] * x.ndim, [], [], []
    for a in axes:
        n = x.shape[a]
        step = int(rng.choice([-3, -2, -1, 1, 1, 1, 2, 3]))
        low, high = sorted(int(v) for v in rng.integers(0, n + 1, 2))
        start, end = (low, high) if step > 0 else (high - 1, low - 1)
        index[a] = slice(start, end if end >= 0 else None, step) if start >= 0 else slice(0, 0)
        starts.append(start if start >= 0 else 0)
        if start < 0:
            end, step = 0, 1
        ends.append(end if end >= 0 else -n - 5)
        steps.append(step)
    named = [a - x.ndim if rng.random() < 0.3 else a for a in axes]
    return Case("Slice", [ints(*starts), ints(*ends), ints(*named), ints(*steps)], [x[tuple(index)]])


def pad(rng, x):
    mode = str(rng.choice(["constant", "constant", "edge", "reflect", "wrap"]))
    if mode != "constant" and (0 in x.shape or x.ndim == 0):
        mode = "constant"
    widths, y, crop = [], x, [slice(None)] * x.ndim
    for d, n in enumerate(x.shape):
        most = 3 if mode == "constant" or mode == "edge" else n - 1 if mode == "reflect" else n
        low, high = (int(v) for v in rng.integers(0, max(0, min(most, 4)) + 1, 2))
        if mode == "constant" and n > 2 and rng.random() < 0.3:
            low = -1
        if mode == "constant" and n > 2 and rng.random() < 0.3:
            high = -1
        widths.append((low, high))
        crop[d] = slice(max(0, -low), n - max(0, -high))
    y = x[tuple(crop)]
    grow = [(max(0, a), max(0, b)) for a, b in widths]
    more = [ints(*[a for a, _ in widths], *[b for _, b in widths])]
    if mode != "constant":
        return Case("Pad", more, [np.pad(y, grow, mode=mode)], mode=mode)
    value = values(rng, (), x.dtype.type) if x.dtype != np.object_ else np.array("p", object)
    if rng.random() < 0.5 and x.dtype != np.object_:
        return Case("Pad", more, [np.pad(y, grow)], mode=mode)
    result = np.full([n + a + b for n, (a, b) in zip(y.shape, grow)], value[()], x.dtype)
    result[tuple(slice(a, a + n) for n, (a, _) in zip(y.shape, grow))] = y
    return Case("Pad", more + [value], [result], mode=mode)


def expand(rng, x):
    shape = [1 if rng.random() < 0.5 else n for n in x.shape]
    part = x[tuple(slice(0, 1) if s == 1 else slice(None) for s in shape)]
    target = [int(rng.integers(1, 5)) if n == 1 else n for n in part.shape]
    front = [int(n) for n in rng.integers(1, 4, rng.integers(0, 3))]
    case = Case("Expand", [ints(*front, *target)], [np.broadcast_to(part, front + target)])
    case.data = part
    return case


def tile(rng, x):
    repeats = [int(v) for v in rng.integers(0 if rng.random() < 0.1 else 1, 4, x.ndim)]
    return Case("Tile", [ints(*repeats)], [np.tile(x, repeats)])


def gather(rng, x):
    axis = int(rng.integers(0, x.ndim))
    n = x.shape[axis]
    count = shape_of(rng, int(rng.integers(0, 3)), 5) if n else (0,)
    index = rng.integers(-n, max(n, 1), count).astype(rng.choice([np.int32, np.int64]))
    return Case("Gather", [index], [np.take(x, index, axis)], axis=axis)


def gather_elements(rng, x):
    axis = int(rng.integers(0, x.ndim))
    shape = list(x.shape)
    shape[axis] = int(rng.integers(1, 6)) if x.shape[axis] else 0
    index = rng.integers(-x.shape[axis], max(x.shape[axis], 1), shape)
    return Case("GatherElements", [index], [np.take_along_axis(x, index, axis)], axis=axis)


def split(rng, x):
    axis = int(rng.integers(0, x.ndim))
    n = x.shape[axis]
    cuts = sorted(int(v) for v in rng.integers(0, n + 1, rng.integers(1, 4)))
    lengths = np.diff([0] + cuts + [n])
    return Case("Split", [ints(*lengths)], np.split(x, cuts, axis), outputs=len(lengths), axis=axis)


def concat(rng, x):
    axis = int(rng.integers(0, x.ndim))
    others = []
    for _ in range(rng.integers(1, 4)):
        shape = list(x.shape)
        shape[axis] = int(rng.integers(0, 6))
        others.append(values(rng, shape, x.dtype.type))
    return Case("Concat", others, [np.concatenate([x] + others, axis)], axis=axis - x.ndim)


def scatter_elements(rng, x):
    axis = int(rng.integers(0, x.ndim))
    how = str(rng.choice(["none", "add", "mul", "min", "max"]))
    if x.dtype in (np.bool_, np.complex64, np.object_):
        how = "none"
    shape = [int(rng.integers(0, n + 1)) for n in x.shape]
    if how == "none":  # no two may meet
        index = np.argsort(rng.random(x.shape), axis)[tuple(slice(0, n) for n in shape)]
    else:
        index = rng.integers(0, max(1, x.shape[axis]), shape)
    updates, y = values(rng, shape, x.dtype.type), x.copy()
    combine = {"none": lambda a, b: b, "add": np.add, "mul": np.multiply, "min": np.minimum,
               "max": np.maximum}[how]
    with np.errstate(over="ignore"):
        for at in np.ndindex(*shape):
            to = list(at)
            to[axis] = index[at]
            y[tuple(to)] = combine(y[tuple(to)], updates[at])
    return Case("ScatterElements", [index.astype(np.int64), updates], [y], axis=axis, reduction=how)


def scatter_nd(rng, x):
    k = int(rng.integers(1, x.ndim + 1))
    places = list(np.ndindex(*x.shape[:k]))
    pick = [places[i] for i in rng.permutation(len(places))[:rng.integers(0, 5)]]
    updates, y = values(rng, (len(pick),) + x.shape[k:], x.dtype.type), x.copy()
    for at, u in zip(pick, updates):
        y[at] = u
    return Case("ScatterND", [np.array(pick, np.int64).reshape(len(pick), k), updates], [y])


def top_k(rng, x):
    axis, largest = int(rng.integers(0, x.ndim)), int(rng.integers(0, 2))
    if x.dtype in (np.bool_, np.complex64, np.object_):
        x = rng.integers(0, 9, x.shape).astype(np.int32)  # with many ties
    k = int(rng.integers(0, x.shape[axis] + 1))
    key = x.astype(np.float64) if x.dtype.kind == "f" else x.astype(object)
    order = np.argsort(-key if largest else key, axis, kind="stable")
    order = np.take(order, range(k), axis).astype(np.int64)
    case = Case("TopK", [ints(k)], [np.take_along_axis(x, order, axis), order], outputs=2, axis=axis,
                largest=largest)
    case.data = x
    return case


def compress(rng, x):
    flat = rng.random() < 0.3
    axis = int(rng.integers(0, x.ndim))
    n = x.size if flat else x.shape[axis]
    keep = rng.integers(0, 2, rng.integers(0, n + 1)).astype(np.bool_)
    result = np.compress(keep, x, None if flat else axis)
    return Case("Compress", [keep], [result], **({} if flat else {"axis": axis}))


def unique(rng, x):
    if x.dtype in (np.bool_, np.complex64):
        x = rng.integers(0, 5, x.shape).astype(np.uint8)
    parts = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
    case = Case("Unique", [], [parts[0]] + [p.ravel().astype(np.int64) for p in parts[1:]], outputs=4)
    case.data = x
    return case


def nonzero(rng, x):
    if x.dtype in (np.complex64, np.object_):
        x = rng.random(x.shape)
    x = np.where(rng.random(x.shape) < 0.5, x, np.zeros_like(x))
    case = Case("NonZero", [], [np.array(np.nonzero(x), np.int64).reshape(x.ndim, -1)])
    case.data = x
    return case


def reshape(rng, x):
    if x.size and x.ndim > 1 and rng.random() < 0.5:
        return Case("Reshape", [ints(0, -1)], [x.reshape(x.shape[0], -1)])
    return Case("Reshape", [ints(*x.shape[::-1])], [x.reshape(x.shape[::-1])], allowzero=1)


def trilu(rng, x):
    if x.dtype == np.object_ or x.ndim < 2:
        x = rng.random(shape_of(rng, 3))
    k, upper = int(rng.integers(-4, 5)), int(rng.integers(0, 2))
    case = Case("Trilu", [np.array(k, np.int64)], [np.triu(x, k) if upper else np.tril(x, k)], upper=upper)
    case.data = x
    return case


PLAIN = [transpose, slice_, pad, expand, tile, gather, gather_elements, split, concat, scatter_elements,
         scatter_nd, top_k, compress, unique, nonzero, reshape, trilu]


# ---- resizing, by the definition, one axis after the other ----

def resize_axis(x, axis, out, mode, coordinates):
    n = x.shape[axis]
    scale, pieces = out / n, []
    for i in range(out):
        if coordinates == "align_corners":
            at = i * (n - 1) / (out - 1) if out > 1 else 0
        elif coordinates == "asymmetric":
            at = i / scale
        else:
            at = (i + 0.5) / scale - 0.5
        if mode == "nearest":
            pieces.append(np.take(x, min(max(int(np.floor(at)), 0), n - 1), axis))
            continue
        low = int(np.floor(at))
        part = at - low
        a, b = (np.take(x, min(max(k, 0), n - 1), axis) for k in (low, low + 1))
        pieces.append(a * (1 - part) + b * part)
    return np.stack(pieces, axis)


def resize(rng, x):
    mode = str(rng.choice(["nearest", "linear"]))
    coordinates = str(rng.choice(["half_pixel", "align_corners", "asymmetric"]))
    sizes = [int(rng.integers(1, 3 * n + 1)) for n in x.shape[2:]]
    y = x.astype(np.float64)
    for d, n in enumerate(sizes):
        y = resize_axis(y, d + 2, n, mode, coordinates)
    empty = np.zeros(0, np.float32)
    return Case("Resize", [empty, empty, ints(*x.shape[:2], *sizes)], [y.astype(x.dtype)], mode=mode,
                coordinate_transformation_mode=coordinates, nearest_mode="floor")


# ---- between convolutions ----

def conv(rng, x, channels):
    """1 x 1, with positive weights: nothing cancels."""
    w = rng.random((channels, x.shape[1], 1, 1)).astype(np.float32)
    return w, np.einsum("oi,nihw->nohw", w[:, :, 0, 0].astype(np.float64),
                        x.astype(np.float64)).astype(np.float32)


def identity(rng, x):
    return Case("Identity", [], [x])


def spatial_pad(rng, x):
    n = [int(v) for v in rng.integers(0, 3, 4)]
    return Case("Pad", [ints(0, 0, n[0], n[1], 0, 0, n[2], n[3])],
                [np.pad(x, [(0, 0), (0, 0), (n[0], n[2]), (n[1], n[3])])])


BLOCKED = [resize, resize, slice_, split, concat, spatial_pad, pad, transpose, tile, identity, gather]


def blocked_case(rng, folder):
    x = rng.random((int(rng.integers(1, 3)), 3, int(rng.integers(1, 9)), int(rng.integers(1, 9)))
                   ).astype(np.float32)
    channels = int(rng.choice([8, 16, 24, 32, 48, rng.integers(1, 50)]))
    w1, a = conv(rng, x, channels)
    case = BLOCKED[rng.integers(len(BLOCKED))](rng, a)
    nodes = [helper.make_node("Conv", ["x", "w1"], ["a"])]
    weights = {"w1": w1}
    more = []
    for i, m in enumerate(case.more):
        if case.op == "Concat":  # made by convolutions too
            if m.shape[0] != x.shape[0] or m.shape[2:] != x.shape[2:] or 0 in m.shape:
                weights[f"m{i}"] = m
            else:
                weights[f"v{i}"], m[...] = conv(rng, x, m.shape[1])
                nodes.append(helper.make_node("Conv", ["x", f"v{i}"], [f"m{i}"]))
        else:
            weights[f"m{i}"] = m
        more.append(f"m{i}")
    if case.op == "Concat":
        axis = case.attrs["axis"]
        case.answer = [np.concatenate([a] + case.more, axis)]
    if case.op == "Resize":
        more[0] = more[1] = ""
    names = [f"b{i}" for i in range(case.outputs)]
    nodes.append(helper.make_node(case.op, ["a"] + more, names, **case.attrs))
    outputs = {}
    for i, y in enumerate(case.answer):
        if y.ndim != 4 or 0 in y.shape:
            outputs[f"b{i}"] = y
            continue
        weights[f"u{i}"], outputs[f"y{i}"] = conv(rng, y, int(rng.integers(1, 20)))
        nodes.append(helper.make_node("Conv", [f"b{i}", f"u{i}"], [f"y{i}"]))
    write(folder, nodes, {"x": x}, weights, outputs)


def shuffle_case(rng, folder):
    """Channels dealt out in turn, as ShuffleNet has them, with or without Concat and Split."""
    x = rng.random((int(rng.integers(1, 3)), 3, int(rng.integers(1, 9)), int(rng.integers(1, 40)))
                   ).astype(np.float32)
    group, each, join = int(rng.integers(2, 5)), int(rng.integers(2, 30)), rng.random() < 0.6
    channels = group * each
    first = int(rng.integers(1, channels)) if join else channels
    weights, nodes, parts = {}, [], []
    for i, c in enumerate([first, channels - first] if join else [channels]):
        weights[f"w{i}"], y = conv(rng, x, c)
        nodes.append(helper.make_node("Conv", ["x", f"w{i}"], [f"a{i}"]))
        parts.append(y)
    if join:
        nodes.append(helper.make_node("Concat", ["a0", "a1"], ["a"], axis=1))
    else:
        nodes[0].output[0] = "a"
    n, _, h, w = x.shape
    weights["cut"], weights["back"] = ints(n, group, each, h, w), ints(n, -1, h, w)
    nodes += [helper.make_node("Reshape", ["a", "cut"], ["b"]),
              helper.make_node("Transpose", ["b"], ["c"], perm=[0, 2, 1, 3, 4]),
              helper.make_node("Reshape", ["c", "back"], ["d"])]
    y = np.concatenate(parts, 1).reshape(n, group, each, h, w)
    y = y.transpose(0, 2, 1, 3, 4).reshape(n, channels, h, w)
    pieces, names = [y], ["d"]
    if rng.random() < 0.7:
        at = int(rng.integers(1, channels))
        weights["lengths"] = ints(at, channels - at)
        names = ["d0", "d1"]
        nodes.append(helper.make_node("Split", ["d", "lengths"], names, axis=1))
        pieces = np.split(y, [at], 1)
    outputs = {}
    for i, (name, piece) in enumerate(zip(names, pieces)):
        if rng.random() < 0.3:
            outputs[name] = piece
            continue
        weights[f"u{i}"], outputs[f"y{i}"] = conv(rng, piece, int(rng.integers(1, 20)))
        nodes.append(helper.make_node("Conv", [name, f"u{i}"], [f"y{i}"]))
    write(folder, nodes, {"x": x}, weights, outputs)


# ---- writing ----

def info(name, array):
    if array.dtype == np.object_:
        return helper.make_tensor_value_info(name, TensorProto.STRING, array.shape)
    kind = onnx.mapping.NP_TYPE_TO_TENSOR_TYPE[array.dtype]
    return helper.make_tensor_value_info(name, kind, array.shape)


def proto(array, name=""):
    if array.dtype == np.object_:
        return helper.make_tensor(name, TensorProto.STRING, array.shape,
                                  [str(s).encode() for s in array.ravel()])
    return numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)


def write(folder, nodes, inputs, constants, outputs):
    graph = helper.make_graph(nodes, "case", [info(k, v) for k, v in inputs.items()],
                              [info(k, v) for k, v in outputs.items()],
                              [proto(v, k) for k, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)])
    data = os.path.join(folder, "test_data_set_0")
    os.makedirs(data)
    with open(os.path.join(folder, "model.onnx"), "wb") as f:
        f.write(model.SerializeToString())
    for kind, arrays in ("input", inputs), ("output", outputs):
        for i, array in enumerate(arrays.values()):
            with open(os.path.join(data, f"{kind}_{i}.pb"), "wb") as f:
                f.write(proto(array).SerializeToString())


def plain_case(rng, folder):
    function = PLAIN[rng.integers(len(PLAIN))]
    dtype = TYPES[rng.integers(len(TYPES))]
    x = values(rng, shape_of(rng, int(rng.integers(1, 6)), 6), dtype)
    case = function(rng, x)
    x = getattr(case, "data", x)
    inputs, constants = {"x": x}, {}
    for i, m in enumerate(case.more):  # known while planning, or only when running
        (constants if rng.random() < 0.5 else inputs)[f"m{i}"] = m
    names = [f"y{i}" for i in range(case.outputs)]
    node = helper.make_node(case.op, ["x"] + [f"m{i}" for i in range(len(case.more))], names, **case.attrs)
    write(folder, [node], inputs, constants, dict(zip(names, case.answer)))


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--cases", type=int, default=600)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--program", default=os.path.join(os.environ.get("BUILD", "build"), "tinydnn"))
    args.add_argument("--keep")
    args = args.parse_args()
    folder = args.keep or tempfile.mkdtemp()
    rng = np.random.default_rng(args.seed)
    for i in range(args.cases):
        case = shuffle_case if i % 15 == 14 else blocked_case if i % 3 == 2 else plain_case
        case(rng, os.path.join(folder, f"{i:04d}"))
    passed = failed = 0
    folders = sorted(os.path.join(folder, f) for f in os.listdir(folder))
    for level in "generic", "avx2", "avx512":
        for threads in "1", "2":
            run = subprocess.run([args.program, "verify", "--cpu", level, "--threads", threads] + folders,
                                 capture_output=True, text=True, check=False)
            last = re.search(r"(\d+) of (\d+) cases? pass", run.stdout)
            good = int(last.group(1)) if last else 0
            passed += good
            failed += args.cases - good
            for line in (run.stdout + run.stderr).splitlines()[-12 if run.returncode else -1:]:
                print(f"{level}, {threads} threads: {line[:300]}")
    if not args.keep:
        shutil.rmtree(folder)
    print(f"seed {args.seed}, 3 levels, 1 and 2 threads: {passed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
