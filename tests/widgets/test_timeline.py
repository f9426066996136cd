"""The Python side of the timeline: what the page gets, and what it may ask for."""

from __future__ import annotations

import gc
import json
import weakref

import pytest

import durable_debug as dd
from durable_debug.debugger import debug
from durable_debug.widgets import Timeline
from tests.widgets import hostile
from tests.widgets.wire import open_wires, until


@pytest.fixture
def wires(monkeypatch):
    return open_wires(monkeypatch)


@pytest.fixture
def espresso(samples):
    return dd.load(samples / "espresso_timed_out.json")


@pytest.fixture
def live(samples):
    with debug(f"{samples}/apps/espresso.py:handler", str(samples / "espresso_timed_out.json")) as debugger:
        yield debugger


def first_state(view):
    assert view.comm.sent[0]["type"] == "comm_open"
    return view.comm.sent[0]["data"]["state"]


def test_bars_tell_work_backoff_and_callbacks_apart(wires, espresso):
    state = first_state(Timeline(espresso))
    rows, times = state["operations"], state["times"]
    row = rows["name"].index("read-event-config")
    bars = times["bars"]
    own = [
        (times["looks"][look], attempt)
        for at, look, attempt in zip(bars["row"], bars["look"], bars["attempt"], strict=True)
        if at == row
    ]
    assert own == [("failed", 1), ("backoff", 1), ("work", 2)]
    callback = rows["name"].index("barista-acceptance create callback id")
    assert [
        times["looks"][look] for at, look in zip(bars["row"], bars["look"], strict=True) if at == callback
    ] == ["callback"]
    assert bars["row"] == sorted(bars["row"])


def test_long_pauses_are_cut_short_and_said(wires, espresso):
    times = first_state(Timeline(espresso))["times"]
    axis = times["axis"]
    assert len(axis["knots"]) == len(axis["places"])
    assert axis["places"][0] == 0 and axis["places"][-1] == 1
    assert axis["places"] == sorted(axis["places"]) and axis["knots"] == sorted(axis["knots"])
    longest = max(axis["gaps"], key=lambda gap: gap[1] - gap[0])
    assert longest[2] == "2 min"
    start, end = (axis["places"][axis["knots"].index(edge)] for edge in longest[:2])
    assert end - start < 0.15  # of 122 s it is 98 %
    assert len(times["invocations"]) == 3


def test_alike_operations_are_one_row_as_in_the_plots(wires, samples):
    history = dd.load(samples / "map_200.json")
    state = first_state(Timeline(history))
    lines = [(depth, name, len(rows)) for depth, name, *rows in state["groups"]]
    assert lines == [
        (0, None, 1),
        (0, None, 1),
        (1, "photo-*", 193),
        (2, "scale", 193),
        (1, "photo-*", 7),
        (2, "scale", 7),
    ]
    all_rows = sorted(row for _, _, *rows in state["groups"] for row in rows)
    assert all_rows == list(range(402))
    assert len(first_state(Timeline(history, fold=False))["groups"]) == 402
    assert len(first_state(Timeline(history, unfold=["2-3"]))["groups"]) == 8


def test_the_first_message_of_a_large_history_is_small(wires, samples):
    timeline = Timeline(dd.load(samples / "large_2900.json"))
    assert timeline.comm.sent[0]["size"] < 600_000


def test_payloads_come_when_asked_for_and_in_pieces(wires, tmp_path):
    _, document = hostile.write(tmp_path)
    wire = Timeline(dd.load(document)).comm
    assert wire.sent[0]["size"] < 200_000
    answer = wire.call("operation", row=0)
    (payload,) = answer["data"]["payloads"]
    assert payload["length"] > 6_000_000 and len(payload["text"]) < 10_000
    more = wire.call("payload", row=0, field=payload["field"], start=payload["next"])["data"]
    assert more["next"] > payload["next"] and len(json.dumps(more)) < 1_000_000
    for request in (
        {"kind": "operation", "row": 99},
        {"kind": "payload", "row": -1, "field": "x", "start": 0},
        {"kind": "import os"},
    ):
        answer = wire.call(**request)
        assert not answer["ok"] and answer["error"]


