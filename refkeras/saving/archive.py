"""`.keras` archives: a ZIP file of a configuration, metadata and weights."""

from __future__ import annotations

import os
import re
import stat
import zipfile
import zlib
from typing import BinaryIO

from refkeras.saving.errors import ModelFileError
from refkeras.saving.limits import DIRECTORY_BYTES, INFLATED_BYTES, INFLATED_RATIO, JSON_BYTES, MEMBERS

__all__ = ["CONFIG", "METADATA", "WEIGHTS", "is_archive", "read_archive", "write_archive"]

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_PLAIN = re.compile(r"(?!/)(?!.*(?:^|/)\.\.?(?:/|$))[^\\:\0]+")


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is a ZIP file at all."""
    try:
        return zipfile.is_zipfile(path)
    except OSError:
        return False


def write_archive(file: BinaryIO, metadata: bytes, config: bytes, weights: bytes | memoryview) -> None:
    """Write the three members, stored as they are, as Keras does."""
    with zipfile.ZipFile(file, "w") as archive:
        # `open` dates the members 1980, as Keras's: the same model gives the same bytes.
        for name, data in ((METADATA, metadata), (CONFIG, config), (WEIGHTS, weights)):
            with archive.open(name, "w", force_zip64=len(data) >= 1 << 31) as member:
                member.write(data)


def read_archive(file: BinaryIO, *, names: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Return members of a `.keras` archive by name, without writing anything to disk.

    Args:
        file: the archive.
        names: the members to read.
        optional: members to read if they are there.

    Raises:
        ValueError: it is damaged, lacks one of them, or holds what no `.keras` archive does: names that lead out of
            it, two members of one name, links, encrypted members, or members that expand beyond measure.
    """
    total = _check_directory(file)
    try:
        with zipfile.ZipFile(file) as archive:
            members = _checked(archive.infolist())
            for name in names:
                if name not in members:
                    raise ModelFileError(f"The archive holds no {name}: {_missing(name, sorted(members))}")
            return {name: _read(archive, members[name], total) for name in (*names, *optional) if name in members}
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OSError,
        OverflowError,
    ) as error:
        raise ModelFileError(f"The .keras archive is damaged: {error}") from error


def _missing(name: str, found: list[str]) -> str:
    if name == WEIGHTS and "model.weights.npz" in found:
        return "its weights are in an .npz file, which is not supported. Save it with Keras's default weights_format."
    return f"it is no model saved by Keras. It holds {found[:8]}."


def _check_directory(file: BinaryIO) -> int:
    """Refuse a table of contents that is too long, before it is read; return the archive's size."""
    file.seek(0, os.SEEK_END)
    size = file.tell()
    file.seek(max(0, size - (1 << 16) - 22))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < 22:
        raise ModelFileError("The .keras archive is damaged: it has no table of contents.")
    length = int.from_bytes(tail[at + 12 : at + 16], "little")
    if length > DIRECTORY_BYTES and length != 0xFFFF_FFFF:
        raise ModelFileError(
            f"The archive's table of contents has {length:,} bytes; at most {DIRECTORY_BYTES:,} are read."
        )
    where = at - 76  # where an archive beyond 4 GiB has its own table's length
    if (
        where >= 0
        and tail[where : where + 4] == b"PK\6\6"
        and int.from_bytes(tail[where + 40 : where + 48], "little") > DIRECTORY_BYTES
    ):
        raise ModelFileError(f"The archive's table of contents has more than {DIRECTORY_BYTES:,} bytes.")
    return size


def _checked(infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    if len(infos) > MEMBERS:
        raise ModelFileError(f"The archive has {len(infos):,} members; at most {MEMBERS} are read.")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.filename
        if not _PLAIN.fullmatch(name) or info.orig_filename != name:
            raise ModelFileError(f"Not allowed: archive member {info.orig_filename!r} leads out of the archive.")
        if name in members:
            raise ModelFileError(f"Not allowed: the archive has two members named {name!r}.")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) and not (kind == stat.S_IFDIR and name.endswith("/")):
            raise ModelFileError(f"Not allowed: archive member {name!r} is a link or another special file.")
        if info.flag_bits & 0x1:
            raise ModelFileError(f"Not allowed: archive member {name!r} is encrypted.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ModelFileError(f"Not allowed: archive member {name!r} is compressed by method {info.compress_type}.")
        members[name] = info
    return members


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, total: int) -> bytes:
    size, stored = info.file_size, info.compress_size
    if info.filename != WEIGHTS and size > JSON_BYTES:
        raise ModelFileError(f"Archive member {info.filename!r} has {size:,} bytes; at most {JSON_BYTES:,} are read.")
    if info.compress_type == zipfile.ZIP_STORED and size != stored:
        raise ModelFileError(
            f"Not allowed: archive member {info.filename!r} declares {size:,} bytes but stores {stored:,}."
        )
    if size > INFLATED_BYTES and size > INFLATED_RATIO * stored:
        raise ModelFileError(
            f"Not allowed: archive member {info.filename!r} declares {size:,} bytes but stores {stored:,}; refusing to "
            "load a potential decompression bomb."
        )
    if stored > total:
        raise ModelFileError(
            f"The .keras archive is damaged: it cannot hold the {stored:,} bytes of {info.filename!r}."
        )
    with archive.open(info) as member:
        return member.read(size)
