"""A pytest plugin: what became of each test, and why one does not pass."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import keras
import pytest

import refkeras
from parity_tests.keras_tests import stand_ins
from parity_tests.keras_tests.page import OPEN

NAMES = Path(__file__).parents[2] / "docs" / "names.md"

#: Why a test does not pass, if its failure says one of these. The first that is found counts.
REASONS = {
    "float16, bfloat16, complex numbers, and layers of integers: refkeras computes in float32 and float64": (
        r"is not supported: refkeras computes in",
        r"has no bfloat16",
        r"dtype` that refkeras computes in",
        r"Invalid dtype: '(mixed|int8_|int4_|float8_)",
        r"with array\(.*dtype=complex",
        r"\+ float16",
    ),
    "operations on symbolic tensors: a layer does them in refkeras": (
        r"Operators do not work on symbolic",
        r"A KerasTensor is symbolic",
        r"operand type.*KerasTensor",
        r"Iterating over a symbolic",
        r"'symbolic_call' to be called",
    ),
    "computations of one's own in training: refkeras has no tape, and asks for a `forward` with its pullback": (
        r"has no pullback",
        r"no tape to record",
        r"defines call\(\) but no pullback",
        r"calls add_loss\(\) in training",
    ),
    "inner parts of Keras, or their names": (
        r"^AttributeError: .* has no attribute '_",
        r"positional argument but \d were given",
        r"KerasSaveable",
        r"Could not interpret .* <refkeras",
        r"must be either an integer or an instance of `SeedGenerator`",
        r"All `inputs` values must be KerasTensors",
        r"object of type 'generator'",
        r"argument of type 'NoneType' is not iterable",
        r"^KeyError: <(class|function)",
        r"include_self",
    ),
    "TensorFlow's tensors and dtypes, which Keras's operations return beside": (r"EagerTensor|tf\.Tensor|tf\.float32",),
    "an error of the same type, in other words": (r'^AssertionError: ".*" does not match "',),
    "draws that the generator in force does not have (docs/random.md)": (r"is not available under rng=",),
    "sums of uint32 and signed integers, which are int32 in Keras and int64 here": (r"x\.dtype=int64 and dtype=int32",),
    "TensorFlow's data sets": (r"Unrecognized data type: x=<_\w+Dataset",),
    "sparse and ragged arrays": (r"refkeras has dense arrays only", r"Sparse is unsupported"),
    "quantization and low-rank adaptation": (r"has neither low-rank",),
    "one file for all weights": (r"max_shard_size=",),
    "classes that refkeras does not have": (
        r"Could not (locate class|interpret \w+ identifier:) '(nadam|lion|ftrl|ada|orth)",
    ),
    "losses of a whole structure of outputs": (r"cannot be laid over the \d outputs",),
}
#: Of tests that say too little: which they are.
REASONS_OF = {
    "limits of Keras's that the test lowers; refkeras has its own (docs/saving.md)": r"bomb",
    "a file of Keras's repository that the wheel does not have": r"test_legacy_load_skips_missing_nested_containers",
}


class Outcomes:
    """`found`: test → why it does not pass, or "passed"; tests of Keras alone are not in it."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self.names = set(re.findall(r"`(\w+)`", NAMES.read_text()))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        stand_ins.asked_for = 0
        for k in (keras, refkeras):  # what is drawn without a seed is the same each time
            k.utils.set_random_seed(0)
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
                self.found[name] = self.why(name, call.excinfo.value)
            elif stand_ins.asked_for:
                self.found[name] = "passed"
        return report

    def why(self, name: str, error: BaseException) -> str:
        """The reason for which a test fails."""
        told = f"{type(error).__name__}: {error}"
        if isinstance(error, AttributeError) and error.name in self.names:
            return "names that refkeras does not have (names.md)"
        for reason, patterns in REASONS.items():
            if any(re.search(pattern, told, re.DOTALL) for pattern in patterns):
                return reason
        for reason, pattern in REASONS_OF.items():
            if re.search(pattern, name):
                return reason
        return OPEN + re.sub(r"0x[0-9a-f]+|/tmp/\S+", "…", told.strip().splitlines()[0])[:160]
