"""Run a script as `python script.py` would, in this process."""

from __future__ import annotations

import builtins
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from refkeras.run.importer import install

__all__ = ["run_script"]


def run_script(path: str, arguments: Sequence[str] = (), semantics_name: str | None = None) -> None:
    """Run the script at `path` as `__main__`, with refkeras in Keras's place.

    `sys.argv`, `sys.path[0]`, `__file__`, exit status and tracebacks are as
    with `python path *arguments`.

    Raises:
        OSError: the script cannot be read.
        Exception: what the script raises; its traceback is printed without
            the frames above the script.
    """
    file = os.path.abspath(path)  # noqa: PTH100 - Path.resolve would follow links, which python does not
    with io.open_code(file) as opened:
        source = opened.read()
    install(semantics_name)
    sys.argv[:] = [path, *arguments]
    if not sys.flags.safe_path:
        sys.path[0] = str(Path(path).resolve().parent)
    main = ModuleType("__main__")
    main.__dict__.update(__file__=file, __builtins__=builtins, __cached__=None)
    sys.modules["__main__"] = main
    sys.excepthook = _from_the_script_on(sys.excepthook)
    exec(compile(source, file, "exec", dont_inherit=True), main.__dict__)


def _from_the_script_on(hook: Any) -> Any:
    """Wrap an excepthook so that tracebacks start at the script, as python's do."""

    def excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        inner = trace
        while inner is not None and inner.tb_frame.f_code.co_filename != __file__:
            inner = inner.tb_next
        trace = inner.tb_next if inner is not None else trace
        hook(kind, error.with_traceback(trace), trace)

    return excepthook
