#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Measures detections against the truth: average precision per digit, and mAP at IoU 0.5.

    python3 evaluate.py DETECTIONS.jsonl TRUTH.json [--iou 0.5]

DETECTIONS has one line of JSON per detection, in any order; x, y is the top left corner, in
pixels of the picture (fractions are fine):
    {"image": "scene_0001.png", "label": "7", "score": 0.9,
     "x": 31.5, "y": 40, "width": 22, "height": 35.2}          (on one line)
or one line per picture, as `tinydnn detect --json` writes them:
    {"image": "scene_0001.png", "boxes": [{"label": "7", "score": 0.9, ...}, ...]}
TRUTH is the truth.json scenes.py writes. Average precision is the area under the
precision-recall curve (each recall counts with the best precision at or beyond it); every
true box can be found once, a second detection of it is a false one. Needs numpy only.
"""
import argparse
import json
import os

import numpy as np


def iou(a, b):
    w = min(a["x"] + a["width"], b["x"] + b["width"]) - max(a["x"], b["x"])
    h = min(a["y"] + a["height"], b["y"] + b["height"]) - max(a["y"], b["y"])
    overlap = max(w, 0) * max(h, 0)
    return overlap / (a["width"] * a["height"] + b["width"] * b["height"] - overlap)


def boxes_of(line):
    """One line is a detection, or a picture with its "boxes", as `tinydnn detect --json` has it."""
    image = os.path.basename(line["image"])
    return [dict(box, image=image) for box in line.get("boxes", [line])]


def average_precision(detections, truth, least):
    """detections and truth of one label; truth: picture -> list of boxes."""
    total = sum(len(boxes) for boxes in truth.values())
    taken, hits = set(), []
    for found in sorted(detections, key=lambda d: -d["score"]):
        overlaps = [(iou(found, box), i) for i, box in enumerate(truth.get(found["image"], []))
                    if (found["image"], i) not in taken]
        overlap, i = max(overlaps, default=(0, -1))
        hits.append(overlap >= least)
        if hits[-1]:
            taken.add((found["image"], i))
    right = np.cumsum(hits)
    precision = right / (np.arange(len(hits)) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    recall = np.concatenate([[0], right / total])
    return float(np.sum(np.diff(recall) * precision))


def main():
    parser = argparse.ArgumentParser(description="Measures mAP.")
    parser.add_argument("detections")
    parser.add_argument("truth")
    parser.add_argument("--iou", type=float, default=0.5)
    args = parser.parse_args()
    detections = [found for line in open(args.detections) if line.strip()
                  for found in boxes_of(json.loads(line))]
    truth = json.load(open(args.truth))
    results = []
    for label in sorted({box["label"] for boxes in truth.values() for box in boxes}):
        of_label = {name: [box for box in boxes if box["label"] == label]
                    for name, boxes in truth.items()}
        results.append(average_precision([d for d in detections if d["label"] == label],
                                         of_label, args.iou))
        print("%s: AP %.4f (%d boxes)" % (label, results[-1], sum(map(len, of_label.values()))))
    print("mAP@%g %.4f (%d pictures, %d detections)" % (args.iou, np.mean(results), len(truth),
                                                        len(detections)))


if __name__ == "__main__":
    main()
