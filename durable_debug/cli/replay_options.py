"""Options of commands that replay one handler over one history: how to name them, and how the replay is to go."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

from durable_debug.cli.arguments import add_handler, add_history, add_replaying, given_history, replaying
from durable_debug.cli.text import warn
from durable_debug.cli.values import add_decode, decoder
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
    add_handler(parser)
    add_history(parser)
    add_decode(parser)
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
    add_replaying(parser)


def replay_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Give the keywords of `replay` and `debug` that the arguments name.

    Raises
    ------
    OptionError
        A file that they name can't be read.
    """
    return {"invocation": arguments.invocation, "run": arguments.run, **replaying(arguments)}


def opened(arguments: argparse.Namespace) -> History:
    """Load the history, and print what is to be known of it."""
    from durable_debug.divergence.swapped import refuse_swapped

    refuse_swapped(arguments.handler, arguments.history, arguments.do.__name__)
    history = given_history(arguments, decode=decoder(arguments))
    for warning in history.warnings:
        warn(warning)
    return history


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
            warn(f"--break {made.spec:.200}: {made.note}")


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
