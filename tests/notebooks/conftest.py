"""How a notebook is tested: committed without outputs, and run from top to bottom by a kernel."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def executed():
    """Runs a notebook of the repository by name, with parts of its source replaced, and gives it with its outputs."""

    def run(name: str, **replaced: str) -> "nbformat.NotebookNode":
        import nbformat  # four seconds: its schema is a grammar that is compiled
        from nbclient import NotebookClient

        document = nbformat.read(ROOT / "notebooks" / name, 4)
        for cell in document.cells:
            if cell.cell_type == "code":
                assert not cell.outputs and cell.execution_count is None
                for old, new in replaced.items():
                    cell.source = cell.source.replace(old, new)
        folder = {"metadata": {"path": str(ROOT / "notebooks")}}
        client = NotebookClient(document, timeout=120, resources=folder)
        client.execute(env=os.environ | {"PYTHONPATH": str(ROOT)})
        return document

    return run
