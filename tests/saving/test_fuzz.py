"""A small, repeatable part of `make fuzz`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings

from tests.saving.fuzzing import check
from tests.saving.mutations import files


@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(file=files())
def test_damaged_files_are_loaded_or_refused(file):
    with TemporaryDirectory() as folder:
        check(*file, Path(folder))
