"""Measures tinydnn beside ONNX Runtime and OpenCV, and writes docs/performance.md's tables.

    peers.py [--only NAME,...] [--set torchvision|others|models|all] [--rounds 5] [--threads 1,2]
             [--resume] [--report] [--no-fast] [--opencv-rounds 1] [--nets FOLDER]

Sets up what is missing: ONNX Runtime from npm into build/peers (or $ONNXRUNTIME_NODE), networks with
random weights (export_networks.py) into build/peers/nets, and says which Debian packages are wanted. Then for each network and thread count the engines take turns, a process each; a round is
the median of its warm runs, and what counts is the median of the rounds. The first process of a
network sets how many runs fit into RUN_SECONDS.

Figures are kept in build/bench/results.json after every network. --only measures those and keeps
the others' figures, --resume skips what has figures, --report measures nothing. The report goes to
docs/performance.md, between markers, and docs/performance.svg.
"""
import argparse
import json
import os
import platform
import subprocess
import sys
import time

import engines
import export_networks
import report

RESULTS = os.path.join(engines.BUILD, "bench", "results.json")
RUN_SECONDS, LEAST_RUNS, MOST_RUNS = 0.35, 3, 100
MODELS = os.path.join(engines.SHARED, "models", "onnx")
EXPORTED = {"torchvision": export_networks.NETWORKS, "others": export_networks.OTHERS}


def say(text):
    print(text, file=sys.stderr, flush=True)


def setup_opencv():
    done = subprocess.run([sys.executable, "-c", "import cv2"], stderr=subprocess.DEVNULL)
    if done.returncode:
        say("OpenCV is left out: install python3-opencv")
    return done.returncode == 0


def setup_networks(folder, names):
    missing = [n for n in names if not os.path.exists(os.path.join(folder, n + ".onnx"))]
    if missing:
        script = os.path.join(engines.HERE, "export_networks.py")
        if subprocess.run([sys.executable, script, folder, *missing]).returncode:
            say("not exported: install python3-torch python3-torchvision python3-onnx")


def find_networks(args):
    """{name: path}, torchvision's first."""
    only = [name for name in args.only.split(",") if name]
    found = {}
    wanted = [n for kind, names in EXPORTED.items() if args.set in (kind, "all")
              for n in names if not only or n in only]
    setup_networks(args.nets, wanted)
    paths = [os.path.join(args.nets, name + ".onnx") for name in wanted]
    found.update((engines.short_name(p), p) for p in paths if os.path.exists(p))
    if args.set in ("models", "all"):
        models = {engines.short_name(p): p for p in engines.find_models([MODELS])}
        found.update((n, p) for n, p in models.items() if not only or n in only)
    unknown = [name for name in only if name not in found]
    if unknown:
        say("no network of the name %s" % ", ".join(unknown))
    return found


def machine():
    check = os.path.join(engines.BUILD, "tests", "kernels", "check")
    done = subprocess.run([check, "--peak"], capture_output=True, text=True)
    facts = json.loads(done.stdout) if done.returncode == 0 else {}
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    facts.update(model=names[0] if names else platform.machine(), cpus=os.cpu_count())
    return facts


def fast_differs(model, shapes):
    """Whether --precision fast chooses another kernel anywhere."""
    kernels = []
    for precision in ("fp32", "fast"):
        words, folder = engines.tinydnn("1", "1", shapes, model, "--profile", "--precision", precision)
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
        steps = [json.loads(line) for line in done.stdout.splitlines() if '"step"' in line]
        kernels.append([step.get("kernel") for step in steps])
    return kernels[0] != kernels[1]


def measure(name, path, peers, args, show):
    """{threads: {engine: [a dictionary a round]}}, and the work of a run."""
    shapes, why = engines.input_shapes(path)
    if not shapes:
        return None, why
    first, why = engines.time_once("tinydnn", 1, LEAST_RUNS, shapes, path)
    if first is None:
        return None, why
    runs = int(RUN_SECONDS * 1e3 / max(first["min_ms"], 1e-3))
    runs = max(LEAST_RUNS, min(MOST_RUNS, runs))
    turns = ["tinydnn"] + peers
    if args.fast and fast_differs(path, shapes):
        turns.append("tinydnn-fast")
    result = {"gflop": first["gflops"] * first["median_ms"] * 1e-3, "threads": {}, "errors": {}}
    for threads in args.threads:
        rounds = {engine: [] for engine in turns}
        for number in range(args.rounds):
            for engine in turns:
                late = engine == "opencv" and number >= args.opencv_rounds
                if late or engine in result["errors"]:
                    continue
                show("%s, %d thread%s, round %d, %s" %
                     (name, threads, "s" * (threads > 1), number + 1, engine))
                one, why = engines.time_once(engine, threads, runs, shapes, path)
                if one is None:
                    result["errors"][engine] = why
                else:
                    rounds[engine].append({k: v for k, v in one.items() if k.endswith(("_ms", "_kb"))})
        result["threads"][str(threads)] = {e: r for e, r in rounds.items() if r}
    return result, None


def save(results):
    os.makedirs(os.path.dirname(RESULTS), exist_ok=True)
    with open(RESULTS + ".part", "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
    os.rename(RESULTS + ".part", RESULTS)


def run(args, results):
    networks = find_networks(args)
    peers = (["onnxruntime"] if engines.setup_onnxruntime() else []) + (
        ["opencv"] if args.opencv_rounds and setup_opencv() else [])
    if args.resume:
        networks = {n: p for n, p in networks.items() if n not in results["networks"]}
    results["machine"] = machine()
    begin = time.time()
    for at, (name, path) in enumerate(networks.items()):
        def show(what):
            if sys.stderr.isatty():
                print("\r\033[K[%d/%d, %d s] %s" % (at + 1, len(networks), time.time() - begin, what),
                      end="", file=sys.stderr, flush=True)
        result, why = measure(name, path, peers, args, show)
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)
        if result is None:
            say("%s: %s" % (name, why))
            continue
        result["set"] = next((k for k, names in EXPORTED.items() if name in names), "models")
        results["networks"][name] = result
        save(results)
        print("[%d/%d, %4d s] %s" % (at + 1, len(networks), time.time() - begin,
                                     report.one_line(name, result)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--set", choices=["torchvision", "others", "models", "all"], default="all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--opencv-rounds", type=int, default=1)
    parser.add_argument("--threads", type=lambda text: [int(n) for n in text.split(",")],
                        default=[1, 2])
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--no-fast", dest="fast", action="store_false")
    parser.add_argument("--nets", default=os.path.join(engines.PEERS, "nets"))
    args = parser.parse_args()
    results = {"machine": {}, "networks": {}}
    if os.path.exists(RESULTS):
        with open(RESULTS, encoding="utf-8") as file:
            results = json.load(file)
    if not args.report:
        run(args, results)
    report.write(results)


main()
