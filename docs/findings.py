"""Run what docs/findings.md shows, on the engines that it names, and compare with what it says they print.

python docs/findings.py [--write]

An example is a Python block under `<!-- engines: ... -->`; below it stands what each engine printed. Each
engine runs all of its examples in one process, each with a `keras` and a NumPy of its own. `--write` puts
what is printed now into the page.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

PAGE = Path(__file__).with_suffix(".md")
EXAMPLE = re.compile(r"<!-- engines: (.*?) -->\n```python\n(.*?)```\n+```text\n(.*?)```", re.DOTALL)
#: Printed for an engine that is not installed.
MISSING = "(not installed)"


def answers(engine: str, programs: list[str]) -> list[str]:
    """Return what each program prints on an engine, in a fresh process."""
    environment = {
        **os.environ,
        "KERAS_BACKEND": "tensorflow" if engine == "tf_keras" else engine,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "0",
    }
    command = [sys.executable, __file__, "--answer", engine]
    done = subprocess.run(command, env=environment, input=json.dumps(programs), capture_output=True, text=True)
    if done.returncode:
        return [MISSING] * len(programs)
    return json.loads(done.stdout.splitlines()[-1])


def answer(engine: str) -> None:
    """Run the programs given on standard input; print their answers as JSON."""
    import numpy as np

    if engine == "tf_keras":
        import tf_keras as keras
    else:
        import keras
    warnings.simplefilter("ignore")
    print(json.dumps([_printed(program, {"keras": keras, "np": np}) for program in json.load(sys.stdin)]))


def _printed(program: str, names: dict[str, object]) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        try:
            exec(program, names)
        except Exception as error:
            lines = [re.sub("\x1b\\[[0-9;]*m", "", line).strip() for line in str(error).splitlines()]
            lines = [re.sub(r"(keras_tensor|sequential)_[0-9]+", r"\1", line) for line in lines]
            lines = [line for line in lines if line and not line.startswith("Exception encountered")]
            print(f"{type(error).__name__}: {lines[0][:70] if lines else ''}".strip())
    return " / ".join(line.rstrip() for line in said.getvalue().strip().splitlines())


def refreshed(page: str) -> str:
    """Return the page with what the engines print now; what an engine that is missing printed stays."""
    found = [(match[1].split(), match[2], match[3]) for match in EXAMPLE.finditer(page)]
    engines = dict.fromkeys(engine for names, _, _ in found for engine in names)
    printed: dict[tuple[str, str], str] = {}
    for engine in engines:
        programs = [program for names, program, _ in found if engine in names]
        printed |= {(engine, p): said for p, said in zip(programs, answers(engine, programs), strict=True)}

    def block(match: re.Match[str]) -> str:
        names, program = match[1].split(), match[2]
        before = dict(line.split(": ", 1) for line in match[3].splitlines() if ": " in line)
        lines = []
        for name in names:
            said = printed[name, program]
            lines.append(f"{name}: {before.get(name, said) if said == MISSING else said}")
        text = "\n".join(lines)
        return f"<!-- engines: {match[1]} -->\n```python\n{program}```\n\n```text\n{text}\n```"

    return EXAMPLE.sub(block, page)


def main() -> int:
    page = PAGE.read_text(encoding="utf-8")
    now = refreshed(page)
    if "--write" in sys.argv:
        PAGE.write_text(now, encoding="utf-8")
        return 0
    wrong = [(a, b) for a, b in zip(page.splitlines(), now.splitlines(), strict=False) if a != b]
    for before, after in wrong:
        print(f"the page:  {before}\nengine:    {after}\n")
    print(f"{len(EXAMPLE.findall(page))} examples, {len(wrong)} lines that differ")
    return bool(wrong)


if __name__ == "__main__":
    if "--answer" in sys.argv:
        answer(sys.argv[-1])
    else:
        sys.exit(main())
