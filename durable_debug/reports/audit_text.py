"""An audit as plain text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.reports.paths import relative
from durable_debug.wording import counted

if TYPE_CHECKING:
    from durable_debug.audits.causes import Cause
    from durable_debug.audits.report import Report

__all__ = ["report"]

_MOST_NAMED = 3


def report(audit: Report) -> str:
    """Tell the counts, then each cause with its example."""
    against = f", against {audit.against}" if audit.against else ""
    lines = [f"{audit.handler}{against}: {audit.summary} ({audit.seconds:.1f} s)"]
    for cause in audit.causes:
        lines += ["", *_cause_lines(cause, audit.histories(cause.id))]
    lines += [line for remark in audit.remarks() for line in ("", f"  {remark}")]
    return "\n".join(lines)


def _cause_lines(cause: Cause, histories: tuple[str, ...]) -> list[str]:
    one = cause.divergence
    where = f" at {relative(one.file)}:{one.line}" if one.file else ""
    lines = [
        f"  {cause.id}. {one.kind} ({one.severity}){where}, {counted(cause.count, 'history', 'histories')}"
    ]
    if one.source:
        lines.append(f"       {one.line} | {one.source}")
    lines.append(f"     {one.message}")
    shown = ", ".join(histories[:_MOST_NAMED]) + (", …" if len(histories) > _MOST_NAMED else "")
    facts = {
        "history": one.recorded,
        "code": one.asked,
        "Lambda": one.lambda_effect,
        "advice": one.advice,
        "seen in": shown,
    }
    lines += [f"     {name:8}  {fact}" for name, fact in facts.items() if fact]
    return lines
