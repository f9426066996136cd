"""``durable-debug show``: what is in a history, and its operations as a tree."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from durable_debug.cli.arguments import add_history, given_history
from durable_debug.cli.log import add_logs, log, logs
from durable_debug.cli.text import (
    error_line,
    fitted,
    paint,
    paint_status,
    plain,
    ranges,
    room,
    symbol,
    word,
)
from durable_debug.cli.trace import trace
from durable_debug.cli.values import add_decode, decoder
from durable_debug.wording import duration

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from durable_debug.history import History, Operation

EXAMPLES = """\
examples:
  durable-debug show order.json
  durable-debug show order.json --all | less
  durable-debug show arn:aws:lambda:…/durable-execution/order-42/ce67da72-… --logs
  durable-debug show order.json --json | jq '.operations[] | select(.attempts > 1) | .name'
"""

FOLD = 6  # a run of this many siblings that look alike, or of such patterns of siblings, is folded …
SHOWN = 2  # … behind its first ones
LONGEST_PATTERN = 8


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "show",
        help="a history's summary and its operations as a tree",
        description="Show a history: how it ended, and its operations as a tree, with status, attempts, duration, position and event ids.",
        epilog=EXAMPLES,
    )
    add_history(parser)
    parser.add_argument(
        "--all", action="store_true", help="show every operation: do not fold runs of alike ones"
    )
    add_logs(parser, "its log from CloudWatch, too, each line with its operation and attempt")
    parser.add_argument(
        "--trace",
        action="store_true",
        help="X-Ray's segments, too: what its invocations called, and how long that took",
    )
    add_decode(parser)
    parser.add_argument("--json", action="store_true", help="as JSON, every operation with all its fields")
    parser.set_defaults(do=show)


def show(arguments: argparse.Namespace) -> int:
    """Print the history that the arguments name."""
    history = given_history(arguments, logs=logs(arguments), trace=arguments.trace, decode=decoder(arguments))
    if arguments.json:
        print(json.dumps(as_json(history), default=_iso))
        return 0
    for line in summary(history):
        print(line)
    print()
    for line in table(history, fold=not arguments.all):
        print(line)
    if arguments.logs or arguments.log_group:
        print()
        for line in log(history):
            print(line)
    if arguments.trace:
        print()
        for line in trace(history):
            print(line)
    return 0


def as_json(history: History) -> dict[str, Any]:
    """Everything that `show` tells, as data: statuses as recorded, payloads as the values that they stand for, times as datetime."""
    shown = history.plain
    return {
        "arn": history.arn,
        "name": history.name,
        "function_name": history.function_name,
        "status": history.status,
        "input": shown(history.input),
        "result": shown(history.result),
        "error": history.error,
        "waits_for": [each._asdict() for each in history.waits_for],
        "remarks": list(history.remarks),
        "warnings": list(history.warnings),
        "redacted": None if history.redacted is None else dict(history.redacted),
        "kept": dict(history.kept),
        "operations": [
            {
                **operation._asdict(),
                "result": shown(operation.result, operation),
                "payload": shown(operation.payload, operation),
                "all_attempts": [
                    {**attempt._asdict(), "result": shown(attempt.result, operation)}
                    for attempt in operation.all_attempts
                ],
            }
            for operation in history.tree()
        ],
        "logs": None if history.log_events is None else [each._asdict() for each in history.log_events],
        "segments": None
        if history.trace_segments is None
        else [each._asdict() for each in history.trace_segments],
    }


def _iso(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


# --- summary ------------------------------------------------------------------------------------


def summary(history: History) -> Iterator[str]:
    """What happened, in a few lines."""
    from durable_debug.reports.history_html import redactions

    operations = history.tree()
    status = paint_status(f"{symbol(history.status)} {word(history.status)}", history.status)
    took = duration(history.duration_seconds)
    when = f"{'for' if history.status in {'RUNNING', 'PAUSED'} else 'in'} {took}" if took else ""
    yield " ".join(filter(None, (paint(plain(history.name or "execution", 120), "1"), status, when)))
    if history.error:
        for line in fitted(f"  {plain(error_line(history.error), 500)}", "    "):
            yield paint_status(line, history.status)
    retries = sum(max(operation.attempts - 1, 0) for operation in operations)
    counts = [
        _count(history.invocation_count, "invocation"),
        _count(len(operations), "operation"),
        _count(retries, "retry", "retries") if retries else "",
        _count(len(history), "event"),
    ]
    yield "  " + " · ".join(filter(None, counts))
    started = next((state.get("StartTimestamp") for state in history.final_state()), None)
    facts = {
        "function": history.function_name,
        "arn": history.arn,
        "started": f"{started:%Y-%m-%d %H:%M:%S} UTC" if started else None,
        "input": history.plain(history.input),
        "result": history.plain(history.result),
        "redacted": redactions(history),
    }
    for name, value in facts.items():
        if value:
            yield from _fact(name, plain(value, 500), "2")
    for remark in history.remarks:
        yield from fitted(f"  {plain(remark)}", "    ")
    for warning in history.warnings:
        yield from _fact("warning", plain(warning), "33")


def _fact(name: str, value: str, colour: str) -> Iterator[str]:
    first, *more = fitted(f"  {name:9} {value}", " " * 12)
    yield f"  {paint(f'{name:9}', colour)}{first[11:]}"
    yield from more


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


# --- the tree -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Node:
    """An operation and what ran inside it."""

    operation: Operation
    children: list[Node] = field(default_factory=list)
    looks: int = 0  # nodes that look alike, inside and out, have the same number
    size: int = 1  # operations in this subtree
    retries: int = 0


def forest(operations: tuple[Operation, ...]) -> list[Node]:
    """The operations nested by parent, in start order; one whose parent is not in the history stands at the top."""
    nodes = {operation.id: Node(operation) for operation in operations}
    roots: list[Node] = []
    for node in nodes.values():
        parent = nodes.get(node.operation.parent_id or "")
        (parent.children if parent and parent is not node else roots).append(node)
    looks: dict[tuple[object, ...], int] = {}
    # Deepest first, so that a node's children are known before it.
    for node in sorted(nodes.values(), key=lambda one: -one.operation.depth):
        operation = node.operation
        name = re.sub(r"\d+", "#", operation.name or "")
        key = (
            name,
            operation.type,
            operation.sub_type,
            operation.status,
            *(child.looks for child in node.children),
        )
        node.looks = looks.setdefault(key, len(looks))
        node.size = 1 + sum(child.size for child in node.children)
        node.retries = max(operation.attempts - 1, 0) + sum(child.retries for child in node.children)
    return roots


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `cells` is None for a remark below an operation."""

    stem: str
    text: str
    status: str = ""
    cells: tuple[str, ...] | None = None


