"""Dataspaces and datatypes: the shape and the dtype of what is stored (IV.A.2.b, IV.A.2.d)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from refkeras.saving.errors import ModelFileError
from refkeras.saving.hdf5.cursor import Cursor

__all__ = ["Datatype", "read_dataspace", "read_datatype"]

_FLOATS = {2: (10, 5, 10, 15), 4: (23, 8, 23, 127), 8: (52, 11, 52, 1023)}
_CLASSES = {
    2: "time",
    4: "bit field",
    5: "opaque",
    6: "compound",
    7: "reference",
    8: "enumeration",
    9: "variable-length",
    10: "array",
}


class Datatype(NamedTuple):
    """What one element is: `dtype` of numbers or of fixed-length strings, or None for variable-length strings."""

    dtype: np.dtype | None
    size: int

    @property
    def number(self) -> np.dtype | None:
        """The dtype, if it is of numbers."""
        return self.dtype if self.dtype is not None and self.dtype.kind in "biuf" else None


def read_dataspace(data: memoryview) -> tuple[int, ...]:
    """Return the shape in a dataspace message.

    Raises:
        ValueError: it is damaged, or describes no array.
    """
    cursor = Cursor(data, "a dataspace")
    version, rank, flags = cursor.uint(1), cursor.uint(1), cursor.uint(1)
    kind = cursor.uint(1)
    if version == 1:
        cursor.take(4)
    elif version != 2:
        raise ModelFileError(f"Damaged HDF5 file: dataspace of version {version}.")
    elif kind > 1:
        raise ModelFileError("Not allowed: an HDF5 dataset without a dataspace (type null).")
    if rank > 32 or flags > 1:
        raise ModelFileError(f"Damaged HDF5 file: dataspace of {rank} dimensions, flags {flags}.")
    shape = tuple(cursor.uint(8) for _ in range(rank))
    if any(size >= 1 << 48 for size in shape):
        raise ModelFileError(f"Damaged HDF5 file: an array of shape {shape}.")
    return shape


def read_datatype(data: memoryview) -> Datatype:
    """Return the element type in a datatype message.

    Raises:
        ValueError: it is damaged, or neither a number nor a string.
    """
    cursor = Cursor(data, "a datatype")
    head = cursor.uint(1)
    kind, version = head & 15, head >> 4
    bits, size = cursor.uint(3), cursor.uint(4)
    if version not in (1, 2, 3):
        raise ModelFileError(f"Damaged HDF5 file: datatype of version {version}.")
    if kind == 0:
        return Datatype(_integer(cursor, bits, size), size)
    if kind == 1:
        return Datatype(_float(cursor, bits, size), size)
    if kind == 3 and 0 < size < 1 << 31:
        return Datatype(np.dtype(f"S{size}"), size)
    if kind == 8 and _is_bool(cursor, bits, size):
        return Datatype(np.dtype(bool), 1)
    if kind == 9 and bits & 15 == 1 and size == 16:
        return Datatype(None, size)
    raise ModelFileError(f"Not allowed: HDF5 data of class {_CLASSES.get(kind, kind)}. Weights are plain numbers.")


def _integer(cursor: Cursor, bits: int, size: int) -> np.dtype:
    offset, precision = cursor.uint(2), cursor.uint(2)
    if size not in (1, 2, 4, 8) or offset or precision != 8 * size:
        raise ModelFileError(f"Not allowed: HDF5 integers of {precision} bits at bit {offset} of {size} bytes.")
    return np.dtype(f"{'>' if bits & 1 else '<'}{'i' if bits & 8 else 'u'}{size}")


def _float(cursor: Cursor, bits: int, size: int) -> np.dtype:
    offset, precision = cursor.uint(2), cursor.uint(2)
    exponent_at, exponent_bits, mantissa_at, mantissa_bits = (cursor.uint(1) for _ in range(4))
    bias = cursor.uint(4)
    layout = (exponent_at, exponent_bits, mantissa_bits, bias)
    known = _FLOATS.get(size) == layout and (offset, precision, mantissa_at) == (0, 8 * size, 0)
    # Bit 6 together with bit 0 means the VAX byte order.
    if not known or bits & 0x40 or bits >> 8 & 255 != 8 * size - 1:
        raise ModelFileError(
            f"Not allowed: HDF5 floats of {size} bytes that are not IEEE 754 (exponent, mantissa: {layout})."
        )
    return np.dtype(f"{'>' if bits & 1 else '<'}f{size}")


def _is_bool(cursor: Cursor, bits: int, size: int) -> bool:
    """Tell whether an enumeration is the one that h5py writes for booleans."""
    if size != 1 or bits & 0xFFFF != 2:
        return False
    base = bytes(cursor.take(12))
    names = bytes(cursor.take(cursor.left))
    return (
        base[0] & 15 == 0
        and names.startswith(b"FALSE\0")
        and b"TRUE\0" in names
        and names.rstrip(b"\0").endswith(b"\1")
    )
