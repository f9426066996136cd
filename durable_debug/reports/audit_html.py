"""An audit's report as a card in a notebook, and as a page of its own: read in a minute, however large the audit was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.reports.audit_page import begun, deployed, page_of, see
from durable_debug.reports.page import SIGNS, chip, page, severity, text, where
from durable_debug.reports.run_html import finding
from durable_debug.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from durable_debug.audits.causes import Cause
    from durable_debug.audits.report import Report
    from durable_debug.reports.audit_page import Page

__all__ = ["card", "whole_page"]

_MOST_VERSIONS = 3


def card(report: Report) -> str:
    """Show a report: HTML for light and dark pages, escaped and bounded."""
    told = page_of(report)
    body = [_headline(report, told)]
    body += [
        _accepted(cause, report)
        if cause.accepted
        else finding(cause.id, cause.divergence, _seen(cause, report))
        for cause in told.in_full
    ]
    body += [_further(told, report), _lost(told), _versions(told)]
    return page("".join(body))


def whole_page(report: Report) -> str:
    """Show a report as a page of its own, to be kept as a build's artefact."""
    title = text(f"audit of {report.handler}", 120)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"></head>'
        f'<body style="margin:16px auto;max-width:1080px">{card(report)}</body></html>\n'
    )


def _headline(report: Report, told: Page) -> str:
    worst = report.worst() or "clean"
    against = f" against {text(report.against, 120)}" if report.against else ""
    facts = [f"{text(report.handler, 120)}{against}", f"{report.seconds:,.1f} s"]
    facts += [told.rate] if told.rate else []
    facts += [f"executions begun {told.begun}"] if told.begun else []
    remarks = "".join(f"<br><small>{text(remark, 500)}</small>" for remark in report.remarks())
    return (
        f'<header><b><i class="{worst}">{SIGNS[worst]}</i>{text(report.summary)}</b>'
        f"<small>{' · '.join(facts)}</small>{remarks}{_bar(report)}</header>"
    )


def _bar(report: Report) -> str:
    """Clean, diverging (as before, or newly) and not compared, by length."""
    of = report.tally
    total = of.histories or 1
    parts = (
        ("clean", of.clean, "var(--good)"),
        ("as before", of.as_before, "var(--muted)"),
        ("diverge", of.diverging, "var(--old)"),
        ("not compared", of.uncompared, "var(--late)"),
    )
    spans = [
        f'<span title="{count:,} {word}" style="width:{100 * count / total:.2f}%;background:{colour}"></span>'
        for word, count, colour in parts
        if count
    ]
    return f'<span class="bar">{"".join(spans)}</span>'


def _accepted(cause: Cause, report: Report) -> str:
    one = cause.divergence
    title = f"{chip(cause.id)}<span>{text(one.kind.replace('_', ' '))}</span>{where(one.place)}"
    return f'<section class="mut"><h4>{title}<small>accepted</small>{_seen(cause, report)}</h4><p>{text(one.message, 500)}</p></section>'


def _seen(cause: Cause, report: Report) -> str:
    """In how many, since when, under which versions, and the command that shows one of them."""
    share = f"in {cause.count:,} of {counted(report.tally.histories, 'history', 'histories')}"
    days = begun(cause.first_seen, cause.last_seen)
    known = [one for one in cause.versions if one[0] != (None, None)]
    versions = [f"{text(deployed(of), 80)} ({count:,})" for of, count in known[:_MOST_VERSIONS]]
    versions += ["…"] if len(known) > _MOST_VERSIONS else []
    level = [] if cause.level == cause.divergence.severity else [f"here {text(cause.level)}"]
    facts = [
        *level,
        share,
        *([f"begun {days}"] if days else []),
        *([", ".join(versions)] if versions else []),
    ]
    command = see(report, cause)
    example = f"<small>for example <span class='at'>{text(cause.example, 120)}</span></small>"
    if command:
        example = f"<small><span class='at'>{text(command, 400)}</span></small>"
    return f"<small>{' · '.join(facts)}</small>{example}"


def _further(told: Page, report: Report) -> str:
    if not told.listed:
        return ""
    rows = [
        [
            (
                f"{cause.id}. {text(cause.divergence.kind.replace('_', ' '))} {'accepted' if cause.accepted else severity(cause.level)}",
                "",
            ),
            (where(cause.divergence.place), ""),
            (f"{cause.count:,}", "num"),
            (begun(cause.first_seen, cause.last_seen), ""),
            (f"<span class='at'>{text(see(report, cause) or cause.example, 240)}</span>", ""),
        ]
        for cause in told.listed
    ]
    heads = ["further causes", "line", "histories", "executions begun", "one of them"]
    return _table(heads, rows, _more(told.left, "causes: report.causes"))


def _lost(told: Page) -> str:
    if not told.lost:
        return ""
    rows = [
        [
            (f"{text(cause.divergence.kind.replace('_', ' '))}: {text(cause.divergence.message, 240)}", ""),
            (f"{cause.count:,}", "num"),
            (f"<span class='at'>{text(cause.example, 120)}</span>", ""),
        ]
        for cause in told.lost
    ]
    return _table(
        ["could not be compared", "histories", "for example"], rows, _more(told.lost_left, "reasons")
    )


def _versions(told: Page) -> str:
    if not told.versions:
        return ""
    rows = [
        [
            (text(one.name, 120), ""),
            (f"{one.histories:,}", "num"),
            (f"{one.diverging:,}", "num"),
            (f"{one.uncompared:,}", "num"),
            (one.begun, ""),
        ]
        for one in told.versions
    ]
    heads = ["function and version", "histories", "diverge", "not compared", "executions begun"]
    return _table(heads, rows, _more(told.versions_left, "versions: report.frame"))


def _more(count: int, what: str) -> str:
    return f'<p class="mut">… and {count:,} more {what}</p>' if count else ""


def _table(heads: Iterable[str], rows: Iterable[list[tuple[str, str]]], more: str) -> str:
    """A table of cells that are HTML, each with its class."""
    head = "".join(
        f"<th{' class=num' if name in {'histories', 'diverge', 'not compared'} else ''}>{name}</th>"
        for name in heads
    )
    body = "".join(
        "<tr>" + "".join(f"<td{f' class={css}' if css else ''}>{cell}</td>" for cell, css in row) + "</tr>"
        for row in rows
    )
    return f"<section><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}</section>"
