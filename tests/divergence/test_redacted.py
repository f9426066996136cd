"""Histories whose values are placeholders: what can be judged is, and what cannot is no divergence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import durable_debug as dd
import pytest
from corpus import CASES, GROUPS
from corpus.recorder import record

from tests.divergence.mutations import MUTATIONS
from tests.divergence.recorded import history_of, written

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
        for redact in (True, ["$..id", "*a*"], dd.Redaction(keep=["numbers", "booleans", "enums"])):
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
    told = []
    for number in range(6):  # by chance a stand-in decides as the value did
        run = replayed(tmp_path, body, history, dd.Redaction(secret=b"secret number %2d" % number))
        assert run.ok and run.divergences == ()
        told += [sentence for sentence in run.unchecked if "decides by values that were redacted" in sentence]
    assert told


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
    for number in range(4):
        redaction = dd.Redaction(secret=b"secret number %2d" % number)
        assert replayed(tmp_path, body, history, redaction).ok
        assert not replayed(tmp_path, body.replace("'end'", "'last'"), history, redaction).ok
        assert not replayed(tmp_path, body.replace("item-", "thing-"), history, redaction).ok


def test_only_what_a_pattern_names_is_a_placeholder(tmp_path: Path) -> None:
    history = recorded({"kind": "large", "mail": "a@b.c"}, [("first", 1)], None)
    body = "if event['kind'] != 'large':\n    context.step(lambda _: 1, name='never')\n"
    body += "context.step(lambda _: 1, name='second')"
    run = replayed(tmp_path, body, history, "mail")
    assert [one.kind for one in run.divergences] == ["renamed"]


GIVEN = {
    "id": "order-42",
    "kind": "large",
    "count": 3,
    "price": "19.95",
    "amount": 120.5,
    "when": "2026-11-21T20:08:52+00:00",
    "uid": "9d8a5d43-95a0-41d3-aeeb-69dfdbfa1c39",
    "mail": "Ann.Lee@example.com",
    "body": '{"kind": "large", "items": [{"sku": "AB-1", "n": 2}, {"sku": "CD-2", "n": 0}]}',
    "items": [{"sku": "AB-1", "n": 2}, {"sku": "CD-2", "n": 1}],
    "empty": "",
}
# What the handler does with values, and the result; each asks for one step 'a' and ends with ``return``.
BY_FORM = {
    "formatted": (
        "text = f\"order {event['id']} costs {event['price']}\"",
        "text",
        "order order-42 costs 19.95",
    ),
    "measured": ("assert len(event['id']) == 8 and event['id'].count('-') == 1", "len(event['id'])", 8),
    "split": (
        "name, _, host = event['mail'].partition('@')",
        "[host.lower(), len(name)]",
        ["example.com", 7],
    ),
    "tested": ("assert event['count'] and event['price'] and not event['empty']", "1", 1),
    "compared by size": ("assert event['count'] < 10 and event['amount'] > 99", "1", 1),
    "compared by form": ("assert event['kind'] != 'small-ones'", "1", 1),
    "compared with itself": ("assert event['items'][0]['sku'] != event['items'][1]['sku']", "1", 1),
    "decimal": ("from decimal import Decimal\nprice = Decimal(event['price'])", "str(price)", "19.95"),
    "date": (
        "import datetime\nwhen = datetime.datetime.fromisoformat(event['when'])",
        "when.isoformat()",
        GIVEN["when"],
    ),
    "uuid": ("import uuid\nuid = uuid.UUID(event['uid'])", "uid.version", 4),
    "json": ("import json\nbody = json.loads(event['body'])", "len([i for i in body['items'] if i['n']])", 1),
    "summed": ("total = sum(i['n'] for i in event['items'])", "'ready'", "ready"),
}


@pytest.mark.parametrize("name", BY_FORM)
def test_what_the_form_tells_is_judged(tmp_path: Path, name: str) -> None:
    """What handlers do with values replays clean; and another constant, another step, is still found."""
    does, returns, result = BY_FORM[name]
    history = recorded(GIVEN, [("a", 1)], [result, "done"])
    body = f"{does}\ncontext.step(lambda _: 1, name='a')\nreturn [{returns}, 'done']"
    for number in range(3):
        redaction = dd.Redaction(secret=b"secret number %2d" % number)
        assert replayed(tmp_path, body, history).ok
        run = replayed(tmp_path, body, history, redaction)
        assert run.ok and not any("decides" in sentence for sentence in run.unchecked), run.report()
        changed = replayed(tmp_path, body.replace("'done'", "'finished'"), history, redaction)
        assert [one.kind for one in changed.divergences] == ["result"], changed.report()
        changed = replayed(tmp_path, body.replace("name='a'", "name='b'"), history, redaction)
        assert [one.kind for one in changed.divergences] == ["renamed"], changed.report()


UNKNOWN = {
    "threshold": "if event['amount'] > 115:",
    "threshold of a decimal": "from decimal import Decimal\nif Decimal(event['price']) > Decimal('15'):",
    "date": "import datetime\nif datetime.datetime.fromisoformat(event['when']).year > 2020:",
    "in json": "import json\nif json.loads(event['body'])['kind'] == 'large':",
    "enumeration": "import enum\nif enum.Enum('Kind', {'LARGE': 'large'})(event['kind']).value:",
    "looked up": "if {'large': 1, 'small': 0}[event['kind']]:",
    "prefix": "if event['id'].startswith('order-'):",
    "matched": "match event['kind']:\n    case 'large':\n        here = True\n    case _:\n        here = False\nif here:",
    "range": "for _ in range(event['count'] - 2):",
}


@pytest.mark.parametrize("branch", UNKNOWN.values(), ids=UNKNOWN)
def test_what_decides_by_more_than_the_form_is_no_divergence(tmp_path: Path, branch: str) -> None:
    history = recorded(GIVEN, [("a", 1)], "done")
    body = f"{branch}\n    context.step(lambda _: 1, name='a')\nreturn 'done'"
    for number in range(4):
        run = replayed(tmp_path, body, history, dd.Redaction(secret=b"secret number %2d" % number))
        assert run.ok, run.report()
    kept = dd.Redaction(keep=["numbers", "kind", "id", "price", "when"])
    assert replayed(tmp_path, body, history, kept).ok
    lost = replayed(tmp_path, body.replace("name='a'", "name='b'"), history, kept)
    assert not lost.ok, lost.report()


def test_values_that_are_kept_are_compared(tmp_path: Path) -> None:
    result = {"status": "SHIPPED", "n": 12, "who": "ann", "flag": True}
    history = recorded({"who": "ann", "n": 12}, [("a", 1)], result)
    body = "context.step(lambda _: 1, name='a')\nreturn {'status': 'SHIPPED', 'n': event['n'], 'who': event['who'], 'flag': True}"
    keep = dd.Redaction(keep=["numbers", "enums", "booleans"])
    assert replayed(tmp_path, body, history, keep).ok
    for old, new in (
        ("'SHIPPED'", "'SKIPPED'"),
        ("event['n']", "13"),
        ("True", "False"),
        ("event['who']", "'anna'"),
    ):
        run = replayed(tmp_path, body.replace(old, new), history, keep)
        assert [one.kind for one in run.divergences] == ["result"], (new, run.report())
    for old, new in (("'SHIPPED'", "'SKIPPED'"), ("event['n']", "13")):  # of the same form: nobody knows
        assert replayed(tmp_path, body.replace(old, new), history).ok


def test_numbers_that_are_made_of_others_have_no_form_of_their_own(tmp_path: Path) -> None:
    history = recorded([2, 1, 1], [("a", 1)], ["4 in all", 4, {"left": -96}])
    body = "context.step(lambda _: 1, name='a')\nn = sum(event)\nreturn [f'{n} in all', n, {'left': n - 100}]"
    for number in range(6):
        redaction = dd.Redaction(secret=b"secret number %2d" % number)
        assert replayed(tmp_path, body, history, redaction).ok
        assert not replayed(tmp_path, body.replace("'left'", "'rest'"), history, redaction).ok


def test_where_the_secret_is_at_hand_values_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "redaction.secret"
    secret.write_text("drawn by chance, of course")
    redaction = dd.Redaction(secret=secret)
    history = recorded({"kind": "large", "n": 4}, [("a", 1)], ["stuck", 7, "large", "of large"])
    body = """
