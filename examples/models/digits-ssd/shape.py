# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""What digits-ssd's training and files agree on: classes, maps, prior boxes."""

CLASSES = 11                    # background and ten digits
VARIANCE = (0.1, 0.1, 0.2, 0.2)
FEATURES = (18, 11)             # the layers of digits-yolo.cfg the heads stand on
STRIDES = (8, 16)               # pixels of the input from cell to cell of their maps
SIZES = ((18, 28), (36, 56))    # min_size and max_size of each map, in pixels of the input
ASPECTS = (0.5, 0.25)           # width / height of the priors beside the squares


def prior_shapes(size):
    """Width and height of a cell's priors in the order of Caffe's PriorBox: the square of
    min_size, the square between min_size and max_size, then one for each aspect ratio."""
    least, most = size
    between = (least * most) ** 0.5
    return [(least, least), (between, between)] + [
        (least * aspect ** 0.5, least / aspect ** 0.5) for aspect in ASPECTS]
