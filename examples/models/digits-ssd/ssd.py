# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""digits-ssd in PyTorch: the body of digits-yolo under SSD's heads, and SSD's prior boxes.

The body ends in two maps of features, 24x16 and 12x8 cells. Over each cell stand prior boxes of
four shapes; a 1x1 convolution says for each how likely it is background or a digit (11 values),
another how the box is moved and enlarged (4 values, in the units of VARIANCE).
"""
import os
import sys

import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(MODELS, "digits-yolo"), MODELS]
from net import Darknet  # noqa: E402
from shape import CLASSES, FEATURES, SIZES, STRIDES, VARIANCE, prior_shapes  # noqa: E402


def priors(width, height):
    """All priors as centre x, y, width, height in pixels: by map, row, column, shape."""
    rows = []
    for stride, size in zip(STRIDES, SIZES):
        for y in range(height // stride):
            for x in range(width // stride):
                rows += [((x + 0.5) * stride, (y + 0.5) * stride, w, h)
                         for w, h in prior_shapes(size)]
    return torch.tensor(rows)


class Ssd(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Darknet(os.path.join(MODELS, "digits-yolo", "digits-yolo.cfg"))
        self.width, self.height = self.body.width, self.body.height
        shapes = len(prior_shapes(SIZES[0]))
        channels = [self.body.layers[i][0].out_channels for i in FEATURES]
        self.boxes = nn.ModuleList(nn.Conv2d(c, 4 * shapes, 1) for c in channels)
        self.scores = nn.ModuleList(nn.Conv2d(c, CLASSES * shapes, 1) for c in channels)
        self.register_buffer("priors", priors(self.width, self.height))

    def forward(self, x):
        """Offsets (N x priors x 4) and logits (N x priors x 11) of pictures with red, green,
        blue in -1..1."""
        outputs = self.body.outputs(x)
        flat = [[head(outputs[i]).permute(0, 2, 3, 1).reshape(len(x), -1, columns)
                 for i, head in zip(FEATURES, heads)]
                for heads, columns in ((self.boxes, 4), (self.scores, CLASSES))]
        return torch.cat(flat[0], 1), torch.cat(flat[1], 1)

    def encode(self, boxes, priors):
        """How priors become boxes, both centre x, y, width, height."""
        offsets = torch.cat([(boxes[..., :2] - priors[..., :2]) / priors[..., 2:],
                             (boxes[..., 2:] / priors[..., 2:]).log()], -1)
        return offsets / torch.tensor(VARIANCE)
