"""How an option is spelt where a sentence is read: ``region='eu-west-1'`` in Python, ``--region eu-west-1`` in a terminal.

A sentence that names an option is the same in both places but for that. The command line says once that it is a terminal that
reads (`for_terminal`); processes that speak for it are told by `passed_on`.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["for_terminal", "option", "passed_on", "read_by"]

_VARIABLE = "DURABLE_DEBUG_READ_BY"
_reader = os.environ.get(_VARIABLE, "python")
_SWITCHES = {"n_jobs": "jobs", "to": "output"}  # of another name than the argument
_LONGEST = 80
_NOTHING = object()


@contextlib.contextmanager
def for_terminal() -> Iterator[None]:
    """Have options spelt as switches in what is said meanwhile."""
    global _reader  # noqa: PLW0603 - a process has one reader
    before, _reader = _reader, "terminal"
    try:
        yield
    finally:
        _reader = before


def passed_on() -> dict[str, str]:
    """Give the environment of a process that speaks for this one."""
    return {**os.environ, _VARIABLE: _reader}


def option(name: str, value: Any = _NOTHING) -> str:
    """Name an option, alone or with a value.

    Parameters
    ----------
    name
        As Python has it: ``"endpoint_url"``.
    value
        What is, or should be, given: a text, a number, a mapping, several in a list.

    Examples
    --------
    >>> option("endpoint_url"), option("region", "eu-west-1")
    ('endpoint_url=', "region='eu-west-1'")
    >>> with for_terminal():
    ...     option("endpoint_url"), option("env", {"TABLE_NAME": "orders"})
    ('--endpoint-url', '--env TABLE_NAME=orders')
    """
    if _reader != "terminal":
        return f"{name}=" if value is _NOTHING else f"{name}={_cut(repr(value))}"
    switch = f"--{_SWITCHES.get(name, name).replace('_', '-')}"
    if value is _NOTHING:
        return switch
    if isinstance(value, Mapping):
        value = [f"{key}={held}" for key, held in value.items()]
    several = value if isinstance(value, list | tuple) else [value]
    return " ".join(f"{switch} {_cut(_quoted(str(one)))}" for one in several)


def read_by(*, python: str, terminal: str) -> str:
    """Give the one of two sentences that is for where it is read: a method's name is no use in a terminal.

    Examples
    --------
    >>> read_by(python="dd.load(arn)", terminal="durable-debug show ARN")
    'dd.load(arn)'
    """
    return terminal if _reader == "terminal" else python


def _quoted(text: str) -> str:
    """As a shell takes it; what only stands for something needs no quotes."""
    return text if re.fullmatch(r"[\w…=./:@%+,-]+", text) else shlex.quote(text)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
