"""Text of unknown origin, made short enough to show."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

from durable_debug.engine.foreign import repr_of

__all__ = ["one_line", "pretty", "preview", "title_of"]

_PRETTY_LIMIT = 100_000


def one_line(text: object, limit: int = 300) -> str:
    """Give the text on one line, cut."""
    flat = " ".join(str(text)[: limit * 2].split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"


def preview(value: object, limit: int = 10_000) -> str:
    """Give a value's repr, cut; a repr that fails is told of instead."""
    return repr_of(value, limit)


def pretty(text: str) -> str:
    """Give small JSON indented, everything else as it is."""
    if len(text) > _PRETTY_LIMIT or text.lstrip()[:1] not in {"{", "["}:
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def title_of(file: str) -> str:
    """Give a short name of a file; a notebook's cell is called that."""
    name = PurePath(file).name
    if file.startswith("<") or "ipykernel_" in file or "ipython-input" in file:
        return "notebook cell"
    return name or file


def words(value: Any) -> str:
    """Give an argument as text."""
    return value if isinstance(value, str) else preview(value, 500)
