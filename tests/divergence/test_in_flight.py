"""Code that was changed while executions ran: what ended them is the one finding, and a single invocation is judged alone.

Each execution here really ran: its first invocation with the old code, the rest with the new one.
"""

from __future__ import annotations

import textwrap

import durable_debug as dd
import pytest
from corpus.case import Case
from corpus.recorder import run
from durable_debug.engine.handlers import resolve

from tests.divergence.recorded import written

HEAD = """
import contextvars
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import *

"""
BODY = """
a = context.step(lambda _: 1, name="a")
b = context.step(lambda _: 2, name="b")
context.wait(Duration.from_seconds(1), name="w")
c = context.step(lambda _: 3, name="c")
return a + b + c
"""
SHAPES = {
    "plain": "@durable_execution\ndef handler(event, context):\n{1}",
    "caught": "@durable_execution\ndef handler(event, context):\n    try:\n{2}\n    except Exception as e:\n        return type(e).__name__",
    "child": "@durable_execution\ndef handler(event, context):\n    def body(context):\n{2}\n    return context.run_in_child_context(body, name='kid')",
    "map": "@durable_execution\ndef handler(event, context):\n    def body(context, x, i, xs):\n{2}\n    return context.map([1, 2], body, name='m').get_results()",
    "parallel": "@durable_execution\ndef handler(event, context):\n    def body(context):\n{2}\n    return context.parallel([body, lambda c: c.step(lambda _: 5, name='o')], name='p').get_results()",
}
CHANGES = {  # what is replaced, what by, and what has to be told, at a line that holds this
    "rename": ('name="b"', 'name="B"', "renamed", 'name="B"'),
    "insert": (
        "b = context",
        'context.step(lambda _: 0, name="new")\nb = context',
        "unexpected",
        'name="new"',
    ),
    "remove": ('a = context.step(lambda _: 1, name="a")', "a = 1", "missing", 'name="b"'),
    "retype": (
        'context.step(lambda _: 2, name="b")',
        'context.invoke("x", 1, name="b")',
        "retyped",
        "context.invoke",
    ),
    "swap": (
        'a = context.step(lambda _: 1, name="a")\nb = context.step(lambda _: 2, name="b")',
        'b = context.step(lambda _: 2, name="b")\na = context.step(lambda _: 1, name="a")',
        "reordered",
        'name="b"',
    ),
}


def source(shape: str, body: str) -> str:
    return HEAD + SHAPES[shape].format(
        "", textwrap.indent(body.strip(), " " * 4), textwrap.indent(body.strip(), " " * 8)
    )


def recording_of(name: str, *sources: str):
    """Run an execution: the first invocation with the first source, the others with the last."""
    funcs = [
        resolve(written(f"flight_{name.replace('-', '_')}_{i}", one)).func for i, one in enumerate(sources)
    ]
    from aws_durable_execution_sdk_python import durable_execution

    begun: list[int] = []

    def switching(event, context):
        begun.append(1)
        return funcs[min(len(begun), len(funcs)) - 1](event, context)

    return run(Case(handler=durable_execution(switching), name=name.replace("_", "-"), module="tests.flight"))


def only(found: dd.Run, kind: str, piece: str) -> dd.Divergence:
    assert [one.kind for one in found.divergences] == [kind], found.report()
    assert piece in found.divergences[0].source, found.report()
    return found.divergences[0]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_in_flight_is_the_one_finding(shape, change) -> None:
    was, now, kind, piece = CHANGES[change]
    new = source(shape, BODY.replace(was, now, 1))
    recording = recording_of(f"{shape}-{change}", source(shape, BODY), new)
    found = dd.replay(written(f"flight_{shape}_{change}_1", new), dd.load(recording.history))
    assert (found.status, found.result) == (recording.status, recording.result)
    one = only(found, kind, piece)
    assert one.severity == "error" and one.lambda_effect.startswith("This is what ended the execution")
    with dd.debug(written(f"flight_{shape}_{change}_1", new), dd.load(recording.history)) as dbg:
        for _ in range(20):
            if dbg.status == "ended":
                break
            dbg.run()
        assert dbg.status == "ended"
        assert found.status in repr(
            dbg.stop
        )  # it ends as recorded, not as the handler would without the objection


def test_the_code_that_does_not_meet_the_objection_is_told_apart() -> None:
    """The old code, or a mended one, over an execution that the SDK failed: one finding, and not a clean replay."""
    old = source("plain", BODY)
    new = source("plain", BODY.replace('name="b"', 'name="B"'))
    recording = recording_of("mended", old, new)
    found = dd.replay(written("flight_mended_0", old), dd.load(recording.history))
    assert not found.ok
    assert "meets no objection" in only(found, "outcome", 'name="c"').message


def test_an_audit_counts_one_cause(tmp_path) -> None:
    was, now, *_ = CHANGES["rename"]
    new = source("plain", BODY.replace(was, now, 1))
    recording = recording_of("audited", source("plain", BODY), new)
    report = dd.audit(written("flight_audited_1", new), [dd.load(recording.history)], n_jobs=1)
    assert [cause.divergence.kind for cause in report.causes] == ["renamed"]


