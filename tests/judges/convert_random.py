"""Converts the small random nets of the judges of Caffe and TensorFlow, and Darknet's configurations with
random weights, to ONNX: onnx.checker accepts each, ONNX Runtime gives the outputs that tinydnn gives on
the original, and tinydnn reads it back to the same bits.

    convert_random.py [NAME...]     these layers and operators only; $CONFIGS nets of each, default 5

A model that needs a later opset than the installed checker knows is not checked; one whose outputs
have no declared number of dimensions, because its inputs have none, is nothing the checker takes.
"""
import glob
import os
import sys
import tempfile
import zlib

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
import caffe_vs_opencv as caffe
import convert_vs_onnxruntime as conversion
import darknet_vs_opencv as darknet
import tensorflow_vs_others as tf
import tdnn
from tdnn import np

CONFIGS = int(os.environ.get("CONFIGS", "5"))
TOLERANCE = 1e-4  # of the largest absolute value of an output, or of 1
NO_RANK = "Field 'shape' of 'type' is required but missing."
SIDE = 128  # of the pictures that Darknet's nets get


# ---- nets: (files, inputs, options) ------------------------------------------------------------


def put(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def caffe_net(name, config, folder):
    net = caffe.TYPES[name](caffe.Random(zlib.crc32(("%s %d" % (name, config)).encode())))
    files = [put(folder, "net.prototxt", (caffe.inputs_text(net.inputs) + net.body).encode())]
    if net.weights:
        files.append(put(folder, "net.caffemodel", caffe.caffemodel(net.weights)))
    return files, {k: np.asarray(a, np.float32) for k, a in net.inputs.items()}, []


def tf_net(name, config, folder):
    net = tf.KINDS[name](tf.Random(zlib.crc32(("%s %d" % (name, config)).encode())))
    files = [put(folder, "net.pb", tf.binary(net.nodes, "content", net.functions))]
    return files, net.inputs, ["--layout", "graph"]


def darknet_net(path, config, folder):
    with open(path, encoding="utf-8") as file:
        lines = [line if line.split("=")[0].strip() not in ("width", "height") else
                 "%s=%d\n" % (line.split("=")[0].strip(), SIDE) for line in file]
    cfg, rng = put(folder, "net.cfg", "".join(lines).encode()), np.random.default_rng(config)
    weights, shape = darknet.make_weights(cfg, rng)
    inputs = {"data": rng.random([1] + shape, np.float32)}
    return [cfg, put(folder, "net.weights", weights)], inputs, ["--darknet-as", ("darknet", "opencv")[config % 2]]


# ---- judging -----------------------------------------------------------------------------------


def gap(mine, other):
    if len(mine) != len(other):
        return "%d outputs, not %d" % (len(other), len(mine))
    for a, b in zip(mine, other):
        if a.size != b.size or (a.shape != b.shape and a.ndim):
            return "an output is %s, not %s" % (b.shape, a.shape)
        a, b = a.astype(np.float64), b.astype(np.float64).reshape(a.shape)
        far = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, np.abs(a - b))
        if not far.max(initial=0) <= TOLERANCE * max(1, np.nanmax(np.abs(a), initial=0)):
            return "differs by %g" % far.max()
    return ""


def judge(make, name, config, runtime, folder):
    """(what is wrong, whether the bits are the same)"""
    files, arrays, how = make(name, config, folder)
    inputs, made = {}, os.path.join(folder, "made.onnx")
    for i, (key, a) in enumerate(arrays.items()):
        inputs[key] = os.path.join(folder, "%d.npy" % i)
        np.save(inputs[key], np.array(a, order="C"))
    mine = conversion.run(files, inputs, os.path.join(folder, "mine"), how)
    conversion.tinydnn("convert", *files, *how, "--output", made)
    checked = conversion.check(made)[2]
    if checked not in ("ok", "skipped") and not checked.startswith(NO_RANK):
        return "onnx.checker: " + checked, True
    back = conversion.run([made], inputs, os.path.join(folder, "back"), [])
    same = conversion.same_bits(mine, back)
    if not same and gap(mine, back):
        return "read back: " + gap(mine, back), False
    if not runtime.process:
        return "", same
    theirs = os.path.join(folder, "theirs")
    answer = runtime.run(made, inputs, theirs)
    return answer.get("error") or gap(mine, conversion.outputs_of(theirs)), same


def main():
    score, runtime = tdnn.Score("random nets as ONNX"), conversion.Runtime()
    todo = [(caffe_net, name, CONFIGS) for name in caffe.TYPES] + [(tf_net, name, CONFIGS) for name in tf.KINDS]
    todo += [(darknet_net, cfg, 2) for cfg in sorted(glob.glob(darknet.SHARED + "/darknet-cfg/*tiny*.cfg"))]
    nets = other = 0
    for make, name, configs in todo:
        if sys.argv[1:] and os.path.basename(name) not in sys.argv[1:]:
            continue
        for config in range(configs):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    wrong, same = judge(make, name, config, runtime, folder)
                except RuntimeError as fault:
                    wrong, same = str(fault), True
            nets, other = nets + 1, other + (not same)
            score.add(not wrong, "%s %s %d: %s" % (make.__name__, os.path.basename(name), config, wrong))
    print("%d nets, %d of them read back with other bits; ONNX Runtime: %s" %
          (nets, other, "judges" if runtime.process else "not there, skipped"))
    score.finish()


if __name__ == "__main__":
    main()
