"""By line: the lines that a replay runs, forward and back, with the variables that a live handler has there."""

from __future__ import annotations

import re
import sys
import textwrap

import durable_debug as dd
import pytest

from corpus.case import Case
from corpus.recorder import run
from tests.debugger.walk import SUBJECTS, open_debugger, straight
from tests.debugger.walk import shown as everything

HANDLER = """
from dataclasses import dataclass, field

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import ChildConfig, Duration


@dataclass
class Cart:
    items: list = field(default_factory=list)
    state: str = "open"

    def add(self, item):
        self.items.append(item)
        return len(self.items)


def prices(items):
    for item in items:
        price = item * 2
        yield price


def total_of(cart):
    total = 0
    for price in prices(cart.items):
        total += price
    return total


@durable_execution
def handler(event, context):
    cart = Cart()
    for number in event["numbers"]:
        got = context.step(lambda _: {"n": number}, name=f"item-{number}")
        cart.add(got["n"])

    def body(child):
        inner = child.step(lambda _: 5, name="inner")
        doubled = inner * 2
        return doubled

    child = context.run_in_child_context(body, name="child")
    found = context.map([1, 2], lambda ctx, item, index, items: each(ctx, item), name="map")
    try:
        total_of(None)
    except AttributeError as error:
        seen = str(error)
    cart.state = "paid"
    del seen
    total = total_of(cart)
    return {"total": total, "child": child, "found": found.get_results()}


def each(ctx, item):
    value = ctx.step(lambda _: item * 10, name="each")
    return value + 1
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The handler's name, and a history of it."""
    folder = tmp_path_factory.mktemp("lines")
    path = folder / "lines_app.py"
    path.write_text(textwrap.dedent(HANDLER))
    sys.path.insert(0, str(folder))
    try:
        import lines_app

        recorded = run(Case(handler=lines_app.handler, name="lines", input={"numbers": [3, 4]}))
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("lines_app", None)
    return f"{path}:handler", dd.load(recorded.history)


def line_of(text: str) -> int:
    return next(at for at, line in enumerate(HANDLER.splitlines(), 1) if text in line)


def shown(dbg) -> tuple[object, ...]:
    """All that is to be seen, but for the addresses of objects: each pass makes its own."""
    variables = [(v.name, v.type, re.sub("0x[0-9a-f]+", "0x", v.preview)) for v in dbg.variables()]
    return str(dbg.stop.source), tuple(map(str, dbg.stack)), variables


def to_the_end(dbg) -> list[tuple[object, ...]]:
    while dbg.step_line(back=True).line_index != 0:
        pass
    seen = [(0, *shown(dbg))]
    while dbg.step_line().kind != "end":
        seen.append((dbg.stop.line_index, *shown(dbg)))
    return seen


@pytest.mark.parametrize("python", [False, sys.executable])
def test_lines_are_the_same_forward_and_back_and_as_a_live_handler_has_them(app, python) -> None:
    with dd.debug(*app, python=python) as dbg:
        forward = to_the_end(dbg)
        assert len(forward) > 40
        backward = []
        while not backward or backward[-1][0] != 0:
            dbg.step_line(back=True)
            backward.append((dbg.stop.line_index, *shown(dbg)))
        assert forward == backward[::-1]
        for index, *traced in forward:
            while dbg.stop.line_index != index:
                dbg.step_line(back=False)
            dbg.evaluate("None")  # holds the handler there: what follows is live
            assert shown(dbg) == tuple(traced), index


