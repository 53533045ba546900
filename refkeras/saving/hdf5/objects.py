"""Files, groups and datasets (II.A, IV)."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from refkeras.saving.errors import ModelFileError
from refkeras.saving.hdf5 import headers
from refkeras.saving.hdf5.attributes import read_attribute
from refkeras.saving.hdf5.cursor import UNDEFINED, Cursor, Source
from refkeras.saving.hdf5.datatypes import Datatype, read_dataspace, read_datatype
from refkeras.saving.hdf5.groups import read_links
from refkeras.saving.hdf5.heaps import GlobalHeaps
from refkeras.saving.limits import GROUP_DEPTH

__all__ = ["SIGNATURE", "Dataset", "Group", "read_hdf5"]

SIGNATURE = b"\x89HDF\r\n\x1a\n"


def read_hdf5(data: bytes | memoryview) -> Group:
    """Return the root group of an HDF5 file.

    Args:
        data: the file's bytes. Arrays that are read are views of them.

    Raises:
        ValueError: it is no HDF5 file, or one of a format version that Keras does not write.
    """
    data = memoryview(data)
    if bytes(data[:8]) != SIGNATURE:
        raise ModelFileError(f"This is no HDF5 file: it begins with {bytes(data[:8])!r}.")
    source = Source(data)
    cursor = source.cursor(8, min(96, len(data) - 8), "the superblock")
    version = cursor.uint(1)
    if version > 1:
        raise ModelFileError(
            f"Not allowed: an HDF5 file with a superblock of version {version}. Write it anew with h5py's default "
            "`libver`."
        )
    cursor.expect(b"\0\0\0\0\x08\x08\0")
    cursor.take(8 if version == 0 else 12)
    base = cursor.uint(8)
    if base != 0:
        raise ModelFileError(f"Not allowed: an HDF5 file whose addresses count from byte {base:,}.")
    cursor.take(24)
    cursor.take(8)  # the root group's name
    found = _File(source).open(cursor.uint(8), "/")
    if not isinstance(found, Group):
        raise ModelFileError("Damaged HDF5 file: its root is no group.")
    return found


class _File:
    """What the objects of one file share."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.heaps = GlobalHeaps(source)

    def open(self, address: int, name: str) -> Group | Dataset:
        """Return the object whose header is at an address."""
        if name.count("/") > GROUP_DEPTH:
            raise ModelFileError(f"Not allowed: HDF5 groups more than {GROUP_DEPTH} deep: {name[:80]}...")
        messages = headers.read_messages(self.source, address)
        if any(kind in (headers.SYMBOL_TABLE, headers.LINK_INFO) for kind, _ in messages):
            return Group(self, messages, name)
        return Dataset(self, messages, name)


class _Object:
    def __init__(self, file: _File, messages: list[tuple[int, memoryview]], name: str) -> None:
        self._file = file
        self._messages = messages
        self.name = name

    @functools.cached_property
    def attrs(self) -> dict[str, Any]:
        """The attributes: texts, lists of texts, or arrays."""
        found = [read_attribute(data, self._file.heaps) for kind, data in self._messages if kind == headers.ATTRIBUTE]
        return dict(found)

    def _only(self, kind: int, what: str) -> memoryview:
        found = [data for other, data in self._messages if other == kind]
        if len(found) != 1:
            raise ModelFileError(f"Damaged HDF5 file: {self.name!r} has {len(found)} messages on its {what}.")
        return found[0]


