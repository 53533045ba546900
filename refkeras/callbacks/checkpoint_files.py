"""Finding the newest checkpoint file of a pattern."""

from __future__ import annotations

import os
import re
from pathlib import Path

__all__ = ["newest_match"]


def newest_match(pattern: str) -> str | None:
    """Return the path that matches `pattern` and was modified last, or None; the largest name of several.

    Args:
        pattern: a path whose last part may hold fields such as `{epoch:02d}`.

    Example:

        >>> newest_match("no_such_folder/{epoch}.keras") is None
        True
    """
    folder, name = os.path.split(pattern)
    matches = re.compile(f"^{re.sub(r'{.*}', '.*', name)}$").match
    if not Path(folder or ".").is_dir():
        return None
    found = [path for path in Path(folder or ".").iterdir() if matches(path.name)]
    newest = max(found, key=lambda path: (path.stat().st_mtime, str(path)), default=None)
    return None if newest is None else str(newest)
