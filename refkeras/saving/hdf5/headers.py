"""Object headers: the messages that say what an object is (IV.A)."""

from __future__ import annotations

from refkeras.saving.errors import ModelFileError
from refkeras.saving.hdf5.cursor import Cursor, Source
from refkeras.saving.limits import MESSAGES

__all__ = [
    *("ATTRIBUTE", "DATASPACE", "DATATYPE", "EXTERNAL", "FILTERS", "LAYOUT", "LINK", "LINK_INFO", "SYMBOL_TABLE"),
    "read_messages",
]

DATASPACE, LINK_INFO, DATATYPE, LINK, EXTERNAL, LAYOUT = 0x01, 0x02, 0x03, 0x06, 0x07, 0x08
FILTERS, ATTRIBUTE, _CONTINUATION, SYMBOL_TABLE = 0x0B, 0x0C, 0x10, 0x11
#: Messages without meaning for a reader: nothing, fill values, group information, comments and times.
_IGNORED = frozenset({0x00, 0x04, 0x05, 0x0A, 0x0D, 0x0E, 0x12})
_NEWER = {0x15: "attributes", 0x16: "reference counts"}


def read_messages(source: Source, address: int) -> list[tuple[int, memoryview]]:
    """Return the messages `(type, data)` of the object header at an address.

    Raises:
        ValueError: it is damaged, of another version, or holds shared or unknown messages.
    """
    head = source.cursor(address, 16, "an object header")
    if bytes(head.data[:4]) == b"OHDR":
        raise ModelFileError(
            "Not allowed: an HDF5 file with object headers of version 2. Write it anew with h5py's default `libver`."
        )
    head.expect(b"\1")
    head.take(1)
    total = head.uint(2)
    head.take(4)
    blocks = [source.cursor(address + 16, head.uint(4), "an object header")]
    messages: list[tuple[int, memoryview]] = []
    count = 0
    while blocks:
        block = blocks.pop(0)
        while block.left >= 8 and count < total:
            count += 1
            if count > MESSAGES:
                raise ModelFileError(f"Damaged HDF5 file: an object header of more than {MESSAGES:,} messages.")
            kind, data = _message(block)
            if kind == _CONTINUATION:
                where = Cursor(data, "a continuation message")
                blocks.append(source.cursor(where.uint(8), where.uint(8), "an object header's continuation"))
            elif kind not in _IGNORED:
                messages.append((kind, data))
    return messages


def _message(block: Cursor) -> tuple[int, memoryview]:
    kind, size, flags = block.uint(2), block.uint(2), block.uint(1)
    block.take(3)
    data = block.take(size)
    if kind in _NEWER:
        raise ModelFileError(
            f"Not allowed: an HDF5 file that stores {_NEWER[kind]} in a newer layout. Keras does not write it; write "
            "the file anew with h5py's default `libver`."
        )
    if kind not in _IGNORED and flags & 2:
        raise ModelFileError("Not allowed: an HDF5 file with shared messages (named datatypes).")
    return kind, data
