"""notebooks/01_debug_a_failed_execution.ipynb from top to bottom, and the story that it tells."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def notebook(executed):
    return executed("01_debug_a_failed_execution.ipynb")


def shown(notebook, source: str) -> str:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and source in cell.source]
    assert cells, f"no cell has {source!r}"
    outputs = [output for cell in cells for output in cell.outputs]
    return "\n".join(
        output.get("text") or str(output.get("data", {}).get("text/plain")) for output in outputs
    )


def test_from_it_failed_to_the_line_that_decided_it(notebook):
    assert "FAILED" in shown(notebook, "history = dd.load")
    assert "too many reads" in shown(notebook, "history.attempts[")
    assert "TIMED_OUT" in shown(notebook, 'dbg.break_at(status="TIMED_OUT")')
    assert "'ordersAhead': 9" in shown(notebook, "dbg.stop.source")
    assert shown(notebook, "ACCEPTANCE_TIMEOUT.to_seconds()") == "(360, 120)"
    assert "release-order" in shown(notebook, "dbg.step_out()")
    assert "OrderNotAccepted" in shown(notebook, "dbg.stop.error")
    assert "went well: 1 · and here: 9" in shown(notebook, "other.goto")


def test_the_debugger_shows_itself(notebook):
    cell = next(cell for cell in notebook.cells if cell.source.startswith("dbg = dd.debug("))
    (output,) = cell.outputs
    assert "application/vnd.jupyter.widget-view+json" in output.data
    assert "initialise-order" in output.data["text/html"]  # what a saved notebook shows without a kernel
