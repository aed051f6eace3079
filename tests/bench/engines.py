"""The engines that tinydnn is compared with, and one timing of one model by one of them.

An engine is a command that takes THREADS RUNS SHAPES MODEL and prints a line of JSON: load_ms (to
a session that is ready to run), first_ms (the first result after that), min_ms and median_ms of
the runs behind the warm-up, base_rss_kb and peak_rss_kb (the largest resident set of its process
before the model is loaded, and at the end). ONNX Runtime is an npm package, onnxruntime-node, in
the folder that $ONNXRUNTIME_NODE names, default build/peers.
"""
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
SHARED = os.environ.get("TINYDNN_SHARED", os.path.join(os.path.dirname(ROOT), "shared"))
PEERS = os.path.abspath(os.environ.get("ONNXRUNTIME_NODE", os.path.join(BUILD, "peers")))
PROGRAM = os.path.join(BUILD, "tinydnn")


def setup_onnxruntime():
    if os.path.isdir(os.path.join(PEERS, "node_modules", "onnxruntime-node")):
        return True
    if not shutil.which("npm"):
        print("ONNX Runtime is left out: there is no npm", file=sys.stderr)
        return False
    os.makedirs(PEERS, exist_ok=True)
    print("installing onnxruntime-node into %s" % PEERS, file=sys.stderr)
    # its install script would only fetch parts for GPUs
    done = subprocess.run(["npm", "install", "--ignore-scripts", "--no-save", "--prefix",
                           PEERS, "onnxruntime-node"], stdout=subprocess.DEVNULL)
    return done.returncode == 0


def tinydnn(threads, runs, shapes, model, *more):
    words = [PROGRAM, "bench", model, "--json", "--threads", threads, "--runs", runs,
             "--warmup", "3", *more]
    for shape in shapes.split(";"):
        words += ["--input-shape", shape]
    return words, ROOT


def tinydnn_fast(*what):
    return tinydnn(*what, "--precision", "fast")


def opencv(*what):
    return [sys.executable, os.path.join(HERE, "opencv_time.py"), *what], ROOT


def onnxruntime(*what):
    return ["node", os.path.join(HERE, "onnxruntime_time.mjs"), *what], PEERS


ENGINES = {"tinydnn": tinydnn, "tinydnn-fast": tinydnn_fast, "opencv": opencv,
           "onnxruntime": onnxruntime}


def time_once(engine, threads, runs, shapes, model):
    """(what the engine printed, None), or (None, why not)."""
    words, folder = ENGINES[engine](str(threads), str(runs), shapes, model)
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as fault:
        return None, str(fault)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        return None, (done.stderr.strip().splitlines() or ["no answer"])[-1][:160]
    result = json.loads(lines[0])
    if "median_ms" not in result:
        return None, result.get("error", "no times")
    return result, None


def input_shapes(model):
    """"NAME=DIMS;..." of a model, open sizes from the first case of its reference.json; None if
    some stay open."""
    done = subprocess.run([PROGRAM, "info", model, "--json"], capture_output=True, text=True)
    if done.returncode:
        return None, done.stderr.strip()
    shapes = {i["name"]: i["shape"] for i in json.loads(done.stdout)["inputs"]}
    path = os.path.join(os.path.dirname(model), "reference", "reference.json")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            case = json.load(file)["cases"][0]
        shapes.update({i["name"]: i["shape"] for i in case["inputs"]})
    for name, shape in shapes.items():
        if shape and shape[0] == -1:
            shape[0] = 1
        if shape is None or -1 in shape:
            return None, "the shape of input '%s' is open" % name
    return ";".join("%s=%s" % (name, "x".join(map(str, shape)) or "scalar")
                    for name, shape in shapes.items()), None


def find_models(paths):
    for path in paths:
        if not os.path.isdir(path):
            yield os.path.abspath(path)
            continue
        for folder, folders, files in os.walk(path):
            folders.sort()
            for name in sorted(files):
                if name.endswith(".onnx"):
                    yield os.path.abspath(os.path.join(folder, name))


def short_name(model):
    folder, name = os.path.split(model)
    if os.path.isdir(os.path.join(folder, "reference")):
        return os.path.basename(folder)
    return name[:-5]
