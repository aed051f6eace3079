"""Shapes, joining, cutting, picking."""
import numpy as np

from tf_kinds.graph import *


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
    n.tfjs = min(step) > 0 # backwards it begins elsewhere
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
