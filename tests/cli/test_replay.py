"""`durable-debug replay`: does the handler still do what the history says?"""

from __future__ import annotations

import json
import re
from argparse import ArgumentTypeError

import pytest

from durable_debug.cli.replay_options import break_spec

RECORDED_WITH = {
    "chained_invoke": "order",
    "chained_invoke_child": "reserve_stock",
    "espresso_cancelled": "espresso",
    "espresso_completed": "espresso",
    "espresso_timed_out": "espresso",
    "large_2900": "large",
    "map_200": "map_items",
    "nested": "nested",
    "payment_failed": "payment",
    "poll_job": "poll_job",
    "raw_emulator": "espresso",
    "shipping_v1": "shipping_v1",
    "suspended": "suspended",
}


@pytest.fixture
def replay(call, samples):
    """``replay("espresso", "espresso_timed_out", …)`` runs a sample's application over a sample's history."""

    def replay(app, history, *options):
        return call("replay", f"{samples / 'apps' / app}.py:handler", samples / f"{history}.json", *options)

    return replay


@pytest.mark.parametrize(("history", "app"), RECORDED_WITH.items(), ids=RECORDED_WITH)
def test_each_sample_replays_clean_under_its_own_handler(replay, samples, history, app):
    code, out, err = replay(app, history)
    assert code == 0, out + err
    assert "as recorded" in out or "clean" in out


def test_every_sample_is_among_them(samples):
    assert {path.stem for path in samples.glob("*.json")} == set(RECORDED_WITH)


def test_a_changed_handler_is_code_1_and_says_where(replay, samples):
    code, out, _ = replay("shipping", "shipping_v1")
    assert code == 1
    assert re.search(r"shipping\.py:\d+", out)


def test_json_tells_the_same(replay):
    code, out, _ = replay("shipping", "shipping_v1", "--json")
    told = json.loads(out)
    assert code == 1
    assert told["ok"] is False
    assert told["divergences"]
    for divergence in told["divergences"]:
        assert {"kind", "message", "file", "line", "position"} <= set(divergence)


def test_json_of_a_clean_replay(replay):
    code, out, _ = replay("espresso", "espresso_timed_out", "--json")
    told = json.loads(out)
    assert (code, told["ok"], told["status"], told["divergences"]) == (0, True, "FAILED", [])
    assert told["error"]["ErrorType"] == "espresso.OrderNotAccepted"
    assert [one["name"] for one in told["operations"] if "-" not in one["position"]] == [
        "initialise-order",
        "validate-order",
        "take-time",
        "barista-acceptance",
        "release-order",
        "tell-attendee",
    ]
    assert all(one["file"].endswith(".py") and one["line"] > 0 for one in told["operations"])


def test_one_invocation(replay):
    code, out, _ = replay("espresso", "espresso_timed_out", "--invocation", 2, "--json")
    assert code == 0
    assert json.loads(out)["status"] == "PENDING"


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("charge-*", {"name": "charge-*"}),
        ("status=FAILED", {"status": "FAILED"}),
        ("name=a b,attempt=2", {"name": "a b", "attempt": 2}),
        ("src/orders.py:54", {"file": "src/orders.py", "line": 54}),
        ("orders.py:54, total == f(1, 2)", {"file": "orders.py", "line": 54, "when": "total == f(1, 2)"}),
        ("54", {"line": 54}),
        ("order:54", {"name": "order:54"}),
        ("charge-*, status == 'late'", {"name": "charge-*", "when": "status == 'late'"}),
        ("charge-*,status=FAILED,hits=2", {"name": "charge-*", "status": "FAILED", "hits": 2}),
        ("file=orders.py,line=54,divergence=true", {"file": "orders.py", "line": 54, "divergence": True}),
        ("event_id=17,line=3", {"event_id": 17, "line": 3}),
        (
            "type=STEP,when=f(a, b) == {'c': 1, 'd': x}",
            {"type": "STEP", "when": "f(a, b) == {'c': 1, 'd': x}"},
        ),
    ],
)
def test_what_break_takes(text, spec):
    assert break_spec(text) == spec


@pytest.mark.parametrize(
    "text",
    ["colour=red", "attempt=two", "name=a,", "name=a,b", "status=FAILED,=3", "", "a,", ", a", "divergence=2"],
)
def test_what_break_does_not_take(text):
    with pytest.raises(ArgumentTypeError):
        break_spec(text)


def test_each_stop_is_reported_and_the_replay_goes_on(replay):
    code, out, _ = replay(
        "espresso",
        "espresso_timed_out",
        "--break",
        "tell-*",
        "--break",
        "position=1",
        "--break",
        "status=TIMED_OUT",
    )
    assert code == 0
    assert (
        out.index("initialise-order")
        < out.index("barista-acceptance create callback id")
        < out.index("tell-attendee")
    )
    assert re.search(r"espresso\.py:\d+", out)


def test_a_break_that_fits_nothing_says_so(replay):
    code, out, err = replay("espresso", "espresso_timed_out", "--break", "take-tim")
    assert (code, out) == (2, "") and "Did you mean 'take-time'" in err
    code, _, err = replay("espresso", "espresso_timed_out", "--break", "name=xyz-*,type=STEP")
    assert code == 2 and "fits no operation" in err
    plain, _, _ = replay("espresso", "espresso_timed_out")
    for spec in ("status=CANCELLED", "name=take-time,type=WAIT", "line=99999"):
        code, out, err = replay("espresso", "espresso_timed_out", "--break", spec, "--json")
        assert code == plain and json.loads(out)["stops"]  # an exception is one
        assert "no operation of this replay fits it" in err


