"""How steps are tried again, conditions polled and invokes sent for tenants: compared, or listed by name as unchecked."""

from __future__ import annotations

import copy
import sys
from functools import cache
from typing import Any

import durable_debug as dd
import pytest
from corpus.case import Case
from corpus.recorder import run
from durable_debug.engine.handlers import resolve

from tests.divergence.in_flight import HEAD
from tests.divergence.recorded import written

RETRIED = """
TRIED = []
MINE = lambda error, attempts: RetryDecision.retry(Duration.from_seconds(7))
@durable_execution
def handler(event, context):
    def body(_):
        TRIED.append(1)
        if len(TRIED) < 3:
            raise ValueError("again")
        return 5
    return context.step(body, name="charge", config=StepConfig(retry_strategy=STRATEGY))
"""
FAILED = """
MINE = lambda error, attempts: RetryDecision.no_retry()
@durable_execution
def handler(event, context):
    def body(_):
        raise ValueError("no")
    try:
        return context.step(body, name="charge", config=StepConfig(retry_strategy=STRATEGY))
    except Exception as error:
        return str(error)
"""
POLLED = """
from aws_durable_execution_sdk_python.waits import *
MINE = lambda state, attempts: WaitForConditionDecision.stop_polling()
@durable_execution
def handler(event, context):
    config = WaitForConditionConfig(initial_state=0, wait_strategy=STRATEGY)
    return context.wait_for_condition(lambda state, _: state + 1, config=config, name="charge")
"""


def retry(config: str) -> str:
    return f"create_retry_strategy(RetryStrategyConfig({config}))"


def wait(config: str) -> str:
    return (
        f"create_wait_strategy(WaitStrategyConfig(should_continue_polling=lambda state: state < 3, {config}))"
    )


EXACT = "initial_delay=Duration.from_seconds(5), jitter_strategy=JitterStrategy.NONE"
LONGER = EXACT.replace("5", "6")
BASES = {"retried": RETRIED, "failed": FAILED, "polled": POLLED}
# base, strategy then, strategy now, what is told of it; None: clean; "unchecked": listed
CHANGES = {
    "the_same": ("retried", retry(EXACT), retry(EXACT), None),
    "longer": ("retried", retry(EXACT), retry(LONGER), "seconds before attempt 2 was 5, is now 6"),
    "slower": (
        "retried",
        retry(EXACT),
        retry(EXACT + ", backoff_rate=3"),
        "seconds before attempt 3 was 10, is now 15",
    ),
    "fewer": (
        "retried",
        retry(EXACT),
        retry(EXACT + ", max_attempts=2"),
        "attempts at most was more than 2, is now 2",
    ),
    "linear": (
        "retried",
        "RetryPresets.linear()",
        "RetryPresets.fixed()",
        "seconds before attempt 2 was 1, is now 5",
    ),
    "by_chance": ("retried", retry(EXACT), retry("initial_delay=Duration.from_seconds(9)"), None),
    "too_long_for_chance": (
        "retried",
        retry(EXACT),
        retry("initial_delay=Duration.from_seconds(2)"),
        "seconds before attempt 2 was 5, is now 1 to 2",
    ),
    "mine": ("retried", retry(EXACT), "MINE", "unchecked"),
    "gave_up_sooner": ("failed", "RetryPresets.none()", "None", "attempts at most was 1, is now 6"),
    "of_some_errors": (
        "failed",
        "RetryPresets.none()",
        retry(EXACT + ", retryable_error_types=[KeyError]"),
        None,
    ),
    "mine_gave_up": ("failed", "RetryPresets.none()", "MINE", "unchecked"),
    "polls_the_same": ("polled", wait(EXACT), wait(EXACT), None),
    "polls_later": ("polled", wait(EXACT), wait(LONGER), "seconds before attempt 2 was 5, is now 6"),
    "polls_less": (
        "polled",
        wait(EXACT),
        wait(EXACT + ", max_attempts=2"),
        "attempts at most was more than 2, is now 2",
    ),
    "polls_as_i_like": ("polled", wait(EXACT), "MINE", "unchecked"),
}


