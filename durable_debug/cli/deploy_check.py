"""``durable-debug deploy-check``: what a deploy does to the executions that are running now."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import TYPE_CHECKING

from durable_debug.cli.text import plain
from durable_debug.cli.values import add_environment, environment, seconds
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
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("old", metavar="OLD", help="the handler that is deployed: path/to/file.py:name")
    parser.add_argument("new", metavar="NEW", help="the handler that is to be deployed")
    parser.add_argument(
        "histories", metavar="PATH", nargs="+", help="history files, folders of them (*.json), glob patterns"
    )
    parser.add_argument(
        "--sdk",
        metavar="V",
        action="append",
        help="the SDK that NEW is deployed with: 2.1.0, or a line, 2.1; again for another one",
    )
    parser.add_argument("--old-sdk", metavar="V", help="the SDK that OLD runs with")
    add_environment(parser)
    parser.add_argument("--python", metavar="P", help="run the handlers in this interpreter or environment")
    parser.add_argument(
        "--allow",
        metavar="EFFECT",
        action="append",
        default=[],
        help="let the handlers do this outside steps",
    )
    parser.add_argument(
        "--timeout", metavar="S", type=seconds, default=60.0, help="give up on a history after S seconds (60)"
    )
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
        arguments.histories,
        sdk=arguments.sdk,
        old_sdk=arguments.old_sdk,
        env=environment(arguments),
        python=arguments.python,
        allow=arguments.allow,
        timeout=arguments.timeout,
    )
    patch = arguments.patch if found.guard is not None else None
    if found.guard is not None and patch:
        _write(Path(patch), found.guard.patch)
    if arguments.json:
        print(found.frame.to_json(orient="records", lines=True), end="")
    else:
        print("\n".join(plain(line) for line in report(found, patch).split("\n")))
    return 0 if found.ok else 1


def _write(path: Path, patch: str) -> None:
    try:
        path.write_bytes(patch.encode())
    except OSError as error:
        raise OptionError(
            f"{path} can't be written: {error.strerror}.", cure="Name a file in a folder that there is."
        ) from error
