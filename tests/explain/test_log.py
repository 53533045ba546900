"""The log that a ledger writes is the one that was printed, but for the times."""

import dataclasses
import re

import pytest

from refkeras import explain, semantics

from . import runs
from .test_ledger import TWO

TIMES = re.compile(r"\d+(s|ms|us)\b(/step)?")


def screen(text):
    """Return the lines as they stand on the screen at the end, without colours and times."""
    plain = re.sub("\x1b\\[[0-9;]*m|\b", "", text)
    lines = [line.rpartition("\r")[2].rstrip() for line in plain.split("\n")]
    return [re.sub(r" +", " ", TIMES.sub("#", line)) for line in lines if line.startswith("Epoch") or " - " in line]


@pytest.mark.parametrize("name", sorted(semantics.PRESETS))
@pytest.mark.parametrize("validation", [0.0, 0.3])
def test_the_lines(name, validation, capsys, monkeypatch):
    kind = dataclasses.replace(TWO, semantics=name, validation=validation)
    ledger = explain.Ledger()
    fit = runs.keras.Model.fit
    monkeypatch.setattr(runs.keras.Model, "fit", lambda *a, verbose, **k: fit(*a, verbose=1, **k))
    with runs.settings(kind):
        runs.fit(kind, [ledger])
    printed_lines = screen(capsys.readouterr().out)
    assert screen(ledger.log()) == printed_lines and len(printed_lines) == 4
