"""``durable-debug deploy-check``: what a deploy does to the executions that are running now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from durable_debug.cli.arguments import add_handler, add_histories, add_replaying, given_histories, replaying
from durable_debug.cli.text import show_report
from durable_debug.errors import OptionError

if TYPE_CHECKING:
    import argparse

EXAMPLES = """\
examples:
  durable-debug fetch orders --status RUNNING -o running
  durable-debug deploy-check release/orders.py:handler orders.py:handler running/
  durable-debug deploy-check release/orders.py:handler orders.py:handler running/ --patch guard.patch
  durable-debug deploy-check orders.py:handler orders.py:handler running/ --old-sdk 1.7 --sdk 3.0

exit codes:
  0  all running executions go on as before
  1  some do not
  2  bad input or usage
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "deploy-check",
        help="what a deploy does to running executions",
        description="Replay each running execution with the code as it is and as it would be, through the real SDK, and say what the\n"
        "deploy does to it: it goes on as before, goes on with other values, is killed, or runs a body again.",
        epilog=EXAMPLES,
    )
    add_handler(parser, "OLD", help="the handler that is deployed: path/to/file.py:name")
    add_handler(parser, "NEW", help="the handler that is to be deployed")
    add_histories(parser)
    parser.add_argument("--old-sdk", metavar="V", help="the SDK that OLD runs with")
    add_replaying(parser, sdk="the SDK that NEW is deployed with", several_sdks=True)
    parser.add_argument(
        "--patch",
        metavar="FILE",
        help="write the guard to this file: a patch of NEW that keeps the running executions on the old statements, where there is "
        "one that replays show to hold",
    )
    parser.add_argument("--json", action="store_true", help="as JSON, an object for each execution")
    parser.set_defaults(do=deploy_check)


def deploy_check(arguments: argparse.Namespace) -> int:
    """Check, print the report, and give the exit code."""
    from durable_debug.audits.deploy import deploy_check as check
    from durable_debug.reports.deploy_text import report

    found = check(
        arguments.old,
        arguments.new,
        given_histories(arguments),
        old_sdk=arguments.old_sdk,
        **replaying(arguments),
    )
    patch = arguments.patch if found.guard is not None else None
    if found.guard is not None and patch:
        _write(Path(patch), found.guard.patch)
    if arguments.json:
        print(found.frame.to_json(orient="records", lines=True), end="")
    else:
        show_report(report(found, patch))
    return 0 if found.ok else 1


def _write(path: Path, patch: str) -> None:
    try:
        path.write_bytes(patch.encode())
    except OSError as error:
        raise OptionError(
            f"{path} can't be written: {error.strerror}.", cure="Name a file in a folder that there is."
        ) from error
