"""The Python side of the graph and of the workbench."""

from __future__ import annotations

import pytest

import durable_debug as dd
from durable_debug.debugger import debug
from durable_debug.widgets import Graph, Workbench
from tests.widgets.wire import open_wires


@pytest.fixture
def wires(monkeypatch):
    return open_wires(monkeypatch)


@pytest.fixture
def espresso(samples):
    return dd.load(samples / "espresso_timed_out.json")


def test_boxes_are_placed_and_lead_to_operations(wires, espresso):
    scene = Graph(espresso).scene
    nodes = scene["nodes"]
    assert [node["kind"] for node in nodes].count("operation") == 12
    assert sorted(row for node in nodes for row in node["rows"]) == list(range(12))
    assert nodes[0]["kind"] == "start" and nodes[0]["y"] < nodes[-1]["y"] and nodes[-1]["kind"] == "end"
    for node in nodes:
        assert node["w"] / 2 <= node["x"] + 1 and node["x"] + node["w"] / 2 <= scene["width"] + 1
    callback = next(node for node in nodes if node["type"] == "CALLBACK")
    assert callback["wrong"] and "timed out" in callback["detail"]
    outside = next(node for node in nodes if node["kind"] == "outside")
    assert outside["beside"] == callback["rows"][0]
    assert {"fan_out", "join", "callback", "sequence"} <= {edge["kind"] for edge in scene["edges"]}
    for edge in scene["edges"]:
        assert len(edge["points"]) >= 8 and len(edge["points"]) % 6 == 2
        assert edge["points"][1] <= edge["points"][-1] or edge["kind"] in {"callback", "repeat"}  # downwards


def test_it_turns(wires, espresso):
    graph = Graph(espresso)
    assert graph.comm.call("turn")["ok"]
    assert graph.scene["direction"] == "LR"
    assert graph.scene["width"] > graph.scene["height"]
    with pytest.raises(dd.DurableDebugError, match="'TB' or 'LR'"):
        Graph(espresso, direction="up")


def test_folded_ones_unfold_and_fold_again(wires, samples):
    graph = Graph(dd.load(samples / "map_200.json"))
    (failed,) = [node for node in graph.scene["nodes"] if node["count"] == 7 and node["pattern"] == "photo-*"]
    before = len(graph.scene["nodes"])
    assert graph.comm.call("unfold", rows=failed["rows"])["ok"]
    assert (
        graph.scene["unfolded"] and len(graph.scene["nodes"]) == before + 12
    )  # 7 items and their steps for 2 boxes
    assert graph.comm.call("fold")["ok"]
    assert not graph.scene["unfolded"] and len(graph.scene["nodes"]) == before


def test_too_many_to_unfold_is_said(wires, samples):
    graph = Graph(dd.load(samples / "large_2900.json"))
    assert graph.comm.sent[0]["size"] < 400_000
    (many,) = [node for node in graph.scene["nodes"] if node["count"] == 1440 and node["pattern"] == "make-*"]
    answer = graph.comm.call("unfold", rows=many["rows"])
    assert not answer["ok"] and "1,440 boxes" in answer["error"] and "timeline" in answer["error"]


def test_pictures(wires, espresso, tmp_path):
    graph = Graph(espresso)
    graph.save(tmp_path / "a.svg")
    assert "<svg" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    data, _ = graph._repr_mimebundle_()
    assert data["image/png"].startswith("iVBOR")


def test_the_workbench_has_all_three_on_one_debugger(wires, samples):
    with debug(f"{samples}/apps/espresso.py:handler", str(samples / "espresso_timed_out.json")) as debugger:
        workbench = Workbench(debugger)
        parts = (workbench.timeline, workbench.graph, workbench.panel)
        assert workbench.parts == [f"IPY_MODEL_{part.model_id}" for part in parts]
        debugger.goto(name="release-order")
        rows = {workbench.timeline.at["row"], workbench.graph.at["row"], workbench.panel.view["row"]}
        assert len(rows) == 1 and workbench.timeline.operations["name"][rows.pop()] == "release-order"
        data, _ = workbench._repr_mimebundle_()
        assert "release-order" in data["text/html"] and "data:image/png;base64,iVBOR" in data["text/html"]
        workbench.close()
        assert all(part.comm is None for part in parts)
