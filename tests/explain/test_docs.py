"""The page on explanations says what its snippets print."""

import doctest
from pathlib import Path

import pytest

from refkeras import naming

PAGE = Path(__file__).parents[2] / "docs" / "explain.md"


@pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not here")
def test_every_step_of_the_page():
    naming.reset()
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    outcome = doctest.testfile(str(PAGE), module_relative=False, optionflags=flags)
    assert outcome.attempted > 30 and outcome.failed == 0
