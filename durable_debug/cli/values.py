"""Values of options, as `argparse` has them read."""

from __future__ import annotations

import importlib
import sys
from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING

from durable_debug.errors import OptionError

if TYPE_CHECKING:
    import argparse

    from durable_debug.history.payloads import Decode

__all__ = ["add_decode", "add_environment", "decoder", "environment", "jobs", "seconds"]


def jobs(text: str) -> int:
    """Read a number of jobs: joblib's meaning, so -1 is one per core."""
    number = int(text)
    if number == 0:
        raise ValueError(text)
    return number


def seconds(text: str) -> float:
    """Read a length of time that is longer than nothing."""
    number = float(text)
    if not number > 0:  # nor is "nan"
        raise ArgumentTypeError(f"{text} is no number of seconds above 0")
    return number


def add_decode(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the function which gives the plain text of payloads."""
    parser.add_argument(
        "--decode",
        metavar="FUNCTION",
        help="module:name or path/to/file.py:name of a function that gives a payload's plain text, where payloads are "
        "encrypted, compressed or kept elsewhere; for what is shown only",
    )


def decoder(arguments: argparse.Namespace) -> Decode | None:
    """Import the function that the arguments name.

    Raises
    ------
    OptionError
        There is none.
    """
    if arguments.decode is None:
        return None
    where, _, name = arguments.decode.rpartition(":")
    try:
        if where.endswith(".py"):
            sys.path.insert(0, str(Path(where).resolve().parent))
            where = Path(where).stem
        else:
            sys.path.insert(0, str(Path.cwd()))  # as `python -m` would
        found: Decode = getattr(importlib.import_module(where), name)
    except Exception as error:
        raise OptionError(
            f"--decode {arguments.decode!r:.200} can't be imported: {type(error).__name__}: {error!s:.200}.",
            cure="Write module:function or path/to/file.py:function.",
        ) from error
    if not callable(found):
        raise OptionError(f"--decode {arguments.decode!r:.200} is no function.", cure="Name a function.")
    return found


def add_environment(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what the function's environment holds."""
    parser.add_argument(
        "--env",
        metavar="NAME=VALUE",
        type=_variable,
        action="append",
        default=[],
        help="an environment variable of the function; again for another one",
    )
    parser.add_argument(
        "--env-file", metavar="FILE", help="a file of them, one NAME=VALUE a line; --env comes before it"
    )


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ArgumentTypeError(f"{text!r} is no NAME=VALUE")
    return name, value


def environment(arguments: argparse.Namespace) -> dict[str, str]:
    """Give the variables that the arguments name.

    Raises
    ------
    OptionError
        There is no such file.
    """
    found: dict[str, str] = {}
    if arguments.env_file is not None:
        from dotenv import dotenv_values

        try:
            with open(arguments.env_file, encoding="utf-8") as file:  # noqa: PTH123 - as it is named
                read = dotenv_values(stream=file, interpolate=False)
        except (OSError, UnicodeDecodeError) as error:
            raise OptionError(
                f"--env-file {arguments.env_file} can't be read: {error}.",
                cure="Name a file with a NAME=VALUE a line.",
            ) from None
        found.update({name: value for name, value in read.items() if value is not None})
    return found | dict(arguments.env)
