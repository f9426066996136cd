"""An audit as Markdown: what a CI system shows on the page of a job, or as a comment on a pull request."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from durable_debug.reports.documentation import about_kind
from durable_debug.reports.page import SIGNS
from durable_debug.reports.paths import relative
from durable_debug.wording import counted, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from durable_debug.audits.causes import Cause
    from durable_debug.audits.report import Report, Row

__all__ = ["markdown"]

_MOST_CAUSES = 10
_MOST_ROWS = 20
_LONGEST = 300
_LONGEST_CELL = 100
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&!@]|(?<=:)/)")  # and of an address, so that it is no link


def markdown(report: Report) -> str:
    """Tell the verdict, then the causes, the executions that show them, and what to type next."""
    blocks = [
        f"## {SIGNS[report.worst() or 'clean']} durable-debug: {_text(report.summary)}",
        _scope(report),
        *(_cause(cause, report) for cause in _shown(report)[:_MOST_CAUSES]),
        *_more(len(_shown(report)) - _MOST_CAUSES, "cause"),
        *_table(report),
        *(f"- {_text(remark)}" for remark in report.remarks()),
        *_next(report),
    ]
    return "\n\n".join(blocks) + "\n"


def _shown(report: Report) -> list[Cause]:
    return [cause for cause in report.causes if cause.level != "off"]


def _scope(report: Report) -> str:
    against = f" against {_code(report.against)}" if report.against else ""
    return f"{_code(report.handler)}{against}, {report.seconds:.1f} s"


def _cause(cause: Cause, report: Report) -> str:
    one = cause.divergence
    at = f" at {_code(f'{relative(one.file)}:{one.line}')}" if one.file else ""
    level = "accepted" if cause.accepted else cause.level
    share = f"{cause.count:,} of {counted(len(report.rows), 'history', 'histories')}"
    lines = [f"**{cause.id}. [{_text(one.kind)}]({about_kind(one.kind)})** ({level}){at}, {share}"]
    if one.source and not cause.accepted:
        lines.append(f"{_code(one.source)}")
    lines.append(_text(one.message))
    if not cause.accepted:
        lines += [f"On Lambda: {_text(one.lambda_effect)}"] if one.lambda_effect else []
        lines.append(f"*{_text(one.advice)}*")
    return "  \n".join(lines)


def _table(report: Report) -> Iterator[str]:
    """The executions that count."""
    rows = [row for row in report.rows if report.counts(row)]
    if not rows:
        return
    head = "| execution | function | recorded | replayed | causes |\n|---|---|---|---|---|"
    yield "\n".join([head, *map(_row, rows[:_MOST_ROWS])])
    left = rows[_MOST_ROWS:]
    if left:
        by_function = Counter(row.function or "of unknown functions" for row in left).most_common(3)
        names = ", ".join(f"{count:,} {_text(name)}" for name, count in by_function)
        yield f"… and {len(left):,} more ({names})"


def _row(row: Row) -> str:
    cells = (
        _code(row.name or row.history, _LONGEST_CELL),
        _code(row.function or "", _LONGEST_CELL),
        _text(row.recorded_status or ""),
        _text(row.status or "not replayed"),
        ", ".join(map(str, row.causes)),
    )
    # A bar ends a cell also in code; elsewhere it has its backslash already.
    escaped = (cell.replace("|", "\\|") if cell.startswith("`") else cell for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _more(count: int, what: str) -> Iterator[str]:
    if count > 0:
        yield f"… and {counted(count, f'more {what}')}"


def _next(report: Report) -> Iterator[str]:
    """What somebody types who has the histories at hand."""
    cause = next((one for one in report.causes if one.counts), None)
    if cause is None or not Path(cause.example).exists():
        return
    if "." in report.handler and not {" ", "<"} & set(report.handler):  # else a function, or several
        yield f"Next: {_code(f'durable-debug replay {shlex.quote(report.handler)} {shlex.quote(cause.example)}')}"


def _text(text: str) -> str:
    """Somebody's data as text: no markup, no HTML, one line."""
    return _MARKUP.sub(r"\\\1", _line(text))


def _code(text: str, limit: int = _LONGEST) -> str:
    """Somebody's data as code: between more backticks than it has in a row."""
    line = _line(text, limit)
    if not line:
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _line(text: str, limit: int = _LONGEST) -> str:
    shown = shortened(text, limit)
    return "".join(one if one.isprintable() else "�" if one not in "\n\t" else " " for one in shown)
