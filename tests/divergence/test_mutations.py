"""Each change of a handler is found: of the right kind, at the right line, once; and changes in one handler all together."""

from __future__ import annotations

import sys

import durable_debug as dd
import pytest

from tests.divergence.bases import BASES
from tests.divergence.mutations import MUTATIONS, Mutation
from tests.divergence.recorded import history_of, replayed, written


@pytest.mark.parametrize("name", BASES)
def test_an_unchanged_handler_replays_clean(name: str) -> None:
    history = history_of(name)
    run = dd.replay(written(f"base_{name}", BASES[name].source), history)
    assert run.ok, run.report()
    assert run.divergences == ()
    assert run.plan is None


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
def test_a_change_is_found(mutation: Mutation) -> None:
    run = replayed(mutation)
    found = [(one.kind, one.line) for one in run.divergences]
    expected = [(kind, mutation.lines(piece)) for kind, piece in mutation.expected]
    for kind, lines in expected:
        assert [line for k, line in found if k == kind and line in lines], run.report()
    assert len(found) == len(expected), run.report()
    assert run.ok is not bool(expected)
    assert sys.modules[f"changed_{mutation.name}"].RAN == []
    for one in run.divergences:
        assert_complete(one, mutation)


def assert_complete(one: dd.Divergence, mutation: Mutation) -> None:
    """A divergence says all that there is to say."""
    assert one.severity in {"error", "warning", "info"}
    for sentence in (one.message, one.lambda_effect, one.advice):
        assert sentence.endswith(".")
        assert not sentence.endswith("..")
    assert "None" not in one.message
    assert one.source
    assert one.source in mutation.source
    assert one.file.endswith(f"changed_{mutation.name}.py")
    one_sided = {"missing": (False, True), "unexpected": (True, False), "side_effect": (True, False)}
    assert (one.recorded is None, one.asked is None) == one_sided.get(one.kind, (False, False))
    of_no_event = {"unexpected", "side_effect", "result", "error", "outcome", "swallowed", "nesting_changed"}
    assert one.event_ids or one.kind in of_no_event or mutation.name == "callback_serdes"


def test_the_report_names_each_with_both_sides() -> None:
    run = replayed(MUTATIONS["remove_insert_rename"])
    text = run.report()
    for one in run.divergences:
        assert one.message in text and one.lambda_effect in text and one.advice in text and one.source in text
    with pytest.raises(dd.DivergenceError, match="3 divergences"):
        run.raise_for_divergence()
