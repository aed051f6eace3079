# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""A Darknet network in PyTorch: reads a .cfg, reads and writes .weights, decodes detections.

Knows the sections digits-yolo.cfg uses: convolutional, maxpool, route, upsample, yolo.
"""
import os
import sys

import numpy as np
import torch
from torch import nn

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from darknet import HEADER, numbers, read_cfg, sources, write_weights  # noqa: E402


class Darknet(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.net, *self.sections = read_cfg(cfg)
        self.width, self.height = int(self.net["width"]), int(self.net["height"])
        self.layers = nn.ModuleList()
        self.heads = []         # per [yolo]: (its anchors, its masks)
        channels = []           # channels of each layer's output
        for index, section in enumerate(self.sections):
            kind, layer = section["type"], nn.Identity()
            last = channels[-1] if channels else int(self.net["channels"])
            if kind == "convolutional":
                size, stride = int(section["size"]), int(section["stride"])
                normalize = "batch_normalize" in section
                parts = [nn.Conv2d(last, int(section["filters"]), size, stride, size // 2,
                                   bias=not normalize)]
                if normalize:
                    parts.append(nn.BatchNorm2d(parts[0].out_channels, eps=1e-5))
                if section["activation"] == "leaky":
                    parts.append(nn.LeakyReLU(0.1, inplace=True))
                layer, last = nn.Sequential(*parts), parts[0].out_channels
            elif kind == "maxpool":
                layer = nn.MaxPool2d(int(section["size"]), int(section["stride"]))
            elif kind == "upsample":
                layer = nn.Upsample(scale_factor=int(section["stride"]), mode="nearest")
            elif kind == "route":
                last = sum(channels[i] for i in sources(section, index))
            elif kind == "yolo":
                anchors = torch.tensor(numbers(section["anchors"])).float().view(-1, 2)
                self.heads.append((anchors, numbers(section["mask"])))
            else:
                raise ValueError("unknown section [%s]" % kind)
            self.layers.append(layer)
            channels.append(last)

    def outputs(self, x):
        """The output of each layer, in the cfg's order; what enters a head as it is."""
        outputs = []
        for index, (section, layer) in enumerate(zip(self.sections, self.layers)):
            if section["type"] == "route":
                x = torch.cat([outputs[i] for i in sources(section, index)], 1)
            else:
                x = layer(x)
            outputs.append(x)
        return outputs

    def forward(self, x):
        """Returns the raw output of each head, as N x anchors x (5 + classes) x H x W."""
        entered = [output for section, output in zip(self.sections, self.outputs(x))
                   if section["type"] == "yolo"]
        return [output.reshape(len(x), len(mask), -1, *output.shape[2:])
                for (_, mask), output in zip(self.heads, entered)]

    def boxes(self, head, raw):
        """Centre x, y, width, height of every cell's boxes, in pixels of the network's input."""
        anchors, mask = self.heads[head]
        anchors = anchors[mask].view(1, -1, 2, 1, 1)
        h, w = raw.shape[3:]
        grid = torch.stack([torch.arange(w).expand(h, w), torch.arange(h)[:, None].expand(h, w)])
        xy = (raw[:, :, 0:2].sigmoid() + grid) * (self.width / w)
        return torch.cat([xy, raw[:, :, 2:4].clamp(max=5).exp() * anchors], 2)

    def parameters_in_order(self):
        """The tensors of a .weights file, in its order."""
        for layer in self.layers:
            if isinstance(layer, nn.Sequential):
                conv, norm = layer[0], layer[1] if len(layer) > 1 else None
                if norm is None:
                    yield conv.bias
                else:
                    yield from (norm.bias, norm.weight, norm.running_mean, norm.running_var)
                yield conv.weight

    def save_weights(self, path, seen=0):
        write_weights(path, [part.detach().numpy() for part in self.parameters_in_order()], seen)

    def load_weights(self, path):
        values, used = np.fromfile(path, "<f4", offset=HEADER.itemsize), 0
        for tensor in self.parameters_in_order():
            part = values[used:used + tensor.numel()].reshape(tensor.shape)
            tensor.data.copy_(torch.from_numpy(part))
            used += tensor.numel()
        assert used == len(values), "%s does not fit the .cfg" % path


def corners(boxes):
    """Centre x, y, width, height -> left, top, right, bottom (last dimension)."""
    return torch.cat([boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2], -1)


def iou(a, b):
    """Intersection over union of boxes given by their corners; broadcasts."""
    overlap = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2]))
    overlap = overlap.clamp(min=0).prod(-1)
    area_a, area_b = (a[..., 2:] - a[..., :2]).prod(-1), (b[..., 2:] - b[..., :2]).prod(-1)
    return overlap / (area_a + area_b - overlap + 1e-9)


def detect(net, x, threshold=0.01, nms=0.45):
    """Returns, for each picture of the batch x, rows (class, score, left, top, right, bottom);
    the box in parts of the picture's width and height. One class never suppresses another."""
    with torch.no_grad():
        raws = net(x)
        boxes = torch.cat([net.boxes(i, raw).permute(0, 1, 3, 4, 2).flatten(1, 3)
                           for i, raw in enumerate(raws)], 1)
        rest = torch.cat([raw[:, :, 4:].permute(0, 1, 3, 4, 2).flatten(1, 3).sigmoid()
                          for raw in raws], 1)
    scores = rest[..., :1] * rest[..., 1:]
    boxes = corners(boxes) / torch.tensor([net.width, net.height] * 2)
    found = []
    for picture_boxes, picture_scores in zip(boxes, scores):
        rows = []
        for label in range(picture_scores.shape[1]):
            score = picture_scores[:, label]
            keep = (score > threshold).nonzero()[:, 0]
            keep = keep[score[keep].argsort(descending=True)]
            while len(keep):
                best, keep = keep[0], keep[1:]
                rows.append([label, score[best].item()] + picture_boxes[best].tolist())
                keep = keep[iou(picture_boxes[best], picture_boxes[keep]) <= nms]
        found.append(rows)
    return found
