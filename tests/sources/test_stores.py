"""The testing SDK's stores and runners, and SAM's database: the whole checkpoint log, and what it knows beyond a history."""

from __future__ import annotations

import json
import logging
import sqlite3
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner
from aws_durable_execution_sdk_python_testing.stores.filesystem import FileSystemExecutionStore
from aws_durable_execution_sdk_python_testing.stores.sqlite import SQLiteExecutionStore

from durable_debug.errors import HistoryError
from durable_debug.history import History
from durable_debug.sources import Histories, load
from tests.sources import handlers

TESTS = str(Path(__file__).parent.parent)
if TESTS not in sys.path:
    sys.path.insert(0, TESTS)
from corpus import CASES, GROUPS  # noqa: E402
from corpus.recorder import record  # noqa: E402

# A crashed invocation leaves no trace in the emulator's store; SUMMARY: only the store tells that its children replay.
CRASHES = ("crashes_", "mixed_crash", "large_error_beyond")
SUMMARY = "large_child_with_a_summary"


def plain(value: Any) -> Any:
    """With timestamps to the millisecond: the store keeps no more of an operation's."""
    if isinstance(value, dict):
        return {key: plain(held) for key, held in value.items()}
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else value


@pytest.mark.parametrize("group", GROUPS)
def test_a_record_of_a_store_says_what_the_history_says(group: str) -> None:
    for name in CASES:
        if name.partition("_")[0] == group:
            check(name)


def test_no_case_is_left_out() -> None:
    assert {name.partition("_")[0] for name in CASES} <= set(GROUPS)


def check(name: str) -> None:
    recorded = record(CASES[name])
    history, stored = load(recorded.history), load(recorded.store)
    assert (stored.arn, stored.status, stored.result, stored.error, stored.input) == (
        history.arn,
        history.status,
        history.result,
        history.error,
        history.input,
    )
    if name != SUMMARY:
        after = {operation["Id"]: plain(operation) for operation in stored.final_state()}
        assert after == {operation["Id"]: plain(operation) for operation in history.final_state()}
    assert told(stored) == told(history)
    assert not any(operation.replay_children is None for operation in stored.tree())
    if not name.startswith(CRASHES):
        assert stored.invocation_count == len(recorded.invocations)
        for number, invocation in enumerate(recorded.invocations, 1):
            received = {operation["Id"]: operation["Status"] for operation in invocation.operations}
            assert {each["Id"]: each["Status"] for each in stored.invocation_state(number)} == received


def told(history: History) -> dict[str, Any]:
    """What was asked for, and the attempts."""
    return {
        operation.position: (
            operation.timeout_seconds,
            operation.heartbeat_timeout_seconds,
            operation.duration_seconds,
            operation.function_name,
            operation.payload,
            [(each.status, each.delay_seconds, each.result, each.error) for each in operation.all_attempts],
        )
        for operation in history.tree()
    }


def test_what_no_history_tells() -> None:
    recorded = record(CASES[SUMMARY])
    history, stored = load(recorded.history), load(recorded.store)
    (large,) = [operation for operation in stored.tree() if operation.name == "large"]
    assert (history.operation(large.position).replay_children, large.replay_children) == (None, True)


@pytest.fixture
def runner(request: pytest.FixtureRequest) -> Any:
    logging.disable(logging.CRITICAL)
    with DurableFunctionTestRunner(
        handlers.orders, poll_interval=0.01, **getattr(request, "param", {})
    ) as runner:
        runner.register_durable_function("stock", handlers.stock)
        yield runner
    logging.disable(logging.NOTSET)


def test_a_runner_or_what_it_gave(runner: Any) -> None:
    with pytest.raises(HistoryError, match="ran no execution"):
        load(runner)
    first = runner.run_async('{"steps": 250}', execution_name="first")
    runner.wait_for_result(first)
    result = runner.run('{"steps": 2, "invoke": true, "fail": true}', execution_name="last")
    history = load(runner)
    assert (history.name, history.status, history.input) == (
        "last",
        "FAILED",
        '{"steps": 2, "invoke": true, "fail": true}',
    )
    assert history.children["3"].result == '"reserved a"'
    assert history.refresh() == history
    history.require_replayable()
    one = load(runner, first)
    assert len(one.tree()) == 250
    assert load(runner, "first") == one
    with pytest.raises(HistoryError, match="holds no execution 'nothing'"):
        load(runner, "nothing")
    page = runner.get_execution_history(first, include_execution_data=True)
    assert "one page" in load(page).warnings[0]  # it has the first hundred events only
    shown = load(result)
    assert (shown.status, shown.error["ErrorMessage"]) == ("FAILED", "no such card")
    assert [operation.name for operation in shown.tree()] == [operation.name for operation in history.tree()]
    assert shown.operation("1").result == history.operation("1").result
    with pytest.raises(HistoryError, match="cannot be replayed, because the result of a test.*dd.load"):
        shown.require_replayable()


