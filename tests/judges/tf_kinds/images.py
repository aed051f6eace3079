"""Fused convolutions, pooling with places, patches, regions and boxes."""
import numpy as np

from tf_kinds.graph import *
from tf_kinds.layers import space_to_batch, window


@kind("_FusedConv2D", "FusedDepthwiseConv2dNative")
def fused(r, name):
    n, x = Net(r), r.array(r.int(1, 2), r.int(4, 9), r.int(4, 9), r.int(1, 4))
    k, s, padding = window(r, x)
    deep = name[0] == "F"
    w = r.array(*k, x.shape[3], r.int(1, 3))
    out = w.shape[3] * (x.shape[3] if deep else 1)
    last = r.one((), ("Relu",), ("Relu6",), ("Elu",), ("Elu" if deep else "LeakyRelu",))
    n.add(name, [n.input(x), n.const(w), n.const(r.array(out))], fused_ops=Strings(("BiasAdd",) + last), num_args=1,
          strides=s, padding=padding, dilations=[1, 1, 1, 1], data_format="NHWC", explicit_paddings=[], T=Type(F32),
          epsilon=0.0, leakyrelu_alpha=0.3)
    return n


@kind("_FusedConv2D FusedBatchNorm", "_FusedBatchNormEx")
def fused_norm(r, name):
    """A convolution of one pixel, which is a product."""
    n, x, m = Net(r), r.array(1, 3, 4, r.int(1, 3)), r.int(1, 4)
    w = r.array(1, 1, x.shape[3], m)
    y = x @ w[0, 0]
    if name == "_FusedBatchNormEx":
        y, m = x, x.shape[3]
    g, b, mean, var = r.array(m), r.array(m), r.array(m), r.array(m, low=0.3, high=2)
    statistics = [n.const(a) for a in (g, b, mean, var)]
    y = (y - mean) / np.sqrt(var + 1e-3) * g + b
    if name == "_FusedBatchNormEx":
        more, side = r.array(*x.shape), r.flag()
        n.add(name, [n.input(x)] + statistics + ([n.input(more)] if side else []), epsilon=1e-3, is_training=False,
              num_side_inputs=int(side), activation_mode="Relu", data_format="NHWC")
        y = y + more if side else y
    else:
        n.add("_FusedConv2D", [n.input(x), n.const(w)] + statistics, fused_ops=Strings(("FusedBatchNorm", "Relu")), num_args=4,
              strides=[1, 1, 1, 1], padding="SAME", dilations=[1, 1, 1, 1], data_format="NHWC", epsilon=1e-3)
        n.tfjs = False
    n.want = [np.maximum(y, 0)]
    return n


@kind("FusedPadConv2D", "FusedResizeAndPadConv2D")
def pad_conv(r, name):
    """What TensorFlow.js has in parts, it judges by them."""
    n, x = Net(r), r.array(1, r.int(3, 6), r.int(3, 6), r.int(1, 3))
    size, corners = [r.int(3, 8), r.int(3, 8)], r.flag()
    pads = np.array([[0, 0], [r.int(0, 2), r.int(0, 2)], [r.int(0, 2), r.int(0, 2)], [0, 0]])
    mode, w = r.one("REFLECT", "SYMMETRIC"), r.array(2, 2, x.shape[3], r.int(1, 3))
    attrs = dict(strides=[1, 1, 1, 1], padding="VALID")
    at = n.input(x)
    resizes = name[5] == "R"
    whole = [at] + [n.const(np.array(size))] * resizes + [n.const(pads), n.const(w)]
    n.add(name, whole, mode=mode, **attrs, **({"resize_align_corners": corners} if resizes else {}))
    n.parts = Net(r)
    n.parts.add("Placeholder", name="in0", dtype=Type(F32), shape=Dims(x.shape))
    n.parts.inputs, at = n.inputs, "in0"
    if resizes:
        at = n.parts.add("ResizeBilinear", [at, n.parts.const(np.array(size))], align_corners=corners)
    at = n.parts.add("MirrorPad", [at, n.parts.const(pads)], mode=mode)
    n.parts.add("Conv2D", [at, n.parts.const(w)], dilations=[1, 1, 1, 1], data_format="NHWC", **attrs)
    return n


