"""Small random Caffe nets, layer type by layer type, in OpenCV and in tinydnn.

Each generator makes the layers of one net, their weights and inputs; the net is written as .prototxt
and .caffemodel by a few lines. What OpenCV cannot run, for want of the
layer or of its parameters in its schema, is judged by a formula in numpy, written after Caffe's
definition of the layer. Weights go to OpenCV as packed floats; tinydnn gets them in any of the ways
that there are: packed, one by one, doubles, halves, with four old dimensions, under newer and older
layer messages.

    caffe_vs_opencv.py [TYPE...]     these types only; $CONFIGS nets of each, default 20
"""
import os
import struct
import sys
import zlib

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
import tdnn
from tdnn import cv2, np

sys.path.insert(0, os.path.join(tdnn.ROOT, "examples", "models"))
from wire import field, varint

CONFIGS = int(os.environ.get("CONFIGS", "20"))

# ---- writing the two files -------------------------------------------------------------------


def blob(array, way="packed"):
    a = np.ascontiguousarray(array, np.float32)
    if way == "old" and a.ndim <= 4:
        dims = (1,) * (4 - a.ndim) + a.shape
        head = b"".join(field(i + 1, int(d)) for i, d in enumerate(dims))
    else:
        head = field(7, field(1, b"".join(varint(d) for d in a.shape)))
    if way == "single":
        return head + b"".join(varint(5 << 3 | 5) + struct.pack("<f", x) for x in a.ravel())
    if way == "double":
        return head + field(8, a.astype("<f8").tobytes())
    if way == "half":
        return head + field(10, 2) + field(12, a.astype("<f2").tobytes())
    return head + field(5, a.astype("<f4").tobytes())


def caffemodel(weights, way="packed", layers=100):
    out = field(1, b"random")
    for name, blobs in weights.items():
        if layers == 100:
            body = field(1, name.encode()) + b"".join(field(7, blob(b, way)) for b in blobs)
        else:
            body = field(4, name.encode()) + b"".join(field(6, blob(b, way)) for b in blobs)
        out += field(layers, body)
    return out


class Word(str):
    """An enumerator: written without quotes."""


def text(params, indent="  "):
    out = ""
    for name, value in params.items():
        for v in value if isinstance(value, list) else [value]:
            if isinstance(v, dict):
                out += "%s%s {\n%s%s}\n" % (indent, name, text(v, indent + "  "), indent)
            elif isinstance(v, bool):
                out += "%s%s: %s\n" % (indent, name, "true" if v else "false")
            elif isinstance(v, str) and not isinstance(v, Word):
                out += '%s%s: "%s"\n' % (indent, name, v)
            else:
                out += "%s%s: %s\n" % (indent, name, v)
    return out


def layer(name, kind, bottoms, tops=None, **params):
    fields = {"name": name, "type": kind, "bottom": list(bottoms), "top": [name] if tops is None else tops}
    return "layer {\n%s}\n" % text({**fields, **params})


def inputs_text(arrays):
    return "".join(layer(n, "Input", [], input_param={"shape": {"dim": list(a.shape)}})
                   for n, a in arrays.items())


# ---- random things ---------------------------------------------------------------------------


def halves(a):
    """Numbers that come out the same whichever way they are written."""
    return a.astype(np.float16).astype(np.float32)


class Random(np.random.RandomState):
    def one(self, *choices):
        return choices[self.randint(len(choices))]

    def int(self, low, high):
        return int(self.randint(low, high + 1))

    def flag(self):
        return bool(self.randint(2))

    def real(self, low, high):
        return round(float(self.uniform(low, high)), 3)

    def array(self, *shape, scale=1.0):
        return halves(np.asarray(self.randn(*shape)) * scale)


class Net:
    def __init__(self, r, **arrays):
        self.r, self.inputs, self.body, self.weights = r, arrays, "", {}
        self.want = None  # a function of nothing that gives the outputs; None: OpenCV says

    def add(self, name, kind, bottoms, weights=(), tops=None, **params):
        self.body += layer(name, kind, bottoms, tops, **params)
        if len(weights):
            self.weights[name] = list(weights)
        return self

    def wants(self, *outputs):
        self.want = [np.asarray(o, np.float32) for o in outputs]
        return self


def picture(r, channels=None, least=1, most=13):
    return r.array(r.int(1, 2), channels or r.int(1, 7), r.int(least, most), r.int(least, most))


TYPES = {}


def case(function):
    TYPES[function.__name__] = function
    return function


# ---- layers with weights ---------------------------------------------------------------------


def window(r, x, r_most=3, pads=True):
    """kernel, stride, pad for both directions that leave at least one place."""
    p = {}
    if r.flag():
        k = r.int(1, min(r_most, x.shape[2], x.shape[3]))
        p["kernel_size"] = k
        kernel = (k, k)
    else:
        kernel = (r.int(1, min(r_most, x.shape[2])), r.int(1, min(r_most, x.shape[3])))
        p["kernel_h"], p["kernel_w"] = kernel
    if r.flag():
        p["stride"] = r.int(1, 3)
    elif r.flag():
        p["stride_h"], p["stride_w"] = r.int(1, 3), r.int(1, 3)
    if pads and r.flag():
        p["pad"] = r.int(0, min(kernel) - 1)
    elif pads and r.flag():
        p["pad_h"], p["pad_w"] = r.int(0, kernel[0] - 1), r.int(0, kernel[1] - 1)
    return p, kernel


