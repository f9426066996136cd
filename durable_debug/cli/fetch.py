"""``durable-debug fetch``: histories from an account or a local server into a folder."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from durable_debug.cli.arguments import add_where, where
from durable_debug.cli.log import add_logs, logs
from durable_debug.cli.ls import add_choice
from durable_debug.cli.redacting import add_redaction, redaction
from durable_debug.cli.text import plain
from durable_debug.errors import OptionError

if TYPE_CHECKING:
    import argparse

EXAMPLES = """\
examples:
  durable-debug fetch orders --status FAILED --since 2d -o histories
  durable-debug fetch arn:aws:lambda:…:function:orders:7/durable-execution/order-42/ce67da72-… -o histories --children
  durable-debug fetch orders --endpoint-url http://127.0.0.1:5000 -o histories
  durable-debug fetch orders -o shared --redact --keep numbers,enums --secret redaction.secret

What is complete in the folder is not fetched again: after Ctrl-C, the same command goes on.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "fetch",
        help="fetch histories into a folder",
        description="Fetch the history of one durable execution, or of a function's, into a folder: one JSON file an execution.",
        epilog=EXAMPLES,
    )
    parser.add_argument(
        "what", metavar="FUNCTION|ARN", help="a function's name or ARN, or an execution's ARN"
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", required=True, help="folder, made where it is not there"
    )
    add_choice(parser)
    parser.add_argument("--children", action="store_true", help="the executions that they invoked, too")
    add_logs(parser, "their logs from CloudWatch, too, in the same files")
    parser.add_argument(
        "--redact", action="store_true", help="put placeholders where values are, before writing"
    )
    add_redaction(parser)
    parser.add_argument("--rate", metavar="R", type=float, help="history requests a second (15)")
    add_where(parser)
    parser.set_defaults(do=fetch)


def fetch(arguments: argparse.Namespace) -> int:
    """Fetch, with a progress bar where somebody looks."""
    from durable_debug.sources import fetch as fetch_all
    from durable_debug.sources import keep

    options = where(arguments)
    if arguments.rate is not None:
        options["rate"] = arguments.rate
    if not arguments.redact and (arguments.keep or arguments.secret):
        raise OptionError(
            "--keep and --secret say how values are redacted, and none are.", cure="Give --redact, too."
        )
    redact = redaction(arguments) if arguments.redact else None
    to = arguments.output
    how = {"children": arguments.children, "logs": logs(arguments), "redact": redact}
    if "/" in arguments.what:  # an execution's ARN has one, a function's has none
        kept = keep(arguments.what, to, **how, **options)
    else:
        choice = {"status": arguments.status, "since": arguments.since, "limit": arguments.limit}
        try:
            kept = fetch_all(arguments.what, to=to, **choice, **how, **options)
        except KeyboardInterrupt:
            print(
                f"stopped; what was fetched is in {plain(to)}, and the same command goes on", file=sys.stderr
            )
            raise
    print(f"{len(kept)} execution{'' if len(kept) == 1 else 's'} in {plain(to)}")
    return 0
