"""The four questions, each answered in a line or two with the run's own numbers."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from refkeras.datasets import iris
from refkeras.verify.compare import strip_colours

__all__ = ["answers"]

Seen = Mapping[str, Mapping[str, Any]]
"""Engine → what was seen of one case."""


def answers(seen: Mapping[str, Seen]) -> dict[str, str]:
    """Return an answer to each question of which the cases ran: `{question: text}`.

    Args:
        seen: case → engine → what was seen in float32; refkeras is there as
            `"refkeras (its semantics)"`.
    """
    return {question: answer(seen) for question, (cases, answer) in _QUESTIONS.items() if all(c in seen for c in cases)}


def _three_losses(seen: Mapping[str, Seen]) -> str:
    lines = []
    for case, weights, said in (
        ("three_losses", (1.0, 1.0), "No loss_weights: the total is the plain sum"),
        ("three_losses_weighted", (0.4, 0.6), "loss_weights [0.4, 0.6]: the weighted sum, the parts reported without"),
    ):
        history = next(run["history"] for engine, run in seen[case].items() if engine.startswith("refkeras"))
        total, first, second = (history[key][-1] for key in ("loss", "activation_loss", "lstm_loss"))
        gaps = ", ".join(f"{engine} {_gap(run['history'], weights):.0e}" for engine, run in seen[case].items())
        lines.append(
            f"{said}: {total:.6f} = {_times(weights[0])}{first:.6f} + {_times(weights[1])}{second:.6f} "
            f"(largest gap in any epoch: {gaps})."
        )
    for engine, run in seen["three_losses_weighted"].items():
        lines.append(f"A misspelt loss, {engine}: {textwrap.shorten(run['misspelt'], 130, placeholder=' ...')}")
    return "\n".join(lines)


def _times(weight: float) -> str:
    return "" if weight == 1 else f"{weight} * "


def _gap(history: Mapping[str, list[float]], weights: tuple[float, float]) -> float:
    parts = zip(history["loss"], history["activation_loss"], history["lstm_loss"], strict=True)
    return max(abs(total - weights[0] * first - weights[1] * second) for total, first, second in parts)


def _iris(seen: Mapping[str, Seen]) -> str:
    lines = []
    _, labels = iris.load_data()
    held = labels[int(len(labels) * 0.8) :]
    counts = ", ".join(f"{(held == k).sum()} {name}" for k, name in enumerate(iris.CLASS_NAMES))
    lines.append(f"validation_split takes the last {len(held)} rows of the sorted file: {counts}.")
    for engine, run in seen["iris"].items():
        history = run["history"]
        before, after = (np.array(run["observed"][when]) for when in ("before", "after"))
        wrong = after.argmax(axis=1) != held
        rows = np.arange(len(held))
        fall = np.where(wrong, np.log(after[rows, held]) - np.log(before[rows, held]), -np.inf)
        flower = int(fall.argmax())
        truth, ahead = held[flower], int(after[flower].argmax())
        p0, p1 = before[flower, truth], after[flower, truth]
        name = iris.CLASS_NAMES[truth]
        lines.append(
            f"{engine}: in {len(history['loss'])} epochs val_loss fell from {history['val_loss'][0]:.4f} to "
            f"{history['val_loss'][-1]:.4f}, val_accuracy went from {history['val_accuracy'][0]:.4f} to "
            f"{history['val_accuracy'][-1]:.4f}. Row {len(labels) - len(held) + flower + 1}: p({name}) rose from "
            f"{p0:.4f} to {p1:.4f}, so its loss fell from {-math.log(p0):.4f} to {-math.log(p1):.4f}; "
            f"{iris.CLASS_NAMES[ahead]} is still ahead with {after[flower, ahead]:.4f}, so its accuracy is still 0."
        )
    return "\n".join(lines)


def _loss_definition(seen: Mapping[str, Seen]) -> str:
    lines = ["History's loss is the mean cross-entropy over the samples before the update:"]
    for engine, run in seen["loss_definition"].items():
        reported, by_hand = run["history"]["loss"], run["observed"]["by_hand"]
        apart = max(abs(a - b) / b for a, b in zip(reported, by_hand, strict=True))
        lines.append(
            f"{engine}: {reported[0]:.7f} in the first epoch, {by_hand[0]:.7f} by hand; "
            f"at most {apart:.1e} apart, relatively, in {len(reported)} epochs."
        )
    return "\n".join(lines)


def _reading_the_log(seen: Mapping[str, Seen]) -> str:
    lines = ["1213 samples in batches of 32 are 38 steps; Keras 3 and tf_keras count those, Keras 2.0 counted samples:"]
    for engine, run in seen["reading_the_log"].items():
        lines.append(f"{engine}: {last_line(run['printed'])}")
    return "\n".join(lines)


def last_line(printed: str) -> str:
    """Return the last line as it stands on the screen at the end, without colours."""
    return strip_colours(printed.rstrip("\n").rpartition("\n")[2].rpartition("\r")[2]).rstrip()


_QUESTIONS: dict[str, tuple[tuple[str, ...], Callable[[Mapping[str, Seen]], str]]] = {
    "How do several losses become one?": (("three_losses", "three_losses_weighted"), _three_losses),
    "Why does accuracy wait while the loss falls?": (("iris",), _iris),
    "What exactly is History's loss?": (("loss_definition",), _loss_definition),
    "What does the progress line count?": (("reading_the_log",), _reading_the_log),
}
