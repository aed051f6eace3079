"""Convolutions, pooling, normalisation, other sizes."""
import numpy as np

from tf_kinds.graph import *


def window(r, x):
    k = (r.int(1, min(3, x.shape[1])), r.int(1, min(3, x.shape[2])))
    s = r.one([1, 1, 1, 1], [1, 2, 2, 1])
    return k, s, r.one("SAME", "VALID")


@kind("Conv2D", "DepthwiseConv2dNative")
def conv(r, name):
    n, x = Net(r), r.array(r.int(1, 2), r.int(4, 9), r.int(4, 9), r.int(1, 4))
    k, s, padding = window(r, x)
    w = r.array(*k, x.shape[3], r.int(1, 3) if name[0] == "D" else r.int(1, 5))
    at = n.add(name, [n.input(x, False), n.const(w)], strides=s, padding=padding, data_format="NHWC",
               dilations=[1, 1, 1, 1], T=Type(F32))
    if r.flag():
        at = n.add("BiasAdd", [at, n.const(r.array(w.shape[3] * (x.shape[3] if name[0] == "D" else 1)))])
    if r.flag():
        n.add("Relu", [at], T=Type(F32))
    n.opencv = True
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
              data_format="NHWC", dilations=[1, d[0], d[1], 1])
        n.want = [dilated_pixels(x, w, d)]
        return n
    pads = [[r.int(0, 2), r.int(0, 2)] for _ in range(2)]
    crops = [[0, 0], [0, 0]]
    for i in range(2):
        more = -(x.shape[1 + i] + sum(pads[i])) % d[i]
        pads[i][1] += more
        crops[i][1] = min(more, 1)
    at = n.add("SpaceToBatchND", [n.input(x), n.const(np.array(d)), n.const(np.array(pads))])
    at = n.add("Conv2D", [at, n.const(w)], strides=[1, 1, 1, 1], padding="VALID",
               data_format="NHWC", dilations=[1, 1, 1, 1])
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
    n.opencv = True
    n.want = [full[:, cut[0]:cut[0] + h, cut[1]:cut[1] + v].astype(np.float32)]
    return n


@kind("MaxPool", "AvgPool")
def pool(r, name):
    n, x = Net(r), r.array(r.int(1, 2), r.int(4, 9), r.int(4, 9), r.int(1, 4))
    k, s, padding = window(r, x)
    n.add(name, [n.input(x, False)], ksize=[1, k[0], k[1], 1], strides=s, padding=padding, T=Type(F32))
    n.opencv = True
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
        n.add(name, [n.input(x), n.const(w)], strides=[1] * 5, padding="VALID", data_format="NDHWC",
              dilations=[1] * 5)
        n.want = [sum(p @ f for p, f in zip(parts, w.reshape((-1,) + w.shape[3:])))]
    else:
        n.add(name, [n.input(x)], ksize=[1] + k + [1], strides=[1] * 5, padding="VALID", data_format="NDHWC")
        n.want = [np.max(parts, 0) if name[0] == "M" else np.mean(parts, 0)]
    n.opencv = True
    return n


