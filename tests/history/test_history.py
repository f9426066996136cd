"""What a history shows of an execution."""

from __future__ import annotations

import copy
import doctest
import inspect
import pickle
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from corpus import CASES
from corpus.recorder import record

from durable_debug.errors import HistoryError
from durable_debug.history import History, Operation
from durable_debug.sources import load

AT = 1_795_291_732.0


def event(number: int, kind: str, second: float, **fields: object) -> dict[str, object]:
    details = fields.pop("details", {})
    return {
        "EventType": kind,
        "EventId": number,
        "EventTimestamp": AT + second,
        f"{kind}Details": details,
        **fields,
    }


@pytest.fixture
def espresso(samples: Path) -> History:
    return load(samples / "espresso_timed_out.json")


def test_the_execution(espresso: History) -> None:
    assert espresso.status == "SUCCEEDED" or espresso.status == "FAILED"
    assert espresso.name
    assert espresso.input and espresso.input.startswith("{")
    assert (espresso.result is None) != (espresso.error is None)
    assert espresso.duration_seconds and espresso.duration_seconds >= 120
    assert espresso.warnings == ()


def test_name_and_function_from_the_arn() -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders:7/durable-execution/order-42/0b1d"
    history = History([event(1, "ExecutionStarted", 0, Id="0b1d")], arn=arn)
    assert (history.name, history.function_name, history.arn) == ("order-42", "orders", arn)
    assert (history.status, history.input, history.result, history.error) == ("RUNNING", None, None, None)
    assert History([event(1, "ExecutionStarted", 0, Id="x")], arn="uuid/uuid").function_name is None


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        (["ExecutionTimedOut"], "TIMED_OUT"),
        (["ExecutionStopped"], "STOPPED"),
        (["ExecutionPaused"], "PAUSED"),
        (["ExecutionPaused", "ExecutionResumed"], "RUNNING"),
        (["ExecutionPaused", "ExecutionResumed", "ExecutionSucceeded"], "SUCCEEDED"),
    ],
)
def test_status(kinds: list[str], status: str) -> None:
    events = [event(number, kind, number) for number, kind in enumerate(["ExecutionStarted", *kinds], 1)]
    assert History(events).status == status


def documented_columns(name: str) -> dict[str, str]:
    """Names and dtypes that the table in a frame's docstring tells, in order. A row may name several columns."""
    lines = inspect.getdoc(getattr(History, name)).splitlines()
    rule, _, end = [at for at, line in enumerate(lines) if line.startswith("====")]
    width = lines[rule].index(" ")
    found: dict[str, str] = {}
    for line in lines[rule + 3 : end]:
        dtype = re.split(r"\s{2,}", line[width:].strip())[0] or dtype  # a row may go on in the next line
        found |= dict.fromkeys(re.findall(r"\w+", line[:width]), dtype)
    return found


FRAMES = ["events", "operations", "attempts", "invocations", "callbacks"]


@pytest.mark.parametrize("name", FRAMES)
def test_the_table_of_a_frame_is_its_columns(espresso: History, name: str) -> None:
    columns = documented_columns(name)
    assert len(columns) >= 6
    for history in (espresso, History([])):
        frame = getattr(history, name)
        assert list(frame.columns) == list(columns)
        assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == columns


def test_the_columns_that_every_release_has() -> None:
    """Names that people's notebooks know: none goes, whatever the tables say."""
    known = {
        "events": "event_id timestamp event_type id parent_id name sub_type position invocation payload error_type"
        " error_message details",
        "operations": "position name type sub_type status depth attempts began start end elapsed_seconds"
        " start_invocation end_invocation start_event_id end_event_id result error payload function_name callback_id"
        " timeout_seconds heartbeat_timeout_seconds duration_seconds replay_children truncated id parent_id event_ids"
        " error_type error_message",
        "attempts": "position name sub_type attempt status start end duration_seconds delay_seconds error_type"
        " error_message result invocation began start_invocation",
        "invocations": "invocation start end duration_seconds status request_id first_event_id last_event_id"
        " operations_started operations_completed error_type error_message boundaries",
        "callbacks": "name position callback_id start timeout_seconds heartbeat_timeout_seconds",
    }
    assert {name: " ".join(getattr(History([]), name).columns) for name in FRAMES} == known
    family = History([]).family
    assert list(family.columns) == ["path", "execution", *known["operations"].split()]
    assert {str(family[column].dtype) for column in ("path", "execution")} == {"str"}


