"""The Python side of the debugger's panel, over the wire that a kernel would use."""

from __future__ import annotations

import gc
import json
import sys
import threading
import types
import weakref

import pytest

from durable_debug.debugger import debug
from durable_debug.widgets import DebuggerPanel
from durable_debug.widgets._commands import target
from durable_debug.widgets._messages import Rows, Source, View
from tests.patience import PATIENCE
from tests.widgets import hostile
from tests.widgets.wire import open_wires, until


@pytest.fixture
def open_panel(monkeypatch, samples):
    wires, opened = open_wires(monkeypatch), []

    def opener(handler, history):
        if isinstance(history, str):
            handler, history = f"{samples}/apps/{handler}.py:handler", str(samples / f"{history}.json")
        debugger = debug(handler, history)
        panel = DebuggerPanel(debugger)
        opened.append((debugger, panel))
        return debugger, panel, wires[-1]

    yield opener
    for debugger, panel in opened:
        panel.close()
        debugger.close()


@pytest.fixture
def espresso(open_panel):
    return open_panel("espresso", "espresso_timed_out")


def test_the_first_message_has_all_that_is_static_and_is_small(open_panel):
    debugger, _, wire = open_panel("large", "large_2900")
    first = wire.sent[0]
    assert first["type"] == "comm_open"
    assert first["size"] < 400_000
    state = first["data"]["state"]
    rows = state["operations"]
    assert set(rows) == set(Rows.__annotations__)
    assert set(state["source"]) == set(Source.__annotations__)
    assert set(state["view"]) == set(View.__annotations__)
    assert rows["position"][:4] == ["1", "2", "2-1", "2-2"]
    assert len(rows["position"]) == len(debugger.history.tree())
    before = len(wire.sent)
    for verb in ("step", "step_in", "step_in", "step_back"):
        getattr(debugger, verb)()
    sent = wire.sent[before:]
    assert {name for one in sent for name in one["data"]["state"]} == {"view"}
    assert max(one["size"] for one in sent) < 6_000


def test_verbs_are_posted_and_the_view_follows(espresso):
    debugger, panel, wire = espresso
    seen = []
    release = threading.Event()
    debugger.subscribe(lambda: (seen.append(threading.current_thread()), release.wait(PATIENCE)))
    wire.say({"id": 1, "kind": "verb", "verb": "step"})  # returns, though nobody lets the debugger go on yet
    assert wire.call("verb", verb="step")["ok"]
    release.set()
    until(lambda: panel.view["headline"].startswith("Stopped before operation 7 of 12"))
    assert threading.current_thread() not in seen


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"kind": "verb", "verb": "close"}, "unknown"),
        ({"kind": "nonsense"}, "unknown"),
        ({"kind": "goto", "text": "  "}, "Nowhere to go"),
        ({"kind": "break", "fields": {}}, "needs something to stop at"),
        ({"kind": "break", "fields": {"when": "1 +"}}, "not an expression"),
        ({"kind": "break", "fields": {"line": "soon"}}, "no number"),
        ({"kind": "clear", "breakpoint": "x"}, "unknown"),
        ({"kind": "enable", "breakpoint": 99, "enabled": True}, "no breakpoint 99"),
        ({"kind": "source", "file": "/etc/passwd"}, "no part in the replay"),
        ({"kind": "payload", "row": 0, "field": "secret", "start": 0}, "no such payload"),
        ({"kind": "evaluate", "frame": 0, "expression": "1/0"}, "ZeroDivisionError: division by zero"),
        ({"kind": "evaluate", "frame": 0, "expression": "open('/tmp/x', 'w')"}, "side effect"),
        ({"kind": "operation", "row": 999}, "IndexError"),
    ],
)
def test_what_cannot_be_done_is_said(espresso, request_, told):
    _, _, wire = espresso
    answer = wire.call(**request_)
    assert not answer["ok"]
    assert told in answer["error"]


def test_a_value_whose_repr_fails_or_is_huge_is_told_of(espresso):
    _, _, wire = espresso
    assert len(wire.call("evaluate", frame=0, expression="'x' * 10_000_000")["data"]["value"]) < 11_000
    failing = "type('Bad', (), {'__repr__': lambda self: 1 / 0})()"
    assert (
        wire.call("evaluate", frame=0, expression=failing)["data"]["value"]
        == "<Bad: its repr raises ZeroDivisionError>"
    )


