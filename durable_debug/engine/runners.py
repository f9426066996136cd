"""Which runner a handler gets: this process, or the interpreter that was named or that its project has."""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from durable_debug.engine.handler_names import found
from durable_debug.errors import OptionError
from durable_debug.spelling import option

if TYPE_CHECKING:
    from durable_debug.engine.read_files import CodeState
    from durable_debug.engine.recording import Recording
    from durable_debug.history import History
    from durable_debug.options import Options

_Handler = TypeVar("_Handler")

__all__ = ["code_elsewhere", "count_lines", "environment_of", "located", "ready", "record"]

_NAMES = (".venv", "venv", "env")
_SDK = "aws_durable_execution_sdk_python"


def record(handler: object, history: History, options: Options) -> Recording:
    """Run a handler over a history as Lambda would, where it belongs."""
    handler, options = located(handler, options)
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
    handler, options = located(handler, options)
    python = _python(handler, options)
    if python is None:
        from durable_debug.engine.environment import Environment
        from durable_debug.engine.handlers import resolve

        environment = Environment.of(None, dict(options.env))
        return resolve(handler, environment=environment, allow=options.allow)
    from durable_debug.engine.elsewhere.runner import find

    find(python, handler, options)
    return handler


def count_lines(handler: object, options: Options, *, on: bool = True) -> None:
    """Count from now on, where this handler runs, which lines of the user's code are taken, or not any more."""
    python = _python(handler, options)
    if python is None:
        from durable_debug.engine.taken_lines import count

        count(on=on)
        return
    from durable_debug.engine.elsewhere.runner import count_lines as count_there

    count_there(python, options, on=on)


def code_elsewhere(handler: object, options: Options) -> CodeState | None:
    """Give what replays of a handler in another interpreter depend on, what is new of it; None where it runs here."""
    python = _python(handler, options)
    if python is None:
        return None
    from durable_debug.engine.elsewhere.runner import code

    return code(python, options)


def located(handler: _Handler, options: Options) -> tuple[_Handler, Options]:
    """Give a handler's name as everything else knows it, and the options with what its template says of its environment.

    Raises
    ------
    HandlerError
        There is no such thing.
    """
    if not isinstance(handler, str):
        return handler, options
    named = found(handler)
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
        for name in _NAMES:
            environment = os.path.join(folder, name)  # noqa: PTH118
            if _has_sdk(environment):
                return os.path.join(environment, "bin", "python")  # noqa: PTH118
        if folder in {home, above} or os.path.exists(os.path.join(folder, ".git")):  # noqa: PTH110, PTH118
            return None
        folder = above


_real = functools.cache(os.path.realpath)


def _has_sdk(environment: str) -> bool:
    return os.path.isfile(os.path.join(environment, "pyvenv.cfg")) and any(  # noqa: PTH113, PTH118
        Path(environment).glob(f"lib/python*/site-packages/{_SDK}")
    )
