"""A small, repeatable part of `make fuzz`."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.saving.files import good_config, good_dense, good_legacy
from tests.saving.fuzzing import check, write
from tests.saving.mutations import files


@pytest.fixture(scope="module", autouse=True)
def originals():
    """Make what is damaged, once; making it draws random numbers, which strategies must not."""
    good_config(), good_legacy(), good_dense()


@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(file=files())
def test_damaged_files_are_loaded_or_refused(file, tmp_path_factory):
    check(write(*file, tmp_path_factory.getbasetemp()))


def test_what_is_checked_can_fail(tmp_path, monkeypatch):
    path = write("config", good_config(), tmp_path)
    assert check(path).what == "loaded"
    assert check(write("legacy", b"damaged", tmp_path)).what == "refused"
    for error, caught in ((ValueError("?"), AssertionError), (TypeError("of NumPy"), TypeError)):

        def load(path, error=error):
            raise error

        monkeypatch.setattr("tests.saving.fuzzing.load", load)
        with pytest.raises(caught):
            check(path)
