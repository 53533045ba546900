"""Every public name of Keras is there, or docs/names.md says why it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

import refkeras
from parity_tests import surface
from parity_tests.engines import ENGINES, tensorflow_only
from parity_tests.surface import modules, objects

pytestmark = tensorflow_only("which names there are is one question, whatever the backend")
PAGE = Path(__file__).parent.parent / "docs" / "names.md"


@pytest.fixture(scope="module")
def of_objects():
    return {engine: objects.missing(engine) for engine in ENGINES}


@pytest.fixture(scope="module")
def of_modules():
    return {engine: modules.missing(engine) for engine in ENGINES}


@pytest.mark.parametrize("engine", ENGINES)
def test_every_name_of_objects_is_there_or_explained(engine, of_objects):
    found = of_objects[engine]
    assert sorted(what for what in found if not surface.explained(objects.GROUPS, *what[1:])) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_every_name_of_modules_is_there_or_explained(engine, of_modules):
    assert sorted(what for what in of_modules[engine] if not surface.explained(modules.GROUPS, *what)) == []


def test_no_explanation_is_out_of_date(of_objects, of_modules):
    for groups, absent in (
        (objects.GROUPS, {what[1:] for names in of_objects.values() for what in names}),
        (modules.GROUPS, {what for names in of_modules.values() for what in names}),
    ):
        for group in groups:
            there = [name for name in group.names.split() if not any(group.has(k, n) for k, n in absent if n == name)]
            assert there == [], group.reason


def test_the_page_is_current():
    """`python -m parity_tests.surface` writes it."""
    assert PAGE.read_text(encoding="utf-8") == surface.page()


def test_a_name_that_is_missing_is_noticed(monkeypatch):
    monkeypatch.delattr(refkeras.layers.Layer, "input_dtype")
    assert ("dense", "layers", "input_dtype") in objects.missing("keras-3@tensorflow")
    monkeypatch.delattr(refkeras.layers, "LSTM")
    assert ("layers", "LSTM") in modules.missing("keras-3@tensorflow")
    assert not surface.explained(objects.GROUPS, "layers", "input_dtype")
    assert not surface.explained(modules.GROUPS, "layers", "LSTM")
