"""Which runner a handler gets: this process, or the interpreter that was named or that its project has."""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
from typing import TYPE_CHECKING, TypeVar, cast

from durable_debug.engine.handler_names import Named, found
from durable_debug.engine.project import ENVIRONMENTS, has_sdk
from durable_debug.errors import OptionError
from durable_debug.spelling import option

if TYPE_CHECKING:
    from durable_debug.engine.read_files import CodeState
    from durable_debug.engine.recording import Recording
    from durable_debug.history import History
    from durable_debug.options import Options

_Handler = TypeVar("_Handler")

__all__ = [
    "code_elsewhere",
    "count_lines",
    "environment_of",
    "found_once",
    "located",
    "ready",
    "record",
]


def record(handler: object, history: History, options: Options) -> Recording:
    """Run a handler over a history as Lambda would, where it belongs."""
    handler, options = located(handler, options, history.source)
    python = _python(handler, options)
    if python is None:
        from durable_debug.engine.in_process import record as here

        return here(handler, history, options)
    from durable_debug.engine.elsewhere.runner import record as there

    return there(python, handler, history, options)


def ready(handler: object, options: Options) -> object:
    """Find a handler that is to be run many times, so that what is wrong with it is told at once.

    Raises
    ------
    HandlerError, OptionError
        It can't be had.
    """
    given = handler
    handler, options = located(handler, options)
    python = _python(handler, options)
    if python is None:
        from durable_debug.engine.environment import Environment
        from durable_debug.engine.handlers import resolve

        environment = Environment.of(None, dict(options.env))
        resolved = resolve(handler, environment=environment, allow=options.allow)
        return given if isinstance(given, Named) else resolved  # which has an environment of its own
    from durable_debug.engine.elsewhere.runner import find

    find(python, handler, options)
    return given if isinstance(given, Named) else handler


def count_lines(handler: object, options: Options, *, on: bool = True) -> None:
    """Count from now on, where this handler runs, which lines of the user's code are taken, or not any more."""
    python = _python(*located(handler, options))
    if python is None:
        from durable_debug.engine.taken_lines import count

        count(on=on)
        return
    from durable_debug.engine.elsewhere.runner import count_lines as count_there

    count_there(python, options, on=on)


def code_elsewhere(handler: object, options: Options) -> CodeState | None:
    """Give what replays of a handler in another interpreter depend on, what is new of it; None where it runs here."""
    python = _python(*located(handler, options))
    if python is None:
        return None
    from durable_debug.engine.elsewhere.runner import code

    return code(python, options)


def found_once(handler: object) -> object:
    """Give what stands for a handler wherever it is replayed, with what is known of its own environment.

    Raises
    ------
    HandlerError
        There is no such thing.
    """
    if not isinstance(handler, str):
        return handler
    named = found(handler)
    return named if named.env else named.text


def located(handler: _Handler, options: Options, source: object = None) -> tuple[_Handler, Options]:
    """Give a handler's name as everything else knows it, and the options with what is known of its environment.

    Parameters
    ----------
    source
        Where the history comes from: a function's code is asked for there, too.

    Raises
    ------
    HandlerError
        There is no such thing.
    """
    if not isinstance(handler, str | Named):
        return handler, options
    named = handler if isinstance(handler, Named) else found(handler, source)
    if named.env:
        options = dataclasses.replace(options, env=tuple({**named.env, **dict(options.env)}.items()))
    return cast("_Handler", named.text), options


def _python(handler: object, options: Options) -> str | None:
    named = options.python or None
    if not isinstance(handler, str):
        if named is not None or options.sdk is not None:
            asked = option("python", named) if named is not None else option("sdk", options.sdk)
            raise OptionError(
                f"{asked} needs a handler that it can import, and was given a {type(handler).__name__}.",
                cure="Name it: 'path/to/app.py:handler'.",
            )
        return None
    if named is None and options.python is not False:
        named = environment_of(handler)
    return named or (sys.executable if options.sdk is not None else None)


def environment_of(handler: str) -> str | None:
    """Give the interpreter of the environment that a handler's project has of its own; None where it has none.

    It lies in the handler's folder or above, is called ``.venv``, ``venv`` or ``env``, and has the SDK. Where this process
    runs in an environment of the same project, that is the one.
    """
    where = handler.rpartition(":")[0]
    if not where.endswith(".py"):
        return None
    # By texts: for each replay, and a `Path` of each folder costs more than looking.
    folder = os.path.dirname(os.path.realpath(os.path.expanduser(where)))  # noqa: PTH111, PTH120
    ours, home = _real(sys.prefix), os.path.expanduser("~")  # noqa: PTH111
    while True:
        above = os.path.dirname(folder)  # noqa: PTH120
        if f"{ours}{os.sep}".startswith(f"{folder}{os.sep}") and folder != above:
            return None
        for name in ENVIRONMENTS:
            environment = os.path.join(folder, name)  # noqa: PTH118
            if has_sdk(environment):
                return os.path.join(environment, "bin", "python")  # noqa: PTH118
        if folder in {home, above} or os.path.exists(os.path.join(folder, ".git")):  # noqa: PTH110, PTH118
            return None
        folder = above


_real = functools.cache(os.path.realpath)
