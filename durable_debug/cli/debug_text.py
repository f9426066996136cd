"""What the terminal's debugger shows: stops, source, stack, operations, breakpoints. Lines of text, harmless to a terminal."""

from __future__ import annotations

import ast
import fnmatch
import linecache
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from durable_debug.cli.stops import operation_line, operation_of, where
from durable_debug.cli.text import error_line, paint, paint_status, plain, symbol, word
from durable_debug.debugger.source_lines import lines_around
from durable_debug.reports.run_text import divergence_lines, headline
from durable_debug.reports.words import whose
from durable_debug.wording import counted, duration

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from durable_debug.debugger import Breakpoint, Debugger, StackFrame, Stop
    from durable_debug.debugger.rows import Row
    from durable_debug.divergence import Run
    from durable_debug.history import History

__all__ = [
    "answer_text",
    "breakpoint_line",
    "divergences_text",
    "function_lines",
    "listing",
    "operations_text",
    "run_line",
    "stack_text",
    "stop_text",
]

_AROUND = 1  # lines of source before and behind a stop
_LONGEST_LINE = 200
_LONGEST_CALL = 12  # lines of a call that are shown
_ROWS_AROUND = 15
_MOST_REMARKS = 3
_LONGEST_VALUE = 1_000


def run_line(run: Run) -> str:
    """Tell how the whole replay went, on one line; of a history of another function that it is one, on a line before."""
    first = plain(headline(run))
    if run.other_function is not None:
        first = f"{plain(whose(run.other_function))}\n{first}"
    if not run.divergences:
        return first
    return f"{first}, {paint(counted(len(run.divergences), 'divergence'), '31')}"


# --- a stop -------------------------------------------------------------------------------------


def stop_text(debugger: Debugger, stop: Stop) -> Iterator[str]:
    """Tell of a stop: the operation, the line of code, what is otherwise there."""
    if stop.reason.startswith("breakpoint"):
        yield paint(plain(stop.reason, _LONGEST_LINE), "2")
    if stop.kind == "end":
        yield from _end(debugger.run_result, stop)
    elif stop.kind == "exception":
        yield paint(f"> {plain(stop.error, 500)}", "31") + "  leaves the handler"
    elif stop.kind == "operation":
        yield f"> {_operation(stop)}"
    if stop.source is not None:
        before = "> before " if stop.kind == "line" else "  "
        yield f"{before}{where(stop.source.file, stop.source.line, stop.source.function)}"
        lines = list(lines_around(stop.source, _AROUND))
        width = max((len(str(line.number)) for line in lines), default=1)
        for line in lines[: _LONGEST_CALL + 2 * _AROUND]:
            yield _source_line(line.number, line.text, width, current=line.number == stop.source.line)
        if not lines and stop.source.source:  # the file is not here any more
            yield _source_line(stop.source.line, stop.source.source, width, current=True)
    for one in stop.divergences:
        yield f"  {paint('divergence', '31')}  {plain(one.message, 500)}"
    if stop.changed_by:
        yield f"  {paint('changed', '33')}  by {plain(stop.changed_by, 200)}: what follows need not be as recorded. `start` begins anew."


def _operation(stop: Stop) -> str:
    is_virtual = stop.operation is None and stop.asked is not None and stop.asked.answer == "virtual"
    return operation_line(operation_of(stop) | ({"status": "VIRTUAL"} if is_virtual else {}))


def _end(run: Run, stop: Stop) -> Iterator[str]:
    status = stop.status or "ended"
    error = f": {plain(stop.error, 500)}" if stop.error else ""
    yield f"> the end: {paint_status(f'{symbol(status)} {word(status)}', status)}{error}"
    if run.divergences:
        yield f"  {counted(len(run.divergences), 'divergence')}: `divergences` lists them"
    elif run.ok:
        yield "  as recorded"
    if status == "PENDING":
        for remark in run.history.remarks[:_MOST_REMARKS]:
            yield f"  {plain(remark, 300)}"


def _source_line(number: int, text: str, width: int, *, current: bool, mark: str = " ") -> str:
    line = f"{mark}{'->' if current else '  '} {number:{width}}  {plain(text.expandtabs().rstrip(), _LONGEST_LINE)}"
    return paint(line, "1") if current else line


# --- source and stack ---------------------------------------------------------------------------


def listing(  # noqa: PLR0913
    file: str, first: int, last: int, *, current: int, breaks: Collection[int], operations: Collection[int]
) -> Iterator[str]:
    """Give lines of a file: ``B`` where a breakpoint is, ``·`` where an operation is asked for."""
    for number in range(max(1, first), last + 1):
        text = linecache.getline(file, number)
        if text:
            mark = "B" if number in breaks else "·" if number in operations else " "
            yield _source_line(number, text, len(str(last)), current=number == current, mark=mark)


def function_lines(file: str, line: int) -> tuple[int, int]:
    """Give the first and the last line of the function that a line is in; of the file, where it is in none."""
    lines = linecache.getlines(file)
    found = (1, len(lines))
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError, RecursionError):  # written for another Python, say
        return max(1, line - 20), line + 20
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            last = node.end_lineno or first
            if first <= line <= last and last - first <= found[1] - found[0]:
                found = first, last
    return found


def stack_text(stack: Sequence[StackFrame], at: int) -> Iterator[str]:
    """Give the functions on the stack, the innermost last."""
    for number, frame in reversed(list(enumerate(stack))):
        yield f"{'>' if number == at else ' '} {where(frame.file, frame.line, frame.function)}"
        source = linecache.getline(frame.file, frame.line).strip()
        if source:
            yield f"      {plain(source, _LONGEST_LINE)}"


