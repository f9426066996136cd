"""Each small change is found: of the right kind, at the right line, as one; and Lambda does what is said of it."""

from __future__ import annotations

import sys

import durable_debug as dd
import pytest
from corpus.case import Case
from corpus.recorder import run
from durable_debug.divergence import analysis
from durable_debug.engine.handlers import resolve

from tests.divergence.recorded import written
from tests.divergence.small_changes import SMALL, Small


def recorded(name: str, small: Small) -> dd.History:
    """The history of the unchanged handler, run by the SDK's testing runner."""
    path = written(f"small_{name}", small.source)
    resolve(path)
    case = Case(
        handler=sys.modules[f"small_{name}"].handler,
        name=name.replace("_", "-"),
        module="tests.small",
        **small.facts,
    )
    found = run(case)
    assert found.status == case.status, found.error
    history = dd.load(found.history)
    assert dd.replay(path, history).ok
    return history


@pytest.mark.parametrize("name", SMALL)
def test_a_small_change_is_one_divergence(name: str) -> None:
    small = SMALL[name]
    history = recorded(name, small)
    replayed = dd.replay(written(f"small_{name}_changed", small.changed), history, timeout=2)
    found = [(one.kind, one.occurrences) for one in replayed.divergences]
    assert found == [(kind, times) for kind, _, times in small.expected], replayed.report()
    for one, (_, piece, _) in zip(replayed.divergences, small.expected, strict=True):
        assert piece in one.source, replayed.report()


def test_a_loop_that_goes_by_its_results_is_aligned_at_once(monkeypatch) -> None:
    """Further turns are answered by what the first one was: not one pass a turn."""
    small = SMALL["rename_in_a_loop_that_goes_by_its_results"]
    history, passes, once = recorded("loop_of_results", small), [], analysis._pass
    monkeypatch.setattr(analysis, "_pass", lambda *given, **more: passes.append(1) or once(*given, **more))
    replayed = dd.replay(written("small_loop_of_results_changed", small.changed), history)
    assert [one.occurrences for one in replayed.divergences] == [12]
    assert len(passes) <= 3


def test_a_handler_whose_bodies_use_its_own_context_fails_as_on_lambda() -> None:
    """The first run counts what a body asks of the context around it; a replay does not enter the body."""
    small = SMALL["the_handlers_context_in_a_child"]
    path = written("small_leak", small.changed)
    resolve(path)
    found = run(Case(handler=sys.modules["small_leak"].handler, name="leak", module="tests.small"))
    assert found.status == "SUCCEEDED"
    (one,) = dd.replay(path, dd.load(found.history)).divergences
    assert (one.kind, one.severity, one.position) == ("outcome", "error", "2")
    assert one.lambda_effect.startswith("The execution fails with NonDeterministicExecutionError")


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("insert_in_a_child_with_a_summary_of_its_own", "the body of step 'three' would run"),
        ("rename_in_a_child_with_a_summary_of_its_own", "fails with NonDeterministicExecutionError"),
    ],
)
def test_a_body_that_lambda_runs_again_is_judged_so(name: str, effect: str) -> None:
    """The events do not tell a summary from a result; what can't be read as a result is one."""
    small = SMALL[name]
    changed = written(f"small_{name}_changed", small.changed)
    (one,) = dd.replay(changed, recorded(name, small)).divergences
    assert one.severity == "error" and effect in one.lambda_effect