def test_a_frame_is_made_once(espresso: History) -> None:
    for name in FRAMES[:4]:
        assert getattr(espresso, name) is getattr(espresso, name)


@pytest.mark.parametrize("name", ["events", "operations", "attempts", "invocations"])
def test_the_one_liners_of_the_docstrings(espresso: History, name: str) -> None:
    examples = doctest.DocTestParser().get_examples(getattr(History, name).__doc__)
    for example in examples:
        found = eval(example.source, {"history": espresso})
        assert len(found) > 0 if hasattr(found, "__len__") else found > 0, example.source
    assert examples or name == "attempts"


def test_what_retried_most_and_what_ran_when() -> None:
    history = load(record(CASES["mixed_every_kind_of_operation"]).history)
    attempts = history.operations.set_index("name").attempts
    assert history.operations.nlargest(1, "attempts").attempts.item() == attempts.max()
    assert attempts.max() == history.attempts.groupby("position").attempt.max().max()
    for number in range(1, history.invocation_count + 1):
        ran = history.events.query(f"invocation == {number}")
        assert len(ran) > 0
    ended = history.operations.dropna(subset="end_invocation")
    assert (ended.start_invocation <= ended.end_invocation).all()
    assert history.invocations.operations_started.sum() == len(history.operations)


def test_every_payload_under_a_position(samples: Path) -> None:
    history = load(samples / "nested.json")
    positions = history.events.position
    under = history.events.loc[positions.str.match(r"1(-|$)"), ["position", "payload"]].dropna()
    assert len(under) > 0
    assert all(position == "1" or position.startswith("1-") for position in under.position)


def test_the_tree(samples: Path) -> None:
    history = load(samples / "nested.json")
    seen: set[str] = set()
    for operation in history.tree():
        assert isinstance(operation, Operation)
        assert operation.parent_id is None or operation.parent_id in seen, "a parent comes first"
        assert operation.depth == (
            0 if operation.parent_id is None else history.operation(operation.parent_id).depth + 1
        )
        seen.add(operation.id)
        assert history.operation(operation.position) is history.operation(operation.id) is operation
        assert history.raw[operation.event_ids[0] - 1]["Id"] == operation.id
    assert history.tree() is history.tree()
    with pytest.raises(HistoryError, match="no operation '99'"):
        history.operation("99")


def test_an_operation_has_what_its_events_say() -> None:
    history = History(
        [
            event(1, "ExecutionStarted", 0, Id="e", details={"Input": {"Payload": "{}"}}),
            event(
                2,
                "CallbackStarted",
                1,
                Id="c",
                details={"CallbackId": "id-1", "Timeout": 120, "HeartbeatTimeout": 9},
            ),
            event(3, "WaitStarted", 1, Id="w", details={"Duration": 60, "ScheduledEndTimestamp": AT + 61}),
            event(
                4,
                "ChainedInvokeStarted",
                2,
                Id="i",
                details={"FunctionName": "f:1", "Input": {"Payload": '{"a":1}'}},
            ),
            event(5, "ChainedInvokeFailed", 3, Id="i", details={"Error": {"Payload": {"ErrorType": "Boom"}}}),
            event(
                6, "CallbackTimedOut", 121, Id="c", details={"Error": {"Payload": {"ErrorMessage": "late"}}}
            ),
        ]
    )
    callback, wait, invoke = history.tree()
    assert (callback.callback_id, callback.timeout_seconds, callback.heartbeat_timeout_seconds) == (
        "id-1",
        120,
        9,
    )
    assert (callback.status, callback.error, callback.elapsed_seconds) == (
        "TIMED_OUT",
        {"ErrorMessage": "late"},
        120,
    )
    assert (wait.status, wait.duration_seconds, wait.end) == ("STARTED", 60, None)
    assert (invoke.function_name, invoke.payload, invoke.error) == ("f:1", '{"a":1}', {"ErrorType": "Boom"})
    assert (invoke.result, invoke.status, invoke.end_event_id) == (None, "FAILED", 5)


