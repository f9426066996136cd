"""What a saved notebook shows on a page without a kernel."""

from __future__ import annotations

from html import escape
from typing import Any

__all__ = ["static_html"]

_AROUND = 3
_MOST_ROWS = 60


def static_html(title: str, view: dict[str, Any], rows: dict[str, Any], source: dict[str, Any]) -> str:
    """Where the session stood: the line of source and the operations, as plain HTML. Everything is escaped."""
    return (
        '<div style="border:1px solid #8888;border-radius:4px;padding:.5em .8em;max-width:60em">'
        f"<strong>{escape(title)}</strong><div>{escape(str(view.get('headline', '')))}</div>"
        f"{_source(view, source)}{_operations(view, rows)}"
        "<small>Run the cell again to go on debugging.</small></div>"
    )


def _source(view: dict[str, Any], source: dict[str, Any]) -> str:
    line = view.get("line") or 0
    if not line or view.get("file") != source.get("file"):
        return ""
    first = max(1, line - _AROUND)
    shown = []
    for number, tokens in enumerate(source["lines"][first - 1 : line + _AROUND], first):
        text = escape("".join(tokens[1::2]))
        mark = "▶" if number == line else " "
        shown.append(f"{mark} {number:>4}  {f'<b>{text}</b>' if number == line else text}")
    return f'<pre style="margin:.5em 0;line-height:1.35">{chr(10).join(shown)}</pre>'


def _operations(view: dict[str, Any], rows: dict[str, Any]) -> str:
    if not rows.get("position"):
        return ""
    at = max(0, view.get("row", -1))
    first = max(0, min(at - _MOST_ROWS // 2, len(rows["position"]) - _MOST_ROWS))
    found = []
    for row in range(first, min(first + _MOST_ROWS, len(rows["position"]))):
        here = row == view.get("row")
        cells = (
            "▶" if here else "",
            rows["position"][row],
            "\u2003" * rows["depth"][row] + (rows["name"][row] or ""),
            rows["kinds"][rows["kind"][row]],
            rows["statuses"][rows["recorded"][row]] or "not recorded",
        )
        found.append(
            "<tr>" + "".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in cells) + "</tr>"
        )
    heads = "".join(
        f'<th style="text-align:left">{head}</th>' for head in ("", "", "Operation", "Kind", "Recorded")
    )
    rest = len(rows["position"]) - len(found)
    more = f"<div>… and {rest:,} more operations</div>" if rest else ""
    return f'<table style="margin:.3em 0"><thead><tr>{heads}</tr></thead><tbody>{"".join(found)}</tbody></table>{more}'
