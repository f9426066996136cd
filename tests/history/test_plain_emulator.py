"""The same as test_received_state.py, under the testing library's own runner: real clocks, nothing added."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import (
    CompletionConfig,
    Duration,
    MapConfig,
    NestingType,
    ParallelConfig,
    StepConfig,
)
from aws_durable_execution_sdk_python.retries import (
    JitterStrategy,
    RetryStrategyConfig,
    create_retry_strategy,
)
from aws_durable_execution_sdk_python.waits import WaitForConditionConfig, WaitForConditionDecision
from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner

from durable_debug.sources import load


def retrying(attempts: int, seconds: int) -> StepConfig:
    return StepConfig(
        retry_strategy=create_retry_strategy(
            RetryStrategyConfig(
                max_attempts=attempts,
                initial_delay=Duration.from_seconds(seconds),
                backoff_rate=1,
                jitter_strategy=JitterStrategy.NONE,
            )
        )
    )


def fails_until(attempt: int) -> Any:
    def body(step: Any) -> int:
        if step.attempt < attempt:
            raise ValueError(f"not at {step.attempt}")
        return step.attempt

    return body


@durable_execution
def retries(event, context):
    return [context.step(fails_until(3), "flaky", retrying(3, 7)), context.step(lambda _: "after", "after")]


@durable_execution
def waits(event, context):
    context.step(lambda _: 1, "one")
    context.wait(Duration.from_minutes(3), "pause")
    context.wait(Duration.from_seconds(1))
    return "done"


@durable_execution
def branches_that_retry(event, context):
    def branch(seconds):
        return lambda child: child.step(fails_until(2), f"after {seconds}", retrying(3, seconds))

    return context.parallel([branch(5), branch(90)], "two").get_results()


@durable_execution
def branches_that_retry_at_one_moment(event, context):
    def branch(child):
        return child.step(fails_until(2), "after 5", retrying(3, 5))

    return context.parallel([branch, branch], "two").get_results()


@durable_execution
def flat(event, context):
    def item(child, value, index, items):
        child.wait(Duration.from_seconds(2 + index))
        return child.step(lambda _: value, f"item-{value}")

    config = MapConfig(max_concurrency=2, nesting_type=NestingType.FLAT)
    return context.map([1, 2, 3], item, "flat", config).get_results()


@durable_execution
def early(event, context):
    def item(child, value, index, items):
        if index == 2:
            child.wait(Duration.from_hours(5))
        return child.step(lambda _: value)

    config = MapConfig(completion_config=CompletionConfig(min_successful=2))
    got = context.map([1, 2, 3], item, "early", config).success_count
    context.wait(Duration.from_seconds(9))
    return got


@durable_execution
def nested(event, context):
    def outer(child):
        child.step(lambda _: "x" * 10, "small")
        return child.run_in_child_context(lambda inner: inner.step(lambda _: "y" * 300_000, "large"), "inner")

    size = len(context.run_in_child_context(outer, "outer"))
    context.wait(Duration.from_seconds(5))
    return size


@durable_execution
def polls(event, context):
    def enough(state, attempt):
        return (
            WaitForConditionDecision.stop_polling()
            if state >= 3
            else WaitForConditionDecision.continue_waiting(Duration.from_seconds(4))
        )

    return context.wait_for_condition(
        lambda state, _: state + 1, WaitForConditionConfig(wait_strategy=enough, initial_state=0), "poll"
    )


@durable_execution
def large_result(event, context):
    context.wait(Duration.from_seconds(1))
    return "z" * 7_000_000


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(held) for key, held in value.items()}
    if isinstance(value, list):
        return [plain(held) for held in value]
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else value


def run(handler: Any) -> tuple[dict[str, Any], dict[str, Any], list[Any]]:
    """The history as the runner gives it, its store record, and what the handler received each time."""
    received = []

    def watched(event, context):
        received.append([operation.to_dict() for operation in event.initial_execution_state.operations])
        return handler(event, context)

    with DurableFunctionTestRunner(watched) as runner:
        arn = runner.run_async("{}")
        runner.wait_for_result(arn, 60)
        history = runner.get_execution_history(arn, include_execution_data=True).to_dict()
        return history, runner._store.load(arn).to_json_dict(), received


def without_poll_states(state: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for operation in state:
        if operation.get("SubType") == "WaitForCondition" and operation["Status"] in {"PENDING", "READY"}:
            operation["StepDetails"].pop("Result", None)
    return state


@pytest.mark.parametrize(
    "handler",
    [retries, waits, branches_that_retry, flat, early, nested, polls, large_result],
    ids=lambda f: f.__name__,
)
def test_state_at_each_invocation(handler: Any) -> None:
    document, store, received = run(handler)
    completions = iter(sorted(store["InvocationCompletions"], key=lambda each: each["EndTimestamp"]))
    told = [
        {**event, "InvocationCompletedDetails": next(completions)}
        if event["EventType"] == "InvocationCompleted"
        else event
        for event in document["Events"]
    ]
    for history in (load(document), load(told)):
        assert history.invocation_count == len(received)
        for number, state in enumerate(received, 1):
            found = without_poll_states(plain(history.invocation_state(number)))
            assert found == without_poll_states(plain(state))
        history.require_replayable()


def test_of_attempts_due_within_milliseconds_it_is_open_which_were_seen_due() -> None:
    """All else of the state is exact, and the invocation was started for at least one of them."""
    document, _, received = run(branches_that_retry_at_one_moment)
    history = load(document)
    assert history.invocation_count == len(received)
    for number, state in enumerate(received, 1):
        found, had = plain(history.invocation_state(number)), plain(state)
        due = [
            [one["Status"] for one in side if one["Status"] in {"READY", "PENDING"}] for side in (found, had)
        ]
        assert ("READY" in due[0]) is ("READY" in due[1])
        for side in (found, had):
            for operation in side:
                if operation["Status"] in {"READY", "PENDING"}:
                    operation["Status"] = "due"
                    operation["StepDetails"].pop("NextAttemptTimestamp", None)
        assert found == had
