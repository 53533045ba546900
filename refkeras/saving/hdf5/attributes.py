"""Attributes: the small values beside a group or a dataset (IV.A.2.m)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refkeras.saving.errors import ModelFileError
from refkeras.saving.hdf5.cursor import Cursor
from refkeras.saving.hdf5.datatypes import read_dataspace, read_datatype
from refkeras.saving.hdf5.heaps import GlobalHeaps, text

__all__ = ["read_attribute"]


def read_attribute(message: memoryview, heaps: GlobalHeaps) -> tuple[str, Any]:
    """Return an attribute's name and its value: text, a list of texts, or an array.

    Raises:
        ValueError: it is damaged, or neither text nor numbers.
    """
    cursor = Cursor(message, "an attribute")
    version, flags = cursor.uint(1), cursor.uint(1)
    if version not in (1, 2, 3) or (version > 1 and flags):
        raise ModelFileError(f"Damaged HDF5 file: attribute of version {version}, flags {flags}.")
    sizes = [cursor.uint(2) for _ in range(3)]
    if version == 3:
        cursor.take(1)
    parts = []
    for size in sizes:
        parts.append(cursor.take(size))
        if version == 1:
            cursor.take(min(-size % 8, cursor.left))
    name = text(bytes(parts[0]).partition(b"\0")[0])
    datatype, shape = read_datatype(parts[1]), read_dataspace(parts[2])
    count = math.prod(shape)
    data = cursor.take(count * datatype.size)
    number = datatype.number
    if number is not None:
        return name, np.frombuffer(data, number).reshape(shape).astype(number.newbyteorder("="))
    if len(shape) > 1:
        raise ModelFileError(f"Not allowed: attribute {name!r} is an array of strings of shape {shape}.")
    if datatype.dtype is not None:
        width = datatype.size
        texts = [text(bytes(data[i * width : (i + 1) * width]).rstrip(b"\0")) for i in range(count)]
    else:
        element = Cursor(data, "a variable-length string")
        texts = [_variable(element, heaps) for _ in range(count)]
    return name, texts if shape else texts[0]


def _variable(element: Cursor, heaps: GlobalHeaps) -> str:
    length, address, index = element.uint(4), element.uint(8), element.uint(4)
    return text(heaps.value(address, index, length).rstrip(b"\0"))
