"""Options of commands that replay one handler over one history: how to name them, and how the replay is to go."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

from durable_debug.cli.text import paint, plain
from durable_debug.cli.values import add_environment, environment, seconds
from durable_debug.errors import OptionError
from durable_debug.options import fit_nothing, meant
from durable_debug.typed_places import BREAK_AT, break_place

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from durable_debug.debugger import Debugger
    from durable_debug.history import History

__all__ = ["add_breaks", "add_replay", "break_spec", "opened", "replay_options", "set_breaks"]


def add_replay(parser: argparse.ArgumentParser) -> None:
    """Add the handler, the history and the options of `replay`."""
    parser.add_argument("handler", metavar="HANDLER", help="module:name or path/to/file.py:name")
    parser.add_argument(
        "history", metavar="HISTORY", help="what dd.load() takes: a file, FOLDER#NAME, an ARN, a URL …"
    )
    parser.add_argument(
        "--invocation", metavar="K", type=int, help="replay the K-th Lambda invocation only (from 1)"
    )
    parser.add_argument(
        "--run",
        metavar="NAME",
        action="append",
        default=[],
        help="let this operation's body run where the history has no answer for it",
    )
    parser.add_argument(
        "--allow",
        metavar="EFFECT",
        action="append",
        default=[],
        help="let this side effect outside steps happen: network, 'dynamodb *', 'open /tmp/*' …",
    )
    add_environment(parser)
    parser.add_argument(
        "--python",
        metavar="P",
        help="run the handler in this interpreter, or in this environment (a folder); by default in the project's own",
    )
    parser.add_argument(
        "--sdk", metavar="V", help="run it through this version of the SDK: 2.1.0, or a line, 2.1"
    )
    parser.add_argument(
        "--timeout", metavar="S", type=seconds, default=60.0, help="give up after S seconds (60)"
    )


def replay_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Give the keywords of `replay` and `debug` that the arguments name.

    Raises
    ------
    OptionError
        A file that they name can't be read.
    """
    return {
        "invocation": arguments.invocation,
        "run": arguments.run,
        "allow": arguments.allow,
        "timeout": arguments.timeout,
        "env": environment(arguments),
        "python": arguments.python,
        "sdk": arguments.sdk,
    }


def opened(arguments: argparse.Namespace) -> History:
    """Load the history, and print what is to be known of it."""
    from durable_debug.sources import load_one

    history = load_one(arguments.history)
    for warning in history.warnings:
        _warn(warning)
    return history


def _warn(text: object) -> None:
    print(f"{paint('warning', '33')}: {plain(text)}", file=sys.stderr)


# --- breakpoints --------------------------------------------------------------------------------


def add_breaks(parser: argparse.ArgumentParser, *, does: str) -> None:
    """Add ``--break``; `does` says what is done at each stop."""
    parser.add_argument(
        "--break",
        metavar="SPEC",
        dest="breaks",
        type=break_spec,
        action="append",
        default=[],
        help=f"{does} at SPEC: an operation's name or glob, FILE.py:LINE, or KEY=VALUE[,KEY=VALUE] with {', '.join(BREAK_AT)}",
    )


def break_spec(text: str) -> dict[str, Any]:
    """Read what `--break` is given, as `argparse` has it read."""
    try:
        return break_place(text)
    except OptionError as error:
        raise ArgumentTypeError(str(error)) from error


def set_breaks(debugger: Debugger, breaks: list[dict[str, Any]]) -> None:
    """Set breakpoints; say of those that fit nothing, or that moved, that it is so.

    Raises
    ------
    OptionError
        No operation has the name, neither of the history nor of what the handler asks for.
    """
    for spec in breaks:
        refuse_unknown_name(debugger, spec)
        made = debugger.break_at(**spec)
        if made.note:
            _warn(f"--break {made.spec:.200}: {made.note}")


def refuse_unknown_name(debugger: Debugger, spec: Mapping[str, Any]) -> None:
    """Refuse a breakpoint's name that nothing has, as `--run` does.

    Raises
    ------
    OptionError
        No operation has it, neither of the history nor of what the handler asks for.
    """
    name = spec.get("name")
    asked = {each.name or "" for each in debugger.run_result.operations}
    known = asked | {each.name or "" for each in debugger.history.tree()}
    if name is None or name in known or not fit_nothing((name,), known):
        return
    raise OptionError(
        f"{name!r:.80} fits no operation, neither of the history nor of what the handler asks for.",
        cure=meant(name, known - {""}) or "Give a name, a glob, FILE.py:LINE, or KEY=VALUE: status=FAILED.",
    )
