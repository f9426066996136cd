"""A handler that does not do the same twice is told so, and no change of its code is blamed."""

import textwrap

import durable_debug as dd
import pytest
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration

from tests.engine.subject import history_of

APP = """
import datetime, itertools, json, os, random, time, uuid
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration

@durable_execution
def handler(event, context):
    name, seconds, payload, branches, more, result = "one", 5, 1, 2, False, 1
    {change}
    context.step(lambda _: 1, name=name)  # step
    context.wait(Duration.from_seconds(seconds), name="pause")  # wait
    context.invoke("other", {{"n": payload}}, name="call")  # call
    context.map(list(range(branches)), lambda c, x, i, xs: c.step(lambda _: x, name="s"), name="map")  # map
    if more:
        context.step(lambda _: 2, name="more")  # more
    return result  # return
"""
COUNT = "n = int(os.environ['TWICE'] or 0); os.environ['TWICE'] = str(n + 1); "
# By what differs by itself: the change, and the line that is told.
CHANGES = {
    "a uuid in a name": ("name = f'one-{uuid.uuid4()}'", "step"),
    "the clock in a name": ("name = f'one-{time.time_ns()}'", "step"),
    "chance in a wait": ("seconds = random.randint(5, 10**9)", "wait"),
    "chance in a payload": ("payload = random.random()", "call"),
    "the number of items": (f"{COUNT}branches = 3 + n", "map"),
    "whether a step is asked for": (f"{COUNT}more = n < 2", "more"),
    "the result": ("result = uuid.uuid4().hex", "return"),
    "an error": ("raise ValueError(uuid.uuid4().hex)", None),
}


@pytest.fixture(scope="module")
def history() -> dd.History:
    @durable_execution
    def recorded(event, context):
        context.step(lambda _: 1, name="one")
        context.wait(Duration.from_seconds(5), name="pause")
        context.invoke("other", {"n": 1}, name="call")
        context.map([0, 1], lambda c, x, i, xs: c.step(lambda _: x, name="s"), name="map")
        return 1

    return history_of(recorded, "twice", plain={"other": lambda event, context: "ok"})


@pytest.fixture
def app(tmp_path, monkeypatch):
    monkeypatch.setenv("TWICE", "0")

    def written(change: str) -> str:
        path = tmp_path / "twice_app.py"
        path.write_text(textwrap.dedent(APP).format(change=change))
        return f"{path}:handler"

    return written


def test_it_is_clean_without_a_change(app, history) -> None:
    assert dd.replay(app("pass"), history).ok


@pytest.mark.parametrize("what", CHANGES)
def test_what_differs_by_itself_is_one_finding(app, history, what) -> None:
    change, mark = CHANGES[what]
    run = dd.replay(app(change), history)
    assert [one.kind for one in run.divergences] == ["nondeterministic"], run.report()
    (one,) = run.divergences
    assert one.message.startswith("This handler does not do the same twice: ") and one.recorded != one.asked
    assert mark is None or one.source.endswith(f"# {mark}"), run.report()
    assert "step" in one.advice and "version the function" not in one.advice
    if COUNT in change:
        return  # it counts on in the audit's process
    report = dd.audit(app(change), [history, history], progress=False)
    assert [cause.divergence.kind for cause in report.causes] == ["nondeterministic"]
    assert report.causes[0].count == 2


def test_what_the_code_changed_before_it_is_told_beside(app, history) -> None:
    run = dd.replay(app("seconds = 9; payload = random.random()"), history)
    assert [(one.kind, one.source[-6:]) for one in run.divergences] == [
        ("wait_duration", "# wait"),
        ("nondeterministic", "# call"),
    ]


def test_what_was_so_before_a_change_is_nothing_new(app, history, tmp_path) -> None:
    before = app("payload = random.random()").removesuffix(":handler")
    after = tmp_path / "twice_after.py"
    after.write_text((tmp_path / "twice_app.py").read_text().replace("# call", "#  call"))
    report = dd.audit(f"{after}:handler", [history], against=f"{before}:handler", progress=False)
    assert report.ok


def test_a_change_of_the_code_is_the_code_s(app, history) -> None:
    assert [one.kind for one in dd.replay(app("name = 'two'"), history).divergences] == ["renamed"]


def test_a_clean_replay_runs_once_and_a_hanging_one_is_not_waited_for_twice(
    app, history, monkeypatch
) -> None:
    import os

    dd.replay(app(f"{COUNT}pass"), history)
    assert os.environ["TWICE"] == "1"
    monkeypatch.setenv("TWICE", "0")
    run = dd.replay(app(f"{COUNT}\n    while n >= 0: pass"), history, timeout=0.3)
    assert os.environ["TWICE"] == "1" and [one.kind for one in run.divergences] == ["outcome"]


def test_a_body_that_is_let_run_runs_once_where_passes_are_compared(app, history, tmp_path) -> None:
    ran = tmp_path / "ran"
    unfinished = dd.load([event for event in history.raw if event["EventId"] < 2])
    source = app("seconds = 5").removesuffix(":handler")
    path = tmp_path / "twice_app.py"
    path.write_text(
        path.read_text().replace(
            "lambda _: 1, name=name", f"lambda _: open({str(ran)!r}, 'a').write('x'), name=name"
        )
    )
    run = dd.replay(f"{source}:handler", unfinished, run="one")
    assert ran.read_text() == "x" and run.operations[0].answer == "ran"
    assert any("let run (1)" in sentence for sentence in run.unchecked)
    with dd.debug(f"{source}:handler", unfinished, run="one") as dbg:
        for _ in range(3):
            dbg.run()
            dbg.step_back()
            dbg.restart()
    assert ran.read_text() == "xx"


@pytest.mark.parametrize("change", ["name = f'one-{uuid.uuid4()}'", "name = 'uno'"])
def test_the_debugger_goes_past_another_name_and_back(app, history, change) -> None:
    with dd.debug(app(change), history) as dbg:
        forth = [dbg.stop.index, *(dbg.step_in().index for _ in range(8))]
        assert forth == list(range(9)) and dbg.stop.kind == "end"
        assert [dbg.step_back().index for _ in range(4)] == [3, 2, 1, 0]