def test_an_expression_that_takes_long_keeps_nobody_waiting(espresso, monkeypatch):
    debugger, _, wire = espresso
    gate = types.ModuleType("gate")
    gate.opened = threading.Event()
    monkeypatch.setitem(sys.modules, "gate", gate)
    expression = f"__import__('gate').opened.wait({2 * PATIENCE}) and 5"
    wire.say({"id": 7, "kind": "evaluate", "frame": 0, "expression": expression})
    assert wire.call("variables", frame=0, path=[])["ok"]
    assert wire.call("verb", verb="step")["ok"]
    assert [one for one in wire.custom() if one["id"] == 7] == []
    gate.opened.set()
    answer = until(lambda: next((one for one in wire.custom() if one["id"] == 7), None))
    assert answer["data"] == {"type": "int", "value": "5"}


def test_details_of_an_operation(espresso):
    debugger, _, wire = espresso
    rows = debugger.history.tree()
    row = next(at for at, one in enumerate(rows) if one.name == "read-event-config")
    data = wire.call("operation", row=row)["data"]
    facts = {fact["label"]: fact["value"] for fact in data["facts"]}
    assert facts["Recorded"] == "SUCCEEDED"
    assert facts["Asked at"] == "espresso.py:108, in read_event_config"
    assert [attempt[1] for attempt in data["attempts"]] == ["FAILED", "SUCCEEDED"]
    shown, written = data["payloads"][:2]
    assert json.loads(shown["text"]) == json.loads(debugger.history.plain(rows[row].result))
    assert json.loads(written["text"]) == json.loads(rows[row].result)
    assert (shown["folded"], written["folded"]) == (False, True)
    more = wire.call("payload", row=row, field=written["field"], start=0)["data"]
    assert more["text"] == written["text"]
    assert "\n" in data["payloads"][0]["text"]  # indented
    ending = wire.call("operation", row=-1)["data"]
    assert "no barista accepted" in ending["payloads"][0]["text"]


def test_a_large_payload_comes_in_pieces(open_panel, tmp_path):
    _, _, wire = open_panel(*hostile.write(tmp_path))
    first = wire.call("operation", row=0)["data"]["payloads"][0]
    assert first["length"] == len(json.dumps(hostile.BIG))
    text, following = first["text"], first["next"]
    while following is not None:
        chunk = wire.call("payload", row=0, field="result", start=following)["data"]
        assert len(chunk["text"]) <= 100_000
        text, following = text + chunk["text"], chunk["next"]
    assert json.loads(text) == hostile.BIG


def test_operations_only_asked_for_stand_where_they_are_asked_for(open_panel):
    _, panel, _ = open_panel("shipping", "shipping_v1")
    rows = panel.operations
    assert rows["name"] == ["reserve-stock", "check-address", "pack", "until-pick-up", "hand-over"]
    assert [rows["statuses"][one] for one in rows["recorded"]][:3] == ["SUCCEEDED", "", "SUCCEEDED"]
    assert rows["stop"] == [0, 1, 2, 3, 4]
    assert panel.view["statuses"][1] == "-"


@pytest.mark.parametrize(
    ("app", "history"),
    [("map_items", "map_200"), ("nested", "nested"), ("suspended", "suspended"), ("poll_job", "poll_job")],
)
def test_rows_are_a_tree_in_reading_order(open_panel, app, history):
    debugger, panel, _ = open_panel(app, history)
    rows = panel.operations
    recorded = {one.position for one in debugger.history.tree()}
    virtual = {one.position for one in debugger.run_result.operations if one.answer == "virtual"}
    assert sorted(rows["position"]) == sorted(recorded | virtual)
    words = [rows["statuses"][one] for one in rows["recorded"]]
    assert {position for position, word in zip(rows["position"], words) if word == "VIRTUAL"} == virtual
    for at, parent in enumerate(rows["parent"]):
        assert parent < at
        assert rows["depth"][at] == (rows["depth"][parent] + 1 if parent >= 0 else 0)
        if parent >= 0:
            assert rows["position"][at].rpartition("-")[0] == rows["position"][parent]
    numbers = [tuple(map(int, one.split("-"))) for one in rows["position"]]
    assert numbers == sorted(numbers)


