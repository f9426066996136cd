"""``durable-debug debug``: a debugger for the terminal, that goes forward and back."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, TextIO

from durable_debug.cli.arguments import back_to_the_terminal
from durable_debug.cli.replay_options import add_breaks, add_replay, opened, replay_options, set_breaks

if TYPE_CHECKING:
    import argparse

    from durable_debug.cli.debug_shell import Shell
    from durable_debug.debugger import Debugger

EXAMPLES = """\
examples:
  durable-debug debug orders.py:handler order.json
  durable-debug debug orders.py:handler order.json --break 'charge-*' --print total
  durable-debug debug orders.py:handler order.json --break orders.py:54 --print 'order["id"]' < /dev/null
  durable-debug debug orders.py:handler order.json -c 'goto charge-card' -c locals -c q
  echo 'c;; p total' | durable-debug debug orders.py:handler order.json --break charge-card

commands are those of pdb: n, s, r, c, b, p, w, l, u, d, q …; and back, rc, goto, operations, divergences: see `help` there.
Without a terminal and without commands it goes from stop to stop to the end.

exit codes:
  0  left as usual
  2  bad input or usage
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "debug",
        help="stop a replay anywhere, look, go forward and back: pdb's commands",
        description="Debug a handler over a recorded history: stop at operations, look at the variables, go forward and back.\n"
        "No step body, submitter, condition check or invoke runs, and no AWS call is made.",
        epilog=EXAMPLES,
    )
    add_replay(parser)
    add_breaks(parser, does="stop")
    parser.add_argument(
        "--print",
        metavar="EXPR",
        dest="displays",
        action="append",
        default=[],
        help="print the value of EXPR at each stop",
    )
    parser.add_argument(
        "-c",
        "--command",
        metavar="COMMAND",
        dest="commands",
        action="append",
        default=[],
        help="do this first, in place of what is piped; again for further ones",
    )
    parser.set_defaults(do=debug)


def debug(arguments: argparse.Namespace) -> int:
    """Open the debugger, do what is typed or piped, and give the exit code."""
    from durable_debug.cli.debug_readline import with_readline
    from durable_debug.cli.debug_shell import Shell
    from durable_debug.debugger import debug as open_debugger
    from durable_debug.engine.expressions import compiled

    for expression in arguments.displays:
        compiled(expression)
    history, options = opened(arguments), replay_options(arguments)
    back_to_the_terminal(arguments.history)

    def open_it() -> Debugger:
        return open_debugger(arguments.handler, history, **options)

    shell = Shell(open_it, arguments.displays)
    with contextlib.closing(shell):
        set_breaks(shell.debugger, arguments.breaks)
        if sys.stdin is not None and sys.stdin.isatty():
            with with_readline(shell):
                _typed(shell, arguments.commands)
        else:
            _piped(shell, arguments.commands)
    return 0


def _piped(shell: Shell, commands: list[str]) -> None:
    """Do what is given, or piped; nothing is: go from stop to stop."""
    given = iter(commands) if commands or sys.stdin is None else iter(_stdin())
    first = next(given, None)
    if first is None:
        shell.run_through()
        return
    shell.show()
    left = shell.line(first)
    while not left and (line := next(given, None)) is not None:
        sys.stdout.flush()  # a program may read it before it writes on
        left = shell.line(line)


def _stdin() -> TextIO:
    """Open standard input anew: ``exit()`` in an expression closes Python's own."""
    return open(0, encoding="utf-8", errors="replace", closefd=False)


def _typed(shell: Shell, commands: list[str]) -> None:
    """Do what is given, then what is typed, until somebody leaves."""
    given = iter(commands)
    shell.introduce()
    while True:
        try:
            line = next(given, None)
            if line is None:
                if sys.stdin.closed:
                    sys.stdin = _stdin()
                line = input("(debug) ")
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print()
            continue
        try:
            if shell.line(line):
                return
        except KeyboardInterrupt:
            given = iter(())
            print()
            with contextlib.suppress(KeyboardInterrupt):  # once more: the next command finds the way back
                shell.interrupted()
