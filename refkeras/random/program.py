"""What Keras compiles a training step into, as far as random draws depend on it.

Keras 3 draws every mask from the layer's own seed generator; a compiled step
changes only how XLA turns bits into numbers. In tf_keras a mask's seed is the
place of its operation among the random operations of the traced function, and
its counter is how often that operation has run. A `Program` counts both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

__all__ = ["Program", "Programs", "RandomOp", "current", "jit_compiled", "restart"]


class _Running(threading.local):
    """The program whose step is running, in each thread its own: models may be trained side by side."""

    program: Program | None = None


_running = _Running()
_restarts = 0


class RandomOp:
    """A stateful random operation of a traced function.

    Attributes:
        seeds: the key and the high half of the counter, as Python ints.
        block: the block that its next run starts from.
        ahead: what a family keeps for the runs to come.
    """

    __slots__ = ("ahead", "block", "seeds")

    def __init__(self, seeds: tuple[int, int]) -> None:
        self.seeds = seeds
        self.block = 0
        self.ahead: Any = None


class Program:
    """One traced train function; each of its steps runs inside `with program:`.

    Operations are known by their place: the k-th draw of a step is always the
    same operation, as it is in a graph.

    Args:
        jit_compile: whether XLA compiles it.

    Example:
        >>> from refkeras import random
        >>> program = random.Program()
        >>> with program:
        ...     keep = random.keep_mask((2, 3), 0.5, random.mask_generator(seed=7))
    """

    __slots__ = ("_cursor", "_loop_cursor", "_loops", "_ops", "_outer", "_restarts", "_unseeded", "jit_compile")

    def __init__(self, jit_compile: bool = False) -> None:
        self.jit_compile = jit_compile
        self._ops: list[RandomOp] = []
        self._loops: list[Program] = []
        self._cursor = self._loop_cursor = self._unseeded = 0
        self._restarts = _restarts
        self._outer: Program | None = None

    def __enter__(self) -> Program:
        self._cursor = self._loop_cursor = 0
        if self._restarts != _restarts:
            self._restart()
        self._outer = _running.program
        _running.program = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _running.program = self._outer

    def next_op(
        self, make_seeds: Callable[[int | None], tuple[int, int]], op_seed: Callable[[], int | None]
    ) -> RandomOp:
        """Return the operation at the next place, making it on the first step.

        Args:
            make_seeds: turns an operation's seed into key and counter.
            op_seed: gives a new operation's own seed; None numbers it among those that have none.
        """
        place = self._cursor
        self._cursor += 1
        if place == len(self._ops):
            seed = op_seed()
            if seed is None:
                seed = self._unseeded
                self._unseeded += 1
            self._ops.append(RandomOp(make_seeds(seed)))
        return self._ops[place]

    def next_loop(self) -> Program:
        """Return the program of the next loop's body: a graph of its own, whose operations run once per iteration."""
        place = self._loop_cursor
        self._loop_cursor += 1
        if place == len(self._loops):
            self._loops.append(Program(self.jit_compile))
        loop = self._loops[place]
        loop._cursor = 0
        return loop

    def _restart(self) -> None:
        self._restarts = _restarts
        for op in self._ops:
            op.block, op.ahead = 0, None
        for loop in self._loops:
            loop._restart()


class Programs:
    """The traces of one train function: one for each structure of the data, and at most two for its batch sizes.

    The first trace is made for the batch size it meets and serves that size
    alone; a second, for any size, is made when another is met. `fit` announces
    its batch size if that divides the rows, else any size
    (`FitOrder.fixed_batch_size`).

    Args:
        jit_compile: whether XLA compiles them.

    Example:
        >>> from refkeras import random
        >>> programs = random.Programs()
        >>> any_size = programs("x, y")
        >>> any_size is programs("x, y", batch_size=4), any_size is programs("x, y, sample_weight")
        (True, False)
    """

    def __init__(self, jit_compile: bool = False) -> None:
        self.jit_compile = jit_compile
        self._traces: dict[Any, dict[int | None, Program]] = {}

    def __call__(self, structure: Any = None, batch_size: int | None = None) -> Program:
        """Return the program that a step runs as.

        Args:
            structure: whatever tells one structure of (x, y, sample_weight) from another; hashable.
            batch_size: of the batch given to `train_on_batch`, or the `fixed_batch_size` of a fit.
        """
        traces = self._traces.setdefault(structure, {})
        if batch_size not in traces:
            batch_size = None if traces else batch_size
        if batch_size not in traces:
            traces[batch_size] = Program(self.jit_compile)
        return traces[batch_size]


def current() -> Program | None:
    """Return the program whose step is running, or None in eager execution."""
    return _running.program


def jit_compiled() -> bool:
    """Whether the step that is running was compiled by XLA."""
    program = _running.program
    return program is not None and program.jit_compile


def restart() -> None:
    """Let every stateful operation start again at its first draw, as TensorFlow does when it drops its kernels."""
    global _restarts
    _restarts += 1
