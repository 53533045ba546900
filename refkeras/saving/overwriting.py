"""Asking before a file is replaced."""

from __future__ import annotations

from pathlib import Path

from refkeras.utils.io_utils import print_msg

__all__ = ["may_write"]


def may_write(path: str, overwrite: bool) -> bool:
    """Tell whether a file may be written: it does not exist, `overwrite`, or the person at the keyboard says so.

    Raises:
        EOFError: there is nobody to ask, because standard input is closed. The file is as it was.
    """
    if overwrite or not Path(path).exists():
        return True
    question = f"[WARNING] {path} already exists - overwrite? [y/n]"
    while True:
        try:
            answer = input(question).strip().lower()
        except EOFError:
            raise EOFError(
                f"{path} already exists, and standard input is closed, so that nobody can be asked whether to "
                "overwrite it. Pass overwrite=True, or another path."
            ) from None
        if answer == "n":
            return False
        if answer == "y":
            print_msg("[TIP] Next time specify overwrite=True!")
            return True
        question = 'Enter "y" (overwrite) or "n" (cancel).'
