"""A history that was saved and loaded again is the same history."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durable_debug.errors import HistoryError
from durable_debug.history import History
from durable_debug.sources import load

TEXT = st.one_of(st.text(max_size=20), st.text(st.characters(), max_size=20))  # lone surrogates too
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXT,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=10,
)
TIMES = st.one_of(
    st.datetimes(datetime(1980, 1, 1), datetime(2200, 1, 1), timezones=st.one_of(st.none(), st.just(UTC))),
    st.floats(1e9, 4e9),
    st.integers(10**12, 4 * 10**12),
    st.datetimes(datetime(1980, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.isoformat() + "Z"),
)
KINDS = (
    "StepStarted",
    "StepSucceeded",
    "WaitStarted",
    "ExecutionStarted",
    "SomethingNew",
    "InvocationCompleted",
)


@st.composite
def histories(draw: Any) -> History:
    events = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        kind = draw(st.sampled_from(KINDS))
        payload = draw(st.one_of(st.none(), TEXT))
        details = {"Result": {"Payload": payload, "Truncated": False}, "Anything": draw(JSON)}
        event = {
            "EventType": kind,
            "EventId": number,
            "EventTimestamp": draw(TIMES),
            f"{kind}Details": details,
        }
        event |= draw(
            st.fixed_dictionaries({}, optional={"Id": TEXT, "Name": TEXT, "ParentId": TEXT, "SubType": TEXT})
        )
        events.append(event)
    return History(events, arn=draw(st.one_of(st.none(), st.text(st.characters(codec="ascii"), min_size=1))))


@given(histories())
def test_nothing_is_lost(tmp_path_factory: pytest.TempPathFactory, history: History) -> None:
    path = tmp_path_factory.mktemp("saved") / "history.json"
    history.save(path)
    again = load(path)
    assert again == history
    assert hash(again) == hash(history)
    assert len(again) == len(history)
    assert [event["EventType"] for event in again.raw] == [event["EventType"] for event in history.raw]
    again.save(path)
    assert load(path) == history


@settings(max_examples=30)
@given(histories())
def test_every_view_of_any_history_can_be_made(history: History) -> None:
    """Whatever is in it: nothing raises, and every event and operation has its row."""
    assert len(history.events) == len(history)
    assert len(history.operations) == len(history.tree())
    assert len(history.invocations) == history.invocation_count
    for operation in history.tree():
        assert history.operation(operation.id) is operation
    for number in range(1, history.invocation_count + 1):
        history.invocation_state(number)
    for event in history.raw:
        history.state_at(event["EventId"])
    assert "\n" not in repr(history).replace("\\n", "")
    assert history._repr_html_().startswith("<div")
    history.final_state()


def test_the_sample_stays_as_it_is(samples: Path, tmp_path: Path) -> None:
    history = load(samples / "espresso_timed_out.json")
    history.save(tmp_path / "copy.json")
    assert load(tmp_path / "copy.json") == history
    assert load(tmp_path / "copy.json").raw == history.raw


def test_one_page_of_many_stays_one(samples: Path, tmp_path: Path) -> None:
    document = json.loads((samples / "espresso_timed_out.json").read_bytes())
    load({**document, "NextMarker": "abc"}).save(tmp_path / "page.json")
    assert any("page" in warning for warning in load(tmp_path / "page.json").warnings)


def test_a_file_is_replaced_whole_or_not_at_all(samples: Path, tmp_path: Path) -> None:
    history = load(samples / "espresso_timed_out.json")
    target = tmp_path / "history.json"
    target.write_text("what was there")
    broken = History([*history.raw[:-1], {**history.raw[-1], "Extra": object()}])
    with pytest.raises(HistoryError, match="JSON cannot"):
        broken.save(target)
    assert target.read_text() == "what was there"
    assert os.listdir(tmp_path) == ["history.json"]
    with pytest.raises(HistoryError, match="cannot be written"):
        history.save(tmp_path / "nowhere" / "history.json")


def test_a_saved_file_can_be_read_by_others(samples: Path, tmp_path: Path) -> None:
    previous = os.umask(0o022)
    try:
        load(samples / "espresso_timed_out.json").save(tmp_path / "history.json")
    finally:
        os.umask(previous)
    assert (tmp_path / "history.json").stat().st_mode & 0o777 == 0o644
