"""`durable_debug.testing`: what users' own tests import, used as they would: in files, under plain pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import durable_debug as dd
from durable_debug.reports.regression_test import export_test
from durable_debug.errors import DurableDebugError, HandlerError, HistoryError
from durable_debug.testing import assert_replays, histories

ROOT = Path(__file__).parents[1]


def plain_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:playwright", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, timeout=120)


def test_a_clean_replay_passes_and_gives_the_run(samples):
    run = assert_replays(f"{samples}/apps/espresso.py:handler", samples / "espresso_completed.json")
    assert run.ok and run.status == "SUCCEEDED"


def test_another_one_fails_with_the_whole_report(samples):
    with pytest.raises(AssertionError) as caught:
        assert_replays(f"{samples}/apps/shipping.py:handler", samples / "shipping_v1.json")
    assert "unexpected (error)" in str(caught.value) and "renamed (warning)" in str(caught.value)
    assert 'name="check-address"' in str(caught.value) and "shipping.py:41" in str(caught.value)


def test_the_first_line_of_a_failure_says_what_and_where(samples, tmp_path):
    app = tmp_path / "app.py"
    app.write_text((samples / "apps" / "espresso.py").read_text().replace('"take-time"', '"read-clock"'))
    line = next(n for n, text in enumerate(app.read_text().splitlines(), 1) if "read-clock" in text)
    with pytest.raises(AssertionError) as caught:
        assert_replays(f"{app}:handler", samples / "espresso_completed.json", enter=False)
    assert str(caught.value).splitlines()[0] == f"1 divergence: renamed at app.py:{line}"
    with pytest.raises(AssertionError) as caught:
        assert_replays(f"{samples}/apps/shipping.py:handler", samples / "shipping_v1.json")
    first = str(caught.value).splitlines()[0]
    assert first.startswith("2 divergences: unexpected at shipping.py:41, renamed at shipping.py:")


def test_options_are_those_of_replay(samples):
    history = dd.load(samples / "espresso_completed.json")
    run = assert_replays(f"{samples}/apps/espresso.py:handler", history, invocation=1, enter=False)
    assert run.status == "PENDING"
    assert assert_replays.__kwdefaults__ == dd.replay.__kwdefaults__


def test_histories_are_parameters_named_by_their_files(tmp_path):
    (tmp_path / "eu").mkdir()
    for name in ("b.json", "a.json", "eu/a.json", "note.txt"):
        (tmp_path / name).write_text("{}")
    found = histories(tmp_path)
    assert [one.id for one in found] == ["a", "b", "eu/a"]
    assert [one.values for one in found] == [(tmp_path / f"{one.id}.json",) for one in found]
    assert [one.id for one in histories(tmp_path, "*.txt")] == ["note"]


def test_no_histories_are_an_error_and_no_skip(tmp_path):
    for folder in (tmp_path, tmp_path / "none", "none"):
        with pytest.raises(HistoryError, match="There is no history"):
            histories(folder)


def test_a_folder_of_histories_in_a_users_test(samples, tmp_path):
    (tmp_path / "tests" / "histories").mkdir(parents=True)
    for name in ("espresso_completed", "espresso_timed_out", "shipping_v1"):
        (tmp_path / "tests" / "histories" / f"{name}.json").write_bytes(
            (samples / f"{name}.json").read_bytes()
        )
    (tmp_path / "tests" / "test_replays.py").write_text(
        "import pytest\n"
        "from durable_debug.testing import assert_replays, histories\n\n"
        '@pytest.mark.parametrize("history", histories("histories"))\n'
        "def test_replays(history):\n"
        f'    assert_replays("{samples}/apps/espresso.py:handler", history)\n'
    )
    found = plain_pytest(tmp_path, "-q", "--tb=short")
    assert "1 failed, 2 passed" in found.stdout, found.stdout + found.stderr
    assert "test_replays[shipping_v1]" in found.stdout
    assert "DivergenceError" in found.stdout and "espresso.py:" in found.stdout
    for frame in ("durable_debug/testing.py", "durable_debug/divergence/", "in assert_replays"):
        assert frame not in found.stdout  # our frames are hidden


@pytest.mark.parametrize("relative", [True, False])
def test_an_exported_test_passes_under_plain_pytest(samples, tmp_path, monkeypatch, relative):
    app = tmp_path / "app.py"
    app.write_text((samples / "apps" / "espresso.py").read_text())
    monkeypatch.chdir(tmp_path)
    run = dd.replay("app.py:handler" if relative else f"{app}:handler", samples / "espresso_completed.json")
    test = export_test(
        run, "tests/test_order_402.py" if relative else tmp_path / "tests" / "test_order_402.py"
    )
    assert dd.load(test.parent / "histories" / "order_402.json") == run.history
    found = plain_pytest(tmp_path, "-q")
    assert "1 passed" in found.stdout, found.stdout + found.stderr
    assert "1 passed" in plain_pytest(tmp_path / "tests", "-q").stdout
    app.write_text(app.read_text().replace('name="take-time"', 'name="read-clock"'))
    found = plain_pytest(tmp_path, "-q")
    assert "1 failed" in found.stdout and "read-clock" in found.stdout
    assert str(tmp_path) not in test.read_text()


@pytest.mark.parametrize(
    "folder", ["it's", 'say "hello"', "both ' and \"", "{braces}", "back\\slash", "naïve"]
)
def test_an_exported_test_finds_its_handler_whatever_the_path_holds(samples, tmp_path, folder):
    app = tmp_path / folder / "espresso.py"
    app.parent.mkdir()
    shutil.copy(f"{samples}/apps/espresso.py", app)
    run = dd.replay(f"{app}:handler", samples / "espresso_completed.json")
    export_test(run, tmp_path / "tests" / "test_order.py")
    found = plain_pytest(tmp_path / "tests", "-q")
    assert "1 passed" in found.stdout, found.stdout + found.stderr


def test_an_exported_test_that_cannot_be_written_leaves_nothing_that_is_in_the_way(samples, tmp_path):
    run = dd.replay(f"{samples}/apps/espresso.py:handler", samples / "espresso_completed.json")
    (tmp_path / "histories").write_text("a file where the folder would be")
    with pytest.raises(DurableDebugError, match="histories"):
        export_test(run, tmp_path / "test_order.py")
    assert [path.name for path in tmp_path.iterdir()] == ["histories"]


def test_an_exported_test_can_be_written_again_and_overwrites_nothing_else(samples, tmp_path):
    run = dd.replay(
        f"{samples}/apps/espresso.py:handler",
        samples / "espresso_completed.json",
        invocation=1,
        allow="network",
    )
    test = export_test(run, tmp_path / "test_one.py")
    assert "invocation=1" in test.read_text() and "allow=('network',)" in test.read_text()
    assert export_test(run, test) == test
    mine = tmp_path / "test_mine.py"
    mine.write_text("def test_mine(): pass\n")
    with pytest.raises(DurableDebugError, match="exists"):
        export_test(run, mine)
    with pytest.raises(DurableDebugError, match="test file"):
        export_test(run, tmp_path / "order.py")
    assert mine.read_text() == "def test_mine(): pass\n"


def test_a_handler_that_no_test_can_find_is_told(samples, tmp_path):
    from durable_debug.engine.handlers import resolve

    handler = resolve(f"{samples}/apps/espresso.py:handler").func
    from aws_durable_execution_sdk_python import durable_execution

    def local(event, context):
        return handler(event, context)

    run = dd.replay(durable_execution(local), samples / "espresso_completed.json")
    with pytest.raises(HandlerError, match="can't find the handler"):
        export_test(run, tmp_path / "test_local.py")
