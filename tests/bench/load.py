"""Loading: peak memory and speed of `tinydnn info` on generated models of about 100 MB.

    load.py [--megabytes N] [--runs K] [--program build/tinydnn] [NAME...]

One line a model: size of its files, peak memory of the process over that size, and bytes of the
files over the shortest of K runs, of the wall clock and of the processor. The files are cached. Each
format is written in the ways that make a difference for a loader: weights in one piece of raw bytes,
at odd addresses, as packed numbers, in another file; with batch normalisation to fold, and with
fully connected layers. Exits 1 if a peak is above 1.2 times the size or a speed below 1 GB/s (of
processor time: the clock says the same on an idle machine).
"""
import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "examples", "models"))
from wire import field, varint

MOST_MEMORY, LEAST_SPEED = 1.2, 1.0


# ---- writing: in a process of its own, so that the measuring one stays small ----


CHANNELS, KERNEL = 256, 3  # a convolution has 2.25 MiB


class Net:
    """The numbers of a chain of layers: convolutions, or fully connected ones."""

    def __init__(self, megabytes, dense=False):
        import numpy

        self.np, self.dense = numpy, dense
        self.random = numpy.random.RandomState(1)
        self.width = 1024 if dense else CHANNELS
        self.weight = (1024, 1024) if dense else (CHANNELS, CHANNELS, KERNEL, KERNEL)
        self.layers = max(1, round(megabytes * 1e6 / (4 * int(numpy.prod(self.weight)))))
        self.input = (1, 1024) if dense else (1, CHANNELS, 14, 14)

    def weights(self):
        return self.random.standard_normal(self.weight).astype("<f4").tobytes()

    def vector(self, positive=False):
        v = self.random.standard_normal(self.width).astype("<f4")
        return (abs(v) + self.np.float32(0.5) if positive else v).tobytes()


def onnx_tensor(name, dims, data, way, side):
    head = [field(1, d) for d in dims] + [field(2, 1), field(8, name)]
    if way == "numbers":
        return head + [field(4, data)]
    if way == "beside" and len(data) > 4096:
        entries = [("location", "weights.bin"), ("offset", str(side.tell())), ("length", str(len(data)))]
        side.write(data)
        return head + [field(13, [field(1, k), field(2, v)]) for k, v in entries] + [field(14, 1)]
    return head + [field(9, data)]


def onnx(path, net, way="raw", norm=False):
    nodes, tensors, x = [], [], "x"
    side = open(os.path.join(os.path.dirname(path), "weights.bin"), "wb") if way == "beside" else None

    def constant(name, dims, data):
        tensors.append(field(5, onnx_tensor(name, dims, data, way, side)))

    def node(op, names, out, *attributes):
        nodes.append(field(1, [field(1, n) for n in names] + [field(2, out), field(4, op), *attributes]))

    for i in range(net.layers):
        y = "y%d" % i
        constant("w%d" % i, net.weight, net.weights())
        constant("b%d" % i, (net.width,), net.vector())
        inputs = [x, "w%d" % i, "b%d" % i]
        if net.dense:
            node("Gemm", inputs, y, field(5, [field(1, "transB"), field(20, 2), field(3, 1)]))
        else:
            pads = field(5, [field(1, "pads"), field(20, 7)] + [field(8, 1)] * 4)
            node("Conv", inputs, y, pads)
        x = y
        if norm:
            for k in range(4):
                constant("n%d%d" % (i, k), (net.width,), net.vector(k == 3))
            node("BatchNormalization", [x] + ["n%d%d" % (i, k) for k in range(4)], x + "n")
            x += "n"

    def port(number, name, dims):
        shape = field(2, [field(1, field(1, d)) for d in dims])
        return field(number, [field(1, name), field(2, field(1, [field(1, 1), shape]))])

    graph = nodes + [field(2, "g")] + tensors + [port(11, "x", net.input), port(12, x, net.input)]
    with open(path + ".onnx", "wb") as out:
        out.write(field(1, 8) + field(8, [field(1, ""), field(2, 13)]) + field(7, graph))
    return [path + ".onnx"]


def caffe(path, net, norm=False):
    text = 'layer { name: "x" type: "Input" top: "x" input_param { shape { %s } } }\n' % " ".join(
        "dim: %d" % d for d in net.input)
    binary, x = [field(1, "m")], "x"

    def blob(dims, data):
        return field(7, [field(7, field(1, b"".join(varint(d) for d in dims))), field(5, data)])

    def layer(name, kind, x, blobs, params):
        nonlocal text
        text += 'layer { name: "%s" type: "%s" bottom: "%s" top: "%s" %s }\n' % (name, kind, x, name, params)
        binary.append(field(100, [field(1, name), field(2, kind)] + blobs))
        return name

    for i in range(net.layers):
        blobs = [blob(net.weight, net.weights()), blob((net.width,), net.vector())]
        if net.dense:
            x = layer("y%d" % i, "InnerProduct", x, blobs, "inner_product_param { num_output: 1024 }")
        else:
            x = layer("y%d" % i, "Convolution", x, blobs,
                      "convolution_param { num_output: %d kernel_size: 3 pad: 1 }" % CHANNELS)
        if norm:
            one = net.np.ones(1, "<f4").tobytes()
            x = layer("n%d" % i, "BatchNorm", x, [blob((net.width,), net.vector()),
                                                  blob((net.width,), net.vector(True)), blob((1,), one)], "")
            x = layer("s%d" % i, "Scale", x, [blob((net.width,), net.vector())] * 2,
                      "scale_param { bias_term: true }")
    with open(path + ".prototxt", "w") as out:
        out.write(text)
    with open(path + ".caffemodel", "wb") as out:
        out.write(b"".join(binary))
    return [path + ".caffemodel", path + ".prototxt"]