def test_attempts_of_a_step() -> None:
    failed = {"Error": {"Payload": {"ErrorType": "E", "ErrorMessage": "no"}}}
    history = History(
        [
            event(1, "ExecutionStarted", 0, Id="e"),
            event(2, "StepStarted", 1, Id="s", Name="pay"),
            event(
                3,
                "StepFailed",
                2,
                Id="s",
                Name="pay",
                details={**failed, "RetryDetails": {"NextAttemptDelaySeconds": 5}},
            ),
            event(4, "StepStarted", 8, Id="s", Name="pay"),
            event(
                5,
                "StepFailed",
                9,
                Id="s",
                Name="pay",
                details={**failed, "RetryDetails": {"NextAttemptDelaySeconds": 0}},
            ),
        ]
    )
    (step,) = history.tree()
    assert (step.attempts, step.status, step.end_event_id, step.elapsed_seconds) == (2, "FAILED", 5, 8)
    assert list(history.attempts.delay_seconds.fillna(-1)) == [5, -1]
    assert list(history.attempts.duration_seconds) == [1, 1]
    states = {number: history.state_at(number)[1] for number in (2, 3, 4, 5)}
    assert [state["Status"] for state in states.values()] == ["STARTED", "PENDING", "STARTED", "FAILED"]
    assert [state["StepDetails"]["Attempt"] for state in states.values()] == [0, 1, 1, 2]
    assert states[3]["StepDetails"]["NextAttemptTimestamp"] == datetime.fromtimestamp(AT + 7, UTC)
    assert "Error" not in states[4]["StepDetails"], "a new start clears the last outcome"


def test_a_state_is_the_caller_s_to_change(espresso: History) -> None:
    before = copy.deepcopy(espresso.final_state())
    changed = espresso.final_state()
    for operation in changed:
        for value in operation.values():
            if isinstance(value, dict):
                value.clear()
        operation.clear()
    assert espresso.final_state() == before
    assert espresso.final_state()[0]["Type"] == "EXECUTION"


def test_places_that_are_not_there(espresso: History) -> None:
    with pytest.raises(HistoryError, match="no event 999"):
        espresso.state_at(999)
    for wrong in (0, -1, 999):
        with pytest.raises(HistoryError, match="no invocation"):
            espresso.invocation_state(wrong)


def test_the_record_is_not_changed(espresso: History) -> None:
    before = copy.deepcopy(espresso.raw)
    espresso.events, espresso.operations, espresso.attempts, espresso.invocations, espresso.final_state()
    assert espresso.raw == before


def test_equal_and_pickled(espresso: History) -> None:
    again = pickle.loads(pickle.dumps(espresso))
    assert again == espresso
    assert again.warnings == espresso.warnings
    assert hash(again) == hash(espresso)
    assert espresso != History(espresso.raw[:-1], arn=espresso.arn)
    assert espresso != History(espresso.raw, arn="another")
    assert espresso != "history"
    page = History(espresso.raw, more_pages=True)
    assert pickle.loads(pickle.dumps(page)).warnings == page.warnings


def test_the_card_is_escaped_and_bounded() -> None:
    hostile = "<script>alert('x')</script>" * 1000
    error = {"ErrorType": hostile, "ErrorMessage": hostile}
    history = History(
        [
            event(1, "ExecutionStarted", 0, Id="e", Name=hostile),
            *(event(number, f"<b>{number}{hostile}", 1) for number in range(2, 40)),
            event(40, "ExecutionFailed", 2, Id="e", details={"Error": {"Payload": error}}),
        ]
    )
    html = history._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert len(html) < 10_000
    assert len(repr(history)) < 400
    assert "\n" not in repr(history)
    assert "FAILED" in html


def test_an_empty_one_can_be_looked_at() -> None:
    history = History([])
    assert (len(history), history.tree(), history.invocation_count, history.final_state()) == (0, (), 0, [])
    assert repr(history) and history._repr_html_()


def test_importing_it_does_not_import_pandas() -> None:
    code = "import sys, durable_debug.history, durable_debug.sources; print('pandas' in sys.modules, 'numpy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]


def test_frames_are_real_frames(espresso: History) -> None:
    assert isinstance(espresso.events, pd.DataFrame)
    assert espresso.events.timestamp.is_monotonic_increasing
    assert espresso.events.position.notna().sum() == sum(len(each.event_ids) for each in espresso.tree())