def rows(nodes: list[Node], *, fold: bool, stem: str = "", top: bool = True) -> Iterator[Row]:
    """Give the lines of these siblings and of all below them."""

    def stems(index: int) -> tuple[str, str]:
        if top:
            return "", ""
        return (stem + "└─ ", stem + "   ") if index == len(nodes) - 1 else (stem + "├─ ", stem + "│  ")

    index = 0
    while index < len(nodes):
        period, length = _repeats(nodes, index) if fold else (1, 1)
        shown = index + (max(period, SHOWN) if length > 1 else 1)
        for number in range(index, shown):
            yield from _operation(nodes[number], *stems(number), fold=fold)
        index += length
        if length > 1:
            yield Row(stems(index - 1)[0], _more(nodes[shown:index]), nodes[shown].operation.status)


def _repeats(nodes: list[Node], index: int) -> tuple[int, int]:
    """How many nodes from `index` on repeat a pattern of how many; (1, 1) where too few do."""
    for period in range(1, LONGEST_PATTERN + 1):
        end = index + period
        while end < len(nodes) and nodes[end].looks == nodes[end - period].looks:
            end += 1
        length = (end - index) // period * period
        if length >= max(FOLD, 3 * period):
            return period, length
    return 1, 1


def _more(hidden: list[Node]) -> str:
    inside = sum(node.size for node in hidden) - len(hidden)
    retries = sum(node.retries for node in hidden)
    about = [f"{plain(hidden[0].operation.position)} to {plain(hidden[-1].operation.position)}"]
    about += [_count(inside, "operation") + " inside"] if inside else []
    about += [_count(retries, "retry", "retries")] if retries else []
    return f"… {len(hidden):,} more like these ({', '.join(about)})"


