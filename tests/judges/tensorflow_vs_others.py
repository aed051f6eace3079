"""Small random TensorFlow graphs, operator by operator, in tinydnn and in others: TensorFlow.js where it
is installed, OpenCV where it has the operator, and a formula in numpy where neither is enough.

Graphs are written in binary or as text; constants as raw bytes, as typed lists, and as one number that
stands for all. The generators are in tf_kinds; tinydnn is held to every judge that answers.

    tensorflow_vs_others.py [OP...]     these operators only; $CONFIGS graphs of each, default 20
"""
import ctypes as C
import os
import pickle
import sys
import zlib

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
import tdnn
from tdnn import cv2, np
from tf_kinds import axes, elementwise, flow, functions, images, layers, networks, pieces, rare, recurrent, tfjs
from tf_kinds.graph import KINDS, Random
from tf_kinds.writer import binary, text

CONFIGS = int(os.environ.get("CONFIGS", "20"))
DTYPES = {"float32": 1, "uint8": 2, "int32": 6, "int64": 7, "bool": 9}
OF_DTYPE = {1: C.c_float, 2: C.c_uint8, 6: C.c_int32, 7: C.c_int64, 9: C.c_uint8}


class LoadOptions(C.Structure):
    _fields_ = [("format", C.c_int), ("darknet_as", C.c_int), ("io_layout", C.c_int), ("optimize", C.c_bool),
                ("max_bytes", C.c_uint64), ("max_tensor_bytes", C.c_uint64), ("max_nodes", C.c_uint32),
                ("memory_limit", C.c_uint64),
                ("inputs", C.c_void_p), ("input_count", C.c_size_t), ("outputs", C.c_void_p),
                ("output_count", C.c_size_t), ("found", C.c_void_p), ("user", C.c_void_p),
                ("size_names", C.c_void_p), ("sizes", C.c_void_p), ("size_count", C.c_size_t)]


# ---- the one that is judged ------------------------------------------------------------------


def load(model, nchw, outputs):
    net, error, options = C.c_void_p(), tdnn.Error(), LoadOptions()
    tdnn.lib.tdnn_load_options_init(C.byref(options))
    options.io_layout = 0 if nchw else 1
    names = (C.c_char_p * len(outputs))(*[o.encode() for o in outputs])
    options.outputs, options.output_count = C.cast(names, C.c_void_p), len(outputs)
    parts = tdnn.Bytes(model, len(model)), tdnn.Bytes(b"", 0)
    tdnn.check(tdnn.lib.tdnn_net_load_memory(*parts, C.byref(options), C.byref(net), C.byref(error)), error)
    return net


def array_of(tensor):
    shape = C.cast(tdnn.lib.tdnn_tensor_shape(tensor), C.POINTER(tdnn.Shape)).contents
    dims, dtype = list(shape.dim[:shape.ndim]), tdnn.lib.tdnn_tensor_dtype(tensor)
    if dtype not in OF_DTYPE:
        raise tdnn.Failure("an output of type %d" % dtype)
    if 0 in dims:
        return np.zeros(dims)
    data = C.cast(tdnn.lib.tdnn_tensor_const_data(tensor), C.POINTER(OF_DTYPE[dtype]))
    return np.ctypeslib.as_array(data, dims or (1,)).copy().reshape(dims)


def feed(session, name, a, error):
    a = np.array(a, order="C")
    shape, tensor = tdnn.Shape(a.ndim, (C.c_int64 * 8)(*a.shape)), C.c_void_p()
    tdnn.check(tdnn.lib.tdnn_tensor_wrap(C.c_void_p(a.ctypes.data), C.c_size_t(a.nbytes), DTYPES[str(a.dtype)],
                                         C.byref(shape), C.byref(tensor), C.byref(error)), error)
    status = tdnn.lib.tdnn_session_set_input(session, name.encode(), tensor, C.byref(error))
    tdnn.lib.tdnn_tensor_release(tensor)
    tdnn.check(status, error)


def tinydnn(model, inputs, outputs, nchw=False):
    lib, session, error = tdnn.lib, C.c_void_p(), tdnn.Error()
    net = load(model, nchw, outputs)
    try:
        tdnn.check(lib.tdnn_session_create(net, None, C.byref(session), C.byref(error)), error)
        for name, a in inputs.items():
            feed(session, name, a, error)
        tdnn.check(lib.tdnn_session_run(session, C.byref(error)), error)
        results = []
        for name in outputs:
            out = C.c_void_p()
            tdnn.check(lib.tdnn_session_output(session, name.encode(), C.byref(out), C.byref(error)), error)
            results.append(array_of(out))
        return results
    finally:
        lib.tdnn_session_free(session)
        lib.tdnn_net_release(net)


