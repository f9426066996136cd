"""A run as a card in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from durable_debug.divergence.run import Run

__all__ = ["card"]


def card(run: Run) -> str:
    """Show a run: to be replaced by the side-by-side view."""
    return f"<pre>{escape(run.report())}</pre>"
