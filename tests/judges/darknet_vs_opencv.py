"""Darknet .cfg files with generated weights: `tinydnn run --darknet-as opencv` against cv2.dnn.

    darknet_vs_opencv.py [--program build/tinydnn] [CFG...]

Every .cfg file of $TINYDNN_SHARED/darknet-cfg (else ../shared beside the repository). The weights'
size is counted here, section by section. What OpenCV cannot run is only loaded and run, and so is
every file in Darknet's own meaning; a file one number too short or too long must be refused.
"""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile

import tdnn
from tdnn import cv2, np

SHARED = os.environ.get("TINYDNN_SHARED", os.path.join(tdnn.ROOT, "..", "shared"))
TOLERANCE = 2e-4  # of an output's greatest value: sums of up to 9216 products, twenty layers deep


def sections(path):
    found = []
    for line in open(path):
        line = line.split("#")[0].split(";")[0].replace(" ", "").strip()
        if line.startswith("["):
            found.append((line.strip("[]"), {}))
        elif "=" in line:
            key, value = line.split("=", 1)
            found[-1][1].setdefault(key, value)
    return found


def make_weights(path, rng):
    """Numbers as a trained net has them, so that neither engine overflows."""
    parts, channels = [], []
    (_, net), *layers = sections(path)
    now = int(net["channels"])
    for i, (name, keys) in enumerate(layers):
        if name == "convolutional":
            filters, size = int(keys["filters"]), int(keys.get("size", 1))
            fan_in = now // int(keys.get("groups", 1)) * size * size
            parts.append(rng.normal(0, 0.1, filters))
            if int(keys.get("batch_normalize", 0)):
                parts += [rng.uniform(0.4, 0.8, filters), rng.normal(0, 0.1, filters),
                          rng.uniform(0.5, 1.5, filters)]
            gain = 1 if int(keys.get("batch_normalize", 0)) else 0.05
            parts.append(rng.normal(0, gain * (1.5 / fan_in) ** 0.5, filters * fan_in))
            now = filters
        elif name == "route":
            at = [int(n) for n in keys["layers"].split(",")]
            now = sum(channels[n if n >= 0 else i + n] for n in at) // int(keys.get("groups", 1))
        elif name == "scale_channels":
            at = int(keys["from"])
            now = channels[at if at >= 0 else i + at]
        elif name == "reorg":
            now *= int(keys["stride"]) ** 2
        channels.append(now)
    numbers = np.concatenate(parts).astype(np.float32)
    header = np.array([0, 2, 0, 0, 0], np.int32)
    return header.tobytes() + numbers.tobytes(), [int(net[k]) for k in ("channels", "height", "width")]


def run(program, cfg, weights, blob, meaning, folder):
    done = subprocess.run([program, "run", cfg, weights, "--input", "data=" + blob, "--darknet-as",
                           meaning, "--output-dir", folder, "--json"], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    names = [json.loads(line)["name"] for line in done.stdout.splitlines()]
    return names, [np.load("%s/output_%d.npy" % (folder, i)) for i in range(len(names))]


def check_sizes(program, cfg, data, folder):
    for wrong, word in ((data[:-4], "ends"), (data + data[-4:], "left")):
        path = folder + "/wrong.weights"
        open(path, "wb").write(wrong)
        done = subprocess.run([program, "info", cfg, path], capture_output=True, text=True)
        if done.returncode != 1 or word not in done.stderr:
            raise RuntimeError("weights of the wrong size: %s" % (done.stderr or "accepted"))


def compare(program, cfg, folder):
    rng = np.random.default_rng(len(cfg))
    data, shape = make_weights(cfg, rng)
    weights, blob = folder + "/made.weights", folder + "/data.npy"
    open(weights, "wb").write(data)
    x = rng.random([1] + shape).astype(np.float32)
    np.save(blob, x)
    if len(data) < 64 << 20:
        check_sizes(program, cfg, data, folder)
    run(program, cfg, weights, blob, "darknet", folder)
    names, ours = run(program, cfg, weights, blob, "opencv", folder)
    try:
        net = cv2.dnn.readNetFromDarknet(cfg, weights)
        net.setInput(x)
        theirs = net.forward(net.getUnconnectedOutLayersNames())
    except cv2.error as error:
        return "runs; not in OpenCV (%s)" % str(error).split("error: ")[-1].split("\n")[0][:60]
    if list(net.getUnconnectedOutLayersNames()) != names:
        raise RuntimeError("outputs %s, OpenCV has %s" % (names, net.getUnconnectedOutLayersNames()))
    worst, new_coords = 0, any(keys.get("new_coords") == "1" for _, keys in sections(cfg))
    for a, b in zip(ours, theirs):
        if a.size != b.size:
            raise RuntimeError("shape %s, OpenCV has %s" % (a.shape, b.shape))
        if not np.isfinite(b).all():
            raise RuntimeError("OpenCV's numbers overflow: these weights prove nothing")
        if new_coords:  # OpenCV 4.6 then leaves the objectness as it finds the memory
            a[..., 4] = b.reshape(a.shape)[..., 4]
        # A score that one engine finds just above the threshold the other may find just below.
        edge = (a.reshape(b.shape) == 0) != (b == 0)
        worst = max(worst, float(np.abs(np.where(edge, 0, a.reshape(b.shape) - b)).max() / np.abs(b).max()))
        if edge.mean() > 1e-3:
            raise RuntimeError("%d of %d scores pass the threshold in one engine only" % (edge.sum(), edge.size))
    if not worst <= TOLERANCE:
        raise RuntimeError("differs by %.2g of the greatest value" % worst)
    return "%.1e" % worst


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=os.path.join(tdnn.ROOT, os.environ.get("BUILD", "build"), "tinydnn"))
    parser.add_argument("cfg", nargs="*", default=sorted(glob.glob(SHARED + "/darknet-cfg/*.cfg")))
    args = parser.parse_args()
    passed = failed = 0
    for cfg in args.cfg:
        with tempfile.TemporaryDirectory() as folder:
            try:
                print("%-24s %s" % (os.path.basename(cfg), compare(args.program, cfg, folder)))
                passed += 1
            except RuntimeError as error:
                print("%-24s FAILED: %s" % (os.path.basename(cfg), error))
                failed += 1
    if not args.cfg:
        print("skipped: no .cfg files")
        return 77
    print("%d passed, %d failed" % (passed, failed))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
