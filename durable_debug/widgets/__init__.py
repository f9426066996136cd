"""Widgets for notebooks: the only room that knows ipywidgets and anywidget."""

from __future__ import annotations

from durable_debug.widgets.debugger import DebuggerPanel
from durable_debug.widgets.graph import Graph
from durable_debug.widgets.timeline import Timeline
from durable_debug.widgets.workbench import Workbench

__all__ = ["DebuggerPanel", "Graph", "Timeline", "Workbench"]
