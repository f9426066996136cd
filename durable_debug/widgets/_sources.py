"""Source text, highlighted as tokens: the page makes text nodes of them and never parses HTML."""

from __future__ import annotations

import linecache
from typing import TYPE_CHECKING

from durable_debug.widgets._text import title_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from durable_debug.widgets._messages import Source

__all__ = ["highlighted", "source_of"]

_MOST_LINES = 5_000
_LONGEST_LINE = 1_000

# Pygments' short class names, by their beginning, and what the style sheet calls them.
_CLASSES = (
    ("nd", "decorator"),
    ("nf", "function"),
    ("fm", "function"),
    ("nc", "class"),
    ("nb", "builtin"),
    ("bp", "builtin"),
    ("kc", "builtin"),
    ("k", "keyword"),
    ("ow", "keyword"),
    ("s", "string"),
    ("m", "number"),
    ("c", "comment"),
)


def source_of(file: str, operations: Iterable[int] = ()) -> Source:
    """Read and highlight a file or a notebook's cell; what can't be read has no lines."""
    linecache.checkcache(file)
    lines = linecache.getlines(file)
    return {
        "file": file,
        "title": title_of(file),
        "lines": highlighted([line[:_LONGEST_LINE] for line in lines[:_MOST_LINES]]),
        "operations": sorted(set(operations)),
        "cut": len(lines) > _MOST_LINES,
    }


def highlighted(lines: list[str]) -> list[list[str]]:
    """Give each line as class, text, class, text …; neighbours of one class are one token."""
    from pygments.lexers import PythonLexer
    from pygments.token import STANDARD_TYPES

    def css(token: object) -> str:
        short = STANDARD_TYPES.get(token, "")
        return next((name for start, name in _CLASSES if short.startswith(start)), "")

    text = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
    found: list[list[str]] = [[]]
    for token, value in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text):
        name = css(token)
        for number, part in enumerate(value.split("\n")):
            if number:
                found.append([])
            row = found[-1]
            if part and row and row[-2] == name:
                row[-1] += part
            elif part:
                row += [name, part]
    return found[: len(lines)]
