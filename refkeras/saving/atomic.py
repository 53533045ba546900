"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

__all__ = ["write_atomically"]


def write_atomically(path: str | os.PathLike[str], write: Callable[[BinaryIO], object]) -> None:
    """Replace the file at `path` by what `write` writes, in one step.

    The bytes go to a temporary file in the same folder and reach the disk
    before it takes the place of the old file. A process that dies on the way,
    at whatever moment, leaves the old file or the new one, never a part.

    Args:
        path: the file. A symbolic link is followed.
        write: called with the temporary file, opened for reading and writing.

    Raises:
        IsADirectoryError: `path` is a folder.
        PermissionError: the file is there and may not be written to, or the folder may not.
        OSError: the folder does not exist, or the disk is full. The old file is as it was, as it is when `write`
            raises.

    Example:

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_atomically(Path(folder, "a.txt"), lambda file: file.write(b"whole"))
        ...     Path(folder, "a.txt").read_text()
        'whole'
    """
    target = Path(os.path.realpath(path))
    mode = _mode(target)
    temporary = target.with_name(f".{target.name[:200]}.{secrets.token_hex(8)}.tmp")
    try:
        _write(temporary, mode, write)
        os.replace(temporary, target)  # noqa: PTH105 - Path.replace is the same call
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:
            # The user knows the file by its own name.
            error.filename, error.filename2 = os.fspath(path), None
        raise
    _sync_folder(target.parent)


def _write(temporary: Path, mode: int | None, write: Callable[[BinaryIO], object]) -> None:
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(descriptor, "w+b") as file:
        if mode is not None:
            os.chmod(temporary, mode)  # noqa: PTH101 - Path.chmod is the same call
        write(file)
        file.flush()
        os.fsync(file.fileno())


def _mode(target: Path) -> int | None:
    """Return the permissions of the file that will be replaced, or None."""
    try:
        found = target.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found):
        raise IsADirectoryError(21, "Is a directory", str(target))
    if not stat.S_ISREG(found):
        raise OSError(f"{target} is no regular file: it cannot be replaced in one step.")
    if not os.access(target, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        # Replacing it would be possible, but it was protected from that.
        raise PermissionError(13, "Permission denied", str(target))
    return stat.S_IMODE(found)


def _sync_folder(folder: Path) -> None:
    # The new name itself must reach the disk; there is no such call on Windows.
    if not hasattr(os, "O_DIRECTORY"):
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
