"""How callbacks warn."""

from __future__ import annotations

import warnings

from refkeras.semantics import Semantics
from refkeras.utils.io_utils import log_warning

__all__ = ["warn"]


def warn(rules: Semantics, message: str, runtime_message: str | None = None) -> None:
    """Warn as the engine does.

    Args:
        rules: the semantics of the callback.
        message: the text.
        runtime_message: Keras 2.0's text, where it says it in other words.
    """
    if rules.callback_warnings == "UserWarning":
        warnings.warn(message, stacklevel=5)
    elif rules.callback_warnings == "log":
        log_warning(message)
    else:
        warnings.warn(runtime_message or message, RuntimeWarning, stacklevel=5)
