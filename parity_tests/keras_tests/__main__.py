"""Runs Keras's own tests on refkeras, records what became of them and writes docs/keras-tests.md."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest

from parity_tests.keras_tests.files import FILES
from parity_tests.keras_tests.outcomes import Outcomes
from parity_tests.keras_tests.page import PAGE, RECORDED, page
from parity_tests.keras_tests.rewriting import rewritten
from refkeras.saving.atomic import write_atomically

SOURCE = Path(keras.__file__).parent / "src"


def run(files: tuple[str, ...] = FILES, *flags: str) -> dict[str, str]:
    """Run these of Keras's test files; return what became of each test."""
    outcomes = Outcomes()
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for file in files:
            path = Path(folder) / (file.removesuffix("_test.py").replace("/", "__") + ".py")
            path.write_text(rewritten((SOURCE / file).read_text()))
            paths.append(str(path))
        # importlib: a file may be run again, from another folder.
        alone = ["--import-mode=importlib", "-p", "no:cacheprovider", "-p", "no:xdist", "--noconftest"]
        alone += ["--rootdir", folder, "-c", os.devnull]
        told = ["-q", "--no-header", "--tb=short", "-W", "ignore"]
        pytest.main([*alone, *told, *flags, *paths], plugins=[outcomes])
    return dict(sorted(outcomes.found.items()))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if something else came out")
    parser.add_argument("files", nargs="*", help="of keras/src, such as losses/losses_test.py; print what fails there")
    options = parser.parse_args(arguments)
    if options.files:
        found = run(tuple(options.files))
        print("\n".join(f"{why}\t{name}" for name, why in found.items() if why != "passed"))
        return 0
    found = run(FILES, "--tb=no")
    if options.check:
        recorded = json.loads(RECORDED.read_text())
        changed = {name for name in found.keys() | recorded.keys() if found.get(name) != recorded.get(name)}
        for name in sorted(changed):
            print(f"{name}: {recorded.get(name)} -> {found.get(name)}")
        return int(bool(changed))
    text = json.dumps(found, indent=0) + "\n"
    write_atomically(RECORDED, lambda file: file.write(text.encode()))
    write_atomically(PAGE, lambda file: file.write(page(found).encode()))
    print(page(found).split("## By file")[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
