"""An execution's log in a terminal: from a file that holds it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import durable_debug as dd
from tests.sources.lambda_logs import logs_of

SAMPLES = Path(__file__).parents[2] / "sample_histories"
PAYMENT = f"{SAMPLES / 'apps' / 'payment.py'}:handler"


@pytest.fixture
def kept(tmp_path):
    """``kept("json")`` writes a failed payment with its logs, and gives the file."""

    def write(form="text", change=lambda events: events):
        document = json.loads((SAMPLES / "payment_failed.json").read_text(encoding="utf-8"))
        logs = logs_of(dd.load(document), form)
        document["Logs"] = {**logs, "Events": change(logs["Events"])}
        path = tmp_path / "payment.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("form", ["text", "json", "powertools"])
def test_why_shows_the_last_lines_of_the_failing_attempt_beside_its_error(call, kept, form):
    for arguments in ([], [PAYMENT]):
        told = call("why", kept(form), *arguments)
        assert told.code == 0
        head, _, log = told.out.partition("the log of STEP 'charge-card', attempt 4:")
        assert "attempt 4: GatewayTimeout" in head
        assert "calling for charge-card, attempt 4" in log and "charge b-77-4" in log
        assert "attempt 3" not in log and "release-basket, attempt" not in log
        assert len(told.out.splitlines()) <= 45


def test_show_gives_the_log_where_it_is_asked_for(call, kept):
    path = kept("json")
    assert "calling for" not in call("show", path).out
    log = call("show", path, "--logs").out.partition("invocation 1, 2026-11-21")[2]
    assert log.count("calling for charge-card") == 4
    assert all("charge-card #" in line for line in log.splitlines() if "calling for charge-card" in line)
    assert "somebody else" not in log
    told = json.loads(call("show", path, "--logs", "--json").out)
    assert len(told["logs"]) == 40 and told["logs"][0]["invocation"] == 1
    assert json.loads(call("show", SAMPLES / "payment_failed.json", "--json").out)["logs"] is None


def test_what_was_written_cannot_steer_a_terminal(call, kept):
    def hostile(events):
        return [
            {
                **event,
                "message": event["message"].replace("printed", "\x1b]0;x\x07\x1b[2Jprinted\rgone\u202e"),
            }
            for event in events
        ]

    for command in (["show", "--logs"], ["why"]):
        out = call(command[0], kept("text", hostile), *command[1:]).out
        assert "printed" in out and not set("\x1b\x07\r\u202e") & set(out)


def test_a_traceback_of_a_thousand_lines_stays_on_a_screen(call, kept):
    def long(events):
        return [
            {**event, "message": event["message"] + "\n  deeper" * 1_000 + "\nValueError: the last"}
            if "it failed" in event["message"]
            else event
            for event in events
        ]

    told = call("why", kept("text", long))
    assert "ValueError: the last" in told.out
    assert len(told.out.splitlines()) <= 40


def test_logs_of_a_history_without_an_arn_need_a_group(call, tmp_path):
    document = json.loads((SAMPLES / "payment_failed.json").read_text(encoding="utf-8"))
    del document["DurableExecutionArn"]
    path = tmp_path / "payment.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    told = call("show", path, "--logs")
    assert told.code == 2 and "--log-group" in told.err