@pytest.mark.parametrize(
    ("was", "now", "kind", "piece", "invocations"),
    [
        (*CHANGES["remove"], (1, 2)),
        (*CHANGES["swap"], (1, 2)),
        (*CHANGES["rename"], (1, 2)),
        (*CHANGES["insert"], (1, 2)),
        (
            'c = context.step(lambda _: 3, name="c")\nreturn a + b + c',
            "return a + b + 3",
            "missing",
            "return",
            (2,),
        ),
    ],
    ids=["remove", "swap", "rename", "insert", "remove-the-last"],
)
def test_a_single_invocation_names_what_changed(was, now, kind, piece, invocations, request) -> None:
    name = f"alone-{request.node.callspec.id}"
    recording = recording_of(name, source("plain", BODY))
    history = dd.load(recording.history)
    changed = written(f"flight_changed_{name.replace('-', '_')}", source("plain", BODY.replace(was, now, 1)))
    for invocation in invocations:
        only(dd.replay(changed, history, invocation=invocation), kind, piece)
        assert dd.replay(
            written(f"flight_{name.replace('-', '_')}_0", source("plain", BODY)),
            history,
            invocation=invocation,
        ).ok


def test_a_clean_invocation_does_not_answer_for_a_later_change() -> None:
    """What the first invocation did not come to is no divergence of it."""
    recording = recording_of("later", source("plain", BODY))
    changed = written("flight_later_changed", source("plain", BODY.replace('name="c"', 'name="C"')))
    assert dd.replay(changed, dd.load(recording.history), invocation=1).ok
    only(dd.replay(changed, dd.load(recording.history), invocation=2), "renamed", 'name="C"')


def test_what_bodies_that_are_not_run_asked_for_is_not_missing() -> None:
    body = """
def submit(callback_id, _):
    context.step(lambda _: "sent", name="send-email")
return context.wait_for_callback(submit, name="v", config=WaitForCallbackConfig(timeout=Duration.from_seconds(5)))
"""
    recording = recording_of("submitter", source("plain", body))
    history = dd.load(recording.history)
    assert "send-email" in set(history.operations["name"].dropna())
    assert dd.replay(written("flight_submitter_0", source("plain", body)), history).ok
    gone = dd.replay(written("flight_submitter_gone", source("plain", "return 1")), history)
    assert "missing" in {one.kind for one in gone.divergences}  # a removal is still one


def test_branches_know_nothing_of_context_variables() -> None:
    """The SDK's threads begin without them: what a branch reads and sets is its own."""
    body = """
V = contextvars.ContextVar("v", default="none")
V.set("handler")
def branch(context, x, i, xs):
    seen = V.get()
    V.set(f"branch-{x}")
    return context.step(lambda _: x, name=f"{seen}-{x}")
got = context.map([1, 2], branch, name="m").get_results()
return [*got, V.get()]
"""
    recording = recording_of("variables", source("plain", body))
    history = dd.load(recording.history)
    assert "none-1" in set(history.operations["name"].dropna())
    assert dd.replay(written("flight_variables_0", source("plain", body)), history).ok


def test_a_retyped_operation_is_one_finding() -> None:
    """What was recorded of it can't be read as what it is now: that is no second difference."""
    body = 'return context.invoke("other", {"k": 1}, name="pay")'
    from aws_durable_execution_sdk_python import durable_execution

    path = written("flight_retyped_0", source("plain", body))
    recording = run(
        Case(
            handler=durable_execution(resolve(path).func),
            name="retyped",
            module="tests.flight",
            plain={"other": lambda event, context: {"paid": 1}},
        )
    )
    changed = source("plain", 'return context.step(lambda _: {"paid": 1}, name="pay")')
    found = dd.replay(written("flight_retyped_changed", changed), dd.load(recording.history))
    only(found, "retyped", "context.step")


def test_what_has_a_strategy_or_a_tenant_is_listed_as_unchecked() -> None:
    body = """
from aws_durable_execution_sdk_python.waits import *
context.invoke("other", 1, name="pay", config=InvokeConfig(tenant_id="t-1"))
return context.wait_for_condition(
    lambda state, _: state + 1,
    config=WaitForConditionConfig(
        initial_state=0, wait_strategy=lambda state, n: WaitForConditionDecision.stop_polling()
    ),
    name="poll",
)
"""
    from aws_durable_execution_sdk_python import durable_execution

    path = written(
        "flight_tenant",
        HEAD
        + "from aws_durable_execution_sdk_python.waits import *\n"
        + source("plain", body.split("\n", 2)[2])[len(HEAD) :],
    )
    recording = run(
        Case(
            handler=durable_execution(resolve(path).func),
            name="tenant",
            module="tests.flight",
            plain={"other": lambda event, context: 1},
        )
    )
    found = dd.replay(path, dd.load(recording.raw))  # the emulator's own history holds no tenants
    assert found.ok, found.report()
    told = " ".join(found.unchecked)
    assert "wait strategies of WaitForCondition 'poll'" in told and "Tenants of CHAINED_INVOKE 'pay'" in told
