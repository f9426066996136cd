"""The same verbs for a terminal: ``durable-debug show``, ``why``, ``replay``, ``debug``, ``audit``, ``deploy-check``, ``ls``, ``fetch``, ``redact``, ``callback``, ``lab``.

A subcommand is a module with an ``add(commands)`` that makes its parser and sets ``do``, a function from the parsed arguments to the
exit code; it is listed in `main`. Whatever is slow to load is imported in ``do``, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from durable_debug import __version__
from durable_debug.cli import audit, callback, debug, deploy_check, fetch, lab, ls, redact, replay, show, why
from durable_debug.cli.text import plain
from durable_debug.errors import DurableDebugError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

EXAMPLES = """\
examples:
  durable-debug show order.json
  durable-debug why order.json orders.py:handler
  durable-debug replay orders.py:handler order.json
  durable-debug replay orders.py:handler order.json --break 'name=charge-*'
  durable-debug debug orders.py:handler order.json
  durable-debug audit orders.py:handler histories/
  durable-debug deploy-check release/orders.py:handler orders.py:handler running/
  durable-debug ls orders --status FAILED --since 2d
  durable-debug fetch orders --status FAILED --since 2d -o histories
  durable-debug redact order.json -o shared.json
  durable-debug callback arn:aws:lambda:…/durable-execution/order-42/ce67da72-…
  durable-debug lab

exit codes:
  0  as recorded    1  not as recorded    2  bad input or usage
"""


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
    parser = argparse.ArgumentParser(
        prog="durable-debug",
        description="Replay debugger for AWS Lambda durable functions.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"durable-debug {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (show, why, replay, debug, audit, deploy_check, ls, fetch, redact, callback, lab):
        command.add(commands)
    arguments, rest = parser.parse_known_args(argv)
    if rest and not hasattr(arguments, "jupyter_options"):
        parser.error(f"unknown arguments: {' '.join(rest)}")
    if rest:
        arguments.jupyter_options = rest

    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a character shows "?", and is no error
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        code: int = arguments.do(arguments)
        sys.stdout.flush()
    except DurableDebugError as error:
        print(f"durable-debug: {plain(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        if str(stop):  # how far it came
            print(f"durable-debug: {plain(stop)}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `… | head`; the interpreter flushes once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code
