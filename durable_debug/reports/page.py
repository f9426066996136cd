"""What the cards of runs and audits share: a style for light and dark pages, escaping, lines of code."""

from __future__ import annotations

import functools
import html
import linecache
import os
import re
from typing import TYPE_CHECKING

from durable_debug.wording import short_ids

if TYPE_CHECKING:
    from durable_debug.engine.places import Place

__all__ = ["SIGNS", "chip", "code", "page", "severity", "text", "where"]

_MOST_CODE_LINES = 5
_LONGEST_CODE_LINE = 200

# Signs stand beside every colour, words beside every sign.
SIGNS = {"error": "✗", "warning": "▲", "info": "○", "clean": "✓"}

# The class counts twice, so that it is stronger than the page's own rules for tables, lists and code. Colours follow JupyterLab's theme; elsewhere the fallbacks follow the page's. After Okabe and Ito: vermillion and
# blue are told apart with any kind of colour vision.
STYLE = (
    """
.dd-card{color-scheme:light;--ink:var(--jp-ui-font-color1,light-dark(#1f2328,#e2e4e8));
--muted:var(--jp-ui-font-color2,light-dark(#5c636d,#a3a9b3));--paper:var(--jp-layout-color1,light-dark(#fff,#16191d));
--shade:var(--jp-layout-color2,light-dark(#f3f4f6,#21252b));--line:var(--jp-border-color2,light-dark(#d9dce1,#363b43));
--old:light-dark(#a83a08,#ff9a66);--old-bg:light-dark(#fbe9df,#3a2418);--new:light-dark(#0b5fa5,#74b9f7);
--new-bg:light-dark(#e2effb,#152c42);--late:light-dark(#82559a,#d3a0e6);--good:light-dark(#00734f,#35c795);
--mono:var(--jp-code-font-family,ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace);
box-sizing:border-box;max-width:1080px;margin:4px 0;border:1px solid var(--line);border-radius:4px;overflow:hidden;
background:var(--paper);color:var(--ink);font:13px/20px var(--jp-ui-font-family,system-ui,"Segoe UI",Helvetica,Arial,sans-serif);
font-variant-numeric:tabular-nums;text-align:left}
body[data-jp-theme-light="false"] .dd-card,body.vscode-dark .dd-card,body.theme-dark .dd-card{color-scheme:dark}
@media(prefers-color-scheme:dark){body:not([data-jp-theme-light],.vscode-light,.vscode-high-contrast-light,.theme-light) .dd-card{color-scheme:dark}}
.dd-card *{box-sizing:border-box}
.dd-card header{padding:12px 16px;border-bottom:1px solid var(--line)}
.dd-card header>b{display:block;font-size:15px;line-height:24px;font-weight:600;overflow-wrap:anywhere}
.dd-card header b>i{font-style:normal;margin-right:8px}
.dd-card small,.dd-card .mut{color:var(--muted);font-size:12px}
.dd-card .error{color:var(--old)}.dd-card .warning{color:var(--late)}.dd-card .info{color:var(--muted)}.dd-card .clean{color:var(--good)}
.dd-card section{padding:12px 16px;border-bottom:1px solid var(--line)}
.dd-card section:last-child,.dd-card header:last-child{border-bottom:0}
.dd-card h4{margin:0 0 4px;padding:0;font-weight:600;font-size:13px;line-height:20px;font-family:inherit;color:inherit;display:flex;flex-wrap:wrap;gap:0 8px;align-items:baseline}
.dd-card h4 small{font-weight:400}.dd-card h4 .at{font:12px var(--mono);color:var(--muted);overflow-wrap:anywhere}
.dd-card .n{flex:none;display:inline-block;min-width:18px;padding:0 5px;border-radius:9px;background:var(--ink);color:var(--paper);font:600 11px/18px var(--mono);text-align:center}
.dd-card p{margin:0;padding:0;overflow-wrap:anywhere}
.dd-card pre{margin:4px 0;padding:4px 8px;background:var(--shade);border:0;border-radius:3px;color:inherit;font:12px/18px var(--mono);white-space:pre-wrap;overflow-wrap:anywhere}
.dd-card pre i{font-style:normal;color:var(--muted);user-select:none;margin-right:12px}
.dd-card dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:2px 12px;margin:4px 0 0;padding:0}
.dd-card dt{margin:0;padding:0;color:var(--muted);font-weight:400}.dd-card dd{margin:0;padding:0;overflow-wrap:anywhere}
.dd-card dd.old,.dd-card dd.new{font:12px/20px var(--mono)}.dd-card dd.old{color:var(--old)}.dd-card dd.new{color:var(--new)}
.dd-card details>summary{cursor:pointer;color:var(--muted)}.dd-card ul{margin:4px 0 0;padding:0 0 0 20px}.dd-card li{margin:0}
.dd-card .tree{padding:0;font:12px/22px var(--mono)}
.dd-card .tree>div{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);min-height:22px}
.dd-card .tree>div>span{display:flex;padding:0 8px;overflow:hidden;white-space:pre;min-width:0}
.dd-card .tree>div>span>*{flex:none}
.dd-card .tree>div>span>i{flex:0 1 auto;font-style:normal;overflow:hidden;text-overflow:ellipsis;min-width:0}
.dd-card .tree>div>span>i.far{flex-shrink:9999;min-width:4.1ch}
.dd-card .tree>div>span+span{border-left:1px solid var(--line)}
.dd-card .tree>.head{border-bottom:1px solid var(--line);background:var(--shade);color:var(--muted);font-family:inherit}
.dd-card .tree>.last{display:block;padding:0 8px 0 24px;border-bottom:1px dashed var(--old);color:var(--old)}
.dd-card .tree>.fold{display:block;padding:0 8px 0 24px;background:var(--shade);color:var(--muted)}
.dd-card .tree u{display:inline-block;width:16px;text-decoration:none;font-weight:700;text-align:center}
.dd-card .tree s{text-decoration:none;color:var(--muted);margin-left:8px}
.dd-card .tree .o{background:var(--old-bg)}.dd-card .tree .o u{color:var(--old)}
.dd-card .tree .w{background:var(--new-bg)}.dd-card .tree .w u{color:var(--new)}
.dd-card .tree .z{background:repeating-linear-gradient(135deg,transparent 0 5px,var(--shade) 5px 7px)}
.dd-card .tree .q{color:var(--muted)}
.dd-card .tree .n{align-self:center;margin-left:8px;line-height:16px;min-width:16px}
.dd-card .k{color:var(--jp-mirror-editor-keyword-color,light-dark(#00662e,#7ccf8e));font-weight:600}
.dd-card .s{color:var(--jp-mirror-editor-string-color,light-dark(#a3211c,#ffa08c))}
.dd-card .m{color:var(--jp-mirror-editor-number-color,light-dark(#00691f,#8fd694))}
.dd-card .c{color:var(--jp-mirror-editor-comment-color,light-dark(#4b7575,#8fb3b3));font-style:italic}
.dd-card details h4{display:inline-flex}.dd-card details>summary h4{margin:0;color:var(--ink)}
.dd-card .bar{display:block;height:8px;margin:8px 0 0;border-radius:4px;overflow:hidden;background:var(--shade);font-size:0;white-space:nowrap}
.dd-card .bar span{display:inline-block;height:8px}
.dd-card table{border-collapse:collapse;width:100%;margin:0;font-size:12px;line-height:18px}
.dd-card th,.dd-card td{padding:2px 16px 2px 0;border:0;background:none;text-align:left;vertical-align:top;overflow-wrap:anywhere;white-space:normal}
.dd-card th{color:var(--muted);font-weight:400;border-bottom:1px solid var(--line);white-space:nowrap}
.dd-card .num{text-align:right;white-space:nowrap}.dd-card td .at{font:12px var(--mono);color:var(--muted)}
""".strip()
    .replace("\n", "")
    .replace(".dd-card ", ".dd-card.dd-card ")
)


