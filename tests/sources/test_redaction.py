"""Structure and types stay, values go, and it still replays."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from aws_durable_execution_sdk_python.serdes import ExtendedTypeSerDes, SerDesContext
from hypothesis import given

from durable_debug.divergence import replay
from durable_debug.errors import HistoryError
from durable_debug.history import History
from durable_debug.sources import load, redacted

CONTEXT = SerDesContext("op", "arn")
SECRET = {
    "card": {"number": "4111-1111", "cvc": 123, "ok": True},
    "emails": ["ann@example.com"],
    "none": None,
    "x": 1.5,
}


def of(payload: Any, redact: Any = True) -> Any:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    event = {
        "EventId": 1,
        "EventType": "ExecutionStarted",
        "EventTimestamp": 1.0,
        "ExecutionStartedDetails": {"Input": {"Payload": text}},
    }
    result = redacted(History([event]), redact).input
    return result if isinstance(payload, str) else json.loads(result)


def test_every_value() -> None:
    gone = of(SECRET)
    assert (
        gone["card"]["cvc"] == 0 and gone["card"]["ok"] is False and gone["none"] is None and gone["x"] == 0.0
    )
    assert isinstance(gone["x"], float) and isinstance(gone["card"]["cvc"], int)
    assert (
        len(gone["card"]["number"]) == 9
        and gone["card"]["number"][4] == "-"
        and gone["card"]["number"] != "4111-1111"
    )
    assert gone["emails"][0].count("@") == 1 and "ann" not in gone["emails"][0]


@pytest.mark.parametrize(
    ("rule", "reached"),
    [
        ("$.card.number", {"number"}),
        ("$.card", {"number", "cvc", "ok"}),
        ("$['card']['cvc']", {"cvc"}),
        ("$..cvc", {"cvc"}),
        ("$.emails[*]", {"emails"}),
        ("$.emails[0]", {"emails"}),
        ("$.emails[1]", set()),
        ("$.*.ok", {"ok"}),
        ("*MAIL*", {"emails"}),
        (["cvc", "$.x"], {"cvc", "x"}),
        ("num", set()),
        (lambda path, value: 9 if path == "$.card.cvc" else value, {"cvc"}),
        (lambda path, value: "?" if isinstance(value, str) else value, {"number", "emails"}),
    ],
)
def test_some_values(rule: Any, reached: set[str]) -> None:
    def flat(value: dict[str, Any]) -> dict[str, Any]:
        return {**value["card"], "emails": value["emails"], "none": value["none"], "x": value["x"]}

    before, after = flat(SECRET), flat(of(SECRET, rule))
    assert {key for key in before if before[key] != after[key]} == reached


@pytest.mark.parametrize("path", ["$card", "$.", "$.a[", "$.a[x]", "$..", "$.a b]"])
def test_paths_that_cannot_be_read(path: str) -> None:
    with pytest.raises(HistoryError, match="JSON path"):
        of(SECRET, path)


def test_the_same_text_stays_the_same_one() -> None:
    gone = of(
        {
            "a": "order-42",
            "b": "order-42",
            "c": "order-43",
            "when": "2026-11-21T20:08:52.5Z",
            "day": "2026-11-21",
        }
    )
    assert gone["a"] == gone["b"] != gone["c"]
    assert (gone["when"], gone["day"]) == ("1970-01-01T00:00:00.0Z", "1970-01-01")
    assert of({"a": "order-42"}) != of({"a": "order-42"})  # not from one history to another


def test_json_in_json_is_looked_into() -> None:
    gone = json.loads(of({"body": json.dumps({"email": "ann@example.com", "n": 1})}, "email")["body"])
    assert gone["n"] == 1 and "ann" not in gone["email"]
    assert json.loads(of({"body": '{"n": 5}'})["body"]) == {"n": 0}


def test_payloads_that_are_no_json() -> None:
    assert of("just words") != "just words" and len(of("just words")) == 10
    assert of("just words", "$.a") == "just words"
    assert of("") == ""


def test_what_the_sdk_tags_keeps_its_type() -> None:
    serdes: Any = ExtendedTypeSerDes()
    import datetime

    value = {
        "d": Decimal("12.5"),
        "u": uuid.uuid4(),
        "B": b"secret",
        "t": ("another", 1),
        "dt": datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.UTC),
        "D": datetime.date(2026, 1, 2),
        "l": [{"k": "some text"}],
        "n": None,
    }
    gone = serdes.deserialize(of(serdes.serialize(value, CONTEXT)), CONTEXT)
    assert {key: type(held) for key, held in gone.items()} == {key: type(held) for key, held in value.items()}
    assert all(gone[key] != held for key, held in value.items() if key != "n")
    assert len(gone["B"]) == 6 and gone["d"] == 0
    some = serdes.deserialize(
        of(serdes.serialize({"card": {"cvc": 1, "x": 2}}, CONTEXT), "$.card.cvc"), CONTEXT
    )
    assert some == {"card": {"cvc": 0, "x": 2}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_any_payload_keeps_its_structure(value: Any) -> None:
    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shape(held) for key, held in value.items()}
        if isinstance(value, list):
            return [shape(held) for held in value]
        return type(value).__name__, len(value) if isinstance(value, str) and value[:1] not in "{[" else 0

    assert shape(of({"in": value})) == shape({"in": value})


def test_every_sample_keeps_its_operations(samples: Path) -> None:
    for path in samples.glob("*.json"):
        history = load(path)
        gone = load(path, redact=True)
        kept = [
            "position",
            "name",
            "type",
            "sub_type",
            "status",
            "attempts",
            "start",
            "end",
            "id",
            "replay_children",
        ]
        assert gone.operations[kept].equals(history.operations[kept])
        assert gone.events.event_type.equals(history.events.event_type)
        assert (gone.arn, gone.status, gone.warnings) == (history.arn, history.status, history.warnings)
        gone.require_replayable()


@pytest.mark.parametrize("name", ["map_200", "nested", "chained_invoke", "shipping_v1", "poll_job"])
def test_it_still_replays(samples: Path, name: str) -> None:
    apps = {"map_200": "map_items", "chained_invoke": "order"}
    handler = f"{samples}/apps/{apps.get(name, name)}.py:handler"
    gone = redacted(load(samples / f"{name}.json"))
    run = replay(handler, gone)
    structural = {"missing", "unexpected", "renamed", "retyped", "reparented", "reordered"}
    assert run.stopped is None
    assert [one for one in run.divergences if one.kind in structural] == []


def test_a_function_sees_every_value(samples: Path) -> None:
    seen: list[tuple[str, Any]] = []
    redacted(load(samples / "payment_failed.json"), lambda path, value: seen.append((path, value)) or value)
    assert any(path.startswith("$.") for path, _ in seen)
    assert ("$.ErrorType", next(value for path, value in seen if path == "$.ErrorType")) in seen


def test_how_many_values_each_pattern_replaced() -> None:
    event = {"EventId": 1, "EventType": "ExecutionStarted", "EventTimestamp": 1.0}
    history = History([{**event, "ExecutionStartedDetails": {"Input": {"Payload": json.dumps(SECRET)}}}])
    assert history.redacted is None
    assert redacted(history).redacted == {"every value": 5}
    assert redacted(history, ["$.card", "cvc", "nothing"]).redacted == {"$.card": 3, "cvc": 1, "nothing": 0}
    assert redacted(history, lambda path, value: "" if "mail" in path else value).redacted == {
        "function <lambda>": 1
    }
    twice = redacted(redacted(history, "cvc"), ["cvc", "*mail*"])
    assert twice.redacted == {"cvc": 2, "*mail*": 1}


def test_a_redacted_history_says_so(samples: Path, tmp_path: Path) -> None:
    import pickle

    gone = load(samples / "payment_failed.json", redact=["*a*"])
    assert gone.redacted["*a*"] > 0
    document = json.loads(gone.save(tmp_path / "one.json").read_bytes())
    assert document["Redacted"] == {"by": "durable_debug", "patterns": dict(gone.redacted)}
    gone.save(f"{tmp_path}/folder/")
    for again in (
        load(tmp_path / "one.json"),
        load(tmp_path / "folder")[0],
        pickle.loads(pickle.dumps(gone)),
    ):
        assert (
            again.redacted == gone.redacted and "redacted" in repr(again) and "by *a*" in again._repr_html_()
        )
    for mark in ({"by": "somebody"}, True, {"patterns": {"x": "many"}}):
        assert load({**document, "Redacted": mark}).redacted == {}


def test_a_long_text_is_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from durable_debug import stand_ins

    calls = []
    real = stand_ins.hashlib.shake_256
    monkeypatch.setattr(stand_ins.hashlib, "shake_256", lambda data: calls.append(len(data)) or real(data))
    gone = of({"text": "A" * 1_000_000})["text"]
    assert len(gone) == 1_000_000 and gone.isupper() and len(set(gone)) == 26
    assert len(calls) == 1


@pytest.mark.parametrize("text", ["\ud800 lone", "[" * 5_000, json.dumps([[[[["deep"]]]]]), "0" * 400])
def test_odd_texts(text: str) -> None:
    assert isinstance(of(text), str)
    assert isinstance(of({"in": text})["in"], str)


def test_deep_payloads(samples: Path) -> None:
    deep: Any = "secret"
    for _ in range(700):
        deep = [deep]
    assert "secret" not in of(json.dumps(deep)) and "secret" not in of({"body": json.dumps(deep)})["body"]


def test_a_uuid_stays_one() -> None:
    text = str(uuid.uuid4())
    assert str(uuid.UUID(of({"id": text})["id"])) != text


def test_what_is_loaded_already_is_redacted_too(samples: Path, tmp_path: Path) -> None:
    history = load(samples / "payment_failed.json")
    assert load(history) is history and load(history, redact=True).redacted is not None
    history.save(f"{tmp_path}/kept/")
    many = load(tmp_path / "kept")
    assert load(many) is many and load(many, redact="*a*")[0].redacted is not None
