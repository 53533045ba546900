"""Every public name of Keras's objects is there, or docs/names.md says why it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

import refkeras
from parity_tests import surface
from parity_tests.engines import ENGINES, tensorflow_only

pytestmark = tensorflow_only("which names there are is one question, whatever the backend")
PAGE = Path(__file__).parent.parent / "docs" / "names.md"


@pytest.fixture(scope="module")
def found():
    return {engine: surface.missing(engine) for engine in ENGINES}


@pytest.mark.parametrize("engine", ENGINES)
def test_every_name_is_there_or_explained(engine, found):
    assert sorted(what for what in found[engine] if not surface.explained(*what[1:])) == []


def test_no_explanation_is_out_of_date(found):
    absent = {(kind, name) for names in found.values() for _, kind, name in names}
    for group in surface.GROUPS:
        there = [name for name in group.names.split() if not any(group.has(k, n) for k, n in absent if n == name)]
        assert there == [], group.reason


def test_the_page_is_current():
    """`python -m parity_tests.surface` writes it."""
    assert PAGE.read_text(encoding="utf-8") == surface.page()


def test_a_name_that_is_missing_is_noticed(monkeypatch):
    monkeypatch.delattr(refkeras.layers.Layer, "input_dtype")
    assert ("dense", "layers", "input_dtype") in surface.missing("keras-3@tensorflow")
    assert not surface.explained("layers", "input_dtype")