@kind("MaxPoolWithArgmax", "MaxPoolGrad", "MaxPoolV2")
def pool_places(r, name):
    n, x = Net(r), r.array(r.int(1, 2), r.int(3, 7), r.int(3, 7), r.int(1, 3))
    k, s, padding = window(r, x)
    k = [1, k[0], k[1], 1]
    at = n.input(x)
    if name == "MaxPoolWithArgmax":
        out = n.add(name, [at], ksize=k, strides=s, padding=padding, include_batch_in_index=r.flag(), T=Type(F32),
                    Targmax=Type(r.one(I32, I64)))
        n.add("Neg", [out])
        n.floats(out + ":1")
        return n
    if name == "MaxPoolV2":
        n.add(name, [at, n.const(np.array(k)), n.const(np.array(s))], padding=padding)
        n.parts = Net(r)
        n.parts.add("Placeholder", name="in0", dtype=Type(F32), shape=Dims(x.shape))
        n.parts.inputs = n.inputs
        n.parts.add("MaxPool", ["in0"], ksize=k, strides=s, padding=padding)
        return n
    size = [2, r.int(1, 2)] # as SegNet has it: windows that do not overlap
    h, w = (d // s for d, s in zip(x.shape[1:3], size))
    m = r.array(x.shape[0], h, w, x.shape[3])
    pooled, y = np.zeros_like(m), np.zeros_like(x)
    for b, i, j, c in np.ndindex(*m.shape):
        part = x[b, i * size[0]:(i + 1) * size[0], j * size[1]:(j + 1) * size[1], c]
        p, q = np.unravel_index(part.argmax(), part.shape)
        pooled[b, i, j, c] = part.max()
        y[b, i * size[0] + p, j * size[1] + q, c] = m[b, i, j, c]
    attrs = dict(ksize=[1] + size + [1], strides=[1] + size + [1], padding="VALID")
    n.add(name, [at, n.add("MaxPool", [at], **attrs), n.input(m)], **attrs)
    n.want = [y]
    return n


@kind("ExtractImagePatches")
def patches(r, name):
    n, x = Net(r), r.array(r.int(1, 2), r.int(4, 7), r.int(4, 7), r.int(1, 3))
    k, s, d = [r.int(1, 3), r.int(1, 3)], [r.int(1, 2), r.int(1, 2)], r.int(1, 1)
    n.add(name, [n.input(x, False)], ksizes=[1] + k + [1], strides=[1] + s + [1], rates=[1, d, d, 1], padding="VALID")
    h, w = ((a - b) // c + 1 for a, b, c in zip(x.shape[1:3], k, s))
    y = [[x[:, i * s[0]:i * s[0] + k[0], j * s[1]:j * s[1] + k[1]].reshape(len(x), -1) for j in range(w)]
         for i in range(h)]
    n.want = [np.array(y).transpose(2, 0, 1, 3)]
    return n


@kind("SpaceToBatchND line", "BatchToSpaceND line", "SpaceToBatch", "BatchToSpace")
def other_blocks(r, name):
    n, d = Net(r), r.int(2, 3)
    if name[-1] == "e" and name != "BatchToSpace":
        x = r.array(r.int(1, 2), d * r.int(1, 3), *r.shape(r.int(1, 2)))
        pads = np.array([[d * r.int(0, 1), 0]])
        y = np.pad(x, [(0, 0), tuple(pads[0])] + [(0, 0)] * (x.ndim - 2))
        y = np.concatenate([y[:, i::d] for i in range(d)])
        source, at = (x, y) if name[0] == "S" else (y, x)
        n.add(name.split()[0] if " " in name else name,
              [n.input(np.ascontiguousarray(source)), n.const(np.array([d])), n.const(pads)])
        n.want = [at]
        return n
    x = r.array(1, 2 * d, 3 * d, r.int(1, 3))
    none = np.zeros((2, 2), np.int32)
    y = space_to_batch(x, (d, d), none)
    n.add(name, [n.input(x if name[0] == "S" else np.ascontiguousarray(y)), n.const(none)], block_size=d)
    n.want = [y if name[0] == "S" else x]
    return n


@kind("CropAndResize", "CropAndResize nearest")
def crop(r, name):
    n, x = Net(r), r.array(r.int(1, 3), r.int(3, 7), r.int(3, 7), r.int(1, 3))
    count = r.int(1, 4)
    boxes = np.sort(r.array(count, 2, 2, low=-0.2, high=1.2), 1).reshape(count, 4)
    at = r.ints(count, low=0, high=x.shape[0] - 1)
    size = np.array([r.int(1, 5), r.int(1, 5)])
    n.add("CropAndResize", [n.input(x), n.input(boxes), n.const(at), n.const(size)],
          method="nearest" if " " in name else "bilinear", extrapolation_value=r.one(0.0, 1.5))
    return n


def some_boxes(r, count):
    corner = r.array(count, 2, low=0, high=0.7)
    return np.concatenate([corner, corner + r.array(count, 2, low=0.1, high=0.5)], 1)


@kind("NonMaxSuppression", "NonMaxSuppressionV2", "NonMaxSuppressionV3", "NonMaxSuppressionV4",
      "NonMaxSuppressionV5")
def suppression(r, name):
    n, count = Net(r), r.int(3, 12)
    boxes, scores = some_boxes(r, count), r.array(count, low=0, high=1)
    most, overlap, least = r.int(1, count), np.float32(r.int(1, 6) / 10), np.float32(r.int(0, 4) / 10)
    ins = [n.input(boxes), n.input(scores), n.const(np.int32(most))]
    if name[-1] == "n":
        n.add("Cast", [n.add(name, ins, iou_threshold=float(overlap))], SrcT=Type(I32), DstT=Type(F32))
        n.parts = Net(r)
        n.parts.inputs = n.inputs
        for i, a in enumerate((boxes, scores)):
            n.parts.add("Placeholder", name="in%d" % i, dtype=Type(F32), shape=Dims(a.shape))
        at = n.parts.add("NonMaxSuppressionV2", ["in0", "in1", n.parts.const(np.int32(most)), n.parts.const(overlap)])
        n.parts.floats(at)
        return n
    ins += [n.const(overlap)] + [n.const(least)] * (name[-1] > "2") + [n.const(np.float32(0))] * (name[-1] > "4")
    attrs = {"pad_to_max_output_size": r.flag()} if name[-1] == "4" else {}
    at = n.add(name, ins, **attrs)
    n.floats(at)
    if name[-1] == "4":
        n.floats(at + ":1")
    if name[-1] == "5":
        n.add("Neg", [at + ":1"])
    return n


def overlap(a, b):
    low = np.maximum(np.minimum(a[:2], a[2:]), np.minimum(b[:2], b[2:]))
    high = np.minimum(np.maximum(a[:2], a[2:]), np.maximum(b[:2], b[2:]))
    area = [float(np.prod(np.abs(x[2:] - x[:2]))) for x in (a, b)]
    common = float(np.prod(np.maximum(high - low, 0)))
    return common / (area[0] + area[1] - common) if min(area) > 0 else 0.0


@kind("NonMaxSuppressionV5 soft")
def soft_suppression(r, name):
    """Bodla et al. 2017, with Gaussian weights; TensorFlow.js drops what overlaps more than the threshold too,
    so it is asked where that is 1."""
    n, count = Net(r), r.int(3, 12)
    boxes, scores = some_boxes(r, count), r.array(count, low=0, high=1)
    most, least, sigma = r.int(1, count), np.float32(r.int(0, 4) / 10), np.float32(r.int(1, 10) / 10)
    limit = np.float32(r.one(0.5, 1))
    pad = r.flag()
    ins = [n.input(boxes), n.input(scores)] + [n.const(a) for a in (np.int32(most), limit, least, sigma)]
    at = n.add("NonMaxSuppressionV5", ins, pad_to_max_output_size=pad)
    n.floats(at)
    n.add("Neg", [at + ":1"])
    n.floats(at + ":2")
    live, taken = {i: float(s) for i, s in enumerate(scores)}, []
    while len(taken) < most and live:
        best = max(live, key=live.get)
        score = live.pop(best)
        if score <= least:
            break
        taken.append((best, score))
        for i in live:
            live[i] *= np.exp(-overlap(boxes[i], boxes[best]) ** 2 / (2 * float(sigma)))
    rows = taken + [(0, 0)] * (most - len(taken) if pad else 0)
    n.want = [np.array([i for i, _ in rows], np.float32), -np.array([s for _, s in rows], np.float32),
              np.float32(len(taken))]
    n.tfjs = limit == 1 and not pad
    return n


@kind("CombinedNonMaxSuppression")
def combined(r, name):
    """What every class keeps by itself, sorted."""
    n, images, count, classes = Net(r), r.int(1, 2), r.int(3, 8), r.int(1, 3)
    shared, each, whole, pads = r.flag(), r.int(1, 4), r.int(2, 9), r.flag()
    boxes = np.stack([[some_boxes(r, count) for _ in range(1 if shared else classes)] for _ in range(images)])
    boxes = np.ascontiguousarray(boxes.transpose(0, 2, 1, 3)).astype(np.float32)
    scores = r.array(images, count, classes, low=0, high=1)
    overlap, least = np.float32(0.4), np.float32(0.2)
    at = n.add(name, [n.input(boxes, False), n.input(scores), n.const(np.int32(each)), n.const(np.int32(whole)),
                      n.const(overlap), n.const(least)], pad_per_class=pads, clip_boxes=True)
    for port in ("", ":1", ":2"):
        n.add("Neg", [at + port])
    n.floats(at + ":3")
    size = min(whole, each * classes) if pads else whole
    results = [np.zeros((images, size, 4)), np.zeros((images, size)), np.zeros((images, size)), np.zeros(images)]
    for i in range(images):
        rows = []
        for c in range(classes):
            own = boxes[i, :, 0 if shared else c]
            kept = []
            for k in np.argsort(-scores[i, :, c], kind="stable"):
                if scores[i, k, c] > least and len(kept) < each and all(iou(own[k], own[j]) <= overlap for j in kept):
                    kept.append(k)
            rows += [(-scores[i, k, c], c, own[k]) for k in kept]
        rows = sorted(rows, key=lambda row: row[0])[:size]
        for j, (score, c, box) in enumerate(rows):
            results[0][i, j], results[1][i, j], results[2][i, j] = np.clip(box, 0, 1), -score, c
        results[3][i] = len(rows)
    n.want = [-results[0], -results[1], -results[2], results[3]]
    return n


def iou(a, b):
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    both = np.prod(np.maximum(high - low, 0))
    return both / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both)
