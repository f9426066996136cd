"""Where the views of an object are drawn: asked for by name, so that no room imports one above it.

An object that shows itself (``history.plot_timeline()``, ``run.report()``, ``_repr_html_``) asks here for the function
that draws it. The room of that function is loaded when the view is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["VIEWS", "view"]

# The view -> the function that draws it; its first argument is the object.
VIEWS = {
    "divergence.advice": "durable_debug.reports.words:advice",
    "divergence.asked": "durable_debug.reports.words:asked",
    "divergence.effect": "durable_debug.reports.words:effect",
    "divergence.message": "durable_debug.reports.words:message",
    "divergence.recorded": "durable_debug.reports.words:recorded",
    "explanation.card": "durable_debug.reports.why_text:card",
    "explanation.next": "durable_debug.reports.why_text:next_command",
    "explanation.text": "durable_debug.reports.why_text:report",
    "history.card": "durable_debug.reports.history_html:card",
    "history.cost": "durable_debug.plots.cost:cost",
    "history.graph": "durable_debug.plots.graph:graph",
    "history.plot_graph": "durable_debug.plots.graph:plot_graph",
    "history.plot_timeline": "durable_debug.plots.timeline:plot_timeline",
    "history.timing": "durable_debug.plots.timing:timing",
    "run.card": "durable_debug.reports.run_html:card",
    "run.test": "durable_debug.reports.regression_test:export_test",
    "run.text": "durable_debug.reports.run_text:report",
    "audit.card": "durable_debug.reports.audit_html:card",
    "audit.page": "durable_debug.reports.audit_html:whole_page",
    "audit.markdown": "durable_debug.reports.audit_markdown:markdown",
    "audit.junit": "durable_debug.reports.junit:junit",
    "audit.sarif": "durable_debug.reports.sarif:sarif",
    "audit.text": "durable_debug.reports.audit_text:report",
    "deploy.text": "durable_debug.reports.deploy_text:report",
    "cost.card": "durable_debug.plots.cost:card",
    "cost.text": "durable_debug.plots.cost:text",
    "timing.card": "durable_debug.plots.timing:card",
    "timing.text": "durable_debug.plots.timing:text",
    "debugger.workbench": "durable_debug.widgets:Workbench",
}


def view(name: str) -> Callable[..., Any]:
    """Give the function that draws a view."""
    module, _, function = VIEWS[name].partition(":")
    return getattr(importlib.import_module(module), function)  # type: ignore[no-any-return]
