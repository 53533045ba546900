"""A file's bytes, and places in them from which checked integers are read."""

from __future__ import annotations

from refkeras.saving.errors import ModelFileError

__all__ = ["UNDEFINED", "Cursor", "Source"]

#: The address that stands for "nowhere".
UNDEFINED = 0xFFFF_FFFF_FFFF_FFFF
#: How often each byte of a file may be read as structure. Real files need two readings at most.
_READINGS = 8


class Cursor:
    """Reads little-endian integers and bytes one after the other.

    Args:
        data: bytes to read from.
        what: what they hold, for messages.
    """

    __slots__ = ("data", "position", "what")

    def __init__(self, data: memoryview, what: str) -> None:
        self.data = data
        self.position = 0
        self.what = what

    @property
    def left(self) -> int:
        return len(self.data) - self.position

    def take(self, count: int) -> memoryview:
        """Return the next `count` bytes.

        Raises:
            ValueError: there are not so many.
        """
        start = self.position
        if count > len(self.data) - start:
            raise ModelFileError(f"Damaged HDF5 file: {self.what} ends after {len(self.data):,} bytes.")
        self.position = start + count
        return self.data[start : start + count]

    def uint(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def expect(self, value: bytes) -> None:
        """Read a signature or a version.

        Raises:
            ValueError: other bytes stand there.
        """
        found = bytes(self.take(len(value)))
        if found != value:
            raise ModelFileError(
                f"Damaged HDF5 file, or one of another version: {self.what} begins with {found!r}, not {value!r}."
            )


class Source:
    """The bytes of a whole file.

    Structure is read through `cursor` alone, which counts: tables that refer
    to one another in circles, or many times to the same bytes, come to an end.
    """

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self._left = _READINGS * len(data) + (1 << 16)

    def charge(self, count: int) -> None:
        """Count bytes that are about to be read as structure.

        Raises:
            ValueError: the file's bytes were read so often that it must be built to waste time.
        """
        self._left -= count
        if self._left < 0:
            raise ModelFileError("Damaged HDF5 file: its tables refer to the same bytes over and over.")

    def slice(self, address: int, length: int, what: str) -> memoryview:
        """Return bytes at an address.

        Raises:
            ValueError: they are not all inside the file.
        """
        size = len(self.data)
        if address > size or length > size - address:
            raise ModelFileError(
                f"Damaged HDF5 file: {what} of {length:,} bytes at byte {address:,} of a file of {size:,} bytes."
            )
        return self.data[address : address + length]

    def cursor(self, address: int, length: int, what: str) -> Cursor:
        """Return a cursor over `length` bytes at an address."""
        self.charge(length + 64)
        return Cursor(self.slice(address, length, what), what)
