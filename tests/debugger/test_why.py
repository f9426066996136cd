"""Why an execution ended as it did: the line that decided it, what was known there, and where one that went well parts."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

import durable_debug as dd
import pytest
from corpus.case import Case
from corpus.recorder import run
from durable_debug.history.payloads import plain_payload

SAMPLES = Path(__file__).parents[2] / "sample_histories"
APPS = SAMPLES / "apps"


def app(name: str) -> str:
    return f"{APPS / name}.py:handler"


def test_the_line_that_raised_with_what_was_known_there() -> None:
    told = dd.why(SAMPLES / "payment_failed.json", app("payment"))
    assert told.status == "FAILED" and told.place.source.startswith("raise PaymentFailed")
    assert [(value.expression, value.preview) for value in told.values] == [("basket_id", "'b-77'")]
    assert [line.number for line in told.source if line.decided] == [told.place.line]
    assert told.stack[0].function == "handler" and told.stack[0].line == told.place.line
    assert told.fed.name == "release-basket"
    (charge,) = told.failed
    assert charge.name == "charge-card" and len(charge.all_attempts) == 4
    text = told.report()
    for attempt in range(1, 5):
        assert f"attempt {attempt}: GatewayTimeout: no answer to charge b-77-{attempt}" in text
    assert "Replayed, it fails as recorded." in text
    assert text.count("\n") <= 40


def test_without_a_handler_it_is_what_the_history_tells() -> None:
    told = dd.why(str(SAMPLES / "payment_failed.json"))
    assert told.run is None and told.place is None and told.divergence is None
    text = told.report()
    assert "STEP 'charge-card' (position 2) failed after 4 attempts" in text
    assert told.next_command.startswith("durable-debug why ")


def test_what_is_waited_for_and_the_line_that_asked_for_it() -> None:
    told = dd.why(SAMPLES / "suspended.json", app("suspended"))
    assert told.place.source.startswith("approval = context.create_callback(")
    assert len([line for line in told.source if line.decided]) == 3
    assert "It waits for callback 'manager-approval'" in told.report()


def test_changed_code_is_shown_where_it_parts_from_the_history() -> None:
    told = dd.why(SAMPLES / "shipping_v1.json", app("shipping"))
    assert told.divergence.kind == "unexpected" and told.place.line == told.divergence.line
    assert [value.expression for value in told.values] == ["event['address']"]
    assert told.divergence.message in told.report() and told.divergence.lambda_effect in told.report()


def test_an_execution_that_went_well_and_where_the_two_part(tmp_path) -> None:
    for name in ("espresso_timed_out.json", "espresso_completed.json", "suspended.json"):
        shutil.copy(SAMPLES / name, tmp_path)
    (tmp_path / "broken.json").write_text("{")
    told = dd.why(str(tmp_path / "espresso_timed_out.json"))
    assert told.sibling.history.name == "order-402"
    assert told.sibling.common == 0 and told.sibling.mine.name == told.sibling.its.name == "initialise-order"
    assert "They part at STEP 'initialise-order' (position 1):" in told.report()
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(SAMPLES / "espresso_timed_out.json", alone)
    assert dd.why(str(alone / "espresso_timed_out.json")).sibling is None
    near = dd.why(str(alone / "espresso_timed_out.json"), near=tmp_path)
    assert near.sibling.history.name == "order-402"


def test_values_are_bounded_and_what_an_expression_raises_is_passed_over(tmp_path, monkeypatch) -> None:
    app = tmp_path / "shy_app.py"
    app.write_text(
        "from aws_durable_execution_sdk_python import durable_execution\n\n"
        "class Shy:\n"
        "    @property\n"
        "    def secret(self):\n"
        "        raise RuntimeError('not to be seen')\n\n"
        "@durable_execution\n"
        "def handler(event, context):\n"
        "    items, shy = ['x' * 50] * 10_000, Shy()\n"
        "    context.step(lambda _: 1, name='one')\n"
        "    raise ValueError(len(items), items[0], shy.__class__, event['missing'], shy.secret)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    recorded = run(Case(handler=importlib.import_module("shy_app").handler, name="shy", input={}))
    told = dd.why(dd.load(recorded.history), f"{app}:handler")
    assert told.place.line == 12
    assert [value.expression for value in told.values] == ["items", "items[0]"]
    assert all(len(value.preview) <= 400 for value in told.values)


def test_another_interpreter_tells_the_same() -> None:
    import sys

    here = dd.why(SAMPLES / "payment_failed.json", app("payment"))
    there = dd.why(SAMPLES / "payment_failed.json", app("payment"), python=sys.executable)
    assert (there.place, there.source, there.stack, there.values) == (
        here.place,
        here.source,
        here.stack,
        here.values,
    )
    assert there.report() == here.report()


def test_a_notebook_shows_it_and_nothing_in_it_is_markup() -> None:
    told = dd.why(SAMPLES / "payment_failed.json", app("payment"))
    assert repr(told) == told.report()
    assert "<script" not in told._repr_html_() and "&#x27;b-77&#x27;" in told._repr_html_()


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(dd.OptionError, match="invokation"):
        dd.why(SAMPLES / "payment_failed.json", app("payment"), invokation=1)


@pytest.mark.parametrize(
    ("payload", "plain"),
    [
        ('{"t":"m","v":{"rate":{"t":"f","v":1.1}}}', '{"rate": 1.1}'),
        ('{"t":"l","v":[{"t":"i","v":1},{"t":"n","v":null}]}', "[1, null]"),
        ('{"t":"s","v":"é"}', '"é"'),
        ('{"total": 1}', '{"total": 1}'),
        ('{"t": 1, "v": 2}', '{"t": 1, "v": 2}'),
        ("not JSON", "not JSON"),
        ("{" * 10, "{" * 10),
        (None, None),
        ('{"t":"m","v":' * 5_000 + "1" + "}" * 5_000, None),
    ],
)
def test_a_payload_is_shown_without_the_sdks_types(payload, plain) -> None:
    found = plain_payload(payload)
    assert found == (plain if plain is not None or payload is None else payload)
