"""Histories whose values are placeholders: what can be judged is, and what cannot is no divergence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import durable_debug as dd
import pytest
from corpus import CASES, GROUPS
from corpus.recorder import record

HEAD = """
from aws_durable_execution_sdk_python import durable_execution
@durable_execution
def handler(event, context):
"""


@pytest.mark.parametrize("group", GROUPS)
def test_no_false_alarm(group: str) -> None:
    alarms = []
    for case in CASES.values():
        if case.group != group:
            continue
        history = dd.load(record(case).history)
        for redact in (True, ["*a*"], ["$..id", "*e*"]):
            run = dd.replay(case.handler, dd.redacted(history, redact))
            if not run.ok or not any("redacted" in sentence for sentence in run.unchecked):
                alarms.append(f"{case.name}, {redact}: {run.report()}")
    assert alarms == []


def step(number: int, name: str, result: Any) -> list[dict[str, Any]]:
    """Events of a step of the handler's own."""
    import hashlib

    id_ = hashlib.blake2b(str(number).encode()).hexdigest()[:64]
    both = {"Id": id_, "Name": name, "SubType": "Step", "EventTimestamp": 2.0}
    return [
        {**both, "EventType": "StepStarted", "StepStartedDetails": {}},
        {
            **both,
            "EventType": "StepSucceeded",
            "StepSucceededDetails": {"Result": {"Payload": json.dumps(result)}, "RetryDetails": {}},
        },
    ]


def recorded(given: Any, steps: list[tuple[str, Any]], result: Any) -> dd.History:
    whole = {"Id": "e", "EventTimestamp": 1.0}
    events = [
        {
            **whole,
            "EventType": "ExecutionStarted",
            "ExecutionStartedDetails": {"Input": {"Payload": json.dumps(given)}},
        },
        *(event for number, (name, value) in enumerate(steps, 1) for event in step(number, name, value)),
        {
            **whole,
            "EventType": "ExecutionSucceeded",
            "ExecutionSucceededDetails": {"Result": {"Payload": json.dumps(result)}},
        },
    ]
    return dd.load({"Events": [{"EventId": number, **event} for number, event in enumerate(events, 1)]})


def replayed(tmp_path: Path, body: str, history: dd.History, redact: Any = True) -> dd.Run:
    app = tmp_path / "app.py"
    app.write_text(HEAD + "".join(f"    {line}\n" for line in body.strip().splitlines()))
    return dd.replay(f"{app}:handler", dd.redacted(history, redact))


BRANCHES = {
    "compared": "if event['kind'] == 'large':",
    "tested": "if event['large']:",
    "counted": "if len(event['kind']) > 3 and event['kind'].startswith('larg'):",
    "calculated": "if event['count'] * 2 + 1 > 5:",
    "looked up": "if event['kind'] in {'large': 1}:",
    "in a loop": "for _ in range(event['count'] > 2):",
    "by C code": "for _ in range(event['count'] - 3):",
    "made a number": "if int(event['text']) == 7000007:",
    "by a pattern": "import re\nif event['large'] and re.match('l', event['kind']):",
}


@pytest.mark.parametrize("branch", BRANCHES.values(), ids=BRANCHES)
def test_what_a_placeholder_decides_cannot_be_judged(tmp_path: Path, branch: str) -> None:
    given = {"kind": "large", "large": True, "count": 4, "text": "7000007"}
    history = recorded(given, [("first", 1), ("second", 2), ("third", 3)], None)
    body = (
        f"context.step(lambda _: 1, name='first')\n{branch}\n    context.step(lambda _: 2, name='second')\n"
    )
    body += "context.step(lambda _: 3, name='third')"
    run = replayed(tmp_path, body, history)
    assert run.ok and run.divergences == ()
    assert any("decides by values that were redacted" in sentence for sentence in run.unchecked)


def test_what_comes_before_can(tmp_path: Path) -> None:
    history = recorded({"kind": "large"}, [("first", 1), ("second", 2), ("third", 3)], None)
    body = "context.step(lambda _: 1, name='other')\nif event['kind'] == 'large':\n    context.step(lambda _: 2, name='second')\n"
    body += "context.step(lambda _: 3, name='third')"
    run = replayed(tmp_path, body, history)
    assert [one.kind for one in run.divergences] == ["renamed"] and not run.ok


def test_values_that_are_only_handed_on_decide_nothing(tmp_path: Path) -> None:
    history = recorded({"id": "o-1", "count": 4}, [("first", 5), ("third", 3)], {"id": "o-1", "sum": 9.5})
    body = """
context.logger.info("order %s", event["id"])
total = context.step(lambda _: 5, name="first") + event["count"] * 1.5
print(f"order {event['id'].upper()} comes to {total}")
context.step(lambda _: 3, name="thirds")
return {"id": event["id"], "sum": round(total, 2)}
"""
    run = replayed(tmp_path, body, history)
    assert [one.kind for one in run.divergences] == ["renamed"]


def test_names_made_of_values(tmp_path: Path) -> None:
    history = recorded({"ids": ["ab", "cd"]}, [("item-ab", 1), ("item-cd", 2), ("end", 3)], None)
    body = "for one in event['ids']:\n    context.step(lambda _: 1, name=f'item-{one}')\ncontext.step(lambda _: 3, name='end')"
    assert replayed(tmp_path, body, history).ok
    assert not replayed(tmp_path, body.replace("'end'", "'last'"), history).ok
    assert not replayed(tmp_path, body.replace("item-", "thing-"), history).ok


def test_only_what_a_pattern_names_is_a_placeholder(tmp_path: Path) -> None:
    history = recorded({"kind": "large", "mail": "a@b.c"}, [("first", 1)], None)
    body = "if event['kind'] != 'large':\n    context.step(lambda _: 1, name='never')\n"
    body += "context.step(lambda _: 1, name='second')"
    run = replayed(tmp_path, body, history, "mail")
    assert [one.kind for one in run.divergences] == ["renamed"]


def test_every_report_says_so(samples: Path, tmp_path: Path) -> None:
    gone = dd.redacted(dd.load(samples / "poll_job.json"))
    run = dd.replay(f"{samples}/apps/poll_job.py:handler", gone)
    assert run.ok and "redacted: the history's values are placeholders" in run.report()
    assert "redacted" in run._repr_html_()
    report = dd.audit(f"{samples}/apps/poll_job.py:handler", [gone], progress=False)
    assert report.ok and "1 history redacted: values are placeholders" in report.report()
    assert list(report.frame["redacted"]) == [True]
    assert "redacted" in report.to_junit() and "1 history redacted" in report.to_sarif()
    assert "1 history redacted" in report._repr_html_() and '"redacted": true' in report.to_json()
