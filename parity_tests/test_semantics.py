"""Every semantics field is shown on the real engines by at least one test."""

import dataclasses
import importlib
import pkgutil

import parity_tests
from parity_tests.shows import SHOWN
from refkeras.semantics import Semantics


def test_every_field_is_shown():
    for module in pkgutil.iter_modules(parity_tests.__path__):
        if module.name.startswith("test_"):
            importlib.import_module(f"parity_tests.{module.name}")
    fields = {item.name for item in dataclasses.fields(Semantics)} - {"name"}
    assert fields - SHOWN.keys() == set(), "fields that no test shows on the real engines"
    assert SHOWN.keys() - fields == set(), "tests that show fields that do not exist"
