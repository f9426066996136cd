"""What a user may ask of a replay, checked in one place."""

from __future__ import annotations

import difflib
import fnmatch
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from durable_debug.errors import OptionError
from durable_debug.spelling import option, read_by

__all__ = ["NAMES", "Options", "fit_nothing", "meant", "no_such_body", "unknown_options", "versions"]

# What an `allow` may name as a whole; everything else is a glob on the description of a side effect.
KINDS = ("network", "process", "file", "input", "sleep", "thread")
_OF_A_DESCRIPTION = frozenset("*?[ /.:\\")


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may ask of a replay.

    Attributes
    ----------
    invocation
        Re-run this one invocation (from 1) as it was, instead of the whole execution.
    enter
        Whether to look into the bodies of completed child contexts, maps and parallels.
    run
        Glob patterns of the names of steps whose bodies may really run where no answer is recorded.
    allow
        Side effects outside steps to let happen: one of `KINDS`, or a glob on their description.
    timeout
        Seconds after which a handler that asks for nothing more is ended; None to wait for ever.
    env
        Environment variables of the function, as pairs; a mapping is taken, too. Region, name and version come from the
        execution's ARN.
    python
        Interpreter to run the handler in; None: that of its project's own environment, where it has one, else this
        process; False: this process.
    sdk
        Version, or line, of the SDK to run it through instead of the one that is installed there.

    Raises
    ------
    OptionError
        A value that an option can't have.
    """

    invocation: int | None = None
    enter: bool = True
    run: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    timeout: float | None = 60.0
    env: tuple[tuple[str, str], ...] = ()
    python: str | Literal[False] | None = None
    sdk: str | None = None

    def __post_init__(self) -> None:
        _check_invocation(self.invocation)
        if not isinstance(self.enter, bool):
            raise OptionError(
                f"enter={self.enter!r:.80} is neither True nor False.", cure="Write enter=False."
            )
        object.__setattr__(self, "run", _texts("run", self.run, "charge-*"))
        object.__setattr__(self, "allow", _texts("allow", self.allow, "network"))
        for pattern in self.allow:
            _check_allowed(pattern)
        _check_timeout(self.timeout)
        object.__setattr__(self, "env", _pairs(self.env))
        object.__setattr__(self, "python", _python(self.python))
        if self.sdk is not None and not (isinstance(self.sdk, str) and self.sdk):
            raise OptionError(
                f"{option('sdk', self.sdk)} is no version.",
                cure=f"Write {option('sdk', '2.1')}, or {option('sdk', '2.1.0')}.",
            )


def _check_invocation(value: Any) -> None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return
    raise OptionError(
        f"{option('invocation', value)} is no number of an invocation.",
        cure=f"They are counted from 1: {option('invocation', 2)}.",
    )


def _check_timeout(value: Any) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is None or (is_number and math.isfinite(value) and value > 0):
        return
    raise OptionError(
        f"{option('timeout', value)} leaves no time for a replay.",
        cure=f"Give seconds above 0{read_by(python=', or None to wait for ever', terminal='')}.",
    )


def _pairs(given: Any) -> tuple[tuple[str, str], ...]:
    """Take variables by name."""
    try:
        found = tuple(sorted(dict(given or {}).items()))
    except (TypeError, ValueError):
        found = ((None, None),)
    for name, value in found:
        texts = isinstance(name, str) and isinstance(value, str)
        if not texts or not name or "=" in name or "\0" in name + value:
            raise OptionError(
                f"{option('env', given)} names no environment variables.",
                cure=f"Give texts by name: {option('env', {'TABLE_NAME': 'orders'})}.",
            )
    return found


def _python(value: Any) -> str | Literal[False] | None:
    value = os.fspath(value) if isinstance(value, os.PathLike) else value
    if value is None or value is False or (isinstance(value, str) and value):
        return value
    raise OptionError(
        f"{option('python', value)} names no interpreter.",
        cure=f"Give its path, or that of its environment: {option('python', '.venv')}.",
    )


def _check_allowed(pattern: str) -> None:
    if pattern in KINDS or _OF_A_DESCRIPTION & set(pattern):
        return
    raise OptionError(
        f"{option('allow', pattern)} names no kind of side effect.",
        cure=meant(pattern, KINDS)
        or f"Kinds are {', '.join(KINDS)}; or give a glob: {option('allow', 'connect*')}.",
    )


def _texts(name: str, given: Any, example: str) -> tuple[str, ...]:
    """Take one text or several."""
    several = not isinstance(given, str | bytes) and isinstance(given, Iterable)
    found = tuple(given) if several else (given,)
    for one in found:
        if not isinstance(one, str) or not one:
            raise OptionError(
                f"{option(name, one)} is no pattern.",
                cure=f"Give a text, or several: {option(name, example)}.",
            )
    return found


NAMES = tuple(Options.__dataclass_fields__)
"""The options of a replay, as keywords."""


def fit_nothing(patterns: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Those of the patterns in `run` that fit none of these names."""
    known = list(known)
    return tuple(p for p in patterns if not any(fnmatch.fnmatchcase(name, p) for name in known))


def no_such_body(pattern: str, known: Iterable[str]) -> OptionError:
    """What is told where `run` names something that no operation is called."""
    return OptionError(
        f"{option('run', pattern)} fits no operation, neither of the history nor of what the handler asks for.",
        cure=meant(pattern, known) or f"Name a step, or several by a glob: {option('run', 'charge-*')}.",
    )


def meant(given: str, known: Iterable[str], *, say: str = "Did you mean {}?") -> str:
    """Name what may have been meant; empty where nothing is near."""
    near = difflib.get_close_matches(given, list(dict.fromkeys(known)), n=3, cutoff=0.6)
    return say.format(" or ".join(map(repr, near))) if near else ""


def unknown_options(function: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse keywords that a function does not have.

    Raises
    ------
    OptionError
        There is one.
    """
    known = list(known)
    for name in given:
        if name not in known:
            raise OptionError(
                f"{function}() has no option {name!r:.80}.",
                cure=meant(name, known) or f"Its options are {', '.join(known)}.",
            )


def versions(sdk: object) -> tuple[str | None, ...]:
    """Take one version of the SDK or several; None: whatever is installed.

    Raises
    ------
    OptionError
        It is none.
    """
    if sdk is None or isinstance(sdk, str):
        return (Options(sdk=sdk).sdk,)
    if not isinstance(sdk, Iterable):
        raise OptionError(f"{option('sdk', sdk)} is no version.", cure=_write_versions())
    found = tuple(dict.fromkeys(Options(sdk=one).sdk for one in sdk))
    if not found:
        raise OptionError(f"{option('sdk')} names no version.", cure=_write_versions())
    return found


def _write_versions() -> str:
    return f"Write {option('sdk', '2.1')}, or {option('sdk', ['1.7', '2.1', '3.0'])}."