def test_statuses_are_those_of_the_debugger(espresso):
    debugger, panel, _ = espresso
    letters = {"": ".", "STARTED": "s", "PENDING": "p", "SUCCEEDED": "S", "FAILED": "F", "TIMED_OUT": "T"}
    for index in range(14):
        debugger.goto(index=index)
        assert panel.view["statuses"] == "".join(letters[one] for one in debugger.statuses)


def test_headlines(espresso):
    debugger, panel, _ = espresso
    debugger.break_at(status="TIMED_OUT")
    debugger.run()
    assert panel.view["headline"] == (
        "Stopped before operation 9 of 12: barista-acceptance create callback id (4-1) — recorded TIMED_OUT; breakpoint 1: status=TIMED_OUT"
    )
    debugger.run()
    assert panel.view["headline"].startswith("An exception leaves the handler: OrderNotAccepted")
    debugger.run()
    assert panel.view["headline"].startswith("The handler ended: FAILED. OrderNotAccepted")
    debugger.close()
    assert panel.view["headline"].startswith("This debugger is closed.")


def test_a_suspended_execution_ends_suspended(open_panel):
    debugger, panel, _ = open_panel("suspended", "suspended")
    debugger.goto(index=-1)
    assert panel.view["headline"].startswith(
        "The handler suspended. It waits for callback 'manager-approval' (1) since"
    )


def test_where_the_box_leads():
    assert target(" 2-0-1 ") == {"position": "2-0-1"}
    assert target("Event 17") == target("#17") == {"event_id": 17}
    assert target("charge-card") == {"name": "charge-card"}


def test_what_a_page_without_a_kernel_shows(espresso, open_panel, tmp_path):
    debugger, panel, _ = espresso
    debugger.goto(position="4")
    data, _ = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "Stopped before operation 8 of 12" in data["text/plain"]
    assert "▶  166" in data["text/html"]
    assert "acceptance = context.wait_for_callback(" in data["text/html"]
    assert "tell-attendee" in data["text/html"]
    _, panel, _ = open_panel(*hostile.write(tmp_path))
    html = panel._repr_mimebundle_()[0]["text/html"]
    assert "<img" not in html
    assert "<script" not in html
    assert len(html) < 20_000


def test_a_debugger_shows_itself_as_a_panel(espresso):
    debugger, _, _ = espresso
    data, _ = debugger._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data


# ---- leaving nothing behind


def test_a_panel_listens_while_a_page_shows_it(espresso):
    debugger, panel, wire = espresso
    for kind in ("shown", "shown", "hidden"):  # two views, one closed
        wire.say({"kind": kind})
    debugger.step()
    assert "operation 2 of" in panel.view["headline"]
    wire.say({"kind": "hidden"})
    debugger.step()
    assert "operation 2 of" in panel.view["headline"]
    wire.say({"kind": "shown"})  # scrolled back to, or opened in another place
    assert "operation 7 of" in panel.view["headline"]
    debugger.step()
    assert "operation 8 of" in panel.view["headline"]


def test_a_closed_panel_has_no_listener_and_the_debugger_goes_on(espresso):
    debugger, panel, wire = espresso
    panel.close()
    before = len(wire.sent)
    debugger.step()
    assert len(wire.sent) == before
    assert debugger.stop.index == 1


def test_a_panel_off_the_page_does_not_keep_its_debugger_alive(monkeypatch, samples):
    wires = open_wires(monkeypatch)
    debugger = debug(f"{samples}/apps/espresso.py:handler", str(samples / "espresso_timed_out.json"))
    panel, gone = DebuggerPanel(debugger), weakref.ref(debugger)
    wires[-1].say({"kind": "shown"})
    wires[-1].say({"kind": "hidden"})
    del debugger
    gc.collect()
    assert gone() is None
    wires[-1].say({"kind": "shown"})
    assert panel.view["status"] == "closed"
    assert wires[-1].call("variables", frame=0, path=[])["error"].startswith("The debugger is closed.")
    panel.close()


def test_a_closed_debugger_is_let_go_of(espresso):
    debugger, panel, wire = espresso
    debugger.close()
    assert panel.view["status"] == "closed"
    answer = wire.call("variables", frame=0, path=[])
    assert answer == {
        "id": answer["id"],
        "ok": False,
        "error": "The debugger is closed. dd.debug(handler, history) opens another.",
    }
    assert wire.call("operation", row=0)["ok"]  # the record can still be read
