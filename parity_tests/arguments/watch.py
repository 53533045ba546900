"""A pytest plugin (`-p parity_tests.arguments.watch`) that sees which arguments the parity tests give, and what values.

An argument counts where code of `parity_tests` itself calls the public callable with
a value that is not the default: what refkeras passes on inside is nobody's test.
Tests run by xdist are counted in the workers, and their counts merged.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from parity_tests.arguments.catalogue import PublicCallable, callables
from refkeras.older import Member

__all__ = ["Seen", "install", "merge", "seen"]

#: Argument → test → the values that were given there, as texts.
Seen = dict[str, dict[str, set[str]]]
#: Beyond this many distinct values in one test, more tell nothing.
ENOUGH = 50
_TESTS, _HERE = "parity_tests", "parity_tests.arguments"

seen: Seen = {}
_current = ""
_defaults: dict[str, dict[str, Any]] = {}
_swapped: list[tuple[PublicCallable, types.FunctionType]] = []


def note(called: PublicCallable, args: tuple[Any, ...], kwargs: dict[str, Any], depth: int) -> None:
    """Count what a call gives, if code of the tests made it `depth` frames above."""
    caller = sys._getframe(depth).f_globals.get("__name__", "")
    if not caller.startswith(_TESTS) or caller.startswith(_HERE):
        return
    given = dict(zip(called.positional, args[called.skip :], strict=False)) | kwargs
    for name, value in given.items():
        for key in (called.key, *called.bases):
            defaults = _defaults.get(key, {})  # a base may have no constructor of its own
            if name in defaults and not _same(value, defaults[name]):
                values = seen.setdefault(f"{key}({name})", {}).setdefault(_current, set())
                if len(values) < ENOUGH:
                    values.add(_text(value))


def _same(value: Any, default: Any) -> bool:
    """Whether a value is the default; 1 is not True, nor 1.0."""
    plain = (bool, int, float, str, tuple)
    return value is default or (type(value) is type(default) and isinstance(value, plain) and value == default)


def _text(value: Any) -> str:
    """What tells a value from others: itself where it is short, else its kind."""
    if isinstance(value, (bool, int, float, str, type(None))):
        return repr(value)[:60]
    if isinstance(value, (tuple, list, set)) and len(value) < 6:
        return f"{type(value).__name__} of {', '.join(map(_text, value))}"[:120]
    if isinstance(value, dict) and len(value) < 6:
        return f"dict of {', '.join(f'{_text(k)}: {_text(v)}' for k, v in value.items())}"[:120]
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype} {value.shape}"
    return getattr(value, "__qualname__", None) or type(value).__qualname__


@functools.cache
def install() -> None:
    """Watch every public callable of this process from now on."""
    for found in list(callables()):
        _defaults.setdefault(found.key, {}).update(found.defaults)
        kept = inspect.getattr_static(found.owner, found.attribute, None)
        if isinstance(kept, Member):
            kept.member = _wrapped(found, found.function)
        elif isinstance(found.owner, type) or found.function.__closure__:
            setattr(found.owner, found.attribute, _wrapped(found, found.function))
        else:
            _swap_code(found, found.function)  # type: ignore[arg-type]
            if hasattr(found.function, "forward"):  # an activation as layers compute it, value and pullback
                found.function.forward = _wrapped(found, found.function.forward)


def _wrapped(found: PublicCallable, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        note(found, args, kwargs, 2)
        return method(*args, **kwargs)

    # `inspect.getfullargspec` does not look through wrappers.
    call.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]
    return call


def _swap_code(found: PublicCallable, function: types.FunctionType) -> None:
    """Put the watch into the function itself: functions are compared by identity, and known by other names."""
    original = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, None
    )
    original.__kwdefaults__ = function.__kwdefaults__
    _swapped.append((found, original))
    function.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
    source = (
        "def stub(*args, **kwargs):\n"
        "    import sys\n"
        f"    return sys.modules[{__name__!r}]._call({len(_swapped) - 1}, args, kwargs)\n"
    )
    space: dict[str, Any] = {}
    exec(source, space)  # nothing but a call of _call with a number
    function.__code__ = space["stub"].__code__.replace(co_name=function.__name__)
    function.__defaults__ = function.__kwdefaults__ = None  # type: ignore[assignment]


def _call(index: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    found, function = _swapped[index]
    note(found, args, kwargs, 3)  # past this and the stub
    return function(*args, **kwargs)


def merge(into: Seen, other: dict[str, dict[str, Any]]) -> None:
    """Add what another process saw."""
    for name, tests in other.items():
        for test, values in tests.items():
            into.setdefault(name, {}).setdefault(test, set()).update(values)


# -- the plugin -------------------------------------------------------------------------


def _is_controller(config: pytest.Config) -> bool:
    return bool(getattr(config.option, "numprocesses", None)) and not hasattr(config, "workerinput")


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Before any test module is imported, but after conftest has chosen the engine."""
    if not _is_controller(session.config):
        install()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    global _current
    _current = item.nodeid.removeprefix("parity_tests/").partition("[")[0]
    yield
    _current = ""


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        plain = {name: {test: sorted(values) for test, values in tests.items()} for name, tests in seen.items()}
        session.config.workeroutput["arguments"] = plain


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    merge(seen, getattr(node, "workeroutput", {}).get("arguments", {}))
