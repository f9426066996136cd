"""``durable-debug why``: why an execution ended as it did, on a screen at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.cli.arguments import (
    add_handler,
    add_history,
    add_replaying,
    given_history,
    is_piped,
    replaying,
    where,
)
from durable_debug.cli.log import add_logs, logs
from durable_debug.cli.text import show_report, warn
from durable_debug.cli.values import add_decode, decoder

if TYPE_CHECKING:
    import argparse

EXAMPLES = """\
examples:
  durable-debug why order.json
  durable-debug why order.json orders.py:handler
  durable-debug why order.json shop/orders.py:handler --near histories
  durable-debug why arn:aws:lambda:…/durable-execution/order-42/ce67da72-… orders.py:handler --logs

exit codes:
  0  the handler did what the history says, or none was named
  1  it did something else, or had to stop early
  2  bad input or usage
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "why",
        help="why an execution failed, or what it waits for: the line of code, the values there",
        description="Say why an execution ended as it did, or what it waits for: with its handler, the line of your code that\n"
        "decided it, the values there, and where an execution that went well parts from it.",
        epilog=EXAMPLES,
    )
    add_history(parser)
    add_decode(parser)
    add_handler(parser, nargs="?")
    parser.add_argument(
        "--near",
        metavar="FOLDER",
        help="look there for an execution that went well (the history's own folder)",
    )
    add_logs(parser, "the last lines of its log from CloudWatch, too")
    add_replaying(parser)
    parser.set_defaults(do=why)


def why(arguments: argparse.Namespace) -> int:
    """Print it, and give the exit code."""
    from durable_debug.debugger.explanation import why as explained

    history = given_history(arguments) if is_piped(arguments.history) else arguments.history
    options = where(arguments) | replaying(arguments)
    told = explained(
        history,
        arguments.handler,
        near=arguments.near,
        logs=logs(arguments),
        decode=decoder(arguments),
        **options,
    )
    for warning in told.history.warnings:
        warn(warning)
    show_report(told.report())
    return 0 if told.run is None or told.run.ok else 1
