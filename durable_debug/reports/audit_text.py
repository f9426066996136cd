"""An audit as plain text for a terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from durable_debug.reports.audit_page import begun, deployed, page_of, see
from durable_debug.reports.paths import relative
from durable_debug.wording import counted, shortened

if TYPE_CHECKING:
    from durable_debug.audits.causes import Cause
    from durable_debug.audits.report import Report
    from durable_debug.reports.audit_page import Page

__all__ = ["report"]

_MOST_NAMED = 3
_MOST_VERSIONS = 3
_WIDTH = 44  # of the first column of a table


def report(audit: Report) -> str:
    """Tell the counts, then the causes with an example each, then what else there is: a page, however many there are."""
    page = page_of(audit)
    against = f", against {audit.against}" if audit.against else ""
    lines = [f"{audit.handler}{against}: {audit.summary} ({audit.seconds:.1f} s)"]
    if len(audit.rows) > 1 and page.begun:
        rate = f", {page.rate}" if page.rate else ""
        lines.append(f"  executions begun {page.begun}{rate}")
    for cause in page.in_full:
        lines += ["", *_cause_lines(cause, audit)]
    for block in (_further(page), _lost(page), _versions(page)):
        lines += ["", *block] if block else []
    lines += [line for remark in audit.remarks() for line in ("", f"  {remark}")]
    return "\n".join(lines)


def _cause_lines(cause: Cause, audit: Report) -> list[str]:
    one = cause.divergence
    where = f" at {relative(one.file)}:{one.line}" if one.file else ""
    level = one.severity if cause.level == one.severity else f"{one.severity}, here {cause.level}"
    accepted = ", accepted" if cause.accepted else ""
    lines = [
        f"  {cause.id}. {one.kind} ({level}{accepted}){where}, {counted(cause.count, 'history', 'histories')}"
    ]
    if cause.accepted:
        return [*lines, f"     {one.message}"]
    if one.source:
        lines.append(f"       {one.line} | {one.source}")
    lines.append(f"     {one.message}")
    shown = ", ".join(cause.examples[:_MOST_NAMED]) + (", …" if cause.count > _MOST_NAMED else "")
    facts = {
        "history": one.recorded,
        "code": one.asked,
        "Lambda": one.lambda_effect,
        "advice": one.advice,
        "seen in": shown,
        "begun": _begun(cause) if cause.count > 1 else "",
        "see it": see(audit, cause),
    }
    lines += [f"     {name:8}  {fact}" for name, fact in facts.items() if fact]
    return lines


def _begun(cause: Cause) -> str:
    """When, and under which versions: the most of them."""
    days = begun(cause.first_seen, cause.last_seen)
    known = [(of, count) for of, count in cause.versions if of != (None, None)]
    of = [f"{deployed(one)} ({count:,})" for one, count in known[:_MOST_VERSIONS]]
    of += ["…"] if len(known) > _MOST_VERSIONS else []
    return "; ".join(part for part in (days, ", ".join(of)) if part)


def _further(page: Page) -> list[str]:
    if not page.listed:
        return []
    lines = [f"  {'further causes':{_WIDTH}}  histories  executions begun"]
    for cause in page.listed:
        one = cause.divergence
        where = f" at {os.path.basename(one.file)}:{one.line}" if one.file else ""  # noqa: PTH119 - or a cell
        name = f"{cause.id}. {one.kind}{' (accepted)' if cause.accepted else ''}{where}"
        lines.append(_row(name, f"{cause.count:>9,}", begun(cause.first_seen, cause.last_seen)))
    return [*lines, *_more(page.left, "causes: report.causes, or --format json")]


def _lost(page: Page) -> list[str]:
    if not page.lost:
        return []
    lines = [f"  {'could not be compared':{_WIDTH}}  histories  for example"]
    for cause in page.lost:
        one = cause.divergence
        lines.append(_row(f"{one.kind}: {one.message}", f"{cause.count:>9,}", cause.example))
    return [*lines, *_more(page.lost_left, "reasons")]


def _versions(page: Page) -> list[str]:
    if not page.versions:
        return []
    lines = [f"  {'function and version':{_WIDTH}}  histories    diverge  not compared"]
    rows = [
        _row(one.name, f"{one.histories:>9,}", f"{one.diverging:>9,}  {one.uncompared:>12,}")
        for one in page.versions
    ]
    return [*lines, *rows, *_more(page.versions_left, "versions: report.frame")]


def _row(name: str, count: str, rest: str) -> str:
    return f"  {shortened(name, _WIDTH):{_WIDTH}}  {count}  {rest}".rstrip()


def _more(count: int, what: str) -> list[str]:
    return [f"  … and {count:,} more {what}"] if count else []
