"""A pytest plugin: what became of each test, and why one does not pass."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import refkeras
from parity_tests.keras_tests import stand_ins

NAMES = Path(__file__).parents[2] / "docs" / "names.md"

#: What a failure says → why it is one. The first that is found counts.
REASONS = {
    "float16, bfloat16, complex numbers, and layers of integers: refkeras computes in float32 and float64": (
        r"is not supported: refkeras computes in|has no bfloat16|dtype` that refkeras computes in|Invalid dtype: '"
        r"(mixed|int8_|int4_|float8_)|with array\(.*dtype=complex|\+ float16"
    ),
    "operations on symbolic tensors: a layer does them in refkeras": (
        r"Operators do not work on symbolic|A KerasTensor is symbolic|operand type.*KerasTensor|Iterating over a symbolic|"
        r"'symbolic_call' to be called"
    ),
    "computations of one's own in training: refkeras has no tape, and asks for a `forward` with its pullback": (
        r"has no pullback|no tape to record|defines call\(\) but no pullback"
    ),
    "inner parts of Keras, or their names": (
        r"^AttributeError: .* has no attribute '_|positional argument but \d were given|KerasSaveable|"
        r"Could not interpret .* <refkeras|must be either an integer or an instance of `SeedGenerator`|"
        r"KeyError: <(class|function)|include_self|All `inputs` values must be KerasTensors|object of type 'generator'|argument of type 'NoneType' is not iterable"
    ),
    "an error of the same type, in other words": r'^AssertionError: ".*" does not match "',
    "draws that the generator in force does not have (docs/random.md)": r"is not available under rng=",
    "TensorFlow's data sets": r"Unrecognized data type: x=<_\w+Dataset",
    "sparse and ragged arrays": r"refkeras has dense arrays only",
    "one file for all weights": r"max_shard_size=",
    "sums of unsigned and signed integers, in which Keras's NumPy backend has no 64 bits": r"x\.dtype=int64 and dtype=int32",
    "quantization and low-rank adaptation": r"lora_rank=|has neither low-rank",
    "classes that refkeras does not have": r"Could not (locate class|interpret \w+ identifier:) '(nadam|lion|ftrl|ada|orth)",
}


class Outcomes:
    """`found`: test → why it does not pass, or "passed"; tests of Keras alone are not in it."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self.names = set(re.findall(r"`(\w+)`", NAMES.read_text()))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        stand_ins.asked_for = 0
        refkeras.config.enable_interactive_logging()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Any:
        report = yield
        name = f"{item.path.stem.replace('__', '/')}::{item.name}"
        if call.when == "call" or not report.passed:
            if report.skipped:
                reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else "expected to fail"
                if "not there: " in reason:
                    self.found[name] = "names that refkeras does not have (names.md)"
            elif report.failed:
                self.found[name] = self.why(call.excinfo.value)
            elif stand_ins.asked_for:
                self.found[name] = "passed"
        return report

    def why(self, error: BaseException) -> str:
        told = f"{type(error).__name__}: {error}"
        if isinstance(error, AttributeError) and error.name in self.names:
            return "names that refkeras does not have (names.md)"
        for reason, pattern in REASONS.items():
            if re.search(pattern, told, re.DOTALL):
                return reason
        return "open: " + re.sub(r"0x[0-9a-f]+|/tmp/\S+", "…", told.strip().splitlines()[0])[:160]
