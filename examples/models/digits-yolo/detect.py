#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Runs digits-yolo with PyTorch on a folder of pictures: the reference for tinydnn's results.

    python3 detect.py FOLDER > detections.jsonl

Each picture is stretched to the network's size (bilinear); values are divided by 255, in the
order red, green, blue. Boxes are given in pixels of the original picture. One line of JSON per
detection, as evaluate.py reads it. Needs PyTorch and OpenCV.
"""
import argparse
import glob
import json
import os

import cv2
import torch

from net import Darknet, detect

HERE = os.path.dirname(os.path.abspath(__file__))


def to_input(picture, net):
    picture = cv2.resize(picture, (net.width, net.height), interpolation=cv2.INTER_LINEAR)
    rgb = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    return torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255


def main():
    parser = argparse.ArgumentParser(description="Detects digits in pictures.")
    parser.add_argument("folder")
    parser.add_argument("--threshold", type=float, default=0.01)
    args = parser.parse_args()
    torch.set_num_threads(1)
    net = Darknet(os.path.join(HERE, "digits-yolo.cfg")).eval()
    net.load_weights(os.path.join(HERE, "digits-yolo.weights"))
    labels = open(os.path.join(HERE, "labels.txt")).read().split()
    for path in sorted(glob.glob(os.path.join(args.folder, "*.png"))):
        picture = cv2.imread(path)
        h, w = picture.shape[:2]
        for label, score, x1, y1, x2, y2 in detect(net, to_input(picture, net), args.threshold)[0]:
            print(json.dumps({"image": os.path.basename(path), "label": labels[label],
                              "score": round(score, 5), "x": round(x1 * w, 2),
                              "y": round(y1 * h, 2), "width": round((x2 - x1) * w, 2),
                              "height": round((y2 - y1) * h, 2)}))


if __name__ == "__main__":
    main()
