"""``durable-debug redact``: a history without its values, to be shown to others."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import TYPE_CHECKING

from durable_debug.cli.ls import add_where, where
from durable_debug.cli.text import plain
from durable_debug.errors import HistoryError

if TYPE_CHECKING:
    import argparse

EXAMPLES = """\
examples:
  durable-debug redact order.json -o shared.json                                  every value
  durable-debug redact order.json -o shared.json --path '$.card' --key '*email*'  these only
  durable-debug redact histories/ -o shared/                                      a whole folder

Names, ids, ARNs, times and sizes stay.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "redact",
        help="put placeholders where a history has values",
        description="Write a history without its values: structure and types stay, and it replays as far as control flow allows.",
        epilog=EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "history", metavar="HISTORY", help="what dd.load() takes: a file, a folder, an ARN, a URL …"
    )
    parser.add_argument(
        "-o", "--output", metavar="PATH", required=True, help="file; a folder where HISTORY holds many"
    )
    parser.add_argument(
        "--path", metavar="P", action="append", default=[], help="a JSON path: '$.card.number', '$..email'"
    )
    parser.add_argument(
        "--key", metavar="K", action="append", default=[], help="a pattern of a key: '*email*'"
    )
    add_where(parser)
    parser.set_defaults(do=redact)


def redact(arguments: argparse.Namespace) -> int:
    """Load, redact and write."""
    from durable_debug.sources import Histories, load, redacted

    wrong = next((path for path in arguments.path if not path.startswith("$")), None)
    if wrong is not None:
        raise HistoryError(f"{wrong!r:.80} is no JSON path.", cure="It begins with $: '$.card.number'.")
    rules = [*arguments.path, *arguments.key] or True
    found = load(arguments.history, **where(arguments))
    if not isinstance(found, Histories):
        written = redacted(found, rules).save(arguments.output)
        print(plain(written))
        return 0
    for history in found:
        redacted(history, rules).save(f"{arguments.output}/")
    print(f"{len(found)} executions in {plain(arguments.output)}")
    for problem in found.problems:
        print(f"left out: {plain(problem)}")
    return 1 if found.problems else 0