def test_without_a_debugger_commands_are_refused_with_the_cure(wires, espresso):
    answer = Timeline(espresso).comm.call("goto", index=3)
    assert not answer["ok"] and "dd.debug" in answer["error"]


def test_it_follows_its_debugger(wires, live):
    timeline = Timeline(live)
    live.goto(name="take-time")
    at = timeline.at
    assert (at["kind"], at["index"], at["total"]) == ("operation", live.stop.index, 12)
    assert timeline.operations["name"][at["row"]] == "take-time"
    live.goto(index=-1)
    assert timeline.at["kind"] == "end" and timeline.at["row"] == -1
    live.close()
    assert timeline.at["status"] == "closed"


def test_it_commands_its_debugger(wires, live):
    timeline = Timeline(live)
    assert timeline.comm.call("goto", index=5)["ok"]
    until(lambda: live.stop.index == 5)
    assert timeline.comm.call("verb", verb="step_in")["ok"]
    until(lambda: live.stop.index == 6)


def test_breakpoints_show_in_all_views_wherever_they_were_set(wires, live):
    one, other = Timeline(live), Timeline(live)
    answer = one.comm.call("toggle", name="tell-attendee")
    assert answer["ok"] and "set" in answer["data"]["note"]
    row = one.operations["name"].index("tell-attendee")
    for view in (one, other):
        assert [each["rows"] for each in view.breakpoints if each["id"]] == [[row]]
    assert other.comm.call("toggle", name="tell-attendee")["ok"]
    assert [each for each in one.breakpoints if each["id"]] == [] and len(live.breakpoints) == 1
    live.break_at(status="TIMED_OUT")
    timed_out = [at for at, status in enumerate(live.history.operations["status"]) if status == "TIMED_OUT"]
    assert [each["rows"] for each in other.breakpoints if each["id"]] == [
        [one.operations["position"].index(live.history.tree()[at].position) for at in timed_out]
    ]
    assert one.comm.call("toggle", position="2-0-1")["ok"]
    assert live.breakpoints[-1].position == "2-0-1"


def test_what_only_the_handler_has_is_a_row(wires, samples):
    with debug(f"{samples}/apps/shipping.py:handler", str(samples / "shipping_v1.json")) as debugger:
        timeline = Timeline(debugger)
        rows = timeline.operations
        only_asked = [at for at, status in enumerate(rows["recorded"]) if rows["statuses"][status] == ""]
        assert only_asked
        assert all(timeline.times["start"][at] == -1 for at in only_asked)
        shown = [row for _, _, *members in timeline.groups for row in members]
        assert sorted(shown) == list(range(len(rows["position"])))
        assert {row for row, _ in timeline.divergences} & set(only_asked)


def test_a_timeline_on_no_page_keeps_no_debugger_alive(wires, samples):
    debugger = debug(f"{samples}/apps/espresso.py:handler", str(samples / "espresso_timed_out.json"))
    timeline = Timeline(debugger)
    timeline.comm.say({"kind": "shown"})
    timeline.comm.say({"kind": "hidden"})
    debugger.step()
    assert timeline.at["index"] == 0  # it does not listen
    timeline.comm.say({"kind": "shown"})
    assert timeline.at["index"] == 1  # but catches up
    timeline.comm.say({"kind": "hidden"})
    seen = weakref.ref(debugger)
    del debugger
    gc.collect()
    assert seen() is None


def test_pictures(wires, espresso, tmp_path):
    timeline = Timeline(espresso)
    timeline.save(tmp_path / "a.png")
    timeline.save(tmp_path / "a.svg")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    with pytest.raises(dd.DurableDebugError, match=r"\.png, \.svg or \.pdf"):
        timeline.save(tmp_path / "a.docx")
    answer = timeline.comm.call("export", format="svg")["data"]
    assert answer["name"] == "order-418-timeline.svg" and answer["type"] == "image/svg+xml"


def test_a_page_without_a_kernel_has_a_picture(wires, espresso):
    data, _ = Timeline(espresso)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["image/png"].startswith("iVBOR")
    import matplotlib.pyplot as plt

    assert plt.get_fignums() == []
