"""Each change of a handler is found: of the right kind, at the right line, once; and changes in one handler all together."""

from __future__ import annotations

import re
import sys

import durable_debug as dd
import pytest

from durable_debug.divergence.blame import Group
from durable_debug.divergence.divergence import judged
from durable_debug.divergence.facts import Finding, Said

from tests.divergence.bases import BASES
from tests.divergence.mutations import MUTATIONS, Mutation
from tests.divergence.recorded import history_of, replayed, written


# How a message begins: with the operation that it is about.
SENTENCES = {
    "wait_duration": r"WAIT ('.+'|without a name): duration in seconds was \d+, is now \d+",
    "callback_timeout": r"CALLBACK '.+': (heartbeat )?timeout in seconds was \d+, is now \d+",
    "invoke_target": r"CHAINED_INVOKE '.+': function was .+, is now ",
    "invoke_payload": r"CHAINED_INVOKE '.+': payload was .+, is now ",
    "invoke_tenant": r"CHAINED_INVOKE '.+': tenant was .+, is now ",
    "item_count": r"(Map|Parallel) '.+' had \d+ branch(es)?, now it has \d+ branch(es)?",
    "child_result": r"\w+ '.+': its body (returned .+|failed with .+), now it (returns|raises) ",
    "missing": r"[^,]+ was recorded, but is not asked for|.+, .+ were recorded, but are not asked for",
    "nesting_changed": r"Recorded .+, now ",
}


@pytest.mark.parametrize("name", BASES)
def test_an_unchanged_handler_replays_clean(name: str) -> None:
    history = history_of(name)
    run = dd.replay(written(f"base_{name}", BASES[name].source), history)
    assert run.ok, run.report()
    assert run.divergences == ()
    assert not run.analysis.is_aligned


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
    assert re.match(SENTENCES.get(one.kind, ""), one.message)
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


def test_ids_of_operations_are_short_in_a_message() -> None:
    message = "Non-deterministic operation identity at id='c5faca15" + "0" * 56 + "'"
    (one,) = judged(
        [Group((Finding("side_effect", None, Said(message)),), None)],
        [],
        replayed(MUTATIONS["nested_to_flat"]).recording,
    )
    assert one.message == "Outside a step: Non-deterministic operation identity at id='c5faca15…'."
