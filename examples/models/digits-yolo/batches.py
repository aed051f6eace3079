# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Scenes of digits as training data: drawn at a network's size, varied in colour."""
import cv2
import numpy as np
import torch

from scenes import HEIGHT, WIDTH, scene


def draw(net, images, labels, count):
    """Draws scenes at the network's size; returns pictures (RGB) and boxes N x 8 x 5: class,
    centre x, y, width, height in pixels of the network's input; class -1 where there is none."""
    pictures = np.empty((count, net.height, net.width, 3), np.uint8)
    truth = torch.full((count, 8, 5), -1.0)
    scale = torch.tensor([net.width / WIDTH, net.height / HEIGHT] * 2)
    for number in range(count):
        picture, boxes = scene(images, labels, 2, number)
        small = cv2.resize(picture, (net.width, net.height), interpolation=cv2.INTER_LINEAR)
        pictures[number] = small[:, :, ::-1]
        for i, (label, x, y, w, h) in enumerate(boxes):
            truth[number, i, 0] = label
            truth[number, i, 1:] = torch.tensor([x + w / 2, y + h / 2, w, h]) * scale
    return torch.from_numpy(pictures), truth


def recolour(x):
    """Shuffles the colour channels of the batch, inverts them, changes the contrast."""
    x = x[..., torch.randperm(3)].permute(0, 3, 1, 2).float() / 255
    invert = (torch.rand(len(x), 1, 1, 1) < 0.5).float()
    x = invert + (1 - 2 * invert) * x
    return (x - 0.5) * (0.7 + 0.3 * torch.rand(len(x), 1, 1, 1)) + 0.5
