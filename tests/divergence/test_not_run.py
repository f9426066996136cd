"""Bodies that are not run again, and branches that are run for the eye only: an unchanged handler stays clean."""

from __future__ import annotations

import sys

import durable_debug as dd
import pytest
from corpus.case import Answer, Case
from corpus.recorder import run
from durable_debug.engine.handlers import resolve

from tests.divergence.in_flight import HEAD
from tests.divergence.recorded import written

SUBMITTER = """
@durable_execution
def handler(event, context):
    def submit(callback_id, _):
        context.step(lambda _: "sent", name="asked-inside")
    return context.wait_for_callback(submit, name="verify")
"""
STEP = """
@durable_execution
def handler(event, context):
    return context.step(lambda _: context.step(lambda _: 5, name="asked-inside"), name="outer")
"""
CHECK = """
from aws_durable_execution_sdk_python.waits import *
@durable_execution
def handler(event, context):
    def check(state, _):
        context.step(lambda _: 5, name="asked-inside")
        return state + 1
    often = WaitStrategyConfig(should_continue_polling=lambda state: state < 3, jitter_strategy=JitterStrategy.NONE)
    config = WaitForConditionConfig(initial_state=0, wait_strategy=create_wait_strategy(often))
    return context.wait_for_condition(check, config=config, name="cond")
"""
IN_BRANCH = """
@durable_execution
def handler(event, context):
    def each(c, x, i, xs):
        return c.step(lambda _: c.step(lambda _: 5, name="asked-inside"), name="outer")
    return context.map([1, 2], each, name="m").get_results()
"""
FROM_BRANCH = IN_BRANCH.replace("c.step(lambda _: 5", "context.step(lambda _: 5")
CLEAN = {
    "submitter": SUBMITTER,
    "step": STEP,
    "check": CHECK,
    "in_branch": IN_BRANCH,
    "from_branch": FROM_BRANCH,
}


def executed(name: str, source: str, status: str = "SUCCEEDED") -> tuple[str, dd.History]:
    path = written(name, HEAD + source)
    resolve(path)
    answers = {"verify create callback id": [Answer(5, result='"yes"')]}
    handler = sys.modules[name].handler
    found = run(Case(handler=handler, name=name.replace("_", "-"), module="tests.bodies", answers=answers))
    assert found.status == status, found.error
    return path, dd.load(found.history)


@pytest.mark.parametrize("name", CLEAN)
def test_what_a_body_asked_for_is_not_missing(name: str) -> None:
    path, history = executed(f"body_{name}", CLEAN[name])
    for k in (None, *range(1, history.invocation_count + 1)):
        one = dd.replay(path, history, invocation=k)
        assert one.ok, one.report()
        assert any("asked-inside" in sentence for sentence in one.unchecked)


def test_what_is_gone_beside_it_is_found() -> None:
    source = STEP.replace("    return", '    context.step(lambda _: 1, name="before")\n    return')
    _, history = executed("body_beside", source)
    (one,) = dd.replay(written("body_beside_gone", HEAD + STEP), history).divergences
    assert (one.kind, one.recorded) == ("missing", "STEP 'before'")


@pytest.mark.parametrize("source", [SUBMITTER, STEP])
def test_where_lambda_minds_it_is_the_finding(source: str) -> None:
    """The next operation has another number when the body has not run: Lambda fails the execution."""
    name = "body_minds_" + ("step" if source is STEP else "submitter")
    source = source.replace("    return ", "    first = ") + (
        '    context.wait(Duration.from_seconds(1), name="pause")\n    return first\n'
    )
    path, history = executed(name, source, "FAILED")
    (one,) = dd.replay(path, history).divergences
    assert (one.kind, one.recorded) == ("missing", "STEP 'asked-inside'")
    assert one.lambda_effect.startswith("This is what ended the execution")
    assert one.advice.startswith("Ask for it outside of the body")


VARIABLES = """
import contextvars
WHO = contextvars.ContextVar("who", default="nobody")
@durable_execution
def handler(event, context):
    WHO.set("handler")
    def each(c, *_):
        before = WHO.get()
        a = c.step(lambda _: 1, name=f"for-{before}")
        c.wait(Duration.from_seconds(1), name="w")
        return [before, a]
    found = context.BATCH.get_results()
    inside = context.run_in_child_context(lambda c: c.step(lambda _: 2, name=f"child-of-{WHO.get()}"), name="kid")
    context.wait(Duration.from_seconds(1), name="w")
    return [found, inside, WHO.get()]
"""
BATCHES = {
    "map": 'map([1, 2, 3], each, name="m")',
    "map_one_at_a_time": 'map([1, 2, 3], each, name="m", config=MapConfig(max_concurrency=1))',
    "flat": 'map([1, 2, 3], each, name="m", config=MapConfig(nesting_type=NestingType.FLAT))',
    "parallel": 'parallel([each, each], name="m")',
}


def test_branches_one_at_a_time_share_their_thread() -> None:
    source = VARIABLES.replace(
        '        c.wait(Duration.from_seconds(1), name="w")\n', '        WHO.set("branch")\n'
    )
    path, history = executed("variables_shared", source.replace("BATCH", BATCHES["map_one_at_a_time"]))
    names = [operation.name for operation in history.tree() if operation.name.startswith("for-")]
    assert names == ["for-nobody", "for-branch", "for-branch"]
    one = dd.replay(path, history)
    assert one.ok, one.report()


@pytest.mark.parametrize("name", BATCHES)
def test_branches_have_no_context_variables_of_the_handler(name: str) -> None:
    path, history = executed(f"variables_{name}", VARIABLES.replace("BATCH", BATCHES[name]))
    names = [operation.name for operation in history.tree() if operation.name.startswith("for-")]
    assert names[0] == "for-nobody"
    for k in (None, *range(1, history.invocation_count + 1)):
        one = dd.replay(path, history, invocation=k)
        assert one.ok, one.report()


RETYPED = """
@durable_execution
def handler(event, context):
    return context.CALL
"""
CALLS = {
    "step": 'step(lambda _: {"paid": 1}, name="pay")',
    "invoke": 'invoke("other", {"k": 1}, name="pay")',
    "child": 'run_in_child_context(lambda c: {"paid": 1}, name="pay")',
    "wait": 'wait(Duration.from_seconds(1), name="pay")',
}


@pytest.mark.parametrize("now", CALLS)
@pytest.mark.parametrize("then", ["step", "invoke", "child"])
def test_a_retyped_operation_is_one_finding(then: str, now: str) -> None:
    path = written(f"typed_{then}", HEAD + RETYPED.replace("CALL", CALLS[then]))
    resolve(path)
    case = Case(
        handler=sys.modules[f"typed_{then}"].handler,
        name=f"typed-{then}",
        module="tests.typed",
        plain={"other": lambda event, context: {"paid": event["k"]}},
    )
    found = dd.replay(
        written(f"typed_{then}_{now}", HEAD + RETYPED.replace("CALL", CALLS[now])), run(case).history
    )
    assert [one.kind for one in found.divergences] == (["retyped"] if then != now else []), found.report()


def test_a_handler_that_asks_whether_it_is_replaying_is_told_so() -> None:
    source = """
@durable_execution
def handler(event, context):
    if not context.is_replaying():
        context.step(lambda _: "hello", name="greet-once")
    context.wait(Duration.from_seconds(2), name="w")
    return context.step(lambda _: 3, name="last")
"""
    path, history = executed("asks_whether", source, "FAILED")
    (one,) = dd.replay(path, history).divergences
    assert one.kind == "missing"
    assert "whether it is replaying" in one.advice
