"""Gives an engine's preset what another engine has, a field at a time: `make mutants-fields [ENGINE=keras@jax]`.

Each field of `Semantics` has tests that show it on the real engines. With another of its values in force they have to
fail, or they do not show it. All run in one process: `semantics.use` puts another preset in force than it is asked for,
while `semantics.get`, which the tests ask what is to be expected, still gives the engine's own. So it is what refkeras
does that has to be noticed, not what it says that it does.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CAUGHT, SURVIVED, EXPLAINED, NOT_SHOWN = "caught", "survived", "explained", "not shown"

_ROUNDINGS = "the formulas differ by roundings"
#: Where another value makes no difference that could be noticed: preset (or its beginning), field, values (all if
#: empty), and why.
WITHOUT_EFFECT: tuple[tuple[str, str, tuple[Any, ...], str], ...] = (
    ("", "keras_version", (), "is read when a script starts"),
    ("keras-3", "duplicate_metrics", (), "is asked where metrics are laid over outputs as in tf_keras"),
    ("keras-3", "optimizer_lr_argument", ("used",), "is asked of the arguments of Keras 2.0's optimizers"),
    ("keras-3@jax", "metric_numbers", (), "no metric is float64 there"),
    ("keras-3@numpy", "optimizer_scalars", ("through float32",), "no variable is float64 there"),
    ("keras-3@jax", "warns_without_weights", (), "what the loss does not reach has a gradient of zero there"),
    ("tf_keras", "jit_compile_auto", (), "what compile was given is saved as it was given"),
    ("tf_keras", "dict_outputs", ("sorted by compilation",), "is asked of programs that are compiled by default"),
    ("keras-3@torch", "sparse_accuracy_broadcasts", (), "to squeeze an axis that is not 1 leaves it as it is there"),
    ("keras-3@tensorflow", "sparse_crossentropy_picks", (), "clips first, so that there is no NaN to leave out"),
    ("tf_keras", "sparse_crossentropy_picks", (), "clips first, so that there is no NaN to leave out"),
    ("tf_keras", "data_is_reset", (), "calls no hook before the first epoch"),
    ("keras-3@tensorflow", "first_batch_is_put_back", (), "takes no first batch"),
    ("tf_keras", "first_batch_is_put_back", (), "takes no first batch"),
    ("keras-3@torch", "executions_are_whole", (), "has one batch in an execution"),
    ("keras-3@numpy", "builds_from_batches", (("fit", "train_on_batch", "evaluate", "test_on_batch"),), "does not fit"),
    ("", "softmax_crossentropy_gradient", ("derivative", "derivative by logarithms"), _ROUNDINGS),
    ("keras-3@jax", "rmsprop_root", ("multiply",), _ROUNDINGS),
    ("keras-3@numpy", "rmsprop_root", ("multiply",), _ROUNDINGS),
    ("tf_keras", "rmsprop_root", ("divide",), _ROUNDINGS),
    ("tf_keras", "rmsprop_root", ("epsilon first",), _ROUNDINGS),
)


def why_not(preset: str, field: str, value: Any) -> str:
    """Why a value of a field makes no difference to a preset, or nothing."""
    for start, name, values, reason in WITHOUT_EFFECT:
        if preset.startswith(start) and field == name and (not values or value in values):
            return reason
    return ""


@contextmanager
def in_force(preset: str, field: str, value: Any) -> Iterator[list[int]]:
    """Have `semantics.use(preset)` put the preset in force with another value of a field; gives how often it was."""
    from refkeras import semantics

    kept, times = semantics.use.__init__, [0]

    def other(self: Any, asked: Any) -> None:
        chosen = semantics.get(asked)
        if chosen.name == preset:
            chosen = dataclasses.replace(chosen, **{field: value})
            times[0] += 1
        kept(self, chosen)

    semantics.use.__init__ = other  # type: ignore[method-assign]
    try:
        yield times
    finally:
        semantics.use.__init__ = kept  # type: ignore[method-assign]


class Campaign:
    """A pytest plugin: runs the tests that show a field, as the preset is and with each other value of it."""

    def __init__(self, fields: list[str]) -> None:
        self.fields, self.failed, self.skipped = fields, False, False
        self.counts: Counter[str] = Counter()

    def pytest_runtestloop(self, session: Any) -> bool:
        from parity_tests.engines import ENGINES
        from parity_tests.shows import SHOWN
        from refkeras import semantics

        if session.testsfailed or session.config.option.collectonly:
            return False
        every = {item.name: item for item in dataclasses.fields(semantics.Semantics) if item.name != "name"}
        tests: dict[str, list[Any]] = {}
        for item in session.items:
            tests.setdefault(f"{item.module.__name__}.{item.originalname}", []).append(item)
        for name in self.fields or every:
            items = [item for test in SHOWN.get(name, ()) for item in tests.get(test, ())]
            silent = self.silent(items)
            for preset in ENGINES:
                right = getattr(semantics.get(preset), name)
                for value in every[name].metadata["values"]:
                    if value != right:
                        self.tell(preset, name, value, silent)
        return True

    def silent(self, items: list[Any]) -> list[Any]:
        """Those of the tests that run here, and pass."""
        return [item for item in items if self.passes(item)]

    def passes(self, item: Any) -> bool:
        self.failed = self.skipped = False
        item._initrequest()  # the fixtures of an item that ran are gone
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return not (self.failed or self.skipped)

    def tell(self, preset: str, field: str, value: Any, items: list[Any]) -> None:
        """Run tests until one notices, those of the preset first, and print what became of it."""
        began, by = time.monotonic(), ""
        with in_force(preset, field, value) as times:
            for item in sorted(items, key=lambda item: preset not in item.nodeid):
                if not self.passes(item) and not self.skipped:
                    by = item.nodeid.removeprefix("parity_tests/")
                    break
        verdict = CAUGHT if by else SURVIVED if times[0] else NOT_SHOWN
        if verdict == SURVIVED and (reason := why_not(preset, field, value)):
            verdict, by = EXPLAINED, reason
        self.counts[verdict] += 1
        print(f"{verdict:9} {time.monotonic() - began:4.0f} s  {preset}: {field}={value!r}  {by}", flush=True)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.failed |= report.failed
        self.skipped |= report.skipped


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fields", nargs="*", help="all without")
    options = parser.parse_args(arguments)
    os.environ.setdefault("REFKERAS_ENGINE", f"keras@{os.environ.get('KERAS_BACKEND', 'tensorflow')}")
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"
    import pytest

    campaign = Campaign(options.fields)
    flags = ["-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:terminal", "-o", "addopts=", "-o", "timeout=0"]
    pytest.main([*flags, "-W", "ignore", "parity_tests"], plugins=[campaign])
    print(", ".join(f"{campaign.counts[verdict]} {verdict}" for verdict in (CAUGHT, SURVIVED, EXPLAINED, NOT_SHOWN)))
    return 0 if campaign.counts[CAUGHT] and not campaign.counts[SURVIVED] else 1


if __name__ == "__main__":
    sys.exit(main())
