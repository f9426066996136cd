"""Structure and types stay, values go, and it still replays."""

from __future__ import annotations

import base64
import json
import pickle
import re
import uuid
from datetime import datetime
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
from durable_debug.sources import Redaction, load, redacted

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
    assert gone["card"]["ok"] is False and gone["none"] is None
    assert 100 <= gone["card"]["cvc"] <= 999 and gone["card"]["cvc"] != 123
    assert 1 <= gone["x"] < 10 and gone["x"] != 1.5
    assert isinstance(gone["x"], float) and isinstance(gone["card"]["cvc"], int)
    assert (
        len(gone["card"]["number"]) == 9
        and gone["card"]["number"][4] == "-"
        and gone["card"]["number"] != "4111-1111"
    )
    assert re.fullmatch(r"[a-z]{3}@[a-z]{7}\.[a-z]{3}", gone["emails"][0]) and "ann" not in gone["emails"][0]


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
    assert datetime.fromisoformat(gone["when"]).date().isoformat() == gone["day"] != "2026-11-21"
    assert of({"a": "order-42"}) != of({"a": "order-42"})  # not from one redaction to another


def test_one_redaction_has_one_secret(tmp_path: Path) -> None:
    redaction = Redaction()
    assert of({"a": "order-42", "n": 17}, redaction) == of({"a": "order-42", "n": 17}, redaction)
    secret = tmp_path / "redaction.secret"
    secret.write_text("drawn by chance, of course\n")
    one, two = Redaction(secret=secret), Redaction(secret=str(secret))
    assert (
        of("order-42", one)
        == of("order-42", two)
        == of("order-42", Redaction(secret=secret.read_bytes().strip()))
    )
    assert of("order-42", one) != of("order-42")
    secret.write_text("short")
    for wrong in (secret, tmp_path / "none", b"short"):
        with pytest.raises(HistoryError, match="secret") as caught:
            Redaction(secret=wrong)
        assert "/dev/urandom" in str(caught.value)


KEPT = {
    "status": "IN_TRANSIT",
    "order": {"state": "open", "id": "o-1"},
    "n": 17,
    "price": 1.5,
    "ok": True,
    "name": "ANNA LEE",
    "body": '{"n": 4, "who": "ann"}',
}


@pytest.mark.parametrize(
    ("keep", "stays"),
    [
        ((), set()),
        ("numbers", {"n", "price"}),
        (["booleans", "enums"], {"ok", "status"}),
        (["$.order.state"], {"order.state"}),
        ("*.state", {"order.state"}),
        ("ord*", {"order.state", "order.id"}),
        (["status", "n"], {"status", "n"}),
    ],
)
def test_what_is_kept(keep: Any, stays: set[str]) -> None:
    def flat(value: dict[str, Any]) -> dict[str, Any]:
        found = {key: held for key, held in value.items() if key not in {"order", "body"}}
        return {**found, **{f"order.{key}": held for key, held in value["order"].items()}}

    gone = of(KEPT, Redaction(keep=keep))
    before, after = flat(KEPT), flat(gone)
    assert {key for key in before if before[key] == after[key]} == stays
    inner = json.loads(gone["body"])
    assert (inner["n"] == 4) is ("n" in stays) and inner["who"] != "ann"


def test_what_was_kept_is_counted_and_in_the_file(samples: Path, tmp_path: Path) -> None:
    gone = redacted(load(samples / "payment_failed.json"), Redaction(keep=["numbers", "nothing"]))
    assert gone.kept["numbers"] > 0 and gone.kept["nothing"] == 0
    document = json.loads(gone.save(tmp_path / "one.json").read_bytes())
    assert document["Redacted"]["kept"] == gone.kept == load(document).kept
    assert pickle.loads(pickle.dumps(gone)).kept == gone.kept
    assert redacted(gone).kept == {}  # the second kept nothing


def test_the_sdks_summary_of_a_large_map_stays(samples: Path) -> None:
    summary = {
        "type": "MapResult",
        "totalCount": 3,
        "completionReason": "ALL_COMPLETED",
        "startedIndexes": [1],
    }
    gone = of({**summary, "summary": "of mine"})
    assert {key: gone[key] for key in summary} == summary and gone["summary"] != "of mine"


def test_json_in_json_is_looked_into() -> None:
    gone = json.loads(of({"body": json.dumps({"email": "ann@example.com", "n": 1})}, "email")["body"])
    assert gone["n"] == 1 and "ann" not in gone["email"]
    assert json.loads(of({"body": '{"n": 51}'})["body"])["n"] not in {0, 51}
    encoded = base64.b64encode(b'{"email": "ann@example.com", "n": 1}').decode()
    gone = json.loads(base64.b64decode(of({"blob": encoded}, "email")["blob"]))
    assert gone["n"] == 1 and "ann" not in gone["email"]


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
    assert len(gone["B"]) == 6 and 10 <= gone["d"] < 100
    assert (
        serdes.deserialize(of(serdes.serialize(value, CONTEXT), Redaction(keep="numbers")), CONTEXT)["d"]
        == value["d"]
    )
    some = serdes.deserialize(
        of(serdes.serialize({"card": {"cvc": 1, "x": 2}}, CONTEXT), "$.card.cvc"), CONTEXT
    )
    assert some["card"]["x"] == 2 and some["card"]["cvc"] not in {0, 1}


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


SECRETS = st.text(st.characters(codec="utf-8"), min_size=4, max_size=30) | st.from_regex(
    r"order-[0-9]{4,8}|[a-z]{4,8}@[a-z]{4,8}\\.com|[A-Z]{2}[0-9]{6}|[0-9a-f]{8,16}|20[0-9]{2}-1[0-2]-[0-2][1-8]",
    fullmatch=True,
)


@given(st.lists(SECRETS, min_size=1, max_size=6), st.booleans())
def test_nothing_hidden_gets_through_and_equal_values_stay_equal(values: list[str], as_body: bool) -> None:
    from durable_debug.stand_ins import form

    redaction = Redaction()
    payload = {"all": values, "again": values[::-1], "body": json.dumps(values) if as_body else values}
    one, two = of(payload, redaction), of({"other": values}, redaction)
    gone = one["all"]
    assert gone == two["other"] == one["again"][::-1] == (json.loads(one["body"]) if as_body else one["body"])
    for before, after in zip(values, gone, strict=True):
        assert len(before) == len(after) or before[:1] in "{["
        assert form(before) == form(after)
        if any(each.isalnum() for each in before) and before.strip("+-").lower() not in {"nan", "infinity"}:
            assert before != after or form(before) in {"0", "0.0"} or set(before) <= set("0.+-{}[]eE")
    again = of({"again": gone}, redaction)["again"]
    assert [form(each) for each in again] == [form(each) for each in values]


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
    gone = of({"id": text})["id"]
    assert str(uuid.UUID(gone)) == gone != text and uuid.UUID(gone).version == 4


def test_what_is_loaded_already_is_redacted_too(samples: Path, tmp_path: Path) -> None:
    history = load(samples / "payment_failed.json")
    assert load(history) is history and load(history, redact=True).redacted is not None
    history.save(f"{tmp_path}/kept/")
    many = load(tmp_path / "kept")
    assert load(many) is many and load(many, redact="*a*")[0].redacted is not None
