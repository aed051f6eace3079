"""Times tinydnn against other engines: the same models, inputs and thread counts, in turns.

    compare.py [--with opencv,onnxruntime] [--threads 1,2] [--rounds 3] [--runs 10]
               [--csv FILE] [MODEL.onnx | FOLDER]...

Machines are shared and noisy, so the engines take turns (A B A B ...), and each round's figure is
the median of its runs. What is compared is the median over the rounds. A ratio below 1 says that
tinydnn is faster. Without models those of ../shared/models/onnx (or $TINYDNN_SHARED) are taken; the
shapes of open inputs are those of the model's reference/reference.json.

An engine is a command that takes THREADS RUNS SHAPES MODEL and prints a line of JSON. ONNX Runtime
is an npm package: onnxruntime-node, installed (npm install --ignore-scripts onnxruntime-node) into
the folder that $ONNXRUNTIME_NODE names, default build/peers.
"""
import argparse
import csv
import json
import math
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
SHARED = os.environ.get("TINYDNN_SHARED", os.path.join(os.path.dirname(ROOT), "shared"))
PEERS = os.environ.get("ONNXRUNTIME_NODE", os.path.join(BUILD, "peers"))
SKIPPED = 77


def tinydnn(threads, runs, shapes, model):
    words = [os.path.join(BUILD, "tinydnn"), "bench", model, "--json", "--threads", threads,
             "--runs", runs, "--warmup", "3"]
    for shape in shapes.split(";"):
        words += ["--input-shape", shape]
    return words, ROOT


def opencv(*what):
    return [sys.executable, os.path.join(HERE, "opencv_time.py"), *what], ROOT


def onnxruntime(*what):
    return ["node", os.path.join(HERE, "onnxruntime_time.mjs"), *what], PEERS


ENGINES = {"tinydnn": tinydnn, "opencv": opencv, "onnxruntime": onnxruntime}


def time_once(engine, threads, runs, shapes, model):
    """(milliseconds, None), or (None, why not)."""
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
    return result["median_ms"], None


def input_shapes(model):
    """"NAME=DIMS;..." of a model, open sizes from the first case of its reference.json; None if
    some stay open."""
    done = subprocess.run([os.path.join(BUILD, "tinydnn"), "info", model, "--json"],
                          capture_output=True, text=True)
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


def compare(model, engines, threads, args):
    """Medians over the rounds by engine, and why an engine has none."""
    shapes, why = input_shapes(model)
    if not shapes:
        return {}, {"tinydnn": why}
    times, reasons = {engine: [] for engine in engines}, {}
    for _ in range(args.rounds):
        for engine in [e for e in engines if e not in reasons]:
            ms, why = time_once(engine, threads, args.runs, shapes, model)
            if ms is None:
                reasons[engine] = why
            else:
                times[engine].append(ms)
    return {e: statistics.median(times[e]) for e in engines if e not in reasons}, reasons


def table(models, engines, threads, args, rows):
    peers = engines[1:]
    print("\n%d thread%s; median ms, and tinydnn's time as a share of the other's" %
          (threads, "s" if threads > 1 else ""))
    print("%-24s" % "model" + "".join("%14s" % e for e in engines) +
          "".join("%14s" % ("/ " + e) for e in peers))
    ratios = {peer: [] for peer in peers}
    for model in models:
        times, reasons = compare(model, engines, threads, args)
        line = "%-24s" % short_name(model)
        for engine in engines:
            line += "%14.3f" % times[engine] if engine in times else "%14s" % "-"
        for peer in peers:
            if "tinydnn" in times and peer in times:
                ratios[peer].append(times["tinydnn"] / times[peer])
                line += "%14.3f" % ratios[peer][-1]
            else:
                line += "%14s" % "-"
        print(line + "".join("  (%s: %.70s)" % reason for reason in reasons.items()), flush=True)
        rows.append([short_name(model), threads] + [times.get(e, "") for e in engines])
    for peer in peers:
        if ratios[peer]:
            mean = math.exp(statistics.fmean(map(math.log, ratios[peer])))
            print("geometric mean of %d ratios to %s: %.3f" % (len(ratios[peer]), peer, mean))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--with", dest="peers", default="opencv")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--csv")
    parser.add_argument("models", nargs="*", default=[os.path.join(SHARED, "models", "onnx")])
    args = parser.parse_args()
    engines = ["tinydnn"] + [name for name in args.peers.split(",") if name]
    unknown = [name for name in engines if name not in ENGINES]
    if unknown:
        parser.error("no engine %s; there are %s" % (unknown[0], ", ".join(ENGINES)))
    models = list(find_models(args.models))
    if not models or not all(map(os.path.exists, models)):
        print("skipped: no models in %s" % " ".join(args.models))
        sys.exit(SKIPPED)
    rows = []
    for threads in args.threads.split(","):
        table(models, engines, int(threads), args, rows)
    if args.csv:
        with open(args.csv, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["model", "threads"] + engines] + rows)


main()
