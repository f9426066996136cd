"""A running execution that was suspended in order: code that no longer waits there goes on, and that is told."""

from __future__ import annotations

import sys

import durable_debug as dd
import pytest
from corpus import CASES, RAN
from corpus.case import Case
from corpus.recorder import record, run
from durable_debug.engine.handlers import resolve

from tests.divergence.in_flight import HEAD
from tests.divergence.recorded import written

CALLBACK = """
@durable_execution
def handler(event, context):
    a = context.step(lambda _: 1, name="a")
    cb = context.create_callback(name="cb")
    r = cb.result()
    return [r, context.step(lambda _: 3, name="after")]
"""
MAP = """
@durable_execution
def handler(event, context):
    def each(c, x, i, xs):
        a = c.step(lambda _: x, name="a")
        c.create_callback(name="cb").result()
        return a
    return context.map([1, 2], each, name="m", config=MapConfig(max_concurrency=MOST)).get_results()
"""
PARALLEL = """
@durable_execution
def handler(event, context):
    def each(c):
        a = c.step(lambda _: 1, name="a")
        c.create_callback(name="cb").result()
        return a
    return context.parallel([each, each], name="m").get_results()
"""
FREE, BOUND = MAP.replace("MOST", "None"), MAP.replace("MOST", "2")
# what it was, what it is, the kind and the line that is told
CHANGES = {
    "not_awaited": (CALLBACK, CALLBACK.replace("cb.result()", "0"), ("outcome", 'name="after"')),
    "ends": (CALLBACK, CALLBACK.replace("cb.result()", "0").replace('context.step(lambda _: 3, name="after")', "0"), ("outcome", "return")),
    "one_item_more": (FREE, FREE.replace("[1, 2]", "[1, 2, 3]"), ("outcome", 'name="a"')),
    "one_item_more_has_to_wait": (BOUND, BOUND.replace("[1, 2]", "[1, 2, 3]"), None),
    "one_branch_more": (PARALLEL, PARALLEL.replace("each, each]", "each, each, each]"), ("outcome", 'name="a"')),
    "later_is_another_matter": (CALLBACK, CALLBACK.replace('"after"', '"later"'), None),
    "unchanged": (CALLBACK, CALLBACK, None),
    "unchanged_map": (FREE, FREE, None),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_an_execution_at_rest(name: str) -> None:
    then, now, told = CHANGES[name]
    resolve(written(f"rest_{name}", HEAD + then))
    handler = sys.modules[f"rest_{name}"].handler
    case = Case(handler=handler, name=name.replace("_", "-"), module="tests.rest", look_after_seconds=3)
    history = dd.load(run(case).history)
    assert history.status == "RUNNING"
    for k in (None, 1):
        found = dd.replay(written(f"rest_{name}_now", HEAD + now), history, invocation=k)
        if told is None:
            assert found.ok, found.report()
            continue
        (one,) = found.divergences
        assert (one.kind, one.severity) == (told[0], "error")
        assert told[1] in one.source
        assert one.message.startswith("The execution is suspended, the replay ")
        assert not found.ok


@pytest.mark.parametrize("now", ["[1]", "[2]"])
def test_an_item_of_one_content_with_the_others_is_gone(now: str) -> None:
    """The branches under way hold the same: one of them is gone, and none of its operations is told besides."""
    resolve(written("rest_fewer", HEAD + FREE))
    case = Case(
        handler=sys.modules["rest_fewer"].handler, name="fewer", module="tests.rest", look_after_seconds=3
    )
    history = dd.load(run(case).history)
    for k in (None, 1):
        path = written(f"rest_fewer_{now[1]}", HEAD + FREE.replace("[1, 2]", now))
        (one,) = dd.replay(path, history, invocation=k).divergences
        assert (one.kind, one.recorded) == ("item_count", "2 branches")


TWICE = """
@durable_execution
def handler(event, context):
    try:
        a = context.step(lambda _: 1, name="a")
    except Exception:
        a = 0
    b = context.step(lambda _: 2, name="b")
    context.wait(Duration.from_seconds(1), name="w")
    return [a, b, context.step(lambda _: 3, name="c")]
"""


def test_a_second_objection_behind_one_that_was_caught_is_an_error_too() -> None:
    resolve(written("objected_twice", HEAD + TWICE))
    history = run(
        Case(handler=sys.modules["objected_twice"].handler, name="twice", module="tests.twice")
    ).history
    changed = TWICE.replace('"a"', '"A"').replace('"b"', '"B"').replace('"c"', '"C"')
    found = dd.replay(written("twice_changed", HEAD + changed), history)
    told = [(one.kind, one.severity, one.asked.partition(":")[0]) for one in found.divergences]
    assert told == [
        ("renamed", "error", "STEP 'A'"),
        ("swallowed", "error", "the handler goes on"),
        ("renamed", "error", "STEP 'B'"),
        ("renamed", "warning", "STEP 'C'"),
    ], found.report()
    first, _, second, third = found.divergences
    assert "which the handler catches, and fails with" in first.lambda_effect
    assert second.lambda_effect.startswith("The execution fails with NonDeterministicExecutionError")
    assert third.lambda_effect.startswith("Not reached")


@pytest.mark.parametrize(
    "group", ["callbacks", "conditions", "invokes", "maps", "parallels", "retries", "waits"]
)
def test_an_unchanged_handler_over_the_beginning_of_its_history(group: str) -> None:
    """Cut off where an invocation ends, or anywhere: what is left to do is no difference."""
    alarms = []
    for case in CASES.values():
        whole = dd.load(record(case).history) if case.group == group else None
        events = list(whole.raw) if whole is not None else []
        ends = {i for i, event in enumerate(events, 1) if event["EventType"] == "InvocationCompleted"}
        for cut in sorted(ends | set(range(2, len(events), 5))):
            part = dd.History(events[:cut], arn=whole.arn)
            found = dd.replay(case.handler, part) if part.status == "RUNNING" else None
            if found is not None and found.divergences:
                alarms.append(f"{case.name}, {cut} events: {found.report()}")
    RAN.clear()
    assert alarms == []