class Group(_Object):
    """A group; `group["a/b"]` is the group or dataset of that name in it."""

    def __init__(self, file: _File, messages: list[tuple[int, memoryview]], name: str) -> None:
        super().__init__(file, messages, name)
        self._opened: dict[str, Group | Dataset] = {}

    @functools.cached_property
    def _links(self) -> dict[str, int]:
        return read_links(self._file.source, self._messages)

    def keys(self) -> list[str]:
        """The names of the members."""
        return sorted(self._links)

    def __len__(self) -> int:
        return len(self._links)

    def __contains__(self, path: str) -> bool:
        here: Any = self
        for part in path.split("/"):
            if not isinstance(here, Group) or part not in here._links:
                return False
            here = here._member(part)
        return True

    def __getitem__(self, path: str) -> Group | Dataset:
        """Return a member.

        Raises:
            KeyError: there is none of that name.
        """
        here: Any = self
        for part in path.split("/"):
            if not isinstance(here, Group) or part not in here._links:
                raise KeyError(path)
            here = here._member(part)
        return here

    def _member(self, name: str) -> Group | Dataset:
        found = self._opened.get(name)
        if found is None:
            found = self._file.open(self._links[name], f"{self.name.rstrip('/')}/{name}")
            self._opened[name] = found
        return found

    def group(self, path: str) -> Group:
        """Return a member that is a group.

        Raises:
            KeyError: there is none of that name.
            ValueError: it is a dataset.
        """
        found = self[path]
        if not isinstance(found, Group):
            raise ModelFileError(f"Invalid H5 file, expected Group at {found.name!r}, found a dataset.")
        return found

    def dataset(self, path: str) -> Dataset:
        """Return a member that is a dataset; raises as `group` does."""
        found = self[path]
        if not isinstance(found, Dataset):
            raise ModelFileError(f"Invalid H5 file, expected Dataset at {found.name!r}, found a group.")
        return found


class Dataset(_Object):
    """An array of numbers."""

    @functools.cached_property
    def shape(self) -> tuple[int, ...]:
        return read_dataspace(self._only(headers.DATASPACE, "dataspace"))

    @functools.cached_property
    def _datatype(self) -> Datatype:
        return read_datatype(self._only(headers.DATATYPE, "datatype"))

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the elements.

        Raises:
            ValueError: they are not numbers.
        """
        number = self._datatype.number
        if number is None:
            raise ModelFileError(f"Not allowed: HDF5 dataset {self.name!r} holds strings. Weights are plain numbers.")
        return number

    def read(self) -> np.ndarray:
        """Return the array: a view of the file's bytes where they are in the machine's byte order.

        Raises:
            ValueError: the data is external, virtual, chunked, filtered, of an unexpected type, or not all there.
        """
        dtype, shape = self.dtype, self.shape
        size = math.prod(shape) * dtype.itemsize
        data = self._stored(size)
        if size == 0:
            return np.empty(shape, dtype.newbyteorder("="))
        if dtype.kind == "b" and max(data) > 1:
            raise ModelFileError(f"Damaged HDF5 file: {self.name!r} holds booleans other than 0 and 1.")
        array = np.frombuffer(data, dtype).reshape(shape)
        return array if dtype.isnative else array.astype(dtype.newbyteorder("="))

    def _stored(self, size: int) -> memoryview:
        kinds = {kind for kind, _ in self._messages}
        if headers.EXTERNAL in kinds:
            raise ModelFileError(f"Not allowed: H5 file with external Dataset: {self.name!r}.")
        if headers.FILTERS in kinds:
            raise ModelFileError(
                f"Not allowed: HDF5 dataset {self.name!r} is compressed or filtered; Keras stores it plain."
            )
        cursor = Cursor(self._only(headers.LAYOUT, "layout"), "a data layout")
        version, layout = cursor.uint(1), cursor.uint(1)
        if version not in (3, 4):
            raise ModelFileError(f"Damaged HDF5 file: data layout of version {version}.")
        if layout == 3:
            raise ModelFileError(f"Not allowed: H5 file with virtual Dataset: {self.name!r}.")
        if layout == 2:
            raise ModelFileError(f"Not allowed: HDF5 dataset {self.name!r} is chunked; Keras stores it contiguous.")
        if layout == 0:
            data = cursor.take(cursor.uint(2))
        elif layout == 1:
            address, length = cursor.uint(8), cursor.uint(8)
            nowhere = address == UNDEFINED
            data = self._file.source.slice(
                0 if nowhere else address, 0 if nowhere else length, f"dataset {self.name!r}"
            )
        else:
            raise ModelFileError(f"Damaged HDF5 file: data layout of class {layout}.")
        if len(data) != size:
            raise ModelFileError(
                f"Not allowed: HDF5 dataset {self.name!r} declares shape {self.shape} ({size:,} bytes) but stores "
                f"{len(data):,} bytes."
            )
        return data