# --- operations ---------------------------------------------------------------------------------


def answer_text(history: History, stop: Stop) -> Iterator[str]:
    """Tell what the operation of a stop asks for, and what the record answers."""
    asked, operation = stop.asked, stop.operation
    if asked is None:
        yield "No operation is asked for here."
        return
    yield f"  {_operation(stop)}"
    for name, value in asked.arguments.items():
        yield f"  {plain(name):10}  {plain(value, _LONGEST_VALUE)}"
    if operation is None:
        yield "  The history has no answer for it."
        return
    for attempt in operation.all_attempts:
        if attempt.error and len(operation.all_attempts) > 1:
            yield f"  {f'attempt {attempt.number}':10}  {plain(error_line(attempt.error), _LONGEST_VALUE)}"
    if operation.error:
        yield f"  {'error':10}  {plain(error_line(operation.error), _LONGEST_VALUE)}"
    if operation.result is not None:
        yield f"  {'result':10}  {plain(history.plain(operation.result, operation), _LONGEST_VALUE)}"
    if operation.start is not None and operation.end is not None:
        yield f"  {'took':10}  {duration((operation.end - operation.start).total_seconds())}"


def operations_text(debugger: Debugger, rows: Sequence[Row], pattern: str) -> Iterator[str]:
    """Give the operations, or those of a name or position like `pattern`; of many, those around the stop."""
    chosen = [row for row in rows if _is_like(row, pattern)]
    if not chosen:
        yield "No operation is like that." if rows else "No operations."
        return
    here = debugger.stop.index
    at = next((i for i, row in enumerate(chosen) if row.asked is not None and row.asked.seq >= here), 0)
    first, last = max(0, at - _ROWS_AROUND), at + _ROWS_AROUND + 1
    if pattern == "all":
        first, last = 0, len(chosen)
    if first:
        yield paint(f"   … {first:,} before", "2")
    breaks = {seq for one in debugger.breakpoints if one.enabled for seq in one.stops}
    yield from _table([_cells(row, breaks) for row in chosen[first:last]], here)
    if last < len(chosen):
        yield paint(f"   … {len(chosen) - last:,} behind; `operations all` shows all", "2")


def _is_like(row: Row, pattern: str) -> bool:
    if pattern in {"", "all"}:
        return True
    name = (row.recorded or row.asked).name or ""  # type: ignore[union-attr]  # it has one of them
    return pattern in name or fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(row.position, pattern)


def _cells(row: Row, breaks: Collection[int]) -> tuple[int, str, tuple[str, ...]]:
    """Give the number of its stop (-1: none), its status, and what its columns say."""
    one = row.recorded or row.asked
    assert one is not None
    asked = row.asked
    is_virtual = asked is not None and asked.answer == "virtual"
    status = row.recorded.status if row.recorded is not None else "VIRTUAL" if is_virtual else "no record"
    place = "not asked for" if asked is None else f"{Path(asked.file).name}:{asked.line}"
    cells = (
        "B" if asked is not None and asked.seq in breaks else " ",
        plain(row.position, 20),
        "  " * min(row.depth, 6) + f"{symbol(status)} {plain(one.name or '(no name)', 120)}",
        word(status),
        plain(one.sub_type or one.type),
        plain(place),
    )
    return (asked.seq if asked is not None else -1), status, cells


def _table(rows: Sequence[tuple[int, str, tuple[str, ...]]], here: int) -> Iterator[str]:
    widths = [max(len(cells[i]) for _, _, cells in rows) for i in range(6)]
    if sys.stdout.isatty():  # names give way to the window's width
        room = shutil.get_terminal_size().columns - sum(widths) + widths[2] - 2 * len(widths) - 2
        widths[2] = max(min(widths[2], room), 16)
    for seq, status, cells in rows:
        texts = [
            text if len(text) <= width else f"{text[: width - 1]}…"
            for text, width in zip(cells, widths, strict=True)
        ]
        mark, position, name, told, kind, place = (
            text.ljust(width) for text, width in zip(texts, widths, strict=True)
        )
        arrow = "->" if seq == here else "  "
        line = "  ".join([position, paint_status(name, status), told, kind, place]).rstrip()
        yield f"{mark}{paint(arrow, '1')} {line}"


# --- divergences and breakpoints ----------------------------------------------------------------


def divergences_text(run: Run, stop: Stop) -> Iterator[str]:
    """Give all divergences; ``->`` is before those of this stop."""
    if not run.divergences:
        yield (
            "The replay did what the history says."
            if run.ok
            else "No divergence up to where the replay ended."
        )
    for number, one in enumerate(run.divergences, 1):
        first, *rest = divergence_lines(number, one)
        yield ("->" if one in stop.divergences else "  ") + plain(
            first.removeprefix("  "), 2 * _LONGEST_VALUE
        )
        for line in rest:
            yield plain(line, 2 * _LONGEST_VALUE)


def breakpoint_line(one: Breakpoint, where_: Sequence[str]) -> str:
    """Tell of a breakpoint: its number, what it stops at, where, how often it was hit."""
    parts = [f"{one.id:3}  {plain('divergences' if one.id == 0 else one.spec, _LONGEST_LINE)}"]
    if not one.enabled:
        parts.append("disabled")
    if one.id:
        places = plain(", ".join(where_[:3]) + (" …" if len(where_) > 3 else ""))
        parts.append(f"{counted(len(one.stops), 'operation')}{f' at {places}' if places else ''}")
        parts += [f"hit {counted(one.hit_count, 'time')}"] if one.hit_count else []
    if one.note:
        parts.append(plain(one.note, _LONGEST_LINE))
    return "; ".join(parts)
