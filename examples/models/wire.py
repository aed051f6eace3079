# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""The wire format of protocol buffers: numbers and fields, one by one. Needs nothing else."""


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def field(number, payload):
    """A field with a number, text, bytes, or a list of parts that are written one behind the other."""
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    if isinstance(payload, str):
        payload = payload.encode()
    if isinstance(payload, list):
        payload = b"".join(payload)
    return varint(number << 3 | 2) + varint(len(payload)) + payload
