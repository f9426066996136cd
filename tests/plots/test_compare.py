"""Several executions beside each other."""

from __future__ import annotations

import random

import matplotlib.pyplot as plt
import pytest

from durable_debug.errors import DurableDebugError
from durable_debug.history import History
from durable_debug.plots.compare import compare, plot_compare
from durable_debug.sources import load
from tests.plots.made import Record, a_map, where


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def order(number: int, *, slow: float = 1.0) -> History:
    dice = random.Random(number)
    record = Record()
    record.started(f"order-{number}")
    at = 0.0
    for n, (name, lasts) in enumerate((("validate", 0.05), ("charge", 0.4), ("pack", 2.0)), 1):
        at = record.step(
            where(n, name), at, [lasts * dice.uniform(0.8, 1.2) * (slow if name == "charge" else 1)]
        )
    record.ended(at)
    return record.history()


ORDERS = [order(number, slow=9 if number == 3 else 1) for number in range(8)]


def test_the_outlier_is_found():
    found = compare(ORDERS)
    assert found[found.outlier][["execution", "name"]].values.tolist() == [["order-3", "charge"]]
    assert len(found) == 8 * 3
    charge = ORDERS[3].operations.set_index("name").elapsed_seconds["charge"]
    row = found.query("execution == 'order-3' and name == 'charge'").iloc[0]
    assert row.value == pytest.approx(charge)
    assert row.value > 2 * row["median"]


def test_among_three_nobody_is_an_outlier():
    assert not compare(ORDERS[2:5]).outlier.any()


def test_names_are_the_same_in_all():
    found = compare([a_map(1), a_map(5)])
    items = found[found.sub_type == "MapIteration"]
    assert items.name.tolist() == ["item-*", "item-*"]
    assert items["count"].tolist() == [1, 5]


def test_executions_have_names_of_their_own():
    assert compare([a_map(1), a_map(1)]).execution.unique().tolist() == ["made", "made (2)"]
    assert compare({"before": a_map(1), "after": a_map(1)}).execution.unique().tolist() == ["before", "after"]


@pytest.mark.parametrize("measure", ["elapsed", "working", "backoff", "waiting", "attempts"])
def test_measures(samples, measure):
    histories = [load(samples / f"espresso_{name}.json") for name in ("completed", "timed_out", "cancelled")]
    found = compare(histories, measure=measure)
    expected = {"elapsed": 3.4, "working": 0.1, "backoff": 3.0, "waiting": 0, "attempts": 3}[measure]
    value = found.query("execution == 'order-402' and name == 'read-event-config'").value.item()
    assert value == pytest.approx(expected, abs=0.5)
    assert plot_compare(histories, measure=measure)


def test_the_picture():
    ax = plot_compare(ORDERS)
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "validate · step",
        "charge · step",
        "pack · step",
    ]
    diamonds = [each for each in ax.collections if each.get_gid() == "outlier"]
    outlier = compare(ORDERS).query("outlier").value.item()
    assert [tuple(each.get_offsets()[0]) for each in diamonds] == [(pytest.approx(outlier), 1.0)]
    assert [text.get_text() for text in ax.texts if text.get_gid() == "outlier name"] == ["order-3"]
    assert (
        sum(len(each.get_offsets()) for each in ax.collections if each.get_gid() == "execution") == 8 * 3 - 1
    )
    assert sum(patch.get_gid() == "box" for patch in ax.patches) == 3
    assert ax.get_xscale() == "log"
    assert ax.get_title(loc="left") == "8 executions, 0 failed · 1 outlier"


def test_two_are_dots_without_boxes(samples):
    histories = [load(samples / f"espresso_{name}.json") for name in ("completed", "timed_out")]
    ax = plot_compare(histories)
    assert not any(patch.get_gid() == "box" for patch in ax.patches)
    assert "1 failed" in ax.get_title(loc="left")


def test_given_axes_are_used():
    _, ax = plt.subplots()
    assert plot_compare(ORDERS, ax=ax) is ax


def test_nothing_and_nonsense_are_refused():
    with pytest.raises(DurableDebugError, match="no history to compare"):
        compare([])
    with pytest.raises(DurableDebugError, match="elapsed, working"):
        compare(ORDERS, measure="beauty")


def test_an_execution_without_operations():
    assert compare([Record().history(), ORDERS[0]]).execution.unique().tolist() == ["order-0"]
    assert plot_compare([Record().history()])
