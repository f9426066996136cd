"""The same verbs for a terminal: ``durable-debug show``, ``why``, ``replay`` and more.

A subcommand is a module with an ``add(commands)`` that makes its parser and sets ``do``, a function from the parsed arguments to the
exit code; it is listed in `GROUPS`. Whatever is slow to load is imported in ``do``, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from argparse import SUPPRESS, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug import __version__
from durable_debug.cli import (
    audit,
    callback,
    completion,
    debug,
    deploy_check,
    fetch,
    lab,
    ls,
    redact,
    replay,
    show,
    why,
)
from durable_debug.cli.parsers import Parser, columns, filled, room
from durable_debug.cli.text import COLOURS, complain, use_colour
from durable_debug.errors import DurableDebugError
from durable_debug.spelling import for_terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

GROUPS = {
    "one execution": (show, why, replay, debug),
    "many executions, before a deploy": (audit, deploy_check),
    "histories, from an account or a folder": (ls, fetch, redact, callback),
    "to begin": (lab, completion),
}

FIRST_STEPS = """\
first steps:
  durable-debug lab
      example notebooks; nothing else is needed
  durable-debug fetch orders --status FAILED --since 2d -o histories
      the failed executions of a function in your account
  durable-debug show histories/order.json
      what happened
  durable-debug why histories/order.json orders.py:handler
      the line of your code that decided it, and the values there
  durable-debug audit orders.py:handler histories/
      what a change of the handler would break

exit codes:
  0  as recorded    1  not as recorded    2  bad input or usage
"""


class _Main(Parser):
    """The parser of what stands before a command; its help shows what there is."""

    def __init__(self) -> None:
        super().__init__(
            prog="durable-debug",
            usage="durable-debug COMMAND …",
            description=f"durable-debug {__version__}: replay debugger for AWS Lambda durable functions",
            epilog=FIRST_STEPS,
        )
        self.add_argument("--version", action="version", version=f"durable-debug {__version__}")
        self.commands = self.add_subparsers(
            metavar="COMMAND", dest="command_name", prog="durable-debug", parser_class=Parser
        )
        self._titles: list[tuple[str, list[str]]] = []
        for title, modules in GROUPS.items():
            before = set(self.commands.choices)
            for module in modules:
                module.add(self.commands)
            self._titles.append((title, [name for name in self.commands.choices if name not in before]))
        self._add_colour(self, default="auto")
        for parser in self.commands.choices.values():
            self._add_colour(parser, default=SUPPRESS)

    @staticmethod
    def _add_colour(parser: Any, default: str) -> None:
        parser.add_argument(
            "--color",
            choices=COLOURS,
            metavar="WHEN",
            default=default,
            help="colours: auto, where a terminal shows them, always, or never",
        )

    def parsed(self, words: Sequence[str]) -> Namespace:
        """Give the arguments; end with code 2 where they can't be understood."""
        first = words[0] if words else ""
        if first not in self.commands.choices and (set("/:.") & set(first) or Path(first).is_file()):
            self.error(f"a command comes first. To look at it: durable-debug show {first:.200}")
        arguments: Namespace
        arguments, rest = self.parse_known_args(words)
        if rest and hasattr(arguments, "jupyter_options"):
            arguments.jupyter_options = rest
        elif rest:
            self.commands.choices.get(arguments.command_name, self).refuse_unknown(rest)
        return arguments

    def format_help(self) -> str:
        """Give the commands by what they are for, a line each, and the first steps."""
        told = {action.dest: action.help or "" for action in self.commands._get_subactions()}  # noqa: SLF001 - argparse keeps the lines of help there
        lines = [
            *filled(str(self.description), room()),
            "",
            "usage: durable-debug COMMAND …",
            "       durable-debug COMMAND --help",
        ]
        for title, names in self._titles:
            lines += ["", f"{title}:", *columns([(name, told[name]) for name in names])]
        options = [("--version", "the version"), ("--color WHEN", "auto, always or never")]
        lines += ["", "options:", *columns(options), ""]
        return "\n".join(lines) + "\n" + "\n".join(filled(FIRST_STEPS.rstrip(), room())) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv
        What follows the program's name; the process's own arguments by default.

    Returns
    -------
    int
        The exit code: 0, 1 where a replay did not do what the history says, 2 for bad input.

    Raises
    ------
    SystemExit
        With code 0 after ``--help`` and ``--version``, with code 2 after a usage error.
    """
    parser = _Main()
    completion.answer(parser)
    arguments = parser.parsed(sys.argv[1:] if argv is None else argv)
    if arguments.command_name is None:
        parser.print_help()
        return 0
    use_colour(arguments.color)
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a character shows "?", and is no error
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        with for_terminal():
            code: int = arguments.do(arguments)
        sys.stdout.flush()
    except DurableDebugError as error:
        complain(error)
        return 2
    except KeyboardInterrupt as stop:
        if str(stop):  # how far it came
            complain(stop)
        return 130
    except BrokenPipeError:  # `… | head`; the interpreter flushes once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code
