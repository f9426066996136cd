"""An expression that changes what the handler holds is told of, until the replay is taken anew."""

from __future__ import annotations

import collections
import dataclasses

import durable_debug as dd
import pytest
from aws_durable_execution_sdk_python import durable_execution

from tests.engine import subject

SEEN = []


@dataclasses.dataclass(slots=True)
class Line:
    cents: int


class Order:
    def __init__(self) -> None:
        self.lines = [Line(5)]
        self.paid = False

    def pay(self) -> bool:
        self.paid = True
        return True

    def total(self) -> int:
        return sum(line.cents for line in self.lines)


@durable_execution
def handler(event, context):
    order, items, names, queue, numbers = Order(), [1, 2], {"a"}, collections.deque([1]), iter([1, 2])
    data = {"lines": [{"cents": 1}], "raw": bytearray(b"x")}
    lookup = collections.defaultdict(list)
    context.step(lambda _: 1, name="first")
    context.step(lambda _: 2, name="second")
    return [order.paid, items, sorted(names), list(queue), list(numbers), len(data), len(lookup)]


@pytest.fixture(scope="module")
def history():
    return subject.history_of(handler)


CHANGES = [
    "order.pay()",
    "setattr(order, 'paid', 1)",
    "order.__dict__.update(paid=1)",
    "setattr(order.lines[0], 'cents', 9)",
    "items.append(3)",
    "items.clear()",
    "items.__setitem__(0, 9)",
    "items.sort(reverse=True)",
    "[items.append(n) for n in range(3)]",
    "names.add('b')",
    "queue.popleft()",
    "next(numbers)",
    "list(numbers)",
    "data['lines'][0].update(cents=2)",
    "data['lines'].append(1)",
    "data['raw'].extend(b'y')",
    "lookup['missing']",
    "SEEN.append(1)",
    "sorted(items, key=lambda n: names.add(n) or n)",
    "list(map(names.add, items))",
]

HARMLESS = [
    "order.total()",
    "order.lines[0].cents + 1",
    "len(items) + sum(items)",
    "[n * 2 for n in items]",
    "sorted(items, reverse=True)",
    "(copied := list(items)).append(5) or copied",
    "data.get('nothing', [])",
    "{**data, 'more': 1}",
    "data['lines'] if 'lines' in data else None",
    "items.count(1)",
    "names | {'b'}",
]


@pytest.mark.parametrize("expression", CHANGES)
def test_a_change_is_told_of_until_the_replay_is_taken_anew(expression, history) -> None:
    SEEN.clear()
    with dd.debug(handler, history) as dbg:
        assert dbg.stop.changed_by is None
        dbg.evaluate(expression)
        assert dbg.stop.changed_by == expression
        assert "changed by an expression" in repr(dbg.stop)
        dbg.step()
        assert dbg.stop.index == 1 and dbg.stop.changed_by == expression
        dbg.step_back()
        assert dbg.stop.changed_by is None and "changed by" not in repr(dbg.stop)
        dbg.run()
        assert dbg.stop.changed_by is None and dbg.stop.status == "SUCCEEDED"
    SEEN.clear()


@pytest.mark.parametrize("expression", HARMLESS)
def test_looking_changes_nothing(expression, history) -> None:
    with dd.debug(handler, history) as dbg:
        dbg.evaluate(expression)
        assert dbg.stop.changed_by is None


def test_a_condition_that_changes_something_is_told_of(history) -> None:
    with dd.debug(handler, history) as dbg:
        breakpoint = dbg.break_at(name="second", when="order.pay()")
        dbg.run()
        assert dbg.stop.asked.name == "second"
        assert dbg.stop.changed_by == "order.pay()" and "changes order" in breakpoint.note


def test_going_to_the_same_stop_takes_the_replay_anew(history) -> None:
    with dd.debug(handler, history) as dbg:
        dbg.step()
        dbg.evaluate("items.append(3)")
        assert dbg.locals["items"] == [1, 2, 3]
        dbg.goto(name="second")
        assert dbg.stop.index == 1 and dbg.locals["items"] == [1, 2] and dbg.stop.changed_by is None


def test_very_much_data_is_looked_at_within_bounds(history) -> None:
    from durable_debug.engine.changes import Changes

    class Frame:
        f_locals = {"small": [1], "many": [[n] for n in range(200_000)]}
        f_globals: dict = {}

    held = Changes(Frame, "small.append(1)")
    Frame.f_locals["small"].append(2)
    assert held.changed() == "small" or len(held._noted) < 60_000


def test_the_panel_says_so(history) -> None:
    from durable_debug.widgets import DebuggerPanel

    with dd.debug(handler, history) as dbg:
        panel = DebuggerPanel(dbg)
        dbg.evaluate("items.append(3)")
        assert "changed by an expression" in panel.view["headline"]
        dbg.goto(name="first")
        assert "changed" not in panel.view["headline"]
        panel.close()


class Loud:
    def __repr__(self) -> str:
        open("made", "w")
        return "loud"


@durable_execution
def has_a_loud_variable(event, context):
    loud, quiet = Loud(), 5
    context.step(lambda _: 1, name="first")
    return [loud is None, quiet]


def test_what_a_repr_does_is_refused_and_the_other_variables_are_shown(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with dd.debug(has_a_loud_variable, subject.history_of(has_a_loud_variable)) as dbg:
        shown = {one.name: one.preview for one in dbg.variables()}
    assert "its repr raises" in shown["loud"] and shown["quiet"] == "5"
    assert list(tmp_path.iterdir()) == []