def test_a_body_to_run_that_nothing_has_is_code_2(replay):
    code, out, err = replay("espresso", "espresso_timed_out", "--run", "tell-atendee")
    assert (code, out) == (2, "") and "Did you mean 'tell-attendee'" in err


def test_stops_in_json(replay):
    code, out, _ = replay("payment", "payment_failed", "--break", "charge-*", "--json")
    stop, end = json.loads(out)["stops"]
    assert stop["name"] == "charge-card"
    assert stop["status"] == "FAILED"
    assert stop["file"].endswith("payment.py")
    assert stop["locals"]["cents"] == "3030"
    assert "payment.PaymentFailed".rpartition(".")[2] in end["exception"]
    assert code == 0


HANDLER = """
import time
from aws_durable_execution_sdk_python import durable_execution

@durable_execution
def handler(event, context):
    print("printed by the handler")
    {body}

def plain(event, context):
    return 1
"""


@pytest.fixture
def against(call, samples, tmp_path):
    """Replay the espresso order under a handler with this body."""

    def against(body, *options, name="handler"):
        path = tmp_path / "other.py"
        path.write_text(HANDLER.format(body=body))
        return call("replay", f"{path}:{name}", samples / "espresso_timed_out.json", *options)

    return against


def test_what_a_handler_prints_is_kept_apart(against):
    code, out, err = against("return 1", "--json")
    told = json.loads(out)
    assert (code, told["result"], err) == (1, "1", "")
    assert "printed by the handler" in [line["message"] for line in told["logs"]]
    code, out, err = against("return 1")
    assert code == 1
    assert "printed by the handler" in err
    assert "printed by the handler" not in out


def test_a_handler_that_never_ends_is_given_up(against):
    code, out, err = against("while True: time.sleep(0.01)", "--timeout", "0.3")
    assert code == 1
    assert "0.3 s" in out


@pytest.fixture
def with_a_step_more(call, samples, tmp_path):
    """Replay the shipping order under its handler with a step more at the end, whose body leaves a file."""

    def with_a_step_more(*options):
        source = (samples / "apps" / "shipping_v1.py").read_text()
        flag = tmp_path / "ran"
        flag.unlink(missing_ok=True)
        more = f"    context.step(lambda _: open({str(flag)!r}, 'w').close(), name='new-step')\n    return"
        path = tmp_path / "shipping_v2.py"
        path.write_text(source.replace("    return {", more + " {"))
        return *call("replay", f"{path}:handler", samples / "shipping_v1.json", *options), flag.exists()

    return with_a_step_more


def test_a_step_without_a_record_does_not_run_unless_it_is_named(with_a_step_more):
    code, out, _, ran = with_a_step_more()
    assert (code, ran) == (1, False)
    assert "new-step" in out
    code, out, _, ran = with_a_step_more("--run", "new-*")
    assert (code, ran) == (1, True)
    assert "new-step" in out


@pytest.mark.parametrize(
    ("handler", "says"),
    [
        ("none.py:handler", "none.py"),
        ("{samples}/apps/espresso.py:nothing", "nothing"),
        ("{samples}/apps", ":"),
        ("no_such_module_here:handler", "no_such_module_here"),
    ],
)
def test_a_handler_that_cannot_be_had_is_code_2(call, samples, handler, says):
    code, out, err = call("replay", handler.format(samples=samples), samples / "espresso_timed_out.json")
    assert (code, out) == (2, "")
    assert re.fullmatch(r"durable-debug: .+\n", err)
    assert says in err


def test_a_function_that_is_not_durable_is_code_2(against):
    code, _, err = against("return 1", name="plain")
    assert code == 2
    assert "durable" in err


def test_a_history_that_cannot_drive_a_replay_is_code_2(call, samples, tmp_path):
    document = json.loads((samples / "espresso_timed_out.json").read_text())
    path = tmp_path / "page.json"
    path.write_text(json.dumps({**document, "NextMarker": "more"}))
    code, _, err = call("replay", f"{samples}/apps/espresso.py:handler", path)
    assert code == 2
    assert "durable-debug: " in err


def test_an_invocation_that_there_was_not_is_code_2(replay):
    code, _, err = replay("espresso", "espresso_timed_out", "--invocation", 9)
    assert code == 2
    assert "invocation 9" in err


def test_a_failed_run_shows_where_it_failed_and_is_not_called_clean(call, tmp_path) -> None:
    from pathlib import Path

    samples = Path(__file__).parents[2] / "sample_histories"
    history, app = str(samples / "payment_failed.json"), samples / "apps" / "payment.py"
    told = call("replay", f"{app}:handler", history)
    assert told.code == 0 and "fails as recorded" in told.out and "clean" not in told.out
    line = next(n for n, text in enumerate(app.read_text().splitlines(), 1) if "raise PaymentFailed" in text)
    assert f"payment.py:{line} in handler" in told.out and f"{line} | raise PaymentFailed(" in told.out
    changed = tmp_path / "payment.py"
    changed.write_text(app.read_text().replace("error.error_type", "error.error_type + '!'"))
    told = call("replay", f"{changed}:handler", history)
    assert told.code == 1 and f"{line} | raise PaymentFailed(" in told.out
