"""Code that was changed while an execution ran: Lambda met the change, so there is one finding, and the end is the recorded one."""

from __future__ import annotations

import sys

import durable_debug as dd
import pytest

from tests.divergence.in_flight import CASES, HEAD, executed
from tests.divergence.lambda_itself import what_lambda_does
from tests.divergence.recorded import written


@pytest.mark.parametrize("name", CASES)
def test_what_changed_is_the_one_finding(name: str) -> None:
    case, history = CASES[name], executed(name)
    run = dd.replay(written(f"flight_new_{name}", case.source), history)
    (one,) = run.divergences
    assert (one.kind, one.severity) == (case.kind, case.severity), run.report()
    assert case.line in one.source, run.report()
    assert (run.status, run.result) == (history.status, history.result)
    # Which of several branches was the first to be objected to is chance on Lambda, and is none here.
    assert (run.error or {}).get("ErrorType") == (history.error or {}).get("ErrorType")
    ended = (
        "This is what ended the execution" if case.severity == "error" else "Nothing any more: this is what"
    )
    assert one.lambda_effect.startswith(ended)


@pytest.mark.parametrize("name", CASES)
def test_lambda_would_do_the_same_again(name: str) -> None:
    history = executed(name)
    run = dd.replay(written(f"flight_new_{name}", CASES[name].source), history)
    sys.modules[f"flight_new_{name}"].RAN = []
    truth = what_lambda_does(f"flight_new_{name}", history)
    assert (truth.status, truth.result) == (run.status, run.result)
    assert truth.error_type == (run.error or {}).get("ErrorType")


@pytest.mark.parametrize("name", CASES)
def test_the_debugger_ends_as_the_execution_did(name: str) -> None:
    history = executed(name)
    with dd.debug(written(f"flight_new_{name}", CASES[name].source), history) as debugger:
        stop = debugger.stop
        while stop.kind != "end":
            stop = debugger.run()
        assert stop.status == history.status


@pytest.mark.parametrize("name", CASES)
def test_the_invocation_that_met_it_tells_the_same(name: str) -> None:
    case, history = CASES[name], executed(name)
    run = dd.replay(written(f"flight_new_{name}", case.source), history, invocation=history.invocation_count)
    assert [(one.kind, one.position) for one in run.divergences if one.kind != "swallowed"] == [
        (one.kind, one.position)
        for one in dd.replay(written(f"flight_new_{name}", case.source), history).divergences
    ], run.report()


@pytest.mark.parametrize("name", CASES)
def test_the_code_of_before_goes_on_where_it_failed(name: str) -> None:
    """That is the one thing to say of a cure: what comes behind was never recorded."""
    run = dd.replay(written(f"flight_old_{name}", HEAD + CASES[name].base), executed(name))
    (one,) = run.divergences
    if name in {"flat_to_nested", "virtual_no_more"}:
        assert one.kind == "nesting_changed"  # the new code had begun the context that it has
    elif name.startswith("recovers"):
        assert one.kind == "result"
    else:
        failed = "NonDeterministic" in str(run.history.error)
        assert one.kind == ("outcome" if failed else "unexpected"), run.report()
    assert not run.ok


def test_a_branch_that_was_under_way_when_another_one_was_objected_to() -> None:
    """Where its record ends nobody knows what it would do: the objection is what ended the execution."""
    name = "in_second_branch"
    history = executed(name)
    (own,) = [operation for operation in history.tree() if operation.name == "b"]
    branch = history.operation("1-0")
    for gone in ({own.end_event_id, branch.end_event_id}, {*own.event_ids, branch.end_event_id}):
        left = (event for event in history.raw if event["EventId"] not in gone)
        events = [event | {"EventId": number} for number, event in enumerate(left, 1)]
        path = written(f"flight_new_{name}", CASES[name].source)
        part = dd.History(events, arn=history.arn)
        run = dd.replay(path, part)
        (one,) = run.divergences
        assert (run.status, one.kind) == ("FAILED", "renamed"), run.report()
        assert one.lambda_effect.startswith("This is what ended the execution")
        with dd.debug(path, part) as debugger:
            assert debugger.goto(index=-1).status == "FAILED"


def test_an_audit_has_one_cause() -> None:
    name = "rename"
    report = dd.audit(written(f"flight_new_{name}", CASES[name].source), [executed(name)] * 3)
    assert [(cause.divergence.kind, cause.count) for cause in report.causes] == [("renamed", 3)]
