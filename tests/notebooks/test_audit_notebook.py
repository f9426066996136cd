"""notebooks/02_determinism_audit.ipynb from top to bottom, and the story that it tells."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def notebook(executed):
    return executed("02_determinism_audit.ipynb")


def shown(notebook, source: str) -> str:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and source in cell.source]
    data = [output.get("data", {}) for cell in cells for output in cell.outputs]
    return "\n".join(str(one.get("text/html") or one.get("text/plain") or "") for one in data)


def test_it_tells_its_story(notebook):
    assert "24 of 24 histories clean" in shown(notebook, "dd.audit(DEPLOYED, HISTORIES)")
    changed = shown(notebook, "report = dd.audit(handler, HISTORIES)\nreport")
    mended = changed.rsplit("</style>", 1)[1]
    assert "2 of 24 histories clean, 22 diverge" in changed
    for name in ("check-fraud", "claim-from-carrier", "closed"):
        assert name in changed
    assert "24 of 24 histories clean" in mended
    assert "return-124" in shown(notebook, "recorded_status == 'RUNNING' and not clean")
    assert "recorded" in shown(notebook, "run = dd.replay(handler, example)")
    assert "check-fraud" in shown(notebook, "dbg.stop.source.source")
    assert "'order': 'o-101'" in shown(notebook, 'dbg.locals["order"]')
