"""Plots with matplotlib (extra `plot`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refkeras.explain.plateau import find_courses

if TYPE_CHECKING:
    from refkeras.explain.records import RunRecord

__all__ = ["plot_plateau"]


def pyplot() -> Any:
    """Return `matplotlib.pyplot`.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError("Plots are drawn with matplotlib: pip install 'refkeras[plot]'") from None
    return plt


def plot_plateau(run: RunRecord, ax: Any = None, *, sample: int | None = None) -> Any:
    """Draw a sample whose loss falls while its class stays behind; return the axes.

    Loss and probabilities over the epochs; the epochs in which another class was ahead are shaded: there the sample
    counts 0 for accuracy, however its loss falls.

    Args:
        run: the records of a run that classifies.
        ax: the axes to draw in; new ones by default.
        sample: the row (counted from 1) to draw, one of `plateau.find_courses`; the one whose loss falls furthest by
            default.

    Raises:
        ValueError: no sample behaves so, or not that one, or what was kept of the samples is gone.
        ImportError: matplotlib is not installed.
    """
    courses = find_courses(run, count=10**9 if sample is not None else 1)
    chosen = [course for course in courses if sample in (None, course.row)]
    if not chosen:
        which = "No sample's loss" if sample is None else f"The loss of sample {sample} never"
        known = "" if sample is None or not courses else f" Samples that do: {[c.row for c in courses[:10]]}."
        raise ValueError(
            f"{which} falls while its class stays behind, in the epochs whose samples are kept, on an output that is "
            f"trained with a categorical cross-entropy.{known}"
        )
    course = chosen[0]
    ax = pyplot().figure().add_subplot() if ax is None else ax
    ax.plot(course.epochs, course.losses, color="black", linewidth=2, label="its loss, −ln p")
    for k, p in enumerate(course.probabilities.T):
        own = k == course.target
        ax.plot(course.epochs, p, linestyle="-" if own else ":", label=f"p[{k}]" + (", its class" if own else ""))
    ax.axvspan(
        course.epochs[course.first], course.epochs[course.last], alpha=0.15, label="another class ahead: accuracy 0"
    )
    ax.set_xlabel("epoch")
    ax.set_title(f"{course.phase} row {course.row}: its loss falls by {course.fall:.4f}, its accuracy stays 0")
    ax.legend()
    return ax
