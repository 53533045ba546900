"""How much a file may ask for.

Every limit is either a multiple of the file's own size or a constant that no
real model comes near, so that reading takes time and memory in proportion to
what somebody took the trouble to send.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from refkeras.saving.errors import ModelFileError

__all__ = ["Allowance", "allow", "charge_call", "charge_object", "charge_state", "charge_weight"]

#: Members of a .keras archive. Keras writes three, and one for each asset of layers that refkeras does not have.
MEMBERS = 64
#: Bytes of a .keras archive's table of contents.
DIRECTORY_BYTES = 1 << 16
#: Bytes of a configuration, and lists and dicts in it. A layer takes about 1,000 and 25.
JSON_BYTES, JSON_CONTAINERS = 8 << 20, 400_000
#: Brackets inside brackets. A layer inside ten nested models is about 60 deep.
JSON_DEPTH = 200
#: Bytes of a compressed member that are accepted whatever its ratio, and the ratio that is accepted beyond.
INFLATED_BYTES, INFLATED_RATIO = 16 << 20, 20
#: Bytes of what is no weight and in no file: the states of stateful layers, and of metrics.
STATE_BYTES = 64 << 20
#: Records with a `class_name` in a configuration.
OBJECTS = 20_000
#: Calls of layers that a configuration may lead to, those inside nested models included.
CALLS = 10_000
#: Entries of one HDF5 group, groups inside groups, and messages in one object header.
ENTRIES, GROUP_DEPTH, MESSAGES = 100_000, 64, 4_096


class Allowance:
    """What the configuration that is being read may still make."""

    def __init__(self, weight_bytes: int) -> None:
        self.weight_bytes = self.weights_left = weight_bytes
        self.state_left = STATE_BYTES
        self.objects_left = OBJECTS
        self.calls_left = CALLS


class _Reading(threading.local):
    allowance: Allowance | None = None


_reading = _Reading()


@contextmanager
def allow(weight_bytes: int) -> Iterator[None]:
    """Limit what is made inside the block: weights of as many bytes as the file has, objects, and calls."""
    outer, _reading.allowance = _reading.allowance, Allowance(weight_bytes)
    try:
        yield
    finally:
        _reading.allowance = outer


def charge_weight(shape: tuple[int, ...], itemsize: int, name: str) -> None:
    """Count a weight that is about to be made.

    Raises:
        ValueError: the file that is being read is too small to hold the weights it declares.
    """
    allowance = _reading.allowance
    if allowance is None:
        return
    needed = math.prod(shape) * itemsize
    allowance.weights_left -= needed
    if allowance.weights_left < 0:
        raise ModelFileError(
            f"Weight {name!r} of shape {tuple(shape)} takes {needed:,} bytes: with those before it that is more than "
            f"the {allowance.weight_bytes:,} bytes of weights in the file. The configuration declares shapes that the "
            "file does not hold."
        )


def charge_state(shape: tuple[int, ...], itemsize: int, name: str) -> None:
    """Count a variable that is about to be made and that no file holds.

    Raises:
        ValueError: all of them take more than `STATE_BYTES`.
    """
    allowance = _reading.allowance
    if allowance is not None:
        allowance.state_left -= math.prod(shape) * itemsize
        if allowance.state_left < 0:
            raise ModelFileError(
                f"The configuration asks for more than {STATE_BYTES:,} bytes of states and metrics; {name!r} of shape "
                f"{tuple(shape)} goes beyond that."
            )


def charge_object() -> None:
    """Count an object that is about to be made from a record.

    Raises:
        ValueError: there are more than `OBJECTS`.
    """
    allowance = _reading.allowance
    if allowance is not None:
        allowance.objects_left -= 1
        if allowance.objects_left < 0:
            raise ModelFileError(f"The configuration describes more than {OBJECTS:,} objects.")


def charge_call(layer: Any) -> None:
    """Count a call of a layer on symbolic tensors.

    Raises:
        ValueError: there are more than `CALLS`.
    """
    allowance = _reading.allowance
    if allowance is not None:
        allowance.calls_left -= 1
        if allowance.calls_left < 0:
            raise ModelFileError(
                f"The configuration leads to more than {CALLS:,} calls of layers; layer {layer.name!r} goes beyond "
                "that."
            )