@cache
def executed(base: str, strategy: str) -> dd.History:
    name = f"tried_{base}_{abs(hash(strategy))}"
    resolve(written(name, HEAD + BASES[base].replace("STRATEGY", strategy)))
    case = Case(handler=sys.modules[name].handler, name=name.replace("_", "-"), module="tests.tried")
    return dd.load(run(case).history)


@pytest.mark.parametrize("name", CHANGES)
def test_a_strategy(name: str) -> None:
    base, then, now, told = CHANGES[name]
    found = dd.replay(
        written(f"tried_{name}", HEAD + BASES[base].replace("STRATEGY", now)), executed(base, then)
    )
    listed = [sentence for sentence in found.unchecked if "strategies of" in sentence]
    if told is None or told == "unchecked":
        assert found.ok, found.report()
        assert bool(listed) is (told == "unchecked")
        assert all("'charge'" in sentence for sentence in listed)
    else:
        (one,) = found.divergences
        assert one.kind == ("wait_strategy" if base == "polled" else "retry_strategy")
        assert told in one.message
        assert one.severity == "warning"
        assert "charge" in one.source


def test_a_strategy_that_was_not_needed_is_listed() -> None:
    source = HEAD + RETRIED.replace("< 3", "< 0").replace("STRATEGY", retry(EXACT))
    path = written("tried_once", source)
    resolve(path)
    history = run(
        Case(handler=sys.modules["tried_once"].handler, name="tried-once", module="tests.tried")
    ).history
    (sentence,) = (s for s in dd.replay(path, history).unchecked if "strategies of" in s)
    assert "STEP 'charge'" in sentence


INVOKES = """
@durable_execution
def handler(event, context):
    a = context.invoke("other", 1, name="pay", config=InvokeConfig(tenant_id=TENANT))
    return [a, context.invoke("other", 2, name="ship", config=InvokeConfig(tenant_id="everybody"))]
"""


def _with_tenants(document: dict[str, Any], tenants: dict[str, str | None]) -> dict[str, Any]:
    document = copy.deepcopy(document)
    for event in document["Events"]:
        if event["EventType"] == "ChainedInvokeStarted":
            event["ChainedInvokeStartedDetails"].pop("TenantId", None)
            if tenants.get(event["Name"]) is not None:
                event["ChainedInvokeStartedDetails"]["TenantId"] = tenants[event["Name"]]
    return document


@pytest.mark.parametrize(("then", "now"), [("a", "a"), ("a", "b"), ("a", None), (None, "b"), (None, None)])
def test_a_tenant_is_compared_where_the_history_holds_them(then: str | None, now: str | None) -> None:
    source = HEAD + INVOKES.replace("TENANT", repr(then))
    resolve(written(f"tenant_{then}", source))
    case = Case(
        handler=sys.modules[f"tenant_{then}"].handler,
        name=f"tenant-{then}",
        module="tests.tenants",
        plain={"other": lambda event, context: event},
    )
    document = run(case).history
    path = written(f"tenant_{then}_{now}", HEAD + INVOKES.replace("TENANT", repr(now)))
    found = dd.replay(path, _with_tenants(document, {"pay": then, "ship": "everybody"}))
    assert [(one.kind, one.recorded, one.asked) for one in found.divergences] == (
        [("invoke_tenant", f"tenant: {then or 'none'}", f"tenant: {now or 'none'}")] if then != now else []
    )
    assert not [sentence for sentence in found.unchecked if "Tenants" in sentence]
    unknown = dd.replay(path, _with_tenants(document, {}))
    assert unknown.ok, unknown.report()
    (sentence,) = (sentence for sentence in unknown.unchecked if "Tenants" in sentence)
    assert "'pay'" in sentence and "'ship'" in sentence
