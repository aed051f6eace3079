"""Times tinydnn against other engines: the same models, inputs and thread counts, in turns.

    compare.py [--with opencv,onnxruntime] [--threads 1,2] [--rounds 3] [--runs 10]
               [--csv FILE] [MODEL.onnx | FOLDER]...

Machines are shared and noisy, so the engines take turns (A B A B ...), and each round's figure is
the median of its runs. What is compared is the median over the rounds. A ratio below 1 says that
tinydnn is faster. Without models those of ../shared/models/onnx (or $TINYDNN_SHARED) are taken; the
shapes of open inputs are those of the model's reference/reference.json.

The engines are those of engines.py.
"""
import argparse
import csv
import math
import os
import statistics
import sys

from engines import ENGINES, SHARED, find_models, input_shapes, short_name, time_once

SKIPPED = 77


def compare(model, engines, threads, args):
    """Medians over the rounds by engine, and why an engine has none."""
    shapes, why = input_shapes(model)
    if not shapes:
        return {}, {"tinydnn": why}
    times, reasons = {engine: [] for engine in engines}, {}
    for _ in range(args.rounds):
        for engine in [e for e in engines if e not in reasons]:
            result, why = time_once(engine, threads, args.runs, shapes, model)
            if result is None:
                reasons[engine] = why
            else:
                times[engine].append(result["median_ms"])
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
