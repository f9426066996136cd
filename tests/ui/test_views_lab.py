"""Timeline, graph and workbench in JupyterLab and in Notebook, with a kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.patience import PATIENCE, comes
from tests.ui.cells import write_notebook

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def notebook(tmp_path):
    """Make a notebook of code cells."""

    def make(*cells):
        first = f"import os, sys\nos.chdir({str(ROOT)!r})\nsys.path.insert(0, {str(ROOT)!r})\nimport durable_debug as dd"
        return write_notebook(tmp_path / "views" / "t.ipynb", first, *cells)

    return make


def workbench(app, history):
    return (
        f'dbg = dd.debug("sample_histories/apps/{app}.py:handler", "sample_histories/{history}.json")\n'
        "dd.widgets.Workbench(dbg)"
    )


def row(page, name):
    return page.locator(".ddv-line", has=page.get_by_text(name, exact=True))


def current(page):
    return page.locator('.ddv-line[aria-current="step"] .ddv-name')


def test_one_click_moves_code_table_timeline_and_graph(lab_page, notebook):
    page = lab_page(notebook(workbench("espresso", "espresso_timed_out")), run=True)
    headline = page.locator(".dd-headline")
    row(page, "validate-order").click()
    headline.get_by_text("validate-order (2)").wait_for()
    page.locator('.dd-row[aria-current="step"]', has_text="validate-order").wait_for()
    page.locator(
        '.ddv-area [role="option"][aria-label*="validate-order"][aria-label*="about to be answered"]'
    ).wait_for(state="attached")

    page.locator(".dd-row", has_text="take-time").click()  # in the panel
    current(page).get_by_text("take-time").wait_for()
    assert page.get_by_role("slider").get_attribute("aria-valuetext").endswith("before take-time")

    page.get_by_role("listbox").focus()  # in the graph
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    headline.get_by_text("barista-acceptance (4)").wait_for()
    page.keyboard.press("b")
    page.locator('.dd-row .dd-dot[data-on="yes"]').first.wait_for()
    page.locator('.ddv-line .ddv-dot[data-on="yes"]').first.wait_for()

    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    headline.get_by_text("The handler ended").wait_for()


def test_parts_are_resized_and_folded_by_keys(lab_page, notebook):
    page = lab_page(notebook(workbench("espresso", "espresso_timed_out")), run=True)
    plot, area = page.locator(".ddv-plot"), page.locator(".ddv-area")
    plot.wait_for()
    before = plot.bounding_box()
    page.get_by_role("separator", name="Width of the timeline").focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        "wide => document.querySelector('.ddv-plot').getBoundingClientRect().width < wide - 30",
        arg=before["width"],
    )
    page.get_by_role("separator", name="Height of timeline and graph").focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_function(
        "high => document.querySelector('.ddv-area').getBoundingClientRect().height >= high + 16", arg=268
    )
    page.keyboard.press("Alt+2")
    area.wait_for(state="hidden")
    page.wait_for_function(
        "wide => document.querySelector('.ddv-plot').getBoundingClientRect().width > wide + 100",
        arg=before["width"],
    )
    page.keyboard.press("Alt+2")
    area.wait_for()
    page.get_by_role("button", name="Code", exact=True).click()
    page.locator(".dd-code").wait_for(state="hidden")


def test_steps_through_2900_operations_come_one_by_one(lab_page, notebook):
    page = lab_page(notebook(workbench("large", "large_2900")), run=True)
    page.locator(".ddv-plot").wait_for()
    page.locator(".ddv-scroll").focus()
    page.evaluate(
        """() => {
            window.times = [];
            const slider = document.querySelector(".ddv-handle");
            let pressed = 0;
            document.addEventListener("keydown", () => { pressed = performance.now(); }, true);
            new MutationObserver(() => requestAnimationFrame(() => { if (pressed) window.times.push(performance.now() - pressed); pressed = 0; }))
                .observe(slider, { attributes: true, attributeFilter: ["aria-valuenow"] });
        }"""
    )
    for number in range(2, 22):
        page.keyboard.press("i")
        page.wait_for_function("want => window.times.length >= want", arg=number - 1)
    times = sorted(page.evaluate("window.times"))
    print(f"\nfrom key to repaint, through the kernel: median {times[10]:.0f} ms, worst {times[-1]:.0f} ms")
    page.locator(".dd-headline").get_by_text("operation 21 of 2,906").wait_for()


def test_in_notebook_7(page, jupyterlab, notebook):
    path = notebook('dd.widgets.Timeline(dd.load("sample_histories/espresso_timed_out.json"))')
    place = jupyterlab.root / "seven.ipynb"
    place.write_bytes(path.read_bytes())
    page.goto(f"{jupyterlab.url}/notebooks/seven.ipynb?token={jupyterlab.token}")
    page.locator(".jp-CodeCell").first.wait_for(timeout=2_000 * PATIENCE)
    # What is run before the page has its kernel is dropped.
    assert comes(
        lambda: [
            one
            for one in jupyterlab.api("sessions")
            if one["kernel"]["execution_state"] == "idle" and one["kernel"]["connections"]
        ]
    )
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    row(page, "take-time").wait_for(timeout=2_000 * PATIENCE)
    row(page, "take-time").click()
    page.locator(".ddv-details").get_by_text("2026-11-21").first.wait_for()
    for session in jupyterlab.api("sessions"):
        jupyterlab.api(f"sessions/{session['id']}", method="DELETE")