# ---- judging -----------------------------------------------------------------------------------


def first(a):
    return np.ascontiguousarray(np.moveaxis(a, -1, 1)) if a.ndim >= 4 else a


def opencv(net):
    """In a process of its own, since it may crash; a text if there is no answer."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        answer = "it fails"
        try:
            cv = cv2.dnn.readNetFromTensorflow(binary(net.nodes, "content"))
            for name, a in net.inputs.items():
                cv.setInput(first(a), name)
            answer = cv.forward(cv.getUnconnectedOutLayersNames())
        finally:
            with os.fdopen(theirs, "wb") as pipe:
                pickle.dump(answer, pipe)
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        raw = pipe.read()
    os.waitpid(child, 0)
    return pickle.loads(raw) if raw else "it crashes"


def difference(got, want, net):
    if len(got) != len(want):
        return "%d outputs, expected %d" % (len(got), len(want))
    for g, w in zip(got, want):
        w = np.asarray(w)
        if g.shape != w.shape:
            return "shape %s, expected %s" % (g.shape, w.shape)
        far = np.abs(g.astype(np.float64) - w)
        scale = max(1.0, float(np.abs(w).max(initial=0)))
        wrong = far > 1e-4 * scale
        if net.few and wrong.mean() < 0.02 and far.max(initial=0) < net.tolerance:
            continue
        if wrong.any() or np.isnan(far).any():
            return "differs by %g of %g" % (far.max(), scale)
    return ""


def judge(net, way, answer):
    """What is wrong, and who judged."""
    model = (text(net.nodes, net.functions) if way == "text" else binary(net.nodes, way, net.functions))
    outputs = net.outputs()
    got, judges, wrong = tinydnn(model, net.inputs, outputs), [], []
    if net.want is not None:
        judges.append("numpy")
        wrong.append(("numpy", difference(got, net.want, net)))
    if isinstance(answer, list):
        judges.append("TensorFlow.js")
        wrong.append(("TensorFlow.js", difference(got, answer, net)))
    want = opencv(net) if net.opencv else ""
    if not isinstance(want, str):
        judges.append("OpenCV")
        turned = tinydnn(model, {k: first(a) for k, a in net.inputs.items()}, outputs, True)
        wrong.append(("OpenCV", difference(turned, want, net) or difference([first(a) for a in got], want, net)))
    return "; ".join("%s: %s" % w for w in wrong if w[1]), judges


def try_judge(net, way, answer):
    try:
        return judge(net, way, answer)
    except tdnn.Failure as fault:
        return " ".join(str(fault).split()), ["nobody"]


def main():
    names, score, counts, skipped = sys.argv[1:] or list(KINDS), tdnn.Score("TensorFlow operators"), {}, 0
    nets = []
    for name in names:
        for config in range(CONFIGS):
            r = Random(zlib.crc32(("%s %d" % (name, config)).encode()))
            nets.append((name, config, KINDS[name](r), r.one("content", "list", "one", "text")))
    asked = [n for n in nets if n[2].tfjs] if tfjs.folder() else []
    answers = dict(zip([id(n[2]) for n in asked], tfjs.run_all([n[2].parts or n[2] for n in asked]) if asked else []))
    for name, config, net, way in nets:
        answer = answers.get(id(net))
        if answer is None and net.want is None and not net.opencv and net.tfjs:
            skipped += 1
            continue
        wrong, judges = try_judge(net, way, answer)
        if not wrong and not judges and net.tfjs and not tfjs.folder():
            skipped += 1  # OpenCV cannot run it, and the other one is not there
            continue
        if not wrong and not judges:
            wrong = "nobody judges it: %s" % answer
        for by in judges:
            counts.setdefault(by, set()).add(name)
        score.add(not wrong, "%s %d (%s): %s" % (name, config, way, wrong))
        if wrong and os.environ.get("SHOW"):
            print(text(net.nodes, net.functions).decode())
    if os.environ.get("LIST"):
        for by in counts:
            print(by + ": " + " ".join(sorted(counts[by])))
    print("%d graphs of each of %d operators; judged by %s" %
          (CONFIGS, len(names), ", ".join("%s: %d" % (k, len(v)) for k, v in counts.items())))
    print("%s: %d passed, %d failed, %d skipped (OpenCV %s)" %
          (score.name, score.passed, score.failed, skipped, cv2.__version__))
    sys.exit(1 if score.failed else 0)


if __name__ == "__main__":
    main()
