#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Checks digits-yolo.cfg and .weights against OpenCV's own Darknet reader.

    python3 check_opencv.py PICTURE.png ...

Prints, for each picture, the largest difference between PyTorch and OpenCV in the raw output
of both heads and in the decoded boxes. OpenCV normalizes with an epsilon of 1e-6, Darknet with
1e-5; so that all else can be compared exactly, PyTorch takes OpenCV's epsilon here.
"""
import os
import sys

import cv2
import numpy as np
import torch

from detect import HERE, to_input
from net import Darknet

net = Darknet(os.path.join(HERE, "digits-yolo.cfg")).eval()
net.load_weights(os.path.join(HERE, "digits-yolo.weights"))
for module in net.modules():
    if isinstance(module, torch.nn.BatchNorm2d):
        module.eps = 1e-6
other = cv2.dnn.readNetFromDarknet(os.path.join(HERE, "digits-yolo.cfg"),
                                   os.path.join(HERE, "digits-yolo.weights"))
size = torch.tensor([net.width, net.height] * 2).view(1, 1, 4, 1, 1)
for path in sys.argv[1:]:
    x = to_input(cv2.imread(path), net)
    other.setInput(x.numpy())
    outputs = other.forward(["conv_12", "conv_19", "yolo_13", "yolo_20"])
    with torch.no_grad():
        raws = net(x)
    for head, raw in enumerate(raws):
        boxes = (net.boxes(head, raw) / size).permute(0, 3, 4, 1, 2).reshape(-1, 4)
        print("%s head %d: raw %.2e, boxes %.2e" % (
            os.path.basename(path), head, np.abs(outputs[head].ravel() - raw.numpy().ravel()).max(),
            np.abs(outputs[2 + head][:, :4] - boxes.numpy()).max()))
