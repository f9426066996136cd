"""Where the documentation is to be read by somebody who has only a report."""

from __future__ import annotations

__all__ = ["PAGES", "about_kind"]

PAGES = "https://github.com/durable-debug/durable_debug/blob/main/docs"


def about_kind(kind: str) -> str:
    """Address of what is said of a kind of divergence, or of what kept a history from being compared."""
    return f"{PAGES}/divergence-kinds.md#{kind}"
