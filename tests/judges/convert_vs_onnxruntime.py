"""Converts models of every format to ONNX, and judges what comes out: onnx.checker accepts it, ONNX
Runtime gives the outputs that tinydnn gives on the original, and tinydnn reads it back to the same
bits.

    convert_vs_onnxruntime.py [--opset N] [NAME...]

Models are those of examples/models and of the shared set ($TINYDNN_SHARED, default ../shared), with
the inputs of their reference cases or random ones. ONNX Runtime is installed from npm into build/peers
(or lies in $ONNXRUNTIME_NODE); where it cannot be had, its part counts as skipped.
"""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "bench"))
import engines  # noqa: E402

try:
    import numpy as np
except ImportError as missing:
    print("skipped: %s" % missing)
    sys.exit(77)
try:
    import onnx
except ImportError:
    onnx = None

PAIRS = [(".onnx", None), (".caffemodel", ".prototxt"), (".pb", ".pbtxt"), (".weights", ".cfg")]
SCENES = "examples/models/digits-yolo/samples/*.png"
PRESETS = {"digits-yolo.onnx": "yolo", "digits-yolo.weights": "yolo",
           "digits-ssd.caffemodel": "ssd", "digits-ssd.pb": "ssd-tf"}
TOLERANCE = 1e-4  # of the largest absolute value of an output
# Quantized at run time: a difference in the last place moves an activation to the next integer.
QUANTIZED = {"deimv2_atto_int8": None, "mobilenetv2_int8": 0.05, "face_yolo11n_qdq_int8": 0.1}


class Runtime:
    """ONNX Runtime in a process of its own, which answers line by line."""

    def __init__(self):
        self.process = None
        if engines.setup_onnxruntime():
            script = os.path.join(HERE, "onnxruntime_run.mjs")
            self.process = subprocess.Popen(["node", script], cwd=engines.PEERS, text=True,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, model, inputs, folder, optimize=True):
        os.makedirs(folder)
        task = {"model": model, "inputs": inputs, "outputs": folder, "optimize": optimize}
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": "ONNX Runtime crashed"}


def tinydnn(*words):
    done = subprocess.run([engines.PROGRAM, *words], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[0])
    return done.stdout


def find_models():
    """(name, files, folder of references or None)"""
    folders = sorted(glob.glob(os.path.join(engines.ROOT, "examples", "models", "*")))
    folders += sorted(glob.glob(os.path.join(engines.SHARED, "models", "*", "*")))
    for folder in folders:
        reference = os.path.join(folder, "reference")
        for ending, other in PAIRS:
            for path in sorted(glob.glob(os.path.join(folder, "*" + ending))):
                second = sorted(glob.glob(os.path.join(folder, "*" + other))) if other else []
                name = os.path.basename(folder)
                yield (name + (ending if not os.path.isdir(reference) else ""), [path, *second[:1]],
                       reference if os.path.isdir(reference) else None)


def scene_cases(files, folder):
    """For our detectors, which find nothing in noise: the scenes that lie beside them."""
    port = json.loads(tinydnn("info", *files, "--json"))["inputs"][0]
    height, width = port.get("usual", port["shape"])[2:]
    cases = []
    for scene in sorted(glob.glob(os.path.join(engines.ROOT, SCENES))):
        cases.append({port["name"]: os.path.join(folder, "scene%d.npy" % len(cases))})
        tinydnn("blob", scene, "--preset", PRESETS[os.path.basename(files[0])],
                "--size", "%dx%d" % (width, height), "--output", cases[-1][port["name"]])
    return cases


def random_case(files, folder):
    inputs = {}
    random = np.random.default_rng(1)
    for port in json.loads(tinydnn("info", *files, "--json"))["inputs"]:
        shape = [1 if size < 0 else size for size in port.get("usual", port["shape"])]
        path = os.path.join(folder, "%d.npy" % len(inputs))
        np.save(path, random.random(shape, np.float32))
        inputs[port["name"]] = path
    return [inputs]


def cases_of(files, reference, folder):
    """(the inputs of each case, options of convert, options of run)"""
    if os.path.basename(files[0]) in PRESETS:
        return scene_cases(files, folder), [], []
    if not reference:
        return random_case(files, folder), [], []
    with open(os.path.join(reference, "reference.json"), encoding="utf-8") as file:
        said = json.load(file)
    cases = [{i["name"]: os.path.join(reference, i["file"]) for i in case["inputs"]}
             for case in said["cases"]]
    how = ["--layout", "graph"] if "/tensorflow/" in files[0] else []
    try:
        own = {i["name"] for i in json.loads(tinydnn("info", *files, "--json"))["inputs"]}
    except RuntimeError: # what stands before the tensors that the cases feed
        own = set()
    if all(name in own for name in cases[0]):
        return cases, how, how
    # inner tensors of TensorFlow's have no shape, so it is fixed
    cut = [w for i in said["cases"][0]["inputs"] for w in (
        "--from", i["name"], "--input-shape", i["name"] + "=" + "x".join(map(str, i["shape"])))]
    return cases[:1], how + cut, how


