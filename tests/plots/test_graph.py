"""The graph as data."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings, strategies as st

from durable_debug.history import History
from durable_debug.plots.graph import graph
from durable_debug.sources import load
from tests.plots.made import Record, a_map, histories, many_polls, steps, where

ATTRIBUTES = {
    "kind", "position", "name", "type", "sub_type", "status", "start", "end", "elapsed_seconds", "attempts", "depth",
    "count", "operations", "parent", "start_invocation", "error_type", "function_name",
}  # fmt: skip
KINDS = {"sequence", "parent", "fan_out", "join", "retry", "repeat", "callback", "invoke"}


def edges(found: nx.DiGraph) -> set[tuple[str, str, str]]:
    """Edges by name of their ends."""
    names = {
        node: data["name"] if data["kind"] == "operation" else node.split(":")[0]
        for node, data in found.nodes(data=True)
    }
    return {(names[one], names[two], kind) for one, two, kind in found.edges(data="kind")}


def test_the_espresso_order(samples):
    found = graph(load(samples / "espresso_timed_out.json"))
    assert edges(found) == {
        ("start", "initialise-order", "sequence"),
        ("initialise-order", "validate-order", "sequence"),
        ("validate-order", "event-config", "fan_out"),
        ("validate-order", "attendee-orders", "fan_out"),
        ("event-config", "read-event-config", "parent"),
        ("attendee-orders", "count-orders", "parent"),
        ("read-event-config", "read-event-config", "retry"),
        ("read-event-config", "take-time", "join"),
        ("count-orders", "take-time", "join"),
        ("take-time", "barista-acceptance", "sequence"),
        ("barista-acceptance", "barista-acceptance create callback id", "parent"),
        ("callback", "barista-acceptance create callback id", "callback"),
        ("barista-acceptance create callback id", "barista-acceptance submitter", "sequence"),
        ("barista-acceptance submitter", "release-order", "sequence"),
        ("release-order", "tell-attendee", "sequence"),
        ("tell-attendee", "end", "sequence"),
    }
    assert found.nodes["end"]["status"] == "FAILED"
    assert found.graph["name"] == "order-418"


def test_nodes_are_operations(samples):
    history = load(samples / "espresso_timed_out.json")
    found = graph(history)
    for operation in history.tree():
        node = found.nodes[operation.id]
        assert (node["position"], node["name"], node["status"], node["depth"]) == (
            operation.position, operation.name, operation.status, operation.depth,
        )  # fmt: skip
        assert (node["start"], node["end"], node["parent"]) == (
            operation.start,
            operation.end,
            operation.parent_id,
        )
        assert (node["count"], node["operations"]) == (1, (operation.id,))


def test_invokes_lead_to_what_they_invoke(samples):
    found = graph(load(samples / "chained_invoke.json"))
    outside = {data["function_name"] for _, data in found.nodes(data=True) if data["kind"] == "outside"}
    assert outside == {"price", "reserve-stock:1"}
    assert sum(kind == "invoke" for *_, kind in found.edges(data="kind")) == 2


def test_a_folded_map():
    history = a_map(200, failed=(3, 90))
    found = graph(history, fold=True)
    assert {(data["name"], data["count"], data["status"]) for _, data in found.nodes(data=True) if data["count"]} == {
        ("all", 1, "SUCCEEDED"), ("item-*", 198, "SUCCEEDED"), ("read", 198, "SUCCEEDED"), ("write", 198, "SUCCEEDED"),
        ("item-3", 1, "FAILED"), ("item-90", 1, "FAILED"), ("read", 1, "SUCCEEDED"), ("write", 1, "FAILED"),
        ("report", 1, "SUCCEEDED"),
    }  # fmt: skip
    assert ("write", "report", "join") in edges(found)
    assert len(graph(history)) == len(history.tree()) + 2


def test_a_block_that_repeats_leads_back():
    found = graph(steps(*(f"{word}-{n}" for n in range(6) for word in ("reserve", "charge"))), fold=True)
    assert ("charge-*", "reserve-*", "repeat") in edges(found)
    assert [data["times"] for *_, data in found.edges(data=True) if data["kind"] == "repeat"] == [6]


def test_attempts_and_retries():
    found = graph(many_polls(5))
    node = next(data for _, data in found.nodes(data=True) if data["kind"] == "operation")
    assert node["attempts"] == 5
    assert [data["retries"] for *_, data in found.edges(data=True) if data["kind"] == "retry"] == [4]


def test_items_of_a_flat_map_fan_out():
    found = graph(a_map(3, flat=True))
    assert sorted(kind for *_, kind in found.edges(data="kind")).count("fan_out") == 3
    assert sorted(kind for *_, kind in found.edges(data="kind")).count("join") == 3


def test_nothing_yet():
    assert edges(graph(Record().history())) == {("start", "end", "sequence")}
    record = Record()
    record.started()
    record.add(1.0, "StepStarted", **where(1, "a", SubType="Step"))
    found = graph(record.history())
    assert found.nodes["end"]["status"] == "RUNNING"
    assert found.nodes["end"]["end"] is None


@settings(max_examples=100)
@given(histories(), st.sampled_from([True, False, 2]))
def test_every_way_leads_from_the_start_to_the_end_without_a_cycle(history: History, how):
    found = graph(history, fold=how)
    assert all(set(data) == ATTRIBUTES for _, data in found.nodes(data=True))
    assert {kind for *_, kind in found.edges(data="kind")} <= KINDS
    forward = nx.subgraph_view(
        found, filter_edge=lambda a, b: found.edges[a, b]["kind"] not in {"retry", "repeat"}
    )
    assert nx.is_directed_acyclic_graph(forward)
    own = {node for node, kind in found.nodes(data="kind") if kind != "outside"}
    assert nx.descendants(forward, "start") >= own - {"start"}
    assert nx.ancestors(forward, "end") >= own - {"end"}
    assert sum(data["count"] for _, data in found.nodes(data=True) if data["kind"] == "operation") == len(
        history.tree()
    )