@pytest.mark.parametrize("subject", sorted(set(SUBJECTS) - {"completed map", "live map"}))
def test_samples_are_the_same_by_line_as_live(subject) -> None:
    with open_debugger(subject) as dbg:
        forward = to_the_end(dbg)
        for index, *traced in forward[:: max(1, len(forward) // 12)]:
            while dbg.stop.line_index != index:
                dbg.step_line(back=dbg.stop.line_index is None or dbg.stop.line_index > index)
            dbg.evaluate("None")
            assert shown(dbg) == tuple(traced), index


@pytest.mark.parametrize("subject", SUBJECTS)
def test_operations_by_the_trace_show_what_a_straight_walk_of_live_handlers_shows(subject) -> None:
    with open_debugger(subject) as dbg:
        dbg.break_at("*e*")
        live = straight(dbg)
    with open_debugger(subject) as dbg:
        dbg.break_at("*e*")
        dbg.step_line()
        for place in reversed(range(len(live)) if len(live) < 60 else range(0, len(live), 17)):
            dbg.goto(index=place)
            assert everything(dbg) == live[place]


def test_each_verb_goes_where_a_debugger_of_lines_goes(app) -> None:
    with dd.debug(*app) as dbg:
        dbg.run_to(line_of("total = total_of(cart)"))
        here = dbg.stop.line_index
        assert dbg.step_into().source.function == "total_of"
        assert dbg.run_to(line_of("price = item * 2")).source.function == "prices"
        assert dbg.evaluate("item") == 3
        assert dbg.run_to(line_of("price = item * 2")).kind == "line" and dbg.evaluate("item") == 4
        assert dbg.run_to(line_of("price = item * 2"), back=True).kind == "line" and dbg.evaluate("item") == 3
        assert dbg.step_return().source.line == line_of("total += price")
        assert dbg.step_return(back=True).line_index == here
        after = dbg.next_line()
        assert after.source.line == line_of('return {"total"')
        assert dbg.evaluate("total") == 14
        assert dbg.next_line(back=True).line_index == here
        dbg.next_line()
        assert dbg.step_into(back=True).source.function == "total_of"
        assert dbg.stop.source.line == line_of("return total")
        with pytest.raises(dd.NoSuchStopError, match="calls no function"):
            dbg.step_into()
        with pytest.raises(dd.NoSuchStopError, match="does not run"):
            dbg.run_to(2)


def test_bodies_of_child_contexts_and_of_map_items_are_gone_through_once(app) -> None:
    with dd.debug(*app) as dbg:
        lines = [stop[1].rpartition(":")[2] for stop in to_the_end(dbg)]
    assert lines.count(str(line_of("doubled = inner * 2"))) == 1
    assert lines.count(str(line_of("value = ctx.step"))) == 2


def test_operations_and_lines_are_places_of_one_replay(app) -> None:
    with dd.debug(*app) as dbg:
        stops = [dbg.stop, *(dbg.step_in() for _ in range(len(dbg.run_result.operations)))]
        dbg.goto(index=2)
        assert dbg.step_line(back=True).source.line == dbg.run_result.operations[2].line
        assert dbg.step_in().index == 2 and dbg.stop.kind == "operation"
        assert dbg.step_line().index == 3
        assert dbg.step().index == 3
        for stop in reversed(stops):
            assert dbg.goto(index=stop.index).asked == stop.asked
            assert dbg.stack or dbg.stop.kind == "end"
        assert dbg.evaluate("cart.items") == []


def test_breakpoints_count_their_hits_by_line_too(app) -> None:
    with dd.debug(*app) as dbg:
        made = dbg.break_at("item-*")
        dbg.run_to(line_of('cart.state = "paid"'))
        assert made.hit_count == 2
        dbg.run_to(line_of("cart.add(got"), back=True)
        assert made.hit_count == 2
        dbg.run_to(line_of("cart.add(got"), back=True)
        assert made.hit_count == 1
        assert dbg.run().asked.name == "item-4"


def test_the_history_of_a_value_has_every_value_and_the_line_that_set_it(app) -> None:
    with dd.debug(*app) as dbg:
        totals = dbg.history_of("total")
        inner = totals[totals.function == "total_of"]
        assert list(inner.value) == [0, 0, 6, 14]  # of the call that failed, and of the one that went well
        assert list(inner.line)[1:] == [line_of("total = 0"), *[line_of("total += price")] * 2]
        assert list(totals[totals.function == "handler"].line) == [line_of("total = total_of(cart)")]
        states = dbg.history_of("cart.state")
        assert list(states[states.function == "handler"].value) == ["open", "paid"]
        items = dbg.history_of("cart.items[1]")
        assert list(items[items.function == "handler"].value) == [4]
        assert list(items[items.function == "handler"].operation) == ["item-4"]
        assert dbg.history_of("nowhere").empty
        assert list(dbg.history_of("seen").value)[-1] is None
        with pytest.raises(dd.DurableDebugError, match="part of one"):
            dbg.history_of("len(cart.items)")
        with pytest.raises(dd.DurableDebugError, match="part of one"):
            dbg.history_of("cart.items[number]")


def test_changes_are_gone_to_forward_and_back(app) -> None:
    with dd.debug(*app) as dbg:
        dbg.run_to(line_of('return {"total"'))
        assert dbg.last_change("cart.state").source.line == line_of('cart.state = "paid"')
        assert dbg.evaluate("cart.state") == "open"
        assert dbg.last_change("cart.state").source.line == line_of("cart = Cart()")
        assert dbg.next_change("cart.state").source.line == line_of('cart.state = "paid"')
        with pytest.raises(dd.NoSuchStopError, match="after here"):
            dbg.next_change("cart.state")


@pytest.mark.parametrize("python", [False, sys.executable])
def test_a_table_has_a_row_each_time_that_a_line_runs(app, python) -> None:
    with dd.debug(*app, python=python) as dbg:
        table = dbg.table("price * 10", "total", "nowhere", where=line_of("total += price"))
        assert list(table["price * 10"]) == [60, 80] and list(table["total"]) == [0, 6]
        assert table["nowhere"].isna().all() and table.errors.str.contains("NameError").all()
        assert list(dbg.table("got", where=f"lines_app.py:{line_of('cart.add(got')}")["got"]) == [
            {"n": 3},
            {"n": 4},
        ]
        assert list(dbg.table("len(cart.items)", where=line_of("cart.add(got"))["len(cart.items)"]) == [0, 1]
        with pytest.raises(dd.NoSuchStopError, match="does not run"):
            dbg.table("total", where=2)
        with pytest.raises(dd.DurableDebugError, match="is not an expression"):
            dbg.table("total =", where=line_of("total += price"))
        opened = dbg.table("open('/nowhere/x', 'w')", where=line_of("total += price"))
        assert opened.iloc[:, 4].isna().all()
