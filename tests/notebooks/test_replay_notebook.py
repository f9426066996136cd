"""notebooks/03_how_replay_works.ipynb from top to bottom; what it claims, and its exercises answered right and wrong."""

from __future__ import annotations

import re

import pytest

RIGHT = {
    "answer_1 = ...": "answer_1 = 2",
    "answer_2 = ...": "answer_2 = 2",
    "answer_3 = ...": "answer_3 = 15",
    "answer_4 = ...": 'answer_4 = "2"',
}


@pytest.fixture(scope="module")
def notebook(executed):
    return executed("03_how_replay_works.ipynb")


def said(notebook, source):
    """What cells with such a source print and show."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and source in cell.source]
    assert cells
    return "\n".join(
        output.get("text")
        or str(output.get("data", {}).get("text/html") or output.get("data", {}).get("text/plain"))
        for cell in cells
        for output in cell.outputs
    )


def test_what_runs_and_what_is_skipped(notebook):
    table = said(notebook, "what_happened = life")
    row = re.search(r"<th>2-0-1</th>.*?</tr>", table, re.DOTALL)[0]
    assert re.findall(r"<td>(\w*)</td>", row) == ["RUNS", "RUNS", "answered"]
    row = re.search(r"<th>5</th>.*?</tr>", table, re.DOTALL)[0]
    assert re.findall(r"<td>(\w*)</td>", row) == ["", "", "RUNS"]
    assert "numbers drawn by the replay: 0" in said(notebook, "tables.last_number")


def test_claims_are_borne_out(notebook):
    assert "1.58 s of them (1.3%)" in said(notebook, "timing = history.timing()")
    assert "0.06% of them" in said(notebook, "invoices = ")
    assert "ended as TIMED_OUT after 120.0 s" in said(notebook, "TIMED_OUT")
    assert "CallbackTimeoutError" in said(notebook, "release-order")
    changed = said(notebook, "changed = ")
    assert "with the code that began it: True" in changed and "check-address" in changed
    assert "NonDeterministicExecutionError" in changed


def test_views_are_there_with_and_without_a_kernel(notebook):
    shown = [
        output["data"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "data" in output
    ]
    views = [data for data in shown if "application/vnd.jupyter.widget-view+json" in data]
    assert len(views) == 6
    assert all("image/png" in data or "<img" in data["text/html"] for data in views)


def test_exercises_say_what_is_missing_wrong_and_right(notebook, executed):
    checks = [said(notebook, f"answer_{number} = ...") for number in range(1, 5)]
    assert all("Put your answer" in each for each in checks)
    assert "divergences; the first: STEP 'check-address'" in said(notebook, "mine = dd.replay")
    wrong = executed(
        "03_how_replay_works.ipynb",
        **{f"answer_{number} = ...": f"answer_{number} = 99" for number in range(1, 5)},
    )
    assert all("✗ Not yet." in said(wrong, f"answer_{number} = 99") for number in range(1, 5))
    mended = {
        '    address = context.step(check_address(event["address"]), name="check-address")\n': "",
        'name="pack-parcel"': 'name="pack"',
        "hand_over(parcel, address)": 'hand_over(parcel, event["address"])',
    }
    right = executed("03_how_replay_works.ipynb", **RIGHT, **mended)
    for source in ("answer_1 = 2", "answer_2 = 2", "answer_3 = 15", 'answer_4 = "2"', "mine = dd.replay"):
        assert said(right, source).strip() == "✓ Right."
