"""Every operator beside ONNX Runtime: models of one operator each, in turns, sorted by the ratio.

    race.py [--only TEXT] [--threads 1] [--rounds 3] [--above 1.0] [--milliseconds 15] [--json FILE]
            [--again FILE]

Prints ms of tinydnn, ms of ONNX Runtime and their ratio, worst first. A model is run for a few
milliseconds a round, warm; a figure is the median of a round, and the median of the rounds. ONNX
Runtime's time is that of its own trace: what its library takes, without JavaScript. --only is a
part of the models' names, several with '|'; --above leaves out what is faster than that ratio;
--json keeps all figures, and --again measures only what such a file has above the ratio.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

import engines
import race_models


class OnnxRuntime:
    def __init__(self, threads, folder):
        script = os.path.join(engines.HERE, "onnxruntime_race.mjs")
        self.process = subprocess.Popen(["node", script, str(threads), folder], cwd=engines.PEERS,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)

    def time(self, model, milliseconds):
        self.process.stdin.write("%g %s\n" % (milliseconds, model))
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline() or '{"error": "it died"}')

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def time_ours(model, threads, runs):
    words = [engines.PROGRAM, "bench", model, "--json", "--threads", str(threads), "--runs", str(runs),
             "--warmup", "10" if runs > 20 else "3"]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["signal %d" % -done.returncode])[-1]}
    return json.loads(done.stdout)


def race(paths, args, peer):
    """{name: [ours, theirs]}, and {name: why not}."""
    figures, faults, begin = {}, {}, time.time()
    for at, (name, path) in enumerate(paths.items()):
        ours, theirs = [], []
        runs = 6
        for number in range(args.rounds):
            one = time_ours(path, args.threads, runs)
            other = {} if "error" in one else peer.time(path, args.milliseconds)
            if "error" in one or "error" in other:
                faults[name] = one.get("error") or "ONNX Runtime: " + other["error"]
                break
            if number or runs > 6:
                ours.append(one["median_ms"])
                theirs.append(other["median_ms"])
            runs = max(6, min(400, round(args.milliseconds / max(one["min_ms"], 1e-4))))
        if ours:
            figures[name] = [statistics.median(ours), statistics.median(theirs)]
        if sys.stderr.isatty():
            print("\r\033[K[%d/%d, %d s] %s" % (at + 1, len(paths), time.time() - begin, name),
                  end="", file=sys.stderr, flush=True)
    return figures, faults


def show(figures, faults, above):
    ratios = {name: ours / max(theirs, 1e-4) for name, (ours, theirs) in figures.items()}
    print("%10s %10s %7s  model" % ("tinydnn ms", "ORT ms", "ratio"))
    for name in sorted(ratios, key=ratios.get, reverse=True):
        if ratios[name] >= above:
            print("%10.4f %10.4f %7.2f  %s" % (*figures[name], ratios[name], name))
    if ratios:
        mean = math.exp(statistics.mean(math.log(r) for r in ratios.values()))
        print("%d models, geometric mean %.2f, %d above 1" %
              (len(ratios), mean, sum(r > 1 for r in ratios.values())))
    for name, why in faults.items():
        print("not compared: %s: %s" % (name, why))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--above", type=float, default=0)
    parser.add_argument("--milliseconds", type=float, default=15)
    parser.add_argument("--json")
    parser.add_argument("--again")
    args = parser.parse_args()
    if not engines.setup_onnxruntime():
        sys.exit(77)
    paths = race_models.write(os.path.join(engines.BUILD, "bench", "ops"))
    if args.again:
        with open(args.again, encoding="utf-8") as file:
            before = json.load(file)
        paths = {n: p for n, p in paths.items() if n in before and before[n][0] > args.above * before[n][1]}
    parts = args.only.split("|")
    paths = {n: p for n, p in paths.items() if any(part in n for part in parts)}
    with tempfile.TemporaryDirectory() as folder:
        peer = OnnxRuntime(args.threads, folder)
        figures, faults = race(paths, args, peer)
        peer.close()
    show(figures, faults, args.above)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=0)


main()
