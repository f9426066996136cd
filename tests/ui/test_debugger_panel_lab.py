"""The debugger's panel in JupyterLab with a kernel."""

from __future__ import annotations

import sys

import pytest

from tests.patience import PATIENCE
from tests.ui.cells import write_notebook
from tests.ui.conftest import run_all

SETUP = """\
import sys
sys.path.insert(0, {root!r})
import durable_debug as dd
from durable_debug.debugger import debug
dbg = debug({samples!r} + "/apps/{app}.py:handler", {samples!r} + "/{history}.json")
dbg"""


@pytest.fixture
def panel_in_lab(lab_page, tmp_path, samples):
    """Open a notebook that shows a debugger; further cells as given."""

    def opener(app, history, *cells):
        setup = SETUP.format(root=str(samples.parent), samples=str(samples), app=app, history=history)
        page = lab_page(write_notebook(tmp_path / "panel" / "t.ipynb", setup, *cells), run=True)
        page.locator(".dd-headline").wait_for()
        return page

    return opener


def headline(page, *parts):
    page.wait_for_function(
        "parts => parts.every((part) => document.querySelector('.dd-headline')?.textContent.includes(part))",
        arg=list(parts),
        timeout=1_000 * PATIENCE,
    )


def cells(page):
    return page.locator(".jp-Notebook .jp-CodeCell").count()


def test_step_break_run_back_and_evaluate(panel_in_lab):
    page = panel_in_lab("espresso", "espresso_timed_out")
    headline(page, "Stopped before operation 1 of 12")
    page.get_by_role("button", name="Step over", exact=True).click()
    headline(page, "validate-order (2)")
    page.locator('[data-line="165"] .dd-gutter').click()
    page.locator('[data-line="166"] .dd-gutter[data-break="on"]').wait_for()
    page.get_by_role("button", name="Run", exact=True).click()
    headline(page, "barista-acceptance (4)", "breakpoint 1: line=166")
    page.locator(".dd-key", has_text="order").first.wait_for()
    page.get_by_label("Evaluate an expression").fill("order['number'] * 2")
    page.keyboard.press("Enter")
    page.locator(".dd-evaluation .dd-value", has_text="836").wait_for()
    page.get_by_role("button", name="Step back", exact=True).click()
    headline(page, "take-time (3)")
    page.locator(".dd-row", has_text="tell-attendee").locator(".dd-name").click()
    headline(page, "tell-attendee (6)")


def test_keys_are_the_panels_while_it_has_the_focus_and_the_notebooks_otherwise(panel_in_lab):
    page = panel_in_lab("espresso", "espresso_timed_out")
    before = cells(page)
    page.locator(".dd-statusline").click()  # nothing to press there: the panel itself takes the focus
    assert page.evaluate("document.activeElement.classList.contains('dd')")
    page.keyboard.press("n")
    headline(page, "validate-order (2)")
    page.keyboard.press("i")
    headline(page, "event-config (2-0)")
    page.keyboard.press("p")  # the notebook has a use of its own for letters
    headline(page, "validate-order (2)")
    page.keyboard.press("c")
    headline(page, "An exception leaves the handler")
    page.keyboard.press("r")
    headline(page, "operation 1 of 12")
    page.keyboard.press("F5")  # "reload" for the browser
    headline(page, "An exception leaves the handler")
    page.keyboard.press("e")
    page.keyboard.type("dd")  # "delete the cell" for the notebook
    assert page.get_by_label("Evaluate an expression").input_value() == "dd"
    assert cells(page) == before


def test_clicks_while_a_cell_is_busy_are_not_lost_and_stop_nothing(panel_in_lab):
    """At once or when the cell has ended, as the ipykernel has it; the cell goes on meanwhile."""
    page = panel_in_lab(
        "espresso", "espresso_timed_out", "import time\ntime.sleep(2)\nprint('slept at', dbg.stop.index >= 0)"
    )
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(1).click()
    page.keyboard.press("Shift+Enter")
    page.locator("#jp-main-statusbar").get_by_text("| Busy").wait_for()
    for _ in range(3):
        page.get_by_role("button", name="Step over", exact=True).click()
    page.get_by_label("Evaluate an expression").fill("order['number']")
    page.keyboard.press("Enter")
    headline(page, "barista-acceptance (4)")
    page.locator(".dd-evaluation .dd-value", has_text="418").wait_for()
    page.locator(
        ".jp-OutputArea-output", has_text="slept at True"
    ).wait_for()  # the cell goes on and ends in its time


def test_a_panel_made_anew_takes_the_place_of_the_old_one(panel_in_lab):
    """Running the cell again leaves one panel on the page, one listener a view (panel, timeline, graph), and no thread of the first."""
    page = panel_in_lab(
        "espresso",
        "espresso_timed_out",
        "import gc, threading, time\ntime.sleep(0.5)\ngc.collect()\n"
        "print('listeners', len(dbg._subscribers), 'threads', sorted({t.name for t in threading.enumerate() if 'durable' in t.name}))",
    )
    run_all(page)
    assert page.locator(".dd").count() == 1
    headline(page, "operation 1 of 12")
    page.get_by_role("button", name="Step over", exact=True).click()
    headline(page, "validate-order (2)")
    assert "listeners 3" in page.locator(".jp-OutputArea-output", has_text="listeners").inner_text()


def test_a_large_history_steps_through_a_kernel(panel_in_lab):
    page = panel_in_lab("large", "large_2900")
    headline(page, "operation 1 of 2,906")
    took = page.evaluate(
        """async () => {
            const line = document.querySelector(".dd-headline");
            const found = [];
            document.querySelector(".dd").focus();
            for (let step = 0; step < 20; step += 1) {
                const before = line.textContent, start = performance.now();
                document.querySelector(".dd-step-in").click();
                while (line.textContent === before) await new Promise((done) => requestAnimationFrame(done));
                found.push(performance.now() - start);
            }
            return found.sort((a, b) => a - b)[10];
        }"""
    )
    print(f"step to repaint through the kernel, 2,906 operations: {took:.0f} ms", file=sys.stderr)
    headline(page, "operation 21 of 2,906")