def page(body: str) -> str:
    """Put a card's body into its frame."""
    return f'<div class="dd-card"><style>{STYLE}</style>{body}</div>'


def text(value: object, longest: int = 300) -> str:
    """Escape somebody's data; cut where it is long, made visible where it would steer the page's direction or lines."""
    found = short_ids(str(value))
    if len(found) > longest:
        found = f"{found[: longest - 1]}…"
    return html.escape(_INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", found))


_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def severity(name: str) -> str:
    """A severity as a sign and a word."""
    return f'<span class="{text(name)}">{SIGNS.get(name, "?")} {text(name)}</span>'


def chip(number: int) -> str:
    """A divergence's number."""
    return f'<span class="n">{number}</span>'


def where(place: Place | None) -> str:
    """A place as the file's name and the line; the whole path when pointed at."""
    if place is None:
        return ""
    cell = place.file.startswith("<") or "ipykernel_" in place.file
    name = "notebook cell" if cell else os.path.basename(place.file)  # noqa: PTH119 - a cell has a name, and no path
    return f'<span class="at" title="{text(place.file)}">{text(name, 80)}:{place.line}</span>'


def code(place: Place | None) -> str:
    """The call's lines, highlighted."""
    if place is None:
        return ""
    last = min(max(place.end_line, place.line), place.line + _MOST_CODE_LINES - 1)
    lines = [
        linecache.getline(place.file, number).rstrip()[:_LONGEST_CODE_LINE]
        for number in range(place.line, last + 1)
    ]
    if not any(lines):
        return ""
    indent = min(len(line) - len(line.lstrip()) for line in lines if line)
    width = len(str(last))
    shown = [
        f"<i>{number:>{width}}</i>{one}"
        for number, one in zip(
            range(place.line, last + 1), _highlighted(tuple(line[indent:] for line in lines)), strict=True
        )
    ]
    more = "\n<i>…</i>" if place.end_line > last else ""
    return f"<pre>{_NEWLINE.join(shown)}{more}</pre>"


_NEWLINE = "\n"
_CLASSES = (
    ("Keyword", "k"),
    ("Literal.String", "s"),
    ("Literal.Number", "m"),
    ("Comment", "c"),
    ("Operator.Word", "k"),
)


@functools.lru_cache(maxsize=512)
def _highlighted(lines: tuple[str, ...]) -> tuple[str, ...]:
    from pygments.lexers import PythonLexer

    found = [""]
    for token, value in PythonLexer(stripnl=False, ensurenl=False).get_tokens("\n".join(lines)):
        name = str(token).removeprefix("Token.")
        css = next((short for start, short in _CLASSES if name.startswith(start)), None)
        for number, part in enumerate(value.split("\n")):
            if number:
                found.append("")
            if part:
                found[-1] += f'<span class="{css}">{text(part)}</span>' if css else text(part)
    found += [""] * (len(lines) - len(found))
    return tuple(found[: len(lines)])