if event['kind'] == 'large':
    context.step(lambda _: 1, name='a')
return ['stuck', 7, event['kind'], f"of {event['kind']}"]"""
    changes = [("'stuck'", "'glued'"), ("7", "8"), ("event['kind'],", "'small',"), ("name='a'", "name='b'")]
    found = [replayed(tmp_path, body.replace(*change), history, redaction).ok for change in changes]
    assert found == [True, True, True, True]  # of the same form, or behind what decides
    monkeypatch.setenv("DURABLE_DEBUG_SECRET", str(secret))
    assert replayed(tmp_path, body, history, redaction).ok
    assert replayed(tmp_path, body.replace("'large':", "'small':"), history, redaction).ok is False
    for change in changes:
        run = replayed(tmp_path, body.replace(*change), history, redaction)
        assert len(run.divergences) == 1, (change, run.report())
    secret.write_text("another, which it was not redacted by")
    assert all(replayed(tmp_path, body.replace(*change), history, redaction).ok for change in changes)
    loaded = dd.load(dd.redacted(history, redaction).save(tmp_path / "one.json"))
    assert loaded.secret_name == dd.redacted(history, redaction).secret_name
    assert "drawn by chance" not in (tmp_path / "one.json").read_text()


def test_an_error_that_a_value_may_have_raised_is_no_divergence(tmp_path: Path) -> None:
    history = recorded({"code": "AB", "n": "x1"}, [("a", 1), ("b", 1)], None)
    head = "context.step(lambda _: 1, name='a')\n"
    tail = "\ncontext.step(lambda _: 1, name='b')"
    looked_up = "import struct\nvalue = bytes.fromhex(event['code'])"
    run = replayed(tmp_path, head + looked_up + tail, history)
    assert run.ok and "as far as it can be judged" in run.report()
    raised = replayed(tmp_path, f"{head}raise ValueError('no'){tail}", history)
    assert not raised.ok  # a change of the code's own
    lacking = replayed(tmp_path, f"{head}event['other']{tail}", history)
    assert not lacking.ok  # keys are no values


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


STRUCTURAL = {
    "missing",
    "unexpected",
    "renamed",
    "retyped",
    "reordered",
    "reparented",
    "item_count",
    "invoke_target",
}


@pytest.mark.parametrize(
    "name", [name for name in MUTATIONS if name.startswith(("remove_", "rename_", "insert_"))][::4]
)
def test_a_changed_structure_is_found_in_a_redacted_history_too(name: str) -> None:
    mutation = MUTATIONS[name]
    history = dd.redacted(history_of(mutation.base))
    run = dd.replay(written(f"changed_{name}", mutation.source), history, timeout=2)
    found = [(one.kind, one.line) for one in run.divergences]
    for kind, piece in mutation.expected:
        if kind in STRUCTURAL and "for_ever" not in name:
            assert [line for k, line in found if k == kind and line in mutation.lines(piece)], run.report()
    assert len(found) <= len(mutation.expected)
