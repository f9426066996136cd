"""``durable-debug callback``: the open callbacks of an execution, and an answer to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.cli.arguments import add_where, where
from durable_debug.cli.text import plain
from durable_debug.errors import HistoryError

if TYPE_CHECKING:
    import argparse

EXAMPLES = """\
examples:
  durable-debug callback arn:aws:lambda:…/durable-execution/order-42/ce67da72-…
      lists those that are open
  durable-debug callback ARN acceptance --success '{"ok": true}' --confirm 123456789012
  durable-debug callback ARN acceptance --failure 'out of stock' --confirm 123456789012
  durable-debug callback ARN acceptance --heartbeat --confirm 123456789012

An answer changes the execution for good: --confirm names the account that it runs in.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "callback",
        help="answer a callback of a suspended execution",
        description="List the open callbacks of a durable execution, or answer one.",
        epilog=EXAMPLES,
    )
    parser.add_argument("history", metavar="ARN", help="the execution's ARN")
    parser.add_argument(
        "callback", metavar="CALLBACK", nargs="?", help="name, position or id of an open callback"
    )
    answer = parser.add_mutually_exclusive_group()
    answer.add_argument("--success", metavar="RESULT", help="answer with this result")
    answer.add_argument("--failure", metavar="MESSAGE", help="answer with this error")
    answer.add_argument("--heartbeat", action="store_true", help="say that the answer is being worked on")
    parser.add_argument(
        "--confirm", metavar="ACCOUNT", default="", help="number of the account that this acts in"
    )
    add_where(parser)
    parser.set_defaults(do=callback)


def callback(arguments: argparse.Namespace) -> int:
    """List, or answer."""
    from durable_debug.sources import callbacks, load_one

    history = load_one(arguments.history, **where(arguments))
    answering = arguments.heartbeat or arguments.success is not None or arguments.failure is not None
    if not answering:
        for row in history.callbacks.to_dict("records"):
            print(
                f"{row['position']}  {plain(row['name'] or '(no name)')}  since {row['start']:%Y-%m-%d %H:%M:%S} UTC"
            )
        return 0
    if arguments.callback is None:
        raise HistoryError(
            "It is not said which callback.", cure="Name it after the ARN; without an answer they are listed."
        )
    if arguments.success is not None:
        callbacks.send_success(history, arguments.callback, arguments.success, confirm=arguments.confirm)
    elif arguments.failure is not None:
        callbacks.send_failure(history, arguments.callback, arguments.failure, confirm=arguments.confirm)
    else:
        callbacks.heartbeat(history, arguments.callback, confirm=arguments.confirm)
    print(
        f"answered {plain(arguments.callback)} of {plain(history.name)} in account {plain(arguments.confirm)}"
    )
    return 0
