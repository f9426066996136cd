"""Whose a log line is: what it says of itself, what stands around it, and when it was written."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.config import StepConfig
from aws_durable_execution_sdk_python.retries import RetryStrategyConfig, create_retry_strategy
from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner

import durable_debug as dd
from durable_debug.history.log_lines import read

SAMPLES = Path(__file__).parents[2] / "sample_histories"
ID = "a891ce56-ae87-4c07-8d3c-5970d11575a4"
AT = "2026-11-21T21:27:08.662Z"

FORMS = [
    # line, text, level, request, mark, platform
    (f"START RequestId: {ID} Version: $LATEST\n", f"START RequestId: {ID} Version: $LATEST", None, ID, "start", True),
    (f"END RequestId: {ID}\n", f"END RequestId: {ID}", None, ID, "end", True),
    (f"REPORT RequestId: {ID}\tDuration: 3 ms\t", f"REPORT RequestId: {ID}  Duration: 3 ms", None, ID, "end", True),
    ("INIT_START Runtime Version: python:3.13.v1", "INIT_START Runtime Version: python:3.13.v1", None, None, "init", True),
    (f"[INFO]\t{AT}\t{ID}\tpaid\tin full\n", "paid\tin full", "INFO", ID, "", False),
    (f"[WARNING]\t{AT}\t\tat import", "at import", "WARNING", None, "", False),
    ("[ERROR] ValueError: no\rTraceback (most recent call last):\r  File x", "ValueError: no\nTraceback (most recent call last):\n  File x", "ERROR", None, "", False),
    (f"{AT}\t{ID}\tWARN\tfrom Node.js", "from Node.js", "WARNING", ID, "", False),
    (f"{AT}\tundefined\tINFO\tat import", "at import", "INFO", None, "", False),
    (f"{AT} {ID} Task timed out after 3.00 seconds\n\n", "Task timed out after 3.00 seconds", "ERROR", ID, "", True),
    (f"RequestId: {ID} Error: Runtime exited with error: exit status 1", "Error: Runtime exited with error: exit status 1", "ERROR", ID, "", True),
    (json.dumps({"level": "WARN", "message": "m", "requestId": ID}), "m", "WARNING", ID, "", False),
    (json.dumps({"level": "ERROR", "message": "no", "errorType": "E", "errorMessage": "no", "requestId": ID}), "E: no", "ERROR", ID, "", False),
    (json.dumps({"level": "ERROR", "message": "m", "errorType": "E", "errorMessage": "no", "stackTrace": ["a\n", "b"]}), "m\nE: no\na\nb", "ERROR", None, "", False),
    (json.dumps({"log_level": "info", "message": {"a": 1}, "function_request_id": ID}), '{"a": 1}', "INFO", ID, "", False),
    (json.dumps({"type": "platform.start", "record": {"requestId": ID, "version": "7"}}), "platform.start version=7", None, ID, "start", True),
    (json.dumps({"type": "platform.report", "record": {"requestId": ID, "status": "timeout", "metrics": {"durationMs": 3.5}}}), "platform.report status=timeout durationMs=3.5", "ERROR", ID, "end", True),
    (json.dumps({"order": 7}), '{"order": 7}', None, None, "", False),
    ("{not json", "{not json", None, None, "", False),
    ("printed", "printed", None, None, "", False),
]  # fmt: skip


@pytest.mark.parametrize(("line", "text", "level", "request_id", "mark", "platform"), FORMS)
def test_what_a_line_says_of_itself(
    line: str, text: str, level: str | None, request_id: str | None, mark: str, platform: bool
) -> None:
    said = read(line)
    assert (said.text, said.level, said.request_id, said.mark, said.platform) == (
        text,
        level,
        request_id,
        mark,
        platform,
    )


def recorded(lines: list[tuple[int, str]], sample: str = "payment_failed") -> dd.History:
    """A sample with these lines, each so many milliseconds after its first invocation began, in one stream."""
    document = json.loads((SAMPLES / f"{sample}.json").read_text(encoding="utf-8"))
    began = round(dd.load(document).invocation(1).start.timestamp() * 1000)
    events = [{"timestamp": began + at, "logStreamName": "s", "message": message} for at, message in lines]
    return dd.load({**document, "Logs": {"LogGroup": "g", "Events": events}})


def test_where_a_sandbox_works_on_several_only_what_names_its_request_is_told() -> None:
    """As managed instances do: what is printed while two requests are under way may be either's."""
    other = "99999999-1111-4222-8333-444444444444"
    history = recorded(
        [
            (0, f"START RequestId: {ID} Version: 1"),
            (1, "of the only one"),
            (2, f"START RequestId: {other} Version: 1"),
            (3, "of one of the two"),
            (4, f"[INFO]\t{AT}\t{ID}\tof ours"),
            (5, f"END RequestId: {other}"),
            (6, "of the one that is left"),
        ]
    )
    assert [event.message for event in history.log_events if not event.platform] == [
        "of the only one",
        "of ours",
        "of the one that is left",
    ]


