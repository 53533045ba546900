"""The `refkeras` command itself; `run` and `verify` have tests of their own."""

import subprocess
import sys

import pytest

import refkeras
from refkeras import cli


def status(arguments):
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    return exit_.value.code


def test_version(capsys):
    assert status(["--version"]) == 0
    assert capsys.readouterr().out == f"refkeras {refkeras.__version__}\n"


def test_help_lists_the_commands(capsys):
    assert status(["--help"]) == 0
    said = capsys.readouterr().out
    assert "run a Keras script on refkeras, unchanged" in said
    assert "verify" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["rnu"], "invalid choice: 'rnu'"),
        (["run"], "the following arguments are required: script"),
        (["run", "--semantics", "keras-4", "x.py"], "invalid choice: 'keras-4'"),
        (["verify", "--sede", "3"], "unrecognized arguments: --sede"),
        (["verify", "--seed", "x"], "invalid int value: 'x'"),
    ],
)
def test_mistakes_are_usage_errors(capsys, arguments, message):
    assert status(arguments) == 2
    assert message in capsys.readouterr().err


def test_verify_says_which_extra_it_needs(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert status(["verify", "--quick"]) == 2
    assert "pip install 'refkeras[parity]'" in capsys.readouterr().err


def test_python_m_refkeras_is_the_command():
    done = subprocess.run([sys.executable, "-m", "refkeras", "--version"], capture_output=True, text=True)
    assert done.stdout == f"refkeras {refkeras.__version__}\n"
