"""Groups: names and the addresses they stand for (III.A, III.B, III.C, IV.A.2.c, IV.A.2.g).

HDF5 keeps a group's links in a B-tree of names, as long as all are ASCII. With
the first name that is not, they become messages in the object header, and from
the ninth on, the same messages in a fractal heap.
"""

from __future__ import annotations

from collections.abc import Iterator

from refkeras.saving.errors import ModelFileError
from refkeras.saving.hdf5 import headers
from refkeras.saving.hdf5.cursor import UNDEFINED, Cursor, Source
from refkeras.saving.hdf5.dense import heap_objects
from refkeras.saving.hdf5.heaps import LONGEST_NAME, heap_name, local_heap, text
from refkeras.saving.limits import ENTRIES

__all__ = ["read_links"]

_DEEPEST_TREE = 16


def read_links(source: Source, messages: list[tuple[int, memoryview]]) -> dict[str, int]:
    """Return `{name: address of the object header}` of a group, from the messages of its own header.

    Raises:
        ValueError: the tables are damaged, or a link is not a hard link.
    """
    links: dict[str, int] = {}
    for name, address in _all_links(source, messages):
        if not name or "/" in name or "\0" in name or name in (".", ".."):
            raise ModelFileError(f"Damaged HDF5 file: a link is named {name[:80]!r}.")
        if name in links:
            raise ModelFileError(f"Damaged HDF5 file: a group has two links named {name[:80]!r}.")
        links[name] = address
        if len(links) > ENTRIES:
            raise ModelFileError(f"Damaged HDF5 file: a group of more than {ENTRIES:,} members.")
    return links


def _all_links(source: Source, messages: list[tuple[int, memoryview]]) -> Iterator[tuple[str, int]]:
    for kind, data in messages:
        if kind == headers.SYMBOL_TABLE:
            cursor = Cursor(data, "a symbol table message")
            yield from _tabled_links(source, cursor.uint(8), cursor.uint(8))
        elif kind == headers.LINK:
            yield _link(Cursor(data, "a link message"))
        elif kind == headers.LINK_INFO:
            yield from _dense_links(source, Cursor(data, "a link info message"))


def _tabled_links(source: Source, tree: int, heap: int) -> Iterator[tuple[str, int]]:
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
            yield name, address


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


def _dense_links(source: Source, cursor: Cursor) -> Iterator[tuple[str, int]]:
    cursor.expect(b"\0")
    if cursor.uint(1) & 1:
        cursor.take(8)  # the order of creation
    heap, tree = cursor.uint(8), cursor.uint(8)
    if heap != UNDEFINED:
        for data in heap_objects(source, heap, tree):
            yield _link(data)


def _link(cursor: Cursor) -> tuple[str, int]:
    cursor.expect(b"\1")
    flags = cursor.uint(1)
    kind = cursor.uint(1) if flags & 8 else 0
    if flags & 4:
        cursor.take(8)  # the order of creation
    if flags & 16:
        cursor.take(1)  # the encoding: ASCII is UTF-8 too
    length = cursor.uint(1 << (flags & 3))
    if length > LONGEST_NAME:
        raise ModelFileError(f"Damaged HDF5 file: a link's name of {length:,} bytes.")
    name = text(bytes(cursor.take(length)))
    if kind != 0:
        what = {1: "SoftLink", 64: "ExternalLink"}.get(kind, f"link of type {kind}")
        raise ModelFileError(f"Not allowed: H5 file with {what} ({name[:80]!r}).")
    return name, cursor.uint(8)
