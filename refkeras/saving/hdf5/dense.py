"""Fractal heaps of links, and the B-trees of version 2 that tell what is in them (III.A.2, III.G).

The heap's address space is cut into blocks, four in a row: 512 bytes each in
the first two rows, twice as many in each row that follows. From 128 KiB on, a
block is itself such a table. HDF5 has made the heaps of all groups with the
same parameters since release 1.8; others are refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from refkeras.saving.errors import ModelFileError
from refkeras.saving.hdf5.cursor import Cursor, Source

__all__ = ["heap_objects"]

_WIDTH, _FIRST_BLOCK, _LARGEST_BLOCK = 4, 512, 1 << 16
_ROW = _WIDTH * _FIRST_BLOCK
#: Rows of blocks of at most `_LARGEST_BLOCK` bytes.
_DIRECT_ROWS = 9
_MOST_ROWS = 32
#: A block begins with a signature, a version, the heap's address and its own offset.
_BLOCK_HEAD = 4 + 1 + 8 + 4
#: Nodes of the B-tree: all of them, their heads, and records: a hash of four bytes, and where in the heap.
_NODE, _NODE_HEAD, _RECORD = 512, 6, 4 + 7
_NODE_CHECK = 4
_MOST_IN_LEAF = (_NODE - _NODE_HEAD - _NODE_CHECK) // _RECORD
_DEEPEST = 8


def heap_objects(source: Source, heap: int, tree: int) -> Iterator[Cursor]:
    """Yield the objects of a group's fractal heap that its B-tree of names refers to.

    Args:
        source: the file.
        heap: the address of the heap's header.
        tree: the address of the header of the B-tree.

    Raises:
        ValueError: the tables are damaged, or made in another way.
    """
    find = _Heap(source, heap)
    cursor = source.cursor(tree, 26, "the header of a B-tree of version 2")
    cursor.expect(b"BTHD\0\5" + _NODE.to_bytes(4, "little") + _RECORD.to_bytes(2, "little"))
    depth = cursor.uint(2)
    cursor.take(2)
    root, count = cursor.uint(8), cursor.uint(2)
    if depth > _DEEPEST:
        raise ModelFileError(f"Damaged HDF5 file: a B-tree of {depth} levels.")
    if count:
        for record in _records(source, root, count, depth):
            record.take(4)
            yield find.object(record)


def _records(source: Source, address: int, count: int, depth: int) -> Iterator[Cursor]:
    """Yield the records below a node, each as a cursor of its own."""
    pointer = 8 + _digits(_MOST_IN_LEAF) + (_digits(_most_below(depth - 1)) if depth > 1 else 0)
    size = _NODE_HEAD + count * _RECORD + (count + 1) * pointer * (depth > 0)
    if size > _NODE - _NODE_CHECK:
        raise ModelFileError(f"Damaged HDF5 file: {count:,} records in one node of a B-tree.")
    cursor = source.cursor(address, size, "a node of a B-tree of version 2")
    cursor.expect((b"BTIN" if depth else b"BTLF") + b"\0\5")
    for _ in range(count):
        yield Cursor(cursor.take(_RECORD), "a record of a B-tree")
    for _ in range(count + 1 if depth else 0):
        child = Cursor(cursor.take(pointer), "a node of a B-tree")
        yield from _records(source, child.uint(8), child.uint(_digits(_MOST_IN_LEAF)), depth - 1)


def _most_below(depth: int) -> int:
    """Return how many records a node of a depth, and all below it, can hold."""
    if depth == 0:
        return _MOST_IN_LEAF
    pointer = 8 + _digits(_MOST_IN_LEAF) + (_digits(_most_below(depth - 1)) if depth > 1 else 0)
    most = (_NODE - _NODE_HEAD - _NODE_CHECK - pointer) // (_RECORD + pointer)
    return (most + 1) * _most_below(depth - 1) + most


def _digits(limit: int) -> int:
    """Return how many bytes HDF5 takes for a number up to a limit."""
    return (limit.bit_length() - 1) // 8 + 1


class _Heap:
    """A fractal heap."""

    def __init__(self, source: Source, address: int) -> None:
        cursor = source.cursor(address, 142, "a fractal heap")
        # An object is found by 7 bytes; no filters; blocks with checksums; objects of at most 4096 bytes.
        cursor.expect(b"FRHP\0" + b"\7\0" + b"\0\0" + b"\2" + b"\0\x10\0\0")
        cursor.take(96)
        cursor.expect(_WIDTH.to_bytes(2, "little") + _FIRST_BLOCK.to_bytes(8, "little"))
        cursor.expect(_LARGEST_BLOCK.to_bytes(8, "little") + b"\x20\0")
        cursor.take(2)
        self._source = source
        self._root, self._rows = cursor.uint(8), cursor.uint(2)

    def object(self, where: Cursor) -> Cursor:
        """Return the object whose place a record names.

        Raises:
            ValueError: it is not inside the heap, or stored apart from it.
        """
        if where.uint(1) != 0:
            raise ModelFileError("Not allowed: an HDF5 group with names of thousands of bytes.")
        offset, length = where.uint(4), where.uint(2)
        block, start, size = self._block(offset)
        self._source.cursor(block, _BLOCK_HEAD, "a block of a fractal heap").expect(b"FHDB\0")
        if offset - start < _BLOCK_HEAD or length > size - (offset - start):
            raise ModelFileError(f"Damaged HDF5 file: {length:,} bytes at {offset:,} in a fractal heap.")
        return self._source.cursor(block + offset - start, length, "an object in a fractal heap")

    def _block(self, offset: int) -> tuple[int, int, int]:
        """Return the address of the block that holds an offset, the offset at which it begins, and its size."""
        if self._rows == 0:
            return self._root, 0, _FIRST_BLOCK
        table, rows, base = self._root, self._rows, 0
        while True:
            inside = offset - base
            row = (inside // _ROW).bit_length()
            size = _FIRST_BLOCK << max(row - 1, 0)
            begin = _ROW << (row - 1) if row else 0
            column = (inside - begin) // size
            if rows > _MOST_ROWS or row >= rows:
                raise ModelFileError(f"Damaged HDF5 file: no byte {offset:,} in a fractal heap of {rows} rows.")
            self._source.cursor(table, _BLOCK_HEAD, "a table of a fractal heap").expect(b"FHIB\0")
            entry = self._source.cursor(table + _BLOCK_HEAD + 8 * (row * _WIDTH + column), 8, "a fractal heap")
            table, base = entry.uint(8), base + begin + column * size
            if row < _DIRECT_ROWS:
                return table, base, size
            # Blocks grow by doubling, so that each table inside a table has fewer rows.
            rows = (size // _ROW).bit_length()
