"""The pytest plugin, in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from durable_debug.sources import load

ROOT = Path(__file__).parent.parent.parent
TESTS = """
import pytest
from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner
from tests.sources.handlers import orders

@pytest.fixture
def runner():
    with DurableFunctionTestRunner(orders, poll_interval=0.01) as runner:
        yield runner

def test_good(runner, durable_history):
    runner.run('{"steps": 1}')
    assert durable_history(runner).status == "SUCCEEDED"

@pytest.mark.parametrize("steps", [3])
def test_bad(runner, steps):
    runner.run('{"steps": %d, "fail": true}' % steps, execution_name="order-1")
    runner.run('{"steps": 1}', execution_name="order-2")
    assert False

def test_without():
    assert False
"""


def run(folder: Path, *options: str) -> str:
    (folder / "test_orders.py").write_text(TESTS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-q",
        *options,
    ]
    done = subprocess.run(
        [*command, "--rootdir", str(folder), "test_orders.py"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "1 passed" in done.stdout and "2 failed" in done.stdout, done.stdout + done.stderr
    return done.stdout


def test_the_histories_of_a_failed_test_are_saved(tmp_path: Path) -> None:
    said = run(tmp_path, "--durable-histories=failed")
    (folder,) = (tmp_path / "failed").iterdir()
    assert "test_bad" in folder.name
    found = load(folder)
    assert set(found.frame.name) == {"order-1", "order-2"}
    history = found["order-1"]
    assert (history.status, len(history.tree())) == ("FAILED", 4)
    history.require_replayable()
    assert said.count("durable-debug show ") == 2
    (shown, *_) = [line for line in said.splitlines() if line.startswith("durable-debug show ")]
    assert (tmp_path / shown.split("'")[1]).is_file()


def test_nothing_is_saved_without_the_option(tmp_path: Path) -> None:
    assert "durable-debug" not in run(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir() and path.name != "__pycache__"] == []
