"""The benchmarks run, judge rightly, and say why an engine has no figure; no test looks at how long anything took."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import __main__ as program
from benchmarks import campaign, claims, report
from benchmarks.cells import CAMPAIGNS, Cell, cells
from benchmarks.measuring import Engines, Measured
from benchmarks.workloads import kernels, lstm
from refkeras.ops.lstm import lstm as our_lstm


def cell(workload="W3", maker="lstm.both", engines=("refkeras", "products"), **arguments):
    arguments = arguments or {"batch": 32, "steps": 4, "features": 3, "units": 256}
    return Cell(workload, "a cell", maker, arguments, engines, "overhead", {"elements": 10})


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_cells_are_within_their_limits(campaign):
    found = list(cells(campaign))
    assert len({(c.workload, c.label) for c in found}) == len(found)
    assert {c.workload for c in found} == {"W1", "W2", "W3", "W4", "W5"}
    assert all(c.engines[0] == "refkeras" for c in found)
    largest = max(
        c.arguments["batch"] * c.arguments["steps"] * c.arguments["units"] for c in found if c.workload == "W3"
    )
    assert largest * 7 * 4 < 8 * 2**30


def test_engines_take_turns_and_failures_are_named():
    with Engines("one", least_rounds=2, most_rounds=2) as engines:
        found = engines.measure(cell(batch=2, steps=3, features=2, units=4))
        assert [len(times) for times in found.seconds.values()] == [2, 2] and not found.failed
        wrong = engines.measure(cell(batch=2, steps=3, features=2, units=4, wrong=1))
        assert wrong.failed.keys() == {"refkeras", "products"}
        assert "unexpected keyword argument" in wrong.failed["refkeras"]
        # A process that failed is replaced.
        assert engines.measure(cell(batch=2, steps=3, features=2, units=4)).seconds.keys() == {"refkeras", "products"}
        assert engines.versions["refkeras"]["numpy"] == np.__version__
        assert any("× 1" in pool for pool in engines.versions["refkeras"]["pools"])


def test_a_missing_engine_is_said(monkeypatch):
    monkeypatch.setattr("benchmarks.measuring.find_spec", lambda name: None)
    with Engines("one", least_rounds=1, most_rounds=1) as engines:
        found = engines.measure(cell(engines=("refkeras", "torch"), batch=1, steps=2, features=2, units=2))
    assert found.failed == {"torch": "torch is not installed"}
    assert "no figure: torch is not installed" in "\n".join(report.cell_lines(found))


def measured(seconds, **options):
    return Measured(cell(**options), seconds)


def test_claims_are_judged_on_the_right_side():
    slower = measured({"refkeras": [2.0, 2.0], "keras@tensorflow": [1.0, 1.0], "products": [1.0, 1.0]})
    faster = measured({"refkeras": [1.0, 1.0], "keras@tensorflow": [9.0, 9.0], "products": [0.9, 0.9]})
    found = {claim.what.split("(")[0]: claim for claim in claims.claims([slower, faster], {}, {})}
    slowest = found["W3 slowest cell beside keras@tensorflow "]
    assert (slowest.found, slowest.holds) == (0.5, False)
    mean = found["W3 geometric mean of 2 cells: keras@tensorflow"]
    assert mean.found == pytest.approx(4.5**0.5) and not mean.holds
    above = found["W3 time over its matrix products alone, worst "]
    assert (above.found, above.holds) == (2.0, False)
    (alone,) = [c for c in claims.claims([faster], {}, {}) if "products" in c.what]
    assert alone.found == pytest.approx(1 / 0.9) and alone.holds
    grown = {"a": {"grown": 300e6}, "b": {"peak": 1.2, "kept": 1.0}}
    assert [c.holds for c in claims.claims([], {}, grown)] == [False, True]
    assert [c.target for c in claims.claims([], {}, grown, 0.8)] == [250, 1.625]
    shares = [[c.target for c in claims.claims([slower], {}, {}, share)] for share in (1, 0.5)]
    assert shares == [[1, 2.5, 1.5], [0.5, 1.25, 3.0]]


def test_ratios_are_taken_round_by_round():
    found = measured({"refkeras": [1.0, 10.0, 1.0], "torch": [2.0, 20.0, 3.0]})
    assert found.ratios("torch") == [2.0, 2.0, 3.0]
    assert found.ratio("torch") == 2.0


def test_exponents_of_a_known_law():
    def law(B, T, u):
        return 3e-9 * B**0.9 * T**1.0 * u**1.8

    some = [
        measured({"refkeras": [law(B, T, u)]}, batch=B, steps=T, features=3, units=u)
        for B in (32, 256)
        for T in (16, 128, 1024)
        for u in (64, 256)
    ]
    found = claims.exponents(some, "refkeras")
    assert found == pytest.approx({"batch": 0.9, "steps": 1.0, "units": 1.8})


def test_workloads_compute_what_they_name():
    run = lstm.both("refkeras", 2, 3, 4, 5)
    x, weights, dy = lstm._arrays(2, 3, 4, 5)
    _, pullback = our_lstm(x, *weights)
    for a, b in zip(run(), pullback(dy), strict=True):
        np.testing.assert_array_equal(a, b)
    for kernel in kernels.KERNELS:
        value = kernels.forward("refkeras", kernel, 40)()
        again, gradients = kernels.backward("refkeras", kernel, 40)()
        np.testing.assert_array_equal(value, again)
        assert np.all(np.isfinite(gradients[0]))


def test_the_program(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(campaign, "cells", lambda campaign: [cell(batch=2, steps=3, features=2, units=4)])
    file = tmp_path / "found.json"
    options = ["--only", "W3", "--budget", "0.1", "--threads", "both"]
    assert program.main([*options, "--json", str(file), "--page", str(tmp_path / "p.md")]) == 0
    said = capsys.readouterr().out
    assert "of refkeras's time is its matrix products" in said
    written = json.loads(file.read_text())
    assert [found["threads"] for found in written["passes"]] == ["one", "default"]
    for found in written["passes"]:
        assert found["cells"][0]["seconds"].keys() == {"refkeras", "products"}
        assert found["versions"]["refkeras"]["pools"]
    page = (tmp_path / "p.md").read_text()
    assert said.strip() in page
    first = page[: page.index("## Everything")]
    assert "Targets (one thread)" in first and "Targets (default threads" in first and "Versions" not in first
    for line in said.splitlines():
        assert line in first or "≥" not in line
    with pytest.raises(SystemExit):
        program.main(["--json", str(tmp_path / "nowhere" / "x.json")])
    assert "there is no folder" in capsys.readouterr().err


def test_a_pass_that_is_broken_off_keeps_what_the_one_before_found(tmp_path, monkeypatch):
    def run(_, threads, *rest):
        if threads == "default":
            raise KeyboardInterrupt
        return campaign.Results(threads)

    monkeypatch.setattr(program, "run", run)
    monkeypatch.setattr(program.report, "plot", lambda *_: [])
    file, page = tmp_path / "found.json", tmp_path / "p.md"
    with pytest.raises(KeyboardInterrupt):
        program.main(["--threads", "both", "--json", str(file), "--page", str(page)])
    assert [found["threads"] for found in json.loads(file.read_text())["passes"]] == ["one"]
    assert page.exists()