def test_a_failed_test_replays(runner: Any) -> None:
    from durable_debug.divergence import replay

    runner.run('{"steps": 2, "fail": true}')
    run = replay(handlers.orders, load(runner))
    assert (run.ok, run.status) == (True, "FAILED")


def test_one_that_goes_on(runner: Any) -> None:
    arn = runner.run_async('{"steps": 1, "callback": true}')
    callback = runner.wait_for_callback(arn, timeout=60)
    history = load(runner, arn)
    assert history.status == "RUNNING"
    runner.send_callback_success(callback, b'"yes"')
    runner.wait_for_result(arn)
    assert history.refresh().status == "SUCCEEDED"


def test_a_runner_that_is_closed_still_tells() -> None:
    with DurableFunctionTestRunner(handlers.orders, poll_interval=0.01) as runner:
        runner.run('{"steps": 1}')
    assert load(runner).status == "SUCCEEDED"


def test_the_filesystem_store(tmp_path: Path) -> None:
    store = FileSystemExecutionStore.create(tmp_path / ".durable_executions")
    arns = fill(store)
    found = load(tmp_path / ".durable_executions")
    assert isinstance(found, Histories)
    assert sorted(found.frame.name) == ["bad", "good", "stock"] or set(found.frame.arn) == set(arns)
    assert found["bad"].status == "FAILED"
    good = found["good"]
    assert good.children["2"].function_name is None and good.children["2"].result == '"reserved a"'
    (file,) = [name for name in found.frame.file if found[name].name == "bad"]
    assert load(tmp_path / ".durable_executions" / file) == found["bad"]
    assert not (tmp_path / ".durable_executions" / "index.ndjson").exists()  # it is not our folder


@pytest.mark.parametrize(
    "given", [".", ".durable-executions-local", ".durable-executions-local/durable-executions.db"]
)
def test_the_sqlite_store_as_sam_keeps_it(tmp_path: Path, given: str) -> None:
    path = tmp_path / ".durable-executions-local" / "durable-executions.db"
    fill(SQLiteExecutionStore.create_and_initialize(path))
    found = load(tmp_path / given)
    assert isinstance(found, Histories) and len(found) == 3
    assert found.frame.set_index("name").loc["bad", ["status", "function_name"]].tolist() == [
        "FAILED",
        "orders",
    ]
    assert found.frame.events.isna().all()
    assert found["bad"].error["ErrorMessage"] == "no such card"
    assert found["good"].children["2"].result == '"reserved a"'
    assert load(f"{path}#bad") == found["bad"]


def test_another_database(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE executions (other TEXT)")
    with pytest.raises(HistoryError, match=r"other.db cannot be read as a store .*durable_execution_arn"):
        load(path)


def test_records_that_are_broken(tmp_path: Path) -> None:
    store = record(CASES["steps_three_in_a_row"]).store
    for broken in (
        {**store, "UpdateTimestamps": []},
        {**store, "Operations": [1]},
        {**store, "Updates": [{}] * 9},
    ):
        with pytest.raises(HistoryError, match="cannot be read") as raised:
            load(broken)
        assert "get_execution_history" in raised.value.cure
    (tmp_path / "good.json").write_text(json.dumps(store))
    (tmp_path / "bad.json").write_text('{"Events": 1}')
    found = load(tmp_path)
    assert len(found) == 1 and "bad.json" in found.problems[0]


def fill(store: Any) -> list[str]:
    logging.disable(logging.CRITICAL)
    try:
        with DurableFunctionTestRunner(handlers.orders, store=store, poll_interval=0.01) as runner:
            runner.register_durable_function("stock", handlers.stock)
            for name, given in (("good", {"steps": 1, "invoke": True}), ("bad", {"steps": 1, "fail": True})):
                arn = runner.run_async(json.dumps(given), function_name="orders", execution_name=name)
                runner.wait_for_result(arn)
            return [execution.durable_execution_arn for execution in store.list_all()]
    finally:
        logging.disable(logging.NOTSET)