def _operation(node: Node, here: str, below: str, *, fold: bool) -> Iterator[Row]:
    operation = node.operation
    took = (operation.end - operation.start).total_seconds() if operation.end and operation.start else None
    yield Row(
        here,
        f"{symbol(operation.status)} {plain(operation.name or '(no name)', 120)}",
        operation.status,
        (
            word(operation.status),
            plain(operation.sub_type or operation.type),
            _attempts(operation),
            duration(took),
            plain(operation.position),
            ranges(operation.event_ids),
        ),
    )
    # A context's error is, as a rule, that of an operation inside it: said once, where it arose.
    message = (operation.error or {}).get("ErrorMessage")
    if operation.error and all(
        message != (child.operation.error or {}).get("ErrorMessage") for child in node.children
    ):
        yield Row(
            below + ("│ " if node.children else "  "),
            plain(error_line(operation.error), 300),
            operation.status,
        )
    yield from rows(node.children, fold=fold, stem=below, top=False)


def _attempts(operation: Operation) -> str:
    if operation.began is None:
        return ""
    more = operation.began > operation.attempts
    return f"{operation.attempts} (began {operation.began}×)" if more else str(operation.attempts)


HEADER = ("status", "kind", "attempts", "took", "position", "events")
RIGHT = {"attempts", "took"}
SPARED = ("kind", "attempts", "took")  # on a terminal too narrow for all, in this order
NARROWEST = 24  # of an operation's name
CUT = 12  # columns that event ids keep, where they are cut


def table(history: History, *, fold: bool) -> Iterator[str]:
    """The tree as aligned columns, as wide as it needs; on a terminal, columns and names give way to its width."""
    lines = list(rows(forest(history.tree()), fold=fold))
    full = [line for line in lines if line.cells is not None]
    if not full:
        yield "No operations."
        return
    columns = zip(HEADER, *(line.cells for line in full if line.cells), strict=True)
    widths = dict(zip(HEADER, (max(map(len, column)) for column in columns), strict=True))
    first = max(len(line.stem) + len(line.text) for line in full)
    if (width := room()) is not None:
        first = _squeezed(widths, first, width)
    yield paint("  ".join(["operation".ljust(first), *_cells(HEADER, widths)]).rstrip(), "2")
    for line in lines:
        if line.cells is None:
            for piece in fitted(line.stem + line.text, line.stem):
                yield paint(line.stem, "2") + paint_status(piece[len(line.stem) :], line.status)
            continue
        left = max(first - len(line.stem), 8)
        text = line.text if len(line.text) <= left else line.text[: left - 1] + "…"
        name = paint(line.stem, "2") + paint_status(text[0], line.status) + text[1:].ljust(left - 1)
        status, *rest = _cells(line.cells, widths)
        yield "  ".join([name, paint_status(status, line.status), *rest]).rstrip()
    hidden = len(history.tree()) - len(full)
    if hidden:
        yield paint(f"{_count(hidden, 'operation')} folded away; --all shows all of them.", "2")


def _squeezed(widths: dict[str, int], first: int, width: int) -> int:
    """Take columns away until a row fits; give what is left for names."""

    def left() -> int:
        return width - sum(widths.values()) - 2 * len(widths)

    needed = min(first, NARROWEST)
    if left() < first:
        widths["events"] = max(min(widths["events"], CUT), widths["events"] - (first - left()))
    for title in SPARED:
        if left() < needed:
            del widths[title]
    return max(min(first, left()), needed)


def _cells(cells: tuple[str, ...], widths: dict[str, int]) -> list[str]:
    shown = []
    for title, cell in zip(HEADER, cells, strict=True):
        if title in widths:
            width = widths[title]
            text = cell if len(cell) <= width else cell[: width - 1] + "…"
            shown.append(text.rjust(width) if title in RIGHT else text.ljust(width))
    return shown
