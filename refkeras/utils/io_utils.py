"""Where Keras's messages go: standard output, or the log (`keras/src/utils/io_utils.py`, Keras 3.15)."""

from __future__ import annotations

import sys

__all__ = [
    "disable_interactive_logging",
    "enable_interactive_logging",
    "is_interactive_logging_enabled",
    "log_warning",
    "print_msg",
]

_interactive = True


def enable_interactive_logging() -> None:
    """Write progress lines and messages to standard output (the default)."""
    global _interactive
    _interactive = True


def disable_interactive_logging() -> None:
    """Send progress lines and messages to the logger `refkeras`, at level INFO."""
    global _interactive
    _interactive = False


def is_interactive_logging_enabled() -> bool:
    """Return whether messages go to standard output."""
    return _interactive


def print_msg(message: object, line_break: bool = True) -> None:
    """Write `message` to standard output and flush, or log it.

    An output that cannot encode the bar's `━` gets `=`, as in Keras.
    """
    text = str(message)
    if not _interactive:
        _logger().info(text)
        return
    if line_break:
        text += "\n"
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.replace("━", "=").encode(encoding, errors="ignore").decode(encoding))
    sys.stdout.flush()


def log_warning(message: str) -> None:
    """Log a warning; unless logging is configured, Python writes it to standard error."""
    _logger().warning(message)


def _logger():  # type: ignore[no-untyped-def]
    # `logging` costs a millisecond of import time, and most programs log nothing.
    import logging

    return logging.getLogger("refkeras")
