"""``durable-debug why``: why an execution ended as it did, on a screen at most."""

from __future__ import annotations

import sys
from argparse import RawDescriptionHelpFormatter
from typing import TYPE_CHECKING, Any

from durable_debug.cli.log import add_logs, logs
from durable_debug.cli.text import paint, plain
from durable_debug.cli.values import add_environment, environment, seconds

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
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "history", metavar="HISTORY", help="what dd.load() takes: a file, FOLDER#NAME, an ARN, a URL …"
    )
    parser.add_argument("handler", metavar="HANDLER", nargs="?", help="module:name or path/to/file.py:name")
    parser.add_argument(
        "--near",
        metavar="FOLDER",
        help="look there for an execution that went well (the history's own folder)",
    )
    add_logs(parser, "the last lines of its log from CloudWatch, too")
    add_environment(parser)
    parser.add_argument("--python", metavar="P", help="run the handler in this interpreter or environment")
    parser.add_argument(
        "--sdk", metavar="V", help="run it through this version of the SDK: 2.1.0, or a line, 2.1"
    )
    parser.add_argument(
        "--timeout", metavar="S", type=seconds, default=60.0, help="give up after S seconds (60)"
    )
    parser.set_defaults(do=why)


def why(arguments: argparse.Namespace) -> int:
    """Print it, and give the exit code."""
    from durable_debug.debugger.explanation import why as explained

    options: dict[str, Any] = {
        "env": environment(arguments),
        "python": arguments.python,
        "sdk": arguments.sdk,
        "timeout": arguments.timeout,
    }
    told = explained(
        arguments.history, arguments.handler, near=arguments.near, logs=logs(arguments), **options
    )
    for warning in told.history.warnings:
        print(f"{paint('warning', '33')}: {plain(warning)}", file=sys.stderr)
    print("\n".join(plain(line) for line in told.report().split("\n")))
    return 0 if told.run is None or told.run.ok else 1
