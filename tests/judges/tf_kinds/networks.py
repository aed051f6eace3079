"""Operators in the middle of small convolutional networks, as OpenCV's importer knows them: it judges
these, besides TensorFlow.js."""
import numpy as np

from tf_kinds.graph import *

CONV = dict(data_format="NHWC", dilations=[1, 1, 1, 1])


def begin(r, channels=None):
    """An image of even height and width behind a convolution."""
    n = Net(r)
    n.opencv = True
    x = r.array(1, 2 * r.int(2, 4), 2 * r.int(2, 4), r.int(1, 3))
    c = channels or r.int(2, 4)
    w = r.array(3, 3, x.shape[3], c, low=-0.5, high=0.5)
    at = n.add("Conv2D", [n.input(x, False), n.const(w)], strides=[1, 1, 1, 1], padding="SAME", T=Type(F32), **CONV)
    return n, at, x.shape[1], x.shape[2], c


POINTS = ("Abs", "Exp", "Sigmoid", "Tanh", "Relu", "Relu6", "Elu", "Selu", "Softplus", "Softsign", "Floor", "Ceil", "Sign",
          "Sin", "Cos", "Atan", "Sinh", "Cosh", "Asinh", "Erf", "Square", "LeakyRelu", "Identity", "Round")


@kind(*["cnn " + p for p in POINTS])
def point(r, name):
    n, at, h, w, c = begin(r)
    attrs = {"alpha": float(r.one(0.1, 0.25))} if name == "cnn LeakyRelu" else {}
    at = n.add(name[4:], [at], T=Type(F32), **attrs)
    n.add("MaxPool", [at], ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID", T=Type(F32))
    return n


@kind("cnn Log", "cnn Sqrt", "cnn Rsqrt", "cnn Reciprocal")
def positive(r, name):
    n, at, h, w, c = begin(r)
    at = n.add("Add", [n.add("Square", [at]), n.const(np.float32(0.5))])
    n.add(name[4:], [at])
    return n


@kind("cnn BiasAdd", "cnn Add", "cnn AddV2", "cnn Sub", "cnn Mul", "cnn RealDiv", "cnn Maximum", "cnn AddN")
def two(r, name):
    n, at, h, w, c = begin(r)
    op = name[4:]
    if op == "BiasAdd" or op in ("Add", "AddV2", "Mul", "Sub", "RealDiv") and r.flag():
        other = n.const(r.array(c, low=0.5, high=2))
    elif op == "Maximum":
        other = n.const(np.float32(0.2))
    else:
        other = n.add("Sigmoid", [at])
        other = n.add("Conv2D", [other, n.const(r.array(1, 1, c, c, low=0.5, high=1))], strides=[1, 1, 1, 1],
                      padding="SAME", **CONV)
    n.add(op, [at, other], T=Type(F32))
    return n


@kind("cnn FusedBatchNorm", "cnn FusedBatchNormV3")
def norm(r, name):
    n, at, h, w, c = begin(r)
    parts = [r.array(c), r.array(c), r.array(c), r.array(c, low=0.3, high=2)]
    n.add(name[4:], [at] + [n.const(p) for p in parts], epsilon=1e-3, is_training=False, data_format="NHWC")
    return n


@kind("cnn Pad", "cnn MirrorPad", "cnn Slice", "cnn StridedSlice")
def edges(r, name):
    n, at, h, w, c = begin(r)
    if name[4:] in ("Pad", "MirrorPad"):
        pads = np.array([[0, 0], [r.int(0, 2), r.int(0, 2)], [r.int(0, 2), r.int(0, 2)], [0, 0]])
        at = n.add(name[4:], [at, n.const(pads)], **({"mode": "REFLECT"} if name[4] == "M" else {}))
        n.add("Conv2D", [at, n.const(r.array(3, 3, c, 2))], strides=[1, 1, 1, 1], padding="VALID", **CONV)
        return n
    begins = [0, r.int(0, 1), r.int(0, 2), r.int(0, c - 1)]
    sizes = [1, r.int(1, h - 2), r.int(1, w - 2), r.int(1, c - begins[3])]
    if name == "cnn Slice":
        n.add("Slice", [at, n.const(np.array(begins)), n.const(np.array(sizes))])
    else:
        n.add("StridedSlice", [at, n.const(np.array(begins)), n.const(np.add(begins, sizes)), n.const(np.ones(4, int))],
              begin_mask=0, end_mask=0, ellipsis_mask=0, new_axis_mask=0, shrink_axis_mask=0)
    return n


@kind("cnn ConcatV2", "cnn Split")
def joined(r, name):
    n, at, h, w, c = begin(r, 4)
    if name == "cnn ConcatV2":
        axis = r.one(3, 3, 1, 2)
        n.add("ConcatV2", [at, n.add("Relu", [at]), n.add("Tanh", [at]), n.const(np.int32(axis))], N=3)
        return n
    s = n.add("Split", [n.const(np.int32(3)), at], num_split=2)
    a, b = n.add("Relu", [s]), n.add("Sigmoid", [s + ":1"])
    n.add("Mul", [a, b])
    return n


@kind("cnn Mean", "cnn Sum", "cnn Max")
def reduced(r, name):
    n, at, h, w, c = begin(r)
    n.add(name[4:], [at, n.const(np.array([1, 2]))], keep_dims=True)
    return n


@kind("cnn Softmax", "cnn SoftMaxKeras", "cnn SoftMaxSlim", "cnn MatMul", "cnn Reshape", "cnn Flatten")
def head(r, name):
    """Flattened, a fully connected layer, perhaps probabilities."""
    n, at, h, w, c = begin(r)
    at = n.add("MaxPool", [at], ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID", T=Type(F32))
    size, k = h // 2 * (w // 2) * c, r.int(2, 5)
    if name == "cnn Reshape":
        n.add("Relu", [n.add("Reshape", [at, n.const(np.array([1, h // 2 * (w // 2), c]))])])
        return n
    at = n.add("Reshape", [at, n.const(np.array([-1, size]))])
    if name == "cnn Flatten":
        n.add("Relu", [at])
        return n
    at = n.add("MatMul", [at, n.const(r.array(size, k, low=-0.3, high=0.3))], transpose_a=False, transpose_b=False)
    at = n.add("BiasAdd", [at, n.const(r.array(k))], data_format="NHWC")
    if name == "cnn Softmax":
        n.add("Softmax", [at], T=Type(F32))
    elif name == "cnn SoftMaxKeras":
        axis = n.const(np.int32(-1))
        e = n.add("Exp", [n.add("Sub", [at, n.add("Max", [at, axis], keep_dims=True)])])
        n.add("RealDiv", [e, n.add("Sum", [e, axis], keep_dims=True)])
    elif name == "cnn SoftMaxSlim":
        s = n.add("Softmax", [n.add("Reshape", [at, n.const(np.array([-1, k]))])])
        n.add("Reshape", [s, n.const(np.array([1, k]))])
    return n


@kind("cnn ResizeBilinear", "cnn ResizeNearestNeighbor", "cnn UpsamplingKeras", "cnn Conv2DBackpropInput", "cnn DepthToSpace")
def resized(r, name):
    n, at, h, w, c = begin(r, 4)
    op, attrs = name[4:], {"align_corners": r.flag()}
    if op == "UpsamplingKeras": # the size comes out of the image's shape
        one = n.const(np.array([1]))
        s = n.add("StridedSlice", [n.add("Shape", [at]), one, n.const(np.array([3])), one],
                  begin_mask=0, end_mask=0, ellipsis_mask=0, new_axis_mask=0, shrink_axis_mask=0)
        s = n.add("Mul", [s, n.const(np.array([2, 2]))])
        n.add("ResizeNearestNeighbor", [at, s])
    elif op == "Conv2DBackpropInput":
        k, m, padding = r.int(2, 4), r.int(1, 3), r.one("SAME", "VALID")
        size = [d * 2 if padding == "SAME" else (d - 1) * 2 + k for d in (h, w)]
        n.add(op, [n.const(np.array([1] + size + [m])), n.const(r.array(k, k, m, c)), at], strides=[1, 2, 2, 1],
              padding=padding, **CONV)
    elif op == "DepthToSpace":
        n.add(op, [at], block_size=2, data_format="NHWC")
    else:
        n.add(op, [at, n.const(np.array([r.int(2, 2 * h), r.int(2, 2 * w)]))], **attrs)
    return n


@kind("cnn ClipByValue", "cnn Relu6Keras", "cnn PReLU", "cnn L2Normalize", "cnn KerasMVN", "cnn Squeeze", "cnn ExpandDims",
      "cnn Transpose", "cnn LRN", "cnn SpaceToBatchND")
def patterns(r, name):
    n, at, h, w, c = begin(r)
    op, half = name[4:], np.float32(0.5)
    if op == "ClipByValue":
        n.add(op, [at, n.const(-half), n.const(half)])
    elif op == "Relu6Keras":
        at = n.add("Minimum", [n.add("Relu", [at]), n.const(np.float32(6))])
        n.add("Maximum", [at, n.const(np.float32(0))])
    elif op == "PReLU":
        below = n.add("Neg", [n.add("Relu", [n.add("Neg", [at])])])
        n.add("Add", [n.add("Relu", [at]), n.add("Mul", [below, n.const(r.array(c))])])
    elif op == "L2Normalize":
        s = n.add("Sum", [n.add("Square", [at]), n.const(np.array([3]))], keep_dims=True)
        s = n.add("Rsqrt", [n.add("Maximum", [s, n.const(np.float32(1e-10))])])
        n.add("Mul", [at, s])
    elif op == "KerasMVN":
        axes = n.const(np.array([1, 2]))
        m = n.add("Mean", [at, axes], keep_dims=True)
        d = n.add("SquaredDifference", [at, n.add("StopGradient", [m])])
        v = n.add("Add", [n.add("Mean", [d, axes], keep_dims=True), n.const(np.float32(1e-3))])
        s = n.add("Mul", [n.add("Rsqrt", [v]), n.const(r.array(c))])
        n.add("Add", [n.add("Mul", [at, s]), n.add("Sub", [n.const(r.array(c)), n.add("Mul", [m, s])])])
    elif op == "Squeeze":
        m = n.add("Mean", [at, n.const(np.array([1, 2]))], keep_dims=True)
        n.add(op, [m], squeeze_dims=[1, 2])
    elif op == "ExpandDims":
        m = n.add("Reshape", [at, n.const(np.array([1, h * w * c]))])
        n.add(op, [m, n.const(np.int32(1))])
    elif op == "Transpose":
        n.opencv = False # takes the result for an image again
        n.add("Relu", [n.add(op, [at, n.const(np.array([0, 3, 1, 2]))])])
    elif op == "LRN":
        n.add(op, [at], depth_radius=2, bias=1.0, alpha=0.3, beta=0.75)
    else:
        d, pads = [2, 2], np.array([[2, 2], [2, 2]])
        at = n.add(op, [at, n.const(np.array(d)), n.const(pads)])
        at = n.add("Conv2D", [at, n.const(r.array(3, 3, c, 2))], strides=[1, 1, 1, 1], padding="VALID", **CONV)
        n.add("BatchToSpaceND", [at, n.const(np.array(d)), n.const(np.zeros((2, 2), int))])
    return n