def test_at_what_moment_two_run_no_operation_is_named() -> None:
    document = json.loads((SAMPLES / "map_200.json").read_text(encoding="utf-8"))
    history = dd.load(document)
    first = history.invocation(1)
    attempts = [a for o in history.tree() for a in o.all_attempts if a.start_invocation == 1 and a.end]
    crowded = next(
        a.start
        for a in attempts
        if sum(b.start <= a.start and a.start.replace(microsecond=0) <= b.end for b in attempts) > 1
        and sum(b.start <= a.start <= b.end for b in attempts) > 1
    )
    offset = int((crowded - first.start).total_seconds() * 1000) + 1
    lines = [(0, f"START RequestId: {first.request_id} Version: 1"), (offset, "printed")]
    (_, event) = recorded(lines, "map_200").log_events
    assert (event.invocation, event.position, event.joined) == (1, None, None)


@pytest.fixture
def written() -> list[dict[str, Any]]:
    """Log events of a logger whose lines are what Lambda's runtime makes of records in JSON: fields, and what was added."""
    return []


def test_lines_of_the_sdks_own_logger_find_their_operation_and_attempt(written: list[dict[str, Any]]) -> None:
    usual = set(vars(logging.makeLogRecord({}))) | {"message", "taskName"}

    class Lambda(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            added = {key: value for key, value in vars(record).items() if key not in usual}
            line = {"level": record.levelname, "message": record.getMessage(), "requestId": ID, **added}
            event = {
                "timestamp": int(record.created * 1000),
                "logStreamName": "s",
                "message": json.dumps(line),
            }
            written.append(event)

    logger = logging.Logger("shop", logging.INFO)
    logger.addHandler(Lambda())
    failures = iter([True, True, False])
    retry = create_retry_strategy(RetryStrategyConfig(max_attempts=5))

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        context.set_logger(logger)
        context.logger.info("the handler begins")

        def flaky(step: Any) -> None:
            step.logger.info("flaky runs")
            if next(failures):
                raise ValueError("not yet")

        def inside(child: DurableContext) -> Any:
            child.logger.info("in the child")
            return child.step(lambda step: step.logger.info("in its step"), name="inner")

        context.step(flaky, name="flaky", config=StepConfig(retry_strategy=retry))
        return context.run_in_child_context(inside, name="child")

    with DurableFunctionTestRunner(handler, poll_interval=0.01) as runner:
        runner.run("{}")
        history = dd.load(runner)
    document = {"DurableExecutionArn": history.arn, "Events": list(history.raw), "Logs": {"Events": written}}
    frame = dd.load(document).logs
    assert len(frame) == len(written)
    assert frame.message[0] == "the handler begins" and frame.position.isna()[0]
    flaky = frame[frame.message == "flaky runs"]
    assert list(flaky.name) == ["flaky"] * 3 and list(flaky.attempt) == [1, 2, 3]
    assert list(flaky.invocation) == [1, 2, 3]
    assert list(frame[frame.message == "in the child"].name) == ["child"]
    (inner,) = frame[frame.message == "in its step"].itertuples()
    assert (inner.position, inner.name, inner.attempt, inner.joined) == ("2-1", "inner", 1, "recorded")