@kind("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
def batch_norm(r, name):
    n, x = Net(r), r.array(r.int(1, 2), r.int(2, 5), r.int(2, 5), r.int(1, 4))
    c, eps, train = x.shape[3], r.one(1e-3, 1e-5), r.int(0, 2)
    g, b, m, v = r.array(c), r.array(c), r.array(c), r.array(c, low=0.2, high=2)
    eps = float(eps)
    e = np.zeros(0, np.float32)
    n.add(name, [n.input(x)] + [n.const(a) for a in (g, b, e if train == 1 else m, e if train == 1 else v)],
          epsilon=eps, is_training=train > 0)
    if train:
        m, v = x.mean((0, 1, 2)), x.var((0, 1, 2))
    n.want = [(x - m) / np.sqrt(v + eps) * g + b]
    n.tfjs = not train # it knows no training mode
    return n


@kind("LRN")
def lrn(r, name):
    n, x = Net(r), r.array(1, 3, 4, r.int(3, 8))
    radius, bias, alpha, beta = r.int(1, 3), r.one(1.0, 2.0), r.one(0.1, 1.0), r.one(0.5, 0.75)
    n.add(name, [n.input(x)], depth_radius=radius, bias=bias, alpha=alpha, beta=beta)
    c = x.shape[3]
    s = np.stack([(x[..., max(i - radius, 0):i + radius + 1] ** 2).sum(-1) for i in range(c)], -1)
    n.want = [x / (bias + alpha * s) ** beta]
    n.opencv = True
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
    n.opencv = True
    return n


@kind("ResizeArea", "BatchNormWithGlobalNormalization")
def old_images(r, name):
    n, x = Net(r), r.array(r.int(1, 2), r.int(2, 6), r.int(2, 6), r.int(1, 3))
    if name == "ResizeArea":
        size = [r.int(1, 8), r.int(1, 8)]
        n.add(name, [n.input(x, False), n.const(np.array(size))])
        y = x.astype(np.float64)
        for axis in (1, 2): # repeated so often that all pixels have whole sizes
            fine = np.repeat(y, size[axis - 1], axis)
            y = np.stack([p.mean(axis) for p in np.split(fine, size[axis - 1], axis)], axis)
        n.want = [y.astype(np.float32)]
        return n
    c, scales = x.shape[3], r.flag()
    m, v, b, g = r.array(c), r.array(c, low=0.2, high=2), r.array(c), r.array(c)
    n.add(name, [n.input(x)] + [n.const(a) for a in (m, v, b, g)], variance_epsilon=1e-3,
          scale_after_normalization=scales)
    n.want = [(x - m) / np.sqrt(v + 1e-3) * (g if scales else 1) + b]
    return n


@kind("Conv2D EXPLICIT", "DepthwiseConv2dNative dilations", "MaxPool EXPLICIT", "BackpropInput EXPLICIT")
def explicit(r, name):
    """Padding that is said, and dilation of each channel by itself: TensorFlow.js."""
    n, x = Net(r), r.array(r.int(1, 2), r.int(5, 8), r.int(5, 8), r.int(1, 3))
    attrs = dict(strides=[1, 1, 1, 1], data_format="NHWC", dilations=[1, 1, 1, 1])
    if name[0] == "D":
        d = r.int(1, 2)
        attrs.update(padding=r.one("SAME", "VALID"), dilations=[1, d, d, 1])
        n.add("DepthwiseConv2dNative", [n.input(x), n.const(r.array(2, 3, x.shape[3], 2))], **attrs)
        return n
    pads = [0, 0] + [r.int(0, 1) for _ in range(4)] + [0, 0]
    attrs.update(padding="EXPLICIT", explicit_paddings=pads)
    if name[0] == "B":
        s, m = r.int(1, 3), r.int(1, 3)
        size = [(x.shape[i] - 1) * s + 3 - pads[2 * i] - pads[2 * i + 1] for i in (1, 2)]
        attrs["strides"] = [1, s, s, 1]
        w = r.array(3, 3, m, x.shape[3])
        n.add("Conv2DBackpropInput", [n.const(np.array([x.shape[0]] + size + [m])), n.const(w), n.input(x)], **attrs)
        full = np.zeros((x.shape[0],) + tuple((d - 1) * s + 3 for d in x.shape[1:3]) + (m,))
        for i, j in np.ndindex(*x.shape[1:3]):
            full[:, i * s:i * s + 3, j * s:j * s + 3] += np.einsum("bc,hwmc->bhwm", x[:, i, j], w)
        n.want = [full[:, pads[2]:pads[2] + size[0], pads[4]:pads[4] + size[1]]]
    elif name[0] == "C":
        n.add("Conv2D", [n.input(x), n.const(r.array(2, 3, x.shape[3], 2))], **attrs)
    else:
        n.add("MaxPool", [n.input(x)], ksize=[1, 2, 2, 1], **attrs)
        y = np.pad(x, [(pads[2 * i], pads[2 * i + 1]) for i in range(4)], constant_values=-99)
        n.want = [np.maximum(np.maximum(y[:, 1:, 1:], y[:, 1:, :-1]), np.maximum(y[:, :-1, 1:], y[:, :-1, :-1]))]
    return n


@kind("DepthToSpace", "SpaceToDepth")
def depth(r, name):
    b, n = r.int(2, 3), Net(r)
    big = r.array(r.int(1, 2), b * r.int(1, 3), b * r.int(1, 3), r.int(1, 3))
    m, h, w, c = big.shape
    deep = big.reshape(m, h // b, b, w // b, b, c).transpose(0, 1, 3, 2, 4, 5).reshape(m, h // b, w // b, -1)
    x, y = (deep, big) if name[0] == "D" else (big, deep)
    n.add(name, [n.input(np.ascontiguousarray(x))], block_size=b, data_format="NHWC")
    n.want = [y]
    return n
