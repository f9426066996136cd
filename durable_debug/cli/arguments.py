"""Arguments that several commands have, so that each is typed, explained and completed alike everywhere.

A command adds those that it needs to its parser (`add_history`, `add_where`, `add_replaying` …), and reads them with the function
of the same subject: `given_history`, `given_histories`, `where`, `replaying`.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from durable_debug.cli.values import add_environment, environment, seconds
from durable_debug.errors import HistoryError

if TYPE_CHECKING:
    import argparse

    from durable_debug.history import History
    from durable_debug.sources import Histories

__all__ = [
    "add_handler",
    "add_histories",
    "add_history",
    "add_replaying",
    "add_where",
    "back_to_the_terminal",
    "given",
    "given_histories",
    "given_history",
    "is_piped",
    "replaying",
    "where",
]

_PIPED = ("-", "/dev/stdin")
_OF_A_SHELL = ("/dev/fd/", "/proc/self/fd/")  # `<(aws lambda …)`


def add_handler(parser: argparse.ArgumentParser, metavar: str = "HANDLER", **options: Any) -> None:
    """Add a handler, which is named by ``metavar.lower()``."""
    options.setdefault("help", "path/to/app.py:name, module:name, template.yaml#Function …")
    parser.add_argument(metavar.lower(), metavar=metavar, **options)


def add_history(parser: argparse.ArgumentParser) -> None:
    """Add one history and where it is looked up."""
    parser.add_argument(
        "history",
        metavar="HISTORY",
        help="a file, FOLDER#NAME, an archive, an ARN, a URL; - for what is piped in",
    )
    add_where(parser)


def add_histories(parser: argparse.ArgumentParser) -> None:
    """Add many histories and where they are looked up."""
    parser.add_argument(
        "histories",
        metavar="PATH",
        nargs="+",
        help="history files, folders of them (*.json), archives, glob patterns, ARNs; - for what is piped in",
    )
    add_where(parser)


def add_where(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where an ARN or a function is looked up."""
    group = parser.add_argument_group("where an ARN or a function is looked up")
    group.add_argument("--profile", metavar="PROFILE", help="AWS profile")
    group.add_argument("--region", metavar="REGION", help="AWS region; an ARN's own by default")
    group.add_argument("--endpoint-url", metavar="URL", help="a local server: http://127.0.0.1:5000")


def where(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read those options: keywords of `load`."""
    given = {name: getattr(arguments, name) for name in ("profile", "region", "endpoint_url")}
    return {name: value for name, value in given.items() if value is not None}


def add_replaying(
    parser: argparse.ArgumentParser,
    *,
    sdk: str = "run it through this version of the SDK",
    several_sdks: bool = False,
) -> None:
    """Add the options of a replay that all commands have which run a handler; `sdk` says what its version is of."""
    add_environment(parser)
    parser.add_argument(
        "--python",
        metavar="P",
        help="run the handler in this interpreter, or in this environment (a folder); by default in the project's own",
    )
    parser.add_argument(
        "--sdk",
        metavar="V",
        action="append" if several_sdks else "store",
        help=f"{sdk}: 2.1.0, or a line, 2.1{'; again for another one' if several_sdks else ''}",
    )
    parser.add_argument(
        "--allow",
        metavar="EFFECT",
        action="append",
        default=[],
        help="let the handler do this outside steps: network, process, file, or a glob on what it does",
    )
    parser.add_argument(
        "--timeout", metavar="S", type=seconds, default=60.0, help="give up on a replay after S seconds (60)"
    )


def replaying(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read those options: keywords of `replay`, `debug`, `audit` and `why`."""
    return {
        "env": environment(arguments),
        "python": arguments.python,
        "sdk": arguments.sdk,
        "allow": arguments.allow,
        "timeout": arguments.timeout,
    }


def given(arguments: argparse.Namespace, **more: Any) -> History | Histories:
    """Load what the arguments name as HISTORY, one or many; `more` are further keywords of `load`.

    Raises
    ------
    HistoryError
        As for `load`; or nothing is piped in.
    """
    from durable_debug.sources import load

    source, name = _source(arguments.history)
    return load(source, name, **where(arguments), **more)


def given_history(arguments: argparse.Namespace, **more: Any) -> History:
    """Load the one history that the arguments name; `more` are further keywords of `load`.

    Raises
    ------
    HistoryError
        As for `load_one`; or nothing is piped in.
    """
    from durable_debug.sources import load_one

    source, name = _source(arguments.history)
    return load_one(source, execution=name, **where(arguments), **more)


def given_histories(arguments: argparse.Namespace) -> list[Any]:
    """Give what the arguments name for an audit: paths as they are, loaded what is piped in or looked up elsewhere.

    Raises
    ------
    HistoryError
        An ARN can't be had; or nothing is piped in.
    """
    from durable_debug.sources import load

    asked = where(arguments)
    found = []
    for text in arguments.histories:
        source, name = _source(text)
        elsewhere = text.startswith("arn:") or (asked and "://" not in text and not _is_path(text))
        found.append(load(source, name, **asked) if elsewhere or source is not text else text)
    return found


def is_piped(text: str) -> bool:
    """Whether a history comes from another command, and can be read once: ``-``, ``-#NAME``, ``<(aws lambda …)``."""
    return text.partition("#")[0] in _PIPED or text.startswith(_OF_A_SHELL)


def back_to_the_terminal(text: str) -> None:
    """Have commands read from the terminal, where standard input was used up for a history and a person looks on."""
    if text.partition("#")[0] not in _PIPED or not sys.stdout.isatty():
        return
    with contextlib.suppress(OSError):  # there is none
        terminal = os.open("/dev/tty", os.O_RDWR)
        os.dup2(terminal, 0)
        os.close(terminal)
        sys.stdin = open(0, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115


def _source(text: str) -> tuple[Any, str | None]:
    """What `load` takes for a text, and which execution of it."""
    place, _, name = text.partition("#")
    if not is_piped(text):
        return text, None
    if place in _PIPED:
        if sys.stdin is None or sys.stdin.isatty():
            raise HistoryError(
                "Nothing is piped in for -.",
                cure="Pipe a history: `aws lambda get-durable-execution-history … | durable-debug show -`.",
            )
        return SimpleNamespace(read=sys.stdin.buffer.read, name="-"), name or None
    try:
        return open(place, "rb"), name or None  # noqa: PTH123 - read to its end at once
    except OSError as error:
        raise HistoryError(f"{place} can't be read: {error.strerror}.", cure="Check the command.") from None


def _is_path(text: str) -> bool:
    """Whether a path, a pattern or a part of an archive is meant, and not the ARN of a local server."""
    import glob

    place = Path(text.rpartition("#")[0] or text).expanduser()
    return glob.has_magic(text) or place.exists()
