"""`durable-debug lab`: JupyterLab on the first notebook."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from durable_debug.cli import lab
from durable_debug.errors import DurableDebugError

from tests.conftest import ROOT


def answers(url: str) -> bool:
    """Whether the server answers; it prints its address a moment before it listens."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return answer.status == 200
        except urllib.error.URLError:
            time.sleep(0.1)
    return False


def test_it_serves_the_first_notebook_until_it_is_told_to_stop(tmp_path):
    """The options that are not ours are JupyterLab's, and the address that it prints is the notebook's."""
    program = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from durable_debug.cli import main; main()",
            "lab",
            "--no-browser",
            "--port=0",
        ],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for line in program.stderr:
            if found := re.search(r"http://127\.0\.0\.1:\d+/lab/tree/(\S+)\?token=\w+", line):
                break
        assert found, "no address was printed"
        assert found[1] == "notebooks/01_debug_a_failed_execution.ipynb"
        assert answers(found[0].replace("/lab/tree/", "/api/contents/"))
    finally:
        program.send_signal(signal.SIGTERM)
        program.stderr.read()
        program.stderr.close()
        program.wait(20)


def test_without_a_checkout_the_packages_examples_are_copied_once(tmp_path, monkeypatch):
    installed = tmp_path / "site-packages" / "durable_debug"
    carried = installed / "examples" / "notebooks"
    carried.mkdir(parents=True)
    (carried / "01_debug_a_failed_execution.ipynb").write_text("as shipped")
    monkeypatch.setattr(lab, "PACKAGE", installed)
    monkeypatch.chdir(tmp_path)
    copy = lab.examples() / lab.FIRST
    assert copy.is_relative_to(tmp_path / "durable-debug-examples")
    assert copy.read_text() == "as shipped"
    copy.write_text("mine")
    assert (lab.examples() / lab.FIRST).read_text() == "mine"


def test_no_notebooks_anywhere_is_an_error_with_a_cure(tmp_path, monkeypatch):
    monkeypatch.setattr(lab, "PACKAGE", tmp_path / "durable_debug")
    with pytest.raises(DurableDebugError, match="Install the package again"):
        lab.examples()