def convolution(r, kind):
    group = r.one(1, 1, 2, 3)
    x = picture(r, group * r.int(1, 4), 3)
    outputs = group * r.int(1, 4)
    p, kernel = window(r, x)
    if kind == "ConvolutionDepthwise":
        group = outputs = x.shape[1]
    if r.flag() and "kernel_size" in p and kind != "Deconvolution":
        p["dilation"] = 2
        p["pad"] = kernel[0]
        for key in ("pad_h", "pad_w"):
            p.pop(key, None)
    p.update(num_output=outputs, group=group, bias_term=r.flag())
    first = (x.shape[1], outputs // group) if kind == "Deconvolution" else (outputs, x.shape[1] // group)
    weights = [r.array(*first, *kernel)] + ([r.array(outputs)] if p["bias_term"] else [])
    return Net(r, data=x).add("out", kind, ["data"], weights, convolution_param=p)


@case
def Convolution(r):
    return convolution(r, "Convolution")


@case
def ConvolutionDepthwise(r):
    return convolution(r, "ConvolutionDepthwise")


@case
def Deconvolution(r):
    return convolution(r, "Deconvolution")


@case
def Convolution_pairs(r):
    """Two bottoms through the same filters."""
    kind = r.one("Convolution", "Deconvolution")
    net = convolution(r, kind)
    one, first = net.inputs["data"], opencv(net)[0]
    net.inputs["data"] = more = r.array(*one.shape)
    second = opencv(net)[0]
    net.inputs = {"data": one, "more": more}
    net.body = net.body.replace('bottom: "data"', 'bottom: "data"\n  bottom: "more"').replace(
        'top: "out"', 'top: "out"\n  top: "out2"')
    return net.wants(first, second)


@case
def InnerProduct(r):
    x = picture(r, least=2, most=5) if r.flag() else r.array(r.int(1, 4), r.int(1, 30))
    axis = r.one(1, 1, 1, 2, 3) if x.ndim == 4 else 1
    inputs, outputs, bias = int(np.prod(x.shape[axis:])), r.int(1, 9), r.flag()
    p = {"num_output": outputs, "bias_term": bias}
    if axis != 1:
        p["axis"] = axis - r.one(0, 4)
    weights = [r.array(outputs, inputs)] + ([r.array(outputs)] if bias else [])
    return Net(r, data=x).add("out", "InnerProduct", ["data"], weights, inner_product_param=p)


@case
def InnerProduct_transposed(r):
    x = r.array(r.int(1, 4), r.int(1, 30))
    outputs = r.int(1, 9)
    w, b = r.array(x.shape[1], outputs), r.array(outputs)
    net = Net(r, data=x).add("out", "InnerProduct", ["data"], [w, b],
                             inner_product_param={"num_output": outputs, "transpose": True})
    return net.wants(x @ w + b)


@case
def Embed(r):
    words, outputs = r.int(2, 9), r.int(1, 5)
    x = r.randint(words, size=(r.int(1, 4), r.int(1, 5))).astype(np.float32)
    w, b = r.array(words, outputs), r.array(outputs)
    bias = r.flag()
    net = Net(r, data=x).add("out", "Embed", ["data"], [w, b][:1 + bias], embed_param={
        "num_output": outputs, "input_dim": words, "bias_term": bias})
    return net.wants(w[x.astype(int)] + (b if bias else 0))


# ---- pooling ---------------------------------------------------------------------------------


def pooling(r, method, **more):
    x = picture(r, None, 3)
    p, _ = window(r, x, 4)
    for stride, kernel in (("stride", "kernel_size"), ("stride_h", "kernel_h"), ("stride_w", "kernel_w")):
        if stride in p:  # a window that starts behind the input has no meaning
            p[stride] = min(p[stride], p.get(kernel, p.get("kernel_size", p.get("kernel_h", 1))),
                            p.get("kernel_w", 9))
    p["pool"] = Word(method)
    return Net(r, data=x).add("out", "Pooling", ["data"], pooling_param={**p, **more})


@case
def Pooling_MAX(r):
    return pooling(r, "MAX")


@case
def Pooling_AVE(r):
    return pooling(r, "AVE")


@case
def Pooling_floor(r):
    return pooling(r, r.one("MAX", "AVE"), ceil_mode=False)


@case
def Pooling_global(r):
    return Net(r, data=picture(r)).add("out", "Pooling", ["data"], pooling_param={
        "pool": Word(r.one("MAX", "AVE")), "global_pooling": True})


@case
def Pooling_STOCHASTIC(r):
    """What Caffe's own test phase gives: sum(x x) / sum(x) over each window, or 0."""
    x, k = np.maximum(picture(r, None, 4), 0), r.int(1, 4)
    s = r.int(1, k)
    n, c, h, w = x.shape
    oh, ow = -(-(h - k) // s) + 1, -(-(w - k) // s) + 1
    y = np.zeros((n, c, oh, ow))
    for i in range(oh):
        for j in range(ow):
            part = x[:, :, i * s:i * s + k, j * s:j * s + k].astype(np.float64)
            total = part.sum((2, 3))
            y[:, :, i, j] = np.where(total > 0, (part * part).sum((2, 3)) / np.where(total > 0, total, 1), 0)
    net = Net(r, data=x).add("out", "Pooling", ["data"], pooling_param={
        "pool": Word("STOCHASTIC"), "kernel_size": k, "stride": s})
    return net.wants(y)


@case
def Pooling_beyond(r):
    """A kernel that is larger than the padded input, by less than a stride: one window, cut off."""
    x, method = picture(r, None, 1, 5), r.one("MAX", "AVE")
    more, side = r.int(1, 2), max(x.shape[2:])
    k, s = side + more, more + r.int(1, 3)
    k = min(x.shape[2:]) + more
    x = x[:, :, :k - more, :k - more]
    net = Net(r, data=x).add("out", "Pooling", ["data"], pooling_param={
        "pool": Word(method), "kernel_size": k, "stride": s})
    return net.wants((x.max if method == "MAX" else x.mean)((2, 3), keepdims=True))


@case
def Pooling_empty(r):
    """Windows smaller than their stride, without padding: Caffe keeps one that begins behind the input, and
    starts its maximum from the least number."""
    k, s = r.int(1, 2), r.int(3, 4)
    x = halves(np.asarray(r.randn(1, r.int(1, 3), s * r.int(1, 3) + r.int(0, 1), s * r.int(1, 3)), np.float32))
    n, c, h, w = x.shape
    oh, ow = -(-(h - k) // s) + 1, -(-(w - k) // s) + 1
    y = np.full((n, c, oh, ow), -np.finfo(np.float32).max)
    for i in range(oh):
        for j in range(ow):
            part = x[:, :, i * s:i * s + k, j * s:j * s + k]
            if part.size:
                y[:, :, i, j] = part.max((2, 3))
    net = Net(r, data=x).add("pool", "Pooling", ["data"], pooling_param={
        "pool": Word("MAX"), "kernel_size": k, "stride": s})
    return net.add("out", "ReLU", ["pool"]).wants(np.maximum(y, 0))


def pooled_windows(x, bins, method):
    """Caffe's windows of one level of a pyramid, as its own loops make them."""
    n, c, h, w = x.shape
    k = [-(-h // bins), -(-w // bins)]
    pad = [(k[0] * bins - h + 1) // 2, (k[1] * bins - w + 1) // 2]
    y = np.zeros((n, c, bins, bins))
    for i in range(bins):
        for j in range(bins):
            top, left = i * k[0] - pad[0], j * k[1] - pad[1]
            bottom, right = min(top + k[0], h + pad[0]), min(left + k[1], w + pad[1])
            part = x[:, :, max(top, 0):min(bottom, h), max(left, 0):min(right, w)]
            area = (bottom - top) * (right - left)
            y[:, :, i, j] = part.max((2, 3)) if method == "MAX" else part.sum((2, 3)) / area
    return y.reshape(n, -1)


@case
def SPP(r):
    levels, method = r.int(1, 3), r.one("MAX", "AVE")
    sizes = [n for n in range(1 << levels - 1, 16)  # every level's padding is less than its window
             if all((-(-n // b) * b - n + 1) // 2 < -(-n // b) for b in (1, 2, 4)[:levels])]
    x = r.array(r.int(1, 2), r.int(1, 5), r.one(*sizes), r.one(*sizes))
    net = Net(r, data=x).add("out", "SPP", ["data"], spp_param={"pyramid_height": levels, "pool": Word(method)})
    return net.wants(np.concatenate([pooled_windows(x, 1 << i, method) for i in range(levels)], 1))


def max_pool_with_mask(x, k, s):
    n, c, h, w = x.shape
    oh, ow = -(-(h - k) // s) + 1, -(-(w - k) // s) + 1
    y, mask = np.zeros((2, n, c, oh, ow), np.float32)
    for i in range(oh):
        for j in range(ow):
            rows, columns = slice(i * s, min(i * s + k, h)), slice(j * s, min(j * s + k, w))
            part = x[:, :, rows, columns].reshape(n, c, -1)
            at, width = part.argmax(2), min(j * s + k, w) - j * s
            y[:, :, i, j] = part.max(2)
            mask[:, :, i, j] = (i * s + at // width) * w + j * s + at % width
    return y, mask


def scattered(values, mask, h, w):
    out = np.zeros(values.shape[:2] + (h * w,), np.float32)
    for n in range(values.shape[0]):
        for c in range(values.shape[1]):
            out[n, c, mask[n, c].ravel().astype(int)] = values[n, c].ravel()
    return out.reshape(values.shape[:2] + (h, w))


@case
def Pooling_mask(r):
    x, k, s = picture(r, None, 4), r.int(1, 4), r.int(1, 4)
    net = Net(r, data=x).add("out", "Pooling", ["data"], tops=["out", "mask"],
                             pooling_param={"kernel_size": k, "stride": min(s, k)})
    return net.wants(*max_pool_with_mask(x, k, min(s, k)))


@case
def Upsample_positions(r):
    x, scale = picture(r, None, 4), r.int(2, 3)
    y, mask = max_pool_with_mask(x, scale, scale)
    p = {"scale": scale}
    if r.flag():
        p.update(upsample_h=x.shape[2], upsample_w=x.shape[3])
    h, w = (x.shape[2:]) if len(p) > 1 else (y.shape[2] * scale, y.shape[3] * scale)
    net = Net(r, data=x).add("pool", "Pooling", ["data"], tops=["pool", "mask"],
                             pooling_param={"kernel_size": scale, "stride": scale})
    net.add("half", "Power", ["pool"], power_param={"scale": 0.5})
    net.add("out", "Upsample", ["half", "mask"], upsample_param=p)
    return net.wants(scattered(y * 0.5, mask, h, w))


@case
def MaxUnpool(r):
    x, k = picture(r, None, 4), r.int(1, 3)
    y, mask = max_pool_with_mask(x, k, k)
    net = Net(r, data=x).add("pool", "Pooling", ["data"], tops=["pool", "mask"],
                             pooling_param={"kernel_size": k, "stride": k})
    net.add("out", "MaxUnpool", ["pool", "mask"], pooling_param={"kernel_size": k, "stride": k})
    return net.wants(scattered(y, mask, y.shape[2] * k, y.shape[3] * k))


@case
def Upsample_nearest(r):
    x, scale = picture(r), r.int(1, 4)
    net = Net(r, data=x).add("out", "Upsample", ["data"], upsample_param={"scale": scale})
    return net.wants(x.repeat(scale, 2).repeat(scale, 3))


# ---- number by number ------------------------------------------------------------------------


def unary(kind, low=-3.0, high=3.0):
    def make(r):
        x = r.uniform(low, high, picture(r).shape).astype(np.float32)
        return Net(r, data=x).add("out", kind, ["data"])
    make.__name__ = kind
    case(make)


for kind in ("AbsVal", "BNLL", "Sigmoid", "TanH", "Sin", "Sinh", "Cos", "Cosh", "Asinh", "Atan", "Ceil",
             "Erf", "Floor", "HardSwish", "Identity", "Mish", "Round", "Selu", "Sign", "Softplus",
             "Softsign", "ReLU6", "Swish"):
    unary(kind)
unary("ReLU6", -3, 9)
unary("Tan", -1.2, 1.2)
unary("Asin", -0.95, 0.95)
unary("Acos", -0.95, 0.95)
unary("Atanh", -0.9, 0.9)
unary("Acosh", 1.1, 5)
unary("Sqrt", 0, 5)
unary("Reciprocal", 0.2, 5)


@case
def ReLU(r):
    p = {} if r.flag() else {"relu_param": {"negative_slope": r.real(-1, 1)}}
    return Net(r, data=picture(r)).add("out", "ReLU", ["data"], **p)


@case
def PReLU(r):
    x = picture(r)
    shared = r.flag()
    return Net(r, data=x).add("out", "PReLU", ["data"], [r.array(1 if shared else x.shape[1])],
                              prelu_param={"channel_shared": shared})


@case
def ELU(r):
    p = {} if r.flag() else {"elu_param": {"alpha": r.real(0.1, 2)}}
    return Net(r, data=picture(r)).add("out", "ELU", ["data"], **p)


@case
def Exp(r):
    p = {"scale": r.real(-1, 1), "shift": r.real(-1, 1)}
    if r.flag():
        p["base"] = r.real(0.3, 3)
    return Net(r, data=picture(r)).add("out", "Exp", ["data"], exp_param=p)


@case
def Log(r):
    x = r.uniform(0.5, 4, picture(r).shape).astype(np.float32)
    p = {"scale": r.real(0.5, 2), "shift": r.real(0, 1)}
    y = np.log(p["shift"] + p["scale"] * x.astype(np.float64))
    if r.flag():
        p["base"] = r.real(1.5, 10)
        y /= np.log(p["base"])
    return Net(r, data=x).add("out", "Log", ["data"], log_param=p).wants(y)


@case
def Power(r):
    p = {"power": r.one(1.0, 2.0, 0.5, -1.0, 3.0), "scale": r.real(0.5, 2), "shift": r.real(0, 2)}
    x = r.uniform(0.2, 2, picture(r).shape).astype(np.float32)
    return Net(r, data=x).add("out", "Power", ["data"], power_param=p)


@case
def Clip(r):
    x, low = picture(r), r.real(-1, 0)
    net = Net(r, data=x).add("out", "Clip", ["data"], clip_param={"min": low, "max": 0.5})
    return net.wants(np.clip(x, low, 0.5))


@case
def Threshold(r):
    x, t = picture(r), r.real(-1, 1)
    return Net(r, data=x).add("out", "Threshold", ["data"],
                              threshold_param={"threshold": t}).wants(x > t)


@case
def Swish_beta(r):
    x, beta = picture(r), r.real(0.2, 2)
    net = Net(r, data=x).add("out", "Swish", ["data"], swish_param={"beta": beta})
    return net.wants(x / (1 + np.exp(-np.float64(beta) * x)))


@case
def Softmax(r):
    x = picture(r) if r.flag() else r.array(r.int(1, 4), r.int(1, 20))
    p = {} if r.flag() else {"softmax_param": {"axis": r.int(-x.ndim, x.ndim - 1)}}
    return Net(r, data=x).add("out", "Softmax", ["data"], **p)


@case
def Dropout(r):
    return Net(r, data=picture(r)).add("half", "Power", ["data"], power_param={"scale": 0.5}).add(
        "out", "Dropout", ["half"], dropout_param={"dropout_ratio": 0.3})


@case
def Dropout_scaled(r):
    x, ratio = picture(r), r.real(0, 0.9)
    net = Net(r, data=x).add("out", "Dropout", ["data"],
                             dropout_param={"dropout_ratio": ratio, "scale_train": False})
    return net.wants(x * np.float32(1 - ratio))


# ---- normalisation ---------------------------------------------------------------------------


@case
def LRN(r):
    p = {"local_size": r.one(1, 3, 5), "alpha": r.real(0.1, 2), "beta": r.one(0.75, 0.5, 1.0, 0.9)}
    return Net(r, data=picture(r)).add("out", "LRN", ["data"], lrn_param=p)


@case
def LRN_k(r):
    """OpenCV leaves k out."""
    x, size, k = picture(r), r.one(1, 3, 5), r.real(1, 3)
    padded = np.pad(x.astype(np.float64) ** 2, ((0, 0), (size // 2,) * 2, (0, 0), (0, 0)))
    sums = sum(padded[:, i:i + x.shape[1]] for i in range(size))
    net = Net(r, data=x).add("out", "LRN", ["data"], lrn_param={"local_size": size, "alpha": 0.5, "k": k})
    return net.wants(x / (k + 0.5 / size * sums) ** 0.75)


@case
def LRN_WITHIN_CHANNEL(r):
    p = {"local_size": r.one(1, 3, 5), "alpha": r.real(0.1, 2), "beta": r.one(0.75, 0.5, 1.0, 0.9),
         "norm_region": Word("WITHIN_CHANNEL")}
    return Net(r, data=picture(r, None, 5)).add("out", "LRN", ["data"], lrn_param=p)


def batch_norm_blobs(r, channels):
    return [r.array(channels), halves(np.abs(r.array(channels)) + 0.5), np.float32([r.one(1.0, 0.5, 4.0)])]


@case
def BatchNorm(r):
    x = picture(r)
    p = {} if r.flag() else {"batch_norm_param": {"eps": r.real(0.001, 0.1), "use_global_stats": True}}
    return Net(r, data=x).add("out", "BatchNorm", ["data"], batch_norm_blobs(r, x.shape[1]), **p)


@case
def BatchNorm_of_batch(r):
    x = r.array(r.int(2, 3), r.int(1, 5), 4, 5)
    y = (x - x.mean((0, 2, 3), keepdims=True)) / np.sqrt(x.var((0, 2, 3), keepdims=True) + 1e-5)
    net = Net(r, data=x).add("out", "BatchNorm", ["data"], batch_norm_blobs(r, x.shape[1]),
                             batch_norm_param={"use_global_stats": False})
    return net.wants(y)


@case
def BatchNorm_zero_divisor(r):
    x = picture(r)
    blobs = batch_norm_blobs(r, x.shape[1])[:2] + [np.float32([0])]
    net = Net(r, data=x).add("out", "BatchNorm", ["data"], blobs)
    return net.wants(x / np.sqrt(np.float32(1e-5)))


@case
def BatchNorm_Scale_ReLU(r):
    """In place, as networks have it."""
    x = picture(r, None, 3)
    c = r.int(1, 6)
    net = Net(r, data=x).add("conv", "Convolution", ["data"], [r.array(c, x.shape[1], 3, 3)],
                             convolution_param={"num_output": c, "bias_term": False, "kernel_size": 3})
    net.add("bn", "BatchNorm", ["conv"], batch_norm_blobs(r, c), tops=["conv"])
    net.add("scale", "Scale", ["conv"], [r.array(c), r.array(c)], tops=["conv"],
            scale_param={"bias_term": True})
    net.add("relu", "ReLU", ["conv"], tops=["conv"])
    return net.add("out", "Power", ["conv"], power_param={"scale": 2})


@case
def BN_inference(r):
    """SegNet's: scale and shift with the statistics in them."""
    x = picture(r)
    shape = (1, x.shape[1], 1, 1)
    scale, shift = r.array(*shape), r.array(*shape)
    net = Net(r, data=x).add("out", "BN", ["data"], [scale, shift], bn_param={"bn_mode": Word("INFERENCE")})
    return net.wants(x * scale + shift)


@case
def BN_moments(r):
    """PSPNet's: scale, shift, mean, variance."""
    x = picture(r)
    shape = (1, x.shape[1], 1, 1)
    scale, shift, mean = (r.array(*shape) for _ in range(3))
    variance = np.abs(r.array(*shape)) + 0.5
    eps = r.one(None, 1e-3)
    params = {"frozen": True, **({"eps": eps} if eps else {})}
    net = Net(r, data=x).add("out", "BN", ["data"], [scale, shift, mean, halves(variance)], bn_param=params)
    return net.wants((x - mean) / np.sqrt(halves(variance) + (eps or 1e-5)) * scale + shift)


@case
def MVN(r):
    p = {"across_channels": r.flag(), "normalize_variance": r.flag()}
    return Net(r, data=picture(r, None, 3)).add("out", "MVN", ["data"], mvn_param=p)


@case
def MVN_eps(r):
    """Caffe adds eps to the standard deviation, OpenCV to the variance."""
    x, eps = picture(r, None, 3), r.real(0.01, 0.5)
    axes = (1, 2, 3) if r.flag() else (2, 3)
    y = (x - x.mean(axes, keepdims=True)) / (x.std(axes, keepdims=True) + eps)
    return Net(r, data=x).add("out", "MVN", ["data"], mvn_param={
        "across_channels": len(axes) == 3, "eps": eps}).wants(y)


@case
def Normalize(r):
    x = picture(r)
    shared = r.flag()
    return Net(r, data=x).add("out", "Normalize", ["data"], [r.array(1 if shared else x.shape[1])],
                              norm_param={"across_spatial": shared and r.flag(), "channel_shared": shared})


@case
def Normalize_whole(r):
    """Over whole pictures, with a scale for each channel."""
    x = picture(r)
    scale = r.array(x.shape[1])
    y = x / np.sqrt((x.astype(np.float64) ** 2).sum((1, 2, 3), keepdims=True) + 1e-10)
    return Net(r, data=x).add("out", "Normalize", ["data"], [scale], norm_param={
        "channel_shared": False}).wants(y * scale[:, None, None])


# ---- arithmetic ------------------------------------------------------------------------------


@case
def Scale(r):
    x = picture(r)
    bias = r.flag()
    blobs = [r.array(x.shape[1]) for _ in range(1 + bias)]
    return Net(r, data=x).add("out", "Scale", ["data"], blobs, scale_param={"bias_term": bias})


@case
def Scale_axes(r):
    x, axis = picture(r), r.int(0, 3)
    axes = r.int(0, 4 - axis)
    shape = x.shape[axis:axis + axes]
    w, b = np.asarray(r.array(*shape)), np.asarray(r.array(*shape))
    ones = (1,) * (4 - axis - axes)
    p = {"axis": axis - r.one(0, 4), "bias_term": True,
         "num_axes": -1 if axes == 4 - axis and r.flag() else axes}
    y = x * w.reshape(shape + ones if axes else ()) + b.reshape(shape + ones if axes else ())
    return Net(r, data=x).add("out", "Scale", ["data"], [w, b], scale_param=p).wants(y)


@case
def Scale_two(r):
    x = picture(r)
    return Net(r, data=x, other=r.array(x.shape[0], x.shape[1])).add(
        "out", "Scale", ["data", "other"], scale_param={"axis": 0})


@case
def Bias(r):
    x = picture(r)
    b = r.array(x.shape[1])
    net = Net(r, data=x).add("out", "Bias", ["data"], [b])
    return net.wants(x + b[:, None, None])


@case
def Bias_two(r):
    x, axis = picture(r), r.int(0, 3)
    b = r.array(*x.shape[axis:axis + r.int(1, 4 - axis)])
    net = Net(r, data=x, other=b).add("out", "Bias", ["data", "other"], bias_param={"axis": axis})
    return net.wants(x + b.reshape(b.shape + (1,) * (4 - axis - b.ndim)))


def eltwise(r, **params):
    x = picture(r)
    inputs = {"data%d" % i: r.array(*x.shape) for i in range(r.int(2, 4))}
    if "coeff" in params:
        params["coeff"] = [r.real(-2, 2) for _ in inputs]
    return Net(r, **inputs).add("out", "Eltwise", list(inputs), eltwise_param=params)


@case
def Eltwise_SUM(r):
    return eltwise(r) if r.flag() else eltwise(r, operation=Word("SUM"))


@case
def Eltwise_coeff(r):
    return eltwise(r, operation=Word("SUM"), coeff=[])


@case
def Eltwise_PROD(r):
    return eltwise(r, operation=Word("PROD"))


@case
def Eltwise_MAX(r):
    return eltwise(r, operation=Word("MAX"))


@case
def Axpy(r):
    """SENet's a x + y; OpenCV 4.6 computes a y + x, and only for one image."""
    x = picture(r)
    y, a = r.array(*x.shape), r.array(x.shape[0], x.shape[1], *r.one((), (1, 1)))
    net = Net(r, a=a, x=x, y=y).add("out", "Axpy", ["a", "x", "y"])
    return net.wants(a.reshape(x.shape[:2] + (1, 1)) * x + y)


@case
def Reduction(r):
    x, axis = picture(r), r.int(0, 3)
    axes = tuple(range(axis, 4))
    operation, coeff = r.one("SUM", "ASUM", "SUMSQ", "MEAN"), r.one(1.0, 0.5, -2.0)
    y = {"SUM": x, "ASUM": np.abs(x), "SUMSQ": x * x, "MEAN": x}[operation].astype(np.float64)
    y = y.mean(axes) if operation == "MEAN" else y.sum(axes)
    net = Net(r, data=x).add("out", "Reduction", ["data"], reduction_param={
        "operation": Word(operation), "axis": axis - r.one(0, 4), "coeff": coeff})
    return net.wants(y * coeff)


@case
def ArgMax(r):
    x = picture(r, None, 3)
    k, values = r.int(1, 3), r.flag()
    p = {"top_k": k, "out_max_val": values}
    if r.flag():
        axis = r.int(2, 3)
        order = np.argsort(-x, axis, kind="stable").take(range(k), axis)
        y = np.take_along_axis(x, order, axis) if values else order
        p["axis"] = axis
    else:
        flat = x.reshape(x.shape[0], -1)
        order = np.argsort(-flat, 1, kind="stable")[:, :k]
        y = [order, np.take_along_axis(flat, order, 1)] if values else [order]
        y = np.stack(y, 1)[..., None]
    return Net(r, data=x).add("out", "ArgMax", ["data"], argmax_param=p).wants(y)


# ---- shape -----------------------------------------------------------------------------------


@case
def Concat(r):
    x, axis = picture(r), r.int(0, 3)
    inputs = {}
    for i in range(r.int(1, 4)):
        shape = list(x.shape)
        shape[axis] = r.int(1, 5)
        inputs["data%d" % i] = r.array(*shape)
    older = r.flag()  # OpenCV leaves it out
    p = {"concat_dim": axis} if older else {"axis": axis - r.one(0, 4)}
    net = Net(r, **inputs).add("out", "Concat", list(inputs), concat_param=p)
    if older or len(inputs) == 1:  # OpenCV's result of one input is not initialised
        net.wants(np.concatenate(list(inputs.values()), axis))
    return net


@case
def Slice(r):
    axis, count = r.int(0, 3), r.int(2, 4)
    shape = list(picture(r).shape)
    p = {} if axis == 1 and r.flag() else {"axis": axis - r.one(0, 4)}
    if r.flag():
        shape[axis] = count * r.int(1, 3)
    else:
        shape[axis] = count + r.int(0, 6)
        p["slice_point"] = sorted(r.choice(range(1, shape[axis]), count - 1, False).tolist())
    net = Net(r, data=r.array(*shape))
    net.add("slice", "Slice", ["data"], tops=["s%d" % i for i in range(count)], slice_param=p)
    for i in range(count):
        net.add("out%d" % i, "Power", ["s%d" % i], power_param={"scale": i + 1.0})
    return net


@case
def Split(r):
    net = Net(r, data=picture(r)).add("split", "Split", ["data"], tops=["a", "b"])
    return net.add("out0", "AbsVal", ["a"]).add("out1", "TanH", ["b"])


@case
def Silence(r):
    net = Net(r, data=picture(r)).add("split", "Split", ["data"], tops=["a", "b"])
    x = net.inputs["data"]
    return net.add("silence", "Silence", ["a"], tops=[]).add("out", "AbsVal", ["b"]).wants(np.abs(x))


@case
def Flatten(r):
    axis = r.int(0, 3)
    end = r.int(axis, 3)
    p = {} if r.flag() else {"flatten_param": {"axis": axis - r.one(0, 4), "end_axis": end - r.one(0, 4)}}
    return Net(r, data=picture(r)).add("out", "Flatten", ["data"], **p)


@case
def Reshape(r):
    x = r.array(2, 3, 4, 6)
    p = r.one({"shape": {"dim": [0, -1]}}, {"shape": {"dim": [0, 0, 24]}}, {"shape": {"dim": [2, 12, -1, 2]}},
              {"shape": {"dim": [0, 0, -1, 1]}}, {"shape": {"dim": [6, 24]}},
              {"shape": {"dim": [0, 6, 4, 3]}}, {"shape": {"dim": [-1]}})
    return Net(r, data=x).add("out", "Reshape", ["data"], reshape_param=p)


@case
def Reshape_axes(r):
    x = r.array(2, 3, 4, 6)
    p, shape = r.one(
        ({"shape": {"dim": [2, 2]}, "axis": 2, "num_axes": 1}, (2, 3, 2, 2, 6)),
        ({"shape": {"dim": [-1]}, "axis": 1, "num_axes": 2}, (2, 12, 6)),
        ({"shape": {"dim": [1]}, "axis": 1, "num_axes": 0}, (2, 1, 3, 4, 6)),
        ({"shape": {"dim": [0, 8, 3]}, "axis": -4}, (2, 3, 8, 3)),
        ({"shape": {"dim": [0, 1, -1]}, "axis": 0, "num_axes": 2}, (2, 1, 3, 4, 6)),
        ({"shape": {"dim": [1]}, "axis": -1, "num_axes": 0}, (2, 3, 4, 6, 1)))
    return Net(r, data=x).add("out", "Reshape", ["data"], reshape_param=p).wants(x.reshape(shape))


@case
def Permute(r):
    return Net(r, data=picture(r)).add("out", "Permute", ["data"], permute_param={
        "order": r.permutation(4).tolist()})


@case
def Transpose(r):
    x, order = picture(r), list(r.permutation(4))
    net = Net(r, data=x).add("out", "Transpose", ["data"], transpose_param={"dim": [int(i) for i in order]})
    return net.wants(x.transpose(order))


@case
def Reverse(r):
    x, axis = picture(r), r.int(0, 3)
    net = Net(r, data=x).add("out", "Reverse", ["data"], reverse_param={"axis": axis})
    return net.wants(np.flip(x, axis))


@case
def Crop(r):
    axis = r.int(0, 3)
    small = [r.int(1, 4) for _ in range(4)]
    offset = [r.int(0, 3) for _ in range(4)]
    if r.flag():
        offset = [offset[0]] * 4
    big = [s + o + r.int(0, 2) if i >= axis else s for i, (s, o) in enumerate(zip(small, offset))]
    p = {"axis": axis - r.one(0, 4), "offset": offset[axis:] if len(set(offset)) > 1 else [offset[0]]}
    return Net(r, data=r.array(*big), like=r.array(*small)).add("out", "Crop", ["data", "like"],
                                                               crop_param=p)


@case
def Tile(r):
    x, axis, tiles = picture(r), r.int(0, 3), r.int(1, 3)
    net = Net(r, data=x).add("out", "Tile", ["data"], tile_param={"axis": axis, "tiles": tiles})
    return net.wants(np.concatenate([x] * tiles, axis))


@case
def BatchReindex(r):
    x = r.array(4, 3, 2, 2)
    index = r.randint(4, size=r.int(1, 6))
    net = Net(r, data=x, index=index.astype(np.float32)).add("out", "BatchReindex", ["data", "index"])
    return net.wants(x[index])


@case
def ShuffleChannel(r):
    g, c = r.int(1, 4), r.int(1, 4)
    x = picture(r, g * c)
    n, _, h, w = x.shape
    net = Net(r, data=x).add("out", "ShuffleChannel", ["data"], shuffle_channel_param={"group": g})
    return net.wants(x.reshape(n, g, c, h, w).swapaxes(1, 2).reshape(x.shape))


@case
def Reorg(r):
    """Without parameters, which OpenCV's schema does not have: stride 2."""
    x = r.array(r.int(1, 2), 4 * r.int(1, 3), 2 * r.int(1, 4), 2 * r.int(1, 4))
    return Net(r, data=x).add("out", "Reorg", ["data"])


@case
def Reorg_stride(r):
    s = r.int(1, 3)
    x = r.array(r.int(1, 2), s * s * r.int(1, 2), s * r.int(1, 3), s * r.int(1, 3))
    n, c, h, w = x.shape
    wide = x.reshape(n, c // (s * s), h, s, w, s).transpose(0, 3, 5, 1, 2, 4)
    net = Net(r, data=x).add("out", "Reorg", ["data"], reorg_param={"stride": s})
    return net.wants(wide.reshape(n, c * s * s, h // s, w // s))


def aligned_bilinear(x, h, w):
    def taps(size, new):
        at = np.arange(new) * ((size - 1) / (new - 1) if new > 1 else 0.0)
        low = np.minimum(at.astype(int), size - 1)
        return low, np.minimum(low + 1, size - 1), at - low
    a, b, f = taps(x.shape[2], h)
    x = x[:, :, a] * (1 - f)[:, None] + x[:, :, b] * f[:, None]
    a, b, f = taps(x.shape[3], w)
    return x[..., a] * (1 - f) + x[..., b] * f


@case
def Interp(r):
    x = picture(r, None, 3)
    cut = (r.int(0, 1), r.int(0, 1)) if r.flag() else (0, 0)
    p = {}
    if any(cut):
        p.update(pad_beg=-cut[0], pad_end=-cut[1])
    y = x.astype(np.float64)[:, :, cut[0]:x.shape[2] - cut[1], cut[0]:x.shape[3] - cut[1]]
    how = r.int(0, 3)
    size = y.shape[2:]
    if how == 0:
        size = (r.int(1, 20), r.int(1, 20))
        p.update(height=size[0], width=size[1])
    if how in (1, 3):
        p["shrink_factor"] = r.int(1, 3)
        size = [(s - 1) // p["shrink_factor"] + 1 for s in size]
    if how in (2, 3):
        p["zoom_factor"] = r.int(1, 3)
        size = [s + (s - 1) * (p["zoom_factor"] - 1) for s in size]
    net = Net(r, data=x).add("out", "Interp", ["data"], interp_param=p)
    return net.wants(aligned_bilinear(y, *size))


@case
def Resample(r):
    x, s = picture(r), r.int(1, 3)
    p = {"type": Word("NEAREST")}
    net = Net(r, data=x)
    if r.flag():
        net.add("out", "Resample", ["data"], resample_param={**p, "factor": float(s)})
    elif r.flag():
        net.add("out", "Resample", ["data"], resample_param={
            **p, "height": x.shape[2] * s, "width": x.shape[3] * s})
    else:
        net.inputs["like"] = r.array(1, 1, x.shape[2] * s, x.shape[3] * s)
        net.add("out", "Resample", ["data", "like"], resample_param=p)
    return net.wants(x.repeat(s, 2).repeat(s, 3))


def resampled_rows(x, size, kernel, reach, antialias):
    """The last axis, with FlowNet's weights: those within the input, divided by their sum."""
    n = x.shape[-1]
    step = n / size
    wide = max(step, 1.0) if antialias else 1.0
    out = np.zeros(x.shape[:-1] + (size,))
    for i in range(size):
        at = (i + 0.5) * step - 0.5
        j = np.arange(max(0, int(np.floor(at - reach * wide))), min(n - 1, int(np.ceil(at + reach * wide))) + 1)
        w = kernel(np.abs(at - j) / wide)
        out[..., i] = (x[..., j] * w).sum(-1) / w.sum()
    return out


def triangle(d):
    return np.maximum(0, 1 - d)


def cubic(d, a=-0.5):
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d < 1, near, np.where(d < 2, far, 0))


@case
def Resample_filters(r):
    x, kind = picture(r, None, 2), r.one("LINEAR", "CUBIC")
    antialias = r.flag()
    h, w = r.int(1, 15), r.int(1, 15)
    p = {"type": Word(kind), "height": h, "width": w}
    if not antialias or r.flag():
        p["antialias"] = antialias
    how = (triangle, 1) if kind == "LINEAR" else (cubic, 2)
    y = resampled_rows(x.astype(np.float64), w, *how, antialias)
    y = resampled_rows(y.swapaxes(2, 3), h, *how, antialias).swapaxes(2, 3)
    return Net(r, data=x).add("out", "Resample", ["data"], resample_param=p).wants(y)


# ---- recurrent -------------------------------------------------------------------------------


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def recurrent(r, kind, states):
    """Random sequences that start anew here and there, with and without constant inputs and states
    from outside."""
    t, n, k, size = r.int(1, 5), r.int(1, 3), r.int(1, 4), r.int(1, 4)
    gates = 4 * size if kind == "LSTM" else size
    x, cont = r.array(t, n, k, 1), r.randint(2, size=(t, n)).astype(np.float32)
    weights = [r.array(gates, k, scale=0.5), r.array(gates)]
    inputs, p = {"x": x, "cont": cont}, {"num_output": size}
    z = x[..., 0].astype(np.float64) @ weights[0].T + weights[1]
    if r.flag():
        inputs["constant"] = r.array(n, r.int(1, 3))
        weights.append(r.array(gates, inputs["constant"].shape[1], scale=0.5))
        z += inputs["constant"] @ weights[2].T
    weights.append(r.array(gates, size, scale=0.5))
    state = [np.zeros((n, size))] * states
    tops = ["out"]
    if r.flag():
        p["expose_hidden"] = True
        for i in range(states):
            inputs["state%d" % i] = r.array(1, n, size, scale=0.5)
            state[i] = inputs["state%d" % i][0]
            tops.append("last%d" % i)
    if kind == "RNN":
        weights += [r.array(size, size), r.array(size)]
    net = Net(r, **inputs).add("out", kind, list(inputs), weights, tops=tops, recurrent_param=p)
    return net, z, cont, weights, state


@case
def LSTM(r):
    net, z, cont, weights, (h, c) = recurrent(r, "LSTM", 2)
    rows = []
    for step, goes_on in zip(z, cont[..., None]):
        i, f, o, g = np.split(step + (h * goes_on) @ weights[-1].T, 4, 1)
        c = sigmoid(f) * goes_on * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        rows.append(h)
    return net.wants(rows, *([h[None], c[None]] if "last0" in net.body else []))


@case
def RNN(r):
    net, z, cont, weights, (h,) = recurrent(r, "RNN", 1)
    rows = []
    for step, goes_on in zip(z, cont[..., None]):
        h = np.tanh(step + (h * goes_on) @ weights[-3].T)
        rows.append(np.tanh(h @ weights[-2].T + weights[-1]))
    return net.wants(rows, *([h[None]] if "last0" in net.body else []))


# ---- detectors -------------------------------------------------------------------------------


@case
def PriorBox(r):
    p = {"min_size": r.real(10, 60), "flip": r.flag(), "clip": r.flag()}
    if r.flag():
        p["max_size"] = p["min_size"] + r.real(5, 50)
    p["aspect_ratio"] = [r.one(1.0, 2.0, 3.0, 0.5, 1.7) for _ in range(r.int(0, 3))]
    p["variance"] = r.one([0.1], [0.1, 0.1, 0.2, 0.2])
    if r.flag():
        p["step"] = r.real(4, 20)
    elif r.flag():
        p["step_h"], p["step_w"] = r.real(4, 20), r.real(4, 20)
    if r.flag():
        p["offset"] = r.real(0, 1)
    return prior_box(r, "PriorBox", p)


def prior_box(r, kind, p):
    net = Net(r, data=r.array(1, 2, r.int(1, 5), r.int(1, 5)), image=r.array(1, 3, r.int(20, 99), r.int(20, 99)))
    return net.add("out", kind, ["data", "image"], prior_box_param=p)


@case
def PriorBoxClustered(r):
    n = r.int(1, 4)
    p = {"width": [r.real(5, 50) for _ in range(n)], "height": [r.real(5, 50) for _ in range(n)],
         "flip": r.flag(), "clip": r.flag(), "variance": [0.1, 0.1, 0.2, 0.2]}
    if r.flag():
        k = r.int(1, 2)
        p["offset_h"] = [r.real(0, 1) for _ in range(k)]
        p["offset_w"] = [r.real(0, 1) for _ in range(k)]
    if r.flag():
        p["step"] = r.real(4, 20)
    return prior_box(r, "PriorBoxClustered", p)


@case
def PriorBox_many_sizes(r):
    """Several sizes, after SSD's own code: OpenCV takes the first only."""
    sizes = [r.real(10, 40) for _ in range(r.int(2, 3))]
    larger = [s + r.real(5, 20) for s in sizes] if r.flag() else []
    ratios, flip = [2.0, 3.0][:r.int(0, 2)], r.flag()
    p = {"min_size": sizes, "max_size": larger, "aspect_ratio": ratios, "flip": flip, "clip": False,
         "variance": [0.1, 0.1, 0.2, 0.2]}
    net = prior_box(r, "PriorBox", p)
    _, _, h, w = net.inputs["data"].shape
    _, _, ih, iw = net.inputs["image"].shape
    boxes = []
    for y in range(h):
        for x in range(w):
            for i, s in enumerate(sizes):
                shapes = [(s, s)] + ([(np.sqrt(s * larger[i]),) * 2] if larger else [])
                for a in ratios:
                    for q in [a, 1 / a][:1 + flip]:
                        shapes.append((s * np.sqrt(q), s / np.sqrt(q)))
                cx, cy = (x + 0.5) * iw / w, (y + 0.5) * ih / h
                boxes += [[(cx - bw / 2) / iw, (cy - bh / 2) / ih, (cx + bw / 2) / iw, (cy + bh / 2) / ih]
                          for bw, bh in shapes]
    rows = np.stack([np.ravel(boxes), np.tile([0.1, 0.1, 0.2, 0.2], len(boxes))])
    return net.wants(rows[None])


def detection_output(r, **more):
    images, priors, classes = r.int(1, 3), r.int(1, 30), r.int(2, 5)
    shared = r.flag()
    corner = r.rand(priors, 2) * 0.7
    boxes = np.concatenate([corner, corner + 0.05 + r.rand(priors, 2) * 0.3], 1).ravel()
    variance = np.tile([0.1, 0.1, 0.2, 0.2], priors)
    prior = np.stack([boxes, variance])[None, :, :, None].astype(np.float32)
    p = {"num_classes": classes, "share_location": shared, "background_label_id": r.one(0, 1) if shared else r.one(0, -1, 1),
         "nms_param": {"nms_threshold": r.real(0.1, 0.9), "top_k": r.one(400, 5, 20)},
         "code_type": Word(r.one("CORNER", "CENTER_SIZE")), "keep_top_k": r.one(200, 3, 10),
         "confidence_threshold": r.real(0, 0.7), **more}
    if r.flag():  # then OpenCV wants no variances
        p["variance_encoded_in_target"], prior = True, prior[:, :1]
    return Net(r, loc=r.array(images, priors * 4 * (1 if shared else classes), scale=0.3),
               conf=r.rand(images, priors * classes).astype(np.float32), prior=prior).add(
                   "out", "DetectionOutput", ["loc", "conf", "prior"], detection_output_param=p)


@case
def DetectionOutput(r):
    return detection_output(r)


@case
def DetectionOutput_all(r):
    """keep_top_k -1, which OpenCV 4.6 does not survive: its rows for a large number, without the
    zeros."""
    seed = r.randint(1 << 30)
    net = detection_output(Random(seed), keep_top_k=1000)
    rows = opencv(net)[0].reshape(-1, 7)
    used = rows[rows[:, 2] > 0]
    return detection_output(Random(seed), keep_top_k=-1).wants(used[None, None])


@case
def DetectionOutput_refined(r):
    """RefineDet's two more bottoms: OpenCV gets the priors moved, and the scores thinned out."""
    seed = r.randint(1 << 30)

    def make():
        net = detection_output(Random(seed), code_type=Word("CENTER_SIZE"))
        net.inputs["loc"], net.inputs["conf"] = net.inputs["loc"][:1], net.inputs["conf"][:1]
        return net

    plain, net = make(), make()
    prior = plain.inputs["prior"]
    priors = prior.shape[2] // 4
    moves, least = r.array(1, priors * 4, scale=0.3), r.real(0.1, 0.6)
    objects = r.rand(1, priors * 2).astype(np.float32)
    box = prior[0, 0].reshape(-1, 4).astype(np.float64)
    by = moves.reshape(-1, 4) * (prior[0, 1].reshape(-1, 4) if prior.shape[1] > 1 else 1.0)
    size = box[:, 2:] - box[:, :2]
    centre = (box[:, 2:] + box[:, :2]) / 2 + by[:, :2] * size
    size = size * np.exp(by[:, 2:])
    plain.inputs["prior"] = prior.copy()
    plain.inputs["prior"][0, 0, :, 0] = np.concatenate([centre - size / 2, centre + size / 2], 1).ravel()
    scores = plain.inputs["conf"].reshape(priors, -1).copy()
    scores[objects.reshape(-1, 2)[:, 1] < np.float32(least)] = 0
    plain.inputs["conf"] = scores.reshape(1, -1)
    net.inputs.update(objects=objects, moves=moves)
    net.body = net.body.replace('bottom: "prior"', 'bottom: "prior"\n  bottom: "objects"\n  bottom: "moves"')
    net.body = net.body.replace("num_classes", "objectness_score: %r\n    num_classes" % least)
    return net.wants(*opencv(plain))


@case
def Region(r):
    """YOLOv2's last layer, as in Caffe forks, and behind the Permute that OpenCV wants."""
    boxes, classes, size = r.int(1, 4), r.int(1, 5), (r.int(1, 7), r.int(1, 7))
    x = r.array(1, boxes * (classes + 5), *size)
    anchors = [r.real(0.5, 4) for _ in range(2 * boxes)]
    sigmoid = lambda v: 1 / (1 + np.exp(-v))
    t = x.astype(np.float64).reshape(boxes, classes + 5, *size).transpose(2, 3, 0, 1)
    y, col = np.mgrid[:size[0], :size[1]]
    a = np.array(anchors).reshape(boxes, 2)
    e = np.exp(t[..., 5:] - t[..., 5:].max(-1, keepdims=True))
    conf = sigmoid(t[..., 4:5])
    score = conf * e / e.sum(-1, keepdims=True)
    thresh = 0.2
    rows = np.concatenate([
        (sigmoid(t[..., 0:1]) + col[..., None, None]) / size[1],
        (sigmoid(t[..., 1:2]) + y[..., None, None]) / size[0],
        np.exp(t[..., 2:3]) * a[:, :1] / size[1], np.exp(t[..., 3:4]) * a[:, 1:] / size[0],
        conf, np.where(score > thresh, score, 0)], -1)
    net, last = Net(r, data=x), "data"
    if r.flag():
        net.add("last", "Permute", ["data"], permute_param={"order": [0, 2, 3, 1]})
        last = "last"
    net.add("out", "Region", [last], region_param={
        "anchors": ",".join("%g" % v for v in anchors) if r.flag() else anchors, "classes": classes,
        "num": boxes, "coords": 4, "softmax": True, "thresh": thresh})
    return net.wants(rows.reshape(-1, classes + 5))


def regions(r, count, h, w):
    x, y = r.rand(count) * w, r.rand(count) * h
    return np.stack([np.zeros(count), x, y, x + r.rand(count) * w, y + r.rand(count) * h], 1).astype(np.float32)


@case
def ROIPooling(r):
    x = r.array(1, r.int(1, 4), r.int(3, 9), r.int(3, 9))
    scale = r.one(1.0, 0.5, 0.25)
    rois = regions(r, r.int(1, 5), x.shape[2] / scale, x.shape[3] / scale)
    return Net(r, data=x, rois=rois).add("out", "ROIPooling", ["data", "rois"], roi_pooling_param={
        "pooled_h": r.int(1, 4), "pooled_w": r.int(1, 4), "spatial_scale": scale})


@case
def PSROIPooling(r):
    g, outputs = r.int(1, 3), r.int(1, 3)
    x = r.array(1, g * g * outputs, r.int(3, 9), r.int(3, 9))
    scale = r.one(1.0, 0.5, 0.25)
    rois = regions(r, r.int(1, 5), x.shape[2] / scale, x.shape[3] / scale)
    return Net(r, data=x, rois=rois).add("out", "PSROIPooling", ["data", "rois"], psroi_pooling_param={
        "output_dim": outputs, "group_size": g, "spatial_scale": scale})


@case
def Proposal(r):
    h, w = r.int(2, 6), r.int(2, 6)
    ratios, scales = [0.5, 1.0, 2.0][:r.int(1, 3)], [2.0, 4.0, 8.0][:r.int(1, 3)]
    a = len(ratios) * len(scales)
    return Net(r, scores=r.rand(1, 2 * a, h, w).astype(np.float32), deltas=r.array(1, 4 * a, h, w, scale=0.2),
               im_info=np.float32([[h * 16, w * 16, 1]])).add(
                   "out", "Proposal", ["scores", "deltas", "im_info"], proposal_param={
                       "feat_stride": 16, "base_size": 16, "min_size": 0, "ratio": ratios, "scale": scales,
                       "pre_nms_topn": r.one(6000, 20), "post_nms_topn": r.one(300, 10),
                       "nms_thresh": r.real(0.3, 0.8)})


@case
def Python_ProposalLayer(r):
    """Faster R-CNN's own layer: OpenCV runs its twin, with the defaults of that project."""
    h, w, stride = r.int(4, 9), r.int(4, 9), r.one(8, 16)
    # no box is so small (min_size) that it would be dropped, which OpenCV does not do
    scales, tuple_ = r.one([8, 16, 32], [6, 12]), r.one("", "!!python/tuple ")
    a = 3 * len(scales)
    inputs = {"scores": r.rand(1, 2 * a, h, w).astype(np.float32), "deltas": r.array(1, 4 * a, h, w, scale=0.02),
              "im_info": np.float32([[h * stride, w * stride, 1]])}
    plain = Net(r, **inputs).add("out", "Proposal", list(inputs), proposal_param={
        "feat_stride": stride, "base_size": 16, "min_size": 16, "ratio": [0.5, 1.0, 2.0], "scale": [float(s) for s in scales],
        "pre_nms_topn": 6000, "post_nms_topn": 300, "nms_thresh": 0.7})
    text = "{'feat_stride': %d, 'scales': %s%r}" % (stride, tuple_, scales)
    if scales == [8, 16, 32] and r.flag():
        text = "'feat_stride': %d" % stride
    net = Net(r, **inputs).add("out", "Python", list(inputs), python_param={
        "module": "rpn.proposal_layer", "layer": "ProposalLayer", "param_str": text})
    return net.wants(*opencv(plain))


# ---- optical flow ----------------------------------------------------------------------------


@case
def ChannelNorm(r):
    x = picture(r)
    return Net(r, data=x).add("out", "ChannelNorm", ["data"]).wants(np.sqrt((x * x).sum(1, keepdims=True)))


@case
def FlowWarp(r):
    x = picture(r)
    return Net(r, data=x, flow=r.array(x.shape[0], 2, *x.shape[2:], scale=2)).add(
        "out", "FlowWarp", ["data", "flow"])


@case
def Accum(r):
    """One image: OpenCV 4.6 mixes several up."""
    x = picture(r)[:1]
    inputs = {"data0": x}
    for i in range(r.int(1, 3)):
        inputs["data%d" % (i + 1)] = r.array(x.shape[0], r.int(1, 3), r.int(2, 9), r.int(2, 9))
    return Net(r, **inputs).add("out", "Accum", list(inputs))


@case
def Accum_size(r):
    x, y = picture(r, 2, 2, 6), r.array(1, 3, 5, 4)
    y = np.repeat(y, x.shape[0], 0)
    largest = np.maximum(x.shape[2:], y.shape[2:])
    how = r.int(0, 2)
    if how == 0:
        p, size = {"have_reference": True}, (7, 8)
    elif how == 1:
        p, size = {"size_divisible_by": 4}, -(-largest // 4) * 4
    else:
        p, size = {"top_height": 9, "top_width": 11}, (9, 11)
    net = Net(r, x=x, y=y, like=r.array(1, 1, 7, 8))
    net.add("out", "Accum", ["x", "y", "like"][:3 if how == 0 else 2], accum_param=p)
    if how:
        del net.inputs["like"]
    return net.wants(np.concatenate([aligned_bilinear(v.astype(np.float64), *size) for v in (x, y)], 1))


@case
def DataAugmentation(r):
    x, pixels = picture(r), r.flag()
    blobs = [np.float32([1]), r.array(*x.shape[1:]), r.array(x.shape[1])]
    net = Net(r, data=x).add("out", "DataAugmentation", ["data"], blobs, augmentation_param={
        "recompute_mean": 1000, "mean_per_pixel": pixels, "max_multiplier": 1})
    return net.wants(x - (blobs[1] if pixels else blobs[2][:, None, None]))


@case
def Correlation(r):
    c, h, w = r.int(1, 3), r.int(6, 9), r.int(6, 9)
    a, b = r.array(r.int(1, 2), c, h, w), None
    b = r.array(*a.shape)
    k, d, s1, s2 = r.one(1, 3), r.int(1, 2), r.int(1, 2), r.int(1, 2)
    pad = r.int(0, 3)
    border = d + k // 2
    wide = [np.pad(v.astype(np.float64), ((0, 0), (0, 0), (pad, pad), (pad, pad))) for v in (a, b)]
    oh, ow = [-(-(n + 2 * pad - 2 * border) // s1) for n in (h, w)]
    if oh < 1 or ow < 1:
        return Correlation(r)
    moves = [s2 * m for m in range(-(d // s2), d // s2 + 1)]
    out = np.zeros((a.shape[0], len(moves) ** 2, oh, ow))
    for m, (dy, dx) in enumerate((dy, dx) for dy in moves for dx in moves):
        for y in range(oh):
            for x in range(ow):
                i, j = y * s1 + d, x * s1 + d
                out[:, m, y, x] = (wide[0][:, :, i:i + k, j:j + k] *
                                   wide[1][:, :, i + dy:i + dy + k, j + dx:j + dx + k]).mean((1, 2, 3))
    net = Net(r, a=a, b=b).add("out", "Correlation", ["a", "b"], correlation_param={
        "kernel_size": k, "max_displacement": d, "stride_1": s1, "stride_2": s2, "pad": pad})
    return net.wants(out)


# ---- judging ---------------------------------------------------------------------------------

WAYS = ["packed", "packed", "single", "double", "half", "old"]


def opencv(net):
    """Outputs in order: the tops that no layer takes."""
    cv = cv2.dnn.readNetFromCaffe((inputs_text(net.inputs) + net.body).encode(), caffemodel(net.weights))
    for name, array in net.inputs.items():
        cv.setInput(array, name)
    return cv.forward(cv.getUnconnectedOutLayersNames())


def tinydnn(net, way):
    prototxt = (inputs_text(net.inputs) + net.body).encode()
    layers = net.r.one(100, 100, 2)
    files = caffemodel(net.weights, way, layers), prototxt
    if not net.weights:
        files = prototxt, b""
    elif net.r.flag():
        files = files[::-1]
    return list(tdnn.run_net(*files, net.inputs).values())


def difference(got, want):
    if len(got) != len(want):
        return "%d outputs, expected %d" % (len(got), len(want))
    for g, w in zip(got, want):
        if g.size != w.size or (g.shape != w.shape and g.squeeze().shape != w.squeeze().shape):
            return "shape %s, expected %s" % (g.shape, w.shape)
        far = np.abs(g.astype(np.float64).ravel() - w.ravel())
        scale = max(1.0, float(np.abs(w).max(initial=0)))
        if not np.all((far <= 1e-4 * scale) | (np.isnan(g.ravel()) & np.isnan(w.ravel()))):
            return "differs by %g of %g" % (np.nanmax(far), scale)
    return ""


def main():
    score, judged = tdnn.Score("Caffe layers"), set()
    names = sys.argv[1:] or list(TYPES)
    for name in names:
        for config in range(CONFIGS):
            r = Random(zlib.crc32(("%s %d" % (name, config)).encode()))
            net = TYPES[name](r)
            way = r.one(*WAYS)
            try:
                if net.want is None:
                    judged.add(name)
                want = net.want if net.want is not None else opencv(net)
                wrong = difference(tinydnn(net, way), want)
            except (tdnn.Failure, cv2.error) as fault:
                wrong = " ".join(str(fault).split())
            score.add(not wrong, "%s %d (%s): %s" % (name, config, way, wrong))
            if wrong and os.environ.get("SHOW"):
                print(inputs_text(net.inputs) + net.body)
    print("%d nets of each of %d kinds of layer; OpenCV judges %d kinds, formulas the others" %
          (CONFIGS, len(names), len(judged)))
    score.finish()


if __name__ == "__main__":
    main()
