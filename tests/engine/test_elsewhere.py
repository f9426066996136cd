"""A handler in another interpreter is told of as in this one: replays, small changes, every stop of the debugger."""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import durable_debug as dd
import pytest
from durable_debug.cli import main
from durable_debug.engine.elsewhere import process
from durable_debug.engine.runners import environment_of

from tests.divergence.recorded import written
from tests.divergence.small_changes import SMALL
from tests.divergence.test_small_changes import recorded

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_histories"
THERE = sys.executable
ESPRESSO = f"{SAMPLES}/apps/espresso.py:handler"
_ADDRESS = re.compile(r"0x[0-9a-f]+")


def samples() -> list[tuple[str, str]]:
    table = (SAMPLES / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`/]+)` \|.*?\| `sample_histories/([^`]+)` \|", table, re.M)
    return [(history, handler) for history, handler in rows if history != "large_2900.json"]


@pytest.mark.parametrize(("history", "handler"), samples())
def test_a_sample_is_told_of_word_for_word(history: str, handler: str) -> None:
    here = dd.replay(f"{SAMPLES}/{handler}", SAMPLES / history)
    there = dd.replay(f"{SAMPLES}/{handler}", SAMPLES / history, python=THERE)
    assert there.report() == here.report()
    assert there.frame.equals(here.frame)
    assert [one.arguments for one in there.operations] == [one.arguments for one in here.operations]
    assert (there.logs, there.side_effects, there.unchecked) == (here.logs, here.side_effects, here.unchecked)


@pytest.mark.parametrize("name", list(SMALL)[::4])
def test_a_small_change_is_told_of_word_for_word(name: str) -> None:
    history = recorded(name, SMALL[name])
    path = written(f"small_{name}_elsewhere", SMALL[name].changed)
    here, there = (dd.replay(path, history, timeout=2, python=python) for python in (False, THERE))
    assert there.report() == here.report()


def walk(handler: str, history: Path, python: str | bool) -> list[object]:
    """What is seen at each stop, forth and back."""
    seen: list[object] = []
    with dd.debug(handler, history, python=python) as dbg:
        dbg.break_at(when="len(locals()) > 3", hits=2)
        for verb in (
            "step",
            "step_in",
            "step",
            "step_out",
            "run",
            "step_back",
            "step_back",
            "run_back",
            "run",
        ):
            stop = getattr(dbg, verb)()
            frames = range(len(dbg.stack))
            shown = [[(v.name, v.type, v.preview, v.children) for v in dbg.variables(n)] for n in frames]
            hits = [(b.spec, b.hit_count, b.note) for b in dbg.breakpoints]
            seen.append((verb, repr(stop), list(map(str, dbg.stack)), shown, hits, dbg.statuses))
    return ast.literal_eval(repr(_ADDRESS.sub("", repr(seen))))


@pytest.mark.parametrize(("history", "handler"), samples())
def test_the_debugger_stands_and_looks_the_same(history: str, handler: str) -> None:
    here, there = (walk(f"{SAMPLES}/{handler}", SAMPLES / history, python) for python in (False, THERE))
    assert there == here


def test_expressions_there() -> None:
    with dd.debug(ESPRESSO, SAMPLES / "espresso_timed_out.json", python=THERE) as dbg:
        dbg.step()
        assert dbg.evaluate("order['drink'].upper()") == dbg.locals["order"]["drink"].upper()
        assert repr(dbg.evaluate("context")).startswith("<")  # what can't come over is shown
        assert dbg.variables(path=["order"])
        with pytest.raises(ZeroDivisionError):
            dbg.evaluate("1 / 0")
        with pytest.raises(dd.DurableDebugError, match="side effect"):
            dbg.evaluate("open('made', 'w')")
        with pytest.raises(dd.DurableDebugError, match="not an expression"):
            dbg.evaluate("x =")
        assert dbg.stop.changed_by is None
        dbg.evaluate("order.update(drink='tea')")
        assert dbg.stop.changed_by == "order.update(drink='tea')"
        assert dbg.step_back().changed_by is None


def test_an_audit_there() -> None:
    report = dd.audit(ESPRESSO, SAMPLES / "espresso_*.json", python=THERE, n_jobs=1, progress=False)
    assert report.ok and len(report.frame) == 3


def test_commands_there(capsys) -> None:
    history = f"{SAMPLES}/shipping_v1.json"
    assert main(["replay", f"{SAMPLES}/apps/shipping.py:handler", history, "--python", THERE]) == 1
    assert "check-address" in capsys.readouterr().out
    assert main(["audit", ESPRESSO, f"{SAMPLES}/espresso_completed.json", "--python", THERE]) == 0


APP = """
import os, sys
from aws_durable_execution_sdk_python import durable_execution

@durable_execution
def handler(event, context):
    {deed}
    return context.step(lambda _: 1, name="one")
"""


@pytest.fixture
def history() -> dict:
    return dd.load(
        {
            "Events": [
                {"EventType": "ExecutionStarted", "EventId": 1, "Id": "e", "EventTimestamp": 1.7e9,
                 "ExecutionStartedDetails": {"Input": {"Payload": "{}"}}},
            ]
        }
    )  # fmt: skip


def app(tmp_path: Path, deed: str) -> str:
    (tmp_path / "app.py").write_text(APP.format(deed=deed))
    return f"{tmp_path}/app.py:handler"


@pytest.mark.parametrize("deed", ["os._exit(7)", "import ctypes; ctypes.string_at(0)"])
def test_what_ends_its_process_is_an_error_and_the_next_replay_goes_well(tmp_path, history, deed) -> None:
    with pytest.raises(dd.DurableDebugError, match="ended with (exit code 7|signal 11)"):
        dd.replay(app(tmp_path, deed), history, python=THERE)
    assert dd.replay(ESPRESSO, SAMPLES / "espresso_completed.json", python=THERE).ok


def test_a_crash_there_is_a_row_of_an_audit(tmp_path) -> None:
    handler = app(tmp_path, "os._exit(7)")
    report = dd.audit(handler, SAMPLES / "espresso_*.json", python=THERE, n_jobs=1, progress=False)
    assert len(report.frame) == 3 and not report.ok
    assert {one.divergence.kind for one in report.causes} == {"crashed"}


def test_nothing_but_the_standard_library_and_the_sdk_is_needed(tmp_path, history) -> None:
    """Of what this package needs here, none is imported there."""
    deed = "raise RuntimeError(' '.join(sorted({name.partition('.')[0] for name in sys.modules})))"
    run = dd.replay(app(tmp_path, deed), history, python=THERE)
    there = set(run.error["ErrorMessage"].split())
    assert "durable_debug" in there and "aws_durable_execution_sdk_python" in there
    assert not there & {
        "pandas",
        "numpy",
        "orjson",
        "networkx",
        "matplotlib",
        "ipywidgets",
        "anywidget",
        "joblib",
    }


def test_its_folder_is_not_on_the_path_there(tmp_path, history) -> None:
    deed = "raise RuntimeError(repr([one for one in sys.path if 'durable_debug' in one]))"
    error = dd.replay(app(tmp_path, deed), history, python=THERE).error
    assert not [one for one in ast.literal_eval(error["ErrorMessage"]) if one.endswith("durable_debug")]


@pytest.mark.parametrize("python", ["/nowhere/python", "no-such-interpreter", ".", 5, "", True])
def test_no_interpreter(python, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(dd.OptionError, match="python="):
        dd.replay(ESPRESSO, SAMPLES / "espresso_completed.json", python=python)


def test_an_interpreter_without_the_sdk(tmp_path) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    with pytest.raises(
        dd.UnsupportedSdkError, match="bare/bin/python: aws-durable-execution-sdk-python is not installed"
    ):
        dd.replay(ESPRESSO, SAMPLES / "espresso_completed.json", python=bare)


def test_a_function_of_this_process_runs_here() -> None:
    from durable_debug.engine.handlers import resolve

    with pytest.raises(dd.OptionError, match="can import"):
        dd.replay(resolve(ESPRESSO).func, SAMPLES / "espresso_completed.json", python=THERE)


def test_an_interrupt_ends_the_process(tmp_path, history) -> None:
    handler = app(tmp_path, "import time; time.sleep(3600)")
    before = process.process_of(THERE)
    pid = before._process.pid

    def interrupt() -> None:
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGINT)

    import threading

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        dd.replay(handler, history, python=THERE, allow="sleep", timeout=None)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_process_goes_with_the_one_that_started_it(tmp_path) -> None:
    """Also where that is killed while a handler sleeps."""
    handler = app(
        tmp_path, f"open(r'{tmp_path}/pid', 'w').write(str(os.getpid())); import time; time.sleep(3600)"
    )
    code = (
        "import durable_debug as dd\n"
        f"dd.replay({handler!r}, r'{SAMPLES}/espresso_completed.json', python={THERE!r}, allow=['file', 'sleep'], timeout=None)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    told = tmp_path / "pid"
    try:
        for _ in range(600):
            if told.exists() and told.read_text():
                break
            time.sleep(0.1)
        child = int(told.read_text())
    finally:
        parent.kill()
        parent.wait()
    for _ in range(600):
        if not Path(f"/proc/{child}").exists() or "zombie" in Path(f"/proc/{child}/status").read_text():
            return
        time.sleep(0.1)
    raise AssertionError("the process is still there")


def test_a_debugger_that_is_collected_in_the_middle_of_another_replay_does_no_harm() -> None:
    import gc

    history = dd.load(SAMPLES / "espresso_timed_out.json")
    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(5):
            dbg = dd.debug(ESPRESSO, history, python=THERE)
            dbg.step()
            dbg.itself = dbg  # a circle: only a collection ends it
            del dbg
            assert dd.replay(ESPRESSO, history, python=THERE).ok
    finally:
        gc.set_threshold(*before)
    gc.collect()  # those that have grown old: each has a thread, which ends with it


def test_closing_a_debugger_whose_handler_hangs(tmp_path, history) -> None:
    import threading

    (tmp_path / "app.py").write_text(
        APP.format(deed="pass").replace("return", "import time; time.sleep(3600); return")
    )
    with (
        pytest.raises(dd.DurableDebugError),
        dd.debug(f"{tmp_path}/app.py:handler", history, python=THERE, allow="sleep", timeout=2) as dbg,
    ):
        threading.Timer(0.5, dbg.close).start()
        dbg.run()
        raise dd.DurableDebugError(repr(dbg.stop))


def environment(folder: Path) -> Path:
    """As much of an environment as is looked for."""
    site = folder / "lib" / "python3.11" / "site-packages" / "aws_durable_execution_sdk_python"
    site.mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text("")
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(sys.executable)
    return folder / "bin" / "python"


def test_the_environment_of_the_project_is_found(tmp_path) -> None:
    nested = tmp_path / "src" / "orders"
    nested.mkdir(parents=True)
    (nested / "app.py").write_text("")
    assert environment_of(f"{nested}/app.py:handler") is None
    python = environment(tmp_path / ".venv")
    assert environment_of(f"{nested}/app.py:handler") == str(python)
    assert environment_of("orders.app:handler") is None
    nearer = environment(tmp_path / "src" / "venv")
    assert environment_of(f"{nested}/app.py:handler") == str(nearer)


def test_an_environment_above_the_repository_is_not_its_own(tmp_path) -> None:
    environment(tmp_path / ".venv")
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    (tmp_path / "repository" / "app.py").write_text("")
    assert environment_of(f"{tmp_path}/repository/app.py:handler") is None


def test_handlers_beside_this_environment_run_here() -> None:
    assert environment_of(ESPRESSO) is None
