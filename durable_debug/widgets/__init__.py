"""Widgets for notebooks: the only room that knows ipywidgets and anywidget."""

from __future__ import annotations

from durable_debug.widgets.debugger import DebuggerPanel

__all__ = ["DebuggerPanel"]
