# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Training with scenes of digits: drawn at a network's size, varied in colour, learnt from."""
import time

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


def learn(net, groups, rates, count, batch, epochs, losses_of):
    """Trains net on `count` scenes in batches. `groups` are its parameters, learnt at most at
    `rates`; losses_of(pick) gives the parts of the loss for the scenes numbered in pick, by name.
    Yields after each epoch how many scenes were seen so far."""
    steps, start = count // batch, time.time()
    optimizer = torch.optim.AdamW([{"params": group} for group in groups], weight_decay=5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, epochs * steps,
                                                   pct_start=0.15)
    for epoch in range(epochs):
        totals = {}
        for pick in torch.randperm(count)[:steps * batch].split(batch):
            losses = losses_of(pick)
            optimizer.zero_grad()
            sum(losses.values()).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 10)
            optimizer.step()
            schedule.step()
            for name, part in losses.items():
                totals[name] = totals.get(name, 0) + part.item() / steps
        print("epoch %d: %s, %.0f s" % (
            epoch + 1, ", ".join("%s %.4f" % pair for pair in totals.items()),
            time.time() - start), flush=True)
        yield (epoch + 1) * steps * batch
