"""Groups: names and the addresses they stand for (III.A, III.B, III.C)."""

from __future__ import annotations

from refkeras.saving.errors import ModelFileError
from refkeras.saving.hdf5.cursor import Source
from refkeras.saving.hdf5.heaps import heap_name, local_heap
from refkeras.saving.limits import ENTRIES

__all__ = ["read_links"]

_DEEPEST_TREE = 16


def read_links(source: Source, tree: int, heap: int) -> dict[str, int]:
    """Return `{name: address of the object header}` of a group, by its B-tree and its local heap.

    Raises:
        ValueError: the tables are damaged, or a link is not a hard link.
    """
    links: dict[str, int] = {}
    names = local_heap(source, heap)
    for node in _symbol_nodes(source, tree, _DEEPEST_TREE):
        cursor = source.cursor(node, 8, "a symbol table node")
        cursor.expect(b"SNOD\1\0")
        count = cursor.uint(2)
        cursor = source.cursor(node + 8, 40 * count, "a symbol table node")
        for _ in range(count):
            offset, address, kind = cursor.uint(8), cursor.uint(8), cursor.uint(4)
            cursor.take(20)
            name = heap_name(source, names, offset)
            if kind == 2:
                raise ModelFileError(f"Not allowed: H5 file with SoftLink ({name!r}).")
            if kind not in (0, 1):
                raise ModelFileError(f"Damaged HDF5 file: link {name!r} of type {kind}.")
            if "/" in name or name in (".", ".."):
                raise ModelFileError(f"Damaged HDF5 file: a link is named {name!r}.")
            if name in links:
                raise ModelFileError(f"Damaged HDF5 file: a group has two links named {name!r}.")
            links[name] = address
            if len(links) > ENTRIES:
                raise ModelFileError(f"Damaged HDF5 file: a group of more than {ENTRIES:,} members.")
    return links


def _symbol_nodes(source: Source, address: int, deepest: int) -> list[int]:
    """Return the addresses of the symbol table nodes under a node of a B-tree."""
    cursor = source.cursor(address, 24, "a B-tree node")
    cursor.expect(b"TREE\0")
    level, count = cursor.uint(1), cursor.uint(2)
    if level >= deepest:
        raise ModelFileError(f"Damaged HDF5 file: a B-tree node of level {level} below one of level {deepest}.")
    cursor = source.cursor(address + 24, 16 * count + 8, "a B-tree node")
    children = []
    for _ in range(count):
        cursor.take(8)
        children.append(cursor.uint(8))
    if level == 0:
        return children
    return [node for child in children for node in _symbol_nodes(source, child, level)]
