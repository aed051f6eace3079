# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Darknet's files: the sections of a .cfg, the weights of a .weights file as ordinary convolutions.

Knows the sections digits-yolo.cfg uses: convolutional, maxpool, route, upsample, yolo.
"""
import numpy as np

EPSILON = 1e-5      # of Darknet's batch normalization
HEADER = np.dtype([("major", "<i4"), ("minor", "<i4"), ("revision", "<i4"), ("seen", "<u8")])


def read_cfg(path):
    """Returns the sections of a .cfg as a list of dictionaries; "type" is the section's name."""
    sections = []
    for line in open(path):
        line = line.split("#")[0].strip()
        if line.startswith("["):
            sections.append({"type": line[1:-1]})
        elif line:
            key, value = line.split("=")
            sections[-1][key.strip()] = value.strip()
    return sections


def numbers(text):
    return [int(value) for value in text.split(",")]


def sources(section, index):
    """The layers that a [route] at this index takes, counted from the first."""
    return [index + i if i < 0 else i for i in numbers(section["layers"])]


def fold(kernel, beta, gamma, mean, variance):
    """Kernel and bias of a convolution that normalizes its output by itself."""
    scale = gamma / np.sqrt(variance.astype(np.float64) + EPSILON)
    return ((kernel * scale[:, None, None, None]).astype(np.float32),
            (beta - mean * scale).astype(np.float32))


def read_weights(cfg, path):
    """Kernel and bias of each convolution, by its layer's index; normalization folded in."""
    net, *sections = read_cfg(cfg)
    values, at = np.fromfile(path, "<f4", offset=HEADER.itemsize), 0

    def take(*shape):
        nonlocal at
        at += int(np.prod(shape))
        return values[at - int(np.prod(shape)):at].reshape(shape)

    channels, weights, last = [], {}, int(net["channels"])
    for index, section in enumerate(sections):
        if section["type"] == "convolutional":
            count, size = int(section["filters"]), int(section["size"])
            vectors = [take(count) for _ in range(4 if "batch_normalize" in section else 1)]
            kernel = take(count, last, size, size)
            weights[index] = fold(kernel, *vectors) if len(vectors) == 4 else (kernel, vectors[0])
            last = count
        elif section["type"] == "route":
            last = sum(channels[i] for i in sources(section, index))
        channels.append(last)
    assert at == len(values), "%s does not fit the .cfg" % path
    return weights


def write_weights(path, arrays, seen=0):
    with open(path, "wb") as file:      # version 0.2.5, the pictures seen in training
        file.write(np.array([(0, 2, 5, seen)], HEADER).tobytes())
        for array in arrays:
            file.write(np.ascontiguousarray(array, "<f4").tobytes())
