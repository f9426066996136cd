"""``durable-debug ls``: executions of a function, or histories in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.cli.arguments import add_where, where
from durable_debug.cli.text import paint, paint_status, plain, room, symbol, warn, word
from durable_debug.errors import HistoryError
from durable_debug.wording import duration

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    import pandas as pd

EXAMPLES = """\
examples:
  durable-debug ls orders --status FAILED --since 2d
  durable-debug ls orders --profile dev --region eu-west-1 --limit 20
  durable-debug ls orders --endpoint-url http://127.0.0.1:5000
      a local server
  durable-debug ls histories/
      a folder that was fetched, a store, an archive
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "ls",
        help="list the executions of a function, or in a folder",
        description="List the durable executions of a function, newest first, or those in a folder, a store or an archive.",
        epilog=EXAMPLES,
    )
    parser.add_argument(
        "what", metavar="FUNCTION|PATH", help="a function's name or ARN; or a path, with a / in it"
    )
    add_choice(parser)
    add_where(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(do=ls)


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which executions of a function."""
    parser.add_argument(
        "--status", metavar="STATUS", action="append", help="only these: RUNNING, FAILED …; may be repeated"
    )
    parser.add_argument(
        "--since", metavar="T", help="only those started since: 90m, 36h, 2d, 1w, 2026-11-20T08:00"
    )
    parser.add_argument("--limit", metavar="N", type=int, help="at most N")


def ls(arguments: argparse.Namespace) -> int:
    """Print the list."""
    frame = _frame(arguments)
    if arguments.json:
        for row in json.loads(frame.to_json(orient="records", date_format="iso", date_unit="us")):
            print(json.dumps(row))
        return 0
    for line in table(frame):
        print(line)
    return 0


HEADER = ("", "NAME", "STATUS", "STARTED (UTC)", "TOOK")
SHORTEST = 12  # of a name that is cut to have a row fit


def table(frame: pd.DataFrame) -> Iterator[str]:
    """A row each; what names it for other commands (its file in a folder, else its ARN) stands below where it does not fit."""
    named_by = "file" if "file" in frame and not frame["file"].equals(frame["arn"]) else "arn"
    rows = [_row(row) for row in frame.to_dict("records")]
    names = [plain(name) if isinstance(name, str) else "" for name in frame[named_by]]
    widths = [max(len(row[at]) for row in (HEADER, *rows)) for at in range(len(HEADER))]
    below = False
    if (width := room()) is not None:
        beside = max(map(len, names), default=0) + 2
        left = width - sum(widths) - 2 * (len(widths) - 1)
        below = left + widths[1] - SHORTEST < beside
        widths[1] = max(min(widths[1], widths[1] + left - (0 if below else beside)), SHORTEST)
    yield paint("  ".join([*map(str.ljust, HEADER, widths), "" if below else named_by.upper()]).rstrip(), "2")
    for row, name, status in zip(rows, names, frame["status"], strict=True):
        cells = [*map(str.ljust, map(_cut, row, widths), widths), "" if below else name]
        yield "  ".join([paint_status(cells[0], status), *cells[1:]]).rstrip()
        if below and name:
            yield f"   {paint(name, '2')}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _frame(arguments: argparse.Namespace) -> pd.DataFrame:
    from durable_debug.sources import Histories, executions, load

    what, choice = arguments.what, (arguments.status, arguments.since, arguments.limit)
    is_place = "/" in what and not what.startswith("arn:")
    if is_place or (Path(what).exists() and not where(arguments)):
        found = load(what)
        if isinstance(found, Histories):
            for problem in found.problems:
                warn(f"not read: {problem}", 300)
            status, since, limit = choice
            return found.chosen(status=status, since=since, limit=limit).frame
        raise HistoryError(f"{what:.200} is one history.", cure=f"`durable-debug show {what:.200}` shows it.")
    status, since, limit = choice
    return executions(what, status=status, since=since, limit=limit, **where(arguments))


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    took, status = row["duration_seconds"], str(row["status"])
    return (
        symbol(status),
        plain(row["name"], 64) if isinstance(row["name"], str) else "",
        word(status),
        f"{row['start']:%Y-%m-%d %H:%M:%S}",
        duration(took) if took == took else "",  # noqa: PLR0124 - not a number while it runs
    )
