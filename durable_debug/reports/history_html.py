"""What a history shows of itself in a notebook: one small card."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from durable_debug.plots.mini import mini_timeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from durable_debug.history import History

__all__ = ["card", "redactions"]

_LONGEST = 120
_MOST_WARNINGS = 5


def card(history: History) -> str:
    """HTML for light and dark pages, with a small timeline; bounded, and everything from the history escaped."""
    seconds = history.duration_seconds
    rows = [
        ("Function", history.function_name),
        ("Status", history.status),
        ("Duration", None if seconds is None else f"{seconds:,.3f} s"),
        ("Operations", f"{len(history.tree()):,}"),
        ("Invocations", f"{history.invocation_count:,}"),
        ("Events", f"{len(history):,}"),
        ("Error", _error(history)),
        ("Redacted", redactions(history)),
    ]
    cells = "".join(
        f'<tr><th style="text-align:left;padding:0 1em 0 0">{title}</th>'
        f'<td style="text-align:left">{escape(_short(value))}</td></tr>'
        for title, value in rows
        if value is not None
    )
    remarks = "".join(
        f'<div style="margin:.3em 0 0">{escape(_short(remark, 600))}</div>' for remark in history.remarks
    )
    shown = list(history.warnings[:_MOST_WARNINGS])
    if len(history.warnings) > _MOST_WARNINGS:
        shown.append(f"… and {len(history.warnings) - _MOST_WARNINGS} more: see .warnings")
    warnings = "".join(f"<li>{escape(_short(warning, 400))}</li>" for warning in shown)
    return (
        '<div style="border:1px solid #8888;border-radius:4px;padding:.5em .8em;display:inline-block;max-width:50em">'
        f"<strong>{escape(_short(history.name or 'Durable execution'))}</strong>"
        f'<table style="margin:.3em 0 0">{cells}</table>{mini_timeline(history)}'
        + remarks
        + (f'<ul style="margin:.3em 0 0;padding-left:1.2em">{warnings}</ul>' if warnings else "")
        + "</div>"
    )


def redactions(history: History, most: int = 5) -> str | None:
    """How many values each pattern replaced; None where all values are as recorded."""
    if history.redacted is None:
        return None
    kept = f"; kept: {_counted(history.kept, most)}" if history.kept else ""
    told = _counted(history.redacted, most)
    return f"values are placeholders{': ' if told else ''}{told}{kept}"


def _counted(counts: Mapping[str, int], most: int) -> str:
    told = [f"{count:,} by {rule:.60}" for rule, count in list(counts.items())[:most]]
    more = len(counts) - len(told)
    return f"{', '.join(told)}{f' and {more} more' if more else ''}"


def _error(history: History) -> str | None:
    if not history.error:
        return None
    told = [history.error.get("ErrorType"), history.error.get("ErrorMessage")]
    return ": ".join(str(each) for each in told if each) or None


def _short(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
