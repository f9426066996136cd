"""Where an execution stands: what it waits for, and how often the bodies of its steps began."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
from corpus import CASES
from corpus.recorder import record

from durable_debug import replay
from durable_debug.cli import main
from durable_debug.history import History
from durable_debug.sources import load
from tests.history.by_hand import EPOCH, completed, failed, written

# By name of the step: attempts, and how often its body really ran, noted by the bodies themselves.
RAN = {
    "crashes_in_a_step": {"before": (1, 1), "dies": (1, 2), "after": (1, 1)},
    "crashes_twice_in_a_step": {"before": (1, 1), "dies": (1, 3)},
    "crashes_between_steps": {"first": (1, 1), "second": (1, 1)},
    "crashes_after_a_wait": {"first": (1, 1), "second": (1, 1)},
    "crashes_in_an_at_most_once_step": {"before": (1, 1), "charge": (2, 2)},
    "crashes_in_an_at_most_once_step_without_retry": {"charge": (1, 1), "look-up": (1, 1)},
    "crashes_in_a_child": {"before": (1, 1), "dies": (1, 2), "after": (1, 1)},
    "crashes_in_a_retried_step": {"work": (2, 3)},
    "crashes_for_ever": {"before": (1, 1), "dies": (1, 5)},
    "crashes_by_the_time_limit_of_an_invocation": {"before": (1, 1), "slow": (1, 2), "after": (1, 1)},
    "crashes_of_a_serdes": {"keyed": (1, 2)},
    "crashes_in_a_submitter": {"ask submitter": (1, 2)},
}


@pytest.mark.parametrize("name", RAN)
def test_how_often_a_body_began(name: str) -> None:
    history = load(record(CASES[name]).history)
    steps = history.operations.query("type == 'STEP'")
    assert {step.name: (step.attempts, step.began) for step in steps.itertuples()} == RAN[name]
    assert history.operations.query("type != 'STEP'").began.isna().all()
    assert history.attempts.groupby("name").began.sum().to_dict() == {
        step: began for step, (_, began) in RAN[name].items()
    }
    for step, (attempts, began) in RAN[name].items():
        told = any(step in remark and " times" in remark for remark in history.remarks)
        assert told is (began > attempts)


def test_a_body_that_never_ended_is_told_wherever_the_execution_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES["crashes_for_ever"]
    history = load(record(case).history)
    (told,) = history.remarks
    assert told == (
        "The body of 'dies' (2) began 5 times, in invocations 1 to 5, as far as the record tells, and never ended."
    )
    assert told in unescape(history._repr_html_())
    path = history.save(tmp_path / "history.json")
    assert main(["show", str(path)]) == 0
    shown = capsys.readouterr().out
    assert told in shown
    assert "1 (began 5×)" in shown
    assert main(["show", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["remarks"] == [told]
    run = replay(case.handler, history)
    assert told in run.report()
    assert told in unescape(run._repr_html_())


def test_an_interrupted_body_began_once() -> None:
    (told,) = load(record(CASES["crashes_in_an_at_most_once_step"]).history).remarks
    assert told == (
        "The body of 'charge' (2) began once in attempt 1, in invocation 1, as far as the record tells, "
        "and never ended: it was interrupted, and runs at most once an attempt."
    )


def test_an_invocation_that_could_not_load_the_code_began_nothing() -> None:
    at, kind, name, parent, sub_type, details = completed(200, 101)
    unable = {**details, "Error": {"Payload": {"ErrorType": "Runtime.ImportModuleError"}}}
    dead = {**completed(10, 1)[5], "Error": {"Payload": {"ErrorType": "Runtime.ExitError"}}}
    history = written(
        (0, "ExecutionStarted", "execution"),
        (2, "StepStarted", "a", None, "Step"),
        (10, "InvocationCompleted", None, None, None, dead),
        (at, kind, name, parent, sub_type, unable),
        (302, "StepSucceeded", "a", None, "Step"),
        completed(400, 301),
        (401, "ExecutionSucceeded", "execution"),
    )
    assert history.operations.began.tolist() == [2]
    assert history.invocation_count == 3


def test_a_step_that_a_parallel_left_behind_is_not_begun_again() -> None:
    """Its context has ended: no later invocation comes to it, and nobody waits for it."""
    history = written(
        (0, "ExecutionStarted", "execution"),
        (2, "ContextStarted", "p", None, "Parallel"),
        (2, "ContextStarted", "left", "p", "ParallelBranch"),
        (2, "StepStarted", "slow", "left", "Step"),
        (3, "ContextSucceeded", "p", None, "Parallel"),
        (4, "WaitStarted", "w", None, "Wait", {"Duration": 2}),
        completed(10, 1),
        (2004, "WaitSucceeded", "w", None, "Wait"),
        (2006, "WaitStarted", "x", None, "Wait", {"Duration": 60}),
        completed(2010, 2005),
    )
    assert history.operations.set_index("name").began["slow"] == 1
    assert [each.name for each in history.waits_for] == ["x"]
    (told,) = history.remarks
    assert told.startswith("It waits for timer 'x'")
    assert told.endswith(f"until {_moment(62_006)}.")


def _moment(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp((EPOCH + milliseconds) / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def test_what_a_running_execution_waits_for(samples: Path) -> None:
    history = load(samples / "suspended.json")
    (one,) = history.waits_for
    assert (one.kind, one.position, one.name) == ("callback", "1", "manager-approval")
    assert one.until is not None and one.since is not None and one.until > one.since
    (told,) = history.remarks
    assert told == (
        f"It waits for callback 'manager-approval' (1) since {one.since:%Y-%m-%d %H:%M:%S} UTC, "
        f"which times out at {one.until:%Y-%m-%d %H:%M:%S} UTC."
    )
    assert told in unescape(history._repr_html_())
    assert "waits for callback 'manager-approval' (1) since" in repr(history)


def test_each_kind_of_what_is_waited_for() -> None:
    history = written(
        (0, "ExecutionStarted", "execution"),
        (2, "ContextStarted", "ask", None, "WaitForCallback"),
        (
            2,
            "CallbackStarted",
            "ask create callback id",
            "ask",
            "Callback",
            {"CallbackId": "1", "HeartbeatTimeout": 30},
        ),
        (2, "ChainedInvokeStarted", "call", None, "ChainedInvoke", {"FunctionName": "other"}),
        (2, "StepStarted", "again", None, "Step"),
        failed(3, "again"),
        (4, "StepStarted", "ready", None, "WaitForCondition"),
        (
            5,
            "StepSucceeded",
            "ready",
            None,
            "WaitForCondition",
            {"RetryDetails": {"NextAttemptDelaySeconds": 60}},
        ),
        completed(100, 1),
    )
    assert [(each.kind, each.name) for each in history.waits_for] == [
        ("callback", "ask"),
        ("invoke", "call"),
        ("retry", "again"),
        ("poll", "ready"),
    ]
    sentences = [each.sentence for each in history.waits_for]
    assert sentences[0].endswith("which wants a heartbeat every 30 s")
    assert "of 'other' since" in sentences[1]
    assert sentences[2].startswith("attempt 2 of 'again'") and _moment(1_003) in sentences[2]
    assert sentences[3].startswith("poll 2 of 'ready'") and _moment(60_005) in sentences[3]


def test_nothing_is_waited_for() -> None:
    history = written(
        (0, "ExecutionStarted", "execution"),
        (2, "CallbackStarted", "ask", None, "Callback", {"CallbackId": "1"}),
        completed(100, 1),
        (5000, "CallbackSucceeded", "ask", None, "Callback"),
    )
    assert history.waits_for == ()
    (told,) = history.remarks
    assert told.startswith("Nothing is waited for")


def test_a_body_under_way_and_one_whose_invocation_died() -> None:
    lines = [
        (0, "ExecutionStarted", "execution"),
        (2, "StepStarted", "slow", None, "Step"),
    ]
    running = written(*lines)
    assert running.waits_for[0].kind == "body"
    assert "Invocation 1 is under way" in running.remarks[0]
    assert "the body of 'slow'" in running.remarks[1]
    dead = {**completed(10, 1)[5], "Error": {"Payload": {"ErrorType": "Runtime.OutOfMemory"}}}
    died = written(*lines, (10, "InvocationCompleted", None, None, None, dead))
    assert died.remarks[0].startswith("Invocation 1 failed with Runtime.OutOfMemory")
    assert "began once, in invocation 1, as far as the record tells, and never ended" in died.remarks[1]


def test_an_execution_that_was_ended_from_outside_says_what_it_waited_for() -> None:
    history = load(record(CASES["waits_beyond_the_execution_timeout"]).history)
    assert history.remarks[0].startswith("When it was ended, it waited for timer 'too-long' (2)")


def test_what_cannot_be_known_is_said() -> None:
    events = load(record(CASES["waits_still"]).history).raw
    assert History(events, more_pages=True).remarks[0].startswith("What it waits for is not known")
    assert History([]).remarks == ()