def outputs_of(folder):
    count = len(glob.glob(os.path.join(folder, "output_*.npy")))
    return [np.load(os.path.join(folder, "output_%d.npy" % i)) for i in range(count)]


def run(files, inputs, folder, how):
    words = [w for name, path in inputs.items() for w in ("--input", name + "=" + path)]
    tinydnn("run", *files, *words, "--output-dir", folder, *how)
    return outputs_of(folder)


def same_bits(a, b):
    return len(a) == len(b) and all(x.dtype == y.dtype and x.shape == y.shape and
                                    x.tobytes() == y.tobytes() for x, y in zip(a, b))


def difference(mine, other):
    """(largest absolute difference, largest relative to an output's largest value)"""
    most = share = 0.0
    if len(mine) != len(other):
        raise RuntimeError("%d outputs, not %d" % (len(other), len(mine)))
    for a, b in zip(mine, other):
        if a.shape != b.shape:
            raise RuntimeError("an output is %s, not %s" % (b.shape, a.shape))
        if not a.size:
            continue
        a, b = a.astype(np.float64), b.astype(np.float64)
        gap = np.where(a == b, 0, np.abs(a - b)).max()
        gap = np.inf if np.isnan(gap) else gap
        most = max(most, gap)
        share = max(share, gap / max(np.abs(a).max(), 1e-30) if gap else 0)
    return most, share


def check(path):
    """(nodes, opset, what the checker says)"""
    if not onnx:
        return "", "", "skipped"
    model = onnx.load(path)
    opset = max(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
    if opset > onnx.defs.onnx_opset_version():
        return len(model.graph.node), opset, "skipped"
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as fault:  # it has several kinds
        return len(model.graph.node), opset, str(fault).strip().splitlines()[0][:100]
    return len(model.graph.node), opset, "ok"


class Judge:
    def __init__(self, opset):
        self.opset = ["--opset", str(opset)] if opset else []
        self.runtime = Runtime()
        self.passed = self.failed = self.skipped = 0

    def count(self, good):
        if good is None:
            self.skipped += 1
        elif good:
            self.passed += 1
        else:
            self.failed += 1

    def compare(self, files, cases, made, how, folder, optimize):
        """(same bits in all cases, largest differences, what went wrong in ONNX Runtime)"""
        same, most, share, wrong = True, 0.0, 0.0, ""
        for i, inputs in enumerate(cases):
            mine = run(files, inputs, os.path.join(folder, "mine%d" % i), how)
            back = run([made], inputs, os.path.join(folder, "back%d" % i), [])
            same = same and same_bits(mine, back)
            if not self.runtime.process or wrong:
                continue
            theirs = os.path.join(folder, "theirs%d" % i)
            answer = self.runtime.run(made, inputs, theirs, optimize)
            if "error" in answer:
                wrong = answer["error"]
                continue
            try:
                gaps = difference(mine, outputs_of(theirs))
            except RuntimeError as fault:
                wrong = str(fault)
                continue
            most, share = max(most, gaps[0]), max(share, gaps[1])
        return same, most, share, wrong

    def judge(self, name, files, reference, folder):
        made = os.path.join(folder, "model.onnx")
        try:
            cases, convert, how = cases_of(files, reference, folder)
            beside = [] if reference else ["--external-above", "1"] # ours: weights in a second file
            tinydnn("convert", *files, "--output", made, *self.opset, *convert, *beside)
            nodes, opset, checked = check(made)
            same, most, share, wrong = self.compare(
                files, cases, made, how, folder, name not in QUANTIZED)
        except RuntimeError as fault:
            print("%-36s %s" % (name, fault))
            self.count(False)
            return
        tolerance = QUANTIZED.get(name, TOLERANCE)
        self.count(None if checked == "skipped" else checked == "ok")
        self.count(same)
        near = tolerance is None or share <= tolerance
        self.count(not wrong and near if self.runtime.process else None)
        gaps = wrong if wrong else "%.1e (%.1e)%s" % (most, share, "" if near else " TOO FAR")
        print("%-36s %5s %6s %8.2f MB  %-5s  %-20s %s" % (
            name, nodes, opset, os.path.getsize(made) / 1e6, "same" if same else "OTHER",
            gaps if self.runtime.process else "skipped", checked))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--opset", type=int)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    judge = Judge(args.opset)
    print("%-36s %5s %6s %11s  %-5s  %-20s %s" % (
        "model", "nodes", "opset", "size", "bits", "to ONNX Runtime", "checker"))
    for name, files, reference in find_models():
        if args.names and not any(word in files[0] for word in args.names):
            continue
        with tempfile.TemporaryDirectory() as folder:
            judge.judge(name, files, reference, folder)
        sys.stdout.flush()
    print("%d passed, %d failed, %d skipped" % (judge.passed, judge.failed, judge.skipped))
    return 1 if judge.failed else 0


if __name__ == "__main__":
    sys.exit(main())
