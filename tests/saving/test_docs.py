"""The page on files says what its snippets print."""

import doctest
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "saving.md"


@pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not here")
def test_every_step_of_the_page():
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    outcome = doctest.testfile(str(PAGE), module_relative=False, optionflags=options)
    assert outcome.attempted > 20 and outcome.failed == 0
