"""What is said that Lambda would do is what the SDK does, over the same state."""

from __future__ import annotations

import pytest

from tests.divergence.lambda_itself import Truth, what_lambda_does
from tests.divergence.mutations import MUTATIONS, Mutation
from tests.divergence.recorded import history_of, replayed

# What can't be let loose: it writes, calls out, or does not end.
UNSAFE = {name for name, m in MUTATIONS.items() if any(kind == "side_effect" for kind, _ in m.expected)}
UNSAFE |= {"runs_for_ever", "rename_then_runs_for_ever", "asks_for_ever", "makes_contexts_for_ever"}
WOULD = ("would run", "would start", "would be created", "would call")
CONTEXTS = ("RunInChildContext", "Map", "Parallel", "WaitForCallback")  # nothing but the handler's own code
ASKED = {name: mutation for name, mutation in MUTATIONS.items() if name not in UNSAFE}


@pytest.mark.parametrize("mutation", ASKED.values(), ids=ASKED)
def test_the_verdict_is_what_happens(mutation: Mutation) -> None:
    run, history = replayed(mutation), history_of(mutation.base)
    truth = what_lambda_does(f"changed_{mutation.name}", history)
    effects = [one.lambda_effect for one in run.divergences]
    errors = [one.lambda_effect for one in run.divergences if one.severity == "error"]
    told = f"{truth}\n" + run.report()

    begun = [name for name in truth.started if not name.startswith(CONTEXTS)]
    runs = bool(truth.ran or begun)
    assert any(words in effect for effect in effects for words in WOULD) is runs, told
    if runs:
        names = [name.partition(" ")[2] for name in begun]
        assert any(f"'{name}" in effect or name == "None" for effect in errors for name in names), told
        return  # how it goes on from there only Lambda knows
    fails_by_objection = truth.status == "FAILED" and "NonDeterministic" in (truth.error_type or "")
    assert (
        any("fails with NonDeterministicExecutionError" in effect for effect in effects) is fails_by_objection
    ), told
    if fails_by_objection:
        assert len(errors) == 1, told  # the one that it fails by
        return
    if as_recorded(truth, history):
        if "swallowed" not in {one.kind for one in run.divergences}:
            assert not errors, told
    elif truth.status == "SUCCEEDED":
        assert any("SUCCEEDED" in e for e in errors), told
        if history.status == "SUCCEEDED":
            assert any("another result" in e for e in errors), told
    elif truth.status == "FAILED":
        assert any(f"FAILED with {truth.error_type}" in e for e in errors), told
    elif truth.status == "CRASHED":
        assert any("without an output" in e for e in errors), told
    else:
        assert any("suspended" in e for e in errors), told


def as_recorded(truth: Truth, history) -> bool:
    if truth.status == "PENDING":
        return history.status == "RUNNING"
    if truth.status == "FAILED":
        same_class = (history.error or {}).get("ErrorType", "").rpartition(".")[
            2
        ] == truth.error_type.rpartition(".")[2]
        return (
            history.status == "FAILED" and same_class and history.error["ErrorMessage"] == truth.error_message
        )
    return truth.status == history.status and truth.result == history.result
