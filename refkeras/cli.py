"""The `refkeras` command.

argparse, so that `refkeras run` needs NumPy alone; what a subcommand needs
beyond that is imported by that subcommand.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from refkeras import __version__, semantics
from refkeras.naming import did_you_mean

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line (`sys.argv` by default) and exit with its status."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if options.command is _bench:
        options.arguments = rest  # argparse would take those that begin with a dash as its own
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    sys.exit(options.command(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="refkeras", description="Keras in NumPy that a person can read, run and trust."
    )
    parser.add_argument("--version", action="version", version=f"refkeras {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_run(commands)
    _add_verify(commands)
    _add_bench(commands)
    return parser


def _add_run(commands: argparse._SubParsersAction) -> None:
    run = commands.add_parser(
        "run",
        help="run a Keras script on refkeras, unchanged",
        description="Run a Keras script unchanged: its keras, tensorflow.keras and tf_keras are refkeras.",
    )
    run.add_argument(
        "--semantics",
        metavar="NAME",
        choices=semantics.PRESETS,
        help=f"the Keras to be: {', '.join(semantics.PRESETS)} (default: the one the script imports)",
    )
    run.add_argument("script", help="the script, as given to python")
    run.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="the script's own arguments")
    run.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from refkeras.run import run_script

    try:
        with open(options.script, "rb"):  # noqa: PTH123 - only the question whether it can be read
            pass
    except OSError as error:
        return _fail(f"can't open file {options.script!r}: [Errno {error.errno}] {error.strerror}")
    run_script(options.script, options.arguments, options.semantics)
    return 0


def _add_verify(commands: argparse._SubParsersAction) -> None:
    verify = commands.add_parser(
        "verify",
        help="train the four scenarios on refkeras and on real Keras, and compare",
        description="Train the four scenarios on refkeras and on real Keras from one seed, and compare every number. "
        "Exit status 1 when anything disagrees.",
    )
    verify.add_argument(
        "--scenario", action="append", default=[], metavar="NAME", help="only this one (may be repeated)"
    )
    verify.add_argument("--seed", type=int, default=7, help="for set_random_seed on both sides (default: 7)")
    verify.add_argument("--quick", action="store_true", help="Keras 3 in float32 alone")
    verify.add_argument("--json", type=Path, metavar="FILE", help="write all that was found to FILE")
    verify.set_defaults(command=_verify)


def _verify(options: argparse.Namespace) -> int:
    try:
        from rich.console import Console
    except ImportError:
        return _fail("refkeras verify prints with rich, which is not installed: pip install 'refkeras[parity]'")
    from refkeras.verify import command, engines, report, scenarios

    unknown = [name for name in options.scenario if name not in scenarios.CASES]
    if unknown:
        near = did_you_mean(unknown[0], scenarios.CASES)
        return _fail(f"no scenario {unknown[0]!r}.{near} There are: {', '.join(scenarios.CASES)}")
    if options.json is not None and not options.json.parent.is_dir():
        return _fail(f"--json {options.json}: there is no folder {options.json.parent}")
    asked = (engines.KERAS_3,) if options.quick else (engines.KERAS_3, engines.TF_KERAS)
    dtypes = ("float32",) if options.quick else ("float32", "float64")
    console, progress = Console(), Console(stderr=True)
    if not console.is_terminal:
        console = Console(width=report.WIDTH)
    try:
        with progress.status("starting") as status:

            def on_step(job: engines.Job, step: str) -> None:
                status.update(f"{job.engine.name}, {job.dtype}: {step}")

            outcome = command.verify_scenarios(
                options.scenario, seed=options.seed, engines=asked, dtypes=dtypes, on_step=on_step
            )
    except engines.EngineError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        _fail("interrupted; the engines' processes are ended")
        return 130
    report.print_outcome(outcome, console)
    if options.json is not None:
        report.write_json(outcome, options.json)
    return 0 if outcome.agrees else 1


def _add_bench(commands: argparse._SubParsersAction) -> None:
    bench = commands.add_parser(
        "bench",
        help="time refkeras beside its peers (from a checkout)",
        description="Run the benchmarks of the checkout that refkeras is imported from; --help lists their options.",
        add_help=False,
    )
    bench.set_defaults(command=_bench)


def _bench(options: argparse.Namespace) -> int:
    checkout = Path(__file__).parent.parent
    if not (checkout / "benchmarks" / "__main__.py").is_file():
        return _fail(
            "the benchmarks are not part of the installed package: clone the repository, and run make bench there"
        )
    command = [sys.executable, "-m", "benchmarks", *options.arguments]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": str(checkout)}).returncode


def _fail(message: str) -> int:
    print(f"refkeras: {message}", file=sys.stderr)
    return 2
