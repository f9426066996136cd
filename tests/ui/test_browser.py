"""The two ways to a widget in a browser work: a bare page, and JupyterLab with a kernel."""

from __future__ import annotations

import json

import pytest

from tests.ui.cells import write_notebook

ESM = """
export default {
  initialize({ model }) { model.set("born", true); model.save_changes(); },
  render({ model, el }) {
    const button = document.createElement("button");
    const show = () => { button.textContent = `count ${model.get("count")}`; };
    button.addEventListener("click", () => { model.set("count", model.get("count") + 1); model.save_changes(); model.send({ clicked: 1 }); });
    model.on("change:count", show);
    model.on("msg:custom", (message) => { el.dataset.said = message.say; });
    show();
    el.append(button);
    return () => { window.cleaned = true; };
  },
};
"""


def test_a_widget_on_a_bare_page(widget_page):
    widget = widget_page(ESM, {"count": 3}, css="button { color: rgb(1, 2, 3) }")
    button = widget.page.get_by_role("button", name="count 3")
    assert button.evaluate("one => getComputedStyle(one).color") == "rgb(1, 2, 3)"
    button.click()
    widget.page.get_by_role("button", name="count 4").wait_for()
    assert widget.saved == {"born": True, "count": 4}
    assert widget.sent == [{"clicked": 1}]
    widget.set(count=10)
    widget.message({"say": "hello"})
    widget.page.get_by_role("button", name="count 10").wait_for()
    assert widget.page.locator("#widget").get_attribute("data-said") == "hello"
    widget.close()
    assert widget.page.evaluate("window.cleaned")


def test_a_widgets_uncaught_error_is_seen(widget_page):
    esm = "export default { render({ el }) { setTimeout(() => { throw new Error('lost') }, 0); el.textContent = 'shown'; } };"
    widget = widget_page(esm, {})
    widget.page.wait_for_timeout(50)
    assert [error for error in widget.errors if "lost" in error]
    widget.errors.clear()


@pytest.fixture
def notebook(tmp_path):
    """A notebook with one widget, which its kernel counts up."""
    return write_notebook(
        tmp_path / "smoke" / "t.ipynb",
        f"import anywidget, traitlets\nclass Count(anywidget.AnyWidget):\n    _esm = {ESM!r}\n"
        "    count = traitlets.Int(3).tag(sync=True)\n    born = traitlets.Bool(False).tag(sync=True)\ncount = Count()\ncount",
        "def answer(change):\n    if change.new == 4:\n        count.count = 40\ncount.observe(answer, 'count')",
    )


def test_a_widget_in_jupyterlab(lab_page, notebook):
    page = lab_page(notebook, run=True)
    page.get_by_role("button", name="count 3").click()
    page.get_by_role("button", name="count 40").wait_for()


def test_a_failing_cell_is_seen(lab_page, notebook):
    written = json.loads(notebook.read_text())
    written["cells"][1]["source"] = "1 / 0"
    notebook.write_text(json.dumps(written))
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        lab_page(notebook, run=True)
