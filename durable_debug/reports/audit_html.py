"""An audit's report as a card in a notebook: counts, and each cause with its line of code and an example."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.audits.check import OBSTACLES
from durable_debug.reports.page import SIGNS, page, text
from durable_debug.reports.run_html import finding
from durable_debug.wording import counted

if TYPE_CHECKING:
    from durable_debug.audits.causes import Cause
    from durable_debug.audits.report import Report

__all__ = ["card"]

_MOST_CAUSES = 20


def card(report: Report) -> str:
    """Show a report: HTML for light and dark pages, escaped and bounded."""
    body = [_headline(report)]
    body += [
        finding(cause.id, cause.divergence, _seen(cause, report)) for cause in report.causes[:_MOST_CAUSES]
    ]
    if len(report.causes) > _MOST_CAUSES:
        body.append(
            f'<section class="mut">… and {len(report.causes) - _MOST_CAUSES:,} more: see report.causes</section>'
        )
    return page("".join(body))


def _headline(report: Report) -> str:
    worst = report.worst() or "clean"
    against = f" against {text(report.against, 120)}" if report.against else ""
    rate = (
        f" · {len(report.rows) / report.seconds:,.0f} a second"
        if report.seconds and len(report.rows) > 99
        else ""
    )
    remarks = "".join(f"<br><small>{text(remark, 500)}</small>" for remark in report.remarks())
    return (
        f'<header><b><i class="{worst}">{SIGNS[worst]}</i>{text(report.summary)}</b>'
        f"<small>{text(report.handler, 120)}{against} · {report.seconds:.1f} s{rate}</small>{remarks}{_bar(report)}</header>"
    )


def _bar(report: Report) -> str:
    """Clean, diverging (as before, or newly) and not compared, by length."""
    total = len(report.rows)
    lost = sum(1 for row in report.rows if not row.clean and set(row.kinds) <= set(OBSTACLES))
    as_before = sum(1 for row in report.rows if row.as_before)
    clean = sum(1 for row in report.rows if row.clean) - as_before
    parts = (
        ("clean", clean, "var(--good)"),
        ("as before", as_before, "var(--muted)"),
        ("diverge", total - clean - as_before - lost, "var(--old)"),
        ("not compared", lost, "var(--late)"),
    )
    spans = [
        f'<span title="{count:,} {word}" style="width:{100 * count / total:.2f}%;background:{colour}"></span>'
        for word, count, colour in parts
        if count
    ]
    return f'<span class="bar">{"".join(spans)}</span>'


def _seen(cause: Cause, report: Report) -> str:
    share = f"in {cause.count:,} of {counted(len(report.rows), 'history', 'histories')}"
    return f"<small>{share}, for example <span class='at'>{text(cause.example, 120)}</span></small>"
