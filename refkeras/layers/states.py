"""What stateful layers keep from one batch to the next."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

from refkeras import semantics
from refkeras.variable import Variable

__all__ = ["BatchOfLoop", "kept_states", "states_are_kept"]


class _Running(threading.local):
    """Whether the thread runs a batch of fit, evaluate or predict."""

    loop = False


_running = _Running()


class BatchOfLoop:
    """Runs a batch of fit, evaluate or predict, or one alone as they do, inside the block."""

    def __enter__(self) -> None:
        self.before, _running.loop = _running.loop, True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        _running.loop = self.before


def states_are_kept() -> bool:
    """Whether what a stateful layer ends with is what its next batch begins with."""
    return not _running.loop or semantics.current().loops_keep_states


def kept_states(model: Any) -> list[Variable]:
    """Return the states that the layers of a model keep: variables that are no weights."""
    found = [getattr(layer, "states", None) for layer in model._flatten_layers()]
    return [
        state
        for states in found
        if isinstance(states, (list, tuple))
        for state in states
        if isinstance(state, Variable)
    ]