def tensorflow(path, net, norm=False):
    nodes, x = [], "x"

    def attribute(name, *value):
        return field(5, [field(1, name), field(2, list(value))])

    def shape(dims):
        return [field(2, field(1, d)) for d in dims]

    def node(name, op, inputs, *attributes):
        nodes.append(field(1, [field(1, name), field(2, op)] + [field(3, i) for i in inputs] + list(attributes)))
        return name

    def constant(name, dims, data):
        tensor = [field(1, 1), field(2, shape(dims)), field(4, data)]
        return node(name, "Const", [], attribute("dtype", field(6, 1)), attribute("value", field(8, tensor)))

    dims = net.input if net.dense else (1, 14, 14, CHANNELS)
    node("x", "Placeholder", [], attribute("dtype", field(6, 1)), attribute("shape", field(7, shape(dims))))
    kind = attribute("T", field(6, 1))
    for i in range(net.layers):
        w = constant("w%d" % i, net.weight if net.dense else (3, 3, CHANNELS, CHANNELS), net.weights())
        if net.dense:
            x = node("y%d" % i, "MatMul", [x, w], kind)
        else:
            x = node("y%d" % i, "Conv2D", [x, w], kind, attribute("padding", field(2, "SAME")),
                     attribute("strides", field(1, field(3, bytes([1, 1, 1, 1])))))
        x = node("z%d" % i, "BiasAdd", [x, constant("b%d" % i, (net.width,), net.vector())], kind)
        if norm:
            parts = [constant("p%d%d" % (i, k), (net.width,), net.vector(k == 3)) for k in range(4)]
            x = node("n%d" % i, "FusedBatchNorm", [x] + parts, kind, attribute("is_training", field(5, 0)))
    with open(path + ".pb", "wb") as out:
        out.write(b"".join(nodes))
    return [path + ".pb"]


def darknet(path, net, norm=False):
    text = "[net]\nwidth=14\nheight=14\nchannels=%d\n" % CHANNELS
    with open(path + ".weights", "wb") as out:
        out.write(net.np.array([0, 2, 0, 0, 0], "<i4").tobytes())
        for _ in range(net.layers):
            text += "[convolutional]\nfilters=%d\nsize=3\nstride=1\npad=1\nactivation=leaky\n" % CHANNELS
            text += "batch_normalize=1\n" if norm else ""
            out.write(net.vector())
            if norm:
                out.write(net.vector() + net.vector() + net.vector(True))
            out.write(net.weights())
    with open(path + ".cfg", "w") as out:
        out.write(text)
    return [path + ".cfg", path + ".weights"]


MODELS = {
    "onnx": (onnx, {}), "onnx-norm": (onnx, {"norm": True}), "onnx-dense": (onnx, {"dense": True}),
    "onnx-numbers": (onnx, {"way": "numbers"}), "onnx-beside": (onnx, {"way": "beside"}),
    "caffe": (caffe, {}), "caffe-norm": (caffe, {"norm": True}), "caffe-dense": (caffe, {"dense": True}),
    "tensorflow": (tensorflow, {}), "tensorflow-norm": (tensorflow, {"norm": True}),
    "tensorflow-dense": (tensorflow, {"dense": True}),
    "darknet": (darknet, {}), "darknet-norm": (darknet, {"norm": True}),
}


def write(name, folder, megabytes):
    writer, how = MODELS[name]
    how = dict(how)
    net = Net(megabytes, how.pop("dense", False))
    print("\n".join(writer(os.path.join(folder, name), net, **how)))


# ---- measuring ----


def measure(command, runs):
    """Peak memory of the children so far in bytes; shortest wall clock and processor time."""
    wall = used = float("inf")
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall = min(wall, time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = min(used, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return after.ru_maxrss * 1024, wall, used


def run_one(name, options):
    """In a process whose children are nothing else than what is measured: 'SIZE PEAK WALL CPU'."""
    with tempfile.TemporaryDirectory() as folder:
        writer = [sys.executable, __file__, "--write", folder, "--megabytes", str(options.megabytes), name]
        files = subprocess.run(writer, check=True, text=True,
                               capture_output=True).stdout.split()
        size = sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder))
        answer = subprocess.run([sys.executable, __file__, "--measure", "--runs", str(options.runs),
                                 "--program", options.program] + files, check=True, text=True,
                                capture_output=True).stdout.split()
    return size, float(answer[0]), float(answer[1]), float(answer[2])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--program", default="build/tinydnn")
    parser.add_argument("--write", metavar="FOLDER", help=argparse.SUPPRESS)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        return write(options.names[0], options.write, options.megabytes)
    if options.measure:
        return print(*measure([options.program, "info"] + options.names, options.runs))
    try:
        import numpy  # noqa: F401 - only the writer needs it
    except ImportError as missing:
        print("skipped: %s" % missing)
        return 77
    failed = 0
    print("%-18s %9s %12s %10s %14s" % ("model", "MB", "peak / size", "GB/s", "GB/s processor"))
    for name in options.names or MODELS:
        size, peak, wall, used = run_one(name, options)
        ratio, speed, own = peak / size, size / wall / 1e9, size / max(used, 1e-3) / 1e9
        good = ratio <= MOST_MEMORY and max(speed, own) >= LEAST_SPEED
        failed += not good
        print("%-18s %9.1f %12.2f %10.2f %14.2f%s" % (name, size / 1e6, ratio, speed, own,
                                                     "" if good else "  MISSED"))
    print("loading: %d passed, %d failed" % (len(options.names or MODELS) - failed, failed))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
