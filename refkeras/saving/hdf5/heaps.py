"""Heaps: where group names and variable-length strings are stored (III.D, III.E)."""

from __future__ import annotations

from refkeras.saving.errors import ModelFileError
from refkeras.saving.hdf5.cursor import Source

__all__ = ["LONGEST_NAME", "GlobalHeaps", "heap_name", "local_heap", "text"]

#: Keras's own limit on names.
LONGEST_NAME = 1 << 16


def local_heap(source: Source, address: int) -> memoryview:
    """Return the bytes of a group's names."""
    cursor = source.cursor(address, 32, "a local heap")
    cursor.expect(b"HEAP\0")
    cursor.take(3)
    size = cursor.uint(8)
    cursor.take(8)
    return source.slice(cursor.uint(8), size, "a local heap's data")


def heap_name(source: Source, heap: memoryview, offset: int) -> str:
    """Return the name that begins at an offset of a local heap.

    Raises:
        ValueError: there is none, it is empty, too long, or no text.
    """
    raw = bytes(heap[offset : offset + LONGEST_NAME]) if offset < len(heap) else b""
    name, end, _ = raw.partition(b"\0")
    source.charge(len(name))
    if not name or not end:
        raise ModelFileError(f"Damaged HDF5 file: no name at byte {offset} of a local heap.")
    return text(name)


def text(raw: bytes) -> str:
    """Return bytes as text.

    Raises:
        ValueError: they are not UTF-8.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ModelFileError(f"Damaged HDF5 file: the text {raw[:40]!r} is not UTF-8.") from None


class GlobalHeaps:
    """The collections of variable-length values, each read once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._collections: dict[int, dict[int, memoryview]] = {}

    def value(self, address: int, index: int, length: int) -> bytes:
        """Return the `length` bytes of object `index` of the collection at `address`.

        Raises:
            ValueError: there is no such object, or it is shorter.
        """
        if length == 0:
            return b""
        collection = self._collections.get(address)
        if collection is None:
            collection = self._collections[address] = self._read(address)
        found = collection.get(index)
        if found is None or len(found) < length:
            raise ModelFileError(
                f"Damaged HDF5 file: no {length:,} bytes in object {index} of the global heap at byte {address:,}."
            )
        self._source.charge(length)
        return bytes(found[:length])

    def _read(self, address: int) -> dict[int, memoryview]:
        head = self._source.cursor(address, 16, "a global heap")
        head.expect(b"GCOL\1")
        head.take(3)
        cursor = self._source.cursor(address, head.uint(8), "a global heap")
        objects: dict[int, memoryview] = {}
        cursor.take(min(16, cursor.left))
        while cursor.left >= 16:
            index = cursor.uint(2)
            cursor.take(6)
            size = cursor.uint(8)
            if index == 0:
                break
            objects[index] = cursor.take(size)
            cursor.take(min(-size % 8, cursor.left))
        return objects
