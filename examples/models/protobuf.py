# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The tinydnn authors
"""Protocol buffers: one description of a message, written in binary or as text.

A message is a dictionary: field name -> value, or a list of values for a repeated field. A schema
says the number and kind of each field: {"Message": {"field": (number, kind)}}. A kind is int32,
bool, float, string, bytes, floats and ints (packed lists), another message of the schema, or an
enumeration given as a dictionary: name -> number. Fields are written in the dictionary's order.
read() goes the other way without a schema: numbers and raw values, as they stand in the bytes.
"""
import struct

import numpy as np

from wire import varint


def values_of(message):
    """The fields one by one, repeated ones several times."""
    for name, value in message.items():
        for one in value if isinstance(value, list) else [value]:
            yield name, one


def binary(schema, kind, message):
    """The bytes of a message of that kind."""
    out = []
    for name, value in values_of(message):
        number, what = schema[kind][name]
        wire, data = 2, value
        if isinstance(what, dict):
            wire, data = 0, varint(what[value])
        elif what in ("int32", "bool"):
            wire, data = 0, varint(int(value))
        elif what == "float":
            wire, data = 5, struct.pack("<f", value)
        elif what == "string":
            data = value.encode()
        elif what == "floats":
            data = np.ascontiguousarray(value, "<f4").tobytes()
        elif what == "ints":
            data = b"".join(varint(int(one)) for one in value)
        elif what != "bytes":
            data = binary(schema, what, value)
        out += [varint(number << 3 | wire), varint(len(data)) if wire == 2 else b"", data]
    return b"".join(out)


def text(schema, kind, message, indent=""):
    """The same message in protocol buffers' text format."""
    out = []
    for name, value in values_of(message):
        what = schema[kind][name][1]
        if what in ("floats", "ints"):
            out += ["%s%s: %s\n" % (indent, name, number(one)) for one in value]
        elif isinstance(what, dict):
            out.append("%s%s: %s\n" % (indent, name, value))
        elif what == "bool":
            out.append("%s%s: %s\n" % (indent, name, "true" if value else "false"))
        elif what in ("int32", "float"):
            out.append("%s%s: %s\n" % (indent, name, number(value)))
        elif what in ("string", "bytes"):
            raw = value.encode() if what == "string" else value
            out.append('%s%s: "%s"\n' % (indent, name, "".join(map(escaped, raw))))
        else:
            out.append("%s%s {\n%s%s}\n" % (indent, name,
                                            text(schema, what, value, indent + "  "), indent))
    return "".join(out)


def number(value):
    """The shortest decimal that is the same float32; integers as they are."""
    return str(value) if isinstance(value, int) else str(np.float32(value))


def escaped(byte):
    plain = 32 <= byte < 127 and byte not in b'"\\'
    return chr(byte) if plain else "\\%03o" % byte


def varint_at(data, at):
    """A number, and where what follows it starts."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, at


def packed(data):
    """The numbers of a packed list."""
    numbers, at = [], 0
    while at < len(data):
        one, at = varint_at(data, at)
        numbers.append(one)
    return numbers


def read(data):
    """Pairs of field number and value: int, or bytes of what has a length or a fixed size."""
    at = 0
    while at < len(data):
        key, at = varint_at(data, at)
        if key & 7 == 0:
            value, at = varint_at(data, at)
            yield key >> 3, value
            continue
        size = {1: 8, 5: 4}.get(key & 7)
        if size is None:
            size, at = varint_at(data, at)
        yield key >> 3, data[at:at + size]
        at += size
